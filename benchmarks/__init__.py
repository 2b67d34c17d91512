"""benchmarks: how fast ftx is here, beside JAX where it is installed."""

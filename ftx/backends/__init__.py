"""backends: jaxpr to machine.

Read in this order: pipeline, loops, lowering, fusion, nests, source_code, scalar_text, library,
memory, cpu, then executor, cache, numba_adapter, parallel, vector_math/, and reference.
Importing this package imports nothing; `ftx/__init__` registers the backends.
"""

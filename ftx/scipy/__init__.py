"""ftx.scipy: the parts of jax.scipy that ftx has: special functions, linear algebra, statistics.

In: arrays.  Out: arrays.
Must not know: SciPy, but for the functions of `special` that no formula here computes.
"""

from . import linalg, special, stats

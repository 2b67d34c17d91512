"""ftx.scipy: the parts of jax.scipy that ftx has, each imported when first used.

In: arrays.  Out: arrays.
Must not know: SciPy, but for the functions of `special` that no formula here computes.
"""

import importlib

from . import linalg, special, stats

_LAZY = frozenset(
    {"cluster", "fft", "integrate", "interpolate", "ndimage", "optimize", "signal", "sparse"}
)


def __getattr__(name):
    """Submodules that are imported when first used."""
    if name in _LAZY:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

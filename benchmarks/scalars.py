"""Scalar functions over an array, on one thread, beside NumPy's and SciPy's own.

In: a scale.  Out: rows; the limit is the other library's time, into an array it is given.
"""

import numpy as np

import ftx
import ftx.lax

from .measure import in_turn
from .rows import Row

TARGET = 1.0


def peers():
    """name: (function of ftx, NumPy's or SciPy's, spread of the arguments, who it is)."""
    found = {
        "exp": (ftx.numpy.exp, np.exp, 5, "numpy"),
        "log": (ftx.numpy.log, np.log, 5, "numpy"),
        "tanh": (ftx.numpy.tanh, np.tanh, 2, "numpy"),
        "sin": (ftx.numpy.sin, np.sin, 10, "numpy"),
    }
    try:
        from scipy.special import erf
    except ImportError:
        return found
    return found | {"erf": (ftx.lax.erf, erf, 1, "scipy.special")}


def rows(scale):
    """The section's rows."""
    n = 10**6 // scale.divisor**2
    with ftx.config.override(num_threads=1):
        for dtype in ("float32", "float64"):
            for name, (ours, theirs, spread, who) in peers().items():
                x = (np.random.RandomState(1).randn(n) * spread).astype(dtype)
                x = np.abs(x) + dtype_tiny(dtype) if name == "log" else x
                out = np.empty_like(x)
                compiled, given = ftx.jit(ours), ftx.numpy.asarray(x)
                calls = {
                    "ftx": lambda f=compiled, x=given: f(x),
                    "limit": lambda f=theirs, x=x, out=out: f(x, out=out),
                }
                times = in_turn(calls, scale.rounds, scale.seconds)
                label = f"{name} of {n} {dtype}"
                yield Row("scalar functions", label, times["ftx"], times["limit"], TARGET, who)


def dtype_tiny(dtype):
    """The smallest normal number, so that no logarithm is of zero."""
    return np.finfo(dtype).tiny

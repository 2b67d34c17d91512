"""Matrix products beside the fastest way to call the BLAS that is there.

In: a scale.  Out: rows; the limit is the fastest of NumPy's matmul and SciPy's gemm, each with 1
thread and with 2, into arrays they are given.
"""

import ctypes
import os
from pathlib import Path

import numpy as np

import ftx

from .measure import in_turn
from .rows import Row

TARGET = 1.1
REST = 0.3
"""Seconds between turns: OpenBLAS's threads spin for some time after a call, on the cores of
whoever comes next."""
SIZES = ((1024, 1024, 1024), (512, 256, 1024), (128, 784, 512))
SETTERS = (
    "scipy_openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "openblas_set_num_threads",
)


def thread_setters():
    """Functions that set the number of threads of every OpenBLAS that is loaded."""
    found = []
    for package in ("numpy", "scipy"):
        try:
            folder = Path(__import__(package).__file__).parent
        except ImportError:
            continue
        files = [
            *folder.parent.glob(f"{package}.libs/*openblas*"),
            *folder.glob(".dylibs/*openbl*"),
        ]
        for path in files:
            library = ctypes.CDLL(str(path))
            found += [getattr(library, s) for s in SETTERS if hasattr(library, s)][:1]
    return found


def peers(a, b):
    """name: a call of a BLAS."""
    out = np.empty((a.shape[0], b.shape[1]), a.dtype)
    calls = {"numpy": lambda: np.matmul(a, b, out=out)}
    try:
        from scipy.linalg import blas
    except ImportError:
        return calls
    gemm = blas.sgemm if a.dtype == np.float32 else blas.dgemm
    column_major = np.asfortranarray(out).T.copy(order="F")
    # Row-major operands are the transposes of column-major ones: no copies are made.
    calls["scipy"] = lambda: gemm(1.0, b.T, a.T, c=column_major, overwrite_c=1)
    return calls


def with_threads(call, count):
    """`call` with BLAS on `count` threads."""
    setters = thread_setters()

    def run():
        for set_threads in setters:
            set_threads(count)
        call()

    return run


def rows(scale):
    """The section's rows; BLAS has all threads again afterwards."""
    try:
        yield from _rows(scale)
    finally:
        with_threads(lambda: None, os.cpu_count() or 1)()


def _rows(scale):
    for dtype in ("float32", "float64"):
        for m, k, n in SIZES:
            m, k, n = (max(4, s // scale.divisor) for s in (m, k, n))
            random = np.random.RandomState(0)
            a, b = random.randn(m, k).astype(dtype), random.randn(k, n).astype(dtype)
            compiled, given = (
                ftx.jit(lambda a, b: a @ b),
                (ftx.numpy.asarray(a), ftx.numpy.asarray(b)),
            )
            calls = {"ftx": lambda f=compiled, given=given: f(*given)}
            for name, call in peers(a, b).items():
                for threads in (1, 2):
                    words = f"{name}, {threads} thread{'s' * (threads > 1)}"
                    calls[words] = with_threads(call, threads)
            times = in_turn(calls, scale.rounds, scale.seconds, REST)
            mine = times.pop("ftx")
            best = min(times, key=times.get)
            yield Row("products", f"{m}x{k} @ {k}x{n} {dtype}", mine, times[best], TARGET, best)

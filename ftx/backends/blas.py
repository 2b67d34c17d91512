"""BLAS by address: which routine serves a product, its operands as words of an instruction.

In: the sizes and flags of a product.  Out: integers for the executor's table.
Uses the OpenBLAS that NumPy has loaded; SciPy is imported only where NumPy has another BLAS.
Must not know: programs, buffers, jaxprs.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
from pathlib import Path
from typing import Any

import numpy as np

LETTERS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}
_WORTH_A_REGION = 2**20  # multiply-adds of a batch: about 20 us of one thread


@functools.cache
def _openblas() -> Any:
    """NumPy's own OpenBLAS, or None where NumPy has another BLAS."""
    folder = Path(np.__file__).parent
    for path in [*folder.parent.glob("numpy.libs/*openblas*"), *folder.glob(".dylibs/*openblas*")]:
        with contextlib.suppress(OSError):
            return ctypes.CDLL(str(path))
    return None


@functools.cache
def blas_limit_address() -> int:
    """Address of a function that sets BLAS's thread count and returns the former; 0 if none."""
    function = getattr(_openblas(), "openblas_set_num_threads_local", None)
    return ctypes.cast(function, ctypes.c_void_p).value or 0 if function else 0


@functools.cache
def blas_address(routine: str) -> int:
    """Address of a Fortran BLAS routine such as "sgemm": in NumPy's OpenBLAS, else SciPy's.

    NumPy's is loaded already, and shares its threads with NumPy; importing SciPy's takes 0.25 s.
    The executor keeps integers in int64 words, whose low half is right for a 32-bit BLAS too.
    """
    for name in (f"scipy_{routine}_64_", f"scipy_{routine}_", f"{routine}_"):
        with contextlib.suppress(AttributeError):
            return ctypes.cast(getattr(_openblas(), name), ctypes.c_void_p).value or 0
    from scipy.linalg import cython_blas

    return _capsule_address(cython_blas, routine)


@functools.cache
def lapack_address(routine: str) -> int:
    """Address of a Fortran LAPACK routine such as "spotrf", found as BLAS is."""
    for name in (f"scipy_{routine}_64_", f"scipy_{routine}_", f"{routine}_"):
        with contextlib.suppress(AttributeError):
            return ctypes.cast(getattr(_openblas(), name), ctypes.c_void_p).value or 0
    from scipy.linalg import cython_lapack

    return _capsule_address(cython_lapack, routine)


def _capsule_address(module: Any, routine: str) -> int:
    capsule = module.__pyx_capi__[routine]
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = (
        ctypes.c_char_p,
        [ctypes.py_object],
    )
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))


def blas_words(gemm: Any) -> tuple[int, list[int]]:
    """(1 if the batch goes on our threads, operands of `run_products` from its function on).

    A row-major matrix is the transpose of a column-major one, so c' = op(b)' op(a)' needs no
    copies. One column or row goes to gemv: measured 4 to 6 times faster at 2048, level when small.
    """
    dtype = np.dtype(gemm.dtype)
    letter = LETTERS.get(dtype.name)
    if letter is None or gemm.ta not in "NTC" or gemm.tb not in "NTC":
        raise ValueError(
            f"Gemm: expected a dtype of {tuple(LETTERS)} and ta, tb of N, T, C, got "
            f"{dtype.name}, {gemm.ta!r}, {gemm.tb!r}"
        )
    m, n, k = gemm.m, gemm.n, gemm.k
    lda = gemm.lda or max(1, k if gemm.ta == "N" else m)
    ldb = gemm.ldb or max(1, n if gemm.tb == "N" else k)
    ldc = gemm.ldc or max(1, n)
    strides = [s * dtype.itemsize for s in (gemm.stride_a, gemm.stride_b, gemm.stride_c)]
    scalars: list[int] = []
    for value in (gemm.alpha, gemm.beta):
        raw = np.array(value).astype(dtype).tobytes().ljust(16, b"\0")
        scalars += np.frombuffer(raw, np.int64).tolist()
    flip = {"N": ord("T"), "T": ord("N")}
    if n == 1 and k > 1 and gemm.ta != "C" and gemm.tb != "C":  # a is the matrix
        rows, columns = (k, m) if gemm.ta == "N" else (m, k)
        vector = ldb if gemm.tb == "N" else 1
        form, sizes = 1, [flip[gemm.ta], 0, rows, columns, 0, lda, vector, ldc]
    elif m == 1 and k > 1 and gemm.ta != "C" and gemm.tb != "C":  # b is
        rows, columns = (n, k) if gemm.tb == "N" else (k, n)
        vector = lda if gemm.ta == "T" else 1
        form, sizes = 2, [ord(gemm.tb), 0, rows, columns, 0, ldb, vector, 1]
    else:
        form, sizes = 0, [ord(gemm.tb), ord(gemm.ta), n, m, k, ldb, lda, ldc]
    function = blas_address(letter + ("gemv" if form else "gemm"))
    work = m * n * k
    together = gemm.batch > 1 and work * gemm.batch >= _WORTH_A_REGION
    return int(together), [function, form, *sizes, *scalars, *strides]

"""Cholesky factors and triangular solves as steps of a program, without a return to Python.

In: a cholesky or triangular_solve equation and its buffers.  Out: thunks that call LAPACK and BLAS
by address, one matrix or a slice of right-hand sides at a time, on our threads; or None where
the host function must do it (sizes at which LAPACK's own threads pay, conjugates it cannot take).
A row-major matrix is the transpose of a column-major one, so triangles and sides are exchanged.
Knows nothing of: jaxprs beyond the equation, the executor's instructions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.jaxpr import Eqn
from . import cache
from .blas import blas_address, lapack_address
from .executor import Copy, RunChunks, RunKernel, Thunk
from .machine_code import Kernel

LETTERS = {
    dtypes.float32: "s",
    dtypes.float64: "d",
    dtypes.complex64: "c",
    dtypes.complex128: "z",
}
LARGE = 768
"""Rows from which LAPACK's own threads factor a matrix faster than one of ours."""
PARALLEL = 1 << 18
"""Multiply-adds from which a solve is cut into slices of right-hand sides."""

_SOLVE = """def kernel(args, lo, hi):
    w = load_int64(args + 16)
    slices = load_int64(w + 88)
    for task in range(lo, hi):
        i = task // slices
        s = task % slices
        a = load_int64(args) + i * load_int64(w + 96)
        x = load_int64(args + 8) + i * load_int64(w + 104) + s * load_int64(w + 112)
        last = 8 * (s == slices - 1)
        call_address(load_int64(w), (w + 8, w + 16, w + 24, w + 32, w + load_int64(w + 120) + last,
                     w + load_int64(w + 128) + last, w + 56, a, w + 72, x, w + 80))
    return 0
"""
_SOLVE_VECTOR = """def kernel(args, lo, hi):
    w = load_int64(args + 16)
    for i in range(lo, hi):
        a = load_int64(args) + i * load_int64(w + 56)
        x = load_int64(args + 8) + i * load_int64(w + 64)
        call_address(load_int64(w), (w + 8, w + 16, w + 24, w + 32, a, w + 40, x, w + 48))
    return 0
"""


def _factor_text(itemsize: int, parts: int) -> str:
    word = {4: "int32", 8: "int64"}[itemsize // parts]
    nan = {4: 0x7FC00000, 8: 0x7FF8000000000000}[itemsize // parts]
    size = itemsize // parts
    return f"""def kernel(args, lo, hi):
    w = load_int64(args + 16)
    n = load_int64(w + 16)
    for i in range(lo, hi):
        x = load_int64(args) + i * n * n * {itemsize}
        status = load_int64(args + 8) + i * 8
        store_int64(status, 0)
        call_address(load_int64(w), (w + 8, w + 16, x, w + 24, status))
        failed = load_int32(status) != 0
        for r in range(n):
            row = x + r * n * {itemsize}
            if failed:
                for c in range((r + 1) * {parts}):
                    store_{word}(row + c * {size}, {nan})
            for c in range((r + 1) * {parts}, n * {parts}):
                store_{word}(row + c * {size}, 0)
    return 0
"""


def cholesky_steps(assembler: Any, eqn: Eqn, x: Any, out: Any) -> list[Thunk] | None:
    """Thunks for the lower factors of a batch of matrices."""
    aval = eqn.outvars[0].aval
    letter, n = LETTERS.get(aval.dtype), aval.shape[-1]
    batch = math.prod(aval.shape[:-2])
    if letter is None or n > LARGE or not aval.size:
        return None
    function = lapack_address(letter + "potrf")
    words = assembler.constant([function, ord("U"), n, n], np.int64)
    status = assembler.scratch(8 * batch)
    assembler.uses_blas = True
    itemsize, parts = aval.dtype.itemsize, 2 if letter in "cz" else 1
    text = _factor_text(itemsize, parts)
    step = _run(_kernel(text), [out, status, words], batch, batch * n**3 // 3, "cholesky")
    return [Copy(out, x, aval.nbytes), step]


def solve_steps(assembler: Any, eqn: Eqn, a: Any, b: Any, out: Any) -> list[Thunk] | None:
    """Thunks that solve op(a) X = b, or X op(a) = b, for a batch of matrices."""
    p, aval = eqn.params, eqn.outvars[0].aval
    letter = LETTERS.get(aval.dtype)
    conjugate = p["conjugate_a"] and letter in ("c", "z")
    if letter is None or not aval.size or (conjugate and not p["transpose_a"]):
        return None
    left, n = p["left_side"], eqn.invars[0].aval.shape[-1]
    columns = aval.size // math.prod(aval.shape[:-2]) // n
    uplo = ord("U" if p["lower"] else "L")
    diagonal = ord("U" if p["unit_diagonal"] else "N")
    turned = ("C" if conjugate else "T") if p["transpose_a"] else "N"
    batch = math.prod(aval.shape[:-2])
    itemsize = aval.dtype.itemsize
    assembler.uses_blas = True
    copy = Copy(out, b, aval.nbytes)
    work = batch * columns * n * n // 2
    if columns == 1:
        if left and conjugate:
            return None
        trans = turned if not left else {"N": "T", "T": "N"}[turned]
        words = [
            *(blas_address(letter + "trsv"), uplo, ord(trans), diagonal, n, n, 1),
            *(n * n * itemsize, n * itemsize),
        ]
        table = assembler.constant(words, np.int64)
        return [copy, _run(_kernel(_SOLVE_VECTOR), [a, out, table], batch, work, "solve")]
    slices = max(1, min(8, columns // 32, work // PARALLEL // batch))
    each = -(-columns // slices)
    each = min(columns, -(-each // 16) * 16)
    slices = -(-columns // each)
    rest = columns - (slices - 1) * each
    one = int.from_bytes(np.ones(1, aval.dtype).tobytes().ljust(16, b"\0")[:8], "little")
    vary, fixed = 136, 152  # where the sizes lie: [each, rest] and [n, n]
    words = [
        *(blas_address(letter + "trsm"), ord("R" if left else "L"), uplo, ord(turned), diagonal),
        *(0, 0, one, 0, n, columns if left else n, slices),
        *(n * n * itemsize, columns * n * itemsize, each * (1 if left else n) * itemsize),
        *((vary, fixed) if left else (fixed, vary)),
        *(each, rest, n, n),
    ]
    table = assembler.constant(words, np.int64)
    label = f"solve {columns} columns"
    return [copy, _run(_kernel(_SOLVE), [a, out, table], batch * slices, work, label)]


def _kernel(text: str) -> Kernel:
    return cache.get_kernel(text, "kernel")


def _run(kernel: Kernel, entries: list[Any], tasks: int, work: int, label: str) -> Thunk:
    if tasks > 1 and work >= PARALLEL:
        return RunChunks(kernel, entries, tasks, -(-tasks // 64), label=label)
    return RunKernel(kernel, entries, tasks, label=label)

"""Cholesky factors and triangular solves as steps of a program, without a return to Python.

In: a cholesky or triangular_solve equation and its buffers.  Out: thunks that call LAPACK and BLAS
by address, one matrix or a slice of right-hand sides at a time, on our threads; or None where
the host function must do it (sizes at which LAPACK's own threads pay, conjugates it cannot take).
A row-major matrix is the transpose of a column-major one, so triangles and sides are exchanged.
Knows nothing of: jaxprs beyond the equation, the executor's instructions.
"""

from __future__ import annotations

import enum
import math
from typing import Any

import numpy as np

from ..core.jaxpr import Eqn
from . import cache
from .blas import LETTERS, blas_address, lapack_address
from .machine_code import Kernel
from .thunks import Copy, Thunk, run_tasks

LARGE = 768
"""Rows from which LAPACK's own threads factor a matrix faster than one of ours."""
PARALLEL = 1 << 18
"""Multiply-adds from which a solve is cut into slices of right-hand sides."""

BLOCK = 64
"""Unknowns solved for at a time; the rest of the matrix meets them in a product, which is fast."""


class Word(enum.IntEnum):
    """Byte offsets in the table of a solve. T is op(a) transposed, as BLAS sees it, and X T = B
    (side R: a slice of rows of X) or T X = B (side L: a slice of columns)."""

    (
        TRSM,
        GEMM,
        SIDE,
        UPLO,
        TRANS,
        PLAIN,
        DIAGONAL,
        N,
        LDB,
        SLICES,
        A_BATCH,
        X_BATCH,
        X_SLICE,
        ACROSS,
        ALONG,
        UPWARDS,
        IS_RIGHT,
        EACH,
        LAST,
    ) = range(0, 19 * 8, 8)
    ONE, MINUS_ONE = 19 * 8, 21 * 8


def _solve_text(itemsize: int) -> str:
    """kernel(args, lo, hi) for slices [lo, hi): matrices, unknowns, table, scratch.

    In T a step across goes from a block of unknowns to the next in the same equation: element
    (k, j) of T lies at k * ALONG + j * ACROSS.
    """
    w = Word
    at = lambda word: f"w + {int(word)}"
    word = lambda name: f"load_int64(w + {int(name)})"
    return f"""def kernel(args, lo, hi):
    w = load_int64(args + 16)
    n = {word(w.N)}
    slices = {word(w.SLICES)}
    across = {word(w.ACROSS)}
    along = {word(w.ALONG)}
    right = {word(w.IS_RIGHT)}
    step = {itemsize}
    if right == 1:
        step = {word(w.LDB)} * {itemsize}
    for task in range(lo, hi):
        s = task % slices
        a = load_int64(args) + task // slices * {word(w.A_BATCH)}
        x = load_int64(args + 8) + task // slices * {word(w.X_BATCH)} + s * {word(w.X_SLICE)}
        some = w + {int(w.EACH)} + 8 * (s == slices - 1)
        sizes = load_int64(args + 24) + task * 16
        for block in range(0, n, {BLOCK}):
            many = min({BLOCK}, n - block)
            k = block
            first = block + many
            rest = n - first
            if {word(w.UPWARDS)} == 1:
                k = n - block - many
                first = 0
                rest = k
            store_int64(sizes, many)
            store_int64(sizes + 8, rest)
            t = a + k * (across + along)
            there = x + k * step
            other = x + first * step
            rows, columns = sizes, some
            if right == 1:
                rows, columns = some, sizes
            call_address({word(w.TRSM)}, ({at(w.SIDE)}, {at(w.UPLO)}, {at(w.TRANS)},
                         {at(w.DIAGONAL)}, rows, columns, {at(w.ONE)}, t, {at(w.N)},
                         there, {at(w.LDB)}))
            if rest > 0 and right == 1:
                call_address({word(w.GEMM)}, ({at(w.PLAIN)}, {at(w.TRANS)}, some, sizes + 8, sizes,
                             {at(w.MINUS_ONE)}, there, {at(w.LDB)}, a + k * along + first * across,
                             {at(w.N)}, {at(w.ONE)}, other, {at(w.LDB)}))
            elif rest > 0:
                call_address({word(w.GEMM)}, ({at(w.TRANS)}, {at(w.PLAIN)}, sizes + 8, some, sizes,
                             {at(w.MINUS_ONE)}, a + first * along + k * across, {at(w.N)}, there,
                             {at(w.LDB)}, {at(w.ONE)}, other, {at(w.LDB)}))
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
    letter, n = LETTERS.get(aval.dtype.name), aval.shape[-1]
    batch = math.prod(aval.shape[:-2])
    if letter is None or n > LARGE or not aval.size:
        return None
    function = lapack_address(letter + "potrf")
    words = assembler.constant([function, ord("U"), n, n], np.int64)
    status = assembler.scratch(8 * batch)
    assembler.uses_blas = True
    itemsize, parts = aval.dtype.itemsize, 2 if letter in "cz" else 1
    text = _factor_text(itemsize, parts)
    parallel = batch * n**3 // 3 >= PARALLEL
    step = run_tasks(_kernel(text), [out, status, words], batch, parallel, "cholesky")
    return [Copy(out, x, aval.nbytes), step]


def solve_steps(assembler: Any, eqn: Eqn, a: Any, b: Any, out: Any) -> list[Thunk] | None:
    """Thunks that solve op(a) X = b, or X op(a) = b, for a batch of matrices."""
    p, aval = eqn.params, eqn.outvars[0].aval
    letter = LETTERS.get(aval.dtype.name)
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
    parallel = work >= PARALLEL
    if columns == 1:
        if left and conjugate:
            return None
        trans = turned if not left else {"N": "T", "T": "N"}[turned]
        words = [
            *(blas_address(letter + "trsv"), uplo, ord(trans), diagonal, n, n, 1),
            *(n * n * itemsize, n * itemsize),
        ]
        table = assembler.constant(words, np.int64)
        entries = [a, out, table]
        return [copy, run_tasks(_kernel(_SOLVE_VECTOR), entries, batch, parallel, "solve")]
    slices = max(1, min(8, columns // 32, work // PARALLEL // batch))
    each = -(-columns // slices)
    each = min(columns, -(-each // 16) * 16)
    slices = -(-columns // each)
    plain = turned == "N"
    words = [
        *(blas_address(letter + "trsm"), blas_address(letter + "gemm"), ord("R" if left else "L")),
        *(uplo, ord(turned), ord("N"), diagonal, n, columns if left else n, slices),
        *(n * n * itemsize, columns * n * itemsize, each * (1 if left else n) * itemsize),
        *((n * itemsize, itemsize) if plain else (itemsize, n * itemsize)),
        # T is upper triangular where BLAS's view is, or is lower and turned.  X T = B is solved
        # downwards for an upper T, T X = B for a lower one.
        int((p["lower"] == plain) != left),
        *(int(left), each, columns - (slices - 1) * each),
        *_number(1, aval.dtype),
        *_number(-1, aval.dtype),
    ]
    table = assembler.constant(words, np.int64)
    sizes = assembler.scratch(16 * batch * slices)
    kernel = _kernel(_solve_text(itemsize))
    label = f"solve {columns} columns"
    return [copy, run_tasks(kernel, [a, out, table, sizes], batch * slices, parallel, label)]


def _number(value: int, dtype: Any) -> list[int]:
    """A scalar of BLAS as two words."""
    raw = np.array(value, dtype).tobytes().ljust(16, b"\0")
    return np.frombuffer(raw, np.int64).tolist()


def _kernel(text: str) -> Kernel:
    return cache.get_kernel(text, "kernel")

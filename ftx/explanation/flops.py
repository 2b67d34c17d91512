"""How many floating-point operations one application of a scalar operation counts as.

In: an operation of the loop IR and its dtype, or an equation that a library computes.
Out: a number; None where no count is agreed on.
A count is what the arithmetic of the method needs, whatever the machine does: a fused
multiply-add is two operations; a division or square root is one; comparing, choosing, converting,
negating, rounding and all integer arithmetic are none.
Knows nothing of: kernels, time.
"""

from __future__ import annotations

import math
from typing import Any

from ..core import dtypes
from ..core.dtypes import DType
from ..core.jaxpr import Eqn

ARITHMETIC = dict.fromkeys(("add", "sub", "mul", "div", "square", "sqrt", "max", "min", "rem"), 1)
ARITHMETIC["rsqrt"] = 2
FUNCTIONS = {
    "exp": (19, 31), "exp2": (17, 27), "expm1": (24, 34), "log": (23, 25), "log2": (26, 26),
    "log1p": (30, 32), "cbrt": (26, 33), "pow": (43, 103), "sin": (27, 55), "cos": (27, 55),
    "tan": (28, 56), "asin": (21, 35), "acos": (23, 37), "atan": (19, 31), "atan2": (23, 35),
    "sinh": (28, 38), "cosh": (25, 35), "tanh": (24, 36), "asinh": (36, 38), "acosh": (36, 38),
    "atanh": (34, 36), "logistic": (22, 34), "erf": (37, 100), "erfc": (69, 113),
    "erf_inv": (50, 86), "lgamma": (213, 213), "digamma": (170, 170),
    "i0": (48, 80), "i1": (49, 81), "i0e": (48, 80), "i1e": (49, 81), "ndtri": (59, 91),
    "erfcx": (87, 131), "expi": (246, 246), "exp1": (120, 120), "trigamma": (100, 98),
}  # fmt: skip
"""Additions, multiplications and divisions in `backends/vector_math`, float32 and float64,
every branch counted: vectorised code computes them all. A test counts them again."""
COMPLEX = {"add": 2, "sub": 2, "mul": 6, "div": 11, "square": 6, "abs": 4}
"""Real operations of one on complex numbers."""


def of_operation(op: str, dtype: DType, operand: DType) -> int:
    """Of one scalar operation; `operand` is the dtype of its first operand."""
    if dtypes.is_complex(operand) or dtypes.is_complex(dtype):
        return COMPLEX.get(op, 0)
    if not dtypes.is_float(operand):
        return 0
    if op in FUNCTIONS:
        return FUNCTIONS[op][operand.itemsize > 4]
    return ARITHMETIC.get(op, 0)


def of_product(m: int, n: int, k: int, batch: int, dtype: DType) -> int:
    """Of `batch` matrix products."""
    return batch * m * n * k * (8 if dtypes.is_complex(dtype) else 2)


def of_library(eqn: Eqn) -> int | None:
    """Of an equation that a library routine computes."""
    rule = LIBRARY.get(eqn.primitive.name)
    return None if rule is None else round(rule(eqn))


def _square(coefficient: float) -> Any:
    """coefficient * n^3 for every matrix in a stack of n by n."""

    def rule(eqn: Eqn) -> float:
        a = eqn.invars[0].aval
        return coefficient * math.prod(a.shape[:-2]) * a.shape[-1] ** 3 * _real(a.dtype)

    return rule


def _solve(eqn: Eqn) -> float:
    """n^2 for every right-hand side."""
    a, b = (v.aval for v in eqn.invars[:2])
    return b.size * a.shape[-1] * _real(b.dtype)


def _qr(eqn: Eqn) -> float:
    """Householder: 2 n^2 (m - n / 3), and as much again for q."""
    a = eqn.invars[0].aval
    m, n = max(a.shape[-2:]), min(a.shape[-2:])
    return 4 * math.prod(a.shape[:-2]) * n * n * (m - n / 3) * _real(a.dtype)


def _fft(eqn: Eqn) -> float:
    """5 n log2 n, half of it if one side is real: the convention of FFTW."""
    given, made = eqn.invars[0].aval, eqn.outvars[0].aval
    whole = max(given, made, key=lambda aval: aval.size)
    n = math.prod(whole.shape[a] for a in eqn.params["axes"])
    both = dtypes.is_complex(given.dtype) and dtypes.is_complex(made.dtype)
    return (5 if both else 2.5) * whole.size * math.log2(max(n, 2))


def _real(dtype: DType) -> int:
    return 4 if dtypes.is_complex(dtype) else 1


LIBRARY = {
    "cholesky": _square(1 / 3),
    "lu": _square(2 / 3),
    "triangular_solve": _solve,
    "qr": _qr,
    "fft": _fft,
    "sort": lambda eqn: 0,
    "sort_rows": lambda eqn: 0,
    "top_k": lambda eqn: 0,
}
"""Leading terms from Golub and Van Loan, Matrix Computations. Eigenvalues and singular values have
none: their count depends on how fast they converge."""

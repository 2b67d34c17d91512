"""Floating-point numbers taken apart and put together: mantissa, exponent, fraction, spacing.

In: arrays, tracers, NumPy arrays, numbers.  Out: arrays of the operands' common shape.
Must not know: axes.
"""

import math

import ml_dtypes
import numpy as np

from ..core import dtypes
from ..core.array import Array
from ..core.errors import UnsupportedError
from ..core.primitives import bits
from ..core.primitives import elementwise as E
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.primitives import transcendental as T
from . import elementwise as U
from .at_once import FLOATS, SINGLES, at_hand, at_once
from .composed import clip, isnan
from .elementwise import constant_like
from .promotion import QUIET, as_type, broadcast_value, operand, promote_dtypes

__all__ = ["frexp", "ldexp", "modf", "nan_to_num", "spacing"]

_EXPONENTS = "bhilBHI"


@at_once(np.modf, FLOATS)
def modf(x, /, out=None):
    """(fraction, whole part), both with the sign of x. x: real[...], by element.

    >>> [float(v) for v in modf(2.5)]
    [0.5, 2.0]
    """
    if out is not None:
        raise UnsupportedError(
            f"modf: expected out=None, since arrays are immutable, got {type(out).__name__}; "
            "use the result"
        )
    (x,) = promote_dtypes("modf", x, inexact=True)
    whole = E.trunc(x)
    infinite = E.eq(E.abs_(x), constant_like(x, math.inf))
    rest = C.select(infinite, constant_like(x, 0), E.sub(x, whole))
    return U.copysign(rest, x), whole


def ldexp(x1, x2, /):
    """x1 * 2**x2. x1: real, x2: integer; broadcast together, by element.

    >>> ldexp(3.0, 2).tolist()
    12.0
    """
    x, n = operand("ldexp", x1), operand("ldexp", x2)
    if at_hand(x, n) and x.dtype.char in SINGLES and n.dtype.char in _EXPONENTS:
        try:
            return Array(QUIET.run(np.ldexp, x._np, n._np))
        except ValueError:
            pass  # as below, with an error that says more
    (x,) = promote_dtypes("ldexp", x, inexact=True)
    info = ml_dtypes.finfo(x.dtype)
    # Three powers of two that are all normal numbers take any x to 0 or to infinity.
    most = 3 * (info.maxexp - 2)
    n = C.convert(clip(n, -most, most), dtypes.int32)
    for parts in (3, 2, 1):
        part = U.floor_divide(n, parts)
        x = U.multiply(x, _power_of_two(part, info))
        n = U.subtract(n, part)
    return x


def _power_of_two(n, info):
    """2**n for n among the exponents of normal numbers, from its bits."""
    word = np.dtype(f"u{info.dtype.itemsize}")
    biased = C.convert(U.add(n, info.maxexp - 1), word)
    places = S.full(biased.shape, info.nmant, word)
    return bits.bitcast_convert_type(E.shift_left(biased, places), info.dtype)


def _spacing(x):
    """NumPy's, but with the sign of -0."""
    return np.copysign(np.spacing(np.abs(x)), x)


@at_once(_spacing, SINGLES)
def spacing(x, /):
    """Distance to the next number away from zero. x: real[...] -> float[...], by element.

    >>> float(spacing(1.0)) == 2**-23
    True
    """
    (x,) = promote_dtypes("spacing", x, inexact=True)
    size = E.abs_(x)
    return U.copysign(E.sub(E.nextafter(size, constant_like(x, math.inf)), size), x)


@at_once(np.frexp, FLOATS)
def frexp(x, /):
    """(mantissa in [0.5, 1), exponent): x = mantissa * 2**exponent. x: real[...]

    >>> [float(v) for v in frexp(8.0)]
    [0.5, 4.0]
    """
    (x,) = promote_dtypes("frexp", x, inexact=True)
    zero, one = S.full(x.shape, 0, x.dtype), constant_like(x, 1)
    plain = E.and_(E.is_finite(x), E.ne(x, zero))
    safe = C.select(plain, E.abs_(x), one)
    exponent = E.add(E.floor(T.log2(safe)), one)
    mantissa = ldexp(safe, E.neg(C.convert(exponent, dtypes.int32)))
    high = E.ge(mantissa, one)  # log2 rounds just below a power of two
    low = E.lt(mantissa, constant_like(x, 0.5))
    half, two = constant_like(x, 0.5), constant_like(x, 2)
    mantissa = C.select(high, E.mul(mantissa, half), mantissa)
    exponent = C.select(high, E.add(exponent, one), exponent)
    mantissa = C.select(low, E.mul(mantissa, two), mantissa)
    exponent = C.select(low, E.sub(exponent, one), exponent)
    mantissa = C.select(plain, E.mul(mantissa, E.sign(x)), x)
    return mantissa, C.convert(C.select(plain, exponent, zero), dtypes.int32)


def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    """x with NaN and infinities replaced by numbers. x: array[...] -> array[...]

    Args:
      posinf, neginf: by default the largest and the lowest finite number of the dtype.

    >>> nan_to_num(float("nan")).tolist()
    0.0
    """
    x = operand("nan_to_num", x)
    if not dtypes.is_inexact(x.dtype):
        return x
    if dtypes.is_complex(x.dtype):
        parts = [nan_to_num(p, copy, nan, posinf, neginf) for p in (C.real(x), C.imag(x))]
        return C.complex_(*parts)
    if at_hand(x) and x.dtype.char in SINGLES and _are_numbers(nan, posinf, neginf):
        return Array(QUIET.run(np.nan_to_num, x._np, True, nan, posinf, neginf))
    highest = _largest(x.dtype)
    high = highest if posinf is None else posinf
    low = -highest if neginf is None else neginf
    put = lambda test, value, rest: C.select(
        test, broadcast_value(as_type("nan_to_num", value, x.dtype), x.shape), rest
    )
    out = put(isnan(x), nan, x)
    out = put(E.eq(x, constant_like(x, math.inf)), high, out)
    return put(E.eq(x, constant_like(x, -math.inf)), low, out)


def _are_numbers(*values):
    return all(v is None or type(v) in (int, float) for v in values)


def _largest(dtype):
    return float(np.finfo(dtype).max) if dtype != dtypes.bfloat16 else 3.3895313892515355e38

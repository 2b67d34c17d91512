"""Elementwise functions written in terms of others: where, clip, isclose, logaddexp, angles.

In: arrays, tracers, NumPy arrays, numbers.  Out: an array of the operands' common shape.
Must not know: axes.
"""

import math

import numpy as np

from ..core import dtypes
from ..core.errors import DTypeError, ShapeError, UnsupportedError
from ..core.primitives import elementwise as E
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.primitives import transcendental as T
from ..transforms.custom import custom_jvp
from . import elementwise as U
from .at_once import COMPLEX, FLOATS, INTEGERS, SINGLES, at_once
from .elementwise import constant_like, truth
from .promotion import (
    as_type,
    asarray,
    broadcast,
    operand,
    promote,
    promote_dtypes,
    unsupported,
)

__all__ = [
    *("angle", "array_equal", "array_equiv", "allclose", "bitwise_count", "clip", "conj"),
    *("conjugate", "deg2rad", "degrees", "fmax", "fmin", "heaviside", "hypot", "imag"),
    *("iscomplex", "iscomplexobj", "isclose", "isfinite", "isinf", "isnan", "isneginf"),
    *("isposinf", "isreal", "isrealobj", "isscalar", "logaddexp", "logaddexp2", "rad2deg"),
    *("radians", "real", "real_if_close", "round", "around", "select", "sinc"),
]


def choose_between(name, condition, x, y):
    """x where condition, else y, after promotion and broadcasting."""
    condition = truth(name, condition)
    x, y = promote_dtypes(name, x, y)
    return C.select(*broadcast(name, condition, x, y))


def _is(name, of_finite):
    def test(x, /):
        x = operand(name, x)
        if dtypes.is_complex(x.dtype):
            return U.logical_or(test(C.real(x)), test(C.imag(x)))
        if not dtypes.is_inexact(x.dtype):
            return S.full(x.shape, False, dtypes.bool_)
        return of_finite(x)

    test.__name__ = test.__qualname__ = name
    return at_once(getattr(np, name), FLOATS + COMPLEX)(test)


isnan = _is("isnan", lambda x: E.ne(x, x))
isnan.__doc__ = """Whether x is not a number. x: array[...] -> bool[...], by element.

    >>> isnan(float("nan")).tolist()
    True
    """
isinf = _is("isinf", lambda x: E.eq(E.abs_(x), constant_like(x, math.inf)))
isinf.__doc__ = """Whether x is infinite. x: array[...] -> bool[...], by element.

    >>> isinf(float("-inf")).tolist()
    True
    """


@at_once(np.isfinite, FLOATS + COMPLEX)
def isfinite(x, /):
    """Whether x is neither infinite nor NaN. x: array[...] -> bool[...], by element.

    >>> isfinite(1.0).tolist()
    True
    """
    x = operand("isfinite", x)
    if dtypes.is_complex(x.dtype):
        return E.and_(E.is_finite(C.real(x)), E.is_finite(C.imag(x)))
    if not dtypes.is_inexact(x.dtype):
        return S.full(x.shape, True, dtypes.bool_)
    return E.is_finite(x)


def isposinf(x, /, out=None):
    """Whether x is +infinity. x: real[...] -> bool[...], by element.

    >>> isposinf(float("inf")).tolist()
    True
    """
    unsupported("isposinf", out=out)
    return U.equal(operand("isposinf", x), math.inf)


def isneginf(x, /, out=None):
    """Whether x is -infinity. x: real[...] -> bool[...], by element.

    >>> isneginf(float("-inf")).tolist()
    True
    """
    unsupported("isneginf", out=out)
    return U.equal(operand("isneginf", x), -math.inf)


def clip(arr=None, /, min=None, max=None):
    """x no lower than `min` and no higher than `max`; None is no bound. All broadcast together.

    A Python integer beyond the integers of x's dtype bounds nothing, and does not wrap as in JAX.

    >>> clip(5, 0, 3).tolist()
    3
    """
    x = operand("clip", arr)
    for bound in (min, max):
        if bound is not None and dtypes.is_complex(operand("clip", bound).dtype):
            raise DTypeError(f"clip: expected real bounds, got {operand('clip', bound).aval}")
    if dtypes.is_integer(x.dtype):
        min, max = (_within(bound, np.iinfo(x.dtype)) for bound in (min, max))
    if min is not None and max is not None:
        return _between(x, min, max)
    if min is not None:
        return U.maximum(min, x)
    return x if max is None else U.minimum(max, x)


@at_once(np.clip, SINGLES + INTEGERS)
def _between(x, low, high):
    return U.minimum(high, U.maximum(low, x))


def _within(bound, limits):
    """A bound, the nearest of the limits if a Python integer lies beyond them."""
    if type(bound) is not int:
        return bound
    return limits.min if bound < limits.min else limits.max if bound > limits.max else bound


def round(a, decimals=0, out=None):
    """`a` rounded to so many decimals, halves to even. a: array[...] -> array[...]

    >>> round(2.567, 1).tolist() - 2.6 < 1e-6
    True
    """
    if out is not None:
        raise UnsupportedError(
            f"round: expected out=None, since arrays are immutable, got {type(out).__name__}; "
            "use the result"
        )
    x = operand("round", a)
    if dtypes.is_complex(x.dtype):
        return C.complex_(round(C.real(x), decimals), round(C.imag(x), decimals))
    if dtypes.is_integer(x.dtype) or x.dtype == dtypes.bool_:
        if decimals < 0:
            return _round_integers(x, 10**-decimals)
        return x
    if decimals == 0:
        return E.round_(x)
    factor = constant_like(x, 10.0**decimals)
    return E.div(E.round_(E.mul(x, factor)), factor)


def _round_integers(x, factor):
    """The nearest multiple of `factor`, exactly; halfway the even one."""
    if x.dtype == dtypes.bool_ or factor > np.iinfo(x.dtype).max:
        return S.full(x.shape, 0, x.dtype)
    quotient, rest = U.divmod(x, factor)
    other = U.subtract(factor, rest)
    odd = U.not_equal(U.remainder(quotient, 2), 0)
    up = U.logical_or(U.greater(rest, other), U.logical_and(U.equal(rest, other), odd))
    return U.multiply(U.add(quotient, C.convert(up, x.dtype)), factor)


around = round


def real(val, /):
    """Real part. val: array[...] -> real[...], by element.

    >>> real(1 + 2j).tolist()
    1.0
    """
    x = operand("real", val)
    return C.real(x) if dtypes.is_complex(x.dtype) else x


def imag(val, /):
    """Imaginary part. val: array[...] -> real[...], by element.

    >>> imag(1 + 2j).tolist()
    2.0
    """
    x = operand("imag", val)
    return C.imag(x) if dtypes.is_complex(x.dtype) else constant_like(x, 0)


def conj(x, /):
    """Complex conjugate. x: array[...] -> array[...], by element.

    >>> conj(1 + 2j).tolist()
    (1-2j)
    """
    x = operand("conj", x)
    return C.conj(x) if dtypes.is_complex(x.dtype) else x


conjugate = conj


def angle(z, deg=False):
    """Angle of a complex number in radians, or degrees. z: array[...] -> real[...]

    >>> angle(-1.0, deg=True).tolist()
    180.0
    """
    found = U.arctan2(imag(z), real(z))
    return degrees(found) if deg else found


def degrees(x, /):
    """Radians to degrees. x: real[...] -> real[...], by element.

    >>> degrees(math.pi).tolist()
    180.0
    """
    (x,) = promote_dtypes("degrees", x, inexact=True)
    return E.mul(x, constant_like(x, 180 / math.pi))


def radians(x, /):
    """Degrees to radians. x: real[...] -> real[...], by element.

    >>> float(radians(180.0)) > 3.14
    True
    """
    (x,) = promote_dtypes("radians", x, inexact=True)
    return E.mul(x, constant_like(x, math.pi / 180))


rad2deg, deg2rad = degrees, radians


@custom_jvp
def _logaddexp(x, y):
    peak = E.max_(x, y)
    apart = E.sub(x, y)
    spread = E.add(peak, T.log1p(T.exp(E.neg(E.abs_(apart)))))
    return C.select(E.ne(apart, apart), E.add(x, y), spread)


def _logaddexp_rule(primals, tangents):
    (x, y), (dx, dy) = primals, tangents
    apart = E.sub(x, y)
    one = constant_like(x, 1)
    same = E.and_(E.ne(apart, apart), E.eq(x, y))  # the same infinity
    weight = lambda d: C.select(same, S.broadcast_in_dim(one, x.shape, ()), T.logistic(d))
    moved = E.add(E.mul(dx, weight(apart)), E.mul(dy, weight(E.neg(apart))))
    return _logaddexp(x, y), moved


_logaddexp.defjvp(_logaddexp_rule)


def logaddexp(x1, x2, /):
    """log(exp(x1) + exp(x2)) without overflow. x1, x2 broadcast together, by element.

    >>> 1000.69 < float(logaddexp(1000.0, 1000.0)) < 1000.7
    True
    """
    x, y = promote("logaddexp", x1, x2, inexact=True)
    if dtypes.is_complex(x.dtype):
        raise UnsupportedError(
            f"logaddexp: expected real numbers, got {x.aval} and {y.aval}; write log(exp(x) + "
            "exp(y))"
        )
    return _logaddexp(x, y)


def logaddexp2(x1, x2, /):
    """log2(2**x1 + 2**x2) without overflow. x1, x2 broadcast together, by element.

    >>> logaddexp2(1.0, 1.0).tolist()
    2.0
    """
    x, y = promote("logaddexp2", x1, x2, inexact=True)
    two = constant_like(x, math.log(2))
    return E.div(_logaddexp(E.mul(x, two), E.mul(y, two)), two)


@at_once(np.hypot, SINGLES)
def hypot(x1, x2, /):
    """sqrt(x1² + x2²) without overflow. x1, x2 broadcast together, by element.

    >>> hypot(3.0, 4.0).tolist()
    5.0
    """
    x, y = promote("hypot", x1, x2, inexact=True)
    x, y = E.abs_(x), E.abs_(y)
    high, low = E.max_(x, y), E.min_(x, y)
    zero, one = S.full(x.shape, 0, x.dtype), constant_like(x, 1)
    flat = E.eq(high, zero)
    ratio = E.div(low, C.select(flat, one, high))
    length = E.mul(high, T.sqrt(E.add(one, E.square(ratio))))
    limit = constant_like(x, math.inf)
    infinite = E.or_(E.eq(x, limit), E.eq(y, limit))  # also if the other is NaN
    return C.select(infinite, limit, C.select(flat, high, length))


@at_once(np.sinc, SINGLES)
def sinc(x, /):
    """sin(pi x) / (pi x), 1 at 0. x: array[...] -> float[...], by element.

    >>> sinc(0.0).tolist()
    1.0
    """
    (x,) = promote_dtypes("sinc", x, inexact=True)
    zero = S.full(x.shape, 0, x.dtype)
    at_zero = E.eq(x, zero)
    y = E.mul(constant_like(x, math.pi), x)
    safe = C.select(at_zero, constant_like(x, 1), y)
    series = E.sub(constant_like(x, 1), E.div(E.square(y), constant_like(x, 6)))
    return C.select(at_zero, series, E.div(T.sin(safe), safe))


@at_once(np.heaviside, FLOATS)
def heaviside(x1, x2, /):
    """0 below zero, 1 above, x2 at zero. x1, x2 broadcast together, by element.

    >>> heaviside(2.0, 0.5).tolist()
    1.0
    """
    x, y = promote("heaviside", x1, x2, inexact=True)
    zero, one = constant_like(x, 0), constant_like(x, 1)
    step = C.select(E.lt(x, zero), zero, C.select(E.gt(x, zero), one, y))
    return C.select(E.ne(x, x), x, step)


@at_once(np.fmax, SINGLES + INTEGERS)
def fmax(x1, x2):
    """The larger of x1 and x2, the other one if one is NaN. Broadcast together, by element.

    >>> fmax(1.0, float("nan")).tolist()
    1.0
    """
    x, y = promote("fmax", x1, x2)
    return C.select(E.or_(E.gt(x, y), isnan(y)), x, y)


@at_once(np.fmin, SINGLES + INTEGERS)
def fmin(x1, x2):
    """The smaller of x1 and x2, the other one if one is NaN. Broadcast together, by element.

    >>> fmin(1.0, float("nan")).tolist()
    1.0
    """
    x, y = promote("fmin", x1, x2)
    return C.select(E.or_(E.lt(x, y), isnan(y)), x, y)


def bitwise_count(x, /):
    """How many bits of |x| are set. x: integer[...] -> uint8[...], by element.

    >>> bitwise_count(7).tolist()
    3
    """
    return C.convert(E.population_count(U.absolute(operand("bitwise_count", x))), dtypes.uint8)


def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether |a - b| <= atol + rtol |b|. a, b broadcast together, by element.

    >>> isclose(1.0, 1.0 + 1e-7).tolist()
    True
    """
    x, y = promote("isclose", a, b)
    if not dtypes.is_inexact(x.dtype):
        if x.dtype == dtypes.bool_:
            return E.eq(x, y)
        x, y = C.convert(x, dtypes.default_float()), C.convert(y, dtypes.default_float())
    real_type = dtypes.real_of(x.dtype)
    rtol, atol = (as_type("isclose", t, real_type) for t in (rtol, atol))
    near = U.less_equal(U.absolute(E.sub(x, y)), U.add(atol, U.multiply(rtol, U.absolute(y))))
    both_finite = E.and_(isfinite(x), isfinite(y))
    found = E.or_(E.and_(near, both_finite), E.eq(x, y))
    return E.or_(found, E.and_(isnan(x), isnan(y))) if equal_nan else found


def _every(x):
    return R.reduce_and(x, tuple(range(x.ndim)))


def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether `isclose` holds at every index. a, b broadcast together. Returns a scalar bool.

    >>> bool(allclose(asarray([1.0, 2.0]), asarray([1.0, 2.0 + 1e-6])))
    True
    """
    return _every(isclose(a, b, rtol, atol, equal_nan))


def array_equal(a1, a2, equal_nan=False):
    """Whether two arrays have one shape and equal elements. Returns a scalar bool.

    >>> bool(array_equal(asarray([1, 2]), asarray([1, 2])))
    True
    """
    x, y = asarray(a1), asarray(a2)
    if x.shape != y.shape:
        return S.full((), False, dtypes.bool_)
    same = U.equal(x, y)
    if equal_nan:
        same = U.logical_or(same, U.logical_and(isnan(x), isnan(y)))
    return _every(same)


def array_equiv(a1, a2):
    """Whether two arrays broadcast together and have equal elements. Returns a scalar bool.

    >>> bool(array_equiv(asarray([1, 1]), 1))
    True
    """
    try:
        x, y = promote("array_equiv", asarray(a1), asarray(a2))
    except ShapeError:
        return S.full((), False, dtypes.bool_)
    return _every(E.eq(x, y))


def iscomplexobj(x):
    """Whether x, an array[...] or a number, is of a complex dtype.

    >>> iscomplexobj(1j)
    True
    """
    return x is not None and dtypes.is_complex(operand("iscomplexobj", asarray(x)).dtype)


def isrealobj(x):
    """Whether x, an array[...] or a number, is not of a complex dtype.

    >>> isrealobj(1.0)
    True
    """
    return not iscomplexobj(x)


def iscomplex(x):
    """Whether the imaginary part is not zero. x: array[...] -> bool[...], by element.

    >>> iscomplex(1j).tolist()
    True
    """
    return U.not_equal(imag(x), 0)


def isreal(x):
    """Whether the imaginary part is zero. x: array[...] -> bool[...], by element.

    >>> isreal(1.0).tolist()
    True
    """
    return U.equal(imag(x), 0)


def isscalar(element):
    """Whether `element` is a number or an array without axes.

    >>> isscalar(3.0)
    True
    """
    if isinstance(element, (bool, int, float, complex)):
        return True
    return getattr(element, "ndim", None) == 0 and hasattr(element, "dtype")


def real_if_close(a, tol=100):
    """Real part if all imaginary parts are known and close to zero, else `a`.

    >>> real_if_close(1 + 0j).tolist()
    1.0
    """
    x = operand("real_if_close", a)
    if not dtypes.is_complex(x.dtype):
        return x
    limit = tol * float(np.finfo(x.dtype).eps) if tol > 1 else tol
    return C.real(x) if bool(_every(U.less(U.absolute(C.imag(x)), limit))) else x


def select(condlist, choicelist, default=0):
    """At every index the choice of the first condition that is true. All broadcast together.

    >>> select([asarray([True, False])], [asarray([1, 2])], 9).tolist()
    [1, 9]
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ShapeError(
            f"select: expected as many conditions as choices, got {len(condlist)} and "
            f"{len(choicelist)}"
        )
    *choices, out = promote_dtypes("select", *choicelist, default)
    for condition, choice in zip(reversed(condlist), reversed(choices), strict=True):
        out = choose_between("select", condition, choice, out)
    return out

"""Functions of one or two operands applied at every index, after broadcasting and promotion.

In: arrays, tracers, NumPy arrays, numbers.  Out: an array of the operands' common shape.
Outside a trace, operands that need no promotion go straight to the NumPy ufunc: see `at_once`.
Must not know: axes.
"""

import inspect
import math

import numpy as np

from ..core import dtypes
from ..core.array import PYTHON_SCALARS
from ..core.errors import DTypeError
from ..core.primitives import bits
from ..core.primitives import elementwise as E
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.primitives import transcendental as T
from .at_once import (
    BOOL,
    COMPLEX,
    FLOATS,
    INTEGERS,
    SINGLES,
    at_once,
    fast_binary,
    fast_unary,
)
from .promotion import apply_now, operand, promote, promote_dtypes, scalar, unsupported


def _documented(name, apply, text, example):
    apply.__name__ = apply.__qualname__ = name
    apply.__module__ = __name__
    binary = " y" in text or "x2" in text
    shapes = "operands broadcast together" if binary else "x: array[...] -> array[...]"
    apply.__doc__ = f"{text}. {shapes}, by element.\n\n    >>> {example[0]}\n    {example[1]}\n    "
    return apply


def _unary(name, primitive, ufunc, text, example, chars=FLOATS, inexact=True, weak=True):
    def slow(x):
        if inexact:
            return primitive(promote_dtypes(name, x, inexact=True)[0])
        return primitive(operand(name, x))

    return _documented(name, fast_unary(ufunc, chars, slow, weak), text, example)


def _float_of(name, value, result):
    return f"round(float({name}({value})), 4)", result


def _binary(name, slow, ufunc, text, example, chars, weak=True):
    return _documented(name, fast_binary(ufunc, chars, slow, weak), text, example)


def _numbered(function):
    """`function` whose operands are called x1 and x2."""
    names = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_ONLY) for n in ("x1", "x2")]
    function.__signature__ = inspect.Signature(names)
    return function


def _promoting(name, primitive, inexact=False):
    def slow(x, y):
        return primitive(*promote(name, x, y, inexact=inexact))

    return slow


def _arithmetic(name, primitive, on_bool):
    def slow(x, y):
        x, y = promote(name, x, y)
        return on_bool(x, y) if x.dtype == dtypes.bool_ and on_bool else primitive(x, y)

    return slow


_FC = FLOATS + COMPLEX
_U = [
    ("sin", T.sin, np.sin, "Sine of x, in radians", 1.0, 0.8415),
    ("cos", T.cos, np.cos, "Cosine of x, in radians", 0.0, 1.0),
    ("tan", T.tan, np.tan, "Tangent of x, in radians", 1.0, 1.5574),
    ("arcsin", T.asin, np.arcsin, "Angle in radians whose sine is x", 1.0, 1.5708),
    ("arccos", T.acos, np.arccos, "Angle in radians whose cosine is x", 0.0, 1.5708),
    ("arctan", T.atan, np.arctan, "Angle in radians whose tangent is x", 1.0, 0.7854),
    ("sinh", T.sinh, np.sinh, "Hyperbolic sine of x", 1.0, 1.1752),
    ("cosh", T.cosh, np.cosh, "Hyperbolic cosine of x", 0.0, 1.0),
    ("tanh", T.tanh, np.tanh, "Hyperbolic tangent of x", 1.0, 0.7616),
    ("arcsinh", T.asinh, np.arcsinh, "Inverse of sinh", 1.0, 0.8814),
    ("arccosh", T.acosh, np.arccosh, "Inverse of cosh", 2.0, 1.317),
    ("arctanh", T.atanh, np.arctanh, "Inverse of tanh", 0.5, 0.5493),
    ("exp", T.exp, np.exp, "e to the power x", 1.0, 2.7183),
    ("exp2", T.exp2, np.exp2, "2 to the power x", 3.0, 8.0),
    ("expm1", T.expm1, np.expm1, "exp(x) - 1 without cancellation", 1.0, 1.7183),
    ("log", T.log, np.log, "Natural logarithm of x", 10.0, 2.3026),
    ("log2", T.log2, np.log2, "Logarithm of x to base 2", 8.0, 3.0),
    ("log1p", T.log1p, np.log1p, "log(1 + x) without cancellation", 1.0, 0.6931),
    ("sqrt", T.sqrt, np.sqrt, "Square root of x", 9.0, 3.0),
]
_SPECIAL_COMPLEX = ("expm1",)
"""Their primitives treat infinite complex numbers otherwise than NumPy."""
_MADE = [
    _unary(n, p, u, t, _float_of(n, x, y), FLOATS if n in _SPECIAL_COMPLEX else _FC)
    for n, p, u, t, x, y in _U
]
sin, cos, tan, arcsin, arccos, arctan, sinh, cosh, tanh, arcsinh, arccosh, arctanh = _MADE[:12]
exp, exp2, expm1, log, log2, log1p, sqrt = _MADE[12:]
cbrt = _unary("cbrt", T.cbrt, np.cbrt, "Cube root of x", _float_of("cbrt", 8.0, 2.0))
negative = _unary(
    "negative", E.neg, np.negative, "-x", ("negative(3).tolist()", "-3"), _FC + INTEGERS, False
)
absolute = _unary(
    "absolute", lambda x: x if x.dtype.kind in "bu" else E.abs_(x), np.abs,
    "Absolute value of x, real also for complex x", ("absolute(-3).tolist()", "3"),
    _FC + "bhilq", False,
)  # fmt: skip
square = _unary(
    "square",
    lambda x: x if x.dtype == dtypes.bool_ else E.square(x),
    np.square,
    "x * x",
    ("square(3).tolist()", "9"),
    _FC + INTEGERS,
    False,
)
sign = _unary(
    "sign", E.sign, np.sign, "-1, 0 or 1 by the sign of x", ("sign(-2.5).tolist()", "-1.0"),
    FLOATS + INTEGERS, False,
)  # fmt: skip
abs = absolute


def _rounding(name, primitive, ufunc, text, value, result):
    def slow(x):
        x = operand(name, x)
        return x if dtypes.kind(x.dtype) in "ib" else primitive(x)

    example = (f"{name}({value}).tolist()", f"{result}")
    return _documented(name, fast_unary(ufunc, FLOATS, slow), text, example)


floor = _rounding("floor", E.floor, np.floor, "The largest integer not above x", 1.7, 1.0)
ceil = _rounding("ceil", E.ceil, np.ceil, "The smallest integer not below x", 1.2, 2.0)
_trunc = _rounding("trunc", E.trunc, np.trunc, "x without its fraction", -1.7, -1.0)


def _nearest(x):
    return E.round_(x) if dtypes.is_inexact(x.dtype) else C.convert(x, dtypes.default_float())


rint = _documented(
    "rint",
    fast_unary(np.rint, FLOATS, lambda x: _nearest(operand("rint", x))),
    "The nearest integer, halves to even, as float",
    ("rint(2.5).tolist()", "2.0"),
)


def trunc(x):
    """x without its fraction. x: array[...] -> array[...], by element.

    >>> trunc(-1.7).tolist()
    -1.0
    """
    return _trunc(x)


fix = trunc

_EXACT = _FC + INTEGERS
_lt = "less(1, 2).tolist()", "True"
add = _binary(
    "add", _arithmetic("add", E.add, E.or_), np.add, "x + y", ("add(1, 2).tolist()", "3"), _EXACT
)
subtract = _binary(
    "subtract", _arithmetic("subtract", E.sub, None), np.subtract, "x - y",
    ("subtract(3, 1).tolist()", "2"), _EXACT,
)  # fmt: skip
multiply = _binary(
    "multiply", _arithmetic("multiply", E.mul, E.and_), np.multiply, "x * y",
    ("multiply(2, 3).tolist()", "6"), _EXACT,
)  # fmt: skip
divide = true_divide = _numbered(_binary(
    "divide", _promoting("divide", E.div, True), np.true_divide, "x1 / x2, a float for integers",
    ("divide(1, 2).tolist()", "0.5"), _FC,
))  # fmt: skip
maximum = _binary(
    "maximum", _promoting("maximum", E.max_), np.maximum, "The larger of x and y, NaN if either is",
    ("maximum(1, 2).tolist()", "2"), FLOATS + INTEGERS,
)  # fmt: skip
minimum = _binary(
    "minimum", _promoting("minimum", E.min_), np.minimum,
    "The smaller of x and y, NaN if either is",
    ("minimum(1, 2).tolist()", "1"), FLOATS + INTEGERS,
)  # fmt: skip
arctan2 = _numbered(_binary(
    "arctan2", _promoting("arctan2", T.atan2, True), np.arctan2,
    "Angle in radians of the point with ordinate x1 and abscissa x2, of y and x",
    ("round(float(arctan2(1.0, 1.0)), 4)", "0.7854"), FLOATS,
))  # fmt: skip
nextafter = _binary(
    "nextafter", _promoting("nextafter", E.nextafter, True), np.nextafter,
    "The next representable number after x towards y",
    ("float(nextafter(1.0, 2.0)) > 1", "True"), FLOATS,
)  # fmt: skip


def _sameness(name, primitive):
    """Comparison that compares random keys as whole words."""

    def compare(x, y):
        x, y = promote(name, x, y)
        if x.dtype == dtypes.key:
            x, y = (bits.bitcast_convert_type(v, dtypes.uint64) for v in (x, y))
        return primitive(x, y)

    return compare


def _ordered(name, primitive):
    """Comparison that orders complex numbers by real, then imaginary part."""

    def compare(x, y):
        x, y = promote(name, x, y)
        if not dtypes.is_complex(x.dtype):
            return primitive(x, y)
        a, b = C.real(x), C.real(y)
        return C.select(E.eq(a, b), primitive(C.imag(x), C.imag(y)), primitive(a, b))

    return compare


equal = _binary(
    "equal", _sameness("equal", E.eq), np.equal, "x == y", ("equal(1, 1).tolist()", "True"),
    _EXACT, False,
)  # fmt: skip
not_equal = _binary(
    "not_equal", _sameness("not_equal", E.ne), np.not_equal, "x != y",
    ("not_equal(1, 1).tolist()", "False"), _EXACT, False,
)  # fmt: skip
less, less_equal, greater, greater_equal = [
    _binary(n, _ordered(n, p), u, t, (f"{n}(1, 2).tolist()", r), FLOATS + INTEGERS, False)
    for n, p, u, t, r in (
        ("less", E.lt, np.less, "x < y", "True"),
        ("less_equal", E.le, np.less_equal, "x <= y", "True"),
        ("greater", E.gt, np.greater, "x > y", "False"),
        ("greater_equal", E.ge, np.greater_equal, "x >= y", "False"),
    )
]

_BITS = BOOL + INTEGERS
bitwise_and, bitwise_or, bitwise_xor = [
    _binary(n, _promoting(n, p), u, t, (f"{n}(6, 3).tolist()", r), _BITS)
    for n, p, u, t, r in (
        ("bitwise_and", E.and_, np.bitwise_and, "Bits set in both x and y", "2"),
        ("bitwise_or", E.or_, np.bitwise_or, "Bits set in x or y", "7"),
        ("bitwise_xor", E.xor, np.bitwise_xor, "Bits set in one of x and y", "5"),
    )
]
invert = bitwise_not = bitwise_invert = _unary(
    "invert", E.not_, np.invert, "x with every bit inverted; logical not of bools",
    ("invert(5).tolist()", "-6"), _BITS, False,
)  # fmt: skip


def truth(name, x):
    """x as an array of bools: whether each element is not zero."""
    x = operand(name, x)
    return x if x.dtype == dtypes.bool_ else E.ne(x, S.full(x.shape, 0, x.dtype))


def _logical(name, primitive):
    def slow(x, y):
        x, y = truth(name, x), truth(name, y)
        return primitive(*promote(name, x, y))

    return slow


logical_and, logical_or, logical_xor = [
    _binary(n, _logical(n, p), u, t, (f"{n}(True, False).tolist()", r), BOOL)
    for n, p, u, t, r in (
        ("logical_and", E.and_, np.logical_and, "Whether x and y are both true", "False"),
        ("logical_or", E.or_, np.logical_or, "Whether x or y is true", "True"),
        ("logical_xor", E.xor, np.logical_xor, "Whether one of x and y is true", "True"),
    )
]


def logical_not(x, /):
    """Whether x is false. x: array[...] -> bool[...]

    >>> logical_not(0).tolist()
    True
    """
    return E.not_(truth("logical_not", x))


def _floor_quotient(x, y):
    quotient, rest = E.div(x, y), E.rem(x, y)
    zero, one = constant_like(x, 0), constant_like(x, 1)
    if x.dtype in dtypes.UNSIGNED:
        return quotient
    if dtypes.is_integer(x.dtype):
        below = E.and_(E.ne(rest, zero), E.ne(E.sign(x), E.sign(y)))
        return C.select(below, E.sub(quotient, one), quotient)
    return _float_divmod(x, y)[0]


def _float_divmod(x, y):
    """Floored quotient and remainder of floats, as Python defines them."""
    zero, one = constant_like(x, 0), constant_like(x, 1)
    rest = E.rem(x, y)
    quotient = E.div(C.select(E.eq(y, zero), x, E.sub(x, rest)), y)
    below = E.and_(E.ne(rest, zero), E.ne(E.sign(y), E.sign(rest)))
    rest = C.select(below, E.add(rest, y), rest)
    quotient = C.select(below, E.sub(quotient, one), quotient)
    signed_zero = E.mul(zero, E.div(x, y))
    return E.round_(C.select(E.eq(quotient, zero), signed_zero, quotient)), rest


def _divides(x, y):
    """Whether no divisor is 0, for which NumPy gives 0."""
    return bool(y.all() if type(y) is np.ndarray else y)


@at_once(np.floor_divide, INTEGERS, _divides)
def floor_divide(x1, x2, /):
    """The largest integer not above x1 / x2. x1, x2 broadcast together, by element.

    >>> floor_divide(-7, 2).tolist()
    -4
    """
    x, y = promote("floor_divide", x1, x2)
    if dtypes.is_complex(x.dtype):
        raise DTypeError(f"floor_divide: expected real numbers, got {x.aval} and {y.aval}")
    if x.dtype == dtypes.bool_:
        x, y = C.convert(x, dtypes.int8), C.convert(y, dtypes.int8)
    return _floor_quotient(x, y)


@at_once(np.remainder, INTEGERS)
def remainder(x1, x2, /):
    """x1 - floor(x1 / x2) * x2, with the sign of x2; of integers 0 where x2 is 0.

    x1, x2 broadcast together, by element.

    >>> remainder(-7, 3).tolist()
    2
    """
    x, y = promote("remainder", x1, x2)
    if x.dtype == dtypes.bool_:
        x, y = C.convert(x, dtypes.int8), C.convert(y, dtypes.int8)
    rest = _rest(x, y)
    if x.dtype in dtypes.UNSIGNED:
        return rest
    zero = S.full(x.shape, 0, x.dtype)
    other_side = E.ne(E.lt(rest, zero), E.lt(y, zero))
    rest = C.select(E.and_(other_side, E.ne(rest, zero)), E.add(rest, y), rest)
    return rest if dtypes.is_integer(x.dtype) else _with_zeros_signed_by(y, rest, zero)


def _with_zeros_signed_by(y, x, zero):
    """x, whose zeros take the sign of y: x + 0 makes 0 of -0 and has the derivative of x."""
    return C.select(E.lt(y, zero), E.neg(E.add(E.neg(x), zero)), E.add(x, zero))


mod = remainder


@at_once(np.divmod, INTEGERS, _divides)
def divmod(x1, x2, /):
    """(floor_divide(x1, x2), remainder(x1, x2)), by element; x1 and x2 are broadcast together.

    >>> [int(v) for v in divmod(-7, 3)]
    [-3, 2]
    """
    return floor_divide(x1, x2), remainder(x1, x2)


@at_once(np.fmod, INTEGERS)
def fmod(x1, x2, /):
    """Remainder of x1 / x2 with the sign of x1; of integers 0 where x2 is 0.

    x1, x2 broadcast together, by element.

    >>> fmod(-7, 3).tolist()
    -1
    """
    return _rest(*promote("fmod", x1, x2))


def _rest(x, y):
    """The remainder with the sign of x; of an integer by 0 it is 0."""
    if not dtypes.is_integer(y.dtype):
        return E.rem(x, y)
    return E.rem(x, C.select(E.eq(y, constant_like(y, 0)), constant_like(y, 1), y))


def power(x1, x2, /):
    """x1 to the power x2. x1, x2 broadcast together, by element.

    A Python integer as exponent becomes repeated multiplication.

    >>> power(2.0, 3).tolist()
    8.0
    """
    if type(x2) is int:
        x = operand("power", x1)
        if x.dtype == dtypes.bool_:
            x = C.convert(x, dtypes.default_int(), True)
        if x.dtype.char in FLOATS:
            return apply_now(E.square_p, x) if x2 == 2 else apply_now(E.integer_pow_p, x, y=x2)
        if dtypes.is_integer(x.dtype) and x2 < 0:
            raise DTypeError(
                f"power: expected a non-negative exponent for integers, got {x.aval} ** {x2}; "
                "make one of them a float"
            )
        return E.square(x) if x2 == 2 else E.integer_pow(x, y=x2)
    x, y = promote("power", x1, x2)
    if x.dtype == dtypes.bool_:
        x, y = C.convert(x, dtypes.int8), C.convert(y, dtypes.int8)
    return _integer_power(x, y) if dtypes.is_integer(x.dtype) else T.pow(x, y)


def _integer_power(x, y):
    """By squaring; an exponent of more than 6 bits overflows for every base but -1, 0 and 1."""
    one, zero = S.full(x.shape, 1, x.dtype), S.full(x.shape, 0, x.dtype)
    result = C.select(E.and_(E.eq(x, zero), E.ne(y, zero)), zero, one)
    for _ in range(6):
        used = E.ne(E.and_(y, one), zero)
        result = C.select(used, E.mul(result, x), result)
        x = E.mul(x, x)
        y = E.shift_right_logical(y, one)
    return result


pow = power


def float_power(x, y, /):
    """x to the power y in floating point. x, y broadcast together, by element.

    >>> float_power(2, 3).tolist()
    8.0
    """
    return T.pow(*promote("float_power", x, y, inexact=True))


@at_once(np.left_shift, INTEGERS)
def left_shift(x, y, /):
    """x shifted left by y bits. x, y broadcast together, by element.

    >>> left_shift(1, 3).tolist()
    8
    """
    return E.shift_left(*promote("left_shift", x, y))


@at_once(np.right_shift, INTEGERS)
def right_shift(x1, x2, /):
    """x1 shifted right by x2 bits, keeping the sign. x1, x2 broadcast together, by element.

    >>> right_shift(-8, 1).tolist()
    -4
    """
    x, y = promote("right_shift", x1, x2)
    unsigned = x.dtype in dtypes.UNSIGNED
    return E.shift_right_logical(x, y) if unsigned else E.shift_right_arithmetic(x, y)


bitwise_left_shift, bitwise_right_shift = left_shift, right_shift


def constant_like(x, value):
    """`value` at every index of an array like x, with x's dtype and weakness."""
    return S.broadcast_in_dim(scalar(value, x.dtype, x.weak_type), x.shape, ())


def reciprocal(x, /):
    """1 / x. x: array[...] -> float[...], by element.

    >>> reciprocal(4.0).tolist()
    0.25
    """
    (x,) = promote_dtypes("reciprocal", x, inexact=True)
    return E.div(constant_like(x, 1), x)


@at_once(np.log10, SINGLES)
def log10(x, /):
    """Logarithm of x to base 10. x: array[...] -> float[...], by element.

    >>> round(float(log10(1000.0)), 4)
    3.0
    """
    (x,) = promote_dtypes("log10", x, inexact=True)
    scaled = lambda v: E.mul(v, constant_like(v, 1 / math.log(10)))
    found = T.log(x)
    if not dtypes.is_complex(x.dtype):
        return scaled(found)
    # By parts: a complex product makes NaN of an infinite part.
    return C.complex_(scaled(C.real(found)), scaled(C.imag(found)))


def fabs(x, /):
    """Absolute value of x as a float. x: array[...] -> float[...], by element.

    >>> fabs(-3).tolist()
    3.0
    """
    return absolute(promote_dtypes("fabs", x, inexact=True)[0])


def positive(x, /):
    """x itself. x: array[...] -> array[...]

    >>> positive(3).tolist()
    3
    """
    return operand("positive", x)


@at_once(np.copysign, FLOATS)
def copysign(x1, x2, /):
    """|x1| with the sign of x2. x1, x2 broadcast together, by element.

    >>> copysign(3.0, -1.0).tolist()
    -3.0
    """
    x, y = promote("copysign", x1, x2, inexact=True)
    size = E.abs_(x)
    return C.select(signbit(y), E.neg(size), size)


@at_once(np.signbit, FLOATS)
def signbit(x, /):
    """Whether x is negative, minus zero and NaN with a sign included. x: real[...] -> bool[...]

    >>> signbit(-0.0).tolist()
    True
    """
    (x,) = promote_dtypes("signbit", x, inexact=True)
    word = bits.bitcast_convert_type(x, np.dtype(f"i{x.dtype.itemsize}"))
    return E.lt(word, S.full(x.shape, 0, word.dtype))


def astype(x, dtype, /, *, copy=False, device=None):
    """x in another dtype; itself if it has that dtype. x: array[...] -> array[...]

    Args:
      copy: of no effect: an array is immutable, so nothing can tell a copy.
      device: None or the CPU.

    >>> astype(2.7, "int32").tolist()
    2
    """
    unsupported("astype", device=device)
    wanted = dtypes.canonical(dtypes.default_float() if dtype is None else dtype)
    if wanted == dtypes.bool_:
        return truth("astype", operand("astype", x))
    return (
        scalar(x, wanted) if type(x) in PYTHON_SCALARS else C.convert(operand("astype", x), wanted)
    )

"""Elementwise functions of jax.lax: operands of equal shape and dtype, or numbers beside them.

In: arrays; a number or an array without axes takes the shape of the other operand, a number also
its dtype.  Out: arrays.  Nothing is promoted.
Must not know: broadcasting beyond that.
"""

import builtins
import enum

from ..core import dtypes
from ..core.array import PYTHON_SCALARS
from ..core.errors import NotAnArrayError, UnsupportedError
from ..core.primitives import bits
from ..core.primitives import elementwise as E
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.primitives import transcendental as T
from ..numpy.promotion import asarray, broadcast_value, operand, scalar

__all__ = [
    *("RoundingMethod", "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh"),
    *("bitcast_convert_type", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "cbrt"),
    *("ceil", "clamp", "clz", "complex", "conj", "convert_element_type", "cos", "cosh", "digamma"),
    *("div", "eq", "erf", "erf_inv", "erfc", "exp", "exp2", "expm1", "floor", "ge", "gt", "imag"),
    *("integer_pow", "is_finite", "le", "lgamma", "log", "log1p", "log2", "logistic", "lt", "max"),
    *("min", "mul", "ne", "neg", "nextafter", "polygamma", "population_count", "pow", "real"),
    *("reciprocal", "reduce_precision", "rem", "round", "rsqrt", "select", "select_n"),
    *("shift_left", "shift_right_arithmetic", "shift_right_logical", "sign", "sin", "sinh", "sqrt"),
    *("square", "sub", "tan", "tanh"),
]


def same(name, *args):
    """Operands as values; numbers take the dtype, and arrays without axes the shape, of others."""
    dtype = next((operand(name, a).dtype for a in args if type(a) not in PYTHON_SCALARS), None)
    if dtype is None:
        values = [operand(name, a) for a in args]
        return values
    values = [scalar(a, dtype) if type(a) in PYTHON_SCALARS else operand(name, a) for a in args]
    shape = next((v.shape for v in values if v.ndim), ())
    return [broadcast_value(v, shape) if not v.ndim else v for v in values]


def _make(name, primitive, arity, text, example, accuracy=False):
    def one(x):
        return primitive(operand(name, x))

    def tuned(x, *, accuracy=None):
        if accuracy is not None:
            raise UnsupportedError(
                f"{name}: expected accuracy=None, which is full accuracy, got {accuracy!r}"
            )
        return primitive(operand(name, x))

    def two(x, y):
        return primitive(*same(name, x, y))

    function = two if arity == 2 else tuned if accuracy else one
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{text}, by element; operands of equal shape and dtype.\n\n"
        f"    >>> {name}({example[0]}).tolist()\n    {example[1]}\n    "
    )
    return function


neg = _make("neg", E.neg, 1, "-x", ("3", "-3"))
sign = _make("sign", E.sign, 1, "-1, 0 or 1", ("-3", "-1"))
floor = _make("floor", E.floor, 1, "The largest integer not above x", ("1.5", "1.0"))
ceil = _make("ceil", E.ceil, 1, "The smallest integer not below x", ("1.5", "2.0"))
is_finite = _make("is_finite", E.is_finite, 1, "Whether x is a finite number", ("1.5", "True"))
square = _make("square", E.square, 1, "x * x", ("3", "9"))
abs = _make("abs", E.abs_, 1, "|x|", ("-3", "3"))
exp = _make("exp", T.exp, 1, "e to the power x", ("0.0", "1.0"), True)
exp2 = _make("exp2", T.exp2, 1, "2 to the power x", ("3.0", "8.0"), True)
expm1 = _make("expm1", T.expm1, 1, "exp(x) - 1", ("0.0", "0.0"), True)
log = _make("log", T.log, 1, "Natural logarithm", ("1.0", "0.0"), True)
log2 = _make("log2", T.log2, 1, "Logarithm to base 2", ("8.0", "3.0"), True)
log1p = _make("log1p", T.log1p, 1, "log(1 + x)", ("0.0", "0.0"), True)
sqrt = _make("sqrt", T.sqrt, 1, "Square root", ("9.0", "3.0"), True)
rsqrt = _make("rsqrt", T.rsqrt, 1, "1 / sqrt(x)", ("4.0", "0.5"), True)
cbrt = _make("cbrt", T.cbrt, 1, "Cube root", ("8.0", "2.0"), True)
sin = _make("sin", T.sin, 1, "Sine of x in radians", ("0.0", "0.0"), True)
cos = _make("cos", T.cos, 1, "Cosine of x in radians", ("0.0", "1.0"), True)
tan = _make("tan", T.tan, 1, "Tangent of x in radians", ("0.0", "0.0"), True)
tanh = _make("tanh", T.tanh, 1, "Hyperbolic tangent", ("0.0", "0.0"), True)
logistic = _make("logistic", T.logistic, 1, "1 / (1 + exp(-x))", ("0.0", "0.5"), True)
asin = _make("asin", T.asin, 1, "Angle whose sine is x", ("0.0", "0.0"))
acos = _make("acos", T.acos, 1, "Angle whose cosine is x", ("1.0", "0.0"))
atan = _make("atan", T.atan, 1, "Angle whose tangent is x", ("0.0", "0.0"))
sinh = _make("sinh", T.sinh, 1, "Hyperbolic sine", ("0.0", "0.0"))
cosh = _make("cosh", T.cosh, 1, "Hyperbolic cosine", ("0.0", "1.0"))
asinh = _make("asinh", T.asinh, 1, "Inverse of sinh", ("0.0", "0.0"))
acosh = _make("acosh", T.acosh, 1, "Inverse of cosh", ("1.0", "0.0"))
atanh = _make("atanh", T.atanh, 1, "Inverse of tanh", ("0.0", "0.0"))
erf = _make("erf", T.erf, 1, "Error function", ("0.0", "0.0"))
erfc = _make("erfc", T.erfc, 1, "1 - erf(x)", ("0.0", "1.0"))
erf_inv = _make("erf_inv", T.erf_inv, 1, "Inverse of erf", ("0.0", "0.0"))
lgamma = _make("lgamma", T.lgamma, 1, "log |Gamma(x)|", ("1.0", "0.0"))
digamma = _make("digamma", T.digamma, 1, "Derivative of lgamma", ("1.0 > 2", "0"))
digamma.__doc__ = "Derivative of lgamma, by element.\n\n    >>> digamma(1.0).shape\n    ()\n    "
real = _make("real", C.real, 1, "Real part", ("1 + 2j", "1.0"))
imag = _make("imag", C.imag, 1, "Imaginary part", ("1 + 2j", "2.0"))
bitwise_not = _make("bitwise_not", E.not_, 1, "Complement", ("5", "-6"))
population_count = _make("population_count", E.population_count, 1, "Bits set", ("7", "3"))
clz = _make("clz", E.clz, 1, "Leading zero bits", ("1", "63"))

add = _make("add", E.add, 2, "x + y", ("1, 2", "3"))
sub = _make("sub", E.sub, 2, "x - y", ("3, 2", "1"))
div = _make("div", E.div, 2, "x / y; integers round towards zero", ("-7, 2", "-3"))
rem = _make("rem", E.rem, 2, "Remainder with the sign of x", ("-7, 2", "-1"))
max = _make("max", E.max_, 2, "The larger", ("1, 2", "2"))
min = _make("min", E.min_, 2, "The smaller", ("1, 2", "1"))
atan2 = _make("atan2", T.atan2, 2, "Angle of the point (y, x)", ("0.0, 1.0", "0.0"))


def nextafter(x1, x2):
    """The next number after x1 towards x2, by element; operands of equal shape and dtype.

    >>> nextafter(1.0, 1.0).tolist()
    1.0
    """
    return E.nextafter(*same("nextafter", x1, x2))


complex = _make("complex", C.complex_, 2, "x + iy", ("1.0, 2.0", "(1+2j)"))
eq = _make("eq", E.eq, 2, "x == y", ("1, 1", "True"))
ne = _make("ne", E.ne, 2, "x != y", ("1, 1", "False"))
lt = _make("lt", E.lt, 2, "x < y", ("1, 2", "True"))
le = _make("le", E.le, 2, "x <= y", ("1, 2", "True"))
gt = _make("gt", E.gt, 2, "x > y", ("1, 2", "False"))
ge = _make("ge", E.ge, 2, "x >= y", ("1, 2", "False"))
bitwise_and = _make("bitwise_and", E.and_, 2, "Bits set in both", ("6, 3", "2"))
bitwise_or = _make("bitwise_or", E.or_, 2, "Bits set in either", ("6, 3", "7"))
bitwise_xor = _make("bitwise_xor", E.xor, 2, "Bits set in one", ("6, 3", "5"))
shift_left = _make("shift_left", E.shift_left, 2, "x shifted left by y", ("1, 3", "8"))
shift_right_logical = _make(
    "shift_right_logical", E.shift_right_logical, 2, "x shifted right, zeros in", ("8, 2", "2")
)
shift_right_arithmetic = _make(
    "shift_right_arithmetic", E.shift_right_arithmetic, 2, "x shifted right, sign in",
    ("-8, 2", "-2"),
)  # fmt: skip


def mul(x, y, *, out_dtype=None):
    """x * y, by element; operands of equal shape and dtype.

    >>> mul(2, 3).tolist()
    6
    """
    if out_dtype is not None:
        x, y = (convert_element_type(operand("mul", v), out_dtype) for v in (x, y))
    return E.mul(*same("mul", x, y))


def pow(x, y):
    """x to the power y, by element. x: float or complex; y: of x's dtype, or integer.

    >>> pow(2.0, 3.0).tolist()
    8.0
    """
    x = operand("pow", x)
    if type(y) is int:
        return E.integer_pow(x, y=y)
    if type(y) not in PYTHON_SCALARS and dtypes.is_integer(operand("pow", y).dtype):
        y = C.convert(operand("pow", y), x.dtype)
    return T.pow(*same("pow", x, y))


def integer_pow(x, y):
    """x to the power y, a known integer, by element.

    >>> integer_pow(2.0, 3).tolist()
    8.0
    """
    return E.integer_pow(operand("integer_pow", x), y=int(y))


def polygamma(m, x):
    """m-th derivative of digamma, by element; m is a known number.

    >>> polygamma(1.0, 1.0).shape
    ()
    """
    order = operand("polygamma", m)
    if order.ndim:
        raise UnsupportedError(
            f"polygamma: expected one number as order, got {order.aval}; use vmap over orders "
            "that are static"
        )
    return T.polygamma(operand("polygamma", x), n=int(order))


def reciprocal(x):
    """1 / x, by element.

    >>> reciprocal(4.0).tolist()
    0.25
    """
    x = operand("reciprocal", x)
    return E.div(S.full(x.shape, 1, x.dtype), x)


def conj(x):
    """Complex conjugate, by element; of reals a complex number.

    >>> conj(1 + 2j).tolist()
    (1-2j)
    """
    x = operand("conj", x)
    if dtypes.is_complex(x.dtype):
        return C.conj(x)
    return C.convert(x, dtypes.complex_of(x.dtype))


class RoundingMethod(enum.IntEnum):
    """Where halves go.

    >>> round(2.5, RoundingMethod.TO_NEAREST_EVEN).tolist()
    2.0
    """

    AWAY_FROM_ZERO = 0
    TO_NEAREST_EVEN = 1


def round(x, rounding_method=RoundingMethod.AWAY_FROM_ZERO):
    """The nearest integer, by element; halves away from zero unless TO_NEAREST_EVEN.

    >>> round(2.5).tolist()
    3.0
    """
    x = operand("round", x)
    if RoundingMethod(rounding_method) == RoundingMethod.TO_NEAREST_EVEN:
        return E.round_(x)
    whole = E.trunc(x)
    rest = E.abs_(E.sub(x, whole))
    up = E.ge(rest, S.full(x.shape, 0.5, x.dtype))
    return C.select(up, E.add(whole, E.sign(x)), whole)


def convert_element_type(operand, new_dtype):
    """The array in another dtype: array[...] -> new_dtype[...].

    >>> convert_element_type(2.7, "int32").tolist()
    2
    """
    x = asarray(operand)
    if new_dtype is None:
        return x
    weak = isinstance(new_dtype, type) and new_dtype in (int, float, builtins.complex)
    return C.convert(x, dtypes.canonical(new_dtype), weak)


def bitcast_convert_type(operand, new_dtype):
    """The bits of array[...] as another dtype; a wider or narrower one takes or adds a last axis.

    >>> bitcast_convert_type(asarray(1.0, "float32"), "int32").tolist()
    1065353216
    """
    return bits.bitcast_convert_type(asarray(operand), dtypes.canonical(new_dtype))


def reduce_precision(operand, exponent_bits, mantissa_bits):
    """Every element rounded to a narrower float format, in its own dtype.

    >>> reduce_precision(1.0, 8, 7).tolist()
    1.0
    """
    return bits.reduce_precision(asarray(operand), int(exponent_bits), int(mantissa_bits))


def select(pred, on_true, on_false):
    """on_true where pred, else on_false; arrays of equal shape, pred also without axes.

    >>> select(True, 1, 2).tolist()
    1
    """
    which, *cases = _selector("select", pred, on_false, on_true)
    return C.select_n(which, *cases)


def select_n(which, *cases):
    """cases[which], by element. which: bool or integer.

    >>> select_n(True, 1, 2).tolist()
    2
    """
    if not cases:
        raise NotAnArrayError("select_n: expected at least one case, got none")
    return C.select_n(*_selector("select_n", which, *cases))


def _selector(name, which, *cases):
    cases = same(name, *cases) if len(cases) > 1 else [operand(name, cases[0])]
    which = operand(name, which)
    if dtypes.is_integer(which.dtype):
        which = C.convert(which, dtypes.int32)
    if not which.ndim:
        which = broadcast_value(which, cases[0].shape)
    return [which, *cases]


def clamp(min, x, max):
    """x no lower than min and no higher than max; the bounds have x's shape or no axes.

    >>> clamp(0, 5, 3).tolist()
    3
    """
    x = operand("clamp", x)
    low, high = (
        scalar(b, x.dtype) if type(b) in PYTHON_SCALARS else operand("clamp", b) for b in (min, max)
    )
    low, high = (broadcast_value(b, x.shape) if not b.ndim else b for b in (low, high))
    return C.clamp(low, x, high)

"""Arithmetic, comparison, logic and rounding, at every index.

In: operands of equal shape and dtype.  Out: an array of that shape.
Knows nothing of: broadcasting and promotion, which `ftx.numpy` does before.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..primitive import Linear
from .formula import Binary, Elementwise, full_like, function
from .selection import conj, real, select


class Neg(Elementwise):
    """-x"""

    kinds, numpy, linear = "ifc", np.negative, True

    def transpose(self, cts: Any, x: Any) -> list[Any]:
        return [neg(cts[0])]


class Add(Binary):
    """x + y"""

    kinds, numpy, linear = "ifc", np.add, True

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        given = [t for t in tangents if t is not None]
        return self.bind(*primals), [functools.reduce(add, given)]

    def transpose(self, cts: Any, x: Any, y: Any) -> list[Any]:
        return [cts[0] if isinstance(a, Linear) else None for a in (x, y)]


class Sub(Binary):
    """x - y"""

    kinds, numpy, linear = "ifc", np.subtract, True

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        x, y = tangents
        tangent = x if y is None else neg(y) if x is None else sub(x, y)
        return self.bind(*primals), [tangent]

    def transpose(self, cts: Any, x: Any, y: Any) -> list[Any]:
        (ct,) = cts
        return [
            ct if isinstance(x, Linear) else None,
            neg(ct) if isinstance(y, Linear) else None,
        ]


class Mul(Binary):
    """x * y"""

    kinds, numpy, bilinear = "ifc", np.multiply, True

    def transpose(self, cts: Any, x: Any, y: Any) -> list[Any]:
        (ct,) = cts
        return [mul(ct, y), None] if isinstance(x, Linear) else [None, mul(x, ct)]


def _divide(x: Any, y: Any) -> Any:
    if x.dtype.kind not in "iu":
        return np.divide(x, y)
    safe = np.where(y == 0, 1, y).astype(y.dtype)
    quotient = np.asarray(np.floor_divide(x, safe))
    rounded_down = (np.asarray(np.remainder(x, safe)) != 0) & ((x < 0) != (safe < 0))
    return np.where(y == 0, np.array(-1).astype(x.dtype), quotient + rounded_down).astype(x.dtype)


def _remainder(x: Any, y: Any) -> Any:
    if x.dtype.kind not in "iu" or np.all(y):
        return np.fmod(x, y)
    return np.where(y == 0, x, np.fmod(x, np.where(y == 0, 1, y).astype(y.dtype)))


class Div(Binary):
    """x / y; integers round towards zero, and x / 0 is -1."""

    kinds, numpy = "ifc", staticmethod(_divide)

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        (x, y), (dx, dy) = primals, tangents
        out = div(x, y)
        if dy is None:
            return [out], [div(dx, y)]
        change = mul(neg(out), dy)  # one division for both operands, also of their cotangents
        return [out], [div(change if dx is None else add(dx, change), y)]

    def transpose(self, cts: Any, x: Any, y: Any) -> list[Any]:
        return [div(cts[0], y), None]


class Rem(Binary):
    """Remainder of x / y with the sign of x; x % 0 of integers is x."""

    kinds, numpy = "if", staticmethod(_remainder)

    def partials(self, x: Any, y: Any, *, out: Any) -> list[Any]:
        return [lambda: full_like(x, 1), lambda: neg(trunc(div(x, y)))]


class Max(Binary):
    """The larger of x and y; NaN if either is."""

    kinds, numpy = "bif", np.maximum

    def partials(self, x: Any, y: Any, *, out: Any) -> list[Any]:
        half = lambda a, b: select(gt(a, b), full_like(a, 1), _tie(a, b))
        return [lambda: half(x, y), lambda: half(y, x)]


class Min(Binary):
    """The smaller of x and y; NaN if either is."""

    kinds, numpy = "bif", np.minimum

    def partials(self, x: Any, y: Any, *, out: Any) -> list[Any]:
        half = lambda a, b: select(lt(a, b), full_like(a, 1), _tie(a, b))
        return [lambda: half(x, y), lambda: half(y, x)]


def _tie(x: Any, y: Any) -> Any:
    return select(eq(x, y), full_like(x, 0.5), full_like(x, 0))


class IntegerPow(Elementwise):
    """x ** y for a static integer y."""

    kinds = "ifc"

    def impl(self, x: Any, *, y: int) -> list[Any]:
        if x.dtype.kind in "iu":
            return [_integer_power(x, y)]
        return [np.asarray(np.power(x, np.asarray(y, np.float32).astype(x.dtype)), x.dtype)]

    def partials(self, x: Any, *, out: Any, y: int) -> list[Any]:
        if y == 0:
            return [lambda: full_like(x, 0)]
        return [lambda: mul(full_like(x, y), integer_pow(x, y=y - 1))]

    def lower(self, kernel: Any, index: Any, x: Any, *, y: int) -> Any:
        base = x(index)
        if y == 0:
            return kernel.const(1, x.dtype)
        result, square, n = None, base, abs(y)
        while n:
            if n & 1:
                result = square if result is None else kernel.call("mul", x.dtype, result, square)
            n >>= 1
            if n:
                square = kernel.call("mul", x.dtype, square, square)
        one = kernel.const(1, x.dtype)
        return kernel.call("div", x.dtype, one, result) if y < 0 else result


def _integer_power(x: Any, y: int) -> Any:
    if y < 0:
        one = np.ones_like(x)
        return _divide(one, _integer_power(x, -y))
    return np.asarray(np.power(x, np.asarray(y, x.dtype)), x.dtype)


def _sign(x: Any) -> Any:
    out = np.sign(x)
    if x.dtype.kind != "c":
        return out
    return np.where(np.isnan(x), complex(np.nan, np.nan), out)  # NumPy's of (inf, NaN) is 1


class Sign(Elementwise):
    """-1, 0 or 1; NaN stays; x/|x| for complex."""

    kinds, numpy, differentiable = "ifc", staticmethod(_sign), False


class Abs(Elementwise):
    """|x|, real also for complex x."""

    kinds, numpy, result = "ifc", np.abs, "real"

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        (x,), (t,) = primals, tangents
        out = abs_(x)
        if not dtypes.is_complex(x.dtype):
            return [out], [mul(t, sign(x))]
        # Not sign(x), whose own derivative is zero by convention: this quotient has one.
        size = select(eq(out, full_like(out, 0)), full_like(out, 1), out)
        return [out], [div(real(mul(t, conj(x))), size)]


class Square(Elementwise):
    """x * x"""

    kinds, numpy = "ifc", np.square

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: mul(full_like(x, 2), x)]


class Floor(Elementwise):
    """The largest integer not above x."""

    kinds, numpy, differentiable = "f", np.floor, False


class Ceil(Elementwise):
    """The smallest integer not below x."""

    kinds, numpy, differentiable = "f", np.ceil, False


class Trunc(Elementwise):
    """x without its fraction."""

    kinds, numpy, differentiable = "f", np.trunc, False


class Round(Elementwise):
    """The nearest integer, halves to even."""

    kinds, numpy, differentiable = "f", np.rint, False


class IsFinite(Elementwise):
    """Whether x is neither NaN nor infinite."""

    kinds, numpy, result, differentiable = "f", np.isfinite, "bool", False


class Nextafter(Binary):
    """The next representable value after x towards y."""

    kinds, numpy, differentiable = "f", np.nextafter, False


class Comparison(Binary):
    """A truth value from two operands."""

    result, differentiable, kinds = "bool", False, "bif"


class Eq(Comparison):
    """x == y"""

    kinds, numpy = "bifc", np.equal


class Ne(Comparison):
    """x != y"""

    kinds, numpy = "bifc", np.not_equal


class Lt(Comparison):
    """x < y"""

    numpy = np.less


class Le(Comparison):
    """x <= y"""

    numpy = np.less_equal


class Gt(Comparison):
    """x > y"""

    numpy = np.greater


class Ge(Comparison):
    """x >= y"""

    numpy = np.greater_equal


class And(Binary):
    """Logical and of bools, bitwise and of integers."""

    kinds, numpy, differentiable = "bi", np.bitwise_and, False


class Or(Binary):
    """Logical or of bools, bitwise or of integers."""

    kinds, numpy, differentiable = "bi", np.bitwise_or, False


class Xor(Binary):
    """Exclusive or."""

    kinds, numpy, differentiable = "bi", np.bitwise_xor, False


class Not(Elementwise):
    """Logical not of bools, complement of integers."""

    kinds, numpy, differentiable = "bi", np.invert, False


def _shift(kind: str) -> Callable[[Any, Any], Any]:
    """NumPy's shifts take a count as unsigned, and those beyond the width push all bits out."""
    shift = np.left_shift if kind == "left" else np.right_shift
    letter = "i" if kind == "arithmetic" else "u"

    def shifted(x: Any, y: Any) -> Any:
        as_kind = f"{letter}{x.dtype.itemsize}"
        return np.asarray(shift(x.view(as_kind), y.view(as_kind))).view(x.dtype)

    return shifted


class ShiftLeft(Binary):
    """x shifted left by y bits; 0 from the width of the type on."""

    kinds, numpy, differentiable = "i", staticmethod(_shift("left")), False


class ShiftRightLogical(Binary):
    """x shifted right by y bits, zeros coming in."""

    kinds, numpy, differentiable = "i", staticmethod(_shift("logical")), False


class ShiftRightArithmetic(Binary):
    """x shifted right by y bits, copies of the top bit coming in, of unsigned integers too."""

    kinds, numpy, differentiable = "i", staticmethod(_shift("arithmetic")), False


class PopulationCount(Elementwise):
    """How many bits are set."""

    kinds, differentiable = "i", False

    def impl(self, x: Any) -> list[Any]:
        return [np.bitwise_count(x.view(f"u{x.dtype.itemsize}")).astype(x.dtype)]


class Clz(Elementwise):
    """How many leading bits are zero."""

    kinds, differentiable = "i", False

    def impl(self, x: Any) -> list[Any]:
        bits = x.dtype.itemsize * 8
        unsigned = np.ascontiguousarray(x).view(f"u{x.dtype.itemsize}").reshape(x.shape)
        lengths = [bits - int(v).bit_length() for v in unsigned.ravel()]
        return [np.array(lengths, x.dtype).reshape(x.shape)]


neg_p, add_p, sub_p, mul_p, div_p, rem_p = Neg(), Add(), Sub(), Mul(), Div(), Rem()
max_p, min_p, integer_pow_p, square_p = Max(), Min(), IntegerPow(), Square()
sign_p, abs_p, floor_p, ceil_p, round_p, trunc_p = Sign(), Abs(), Floor(), Ceil(), Round(), Trunc()
is_finite_p, nextafter_p = IsFinite(), Nextafter()
eq_p, ne_p, lt_p, le_p, gt_p, ge_p = Eq(), Ne(), Lt(), Le(), Gt(), Ge()
and_p, or_p, xor_p, not_p = And(), Or(), Xor(), Not()
shift_left_p, shift_right_logical_p = ShiftLeft(), ShiftRightLogical()
shift_right_arithmetic_p, population_count_p, clz_p = (
    ShiftRightArithmetic(),
    PopulationCount(),
    Clz(),
)

neg, add, sub, mul = map(function, (neg_p, add_p, sub_p, mul_p))
div, rem, integer_pow = map(function, (div_p, rem_p, integer_pow_p))
max_, min_, square = map(function, (max_p, min_p, square_p))
sign, abs_, floor, ceil = map(function, (sign_p, abs_p, floor_p, ceil_p))
round_, trunc, is_finite = map(function, (round_p, trunc_p, is_finite_p))
nextafter = function(nextafter_p)
eq, ne, lt, le, gt, ge = map(function, (eq_p, ne_p, lt_p, le_p, gt_p, ge_p))
and_, or_, xor, not_ = map(function, (and_p, or_p, xor_p, not_p))
shift_left, shift_right_logical = map(function, (shift_left_p, shift_right_logical_p))
shift_right_arithmetic = function(shift_right_arithmetic_p)
population_count, clz = map(function, (population_count_p, clz_p))

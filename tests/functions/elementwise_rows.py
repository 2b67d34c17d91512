"""Rows of the functions that work element by element."""

import numpy as np

from tests.functions.draws import NOT_FINITE, Call, Operand
from tests.functions.rows import add, hold


def unary(kinds, low=-2.0, high=2.0, smooth=None, ints=(-6, 7), special=True):
    """One array, with NaN, infinities, zeros and extreme integers among its numbers."""

    def arguments(d):
        wide = kinds.replace("i", "il")
        x = d.array(wide, low=low, high=high, smooth=smooth, ints=ints, special=special)
        return Call((x,))

    return arguments


def binary(kinds, low=-2.0, high=2.0, smooth=None, ints=(-6, 7), special=True, second=None):
    """Two arrays that broadcast, of dtypes of their own, or one and a Python number."""
    options = {"low": low, "high": high, "smooth": smooth, "ints": ints, "special": special}

    def arguments(d):
        shape = d.shape()
        x = d.array(kinds.replace("i", "il"), shape, **options)
        form = d.pick("same", "last", "column", "number")
        if form == "number":
            y = d.number("".join(k for k in kinds if k in "ifc") or "b")
            return Call(d.pick((x, y), (y, x)) if second is None else (x, y))
        other = {"same": shape, "last": shape[-1:], "column": (*shape[:-1], 1) if shape else ()}
        y = d.array(second or kinds, other[form], **options)
        return Call((x, y) if second else d.pick((x, y), (y, x)))

    return arguments


# ---- one operand, differentiable

add(
    "numpy.sin numpy.cos numpy.sinh numpy.cosh numpy.arctan numpy.arcsinh numpy.exp numpy.expm1 "
    "numpy.tanh numpy.atan numpy.asinh numpy.exp2",
    unary("bif"),
)
# Of booleans JAX gives integers; ftx, as NumPy, a boolean.
add("numpy.square", lambda d: unary("if" if d.mode == "types" else "bif")(d))
add("numpy.tan", unary("bif", smooth=(-1, 1)), tolerance=64)
add(
    "numpy.arcsin numpy.arccos numpy.arctanh numpy.asin numpy.acos numpy.atanh",
    unary("bif", smooth=(-0.8, 0.8)),
)
add("numpy.arccosh numpy.acosh", unary("bif", 0.5, 4, smooth=(1.3, 4)))
add(
    "numpy.log numpy.log2 numpy.log10 numpy.sqrt numpy.cbrt",
    unary("bif", smooth=(0.4, 3)),
)
add("numpy.log1p", unary("bif", smooth=(-0.6, 3)))
add("numpy.reciprocal", unary("f", smooth=(0.5, 2)))
add("numpy.degrees numpy.radians numpy.deg2rad numpy.rad2deg", unary("bif"))
add("numpy.absolute numpy.abs", unary("bifc", smooth=(0.3, 2), special=False))
add("numpy.fabs", unary("bif", smooth=(0.3, 2)))
add("numpy.sinc", unary("bif"), tolerance=64)
add("numpy.negative numpy.positive", unary("ifc"))
add("numpy.conj numpy.conjugate numpy.real numpy.imag", unary("bifc"))
add(
    "numpy.angle",
    lambda d: Call(
        # A real scalar is float64 in JAX.
        (d.array("fc", d.shape(d.mode == "types"), special=True, smooth=(0.3, 2)),),
        d.options(deg=(False, True)),
    ),
)

# ---- one operand, without a derivative or of derivative zero

flat = {"gradient": False}
add("numpy.floor numpy.ceil numpy.trunc numpy.rint", unary("bif"), **flat)
add("numpy.fix", unary("bif"), np.trunc, **flat)
add("numpy.sign", unary("ifc"), **flat)
add("numpy.signbit", unary("bif"), **flat)
add("numpy.isnan numpy.isinf numpy.isfinite", unary("bifc"), **flat)
add("numpy.isposinf numpy.isneginf", unary("bif"), **flat)
add("numpy.iscomplex numpy.isreal", unary("bifc"), **flat)
add("numpy.logical_not", unary("bifc"), **flat)
add("numpy.invert numpy.bitwise_not numpy.bitwise_invert", unary("bi"), **flat)
add("numpy.bitwise_count", unary("i"), **flat)
add("numpy.frexp", unary("f"), vmap=True, **flat)
add("numpy.modf", unary("f"), **flat)


def reals(d):
    """Integers away from their limits, beyond which rounding may lead."""
    return d.array("f", special=True, low=-300, high=300), d.array("i", ints=(-100, 100))


add(
    "numpy.round numpy.around",
    lambda d: Call(
        (d.pick(*reals(d)),),
        d.options(decimals=(0, 1, 2, -1, -2)),
    ),
    tolerance=64,
    reason="scaled, rounded and scaled back: a tie in decimals is none in binary",
    **flat,
)
add(
    "numpy.nan_to_num",
    lambda d: Call(
        (d.array("biwc", special=True),),
        d.options(nan=(..., 0.1), posinf=(..., 0.7), neginf=(..., -0.7)),
    ),
    widen=False,
)
add("numpy.real_if_close", unary("f"), compiled=False, peer="JAX has none", gradient=False)

# ---- two operands

add("numpy.add numpy.subtract numpy.multiply", binary("ifc"))
add("numpy.divide numpy.true_divide", binary("ifc", smooth=(0.5, 2), special=False))
add("numpy.maximum numpy.minimum", binary("bif"))
add("numpy.fmax numpy.fmin", binary("bif"))
add("numpy.arctan2 numpy.atan2", binary("bif", smooth=(0.5, 2)))
stays = {"strong": "JAX's formula makes weak numbers strong"}
add("numpy.hypot", binary("bif", smooth=(0.5, 2)), **stays)
add("numpy.logaddexp", binary("bif"))
add("numpy.logaddexp2", binary("bif"), **stays)
add("numpy.copysign", binary("bif", smooth=(0.3, 2)), gradient=True)
add("numpy.heaviside", binary("bif"), gradient=False, **stays)
add("numpy.nextafter", binary("w"), widen=False, **flat)


def powers(d):
    """Bases and exponents for which results are real numbers."""
    if d.smooth:
        return Call((d.array("f", (2, 3), smooth=(0.5, 2)), d.array("f", (3,), smooth=(-2, 2))))
    shape = d.shape()
    x = d.array("ifc", shape, low=0.3, high=3, ints=(0, 5))
    y = d.pick(
        lambda: d.array("ifc", shape, ints=(0, 4)),
        lambda: d.array("f", shape, special=True),
        lambda: Call((d.pick(0, 1, 2, 3, 5, 0.5, 2.0, 1.7),)).args[0],
    )()
    return Call((x, y))


add("numpy.power numpy.pow", powers, oracle=np.power, tolerance=200, reason="exp(y log x)")


def float_powers(d):
    shape = d.shape()
    x = d.array("ifc", shape, low=0.3, high=3, smooth=(0.5, 2), ints=(0, 5))
    return Call((x, d.array("if", shape, smooth=(-2, 2), ints=(0, 4))))


add("numpy.float_power", float_powers, tolerance=200, reason="exp(y log x)")


def quotients(d):
    """Divisors of both signs, zero among them for reals."""
    shape = d.shape()
    x = d.array("if", shape, special=True, low=-9, high=9, smooth=(4.2, 4.8))
    y = d.array("if", shape, special=False, low=-3, high=3, smooth=(2.9, 3.1), ints=(1, 5))
    return Call((x, y))


add("numpy.floor_divide", quotients, gradient=False, tolerance=64)


def remainders(d):
    shape = d.shape()
    x = d.array("if", shape, low=-9, high=9, smooth=(4.2, 4.8))
    y = d.array("if", shape, low=1, high=3, smooth=(2.9, 3.1), ints=(1, 5))
    return Call((x, y))


add("numpy.remainder numpy.mod numpy.fmod", remainders)
add("numpy.divmod", remainders, gradient=False)

# ---- comparisons, logic, bits

comparisons = "equal not_equal less less_equal greater greater_equal"
add(" ".join(f"numpy.{n}" for n in comparisons.split()), binary("bifc", special=True), **flat)
add("numpy.logical_and numpy.logical_or numpy.logical_xor", binary("bifc"), **flat)


def whole(**rest):
    """Two arrays of integers with a common type."""

    def arguments(d):
        shape = d.shape()
        return Call(tuple(d.integers(shape, d.pick(shape, shape[-1:]), **rest)))

    return arguments


add("numpy.bitwise_and numpy.bitwise_or numpy.bitwise_xor", whole(), **flat)


def shifts(d):
    shape = d.shape()
    x, y = d.integers(shape, shape, ints=(0, 7))
    return Call((x, d.pick(y, d.number("i"))))


add(
    "numpy.left_shift numpy.right_shift numpy.bitwise_left_shift numpy.bitwise_right_shift",
    shifts,
    **flat,
)
add("numpy.gcd numpy.lcm", whole(ints=(-9, 10)), **flat)


def scaled(d):
    shape = d.shape()
    return Call((d.array("f", shape), d.array(dtype="int32", shape=shape, ints=(-4, 5))))


add("numpy.ldexp", scaled)


def close_pairs(d):
    shape = d.shape()
    x = d.array("bif", shape, special=NOT_FINITE, ints=(0, 3))
    y = d.array("bif", shape, special=NOT_FINITE, ints=(0, 3))
    o = d.options(rtol=(..., 0.3), atol=(..., 0.1), equal_nan=(False, True))
    return Call((x, y), o)


add("numpy.isclose numpy.allclose", close_pairs, **flat)


def clipped(d):
    x = d.array("if", special=True)
    o = d.options(min=(-1, None, 0.3), max=(1, None, 2.6))
    if not o.get("min") and not o.get("max"):
        o = {"min": d.array("if", x.shape[-1:]), "max": 3}
    return Call((x,), o)


add("numpy.clip", clipped, oracle=lambda x, min=None, max=None: np.clip(x, min, max))


def chosen(d):
    shape = d.shape()
    y = d.pick(lambda: d.array("bifc", shape[-1:]), lambda: d.number("if"))()
    return Call((d.array("bif", shape), d.array("bifc", shape), y))


add("numpy.where", chosen)


def selections(d):
    shape = d.shape()
    some = lambda kinds: [d.array(kinds, shape), d.array(kinds, shape)]
    return Call((some("b"), some("ifc")), d.options(default=(..., 3, 0.1)))


add("numpy.select", selections)


def choices(d):
    index = d.array(dtype="int32", shape=d.shape(), ints=(-2, 5))
    options = [d.array("ifc", index.shape), d.array("ifc", index.shape[-1:])]
    return Call((index, options), {"mode": d.pick("clip", "wrap")})


add("numpy.choose", choices)


def angles(d):
    x = d.array("if", d.shape(1, empty=False), low=-9, high=9, smooth=(-2, 2))
    return Call((x,), d.options(discont=(..., 4.0), axis=(-1, 0), period=(..., 5.0)))


add("numpy.unwrap", angles, tolerance=64, **stays)


def interpolation(d):
    grid = lambda rng, s, t: np.sort(rng.permutation(9)[: s[0]] + 0.25)
    x = d.array("if", low=-2, high=10, smooth=(0.4, 7))
    xp = Operand((5,), d.dtype("w"), make=grid)
    fp = d.array("if", (5,))
    return Call((x, xp, fp), d.options(left=(..., -0.1), right=(..., 1.7), period=(..., 6.1)))


add("numpy.interp", interpolation, tolerance=64)
add(
    "numpy.piecewise",
    lambda d: Call(
        (x := d.array("if", special=True), [d.array("b", x.shape)], [lambda x: x * 2, 1]),
    ),
    oracle=lambda x, c, f: np.where(c[0], x * 2, 1),
)

hold(
    "numpy.frompyfunc numpy.vectorize numpy.apply_along_axis numpy.apply_over_axes "
    "numpy.fromfunction numpy.mask_indices",
    "takes a function; the programs of tests/test_compositions and tests/numpy call it",
)

add(
    "numpy.i0", unary("if", smooth=(0.3, 2)), tolerance=300, reason="a series in each of two ranges"
)
add("numpy.spacing", unary("f"), gradient=False, widen=False)

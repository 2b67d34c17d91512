"""What NumPy computes at once, where nothing is traced, is what the compiled definition gives.

Types agree exactly, values bit for bit or, where the table says so, within rounding; operands hold
zeros of both signs, infinities, NaN, the extremes of the dtype and subnormal numbers.
"""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import NonFiniteError

NAN, INF = float("nan"), float("inf")
FLOATS, INTEGERS = ("float32", "float64"), ("int32", "int8", "uint8", "int64")


def special(dtype):
    """Numbers of the dtype at which definitions differ."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.array([True, False, False, True, True])
    if dtype.kind != "f":
        info = np.iinfo(dtype)
        numbers = [0, 1, 2, 3, 7, 8, 12, 31, 32, 33, 64, info.max, info.max - 1, info.min]
        return np.array(numbers + [-1, -2, -3, -12] * (dtype.kind == "i"), dtype)
    info = np.finfo(dtype)
    numbers = [0.0, -0.0, 1, -1, 0.5, -2.5, 3, 100.25, INF, -INF, NAN]
    edges = [info.max, info.min, info.tiny, -info.tiny]
    tiny = [info.smallest_subnormal, -info.smallest_subnormal, info.tiny / 4]
    return np.array(numbers + edges + tiny, dtype)


def pairs(dtype):
    """Every special number with every other."""
    numbers = special(dtype)
    return [a.copy() for a in np.broadcast_arrays(numbers[:, None], numbers)]


def agree(function, *operands, units=0):
    """Eager and compiled, on arrays and on NumPy's, give the same."""
    eager = ftx.tree.leaves(function(*map(fnp.asarray, operands)))
    compiled = ftx.tree.leaves(ftx.jit(function)(*operands))
    assert len(eager) == len(compiled)
    for e, c in zip(eager, compiled, strict=True):
        assert e.aval == c.aval
        e, c = np.asarray(e), np.asarray(c)
        if units:
            info = np.finfo(e.dtype)
            np.testing.assert_allclose(e, c, units * info.eps, info.smallest_subnormal)
        else:
            np.testing.assert_array_equal(e, c)
            if e.dtype.kind == "f":
                known = e == e
                np.testing.assert_array_equal(np.signbit(e[known]), np.signbit(c[known]))


@pytest.mark.parametrize("dtype", (*FLOATS, "float16"))
@pytest.mark.parametrize(
    "name", "frexp isfinite isinf isnan modf nan_to_num signbit spacing".split()
)
def test_of_one_number(name, dtype):
    agree(getattr(fnp, name), special(dtype))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["log10", "sinc"])
def test_of_one_number_within_rounding(name, dtype):
    agree(getattr(fnp, name), special(dtype), units=4)


@pytest.mark.parametrize("dtype", (*FLOATS, "float16"))
@pytest.mark.parametrize("name", "copysign fmax fmin heaviside".split())
def test_of_two_numbers(name, dtype):
    agree(getattr(fnp, name), *pairs(dtype))


@pytest.mark.parametrize("dtype", FLOATS)
def test_hypot_within_rounding(dtype):
    agree(fnp.hypot, *pairs(dtype), units=4)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize(
    "name", "divmod floor_divide fmax fmod left_shift remainder right_shift".split()
)
def test_of_two_integers(name, dtype):
    x, y = pairs(dtype)
    agree(getattr(fnp, name), x, y)
    agree(getattr(fnp, name), x[y != 0], y[y != 0])


@pytest.mark.parametrize("dtype", ("int8", "uint8"))
@pytest.mark.parametrize("name", ["gcd", "lcm"])
def test_divisors(name, dtype):
    agree(getattr(fnp, name), *pairs(dtype))


def test_the_greatest_common_divisor_is_positive():
    lowest = np.full(4, -128, np.int8)
    found = ftx.jit(fnp.gcd)(np.array([5, 30, 64, 127], np.int8), lowest)
    assert found.tolist() == [1, 2, 64, 1]


@pytest.mark.parametrize("dtype", FLOATS)
def test_ldexp(dtype):
    powers = [0, 1, -1, 100, 127, 128, -126, -149, 255, 300, -300, 2000, -2000, 2**30, -(2**31)]
    x, n = np.broadcast_arrays(special(dtype)[:, None], np.array(powers, np.int32))
    agree(fnp.ldexp, x.copy(), n.copy(), units=1)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(
            ftx.jit(fnp.ldexp)(x, n), np.ldexp(x, n), 0, np.finfo(dtype).smallest_subnormal
        )


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_ldexp_of_halves(name):
    """A power beyond the dtype's own does not make NaN of zero or infinity."""
    x = fnp.asarray([0.0, -0.0, 1.5, INF, -INF], dtype=name)
    for n in (-(2**20), -10, 0, 10, 2**20):
        found = np.asarray(ftx.jit(lambda v, n=n: fnp.ldexp(v, n))(x), np.float64)
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(found, np.ldexp(np.asarray(x, np.float64), n))


X = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)
N = np.array([[2, 0, 1, 1], [3, -1, 0, 2], [0, 0, -3, 1]], np.int32)
REARRANGED = {
    "packbits": lambda x, n: [fnp.packbits(n > 0, a, o) for a in (None, 0, 1) for o in ORDERS],
    "unpackbits": lambda x, n: [
        fnp.unpackbits(n.astype("uint8"), a, c, o)
        for a in (None, 0, -1)
        for c in (None, 5, 40, -3)
        for o in ORDERS
    ],
    "diagonal": lambda x, n: [fnp.diagonal(x, k) for k in (-4, -2, -1, 0, 1, 3, 5)],
    "diagonal of three axes": lambda x, n: fnp.diagonal(x.reshape(3, 2, 2), 1, 2, 0),
    "diag": lambda x, n: [fnp.diag(v, k) for k in (-2, 0, 1) for v in (x, x[0], n[1])],
    "trace": lambda x, n: (fnp.trace(x), fnp.trace(n, 1)),
    "split": lambda x, n: fnp.split(x, 2, 1) + fnp.split(x, [2, 1, -1, 9]),
    "array_split": lambda x, n: fnp.array_split(x, 3, -1) + fnp.array_split(x, 5),
    "delete": lambda x, n: [fnp.delete(x, i, 1) for i in (0, -1, slice(0, 4, 2), [1, 1, 3])],
    "insert": lambda x, n: [fnp.insert(x[0], i, 9) for i in (0, -1, 4, slice(1, 3), [1, 1, 3])],
    "insert many": lambda x, n: [
        fnp.insert(x[0], 1, n[0]),
        fnp.insert(x[0], [3, 0], [7, 8]),
        fnp.insert(x, 1, n[:, 0], 1),
        fnp.insert(x, 1, 5, 1),
    ],
    "take": lambda x, n: [fnp.take(x, n, 1), fnp.take(x, n), fnp.take(x, n[0], 0, mode="clip")],
    "take of unsigned": lambda x, n: fnp.take(x, fnp.absolute(n).astype("uint64"), 1, mode="clip"),
    "take_along_axis": lambda x, n: [
        fnp.take_along_axis(x, n, 1),
        fnp.take_along_axis(x, n[:1], 1),
        fnp.take_along_axis(x, n, None) if x.ndim < 2 else x,
    ],
    "repeat": lambda x, n: [fnp.repeat(x, c, 1) for c in (2, [1, 0, 2, 3])],
    "pad": lambda x, n: [fnp.pad(x, 3, m) for m in ("reflect", "wrap", "edge", "symmetric")],
    "unravel_index": lambda x, n: fnp.unravel_index(n, (3, 4)),
    "bincount": lambda x, n: [fnp.bincount(n[0]), fnp.bincount(n[0], minlength=9)],
    "bincount of negative numbers": lambda x, n: fnp.bincount(n[1], length=4),
    "gradient": lambda x, n: [fnp.gradient(x), fnp.gradient(x, axis=1), fnp.gradient(x, 2.0)],
    "clip": lambda x, n: [
        fnp.clip(x, -1, 1.5),
        fnp.clip(n, 0, 300),
        fnp.clip(x, n, None),
        fnp.clip(x, 1, -1),
        fnp.clip(n, -0.5, 1),
        fnp.clip(x, NAN, 1),
    ],
    "numbers first": lambda x, n: [fnp.subtract(1, n), fnp.divide(2, x), fnp.maximum(0.5, n)],
    "numbers beside arrays": lambda x, n: [
        fnp.floor_divide(n, 2),
        fnp.remainder(-7, fnp.absolute(n) + 1),
        fnp.fmax(x, 0),
        fnp.heaviside(x, 0.5),
        fnp.left_shift(1, fnp.absolute(n)),
        fnp.floor_divide(n, 0),
        fnp.fmax(n, 0.5),
    ],
    "nan_to_num": lambda x, n: [
        fnp.nan_to_num(x / n, nan=1, posinf=1e300, neginf=-5),
        fnp.nan_to_num(x / n, nan=x),
    ],
}
ORDERS = ("big", "little")


@pytest.mark.filterwarnings("ignore::ftx.core.errors.DynamicShapeWarning")
@pytest.mark.parametrize("name", REARRANGED)
def test_of_arrays(name):
    """The arrays and, where there is a quick way of each kind, dtypes it does not take."""
    agree(REARRANGED[name], X, N)
    agree(REARRANGED[name], X.astype("float16"), N.astype("int8"))


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_halves_are_computed_as_ever(name):
    x = fnp.asarray(X, dtype=name)
    for function in (fnp.hypot, fnp.fmax, fnp.copysign):
        found, compiled = function(x, x), ftx.jit(function)(x, x)
        assert found.aval == compiled.aval
        np.testing.assert_array_equal(
            np.asarray(found, np.float32), np.asarray(compiled, np.float32)
        )


@pytest.mark.parametrize("name", "fmax heaviside log10 maximum nan_to_num take".split())
def test_weak_operands_stay_as_weak_as_they_were(name):
    strong, weak = fnp.ones((3,), "float32"), fnp.full((3,), 2.0)
    weak = ftx.core.array.Array(np.asarray(weak), True)
    function = getattr(fnp, name)
    if name in ("log10", "nan_to_num"):
        cases = [(strong,), (weak,)]
    elif name == "take":
        cases = [(x, fnp.asarray([0])) for x in (strong, weak)]
    else:
        cases = [(x, y) for x in (strong, weak, 2.0, 2) for y in (strong, weak, 2.0)]
    for operands in cases:
        assert function(*operands).aval == ftx.jit(function)(*operands).aval


@pytest.mark.parametrize(
    "call",
    [
        lambda: fnp.log10(fnp.asarray([-1.0])),
        lambda: fnp.hypot(fnp.asarray([NAN]), fnp.asarray([1.0])),
        lambda: fnp.modf(fnp.asarray([NAN])),
        lambda: fnp.ldexp(fnp.asarray([NAN]), fnp.asarray([1])),
        lambda: fnp.take(fnp.asarray([NAN]), fnp.asarray([0])),
        lambda: fnp.clip(fnp.asarray([NAN]), 0, 1),
        lambda: fnp.diagonal(fnp.asarray([[NAN]])),
    ],
)
def test_nan_is_still_searched_for(call):
    call()
    with ftx.debug_nans(), pytest.raises(NonFiniteError):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: fnp.fmax(a, b),
        lambda a, b: fnp.divmod(a, b),
        lambda a, b: fnp.ldexp(a * 1.0, b),
        lambda a, b: fnp.take(a, b + 9),
        lambda a, b: fnp.take_along_axis(a, b + 9, 0),
        lambda a, b: fnp.gradient(a[:1]),
    ],
)
def test_errors_are_those_of_the_definition(call):
    operands = np.array([1, 2, 3], np.int32), np.array([1, 2], np.int32)
    with pytest.raises(Exception) as compiled:
        ftx.jit(call)(*operands)
    with pytest.raises(Exception) as eager:
        call(*map(fnp.asarray, operands))
    assert type(eager.value) is type(compiled.value)
    assert eager.value.__cause__ is None and eager.value.__context__ is None


def test_numpy_does_not_warn(recwarn):
    zero = fnp.asarray([0.0, INF, NAN, 1e38])
    fnp.log10(zero), fnp.hypot(zero, zero * 10), fnp.spacing(zero), fnp.sinc(zero)
    fnp.floor_divide(fnp.asarray([-(2**31)], dtype="int32"), fnp.asarray([-1], dtype="int32"))
    assert not recwarn.list

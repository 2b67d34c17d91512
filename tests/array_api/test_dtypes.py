"""The dtypes and shapes that the standard gives results, and its questions about dtypes.

The rules are written out here as the standard words them; NumPy, which has others, is no oracle.
"""

import itertools
import operator

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from tests.array_api.strategies import (
    ALL,
    BINARY,
    COMPLEX,
    FLOATING,
    INTEGER,
    NUMERIC,
    REAL,
    REAL_FLOATING,
    SIGNED,
    UNARY,
    UNSIGNED,
)

OPERATORS = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv", "pow": "pow",
    "floor_divide": "floordiv", "remainder": "mod", "equal": "eq", "not_equal": "ne",
    "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge",
    "bitwise_and": "and_", "bitwise_or": "or_", "bitwise_xor": "xor",
    "bitwise_left_shift": "lshift", "bitwise_right_shift": "rshift",
    "abs": "abs", "negative": "neg", "positive": "pos", "bitwise_invert": "invert",
}  # fmt: skip
TRUTH = {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}
TRUTH |= {"logical_and", "logical_or", "logical_xor", "isfinite", "isinf", "isnan", "signbit"}
REAL_PART = {"abs", "real", "imag"}
PARTS = {"complex64": "float32", "complex128": "float64"}
MODES = [None, True]
"""What `enable_x64` may be for arrays of every dtype of the standard."""


def bits(name):
    return np.dtype(name).itemsize * 8


def promoted(a, b):
    """The dtype of operands of dtypes a and b together; None where the standard has no rule."""
    if a == b:
        return a
    if a in SIGNED and b in UNSIGNED:
        a, b = b, a
    if a in UNSIGNED and b in SIGNED:
        wide = max(2 * bits(a), bits(b))
        return f"int{wide}" if wide <= 64 else None
    for kind in (SIGNED, UNSIGNED, REAL_FLOATING, COMPLEX):
        if a in kind and b in kind:
            return max(a, b, key=bits)
    if a in FLOATING and b in FLOATING:
        precise = max(bits(PARTS.get(d, d)) for d in (a, b))
        return f"complex{2 * precise}"
    return None


def numbers(dtype):
    """Python numbers that operators take beside an array of dtype, which keeps its own."""
    if dtype == "bool":
        return [True]
    if dtype in INTEGER:
        return [1]
    return [1, 1.0] if dtype in REAL_FLOATING else [1, 1.0, 1j]


def ones(*dtypes):
    return [fnp.ones((1,), dtype=d) for d in dtypes]


def forms(name):
    """The function, and the operator that does the same, at once and traced."""
    found = [getattr(fnp, name)]
    if name in OPERATORS:
        found.append(getattr(operator, OPERATORS[name]))
        in_place = f"i{OPERATORS[name].strip('_')}"
        found += [getattr(operator, in_place)] if hasattr(operator, in_place) else []
    return found + [lambda *xs, f=f: ftx.eval_shape(f, *xs) for f in found]


def result(name, dtype):
    if name in TRUTH:
        return "bool"
    return PARTS.get(dtype, dtype) if name in REAL_PART else dtype


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", UNARY)
def test_one_operand(name, mode):
    with ftx.enable_x64(mode):
        for dtype, f in itertools.product(UNARY[name], forms(name)):
            assert f(*ones(dtype)).dtype == result(name, dtype), dtype


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", BINARY)
def test_two_operands(name, mode):
    with ftx.enable_x64(mode):
        for a, b in itertools.product(BINARY[name], BINARY[name]):
            if wanted := promoted(a, b):
                for f in forms(name):
                    assert f(*ones(a, b)).dtype == result(name, wanted), (a, b)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", BINARY)
def test_an_operand_and_a_number(name, mode):
    with ftx.enable_x64(mode):
        for dtype in BINARY[name]:
            (x,) = ones(dtype)
            for number, f in itertools.product(numbers(dtype), forms(name)):
                assert f(x, number).dtype == result(name, dtype), (dtype, number)
                assert f(number, x).dtype == result(name, dtype), (dtype, number)


SHAPES = [
    ((2, 1), (1, 3), (2, 3)), ((), (2,), (2,)), ((2, 3), (3,), (2, 3)), ((0,), (1,), (0,)),
    ((1,), (4, 1, 2), (4, 1, 2)), ((3, 0), (1, 1), (3, 0)), ((), (), ()),
]  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
def test_shapes_of_two_operands(name):
    dtype = BINARY[name][0]
    for a, b, wanted in SHAPES:
        x, y = fnp.ones(a, dtype=dtype), fnp.ones(b, dtype=dtype)
        for f in forms(name):
            assert f(x, y).shape == f(y, x).shape == wanted


@pytest.mark.parametrize("name", BINARY)
def test_shapes_that_do_not_fit(name):
    x, y = (fnp.ones(n, dtype=BINARY[name][0]) for n in (2, 3))
    for f in forms(name):
        with pytest.raises(TypeError, match="broadcast together"):
            f(x, y)


@pytest.mark.parametrize("mode", MODES)
def test_result_type(mode):
    with ftx.enable_x64(mode):
        for a, b in itertools.product(ALL, ALL):
            if wanted := promoted(a, b):
                dtypes = [getattr(fnp, n) for n in (a, b)]
                for mixed in itertools.product(*zip(dtypes, ones(a, b), strict=True)):
                    assert fnp.result_type(*mixed) == wanted
                for number in numbers(wanted):
                    for order in itertools.permutations([*dtypes, number]):
                        assert fnp.result_type(*order) == wanted
                    assert fnp.result_type(number, *ones(a, b)) == wanted


def test_result_type_of_many():
    names = ["int8", "uint8", "int16", "uint16", "int32"]
    for order in itertools.permutations(names):
        assert fnp.result_type(*[getattr(fnp, n) for n in order]) == "int32"


@pytest.mark.parametrize("name", ["concat", "stack", "where"])
def test_joined_arrays(name):
    for a, b in itertools.product(ALL, ALL):
        if wanted := promoted(a, b):
            x, y = ones(a, b)
            found = fnp.where(x == x, x, y) if name == "where" else getattr(fnp, name)([x, y])
            assert found.dtype == wanted


def test_can_cast():
    for a, b in itertools.product(ALL, ALL):
        if promoted(a, b) == b:
            assert fnp.can_cast(getattr(fnp, a), getattr(fnp, b)) is True
            assert fnp.can_cast(*ones(a), getattr(fnp, b)) is True
    assert not fnp.can_cast(fnp.float64, fnp.float32) and not fnp.can_cast(fnp.int8, fnp.uint8)


KINDS = {
    "bool": ["bool"],
    "signed integer": SIGNED,
    "unsigned integer": UNSIGNED,
    "integral": INTEGER,
    "real floating": REAL_FLOATING,
    "complex floating": COMPLEX,
    "numeric": NUMERIC,
}


@pytest.mark.parametrize("dtype", ALL)
def test_isdtype(dtype):
    d = getattr(fnp, dtype)
    for (kind, there), (other, also) in itertools.product(KINDS.items(), repeat=2):
        assert fnp.isdtype(d, kind) is (dtype in there)
        assert fnp.isdtype(d, (kind, other)) is (dtype in there or dtype in also)
    for other in ALL:
        assert fnp.isdtype(d, getattr(fnp, other)) is (dtype == other)
        assert fnp.isdtype(d, ("bool", getattr(fnp, other))) is (dtype in ("bool", other))


@pytest.mark.parametrize("dtype", REAL_FLOATING + COMPLEX)
def test_finfo(dtype):
    wanted = np.finfo(PARTS.get(dtype, dtype))
    for given in (getattr(fnp, dtype), *ones(dtype), ones(dtype)[0].dtype):
        found = fnp.finfo(given)
        assert found.dtype == PARTS.get(dtype, dtype) and type(found.bits) is int
        for n in ("bits", "eps", "max", "min", "smallest_normal"):
            assert float(getattr(found, n)) == float(getattr(wanted, n))


@pytest.mark.parametrize("dtype", INTEGER)
def test_iinfo(dtype):
    low = 0 if dtype in UNSIGNED else -(2 ** (bits(dtype) - 1))
    for given in (getattr(fnp, dtype), *ones(dtype), ones(dtype)[0].dtype):
        found = fnp.iinfo(given)
        assert (found.dtype, found.bits, found.min) == (dtype, bits(dtype), low)
        assert found.max == low + 2 ** bits(dtype) - 1
        assert {type(getattr(found, n)) for n in ("bits", "max", "min")} == {int}


CASTS = [(a, b) for a, b in itertools.product(ALL, ALL) if a not in COMPLEX or b in COMPLEX]


@pytest.mark.parametrize("copy", [True, False])
def test_astype(copy):
    values = [0, 1, 3]
    for a, b in CASTS:
        x = fnp.asarray(values, dtype=a)
        found = fnp.astype(x, getattr(fnp, b), copy=copy, device=x.device)
        assert found.dtype == b
        wanted = np.asarray(values).astype(bool).astype(int) if "bool" in (a, b) else values
        assert np.asarray(found).tolist() == list(wanted)


SUMS = ["sum", "prod", "cumulative_sum", "cumulative_prod", "linalg.trace"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SUMS)
def test_accumulated(name, mode):
    """Small integers take the default integer's width; the rest keep their dtype."""
    f = fnp.linalg.trace if name == "linalg.trace" else getattr(fnp, name)
    shape = (1, 1) if name == "linalg.trace" else (1,)
    with ftx.enable_x64(mode):
        for dtype in NUMERIC:
            x = fnp.ones(shape, dtype=dtype)
            default = {**dict.fromkeys(SIGNED, "int64"), **dict.fromkeys(UNSIGNED, "uint64")}
            assert f(x).dtype == default.get(dtype, dtype)
            for other in NUMERIC:
                if promoted(dtype, other) == other:
                    assert f(x, dtype=getattr(fnp, other)).dtype == other


@pytest.mark.parametrize("mode", MODES)
def test_other_reductions(mode):
    with ftx.enable_x64(mode):
        info = fnp.__array_namespace_info__().default_dtypes()
        for dtype in REAL:
            (x,) = ones(dtype)
            assert fnp.max(x).dtype == fnp.min(x).dtype == fnp.sort(x).dtype == dtype
            counts = [fnp.argmax(x), fnp.argmin(x), fnp.argsort(x), fnp.count_nonzero(x)]
            counts += [*fnp.nonzero(x), fnp.searchsorted(x, x), *fnp.unique_all(x)[1:]]
            assert {c.dtype for c in counts} == {info["indexing"]}
        for dtype in REAL_FLOATING:
            (x,) = ones(dtype)
            assert {f(x).dtype for f in (fnp.mean, fnp.std, fnp.var)} == {np.dtype(dtype)}


@pytest.mark.parametrize("mode", MODES)
def test_default_dtypes(mode):
    with ftx.enable_x64(mode):
        info = fnp.__array_namespace_info__()
        for device in (None, *info.devices()):
            default = info.default_dtypes(device=device)
            assert default["real floating"] == ("float64" if mode else "float32")
            assert default["complex floating"] == ("complex128" if mode else "complex64")
            assert default["integral"] == default["indexing"] == "int64"
        real = [fnp.ones(1), fnp.zeros(1), fnp.empty(1), fnp.eye(1), fnp.linspace(0, 1, 2)]
        real += [fnp.asarray(1.0), fnp.full(1, 1.0), fnp.arange(1.0)]
        real += [fnp.fft.fftfreq(2), fnp.fft.rfftfreq(2)]
        assert {x.dtype for x in real} == {default["real floating"]}
        assert {x.dtype for x in (fnp.asarray(1), fnp.full(1, 1), fnp.arange(1))} == {
            np.dtype("int64")
        }
        assert {x.dtype for x in (fnp.asarray(1j), fnp.full(1, 1j))} == {
            default["complex floating"]
        }
        assert {x.dtype for x in (fnp.asarray(True), fnp.full(1, False))} == {np.dtype(bool)}


def test_what_the_namespace_has():
    info = fnp.__array_namespace_info__()
    capabilities = info.capabilities()
    assert capabilities["boolean indexing"] is capabilities["data-dependent shapes"] is True
    assert fnp.ones((1,) * capabilities["max dimensions"]).ndim == 64
    assert info.default_device() in info.devices()
    assert list(info.dtypes()) == ["bool", *SIGNED, *UNSIGNED, *REAL_FLOATING, *COMPLEX]
    for kinds in itertools.chain(KINDS, itertools.combinations(KINDS, 2)):
        names = (kinds,) if isinstance(kinds, str) else kinds
        found = info.dtypes(kind=kinds, device=info.default_device())
        assert set(found) == {d for k in names for d in KINDS[k]}
        assert all(fnp.empty(1, dtype=d).dtype == n for n, d in found.items())

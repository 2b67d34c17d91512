"""dtypes of results: JAX's lattice with weak Python numbers; the fast path equals the slow."""

import itertools

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ftx
import ftx.numpy as fnp
from ftx.core.config import config
from ftx.core.errors import (
    BroadcastShapeError,
    ConfigError,
    DTypeError,
    FtxWarning,
    NotAnArrayError,
    PromotionError,
    ShapeError,
)

NAMES = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bfloat16",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]
NUMBERS = [True, 2, 2.5, 1 + 2j]


def test_scalar_types():
    assert fnp.zeros(1).dtype == fnp.float32
    assert fnp.float32 == np.dtype("float32") and hash(fnp.float32) == hash(np.dtype("float32"))
    assert fnp.float32 != fnp.float64 and fnp.int8 != "int16"
    assert fnp.float32(3).dtype == np.float32 and fnp.int8([1, 2]).shape == (2,)
    assert np.zeros(1, fnp.bfloat16).dtype == ml_dtypes.bfloat16
    assert {fnp.float32: 1}[np.dtype("float32")] == 1
    assert fnp.issubdtype(fnp.bfloat16, fnp.floating) and not fnp.issubdtype(fnp.int8, fnp.inexact)
    assert fnp.issubdtype(np.int8, fnp.signedinteger) and fnp.isdtype("uint8", "unsigned integer")
    assert fnp.finfo(fnp.bfloat16).bits == 16 and fnp.iinfo(fnp.uint8).max == 255


def test_new_arrays_have_default_dtypes():
    assert fnp.array(1.0).dtype == fnp.float32 and fnp.array([1, 2]).dtype == fnp.int64
    assert fnp.array([1, 2.5]).dtype == fnp.float32 and fnp.array([True]).dtype == fnp.bool_
    assert fnp.array(np.zeros(1)).dtype == fnp.float64 and fnp.array([1j]).dtype == fnp.complex64
    assert fnp.array([np.float64(1)]).dtype == fnp.float64
    assert fnp.array(3.0).weak_type and not fnp.array([3.0]).weak_type
    with ftx.enable_x64():
        assert fnp.array(1.0).dtype == fnp.float64 and fnp.zeros(1).dtype == fnp.float64
    with ftx.enable_x64(False):
        assert fnp.array(np.zeros(1)).dtype == fnp.float32 and fnp.arange(3).dtype == fnp.int32


def array_of(name):
    return np.ones(2, ml_dtypes.bfloat16 if name == "bfloat16" else name)


@pytest.mark.peers
def test_table_equals_jax():
    jax = pytest.importorskip("jax")

    def same(f, *args):
        ours = f(fnp, *[fnp.asarray(a) if isinstance(a, np.ndarray) else a for a in args])
        values = iter([a for a in args if isinstance(a, np.ndarray)])
        arrays = [a for a in args if isinstance(a, np.ndarray)]
        theirs = jax.eval_shape(
            lambda *xs: f(jax.numpy, *[_next(xs, a, arrays) for a in args]), *values
        )
        assert (ours.dtype, ours.weak_type) == (theirs.dtype, theirs.weak_type), args

    def _next(traced, a, arrays):
        return next((t for t, x in zip(traced, arrays, strict=True) if x is a), a)

    with jax.enable_x64(True), ftx.enable_x64():
        for a, b in itertools.product(NAMES, NAMES):
            same(lambda m, x, y: x + y, array_of(a), array_of(b))
        for a, n in itertools.product(NAMES, NUMBERS):
            same(lambda m, x, y: x * y, array_of(a), n)
            same(lambda m, x, y: y / x, array_of(a), n)
        for m, n in itertools.product(NUMBERS, NUMBERS):
            for f in ("add", "multiply", "divide", "maximum"):
                if f != "maximum" or complex not in (type(m), type(n)):
                    same(lambda module, x, y, f=f: getattr(module, f)(x, y), m, n)
        for f in ("sin", "abs", "negative", "floor", "sqrt", "exp", "sign", "square"):
            for x in (2, 2.5, *map(array_of, ("int8", "int64", "float16"))):
                same(lambda module, x, f=f: getattr(module, f)(x), x)


def operands_of_all_kinds(lib, wide):
    """Arrays, NumPy arrays and scalars of every dtype, Python numbers, weak arrays."""
    narrow = [n for n in NAMES if wide or n not in ("int64", "uint64", "float64", "complex128")]
    found = {f"py {type(n).__name__}": n for n in NUMBERS}
    found |= {f"weak {type(n).__name__}": lib.numpy.asarray(n) for n in NUMBERS[1:]}
    for name in narrow:
        found[name] = lib.numpy.ones(2, name)
        found[f"ndarray {name}"] = array_of(name)
        found[f"scalar {name}"] = array_of(name)[0]
    return found


@pytest.mark.peers
@pytest.mark.parametrize("wide", [True, False])
def test_every_pair_of_operands_promotes_as_in_jax(wide):
    """The dtype and the weakness; of pairs of everything that can be an operand."""
    jax = pytest.importorskip("jax")
    with jax.enable_x64(wide), ftx.enable_x64(wide):
        theirs, ours = operands_of_all_kinds(jax, wide), operands_of_all_kinds(ftx, wide)
        for a, b in itertools.product(theirs, theirs):
            flags = {"return_weak_type_flag": True}
            wanted = jax.dtypes.result_type(theirs[a], theirs[b], **flags)
            assert ftx.dtypes.result_type(ours[a], ours[b], **flags) == wanted, (a, b)
            product = fnp.multiply(ours[a], ours[b])
            assert product.dtype == wanted[0], (a, b)
            if "scalar" not in a + b:
                assert product.weak_type == wanted[1], (a, b)


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_halves_are_computed_in_32_bits_and_rounded_once(half):
    """Sums and products of many halves do not lose digits on the way, eagerly and compiled."""
    x = (np.arange(1, 2001) % 7 / 8).astype(array_of(half).dtype)
    exact = x.astype(np.float64)
    for f, wanted in (
        (fnp.sum, exact.sum()),
        (fnp.mean, exact.mean()),
        (lambda v: fnp.dot(v, v), (exact * exact).sum()),
        (lambda v: fnp.var(v), exact.var()),
        (lambda v: fnp.exp(v)[3], np.exp(exact[3])),
        (lambda v: (v * v + v)[5], float(x[5] * x[5] + x[5])),
    ):
        for found in (f(fnp.asarray(x)), ftx.jit(f)(x)):
            assert found.dtype == x.dtype
            assert abs(float(found) / wanted - 1) <= 2 * float(fnp.finfo(half).eps)


OPERATORS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "lt": lambda x, y: x < y,
    "ge": lambda x, y: x >= y,
    "eq": lambda x, y: x == y,
    "max": fnp.maximum,
    "min": fnp.minimum,
    "add_": fnp.add,
    "atan2": fnp.arctan2,
}
numbers = st.one_of(st.integers(-(2**40), 2**40), st.floats(-1e6, 1e6), st.booleans())


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(OPERATORS)),
    st.sampled_from([n for n in NAMES if n[0] in "biuf" and n != "bfloat16"]),
    st.one_of(numbers, st.sampled_from([n for n in NAMES if n[0] in "biuf" and n != "bfloat16"])),
    st.booleans(),
)
def test_fast_path_equals_slow_path(name, dtype, other, swap):
    x = fnp.asarray(np.array([[1, 0, 3]], dtype))
    y = fnp.asarray(np.array([[2], [1]], other)) if isinstance(other, str) else other
    pair = (y, x) if swap else (x, y)
    f = OPERATORS[name]
    try:
        fast = f(*pair)
    except (DTypeError, OverflowError) as error:
        with config.override(debug_infs=False), pytest.raises(type(error)):
            ftx.make_jaxpr(lambda: f(*pair))()
        return
    jaxpr = ftx.make_jaxpr(lambda: f(*pair))()
    assert jaxpr.out_avals[0] is fast.aval, (jaxpr, fast.aval)
    with ftx.disable_jit():
        slow = ftx.core.evaluate.eval_jaxpr(jaxpr, [])[0]
    np.testing.assert_array_equal(np.asarray(fast), np.asarray(slow))


def test_numpy_operands_and_users_error_state():
    x = fnp.ones(3)
    for found in (np.ones(3, np.float32) * x, x * np.float32(2), np.float32(2) * x):
        assert isinstance(found, ftx.Array) and found.dtype == fnp.float32
    with np.errstate(all="raise"):
        assert np.isinf(np.asarray(x / 0)).all() and np.isnan(np.asarray(fnp.log(-x))).all()
        with pytest.raises(FloatingPointError):
            np.float32(1) / np.float32(0)
    assert np.sin(x).dtype == np.float32


def test_python_integers_wrap_into_small_dtypes():
    assert (fnp.uint8(1) + (-1)).tolist() == 0 and (fnp.int8(1) + 300).tolist() == 45
    assert (fnp.asarray(np.array([1], np.uint8)) - 2).tolist() == [255]


def test_errors():
    x = fnp.ones(3)
    with pytest.raises(TypeError):
        x + [1, 2, 3]
    with pytest.raises(NotAnArrayError, match="add: expected an array or a number, got list"):
        fnp.add(x, [1, 2, 3])
    with pytest.raises(ShapeError, match="expected shapes that broadcast"):
        x + fnp.ones(2)
    with pytest.raises(DTypeError):
        fnp.array(True) - fnp.array(True)
    with pytest.raises(ShapeError, match="equal lengths"):
        fnp.array([[1, 2], [3]])
    with pytest.raises(NotImplementedError, match="device"):
        fnp.zeros(1, device="gpu")
    assert (x == None) is not True  # noqa: E711  an unknown operand gives Python's answer


def test_array_of_tracers():
    f = lambda a, b: fnp.array([a, [b, 1.0][0]])
    assert ftx.jit(f)(1.0, 2.0).tolist() == [1, 2]
    assert ftx.grad(lambda a: fnp.array([a, a * a]).sum())(3.0) == 7


def test_debug_nans():
    with ftx.debug_nans(), pytest.raises(FloatingPointError):
        fnp.log(fnp.array([-1.0]))
    with config.override(debug_nans=True), pytest.raises(FloatingPointError):
        fnp.array([0.0]) / fnp.array([0.0])


MIXED = [1, 1.0, 1j, True, *(np.ones(2, d) for d in ("?", "u1", "i4", "i8", "f2", "f4", "c8"))]


def refused(numpy, x, y):
    try:
        numpy.multiply(*[numpy.asarray(v) if isinstance(v, np.ndarray) else v for v in (x, y)])
    except Exception as error:
        return type(error).__name__
    return None


@pytest.mark.peers
@pytest.mark.parametrize("x", MIXED, ids=lambda x: str(getattr(x, "dtype", x)))
def test_strict_promotion_refuses_what_jax_refuses(x):
    jax = pytest.importorskip("jax")
    with jax.numpy_dtype_promotion("strict"), jax.enable_x64(True):
        wanted = [refused(jax.numpy, x, y) is not None for y in MIXED]
    with ftx.numpy_dtype_promotion("strict"):
        found = [refused(fnp, x, y) for y in MIXED]
    assert [f is not None for f in found] == wanted
    assert {f for f in found if f} <= {"PromotionError"}


def test_strict_promotion_names_the_operation_and_both_types():
    with ftx.numpy_dtype_promotion("strict"):
        with pytest.raises(PromotionError, match=r"add: .* got f32\[2\], i64\[2\]; convert"):
            fnp.ones(2) + fnp.ones(2, int)
        with pytest.raises(PromotionError, match="where: "):
            ftx.jit(lambda x: fnp.where(x > 0, x, fnp.arange(2)))(fnp.ones(2))
        with pytest.raises(PromotionError, match="concatenate: "):
            fnp.concatenate([fnp.ones(2), fnp.arange(2)])


def test_functions_mix_nothing_of_their_own():
    x, i = fnp.ones((3, 3)) + fnp.eye(3), fnp.arange(3)
    with ftx.numpy_dtype_promotion("strict"):
        fnp.mean(i), fnp.var(x), fnp.std(i), fnp.median(x), fnp.percentile(x, 50.0)
        fnp.sin(i), x**2, x[i], x.at[0].set(1.0), fnp.linalg.inv(x), fnp.linalg.norm(x)
        fnp.interp(0.5, x[0], x[1]), fnp.gradient(x[0]), fnp.convolve(x[0], x[1]), fnp.cumsum(x)
        ftx.nn.softmax(x), ftx.grad(lambda v: ftx.nn.gelu(v).sum())(x)
        ftx.random.normal(ftx.random.key(0)), ftx.random.gamma(ftx.random.key(0), 2.0)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("x,y", [((2, 3), (3,)), ((1, 2, 3), (2, 3)), ((2, 3), ())])
def test_operands_of_different_ranks(compiled, x, y):
    x, y = ftx.numpy.ones(x), ftx.numpy.ones(y)
    f = ftx.jit(lambda a, b: a + b) if compiled else lambda a, b: a + b
    with ftx.numpy_rank_promotion("allow"):
        wanted = f(x, y).shape
    if not y.ndim:
        with ftx.numpy_rank_promotion("raise"):
            assert f(x, y).shape == wanted
        return
    with ftx.numpy_rank_promotion("raise"), pytest.raises(BroadcastShapeError, match="equal rank"):
        f(x, y)
    with ftx.numpy_rank_promotion("warn"), pytest.warns(FtxWarning, match="equal rank"):
        assert f(x, y).shape == wanted
    with ftx.numpy_rank_promotion("raise"):
        assert f(x, x).shape == x.shape
        assert ftx.numpy.matmul(x, ftx.numpy.ones(3)).shape == x.shape[:-1]


def test_rank_promotion_takes_its_words_only():
    with pytest.raises(ConfigError, match="allow"), ftx.numpy_rank_promotion("wat"):
        pass

"""What arrays do where Python, NumPy and other libraries meet them; JAX's methods, one by one."""

import copy
import math
import operator
import pickle

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import (
    ArgumentError,
    ConcretizationError,
    DonatedArrayError,
    DTypeError,
    ImmutableArrayError,
    NotAnArrayError,
    TracerArrayConversionError,
)

X = np.arange(6, dtype=np.float32).reshape(2, 3)
x = fnp.asarray(X)

# ---- NumPy's functions -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "act",
    [
        lambda v: np.sin(v),
        lambda v: np.concatenate([v, v]),
        lambda v: np.add(v, X),
        lambda v: np.add(X, v),
        lambda v: np.where(v > 2, v, 0),
        lambda v: np.stack([v, X]),
        lambda v: np.linalg.norm(v),
        lambda v: np.add.reduce(v),
        lambda v: np.array(v),
        lambda v: np.asarray(v, np.int32),
        lambda v: np.add(v, 1, out=np.empty((2, 3), np.float32)),
    ],
)
def test_numpy_functions_give_numpy_arrays(act):
    """Through __array__, without a copy: NumPy computes, and the result is NumPy's."""
    found, wanted = act(x), act(X)
    assert not isinstance(found, ftx.Array) and found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)
    with pytest.raises(TracerArrayConversionError, match=r"ftx\.numpy"):
        ftx.jit(act)(x)


@pytest.mark.parametrize(
    "act",
    [
        lambda v: np.sum(v, axis=0),
        lambda v: np.mean(v, axis=1, keepdims=True),
        lambda v: np.max(v),
        lambda v: np.reshape(v, (3, 2)),
        lambda v: np.cumsum(v),
        lambda v: np.transpose(v),
    ],
)
def test_numpy_functions_that_ask_for_a_method_give_arrays(act):
    """NumPy calls x.sum() and the like, which work on traced arrays too."""
    for found in (act(x), ftx.jit(act)(x)):
        assert isinstance(found, ftx.Array)
        np.testing.assert_array_equal(np.asarray(found), act(X))


def test_numpy_arrays_beside_arrays_leave_the_operator_to_ftx():
    for f in (operator.add, operator.mul, operator.sub, operator.truediv, operator.lt, operator.eq):
        found = f(X, x + 1)
        assert isinstance(found, ftx.Array)
        np.testing.assert_array_equal(np.asarray(found), f(X, X + 1))
        traced = ftx.jit(lambda v, f=f: f(X, v + 1))(x)
        np.testing.assert_array_equal(np.asarray(traced), f(X, X + 1))
    assert isinstance(X @ x.T, ftx.Array) and isinstance(np.float32(2) * x, ftx.Array)
    y = X.copy()
    y += x
    assert type(y) is ftx.Array and np.array_equal(y, 2 * X)


def test_array_shares_memory_and_is_read_only():
    view = np.asarray(x)
    assert np.shares_memory(view, np.asarray(x)) and not view.flags.writeable
    assert np.array(x).flags.writeable
    assert np.shares_memory(np.asarray(x, copy=False), view)
    with pytest.raises(ArgumentError, match="copy=False"):
        np.asarray(x, np.int32, copy=False)
    with pytest.raises((TypeError, ValueError)):
        np.add(X, 1, out=x)


def test_dlpack_both_ways_without_copies():
    assert np.shares_memory(np.from_dlpack(x), np.asarray(x))
    theirs = np.arange(4.0)
    assert np.shares_memory(np.asarray(fnp.from_dlpack(theirs)), theirs)
    assert x.__dlpack_device__() == (1, 0)
    with pytest.raises(TracerArrayConversionError):
        ftx.jit(lambda v: np.from_dlpack(v))(x)


def test_dlpack_with_torch():
    torch = pytest.importorskip("torch")
    theirs = torch.arange(4.0)
    ours = fnp.from_dlpack(theirs)
    assert np.asarray(ours).ctypes.data == theirs.data_ptr()
    assert torch.from_dlpack(x).data_ptr() == x.unsafe_buffer_pointer()


# ---- Text --------------------------------------------------------------------------------------

TEXTS = [
    (lambda n: n.arange(3, dtype="int32"), "Array([0, 1, 2], dtype=int32)"),
    (lambda n: n.asarray(X), "Array([[0., 1., 2.],\n       [3., 4., 5.]], dtype=float32)"),
    (lambda n: n.ones(2, "bfloat16"), "Array([1, 1], dtype=bfloat16)"),
    (lambda n: n.asarray(X)[:0], "Array([], shape=(0, 3), dtype=float32)"),
    (lambda n: n.zeros(0, "float32"), "Array([], shape=(0,), dtype=float32)"),
    (lambda n: n.asarray(1.0), "Array(1., dtype=float32, weak_type=True)"),
    (lambda n: n.asarray(X) > 2, "Array([[False, False, False],\n       [ True,  True,  True]], "
     "dtype=bool)"),
    (lambda n: n.zeros(2000, "float32"), "Array([0., 0., 0., ..., 0., 0., 0.], dtype=float32)"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "text"), TEXTS)
def test_repr(make, text):
    assert repr(make(fnp)) == text
    assert str(make(fnp)) == str(np.asarray(make(fnp)))


@pytest.mark.peers
@pytest.mark.parametrize(("make", "text"), TEXTS)
def test_repr_is_that_of_jax(make, text):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(False):
        assert repr(make(jax.numpy)) == text


def test_format():
    assert f"{x[0, 1]:.3f}" == "1.000" and f"{x[1, 2]:>10.2e}" == "  5.00e+00"
    assert f"{fnp.int32(5):05d}" == "00005" and f"{x}" == str(X)
    with pytest.raises(TypeError, match="unsupported format"):
        f"{x:.2f}"
    assert ftx.grad(lambda v: v * len(f"{v:.2f}"))(1.0) == 4.0
    with pytest.raises(ConcretizationError, match="format of a traced"):
        ftx.jit(lambda v: len(f"{v:.2f}"))(1.0)
    assert ftx.jit(lambda v: v * ("traced" in f"{v}" or "Tracer" in f"{v}"))(2.0) == 2.0


# ---- Python's operations -----------------------------------------------------------------------


def test_iteration_unpacking_and_membership():
    a, b = x
    assert a.tolist() == [0, 1, 2] and [float(v) for v in b] == [3, 4, 5]
    assert all(isinstance(v, ftx.Array) for v in x[0])
    assert 3.0 in x and 9 not in x and fnp.int32(2) in fnp.arange(3)
    assert float(sum(x[0])) == 3 and float(max(x[0])) == 2
    with pytest.raises(NotAnArrayError, match="iteration"):
        iter(x[0, 0])
    with pytest.raises(ConcretizationError, match=r"bool\[\]"):
        ftx.jit(lambda v: 3 in v)(x)
    assert ftx.jit(lambda v: [r.sum() for r in v])(x) == [3, 12]


@pytest.mark.parametrize("way", [lambda f: f, ftx.jit])
def test_operators(way):
    y = X + 1
    for f in (
        lambda v: divmod(v, 2),
        lambda v: divmod(7, v),
        lambda v: (v**2, 2**v, v // 2, 7 // v, v % 2, 7 % v, -v, +v, abs(-v)),
        lambda v: v @ v.T,
        lambda v: (0 <= v, 2 > v, v != 1, v == v),
    ):
        found, wanted = way(f)(fnp.asarray(y)), f(y)
        pairs = zip(found, wanted, strict=True) if isinstance(wanted, tuple) else [(found, wanted)]
        for mine, theirs in pairs:
            np.testing.assert_allclose(np.asarray(mine), theirs, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(way(lambda v: round(v / 3, 1))(x)), np.round(X / 3, 1))
    n = np.array([1, 2, 12])
    for g in (lambda v: (v << 1, 1 << v, v >> 1, 99 >> v, v & 3, v | 8, v ^ 5, ~v),):
        for mine, theirs in zip(way(g)(fnp.asarray(n)), g(n), strict=True):
            assert mine.tolist() == theirs.tolist()


def test_in_place_operators_rebind():
    y = before = fnp.ones(2)
    y += 1
    y *= 3
    y @= fnp.eye(2)
    assert y.tolist() == [6, 6] and before.tolist() == [1, 1]
    with pytest.raises(ImmutableArrayError, match=r"at\[...\]"):
        before[0] = 2


def test_numbers_of_one_element():
    one = x[0, 1]
    assert (bool(one), int(one), float(one), complex(one)) == (True, 1, 1.0, 1 + 0j)
    assert [10, 20][fnp.int32(1)] == 20 and list(range(fnp.int32(2))) == [0, 1]
    assert math.sqrt(x[1, 1]) == 2 and "a" * fnp.int8(2) == "aa"
    assert round(x[0, 1] / 3) == 0 and fnp.issubdtype(round(one).dtype, fnp.integer)
    assert bool(0 <= one < 2) and not hasattr(x, "__trunc__")
    for act, error in (
        (lambda: bool(x), ArgumentError),
        (lambda: 0 <= x < 2, ArgumentError),
        (lambda: bool(x[:0]), ArgumentError),
        (lambda: float(x), DTypeError),
        (lambda: operator.index(one), DTypeError),
        (lambda: len(one), NotAnArrayError),
        (lambda: hash(x), TypeError),
        (lambda: ftx.jit(hash)(x), TypeError),
        (lambda: ~x, DTypeError),
        (lambda: pow(x, 2, 3), TypeError),
    ):
        with pytest.raises(error):
            act()


@pytest.mark.parametrize(
    "f", [operator.eq, operator.ne, operator.add, operator.lt, operator.matmul]
)
@pytest.mark.parametrize("other", [[1, 2, 3], (1, 2, 3), {1}, {}])
def test_lists_are_refused_and_not_compared_by_identity(f, other):
    with pytest.raises(NotAnArrayError, match="asarray"):
        f(x, other)
    assert (x == None) is False and (x != "a") is True  # noqa: E711


def test_copies_and_pickles():
    y = fnp.asarray(2.0)
    for same in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x), copy.copy(x), x.copy()):
        assert same.tolist() == x.tolist() and same.dtype == x.dtype
    assert pickle.loads(pickle.dumps(y)).weak_type
    assert not np.shares_memory(np.asarray(copy.deepcopy(x)), np.asarray(x))
    with pytest.raises(TracerArrayConversionError, match="pickle"):
        ftx.jit(pickle.dumps)(x)
    assert ftx.jit(lambda v: copy.copy(v) + copy.deepcopy(v))(x).tolist() == (2 * X).tolist()


# ---- The methods of jax.Array ------------------------------------------------------------------


def test_traced_arrays_are_arrays():
    seen = []
    ftx.jit(lambda v: seen.append(isinstance(v, ftx.Array)) or v)(x)
    ftx.grad(lambda v: seen.append(isinstance(v, ftx.Array)) or v)(1.0)
    assert seen == [True, True] and not isinstance(X, ftx.Array) and not isinstance(1.0, ftx.Array)


def test_where_an_array_is():
    assert x.devices() == {ftx.devices()[0]} and x.device == ftx.devices()[0]
    assert x.platform() == "cpu" and x.is_ready() and not x.committed
    assert x.is_fully_addressable and x.is_fully_replicated
    np.testing.assert_array_equal(x.addressable_data(0), x)
    assert x.on_device_size_in_bytes() == x.nbytes == 24 and x.itemsize == 4
    assert x.unsafe_buffer_pointer() == np.asarray(x).ctypes.data
    assert x.copy_to_host_async() is None and x.block_until_ready() is x
    with pytest.raises(ArgumentError, match="one of 1 devices"):
        x.addressable_data(1)


def test_delete():
    y = fnp.ones(3) + 1
    y.delete()
    y.delete()
    assert y.is_deleted() and y.shape == (3,) and not y.is_ready()
    for act in (lambda: y + 1, lambda: np.asarray(y), lambda: ftx.jit(fnp.sin)(y), y.tolist):
        with pytest.raises(DonatedArrayError):
            act()


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "float64", "complex64"])
def test_views_and_byte_order(dtype):
    y = (np.arange(4) + 3).astype(dtype)
    for f in (
        (lambda v: v.byteswap(), lambda v: v.view("uint8"))
        if dtype != "complex64"
        else (lambda v: v.byteswap(),)
    ):
        for found in (f(fnp.asarray(y)), ftx.jit(f)(y)):
            assert np.asarray(found).tobytes() == f(y).tobytes()
    assert fnp.asarray(np.arange(8, dtype="uint8")).view("uint32").tolist() == [50462976, 117835012]


def test_methods_of_choice_and_conversion():
    i = np.array([1, 0, 1])
    assert fnp.asarray(i).choose([X[0], X[1]]).tolist() == np.choose(i, [X[0], X[1]]).tolist()
    assert x.astype("int32", copy=True, device=x.device).dtype == np.int32
    assert x.item(4) == 4.0 and x.T.shape == (3, 2) and x.mT.shape == (3, 2)
    assert x.real.tolist() == X.tolist() and x.imag.tolist() == (0 * X).tolist()


ABSENT = {
    "__numpy_dtype__": "JAX's own hook of dtypes",
    "_multi_slice": "JAX's own",
    "_split": "JAX's own",
    "addressable_shards": "given with names of sharding",
    "global_shards": "given with names of sharding",
    "sharding": "given with names of sharding",
}
"""Attributes of jax.Array that arrays lack, with the reason."""


@pytest.mark.peers
def test_every_attribute_of_jax_arrays_is_here():
    jax = pytest.importorskip("jax")
    missing = {name for name in dir(jax.Array) if not hasattr(ftx.Array, name)}
    assert missing <= set(ABSENT)
    public = [n for n in dir(jax.numpy.ones(1)) if not n.startswith("_")]
    runtime = {"clone", "device_buffer", "device_buffers", "format", "traceback"}  # of XLA's buffer
    assert {n for n in public if not hasattr(ftx.Array, n)} <= set(ABSENT) | runtime


@pytest.mark.peers
@pytest.mark.parametrize("name", ["astype", "view", "reshape", "choose", "item", "clip", "sum"])
def test_signatures_of_methods(name):
    """Whatever can be passed by name to JAX's method can be passed to ours."""
    import inspect

    jax = pytest.importorskip("jax")
    theirs = inspect.signature(getattr(jax.Array, name)).parameters
    ours = inspect.signature(getattr(ftx.Array, name)).parameters
    assert set(theirs) - {"args", "kwargs", "self"} <= set(ours)

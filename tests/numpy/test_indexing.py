"""x[index] and x.at[index]: NumPy is the oracle, traced and evaluated at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import ftx
import ftx.numpy as fnp
from ftx.core.errors import DTypeError, ImmutableArrayError, IndexOutOfRangeError, ShapeError

X = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
I, J = np.array([[0, 1], [1, 0]]), np.array([2, 0])
MASK = X > 7

BASIC = [
    0,
    -1,
    np.int32(1),
    slice(None),
    slice(1, None),
    slice(None, None, -1),
    slice(5, 0, -2),
    slice(-3, None),
    slice(2, 1),
    (0, 1),
    (0, slice(None), 2),
    (Ellipsis, 1),
    (1, Ellipsis),
    (None, 0),
    (0, None, 1, None),
    (slice(None), None, slice(None, None, 2)),
    (Ellipsis,),
    (),
    (slice(0, 2), -1, slice(3, 0, -1)),
]
ADVANCED = [
    J % 2,
    I,
    [0, 1],
    (J % 2, J),
    (slice(None), J),
    (slice(None), J, J),
    (J % 2, slice(None), J),
    (0, J),
    (0, slice(None), J),
    (J % 2, 1),
    (Ellipsis, J),
    (None, J % 2),
    (J % 2, None, J),
    (I, J),
    (I, slice(None), J),
    (slice(None, None, -1), J, slice(1, 3)),
    (I, None, None, 1),
    (np.array([-1, -2]), Ellipsis),
    np.zeros((0,), int),
    (slice(None), np.zeros((2, 0), int)),
    ([0, 1], [2, 0], [3, 3]),
    (np.array(1), J),
    (0, slice(None, None, 2), J),
]
BOOLEAN = [
    MASK,
    MASK[:, 0, 0],
    (slice(None), MASK[0]),
    (0, MASK[1]),
    (MASK[:, :, 0], slice(1, 3)),
    (MASK[:, 0, 0], J),
    [True, False],
    (Ellipsis, np.array([True, False, True, False])),
]
IN_RANGE = [
    i for i in ADVANCED if not (isinstance(i, (list, np.ndarray)) and np.max(i, initial=0) > 1)
]


def arrays_of(index):
    """The index with its NumPy arrays as arguments of a traced function."""
    items = index if isinstance(index, tuple) else (index,)
    return [i for i in items if isinstance(i, np.ndarray) and i.dtype != bool]


def put_back(index, values):
    values = iter(values)
    items = index if isinstance(index, tuple) else (index,)
    new = tuple(next(values) if isinstance(i, np.ndarray) and i.dtype != bool else i for i in items)
    return new if isinstance(index, tuple) else new[0]


@pytest.mark.parametrize("index", BASIC + IN_RANGE + BOOLEAN, ids=str)
def test_getitem(index):
    wanted = X[index]
    x = fnp.asarray(X)
    for found in (x[index], ftx.jit(lambda v: v[index])(X)):
        assert found.shape == wanted.shape
        np.testing.assert_array_equal(np.asarray(found), wanted)
    traced = ftx.jit(lambda v, *a: v[put_back(index, a)])(X, *arrays_of(index))
    np.testing.assert_array_equal(np.asarray(traced), wanted)


@pytest.mark.parametrize("index", BASIC + IN_RANGE + BOOLEAN, ids=str)
@pytest.mark.parametrize("name", ["set", "add", "multiply", "max"])
def test_update(name, index):
    part = X[index]
    new = (np.arange(part.size).reshape(part.shape) + 1).astype(np.float32)
    wanted = X.copy()
    if name == "set":
        wanted[index] = new
    else:
        {"add": np.add, "multiply": np.multiply, "max": np.maximum}[name].at(wanted, index, new)
    x = fnp.asarray(X)
    found = getattr(x.at[index], name)(new)
    np.testing.assert_allclose(np.asarray(found), wanted)
    traced = ftx.jit(lambda v, *a: getattr(v.at[put_back(index, a)], name)(new))(
        X, *arrays_of(index)
    )
    np.testing.assert_allclose(np.asarray(traced), wanted)


@pytest.mark.parametrize(
    "index", [0, (0, 1), slice(None, None, -2), I % 2, (slice(None), J), (J % 2, J)], ids=str
)
def test_gradient_of_reading_and_writing(index):
    w = np.random.RandomState(0).randn(*X[index].shape).astype(np.float32)
    read = ftx.grad(lambda v: fnp.sum(v[index] * w))(X)
    wanted = np.zeros_like(X)
    np.add.at(wanted, index, w)
    np.testing.assert_allclose(np.asarray(read), wanted, rtol=1e-6)
    written = ftx.grad(lambda u: fnp.sum(fnp.asarray(X).at[index].add(u) * X))(w)
    np.testing.assert_allclose(np.asarray(written), X[index], rtol=1e-6)
    kept = ftx.grad(lambda v: fnp.sum(v.at[index].set(0.0)))(X)
    mask = np.ones_like(X)
    mask[index] = 0
    np.testing.assert_array_equal(np.asarray(kept), mask)


def test_vmap_of_reading_with_a_batched_index():
    rows = np.array([2, 0, 1])
    x = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(np.asarray(ftx.vmap(lambda i: fnp.asarray(x)[i])(rows)), x[rows])
    picked = ftx.vmap(lambda v, i: v[i])(x, rows)
    np.testing.assert_array_equal(np.asarray(picked), x[np.arange(3), rows])


@pytest.mark.parametrize("index", [3, -4, (0, 5), [0, 9], np.array([0, -9])], ids=str)
def test_known_index_out_of_range_raises(index):
    x = fnp.zeros((3, 4))
    with pytest.raises(IndexOutOfRangeError, match="index out of range"):
        x[index]
    with pytest.raises(IndexOutOfRangeError, match="index out of range"):
        x.at[index].set(1.0)
    with pytest.raises(IndexOutOfRangeError, match="index out of range"):
        ftx.make_jaxpr(lambda v: v[index])(x)


def test_traced_index_out_of_range_raises():
    with pytest.raises(IndexError, match="index out of range"):
        ftx.jit(lambda v, i: v[i])(fnp.zeros(3), 3)


def test_modes():
    x = fnp.array([1.0, 2.0, 3.0])
    i = np.array([0, 5, -1])
    assert x.at[i].get(mode="clip").tolist() == [1, 3, 3]
    assert x.at[i].get(mode="fill", fill_value=9).tolist() == [1, 9, 3]
    assert np.isnan(np.asarray(x.at[i].get(mode="fill"))[1])
    assert x.at[i].get(mode="wrap").tolist() == [1, 3, 3]
    assert x.at[np.array([0, 1])].get(mode="promise_in_bounds").tolist() == [1, 2]
    assert x.at[i].set(0, mode="drop").tolist() == [0, 2, 0]
    assert x.at[i].set(0, mode="clip").tolist() == [0, 2, 0]
    assert x.at[7].add(1, mode="drop").tolist() == [1, 2, 3]
    assert ftx.jit(lambda v, j: v.at[j].get(mode="fill", fill_value=-1))(x, i).tolist() == [
        1,
        -1,
        3,
    ]
    with pytest.raises(ValueError, match="expected a mode"):
        x.at[0].get(mode="near")


def test_other_updates():
    x = fnp.array([1.0, 2.0, 4.0])
    assert x.at[1].divide(4).tolist() == [1, 0.5, 4]
    assert x.at[1].power(3).tolist() == [1, 8, 4]
    assert x.at[0].subtract(3).tolist() == [-2, 2, 4]
    assert x.at[:2].min(1.5).tolist() == [1, 1.5, 4]
    assert x.at[1:].apply(lambda v: -v).tolist() == [1, -2, -4]
    assert x.at[1].mul(2).tolist() == [1, 4, 4]
    assert fnp.arange(3).at[0].set(2.7).dtype == fnp.int64


def test_errors():
    x = fnp.zeros((2, 3))
    with pytest.raises(IndexOutOfRangeError, match="at most 2 indices"):
        x[0, 0, 0]
    with pytest.raises(DTypeError, match="expected integer"):
        x[np.array([0.5])]
    with pytest.raises(ShapeError, match="broadcast to"):
        x.at[0].set(np.zeros(2))
    with pytest.raises(ImmutableArrayError, match=r"x\.at"):
        x[0] = 1.0
    with pytest.raises(ftx.errors.ConcretizationError):
        ftx.make_jaxpr(lambda v: v[v > 0])(x)


def test_take_and_along_axis():
    x = fnp.asarray(X)
    np.testing.assert_array_equal(np.asarray(fnp.take(x, I, axis=1)), np.take(X, I, 1))
    np.testing.assert_array_equal(np.asarray(fnp.take(x, 5)), np.take(X, 5))
    order = np.argsort(-X, 1)
    np.testing.assert_array_equal(
        np.asarray(fnp.take_along_axis(x, order, 1)), np.take_along_axis(X, order, 1)
    )
    assert fnp.take(x, 99, mode="clip").tolist() == 23
    assert fnp.put_along_axis(
        fnp.zeros((1, 2)), np.array([[1]]), 3.0, 1, inplace=False
    ).tolist() == [[0, 3]]
    assert fnp.put(fnp.zeros(3), [0, 2], [1, 2], inplace=False).tolist() == [1, 0, 2]


def one_index(n):
    ints = st.integers(-n, n - 1)
    bounds = st.one_of(st.none(), st.integers(-n - 1, n + 1))
    steps = st.sampled_from([None, 1, 2, -1, -2])
    arrays = hnp.arrays(np.int64, st.sampled_from([(2,), (1,), (2, 1), ()]), elements=ints)
    return st.one_of(ints, st.builds(slice, bounds, bounds, steps), arrays)


@st.composite
def indices(draw):
    items = [draw(one_index(n)) for n in X.shape[: draw(st.integers(0, 3))]]
    for _ in range(draw(st.integers(0, 2))):
        items.insert(draw(st.integers(0, len(items))), None)
    if draw(st.booleans()):
        items.insert(draw(st.integers(0, len(items))), Ellipsis)
        consumed = [i for i in items if i is not None and i is not Ellipsis]
        fixed, position = [], 0
        for i in items:  # indices after ... are for the last axes: make them fit any
            if isinstance(i, (int, np.ndarray)) and i is not Ellipsis:
                i = np.asarray(i) % 2 if isinstance(i, np.ndarray) else i % 2
            fixed.append(i)
            position += 1
        del consumed
        items = fixed
    return tuple(items)


@settings(max_examples=60, deadline=None)
@given(indices())
def test_any_index_reads_and_writes_as_numpy(index):
    wanted = X[index]
    found = ftx.jit(lambda v, *a: v[put_back(index, a)])(X, *arrays_of(index))
    np.testing.assert_array_equal(np.asarray(found), wanted)
    np.testing.assert_array_equal(np.asarray(fnp.asarray(X)[index]), wanted)
    changed = X.copy()
    changed[index] = -1
    np.testing.assert_array_equal(np.asarray(fnp.asarray(X).at[index].set(-1)), changed)

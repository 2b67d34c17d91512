"""Every form of index that NumPy accepts, drawn: reading and every update, against NumPy.

Evaluated at once, compiled with the index in the program, compiled with index arrays as arguments,
mapped over a batch, and differentiated.
"""

import functools
import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import ftx
import ftx.numpy as fnp
from ftx.core.errors import FtxError
from ftx.test_util import check_grads

INT_DTYPES = (np.int64, np.int32, np.int8)
UPDATES = {
    "set": None,
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "min": np.minimum,
    "max": np.maximum,
    "divide": np.divide,
    "power": np.power,
}


@st.composite
def integer_items(draw, n):
    """One integer: Python's, NumPy's, or an array without axes."""
    i = draw(st.integers(-n, n - 1))
    kind = draw(st.sampled_from([int, np.int32, np.uint8, np.asarray, operator.index]))
    return kind(i % n) if kind is np.uint8 else kind(i)


@st.composite
def array_items(draw, n, shape):
    """Integer arrays of a shape that broadcasts to `shape`, or nested lists of them."""
    keep = draw(st.integers(0, len(shape)))
    sizes = tuple(s if draw(st.booleans()) else 1 for s in shape[keep:])
    drawn = hnp.arrays(draw(st.sampled_from(INT_DTYPES)), sizes, elements=st.integers(-n, n - 1))
    found = draw(drawn)
    return found.tolist() if found.ndim and found.size and draw(st.booleans()) else found


@st.composite
def slices(draw, n):
    bounds = st.one_of(st.none(), st.integers(-n - 2, n + 2))
    return slice(draw(bounds), draw(bounds), draw(st.sampled_from([None, 1, 2, 3, -1, -2])))


@st.composite
def indices(draw, max_dims=4, masks=True):
    """(shape of the array, index)."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=max_dims)))
    common = tuple(draw(st.lists(st.integers(0 if max_dims > 3 else 1, 3), max_size=2)))
    items, axis = [], 0
    upto = draw(st.integers(0, len(shape)))
    while axis < upto:
        kind = draw(st.sampled_from("isa" + "m" * masks + "sa"))
        if kind == "m":
            k = draw(st.integers(1, upto - axis))
            mask = draw(hnp.arrays(bool, shape[axis : axis + k]))
            if any(isinstance(i, (np.ndarray, list)) for i in items) or draw(st.booleans()):
                kind = "i"  # two masks hardly ever fit: one alone
            else:
                items.append(mask.tolist() if draw(st.booleans()) and mask.size else mask)
                common, axis = (int(mask.sum()),), axis + k
                continue
        one = {"i": integer_items, "s": slices, "a": functools.partial(array_items, shape=common)}
        items.append(draw(one[kind](shape[axis])))
        axis += 1
    for extra in draw(st.lists(st.sampled_from([None, None, Ellipsis, True]), max_size=2)):
        if not (extra is Ellipsis and any(i is Ellipsis for i in items)):
            items.insert(draw(st.integers(0, len(items))), extra)
    if len(items) == 1 and draw(st.booleans()):
        return shape, items[0]
    return shape, tuple(items)


def read(x, index):
    """NumPy's answer, or the kind of its refusal."""
    try:
        return x[index]
    except (IndexError, ValueError) as error:
        return type(error)


def number_arrays(index):
    """The index's parts that can be arguments: integer arrays and integers."""
    items = index if isinstance(index, tuple) else (index,)
    return [i for i in items if _can_be_traced(i)]


def _can_be_traced(i):
    return (isinstance(i, np.ndarray) and i.dtype != bool) or type(i) in (int, np.int32)


def replaced(index, values):
    values = iter(values)
    items = index if isinstance(index, tuple) else (index,)
    new = tuple(next(values) if _can_be_traced(i) else i for i in items)
    return new if isinstance(index, tuple) else new[0]


def grid(shape, dtype=np.float32):
    return (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 7 + 1).astype(dtype)


def each_way(f, x, index, *values):
    """f(x, index, *values) at once, compiled, and compiled with the index as arguments."""
    ours = fnp.asarray(x)
    yield f(ours, index, *values)
    yield ftx.jit(lambda v, *w: f(v, index, *w))(ours, *values)
    parts = number_arrays(index)
    n = len(parts)
    if parts:
        yield ftx.jit(lambda v, *a: f(v, replaced(index, a[:n]), *a[n:]))(ours, *parts, *values)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(indices())
def test_reading(drawn):
    shape, index = drawn
    x = grid(shape)
    wanted = read(x, index)
    if isinstance(wanted, type):
        with pytest.raises(FtxError):
            fnp.asarray(x)[index]
        return
    for found in each_way(lambda v, i: v[i], x, index):
        assert found.shape == wanted.shape
        np.testing.assert_array_equal(np.asarray(found), wanted)
    assert fnp.asarray(x).at[index].get().shape == wanted.shape


@st.composite
def parts_of(draw, shape):
    """A shape that broadcasts to `shape`."""
    sizes = [n if draw(st.booleans()) else 1 for n in shape[draw(st.integers(0, len(shape))) :]]
    return tuple(sizes)


def updated(x, name, index, values):
    """NumPy's answer: repeated indices all count, except for `set`, where one of them wins."""
    out = x.copy()
    if name == "set":
        out[index] = values
    else:
        UPDATES[name].at(out, index, values)
    return out


@settings(max_examples=150, deadline=None, derandomize=True)
@given(indices(), st.sampled_from(sorted(UPDATES)), st.data())
def test_updates(drawn, name, data):
    shape, index = drawn
    x = grid(shape)
    part = read(x, index)
    if isinstance(part, type):
        with pytest.raises(FtxError):
            fnp.asarray(x).at[index].set(1)
        return
    values = grid(data.draw(parts_of(part.shape))) % 3 + 1
    if name == "set":  # which of repeated indices wins is nobody's promise: equal values
        values = np.full_like(values, 9)
    wanted = updated(x, name, index, values)
    f = lambda v, i, w: getattr(v.at[i], name)(w)
    for found in each_way(f, x, index, values):
        assert found.dtype == x.dtype
        np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-5)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(indices(max_dims=3))
def test_apply(drawn):
    shape, index = drawn
    x = grid(shape)
    if isinstance(read(x, index), type):
        return
    counts = np.zeros(shape, int)
    np.add.at(counts, index, 1)
    wanted = x * (-2.0) ** counts  # as a NumPy function's `at`: as often as an index is repeated
    for found in each_way(lambda v, i: v.at[i].apply(lambda w: -2 * w), x, index):
        np.testing.assert_array_equal(np.asarray(found), wanted)
    once = x.copy()
    once[index] = -2 * x[index]
    promised = fnp.asarray(x).at[index].apply(lambda w: -2 * w, unique_indices=True)
    np.testing.assert_array_equal(np.asarray(promised), once)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from(["clip", "wrap", "drop", "fill"]), st.sampled_from(["get", *UPDATES]), st.data()
)
def test_modes(mode, name, data):
    """Indices outside the array, along one axis, with whole slices beside it."""
    shape = data.draw(st.sampled_from([(5,), (4, 3), (2, 5, 2)]))
    axis = data.draw(st.integers(0, len(shape) - 1))
    n = shape[axis]
    i = data.draw(hnp.arrays(np.int64, st.sampled_from([(), (3,), (2, 2)]),
                             elements=st.integers(-2 * n - 2, 2 * n + 2)))  # fmt: skip
    x, index = grid(shape), (*[slice(None)] * axis, i)
    place = np.where(i < 0, i + n, i) if mode != "wrap" else i % n
    inside = (place >= 0) & (place < n)
    within = np.clip(place, 0, n - 1)
    at = (*[slice(None)] * axis, within)
    kept = inside.reshape(inside.shape + (1,) * (len(shape) - axis - 1))
    if name == "get":
        wanted = x[at]
        if mode in ("drop", "fill"):
            wanted = np.where(kept, wanted, 77)
        options = {"mode": mode}
        if mode in ("drop", "fill"):
            options = {"mode": "fill", "fill_value": 77}
        f = lambda v, j: v.at[j].get(**options)
        for found in each_way(f, x, index):
            np.testing.assert_array_equal(np.asarray(found), wanted)
        return
    values = np.full(x[at].shape, 2, np.float32)
    wanted = x.copy()
    if mode in ("drop", "fill"):
        neutral = {"add": 0, "subtract": 0, "min": np.inf, "max": -np.inf}.get(name, 1)
        masked = np.where(kept, values, neutral)
        if name == "set":
            for where in np.ndindex(i.shape):
                if inside[where]:
                    wanted[(*[slice(None)] * axis, place[where])] = 2
        else:
            UPDATES[name].at(wanted, at, masked.astype(np.float32))
    else:
        wanted = updated(x, name, at, values)
    for found in each_way(lambda v, j, w: getattr(v.at[j], name)(w, mode=mode), x, index, values):
        np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(indices(max_dims=3, masks=False), st.data())
def test_vmap(drawn, data):
    """Over arrays, over index arrays, and over both."""
    shape, index = drawn
    x = np.stack([grid(shape), grid(shape)[::-1]])
    if isinstance(read(x[0], index), type):
        return
    parts = number_arrays(index)
    batched = [np.stack([p, p]) for p in parts]
    name = data.draw(st.sampled_from(["get", "set", "add", "multiply", "min"]))

    def f(v, *arrays):
        part = v.at[replaced(index, arrays)]
        return part.get() if name == "get" else getattr(part, name)(3.0)

    wanted = [np.asarray(f(fnp.asarray(row), *parts)) for row in x]
    for axes, args in (((0, *[None] * len(parts)), parts), ((0, *[0] * len(parts)), batched)):
        for way in (ftx.vmap(f, axes), ftx.jit(ftx.vmap(f, axes))):
            np.testing.assert_array_equal(np.asarray(way(x, *args)), np.stack(wanted))
    if parts:
        alone = ftx.vmap(f, (None, *[0] * len(parts)))(x[0], *batched)
        np.testing.assert_array_equal(np.asarray(alone), np.stack([wanted[0]] * 2))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(indices(max_dims=3), st.data())
def test_gradients(drawn, data):
    shape, index = drawn
    x = grid(shape, np.float64) + np.linspace(0, 0.5, int(np.prod(shape))).reshape(shape)
    part = read(x, index)
    if isinstance(part, type):
        return
    check_grads(lambda v: v[index], (x,), order=2, modes=["fwd", "rev"])
    name = data.draw(st.sampled_from(sorted(UPDATES)))
    taken = np.arange(x.size).reshape(shape)[index]
    repeated = np.unique(taken).size < np.size(taken)
    if repeated and name in ("set", "min", "max"):
        return  # of repeated indices one wins, by value or by chance
    values = np.linspace(0.6, 1.7, int(np.size(part))).reshape(np.shape(part))
    f = lambda v, w: getattr(fnp.asarray(v).at[index], name)(w)
    order = 1 if repeated and name in ("multiply", "divide", "power") else 2
    check_grads(f, (x, values), order=order, modes=["fwd", "rev"])

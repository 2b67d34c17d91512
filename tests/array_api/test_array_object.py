"""The array object: indices and masks, conversion to Python's numbers, exchange by DLPack.

Arrays and indices are drawn by Hypothesis's own strategies for namespaces of the standard, which
hold what they draw against it too.
"""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.array_api import make_strategies_namespace

import ftx
import ftx.numpy as fnp
from tests.array_api.strategies import ALL, COMPLEX, INTEGER

drawn = settings(max_examples=20, deadline=None)
xps = make_strategies_namespace(fnp)
DTYPES = st.sampled_from([getattr(fnp, n) for n in ALL])
SHAPES = xps.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)


def equal(found, wanted):
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(np.asarray(found), wanted)


@drawn
@given(dtype=DTYPES, shape=SHAPES, data=st.data())
def test_indices(dtype, shape, data):
    x = data.draw(xps.arrays(dtype, shape))
    index = data.draw(xps.indices(shape, allow_newaxis=True))
    equal(x[index], np.asarray(x)[index])


@settings(max_examples=10, deadline=None)
@given(shape=SHAPES, data=st.data())
def test_indices_when_compiled(shape, data):
    x = data.draw(xps.arrays(fnp.int32, shape))
    index = data.draw(xps.indices(shape, allow_newaxis=True))
    equal(ftx.jit(lambda v: v[index])(x), np.asarray(x)[index])


@drawn
@given(dtype=DTYPES, shape=SHAPES, data=st.data())
def test_masks(dtype, shape, data):
    x = data.draw(xps.arrays(dtype, shape))
    masks = st.integers(0, len(shape)).map(lambda n: shape[:n])
    mask = data.draw(xps.arrays(fnp.bool, masks | SHAPES))
    fits = all(n in (m, 0) for n, m in zip(mask.shape, shape, strict=False))
    if mask.ndim > x.ndim or not fits:
        with pytest.raises(IndexError):
            x[mask]
    elif mask.shape == shape[: mask.ndim]:
        equal(x[mask], np.asarray(x)[np.asarray(mask)])
    else:
        assert x[mask].shape == (0, *shape[mask.ndim :])


@pytest.mark.parametrize("kind", INTEGER)
@drawn
@given(data=st.data())
def test_arrays_of_integers_as_indices(kind, data):
    """One for each axis, as the standard has it: they and integers are broadcast together."""
    shape = data.draw(xps.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    x = data.draw(xps.arrays(fnp.float64, shape))
    shapes = data.draw(xps.mutually_broadcastable_shapes(len(shape), max_dims=2, max_side=3))
    low = 0 if kind.startswith("u") else -1
    index = [
        data.draw(
            st.integers(low * n, n - 1)
            | xps.arrays(getattr(fnp, kind), s, elements={"min_value": low * n, "max_value": n - 1})
        )
        for n, s in zip(shape, shapes.input_shapes, strict=True)
    ]
    found = x[tuple(index)]
    equal(found, np.asarray(x)[tuple(i if isinstance(i, int) else np.asarray(i) for i in index)])


def test_writing_is_refused_and_offered_as_a_new_array():
    """In place of the standard's `x[key] = value`."""
    x = fnp.asarray([[1.0, 2.0], [3.0, 4.0]])
    for key in (0, (1, 1), slice(1), (..., 0), x > 2, fnp.asarray([0])):
        with pytest.raises(TypeError, match="immutable"):
            x[key] = 5.0
        wanted = np.array(x)
        wanted[np.asarray(key) if hasattr(key, "dtype") else key] = 5.0
        equal(x.at[key].set(5.0), wanted)
    assert x.tolist() == [[1.0, 2.0], [3.0, 4.0]]


CONVERSIONS = {
    bool: ALL,
    int: [n for n in ALL if n not in COMPLEX],
    float: [n for n in ALL if n not in COMPLEX],
    complex: ALL,
}


@pytest.mark.parametrize("kind", CONVERSIONS)
def test_conversion_to_numbers(kind):
    for name, value in itertools.product(CONVERSIONS[kind], (0, 1)):
        found = kind(fnp.asarray(value, dtype=name))
        assert type(found) is kind and found == value
    with pytest.raises((TypeError, ValueError)):
        kind(fnp.ones((2,)))


def test_conversion_of_special_numbers():
    asarray = fnp.asarray
    assert bool(asarray(math.nan)) and bool(asarray(math.inf)) and not bool(asarray(-0.0))
    assert bool(asarray(complex(0, math.nan))) and not bool(asarray(complex(0.0, -0.0)))
    for value in (math.inf, -math.inf):
        assert float(asarray(value)) == value and complex(asarray(value)) == complex(value, 0)
        with pytest.raises(OverflowError):
            int(asarray(value))
    assert math.isnan(float(asarray(math.nan))) and math.copysign(1, float(asarray(-0.0))) == -1
    with pytest.raises(ValueError, match="NaN"):
        int(asarray(math.nan))
    for name in ("uint64", "int64"):
        limit = int(np.iinfo(name).max)
        assert int(asarray(limit, dtype=name)) == asarray(limit, dtype=name).__index__() == limit


@pytest.mark.parametrize("name", ALL)
def test_use_as_an_index(name):
    x = fnp.asarray(1, dtype=name)
    if name in INTEGER:
        assert [5, 6, 7][x] == 6 and type(x.__index__()) is int
    elif name != "bool":
        with pytest.raises(TypeError, match="integer"):
            x.__index__()


def test_other_devices_and_versions():
    x = fnp.ones((2,))
    assert x.to_device(x.device).tolist() == x.tolist() and x.__array_namespace__() is fnp
    assert all(x.__array_namespace__(api_version=v) is fnp for v in ("2021.12", "2024.12"))
    with pytest.raises(ValueError, match="api_version"):
        x.__array_namespace__(api_version="1999.12")
    with pytest.raises(NotImplementedError, match="device"):
        x.to_device("another")


VERSIONS = [None, (0, 8), (1, 0), (2, 0)]


@pytest.mark.parametrize("name", ALL)
def test_capsules(name):
    x = fnp.ones((2, 1), dtype=name)
    kind, number = x.__dlpack_device__()
    assert (int(kind), number) == (1, 0)
    for y in (x, fnp.broadcast_to(x, (2, 3))):
        for version, copy in itertools.product(VERSIONS, [None, True]):
            capsule = y.__dlpack__(max_version=version, dl_device=(1, 0), copy=copy)
            assert "dltensor" in repr(capsule)
    assert "dltensor" in repr(x.__dlpack__(copy=False))


def test_capsules_that_cannot_be():
    x = fnp.broadcast_to(fnp.ones((1,)), (3,))
    with pytest.raises(BufferError):
        x.__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError):
        x.__dlpack__(copy=False)
    with pytest.raises(TypeError, match="traced"):
        ftx.jit(lambda v: v.__dlpack__())(x)


@drawn
@given(dtype=DTYPES, data=st.data())
def test_exchange(dtype, data):
    x = data.draw(xps.arrays(dtype, xps.array_shapes(min_side=0, max_dims=3)))
    device = data.draw(st.sampled_from([None, x.device]))
    for copy in (None, True, False):
        mine = fnp.from_dlpack(x, device=device, copy=copy)
        equal(mine, np.asarray(x))
        assert mine.device == x.device
        other = fnp.from_dlpack(np.asarray(x), copy=copy)
        equal(other, np.asarray(x))
    equal(fnp.asarray(np.from_dlpack(x)), np.asarray(x))


def test_copies_of_other_arrays():
    for take in (fnp.from_dlpack, fnp.asarray):
        theirs = np.arange(3.0)
        assert not np.shares_memory(np.asarray(take(theirs, copy=True)), theirs)
        assert np.shares_memory(np.asarray(take(theirs, copy=False)), theirs)
    with pytest.raises(ValueError, match="copy=False"):
        fnp.asarray(np.arange(3), dtype=fnp.float32, copy=False)


@drawn
@given(data=st.data())
def test_asarray_copies_arrays(data):
    """A copy is the same value; that no write can tell it from the array is tested above."""
    dtype, copy = data.draw(DTYPES), data.draw(st.none() | st.booleans())
    x = data.draw(xps.arrays(dtype, SHAPES))
    found = fnp.asarray(x, dtype=data.draw(st.sampled_from([None, dtype])), copy=copy)
    equal(found, np.asarray(x))
    if copy and x.size:
        assert not np.shares_memory(np.asarray(found), np.asarray(x))

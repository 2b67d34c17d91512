"""Sums, extrema, searches, orders and sets, along drawn axes and with every argument."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import ftx.numpy as fnp
from tests.array_api.strategies import (
    ALL,
    COMPLEX,
    INTEGER,
    NUMERIC,
    REAL,
    REAL_FLOATING,
    any_axes,
    arrays,
    axes,
    elements,
)

drawn = settings(max_examples=20, deadline=None)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
FILLED = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)
LINES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)
INDEX = fnp.__array_namespace_info__().default_dtypes()["indexing"]


def close(found, wanted, dtype=None):
    wanted = np.asarray(wanted)
    assert found.dtype == (dtype or wanted.dtype) and found.shape == wanted.shape
    tolerance = 1e-4 if found.dtype in (np.float32, np.complex64) else 1e-11
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=tolerance, atol=tolerance)


REDUCTIONS = {
    **dict.fromkeys(("sum", "prod", "count_nonzero"), (NUMERIC, SHAPES)),
    **dict.fromkeys(("max", "min"), (REAL, FILLED)),
    **dict.fromkeys(("all", "any"), (ALL, SHAPES)),
    **dict.fromkeys(("mean", "std", "var"), (REAL_FLOATING, FILLED)),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@drawn
@given(data=st.data())
def test_reductions(name, data):
    kinds, shapes = REDUCTIONS[name]
    x = data.draw(arrays(kinds, shapes, low=-2, high=3))
    axis, keep = data.draw(any_axes(x.ndim)), data.draw(st.booleans())
    found = getattr(fnp, name)(fnp.asarray(x), axis=axis, keepdims=keep)
    wanted = getattr(np, name)(x, axis=axis, keepdims=keep)
    close(found, wanted, dtype=INDEX if name == "count_nonzero" else None)
    assert getattr(fnp, name)(fnp.asarray(x)).shape == ()


@pytest.mark.parametrize("name", ["std", "var"])
@drawn
@given(x=arrays(REAL_FLOATING, LINES), data=st.data())
def test_corrected_spreads(name, x, data):
    axis = data.draw(st.none() | axes(x.ndim))
    n = x.size if axis is None else x.shape[axis]
    correction = data.draw(st.floats(0, n, exclude_max=True) | st.integers(0, n - 1))
    found = getattr(fnp, name)(fnp.asarray(x), axis=axis, correction=correction)
    wanted = np.var(x.astype(np.float64), axis=axis) * (n / (n - correction))
    wanted = np.sqrt(wanted) if name == "std" else wanted
    close(found, wanted.astype(x.dtype))


@pytest.mark.parametrize("name", ["sum", "prod"])
@pytest.mark.parametrize("dtype", NUMERIC)
def test_dtypes_of_sums(name, dtype):
    x = fnp.asarray([[1, 2], [3, 4]], dtype="int8")
    found = getattr(fnp, name)(x, axis=0, dtype=getattr(fnp, dtype), keepdims=True)
    assert found.dtype == dtype and found.tolist() == [[4, 6] if name == "sum" else [3, 8]]


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
@drawn
@given(x=arrays(NUMERIC, LINES, low=-2, high=3), initial=st.booleans(), data=st.data())
def test_running_totals(name, x, initial, data):
    axis = data.draw(axes(x.ndim))
    dtype = data.draw(st.sampled_from([None, "float64", "complex128"]))
    if dtype == "float64" and x.dtype.name in COMPLEX:
        dtype = None
    f = getattr(fnp, name)
    found = f(
        fnp.asarray(x), axis=axis, include_initial=initial, dtype=dtype and getattr(fnp, dtype)
    )
    wanted = getattr(np, name)(x, axis=axis, include_initial=initial, dtype=dtype)
    close(found, wanted)
    if x.ndim == 1:
        close(f(fnp.asarray(x), include_initial=initial, dtype=found.dtype), wanted)


@drawn
@given(x=arrays(NUMERIC, LINES), data=st.data())
def test_diff(x, data):
    axis, n = data.draw(axes(x.ndim)), data.draw(st.integers(0, 3))
    place = axis % x.ndim
    sides = {}
    for side in ("prepend", "append"):
        size = data.draw(st.integers(0, 3))
        shape = (*x.shape[:place], size, *x.shape[place + 1 :])
        if data.draw(st.booleans()):
            sides[side] = data.draw(arrays([x.dtype.name], st.just(shape)))
    given = {side: fnp.asarray(v) for side, v in sides.items()}
    close(fnp.diff(fnp.asarray(x), axis=axis, n=n, **given), np.diff(x, n=n, axis=axis, **sides))


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@drawn
@given(x=arrays(REAL, LINES, finite=False), data=st.data())
def test_places_of_extrema(name, x, data):
    """The first of equal elements; of NaN the first NaN."""
    axis, keep = data.draw(st.none() | axes(x.ndim)), data.draw(st.booleans())
    found = getattr(fnp, name)(fnp.asarray(x), axis=axis, keepdims=keep)
    close(found, getattr(np, name)(x, axis=axis, keepdims=keep), dtype=INDEX)


@drawn
@given(x=arrays(ALL, LINES, finite=False))
def test_nonzero(x):
    found = fnp.nonzero(fnp.asarray(x))
    assert isinstance(found, tuple) and len(found) == x.ndim
    for i, j in zip(found, np.nonzero(x), strict=True):
        close(i, j, dtype=INDEX)


@pytest.mark.parametrize("name", ALL)
def test_nonzero_of_a_scalar(name):
    with pytest.raises(TypeError, match="axes"):
        fnp.nonzero(fnp.asarray(1, dtype=name))


@drawn
@given(
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3), data=st.data()
)
def test_where(shapes, data):
    kinds = [["bool"], *[[data.draw(st.sampled_from(ALL))]] * 2]
    c, x, y = (
        data.draw(arrays(k, st.just(s))) for k, s in zip(kinds, shapes.input_shapes, strict=True)
    )
    close(fnp.where(*map(fnp.asarray, (c, x, y))), np.where(c, x, y))


@pytest.mark.parametrize("dtype", REAL)
@drawn
@given(data=st.data())
def test_searchsorted(dtype, data):
    lines = st.integers(1, 8)
    x = data.draw(hnp.arrays(dtype, lines, elements=elements(dtype), unique=True))
    y = data.draw(hnp.arrays(dtype, SHAPES, elements=elements(dtype)))
    side = data.draw(st.sampled_from(["left", "right"]))
    order = np.argsort(x)
    wanted = np.searchsorted(x[order], y, side)
    in_order, values = fnp.asarray(x[order]), fnp.asarray(y)
    close(fnp.searchsorted(in_order, values, side=side), wanted, dtype=INDEX)
    sorter = fnp.argsort(fnp.asarray(x))
    close(fnp.searchsorted(fnp.asarray(x), values, side=side, sorter=sorter), wanted, dtype=INDEX)


@pytest.mark.parametrize("descending", [False, True])
@drawn
@given(x=arrays(REAL, LINES), stable=st.booleans(), data=st.data())
def test_orders(descending, x, stable, data):
    """Equal elements keep their order in both directions."""
    axis = data.draw(axes(x.ndim))
    keys = {"axis": axis, "descending": descending, "stable": stable}
    rank = np.unique(x, return_inverse=True)[1].reshape(x.shape).astype(np.int64)
    order = np.argsort(-rank if descending else rank, axis=axis, stable=True)
    if stable:
        close(fnp.argsort(fnp.asarray(x), **keys), order, dtype=INDEX)
    close(fnp.sort(fnp.asarray(x), **keys), np.take_along_axis(x, order, axis))
    close(
        fnp.take_along_axis(fnp.asarray(x), fnp.argsort(fnp.asarray(x), **keys), axis=axis),
        np.take_along_axis(x, order, axis),
    )


def keys_of(x):
    """Elements as keys of a dict: 0 is -0, and every NaN is one of its own."""
    return [("nan", i) if v != v else complex(v) + 0 for i, v in enumerate(x.reshape(-1).tolist())]


@drawn
@given(x=arrays(ALL, SHAPES, finite=False))
def test_sets(x):
    v, places = fnp.asarray(x), {}
    for i, key in enumerate(keys_of(x)):
        places.setdefault(key, []).append(i)
    found = fnp.unique_all(v)
    values = np.asarray(found.values)
    assert found._fields == ("values", "indices", "inverse_indices", "counts")
    assert found.values.dtype == x.dtype and {f.dtype for f in found[1:]} == {INDEX}
    assert values.shape == (len(places),) == found.indices.shape == found.counts.shape
    assert found.inverse_indices.shape == x.shape
    flat, nan = x.reshape(-1), np.isnan(x.reshape(-1).astype(complex))
    for value, first, count in zip(values, found.indices, found.counts, strict=True):
        assert flat[int(first)] == value or (nan[int(first)] and np.isnan(value))
        key = ("nan", int(first)) if value != value else complex(value) + 0
        assert places[key][0] == int(first) and len(places[key]) == int(count)
    np.testing.assert_array_equal(values[np.asarray(found.inverse_indices)], x)
    assert fnp.unique_counts(v)._fields == ("values", "counts")
    assert fnp.unique_inverse(v)._fields == ("values", "inverse_indices")
    others = [fnp.unique_values(v), fnp.unique_counts(v).values, fnp.unique_inverse(v).values]
    for other in others:
        np.testing.assert_array_equal(np.asarray(other), values)
    np.testing.assert_array_equal(fnp.unique_counts(v).counts, found.counts)
    np.testing.assert_array_equal(fnp.unique_inverse(v).inverse_indices, found.inverse_indices)


@pytest.mark.parametrize("invert", [False, True])
@drawn
@given(x=arrays(INTEGER, SHAPES), data=st.data())
def test_isin(invert, x, data):
    y = data.draw(arrays([x.dtype.name], SHAPES))
    close(fnp.isin(fnp.asarray(x), fnp.asarray(y), invert=invert), np.isin(x, y, invert=invert))


@pytest.mark.parametrize("dtype", REAL)
@drawn
@given(data=st.data())
def test_clip(dtype, data):
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=2, max_side=3))
    draw = lambda shape: data.draw(arrays([dtype], st.just(shape), finite=False))
    x, one, other = (draw(s) for s in shapes.input_shapes)
    low, high = np.minimum(one, other), np.maximum(one, other)
    number = data.draw(elements(dtype, low=0))
    for bounds in ({}, {"min": low}, {"max": high}, {"min": low, "max": high}):
        mine = {k: fnp.asarray(v) for k, v in bounds.items()}
        with np.errstate(invalid="ignore"):
            close(fnp.clip(fnp.asarray(x), **mine), np.clip(x, **bounds) if bounds else x)
    close(fnp.clip(fnp.asarray(x), number), np.maximum(x, np.asarray(number, dtype)))
    close(fnp.clip(fnp.asarray(x), max=number), np.minimum(x, np.asarray(number, dtype)))


@pytest.mark.parametrize("dtype", REAL_FLOATING)
@drawn
@given(data=st.data())
def test_next_numbers(dtype, data):
    width = 32 if dtype == "float32" else 64
    numbers = st.floats(width=width)
    x, y = (data.draw(hnp.arrays(dtype, 4, elements=numbers)) for _ in range(2))
    found = np.asarray(fnp.nextafter(fnp.asarray(x), fnp.asarray(y)))
    assert found.dtype == dtype
    for a, b, c in zip(x, y, found, strict=True):
        wanted = np.nextafter(a, b)
        assert c == wanted or (c != c and wanted != wanted)
        assert c != c or math.copysign(1, c) == math.copysign(1, wanted)

"""New arrays: ranges, constants, nested numbers, grids; their sizes, ends and exact integers."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.array_api import make_strategies_namespace

import ftx
import ftx.numpy as fnp
from tests.array_api.strategies import (
    ALL,
    COMPLEX,
    INTEGER,
    NUMERIC,
    REAL,
    REAL_FLOATING,
    UNSIGNED,
)

drawn = settings(max_examples=20, deadline=None)
xps = make_strategies_namespace(fnp)
SHAPES = xps.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
LIMIT = 200
"""Elements that a drawn range may have."""


def dtype_of(name):
    return None if name is None else getattr(fnp, name)


def default(kind):
    return fnp.__array_namespace_info__().default_dtypes()[kind]


def whole(name, low=None, high=None):
    """Integers of a dtype; a few near its ends."""
    info = np.iinfo(name)
    low = info.min if low is None else max(low, info.min)
    high = info.max if high is None else min(high, info.max)
    return st.integers(int(low), int(high))


@pytest.mark.parametrize("name", INTEGER)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_ranges_of_integers(name, data):
    start, stop = data.draw(whole(name)), data.draw(whole(name))
    least = max(abs(stop - start) // LIMIT, 1)
    steps = whole(name, low=least)
    steps = steps if name in UNSIGNED else steps | whole(name, high=-least)
    step = data.draw(steps)
    found = fnp.arange(start, stop, step, dtype=dtype_of(name))
    assert found.dtype == name and found.tolist() == list(range(start, stop, step))


@pytest.mark.parametrize("name", INTEGER)
def test_compiled_ranges_of_integers(name):
    info = np.iinfo(name)
    low, high, step = int(info.min), int(info.max), int(info.max) // 3
    ranges = [(low, high, step), (high - 3, high, 1), (low, low, 1)]
    ranges += [] if name in UNSIGNED else [(high, low, -step)]
    found = ftx.jit(lambda: [fnp.arange(*r, dtype=dtype_of(name)) for r in ranges])()
    assert [x.tolist() for x in found] == [list(range(*r)) for r in ranges]


@drawn
@given(n=st.integers(-5, 40), stop=st.integers(-5, 40), step=st.sampled_from([1, 2, 7, -1, -3]))
def test_ranges_without_a_dtype(n, stop, step):
    for found, wanted in [
        (fnp.arange(n), range(n)),
        (fnp.arange(n, stop), range(n, stop)),
        (fnp.arange(n, stop, step), range(n, stop, step)),
        (fnp.arange(n, stop=stop, step=step), range(n, stop, step)),
    ]:
        assert found.dtype == default("integral") and found.tolist() == list(wanted)
    assert fnp.arange(float(n)).dtype == fnp.arange(n, stop, 1.0).dtype == default("real floating")


@drawn
@given(
    name=st.sampled_from([None, *REAL_FLOATING]),
    start=st.floats(-1e6, 1e6) | st.integers(-(10**6), 10**6),
    stop=st.floats(-1e6, 1e6) | st.integers(-(10**6), 10**6),
    parts=st.floats(0.5, LIMIT),
)
def test_ranges_of_floats(name, start, stop, parts):
    step = (stop - start) / parts
    assume(abs(step) > 1e-3)
    found = fnp.arange(start, stop, step, dtype=dtype_of(name))
    size = max(math.ceil((stop - start) / step), 0)
    assert found.dtype == (name or default("real floating")) and found.ndim == 1
    assert found.size == size
    wanted = start + step * np.arange(size)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * max(abs(start), abs(stop)))
    assert not size or found[0] == fnp.asarray(start, dtype=found.dtype)


def test_ranges_that_double_precision_miscounts():
    assert fnp.arange(0, 2**60 + 1, 2**60).tolist() == [0, 2**60]
    assert fnp.arange(2**63, 2**63 + 2, dtype=fnp.uint64).tolist() == [2**63, 2**63 + 1]
    with pytest.raises(ValueError, match="step"):
        fnp.arange(0, 1, 0)


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_nested_numbers(name, data):
    """Every number of a dtype comes out as it went in."""
    dtype = getattr(fnp, name)
    shape = data.draw(xps.array_shapes(max_dims=3, max_side=3))
    n = math.prod(shape)
    elements = xps.from_dtype(dtype)
    flat = data.draw(st.lists(elements, min_size=n, max_size=n))
    nested = flat
    for size in shape[:0:-1]:
        nested = [nested[i : i + size] for i in range(0, len(nested), size)]
    found = fnp.asarray(nested, dtype=dtype)
    assert found.dtype == name and found.shape == shape
    for x, wanted in zip(np.asarray(found).reshape(-1).tolist(), flat, strict=True):
        assert x == wanted or (x != x and wanted != wanted)
        assert type(x) is type(wanted)


KINDS = {"bool": [True], "integral": [True, 2], "real floating": [True, 2, 0.5]}


@pytest.mark.parametrize("kind", [*KINDS, "complex floating"])
def test_kinds_of_nested_numbers(kind):
    numbers = KINDS.get(kind, [True, 2, 0.5, 1j])
    found = fnp.asarray([numbers, numbers[::-1]])
    assert found.dtype == ("bool" if kind == "bool" else default(kind))
    assert found.tolist() == [list(map(type(numbers[-1]), row)) for row in (numbers, numbers[::-1])]


def test_integers_of_both_64_bit_kinds():
    """NumPy takes them for floats together, which hold neither."""
    big = 2**63 + 1
    assert fnp.asarray([1, big, True], dtype=fnp.uint64).tolist() == [1, big, 1]
    with pytest.raises(OverflowError, match="int64"):
        fnp.asarray([1, big])
    with pytest.raises(OverflowError, match="uint64"):
        fnp.asarray([-1, big], dtype=fnp.uint64)


@pytest.mark.parametrize("name", [None, *ALL])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_constants(name, data):
    shape, dtype = data.draw(SHAPES), dtype_of(name)
    like = data.draw(xps.arrays(data.draw(st.sampled_from([getattr(fnp, n) for n in ALL])), SHAPES))
    wanted = name or default("real floating")
    value = data.draw(xps.from_dtype(getattr(fnp, np.dtype(wanted).name)))
    filled = [fnp.full(shape, value, dtype=dtype or getattr(fnp, np.dtype(wanted).name))]
    for x, number in zip(
        [fnp.zeros(shape, dtype=dtype), fnp.ones(shape, dtype=dtype), *filled],
        [0, 1, value],
        strict=True,
    ):
        assert x.dtype == wanted and x.shape == shape
        np.testing.assert_array_equal(np.asarray(x), np.full(shape, number, x.dtype))
    same = [fnp.zeros_like, fnp.ones_like, lambda x, dtype: fnp.full_like(x, 1, dtype=dtype)]
    for make, number in zip(same, (0, 1, 1), strict=True):
        x = make(like, dtype=dtype)
        assert x.dtype == (name or like.dtype) and x.shape == like.shape
        assert (np.asarray(x) == np.asarray(number, x.dtype)).all()
    for x, sizes in ((fnp.empty(shape, dtype=dtype), shape), (fnp.empty_like(like), like.shape)):
        assert x.shape == sizes
    assert fnp.empty(shape, dtype=dtype).dtype == wanted
    assert fnp.empty_like(like, dtype=dtype).dtype == (name or like.dtype)


def test_sizes_as_one_number():
    for make in (fnp.zeros, fnp.ones, fnp.empty, lambda n: fnp.full(n, 2)):
        assert make(3).shape == (3,)


def test_constants_of_numbers_take_their_kind():
    kinds = {True: "bool", 3: default("integral"), 0.5: default("real floating")}
    assert all(fnp.full((2,), v).dtype == kind for v, kind in kinds.items())
    assert fnp.full((2,), 1j).dtype == default("complex floating")
    assert fnp.full((1,), 2**64 - 1, dtype=fnp.uint64).tolist() == [2**64 - 1]
    assert fnp.full_like(fnp.zeros(1, dtype=fnp.uint64), 2**64 - 1).tolist() == [2**64 - 1]


@pytest.mark.parametrize("name", [None, *NUMERIC])
@settings(max_examples=15, deadline=None)
@given(
    rows=st.integers(0, 5),
    columns=st.none() | st.integers(0, 5),
    k=st.integers(-7, 7) | st.integers(),
)
def test_identities(name, rows, columns, k):
    found = fnp.eye(rows, columns, k=k, dtype=dtype_of(name))
    width = rows if columns is None else columns
    wanted = [[float(j - i == k) for j in range(width)] for i in range(rows)]
    assert found.dtype == (name or default("real floating")) and found.shape == (rows, width)
    assert np.asarray(found).tolist() == wanted


@pytest.mark.parametrize("name", [None, *REAL_FLOATING])
@drawn
@given(num=st.integers(0, 30), endpoint=st.booleans(), data=st.data())
def test_equal_distances(name, num, endpoint, data):
    numbers = st.floats(-(2.0**40), 2.0**40, width=32, allow_subnormal=False)
    start, stop = data.draw(numbers), data.draw(numbers)
    found = fnp.linspace(start, stop, num, dtype=dtype_of(name), endpoint=endpoint)
    assert found.dtype == (name or default("real floating")) and found.shape == (num,)
    if num:
        assert found[0] == start
    if endpoint:
        assert num < 2 or found[-1] == stop
    else:
        longer = fnp.linspace(start, stop, num + 1, dtype=dtype_of(name))
        assert found.tolist() == longer[:-1].tolist()
    wanted = np.linspace(start, stop, num, endpoint=endpoint)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6 * max(abs(start), abs(stop)))


@pytest.mark.parametrize("name", COMPLEX)
def test_equal_distances_of_complex_numbers(name):
    found = fnp.linspace(0, 1 + 2j, 3, dtype=dtype_of(name))
    assert found.dtype == name and found.tolist() == [0, 0.5 + 1j, 1 + 2j]


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=10, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 4), min_size=1, max_size=4),
    indexing=st.sampled_from(["xy", "ij"]),
)
def test_grids(name, sizes, indexing):
    lines = [np.arange(n).astype(name) for n in sizes]
    found = fnp.meshgrid(*map(fnp.asarray, lines), indexing=indexing)
    wanted = np.meshgrid(*lines, indexing=indexing)
    assert isinstance(found, list) and len(found) == len(sizes)
    for x, y in zip(found, wanted, strict=True):
        assert x.dtype == name
        np.testing.assert_array_equal(np.asarray(x), y)


@pytest.mark.parametrize("lower", [True, False])
@drawn
@given(data=st.data())
def test_triangles(lower, data):
    shape = data.draw(xps.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=4))
    x = data.draw(xps.arrays(getattr(fnp, data.draw(st.sampled_from(REAL + COMPLEX))), shape))
    k = data.draw(st.integers(-6, 6))
    found = (fnp.tril if lower else fnp.triu)(x, k=k)
    wanted = (np.tril if lower else np.triu)(np.asarray(x), k)
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(np.asarray(found), wanted)

"""Membership and searches with few and with many elements: NumPy is the oracle."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp

R = np.random.RandomState(0)


def drawn(n, dtype):
    """Elements of which some are equal; where there is one, some are NaN."""
    x = R.randint(0, 90, n).astype(dtype)
    if np.issubdtype(dtype, np.inexact):
        x[::7] = np.nan
    return x


@pytest.mark.parametrize("method", ["auto", "compare_all", "binary_search", "sort"])
@pytest.mark.parametrize("n", [0, 5, 300])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float32", "complex64"])
def test_isin(dtype, n, method):
    x, y = drawn(60, dtype).reshape(6, 10), drawn(n, dtype)
    for invert in (False, True):
        run = lambda x, y, invert=invert: fnp.isin(x, y, invert=invert, method=method)
        wanted = np.isin(x, y, invert=invert)
        np.testing.assert_array_equal(run(x, y), wanted)
        np.testing.assert_array_equal(ftx.jit(run)(x, y), wanted)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32", "float64"])
def test_searchsorted_is_the_same_eager_and_compiled(dtype, side):
    a, v = np.sort(drawn(50, dtype)), drawn(40, dtype).reshape(8, 5)
    run = lambda a, v: fnp.searchsorted(a, v, side)
    found = run(a, v)
    assert found.dtype == fnp.asarray(1).dtype
    np.testing.assert_array_equal(found, np.searchsorted(a, v, side))
    np.testing.assert_array_equal(ftx.jit(run)(a, v), found)

"""roots of traced coefficients: NumPy is the oracle, NaN for powers that are not there."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import ShapeError, UnsupportedError
from ftx.test_util import check_grads

POLYNOMIALS = [
    [1.0, -3.0, 2.0],
    [0.0, 0.0, 1.0, -3.0, 2.0],
    [0.0, 2.0, -3.0, 0.0, 0.0],
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    [2.0, 0.0, 0.0],
    [0.0, 0.0, 0.0],
    [0.0, 3.0],
    [5.0],
    [],
    [1j, 2.0, 3.0 - 1j],
]


@pytest.mark.parametrize("p", POLYNOMIALS, ids=str)
def test_all_roots(p):
    p = np.array(p)
    all_roots = lambda p: fnp.roots(p, strip_zeros=False)
    for found in (all_roots(p), ftx.jit(all_roots)(p)):
        wanted = np.sort_complex(np.roots(p))
        assert found.shape == (max(p.size - 1, 0),) and found.dtype == np.complex128
        np.testing.assert_allclose(np.sort_complex(found[: wanted.size]), wanted, atol=1e-12)
        assert np.isnan(found[wanted.size :]).all()


def test_rows_and_derivatives():
    rows = np.array([[0.0, 1.0, -3.0, 2.0], [1.0, 1.0, 1.0, 5.0]])
    found = ftx.vmap(lambda p: fnp.roots(p, strip_zeros=False))(rows)
    np.testing.assert_allclose(found[0, :2], [2.0, 1.0])
    np.testing.assert_allclose(np.sort_complex(found[1]), np.sort_complex(np.roots(rows[1])))
    sizes = lambda p: fnp.abs(fnp.roots(p, strip_zeros=False))
    check_grads(sizes, (np.array([1.0, -6.5, 11.0, -5.0]),), 1)


def test_what_is_refused():
    with pytest.raises(UnsupportedError, match="pass strip_zeros=False"):
        ftx.jit(fnp.roots)(np.ones(3))
    with pytest.raises(ShapeError, match=r"expected coefficients \[n\]"):
        fnp.roots(np.ones((2, 2)))

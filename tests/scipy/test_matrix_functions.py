"""sqrtm, funm, schur, solve_sylvester: SciPy and their definitions are the oracles."""

import numpy as np
import pytest
import scipy.linalg

import ftx
import ftx.numpy as fnp
from ftx.core.errors import ArgumentError, ShapeError, UnsupportedError
from ftx.scipy import linalg
from ftx.test_util import check_grads

R = np.random.RandomState(0)
A = R.randn(5, 5) + 6 * np.eye(5)
TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
JORDAN = np.array([[4.0, 1.0], [0.0, 4.0]])
MATRICES = [
    A,
    A.astype(np.complex64),
    TURN,
    JORDAN,
    A @ A.T,
    np.ones((1, 1)),
    A + 1j * R.randn(5, 5),
]


@pytest.mark.parametrize("m", MATRICES, ids=str)
def test_sqrtm(m):
    near = {"rtol": 1e-4, "atol": 1e-4} if m.dtype == np.complex64 else {"atol": 1e-11}
    for found in (linalg.sqrtm(m), ftx.jit(linalg.sqrtm)(m)):
        assert found.dtype == np.result_type(m.dtype, np.complex64)
        np.testing.assert_allclose(found, scipy.linalg.sqrtm(m), **near)
        np.testing.assert_allclose(found @ found, m, **near)


@pytest.mark.parametrize("m", [A, TURN + 2 * np.eye(2), JORDAN])
def test_derivatives_of_sqrtm(m):
    parts = lambda x: (linalg.sqrtm(x).real, linalg.sqrtm(x).imag)
    check_grads(parts, (m,), 2, rtol=1e-4)
    both = np.stack([m, m @ m])
    rows = ftx.vmap(lambda x: ftx.grad(lambda x: linalg.sqrtm(x).real.sum())(x))(both)
    np.testing.assert_allclose(rows[0], ftx.grad(lambda x: linalg.sqrtm(x).real.sum())(m))


def test_solve_sylvester():
    b, c = R.randn(3, 3), R.randn(5, 3)
    wanted = scipy.linalg.solve_sylvester(A, b, c)
    for f in (linalg.solve_sylvester, ftx.jit(linalg.solve_sylvester)):
        np.testing.assert_allclose(f(A, b, c), wanted, rtol=1e-9)
    check_grads(linalg.solve_sylvester, (A, b, c), 2, rtol=1e-4)


@pytest.mark.parametrize("m", [A, TURN, np.diag([1.0, 2.0, 3.0]), A.astype(np.complex128)])
def test_funm_and_schur(m):
    found, error = ftx.jit(lambda m: linalg.funm(m, fnp.exp, disp=False))(m)
    np.testing.assert_allclose(found, scipy.linalg.expm(m), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(linalg.funm(m, lambda w: w**2), m @ m, rtol=1e-9, atol=1e-9)
    assert 0 < float(error) < 1e-10
    for output in ("real", "complex"):
        t, z = linalg.schur(m, output)
        np.testing.assert_allclose(z @ t @ z.conj().T, m, atol=1e-12)
        assert t.dtype == (m.dtype if output == "real" else np.complex128)
        wanted = scipy.linalg.schur(m, output)[0]
        np.testing.assert_allclose(np.abs(t), np.abs(wanted), atol=1e-9)


def test_what_is_refused():
    for error, call in (
        (ShapeError, lambda: linalg.sqrtm(np.ones((2, 3)))),
        (ShapeError, lambda: linalg.funm(np.ones((2, 2, 2)), fnp.exp)),
        (ShapeError, lambda: linalg.solve_sylvester(A, A, np.ones((2, 5)))),
        (UnsupportedError, lambda: linalg.sqrtm(A, 64)),
        (ArgumentError, lambda: linalg.schur(A, "other")),
        (ArgumentError, lambda: linalg.solve_sylvester(A, A, A, method="other")),
    ):
        with pytest.raises(error, match="expected"):
            call()

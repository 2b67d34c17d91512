"""Triangular solves and Cholesky factors inside programs, against NumPy."""

import itertools

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.primitives.linalg import triangular_solve

FLAGS = list(itertools.product([True, False], repeat=3))


def matrix(rng, n, dtype, batch=()):
    x = rng.standard_normal((*batch, n, n))
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal((*batch, n, n))
    return (x / n + 2 * np.eye(n)).astype(dtype)


@pytest.mark.parametrize(("left", "lower", "turned"), FLAGS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize(("n", "columns"), [(1, 1), (5, 1), (64, 70), (150, 40), (200, 300)])
def test_solves(n, columns, dtype, left, lower, turned):
    rng = np.random.default_rng(n)
    a, b = matrix(rng, n, dtype), rng.standard_normal((n, columns)).astype(dtype)
    b = b if left else np.ascontiguousarray(b.T)
    for conjugate, unit in [(False, False), (True, False), (False, True)]:
        f = lambda a, b, c=conjugate, u=unit: triangular_solve(a, b, left, lower, turned, c, u)
        got = np.asarray(ftx.jit(f)(a, b))
        t = np.tril(a) if lower else np.triu(a)
        if unit:
            t = t - np.diag(np.diag(t)) + np.eye(n, dtype=dtype)
        t = t.T if turned else t
        t = t.conj() if conjugate else t
        wanted = np.linalg.solve(t, b) if left else np.linalg.solve(t.T, b.T).T
        tolerance = 2e-4 if np.dtype(dtype).itemsize // (1 + (t.dtype.kind == "c")) == 4 else 1e-10
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def test_batches_of_solves():
    rng = np.random.default_rng(0)
    a, b = matrix(rng, 80, "float32", (3,)), rng.standard_normal((3, 80, 130)).astype(np.float32)
    got = ftx.jit(lambda a, b: triangular_solve(a, b, True, True))(a, b)
    np.testing.assert_allclose(got, np.linalg.solve(np.tril(a), b), rtol=1e-3, atol=1e-4)


def test_bits_do_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(1)
    a, b = matrix(rng, 300, "float32"), rng.standard_normal((300, 300)).astype(np.float32)
    f = ftx.jit(lambda a, b: triangular_solve(a, b, True, True))
    results = set()
    for threads in (1, 2, 8):
        with ftx.config.override(num_threads=threads):
            results.add(np.asarray(f(a, b)).tobytes())
    assert len(results) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_factors(dtype):
    rng = np.random.default_rng(2)
    for batch, n in [((), 1), ((), 7), ((2, 2), 33), ((), 200), ((0,), 3)]:
        x = matrix(rng, n, dtype, batch)
        x = x @ x.conj().swapaxes(-1, -2)
        got = np.asarray(ftx.jit(fnp.linalg.cholesky)(x))
        np.testing.assert_allclose(got, np.linalg.cholesky(x), rtol=1e-3, atol=1e-4)
        assert not np.triu(got, 1).any()


def test_a_matrix_that_has_no_factor_gives_nan_and_spares_the_others():
    x = np.stack([np.eye(3), -np.eye(3), 4 * np.eye(3)]).astype(np.float32)
    got = np.asarray(ftx.jit(fnp.linalg.cholesky)(x))
    np.testing.assert_array_equal(got[0], np.eye(3))
    assert np.isnan(got[1][np.tril_indices(3)]).all()
    np.testing.assert_array_equal(got[2], 2 * np.eye(3))

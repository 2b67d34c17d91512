"""ftx.scipy.optimize: known minima, SciPy and JAX are the oracles."""

import numpy as np
import pytest
import scipy.optimize

import ftx
import ftx.numpy as fnp
from ftx.core.errors import ArgumentError, ConcretizationError, NotAnArrayError, ShapeError
from ftx.scipy.optimize import minimize, scipy_minimize, scipy_root

LBFGS = "l-bfgs-experimental-do-not-rely-on-this"


def rosenbrock(x):
    return ((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def himmelblau(p):
    return (p[0] ** 2 + p[1] - 11) ** 2 + (p[0] + p[1] ** 2 - 7) ** 2


def matyas(p):
    return 0.26 * (p[0] ** 2 + p[1] ** 2) - 0.48 * p[0] * p[1]


CASES = [
    (rosenbrock, [-1.2, 1.0]),
    (rosenbrock, [1.3, 0.7, 0.8, 1.9, 1.2]),
    (himmelblau, [1.0, 1.0]),
    (matyas, [1.0, 2.0]),
]


@pytest.mark.parametrize("method", ["BFGS", LBFGS])
@pytest.mark.parametrize(("fun", "start"), CASES)
def test_minima_equal_scipys(fun, start, method):
    run = lambda x: minimize(fun, x, method=method, options={"gtol": 1e-7})
    found = run(np.array(start))
    wanted = scipy.optimize.minimize(fun, start, method="BFGS", tol=1e-9)
    np.testing.assert_allclose(found.x, wanted.x, atol=1e-4)
    np.testing.assert_allclose(found.fun, fun(np.asarray(found.x)), atol=1e-12)
    again = ftx.jit(run)(np.array(start))
    np.testing.assert_allclose(again.x, found.x, atol=1e-4)
    assert found.nit > 0 and found.nfev >= found.nit
    if method == "BFGS":
        assert found.success and found.status == 0 and float(abs(found.jac).max()) < 1e-7
        assert found.hess_inv.shape == (len(start), len(start))
    else:
        assert found.hess_inv is None


def test_batches_of_minima():
    starts = np.array([[-1.2, 1.0], [2.0, 2.0], [0.0, -1.0]])
    found = ftx.jit(ftx.vmap(lambda x: minimize(rosenbrock, x, method="BFGS")))(starts)
    assert found.success.all()
    np.testing.assert_allclose(found.x, np.ones((3, 2)), atol=1e-5)


def test_options_and_arguments():
    target = lambda x, c, d: ((x - c) ** 2).sum() * d
    found = minimize(target, np.zeros(2), (3.0, 2.0), method="bfgs", tol=1e-3)
    np.testing.assert_allclose(found.x, [3, 3], atol=1e-3)
    stopped = minimize(rosenbrock, np.array([-1.2, 1]), method="BFGS", options={"maxiter": 2})
    assert stopped.nit == 2 and stopped.status == 1 and not stopped.success
    one = {"maxfun": 1}
    stopped = minimize(rosenbrock, np.array([-1.2, 1]), method=LBFGS, options=one)
    assert stopped.status == 2 and not stopped.success


@pytest.mark.peers
@pytest.mark.parametrize("method", ["BFGS", LBFGS])
def test_steps_equal_jax(method):
    """Where JAX's search does not take a negative width for a vanished one."""
    jax = pytest.importorskip("jax")
    from jax.scipy import optimize as theirs

    for fun, start in CASES[2:]:
        with jax.enable_x64(True):
            wanted = theirs.minimize(fun, jax.numpy.array(start), method=method)
        found = minimize(fun, np.array(start), method=method)
        assert (int(found.nit), int(found.nfev)) == (int(wanted.nit), int(wanted.nfev))
        np.testing.assert_allclose(found.x, wanted.x, atol=1e-8)


def test_minimize_refuses():
    with pytest.raises(ArgumentError, match="scipy_minimize"):
        minimize(matyas, np.zeros(2), method="Nelder-Mead")
    with pytest.raises(NotAnArrayError, match="tuple"):
        minimize(matyas, np.zeros(2), 1.0, method="BFGS")
    with pytest.raises(ShapeError, match=r"float\[n\]"):
        minimize(matyas, np.zeros((2, 2)), method="BFGS")
    with pytest.raises(ArgumentError, match="maxiter"):
        minimize(matyas, np.zeros(2), method="BFGS", options={"wat": 1})


METHODS = [
    *(None, "Nelder-Mead", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "SLSQP", "dogleg"),
    *("trust-ncg", "trust-krylov", "trust-exact", "trust-constr", "Powell", "COBYLA"),
]


def valley(p, c):
    return c * (p["a"][0] - p["a"][1] ** 2) ** 2 + (p["a"][1] - 1) ** 2 + p["b"] ** 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore:delta_grad")
def test_scipys_minimisers(method):
    start = {"a": np.array([0.5, 0.8]), "b": 0.7}
    found = scipy_minimize(valley, start, (10.0,), method)
    assert found.success and found.x_flat.dtype == np.float64
    slack = 0.05 if method == "COBYLA" else 2e-3
    np.testing.assert_allclose(found.x["a"], [1, 1], atol=slack)
    assert abs(float(found.x["b"])) < slack and found.x["a"].dtype == np.float64


def test_exact_hessians_take_few_steps():
    """SciPy with its own gradients by differences and no Hessian needs many more values."""
    start = np.array([-1.2, 1.0])
    exact = scipy_minimize(rosenbrock, start, method="trust-exact", options={"gtol": 1e-10})
    differences = scipy.optimize.minimize(rosenbrock, start, method="BFGS")
    assert exact.nfev < differences.nfev / 3 and exact.fun < 1e-20


def test_bounds_aux_and_constraints():
    found = scipy_minimize(rosenbrock, np.array([0.5, 0.5]), bounds=[(0, 0.9)] * 2)
    np.testing.assert_allclose(found.x, [0.9, 0.81], atol=1e-4)
    pair = lambda x: (rosenbrock(x), x)
    np.testing.assert_allclose(scipy_minimize(pair, np.zeros(2), has_aux=True).x, 1, atol=1e-4)
    line = {"type": "eq", "fun": lambda x: x.sum() - 1}
    found = scipy_minimize(lambda x: (x**2).sum(), np.array([3.0, 0.0]), constraints=[line])
    np.testing.assert_allclose(found.x, [0.5, 0.5], atol=1e-6)


def test_roots():
    both = lambda p: {"u": p["x"] * p["y"] - 2, "v": p["x"] - p["y"]}
    for method in ("hybr", "lm", "krylov"):
        found = scipy_root(both, {"x": np.array([1.0]), "y": np.array([3.0])}, method=method)
        np.testing.assert_allclose(found.x["x"], np.sqrt(2), rtol=1e-5)


def test_scipys_refuse():
    with pytest.raises(ArgumentError, match="derivatives"):
        scipy_minimize(rosenbrock, np.zeros(2), jac=True)
    with pytest.raises(ArgumentError, match="derivatives"):
        scipy_root(rosenbrock, np.zeros(2), jac=True)
    with pytest.raises(ArgumentError, match="real arrays"):
        scipy_minimize(rosenbrock, np.zeros(2, complex))
    with pytest.raises(ConcretizationError, match="outside programs"):
        ftx.jit(lambda x: scipy_minimize(rosenbrock, x).fun)(fnp.zeros(2))

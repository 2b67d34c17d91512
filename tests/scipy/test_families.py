"""The families of ftx.scipy.stats that are not in random's tests, against SciPy."""

import inspect
import types

import numpy as np
import pytest
import scipy.stats

import ftx
from ftx.core.errors import UnsupportedError
from ftx.scipy import stats
from ftx.test_util import check_grads

X = np.linspace(-2.9, 4.1, 15)
K = np.arange(-1, 8)
LOC = (0.3, 1.7)
FAMILIES = [
    ("chi2", X, (3.0, *LOC), "logpdf pdf cdf logcdf sf logsf"),
    ("gennorm", X, (1.5,), "logpdf pdf cdf"),
    ("gumbel_r", X, LOC, "logpdf pdf cdf logcdf sf logsf"),
    ("gumbel_l", X, LOC, "logpdf pdf cdf logcdf sf logsf"),
    ("pareto", X, (2.5, *LOC), "logpdf pdf cdf logcdf sf logsf"),
    ("truncnorm", X, (-1.1, 1.3, *LOC), "logpdf pdf cdf logcdf sf logsf"),
    ("truncnorm", X + 20, (18.0, 30.0), "logpdf cdf sf logsf"),
    ("truncnorm", X - 20, (-30.0, -18.0), "logpdf cdf sf logcdf"),
    ("vonmises", X, (2.0,), "logpdf pdf"),
    ("wrapcauchy", X, (0.4,), "logpdf pdf"),
    ("gumbel_r", np.array([0.1, 0.5, 0.9]), LOC, "ppf"),
    ("gumbel_l", np.array([0.1, 0.5, 0.9]), LOC, "ppf"),
    ("pareto", np.array([0.1, 0.5, 1.5]), (2.5, *LOC), "ppf"),
    ("binom", K, (6, 0.3), "logpmf pmf"),
    ("binom", K, (6, 1.0, 1), "pmf"),
    ("betabinom", K, (6, 1.5, 0.8, 1), "logpmf pmf"),
    ("nbinom", K, (2.5, 0.3, 1), "logpmf pmf"),
    ("geom", K, (0.3, 1), "logpmf pmf"),
]


@pytest.mark.parametrize(("name", "x", "args", "methods"), FAMILIES)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_families(name, x, args, methods):
    for method in methods.split():
        ours, theirs = (getattr(getattr(m, name), method) for m in (stats, scipy.stats))
        given = x if method.endswith("pmf") else x.astype(float)
        found = lambda x, *args: ours(x * np.float64(1), *args)  # noqa: B023
        wanted = theirs(x, *args)
        np.testing.assert_allclose(found(given, *args), wanted, rtol=1e-9, atol=1e-13)
        compiled = ftx.jit(lambda x: found(x, *args))(given)  # noqa: B023
        np.testing.assert_allclose(compiled, wanted, rtol=1e-9, atol=1e-13)
        if name in ("nbinom", "binom", "betabinom", "geom"):
            continue
        counts = lambda x, f=theirs: np.isfinite(f(x, *args)) & (f(x, *args) != 0)
        inside = x[counts(x) & counts(x - 1e-3) & counts(x + 1e-3)]
        check_grads(lambda x: found(x, *args), (inside,), 1, rtol=1e-4)  # noqa: B023
        if method == "pdf":
            slopes = ftx.grad(lambda x: found(x, *args).sum())(given)  # noqa: B023
            assert np.isfinite(np.asarray(slopes)).all()


def test_vectors():
    x, p = np.array([[2, 1, 3], [0, 6, 0], [1, 1, 1]]), np.array([0.2, 0.5, 0.3])
    np.testing.assert_allclose(
        stats.multinomial.logpmf(x * np.float64(1), 6, p), scipy.stats.multinomial.logpmf(x, 6, p)
    )
    q, alpha = np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]).T, np.array([1.5, 2.0, 0.7])
    wanted = scipy.stats.dirichlet.logpdf(q, alpha)
    np.testing.assert_allclose(stats.dirichlet.logpdf(q, alpha), wanted)
    np.testing.assert_allclose(stats.dirichlet.pdf(q[:-1], alpha), np.exp(wanted))
    check_grads(lambda a: stats.dirichlet.logpdf(q, a), (alpha,), 2)
    assert stats.dirichlet.logpdf(q + 1, alpha).tolist() == [-np.inf, -np.inf]


TAILS = np.linspace(-40.0, 40.0, 33)
Q = np.array([-0.1, 0.0, 1e-9, 0.2, 0.5, 0.9, 1.0, 1.1, np.nan])
WHOLE = {
    "expon": (), "laplace": (), "logistic": (), "cauchy": (), "uniform": (), "gamma": (2.5,),
    "beta": (2.0, 3.0), "t": (3.5,), "norm": (),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("method", ["cdf", "sf", "logcdf", "logsf"])
def test_both_tails(name, method):
    """Far from the middle too, where 1 - cdf has lost everything."""
    ours, theirs = (getattr(getattr(m, name), method) for m in (stats, scipy.stats))
    given = tuple(map(np.float64, (*WHOLE[name], 0.3, 1.7)))
    with np.errstate(divide="ignore"):
        wanted = theirs(TAILS, *given)
    exact = name in ("expon", "laplace", "logistic", "cauchy", "norm") or "log" not in method
    rtol, atol = (1e-9, 0) if exact else (1e-7, 1e-15)
    for f in (ours, ftx.jit(ours)):
        np.testing.assert_allclose(f(TAILS, *given), wanted, rtol=rtol, atol=atol)
    if "log" not in method:
        places = np.array([-1.2, 0.5, 0.9, 1.1])
        check_grads(lambda x: ours(x, *given), (places,), 1 if name == "uniform" else 2)


@pytest.mark.parametrize(
    ("name", "method"),
    [("expon", "ppf"), ("logistic", "ppf"), ("logistic", "isf"), ("uniform", "ppf"),
     ("cauchy", "ppf"), ("cauchy", "isf")],
)  # fmt: skip
def test_quantiles(name, method):
    ours, theirs = (getattr(getattr(m, name), method) for m in (stats, scipy.stats))
    ends = (Q > 0) & (Q < 1) if name == "cauchy" else (Q >= 0) & (Q <= 1)
    found, wanted = ours(Q, 0.3, 1.7), theirs(Q, 0.3, 1.7)
    np.testing.assert_allclose(found[ends], wanted[ends], rtol=1e-6)
    assert np.isnan(np.asarray(found)[~((Q >= 0) & (Q <= 1))]).all()
    assert np.isfinite(ftx.vmap(ftx.grad(lambda q: ours(q, 0.3, 1.7)))(Q[2:6])).all()


def test_student_t_in_the_middle_and_by_its_degrees():
    density = ftx.vmap(ftx.grad(lambda x: stats.t.cdf(x, 3.0)))(np.array([-2.0, 0.0, 5.0]))
    np.testing.assert_allclose(density, scipy.stats.t.pdf([-2.0, 0.0, 5.0], 3), rtol=1e-6)
    with pytest.raises(UnsupportedError, match="expected a constant df"):
        ftx.grad(lambda df: stats.t.cdf(1.0, df))(3.0)


def test_bernoulli():
    k, p = np.array([-1.0, 0.0, 0.5, 1.0, 2.0]), np.array([[0.0], [0.3], [1.0], [1.5], [np.nan]])
    np.testing.assert_allclose(stats.bernoulli.cdf(k, p), scipy.stats.bernoulli.cdf(k, p))
    q = np.array([0.1, 0.69, 0.71, 1.0, 1.2, np.nan])
    wanted = np.where(np.isnan(q) | (q > 1), np.nan, q > 0.7)
    np.testing.assert_array_equal(stats.bernoulli.ppf(q, 0.3), wanted)


def test_entropy_of_poisson():
    mu = np.array([0.0, 1e-3, 0.5, 3.0, 19.0, 21.0, 150.0, 199.0, 201.0, 1e3])
    wanted = scipy.stats.poisson(mu).entropy()
    np.testing.assert_allclose(stats.poisson.entropy(mu), wanted, rtol=1e-9)
    np.testing.assert_allclose(stats.poisson.entropy(mu.astype("float32")), wanted, rtol=2e-5)
    assert np.isnan(stats.poisson.entropy(-1.0))
    check_grads(stats.poisson.entropy, (np.array([0.5, 3.0, 300.0]),), 1)


@pytest.mark.peers
def test_every_method_that_jax_has():
    theirs = pytest.importorskip("jax.scipy.stats")
    names = "pdf logpdf pmf logpmf cdf logcdf sf logsf ppf isf entropy".split()
    for family, module in vars(theirs).items():
        for name in names if isinstance(module, types.ModuleType) else ():
            if hasattr(module, name):
                ours = getattr(getattr(stats, family), name)
                wanted = inspect.signature(getattr(module, name)).parameters
                assert list(inspect.signature(ours).parameters) == list(wanted), (family, name)

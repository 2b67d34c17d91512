"""The families of ftx.scipy.stats that are not in random's tests, against SciPy."""

import numpy as np
import pytest
import scipy.stats

import ftx
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

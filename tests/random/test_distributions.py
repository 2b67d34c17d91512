"""Each distribution against scipy.stats: Kolmogorov-Smirnov or chi-square, and two moments.

Keys are fixed, so a test that passes passes always; for a correct distribution a fresh key would
fail one of them with a probability of SIGNIFICANCE, or a moment beyond SIGMAS standard errors.
"""

import math

import numpy as np
import pytest
from scipy import stats

import ftx
from ftx import random

KEY = random.key(2024)
N = 20_000
SIGNIFICANCE, SIGMAS = 1e-3, 4.0


def maxwell_both_sides():
    """Maxwell with a random sign, moved by 1 and scaled by 2: its distribution function."""
    half = stats.maxwell.cdf
    return lambda x: 0.5 + 0.5 * np.sign(x - 1) * half(np.abs(x - 1) / 2)


CONTINUOUS = {
    "uniform": ({"minval": -2.0, "maxval": 3.0}, stats.uniform(-2, 5)),
    "normal": ({}, stats.norm()),
    "exponential": ({}, stats.expon()),
    "laplace": ({}, stats.laplace()),
    "logistic": ({}, stats.logistic()),
    "cauchy": ({}, stats.cauchy()),
    "gumbel": ({}, stats.gumbel_r()),
    "maxwell": ({}, stats.maxwell()),
    "double_sided_maxwell": ({"loc": 1.0, "scale": 2.0}, maxwell_both_sides()),
    "truncated_normal": ({"lower": -1.0, "upper": 2.0}, stats.truncnorm(-1, 2)),
    "gamma": ({"a": 2.5}, stats.gamma(2.5)),
    "gamma, small a": ({"a": 0.3}, stats.gamma(0.3)),
    "loggamma": ({"a": 0.7}, stats.loggamma(0.7)),
    "beta": ({"a": 0.5, "b": 2.0}, stats.beta(0.5, 2)),
    "chisquare": ({"df": 3.0}, stats.chi2(3)),
    "f": ({"dfnum": 3.0, "dfden": 9.0}, stats.f(3, 9)),
    "t": ({"df": 5.0}, stats.t(5)),
    "pareto": ({"b": 5.0}, stats.pareto(5)),
    "lognormal": ({"sigma": 0.5}, stats.lognorm(0.5)),
    "rayleigh": ({"scale": 1.5}, stats.rayleigh(0, 1.5)),
    "weibull_min": ({"scale": 2.0, "concentration": 1.5}, stats.weibull_min(1.5, 0, 2)),
    "triangular": ({"left": -1.0, "mode": 0.5, "right": 2.0}, stats.triang(0.5, -1, 3)),
    "wald": ({"mean": 1.5}, stats.invgauss(1.5)),
    "generalized_normal": ({"p": 1.5}, stats.gennorm(1.5)),
}
NO_MOMENTS = {"cauchy", "double_sided_maxwell"}


def drawn(name, options, shape):
    """A sample; `test_against_jax` holds the compiled program equal to what is drawn here."""
    function = getattr(random, name.split(",")[0])
    return np.asarray(function(KEY, shape=shape, **options), np.float64)


def check_moments(x, mean, variance, kurtosis=0.0):
    """Sample mean and variance within SIGMAS standard errors; kurtosis is the excess."""
    n = x.size
    assert abs(x.mean() - mean) < SIGMAS * math.sqrt(variance / n)
    spread = variance * math.sqrt((kurtosis + 2 + 2 / (n - 1)) / n)
    assert abs(x.var(ddof=1) - variance) < SIGMAS * spread


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous(name):
    options, law = CONTINUOUS[name]
    x = drawn(name, options, (N,))
    cdf = law.cdf if hasattr(law, "cdf") else law
    assert stats.kstest(x, cdf).pvalue > SIGNIFICANCE
    if name not in NO_MOMENTS:
        mean, variance, kurtosis = (float(m) for m in law.stats(moments="mvk"))
        check_moments(x, mean, variance, kurtosis if math.isfinite(kurtosis) else 200.0)


def check_counts(x, pmf, low):
    """Chi-square of counted values against probabilities; the tails are one cell each."""
    values = np.arange(low, int(x.max()) + 2)
    expected, found = pmf(values) * x.size, np.array([(x == v).sum() for v in values])
    enough = expected >= 10
    rest = x.size - expected[enough].sum()
    cells = [*found[enough], x.size - found[enough].sum()]
    wanted = [*expected[enough], rest]
    if rest < 1e-6:
        assert cells.pop() == 0
        wanted.pop()
    wanted = np.asarray(wanted) * (x.size / sum(wanted))
    assert len(cells) > 1 and stats.chisquare(cells, wanted).pvalue > SIGNIFICANCE


DISCRETE = {
    "bernoulli": ({"p": 0.3}, stats.bernoulli(0.3), 0),
    "bernoulli, high": ({"p": 0.3, "mode": "high"}, stats.bernoulli(0.3), 0),
    "rademacher": ({}, stats.rv_discrete(values=([-1, 1], [0.5, 0.5])), -1),
    "randint": ({"minval": -3, "maxval": 9}, stats.randint(-3, 9), -3),
    "geometric": ({"p": 0.3}, stats.geom(0.3), 1),
    "poisson": ({"lam": 4.0}, stats.poisson(4), 0),
    "poisson, large": ({"lam": 40.0}, stats.poisson(40), 0),
    "binomial": ({"n": 9.0, "p": 0.3}, stats.binom(9, 0.3), 0),
    "binomial, large": ({"n": 90.0, "p": 0.6}, stats.binom(90, 0.6), 0),
    "bits": ({"dtype": "uint8"}, stats.randint(0, 256), 0),
    "categorical": (
        {"logits": np.log(np.float32([0.1, 0.2, 0.7]))},
        stats.rv_discrete(values=([0, 1, 2], [0.1, 0.2, 0.7])),
        0,
    ),
    "choice": (
        {"a": 3, "p": np.float32([0.1, 0.2, 0.7])},
        stats.rv_discrete(values=([0, 1, 2], [0.1, 0.2, 0.7])),
        0,
    ),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete(name):
    options, law, low = DISCRETE[name]
    x = drawn(name, options, (N,))
    check_counts(x, law.pmf, low)
    mean, variance, kurtosis = (float(m) for m in law.stats(moments="mvk"))
    check_moments(x, mean, variance, kurtosis)


def check_projections(x, laws):
    """Each column of x follows its law."""
    for column, law in zip(x.T, laws, strict=True):
        assert stats.kstest(column, law.cdf).pvalue > SIGNIFICANCE / len(laws)


def test_dirichlet():
    alpha = np.float32([0.5, 2.0, 3.0])
    x = drawn("dirichlet", {"alpha": alpha}, (N,))
    np.testing.assert_allclose(x.sum(-1), 1, rtol=1e-5)
    check_projections(x, [stats.beta(a, alpha.sum() - a) for a in alpha])
    total = alpha.sum()
    found = np.cov(x.T)[0, 1]
    wanted = -alpha[0] * alpha[1] / total**2 / (total + 1)
    assert abs(found / wanted - 1) < 0.1


@pytest.mark.parametrize("method", ["cholesky", "eigh", "svd"])
def test_multivariate_normal(method):
    mean, cov = np.float32([1, -2]), np.float32([[2, 0.6], [0.6, 0.5]])
    x = drawn("multivariate_normal", {"mean": mean, "cov": cov, "method": method}, (N,))
    check_projections(
        x, [stats.norm(m, math.sqrt(v)) for m, v in zip(mean, np.diag(cov), strict=True)]
    )
    white = np.linalg.solve(np.linalg.cholesky(cov), (x - mean).T)
    check_moments(white[0] * white[1], 0, 1, 6.0)


def test_multinomial():
    p = np.float32([0.2, 0.3, 0.5])
    x = drawn("multinomial", {"n": np.float32(12), "p": p}, (N, 3))
    assert (x.sum(-1) == 12).all()
    for column, chance in zip(x.T, p, strict=True):
        check_counts(column, stats.binom(12, float(chance)).pmf, 0)


def test_ball():
    """Uniform in the ball: the radius to the power d is uniform, and so is the direction."""
    x = drawn("ball", {"d": 3}, (N,))
    radius = np.linalg.norm(x, axis=-1)
    assert stats.kstest(radius**3, stats.uniform().cdf).pvalue > SIGNIFICANCE
    check_projections(x / radius[:, None], [stats.uniform(-1, 2)] * 3)


def test_orthogonal():
    """By Haar's measure: entries of a 3 x 3 rotation are uniform in [-1, 1]; rows orthonormal."""
    x = drawn("orthogonal", {"n": 3}, (4000,))
    np.testing.assert_allclose(x @ x.swapaxes(1, 2), np.broadcast_to(np.eye(3), x.shape), atol=1e-5)
    check_projections(x.reshape(-1, 9), [stats.uniform(-1, 2)] * 9)
    check_moments(np.sign(np.linalg.det(x)), 0, 1, -2.0)


def test_complex_normal():
    x = np.asarray(random.normal(KEY, (N,), "complex64"))
    check_projections(np.stack([x.real, x.imag], 1), [stats.norm(0, math.sqrt(0.5))] * 2)


@pytest.mark.parametrize("independent", [False, True])
def test_orders_are_equally_likely(independent):
    grid = np.tile(np.arange(3), (2, 1))
    draw = lambda k: random.permutation(k, grid, 1, independent)
    x = np.asarray(ftx.jit(ftx.vmap(draw))(random.split(KEY, 6000)))
    orders = x @ [9, 3, 1]
    check_counts(np.unique(orders[:, 0], return_inverse=True)[1], stats.randint(0, 6).pmf, 0)
    agree = (orders[:, 0] == orders[:, 1]).mean()
    assert abs(agree - 1 / 6) < 0.02 if independent else agree == 1


def test_choice_without_replacement():
    p = np.float32([0.1, 0.2, 0.7])
    draw = lambda k: random.choice(k, 3, (2,), replace=False, p=p)
    x = np.asarray(ftx.jit(ftx.vmap(draw))(random.split(KEY, 6000)))
    assert (x[:, 0] != x[:, 1]).all()
    check_counts(x[:, 0], lambda v: np.where(v < 3, p[np.minimum(v, 2)], 0), 0)
    second = sum(p[i] * p[0] / (1 - p[i]) for i in (1, 2))
    check_moments((x[:, 1] == 0).astype(float), second, second * (1 - second), 5.0)


def test_keys_of_a_split_are_independent():
    first, second = (np.asarray(random.normal(k, (N,))) for k in random.split(KEY))
    assert stats.pearsonr(first, second).pvalue > SIGNIFICANCE
    folded = [np.asarray(random.normal(random.fold_in(KEY, i), (N,))) for i in (0, 1)]
    assert stats.pearsonr(*folded).pvalue > SIGNIFICANCE


def test_every_distribution_is_tested():
    here = {name.split(",")[0] for name in (*CONTINUOUS, *DISCRETE)}
    here |= {"dirichlet", "multivariate_normal", "multinomial", "ball", "orthogonal"}
    here |= {"permutation", "shuffle"}
    keys = {"PRNGKey", "key", "split", "fold_in", "clone", "key_data", "wrap_key_data"}
    public = {n for n in dir(random) if callable(getattr(random, n)) and n[0] != "_"}
    made_here = {n for n in public if getattr(random, n).__module__.startswith("ftx.random")}
    assert made_here - keys - {"key_impl", "key_dtype"} == here

"""ftx.scipy.stats: gaussian_kde, mode and sem against SciPy."""

import numpy as np
import pytest
import scipy.stats

import ftx
from ftx.core.errors import ArgumentError, DTypeError, InputShapeError, UnsupportedError
from ftx.scipy.stats import gaussian_kde, mode, sem
from ftx.test_util import check_grads

R = np.random.RandomState(0)
DATA, POINTS, WEIGHTS = R.randn(2, 30), R.randn(2, 7), R.rand(30)
OPTIONS = [{}, {"weights": WEIGHTS}, {"bw_method": "silverman"}, {"bw_method": 0.3}]
OPTIONS.append({"bw_method": lambda kde: 0.5 * kde.n / 30})


@pytest.mark.parametrize("options", OPTIONS)
def test_densities(options):
    ours, theirs = gaussian_kde(DATA, **options), scipy.stats.gaussian_kde(DATA, **options)
    np.testing.assert_allclose(ours(POINTS), theirs(POINTS), rtol=1e-10)
    np.testing.assert_allclose(ours.logpdf(POINTS), theirs.logpdf(POINTS), rtol=1e-10)
    np.testing.assert_allclose(ftx.jit(lambda k, x: k.pdf(x))(ours, POINTS), theirs(POINTS))
    mean, cov = np.array([0.1, 0.2]), np.array([[1.0, 0.3], [0.3, 2.0]])
    np.testing.assert_allclose(
        ours.integrate_gaussian(mean, cov), theirs.integrate_gaussian(mean, cov)
    )
    pair = gaussian_kde(DATA[:, :5]), scipy.stats.gaussian_kde(DATA[:, :5])
    np.testing.assert_allclose(ours.integrate_kde(pair[0]), theirs.integrate_kde(pair[1]))
    check_grads(lambda d, x: gaussian_kde(d, **options).logpdf(x), (DATA, POINTS), 1)


def test_densities_of_one_dimension_and_samples():
    ours, theirs = gaussian_kde(DATA[0]), scipy.stats.gaussian_kde(DATA[0])
    np.testing.assert_allclose(ours.integrate_box_1d(-1, 1), theirs.integrate_box_1d(-1, 1))
    drawn = np.asarray(ours.resample(ftx.random.key(0), (4000,)))
    assert drawn.shape == (1, 4000)
    below = lambda v: np.array([theirs.integrate_box_1d(-9, x) for x in v])
    assert scipy.stats.kstest(drawn[0], below).pvalue > 0.01


def test_densities_refuse():
    for call, error in [
        (lambda: gaussian_kde(DATA + 1j), DTypeError),
        (lambda: gaussian_kde([1.0]), InputShapeError),
        (lambda: gaussian_kde(DATA, weights=WEIGHTS[:3]), InputShapeError),
        (lambda: gaussian_kde(DATA, "wat"), ArgumentError),
        (lambda: gaussian_kde(DATA)(np.ones((3, 2))), InputShapeError),
        (lambda: gaussian_kde(DATA).set_bandwidth(1.0), UnsupportedError),
        (lambda: gaussian_kde(DATA).integrate_box(0, 1), UnsupportedError),
        (lambda: gaussian_kde(DATA).integrate_box_1d(0, 1), InputShapeError),
        (lambda: mode(DATA, nan_policy="omit"), UnsupportedError),
        (lambda: sem(DATA, nan_policy="omit"), UnsupportedError),
    ]:
        with pytest.raises(error, match="expected"):
            call()


@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("keepdims", [False, True])
def test_mode_and_sem(axis, keepdims):
    x = R.randint(0, 4, (5, 6)).astype(float)
    for run in (mode, ftx.jit(mode, static_argnames=("axis", "keepdims"))):
        found = run(x, axis=axis, keepdims=keepdims)
        wanted = scipy.stats.mode(x, axis, keepdims=keepdims)
        np.testing.assert_array_equal(found.mode, wanted.mode)
        np.testing.assert_array_equal(found.count, wanted.count)
    np.testing.assert_allclose(sem(x, axis), scipy.stats.sem(x, axis))
    assert sem(x, axis, keepdims=keepdims).ndim == keepdims + (axis is not None)
    check_grads(lambda x: sem(x, axis), (R.randn(5, 6),), 2)


@pytest.mark.parametrize(
    ("x", "wanted"),
    [
        ([np.nan, np.nan, 1.0], (np.nan, 2)),
        ([np.nan, 1.0, 2.0], (1.0, 1)),
        ([2.0, 2.0, np.nan, 1.0, 1.0], (1.0, 2)),
        ([-0.0, 0.0, 1.0], (0.0, 2)),
    ],
)
def test_mode_counts_nan_as_one_value_as_jax_does(x, wanted):
    np.testing.assert_array_equal([float(v) for v in mode(np.array(x))], wanted)

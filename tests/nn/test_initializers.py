"""Initialisers: moments, orthogonality, errors, and the very numbers of JAX."""

import numpy as np
import pytest

import ftx.numpy as fnp
from ftx import random
from ftx.nn import initializers as init

KEY = random.key(0)
SCALED = {  # name: (variance as a function of fan in and fan out, bound in units of its root)
    "glorot_uniform": (lambda n, m: 2 / (n + m), np.sqrt(3)),
    "glorot_normal": (lambda n, m: 2 / (n + m), 2 / 0.8796),
    "lecun_uniform": (lambda n, m: 1 / n, np.sqrt(3)),
    "lecun_normal": (lambda n, m: 1 / n, 2 / 0.8796),
    "he_uniform": (lambda n, m: 2 / n, np.sqrt(3)),
    "he_normal": (lambda n, m: 2 / n, 2 / 0.8796),
}


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("shape", [(200, 300), (3, 3, 40, 50)])
def test_variance_follows_the_fans(name, shape):
    variance, bound = SCALED[name]
    window = np.prod(shape[:-2])
    expected = variance(window * shape[-2], window * shape[-1])
    w = np.asarray(getattr(init, name)()(KEY, shape))
    assert w.shape == shape and w.dtype == np.float32
    # 18000 draws or more: the sample variance has a relative deviation of about 1 %.
    np.testing.assert_allclose(w.var(), expected, rtol=0.05)
    assert abs(w.mean()) < 5 * np.sqrt(expected / w.size)
    assert np.abs(w).max() <= bound * np.sqrt(expected) * 1.0001


def test_aliases():
    assert init.xavier_normal is init.glorot_normal and init.kaiming_uniform is init.he_uniform


def test_constants():
    np.testing.assert_array_equal(np.asarray(init.zeros(KEY, (2, 3))), np.zeros((2, 3)))
    np.testing.assert_array_equal(np.asarray(init.ones(KEY, (2,))), np.ones(2))
    np.testing.assert_array_equal(np.asarray(init.constant(2.5)(KEY, (2,))), [2.5, 2.5])


def test_plain_distributions():
    shape = (20000,)
    w = np.asarray(init.uniform(2.0)(KEY, shape))
    assert 0 <= w.min() and w.max() < 2
    np.testing.assert_allclose(w.mean(), 1.0, atol=0.02)
    np.testing.assert_allclose(np.asarray(init.normal(3.0)(KEY, shape)).std(), 3.0, rtol=0.03)
    w = np.asarray(init.truncated_normal(1.0, lower=-1.0, upper=0.5)(KEY, shape))
    assert -1 <= w.min() and w.max() <= 0.5


@pytest.mark.parametrize("mode, n", [("fan_in", 100), ("fan_out", 400), ("fan_geo_avg", 200)])
def test_modes(mode, n):
    w = np.asarray(init.variance_scaling(1.0, mode, "normal")(KEY, (100, 400)))
    np.testing.assert_allclose(w.var(), 1 / n, rtol=0.05)


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4), (3, 3, 4, 8)])
def test_orthogonal(shape):
    w = np.asarray(init.orthogonal(2.0)(KEY, shape)).reshape(-1, shape[-1])
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-5)


def test_delta_orthogonal_is_orthogonal_at_the_centre_only():
    w = np.array(init.delta_orthogonal()(KEY, (3, 3, 4, 8)))
    np.testing.assert_allclose(w[1, 1] @ w[1, 1].T, np.eye(4), atol=1e-5)
    w[1, 1] = 0
    assert not w.any()


def test_errors_say_what_was_expected():
    with pytest.raises(ValueError, match="expected mode in .*'fan_in'.*, got 'fan'"):
        init.variance_scaling(1.0, "fan", "normal")
    with pytest.raises(ValueError, match="expected distribution in .*'uniform'.*, got 'cauchy'"):
        init.variance_scaling(1.0, "fan_in", "cauchy")
    with pytest.raises(ValueError, match=r"at least two axes .*, got \(5,\)"):
        init.lecun_normal()(KEY, (5,))
    with pytest.raises(TypeError, match="expected a real float dtype, got int32"):
        init.lecun_normal()(KEY, (5, 5), fnp.int32)
    with pytest.raises(ValueError, match=r"orthogonal: expected .* two axes, got \(5,\)"):
        init.orthogonal()(KEY, (5,))
    with pytest.raises(ValueError, match="got 8 inputs and 4 outputs"):
        init.delta_orthogonal()(KEY, (3, 8, 4))
    with pytest.raises(ValueError, match=r"expected 3 to 5 axes .*, got \(4, 4\)"):
        init.delta_orthogonal()(KEY, (4, 4))


@pytest.mark.peers
@pytest.mark.parametrize(
    "name",
    [*SCALED, "uniform", "normal", "truncated_normal", "orthogonal", "delta_orthogonal"],
)
def test_same_numbers_as_jax(name):
    jax = pytest.importorskip("jax")
    shape = (3, 3, 8, 16)
    ours = getattr(init, name)()(random.key(42), shape)
    theirs = getattr(jax.nn.initializers, name)()(jax.random.key(42), shape)
    # The bits drawn are equal; 1e-5 allows for another erf_inv and another QR.
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-6)

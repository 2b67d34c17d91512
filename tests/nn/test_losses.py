"""Losses against their formulas in NumPy, in value and gradient, and their errors."""

import numpy as np
import pytest
from scipy import special

import ftx
import ftx.numpy as fnp
from ftx import nn

RNG = np.random.default_rng(0)
LOGITS = (RNG.normal(size=(6, 4)) * 3).astype(np.float32)
PROBABILITIES = special.softmax(RNG.normal(size=(6, 4)), axis=-1).astype(np.float32)
LABELS = RNG.integers(0, 4, 6)
X, Y = (RNG.normal(size=(2, 7)) * 2).astype(np.float32)


def check(got, expected, rtol=1e-5, atol=1e-6):
    np.testing.assert_allclose(np.asarray(got), expected, rtol=rtol, atol=atol)


def gradient(loss, *args):
    return ftx.grad(lambda x, *rest: fnp.sum(loss(x, *rest)))(*map(fnp.asarray, args))


def test_softmax_cross_entropy():
    log_p = special.log_softmax(LOGITS.astype(np.float64), axis=-1)
    check(
        nn.softmax_cross_entropy(fnp.asarray(LOGITS), fnp.asarray(PROBABILITIES)),
        -(PROBABILITIES * log_p).sum(-1),
    )
    check(
        gradient(nn.softmax_cross_entropy, LOGITS, PROBABILITIES),
        np.exp(log_p) - PROBABILITIES,
        atol=1e-5,
    )


@pytest.mark.parametrize("axis", [-1, 0])
def test_softmax_cross_entropy_with_integer_labels(axis):
    log_p = special.log_softmax(LOGITS.astype(np.float64), axis=-1)
    rows = np.arange(6)
    logits = np.moveaxis(LOGITS, -1, axis)

    def loss(x, labels):
        return nn.softmax_cross_entropy_with_integer_labels(x, labels, axis=axis)

    check(loss(fnp.asarray(logits), fnp.asarray(LABELS)), -log_p[rows, LABELS])
    expected = np.exp(log_p)
    expected[rows, LABELS] -= 1
    check(gradient(loss, logits, LABELS), np.moveaxis(expected, -1, axis))


def test_cross_entropy_keeps_digits_for_large_logits():
    logits = fnp.asarray([[1e4, 1e4 - 2.0]])
    loss = nn.softmax_cross_entropy_with_integer_labels(logits, fnp.asarray([0]))
    check(loss, [np.log1p(np.exp(-2.0))])


def test_masked_classes_take_no_part():
    mask = np.array([True, True, False, True])
    labels = np.array([0, 1, 3, 0, 1, 3])
    expected = -special.log_softmax(LOGITS[:, mask].astype(np.float64), axis=-1)
    got = nn.softmax_cross_entropy_with_integer_labels(
        fnp.asarray(LOGITS), fnp.asarray(labels), where=fnp.asarray(mask)
    )
    check(got, expected[np.arange(6), np.array([0, 1, 2, 0, 1, 2])])
    got = nn.softmax_cross_entropy(
        fnp.asarray(LOGITS), fnp.asarray(PROBABILITIES), where=fnp.asarray(mask)
    )
    check(got, (PROBABILITIES[:, mask] * expected).sum(-1))


def test_sigmoid_binary_cross_entropy():
    p = special.expit(X.astype(np.float64))
    labels = (Y > 0).astype(np.float32)
    check(
        nn.sigmoid_binary_cross_entropy(fnp.asarray(X), fnp.asarray(labels)),
        -labels * np.log(p) - (1 - labels) * np.log1p(-p),
    )
    check(gradient(nn.sigmoid_binary_cross_entropy, X, labels), p - labels)
    assert float(nn.sigmoid_binary_cross_entropy(-1000.0, 1.0)) == 1000.0


def test_squares():
    check(nn.squared_error(fnp.asarray(X), fnp.asarray(Y)), (X - Y) ** 2)
    check(nn.squared_error(fnp.asarray(X)), X**2)
    check(nn.l2_loss(fnp.asarray(X), fnp.asarray(Y)), 0.5 * (X - Y) ** 2)
    check(gradient(nn.l2_loss, X, Y), X - Y)


def test_huber_loss():
    e = X - Y
    for delta in (0.5, 1.0, 2.0):
        check(
            nn.huber_loss(fnp.asarray(X), fnp.asarray(Y), delta),
            np.where(abs(e) <= delta, 0.5 * e**2, delta * (abs(e) - delta / 2)),
        )
    check(gradient(nn.huber_loss, X, Y), np.clip(e, -1, 1))


def test_log_cosh():
    check(nn.log_cosh(fnp.asarray(X), fnp.asarray(Y)), np.log(np.cosh((X - Y).astype(float))))
    check(gradient(nn.log_cosh, X, Y), np.tanh(X - Y))


def test_hinge_loss():
    sign = np.sign(Y)
    check(nn.hinge_loss(fnp.asarray(X), fnp.asarray(sign)), np.maximum(0, 1 - X * sign))


def test_kl_divergence():
    log_q = special.log_softmax(LOGITS.astype(np.float64), axis=-1).astype(np.float32)
    p = PROBABILITIES.copy()
    p[0] = [0, 0.5, 0.5, 0]
    check(
        nn.kl_divergence(fnp.asarray(log_q), fnp.asarray(p)),
        (special.xlogy(p, p) - p * log_q).sum(-1),
    )
    # By the targets as well: log p + 1 − log q, and no NaN where p is 0.
    ct = ftx.grad(lambda p: fnp.sum(nn.kl_divergence(fnp.asarray(log_q), p)))(fnp.asarray(p))
    assert np.isfinite(np.asarray(ct)).all()


def test_cosine():
    a, b = LOGITS.astype(np.float64), PROBABILITIES.astype(np.float64)
    expected = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    check(nn.cosine_similarity(fnp.asarray(LOGITS), fnp.asarray(PROBABILITIES)), expected)
    check(nn.cosine_distance(fnp.asarray(LOGITS), fnp.asarray(PROBABILITIES)), 1 - expected)


def test_cosine_of_a_zero_vector_needs_epsilon():
    zero, one = fnp.zeros(3), fnp.ones(3)
    assert float(nn.cosine_similarity(zero, one, epsilon=1e-6)) == 0
    ct = ftx.grad(lambda a: nn.cosine_similarity(a, one, epsilon=1e-6))(zero)
    assert np.isfinite(np.asarray(ct)).all()


@pytest.mark.parametrize("name", ["squared_error", "l2_loss", "huber_loss", "log_cosh"])
def test_no_silent_broadcast(name):
    with pytest.raises(ValueError, match=rf"{name}: expected .* got \(4,\) and \(4, 1\)"):
        getattr(nn, name)(fnp.ones(4), fnp.ones((4, 1)))


def test_label_errors_say_which_loss_to_use():
    with pytest.raises(ValueError, match="use softmax_cross_entropy_with_integer_labels"):
        nn.softmax_cross_entropy(fnp.ones((4, 3)), fnp.ones(4))
    name = "softmax_cross_entropy_with_integer_labels"
    with pytest.raises(TypeError, match=f"{name}: expected integer labels, got dtype float32"):
        getattr(nn, name)(fnp.ones((4, 3)), fnp.ones(4))
    with pytest.raises(ValueError, match=r"labels of shape \(4,\) .* got \(3,\)"):
        getattr(nn, name)(fnp.ones((4, 3)), fnp.asarray([0, 1, 2]))

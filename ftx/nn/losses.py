"""Losses, with the names and meaning of optax: one number per example, never averaged.

In: predictions (or logits) and targets. Out: float[...], less the class axis where there is
one. Take the mean yourself: `softmax_cross_entropy(logits, labels).mean()`.
"""

import math

from .. import lax
from .. import numpy as fnp
from ..core.errors import DTypeError, InputShapeError
from .functions import log_sigmoid
from .over_axis import log_softmax, logsumexp

__all__ = [
    *("cosine_distance", "cosine_similarity", "hinge_loss", "huber_loss", "kl_divergence"),
    *("l2_loss", "log_cosh", "sigmoid_binary_cross_entropy", "softmax_cross_entropy"),
    *("softmax_cross_entropy_with_integer_labels", "squared_error"),
]


def _same_shape(name, predictions, targets):
    """Both as arrays. Silent broadcasting of (n,) against (n, 1) is the classic wrong loss."""
    predictions, targets = fnp.asarray(predictions), fnp.asarray(targets)
    if targets.ndim and predictions.ndim and predictions.shape != targets.shape:
        raise InputShapeError(
            f"{name}: expected predictions and targets of one shape, got "
            f"{tuple(predictions.shape)} and {tuple(targets.shape)}; reshape one of them, or use "
            f"broadcast_to if the broadcast is meant"
        )
    return predictions, targets


def softmax_cross_entropy(logits, labels, axis=-1, where=None):
    """−Σ labels·log_softmax(logits) over `axis`.

    Args:
      logits: float[..., n], unnormalised log-probabilities.
      labels: float[..., n], probabilities of the classes (one-hot or soft).
      where: bool, broadcast against the logits: the classes that take part.
    Returns: float[...]
    Raises: ValueError if the shapes cannot be broadcast together.

    >>> loss = softmax_cross_entropy(fnp.zeros((4, 10)), fnp.full((4, 10), 0.1))
    >>> loss.shape, round(float(loss[0]), 4)
    ((4,), 2.3026)
    """
    logits, labels = fnp.asarray(logits), fnp.asarray(labels)
    if logits.ndim != labels.ndim:
        raise InputShapeError(
            f"softmax_cross_entropy: expected labels of the logits' shape {tuple(logits.shape)}, "
            f"got {tuple(labels.shape)}; for class numbers use "
            f"softmax_cross_entropy_with_integer_labels"
        )
    return -fnp.sum(labels * log_softmax(logits, axis, where), axis, where=where)


def softmax_cross_entropy_with_integer_labels(logits, labels, axis=-1, where=None):
    """−log_softmax(logits) at the class each label names.

    Args:
      logits: float[..., n], unnormalised log-probabilities.
      labels: int[...], the true class, in [0, n).
      axis: the class axis of the logits.
      where: bool, broadcast against the logits: the classes that take part.
    Returns: float[...]
    Raises: TypeError if labels are not integers; ValueError if their shape is not that of the
      logits without the class axis.

    >>> logits = fnp.asarray([[0.0, 0.0], [0.0, 1000.0]])
    >>> softmax_cross_entropy_with_integer_labels(logits, fnp.asarray([0, 0])).tolist()[1]
    1000.0
    """
    logits, labels = fnp.asarray(logits), fnp.asarray(labels)
    name = "softmax_cross_entropy_with_integer_labels"
    if not fnp.issubdtype(labels.dtype, fnp.integer):
        raise DTypeError(
            f"{name}: expected integer labels, got dtype {labels.dtype}; for probabilities use "
            f"softmax_cross_entropy, for class numbers stored as floats labels.astype(int)"
        )
    expected = list(logits.shape)
    del expected[axis]
    if list(labels.shape) != expected:
        raise InputShapeError(
            f"{name}: expected labels of shape {tuple(expected)} (the logits' "
            f"{tuple(logits.shape)} without axis {axis}), got {tuple(labels.shape)}"
        )
    # Shift first: for logits near 1e4 the difference below would otherwise lose its digits.
    peak = fnp.max(logits, axis, keepdims=True, where=where, initial=-fnp.inf)
    logits = logits - lax.stop_gradient(peak)
    chosen = fnp.take_along_axis(logits, fnp.expand_dims(labels, axis), axis)
    return logsumexp(logits, axis, where=where) - fnp.squeeze(chosen, axis)


def sigmoid_binary_cross_entropy(logits, labels):
    """−labels·log σ(logits) − (1 − labels)·log(1 − σ(logits)), elementwise.

    Args:
      logits: float[...], log-odds.
      labels: float[...] in [0, 1], probability of "yes".
    Returns: float[...]
    Raises: ValueError if the shapes differ and neither is a scalar.

    >>> round(float(sigmoid_binary_cross_entropy(0.0, 1.0)), 4)
    0.6931
    """
    logits, labels = _same_shape("sigmoid_binary_cross_entropy", logits, labels)
    return -labels * log_sigmoid(logits) - (1 - labels) * log_sigmoid(-logits)


def _errors(name, predictions, targets):
    if targets is None:
        return fnp.asarray(predictions)
    predictions, targets = _same_shape(name, predictions, targets)
    return predictions - targets


def squared_error(predictions, targets=None):
    """(predictions − targets)², elementwise; targets None means 0. float[...] → float[...]

    Raises: ValueError if the shapes differ and neither is a scalar.

    >>> float(squared_error(3.0, 1.0))
    4.0
    """
    return fnp.square(_errors("squared_error", predictions, targets))


def l2_loss(predictions, targets=None):
    """½·(predictions − targets)², elementwise; targets None means 0. float[...] → float[...]

    Raises: ValueError if the shapes differ and neither is a scalar.

    >>> float(l2_loss(3.0, 1.0))
    2.0
    """
    return 0.5 * fnp.square(_errors("l2_loss", predictions, targets))


def huber_loss(predictions, targets=None, delta=1.0):
    """½·e² for |e| <= `delta`, delta·(|e| − delta/2) beyond, elementwise. float[...] → float[...]

    Raises: ValueError if the shapes differ and neither is a scalar.

    >>> huber_loss(fnp.asarray([0.5, 3.0])).tolist()
    [0.125, 2.5]

    Source: Huber 1964.
    """
    size = fnp.abs(_errors("huber_loss", predictions, targets))
    quadratic = fnp.minimum(size, delta)
    return 0.5 * fnp.square(quadratic) + delta * (size - quadratic)


def log_cosh(predictions, targets=None):
    """log cosh(predictions − targets) without overflow, elementwise. float[...] → float[...]

    Raises: ValueError if the shapes differ and neither is a scalar.

    >>> round(float(log_cosh(1000.0)), 3)
    999.307
    """
    errors = _errors("log_cosh", predictions, targets)
    return fnp.logaddexp(errors, -errors) - math.log(2.0)


def hinge_loss(predictor_outputs, targets):
    """max(0, 1 − predictor_outputs·targets), elementwise, targets ±1. float[...] → float[...]

    Raises: ValueError if the shapes differ and neither is a scalar.

    >>> hinge_loss(fnp.asarray([0.25, 2.0]), fnp.asarray([1.0, 1.0])).tolist()
    [0.75, 0.0]
    """
    outputs, targets = _same_shape("hinge_loss", predictor_outputs, targets)
    return fnp.maximum(0, 1 - outputs * targets)


def kl_divergence(log_predictions, targets, axis=-1, where=None):
    """Σ targets·(log targets − log_predictions) over `axis`; 0·log 0 counts as 0.

    Args:
      log_predictions: float[..., n], log-probabilities.
      targets: float[..., n], probabilities.
      where: bool, broadcast against the targets: the classes that take part.
    Returns: float[...]
    Raises: ValueError if the shapes differ.

    >>> p = fnp.asarray([0.5, 0.5])
    >>> float(kl_divergence(fnp.log(p), p))
    0.0
    """
    log_predictions, targets = _same_shape("kl_divergence", log_predictions, targets)
    # log of 1 where the target is 0: its derivative stays finite.
    log_targets = fnp.log(fnp.where(targets == 0, 1, targets))
    return fnp.sum(targets * (log_targets - log_predictions), axis, where=where)


def cosine_similarity(predictions, targets, axis=-1, epsilon=0.0):
    """Cosine of the angle between predictions and targets along `axis`.

    Args:
      predictions, targets: float[..., n]
      epsilon: least norm divided by; above 0 it keeps zero vectors from giving NaN.
    Returns: float[...] in [−1, 1]
    Raises: ValueError if the shapes differ.

    >>> float(cosine_similarity(fnp.asarray([2.0, 0.0]), fnp.asarray([0.0, 1.0])))
    0.0
    """
    predictions, targets = _same_shape("cosine_similarity", predictions, targets)

    def unit(x):
        # Clipped before the root, whose derivative at 0 is infinite.
        squares = fnp.sum(fnp.square(x), axis, keepdims=True)
        return x / fnp.sqrt(fnp.maximum(squares, epsilon**2) if epsilon else squares)

    return fnp.sum(unit(predictions) * unit(targets), axis)


def cosine_distance(predictions, targets, axis=-1, epsilon=0.0):
    """1 − cosine_similarity. float[..., n], float[..., n] → float[...] in [0, 2]

    >>> float(cosine_distance(fnp.asarray([1.0, 0.0]), fnp.asarray([2.0, 0.0])))
    0.0
    """
    return 1.0 - cosine_similarity(predictions, targets, axis, epsilon)

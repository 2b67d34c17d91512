"""What runs along an axis: softmax and its kin, standardisation, one-hot vectors.

Names, numbers and gradients of jax.nn. In: an array of any shape, an axis (or several), and
where it makes sense a mask `where` of the elements that take part. Beside `functions`,
which holds what works on each element alone.
"""

from functools import partial

from .. import lax
from .. import numpy as fnp
from ..core.errors import ArgumentError, DTypeError
from ..numpy.promotion import promote_dtypes
from ..scipy.special import logsumexp
from ..transforms.custom import custom_jvp

__all__ = [
    *("log_softmax", "logmeanexp", "logsumexp", "one_hot", "softmax", "standardize"),
]


def floating(x):
    """`x` as an array of real or complex numbers."""
    return promote_dtypes("nn", fnp.asarray(x), inexact=True)[0]


def logmeanexp(x, axis=None, where=None, keepdims=False):
    """log of the mean of eˣ. x: float[...] → float[...] less the reduced axes

    >>> float(logmeanexp(fnp.asarray([3.0, 3.0])))
    3.0
    """
    total = logsumexp(x, axis, keepdims=keepdims, where=where)
    ones = fnp.ones_like(x, dtype=total.dtype)
    return total - fnp.log(fnp.sum(ones, axis, keepdims=keepdims, where=where))


def softmax(x, axis=-1, where=None):
    """eˣ / Σ eˣ along `axis`: non-negative, summing to 1. x: float[...] → float[...]

    Args:
      axis: axis, tuple of axes or None for all.
      where: bool, broadcast against `x`: the elements that take part; the others become 0.

    >>> softmax(fnp.asarray([0.0, 0.0])).tolist()
    [0.5, 0.5]
    """
    x = floating(x)
    if where is None:
        return _softmax(x, axis)
    return fnp.where(where, _softmax(fnp.where(where, x, -fnp.inf), axis), 0)


@partial(custom_jvp, nondiff_argnums=(1,))
def _softmax(x, axis):
    terms = fnp.exp(x - fnp.max(x, axis, keepdims=True, initial=-fnp.inf))
    return terms / fnp.sum(terms, axis, keepdims=True)


@_softmax.defjvp
def _softmax_jvp(axis, primals, tangents):
    # By hand, so that the backward pass needs the result alone and not its two factors.
    (x,), (x_dot,) = primals, tangents
    y = _softmax(x, axis)
    return y, y * (x_dot - fnp.sum(y * x_dot, axis, keepdims=True))


def log_softmax(x, axis=-1, where=None):
    """log(softmax(x)), exact also where softmax underflows. x: float[...] → float[...]

    Args: as for `softmax`; elements that take no part become −inf.

    >>> log_softmax(fnp.asarray([0.0, -1000.0])).tolist()
    [0.0, -1000.0]
    """
    x = floating(x)
    if where is not None:
        x = fnp.where(where, x, -fnp.inf)
    shifted = x - lax.stop_gradient(fnp.max(x, axis, keepdims=True, initial=-fnp.inf))
    total = fnp.sum(fnp.exp(shifted), axis, keepdims=True, where=where)
    out = shifted - fnp.log(total)
    return out if where is None else fnp.where(where, out, -fnp.inf)


def standardize(
    x, axis=-1, mean=None, variance=None, epsilon=1e-5, where=None, *, algorithm="fast"
):
    """(x − mean)/√(variance + `epsilon`) along `axis`. x: float[...] → float[...]

    Args:
      axis: axis, tuple of axes or None for all.
      mean, variance: taken from `x` if None.
      where: bool, broadcast against `x`: the elements mean and variance are taken over.
      algorithm: "fast" for E[x²] − E[x]², JAX's default, which loses digits when the mean is
        much larger than the spread; "stable" for E[(x − E[x])²].
    Raises: ValueError for another algorithm.

    >>> standardize(fnp.asarray([-2.0, 2.0]), epsilon=0.0).tolist()
    [-1.0, 1.0]
    """
    if algorithm not in ("fast", "stable"):
        raise ArgumentError(
            f"standardize: expected algorithm 'fast' or 'stable', got {algorithm!r}"
        )
    x = floating(x)
    if mean is None:
        mean = fnp.mean(x, axis, keepdims=True, where=where)
    if variance is None and algorithm == "stable":
        variance = fnp.mean(fnp.square(x - mean), axis, keepdims=True, where=where)
    elif variance is None:
        squares = fnp.mean(fnp.square(x), axis, keepdims=True, where=where)
        variance = fnp.clip(squares - fnp.square(mean), 0)  # rounding may leave it below 0
    return (x - mean) * lax.rsqrt(variance + epsilon)


def one_hot(x, num_classes, *, dtype=None, axis=-1):
    """Indices as unit vectors; an index out of range gives zeros. x: int[...] → dtype[..., n]

    Args:
      num_classes: n, the length of each vector.
      dtype: of the result; the default float dtype if None.
      axis: where the new axis goes.
    Raises: TypeError if `x` is not of integers.

    >>> one_hot(fnp.asarray([0, 2]), 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    x = fnp.asarray(x)
    if not fnp.issubdtype(x.dtype, fnp.integer):
        raise DTypeError(
            f"one_hot: expected integer indices, got dtype {x.dtype}; use x.astype(int)"
        )
    axis = axis + x.ndim + 1 if axis < 0 else axis
    classes = fnp.arange(num_classes, dtype=x.dtype)
    classes = fnp.expand_dims(classes, [i for i in range(x.ndim + 1) if i != axis])
    dtype = fnp.result_type(float) if dtype is None else dtype
    return (fnp.expand_dims(x, axis) == classes).astype(dtype)

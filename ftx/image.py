"""ftx.image: images of another size, with the filters and conventions of jax.image.

In: an array, of which any axes may be those of an image.  Out: an array of the new shape.
Pixels are squares: pixel i has its centre at i + 1/2.  An axis is resampled by a matrix of weights.
Must not know: colours, files.
"""

import enum

import numpy as np

from .core.errors import ArgumentError, InputShapeError, UnsupportedError
from .lax import Precision
from .numpy import (
    abs,
    arange,
    einsum,
    logical_and,
    maximum,
    minimum,
    pi,
    result_type,
    sin,
    sum,
    take,
    where,
    zeros,
)
from .numpy.promotion import asarray, axis_index, promote_dtypes

__all__ = ["ResizeMethod", "resize", "scale_and_translate"]

NOTHING = 1000 * float(np.finfo(np.float32).eps)
"""Weights of a pixel that sum to less are taken for none at all."""


class ResizeMethod(enum.Enum):
    """The filter that reads between pixels."""

    NEAREST = 0
    LINEAR = 1
    LANCZOS3 = 2
    LANCZOS5 = 3
    CUBIC = 4
    CUBIC_PYTORCH = 5
    AREA = 6

    @staticmethod
    def from_string(s):
        """The method of a name, such as 'bilinear'.

        >>> ResizeMethod.from_string("bicubic").name
        'CUBIC'
        """
        if s not in _NAMES:
            raise ArgumentError(f"ResizeMethod: expected one of {sorted(_NAMES)}, got {s!r}")
        return _NAMES[s]


_NAMES = {
    "nearest": ResizeMethod.NEAREST,
    **dict.fromkeys(("linear", "bilinear", "trilinear", "triangle"), ResizeMethod.LINEAR),
    "lanczos3": ResizeMethod.LANCZOS3,
    "lanczos5": ResizeMethod.LANCZOS5,
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), ResizeMethod.CUBIC),
    **dict.fromkeys(("cubic-pytorch", "bicubic-pytorch"), ResizeMethod.CUBIC_PYTORCH),
    "area": ResizeMethod.AREA,
}


def _triangle(x):
    return maximum(0, 1 - x)


def _lanczos(radius, x):
    """Source: Lanczos, "Applied Analysis" (1956): sinc(x) sinc(x / radius)."""
    top = radius * sin(pi * x) * sin(pi * x / radius)
    near = x > 1e-3
    return where(x > radius, 0.0, where(near, top / where(near, pi**2 * x**2, 1), 1))


def _cubic(a, x):
    """Source: Keys, "Cubic convolution interpolation for digital image processing" (1981)."""
    inner = ((a + 2) * x - (a + 3)) * x * x + 1
    outer = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return where(x >= 2, 0.0, where(x >= 1, outer, inner))


_FILTERS = {
    ResizeMethod.LINEAR: (1, _triangle),
    ResizeMethod.LANCZOS3: (3, lambda x: _lanczos(3.0, x)),
    ResizeMethod.LANCZOS5: (5, lambda x: _lanczos(5.0, x)),
    ResizeMethod.CUBIC: (2, lambda x: _cubic(-0.5, x)),
    ResizeMethod.CUBIC_PYTORCH: (2, lambda x: _cubic(-0.75, x)),
}
"""How far a filter reaches, in pixels, and its weight at a distance."""


def _overlaps(m, n, scale, translation, dtype):
    """How much of input pixel i (rows) lies in output pixel j (columns)."""
    left = arange(n, dtype=dtype) / scale - translation / scale
    first = arange(m, dtype=dtype)[:, None]
    shared = minimum(left + 1 / scale, first + 1) - maximum(left, first)
    return maximum(0.0, shared)


def _filtered(m, sample, scale, method, antialias, padded):
    """Weights of m input pixels (rows) for outputs that read at `sample` (columns)."""
    radius, weight = _FILTERS[method]
    stretch = maximum(1 / scale, 1.0) if antialias else 1.0
    beyond = radius if padded else 0
    places = arange(-beyond, m + beyond, dtype=sample.dtype)[:, None]
    weights = weight(abs(sample - places) / stretch)
    if not padded:
        return weights
    rows = np.clip(np.arange(-beyond, m + beyond), 0, m - 1)
    return zeros((m, sample.shape[0]), sample.dtype).at[rows].add(weights)


def _weights(m, n, scale, translation, method, antialias, padded):
    """float[m, n]: each output pixel (column) as a mean of input pixels."""
    dtype = result_type(scale, translation)
    sample = (arange(n, dtype=dtype) + 0.5) / scale - translation / scale - 0.5
    if method is ResizeMethod.AREA:
        weights = _overlaps(m, n, scale, translation, dtype)
    else:
        weights = _filtered(m, sample, scale, method, antialias, padded)
    total = sum(weights, 0, keepdims=True)
    enough = abs(total) > NOTHING
    weights = where(enough, weights / where(enough, total, 1), 0)
    if padded:
        return weights
    inside = logical_and(sample >= -0.5, sample <= m - 0.5)
    return where(inside, weights, 0)


def _resampled(x, shape, axes, scale, translation, method, antialias, precision):
    padded = method is ResizeMethod.CUBIC_PYTORCH and not antialias
    if method is ResizeMethod.CUBIC_PYTORCH and antialias:
        method = ResizeMethod.CUBIC
    read = list(range(x.ndim))
    operands, write = [x, read], list(read)
    for i, axis in enumerate(axes):
        w = _weights(
            x.shape[axis], shape[axis], scale[i], translation[i], method, antialias, padded
        )
        operands += [w.astype(x.dtype), [axis, x.ndim + i]]
        write[axis] = x.ndim + i
    return einsum(*operands, write, precision=precision)


def _nearest(x, shape):
    for axis, (m, n) in enumerate(zip(x.shape, shape, strict=True)):
        if m != n:
            place = np.floor((np.arange(n, dtype=np.float32) + np.float32(0.5)) * m / n)
            x = take(x, place.astype(np.int32), axis, mode="clip")
    return x


def _arguments(name, image, shape, method):
    x = asarray(image)
    shape = tuple(int(n) for n in shape)
    if len(shape) != x.ndim:
        raise InputShapeError(
            f"{name}: expected a shape of {x.ndim} sizes for {x.aval}, got {shape}; sizes that "
            "stay are part of it"
        )
    return x, shape, ResizeMethod.from_string(method) if isinstance(method, str) else method


def resize(image, shape, method, antialias=True, precision=Precision.HIGHEST):
    """The image in another size.

    Args:
      image: number[...]; every axis may change, those of batches and colours keep their size.
      shape: the sizes of all axes of the result.
      method: a `ResizeMethod` or its name: "nearest", "linear", "cubic", "cubic-pytorch",
        "lanczos3", "lanczos5", "area" and the like.
      antialias: where the image becomes smaller, widen the filter accordingly.
      precision: as for `ftx.numpy.einsum`; products are always computed fully.
    Returns: float[shape]; "nearest" keeps the dtype.
    Raises: InputShapeError for another number of sizes; ArgumentError for an unknown method.

    >>> resize(asarray([[0.0, 1.0]]), (1, 4), "linear").tolist()
    [[0.0, 0.25, 0.75, 1.0]]
    """
    x, shape, method = _arguments("resize", image, shape, method)
    if method is ResizeMethod.NEAREST:
        return _nearest(x, shape)
    (x,) = promote_dtypes("resize", x, inexact=True)
    axes = [a for a, (m, n) in enumerate(zip(x.shape, shape, strict=True)) if m != n]
    if not axes:
        return x
    ratios = [shape[a] / x.shape[a] if shape[a] and x.shape[a] else 1.0 for a in axes]
    scale = asarray(ratios, np.float64 if x.dtype.itemsize == 8 else np.float32)
    return _resampled(x, shape, axes, scale, scale * 0, method, antialias, precision)


def scale_and_translate(
    image,
    shape,
    spatial_dims,
    scale,
    translation,
    method,
    antialias=True,
    precision=Precision.HIGHEST,
):
    """The image stretched by `scale`, then moved by `translation`, seen in a window of `shape`.

    The pixel at y comes to y * scale + translation, where pixel i has its centre at i + 1/2;
    what would lie outside the image is 0.

    Args:
      image: number[...].
      shape: the sizes of all axes of the result.
      spatial_dims: the k axes that are resampled; the others keep their size.
      scale, translation: float[k], differentiable.
      method: as for `resize`, but not "nearest".
      antialias: where the image becomes smaller, widen the filter accordingly.
      precision: as for `resize`.
    Returns: float[shape].
    Raises: InputShapeError for another number of sizes or of scales; UnsupportedError for the
      method "nearest".

    >>> x = asarray([1.0, 2.0, 3.0])
    >>> scale_and_translate(x, (3,), (0,), asarray([1.0]), asarray([1.0]), "linear").tolist()
    [0.0, 1.0, 2.0]
    """
    x, shape, method = _arguments("scale_and_translate", image, shape, method)
    if method is ResizeMethod.NEAREST:
        raise UnsupportedError(
            "scale_and_translate: expected an interpolating method, got nearest; use 'linear', or "
            "resize"
        )
    (x,) = promote_dtypes("scale_and_translate", x, inexact=True)
    scale, translation = promote_dtypes("scale_and_translate", scale, translation, inexact=True)
    axes = [axis_index("scale_and_translate", a, x.ndim) for a in spatial_dims]
    if scale.shape != (len(axes),) or translation.shape != (len(axes),):
        raise InputShapeError(
            f"scale_and_translate: expected scale and translation of shape ({len(axes)},), one per "
            f"spatial axis, got {scale.aval} and {translation.aval}"
        )
    if not axes:
        return x
    return _resampled(x, shape, axes, scale, translation, method, antialias, precision)

"""Trends taken out of a signal.

In: samples along an axis.  Out: what is left of them.
Must not know: spectra.
"""

import numpy as np

from ...core.errors import ArgumentError, UnsupportedError
from ...numpy import concatenate, mean, moveaxis
from ...numpy.promotion import asarray, axis_index, promote_dtypes

__all__ = ["detrend"]


def detrend(data, axis=-1, type="linear", bp=0, overwrite_data=None):
    """The data less the line, or the mean, that fits them best.

    Args:
      data: number[..., n, ...].
      axis: the axis of the samples.
      type: "linear" a line; "constant" the mean.
      bp: places at which a new line begins; known integers in 0..n.
      overwrite_data: None; arrays are immutable.
    Returns: float[..., n, ...].
    Raises: ArgumentError for another type or a place outside; UnsupportedError to overwrite.

    >>> [round(v, 4) + 0.0 for v in detrend(asarray([1.0, 2.0, 4.0])).tolist()]
    [0.1667, -0.3333, 0.1667]
    """
    if overwrite_data is not None:
        raise UnsupportedError(
            f"detrend: expected overwrite_data=None, since arrays are immutable, got "
            f"{overwrite_data!r}; use the result"
        )
    if type not in ("constant", "linear"):
        raise ArgumentError(f"detrend: expected type 'linear' or 'constant', got {type!r}")
    (x,) = promote_dtypes("detrend", asarray(data), inexact=True)
    axis = axis_index("detrend", axis, x.ndim)
    if type == "constant":
        return x - mean(x, axis, keepdims=True)
    n = x.shape[axis]
    breaks = sorted({0, n, *(int(b) for b in np.atleast_1d(bp))})
    if breaks[0] < 0 or breaks[-1] > n:
        raise ArgumentError(f"detrend: expected places in 0..{n}, got {bp}")
    moved = moveaxis(x, axis, -1)
    parts = [_without_line(moved[..., a:b]) for a, b in zip(breaks[:-1], breaks[1:], strict=True)]
    return moveaxis(concatenate(parts, -1), -1, axis)


def _without_line(x):
    """Least squares in closed form: time, centred, is orthogonal to the mean."""
    n = x.shape[-1]
    time = np.arange(n) - (n - 1) / 2
    power = float((time**2).sum())
    left = x - mean(x, -1, keepdims=True)
    if not power:
        return left
    line = asarray(time, left.real.dtype)
    slope = (left * line).sum(-1, keepdims=True) / power
    return left - slope * line

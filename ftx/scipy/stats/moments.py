"""Statistics of samples: the standard error of a mean, the most frequent value.

Must not know: distributions.
"""

from typing import Any, NamedTuple

from ...core.errors import UnsupportedError
from ...numpy import (
    arange,
    argmax,
    asarray,
    concatenate,
    expand_dims,
    maximum,
    moveaxis,
    ones_like,
    ravel,
    sort,
    sqrt,
    std,
    take_along_axis,
    where,
)
from ...numpy.promotion import axis_index

__all__ = ["mode", "sem"]


def _only_propagate(name, nan_policy):
    if nan_policy != "propagate":
        raise UnsupportedError(
            f"{name}: expected nan_policy='propagate', got {nan_policy!r}; mask NaNs first"
        )


def sem(a, axis=0, ddof=1, nan_policy="propagate", *, keepdims=False):
    """Standard error of the mean: the standard deviation over the root of the number of samples.

    Args:
      a: number[...].
      axis: the axis of the samples; None for all elements.
      ddof: what the number of samples is lessened by in the variance.
      nan_policy: "propagate".
      keepdims: keep the axis with size 1.
    Returns: float[...]. Raises: UnsupportedError for another nan_policy.

    >>> float(sem(asarray([1.0, 3.0])))
    1.0
    """
    _only_propagate("sem", nan_policy)
    x = asarray(a)
    x, axis = (ravel(x), 0) if axis is None else (x, axis)
    return std(x, axis, ddof=ddof, keepdims=keepdims) / sqrt(float(x.shape[axis]))


class ModeResult(NamedTuple):
    """The most frequent value, and how often it stands there."""

    mode: Any
    count: Any


def mode(a, axis=0, nan_policy="propagate", keepdims=False):
    """The most frequent value along an axis, the smallest of several, and how often it is there.

    Args:
      a: number[...].
      axis: the axis; None for all elements.
      nan_policy: "propagate".
      keepdims: keep the axis with size 1.
    Returns: ModeResult(mode, count). Raises: UnsupportedError for another nan_policy.

    >>> [v.tolist() for v in mode(asarray([3, 1, 3, 2]))]
    [3, 2]
    """
    _only_propagate("mode", nan_policy)
    x = asarray(a)
    rank = x.ndim
    x, at = (ravel(x), 0) if axis is None else (x, axis_index("mode", axis, rank))
    ordered = sort(moveaxis(x, at, -1), -1)
    counts = _run_lengths(ordered)
    best = argmax(counts, -1)[..., None]
    values = _at(ordered, best), _at(counts, best)
    if keepdims:
        axes = tuple(range(rank)) if axis is None else at
        values = tuple(expand_dims(v, axes) for v in values)
    return ModeResult(*values)


def _run_lengths(ordered):
    """For each element along the last axis, how many equal ones end with it."""
    place = arange(ordered.shape[-1])
    one, before = ordered[..., 1:], ordered[..., :-1]
    differs = (one != before) & ((one == one) | (before == before))  # NaNs count as equal
    new = concatenate([ones_like(ordered[..., :1], bool), differs], -1)
    return place - maximum.accumulate(where(new, place, 0), -1) + 1


def _at(x, place):
    return take_along_axis(x, place, -1)[..., 0]

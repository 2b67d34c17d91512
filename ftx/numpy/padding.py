"""`pad`: elements put before and after an array along each axis.

In: arrays, widths, what to put there.  Out: larger arrays.
Must not know: compiled programs.
"""

from typing import Any

import numpy as np

from ..core.errors import ArgumentError, ShapeError, UnsupportedError
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from . import creation, joining, ordering, polynomials, reductions, shapes
from . import elementwise as U
from .promotion import asarray, broadcast_value, cast, operand

__all__ = ["pad"]


def pad(array, pad_width, mode="constant", **kwargs):
    """`array` with elements put before and after it along each axis.

    Args:
      pad_width: number, (before, after), one pair for each axis, or a dict of axes.
      mode: 'constant' with constant_values=; 'linear_ramp' to end_values=; 'edge', 'wrap', 'empty';
        'reflect' and 'symmetric' with reflect_type='even' or 'odd'; 'maximum', 'minimum', 'mean'
        and 'median' over whole axes or stat_length= elements from either end; or a function of
        (padded line, (before, after), axis, keyword arguments) that returns the line.
    Raises: UnsupportedError for other modes and arguments.

    >>> pad(asarray([1, 2]), 1).tolist()
    [0, 1, 2, 0]
    """
    x = operand("pad", asarray(array))
    widths = _pairs("pad", pad_width, x.ndim)
    if callable(mode):
        return _by_function(x, widths, mode, kwargs)
    if mode not in _MODES or set(kwargs) - {_OPTIONS.get(mode)}:
        raise UnsupportedError(
            f"pad: expected a mode among {sorted(_MODES)} with its arguments, or a function, got "
            f"mode={mode!r} with {sorted(kwargs)}"
        )
    return _MODES[mode](x, widths, mode, *kwargs.values())


def _constant(x, widths, mode, values=0):
    return _pad_constant(x, widths, _value_pairs(values, x.ndim))


def _by_place(x, widths, mode, reflect_type="even"):
    """Copies of elements; an odd reflection continues the line instead of turning it."""
    if reflect_type not in ("even", "odd"):
        raise ArgumentError(f"pad: expected reflect_type 'even' or 'odd', got {reflect_type!r}")
    for axis, (low, high) in enumerate(widths):
        if reflect_type == "odd":
            x = _turned_over(x, axis, low, high, mode == "symmetric")
        elif low or high:
            x = joining.pick(x, np.pad(np.arange(x.shape[axis]), (low, high), mode=mode), axis)
    return x


def _turned_over(x, axis, low, high, with_edge):
    n, skip = x.shape[axis], 0 if with_edge else 1
    if max(low, high) > n - skip:
        raise UnsupportedError(
            f"pad: expected widths of at most {n - skip} for reflect_type='odd', got "
            f"({low}, {high}); pad in steps"
        )
    twice = lambda edge, part: U.subtract(U.multiply(2, edge), shapes.flip(part, axis))
    cut = lambda a, b: S.slice_axis(x, axis, a, b)
    before = twice(cut(0, 1), cut(skip, skip + low))
    after = twice(cut(n - 1, n), cut(n - skip - high, n - skip))
    return S.concatenate([before, x, after], axis)


def _ramp(x, widths, mode, end_values=0):
    for axis, ((low, high), ends) in enumerate(
        zip(widths, _value_pairs(end_values, x.ndim), strict=True)
    ):
        n = x.shape[axis]
        before = _steps(x, S.slice_axis(x, axis, 0, 1), ends[0], low, axis)
        after = _steps(x, S.slice_axis(x, axis, n - 1, n), ends[1], high, axis)
        x = S.concatenate([before, x, shapes.flip(after, axis)], axis)
    return x


def _steps(x, edge, end, count, axis):
    """`count` numbers from `end` to before `edge`."""
    places = creation.arange(count).reshape((-1,) + (1,) * (x.ndim - axis - 1))
    step = U.divide(U.subtract(edge, end), max(count, 1))
    found = U.add(end, U.multiply(step, places))
    exact = x.dtype.kind in "biu"
    return C.convert(U.floor(found) if exact else found, x.dtype)


def _median(x, axis, keepdims):
    ordered, n = ordering.sort(x, axis), x.shape[axis]
    middle = S.slice_axis(ordered, axis, (n - 1) // 2, n // 2 + 1)
    return reductions.mean(middle, axis, keepdims=keepdims)


def _statistic(x, widths, mode, stat_length=None):
    fold = _STATISTICS[mode]
    lengths = [(None, None)] * x.ndim
    if stat_length is not None:
        lengths = _pairs("pad", stat_length, x.ndim)
    for axis, ((low, high), (left, right)) in enumerate(zip(widths, lengths, strict=True)):
        n = x.shape[axis]
        if not n or left == 0 or right == 0:
            raise ArgumentError(f"pad: expected elements for mode {mode!r}, got none of {x.aval}")
        first = S.slice_axis(x, axis, 0, n if left is None else min(left, n))
        last = S.slice_axis(x, axis, 0 if right is None else max(n - right, 0), n)
        edges = [fold(part, axis, keepdims=True) for part in (first, last)]
        if x.dtype.kind in "biu":
            edges = [U.rint(e) for e in edges]
        sizes = [(*x.shape[:axis], k, *x.shape[axis + 1 :]) for k in (low, high)]
        before, after = (
            broadcast_value(C.convert(e, x.dtype), s) for e, s in zip(edges, sizes, strict=True)
        )
        x = S.concatenate([before, x, after], axis)
    return x


def _by_function(x, widths, function, kwargs):
    x = _pad_constant(x, widths, [(0, 0)] * x.ndim)
    for axis, pair in enumerate(widths):
        line = lambda v, pair=pair, axis=axis: function(v, pair, axis, kwargs)
        x = polynomials.apply_along_axis(line, axis, x)
    return x


_STATISTICS: dict[str, Any] = {
    "maximum": reductions.max, "minimum": reductions.min, "mean": reductions.mean,
    "median": _median,
}  # fmt: skip
_MODES = {
    **dict.fromkeys(("constant", "empty"), _constant), "linear_ramp": _ramp,
    **dict.fromkeys(("edge", "reflect", "symmetric", "wrap"), _by_place),
    **dict.fromkeys(_STATISTICS, _statistic),
}  # fmt: skip
_OPTIONS = {
    "constant": "constant_values", "linear_ramp": "end_values",
    **dict.fromkeys(("reflect", "symmetric"), "reflect_type"),
    **dict.fromkeys(_STATISTICS, "stat_length"),
}  # fmt: skip


def _pairs(name, widths, ndim):
    if isinstance(widths, dict):
        full = [(0, 0)] * ndim
        for axis, pair in widths.items():
            full[axis] = pair if isinstance(pair, (tuple, list)) else (pair, pair)
        widths = full
    try:
        found = np.broadcast_to(np.asarray(widths), (ndim, 2)) if ndim else np.zeros((0, 2), int)
    except ValueError:
        raise ShapeError(
            f"{name}: expected a pair of widths for each of {ndim} axes, got {widths}"
        ) from None
    if found.dtype.kind not in "iu" or (found < 0).any():
        raise ArgumentError(f"{name}: expected widths of at least 0, got {widths}")
    return [(int(a), int(b)) for a, b in found]


def _value_pairs(values, ndim):
    if isinstance(values, (tuple, list)):
        if all(isinstance(v, (tuple, list)) for v in values):
            values = list(values) * (ndim if len(values) == 1 else 1)
            return [tuple(v) * (2 if len(v) == 1 else 1) for v in values]
        return [tuple(values) * (2 if len(values) == 1 else 1)] * ndim
    return [(values, values)] * ndim


def _pad_constant(x, widths, values):
    fill = lambda v: S.reshape(cast(v if type(v) is float else operand("pad", v), x.dtype), ())
    first = values[0][0] if values else 0
    if all(v is first or (type(v) is type(first) and v == first) for p in values for v in p):
        return S.pad(x, fill(first), [(a, b, 0) for a, b in widths])
    for axis, ((low, high), (before, after)) in enumerate(zip(widths, values, strict=True)):
        none = [(0, 0, 0)] * x.ndim
        x = S.pad(x, fill(before), [*none[:axis], (low, 0, 0), *none[axis + 1 :]])
        x = S.pad(x, fill(after), [*none[:axis], (0, high, 0), *none[axis + 1 :]])
    return x

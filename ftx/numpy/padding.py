"""Elements put around an array: `pad` and its modes.

In: an array, widths known while tracing.  Out: an array of larger axes.
Must not know: NumPy values; everything here traces.
"""

import operator

import numpy as np

from ..core import dtypes
from ..core.errors import ArgumentError, ShapeError, UnsupportedError
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from . import elementwise as U
from .creation import linspace
from .joining import pick
from .polynomials import apply_along_axis
from .promotion import as_type, asarray, broadcast_value, cast, operand
from .statistics import median

__all__ = ["pad"]

_OPTIONS = {
    "constant": {"constant_values": 0},
    "empty": {},
    "edge": {},
    "wrap": {},
    "linear_ramp": {"end_values": 0},
    "reflect": {"reflect_type": "even"},
    "symmetric": {"reflect_type": "even"},
    **dict.fromkeys(("maximum", "mean", "median", "minimum"), {"stat_length": None}),
}
"""The keyword of each mode, with its default."""


def pad(array, pad_width, mode="constant", **kwargs):
    """`array` with elements put before and after it along each axis.

    Args:
      pad_width: number, (before, after), one pair for each axis, or a dict of these by axis.
      mode: 'constant' (constant_values=0); 'linear_ramp' from the edge to end_values=0; 'edge';
        'wrap'; 'reflect' and 'symmetric', where reflect_type='odd' continues the slope; 'maximum',
        'mean', 'median' and 'minimum' of the stat_length= elements at either end, by default all;
        'empty' (zeros); or a function (vector, widths, axis, kwargs) -> vector.
    Raises: NotImplementedError for another mode; ArgumentError for another keyword; ShapeError
      for widths that fit no axes.

    >>> pad(asarray([1, 2]), 1).tolist()
    [0, 1, 2, 0]
    >>> pad(asarray([1, 2, 4]), (0, 2), "reflect", reflect_type="odd").tolist()
    [1, 2, 4, 6, 7]
    """
    x = operand("pad", asarray(array))
    widths = _pairs("pad", pad_width, x.ndim)
    if callable(mode):
        x = _pad_constant(x, widths, _value_pairs(0, x.ndim))
        for axis, pair in enumerate(widths):
            x = apply_along_axis(mode, axis, x, pair, axis, kwargs)
        return x
    if mode not in _OPTIONS:
        raise UnsupportedError(f"pad: expected a mode among {', '.join(_OPTIONS)}, got {mode!r}")
    if set(kwargs) - set(_OPTIONS[mode]):
        known = ", ".join(_OPTIONS[mode]) or "no keywords"
        raise ArgumentError(f"pad: expected {known} for mode {mode!r}, got {sorted(kwargs)}")
    (option,) = ({**_OPTIONS[mode], **kwargs}).values() or (None,)
    if mode in ("constant", "empty"):
        return _pad_constant(x, widths, _value_pairs(0 if option is None else option, x.ndim))
    if mode in ("edge", "wrap") or option == "even":
        return _pad_by_index(x, widths, mode)
    if mode == "linear_ramp":
        return _pad_ramp(x, widths, _value_pairs(option, x.ndim))
    if mode in ("reflect", "symmetric"):
        if option != "odd":
            raise ArgumentError(f"pad: expected reflect_type 'even' or 'odd', got {option!r}")
        return _pad_odd(x, widths, mode)
    return _pad_statistic(x, widths, _STATISTICS[mode], _value_pairs(option, x.ndim))


def _mean(x, axis):
    wide = x if dtypes.is_inexact(x.dtype) else C.convert(x, dtypes.float32)
    total = R.reduce_sum(wide, (axis,))
    return U.divide(total, x.shape[axis])


_STATISTICS = {
    "maximum": lambda x, axis: R.reduce_max(x, (axis,)),
    "minimum": lambda x, axis: R.reduce_min(x, (axis,)),
    "mean": _mean,
    "median": median,
}


def _pad_by_index(x, widths, mode):
    for axis, (low, high) in enumerate(widths):
        if low or high:
            x = pick(x, np.pad(np.arange(x.shape[axis]), (low, high), mode=mode), axis)
    return x


def _pad_ramp(x, widths, ends):
    for axis, ((low, high), (first, last)) in enumerate(zip(widths, ends, strict=True)):
        n = x.shape[axis]
        options = {"endpoint": False, "dtype": x.dtype, "axis": axis}
        edges = [S.reshape(S.slice_axis(x, axis, i, i + 1), _less(x, axis)) for i in (0, n - 1)]
        before = linspace(first, edges[0], low, **options)
        after = S.rev(linspace(last, edges[1], high, **options), (axis,))
        x = S.concatenate([before, x, after], axis)
    return x


def _less(x, axis):
    return (*x.shape[:axis], *x.shape[axis + 1 :])


def _pad_odd(x, widths, mode):
    """Reflected through the point at the edge, again and again if wider than the array."""
    for axis, (low, high) in enumerate(widths):
        reach = max(1, x.shape[axis] - (mode == "reflect"))
        skip = 1 if mode == "reflect" and x.shape[axis] > 1 else 0
        x = S.rev(_continued(S.rev(x, (axis,)), axis, low, reach, skip), (axis,))
        x = _continued(x, axis, high, reach, skip)
    return x


def _continued(x, axis, width, reach, skip):
    """x with `width` elements after it, at most `reach` at a time, the last `skip` not repeated."""
    while width > 0:
        n, step = x.shape[axis], min(width, reach)
        edge = S.slice_axis(x, axis, n - 1, n)
        turned = S.rev(S.slice_axis(x, axis, n - skip - step, n - skip), (axis,))
        x = S.concatenate([x, U.subtract(U.multiply(edge, 2), turned)], axis)
        width -= step
    return x


def _pad_statistic(x, widths, statistic, lengths):
    for axis, (pair, counts) in enumerate(zip(widths, lengths, strict=True)):
        n = x.shape[axis]
        counts = [n if c is None else min(operator.index(c), n) for c in counts]
        if min(counts) < 1:
            raise ArgumentError(f"pad: expected stat_length of at least 1, got {lengths}")
        ends = S.slice_axis(x, axis, 0, counts[0]), S.slice_axis(x, axis, n - counts[1], n)
        before, after = (
            _repeated(x, statistic(part, axis), axis, size)
            for part, size in zip(ends, pair, strict=True)
        )
        x = S.concatenate([before, x, after], axis)
    return x


def _repeated(x, found, axis, size):
    """`found`, rounded if x has integers, `size` times along an axis."""
    if not dtypes.is_inexact(x.dtype) and dtypes.is_inexact(found.dtype):
        found = U.rint(found)
    column = S.expand_dims(cast(found, x.dtype), (axis,))
    return broadcast_value(column, (*x.shape[:axis], size, *x.shape[axis + 1 :]))


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
    fill = lambda v: S.reshape(as_type("pad", v, x.dtype), ())
    first = values[0][0] if values else 0
    if all(v is first or (type(v) is type(first) and v == first) for p in values for v in p):
        return S.pad(x, fill(first), [(a, b, 0) for a, b in widths])
    for axis, ((low, high), (before, after)) in enumerate(zip(widths, values, strict=True)):
        none = [(0, 0, 0)] * x.ndim
        x = S.pad(x, fill(before), [*none[:axis], (low, 0, 0), *none[axis + 1 :]])
        x = S.pad(x, fill(after), [*none[:axis], (0, high, 0), *none[axis + 1 :]])
    return x

"""Order statistics, histograms, covariance, differences, interpolation.

In: arrays.  Out: arrays.
Must not know: how sorting and searching are done.
"""

import builtins
import math
import operator
import string

import numpy as np

from ..core import dtypes
from ..core.array import Array
from ..core.errors import ArgumentError, EmptyArrayError, ShapeError, UnsupportedError
from ..core.primitives import elementwise as E
from ..core.primitives import indexing as G
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.primitives import sorting
from . import composed as M
from . import creation, indexing, joining, linear_algebra, ordering, reductions, shapes
from . import elementwise as U
from .at_once import SINGLES, at_hand
from .elementwise import constant_like
from .promotion import (
    QUIET,
    asarray,
    axis_index,
    axis_tuple,
    broadcast_value,
    cast,
    number_or_array,
    operand,
    promote_dtypes,
    unsupported,
)
from .result_sizes import as_size

__all__ = [
    *("bincount", "corrcoef", "cov", "diff", "ediff1d", "gradient", "histogram", "histogram2d"),
    "histogramdd",
    *("histogram_bin_edges", "interp", "median", "nanmedian", "nanpercentile", "nanquantile"),
    *("percentile", "quantile", "trapezoid", "unwrap"),
]

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def _rows(name, a, axis, keepdims):
    """The axes flattened into the last one; the shape that keepdims gives."""
    x = promote_dtypes(name, asarray(a), inexact=True)[0]
    axes = axis_tuple(name, axis, x.ndim)
    kept = [i for i in range(x.ndim) if i not in axes]
    rows = S.transpose(x, (*kept, *axes))
    rows = S.reshape(rows, (*[x.shape[i] for i in kept], math.prod(x.shape[i] for i in axes)))
    shape = (
        tuple(1 if i in axes else n for i, n in enumerate(x.shape)) if keepdims else rows.shape[:-1]
    )
    return rows, shape


def _quantile(name, a, q, axis, method, keepdims, skip_nan, whole=1.0):
    """The quantiles at q / whole."""
    if method not in _METHODS:
        raise UnsupportedError(f"{name}: expected a method among {_METHODS}, got {method!r}")
    (x,) = promote_dtypes(name, asarray(a), inexact=True)
    rows, shape = _rows(name, x, axis, keepdims)
    if not rows.shape[-1]:
        raise EmptyArrayError(f"{name}: expected at least one element, got {operand(name, a).aval}")
    q = U.divide(asarray(q, rows.dtype), whole)
    last, n = rows.ndim - 1, rows.shape[-1]
    (ordered,) = sorting.sort([rows], last, 1)
    bad = reductions.any(M.isnan(rows), -1, keepdims=True)
    if skip_nan:
        count = reductions.sum(C.convert(U.logical_not(M.isnan(rows)), rows.dtype), -1)
        bad = U.equal(S.expand_dims(count, (last,)), 0)
    else:
        count = S.full(rows.shape[:-1], n, rows.dtype)
    flat = S.reshape(q, (q.size,))
    out = []
    for i in range(q.size):
        one = S.reshape(S.slice_axis(flat, 0, i, i + 1), ())
        place = U.maximum(U.multiply(one, U.subtract(count, 1)), 0)
        low, high = U.floor(place), U.ceil(place)
        weight = E.sub(place, low)
        at = lambda p: S.reshape(
            indexing.take_along_axis(
                ordered, S.expand_dims(M.clip(C.convert(p, dtypes.int64), 0, n - 1), (last,)), -1,
                mode="promise_in_bounds",
            ), p.shape,
        )  # fmt: skip
        a_low, a_high = at(low), at(high)
        if method == "linear":
            found = E.add(
                E.mul(a_low, E.sub(constant_like(weight, 1), weight)), E.mul(a_high, weight)
            )
        elif method == "midpoint":
            found = E.mul(E.add(a_low, a_high), constant_like(weight, 0.5))
        else:
            up = {"lower": False, "higher": True}.get(method)
            nearer = (
                U.greater(weight, 0.5) if up is None else S.full(weight.shape, up, dtypes.bool_)
            )
            found = C.select(nearer, a_high, a_low)
        found = C.select(S.reshape(bad, found.shape), constant_like(found, math.nan), found)
        out.append(S.reshape(found, shape))
    if q.ndim == 0:
        return out[0]
    if not out:
        return creation.zeros((*q.shape, *shape), rows.dtype)
    return S.reshape(joining.stack(out), (*q.shape, *shape))


def _keep_input(name, overwrite_input):
    if overwrite_input:
        raise UnsupportedError(
            f"{name}: expected overwrite_input=False, since arrays are immutable, got True; "
            "leave it out"
        )


def quantile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *,
    weights=None,
):  # fmt: skip
    """The q-quantile over axes, 0 <= q <= 1. a: real[...]; q: float[...] -> float[q, ...]

    Args:
      method: between two elements: 'linear', 'lower', 'higher', 'midpoint' or 'nearest'.

    >>> quantile(asarray([1.0, 2.0, 3.0]), 0.5).tolist()
    2.0
    """
    _keep_input("quantile", overwrite_input)
    unsupported("quantile", out=out, weights=weights)
    return _quantile("quantile", a, q, axis, method, keepdims, False)


def nanquantile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *,
    weights=None,
):  # fmt: skip
    """As `quantile`, of the elements that are not NaN.

    >>> nanquantile(asarray([1.0, float("nan"), 3.0]), 0.5).tolist()
    2.0
    """
    _keep_input("nanquantile", overwrite_input)
    unsupported("nanquantile", out=out, weights=weights)
    return _quantile("nanquantile", a, q, axis, method, keepdims, True)


def percentile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *,
    weights=None, out_sharding=None,
):  # fmt: skip
    """As `quantile`, with q in percent.

    >>> percentile(asarray([1.0, 2.0, 3.0]), 50).tolist()
    2.0
    """
    _keep_input("percentile", overwrite_input)
    unsupported("percentile", out=out, weights=weights, out_sharding=out_sharding)
    return _quantile("percentile", a, q, axis, method, keepdims, False, 100.0)


def nanpercentile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *,
    weights=None,
):  # fmt: skip
    """As `percentile`, of the elements that are not NaN.

    >>> nanpercentile(asarray([1.0, float("nan"), 3.0]), 50).tolist()
    2.0
    """
    _keep_input("nanpercentile", overwrite_input)
    unsupported("nanpercentile", out=out, weights=weights)
    return _quantile("nanpercentile", a, q, axis, method, keepdims, True, 100.0)


def median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """The middle element over axes, or the mean of the middle two. a: real[...] -> float[...]

    >>> median(asarray([1.0, 5.0, 2.0])).tolist()
    2.0
    """
    _keep_input("median", overwrite_input)
    unsupported("median", out=out)
    return _quantile("median", a, 0.5, axis, "midpoint", keepdims, False)


def nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """The median of the elements that are not NaN.

    >>> nanmedian(asarray([1.0, float("nan"), 3.0])).tolist()
    2.0
    """
    _keep_input("nanmedian", overwrite_input)
    unsupported("nanmedian", out=out)
    return _quantile("nanmedian", a, 0.5, axis, "midpoint", keepdims, True)


def diff(a, n=1, axis=-1, prepend=None, append=None):
    """Differences of neighbours along an axis, n times. a: array[..., m, ...] -> [..., m - n, ...]

    Args:
      prepend, append: values put before and after `a` along the axis.

    >>> diff(asarray([1, 4, 9])).tolist()
    [3, 5]
    """
    x = operand("diff", asarray(a))
    at, n = axis_index("diff", axis, x.ndim), operator.index(n)
    if n < 0:
        raise ArgumentError(f"diff: expected n of at least 0, got {n}")
    if x.ndim == 0:
        raise ShapeError("diff: expected an array with axes, got a scalar")
    if n == 0:
        return x
    parts = []
    for extra, first in ((prepend, True), (append, False)):
        if extra is None:
            continue
        v = promote_dtypes("diff", x, number_or_array(extra))[1]
        if v.ndim == 0:
            v = broadcast_value(v, (*x.shape[:at], 1, *x.shape[at + 1 :]))
        parts.append((v, first))
    row = [v for v, first in parts if first] + [x] + [v for v, first in parts if not first]
    x = joining.concatenate(row, at) if len(row) > 1 else x
    for _ in range(min(n, x.shape[at])):
        size = x.shape[at]
        high, low = S.slice_axis(x, at, 1, size), S.slice_axis(x, at, 0, size - 1)
        x = E.xor(high, low) if x.dtype == dtypes.bool_ else E.sub(high, low)
    return x


def ediff1d(ary, to_end=None, to_begin=None):
    """Differences of neighbours of the flattened array, and numbers before and after: array[m].

    >>> ediff1d(asarray([1, 4, 9])).tolist()
    [3, 5]
    """
    steps = diff(shapes.ravel(asarray(ary)))
    parts = [v for v in (to_begin, steps, to_end) if v is not None]
    return joining.concatenate([shapes.ravel(asarray(p, steps.dtype)) for p in parts])


def gradient(f, *varargs, axis=None, edge_order=None):
    """Central differences along axes (one-sided at the ends): an array per axis, or one.

    Args:
      varargs: distance of neighbours, one for all axes or one for each: a number, or the
        coordinates along the axis.

    >>> gradient(asarray([1.0, 4.0, 9.0])).tolist()
    [3.0, 4.0, 5.0]
    """
    if edge_order not in (None, 1):
        raise UnsupportedError(f"gradient: expected edge_order=1, got {edge_order}")
    given = map(number_or_array, varargs)
    x, *steps = promote_dtypes("gradient", asarray(f), *given, inexact=True)
    axes = axis_tuple("gradient", axis, x.ndim)
    steps = steps * (len(axes) if len(steps) == 1 else 1) or [asarray(1.0)] * len(axes)
    if len(steps) != len(axes):
        raise ShapeError(
            f"gradient: expected a distance for each of {len(axes)} axes, got {len(steps)}"
        )
    if not varargs and at_hand(x) and x.dtype.char in SINGLES and all(x.shape[a] > 1 for a in axes):
        found = [Array(QUIET.run(np.gradient, x._np, axis=a)) for a in axes]
        return found[0] if len(found) == 1 else found
    found = [_gradient(x, a, h) for a, h in zip(axes, steps, strict=True)]
    return found[0] if len(found) == 1 else found


def _gradient(x, axis, step):
    n = x.shape[axis]
    if n < 2:
        raise ShapeError(f"gradient: expected at least 2 elements along axis {axis}, got {x.aval}")
    if step.shape not in ((), (n,)):
        raise ShapeError(
            f"gradient: expected a number or {n} coordinates for axis {axis}, got {step.aval}"
        )
    part = lambda a, b: S.slice_axis(x, axis, a, b)
    first, last = E.sub(part(1, 2), part(0, 1)), E.sub(part(n - 1, n), part(n - 2, n - 1))
    if not step.ndim:
        middle = U.multiply(E.sub(part(2, n), part(0, n - 2)), 0.5)
        return U.divide(S.concatenate([first, middle, last], axis), step)
    column = [1] * x.ndim
    column[axis] = n - 1
    widths = S.reshape(diff(step), tuple(column))
    before, after = S.slice_axis(widths, axis, 0, n - 2), S.slice_axis(widths, axis, 1, n - 1)
    slopes = U.divide(diff(x, axis=axis), widths)
    low, high = S.slice_axis(slopes, axis, 0, n - 2), S.slice_axis(slopes, axis, 1, n - 1)
    # The slope at a point of the parabola through it and its neighbours.
    middle = U.divide(U.add(U.multiply(low, after), U.multiply(high, before)), U.add(before, after))
    ends = S.slice_axis(slopes, axis, 0, 1), S.slice_axis(slopes, axis, n - 2, n - 1)
    return S.concatenate([ends[0], middle, ends[1]], axis)


def trapezoid(y, x=None, dx=1.0, axis=-1):
    """Integral by the trapezoidal rule along an axis, at places x or at distance dx.

    >>> trapezoid(asarray([1.0, 3.0])).tolist()
    2.0
    """
    if x is None:
        (v,) = promote_dtypes("trapezoid", asarray(y), inexact=True)
    else:
        v, place = promote_dtypes("trapezoid", asarray(y), number_or_array(x), inexact=True)
    v = shapes.moveaxis(v, axis, -1)
    n = v.shape[-1]
    if x is not None:
        dx = diff(place if place.ndim == 1 else shapes.moveaxis(place, axis, -1))
    pairs = E.add(S.slice_axis(v, v.ndim - 1, 1, n), S.slice_axis(v, v.ndim - 1, 0, n - 1))
    return U.multiply(0.5, reductions.sum(U.multiply(dx, pairs), -1))


def unwrap(p, discont=None, axis=-1, period=6.283185307179586):
    """Angles with jumps of more than half a period undone along an axis.

    >>> [round(v, 3) for v in unwrap(asarray([0.0, 6.2])).tolist()]
    [0.0, -0.083]
    """
    x, period = promote_dtypes("unwrap", asarray(p), period)
    half = (U.floor_divide if dtypes.is_integer(x.dtype) else U.divide)(period, 2)
    steps = diff(x, axis=axis)
    wrapped = U.subtract(U.remainder(U.add(steps, half), period), half)
    on_edge = U.logical_and(U.equal(wrapped, U.negative(half)), U.greater(steps, 0))
    wrapped = M.choose_between("unwrap", on_edge, half, wrapped)
    move = U.subtract(wrapped, steps)
    small = U.less(U.absolute(steps), half if discont is None else discont)
    move = M.choose_between("unwrap", small, 0, move)
    config = [(0, 0, 0)] * x.ndim
    config[axis_index("unwrap", axis, x.ndim)] = (1, 0, 0)
    moved = cast(reductions.cumsum(move, axis), x.dtype)
    return E.add(x, S.pad(moved, S.full((), 0, x.dtype), config))


def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, dtype=None):
    """Covariances of variables. m: float[variables, observations] -> [variables, variables]

    Args:
      rowvar: False if variables are columns.
      fweights, aweights: how often each observation counts, and how much.

    >>> cov(asarray([[1.0, 3.0], [1.0, 3.0]])).tolist()
    [[2.0, 2.0], [2.0, 2.0]]
    """
    given = [asarray(m)] + ([] if y is None else [asarray(y)])
    values = promote_dtypes("cov", *given, inexact=True)
    if dtype is not None:
        values = [C.convert(v, dtypes.canonical(dtype)) for v in values]
    values = [shapes.atleast_2d(v) for v in values]
    if not rowvar:
        values = [shapes.transpose(v) if v.shape[0] != 1 else v for v in values]
    x = S.concatenate(values, 0)
    n = x.shape[1]
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights = None
    for w in (fweights, aweights):
        if w is not None:
            (_, w) = promote_dtypes("cov", x, asarray(w))
            weights = w if weights is None else U.multiply(weights, w)
    centre, total = reductions.average(x, 1, weights, True)
    total = S.reshape(S.slice_axis(total, 0, 0, 1), ())
    if weights is None:
        divisor = n - ddof
    elif ddof == 0:
        divisor = total
    elif aweights is None:
        divisor = U.subtract(total, ddof)
    else:
        spread = reductions.sum(U.multiply(weights, w))
        divisor = U.subtract(total, U.divide(U.multiply(ddof, spread), total))
    x = U.subtract(x, S.expand_dims(centre, (1,)))
    weighted = x if weights is None else U.multiply(x, weights)
    found = linear_algebra.matmul(x, M.conj(shapes.transpose(weighted)))
    return shapes.squeeze(U.divide(found, divisor))


def corrcoef(x, y=None, rowvar=True, dtype=None):
    """Correlations of variables: float[variables, variables]. Arguments as of `cov`.

    >>> [round(v, 3) for v in corrcoef(asarray([[1.0, 3.0], [2.0, 5.0]]))[0].tolist()]
    [1.0, 1.0]
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return U.divide(c, c)
    scale = U.sqrt(M.real(shapes.diagonal(c)))
    c = U.divide(U.divide(c, S.expand_dims(scale, (1,))), S.expand_dims(scale, (0,)))
    return c if dtypes.is_complex(c.dtype) else M.clip(c, -1, 1)


def bincount(x, weights=None, minlength=0, *, length=None, out_sharding=None):
    """How often each integer from 0 occurs, or the sum of its weights. x: integer[n]

    Args:
      length: size of the result; by default max(x) + 1, or minlength.

    >>> bincount(asarray([0, 2, 2])).tolist()
    [1, 0, 2]
    """
    unsupported("bincount", out_sharding=out_sharding)
    x = operand("bincount", asarray(x))
    if x.ndim != 1 or not (dtypes.is_integer(x.dtype) or x.dtype == dtypes.bool_):
        raise ShapeError(f"bincount: expected integers [n], got {x.aval}")
    x = C.convert(x, dtypes.int64)
    if length is None:
        longest = R.reduce_max(x, (0,)) if x.size else -1
        length = max(as_size("bincount", longest, x) + 1, minlength)
        if weights is None and at_hand(x) and not (x._np < 0).any():
            return Array(np.bincount(x._np, minlength=length).astype(dtypes.default_int()))
    counts = asarray(1 if weights is None else weights)
    counts = broadcast_value(
        counts if weights is not None else C.convert(counts, dtypes.default_int()), x.shape
    )
    x = M.clip(x, 0, None)
    zero = S.full((length,), 0, counts.dtype)
    return G.scatter_add_p.bind(zero, counts, x, spec="a[a],z->z", mode="drop")[0]


def histogram_bin_edges(a, bins=10, range=None, weights=None):
    """Edges [bins + 1] of equal bins over the range of `a`, or `bins` itself if it is an array.

    >>> histogram_bin_edges(asarray([0.0, 1.0]), 2).tolist()
    [0.0, 0.5, 1.0]
    """
    if isinstance(bins, str):
        raise UnsupportedError(
            f"histogram: expected a number or edges as bins, got the rule {bins!r}; compute "
            "the number of bins first"
        )
    given = asarray(bins)
    (x,) = promote_dtypes("histogram", asarray(a), inexact=True)
    if given.ndim:
        return cast(given, x.dtype)
    if range is None:
        low, high = (
            (reductions.min(x), reductions.max(x)) if x.size else (asarray(0.0), asarray(1.0))
        )
    else:
        low, high = (asarray(v, x.dtype) for v in range)
    flat = U.equal(low, high)
    low = M.choose_between("histogram", flat, U.subtract(low, 0.5), low)
    high = M.choose_between("histogram", flat, U.add(high, 0.5), high)
    return creation.linspace(low, high, int(given) + 1, dtype=x.dtype)


def histogram(a, bins=10, range=None, weights=None, density=None):
    """(counts per bin, edges); the last bin includes its upper edge. a: real[...]

    Args:
      bins: number of bins, or edges. weights: like `a`. density: divide by total and width.

    >>> histogram(asarray([0.0, 0.2, 1.0]), 2)[0].tolist()
    [2.0, 1.0]
    """
    given = [asarray(a)] if weights is None else [asarray(a), asarray(weights)]
    x, *rest = promote_dtypes("histogram", *given, inexact=True)
    edges = histogram_bin_edges(x, bins, range, weights)
    x = S.reshape(x, (x.size,))
    w = shapes.ravel(rest[0]) if rest else S.full(x.shape, 1, x.dtype)
    n = edges.shape[0] - 1
    which = _bin_of(x, edges)
    counts = G.scatter_add_p.bind(
        S.full((n,), 0, w.dtype), w, which, spec="a[a],z->z", mode="drop"
    )[0]
    if density:
        counts = U.divide(U.divide(counts, diff(edges)), reductions.sum(counts))
    return counts, edges


def _bin_of(x, edges):
    """Index of the bin of each number; -1 outside."""
    n = edges.shape[0] - 1
    which = U.subtract(ordering.searchsorted(edges, x, "right"), 1)
    top = S.reshape(S.slice_axis(edges, 0, n, n + 1), ())
    which = M.choose_between("histogram", U.equal(x, top), n - 1, which)
    inside = U.logical_and(U.greater_equal(which, 0), U.less(which, n))
    return M.choose_between("histogram", inside, which, -1)


def histogram2d(x, y, bins=10, range=None, weights=None, density=None):
    """(counts per rectangle, edges along x, edges along y). x, y: real[n]

    >>> histogram2d(asarray([0.0, 1.0]), asarray([0.0, 1.0]), 2)[0].tolist()
    [[1, 0], [0, 1]]
    """
    x, y = promote_dtypes("histogram2d", asarray(x), asarray(y), inexact=True)
    pair = list(bins) if isinstance(bins, (tuple, list)) and len(bins) == 2 else [bins, bins]
    counts, edges = _counts("histogram2d", [x, y], pair, range, weights, density)
    return counts, *edges


def histogramdd(sample, bins=10, range=None, weights=None, density=None):
    """(counts per box, [edges along each axis]). sample: real[n, d]

    Args:
      bins: number, or one number or array of edges for each axis.
      range: a pair (or None) for each axis.
      density: divide by the volume of each box and the sum of all.

    >>> histogramdd(asarray([[0.0, 0.0], [1.0, 1.0]]), 2)[0].tolist()
    [[1, 0], [0, 1]]
    """
    (points,) = promote_dtypes("histogramdd", asarray(sample), inexact=True)
    if points.ndim != 2:
        raise ShapeError(f"histogramdd: expected points [n, d], got {points.aval}")
    d = points.shape[1]
    each = list(bins) if isinstance(bins, (tuple, list)) else [bins] * d
    if len(each) != d or (range is not None and len(range) != d):
        raise ArgumentError(f"histogramdd: expected bins and ranges for {d} axes, got {len(each)}")
    columns = [points[:, i] for i in builtins.range(d)]
    return _counts("histogramdd", columns, each, range, weights, density)


def _counts(name, columns, bins, ranges, weights, density):
    ranges = [None] * len(columns) if ranges is None else ranges
    edges = [histogram_bin_edges(v, b, r) for v, b, r in zip(columns, bins, ranges, strict=True)]
    sizes = tuple(e.shape[0] - 1 for e in edges)
    places = [_bin_of(v, e) for v, e in zip(columns, edges, strict=True)]
    kind = columns[0].dtype if density else dtypes.default_int()
    w = S.full(columns[0].shape, 1, kind) if weights is None else asarray(weights)
    axes = string.ascii_lowercase[: len(columns)]
    counts = G.scatter_add_p.bind(
        S.full(sizes, 0, w.dtype), w, *places, spec=f"{axes}[{axes}],z->z", mode="drop"
    )[0]
    if density:
        for i, e in enumerate(edges):
            width = S.broadcast_in_dim(diff(e), sizes, (i,))
            counts = U.divide(counts, width)
        counts = U.divide(counts, reductions.sum(w))
    return counts, edges


def interp(x, xp, fp, left=None, right=None, period=None):
    """Values at x of the polygon through (xp, fp). x: real[...]; xp: real[n], ascending; fp: [n]

    Args:
      left, right: values outside; by default the first and the last of fp; 'extrapolate' to go on
        along the first and the last segment.
      period: of the function; then xp may be in any order.
    With `right` or `period` it gives NumPy's values, from which JAX's differ.

    >>> interp(1.5, asarray([1.0, 2.0]), asarray([10.0, 20.0])).tolist()
    15.0
    """
    for name, side in (("left", left), ("right", right)):
        if isinstance(side, str) and side != "extrapolate":
            raise ArgumentError(
                f"interp: expected a number or 'extrapolate' as {name}, got {side!r}"
            )
    x, xp = promote_dtypes("interp", asarray(x), asarray(xp), inexact=True)
    (fp,) = promote_dtypes("interp", asarray(fp), inexact=True)
    x, xp, fp = promote_dtypes("interp", x, xp, fp)
    if xp.ndim != 1 or xp.shape != fp.shape:
        raise ShapeError(f"interp: expected xp [n] and fp [n], got {xp.aval} and {fp.aval}")
    if period is not None:
        x, xp = U.remainder(x, period), U.remainder(xp, period)
        xp, fp = sorting.sort([xp, fp], 0, 1)
        ends = lambda v: (S.slice_axis(v, 0, v.shape[0] - 1, v.shape[0]), S.slice_axis(v, 0, 0, 1))
        (last, first), (f_last, f_first) = ends(xp), ends(fp)
        xp = S.concatenate(
            [cast(U.subtract(last, period), x.dtype), xp, cast(U.add(first, period), x.dtype)], 0
        )
        fp = S.concatenate([f_last, fp, f_first], 0)
    n = xp.shape[0]
    place = M.clip(ordering.searchsorted(xp, x, "right"), 1, max(n - 1, 1))
    at = lambda v, i: indexing.take(v, M.clip(i, 0, n - 1), mode="promise_in_bounds")
    low, f_low = at(xp, U.subtract(place, 1)), at(fp, U.subtract(place, 1))
    width, rise = E.sub(at(xp, place), low), E.sub(at(fp, place), f_low)
    flat = U.equal(width, 0)
    safe = C.select(flat, constant_like(width, 1), width)
    slope = U.multiply(E.div(E.sub(x, low), safe), rise)
    found = M.choose_between("interp", flat, f_low, U.add(f_low, slope))
    if period is None:
        first, last = (
            S.reshape(S.slice_axis(v, 0, i, i + 1), ()) for v, i in ((xp, 0), (xp, n - 1))
        )
        f_first, f_last = (S.reshape(S.slice_axis(fp, 0, i, i + 1), ()) for i in (0, n - 1))
        for side, outside, edge in (
            (left, U.less(x, first), f_first),
            (right, U.greater(x, last), f_last),
        ):
            if side is None or not isinstance(side, str):
                value = edge if side is None else side
                found = M.choose_between("interp", outside, value, found)
    return found

"""Reductions over axes and running reductions: sum, mean, max, var, any, argmax, cumsum.

In: arrays, axes (None for all), keepdims, where, initial.  Out: arrays without those axes.
Must not know: how a reduction is computed.
"""

import math

import numpy as np

from ..core import dtypes
from ..core.errors import ArgumentError, AxisError, EmptyArrayError, ShapeError, UnsupportedError
from ..core.primitives import elementwise as E
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from . import composed as M
from . import elementwise as U
from .elementwise import constant_like, truth
from .promotion import (
    apply_now,
    as_type,
    asarray,  # noqa: F401  for the examples
    axis_index,
    axis_tuple,
    broadcast_value,
    cast,
    common_shape,
    operand,
    promote_dtypes,
    size_of,
    to_inexact,
    unsupported,
)

__all__ = [
    *("all", "amax", "amin", "any", "argmax", "argmin", "average", "count_nonzero", "cumprod"),
    *("cumsum", "cumulative_prod", "cumulative_sum", "max", "mean", "min", "nanargmax"),
    *("nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd"),
    *("nansum", "nanvar", "prod", "ptp", "std", "sum", "var"),
]


def _masked(name, x, where, neutral):
    """x with `neutral` where it takes no part."""
    if where is None:
        return x
    where = truth(name, where)
    shape = common_shape(name, x.shape, where.shape)
    if shape != x.shape:
        x = broadcast_value(x, shape)
    return C.select(broadcast_value(where, shape), x, S.full(shape, neutral, x.dtype))


def _fold(name, x, axis, keepdims, primitive):
    axes = axis_tuple(name, axis, x.ndim)
    out = apply_now(primitive, x, axes=tuple(sorted(axes))) if axes else x
    return S.reshape(out, _kept(x, axes)) if keepdims else out


def _kept(x, axes):
    return tuple(1 if i in axes else n for i, n in enumerate(x.shape))


def _sum_type(x, dtype, promote_integers):
    if dtype is not None:
        return dtypes.canonical(dtype)
    if x.dtype == dtypes.bool_:
        return dtypes.default_int()
    if promote_integers and dtypes.is_integer(x.dtype):
        default = dtypes.default_int()
        if x.dtype.itemsize >= default.itemsize:
            return x.dtype
        return np.dtype(f"u{default.name}") if x.dtype in dtypes.UNSIGNED else default
    return x.dtype


def sum(
    a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=None,
    promote_integers=True,
):  # fmt: skip
    """Sum over axes. a: number[...] -> number[...] less the axes.

    Args:
      axis: axis or axes; None for all.
      dtype: dtype of the sum; small integers take the default integer type.
      initial: number added to the sum.
      where: bool, broadcast with `a`: elements that take part.

    >>> sum(asarray([1.0, 2.0, 3.0])).tolist()
    6.0
    """
    unsupported("sum", out=out)
    x = operand("sum", a)
    x = C.convert(x, _sum_type(x, dtype, promote_integers), x.weak_type and dtype is None)
    found = _fold("sum", _masked("sum", x, where, 0), axis, keepdims, R.reduce_sum_p)
    return found if initial is None else E.add(found, _initial("sum", initial, found))


def prod(
    a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=None,
    promote_integers=True,
):  # fmt: skip
    """Product over axes. a: number[...] -> number[...] less the axes. Arguments as of `sum`.

    >>> prod(asarray([2, 3, 4])).tolist()
    24
    """
    unsupported("prod", out=out)
    x = operand("prod", a)
    x = C.convert(x, _sum_type(x, dtype, promote_integers), x.weak_type and dtype is None)
    found = _fold("prod", _masked("prod", x, where, 1), axis, keepdims, R.reduce_prod_p)
    return found if initial is None else E.mul(found, _initial("prod", initial, found))


def _initial(name, initial, like):
    return broadcast_value(as_type(name, initial, like.dtype), like.shape)


def _axes(axis):
    return "any axis" if axis is None else f"axis {axis}"


def _extremum(name, a, axis, keepdims, initial, where, reduce, join, neutral):
    x = operand(name, a)
    if where is not None and initial is None:
        raise ArgumentError(
            f"{name}: expected initial= together with where=, since no element may take part, "
            "got where= alone; pass the value of an empty reduction as initial="
        )
    axes = axis_tuple(name, axis, x.ndim)
    if initial is None and 0 in (x.shape[i] for i in axes):
        raise EmptyArrayError(
            f"{name}: expected at least one element along {_axes(axis)}, got {x.aval}"
        )
    if dtypes.is_complex(x.dtype):
        raise UnsupportedError(
            f"{name}: expected real numbers, since complex ones have no order here, got "
            f"{x.aval}; compare abs(x), or real and imaginary parts"
        )
    x = _masked(name, x, where, neutral(x.dtype))
    found = _fold(name, x, axis, keepdims, reduce)
    return found if initial is None else join(found, _initial(name, initial, found))


def max(a, axis=None, out=None, keepdims=False, initial=None, where=None):
    """Largest element over axes, NaN if there is one. a: real[...] -> real[...] less the axes.

    Args:
      initial: the result is no lower; required with `where`.
      where: bool, broadcast with `a`: elements that take part.

    >>> max(asarray([[1, 5], [2, 3]]), axis=0).tolist()
    [2, 5]
    """
    unsupported("max", out=out)
    return _extremum("max", a, axis, keepdims, initial, where, R.reduce_max_p, E.max_, R.lowest)


def min(a, axis=None, out=None, keepdims=False, initial=None, where=None):
    """Smallest element over axes, NaN if there is one. a: real[...] -> real[...] less the axes.

    Args:
      initial: the result is no higher; required with `where`.
      where: bool, broadcast with `a`: elements that take part.

    >>> min(asarray([[1, 5], [2, 3]]), axis=0).tolist()
    [1, 3]
    """
    unsupported("min", out=out)
    return _extremum("min", a, axis, keepdims, initial, where, R.reduce_min_p, E.min_, R.highest)


amax, amin = max, min


def all(a, axis=None, out=None, keepdims=False, *, where=None):
    """Whether all elements over axes are true. a: array[...] -> bool[...] less the axes.

    >>> all(asarray([True, False])).tolist()
    False
    """
    unsupported("all", out=out)
    x = _masked("all", truth("all", a), where, True)
    return _fold("all", x, axis, keepdims, R.reduce_and_p)


def any(a, axis=None, out=None, keepdims=False, *, where=None):
    """Whether an element over axes is true. a: array[...] -> bool[...] less the axes.

    >>> any(asarray([True, False])).tolist()
    True
    """
    unsupported("any", out=out)
    x = _masked("any", truth("any", a), where, False)
    return _fold("any", x, axis, keepdims, R.reduce_or_p)


def ptp(a, axis=None, out=None, keepdims=False):
    """Largest less smallest element over axes. a: real[...] -> real[...] less the axes.

    >>> ptp(asarray([1, 5, 2])).tolist()
    4
    """
    return E.sub(max(a, axis, out, keepdims), min(a, axis, out, keepdims))


def count_nonzero(a, axis=None, keepdims=False):
    """How many elements over axes are not zero. a: array[...] -> integer[...] less the axes.

    >>> count_nonzero(asarray([0, 3, 4])).tolist()
    2
    """
    return sum(truth("count_nonzero", a), axis, keepdims=keepdims)


def _mean_type(x, dtype):
    return to_inexact(x.dtype) if dtype is None else dtypes.canonical(dtype)


def _count(name, x, axes, keepdims, where):
    """How many elements take part in each result, as an array or a number."""
    if where is None:
        return size_of(x.shape[i] for i in axes)
    where = broadcast_value(truth(name, where), x.shape)
    return sum(where, axes, keepdims=keepdims)


def mean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=None):
    """Mean over axes. a: number[...] -> float[...] less the axes.

    >>> mean(asarray([1.0, 2.0, 6.0])).tolist()
    3.0
    """
    unsupported("mean", out=out)
    x = operand("mean", a)
    x = C.convert(x, _mean_type(x, dtype), x.weak_type and dtype is None)
    axes = axis_tuple("mean", axis, x.ndim)
    total = sum(x, axes, keepdims=keepdims, where=where)
    return _ratio(total, _count("mean", x, axes, keepdims, where))


def _ratio(total, n):
    """total / n in the dtype of `total`; n is a Python number or an array."""
    return U.divide(total, n if isinstance(n, (int, float)) else cast(n, total.dtype))


def average(a, axis=None, weights=None, returned=False, keepdims=False):
    """Weighted mean over axes. a: number[...] -> float[...] less the axes.

    Args:
      weights: shape of `a`, or one weight for each index along `axis`; None for equal weights.
      returned: also return the sum of the weights.

    >>> average(asarray([1.0, 3.0]), weights=asarray([3.0, 1.0])).tolist()
    1.5
    """
    if weights is None:
        found = mean(a, axis, keepdims=keepdims)
        x = operand("average", a)
        total = U.divide(float(x.size), float(found.size or 1))
    else:
        x, w = promote_dtypes("average", a, weights, inexact=True)
        if w.shape != x.shape:
            if not isinstance(axis, int) or w.shape != (x.shape[axis],):
                raise ShapeError(
                    f"average: expected weights of the shape of {x.aval}, or 1-d of the size of "
                    f"one axis, got {w.aval} and axis={axis}"
                )
            w = S.broadcast_in_dim(w, x.shape, (axis_index("average", axis, x.ndim),))
        total = sum(w, axis, keepdims=keepdims)
        found = E.div(sum(E.mul(x, w), axis, keepdims=keepdims), total)
    if returned:
        return found, broadcast_value(
            C.convert(operand("average", total), found.dtype), found.shape
        )
    return found


def _deviations(name, a, axis, dtype, where, given_mean):
    x = operand(name, a)
    x = C.convert(x, _mean_type(x, dtype), x.weak_type and dtype is None)
    centre = given_mean if given_mean is not None else mean(x, axis, keepdims=True, where=where)
    x = U.subtract(x, as_type(name, centre, x.dtype))
    if dtypes.is_complex(x.dtype):
        return E.add(E.square(C.real(x)), E.square(C.imag(x)))
    return E.square(x)


def var(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=None, mean=None,
    correction=None,
):  # fmt: skip
    """Variance over axes: mean squared deviation. a: number[...] -> float[...] less the axes.

    Args:
      ddof, correction: subtracted from the number of elements in the divisor.
      mean: the mean, if known, with the axes kept.

    >>> var(asarray([1.0, 3.0])).tolist()
    1.0
    """
    unsupported("var", out=out)
    squares = _deviations("var", a, axis, dtype, where, mean)
    axes = axis_tuple("var", axis, squares.ndim)
    n, less = (
        _count("var", squares, axes, keepdims, where),
        ddof if correction is None else correction,
    )
    total = sum(squares, axes, keepdims=keepdims, where=where)
    if isinstance(n, int) and isinstance(less, (int, float)):
        found = _ratio(total, n - less if n > less else 0)
    else:
        found = _ratio(total, U.maximum(U.subtract(n, less), 0))
    return found if dtype is None else C.convert(found, dtypes.canonical(dtype))


def std(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=None, mean=None,
    correction=None,
):  # fmt: skip
    """Standard deviation over axes, the square root of `var`. Arguments as of `var`.

    >>> std(asarray([1.0, 3.0])).tolist()
    1.0
    """
    unsupported("std", out=out)
    return U.sqrt(
        var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction)
    )


def _arg(name, a, axis, out, keepdims, find):
    unsupported(name, out=out)
    x = operand(name, a)
    shape = x.shape
    flat = axis is None
    if flat:
        x, axis = S.reshape(x, (x.size,)), 0
    axis = axis_index(name, axis, x.ndim)
    if x.ndim == 0 or x.shape[axis] == 0:
        raise EmptyArrayError(f"{name}: expected at least one element, got {x.aval}")
    found = find(x, axis, dtypes.default_int())
    if not keepdims:
        return found
    return S.reshape(found, (1,) * len(shape) if flat else _kept(x, (axis,)))


def argmax(a, axis=None, out=None, keepdims=None):
    """Index of the first largest element along an axis (None: of the flattened array).

    a: real[...] -> integer[...] less the axis.

    >>> argmax(asarray([1, 5, 5])).tolist()
    1
    """
    return _arg("argmax", a, axis, out, keepdims, R.argmax)


def argmin(a, axis=None, out=None, keepdims=None):
    """Index of the first smallest element along an axis (None: of the flattened array).

    a: real[...] -> integer[...] less the axis.

    >>> argmin(asarray([3, 1, 2])).tolist()
    1
    """
    return _arg("argmin", a, axis, out, keepdims, R.argmin)


def _running(name, a, axis, dtype, out, run):
    unsupported(name, out=out)
    x = operand(name, a)
    if axis is None:
        x, axis = S.reshape(x, (x.size,)), 0
    if dtype is not None:
        x = C.convert(x, dtypes.canonical(dtype))
    elif x.dtype == dtypes.bool_:
        x = C.convert(x, dtypes.default_int())
    return run(x, axis_index(name, axis, x.ndim))


def cumsum(a, axis=None, dtype=None, out=None):
    """Running sum along an axis (None: of the flattened array). a: number[...] -> number[...]

    >>> cumsum(asarray([1, 2, 3])).tolist()
    [1, 3, 6]
    """
    return _running("cumsum", a, axis, dtype, out, R.cumsum)


def cumprod(a, axis=None, dtype=None, out=None):
    """Running product along an axis (None: of the flattened array). a: number[...] -> number[...]

    >>> cumprod(asarray([1, 2, 3])).tolist()
    [1, 2, 6]
    """
    return _running("cumprod", a, axis, dtype, out, R.cumprod)


def _cumulative(name, x, axis, dtype, include_initial, run, first):
    x = operand(name, x)
    if axis is None:
        if x.ndim != 1:
            raise AxisError(f"{name}: expected axis= for an array of {x.ndim} axes, got None")
        axis = 0
    axis = axis_index(name, axis, x.ndim)
    out = run(C.convert(x, _sum_type(x, dtype, True)), axis=axis)
    if not include_initial:
        return out
    head = S.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), first, out.dtype)
    return S.concatenate([head, out], axis)


def cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False):
    """Running sum along an axis, from 0 if `include_initial`. x: number[...] -> number[...]

    >>> cumulative_sum(asarray([1, 2]), include_initial=True).tolist()
    [0, 1, 3]
    """
    return _cumulative("cumulative_sum", x, axis, dtype, include_initial, cumsum, 0)


def cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False):
    """Running product along an axis, from 1 if `include_initial`. x: number[...] -> number[...]

    >>> cumulative_prod(asarray([2, 3]), include_initial=True).tolist()
    [1, 2, 6]
    """
    return _cumulative("cumulative_prod", x, axis, dtype, include_initial, cumprod, 1)


def _without_nan(name, a, value):
    x = operand(name, a)
    return M.choose_between(name, M.isnan(x), as_type(name, value, x.dtype), x)


def _nan_extremum(name, a, axis, keepdims, initial, where, fold, neutral):
    x = operand(name, a)
    if not dtypes.is_inexact(x.dtype):
        return fold(x, axis, None, keepdims, initial, where)
    filled = _without_nan(name, x, float(neutral(x.dtype)))
    out = fold(filled, axis, None, keepdims, initial, where)
    if initial is not None:
        return out
    empty = all(M.isnan(x), axis, keepdims=keepdims, where=where)
    return M.choose_between(name, empty, constant_like(out, math.nan), out)


def nanmax(a, axis=None, out=None, keepdims=False, initial=None, where=None):
    """Largest element that is not NaN; NaN if all are. Arguments as of `max`.

    >>> nanmax(asarray([1.0, float("nan")])).tolist()
    1.0
    """
    unsupported("nanmax", out=out)
    return _nan_extremum("nanmax", a, axis, keepdims, initial, where, max, R.lowest)


def nanmin(a, axis=None, out=None, keepdims=False, initial=None, where=None):
    """Smallest element that is not NaN; NaN if all are. Arguments as of `min`.

    >>> nanmin(asarray([1.0, float("nan")])).tolist()
    1.0
    """
    unsupported("nanmin", out=out)
    return _nan_extremum("nanmin", a, axis, keepdims, initial, where, min, R.highest)


def nansum(a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=None):
    """Sum of the elements that are not NaN. Arguments as of `sum`.

    >>> nansum(asarray([1.0, float("nan")])).tolist()
    1.0
    """
    return sum(_without_nan("nansum", a, 0), axis, dtype, out, keepdims, initial, where)


def nanprod(a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=None):
    """Product of the elements that are not NaN. Arguments as of `prod`.

    >>> nanprod(asarray([2.0, float("nan")])).tolist()
    2.0
    """
    return prod(_without_nan("nanprod", a, 1), axis, dtype, out, keepdims, initial, where)


def _present(name, a, where):
    there = U.logical_not(M.isnan(operand(name, a)))
    return there if where is None else U.logical_and(there, where)


def nanmean(a, axis=None, dtype=None, out=None, keepdims=False, where=None):
    """Mean of the elements that are not NaN. Arguments as of `mean`.

    >>> nanmean(asarray([1.0, float("nan"), 3.0])).tolist()
    2.0
    """
    return mean(a, axis, dtype, out, keepdims, where=_present("nanmean", a, where))


def nanvar(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, where=None, mean=None):
    """Variance of the elements that are not NaN. Arguments as of `var`.

    >>> nanvar(asarray([1.0, float("nan"), 3.0])).tolist()
    1.0
    """
    there = _present("nanvar", a, where)
    found = var(a, axis, dtype, out, ddof, keepdims, where=there, mean=mean)
    short = U.less_equal(sum(there, axis, keepdims=keepdims), ddof)
    return M.choose_between("nanvar", short, constant_like(found, math.nan), found)


def nanstd(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, where=None, mean=None):
    """Standard deviation of the elements that are not NaN. Arguments as of `std`.

    >>> nanstd(asarray([1.0, float("nan"), 3.0])).tolist()
    1.0
    """
    return U.sqrt(nanvar(a, axis, dtype, out, ddof, keepdims, where, mean))


def _nan_arg(name, a, axis, out, keepdims, find, value):
    x = operand(name, a)
    if not dtypes.is_inexact(x.dtype):
        return find(x, axis, out, keepdims)
    found = find(_without_nan(name, x, value), axis, out, keepdims)
    nothing = all(M.isnan(x), axis, keepdims=bool(keepdims))
    return M.choose_between(name, nothing, constant_like(found, -1), found)


def nanargmax(a, axis=None, out=None, keepdims=None):
    """Index of the largest element that is not NaN; -1 if all are. Arguments as of `argmax`.

    >>> nanargmax(asarray([float("nan"), 1.0])).tolist()
    1
    """
    return _nan_arg("nanargmax", a, axis, out, keepdims, argmax, -math.inf)


def nanargmin(a, axis=None, out=None, keepdims=None):
    """Index of the smallest element that is not NaN; -1 if all are. Arguments as of `argmin`.

    >>> nanargmin(asarray([float("nan"), 1.0])).tolist()
    1
    """
    return _nan_arg("nanargmin", a, axis, out, keepdims, argmin, math.inf)


def nancumsum(a, axis=None, dtype=None, out=None):
    """Running sum that skips NaN. Arguments as of `cumsum`.

    >>> nancumsum(asarray([1.0, float("nan"), 3.0])).tolist()
    [1.0, 1.0, 4.0]
    """
    return cumsum(_without_nan("nancumsum", a, 0), axis, dtype, out)


def nancumprod(a, axis=None, dtype=None, out=None):
    """Running product that skips NaN. Arguments as of `cumprod`.

    >>> nancumprod(asarray([2.0, float("nan"), 3.0])).tolist()
    [2.0, 2.0, 6.0]
    """
    return cumprod(_without_nan("nancumprod", a, 1), axis, dtype, out)

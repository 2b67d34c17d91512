"""Folding axes away: sums, products, extrema, logic, argmin and argmax, running folds.

In: an array and axes.  Out: an array without those axes (or, for running folds, with them).
An empty fold gives the operation's neutral element.
Knows nothing of: keepdims, `where`, negative axes; `ftx.numpy` resolves those.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import dtypes
from ..errors import AxisError, DTypeError
from ..primitive import BatchAxis, Primitive
from ..types import ShapedArray
from . import elementwise as E
from . import indexing as I
from . import selection as C
from . import shape as S


def kept_axes(ndim: int, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of an array that a fold over `axes` leaves."""
    return tuple(i for i in range(ndim) if i not in axes)


def check_axes(name: str, x: ShapedArray, axes: tuple[int, ...]) -> None:
    """Raise AxisError unless `axes` are distinct axes of x."""
    if len(set(axes)) != len(axes) or any(not 0 <= a < x.ndim for a in axes):
        raise AxisError(f"{name}: expected distinct axes in 0..{x.ndim - 1} of {x}, got {axes}")


class Reduction(Primitive):
    """Fold `axes` away with an associative, commutative operation."""

    ufunc: ClassVar[Any]
    op: ClassVar[str]
    """Elementwise primitive that combines two elements."""
    kinds: ClassVar[str] = "ifc"

    def neutral(self, dtype: Any) -> Any:
        """The value of an empty fold."""
        return self._missing("neutral")

    def abstract_eval(self, x: ShapedArray, *, axes: tuple[int, ...]) -> list[ShapedArray]:
        check_axes(self.name, x, axes)
        if dtypes.kind(x.dtype) not in self.kinds:
            wanted = dtypes.kind_names(self.kinds)
            raise DTypeError(f"{self.name}: expected {wanted}, got {x}; use astype")
        shape = tuple(x.shape[i] for i in kept_axes(x.ndim, axes))
        return [ShapedArray(shape, x.dtype, x.weak_type)]

    def impl(self, x: Any, *, axes: Any) -> list[Any]:
        wide = x.astype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind in "fV" else x
        start = self.neutral(wide.dtype)
        return [np.asarray(self.ufunc.reduce(wide, axis=axes, initial=start), x.dtype)]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, axes: Any
    ) -> tuple[list[Any], list[Any]]:
        (x,), (d,) = args, dims
        moved = tuple(a + (a >= d) for a in axes)
        return self.bind(x, axes=moved), [d - sum(a < d for a in moved)]

    def lower(self, kernel: Any, index: Any, x: Any, *, axes: Any) -> Any:
        def element(counters: Any) -> Any:
            kept, summed = iter(index), iter(counters)
            return x([next(summed) if a in axes else next(kept) for a in range(x.ndim)])

        sizes = [x.shape[a] for a in axes]
        return kernel.reduce(self.op, x.dtype, self.neutral(x.dtype), sizes, element)

    def _expand(self, y: Any, x: Any, axes: Any) -> Any:
        return S.broadcast_in_dim(y, x.shape, kept_axes(x.ndim, axes))


class ReduceSum(Reduction):
    """Sum over axes."""

    linear, ufunc, op = True, np.add, "add"

    def neutral(self, dtype: Any) -> Any:
        return dtype.type(0)

    def transpose(self, cts: Any, x: Any, *, axes: Any) -> list[Any]:
        return [self._expand(cts[0], x, axes)]


class ReduceProd(Reduction):
    """Product over axes."""

    ufunc, op = np.multiply, "mul"

    def neutral(self, dtype: Any) -> Any:
        return dtype.type(1)

    def jvp(self, primals: Any, tangents: Any, *, axes: Any) -> tuple[list[Any], list[Any]]:
        (x,), (t,) = primals, tangents
        out = self.bind(x, axes=axes)
        kept = kept_axes(x.ndim, axes)
        rows = S.transpose(x, (*kept, *axes))
        rows = S.reshape(rows, (*[x.shape[i] for i in kept], _size(x, axes)))
        others = _product_of_others(rows)
        moved = S.reshape(S.transpose(t, (*kept, *axes)), rows.shape)
        return out, [reduce_sum(E.mul(moved, others), (rows.ndim - 1,))]


def _size(x: Any, axes: Any) -> int:
    return int(np.prod([x.shape[a] for a in axes], dtype=int))


def _product_of_others(x: Any) -> Any:
    """Along the last axis, the product of all other elements; exact also with zeros."""
    last, n = x.ndim - 1, x.shape[-1]
    one = S.full((*x.shape[:-1], 1), 1, x.dtype)
    if n == 0:
        return x
    before = cumprod(S.concatenate([one, S.slice_axis(x, last, 0, n - 1)], last), last, False)
    after = cumprod(S.concatenate([S.slice_axis(x, last, 1, n), one], last), last, True)
    return E.mul(before, after)


class Extremum(Reduction):
    """Largest or smallest element; ties share the derivative equally."""

    kinds = "bif"

    def jvp(self, primals: Any, tangents: Any, *, axes: Any) -> tuple[list[Any], list[Any]]:
        (x,), (t,) = primals, tangents
        (out,) = self.bind(x, axes=axes)
        hit = C.convert(E.eq(x, self._expand(out, x, axes)), x.dtype)
        share = E.div(reduce_sum(E.mul(t, hit), axes), reduce_sum(hit, axes))
        return [out], [share]


def lowest(dtype: Any) -> Any:
    """The value every other is at least: -inf, the smallest integer, False."""
    if dtypes.is_float(dtype):
        return dtype.type(-np.inf)
    return np.False_ if dtype == dtypes.bool_ else dtype.type(np.iinfo(dtype).min)


def highest(dtype: Any) -> Any:
    """The value every other is at most: inf, the largest integer, True."""
    if dtypes.is_float(dtype):
        return dtype.type(np.inf)
    return np.True_ if dtype == dtypes.bool_ else dtype.type(np.iinfo(dtype).max)


class ReduceMax(Extremum):
    """Largest element; NaN if there is one."""

    ufunc, op = np.maximum, "max"

    def neutral(self, dtype: Any) -> Any:
        return lowest(dtype)


class ReduceMin(Extremum):
    """Smallest element; NaN if there is one."""

    ufunc, op = np.minimum, "min"

    def neutral(self, dtype: Any) -> Any:
        return highest(dtype)


class ReduceAnd(Reduction):
    """Whether all are true; bitwise and of integers."""

    ufunc, op, kinds = np.bitwise_and, "and", "bi"

    def neutral(self, dtype: Any) -> Any:
        return np.True_ if dtype == dtypes.bool_ else np.asarray(-1).astype(dtype)[()]


class ReduceOr(Reduction):
    """Whether any is true; bitwise or of integers."""

    ufunc, op, kinds = np.bitwise_or, "or", "bi"

    def neutral(self, dtype: Any) -> Any:
        return dtype.type(0)


class ArgReduction(Primitive):
    """Index of the first extremum along one axis; of the first NaN if there is one."""

    better: ClassVar[str]

    def abstract_eval(self, x: ShapedArray, *, axis: int, dtype: Any) -> list[ShapedArray]:
        check_axes(self.name, x, (axis,))
        if not x.shape[axis]:
            raise AxisError(
                f"{self.name}: expected at least one element along axis {axis}, got {x}"
            )
        return [ShapedArray((*x.shape[:axis], *x.shape[axis + 1 :]), dtype)]

    def impl(self, x: Any, *, axis: int, dtype: Any) -> list[Any]:
        found = np.argmax(x, axis) if self.better == "gt" else np.argmin(x, axis)
        return [np.asarray(found).astype(dtype)]

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        return self.bind(*primals, **params), [None]

    def batch(
        self, axis_: BatchAxis, args: Any, dims: Any, *, axis: int, dtype: Any
    ) -> tuple[list[Any], list[Any]]:
        (x,), (d,) = args, dims
        moved = axis + (axis >= d)
        return self.bind(x, axis=moved, dtype=dtype), [d - (moved < d)]

    def lower(self, kernel: Any, index: Any, x: Any, *, axis: int, dtype: Any) -> Any:
        element = lambda c: x([*index[:axis], c, *index[axis:]])
        return kernel.arg_reduce(self.better, x.dtype, dtype, x.shape[axis], element)


class Argmax(ArgReduction):
    """Index of the first largest element."""

    better = "gt"


class Argmin(ArgReduction):
    """Index of the first smallest element."""

    better = "lt"


class Cumulative(Primitive):
    """Running fold along one axis, from the end if `reverse`."""

    ufunc: ClassVar[Any]
    op: ClassVar[str]
    reduction: ClassVar[Reduction]
    kinds: ClassVar[str] = "ifc"

    def abstract_eval(self, x: ShapedArray, *, axis: int, reverse: bool) -> list[ShapedArray]:
        check_axes(self.name, x, (axis,))
        if dtypes.kind(x.dtype) not in self.kinds:
            wanted = dtypes.kind_names(self.kinds)
            raise DTypeError(f"{self.name}: expected {wanted}, got {x}; use astype")
        return [x]

    def impl(self, x: Any, *, axis: int, reverse: bool) -> list[Any]:
        wide = x.astype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind in "fV" else x
        flip = (lambda v: np.flip(v, axis)) if reverse else (lambda v: v)
        return [np.asarray(flip(self.ufunc.accumulate(flip(wide), axis=axis)), x.dtype)]

    def batch(
        self, axis_: BatchAxis, args: Any, dims: Any, *, axis: int, reverse: bool
    ) -> tuple[list[Any], list[Any]]:
        (x,), (d,) = args, dims
        return self.bind(x, axis=axis + (axis >= d), reverse=reverse), [d]


class Cumsum(Cumulative):
    """Running sum."""

    linear, ufunc, op = True, np.add, "add"

    def transpose(self, cts: Any, x: Any, *, axis: int, reverse: bool) -> list[Any]:
        return [cumsum(cts[0], axis, not reverse)]


class Cumprod(Cumulative):
    """Running product."""

    ufunc, op = np.multiply, "mul"

    def jvp(
        self, primals: Any, tangents: Any, *, axis: int, reverse: bool
    ) -> tuple[list[Any], list[Any]]:
        """By doubling: products of the last 1, 2, 4, ... elements, and their derivatives.

        Nothing is divided by, so that zeros do no harm; log n steps, each over all elements.
        """
        (x,), (t,) = primals, tangents
        out = cumprod(x, axis, reverse)
        step = 1
        while step < x.shape[axis]:
            before = _shifted(x, axis, step, reverse, 1)
            t = E.add(E.mul(_shifted(t, axis, step, reverse, 0), x), E.mul(before, t))
            x, step = E.mul(before, x), 2 * step
        return [out], [t]


def _shifted(x: Any, axis: int, step: int, reverse: bool, fill: int) -> Any:
    """The element `step` places before each along `axis` (after it if `reverse`), else `fill`."""
    config = [(0, 0, 0)] * x.ndim
    config[axis] = (-step, step, 0) if reverse else (step, -step, 0)
    return S.pad(x, S.full((), fill, x.dtype), config)


class CumulativeExtremum(Cumulative):
    """Running extremum; the derivative goes to the element that holds the record."""

    kinds = "bif"
    better: ClassVar[str]

    def jvp(
        self, primals: Any, tangents: Any, *, axis: int, reverse: bool
    ) -> tuple[list[Any], list[Any]]:
        (x,), (t,) = primals, tangents
        (out,) = self.bind(x, axis=axis, reverse=reverse)
        place = S.iota(dtypes.int64, x.shape, axis)
        holds = E.eq(x, out)
        if reverse:
            far = S.full(x.shape, x.shape[axis], dtypes.int64)
            holder = cummin(C.select(holds, place, far), axis, True)
        else:
            holder = cummax(C.select(holds, place, S.full(x.shape, 0, dtypes.int64)), axis, False)
        return [out], [I.take_along(t, holder, axis)]


class Cummax(CumulativeExtremum):
    """Running maximum."""

    ufunc, op = np.maximum, "max"


class Cummin(CumulativeExtremum):
    """Running minimum."""

    ufunc, op = np.minimum, "min"


reduce_sum_p, reduce_prod_p, reduce_max_p = ReduceSum(), ReduceProd(), ReduceMax()
reduce_min_p, reduce_and_p, reduce_or_p = ReduceMin(), ReduceAnd(), ReduceOr()
argmax_p, argmin_p = Argmax(), Argmin()
cumsum_p, cumprod_p, cummax_p, cummin_p = Cumsum(), Cumprod(), Cummax(), Cummin()
Cumsum.reduction, Cumprod.reduction = reduce_sum_p, reduce_prod_p
Cummax.reduction, Cummin.reduction = reduce_max_p, reduce_min_p


def _reducer(primitive: Reduction) -> Any:
    def reduce(x: Any, axes: Any) -> Any:
        return primitive.bind(x, axes=tuple(axes))[0] if axes else x

    reduce.__name__, reduce.__doc__ = primitive.name, primitive.__doc__
    return reduce


def _runner(primitive: Cumulative) -> Any:
    def run(x: Any, axis: int = 0, reverse: bool = False) -> Any:
        return primitive.bind(x, axis=axis, reverse=reverse)[0]

    run.__name__, run.__doc__ = primitive.name, primitive.__doc__
    return run


reduce_sum, reduce_prod, reduce_max = map(_reducer, (reduce_sum_p, reduce_prod_p, reduce_max_p))
reduce_min, reduce_and, reduce_or = map(_reducer, (reduce_min_p, reduce_and_p, reduce_or_p))
cumsum, cumprod, cummax, cummin = map(_runner, (cumsum_p, cumprod_p, cummax_p, cummin_p))


def argmax(x: Any, axis: int, dtype: Any) -> Any:
    """Index of the first largest element along `axis`."""
    return argmax_p.bind(x, axis=axis, dtype=dtype)[0]


def argmin(x: Any, axis: int, dtype: Any) -> Any:
    """Index of the first smallest element along `axis`."""
    return argmin_p.bind(x, axis=axis, dtype=dtype)[0]

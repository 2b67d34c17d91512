"""Rearranging elements: every rule here is a map from an output index to an input index.

In: arrays.  Out: the same elements elsewhere; compiled code never makes a copy for its own sake.
Knows nothing of: element types.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes
from ..array import Array
from ..errors import BroadcastShapeError, ConcatenateShapeError, ReshapeError, ShapeError
from ..primitive import BatchAxis, Linear, Primitive
from ..types import ShapedArray
from . import elementwise as E
from . import reduction as R
from . import selection as C


def full(shape: Sequence[int], value: Any, dtype: Any) -> Any:
    """`value` at every index of an array of `shape`."""
    scalar = Array(np.asarray(value).astype(dtype))
    return broadcast_in_dim(scalar, tuple(shape), ())


def move_batch_axis(x: Any, source: int | None, target: int, size: int) -> Any:
    """x with its batch axis at `target`; broadcast along it if it has none."""
    if source is None:
        out = (*x.shape[:target], size, *x.shape[target:])
        return broadcast_in_dim(x, out, tuple(i + (i >= target) for i in range(x.ndim)))
    if source == target:
        return x
    perm = [i for i in range(x.ndim) if i != source]
    perm.insert(target, source)
    return transpose(x, tuple(perm))


def batch_in_front(xs: Any, dims: Any, size: int) -> list[Any]:
    """xs with their batch axes at 0; what has none stays as it is."""
    return [
        x if d is None else move_batch_axis(x, d, 0, size) for x, d in zip(xs, dims, strict=True)
    ]


class BroadcastInDim(Primitive):
    """Axis i of x becomes axis dims[i] of the result; axes of size 1 and new axes repeat."""

    linear = True

    def abstract_eval(
        self, x: ShapedArray, *, shape: tuple[int, ...], dims: tuple[int, ...]
    ) -> list[ShapedArray]:
        fits = len(dims) == x.ndim and all(
            0 <= d < len(shape) and n in (1, shape[d]) for n, d in zip(x.shape, dims, strict=True)
        )
        if not fits or list(dims) != sorted(set(dims)):
            raise BroadcastShapeError(
                f"broadcast_in_dim: expected axes of size 1, or of the sizes of axes {dims} "
                f"of {shape}, got {x}; add axes with reshape or expand_dims"
            )
        return [ShapedArray(tuple(shape), x.dtype, x.weak_type)]

    def impl(self, x: Any, *, shape: Any, dims: Any) -> list[Any]:
        view = [1] * len(shape)
        for n, d in zip(x.shape, dims, strict=True):
            view[d] = n
        return [np.broadcast_to(x.reshape(view), shape)]

    def transpose(self, cts: Any, x: Any, *, shape: Any, dims: Any) -> list[Any]:
        stretched = [d for n, d in zip(x.shape, dims, strict=True) if n != shape[d]]
        new = [d for d in range(len(shape)) if d not in dims]
        summed = R.reduce_sum(cts[0], tuple(sorted(stretched + new)))
        return [reshape(summed, x.shape)]

    def batch(
        self, axis: BatchAxis, args: Any, batch_dims: Any, /, *, shape: Any, dims: Any
    ) -> tuple[list[Any], list[Any]]:
        (x,), (d,) = args, batch_dims
        if 0 < d == x.ndim - 1:
            return [broadcast_in_dim(x, (*shape, axis.size), (*dims, len(shape)))], [len(shape)]
        x = move_batch_axis(x, d, 0, axis.size)
        return [broadcast_in_dim(x, (axis.size, *shape), (0, *[k + 1 for k in dims]))], [0]

    def lower(self, kernel: Any, index: Any, x: Any, *, shape: Any, dims: Any) -> Any:
        zero = kernel.int(0)
        return x([zero if n == 1 else index[d] for n, d in zip(x.shape, dims, strict=True)])


class Reshape(Primitive):
    """The same elements in row-major order under another shape."""

    linear = True

    def abstract_eval(self, x: ShapedArray, *, shape: tuple[int, ...]) -> list[ShapedArray]:
        if math.prod(shape) != x.size:
            raise ReshapeError(
                f"reshape: expected a shape of {x.size} elements, as in {x}, got {shape} with "
                f"{math.prod(shape)}"
            )
        return [ShapedArray(tuple(shape), x.dtype, x.weak_type)]

    def impl(self, x: Any, *, shape: Any) -> list[Any]:
        return [np.reshape(x, shape)]

    def transpose(self, cts: Any, x: Any, *, shape: Any) -> list[Any]:
        return [reshape(cts[0], x.shape)]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, shape: Any
    ) -> tuple[list[Any], list[Any]]:
        (x,), (d,) = args, dims
        if 0 < d == x.ndim - 1:
            return [reshape(x, (*shape, axis.size))], [len(shape)]
        return [reshape(move_batch_axis(x, d, 0, axis.size), (axis.size, *shape))], [0]

    def lower(self, kernel: Any, index: Any, x: Any, *, shape: Any) -> Any:
        return x(kernel.reindex(index, shape, x.shape))


class Transpose(Primitive):
    """Axes in another order: axis i of the result is axis perm[i] of x."""

    linear = True

    def abstract_eval(self, x: ShapedArray, *, perm: tuple[int, ...]) -> list[ShapedArray]:
        if sorted(perm) != list(range(x.ndim)):
            raise ShapeError(f"transpose: expected a permutation of {x.ndim} axes, got {perm}")
        return [ShapedArray(tuple(x.shape[p] for p in perm), x.dtype, x.weak_type)]

    def impl(self, x: Any, *, perm: Any) -> list[Any]:
        return [np.transpose(x, perm)]

    def transpose(self, cts: Any, x: Any, *, perm: Any) -> list[Any]:
        return [transpose(cts[0], tuple(int(i) for i in np.argsort(perm)))]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, perm: Any
    ) -> tuple[list[Any], list[Any]]:
        (x,), (d,) = args, dims
        inner = tuple(p + (p >= d) for p in perm)
        return [transpose(x, (d, *inner))], [0]

    def lower(self, kernel: Any, index: Any, x: Any, *, perm: Any) -> Any:
        return x([index[perm.index(a)] for a in range(len(perm))])


class Slice(Primitive):
    """x[starts:limits:strides], every axis given; strides positive."""

    linear = True

    def abstract_eval(
        self, x: ShapedArray, *, starts: Any, limits: Any, strides: Any
    ) -> list[ShapedArray]:
        given = (starts, limits, strides)
        ok = all(len(g) == x.ndim for g in given) and all(
            0 <= a <= b <= n and s > 0
            for a, b, s, n in zip(starts, limits, strides, x.shape, strict=True)
        )
        if not ok:
            raise ShapeError(
                f"slice: expected 0 <= start <= limit <= size and stride > 0 on every axis of {x}, "
                f"got starts {starts}, limits {limits}, strides {strides}"
            )
        sizes = [-(-(b - a) // s) for a, b, s in zip(*given, strict=True)]
        return [ShapedArray(tuple(sizes), x.dtype, x.weak_type)]

    def impl(self, x: Any, *, starts: Any, limits: Any, strides: Any) -> list[Any]:
        return [x[tuple(map(slice, starts, limits, strides))]]

    def transpose(self, cts: Any, x: Any, *, starts: Any, limits: Any, strides: Any) -> list[Any]:
        (ct,) = cts
        zero = full((), 0, ct.dtype)
        used = [
            a + (n - 1) * s + 1 if n else a
            for a, n, s in zip(starts, ct.shape, strides, strict=True)
        ]
        highs = tuple(n - u for n, u in zip(x.shape, used, strict=True))
        return [pad(ct, zero, tuple(zip(starts, highs, (s - 1 for s in strides), strict=True)))]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, starts: Any, limits: Any, strides: Any
    ) -> tuple[list[Any], list[Any]]:
        (x,), (d,) = args, dims
        put = lambda t, v: (*t[:d], v, *t[d:])
        return [slice_(x, put(starts, 0), put(limits, axis.size), put(strides, 1))], [d]

    def lower(
        self, kernel: Any, index: Any, x: Any, *, starts: Any, limits: Any, strides: Any
    ) -> Any:
        return x([i * s + a for i, a, s in zip(index, starts, strides, strict=True)])


class Pad(Primitive):
    """x between `low` and `high` copies of a value, `interior` between elements, per axis.

    Negative low or high cuts elements off.
    """

    def abstract_eval(
        self, x: ShapedArray, value: ShapedArray, *, config: tuple[tuple[int, int, int], ...]
    ) -> list[ShapedArray]:
        if len(config) != x.ndim or value.ndim or value.dtype != x.dtype:
            raise ShapeError(
                f"pad: expected (low, high, interior) for each axis of {x} and a scalar of its "
                f"dtype, got {config} and {value}"
            )
        sizes = [
            max(0, lo + n + max(n - 1, 0) * inner + hi)
            for n, (lo, hi, inner) in zip(x.shape, config, strict=True)
        ]
        return [ShapedArray(tuple(sizes), x.dtype, x.weak_type)]

    def impl(self, x: Any, value: Any, *, config: Any) -> list[Any]:
        (aval,) = self.abstract_eval(
            ShapedArray(x.shape, x.dtype), ShapedArray((), x.dtype), config=config
        )
        out = np.full(aval.shape, value, x.dtype)
        source, target = [], []
        for n, m, (lo, _, inner) in zip(x.shape, aval.shape, config, strict=True):
            step = inner + 1
            first = max(0, -(lo // step))
            last = min(n, -(-(m - lo) // step))
            source.append(slice(first, max(first, last)))
            target.append(slice(lo + first * step, max(lo + (last - 1) * step + 1, 0), step))
        if all(s.stop > s.start for s in source):
            out[tuple(target)] = x[tuple(source)]
        return [out]

    def jvp(self, primals: Any, tangents: Any, *, config: Any) -> tuple[list[Any], list[Any]]:
        x, value = primals
        tx, tv = tangents
        tx = full(x.shape, 0, x.dtype) if tx is None else tx
        tv = full((), 0, x.dtype) if tv is None else tv
        return [pad(x, value, config)], [pad(tx, tv, config)]

    def transpose(self, cts: Any, x: Any, value: Any, *, config: Any) -> list[Any]:
        (ct,) = cts
        zero = full((), 0, ct.dtype)
        undo = tuple((-lo, -hi, 0) for lo, hi, _ in config)
        inside = pad(ct, zero, undo)
        strides = tuple(inner + 1 for *_, inner in config)
        inside = slice_(inside, (0,) * ct.ndim, inside.shape, strides)
        ct_value = None
        if isinstance(value, Linear):
            every = tuple(range(ct.ndim))
            ct_value = E.sub(R.reduce_sum(ct, every), R.reduce_sum(inside, every))
        return [inside if isinstance(x, Linear) else None, ct_value]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, config: Any
    ) -> tuple[list[Any], list[Any]]:
        (x, value), (dx, dv) = args, dims
        d = 0 if dx is None else dx
        x = move_batch_axis(x, dx, d, axis.size)
        config = (*config[:d], (0, 0, 0), *config[d:])
        if dv is None:
            return [pad(x, value, config)], [d]
        mask = pad(full(x.shape, True, dtypes.bool_), full((), False, dtypes.bool_), config)
        padded = pad(x, full((), 0, x.dtype), config)
        value = broadcast_in_dim(value, padded.shape, (d,))
        return [C.select(mask, padded, value)], [d]

    def lower(self, kernel: Any, index: Any, x: Any, value: Any, *, config: Any) -> Any:
        inside, source = None, []
        for i, n, (lo, hi, inner) in zip(index, x.shape, config, strict=True):
            at = i - lo
            tests = []
            if lo > 0:
                tests.append(kernel.compare("ge", at, kernel.int(0)))
            if hi > 0:
                tests.append(kernel.compare("lt", at, kernel.int(n + max(n - 1, 0) * inner)))
            if inner:
                tests.append(kernel.compare("eq", at % (inner + 1), kernel.int(0)))
                at = at // (inner + 1)
            source.append(kernel.clip_index(at, n) if tests else at)
            for t in tests:
                inside = t if inside is None else kernel.call("and", dtypes.bool_, inside, t)
        if inside is None:
            return x(source)
        if not math.prod(x.shape):
            return value([])
        return kernel.call("select", x.dtype, inside, x(source), value([]))


class Concatenate(Primitive):
    """Arrays one after another along an axis."""

    def abstract_eval(self, *xs: ShapedArray, axis: int) -> list[ShapedArray]:
        rest = {(*x.shape[:axis], *x.shape[axis + 1 :]) for x in xs}
        if len(rest) != 1 or len({x.dtype for x in xs}) != 1 or not 0 <= axis < xs[0].ndim:
            raise ConcatenateShapeError(
                f"concatenate: expected arrays that differ only along axis {axis}, got "
                f"{', '.join(map(str, xs))}"
            )
        total = sum(x.shape[axis] for x in xs)
        shape = (*xs[0].shape[:axis], total, *xs[0].shape[axis + 1 :])
        return [ShapedArray(shape, xs[0].dtype, all(x.weak_type for x in xs))]

    def impl(self, *xs: Any, axis: int) -> list[Any]:
        return [np.concatenate(xs, axis)]

    def jvp(self, primals: Any, tangents: Any, *, axis: int) -> tuple[list[Any], list[Any]]:
        moved = [
            full(x.shape, 0, x.dtype) if t is None else t
            for x, t in zip(primals, tangents, strict=True)
        ]
        return [concatenate(primals, axis)], [concatenate(moved, axis)]

    def transpose(self, cts: Any, *xs: Any, axis: int) -> list[Any]:
        (ct,), start, out = cts, 0, []
        for x in xs:
            stop = start + x.shape[axis]
            out.append(slice_axis(ct, axis, start, stop) if isinstance(x, Linear) else None)
            start = stop
        return out

    def batch(
        self, axis_: BatchAxis, args: Any, dims: Any, *, axis: int
    ) -> tuple[list[Any], list[Any]]:
        d = next(d for d in dims if d is not None)
        moved = [move_batch_axis(x, k, d, axis_.size) for x, k in zip(args, dims, strict=True)]
        return [concatenate(moved, axis + (axis >= d))], [d]

    def lower(self, kernel: Any, index: Any, *xs: Any, axis: int) -> Any:
        at, result, start = index[axis], None, 0
        for x in xs:
            size = x.shape[axis]
            if not size:
                continue
            inner = list(index)
            inner[axis] = kernel.clip_index(at - start, size) if len(xs) > 1 else at
            value = x(inner)
            below = kernel.compare("lt", at, kernel.int(start))
            result = (
                value if result is None else kernel.call("select", x.dtype, below, result, value)
            )
            start += size
        # Of operands that are all empty no element is ever asked for.
        return kernel.const(0, xs[0].dtype) if result is None else result


class Rev(Primitive):
    """Order reversed along `axes`."""

    linear = True

    def abstract_eval(self, x: ShapedArray, *, axes: tuple[int, ...]) -> list[ShapedArray]:
        if any(not 0 <= a < x.ndim for a in axes) or len(set(axes)) != len(axes):
            raise ShapeError(f"rev: expected distinct axes of {x}, got {axes}")
        return [x]

    def impl(self, x: Any, *, axes: Any) -> list[Any]:
        return [np.flip(x, axes)]

    def transpose(self, cts: Any, x: Any, *, axes: Any) -> list[Any]:
        return [rev(cts[0], axes)]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, axes: Any
    ) -> tuple[list[Any], list[Any]]:
        (x,), (d,) = args, dims
        return [rev(x, tuple(a + (a >= d) for a in axes))], [d]

    def lower(self, kernel: Any, index: Any, x: Any, *, axes: Any) -> Any:
        flip = lambda a, i: i * -1 + (x.shape[a] - 1) if a in axes else i
        return x([flip(a, i) for a, i in enumerate(index)])


class Copy(Primitive):
    """x, as a value of its own."""

    linear = True

    def abstract_eval(self, x: ShapedArray) -> list[ShapedArray]:
        return [x]

    def impl(self, x: Any) -> list[Any]:
        return [np.array(x)]

    def transpose(self, cts: Any, x: Any) -> list[Any]:
        return [cts[0]]

    def batch(self, axis: BatchAxis, args: Any, dims: Any) -> tuple[list[Any], list[Any]]:
        return self.bind(*args), list(dims)

    def lower(self, kernel: Any, index: Any, x: Any) -> Any:
        return x(index)


class Iota(Primitive):
    """0, 1, 2, … along one axis."""

    def abstract_eval(self, *, dtype: Any, shape: Any, axis: int) -> list[ShapedArray]:
        return [ShapedArray(tuple(shape), dtype)]

    def impl(self, *, dtype: Any, shape: Any, axis: int) -> list[Any]:
        line = np.arange(shape[axis]).astype(dtype)
        view = [1] * len(shape)
        view[axis] = shape[axis]
        return [np.broadcast_to(line.reshape(view), shape)]

    def lower(self, kernel: Any, index: Any, *, dtype: Any, shape: Any, axis: int) -> Any:
        return kernel.from_index(index[axis], dtype)


broadcast_in_dim_p, reshape_p, transpose_p = BroadcastInDim(), Reshape(), Transpose()
slice_p, pad_p, concatenate_p, rev_p, iota_p = Slice(), Pad(), Concatenate(), Rev(), Iota()
copy_p = Copy()


def broadcast_in_dim(x: Any, shape: Sequence[int], dims: Sequence[int]) -> Any:
    """x repeated to `shape`, its axis i being axis dims[i]."""
    if x.shape == tuple(shape):
        return x
    return broadcast_in_dim_p.bind(x, shape=tuple(shape), dims=tuple(dims))[0]


def reshape(x: Any, shape: Sequence[int]) -> Any:
    """x under another shape."""
    if x.shape == tuple(shape):
        return x
    return reshape_p.bind(x, shape=tuple(shape))[0]


def transpose(x: Any, perm: Sequence[int]) -> Any:
    """x with its axes in another order."""
    if tuple(perm) == tuple(range(x.ndim)):
        return x
    return transpose_p.bind(x, perm=tuple(perm))[0]


def slice_(x: Any, starts: Any, limits: Any, strides: Any = None) -> Any:
    """x[starts:limits:strides]"""
    strides = (1,) * x.ndim if strides is None else tuple(strides)
    if tuple(limits) == x.shape and not any(starts) and all(s == 1 for s in strides):
        return x
    return slice_p.bind(x, starts=tuple(starts), limits=tuple(limits), strides=strides)[0]


def slice_axis(x: Any, axis: int, start: int, stop: int, stride: int = 1) -> Any:
    """x[..., start:stop:stride, ...] along one axis."""
    starts, limits, strides = [0] * x.ndim, list(x.shape), [1] * x.ndim
    starts[axis], limits[axis], strides[axis] = start, stop, stride
    return slice_(x, starts, limits, strides)


def pad(x: Any, value: Any, config: Any) -> Any:
    """x padded by `value`: (low, high, interior) per axis."""
    config = tuple(tuple(int(v) for v in c) for c in config)
    if not any(any(c) for c in config):
        return x
    return pad_p.bind(x, value, config=config)[0]


def concatenate(xs: Sequence[Any], axis: int) -> Any:
    """xs one after another along `axis`."""
    return xs[0] if len(xs) == 1 else concatenate_p.bind(*xs, axis=axis)[0]


def rev(x: Any, axes: Sequence[int]) -> Any:
    """x reversed along `axes`."""
    return rev_p.bind(x, axes=tuple(axes))[0]


def iota(dtype: Any, shape: Sequence[int], axis: int) -> Any:
    """0, 1, 2, … along `axis`."""
    return iota_p.bind(dtype=dtype, shape=tuple(shape), axis=axis)[0]


def squeeze(x: Any, axes: Sequence[int]) -> Any:
    """x without axes of size 1: a reshape."""
    return reshape(x, [n for i, n in enumerate(x.shape) if i not in axes])


def expand_dims(x: Any, axes: Sequence[int]) -> Any:
    """x with axes of size 1 at the given places of the result: a reshape."""
    sizes = iter(x.shape)
    return reshape(x, [1 if i in axes else next(sizes) for i in range(x.ndim + len(axes))])

"""Collectives: what rows of a mapped axis say to each other.

In: a value of this row and the names of mapped axes.  Out: a value made from all rows'.
`vmap` over an axis named in `axis_names` turns each into an operation over the batch dim;
under pmap the replicas meet in `core.replicas`.
Knows nothing of: who maps, and trees of values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from .. import dtypes
from ..array import PYTHON_SCALARS, Array
from ..errors import ConcretizationError, DTypeError, ShapeError
from ..primitive import BatchAxis, Primitive
from ..replicas import current
from ..state import axis_size
from ..types import ShapedArray
from . import elementwise as E
from . import indexing as I
from . import reduction as R
from . import selection as C
from . import shape as S

Names = tuple[str, ...]


class Collective(Primitive):
    """An operation among the rows of one mapped axis; `axis_names` holds its name."""

    def local(self, axis: BatchAxis, x: Any, d: int | None, **params: Any) -> tuple[Any, Any]:
        """The result, and its batch dim, where the rows lie along axis d of x."""
        raise NotImplementedError

    def along(self, x: Any, **params: Any) -> tuple[Any, int]:
        """The collective on each of a batch along axis 0, and the result's batch dim."""
        raise NotImplementedError

    def exchange(self, values: list[Any], **params: Any) -> list[Any]:
        """What each replica takes home, from what each brought."""
        raise NotImplementedError

    def impl(self, x: Any, *, axis_names: Names, **params: Any) -> list[Any]:
        for name in axis_names:
            context, size = current(name), axis_size(name)
            if context is None:  # evaluated while tracing, so x is the same in every row
                x = self.exchange([x] * size, **params)[0]
                continue
            what = (self.name, name, x.shape, str(x.dtype), *map(str, params.values()))
            combine = lambda values: self.exchange(values, **params)
            x = context.group.exchange(context.place, what, x, combine)
        return [x]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, /, *, axis_names: Names, **params: Any
    ) -> tuple[list[Any], list[Any]]:
        (x,), (d,) = args, dims
        if axis.name is not None and axis.name in axis_names:
            out, d = self.local(axis, x, d, **params)
            rest = tuple(n for n in axis_names if n != axis.name)
            if not rest:
                return [out], [d]
            if d is None:
                return self.bind(out, axis_names=rest, **params), [None]
            x, axis_names = out, rest
        out, d = self.along(S.move_batch_axis(x, d, 0, axis.size), axis_names=axis_names, **params)
        return [out], [d]


class AllReduce(Collective):
    """One value for all rows, folded from every row's."""

    op: ClassVar[Any]
    kinds: ClassVar[str] = "ifc"

    def abstract_eval(self, x: ShapedArray, *, axis_names: Names) -> list[ShapedArray]:
        for name in axis_names:
            axis_size(name)
        if dtypes.kind(x.dtype) not in self.kinds:
            raise DTypeError(f"{self.name}: expected numbers, got {x}; use astype")
        return [x]

    def exchange(self, values: list[Any]) -> list[Any]:
        dtype = values[0].dtype
        half = dtype.itemsize == 2 and dtype.kind in "fV"
        total = np.array(values[0], np.float32 if half else dtype)
        for value in values[1:]:
            total = np.asarray(self.op(total, value), total.dtype)
        total = total.astype(dtype) if half else total
        return [total, *[total.copy() for _ in values[1:]]]

    def along(self, x: Any, *, axis_names: Names) -> tuple[Any, int]:
        return self.bind(x, axis_names=axis_names)[0], 0


class Psum(AllReduce):
    """Sum over the rows.  Its transpose is itself, as in JAX's pmap."""

    linear, op = True, np.add

    def transpose(self, cts: Any, x: Any, *, axis_names: Names) -> list[Any]:
        return [psum(cts[0], axis_names)]

    def local(self, axis: BatchAxis, x: Any, d: int | None) -> tuple[Any, Any]:
        if d is None:
            return E.mul(x, S.full(x.shape, axis.size, x.dtype)), None
        return R.reduce_sum(x, (d,)), None


class RowExtremum(AllReduce):
    """Extremum over the rows; rows that attain it share the derivative."""

    kinds = "bif"
    reduce: ClassVar[Any]

    def jvp(self, primals: Any, tangents: Any, *, axis_names: Names) -> tuple[list[Any], list[Any]]:
        (x,), (t,) = primals, tangents
        (out,) = self.bind(x, axis_names=axis_names)
        hit = C.convert(E.eq(x, out), x.dtype)
        return [out], [E.div(psum(E.mul(t, hit), axis_names), psum(hit, axis_names))]

    def local(self, axis: BatchAxis, x: Any, d: int | None) -> tuple[Any, Any]:
        return (x if d is None else type(self).reduce(x, (d,))), None


class Pmax(RowExtremum):
    """Largest over the rows."""

    op, reduce = np.maximum, staticmethod(R.reduce_max)


class Pmin(RowExtremum):
    """Smallest over the rows."""

    op, reduce = np.minimum, staticmethod(R.reduce_min)


class AllGather(Collective):
    """Every row's x, stacked along a new `axis`."""

    linear = True

    def abstract_eval(self, x: ShapedArray, *, axis_names: Names, axis: int) -> list[ShapedArray]:
        size = axis_size(axis_names[0])
        if not 0 <= axis <= x.ndim:
            raise ShapeError(f"all_gather: expected an axis in 0..{x.ndim} for {x}, got {axis}")
        return [x.update(shape=(*x.shape[:axis], size, *x.shape[axis:]))]

    def exchange(self, values: list[Any], *, axis: int) -> list[Any]:
        whole = np.stack(values, axis)
        return [whole, *[whole.copy() for _ in values[1:]]]

    def transpose(self, cts: Any, x: Any, *, axis_names: Names, axis: int) -> list[Any]:
        return psum_scatter_p.bind(cts[0], axis_names=axis_names, axis=axis)

    def local(self, axis_: BatchAxis, x: Any, d: int | None, *, axis: int) -> tuple[Any, Any]:
        return S.move_batch_axis(x, d, axis, axis_.size), None

    def along(self, x: Any, *, axis_names: Names, axis: int) -> tuple[Any, int]:
        return self.bind(x, axis_names=axis_names, axis=axis + 1)[0], 0


class PsumScatter(Collective):
    """The sum over rows, of which row i keeps place i along `axis`."""

    linear = True

    def abstract_eval(self, x: ShapedArray, *, axis_names: Names, axis: int) -> list[ShapedArray]:
        size = axis_size(axis_names[0])
        if not 0 <= axis < x.ndim or x.shape[axis] != size:
            raise ShapeError(
                f"psum_scatter: expected the size {size} of mapped axis {axis_names[0]!r} "
                f"along axis {axis}, got {x}; use tiled=True to scatter blocks"
            )
        return [x.update(shape=(*x.shape[:axis], *x.shape[axis + 1 :]))]

    def exchange(self, values: list[Any], *, axis: int) -> list[Any]:
        total = psum_p.exchange(values)[0]
        return [np.ascontiguousarray(np.take(total, i, axis)) for i in range(len(values))]

    def transpose(self, cts: Any, x: Any, *, axis_names: Names, axis: int) -> list[Any]:
        return all_gather_p.bind(cts[0], axis_names=axis_names, axis=axis)

    def local(self, axis_: BatchAxis, x: Any, d: int | None, *, axis: int) -> tuple[Any, Any]:
        return psum_p.local(axis_, x, d)[0], axis

    def along(self, x: Any, *, axis_names: Names, axis: int) -> tuple[Any, int]:
        return self.bind(x, axis_names=axis_names, axis=axis + 1)[0], 0


class Ppermute(Collective):
    """Row `source` sends x to row `target` for each pair in `perm`; rows sent nothing get 0."""

    linear = True

    def abstract_eval(self, x: ShapedArray, *, axis_names: Names, perm: Any) -> list[ShapedArray]:
        size = axis_size(axis_names[0])
        sources, targets = [s for s, _ in perm], [t for _, t in perm]
        inside = all(0 <= i < size for i in (*sources, *targets))
        if not inside or len(set(sources)) != len(perm) or len(set(targets)) != len(perm):
            raise ShapeError(
                "ppermute: expected pairs (source, target) of distinct rows in "
                f"0..{size - 1}, got {perm}; name every row at most once as source and once "
                "as target"
            )
        return [x]

    def exchange(self, values: list[Any], *, perm: Any) -> list[Any]:
        out = [np.zeros_like(v) for v in values]
        for source, target in perm:
            out[target] = np.array(values[source])
        return out

    def transpose(self, cts: Any, x: Any, *, axis_names: Names, perm: Any) -> list[Any]:
        back = tuple((t, s) for s, t in perm)
        return self.bind(cts[0], axis_names=axis_names, perm=back)

    def local(self, axis: BatchAxis, x: Any, d: int | None, *, perm: Any) -> tuple[Any, Any]:
        x = S.move_batch_axis(x, d, 0, axis.size)
        source = np.full(axis.size, -1)
        for s, t in perm:
            source[t] = s
        rest = "abcdefghijklmnopqrstuvwxyz"[: x.ndim - 1]
        spec = f"Z{rest}[Z],Y->Y{rest}"
        if len(perm) == axis.size:
            return I.gather(x, [Array(source)], spec, "promise"), 0
        return I.gather(x, [Array(source)], spec, "fill", 0), 0

    def along(self, x: Any, *, axis_names: Names, perm: Any) -> tuple[Any, int]:
        return self.bind(x, axis_names=axis_names, perm=perm)[0], 0


class AllToAll(Collective):
    """Row i sends place j along `split` to row j, which stacks what it gets along `concat`."""

    linear = True

    def abstract_eval(
        self, x: ShapedArray, *, axis_names: Names, split: int, concat: int
    ) -> list[ShapedArray]:
        size = axis_size(axis_names[0])
        if not (0 <= split < x.ndim and 0 <= concat < x.ndim) or x.shape[split] != size:
            raise ShapeError(
                f"all_to_all: expected axis {split} of {x} to have the size {size} of mapped axis "
                f"{axis_names[0]!r}, and an axis to stack along, got {concat}"
            )
        rest = [*x.shape[:split], *x.shape[split + 1 :]]
        rest.insert(concat, size)
        return [x.update(shape=tuple(rest))]

    def exchange(self, values: list[Any], *, split: int, concat: int) -> list[Any]:
        return [
            np.stack([np.take(v, i, split) for v in values], concat) for i in range(len(values))
        ]

    def transpose(
        self, cts: Any, x: Any, *, axis_names: Names, split: int, concat: int
    ) -> list[Any]:
        return self.bind(cts[0], axis_names=axis_names, split=concat, concat=split)

    def local(
        self, axis: BatchAxis, x: Any, d: int | None, *, split: int, concat: int
    ) -> tuple[Any, Any]:
        x = S.move_batch_axis(x, d, 0, axis.size)
        rest = [a for a in range(x.ndim) if a not in (0, split + 1)]
        rest.insert(concat, 0)
        return S.transpose(x, (split + 1, *rest)), 0

    def along(self, x: Any, *, axis_names: Names, split: int, concat: int) -> tuple[Any, int]:
        return self.bind(x, axis_names=axis_names, split=split + 1, concat=concat + 1)[0], 0


class Pcast(Collective):
    """x, counted as different in every row; its transpose adds the rows' cotangents."""

    linear = True

    def abstract_eval(self, x: ShapedArray, *, axis_names: Names) -> list[ShapedArray]:
        for name in axis_names:
            axis_size(name)
        return [x]

    def exchange(self, values: list[Any]) -> list[Any]:
        return values

    def transpose(self, cts: Any, x: Any, *, axis_names: Names) -> list[Any]:
        return [psum(cts[0], axis_names)]

    def local(self, axis: BatchAxis, x: Any, d: int | None) -> tuple[Any, Any]:
        return (S.move_batch_axis(x, None, 0, axis.size), 0) if d is None else (x, d)

    def along(self, x: Any, *, axis_names: Names) -> tuple[Any, int]:
        return self.bind(x, axis_names=axis_names)[0], 0


class AxisIndex(Primitive):
    """Which row this is, int32."""

    def abstract_eval(self, *, axis_names: Names) -> list[ShapedArray]:
        axis_size(axis_names[0])
        return [ShapedArray((), dtypes.int32)]

    def impl(self, *, axis_names: Names) -> list[Any]:
        context = current(axis_names[0])
        if context is None:
            raise ConcretizationError(
                f"axis_index of {axis_names[0]!r}: expected a value known while tracing, got one "
                "that differs between the rows; choose between values with ftx.numpy.where"
            )
        return [np.asarray(context.place, np.int32)]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, axis_names: Names
    ) -> tuple[list[Any], list[Any]]:
        return [S.iota(dtypes.int32, (axis.size,), 0)], [0]


psum_p, pmax_p, pmin_p = Psum(), Pmax(), Pmin()
all_gather_p, psum_scatter_p, ppermute_p = AllGather(), PsumScatter(), Ppermute()
all_to_all_p, axis_index_p, pcast_p = AllToAll(), AxisIndex(), Pcast()


def names_of(axis_names: str | Sequence[str]) -> Names:
    """One name or several, as a tuple."""
    return (axis_names,) if isinstance(axis_names, str) else tuple(axis_names)


def total_size(axis_names: str | Sequence[str]) -> int:
    """Number of rows along the named axes."""
    return int(np.prod([axis_size(n) for n in names_of(axis_names)], dtype=int))


def psum(x: Any, axis_names: str | Sequence[str]) -> Any:
    """Sum of x over the rows; of a Python number, its multiple by the number of rows."""
    names = names_of(axis_names)
    if type(x) in PYTHON_SCALARS:
        return x * total_size(names)
    x = C.convert(x, dtypes.int32) if x.dtype == dtypes.bool_ else x
    return psum_p.bind(x, axis_names=names)[0] if names else x


def pmax(x: Any, axis_names: str | Sequence[str]) -> Any:
    """Largest x over the rows."""
    names = names_of(axis_names)
    return pmax_p.bind(x, axis_names=names)[0] if names else x


def pmin(x: Any, axis_names: str | Sequence[str]) -> Any:
    """Smallest x over the rows."""
    names = names_of(axis_names)
    return pmin_p.bind(x, axis_names=names)[0] if names else x


def all_gather(x: Any, axis_names: str | Sequence[str], axis: int = 0, tiled: bool = False) -> Any:
    """Every row's x, along a new axis, or end to end along `axis` if `tiled`."""
    names = names_of(axis_names)
    axis = axis % (x.ndim + (not tiled))
    for i, name in enumerate(reversed(names)):
        x = all_gather_p.bind(x, axis_names=(name,), axis=axis)[0]
        if tiled or i:
            x = _merge(x, axis)
    return x


def _merge(x: Any, axis: int) -> Any:
    return S.reshape(x, (*x.shape[:axis], x.shape[axis] * x.shape[axis + 1], *x.shape[axis + 2 :]))


def _split(x: Any, axis: int, size: int) -> Any:
    if x.shape[axis] % size:
        raise ShapeError(
            f"tiled collective: expected a multiple of {size} rows along axis {axis}, got {x.aval}"
        )
    return S.reshape(x, (*x.shape[:axis], size, x.shape[axis] // size, *x.shape[axis + 1 :]))


def psum_scatter(
    x: Any, axis_names: str | Sequence[str], axis: int = 0, tiled: bool = False
) -> Any:
    """The sum of x over rows, of which each row keeps its part along `axis`."""
    names, axis = names_of(axis_names), axis % x.ndim
    for i, name in enumerate(names):
        last = i == len(names) - 1
        if tiled or not last:
            x = _split(x, axis, axis_size(name))
        x = psum_scatter_p.bind(x, axis_names=(name,), axis=axis)[0]
    return x


def ppermute(x: Any, axis_name: str, perm: Sequence[tuple[int, int]]) -> Any:
    """x from row `source` at row `target`, for every pair; zeros where nothing arrives."""
    (name,) = names_of(axis_name)
    pairs = tuple((int(s), int(t)) for s, t in perm)
    return ppermute_p.bind(x, axis_names=(name,), perm=pairs)[0]


def all_to_all(
    x: Any, axis_name: str, split_axis: int, concat_axis: int, tiled: bool = False
) -> Any:
    """Transpose rows with `split_axis`; see AllToAll."""
    (name,) = names_of(axis_name)
    split, concat = split_axis % x.ndim, concat_axis % x.ndim
    if not tiled:
        return all_to_all_p.bind(x, axis_names=(name,), split=split, concat=concat)[0]
    x = _split(x, split, axis_size(name))
    x = all_to_all_p.bind(x, axis_names=(name,), split=split, concat=concat)[0]
    return _merge(x, concat)


def pcast(x: Any, axis_names: str | Sequence[str]) -> Any:
    """x as a value that varies along the named axes."""
    names = names_of(axis_names)
    return pcast_p.bind(x, axis_names=names)[0] if names else x


def axis_index(axis_names: str | Sequence[str]) -> Any:
    """Which row this is; of several axes, counted with the last fastest."""
    found = None
    for name in names_of(axis_names):
        (i,) = axis_index_p.bind(axis_names=(name,))
        scaled = None if found is None else E.mul(found, S.full((), axis_size(name), dtypes.int32))
        found = i if scaled is None else E.add(scaled, i)
    return found

"""Reading and writing at computed places: gather, scatter, dynamic slices.

A gather is written with labels, one letter per axis: "ab[a],i->ib" reads an operand with axes
a and b at positions given by an index array with axis i, along a; b passes through.  A letter
shared by operand and index (not indexed) is a batch axis.  A scatter has the same spec and is
its transpose: updates have the axes of the gather's output.

In: an operand, index arrays of one shape (one per indexed axis), for scatter also updates.
Modes: 'raise' outside indices are an error; 'clip' nearest; 'fill' / 'drop' a fill value or
nothing; 'promise' the caller vouches.  Negative indices are resolved by `ftx.numpy`.
Knows nothing of: NumPy's indexing syntax.
"""

from __future__ import annotations

import string
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .. import dtypes
from ..errors import DTypeError, IndexOutOfRangeError, ShapeError
from ..primitive import BatchAxis, Linear, Primitive
from ..types import ShapedArray
from . import elementwise as E
from . import selection as C
from . import shape as S
from .formula import full_like

MODES = ("raise", "clip", "fill", "drop", "promise")


class GatherSpec(NamedTuple):
    """The four label groups of "ab[a],i->ib"."""

    operand: str
    indexed: str
    at: str
    out: str

    @staticmethod
    def parse(spec: str) -> GatherSpec:
        operands, out = spec.split("->")
        operand, index = operands.split(",")
        operand, indexed = operand.rstrip("]").split("[")
        return GatherSpec(operand, indexed, index, out)

    def __str__(self) -> str:
        return f"{self.operand}[{self.indexed}],{self.at}->{self.out}"

    def fresh(self) -> str:
        """A letter not in use."""
        return next(c for c in string.ascii_letters if c not in str(self))


def _out_shape(name: str, spec: str, x: ShapedArray, indices: Any) -> tuple[int, ...]:
    s = GatherSpec.parse(spec)
    if len(s.operand) != x.ndim or len(indices) != len(s.indexed):
        raise ShapeError(
            f"{name}[{spec}]: expected an operand of {len(s.operand)} axes and "
            f"{len(s.indexed)} index arrays, got {x} and {len(indices)}"
        )
    size = dict(zip(s.operand, x.shape, strict=True))
    for i in indices:
        if not dtypes.is_integer(i.dtype):
            raise DTypeError(f"{name}[{spec}]: expected integer indices, got {i}; use astype")
        for letter, n in zip(s.at, i.shape, strict=True):
            if size.setdefault(letter, n) != n:
                raise ShapeError(
                    f"{name}[{spec}]: expected axis '{letter}' of one size, got {x} and {i}"
                )
    return tuple(size[c] for c in s.out)


def _positions(s: GatherSpec, x: Any, indices: Any, out_shape: Any) -> list[Any]:
    """For every axis of x, the NumPy index of each element of the output."""
    found = []
    for letter, n in zip(s.operand, x.shape, strict=True):
        if letter in s.indexed:
            array, own = indices[s.indexed.index(letter)], s.at
        else:
            array, own = np.arange(n), letter
        order = sorted(range(len(own)), key=lambda k: s.out.index(own[k]))
        view = [1] * len(s.out)
        for k in order:
            view[s.out.index(own[k])] = array.shape[k]
        found.append(np.transpose(array, order).reshape(view).astype(np.int64, copy=False))
    return found


def _outside(s: GatherSpec, x: Any, positions: Any) -> Any:
    """Where some position is out of range."""
    bad: Any = np.zeros((), bool)
    for letter, n, p in zip(s.operand, x.shape, positions, strict=True):
        if letter in s.indexed:
            bad = bad | (p < 0) | (p >= n)
    return bad


def _clipped(x: Any, positions: Any) -> tuple[Any, ...]:
    return tuple(np.clip(p, 0, n - 1) for p, n in zip(positions, x.shape, strict=True))


def index_error(spec: str, shape: Any, detail: str = "") -> IndexOutOfRangeError:
    """The error of mode 'raise'."""
    s = GatherSpec.parse(spec)
    sizes = [n for letter, n in zip(s.operand, shape, strict=True) if letter in s.indexed]
    return IndexOutOfRangeError(
        f"index out of range: expected indices in 0..size-1 along axes of size {sizes}"
        f"{detail}; use .at[...].get(mode='clip'), mode='fill' or a mask"
    )


class Gather(Primitive):
    """Elements of x at computed places."""

    def abstract_eval(
        self, x: Any, *indices: Any, spec: str, mode: str, fill: Any
    ) -> list[ShapedArray]:
        return [ShapedArray(_out_shape("gather", spec, x, indices), x.dtype, x.weak_type)]

    def impl(self, x: Any, *indices: Any, spec: str, mode: str, fill: Any) -> list[Any]:
        s = GatherSpec.parse(spec)
        out_shape = _out_shape("gather", spec, x, indices)
        positions = _positions(s, x, indices, out_shape)
        bad = _outside(s, x, positions) if mode in ("raise", "fill") else np.zeros((), bool)
        if mode == "raise" and bad.any():
            first = [
                p[np.unravel_index(np.argmax(bad), bad.shape)] if p.shape == bad.shape else p
                for p, c in zip(positions, s.operand, strict=True)
                if c in s.indexed
            ]
            first = [int(f) for f in first if np.ndim(f) == 0]
            raise index_error(spec, x.shape, f", got {first}")
        if x.size == 0:
            return [np.full(out_shape, self.fill_value(x.dtype, fill), x.dtype)]
        if s.out == s.operand.replace(s.indexed, s.at) and len(indices) == 1:
            places = indices[0].astype(np.int64, copy=False)
            out = x.take(places, s.operand.index(s.indexed), mode="clip")
        else:
            found = tuple(positions) if mode == "raise" else _clipped(x, positions)
            out = np.broadcast_to(x[found], out_shape)
        if mode == "fill":
            out = np.where(bad, np.asarray(self.fill_value(x.dtype, fill), x.dtype), out)
        return [np.asarray(out, x.dtype)]

    @staticmethod
    def fill_value(dtype: Any, fill: Any) -> Any:
        """`fill`, or by default NaN for inexact, the extreme for integers, True for bool."""
        if fill is not None:
            return fill
        if dtypes.is_inexact(dtype):
            return np.nan
        if dtype == dtypes.bool_:
            return True
        info = np.iinfo(dtype)
        return info.min if info.min else info.max

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        x, *indices = primals
        out = self.bind(x, *indices, **params)
        if tangents[0] is None:
            return out, [None]
        return out, self.bind(tangents[0], *indices, **params | {"fill": 0})

    def transpose(
        self, cts: Any, x: Any, *indices: Any, spec: str, mode: str, fill: Any
    ) -> list[Any]:
        zero = S.full(x.shape, 0, x.dtype)
        mode = "drop" if mode == "fill" else mode
        ct = scatter_add_p.bind(zero, cts[0], *indices, spec=spec, mode=mode)[0]
        return [ct, *[None] * len(indices)]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, spec: str, mode: str, fill: Any
    ) -> tuple[list[Any], list[Any]]:
        new, args = _batched(GatherSpec.parse(spec), axis, args, dims, 1)
        return self.bind(*args, spec=str(new), mode=mode, fill=fill), [0]

    def lower(
        self, kernel: Any, index: Any, x: Any, *indices: Any, spec: str, mode: str, fill: Any
    ) -> Any:
        s = GatherSpec.parse(spec)
        if 0 in x.shape:
            return kernel.const(self.fill_value(x.dtype, fill), x.dtype)
        place, inside = _lower_place(kernel, index, x, indices, s, mode)
        value = x(place)
        if mode != "fill":
            return value
        default = kernel.const(self.fill_value(x.dtype, fill), x.dtype)
        return kernel.call("select", x.dtype, inside, value, default)


def _lower_place(
    kernel: Any, index: Any, x: Any, indices: Any, s: GatherSpec, mode: str
) -> tuple[list[Any], Any]:
    """Index expressions into x for the output element at `index`, and whether in range."""
    at = dict(zip(s.out, index, strict=True))
    place, inside = [], None
    for letter, n in zip(s.operand, x.shape, strict=True):
        if letter not in s.indexed:
            place.append(at[letter])
            continue
        i = kernel.to_index(indices[s.indexed.index(letter)]([at[c] for c in s.at]))
        if mode == "promise":
            place.append(i)
        elif mode == "raise":
            place.append(kernel.checked_index(i, n))
        else:
            place.append(kernel.clip_index(i, n))
            for test in (
                kernel.compare("ge", i, kernel.int(0)),
                kernel.compare("lt", i, kernel.int(n)),
            ):
                inside = test if inside is None else kernel.call("and", dtypes.bool_, inside, test)
    return place, inside


def _batched(
    s: GatherSpec, axis: BatchAxis, args: Any, dims: Any, n_lead: int
) -> tuple[GatherSpec, list[Any]]:
    """The spec with one more label, and the arguments with their batch axis in front."""
    b = s.fresh()
    lead = list(zip(args[:n_lead], dims[:n_lead], strict=True))
    rest = list(zip(args[n_lead:], dims[n_lead:], strict=True))
    index_batched = any(d is not None for _, d in rest)
    operand_batched = any(d is not None for _, d in lead) or n_lead == 2
    moved = [S.move_batch_axis(x, d, 0, axis.size) if operand_batched else x for x, d in lead]
    moved += [S.move_batch_axis(x, d, 0, axis.size) if index_batched else x for x, d in rest]
    operand = b + s.operand if operand_batched else s.operand
    index = b + s.at if index_batched else s.at
    return GatherSpec(operand, s.indexed, index, b + s.out), moved


class ScatterBase(Primitive):
    """x with updates combined into computed places; operands x, updates, *indices."""

    combine: ClassVar[str]
    """Elementwise primitive joining old and new, or 'set'."""

    def abstract_eval(
        self, x: Any, updates: Any, *indices: Any, spec: str, mode: str
    ) -> list[ShapedArray]:
        wanted = _out_shape(self.name, spec, x, indices)
        if updates.shape != wanted or updates.dtype != x.dtype:
            raise ShapeError(
                f"{self.name}[{spec}]: expected updates {ShapedArray(wanted, x.dtype)} for {x}, "
                f"got {updates}"
            )
        return [x.strong]

    def impl(self, x: Any, updates: Any, *indices: Any, spec: str, mode: str) -> list[Any]:
        s = GatherSpec.parse(spec)
        out = np.array(x)
        positions = _positions(s, x, indices, updates.shape)
        bad = _outside(s, x, positions)
        if mode == "raise" and bad.any():
            raise index_error(spec, x.shape)
        if out.size == 0 or updates.size == 0:
            return [out]
        if mode in ("fill", "drop") and bad.any():
            keep = ~np.broadcast_to(bad, updates.shape)
            positions = [np.broadcast_to(p, updates.shape)[keep] for p in positions]
            updates = updates[keep]
        self.update(out, _clipped(x, positions), updates)
        return [out]

    def update(self, out: Any, positions: Any, updates: Any) -> None:
        """Combine in place, with NumPy."""
        getattr(
            np, {"add": "add", "mul": "multiply", "min": "minimum", "max": "maximum"}[self.combine]
        ).at(out, positions, updates)

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, spec: str, mode: str
    ) -> tuple[list[Any], list[Any]]:
        new, args = _batched(GatherSpec.parse(spec), axis, args, dims, 2)
        return self.bind(*args, spec=str(new), mode=mode), [0]

    def lower_scatter(
        self, kernel: Any, index: Any, x: Any, indices: Any, *, spec: str, mode: str
    ) -> tuple[list[Any], Any]:
        """Where the update at `index` goes, and whether it counts (None: always)."""
        return _lower_place(kernel, index, x, indices, GatherSpec.parse(spec), mode)


class ScatterAdd(ScatterBase):
    """Adds updates; several to one place all count, in order."""

    combine = "add"

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        x, updates, *indices = primals
        tx = S.full(x.shape, 0, x.dtype) if tangents[0] is None else tangents[0]
        tu = S.full(updates.shape, 0, x.dtype) if tangents[1] is None else tangents[1]
        return self.bind(*primals, **params), self.bind(tx, tu, *indices, **params)

    def transpose(
        self, cts: Any, x: Any, updates: Any, *indices: Any, spec: str, mode: str
    ) -> list[Any]:
        (ct,) = cts
        ct_updates = None
        if isinstance(updates, Linear):
            read = "fill" if mode == "drop" else mode
            ct_updates = gather_p.bind(ct, *indices, spec=spec, mode=read, fill=0)[0]
        return [ct if isinstance(x, Linear) else None, ct_updates, *[None] * len(indices)]


class Scatter(ScatterBase):
    """Sets updates; of several to one place the last counts."""

    combine = "set"

    def update(self, out: Any, positions: Any, updates: Any) -> None:
        out[positions] = updates

    def jvp(
        self, primals: Any, tangents: Any, *, spec: str, mode: str
    ) -> tuple[list[Any], list[Any]]:
        """A place gets the tangent of the update whose value it holds: the last one written."""
        x, updates, *indices = primals
        tx, tu = tangents[:2]
        out = self.bind(*primals, spec=spec, mode=mode)
        number = S.reshape(S.iota(dtypes.int64, (updates.aval.size,), 0), updates.shape)
        none = S.full(x.shape, -1, dtypes.int64)
        winner = self.bind(none, number, *indices, spec=spec, mode=mode)[0]
        moved = S.full(x.shape, 0, x.dtype) if tx is None else tx
        moved = C.select(E.lt(winner, S.full(x.shape, 0, dtypes.int64)), moved, full_like(x, 0))
        if tu is None:
            return out, [moved]
        read = {"drop": "fill"}.get(mode, mode)
        seen = gather_p.bind(winner, *indices, spec=spec, mode=read, fill=-1)[0]
        counts = C.select(E.eq(seen, number), tu, full_like(tu, 0))
        return out, scatter_add_p.bind(moved, counts, *indices, spec=spec, mode=mode)


class ScatterMul(ScatterBase):
    """Multiplies by updates; several to one place all count."""

    combine = "mul"

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        x, updates, *indices = primals
        tx, tu = tangents[:2]
        terms = []
        if tx is not None:
            factor = self.bind(full_like(x, 1), updates, *indices, **params)[0]
            terms.append(E.mul(tx, factor))  # not bind(tx, …), which has no transpose
        if tu is not None:
            slopes = self._other_factors(x, updates, indices, params)
            zero = S.full(x.shape, 0, x.dtype)
            terms.append(scatter_add_p.bind(zero, E.mul(tu, slopes), *indices, **params)[0])
        return self.bind(*primals, **params), [terms[0] if len(terms) == 1 else E.add(*terms)]

    def _other_factors(self, x: Any, updates: Any, indices: Any, params: Any) -> Any:
        """What each update is multiplied with: the result over it, or, if it is 0, without zeros.

        Of several zeros at one place each has another among its factors.
        """
        read = params | {"mode": {"drop": "fill"}.get(params["mode"], params["mode"]), "fill": 0}
        none = E.eq(updates, full_like(updates, 0))
        safe = C.select(none, full_like(updates, 1), updates)
        (product,) = self.bind(x, safe, *indices, **params)
        zeros = C.convert(none, x.dtype)
        count = scatter_add_p.bind(full_like(x, 0), zeros, *indices, **params)[0]
        others = E.sub(gather_p.bind(count, *indices, **read)[0], zeros)
        rest = E.div(gather_p.bind(product, *indices, **read)[0], safe)
        return C.select(E.eq(others, full_like(others, 0)), rest, full_like(rest, 0))


class ScatterExtremum(ScatterBase):
    """Keeps the extremum; the derivative goes to operand and updates that equal the result."""

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        x, updates, *indices = primals
        (out,) = self.bind(*primals, **params)
        read = {"drop": "fill"}.get(params["mode"], params["mode"])
        held = gather_p.bind(out, *indices, spec=params["spec"], mode=read, fill=0)[0]
        own = C.convert(E.eq(x, out), x.dtype)
        hits = C.convert(E.eq(updates, held), x.dtype)
        count = scatter_add_p.bind(own, hits, *indices, **params)[0]
        moved = full_like(x, 0) if tangents[0] is None else E.mul(own, tangents[0])
        if tangents[1] is not None:
            moved = scatter_add_p.bind(moved, E.mul(hits, tangents[1]), *indices, **params)[0]
        return [out], [E.div(moved, count)]


class ScatterMin(ScatterExtremum):
    """Keeps the smaller of old and new."""

    combine = "min"


class ScatterMax(ScatterExtremum):
    """Keeps the larger of old and new."""

    combine = "max"


class DynamicSlice(Primitive):
    """A window of static `sizes` whose corner is computed; moved inside if it sticks out."""

    def abstract_eval(self, x: Any, *starts: Any, sizes: Any) -> list[ShapedArray]:
        _check_window("dynamic_slice", x, starts, sizes)
        return [ShapedArray(tuple(sizes), x.dtype, x.weak_type)]

    def impl(self, x: Any, *starts: Any, sizes: Any) -> list[Any]:
        corner = _corner(x.shape, starts, sizes)
        return [x[tuple(slice(c, c + n) for c, n in zip(corner, sizes, strict=True))]]

    def jvp(self, primals: Any, tangents: Any, *, sizes: Any) -> tuple[list[Any], list[Any]]:
        x, *starts = primals
        out = self.bind(x, *starts, sizes=sizes)
        if tangents[0] is None:
            return out, [None]
        return out, self.bind(tangents[0], *starts, sizes=sizes)

    def transpose(self, cts: Any, x: Any, *starts: Any, sizes: Any) -> list[Any]:
        zero = S.full(x.shape, 0, x.dtype)
        return [dynamic_update_slice(zero, cts[0], starts), *[None] * len(starts)]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, sizes: Any
    ) -> tuple[list[Any], list[Any]]:
        (x, *starts), (dx, *ds) = args, dims
        if all(d is None for d in ds):
            zero = S.full((), 0, starts[0].dtype) if starts else S.full((), 0, dtypes.int32)
            starts = [*starts[:dx], zero, *starts[dx:]]
            return [dynamic_slice(x, starts, (*sizes[:dx], axis.size, *sizes[dx:]))], [dx]
        shape = x.shape if dx is None else (*x.shape[:dx], *x.shape[dx + 1 :])
        indices, spec = _window_gather(axis, starts, ds, shape, sizes, dx is not None)
        x = x if dx is None else S.move_batch_axis(x, dx, 0, axis.size)
        return gather_p.bind(x, *indices, spec=spec, mode="promise", fill=None), [0]

    def lower(self, kernel: Any, index: Any, x: Any, *starts: Any, sizes: Any) -> Any:
        place = []
        for i, s, n, size in zip(index, starts, x.shape, sizes, strict=True):
            free = n - size
            corner = kernel.clip_index(kernel.to_index(s([])), free + 1) if free else kernel.int(0)
            place.append(i + corner)
        return x(place)


class DynamicUpdateSlice(Primitive):
    """x with a window replaced; operands x, update, *starts."""

    def abstract_eval(self, x: Any, update: Any, *starts: Any) -> list[ShapedArray]:
        _check_window("dynamic_update_slice", x, starts, update.shape)
        if update.dtype != x.dtype:
            raise DTypeError(f"dynamic_update_slice: expected dtype of {x}, got update {update}")
        return [x.strong]

    def impl(self, x: Any, update: Any, *starts: Any) -> list[Any]:
        corner, out = _corner(x.shape, starts, update.shape), np.array(x)
        out[tuple(slice(c, c + n) for c, n in zip(corner, update.shape, strict=True))] = update
        return [out]

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        x, update, *starts = primals
        tx = full_like(x, 0) if tangents[0] is None else tangents[0]
        tu = full_like(update, 0) if tangents[1] is None else tangents[1]
        return self.bind(*primals), self.bind(tx, tu, *starts)

    def transpose(self, cts: Any, x: Any, update: Any, *starts: Any) -> list[Any]:
        (ct,) = cts
        ct_x = ct_update = None
        if isinstance(x, Linear):
            ct_x = dynamic_update_slice(ct, S.full(update.shape, 0, ct.dtype), starts)
        if isinstance(update, Linear):
            ct_update = dynamic_slice(ct, starts, update.shape)
        return [ct_x, ct_update, *[None] * len(starts)]

    def batch(self, axis: BatchAxis, args: Any, dims: Any) -> tuple[list[Any], list[Any]]:
        (x, update, *starts), (dx, du, *ds) = args, dims
        x = S.move_batch_axis(x, dx, 0, axis.size)
        update = S.move_batch_axis(update, du, 0, axis.size)
        if all(d is None for d in ds):
            zero = S.full((), 0, starts[0].dtype) if starts else S.full((), 0, dtypes.int32)
            return [dynamic_update_slice(x, update, [zero, *starts])], [0]
        indices, spec = _window_gather(axis, starts, ds, x.shape[1:], update.shape[1:], True)
        return scatter_p.bind(x, update, *indices, spec=spec, mode="promise"), [0]

    def lower(self, kernel: Any, index: Any, x: Any, update: Any, *starts: Any) -> Any:
        inside, place = None, []
        for i, s, n, size in zip(index, starts, x.shape, update.shape, strict=True):
            free = n - size
            if not free:
                place.append(i)
                continue
            at = i - kernel.clip_index(kernel.to_index(s([])), free + 1)
            place.append(kernel.clip_index(at, size))
            for test in (
                kernel.compare("ge", at, kernel.int(0)),
                kernel.compare("lt", at, kernel.int(size)),
            ):
                inside = test if inside is None else kernel.call("and", dtypes.bool_, inside, test)
        if inside is None:
            return update(place)
        if not update.size:
            return x(index)
        return kernel.call("select", x.dtype, inside, update(place), x(index))


def _check_window(name: str, x: Any, starts: Any, sizes: Any) -> None:
    if len(starts) != x.ndim or len(sizes) != x.ndim or any(s.ndim for s in starts):
        raise ShapeError(f"{name}: expected {x.ndim} scalar starts and sizes for {x}, got {starts}")
    if any(not 0 <= m <= n for m, n in zip(sizes, x.shape, strict=True)):
        raise ShapeError(f"{name}: expected a window no larger than {x}, got {tuple(sizes)}")
    for s in starts:
        if not dtypes.is_integer(s.dtype):
            raise DTypeError(f"{name}: expected integer starts, got {s}")


def _corner(shape: Any, starts: Any, sizes: Any) -> list[int]:
    return [min(max(int(s), 0), n - m) for s, n, m in zip(starts, shape, sizes, strict=True)]


def _window_gather(
    axis: BatchAxis, starts: Any, dims: Any, shape: Any, sizes: Any, batched: bool
) -> tuple[list[Any], str]:
    """Index arrays [batch, *sizes] and the spec that read or write one window per row."""
    out = (axis.size, *sizes)
    indices = []
    for a, (start, d) in enumerate(zip(starts, dims, strict=True)):
        start = C.convert(start, dtypes.int64)
        start = S.broadcast_in_dim(start, (axis.size,), (0,) if d is not None else ())
        high = S.full((axis.size,), shape[a] - sizes[a], dtypes.int64)
        corner = E.min_(E.max_(start, full_like(start, 0)), high)
        corner = S.broadcast_in_dim(corner, out, (0,))
        indices.append(E.add(corner, S.iota(dtypes.int64, out, a + 1)))
    operand = string.ascii_lowercase[: len(sizes)]
    index = "Z" + string.ascii_uppercase[: len(sizes)]
    return indices, f"{'Z' if batched else ''}{operand}[{operand}],{index}->{index}"


gather_p, scatter_p, scatter_add_p = Gather(), Scatter(), ScatterAdd()
scatter_mul_p, scatter_min_p, scatter_max_p = ScatterMul(), ScatterMin(), ScatterMax()
dynamic_slice_p, dynamic_update_slice_p = DynamicSlice(), DynamicUpdateSlice()


def gather(x: Any, indices: Any, spec: str, mode: str = "raise", fill: Any = None) -> Any:
    """Elements of x at computed places, see the module's spec."""
    return gather_p.bind(x, *indices, spec=spec, mode=mode, fill=fill)[0]


def dynamic_slice(x: Any, starts: Any, sizes: Any) -> Any:
    """A window of x."""
    return dynamic_slice_p.bind(x, *starts, sizes=tuple(sizes))[0]


def row_at(x: Any, at: Any) -> Any:
    """x[at] along axis 0, for a scalar `at` moved inside."""
    start = [at, *[S.full((), 0, at.dtype)] * (x.ndim - 1)]
    return S.reshape(dynamic_slice(x, start, (1, *x.shape[1:])), x.shape[1:])


def dynamic_update_slice(x: Any, update: Any, starts: Any) -> Any:
    """x with a window replaced."""
    return dynamic_update_slice_p.bind(x, update, *starts)[0]


def take_along(x: Any, index: Any, axis: int, mode: str = "promise") -> Any:
    """x[..., index[...], ...] along `axis`; all other axes run together."""
    names = string.ascii_lowercase[: x.ndim]
    read = names[:axis] + "Z" + names[axis + 1 :]
    return gather(x, [index], f"{names}[{names[axis]}],{read}->{read}", mode)

"""Reading and writing parts of arrays: x[index], x.at[index].set(y), take, take_along_axis.

In: an array and an index of any form NumPy accepts.  Out: a new array.
Known integers and slices become slices; arrays become gathers and scatters.  An index outside
the array is an error unless a mode says otherwise.
Must not know: how an index is parsed; `index_plan` does that.
"""

import string

import numpy as np

from ..core import dtypes
from ..core.array import Array
from ..core.errors import ArgumentError, BroadcastShapeError, DTypeError, ShapeError
from ..core.primitives import elementwise as E
from ..core.primitives import indexing as G
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.state import STATE
from ..core.tracing import Tracer
from ..transforms.while_loop import while_loop
from . import elementwise as U
from . import reductions
from .at_once import at_hand
from .index_plan import make_plan, spec_of
from .promotion import (
    as_type,
    asarray,
    aval,
    axis_index,
    broadcast_value,
    cast,
    operand,
    unsupported,
)

__all__ = ["index_exp", "put", "put_along_axis", "s_", "take", "take_along_axis"]

s_, index_exp = np.s_, np.index_exp

_MODES = {
    "raise": "raise", "clip": "clip", "fill": "fill", "drop": "drop", "wrap": "wrap",
    "promise_in_bounds": "promise",
}  # fmt: skip


def _mode(name, mode, default="raise"):
    """A mode as users write it (a string, or an enum member of that name)."""
    if mode is None:
        return default
    text = str(getattr(mode, "name", mode)).lower()
    if text == "fill_or_drop":
        text = "fill"
    if text not in _MODES:
        raise ArgumentError(f"{name}: expected a mode among {sorted(_MODES)}, got {mode!r}")
    return _MODES[text]


def getitem(x, index):
    """x[index] as NumPy defines it; an index out of range raises."""
    if type(x) is Array and STATE.trace is None:
        found = _read_now(x, index)
        if found is not None:
            return found
    return _read(x, index, "raise", None)


def _read_now(x, index):
    """By NumPy, for indices of known values."""
    items = index if type(index) is tuple else (index,)
    plain = []
    for i in items:
        kind = type(i)
        if kind is int or kind is slice or i is None or i is Ellipsis:
            plain.append(i)
        elif kind is Array:
            plain.append(i._live())
        elif kind is np.ndarray and i.dtype.kind in "biu":
            plain.append(i)
        else:
            return None
    try:
        return Array(x._live()[tuple(plain)], x._weak)
    except (IndexError, TypeError):
        return None


def _read(x, index, mode, fill, wrap=True):
    plan = make_plan(x.shape, index, mode, wrap)
    out = S.slice_(x, plan.starts, plan.limits, plan.strides)
    if plan.reversed_axes:
        out = S.rev(out, plan.reversed_axes)
    if plan.dropped:
        out = S.squeeze(out, plan.dropped)
    if plan.places:
        mode = {"wrap": "promise", "drop": "fill"}.get(mode, mode)
        mode = "promise" if plan.exact else mode
        out = G.gather(out, plan.places, spec_of(plan, out.ndim), mode, fill)
    if plan.new_axes:
        out = S.expand_dims(out, plan.new_axes)
    return out if plan.empty_axis is None else S.slice_axis(out, plan.empty_axis, 0, 0)


def _write(x, index, values, mode, combine, wrap=True):
    """x with `values` combined into x[index]; combine: set, add, mul, min, max."""
    plan = make_plan(x.shape, index, mode, wrap)
    sliced = S.slice_(x, plan.starts, plan.limits, plan.strides)
    part = S.rev(sliced, plan.reversed_axes) if plan.reversed_axes else sliced
    part = S.squeeze(part, plan.dropped) if plan.dropped else part
    spec = None
    if plan.places:
        spec = spec_of(plan, part.ndim)
        sizes = dict(zip(spec.split("[")[0], part.shape, strict=True))
        sizes |= dict(zip(spec.split(",")[1].split("->")[0], plan.places[0].shape, strict=True))
        kept = [sizes[c] for c in spec.split("->")[1]]
    else:
        kept = list(part.shape)
    new = _fit(values, kept, plan.new_axes, x)
    if plan.empty_axis is not None:
        return x
    if spec is None:
        new = _combine(combine, part, new)
    else:
        mode = {"wrap": "promise", "fill": "drop"}.get(mode, mode)
        mode = "promise" if plan.exact else mode
        (new,) = _SCATTER[combine].bind(part, new, *plan.places, spec=spec, mode=mode)
    new = S.reshape(new, sliced.shape)
    if plan.reversed_axes:
        new = S.rev(new, plan.reversed_axes)
    return _put_back(x, new, plan)


def _is_traced_mask(index, x):
    return isinstance(index, Tracer) and index.dtype == dtypes.bool_ and 0 < index.ndim <= x.ndim


def _write_masked(x, mask, values, combine):
    """The update with every element at hand: x, and x combined with `values`, chosen by the mask.

    None if the values are for true elements one by one: those have to be found first.
    """
    v = _new_values(values, x)
    if v.ndim > x.ndim - mask.ndim or mask.shape != x.shape[: mask.ndim]:
        return None
    new = _combine(combine, x, _fit(v, x.shape, (), x))
    wide = S.broadcast_in_dim(mask, x.shape, tuple(range(mask.ndim)))
    return C.select(wide, new, x)


def _new_values(values, x):
    """Values as an array of x's dtype."""
    v = asarray(values) if isinstance(values, (list, tuple)) else values
    found = aval(v)
    if dtypes.is_complex(found.dtype) and not dtypes.is_complex(x.dtype):
        raise DTypeError(f"x.at[...]: expected real values for {x.aval}, got {found}")
    return as_type("x.at[...]", v, x.dtype)


def _fit(values, kept, new_axes, x):
    """Values as an array of x's dtype and the shape of x[index] without its new axes."""
    v = _new_values(values, x)
    shown = list(kept)
    for a in sorted(new_axes):
        shown.insert(a, 1)
    while v.ndim > len(shown) and v.shape[0] == 1:
        v = S.squeeze(v, (0,))
    lead = len(shown) - v.ndim
    if lead < 0 or any(n not in (1, m) for n, m in zip(v.shape, shown[lead:], strict=True)):
        raise BroadcastShapeError(
            f"x.at[...]: expected values that broadcast to {tuple(shown)}, the shape of the "
            f"part, got {v.aval}"
        )
    return S.reshape(broadcast_value(v, tuple(shown)), tuple(kept))


def _combine(combine, old, new):
    if combine == "set":
        return new
    return {"add": E.add, "mul": E.mul, "min": E.min_, "max": E.max_}[combine](old, new)


_SCATTER = {
    "set": G.scatter_p, "add": G.scatter_add_p, "mul": G.scatter_mul_p,
    "min": G.scatter_min_p, "max": G.scatter_max_p,
}  # fmt: skip


def _put_back(x, part, plan):
    """x with the slice that `plan` took replaced."""
    if part.shape == x.shape and all(s == 1 for s in plan.strides):
        return part
    if not part.size:
        return x
    if all(s == 1 for s in plan.strides):
        starts = [Array(np.asarray(s, np.int64)) for s in plan.starts]
        return G.dynamic_update_slice(x, part, starts)
    config = []
    for n, m, start, step in zip(x.shape, part.shape, plan.starts, plan.strides, strict=True):
        used = start + (m - 1) * step + 1
        config.append((start, n - used, step - 1))
    spread = S.pad(part, S.full((), 0, x.dtype), config)
    inside = S.pad(S.full(part.shape, True, dtypes.bool_), S.full((), False, dtypes.bool_), config)
    return C.select(inside, spread, x)


def _again(func, values, counts):
    """`func` of the values until it has been applied `counts` times; once has been done."""

    def step(state):
        k, v = state
        more = E.lt(broadcast_value(k, counts.shape), counts)
        return E.add(k, S.full((), 1, k.dtype)), C.select(more, cast(func(v), v.dtype), v)

    largest = reductions.max(counts, initial=1)
    start = S.full((), 1, counts.dtype)
    return while_loop(lambda state: E.lt(state[0], largest), step, (start, values))[1]


class At:
    """`x.at`: `x.at[index]` refers to a part of x, to be read or replaced in a new array."""

    __slots__ = ("_x",)

    def __init__(self, x):
        self._x = x

    def __getitem__(self, index):
        return Part(self._x, index)

    def __repr__(self):
        return f"At({self._x!r})"


class Part:
    """A part of an array; every method returns a new array.

    The keywords `indices_are_sorted` and `unique_indices` are promises that ftx does not need.
    """

    __slots__ = ("_index", "_x")

    def __init__(self, x, index):
        self._x, self._index = x, index

    def __repr__(self):
        return f"Part({self._x!r}, {self._index!r})"

    def get(
        self, *, indices_are_sorted=False, unique_indices=False, mode=None, fill_value=None,
        out_sharding=None, wrap_negative_indices=True,
    ):  # fmt: skip
        """The part itself.

        Args:
          mode: outside the array: 'raise' (default), 'clip', 'fill' (with fill_value), 'wrap',
            'promise_in_bounds'.

        >>> asarray([1, 2]).at[5].get(mode="fill", fill_value=0).tolist()
        0
        """
        unsupported("get", out_sharding=out_sharding)
        fill = fill_value.item() if hasattr(fill_value, "item") else fill_value
        default = "raise" if fill is None else "fill"
        mode = _mode("get", mode, default)
        return _read(self._x, self._index, mode, fill, wrap_negative_indices)

    def _update(self, name, values, mode, combine, wrap, sharding):
        unsupported(name, out_sharding=sharding)
        x = operand(name, self._x)
        if _is_traced_mask(self._index, x):
            written = _write_masked(x, self._index, values, combine)
            if written is not None:
                return written
        return _write(x, self._index, values, _mode(name, mode), combine, wrap)

    def set(
        self, values, *, indices_are_sorted=False, unique_indices=False, mode=None,
        out_sharding=None, wrap_negative_indices=True,
    ):  # fmt: skip
        """The array with the part replaced by `values`, which broadcast to it.

        >>> asarray([1, 2]).at[0].set(5).tolist()
        [5, 2]
        """
        return self._update("set", values, mode, "set", wrap_negative_indices, out_sharding)

    def add(
        self, values, *, indices_are_sorted=False, unique_indices=False, mode=None,
        out_sharding=None, wrap_negative_indices=True,
    ):  # fmt: skip
        """The array with `values` added to the part; repeated indices all count.

        >>> asarray([1, 2]).at[asarray([0, 0])].add(5).tolist()
        [11, 2]
        """
        return self._update("add", values, mode, "add", wrap_negative_indices, out_sharding)

    def subtract(
        self, values, *, indices_are_sorted=False, unique_indices=False, mode=None,
        out_sharding=None, wrap_negative_indices=True,
    ):  # fmt: skip
        """The array with `values` subtracted from the part; repeated indices all count.

        >>> asarray([1, 2]).at[0].subtract(5).tolist()
        [-4, 2]
        """
        given = U.negative(_new_values(values, self._x))
        return self._update("subtract", given, mode, "add", wrap_negative_indices, out_sharding)

    def multiply(
        self, values, *, indices_are_sorted=False, unique_indices=False, mode=None,
        out_sharding=None, wrap_negative_indices=True,
    ):  # fmt: skip
        """The array with the part multiplied by `values`; repeated indices all count.

        >>> asarray([1, 2]).at[1].multiply(5).tolist()
        [1, 10]
        """
        return self._update("multiply", values, mode, "mul", wrap_negative_indices, out_sharding)

    mul = multiply

    def divide(
        self, values, *, indices_are_sorted=False, unique_indices=False, mode=None,
        out_sharding=None, wrap_negative_indices=True,
    ):  # fmt: skip
        """The array with the part divided by `values`; repeated indices all count.

        >>> asarray([1.0, 2.0]).at[1].divide(4).tolist()
        [1.0, 0.5]
        """
        ones = S.full(self._x.shape, 1, self._x.dtype)
        by = Part(ones, self._index)._update(
            "divide", values, mode, "mul", wrap_negative_indices, out_sharding
        )
        return U.divide(self._x, by)

    def power(
        self, values, *, indices_are_sorted=False, unique_indices=False, mode=None,
        out_sharding=None, wrap_negative_indices=True,
    ):  # fmt: skip
        """The array with the part raised to `values`; repeated indices all count.

        >>> asarray([3, 2]).at[0].power(2).tolist()
        [9, 2]
        """
        ones = S.full(self._x.shape, 1, self._x.dtype)
        to = Part(ones, self._index)._update(
            "power", values, mode, "mul", wrap_negative_indices, out_sharding
        )
        return U.power(self._x, to)

    def min(
        self, values, *, indices_are_sorted=False, unique_indices=False, mode=None,
        out_sharding=None, wrap_negative_indices=True,
    ):  # fmt: skip
        """The array with the part no higher than `values`.

        >>> asarray([1, 2]).at[1].min(0).tolist()
        [1, 0]
        """
        return self._update("min", values, mode, "min", wrap_negative_indices, out_sharding)

    def max(
        self, values, *, indices_are_sorted=False, unique_indices=False, mode=None,
        out_sharding=None, wrap_negative_indices=True,
    ):  # fmt: skip
        """The array with the part no lower than `values`.

        >>> asarray([1, 2]).at[0].max(7).tolist()
        [7, 2]
        """
        return self._update("max", values, mode, "max", wrap_negative_indices, out_sharding)

    def apply(
        self, func, *, indices_are_sorted=False, unique_indices=False, mode=None,
        out_sharding=None, wrap_negative_indices=True,
    ):  # fmt: skip
        """The array with the part replaced by `func` of it, as often as an index is repeated.

        Args:
          func: of arrays of any shape, element by element.
          unique_indices: promises that no index is repeated, so that none is counted.

        >>> asarray([1, 4]).at[asarray([1, 1, 0])].apply(lambda v: v * 10).tolist()
        [10, 400]
        """
        reading = {"drop": "fill"}.get(_mode("apply", mode), _mode("apply", mode))
        read = lambda x: _read(x, self._index, reading, None, wrap_negative_indices)
        values = func(read(self._x))
        if not unique_indices and self._may_repeat(reading, wrap_negative_indices):
            once = Part(S.full(self._x.shape, 0, dtypes.int32), self._index)
            counts = once._update("apply", 1, mode, "add", wrap_negative_indices, out_sharding)
            values = _again(func, values, read(counts))
        return self._update("apply", values, mode, "set", wrap_negative_indices, out_sharding)

    def _may_repeat(self, mode, wrap):
        if _is_traced_mask(self._index, self._x):
            return False
        places = make_plan(self._x.shape, self._index, mode, wrap).places
        return bool(places) and places[0].size > 1


def take(
    a, indices, axis=None, out=None, mode=None, unique_indices=False, indices_are_sorted=False,
    fill_value=None,
):  # fmt: skip
    """Elements of `a` at `indices` along an axis; None flattens `a` first.

    Args:
      indices: integer[...]; its axes take the place of `axis`.
      mode: outside the array: 'raise' (default, where JAX fills with NaN), 'clip', 'fill' (with
        fill_value), 'wrap'.

    >>> take(asarray([10, 20, 30]), asarray([2, 0])).tolist()
    [30, 10]
    """
    unsupported("take", out=out)
    x = operand("take", asarray(a))
    if axis is None:
        x, axis = S.reshape(x, (x.size,)), 0
    at = axis_index("take", axis, x.ndim)
    where = asarray(indices)
    mode = _mode("take", mode, "raise" if fill_value is None else "fill")
    fill = fill_value.item() if hasattr(fill_value, "item") else fill_value
    if mode == "raise" and at_hand(x, where) and where.dtype.kind == "i":
        try:
            return Array(x._np.take(where._np, at))
        except IndexError:
            pass  # as below, with an error that says more
    index = (*[slice(None)] * at, where)
    return _read(x, index, mode, fill, wrap=mode != "clip")


def _along(name, arr, indices, axis, mode, wrap):
    """(x, checked places, spec) of an access where all axes but one run together."""
    x, where = operand(name, arr), operand(name, indices)
    if axis is None:
        x, axis = S.reshape(x, (x.size,)), 0
    if x.ndim != where.ndim:
        raise ShapeError(f"{name}: expected as many axes in both, got {x.aval} and {where.aval}")
    at = axis_index(name, axis, x.ndim)
    sizes = [
        max(n, m) if i != at and n != m and 1 in (n, m) else n
        for i, (n, m) in enumerate(zip(x.shape, where.shape, strict=True))
    ]
    x = broadcast_value(x, (*sizes[:at], x.shape[at], *sizes[at + 1 :]))
    where = broadcast_value(where, (*sizes[:at], where.shape[at], *sizes[at + 1 :]))
    plan = make_plan((x.shape[at],), where, mode, wrap)
    place = plan.places[0] if plan.places else where
    letters = string.ascii_lowercase[: x.ndim]
    read = letters[:at] + "Z" + letters[at + 1 :]
    mode = {"wrap": "promise"}.get(mode, mode)
    return x, place, f"{letters}[{letters[at]}],{read}->{read}", "promise" if plan.exact else mode


def take_along_axis(
    arr, indices, axis=-1, mode=None, fill_value=None, *, wrap_negative_indices=None
):
    """arr[..., indices[...], ...] along an axis, all other axes running together.

    arr: array[..., n, ...]; indices: integer[..., m, ...] -> array[..., m, ...]

    >>> take_along_axis(asarray([[10, 20], [30, 40]]), asarray([[1], [0]]), axis=1).tolist()
    [[20], [30]]
    """
    mode = _mode("take_along_axis", mode, "raise" if fill_value is None else "fill")
    wrap = True if wrap_negative_indices is None else wrap_negative_indices
    if mode == "raise" and wrap and axis is not None and at_hand(arr, indices):
        try:
            return Array(np.take_along_axis(arr._np, indices._np, axis))
        except (IndexError, ValueError):
            pass  # as below, with an error that says more
    x, place, spec, mode = _along("take_along_axis", arr, indices, axis, mode, wrap)
    fill = fill_value.item() if hasattr(fill_value, "item") else fill_value
    return G.gather(x, [place], spec, {"drop": "fill"}.get(mode, mode), fill)


def put_along_axis(arr, indices, values, axis, inplace=True, *, mode=None):
    """`arr` [...] with `values` written where `take_along_axis` would read; inplace must be False.

    >>> put_along_axis(asarray([[1, 2]]), asarray([[0]]), 9, 1, inplace=False).tolist()
    [[9, 2]]
    """
    if inplace:
        raise ArgumentError(
            "put_along_axis: expected inplace=False, since arrays are immutable, got "
            f"{inplace}; use the result"
        )
    mode = _mode("put_along_axis", mode)
    x, place, spec, mode = _along("put_along_axis", arr, indices, axis, mode, True)
    new = broadcast_value(as_type("put_along_axis", values, x.dtype), place.shape)
    mode = {"fill": "drop"}.get(mode, mode)
    return G.scatter_p.bind(x, new, place, spec=spec, mode=mode)[0]


def put(a, ind, v, mode=None, *, inplace=True):
    """`a` [...] with `v` (repeated as needed) at flat indices `ind`; inplace must be False.

    >>> put(asarray([1, 2, 3]), asarray([0]), 9, inplace=False).tolist()
    [9, 2, 3]
    """
    if inplace:
        raise ArgumentError(
            f"put: expected inplace=False, since arrays are immutable, got {inplace}; use the "
            "result"
        )
    x, where = operand("put", a), operand("put", asarray(ind))
    where = S.reshape(where, (where.size,))
    new = asarray(v, x.dtype)
    new = S.reshape(new, (new.size,))
    if not where.size or not new.size:
        return x
    places = Array(np.arange(where.size) % new.size)
    values = _read(new, places, "promise", None)
    flat = S.reshape(x, (x.size,))
    return S.reshape(Part(flat, where).set(values, mode=mode), x.shape)

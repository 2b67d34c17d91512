"""What `x[index]` means, worked out from shapes alone: a static part, then computed places.

In: an array's shape and an index as a user writes it.  Out: a `Plan`: slices with a step, axes
dropped, arrays of places, and where new axes go.
NumPy's rules: integers count as arrays where there are arrays; arrays apart from each other put
their common axes first; boolean arrays are the places where they are true.
Must not know: reading or writing.
"""

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.array import Array
from ..core.errors import (
    ArgumentError,
    DTypeError,
    IndexOutOfRangeError,
    ShapeError,
)
from ..core.primitives import elementwise as E
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.tracing import Tracer
from .ordering import places_of
from .promotion import broadcast_value, common_shape
from .result_sizes import number_of


@dataclass
class Plan:
    """How to read: slice, reverse, drop axes; gather at places; insert axes."""

    starts: list[int]
    limits: list[int]
    strides: list[int]
    reversed_axes: tuple[int, ...]
    """Axes (of x) read backwards: sliced forwards, then reversed."""
    dropped: tuple[int, ...]
    """Axes (of x) of size 1 after slicing that the result does not have."""
    places: tuple[Any, ...]
    """Index arrays of one shape; empty if all is static."""
    place_axes: tuple[int, ...]
    """Axes (after dropping) that the index arrays run along."""
    first: int
    """Position, among the kept axes of the result, of the index arrays' axes."""
    new_axes: tuple[int, ...]
    """Axes of size 1 of the result."""
    exact: bool
    """Whether the places were known and checked."""
    empty_axis: int | None = None
    """The axis among the new ones that `False` makes, of size 0."""


def _items(index):
    items = index if isinstance(index, tuple) else (index,)
    return [_item(i) for i in items]


def _item(i):
    if isinstance(i, (list, tuple)):
        found = np.asarray([_plain(v) for v in i]) if len(i) else np.zeros(0, np.int64)
        if found.dtype == object:
            raise DTypeError(f"indexing: expected lists of known integers, got {i!r}")
        return found
    if i is None or i is Ellipsis or isinstance(i, (slice, Tracer)):
        return i
    if isinstance(i, Array):
        return i._live()
    if isinstance(i, (bool, np.bool_)):
        return np.asarray(i)
    if isinstance(i, np.ndarray):
        return i
    if hasattr(type(i), "__index__"):
        return operator.index(i)
    if hasattr(i, "__array__"):
        return np.asarray(i)
    raise DTypeError(
        f"indexing: expected integers, slices, arrays, None or ..., got {type(i).__name__} {i!r}"
    )


def _plain(v):
    if isinstance(v, (list, tuple)):
        return [_plain(w) for w in v]
    return np.asarray(v) if isinstance(v, Array) else v.tolist() if isinstance(v, Tracer) else v


def _true_places(mask, shape, axis):
    """A boolean array as integer arrays, one for each of its axes."""
    if isinstance(mask, Tracer) and mask.is_known():
        mask = mask.known_value()
    if mask.shape != shape[axis : axis + mask.ndim]:
        raise IndexOutOfRangeError(
            f"boolean index: expected a mask of the shape {shape[axis : axis + mask.ndim]} of the "
            f"axes it indexes, got {mask.shape}"
        )
    if isinstance(mask, Tracer):
        return list(places_of("boolean index", mask))
    return list(np.nonzero(mask))


def _is_bool(i):
    return isinstance(i, (np.ndarray, Tracer)) and i.dtype == np.bool_


def _expanded(shape, items):
    """Items for every axis: (item, axis) with axis None for new axes; masks become arrays."""
    consumed = sum(
        i.ndim if _is_bool(i) else 1 for i in items if i is not None and i is not Ellipsis
    )
    if sum(i is Ellipsis for i in items) > 1:
        raise IndexOutOfRangeError("indexing: expected at most one '...', got several")
    if consumed > len(shape):
        raise IndexOutOfRangeError(
            f"indexing: expected at most {len(shape)} indices for shape {shape}, got {consumed}"
        )
    if not any(i is Ellipsis for i in items):
        items = [*items, Ellipsis]
    found, axis = [], 0
    for i in items:
        if i is None:
            found.append((None, None))
        elif i is Ellipsis:
            found.append((Ellipsis, None))
            for _ in range(len(shape) - consumed):
                found.append((slice(None), axis))
                axis += 1
        elif _is_bool(i) and i.ndim == 0:
            # A scalar mask is a new axis of size 1 or 0.
            size = number_of("boolean index", i) if isinstance(i, Tracer) else int(i)
            found.append((np.zeros(size, np.int64), "new"))
        elif _is_bool(i):
            for j in _true_places(i, shape, axis):
                found.append((j, axis))
                axis += 1
        else:
            found.append((i, axis))
            axis += 1
    return found


def _slice(s, n, axis):
    parts = [_bound(v, axis) for v in (s.start, s.stop, s.step)]
    if parts[2] == 0:
        raise ArgumentError("indexing: expected a slice step that is not 0, got 0")
    return slice(*parts).indices(n)


def _bound(v, axis):
    if v is None:
        return None
    try:
        return operator.index(v)
    except TypeError:
        if isinstance(v, Tracer):
            raise
        raise DTypeError(f"slice of axis {axis}: expected integer bounds, got {v!r}") from None


def _checked(i, n, axis, mode, wrap):
    """Known places made non-negative; out of range is an error in mode 'raise'."""
    if i.dtype == np.bool_ or i.dtype.kind not in "iu":
        raise DTypeError(
            f"indexing: expected integer or boolean arrays, got {dtypes.name(i.dtype)}"
        )
    i = i.astype(np.int64)
    if mode == "wrap" and n:
        return i % n
    if wrap:
        i = np.where(i < 0, i + n, i)
    if mode == "raise" and i.size and (i.min() < 0 or i.max() >= n):
        bad = i[(i < 0) | (i >= n)].flat[0]
        raise IndexOutOfRangeError(
            f"index out of range: expected indices in {-n}..{n - 1} along axis {axis}, got "
            f"{bad - n if bad < 0 else bad}; use .at[...].get(mode='clip') or mode='fill'"
        )
    return i


def _traced(i, n, mode, wrap):
    """Traced places made non-negative."""
    if not dtypes.is_integer(i.dtype):
        raise DTypeError(f"indexing: expected integer arrays, got {i.aval}; use astype")
    size = S.full(i.shape, n, i.dtype) if n <= np.iinfo(i.dtype).max else None
    if size is None:
        i = C.convert(i, dtypes.int64)
        size = S.full(i.shape, n, i.dtype)
    zero = S.full(i.shape, 0, i.dtype)
    if mode == "wrap":
        rest = E.rem(i, size)
        return C.select(E.lt(rest, zero), E.add(rest, size), rest)
    if not wrap or i.dtype in dtypes.UNSIGNED:
        return i
    return C.select(E.lt(i, zero), E.add(i, size), i)


def make_plan(shape, index, mode="raise", wrap=True):
    """The plan of x[index] for an x of `shape`.

    Args:
      mode: 'raise', 'clip', 'fill', 'drop', 'wrap' or 'promise'.
      wrap: whether negative indices count from the end.
    Raises: IndexOutOfRangeError for known indices outside; DTypeError for other than integers.
    """
    entries = _expanded(shape, _items(index))
    scalars = lambda i: (
        isinstance(i, int) or (getattr(i, "ndim", None) == 0 and isinstance(i, np.ndarray))
    )
    arrays = [i for i, _ in entries if isinstance(i, (np.ndarray, Tracer)) and i.ndim]
    starts, limits, strides = [0] * len(shape), list(shape), [1] * len(shape)
    backwards, dropped, new_axes = [], [], []
    places = []
    kept = 0  # axes of the result so far, new ones included, without those of index arrays
    group = 0  # grows with everything that stands between arrays
    advanced = []  # (kept, group) at each array or integer
    for item, axis in entries:
        if item is None or item is Ellipsis or isinstance(item, slice):
            group += 1
        if item is Ellipsis:
            continue
        if item is None:
            new_axes.append(kept)
            kept += 1
        elif isinstance(item, slice):
            start, stop, step = _slice(item, shape[axis], axis)
            count = len(range(start, stop, step))
            if step < 0:
                start, step = start + (count - 1) * step, -step
                backwards.append(axis)
            starts[axis], strides[axis] = (start, step) if count else (0, 1)
            limits[axis] = start + (count - 1) * step + 1 if count else 0
            kept += 1
        elif axis == "new":
            advanced.append((kept, group))
            places.append((item, None))
        elif scalars(item) and (not isinstance(item, np.ndarray) or item.dtype.kind in "iu"):
            advanced.append((kept, group))
            n = shape[axis]
            (at,) = _checked(np.asarray([item]), n, axis, mode, wrap)
            if 0 <= at < n:
                starts[axis], limits[axis] = int(at), int(at) + 1
                dropped.append(axis)
            else:
                places.append((np.asarray(at), axis))
        else:
            advanced.append((kept, group))
            known = not isinstance(item, Tracer)
            place = (
                _checked(item, shape[axis], axis, mode, wrap)
                if known
                else (_traced(item, shape[axis], mode, wrap))
            )
            places.append((place, axis))
    together = len({g for _, g in advanced}) <= 1
    if arrays or any(a is None for _, a in places):
        first = advanced[0][0] if together else 0
    else:
        first = 0
    return _finish(
        shape, starts, limits, strides, backwards, dropped, places, first, new_axes, arrays
    )


def _finish(shape, starts, limits, strides, backwards, dropped, places, first, new_axes, arrays):
    known = all(isinstance(p, np.ndarray) for p, _ in places)
    exact = known and all(
        a is None or p.size == 0 or (p.min() >= 0 and p.max() < shape[a]) for p, a in places
    )
    common = common_shape("indexing", *[p.shape for p, _ in places]) if places else ()
    after = {a: i for i, a in enumerate(b for b in range(len(shape)) if b not in dropped)}
    arrays_of_places, axes = [], []
    for place, axis in places:
        if axis is None:
            continue
        if isinstance(place, np.ndarray):
            arrays_of_places.append(Array(np.broadcast_to(place, common)))
        else:
            arrays_of_places.append(broadcast_value(place, common))
        axes.append(after[axis])
    empty_axis = None
    if places and not axes:  # only scalar masks: one more axis, of size 0 or 1
        new_axes = sorted([first, *(a if a < first else a + 1 for a in new_axes)])
        empty_axis, common = (None if common == (1,) else first), ()
    arrays_of_places = _one_dtype(arrays_of_places)
    n_new = len(common)
    shifted = tuple(a if a < first else a + n_new for a in new_axes)
    first_kept = first - sum(a < first for a in new_axes)
    return Plan(
        starts, limits, strides, tuple(backwards), tuple(dropped), tuple(arrays_of_places),
        tuple(axes), first_kept, shifted, exact, empty_axis,
    )  # fmt: skip


def _one_dtype(arrays):
    if len({a.dtype for a in arrays}) <= 1:
        return arrays
    return [C.convert(a, dtypes.int64) for a in arrays]


def spec_of(plan, ndim):
    """The gather spec of the computed part, for an operand of `ndim` axes."""
    names = "abcdefghijklmnopqrstuvwxyz"
    operand, index = names[:ndim], names.upper()[: plan.places[0].ndim]
    if ndim > len(names):
        raise ShapeError(f"indexing: expected at most {len(names)} axes, got {ndim}")
    rest = "".join(c for i, c in enumerate(operand) if i not in plan.place_axes)
    out = rest[: plan.first] + index + rest[plan.first :]
    read = "".join(operand[i] for i in plan.place_axes)
    return f"{operand}[{read}],{index}->{out}"

"""Putting arrays together and taking them apart: concatenate, stack, split, repeat, roll.

In: arrays or lists of arrays.  Out: arrays, or lists of them.
Must not know: element types, beyond promotion.
"""

import operator
from collections.abc import Iterable

import numpy as np

from ..core import dtypes
from ..core.array import Array, Value
from ..core.errors import (
    ArgumentError,
    AxisError,
    ConcatenateShapeError,
    NotAnArrayError,
    ShapeError,
    UnsupportedError,
)
from ..core.primitives import elementwise as E
from ..core.primitives import indexing as G
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.tracing import Tracer
from .at_once import at_hand
from .promotion import (
    asarray,
    axis_index,
    axis_tuple,
    broadcast_value,
    number_or_array,
    operand,
    promote_dtypes,
    shape_tuple,
    unsupported,
)
from .result_sizes import as_size, is_known, known
from .shapes import atleast_1d, atleast_2d, atleast_3d, pick, ravel, reshape

__all__ = [
    *("append", "array_split", "block", "c_", "column_stack", "concat", "concatenate", "delete"),
    *("dsplit", "dstack", "hsplit", "hstack", "insert", "r_", "repeat", "resize", "roll"),
    *("split", "stack", "tile", "trim_zeros", "unstack", "vsplit", "vstack"),
]


def _given(name, arrays):
    """A sequence of arrays, or the rows of one array, as values of one dtype."""
    if isinstance(arrays, (Value, np.ndarray)):
        whole = operand(name, arrays)
        arrays = [whole[i] for i in range(whole.shape[0])] if whole.ndim else []
    if not isinstance(arrays, Iterable):
        raise NotAnArrayError(f"{name}: expected a sequence of arrays, got {arrays!r}; write [x]")
    arrays = list(arrays)
    if not arrays:
        raise ShapeError(f"{name}: expected at least one array, got none")
    return [asarray(a) for a in arrays]


def _typed(name, values, dtype):
    if dtype is not None:
        return [C.convert(v, dtypes.canonical(dtype)) for v in values]
    return promote_dtypes(name, *values)


def concatenate(arrays, axis=0, dtype=None):
    """Arrays one after another along an axis; None flattens them first.

    >>> concatenate([asarray([1, 2]), asarray([3])]).tolist()
    [1, 2, 3]
    """
    values = _typed("concatenate", _given("concatenate", arrays), dtype)
    if axis is None:
        values, axis = [ravel(v) for v in values], 0
    if values[0].ndim == 0:
        raise ShapeError("concatenate: expected arrays with axes, got numbers; use stack")
    if any(v.ndim != values[0].ndim for v in values):
        got = ", ".join(str(v.aval) for v in values)
        raise ConcatenateShapeError(
            f"concatenate: expected arrays with equally many axes, got {got}; add axes with "
            "expand_dims, or use stack"
        )
    return S.concatenate(values, axis_index("concatenate", axis, values[0].ndim))


def concat(arrays, /, *, axis=0):
    """Arrays one after another along an axis; None flattens them first.

    >>> concat([asarray([1, 2]), asarray([3])]).tolist()
    [1, 2, 3]
    """
    return concatenate(arrays, axis)


def stack(arrays, axis=0, out=None, dtype=None):
    """Arrays of one shape along a new axis.

    >>> stack([asarray([1, 2]), asarray([3, 4])], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    unsupported("stack", out=out)
    values = _typed("stack", _given("stack", arrays), dtype)
    if len({v.shape for v in values}) != 1:
        got = ", ".join(str(v.aval) for v in values)
        raise ConcatenateShapeError(f"stack: expected arrays of one shape, got {got}")
    at = axis_index("stack", axis, values[0].ndim + 1)
    return S.concatenate([S.expand_dims(v, (at,)) for v in values], at)


def unstack(x, /, *, axis=0):
    """The arrays that `stack` along `axis` would make into x, as a tuple.

    >>> [v.tolist() for v in unstack(asarray([[1, 2], [3, 4]]))]
    [[1, 2], [3, 4]]
    """
    x = operand("unstack", x)
    at = axis_index("unstack", axis, x.ndim)
    return tuple(S.squeeze(S.slice_axis(x, at, i, i + 1), (at,)) for i in range(x.shape[at]))


def vstack(tup, dtype=None):
    """Arrays one after another along the first axis; those with one axis are rows.

    >>> vstack([asarray([1, 2]), asarray([3, 4])]).shape
    (2, 2)
    """
    return concatenate([atleast_2d(a) for a in _given("vstack", tup)], 0, dtype)


def hstack(tup, dtype=None):
    """Arrays one after another along the second axis, or the first if there is only one.

    >>> hstack([asarray([1, 2]), asarray([3])]).tolist()
    [1, 2, 3]
    """
    values = [atleast_1d(a) for a in _given("hstack", tup)]
    return concatenate(values, 0 if values[0].ndim == 1 else 1, dtype)


def dstack(tup, dtype=None):
    """Arrays one after another along the third axis.

    >>> dstack([asarray([1, 2]), asarray([3, 4])]).shape
    (1, 2, 2)
    """
    return concatenate([atleast_3d(a) for a in _given("dstack", tup)], 2, dtype)


def column_stack(tup):
    """Arrays with one axis as columns of a matrix, beside matrices.

    >>> column_stack([asarray([1, 2]), asarray([3, 4])]).tolist()
    [[1, 3], [2, 4]]
    """
    values = [reshape(a, (-1, 1)) if a.ndim < 2 else a for a in _given("column_stack", tup)]
    return concatenate(values, 1)


def block(arrays):
    """A matrix from nested lists of blocks: the innermost list runs along the last axis.

    >>> block([[asarray([[1]]), asarray([[2]])]]).tolist()
    [[1, 2]]
    """

    def depth(nested):
        return 1 + max(map(depth, nested)) if isinstance(nested, list) else 0

    def leaf_ndim(nested):
        if isinstance(nested, list):
            return max(map(leaf_ndim, nested))
        return asarray(nested).ndim

    levels = depth(arrays)
    axes = max(levels, leaf_ndim(arrays))

    def join(nested, level):
        if not isinstance(nested, list):
            x = asarray(nested)
            return reshape(x, (1,) * (axes - x.ndim) + x.shape)
        return concatenate([join(n, level + 1) for n in nested], axes - levels + level)

    return join(arrays, 0)


def append(arr, values, axis=None):
    """`values` after `arr` along an axis; None flattens both.

    >>> append(asarray([1, 2]), 3).tolist()
    [1, 2, 3]
    """
    x, new = promote_dtypes("append", *map(number_or_array, (arr, values)))
    return concatenate([x, new], axis)


def _split(name, ary, indices_or_sections, axis, uneven):
    x = operand(name, ary)
    at = axis_index(name, axis, x.ndim)
    n = x.shape[at]
    if isinstance(indices_or_sections, (tuple, list, np.ndarray, Array)) and np.ndim(
        indices_or_sections
    ):
        cuts = [operator.index(i) for i in indices_or_sections]
        cuts = [min(max(c + n if c < 0 else c, 0), n) for c in cuts]
    else:
        parts = operator.index(indices_or_sections)
        if parts < 1 or (n % parts and not uneven):
            raise ShapeError(
                f"{name}: expected a number of parts that divides {n}, got {parts} for {x.aval}; "
                "use array_split"
            )
        sizes = [n // parts + (i < n % parts) for i in range(parts)]
        cuts = [int(c) for c in np.cumsum(sizes)[:-1]]
    bounds = zip([0, *cuts], [*cuts, n], strict=True)
    if at_hand(x):
        lead = (slice(None),) * at
        return [Array(x._np[(*lead, slice(a, b))]) for a, b in bounds]
    return [S.slice_axis(x, at, a, max(a, b)) for a, b in bounds]


def split(ary, indices_or_sections, axis=0):
    """Parts of an array along an axis: a list. ary: array[..., n, ...]

    Args:
      indices_or_sections: number of equal parts, or the indices where parts begin.

    >>> [p.tolist() for p in split(asarray([1, 2, 3, 4]), 2)]
    [[1, 2], [3, 4]]
    """
    return _split("split", ary, indices_or_sections, axis, False)


def array_split(ary, indices_or_sections, axis=0):
    """As `split`, where the parts need not be equal.

    >>> [p.tolist() for p in array_split(asarray([1, 2, 3]), 2)]
    [[1, 2], [3]]
    """
    return _split("array_split", ary, indices_or_sections, axis, True)


def vsplit(ary, indices_or_sections):
    """`split` along the first axis.

    >>> len(vsplit(asarray([[1], [2]]), 2))
    2
    """
    return split(ary, indices_or_sections, 0)


def hsplit(ary, indices_or_sections):
    """`split` along the second axis, or the only one.

    >>> len(hsplit(asarray([[1, 2]]), 2))
    2
    """
    return split(ary, indices_or_sections, 1 if operand("hsplit", ary).ndim > 1 else 0)


def dsplit(ary, indices_or_sections):
    """`split` along the third axis.

    >>> len(dsplit(asarray([[[1, 2]]]), 2))
    2
    """
    return split(ary, indices_or_sections, 2)


def tile(A, reps):
    """`A` repeated as a whole, reps[i] times along axis i.

    >>> tile(asarray([1, 2]), 2).tolist()
    [1, 2, 1, 2]
    """
    x = operand("tile", asarray(A))
    counts = shape_tuple("tile", reps)
    ndim = max(x.ndim, len(counts))
    counts = (1,) * (ndim - len(counts)) + counts
    sizes = (1,) * (ndim - x.ndim) + x.shape
    paired = tuple(v for c, n in zip(counts, sizes, strict=True) for v in (c, n))
    spread = S.broadcast_in_dim(S.reshape(x, sizes), paired, tuple(range(1, 2 * ndim, 2)))
    return S.reshape(spread, tuple(c * n for c, n in zip(counts, sizes, strict=True)))


def repeat(a, repeats, axis=None, *, total_repeat_length=None, out_sharding=None):
    """Each element repeated along an axis; None flattens first.

    Args:
      repeats: a number, or one for each index along the axis.
      total_repeat_length: size of the result along the axis; needed where `repeats` is traced
        under vmap or in a loop.

    >>> repeat(asarray([1, 2]), 2).tolist()
    [1, 1, 2, 2]
    """
    unsupported("repeat", out_sharding=out_sharding)
    x = operand("repeat", asarray(a))
    if axis is None:
        x, axis = ravel(x), 0
    at = axis_index("repeat", axis, x.ndim)
    n = x.shape[at]
    if isinstance(repeats, Tracer) and (total_repeat_length is not None or not is_known(repeats)):
        return _repeat_traced(x, repeats, at, total_repeat_length)
    counts = known("repeat", repeats) if isinstance(repeats, Value) else np.asarray(repeats)
    if counts.dtype.kind not in "iu" or (counts < 0).any():
        raise ArgumentError(f"repeat: expected numbers of at least 0 as repeats, got {repeats}")
    if counts.size not in (1, n):
        raise ShapeError(
            f"repeat: expected one number, or one for each of {n} indices along axis {at}, got "
            f"{counts.size}; pass as many as the axis is long"
        )
    if counts.ndim == 0 and total_repeat_length is None:
        k = operator.index(counts[()])
        shape = (*x.shape[: at + 1], k, *x.shape[at + 1 :])
        dims = tuple(i + (i > at) for i in range(x.ndim))
        return S.reshape(
            S.broadcast_in_dim(x, shape, dims), (*x.shape[:at], n * k, *x.shape[at + 1 :])
        )
    indices = np.repeat(np.arange(n), counts)
    if total_repeat_length is not None:
        wanted = operator.index(total_repeat_length)
        indices = np.pad(indices, (0, max(0, wanted - indices.size)), mode="edge")[:wanted]
    return pick(x, indices, at)


def _repeat_traced(x, repeats, axis, total):
    n = x.shape[axis]
    counts = broadcast_value(C.convert(operand("repeat", repeats), dtypes.int64), (n,))
    if total is None:
        total = as_size("repeat", R.reduce_sum(counts, (0,)), counts)
    zero, one = S.full((operator.index(total),), 0, dtypes.int64), S.full((n,), 1, dtypes.int64)
    ends = G.scatter_add_p.bind(zero, one, R.cumsum(counts, 0), spec="a[a],z->z", mode="drop")[0]
    passed = R.cumsum(ends, 0)
    letters = "abcdefghijklmnopqrstuvwxy"[: x.ndim]
    out = letters[:axis] + "z" + letters[axis + 1 :]
    return G.gather(x, [passed], f"{letters}[{letters[axis]}],z->{out}", "clip")


def roll(a, shift, axis=None):
    """Elements moved by `shift` along an axis, round the end; None flattens meanwhile.

    >>> roll(asarray([1, 2, 3]), 1).tolist()
    [3, 1, 2]
    """
    x = operand("roll", asarray(a))
    if axis is None:
        return S.reshape(roll(ravel(x), shift, 0), x.shape)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    many = isinstance(shift, (tuple, list)) or getattr(shift, "ndim", 0)
    shifts = list(shift) if many else [shift] * len(axes)
    if len(shifts) == 1:
        shifts = shifts * len(axes)
    axes = tuple(axes) * (len(shifts) if len(axes) == 1 else 1)
    if len(shifts) != len(axes):
        raise AxisError(f"roll: expected one shift for each axis, got {shift} and {axis}")
    for s, k in zip(shifts, axes, strict=True):
        x = _roll(x, s, axis_index("roll", k, x.ndim))
    return x


def _roll(x, shift, axis):
    n = x.shape[axis]
    if not n:
        return x
    if isinstance(shift, Tracer):
        moved = E.sub(
            S.iota(dtypes.int64, (n,), 0), broadcast_value(C.convert(shift, dtypes.int64), (n,))
        )
        size = S.full((n,), n, dtypes.int64)
        rest = E.rem(moved, size)
        place = C.select(E.lt(rest, S.full((n,), 0, dtypes.int64)), E.add(rest, size), rest)
        letters = "abcdefghijklmnopqrstuvwxy"[: x.ndim]
        out = letters[:axis] + "z" + letters[axis + 1 :]
        return G.gather(x, [place], f"{letters}[{letters[axis]}],z->{out}", "promise")
    cut = -operator.index(shift) % n
    if not cut:
        return x
    return S.concatenate([S.slice_axis(x, axis, cut, n), S.slice_axis(x, axis, 0, cut)], axis)


def resize(a, new_shape):
    """The elements in row-major order, repeated or cut off to fill `new_shape`.

    >>> resize(asarray([1, 2, 3]), (2, 2)).tolist()
    [[1, 2], [3, 1]]
    """
    x = ravel(asarray(a))
    shape = tuple(new_shape) if isinstance(new_shape, (tuple, list)) else (new_shape,)
    n = int(np.prod(shape))
    if not n or not x.size:
        return S.full(shape, 0, x.dtype)
    whole = tile(x, -(-n // x.size))
    return S.reshape(S.slice_axis(whole, 0, 0, n), shape)


def trim_zeros(filt, trim="fb", axis=None):
    """Without zeros at the front ('f') and back ('b'); the values must be known. filt: array[...]

    Args:
      axis: one or several axes, of which only those slices go that are zero all over; None for
        all axes.

    >>> trim_zeros(asarray([0, 1, 0])).tolist()
    [1]
    """
    x = operand("trim_zeros", asarray(filt))
    sides = trim.lower()
    if not sides or set(sides) - set("fb"):
        raise ArgumentError(f"trim_zeros: expected trim 'f', 'b' or 'fb', got {trim!r}")
    places = np.nonzero(known("trim_zeros", x))
    for i in axis_tuple("trim_zeros", axis, x.ndim):
        there = places[i]
        first = int(there.min()) if there.size and "f" in sides else 0
        last = int(there.max()) + 1 if there.size and "b" in sides else x.shape[i]
        x = S.slice_axis(x, i, first if there.size else x.shape[i], last)
    return x


def delete(arr, obj, axis=None, *, assume_unique_indices=False):
    """Without the elements at indices `obj` (known int, slice or array) along an axis.

    >>> delete(asarray([1, 2, 3]), 1).tolist()
    [1, 3]
    """
    x = operand("delete", asarray(arr))
    if axis is None:
        x, axis = ravel(x), 0
    at = axis_index("delete", axis, x.ndim)
    places = _places("delete", obj)
    if at_hand(x):
        return Array(np.delete(x._np, places, at))
    return pick(x, np.delete(np.arange(x.shape[at]), places), at)


def _places(name, obj):
    """A slice, or known indices as a NumPy array."""
    if isinstance(obj, slice):
        return obj
    return known(name, obj) if isinstance(obj, Value) else np.asarray(obj)


def insert(arr, obj, values, axis=None):
    """`values` put before indices `obj` (known int, slice or array) along an axis.

    >>> insert(asarray([1, 3]), 1, 2).tolist()
    [1, 2, 3]
    """
    x = operand("insert", asarray(arr))
    new = asarray(values, x.dtype)
    if axis is None:
        x, axis = ravel(x), 0
    at = axis_index("insert", axis, x.ndim)
    places = _places("insert", obj)
    if at_hand(x, new) and (x.ndim == 1 or not new.ndim):
        return Array(np.insert(x._np, places, new._np, at))
    n = x.shape[at]
    old = np.insert(np.arange(n), places, -1)
    count = int((old < 0).sum())
    if getattr(places, "ndim", 1) == 0 and new.ndim == x.ndim:
        old = np.insert(np.arange(n), np.repeat(places, new.shape[at]), -1)
        count = new.shape[at]
    elif getattr(places, "ndim", 1) == 0 and new.ndim:
        new = S.expand_dims(new, (at,)) if new.ndim < x.ndim else new
    new = broadcast_value(new, (*x.shape[:at], count, *x.shape[at + 1 :]))
    # NumPy puts values in the order of their places.
    order = np.argsort(
        np.arange(n)[places]
        if isinstance(places, slice)
        else np.atleast_1d(np.where(places < 0, places + n, places)),
        kind="stable",
    )
    order = np.arange(count) if len(order) != count else order
    taken = np.where(old >= 0, old, n)
    taken[old < 0] = n + order
    return pick(S.concatenate([x, new], at), taken, at)


class _Columns:
    """`c_[a, b]`: arrays with one axis as columns, side by side."""

    def __getitem__(self, key):
        parts = [_part(k) for k in (key if isinstance(key, tuple) else (key,))]
        return column_stack(parts)


class _Rows:
    """`r_[a, b]`: arrays one after another along the first axis."""

    def __getitem__(self, key):
        parts = [atleast_1d(_part(k)) for k in (key if isinstance(key, tuple) else (key,))]
        return concatenate(parts, 0)


def _part(key):
    if not isinstance(key, slice):
        if isinstance(key, str):
            raise UnsupportedError(
                f"r_, c_: expected slices and arrays, got the string {key!r}; use "
                "concatenate, stack or reshape"
            )
        return asarray(key)
    if isinstance(key.step, complex):
        return asarray(np.linspace(key.start or 0, key.stop, int(abs(key.step))).astype(np.float32))
    return asarray(list(np.arange(key.start or 0, key.stop, key.step or 1).tolist()))


c_, r_ = _Columns(), _Rows()

"""Order and search: where, sort, argsort, searchsorted, unique, nonzero, flat indices.

In: arrays.  Out: arrays.  Functions whose result's shape depends on values need known values,
or `size=`, which fixes the shape.
Must not know: how sorting is done.
"""

import math

import numpy as np

from ..core import dtypes
from ..core.array import Array, Value
from ..core.errors import (
    ArgumentError,
    DTypeError,
    ShapeError,
    UnsupportedError,
)
from ..core.primitives import elementwise as E
from ..core.primitives import indexing as G
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.primitives import sorting
from ..core.primitives.searching import true_places
from ..core.state import STATE
from . import composed as M
from . import elementwise as U
from .at_once import at_hand
from .elementwise import constant_like, truth
from .promotion import (
    as_type,
    asarray,
    axis_index,
    broadcast_shapes,
    broadcast_value,
    checked_now,
    operand,
    promote_dtypes,
    to_inexact,
    unsupported,
)
from .result_sizes import is_known, known, number_of
from .shapes import flip

__all__ = [
    *("argpartition", "argsort", "argwhere", "compress", "digitize", "extract", "flatnonzero"),
    *("lexsort", "nonzero", "partition", "ravel_multi_index", "searchsorted", "sort"),
    *("sort_complex", "unique", "unravel_index", "where"),
]


def where(condition, x=None, y=None, /, *, size=None, fill_value=None):
    """x where condition is true, else y; all three broadcast together.

    With a condition only: the indices where it is true, as `nonzero`.

    >>> where(asarray([True, False]), 1, 2).tolist()
    [1, 2]
    """
    if x is None and y is None:
        return nonzero(condition, size=size, fill_value=fill_value)
    if x is None or y is None or size is not None or fill_value is not None:
        raise ArgumentError(
            "where: expected both x and y, or neither and perhaps size= and fill_value=, got "
            f"x={x is not None}, y={y is not None}, size={size}, fill_value={fill_value}; "
            "give the value of the other case too"
        )
    if type(condition) is Array and STATE.trace is None:
        found = _where_now(condition, x, y)
        if found is not None:
            return found
    return M.choose_between("where", condition, x, y)


def _where_now(condition, x, y):
    """By NumPy for plain arrays of one dtype; None if promotion is needed."""
    if type(x) is not Array or type(y) is not Array or checked_now():
        return None
    test, a, b = condition._np, x._np, y._np
    if test is None or a is None or b is None or x._weak is not y._weak:
        return None
    if test.dtype.char != "?" or a.dtype is not b.dtype:
        return None
    try:
        return Array(np.where(test, a, b), x._weak)
    except ValueError:
        return None


def _last(name, a, axis):
    x = operand(name, a)
    if axis is None:
        return S.reshape(x, (x.size,)), 0
    return x, axis_index(name, axis, x.ndim)


def _check_kind(name, kind):
    """Refuse algorithms that do not exist; those that do would give the same result."""
    check_choice(name, "kind", kind, (None, "quicksort", "heapsort", "mergesort", "stable"))


def check_choice(name, argument, value, choices):
    """Raise ArgumentError unless the value is one of the choices."""
    if value not in choices:
        raise ArgumentError(f"{name}: expected {argument} among {choices}, got {value!r}")


def sort(a, axis=-1, *, kind=None, order=None, stable=True, descending=False):
    """Elements in ascending order along an axis, NaN last; None flattens first.

    >>> sort(asarray([3, 1, 2])).tolist()
    [1, 2, 3]
    """
    unsupported("sort", order=order)
    _check_kind("sort", kind)
    if not isinstance(a, Value) and not hasattr(a, "ndim"):
        a = operand("sort", a)
    x, at = _last("sort", a, axis)
    (out,) = sorting.sort([x], at, 1)
    return flip(out, at) if descending else out


def argsort(a, axis=-1, *, kind=None, order=None, stable=True, descending=False, dtype=None):
    """Indices that sort along an axis; equal elements keep their order; None flattens first.

    >>> argsort(asarray([3, 1, 2])).tolist()
    [1, 2, 0]
    """
    unsupported("argsort", order=order)
    _check_kind("argsort", kind)
    x, at = _last("argsort", a, axis)
    wanted = dtypes.default_int() if dtype is None else dtypes.canonical(dtype)
    n = x.shape[at]
    places = S.iota(wanted, x.shape, at)
    if not descending:
        return sorting.sort([x, places], at, 1)[1]
    # Reversed twice, so that equal elements keep their order.
    found = flip(sorting.sort([flip(x, at), places], at, 1)[1], at)
    return E.sub(S.full(x.shape, n - 1, wanted), found)


def sort_complex(a):
    """Elements in ascending order along the last axis, as complex numbers.

    >>> sort_complex(asarray([2.0, 1.0])).tolist()
    [(1+0j), (2+0j)]
    """
    x = sort(operand("sort_complex", a))
    return C.convert(x, dtypes.complex_of(to_inexact(x.dtype)))


def lexsort(keys, axis=-1):
    """Indices that sort by the last key, ties by the one before, and so on.

    keys: arrays of one shape, or array[k, ...].

    >>> lexsort((asarray([1, 2, 0]), asarray([0, 0, 0]))).tolist()
    [2, 0, 1]
    """
    given = [asarray(k) for k in keys]
    if not given:
        raise ShapeError("lexsort: expected at least one key, got none")
    at = axis_index("lexsort", axis, given[0].ndim)
    places = S.iota(dtypes.default_int(), given[0].shape, at)
    return sorting.sort([*given[::-1], places], at, len(given))[-1]


def partition(a, kth, axis=-1):
    """Elements along an axis with the kth in its sorted place (all are sorted here).

    >>> partition(asarray([3, 1, 2]), 1).tolist()[1]
    2
    """
    return sort(_with_place("partition", a, kth, axis), axis)


def argpartition(a, kth, axis=-1):
    """Indices that `partition` along an axis.

    >>> argpartition(asarray([3, 1, 2]), 0).tolist()[0]
    1
    """
    return argsort(_with_place("argpartition", a, kth, axis), axis)


def _with_place(name, a, kth, axis):
    """`a`, if it has a kth place along the axis."""
    x = operand(name, asarray(a))
    n = x.shape[axis_index(name, axis, x.ndim)]
    if not -n <= kth < n:
        raise ArgumentError(f"{name}: expected kth among the {n} places of the axis, got {kth}")
    return x


_SEARCHES = ("default", "scan", "scan_unrolled", "sort", "compare_all")


def searchsorted(a, v, side="left", sorter=None, *, method="scan"):
    """Where to insert `v` into the sorted `a` to keep it sorted.

    a: real[n]; v: real[...] -> integer[...]
    Args:
      side: 'left' before equal elements, 'right' after them.
      sorter: indices that sort `a`.
      method: one of JAX's algorithms, of no effect on the result.

    >>> searchsorted(asarray([1, 3, 5]), 3).tolist()
    1
    """
    check_choice("searchsorted", "method", method, _SEARCHES)
    if side not in ("left", "right"):
        raise ArgumentError(f"searchsorted: expected side 'left' or 'right', got {side!r}")
    x, y = promote_dtypes("searchsorted", a, v)
    if x.ndim != 1:
        raise ShapeError(f"searchsorted: expected sorted numbers [n], got {x.aval}")
    if sorter is not None:
        x = G.gather(x, [operand("searchsorted", sorter)], "a[a],z->z")
    wanted = dtypes.default_int()
    if at_hand(x, y) and x.dtype.kind in "biuf":
        return Array(np.asarray(np.searchsorted(x._np, y._np, side), wanted))
    return _search(x, y, side, wanted)


def _search(x, y, side, wanted):
    """By halves, for all elements of y at the same time."""
    low = S.full(y.shape, 0, wanted)
    high = S.full(y.shape, x.shape[0], wanted)
    letters = "abcdefghijklmnopqrstuvwxy"[: y.ndim]
    two = S.full(y.shape, 2, wanted)
    for _ in range(x.shape[0].bit_length()):
        middle = E.div(E.add(low, high), two)
        value = G.gather(x, [middle], f"z[z],{letters}->{letters}", "clip")
        right = _before(value, y) if side == "left" else E.not_(_before(y, value))
        right = E.and_(right, E.lt(low, high))
        low = C.select(right, E.add(middle, S.full(y.shape, 1, wanted)), low)
        high = C.select(right, high, middle)
    return low


def _before(x, y):
    """x < y, where NaN comes after every number."""
    if not dtypes.is_inexact(x.dtype):
        return E.lt(x, y)
    return E.or_(E.lt(x, y), E.and_(E.eq(x, x), E.ne(y, y)))


def digitize(x, bins, right=False, *, method=None):
    """Index of the bin of each x. bins: real[n], sorted either way; x: real[...]

    >>> digitize(asarray([0.5, 2.5]), asarray([0.0, 1.0, 2.0])).tolist()
    [1, 3]
    """
    check_choice("digitize", "method", method, (None, *_SEARCHES))
    edges = operand("digitize", asarray(bins))
    if edges.ndim != 1:
        raise ShapeError(f"digitize: expected bins [n], got {edges.aval}")
    n = edges.shape[0]
    if not n:
        return S.full(operand("digitize", x).shape, 0, dtypes.default_int())
    side = "right" if not right else "left"
    up = searchsorted(edges, x, side)
    down = U.subtract(n, searchsorted(S.rev(edges, (0,)), x, side))
    last, first = S.slice_axis(edges, 0, n - 1, n), S.slice_axis(edges, 0, 0, 1)
    rising = S.reshape(E.ge(last, first), ())
    return M.choose_between("digitize", rising, up, down)


def nonzero(a, *, size=None, fill_value=None):
    """Indices where `a` is not zero: one integer array [n] for each axis.

    Args:
      size: n: too many are cut off, too few filled with fill_value (0).  Without it, what
        follows under jit is not compiled (JAX refuses it), and vmap and loops cannot take it.

    >>> [i.tolist() for i in nonzero(asarray([0, 5, 6]))]
    [[1, 2]]
    """
    x = operand("nonzero", asarray(a))
    if x.ndim == 0:
        raise ShapeError("nonzero: expected an array with axes, got a scalar; use atleast_1d")
    return places_of("nonzero", x, size, fill_value)


def places_of(name, x, size=None, fill_value=None):
    """`nonzero`, on behalf of the operation `name`."""
    if size is None and is_known(x):
        return tuple(_ints(i) for i in np.nonzero(known(name, x)))
    hit = S.reshape(truth(name, x), (x.size,))
    wanted, n = dtypes.default_int(), number_of(name, hit) if size is None else int(size)
    fills = fill_value if isinstance(fill_value, tuple) else (fill_value,) * x.ndim
    if not x.size or not n:
        return tuple(S.full((n,), 0 if f is None else f, wanted) for f in fills)
    place = true_places(hit, n, wanted)
    if size is None:
        return _coordinates(place, x.shape)
    there = U.less(place, x.size)
    found = _coordinates(U.minimum(place, x.size - 1), x.shape)
    return tuple(
        M.choose_between(name, there, i, as_type(name, 0 if f is None else f, wanted))
        for i, f in zip(found, fills, strict=True)
    )


def _coordinates(place, shape):
    """`unravel_index` of places known to lie inside."""
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    whole = [E.div(place, constant_like(place, s)) if s > 1 else place for s in strides]
    return tuple(
        E.rem(w, constant_like(place, n)) if i else w
        for i, (w, n) in enumerate(zip(whole, shape, strict=True))
    )


def _ints(x):
    return Array(np.asarray(x, dtypes.default_int()))


def flatnonzero(a, *, size=None, fill_value=None):
    """Indices of the flattened `a` where it is not zero. Arguments as of `nonzero`.

    >>> flatnonzero(asarray([0, 5, 6])).tolist()
    [1, 2]
    """
    x = operand("flatnonzero", asarray(a))
    return nonzero(S.reshape(x, (x.size,)), size=size, fill_value=fill_value)[0]


def argwhere(a, *, size=None, fill_value=None):
    """Indices where `a` is not zero: integer[n, ndim]. Arguments as of `nonzero`.

    >>> argwhere(asarray([0, 5, 6])).tolist()
    [[1], [2]]
    """
    x = operand("argwhere", asarray(a))
    if x.ndim == 0:
        n = number_of("argwhere", truth("argwhere", x))
        return Array(np.zeros((n, 0), dtypes.default_int()))
    found = nonzero(x, size=size, fill_value=fill_value)
    return S.concatenate([S.reshape(i, (i.size, 1)) for i in found], 1)


def extract(condition, arr, *, size=None, fill_value=0):
    """Elements of `arr` where `condition` is true: array[n]; size= as of `nonzero`.

    >>> extract(asarray([True, False]), asarray([1, 2])).tolist()
    [1]
    """
    x = operand("extract", asarray(arr))
    test = truth("extract", asarray(condition))
    return compress(S.reshape(test, (test.size,)), x, size=size, fill_value=fill_value)


def compress(condition, a, axis=None, *, size=None, fill_value=0, out=None):
    """Slices of `a` along an axis (None: flattened) where `condition` [n] is true.

    >>> compress(asarray([True, False]), asarray([1, 2])).tolist()
    [1]
    """
    unsupported("compress", out=out)
    x = operand("compress", asarray(a))
    if axis is None:
        x, axis = S.reshape(x, (x.size,)), 0
    at = axis_index("compress", axis, x.ndim)
    (where_,) = nonzero(asarray(condition), size=size, fill_value=x.shape[at])
    letters = "abcdefghijklmnopqrstuvwxy"[: x.ndim]
    out = letters[:at] + "z" + letters[at + 1 :]
    mode = "raise" if size is None else "fill"
    return G.gather(x, [where_], f"{letters}[{letters[at]}],z->{out}", mode, fill_value)


def unravel_index(indices, shape):
    """Indices of the flattened array as indices along each axis of `shape`.

    >>> [i.tolist() for i in unravel_index(5, (2, 3))]
    [1, 2]
    """
    x = operand("unravel_index", asarray(indices))
    if not dtypes.is_integer(x.dtype):
        raise DTypeError(f"unravel_index: expected integer indices, got {x.aval}; use astype")
    sizes = (shape,) if isinstance(shape, int) else tuple(int(n) for n in shape)
    total = math.prod(sizes)
    x = M.clip(x, -total, total - 1)
    x = M.choose_between("unravel_index", U.less(x, 0), U.add(x, total), x)
    out = []
    for n in reversed(sizes):
        out.append(U.remainder(x, n))
        x = U.floor_divide(x, n)
    return tuple(reversed(out))


def ravel_multi_index(multi_index, dims, mode="raise", order="C", *, dtype=None):
    """Indices along each axis as indices of the flattened array of sizes `dims`.

    Args:
      mode: 'raise' (known indices only), 'wrap' or 'clip'.

    >>> ravel_multi_index((1, 2), (2, 3)).tolist()
    5
    """
    sizes = tuple(int(n) for n in dims)
    parts = [operand("ravel_multi_index", asarray(i)) for i in multi_index]
    if len(parts) != len(sizes):
        raise ShapeError(f"ravel_multi_index: expected {len(sizes)} indices, got {len(parts)}")
    if mode == "raise":
        if any(
            ((v := known("ravel_multi_index", p)) < 0).any() or (v >= n).any()
            for p, n in zip(parts, sizes, strict=True)
        ):
            raise ArgumentError(
                f"ravel_multi_index: expected indices inside dims {sizes}, got one outside; "
                "use mode='clip'"
            )
    elif mode == "clip":
        parts = [M.clip(p, 0, n - 1) for p, n in zip(parts, sizes, strict=True)]
    elif mode == "wrap":
        parts = [U.remainder(p, n) for p, n in zip(parts, sizes, strict=True)]
    else:
        raise ArgumentError(f"ravel_multi_index: expected mode raise, wrap or clip, got {mode!r}")
    strides = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
    if order == "F":
        strides = [math.prod(sizes[:i]) for i in range(len(sizes))]
    wanted = dtypes.default_int() if dtype is None else dtypes.canonical(dtype)
    total = S.full(broadcast_shapes(*[p.shape for p in parts]), 0, wanted)
    for p, stride in zip(parts, strides, strict=True):
        total = U.add(total, U.multiply(C.convert(p, wanted), stride))
    return total


def unique(
    ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *,
    equal_nan=True, size=None, fill_value=None, sorted=True,
):  # fmt: skip
    """The different elements in ascending order (along an axis: the different slices).

    Args:
      return_index, return_inverse, return_counts: also return where each first occurs, which
        one each element is, and how often each occurs.
      size: number of results, for traced arrays without axis=; too few are filled with
        fill_value (the smallest element).

    >>> unique(asarray([3, 1, 3])).tolist()
    [1, 3]
    """
    x = operand("unique", asarray(ar))
    if size is not None or (axis is None or x.ndim == 1) and not is_known(x):
        wanted = return_index, return_inverse, return_counts
        return _unique_sized(x, wanted, axis, equal_nan, size, fill_value)
    found = np.unique(
        known("unique", x), return_index, return_inverse, return_counts, axis, equal_nan=equal_nan
    )
    if not isinstance(found, tuple):
        return Array(found)
    values, *rest = found
    return (Array(values), *[_ints(r) for r in rest])


def _unique_sized(x, returned, axis, equal_nan, size, fill_value):
    if axis is not None and x.ndim != 1:
        raise UnsupportedError(
            f"unique: expected axis=None together with size=, got axis={axis}; flatten x first"
        )
    n, wanted, shape = x.size, dtypes.default_int(), x.shape
    if not n:
        return _unique_of_none(x, returned, size or 0, fill_value)
    flat = S.reshape(x, (n,))
    values, places = sorting.sort([flat, S.iota(wanted, (n,), 0)], 0, 1)
    before = S.concatenate([S.slice_axis(values, 0, 0, 1), S.slice_axis(values, 0, 0, n - 1)], 0)
    first = E.eq(S.iota(wanted, (n,), 0), S.full((n,), 0, wanted))
    differs = E.ne(values, before)
    if dtypes.is_inexact(x.dtype) and equal_nan:
        differs = E.and_(differs, E.or_(E.eq(values, values), E.eq(before, before)))
    new = E.or_(first, differs)
    if size is None:
        size = number_of("unique", new)
    rank = E.sub(R.cumsum(C.convert(new, wanted), 0), S.full((n,), 1, wanted))
    (starts,) = nonzero(new, size=size, fill_value=n)
    there = E.lt(starts, S.full((size,), n, wanted))
    at = E.min_(starts, S.full((size,), n - 1, wanted))
    fill = (
        S.reshape(S.slice_axis(values, 0, 0, 1), ())
        if fill_value is None
        else (as_type("unique", fill_value, x.dtype))
    )
    picked = G.gather(values, [at], "a[a],z->z", "promise")
    out = [C.select(there, picked, broadcast_value(fill, (size,)))]
    index, inverse, counts = returned
    if index:
        origin = G.gather(places, [at], "a[a],z->z", "promise")
        head = S.reshape(S.slice_axis(places, 0, 0, 1), ())
        out.append(C.select(there, origin, broadcast_value(head, (size,))))
    if inverse:
        zero = S.full((n,), 0, wanted)
        spread = G.scatter_p.bind(zero, rank, places, spec="a[a],z->z", mode="promise")[0]
        out.append(S.reshape(spread, shape))
    if counts:
        zero, one = S.full((size,), 0, wanted), S.full((n,), 1, wanted)
        out.append(G.scatter_add_p.bind(zero, one, rank, spec="a[a],z->z", mode="drop")[0])
    return out[0] if len(out) == 1 else tuple(out)


def _unique_of_none(x, returned, size, fill_value):
    """The result for an array without elements: fill_value (0), and zeros for the places."""
    fill = as_type("unique", 0 if fill_value is None else fill_value, x.dtype)
    lengths = [n for n, asked in zip((size, x.size, size), returned, strict=True) if asked]
    rest = [S.full((n,), 0, dtypes.default_int()) for n in lengths]
    return (broadcast_value(fill, (size,)), *rest) if rest else broadcast_value(fill, (size,))

"""Sets of the elements of arrays: which are in both, in one, in neither.

In: arrays, of known values or with the size of the result given.  Out: sorted elements.
Must not know: primitives.
"""

from typing import Any, NamedTuple

import numpy as np

from ..core import dtypes
from ..core.array import Array
from ..core.primitives import elementwise as E
from ..core.primitives import reduction as R
from ..core.primitives import shape as S
from . import composed as M
from . import elementwise as U
from . import indexing, joining, reductions, shapes
from .ordering import argsort, check_choice, known, lexsort, nonzero, searchsorted, sort, unique
from .promotion import asarray, broadcast_value, promote_dtypes

__all__ = [
    *("intersect1d", "isin", "setdiff1d", "setxor1d", "union1d", "unique_all", "unique_counts"),
    *("unique_inverse", "unique_values"),
]


def isin(element, test_elements, assume_unique=False, invert=False, *, method="auto"):
    """Whether each element is among `test_elements`. element: array[...] -> bool[...]

    Args:
      assume_unique: of no effect on the result.
      invert: whether it is not.
      method: "compare_all" compares every pair; "binary_search" and "sort" look into the sorted
        test_elements; "auto" compares if those are few, or complex.

    >>> isin(asarray([1, 2]), asarray([2, 3])).tolist()
    [False, True]
    """
    choices = ("auto", "compare_all", "binary_search", "sort")
    check_choice("isin", "method", method, choices)
    x, y = promote_dtypes("isin", asarray(element), asarray(test_elements))
    y = y.reshape(-1)
    pairs = y.size < _MANY if method == "auto" else method == "compare_all"
    hit = _equal_any(x, y) if pairs or dtypes.is_complex(y.dtype) else _found_in(x, y)
    return E.not_(hit) if invert else hit


_MANY = 100
"""So many elements, or more, are sorted rather than each compared."""


def _equal_any(x, y):
    wide = (*x.shape, y.size)
    left = S.broadcast_in_dim(x, wide, tuple(range(x.ndim)))
    return R.reduce_or(E.eq(left, broadcast_value(y, wide)), (x.ndim,))


def _found_in(x, y):
    if not y.size:
        return _equal_any(x, y)
    ordered = sort(y)
    return U.equal(indexing.take(ordered, searchsorted(ordered, x), mode="clip"), x)


class UniqueAllResult(NamedTuple):
    """Different elements, first places, which of them each element is, how often each occurs."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCountsResult(NamedTuple):
    """Different elements and how often each occurs."""

    values: Any
    counts: Any


class UniqueInverseResult(NamedTuple):
    """Different elements and which of them each element is."""

    values: Any
    inverse_indices: Any


def unique_values(x, /, *, size=None, fill_value=None):
    """The different elements in ascending order: array[...] -> array[n].

    >>> unique_values(asarray([3, 1, 3])).tolist()
    [1, 3]
    """
    return unique(x, size=size, fill_value=fill_value, equal_nan=False)


def unique_counts(x, /, *, size=None, fill_value=None):
    """(different elements [n], how often each occurs [n]).

    >>> [v.tolist() for v in unique_counts(asarray([3, 1, 3]))]
    [[1, 3], [1, 2]]
    """
    found = unique(x, return_counts=True, size=size, fill_value=fill_value, equal_nan=False)
    return UniqueCountsResult(*found)


def unique_inverse(x, /, *, size=None, fill_value=None):
    """(different elements [n], which of them each element is [...]).

    >>> [v.tolist() for v in unique_inverse(asarray([3, 1, 3]))]
    [[1, 3], [1, 0, 1]]
    """
    found = unique(x, return_inverse=True, size=size, fill_value=fill_value, equal_nan=False)
    return UniqueInverseResult(*found)


def unique_all(x, /, *, size=None, fill_value=None):
    """(different elements [n], first places [n], which of them each element is [...], counts [n]).

    >>> len(unique_all(asarray([3, 1, 3])))
    4
    """
    found = unique(x, True, True, True, size=size, fill_value=fill_value, equal_nan=False)
    return UniqueAllResult(*found)


def union1d(ar1, ar2, *, size=None, fill_value=None):
    """The different elements of both arrays in ascending order.

    Args:
      size: number of results, for traced arrays; too few are filled with fill_value (the
        smallest element).

    >>> union1d(asarray([2, 1]), asarray([3])).tolist()
    [1, 2, 3]
    """
    return unique(joining.concatenate(_flat("union1d", ar1, ar2)), size=size, fill_value=fill_value)


def _flat(name, ar1, ar2):
    return [v.reshape(-1) for v in promote_dtypes(name, asarray(ar1), asarray(ar2))]


def _firsts(x, assume_unique):
    """x sorted, and where an element is the first of its kind."""
    x = sort(x)
    if assume_unique or not x.size:
        return x, U.equal(x, x)
    return x, joining.concatenate([asarray([True]), U.not_equal(x[1:], x[:-1])])


def _taken(x, there, size, fill_value):
    """The elements of x where `there`, as many as `size`, and their places (x.size: none)."""
    (places,) = nonzero(there, size=size, fill_value=x.size)
    if not x.size:
        return broadcast_value(asarray(fill_value or 0, x.dtype), (size,)), places
    found = indexing.take(x, places, mode="clip")
    if fill_value is None:
        fill_value = M.choose_between("fill", reductions.any(there), found[:1], 0)
    return M.choose_between(
        "sets", U.less(places, x.size), found, asarray(fill_value, x.dtype)
    ), places


def intersect1d(ar1, ar2, assume_unique=False, return_indices=False, *, size=None, fill_value=None):
    """The different elements that both arrays have, in ascending order.

    Args:
      assume_unique: no array has an element twice.
      return_indices: also return where each is first in either array.
      size: number of results, for traced arrays; too few are filled with fill_value (the
        smallest result), their places with the sizes of the arrays.

    >>> intersect1d(asarray([1, 2]), asarray([2, 3])).tolist()
    [2]
    """
    if size is None:
        found = np.intersect1d(
            known("intersect1d", ar1), known("intersect1d", ar2), assume_unique, return_indices
        )
        if not return_indices:
            return Array(found)
        return Array(found[0]), *[asarray(f, dtypes.default_int()) for f in found[1:]]
    x, y = _flat("intersect1d", ar1, ar2)
    ordered, first = _firsts(x, assume_unique)
    both = U.logical_and(first, isin(ordered, y))
    found, places = _taken(ordered, both, size, fill_value)
    if not return_indices:
        return found
    there = U.less(places, x.size)
    first_x = indexing.take(argsort(x), places, mode="clip")
    first_y = indexing.take(argsort(y), searchsorted(sort(y), found), mode="clip")
    where = lambda i, n: M.choose_between("intersect1d", there, i, n)
    return found, where(first_x, x.size), where(first_y, y.size)


def setdiff1d(ar1, ar2, assume_unique=False, *, size=None, fill_value=None):
    """The different elements of the first array that the second lacks, in ascending order.

    Args:
      assume_unique: no array has an element twice; the order stays that of `ar1`.
      size: number of results, for traced arrays; too few are filled with fill_value (0).

    >>> setdiff1d(asarray([1, 2]), asarray([2, 3])).tolist()
    [1]
    """
    if size is None:
        return Array(np.setdiff1d(known("setdiff1d", ar1), known("setdiff1d", ar2), assume_unique))
    x, y = shapes.ravel(asarray(ar1)), shapes.ravel(asarray(ar2))
    ordered, first = (x, U.equal(x, x)) if assume_unique else _firsts(x, False)
    fill_value = 0 if fill_value is None else fill_value
    return _taken(ordered, U.logical_and(first, isin(ordered, y, invert=True)), size, fill_value)[0]


def setxor1d(ar1, ar2, assume_unique=False, *, size=None, fill_value=None):
    """The different elements that only one of the arrays has, in ascending order.

    Args:
      assume_unique: no array has an element twice.
      size: number of results, for traced arrays; too few are filled with fill_value (the
        smallest result).

    >>> setxor1d(asarray([1, 2]), asarray([2, 3])).tolist()
    [1, 3]
    """
    if size is None:
        return Array(np.setxor1d(known("setxor1d", ar1), known("setxor1d", ar2), assume_unique))
    x, y = _flat("setxor1d", ar1, ar2)
    (a, first), (b, other_first) = _firsts(x, assume_unique), _firsts(y, assume_unique)
    values = joining.concatenate([a, b])
    single = joining.concatenate(
        [
            U.logical_and(first, isin(a, y, invert=True)),
            U.logical_and(other_first, isin(b, x, invert=True)),
        ]
    )
    order = lexsort((values, U.logical_not(single)))
    return _taken(values[order], single[order], size, fill_value)[0]

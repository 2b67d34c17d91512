"""ftx.scipy.ndimage: an array read between its elements.

In: an array, coordinates.  Out: values there.
Must not know: sizes of images, which `ftx.image` changes.
"""

import functools
import itertools
import operator

from ..core import dtypes
from ..core.errors import ArgumentError, DTypeError, ShapeError, UnsupportedError
from ..lax import round as half_away
from ..numpy import abs, clip, floor, floor_divide, remainder, where
from ..numpy.promotion import asarray

__all__ = ["map_coordinates"]


def _mirror(place, size):
    """A triangular wave: the elements at the ends once."""
    if size == 1:
        return place * 0
    return abs(remainder(place + (size - 1), 2 * (size - 1)) - (size - 1))


_INSIDE = {
    "constant": lambda place, size: clip(place, 0, size - 1),
    "nearest": lambda place, size: clip(place, 0, size - 1),
    "wrap": remainder,
    "mirror": _mirror,
    "reflect": lambda place, size: floor_divide(_mirror(2 * place + 1, 2 * size + 1) - 1, 2),
}


def _nodes(c, order):
    """The elements that count at a coordinate, and how much."""
    if order == 0:
        place = c if dtypes.is_integer(c.dtype) else half_away(c)
        return [(place.astype(dtypes.int64), None)]
    low = floor(c)
    part, place = c - low, low.astype(dtypes.int64)
    return [(place, 1 - part), (place + 1, part)]


def map_coordinates(input, coordinates, order, mode="constant", cval=0.0):
    """The array's values at coordinates, 0 being the first element's centre along each axis.

    Args:
      input: number[n1, ..., nd].
      coordinates: d arrays that broadcast together, one for each axis.
      order: 0 the nearest element, 1 linear between elements; differentiable in coordinates.
      mode: outside the array: "constant" (cval), "nearest", "wrap", "mirror" or "reflect".
      cval: the value outside, for "constant".
    Returns: number of the coordinates' common shape, of input's dtype; integers are rounded.
    Raises: ShapeError for another number of coordinates; UnsupportedError for another order;
      ArgumentError for another mode.

    >>> map_coordinates(asarray([0.0, 10.0, 20.0]), [asarray([0.5, 1.75])], 1).tolist()
    [5.0, 17.5]
    """
    x, places = asarray(input), [asarray(c) for c in coordinates]
    if len(places) != x.ndim:
        raise ShapeError(
            f"map_coordinates: expected {x.ndim} coordinates for {x.aval}, got {len(places)}; give "
            "one array per axis"
        )
    if mode not in _INSIDE:
        raise ArgumentError(
            f"map_coordinates: expected a mode among {sorted(_INSIDE)}, got {mode!r}"
        )
    if order not in (0, 1):
        raise UnsupportedError(
            f"map_coordinates: expected order 0 or 1, got {order!r}; splines of higher order need "
            "scipy.ndimage"
        )
    if any(dtypes.is_complex(c.dtype) for c in places):
        raise DTypeError("map_coordinates: expected real coordinates, got complex ones; use .real")
    outside = asarray(cval, x.dtype)
    nodes = [_nodes(c, order) for c in places]
    terms = [_term(x, corner, mode, outside) for corner in itertools.product(*nodes)]
    total = functools.reduce(operator.add, terms)
    if dtypes.is_integer(x.dtype) and not dtypes.is_integer(total.dtype):
        total = half_away(total)
    return total.astype(x.dtype)


def _term(x, corner, mode, outside):
    """The value at one corner of the cell, times its share."""
    found = x[tuple(_INSIDE[mode](place, n) for (place, _), n in zip(corner, x.shape, strict=True))]
    if mode == "constant":
        inside = [(place >= 0) & (place < n) for (place, _), n in zip(corner, x.shape, strict=True)]
        found = where(functools.reduce(operator.and_, inside), found, outside)
    for _, share in corner:
        found = found if share is None else share * found
    return found

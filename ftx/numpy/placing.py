"""`ix_` and `place`: open grids of indices, and values put where a mask is true.

In: arrays, tracers, NumPy arrays, numbers.  Out: arrays or tracers.
Must not know: primitives.
"""

from ..core.errors import ArgumentError, DTypeError, ShapeError
from . import composed as M
from . import elementwise as U
from . import indexing, ordering, reductions
from .promotion import asarray, operand

__all__ = ["ix_", "place"]


def ix_(*args):
    """Arrays that index the rectangle of the given indices of each axis. args: integer or bool[n]

    >>> asarray([[1, 2], [3, 4]])[ix_(asarray([0]), asarray([1, 0]))].tolist()
    [[2, 1]]
    """
    found = []
    for i, given in enumerate(args):
        x = operand("ix_", asarray(given))
        if x.ndim != 1:
            raise ShapeError(f"ix_: expected arrays of one axis, got {x.aval}")
        if x.dtype.kind == "b":
            (x,) = ordering.nonzero(x)
        elif x.dtype.kind not in "iu":
            raise DTypeError(f"ix_: expected integers or bools, got {x.aval}")
        found.append(x.reshape((1,) * i + (-1,) + (1,) * (len(args) - i - 1)))
    return tuple(found)


def place(arr, mask, vals, *, inplace=True):
    """`arr` with `vals`, in turn and again from the first, where `mask` is true.

    arr, mask: array[...] of one size; vals: array[n]; inplace must be False.

    >>> place(asarray([1, 2, 3]), asarray([True, False, True]), asarray([9, 8]), inplace=False)
    Array([9, 2, 8], dtype=int64)
    """
    if inplace:
        raise ArgumentError(
            "place: expected inplace=False, since arrays are immutable, got True; use the result"
        )
    x, there, values = (operand("place", asarray(v)) for v in (arr, mask, vals))
    if x.size != there.size:
        raise ShapeError(f"place: expected a mask of the size of {x.aval}, got {there.aval}")
    if not values.size:
        raise ArgumentError(f"place: expected at least one value, got {values.aval}")
    flat = U.truth("place", there).reshape(-1)
    turn = U.remainder(U.subtract(reductions.cumsum(flat), 1), values.size)
    chosen = indexing.take(values.reshape(-1), turn, mode="clip")
    new = M.choose_between("place", flat, U.astype(chosen, x.dtype), x.reshape(-1))
    return new.reshape(x.shape)

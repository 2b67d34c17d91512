"""Other shapes and orders of axes: reshape, transpose, squeeze, flip, diagonals.

In: arrays and axes, negative or not.  Out: the same elements elsewhere.
Must not know: element types.
"""

import math
import string

import numpy as np

from ..core import dtypes
from ..core.array import Array
from ..core.errors import AxisError, BroadcastShapeError, ReshapeError, ShapeError, UnsupportedError
from ..core.primitives import elementwise as E
from ..core.primitives import indexing as G
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from .at_once import at_hand
from .promotion import (
    apply_now,
    asarray,
    axis_index,
    axis_tuple,
    broadcast,
    broadcast_shapes,  # noqa: F401  for export
    broadcast_value,
    operand,
    shape_tuple,
    unsupported,
)

__all__ = [
    *("atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_shapes"),
    *("broadcast_to", "diag", "diagflat", "diagonal", "expand_dims", "flip", "fliplr", "flipud"),
    *("matrix_transpose", "moveaxis", "ndim", "permute_dims", "ravel", "reshape", "rollaxis"),
    *("rot90", "shape", "size", "squeeze", "swapaxes", "transpose"),
]


def ndim(a):
    """Number of axes.

    >>> ndim(asarray([[1, 2]]))
    2
    """
    return operand("ndim", asarray(a)).ndim


def shape(a):
    """Sizes of the axes.

    >>> shape(asarray([[1, 2]]))
    (1, 2)
    """
    return operand("shape", asarray(a)).shape


def size(a, axis=None):
    """Number of elements, of the whole array or along axes.

    >>> size(asarray([[1, 2]]))
    2
    """
    sizes = operand("size", asarray(a)).shape
    return math.prod(sizes[i] for i in axis_tuple("size", axis, len(sizes)))


def reshape(a, shape, order="C", *, copy=None, out_sharding=None):
    """The same elements in row-major order under another shape.

    Args:
      shape: sizes; one of them may be -1 and is then found from the others.
      order: 'C', or 'F' to read and write with the first axis fastest.

    >>> reshape(asarray([1, 2, 3, 4]), (2, -1)).shape
    (2, 2)
    """
    unsupported("reshape", out_sharding=out_sharding)
    x = operand("reshape", a)
    wanted = new_shape(x, shape)
    if order == "F":
        back = S.reshape(S.transpose(x, range(x.ndim)[::-1]), wanted[::-1])
        return S.transpose(back, range(len(wanted))[::-1])
    if order not in ("C", "A"):
        raise UnsupportedError(f"reshape: expected order 'C', 'F' or 'A', got {order!r}")
    return apply_now(S.reshape_p, x, shape=wanted) if wanted != x.shape else x


def new_shape(x, shape):
    """`shape` with -1 replaced by what the size of x leaves."""
    sizes = shape if isinstance(shape, (tuple, list)) else (shape,)
    sizes = shape_of_ints(sizes)
    if -1 not in sizes and math.prod(sizes) == x.size:
        return shape_tuple("reshape", sizes)
    rest = math.prod(n for n in sizes if n != -1)
    if sizes.count(-1) != 1 or rest == 0 or x.size % rest:
        raise ReshapeError(
            f"reshape: expected a shape of {x.size} elements, as in {x.aval}, got {sizes}; "
            "let one size follow with -1, or check the sizes"
        )
    return shape_tuple("reshape", [x.size // rest if n == -1 else n for n in sizes])


def shape_of_ints(sizes):
    """Sizes as Python integers, -1 allowed."""
    try:
        return tuple(n.__index__() for n in sizes)
    except AttributeError:
        raise ShapeError(f"reshape: expected a shape of integers, got {sizes!r}") from None


def ravel(a, order="C", *, out_sharding=None):
    """All elements along one axis, in row-major order. a: array[...] -> array[n]

    >>> ravel(asarray([[1, 2], [3, 4]])).tolist()
    [1, 2, 3, 4]
    """
    return reshape(a, (-1,) if operand("ravel", a).size else (0,), order, out_sharding=out_sharding)


def transpose(a, axes=None):
    """Axes in another order, by default reversed: axis i of the result is axis axes[i] of `a`.

    >>> transpose(asarray([[1, 2, 3]])).shape
    (3, 1)
    """
    x = operand("transpose", a)
    if axes is None:
        return apply_now(S.transpose_p, x, perm=tuple(range(x.ndim)[::-1]))
    perm = axis_tuple("transpose", axes, x.ndim)
    if len(perm) != x.ndim:
        raise AxisError(f"transpose: expected all {x.ndim} axes of {x.aval}, got {axes}")
    return S.transpose(x, perm)


def permute_dims(a, /, axes):
    """Axes in another order. a: array[...]

    >>> permute_dims(asarray([[1, 2, 3]]), (1, 0)).shape
    (3, 1)
    """
    return transpose(a, axes)


def matrix_transpose(x, /):
    """The last two axes exchanged. x: array[..., m, n] -> array[..., n, m]

    >>> matrix_transpose(asarray([[1, 2, 3]])).shape
    (3, 1)
    """
    x = operand("matrix_transpose", x)
    if x.ndim < 2:
        raise AxisError(f"matrix_transpose: expected at least two axes, got {x.aval}")
    return swapaxes(x, -1, -2)


def swapaxes(a, axis1, axis2):
    """Two axes exchanged. a: array[...]

    >>> swapaxes(asarray([[1, 2, 3]]), 0, 1).shape
    (3, 1)
    """
    x = operand("swapaxes", a)
    i, j = axis_index("swapaxes", axis1, x.ndim), axis_index("swapaxes", axis2, x.ndim)
    perm = list(range(x.ndim))
    perm[i], perm[j] = j, i
    return S.transpose(x, perm)


def moveaxis(a, source, destination):
    """Axes `source` moved to positions `destination`, the others in order. a: array[...]

    >>> moveaxis(asarray([[[1, 2, 3]]]), -1, 0).shape
    (3, 1, 1)
    """
    x = operand("moveaxis", a)
    start = axis_tuple("moveaxis", source, x.ndim)
    stop = axis_tuple("moveaxis", destination, x.ndim)
    if len(start) != len(stop):
        raise AxisError(
            f"moveaxis: expected as many sources as destinations, got {source}, {destination}"
        )
    perm = [i for i in range(x.ndim) if i not in start]
    for d, s in sorted(zip(stop, start, strict=True)):
        perm.insert(d, s)
    return S.transpose(x, perm)


def rollaxis(a, axis, start=0):
    """`axis` moved in front of axis `start`. a: array[...]

    >>> rollaxis(asarray([[[1, 2, 3]]]), 2).shape
    (3, 1, 1)
    """
    x = operand("rollaxis", a)
    axis = axis_index("rollaxis", axis, x.ndim)
    start = start + x.ndim if start < 0 else start
    return moveaxis(x, axis, start - 1 if start > axis else start)


def expand_dims(a, axis):
    """Axes of size 1 put at positions `axis` of the result.

    >>> expand_dims(asarray([1, 2]), 0).shape
    (1, 2)
    """
    x = operand("expand_dims", a)
    n = len(axis) if isinstance(axis, (tuple, list)) else 1
    return S.expand_dims(x, axis_tuple("expand_dims", axis, x.ndim + n))


def squeeze(a, axis=None):
    """Without axes of size 1, all or the given ones.

    >>> squeeze(asarray([[1, 2]])).shape
    (2,)
    """
    x = operand("squeeze", a)
    if axis is None:
        axes = tuple(i for i, n in enumerate(x.shape) if n == 1)
    else:
        axes = axis_tuple("squeeze", axis, x.ndim)
    if any(x.shape[i] != 1 for i in axes):
        raise AxisError(f"squeeze: expected axes of size 1 of {x.aval}, got {axis}")
    return S.squeeze(x, axes)


def broadcast_to(array, shape, *, out_sharding=None):
    """`array` repeated along axes of size 1 and new leading axes to `shape`.

    >>> broadcast_to(asarray([1, 2]), (3, 2)).shape
    (3, 2)
    """
    unsupported("broadcast_to", out_sharding=out_sharding)
    x, wanted = operand("broadcast_to", array), shape_tuple("broadcast_to", shape)
    lead = len(wanted) - x.ndim
    if lead < 0 or any(n not in (1, m) for n, m in zip(x.shape, wanted[lead:], strict=True)):
        raise BroadcastShapeError(
            f"broadcast_to: expected a shape that {x.aval} fits, got {wanted}; add axes of "
            "size 1 with reshape or x[:, None]"
        )
    return broadcast_value(x, wanted)


def broadcast_arrays(*args):
    """The arrays repeated to their common shape.

    >>> [x.shape for x in broadcast_arrays(asarray([1, 2]), 3)]
    [(2,), (2,)]
    """
    return broadcast("broadcast_arrays", *[operand("broadcast_arrays", a) for a in args])


def flip(m, axis=None):
    """Order reversed along axes, by default all. m: array[...]

    >>> flip(asarray([1, 2, 3])).tolist()
    [3, 2, 1]
    """
    x = operand("flip", m)
    axes = axis_tuple("flip", axis, x.ndim)
    return S.rev(x, axes) if axes else x


def flipud(m):
    """Order reversed along the first axis. m: array[n, ...]

    >>> flipud(asarray([1, 2])).tolist()
    [2, 1]
    """
    return flip(m, 0)


def fliplr(m):
    """Order reversed along the second axis. m: array[m, n, ...]

    >>> fliplr(asarray([[1, 2]])).tolist()
    [[2, 1]]
    """
    return flip(m, 1)


def rot90(m, k=1, axes=(0, 1)):
    """Turned by k quarter turns from the first towards the second of `axes`. m: array[...]

    >>> rot90(asarray([[1, 2]])).tolist()
    [[2], [1]]
    """
    x = operand("rot90", m)
    first, second = axis_tuple("rot90", axes, x.ndim)
    k %= 4
    if k == 0:
        return x
    if k == 2:
        return flip(x, (first, second))
    if k == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second)


def _at_least(name, arys, widen):
    found = [widen(asarray(a)) for a in arys]
    return found[0] if len(found) == 1 else found


def atleast_1d(*arys):
    """Arrays with at least one axis.

    >>> atleast_1d(3).shape
    (1,)
    """
    return _at_least("atleast_1d", arys, lambda x: x if x.ndim else S.reshape(x, (1,)))


def atleast_2d(*arys):
    """Arrays with at least two axes; new ones come first.

    >>> atleast_2d(asarray([1, 2])).shape
    (1, 2)
    """
    return _at_least("atleast_2d", arys, lambda x: x if x.ndim > 1 else S.reshape(x, (1, x.size)))


def atleast_3d(*arys):
    """Arrays with at least three axes: (n,) becomes (1, n, 1) and (m, n) becomes (m, n, 1).

    >>> atleast_3d(asarray([1, 2])).shape
    (1, 2, 1)
    """

    def widen(x):
        return x if x.ndim > 2 else S.reshape(x, (*x.shape, 1) if x.ndim == 2 else (1, x.size, 1))

    return _at_least("atleast_3d", arys, widen)


def pick(x, indices, axis):
    """x at known, valid `indices` along `axis`."""
    if at_hand(x):
        return Array(x._np.take(indices, axis))
    letters = string.ascii_lowercase[: x.ndim]
    out = letters[:axis] + "Z" + letters[axis + 1 :]
    index = Array(np.asarray(indices, np.int64))
    return G.gather(x, [index], f"{letters}[{letters[axis]}],Z->{out}", "promise")


def diagonal(a, offset=0, axis1=0, axis2=1):
    """Elements whose index along axis2 is `offset` more than along axis1, as last axis.

    >>> diagonal(asarray([[1, 2], [3, 4]])).tolist()
    [1, 4]
    """
    x = operand("diagonal", a)
    i, j = axis_index("diagonal", axis1, x.ndim), axis_index("diagonal", axis2, x.ndim)
    if x.ndim < 2 or i == j:
        raise AxisError(f"diagonal: expected two distinct axes of {x.aval}, got {axis1}, {axis2}")
    if at_hand(x):
        return Array(x._np.diagonal(offset, i, j).copy())
    n = max(0, min(x.shape[i] + min(offset, 0), x.shape[j] - max(offset, 0)))
    down, right = max(-offset, 0), max(offset, 0)
    line = S.iota(dtypes.int64, (n,), 0)
    at = [E.add(line, S.full((n,), k, dtypes.int64)) if k else line for k in (down, right)]
    letters = string.ascii_lowercase[: x.ndim]
    rest = "".join(c for k, c in enumerate(letters) if k not in (i, j))
    return G.gather(x, at, f"{letters}[{letters[i]}{letters[j]}],Z->{rest}Z", "promise")


def diag(v, k=0):
    """The k-th diagonal of a matrix, or the matrix with that k-th diagonal.

    v: array[n] -> array[n + |k|, n + |k|], or array[m, n] -> array[its diagonal].

    >>> diag(asarray([1, 2])).tolist()
    [[1, 0], [0, 2]]
    """
    x = operand("diag", v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag: expected one or two axes, got {x.aval}")
    if at_hand(x) and x.dtype != dtypes.key:
        return Array(np.diag(x._np, k))
    n = x.shape[0] + abs(k)
    zero = S.full((), 0, x.dtype)
    line = S.pad(x, zero, ((0, abs(k), 0),))
    whole = S.broadcast_in_dim(line, (n, n), (0,) if k >= 0 else (1,))
    row, column = (S.iota(dtypes.int64, (n, n), a) for a in (0, 1))
    on = E.eq(column, E.add(row, S.full((n, n), k, dtypes.int64)) if k else row)
    return C.select(on, whole, S.full((n, n), 0, x.dtype))


def diagflat(v, k=0):
    """The matrix whose k-th diagonal holds the elements of `v`.

    >>> diagflat(asarray([[1, 2]])).tolist()
    [[1, 0], [0, 2]]
    """
    return diag(ravel(v), k)

"""Slices of jax.lax, at known and at computed places.

In: arrays and indices.  Out: arrays.  Computed windows are moved inside the array, never an error.
Must not know: NumPy's indexing syntax.
"""

import operator as op
import string

import numpy as np

from ..core import dtypes
from ..core.array import PYTHON_SCALARS, Array
from ..core.errors import ShapeError
from ..core.primitives import elementwise as E
from ..core.primitives import indexing as G
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.tracing import Tracer
from ..numpy.promotion import asarray, axis_index

__all__ = [
    *("dynamic_index_in_dim", "dynamic_slice", "dynamic_slice_in_dim"),
    *("dynamic_update_index_in_dim", "dynamic_update_slice", "dynamic_update_slice_in_dim"),
    *("index_in_dim", "index_take", "slice", "slice_in_dim"),
]

_range = slice


def slice(operand, start_indices, limit_indices, strides=None):
    """x[start:limit:stride] along every axis.

    >>> slice(asarray([1, 2, 3]), (1,), (3,)).tolist()
    [2, 3]
    """
    x = asarray(operand)
    ints = lambda v: tuple(map(op.index, v))
    steps = None if strides is None else ints(strides)
    return S.slice_(x, ints(start_indices), ints(limit_indices), steps)


def slice_in_dim(operand, start_index, limit_index, stride=1, axis=0):
    """x[start:limit:stride] along one axis; negative indices count from the end.

    >>> slice_in_dim(asarray([1, 2, 3]), 1, None).tolist()
    [2, 3]
    """
    x = asarray(operand)
    at = axis_index("slice_in_dim", axis, x.ndim)
    start, stop, step = _range(start_index, limit_index, stride).indices(x.shape[at])
    return S.slice_axis(x, at, start, max(start, stop), step)


def index_in_dim(operand, index, axis=0, keepdims=True):
    """The slice at a known index along one axis.

    >>> index_in_dim(asarray([1, 2, 3]), -1).tolist()
    [3]
    """
    x = asarray(operand)
    at = axis_index("index_in_dim", axis, x.ndim)
    place = axis_index("index_in_dim", index, x.shape[at])
    out = S.slice_axis(x, at, place, place + 1)
    return out if keepdims else S.squeeze(out, (at,))


def index_take(src, idxs, axes):
    """src at index arrays along `axes`, whose place at the front they take.

    >>> index_take(asarray([1, 2, 3]), (asarray([2, 0]),), (0,)).tolist()
    [3, 1]
    """
    x = asarray(src)
    names = string.ascii_lowercase[: x.ndim]
    read = "".join(names[a] for a in axes)
    rest = "".join(c for c in names if c not in read)
    return G.gather(x, [asarray(i) for i in idxs], f"{names}[{read}],Z->Z{rest}", "clip")


def _starts(x, start_indices, allow_negative=True):
    """Start indices as integer scalars, negative ones counted from the end."""
    given = start_indices
    if hasattr(given, "ndim") and given.ndim == 1:
        whole = asarray(given)
        given = [S.reshape(S.slice_axis(whole, 0, i, i + 1), ()) for i in range(whole.shape[0])]
    allowed = (
        allow_negative if isinstance(allow_negative, (tuple, list)) else [allow_negative] * x.ndim
    )
    if len(given) != x.ndim:
        raise ShapeError(f"dynamic_slice: expected {x.ndim} starts for {x.aval}, got {len(given)}")
    found = []
    for start, n, negative in zip(given, x.shape, allowed, strict=True):
        if isinstance(start, Tracer) or (type(start) is not int and not _is_plain(start)):
            start = asarray(start)
            if negative and start.dtype not in dtypes.UNSIGNED:
                zero, size = S.full((), 0, start.dtype), S.full((), n, start.dtype)
                start = C.select(E.lt(start, zero), E.add(start, size), start)
            found.append(start)
        else:
            start = op.index(start)
            start = start + n if start < 0 and negative else start
            found.append(Array(np.asarray(start, np.int32 if n < 2**31 else np.int64)))
    kinds = {s.dtype for s in found}
    return found if len(kinds) <= 1 else [C.convert(s, dtypes.int64) for s in found]


def _is_plain(start):
    return isinstance(start, (np.integer, np.ndarray)) or type(start) is Array


def dynamic_slice(operand, start_indices, slice_sizes, *, allow_negative_indices=True):
    """A window of known sizes at computed starts, moved inside the array where it sticks out.

    >>> dynamic_slice(asarray([1, 2, 3]), (1,), (2,)).tolist()
    [2, 3]
    """
    x = asarray(operand)
    starts = _starts(x, start_indices, allow_negative_indices)
    return G.dynamic_slice(x, starts, tuple(map(op.index, slice_sizes)))


def dynamic_update_slice(operand, update, start_indices, *, allow_negative_indices=True):
    """The array with a window of the shape of `update`, at computed starts, replaced by it.

    >>> dynamic_update_slice(asarray([1, 2, 3]), asarray([9]), (1,)).tolist()
    [1, 9, 3]
    """
    x = asarray(operand)
    return G.dynamic_update_slice(
        x, asarray(update), _starts(x, start_indices, allow_negative_indices)
    )


def _at_axis(x, start, axis):
    starts = [0] * x.ndim
    starts[axis] = start
    return starts


def dynamic_slice_in_dim(operand, start_index, slice_size, axis=0, *, allow_negative_indices=True):
    """`dynamic_slice` along one axis.

    >>> dynamic_slice_in_dim(asarray([1, 2, 3]), 1, 2).tolist()
    [2, 3]
    """
    x = asarray(operand)
    at = axis_index("dynamic_slice_in_dim", axis, x.ndim)
    sizes = list(x.shape)
    sizes[at] = op.index(slice_size)
    return dynamic_slice(
        x, _at_axis(x, start_index, at), sizes, allow_negative_indices=allow_negative_indices
    )


def dynamic_index_in_dim(operand, index, axis=0, keepdims=True, *, allow_negative_indices=True):
    """The slice at a computed index along one axis.

    >>> dynamic_index_in_dim(asarray([1, 2, 3]), 1, keepdims=False).tolist()
    2
    """
    x = asarray(operand)
    at = axis_index("dynamic_index_in_dim", axis, x.ndim)
    out = dynamic_slice_in_dim(x, index, 1, at, allow_negative_indices=allow_negative_indices)
    return out if keepdims else S.squeeze(out, (at,))


def dynamic_update_slice_in_dim(operand, update, start_index, axis, *, allow_negative_indices=True):
    """`dynamic_update_slice` along one axis.

    >>> dynamic_update_slice_in_dim(asarray([1, 2]), asarray([9]), 1, 0).tolist()
    [1, 9]
    """
    x = asarray(operand)
    at = axis_index("dynamic_update_slice_in_dim", axis, x.ndim)
    return dynamic_update_slice(
        x, update, _at_axis(x, start_index, at), allow_negative_indices=allow_negative_indices
    )


def dynamic_update_index_in_dim(operand, update, index, axis, *, allow_negative_indices=True):
    """The array with the slice at a computed index along one axis replaced.

    >>> dynamic_update_index_in_dim(asarray([1, 2]), 9, 1, 0).tolist()
    [1, 9]
    """
    x = asarray(operand)
    at = axis_index("dynamic_update_index_in_dim", axis, x.ndim)
    new = asarray(update, x.dtype) if type(update) in PYTHON_SCALARS else asarray(update)
    if new.ndim != x.ndim:
        new = S.expand_dims(new, (at,))
    return dynamic_update_slice_in_dim(
        x, new, index, at, allow_negative_indices=allow_negative_indices
    )

"""Shapes, slices, folds and products of jax.lax.

In: arrays and known shapes.  Out: arrays.  Axes are given as in jax.lax; nothing is promoted.
Must not know: functions as arguments; those are in `windows` and `control`.
"""

import math
import operator as op
import string

import numpy as np

from ..core import dtypes, tree
from ..core.array import PYTHON_SCALARS
from ..core.errors import ShapeError
from ..core.primitives import dot as D
from ..core.primitives import effects, sorting
from ..core.primitives import elementwise as E
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.primitives import transcendental as T
from ..numpy import creation, shapes
from ..numpy.linear_algebra import product
from ..numpy.precision import (
    Precision,
    check_precision,
)
from ..numpy.promotion import (
    asarray,
    axis_index,
    broadcast_shapes,  # noqa: F401  for export
    operand,
    shape_tuple,
    unsupported,
)

__all__ = [
    *(
        "DotDimensionNumbers",
        "Precision",
        "PrecisionLike",
        "argmax",
        "argmin",
        "batch_matmul",
        "broadcast",
    ),
    *("broadcast_in_dim", "broadcast_shapes", "broadcast_to_rank", "broadcasted_iota", "collapse"),
    *("concatenate", "cumlogsumexp", "cummax", "cummin", "cumprod", "cumsum", "dot", "dot_general"),
    "dtype",
    *("expand_dims", "full", "full_like", "iota"),
    *("optimization_barrier", "pad", "reduce_and", "reduce_max", "reduce_min", "reduce_or"),
    *("reduce_prod", "reduce_sum", "reduce_xor", "reshape", "rev", "sort"),
    *(
        "sort_key_val",
        "split",
        "squeeze",
        "stop_gradient",
        "top_k",
        "transpose",
        "zeros_like_array",
    ),
]


DotDimensionNumbers = tuple
PrecisionLike = str | Precision | tuple | None
"""What arguments called precision take."""


def dtype(x):
    """The dtype of an array or a number.

    >>> dtype(1.0)
    dtype('float32')
    """
    return operand("dtype", x).dtype


def broadcast(operand, sizes, *, out_sharding=None):
    """New leading axes of `sizes`.

    >>> broadcast(asarray([1, 2]), (3,)).shape
    (3, 2)
    """
    unsupported("broadcast", out_sharding=out_sharding)
    x = asarray(operand)
    return shapes.broadcast_to(x, (*sizes, *x.shape))


def broadcast_in_dim(operand, shape, broadcast_dimensions, *, out_sharding=None):
    """Axis i of the array becomes axis broadcast_dimensions[i] of `shape`; the rest repeats.

    >>> broadcast_in_dim(asarray([1, 2]), (2, 3), (0,)).shape
    (2, 3)
    """
    unsupported("broadcast_in_dim", out_sharding=out_sharding)
    x, shape = asarray(operand), shape_tuple("broadcast_in_dim", shape)
    dims = tuple(map(op.index, broadcast_dimensions))
    if x.shape == shape and dims == tuple(range(x.ndim)):
        return x
    return S.broadcast_in_dim_p.bind(x, shape=shape, dims=dims)[0]


def broadcast_to_rank(x, rank):
    """New leading axes of size 1 up to `rank` axes.

    >>> broadcast_to_rank(asarray([1, 2]), 2).shape
    (1, 2)
    """
    x = operand("broadcast_to_rank", x)
    return S.reshape(x, (1,) * (rank - x.ndim) + x.shape)


def reshape(operand, new_sizes, dimensions=None, *, out_sharding=None):
    """The same elements under another shape.

    >>> reshape(asarray([1, 2]), (2, 1)).shape
    (2, 1)
    """
    unsupported("reshape", out_sharding=out_sharding)
    x = asarray(operand)
    if dimensions is not None:
        x = S.transpose(x, tuple(dimensions))
    return S.reshape(x, shape_tuple("reshape", new_sizes))


def collapse(operand, start_dimension, stop_dimension=None):
    """Axes start..stop-1 as one. operand: array[...] -> array with fewer axes.

    >>> collapse(asarray([[1, 2], [3, 4]]), 0).shape
    (4,)
    """
    x = asarray(operand)
    start, stop, _ = slice(start_dimension, stop_dimension).indices(x.ndim)
    return S.reshape(x, (*x.shape[:start], math.prod(x.shape[start:stop]), *x.shape[stop:]))


def transpose(operand, permutation):
    """Axes in another order: axis i of the result is axis permutation[i].

    >>> transpose(asarray([[1, 2]]), (1, 0)).shape
    (2, 1)
    """
    return S.transpose(asarray(operand), tuple(map(op.index, permutation)))


def rev(operand, dimensions):
    """Order reversed along axes.

    >>> rev(asarray([1, 2]), (0,)).tolist()
    [2, 1]
    """
    return S.rev(asarray(operand), tuple(dimensions)) if len(dimensions) else asarray(operand)


def squeeze(array, dimensions):
    """Without the given axes of size 1.

    >>> squeeze(asarray([[1, 2]]), (0,)).shape
    (2,)
    """
    return shapes.squeeze(asarray(array), tuple(dimensions))


def expand_dims(array, dimensions):
    """New axes of size 1 at the given places of the result.

    >>> expand_dims(asarray([1, 2]), (0,)).shape
    (1, 2)
    """
    return shapes.expand_dims(asarray(array), tuple(dimensions))


def full(shape, fill_value, dtype=None, *, sharding=None):
    """`fill_value` at every index.

    >>> full((2,), 7).tolist()
    [7, 7]
    """
    unsupported("full", sharding=sharding)
    return creation.full(shape, fill_value, dtype)


def full_like(x, fill_value, dtype=None, shape=None, sharding=None):
    """`fill_value` at every index of an array of the shape and dtype of x.

    >>> full_like(asarray([1, 2]), 7).tolist()
    [7, 7]
    """
    unsupported("full_like", sharding=sharding)
    return creation.full_like(x, fill_value, dtype, shape)


def zeros_like_array(x):
    """0 at every index of an array like x.

    >>> zeros_like_array(asarray([1, 2])).tolist()
    [0, 0]
    """
    return creation.zeros_like(x)


def iota(dtype, size):
    """0, 1, …, size - 1.

    >>> iota("int32", 3).tolist()
    [0, 1, 2]
    """
    return S.iota(dtypes.canonical(dtype), (op.index(size),), 0)


def broadcasted_iota(dtype, shape, dimension, *, out_sharding=None):
    """0, 1, … along one axis of `shape`.

    >>> broadcasted_iota("int32", (1, 3), 1).tolist()
    [[0, 1, 2]]
    """
    unsupported("broadcasted_iota", out_sharding=out_sharding)
    return S.iota(
        dtypes.canonical(dtype), shape_tuple("broadcasted_iota", shape), op.index(dimension)
    )


def concatenate(operands, dimension):
    """Arrays one after another along an axis.

    >>> concatenate([asarray([1]), asarray([2])], 0).tolist()
    [1, 2]
    """
    return S.concatenate([asarray(x) for x in operands], op.index(dimension))


def pad(operand, padding_value, padding_config):
    """(low, high, interior) copies of a value per axis; negative low or high cut off.

    >>> pad(asarray([1, 2]), 0, [(1, 0, 1)]).tolist()
    [0, 1, 0, 2]
    """
    x = asarray(operand)
    value = (
        asarray(padding_value, x.dtype)
        if type(padding_value) in PYTHON_SCALARS
        else (asarray(padding_value))
    )
    return S.pad(x, value, padding_config)


def _reduction(name, fold, text, example, sharded=False):
    def reduce(operand, axes):
        x = asarray(operand)
        return fold(x, tuple(sorted(axis_index(name, a, x.ndim) for a in axes)))

    def reduce_sharded(operand, axes, *, out_sharding=None):
        unsupported(name, out_sharding=out_sharding)
        return reduce(operand, axes)

    function = reduce_sharded if sharded else reduce
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{text} over axes.\n\n    >>> {name}({example[0]}, (0,)).tolist()\n    {example[1]}\n    "
    )
    return function


_numbers, _bools = "asarray([2, 3])", "asarray([True, False])"
reduce_sum = _reduction("reduce_sum", R.reduce_sum, "Sum", (_numbers, 5), True)
reduce_prod = _reduction("reduce_prod", R.reduce_prod, "Product", (_numbers, 6))
reduce_max = _reduction("reduce_max", R.reduce_max, "Largest element", (_numbers, 3))
reduce_min = _reduction("reduce_min", R.reduce_min, "Smallest element", (_numbers, 2))
reduce_and = _reduction("reduce_and", R.reduce_and, "Whether all are true", (_bools, False))
reduce_or = _reduction("reduce_or", R.reduce_or, "Whether one is true", (_bools, True))


def reduce_xor(operand, axes):
    """Whether an odd number of bools is true over axes; of integers bit by bit.

    >>> reduce_xor(asarray([True, True]), (0,)).tolist()
    False
    """
    x = asarray(operand)
    for axis in sorted((axis_index("reduce_xor", a, x.ndim) for a in axes), reverse=True):
        n = x.shape[axis]
        if not n:
            x = S.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), 0, x.dtype)
        while x.shape[axis] > 1:
            half = x.shape[axis] // 2
            low, high = S.slice_axis(x, axis, 0, half), S.slice_axis(x, axis, half, 2 * half)
            rest = S.slice_axis(x, axis, 2 * half, x.shape[axis])
            x = E.xor(low, high)
            x = S.concatenate([x, rest], axis) if rest.shape[axis] else x
        x = S.squeeze(x, (axis,))
    return x


def argmax(operand, axis, index_dtype):
    """Index of the first largest element along an axis.

    >>> argmax(asarray([1, 3]), 0, "int32").tolist()
    1
    """
    x = asarray(operand)
    return R.argmax(x, axis_index("argmax", axis, x.ndim), dtypes.canonical(index_dtype))


def argmin(operand, axis, index_dtype):
    """Index of the first smallest element along an axis.

    >>> argmin(asarray([1, 3]), 0, "int32").tolist()
    0
    """
    x = asarray(operand)
    return R.argmin(x, axis_index("argmin", axis, x.ndim), dtypes.canonical(index_dtype))


def _cumulative(name, run, text, result):
    def fold(operand, axis=0, reverse=False):
        x = asarray(operand)
        return run(x, axis_index(name, axis, x.ndim), bool(reverse))

    fold.__name__ = fold.__qualname__ = name
    fold.__doc__ = (
        f"{text} along an axis, from the end if `reverse`.\n\n"
        f"    >>> {name}(asarray([2, 3])).tolist()\n    {result}\n    "
    )
    return fold


cumsum = _cumulative("cumsum", R.cumsum, "Running sum", "[2, 5]")
cumprod = _cumulative("cumprod", R.cumprod, "Running product", "[2, 6]")
cummax = _cumulative("cummax", R.cummax, "Running maximum", "[2, 3]")
cummin = _cumulative("cummin", R.cummin, "Running minimum", "[2, 2]")


def cumlogsumexp(operand, axis=0, reverse=False):
    """Running log of the sum of exponentials along an axis.

    >>> [round(v, 3) for v in cumlogsumexp(asarray([0.0, 0.0])).tolist()]
    [0.0, 0.693]
    """
    x = asarray(operand)
    at = axis_index("cumlogsumexp", axis, x.ndim)
    peak = effects.stop_gradient(R.reduce_max(x, (at,)))
    zero = S.full(peak.shape, 0, x.dtype)
    peak = C.select(E.is_finite(peak), peak, zero)
    peak = S.broadcast_in_dim(peak, x.shape, R.kept_axes(x.ndim, (at,)))
    return E.add(T.log(R.cumsum(T.exp(E.sub(x, peak)), at, bool(reverse))), peak)


def sort(operand, dimension=-1, is_stable=True, num_keys=1):
    """Ascending order along an axis; several arrays are reordered by the first num_keys.

    >>> sort(asarray([2, 1])).tolist()
    [1, 2]
    """
    if isinstance(operand, (tuple, list)):
        xs = [asarray(x) for x in operand]
        return tuple(sorting.sort(xs, axis_index("sort", dimension, xs[0].ndim), num_keys))
    x = asarray(operand)
    return sorting.sort([x], axis_index("sort", dimension, x.ndim), 1)[0]


def sort_key_val(keys, values, dimension=-1, is_stable=True):
    """Keys in ascending order along an axis, and values reordered alike.

    >>> [v.tolist() for v in sort_key_val(asarray([2, 1]), asarray([5, 6]))]
    [[1, 2], [6, 5]]
    """
    return sort((keys, values), dimension, is_stable)


def top_k(operand, k, *, axis=-1):
    """The k largest along an axis, largest first, and their indices (int32).

    >>> [v.tolist() for v in top_k(asarray([1, 3, 2]), 2)]
    [[3, 2], [1, 2]]
    """
    x = asarray(operand)
    at = axis_index("top_k", axis, x.ndim)
    values, places = sorting.top_k(shapes.moveaxis(x, at, -1), op.index(k))
    return [shapes.moveaxis(values, -1, at), shapes.moveaxis(places, -1, at)]


def split(operand, sizes, axis=0):
    """Parts of the given sizes along an axis.

    >>> [v.tolist() for v in split(asarray([1, 2, 3]), (1, 2))]
    [[1], [2, 3]]
    """
    x = asarray(operand)
    at = axis_index("split", axis, x.ndim)
    if sum(sizes) != x.shape[at]:
        raise ShapeError(f"split: expected sizes that add up to {x.shape[at]}, got {sizes}")
    ends = np.cumsum(sizes).tolist()
    return [S.slice_axis(x, at, e - n, e) for e, n in zip(ends, sizes, strict=True)]


def dot_general(
    lhs, rhs, dimension_numbers, precision=None, preferred_element_type=None, *,
    out_sharding=None,
):  # fmt: skip
    """Sum of products over pairs of axes, with batch axes first in the result.

    Args:
      dimension_numbers: ((lhs contracting, rhs contracting), (lhs batch, rhs batch)).

    >>> dot_general(asarray([1, 2]), asarray([3, 4]), (((0,), (0,)), ((), ()))).tolist()
    11
    """
    check_precision("dot_general", precision)
    unsupported("dot_general", out_sharding=out_sharding)
    x, y = asarray(lhs), asarray(rhs)
    (summed_x, summed_y), (batch_x, batch_y) = dimension_numbers
    left = list(string.ascii_lowercase[: x.ndim])
    right = list(string.ascii_uppercase[: y.ndim])
    if len(summed_x) != len(summed_y) or len(batch_x) != len(batch_y):
        raise ShapeError(f"dot_general: expected pairs of axes, got {dimension_numbers}")
    for i, j in zip((*summed_x, *batch_x), (*summed_y, *batch_y), strict=True):
        right[j % y.ndim] = left[i % x.ndim]
    batch = [left[i % x.ndim] for i in batch_x]
    gone = {*batch, *[left[i % x.ndim] for i in summed_x]}
    out = batch + [c for c in left if c not in gone] + [c for c in right if c not in gone]
    spec = f"{''.join(left)},{''.join(right)}->{''.join(out)}"
    if preferred_element_type is None and x.dtype == y.dtype and x.dtype != dtypes.bool_:
        return D.dot(x, y, spec)
    return product("dot_general", x, y, spec, preferred_element_type)


def dot(
    lhs, rhs, *, dimension_numbers=None, precision=None, preferred_element_type=None,
    out_sharding=None,
):  # fmt: skip
    """Product of vectors and matrices, or `dot_general` if given dimension_numbers.

    >>> dot(asarray([1, 2]), asarray([3, 4])).tolist()
    11
    """
    x, y = asarray(lhs), asarray(rhs)
    if dimension_numbers is None:
        if x.ndim not in (1, 2) or y.ndim not in (1, 2):
            raise ShapeError(f"dot: expected vectors or matrices, got {x.aval} and {y.aval}")
        dimension_numbers = (((x.ndim - 1,), (0,)), ((), ()))
    return dot_general(
        x, y, dimension_numbers, precision, preferred_element_type, out_sharding=out_sharding
    )


def batch_matmul(lhs, rhs, precision=None):
    """Matrix product over the last two axes; all others run together.

    >>> batch_matmul(asarray([[[1]]]), asarray([[[2]]])).tolist()
    [[[2]]]
    """
    x, y = asarray(lhs), asarray(rhs)
    if x.ndim < 2 or x.ndim != y.ndim:
        raise ShapeError(f"batch_matmul: expected equally many axes, got {x.aval} and {y.aval}")
    batch = tuple(range(x.ndim - 2))
    return dot_general(x, y, (((x.ndim - 1,), (x.ndim - 2,)), (batch, batch)), precision)


def optimization_barrier(operand, /):
    """The arrays of a tree, kept apart from equal computations elsewhere.

    >>> optimization_barrier((asarray(1), asarray(2)))[1].tolist()
    2
    """
    leaves, treedef = tree.flatten(operand)
    return tree.unflatten(treedef, effects.optimization_barrier([asarray(x) for x in leaves]))


def stop_gradient(x):
    """The arrays of a tree as constants for derivatives.

    >>> stop_gradient(asarray(1.5)).tolist()
    1.5
    """

    def stop(leaf):
        value = operand("stop_gradient", leaf)
        return effects.stop_gradient(value) if dtypes.is_inexact(value.dtype) else value

    return tree.map(stop, x)

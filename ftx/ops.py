"""ftx.ops: sums, products and extrema of the rows of an array, segment by segment.

In: rows, and for each the number of its segment.  Out: one row per segment.
Must not know: how scatters are computed.
"""

import numpy as np

from .core import dtypes
from .core.array import Array
from .core.errors import ArgumentError, NonConcreteBooleanIndexError, ShapeError
from .numpy import creation, reductions
from .numpy.promotion import asarray, unsupported

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]


def _least(dtype):
    if dtypes.is_inexact(dtype):
        return -np.inf
    return False if dtype == dtypes.bool_ else np.iinfo(dtype).min


def _greatest(dtype):
    if dtypes.is_inexact(dtype):
        return np.inf
    return True if dtype == dtypes.bool_ else np.iinfo(dtype).max


_OF_NOTHING = {
    "add": lambda dtype: 0,
    "multiply": lambda dtype: 1,
    "max": _least,
    "min": _greatest,
}
_FOLD = {
    "add": reductions.sum,
    "multiply": reductions.prod,
    "max": reductions.max,
    "min": reductions.min,
}


def _count(name, ids, num_segments):
    if num_segments is None:
        if type(ids) is not Array:
            raise NonConcreteBooleanIndexError(
                f"{name}: expected num_segments for segment_ids whose values are not known, got "
                f"{ids.aval}; pass num_segments as a Python integer"
            )
        return max(int(np.max(np.asarray(ids), initial=-1)) + 1, 0)
    count = int(num_segments)
    if count < 0:
        raise ArgumentError(f"{name}: expected num_segments of at least 0, got {count}")
    return count


def _segments(name, method, data, segment_ids, num_segments, bucket_size, mode, out_sharding):
    unsupported(name, out_sharding=out_sharding)
    data, ids = asarray(data), asarray(segment_ids)
    if data.shape[: ids.ndim] != ids.shape:
        raise ShapeError(
            f"{name}: expected segment_ids of the leading shape of data {data.aval}, got {ids.aval}"
        )
    count = _count(name, ids, num_segments)
    mode = "fill" if mode is None else mode
    rest = data.shape[1:]
    nothing = _OF_NOTHING[method](data.dtype)
    if bucket_size is None:
        out = creation.full((count, *rest), nothing, data.dtype)
        put = getattr(out.at[ids], method)
        return put(data, mode=mode, wrap_negative_indices=False)
    if bucket_size <= 0:
        raise ArgumentError(f"{name}: expected bucket_size above 0, got {bucket_size}")
    buckets = -(-data.shape[0] // bucket_size)
    out = creation.full((buckets, count, *rest), nothing, data.dtype)
    place = creation.arange(data.shape[0]) // bucket_size
    out = getattr(out.at[place, ids], method)(data, mode=mode, wrap_negative_indices=False)
    return _FOLD[method](out, 0).astype(data.dtype)


def _make(name, method, what, empty, example):
    def function(
        data, segment_ids, num_segments=None, indices_are_sorted=False, unique_indices=False,
        bucket_size=None, mode=None, out_sharding=None,
    ):  # fmt: skip
        return _segments(
            name, method, data, segment_ids, num_segments, bucket_size, mode, out_sharding
        )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{what} of the rows of each segment; {empty} for a segment without rows.

    Args:
      data: number[n, ...].
      segment_ids: int[n], in any order, repeated or not; rows whose number is outside
        0..num_segments-1 are left out.
      num_segments: a Python integer; by default the largest number plus 1, which must be known.
      indices_are_sorted, unique_indices: promises about segment_ids; the result is the same
        without them.
      bucket_size: fold so many rows at a time before folding the results: less rounding.
      mode: for numbers outside: "fill" or "drop" (leave out, the default), "clip", "wrap",
        "promise_in_bounds", "raise".
    Returns: number[num_segments, ...].
    Raises: ShapeError if data and segment_ids differ in length; ArgumentError for a negative
      count; NonConcreteBooleanIndexError without num_segments under jit.

    >>> {name}(asarray([5, 1, 2]), asarray([0, 1, 1]), 2).tolist()
    {example}
    """
    return function


segment_sum = _make("segment_sum", "add", "Sum", "0", [5, 3])
segment_prod = _make("segment_prod", "multiply", "Product", "1", [5, 2])
segment_max = _make("segment_max", "max", "Largest element", "the dtype's least", [5, 2])
segment_min = _make("segment_min", "min", "Smallest element", "the dtype's greatest", [5, 1])

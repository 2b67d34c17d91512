"""Ranks of numbers.

In: arrays.  Out: their places in order.
Must not know: distributions.
"""

from ...core import dtypes
from ...core.errors import ArgumentError, UnsupportedError
from ...core.primitives import selection as C
from ...core.primitives import shape as S
from ...numpy import ordering, shapes
from ...numpy.promotion import asarray
from ...transforms.vmap import vmap


def rankdata(a, method="average", *, axis=None, nan_policy="propagate"):
    """Ranks from 1 along an axis (None: of the flattened array).

    Args:
      method: of equal numbers: 'average', 'min', 'max', 'dense' or 'ordinal'.

    >>> rankdata(asarray([10.0, 30.0, 10.0])).tolist()
    [1.5, 3.0, 1.5]
    """
    if nan_policy != "propagate":
        raise UnsupportedError(
            f"rankdata: expected nan_policy='propagate', got {nan_policy!r}; mask NaNs first"
        )
    if method not in ("average", "min", "max", "dense", "ordinal"):
        raise ArgumentError(
            f"rankdata: expected method average, min, max, dense or ordinal, got {method!r}"
        )
    x = asarray(a)
    if axis is None:
        return _ranks(shapes.ravel(x), method)
    x = shapes.moveaxis(x, axis, -1)
    run = lambda v: _ranks(v, method)
    for _ in range(x.ndim - 1):
        run = vmap(run)
    return shapes.moveaxis(run(x), -1, axis)


def _ranks(x, method):
    if method == "ordinal":
        return ordering.argsort(ordering.argsort(x)) + 1
    ordered = ordering.sort(x)
    low = ordering.searchsorted(ordered, x, "left") + 1
    if method == "min":
        return low
    high = ordering.searchsorted(ordered, x, "right")
    if method == "max":
        return high
    if method == "average":
        return C.convert(low + high, dtypes.default_float()) / 2
    new = ordering.where(ordered[1:] != ordered[:-1], 1, 0)
    dense = new.cumsum() + 1
    first = dense[:1] * 0 + 1
    return shapes.reshape(C.convert(_joined(first, dense)[low - 1], dtypes.default_int()), x.shape)


def _joined(first, rest):
    return S.concatenate([first, rest], 0)

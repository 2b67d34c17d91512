"""The places of true elements.

In: booleans.  Out: as many places as asked for, in ascending order.
A step of the host on every back end: how many there are cannot be known before.
Knows nothing of: how many a user wants, or who counts them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..dtypes import DType
from ..errors import DTypeError, ShapeError
from ..primitive import BatchAxis, Primitive
from ..types import ShapedArray
from . import shape as S


class TruePlaces(Primitive):
    """The first `size` places along the last axis, of n, that are true; then n."""

    name = "true_places"

    def abstract_eval(self, x: ShapedArray, *, size: int, dtype: DType) -> list[ShapedArray]:
        if x.dtype != dtypes.bool_:
            raise DTypeError(f"true_places: expected booleans, got {x}; compare with zero")
        if not x.ndim:
            raise ShapeError(f"true_places: expected an array with axes, got {x}; reshape it")
        return [ShapedArray((*x.shape[:-1], size), dtype)]

    def impl(self, x: Any, *, size: int, dtype: DType) -> list[Any]:
        out = np.full((*x.shape[:-1], size), x.shape[-1], dtype)
        for row in np.ndindex(x.shape[:-1]):
            found = np.flatnonzero(x[row])[:size]
            out[row][: len(found)] = found
        return [out]

    def jvp(
        self, primals: Any, tangents: Any, *, size: int, dtype: DType
    ) -> tuple[list[Any], list[Any]]:
        return self.bind(*primals, size=size, dtype=dtype), [None]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, size: int, dtype: DType
    ) -> tuple[list[Any], list[Any]]:
        x = S.move_batch_axis(args[0], dims[0], 0, axis.size)
        return self.bind(x, size=size, dtype=dtype), [0]


true_places_p = TruePlaces()


def true_places(x: Any, size: int, dtype: DType) -> Any:
    """Where x is true along its last axis: x: bool[..., n] -> integer[..., size], n if no more."""
    return true_places_p.bind(x, size=size, dtype=dtype)[0]

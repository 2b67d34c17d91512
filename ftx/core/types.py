"""What is known of an array before it exists: shape, dtype, and whether the dtype is weak.

In: shape and dtype.  Out: interned `ShapedArray`s, compared by identity.
Knows nothing of: values, tracing.
"""

from __future__ import annotations

import math
from typing import Any

from .dtypes import DType, float0, is_inexact, name, short_name
from .sharding import sharding_of

_INTERNED: dict[tuple[Any, ...], ShapedArray] = {}


class ShapedArray:
    """Shape, dtype and weakness of an array; equal ones are the same object.

    >>> import numpy as np
    >>> ShapedArray((2, 3), np.dtype("float32"))
    f32[2,3]
    """

    __slots__ = ("dtype", "ndim", "shape", "size", "strong", "weak_type")

    shape: tuple[int, ...]
    dtype: DType
    weak_type: bool
    ndim: int
    size: int
    strong: ShapedArray

    def __new__(cls, shape: tuple[int, ...], dtype: DType, weak_type: bool = False) -> ShapedArray:
        key = (shape, dtype, weak_type)
        found = _INTERNED.get(key)
        return found if found is not None else cls._intern(shape, dtype, weak_type)

    @classmethod
    def _intern(cls, shape: tuple[int, ...], dtype: DType, weak_type: bool) -> ShapedArray:
        self = object.__new__(cls)
        self.shape = tuple(int(n) for n in shape)
        self.dtype, self.weak_type = dtype, weak_type
        self.ndim, self.size = len(shape), math.prod(self.shape)
        self.strong = ShapedArray(self.shape, dtype) if weak_type else self
        return _INTERNED.setdefault((self.shape, dtype, weak_type), self)

    def __reduce__(self) -> tuple[Any, ...]:
        return ShapedArray, (self.shape, self.dtype, self.weak_type)

    def __repr__(self) -> str:
        weak = "~" if self.weak_type else ""
        return f"{weak}{short_name(self.dtype)}[{','.join(map(str, self.shape))}]"

    def update(self, **changes: Any) -> ShapedArray:
        """A copy with some of shape, dtype, weak_type replaced."""
        return ShapedArray(
            changes.get("shape", self.shape),
            changes.get("dtype", self.dtype),
            changes.get("weak_type", self.weak_type),
        )

    @property
    def tangent(self) -> ShapedArray:
        """The type of a derivative with respect to this: itself, or nothing for integers."""
        return self.strong if is_inexact(self.dtype) else ShapedArray(self.shape, float0)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize


def known_aval(shape: tuple[int, ...], dtype: DType) -> ShapedArray | None:
    """The strong type of this shape and dtype if it has been made before: one dict look-up."""
    return _INTERNED.get((shape, dtype, False))


class ShapeDtypeStruct:
    """A stand-in for an array in `eval_shape` and ahead-of-time compilation.

    >>> import numpy as np
    >>> ShapeDtypeStruct((2,), np.float32)
    ShapeDtypeStruct(shape=(2,), dtype=float32)
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: Any, *, sharding: Any = None, weak_type: bool = False
    ):
        from_name = dtype if isinstance(dtype, DType) else DType(getattr(dtype, "ftx_dtype", dtype))
        self.shape, self.dtype, self.weak_type = tuple(shape), from_name, weak_type
        self.sharding = sharding_of("ShapeDtypeStruct", sharding)
        if self.sharding is not None:
            self.sharding.check("ShapeDtypeStruct", self.shape)

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))

    @property
    def aval(self) -> ShapedArray:
        return ShapedArray(self.shape, self.dtype, self.weak_type)

    def __repr__(self) -> str:
        return f"ShapeDtypeStruct(shape={self.shape}, dtype={name(self.dtype)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShapeDtypeStruct) and self.aval is other.aval

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype, self.weak_type))

"""What all elementwise primitives share: one scalar formula applied at every index.

In: operands of equal shape and dtype.  Out: an array of that shape.
Knows nothing of: the formulas, which subclasses give.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .. import dtypes
from ..errors import DTypeError, ShapeError
from ..primitive import BatchAxis, Primitive
from ..types import ShapedArray


def full_like(x: Any, value: Any, dtype: Any = None) -> Any:
    """`value` at every index of an array shaped like `x`."""
    return S.full(x.shape, value, x.dtype if dtype is None else dtype)


class Elementwise(Primitive):
    """One scalar formula applied at every index. Operands have equal shape and dtype."""

    numpy: Callable[..., Any]
    kinds: ClassVar[str] = "bifc"
    """Accepted dtype kinds: bool, integer, real (f), complex."""
    result: ClassVar[str] = "same"
    """Result dtype: same, bool, or real (part of a complex operand)."""
    differentiable: ClassVar[bool] = True

    def partials(self, *xs: Any, out: Any) -> list[Callable[[], Any]]:
        """For each operand, a function giving d out / d operand."""
        self._missing("partials")
        return []

    def scalar(self, **params: Any) -> str:
        """The name of the scalar formula."""
        return self.name

    def result_dtype(self, dtype: Any) -> Any:
        if self.result == "bool":
            return dtypes.bool_
        return dtypes.real_of(dtype) if self.result == "real" else dtype

    def abstract_eval(self, *avals: ShapedArray, **params: Any) -> list[ShapedArray]:
        first = avals[0]
        for i, a in enumerate(avals):
            if a.shape != first.shape:
                raise ShapeError(
                    f"{self.name}: expected operands of equal shape, got {first} and, as operand "
                    f"{i}, {a}; ftx.numpy broadcasts, ftx.lax does not"
                )
            if a.dtype != first.dtype:
                raise DTypeError(
                    f"{self.name}: expected operands of equal dtype, got {first} and, as operand "
                    f"{i}, {a}; ftx.numpy promotes, ftx.lax does not: use astype"
                )
        if dtypes.kind(first.dtype) not in self.kinds:
            words = {"b": "bool", "i": "integer", "f": "real", "c": "complex"}
            wanted = ", ".join(words[k] for k in self.kinds)
            raise DTypeError(f"{self.name}: expected {wanted} operands, got {first}; use astype")
        weak = self.result != "bool" and all(a.weak_type for a in avals)
        return [ShapedArray(first.shape, self.result_dtype(first.dtype), weak)]

    def impl(self, *xs: Any, **params: Any) -> list[Any]:
        return [np.asarray(type(self).numpy(*xs), self.result_dtype(xs[0].dtype))]

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        (out,) = self.bind(*primals, **params)
        if not self.differentiable:
            return [out], [None]
        partials = self.partials(*primals, out=out, **params)
        terms = [
            E.mul(t, partial())
            for t, partial in zip(tangents, partials, strict=True)
            if t is not None
        ]
        return [out], [functools.reduce(E.add, terms) if terms else None]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, **params: Any
    ) -> tuple[list[Any], list[Any]]:
        d = next(d for d in dims if d is not None)
        moved = [S.move_batch_axis(x, k, d, axis.size) for x, k in zip(args, dims, strict=True)]
        return self.bind(*moved, **params), [d]

    def lower(self, kernel: Any, index: Any, *operands: Any, **params: Any) -> Any:
        dtype = self.result_dtype(operands[0].dtype)
        return kernel.call(self.scalar(**params), dtype, *[x(index) for x in operands])


class Binary(Elementwise):
    """Elementwise of two operands."""


def function(primitive: Primitive) -> Callable[..., Any]:
    """Apply `primitive`, strict in shape and dtype, and return its one result."""

    def apply(*args: Any, **params: Any) -> Any:
        return primitive.bind(*args, **params)[0]

    apply.__name__ = primitive.name
    apply.__doc__ = primitive.__doc__
    return apply


from . import elementwise as E  # noqa: E402  these modules subclass the above
from . import shape as S  # noqa: E402

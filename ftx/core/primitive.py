"""Primitives: the indivisible operations, each a class that holds all its rules.

In: arrays or tracers and static params.  Out: always a list of arrays or tracers.
Whether an application is evaluated or recorded is decided in `bind` by the surrounding trace.
Knows nothing of: transforms and backends, which call the rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .array import Array, aval_of, check_finite, numpy_value
from .config import config
from .errors import MissingRuleError
from .state import STATE
from .types import ShapedArray


@dataclass(frozen=True)
class Linear:
    """Stands, in a transpose rule, for the input being transposed: a type without a value."""

    aval: ShapedArray

    shape = property(lambda self: self.aval.shape)
    ndim = property(lambda self: self.aval.ndim)
    dtype = property(lambda self: self.aval.dtype)


class BatchAxis(NamedTuple):
    """The axis `vmap` adds: its size, and the name collectives know it by.

    selects: whether a choice that varies computes every branch for every row.
    """

    size: int
    name: str | None = None
    selects: bool = False


class Primitive:
    """One operation. Subclasses are instantiated once and applied by `bind`.

    Rules (all return lists):
      abstract_eval(*avals, **params)             types of the results, or the user's error
      impl(*numpy_arrays, **params)               the results, by NumPy
      jvp(primals, tangents, **params)            (outputs, output tangents); None is zero
      transpose(cotangents, *args, **params)      one cotangent or None per operand
      batch(axis, args, dims, **params)           (outputs, their batch dims)
      lower(kernel, index, *operands, **params)   one element of the result, as an expression
    """

    name: str = ""
    linear = False
    """Linear in all operands jointly: the tangent is the operation on the tangents."""
    bilinear = False
    """Linear in each operand alone: product rule."""
    effectful = False
    """Must run even if nobody reads its results."""

    def __init_subclass__(cls) -> None:
        if "name" not in cls.__dict__:
            cls.name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __repr__(self) -> str:
        return self.name

    def bind(self, *args: Any, **params: Any) -> list[Any]:
        """Apply: evaluate now, or record in the active trace."""
        trace = STATE.trace
        if trace is None:
            return self.evaluate(args, params)
        return trace.process(self, args, params)

    def evaluate(self, args: tuple[Any, ...], params: dict[str, Any]) -> list[Any]:
        """Apply to values, now, with the NumPy rule."""
        out_avals = self.abstract_eval(*[aval_of(a) for a in args], **params)
        values = [numpy_value(a) for a in args]
        with np.errstate(all="ignore"):
            outs = self.impl(*values, **params)
        results = [Array(o, a.weak_type) for o, a in zip(outs, out_avals, strict=True)]
        if config.debug_nans or config.debug_infs:
            check_finite(self.name, results)
        return results

    def _missing(self, rule: str) -> list[Any]:
        raise MissingRuleError(
            f"primitive '{self.name}': expected class {type(self).__name__} to define the "
            f"rule {rule}, got none; add 'def {rule}' to class {type(self).__name__}"
        )

    def abstract_eval(self, *avals: ShapedArray, **params: Any) -> list[ShapedArray]:
        return self._missing("abstract_eval")

    def impl(self, *values: Any, **params: Any) -> list[Any]:
        return self._missing("impl")

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        self._missing("jvp")
        return [], []

    def transpose(self, cotangents: Any, *args: Any, **params: Any) -> list[Any]:
        return self._missing("transpose")

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, **params: Any
    ) -> tuple[list[Any], list[Any]]:
        self._missing("batch")
        return [], []

    def lower(self, kernel: Any, index: Any, *operands: Any, **params: Any) -> Any:
        return self._missing("lower")

    def has_rule(self, rule: str) -> bool:
        """Whether the class defines `rule` itself or inherits one that is not a stub."""
        return getattr(type(self), rule) is not getattr(Primitive, rule)

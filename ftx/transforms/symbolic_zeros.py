"""What custom rules that ask for symbolic zeros are given in place of arrays.

In: values, and whether a derivative is taken with respect to them.  Out: the objects of
jax.custom_derivatives that say so.
Knows nothing of: the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.array import aval_of
from ..core.dtypes import DType, float0
from ..core.errors import CustomRuleError
from ..core.primitives.shape import full
from ..core.tree import map as map_leaves
from ..core.types import ShapedArray


class SymbolicZero:
    """A tangent or cotangent known to be zero: a shape and a dtype without a value.

    >>> SymbolicZero.from_primal_value(1.5)
    SymbolicZero(f32[])
    """

    def __init__(self, aval: ShapedArray):
        self.aval = aval

    @property
    def shape(self) -> tuple[int, ...]:
        return self.aval.shape

    @property
    def dtype(self) -> DType:
        return self.aval.dtype

    ndim = property(lambda self: self.aval.ndim)
    size = property(lambda self: self.aval.size)

    def __repr__(self) -> str:
        return f"SymbolicZero({self.aval})"

    @staticmethod
    def from_primal_value(value: Any) -> SymbolicZero:
        """The zero tangent of an array or number."""
        return SymbolicZero(aval_of(value).tangent)


@dataclass(slots=True)
class CustomVJPPrimal:
    """An argument of fwd under symbolic_zeros: its value, and whether it is differentiated.

    >>> CustomVJPPrimal(1.0, perturbed=False).value
    1.0
    """

    value: Any
    perturbed: bool


def custom_vjp_primal_tree_values(tree: Any) -> Any:
    """A tree of CustomVJPPrimals as the tree of their values.

    Raises: CustomRuleError for a leaf of another type.

    >>> custom_vjp_primal_tree_values((CustomVJPPrimal(1, True), {"a": CustomVJPPrimal(2, False)}))
    (1, {'a': 2})
    """

    def value(leaf: Any) -> Any:
        if type(leaf) is not CustomVJPPrimal:
            raise CustomRuleError(
                "custom_vjp_primal_tree_values: expected leaves of type CustomVJPPrimal, as fwd "
                f"is given under symbolic_zeros, got {type(leaf).__name__}"
            )
        return leaf.value

    return map_leaves(value, tree)


def zero_from_primal(val: Any, symbolic_zeros: bool = False) -> Any:
    """The zero tangent of an array: written out, or symbolic.

    >>> float(zero_from_primal(3.0)), zero_from_primal(3, symbolic_zeros=True)
    (0.0, SymbolicZero(float0[]))
    """
    if symbolic_zeros:
        return SymbolicZero.from_primal_value(val)
    aval = aval_of(val).tangent
    return np.zeros(aval.shape, float0) if aval.dtype == float0 else full(aval.shape, 0, aval.dtype)

"""ftx.custom_derivatives: functions with derivatives given by the user, as in JAX.

In: a function and its rule.  Out: the function, differentiated by the rule.
Must not know: how derivatives are taken.
"""

from .transforms.closures import closure_convert
from .transforms.custom import custom_gradient, custom_jvp, custom_vjp
from .transforms.symbolic_zeros import (
    CustomVJPPrimal,
    SymbolicZero,
    custom_vjp_primal_tree_values,
    zero_from_primal,
)

__all__ = [
    "CustomVJPPrimal",
    "SymbolicZero",
    "closure_convert",
    "custom_gradient",
    "custom_jvp",
    "custom_vjp",
    "custom_vjp_primal_tree_values",
    "zero_from_primal",
]

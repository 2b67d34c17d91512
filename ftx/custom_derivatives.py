"""ftx.custom_derivatives: functions with derivatives given by the user, as in JAX.

In: a function and its rule.  Out: the function, differentiated by the rule.
Must not know: how derivatives are taken.
"""

from .transforms.custom import (
    closure_convert,
    custom_gradient,
    custom_jvp,
    custom_vjp,
)

__all__ = ["closure_convert", "custom_gradient", "custom_jvp", "custom_vjp"]

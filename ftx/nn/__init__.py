"""Neural networks: modules, layers, losses, optimisers; and every function name of jax.nn.

Read in this order: `module` (what a model is), `layers` and `normalisation`, `functions` and
`over_axis` (what stands between layers), `initializers`, `losses`, `optim`, `schedules`.
Written with `ftx.numpy`, `ftx.lax`, `ftx.random` and `ftx.tree` alone, as a user would.
"""

from . import initializers, losses, optim, schedules
from .attention import dot_product_attention
from .functions import *  # noqa: F403
from .functions import __all__ as _functions
from .layers import MLP, Conv, Embedding, Linear
from .losses import *  # noqa: F403
from .losses import __all__ as _losses
from .module import Module, static
from .normalisation import BatchNorm, BatchNormState, Dropout, LayerNorm
from .over_axis import *  # noqa: F403
from .over_axis import __all__ as _over_axis

__all__ = [
    *("BatchNorm", "BatchNormState", "Conv", "Dropout", "Embedding", "LayerNorm", "Linear"),
    *(
        "MLP",
        "Module",
        "dot_product_attention",
        "static",
        "initializers",
        "losses",
        "optim",
        "schedules",
    ),
    *_functions,
    *_over_axis,
    *_losses,
]

"""ftx.lax: the functions of jax.lax, strict in shape and dtype, and structured control flow.

In: arrays of equal shapes and dtypes (numbers take those of the other operand).  Out: arrays.
Must not know: promotion and broadcasting, which `ftx.numpy` does.
"""

import importlib

from ..transforms.cond import cond, switch
from ..transforms.platform import platform_dependent
from ..transforms.scan import map_ as map
from ..transforms.scan import scan
from ..transforms.solves import custom_linear_solve, custom_root
from ..transforms.while_loop import fori_loop, while_loop
from .arrays import *  # noqa: F403
from .collectives import *  # noqa: F403
from .gathers import *  # noqa: F403
from .operators import *  # noqa: F403
from .primitives import *  # noqa: F403
from .slicing import *  # noqa: F403
from .special import *  # noqa: F403
from .windows import *  # noqa: F403


def __getattr__(name):
    """The submodule `linalg`, imported when first used."""
    if name == "linalg":
        return importlib.import_module(".linalg", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

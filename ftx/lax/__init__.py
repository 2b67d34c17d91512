"""ftx.lax: the functions of jax.lax, strict in shape and dtype, and structured control flow.

In: arrays of equal shapes and dtypes (numbers take those of the other operand).  Out: arrays.
Must not know: promotion and broadcasting, which `ftx.numpy` does.
"""

from ..transforms.cond import cond, switch
from ..transforms.platform import platform_dependent
from ..transforms.scan import map_ as map
from ..transforms.scan import scan
from ..transforms.solves import custom_linear_solve, custom_root
from ..transforms.while_loop import fori_loop, while_loop
from . import linalg
from .arrays import *  # noqa: F403
from .collectives import *  # noqa: F403
from .gathers import *  # noqa: F403
from .operators import *  # noqa: F403
from .primitives import *  # noqa: F403
from .slicing import *  # noqa: F403
from .special import *  # noqa: F403
from .windows import *  # noqa: F403

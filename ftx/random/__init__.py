"""ftx.random: random numbers from explicit keys, the same as jax.random's for the same key.

In: keys, shapes, parameters.  Out: arrays.
The generator is Threefry-2x32; a key is used once, and split for more.
Must not know: global state; there is none.
"""

from .basic import *  # noqa: F403
from .bits import *  # noqa: F403
from .counts import *  # noqa: F403
from .families import *  # noqa: F403

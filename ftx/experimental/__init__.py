"""jax.experimental: what code written for JAX imports from there.

Must not know: how anything is done.
"""

from ..transforms.callback import io_callback
from . import checkify

__all__ = ["checkify", "io_callback"]

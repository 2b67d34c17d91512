"""jax.experimental: what code written for JAX imports from there.

Must not know: how anything is done.
"""

import importlib

from ..transforms.callback import io_callback
from . import checkify

__all__ = ["checkify", "io_callback", "ode"]


def __getattr__(name):
    """Submodules that are imported when first used."""
    if name == "ode":
        return importlib.import_module(".ode", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

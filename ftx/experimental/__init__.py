"""jax.experimental: what code written for JAX imports from there.

Must not know: how anything is done.
"""

import importlib

from ..transforms.callback import io_callback
from . import checkify

__all__ = ["checkify", "io_callback", "mesh_utils", "ode", "shard_map"]


def __getattr__(name):
    """Submodules that are imported when first used."""
    if name in ("mesh_utils", "ode", "shard_map"):
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

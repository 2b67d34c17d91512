"""ftx.stages: the objects of ahead-of-time compilation, as jax.stages.

In: what `jit(f).trace` and `jit(f).lower` return.  Out: the names of their types.
Must not know: how a program is compiled.
"""

from .transforms.jit import Jitted as Wrapped
from .transforms.stages import ArgInfo, Compiled, CompiledMemoryStats, Lowered, Traced

__all__ = ["ArgInfo", "Compiled", "CompiledMemoryStats", "Lowered", "Traced", "Wrapped"]

"""What a primitive of your own is made of: `docs/primitives.md` builds two.

Out: the base classes of primitives and the types their rules see, under stable names.
Must not know: any particular primitive.
"""

from .core.primitive import BatchAxis, Linear, Primitive
from .core.primitives.formula import Elementwise
from .core.primitives.shape import move_batch_axis
from .core.types import ShapedArray

__all__ = ["BatchAxis", "Elementwise", "Linear", "Primitive", "ShapedArray", "move_batch_axis"]

"""ftx.flatten_util: a tree of arrays as one vector.

In: a tree of arrays.  Out: the vector, and the function that turns one back into a tree.
Must not know: what the leaves mean.
"""

import math

from .core import dtypes, tree
from .core.errors import ShapeError
from .core.primitives import selection as C
from .core.primitives import shape as S
from .numpy import concatenate, ravel
from .numpy.promotion import asarray, promote_dtypes

__all__ = ["ravel_pytree"]


def ravel_pytree(pytree):
    """All leaves as one vector [n], and a function from such a vector to a tree like `pytree`.

    >>> vector, back = ravel_pytree({"a": 1.0, "b": asarray([2.0, 3.0])})
    >>> vector.tolist(), back(vector)["b"].tolist()
    ([1.0, 2.0, 3.0], [2.0, 3.0])
    """
    leaves, treedef = tree.flatten(pytree)
    values = [asarray(x) for x in leaves]
    kinds = [(v.shape, v.dtype) for v in values]
    if not values:
        return S.full((0,), 0, dtypes.default_float()), lambda vector: tree.unflatten(treedef, [])
    vector = concatenate([ravel(v) for v in promote_dtypes("ravel_pytree", *values)])
    n = vector.size

    def unravel(vector):
        vector = asarray(vector)
        if vector.shape != (n,):
            raise ShapeError(f"unravel: expected a vector [{n}], got {vector.aval}")
        parts, start = [], 0
        for shape, dtype in kinds:
            stop = start + math.prod(shape)
            part = S.slice_axis(vector, 0, start, stop)
            parts.append(C.convert(S.reshape(part, shape), dtype))
            start = stop
        return tree.unflatten(treedef, parts)

    return vector, unravel

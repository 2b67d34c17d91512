"""ftx.tree: functions on pytrees, with the names of jax.tree, and registration of classes.

In: nested containers.  Out: leaves, structures, containers.
Must not know: arrays.
"""

# ruff: noqa: F401  names are exported

from .tree_util import (
    register_dataclass,
    register_pytree_node,
    register_pytree_node_class,
    register_pytree_with_keys,
)
from .tree_util import tree_all as all
from .tree_util import tree_flatten as flatten
from .tree_util import tree_flatten_with_path as flatten_with_path
from .tree_util import tree_leaves as leaves
from .tree_util import tree_leaves_with_path as leaves_with_path
from .tree_util import tree_map as map
from .tree_util import tree_map_with_path as map_with_path
from .tree_util import tree_reduce as reduce
from .tree_util import tree_structure as structure
from .tree_util import tree_transpose as transpose
from .tree_util import tree_unflatten as unflatten

__all__ = [
    *("all", "flatten", "flatten_with_path", "leaves", "leaves_with_path", "map"),
    *("map_with_path", "reduce", "register_dataclass", "register_pytree_node"),
    *("register_pytree_node_class", "register_pytree_with_keys", "structure", "transpose"),
    *("reduce_associative", "unflatten"),
]


def reduce_associative(operation, tree, *, identity=None, is_leaf=None):
    """Fold an associative operation over the leaves, by halves; `identity` if there are none.

    >>> reduce_associative(lambda a, b: a + b, {"a": 1, "b": [2, 3]})
    6
    """
    found = leaves(tree, is_leaf)
    if not found:
        if identity is None:
            raise ValueError("reduce_associative: expected leaves or an identity, got neither")
        return identity
    while len(found) > 1:
        pairs = [operation(a, b) for a, b in zip(found[::2], found[1::2], strict=False)]
        found = pairs + ([found[-1]] if len(found) % 2 else [])
    return found[0]

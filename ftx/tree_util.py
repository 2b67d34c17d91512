"""ftx.tree_util: pytrees with the names of jax.tree_util.

In: nested containers.  Out: leaves, structures, containers.
Must not know: arrays.
"""

# ruff: noqa: F401  names are exported

import functools

from .core.tree import (
    DictKey,
    FlattenedIndexKey,
    GetAttrKey,
    PyTreeDef,
    SequenceKey,
    flatten_one_level_with_keys,
)
from .core.tree import is_node as is_tree_node
from .tree import all as tree_all
from .tree import broadcast as tree_broadcast
from .tree import flatten as tree_flatten
from .tree import flatten_with_path as tree_flatten_with_path
from .tree import (
    keystr,
    register_dataclass,
    register_pytree_node,
    register_pytree_node_class,
    register_pytree_with_keys,
)
from .tree import leaves as tree_leaves
from .tree import leaves_with_path as tree_leaves_with_path
from .tree import map as tree_map
from .tree import map_with_path as tree_map_with_path
from .tree import reduce as tree_reduce
from .tree import reduce_associative as tree_reduce_associative
from .tree import structure as tree_structure
from .tree import transpose as tree_transpose
from .tree import unflatten as tree_unflatten

__all__ = [
    *("DictKey", "FlattenedIndexKey", "GetAttrKey", "KeyEntry", "KeyPath", "Partial", "PyTreeDef"),
    *(
        "SequenceKey",
        "all_leaves",
        "flatten_one_level",
        "flatten_one_level_with_keys",
        "is_tree_node",
        "tree_broadcast",
        "tree_reduce_associative",
        "keystr",
        "register_dataclass",
        "register_pytree_node",
    ),
    *("register_pytree_node_class", "register_pytree_with_keys"),
    *("register_pytree_with_keys_class", "register_static", "tree_all", "tree_flatten"),
    *("tree_flatten_with_path", "tree_leaves", "tree_leaves_with_path", "tree_map"),
    *("tree_map_with_path", "tree_reduce", "tree_structure", "tree_transpose", "tree_unflatten"),
    *("treedef_children", "treedef_is_leaf", "treedef_tuple"),
]


def flatten_one_level(tree):
    """(children, auxiliary data) of one container.

    Raises: TreeError for a leaf.

    >>> flatten_one_level({"a": [1, 2]})
    ([[1, 2]], ('a',))
    """
    pairs, data = flatten_one_level_with_keys(tree)
    return [child for _, child in pairs], data


KeyPath = tuple
KeyEntry = object


class Partial(functools.partial):
    """`functools.partial` as a container: the bound arguments are its children.

    >>> tree_leaves(Partial(print, 1, sep=2))
    [1, 2]
    """


register_pytree_node(
    Partial,
    lambda p: ((p.args, p.keywords), p.func),
    lambda func, children: Partial(func, *children[0], **children[1]),
)


def register_pytree_with_keys_class(cls):
    """Class decorator for classes with tree_flatten_with_keys and tree_unflatten.

    >>> @register_pytree_with_keys_class
    ... class Box:
    ...     def __init__(self, x): self.x = x
    ...     def tree_flatten_with_keys(self): return [(GetAttrKey("x"), self.x)], None
    ...     @classmethod
    ...     def tree_unflatten(cls, aux, children): return cls(*children)
    >>> tree_leaves(Box(1))
    [1]
    """
    register_pytree_with_keys(cls, lambda x: x.tree_flatten_with_keys(), cls.tree_unflatten)
    return cls


def register_static(cls):
    """Class decorator for hashable classes that are containers without leaves.

    >>> @register_static
    ... class Name(str): pass
    >>> tree_leaves(Name("x"))
    []
    """
    register_pytree_node(cls, lambda x: ((), x), lambda x, _: x)
    return cls


def all_leaves(iterable, is_leaf=None):
    """Whether every element is a leaf.

    >>> all_leaves([1, 2]), all_leaves([1, [2]])
    (True, False)
    """
    return all(len(found := tree_leaves(x, is_leaf)) == 1 and found[0] is x for x in iterable)


def treedef_is_leaf(treedef):
    """Whether the structure is a single leaf.

    >>> treedef_is_leaf(tree_structure(1))
    True
    """
    return treedef.num_nodes == 1 and treedef.num_leaves == 1


def treedef_children(treedef):
    """The structures of the children of the root.

    >>> len(treedef_children(tree_structure([1, 2])))
    2
    """
    return treedef.children()


def treedef_tuple(treedefs):
    """The structure of a tuple of trees of the given structures.

    >>> treedef_tuple([tree_structure(1)]).num_leaves
    1
    """
    parts = tuple(tree_unflatten(t, [0] * t.num_leaves) for t in treedefs)
    return tree_structure(parts)

"""ftx.tree_util: pytrees with the names of jax.tree_util.

In: nested containers.  Out: leaves, structures, containers.
Must not know: arrays.
"""

# ruff: noqa: F401  names are exported

import functools

from .core import tree as _tree
from .core.tree import (
    DictKey,
    FlattenedIndexKey,
    GetAttrKey,
    PyTreeDef,
    SequenceKey,
    register_dataclass,
    register_pytree_node_class,
)

__all__ = [
    *("DictKey", "FlattenedIndexKey", "GetAttrKey", "KeyEntry", "KeyPath", "Partial", "PyTreeDef"),
    *("SequenceKey", "all_leaves", "keystr", "register_dataclass", "register_pytree_node"),
    *("register_pytree_node_class", "register_pytree_with_keys"),
    *("register_pytree_with_keys_class", "register_static", "tree_all", "tree_flatten"),
    *("tree_flatten_with_path", "tree_leaves", "tree_leaves_with_path", "tree_map"),
    *("tree_map_with_path", "tree_reduce", "tree_structure", "tree_transpose", "tree_unflatten"),
    *("treedef_children", "treedef_is_leaf", "treedef_tuple"),
]

KeyPath = tuple
KeyEntry = object

tree_all = _tree.all
tree_flatten = _tree.flatten
tree_leaves = _tree.leaves
tree_map = _tree.map
tree_reduce = _tree.reduce
tree_structure = _tree.structure
tree_unflatten = _tree.unflatten


def _no_paths(name, is_leaf_takes_path):
    if is_leaf_takes_path:
        raise NotImplementedError(f"{name}: is_leaf_takes_path=True is not supported")


def tree_flatten_with_path(tree, is_leaf=None, is_leaf_takes_path=False):
    """Leaves with the path of keys to each, and the structure.

    >>> tree_flatten_with_path({"a": 1})[0]
    [((DictKey(key='a'),), 1)]
    """
    _no_paths("tree_flatten_with_path", is_leaf_takes_path)
    return _tree.flatten_with_path(tree, is_leaf)


def tree_leaves_with_path(tree, is_leaf=None, is_leaf_takes_path=False):
    """(path, leaf) pairs.

    >>> tree_leaves_with_path({"a": 1})
    [((DictKey(key='a'),), 1)]
    """
    return tree_flatten_with_path(tree, is_leaf, is_leaf_takes_path)[0]


def tree_map_with_path(f, tree, *rest, is_leaf=None, is_leaf_takes_path=False):
    """As `tree_map`, with the path as first argument of `f`.

    >>> tree_map_with_path(lambda path, x: keystr(path) + str(x), {"a": 1})
    {'a': "['a']1"}
    """
    _no_paths("tree_map_with_path", is_leaf_takes_path)
    return _tree.map_with_path(f, tree, *rest, is_leaf=is_leaf)


def tree_transpose(outer_treedef, inner_treedef, pytree_to_transpose):
    """A tree of trees turned inside out; the inner structure is found if it is None.

    >>> tree_transpose(tree_structure([0, 0]), None, [(1, 2), (3, 4)])
    ([1, 3], [2, 4])
    """
    if inner_treedef is None:
        inner_treedef = tree_structure(outer_treedef.flatten_up_to(pytree_to_transpose)[0])
    return _tree.transpose(outer_treedef, inner_treedef, pytree_to_transpose)


def keystr(keys, *, simple=False, separator=""):
    """A path as text: "['w'][0]", or if `simple` the bare keys: "w/0" with separator "/".

    >>> keystr((DictKey("w"), SequenceKey(0)), simple=True, separator="/")
    'w/0'
    """
    return separator.join(str(tuple(k)[0]) if simple else str(k) for k in keys)


def register_pytree_node(nodetype, flatten_func, unflatten_func, flatten_with_keys_func=None):
    """Make a class a container.

    Args:
      flatten_func: x -> (children, auxiliary data); the data is hashable and comparable.
      unflatten_func: (auxiliary data, children) -> x.
      flatten_with_keys_func: x -> ((key, child) pairs, auxiliary data), for paths.

    >>> class Pair:
    ...     def __init__(self, x, y): self.x, self.y = x, y
    >>> register_pytree_node(Pair, lambda p: ((p.x, p.y), None), lambda _, c: Pair(*c))
    >>> tree_leaves(Pair(1, 2))
    [1, 2]
    """
    if flatten_with_keys_func is not None:
        _tree.register_pytree_with_keys(nodetype, flatten_with_keys_func, unflatten_func)
    else:
        _tree.register_pytree_node(nodetype, flatten_func, unflatten_func)


def register_pytree_with_keys(nodetype, flatten_with_keys, unflatten_func, flatten_func=None):
    """As `register_pytree_node`, with keys for paths; `flatten_func`, a faster way to the
    children alone, is not needed.

    >>> class Only:
    ...     def __init__(self, x): self.x = x
    >>> flatten = lambda o: ([(GetAttrKey("x"), o.x)], None)
    >>> register_pytree_with_keys(Only, flatten, lambda _, c: Only(*c))
    >>> keystr(tree_leaves_with_path(Only(1))[0][0])
    '.x'
    """
    _tree.register_pytree_with_keys(nodetype, flatten_with_keys, unflatten_func)


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
    parts = tuple(_tree.unflatten(t, [0] * t.num_leaves) for t in treedefs)
    return tree_structure(parts)

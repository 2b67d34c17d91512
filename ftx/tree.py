"""ftx.tree: functions on pytrees, with the names of jax.tree, and registration of classes.

In: nested containers.  Out: leaves, structures, containers.
Must not know: arrays.
"""

# ruff: noqa: F401  names are exported

import dataclasses

from .core import tree as _tree
from .core.errors import ArgumentError, UnsupportedError
from .core.not_given import NOT_GIVEN
from .core.tree import (
    DictKey,
    GetAttrKey,
    SequenceKey,
    all,
    broadcast,
    flatten,
    leaves,
    map,
    reduce,
    register_dataclass,
    register_pytree_node_class,
    structure,
    unflatten,
)

__all__ = [
    *(
        "all",
        "broadcast",
        "flatten",
        "flatten_with_path",
        "keystr",
        "leaves",
        "leaves_with_path",
        "map",
    ),
    *("map_with_path", "reduce", "reduce_associative", "register_dataclass"),
    *("register_pytree_node", "register_pytree_node_class", "register_pytree_with_keys"),
    *("static", "structure", "transpose", "unflatten"),
]


def _no_paths(name, is_leaf_takes_path):
    if is_leaf_takes_path:
        raise UnsupportedError(
            f"{name}: expected is_leaf_takes_path=False, got True; decide by the leaf alone"
        )


def flatten_with_path(tree, is_leaf=None, is_leaf_takes_path=False):
    """Leaves with the path of keys to each, and the structure.

    >>> flatten_with_path({"a": 1})[0]
    [((DictKey(key='a'),), 1)]
    """
    _no_paths("flatten_with_path", is_leaf_takes_path)
    return _tree.flatten_with_path(tree, is_leaf)


def leaves_with_path(tree, is_leaf=None, is_leaf_takes_path=False):
    """(path, leaf) pairs.

    >>> leaves_with_path({"a": 1})
    [((DictKey(key='a'),), 1)]
    """
    return flatten_with_path(tree, is_leaf, is_leaf_takes_path)[0]


def map_with_path(f, tree, *rest, is_leaf=None, is_leaf_takes_path=False):
    """As `tree_map`, with the path as first argument of `f`.

    >>> map_with_path(lambda path, x: keystr(path) + str(x), {"a": 1})
    {'a': "['a']1"}
    """
    _no_paths("map_with_path", is_leaf_takes_path)
    return _tree.map_with_path(f, tree, *rest, is_leaf=is_leaf)


def transpose(outer_treedef, inner_treedef, pytree_to_transpose):
    """A tree of trees turned inside out; the inner structure is found if it is None.

    >>> transpose(structure([0, 0]), None, [(1, 2), (3, 4)])
    ([1, 3], [2, 4])
    """
    if inner_treedef is None:
        inner_treedef = structure(outer_treedef.flatten_up_to(pytree_to_transpose)[0])
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
    >>> leaves(Pair(1, 2))
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
    >>> keystr(leaves_with_path(Only(1))[0][0])
    '.x'
    """
    _tree.register_pytree_with_keys(nodetype, flatten_with_keys, unflatten_func)


def static(**kwargs):
    """A field of a dataclass that is no leaf; arguments are those of `dataclasses.field`.

    >>> import dataclasses
    >>> @register_dataclass
    ... @dataclasses.dataclass
    ... class Scaled:
    ...     x: float
    ...     unit: str = static(default="m")
    >>> leaves(Scaled(1.0))
    [1.0]
    """
    metadata = {**(kwargs.pop("metadata", None) or {}), "static": True}
    return dataclasses.field(metadata=metadata, **kwargs)


def reduce_associative(operation, tree, *, identity=NOT_GIVEN, is_leaf=None):
    """Fold an associative operation over the leaves, by halves; `identity` if there are none.

    >>> reduce_associative(lambda a, b: a + b, {"a": 1, "b": [2, 3]})
    6
    """
    found = leaves(tree, is_leaf)
    if not found:
        if identity is NOT_GIVEN:
            raise ArgumentError("reduce_associative: expected leaves or an identity, got neither")
        return identity
    while len(found) > 1:
        pairs = [operation(a, b) for a, b in zip(found[::2], found[1::2], strict=False)]
        found = pairs + ([found[-1]] if len(found) % 2 else [])
    return found[0]

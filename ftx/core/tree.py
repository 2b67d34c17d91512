"""Pytrees: nested containers of arrays, flattened to a list of leaves and a structure.

In: any Python object.  Out: leaves and a hashable treedef; names and semantics of jax.tree.
Flattening is optree's; None is an empty container, dict keys are sorted.
Knows nothing of: what the leaves are.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence, Sized
from typing import Any, NamedTuple

import optree

from .errors import FtxError, TreeError
from .not_given import NOT_GIVEN

NAMESPACE = "ftx"
PyTreeDef = optree.PyTreeSpec

flatten_c = functools.partial(optree.tree_flatten, namespace=NAMESPACE)


class DictKey(NamedTuple):
    """A step into a dict."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"


class SequenceKey(NamedTuple):
    """A step into a list or tuple."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx}]"


class GetAttrKey(NamedTuple):
    """A step into a named tuple, dataclass or registered class."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


class FlattenedIndexKey(NamedTuple):
    """A step into a registered class without field names."""

    key: int

    def __str__(self) -> str:
        return f"[<flat index {self.key}>]"


_KEYS: dict[type, Callable[[Any], Sequence[Any]]] = {}


def flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], PyTreeDef]:
    """Leaves of `tree`, left to right, and its structure.

    >>> flatten({"b": 2, "a": [1, None]})[0]
    [1, 2]
    """
    return optree.tree_flatten(tree, is_leaf, namespace=NAMESPACE)


def unflatten(treedef: PyTreeDef, leaves: Iterable[Any]) -> Any:
    """The tree of structure `treedef` holding `leaves`.

    Raises: TreeError if there are too many leaves, or too few.
    """
    try:
        return optree.tree_unflatten(treedef, leaves)
    except ValueError as error:
        given = len(list(leaves)) if isinstance(leaves, Sized) else "another number"
        if given == treedef.num_leaves:
            raise  # by a user's node, when it is built
        raise TreeError(
            f"tree.unflatten: expected {treedef.num_leaves} leaves, got {given}: {error}"
        ) from None


def leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves of `tree`, left to right."""
    return optree.tree_leaves(tree, is_leaf, namespace=NAMESPACE)


def structure(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> PyTreeDef:
    """The structure of `tree`."""
    return optree.tree_structure(tree, is_leaf, namespace=NAMESPACE)


def map(
    f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """Apply `f` to corresponding leaves of `tree` and of `rest`.

    Raises: TreeError if the structures differ.

    >>> map(lambda x, y: x + y, {"a": 1}, {"a": 2})
    {'a': 3}
    """
    try:
        return optree.tree_map(f, tree, *rest, is_leaf=is_leaf, namespace=NAMESPACE)
    except ValueError as error:
        if [structure(r) for r in rest] == [structure(tree)] * len(rest):
            raise
        raise TreeError(
            f"tree.map: expected trees of the structure of the first, {structure(tree)}, got "
            f"{[structure(r) for r in rest]}: {str(error).rstrip('.')}; {TreeError.cure}"
        ) from None


def reduce(
    function: Callable[[Any, Any], Any],
    tree: Any,
    initializer: Any = NOT_GIVEN,
    is_leaf: Callable[[Any], bool] | None = None,
) -> Any:
    """Fold `function` over the leaves, beginning with `initializer` if it is given."""
    start = () if initializer is NOT_GIVEN else (initializer,)
    return functools.reduce(function, leaves(tree, is_leaf), *start)


def all(tree: Any, *, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    """Whether every leaf is true."""
    return functools.reduce(lambda a, b: a and bool(b), leaves(tree, is_leaf), True)


def transpose(outer_treedef: PyTreeDef, inner_treedef: PyTreeDef, tree: Any) -> Any:
    """Turn a tree of trees inside out."""
    rows = [flatten(sub)[0] for sub in outer_treedef.flatten_up_to(tree)]
    return unflatten(inner_treedef, [unflatten(outer_treedef, c) for c in zip(*rows, strict=True)])


def broadcast(
    prefix_tree: Any, full_tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """A tree of the structure of `full_tree` with the leaves of a prefix of it, repeated.

    Raises: TreeError if `prefix_tree` is no prefix.

    >>> broadcast({"a": 1, "b": 2}, {"a": [3, 4], "b": 5})
    {'a': [1, 1], 'b': 2}
    """
    try:
        return optree.tree_broadcast_prefix(prefix_tree, full_tree, is_leaf, namespace=NAMESPACE)
    except ValueError as error:
        raise TreeError(
            f"tree.broadcast: expected a prefix of the full tree, got {error}"
        ) from None


def flatten_one_level_with_keys(tree: Any) -> tuple[list[tuple[Any, Any]], Any]:
    """((key, child) pairs, auxiliary data) of one container.

    Raises: TreeError for a leaf.

    >>> flatten_one_level_with_keys({"a": [1, 2]})
    ([(DictKey(key='a'), [1, 2])], ('a',))
    """
    if not is_node(type(tree)):
        raise TreeError(f"flatten_one_level: expected a container, got {type(tree).__name__}")
    children, data, _, _ = optree.tree_flatten_one_level(tree, namespace=NAMESPACE)
    found, _ = flatten_with_path(tree, is_leaf=lambda x: x is not tree)
    keys = [path[0] for path, _ in found]
    return list(zip(keys, children, strict=True)), _hashable(data)


def _hashable(data: Any) -> Any:
    return tuple(data) if isinstance(data, list) else data


def is_node(typ: type) -> bool:
    """Whether instances of a class are containers.

    >>> is_node(dict), is_node(int)
    (True, False)
    """
    if typ is type(None) or issubclass(typ, tuple) and hasattr(typ, "_fields"):
        return True
    return optree.register_pytree_node.get(typ, namespace=NAMESPACE) is not None


def flatten_with_path(
    tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> tuple[list[tuple[tuple[Any, ...], Any]], PyTreeDef]:
    """Leaves with the path of keys that leads to each."""
    accessors, values, treedef = optree.tree_flatten_with_accessor(
        tree, is_leaf, namespace=NAMESPACE
    )
    return [(_keys(a), v) for a, v in zip(accessors, values, strict=True)], treedef


def leaves_with_path(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """(path, leaf) pairs."""
    return flatten_with_path(tree, is_leaf)[0]


def map_with_path(
    f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """As `map`, with the path as first argument of `f`."""
    pairs, treedef = flatten_with_path(tree, is_leaf)
    others = [treedef.flatten_up_to(r) for r in rest]
    results = [f(path, v, *o) for (path, v), *o in zip(pairs, *others, strict=True)]
    return unflatten(treedef, results)


def keystr(keys: Sequence[Any]) -> str:
    """A path as text: `['w'][0].bias`."""
    return "".join(str(k) for k in keys)


def _keys(accessor: Any) -> tuple[Any, ...]:
    return tuple(_key(entry) for entry in accessor)


def _key(entry: Any) -> Any:
    if isinstance(entry, optree.MappingEntry):
        return DictKey(entry.entry)
    if isinstance(entry, optree.GetAttrEntry):
        return GetAttrKey(entry.name)
    if isinstance(entry, optree.NamedTupleEntry):
        return GetAttrKey(entry.field)
    if isinstance(entry, optree.SequenceEntry):
        return SequenceKey(entry.index)
    if isinstance(entry, optree.FlattenedEntry) and not isinstance(entry.entry, int):
        key = entry.entry
        return key if isinstance(key, tuple) and hasattr(key, "_fields") else GetAttrKey(str(key))
    return FlattenedIndexKey(entry.entry)


def register_pytree_node(
    nodetype: type,
    flatten_func: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten_func: Callable[[Any, Iterable[Any]], Any],
) -> None:
    """Make a class a container: x -> (children, aux) and (aux, children) -> x."""
    optree.register_pytree_node(
        nodetype, lambda x: tuple(flatten_func(x))[:2], unflatten_func, namespace=NAMESPACE
    )


def register_pytree_with_keys(
    nodetype: type,
    flatten_with_keys: Callable[[Any], tuple[Iterable[tuple[Any, Any]], Any]],
    unflatten_func: Callable[[Any, Iterable[Any]], Any],
) -> None:
    """As `register_pytree_node`, with (key, child) pairs."""

    def split(x: Any) -> tuple[tuple[Any, ...], Any, tuple[Any, ...]]:
        pairs, aux = flatten_with_keys(x)
        pairs = tuple(pairs)
        return tuple(c for _, c in pairs), aux, tuple(k for k, _ in pairs)

    optree.register_pytree_node(nodetype, split, unflatten_func, namespace=NAMESPACE)


def register_pytree_node_class(cls: type) -> type:
    """Class decorator for classes with tree_flatten and tree_unflatten."""
    register_pytree_node(cls, lambda x: x.tree_flatten(), cls.tree_unflatten)  # type: ignore[attr-defined]
    return cls


def register_dataclass(
    nodetype: type,
    data_fields: Sequence[str] | None = None,
    meta_fields: Sequence[str] | None = None,
    drop_fields: Sequence[str] = (),
) -> type:
    """Make a dataclass a container of `data_fields`; `meta_fields` are static.

    Without lists, fields declared with `metadata={"static": True}` are static.
    """
    if data_fields is None or meta_fields is None:
        fields = [f for f in dataclasses.fields(nodetype) if f.init and f.name not in drop_fields]
        meta_fields = [f.name for f in fields if f.metadata.get("static", False)]
        data_fields = [f.name for f in fields if f.name not in meta_fields]
    data, meta = tuple(data_fields), tuple(meta_fields)

    def split(x: Any) -> tuple[Any, Any, Any]:
        return tuple(getattr(x, n) for n in data), tuple(getattr(x, n) for n in meta), data

    def join(aux: Any, children: Any) -> Any:
        values = dict(zip(meta, aux, strict=True)) | dict(zip(data, children, strict=True))
        return nodetype(**values)

    optree.register_pytree_node(
        nodetype, split, join, path_entry_type=optree.GetAttrEntry, namespace=NAMESPACE
    )
    return nodetype


class _Absent:
    """Replaces None in a prefix tree, where None is a value."""

    def __repr__(self) -> str:
        return "None"


_ABSENT = _Absent()


def broadcast_prefix(
    prefix: Any, treedef: PyTreeDef, error: type[FtxError], expected: str, cure: str
) -> list[Any]:
    """One entry of `prefix` per leaf of `treedef`; None in `prefix` is an entry.

    Raises: `error` if it is no prefix of the structure, with what was expected and the cure.
    """
    marked = optree.tree_map(
        lambda x: _ABSENT if x is None else x, prefix, none_is_leaf=True, namespace=NAMESPACE
    )
    dummy = optree.tree_unflatten(treedef, range(treedef.num_leaves))
    try:
        found = optree.broadcast_prefix(marked, dummy, namespace=NAMESPACE)
    except ValueError as why:
        raise error(
            f"{expected} to be a prefix of the structure {treedef}, got {prefix}: "
            f"{str(why).rstrip('.')}; {cure}"
        ) from None
    return [None if x is _ABSENT else x for x in found]

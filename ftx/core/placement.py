"""Placing a tree of arrays: each is checked against its sharding and remembers it.

In: a tree of values, a prefix of shardings.  Out: the tree; arrays in it know their sharding.
Knows nothing of: what the shardings are for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import tree
from .array import Array, aval_of
from .errors import ShardingError
from .sharding import Sharding, sharding_of


def shardings_of(what: str, given: Any, structure: Any) -> list[Sharding | None]:
    """One sharding, or None, for each leaf of a structure that `given` is a prefix of.

    Raises: ShardingError if it is none.
    """
    found = tree.broadcast_prefix(
        given,
        structure,
        ShardingError,
        f"{what}: expected shardings",
        "give one for all, or one for each",
    )
    return [sharding_of(what, s) for s in found]


def check_placement(
    what: str, leaves: list[Any], shardings: list[Sharding | None], describe: Callable[[int], str]
) -> None:
    """Raise ShardingError if a leaf cannot be divided as its sharding says."""
    for i, (leaf, sharding) in enumerate(zip(leaves, shardings, strict=True)):
        if sharding is not None:
            sharding.check(f"{what}, {describe(i)}", aval_of(leaf).shape)


def placed(what: str, x: Any, given: Any) -> Any:
    """The tree `x`, each array of which is checked against its sharding and remembers it."""
    leaves, structure = tree.flatten(x)
    shardings = shardings_of(what, given, structure)
    check_placement(what, leaves, shardings, lambda i: f"leaf {i}")
    return tree.unflatten(structure, [_with(v, s) for v, s in zip(leaves, shardings, strict=True)])


def _with(x: Any, sharding: Sharding | None) -> Any:
    return x if sharding is None or type(x) is not Array else x.with_sharding(sharding)

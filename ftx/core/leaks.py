"""What still refers to an object that should be gone, in words a user can search for.

In: the object.  Out: "a list, the variable 'seen' that 'f' closes over".
Knows nothing of: what the object is.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from types import CellType, FrameType, FunctionType
from typing import Any

_DEPTH = 4
"""Containers within containers to follow on the way to a name."""


def holder_of(x: Any, ignored: Sequence[Any]) -> str:
    """The variable, container or object that refers to `x`, but for those in `ignored`."""
    return _holder(x, set(map(id, ignored)), _DEPTH) or "an object outside"


def _holder(x: Any, ignored: set[int], depth: int) -> str | None:
    owners = gc.get_referrers(x)
    ignored |= {id(x), id(owners)}
    nearest = None
    for owner in owners:
        if isinstance(owner, FrameType) or id(owner) in ignored:
            continue
        if isinstance(owner, CellType):
            return _closed_over(owner)
        if isinstance(owner, dict) and "__builtins__" in owner:
            return f"the global variable {list(owner)[_place(x, list(owner.values()))]!r}"
        kind = type(owner).__name__
        if isinstance(owner, dict | list | set | tuple) and depth:
            outer = _holder(owner, ignored, depth - 1)
            return f"a {kind}, {outer}" if outer else f"a {kind}"
        nearest = nearest or f"an object of class {kind}"
    return nearest


def _place(x: Any, among: Sequence[Any]) -> int:
    # Not by a generator expression, which would make x a cell, one more thing that refers to it.
    return list(map(id, among)).index(id(x))


def _closed_over(cell: CellType) -> str:
    for cells in gc.get_referrers(cell):
        for function in gc.get_referrers(cells) if isinstance(cells, tuple) else ():
            if isinstance(function, FunctionType) and function.__closure__ is cells:
                name = function.__code__.co_freevars[_place(cell, function.__closure__ or ())]
                return f"the variable {name!r} that {function.__name__!r} closes over"
    return "a closed-over variable"

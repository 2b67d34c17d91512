"""Why a jitted function is traced again: which argument changed and how.

In: the keys under which traces are kept, `(structure, static values, types, options, ...)`.
Out: a sentence for FTX_DEBUG=1, and RetraceWarning when it happens too often.
Knows nothing of: tracing and compiling.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..core.errors import RetraceWarning
from ..core.source import user_source
from ..core.types import ShapedArray

Key = tuple[Any, ...]
Describe = Callable[[int], str]


def difference(old: Key, new: Key, describe: Describe, names: list[str]) -> str:
    """What tells the call `new` from the call `old`; `describe` names a leaf of `new`."""
    (old_tree, old_static, old_avals), (tree, static, avals) = old[:3], new[:3]
    if tree != old_tree:
        return f"the arguments have the structure {tree} after {old_tree}"
    if static != old_static:
        before = {k: v for k, _, v in old_static}
        changed = [
            f"static argument {name_of_argument(k, names)} is {v!r} after {before[k]!r}"
            for k, _, v in static
            if k in before and v != before[k]
        ]
        return ", ".join(changed) or "another set of static arguments is given"
    leaves = [
        f"{describe(i)} is {now} after {then}, another {_aspect(now, then)}"
        for i, (now, then) in enumerate(zip(avals, old_avals, strict=True))
        if now != then
    ]
    return "; ".join(leaves[:3]) or "an option of ftx.config, or a mapped axis around it, differs"


def name_of_argument(k: int | str, names: list[str]) -> str:
    """The name of a static argument, given by position or by name."""
    return names[k] if isinstance(k, int) and 0 <= k < len(names) else str(k)


def _aspect(now: ShapedArray, then: ShapedArray) -> str:
    if now.shape != then.shape:
        return "shape"
    return "dtype" if now.dtype != then.dtype else "weak_type: a number or an array of its dtype"


def warn_often(name: str, traces: int, change: str) -> None:
    """Tell the user, at their line, that `name` is traced again and again."""
    source = user_source()
    text = (
        f"jit of {name}: expected a few types of arguments, got {traces} traces, each with a "
        f"compilation; last time {change}; {RetraceWarning.cure}"
    )
    warnings.warn_explicit(RetraceWarning(text), None, source.file, source.line)

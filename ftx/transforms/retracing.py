"""Why a function is traced again: which argument changed and how, or that it is jitted anew.

In: the keys under which traces are kept, `(structure, static values, types, options, ...)`; the
functions that are jitted, and where.
Out: a sentence for FTX_DEBUG=1, and RetraceWarning when it happens too often.
Knows nothing of: tracing and compiling.
"""

from __future__ import annotations

import functools
import inspect
import numbers
import warnings
import weakref
from collections import Counter
from collections.abc import Callable
from types import CodeType, NoneType
from typing import Any

import numpy as np

from ..core.array import Value
from ..core.config import config
from ..core.errors import RetraceWarning
from ..core.source import SourceInfo, is_users, user_source
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


_REMEMBERED = 1024
"""Functions of one code: those of an open-ended test or server must not fill the memory."""
_jitted: weakref.WeakKeyDictionary[CodeType, Counter[Any]] = weakref.WeakKeyDictionary()
"""How often a function's code was compiled as a new jitted function, by where and with what."""


def note_jitted(name: str, fun: Callable[..., Any], place: SourceInfo, types: Any) -> None:
    """Count a new jitted function that is compiled; warn where one is made again and again.

    Functions are the same if their code is, and what they close over but for numbers and arrays;
    `types` are those of the arguments, of which others had to be compiled anyway.
    """
    function = _inner(fun)
    code = getattr(function, "__code__", None)
    if not config.retrace_warning or not place.file or code is None or not is_users(code):
        return
    closure = _closed_over(function)
    if closure is None:
        return
    counts, key = _jitted.setdefault(code, Counter()), (place, types, closure)
    if len(counts) > _REMEMBERED:
        counts.clear()
    counts[key] += 1
    if counts[key] == config.retrace_warning:
        text = (
            f"jit of {name}: expected to be called once and its result kept, got {counts[key]} "
            "jitted functions made of the same code at one place, each traced and compiled for the "
            "same types; make the jitted function once, outside the loop, and pass it what changes "
            "as arguments"
        )
        warnings.warn_explicit(RetraceWarning(text, str(place)), None, place.file, place.line)


def _inner(fun: Any) -> Any:
    """The user's function inside wrappers, partial applications and methods."""
    fun = inspect.unwrap(fun)
    while isinstance(fun, functools.partial):
        fun = inspect.unwrap(fun.func)
    return getattr(fun, "__func__", fun)


class _Same:
    """An object, known by itself for as long as it lives."""

    def __init__(self, value: Any):
        self.value, self.number = weakref.ref(value), id(value)

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        value = self.value()
        return isinstance(other, _Same) and value is not None and value is other.value()


def _closed_over(function: Any, seen: frozenset[Any] = frozenset()) -> tuple[Any, ...] | None:
    """What tells one function from another of the same code; None if that cannot be known."""
    cells = [x for cell in function.__closure__ or () for x in _contents(cell)]
    found: list[Any] = []
    for x in (*cells, *(function.__defaults__ or ())):
        if isinstance(x, (Value, np.ndarray, numbers.Number)):
            continue  # it could be an argument
        inner = _inner(x)
        code = getattr(inner, "__code__", None)
        if isinstance(x, (str, bytes, NoneType)):
            found.append(x)
        elif code is not None:
            more = () if code in seen else _closed_over(inner, seen | {code})
            if more is None:
                return None
            found += [code, more]
        elif getattr(type(x), "__weakrefoffset__", 0):
            found.append(_Same(x))
        else:
            return None
    return tuple(found)


def _contents(cell: Any) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:  # the variable has no value yet
        return []

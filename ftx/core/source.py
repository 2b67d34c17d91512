"""Where in the user's code an equation came from.

In: the running Python stack.  Out: the innermost frame that is not part of ftx, or the line of
the equation that a transform or pass is just interpreting, whichever is further in.
Knows nothing of: jaxprs, errors, files on disk beyond reading one line to show it.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Callable
from types import CodeType
from typing import NamedTuple, TypeVar

import optree

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_NOT_USERS = (_ROOT, os.path.dirname(os.path.abspath(optree.__file__)) + os.sep)
"""Folders whose frames stand between the user's line and ours; optree calls back from tree.map."""


class SourceInfo(NamedTuple):
    """One line of the user's program."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        text = linecache.getline(self.file, self.line).strip()
        place = f"{os.path.basename(self.file)}:{self.line}, in {self.function}"
        return f"{place}:   {text}" if text else place


UNKNOWN = SourceInfo("", 0, "")


_INTERPRETERS: set[CodeType] = set()
Function = TypeVar("Function", bound=Callable[..., object])


def interprets(function: Function) -> Function:
    """Mark a function whose local variable `eqn` is the equation it is interpreting.

    What is recorded meanwhile belongs to that equation's line, not to the call of the transform.
    """
    _INTERPRETERS.add(function.__code__)  # type: ignore[attr-defined]
    return function


def user_source() -> SourceInfo:
    """The innermost frame outside ftx or equation being interpreted, or UNKNOWN."""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code in _INTERPRETERS:
            eqn = frame.f_locals.get("eqn")
            if eqn is not None and eqn.source.file:
                return eqn.source
        elif not code.co_filename.startswith(_NOT_USERS):
            return SourceInfo(code.co_filename, frame.f_lineno, code.co_name)
        frame = frame.f_back  # type: ignore[assignment]
    return UNKNOWN


def user_location() -> str:
    """`user_source` as text, empty when unknown."""
    source = user_source()
    return str(source) if source.file else ""

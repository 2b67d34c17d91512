"""Where in the user's code an equation came from.

In: the running Python stack.  Out: the innermost frame that is not part of ftx, or the line of
the equation that a transform or pass is just interpreting, whichever is further in.
Knows nothing of: jaxprs, errors, files on disk beyond reading one line to show it.
"""

from __future__ import annotations

import inspect
import linecache
import os
import sys
from collections.abc import Callable
from types import CodeType
from typing import NamedTuple, TypeVar

import optree

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_NOT_USERS = (
    _ROOT,
    os.path.dirname(os.path.abspath(optree.__file__)) + os.sep,
    "<frozen importlib",
)
"""Whose frames stand between the user's line and ours: optree calls back from tree.map."""


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


class _Frames:
    hidden = True
    """Whether tracebacks leave out the frames of ftx (option traceback_filtering)."""


FRAMES = _Frames()


def is_users(code: CodeType) -> bool:
    """Whether `code` is outside ftx."""
    return not code.co_filename.startswith(_NOT_USERS)


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
        elif is_users(code):
            return SourceInfo(code.co_filename, frame.f_lineno, code.co_name)
        frame = frame.f_back  # type: ignore[assignment]
    return UNKNOWN


def mark_frames() -> None:
    """Tell pytest and IPython to leave the frames of ftx on the stack out of tracebacks."""
    frame = sys._getframe(1) if FRAMES.hidden else None
    while frame is not None:
        if not is_users(frame.f_code) and frame.f_code.co_flags & inspect.CO_OPTIMIZED:
            frame.f_locals["__tracebackhide__"] = True
        frame = frame.f_back  # type: ignore[assignment]


def user_location() -> str:
    """`user_source` as text, empty when unknown."""
    source = user_source()
    return str(source) if source.file else ""

"""Where in the user's code an equation came from.

In: the running Python stack.  Out: the innermost frame that is not part of ftx.
Knows nothing of: jaxprs, errors, files on disk beyond reading one line to show it.
"""

from __future__ import annotations

import linecache
import os
import sys
from typing import NamedTuple

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


def user_source() -> SourceInfo:
    """The innermost frame outside ftx, or UNKNOWN."""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_NOT_USERS):
            return SourceInfo(code.co_filename, frame.f_lineno, code.co_name)
        frame = frame.f_back  # type: ignore[assignment]
    return UNKNOWN


def user_location() -> str:
    """`user_source` as text, empty when unknown."""
    source = user_source()
    return str(source) if source.file else ""

"""Tracebacks without the frames of ftx: what users see is their own lines.

In: an exception on its way to the user.  Out: the same exception, its traceback filtered.
Two ways lead there: `api_boundary` around what calls users' functions, and the hook that prints
what nobody caught.  FTX_TRACEBACK=full, or traceback_filtering="off", shows every frame.
Knows nothing of: what raised the exception.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar, cast

from .config import config
from .errors import FtxError
from .source import FRAMES, is_users

F = TypeVar("F", bound=Callable[..., Any])


def _filtered(error: BaseException) -> TracebackType | None:
    """The traceback of `error` without our frames; all of it where we are the ones who failed."""
    entries = []
    entry = error.__traceback__
    while entry is not None:
        entries.append(entry)
        entry = entry.tb_next
    ours = not entries or not is_users(entries[-1].tb_frame.f_code)
    if ours and not isinstance(error, FtxError):
        return error.__traceback__
    kept: TracebackType | None = None
    for each in reversed(entries):
        if is_users(each.tb_frame.f_code):
            kept = TracebackType(kept, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return kept


def _is_internal(error: BaseException | None) -> bool:
    """Whether `error` was raised and caught by ftx, which then raised another."""
    entry = error.__traceback__ if error is not None else None
    while entry is not None and not is_users(entry.tb_frame.f_code):
        entry = entry.tb_next
    return entry is None


def hide_frames(error: BaseException) -> None:
    """Drop the frames of ftx from the traceback of `error` and of what it was raised from."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending and FRAMES.hidden:
        each = pending.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            each.__traceback__ = _filtered(each)
            pending += [each.__cause__, each.__context__]
            each.__suppress_context__ |= _is_internal(each.__context__)


def api_boundary(function: F) -> F:
    """`function`, whose exceptions reach the caller without the frames of ftx."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            hide_frames(error)
            raise

    return cast(F, guarded)


def install_hooks() -> None:
    """Filter what Python prints of uncaught exceptions, on the main thread and on others."""
    shown, shown_in_thread = sys.excepthook, threading.excepthook

    def show(kind: Any, error: BaseException, traceback: Any) -> None:
        hide_frames(error)
        shown(kind, error, error.__traceback__ if FRAMES.hidden else traceback)

    def show_in_thread(args: Any) -> None:
        if args.exc_value is not None:
            hide_frames(args.exc_value)
            traceback = args.exc_value.__traceback__
            args = threading.ExceptHookArgs((args.exc_type, args.exc_value, traceback, args.thread))
        shown_in_thread(args)

    sys.excepthook, threading.excepthook = show, show_in_thread


def _switch(mode: str) -> None:
    FRAMES.hidden = mode != "off"


config.on_change("traceback_filtering", _switch)
_switch(config.traceback_filtering)

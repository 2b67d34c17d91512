"""What happened when: spans of time that programs, their compilation and users note.

In: names and times.  Out: events as Chrome's trace viewer reads them.
Off unless `ftx.profiler` begins one; the option `profile` then makes programs note their calls.
Knows nothing of: files.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from typing import Any


class Timeline:
    """Events since it was begun; safe under threads."""

    def __init__(self) -> None:
        self.begin = time.perf_counter_ns()
        self.events: list[dict[str, Any]] = []

    @contextlib.contextmanager
    def span(self, name: str, kind: str, **details: Any) -> Iterator[None]:
        """Note how long the block takes, in the thread it runs in."""
        start = time.perf_counter_ns()
        try:
            yield
        finally:
            event = {
                "name": name, "cat": kind, "ph": "X", "pid": os.getpid(),
                "tid": threading.get_ident(), "ts": (start - self.begin) / 1000,
                "dur": (time.perf_counter_ns() - start) / 1000, "args": details,
            }  # fmt: skip
            self.events.append(event)


class _Current:
    timeline: Timeline | None = None


CURRENT = _Current()


class Noted:
    """An executable whose calls are noted on the current timeline."""

    def __init__(self, name: str, executable: Any):
        self._name, self._executable = name, executable

    def __getattr__(self, name: str) -> Any:
        return getattr(self._executable, name)

    def __call__(self, *args: Any) -> Any:
        timeline = CURRENT.timeline
        if timeline is None:
            return self._executable(*args)
        with timeline.span(self._name, "program"):
            return self._executable(*args)

"""What surrounds the running code, per thread: the active trace and the named axes in scope.

Knows nothing of: what a trace is.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from .errors import UnboundAxisError


class _State(threading.local):
    trace: Any = None
    """The innermost trace being recorded; None when operations are evaluated at once."""
    interpreting: bool = False
    """Whether programs run equation by equation, also those inside equations."""
    axes: tuple[tuple[str, int], ...] = ()
    """Names and sizes of the mapped axes in scope, innermost last."""
    blocks: Any = None
    """What is known of how values vary over the axes of the shard_map being traced; see varying."""


STATE = _State()


@contextlib.contextmanager
def use_trace(trace: Any) -> Iterator[None]:
    """Record into `trace` (or evaluate, if None) for the length of the block."""
    before, STATE.trace = STATE.trace, trace
    try:
        yield
    finally:
        STATE.trace = before


@contextlib.contextmanager
def interpreting() -> Iterator[None]:
    """Evaluate, compiling nothing, for the length of the block."""
    before = STATE.trace, STATE.interpreting
    STATE.trace, STATE.interpreting = None, True
    try:
        yield
    finally:
        STATE.trace, STATE.interpreting = before


@contextlib.contextmanager
def named_axis(name: str | None, size: int) -> Iterator[None]:
    """Bring a mapped axis into scope for collectives; nothing if it has no name."""
    before = STATE.axes
    if name is not None:
        STATE.axes = (*before, (name, size))
    try:
        yield
    finally:
        STATE.axes = before


def axis_size(name: str) -> int:
    """Size of the mapped axis `name` in scope.

    Raises: UnboundAxisError if no vmap or pmap around the caller binds it.
    """
    for known, size in reversed(STATE.axes):
        if known == name:
            return size
    names = [n for n, _ in STATE.axes]
    raise UnboundAxisError(
        "collective: expected the name of a mapped axis in scope, of which there are "
        f"{names or 'none'}, got {name!r}; map with vmap(..., axis_name={name!r}) or pmap"
    )

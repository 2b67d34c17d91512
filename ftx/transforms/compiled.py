"""The compiled form of a program, made once by the backend in use and kept with the program.

In: a jaxpr without consts.  Out: an executable.
Knows nothing of: how a backend compiles; it asks `core.backend`.
"""

from __future__ import annotations

import threading
from typing import Any

from ..core.backend import Executable, get_backend
from ..core.config import config
from ..core.jaxpr import Jaxpr
from ..core.state import use_trace
from ..core.timeline import CURRENT, Noted

_LOCK = threading.RLock()


def executable_of(jaxpr: Jaxpr, donated: tuple[bool, ...] = ()) -> Executable:
    """The compiled form of a program without consts (memoised on it)."""
    key = ("executable", config.default_backend, config.disable, config.profile, donated)
    found = jaxpr.memo.get(key)
    if found is None:
        with _LOCK:
            found = jaxpr.memo.get(key)
            if found is None:
                backend = get_backend(config.default_backend)
                with use_trace(None):
                    found = jaxpr.memo[key] = _compiled(backend, jaxpr, donated)
    return found


def _compiled(backend: Any, jaxpr: Jaxpr, donated: tuple[bool, ...]) -> Any:
    """The executable; where a timeline is kept, one whose making and calls are on it."""
    timeline = CURRENT.timeline
    if timeline is None:
        return backend.compile(jaxpr, donated)
    with timeline.span(f"compile {jaxpr.name}", "compile", equations=len(jaxpr.eqns)):
        found = backend.compile(jaxpr, donated)
    return Noted(jaxpr.name, found)

"""The compiled form of a program, made once by the backend in use and kept with the program.

In: a jaxpr without consts.  Out: an executable.
Knows nothing of: how a backend compiles; it asks `core.backend`.
"""

from __future__ import annotations

import threading

from ..core.backend import Executable, get_backend
from ..core.config import config
from ..core.jaxpr import Jaxpr
from ..core.state import use_trace

_LOCK = threading.RLock()


def executable_of(jaxpr: Jaxpr, donated: tuple[bool, ...] = ()) -> Executable:
    """The compiled form of a program without consts (memoised on it)."""
    key = ("executable", config.default_backend, config.disable, donated)
    found = jaxpr.memo.get(key)
    if found is None:
        with _LOCK:
            found = jaxpr.memo.get(key)
            if found is None:
                backend = get_backend(config.default_backend)
                with use_trace(None):
                    found = jaxpr.memo[key] = backend.compile(jaxpr, donated)
    return found

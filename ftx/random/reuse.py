"""debug_key_reuse: raise where a random key is used a second time.

In: every key whose bits are drawn or that is split.  Out: nothing, or KeyReuseError.
A key is known by its words outside traced code, and by its variable within one traced function;
what a function closes over, and what it hands to another traced function, is not followed.
`fold_in` does not use a key up, as in JAX.
Must not know: how bits are made.
"""

from __future__ import annotations

import weakref

from ..core.array import Array
from ..core.config import config
from ..core.errors import KeyReuseError
from ..core.jaxpr import Var
from ..core.source import user_location
from ..core.state import STATE
from ..core.tracing import Trace, Tracer

_REMEMBERED = 1 << 16
"""Keys to remember outside traced code: a long run must not fill the memory."""

_now: dict[bytes, str] = {}
_within: weakref.WeakKeyDictionary[Trace, dict[Var, str]] = weakref.WeakKeyDictionary()


def use(key):
    """Note that `key` is used up.

    Raises: KeyReuseError if it has been used before.
    """
    if not config.debug_key_reuse:
        return
    if type(key) is Tracer and key.trace is STATE.trace:
        used, token = _within.setdefault(key.trace, {}), key.var
    elif type(key) is Array and STATE.trace is None:
        used, token = _now, key._live().tobytes()
    else:
        return
    if token in used:
        raise KeyReuseError(
            f"random key: expected one that has not been used, got one used {used[token]}; "
            "make a key for every use with ftx.random.split or fold_in"
        )
    place = user_location()
    used[token] = f"at {place}" if place else "before"
    if len(_now) > _REMEMBERED:
        del _now[next(iter(_now))]


def renew(keys):
    """`keys`, made on purpose: they may be used, whether or not equal ones have been."""
    if config.debug_key_reuse and type(keys) is Array:
        for row in keys._live().reshape(-1, 2):
            _now.pop(row.tobytes(), None)
    elif type(keys) is Tracer:
        _within.get(keys.trace, {}).pop(keys.var, None)
    return keys

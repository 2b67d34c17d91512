"""debug_key_reuse: raise where a random key is used a second time.

In: every key whose bits are drawn or that is split, and every application of a traced function.
Out: nothing, or KeyReuseError.
A key is known by its words outside traced code, and by its variable within a traced function.
What a function uses of its arguments and of what it closes over is used again wherever the
function is applied, and in every step of a loop.  `fold_in` does not use a key up, as in JAX.
Must not know: how bits are made.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from . import dtypes
from .array import Array
from .config import config
from .errors import KeyReuseError
from .jaxpr import Jaxpr
from .primitives.shape import copy_p
from .source import user_location
from .state import STATE
from .tracing import LinearTrace, Tracer

_REMEMBERED = 1 << 16
"""Keys to remember outside traced code: a long run must not fill the memory."""
KEY_WORDS = 2

_now: dict[bytes, str] = {}


class _Watching(threading.local):
    on = True


_WATCHING = _Watching()


@contextlib.contextmanager
def unwatched() -> Iterator[None]:
    """For rules, which are run in place of a function whose uses have been noted."""
    before, _WATCHING.on = _WATCHING.on, False
    try:
        yield
    finally:
        _WATCHING.on = before


def use(key: Any) -> None:
    """Note that `key` is used up.

    Raises: KeyReuseError if it has been used before.
    """
    if config.debug_key_reuse and _WATCHING.on:
        place = user_location()
        _use(key, f"at {place}" if place else "before")


def renew(keys: Any) -> Any:
    """`keys`, made on purpose: they may be used, whether or not equal ones have been."""
    if not config.debug_key_reuse:
        return keys
    if STATE.trace is not None:
        return copy_p.bind(keys)[0]  # a variable of its own
    for token in _words(keys):
        _now.pop(token, None)
    return keys


def apply(jaxpr: Jaxpr, args: Sequence[Any]) -> None:
    """Note what a user's function, traced as `jaxpr`, uses of `args` and of what it closes over.

    Raises: KeyReuseError if something of it has been used before.
    """
    apply_one([jaxpr], args)


def apply_one(jaxprs: Sequence[Jaxpr], args: Sequence[Any]) -> None:
    """`apply` of functions of which one is run."""
    if not (config.debug_key_reuse and _WATCHING.on):
        return
    used: dict[int, tuple[Any, str]] = {}
    for jaxpr in jaxprs:
        for var, value in zip(jaxpr.invars, (*jaxpr.consts, *args), strict=True):
            if var in jaxpr.used_keys:
                used[id(value)] = (value, jaxpr.used_keys[var])
    for value, place in used.values():
        _use(value, place)


def repeat(jaxpr: Jaxpr, carry: Sequence[Any], xs: Sequence[Any], times: int | None = None) -> None:
    """`apply` of a loop's body, `times` times (None: unknown).

    Raises: KeyReuseError too if every step uses the same key.
    """
    if not (config.debug_key_reuse and _WATCHING.on) or times == 0:
        return
    n, n_consts = len(carry), len(jaxpr.consts)
    if times != 1:
        passed_on = zip(jaxpr.arg_vars[:n], jaxpr.outvars[:n], strict=True)
        fixed = [*jaxpr.invars[:n_consts], *[v for v, out in passed_on if v is out]]
        for var in fixed:
            if var in jaxpr.used_keys:
                raise _reused(f"{jaxpr.used_keys[var]}, in a step before")
    apply(jaxpr, [*carry, *xs])


def _use(key: Any, place: str) -> None:
    trace = STATE.trace
    while type(trace) is LinearTrace and not (type(key) is Tracer and key.trace is trace):
        trace = trace.parent
    if trace is not None:
        used, tokens = trace.used_keys, [trace.atom(key)]
    else:
        used, tokens = _now, _words(key)
    for token in tokens:
        if token in used:
            raise _reused(used[token])
        used[token] = place
    while len(_now) > _REMEMBERED:
        del _now[next(iter(_now))]


def _words(keys: Any) -> list[bytes]:
    """Keys outside traced code, one by one."""
    if type(keys) is not Array:
        return []
    value = keys._live()
    if value.dtype == dtypes.key:
        return [key.tobytes() for key in value.reshape(-1)]
    if value.shape[-1:] != (KEY_WORDS,):
        return []
    return [row.tobytes() for row in value.reshape(-1, KEY_WORDS)]


def _reused(place: str) -> KeyReuseError:
    return KeyReuseError(
        f"random key: expected one that has not been used, got one used {place}; "
        "make a key for every use with ftx.random.split or fold_in"
    )

"""The sockets that higher layers plug into, so that core need not import them.

In: backends, and who counts their work, registered by `ftx/__init__`.
Out: `get_backend(name)`, `count_costs(name, jaxpr)`.
Knows nothing of: any particular backend.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .errors import BackendError
from .jaxpr import Jaxpr


class Executable(Protocol):
    """A compiled program: arrays in, arrays out."""

    @property
    def arena_bytes(self) -> int | None:
        """Memory of the temporaries of one call; None if unknown."""
        ...

    @property
    def aliased_bytes(self) -> int:
        """Of results that are made in the memory of donated arguments."""
        ...

    def __call__(self, *args: Any) -> list[Any]: ...

    def kernels(self) -> list[str]:
        """The source text of every kernel, in the order they run."""
        ...


class Backend(Protocol):
    """Turns a jaxpr without consts into an executable."""

    name: str

    def compile(self, jaxpr: Jaxpr, donated: Sequence[bool] = ()) -> Executable: ...


_LOADERS: dict[str, Callable[[], Backend]] = {}
_LOADED: dict[str, Backend] = {}
_COUNTERS: dict[str, Callable[[Jaxpr], dict[str, float]]] = {}


def register_backend(name: str, load: Callable[[], Backend]) -> None:
    """Make `name` known; `load` is called when it is first used."""
    _LOADERS[name] = load
    _LOADED.pop(name, None)


def get_backend(name: str) -> Backend:
    """The backend called `name`.

    Raises: BackendError if there is none, or if its hardware or driver is missing.
    """
    if name not in _LOADED:
        if name not in _LOADERS:
            known = ", ".join(sorted(_LOADERS))
            raise BackendError(
                f"backend: expected one of {known}, got {name!r}; choose another with "
                "ftx.config.update('default_backend', name)"
            )
        _LOADED[name] = _LOADERS[name]()
    return _LOADED[name]


def register_costs(name: str, count: Callable[[Jaxpr], dict[str, float]]) -> None:
    """Let `count` find the work of programs compiled for the backend `name`."""
    _COUNTERS[name] = count


def count_costs(name: str, jaxpr: Jaxpr) -> dict[str, float] | None:
    """Operations and bytes of a program on the backend `name`; None if nobody counts them."""
    count = _COUNTERS.get(name)
    return None if count is None else count(jaxpr)

"""The table of public functions: how each is called, what it is compared with, how closely.

In: rows, added by the modules of the families.  Out: `ROWS` by name, `HELD` with reasons, and
`public`, the names that need one or the other.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.fft
import numpy.linalg
import scipy.special

from ftx.numpy.scalar_types import ScalarType
from tests.functions.draws import Call, Draw

MODULES = ("numpy", "numpy.linalg", "numpy.fft", "scipy.special", "nn")
ORACLES = {
    "numpy": np,
    "numpy.linalg": numpy.linalg,
    "numpy.fft": numpy.fft,
    "scipy.special": scipy.special,
}
REASON = "rounding of the result and of a dozen operations before it"


@dataclass(frozen=True, eq=False)
class Row:
    """One function: `arguments` draws a call of it, `oracle` says what comes."""

    name: str
    arguments: Callable[[Draw], Call]
    oracle: Callable[..., Any]
    tolerance: float = 16.0
    """In units of the result's rounding error, relative and, below 1, absolute."""
    reason: str = REASON
    via: Callable[..., Any] | None = None
    """`via(f, *arguments)`: what is compared, of ftx and of the oracle alike."""
    widen: bool = True
    """Whether the oracle computes in 64 bits."""
    gradient: bool = True
    gradient_tolerance: float | None = None
    vmap: bool = True
    compiled: bool = True
    strong: str | None = None
    """Why weak types are not compared, where they are not."""
    peer: str | None = None
    """Why its types are not compared with JAX's, where they are not."""

    @property
    def module(self) -> str:
        """The module of the function."""
        return self.name.rpartition(".")[0]

    @property
    def short(self) -> str:
        """The name in its module."""
        return self.name.rpartition(".")[2]

    @functools.cached_property
    def function(self) -> Callable[..., Any]:
        """The function of ftx, or what is compared of it."""
        found = find(f"ftx.{self.name}")
        return found if self.via is None else functools.partial(self.via, found)

    @functools.cached_property
    def expected(self) -> Callable[..., Any]:
        """What the function is compared with."""
        return self.oracle if self.via is None else functools.partial(self.via, self.oracle)

    def __str__(self) -> str:
        return self.name


ROWS: dict[str, Row] = {}
HELD: dict[str, str] = {}
"""Functions without a row, and why."""


def find(dotted: str) -> Any:
    """The object that a dotted name stands for."""
    module, name = dotted.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


def add(names: str, arguments: Callable[[Draw], Call], oracle: Any = None, **rest: Any) -> None:
    """A row for each of the names; the oracle is by default NumPy's or SciPy's function."""
    for name in names.split():
        module, short = name.rsplit(".", 1)
        # Fixed by name here, where a missing oracle is seen.
        found = getattr(ORACLES[module], short) if oracle is None else oracle
        assert name not in ROWS, name
        ROWS[name] = Row(name, arguments, found, **rest)


def hold(names: str, reason: str) -> None:
    """Say why the names have no row."""
    HELD.update(dict.fromkeys(names.split(), reason))


def public() -> list[str]:
    """Names of the public functions of the modules."""
    return [f"{m}.{name}" for m in MODULES for name in _names(importlib.import_module(f"ftx.{m}"))]


def _names(module: Any) -> list[str]:
    listed = getattr(module, "__all__", None) or [n for n in dir(module) if n[0] != "_"]
    values = [(n, getattr(module, n)) for n in listed]
    return [
        n
        for n, v in values
        if callable(v) and not isinstance(v, (type, ScalarType)) and n[0] != "_"
    ]

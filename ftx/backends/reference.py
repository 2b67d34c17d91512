"""backend="reference": NumPy rules, one equation at a time; the oracle of every other backend.

In: a jaxpr without consts.  Out: an executable that interprets it.
Knows nothing of: kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.array import as_array
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr
from ..core.state import interpreting


class ReferenceExecutable:
    """Runs a program by its primitives' `impl`."""

    arena_bytes = None
    """NumPy allocates each result when it is made."""
    aliased_bytes = 0

    def __init__(self, jaxpr: Jaxpr):
        self._jaxpr = jaxpr

    def __call__(self, *args: Any) -> list[Any]:
        with interpreting():
            return eval_jaxpr(self._jaxpr, [as_array(a) for a in args])

    def kernels(self) -> list[str]:
        """None: nothing is generated."""
        return []


class ReferenceBackend:
    """Compiles nothing."""

    name = "reference"

    def compile(self, jaxpr: Jaxpr, donated: Sequence[bool] = ()) -> ReferenceExecutable:
        return ReferenceExecutable(jaxpr)

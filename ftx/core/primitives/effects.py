"""Identities that matter only to transforms and the compiler.

In: arrays.  Out: the same arrays.
Knows nothing of: what callers mean by stopping a derivative.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..primitive import BatchAxis, Linear, Primitive
from ..types import ShapedArray


class StopGradient(Primitive):
    """x, whose derivative is zero by decree."""

    def abstract_eval(self, x: ShapedArray) -> list[ShapedArray]:
        return [x]

    def impl(self, x: Any) -> list[Any]:
        return [x]

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        return self.bind(*primals), [None]

    def batch(self, axis: BatchAxis, args: Any, dims: Any) -> tuple[list[Any], list[Any]]:
        return self.bind(*args), list(dims)

    def lower(self, kernel: Any, index: Any, x: Any) -> Any:
        return x(index)


class OptimizationBarrier(Primitive):
    """All operands, unchanged; equations are not shared across it while it stands."""

    linear = True

    def abstract_eval(self, *xs: ShapedArray) -> list[ShapedArray]:
        return list(xs)

    def impl(self, *xs: Any) -> list[Any]:
        return list(xs)

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        moved = self.bind(*[t for t in tangents if t is not None])
        given = iter(moved)
        return self.bind(*primals), [None if t is None else next(given) for t in tangents]

    def transpose(self, cts: Any, *xs: Any) -> list[Any]:
        return [ct if isinstance(x, Linear) else None for ct, x in zip(cts, xs, strict=True)]

    def batch(self, axis: BatchAxis, args: Any, dims: Any) -> tuple[list[Any], list[Any]]:
        return self.bind(*args), list(dims)

    def expand(self, *xs: Any) -> list[Any]:
        """Nothing: within one compiled program the barrier has done its work."""
        return list(xs)


class Name(Primitive):
    """x under a name, by which a policy of `checkpoint` may keep it."""

    def abstract_eval(self, x: ShapedArray, *, name: str) -> list[ShapedArray]:
        return [x]

    def impl(self, x: Any, *, name: str) -> list[Any]:
        return [x]

    def jvp(self, primals: Any, tangents: Any, *, name: str) -> tuple[list[Any], list[Any]]:
        return self.bind(*primals, name=name), list(tangents)

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, name: str
    ) -> tuple[list[Any], list[Any]]:
        return self.bind(*args, name=name), list(dims)

    def expand(self, x: Any, *, name: str) -> list[Any]:
        """Nothing: policies have been asked before a program is compiled."""
        return [x]


stop_gradient_p, optimization_barrier_p = StopGradient(), OptimizationBarrier()
name_p = Name()


def stop_gradient(x: Any) -> Any:
    """x as a constant for derivatives."""
    return stop_gradient_p.bind(x)[0]


def optimization_barrier(xs: Sequence[Any]) -> list[Any]:
    """xs, kept apart from equal computations elsewhere."""
    return optimization_barrier_p.bind(*xs)

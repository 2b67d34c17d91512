"""Write primitives that have an `expand` rule in terms of simpler ones.

Requires: calls inlined.  Establishes: no primitive with an `expand` rule remains where the rule
applies (it returns None to keep the primitive).
"""

from __future__ import annotations

from typing import Any

from ...core.evaluate import eval_jaxpr
from ...core.jaxpr import Jaxpr
from ...core.primitive import Primitive
from ...core.state import use_trace
from ...core.tracing import Trace, Tracer


def expand(jaxpr: Jaxpr) -> Jaxpr:
    """Trace the program again, expanding as it goes."""
    if not any(hasattr(e.primitive, "expand") for e in jaxpr.eqns):
        return jaxpr
    return traced_again(jaxpr, _Expanding(jaxpr.name))


def traced_again(jaxpr: Jaxpr, trace: Trace) -> Jaxpr:
    """The program as `trace` records it, which may record other equations than are applied."""
    try:
        with use_trace(trace):
            args = [trace.new_arg(v.aval) for v in jaxpr.invars]
            return trace.finish(eval_jaxpr(jaxpr, args))
    finally:
        trace.alive = False


class _Expanding(Trace):
    """Records, asking each primitive for its `expand` first."""

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: Any) -> list[Any]:
        rule = getattr(primitive, "expand", None)
        outs: list[Tracer] | None = rule(*args, **params) if rule else None
        return super().process(primitive, args, params) if outs is None else outs

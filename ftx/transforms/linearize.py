"""Split a derivative into what is known now and what is linear in the tangents.

In: a jaxpr, primals, which inputs vary.  Out: outputs now, and a linear jaxpr of the tangents
whose constants are the residuals.
The jvp rules run under a LinearTrace, which records an operation only if a tangent enters it
and hands everything else to the surrounding trace.
Knows nothing of: how the linear program is transposed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.jaxpr import Jaxpr
from ..core.primitive import Primitive
from ..core.state import use_trace
from ..core.tracing import LinearTrace, Trace
from .jvp import instantiate, jvp_rule, propagate


def linearize_rule(primitive: Primitive, primals: Any, tangents: Any, params: Any) -> Any:
    """Primitives that hold programs split them; all others go by their jvp."""
    split = getattr(primitive, "linearize", None)
    if split is not None:
        return split(primals, tangents, **params)
    return jvp_rule(primitive, primals, tangents, params)


def linearize(
    jaxpr: Jaxpr, primals: Sequence[Any], varies: Sequence[bool]
) -> tuple[list[Any], list[bool], Jaxpr]:
    """Outputs; which of them vary; the linear map from varying tangents to their tangents."""
    linear = LinearTrace(f"linear({jaxpr.name})")
    try:
        with use_trace(linear):
            tangents = [
                linear.new_arg(p.aval.strong) if v else None
                for p, v in zip(primals, varies, strict=True)
            ]
            outs, touts = propagate(jaxpr, primals, tangents, linearize_rule)
        moved = [t is not None for t in touts]
        return outs, moved, linear.finish([t for t in touts if t is not None])
    finally:
        linear.alive = False


def linearized(
    jaxpr: Jaxpr, varies: Sequence[bool], force: Sequence[bool] | None = None
) -> tuple[Jaxpr, Jaxpr, tuple[bool, ...]]:
    """`linearize` as programs, memoised on `jaxpr`.

    Requires: no consts.  Returns known: primals -> (outputs, residuals); linear: (residuals,
    varying tangents) -> output tangents; and which outputs vary (those in `force` always do).
    """
    key = ("linearized", tuple(varies), tuple(force or ()))
    if key not in jaxpr.memo:
        wanted = force or [False] * len(jaxpr.outvars)
        jaxpr.memo[key] = _linearized(jaxpr, varies, wanted)
    return jaxpr.memo[key]


def _linearized(jaxpr: Jaxpr, varies: Sequence[bool], force: Sequence[bool]) -> Any:
    known = Trace(f"known({jaxpr.name})")
    try:
        with use_trace(known):
            primals = [known.new_arg(v.aval) for v in jaxpr.invars]
            linear = LinearTrace(f"linear({jaxpr.name})")
            with use_trace(linear):
                tangents = [
                    linear.new_arg(p.aval.strong) if v else None
                    for p, v in zip(primals, varies, strict=True)
                ]
                outs, touts = propagate(jaxpr, primals, tangents, linearize_rule)
                touts = [
                    instantiate(t, o) if f else t
                    for t, o, f in zip(touts, outs, force, strict=True)
                ]
            moved = tuple(t is not None for t in touts)
            linear_jaxpr = linear.finish([t for t in touts if t is not None])
            residuals = linear_jaxpr.consts
            known_jaxpr = known.finish([*outs, *residuals])
        return known_jaxpr, linear_jaxpr.closed(), moved
    finally:
        known.alive = False

"""Forward mode: carry a tangent beside every value.

In: a jaxpr, primals, tangents (None is a symbolic zero).  Out: outputs and their tangents.
Ordinary operations are called on both, so that they bind in whatever surrounds the call.
Knows nothing of: reverse mode, which linearises and transposes what this does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..core import dtypes
from ..core.evaluate import last_uses, read
from ..core.jaxpr import Jaxpr, Literal
from ..core.primitive import Primitive
from ..core.primitives.elementwise import add
from ..core.primitives.shape import full
from ..core.source import interprets
from ..core.tracing import trace

Rule = Callable[[Primitive, Any, Any, Any], tuple[list[Any], list[Any]]]


def zeros(aval: Any) -> Any:
    """An array of zeros of the given type."""
    return full(aval.shape, 0, aval.dtype)


def instantiate(tangent: Any, primal: Any) -> Any:
    """`tangent`, with a symbolic zero written out."""
    return zeros(primal) if tangent is None else tangent


def jvp_rule(primitive: Primitive, primals: Any, tangents: Any, params: Any) -> Any:
    """Outputs and tangents of one equation."""
    if primitive.linear and "jvp" not in vars(type(primitive)):
        moved = [instantiate(t, p) for t, p in zip(tangents, primals, strict=True)]
        return primitive.bind(*primals, **params), primitive.bind(*moved, **params)
    if primitive.bilinear and "jvp" not in vars(type(primitive)):
        terms = [
            primitive.bind(*[t if i == j else p for j, p in enumerate(primals)], **params)[0]
            for i, t in enumerate(tangents)
            if t is not None
        ]
        return primitive.bind(*primals, **params), [functools.reduce(add, terms)]
    return primitive.jvp(primals, tangents, **params)


@interprets
def propagate(
    jaxpr: Jaxpr, primals: Sequence[Any], tangents: Sequence[Any], rule: Rule = jvp_rule
) -> tuple[list[Any], list[Any]]:
    """Interpret `jaxpr` on (primal, tangent) pairs; constants have no tangent."""
    values = dict(zip(jaxpr.invars, (*jaxpr.consts, *primals), strict=True))
    moves = dict(zip(jaxpr.arg_vars, tangents, strict=True))
    last = last_uses(jaxpr)
    for i, eqn in enumerate(jaxpr.eqns):
        ps = [read(values, a) for a in eqn.invars]
        ts = [None if isinstance(a, Literal) else moves.get(a) for a in eqn.invars]
        if any(t is not None for t in ts):
            outs, touts = rule(eqn.primitive, ps, ts, eqn.params)
        else:
            outs, touts = eqn.primitive.bind(*ps, **eqn.params), [None] * len(eqn.outvars)
        for var, out, t in zip(eqn.outvars, outs, touts, strict=True):
            values[var] = out
            if t is not None and dtypes.is_inexact(var.aval.dtype):
                moves[var] = t
        for var in last.get(i, ()):
            values.pop(var, None)
            moves.pop(var, None)
    touts = [None if isinstance(a, Literal) else moves.get(a) for a in jaxpr.outvars]
    return [read(values, a) for a in jaxpr.outvars], touts


def jvp_jaxpr(
    jaxpr: Jaxpr, nonzero: Sequence[bool], instantiate_out: Sequence[bool] | None = None
) -> tuple[Jaxpr, tuple[bool, ...]]:
    """(primals, nonzero tangents) -> (outputs, nonzero tangents), memoised on `jaxpr`.

    Requires: no consts.  Returns also which outputs have a tangent; those in
    `instantiate_out` always do.
    """
    force = tuple(instantiate_out or (False,) * len(jaxpr.outvars))
    key = ("jvp", tuple(nonzero), force)
    if key not in jaxpr.memo:
        jaxpr.memo[key] = _jvp_jaxpr(jaxpr, tuple(nonzero), force)
    return jaxpr.memo[key]


def _jvp_jaxpr(jaxpr: Jaxpr, nonzero: tuple[bool, ...], force: tuple[bool, ...]) -> Any:
    n = len(jaxpr.invars)
    out_nonzero: list[bool] = []

    def both(*args: Any) -> list[Any]:
        primals, given = args[:n], iter(args[n:])
        tangents = [next(given) if nz else None for nz in nonzero]
        outs, touts = propagate(jaxpr, primals, tangents)
        touts = [instantiate(t, o) if f else t for t, o, f in zip(touts, outs, force, strict=True)]
        out_nonzero.extend(t is not None for t in touts)
        return [*outs, *[t for t in touts if t is not None]]

    avals = [v.aval for v in jaxpr.invars]
    moved = [a.strong for a, nz in zip(avals, nonzero, strict=True) if nz]
    result = trace(both, [*avals, *moved], name=f"jvp({jaxpr.name})")
    return result, tuple(out_nonzero)

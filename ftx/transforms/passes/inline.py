"""Replace calls by the equations of the programs they hold.

Requires: nothing.  Establishes: no jit, custom_call, checkpoint, linear_solve, root or custom_vmap
equations remain (after both passes also no recompute).  Loops and branches keep their bodies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.jaxpr import Atom, Eqn, Jaxpr, Literal, Var

CALLS = frozenset({"jit", "custom_call", "checkpoint", "linear_solve", "root", "custom_vmap"})


def inline_calls(jaxpr: Jaxpr) -> Jaxpr:
    """Inline ordinary calls."""
    return inline(jaxpr, CALLS)


def inline_recomputation(jaxpr: Jaxpr, simplify: Callable[[Jaxpr], Jaxpr]) -> Jaxpr:
    """Inline the recomputing halves of checkpointed functions, each simplified by itself."""
    return inline(jaxpr, frozenset({"recompute"}), simplify)


def inline(
    jaxpr: Jaxpr, names: frozenset[str], prepare: Callable[[Jaxpr], Jaxpr] = lambda jaxpr: jaxpr
) -> Jaxpr:
    """Inline the calls of the given names, their programs prepared first."""
    if not any(e.primitive.name in names for e in jaxpr.eqns):
        return jaxpr
    eqns: list[Eqn] = []
    outs = _copy(jaxpr, {v: v for v in jaxpr.invars}, eqns, names, prepare)
    return jaxpr.with_eqns(eqns, outs)


def _copy(
    jaxpr: Jaxpr, env: dict[Var, Atom], eqns: list[Eqn], names: frozenset[str], prepare: Any
) -> list[Atom]:
    """Append the equations of `jaxpr`, renamed; its results under their new names."""
    read = lambda a: a if isinstance(a, Literal) else env[a]
    for eqn in jaxpr.eqns:
        ins = tuple(read(a) for a in eqn.invars)
        if eqn.primitive.name in names:
            inner = prepare(eqn.params["jaxpr"])
            outs = _copy(inner, dict(zip(inner.invars, ins, strict=True)), eqns, names, prepare)
            env.update(zip(eqn.outvars, outs, strict=True))
            continue
        outvars = tuple(Var(v.aval) for v in eqn.outvars)
        env.update(zip(eqn.outvars, outvars, strict=True))
        eqns.append(eqn.replace(invars=ins, outvars=outvars))
    return [read(a) for a in jaxpr.outvars]

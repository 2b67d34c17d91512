"""Run a jaxpr one equation at a time, in whatever surrounds the call.

In: a Jaxpr and its arguments.  Out: its results; under a trace, this inlines the program.
Knows nothing of: what the primitives do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .array import Array
from .jaxpr import Atom, Jaxpr, Literal, Var
from .source import interprets


def read(env: dict[Var, Any], atom: Atom) -> Any:
    """The value of an atom; a literal becomes a scalar Array."""
    if isinstance(atom, Literal):
        return Array(atom.value, atom.aval.weak_type)
    return env[atom]


@interprets
def eval_jaxpr(jaxpr: Jaxpr, args: Sequence[Any]) -> list[Any]:
    """Results of `jaxpr` on `args`; values are dropped after their last use."""
    env = dict(zip(jaxpr.invars, (*jaxpr.consts, *args), strict=True))
    last = last_uses(jaxpr)
    for i, eqn in enumerate(jaxpr.eqns):
        outs = eqn.primitive.bind(*[read(env, a) for a in eqn.invars], **eqn.params)
        env.update(zip(eqn.outvars, outs, strict=True))
        for var in last.get(i, ()):
            env.pop(var, None)
    return [read(env, a) for a in jaxpr.outvars]


def last_uses(jaxpr: Jaxpr) -> dict[int, list[Var]]:
    """Variables to forget after each equation (memoised)."""
    if "last_uses" not in jaxpr.memo:
        at: dict[Var, int] = {}
        for i, eqn in enumerate(jaxpr.eqns):
            at.update({a: i for a in eqn.invars if isinstance(a, Var)})
        for a in jaxpr.outvars:
            at.pop(a, None) if isinstance(a, Var) else None
        found: dict[int, list[Var]] = {}
        for var, i in at.items():
            found.setdefault(i, []).append(var)
        jaxpr.memo["last_uses"] = found
    return jaxpr.memo["last_uses"]

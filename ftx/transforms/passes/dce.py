"""Drop equations whose results nobody reads.

Requires: nothing.  Establishes: every variable an equation binds is read, or the equation has
an effect, or another of its results is read.
"""

from __future__ import annotations

from ...core.jaxpr import Eqn, Jaxpr, Var, has_effects


def drop_unused(jaxpr: Jaxpr) -> Jaxpr:
    """Keep what the results need."""
    live = {a for a in jaxpr.outvars if isinstance(a, Var)}
    kept: list[Eqn] = []
    for eqn in reversed(jaxpr.eqns):
        if has_effects(eqn) or not live.isdisjoint(eqn.outvars):
            kept.append(eqn)
            live.update(a for a in eqn.invars if isinstance(a, Var))
    return jaxpr.with_eqns(reversed(kept))

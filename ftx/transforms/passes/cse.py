"""Share equations that compute the same thing.

Requires: no effects are shared.  Establishes: no two equations have the same primitive, params
and operands.
"""

from __future__ import annotations

from typing import Any

from ...core.jaxpr import Atom, Eqn, Jaxpr, Literal, Var, has_effects


def share_common(jaxpr: Jaxpr) -> Jaxpr:
    """Compute once what is asked for twice."""
    seen: dict[Any, tuple[Var, ...]] = {}
    new: dict[Var, Atom] = {}
    eqns: list[Eqn] = []

    def read(a: Atom) -> Atom:
        return a if isinstance(a, Literal) else new.get(a, a)

    for eqn in jaxpr.eqns:
        ins = tuple(read(a) for a in eqn.invars)
        key = _key(eqn, ins)
        known = seen.get(key) if key is not None else None
        if known is not None:
            new.update(zip(eqn.outvars, known, strict=True))
            continue
        eqns.append(eqn.replace(invars=ins))
        if key is not None:
            seen[key] = eqn.outvars
    return jaxpr.with_eqns(eqns, [read(a) for a in jaxpr.outvars])


def _key(eqn: Eqn, ins: tuple[Atom, ...]) -> Any:
    if has_effects(eqn):
        return None
    operands = tuple((a.aval, a.value.tobytes()) if isinstance(a, Literal) else a for a in ins)
    try:
        params = tuple(sorted(eqn.params.items(), key=lambda item: item[0]))
        key = (eqn.primitive, params, operands, eqn.outvars[0].aval if eqn.outvars else None)
        hash(key)
    except TypeError:
        return None
    return key

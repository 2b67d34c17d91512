"""Drop equations whose results nobody reads, and what loops compute for no other reason.

Requires: nothing.  Establishes: every variable an equation binds is read, or the equation has
an effect, or another of its results is read; of a scan, every result is read or carried on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.jaxpr import Eqn, Jaxpr, Var, has_effects

HEAD = {"scan": 0, "counted_scan": 1}
"""Operands of loops with stacked rows that are not their body's."""


def drop_unused(jaxpr: Jaxpr) -> Jaxpr:
    """Keep what the results need."""
    live = {a for a in jaxpr.outvars if isinstance(a, Var)}
    return jaxpr.with_eqns(_needed(jaxpr.eqns, live))


def _needed(eqns: Sequence[Eqn], live: set[Var]) -> list[Eqn]:
    """The equations that what is live needs; all that they read becomes live."""
    kept: list[Eqn] = []
    for eqn in reversed(eqns):
        if has_effects(eqn) or not live.isdisjoint(eqn.outvars):
            if eqn.primitive.name in HEAD:
                eqn = _slimmer(eqn, live)
            kept.append(eqn)
            live.update(a for a in eqn.invars if isinstance(a, Var))
    return kept[::-1]


def _slimmer(eqn: Eqn, live: set[Var]) -> Eqn:
    """A loop without the rows, carries and operands that nothing needs."""
    p, n_head = eqn.params, HEAD[eqn.primitive.name]
    wanted = tuple(v in live for v in eqn.outvars)
    body, ins, outs = _body(p["jaxpr"], p["n_consts"], p["n_carry"], wanted)
    if body is p["jaxpr"]:
        return eqn
    n_consts, n_carry = p["n_consts"], p["n_carry"]
    counts = {"n_consts": sum(ins[:n_consts]), "n_carry": sum(outs[:n_carry])}
    operands = _chosen(ins, eqn.invars[n_head:])
    return eqn.replace(
        invars=(*eqn.invars[:n_head], *operands),
        outvars=tuple(_chosen(outs, eqn.outvars)),
        params={**p, **counts, "jaxpr": body},
    )


def _body(
    body: Jaxpr, n_consts: int, n_carry: int, wanted: tuple[bool, ...]
) -> tuple[Jaxpr, list[bool], list[bool]]:
    """The slimmer body, and which operands and results of the loop are left (memoised)."""
    key = ("slimmer", n_consts, n_carry, wanted)
    if key not in body.memo:
        body.memo[key] = _slim(body, n_consts, n_carry, wanted)
    return body.memo[key]  # type: ignore[no-any-return]


def _slim(body: Jaxpr, n_consts: int, n_carry: int, wanted: tuple[bool, ...]) -> Any:
    outs = list(wanted)
    carry = body.invars[n_consts : n_consts + n_carry]
    while True:
        live = {a for a in _chosen(outs, body.outvars) if isinstance(a, Var)}
        eqns = _needed(body.eqns, live)
        read = [w or v in live for w, v in zip(outs, carry, strict=False)]
        if read == outs[:n_carry]:
            break
        outs[:n_carry] = read
    ins = [v in live for v in body.invars]
    ins[n_consts : n_consts + n_carry] = read
    if all(ins) and all(outs) and eqns == list(body.eqns):
        return body, ins, outs
    invars, outvars = _chosen(ins, body.invars), _chosen(outs, body.outvars)
    slim = Jaxpr((), tuple(invars), tuple(eqns), tuple(outvars), body.name)
    if "final" in body.memo:
        slim.memo["final"] = True
    return slim, ins, outs


def _chosen(flags: Sequence[bool], values: Sequence[Any]) -> list[Any]:
    return [v for f, v in zip(flags, values, strict=True) if f]

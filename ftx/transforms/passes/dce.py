"""Drop equations whose results nobody reads, and what loops compute for no other reason.

Requires: nothing.  Establishes: every variable an equation binds is read, or the equation has
an effect, or another of its results is read; of a loop, every result is read or carried on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.jaxpr import Eqn, Jaxpr, Var, has_effects
from ..staged import select_by

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
            slim = _SLIM.get(eqn.primitive.name)
            eqn = slim(eqn, live) if slim else eqn
            kept.append(eqn)
            live.update(a for a in eqn.invars if isinstance(a, Var))
    return kept[::-1]


def _slim_scan(eqn: Eqn, live: set[Var]) -> Eqn:
    """A loop without the rows, carries and operands that nothing needs."""
    p, n_head = eqn.params, HEAD[eqn.primitive.name]
    wanted = tuple(v in live for v in eqn.outvars)
    body, ins, outs = _body(p["jaxpr"], p["n_consts"], p["n_carry"], wanted)
    if body is p["jaxpr"]:
        return eqn
    n_consts, n_carry = p["n_consts"], p["n_carry"]
    counts = {"n_consts": sum(ins[:n_consts]), "n_carry": sum(outs[:n_carry])}
    operands = select_by(ins, eqn.invars[n_head:])
    return eqn.replace(
        invars=(*eqn.invars[:n_head], *operands),
        outvars=tuple(select_by(outs, eqn.outvars)),
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


def _slim_while(eqn: Eqn, live: set[Var]) -> Eqn:
    """A loop without the carries and operands that neither its results nor its condition need."""
    p, n_cond, n_body = eqn.params, eqn.params["n_cond"], eqn.params["n_body"]
    wanted = tuple(v in live for v in eqn.outvars)
    cond, body, ins, outs = _condition_and_body(
        p["cond_jaxpr"], p["body_jaxpr"], n_cond, n_body, wanted
    )
    if cond is p["cond_jaxpr"] and body is p["body_jaxpr"]:
        return eqn
    counts = {"n_cond": sum(ins[:n_cond]), "n_body": sum(ins[n_cond : n_cond + n_body])}
    return eqn.replace(
        invars=tuple(select_by(ins, eqn.invars)),
        outvars=tuple(select_by(outs, eqn.outvars)),
        params={**p, **counts, "cond_jaxpr": cond, "body_jaxpr": body},
    )


def _condition_and_body(
    cond: Jaxpr, body: Jaxpr, n_cond: int, n_body: int, wanted: tuple[bool, ...]
) -> tuple[Jaxpr, Jaxpr, list[bool], list[bool]]:
    """Both, slimmer, and which operands and results of the loop are left."""
    looked_at = {a for a in cond.outvars if isinstance(a, Var)}
    cond_eqns = _needed(cond.eqns, looked_at)
    outs = [w or v in looked_at for w, v in zip(wanted, cond.invars[n_cond:], strict=True)]
    slim_body, ins, outs = _body(body, n_body, len(outs), tuple(outs))
    cond_ins = [*[v in looked_at for v in cond.invars[:n_cond]], *outs]
    slim_cond = _restricted(cond, cond_eqns, cond_ins, [True])
    return slim_cond, slim_body, [*cond_ins[:n_cond], *ins], outs


def _restricted(
    jaxpr: Jaxpr, eqns: Sequence[Eqn], ins: Sequence[bool], outs: Sequence[bool]
) -> Jaxpr:
    """The program of some equations, arguments and results alone; itself if that is all."""
    if all(ins) and all(outs) and list(eqns) == list(jaxpr.eqns):
        return jaxpr
    invars, outvars = select_by(ins, jaxpr.invars), select_by(outs, jaxpr.outvars)
    slim = Jaxpr((), tuple(invars), tuple(eqns), tuple(outvars), jaxpr.name)
    if "final" in jaxpr.memo:
        slim.memo["final"] = True
    return slim


def _slim(body: Jaxpr, n_consts: int, n_carry: int, wanted: tuple[bool, ...]) -> Any:
    outs = list(wanted)
    carry = body.invars[n_consts : n_consts + n_carry]
    while True:
        live = {a for a in select_by(outs, body.outvars) if isinstance(a, Var)}
        eqns = _needed(body.eqns, live)
        read = [w or v in live for w, v in zip(outs, carry, strict=False)]
        if read == outs[:n_carry]:
            break
        outs[:n_carry] = read
    ins = [v in live for v in body.invars]
    ins[n_consts : n_consts + n_carry] = read
    return _restricted(body, eqns, ins, outs), ins, outs


_SLIM = {**dict.fromkeys(HEAD, _slim_scan), "while": _slim_while}

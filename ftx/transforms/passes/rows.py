"""Loops of choices whose steps are independent and cheap: all steps at once.

Requires: calls inlined.  Establishes: no scan with a choice in it remains that only computes each
row of its results from the same row of its inputs by cheap arithmetic, or adds such up.

`vmap` of a choice is such a loop, one row after another, and so are its derivatives: by the time
the branches are computed for every row, nothing multiplies what the branch not taken has given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...core.evaluate import eval_jaxpr
from ...core.jaxpr import Eqn, Jaxpr, Var, sub_jaxprs
from ...core.primitive import BatchAxis, Primitive
from ...core.primitives.elementwise import add, add_p
from ...core.primitives.formula import Elementwise
from ...core.primitives.reduction import Reduction, reduce_sum
from ...core.tracing import Trace, Tracer
from ..cond import cond_p
from ..scan import scan_p
from ..staged import split
from ..vmap import batched_jaxpr
from .expand import traced_again

Simplify = Callable[[Jaxpr], Jaxpr]

MAX_ROW = 4096
"""Elements that a step may compute, over all branches: beyond, a branch is worth a jump."""
MAPS = frozenset(
    "broadcast_in_dim reshape transpose slice rev copy iota pad concatenate stop_gradient "
    "convert_element_type select_n".split()
)


def all_rows_at_once(jaxpr: Jaxpr, simplify: Simplify) -> Jaxpr:
    """Every such loop of a program, as equations of the program."""
    if not any(_is_independent(e, simplify) for e in jaxpr.eqns):
        return jaxpr
    return traced_again(jaxpr, _AtOnce(jaxpr.name, simplify))


class _AtOnce(Trace):
    """Records, computing independent loops for all steps."""

    def __init__(self, name: str, simplify: Simplify):
        super().__init__(name)
        self.simplify = simplify

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: Any) -> list[Any]:
        values = _values_of(params, self.simplify) if primitive is scan_p else None
        if values is None:
            return super().process(primitive, args, params)
        return _at_once(values, args, params)


def _at_once(values: Jaxpr, args: Any, p: dict[str, Any]) -> list[Tracer]:
    axis = BatchAxis(p["length"], None, True)
    consts, carry, xs = split(args, p["n_consts"], p["n_carry"])
    dims = [*[None] * (len(consts) + len(carry)), *[0] * len(xs)]
    program, _ = batched_jaxpr(values, axis, dims, [True] * len(values.outvars))
    outs = eval_jaxpr(program, args)
    n = len(carry)
    sums = [add(c, reduce_sum(v, (0,))) for c, v in zip(carry, outs[:n], strict=True)]
    return [*sums, *outs[n:]]


def _is_independent(eqn: Eqn, simplify: Simplify) -> bool:
    return eqn.primitive is scan_p and _values_of(eqn.params, simplify) is not None


def _values_of(p: Mapping[str, Any], simplify: Simplify) -> Jaxpr | None:
    """What a step adds to each carry, and its row of each result; None if steps are not apart."""
    if not _has_choice(p["jaxpr"]):
        return None
    body, n_consts, n = simplify(p["jaxpr"]), p["n_consts"], p["n_carry"]
    if p["length"] < 2 or len(body.invars) == n_consts + n or _elements(body) > MAX_ROW:
        return None
    if not _is_plain(body):
        return None
    carry = set(body.invars[n_consts : n_consts + n])
    made = {v: e for e in body.eqns for v in e.outvars}
    added, sums = [], set()
    for given, out in zip(body.invars[n_consts : n_consts + n], body.outvars[:n], strict=True):
        total = made.get(out)  # type: ignore[arg-type]
        if total is None or total.primitive is not add_p or given not in total.invars:
            return None
        added.append(total.invars[1 - total.invars.index(given)])
        sums.add(total)
    eqns = tuple(e for e in body.eqns if e not in sums)
    read = {a for e in eqns for a in e.invars} | {*added, *body.outvars[n:]}
    totals = {v for e in sums for v in e.outvars}
    if not read.isdisjoint(carry | totals):
        return None
    return Jaxpr((), body.invars, eqns, (*added, *body.outvars[n:]), body.name)


def _has_choice(jaxpr: Jaxpr) -> bool:
    if "has choice" not in jaxpr.memo:
        jaxpr.memo["has choice"] = any(
            e.primitive is cond_p or any(_has_choice(b) for b in sub_jaxprs(e.params))
            for e in jaxpr.eqns
        )
    return bool(jaxpr.memo["has choice"])


def _is_plain(jaxpr: Jaxpr) -> bool:
    """Whether every equation is arithmetic that always ends and never raises."""
    return all(_is_plain_eqn(e) for e in jaxpr.eqns)


def _is_plain_eqn(eqn: Eqn) -> bool:
    p = eqn.primitive
    if p is cond_p:
        return all(_is_plain(b) for b in sub_jaxprs(eqn.params))
    return not p.effectful and (isinstance(p, (Elementwise, Reduction)) or p.name in MAPS)


def _elements(jaxpr: Jaxpr) -> int:
    own = sum(v.aval.size for e in jaxpr.eqns for v in e.outvars if isinstance(v, Var))
    return own + sum(_elements(b) for e in jaxpr.eqns for b in sub_jaxprs(e.params))

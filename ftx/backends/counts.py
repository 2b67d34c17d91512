"""Counted scans as while loops, which every backend runs.

In: a simplified jaxpr.  Out: the same program without counted scans; rows are read and written by
slices at the iteration's number, in place.
Knows nothing of: how a backend loops.
"""

from __future__ import annotations

from typing import Any

from ..core.jaxpr import Atom, Eqn, Jaxpr, Literal, Var
from ..core.tracing import trace
from ..transforms.counted import counted_scan_p
from ..transforms.passes import as_simplified
from ..transforms.while_loop import bind_while


def loops_of_counts(jaxpr: Jaxpr) -> Jaxpr:
    """Every counted scan of a program as a while loop; arguments and results keep their names."""
    if not any(e.primitive is counted_scan_p for e in jaxpr.eqns):
        return jaxpr
    eqns: list[Eqn] = []
    for eqn in jaxpr.eqns:
        eqns += _as_while(eqn) if eqn.primitive is counted_scan_p else [eqn]
    return as_simplified(jaxpr.with_eqns(eqns))


def _as_while(eqn: Eqn) -> list[Eqn]:
    def loop(*args: Any) -> list[Any]:
        return bind_while(*counted_scan_p.as_while(*args, **eqn.params))[1:]

    program = trace(loop, [a.aval for a in eqn.invars], name=eqn.params["jaxpr"].name)
    new: dict[Var, Atom] = dict(zip(program.invars, eqn.invars, strict=True))
    results = dict(zip(program.outvars, eqn.outvars, strict=True))
    eqns = []
    for inner in program.eqns:
        outvars = tuple(results.get(v) or Var(v.aval) for v in inner.outvars)
        ins = tuple(a if isinstance(a, Literal) else new[a] for a in inner.invars)
        eqns.append(inner.replace(invars=ins, outvars=outvars, source=eqn.source))
        new.update(zip(inner.outvars, outvars, strict=True))
    return eqns

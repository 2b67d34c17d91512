"""Donated arguments as the memory of results, where that is safe.

In: the graph of a program, and which arguments are donated.  Out: for results, the argument whose
memory they take.  Safe is shown, not assumed: the kernel that computes the result reads the
argument only at the very element it writes, and nothing that runs later reads it.
At a call the memory is taken only if nobody else can see it; else a copy is.
Knows nothing of: how kernels are written and run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..core.array import Array
from ..core.config import config
from ..core.jaxpr import Jaxpr, Var
from ..core.result_pool import owns
from .fusion import Graph, Group, loads_of
from .in_place import is_update, updated_in_place
from .loops import Stage


def updates_of_donated(jaxpr: Jaxpr, donated: Sequence[bool]) -> tuple[Jaxpr, dict[Var, Var]]:
    """The program with updates of donated arguments in place, and the results they are."""
    given = {v for v, d in zip(jaxpr.invars, donated, strict=True) if d}
    made = {e.outvars[0]: e.invars[0] for e in jaxpr.eqns if is_update(e)}
    replaced: dict[Var, int] = {}
    for k, result in enumerate(jaxpr.outvars):
        source = made.get(result)  # type: ignore[arg-type]
        if source in given:
            replaced.setdefault(source, k)  # type: ignore[arg-type]
    new, found = updated_in_place(jaxpr, replaced)
    results: Any = new.outvars
    return new, {results[k]: v for v, k in replaced.items() if k in found}


def reused(graph: Graph, jaxpr: Jaxpr, donated: Sequence[bool], taken: set[Var]) -> dict[Var, Var]:
    """For results of a program, the donated argument whose memory each can take."""
    if not config.enabled("in_place"):
        return {}
    free = [
        v
        for v, d in zip(jaxpr.invars, donated, strict=True)
        if d and v.aval.size and v not in taken
    ]
    found: dict[Var, Var] = {}
    for result in jaxpr.outvars:
        if not isinstance(result, Var) or result in jaxpr.invars:
            continue
        fits = (v for v in free if v.aval.strong == result.aval.strong)
        given = next((v for v in fits if _is_safe(graph, result, v)), None)
        if given is not None:
            found[result] = given
            free.remove(given)
    return found


def _is_safe(graph: Graph, result: Var, given: Var) -> bool:
    nodes = graph.nodes
    at = next((i for i, n in enumerate(nodes) if isinstance(n, Group) and result in n.values), None)
    if at is None or any(given in n.reads for n in nodes[at + 1 :]):
        return False
    group = nodes[at]
    assert isinstance(group, Group)
    stages = group.stages
    (own,) = [k for k, s in enumerate(stages) if s.value is result]
    if stages[own].kind != "map" or stages[own].pieces:
        return False
    if any(given in {load.data for load in loads_of(s)} for s in stages[own + 1 :]):
        return False
    return all(_reads_in_place(s, given) for s in stages[: own + 1])


def _reads_in_place(stage: Stage, given: Var) -> bool:
    """Whether a stage reads an array, if at all, where its own element lies."""
    loads = [load for load in loads_of(stage) if load.data is given]
    if not loads:
        return True
    places = [stage.place, *[load.args for load in loads]]
    if any(len(place) != len(stage.axes) for place in places):
        return False
    in_order = all(
        a.size == 1 or i.as_var() is a
        for place in places
        for i, a in zip(place, stage.axes, strict=True)
    )
    return stage.kind == "map" and in_order and not stage.pieces


HOLDERS = 4
"""References to an array's memory at a call if nobody else has it: the Array's two, the list of
inputs, and the question itself."""


def take(inputs: list[Any], numbers: Iterable[int], args: Sequence[Any]) -> None:
    """Make the inputs with these numbers memory that may be written: their own, or a copy."""
    for k in numbers:
        x = args[k]
        own = type(x) is Array and x._np is inputs[k] and owns(inputs[k])
        if not (own and inputs[k].flags.writeable and sys.getrefcount(inputs[k]) <= HOLDERS):
            inputs[k] = np.array(inputs[k], order="C")

"""Updates of a loop's carry in place: a step that replaces a few elements touches only those.

In: a body, and which of its results replace which of its arguments.  Out: the body with its safe
updates last and without the copy of what they update, and which results they are.
Safe is shown on the graph of kernels: when an update runs, nothing that runs later, and nothing it
reads itself, reads the old value.
Knows nothing of: buffers, loops of the executor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.config import config
from ..core.jaxpr import Eqn, Jaxpr, Var
from ..core.primitive import Primitive
from ..core.primitives.indexing import ScatterBase, dynamic_update_slice_p
from ..core.types import ShapedArray
from ..transforms.passes import as_simplified
from .fusion import Graph, Group, loads_of, reads_of
from .pipeline import prepare, set_graph


class WriteSlice(ScatterBase):
    """dynamic_update_slice as a scatter of its window."""

    combine = "set"

    def abstract_eval(self, x: Any, update: Any, *starts: Any, **_: Any) -> list[ShapedArray]:
        return dynamic_update_slice_p.abstract_eval(x, update, *starts)

    def impl(self, x: Any, update: Any, *starts: Any, **_: Any) -> list[Any]:
        return dynamic_update_slice_p.impl(x, update, *starts)

    def lower_scatter(
        self, kernel: Any, index: Any, x: Any, indices: Any, **params: Any
    ) -> tuple[list[Any], Any]:
        place = []
        for i, start, n, size in zip(index, indices, x.shape, params["sizes"], strict=True):
            free = n - size
            at = kernel.clip_index(kernel.to_index(start([])), free + 1) if free else None
            place.append(i if at is None else i + at)
        return place, None


class Hold(Primitive):
    """Its operand, in memory of its own."""

    def abstract_eval(self, x: ShapedArray) -> list[ShapedArray]:
        return [x]

    def impl(self, x: Any) -> list[Any]:
        return [np.array(x)]

    def lower(self, kernel: Any, index: Any, x: Any) -> Any:
        return x(index)


write_slice_p, hold_p = WriteSlice(), Hold()


def updated_in_place(body: Jaxpr, replaced: Mapping[Var, int]) -> tuple[Jaxpr, set[int]]:
    """The body with its updates in place, and the numbers of those results.

    replaced: for an argument, the number of the result that takes its place.
    Requires: distinct results, each computed by the body.
    """
    candidates = _candidates(body, replaced) if config.enabled("in_place") else {}
    first: set[Var] = set()
    while candidates:
        new = _with_updates_last(body, candidates, first)
        graph = prepare(new)
        wrong = [v for v in candidates if not _is_safe(graph, v, candidates[v].invars[0])]
        if not wrong:
            set_graph(new, Graph(new, [_without_copy(n, set(candidates)) for n in graph.nodes]))
            return new, {body.outvars.index(v) for v in candidates}
        for v in wrong:
            if v in first:
                del candidates[v]
            first.add(v)
    return body, set()


def _candidates(body: Jaxpr, replaced: Mapping[Var, int]) -> dict[Var, Eqn]:
    """Results that are their argument with a few elements changed, and by what."""
    uses = Counter(a for e in body.eqns for a in e.invars)
    uses.update(body.outvars)
    made = {v: e for e in body.eqns for v in e.outvars}
    found = {}
    for given, k in replaced.items():
        result = body.outvars[k]
        eqn = made.get(result) if isinstance(result, Var) else None
        if eqn is None or not isinstance(result, Var) or not is_update(eqn):
            continue
        if eqn.invars[0] is given and uses[result] == 1:
            found[result] = eqn
    return found


def is_update(eqn: Eqn) -> bool:
    """Whether the result is the first operand with some elements changed."""
    return eqn.primitive is dynamic_update_slice_p or isinstance(eqn.primitive, ScatterBase)


def _with_updates_last(body: Jaxpr, updates: dict[Var, Eqn], first: set[Var]) -> Jaxpr:
    """first: those whose new elements are computed before any of them is written."""
    eqns = [e for e in body.eqns if e.outvars[:1] == () or e.outvars[0] not in updates]
    for result, eqn in updates.items():
        x, new, *places = eqn.invars
        if result in first:
            held = Var(new.aval)
            eqns.append(Eqn(hold_p, (new,), {}, (held,), eqn.source))
            new = held
        if eqn.primitive is dynamic_update_slice_p:
            params = {"mode": "promise", "sizes": new.aval.shape}
            eqn = eqn.replace(primitive=write_slice_p, params=params)
        eqns.append(eqn.replace(invars=(x, new, *places)))
    return as_simplified(body.with_eqns(eqns))


def _is_safe(graph: Graph, result: Var, given: Any) -> bool:
    """Nothing that runs with the update or after it reads what it replaces."""
    at = next(
        (i for i, n in enumerate(graph.nodes) if isinstance(n, Group) and result in n.values), None
    )
    if at is None:  # a host function computes it
        return False
    group = graph.nodes[at]
    assert isinstance(group, Group)
    *copies, update = group.stages
    if len(copies) != 1 or copies[0].value is not result:
        return False
    alone = all(a.size == 1 for a in update.axes)
    if not alone and given in {load.data for load in loads_of(update)}:
        return False
    return not any(given in node.reads for node in graph.nodes[at + 1 :])


def _without_copy(node: Any, updated: set[Var]) -> Any:
    if not isinstance(node, Group) or node.stages[0].value not in updated:
        return node
    group = Group(stages=[], depth=0, sealed=True)
    update = node.stages[-1]
    group.add(update, reads_of(update))
    return group

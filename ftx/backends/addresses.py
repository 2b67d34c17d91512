"""Addresses of a kernel: strides, loops that run as one, reads that run across rows.

In: a group and its nest.  Out: flat indices, and what they say about the loops.
Knows nothing of: text.
"""

from __future__ import annotations

import math
from typing import Any

from ..core.config import config
from .fusion import Group, loads_of
from .loops import Expr, Index, IndexOp, LoopVar, Stage
from .nests import Loop, Nest, Step

TILE = 64
"""Side of the square tiles in which a transposed read stays in the first-level cache."""


def lead_of(stage: Stage, depth: int) -> tuple[LoopVar, ...]:
    """The stage's own variables for the shared loops."""
    return (stage.fold if stage.kind == "accumulate" else stage.axes)[:depth]


def strides_of(shape: Any) -> list[int]:
    """Elements to step per axis, row-major."""
    return [math.prod(shape[i + 1 :]) for i in range(len(shape))]


def flat_index(indices: Any, shape: Any) -> Index | None:
    """The position in memory of the element at `indices`; None for a scalar."""
    if not indices:
        return None
    constant = 0
    factors: dict[Any, int] = {}
    for index, stride in zip(indices, strides_of(shape), strict=True):
        constant += index.constant * stride
        for atom, c in index.terms:
            factors[atom] = factors.get(atom, 0) + c * stride
    terms = tuple((atom, c) for atom, c in factors.items() if c)
    return indices[0].builder.index(constant, terms)


def collapses(group: Group) -> bool:
    """Whether the shared loops can run as one: every address moves evenly through them."""
    for stage in group.stages:
        lead = lead_of(stage, group.depth)
        accesses = [(load.args, load.data.aval.shape) for load in loads_of(stage)]
        if stage.kind != "accumulate":
            accesses.append((stage.place, stage.shape))
        for indices, shape in accesses:
            if not even(flat_index(indices, shape), lead):
                return False
        if not only_in_addresses(stage.expr, set(lead)):
            return False
    return True


def even(flat: Index | None, lead: Any) -> bool:
    """Whether an address moves by one step from the end of a row to the start of the next."""
    if flat is None:
        return True
    for outer, inner in zip(lead, lead[1:], strict=False):
        if flat.coefficient(outer) != flat.coefficient(inner) * inner.size and outer.size != 1:
            return False
    return not any(isinstance(a, IndexOp) and a.depends & set(lead) for a, _ in flat.terms)


def only_in_addresses(expr: Expr, lead: set[LoopVar]) -> bool:
    """Whether an expression uses counters only to find elements."""
    stack, seen = [expr], set()
    while stack:
        e = stack.pop()
        if id(e) in seen:
            continue
        seen.add(id(e))
        if e.kind == "index" and e.args[0].depends & lead:
            return False
        stack.extend(a for a in e.args if isinstance(a, Expr))
    return True


def tiled_loop(group: Group, nest: Nest) -> Loop | None:
    """The inner loop to tile together with the outer one, where a read runs across rows."""
    if group.depth != 1 or len(nest.items) != 1 or not isinstance(nest.items[0], Loop):
        return None
    if not config.enabled("tiling"):
        return None
    loop = nest.items[0]
    plain = all(isinstance(i, Step) and i.stage.kind == "map" for i in loop.body)
    if not plain or loop.before or loop.after or min(loop.size, group.outer[0]) < 2 * TILE:
        return None
    across = any(runs_across(x, loop, group) for s in loop.stages for x in loads_of(s))
    return loop if across else None


def runs_across(load: Expr, loop: Loop, group: Group) -> bool:
    """Whether a load steps by one in the outer loop and by rows in the inner one."""
    flat = flat_index(load.args, load.data.aval.shape)
    if flat is None or any(isinstance(a, IndexOp) for a, _ in flat.terms):
        return False
    outer = any(flat.coefficient(s.axes[0]) == 1 for s in loop.stages)
    inner = any(flat.coefficient(v) >= TILE for v in loop.bound)
    return outer and inner and load.data not in group.values

"""Stages into a tree of loops: which inner loops are shared, and where values live.

In: a group of stages and which values must be in memory.  Out: a tree of Loop and Step nodes
under the shared outer loops.  Two stages share an inner loop if it has the same length and the
later one reads the earlier only at the current element.
Knows nothing of: the text that is made of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ..core.config import config
from .fusion import UNROLLED, Group, loads_of, pieces_of, strides_favour
from .loops import LoopVar, Stage


@dataclass(eq=False)
class Step:
    """One action of a stage: 'start' a fold, 'compute' an element, 'finish' a fold."""

    action: str
    stage: Stage


@dataclass(eq=False)
class Loop:
    """A loop; `bound` are the variables of all stages that it counts for.

    part: length of the range that a step of the outer loop takes; 0: every step takes all.
    """

    size: int
    start: int
    bound: list[LoopVar]
    part: int = 0
    before: list[Step] = field(default_factory=list)
    body: list[Loop | Step] = field(default_factory=list)
    after: list[Step] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)


@dataclass(eq=False)
class Nest:
    """The inside of a kernel's outer loops."""

    items: list[Loop | Step] = field(default_factory=list)
    path: dict[Any, list[Loop]] = field(default_factory=dict)
    """Loops around the place where a value is known."""
    readers: dict[Any, list[list[Loop]]] = field(default_factory=dict)
    """Loops around every place where a value of the group is read."""

    def in_register(self, value: Any) -> bool:
        """Whether every reader in the group sees the value in a local variable."""
        own = self.path[value]
        return all(r[: len(own)] == own for r in self.readers.get(value, []))

    def shared_loops(self, value: Any, opened: list[Loop]) -> int:
        """How many of the open loops, outermost first, a value is computed in."""
        common = 0
        for a, b in zip(self.path.get(value, []), opened, strict=False):
            if a is not b:
                break
            common += 1
        return common


def loops_of(stage: Stage, depth: int) -> list[tuple[LoopVar, str]]:
    """The inner loops of a stage, outermost first, each an 'axis' or a 'fold'."""
    if stage.kind == "accumulate":
        inner = [(v, "fold") for v in stage.fold[depth:]]
        return [*inner, *[(v, "axis") for v in stage.axes]]
    axes = [(v, "axis") for v in stage.axes[depth:]]
    folds = [(v, "fold") for v in stage.fold]
    if is_interchanged(stage, depth):
        return [*axes[:-1], *folds, axes[-1]]
    return [*axes, *folds]


def is_interchanged(stage: Stage, depth: int) -> bool:
    """Whether a fold runs outside the last axis, into an array of totals, to read rows."""
    if stage.kind != "reduce" or len(stage.axes) <= depth or not _fold_loops(stage):
        return False
    if not config.enabled("interchange"):
        return False
    along_fold, along_axis = strides_favour(stage)
    return stage.axes[-1].size >= 4 and along_axis > along_fold


def keeps_totals(stage: Stage, depth: int) -> bool:
    """Whether a stage's running totals are in memory rather than in one local variable."""
    return is_interchanged(stage, depth) or (stage.kind == "accumulate" and bool(stage.axes))


def build(group: Group) -> Nest:
    """Requires: stages in order.  Establishes: every value is computed before it is read."""
    nest = Nest()
    made: dict[Any, Stage] = {}
    for stage in pieces_of(group):
        remaining = [(v, k) for v, k in loops_of(stage, group.depth) if v.size != 1]
        needed = {load.data for load in loads_of(stage)} & set(made)
        _insert(nest, nest.items, stage, remaining, needed, made, group, [])
        made[stage.value] = stage
    return nest


def _insert(
    nest: Nest,
    items: list[Loop | Step],
    stage: Stage,
    remaining: list[tuple[LoopVar, str]],
    needed: set[Any],
    made: dict[Any, Stage],
    group: Group,
    around: list[Loop],
) -> None:
    if not remaining:
        items.append(Step("compute", stage))
        for value in needed:
            nest.readers.setdefault(value, []).append(around)
        folded = stage.kind in ("reduce", "arg") and _fold_loops(stage)
        if stage.kind not in ("scatter", "accumulate") and not folded:
            whole = Loop(0, 0, [])  # a piece is not the value: no reader is inside this
            nest.path[stage.value] = [*around, whole] if stage.is_piece else around
        return
    var, kind = remaining[0]
    loop = _shared_loop(items, stage, remaining, needed, group)
    if loop is None:
        loop = Loop(var.size, var.start, [], group.parts.get(var, 0))
        items.append(loop)
    loop.bound.append(var)
    loop.stages.append(stage)
    starts = _starts_here(stage, remaining, group.depth)
    if starts:
        loop.before.append(Step("start", stage))
    if starts and stage.kind in ("reduce", "arg") and not keeps_totals(stage, group.depth):
        loop.after.append(Step("finish", stage))
        nest.path[stage.value] = around
    if starts and keeps_totals(stage, group.depth):
        nest.path[stage.value] = [*around, loop]  # known only in memory, after the loop
    _insert(nest, loop.body, stage, remaining[1:], needed, made, group, [*around, loop])


def _starts_here(stage: Stage, remaining: list[tuple[LoopVar, str]], depth: int) -> bool:
    """Whether the totals of a fold begin just outside the next loop."""
    if stage.kind == "running":
        return remaining[0][0] is stage.axes[-1]
    if stage.kind not in ("reduce", "arg", "accumulate"):
        return False
    before = [k for _, k in remaining]
    if stage.kind == "accumulate":
        return False  # started once per chunk
    return before[0] == "fold" and before.count("fold") == _fold_loops(stage)


def _fold_loops(stage: Stage) -> int:
    return sum(v.size != 1 for v in stage.fold)


def _shared_loop(
    items: list[Loop | Step],
    stage: Stage,
    remaining: list[tuple[LoopVar, str]],
    needed: Any,
    group: Group,
) -> Loop | None:
    """The last loop that `stage` may run in, or None."""
    if not config.enabled("shared_loops"):
        return None
    var = remaining[0][0]
    below = math.prod(v.size for v, _ in remaining[1:])
    for item in reversed(items):
        if isinstance(item, Step):
            if item.stage.value in needed:
                return None
            continue
        same = item.size == var.size and item.start == var.start
        same = same and item.part == group.parts.get(var, 0)
        if same and _may_share(item, stage, var, needed, group):
            return None if _slows(item, stage, below, group.depth) else item
        if any(s.value in needed for s in item.stages):
            return None
        if stage.kind == "scatter" or any(s.value is stage.value for s in item.stages):
            return None
    return None


def _slows(loop: Loop, stage: Stage, below: int, depth: int) -> bool:
    """Whether together, dear operations would run one by one beside a short inner loop."""
    bound = set(loop.bound)
    steps = {s: _steps_below(s, bound, depth) for s in loop.stages} | {stage: below}
    inner = max(steps.values())
    leaf = max((s.expr.weight for s, n in steps.items() if n == 1), default=0)
    return UNROLLED < inner < leaf


def _steps_below(stage: Stage, bound: set[LoopVar], depth: int) -> int:
    variables = [v for v, _ in loops_of(stage, depth)]
    here = next(i for i, v in enumerate(variables) if v in bound)
    return math.prod(v.size for v in variables[here + 1 :])


def _may_share(loop: Loop, stage: Stage, var: LoopVar, needed: Any, group: Group) -> bool:
    if stage.kind == "scatter" or any(s.kind == "scatter" for s in loop.stages):
        return False
    bound = set(loop.bound)
    reads = [load for load in loads_of(stage) if load.data in needed]
    for other in loop.stages:
        if other.value not in needed:
            continue
        if other.is_piece and set(other.axes[-1:]) & bound:
            return False
        if other.kind == "accumulate" or keeps_totals(other, group.depth):
            return False
        axis = next((i for i, a in enumerate(other.axes) if a in bound), None)
        if axis is None:
            return False  # the loop folds that value: it is complete only afterwards
        for load in reads:
            if load.data is other.value and not _reads_here(load, other, axis, var):
                return False
    return True


def _reads_here(load: Any, made: Stage, axis: int, var: LoopVar) -> bool:
    """Whether a load reads the element that the shared loop is computing."""
    position = next((i for i, p in enumerate(made.place) if p.as_var() is made.axes[axis]), None)
    return position is not None and load.args[position].as_var() is var

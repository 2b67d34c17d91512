"""Which values are stored, and which stages share a kernel.

In: a simplified jaxpr.  Out: a Graph: kernels (groups of stages) and library steps, in order.
A value is stored if it leaves the program or a kernel, or is too dear to compute again; stages
share a kernel if they agree on their leading loops and read each other only there.
Cost model: one unit per scalar operation, `costs.COST` for dearer ones; a value used more
than once is computed again only below `CHEAP` units.
Knows nothing of: targets, memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ..core.config import config
from ..core.jaxpr import Eqn, Jaxpr, Var
from ..core.primitives.formula import Elementwise
from ..core.types import ShapedArray
from .costs import COST
from .loops import Builder, KernelPlan, LoopVar, Stage, loads
from .lowering import Lowering, classify_all

CHEAP = 3
"""Units up to which a value used several times is computed at each use."""
MAX_INLINE = 120
"""Units after which a chain of operations is cut by storing a value."""
MAX_KERNEL = 260
"""Scalar statements in one kernel; Numba's compile time grows faster than linearly beyond."""
SMALL = 16384
"""Scalar operations below which a stage may join a kernel that runs on one thread."""
PARALLEL = 1 << 17
"""Scalar operations from which a kernel is worth a fork-join (a few microseconds)."""
WINDOW = 256
"""Kernels that a stage may look back over for one to join: keeps fusion linear."""
CHUNKS = 16
"""Partial results of a fold over parallel loops: fixed, so results do not depend on threads."""
UNROLLED = 8
"""Steps up to which LLVM writes an inner loop out, so that the loop around it still vectorises."""
INDEX_MAPS = frozenset(
    {"broadcast_in_dim", "reshape", "transpose", "slice", "rev", "copy", "stop_gradient"}
)


@dataclass(eq=False)
class Group(KernelPlan):
    """A kernel being put together."""

    values: set[Any] = field(default_factory=set)
    reads: set[Any] = field(default_factory=set)
    cost: int = 0
    work: int = 0
    sealed: bool = False
    fixed: bool = False
    """The depth may not change any more: partial results depend on it."""
    chunk: int = 0
    parts: dict[LoopVar, int] = field(default_factory=dict)
    """Counters of which every step of the (one) outer loop takes a range of this length."""
    stream: LoopVar | None = None
    """Counts elements far apart in such a range that the loop over it takes one after another."""

    def add(self, stage: Stage, used: set[Any]) -> None:
        self.stages.append(stage)
        self.values.add(stage.value)
        self.reads |= used
        self.cost += max(1, stage.expr.cost)
        self.work += stage.work


@dataclass(eq=False)
class LibraryStep:
    """An equation computed by a library routine, a loop of the executor, or a host function."""

    eqn: Eqn

    @property
    def reads(self) -> set[Any]:
        return {a for a in self.eqn.invars if isinstance(a, Var)}

    @property
    def values(self) -> set[Any]:
        return set(self.eqn.outvars)


@dataclass(eq=False)
class Graph:
    """Nodes in the order they run."""

    jaxpr: Jaxpr
    nodes: list[Group | LibraryStep]


def unit_cost(eqn: Eqn) -> int:
    """Scalar operations for one element of an inlined equation's result."""
    name = eqn.primitive.name
    if name in INDEX_MAPS:
        return 0
    if name == "integer_pow":
        return 2 * abs(eqn.params["y"]).bit_length()
    if isinstance(eqn.primitive, Elementwise):
        name = eqn.primitive.scalar(**eqn.params)
    return COST.get(name, 1)


def choose_stored(jaxpr: Jaxpr, kinds: dict[Eqn, str]) -> set[Var]:
    """The variables that get a place of their own."""
    if not config.enabled("fusion"):
        return set(jaxpr.invars).union(*[e.outvars for e in jaxpr.eqns])
    stored = set(jaxpr.invars) | {a for a in jaxpr.outvars if isinstance(a, Var)}
    uses: dict[Var, int] = {}
    again: set[Var] = set()
    for eqn in jaxpr.eqns:
        for a in eqn.invars:
            if isinstance(a, Var):
                uses[a] = uses.get(a, 0) + 1
        if kinds[eqn] != "inline" or eqn.primitive.name == "hold":
            stored.update(eqn.outvars)
        if kinds[eqn] == "library":
            stored.update(a for a in eqn.invars if isinstance(a, Var))
        again.update(_read_repeatedly(eqn))
    cost: dict[Var, int] = {}
    for eqn in jaxpr.eqns:
        if kinds[eqn] != "inline":
            continue
        (v,) = eqn.outvars
        inner = sum(1 if a in stored else cost.get(a, 0) for a in eqn.invars if isinstance(a, Var))
        cost[v] = unit_cost(eqn) + inner
        own = cost[v] - (0 if eqn.primitive.name not in INDEX_MAPS else inner)
        dear = uses.get(v, 0) > 1 and cost[v] > CHEAP and own > 0
        repeated = v in again and cost[v] > CHEAP and v.aval.size > 1
        if dear or repeated or cost[v] > MAX_INLINE:
            stored.add(v)
    return stored


def _read_repeatedly(eqn: Eqn) -> list[Var]:
    """Operands of which the equation reads elements more than once."""
    name = eqn.primitive.name
    out = eqn.outvars[0].aval if eqn.outvars else None
    if name == "broadcast_in_dim" and out is not None:
        x = eqn.invars[0]
        new_leading = not eqn.params["dims"] or eqn.params["dims"][0] != 0
        if isinstance(x, Var) and x.aval.size > 1 and new_leading:
            return [x]
    if name == "dynamic_update_slice" and out is not None:
        update = eqn.invars[1]
        many = isinstance(update, Var) and out.size > 2 * update.aval.size
        return [update] if many else []  # type: ignore[list-item]
    if name in ("dot_general", "reduce_window", "conv_patches") or (
        name == "gather" and out is not None and out.size > 2 * eqn.invars[0].aval.size
    ):
        return [a for a in eqn.invars if isinstance(a, Var)]
    return []


class Fusion:
    """Places stages into groups, one after another."""

    def __init__(self, jaxpr: Jaxpr):
        self.jaxpr, self.builder = jaxpr, Builder()
        self.kinds = classify_all(jaxpr)
        self.lowering = Lowering(jaxpr, choose_stored(jaxpr, self.kinds), self.builder)
        self.nodes: list[Group | LibraryStep] = []
        self.position: dict[Any, int] = {}

    def run(self) -> Graph:
        """Every stored value placed."""
        for eqn in self.jaxpr.eqns:
            if self.kinds[eqn] == "library":
                self.nodes.append(LibraryStep(eqn))
                self.position.update(dict.fromkeys(eqn.outvars, len(self.nodes) - 1))
            elif eqn.outvars[0] in self.lowering.stored:
                stages = self.lowering.stages(eqn.outvars[0], self.kinds[eqn])
                if len(stages) > 1:
                    self._scatter(stages)
                else:
                    self.place(stages[0])
        return Graph(self.jaxpr, _merged(self.nodes))

    def _scatter(self, stages: list[Stage]) -> None:
        group = Group(stages=[], depth=0, sealed=True)
        self._open(group)
        for stage in stages:
            group.add(stage, reads_of(stage))
        self.position[stages[0].value] = len(self.nodes) - 1

    def _open(self, group: Group) -> None:
        self.nodes.append(group)

    def place(self, stage: Stage) -> None:
        """Into a group that can take it, or a new one."""
        used = reads_of(stage)
        earliest = max((self.position.get(v, -1) for v in used), default=-1)
        if not config.enabled("fusion"):
            earliest = len(self.nodes)
        for i in range(len(self.nodes) - 1, max(earliest, len(self.nodes) - WINDOW, 0) - 1, -1):
            group = self.nodes[i]
            if not isinstance(group, Group):
                continue
            way = self._way_in(group, stage, used)
            if way is not None:
                self._join(i, group, stage, used, way)
                return
        group, way = self._new_group(stage)
        self._open(group)
        self._join(len(self.nodes) - 1, group, stage, used, way)

    def _join(self, i: int, group: Group, stage: Stage, used: set[Any], way: Any) -> None:
        mode, depth = way
        group.depth = depth
        group.outer = group.outer[:depth]
        if mode == "row":
            group.add(stage, used)
            self.position[stage.value] = i
            return
        partial, rest = self._partial(group, stage)
        group.add(partial, used)
        group.accumulated.add(partial.value)
        self.position[partial.value] = i
        self.place(rest)

    def _partial(self, group: Group, stage: Stage) -> tuple[Stage, Stage]:
        """A fold over the outer loops, chunk by chunk, and the fold of the chunks' results."""
        total = math.prod(group.outer)
        group.chunk = group.chunk or -(-total // min(total, CHUNKS))
        group.fixed = True
        n = -(-total // group.chunk)
        value = Var(ShapedArray((n, *stage.shape), stage.dtype))
        partial = Stage(
            value,
            (n, *stage.shape),
            stage.dtype,
            "accumulate",
            stage.axes,
            stage.place,
            stage.expr,
            stage.op,
            stage.init,
            stage.fold,
            label=stage.label,
        )
        chunk = LoopVar(n)
        axes = tuple(LoopVar(a.size) for a in stage.axes)
        place = tuple(self.builder.var(a) for a in axes)
        load = self.builder.load(value, stage.dtype, (self.builder.var(chunk), *place))
        rest = Stage(
            stage.value,
            stage.shape,
            stage.dtype,
            "reduce",
            axes,
            place,
            load,
            stage.op,
            stage.init,
            (chunk,),
            label=f"{stage.label} of chunks",
        )
        return partial, rest

    def _new_group(self, stage: Stage) -> tuple[Group, Any]:
        if stage.work <= SMALL:
            return Group(stages=[], depth=0), ("row", 0)
        sizes = tuple(a.size for a in stage.axes)
        if stage.kind == "reduce" and not _folds_rows(stage):
            fold = tuple(v.size for v in stage.fold)
            depth = next((d for d in range(1, len(fold) + 1) if math.prod(fold[:d]) > CHUNKS), 0)
            if stage.work < PARALLEL:
                return Group(stages=[], depth=0), ("row", 0)
            if depth:
                return Group(stages=[], depth=depth, outer=fold[:depth]), ("sum", depth)
        depth = len(sizes) - (stage.kind == "running" or bool(stage.pieces))
        return Group(stages=[], depth=depth, outer=sizes[:depth]), ("row", depth)

    def _way_in(self, group: Group, stage: Stage, used: set[Any]) -> Any:
        """How `stage` may join: ("row" or "sum", depth), or None."""
        if group.sealed or stage.kind == "scatter" or group.cost + stage.expr.cost > MAX_KERNEL:
            return None
        inside = used & group.values
        if inside & group.accumulated:
            return None
        if group.depth == 0:
            fits = stage.work <= SMALL and group.work + stage.work <= 8 * SMALL
            return ("row", 0) if fits else None
        shared = {v for v in used & group.reads if v.aval.size * 4 >= math.prod(group.outer)}
        if not inside and not shared:
            return None
        inner = stage.kind == "running" or stage.pieces
        lead = stage.axes[:-1] if inner else stage.axes
        found = self._matching_depth(group, stage, lead, inside)
        if found and _placed_in_order(stage, found) and not _slows(group, stage, found):
            return "row", found
        if stage.kind == "reduce":
            found = self._matching_depth(group, stage, stage.fold, inside)
            worth = group.work + stage.work >= PARALLEL
            if found and worth and math.prod(group.outer[:found]) > CHUNKS:
                return "sum", found
        return None

    def _matching_depth(self, group: Group, stage: Stage, lead: Any, inside: set[Any]) -> int:
        """The most leading loops shared, reading values of the group only at the same place."""
        depth = 0
        while depth < min(group.depth, len(lead)) and lead[depth].size == group.outer[depth]:
            depth += 1
        own = [load for load in loads_of(stage) if load.data in inside]
        while depth and not all(_same_place(load.args, lead, depth) for load in own):
            depth -= 1
        if group.fixed and depth != group.depth:
            return group.depth if depth >= group.depth else 0
        whole, kept = math.prod(group.outer), math.prod(group.outer[:depth])
        return depth if kept >= min(whole, CHUNKS) else 0


def _merged(nodes: list[Group | LibraryStep]) -> list[Group | LibraryStep]:
    """Groups joined to an earlier one over the same rows whose values they read.

    A group that began with a stage related to nothing before it, such as the sum of a cotangent,
    comes to read rows of an earlier group only later on.
    """
    if not config.enabled("fusion"):
        return nodes
    out: list[Group | LibraryStep] = []
    made_at: dict[Any, int] = {}
    for node in nodes:
        at = len(out)
        if isinstance(node, Group):
            earliest = max((made_at.get(v, -1) for v in node.reads - node.values), default=-1)
            before = out[earliest] if earliest >= 0 else None
            if isinstance(before, Group) and _may_merge(before, node):
                _merge(before, node)
                made_at.update(dict.fromkeys(node.values, earliest))
                continue
        out.append(node)
        made_at.update(dict.fromkeys(node.values, at))
    return out


def _may_merge(first: Group, second: Group) -> bool:
    plain = not any(g.sealed or g.parts or g.stream for g in (first, second))
    if not plain or not first.depth or first.outer != second.outer:
        return False
    inside = second.reads & first.values
    if inside & first.accumulated or first.cost + second.cost > MAX_KERNEL:
        return False
    rows = math.prod(first.outer)
    if not any(v.aval.size >= rows for v in inside):
        return False
    for stage in second.stages:
        lead = stage.fold if stage.kind == "accumulate" else stage.axes
        own = [load for load in loads_of(stage) if load.data in inside]
        if not all(_same_place(load.args, lead, first.depth) for load in own):
            return False
    return not any(_slows(first, stage, first.depth) for stage in second.stages)


def _merge(first: Group, second: Group) -> None:
    for stage in second.stages:
        first.add(stage, reads_of(stage))
    first.accumulated |= second.accumulated
    first.fixed |= second.fixed
    first.chunk = first.chunk or second.chunk


def _slows(group: Group, stage: Stage, depth: int) -> bool:
    """Whether together, dear operations would run one by one beside a short inner loop."""
    every = [*group.stages, stage]
    inner = max(inner_steps(s, depth) for s in every)
    leaf = max((s.expr.weight for s in every if inner_steps(s, depth) == 1), default=0)
    return UNROLLED < inner < leaf


def inner_steps(stage: Stage, depth: int) -> int:
    """Steps of a stage's loops inside the shared ones."""
    if stage.kind == "accumulate":
        loops = (*stage.fold[depth:], *stage.axes)
    else:
        loops = (*stage.axes[depth:], *stage.fold)
    return math.prod(v.size for v in loops)


def _same_place(indices: Any, lead: Any, depth: int) -> bool:
    for index, var in zip(indices[:depth], lead[:depth], strict=True):
        if var.size == 1:
            continue
        if index.as_var() is not var:
            return False
    return True


def _placed_in_order(stage: Stage, depth: int) -> bool:
    return _same_place(stage.place, stage.axes, depth)


def _folds_rows(stage: Stage) -> bool:
    """Whether neighbouring elements of a fold lie side by side in memory."""
    if not stage.fold or not stage.axes:
        return False
    along_fold, along_axis = strides_favour(stage)
    return along_fold >= along_axis


def strides_favour(stage: Stage) -> tuple[int, int]:
    """How many loads run along a folded counter, and how many along the last axis.

    A load that does not depend on the axis counts for neither: either order serves it.
    """
    last = stage.axes[-1]
    both = [load for load in loads(stage.expr) if load.args and last in load.depends]
    along_fold = sum(any(load.args[-1].coefficient(v) == 1 for v in stage.fold) for load in both)
    return along_fold, sum(load.args[-1].coefficient(last) == 1 for load in both)


def pieces_of(group: Group) -> list[Stage]:
    """The stages of a group as they are written: cut ones piece by piece."""
    return [p for s in group.stages for p in (s.pieces or (s,))]


def loads_of(stage: Stage) -> list[Any]:
    """Every load of a stage, also in where its result goes (each asked for many times)."""
    if stage.loads is None:
        stage.loads = _find_loads(stage)
    return stage.loads


def _find_loads(stage: Stage) -> list[Any]:
    parts = [stage.expr, *stage.place, *([] if stage.guard is None else [stage.guard])]
    return [load for part in parts for load in loads(part)]


def reads_of(stage: Stage) -> set[Any]:
    """The values a stage reads."""
    return {load.data for load in loads_of(stage)}


def fuse(jaxpr: Jaxpr) -> Graph:
    """Requires: a simplified jaxpr without consts.  Establishes: every result is computed."""
    return Fusion(jaxpr).run()

"""Scatters shared among threads, the same result for any number of them.

In: a group that copies an operand, unless that is updated in place, and scatters updates into it.
Out: groups that do the same with an outer loop over parts, or the group itself if it is small.
Two ways.  Where a counter of the updates is also a place in the target, each part takes a range of
that counter, and all indices: every element is combined in the same order as by one thread.
Otherwise each part takes a range of the updates and combines them in copies of its own, and the
copies are combined in order; not for updates that replace.  With several copies per part, updates
of one place in a row need not wait for each other.
The number of parts depends on shapes alone.
Knows nothing of: threads, text.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.config import config
from ..core.jaxpr import Var
from ..core.primitives.reduction import highest, lowest
from ..core.types import ShapedArray
from .fusion import CHUNKS, PARALLEL, Group, reads_of
from .loops import Builder, LoopVar, Stage

THREADS = 8
"""Threads for which the ways are weighed."""
INDEX_COST = 5
"""Units to find the place of one row of updates."""
STREAMS = 4
"""Copies of a part: an addition to memory waits about four additions for the one before."""
MAX_COPIES = 1 << 15
"""Bytes of a part's copies: a first-level cache."""
LINE = 64
"""Bytes of a range at least, lest two parts write to one cache line."""


@dataclass(frozen=True)
class _Way:
    """`axis` of the updates in `parts`; `overhead` units more than one thread alone needs.

    target: the axis of the target that is the same counter, or None for copies, of which each
    part has `streams`.
    """

    axis: LoopVar
    parts: int
    overhead: int
    target: int | None
    streams: int = 1

    def cost(self, work: int) -> float:
        """Units on one of THREADS threads; more for copies, which round in another order."""
        each = (work + self.overhead) / min(self.parts, THREADS)
        return each if self.target is not None else 1.5 * each


def shared(group: Group) -> list[Group]:
    """The group as groups that threads can share."""
    scatters = [s for s in group.stages if s.kind == "scatter"]
    if not scatters or group.depth or group.work < PARALLEL or not config.enabled("scatters"):
        return [group]
    *copy, update = group.stages
    ways = [w for w in (*_ranges(update), *_copies(update)) if w.parts > 1]
    ways = [w for w in ways if 2 * w.overhead <= update.work]
    if not ways:
        return [group]
    way = min(ways, key=lambda w: w.cost(update.work))
    if way.target is None:
        return _with_copies(copy, update, way)
    return [_with_ranges(copy, update, way)]


# ---- A range of a counter that is a place ------------------------------------------------------


def _ranges(update: Stage) -> list[_Way]:
    ways = []
    for target, index in enumerate(update.place):
        axis = index.as_var()
        if axis is None or axis not in update.axes:
            continue
        inside = math.prod(update.shape[target + 1 :]) * update.dtype.itemsize
        parts = min(CHUNKS, axis.size // max(1, LINE // inside))
        before = math.prod(a.size for a in update.axes[: update.axes.index(axis)])
        repeated = before * INDEX_COST if before > 1 else 0
        while parts > 1 and 2 * parts * repeated > update.work:
            parts //= 2
        ways.append(_Way(axis, parts, parts * repeated, target))
    return ways


def _with_ranges(copy: list[Stage], update: Stage, way: _Way) -> Group:
    assert way.target is not None
    part = -(-way.axis.size // way.parts)
    chunk = LoopVar(-(-way.axis.size // part))
    stages = [dataclasses.replace(s, axes=(chunk, *s.axes), loads=None) for s in (*copy, update)]
    ranges = [*[s.axes[way.target] for s in copy], way.axis]
    return _group(stages, chunk, dict.fromkeys(ranges, part))


def _group(stages: list[Stage], chunk: LoopVar, parts: dict[LoopVar, int]) -> Group:
    group = Group(stages=[], depth=1, outer=(chunk.size,), sealed=True, chunk=1, parts=parts)
    for stage in stages:
        group.add(stage, reads_of(stage))
    return group


# ---- Copies ------------------------------------------------------------------------------------


def neutral(op: str, dtype: Any) -> Any:
    """What leaves every number as it is, the sign of zero included."""
    if op == "max":
        return lowest(dtype)
    if op == "min":
        return highest(dtype)
    if op == "mul" or not dtypes.is_inexact(dtype):
        return dtype.type(op == "mul")
    return dtype.type(complex(-0.0, -0.0) if dtypes.is_complex(dtype) else -0.0)


def _copies(update: Stage) -> list[_Way]:
    if update.op == "set" or not update.shape:
        return []
    size = math.prod(update.shape)
    parts = min(CHUNKS, update.work // max(1, 4 * size))
    axis = next((a for a in update.axes if a.size >= STREAMS * parts), None)
    if axis is None:
        return []
    several = math.prod(a.size for a in update.axes) == axis.size
    several = several and STREAMS * size * update.dtype.itemsize <= MAX_COPIES
    streams = STREAMS if several and 4 * STREAMS * parts * size <= update.work else 1
    return [_Way(axis, parts, 2 * streams * parts * size, None, streams)]


def _with_copies(copy: list[Stage], update: Stage, way: _Way) -> list[Group]:
    builder: Builder = update.place[0].builder
    part = -(-way.axis.size // (way.parts * way.streams)) * way.streams
    chunk, stream = LoopVar(-(-way.axis.size // part)), LoopVar(way.streams)
    shape, dtype = (chunk.size, way.streams, *update.shape), update.dtype
    copies = Var(ShapedArray(shape, dtype))
    start = builder.const(np.asarray(neutral(update.op, dtype)), dtype)
    fill = _map(builder, copies, start, (chunk,), f"{update.label} of nothing")
    private = dataclasses.replace(
        update,
        value=copies,
        shape=shape,
        axes=(chunk, *update.axes),
        place=(builder.var(chunk), builder.var(stream), *update.place),
        loads=None,
    )
    first = _group([fill, private], chunk, {way.axis: part})
    first.stream = stream if way.streams > 1 else None
    return [first, _joined(builder, copy, update, copies)]


def _joined(builder: Builder, copy: list[Stage], update: Stage, copies: Var) -> Group:
    """The group that combines copies, and them with the operand."""
    op, shape, dtype, label = update.op, update.shape, update.dtype, f"{update.label} of copies"
    total = Var(ShapedArray(shape, dtype))
    number = tuple(LoopVar(n) for n in copies.aval.shape[:2])
    axes = tuple(LoopVar(n) for n in shape)
    place = tuple(builder.var(a) for a in axes)
    element = builder.load(copies, dtype, (*map(builder.var, number), *place))
    start = neutral(op, dtype)
    sums = Stage(
        total, shape, dtype, "reduce", axes, place, element, op, start, number, label=label
    )
    if copy:
        here = builder.call(op, dtype, copy[0].expr, builder.load(total, dtype, copy[0].place))
        result = dataclasses.replace(copy[0], expr=here, label=label, loads=None)
    else:
        axes = tuple(LoopVar(n) for n in shape)
        place = tuple(builder.var(a) for a in axes)
        here = builder.load(total, dtype, place)
        result = Stage(update.value, shape, dtype, "scatter", axes, place, here, op, label=label)
    depth = next((d for d in range(1, len(shape)) if math.prod(shape[:d]) > CHUNKS), 0)
    depth = depth if sums.work >= PARALLEL else 0
    group = Group(stages=[], depth=depth, outer=shape[:depth], sealed=True)
    for stage in (sums, result):
        group.add(stage, reads_of(stage))
    return group


def _map(builder: Builder, value: Var, expr: Any, lead: tuple[LoopVar, ...], label: str) -> Stage:
    axes = (*lead, *[LoopVar(n) for n in value.aval.shape[len(lead) :]])
    place = tuple(builder.var(a) for a in axes)
    return Stage(value, value.aval.shape, value.aval.dtype, "map", axes, place, expr, label=label)

"""Kernels for CUDA as Python text: the same groups of stages, run by many threads.

In: a group of stages and which values others need.  Out: `CudaKernel`s, run one after another.
  threads: one thread per setting of the shared outer loops (elements, short rows, columns);
  block:   one block per setting (rows); groups without outer loops are one block;
  sums:    folds over many elements, in parts, and one more kernel that adds the parts.
The text takes raw pointers, one per entry (and a status word if it checks indices).
Knows nothing of: caches, machine code, devices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .addresses import lead_of
from .cuda_blocks import PARTS, ROWS, BlockWriter, SumWriter
from .cuda_text import atomic
from .cuda_threads import ThreadWriter
from .cuda_writer import THREADS, CudaKernel, by_column, reads
from .fusion import Group
from .loops import Stage

INNER = 16
"""Steps of inner loops up to which one thread runs them all."""
SMALL_GROUP = 1 << 15
"""Scalar operations that one block may run alone."""


def render(group: Group, in_memory: Callable[[Any], bool]) -> list[CudaKernel]:
    """The kernels of a group. `in_memory(value)`: whether others than this group need it."""
    parts = _split(group)
    kernels: list[CudaKernel] = []
    for part in parts:
        others = {v for p in parts if p is not part for s in p.stages for v in reads(s)}
        needed = lambda v, others=others, part=part: (
            in_memory(v) or v in others or v not in part.values
        )
        kernels += part.make(part, needed)
    return [k for k in kernels if k.blocks]


@dataclass(eq=False)
class _Part(Group):
    """Stages of one kernel, and how to write it."""

    make: Callable[..., list[CudaKernel]] = field(default=lambda part, needed: [])


def _part(stages: list[Stage], depth: int, make: Any) -> _Part:
    lead = lead_of(stages[0], depth)
    part = _Part(stages=[], depth=depth, outer=tuple(v.size for v in lead), make=make)
    for stage in stages:  # pieces are for loops that vectorise
        part.add(replace(stage, pieces=()), reads(stage))
    return part


def _split(group: Group) -> list[_Part]:
    if any(s.kind == "scatter" for s in group.stages):
        return [_alone(s) for s in group.stages]
    rows = [s for s in group.stages if s.kind != "accumulate"]
    sums = [s for s in group.stages if s.kind == "accumulate"]
    parts = [_chunks(s, math.prod(group.outer), group.chunk) for s in sums]
    return _split_rows(rows, group) + parts if rows else parts


def _split_rows(stages: list[Stage], group: Group) -> list[_Part]:
    depth, outer = group.depth, math.prod(group.outer)
    inner = max(_inner_size(s, depth) for s in stages)
    if depth and (inner <= INNER or (outer >= THREADS and all(by_column(s) for s in stages))):
        return [_part(stages, depth, _thread_kernel)]
    small = sum(s.work for s in stages) <= SMALL_GROUP
    few = outer < ROWS or (outer < PARTS and inner > SMALL_GROUP)
    if (few and not small) or (not depth and len(stages) == 1):
        return [_alone(s) for s in stages]
    return [_part(stages, depth, _block_kernel)]


def _inner_size(stage: Stage, depth: int) -> int:
    return math.prod(v.size for v in (*stage.axes[depth:], *stage.fold))


def _alone(stage: Stage) -> _Part:
    """A kernel for one stage."""
    if stage.kind == "scatter":
        if stage.op == "set" or atomic(stage.op, stage.dtype):
            return _part([stage], len(stage.axes), _thread_kernel)
        return _part([stage], 0, _thread_kernel)  # no atomic: one thread, in order
    if stage.kind == "running":
        return _part([stage], len(stage.axes) - 1, _thread_kernel)
    fold = math.prod(v.size for v in stage.fold)
    results = math.prod(a.size for a in stage.axes)
    if stage.kind == "map" or fold <= INNER or (results >= THREADS and by_column(stage)):
        return _part([stage], len(stage.axes), _thread_kernel)
    if stage.kind == "reduce" and results < PARTS and fold > SMALL_GROUP:
        return _chunks(stage, fold, fold)
    return _part([stage], len(stage.axes), _block_kernel)


def _thread_kernel(part: _Part, needed: Callable[[Any], bool]) -> list[CudaKernel]:
    return [ThreadWriter(part, needed).kernel()]


def _block_kernel(part: _Part, needed: Callable[[Any], bool]) -> list[CudaKernel]:
    return [BlockWriter(part, needed).kernel()]


def _chunks(stage: Stage, total: int, chunk: int) -> _Part:
    """A fold in parts: `total` steps of its leading loops, `chunk` of which make one result."""
    inner = math.prod(v.size for v in stage.fold) // max(1, total)

    def make(part: _Part, needed: Callable[[Any], bool]) -> list[CudaKernel]:
        return SumWriter(part, needed, total * inner, chunk * inner).kernels()

    return _part([stage], 0, make)

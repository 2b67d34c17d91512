"""CUDA kernels whose threads work together: rows of one block each, and sums in parts.

In: a group of stages with a schedule.  Out: `CudaKernel`s.
Threads stride over inner loops and fold by trees in shared memory, in an order that depends on
shapes only.  A barrier is a statement of its own, so that the simulator can turn a kernel into a
generator.  Between two loops of one kernel, values stay in shared or global memory.
Knows nothing of: which schedule suits a group, machine code, devices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.dtypes import short_name
from ..core.jaxpr import Var
from ..core.types import ShapedArray
from .cuda_text import to_cell
from .cuda_writer import (
    INDENT,
    THREADS,
    CudaKernel,
    CudaWriter,
    Scope,
    by_column,
    pow2,
    reads,
    scratch_cell,
)
from .fusion import Group, loads_of
from .loops import LoopVar, Stage
from .scalar_text import combine, literal, register

ROWS = 64
"""Blocks below which a device is not filled: larger blocks then, or a split."""
PARTS = 512
"""Parts of a large sum, at most: about four blocks per multiprocessor of the largest chips."""
SHARED = 40 * 1024
"""Bytes of shared memory for rows; the static limit of 48 KiB also holds the trees."""


class TreeWriter(CudaWriter):
    """Folds of a block's threads by trees in shared memory."""

    def __init__(self, group: Group, in_memory: Callable[[Any], bool]):
        super().__init__(group, in_memory)
        self.extra = ["thread = index(cuda.threadIdx.x)"]

    def _room(self, t: str) -> str:
        """The shared array of one cell per thread, made on first use."""
        line = f"w_{t} = cuda.shared.array({self.threads}, {'u8' if t == 'bool' else t})"
        if line not in self.extra:
            self.extra.append(line)
        return f"w_{t}"

    def tree(self, stage: Stage) -> None:
        """Every thread gets the fold of all threads' totals."""
        total, dtype = self.totals[stage.value], register(stage.dtype)
        if self.threads == 1:
            return
        if stage.kind == "arg":
            self._arg_tree(stage, total)
            return
        room = self._room(short_name(dtype))
        is_bool = dtype == dtypes.bool_
        mine, other = (f"{room}[cell({at})]" for at in ("thread", "thread + h"))
        pair = [f"({x} != 0)" if is_bool else x for x in (mine, other)]
        text = combine(stage.op, dtype, *pair)
        self._tree_lines([f"{mine} = {total}"], [f"{mine} = {text}"])
        self._emit(f"{total} = {room}[0]{' != 0' if is_bool else ''}")
        self._emit("cuda.syncthreads()")

    def _arg_tree(self, stage: Stage, total: str) -> None:
        source = register(stage.expr.dtype)
        values, places = self._room(short_name(source)), self._room("i64")
        a, b = (f"{values}[cell({at})]" for at in ("thread", "thread + h"))
        at, other = (f"{places}[cell({x})]" for x in ("thread", "thread + h"))
        sign = ">" if stage.op == "gt" else "<"
        better = f"{b} {sign} {a}"
        same = f"{b} == {a}"
        if dtypes.is_float(source):
            better = f"{better} or ({b} != {b} and {a} == {a})"
            same = f"{same} or ({b} != {b} and {a} != {a})"
        first = f"({same}) and {other} < {at}"
        take = f"{other} >= 0 and ({at} < 0 or {better} or ({first}))"
        step = [f"if {take}:", INDENT + f"{a} = {b}", INDENT + f"{at} = {other}"]
        self._tree_lines([f"{a} = {total}b", f"{at} = {total}"], step)
        self._emit(f"{total} = {places}[0]")
        self._emit("cuda.syncthreads()")

    def _tree_lines(self, before: list[str], step: list[str]) -> None:
        lines = [*before, "cuda.syncthreads()", f"h = {self.threads // 2}", "while h > 0:"]
        inner = ["if thread < h:", *[INDENT + x for x in step], "cuda.syncthreads()", "h = h >> 1"]
        for line in lines + [INDENT + x for x in inner]:
            self._emit(line)


@dataclass(eq=False)
class _Segment:
    """A loop whose steps the threads of a block share; `sizes` () runs once in every thread."""

    sizes: tuple[int, ...]
    stages: list[Stage]
    single: bool = False
    """One stage with a schedule of its own: running folds, trees for several results."""


class BlockWriter(TreeWriter):
    """One block per setting of the outer loops."""

    def kernel(self) -> CudaKernel:
        stages, group = self.group.stages, self.group
        total = math.prod(group.outer) if self.depth else 1
        self.segments = self._segments(stages)
        most = max((math.prod(s.sizes) for s in self.segments), default=1)
        self.threads = min(THREADS if total >= ROWS else 2 * THREADS, max(32, pow2(most)))
        self._give_places()
        if self.depth:
            self.unflatten([s.axes[: self.depth] for s in stages], "i", 0)
        for k, segment in enumerate(self.segments):
            self._segment(segment)
            if k + 1 < len(self.segments) and self._writes_memory(segment):
                if self.scopes[0].lines[-1:] != ["cuda.syncthreads()"]:
                    self._emit("cuda.syncthreads()")
        return self.assemble(total, ["i = index(cuda.blockIdx.x)"])

    # ---- which stages share a loop

    def _parallel(self, stage: Stage) -> tuple[tuple[LoopVar, ...], str]:
        """The loops that threads share: results ('each'), or a fold ('tree')."""
        axes = tuple(v for v in stage.axes[self.depth :] if v.size != 1)
        fold = tuple(v for v in stage.fold if v.size != 1)
        if stage.kind == "running":
            return tuple(v for v in stage.axes[self.depth : -1] if v.size != 1), "running"
        if not fold or stage.kind == "map":
            return axes, "each"
        if not axes:
            return fold, "tree"
        results, steps = (math.prod(v.size for v in x) for x in (axes, fold))
        if results <= 32 and steps >= 8 * results:
            return fold, "trees"
        return axes, "each"

    def _segments(self, stages: list[Stage]) -> list[_Segment]:
        segments: list[_Segment] = []
        self.role = {s.value: self._parallel(s) for s in stages}
        self.home: dict[Any, _Segment] = {}
        made = {s.value: s for s in stages}
        for stage in stages:
            loops, role = self.role[stage.value]
            sizes = tuple(v.size for v in loops)
            needed = reads(stage) & set(self.home)
            found = None
            if role in ("each", "tree"):
                for segment in reversed(segments):
                    inside = {v for v in needed if self.home[v] is segment}
                    same = segment.sizes == sizes and not segment.single
                    if same and all(self._same_place(stage, made[v]) for v in inside):
                        found = segment
                        break
                    if inside:
                        break
            if found is None:
                found = _Segment(sizes, [], role in ("running", "trees"))
                segments.append(found)
            found.stages.append(stage)
            self.home[stage.value] = found
        return segments

    def _same_place(self, reader: Stage, made: Stage) -> bool:
        """Whether each thread reads only the element it has just made."""
        mine, role = self.role[made.value]
        if role != "each":
            return False
        theirs = dict(zip(mine, self.role[reader.value][0], strict=True))
        for load in loads_of(reader):
            if load.data is not made.value:
                continue
            for index, place in zip(load.args, made.place, strict=True):
                var = place.as_var()
                if var in theirs and index.as_var() is not theirs[var]:
                    return False
        return True

    def _give_places(self) -> None:
        left = SHARED - 2 * 8 * self.threads
        readers: dict[Any, list[_Segment]] = {}
        for segment in self.segments:
            for stage in segment.stages:
                for v in reads(stage):
                    readers.setdefault(v, []).append(segment)
        for stage in self.group.stages:
            value, role = stage.value, self.role[stage.value][1]
            if self.in_memory(value):
                self._pointer(value)
                continue
            elsewhere = any(s is not self.home[value] for s in readers.get(value, []))
            in_registers = not self.home[value].sizes or role == "tree"
            if role not in ("running", "trees") and (in_registers or not elsewhere):
                continue
            shape = stage.shape[self.depth :]
            nbytes = math.prod(shape) * scratch_cell(stage.dtype).itemsize
            if nbytes > left:
                self._pointer(value)
            else:
                left -= nbytes
                self.scratch[value] = (self._name("s"), shape)

    def _writes_memory(self, segment: _Segment) -> bool:
        return any(s.value in self.pointers or s.value in self.scratch for s in segment.stages)

    # ---- the text of a segment

    def _segment(self, segment: _Segment) -> None:
        if segment.single:
            (stage,) = segment.stages
            (self._running if stage.kind == "running" else self._trees)(stage)
            return
        if not segment.sizes:
            for stage in segment.stages:
                self._once(stage, self._each(stage))
            return
        trees = [s for s in segment.stages if self.role[s.value][1] == "tree"]
        for stage in trees:
            self.start_total(stage)
        self._open_parallel([self.role[s.value][0] for s in segment.stages])
        for stage in segment.stages:
            if stage in trees:
                self.loops([v for v in stage.fold if v.size == 1], lambda s=stage: self.step(s))
            else:
                self._store(stage, self._each(stage))
        self._close_parallel(math.prod(segment.sizes))
        for stage in trees:
            self.tree(stage)
            self._once(stage, self.result(stage))

    def _open_parallel(self, sets: list[tuple[LoopVar, ...]]) -> None:
        self.scopes.append(Scope())
        self.counter = self._name("j")
        self.unflatten(sets, self.counter, len(self.scopes) - 1)

    def _close_parallel(self, total: int) -> None:
        if total <= self.threads:
            self.scopes[-1].lines.insert(0, f"{self.counter} = thread")
            self.close(f"if thread < {total}:")
            return
        counter = self.counter
        self._close_while(counter, total)

    def _close_while(self, counter: str, total: int) -> None:
        body = self.scopes[-1].lines
        self.scopes[-2].lines.append(f"{counter} = thread")
        body.append(f"{counter} += {self.threads}")
        self.close(f"while {counter} < {total}:")

    def _each(self, stage: Stage) -> str:
        """One result, computed by one thread."""
        if not any(v.size != 1 for v in stage.fold):
            for v in stage.fold:
                self.level[v], self.text_of[v] = 0, ""
            return self.first_position(stage) if stage.kind == "arg" else self._value(stage.expr)
        self.start_total(stage)
        self.loops(stage.fold, lambda: self.step(stage))
        return self.result(stage)

    def _once(self, stage: Stage, name: str) -> None:
        """A value that every thread has: one thread stores it."""
        value = stage.value
        if value in self.pointers or value in self.scratch:
            address = self._address(value, stage.place, stage.shape)
            self._emit("if thread == 0:")
            self._emit(INDENT + self._write(value, address, name))
        self.registers[value] = (name, len(self.scopes) - 1)

    def _running(self, stage: Stage) -> None:
        loops = self.role[stage.value][0]
        if loops:
            self._open_parallel([loops])
        else:  # nothing to share: one thread
            self.scopes.append(Scope())
        last = stage.axes[-1]
        if last.size == 1:
            self.level[last], self.text_of[last] = 0, ""
            self._store(stage, self._value(stage.expr))
        else:
            self.start_total(stage)
            self.loops([last], lambda: self.running_step(stage))
        if loops:
            self._close_parallel(math.prod(v.size for v in loops))
        else:
            self.close("if thread == 0:")

    def _trees(self, stage: Stage) -> None:
        axes = stage.axes[self.depth :]

        def inside() -> None:
            self.start_total(stage)
            fold = self.role[stage.value][0]
            self._open_parallel([fold])
            self.loops([v for v in stage.fold if v.size == 1], lambda: self.step(stage))
            self._close_parallel(math.prod(v.size for v in fold))
            self.tree(stage)
            self._once(stage, self.result(stage))

        self.loops(axes, inside)


class SumWriter(TreeWriter):
    """A fold over many elements: parts, and then the sum of the parts of each result."""

    def __init__(self, part: Group, in_memory: Any, total: int, chunk: int):
        super().__init__(part, in_memory)
        self.total, self.chunk = total, max(1, chunk)

    def kernels(self) -> list[CudaKernel]:
        (stage,) = self.group.stages
        results = math.prod(a.size for a in stage.axes)
        chunks = -(-self.total // self.chunk) if self.total else 1
        columns = results >= 32 and by_column(stage)
        wide = THREADS if columns else results
        pieces = max(1, PARTS // max(1, chunks * (results // wide if columns else results)))
        least = 16 if columns else 8 * THREADS
        pieces = max(1, min(pieces, self.chunk // least))
        self.piece = -(-self.chunk // pieces)
        pieces = -(-self.chunk // self.piece)
        if pieces == 1:
            return [self._parts(stage, stage.value, results, chunks, 1, columns)]
        partial = Var(ShapedArray((chunks * pieces * results,), register(stage.dtype)))
        first = self._parts(stage, partial, results, chunks, pieces, columns)
        return [first, sum_of_parts(stage, partial, results, chunks, pieces)]

    def _parts(
        self, stage: Stage, out: Var, results: int, chunks: int, pieces: int, columns: bool
    ) -> CudaKernel:
        target = self._pointer(out)
        self.threads = min(THREADS, max(32, pow2(results if columns else self.piece)))
        across = -(-results // self.threads) if columns else results
        lines = ["part = index(cuda.blockIdx.x)"]
        if across > 1:
            lines = [f"part = quotient(index(cuda.blockIdx.x), {across})"]
        if columns:
            first = f"remainder(index(cuda.blockIdx.x), {across}) * {self.threads}"
            lines.append(f"at = {first if across > 1 else '0'} + thread")
            lines += [f"if at >= {results}:", INDENT + "return"]
        else:
            at = f"remainder(index(cuda.blockIdx.x), {results})" if results > 1 else "index(0)"
            lines.append(f"at = {at}")
        if pieces == 1:
            lines += [f"low = part * {self.chunk}", f"high = min(low + {self.chunk}, {self.total})"]
        else:
            lines += [
                f"end = min((quotient(part, {pieces}) + 1) * {self.chunk}, {self.total})",
                f"low = quotient(part, {pieces}) * {self.chunk}"
                f" + remainder(part, {pieces}) * {self.piece}",
                f"high = min(low + {self.piece}, end)",
            ]
        if stage.axes:
            self.unflatten([stage.axes], "at", 0)
        total = self.start_total(stage)
        self.scopes.append(Scope())
        self.unflatten([stage.fold], "g", 1)
        self.step(stage)
        self.scopes[-1].lines.append(f"g += {1 if columns else self.threads}")
        self._emit_outside("g = low" if columns else "g = low + thread")
        self.close("while g < high:")
        store = self._write(out, f"{target}[part * {results} + at]", total)
        if columns:
            self._emit(store)
        else:
            self.tree(stage)
            self._emit("if thread == 0:")
            self._emit(INDENT + store)
        self.extra += lines
        return self.assemble(chunks * pieces * across, [])

    def _emit_outside(self, line: str) -> None:
        self.scopes[-2].lines.append(line)


def sum_of_parts(stage: Stage, partial: Var, results: int, chunks: int, pieces: int) -> CudaKernel:
    """One thread per result, in order, so that sums come out the same every time."""
    dtype, n = register(stage.dtype), chunks * results
    at = f"(quotient(i, {results}) * {pieces} + k) * {results} + remainder(i, {results})"
    element = f"p0[{at}]" if dtype != dtypes.bool_ else f"(p0[{at}] != 0)"
    lines = [
        "def kernel(p0, p1):",
        "    i = cuda.grid(1)",
        f"    if i >= {n}:",
        "        return",
        f"    a0 = {literal(np.asarray(stage.init, dtype).tobytes(), dtype)}",
        f"    for k in range({pieces}):",
        f"        a0 = {combine(stage.op, dtype, 'a0', element)}",
        f"    p1[i] = {to_cell('a0', stage.dtype)}",
    ]
    threads = min(THREADS, max(32, pow2(n)))
    label = f"{stage.kind} {stage.label} of parts"
    return CudaKernel(
        "\n".join(lines) + "\n", [partial, stage.value], -(-n // threads), threads, [], [label], n
    )

"""CUDA kernels of independent threads, and the frame that every CUDA kernel has.

In: a group of stages with a schedule.  Out: a `CudaKernel`: text, entries, launch.
A thread computes one setting of the shared outer loops, its inner loops as on the CPU.
Knows nothing of: which schedule suits a group, machine code, devices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.dtypes import short_name
from .cuda_text import atomic, cell, from_cell, to_cell
from .fusion import Group, loads_of
from .loops import Expr, IndexOp, LoopVar, Stage
from .nests import keeps_totals
from .scalar_text import combine, literal, operation, register
from .source_code import (
    INDENT,
    _collapses,
    _even,
    _flat,
    _only_in_addresses,
    _Scope,
    _Writer,
    lead_of,
)

THREADS = 256
"""Threads of a block that computes independent elements."""
MAX_LOCAL = 64
"""Elements of a thread's own scratch; larger ones go to global memory."""


@dataclass(eq=False)
class CudaKernel:
    """A kernel as text, with its launch. `entries` are the values whose addresses it takes."""

    text: str
    entries: list[Any]
    blocks: int
    threads: int
    checks: list[tuple[int, Any]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    work: int = 0

    @property
    def cells(self) -> tuple[str, ...]:
        """What each parameter points to."""
        status = ("i64",) if self.checks else ()
        return (*(short_name(cell(v.aval.dtype)) for v in self.entries), *status)


def pow2(n: int) -> int:
    """The least power of two that is not below n."""
    return 1 << max(0, n - 1).bit_length()


def reads(stage: Stage) -> set[Any]:
    """The values a stage reads."""
    return {load.data for load in loads_of(stage)}


def by_column(stage: Stage) -> bool:
    """Whether neighbouring threads, one per last axis, read side by side, and only so."""
    if not stage.axes or not stage.fold:
        return stage.kind in ("map", "running")
    last = stage.axes[-1]
    along = [load for load in loads_of(stage) if load.args]
    by_axis = sum(load.args[-1].coefficient(last) == 1 for load in along)
    by_fold = sum(any(load.args[-1].coefficient(v) == 1 for v in stage.fold) for load in along)
    return last.size >= 8 and by_axis > by_fold


class CudaWriter(_Writer):
    """What every schedule shares: memory cells, indices, the frame of a kernel."""

    base = 0

    def __init__(self, group: Group, in_memory: Callable[[Any], bool]):
        super().__init__(group, in_memory)
        self.shared = True
        self.threads = THREADS

    def _address(self, value: Any, indices: Any, shape: Any) -> str:
        address = super()._address(value, indices, shape)
        if value not in self.scratch:
            return address
        name, _, at = address[:-1].partition("[")
        return f"{name}[cell({at})]"  # unsigned: Numba would let a negative index wrap around

    # ---- the frame

    def assemble(self, blocks: int, text_of_index: list[str]) -> CudaKernel:
        """The kernel around what has been written."""
        parameters = [*self.pointers.values(), *(["status"] if self.checks else [])]
        lines = text_of_index + [
            f"{name} = cuda.{'shared' if self.shared else 'local'}.array("
            f"{max(1, math.prod(shape))}, {short_name(scratch_cell(v.aval.dtype))})"
            for v, (name, shape) in self.scratch.items()
        ]
        lines += self.extra
        if self.checks:
            lines.append("bad = i64(0)")
        lines += self.scopes[0].lines
        if self.checks:
            lines += ["if bad != i64(0):", INDENT + "status[0] = bad"]
        body = "\n".join(INDENT + x for x in lines)
        text = f"def kernel({', '.join(parameters)}):\n{body}\n"
        stages = self.group.stages
        return CudaKernel(
            text,
            list(self.pointers),
            blocks,
            self.threads,
            self.checks,
            [f"{s.kind} {s.label}" for s in stages],
            sum(s.work for s in stages),
        )

    extra: list[str] = []  # noqa: RUF012  replaced by writers that need it

    def unflatten(self, sets: list[tuple[LoopVar, ...]], text: str, level: int) -> None:
        """Name the counters of loops run as one, whose common counter is `text`."""
        sizes = [v.size for v in sets[0]]
        texts = [""] * len(sizes)
        if all(self._runs_evenly(lead) for lead in sets):
            if texts:
                texts[-1] = text
        else:
            for k, n in enumerate(sizes):
                rest = math.prod(sizes[k + 1 :])
                if n == 1:
                    continue
                whole = text if rest == 1 else f"quotient({text}, {rest})"
                if math.prod(sizes[:k]) > 1:
                    whole = f"remainder({whole}, {n})"
                texts[k] = whole if whole == text else self._assign(whole, level, "o")
        for lead in sets:
            for var, name in zip(lead, texts, strict=True):
                self.level[var], self.text_of[var] = level, name

    def _runs_evenly(self, lead: tuple[LoopVar, ...]) -> bool:
        if sum(v.size != 1 for v in lead) <= 1:
            return all(v.size == 1 for v in lead[:-1])
        stage = next(s for s in self.group.stages if {*lead} <= {*s.axes, *s.fold})
        if stage.guard is not None or not _only_in_addresses(stage.expr, set(lead)):
            return False
        accesses = [(load.args, load.data.aval.shape) for load in loads_of(stage)]
        if stage.kind != "accumulate":
            accesses.append((stage.place, stage.shape))
        return all(_even(_flat(indices, shape), lead) for indices, shape in accesses)

    # ---- memory

    def _read(self, value: Any, address: str) -> str:
        if value not in self.scratch:
            return from_cell(address, value.aval.dtype)
        return f"({address} != 0)" if value.aval.dtype == dtypes.bool_ else address

    def _write(self, value: Any, address: str, text: str) -> str:
        if value not in self.scratch:
            return f"{address} = {to_cell(text, value.aval.dtype)}"
        return f"{address} = " + (f"u8({text})" if value.aval.dtype == dtypes.bool_ else text)

    def _load(self, expr: Expr) -> str:
        value = expr.data
        if value in self.registers:
            return self.registers[value][0]
        address = self._address(value, expr.args, value.aval.shape)
        return self._assign(self._read(value, address), self._depth_of(expr))

    def _store(self, stage: Stage, name: str) -> None:
        value = stage.value
        if value in self.pointers or value in self.scratch:
            address = self._address(value, stage.place, stage.shape)
            self._emit(self._write(value, address, name))
        self.registers[value] = (name, len(self.scopes) - 1)

    def _atom(self, atom: IndexOp) -> str:
        if atom.kind in ("floordiv", "mod"):
            inner, n = atom.args
            if 0 <= inner.low and inner.high < 2**31:
                text = self._index(inner)
                name = "quotient" if atom.kind == "floordiv" else "remainder"
                return self._assign(f"{name}({text}, {n})", self._depth_of(atom), "x")
        return super()._atom(atom)


def scratch_cell(dtype: Any) -> Any:
    return dtypes.uint8 if dtype == dtypes.bool_ else register(dtype)


class ThreadWriter(CudaWriter):
    """One thread per setting of the outer loops; inner loops as on the CPU."""

    def kernel(self) -> CudaKernel:
        group = self.group
        self.shared = False
        total = math.prod(group.outer) if self.depth else 1
        self.threads = min(THREADS, max(32, pow2(total)))
        for stage in group.stages:
            self._give_place(stage)
        if self.depth:
            leads = [lead_of(s, self.depth) for s in group.stages]
            self._bind_all(leads)
        self._items(self.nest.items)
        start = ["i = cuda.grid(1)", f"if i >= {total}:", INDENT + "return"]
        return self.assemble(-(-total // self.threads), start)

    def _bind_all(self, leads: list[tuple[LoopVar, ...]]) -> None:
        scatter = any(s.kind == "scatter" for s in self.group.stages)
        if self.depth > 1 and not scatter and _collapses(self.group):
            for lead in leads:
                for var in lead:
                    self.level[var], self.text_of[var] = 0, ""
                self.text_of[lead[-1]] = "i"
            return
        sizes = self.group.outer
        for k, n in enumerate(sizes):
            rest, before = math.prod(sizes[k + 1 :]), math.prod(sizes[:k])
            text = "i" if rest == 1 else f"quotient(i, {rest})"
            if before > 1 and n > 1:
                text = f"remainder({text}, {n})"
            name = "" if n == 1 else text if text == "i" else self._assign(text, 0, "o")
            for lead in leads:
                self.level[lead[k]], self.text_of[lead[k]] = 0, name

    def _give_place(self, stage: Stage) -> None:
        value = stage.value
        if stage.kind == "scatter" or self.in_memory(value):
            self._pointer(value)
        elif keeps_totals(stage, self.depth) or not self.nest.in_register(value):
            shape = stage.shape[self.depth :]
            if math.prod(shape) > MAX_LOCAL:
                self._pointer(value)
            else:
                self.scratch[value] = (self._name("s"), shape)

    def _fill_totals(self, stage: Stage, axes: Any, place: Any) -> None:
        dtype = register(stage.dtype)
        start = literal(np.asarray(stage.init, dtype).tobytes(), dtype)
        opened = []
        for var in axes:
            if var.size == 1:
                continue
            counter = self._name("j")
            self.scopes.append(_Scope())
            self.level[var], self.text_of[var] = len(self.scopes) - 1, counter
            opened.append((var, counter))
        self._emit(self._write(stage.value, self._slot(stage, place), start))
        for var, counter in reversed(opened):
            body = self.scopes.pop().lines
            self._emit(f"for {counter} in range({var.size}):")
            self.scopes[-1].lines += [INDENT + x for x in body]

    def _compute_reduce(self, stage: Stage) -> None:
        if all(v.size == 1 for v in stage.fold) or not keeps_totals(stage, self.depth):
            super()._compute_reduce(stage)
            return
        name, slot = self._value(stage.expr), self._slot(stage, stage.place)
        old = self._read(stage.value, slot)
        text = combine(stage.op, register(stage.dtype), old, name)
        self._emit(self._write(stage.value, slot, text))

    def _compute_scatter(self, stage: Stage) -> None:
        name = self._value(stage.expr)
        slot = self._address(stage.value, stage.place, stage.shape)
        pad = ""
        if stage.guard is not None:
            self._emit(f"if {self._value(stage.guard)}:")
            pad = INDENT
        add = atomic(stage.op, stage.dtype) if self.depth else None
        if stage.op == "set":  # of several updates to one place, any may be the last
            self._emit(pad + self._write(stage.value, slot, name))
        elif add:
            pointer, _, at = slot[:-1].partition("[")
            self._emit(f"{pad}{add}({pointer}, {at}, {name})")
        else:
            dtype = register(stage.dtype)
            old = self._read(stage.value, slot)
            text = operation(stage.op, dtype, (dtype, dtype), [old, name])
            self._emit(pad + self._write(stage.value, slot, text))

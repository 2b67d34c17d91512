"""CUDA kernels of independent threads.

In: a group of stages.  Out: a `CudaKernel`.
A thread computes one setting of the shared outer loops, its inner loops one after another as on
the CPU, with arrays of its own for what several of them read.  Scatters use atomics.
Knows nothing of: which schedule suits a group, machine code, devices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .addresses import lead_of
from .cuda_text import atomic
from .cuda_writer import INDENT, THREADS, CudaKernel, CudaWriter, pow2
from .fusion import Group
from .loops import Stage
from .nests import Loop, Nest, Step, build, keeps_totals
from .scalar_text import combine, operation, register

MAX_LOCAL = 64
"""Elements of a thread's own scratch; larger ones go to global memory."""


class ThreadWriter(CudaWriter):
    """One thread per setting of the outer loops."""

    def __init__(self, group: Group, in_memory: Callable[[Any], bool]):
        super().__init__(group, in_memory)
        self.nest: Nest = build(group)
        self.open: list[Loop] = []
        self.shared = False

    def kernel(self) -> CudaKernel:
        group = self.group
        total = math.prod(group.outer) if self.depth else 1
        self.threads = min(THREADS, max(32, pow2(total)))
        for stage in group.stages:
            self._give_place(stage)
        if self.depth:
            self.unflatten([lead_of(s, self.depth) for s in group.stages], "i", 0)
        self._items(self.nest.items)
        start = ["i = cuda.grid(1)", f"if i >= {total}:", INDENT + "return"]
        return self.assemble(-(-total // self.threads), start)

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

    def _known_from(self, value: Any) -> int:
        if value in self.registers:
            return self.registers[value][1]
        return self.nest.shared_loops(value, self.open)

    # ---- loops and steps

    def _items(self, items: list[Any]) -> None:
        for item in items:
            if isinstance(item, Step):
                getattr(self, f"_compute_{item.stage.kind}")(item.stage)
            else:
                self._loop(item)

    def _loop(self, loop: Loop) -> None:
        for step in loop.before:
            self._start(step.stage)
        counter = self.open_loop(loop.bound)
        self.open.append(loop)
        self._items(loop.body)
        self.open.pop()
        self.close(f"for {counter} in range({loop.size}):")
        for step in loop.after:
            self._store(step.stage, self.result(step.stage))

    def _start(self, stage: Stage) -> None:
        if not keeps_totals(stage, self.depth):
            self.start_total(stage)
            return
        fill = lambda: self._emit(
            self._write(
                stage.value,
                self._address(stage.value, stage.place, stage.shape),
                self.neutral(stage),
            )
        )
        self.loops(stage.axes[-1:], fill)

    def _compute_map(self, stage: Stage) -> None:
        self._store(stage, self._value(stage.expr))

    def _compute_reduce(self, stage: Stage) -> None:
        if all(v.size == 1 for v in stage.fold):
            self._store(stage, self._value(stage.expr))
        elif not keeps_totals(stage, self.depth):
            self.step(stage)
        else:
            name = self._value(stage.expr)
            slot = self._address(stage.value, stage.place, stage.shape)
            old = self._read(stage.value, slot)
            text = combine(stage.op, register(stage.dtype), old, name)
            self._emit(self._write(stage.value, slot, text))

    def _compute_arg(self, stage: Stage) -> None:
        if all(v.size == 1 for v in stage.fold):
            self._store(stage, self.first_position(stage))
        else:
            self.step(stage)

    def _compute_running(self, stage: Stage) -> None:
        if stage.value in self.totals:
            self.running_step(stage)
        else:  # one step only
            self._store(stage, self._value(stage.expr))

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

"""What every CUDA kernel's text is made of: its frame, memory cells, indices, expressions.

In: stages whose loops a schedule has opened.  Out: lines; `assemble` puts the kernel around them.
An expression is computed in the outermost scope that has its counters, once per text.
Subclasses choose the loops. Knows nothing of: which schedule suits a group, devices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.dtypes import short_name
from .addresses import even, flat_index, only_in_addresses
from .cuda_text import cell, from_cell, to_cell
from .expressions import ExpressionWriter, Scope
from .fusion import Group, loads_of
from .loops import Expr, Index, LoopVar, Stage
from .scalar_text import HALF, combine, literal, operation, register

THREADS = 256
"""Threads of a block that computes independent elements."""
INDENT = "    "


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


class CudaWriter(ExpressionWriter):
    """Writes one kernel."""

    def __init__(self, group: Group, in_memory: Callable[[Any], bool]):
        self.group, self.depth, self.in_memory = group, group.depth, in_memory
        self.scopes: list[Scope] = [Scope()]
        self.level: dict[LoopVar, int] = {}
        """The scope that has a counter."""
        self.text_of: dict[LoopVar, str] = {}
        self.registers: dict[Any, tuple[str, int]] = {}
        """Values in local variables, and the scope where they are known."""
        self.totals: dict[Any, str] = {}
        self.pointers: dict[Any, str] = {}
        self.scratch: dict[Any, tuple[str, tuple[int, ...]]] = {}
        self.checks: list[tuple[int, Any]] = []
        self.counts: dict[str, int] = {}
        self.extra: list[str] = []
        """Lines before everything else."""
        self.shared = True
        self.threads = THREADS

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
                divide, rest_of = "quotient({}, {})", "remainder({}, {})"
                if math.prod(sizes) >= 2**31:  # too far for 32 bits
                    divide, rest_of = "({} // {})", "({} % {})"
                whole = text if rest == 1 else divide.format(text, rest)
                if math.prod(sizes[:k]) > 1:
                    whole = rest_of.format(whole, n)
                texts[k] = whole if whole == text else self._assign(whole, level, "o")
        for lead in sets:
            for var, name in zip(lead, texts, strict=True):
                self.level[var], self.text_of[var] = level, name

    def _runs_evenly(self, lead: tuple[LoopVar, ...]) -> bool:
        if sum(v.size != 1 for v in lead) <= 1:
            return all(v.size == 1 for v in lead[:-1])
        stage = next(s for s in self.group.stages if {*lead} <= {*s.axes, *s.fold})
        if stage.guard is not None or not only_in_addresses(stage.expr, set(lead)):
            return False
        accesses = [(load.args, load.data.aval.shape) for load in loads_of(stage)]
        if stage.kind != "accumulate":
            accesses.append((stage.place, stage.shape))
        return all(even(flat_index(indices, shape), lead) for indices, shape in accesses)

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

    def _address(self, value: Any, indices: Any, shape: Any) -> str:
        if value not in self.scratch:
            flat = flat_index(indices, shape)
            return f"{self._pointer(value)}[{'0' if flat is None else self._index(flat)}]"
        name, inner = self.scratch[value]
        flat = flat_index(indices[self.depth :], inner)
        at = "0" if flat is None else self._index(flat)
        return f"{name}[cell({at})]"  # unsigned: Numba would let a negative index wrap around

    def _pointer(self, value: Any) -> str:
        if value not in self.pointers:
            self.pointers[value] = f"p{len(self.pointers)}"
        return self.pointers[value]

    # ---- lines

    def _name(self, prefix: str) -> str:
        n = self.counts.get(prefix, 0)
        self.counts[prefix] = n + 1
        return f"{prefix}{n}"

    def close(self, head: str, last: str = "") -> None:
        """End the innermost loop."""
        body = self.scopes.pop().lines or ["pass"]
        self.registers = {v: (n, k) for v, (n, k) in self.registers.items() if k < len(self.scopes)}
        self._emit(head)
        self.scopes[-1].lines += [INDENT + x for x in ([*body, last] if last else body)]

    def open_loop(self, variables: Any) -> str:
        """A scope whose counter, named here, counts for all `variables`."""
        counter = self._name("j")
        self.scopes.append(Scope())
        for var in variables:
            self.level[var], self.text_of[var] = len(self.scopes) - 1, counter
        return counter

    def loops(self, variables: Any, inside: Callable[[], None]) -> None:
        """Sequential loops around what `inside` writes."""
        opened = []
        for var in variables:
            if var.size == 1:
                self.level[var], self.text_of[var] = 0, ""
            else:
                opened.append((var, self.open_loop([var])))
        inside()
        for var, counter in reversed(opened):
            self.close(f"for {counter} in range({var.size}):")

    # ---- folds

    def start_total(self, stage: Stage) -> str:
        """A fold's neutral element in a local variable."""
        name = self.totals[stage.value] = self._name("a")
        if stage.kind == "arg":
            source = register(stage.expr.dtype)
            zero = literal(np.zeros((), source).tobytes(), source)
            self._emit(f"{name}b = {zero}")
            self._emit(f"{name} = i64(-1)")
        else:
            self._emit(f"{name} = {self.neutral(stage)}")
        return name

    def neutral(self, stage: Stage) -> str:
        """A fold's neutral element."""
        dtype = register(stage.dtype)
        return literal(np.asarray(stage.init, dtype).tobytes(), dtype)

    def step(self, stage: Stage) -> None:
        """One element into the running total."""
        if stage.kind == "arg":
            self._arg_step(stage)
            return
        total = self.totals[stage.value]
        name = self._value(stage.expr)
        self._emit(f"{total} = {combine(stage.op, register(stage.dtype), total, name)}")

    def result(self, stage: Stage) -> str:
        """The name of a finished fold's value."""
        total = self.totals[stage.value]
        if stage.kind == "arg":
            result = self._name("t")
            self._emit(f"{result} = {short_name(stage.dtype)}({total})")
            return result
        if stage.dtype in HALF:
            self._emit(f"{total} = round_{short_name(stage.dtype)}({total})")
        return total

    def first_position(self, stage: Stage) -> str:
        """The position of the only element of a fold."""
        return f"{short_name(stage.dtype)}(0)"

    def running_step(self, stage: Stage) -> None:
        """One element of a running fold, stored."""
        name, total = self._value(stage.expr), self.totals[stage.value]
        dtype = register(stage.dtype)
        self._emit(f"{total} = {operation(stage.op, dtype, (dtype, dtype), [total, name])}")
        shown = self._name("t")
        self._emit(f"{shown} = {total}")
        self._store(stage, shown)

    # ---- expressions

    def _quotient(self, kind: str, inner: Index, text: str, n: int) -> str:
        """In 32 bits where the dividend fits: 64-bit divisions take many registers."""
        if 0 <= inner.low and inner.high < 2**31:
            return f"{'quotient' if kind == 'floordiv' else 'remainder'}({text}, {n})"
        return super()._quotient(kind, inner, text, n)

    def _known_from(self, value: Any) -> int:
        """The scope in which a value of this kernel is known."""
        return self.registers[value][1] if value in self.registers else 0


def scratch_cell(dtype: Any) -> Any:
    return dtypes.uint8 if dtype == dtypes.bool_ else register(dtype)

"""Small loops as one kernel: the loop itself inside, no step of the executor per iteration.

In: the graphs of a scan's or while's bodies, if they are made of one-thread kernels only, and
the buffers they read and write.  Out: one kernel's text, or None where the loop must stay with
the executor.  The carry is read from `read` buffers, written to `write` buffers, and copied back
after every iteration; the machine code keeps scalars in registers.
Knows nothing of: how the executor runs other loops.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .fusion import MAX_KERNEL, Graph, Group
from .source_code import INDENT, Frame, KernelSource, Writer, labels_of, units_of, work_of

MAX_WORK = 1 << 15
"""Scalar operations of an iteration above which the executor's 10 ns no longer count."""
MAX_COST = 3 * MAX_KERNEL
"""Scalar statements in one loop; a group of the body has at most MAX_KERNEL."""
MAX_CARRY = 4096
"""Elements copied per iteration at most."""
UNKNOWN_TRIPS = 8
"""Steps that a loop of unknown length is taken to have."""


@dataclass(frozen=True)
class Slot:
    """One carried value: where an iteration reads it and where it writes it."""

    read: Any
    write: Any
    aval: Any


@dataclass(frozen=True)
class Row:
    """A buffer that holds one row per iteration: the whole, and bytes from row to row."""

    whole: Any
    nbytes: int


def fits(graphs: list[Graph], carry: list[Slot]) -> bool:
    """Whether a loop of these bodies may become one kernel."""
    groups = [n for g in graphs for n in g.nodes]
    if not all(isinstance(n, Group) and n.depth == 0 for n in groups):
        return False
    cost = sum(n.cost for n in groups if isinstance(n, Group))
    work = sum(work_of(n) for n in groups if isinstance(n, Group))
    copied = [s.aval.size for s in carry]
    small = work <= MAX_WORK and sum(copied) <= MAX_CARRY
    return cost <= MAX_COST and small and 0 not in copied


class LoopWriter:
    """Writes bodies into one frame."""

    def __init__(self, needed: Any, allocate: Any, rows: dict[Any, Row], counter: str):
        self.env: dict[Any, Any] = {}
        self.allocated = 0
        """Buffers in which one kernel of a body leaves values for the next."""
        self.needed, self.allocate, self.rows, self.counter = needed, allocate, rows, counter
        self.frame = Frame(self._place_of)
        self.work, self.labels = 0, ["loop"]

    def _place_of(self, value: Any) -> tuple[Any, str]:
        """The buffer of a value, and what to add to indices into it."""
        if value not in self.env:
            self.allocated += 1
            self.env[value] = self.allocate(value.aval)
        buffer = self.env[value]
        row = self.rows.get(buffer)
        if row is None:
            return buffer, ""
        return row.whole, f"{self.counter} * {row.nbytes // value.aval.dtype.itemsize}"

    def body(self, graph: Graph, env: dict[Any, Any]) -> list[str]:
        """The lines of one body, whose inputs and results `env` names."""
        self.env.update(env)
        lines: list[str] = []
        for group in graph.nodes:
            assert isinstance(group, Group)
            own = group.values
            in_memory = lambda v, own=own: v in self.needed(graph) or v in env or v not in own
            lines += Writer(group, in_memory, self.frame).lines()
            self.work += units_of(group)
            self.labels += labels_of(group)
        return lines

    def copies(self, carry: list[Slot]) -> list[str]:
        """The carry, back to where the next iteration reads it."""
        lines = []
        for slot in carry:
            read, write = (self.named(b, slot.aval.dtype) for b in (slot.read, slot.write))
            if slot.aval.size == 1:
                lines.append(f"{read}[0] = {write}[0]")
                continue
            j = self.frame.name("j")
            lines += [
                f"for {j} in range({slot.aval.size}):",
                f"{INDENT}{read}[{j}] = {write}[{j}]",
            ]
        return lines

    def named(self, buffer: Any, dtype: Any) -> str:
        """The pointer to a buffer."""
        if buffer not in self.frame.pointers:
            self.frame.pointers[buffer] = (self.frame.name("p"), dtype)
        return self.frame.pointers[buffer][0]

    def finish(self, lines: list[str], trips: int, steps: int = 1) -> KernelSource:
        """The kernel around the loop; steps: how many of its `trips` may run at once."""
        text = self.frame.text(lines)
        entries = list(self.frame.pointers)
        work = trips * self.work
        return KernelSource(text, entries, self.frame.checks, steps, 0, 1, work, self.labels)


def while_kernel(
    writer: LoopWriter, cond: Any, body: Any, predicate: Slot, carry: list[Slot]
) -> KernelSource:
    """`while cond: body`; cond and body are (graph, env) pairs, `predicate` is cond's result."""
    lines = writer.body(*cond)
    test = writer.named(predicate.write, predicate.aval.dtype)
    lines += [f"if not {test}[0]:", f"{INDENT}break"]
    lines += writer.body(*body) + writer.copies(carry)
    return writer.finish(["while True:", *[INDENT + x for x in lines]], UNKNOWN_TRIPS)


def scan_kernel(
    writer: LoopWriter, body: Any, length: int, reverse: bool, carry: list[Slot], apart: bool
) -> KernelSource:
    """`for n in range(length): body`, from the last row if `reverse`.

    apart: whether no step needs what another does; they may then run at once.
    """
    lines = writer.body(*body) + writer.copies(carry)
    apart &= not writer.allocated
    steps, bounds = (length, "lo, hi") if apart else (1, f"{length}")
    if not reverse:
        loop = [f"for n in range({bounds}):"]
    else:
        loop = [f"for step in range({bounds}):", f"{INDENT}n = {length - 1} - step"]
    return writer.finish([*loop, *[INDENT + x for x in lines]], length, steps)

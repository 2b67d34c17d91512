"""Kernels as Python text.

In: a group of stages, its nest of loops, which values are in memory.  Out: the text of
`kernel(args, lo, hi)`, the values whose addresses it takes, and its index checks.
The text runs compiled by Numba or, with Python twins of its helpers, as it stands.
An expression is computed in the outermost loop it depends on, once per text.
Knows nothing of: caches, machine code, arenas.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.config import config
from ..core.dtypes import DType, short_name
from .addresses import TILE, collapses, flat_index, lead_of, runs_across, tiled_loop
from .costs import COST
from .expressions import ExpressionWriter, Scope
from .fusion import Group, pieces_of
from .loops import Expr, Index, LoopVar, Stage
from .nests import Loop, Nest, Step, build, keeps_totals
from .scalar_text import HALF, combine, literal, operation, register, suffix

MAX_SCRATCH = 4096
"""Elements of a row kept on the stack; longer rows go to memory."""
INDENT = "    "
COLUMN = 4 * TILE
"""Rows of a chunk of tiles, one below the other, where there are enough for many threads."""
TURNED = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)
"""Dtypes of which a whole tile is transposed in registers."""
_EXTREMES = {"max": "larger", "min": "smaller"}
"""Folds whose step takes numbers only."""
CONTRACTED = (dtypes.float32, dtypes.float64)
"""Dtypes whose x * y + z is one fused operation, rounded once: docs/decisions/0004."""


@dataclass(eq=False)
class KernelSource:
    """A kernel as text. `entries` are the values whose addresses it takes, in order."""

    text: str
    entries: list[Any]
    checks: list[tuple[int, Any]]
    """Size of the axis and the user's line of every index check; bit k of the status is check k."""
    iterations: int
    chunk: int
    grain: int
    """The least iterations of a chunk."""
    work: int
    """In units of `costs.COST`."""
    labels: list[str]


class Frame:
    """The names of one kernel: its address table, its stack arrays, its local variables.

    `place_of(value)` is the memory behind a value, and what to add to every index into it (text);
    values of one buffer share one pointer.
    """

    def __init__(self, place_of: Callable[[Any], tuple[Any, str]] = lambda value: (value, "")):
        self.place_of = place_of
        self.pointers: dict[Any, tuple[str, DType]] = {}
        self.stacks: list[str] = []
        self.counts: dict[str, int] = {}
        self.checks: list[tuple[int, Any]] = []

    def name(self, prefix: str) -> str:
        """A fresh local variable."""
        n = self.counts.get(prefix, 0)
        self.counts[prefix] = n + 1
        return f"{prefix}{n}"

    def pointer(self, value: Any) -> tuple[str, str]:
        """The pointer to a value's memory, and what to add to every index."""
        buffer, offset = self.place_of(value)
        if buffer not in self.pointers:
            self.pointers[buffer] = (self.name("p"), value.aval.dtype)
        return self.pointers[buffer][0], offset

    def stack(self, dtype: DType, size: int) -> str:
        """A new array on the stack."""
        name = self.name("s")
        self.stacks.append(f"{name} = stack_{short_name(register(dtype))}({max(1, size)})")
        return name

    def text(self, lines: list[str]) -> str:
        """The whole function around `lines`."""
        head = [
            f"{name} = pointer_{short_name(dtype)}(args, {k})"
            for k, (name, dtype) in enumerate(self.pointers.values())
        ]
        head += self.stacks
        if self.checks:
            head.append("bad = i64(0)")
        body = [*head, *lines, "return bad" if self.checks else "return 0"]
        return "def kernel(args, lo, hi):\n" + "\n".join(INDENT + x for x in body) + "\n"


def render(
    group: Group, in_memory: Callable[[Any], bool], same: Mapping[Any, Any] | None = None
) -> KernelSource:
    """The text of a group. `in_memory(value)`: whether others than this kernel need it.

    same: for a value that lies in the memory of another, that other.
    """
    _settle_depth(group)
    known = same or {}
    frame = Frame(lambda value: (known.get(value, value), ""))
    writer = Writer(group, in_memory, frame)
    text = frame.text(writer.lines())
    outer = math.prod(group.outer) if group.depth else 1
    grain = (COLUMN if outer >= 8 * COLUMN else TILE) if writer.tiled else 1
    entries = list(frame.pointers)
    return KernelSource(
        text, entries, frame.checks, outer, group.chunk, grain, units_of(group), labels_of(group)
    )


def work_of(group: Group) -> int:
    """Scalar operations of a group."""
    every = sum(s.work for s in group.stages)
    return every // group.outer[0] if group.parts else every


def units_of(group: Group) -> int:
    """Units (`costs.COST`) of all steps of a group, near the time they take vectorised.

    An expression counts once, in the loops it depends on; a load or a store counts two.
    """
    every = sum(2 * s.steps + _units(s.expr) for s in group.stages)
    return every // group.outer[0] if group.parts else every


def _units(expr: Expr) -> int:
    total, seen, stack = 0, set(), [expr]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        own = {"load": 2, "call": COST.get(node.data, 1)}.get(node.kind, 0)
        total += own * math.prod(v.size for v in node.depends)
        stack.extend(a for a in node.args if isinstance(a, Expr))
    return total


def labels_of(group: Group) -> list[str]:
    """What the stages of a group compute, in words."""
    return [f"{s.kind} {s.label}" for s in group.stages]


def _settle_depth(group: Group) -> None:
    """Leave the last axis to an inner loop unless all shared loops are one."""
    folds = lambda s: any(v.size != 1 for v in s.fold)
    inner = any(len(lead_of(s, len(s.axes))) > group.depth or folds(s) for s in group.stages)
    if group.depth > 1 and not inner and not group.fixed and not collapses(group):
        group.depth -= 1
        group.outer = group.outer[: group.depth]


class Writer(ExpressionWriter):
    """Writes the lines of one group into a frame."""

    def __init__(self, group: Group, in_memory: Callable[[Any], bool], frame: Frame):
        self.group, self.depth, self.frame = group, group.depth, frame
        self.checks = frame.checks
        self.nest: Nest = build(group)
        self.in_memory = in_memory
        self.scopes: list[Scope] = [Scope()]
        self.open: list[Loop] = []
        self.level: dict[LoopVar, int] = {}
        self.text_of: dict[LoopVar, str] = {}
        self.registers: dict[Any, tuple[str, int]] = {}
        self.totals: dict[Any, str] = {}
        self.stored: set[Any] = set()
        """Values of the group that are written to memory of their own."""
        self.scratch: dict[Any, tuple[str, tuple[int, ...]]] = {}
        self.uses = _count_uses(group)
        self.tiled = tiled_loop(group, self.nest)
        self.tiles: dict[str, tuple[str, str]] = {}
        self.collapsed = self.depth > 1 and collapses(group)
        self.extremes = any(map(_is_extreme, pieces_of(group)))

    # ---- the kernel as a whole

    def lines(self) -> list[str]:
        """The body of the kernel."""
        base = 1 if self.depth else 0
        self.base = base
        for stage in self.group.stages:
            self._give_place(stage)
        for stage in self.group.stages:
            if stage.kind == "accumulate":
                self._start_accumulate(stage)
        if self.depth:
            self.scopes.append(Scope())
            self._bind_outer()
        self._items(self.nest.items)
        if self.depth:
            body = self.scopes.pop().lines or ["pass"]
            self.scopes[0].lines += self._outer_loop(body)
        for stage in self.group.stages:
            if stage.kind == "accumulate" and not stage.axes:
                target = self.frame.pointer(stage.value)[0]
                total = self._total(stage)
                self.scopes[0].lines.append(f"{target}[lo // {self.group.chunk}] = {total}")
        return self.scopes[0].lines

    def _outer_loop(self, body: list[str]) -> list[str]:
        if not self.tiled:
            return ["for i in range(lo, hi):", *[INDENT + x for x in body]]
        size = self.tiled.size
        rows = f"for i in range(ib, min(ib + {TILE}, hi)):"
        # Down the rows of a chunk first: so the transposed reads go on where the last tile ended.
        lines = [f"for jb in range(0, {size}, {TILE}):"]
        lines += [f"{INDENT}for ib in range(lo, hi, {TILE}):"]
        for source, (tile, turn) in self.tiles.items():
            fill = [
                f"for jt in range(jb, min(jb + {TILE}, {size})):",
                f"{INDENT}{rows}",
                f"{INDENT * 2}{tile}[(i - ib) * {TILE} + jt - jb] = {source}",
            ]
            if turn:  # in registers, where the tile is whole
                whole = f"if minimum_i64(hi - ib, {size} - jb) >= {TILE}:"
                fill = [whole, INDENT + turn, "else:", *[INDENT + x for x in fill]]
            lines += [INDENT * 2 + x for x in fill]
        return [*lines, INDENT * 2 + rows, *[INDENT * 3 + x for x in body]]

    def _bind_outer(self) -> None:
        sizes = self.group.outer
        texts: list[str] = []
        for k, n in enumerate(sizes):
            rest = math.prod(sizes[k + 1 :])
            if self.collapsed:
                texts.append("i" if k == len(sizes) - 1 else "")
            elif len(sizes) == 1:
                texts.append("i")
            elif n == 1:
                texts.append("")
            else:
                name = self._name("o")
                quotient = "i" if rest == 1 else f"i // {rest}"
                whole = quotient if k == 0 else f"({quotient}) % {n}"
                self.scopes[1].lines.append(f"{name} = {whole}")
                texts.append(name)
        for stage in self.group.stages:
            for var, text in zip(lead_of(stage, self.depth), texts, strict=True):
                self.level[var], self.text_of[var] = 1, text

    def _give_place(self, stage: Stage) -> None:
        """Memory for what cannot stay in a local variable."""
        value = stage.value
        if stage.kind in ("scatter", "accumulate") or self.in_memory(value):
            self._keep(value)
            return
        if value in self.scratch or value in self.stored:
            return
        if not keeps_totals(stage, self.depth) and self.nest.in_register(value):
            return
        shape = stage.shape[self.depth :]
        if math.prod(shape) > MAX_SCRATCH:
            self._keep(value)
        else:
            self.scratch[value] = (self.frame.stack(stage.dtype, math.prod(shape)), shape)

    def _keep(self, value: Any) -> None:
        self.stored.add(value)
        self.frame.pointer(value)

    def _name(self, prefix: str) -> str:
        return self.frame.name(prefix)

    # ---- loops and steps

    def _items(self, items: list[Any]) -> None:
        for item in items:
            if isinstance(item, Step):
                self._compute(item.stage)
            else:
                self._loop(item)

    def _loop(self, loop: Loop) -> None:
        if loop.part and self.group.stream is not None:
            self._loop_in_streams(loop, self.group.stream)
            return
        for step in loop.before:
            self._start(step.stage)
        counter = self._name("j")
        body = self._body(loop, counter)
        steps = self._steps(loop)
        self.scopes[-1].lines += [f"for {counter} in range({steps}):", *[INDENT + x for x in body]]
        for step in loop.after:
            self._finish_fold(step.stage)

    def _body(self, loop: Loop, counter: str) -> list[str]:
        """The lines of one step of a loop."""
        self.scopes.append(Scope())
        self.open.append(loop)
        for var in loop.bound:
            self.level[var], self.text_of[var] = len(self.scopes) - 1, counter
        self._items(loop.body)
        self.open.pop()
        body = self.scopes.pop().lines or ["pass"]
        self.registers = {v: (n, k) for v, (n, k) in self.registers.items() if k < len(self.scopes)}
        return body

    def _steps(self, loop: Loop) -> str:
        """Arguments of `range`."""
        if loop is self.tiled:
            return f"jb, min(jb + {TILE}, {loop.size})"
        if loop.part:
            end = f"i * {loop.part} + {loop.part}"
            whole = loop.size % loop.part == 0
            return f"i * {loop.part}, {end if whole else f'min({end}, {loop.size})'}"
        return f"{loop.start}, {loop.start + loop.size}" if loop.start else f"{loop.size}"

    def _loop_in_streams(self, loop: Loop, stream: LoopVar) -> None:
        """A step takes elements far apart one after another, so that none waits for the one before.

        Each is written out: of a loop over them LLVM would make slow gathers.
        """
        step, each = self._name("j"), loop.part // stream.size
        lines = [f"for {step} in range({each}):"]
        for turn in range(stream.size):
            counter = self._name("j")
            self.level[stream], self.text_of[stream] = len(self.scopes), str(turn)
            body = self._body(loop, counter)
            if loop.size % loop.part:
                body = [f"if {counter} < {loop.size}:", *[INDENT + x for x in body]]
            body.insert(0, f"{counter} = i * {loop.part} + {turn * each} + {step}")
            lines += [INDENT + x for x in body]
        self.scopes[-1].lines += lines

    def _start(self, stage: Stage) -> None:
        if keeps_totals(stage, self.depth):
            self._fill_totals(stage, stage.axes[-1:], list(stage.place))
            return
        if stage.kind != "arg":
            self._start_total(stage)
            return
        name = self.totals[stage.value] = self._name("a")
        source = register(stage.expr.dtype)
        self._emit(f"{name}b = {literal(_zero(source), source)}")
        self._emit(f"{name} = i64(-1)")

    def _start_total(self, stage: Stage) -> None:
        dtype = register(stage.dtype)
        name = self.totals[stage.value] = self._name("a")
        self._emit(f"{name} = {literal(np.asarray(stage.init, dtype).tobytes(), dtype)}")
        if _is_extreme(stage):
            self._emit(f"{name}n = i{dtype.itemsize * 8}(0)")

    def _total(self, stage: Stage) -> str:
        """A total in a register, as text, when all is folded."""
        name = self.totals[stage.value]
        if not _is_extreme(stage):
            return name
        return f"unless_nan_{suffix(register(stage.dtype))}({name}n, {name})"

    def _fill_totals(self, stage: Stage, axes: Any, place: list[Index]) -> None:
        start = literal(np.asarray(stage.init, stage.dtype).tobytes(), stage.dtype)
        opened = []
        for var in axes:
            if var.size == 1:
                continue
            counter = self._name("j")
            self.scopes.append(Scope())
            self.level[var], self.text_of[var] = len(self.scopes) - 1, counter
            opened.append((var, counter))
        self._emit(f"{self._slot(stage, place)} = {start}")
        for var, counter in reversed(opened):
            body = self.scopes.pop().lines
            self._emit(f"for {counter} in range({var.size}):")
            self.scopes[-1].lines += [INDENT + x for x in body]

    def _start_accumulate(self, stage: Stage) -> None:
        if stage.axes:
            self._fill_totals(stage, stage.axes, list(stage.place))
        else:
            self._start_total(stage)

    def _slot(self, stage: Stage, place: Any) -> str:
        """The memory of the stage's value at `place`, as text."""
        if stage.kind == "accumulate":
            inner = flat_index(place, [a.size for a in stage.axes])
            at = "" if inner is None else self._index(inner)
            row = f"lo // {self.group.chunk} * {math.prod(a.size for a in stage.axes)}"
            pointer, _ = self.frame.pointer(stage.value)
            return f"{pointer}[{row}{' + ' + at if at not in ('', '0') else ''}]"
        return self._address(stage.value, place, stage.shape)

    def _address(self, value: Any, indices: Any, shape: Any) -> str:
        if value in self.scratch:
            name, inner = self.scratch[value]
            flat = flat_index(indices[self.depth :], inner)
            offset = ""
        else:
            name, offset = self.frame.pointer(value)
            flat = flat_index(indices, shape)
        at = "0" if flat is None else self._index(flat)
        return f"{name}[{offset if offset and at == '0' else at + (offset and ' + ' + offset)}]"

    def _compute(self, stage: Stage) -> None:
        handler = getattr(self, f"_compute_{stage.kind}")
        handler(stage)

    def _store(self, stage: Stage, name: str) -> None:
        if stage.value in self.stored or stage.value in self.scratch:
            self._emit(f"{self._address(stage.value, stage.place, stage.shape)} = {name}")
        if not stage.is_piece:  # a piece of one step has no loop to leave: others must not see it
            self.registers[stage.value] = (name, len(self.scopes) - 1)

    def _compute_map(self, stage: Stage) -> None:
        self._store(stage, self._value(stage.expr))

    def _compute_reduce(self, stage: Stage) -> None:
        name = self._value(stage.expr)
        if all(v.size == 1 for v in stage.fold):
            self._store(stage, name)
        elif keeps_totals(stage, self.depth):
            slot = self._slot(stage, stage.place)
            self._emit(f"{slot} = {combine(stage.op, register(stage.dtype), slot, name)}")
        else:
            self._fold_step(stage, self.totals[stage.value], name)

    def _fold_step(self, stage: Stage, total: str, name: str) -> None:
        dtype = register(stage.dtype)
        if not _is_extreme(stage):
            self._emit(f"{total} = {combine(stage.op, dtype, total, name)}")
            return
        t = suffix(dtype)
        self._emit(f"{total} = {_EXTREMES[stage.op]}_{t}({total}, {name})")
        self._emit(f"{total}n = nan_seen_{t}({total}n, {name})")

    def _compute_accumulate(self, stage: Stage) -> None:
        name = self._value(stage.expr)
        if stage.axes:
            slot = self._slot(stage, stage.place)
            self._emit(f"{slot} = {combine(stage.op, register(stage.dtype), slot, name)}")
        else:
            self._fold_step(stage, self.totals[stage.value], name)

    def _compute_arg(self, stage: Stage) -> None:
        if all(v.size == 1 for v in stage.fold):
            self._store(stage, f"{short_name(stage.dtype)}(0)")
        else:
            self._arg_step(stage)

    def _compute_running(self, stage: Stage) -> None:
        name, total = self._value(stage.expr), self.totals.get(stage.value)
        if total is None:  # one step only
            self._store(stage, name)
            return
        dtype = register(stage.dtype)
        self._emit(f"{total} = {operation(stage.op, dtype, (dtype, dtype), [total, name])}")
        shown = self._name("t")
        self._emit(f"{shown} = {total}")
        self._store(stage, shown)

    def _compute_scatter(self, stage: Stage) -> None:
        name = self._value(stage.expr)
        slot = self._address(stage.value, stage.place, stage.shape)
        pad = ""
        if stage.guard is not None:
            self._emit(f"if {self._value(stage.guard)}:")
            pad = INDENT
        if stage.op == "set":
            self._emit(f"{pad}{slot} = {name}")
            return
        text = operation(stage.op, stage.dtype, (stage.dtype, stage.dtype), [slot, name])
        self._emit(f"{pad}{slot} = {text}")

    def _finish_fold(self, stage: Stage) -> None:
        name = self.totals[stage.value]
        t = short_name(stage.dtype)
        if stage.kind == "arg":
            result = self._name("t")
            self._emit(f"{result} = {t}({name})")
            name = result
        elif _is_extreme(stage):
            self._emit(f"{name} = {self._total(stage)}")
        elif stage.dtype in HALF:
            self._emit(f"{name} = round_{t}({name})")
        self._store(stage, name)

    # ---- expressions

    def _value(self, expr: Expr) -> str:
        text = super()._value(expr)
        if not self.extremes or expr.kind != "const" or "inf" not in text:
            return text
        # Of a fold from -inf LLVM knows that it skips what a mask makes -inf, and would jump.
        return self._assign(f"hidden_{suffix(register(expr.dtype))}({text}, lo)", 0, "h")

    def _known_from(self, value: Any) -> int:
        if value in self.registers:
            return self.registers[value][1]
        return self.base + self.nest.shared_loops(value, self.open)

    def _contracted(self, expr: Expr) -> str | None:
        """x * y + z as one fused multiply-add where the product has no other use, left first."""
        if expr.data not in ("add", "sub") or expr.dtype not in CONTRACTED:
            return None
        if not config.enabled("contraction"):
            return None
        left, right = expr.args
        t = suffix(expr.dtype)
        minus = "-" if expr.data == "sub" else ""
        if self._fusable(left):
            x, y, z = (self._value(a) for a in (*left.args, right))
            return f"fma_{t}({x}, {y}, {minus}{z})"
        if self._fusable(right):
            x, y, z = (self._value(a) for a in (*right.args, left))
            return f"fma_{t}({minus}{x}, {y}, {z})"
        return None

    def _fusable(self, expr: Expr) -> bool:
        return expr.kind == "call" and expr.data == "mul" and self.uses.get(expr, 0) == 1

    def _load(self, expr: Expr) -> str:
        value = expr.data
        if value in self.registers:
            return self.registers[value][0]
        if self.tiled and runs_across(expr, self.tiled, self.group):
            return self._assign(self._tile_read(expr), self._depth_of(expr))
        text = self._address(value, expr.args, value.aval.shape)
        return self._assign(text, self._depth_of(expr))

    def _tile_read(self, expr: Expr) -> str:
        """A transposed read, by way of a tile that was read along its rows."""
        inner = next(v for v in expr.depends if v in self.tiled.bound)  # type: ignore[union-attr]
        counter, self.text_of[inner] = self.text_of[inner], "jt"
        source = self._address(expr.data, expr.args, expr.data.aval.shape)
        self.text_of[inner] = counter
        if source not in self.tiles:
            tile, turn = self.frame.stack(expr.dtype, TILE * TILE), ""
            if expr.dtype in TURNED:
                pointer, index = source.rstrip("]").split("[")
                corner = re.sub(r"\bi\b", "ib", re.sub(r"\bjt\b", "jb", index))
                flat = flat_index(expr.args, expr.data.aval.shape)
                assert flat is not None
                step, kind = flat.coefficient(inner), short_name(expr.dtype)
                turn = f"turn_tile_{kind}({tile}, {pointer}, i64({corner}), i64({step}))"
            self.tiles[source] = (tile, turn)
        return f"{self.tiles[source][0]}[(i - ib) * {TILE} + {counter} - jb]"


def _is_extreme(stage: Stage) -> bool:
    """Whether a fold keeps the extreme of the numbers in one register, and NaNs in another.

    llvm.maximum orders zeros and carries NaNs along: six instructions a step. Two are enough for
    the larger of two numbers and for remembering a NaN; which of two zeros it is, is open.
    """
    real = dtypes.is_float(stage.dtype)
    return real and stage.op in _EXTREMES and config.enabled("reassociation")


def _count_uses(group: Group) -> dict[Expr, int]:
    """How many expressions of the kernel have each expression as an operand."""
    uses: dict[Expr, int] = {}
    seen: set[int] = set()
    stack: list[Any] = [s.expr for s in pieces_of(group)]
    while stack:
        node = stack.pop()
        if id(node) in seen or not isinstance(node, Expr):
            continue
        seen.add(id(node))
        for a in node.args:
            if isinstance(a, Expr):
                uses[a] = uses.get(a, 0) + 1
                stack.append(a)
    return uses


def _zero(dtype: Any) -> bytes:
    return np.zeros((), dtype).tobytes()

"""The steps of a program as rows: what each computes, from which lines, how much it moves.

In: a simplified jaxpr without consts.  Out: the program as the CPU backend assembles it, and a
Row per step, figures for one run of the step; which thunk each row stands for.
Assembles as `CpuExecutable` does, noting where every thunk came from.
Knows nothing of: time, how rows are shown.
"""

from __future__ import annotations

import dataclasses
import linecache
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backends import blas, cache, parallel
from ..backends.bodies import with_own_results
from ..backends.cpu import Assembler
from ..backends.fusion import Graph, Group
from ..backends.memory import Temporary
from ..backends.pipeline import prepare
from ..backends.products import Product
from ..backends.source_code import KernelSource
from ..backends.thunks import Copy, Fill, For, Gemm, Host, Rows, RunChunks, RunKernel, Switch, While
from ..core.jaxpr import Eqn, Jaxpr, Var
from ..transforms.passes import simplify
from . import flops, work
from .records import Equation, Row

BOOKKEEPING = "BLAS threads"
"""Label of the thunks around a program with products, which have no equation."""


@dataclass(frozen=True)
class Note:
    """Where a thunk came from: a group of a graph, or one equation."""

    origin: str
    group: Group | None = None
    graph: Graph | None = None
    eqn: Eqn | None = None


class Recorder(Assembler):
    """An assembler that remembers what each thunk is for."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: dict[int, Note] = {}
        self.loop_origins: dict[int, str] = {}
        self._graphs: list[Graph] = []

    def program(self, jaxpr: Jaxpr, env: dict[Var, Any]) -> list[Any]:
        self._graphs.append(prepare(jaxpr))
        try:
            return super().program(jaxpr, env)
        finally:
            self._graphs.pop()

    def _kernels(self, group: Group, env: dict[Var, Any], needed: set[Any]) -> list[Any]:
        before = dataclasses.replace(cache.stats)
        thunks = super()._kernels(group, env, needed)
        for thunk in thunks:
            origin = _origin(before, getattr(thunk, "kernel", None))
            self.notes[id(thunk)] = Note(origin, group=group, graph=self._graphs[-1])
        return thunks

    def _library(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        thunks = super()._library(eqn, env)
        for thunk in thunks:
            origin = self.loop_origins.get(id(thunk), "")
            self.notes.setdefault(id(thunk), Note(origin, eqn=eqn))
        return thunks

    def _run_loop(self, source: KernelSource, carries: list[Any]) -> list[Any]:
        before = dataclasses.replace(cache.stats)
        thunks = super()._run_loop(source, carries)
        self.loop_origins[id(thunks[-1])] = _origin(before, thunks[-1].kernel)
        return thunks


def _origin(before: Any, kernel: Any) -> str:
    """How a kernel was come by, from the cache's counters before it was asked for.

    A LateKernel is compiled when the whole program is known.
    """
    now = cache.stats
    if now.compiled > before.compiled or isinstance(kernel, cache.LateKernel):
        return "compiled"
    return "disk" if now.loaded_from_disk > before.loaded_from_disk else "memory"


@dataclass(frozen=True)
class Step:
    """A row, and the key under which its time is measured: a thunk, or a block inside one."""

    row: Row
    key: Any


class Steps:
    """The rows of a program, in order of execution."""

    def __init__(self, recorder: Recorder):
        self.recorder = recorder
        self.found: list[Step] = []
        self.threads = parallel.get_num_threads()
        self.whiles: dict[int, str] = {}
        """Texts of `while` loops that became one kernel, by thunk."""
        self._views: dict[Any, int] = {}

    def walk(self, thunks: Sequence[Any], depth: int = 0, calls: float | None = 1) -> None:
        """Add a row for each thunk and for what is inside it."""
        for thunk in thunks:
            if thunk.label != BOOKKEEPING:
                self._add(thunk, depth, calls)

    def _add(self, thunk: Any, depth: int, calls: float | None) -> None:
        note = self.recorder.notes.get(id(thunk), Note(""))
        describe = getattr(self, f"_{type(thunk).__name__}", self._other)
        row = Row(len(self.found), depth, "", "", calls=calls, origin=note.origin)
        self.found.append(Step(row, id(thunk)))
        describe(thunk, note, row)

    def _block(self, label: str, thunks: Sequence[Any], key: Any, around: Row, calls: Any) -> None:
        """The thunks of a branch, or of one part of a loop, under a row of their own."""
        row = Row(len(self.found), around.depth + 1, "case", label, calls=calls)
        self.found.append(Step(row, key))
        self.walk(thunks, around.depth + 2, calls)

    # ---- kernels

    def _RunKernel(self, thunk: RunKernel, note: Note, row: Row) -> None:
        row.kind, row.label = "kernel", thunk.label
        if id(thunk) in self.recorder.products:
            return self._product(self.recorder.products[id(thunk)], note, row)
        if id(thunk) in self.recorder.packings:
            return self._packing(self.recorder.packings[id(thunk)], row)
        source = self.recorder.by_thunk.get(id(thunk))
        if source is None:  # one of the backend's own, such as sorting
            self._of_equation(note, row)
            return
        row.source = source.text
        if note.group is not None:
            self._group(note, source, row)
        else:
            self._small_loop(thunk, note, row)

    def _RunChunks(self, thunk: RunChunks, note: Note, row: Row) -> None:
        self._RunKernel(thunk, note, row)  # type: ignore[arg-type]
        row.chunks = -(-thunk.n // thunk.chunk)
        row.threads = min(self.threads, row.chunks)

    def _product(self, product: Product, note: Note, row: Row) -> None:
        m, n, k, batch = product.left.rows, product.right.columns, product.left.depth, product.batch
        self._sizes(row, (m, n, k, batch), product.shape.dtype, note)
        if note.eqn is not None:
            row.read_bytes, row.written_bytes = work.of_equation(note.eqn)

    def _packing(self, product: Product, row: Row) -> None:
        """The right operand laid out for a product on our tiles."""
        row.kind, row.label = "pack", f"{product.left.depth}x{product.right.columns}"
        row.read_bytes = row.written_bytes = product.packed_bytes
        row.dtype = product.shape.dtype

    def _sizes(self, row: Row, sizes: tuple[int, ...], dtype: str, note: Note) -> None:
        m, n, k, batch = sizes
        many = f"{batch} x " if batch > 1 else ""
        row.kind, row.label = "product", f"{many}{m}x{k} @ {k}x{n}"
        row.equations = _equations([note.eqn])
        row.flops = flops.of_product(m, n, k, batch, np.dtype(dtype))
        row.dtype = "float64" if dtype in DOUBLE else "float32"

    def _group(self, note: Note, source: KernelSource, row: Row) -> None:
        assert note.group is not None and note.graph is not None
        stored = [v for v in source.entries if v in note.group.values]
        row.label = ", ".join(str(v.aval.strong) for v in stored)
        row.read_bytes, row.written_bytes = work.bytes_of(note.group, stored)
        row.flops = work.flops_of(note.group)
        row.dtype = work.widest(v.aval for v in source.entries)
        row.equations = _equations(equations_of(note.group, note.graph))

    def _small_loop(self, thunk: RunKernel, note: Note, row: Row) -> None:
        """A scan or while that became one kernel."""
        eqn = note.eqn
        assert eqn is not None
        length = eqn.params.get("length")
        row.label = f"{eqn.primitive.name}, one kernel"
        row.trips = length
        if length is None:
            self.whiles[id(thunk)] = row.source
        graphs = [graph for _, graph in bodies(eqn)]
        row.equations = _equations([eqn, *[e for g in graphs for e in g.jaxpr.eqns]])
        row.dtype = work.widest(v.aval for g in graphs for v in g.jaxpr.invars)
        each = [work.flops_of_graph(g) for g in graphs]
        row.flops = None if None in each else sum(each) * (length or 1)  # type: ignore[arg-type]
        sizes = [self._size(entry) for entry in thunk.entries]
        row.read_bytes, row.written_bytes = work.of_text(row.source, sizes)

    def _size(self, entry: Any) -> int | None:
        """Bytes of a buffer."""
        buffer = entry[0] if isinstance(entry, tuple) else entry
        if isinstance(buffer, Var):
            return buffer.aval.nbytes
        if isinstance(buffer, Temporary):
            return buffer.nbytes
        constant = self.recorder.constants.get(buffer)
        return getattr(constant, "nbytes", self._views.get(buffer))

    # ---- library steps and moves

    def _Gemm(self, thunk: Gemm, note: Note, row: Row) -> None:
        m, n, k, batch = thunk.m, thunk.n, thunk.k, thunk.batch
        self._sizes(row, (m, n, k, batch), np.dtype(thunk.dtype).name, note)
        parts = ((thunk.stride_a, m * k), (thunk.stride_b, k * n))
        read = sum(size * (batch if stride else 1) for stride, size in parts)
        itemsize = np.dtype(thunk.dtype).itemsize
        row.read_bytes, row.written_bytes = read * itemsize, m * n * batch * itemsize
        if batch > 1 and blas.blas_words(thunk)[0]:
            row.chunks, row.threads = batch, min(self.threads, batch)

    def _Copy(self, thunk: Copy, note: Note, row: Row) -> None:
        row.kind, row.label = "copy", f"{note.eqn.primitive.name} carry" if note.eqn else ""
        row.equations = _equations([note.eqn])
        row.read_bytes = row.written_bytes = thunk.bytes

    def _Fill(self, thunk: Fill, note: Note, row: Row) -> None:
        row.kind, row.label, row.written_bytes = "fill", "zeros", thunk.bytes
        row.equations = _equations([note.eqn])

    def _Host(self, thunk: Host, note: Note, row: Row) -> None:
        row.kind, row.label = "host", thunk.label
        self._of_equation(note, row)

    def _other(self, thunk: Any, note: Note, row: Row) -> None:
        row.kind, row.label = type(thunk).__name__.lower(), thunk.label
        self._of_equation(note, row)

    def _of_equation(self, note: Note, row: Row) -> None:
        row.equations = _equations([note.eqn])
        if note.eqn is None:
            row.read_bytes = row.written_bytes = row.flops = None
            return
        row.read_bytes, row.written_bytes = work.of_equation(note.eqn)
        row.flops = work.flops_of_equation(note.eqn)
        row.dtype = work.widest(a.aval for a in (*note.eqn.invars, *note.eqn.outvars))

    # ---- loops and branches

    def _For(self, thunk: For, note: Note, row: Row) -> None:
        row.kind, row.label = "loop", note.eqn.primitive.name if note.eqn else "loop"
        row.equations = _equations([note.eqn])
        row.trips = thunk.n if isinstance(thunk.n, int) else None
        inside = None if row.calls is None or row.trips is None else row.calls * row.trips
        self._know(thunk)
        self.walk(thunk.body, row.depth + 1, inside)

    def _Rows(self, thunk: Rows, note: Note, row: Row) -> None:
        self._For(thunk, note, row)
        row.chunks = thunk.region.pieces
        row.threads = min(self.threads, row.chunks)

    def _While(self, thunk: While, note: Note, row: Row) -> None:
        row.kind, row.label = "loop", note.eqn.primitive.name if note.eqn else "loop"
        row.equations = _equations([note.eqn])
        self._know(thunk)
        self._block("condition", thunk.condition, (id(thunk), "condition"), row, None)
        self._block("body", thunk.body, (id(thunk), "body"), row, None)

    def _Switch(self, thunk: Switch, note: Note, row: Row) -> None:
        row.kind, row.label = "branch", note.eqn.primitive.name if note.eqn else "branch"
        row.equations = _equations([note.eqn])
        for k, branch in enumerate(thunk.branches):
            self._block(f"branch {k}", branch, (id(thunk), k), row, None)

    def _know(self, thunk: For | While) -> None:
        """Sizes of the buffers that only a loop's body sees."""
        self._views.update((s.view, abs(s.stride)) for s in thunk.slices)
        for carry in thunk.carries:
            self._views[carry.read] = self._views[carry.write] = carry.bytes


DOUBLE = ("float64", "complex128")


def bodies(eqn: Eqn) -> list[tuple[str, Graph]]:
    """The graphs of a loop's condition and body, as they are compiled."""
    names = ("cond_jaxpr", "body_jaxpr", "jaxpr")
    programs = [(name, eqn.params[name]) for name in names if name in eqn.params]
    return [(name, prepare(with_own_results(simplify(p)))) for name, p in programs]


def equations_of(group: Group, graph: Graph) -> list[Eqn]:
    """The equations that a kernel computes, those it computes where they are read included."""
    producers = {v: e for e in graph.jaxpr.eqns for v in e.outvars}
    groups = [n for n in graph.nodes if isinstance(n, Group)]
    stored = {s.value for g in groups for s in g.stages}
    whole = _whole_values(groups)
    sums = set(whole.values())
    values = [s.value for s in group.stages]
    stack = [producers[whole.get(v, v)] for v in values if v not in sums]
    found: set[Eqn] = set()
    while stack:
        eqn = stack.pop()
        if eqn in found:
            continue
        found.add(eqn)
        inner = [a for a in eqn.invars if isinstance(a, Var) and a not in stored]
        stack.extend(producers[a] for a in inner if a in producers and _is_inline(a, graph))
    # Adding up partial results is one equation; what it adds was computed with them.
    found.update(producers[v] for v in values if v in sums)
    return [e for e in graph.jaxpr.eqns if e in found]


def _is_inline(var: Var, graph: Graph) -> bool:
    """Whether a variable that no stage stores is computed by its readers, not by a library."""
    key = "library results"
    if key not in graph.jaxpr.memo:
        steps = [n for n in graph.nodes if not isinstance(n, Group)]
        graph.jaxpr.memo[key] = {v for n in steps for v in n.eqn.outvars}
    return var not in graph.jaxpr.memo[key]


def _whole_values(groups: list[Group]) -> dict[Any, Any]:
    """For partial results of a fold cut into chunks, the variable they add up to."""
    partial = {s.value for g in groups for s in g.stages if s.kind == "accumulate"}
    out: dict[Any, Any] = {}
    for group in groups:
        for stage in group.stages:
            if stage.kind == "reduce" and stage.expr.kind == "load" and stage.expr.data in partial:
                out[stage.expr.data] = stage.value
    return out


def _equations(eqns: Sequence[Eqn | None]) -> list[Equation]:
    return [_equation(e) for e in eqns if e is not None]


def _equation(eqn: Eqn) -> Equation:
    result = " ".join(str(v.aval.strong) for v in eqn.outvars)
    file, line, function = eqn.source
    code = linecache.getline(file, line).strip() if file else ""
    return Equation(eqn.primitive.name, result, file, line, function, code)

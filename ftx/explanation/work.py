"""What a kernel has to do: the bytes it touches and its floating-point operations.

In: a group of stages, or the programs inside a loop.  Out: numbers, for one run.
Bytes: every buffer once, the part that the ranges of its indices cover, however often an element
is read; what a kernel writes and reads again counts as written.  Operations: each node of the
stages' expressions, as often as the loops around its place in the text run.
Knows nothing of: time, machines.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from ..backends.fusion import Graph, Group, loads_of, pieces_of
from ..backends.loops import Expr, Index, IndexOp, LoopVar, Stage
from ..backends.nests import loops_of
from ..core import dtypes
from ..core.jaxpr import Eqn, Literal
from ..core.primitives.dot import DotGeneral
from ..core.types import ShapedArray
from . import flops

# ---- Bytes -------------------------------------------------------------------------------------


def bytes_of(group: Group, stored: Iterable[Any]) -> tuple[int, int]:
    """(read, written) by one run of a kernel; `stored` are its values that go to memory."""
    own = group.values
    read: dict[Any, list[tuple[Expr, Stage]]] = {}
    for stage in pieces_of(group):
        for load in loads_of(stage):
            if load.data not in own:
                read.setdefault(load.data, []).append((load, stage))
    inside = sum(_covered(value.aval, found) for value, found in read.items())
    return inside, sum(value.aval.nbytes for value in stored)


def _covered(aval: ShapedArray, reads: list[tuple[Expr, Stage]]) -> int:
    """Bytes of a buffer that the loads reach: their common box, or all that they name."""
    boxes = [[_range(i, n) for i, n in zip(e.args, aval.shape, strict=True)] for e, _ in reads]
    box = math.prod(
        max(high for _, high in axis) - min(low for low, _ in axis) + 1
        for axis in zip(*boxes, strict=True)
    )
    named = sum(math.prod(v.size for v in _counters(e, stage)) for e, stage in reads)
    return min(box, named) * aval.dtype.itemsize


def _range(index: Index, size: int) -> tuple[int, int]:
    """Ends of an index inside an axis; one computed from values may be anywhere."""
    return max(index.low, 0), min(index.high, size - 1)


def _counters(expr: Expr, stage: Stage) -> list[LoopVar]:
    return [v for v in (*stage.axes, *stage.fold) if v in expr.depends]


def of_equation(eqn: Eqn) -> tuple[int, int]:
    """(read, written) by a library step."""
    ins = {a: a.aval.nbytes for a in eqn.invars if not isinstance(a, Literal)}
    return sum(ins.values()), sum(v.aval.nbytes for v in eqn.outvars)


def of_text(text: str, sizes: list[int | None]) -> tuple[int | None, int | None]:
    """(read, written) by a kernel of which only the text tells; sizes of its buffers in order."""
    read = written = 0
    for name, position in re.findall(r"^\s*(p\d+) = pointer_\w+\(args, (\d+)\)", text, re.M):
        size = sizes[int(position)]
        uses = len(re.findall(rf"\b{name}\[", text))
        stores = len(re.findall(rf"^\s*{name}\[.*?\] = ", text, re.M))
        if size is None and uses:
            return None, None
        read += (size or 0) * (uses > stores)
        written += (size or 0) * (stores > 0)
    return read, written


# ---- Operations --------------------------------------------------------------------------------


def flops_of(group: Group) -> int:
    """Of one run of a kernel."""
    return sum(_stage_flops(s, group.depth) for s in pieces_of(group))


def _stage_flops(stage: Stage, depth: int) -> int:
    lead = (stage.fold if stage.kind == "accumulate" else stage.axes)[:depth]
    order = {v: k for k, v in enumerate([*lead, *[v for v, _ in loops_of(stage, depth)]])}
    sizes = [v.size for v in order]
    total = 0
    for node in _nodes(stage):
        if node.kind == "call":
            each = flops.of_operation(node.data, node.dtype, node.args[0].dtype)
            around = max((order[v] + 1 for v in node.depends if v in order), default=0)
            total += each * math.prod(sizes[:around])
    if stage.kind in ("reduce", "accumulate", "running", "scatter"):
        total += flops.of_operation(stage.op, stage.dtype, stage.dtype) * math.prod(sizes)
    return total


def _nodes(stage: Stage) -> list[Expr]:
    """Every expression of a stage once, also those inside its indices."""
    found: dict[int, Any] = {}
    stack: list[Any] = [stage.expr, stage.guard, *stage.place]
    while stack:
        node = stack.pop()
        if node is None or id(node) in found:
            continue
        if isinstance(node, Index):
            found[id(node)] = node
            stack.extend(a for a, _ in node.terms)
        elif isinstance(node, IndexOp | Expr):
            found[id(node)] = node
            stack.extend(a for a in node.args if isinstance(a, Index | IndexOp | Expr))
    return [n for n in found.values() if isinstance(n, Expr)]


def flops_of_graph(graph: Graph) -> int | None:
    """Of one run of a loop's body; None if a part of it has no count."""
    counts = [
        flops_of(n) if isinstance(n, Group) else flops_of_equation(n.eqn) for n in graph.nodes
    ]
    return sum(c for c in counts if c is not None) if None not in counts else None


def flops_of_equation(eqn: Eqn) -> int | None:
    """Of a library step; of loops and branches, whose steps have rows of their own, nothing."""
    if isinstance(eqn.primitive, DotGeneral):
        out = eqn.outvars[0].aval
        lhs, _, result = re.split(r",|->", eqn.params["spec"])
        size = dict(zip(lhs, eqn.invars[0].aval.shape, strict=True))
        summed = math.prod(n for label, n in size.items() if label not in result)
        return flops.of_product(out.size, 1, summed, 1, out.dtype)
    return flops.of_library(eqn)


def widest(avals: Iterable[ShapedArray]) -> str:
    """The dtype whose arithmetic peak applies: float64 if any value has it."""
    double = (dtypes.float64, dtypes.complex128)
    return "float64" if any(a.dtype in double for a in avals) else "float32"

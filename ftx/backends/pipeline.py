"""The compiler down to kernels, in the order it happens.

In: a jaxpr without consts.  Out: a Graph of kernels and library steps (memoised on the jaxpr).
With FTX_DUMP every stage is written to a file, with FTX_DEBUG >= 2 it is timed, with FTX_CHECK
its result is checked.
Knows nothing of: machine code.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.check import check_jaxpr
from ..core.config import config
from ..core.jaxpr import Jaxpr
from ..transforms.passes import simplify
from ..transforms.passes.dce import drop_unused
from .convolutions import canonical_convs
from .counts import loops_of_counts
from .fusion import Graph, Group, fuse
from .library import canonical_dots
from .sorting import canonical_sorts


@dataclass(frozen=True)
class Stage:
    """One step: its name and what it does."""

    name: str
    run: Callable[[Any], Any]


STAGES = (
    Stage("simplify", simplify),
    Stage("counts", loops_of_counts),
    Stage("convolutions", canonical_convs),
    Stage("products", canonical_dots),  # before fusion: it adds transposes that are stored
    Stage("sorts", canonical_sorts),  # likewise
    Stage("tidy", drop_unused),  # transposes absorbed by products
    Stage("fuse", fuse),
)
_numbers = itertools.count()


def prepare(jaxpr: Jaxpr) -> Graph:
    """Run every stage on `jaxpr`."""
    key = ("graph", config.disable)
    if key not in jaxpr.memo:
        jaxpr.memo[key] = _run(jaxpr)
    return jaxpr.memo[key]


def set_graph(jaxpr: Jaxpr, graph: Graph) -> None:
    """Have `prepare` return this graph."""
    jaxpr.memo["graph", config.disable] = graph


def _run(jaxpr: Jaxpr) -> Graph:
    result: Any = jaxpr
    number = next(_numbers)
    for i, stage in enumerate(STAGES):
        start = time.perf_counter()
        result = stage.run(result)
        seconds = time.perf_counter() - start
        if config.check and isinstance(result, Jaxpr):
            check_jaxpr(result, stage.name)
        if config.debug >= 2:
            print(f"ftx: {jaxpr.name}: {stage.name} {1e3 * seconds:.1f} ms", file=sys.stderr)
        if config.dump:
            _dump(f"{number:03d}_{jaxpr.name}_{i}_{stage.name}.txt", result)
    return result


def _dump(name: str, result: Any) -> None:
    folder = Path(config.dump)
    folder.mkdir(parents=True, exist_ok=True)
    safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in name)
    (folder / safe).write_text(describe(result) + "\n")


def describe(result: Any) -> str:
    """A stage's result as text."""
    if not isinstance(result, Graph):
        return str(result)
    lines = []
    for node in result.nodes:
        if isinstance(node, Group):
            lines.append(f"kernel over {node.outer or 'one thread'}:")
            lines += [f"    {s.kind} {s.label} {s.dtype}{list(s.shape)}" for s in node.stages]
        else:
            lines.append(f"library: {node.eqn.primitive.name}")
    return "\n".join(lines)

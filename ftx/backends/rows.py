"""Loops whose steps are independent, on all threads: rows of `vmap` that choose, `lax.map`.

In: the assembled body of a loop without carry, and what it was assembled from.  Out: a thunk that
runs pieces of the loop at once, each with temporaries of its own; None where that does not pay.
A piece computes its rows as one thread would, so the results do not depend on the pieces.
Called by the CPU assembler.  Knows nothing of: jaxprs, kernels' texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.config import config
from . import parallel
from .loop_kernels import UNKNOWN_TRIPS
from .memory import ALIGNMENT, Temporary, plan
from .thunks import For, Gemm, Host, Rows, RunChunks, RunKernel, Slice, Switch, Thunk, While

ENOUGH = 1 << 19
"""Units (`costs.COST`) in a loop from which it is worth a fork-join."""
CALL = 256
"""Units that calling a kernel costs."""
PIECES_PER_THREAD = 4
"""More than one, since rows may differ in cost."""
MAX_BYTES = 1 << 26
"""Of the pieces' temporaries, together."""


@dataclass(eq=False)
class Region:
    """The temporaries of a parallel loop's body, of which every piece has its own."""

    private: set[Temporary]
    pieces: int
    stride: int = 0
    """Bytes from one piece's temporaries to the next's; known when memory is planned."""
    offsets: dict[Temporary, int] = field(default_factory=dict)


def in_pieces(
    assembler: Any, length: int, body: Sequence[Thunk], slices: Sequence[Slice], created: int
) -> Rows | None:
    """The loop in pieces, if it does enough; `created`: temporaries that were there before."""
    pieces = min(length, PIECES_PER_THREAD * parallel.default_threads())
    if pieces < 2 or not config.enabled("parallel") or not config.enabled("parallel_rows"):
        return None
    inside = list(_walk(body))
    if any(isinstance(t, (Host, Rows)) for t in inside):
        return None
    if length * sum(_units(t, assembler) for t in body) < ENOUGH:
        return None
    outside = {e for front in assembler.fronts for t in front.thunks for e in _entries(t)}
    private = set(assembler.temporaries[created:]) - outside
    if pieces * sum(t.nbytes + ALIGNMENT for t in private) > MAX_BYTES:
        return None
    region = Region(private, pieces)
    assembler.regions.append(region)
    return Rows(length, body, slices, region=region)


def plan_memory(temporaries: list[Temporary], regions: Sequence[Region]) -> Any:
    """`plan`, with a copy of its temporaries for every piece of a parallel loop."""
    shared = list(temporaries)
    blocks = []
    for region in regions:
        own = [t for t in temporaries if t in region.private]
        region.offsets, region.stride = plan(own)
        if not own:
            continue
        first, last = min(t.first for t in own), max(t.last for t in own)
        block = Temporary(region.pieces * region.stride, first, last)
        blocks.append((block, region))
        shared = [t for t in shared if t not in region.private] + [block]
    offsets, total = plan(shared)
    for block, region in blocks:
        start = offsets.pop(block)
        offsets |= {t: start + at for t, at in region.offsets.items()}
    return offsets, total


def _walk(thunks: Sequence[Thunk]) -> Iterator[Thunk]:
    """All thunks, those in loops and branches too."""
    for thunk in thunks:
        yield thunk
        for block in _blocks(thunk):
            yield from _walk(block)


def _blocks(thunk: Any) -> list[Sequence[Thunk]]:
    if isinstance(thunk, For):
        return [thunk.body]
    if isinstance(thunk, While):
        return [thunk.condition, thunk.body]
    return list(thunk.branches) if isinstance(thunk, Switch) else []


def _entries(thunk: Any) -> set[Any]:
    """The buffers that a thunk before a loop reads and writes."""
    return {e[0] if isinstance(e, tuple) else e for e in getattr(thunk, "entries", ())}


def _units(thunk: Any, assembler: Any) -> int:
    """About what running a thunk once costs; of branches the dearest."""
    if isinstance(thunk, (RunKernel, RunChunks)):
        source, product = assembler.by_thunk.get(id(thunk)), assembler.products.get(id(thunk))
        work = source.work if source else product.multiplications if product else 0
        return CALL + work
    if isinstance(thunk, Gemm):
        return CALL + thunk.batch * thunk.m * thunk.n * thunk.k
    every = [sum(_units(t, assembler) for t in block) for block in _blocks(thunk)]
    if isinstance(thunk, Switch):
        return max(every)
    trips = getattr(thunk, "n", UNKNOWN_TRIPS)
    return CALL + sum(every) * (trips if isinstance(trips, int) else UNKNOWN_TRIPS)

"""Which values of a shard_map's body vary over the mesh, and what gradients inside may differ.

In: values of the function being traced.  Out: the axes along which each varies.
Found by batching what has been traced so far, so that it is what shard_map itself will find.
Knows nothing of: meshes, and how gradients are taken.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..core.errors import InnerGradientError
from ..core.jaxpr import Jaxpr, Var, eqn_axes
from ..core.primitive import BatchAxis
from ..core.state import STATE
from ..core.tracing import Trace, Tracer
from .passes.dce import drop_unused
from .vmap import batched_jaxpr

Names = frozenset[str]


class Blocks(NamedTuple):
    """The blocks on which a function is being traced under check_vma."""

    outer: Trace | None
    sizes: dict[str, int]
    args: list[Names]
    """Along which axes each argument varies."""
    nested: bool


class _UnknownError(Exception):
    """A value comes from an argument of which it is not known how it varies."""


@contextlib.contextmanager
def tracing_blocks(sizes: dict[str, int], args: list[Names], checked: bool) -> Iterator[None]:
    """Trace the body of a shard_map for the length of the block."""
    before = STATE.blocks
    if checked:
        STATE.blocks = Blocks(STATE.trace, sizes, args, before is not None)
    try:
        yield
    finally:
        STATE.blocks = before


def checked_names(names: Sequence[str]) -> tuple[str, ...]:
    """Those of the names that are axes of a shard_map with check_vma."""
    return tuple(n for n in names if STATE.blocks is not None and n in STATE.blocks.sizes)


def check_inner_gradient(linear: Jaxpr, inputs: Sequence[Any], outs: Sequence[Any]) -> None:
    """Raise InnerGradientError if JAX would add up, over the mesh, what is summed here by rows.

    It would where a collective is transposed, and where what is differentiated is one value for
    all blocks and a result varies.
    """
    blocks = STATE.blocks
    if blocks is None:
        return
    used = [n for n in blocks.sizes if any(n in eqn_axes(eqn) for eqn in linear.eqns)]
    if used:
        raise InnerGradientError(
            "grad inside shard_map: expected a function without collectives over the mesh, got "
            f"one over {used}; take the gradient of the shard_mapped function instead, outside, "
            "or pass check_vma=False, where psum transposes to psum as in pmap"
        )
    results = _axes_or(outs, blocks, frozenset(blocks.sizes))
    own = _axes_or(inputs, blocks, frozenset())
    missing = frozenset().union(*(r - o for r in results for o in own))
    if missing:
        raise InnerGradientError(
            "grad inside shard_map: expected to differentiate by values that vary over the mesh "
            f"as the result does, got one value for all blocks along {sorted(missing)} (or one "
            "not known to vary), whose gradient JAX sums over the mesh; take the gradient of the "
            "shard_mapped function instead, outside, or differentiate by ftx.lax.pcast(x, "
            f"{tuple(sorted(missing))}, to='varying') and psum that gradient, or pass "
            "check_vma=False"
        )


def _axes_or(values: Sequence[Any], blocks: Blocks, unknown: Names) -> list[Names]:
    try:
        return varying_axes(values, blocks)
    except _UnknownError:
        return [unknown] * len(values)


def varying_axes(values: Sequence[Any], blocks: Blocks) -> list[Names]:
    """Along which axes each value varies.

    Raises: _UnknownError where that depends on arguments of a loop's body, or of an inner jit.
    """
    if blocks.nested:
        raise _UnknownError
    by_trace: dict[Trace, list[Tracer]] = {}
    for v in values:
        if type(v) is Tracer:
            by_trace.setdefault(v.trace, []).append(v)
    found: dict[Var, Names] = {}
    for trace, tracers in by_trace.items():
        wanted = tuple(t.var for t in tracers)
        found.update(zip(wanted, _in_trace(trace, wanted, blocks), strict=True))
    return [found[v.var] if type(v) is Tracer else frozenset() for v in values]


def _in_trace(trace: Trace, wanted: tuple[Var, ...], blocks: Blocks) -> list[Names]:
    if trace is blocks.outer or not trace.alive:
        return [frozenset()] * len(wanted)
    captured = tuple(var for var, _, _ in trace.captured.values())
    whole = Jaxpr((), trace.args + captured, tuple(trace.eqns), wanted, trace.name)
    program = drop_unused(whole)
    read = {a for eqn in program.eqns for a in eqn.invars} | set(wanted)
    needed = tuple(v for v in program.invars if v in read)
    program = Jaxpr((), needed, program.eqns, wanted, trace.name)
    given = [_of_binder(trace, v, blocks) for v in needed]
    return _propagate(program, given, blocks.sizes)


def _of_binder(trace: Trace, var: Var, blocks: Blocks) -> Names:
    if var in trace.known:
        return varying_axes([trace.known[var]], blocks)[0]
    if trace.parent is blocks.outer and var in trace.args:
        return blocks.args[trace.args.index(var)]
    raise _UnknownError


def _propagate(program: Jaxpr, given: list[Names], sizes: dict[str, int]) -> list[Names]:
    found: list[Names] = [frozenset()] * len(program.outvars)
    for name, size in sizes.items():
        dims = [0 if name in names else None for names in given]
        _, varies = batched_jaxpr(program, BatchAxis(size, name), dims)
        found = [f | {name} if d is not None else f for f, d in zip(found, varies, strict=True)]
    return found

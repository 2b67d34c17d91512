"""Bodies of loops and branches on their way into a program: named, settled, with their own results.

In: a jaxpr, the buffers of its arguments and results.  Out: the jaxpr to assemble and the buffer of
every name in it; what a loop that is one kernel reads and writes.
Called by the CPU assembler.  Knows nothing of: thunks, memory plans.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.config import config
from ..core.jaxpr import Eqn, Jaxpr, Literal, Var
from ..core.primitives.shape import copy_p
from ..transforms.passes import as_simplified, simplify
from . import loop_kernels
from .fusion import Graph
from .in_place import updated_in_place
from .pipeline import prepare
from .thunks import Carry, Slice

UNDEFINED = "undefined"
"""In place of a buffer: contents that nobody reads before they are written."""


def is_undefined(atom: Any, env: Any) -> bool:
    """Whether a loop that updates `atom` in place may begin with any contents."""
    return isinstance(atom, Var) and env.get(atom) is UNDEFINED


def named_body(jaxpr: Jaxpr, env: dict[Var, Any], outs: Sequence[Any]) -> Any:
    """A body that writes its results into the buffers `outs`, and its names for buffers."""
    body = with_own_results(simplify(jaxpr))
    names = dict(zip(body.invars, (env[v] for v in jaxpr.invars), strict=True))
    return body, names | dict(zip(body.outvars, outs, strict=True))


def with_updates_in_place(jaxpr: Jaxpr, start: int, n_carry: int) -> tuple[Jaxpr, set[int]]:
    """A body whose carry begins at argument `start`, with its safe updates in place."""
    carry = jaxpr.invars[start : start + n_carry]
    if any(given is out for given, out in zip(carry, jaxpr.outvars, strict=False)):
        return jaxpr, set()
    body, found = updated_in_place(
        with_own_results(simplify(jaxpr)), {v: i for i, v in enumerate(carry)}
    )
    if not found:
        return jaxpr, found
    body.memo["own results", config.disable] = body
    return body, found


def slots_of(carries: list[Carry], body: Jaxpr, names: dict[Var, Any]) -> list[Any]:
    """The carry of a loop that is one kernel: read where it ends up, written beside it."""
    avals = {names[v]: v.aval for v in body.invars if v in names}
    return [loop_kernels.Slot(c.out, c.spare, avals[c.read]) for c in carries]


def on_the_carry(named: Any, carries: list[Carry]) -> Any:
    """The graph of a body, and its names with the carry's real buffers."""
    body, names = named
    real = {c.read: c.out for c in carries} | {c.write: c.spare for c in carries}
    return prepare(body), {v: real.get(b, b) for v, b in names.items()}


def row_of(s: Slice) -> Any:
    whole = s.of[0] if isinstance(s.of, tuple) else s.of
    return loop_kernels.Row(whole, abs(s.stride))


def row_slice(view: Any, whole: Any, nbytes: int, length: int, reverse: bool) -> Any:
    start = (whole, (length - 1) * nbytes) if reverse and length else whole
    return Slice(view, start, -nbytes if reverse else nbytes)


def needed_in_memory(graph: Graph) -> set[Any]:
    """Values that leave the kernel that computes them."""
    needed: set[Any] = {a for a in graph.jaxpr.outvars if isinstance(a, Var)}
    for node in graph.nodes:
        needed |= node.reads - node.values
    return needed


def with_own_results(jaxpr: Jaxpr) -> Jaxpr:
    """The simplified program with every result a distinct variable it computes (memoised)."""
    key = ("own results", config.disable)
    if key not in jaxpr.memo:
        seen: set[Any] = set(jaxpr.invars)
        eqns, outs = list(jaxpr.eqns), []
        for atom in jaxpr.outvars:
            if isinstance(atom, Literal) or atom in seen:
                fresh = Var(atom.aval)
                eqns.append(Eqn(copy_p, (atom,), {}, (fresh,)))
                atom = fresh
            seen.add(atom)
            outs.append(atom)
        jaxpr.memo[key] = as_simplified(jaxpr.with_eqns(eqns, outs))
    return jaxpr.memo[key]


def only_results(jaxpr: Jaxpr, kept: tuple[int, ...]) -> Jaxpr:
    key = ("only", kept)
    if key not in jaxpr.memo:
        outs = [jaxpr.outvars[i] for i in kept]
        jaxpr.memo[key] = jaxpr.with_eqns(jaxpr.eqns, outs)
    return jaxpr.memo[key]

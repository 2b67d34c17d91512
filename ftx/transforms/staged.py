"""What the primitives that hold programs share: tracing bodies, evaluating through a backend.

In: bodies as functions of trees, or jaxprs.  Out: jaxprs without consts, results.
Knows nothing of: the meaning of any particular loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core import dtypes, tree
from ..core.array import as_array
from ..core.config import config
from ..core.errors import CarryError
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr
from ..core.primitive import Primitive
from ..core.primitives.selection import convert
from ..core.state import STATE, interpreting
from ..core.tracing import trace
from ..core.types import ShapedArray
from .calling import FlatFunction, as_value
from .compiled import executable_of


class Staged(Primitive):
    """A primitive that holds programs: evaluated by compiling a program of just itself."""

    def evaluate(self, args: tuple[Any, ...], params: dict[str, Any]) -> list[Any]:
        values = [as_array(a) for a in args]
        if config.disable_jit or STATE.interpreting:
            with interpreting():
                return self.run(values, params)
        return executable_of(self._program(values, params))(*values)

    def run(self, args: Sequence[Any], params: dict[str, Any]) -> list[Any]:
        """The result by interpretation, on Arrays."""
        return self._missing("run")

    def alone(self, *args: Any, **params: Any) -> list[Any]:
        """What is computed where this is the whole program."""
        return self.bind(*args, **params)

    def _program(self, values: Sequence[Any], params: dict[str, Any]) -> Jaxpr:
        avals = tuple(v.aval for v in values)
        holder = next(
            v if isinstance(v, Jaxpr) else v[0]
            for v in params.values()
            if isinstance(v, Jaxpr) or (isinstance(v, tuple) and v and isinstance(v[0], Jaxpr))
        )
        key = (self.name, avals, tuple(sorted((k, v) for k, v in params.items() if _plain(v))))
        if key not in holder.memo:
            holder.memo[key] = trace(lambda *xs: self.alone(*xs, **params), avals, name=self.name)
        return holder.memo[key]


def _plain(value: Any) -> bool:
    return isinstance(value, (int, bool, str, type(None)))


def trace_body(
    fun: Callable[..., Any], in_tree: tree.PyTreeDef, avals: Sequence[ShapedArray], name: str
) -> tuple[Jaxpr, tree.PyTreeDef]:
    """The program of a loop body or branch, and its result's structure."""
    flat = FlatFunction(fun, in_tree)
    jaxpr = trace(flat, avals, name=name)
    assert flat.out_tree is not None
    return jaxpr, flat.out_tree


def with_shared_consts(jaxprs: Sequence[Jaxpr]) -> tuple[list[Jaxpr], list[Any]]:
    """Programs without consts that all take every program's consts first, and those consts."""
    consts = [c for j in jaxprs for c in j.consts]
    if not consts:
        return list(jaxprs), []
    out, start = [], 0
    avals = [c.aval for c in consts]
    for j in jaxprs:
        out.append(_taking(j, start, avals))
        start += len(j.consts)
    return out, consts


def _taking(jaxpr: Jaxpr, start: int, avals: Sequence[ShapedArray]) -> Jaxpr:
    n, mine = len(avals), len(jaxpr.consts)
    closed = jaxpr.closed()

    def run(*args: Any) -> list[Any]:
        return eval_jaxpr(closed, [*args[start : start + mine], *args[n:]])

    return trace(run, [*avals, *jaxpr.in_avals], name=jaxpr.name)


def reorder(
    jaxpr: Jaxpr, avals: Sequence[ShapedArray], before: Callable[..., Any], after: Any = None
) -> Jaxpr:
    """A program taking arguments of types `avals`, which `before` turns into the old ones.

    `after` rearranges the results.  Requires: no consts.
    """

    def run(*args: Any) -> list[Any]:
        outs = eval_jaxpr(jaxpr, before(*args))
        return after(outs) if after else outs

    return trace(run, avals, name=jaxpr.name)


def split(values: Sequence[Any], *sizes: int) -> list[list[Any]]:
    """Consecutive groups of the given sizes, and the rest."""
    out, start = [], 0
    for size in sizes:
        out.append(list(values[start : start + size]))
        start += size
    return [*out, list(values[start:])]


def select_by(flags: Sequence[bool], values: Sequence[Any]) -> list[Any]:
    """The values whose flag is set."""
    return [v for f, v in zip(flags, values, strict=True) if f]


def spread(flags: Sequence[bool], values: Sequence[Any]) -> list[Any]:
    """Values at the set flags, None elsewhere."""
    given = iter(values)
    return [next(given) if f else None for f in flags]


def settle_carry(
    name: str,
    init: Sequence[Any],
    in_tree: Any,
    trace_once: Callable[[Any], tuple[Jaxpr, Any, int]],
) -> tuple[list[Any], Jaxpr, Any]:
    """Initial carry converted so that the body returns the types it takes.

    A weakly typed initial value takes the dtype the body gives it.  `trace_once(avals)` returns
    the body's jaxpr, its output tree, and how many of its outputs are carry.
    Raises: CarryError naming the leaf whose shape or dtype the body changes.
    """
    values = [as_value(v) for v in init]
    for _ in range(4):
        jaxpr, out_tree, n = trace_once([v.aval for v in values])
        if n != len(values):
            break
        outs = jaxpr.out_avals[:n]
        changed = [_settled(v, o) for v, o in zip(values, outs, strict=True)]
        if all(c is v for c, v in zip(changed, values, strict=True)):
            check_carry(name, [v.aval for v in values], outs, in_tree)
            return values, jaxpr, out_tree
        values = changed
    check_carry(name, [v.aval for v in values], jaxpr.out_avals[:n], in_tree)
    return values, jaxpr, out_tree


def _settled(value: Any, out: ShapedArray) -> Any:
    """`value` in the type the body returns, where weakness allows."""
    aval = value.aval
    if aval is out or aval.shape != out.shape or not aval.weak_type:
        return value
    joined = dtypes.promote_types(aval.dtype, out.dtype) if out.weak_type else out.dtype
    rank = lambda a: "bifc".index(dtypes.kind(a.dtype))
    if rank(aval) > rank(out) and not out.weak_type:
        return value
    return convert(value, joined, aval.weak_type and out.weak_type)


def check_carry(name: str, ins: Sequence[Any], outs: Sequence[Any], in_tree: Any) -> None:
    """Raise CarryError at the first leaf whose type changes."""
    if len(ins) != len(outs):
        raise CarryError(
            f"{name}: expected the body to return a carry of structure {in_tree} with "
            f"{len(ins)} leaves, got {len(outs)}"
        )
    for i, (a, b) in enumerate(zip(ins, outs, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            paths = tree.leaves_with_path(tree.unflatten(in_tree, range(in_tree.num_leaves)))
            raise CarryError(
                f"{name}: expected the body to return the carry's types, got {b} for {a} at "
                f"carry{tree.keystr(paths[i][0])}: {_cause(a, b)}"
            )


def _cause(a: ShapedArray, b: ShapedArray) -> str:
    """What probably makes the carry `a` become `b`, and what to do."""
    if a.shape != b.shape:
        cause = "the shape changes, as when an operand with more axes is broadcast into it"
        if a.ndim == b.ndim:
            cause = "the shape changes, as when rows are appended in every step"
        advice = "start with an array of the final shape, or reduce or reshape the result"
    elif a.weak_type:
        cause = f"the dtype changes: the initial value is a Python number, weakly {a.dtype.name}"
        advice = f"start with an array of dtype {b.dtype.name}, or convert the result with astype"
    elif b.weak_type:
        cause = f"the dtype changes: the result is a Python number, weakly {b.dtype.name}"
        advice = f"return an array of dtype {a.dtype.name}"
    else:
        cause = f"the dtype changes, as when something of dtype {b.dtype.name} is mixed in"
        advice = f"convert the result with astype({a.dtype.name}), or start with {b.dtype.name}"
    return f"{cause}; {advice}"


def same_types(jaxpr: Jaxpr, avals: Sequence[ShapedArray], start: int = 0) -> Jaxpr:
    """`jaxpr` whose outputs from `start` on are converted to the given types' weakness."""
    n = len(avals)
    outs = jaxpr.out_avals[start : start + n]
    if all(o is a for o, a in zip(outs, avals, strict=True)):
        return jaxpr
    closed = jaxpr.closed()

    def run(*args: Any) -> list[Any]:
        results = eval_jaxpr(closed, args)
        for i, a in enumerate(avals):
            results[start + i] = convert(results[start + i], a.dtype, a.weak_type)
        return results

    result = trace(run, [v.aval for v in closed.invars], name=jaxpr.name)
    return Jaxpr(jaxpr.consts + result.consts, *_bound(result, len(jaxpr.consts)))


def _bound(jaxpr: Jaxpr, n_consts: int) -> tuple[Any, ...]:
    own = len(jaxpr.consts)
    binders = jaxpr.invars[own : own + n_consts] + jaxpr.invars[:own]
    return binders + jaxpr.invars[own + n_consts :], jaxpr.eqns, jaxpr.outvars, jaxpr.name

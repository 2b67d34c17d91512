"""cond and switch: run one of several programs, chosen by a value.

In: an index or truth value, branches, operands.  Out: the chosen branch's result.
Derivatives take the same branch; residuals of the branches not taken are zeros.
Knows nothing of: how a backend jumps.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import dtypes, key_reuse, tree
from ..core.array import Array
from ..core.errors import ArgumentError, BranchError
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr, is_effectful, used_axes
from ..core.not_given import NOT_GIVEN
from ..core.primitive import BatchAxis, Linear
from ..core.primitives import elementwise as E
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.state import STATE
from ..core.tracebacks import api_boundary
from ..core.tracing import Tracer, trace
from ..core.types import ShapedArray
from .calling import as_value, check_callable, name_of
from .jvp import jvp_jaxpr, zeros
from .linearize import linearized
from .scan import row_by_row
from .staged import Staged, select_by, spread, trace_body, with_shared_consts
from .transpose import transposed
from .vmap import batch, batched_jaxpr


class Cond(Staged):
    """Operands: index (int32, clamped), then the operands of every branch."""

    def abstract_eval(self, *avals: Any, branches: tuple[Jaxpr, ...]) -> list[ShapedArray]:
        return branches[0].out_avals

    def run(self, args: Any, params: dict[str, Any]) -> list[Any]:
        branches = params["branches"]
        which = min(max(int(args[0]), 0), len(branches) - 1)
        return eval_jaxpr(branches[which], args[1:])

    def jvp(
        self, primals: Any, tangents: Any, *, branches: tuple[Jaxpr, ...]
    ) -> tuple[list[Any], list[Any]]:
        varies = [t is not None for t in tangents[1:]]
        moved = _union(jvp_jaxpr(b, varies)[1] for b in branches)
        programs = [jvp_jaxpr(b, varies, moved)[0] for b in branches]
        n = len(moved)
        outs = bind_cond(
            primals[0], programs, [*primals[1:], *[t for t in tangents[1:] if t is not None]]
        )
        return outs[:n], spread(moved, outs[n:])

    def linearize(
        self, primals: Any, tangents: Any, *, branches: tuple[Jaxpr, ...]
    ) -> tuple[list[Any], list[Any]]:
        """Known branches return every branch's residuals, zeros for those not taken."""
        varies = [t is not None for t in tangents[1:]]
        moved = _union(linearized(b, varies)[2] for b in branches)
        parts = [linearized(b, varies, moved) for b in branches]
        n = len(moved)
        avals = [known.out_avals[n:] for known, _, _ in parts]
        known = [_with_slots(k, avals, i, n) for i, (k, _, _) in enumerate(parts)]
        given = [t for t in tangents[1:] if t is not None]
        linear = [
            _from_slots(lin, avals, i, [t.aval.strong for t in given])
            for i, (_, lin, _) in enumerate(parts)
        ]
        outs = bind_cond(primals[0], known, primals[1:])
        touts = bind_cond(primals[0], linear, [*outs[n:], *given])
        return outs[:n], spread(moved, touts)

    def transpose(self, cts: Any, which: Any, *args: Any, branches: tuple[Jaxpr, ...]) -> list[Any]:
        linear = [isinstance(a, Linear) for a in args]
        nonzero = [ct is not None for ct in cts]
        found = _union(transposed(b, linear, nonzero)[1] for b in branches)
        avals = select_by(linear, [v.aval.strong for v in branches[0].invars])
        programs = []
        for b in branches:
            back, mine = transposed(b, linear, nonzero)
            programs.append(_filled(back, mine, found, avals))
        known = [a for a, lin in zip(args, linear, strict=True) if not lin]
        outs = bind_cond(which, programs, [*known, *[ct for ct in cts if ct is not None]])
        per_linear = iter(spread(found, outs))
        return [None, *[next(per_linear) if lin else None for lin in linear]]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, branches: tuple[Jaxpr, ...]
    ) -> tuple[list[Any], list[Any]]:
        (which, *ops), (d, *ds) = args, dims
        moved = S.batch_in_front(ops, ds, axis.size)
        op_dims = [None if k is None else 0 for k in ds]
        if d is None:
            varies = _union(
                [k is not None for k in batched_jaxpr(b, axis, op_dims)[1]] for b in branches
            )
            programs = [batched_jaxpr(b, axis, op_dims, varies)[0] for b in branches]
            return bind_cond(which, programs, moved), [0 if v else None for v in varies]
        which = S.move_batch_axis(which, d, 0, axis.size)
        if not axis.selects and axis.name not in set().union(*map(used_axes, branches)):
            return _row_by_row(axis, which, moved, op_dims, branches), [0] * len(
                branches[0].outvars
            )
        every = [True] * len(branches[0].outvars)
        results = [eval_jaxpr(batched_jaxpr(b, axis, op_dims, every)[0], moved) for b in branches]
        return [_choose(which, cases) for cases in zip(*results, strict=True)], [0] * len(every)


def _row_by_row(
    axis: BatchAxis, which: Any, ops: Any, dims: Any, branches: tuple[Jaxpr, ...]
) -> list[Any]:
    """Each row through the branch it takes, and no other.

    Values that are known go through each branch together; others row after row, in a loop that
    a compiled program may still do for all rows at once (`passes.rows`).
    """
    if STATE.trace is None and all(type(x) is Array for x in (which, *ops)):
        return _in_groups(axis, which, ops, dims, branches)
    choose = functools.partial(cond_p.bind, branches=branches)
    varies = [True, *[k is not None for k in dims]]
    return row_by_row(choose, [which, *ops], varies, axis.size, "rows")


def _in_groups(
    axis: BatchAxis, which: Any, ops: Any, dims: Any, branches: tuple[Jaxpr, ...]
) -> list[Any]:
    """The rows that take the same branch together."""
    chosen = np.clip(which._live(), 0, len(branches) - 1)
    results = [np.empty((axis.size, *a.shape), a.dtype) for a in branches[0].out_avals]
    for i, branch in enumerate(branches):
        mine = np.flatnonzero(chosen == i)
        if not mine.size:
            continue
        given = [
            x if k is None else Array(x._live()[mine], x.aval.weak_type)
            for x, k in zip(ops, dims, strict=True)
        ]
        outs, out_dims = batch(branch, BatchAxis(mine.size, axis.name), given, dims)
        for result, out, k in zip(results, outs, out_dims, strict=True):
            result[mine] = S.move_batch_axis(out, k, 0, mine.size)._live()
    weak = [a.weak_type for a in branches[0].out_avals]
    return [Array(r, w) for r, w in zip(results, weak, strict=True)]


def _choose(which: Any, cases: Sequence[Any]) -> Any:
    """Per row, the case numbered by `which`."""
    chosen = cases[-1]
    for i in reversed(range(len(cases) - 1)):
        below = E.le(which, S.full(which.shape, i, which.dtype))
        below = S.broadcast_in_dim(below, chosen.shape, (0,))
        chosen = C.select(below, cases[i], chosen)
    return chosen


def _union(flags: Any) -> list[bool]:
    return [any(column) for column in zip(*flags, strict=True)]


def _with_slots(known: Jaxpr, avals: Any, mine: int, n: int) -> Jaxpr:
    """`known` returning one slot per residual of every branch."""

    def run(*args: Any) -> list[Any]:
        outs = eval_jaxpr(known, args)
        slots = [
            outs[n:] if i == mine else [zeros(a) for a in group] for i, group in enumerate(avals)
        ]
        return [*outs[:n], *[r for group in slots for r in group]]

    return trace(run, known.in_avals, name=known.name)


def _from_slots(linear: Jaxpr, avals: Any, mine: int, moved: Any) -> Jaxpr:
    """`linear` taking every branch's residuals."""
    every = [a for group in avals for a in group]
    start = sum(len(group) for group in avals[:mine])

    def run(*args: Any) -> list[Any]:
        own = args[start : start + len(avals[mine])]
        return eval_jaxpr(linear, [*own, *args[len(every) :]])

    return trace(run, [*every, *moved], name=linear.name)


def _filled(back: Jaxpr, mine: Any, found: Any, avals: Any) -> Jaxpr:
    """`back` returning a cotangent wherever some branch has one."""

    def run(*args: Any) -> list[Any]:
        results = spread(mine, eval_jaxpr(back, args))
        return [
            zeros(a) if r is None else r for r, f, a in zip(results, found, avals, strict=True) if f
        ]

    return trace(run, back.in_avals, name=back.name)


cond_p = Cond()


def bind_cond(which: Any, jaxprs: Sequence[Jaxpr], operands: Sequence[Any]) -> list[Any]:
    """Apply branches as one equation; their consts become operands of all."""
    if not jaxprs[0].outvars and not any(map(is_effectful, jaxprs)):
        return []
    closed, consts = with_shared_consts(jaxprs)
    return cond_p.bind(which, *consts, *operands, branches=tuple(closed))


@api_boundary
def switch(
    index: Any, branches: Sequence[Callable[..., Any]], *operands: Any, operand: Any = NOT_GIVEN
) -> Any:
    """branches[index](*operands), running only that branch; the index is clamped.

    >>> float(switch(1, [lambda x: x, lambda x: -x], 3.0))
    -3.0
    """
    for b in branches:
        check_callable("switch", b)
    if not branches:
        raise BranchError("switch: expected at least one branch, got none")
    operands = _only_operand("switch", operands, operand)
    which = as_value(index)
    if which.ndim or not dtypes.is_integer(which.dtype):
        raise BranchError(f"switch: expected an integer scalar index, got {which.aval}")
    if len(branches) == 1:
        return branches[0](*operands)
    return _switch("switch", C.convert(which, dtypes.int32), branches, operands)


@api_boundary
def cond(pred: Any, true_fun: Any, false_fun: Any, *operands: Any, operand: Any = NOT_GIVEN) -> Any:
    """true_fun(*operands) if pred else false_fun(*operands), running only one.

    Args:
      pred: scalar truth value.
      true_fun, false_fun: functions returning the same structure, shapes and dtypes.
      operand: the one operand, by name; None is an operand too.
    Raises: BranchError naming the leaf where the branches differ.

    >>> float(cond(True, lambda x: x + 1, lambda x: x - 1, 1.0))
    2.0
    """
    if len(operands) == 2 and callable(operands[1]) and not callable(true_fun):
        # An older form: cond(pred, true_operand, true_fun, false_operand, false_fun)
        given, (first, second) = (true_fun, operands[0]), (false_fun, operands[1])
        true_fun, false_fun = (lambda a, _: first(a)), (lambda _, b: second(b))
        operands = given
    check_callable("cond", true_fun)
    check_callable("cond", false_fun)
    operands = _only_operand("cond", operands, operand)
    pred = as_value(pred)
    if pred.ndim:
        raise BranchError(
            f"cond: expected a scalar predicate, got {pred.aval}; use ftx.numpy.where for arrays"
        )
    if pred.dtype != dtypes.bool_:
        pred = E.ne(pred, S.full((), 0, pred.dtype))
    which = C.convert(pred, dtypes.int32)
    return _switch("cond", which, (false_fun, true_fun), operands)


def _only_operand(name: str, operands: tuple[Any, ...], operand: Any) -> tuple[Any, ...]:
    if operand is NOT_GIVEN:
        return operands
    if operands:
        raise ArgumentError(
            f"{name}: expected operands by position or operand=, got both; pass all by position"
        )
    return (operand,)


def _switch(name: str, which: Any, branches: Any, operands: Any) -> Any:
    leaves, in_tree = tree.flatten((operands, {}))
    values = [as_value(x) for x in leaves]
    if STATE.trace is None and not isinstance(which, Tracer):
        return branches[min(max(int(which), 0), len(branches) - 1)](*operands)
    traced = [trace_body(b, in_tree, [v.aval for v in values], name_of(b)) for b in branches]
    out_tree = traced[0][1]
    for i, (_, other) in enumerate(traced):
        if other != out_tree:
            raise BranchError(
                f"{name}: expected branches of one result structure, got {out_tree} from "
                f"{_named(name, branches, 0)} and {other} from {_named(name, branches, i)}; return "
                "the same containers and keys from every branch"
            )
    key_reuse.apply_one([j for j, _ in traced], values)
    jaxprs = _agree(name, [j for j, _ in traced], branches, out_tree)
    return tree.unflatten(out_tree, bind_cond(which, jaxprs, values))


def _named(name: str, branches: Any, i: int) -> str:
    """A branch in words: "the false branch (f)"."""
    which = ("false", "true")[i] if name == "cond" else f"{i}th"
    return f"the {which} branch ({name_of(branches[i])})"


def _agree(name: str, jaxprs: Any, branches: Any, out_tree: Any) -> list[Jaxpr]:
    """Branches converted to common types where only weakness differs."""
    wanted = []
    rank = lambda a: "bifc".index(dtypes.kind(a.dtype))
    for i, column in enumerate(zip(*[j.out_avals for j in jaxprs], strict=True)):
        strong = [a for a in column if not a.weak_type] or list(column)
        typical = column.index(strong[0])
        for k, a in enumerate(column):
            fits = a.dtype == strong[0].dtype or (a.weak_type and rank(a) <= rank(strong[0]))
            if a.shape != strong[0].shape or not fits:
                paths = tree.leaves_with_path(tree.unflatten(out_tree, range(out_tree.num_leaves)))
                raise BranchError(
                    f"{name}: expected branches of equal types, got {strong[0]} from "
                    f"{_named(name, branches, typical)} and {a} from {_named(name, branches, k)} "
                    f"at result{tree.keystr(paths[i][0])}; convert with astype or reshape"
                )
        wanted.append(strong[0])
    return [_converted(j, wanted) for j in jaxprs]


def _converted(jaxpr: Jaxpr, wanted: list[ShapedArray]) -> Jaxpr:
    if all(a is w for a, w in zip(jaxpr.out_avals, wanted, strict=True)):
        return jaxpr

    def run(*args: Any) -> list[Any]:
        outs = eval_jaxpr(jaxpr, args)
        return [C.convert(o, w.dtype, w.weak_type) for o, w in zip(outs, wanted, strict=True)]

    return trace(run, jaxpr.in_avals, name=jaxpr.name)

"""counted_scan: a scan that stops after a number of steps known only when it runs.

In: a count, and what a scan takes; at most `length` steps are made.  Out: the final carry, and
stacked ys, of which only the first `count` rows mean anything, as of the cotangents of its xs.
Reverse mode of while loops is made of it, and it is closed under every transform.
Knows nothing of: why a loop stops.
"""

from __future__ import annotations

from typing import Any

from ..core import dtypes
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr, used_axes
from ..core.primitive import BatchAxis, Primitive
from ..core.primitives import elementwise as E
from ..core.primitives import indexing as X
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.tracing import trace
from ..core.types import ShapedArray
from .jvp import zeros
from .scan import Scan, row_of, stack_rows
from .staged import same_types, split
from .vmap import batched_jaxpr


class CountedScan(Scan):
    """Operands: count (int64), consts, carry, xs.

    Rows of xs beyond the count are never read.  `reads_rows` tells that the body computes on rows
    that such a loop of the same count has stored, and is linear in everything else.
    """

    name = "counted_scan"
    n_head = 1

    def loop(self, p: Any, head: Any, body: Jaxpr, groups: Any, **changes: Any) -> list[Any]:
        params = {name: changes.get(name, p[name]) for name in ("reverse", "reads_rows")}
        consts, carry, xs = groups
        return bind_counted(body, head[0], consts, carry, xs, p["length"], **params)

    def abstract_eval(self, count: Any, *avals: Any, **p: Any) -> list[ShapedArray]:
        p.pop("reads_rows")
        return super().abstract_eval(*avals, **p)

    def run(self, args: Any, params: dict[str, Any]) -> list[Any]:
        (count, *args), jaxpr, length = args, params["jaxpr"], params["length"]
        consts, carry, xs = split(args, params["n_consts"], params["n_carry"])
        n = min(int(count), length)
        n_carry = len(carry)
        rows = [[zeros(a) for a in jaxpr.out_avals[n_carry:]] for _ in range(length)]
        for i in reversed(range(n)) if params["reverse"] else range(n):
            outs = eval_jaxpr(jaxpr, [*consts, *carry, *[row_of(x, i) for x in xs]])
            carry, rows[i] = outs[:n_carry], outs[n_carry:]
        ys = jaxpr.out_avals[n_carry:]
        return [*carry, *[stack_rows([r[k] for r in rows], y) for k, y in enumerate(ys)]]

    def alone(self, *args: Any, **p: Any) -> list[Any]:
        """With zeros past the count, for results that others than such loops may look at."""
        outs, n_carry = self.bind(*args, **p), p["n_carry"]
        number = S.iota(dtypes.int64, (p["length"],), 0)
        made = E.lt(number, S.broadcast_in_dim(args[0], number.shape, ()))
        return [*outs[:n_carry], *keep_where_done(made, outs[n_carry:], map(zeros, outs[n_carry:]))]

    def batch(self, axis: BatchAxis, args: Any, dims: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        if dims[0] is None:
            return super().batch(axis, args, dims, **p)
        return _batched_count(axis, args, dims, p)

    def as_while(self, count: Any, *args: Any, **p: Any) -> tuple[Any, ...]:
        """(condition, its consts, body, its consts, carry) of a loop that does the same."""
        jaxpr, n_carry, reverse = p["jaxpr"], p["n_carry"], p["reverse"]
        consts, carry, xs = split(args, p["n_consts"], n_carry)
        number = lambda n: S.full((), n, dtypes.int64)
        n = E.min_(count, number(p["length"]))
        ys = [undefined(a.update(shape=(p["length"], *a.shape))) for a in jaxpr.out_avals[n_carry:]]
        closed, n_consts, n_xs = jaxpr.closed(), len(consts), len(xs)

        def goes_on(n: Any, i: Any, *_: Any) -> list[Any]:
            return [E.ge(i, number(0)) if reverse else E.lt(i, n)]

        def step(*inner: Any) -> list[Any]:
            c, wholes, (i,), s, y = split(inner, n_consts, n_xs, 1, n_carry)
            outs = eval_jaxpr(closed, [*c, *s, *[_row(x, i) for x in wholes]])
            y = [_with_row(w, r, i) for w, r in zip(y, outs[n_carry:], strict=True)]
            return [E.add(i, number(-1 if reverse else 1)), *outs[:n_carry], *y]

        state = [E.sub(n, number(1)) if reverse else number(0), *carry, *ys]
        types = [v.aval for v in state]
        cond = trace(goes_on, [n.aval, *types], name="goes_on")
        given = [v.aval for v in (*consts, *xs)]
        return cond, [n], trace(step, [*given, *types], name=jaxpr.name), [*consts, *xs], state


def _row(whole: Any, i: Any) -> Any:
    return C.convert(X.row_at(whole, i), whole.dtype, whole.aval.weak_type)


def _with_row(whole: Any, row: Any, i: Any) -> Any:
    at = [i, *[S.full((), 0, dtypes.int64)] * (whole.ndim - 1)]
    new = X.dynamic_update_slice(whole, S.reshape(row, (1, *row.shape)), at)
    return C.convert(new, whole.dtype, whole.aval.weak_type)


def _batched_count(axis: BatchAxis, args: Any, dims: Any, p: Any) -> tuple[list[Any], list[Any]]:
    """As many steps as the longest row takes; a row that is done keeps its carry."""
    jaxpr, n_consts, n_carry, length = p["jaxpr"], p["n_consts"], p["n_carry"], p["length"]
    (counts, *args), (d, *dims) = args, dims
    counts = S.move_batch_axis(counts, d, 0, axis.size)
    varies = [d is not None for d in dims]
    vc, _, vx = split(varies, n_consts, n_carry)
    every = [*[True] * n_carry, *[False] * (len(jaxpr.outvars) - n_carry)]
    inner = [*[0 if v else None for v in vc], *[0] * n_carry, *[0 if v else None for v in vx]]
    body, out_dims = batched_jaxpr(jaxpr, axis, inner, every)
    extra, closed = list(body.consts), body.closed()
    alone = axis.name not in used_axes(jaxpr)

    def step(*given: Any) -> list[Any]:
        more, (per_row,), c, s, (i,), x = split(given, len(extra), 1, n_consts, n_carry, 1)
        go = E.lt(S.broadcast_in_dim(i, per_row.shape, ()), per_row)
        taken = [*c, *s, *x]
        if alone and not p["reads_rows"]:
            taken = of_active_rows(go, taken, [k is not None for k in inner])
        outs = eval_jaxpr(closed, [*more, *taken])
        return [*keep_where_done(go, outs[:n_carry], s), *outs[n_carry:]]

    consts, carry, xs = split(args, n_consts, n_carry)
    dc, ds, dx = split(dims, n_consts, n_carry)
    move = lambda x, d: x if d is None else S.move_batch_axis(x, d, 1, axis.size)
    consts = S.batch_in_front(consts, dc, axis.size)
    carry = [S.move_batch_axis(x, d, 0, axis.size) for x, d in zip(carry, ds, strict=True)]
    xs = [move(x, d) for x, d in zip(xs, dx, strict=True)]
    xs = [S.iota(dtypes.int64, (length,), 0), *xs]
    types = [v.aval for v in (*extra, counts, *consts, *carry)]
    types += [x.aval.update(shape=x.shape[1:]) for x in xs]
    masked = trace(step, types, name=f"masked({jaxpr.name})")
    most = R.reduce_max(counts, (0,))
    groups = ([*extra, counts, *consts], carry, xs)
    outs = counted_scan_p.loop(p, [most], masked, groups)
    y_dims = [None if d is None else 1 for d in out_dims[n_carry:]]
    return outs, [*[0] * n_carry, *y_dims]


def keep_where_done(go: Any, new: Any, old: Any) -> list[Any]:
    """`new` in the rows that go on, `old` in those that are done."""
    return [
        C.select(S.broadcast_in_dim(go, x.shape, (0,)), x, before)
        for x, before in zip(new, old, strict=True)
    ]


def of_active_rows(go: Any, values: Any, varies: Any) -> list[Any]:
    """`values`, in which a row that is done repeats one that goes on.

    A body must not see the state in which its loop has stopped: it may index past an end there, or
    divide by zero, and an infinite derivative times a cotangent of zero is not a number.
    """
    (n,) = go.shape
    if not n:
        return values
    number = S.iota(dtypes.int64, (n,), 0)
    some = R.reduce_max(C.select(go, number, S.full((n,), 0, dtypes.int64)), (0,))
    return [_with_rows_of(some, go, x) if v else x for x, v in zip(values, varies, strict=True)]


def _with_rows_of(some: Any, go: Any, x: Any) -> Any:
    """x, with row number `some` in place of those that are done."""
    row = S.broadcast_in_dim(_row(x, some), x.shape, tuple(range(1, x.ndim)))
    return C.select(S.broadcast_in_dim(go, x.shape, (0,)), x, row)


class Undefined(Primitive):
    """Memory that is written before it is read; zeros where that costs nothing."""

    effectful = True
    """Never shared nor moved out of a loop, where it would have to be copied."""

    def abstract_eval(self, *, aval: ShapedArray) -> list[ShapedArray]:
        return [aval]

    def evaluate(self, args: tuple[Any, ...], params: dict[str, Any]) -> list[Any]:
        return [zeros(params["aval"])]


counted_scan_p, undefined_p = CountedScan(), Undefined()


def undefined(aval: ShapedArray) -> Any:
    """An array of any contents."""
    return undefined_p.bind(aval=aval)[0]


def bind_counted(
    jaxpr: Jaxpr,
    count: Any,
    consts: Any,
    carry: Any,
    xs: Any,
    length: int,
    reverse: bool = False,
    reads_rows: bool = False,
) -> list[Any]:
    """Apply a body as a counted loop; its own consts are passed as loop-invariant operands."""
    consts = [*jaxpr.consts, *consts]
    return counted_scan_p.bind(
        count,
        *consts,
        *carry,
        *xs,
        jaxpr=same_types(jaxpr.closed(), [c.aval for c in carry]),
        length=length,
        reverse=reverse,
        n_consts=len(consts),
        n_carry=len(carry),
        reads_rows=reads_rows,
    )

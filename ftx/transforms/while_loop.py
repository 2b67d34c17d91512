"""while_loop and fori_loop: repeat a body until a condition fails.

In: a condition and a body over a carry.  Out: the final carry.
A fori_loop of known bounds is a scan.  Reverse mode counts the iterations, and makes them again
as loops of that many (`repeated`).
Knows nothing of: how a backend loops.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import dtypes, key_reuse, tree
from ..core.array import Array
from ..core.errors import CarryError, ConcretizationError
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr, used_axes
from ..core.primitive import BatchAxis
from ..core.primitives import elementwise as E
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.tracebacks import api_boundary
from ..core.tracing import Tracer, trace
from ..core.types import ShapedArray
from .calling import as_value, check_callable
from .checkpoint import recompute
from .counted import counted_scan_p, keep_where_done, of_active_rows
from .jvp import instantiate, jvp_jaxpr
from .repeated import UNLIMITED, Tape, check_limit, limited, repeated
from .scan import in_python, scan_as
from .staged import Staged, reorder, same_types, select_by, settle_carry, split, spread, trace_body
from .vmap import batched_jaxpr


class While(Staged):
    """Operands: consts of the condition, consts of the body, carry."""

    name = "while"

    def abstract_eval(
        self, *avals: Any, cond_jaxpr: Jaxpr, body_jaxpr: Jaxpr, **_: Any
    ) -> list[ShapedArray]:
        return body_jaxpr.out_avals

    def run(self, args: Any, params: dict[str, Any]) -> list[Any]:
        cc, bc, carry = split(args, params["n_cond"], params["n_body"])
        while bool(eval_jaxpr(params["cond_jaxpr"], [*cc, *carry])[0]):
            carry = eval_jaxpr(params["body_jaxpr"], [*bc, *carry])
        return carry

    def jvp(self, primals: Any, tangents: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        n_cond, n_body, body = p["n_cond"], p["n_body"], p["body_jaxpr"]
        (pc, pb, ps), (_, tb, ts) = split(primals, n_cond, n_body), split(tangents, n_cond, n_body)
        bv, sv = [t is not None for t in tb], [t is not None for t in ts]
        while True:
            both, moved = jvp_jaxpr(body, [*bv, *sv], sv)
            if list(moved) == sv:
                break
            sv = list(moved)
        ts = select_by(sv, [instantiate(t, q) for t, q in zip(ts, ps, strict=True)])
        tb = select_by(bv, tb)
        n, n_moved = len(ps), len(ts)

        def before(*args: Any) -> list[Any]:
            extra, b, bt, s, st = split(args, len(both.consts), n_body, len(tb), n)
            return [*extra, *b, *s, *bt, *st]

        avals = [v.aval for v in (*both.consts, *pb)] + [t.aval.strong for t in tb]
        avals += [v.aval for v in ps] + [t.aval.strong for t in ts]
        new_body = reorder(both.closed(), avals, before)
        cond = p["cond_jaxpr"]
        types = [v.aval for v in pc] + avals[len(both.consts) + n_body + len(tb) :]
        new_cond = reorder(cond, types, lambda *a: a[: len(a) - n_moved])
        consts = [*both.consts, *pb, *tb]
        outs = bind_while(new_cond, pc, new_body, consts, [*ps, *ts], p["tape"])
        return outs[:n], spread(sv, outs[n:])

    def linearize(self, primals: Any, tangents: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        """Run and count; the linear part makes that many iterations again.

        Where all of them may be stored, the loop only counts, so that what its condition does not
        need is dropped, and the results are those of the loop that stores.
        """
        n_cond, body, tape = p["n_cond"], p["body_jaxpr"], p["tape"]
        pc, pb, ps = split(primals, n_cond, p["n_body"])
        cond, counting = _counting(p["cond_jaxpr"], n_cond), _counting_body(body, p["n_body"])
        start = Array(np.zeros((), dtypes.int64))
        count, *outs = bind_while(cond, pc, counting, pb, [start, *ps], tape)
        varies = [t is not None for t in tangents[n_cond:]]
        program, most = repeated(body, p["n_body"], tape, varies, count)
        (count,) = limited(tape.loop, count, most, [count])
        if tape.max_iterations is not None and tape.checkpoint_every is None:
            values, moves = [count, *pb, *ps], [None, *tangents[n_cond:]]
            return counted_scan_p.linearize(values, moves, **_stored(body, p["n_body"], most))
        touts = recompute(program, [count, *pb, *ps], [None, *tangents[n_cond:]])
        return outs, touts

    def batch(self, axis: BatchAxis, args: Any, dims: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        n_cond, n_body = p["n_cond"], p["n_body"]
        (pc, pb, ps), (dc, db, ds) = split(args, n_cond, n_body), split(dims, n_cond, n_body)
        zero = lambda group: [None if d is None else 0 for d in group]
        varies = [d is not None for d in ds]
        while True:
            carry_dims = [0 if v else None for v in varies]
            cond, (pred_dim,) = batched_jaxpr(p["cond_jaxpr"], axis, [*zero(dc), *carry_dims])
            body, out = batched_jaxpr(p["body_jaxpr"], axis, [*zero(db), *carry_dims], varies)
            found = [True] * len(out) if pred_dim is not None else [d is not None for d in out]
            if found == varies:
                break
            varies = found
        pc, pb = (S.batch_in_front(x, d, axis.size) for x, d in ((pc, dc), (pb, db)))
        ps = [
            S.move_batch_axis(x, d, 0, axis.size) if v else x
            for x, d, v in zip(ps, ds, varies, strict=True)
        ]
        out_dims = [0 if v else None for v in varies]
        if pred_dim is None:
            return bind_while(cond, pc, body, pb, ps, p["tape"]), out_dims
        alone = axis.name not in used_axes(p["body_jaxpr"])
        per_row = [alone and d is not None for d in db] + [alone] * len(ps)
        return _batched_predicate(cond, pc, body, pb, ps, per_row, p["tape"]), out_dims


def _stored(body: Jaxpr, n_consts: int, most: int) -> dict[str, Any]:
    """The counted loop of which every iteration may be stored."""
    counts = {"n_consts": n_consts, "n_carry": len(body.outvars), "length": most}
    return {"jaxpr": body, "reverse": False, "reads_rows": False, **counts}


def _counting(cond: Jaxpr, n_cond: int) -> Jaxpr:
    """The condition of a loop whose carry begins with a counter (memoised)."""
    if "counting" not in cond.memo:
        consts, carry = split(cond.in_avals, n_cond)
        types = [*consts, COUNTER, *carry]
        cond.memo["counting"] = reorder(cond, types, lambda *a: [*a[:n_cond], *a[n_cond + 1 :]])
    return cond.memo["counting"]


def _counting_body(body: Jaxpr, n_body: int) -> Jaxpr:
    """The body of a loop whose carry begins with a counter (memoised)."""

    def step(*args: Any) -> list[Any]:
        consts, (count,), carry = split(args, n_body, 1)
        return [E.add(count, S.full((), 1, dtypes.int64)), *eval_jaxpr(body, [*consts, *carry])]

    if "counting" not in body.memo:
        consts, carry = split(body.in_avals, n_body)
        body.memo["counting"] = trace(step, [*consts, COUNTER, *carry], name=body.name)
    return body.memo["counting"]


def _batched_predicate(
    cond: Jaxpr, pc: Any, body: Jaxpr, pb: Any, ps: Any, per_row: list[bool], tape: Tape
) -> list[Any]:
    """Loop while any row goes on; rows that are done keep their carry.

    per_row: which of `pb` and `ps` have rows that the body may be given in another's place: none if
    a collective in it sees all rows.
    """
    cond_consts, body_consts = [*cond.consts, *pc], [*body.consts, *pb]
    cond, body = cond.closed(), body.closed()
    n_cond, n_body = len(cond_consts), len(body_consts)
    flags = [*[False] * (n_body - len(pb)), *per_row]

    def any_goes_on(*args: Any) -> list[Any]:
        return [R.reduce_or(eval_jaxpr(cond, args)[0], (0,))]

    def step(*args: Any) -> list[Any]:
        cc, bc, carry = split(args, n_cond, n_body)
        go = eval_jaxpr(cond, [*cc, *carry])[0]
        new = eval_jaxpr(body, of_active_rows(go, [*bc, *carry], flags))
        return keep_where_done(go, new, carry)

    types = [v.aval for v in (*cond_consts, *ps)]
    new_cond = trace(any_goes_on, types, name="any")
    types = [v.aval for v in (*cond_consts, *body_consts, *ps)]
    new_body = trace(step, types, name="masked")
    return bind_while(new_cond, cond_consts, new_body, [*cond_consts, *body_consts], ps, tape)


COUNTER = ShapedArray((), dtypes.int64)
while_p = While()


def bind_while(
    cond: Jaxpr, cond_consts: Any, body: Jaxpr, body_consts: Any, carry: Any, tape: Tape = UNLIMITED
) -> Any:
    """Apply condition and body as one equation; their own consts become operands."""
    cond_consts = [*cond.consts, *cond_consts]
    body_consts = [*body.consts, *body_consts]
    return while_p.bind(
        *cond_consts,
        *body_consts,
        *carry,
        cond_jaxpr=cond.closed(),
        body_jaxpr=same_types(body.closed(), [c.aval for c in carry]),
        n_cond=len(cond_consts),
        n_body=len(body_consts),
        tape=tape,
    )


@api_boundary
def while_loop(
    cond_fun: Callable[..., Any],
    body_fun: Callable[..., Any],
    init_val: Any,
    *,
    max_iterations: int | None = None,
    checkpoint_every: int | None = None,
) -> Any:
    """Repeat `body_fun` on a carry while `cond_fun` of it is true.

    Reverse mode goes through it, which JAX refuses.
    Args:
      cond_fun: carry -> scalar bool.
      body_fun: carry -> carry of the same structure, shapes and dtypes.
      max_iterations: an error rather than more iterations than that; reverse mode then keeps what
        it needs of each of them, and computes nothing a third time.
      checkpoint_every: reverse mode keeps the carry every so many iterations, and what it needs of
        that many: least memory at the square root of their number.
    Raises: CarryError if the body changes the carry's types or the condition is not a scalar;
      LoopLimitError if there are more than `max_iterations`.

    >>> int(while_loop(lambda i: i < 10, lambda i: i + 3, 0))
    12
    """
    check_callable("while_loop", cond_fun)
    check_callable("while_loop", body_fun)
    tape = Tape.checked("while_loop", max_iterations, checkpoint_every)
    return _while_loop(cond_fun, body_fun, init_val, tape)


def _while_loop(cond_fun: Any, body_fun: Any, init_val: Any, tape: Tape) -> Any:
    loop, most = tape.loop, tape.max_iterations
    leaves, carry_tree = tree.flatten(init_val)
    if in_python(map(as_value, leaves)):
        return _in_python(cond_fun, body_fun, init_val, tape)
    in_tree = tree.structure(((init_val,), {}))

    def trace_once(avals: list[ShapedArray]) -> tuple[Jaxpr, Any, int]:
        jaxpr, out_tree = trace_body(body_fun, in_tree, avals, "while_body")
        if out_tree != carry_tree:
            raise CarryError(
                f"{loop}: expected the body to return a carry of structure {carry_tree}, "
                f"got {out_tree}"
            )
        return jaxpr, out_tree, len(avals)

    carry, body, _ = settle_carry(loop, leaves, carry_tree, trace_once)
    cond, _ = trace_body(cond_fun, in_tree, [v.aval for v in carry], "while_cond")
    outs = cond.out_avals
    if len(outs) != 1 or outs[0].shape or outs[0].dtype != dtypes.bool_:
        got = ", ".join(map(str, outs))
        raise CarryError(f"{loop}: expected the condition to return a scalar bool, got {got}")
    key_reuse.repeat(body, carry, [])
    if most is None:
        return tree.unflatten(carry_tree, bind_while(cond, [], body, [], carry, tape))
    return tree.unflatten(carry_tree, _at_most(most, cond, body, carry, tape))


def _in_python(cond_fun: Any, body_fun: Any, init_val: Any, tape: Tape) -> Any:
    """The loop one iteration after another, nothing traced."""
    carry, count = tree.map(as_value, init_val), 0
    while bool(as_value(cond_fun(carry))):
        count += 1
        check_limit(tape.loop, count, tape.max_iterations)
        carry = body_fun(carry)
    return carry


def _at_most(most: int, cond: Jaxpr, body: Jaxpr, carry: list[Any], tape: Tape) -> list[Any]:
    """The loop, stopped with an error if it goes on for longer than that.

    It makes one iteration more, so that whoever counts sees it, reverse mode too.
    """
    n_cond, n_body = len(cond.consts), len(body.consts)
    goes_on, step = _counting(cond.closed(), n_cond), _counting_body(body.closed(), n_body)

    def goes_on_here(*args: Any) -> list[Any]:
        below = E.le(args[n_cond], S.full((), most, dtypes.int64))
        return [E.and_(below, eval_jaxpr(goes_on, args)[0])]

    stops = trace(goes_on_here, goes_on.in_avals, name=cond.name)
    state = [Array(np.zeros((), dtypes.int64)), *carry]
    count, *outs = bind_while(stops, cond.consts, step, body.consts, state, tape)
    return limited(tape.loop, count, most, outs)


@api_boundary
def fori_loop(
    lower: Any,
    upper: Any,
    body_fun: Callable[..., Any],
    init_val: Any,
    *,
    unroll: Any = None,
    max_iterations: int | None = None,
    checkpoint_every: int | None = None,
) -> Any:
    """Repeat val = body_fun(i, val) for i from lower to upper - 1.

    With bounds known while tracing the loop is a scan, otherwise a `while_loop`, where
    `max_iterations` and `checkpoint_every` are described, which JAX does not have.

    >>> int(fori_loop(0, 5, lambda i, s: s + i, 0))
    10
    """
    check_callable("fori_loop", body_fun)
    tape = Tape.checked("fori_loop", max_iterations, checkpoint_every)
    bounds = _known_bounds(lower, upper)
    if bounds is not None:
        first, last = bounds
        check_limit("fori_loop", last - first, max_iterations)
    if bounds is not None and checkpoint_every is None:
        dtype = _index_dtype(lower, upper)
        steps = Array(np.arange(first, max(first, last)).astype(dtype))
        step = lambda val, i: (body_fun(i, val), None)
        return scan_as("fori_loop", step, init_val, steps)[0]
    low, high = as_value(lower), as_value(upper)
    dtype = dtypes.promote_types(low.dtype, high.dtype)
    low, high = C.convert(low, dtype), C.convert(high, dtype)

    def advance(state: Any) -> Any:
        i, val = state
        return E.add(i, S.full((), 1, dtype)), body_fun(i, val)

    if bounds is not None:
        tape = tape._replace(max_iterations=max(1, bounds[1] - bounds[0]))
    state = (low, init_val)
    return _while_loop(lambda state: E.lt(state[0], high), advance, state, tape)[1]


def _index_dtype(lower: Any, upper: Any) -> Any:
    values = [as_value(b) for b in (lower, upper)]
    return dtypes.lattice(tuple((v.dtype, v.weak_type) for v in values), None)[0]


def _known_bounds(lower: Any, upper: Any) -> tuple[int, int] | None:
    if isinstance(lower, Tracer) or isinstance(upper, Tracer):
        try:
            return int(lower), int(upper)
        except ConcretizationError:
            return None
    return int(lower), int(upper)

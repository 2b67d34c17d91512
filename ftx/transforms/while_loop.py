"""while_loop and fori_loop: repeat a body until a condition fails.

In: a condition and a body over a carry.  Out: the final carry.
A fori_loop of known bounds is a scan, so it has a reverse mode.
Knows nothing of: how a backend loops.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import dtypes, tree
from ..core.array import Array
from ..core.errors import CarryError, ConcretizationError, MissingRuleError
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr
from ..core.primitive import BatchAxis
from ..core.primitives import elementwise as E
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.tracing import Tracer, trace
from ..core.types import ShapedArray
from .calling import as_value, check_callable
from .jvp import instantiate, jvp_jaxpr
from .scan import scan
from .staged import Staged, reorder, same_types, select_by, settle_carry, split, spread, trace_body
from .vmap import batched_jaxpr


class While(Staged):
    """Operands: consts of the condition, consts of the body, carry."""

    name = "while"

    def abstract_eval(
        self, *avals: Any, cond_jaxpr: Jaxpr, body_jaxpr: Jaxpr, n_cond: int, n_body: int
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
        outs = bind_while(new_cond, pc, new_body, consts, [*ps, *ts])
        return outs[:n], spread(sv, outs[n:])

    def linearize(self, primals: Any, tangents: Any, **p: Any) -> Any:
        raise MissingRuleError(
            "derivative of while_loop: expected a loop of known length for reverse mode, got "
            "one that ends by its values; use scan, or fori_loop with Python integers as "
            "bounds; forward mode (jvp, jacfwd) works"
        )

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
        move = lambda x, d: x if d is None else S.move_batch_axis(x, d, 0, axis.size)
        pc = [move(x, d) for x, d in zip(pc, dc, strict=True)]
        pb = [move(x, d) for x, d in zip(pb, db, strict=True)]
        ps = [
            S.move_batch_axis(x, d, 0, axis.size) if v else x
            for x, d, v in zip(ps, ds, varies, strict=True)
        ]
        out_dims = [0 if v else None for v in varies]
        if pred_dim is None:
            return bind_while(cond, pc, body, pb, ps), out_dims
        return _batched_predicate(cond, pc, body, pb, ps), out_dims


def _batched_predicate(cond: Jaxpr, pc: Any, body: Jaxpr, pb: Any, ps: Any) -> list[Any]:
    """Loop while any row goes on; rows that are done keep their carry."""
    cond_consts, body_consts = [*cond.consts, *pc], [*body.consts, *pb]
    cond, body = cond.closed(), body.closed()
    n_cond, n_body = len(cond_consts), len(body_consts)

    def any_goes_on(*args: Any) -> list[Any]:
        return [R.reduce_or(eval_jaxpr(cond, args)[0], (0,))]

    def step(*args: Any) -> list[Any]:
        cc, bc, carry = split(args, n_cond, n_body)
        go = eval_jaxpr(cond, [*cc, *carry])[0]
        new = eval_jaxpr(body, [*bc, *carry])
        return [
            C.select(S.broadcast_in_dim(go, x.shape, (0,)), x, old)
            for x, old in zip(new, carry, strict=True)
        ]

    types = [v.aval for v in (*cond_consts, *ps)]
    new_cond = trace(any_goes_on, types, name="any")
    types = [v.aval for v in (*cond_consts, *body_consts, *ps)]
    new_body = trace(step, types, name="masked")
    return bind_while(new_cond, cond_consts, new_body, [*cond_consts, *body_consts], ps)


while_p = While()


def bind_while(cond: Jaxpr, cond_consts: Any, body: Jaxpr, body_consts: Any, carry: Any) -> Any:
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
    )


def while_loop(cond_fun: Callable[..., Any], body_fun: Callable[..., Any], init_val: Any) -> Any:
    """Repeat `body_fun` on a carry while `cond_fun` of it is true.

    Args:
      cond_fun: carry -> scalar bool.
      body_fun: carry -> carry of the same structure, shapes and dtypes.
    Raises: CarryError if the body changes the carry's types or the condition is not a scalar.

    >>> int(while_loop(lambda i: i < 10, lambda i: i + 3, 0))
    12
    """
    check_callable("while_loop", cond_fun)
    check_callable("while_loop", body_fun)
    leaves, carry_tree = tree.flatten(init_val)
    in_tree = tree.structure(((init_val,), {}))

    def trace_once(avals: list[ShapedArray]) -> tuple[Jaxpr, Any, int]:
        jaxpr, out_tree = trace_body(body_fun, in_tree, avals, "while_body")
        if out_tree != carry_tree:
            raise CarryError(
                f"while_loop: expected the body to return a carry of structure {carry_tree}, "
                f"got {out_tree}"
            )
        return jaxpr, out_tree, len(avals)

    carry, body, _ = settle_carry("while_loop", leaves, carry_tree, trace_once)
    cond, _ = trace_body(cond_fun, in_tree, [v.aval for v in carry], "while_cond")
    outs = cond.out_avals
    if len(outs) != 1 or outs[0].shape or outs[0].dtype != dtypes.bool_:
        got = ", ".join(map(str, outs))
        raise CarryError(f"while_loop: expected the condition to return a scalar bool, got {got}")
    return tree.unflatten(carry_tree, bind_while(cond, [], body, [], carry))


def fori_loop(
    lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any, *, unroll: Any = None
) -> Any:
    """for i in range(lower, upper): val = body_fun(i, val)

    With bounds known while tracing the loop is a scan and can be differentiated in reverse.

    >>> int(fori_loop(0, 5, lambda i, s: s + i, 0))
    10
    """
    check_callable("fori_loop", body_fun)
    bounds = _known_bounds(lower, upper)
    if bounds is not None:
        first, last = bounds
        dtype = _index_dtype(lower, upper)
        steps = Array(np.arange(first, max(first, last)).astype(dtype))
        return scan(lambda val, i: (body_fun(i, val), None), init_val, steps)[0]
    low, high = as_value(lower), as_value(upper)
    dtype = dtypes.promote_types(low.dtype, high.dtype)
    low, high = C.convert(low, dtype), C.convert(high, dtype)

    def step(state: Any) -> Any:
        i, val = state
        return E.add(i, S.full((), 1, dtype)), body_fun(i, val)

    return while_loop(lambda state: E.lt(state[0], high), step, (low, init_val))[1]


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

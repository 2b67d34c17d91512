"""scan: a loop of known length with a carry, reading slices and stacking results.

In: a body (carry, x) -> (carry, y), an initial carry, arrays to slice along axis 0.
Out: the final carry and the stacked ys.
Reverse mode runs the linear part backwards over residuals stacked by the forward scan;
residuals that do not change over the loop are not stacked.
Knows nothing of: how a backend runs a loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import key_reuse, tree
from ..core.array import Array
from ..core.config import config
from ..core.errors import ArgumentError, CarryError, ShapeError
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr
from ..core.primitive import BatchAxis, Linear
from ..core.primitives import shape as S
from ..core.primitives.elementwise import add
from ..core.state import STATE
from ..core.tracebacks import api_boundary
from ..core.tracing import trace
from ..core.types import ShapedArray
from .calling import as_value, check_callable
from .jvp import instantiate, jvp_jaxpr, zeros
from .linearize import linearized
from .staged import (
    Staged,
    reorder,
    same_types,
    select_by,
    settle_carry,
    split,
    spread,
    trace_body,
)
from .transpose import transposed
from .vmap import batched_jaxpr, vmap


class Scan(Staged):
    """Operands: consts, carry, xs.  Body: (consts, carry, x) -> (carry, y), without consts.

    The rules serve a subclass too that has other operands in front of these.
    """

    n_head = 0
    """Operands before the consts."""

    def loop(self, p: Any, head: Any, body: Jaxpr, groups: Any, **changes: Any) -> list[Any]:
        """Another loop like one of params `p`; `groups` are its consts, carry and xs."""
        consts, carry, xs = groups
        reverse = changes.get("reverse", p["reverse"])
        return bind_scan(body, consts, carry, xs, p["length"], reverse)

    def abstract_eval(
        self, *avals: Any, jaxpr: Jaxpr, length: int, reverse: bool, n_consts: int, n_carry: int
    ) -> list[ShapedArray]:
        carry, ys = jaxpr.out_avals[:n_carry], jaxpr.out_avals[n_carry:]
        return [*carry, *[y.update(shape=(length, *y.shape)) for y in ys]]

    def run(self, args: Any, params: dict[str, Any]) -> list[Any]:
        jaxpr, length, n_carry = params["jaxpr"], params["length"], params["n_carry"]
        consts, carry, xs = split(args, params["n_consts"], n_carry)
        rows: list[Any] = [None] * length
        for i in reversed(range(length)) if params["reverse"] else range(length):
            outs = eval_jaxpr(jaxpr, [*consts, *carry, *[row_of(x, i) for x in xs]])
            carry, rows[i] = outs[:n_carry], outs[n_carry:]
        stacked = [
            stack_rows([row[k] for row in rows], aval)
            for k, aval in enumerate(jaxpr.out_avals[n_carry:])
        ]
        return [*carry, *stacked]

    def jvp(self, primals: Any, tangents: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        (head, primals), tangents = split(primals, self.n_head), tangents[self.n_head :]
        varies, carry_varies = fixpoint(p, [t is not None for t in tangents])
        jaxpr, n_consts, n_carry = p["jaxpr"], p["n_consts"], p["n_carry"]
        force = carry_varies + [False] * (len(jaxpr.outvars) - n_carry)
        both, moved = jvp_jaxpr(jaxpr, varies, force)
        moved_y = list(moved[n_carry:])
        n = len(jaxpr.invars)
        cv, sv, xv = split(varies, n_consts, n_carry)
        groups = [n_consts, sum(cv), n_carry, sum(sv), n - n_consts - n_carry]

        def before(*args: Any) -> list[Any]:
            c, ct, s, st, x, xt = split(args, *groups)
            return [*both_consts, *c, *s, *x, *ct, *st, *xt]

        def after(outs: Any) -> list[Any]:
            s, y, st, yt = split(outs, n_carry, len(moved_y), sum(sv))
            return [*s, *st, *y, *yt]

        both_consts: list[Any] = list(both.consts)
        pc, ps, px = split(primals, n_consts, n_carry)
        tc, ts, tx = split(tangents, n_consts, n_carry)
        ts = [instantiate(t, q) if v else None for t, q, v in zip(ts, ps, sv, strict=True)]
        tc, ts, tx = (select_by(v, t) for v, t in ((cv, tc), (sv, ts), (xv, tx)))
        avals = [v.aval for v in jaxpr.invars]
        ac, as_, ax = split(avals, n_consts, n_carry)
        strong = lambda flags, a: [x.strong for x in select_by(flags, a)]
        types = [*ac, *strong(cv, ac), *as_, *strong(sv, as_), *ax, *strong(xv, ax)]
        body = reorder(both.closed(), types, before, after)
        outs = self.loop(p, head, body, ([*pc, *tc], [*ps, *ts], [*px, *tx]))
        s, st, y, yt = split(outs, n_carry, sum(sv), len(moved_y))
        return [*s, *y], [*spread(sv, st), *spread(moved_y, yt)]

    def linearize(self, primals: Any, tangents: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        """Forward scan that also stacks residuals; linear scan over them."""
        (head, primals), tangents = split(primals, self.n_head), tangents[self.n_head :]
        varies, carry_varies = fixpoint(p, [t is not None for t in tangents])
        jaxpr, n_consts, n_carry = p["jaxpr"], p["n_consts"], p["n_carry"]
        n_out = len(jaxpr.outvars)
        force = carry_varies + [False] * (n_out - n_carry)
        known, linear, moved = linearized(jaxpr, varies, force)
        consts, init, xs = split(primals, n_consts, n_carry)
        residuals = known.outvars[n_out:]
        fixed_vars = {v: i for i, v in enumerate(known.arg_vars[:n_consts])}
        fixed_vars |= {v: i - len(known.consts) for i, v in enumerate(known.const_vars)}
        is_fixed = [a in fixed_vars for a in residuals]
        values = [*consts, *known.consts]
        fixed = [values[fixed_vars[a]] for a in residuals if a in fixed_vars]
        slices = dict(zip(known.arg_vars[n_consts + n_carry :], xs, strict=True))
        stacked = [a for a in residuals if a not in fixed_vars and a not in slices]
        slim = Jaxpr(
            known.consts, known.invars, known.eqns, (*known.outvars[:n_out], *stacked), known.name
        )
        outs = self.loop(p, head, slim, (consts, init, xs))
        outs, new = outs[:n_out], iter(outs[n_out:])
        # A slice of xs kept as it is must not seem to depend on the carry.
        rows = [slices[a] if a in slices else next(new) for a in residuals if a not in fixed_vars]

        cv, sv, xv = split(varies, n_consts, n_carry)
        tc, ts, tx = split(tangents, n_consts, n_carry)
        ts = [instantiate(t, q) if v else None for t, q, v in zip(ts, init, sv, strict=True)]
        tc, ts, tx = (select_by(v, t) for v, t in ((cv, tc), (sv, ts), (xv, tx)))
        n_fixed, n_rows = len(fixed), len(rows)

        def before(*args: Any) -> list[Any]:
            f, ct, st, r, xt = split(args, n_fixed, len(tc), len(ts), n_rows)
            given_f, given_r = iter(f), iter(r)
            res = [next(given_f) if fx else next(given_r) for fx in is_fixed]
            return [*res, *ct, *st, *xt]

        avals = [v.aval for v in linear.invars]
        ar, ac, as_, ax = split(avals, len(residuals), len(tc), len(ts))
        types = [
            *select_by(is_fixed, ar),
            *ac,
            *as_,
            *select_by([not f for f in is_fixed], ar),
            *ax,
        ]
        body = reorder(linear, types, before)
        touts = self.loop(p, head, body, ([*fixed, *tc], ts, [*rows, *tx]), reads_rows=True)
        return outs, spread(moved, touts)

    def transpose(self, cts: Any, *operands: Any, **p: Any) -> list[Any]:
        """The same loop the other way round, accumulating the cotangents of its consts."""
        head, args = split(operands, self.n_head)
        jaxpr, n_consts, n_carry = p["jaxpr"], p["n_consts"], p["n_carry"]
        given = [isinstance(a, Linear) for a in args]
        lc, ls, lx = split(given, n_consts, n_carry)
        # A carry that starts as a written-out zero is known, yet linear inside the loop.
        lin = [*lc, *[True] * n_carry, *lx]
        consts, carry, xs = split(args, n_consts, n_carry)
        ct_carry = [instantiate(ct, c) for ct, c in zip(cts[:n_carry], carry, strict=True)]
        ct_ys = cts[n_carry:]
        nonzero = [True] * n_carry + [ct is not None for ct in ct_ys]
        back, found = transposed(jaxpr, lin, nonzero)
        known_c, known_x = (select_by([not q for q in f], g) for g, f in ((consts, lc), (xs, lx)))
        linear_c, linear_x = (select_by(f, g) for g, f in ((consts, lc), (xs, lx)))
        given_ys = [ct for ct in ct_ys if ct is not None]
        n_kc, n_lc, n_kx = len(known_c), len(linear_c), len(known_x)
        fc, fs, fx = split(found, n_lc, n_carry)
        closed, extra = back.closed(), list(back.consts)

        def body(*inner: Any) -> list[Any]:
            more, kc, acc, ct, kx, yt = split(inner, len(extra), n_kc, n_lc, n_carry, n_kx)
            results = spread(found, eval_jaxpr(closed, [*more, *kc, *kx, *ct, *yt]))
            rc, rs, rx = split(results, n_lc, n_carry)
            acc = [a if r is None else add(a, r) for a, r in zip(acc, rc, strict=True)]
            rs = [zeros(c) if r is None else r for r, c in zip(rs, carry, strict=True)]
            return [*acc, *rs, *[r for r in rx if r is not None]]

        start = [zeros(c.aval) for c in linear_c]
        row = lambda x: x.aval.update(shape=x.aval.shape[1:], weak_type=False)
        types = [v.aval for v in (*extra, *known_c)]
        types += [v.aval.strong for v in (*linear_c, *carry)]
        types += [row(x) for x in (*known_x, *given_ys)]
        jaxpr_t = trace(body, types, name=f"transpose({jaxpr.name})")
        groups = ([*extra, *known_c], [*start, *ct_carry], [*known_x, *given_ys])
        outs = self.loop(p, head, jaxpr_t, groups, reverse=not p["reverse"], reads_rows=True)
        ct_c, ct_s, ct_x = split(outs, n_lc, n_carry)
        per_x = iter(spread(fx, ct_x))
        per_c = iter(ct_c)
        return [
            *[None] * self.n_head,
            *[next(per_c) if q else None for q in lc],
            *[ct if q else None for ct, q in zip(ct_s, ls, strict=True)],
            *[next(per_x) if q else None for q in lx],
        ]

    def batch(self, axis: BatchAxis, args: Any, dims: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        (head, args), dims = split(args, self.n_head), dims[self.n_head :]
        jaxpr, n_consts, n_carry = p["jaxpr"], p["n_consts"], p["n_carry"]
        varies = [d is not None for d in dims]
        carry_varies = varies[n_consts : n_consts + n_carry]
        while True:
            inner = [*varies[:n_consts], *carry_varies, *varies[n_consts + n_carry :]]
            body_dims = [0 if v else None for v in inner]
            force = [*carry_varies, *[False] * (len(jaxpr.outvars) - n_carry)]
            body, out_dims = batched_jaxpr(jaxpr, axis, body_dims, force)
            found = [d is not None for d in out_dims[:n_carry]]
            if found == carry_varies:
                break
            carry_varies = found
        (pc, ps, px), (dc, ds, dx) = split(args, n_consts, n_carry), split(dims, n_consts, n_carry)
        move = S.move_batch_axis
        pc = S.batch_in_front(pc, dc, axis.size)
        ps = [
            move(x, d, 0, axis.size) if v else x
            for x, d, v in zip(ps, ds, carry_varies, strict=True)
        ]
        px = [x if d is None else move(x, d, 1, axis.size) for x, d in zip(px, dx, strict=True)]
        outs = self.loop(p, head, body, (pc, ps, px))
        y_dims = [None if d is None else 1 for d in out_dims[n_carry:]]
        return outs, [*out_dims[:n_carry], *y_dims]


def row_of(x: Any, i: int) -> Any:
    return Array(x._live()[i], x.aval.weak_type)


def stack_rows(rows: list[Any], aval: ShapedArray) -> Any:
    if not rows:
        return Array(np.zeros((0, *aval.shape), aval.dtype))
    return Array(np.stack([r._live() for r in rows]))


def fixpoint(p: dict[str, Any], varies: list[bool]) -> tuple[list[bool], list[bool]]:
    """Which inputs vary once the carry's variation has spread through the loop."""
    n_consts, n_carry = p["n_consts"], p["n_carry"]
    c, s, x = split(varies, n_consts, n_carry)
    while True:
        inner = [*c, *s, *x]
        force = [*s, *[False] * (len(p["jaxpr"].outvars) - n_carry)]
        _, moved = jvp_jaxpr(p["jaxpr"], inner, force)
        found = list(moved[:n_carry])
        if found == s:
            return inner, s
        s = found


scan_p = Scan()


def bind_scan(
    jaxpr: Jaxpr, consts: Any, carry: Any, xs: Any, length: int, reverse: bool
) -> list[Any]:
    """Apply a body as a loop; its own consts are passed as loop-invariant operands."""
    consts = [*jaxpr.consts, *consts]
    return scan_p.bind(
        *consts,
        *carry,
        *xs,
        jaxpr=same_types(jaxpr.closed(), [c.aval for c in carry]),
        length=length,
        reverse=reverse,
        n_consts=len(consts),
        n_carry=len(carry),
    )


def row_by_row(
    apply: Callable[..., list[Any]], args: Any, varies: list[bool], size: int, name: str
) -> list[Any]:
    """Results of `apply` on one row after another, stacked; what varies has its rows on axis 0."""
    fixed, rows = select_by([not v for v in varies], args), select_by(varies, args)

    def step(*inner: Any) -> list[Any]:
        still, row = iter(inner[: len(fixed)]), iter(inner[len(fixed) :])
        return apply(*[next(row) if v else next(still) for v in varies])

    avals = [x.aval for x in fixed] + [x.aval.update(shape=x.shape[1:]) for x in rows]
    return bind_scan(trace(step, avals, name=name), fixed, [], rows, size, False)


@api_boundary
def scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
    _split_transpose: bool = False,
) -> tuple[Any, Any]:
    """Run `f` over the leading axis of `xs`, carrying a state.

    Args:
      f: (carry, x) -> (carry, y); trees of arrays; the carry keeps its types.
      init: initial carry.
      xs: arrays [length, ...], or None.
      length: number of steps; needed if there are no xs.
      reverse: from the last step to the first; ys keep their places.
      unroll: of no effect on results; the compiler decides.
    Returns: final carry, and ys stacked to [length, ...].
    Raises: CarryError if `f` changes the carry's structure, shapes or dtypes.

    >>> import ftx.numpy as fnp
    >>> total, sums = scan(lambda c, x: (c + x, c + x), 0.0, fnp.array([1.0, 2.0, 3.0]))
    >>> sums.tolist()
    [1.0, 3.0, 6.0]
    """
    check_callable("scan", f)
    if not isinstance(unroll, (int, np.integer)) or unroll < 0:
        raise ArgumentError(f"scan: expected unroll to be a bool or a number, got {unroll!r}")
    return scan_as("scan", f, init, xs, length, reverse)


def scan_as(
    name: str, f: Any, init: Any, xs: Any = None, length: int | None = None, reverse: bool = False
) -> tuple[Any, Any]:
    """`scan`, under the name by which the user called it."""
    init_leaves, init_tree = tree.flatten(init)
    x_leaves, x_tree = tree.flatten(xs)
    x_values = [as_value(x) for x in x_leaves]
    n = _length(x_values, length)
    if n and in_python(x_values):
        return _in_python(f, init, [tree.unflatten(x_tree, r) for r in _rows(x_values, n)], reverse)
    in_tree = tree.structure(((tree.unflatten(init_tree, init_leaves), xs), {}))
    rows = [x.aval.update(shape=x.shape[1:]) for x in x_values]

    def trace_once(carry: list[ShapedArray]) -> tuple[Jaxpr, Any, int]:
        jaxpr, out_tree = trace_body(f, in_tree, [*carry, *rows], name)
        if out_tree.num_children != 2 or out_tree.type not in (tuple, list):
            raise CarryError(f"{name}: expected the body to return (carry, y), got {out_tree}")
        carry_tree = out_tree.child(0)
        if carry_tree != init_tree:
            raise CarryError(
                f"{name}: expected the body to return a carry of structure {init_tree}, "
                f"got {carry_tree}"
            )
        return jaxpr, out_tree, carry_tree.num_leaves

    carry, jaxpr, out_tree = settle_carry(name, init_leaves, init_tree, trace_once)
    key_reuse.repeat(jaxpr, carry, x_values, n)
    outs = bind_scan(jaxpr, [], carry, x_values, n, reverse)
    last, ys = tree.unflatten(out_tree, outs)
    return last, ys


def in_python(values: Any) -> bool:
    """Whether a loop over known values is to be one of Python's, whose steps can be looked at."""
    return config.disable_jit and STATE.trace is None and all(type(x) is Array for x in values)


def _rows(values: list[Any], n: int) -> list[list[Any]]:
    return [[row_of(x, i) for x in values] for i in range(n)]


def _in_python(f: Any, init: Any, rows: list[Any], reverse: bool) -> tuple[Any, Any]:
    """The loop one step after another, nothing traced."""
    carry, ys = tree.map(as_value, init), [None] * len(rows)
    for i in reversed(range(len(rows))) if reverse else range(len(rows)):
        carry, ys[i] = f(carry, rows[i])
    stack = lambda *xs: S.concatenate([S.expand_dims(as_value(x), (0,)) for x in xs], 0)
    return carry, tree.map(stack, *ys)


def _length(xs: list[Any], given: int | None) -> int:
    for x in xs:
        if not x.ndim:
            raise ShapeError(f"scan: expected xs with a leading axis, got {x.aval}")
    found = {x.shape[0] for x in xs} | ({int(given)} if given is not None else set())
    if len(found) != 1:
        got = ", ".join(str(x.aval) for x in xs) or "no xs"
        raise ShapeError(
            f"scan: expected xs of one leading size, or length=, got {got} and length={given}"
        )
    return found.pop()


@api_boundary
def map_(f: Callable[..., Any], xs: Any, *, batch_size: int | None = None) -> Any:
    """Apply `f` to each row of `xs`, one after another, or several at a time.

    Args:
      batch_size: how many rows are mapped at once by `vmap`, the rest of them after these.
    Raises: ArgumentError if batch_size is not positive.

    >>> import ftx.numpy as fnp
    >>> map_(lambda x: x * 2, fnp.array([1.0, 2.0])).tolist()
    [2.0, 4.0]
    """
    each = lambda f, xs: scan_as("map", lambda _, x: ((), f(x)), (), xs)[1]
    if batch_size is None:
        return each(f, xs)
    if batch_size < 1:
        raise ArgumentError(f"map: expected batch_size to be positive, got {batch_size}")
    n = _length([as_value(x) for x in tree.leaves(xs)], None)
    whole, several = n // batch_size * batch_size, vmap(f)
    if not whole:
        return several(xs)
    part = lambda start, stop: tree.map(lambda x: S.slice_axis(as_value(x), 0, start, stop), xs)
    groups = lambda x: S.reshape(x, (whole // batch_size, batch_size, *x.shape[1:]))
    rows = lambda y: S.reshape(y, (whole, *y.shape[2:]))
    done = tree.map(rows, each(several, tree.map(groups, part(0, whole))))
    if whole == n:
        return done
    return tree.map(lambda a, b: S.concatenate([a, b], 0), done, several(part(whole, n)))

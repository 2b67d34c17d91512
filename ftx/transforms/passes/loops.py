"""Move work out of loops: what does not change in a loop is computed before it.

Requires: bodies without consts.  Establishes: a carry that never changes is a const, and so are
rows that are all the same; nothing is stacked twice; a carry that adds up products is one product
after the loop; equations of a body that depend on consts alone run once, unless the loop computes
them for nothing, as it does index maps and cheap operations that would fill memory.  A small matrix
that is multiplied by a vector in every iteration lies with its longer axis last, where loops over
it vectorise.
"""

from __future__ import annotations

import math
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ...core.jaxpr import Atom, Eqn, Jaxpr, Literal, Var, eqn_axes, has_effects, sub_jaxprs
from ...core.primitives.dot import dot_general_p, labels
from ...core.primitives.elementwise import add_p
from ...core.primitives.shape import broadcast_in_dim_p, transpose_p
from ...core.types import ShapedArray

Simplify = Callable[[Jaxpr], Jaxpr]

FREE = frozenset(
    {"broadcast_in_dim", "reshape", "transpose", "slice", "rev", "copy", "iota", "squeeze"}
)
DEAR = frozenset({"dot_general", "conv_general_dilated", "cholesky", "triangular_solve", "sort"})
SHORT = 64
"""Length of a matrix's last axis below which the other axis should be last if it is longer."""
LARGE = 8192
"""Multiplications (about) from which a product in a loop is better made of all steps at once."""
MAX_STACKED = 1 << 26
"""Bytes that may be stacked for it."""
SMALL = 8192
"""Elements up to which a product with a vector is a loop in a kernel."""


def improve_loops(jaxpr: Jaxpr, simplify: Simplify) -> Jaxpr:
    """Every loop of a program, inner ones first."""
    if not any(e.primitive.name in ("scan", "counted_scan", "while") for e in jaxpr.eqns):
        return jaxpr
    eqns: list[Eqn] = []
    new: dict[Var, Atom] = {}
    read = lambda a: a if isinstance(a, Literal) else new.get(a, a)
    for eqn in jaxpr.eqns:
        eqn = eqn.replace(invars=tuple(read(a) for a in eqn.invars))
        kind = SCANS.get(eqn.primitive.name)
        if kind is not None and eqn.params["length"]:
            loop = kind(eqn, simplify, eqns, new)
            eqns += [loop.improved(), *loop.after]
        elif eqn.primitive.name == "while":
            eqns.append(_while(eqn, simplify, eqns))
        else:
            eqns.append(eqn)
    return jaxpr.with_eqns(eqns, [read(a) for a in jaxpr.outvars])


class _ScanLoop:
    """A scan taken apart: pairs of (variable of the body, atom outside), results likewise.

    Every step moves something out and keeps the meaning; `new` collects the results that turn
    out to be other atoms.
    """

    n_head = 0
    """Operands before the consts."""
    may_never_run = False

    def __init__(self, eqn: Eqn, simplify: Simplify, eqns: list[Eqn], new: dict[Var, Atom]):
        p = eqn.params
        body, n, m = simplify(p["jaxpr"]), p["n_consts"], p["n_consts"] + p["n_carry"]
        ins = list(zip(body.invars, eqn.invars[self.n_head :], strict=True))
        outs = list(zip(body.outvars, eqn.outvars, strict=True))
        self.consts, self.carry, self.xs = ins[:n], ins[n:m], ins[m:]
        self.finals, self.ys = outs[: p["n_carry"]], outs[p["n_carry"] :]
        self.body, self.eqn, self.simplify = body, eqn, simplify
        self.eqns, self.new, self.length = eqns, new, p["length"]
        self.after: list[Eqn] = []
        """Equations on the loop's results."""

    def improved(self) -> Eqn:
        self._settle_carry()
        self._unstack_xs()
        self._move_out()
        self._sum_after()
        self._share_ys()
        read = {a for e in self.body.eqns for a in e.invars}
        read.update(a for a, _ in (*self.finals, *self.ys))
        self.consts = [c for c in self.consts if c[0] in read]
        invars = (*self.consts, *self.carry, *self.xs)
        outs = (*self.finals, *self.ys)
        body = Jaxpr(
            (),
            tuple(v for v, _ in invars),
            self.body.eqns,
            tuple(a for a, _ in outs),
            self.body.name,
        )
        params = {
            **self.eqn.params,
            "jaxpr": self.simplify(body),
            "n_consts": len(self.consts),
            "n_carry": len(self.carry),
        }
        return self.eqn.replace(
            invars=(*self.eqn.invars[: self.n_head], *[a for _, a in invars]),
            params=params,
            outvars=tuple(v for _, v in outs),  # type: ignore[misc]
        )

    def _settle_carry(self) -> None:
        """A carry that never changes is a const."""
        pairs = list(zip(self.carry, self.finals, strict=True))
        still = [given is out for (given, _), (out, _) in pairs]
        for ((given, init), (_, result)), is_still in zip(pairs, still, strict=True):
            if is_still:
                self.consts.append((given, init))
                self.new[result] = init
        self.carry = [c for (c, _), q in zip(pairs, still, strict=True) if not q]
        self.finals = [f for (_, f), q in zip(pairs, still, strict=True) if not q]

    def _unstack_xs(self) -> None:
        """Rows that are all the same are a const; the same rows twice are one variable."""
        producers = {v: e for e in self.eqns for v in e.outvars}
        known: dict[Atom, Var] = {}
        same: dict[Var, Var] = {}
        xs = []
        for var, whole in self.xs:
            made = producers.get(whole)  # type: ignore[arg-type]
            if made is not None and _repeats_rows(made):
                self._read_row(made, var)
            elif whole in known:
                same[var] = known[whole]
            else:
                xs.append((var, whole))
                known[whole] = var
        self.xs = xs
        if same:
            self._rename(same)

    def _read_row(self, made: Eqn, var: Var) -> None:
        """`var` is the one row that `made` repeats: a const, broadcast in the body if need be."""
        row = made.invars[0]
        inside = row if isinstance(row, Literal) else Var(row.aval)
        params = {"shape": var.aval.shape, "dims": tuple(d - 1 for d in made.params["dims"])}
        eqn = Eqn(broadcast_in_dim_p, (inside,), params, (var,), made.source)
        self.body = self.body.with_eqns((eqn, *self.body.eqns))
        if isinstance(inside, Var):
            self.consts.append((inside, row))

    def _rename(self, same: dict[Var, Var]) -> None:
        read = lambda a: a if isinstance(a, Literal) else same.get(a, a)
        eqns = tuple(e.replace(invars=tuple(map(read, e.invars))) for e in self.body.eqns)
        self.body = self.body.with_eqns(eqns)
        self.finals = [(read(a), v) for a, v in self.finals]
        self.ys = [(read(a), v) for a, v in self.ys]

    def _move_out(self) -> None:
        """Invariant equations, and results that are invariant."""
        invars = tuple(v for v, _ in self.consts)
        results = [a for a, _ in (*self.finals, *self.ys)]
        body = Jaxpr((), invars, self.body.eqns, tuple(results), self.body.name)
        body, consts = _turn_matrices(body, [a for _, a in self.consts], self.eqns)
        steady = {v for e in _invariant(body, self.may_never_run) for v in e.outvars}
        steady |= set(body.invars)
        is_steady = [isinstance(a, Literal) or a in steady for a, _ in self.ys]
        repeated = [y for y, q in zip(self.ys, is_steady, strict=True) if q]
        self.ys = [y for y, q in zip(self.ys, is_steady, strict=True) if not q]
        outs = tuple(a for a, _ in (*self.finals, *self.ys))
        body = Jaxpr((), body.invars, body.eqns, outs, body.name)
        body, consts, outside = _hoist(body, consts, self.eqns, self.may_never_run)
        self.consts = list(zip(body.invars, consts, strict=True))
        self.body = body
        for atom, result in repeated:
            row = atom if isinstance(atom, Literal) else outside[atom]
            shape = result.aval.shape
            params = {"shape": shape, "dims": tuple(range(1, len(shape)))}
            source = self.eqn.source
            self.eqns.append(Eqn(broadcast_in_dim_p, (row,), params, (result,), source))

    def _sum_after(self) -> None:
        """A carry that only adds up products is one product of all steps, after the loop."""
        made = {v: e for e in self.body.eqns for v in e.outvars}
        uses = Counter(a for e in self.body.eqns for a in e.invars if isinstance(a, Var))
        uses.update(a for a, _ in (*self.finals, *self.ys) if isinstance(a, Var))
        kept = []
        for (given, init), (total, result) in zip(self.carry, self.finals, strict=True):
            product = self._summand(given, total, made, uses)
            if product is None:
                kept.append(((given, init), (total, result)))
                continue
            x, y = (self._stacked(a) for a in product.invars)
            lhs, rhs, out = labels(product.params["spec"])
            step = next(c for c in string.ascii_letters if c not in lhs + rhs)
            params = {"spec": f"{step}{lhs},{step}{rhs}->{out}"}
            whole = Var(result.aval)
            self.after.append(Eqn(dot_general_p, (x, y), params, (whole,), product.source))
            self.after.append(Eqn(add_p, (init, whole), {}, (result,), product.source))
        self.carry = [c for c, _ in kept]
        self.finals = [f for _, f in kept]

    def _summand(self, given: Var, total: Atom, made: dict[Var, Eqn], uses: Any) -> Eqn | None:
        """The product that every step adds to a carry, which nothing else reads."""
        adds = made.get(total) if isinstance(total, Var) else None
        if adds is None or adds.primitive is not add_p or given not in adds.invars:
            return None
        other = adds.invars[1] if adds.invars[0] is given else adds.invars[0]
        product = made.get(other) if isinstance(other, Var) else None
        if product is None or product.primitive is not dot_general_p:
            return None
        consts = {v for v, _ in self.consts}
        varies = all(isinstance(a, Var) and a not in consts for a in product.invars)
        alone = uses[given] == uses[total] == uses[other] == 1
        stacked = self.length * sum(a.aval.nbytes for a in product.invars)
        size = math.prod(product.outvars[0].aval.shape) * product.invars[0].aval.size
        fits = stacked <= MAX_STACKED and size >= LARGE and given.aval == product.outvars[0].aval
        return product if varies and alone and fits else None

    def _stacked(self, row: Any) -> Atom:
        """All rows of a variable of the body: read by the loop, or stacked from now on."""
        for known, whole in (*self.xs, *self.ys):
            if known is row:
                return whole
        whole = Var(row.aval.update(shape=(self.length, *row.aval.shape)))
        self.ys.append((row, whole))
        return whole

    def _share_ys(self) -> None:
        """Rows stacked twice are stacked once; rows read and stacked again are those read."""
        known: dict[Atom, Atom] = dict(self.xs)
        ys = []
        for atom, result in self.ys:
            if atom in known:
                self.new[result] = known[atom]
            else:
                known[atom] = result
                ys.append((atom, result))
        self.ys = ys


class _CountedLoop(_ScanLoop):
    """A scan that stops early: it may make no step, and its rows past the count mean nothing."""

    n_head = 1
    may_never_run = True

    def _sum_after(self) -> None:
        """Nothing: the product would take in rows past the count."""


SCANS = {"scan": _ScanLoop, "counted_scan": _CountedLoop}


def _repeats_rows(eqn: Eqn) -> bool:
    return eqn.primitive is broadcast_in_dim_p and 0 not in eqn.params["dims"]


def _while(eqn: Eqn, simplify: Simplify, eqns: list[Eqn]) -> Eqn:
    p = eqn.params
    n_cond, n_body = p["n_cond"], p["n_body"]
    cond, body = simplify(p["cond_jaxpr"]), simplify(p["body_jaxpr"])
    first, second = eqn.invars[:n_cond], eqn.invars[n_cond : n_cond + n_body]
    cond, first = _improve(cond, first, eqns)
    body, second = _improve(body, second, eqns)
    params = {
        **p,
        "cond_jaxpr": simplify(cond),
        "body_jaxpr": simplify(body),
        "n_cond": len(first),
        "n_body": len(second),
    }
    carry = eqn.invars[n_cond + n_body :]
    return eqn.replace(invars=(*first, *second, *carry), params=params)


def _improve(
    body: Jaxpr, consts: Sequence[Atom], eqns: list[Eqn]
) -> tuple[Jaxpr, tuple[Atom, ...]]:
    """A body with its invariants as leading arguments, and the atoms outside that they are."""
    n = len(consts)
    rest = body.invars[n:]
    head = Jaxpr((), body.invars[:n], body.eqns, body.outvars, body.name)
    head, more = _turn_matrices(head, consts, eqns)
    head, more, _ = _hoist(head, more, eqns, may_never_run=True)
    return Jaxpr((), (*head.invars, *rest), head.eqns, head.outvars, body.name), tuple(more)


def _hoist(
    body: Jaxpr, consts: Sequence[Atom], eqns: list[Eqn], may_never_run: bool = False
) -> tuple[Jaxpr, list[Atom], dict[Var, Atom]]:
    """`body.invars` are the consts alone.  Also returns every invariant's atom outside."""
    invariant = _invariant(body, may_never_run)
    rest = _inside(body, invariant)
    outside: dict[Var, Atom] = dict(zip(body.invars, consts, strict=True))
    for eqn in invariant:  # those that only the loop needs are dropped with what nobody reads
        outvars = tuple(Var(v.aval) for v in eqn.outvars)
        ins = tuple(a if isinstance(a, Literal) else outside[a] for a in eqn.invars)
        eqns.append(eqn.replace(invars=ins, outvars=outvars))
        outside.update(zip(eqn.outvars, outvars, strict=True))
    made = {v for e in rest for v in e.outvars} | set(body.invars)
    read = [*(a for e in rest for a in e.invars), *body.outvars]
    found = [v for v in dict.fromkeys(read) if v in outside and v not in made]
    inner = Jaxpr((), (*body.invars, *found), tuple(rest), body.outvars, body.name)
    return inner, [*consts, *[outside[v] for v in found]], outside


def _invariant(body: Jaxpr, may_never_run: bool = False) -> list[Eqn]:
    """Equations that depend on `body.invars` alone, which are the consts."""
    known: set[Any] = set(body.invars)
    out = []
    for eqn in body.eqns:
        varies = any(a not in known for a in eqn.invars if isinstance(a, Var))
        refused = has_effects(eqn) or bool(eqn_axes(eqn))
        refused |= may_never_run and _may_not_return(eqn)
        if not varies and not refused:
            out.append(eqn)
            known.update(eqn.outvars)
    return out


def _may_not_return(eqn: Eqn) -> bool:
    """Whether it may raise or run forever, so that a loop of zero steps must not reach it."""
    if eqn.params.get("mode") == "raise" or eqn.primitive.name == "while":
        return True
    return any(_may_not_return(e) for inner in sub_jaxprs(eqn.params) for e in inner.eqns)


def _inside(body: Jaxpr, invariant: list[Eqn]) -> list[Eqn]:
    """What stays in the body: what varies, and the cheap equations that it reads directly."""
    movable = set(invariant)
    sources = _sources(invariant)
    read: set[Any] = set(body.outvars)
    kept = []
    for eqn in reversed(body.eqns):
        if eqn not in movable or (not read.isdisjoint(eqn.outvars) and _is_cheap(eqn, sources)):
            kept.append(eqn)
            read.update(eqn.invars)
    return kept[::-1]


def _sources(eqns: list[Eqn]) -> dict[Var, int]:
    """Elements that a value is made of, where it is broadcast from fewer."""
    found: dict[Var, int] = {}
    for eqn in eqns:
        sizes = [found.get(a, a.aval.size) for a in eqn.invars if isinstance(a, Var)]
        if eqn.primitive.name not in DEAR:
            found.update((v, min(v.aval.size, max(sizes, default=1))) for v in eqn.outvars)
    return found


def _is_cheap(eqn: Eqn, sources: dict[Var, int]) -> bool:
    name = eqn.primitive.name
    if name in FREE:
        return True
    if name in DEAR or len(eqn.outvars) != 1:
        return False
    return eqn.outvars[0].aval.size > sources[eqn.outvars[0]]


def _turn_matrices(
    body: Jaxpr, consts: Sequence[Atom], eqns: list[Eqn]
) -> tuple[Jaxpr, Sequence[Atom]]:
    """Small invariant matrices that meet a vector, with the longer axis last."""
    place = {v: i for i, v in enumerate(body.invars)}
    turned: dict[Var, Var] = {}
    more: list[Atom] = []
    out = []
    for eqn in body.eqns:
        at = _matrix(eqn, place)
        if at is None:
            out.append(eqn)
            continue
        matrix: Any = eqn.invars[at]
        if matrix not in turned:
            aval = ShapedArray(matrix.aval.shape[::-1], matrix.aval.dtype, matrix.aval.weak_type)
            turned[matrix], outside = Var(aval), Var(aval)
            eqns.append(
                Eqn(transpose_p, (consts[place[matrix]],), {"perm": (1, 0)}, (outside,), eqn.source)
            )
            more.append(outside)
        out.append(_with_turned(eqn, at, turned[matrix]))
    if not turned:
        return body, consts
    invars = (*body.invars, *turned.values())
    return Jaxpr((), invars, tuple(out), body.outvars, body.name), [*consts, *more]


def _matrix(eqn: Eqn, place: dict[Var, int]) -> int | None:
    """Which operand is an invariant matrix whose short axis is last, multiplied by a vector."""
    if eqn.primitive is not dot_general_p:
        return None
    for at, other in ((0, 1), (1, 0)):
        a, b = eqn.invars[at], eqn.invars[other]
        if isinstance(a, Var) and a in place and a.aval.ndim == 2 and b.aval.ndim == 1:
            first, last = a.aval.shape
            if last < min(first, SHORT) and a.aval.size <= SMALL:
                return at
    return None


def _with_turned(eqn: Eqn, at: int, matrix: Var) -> Eqn:
    lhs, rhs, out = labels(eqn.params["spec"])
    names = [lhs, rhs]
    names[at] = names[at][::-1]
    invars = list(eqn.invars)
    invars[at] = matrix
    return eqn.replace(invars=tuple(invars), params={"spec": f"{names[0]},{names[1]}->{out}"})

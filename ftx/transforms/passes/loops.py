"""Move work out of loops: what does not change in a loop is computed before it.

Requires: bodies without consts.  Establishes: a carry that never changes is a const; equations of
a body that depend on consts alone run once, unless the loop computes them for nothing, as it does
index maps and cheap operations that would fill memory.  A small matrix that is multiplied by a
vector in every iteration lies with its longer axis last, where loops over it vectorise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...core.jaxpr import Atom, Eqn, Jaxpr, Literal, Var, eqn_axes
from ...core.primitives.dot import dot_general_p, labels
from ...core.primitives.shape import transpose_p
from ...core.types import ShapedArray

Simplify = Callable[[Jaxpr], Jaxpr]

FREE = frozenset(
    {"broadcast_in_dim", "reshape", "transpose", "slice", "rev", "copy", "iota", "squeeze"}
)
DEAR = frozenset({"dot_general", "conv_general_dilated", "cholesky", "triangular_solve", "sort"})
RAISES = frozenset({"gather", "dynamic_slice", "scatter", "dynamic_update_slice"})
"""May refuse their operands, so a loop that runs zero times must not reach them."""
SHORT = 64
"""Length of a matrix's last axis below which the other axis should be last if it is longer."""
SMALL = 8192
"""Elements up to which a product with a vector is a loop in a kernel."""


def improve_loops(jaxpr: Jaxpr, simplify: Simplify) -> Jaxpr:
    """Every scan and while of a program, inner ones first."""
    if not any(e.primitive.name in ("scan", "while") for e in jaxpr.eqns):
        return jaxpr
    eqns: list[Eqn] = []
    new: dict[Var, Atom] = {}
    read = lambda a: a if isinstance(a, Literal) else new.get(a, a)
    for eqn in jaxpr.eqns:
        eqn = eqn.replace(invars=tuple(read(a) for a in eqn.invars))
        if eqn.primitive.name == "scan" and eqn.params["length"]:
            eqn = _scan(eqn, simplify, eqns, new)
        elif eqn.primitive.name == "while":
            eqn = _while(eqn, simplify, eqns)
        if eqn.outvars or eqn.primitive.effectful:
            eqns.append(eqn)
    return jaxpr.with_eqns(eqns, [read(a) for a in jaxpr.outvars])


def _scan(eqn: Eqn, simplify: Simplify, eqns: list[Eqn], new: dict[Var, Atom]) -> Eqn:
    p = eqn.params
    body, n_consts, n_carry = simplify(p["jaxpr"]), p["n_consts"], p["n_carry"]
    carry = range(n_consts, n_consts + n_carry)
    still = [i for i in carry if body.outvars[i - n_consts] is body.invars[i]]
    order = [*range(n_consts), *still, *[i for i in range(len(body.invars)) if i >= n_consts and i not in still]]
    kept = [k for k in range(len(body.outvars)) if k + n_consts not in still]
    new.update((eqn.outvars[i - n_consts], eqn.invars[i]) for i in still)
    body = Jaxpr(
        (),
        tuple(body.invars[i] for i in order),
        body.eqns,
        tuple(body.outvars[k] for k in kept),
        body.name,
    )
    n_consts += len(still)
    operands = [eqn.invars[i] for i in order]
    body, consts = _improve(body, operands[:n_consts], eqns, frozenset())
    params = p | {
        "jaxpr": simplify(body),
        "n_consts": len(consts),
        "n_carry": n_carry - len(still),
    }
    invars = (*consts, *operands[n_consts:])
    return eqn.replace(
        invars=invars, params=params, outvars=tuple(eqn.outvars[k] for k in kept)
    )


def _while(eqn: Eqn, simplify: Simplify, eqns: list[Eqn]) -> Eqn:
    p = eqn.params
    n_cond, n_body = p["n_cond"], p["n_body"]
    cond, body = simplify(p["cond_jaxpr"]), simplify(p["body_jaxpr"])
    first, second = eqn.invars[:n_cond], eqn.invars[n_cond : n_cond + n_body]
    cond, first = _improve(cond, first, eqns, RAISES)
    body, second = _improve(body, second, eqns, RAISES)
    params = p | {
        "cond_jaxpr": simplify(cond),
        "body_jaxpr": simplify(body),
        "n_cond": len(first),
        "n_body": len(second),
    }
    carry = eqn.invars[n_cond + n_body :]
    return eqn.replace(invars=(*first, *second, *carry), params=params)


def _improve(
    body: Jaxpr, consts: Sequence[Atom], eqns: list[Eqn], barred: frozenset[str]
) -> tuple[Jaxpr, tuple[Atom, ...]]:
    """A body with its invariants as consts, and the atoms outside that they are."""
    body, consts = _turn_matrices(body, consts, eqns)
    return _hoist(body, consts, eqns, barred)


def _hoist(
    body: Jaxpr, consts: Sequence[Atom], eqns: list[Eqn], barred: frozenset[str]
) -> tuple[Jaxpr, tuple[Atom, ...]]:
    n = len(consts)
    invariant = _invariant(body, n, barred)
    rest = _inside(body, invariant)
    if len(rest) == len(body.eqns):
        return body, tuple(consts)
    outside: dict[Var, Atom] = dict(zip(body.invars[:n], consts, strict=True))
    for eqn in invariant:  # those that only the loop needs are dropped with what nobody reads
        outvars = tuple(Var(v.aval) for v in eqn.outvars)
        ins = tuple(a if isinstance(a, Literal) else outside[a] for a in eqn.invars)
        eqns.append(eqn.replace(invars=ins, outvars=outvars))
        outside.update(zip(eqn.outvars, outvars, strict=True))
    made = {v for e in rest for v in e.outvars} | set(body.invars)
    read = [*(a for e in rest for a in e.invars), *body.outvars]
    found = list(dict.fromkeys(a for a in read if isinstance(a, Var) and a not in made))
    invars = (*body.invars[:n], *found, *body.invars[n:])
    inner = Jaxpr((), invars, tuple(rest), body.outvars, body.name)
    return inner, (*consts, *[outside[v] for v in found])


def _invariant(body: Jaxpr, n: int, barred: frozenset[str]) -> list[Eqn]:
    known: set[Any] = set(body.invars[:n])
    out = []
    for eqn in body.eqns:
        varies = any(a not in known for a in eqn.invars if isinstance(a, Var))
        refused = eqn.primitive.effectful or eqn.primitive.name in barred or eqn_axes(eqn)
        if not varies and not refused:
            out.append(eqn)
            known.update(eqn.outvars)
    return out


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
    n = len(consts)
    place = {v: i for i, v in enumerate(body.invars[:n])}
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
    invars = (*body.invars[:n], *turned.values(), *body.invars[n:])
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

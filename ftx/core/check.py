"""The type checker of jaxprs.

In: a Jaxpr.  Out: nothing, or JaxprTypeError showing the equation, its user line and context.
Establishes: every variable is bound once before it is read, every type is what its rule says.
Knows nothing of: who made the program, except the stage's name to put into the message.
"""

from __future__ import annotations

from .errors import JaxprTypeError
from .jaxpr import Atom, Eqn, Jaxpr, Literal, Var, sub_jaxprs
from .printing import Namer, format_eqn
from .types import ShapedArray

CONTEXT = 5


def check_jaxpr(jaxpr: Jaxpr, stage: str = "trace") -> Jaxpr:
    """Return `jaxpr` unchanged if it type-checks.

    Raises: JaxprTypeError naming the equation and the stage that produced it.
    """
    if len(jaxpr.consts) > len(jaxpr.invars):
        raise JaxprTypeError(
            f"after {stage}: expected a binder for each of {len(jaxpr.consts)} consts, got "
            f"{len(jaxpr.invars)} binders"
        )
    bound: set[Var] = set()
    for var in jaxpr.invars:
        _bind(var, bound, jaxpr, None, stage)
    for eqn in jaxpr.eqns:
        _check_eqn(eqn, bound, jaxpr, stage)
        for inner in sub_jaxprs(eqn.params):
            if inner.memo.get("checked") is None:
                inner.memo["checked"] = True
                check_jaxpr(inner, stage)
    for atom in jaxpr.outvars:
        _read(atom, bound, jaxpr, None, stage)
    return jaxpr


def _fail(problem: str, jaxpr: Jaxpr, eqn: Eqn | None, stage: str) -> None:
    name, lines = Namer(), []
    for var in jaxpr.invars:
        name(var)
    at = jaxpr.eqns.index(eqn) if eqn is not None else len(jaxpr.eqns)
    for i, each in enumerate(jaxpr.eqns):
        shown = format_eqn(each, name, "  > " if each is eqn else "    ")
        if abs(i - at) <= CONTEXT:
            lines.append(shown)
    where = str(eqn.source) if eqn is not None and eqn.source.file else None
    text = "\n".join(lines)
    raise JaxprTypeError(
        f"after {stage}: expected a program that type-checks, got: {problem}; "
        f"{JaxprTypeError.cure}\n{text}",
        where,
    )


def _bind(var: Var, bound: set[Var], jaxpr: Jaxpr, eqn: Eqn | None, stage: str) -> None:
    if var in bound:
        _fail("a variable is bound twice", jaxpr, eqn, stage)
    bound.add(var)


def _read(atom: Atom, bound: set[Var], jaxpr: Jaxpr, eqn: Eqn | None, stage: str) -> ShapedArray:
    if not isinstance(atom, Literal) and atom not in bound:
        _fail("an unbound variable is read", jaxpr, eqn, stage)
    return atom.aval


def _check_eqn(eqn: Eqn, bound: set[Var], jaxpr: Jaxpr, stage: str) -> None:
    avals = [_read(a, bound, jaxpr, eqn, stage) for a in eqn.invars]
    expected = eqn.primitive.abstract_eval(*avals, **eqn.params)
    got = [v.aval for v in eqn.outvars]
    same = [e.strong is g.strong for e, g in zip(expected, got, strict=False)]
    if len(expected) != len(got) or not all(same):
        _fail(f"the rule of {eqn.primitive.name} gives {expected}, not {got}", jaxpr, eqn, stage)
    for var in eqn.outvars:
        _bind(var, bound, jaxpr, eqn, stage)

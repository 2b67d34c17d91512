"""Reverse: run a linear program backwards, cotangents in, cotangents out.

In: a jaxpr that is linear in its arguments (its constants are known), output cotangents.
Out: one cotangent per argument; None is a symbolic zero.
Knows nothing of: how the linear program was made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core.evaluate import read
from ..core.jaxpr import Jaxpr, Var
from ..core.primitive import Linear
from ..core.primitives.elementwise import add
from ..core.source import interprets
from ..core.tracing import trace


def accumulate(into: dict[Var, Any], atom: Any, ct: Any) -> None:
    """Add a cotangent to what a variable has so far."""
    if ct is not None and isinstance(atom, Var):
        into[atom] = add(into[atom], ct) if atom in into else ct


@interprets
def backward(jaxpr: Jaxpr, cotangents: Sequence[Any]) -> list[Any]:
    """Cotangents of the arguments of a linear jaxpr.

    Equations that depend on constants only (no linear input) are evaluated forwards first.
    """
    linear: set[Var] = set(jaxpr.arg_vars)
    values: dict[Var, Any] = dict(zip(jaxpr.invars, jaxpr.consts, strict=False))
    backwards = []
    for eqn in jaxpr.eqns:
        if any(a in linear for a in eqn.invars):
            linear.update(eqn.outvars)
            backwards.append(eqn)
        else:
            outs = eqn.primitive.bind(*[read(values, a) for a in eqn.invars], **eqn.params)
            values.update(zip(eqn.outvars, outs, strict=True))
    cts: dict[Var, Any] = {}
    for atom, ct in zip(jaxpr.outvars, cotangents, strict=True):
        accumulate(cts, atom, ct)
    for eqn in reversed(backwards):
        given = [cts.pop(v, None) for v in eqn.outvars]
        if all(ct is None for ct in given):
            continue
        args = [Linear(a.aval) if a in linear else read(values, a) for a in eqn.invars]
        results = eqn.primitive.transpose(given, *args, **eqn.params)
        for atom, ct in zip(eqn.invars, results, strict=True):
            accumulate(cts, atom, ct)
    return [cts.get(v) for v in jaxpr.arg_vars]


def transposed_call(
    apply: Callable[[Jaxpr, Sequence[Any]], list[Any]], jaxpr: Jaxpr, cts: Any, args: Any
) -> list[Any]:
    """The transpose rule of a call of `jaxpr`; `apply` makes the call of its transpose."""
    linear = [isinstance(a, Linear) for a in args]
    program, found = transposed(jaxpr, linear, [ct is not None for ct in cts])
    known = [a for a, lin in zip(args, linear, strict=True) if not lin]
    results = iter(apply(program, [*known, *[ct for ct in cts if ct is not None]]))
    per_linear = iter([next(results) if f else None for f in found])
    return [next(per_linear) if lin else None for lin in linear]


def transposed(
    jaxpr: Jaxpr, linear: Sequence[bool], nonzero_cts: Sequence[bool]
) -> tuple[Jaxpr, tuple[bool, ...]]:
    """(known inputs, nonzero output cotangents) -> nonzero cotangents of the linear inputs.

    Requires: no consts.  Memoised on `jaxpr`; returns also which linear inputs get one.
    """
    key = ("transposed", tuple(linear), tuple(nonzero_cts))
    if key not in jaxpr.memo:
        jaxpr.memo[key] = _transposed(jaxpr, tuple(linear), tuple(nonzero_cts))
    return jaxpr.memo[key]


def _transposed(jaxpr: Jaxpr, linear: tuple[bool, ...], nonzero: tuple[bool, ...]) -> Any:
    known_vars = [v for v, lin in zip(jaxpr.invars, linear, strict=True) if not lin]
    linear_vars = [v for v, lin in zip(jaxpr.invars, linear, strict=True) if lin]
    found: list[bool] = []

    def run(*args: Any) -> list[Any]:
        known, given = args[: len(known_vars)], iter(args[len(known_vars) :])
        cts = [next(given) if nz else None for nz in nonzero]
        ordered = Jaxpr(
            tuple(known), (*known_vars, *linear_vars), jaxpr.eqns, jaxpr.outvars, jaxpr.name
        )
        results = backward(ordered, cts)
        found.extend(ct is not None for ct in results)
        return [ct for ct in results if ct is not None]

    outs = [a.aval.strong for a, nz in zip(jaxpr.outvars, nonzero, strict=True) if nz]
    avals = [v.aval for v in known_vars] + outs
    return trace(run, avals, name=f"transpose({jaxpr.name})"), tuple(found)

"""Drop operations that change nothing, and merge index maps that follow each other.

Requires: nothing.  Establishes: no x*1, x/1, x+0 (reals: x-0), no conversion to the same dtype,
no -(-x), no transpose of a transpose nor under a product, no arithmetic on constants.  Every
rewrite keeps IEEE meaning, -0.0 and NaN included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.jaxpr import Atom, Eqn, Jaxpr, Literal, Var
from ...core.primitives.dot import labels
from ...core.primitives.shape import broadcast_in_dim_p

Producers = dict[Var, Eqn]


def drop_identities(jaxpr: Jaxpr) -> Jaxpr:
    """Apply `RULES` once, front to back."""
    producers: Producers = {}
    new: dict[Var, Atom] = {}
    eqns: list[Eqn] = []
    read = lambda a: a if isinstance(a, Literal) else new.get(a, a)
    for eqn in jaxpr.eqns:
        eqn = eqn.replace(invars=tuple(read(a) for a in eqn.invars))
        rule = RULES.get(eqn.primitive.name)
        result = rule(eqn, producers) if rule else eqn
        if isinstance(result, Eqn) and result.primitive.name in FOLDED:
            result = _folded(result, producers)
        if not isinstance(result, Eqn):
            new[eqn.outvars[0]] = result
            continue
        eqns.append(result)
        producers.update(dict.fromkeys(result.outvars, result))
    return jaxpr.with_eqns(eqns, [read(a) for a in jaxpr.outvars])


FOLDED = frozenset({"neg", "add", "sub", "mul", "max", "min"})
"""Exact or once rounded everywhere, so NumPy's result is the machine's."""


def _folded(eqn: Eqn, producers: Producers) -> Atom | Eqn:
    """An operation on constants as a constant."""
    values = [constant_of(a, producers) for a in eqn.invars]
    if any(v is None for v in values):
        return eqn
    aval = eqn.outvars[0].aval
    with np.errstate(all="ignore"):
        (value,) = eqn.primitive.impl(*[np.asarray(v) for v in values], **eqn.params)
    literal = Literal(np.asarray(value, aval.dtype), aval.update(shape=()))
    if aval.shape == ():
        return literal
    return Eqn(
        broadcast_in_dim_p, (literal,), {"shape": aval.shape, "dims": ()}, eqn.outvars, eqn.source
    )


def constant_of(atom: Atom, producers: Producers) -> Any:
    """The number that fills `atom`, or None."""
    if isinstance(atom, Literal):
        return atom.value
    made_by = producers.get(atom)
    if made_by is not None and made_by.primitive.name == "broadcast_in_dim":
        return constant_of(made_by.invars[0], producers)
    return None


def _same_type(a: Atom, eqn: Eqn) -> bool:
    return a.aval.strong is eqn.outvars[0].aval.strong


def _drop_if(operand: int, other: int, value: float) -> Any:
    """Keep `operand` alone where `other` is filled with `value`."""

    def rule(eqn: Eqn, producers: Producers) -> Atom | Eqn:
        constant = constant_of(eqn.invars[other], producers)
        kept = eqn.invars[operand]
        if constant is None or constant != value or not _same_type(kept, eqn):
            return eqn
        return kept if value != 0 or _zero_is_neutral(constant, eqn) else eqn

    return rule


def _zero_is_neutral(zero: Any, eqn: Eqn) -> bool:
    """x + 0.0 is not x for x = -0.0, but x + -0.0 and x - 0.0 are."""
    if eqn.outvars[0].aval.dtype.kind in "iu":
        return True
    if eqn.outvars[0].aval.dtype.kind == "c":
        return False
    return bool(np.signbit(zero)) == (eqn.primitive.name == "add")


def _either(*rules: Any) -> Any:
    def rule(eqn: Eqn, producers: Producers) -> Atom | Eqn:
        for each in rules:
            result = each(eqn, producers)
            if result is not eqn:
                return result
        return eqn

    return rule


def _double_negation(eqn: Eqn, producers: Producers) -> Atom | Eqn:
    inner = producers.get(eqn.invars[0])  # type: ignore[arg-type]
    return inner.invars[0] if inner is not None and inner.primitive.name == "neg" else eqn


def _same_dtype(eqn: Eqn, producers: Producers) -> Atom | Eqn:
    return eqn.invars[0] if _same_type(eqn.invars[0], eqn) else eqn


def _transpose_of_transpose(eqn: Eqn, producers: Producers) -> Atom | Eqn:
    inner = producers.get(eqn.invars[0])  # type: ignore[arg-type]
    if inner is None or inner.primitive.name != "transpose":
        return eqn
    perm = tuple(inner.params["perm"][p] for p in eqn.params["perm"])
    if perm == tuple(range(len(perm))):
        return inner.invars[0]
    return eqn.replace(invars=inner.invars, params={"perm": perm})


def _transposed_operands(eqn: Eqn, producers: Producers) -> Atom | Eqn:
    """A product names its axes, so it can read an operand of a transpose in place."""
    names = list(labels(eqn.params["spec"]))
    invars = list(eqn.invars)
    for i, operand in enumerate(eqn.invars):
        inner = producers.get(operand)  # type: ignore[arg-type]
        if inner is not None and inner.primitive.name == "transpose":
            invars[i] = inner.invars[0]
            perm = inner.params["perm"]
            names[i] = "".join(names[i][perm.index(k)] for k in range(len(perm)))
    if tuple(invars) == eqn.invars:
        return eqn
    spec = f"{names[0]},{names[1]}->{names[2]}"
    return eqn.replace(invars=tuple(invars), params={"spec": spec})


RULES: dict[str, Callable[[Eqn, Producers], Atom | Eqn]] = {
    "mul": _either(_drop_if(0, 1, 1), _drop_if(1, 0, 1)),
    "div": _drop_if(0, 1, 1),
    "add": _either(_drop_if(0, 1, 0), _drop_if(1, 0, 0)),
    "sub": _drop_if(0, 1, 0),
    "neg": _double_negation,
    "convert_element_type": _same_dtype,
    "transpose": _transpose_of_transpose,
    "dot_general": _transposed_operands,
}

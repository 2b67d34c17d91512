"""A jaxpr as text, in JAX's grammar.

In: a Jaxpr.  Out: a string; inner jaxprs are indented under their equation.
Knows nothing of: how the program was made or will be run.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterator
from typing import Any

from . import dtypes
from .jaxpr import Atom, Eqn, Jaxpr, Literal, Var


def _names() -> Iterator[str]:
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            yield "".join(letters)


class Namer:
    """Text names for variables, handed out in order of appearance."""

    def __init__(self) -> None:
        self._fresh = _names()
        self._known: dict[Var, str] = {}

    def __call__(self, atom: Atom) -> str:
        if isinstance(atom, Literal):
            return f"{atom.value}:{atom.aval}"
        if atom not in self._known:
            self._known[atom] = next(self._fresh)
        return self._known[atom]

    def typed(self, var: Var) -> str:
        return f"{self(var)}:{var.aval}"


def format_param(value: Any, indent: str) -> str:
    """One param's value; a jaxpr goes on lines of its own."""
    if isinstance(value, Jaxpr):
        return "\n" + pretty(value, indent + "    ")
    if isinstance(value, tuple) and any(isinstance(v, Jaxpr) for v in value):
        return "(" + ",".join(format_param(v, indent) for v in value) + ")"
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return dtypes.name(value) if isinstance(value, dtypes.DType) else str(value)


def format_eqn(eqn: Eqn, name: Namer, indent: str = "") -> str:
    """`c:f32[3] = add a b`"""
    outs = " ".join(name.typed(v) for v in eqn.outvars)
    params = " ".join(f"{k}={format_param(v, indent)}" for k, v in sorted(eqn.params.items()))
    params = f"[{params}]" if params else ""
    return f"{indent}{outs} = {eqn.primitive.name}{params} {' '.join(map(name, eqn.invars))}"


def pretty(jaxpr: Jaxpr, indent: str = "") -> str:
    """The whole program as text."""
    name = Namer()
    consts = " ".join(name.typed(v) for v in jaxpr.const_vars)
    args = " ".join(name.typed(v) for v in jaxpr.arg_vars)
    lines = [f"{indent}{{ lambda {consts} ; {args} . let"]
    lines += [format_eqn(eqn, name, indent + "    ") for eqn in jaxpr.eqns]
    outs = ", ".join(name(a) for a in jaxpr.outvars)
    comma = "," if len(jaxpr.outvars) == 1 else ""
    return "\n".join([*lines, f"{indent}  in ({outs}{comma}) }}"])


# A jaxpr prints itself; the grammar is here, above the data it describes.
Jaxpr.__str__ = Jaxpr.__repr__ = pretty  # type: ignore[assignment,method-assign]

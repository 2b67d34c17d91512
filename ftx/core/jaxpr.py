"""A program as data.

    Jaxpr   = { lambda consts ; args . let Equation* in (Atom, ...) }
    Equation = Var, ... = primitive[params] Atom ...
    Atom    = Var | Literal

In: what `tracing` recorded.  Out: the frozen object every transform and backend reads.
A variable's identity is its name; text names appear only when printed.
Knows nothing of: what the primitives mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .source import UNKNOWN, SourceInfo
from .types import ShapedArray

if TYPE_CHECKING:
    from .primitive import Primitive


class Var:
    """A variable: bound once, by an argument, a constant or an equation."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray):
        self.aval = aval


class Literal:
    """A scalar constant written in the program text."""

    __slots__ = ("aval", "value")

    def __init__(self, value: Any, aval: ShapedArray):
        self.value, self.aval = value, aval


Atom = Var | Literal


class Eqn:
    """One application of a primitive, with the user's line."""

    __slots__ = ("invars", "outvars", "params", "primitive", "source")

    def __init__(
        self,
        primitive: Primitive,
        invars: tuple[Atom, ...],
        params: Mapping[str, Any],
        outvars: tuple[Var, ...],
        source: SourceInfo = UNKNOWN,
    ):
        self.primitive, self.invars, self.params = primitive, invars, params
        self.outvars, self.source = outvars, source

    def replace(self, **changes: Any) -> Eqn:
        """A copy with some fields changed."""
        names = ("primitive", "invars", "params", "outvars", "source")
        return Eqn(*(changes.get(n, getattr(self, n)) for n in names))


@dataclass(frozen=True, eq=False, slots=True)
class Jaxpr:
    """A frozen program; the first len(consts) of `invars` are bound to `consts`."""

    consts: tuple[Any, ...]
    invars: tuple[Var, ...]
    eqns: tuple[Eqn, ...]
    outvars: tuple[Atom, ...]
    name: str = "f"
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)
    """What transforms and backends derived from this very program, kept as long as it lives."""
    used_keys: Mapping[Var, str] = field(default_factory=dict, repr=False)
    """Random keys that the user's function uses up, and where; noted under debug_key_reuse."""

    @property
    def const_vars(self) -> tuple[Var, ...]:
        return self.invars[: len(self.consts)]

    @property
    def arg_vars(self) -> tuple[Var, ...]:
        return self.invars[len(self.consts) :]

    @property
    def in_avals(self) -> list[ShapedArray]:
        """Types of the arguments, constants not counted."""
        return [v.aval for v in self.arg_vars]

    @property
    def out_avals(self) -> list[ShapedArray]:
        return [a.aval for a in self.outvars]

    def closed(self) -> Jaxpr:
        """The same program with its constants as leading arguments (memoised)."""
        if not self.consts:
            return self
        if "closed" not in self.memo:
            self.memo["closed"] = Jaxpr((), self.invars, self.eqns, self.outvars, self.name)
        return self.memo["closed"]

    def with_eqns(self, eqns: Iterable[Eqn], outvars: Iterable[Atom] | None = None) -> Jaxpr:
        """The same binders around other equations."""
        outs = self.outvars if outvars is None else tuple(outvars)
        return Jaxpr(self.consts, self.invars, tuple(eqns), outs, self.name)


def sub_jaxprs(params: Mapping[str, Any]) -> Iterator[Jaxpr]:
    """The jaxprs among an equation's params, also inside tuples."""
    for value in params.values():
        if isinstance(value, Jaxpr):
            yield value
        elif isinstance(value, tuple):
            yield from (v for v in value if isinstance(v, Jaxpr))


def used_axes(jaxpr: Jaxpr) -> frozenset[str]:
    """Names of the mapped axes that collectives in `jaxpr` refer to (memoised)."""
    if "axes" not in jaxpr.memo:
        found: set[str] = set()
        for eqn in jaxpr.eqns:
            found |= eqn_axes(eqn)
        jaxpr.memo["axes"] = frozenset(found)
    return jaxpr.memo["axes"]


def eqn_axes(eqn: Eqn) -> frozenset[str]:
    """Names of the mapped axes that one equation refers to."""
    found = frozenset(eqn.params.get("axis_names", ()))
    for inner in sub_jaxprs(eqn.params):
        found |= used_axes(inner)
    return found


def has_effects(eqn: Eqn) -> bool:
    """Whether an equation, or one inside it, must run even if nobody reads its results."""
    return eqn.primitive.effectful or any(map(is_effectful, sub_jaxprs(eqn.params)))


def is_effectful(jaxpr: Jaxpr) -> bool:
    """Whether some equation of a program has effects (memoised)."""
    if "effectful" not in jaxpr.memo:
        jaxpr.memo["effectful"] = any(map(has_effects, jaxpr.eqns))
    return bool(jaxpr.memo["effectful"])

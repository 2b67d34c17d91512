"""Scalar and index expressions as lines of a kernel, for every target.

In: expressions, and the scopes (open loops) that a target's writer keeps.  Out: names of values.
An expression is computed in the outermost scope that has its counters, once per text.
Knows nothing of: which loops there are, memory, targets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.dtypes import short_name
from .fusion import Group
from .loops import Expr, Index, IndexOp, LoopVar, Stage, loads
from .scalar_text import HALF, literal, operation, register, suffix


@dataclass(eq=False)
class Scope:
    """The lines of one open loop, and what has been computed there."""

    lines: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)


class ExpressionWriter:
    """What the writers of all targets share; they open the scopes and know where values are."""

    group: Group
    scopes: list[Scope]
    level: dict[LoopVar, int]
    """The scope that has a counter."""
    text_of: dict[LoopVar, str]
    totals: dict[Any, str]
    checks: list[tuple[int, Any]]

    def _name(self, prefix: str) -> str:
        """A fresh local variable."""
        raise NotImplementedError

    def _known_from(self, value: Any) -> int:
        """The scope from which on a value of this kernel is known."""
        raise NotImplementedError

    def _load(self, expr: Expr) -> str:
        """The name of an element read from memory or from a local variable."""
        raise NotImplementedError

    def _contracted(self, expr: Expr) -> str | None:
        """A cheaper text for an operation on other operations; None if there is none."""
        return None

    def _emit(self, line: str) -> None:
        self.scopes[-1].lines.append(line)

    def _assign(self, text: str, depth: int, prefix: str = "t") -> str:
        for scope in self.scopes[: depth + 1]:
            if text in scope.names:
                return scope.names[text]
        name = self._name(prefix)
        scope = self.scopes[depth]
        scope.lines.append(f"{name} = {text}")
        scope.names[text] = name
        return name

    def _depth_of(self, node: Any) -> int:
        """The scope in which a node can be computed: the innermost loop it depends on."""
        found = max((self.level.get(v, 0) for v in node.depends), default=0)
        for load in loads(node):
            if load.data in self.group.values:
                found = max(found, self._known_from(load.data))
        return found

    def _value(self, expr: Expr) -> str:
        """The name of a value, computed where it belongs."""
        if expr.kind == "const":
            dtype = expr.dtype
            if dtype in HALF:
                number = np.frombuffer(expr.data, dtype).astype(np.float32)
                return literal(number.tobytes(), dtypes.float32)
            return literal(expr.data, dtype)
        if expr.kind == "load":
            return self._load(expr)
        if expr.kind == "index":
            text = f"{short_name(register(expr.dtype))}({self._index(expr.args[0])})"
            return self._assign(text, self._depth_of(expr))
        fused = self._contracted(expr)
        if fused is not None:
            return self._assign(fused, self._depth_of(expr))
        args = [self._value(a) for a in expr.args]
        text = operation(expr.data, expr.dtype, expr.args, args)
        return self._assign(text, self._depth_of(expr))

    def _index(self, index: Index) -> str:
        parts = []
        for atom, c in sorted(index.terms, key=self._order):
            text = self.text_of[atom] if isinstance(atom, LoopVar) else self._atom(atom)
            if text:
                parts.append(text if c == 1 else f"{text} * {c}")
        if index.constant or not parts:
            parts.append(str(index.constant))
        return " + ".join(parts)

    def _order(self, term: Any) -> Any:
        atom, c = term
        return (
            -abs(c),
            self.text_of[atom] if isinstance(atom, LoopVar) else "~" + self._atom(atom),
        )

    def _atom(self, atom: IndexOp) -> str:
        depth = self._depth_of(atom)
        if atom.kind == "value":
            return self._assign(f"i64({self._value(atom.args[0])})", depth, "x")
        inner, n = atom.args
        text = self._index(inner)
        if atom.kind in ("floordiv", "mod"):
            return self._assign(self._quotient(atom.kind, inner, text, n), depth, "x")
        if atom.kind == "checked":
            return self._checked(text, n, depth, atom.source)
        clipped = f"maximum_i64(i64(0), minimum_i64(i64({text}), i64({n - 1})))"
        return self._assign(clipped, depth, "x")

    def _quotient(self, kind: str, inner: Index, text: str, n: int) -> str:
        """A division by a constant, as text."""
        return f"({text}) {'//' if kind == 'floordiv' else '%'} {n}"

    def _checked(self, text: str, n: int, depth: int, source: Any) -> str:
        """The index within 0..n-1, and a note in the status if it had to be moved.

        One unsigned minimum finds what is too large and what is below 0.
        """
        inside = f"i64(minimum_u64(u64(i64({text})), u64({max(n - 1, 0)})))"
        known = any(inside in scope.names for scope in self.scopes[: depth + 1])
        name = self._assign(inside, depth, "x")
        if not known:
            if (n, source) not in self.checks:
                self.checks.append((n, source))
            site = min(self.checks.index((n, source)), 60)
            outside = f"{name} != {text}" if n else "True"
            self.scopes[depth].lines.append(f"bad = bad | (i64({outside}) << i64({site}))")
        return name

    def _arg_step(self, stage: Stage) -> None:
        """One element into the search for the first extremum."""
        name, best = self._value(stage.expr), self.totals[stage.value]
        sign = ">" if stage.op == "gt" else "<"
        take = f"maximum_bool({name} {sign} {best}b, {best} < i64(0))"
        if dtypes.is_float(stage.expr.dtype):
            take = f"maximum_bool({take}, minimum_bool({name} != {name}, {best}b == {best}b))"
        at = next((self.text_of[v] for v in stage.fold if v.size != 1), "0")
        taken = self._name("k")
        self._emit(f"{taken} = {take}")
        self._emit(f"{best} = select_i64({taken}, i64({at}), {best})")
        self._emit(f"{best}b = select_{suffix(stage.expr.dtype)}({taken}, {name}, {best}b)")

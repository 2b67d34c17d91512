"""Equations into stages: what one element of a stored value is, in terms of stored values.

In: a simplified jaxpr and the set of variables that are stored.  Out: a Stage per stored value
that loops can compute.  Values that are not stored are computed where they are read.
Knows nothing of: which stages share a kernel, and targets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..core import dtypes
from ..core.config import config
from ..core.jaxpr import Atom, Eqn, Jaxpr, Literal, Var
from ..core.primitive import Primitive
from ..core.primitives.dot import DotGeneral, labels
from ..core.primitives.formula import Elementwise
from ..core.primitives.indexing import ScatterBase
from ..core.primitives.reduction import ArgReduction, Cumulative, Reduction
from ..core.primitives.shape import Concatenate
from .loops import Builder, Expr, Fold, Index, LoopVar, Stage
from .scalar_text import supported

MIN_CUT, MAX_CUTS = 32, 6
"""Length of a loop from which it is cut where a comparison changes, and at how many places."""
LONG_CUT, SHORT_LOOP, MOST_CUTS = 64, 256, 32
"""Likewise where pieces have this length on average, or the whole loop: LLVM unrolls short ones."""
MANY, LONG = 16, 4096
"""Operands and elements of a concatenation from which its operands are copied one by one."""
SMALL_DOT = 8192
"""Multiplications below which a product is a generated loop rather than a BLAS call."""


def dot_size(eqn: Eqn) -> tuple[int, int]:
    """Multiplications of a dot_general: in all, and for one element of the result."""
    lhs, rhs, out = labels(eqn.params["spec"])
    size = dict(zip(lhs + rhs, eqn.invars[0].aval.shape + eqn.invars[1].aval.shape, strict=True))
    return math.prod(size.values()), math.prod(n for c, n in size.items() if c not in out)


def _is_loop(eqn: Eqn) -> bool:
    """Whether a product is computed by generated loops: it is small, or sums nothing up."""
    whole, summed = dot_size(eqn)
    return whole <= SMALL_DOT or summed == 1 or _no_blas(eqn)


def classify(eqn: Eqn) -> str:
    """How an equation is compiled: inline, fold, running, scatter, or library."""
    p = eqn.primitive
    if len(eqn.outvars) != 1 or p.effectful or not p.has_rule("lower"):
        return "scatter" if _loops_can_scatter(eqn) else "library"
    if isinstance(p, Elementwise):
        operand = eqn.invars[0].aval.dtype
        fits = (
            supported(p.scalar(**eqn.params), eqn.outvars[0].aval.dtype, operand)
            or p.name == "integer_pow"
        )
        return "inline" if fits else "library"
    if isinstance(p, DotGeneral):
        return "fold" if _is_loop(eqn) else "library"
    if isinstance(p, Concatenate):
        return "library" if _is_copied(eqn) else "inline"
    if isinstance(p, (Reduction, ArgReduction)):
        return "fold"
    if getattr(p, "folds", False):
        return "fold"
    return "inline"


def _is_copied(eqn: Eqn) -> bool:
    """Whether a concatenation has many operands, all of them whole in the result."""
    out, axis = eqn.outvars[0].aval, eqn.params["axis"]
    large = len(eqn.invars) >= MANY and out.size >= LONG
    return large and math.prod(out.shape[:axis]) == 1


def _no_blas(eqn: Eqn) -> bool:
    return eqn.outvars[0].aval.dtype not in (
        dtypes.float32,
        dtypes.float64,
        dtypes.complex64,
        dtypes.complex128,
    )


def _loops_can_scatter(eqn: Eqn) -> bool:
    return isinstance(eqn.primitive, ScatterBase)


def classify_all(jaxpr: Jaxpr) -> dict[Eqn, str]:
    """`classify` for every equation; running folds are recognised here."""
    out = {}
    for eqn in jaxpr.eqns:
        running = isinstance(eqn.primitive, Cumulative)
        out[eqn] = "running" if running else classify(eqn)
    return out


class Operand:
    """What a lower rule sees of an operand: its type, and its element at an index."""

    __slots__ = ("_element", "aval")

    def __init__(self, aval: Any, element: Callable[[Any], Expr]):
        self.aval, self._element = aval, element

    shape = property(lambda self: self.aval.shape)
    dtype = property(lambda self: self.aval.dtype)
    ndim = property(lambda self: self.aval.ndim)
    size = property(lambda self: self.aval.size)

    def __call__(self, index: Any) -> Expr:
        return self._element(list(index))


class Lowering:
    """Makes the stages of one jaxpr."""

    def __init__(self, jaxpr: Jaxpr, stored: set[Var], builder: Builder):
        self.builder, self.stored = builder, stored
        self.producers = {v: e for e in jaxpr.eqns for v in e.outvars}
        self._elements: dict[Any, Expr] = {}

    def element(self, atom: Atom, index: list[Any]) -> Expr:
        """The scalar at `index` of a variable or literal."""
        if isinstance(atom, Literal):
            return self.builder.const(atom.value, atom.aval.dtype)
        if atom in self.stored:
            return self.builder.load(atom, atom.aval.dtype, index)
        key = (atom, tuple(index))
        found = self._elements.get(key)
        if found is None:
            found = self._elements[key] = self._apply(self.producers[atom], index)
        return found

    def operand(self, atom: Atom) -> Operand:
        return Operand(atom.aval, lambda index: self.element(atom, index))

    def _apply(self, eqn: Eqn, index: list[Any]) -> Any:
        operands = [self.operand(a) for a in eqn.invars]
        primitive: Primitive = eqn.primitive
        self.builder.source = eqn.source
        return primitive.lower(self.builder, index, *operands, **eqn.params)

    def stages(self, var: Var, kind: str) -> list[Stage]:
        """The stages that compute a stored variable."""
        eqn = self.producers[var]
        if kind == "scatter":
            return self._scatter(var, eqn)
        if kind == "running":
            return [self._running(var, eqn)]
        axes = tuple(LoopVar(n) for n in var.aval.shape)
        place = tuple(self.builder.var(a) for a in axes)
        expr = self._apply(eqn, list(place))
        stage = self.stage_of(var, var.aval, axes, place, expr, eqn.primitive.name)
        stage.pieces = self._pieces(stage, eqn)
        return [stage]

    def _pieces(self, stage: Stage, eqn: Eqn) -> tuple[Stage, ...]:
        """The stage cut where a comparison of its last counter changes, as padding makes."""
        if stage.kind != "map" or not stage.axes or stage.axes[-1].size < MIN_CUT:
            return ()
        if not config.enabled("pieces"):
            return ()
        last = stage.axes[-1]
        cuts = sorted(c for c in self.builder.breaks.get(last, ()) if 0 < c < last.size)
        cheap = last.size <= SHORT_LOOP or last.size >= LONG_CUT * (len(cuts) + 1)
        if not 0 < len(cuts) <= (MOST_CUTS if cheap else MAX_CUTS):
            return ()
        out = []
        for start, stop in zip([0, *cuts], [*cuts, last.size], strict=True):
            axes = (*stage.axes[:-1], LoopVar(stop - start, start=start))
            place = tuple(self.builder.var(a) for a in axes)
            expr = self._apply(eqn, list(place))
            piece = self.stage_of(stage.value, eqn.outvars[0].aval, axes, place, expr, stage.label)
            piece.is_piece = True
            out.append(piece)
        return tuple(out)

    def copy_stage(self, value: Any, atom: Atom) -> Stage:
        """A stage that makes `value` equal to an atom."""
        axes = tuple(LoopVar(n) for n in atom.aval.shape)
        place = tuple(self.builder.var(a) for a in axes)
        return self.stage_of(value, atom.aval, axes, place, self.element(atom, list(place)), "copy")

    def stage_of(
        self, value: Any, aval: Any, axes: Any, place: tuple[Index, ...], expr: Expr, label: str
    ) -> Stage:
        if expr.kind != "fold":
            return Stage(value, aval.shape, aval.dtype, "map", axes, place, expr, label=label)
        fold: Fold = expr.data
        return Stage(
            value,
            aval.shape,
            aval.dtype,
            fold.kind,
            axes,
            place,
            fold.body,
            fold.op,
            fold.init,
            fold.variables,
            label=label,
        )

    def _running(self, var: Var, eqn: Eqn) -> Stage:
        axis, reverse = eqn.params["axis"], eqn.params["reverse"]
        counters = [LoopVar(n) for n in var.aval.shape]
        place = [self.builder.var(c) for c in counters]
        if reverse:
            place[axis] = place[axis] * -1 + (var.aval.shape[axis] - 1)
        expr = self.element(eqn.invars[0], place)
        axes = (*counters[:axis], *counters[axis + 1 :], counters[axis])
        primitive: Any = eqn.primitive
        init = primitive.reduction.neutral(var.aval.dtype)
        return Stage(
            var,
            var.aval.shape,
            var.aval.dtype,
            "running",
            axes,
            tuple(place),
            expr,
            primitive.op,
            init,
            label=primitive.name,
        )

    def _scatter(self, var: Var, eqn: Eqn) -> list[Stage]:
        primitive: Any = eqn.primitive
        x, updates, *indices = eqn.invars
        axes = tuple(LoopVar(n) for n in updates.aval.shape)
        at = [self.builder.var(a) for a in axes]
        self.builder.source = eqn.source
        place, inside = primitive.lower_scatter(
            self.builder,
            at,
            self.operand(x),
            [self.operand(i) for i in indices],
            **eqn.params,
        )
        guard = inside if eqn.params["mode"] in ("drop", "fill") else None
        update = Stage(
            var,
            var.aval.shape,
            var.aval.dtype,
            "scatter",
            axes,
            tuple(place),
            self.element(updates, at),
            primitive.combine,
            guard=guard,
            label=primitive.name,
        )
        return [self.copy_stage(var, x), update]

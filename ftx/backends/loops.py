"""The loop IR: index expressions, scalar expressions, stages, kernels.

    Index  = constant + sum of coefficient * atom      atom = LoopVar | Index // n | Index % n | ...
    Expr   = const | load(value, indices) | call(op, operands) | index | fold (only as a whole)
    Stage  = one value: loops over its axes, perhaps folded loops, and the expression inside
    Kernel = stages that share their outer loops

In: built by `lowering`.  Out: read by `schedule` and the renderers of each target.
Every node is interned by its builder, so equal nodes are the same object.
Knows nothing of: jaxprs, targets, memory.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.dtypes import DType
from .costs import COST

_numbers = itertools.count()
"""Ages of atoms: what is ordered by them is ordered alike in every process."""
_AFTER_COUNTERS = 1 << 62
"""Added to the age of computed atoms, which equal layers may share or not."""


class LoopVar:
    """A counter of `size` steps from `start`."""

    __slots__ = ("name", "number", "size", "start")

    def __init__(self, size: int, name: str = "", start: int = 0):
        self.size, self.start, self.number = size, start, next(_numbers)
        self.name = name or f"v{self.number}"

    def __repr__(self) -> str:
        return self.name


class IndexOp:
    """An integer atom computed from others: floordiv, mod, clip, value (of an Expr), checked."""

    __slots__ = ("args", "depends", "high", "kind", "low", "number", "source")

    def __init__(self, kind: str, args: tuple[Any, ...], low: int, high: int, depends: Any):
        self.kind, self.args, self.low, self.high, self.depends = kind, args, low, high, depends
        self.number = _AFTER_COUNTERS + next(_numbers)
        self.source: Any = None


_BIG = 2**62


def _bounds(atom: Any) -> tuple[int, int]:
    if isinstance(atom, LoopVar):
        return atom.start, atom.start + atom.size - 1
    return atom.low, atom.high


def _depends(atom: Any) -> frozenset[LoopVar]:
    return frozenset((atom,)) if isinstance(atom, LoopVar) else atom.depends


class Index:
    """constant + sum of coefficient * atom, immutable; arithmetic with ints and Indexes."""

    __slots__ = ("builder", "constant", "depends", "high", "low", "terms")

    def __init__(self, builder: Builder, constant: int, terms: tuple[tuple[Any, Any], ...]):
        self.builder, self.constant, self.terms = builder, constant, terms
        low = high = constant
        depends: frozenset[LoopVar] = frozenset()
        for atom, c in terms:
            a, b = _bounds(atom)
            low, high = low + min(a * c, b * c), high + max(a * c, b * c)
            depends |= _depends(atom)
        self.low, self.high, self.depends = low, high, depends

    def __add__(self, other: Any) -> Index:
        if isinstance(other, int):
            return self.builder.index(self.constant + other, self.terms)
        merged = dict(self.terms)
        for atom, c in other.terms:
            merged[atom] = merged.get(atom, 0) + c
        terms = tuple((a, c) for a, c in merged.items() if c)
        return self.builder.index(self.constant + other.constant, terms)

    __radd__ = __add__

    def __mul__(self, factor: int) -> Index:
        if factor == 0:
            return self.builder.index(0, ())
        terms = tuple((a, c * factor) for a, c in self.terms)
        return self.builder.index(self.constant * factor, terms)

    __rmul__ = __mul__

    def __neg__(self) -> Index:
        return self * -1

    def __sub__(self, other: Any) -> Index:
        return self + (-other)

    def __floordiv__(self, n: int) -> Index:
        if n == 1:
            return self
        if 0 <= self.low and self.high < n:
            return self.builder.index(0, ())
        whole, rest = self._split(n)
        if 0 <= rest.low and rest.high < n:
            return whole
        low, high = rest.low // n, rest.high // n
        return whole + self.builder.atom("floordiv", (rest, n), low, high, rest.depends)

    def __mod__(self, n: int) -> Index:
        if n == 1:
            return self.builder.index(0, ())
        if 0 <= self.low and self.high < n:
            return self
        _, rest = self._split(n)
        if 0 <= rest.low and rest.high < n:
            return rest
        return self.builder.atom("mod", (rest, n), 0, n - 1, rest.depends)

    def _split(self, n: int) -> tuple[Index, Index]:
        """self = n * whole + rest, moving every multiple of n into whole."""
        whole = tuple((a, c // n) for a, c in self.terms if c % n == 0)
        rest = tuple((a, c) for a, c in self.terms if c % n)
        b = self.builder
        return b.index(self.constant // n, whole), b.index(self.constant % n, rest)

    def as_var(self) -> LoopVar | None:
        """The loop variable this is, exactly, or None."""
        if self.constant == 0 and len(self.terms) == 1 and self.terms[0][1] == 1:
            atom = self.terms[0][0]
            return atom if isinstance(atom, LoopVar) else None
        return None

    def coefficient(self, var: LoopVar) -> int:
        """The factor of `var`; 0 if absent (also if it occurs only inside other atoms)."""
        return dict(self.terms).get(var, 0)


class Expr:
    """A scalar value: its dtype, the loop variables it depends on, its cost.

    cost: operations to compute it; weight: units (costs.COST) along its longest chain.
    """

    __slots__ = ("args", "cost", "data", "depends", "dtype", "kind", "loads", "weight")

    def __init__(self, kind: str, dtype: DType, data: Any, args: tuple[Any, ...]):
        self.kind, self.dtype, self.data, self.args = kind, dtype, data, args
        depends: frozenset[LoopVar] = frozenset()
        for a in args:
            depends |= a.depends
        self.depends = depends
        self.loads: tuple[Expr, ...] | None = None
        """What `loads` found."""
        self.cost = {"const": 0, "load": 1, "call": 1, "index": 0, "fold": 0}[kind]
        self.cost += sum(a.cost for a in args if isinstance(a, Expr))
        own = COST.get(data, 1) if kind == "call" else 0
        self.weight: Any = own + max((a.weight for a in args if isinstance(a, Expr)), default=0)


class Builder:
    """Makes interned nodes; the `kernel` that primitives' `lower` rules receive."""

    def __init__(self) -> None:
        self._nodes: dict[Any, Any] = {}
        self.source: Any = None
        """The user's line of the equation being lowered, for index checks."""
        self.breaks: dict[LoopVar, Any] = {}
        """Values of a counter at which the outcome of a comparison changes."""

    def index(self, constant: Any, terms: tuple[tuple[Any, Any], ...]) -> Index:
        terms = tuple(sorted(terms, key=lambda t: t[0].number))
        key = ("index", constant, terms)
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = Index(self, constant, terms)
        return found

    def atom(self, kind: str, args: Any, low: Any, high: Any, depends: Any) -> Index:
        key = ("atom", kind, args)
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = IndexOp(kind, args, low, high, depends)
        return self.index(0, ((found, 1),))

    def var(self, var: LoopVar) -> Index:
        """A loop counter as an index; a loop of one step is a constant."""
        return self.index(var.start, ()) if var.size == 1 else self.index(0, ((var, 1),))

    def int(self, n: Any) -> Index:
        """A constant index."""
        return self.index(n, ())

    def expr(self, kind: str, dtype: DType, data: Any, args: tuple[Any, ...]) -> Expr:
        key = (kind, dtype, data, args)
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = Expr(kind, dtype, data, args)
        return found

    def const(self, value: Any, dtype: DType) -> Expr:
        """A number of the given dtype."""
        scalar = np.asarray(value).astype(dtype)
        return self.expr("const", dtype, scalar.tobytes(), ())

    def load(self, value: Any, dtype: DType, indices: Any) -> Expr:
        """Element of `value` at `indices`."""
        return self.expr("load", dtype, value, tuple(indices))

    def call(self, op: str, dtype: DType, *args: Expr) -> Expr:
        """The elementwise operation `op` on scalars; a choice that is known is made."""
        if op == "select" and args[0].kind == "const":
            return args[1] if any(args[0].data) else args[2]
        if op == "and" and dtype == dtypes.bool_:
            for known, other in (args, args[::-1]):
                if known.kind == "const":
                    return other if any(known.data) else known
        return self.expr("call", dtype, op, args)

    def convert(self, x: Expr, dtype: DType) -> Expr:
        """x in another dtype."""
        return x if x.dtype == dtype else self.expr("call", dtype, "convert", (x,))

    def from_index(self, index: Index, dtype: DType) -> Expr:
        """An index as a value."""
        return self.expr("index", dtype, None, (index,))

    def to_index(self, x: Expr) -> Index:
        """An integer value as an index."""
        if x.kind == "index":
            return x.args[0]
        return self.atom("value", (x,), -_BIG, _BIG, x.depends)

    def clip_index(self, index: Index, n: Any) -> Index:
        """Into 0..n-1."""
        if 0 <= index.low and index.high < n:
            return index
        return self.atom("clip", (index, n), 0, n - 1, index.depends)

    def checked_index(self, index: Index, n: Any) -> Index:
        """As `clip_index`; the kernel reports an index that had to be moved."""
        if 0 <= index.low and index.high < n:
            return index
        checked = self.atom("checked", (index, n), 0, n - 1, index.depends)
        atom = checked.terms[0][0]
        atom.source = atom.source or self.source
        return checked

    def compare(self, op: str, a: Index, b: Index) -> Expr:
        """A truth value; constant where the ranges decide."""
        d = a - b
        known = {
            "ge": d.low >= 0 or (False if d.high < 0 else None),
            "lt": d.high < 0 or (False if d.low >= 0 else None),
            "eq": (d.low == d.high == 0) or (False if d.low > 0 or d.high < 0 else None),
        }[op]
        if known is not None:
            return self.const(known, dtypes.bool_)
        self._note_break(op, d)
        left, right = (self.from_index(i, dtypes.int64) for i in (a, b))
        return self.call(op, dtypes.bool_, left, right)

    def _note_break(self, op: str, d: Index) -> None:
        if len(d.terms) == 1 and isinstance(d.terms[0][0], LoopVar) and op != "eq":
            var, c = d.terms[0]
            if abs(c) == 1:
                edge = -d.constant if c == 1 else d.constant + 1
                self.breaks.setdefault(var, set()).add(edge)

    def reindex(self, index: Any, shape: Any, source: Any) -> list[Index]:
        """Indices into `source` of the element at `index` of its reshape to `shape`."""
        if 0 in shape:
            return [self.int(0) for _ in source]
        out: list[Index] = []
        groups = _factor(shape, source)
        for here, there in groups:
            flat = self.int(0)
            for a in here:
                flat = flat * shape[a] + index[a]
            parts: list[Index] = []
            for a in reversed(there[1:]):
                parts.append(flat % source[a])
                flat = flat // source[a]
            if there:
                parts.append(flat)
            out += reversed(parts)
        return out

    def reduce(self, op: str, dtype: DType, init: Any, sizes: Any, element: Any) -> Expr:
        """Fold `element(counters)`: the whole of a rule's result, never a part of an expression."""
        variables = [LoopVar(n) for n in sizes]
        body = element([self.var(v) for v in variables])
        return self._fold(Fold("reduce", op, dtype, init, tuple(variables), body))

    def arg_reduce(self, better: str, dtype: DType, out: DType, size: Any, element: Any) -> Expr:
        """Position of the first extremum of `element(counter)`."""
        variable = LoopVar(size)
        body = element(self.var(variable))
        return self._fold(Fold("arg", better, out, None, (variable,), body))

    def _fold(self, fold: Fold) -> Expr:
        return self.expr("fold", fold.dtype, fold, ())


def _factor(shape: Any, source: Any) -> list[tuple[list[int], list[int]]]:
    """Pair up runs of axes of equal product, so that a reshape is local to each pair."""
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(shape) or j < len(source):
        here: list[int] = []
        there: list[int] = []
        a = b = 1
        while True:
            if i < len(shape) and (a < b or not here):
                a *= shape[i]
                here.append(i)
                i += 1
            elif j < len(source) and (b < a or not there):
                b *= source[j]
                there.append(j)
                j += 1
            if a == b and (here or i >= len(shape)) and (there or j >= len(source)):
                break
            if i >= len(shape) and j >= len(source):
                break
        groups.append((here, there))
    return groups


@dataclass(eq=False)
class Fold:
    """A reduction ('reduce'), or the position of an extremum ('arg')."""

    kind: str
    op: str
    dtype: DType
    init: Any
    variables: tuple[LoopVar, ...]
    body: Expr


@dataclass(eq=False)
class Stage:
    """One value of a kernel: for every setting of `axes`, `expr` (folded over `fold`).

    kind: 'map', 'reduce', 'arg', 'scatter' (axes are those of the updates), 'running' (a fold
    along the last of `axes` that keeps every partial result).
    """

    value: Any
    shape: tuple[int, ...]
    dtype: DType
    kind: str
    axes: tuple[LoopVar, ...]
    place: tuple[Index, ...]
    """Where the result goes in `value`."""
    expr: Expr
    op: str = ""
    init: Any = None
    fold: tuple[LoopVar, ...] = ()
    guard: Expr | None = None
    """Scatter: whether the update counts."""
    label: str = ""
    pieces: tuple[Stage, ...] = ()
    """The same stage cut along its last axis, so that no piece has to choose inside its loop."""
    is_piece: bool = False
    loads: list[Any] | None = field(default=None, repr=False)
    """What `fusion.loads_of` found."""

    @property
    def steps(self) -> int:
        """How often the expression is computed."""
        return math.prod(v.size for v in (*self.axes, *self.fold))

    @property
    def work(self) -> int:
        """Scalar operations."""
        return max(1, self.expr.cost) * self.steps


@dataclass(eq=False)
class KernelPlan:
    """Stages that share `outer` loops, in order."""

    stages: list[Stage]
    depth: int
    """How many leading loops are shared and run in parallel; 0: one thread."""
    outer: tuple[int, ...] = ()
    accumulated: set[Any] = field(default_factory=set)
    """Values folded over the outer loops: partial results per chunk."""


def loads(expr: Any) -> tuple[Expr, ...]:
    """Every load in an expression or index, also inside computed indices (each once)."""
    if not isinstance(expr, Expr):
        return _find_loads(expr)
    if expr.loads is None:
        expr.loads = _find_loads(expr)
    return expr.loads


def _find_loads(expr: Any) -> tuple[Expr, ...]:
    found: dict[int, Expr] = {}
    seen: set[int] = set()
    stack = [expr]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Expr):
            if node.kind == "load":
                found[id(node)] = node
            stack.extend(node.args)
        elif isinstance(node, Index):
            stack.extend(a for a, _ in node.terms if isinstance(a, IndexOp))
        elif isinstance(node, IndexOp):
            stack.extend(a for a in node.args if isinstance(a, (Expr, Index)))
    return tuple(found.values())

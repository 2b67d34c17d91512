"""Jitted functions whose shapes depend on values: run in parts, from one such size to the next.

In: a function, the types of its arguments, and the program up to the first size it asks for.
Out: results for given arguments.
The part before the first size is compiled, once.  What follows is traced for each size and
evaluated one operation after another: sizes that change from call to call would make compiling
it cost more than running it.
Knows nothing of: which operations ask for sizes; how a backend compiles.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ..core import key_reuse
from ..core.config import config
from ..core.errors import DynamicShapeWarning, SideEffectError
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr, Var, is_effectful
from ..core.source import SourceInfo
from ..core.tracing import SizeWanted, Trace
from ..core.types import ShapedArray
from .calling import name_of, trace_function
from .compiled import executable_of
from .passes.dce import drop_unused

KEPT = 128
"""Programs for different sizes that are kept, the last ones made."""

_WARNED: set[SourceInfo] = set()
"""Lines that have been warned of."""


class GivenSizes:
    """Tells a trace the sizes that are known; raises SizeWanted at the next one."""

    def __init__(self, sizes: Sequence[int] = ()):
        self.sizes = sizes
        self.asked_at: list[int] = []
        """Number of equations before each question."""

    def __call__(self, trace: Trace, var: Var) -> int:
        if len(self.asked_at) == len(self.sizes):
            raise SizeWanted(trace, var)
        self.asked_at.append(len(trace.eqns))
        return self.sizes[len(self.asked_at) - 1]


def places(jaxpr: Jaxpr) -> dict[Var, int]:
    """The position of each variable, but consts: arguments first, then results in order.

    A function that is traced again has the same values at the same places, up to the size that
    differs.
    """
    results = (v for eqn in jaxpr.eqns for v in eqn.outvars)
    return {v: i for i, v in enumerate((*jaxpr.arg_vars, *results))}


@dataclass(frozen=True)
class _Part:
    """The program from one size to the next, or to the end."""

    jaxpr: Jaxpr
    reads: tuple[int, ...]
    """Places of its arguments."""
    writes: tuple[int, ...]
    """Places of its results, the next size last; none if they are the function's results."""
    out_tree: Any


def _part(jaxpr: Jaxpr, begin: int, out_tree: Any) -> _Part:
    """The equations of a program from number `begin` on."""
    place = places(jaxpr)
    eqns = jaxpr.eqns[begin:]
    own = {v for eqn in eqns for v in eqn.outvars}
    read = dict.fromkeys(
        a
        for atoms in (*(eqn.invars for eqn in eqns), jaxpr.outvars)
        for a in atoms
        if a in place and a not in own
    )
    outs = jaxpr.outvars
    if out_tree is None:
        # Later parts, not yet known, may read any of them.
        outs = (*[v for eqn in eqns for v in eqn.outvars], *outs)
    program = Jaxpr(jaxpr.consts, (*jaxpr.const_vars, *read), eqns, outs, jaxpr.name)
    writes = () if out_tree is not None else tuple(place[v] for v in outs if isinstance(v, Var))
    return _Part(program, tuple(place[v] for v in read), writes, out_tree)


class SizedProgram:
    """A jitted function for arguments of given types, some of whose shapes depend on values."""

    def __init__(
        self,
        fun: Callable[..., Any],
        avals: Sequence[ShapedArray],
        in_tree: Any,
        wanted: SizeWanted,
        donated: tuple[bool, ...],
    ):
        self.fun, self.avals, self.in_tree, self.donated = fun, avals, in_tree, donated
        self._head = wanted.program()
        self._place = places(self._head)
        self._at = {place: var for var, place in self._place.items()}
        self._kept: tuple[int, ...] = ()
        """Places whose values the head returns, after the size."""
        self._parts: dict[tuple[int, ...], _Part] = {}
        self._lock = threading.RLock()
        self._source = wanted.source

    def __call__(self, leaves: Sequence[Any]) -> tuple[Any, list[Any]]:
        """(structure of the results, results)."""
        if not self._parts:
            self.warn()
            self._begin(leaves)
        key_reuse.apply(self._head, leaves)
        env = self._run_head(leaves)
        sizes: tuple[int, ...] = (env.pop(-1),)
        while True:
            part = self._part(sizes)
            if not env.keys() >= set(part.reads):
                self._keep(part)
                env = {**self._run_head(leaves), **env}
            args = [env[i] for i in part.reads]
            key_reuse.apply(part.jaxpr, args)
            outs = eval_jaxpr(part.jaxpr, args)
            if part.out_tree is not None:
                return part.out_tree, outs
            env.update(zip(part.writes, outs, strict=True))
            sizes = (*sizes, int(outs[-1]))

    @property
    def consts(self) -> tuple[Any, ...]:
        """What the function closes over."""
        return self._head.consts

    def refuse(self) -> NoReturn:
        """Raise the error of a shape that depends on values, where values are not at hand."""
        trace_function(self.fun, self.avals, self.in_tree)
        raise AssertionError("traced without the size that it wanted before")

    def _begin(self, leaves: Sequence[Any]) -> None:
        """Find what the head must return, by the size it gives for these arguments."""
        if is_effectful(self._head):
            # It must not run twice.
            self._kept = tuple(sorted(set(self._at) - set(range(len(leaves)))))
            return
        (size,) = eval_jaxpr(drop_unused(self._head), leaves)
        self._keep(self._part((int(size),)))

    def warn(self) -> None:
        """Tell the user, once for each line, what is not compiled."""
        if self._source in _WARNED:
            return
        _WARNED.add(self._source)
        text = (
            f"jit of {name_of(self.fun)}: expected shapes that do not depend on values, got one "
            "that does; what comes before it is compiled, what follows runs one operation after "
            f"another as outside jit; {DynamicShapeWarning.cure}"
        )
        warning = DynamicShapeWarning(text, str(self._source))
        warnings.warn_explicit(warning, None, self._source.file, self._source.line)

    def _keep(self, part: _Part) -> None:
        with self._lock:
            wanted = {i for i in part.reads if len(self.avals) <= i < len(self._place)}
            self._kept = tuple(sorted(wanted | set(self._kept)))

    def _run_head(self, leaves: Sequence[Any]) -> dict[int, Any]:
        """Values by place; the size at place -1."""
        kept = self._kept
        program = self._head.memo.get(kept)
        if program is None:
            outs = (*self._head.outvars, *[self._at[i] for i in kept])
            program = self._head.memo[kept] = self._head.with_eqns(self._head.eqns, outs)
        size, *values = executable_of(program.closed())(*program.consts, *leaves)
        return {-1: int(size), **dict(enumerate(leaves)), **dict(zip(kept, values, strict=True))}

    def _part(self, sizes: tuple[int, ...]) -> _Part:
        found = self._parts.get(sizes)
        if found is None:
            with self._lock:
                found = self._parts[sizes] = self._traced(sizes)
                if len(self._parts) > KEPT:
                    del self._parts[next(iter(self._parts))]
        return found

    def _traced(self, sizes: tuple[int, ...]) -> _Part:
        if config.debug >= 1:
            print(f"ftx: tracing {name_of(self.fun)} for the sizes {sizes}", file=sys.stderr)
        given = GivenSizes(sizes)
        try:
            jaxpr, out_tree = trace_function(self.fun, self.avals, self.in_tree, sizes=given)
        except SizeWanted as wanted:
            jaxpr, out_tree = wanted.program(), None
        self._check_same(jaxpr, given)
        return _part(jaxpr, given.asked_at[-1], out_tree)

    def _check_same(self, jaxpr: Jaxpr, given: GivenSizes) -> None:
        """Raise unless the new program begins as the head does."""
        n = len(self._head.eqns)
        again = jaxpr.eqns[:n]
        same = len(given.asked_at) == len(given.sizes) and given.asked_at[0] == n
        if not same or any(map(_differ, again, self._head.eqns)):
            raise SideEffectError(
                f"jit of {name_of(self.fun)}: expected the same operations, up to the shape that "
                "depends on a value, each time it is traced, got others; make it a pure function",
                str(self._source),
            )


def _differ(a: Any, b: Any) -> bool:
    types = [v.aval for v in a.outvars], [v.aval for v in b.outvars]
    return a.primitive is not b.primitive or types[0] != types[1]

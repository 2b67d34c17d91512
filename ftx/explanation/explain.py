"""The one call: trace, assemble with notes, run with probes, and add the figures up.

In: a function and its arguments.  Out: an Explanation.
Knows nothing of: how one is shown.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backends import cache
from ..backends.cpu import assemble, distinct_results
from ..core import tree
from ..core.array import numpy_value
from ..core.config import config
from ..core.errors import ExplainError
from ..core.jaxpr import Jaxpr
from ..core.state import STATE
from ..core.types import ShapeDtypeStruct
from ..transforms.calling import check_callable, name_of
from ..transforms.compiled import executable_of
from ..transforms.jit import Jitted, jit
from ..transforms.passes import simplify
from . import timing
from .machine import roof
from .recording import Recorder, Step, Steps
from .records import Build, Memory, Roof, Row
from .report import Explanation


def explain(f: Callable[..., Any], *args: Any, time: bool = True, **kwargs: Any) -> Explanation:
    """The steps of the program that `f(*args, **kwargs)` runs: bytes, operations, time, limits.

    One row per kernel, product, copy and host step, in order of execution; loops and branches are
    rows with their steps indented below. Bytes and operations are computed from the program.
    Times are medians over repeated calls of the whole program with a clock read after every step
    inside the executor, so that each step meets the caches as it does in earnest; the cost of
    reading the clock (about 50 ns) is measured and taken off. A step's limit is the time in which
    a streaming kernel moves as many bytes, or FMAs do as many operations, with the same threads.

    Args:
      f: a jitted function, or any function that could be; compiled for the CPU.
      args, kwargs: its arguments; ShapeDtypeStructs will do if `time` is False.
      time: False compiles but does not run: no times, trip counts only where they are constant.
        True runs the program repeatedly, and with it any callbacks and prints in it.
    Returns: an Explanation; print it, or see its `rows`, `to_dict`, `to_html` and `kernel`.
    Raises: NotAnArrayError if `f` cannot be called or an argument is no array; ExplainError inside
      a function that is being traced, for another backend than the CPU, or to time stand-ins.

    >>> import ftx, ftx.numpy as fnp
    >>> found = ftx.explain(lambda x: fnp.sum(fnp.exp(x)), fnp.ones((64, 8)), time=False)
    >>> [(row.kind, row.bytes, row.flops) for row in found.rows]
    [('kernel', 2052, 10240)]
    """
    check_callable("explain", f)
    _check_surroundings(name_of(f))
    jitted = f if isinstance(f, Jitted) else jit(f)
    traced = jitted.trace(*args, **kwargs)
    leaves = _leaves(jitted, args, kwargs, time)
    return _Explained(traced.jaxpr, leaves).explanation(name_of(f), time)


def _check_surroundings(name: str) -> None:
    if STATE.trace is not None:
        raise ExplainError(
            f"explain of {name}: expected a call outside any traced function, got one while "
            f"'{STATE.trace.name}' is being traced; explain the outer function instead"
        )
    if config.default_backend != "cpu":
        raise ExplainError(
            f"explain of {name}: expected the backend 'cpu', got {config.default_backend!r}; set "
            "ftx.config.update('default_backend', 'cpu') for the call"
        )


def _leaves(jitted: Jitted, args: Any, kwargs: Any, time: bool) -> list[Any]:
    _, dynamic, named = jitted._static.split(args, kwargs)
    leaves = tree.flatten((dynamic, named))[0]
    if not time:
        return []
    for i, leaf in enumerate(leaves):
        if isinstance(leaf, ShapeDtypeStruct):
            raise ExplainError(
                f"explain of {name_of(jitted)}: expected arrays to run on, got {leaf} as leaf {i} "
                "of the arguments; pass time=False, or arrays"
            )
    return leaves


class _Explained:
    """A program assembled with notes."""

    def __init__(self, jaxpr: Jaxpr, leaves: Sequence[Any]):
        self.jaxpr, self.leaves = jaxpr, leaves
        start, before = clock.perf_counter(), cache.stats.compiled
        closed = jaxpr.closed()
        self.simple = distinct_results(simplify(closed))
        self.recorder = Recorder()
        self.program = assemble(self.simple, self.recorder)
        self.seconds = clock.perf_counter() - start
        self.compiled = cache.stats.compiled - before
        self.steps = Steps(self.recorder)
        self.steps.walk(self.program.thunks)

    def explanation(self, name: str, time: bool) -> Explanation:
        """All figures."""
        found = self.steps.found
        call_seconds, limits, calls = None, None, 0
        if time:
            call_seconds = self._time_whole_calls()
            times = self._time_steps()
            calls = times.calls
            _take_times(found, times)
        for step in found:
            _for_all_runs(step.row, step.key in self.steps.whiles)
        rows = [step.row for step in found]
        if time:
            limits = roof(self.steps.threads)
            _take_limits(rows, limits, roof(1))
        return Explanation(name, rows, self._memory(), self._build(), call_seconds, limits, calls)

    def _time_whole_calls(self) -> float:
        """Median seconds of a call as users make it."""
        executable = executable_of(self.jaxpr.closed())
        given = [*self.jaxpr.consts, *self.leaves]
        executable(*given)  # raises what the program raises
        times: list[float] = []
        end = clock.perf_counter() + timing.SECONDS
        while len(times) < timing.LEAST or (
            len(times) < timing.MOST and clock.perf_counter() < end
        ):
            start = clock.perf_counter()
            executable(*given)
            times.append(clock.perf_counter() - start)
        return float(np.median(times))

    def _time_steps(self) -> timing.Times:
        given = [*self.jaxpr.consts, *self.leaves]
        avals = [v.aval for v in self.simple.invars]
        inputs = [
            np.ascontiguousarray(numpy_value(x).astype(a.dtype, copy=False))
            for x, a in zip(given, avals, strict=True)
        ]
        outputs = [np.zeros(a.aval.shape, a.aval.dtype) for a in self.simple.outvars]
        names = (self.simple.invars, self.simple.outvars)
        call = timing.Call(self.program, names, (inputs, outputs))
        return timing.measure(call, self.steps.whiles)

    def _memory(self) -> Memory:
        total = lambda atoms: sum(a.aval.nbytes for a in atoms)
        arrays = [c for c in self.recorder.constants.values() if isinstance(c, np.ndarray)]
        return Memory(
            inputs=total(self.simple.invars),
            outputs=total(self.simple.outvars),
            constants=sum(c.nbytes for c in arrays),
            arena=self.program.arena_bytes,
            temporaries=sum(t.nbytes for t in self.recorder.temporaries),
        )

    def _build(self) -> Build:
        texts = [step.row.source for step in self.steps.found if step.row.source]
        return Build(
            backend="cpu",
            traced_equations=len(self.jaxpr.eqns),
            equations=len(self.simple.eqns),
            kernels=len(texts),
            distinct_kernels=len(set(texts)),
            compiled=self.compiled,
            seconds=self.seconds,
        )


def _take_times(found: Sequence[Step], times: timing.Times) -> None:
    """Seconds, runs and trip counts, as measured."""
    for step in found:
        row, key = step.row, step.key
        if key not in times.runs:
            continue  # inside a loop that runs in pieces, whose time is its own
        row.seconds, row.calls = times.seconds[key], times.runs[key]
        if (key, "body") in times.runs and row.kind == "loop":
            row.seconds += times.seconds[key, "body"] if row.trips is not None else 0
            if row.calls:
                row.trips = times.runs[key, "body"] / row.calls
        if key in times.steps and row.calls:
            row.trips = times.steps[key] / row.calls
    total = sum(step.row.seconds or 0 for step in found) or 1
    for step in found:
        step.row.share = (step.row.seconds or 0) / total


def _for_all_runs(row: Row, is_while: bool) -> None:
    """From figures of one run to those of a call of the program, where runs are known.

    A `while` kernel comes with the operations of one of its steps.
    """
    if is_while and row.flops:
        row.flops = None if row.trips is None else round(row.flops * row.trips)
    if row.calls is None:
        return
    for name in ("read_bytes", "written_bytes", "flops"):
        value = getattr(row, name)
        setattr(row, name, None if value is None else round(value * row.calls))


def _take_limits(rows: Sequence[Row], pool: Roof, single: Roof) -> None:
    """The least time for each row's bytes or operations on the threads it uses."""
    for row in rows:
        limits = pool if row.threads > 1 else single
        moved, done = row.bytes or 0, row.flops or 0
        if not (moved or done) or not row.calls:
            continue
        each = moved / row.calls
        row.limit_seconds = max(
            moved / limits.bytes_per_second(each), done / limits.peak[row.dtype]
        )

"""Where the time of a program goes: its own table of steps, with a clock read between them.

In: a program's thunks.  Out: seconds and runs of every thunk and block, per call.
After each thunk stands a probe: a kernel that reads the system's clock and adds what has passed
since the last probe to the thunk's own counter. So every step is timed where it stands, with the
buffers and caches it has in the real program, inside loops and branches too, and no step of
Python comes in between. A probe takes some 50 ns; that is measured and taken off.
Knows nothing of: what thunks compute.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..backends import cache
from ..backends.executor import Compiled, Program
from ..backends.thunks import For, Rows, RunKernel, Switch, While
from ..backends.vocabulary import kernel_namespace, vocabulary_version
from ..core.errors import ExplainError

PROBE = """def kernel(args, lo, hi):
    state = load_int64(args)
    call_address(load_int64(args + 8), ({clock}, state))
    now = load_int64(state) * 1000000000 + load_int64(state + 8)
    own = state + 24 + 16 * hi
    store_int64(own, load_int64(own) + now - load_int64(state + 16))
    store_int64(own + 8, load_int64(own + 8) + 1)
    store_int64(state + 16, now)
    return 0
"""
"""`hi` is the number of the counter: nanoseconds, then runs. The clock writes seconds and
nanoseconds at `state`; the time of the last probe stands behind them."""
STATE, CLOCK, STEPS = "probe counters", "probe clock", "probe steps"
SECONDS, LEAST, MOST = 0.4, 5, 200
"""Runs are repeated for so long, within these numbers."""


@functools.cache
def _clock_address() -> int:
    """The system's clock_gettime, which is callable without Python."""
    function = getattr(ctypes.CDLL(None), "clock_gettime", None)
    if function is None:
        raise ExplainError(
            "explain: expected a system with clock_gettime to time the steps of a program, got one "
            "without; pass time=False"
        )
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _probe(number: int) -> RunKernel:
    text = PROBE.format(clock=int(time.CLOCK_MONOTONIC))
    return RunKernel(cache.get_kernel(text, "kernel"), [STATE, CLOCK], number)


def with_step_count(text: str, position: int) -> str | None:
    """A `while` kernel that also adds its steps to entry `position`; None if it is not of the form
    that `loop_kernels.while_kernel` writes.

    >>> text = "    while True:\\n        break\\n        i += 1\\n    return 0"
    >>> print(with_step_count(text, 2), end="")
        steps = 0
        while True:
            break
            steps += 1
            i += 1
        store_int64(load_int64(args + 16), load_int64(load_int64(args + 16)) + steps)
        return 0
    """
    lines = text.rstrip().split("\n")
    loops = [i for i, line in enumerate(lines) if line == "    while True:"]
    leaves = [i for i, line in enumerate(lines) if line.strip() == "break"]
    if len(loops) != 1 or len(leaves) != 1 or not lines[-1].startswith("    return"):
        return None
    counter = f"load_int64(args + {8 * position})"
    add = f"    store_int64({counter}, load_int64({counter}) + steps)"
    before, test, body = lines[: loops[0]], lines[loops[0] : leaves[0] + 1], lines[leaves[0] + 1 :]
    counted = [*before, "    steps = 0", *test, "        steps += 1", *body[:-1], add, body[-1]]
    return "\n".join(counted) + "\n"


class Probed:
    """Thunks with probes between them; kernels in `whiles` also count their steps."""

    def __init__(self, thunks: Sequence[Any], whiles: Mapping[int, str] | None = None):
        self.keys: list[Any] = ["start"]
        self._whiles, self._counted = dict(whiles or {}), list[int]()
        self.thunks = [_probe(0), *self._with_probes(thunks)]
        self.state = np.zeros(3 + 2 * len(self.keys), np.int64)
        self.steps = np.zeros(max(1, len(self._counted)), np.int64)
        self.constants: dict[Any, Any] = {
            STATE: self.state,
            CLOCK: _clock_address(),
            STEPS: self.steps,
        }

    def _number(self, key: Any) -> RunKernel:
        self.keys.append(key)
        return _probe(len(self.keys) - 1)

    def _with_probes(self, thunks: Sequence[Any]) -> list[Any]:
        out: list[Any] = []
        for thunk in thunks:
            out += [self._inside(thunk), self._number(id(thunk))]
        return out

    def _block(self, thunks: Sequence[Any], key: Any) -> list[Any]:
        return [self._number(key), *self._with_probes(thunks)]

    def _inside(self, thunk: Any) -> Any:
        """The thunk with probes in its own blocks."""
        me = id(thunk)
        if isinstance(thunk, Rows):
            return thunk  # probes are for one thread
        if isinstance(thunk, For):
            return dataclasses.replace(thunk, body=self._block(thunk.body, (me, "body")))
        if isinstance(thunk, While):
            condition = self._block(thunk.condition, (me, "condition"))
            body = self._block(thunk.body, (me, "body"))
            return dataclasses.replace(thunk, condition=condition, body=body)
        if isinstance(thunk, Switch):
            blocks = [self._block(b, (me, k)) for k, b in enumerate(thunk.branches)]
            return dataclasses.replace(thunk, branches=blocks)
        return self._counting(thunk) if me in self._whiles else thunk

    def _counting(self, thunk: RunKernel) -> RunKernel:
        text = with_step_count(self._whiles[id(thunk)], len(thunk.entries))
        if text is None:
            return thunk
        self._counted.append(id(thunk))
        kernel = cache.get_kernel(text, "kernel", kernel_namespace, version=vocabulary_version())
        place = (STEPS, 8 * (len(self._counted) - 1))
        return dataclasses.replace(thunk, kernel=kernel, entries=[*thunk.entries, place])

    def read(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """(nanoseconds, runs) of every key since the last reading."""
        counters = self.state[3:].reshape(-1, 2).copy()
        self.state[:] = 0
        return counters[:, 0], counters[:, 1]

    def read_steps(self) -> dict[int, int]:
        """Steps of every counted kernel since the last reading."""
        found = dict(zip(self._counted, self.steps.tolist(), strict=False))
        self.steps[:] = 0
        return found


@functools.cache
def _probe_nanoseconds() -> float:
    """What a probe adds to the interval it ends."""
    probed = Probed([])
    block = [For(1000, [probed._number(k) for k in range(4)])]
    probed.state = np.zeros(3 + 2 * len(probed.keys), np.int64)
    probed.constants[STATE] = probed.state
    run = Compiled(Program(block, constants=probed.constants)).run
    found = []
    for _ in range(15):
        run([], [])
        nanoseconds, runs = probed.read()
        found.append(float(np.sum(nanoseconds[2:]) / np.sum(runs[2:])))
    return min(found)


@dataclasses.dataclass(frozen=True)
class Times:
    """Per call of the program, by key: median seconds, and how often it ran."""

    seconds: dict[Any, float]
    runs: dict[Any, float]
    steps: dict[int, int]
    """Of the loops that are one `while` kernel, by thunk."""
    calls: int
    """Calls that were timed."""


@dataclasses.dataclass(frozen=True)
class Call:
    """A program, the names of its inputs and outputs, and arrays for them."""

    program: Program
    names: tuple[Sequence[Any], Sequence[Any]]
    arrays: tuple[Sequence[Any], Sequence[Any]]


def measure(call: Call, whiles: Mapping[int, str]) -> Times:
    """Time every thunk of a program; `whiles` are the texts of loops that became one kernel."""
    program, overhead = call.program, _probe_nanoseconds()
    probed = Probed(program.thunks, whiles)
    constants = program.constants | probed.constants
    places = program.temporaries, program.arena_bytes
    run = Compiled(Program(probed.thunks, *call.names, constants, *places)).run
    run(*call.arrays)  # pages, caches
    steps = probed.read_steps()
    probed.read()
    samples: list[Any] = []
    end = time.perf_counter() + SECONDS
    while len(samples) < LEAST or (len(samples) < MOST and time.perf_counter() < end):
        run(*call.arrays)
        nanoseconds, runs = probed.read()
        samples.append((np.maximum(nanoseconds - overhead * runs, 0), runs))
    seconds = 1e-9 * np.median([s for s, _ in samples], axis=0)
    runs = np.median([r for _, r in samples], axis=0)
    of_keys = lambda values: dict(zip(probed.keys, values.tolist(), strict=True))
    return Times(of_keys(seconds), of_keys(runs), steps, len(samples))

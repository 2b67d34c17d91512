"""What this machine can do: bytes per second of a streaming kernel, operations per second of FMAs.

In: a number of threads.  Out: a Roof, measured once per process (about half a second).
The kernels are compiled and run as those of programs are, on the same pool.
Knows nothing of: programs.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..backends import cache
from ..backends.executor import Compiled, Program
from ..backends.thunks import For, RunChunks, RunKernel
from ..backends.vocabulary import kernel_namespace
from .records import Roof

STREAM = """def kernel(args, lo, hi):
    x = pointer_f32(args, 0)
    y = pointer_f32(args, 1)
    for i in range(lo, hi):
        y[i] = x[i] + f32(1)
    return 0
"""
SIZES = tuple(1 << k for k in range(14, 28, 2))
"""Bytes moved, half read and half written: 16 KiB to 64 MiB."""
STEPS = 32
"""Dependent FMAs per element, in each of two chains."""
ELEMENTS = 4096
"""Of the FMA kernel: within the first-level cache."""
SECONDS = 0.002
"""Of one timing; the fastest of `REPEATS` counts, because it is a limit that is sought."""
REPEATS = 15


def _fma_text(t: str) -> str:
    """Two chains of FMAs per element: enough in flight to fill two units of any width."""
    head = ["def kernel(args, lo, hi):", f"    x = pointer_{t}(args, 0)"]
    body = ["    for i in range(lo, hi):", "        a = x[i]", f"        b = a + {t}(1)"]
    step = [f"        {v} = fma_{t}({v}, {t}(0.999), {t}(0.001))" for v in "ab"]
    return "\n".join([*head, *body, *step * STEPS, "        x[i] = a + b", "    return 0\n"])


def roof(threads: int) -> Roof:
    """The machine's limits for kernels on this many threads, which must be those in use."""
    return _measured(threads)


@functools.cache
def _measured(threads: int) -> Roof:
    bandwidth = tuple((size, _bandwidth(size, threads)) for size in SIZES)
    peak = {name: _peak(name, threads) for name in ("float32", "float64")}
    found = Roof(threads, bandwidth, peak)
    return found if threads == 1 else _at_least(_measured(1), found)


def _at_least(one: Roof, several: Roof) -> Roof:
    """The higher of each pair of limits: several threads can leave the work to one."""
    pairs = zip(one.bandwidth, several.bandwidth, strict=True)
    bandwidth = tuple((size, max(a, b)) for (size, a), (_, b) in pairs)
    peak = {name: max(one.peak[name], several.peak[name]) for name in one.peak}
    return Roof(several.threads, bandwidth, peak)


def _kernel(text: str) -> Any:
    return cache.get_kernel(text, "kernel", kernel_namespace, version="roofline")


def _bandwidth(nbytes: int, threads: int) -> float:
    n = nbytes // 8
    x, y = np.ones(n, np.float32), np.ones(n, np.float32)
    return nbytes / _fastest(_kernel(STREAM), [x, y], n, threads)


def _peak(name: str, threads: int) -> float:
    t = {"float32": "f32", "float64": "f64"}[name]
    n = ELEMENTS * threads
    seconds = _fastest(_kernel(_fma_text(t)), [np.ones(n, name)], n, threads)
    return 4 * STEPS * n / seconds


def _fastest(kernel: Any, arrays: list[Any], n: int, threads: int) -> float:
    """Seconds of one run of a kernel over n elements."""
    names = list(range(len(arrays)))
    if threads > 1:
        thunk: Any = RunChunks(kernel, names, n, -(-n // (4 * threads)))
    else:
        thunk = RunKernel(kernel, names, n)
    times = int(max(1, SECONDS / _once(lambda: _program(thunk, names, 1).run(arrays, []))))
    run = _program(thunk, names, times).run
    return min(_once(lambda: run(arrays, [])) for _ in range(REPEATS)) / times


def _program(thunk: Any, inputs: list[int], times: int) -> Compiled:
    return Compiled(Program([For(times, [thunk])], inputs))


def _once(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start

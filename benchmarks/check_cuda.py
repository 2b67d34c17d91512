"""Runs programs on the GPU of this machine, compares them with NumPy, and times them.

    PYTHONPATH=. python benchmarks/check_cuda.py [--scale 32] [--repeat 50] [--simulate]

In: nothing.  Out: one line per program: kernels, compile time, largest error, time of one run on
the device (queued back to back, data resident), time of a whole call; then bandwidths.
Exits with 1 on a mismatch and with 2 where there is no GPU.  --simulate checks this script itself.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import ftx
import ftx.numpy as fnp
from ftx.backends.cuda import CudaBackend
from ftx.backends.cuda_sim import SimDevice
from ftx.backends.reference import ReferenceBackend
from ftx.core import tree
from ftx.core.errors import BackendError
from tests.backends.cuda.programs import normal, programs, softmax

TOLERANCE = 1e-3
"""Relative and absolute: products of float32 and sums of a few thousand in another order."""


def program_of(function: Callable[..., Any], args: Any) -> tuple[Any, list[Any]]:
    """A jaxpr without consts, and the flat arguments it takes."""
    jaxpr = ftx.make_jaxpr(lambda *xs: tree.flatten(function(*xs))[0])(*args)
    return jaxpr.closed(), [*jaxpr.consts, *tree.flatten(args)[0]]


def error_of(got: Any, expected: Any) -> float:
    """The largest error relative to max(1, |expected|); infinite for NaN in one only."""
    worst = 0.0
    for g, e in zip(got, expected, strict=True):
        g, e = (np.asarray(x).astype(np.float64) for x in (g, e))
        if not g.size:
            continue
        if not np.array_equal(np.isnan(g), np.isnan(e)):
            return float("inf")
        with np.errstate(invalid="ignore"):
            difference = np.where(g == e, 0, np.abs(g - e))
        worst = max(worst, float(np.nanmax(difference / np.maximum(1, np.abs(e)))))
    return worst


def seconds(action: Callable[[], Any], finish: Callable[[], Any], repeat: int) -> float:
    """Per run, of `repeat` runs between two waits; the best of three."""
    best = float("inf")
    for _ in range(3):
        finish()
        start = time.perf_counter()
        for _ in range(repeat):
            action()
        finish()
        best = min(best, (time.perf_counter() - start) / repeat)
    return best


def check(backend: CudaBackend, name: str, function: Any, args: Any, repeat: int) -> bool:
    """One program: compile, run, compare, time, print."""
    jaxpr, flat = program_of(function, args)
    start = time.perf_counter()
    executable = backend.compile(jaxpr)
    compile_ms = 1e3 * (time.perf_counter() - start)
    worst = error_of(executable(*flat), ReferenceBackend().compile(jaxpr)(*flat))
    run = executable.enter(*flat)
    device = seconds(lambda: executable.queue(run), backend.device.synchronize, repeat)
    call = seconds(lambda: executable(*flat), backend.device.synchronize, repeat)
    good = worst <= TOLERANCE
    print(
        f"{name:24s} {len(executable.kernel_sources()):3d} kernels {compile_ms:8.0f} ms compile  "
        f"error {worst:8.1e}  device {1e6 * device:9.1f} us  call {1e6 * call:9.1f} us  "
        f"{'ok' if good else 'WRONG'}",
        flush=True,
    )
    return good


def bandwidth(backend: CudaBackend, rows: int, columns: int, repeat: int) -> bool:
    """Kernels bound by memory: bytes moved per second against the chip's own figure."""
    good = True
    x = normal(rows, columns)
    cases = {
        "x + 1": (lambda x: x + 1, 2),
        "transpose + x": (lambda x: x.reshape(columns, rows).T + x, 3),
        "softmax": (softmax, 2),
        "sum": (lambda x: fnp.sum(x), 1),
        "column sums": (lambda x: fnp.sum(x, axis=0), 1),
    }
    for name, (function, passes) in cases.items():
        jaxpr, flat = program_of(function, (x,))
        executable = backend.compile(jaxpr)
        worst = error_of(executable(*flat), ReferenceBackend().compile(jaxpr)(*flat))
        good &= worst <= 10 * TOLERANCE
        run = executable.enter(*flat)
        each = seconds(lambda: executable.queue(run), backend.device.synchronize, repeat)  # noqa: B023
        print(
            f"{name:16s} f32[{rows},{columns}] {1e6 * each:9.1f} us  "
            f"{passes * x.nbytes / each / 1e9:8.1f} GB/s  error {worst:8.1e}",
            flush=True,
        )
    return good


def main() -> int:
    """Everything; the exit status."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--scale", type=int, default=32)
    options.add_argument("--repeat", type=int, default=50)
    options.add_argument("--rows", type=int, default=8192)
    options.add_argument("--simulate", action="store_true")
    chosen = options.parse_args()
    try:
        backend = CudaBackend(SimDevice() if chosen.simulate else None)
    except BackendError as error:
        print(f"no GPU, nothing was checked: {error}", file=sys.stderr)
        return 2
    print(f"device {backend.name}, capability {getattr(backend.device, 'capability', None)}")
    good = True
    for name, (function, args) in sorted(programs(chosen.scale).items()):
        try:
            good &= check(backend, name, function, args, chosen.repeat)
        except Exception as error:  # say which, go on with the others
            good = False
            print(f"{name:24s} FAILED {type(error).__name__}: {error}", flush=True)
    good &= bandwidth(backend, chosen.rows, 1024, chosen.repeat)
    print("all as expected" if good else "something is WRONG: see above")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

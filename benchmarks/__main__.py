"""python -m benchmarks [NAME ...]: time workloads on ftx and, where installed, on JAX.

`python -m benchmarks limits` holds ftx against the machine and other libraries instead, see
limits.py; without a name both are run.

ftx and JAX are timed in turn, A B A B, so that drift of the machine falls on both.  Prints the
median time of a call in microseconds, the ratio JAX / ftx (above 1: ftx is faster), and the
largest relative difference of the results.
"""

import importlib
import importlib.util
import math
import sys
import time

import numpy as np

from . import limits
from .workloads import WORKLOADS

ROUNDS, SECONDS = 7, 0.05


def ready(module, result):
    """The result, computed to the end."""
    return module.block_until_ready(result)


def median_time(module, call, args):
    """Seconds of one call: the median of a few rounds."""
    ready(module, call(*args))
    start = time.perf_counter()
    ready(module, call(*args))
    once = max(time.perf_counter() - start, 1e-7)
    n = max(1, int(SECONDS / once))
    start = time.perf_counter()
    for _ in range(n):
        ready(module, call(*args))
    return (time.perf_counter() - start) / n


def compare(name, modules):
    """Times per module, in turn, and the results' difference."""
    made = [WORKLOADS[name](m) for m in modules]
    times = [[] for _ in modules]
    for _ in range(ROUNDS):
        for slot, module, (call, args) in zip(times, modules, made, strict=True):
            slot.append(median_time(module, call, args))
    results = [
        [np.asarray(x, np.float64) for x in m.tree.leaves(call(*args))]
        for m, (call, args) in zip(modules, made, strict=True)
    ]
    difference = 0.0
    for a, b in zip(results[0], results[-1], strict=True):
        scale = np.max(np.abs(b), initial=1e-30)
        difference = max(difference, float(np.max(np.abs(a - b), initial=0.0)) / scale)
    return [sorted(t)[len(t) // 2] for t in times], difference


def main(names):
    """Run the workloads named, or all."""
    modules = [importlib.import_module("ftx")]
    if importlib.util.find_spec("jax"):
        modules.append(importlib.import_module("jax"))
    else:
        print("JAX is not installed: timing ftx alone")
    print(f"{'workload':20}{'ftx us':>12}{'jax us':>12}{'ratio':>8}{'difference':>12}")
    ratios = []
    for name in names or WORKLOADS:
        times, difference = compare(name, modules)
        shown = [f"{1e6 * t:12.1f}" for t in times] + [f"{'-':>12}"] * (2 - len(times))
        ratio = times[-1] / times[0] if len(times) == 2 else math.nan
        ratios.append(ratio)
        print(f"{name:20}{''.join(shown)}{ratio:8.2f}{difference:12.1e}", flush=True)
    if len(modules) == 2:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"geometric mean of the ratios {mean:.2f}, lowest {min(ratios):.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["limits"]:
        sys.exit(limits.main(sys.argv[2:]))
    main(sys.argv[1:])
    if not sys.argv[1:]:
        print()
        limits.main([])

"""python -m benchmarks.peak_memory MODULE WORKLOAD: how much memory its steps take.

Prints one line of JSON: bytes by which the resident set grew above what it was before the first
call, at its highest: with the first call (which compiles), and in later steps; and the highest
resident set of the whole process. ftx loads its compiler with the first call, JAX when it is
imported: only the whole process compares the two fairly.
Linux only: the kernel keeps the highest value, and can be told to begin anew.
"""

import importlib
import json
import sys
from pathlib import Path

from .workloads import WORKLOADS

STEPS = 10


def resident(field):
    """VmRSS, or VmHWM, the highest since the last reset, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}")


def reset():
    """Begin the highest value anew."""
    Path("/proc/self/clear_refs").write_text("5")


def main(module_name, name):
    """Measure and print."""
    module = importlib.import_module(module_name)
    for part in ("numpy", "lax", "nn", "tree"):
        importlib.import_module(f"{module_name}.{part}")
    step, (params, *rest) = WORKLOADS[name](module)
    module.block_until_ready((params, rest))
    reset()
    before = resident("VmRSS")
    params = module.block_until_ready(step(params, *rest))
    found = {"with first call": resident("VmHWM") - before}
    reset()
    for _ in range(STEPS):
        params = module.block_until_ready(step(params, *rest))
    found["stepping"] = resident("VmHWM") - before
    found["whole process"] = before + max(found.values())
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])

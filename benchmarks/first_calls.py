"""python -m benchmarks.first_calls MODULE [WORKLOAD ...]: import it, call each workload once.

Prints one line of JSON: seconds of the import, of each first call, of all of them together.
"""

import json
import sys
import time


def main(module_name, names):
    """Nothing but the module is imported before its import is timed."""
    start = time.perf_counter()
    module = __import__(module_name)
    found = {"import": time.perf_counter() - start}
    if names:
        found |= first_calls(module, names)
    print(json.dumps(found))


def first_calls(module, names):
    """Seconds by workload."""
    import importlib

    for part in ("numpy", "lax", "nn", "tree"):
        importlib.import_module(f"{module.__name__}.{part}")
    from .workloads import WORKLOADS

    found = {}
    for name in names:
        call, args = WORKLOADS[name](module)
        start = time.perf_counter()
        module.block_until_ready(call(*args))
        found[name] = time.perf_counter() - start
    return found | {"all workloads": sum(found.values())}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

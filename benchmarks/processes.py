"""What only a fresh process can tell: first calls, import times, peak memory; beside JAX.

In: a scale.  Out: rows.  Each figure is of a process of its own; the contenders take turns and the
median counts.
"""

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from .rows import Row
from .workloads import WORKLOADS

ROOT = Path(__file__).resolve().parents[1]
TRAINING = ("mlp_step", "cnn_step", "gpt_step")
TARGET = 1.0


def ask(script, *arguments, **environment):
    """What a script of this folder prints as JSON, run in a fresh process."""
    command = [sys.executable, "-m", f"benchmarks.{script}", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def modules(scale):
    """ftx, and JAX where it is installed and wanted."""
    found = ["ftx"]
    if scale.peers and importlib.util.find_spec("jax"):
        found.append("jax")
    return found


def with_cache(module, folder):
    """Environment that keeps compiled code in `folder`: JAX's is off unless asked for."""
    if module == "ftx":
        return {"FTX_CACHE_DIR": folder}
    settings = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    settings["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    return settings | {"JAX_COMPILATION_CACHE_DIR": folder}


def first_calls(scale):
    """Seconds of the first call of every workload, with empty caches and with filled ones."""
    names = scale.workloads or tuple(WORKLOADS)
    times = {}
    for _ in range(scale.processes):
        for module in modules(scale):
            with tempfile.TemporaryDirectory() as folder:
                for state in ("cold", "warm"):
                    found = ask("first_calls", module, *names, **with_cache(module, folder))
                    for name, seconds in found.items():
                        times.setdefault((module, state, name), []).append(seconds)
    for state in ("cold", "warm"):
        for name in ("all workloads", *names):
            yield _row("first calls", f"{name}, {state}", times, state, name)


def imports(scale):
    """Seconds of `import ftx` beside `import jax`."""
    times = {}
    for _ in range(2 * scale.processes):
        for module in modules(scale):
            seconds = ask("first_calls", module)["import"]
            times.setdefault((module, "", "import"), []).append(seconds)
    yield _row("import", "import", times, "", "import")


def memory(scale):
    """Growth of the resident set by training steps, compilation included and not."""
    names = [n for n in TRAINING if not scale.workloads or n in scale.workloads]
    sizes = {}
    for _ in range(scale.processes):
        for module in modules(scale):
            for name in names:
                for kind, value in ask("peak_memory", module, name).items():
                    sizes.setdefault((module, kind, name), []).append(value)
    for name in names:
        for kind in ("whole process", "with first call", "stepping"):
            yield _row("peak memory", f"{name}, {kind}", sizes, kind, name, unit="B")


def _row(section, label, found, state, name, unit="s"):
    """ftx's median beside JAX's."""
    ours = statistics.median(found["ftx", state, name])
    theirs = found.get(("jax", state, name))
    limit = statistics.median(theirs) if theirs else None
    words = "jax" if theirs else "jax, which is not here"
    return Row(section, label, ours, limit, TARGET, words, unit)

"""python -m benchmarks limits [SECTION ...] [--json PATH] [--quick]: how near the limits ftx is.

One table: each row is a figure of ftx, the limit it is held against, their ratio and the target.
Sections: memory (against streaming the same bytes), scalars (NumPy, SciPy), products (BLAS), loops
(handwritten Numba), compile, import and footprint (JAX). Rows whose peer is not installed are
skipped with a word. --quick runs everything at tiny sizes, to see that it runs.
"""

import argparse
import dataclasses
import importlib
import json
import platform
import sys
from pathlib import Path

import numpy as np

from .rows import HEAD, line, summary

SECTIONS = {
    "memory": ("streams", "rows"),
    "scalars": ("scalars", "rows"),
    "products": ("products", "rows"),
    "loops": ("recurrences", "rows"),
    "compile": ("processes", "first_calls"),
    "import": ("processes", "imports"),
    "footprint": ("processes", "memory"),
}
"""Module of this folder and its function that yields the rows."""


@dataclasses.dataclass(frozen=True)
class Scale:
    """How large and how often."""

    divisor: int = 1
    """Sides of arrays are divided by this."""
    rounds: int = 15
    seconds: float = 0.05
    """Of one contender's turn."""
    processes: int = 3
    workloads: tuple[str, ...] = ()
    """Of the sections that run processes; empty: all."""
    peers: bool = True


QUICK = Scale(16, 2, 0.001, 1, ("softmax", "mlp_step"), False)


def arguments(words):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks limits", description=__doc__.splitlines()[0]
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--json", metavar="PATH", help="also write every row there ('-': stdout)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, few rounds, no peers")
    parser.add_argument("--rounds", type=int, help="turns of each contender")
    chosen = parser.parse_args(words)
    unknown = sorted(set(chosen.sections) - set(SECTIONS))
    if unknown:
        parser.error(f"expected sections among {', '.join(SECTIONS)}, got {', '.join(unknown)}")
    return chosen


def measure(sections, scale, say=print):
    """Rows of the sections, said one by one as they are known."""
    found = []
    for section in sections:
        module, function = SECTIONS[section]
        rows = getattr(importlib.import_module(f".{module}", __package__), function)(scale)
        title = None
        for row in rows:
            if row.section != title:
                title = row.section
                say(f"-- {title}")
            found.append(row)
            say(line(row))
    return found


def machine():
    """What the figures hold for."""
    import ftx

    words = {"machine": platform.machine(), "python": platform.python_version()}
    words |= {"numpy": np.__version__, "ftx": ftx.__version__}
    return words | {"threads": ftx.local_device_count()}


def main(words):
    """Run what the command line asks for; the exit status."""
    chosen = arguments(words)
    scale = QUICK if chosen.quick else Scale()
    if chosen.rounds:
        scale = dataclasses.replace(scale, rounds=chosen.rounds)
    quiet = chosen.json == "-"
    say = (lambda text: print(text, file=sys.stderr)) if quiet else print
    say(HEAD)
    found = measure(chosen.sections or SECTIONS, scale, say)
    say(summary(found))
    if chosen.json:
        text = json.dumps({"machine": machine(), "rows": [r.data() for r in found]}, indent=1)
        print(text) if quiet else Path(chosen.json).write_text(text + "\n", encoding="utf-8")
    return 0

"""Which of JAX's public names ftx has, and what is different: tables of the docs.

In: names.tsv (module, name, and how much real code uses it: tier 1 most, 4 least, '-' unknown)
and `differences`.  Out: the page.
"""

import csv
import importlib
import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from tests.api.differences import ABSENT, SIGNATURES
from tests.api.keywords import OTHERWISE


class Name(NamedTuple):
    """A public name of JAX."""

    module: str
    name: str
    tier: str

    @property
    def full(self) -> str:
        return f"{self.module}.{self.name}"


def read_names() -> list[Name]:
    """The rows of names.tsv."""
    with open(Path(__file__).parent / "names.tsv", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t"))[1:]
    return [Name(*row) for row in rows]


NAMES = read_names()
MISSING = object()


def find(module: str, name: str) -> Any:
    """What the module calls `name`; MISSING if there is no such module or name."""
    try:
        return getattr(importlib.import_module(module), name, MISSING)
    except ModuleNotFoundError:
        return MISSING


def ours(name: Name) -> Any:
    """What ftx calls the name."""
    return find(name.module.replace("jax", "ftx", 1), name.name)


def why_absent(name: Name) -> str:
    """The reason given for a name that ftx lacks."""
    return next(reason for pattern, reason in ABSENT if re.fullmatch(pattern, name.full))


def status(name: Name) -> str:
    """present; differs: why; absent: why."""
    if ours(name) is MISSING:
        return f"absent: {why_absent(name)}"
    reason = SIGNATURES.get(name.full)
    return f"differs: {reason}" if reason else "present"


_HEAD = """# Which of JAX's public names ftx has

Written by the tests from their own table (`tests/api`); `UPDATE_DOCS=1` writes it anew. Tiers say
how much public code uses a name, 1 most; 4 is documented and hardly used; – is not documented.
*Present* means that the parameters have JAX's names, order, kinds and defaults, which a test
compares with JAX 0.10.2 for functions.

"""


def _counts() -> list[str]:
    here, all_ = Counter(), Counter()
    for name in NAMES:
        all_[name.module, name.tier] += 1
        here[name.module, name.tier] += ours(name) is not MISSING
    tiers = "1234-"
    lines = ["| module | tier 1 | tier 2 | tier 3 | tier 4 | – |", "|---|---|---|---|---|---|"]
    for module in dict.fromkeys(name.module for name in NAMES):
        cells = [
            f"{here[module, t]} of {all_[module, t]}" if all_[module, t] else "" for t in tiers
        ]
        lines.append(f"| `{module}` | {' | '.join(cells)} |")
    return lines


def page() -> str:
    """docs/api_coverage.md."""
    lines = _counts()
    for module in dict.fromkeys(name.module for name in NAMES):
        lines += ["", f"## {module}", "", "| name | tier | status |", "|---|---|---|"]
        rows = sorted((n for n in NAMES if n.module == module), key=lambda n: (n.tier, n.name))
        lines += [f"| `{n.name}` | {n.tier.replace('-', '–')} | {status(n)} |" for n in rows]
    return _HEAD + "\n".join(lines) + "\n"


def differences() -> str:
    """The table at the end of docs/differences.md."""
    values = {f"jax.{k}": why for k, why in OTHERWISE.items()}
    rows = sorted((SIGNATURES | values).items())
    lines = [f"| `{name.replace(' ', '` `')}` | {why} |" for name, why in rows]
    return "\n".join(["| function, keyword | what differs |", "|---|---|", *lines]) + "\n"

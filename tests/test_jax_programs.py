"""examples/from_jax: programs in JAX's idiom give JAX's numbers, their import alone changed.

`jax_numbers.json` holds what JAX gave (python tests/test_jax_programs.py writes it); where JAX is
installed it is also run again.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import ftx

FOLDER = Path(__file__).parents[1] / "examples" / "from_jax"
NUMBERS = Path(__file__).parent / "support" / "jax_numbers.json"
NAMES = sorted(p.stem for p in FOLDER.glob("*.py"))
TOLERANCE = 2e-4  # float32 through tens of training steps


def run(name, module):
    """The results of a program whose `jax` is `module`."""
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    text = text.replace("import ftx as jax\n", f"import {module} as jax\n")
    text = re.sub(r"^(import|from) ftx\b", rf"\1 {module}", text, flags=re.MULTILINE)
    assert (" ftx" in text) == (module == "ftx"), "JAX's run must not meet ftx, nor ours JAX"
    scope = {"__name__": name}
    exec(compile(text, f"{name}.py", "exec"), scope)
    return [np.asarray(r, np.float64) for r in scope["main"]()]


def check(got, expected):
    assert got, "a program returns what it computed"
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, np.asarray(e), rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("name", NAMES)
def test_gives_the_numbers_jax_gave(name):
    check(run(name, "ftx"), json.loads(NUMBERS.read_text(encoding="utf-8"))[name])


@pytest.mark.peers
@pytest.mark.parametrize("name", NAMES)
def test_gives_the_numbers_jax_gives(name):
    pytest.importorskip("jax")
    check(run(name, "ftx"), run(name, "jax"))


def test_the_readme_lists_every_program_and_what_occurs_in_it():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| \[(\w+)\]\(\1\.py\) \| (.+) \|$", text, re.MULTILINE))
    assert sorted(rows) == NAMES
    for name, shown in rows.items():
        program = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
        for quoted in re.findall(r"`([^`]+)`", shown):
            word = r"\.at\[.*\]\.add" if quoted == ".at[].add" else rf"\b{re.escape(quoted)}\b"
            assert re.search(word, program), f"{name} has no {quoted}"


@pytest.mark.parametrize("devices", [1, 3, 8])
@pytest.mark.parametrize("name", ["data_parallel", "shard_map_training"])
def test_results_do_not_depend_on_the_number_of_devices(name, devices):
    with ftx.config.override(num_cpu_devices=devices):
        check(run(name, "ftx"), json.loads(NUMBERS.read_text(encoding="utf-8"))[name])


if __name__ == "__main__":
    found = {name: [r.tolist() for r in run(name, "jax")] for name in NAMES}
    NUMBERS.write_text(json.dumps(found) + "\n", encoding="utf-8")
    sys.exit(0)

"""Programs written for JAX run with the import replaced, and give JAX's numbers.

`programs/expected.json` holds what JAX gave (python tests/test_jax_programs.py writes it); where
JAX is installed it is also run again.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent / "programs"
NAMES = sorted(p.stem for p in FOLDER.glob("*.py"))
TOLERANCE = 2e-4  # float32 through tens of training steps


def run(name, module):
    """The results of a program whose `jax` is `module`."""
    text = (FOLDER / f"{name}.py").read_text()
    text = text.replace("import jax.numpy as jnp", f"import {module}.numpy as jnp")
    text = text.replace("import jax\n", f"import {module} as jax\n")
    scope = {"__name__": name}
    exec(compile(text, f"{name}.py", "exec"), scope)
    return [np.asarray(r, np.float64) for r in scope["main"]()]


def check(got, expected):
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, np.asarray(e), rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("name", NAMES)
def test_gives_the_numbers_jax_gave(name):
    expected = json.loads((FOLDER / "expected.json").read_text())[name]
    check(run(name, "ftx"), expected)


@pytest.mark.peers
@pytest.mark.parametrize("name", NAMES)
def test_gives_the_numbers_jax_gives(name):
    pytest.importorskip("jax")
    check(run(name, "ftx"), run(name, "jax"))


if __name__ == "__main__":
    found = {name: [r.tolist() for r in run(name, "jax")] for name in NAMES}
    (FOLDER / "expected.json").write_text(json.dumps(found) + "\n")
    sys.exit(0)

"""Every example in the README and in docstrings runs."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import ftx

ROOT = Path(__file__).parent.parent
OPTIONAL = ("ftx.backends.cuda", "ftx.__main__")
MODULES = sorted(
    m.name for m in pkgutil.walk_packages(ftx.__path__, "ftx.") if not m.name.startswith(OPTIONAL)
)


def test_the_readmes_example_runs(capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "lambda" in shown and "def kernel" in shown


def test_the_differences_to_jax_are_as_said():
    text = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(examples) >= 5
    for example in examples:
        exec(compile(example, "differences.md", "exec"), {})


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name):
    result = doctest.testmod(importlib.import_module(name))
    assert not result.failed


def test_doctor_finds_this_machine_healthy(capsys):
    doctor = importlib.import_module("ftx.doctor")
    assert doctor.main(["doctor"]) == 0
    assert "kernel cache" in capsys.readouterr().out
    assert doctor.main(["unknown"]) == 2

"""The example of docs/explain.md runs and prints what the page shows, times apart.

After a change of what kernels a program becomes, UPDATE_DOCS=1 writes the page anew.
"""

import os
import re
import runpy
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "explain.md"
UNTIMED = 66
"""Columns of a row up to its FLOP."""


def steady(text):
    """What does not depend on the machine: rows without times and thread counts, lines of code,
    memory; of the totals, bytes and FLOP."""
    kept = []
    for line in text.splitlines():
        if re.match(r" *\d+ \w", line):
            kept.append(line[:UNTIMED].rstrip())
        elif line.startswith("all steps:"):
            kept.append(line.split(" FLOP,")[0])
        elif line.startswith("build:"):
            kept.append(line.split(" distinct")[0])
        elif not line.startswith("machine,"):
            kept.append(line)
    return kept


def test_the_example_prints_what_the_page_shows(tmp_path, capsys):
    text = PAGE.read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (shown,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "example.py"
    path.write_text(program, encoding="utf-8")
    runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr().out
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(text.replace(shown, printed), encoding="utf-8")
        shown = printed
    assert steady(printed) == steady(shown)
    assert "kernel f32[2048,128]" in "".join(steady(shown)).replace("f32[16], ", "")


def test_every_column_is_explained():
    text = PAGE.read_text(encoding="utf-8")
    for name in ("runs", "bytes", "FLOP", "time", "share", "limit", "threads", "code"):
        assert re.search(rf"^\| {name} \|", text, re.MULTILINE)

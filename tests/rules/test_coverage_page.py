"""docs/coverage.md says what the rule table checks; UPDATE_DOCS=1 writes it anew."""

import os
from pathlib import Path

from tests.rules import coverage
from tests.rules.coverage import COLUMNS, TABLE

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"


def test_the_page_is_what_the_table_says():
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(coverage.page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == coverage.page(), "run with UPDATE_DOCS=1"


def test_a_cell_is_a_yes_or_a_reason():
    cells = [coverage.cell(column, primitive) for column in COLUMNS for primitive in TABLE]
    assert all(cells)
    assert coverage.cell("vjp∘vjp", "sin") == "yes"
    assert coverage.cell("jvp", "floor") == "zero wherever it exists"
    assert coverage.cell("jvp", "argmax") == "no inexact result"

"""docs/api_coverage.md says which names there are; UPDATE_DOCS=1 writes it anew."""

import os
from pathlib import Path

from tests.api import coverage
from tests.api.coverage import MISSING, NAMES, Name
from tests.api.differences import SIGNATURES

DOCS = Path(__file__).parents[2] / "docs"
PAGE, DIFFERENCES = DOCS / "api_coverage.md", DOCS / "differences.md"
TABLE = "| function, keyword"


def test_the_page_is_what_the_table_says():
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(coverage.page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == coverage.page(), "run with UPDATE_DOCS=1"


def test_differences_are_listed():
    text = DIFFERENCES.read_text(encoding="utf-8").partition(TABLE)[0]
    if os.environ.get("UPDATE_DOCS"):
        DIFFERENCES.write_text(text + coverage.differences(), encoding="utf-8")
    shown = DIFFERENCES.read_text(encoding="utf-8").removeprefix(text)
    assert shown == coverage.differences(), "run with UPDATE_DOCS=1"


def test_a_status_is_presence_or_a_reason():
    assert coverage.status(Name("jax.numpy", "sin", "1")) == "present"
    assert coverage.status(Name("jax.lax", "while_loop", "1")).startswith("differs: takes besides")
    assert coverage.status(Name("jax.numpy", "int4", "3")).startswith("absent: no such narrow type")
    assert coverage.status(Name("jax.wat", "sin", "4")) == "absent: not written yet"


def test_differences_are_of_names_that_are_there():
    named = {name.full: name for name in NAMES}
    assert not [n for n in SIGNATURES if n not in named or coverage.ours(named[n]) is MISSING]

"""suite.tsv says of every test function of array-api-tests where the same is checked here.

A row that begins with '-' does not apply as the suite has it; the reason follows, and what is
checked in its place.
"""

import csv
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "array_api.md"
with open(HERE / "suite.tsv", encoding="utf-8") as file:
    SUITE = list(csv.DictReader(file, delimiter="\t"))


def counterparts(row):
    return re.findall(r"(test_\w+)::(test_\w+)", row["here"])


@pytest.mark.parametrize("row", SUITE, ids=lambda row: f"{row['file']}::{row['test']}")
def test_counterparts_exist(row):
    assert counterparts(row) or row["here"].startswith("- ")
    for file, name in counterparts(row):
        assert f"\ndef {name}(" in (HERE / f"{file}.py").read_text(encoding="utf-8")


def test_what_does_not_apply_is_skipped_and_the_reverse():
    names = {f"array_api_tests/{row['file']}::{row['test']}": row for row in SUITE}
    lines = (HERE / "skips.txt").read_text(encoding="utf-8").splitlines()
    skipped = {line.partition("[")[0] for line in lines if line and not line.startswith("#")}
    assert skipped <= set(names)
    refused = {n for n, row in names.items() if row["here"].startswith("- ")}
    assert refused - skipped == {n for n in refused if "2025.12" in names[n]["here"]}


def test_the_document_counts_them():
    refused = [row for row in SUITE if row["here"].startswith("- ")]
    text = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
    assert f"{len(SUITE)} test functions, {len(SUITE) - len(refused)} have a counterpart" in text
    for file in {row["file"] for row in SUITE}:
        number = sum(row["file"] == file for row in SUITE)
        assert re.search(rf"\| `{file}` \| {number} \|", text), (file, number)

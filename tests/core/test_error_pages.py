"""docs/errors: a page for every code, whose first example raises it and whose second runs."""

import doctest
import linecache
import re
from pathlib import Path

import pytest

from ftx.core import errors

DOCS = Path(__file__).parents[2] / "docs"
BASES = (errors.FtxError, errors.FtxWarning)
KINDS = sorted(
    {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, BASES) and kind not in BASES
    },
    key=lambda kind: kind.code,
)
PARTS = re.compile(
    r"# (?P<title>.*?)\n\n(?P<text>.*?)\n\n## Fails\n\n```python\n(?P<fails>.*?)```\n\n"
    r"```text\n(?P<message>.*?)```\n\n## Mended\n\n```python\n(?P<mended>.*?)```\n",
    re.DOTALL,
)


def parts(kind):
    """The page of a class by its parts: title, text, fails, message, mended."""
    found = PARTS.fullmatch((DOCS / f"errors/{kind.code}.md").read_text(encoding="utf-8"))
    assert found, "a page has a title, a text, and the sections Fails and Mended"
    return found.groupdict()


def run(source):
    """Run an example; its lines are found by errors, as those of a file are."""
    name = "example.py"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), {"__name__": "example"})


def identified(kind):
    return kind.code


@pytest.mark.parametrize("kind", KINDS, ids=identified)
def test_the_failing_example_raises_the_code(kind):
    page = parts(kind)
    with pytest.raises(kind) as caught:  # warnings are errors in tests
        run(page["fails"])
    assert type(caught.value) is kind
    shown = f"{caught.value}\n"
    matches = doctest.OutputChecker().check_output(page["message"], shown, doctest.ELLIPSIS)
    assert matches, f"the page of {kind.code} shows another message than this:\n{shown}"


@pytest.mark.parametrize("kind", KINDS, ids=identified)
def test_the_message_has_all_its_parts(kind):
    message = parts(kind)["message"]
    operation, expected, got = (message.find(p) for p in (": ", "expected ", "got"))
    cure, place = message.find(";"), message.find("\n  at example.py:")
    assert 0 < operation < expected < got < cure < place, message
    assert message.endswith(f"\n  [{kind.code}: see docs/errors/{kind.code}.md]\n")


@pytest.mark.parametrize("kind", KINDS, ids=identified)
def test_the_mended_example_runs(kind):
    page = parts(kind)
    assert page["mended"] != page["fails"]
    run(page["mended"])


@pytest.mark.parametrize("kind", KINDS, ids=identified)
def test_the_page_tells_the_class_and_its_bases(kind):
    page = parts(kind)
    assert page["title"] == f"{kind.code}: {kind.__name__}"
    hidden = ("LookupError", "Warning", "Exception", "BaseException", "object")
    bases = [b.__name__ for b in kind.__mro__[1:] if b.__name__ not in hidden]
    assert page["text"].endswith("\n\nCaught as " + ", ".join(f"`{b}`" for b in bases) + ".")


def test_the_index_lists_every_code():
    rows = [
        f"| [{kind.code}](errors/{kind.code}.md) | `{kind.__name__}` "
        f"| {kind.__doc__.splitlines()[0]} | {kind.cure} |"
        for kind in KINDS
    ]
    index = (DOCS / "errors.md").read_text(encoding="utf-8")
    shown = [line for line in index.splitlines() if line.startswith("| [FTX-")]
    assert shown == rows, "docs/errors.md should have these rows:\n" + "\n".join(rows)


def test_no_page_without_a_code():
    pages = {page.stem for page in (DOCS / "errors").glob("*.md")}
    assert pages == {kind.code for kind in KINDS}


def test_codes_are_distinct_and_dense():
    assert [kind.code for kind in KINDS] == [f"FTX-E{n:03}" for n in range(1, len(KINDS) + 1)]

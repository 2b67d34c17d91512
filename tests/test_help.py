"""help() of every public function and class: its own text, a sentence, shapes, an example.

The examples themselves are run by tests/test_docs.py, which walks the modules that define them;
here those of functions made by other functions, which doctest does not find there.
"""

import doctest
import inspect
import re

import numpy as np
import pytest

import ftx
from tests.api.coverage import MISSING, NAMES, ours
from tests.api.differences import SIGNATURES
from tests.api.keywords import OTHERWISE

COVERED = re.compile(r"jax\.(numpy|lax|random|nn|scipy)(\..*)?")
NUMPYS = {
    *("ComplexWarning", "character", "complexfloating", "dtype", "flexible", "floating", "generic"),
    *("inexact", "integer", "number", "object_", "signedinteger", "unsignedinteger"),
    *("get_printoptions", "printoptions", "set_printoptions"),
}
"""NumPy's own objects, so that `issubdtype` and printing are NumPy's."""

OPERANDS = {
    *"x y z a b c v m p q x1 x2 xs arr ary array arrays operand operands lhs rhs".split(),
    *"array1 array2 condition logits data weights fp xp matrix k n d s h w t u".split(),
}
SHAPES = re.compile(
    r"->|→|\[|\b(shapes?|ax[ei]s|broadcast|scalars?|rows?|columns?|square|vectors?|matri(x|ces))\b"
    r"|\b(by|all|every|the|its|of|flattened) elements?\b|\b(diagonals?|polynomials?|sizes?|tree)\b"
    r"|\bArguments as of `|\bAs `|\bone-dimensional\b",
    re.IGNORECASE,
)
_OTHER = re.compile("other values|takes")
DIFFERENT = sorted(
    {name for name in SIGNATURES if COVERED.fullmatch(name)}
    | {f"jax.{entry.split()[0]}" for entry, why in OTHERWISE.items() if _OTHER.search(why)}
    | {f"jax.{name}" for name in ("numpy.asarray", "numpy.nonzero", "numpy.take")}
)
"""Functions whose values or arguments are known to differ from JAX's, most by tests that compare
the two; not those that take what JAX refuses."""

FOUND = {
    name.full: ours(name)
    for name in NAMES
    if COVERED.fullmatch(name.module) and ours(name) is not MISSING
}
HELPED = sorted(
    name
    for name, value in FOUND.items()
    if callable(value)
    and not inspect.ismodule(value)
    and type(value).__module__ != "typing"
    and value is not tuple
    and name.rpartition(".")[2] not in NUMPYS
)


def text(name):
    value = FOUND[name]
    found = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
    return inspect.cleandoc(found or "")


def parameters(value):
    try:
        return set(inspect.signature(value).parameters)
    except (TypeError, ValueError):
        return set()


@pytest.mark.parametrize("name", HELPED)
def test_help_is_useful(name):
    whole = text(name)
    said, mark, _ = whole.partition(">>>")
    first = said.split("\n\n")[0].strip()
    assert re.search(r"\w.*([.:](\s|$)|->)", first, re.DOTALL), "begins with a sentence"
    theirs = getattr(np, name.rpartition(".")[2], None)
    assert whole != inspect.cleandoc(getattr(theirs, "__doc__", None) or "-"), "its own text"
    value = FOUND[name]
    if not inspect.isclass(value) and parameters(value) & OPERANDS:
        assert SHAPES.search(said), "says of which shapes"
    assert mark, "has an example"


@pytest.mark.parametrize("name", HELPED)
def test_its_example_runs(name):
    scope = {"ftx": ftx, **getattr(inspect.getmodule(FOUND[name]), "__dict__", {})}
    scope.setdefault(name.rpartition(".")[2], FOUND[name])
    example = doctest.DocTestParser().get_doctest(text(name), scope, name, None, None)
    result = doctest.DocTestRunner().run(example, out=lambda shown: None)
    assert example.examples and not result.failed


@pytest.mark.parametrize("name", [n for n in DIFFERENT if n in HELPED])
def test_what_differs_says_so(name):
    assert "JAX" in text(name).partition(">>>")[0], "says in what it differs"


def test_many_are_asked():
    assert len(HELPED) > 700 and len(DIFFERENT) > 8
    assert all(f"jax.numpy.{name}" in FOUND for name in NUMPYS), "no longer NumPy's: ask them too"

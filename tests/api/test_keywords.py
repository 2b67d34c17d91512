"""No keyword is accepted and ignored: each, set to another value, does what it does in JAX.

Every function with keywords is called with each of them away from its default; the result equals
JAX's in value and dtype, or both refuse, or the refusal is listed with its reason.
"""

import importlib
import inspect
import warnings

import numpy as np
import pytest

import ftx
from tests.api.keywords import ARGUMENTS, CALLS, OTHERWISE, UNTRIED, VALUES

pytestmark = pytest.mark.peers
jax = pytest.importorskip("jax")

SKIP = object()


def read(line):
    """(call, {keyword: values}) of a line."""
    call, *options = line.split(" | ")
    given = {}
    for option in options:
        ((keyword, value),) = eval(f"dict({option})", {**ARGUMENTS, "SKIP": SKIP}).items()
        given.setdefault(keyword, []).append(value)
    return call, given


def keywords_of(function):
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        p.name for p in parameters if p.default is not p.empty and p.name not in ("args", "kwargs")
    ]


def cases():
    for module, text in CALLS.items():
        for line in filter(None, text.splitlines()):
            call, given = read(line)
            name = call.split("(")[0]
            function = getattr(importlib.import_module(f"jax.{module}"), name)
            for keyword in keywords_of(function):
                if f"{keyword}=" in call and keyword not in given:
                    continue
                values = given.get(keyword, []) + VALUES.get(keyword, [])
                if any(v is SKIP for v in given.get(keyword, [])):
                    continue
                if keyword in given and keyword not in ("axis",):
                    values = given[keyword]
                for i, value in enumerate(values):
                    yield pytest.param(
                        module, call, {keyword: value}, id=f"{module}.{call}-{keyword}-{i}"
                    )


def run(package, module, call, given):
    """The result, or the exception."""
    name, rest = call.split("(", 1)
    text = f"function({rest[:-1]}, **given)"
    try:
        function = getattr(importlib.import_module(f"{package}.{module}"), name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return eval(text, {**ARGUMENTS, "function": function, "given": given})
    except Exception as error:
        return error


def leaves(package, result):
    found = importlib.import_module(package).tree.leaves(result)
    return [np.asarray(x) if hasattr(x, "dtype") else x for x in found]


@pytest.mark.parametrize("module,call,given", list(cases()))
def test_a_keyword_does_what_it_does_in_jax(module, call, given):
    with ftx.enable_x64(False):
        theirs, mine = run("jax", module, call, given), run("ftx", module, call, given)
        (keyword,) = given
        name = call.split("(")[0]
        if f"{module}.{name} {keyword}" in OTHERWISE:
            pytest.skip(OTHERWISE[f"{module}.{name} {keyword}"])
        if isinstance(theirs, Exception):
            assert isinstance(mine, Exception), f"JAX refuses: {theirs}"
            return
        if isinstance(mine, Exception):
            raise mine
        mine, theirs = leaves("ftx", mine), leaves("jax", theirs)
    assert len(mine) == len(theirs)
    for x, y in zip(mine, theirs, strict=True):
        if not hasattr(y, "dtype"):
            assert x == y
            continue
        assert x.dtype == y.dtype and x.shape == y.shape
        loose = 5e-2 if y.dtype == np.float16 else 2e-3
        np.testing.assert_allclose(x, y, rtol=loose, atol=loose / 10)


def test_every_keyword_is_tried():
    tried = {(p.values[0], p.values[1].split("(")[0], *p.values[2]) for p in cases()}
    untried = []
    for module in CALLS:
        theirs = importlib.import_module(f"jax.{module}")
        mine = importlib.import_module(f"ftx.{module}")
        for name in dir(mine):
            function = getattr(theirs, name, None)
            if name.startswith("_") or not callable(function) or inspect.isclass(function):
                continue
            for keyword in keywords_of(function):
                known = {f"{module}.{name}", f"{module}.{name} {keyword}"} & set(UNTRIED)
                if (module, name, keyword) not in tried and not known:
                    untried.append(f"{module}.{name} {keyword}")
    assert not untried

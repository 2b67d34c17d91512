"""Parameters of every public function have JAX's names, order, kinds and defaults."""

import enum
import inspect
from typing import get_origin

import numpy as np
import pytest

from ftx.core.not_given import NOT_GIVEN
from tests.api.coverage import MISSING, NAMES, find, ours
from tests.api.differences import SIGNATURES

pytestmark = pytest.mark.peers
jax = pytest.importorskip("jax")

MODULES = list(dict.fromkeys(name.module for name in NAMES))
SENTINELS = {"object", "Unspecified", "UnspecifiedValue", "NotSpecified", "_NotGiven"}
SENTINELS |= {"DeprecatedArg", "NoDefault", "InferFromArgs"}


def default(parameter):
    """A default as something to compare: sentinels are one, functions and types are names."""
    value = parameter.default
    if value is parameter.empty:
        return "required"
    if value is NOT_GIVEN or type(value).__name__ in SENTINELS or "specified" in repr(value):
        return "not given"
    if repr(value) == "Deprecated":
        return "not given"
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, enum.Enum):
        return value.name
    return getattr(value, "__name__", value)


def parameters(function):
    """(name, kind, default) of each, or None where Python cannot tell; keywords in any order."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    rows = [(p.name, p.kind, default(p)) for p in found]
    by_place = [r for r in rows if r[1] is not inspect.Parameter.KEYWORD_ONLY]
    return by_place, sorted(r for r in rows if r[1] is inspect.Parameter.KEYWORD_ONLY)


def methods_of(name, mine, theirs):
    """The functions of a family of distributions, a module of JAX."""
    for function in dir(theirs):
        if not function.startswith("_") and hasattr(mine, function):
            yield f"{name.full}.{function}", getattr(mine, function), getattr(theirs, function)


def functions_of(module):
    for name in NAMES:
        theirs = find(name.module, name.name)
        if name.module != module or theirs is MISSING or ours(name) is MISSING:
            continue
        if inspect.ismodule(theirs) and name.module == "jax.scipy.stats":
            yield from methods_of(name, ours(name), theirs)
        elif callable(theirs) and not inspect.isclass(theirs) and not get_origin(theirs):
            yield name.full, ours(name), theirs


@pytest.mark.parametrize("module", MODULES)
def test_signatures_are_jaxs_but_for_those_listed(module):
    different = {}
    for name, mine, theirs in functions_of(module):
        wanted = parameters(theirs)
        if wanted is not None and parameters(mine) != wanted:
            different[name] = f"{inspect.signature(mine)} for {inspect.signature(theirs)}"
    listed = {name for name in SIGNATURES if name.rpartition(".")[0] == module}
    unlisted = {name: text for name, text in different.items() if name not in listed}
    assert not unlisted
    assert not listed - set(different), "no longer different: take them from the list"


def test_functions_are_compared_at_all():
    assert sum(1 for module in MODULES for _ in functions_of(module)) > 700

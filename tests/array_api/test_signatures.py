"""Functions, methods and attributes of the standard: names, and arguments as it writes them.

An argument that callers may give by place has the standard's place, one that they may name has its
name; more arguments are allowed. A default is the standard's or None, which then means the same.
"""

import csv
import inspect
from pathlib import Path

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp

with open(Path(__file__).parent / "standard.tsv", encoding="utf-8") as file:
    STANDARD = dict(list(csv.reader(file, delimiter="\t"))[1:])

OPERATORS = "add and eq floordiv ge gt le lshift lt matmul mod mul ne or pow rshift sub truediv xor"
METHODS = {
    **{f"__{n}__": "(self, other, /)" for n in OPERATORS.split()},
    **{f"__{n}__": "(self, /)" for n in "abs bool complex float index int invert neg pos".split()},
    "__array_namespace__": "(self, /, *, api_version=None)",
    "__dlpack__": "(self, /, *, stream=None, max_version=None, dl_device=None, copy=None)",
    "__dlpack_device__": "(self, /)",
    "__getitem__": "(self, key, /)",
    "__setitem__": "(self, key, value, /)",
    "to_device": "(self, device, /, *, stream=None)",
}
INFO = {
    "capabilities": "(self)",
    "default_device": "(self)",
    "default_dtypes": "(self, *, device=None)",
    "devices": "(self)",
    "dtypes": "(self, *, device=None, kind=None)",
}
ATTRIBUTES = {"dtype": np.dtype, "ndim": int, "shape": tuple, "size": int}
CONSTANTS = {"e": np.e, "pi": np.pi, "inf": np.inf, "nan": np.nan, "newaxis": None}
DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128"
)
NONE_IS_DEFAULT = {"keepdims": False, "correction": 0.0, "norm": "backward", "step": 1}
NO_MATTER = {("astype", "copy"): "arrays cannot be changed, so that nothing tells a copy"}


def find(name):
    found = fnp
    for part in name.split("."):
        found = getattr(found, part)
    return found


def standards(text):
    scope = {}
    exec(f"def wanted{text.replace('<Undef.UNDEF: 0>', 'None')}: pass", scope)
    return list(inspect.signature(scope["wanted"]).parameters.values())


def check(function, text, drop_self=False):
    wanted = standards(text)[1 if drop_self else 0 :]
    mine = inspect.signature(function).parameters
    places = [p for p in mine.values() if p.kind is not p.KEYWORD_ONLY]
    open_ended = any(p.kind is p.VAR_POSITIONAL for p in places)
    for place, p in enumerate(wanted):
        if p.kind is p.VAR_POSITIONAL:
            assert places[place].kind is p.VAR_POSITIONAL
        elif p.kind is not p.KEYWORD_ONLY:
            assert open_ended or place < len(places)
        if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD):
            assert mine[p.name].kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
        if p.kind is p.POSITIONAL_OR_KEYWORD:
            assert places[place].name == p.name
            assert mine[p.name].kind is p.POSITIONAL_OR_KEYWORD


@pytest.mark.parametrize("name", STANDARD)
def test_functions(name):
    check(find(name), STANDARD[name])


@pytest.mark.parametrize("name", STANDARD)
def test_defaults(name):
    mine = inspect.signature(find(name)).parameters
    places = list(mine.values())
    for place, p in enumerate(standards(STANDARD[name])):
        if p.default is not p.empty and (name, p.name) not in NO_MATTER:
            own = mine[p.name] if p.name in mine else places[place]
            default = NONE_IS_DEFAULT.get(p.name) if own.default is None else own.default
            assert default == p.default, p.name


@pytest.mark.parametrize("name", METHODS)
def test_methods(name):
    method = getattr(fnp.ones((1, 1)), name)
    check(method, METHODS[name], drop_self=True)


def test_traced_arrays_have_the_methods_that_need_no_value():
    found = []
    ftx.eval_shape(lambda x: found.extend(n for n in METHODS if hasattr(x, n)) or x, fnp.ones(1))
    assert set(METHODS) - set(found) <= {"__dlpack__", "__dlpack_device__"}


def test_attributes():
    x = fnp.ones((2, 3))
    assert all(isinstance(getattr(x, n), kind) for n, kind in ATTRIBUTES.items())
    assert (x.shape, x.ndim, x.size, x.T.shape, x.mT.shape) == ((2, 3), 2, 6, (3, 2), (3, 2))
    assert x.device in fnp.__array_namespace_info__().devices()
    assert fnp.ones((4, 2, 3)).mT.shape == (4, 3, 2)
    with pytest.raises(ValueError, match="two axes"):
        _ = fnp.ones(3).mT


@pytest.mark.parametrize("name", INFO)
def test_what_the_namespace_tells(name):
    check(getattr(fnp.__array_namespace_info__(), name), INFO[name], drop_self=True)


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants(name):
    found, wanted = getattr(fnp, name), CONSTANTS[name]
    assert found is wanted or isinstance(found, float)
    assert (
        wanted is None
        or np.array_equal(np.asarray(fnp.asarray(found)), wanted, True)
        or (abs(float(fnp.asarray(found)) - wanted) < 1e-7)
    )


def test_dtypes_and_version():
    assert all(fnp.zeros(1, dtype=getattr(fnp, n)).dtype == getattr(fnp, n) for n in DTYPES.split())
    assert fnp.__array_api_version__ == "2024.12"
    assert len({getattr(fnp, n) for n in DTYPES.split()}) == len(DTYPES.split())

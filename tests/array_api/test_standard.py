"""ftx.numpy conforms to the Python array API standard: names, parameters, dtypes, values.

Names and parameters are compared with standard.tsv (version 2024.12, and what 2025.12 added to
it); dtypes and values on drawn arrays, with array_api_strict where it is installed, else NumPy.
"""

import csv
import operator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import ftx.numpy as fnp
from tests.array_api.reference import standard
from tests.array_api.strategies import (
    ALL,
    BINARY,
    CALLS,
    FLOATING,
    INTEGER,
    NUMERIC,
    REAL,
    SIGNED,
    UNARY,
    arrays,
    elements,
    pairs,
)

with open(Path(__file__).parent / "standard.tsv", encoding="utf-8") as file:
    STANDARD = dict(list(csv.reader(file, delimiter="\t"))[1:])

NOT_COMPARED = {
    "empty": "the values are whatever was in memory",
    "empty_like": "the values are whatever was in memory",
    "from_dlpack": "compared with NumPy's arrays below",
}
drawn = settings(max_examples=15, deadline=None)


def as_numpy(result):
    """A result as NumPy arrays and Python values."""
    if isinstance(result, (tuple, list)):
        return [as_numpy(r) for r in result]
    return np.asarray(result) if hasattr(result, "dtype") else result


def compare(mine, wanted):
    if isinstance(wanted, list):
        assert len(mine) == len(wanted)
        for x, y in zip(mine, wanted, strict=True):
            compare(x, y)
    elif not isinstance(wanted, np.ndarray):
        assert mine == wanted
    else:
        assert mine.dtype == wanted.dtype and mine.shape == wanted.shape
        single = wanted.dtype in (np.float32, np.complex64)
        tolerance = 1e-4 if single else 1e-10
        np.testing.assert_allclose(mine, wanted, rtol=tolerance, atol=tolerance)


def check(call, *args):
    """`call` gives the same of ftx's arrays as of the reference's."""
    with np.errstate(all="ignore"):
        wanted = as_numpy(call(standard, *[standard.asarray(a, copy=True) for a in args]))
    compare(as_numpy(call(fnp, *[fnp.asarray(a) for a in args])), wanted)


@pytest.mark.parametrize("name", UNARY)
@drawn
@given(data=st.data())
def test_functions_of_one_array(name, data):
    x = data.draw(arrays(UNARY[name], finite=False))
    check(lambda xp, v: getattr(xp, name)(v), x)


LIMITS = {
    "pow": {"low": 0, "high": 3},
    "floor_divide": {"low": 1},
    "remainder": {"low": 1},
    "bitwise_left_shift": {"low": 0, "high": 7},
    "bitwise_right_shift": {"low": 0, "high": 7},
}


@pytest.mark.parametrize("name", BINARY)
@drawn
@given(data=st.data())
def test_functions_of_two_arrays(name, data):
    limits = LIMITS.get(name, {"finite": False})
    x, y = data.draw(pairs(BINARY[name], **limits))
    check(lambda xp, v, w: getattr(xp, name)(v, w), x, y)


@pytest.mark.parametrize("name", CALLS)
@drawn
@given(data=st.data())
def test_other_functions(name, data):
    strategy, calls = CALLS[name]
    args = data.draw(strategy)
    for call in calls:
        check(call, *args)


OPERATORS = {
    **dict.fromkeys(("add", "sub", "mul"), NUMERIC),
    "truediv": FLOATING,
    "floordiv": REAL,
    "mod": REAL,
    "pow": REAL,
    **dict.fromkeys(("and_", "or_", "xor", "lshift", "rshift"), INTEGER),
    **dict.fromkeys(("lt", "le", "gt", "ge"), REAL),
    **dict.fromkeys(("eq", "ne"), NUMERIC),
}
IN_PLACE = {name: kinds for name, kinds in OPERATORS.items() if hasattr(operator, f"i{name}")}


@pytest.mark.parametrize("name", OPERATORS)
@drawn
@given(data=st.data())
def test_operators_between_arrays_and_with_numbers(name, data):
    x = data.draw(arrays(OPERATORS[name], low=1, high=4))
    apply = getattr(operator, name)
    check(lambda xp, v: apply(v, v), x)
    check(lambda xp, v: apply(v, 2), x)
    check(lambda xp, v: apply(3, v), x)
    if x.dtype.kind == "f":
        check(lambda xp, v: apply(v, 2.5), x)


@pytest.mark.parametrize("name", ["iadd", "isub", "imul", "ifloordiv", "ipow", "iand", "ior"])
@drawn
@given(data=st.data())
def test_operators_that_rebind(name, data):
    x = data.draw(arrays(SIGNED, low=1, high=3))
    check(lambda xp, v: getattr(operator, name)(v, 2), x)


@drawn
@given(arrays(NUMERIC), arrays(["bool"]))
def test_unary_operators(x, b):
    if x.dtype.kind != "u":
        check(lambda xp, v: -v, x)
    check(lambda xp, v: +v, x)
    check(lambda xp, v: abs(v), x)
    check(lambda xp, v: ~v, b)


MIXED = [SIGNED, INTEGER[4:], FLOATING, SIGNED + INTEGER[4:7]]


@drawn
@given(data=st.data())
def test_operands_of_two_dtypes(data):
    kinds = data.draw(st.sampled_from(MIXED))
    shape = data.draw(hnp.array_shapes(max_dims=2, max_side=3))
    x, y = (
        data.draw(hnp.arrays(d, shape, elements=elements(d, low=0)))
        for d in (data.draw(st.sampled_from(kinds)), data.draw(st.sampled_from(kinds)))
    )
    check(lambda xp, v, w: v + w, x, y)
    check(lambda xp, v, w: xp.concat([v, w]), x, y)
    check(lambda xp, v, w: xp.where(v == v, v, w), x, y)


INDICES = [
    0, -1, slice(None), slice(1, None, 2), slice(None, None, -1), None, (Ellipsis,),
    (0, 1), (slice(1), None, 2), (Ellipsis, 0), (slice(None), slice(2, 0, -1)),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
@drawn
@given(x=hnp.arrays(np.int32, (3, 4)))
def test_indexing(index, x):
    check(lambda xp, v: v[index] if isinstance(index, tuple) else v[index, ...], x)


@drawn
@given(x=arrays(ALL, hnp.array_shapes(max_dims=2)))
def test_masks_as_indices(x):
    check(lambda xp, v: v[v == v], x)


@drawn
@given(x=arrays(REAL))
def test_attributes(x):
    names = ("shape", "ndim", "size")
    check(lambda xp, v: [getattr(v, name) for name in names], x)
    check(lambda xp, v: v.T if v.ndim == 2 else v, x)
    check(lambda xp, v: v.mT if v.ndim >= 2 else v, x)


def test_scalars_become_pythons():
    assert bool(fnp.asarray(True)) is True and int(fnp.asarray(3)) == 3
    assert float(fnp.asarray(1.5)) == 1.5 and complex(fnp.asarray(1j)) == 1j
    assert [1, 2, 3][fnp.asarray(1)] == 2


def test_isin_inverted():
    """array_api_strict 2.6 ignores `invert`."""
    x, y = fnp.asarray([0, 1, 2]), fnp.asarray([1])
    assert fnp.isin(x, y, invert=True).tolist() == [True, False, True]


def test_every_function_is_called():
    called = {*UNARY, *BINARY, *CALLS, *NOT_COMPARED}
    assert not set(STANDARD) - called and not called - set(STANDARD)


def test_new_arrays_without_values():
    x = fnp.empty((2, 3), dtype=fnp.int8)
    assert x.shape == (2, 3) and x.dtype == fnp.int8 and fnp.empty_like(x).dtype == fnp.int8


def test_arrays_of_other_libraries_come_in_without_a_copy():
    other = np.arange(3.0)
    mine = fnp.from_dlpack(other)
    assert np.shares_memory(np.asarray(mine), other)
    assert np.shares_memory(np.from_dlpack(mine), other)

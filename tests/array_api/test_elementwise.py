"""Elementwise functions over the whole range of each dtype, at once and compiled.

Integers are compared with Python's, which do not overflow, brought into the dtype's range; what
IEEE 754 defines to the last bit is compared so, in the order of operations that NumPy has too.
"""

import functools
import math
import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import ftx
import ftx.numpy as fnp
from tests.array_api.strategies import INTEGER, REAL_FLOATING, SIGNED

SIZE = 8
drawn = settings(max_examples=15, deadline=None)


def wrapped(n, dtype):
    """The integer n modulo the range of dtype."""
    bits = np.dtype(dtype).itemsize * 8
    n &= 2**bits - 1
    return n - 2**bits if dtype in SIGNED and n >> (bits - 1) else n


def floor_divide(x, y):
    return x // y if y else None


def remainder(x, y):
    return x % y if y else None


ONE_INTEGER = {
    "abs": abs, "negative": operator.neg, "positive": operator.pos, "square": lambda x: x * x,
    "bitwise_invert": operator.invert, "sign": lambda x: (x > 0) - (x < 0),
    **dict.fromkeys(("ceil", "floor", "trunc", "round", "real", "conj"), lambda x: x),
    **dict.fromkeys(("isinf", "isnan"), lambda x: False), "isfinite": lambda x: True,
}  # fmt: skip
TWO_INTEGERS = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
    "floor_divide": floor_divide, "remainder": remainder,
    "bitwise_and": operator.and_, "bitwise_or": operator.or_, "bitwise_xor": operator.xor,
    "maximum": max, "minimum": min, "equal": operator.eq, "not_equal": operator.ne,
    "less": operator.lt, "less_equal": operator.le,
    "greater": operator.gt, "greater_equal": operator.ge,
}  # fmt: skip
SHIFTS = {
    "bitwise_left_shift": lambda x, n: x << n if n < 64 else 0,
    "bitwise_right_shift": lambda x, n: x >> min(n, 64),
}
ONE_FLOAT = (
    "abs negative positive square sign ceil floor trunc round isfinite isinf isnan signbit sqrt "
    "reciprocal"
)
TWO_FLOATS = (
    "add subtract multiply divide maximum minimum copysign nextafter floor_divide remainder "
    "equal not_equal less less_equal greater greater_equal"
)


@functools.cache
def compiled(names):
    """All functions of these names as one program, compiled once for each dtype."""
    return ftx.jit(lambda *xs: {n: getattr(fnp, n)(*xs) for n in names})


def results(names, *xs):
    xs = [fnp.asarray(x) for x in xs]
    at_once = {n: getattr(fnp, n)(*xs) for n in names}
    for found in (at_once, compiled(tuple(names))(*xs)):
        yield from ((n, np.asarray(x).tolist()) for n, x in found.items())


def integers(dtype):
    """Across the range, the ends and small numbers often."""
    info = np.iinfo(dtype)
    ends = [info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, 3]
    return st.sampled_from(list(map(int, ends))) | st.integers(int(info.min), int(info.max))


def line(dtype, numbers):
    return hnp.arrays(dtype, SIZE, elements=numbers)


@pytest.mark.parametrize("dtype", INTEGER)
@drawn
@given(data=st.data())
def test_one_integer(dtype, data):
    x = data.draw(line(dtype, integers(dtype)))
    for name, found in results(ONE_INTEGER, x):
        assert found == [wrapped(ONE_INTEGER[name](v), dtype) for v in x.tolist()], name


@pytest.mark.parametrize("dtype", INTEGER)
@drawn
@given(data=st.data())
def test_two_integers(dtype, data):
    x, y = (data.draw(line(dtype, integers(dtype))) for _ in range(2))
    for name, found in results(TWO_INTEGERS, x, y):
        wanted = [TWO_INTEGERS[name](a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        assert all(
            w is None or f == wrapped(w, dtype) for f, w in zip(found, wanted, strict=True)
        ), name


@pytest.mark.parametrize("dtype", INTEGER)
@drawn
@given(data=st.data())
def test_shifts_beyond_the_width_too(dtype, data):
    x = data.draw(line(dtype, integers(dtype)))
    n = data.draw(line(dtype, st.integers(0, np.dtype(dtype).itemsize * 8 + 3)))
    for name, found in results(SHIFTS, x, n):
        wanted = [SHIFTS[name](a, b) for a, b in zip(x.tolist(), n.tolist(), strict=True)]
        assert found == [wrapped(w, dtype) for w in wanted], name


@pytest.mark.parametrize("dtype", INTEGER)
@drawn
@given(data=st.data())
def test_an_integer_array_and_a_number(dtype, data):
    x, number = data.draw(line(dtype, integers(dtype))), data.draw(integers(dtype))
    for name, f in {**TWO_INTEGERS, **{n: SHIFTS[n] for n in SHIFTS if 0 <= number < 70}}.items():
        after = getattr(fnp, name)(fnp.asarray(x), number)
        assert after.dtype in (dtype, "bool")
        wanted = [f(v, number) for v in x.tolist()]
        assert all(
            w is None or g == wrapped(w, dtype)
            for g, w in zip(np.asarray(after).tolist(), wanted, strict=True)
        ), name
        if name in TWO_INTEGERS:
            before = np.asarray(getattr(fnp, name)(number, fnp.asarray(x))).tolist()
            wanted = [f(number, v) for v in x.tolist()]
            assert all(
                w is None or g == wrapped(w, dtype) for g, w in zip(before, wanted, strict=True)
            ), name


def alike(name, found, wanted):
    """Equal, zeros by sign too, but of extrema, where the standard leaves it open."""
    signed = name not in ("maximum", "minimum")
    sign = lambda x: math.copysign(1, x) if signed else 0
    return all(
        (f == w and sign(f) == sign(w)) or (f != f and w != w)
        for f, w in zip(found, wanted.tolist(), strict=True)
    )


@pytest.mark.parametrize("dtype", REAL_FLOATING)
@drawn
@given(data=st.data())
def test_floats_to_the_last_bit(dtype, data):
    numbers = st.floats(width=32 if dtype == "float32" else 64, allow_subnormal=False)
    x, y = (data.draw(line(dtype, numbers)) for _ in range(2))
    with np.errstate(all="ignore"):
        for name, found in results(ONE_FLOAT.split(), x):
            assert alike(name, found, getattr(np, name)(x)), name
        for name, found in results(TWO_FLOATS.split(), x, y):
            assert alike(name, found, getattr(np, name)(x, y)), name

"""The special cases of the standard: at once and compiled, on arrays, scalars and numbers.

All functions of one number of operands are compiled as one program, so that a run pays for a few
programs only; the tests then look up the rows of their function.
"""

import functools
import itertools
import operator

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from tests.array_api.special_cases import (
    BINARY,
    COMPLEX,
    COMPLEX_PARTS,
    CONJUGATE,
    FLOOR_DIVIDE_LIKE_PYTHON,
    REAL_VALUES,
    TURNED,
    UNARY,
    agrees,
    agrees_complex,
    holds,
    rows,
    same,
)

OPERATORS = {
    "abs": operator.abs, "negative": operator.neg, "positive": operator.pos,
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
    "divide": operator.truediv, "floor_divide": operator.floordiv, "remainder": operator.mod,
    "pow": operator.pow, "equal": operator.eq, "not_equal": operator.ne,
}  # fmt: skip
REAL, COMPLEXES = ("float32", "float64"), ("complex64", "complex128")
HOW = ("at once", "compiled", "scalars", "compiled scalars")


def functions(names):
    """The functions of these names, and the operators that do the same, under (name, kind)."""
    found = {(n, "function"): getattr(fnp, n) for n in names}
    return found | {(n, "operator"): OPERATORS[n] for n in names if n in OPERATORS}


def grid(parts, dtype):
    """All pairs of `parts` as two arrays of dtype."""
    pairs = np.array(list(itertools.product(parts, parts)), dtype)
    return pairs[:, 0], pairs[:, 1]


def complex_grid(dtype):
    """All complex numbers of special parts; set by parts, as a + bj would make NaN of them."""
    found = np.empty(len(COMPLEX_PARTS) ** 2, dtype)
    found.real, found.imag = grid(COMPLEX_PARTS, found.real.dtype)
    return found


@functools.cache
def operands(kind, dtype):
    if kind == "binary":
        return grid(REAL_VALUES, dtype)
    return (complex_grid(dtype),) if kind == "complex" else (np.array(REAL_VALUES, dtype),)


TABLES = {"unary": UNARY, "binary": BINARY, "complex": COMPLEX}
EXTRA = {"complex": {*TURNED, *CONJUGATE.split()}}


@functools.cache
def results(kind, dtype, how):
    """{(name, kind): result at every operand of the kind}."""
    fs = functions(dict.fromkeys([*TABLES[kind], *sorted(EXTRA.get(kind, ()))]))
    values = operands(kind, dtype)
    run = lambda *xs: {key: f(*xs) for key, f in fs.items()}
    if "compiled" in how:
        run = ftx.jit(run)
    if "scalars" not in how:
        return {k: np.asarray(v) for k, v in run(*map(fnp.asarray, values)).items()}
    found = [run(*map(fnp.asarray, xs)) for xs in zip(*values, strict=True)]
    return {key: np.array([np.asarray(f[key]) for f in found]) for key in fs}


def wrong(cases, found, values, fits=agrees):
    """The operands at which a row of the cases does not hold."""
    bad = []
    for words, result in rows(cases):
        for x, at in zip(found, zip(*values, strict=True), strict=True):
            at = tuple(map(float, at))
            if holds(at, words) and not fits(x, result, at):
                bad.append(f"{at} -> {x}, not {result}, the row {','.join(words)}")
    return bad


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", UNARY)
def test_one_operand(name, how, dtype):
    for (n, _), found in results("unary", dtype, how).items():
        assert n != name or not wrong(UNARY[n], found.tolist(), operands("unary", dtype))


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", BINARY)
def test_two_operands(name, how, dtype):
    for (n, _), found in results("binary", dtype, how).items():
        assert n != name or not wrong(BINARY[n], found.tolist(), operands("binary", dtype))


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("name", BINARY)
def test_an_array_and_a_number(name, dtype):
    x = np.array(REAL_VALUES, dtype)
    for f in (f for (n, _), f in functions([name]).items()):
        for number in x.tolist():
            beside = np.full(x.shape, number, dtype)
            after, before = f(fnp.asarray(x), number), f(number, fnp.asarray(x))
            assert not wrong(BINARY[name], after.tolist(), (x, beside))
            assert not wrong(BINARY[name], before.tolist(), (beside, x))


@pytest.mark.parametrize("dtype", COMPLEXES)
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", COMPLEX)
def test_complex_operands(name, how, dtype):
    (z,) = operands("complex", dtype)
    for (n, _), found in results("complex", dtype, how).items():
        if n == name:
            numbers = map(complex, found.tolist())
            assert not wrong(COMPLEX[n], list(numbers), (z.real, z.imag), agrees_complex)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("how", HOW)
def test_floor_division_by_or_of_infinity_is_pythons(how, dtype):
    found = results("binary", dtype, how)[("floor_divide", "function")]
    assert not wrong(FLOOR_DIVIDE_LIKE_PYTHON, found.tolist(), operands("binary", dtype))


def alike(found, wanted):
    """Whether the complex numbers are equal by parts, but for the sign of a part beside NaN."""
    parts = [(found.real, wanted.real), (found.imag, wanted.imag)]
    if any(np.isnan(w) for _, w in parts):
        parts = [(abs(f), abs(w)) for f, w in parts]
    return all(same(f, w) or np.isclose(f, w, rtol=1e-5, atol=0) for f, w in parts)


def by_parts(real, imag):
    found = np.empty_like(real, np.result_type(real.dtype, np.complex64))
    found.real, found.imag = real, imag
    return found


def complex_results(name, dtype, how):
    return results("complex", dtype, how)[(name, "function")]


@pytest.mark.parametrize("dtype", COMPLEXES)
@pytest.mark.parametrize("how", HOW[:2])
@pytest.mark.parametrize("name", CONJUGATE.split())
def test_functions_of_conjugates(name, how, dtype):
    (z,) = operands("complex", dtype)
    run = ftx.jit(getattr(fnp, name)) if how == "compiled" else getattr(fnp, name)
    found = np.asarray(run(fnp.asarray(z.conj())))
    wanted = complex_results(name, dtype, how).conj()
    assert all(map(alike, found, wanted))


@pytest.mark.parametrize("dtype", COMPLEXES)
@pytest.mark.parametrize("how", HOW[:2])
@pytest.mark.parametrize("name", TURNED)
def test_functions_by_their_hyperbolic_kin(name, how, dtype):
    (z,) = operands("complex", dtype)
    kin = getattr(fnp, TURNED[name])
    turned = fnp.asarray(by_parts(-z.imag, z.real))
    w = np.asarray((ftx.jit(kin) if how == "compiled" else kin)(turned))
    wanted = w if name == "cos" else by_parts(w.imag, -w.real)
    assert all(map(alike, complex_results(name, dtype, how), wanted))


@pytest.mark.parametrize("dtype", COMPLEXES)
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(("name", "base"), [("log2", 2), ("log10", 10)])
def test_logarithms_to_other_bases(name, base, how, dtype):
    natural, scale = complex_results("log", dtype, how), np.log(base)
    wanted = by_parts(natural.real / scale, natural.imag / scale)
    assert all(map(alike, complex_results(name, dtype, how), wanted))


EMPTY = {"sum": 0.0, "prod": 1.0, "mean": np.nan, "std": np.nan, "var": np.nan}


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("name", EMPTY)
def test_reductions_of_nothing(name, dtype):
    f, x = getattr(fnp, name), fnp.zeros((0,), dtype)
    assert all(same(float(run(x)), EMPTY[name]) for run in (f, ftx.jit(f)))


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "std", "var", "max", "min"])
def test_reductions_spread_nan(name, dtype):
    f = getattr(fnp, name)
    compiled = ftx.jit(f)
    for place in np.ndindex(2, 3):
        x = np.ones((2, 3), dtype)
        x[place] = np.nan
        x[0, 0] = np.nan if place == (0, 0) else np.inf
        assert np.isnan(f(fnp.asarray(x))) and np.isnan(compiled(x))


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("name", ["maximum", "minimum", "clip"])
def test_bounds_spread_nan(name, dtype):
    x, nan = fnp.asarray([1.0, np.nan, np.inf], dtype), fnp.asarray(np.nan, dtype)
    one = fnp.asarray(1.0, dtype)
    if name == "clip":
        calls = [(x, nan, None), (x, None, nan), (x, nan, one), (x, one, nan), (x, float("nan"))]
    else:
        calls = [(x, nan), (nan, x), (x, float("nan"))]
    for args in calls:
        assert np.isnan(getattr(fnp, name)(*args)).all()
    assert np.isnan(getattr(fnp, name)(x, one)).tolist() == [False, True, False]

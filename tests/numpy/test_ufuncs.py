"""ufuncs: add, maximum and their kin, and those of frompyfunc, against NumPy's."""

import pickle

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp

RNG = np.random.default_rng(0)
REALS = RNG.normal(size=(4, 5)).astype(np.float32)
OPERANDS = {
    **dict.fromkeys(("add", "multiply", "subtract", "maximum", "minimum"), REALS),
    **dict.fromkeys(("logaddexp", "logaddexp2"), REALS),
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor"), REALS > 0),
    **dict.fromkeys(
        ("bitwise_and", "bitwise_or", "bitwise_xor"), RNG.integers(1, 9, (4, 5)).astype(np.int32)
    ),
}
NAMES = list(OPERANDS)
PLACES = np.array([0, 2, 1, 3])
MASK = np.array([True, False, True, False, True])


def same(mine, wanted):
    np.testing.assert_allclose(mine, wanted, rtol=2e-5, atol=1e-6)


@pytest.fixture(params=NAMES)
def case(request):
    name = request.param
    return getattr(fnp, name), getattr(np, name), OPERANDS[name]


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_along_an_axis(case, axis):
    mine, theirs, x = case
    same(mine.reduce(x, axis), theirs.reduce(x, axis))
    same(mine.accumulate(x, axis), theirs.accumulate(x, axis))
    same(mine.reduceat(x, PLACES, axis), theirs.reduceat(x, PLACES, axis))
    same(ftx.jit(lambda v: mine.reduceat(v, PLACES, axis))(x), theirs.reduceat(x, PLACES, axis))


def test_over_all_elements_and_some(case):
    mine, theirs, x = case
    if mine is fnp.subtract:
        return
    same(mine.reduce(x, None), theirs.reduce(x, None))
    kept = mine.reduce(x, (0, 1), keepdims=True)
    assert kept.shape == (1, 1)
    same(kept, theirs.reduce(x, (0, 1), keepdims=True))
    same(mine.reduce(x, 1, where=MASK, initial=1), theirs.reduce(x, 1, where=MASK, initial=1))


def test_tables_and_updates(case):
    mine, theirs, x = case
    same(mine.outer(x[0], x), theirs.outer(x[0], x))
    wanted = x.copy()
    theirs.at(wanted, (np.array([0, 0, 1]),), x[:1])
    same(mine.at(x, (np.array([0, 0, 1]),), x[:1], inplace=False), wanted)
    with pytest.raises(ftx.errors.UnsupportedError, match="inplace=False"):
        mine.at(x, 0, x[0])


def test_functions_that_transforms_take(case):
    mine, theirs, x = case
    same(ftx.jit(mine)(x, x), theirs(x, x))
    same(ftx.vmap(mine)(x, x), theirs(x, x))
    same(ftx.jit(mine.reduce)(x), theirs.reduce(x))
    assert pickle.loads(pickle.dumps(mine)) is mine


def test_keywords_that_need_memory_are_refused():
    with pytest.raises(ftx.errors.UnsupportedError, match="out=None"):
        fnp.add(1, 2, out=REALS)
    with pytest.raises(ftx.errors.UnsupportedError, match="where=None"):
        fnp.add(1, 2, where=True)
    with pytest.raises(ftx.errors.ArgumentError, match="expected 2 operands, got 3"):
        fnp.add(1, 2, 3)
    with pytest.raises(ftx.errors.ArgumentError, match="no identity"):
        fnp.subtract.reduce(REALS, 1, where=MASK)


def test_of_a_function_of_numbers():
    mine = fnp.frompyfunc(lambda x, y: 10 * x + y, 2, 1, identity=0)
    assert (mine.nin, mine.nout, mine.nargs, mine.identity) == (2, 1, 3, 0)
    assert mine(np.array([1, 2]), 3).tolist() == [13, 23]
    assert mine.reduce(np.array([1, 2, 3])).tolist() == 123
    assert mine.accumulate(np.array([1, 2, 3])).tolist() == [1, 12, 123]
    assert mine.reduce(np.array([], int)).tolist() == 0
    assert fnp.frompyfunc(lambda x: x + 1, 1, 1)(np.array([1, 2])).tolist() == [2, 3]
    with pytest.raises(ftx.errors.ArgumentError, match="nin \\+ nout"):
        fnp.ufunc(lambda x: x, 1, 1, nargs=3)


def test_gradients_pass_through_folds():
    mine = fnp.frompyfunc(lambda x, y: x * y + x, 2, 1)
    x = np.array([1.5, 0.5, 2.0])
    slope = ftx.grad(lambda v: mine.reduce(v))(x)
    ahead = [(float(mine.reduce(x + 1e-6 * e)) - float(mine.reduce(x))) / 1e-6 for e in np.eye(3)]
    np.testing.assert_allclose(slope, ahead, rtol=1e-4)

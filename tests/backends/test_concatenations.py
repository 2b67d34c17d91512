"""Concatenations of many operands: copied, or cut into loops without choices; as NumPy's."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.backends.lowering import LONG, MANY

R = np.random.RandomState(0)


def drawn(sizes, axis, shape):
    return [R.randn(*shape[:axis], n, *shape[axis + 1 :]).astype(np.float32) for n in sizes]


CASES = {
    "whole operands": drawn([300] * 20, 0, (0,)),
    "whole operands, some empty": drawn([0, 300, 0, *range(290, 310), 0], 0, (0,)),
    "whole rows": drawn([3] * 20, 0, (0, 100)),
    "columns": drawn([20] * 10, 1, (30, 0)),
    "columns of other lengths": drawn(range(1, 21), 1, (7, 0)),
    "long columns": drawn([70] * 30, 1, (5, 0)),
    "inner columns": drawn([2] * 12, 1, (4, 0, 50)),
    "many short": drawn([1] * 40, 0, (0,)),
}


@pytest.mark.parametrize("case", CASES)
def test_concatenations(case):
    xs = CASES[case]
    axis = next((a for a in range(xs[0].ndim) if len({x.shape[a] for x in xs}) > 1), None)
    axis = axis if axis is not None else int("column" in case)
    wanted = np.concatenate(xs, axis)
    join = lambda xs: fnp.concatenate(xs, axis)
    np.testing.assert_array_equal(ftx.jit(join)(xs), wanted)
    fused = ftx.jit(lambda xs: 2 * join([x + 1 for x in xs]) - 1)
    np.testing.assert_allclose(fused(xs), 2 * (wanted + 1) - 1, rtol=1e-6)
    weights = R.randn(*wanted.shape).astype(np.float32)
    gradient = ftx.jit(ftx.grad(lambda xs: fnp.sum(join(xs) * weights)))(xs)
    np.testing.assert_array_equal(np.concatenate(gradient, axis), weights)


def test_every_operand_has_a_loop_of_its_own():
    for xs in (CASES["columns"], CASES["long columns"]):
        (text,) = ftx.jit(lambda xs: fnp.concatenate(xs, 1)).kernels(xs)
        assert "select" not in text and text.count("for j") == len(xs)


def test_many_operands_are_copied_without_a_kernel():
    xs = CASES["whole operands"]
    assert len(xs) >= MANY and sum(x.size for x in xs) >= LONG
    text = ftx.jit(fnp.concatenate).kernels(xs)
    assert text == ["# library step: concatenate"]


def test_inside_loops_branches_and_donated_memory():
    xs = CASES["whole operands"]
    whole = np.concatenate(xs)

    def turned(v):
        parts = fnp.split(v, 20)
        return fnp.concatenate([parts[-1], *parts[:-1]])

    looped = ftx.jit(lambda v: ftx.lax.fori_loop(0, 3, lambda _, v: turned(v), v))
    np.testing.assert_array_equal(looped(whole), np.roll(whole, 900))
    chosen = ftx.jit(lambda p, v: ftx.lax.cond(p, turned, lambda v: v, v))
    np.testing.assert_array_equal(chosen(True, whole), np.roll(whole, 300))
    np.testing.assert_array_equal(chosen(False, whole), whole)
    donated = ftx.jit(turned, donate_argnums=0)
    np.testing.assert_array_equal(donated(fnp.array(whole)), np.roll(whole, 300))
    rows = R.randn(3, whole.size).astype(np.float32)
    np.testing.assert_array_equal(ftx.jit(ftx.vmap(turned))(rows), np.roll(rows, 300, 1))


@pytest.mark.parametrize("parts", [5, 40])
def test_gradient_of_split(parts):
    x = R.randn(parts * 120).astype(np.float32)
    total = lambda x: sum(i * fnp.sum(v**2) for i, v in enumerate(fnp.split(x, parts)))
    wanted = np.repeat(np.arange(parts), 120) * 2 * x
    np.testing.assert_allclose(ftx.jit(ftx.grad(total))(x), wanted, rtol=1e-5)

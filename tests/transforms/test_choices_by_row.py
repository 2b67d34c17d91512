"""vmap of a choice runs, for each row, the branch that the row takes."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import lax

X = np.array([1.0, -1.0, 0.0, 2.0])
BOTH = pytest.mark.parametrize("stage", [lambda f: f, ftx.jit], ids=["eager", "jit"])


def close(got, wanted):
    np.testing.assert_allclose(np.asarray(got), np.asarray(wanted), rtol=1e-12, atol=1e-12)


def log_or_line(x):
    return lax.cond(x > 0, fnp.log, lambda x: 3.0 * x - 1.0, x)


@BOTH
def test_a_nan_of_the_branch_not_taken_reaches_neither_result_nor_gradient(stage):
    def root_or_zero(x):  # the derivative of sqrt is infinite at 0
        return lax.cond(x > 0, fnp.sqrt, lambda x: 0.0 * x, x)

    close(stage(ftx.vmap(log_or_line))(X), [0.0, -4.0, -1.0, np.log(2.0)])
    total = lambda x: ftx.vmap(root_or_zero)(x).sum()
    slopes = [0.5, 0.0, 0.0, 0.5 / np.sqrt(2.0)]
    close(stage(ftx.grad(total))(X), slopes)
    close(stage(ftx.vmap(ftx.grad(root_or_zero)))(X), slopes)
    second = [-1.0, 0.0, 0.0, -0.25]
    close(stage(ftx.vmap(ftx.grad(ftx.grad(log_or_line))))(X), second)
    close(stage(ftx.jacfwd(ftx.grad(lambda x: ftx.vmap(log_or_line)(x).sum())))(X), np.diag(second))


@BOTH
def test_an_index_of_the_branch_not_taken_is_not_looked_at(stage):
    table = fnp.asarray(np.arange(3.0))
    look = lambda i: lax.cond(i < 3, lambda i: table[i], lambda i: -1.0, i)
    at = np.array([0, 7, 2])
    close(stage(ftx.vmap(look))(at), [0.0, -1.0, 2.0])
    with pytest.raises(IndexError):
        stage(ftx.vmap(lambda i: table[i]))(at)


@BOTH
def test_a_loop_of_the_branch_not_taken_does_not_run(stage):
    def double_up(x):  # never ends for x <= 0
        return lax.cond(
            x > 0, lambda x: lax.while_loop(lambda v: v < 10.0, lambda v: v * 2.0, x), fnp.abs, x
        )

    close(stage(ftx.vmap(double_up))(X), [16.0, 1.0, 0.0, 16.0])


@BOTH
def test_operands_that_do_not_vary_receive_the_sum_of_all_rows(stage):
    def loss(w, x):
        row = lambda x: lax.cond(x > 0, lambda x: w * x, lambda x: x / w, x)
        return ftx.vmap(row)(x).sum()

    w = np.array(2.0)
    close(stage(ftx.grad(loss))(w, X), 3.0 + 1.0 / 4)
    close(stage(ftx.grad(ftx.grad(loss)))(w, X), -2.0 / 8)
    close(stage(ftx.grad(loss, argnums=1))(w, X), [2.0, 0.5, 0.5, 2.0])


@BOTH
def test_choices_nested_in_choices_loops_and_batches(stage):
    def row(x):
        inner = lambda x: lax.switch(fnp.asarray(x, int) % 3, [fnp.sin, fnp.cos, fnp.tan], x)
        return lax.cond(x > 0, inner, lambda x: -x, x)

    def steps(x):
        return lax.scan(lambda c, _: (row(c) + 1.0, c), x, None, length=4)[0]

    grid = np.linspace(-2, 4, 12).reshape(3, 4)
    close(stage(ftx.vmap(ftx.vmap(row)))(grid), [[float(row(x)) for x in r] for r in grid])
    close(stage(ftx.vmap(steps))(grid[0]), [float(steps(x)) for x in grid[0]])
    slopes = stage(ftx.vmap(ftx.vmap(ftx.grad(steps))))(grid)
    close(slopes, [[float(ftx.grad(steps)(x)) for x in r] for r in grid])


def test_the_number_of_rows_may_be_zero_and_axes_anywhere():
    f = lambda which, x: lax.switch(which, [lambda x: x, lambda x: x * 2, lambda x: x[::-1]], x)
    mapped = ftx.vmap(f, in_axes=(0, 1), out_axes=1)
    x, which = np.arange(12.0).reshape(3, 4), np.array([5, 0, 1, -1])  # indices are clamped
    wanted = np.stack([x[::-1, 0], x[:, 1], 2 * x[:, 2], x[:, 3]], 1)
    close(mapped(which, x), wanted)
    close(ftx.jit(mapped)(which, x), wanted)
    assert mapped(which[:0], x[:, :0]).shape == (3, 0)
    assert ftx.jit(mapped)(which[:0], x[:, :0]).shape == (3, 0)


def test_branches_that_know_the_axis_are_computed_for_all_rows():
    f = lambda x: lax.cond(x > 0, lambda x: x / lax.psum(x, "i"), lambda x: x, x)
    x = np.array([1.0, 3.0, -1.0])
    close(ftx.vmap(f, axis_name="i")(x), [1 / 3, 1.0, -1.0])


def test_cheap_choices_are_selects_and_dear_ones_are_not():
    x = np.linspace(-1, 1, 1000)
    cheap = ftx.jit(ftx.vmap(log_or_line))
    assert len(cheap.kernels(x)) == 1 and "select" in cheap.kernels(x)[0]
    many = np.ones((8, 64, 64))
    dear = ftx.vmap(lambda p, a: lax.cond(p, lambda a: a @ a, lambda a: a, a))
    pick = np.arange(8) == 3
    text = str(ftx.explain(dear, pick, many))
    assert "loop scan, 8 steps" in text
    close(ftx.jit(dear)(pick, many), np.where(pick[:, None, None], many @ many, many))


def test_the_optimisation_can_be_switched_off(monkeypatch):
    total = lambda x: (ftx.vmap(log_or_line)(x) ** 2).sum()
    x = np.linspace(-1, 1, 30)
    wanted = ftx.jit(ftx.grad(total))(x)
    with ftx.config.override(disable="rows"):
        close(ftx.jit(ftx.grad(lambda x: total(x)))(x), wanted)

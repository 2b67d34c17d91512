"""What the simplifier moves out of loops, and that the meaning stays."""

import numpy as np
import pytest

import ftx
import ftx.lax as lax
import ftx.numpy as fnp
from ftx.core.evaluate import eval_jaxpr
from ftx.transforms.passes import simplify

X = fnp.asarray(np.arange(6, dtype=np.float32).reshape(3, 2))
VECTOR = fnp.asarray(np.array([1.0, 2.0], np.float32))


def simplified(f, *args):
    """The simplified program and its only loop, after checking that the values are the same."""
    jaxpr = ftx.make_jaxpr(f)(*args).closed()
    program = simplify(jaxpr)
    flat = [*ftx.make_jaxpr(f)(*args).consts, *ftx.tree.leaves(args)]
    for got, wanted in zip(eval_jaxpr(program, flat), eval_jaxpr(jaxpr, flat), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6)
    loops = [e for e in program.eqns if e.primitive.name in ("scan", "while")]
    return program, loops[0] if loops else None


def names(jaxpr):
    return [e.primitive.name for e in jaxpr.eqns]


def test_dear_equations_on_consts_run_once():
    def f(w, x):
        return lax.scan(lambda c, row: (c + fnp.exp(w) * row, None), x[0], x)[0]

    program, loop = simplified(f, VECTOR, X)
    assert "exp" in names(program)
    assert "exp" not in names(loop.params["jaxpr"])


def test_broadcasts_of_consts_stay_in_the_loop():
    def f(w, x):
        return lax.scan(
            lambda c, row: (c + fnp.ones((2, 500)) * w[0] * row[0], None), fnp.zeros((2, 500)), x
        )[0]

    program, loop = simplified(f, VECTOR, X)
    assert max(a.aval.size for a in loop.invars[: loop.params["n_consts"]]) <= 2


def test_a_carry_that_never_changes_is_a_const():
    def f(w, x):
        return lax.scan(lambda c, row: ((c[0], c[1] + c[0] * row), None), (w, w), x)[0]

    _, loop = simplified(f, VECTOR, X)
    assert loop.params["n_carry"] == 1


def test_what_nobody_reads_is_not_carried_nor_stacked():
    def body(c, row):
        used, other, both = c
        return (used + row, other * row, both + other), (fnp.sin(row), fnp.exp(other))

    first = lambda x: lax.scan(body, (x[0], x[0], x[0]), x)[0][0]
    _, loop = simplified(first, X)
    assert (loop.params["n_carry"], len(loop.outvars)) == (1, 1)
    assert names(loop.params["jaxpr"]) == ["add"]
    rows = lambda x: lax.scan(body, (x[0], x[0], x[0]), x)[1][1]
    _, loop = simplified(rows, X)
    assert (loop.params["n_carry"], len(loop.outvars)) == (1, 2)
    assert sorted(names(loop.params["jaxpr"])) == ["exp", "mul"]
    carried = lambda x: lax.scan(body, (x[0], x[0], x[0]), x)[0][2]
    _, loop = simplified(carried, X)
    assert loop.params["n_carry"] == 2


def test_effects_of_a_loop_stay_whatever_is_read():
    def body(c, row):
        ftx.debug.callback(lambda _: None, row)
        return (c[0] + row, c[1] * row), fnp.sin(row)

    f = lambda x: lax.scan(body, (x[0], x[0]), x)[0][0]
    loop = next(
        e for e in simplify(ftx.make_jaxpr(f)(X).closed()).eqns if e.primitive.name == "scan"
    )
    assert sorted(names(loop.params["jaxpr"])) == ["add", "debug_callback"]


def test_rows_that_repeat_are_stacked_once():
    def body(c, row):
        y = fnp.sin(row)
        return c + y, (y, y, row, fnp.ones(2))

    _, loop = simplified(lambda x: lax.scan(body, x[0], x), X)
    assert len(loop.outvars) == 2  # the carry and one stack


def test_the_same_rows_twice_are_read_once():
    _, loop = simplified(
        lambda x: lax.scan(lambda c, r: (c + r[0] * r[1], None), x[0], (x, x))[0], X
    )
    assert len(loop.invars) - loop.params["n_consts"] - loop.params["n_carry"] == 1


@pytest.mark.parametrize("reverse", [False, True])
def test_repeated_rows_of_another_loop_are_consts(reverse):
    def f(w, x):
        _, ys = lax.scan(lambda c, r: (c + r, (w * 2.0, c)), x[0], x, reverse=reverse)
        return lax.scan(lambda c, r: (c * r[0] + r[1], None), w, ys, reverse=reverse)[0]

    program, _ = simplified(f, VECTOR, X)
    second = [e for e in program.eqns if e.primitive.name == "scan"][1]
    assert len(second.invars) - second.params["n_consts"] - second.params["n_carry"] == 1


def test_a_small_matrix_lies_with_its_longer_axis_last():
    w = fnp.asarray(np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32))

    def f(w, x):
        return lax.scan(lambda c, _: (c - 0.01 * (w.T @ (w @ c)), None), x, None, length=3)[0]

    _, loop = simplified(f, w, fnp.ones(4, np.float32))
    assert [c.aval.shape for c in loop.invars[: loop.params["n_consts"]]] == [(4, 50)]


def test_a_while_loop_that_never_runs_raises_nothing():
    table = fnp.asarray(np.arange(3.0, dtype=np.float32))

    def f(i, n):
        step = lambda s: (s[0] + 1, s[1] + table[i])
        return lax.while_loop(lambda s: s[0] < n, step, (0, fnp.float32(0)))[1]

    assert float(ftx.jit(f)(7, 0)) == 0.0
    with pytest.raises(IndexError):
        ftx.jit(f)(7, 1)


@pytest.mark.parametrize(
    "row",
    [
        lambda table, i: table.at[i].add(1.0)[0],
        lambda table, i: table.at[i].multiply(2.0)[0],
        lambda table, i: lax.scan(lambda c, k: (c + table[i + k], None), 0.0, fnp.arange(2))[0],
    ],
)
def test_a_while_loop_that_never_runs_reaches_no_update_and_no_inner_loop(row):
    table = fnp.asarray(np.arange(3.0, dtype=np.float32))

    def f(i, n):
        return lax.while_loop(
            lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] + row(table, i)), (0, 0.0)
        )[1]

    assert float(ftx.jit(f)(7, 0)) == 0.0
    with pytest.raises(IndexError):
        ftx.jit(f)(7, 1)


def test_invariants_of_both_parts_of_a_while_loop_run_once():
    def f(w, n):
        cond = lambda s: fnp.sum(s) < fnp.sum(fnp.exp(w)) * n
        return lax.while_loop(cond, lambda s: s + fnp.log1p(w), w)

    program, loop = simplified(f, VECTOR, fnp.float32(3.0))
    assert "exp" not in names(loop.params["cond_jaxpr"])
    assert "log1p" not in names(loop.params["body_jaxpr"])
    assert {"exp", "log1p"} <= set(names(program))


def test_nested_loops_lose_their_invariants_to_the_outermost():
    def f(w, x):
        inner = lambda c, r: (c + fnp.cos(w) * r, None)
        outer = lambda c, r: (lax.scan(inner, c, x)[0], None)
        return lax.scan(outer, x[0], x)[0]

    program, loop = simplified(f, VECTOR, X)
    assert "cos" in names(program)
    (within,) = [e for e in loop.params["jaxpr"].eqns if e.primitive.name == "scan"]
    assert "cos" not in names(within.params["jaxpr"])


def test_the_gradient_of_a_scan_stores_each_residual_once():
    def loss(p, x):
        step = lambda y, _: (y + 0.1 * p * fnp.sin(y), y)
        return fnp.sum(lax.scan(step, x, None, length=20)[1])

    program, loop = simplified(ftx.grad(loss), VECTOR, VECTOR)
    stacked = [v for v in loop.outvars if v.aval.shape[:1] == (20,)]
    assert len(stacked) == len(set(stacked)) <= 3
    wanted = ftx.grad(loss)(VECTOR, VECTOR)
    np.testing.assert_allclose(ftx.jit(ftx.grad(loss))(VECTOR, VECTOR), wanted, rtol=1e-5)


def test_a_carry_that_adds_up_products_is_one_product_after_the_loop():
    rng = np.random.default_rng(0)
    a = fnp.asarray(rng.standard_normal((6, 32, 20)).astype(np.float32))
    b = fnp.asarray(rng.standard_normal((6, 32, 24)).astype(np.float32))

    def f(a, b):
        def step(c, row):
            return (c[0] + row[0].T @ fnp.sin(row[1]), c[1] + 1.0), None

        return lax.scan(step, (fnp.ones((20, 24)), 0.0), (a, b))[0]

    jaxpr = ftx.make_jaxpr(f)(a, b).closed()
    program = simplify(jaxpr)
    (loop,) = [e for e in program.eqns if e.primitive.name == "scan"]
    assert loop.params["n_carry"] == 1
    assert "dot_general" in names(program)
    assert "dot_general" not in names(loop.params["jaxpr"])
    wanted = 1.0 + np.einsum("tki,tkj->ij", np.asarray(a), np.sin(np.asarray(b)))
    total, count = ftx.jit(f)(a, b)
    np.testing.assert_allclose(total, wanted, rtol=1e-4, atol=1e-5)
    assert float(count) == 6.0


def test_a_carry_that_others_read_keeps_its_products_in_the_loop():
    a = fnp.ones((6, 32, 32))

    def f(a):
        step = lambda c, row: (c + row @ row, fnp.sum(c))
        return lax.scan(step, fnp.ones((32, 32)), a)

    program = simplify(ftx.make_jaxpr(f)(a).closed())
    (loop,) = [e for e in program.eqns if e.primitive.name == "scan"]
    assert "dot_general" in names(loop.params["jaxpr"])

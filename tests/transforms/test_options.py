"""Options that code written for JAX passes: what they mean here, or why they are refused."""

import functools

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import lax
from ftx.core.errors import (
    ArgumentError,
    LoopLimitError,
    NonFiniteError,
    ShardingError,
    StaticArgumentError,
    UnsupportedError,
)
from ftx.core.jaxpr import sub_jaxprs

X = np.array([1.0, 2.0, 3.0])


def close(got, expected):
    np.testing.assert_allclose(np.asarray(got), np.asarray(expected), 1e-12)


# ---- choices


def test_the_operand_may_be_none():
    assert float(lax.cond(True, lambda x: 1.0, lambda x: 2.0, operand=None)) == 1
    assert float(lax.switch(1, [lambda x: 1.0, lambda x: 2.0], operand=None)) == 2


@pytest.mark.parametrize("pred, expected", [(True, 2.0), (False, 3.0)])
def test_each_branch_may_have_an_operand_of_its_own(pred, expected):
    f = lambda p: lax.cond(p, 1.0, lambda x: x + 1, (4.0,), lambda t: t[0] - 1)
    close(f(pred), expected)
    close(ftx.jit(f)(pred), expected)


def test_two_operands_may_be_functions_of_the_user():
    close(lax.cond(True, lambda x, y: x + y, lambda x, y: x, 1.0, 2.0), 3)


def test_select_n_takes_any_integer():
    close(lax.select_n(np.array([2, 0, 1]), X, -X, 2 * X), [2, 2, -3])
    close(lax.select_n(np.array([1, 0, 1], np.uint8), X, -X), [-1, 2, -3])


# ---- loops


def test_a_body_may_return_a_list():
    last, ys = lax.scan(lambda c, x: [c + x, c], 0.0, X)
    close(last, 6)
    close(ys, [0, 1, 3])


@pytest.mark.parametrize("unroll", [-1, 1.5, "all"])
def test_unroll_is_a_number(unroll):
    with pytest.raises(ArgumentError, match="expected unroll to be"):
        lax.scan(lambda c, x: (c, x), 0.0, X, unroll=unroll)


@pytest.mark.parametrize("size", [1, 3, 5, 10, 20])
def test_map_takes_several_rows_at_a_time(size):
    rows = {"a": np.arange(10.0), "b": np.ones((10, 2))}
    f = lambda row: (row["a"] * row["b"], row["a"])
    shapes = []

    def traced(row):
        jaxpr = ftx.make_jaxpr(lambda xs: lax.map(f, xs, batch_size=size))(row)
        shapes.extend(
            v.aval.shape
            for e in jaxpr.eqns
            for body in sub_jaxprs(e.params)
            for v in body.invars
            if v.aval.ndim == 1
        )
        return lax.map(f, row, batch_size=size)

    got, expected = traced(rows), lax.map(f, rows)
    for g, e in zip(got, expected, strict=True):
        close(g, e)
    assert set(shapes) == ({(size,)} if size <= 10 else set())


def test_map_needs_a_batch():
    with pytest.raises(ArgumentError, match="batch_size to be positive"):
        lax.map(lambda x: x, X, batch_size=0)


# ---- without compilation


def looking(seen):
    """A body that looks at the values of its arguments, which traced code cannot."""

    def body(c, *xs):
        seen.append(float(c))
        return (c + 1, c * 2) if xs else c + 1

    return body


LOOPS = {
    "scan": (lambda f: lax.scan(f, 0.0, X), [0, 1, 2]),
    "reverse": (lambda f: lax.scan(f, 0.0, X, reverse=True), [0, 1, 2]),
    "fori_loop": (lambda f: lax.fori_loop(0, 3, lambda i, c: f(c), 0.0), [0, 1, 2]),
    "bound of an array": (lambda f: lax.fori_loop(0, fnp.int32(2), lambda i, c: f(c), 0), [0, 1]),
    "while_loop": (lambda f: lax.while_loop(lambda c: c < 2, f, 0), [0, 1]),
    "map": (lambda f: lax.map(f, X), [1, 2, 3]),
}


@pytest.mark.parametrize("loop, expected", LOOPS.values(), ids=LOOPS)
def test_loops_are_pythons_without_jit(loop, expected):
    seen = []
    with ftx.disable_jit():
        got = loop(looking(seen))
    assert seen == expected
    wanted = loop(lambda c, *xs: (c + 1, c * 2) if xs else c + 1)
    for a, b in zip(ftx.tree.leaves(got), ftx.tree.leaves(wanted), strict=True):
        close(a, b)


def test_limits_hold_without_jit():
    with ftx.disable_jit(), pytest.raises(LoopLimitError, match="at most 3"):
        lax.while_loop(lambda c: c < 9, lambda c: c + 1, 0, max_iterations=3)


def test_derivatives_of_loops_without_jit():
    f = lambda x: lax.scan(lambda c, a: (c * a, None), x, X)[0]
    with ftx.disable_jit():
        close(ftx.grad(f)(2.0), 6)
        close(ftx.vmap(f)(X), 6 * X)


# ---- vmap


def test_what_varies_may_be_summed():
    f = lambda x: (x * 2, 1.0, x)
    for wrap in (lambda g: g, ftx.jit):
        total, one, rows = wrap(ftx.vmap(f, out_axes=(None, None, 0), sum_match=True))(X)
        close(total, 12)
        close(one, 1)
        close(rows, X)


# ---- jit


def test_options_of_another_compiler():
    close(ftx.jit(lambda x: x * 2, compiler_options=None)(X), 2 * X)
    with pytest.raises(UnsupportedError, match="jit: expected no compiler_options"):
        ftx.jit(lambda x: x, compiler_options={"a": 1})


@pytest.mark.parametrize("option", ["in_shardings", "out_shardings"])
def test_no_sharding_is_like_none_given(option):
    assert type(ftx.jit(lambda x: x, **{option: None})) is type(ftx.jit(lambda x: x))
    with pytest.raises(ShardingError, match=f"{option}: expected a sharding.*got 1"):
        ftx.jit(lambda x: x, **{option: 1})(X)


def test_compiler_options_ahead_of_time():
    lowered = ftx.jit(lambda x: x * 2).lower(X)
    close(lowered.compile(compiler_options=None)(X), 2 * X)
    with pytest.raises(UnsupportedError, match="compiler_options"):
        lowered.compile({"xla_flag": 1})


def test_axes_of_a_program_alone():
    f = ftx.make_jaxpr(lambda x: lax.psum(x, "i"), axis_env=[("i", 4)])
    assert [e.primitive.name for e in f(1.0).eqns] == ["psum"]


# ---- custom rules and checkpoints


def test_arguments_without_derivative_by_name():
    @functools.partial(ftx.custom_jvp, nondiff_argnames=("k",))
    def f(x, k):
        return x**2

    f.defjvp(lambda k, primals, tangents: (f(*primals, k), k * tangents[0]))
    close(ftx.grad(f)(3.0, 5.0), 5)
    close(ftx.grad(lambda x: f(x, k=5.0))(3.0), 5)

    @functools.partial(ftx.custom_vjp, nondiff_argnames="k")
    def g(x, k):
        return x**2

    g.defvjp(lambda x, k: (g(x, k), x), lambda k, x, ct: (ct * k * x,))
    close(ftx.grad(g)(3.0, 5.0), 15)
    with pytest.raises(StaticArgumentError, match="custom rule of .*expected names among"):
        ftx.custom_jvp(lambda x: x, nondiff_argnames=("y",))


def test_static_arguments_of_a_checkpoint_by_name():
    f = lambda x, kind: x**2 if kind == "square" else x
    for names in ("kind", ("kind",)):
        g = ftx.checkpoint(f, static_argnames=names)
        close(ftx.grad(g)(3.0, "square"), 6)
        close(ftx.grad(g)(3.0, kind="square"), 6)
        close(ftx.grad(lambda x, g=g: g(x=x, kind="not"))(3.0), 1)


# ---- what is looked for


def test_infinities_within_a_block():
    with ftx.debug_infs(), pytest.raises(NonFiniteError):
        fnp.exp(1e10)
    with ftx.debug_infs(False):
        assert np.isinf(fnp.exp(1e10))


def test_a_format_need_not_be_checked(capsys):
    ftx.jit(lambda x: ftx.debug.print("{} {}", x, x, partitioned=False))(1.0)
    ftx.debug.print("no value", 1.0, spare=2.0, skip_format_check=True)
    assert capsys.readouterr().out == "1.0 1.0\nno value\n"

"""custom_vmap, sequential_vmap and closure_convert."""

import functools

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import CustomRuleError, TreeError
from ftx.custom_batching import custom_vmap, sequential_vmap

X, Y = np.array([0.1, 0.5, 2.0]), np.array([1.0, -2.0, 3.0])
STAGES = pytest.mark.parametrize("stage", [lambda f: f, ftx.jit], ids=["eager", "jit"])


def close(a, b, tolerance=1e-6):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), tolerance, tolerance)


def marked(calls=None, factor=3.0):
    """sin(x) y, three times as large in a batch, so that the rule shows."""

    @custom_vmap
    def f(x, y):
        return fnp.sin(x) * y

    @f.def_vmap
    def rule(size, batched, xs, ys):
        if calls is not None:
            calls.append((size, batched))
        return factor * fnp.sin(xs) * ys, any(batched)

    return f


@STAGES
def test_the_rule_is_used_by_vmap_alone(stage):
    calls = []
    f = marked(calls)
    close(stage(f)(0.5, 2.0), 2 * np.sin(0.5))
    assert not calls
    close(stage(ftx.vmap(f))(X, Y), 3 * np.sin(X) * Y)
    close(stage(ftx.vmap(f, in_axes=(0, None)))(X, 2.0), 6 * np.sin(X))
    close(stage(ftx.vmap(lambda x, y: ftx.jit(f)(y=y, x=x)))(X, Y), 3 * np.sin(X) * Y)
    assert {(n, tuple(b)) for n, b in calls} == {(3, (True, True)), (3, (True, False))}


def test_other_axes_come_first_and_unbatched_outputs_stay_so():
    @custom_vmap
    def f(d):
        return d["a"] * 2, d["b"]

    @f.def_vmap
    def rule(size, batched, d):
        assert batched == [{"a": True, "b": False}] and d["a"].shape == (3, 2)
        return (d["a"] * 2, d["b"]), (True, False)

    a = np.arange(6.0).reshape(2, 3)
    twice, b = ftx.vmap(f, in_axes=({"a": 1, "b": None},), out_axes=(0, None))({"a": a, "b": 7.0})
    close(twice, 2 * a.T)
    assert float(b) == 7


@STAGES
def test_a_batch_of_batches_batches_the_rule(stage):
    got = stage(ftx.vmap(lambda y: ftx.vmap(lambda x: marked()(x, y))(X)))(Y)
    close(got, 3 * np.sin(X)[None] * Y[:, None])


@STAGES
def test_derivatives_under_vmap_are_those_of_the_rule(stage):
    f = marked()
    slopes = stage(ftx.grad(lambda x: fnp.sum(ftx.vmap(f)(x, Y))))(X)
    close(slopes, 3 * np.cos(X) * Y)
    push = lambda x, y, t: ftx.jvp(lambda x: f(x, y), (x,), (t,))
    value, tangent = stage(ftx.vmap(push))(X, Y, Y)
    close(value, 3 * np.sin(X) * Y)
    close(tangent, 3 * np.cos(X) * Y * Y)
    value, tangent = stage(ftx.vmap(push, in_axes=(None, None, 0)))(np.float64(0.5), 2.0, Y)
    close(tangent, 3 * np.cos(0.5) * 2 * Y)
    close(
        stage(lambda x: ftx.jvp(ftx.vmap(lambda x: f(x, 2.0)), (x,), (Y,))[1])(X), 6 * np.cos(X) * Y
    )


@STAGES
def test_reverse_mode_of_one_example_and_of_a_batch(stage):
    f = marked(factor=1.0)
    close(stage(ftx.grad(f, (0, 1)))(0.5, 2.0), (2 * np.cos(0.5), np.sin(0.5)))
    close(stage(ftx.vmap(ftx.grad(f)))(X, Y), np.cos(X) * Y)
    close(stage(ftx.grad(ftx.grad(f)))(0.5, 2.0), -2 * np.sin(0.5))
    close(stage(ftx.hessian(f))(0.5, 2.0), -2 * np.sin(0.5))


def test_closed_over_values_are_differentiated_and_must_not_vary():
    def outer(w):
        f = custom_vmap(lambda x: fnp.sin(x) * w)
        f.def_vmap(lambda n, b, x: (fnp.sin(x) * w, True))
        return f

    close(ftx.grad(lambda w: outer(w)(0.5))(2.0), np.sin(0.5))
    close(ftx.jvp(lambda w: ftx.vmap(outer(w))(X), (2.0,), (1.0,))[1], np.sin(X))
    with pytest.raises(CustomRuleError, match="closes over not to vary"):
        ftx.vmap(lambda w: outer(w)(0.5))(X)


def test_inside_custom_vjp():
    @ftx.custom_vjp
    @custom_vmap
    def f(x):
        return fnp.sin(x)

    f.fun.def_vmap(lambda n, b, x: (5 * fnp.sin(x), True))
    f.defvjp(lambda x: (f(x), x), lambda x, ct: (7 * ct * fnp.cos(x),))
    close(ftx.vmap(f)(X), 5 * np.sin(X))
    close(ftx.vmap(ftx.grad(f))(X), 7 * np.cos(X))


@pytest.mark.parametrize(
    "rule, message",
    [
        (lambda n, b, x: x, r"\(output, out_batched\), got Tracer"),
        (lambda n, b, x: ((x, x), (True, True)), "an output of structure"),
        (lambda n, b, x: (x, (True,)), "out_batched of structure"),
        (lambda n, b, x: (x[:2], True), "leading axis of size 3, got f64.2."),
    ],
)
def test_rules_are_checked(rule, message):
    f = custom_vmap(lambda x: x)
    f.def_vmap(rule)
    with pytest.raises(CustomRuleError, match=message):
        ftx.jit(ftx.vmap(f))(X)


def test_a_missing_rule_is_named():
    with pytest.raises(
        CustomRuleError,
        match="custom_vmap of g: expected a rule, got none; define one with @g.def_vmap",
    ):

        @custom_vmap
        def g(x):
            return x

        g(1.0)


@STAGES
def test_sequential_vmap_runs_row_after_row(stage):
    seen = []

    def look(x, d):
        ftx.debug.callback(lambda v: seen.append(float(v)), x)
        return fnp.sin(x) * d["y"]

    f = sequential_vmap(look)
    close(stage(ftx.vmap(f, in_axes=(0, None)))(X, {"y": 2.0}), 2 * np.sin(X))
    assert seen == X.tolist()
    close(stage(ftx.vmap(f))(X, {"y": Y}), np.sin(X) * Y)
    push = lambda x, y: ftx.jvp(lambda x: f(x, {"y": y}), (x,), (1.0,))[1]
    close(stage(ftx.vmap(push))(X, Y), np.cos(X) * Y)


def test_sequential_vmap_of_a_function_inside_jit_whose_closure_varies():
    def f(w):
        inner = lambda x: sequential_vmap(lambda x: fnp.sin(x) * w)(x)
        return ftx.jit(lambda x: inner(x) + ftx.grad(inner)(x))(0.5 * w)

    close(ftx.vmap(f)(X), X * (np.sin(X / 2) + np.cos(X / 2)))


@pytest.mark.peers
def test_batches_equal_jax():
    jax = pytest.importorskip("jax")

    def results(lib):
        f = lib.custom_batching.custom_vmap(lambda x, y: lib.numpy.sin(x) * y)
        f.def_vmap(lambda n, b, x, y: (n * lib.numpy.sin(x) * y, True))
        push = lambda x, y: lib.jvp(f, (x, y), (y, x))
        x, y = X.astype(np.float32), Y.astype(np.float32)
        return [
            *lib.vmap(push)(x, y),
            *lib.vmap(push, in_axes=(0, None))(x, np.float32(2)),
            lib.vmap(lib.vmap(f, (0, None)), (None, 0))(x, y),
            lib.grad(lambda x: lib.vmap(f, (0, None))(x, 2.0).sum())(x),
        ]

    for ours, theirs in zip(results(ftx), results(jax), strict=True):
        close(ours, theirs)


def minimise(objective, x0):
    """The minimum over x of a quadratic in x, with its implicit derivative."""
    converted, closed_over = ftx.closure_convert(objective, x0)
    return _minimise(converted, x0, *closed_over)


@functools.partial(ftx.custom_vjp, nondiff_argnums=(0,))
def _minimise(objective, x0, *closed_over):
    slope = ftx.grad(objective)
    return x0 - slope(x0, *closed_over) / ftx.grad(slope)(x0, *closed_over)


def _minimise_fwd(objective, x0, *closed_over):
    x = _minimise(objective, x0, *closed_over)
    return x, (x, closed_over)


def _minimise_bwd(objective, residuals, ct):
    x, closed_over = residuals
    slope = ftx.grad(objective)
    scale = -ct / ftx.grad(slope)(x, *closed_over)
    return (None, *ftx.vjp(lambda *c: slope(x, *c), *closed_over)[1](scale))


_minimise.defvjp(_minimise_fwd, _minimise_bwd)


@STAGES
def test_closure_convert_lets_a_custom_rule_see_what_a_function_closes_over(stage):
    f = lambda a, b: minimise(lambda x: a * x**2 + b * x + 7, 1.0)
    close(stage(f)(2.0, 3.0), -0.75)
    close(stage(ftx.grad(f, (0, 1)))(2.0, 3.0), (3 / 8, -1 / 4))
    close(stage(ftx.vmap(ftx.grad(f), in_axes=(0, None)))(np.array([1.0, 2.0]), 3.0), [1.5, 3 / 8])


def test_closure_convert_hoists_traced_reals_only():
    fixed = np.arange(3.0)

    def outer(w, n):
        converted, closed_over = ftx.closure_convert(lambda x: {"y": x * w * n + fixed}, 1.0)
        assert len(closed_over) == 1 and closed_over[0].dtype == np.float64
        with pytest.raises(TreeError, match="1 closed-over values"):
            converted({"x": 1.0}, *closed_over)
        return converted(2.0, *closed_over)["y"]

    close(ftx.jit(outer)(np.float64(3.0), 5), 30 + fixed)
    assert ftx.closure_convert(lambda x: x * fixed, 1.0)[1] == []

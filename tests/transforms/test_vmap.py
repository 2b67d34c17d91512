"""vmap: axes, names, nesting, and what may not be mapped."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.backends import cache
from ftx.core.errors import AxisError, MapAxisError


def close(a, b, tolerance=1e-6):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), tolerance, tolerance)


X = np.arange(12.0).reshape(3, 4)


def test_in_and_out_axes():
    f = lambda x: x * 2
    close(ftx.vmap(f)(X), X * 2)
    close(ftx.vmap(f, in_axes=1)(X), (X * 2).T)
    close(ftx.vmap(f, in_axes=-1, out_axes=1)(X), X * 2)
    close(ftx.vmap(lambda x, y: x + y, (0, None))(X, X[0]), X + X[0])
    close(ftx.vmap(lambda x, y: fnp.dot(x, y), (0, 1))(X, X.T), (X * X).sum(1))


def test_trees():
    f = lambda d, s: {"y": d["a"] * s, "z": d["b"]}
    out = ftx.vmap(f, in_axes=({"a": 0, "b": None}, None), out_axes={"y": 1, "z": None})(
        {"a": X, "b": 5.0}, 2.0
    )
    close(out["y"], (X * 2).T)
    close(out["z"], 5)
    out = ftx.vmap(f, in_axes=({"a": 0, "b": None}, None))({"a": X, "b": 5.0}, 2.0)
    close(out["z"], [5, 5, 5])


def test_keyword_arguments_map_axis_0():
    close(ftx.vmap(lambda x, y: x + y)(X, y=X), 2 * X)


def test_nested():
    outer = ftx.vmap(ftx.vmap(lambda x, y: x * y, (None, 0)), (0, None))
    close(outer(X[0], X[1]), np.outer(X[0], X[1]))


def test_axis_size_when_nothing_is_mapped():
    close(ftx.vmap(lambda: fnp.ones(2), axis_size=3)(), np.ones((3, 2)))


def test_constants_do_not_vary():
    assert ftx.vmap(lambda x: 1.0, out_axes=None)(X) == 1
    close(ftx.vmap(lambda x: fnp.zeros(2))(X), np.zeros((3, 2)))


def test_named_axis():
    mean = lambda x: x - ftx.lax.pmean(x, "rows")
    close(ftx.vmap(mean, axis_name="rows")(X), X - X.mean(0))
    two = ftx.vmap(ftx.vmap(lambda x: ftx.lax.psum(x, ("i", "j")), axis_name="j"), axis_name="i")
    close(two(X), np.full((3, 4), X.sum()))
    place = ftx.vmap(lambda x: ftx.lax.axis_index("i") + 0 * x, axis_name="i")
    close(place(np.zeros(4)), np.arange(4))


def test_inner_axis_hides_outer_of_the_same_name():
    f = ftx.vmap(ftx.vmap(lambda x: ftx.lax.psum(x, "i"), axis_name="i"), axis_name="i")
    close(f(X), np.repeat(X.sum(1, keepdims=True), 4, 1))


def test_psum_of_a_number_is_the_size():
    assert ftx.vmap(lambda x: x * ftx.lax.psum(1, "i"), axis_name="i")(np.ones(3))[0] == 3


def test_named_axis_through_jit_and_scan():
    @ftx.jit
    def inner(x):
        return x / ftx.lax.psum(x, "i")

    def looped(x):
        return ftx.lax.scan(lambda c, _: (c + ftx.lax.psum(x, "i"), None), 0.0, None, 3)[0]

    x = np.array([1.0, 3.0])
    close(ftx.vmap(inner, axis_name="i")(x), x / 4)
    close(ftx.vmap(inner, axis_name="i")(x), x / 4)
    close(ftx.vmap(looped, axis_name="i")(x), [12, 12])
    close(ftx.jit(ftx.vmap(looped, axis_name="i"))(x), [12, 12])


def test_cond_with_a_varying_predicate_selects():
    f = lambda x: ftx.lax.cond(x > 0, lambda v: fnp.sqrt(v), lambda v: -v, x)
    x = np.array([4.0, -3.0, 9.0])
    close(ftx.vmap(f)(x), [2, 3, 3])
    close(ftx.vmap(ftx.grad(f))(x), [0.25, -1, 1 / 6])


def test_while_with_a_varying_condition_stops_per_row():
    f = lambda x: ftx.lax.while_loop(lambda v: v < 100, lambda v: v * v, x)
    close(ftx.vmap(f)(np.array([2.0, 3.0, 200.0])), [256, 6561, 200])


def test_per_example_gradients():
    w = np.array([1.0, -2.0, 0.5, 3.0])
    loss = lambda w, x: fnp.tanh(w @ x)
    got = ftx.vmap(ftx.grad(loss), (None, 0))(w, X / 10)
    expected = (1 - np.tanh(X @ w / 10) ** 2)[:, None] * X / 10
    close(got, expected)


def test_in_place_and_gather():
    f = lambda x, i: x.at[i].set(0.0)[i + 1]
    close(ftx.vmap(f)(X, np.array([0, 1, 2])), [X[0, 1], X[1, 2], X[2, 3]])


@pytest.mark.parametrize(
    "in_axes, args, message",
    [
        ((0, 0), (X, X[:2]), "argument x has 3; argument y has 2"),
        ((None, None), (X, X), "at least one mapped argument"),
        ((0, 5), (X, X), "expected an axis of"),
        ((0,), (X, X), "in_axes for 2 positional"),
        (({"a": 0}, 0), (X, X), "prefix"),
    ],
)
def test_errors_name_the_argument(in_axes, args, message):
    with pytest.raises(MapAxisError, match=message):
        ftx.vmap(lambda x, y: x + y, in_axes)(*args)


def test_out_axes_errors():
    with pytest.raises(MapAxisError, match="varies"):
        ftx.vmap(lambda x: x, out_axes=None)(X)
    with pytest.raises(AxisError, match="got 7"):
        ftx.vmap(lambda x: x, out_axes=7)(X)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: fnp.pad(x, ((1, 2), (0, 1))),
        lambda x: fnp.pad(x, 1, constant_values=x[0, 0]),
        lambda x: fnp.concatenate([x, fnp.ones((2, 3)), x * 2], axis=0),
        lambda x: fnp.broadcast_to(x, (4, 2, 3)) * 2,
        lambda x: x[:, None] + fnp.zeros((5, 1)),
        lambda x: x.reshape(3, 2) * fnp.arange(2.0),
    ],
)
def test_a_last_batch_axis_stays_last(f):
    x = fnp.asarray(np.random.default_rng(0).standard_normal((2, 3, 4)))
    mapped = ftx.vmap(f, in_axes=-1, out_axes=-1)
    close(mapped(x), np.stack([f(x[..., k]) for k in range(4)], -1))
    close(ftx.vmap(f, in_axes=1)(x.swapaxes(1, 2)), np.stack([f(x[..., k]) for k in range(4)]))
    names = [e.primitive.name for e in ftx.make_jaxpr(mapped)(x).eqns]
    assert "transpose" not in names


def test_what_is_not_mapped_comes_as_it_is():
    """As in JAX: Python may look at it, and an inner jit may have it as a static argument."""
    powers = ftx.jit(lambda x, n: x**n, static_argnums=1)
    rows = np.arange(3.0, dtype=np.float32)
    np.testing.assert_array_equal(ftx.vmap(powers, in_axes=(0, None))(rows, 3), rows**3)
    named = ftx.vmap(lambda x, how: -x if how == "down" else x, in_axes=(0, None))
    np.testing.assert_array_equal(named(rows, "down"), -rows)
    chosen = ftx.vmap(lambda x, limit: x if limit > 1 else -x, in_axes=(0, None))
    np.testing.assert_array_equal(chosen(rows, np.float32(2)), rows)
    np.testing.assert_array_equal(chosen(rows, fnp.float32(0)), -rows)
    with pytest.raises(ftx.errors.NotAnArrayError, match="argument how"):
        ftx.vmap(lambda x, how: x)(rows, "down")


def test_a_changing_number_that_is_not_mapped_compiles_no_loop_anew():

    def run(x, rate):
        step = lambda c, _: (c * rate, None)
        return ftx.lax.scan(step, x, None, length=3)[0]

    rows, mapped = np.ones(4, np.float32), ftx.vmap(run, in_axes=(0, None))
    mapped(rows, 0.5)
    made = lambda: cache.stats.compiled + cache.stats.loaded_from_disk
    before = made()
    for rate in (0.25, 0.125):
        np.testing.assert_array_equal(mapped(rows, rate), rows * rate**3)
    assert made() == before

"""Donated memory becomes results where that is safe, and only where nobody else sees it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ftx
import ftx.lax as lax
import ftx.numpy as fnp

N = 64


def fresh(*shape, seed=0):
    """An array whose memory is its own."""
    return fnp.asarray(np.random.default_rng(seed).standard_normal(shape).astype(np.float32)) + 0.0


def address(x):
    return x.buffer().ctypes.data


def reuses(f, *args):
    """Which argument's memory each result has, once the first argument is donated."""
    wanted = ftx.tree.leaves(ftx.jit(f)(*args))
    before = {address(x): i for i, x in enumerate(args)}
    got = ftx.tree.leaves(ftx.jit(f, donate_argnums=0)(*args))
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(a, b)
    return [before.get(address(r)) for r in got]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x + 1.0,
        lambda x: (x * 2.0, x - 1.0)[0],
        lambda x: fnp.where(x > 0, x, x * 0.5),
        lambda x: x.at[3].set(7.0, mode="drop"),
        lambda x: lax.dynamic_update_slice(x, x[:5] * 2.0, (4,)),
    ],
)
def test_results_take_the_memory(f):
    assert reuses(f, fresh(N)) == [0]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x[::-1] + 1.0,
        lambda x: fnp.concatenate([x[1:], x[:1]]),
        lambda x: fnp.cumsum(x),
        lambda x: x - fnp.mean(x),
        lambda x: fnp.sort(x),
        lambda x: x.astype(np.int32),
        lambda x: x[:5] * 2.0,
    ],
)
def test_or_memory_of_their_own(f):
    assert reuses(f, fresh(N)) == [None]


def test_a_program_that_may_raise_leaves_its_arguments_alone():
    assert reuses(lambda x, i: x.at[i].set(7.0), fresh(N), fnp.asarray(3)) == [None]


def test_a_donated_argument_that_is_returned_lives_on():
    x = fresh(N)
    before = np.array(x)
    same, more = ftx.jit(lambda x: (x, x + 1.0), donate_argnums=0)(x)
    np.testing.assert_array_equal(same, before)
    np.testing.assert_array_equal(more, before + 1.0)


def test_a_transpose_is_not_written_over_what_it_reads():
    assert reuses(lambda x: x.T * 2.0, fresh(32, 32)) == [None]


def test_one_argument_gives_its_memory_once():
    assert sorted(map(str, reuses(lambda x: (x + 1.0, x * 2.0), fresh(N)))) == ["0", "None"]


def test_a_step_of_adam_writes_where_it_reads():
    def step(state, g):
        p, mu, nu = state
        mu, nu = 0.9 * mu + 0.1 * g, 0.999 * nu + 0.001 * g * g
        return p - 0.1 * mu / (fnp.sqrt(nu) + 1e-8), mu, nu

    state = tuple(fnp.abs(fresh(N, seed=k)) for k in range(3))
    wanted = ftx.jit(step)(state, fresh(N, seed=9))
    places = [address(x) for x in state]
    got = ftx.jit(step, donate_argnums=0)(state, fresh(N, seed=9))
    assert [address(x) for x in got] == places
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_view_that_the_user_holds_keeps_its_values():
    x = fresh(N)
    view, before = np.asarray(x), np.array(x)
    ftx.jit(lambda x: x + 1.0, donate_argnums=0)(x)
    np.testing.assert_array_equal(view, before)


def test_large_results_lent_from_the_pool():
    x = fresh(1 << 19)
    place = address(x)
    y = ftx.jit(lambda x: x + 1.0, donate_argnums=0)(x)
    assert address(y) == place
    view, before = np.asarray(y)[:100], np.array(y)
    z = ftx.jit(lambda x: x + 1.0, donate_argnums=0)(y)
    assert address(z) != place
    np.testing.assert_array_equal(view, before[:100])
    np.testing.assert_array_equal(z, before + 1.0)


def test_memory_that_came_from_numpy_keeps_its_values():
    mine = np.arange(float(N), dtype=np.float32)
    x = fnp.asarray(mine)
    ftx.jit(lambda x: x * 0.0, donate_argnums=0)(x)
    np.testing.assert_array_equal(mine, np.arange(N))


def test_the_same_array_twice():
    x = fresh(N)
    wanted = np.asarray(x) + 1.0, np.asarray(x) * 2.0
    got = ftx.jit(lambda x, y: (x + 1.0, y * 2.0), donate_argnums=0)(x, x)
    np.testing.assert_array_equal(got[0], wanted[0])
    np.testing.assert_array_equal(got[1], wanted[1])


def test_it_can_be_switched_off():
    with ftx.config.override(disable="in_place"):
        assert reuses(lambda x: x + 1.0, fresh(N)) == [None]


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_drawn_programs(data):
    pick = lambda *options: data.draw(st.sampled_from(options))
    ops = [(pick("add", "shift", "scale", "sum", "where", "set"), pick(0, 1)) for _ in range(4)]

    def f(a, b):
        values = [a, b]
        for op, k in ops:
            x, y = values[k], values[1 - k]
            values[k] = {
                "add": lambda x=x, y=y: x + y,
                "shift": lambda x=x: fnp.concatenate([x[3:], x[:3]]),
                "scale": lambda x=x: x * 1.5,
                "sum": lambda x=x, y=y: x - fnp.sum(y) * 0.01,
                "where": lambda x=x, y=y: fnp.where(x > 0, y, x),
                "set": lambda x=x, y=y: x.at[2].set(y[1], mode="promise_in_bounds"),
            }[op]()
        return values

    args = fresh(N, seed=1), fresh(N, seed=2)
    wanted = [np.array(r) for r in ftx.jit(f)(*args)]
    got = ftx.jit(f, donate_argnums=(0, 1))(*args)
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)  # loops sum in another order

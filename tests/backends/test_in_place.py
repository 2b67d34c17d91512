"""Updates of a loop's carry: in place where nothing can tell, else by copies; the same values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ftx
import ftx.lax as lax
import ftx.numpy as fnp
from ftx.backends.cpu import distinct_results
from ftx.backends.in_place import updated_in_place
from ftx.core.evaluate import eval_jaxpr
from ftx.transforms.passes import simplify

N = 7
X = fnp.asarray(np.arange(1.0, N + 1, dtype=np.float32))


def check(f, *args):
    """Compiled as interpreted."""
    jaxpr = ftx.make_jaxpr(f)(*args)
    wanted = eval_jaxpr(jaxpr.closed(), [*jaxpr.consts, *ftx.tree.leaves(args)])
    got = ftx.tree.leaves(ftx.jit(f)(*args))
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def kept_in_place(step, carry):
    """Which leaves of the carry a scan of `step` updates in place."""
    jaxpr = ftx.make_jaxpr(lambda c: lax.scan(lambda c, i: (step(c, i), None), c, fnp.arange(3)))
    program = simplify(jaxpr(carry).closed())
    (loop,) = [e for e in program.eqns if e.primitive.name == "scan"]
    body = distinct_results(loop.params["jaxpr"])
    n = loop.params["n_consts"]
    given = body.invars[n : n + loop.params["n_carry"]]
    return updated_in_place(body, {v: i for i, v in enumerate(given)})[1]


SAFE = {
    "set": lambda c, i: c.at[i].set(2.0),
    "of its own element": lambda c, i: c.at[i].set(c[i] * 2 + i),
    "of another element": lambda c, i: c.at[i].set(c[i - 1] + c[i + 1]),
    "add": lambda c, i: c.at[i].add(fnp.sum(c)),
    "several with repeats": lambda c, i: c.at[fnp.array([0, 0, 2])].add(c[:3] * 0.1),
    "a window of overlapping elements": lambda c, i: lax.dynamic_update_slice(
        c, lax.dynamic_slice(c, (i,), (4,)) * 0.5, (i + 1,)
    ),
    "reversed into itself": lambda c, i: lax.dynamic_update_slice(c, c[3::-1], (i,)),
    "clamped start": lambda c, i: lax.dynamic_update_slice(c, fnp.ones(3), (i + 5,)),
    "max": lambda c, i: c.at[i].max(4.0),
    "dropped": lambda c, i: c.at[i + 5].set(9.0, mode="drop"),
}


@pytest.mark.parametrize("name", SAFE)
def test_safe_updates_are_in_place(name):
    assert kept_in_place(SAFE[name], X) == {0}
    check(lambda x: lax.scan(lambda c, i: (SAFE[name](c, i), None), x, fnp.arange(3))[0], X)


UNSAFE = {
    "the whole changes": lambda c, i: (c * 2.0).at[i].set(1.0),
    "changed after": lambda c, i: c.at[i].set(1.0) * 2.0,
}


@pytest.mark.parametrize("name", UNSAFE)
def test_others_are_not(name):
    assert kept_in_place(UNSAFE[name], X) == set()
    check(lambda x: lax.scan(lambda c, i: (UNSAFE[name](c, i), None), x, fnp.arange(3))[0], X)


def test_the_old_value_may_be_read_beside_the_update():
    def step(c, i):
        return c.at[i].set(-c[i]), (fnp.sum(c), c)

    check(lambda x: lax.scan(step, x, fnp.arange(4)), X)


def test_two_carries_that_read_each_other():
    def step(c, i):
        a, b = c
        return (a.at[i].set(b[i] + a[i + 1]), b.at[i + 1].set(a[i] - b[i])), a[0]

    check(lambda x: lax.scan(step, (x, -x), fnp.arange(5)), X)


def test_carries_that_change_places():
    def step(c, i):
        a, b = c
        return (b.at[i].set(a[i]), a.at[i].add(b[i])), None

    check(lambda x: lax.scan(step, (x, -x), fnp.arange(5)), X)


def test_the_argument_stays_as_it_was():
    x = fnp.asarray(np.arange(100.0, dtype=np.float32))
    before = np.array(x)
    ftx.jit(lambda x: lax.fori_loop(0, 50, lambda i, c: c.at[i].set(0.0), x))(x)
    np.testing.assert_array_equal(x, before)


def test_while_loops_that_read_the_carry_in_their_condition():
    def f(x):
        cond = lambda s: (s[0] < 6) & (s[1][s[0]] > 0)
        return lax.while_loop(cond, lambda s: (s[0] + 1, s[1].at[s[0] + 1].add(-1.5)), (0, x))

    check(f, X)


def test_a_large_carry_is_not_copied_in_every_step():
    x = fnp.zeros(100_000)
    run = ftx.jit(lambda x: lax.fori_loop(0, 50, lambda i, c: c.at[i].set(c[i] + 1.0), x))
    (kernel,) = [k for k in run.kernels(x) if "def kernel" in k and "range(50)" in k]
    assert "range(100000)" not in kernel
    with ftx.config.override(disable="in_place"):
        other = ftx.jit(lambda x: lax.fori_loop(0, 50, lambda i, c: c.at[i].set(c[i] + 1.0), x))
        assert any("range(100000)" in k for k in other.kernels(x))
        np.testing.assert_array_equal(other(x), run(x))


def test_an_index_outside_raises_with_the_line():
    with pytest.raises(IndexError, match=r"test_in_place\.py"):
        ftx.jit(lambda x: lax.fori_loop(0, 9, lambda i, c: c.at[i].set(1.0), x))(X)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_drawn_loops(data):
    pick = lambda *options: data.draw(st.sampled_from(options))
    kinds = [(pick(*"abc"), pick(*"ab"), pick(0, 1, 2), pick(0, 1)) for _ in range(pick(1, 2, 3))]
    swap, stack = pick(False, True), pick(False, True)

    def step(c, i):
        arrays = dict(zip("ab", c, strict=True))
        for kind, name, shift, other in kinds:
            source = arrays["ab"[other]]
            old = arrays[name]
            if kind == "a":
                arrays[name] = old.at[(i + shift) % N].set(source[i] * 0.5)
            elif kind == "b":
                window = lax.dynamic_slice(source, (i,), (3,))
                arrays[name] = lax.dynamic_update_slice(old, window + 1.0, (i + shift,))
            else:
                arrays[name] = old.at[fnp.array([shift, i % N])].add(source[:2])
        a, b = arrays["a"], arrays["b"]
        return ((b, a) if swap else (a, b)), (c[0] if stack else b[0])

    check(lambda x: lax.scan(step, (x, -x), fnp.arange(4)), X)


def test_gradients_of_loops_with_updates():
    def loss(x):
        c = lax.scan(lambda c, i: (c.at[i + 1].set(c[i] * c[i + 1]), None), x, fnp.arange(5))[0]
        return fnp.sum(c**2)

    np.testing.assert_allclose(ftx.jit(ftx.grad(loss))(X * 0.3), ftx.grad(loss)(X * 0.3), rtol=1e-5)

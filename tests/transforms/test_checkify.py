"""checkify returns the first error of a program, from loops, branches, batches and derivatives."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import lax
from ftx.core.errors import CheckError
from ftx.experimental import checkify

BOTH = pytest.mark.parametrize("stage", [lambda f: f, ftx.jit], ids=["eager", "jit"])


def positive(x):
    checkify.check(x > 0, "expected x > 0, got {x:.1f} of {}", 7, x=x)
    return fnp.sqrt(x)


def first(f, *args, errors=checkify.user_checks, stage=ftx.jit):
    error, out = stage(checkify.checkify(f, errors=errors))(*args)
    said = error.get()
    return (None if said is None else said.splitlines()[0]), out


@BOTH
def test_a_failed_check_is_returned_with_its_values_and_place(stage):
    assert first(positive, 4.0, stage=stage) == (None, 2.0)
    error, out = stage(checkify.checkify(positive))(-1.5)
    assert error.get().startswith("expected x > 0, got -1.5 of 7\n  at ")
    assert "test_checkify.py" in error.get() and np.isnan(float(out))
    with pytest.raises(CheckError, match="got -1.5 of 7"):
        error.throw()
    stage(checkify.checkify(positive))(1.0)[0].throw()


@BOTH
def test_a_check_that_nobody_collects_raises(stage):
    assert float(stage(positive)(4.0)) == 2.0
    with pytest.raises(CheckError, match="got -1.0 of 7"):
        stage(positive)(-1.0)
    with pytest.raises(CheckError, match="got -2.0 of 7"):
        stage(ftx.vmap(positive))(np.array([1.0, -2.0, -3.0]))


@BOTH
def test_nans_divisions_and_indices_are_looked_for(stage):
    look = lambda f, *args, errors: first(f, *args, errors=errors, stage=stage)[0]
    assert look(fnp.log, -1.0, errors=checkify.nan_checks) == "NaN made by log"
    assert look(fnp.log, -1.0, errors=checkify.div_checks) is None
    assert look(lambda x, y: x / y, 1.0, 0.0, errors=checkify.div_checks) == "division by zero"
    assert look(lambda x, y: x // y, 1, 0, errors=checkify.all_checks) == "division by zero"
    table = np.arange(6.0).reshape(2, 3)
    said = "index 5 is out of range for axis 1 of size 3, in an array of shape (2, 3)"
    read = lambda x, i: x[:, i]
    assert look(read, table, 5, errors=checkify.index_checks) == said
    assert look(read, table, -1, errors=checkify.index_checks) is None
    write = lambda x, i: x.at[:, i].set(1.0)
    assert look(write, table, np.array([0, 5, 9]), errors=checkify.index_checks) == said
    assert look(write, table, np.array([0, 2]), errors=checkify.index_checks) is None


@BOTH
def test_the_first_error_of_loops_and_branches_wins(stage):
    def f(x):
        def step(c, k):
            checkify.check(c < 3, "step {k}: c = {c}", k=k, c=c)
            y = lax.cond(k > 2, lambda c: positive(c - 10), lambda c: c, c)
            return c + 1, y

        c, _ = lax.scan(step, x, np.arange(5))

        def body(c):
            checkify.check(c < 100, "while: {}", c)
            return c * 2

        return lax.while_loop(lambda c: c < 300, body, c)

    assert first(f, 0.0, stage=stage)[0] == "step 3: c = 3.0"
    assert first(f, 2.0, stage=stage)[0] == "step 1: c = 3.0"

    def g(x):
        y = lax.switch(x, [lambda: 1.0, lambda: positive(-2.0), lambda: positive(-3.0)])
        checkify.check(y == 1.0, "after")
        return y

    assert [first(g, k, stage=stage)[0] for k in range(3)] == [
        None,
        "expected x > 0, got -2.0 of 7",
        "expected x > 0, got -3.0 of 7",
    ]


@BOTH
def test_batches_and_derivatives(stage):
    x = np.array([1.0, -4.0, 9.0, -16.0])
    said, out = first(ftx.vmap(positive), x, stage=stage)
    assert said == "expected x > 0, got -4.0 of 7"
    np.testing.assert_allclose(out[::2], [1.0, 3.0])
    error, _ = stage(ftx.vmap(checkify.checkify(positive)))(x)
    lines = [line for line in error.get().splitlines() if "mapped" in line]
    assert lines == [
        "at mapped index 1: expected x > 0, got -4.0 of 7",
        "at mapped index 3: expected x > 0, got -16.0 of 7",
    ]
    said, slope = first(ftx.grad(positive), 4.0, stage=stage)
    assert said is None and float(slope) == 0.25
    assert first(ftx.grad(positive), -1.0, stage=stage)[0] == "expected x > 0, got -1.0 of 7"
    root = ftx.grad(fnp.sqrt)
    assert first(root, 0.0, errors=checkify.div_checks, stage=stage)[0] == "division by zero"
    inner = ftx.jit(positive)
    assert first(lambda x: inner(x) + 1, -1.0, stage=stage)[0] == "expected x > 0, got -1.0 of 7"


def test_an_error_can_be_noted_again_or_raised():
    def outer(x):
        error, out = checkify.checkify(positive)(x)
        checkify.check_error(error)
        return out

    assert first(outer, 4.0)[0] is None
    assert first(outer, -1.0)[0] == "expected x > 0, got -1.0 of 7"
    with pytest.raises(CheckError, match="got -1.0"):
        outer(-1.0)


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(CheckError, match="scalar truth value"):
        checkify.check(np.ones(3) > 0, "no")
    with pytest.raises(CheckError, match="among"):
        checkify.checkify(positive, errors=frozenset({"luck"}))
    with pytest.raises(ValueError, match="check: expected arguments"):
        checkify.check(True, "{x}")


IN_PROGRAMS = {
    "checkpoint": ftx.checkpoint(positive),
    "scan": lambda x: lax.scan(lambda s, _: (positive(s), None), x, None, 3)[0],
    "while": lambda x: lax.while_loop(
        lambda s: s[0] < 3, lambda s: (s[0] + 1, positive(s[1])), (0, x)
    )[1],
    "bounded while": lambda x: lax.while_loop(
        lambda s: s[0] < 3, lambda s: (s[0] + 1, positive(s[1])), (0, x), max_iterations=5
    )[1],
    "cond": lambda x: lax.cond(x < 5, positive, lambda x: x, x),
    "jit": ftx.jit(positive),
    "custom_vmap": ftx.custom_batching.sequential_vmap(positive),
}


@BOTH
@pytest.mark.parametrize("name", IN_PROGRAMS)
def test_checks_are_returned_from_derivatives_of_programs(name, stage):
    f = IN_PROGRAMS[name]
    for g in (f, ftx.grad(f), ftx.grad(ftx.grad(f))):
        said, out = first(g, 4.0, stage=stage)
        assert said is None
        np.testing.assert_allclose(out, g(4.0), rtol=1e-5)
        assert first(g, -1.5, stage=stage)[0] == "expected x > 0, got -1.5 of 7"

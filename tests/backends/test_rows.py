"""Loops of independent steps in pieces: results, temporaries, errors, what stays in order."""

import threading

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import lax
from ftx.backends import rows
from ftx.backends.cpu import CpuExecutable
from ftx.core.errors import IndexOutOfRangeError
from ftx.transforms.passes import simplify

RNG = np.random.default_rng(0)
X = RNG.standard_normal((61, 24)).astype(np.float32)
W = RNG.standard_normal((24, 24)).astype(np.float32) / 5


def dear(r):
    return lax.fori_loop(0, 40, lambda i, v: fnp.tanh(v * 1.1 + fnp.roll(v, 1)), r)


def newton(r):
    """A while loop whose trip count differs from row to row."""
    going = lambda v: fnp.sum(fnp.abs(v)) > 0.1
    step = lambda v: fnp.sin(v) * (0.5 + 0.49 * (r[0] > 0))
    return lax.while_loop(going, step, r)


def sorted_product(r):
    return fnp.sort(fnp.tanh(W @ fnp.tanh(W @ r)))


BODIES = {
    "loops": lambda r: lax.cond(r[0] > 0, dear, lambda v: v * 2, r),
    "while": newton,
    "products": lambda r: lax.switch(
        fnp.argmax(r) % 3, [sorted_product, lambda v: W @ v, fnp.negative], r
    ),
    "two results": lambda r: (dear(r), fnp.sum(r) + W @ dear(-r)),
    "nested": lambda r: lax.map(lambda v: dear(v), fnp.stack([r, -r])),
}


@pytest.fixture(autouse=True)
def _everything_is_worth_it(monkeypatch):
    monkeypatch.setattr(rows, "ENOUGH", 1)
    monkeypatch.setattr("ftx.backends.cpu.ENOUGH", 1)
    monkeypatch.setattr("ftx.backends.parallel.default_threads", lambda: 3)


@pytest.fixture
def regions(monkeypatch):
    """The parallel loops that are made."""
    found = []
    make = rows.Region

    def noted(*args):
        found.append(make(*args))
        return found[-1]

    monkeypatch.setattr(rows, "Region", noted)
    return found


def executed(fun, *args):
    return CpuExecutable(simplify(ftx.make_jaxpr(fun)(*args).closed()))


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("n", [2, 11, 12, 13, 61])
def test_pieces_compute_what_one_thread_does(name, n, regions):
    fun = lambda x: lax.map(BODIES[name], x)
    got = ftx.jit(fun)(X[:n])
    assert regions, "the loop should have run in pieces"
    with ftx.config.override(disable="parallel_rows"):
        wanted = ftx.jit(fun)(X[:n])
    for g, w in zip(*map(ftx.tree.leaves, (got, wanted)), strict=True):
        np.testing.assert_array_equal(g, w)


def test_every_piece_has_its_own_temporaries(regions):
    fun = lambda x: lax.map(lambda r: W @ dear(W @ r), x)
    executable = executed(fun, X)
    (region,) = regions
    assert region.private and region.stride and region.pieces == 12
    assert executable.arena_bytes >= region.pieces * region.stride


def test_reversed_rows():
    fun = lambda x: lax.scan(lambda _, r: (None, dear(r)), None, x, reverse=True)[1]
    np.testing.assert_array_equal(ftx.jit(fun)(X), ftx.jit(lambda x: lax.map(dear, x))(X))


def test_mapped_choices_and_their_gradients(regions):
    fun = lambda x: fnp.sum(ftx.vmap(BODIES["loops"])(x) ** 2)
    got = ftx.jit(ftx.value_and_grad(fun))(X)
    assert regions
    wanted = sum(ftx.value_and_grad(lambda r: fnp.sum(BODIES["loops"](r) ** 2))(r)[0] for r in X)
    np.testing.assert_allclose(got[0], wanted, rtol=1e-5)
    alone = np.stack([ftx.grad(lambda r: fnp.sum(BODIES["loops"](r) ** 2))(r) for r in X])
    np.testing.assert_allclose(got[1], alone, rtol=1e-4, atol=1e-5)


def test_steps_that_need_each_other_stay_in_order(regions):
    ftx.jit(lambda x: lax.scan(lambda c, r: (dear(c + r), c), X[0], x))(X)
    assert not regions


def test_host_functions_stay_in_order(regions):
    seen = []
    note = lambda v: (seen.append(float(v[0])), v)[1]
    spec = ftx.ShapeDtypeStruct((24,), np.float32)
    ftx.jit(lambda x: lax.map(lambda r: dear(ftx.pure_callback(note, spec, r)), x))(X)
    assert seen == X[:, 0].tolist()
    assert not regions


def test_an_index_outside_in_one_row_raises(regions):
    def body(r):
        at = (r[0] > 0) * 30
        return dear(r)[at]

    fun = ftx.jit(lambda x: lax.map(body, x))
    fun(-np.abs(X))
    assert regions
    with pytest.raises(IndexOutOfRangeError, match=r"return dear\(r\)\[at\]"):
        fun(X)
    np.testing.assert_array_equal(fun(-np.abs(X)), fun(-np.abs(X)))


def test_many_python_threads_at_once(regions):
    fun = ftx.jit(lambda x: lax.map(BODIES["two results"], x))
    wanted = [np.asarray(v) for v in fun(X)]
    wrong = []

    def call():
        for _ in range(20):
            wrong.extend(1 for g, w in zip(fun(X), wanted, strict=True) if not np.array_equal(g, w))

    threads = [threading.Thread(target=call) for _ in range(4)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert regions and not wrong


def test_loops_with_too_large_temporaries_stay_whole(monkeypatch, regions):
    monkeypatch.setattr(rows, "MAX_BYTES", 100)
    ftx.jit(lambda x: lax.map(lambda r: W @ dear(W @ r), x))(X)
    assert not regions


def test_explain_times_a_loop_in_pieces():
    report = ftx.explain(lambda x: lax.map(BODIES["products"], x), X)
    (loop,) = (row for row in report.rows if row.kind == "loop")
    assert loop.trips == len(X) and loop.seconds > 0
    assert any(row.depth == 1 for row in report.rows)


def test_one_kernel_of_independent_steps_runs_in_chunks():
    fun = lambda x: lax.map(lambda r: fnp.tanh(r * 2), x)
    many = np.tile(X, (400, 1))
    (kernel,) = executed(fun, many).kernel_sources()
    assert "range(lo, hi)" in kernel.text
    assert kernel.iterations == 400 * 61
    np.testing.assert_array_equal(ftx.jit(fun)(many), ftx.jit(lambda x: fnp.tanh(x * 2))(many))

"""pmap: rows on threads, collectives between them, and what happens when one fails."""

import threading

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.array import Array
from ftx.core.config import config
from ftx.core.errors import DonatedArrayError, MapAxisError, UnboundAxisError
from ftx.core.primitive import Primitive
from ftx.core.replicas import Group, ReplicaReleased, run_replicas


def close(a, b, tolerance=1e-6):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), tolerance, tolerance)


@pytest.fixture(autouse=True)
def eight_devices():
    with config.override(num_cpu_devices=8):
        yield


X = np.random.default_rng(0).standard_normal((4, 4, 3))
ROTATE = [(0, 1), (1, 3), (3, 2), (2, 0)]
COLLECTIVES = {
    "psum": lambda lax: lambda x: lax.psum(x, "i"),
    "pmean": lambda lax: lambda x: lax.pmean(x, "i"),
    "pmax": lambda lax: lambda x: lax.pmax(x, "i"),
    "pmin": lambda lax: lambda x: lax.pmin(x, "i"),
    "all_gather": lambda lax: lambda x: lax.all_gather(x, "i", axis=1),
    "all_gather tiled": lambda lax: lambda x: lax.all_gather(x, "i", axis=1, tiled=True),
    "psum_scatter": lambda lax: lambda x: lax.psum_scatter(x, "i"),
    "psum_scatter tiled": lambda lax: lambda x: lax.psum_scatter(x, "i", tiled=True),
    "ppermute": lambda lax: lambda x: lax.ppermute(x, "i", ROTATE),
    "all_to_all": lambda lax: lambda x: lax.all_to_all(x, "i", 0, 1),
    "all_to_all tiled": lambda lax: lambda x: lax.all_to_all(x, "i", 0, 1, tiled=True),
    "axis_index": lambda lax: lambda x: x * lax.axis_index("i"),
    "mixed": lambda lax: lambda x: lax.psum(lax.ppermute(x, "i", ROTATE) * x, "i") - x,
}


@pytest.mark.parametrize("name", COLLECTIVES)
def test_pmap_is_vmap(name):
    f = COLLECTIVES[name](ftx.lax)
    expected = ftx.vmap(f, axis_name="i")(X)
    p = ftx.pmap(f, "i")
    for _ in range(3):
        close(p(X), expected, 1e-12)
    assert p.traces == 1


@pytest.mark.parametrize("name", COLLECTIVES)
def test_gradients_inside_and_outside(name):
    f = COLLECTIVES[name](ftx.lax)
    inside = lambda x: ftx.grad(lambda v: fnp.sum(fnp.sin(f(v))))(x)
    close(ftx.pmap(inside, "i")(X), ftx.vmap(inside, axis_name="i")(X), 1e-10)
    outside = lambda mapped: ftx.grad(lambda x: fnp.sum(fnp.sin(mapped(f)(x))))(X)
    close(outside(lambda f: ftx.pmap(f, "i")), outside(lambda f: ftx.vmap(f, axis_name="i")), 1e-12)


@pytest.mark.peers
@pytest.mark.parametrize("name", COLLECTIVES)
def test_like_jax(name):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        expected = jax.vmap(COLLECTIVES[name](jax.lax), axis_name="i")(X)
    close(ftx.pmap(COLLECTIVES[name](ftx.lax), "i")(X), expected, 1e-12)


def test_partial_permutation_leaves_zeros():
    got = ftx.pmap(lambda x: ftx.lax.ppermute(x, "i", [(0, 2)]), "i")(np.array([5.0, 6.0, 7.0]))
    close(got, [0, 0, 5])


def test_compositions():
    f = lambda x: x - ftx.lax.psum(x, "i")
    expected = X - X.sum(0)
    close(ftx.jit(ftx.pmap(f, "i"))(X), expected)
    close(ftx.pmap(ftx.jit(f), "i")(X), expected)
    close(ftx.vmap(ftx.pmap(f, "i"))(np.stack([X, 2 * X])), np.stack([expected, 2 * expected]))
    both = lambda x: ftx.lax.psum(x, ("i", "j"))
    close(ftx.pmap(ftx.vmap(both, axis_name="j"), "i")(X), np.broadcast_to(X.sum((0, 1)), X.shape))
    scanned = lambda x: ftx.lax.scan(lambda c, _: (ftx.lax.psum(c, "i"), None), x, None, 3)[0]
    close(ftx.pmap(scanned, "i")(X), np.broadcast_to(16 * X.sum(0), X.shape))


def test_data_parallel_step_is_the_whole_batch_step():
    rng = np.random.default_rng(1)
    w, x = rng.standard_normal(3), rng.standard_normal((4, 5, 3))
    loss = lambda w, x: fnp.mean(fnp.tanh(x @ w) ** 2)
    step = ftx.pmap(lambda w, x: ftx.lax.pmean(ftx.grad(loss)(w, x), "i"), "i", in_axes=(None, 0))
    got = step(w, x)
    close(got, np.stack([ftx.grad(loss)(w, x.reshape(-1, 3))] * 4), 1e-9)
    assert all((np.asarray(row) == np.asarray(got[0])).all() for row in got)


def test_axes_statics_trees_and_keywords():
    f = lambda d, n, *, k: {"y": d["a"] * n + k}
    p = ftx.pmap(f, in_axes=({"a": 1}, None), out_axes=1, static_broadcasted_argnums=1)
    out = p({"a": X[0]}, 3, k=np.arange(3.0))
    close(out["y"], X[0] * 3 + np.arange(3.0))
    close(ftx.pmap(lambda x: x * 1.0)(np.arange(3.0)), np.arange(3.0))


def test_results_equal_in_all_rows_need_no_axis():
    p = ftx.pmap(lambda x: (ftx.lax.psum(x, "i"), x), "i", out_axes=(None, 0))
    total, rows = p(X)
    close(total, X.sum(0))
    close(rows, X)
    with pytest.raises(MapAxisError, match="the same in every row"):
        ftx.pmap(lambda x: x, out_axes=None)(X)


def test_more_rows_than_devices():
    with pytest.raises(MapAxisError, match=r"at most 8 rows.*got 9.*FTX_NUM_CPU_DEVICES"):
        ftx.pmap(lambda x: x)(np.ones(9))
    with pytest.raises(MapAxisError, match="at most 1 rows"):
        ftx.pmap(lambda x: x, devices=[None])(np.ones(2))
    with pytest.raises(MapAxisError, match="has 4; .* has 3"):
        ftx.pmap(lambda x, y: x + y)(np.ones(4), np.ones(3))


def test_unknown_axis():
    with pytest.raises(UnboundAxisError, match=r"\['i'\].*got 'j'"):
        ftx.pmap(lambda x: ftx.lax.psum(x, "j"), "i")(X)
    with pytest.raises(UnboundAxisError, match="of which there are none"):
        ftx.lax.psum(fnp.ones(2), "i")


def test_donation():
    x = fnp.ones(2)
    ftx.pmap(lambda v: v + 1, donate_argnums=0)(x)
    with pytest.raises(DonatedArrayError):
        x + 1


class FailOnTwo(Primitive):
    """Raises in the row whose value is 2."""

    def abstract_eval(self, x):
        return [x]

    def impl(self, x):
        if float(x) == 2:
            raise ValueError("two is too many")
        return [x]


fail_on_two = FailOnTwo()


def test_a_failing_row_releases_the_others():
    f = ftx.pmap(lambda x: ftx.lax.psum(fail_on_two.bind(x)[0], "i"), "i")
    for _ in range(3):
        with pytest.raises(ValueError, match="two is too many"):
            f(np.arange(4.0))
    close(f(np.array([0.0, 1.0, 3.0])), [4, 4, 4])


def test_replicas_that_disagree_do_not_hang():
    def meet(*whats):
        group = Group(2)
        errors = []

        def run(i):
            try:
                group.exchange(i, whats[i], i, lambda v: v) if whats[i] else group.leave()
            except ReplicaReleased as error:
                errors.append(str(error))

        threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
        [t.start() for t in threads]
        [t.join(10) for t in threads]
        assert not any(t.is_alive() for t in threads)
        return errors

    assert len(meet("psum", "pmax")) == 2
    assert meet("psum", None) == ["a replica ended without taking part in a collective"]
    assert meet("psum", "psum") == []


def test_replicas_run_at_the_same_time_and_nest():
    barrier = threading.Barrier(3, timeout=10)
    assert run_replicas("i", [lambda k=k: (barrier.wait(), k)[1] for k in range(3)]) == [0, 1, 2]
    nested = lambda k: sum(run_replicas("j", [lambda m=m: m + k for m in range(3)]))
    assert run_replicas("i", [lambda k=k: nested(k) for k in range(2)]) == [3, 6]


def test_sums_are_in_the_order_of_devices():
    x = np.array([1e8, 1.0, -1e8, 1.0], np.float32)
    p = ftx.pmap(lambda v: ftx.lax.psum(v, "i"), "i")
    expected = ((x[0] + x[1]) + x[2]) + x[3]
    for _ in range(20):
        assert (np.asarray(p(x)) == expected).all()


def test_two_calls_at_once():
    p = ftx.pmap(lambda v: ftx.lax.psum(v, "i"), "i")
    found = {}

    def call(k):
        found[k] = [float(p(np.full(3, float(k)))[0]) for _ in range(20)]

    threads = [threading.Thread(target=call, args=(k,)) for k in range(3)]
    [t.start() for t in threads]
    [t.join(30) for t in threads]
    assert found == {k: [3.0 * k] * 20 for k in range(3)}


def test_value_of_axis_index_is_not_known_while_tracing():
    with pytest.raises(TypeError, match="differs between the rows"):
        ftx.vmap(lambda x: x if ftx.lax.axis_index("i") > 0 else -x, axis_name="i")(X)
    assert isinstance(ftx.pmap(lambda x: x)(X), Array)

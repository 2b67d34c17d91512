"""Scatters shared among threads: the same as by one, whatever the shapes, and NumPy's results."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.backends import parallel, scatters, uncompiled
from ftx.backends.fusion import Group
from ftx.backends.pipeline import prepare
from ftx.core.errors import IndexOutOfRangeError

UFUNCS = {"add": np.add, "multiply": np.multiply, "min": np.minimum, "max": np.maximum}
RNG = np.random.RandomState(0)


@pytest.fixture
def eager_to_share(monkeypatch):
    """Share every scatter, however small."""
    monkeypatch.setattr(scatters, "PARALLEL", 1)
    monkeypatch.setattr(scatters, "LINE", 1)
    monkeypatch.setattr(scatters, "INDEX_COST", 0)


def numbers(shape, dtype, low=-9, high=9):
    return RNG.randint(low, high, shape).astype(dtype)


def kernels_of(f, *args):
    """Groups of a program, as threads share them."""
    groups = prepare(ftx.make_jaxpr(f)(*args).closed()).nodes
    return [g for n in groups if isinstance(n, Group) for g in scatters.shared(n)]


@pytest.mark.parametrize("method", [*UFUNCS, "set"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8", "float16"])
@pytest.mark.parametrize(
    "target, updates", [((5,), (97,)), ((4, 3), (61, 3)), ((7, 16), (2, 16)), ((3,), (1,))]
)
def test_small_scatters_shared(eager_to_share, method, dtype, target, updates):
    low = 0 if dtype == "uint8" else -3
    x, u = numbers(target, dtype, low, 3), numbers(updates, dtype, low, 3)
    index = RNG.randint(0, target[0], updates[0])
    wanted = x.copy()
    if method == "set":
        wanted[index] = u  # NumPy too lets the last one win
    else:
        u = np.sign(u) + (u == 0).astype(dtype) if method == "multiply" else u
        UFUNCS[method].at(wanted, index, u)
    f = lambda x, i, u: getattr(x.at[i], method)(u)
    np.testing.assert_array_equal(np.asarray(ftx.jit(f)(x, index, u)), wanted)
    jaxpr = ftx.make_jaxpr(f)(x, index, u).closed()
    np.testing.assert_array_equal(uncompiled.run(jaxpr, [x, index, u])[0], wanted)


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(st.data())
def test_any_shape(data):
    size = st.integers(1, 40)
    m, n, d = (data.draw(size) for _ in range(3))
    index = np.asarray(data.draw(st.lists(st.integers(-m, m - 1), min_size=n, max_size=n)))
    x, u = np.ones((m, d)), RNG.randint(-9, 9, (n, d)).astype(float)
    wanted = x.copy()
    np.add.at(wanted, index, u)
    before = scatters.PARALLEL, scatters.LINE
    scatters.PARALLEL = scatters.LINE = 1
    try:
        got = ftx.jit(lambda x, i, u: x.at[i].add(u))(x, index, u)
        flat = ftx.jit(lambda x, i, u: x.at[i].add(u))(x[:, 0], index, u[:, 0])
        turned = ftx.jit(lambda x, i, u: x.at[:, i].add(u))(x.T, index, u.T)
    finally:
        scatters.PARALLEL, scatters.LINE = before
    np.testing.assert_array_equal(np.asarray(got), wanted)
    np.testing.assert_array_equal(np.asarray(flat), wanted[:, 0])
    np.testing.assert_array_equal(np.asarray(turned), wanted.T)


def segment_sum(x, index):
    return fnp.zeros(50, x.dtype).at[index].add(x)


def embedding_gradient(table, index):
    return ftx.grad(lambda t: fnp.sum(fnp.sin(t[index]) ** 2))(table)


def rows_into_few(x, index):
    return fnp.zeros((50, 3), x.dtype).at[index].max(x[:, None] * fnp.arange(3.0))


def table(x, index):
    """Totals so many that threads share the addition of the copies."""
    return fnp.ones((100, 90), x.dtype).at[index, index * 7 % 90].add(x)


def table_in_place(x, index):
    return ftx.lax.fori_loop(
        0, 2, lambda i, c: c.at[index, index * 7 % 90].add(x), fnp.zeros((100, 90), x.dtype)
    )


def batch(x, index):
    return ftx.vmap(segment_sum)(x.reshape(8, -1), index.reshape(8, -1))


PROGRAMS = {
    "copies": (segment_sum, 200_003, 50),
    "ranges": (embedding_gradient, (50, 100), 50),
    "copies of rows": (rows_into_few, 200_003, 50),
    "ranges of a batch": (batch, 400_000, 50),
    "copies of a table": (table, 1_600_000, 100),
    "copies of a table in place": (table_in_place, 1_600_000, 100),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("order", ["random", "sorted", "alike"])
def test_results_do_not_depend_on_the_number_of_threads(name, order):
    f, shape, rows = PROGRAMS[name]
    x = RNG.randn(*np.atleast_1d(shape)).astype(np.float32)
    index = RNG.randint(0, rows, 20_000 if name == "ranges" else shape)
    index = {"random": index, "sorted": np.sort(index), "alike": index * 0 + 7}[order]
    assert "in place" in name or any(g.parts for g in kernels_of(f, x, index))
    compiled, before = ftx.jit(f), parallel.get_num_threads()
    try:
        outs = []
        for threads in (1, 2, 8):
            parallel.set_num_threads(threads)
            outs.append(np.asarray(compiled(x, index)))
    finally:
        parallel.set_num_threads(before)
    assert outs[0].tobytes() == outs[1].tobytes() == outs[2].tobytes()
    exact = ftx.jit(f)(x.astype(np.float64), index)
    scale = np.abs(np.asarray(exact)).max()
    # 20,000 equal numbers one after another round to 15 bits
    np.testing.assert_allclose(outs[0], np.asarray(exact), rtol=1e-3, atol=1e-5 * scale)


def test_ranges_combine_in_the_order_of_one_thread():
    """Bit for bit what the scatter gives when it is not shared."""
    table, index = RNG.randn(64, 100).astype(np.float32), RNG.randint(0, 64, 5000)
    alone = ftx.config.override(disable="scatters")
    shared = np.asarray(ftx.jit(embedding_gradient)(table, index))
    with alone:
        assert not any(g.parts for g in kernels_of(embedding_gradient, table, index))
        one = np.asarray(ftx.jit(embedding_gradient)(table, index))
    assert shared.tobytes() == one.tobytes()


def test_what_is_small_or_spread_out_stays_with_one_thread():
    add = lambda x, i, u: x.at[i].add(u)
    few = kernels_of(add, np.ones(10), np.zeros(100, int), np.ones(100))
    assert not any(g.parts for g in few)
    n = 300_000  # as many places as updates: copies would cost more than they save
    wide = kernels_of(add, np.ones(n), np.zeros(n, int), np.ones(n))
    assert not any(g.parts for g in wide)
    n = 200_000
    put = kernels_of(lambda x, i, u: x.at[i].set(u), np.ones(9), np.zeros(n, int), np.ones(n))
    assert not any(g.parts for g in put)  # the last update counts: copies do not know which


@pytest.mark.parametrize("mode", ["drop", "clip", "wrap", None])
@pytest.mark.parametrize("width", [None, 64])
def test_modes(mode, width):
    n, m = 150_000, 20
    index = RNG.randint(-2 * m, 2 * m, n)
    shape = (n,) if width is None else (n // width, width)
    index = index[: shape[0]]
    u = RNG.randint(0, 5, shape).astype(np.float32)
    x = np.ones((m, *shape[1:]), np.float32)
    if mode is None:
        with pytest.raises(IndexOutOfRangeError, match=f"axis of size {m}"):
            ftx.jit(lambda x, i, u: x.at[i].add(u))(x, index, u)
        return
    got = ftx.jit(lambda x, i, u: x.at[i].add(u, mode=mode))(x, index, u)
    place = np.where(index < 0, index + m, index)
    kept = (place >= 0) & (place < m) if mode == "drop" else np.full(place.shape, True)
    place = np.clip(place, 0, m - 1) if mode == "clip" else index % m if mode == "wrap" else place
    wanted = x.copy()
    np.add.at(wanted, place[kept], u[kept])
    np.testing.assert_array_equal(np.asarray(got), wanted)


def test_what_nothing_is_added_to_keeps_its_sign_and_bits():
    n = 200_000
    x = np.array([-0.0, 0.0, np.nan, -np.inf, 5.0], np.float32)
    index = np.full(n, 4)
    for method, u in (("add", 0.0), ("multiply", 1.0), ("min", 5.0), ("max", 5.0)):
        updates = np.full(n, u, np.float32)
        f = lambda x, i, u, method=method: getattr(x.at[i], method)(u)
        assert any(g.parts for g in kernels_of(f, x, index, updates))
        assert np.asarray(ftx.jit(f)(x, index, updates)).tobytes() == x.tobytes(), method


def test_complex_numbers_and_integers_are_exact():
    n = 200_000
    index = RNG.randint(0, 6, n)
    for u in (RNG.randint(-9, 9, n) * (1 + 2j), RNG.randint(-(2**62), 2**62, n)):
        wanted = np.zeros(6, u.dtype)
        np.add.at(wanted, index, u)
        got = ftx.jit(lambda u, i: fnp.zeros(6, u.dtype).at[i].add(u))(u, index)
        np.testing.assert_array_equal(np.asarray(got), wanted)


@pytest.mark.parametrize("width", [None, 96])
@pytest.mark.parametrize("method", ["add", "max", "set"])
def test_updates_in_place(width, method):
    """The carry of a loop and a donated argument are updated without a copy of them."""
    n, m = 150_000, 40
    shape = () if width is None else (width,)
    n = n if width is None else n // width
    index, u = RNG.randint(0, m, n), numbers((n, *shape), "float32")
    x = numbers((m, *shape), "float32")
    wanted = x.copy()
    for i in range(3):
        if method == "set":
            wanted[index] = u + i
        else:
            UFUNCS[method].at(wanted, index, u + np.float32(i))
    step = lambda i, c, at, u: getattr(c.at[at], method)(u + i)
    looped = lambda x, at, u: ftx.lax.fori_loop(0, 3, lambda i, c: step(i, c, at, u), x)
    np.testing.assert_array_equal(np.asarray(ftx.jit(looped)(x, index, u)), wanted)
    donated = ftx.jit(step, donate_argnums=1)
    got = fnp.asarray(x)
    for i in range(3):
        got = donated(i, got, index, u)
    np.testing.assert_array_equal(np.asarray(got), wanted)


def test_gradients_flow_through_shared_scatters():
    n = 150_000
    x, index = RNG.randn(n), RNG.randint(0, 9, n)
    weights = np.arange(9.0)
    f = lambda x: fnp.sum(fnp.zeros(9).at[index].add(x) * weights)
    np.testing.assert_array_equal(np.asarray(ftx.jit(ftx.grad(f))(x)), weights[index])

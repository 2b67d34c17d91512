"""Compiled sorts against NumPy's stable sort, element bits included, in every way there is."""

import os
import subprocess
import sys

import hypothesis
import hypothesis.strategies as st
import ml_dtypes
import numpy as np
import pytest
from hypothesis.extra import numpy as hnp

import ftx
import ftx.numpy as fnp
from ftx import lax
from ftx.backends import cpu, parallel, sort_network, sort_radix, sort_select, sort_steps
from ftx.backends.pipeline import prepare
from ftx.backends.sort_text import Keys, Rows
from ftx.backends.thunks import Host
from ftx.core.primitives.sorting import sort_p, top_k_p

DTYPES = [
    *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float16", "float32", "float64"),
]
WAYS = [("network", 0), ("rows", 8), ("rows", 11), ("pieces", 8), ("pieces", 11)]


def sample(shape, dtype, seed=0):
    """Numbers with ties, and among floats both zeros, infinities and NaN of several bits."""
    rng = np.random.RandomState(seed)
    x = (rng.standard_normal(shape) * 20).astype(dtype)
    if x.dtype.kind == "f" and x.size:
        flat, chosen = x.reshape(-1), rng.rand(x.size)
        odd = [0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan]
        for i, value in enumerate(odd):
            flat[(chosen > 0.05 * i) & (chosen < 0.05 * (i + 1))] = value
        bits = flat.view(f"u{x.itemsize}")
        bits[chosen > 0.99] = np.array(np.nan, dtype).view(bits.dtype) | 1
    elif x.dtype.kind in "iu" and x.size:
        x.reshape(-1)[rng.rand(x.size) < 0.05] = np.iinfo(dtype).max
        x.reshape(-1)[rng.rand(x.size) < 0.05] = np.iinfo(dtype).min
    return x


def order_of(x, axis=-1):
    return np.argsort(x, axis, kind="stable")


def sorted_by_order(x, axis=-1):
    return np.take_along_axis(x, order_of(x, axis), axis)


def assert_bits(got, wanted):
    got = np.asarray(got)
    assert got.dtype == wanted.dtype and got.shape == wanted.shape
    assert got.tobytes() == np.ascontiguousarray(wanted).tobytes()


@pytest.fixture
def way(request, monkeypatch):
    """Sort in this way, whatever it costs."""
    monkeypatch.setattr(sort_steps, "choose", lambda rows, n, count: request.param)
    monkeypatch.setattr(sort_steps, "LONG", 8)  # pieces of a few elements
    return request.param


@pytest.mark.parametrize("way", WAYS, indirect=True, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_way_sorts_every_dtype(way, dtype):
    for seed, shape in enumerate([(37, 11), (3, 130), (1, 1), (17, 64), (2, 257)]):
        x = sample(shape, dtype, seed)
        f = ftx.jit(lambda x: (fnp.sort(x), fnp.argsort(x)))
        values, order = f(x)
        assert_bits(values, sorted_by_order(x))
        assert_bits(order, order_of(x))


@pytest.mark.parametrize("way", WAYS, indirect=True, ids=str)
@pytest.mark.parametrize(
    "row", [np.arange(90), np.arange(90)[::-1], np.full(90, 7), np.repeat(np.arange(9)[::-1], 10)]
)
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_rows_in_order_in_reverse_and_constant(way, row, dtype):
    x = np.stack([row, row + 1, row]).astype(dtype)
    assert_bits(ftx.jit(lambda x: fnp.sort(x))(x), np.sort(x))
    assert_bits(ftx.jit(lambda x: fnp.argsort(x))(x), order_of(x))


@pytest.mark.parametrize("way", WAYS, indirect=True, ids=str)
def test_several_keys_and_payloads_of_every_width(way):
    a, b, c = sample((5, 60), "int8") % 3, sample((5, 60), "float64", 1), sample((5, 60), "bool")
    payloads = [sample((5, 60), t, 7) for t in ("int16", "float32")]
    payloads += [(b + 1j).astype("complex128"), (b + 2j).astype("complex64")]
    got = ftx.jit(lambda *xs: lax.sort(xs, dimension=1, num_keys=3))(a, c, b, *payloads)
    order = np.lexsort((np.where(np.isnan(b), np.inf, b), c, a), axis=1)
    plain = ~np.isnan(np.take_along_axis(b, order, 1)) & ~np.isinf(np.take_along_axis(b, order, 1))
    for x, y in zip((a, c, b, *payloads), got, strict=True):
        np.testing.assert_array_equal(np.asarray(y)[plain], np.take_along_axis(x, order, 1)[plain])
    for x, y in zip(sort_p.impl(a, c, b, *payloads, axis=1, num_keys=3), got, strict=True):
        assert_bits(y, x)


def test_any_axis_and_no_elements():
    for shape in [(0,), (1,), (4, 0), (0, 4), (3, 5, 7), (2, 1, 3)]:
        x = sample(shape, "float32")
        for axis in range(len(shape)):
            assert_bits(ftx.jit(lambda x, a=axis: fnp.sort(x, a))(x), sorted_by_order(x, axis))
            assert_bits(ftx.jit(lambda x, a=axis: fnp.argsort(x, a))(x), order_of(x, axis))


def test_bfloat16_sorts_as_the_float32_it_is():
    x = sample((4, 50), "float32").astype(ml_dtypes.bfloat16)
    order = order_of(x.astype(np.float32))
    assert_bits(ftx.jit(lambda x: fnp.argsort(x))(x), order)
    got = np.asarray(ftx.jit(lambda x: fnp.sort(x))(x))
    assert got.tobytes() == np.take_along_axis(x, order, 1).tobytes()


def test_a_sort_alone_agrees_when_evaluated_eagerly():
    for dtype in DTYPES:
        x = sample((3, 40), dtype)
        assert_bits(fnp.sort(x), sorted_by_order(x))


# ---- what is compiled


def steps_of(f, *args):
    return [n.eqn for n in prepare(ftx.make_jaxpr(f)(*args).closed()).nodes if hasattr(n, "eqn")]


def test_results_that_nobody_reads_and_places_are_not_carried_along():
    x, y = np.ones((4, 6), np.float32), np.ones((4, 6), np.int8)
    (step,) = steps_of(lambda x: fnp.argsort(x, 0), x)
    assert step.params["results"] == ("int64",) and len(step.invars) == 1
    (step,) = steps_of(lambda x, y: lax.sort((x, y, y))[2], x, y)
    assert step.params["results"] == (1,) and len(step.invars) == 2
    (step,) = steps_of(ftx.vmap(lambda x: fnp.argsort(x)), x)
    assert step.params["results"] == ("int64",)
    (step,) = steps_of(lambda x: lax.sort((x, lax.broadcasted_iota("int32", x.shape, 0)))[1], x)
    assert step.params["results"] == (1,)  # places along another axis are a payload


def test_the_ways_are_chosen_by_size():
    rows = Rows(Keys(np.dtype("float32")))
    assert sort_steps.choose(rows, 200, 1000)[0] == "network"
    assert sort_steps.choose(rows, 200, 1) == ("rows", 8)
    assert sort_steps.choose(rows, 20_000, 1) == ("rows", 11)
    assert sort_steps.choose(rows, 10**6, 1)[0] == "pieces"
    assert sort_steps.choose(rows, 10**5, 100)[0] == "rows"


def test_sizes_are_no_part_of_a_kernel():
    for rows in (Rows(Keys(np.dtype(d)), w) for d in ("f4", "f8") for w in ("elements", "i64")):
        for text in (sort_network.kernel(rows), sort_radix.rows_kernel(rows, 8)):
            assert "sizes[0]" in text
    before = ftx.backends.cache.stats.compiled
    f = ftx.jit(lambda x: fnp.sort(x))
    for n in (300, 301, 302):
        f(np.ones((1, n), np.float32))
    assert ftx.backends.cache.stats.compiled - before <= 1


def test_sorting_runs_inside_the_program():
    """No host call: a loop around a sort runs without the interpreter."""
    x = np.random.RandomState(0).randn(6, 40).astype(np.float32)
    f = ftx.jit(lambda x: lax.fori_loop(0, 4, lambda i, c: fnp.sort(c * -1.5), x))
    wanted = x
    for _ in range(4):
        wanted = np.sort(wanted * np.float32(-1.5))
    assert_bits(f(x), wanted)
    jaxpr = ftx.make_jaxpr(lambda x: (fnp.sort(x), lax.top_k(x, 2)[1]))(x).closed()
    flat = cpu.CpuExecutable(jaxpr)._run.__self__.program.flat
    assert not any(isinstance(thunk, Host) for thunk in flat)


def test_gradients_go_to_the_elements_that_were_moved():
    x = np.random.RandomState(0).randn(7, 9)
    weights = np.arange(9.0)
    g = ftx.jit(ftx.grad(lambda x: fnp.sum(fnp.sort(x) * weights)))(x)
    np.testing.assert_array_equal(np.asarray(g), np.argsort(np.argsort(x)).astype(float))


@pytest.mark.parametrize("shape", [(200_000,), (3, 140_000), (500, 300)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_do_not_depend_on_the_number_of_threads(shape, dtype):
    x = sample(shape, dtype)
    f = ftx.jit(lambda x: (fnp.sort(x), fnp.argsort(x), lax.top_k(x, 7)))
    before = parallel.get_num_threads()
    try:
        outs = []
        for threads in (1, 2, 8):
            parallel.set_num_threads(threads)
            outs.append([np.asarray(v).tobytes() for v in ftx.tree.leaves(f(x))])
    finally:
        parallel.set_num_threads(before)
    assert outs[0] == outs[1] == outs[2]
    assert_bits(f(x)[0], sorted_by_order(x))
    assert_bits(f(x)[1], order_of(x))


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(
    st.sampled_from(["float32", "float16", "int8", "uint64", "bool"]).flatmap(
        lambda d: hnp.arrays(
            d,
            hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=23),
            elements=hnp.from_dtype(np.dtype(d)),
        )
    )
)
def test_any_array(x):
    assert_bits(ftx.jit(lambda x: fnp.sort(x))(x), sorted_by_order(x))
    assert_bits(ftx.jit(lambda x: fnp.argsort(x))(x), order_of(x))
    if x.shape[-1]:
        for k in {1, x.shape[-1]}:
            for got, wanted in zip(
                ftx.jit(lambda x, k=k: lax.top_k(x, k))(x), top_k_p.impl(x, k=k), strict=True
            ):
                assert_bits(got, wanted)


# ---- top_k


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(9,), (3, 700), (40, 1031), (2, 140_000)])
def test_top_k(dtype, shape):
    x = sample(shape, dtype)
    for k in (0, 1, 8, 41, shape[-1]):
        if k <= shape[-1]:
            got = ftx.jit(lambda x, k=k: lax.top_k(x, k))(x)
            for a, b in zip(got, top_k_p.impl(x, k=k), strict=True):
                assert_bits(a, b)


@pytest.mark.parametrize("dtype", ["float32", "int8", "float64"])
@pytest.mark.parametrize("k", [1, 3, 30])
def test_selecting_in_pieces(monkeypatch, dtype, k):
    """Rows searched in several pieces, the last of them shorter; many equal keys."""
    monkeypatch.setattr(sort_steps, "LONG", 256)
    monkeypatch.setattr(sort_steps, "select_ns", lambda keys, n, k: 0)
    chosen = []
    select = sort_steps._select
    monkeypatch.setattr(
        sort_steps, "_select", lambda *a: chosen.append(-(-a[4] // a[7])) or select(*a)
    )
    for n in (481, 1600, 5003):
        for x in (sample((3, n), dtype), np.ones((2, n), dtype), np.tile(np.arange(n) % 5, (2, 1))):
            got = ftx.jit(lambda x: lax.top_k(x, k))(x)
            for a, b in zip(got, top_k_p.impl(x, k=k), strict=True):
                assert_bits(a, b)
    assert max(chosen, default=1) > 1


def test_kernels_are_short():
    """Text of sorting kernels stays far below what Numba compiles in a second."""
    for dtype in DTYPES:
        for wanted in ("elements", "i32"):
            rows = Rows(Keys(np.dtype(dtype)), wanted)
            texts = [sort_network.kernel(rows), sort_radix.rows_kernel(rows, 8)]
            texts += [sort_radix.step_kernel(rows, 8, name) for name in sort_radix.STEPS]
            texts.append(sort_select.kernel(rows.keys))
            assert max(len(text.splitlines()) for text in texts) < 110


# ---- JAX, where it is installed

_JAX = """
import numpy as np, jax, sys
jax.config.update("jax_enable_x64", True)
x = np.load(sys.argv[1])
y = np.where(x == x, x, 0)  # JAX's top_k orders NaN by sign and bits
out = [jax.lax.sort(x), *jax.lax.sort((x, np.broadcast_to(np.arange(x.shape[1]), x.shape)))]
np.savez(sys.argv[2], *map(np.asarray, [*out, *jax.lax.top_k(y.astype(x.dtype), 9)]))
"""


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8"])
def test_the_same_bits_as_jax(dtype, tmp_path):
    pytest.importorskip("jax")
    x = sample((6, 300), dtype)
    np.save(tmp_path / "x.npy", x)
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    subprocess.run(
        [sys.executable, "-c", _JAX, tmp_path / "x.npy", tmp_path / "out.npz"],
        check=True,
        env=environment,
    )
    values, keys, order, top, at = np.load(tmp_path / "out.npz").values()
    assert_bits(ftx.jit(lambda x: fnp.sort(x))(x), values)
    assert_bits(ftx.jit(lambda x: fnp.sort(x))(x), keys)
    assert_bits(ftx.jit(lambda x: fnp.argsort(x))(x), order)
    got, places = ftx.jit(lambda x: lax.top_k(x, 9))(np.where(x == x, x, 0).astype(dtype))
    assert_bits(got, top)
    assert_bits(places, at.astype(np.int32))

"""The CPU backend as a whole: programs of kernels, products, loops and host steps."""

import multiprocessing
import threading

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import lax
from ftx.backends import cache, cpu, parallel, uncompiled
from ftx.core.errors import DonatedArrayError, IndexOutOfRangeError

R = np.random.RandomState(0)


def layer_norm(x, g):
    mean = x.mean(-1, keepdims=True)
    spread = ((x - mean) ** 2).mean(-1, keepdims=True)
    return fnp.sum(((x - mean) / fnp.sqrt(spread + 1e-5) * g) ** 3)


PROGRAMS = {
    "softmax": (lambda x: ftx.nn.softmax(x, axis=-1), [(5, 7)]),
    "gradient of layer norm": (ftx.grad(layer_norm, argnums=(0, 1)), [(40, 9), (9,)]),
    "logsumexp of columns": (lambda x: fnp.log(fnp.exp(x - x.max(0)).sum(0)) + x.max(0), [(64, 6)]),
    "transpose": (lambda x, y: x.T + y, [(70, 130), (130, 70)]),
    "padding": (lambda x: fnp.pad(x[:, 1:-1], ((0, 1), (2, 2)), constant_values=3.0), [(4, 50)]),
    "padding, then a sum": (
        lambda x: ((y := fnp.pad(x, ((1, 2),))), fnp.sum(fnp.tanh(y))),
        [(50,)],
    ),
    "pairwise": (
        lambda x: fnp.sqrt(((x[:, None] - x[None]) ** 2).sum(-1) + 1e-9).mean(1),
        [(9, 3)],
    ),
    "running": (lambda x: fnp.cumsum(x, axis=0) + fnp.cumsum(x, axis=1), [(6, 5)]),
    "running over one step": (lambda x: fnp.cumsum(fnp.sin(x), axis=1), [(5, 1)]),
    "indexing": (lambda x: x[fnp.array([2, 0, 2])].at[1].add(5.0), [(4, 3)]),
    "extrema": (lambda x: (fnp.argmax(x, 1), fnp.argmin(x, 0), x.max()), [(5, 6)]),
    "products": (lambda a, b: fnp.tanh(a @ b) @ b.T, [(6, 5), (5, 6)]),
    "loop": (lambda x: lax.fori_loop(0, 5, lambda i, c: fnp.sin(c) * x, x), [(8,)]),
}


def arguments(shapes):
    return [fnp.asarray(R.randn(*s).astype(np.float32)) for s in shapes]


@pytest.mark.parametrize("name", PROGRAMS)
def test_compiled_uncompiled_and_interpreted_agree(name):
    f, shapes = PROGRAMS[name]
    args = arguments(shapes)
    compiled = ftx.tree.leaves(ftx.jit(f)(*args))
    jaxpr = ftx.make_jaxpr(f)(*args)
    values = [np.asarray(v) for v in (*jaxpr.consts, *args)]
    for c, u in zip(compiled, uncompiled.run(jaxpr.closed(), values), strict=True):
        np.testing.assert_allclose(np.asarray(c), u, rtol=2e-5, atol=2e-5)
    with ftx.disable_jit():
        interpreted = ftx.tree.leaves(f(*args))
    for c, i in zip(compiled, interpreted, strict=True):
        assert c.dtype == i.dtype
        np.testing.assert_allclose(np.asarray(c), np.asarray(i), rtol=2e-5, atol=2e-5)


def test_softmax_is_one_kernel_whose_text_is_python():
    f = ftx.jit(lambda x: ftx.nn.softmax(x, axis=-1))
    (text,) = f.kernels(fnp.ones((256, 128)))
    compile(text, "kernel", "exec")
    assert text.count("for i in range(lo, hi)") == 1


def test_equal_programs_share_kernels():
    made = lambda: cache.stats.compiled + cache.stats.loaded_from_disk
    ftx.jit(lambda x: fnp.tanh(x) * 0.12345)(fnp.ones(33))
    before = made()
    ftx.jit(lambda other: fnp.tanh(other) * 0.12345)(fnp.ones(33))
    assert made() == before


def test_results_do_not_depend_on_the_number_of_threads():
    x = fnp.asarray(R.randn(3000, 400).astype(np.float32))
    f = ftx.jit(lambda x: (fnp.sum(fnp.exp(x)), fnp.sum(x, 0), x @ x.T))
    threads, results = parallel.get_num_threads(), []
    try:
        for n in (1, 2, 8):
            parallel.set_num_threads(n)
            results.append([np.asarray(r).tobytes() for r in f(x)])
    finally:
        parallel.set_num_threads(threads)
    assert results[0] == results[1] == results[2]


def test_an_index_outside_raises_with_the_users_line():
    f = ftx.jit(lambda x, i: fnp.sin(x[i]))
    assert float(f(fnp.arange(4.0), 3)) == pytest.approx(np.sin(3.0))
    with pytest.raises(IndexOutOfRangeError, match="0..3") as error:
        f(fnp.arange(4.0), 4)
    assert "test_cpu.py" in str(error.value)
    assert float(f(fnp.arange(4.0), -1)) == pytest.approx(np.sin(3.0))


def test_a_donated_argument_cannot_be_used_again():
    x = fnp.ones(3)
    y = ftx.jit(lambda x: x + 1, donate_argnums=0)(x)
    assert y.tolist() == [2, 2, 2]
    with pytest.raises(DonatedArrayError, match="donate"):
        x + 1


def test_products_leave_the_users_blas_threads_as_they_were():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    count = lambda: [i["num_threads"] for i in threadpoolctl.threadpool_info()]
    before = count()
    ftx.jit(lambda a: a @ a)(fnp.ones((64, 64))).block_until_ready()
    assert count() == before


def test_an_interrupted_compilation_can_be_repeated(monkeypatch):
    real, calls = cache.get_kernel, []

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(cpu.cache, "get_kernel", interrupted)
    f = ftx.jit(lambda x: x * 7 - 1)
    with pytest.raises(KeyboardInterrupt):
        f(fnp.ones(3))
    assert f(fnp.ones(3)).tolist() == [6, 6, 6]


def test_many_threads_compile_and_run_at_once():
    f = ftx.jit(lambda x, k: fnp.sum(fnp.sin(x) * k, axis=0))
    results, errors = {}, []

    def work(n):
        try:
            x = fnp.asarray(np.full((n + 1, 50), 0.5, np.float32))
            for _ in range(20):
                results[n] = np.asarray(f(x, float(n)))
        except Exception as error:  # reported by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n % 4,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    for n in range(4):
        np.testing.assert_allclose(results[n], np.full(50, (n + 1) * n * np.sin(0.5)), rtol=1e-5)


def _in_another_process(folder, queue):
    import os

    os.environ["FTX_CACHE_DIR"] = folder
    import ftx
    import ftx.numpy as fnp

    queue.put(float(ftx.jit(lambda x: fnp.sum(fnp.cos(x) * 1.25))(fnp.zeros(8))))


@pytest.mark.slow
def test_two_processes_compile_the_same_kernel(tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [
        context.Process(target=_in_another_process, args=(str(tmp_path), queue)) for _ in range(2)
    ]
    for w in workers:
        w.start()
    assert [queue.get(timeout=120) for _ in workers] == [10.0, 10.0]
    for w in workers:
        w.join()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "int16", "float16"])
@pytest.mark.parametrize("shape", [(128, 128), (130, 200), (191, 257), (300, 128)])
def test_transposes_of_whole_and_partial_tiles(shape, dtype):
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    y = np.ones(shape[::-1], dtype)
    np.testing.assert_array_equal(ftx.jit(lambda x, y: x.T + y)(x, y), x.T + y)


def test_a_layer_norm_and_its_gradient_are_one_pass_over_rows():
    def norm(x, gain):
        mean = x.mean(-1, keepdims=True)
        return (x - mean) / fnp.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-5) * gain

    def backward(x, gain, ct):
        return ftx.vjp(norm, x, gain)[1](ct)

    draw = np.random.default_rng(0).standard_normal((2, 2048, 96)).astype(np.float32)
    x, ct = map(fnp.asarray, draw)
    gain = fnp.arange(96.0)
    compiled = ftx.jit(backward)
    texts = compiled.kernels(x, gain, ct)
    assert len(texts) == 2  # the rows, and the sums of the chunks' partial results
    assert texts[0].count("range(lo, hi)") == 1
    for result, expected in zip(compiled(x, gain, ct), backward(x, gain, ct), strict=True):
        np.testing.assert_allclose(result, expected, rtol=2e-4, atol=2e-4)

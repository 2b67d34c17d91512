"""The executor: every thunk, nesting, errors, threads, and BLAS in all layouts, against NumPy."""

import gc
import itertools
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from ftx.backends import blas, cache, executor, machine, parallel
from ftx.backends.executor import Compiled, ExecutionError, Program
from ftx.backends.thunks import (
    Carry,
    Copy,
    Fill,
    For,
    Gemm,
    Host,
    RunChunks,
    RunKernel,
    Slice,
    Switch,
    While,
)

F = np.float32


def kernel(body, names="x y out", dtype="f32", head="for i in range(lo, hi):"):
    lines = [
        f"    {name} = pointer_{dtype}(args, {number})" for number, name in enumerate(names.split())
    ]
    return cache.get_kernel(
        "\n".join(["def k(args, lo, hi):", *lines, f"    {head}", f"        {body}", ""]), "k"
    )


def add():
    return kernel("out[i] = x[i] + y[i]")


@pytest.fixture(params=["enter", "slowly"])
def entry(request, monkeypatch):
    """Both ways into the machine."""
    if request.param == "slowly":
        walk, workers, _ = machine.load_machine()
        monkeypatch.setattr(machine, "load_machine", lambda: (walk, workers, None))


def test_one_kernel(entry):
    x, y, out = np.arange(10, dtype=F), np.ones(10, F), np.zeros(10, F)
    run = Compiled(Program([RunKernel(add(), ["x", "y", "out"], 10)], ["x", "y"], ["out"])).run
    for _ in range(3):
        run([x, y], (out,))
        np.testing.assert_array_equal(out, x + y)
    run((x.ctypes.data, out), [out])  # addresses may stand for arrays
    np.testing.assert_array_equal(out, x + y + x)


@pytest.mark.parametrize(
    "inputs, outputs",
    [([], []), ([1.5, 2], [3]), ([[1], [2]], [[3]]), ([np.ones(1)] * 3, [np.ones(1)])],
)
def test_wrong_arguments_are_named(entry, inputs, outputs):
    program = Program([RunKernel(add(), ["x", "y", "out"], 1)], ["x", "y"], ["out"])
    with pytest.raises(TypeError, match="2 inputs and 1 outputs"):
        Compiled(program).run(inputs, outputs)


def test_unknown_buffer():
    with pytest.raises(KeyError, match="'z'"):
        Program([Copy("z", "x", 8)], ["x"])
    with pytest.raises(ValueError, match="twice"):
        Program([], ["x"], ["x"])


def test_constants_temporaries_offsets_copy_fill(entry):
    x, out = np.arange(4, dtype=F), np.full(8, 9, F)
    constant = np.array([10, 20], F)
    thunks = [
        RunKernel(add(), [("x", 8), "c", ("t", 4)], 2),
        Fill("out", 32),
        Copy(("out", 4), ("t", 4), 8),
        Fill(("out", 28), 4, 255),
    ]
    program = Program(thunks, ["x"], ["out"], {"c": constant}, {"t": 64}, 128)
    Compiled(program).run([x], [out])
    np.testing.assert_array_equal(out[:7], [0, 12, 23, 0, 0, 0, 0])
    assert np.isnan(out[7])


def test_clearing_the_cache_leaves_programs_running(monkeypatch, tmp_path):
    monkeypatch.setenv("FTX_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cache, "_kernels", dict(cache._kernels))
    compiled = Compiled(Program([RunKernel(add(), ["x", "x", "out"], 3)], ["x"], ["out"]))
    cache.clear()
    gc.collect()
    out = np.zeros(3, F)
    compiled.run([np.ones(3, F)], [out])
    assert out.tolist() == [2, 2, 2]


def test_arena_is_aligned():
    seen = []
    host = Host(lambda address: seen.append(address % 64), ["t"])
    for _ in range(5):
        Compiled(Program([host], temporaries={"t": 64}, arena_bytes=128)).run([], [])
    assert seen == [0] * 5


# ---- Loops and branches ------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 5, 6])
@pytest.mark.parametrize("dynamic", [False, True])
def test_for_carries(entry, n, dynamic):
    x, y, out = np.arange(3, dtype=F), np.full(3, 2, F), np.zeros(3, F)
    loop = For(
        "n" if dynamic else n,
        [RunKernel(add(), ["r", "y", "w"], 3)],
        carries=[Carry("r", "w", "x", "out", "t", 12)],
        n_bytes=4 * dynamic,
    )
    program = Program([loop], ["x", "y", "n"], ["out"], temporaries={"t": 0}, arena_bytes=64)
    run = Compiled(program).run
    for _ in range(2):
        run([x, y, np.array([n], np.int32)], [out])
        np.testing.assert_array_equal(out, x + 2 * n)
        np.testing.assert_array_equal(x, [0, 1, 2])


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_slices(entry, reverse):
    n = 7
    xs = np.random.default_rng(0).random((n, 3), dtype=F)
    ys, total = np.zeros((n, 3), F), np.zeros(3, F)
    stride = -12 if reverse else 12
    start = 12 * (n - 1) if reverse else 0
    body = [RunKernel(add(), ["r", "x", "w"], 3), Copy("y", "w", 12)]
    loop = For(
        n,
        body,
        [Slice("x", ("xs", start), stride), Slice("y", ("ys", start), stride)],
        [Carry("r", "w", "zero", "total", "t", 12)],
    )
    program = Program([loop], ["xs"], ["ys", "total"], {"zero": np.zeros(3, F)}, {"t": 0}, 64)
    Compiled(program).run([xs], [ys, total])
    order = slice(None, None, -1) if reverse else slice(None)
    expected = np.cumsum(xs[order], axis=0)
    np.testing.assert_allclose(ys[order], expected, rtol=1e-6)
    np.testing.assert_allclose(total, expected[-1], rtol=1e-6)


def test_nested_loops_slice_a_slice(entry):
    x, out = np.arange(24, dtype=F).reshape(2, 3, 4), np.zeros((2, 3, 4), F)
    one = np.full(4, 100, F)
    inner = For(
        3,
        [RunKernel(add(), ["cell", "one", "result"], 4)],
        [Slice("cell", "row", 16), Slice("result", "row_out", 16)],
    )
    outer = For(
        2,
        [inner, RunKernel(add(), ["row", "one", "row_out"], 1)],
        [Slice("row", "x", 48), Slice("row_out", "out", 48)],
    )
    Compiled(Program([outer], ["x"], ["out"], {"one": one})).run([x], [out])
    np.testing.assert_array_equal(out, x + 100)


def test_inner_loop_carries_the_outer_carry(entry):
    x, y, out = np.zeros(2, F), np.ones(2, F), np.zeros(2, F)
    inner = For(
        3, [RunKernel(add(), ["r2", "y", "w2"], 2)], carries=[Carry("r2", "w2", "r", "w", "t2", 8)]
    )
    outer = For(5, [inner], carries=[Carry("r", "w", "x", "out", "t", 8)])
    program = Program([outer], ["x", "y"], ["out"], temporaries={"t": 0, "t2": 64}, arena_bytes=128)
    Compiled(program).run([x, y], [out])
    np.testing.assert_array_equal(out, [15, 15])


@pytest.mark.parametrize("width, dtype", [(4, np.int32), (8, np.int64)])
def test_index(entry, width, dtype):
    out = np.zeros(4, dtype)
    loop = For(4, [Copy("y", "i", width)], [Slice("y", "out", width)], index="i", index_bytes=width)
    Compiled(Program([loop], [], ["out"], temporaries={"i": 0}, arena_bytes=64)).run([], [out])
    np.testing.assert_array_equal(out, [0, 1, 2, 3])


def less():
    return cache.get_kernel(
        """
def less(args, lo, hi):
    x = pointer_f32(args, 0)
    limit = pointer_f32(args, 1)
    out = pointer_bool(args, 2)
    out[0] = x[0] < limit[0]
""",
        "less",
    )


@pytest.mark.parametrize("limit, expected", [(-1, 0), (1, 2), (6, 6), (7, 8)])
def test_while(entry, limit, expected):
    loop = While(
        [RunKernel(less(), ["r", "limit", "p"], 1)],
        "p",
        [RunKernel(add(), ["r", "two", "w"], 1)],
        [Carry("r", "w", "x", "out", "t", 4)],
    )
    program = Program(
        [loop], ["x", "limit"], ["out"], {"two": np.full(1, 2, F)}, {"p": 0, "t": 64}, 128
    )
    out = np.zeros(1, F)
    Compiled(program).run([np.zeros(1, F), np.array([limit], F)], [out])
    assert out[0] == expected


@pytest.mark.parametrize("index, branch", [(-5, 0), (0, 0), (1, 1), (2, 2), (9, 2)])
@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
def test_switch_clamps(entry, index, branch, dtype):
    branches = [[Fill("out", 4, 1)], [], [Fill("out", 4, 2), Fill(("out", 2), 2, 3)]]
    thunks = [
        Fill("out", 4),
        Switch("i", branches, np.dtype(dtype).itemsize),
        Fill(("out", 3), 1, 7),
    ]
    out = np.zeros(4, np.uint8)
    Compiled(Program(thunks, ["i"], ["out"])).run([np.array([index], dtype)], [out])
    assert out.tolist() == [[1, 1, 1, 7], [0, 0, 0, 7], [2, 2, 3, 7]][branch]


def test_for_around_while_around_switch(entry):
    """Collatz: for each x, count steps until 1; a branch per parity."""

    def text(name, body):
        return cache.get_kernel(
            f"""
def {name}(args, lo, hi):
    x = pointer_i64(args, 0)
    out = pointer_{"bool" if name in ("odd", "more") else "i64"}(args, 1)
    {body}
""",
            name,
        )

    odd, more = text("odd", "out[0] = x[0] % 2 == 1"), text("more", "out[0] = x[0] != 1")
    up, down = text("up", "out[0] = 3 * x[0] + 1"), text("down", "out[0] = x[0] // 2")
    count = text("count", "out[0] += 1")
    step = [
        RunKernel(odd, ["r", "odd"], 1),
        RunKernel(count, ["r", "y"], 1),
        Switch("odd", [[RunKernel(down, ["r", "w"], 1)], [RunKernel(up, ["r", "w"], 1)]], 1),
    ]
    chase = While(
        [RunKernel(more, ["r", "p"], 1)], "p", step, [Carry("r", "w", "x", "end", "t", 8)]
    )
    loop = For(30, [Fill("y", 8), chase], [Slice("x", "xs", 8), Slice("y", "ys", 8)])
    program = Program(
        [loop],
        ["xs"],
        ["ys"],
        temporaries={"odd": 0, "p": 64, "end": 128, "t": 192},
        arena_bytes=256,
    )

    def collatz(n):
        return 0 if n == 1 else 1 + collatz(3 * n + 1 if n % 2 else n // 2)

    xs, ys = np.arange(1, 31), np.zeros(30, np.int64)
    Compiled(program).run([xs], [ys])
    assert ys.tolist() == [collatz(int(n)) for n in xs]


# ---- Errors and host calls ---------------------------------------------------------------------


def refuse():
    return cache.get_kernel(
        """
def refuse(args, lo, hi):
    x = pointer_f32(args, 0)
    for i in range(lo, hi):
        if x[i] < f32(0):
            return 100 + i
    return 0
""",
        "refuse",
        {"f32": np.float32},
    )


def test_status_stops_and_names_the_thunk(entry):
    body = [Fill("out", 4, 1), RunKernel(refuse(), ["x"], 4, label="check"), Fill("out", 4, 2)]
    run = Compiled(Program([For(2, body)], ["x"], ["out"])).run
    out = np.zeros(4, np.uint8)
    for _ in range(3):
        with pytest.raises(ExecutionError, match="check") as caught:
            run([np.array([1, 2, -3, 4], F)], [out])
        assert (caught.value.thunk_index, caught.value.status) == (2, 102)
        assert out.tolist() == [1] * 4
        run([np.ones(4, F)], [out])
        assert out.tolist() == [2] * 4


def test_status_of_a_chunk():
    x = np.ones(1000, F)
    x[777] = -1
    run = Compiled(Program([RunChunks(refuse(), ["x"], 1000, 10)], ["x"])).run
    with pytest.raises(ExecutionError) as caught:
        run([x], [])
    assert caught.value.status == 877


def test_host_gets_arrays(entry):
    def function(x, out):
        out[:] = np.sort(x, axis=1)

    host = Host(function, ["x", "out"], [((2, 3), F), ((2, 3), F)])
    x, out = np.array([[3, 1, 2], [9, 8, 7]], F), np.zeros((2, 3), F)
    Compiled(Program([host], ["x"], ["out"])).run([x], [out])
    np.testing.assert_array_equal(out, np.sort(x))


@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), KeyboardInterrupt()])
def test_host_exception_comes_out_as_itself(entry, error):
    calls = []

    def function(address):
        calls.append(address)
        if len(calls) == 3:
            raise error

    run = Compiled(Program([For(5, [Host(function, ["x"])])], ["x"])).run
    with pytest.raises(type(error)) as caught:
        run([np.ones(1)], [])
    assert caught.value is error and len(calls) == 3
    run([np.ones(1)], [])
    assert len(calls) == 8


def test_host_may_run_the_same_program(entry):
    depth = []

    def function(address):
        if len(depth) < 3:
            depth.append(1)
            compiled.run([address], [])

    compiled = Compiled(Program([Host(function, ["x"])], ["x"]))
    compiled.run([np.ones(1)], [])
    assert len(depth) == 3 and len(compiled._workspaces) == 4


def test_host_functions_are_forgotten():
    before = len(executor._hosts)
    compiled = Compiled(Program([Host(print, [])]))
    assert len(executor._hosts) == before + 1
    del compiled
    assert len(executor._hosts) == before


def test_many_threads_run_one_program():
    n, repeats = 2000, 60
    loop = For(
        5, [RunKernel(add(), ["r", "y", "w"], n)], carries=[Carry("r", "w", "x", "out", "t", 4 * n)]
    )
    host = Host(lambda address: None, ["out"])
    program = Program([loop, host], ["x", "y"], ["out"], temporaries={"t": 0}, arena_bytes=4 * n)
    compiled = Compiled(program)
    wrong = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(repeats):
            x, y, out = rng.random(n, dtype=F), np.full(n, seed, F), np.zeros(n, F)
            compiled.run([x, y], [out])
            if not np.allclose(out, x + 5 * seed, rtol=1e-5):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(compiled._workspaces) <= 8


# ---- Parallel ----------------------------------------------------------------------------------


@pytest.fixture
def threads():
    before = parallel.get_num_threads()
    yield parallel.set_num_threads
    parallel.set_num_threads(before)


def test_chunks_do_not_depend_on_threads(threads):
    bounds = cache.get_kernel(
        """
def bounds(args, lo, hi):
    out = pointer_i64(args, 0)
    for i in range(lo, hi):
        out[i] = lo * 1000 + hi
""",
        "bounds",
    )
    run = Compiled(Program([RunChunks(bounds, ["out"], 103, 10)], [], ["out"])).run
    expected = [i // 10 * 10 * 1000 + min(103, i // 10 * 10 + 10) for i in range(103)]
    for count in (1, 2, 5):
        threads(count)
        out = np.zeros(103, np.int64)
        run([], [out])
        assert out.tolist() == expected
    Compiled(Program([RunChunks(bounds, ["out"], 0, 10)], [], ["out"])).run([], [out])


@pytest.mark.parametrize("name", parallel.LAYERS)
def test_layers(name):
    code = f"""
import numpy as np, threading
from ftx.backends import cache, parallel
from ftx.backends.executor import Compiled, Program
from ftx.backends.thunks import RunChunks
parallel.set_num_threads(2)
text = '''
def fill(args, lo, hi):
    out = pointer_f64(args, 0)
    for i in range(lo, hi):
        out[i] = i
'''
compiled = Compiled(Program([RunChunks(cache.get_kernel(text, "fill"), ["o"], 1000, 7)], [], ["o"]))
def work():
    for _ in range(200):
        out = np.zeros(1000)
        compiled.run([], [out])
        assert (out == np.arange(1000)).all()
    done.append(1)
done = []
workers = [threading.Thread(target=work) for _ in range(3)]
[w.start() for w in workers]; [w.join() for w in workers]
parallel.set_num_threads(64)  # more than there are
work()
assert len(done) == 4 and parallel.layer().name == {name!r}
"""
    available = subprocess.run(
        [sys.executable, "-c", f"from ftx.backends import parallel\nparallel.load_layer({name!r})"],
        capture_output=True,
    )
    if available.returncode:
        pytest.skip(f"no {name} here")
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        timeout=60,
        env={**os.environ, "FTX_THREADING_LAYER": name},
    )


def test_thread_count_is_checked(monkeypatch):
    for bad in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="positive integer"):
            parallel.set_num_threads(bad)
    monkeypatch.setenv("FTX_NUM_THREADS", "many")
    with pytest.raises(ValueError, match="FTX_NUM_THREADS"):
        parallel.default_threads()


# ---- BLAS --------------------------------------------------------------------------------------


def random(rng, shape, dtype):
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def op(x, t):
    x = x if t == "N" else np.swapaxes(x, -1, -2)
    return x.conj() if t == "C" else x


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize(
    "m, n, k",
    [
        (5, 7, 3),
        (1, 7, 3),
        (5, 1, 3),
        (1, 1, 6),
        (5, 7, 1),
        (1, 1, 1),
        (5, 7, 0),
        (0, 7, 3),
        (64, 80, 72),
        (1, 300, 200),
        (300, 1, 200),
    ],
)
def test_gemm(dtype, m, n, k):
    rng = np.random.default_rng(0)
    kinds = "NTC" if dtype.startswith("c") else "NT"
    for ta, tb in itertools.product(kinds, kinds):
        a = random(rng, (m, k) if ta == "N" else (k, m), dtype)
        b = random(rng, (k, n) if tb == "N" else (n, k), dtype)
        c = np.full((m, n), np.nan, dtype)  # beta = 0 must not read it
        gemm = Gemm(dtype, "a", "b", "c", m, n, k, ta, tb)
        Compiled(Program([gemm], ["a", "b"], ["c"])).run([a, b], [c])
        tolerance = 1e-4 if np.finfo(dtype).bits == 32 else 1e-12
        np.testing.assert_allclose(c, op(a, ta) @ op(b, tb), rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("m, n", [(4, 5), (1, 5), (4, 1)])
def test_gemm_leading_dimensions_alpha_beta(m, n):
    rng = np.random.default_rng(0)
    for ta, tb in itertools.product("NT", "NT"):
        a, b, c = (rng.standard_normal((9, 10)) for _ in range(3))
        k, expected = 6, c.copy()
        product = op(a[:m, :k] if ta == "N" else a[:k, :m], ta) @ op(
            b[:k, :n] if tb == "N" else b[:n, :k], tb
        )
        expected[:m, :n] = 2 * product - 3 * c[:m, :n]
        gemm = Gemm("float64", "a", "b", "c", m, n, k, ta, tb, 10, 10, 10, 2, -3)
        Compiled(Program([gemm], ["a", "b"], ["c"])).run([a, b], [c])
        np.testing.assert_allclose(c, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "batch, m, n, k",
    [(6, 3, 4, 5), (300, 16, 16, 16), (4, 90, 90, 90), (2000, 1, 40, 40), (0, 3, 3, 3)],
)
def test_batched_gemm(batch, m, n, k, threads):
    threads(2)
    rng = np.random.default_rng(0)
    a, b = random(rng, (batch, m, k), F), random(rng, (batch, k, n), F)
    c = np.full((batch, m, n), np.nan, F)
    gemm = Gemm(
        F, "a", "b", "c", m, n, k, batch=batch, stride_a=m * k, stride_b=k * n, stride_c=m * n
    )
    Compiled(Program([gemm], ["a", "b"], ["c"])).run([a, b], [c])
    np.testing.assert_allclose(c, a @ b, rtol=1e-4, atol=1e-4)
    if batch:
        shared = Gemm(F, "a", "b", "c", m, n, k, batch=batch, stride_a=m * k, stride_c=m * n)
        Compiled(Program([shared], ["a", "b"], ["c"])).run([a, b], [c])
        np.testing.assert_allclose(c, a @ b[0], rtol=1e-4, atol=1e-4)


def test_gemm_operands_are_checked():
    with pytest.raises(ValueError, match="float16"):
        Program([Gemm("float16", "a", "b", "c", 1, 1, 1)], ["a", "b"], ["c"])


def test_scipys_blas_is_found_too(monkeypatch):
    mine = blas.blas_address("sgemm")
    monkeypatch.setattr(blas, "_openblas", lambda: None)
    blas.blas_address.cache_clear()
    try:
        assert blas.blas_address("sgemm") not in (0, None, mine)
        a, b, c = np.eye(3) * 2, np.arange(9.0).reshape(3, 3), np.zeros((3, 3))
        Compiled(Program([Gemm("float64", "a", "b", "c", 3, 3, 3)], ["a", "b"], ["c"])).run(
            [a, b], [c]
        )
        np.testing.assert_array_equal(c, 2 * b)
    finally:
        blas.blas_address.cache_clear()

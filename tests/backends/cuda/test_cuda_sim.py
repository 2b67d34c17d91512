"""CUDA kernels in the simulator: every schedule, dtype and primitive, and whole programs."""

from __future__ import annotations

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.backends.cuda import CudaBackend
from ftx.backends.cuda_sim import SimDevice, SimKernel
from ftx.backends.reference import ReferenceBackend
from ftx.core.errors import BackendError, IndexOutOfRangeError
from ftx.scipy import special
from tests.backends.cuda.programs import normal, programs, softmax
from tests.rules.table import LINALG, ROWS
from tests.support.checks import KINDS, numpy_of, outputs

pytestmark = pytest.mark.cudasim


# ---- the simulator itself


def run(text, blocks, threads, *args, reverse=False):
    SimKernel(text).launch(blocks, threads, args, reverse)


NEIGHBOUR = """
def kernel(p0, p1):
    thread = index(cuda.threadIdx.x)
    s0 = cuda.shared.array(64, f32)
    s0[thread] = p1[thread]
{0}
    p0[thread] = s0[63 - thread]
"""


@pytest.mark.parametrize("reverse", [False, True])
def test_barrier_makes_writes_visible(reverse):
    x, out = normal(64), np.zeros(64, np.float32)
    run(NEIGHBOUR.format("    cuda.syncthreads()"), 1, 64, out, x, reverse=reverse)
    np.testing.assert_array_equal(out, x[::-1])


@pytest.mark.parametrize("reverse", [False, True])
def test_missing_barrier_shows(reverse):
    x, out = normal(64), np.zeros(64, np.float32)
    run(NEIGHBOUR.format("    pass"), 1, 64, out, x, reverse=reverse)
    assert np.isnan(out).any()


def test_divergent_barrier_is_an_error():
    text = "def kernel(p0):\n    if cuda.threadIdx.x < 3:\n        cuda.syncthreads()\n"
    with pytest.raises(BackendError, match="expected all 32 threads of a block at a barrier"):
        run(text, 1, 32, np.zeros(1))


@pytest.mark.parametrize("op, expected", [("add", 28.0), ("max", 7.0), ("min", 0.0)])
def test_atomics(op, expected):
    out = np.zeros(2, np.float32)
    text = f"def kernel(p0):\n    atomic_{op}_f32(p0, 1, f32(cuda.threadIdx.x))\n"
    run(text, 1, 8, out)
    assert out.tolist() == [0.0, expected]


# ---- every schedule


def shapes_of(found):
    return [(k.blocks, k.threads) for k in found]


def test_elements(simulated, kernels):
    x, y = normal(30, 40), normal(40, 30)
    simulated(lambda x, y: x * 2 + y.T, x, y)
    assert shapes_of(kernels(lambda x, y: x * 2 + y.T, x, y)) == [(5, 256)]


def test_row_per_block(simulated, kernels):
    x = normal(70, 300)
    (kernel,) = kernels(softmax, x)
    assert (kernel.blocks, kernel.threads) == (70, 256)
    assert "cuda.syncthreads()" in kernel.text and "cuda.shared.array(300, f32)" in kernel.text
    simulated(softmax, x)


def test_rows_too_long_for_shared_memory(simulated, kernels):
    x = normal(65, 10_300)
    (kernel,) = kernels(softmax, x)
    assert len(kernel.entries) == 3 and "shared.array(10300" not in kernel.text
    got = run_small(kernel, x)
    e = np.exp(x[:1] - x[:1].max())
    np.testing.assert_allclose(got, e / e.sum(), 2e-5)


def run_small(kernel, x):
    """The first row only: 10 300 elements by 65 rows would take the simulator a minute."""
    arrays = [np.full(v.aval.size, np.nan, np.float32) for v in kernel.entries]
    inputs = [i for i, v in enumerate(kernel.entries) if f"p{i}[" in kernel.text]
    source = next(i for i in inputs if f"p{i}[i * 10300 + j0]\n" in kernel.text.split("while")[1])
    arrays[source] = x.reshape(-1)
    SimKernel(kernel.text).launch(1, kernel.threads, arrays)
    out = next(i for i in reversed(range(len(arrays))) if _last_written(kernel.text) == i)
    return arrays[out].reshape(x.shape)[:1]


def _last_written(text):
    stores = [line.strip() for line in text.splitlines() if line.strip().startswith("p")]
    return int(stores[-1][1 : stores[-1].index("[")])


def test_short_rows_by_one_thread(simulated, kernels):
    x = normal(300, 6)
    assert all("syncthreads" not in k.text for k in kernels(lambda x: fnp.sum(x * x, 1), x * 1))
    simulated(lambda x: (fnp.sum(x * x, 1), fnp.argmax(x, 1), fnp.max(x, 1)), x)


@pytest.mark.parametrize("axis", [0, 1, (0, 1), None])
def test_sums_in_parts(simulated, axis):
    simulated(lambda x: fnp.sum(x * x, axis=axis), normal(600, 40), tolerance=1e-4)


def test_sums_in_parts_are_reproducible(kernels):
    x = normal(500, 90)
    assert len(kernels(lambda x: fnp.sum(x), x)) >= 2
    first, second = (
        CudaBackend(SimDevice(r)).compile(ftx.make_jaxpr(fnp.sum)(x).closed())(x)[0]
        for r in (False, True)
    )
    assert first.tobytes() == second.tobytes()


def test_few_long_rows_are_split(simulated, kernels):
    x = normal(3, 12_000)
    assert max(k.blocks for k in kernels(softmax, x)) > 60
    simulated(softmax, x)


def test_columns(simulated):
    x = normal(40, 300)
    simulated(lambda x: (fnp.max(x, axis=0), fnp.sum(fnp.exp(x), axis=0)), x)


def test_middle_axis(simulated):
    x = normal(5, 60, 7)
    simulated(lambda x: (fnp.sum(x, axis=1), x - fnp.max(x, axis=1, keepdims=True)), x)


def test_several_results_of_long_folds_in_one_block(simulated):
    simulated(lambda x: fnp.sum(x, axis=-1) * 2, normal(2, 4, 500))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("shape", [(3, 900), (200, 40), (4, 5)])
def test_positions(simulated, name, axis, shape):
    x = np.round(normal(*shape))  # with ties: the first counts
    x[1, 2] = np.nan if shape[0] == 4 else x[1, 2]
    simulated(lambda x: getattr(fnp, name)(x, axis=axis), x)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_running(simulated, name, axis):
    x = (normal(30, 20) * np.float32(0.1) + 1).astype(np.float32)
    simulated(lambda x: getattr(fnp, name)(x, axis=axis), x)
    simulated(lambda x: getattr(fnp, name)(x, axis=axis) / fnp.sum(x, axis=1, keepdims=True), x)


def test_special_functions(simulated):
    x = np.linspace(0.05, 0.95, 24).astype(np.float32)
    names = "i0 i1 i0e i1e ndtri erfcx expi exp1".split()
    simulated(lambda x: [getattr(special, name)(x) for name in names], x)
    simulated(lambda x: (special.polygamma(1, x), ftx.lax.random_gamma_grad(3 * x, x)), x)
    simulated(lambda x: fnp.nextafter(x, -x) - x, x, tolerance=1e-12)


def test_any_all_of_bools(simulated):
    x = normal(70, 200) > 3
    simulated(lambda x: (fnp.any(x, 1), fnp.all(~x, 1), fnp.any(x), fnp.sum(x, 1)), x)


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint64", "int8", "bfloat16", "bool"])
def test_casts_and_folds_of_every_width(simulated, dtype):
    x = fnp.asarray(np.abs(normal(70, 90)) * 3).astype(dtype)
    simulated(lambda x: (fnp.max(x, 1), fnp.min(x, 0), x.astype("float32") + 1), x)


def test_no_elements(simulated):
    x = np.zeros((0, 4), np.float32)
    simulated(lambda x: (x + 1, fnp.sum(x, 0), fnp.sum(x)), x)


# ---- scatter and gather


ROWS_TO = np.array([3, 0, 3, 2, 3, 0], np.int32)


@pytest.mark.parametrize("op", ["add", "max", "min", "multiply"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint64", "int8", "bfloat16"])
def test_scatter(simulated, op, dtype):
    x = fnp.asarray(np.round(np.abs(normal(5, 4)) * 2)).astype(dtype)
    u = fnp.asarray(np.round(np.abs(normal(6, 4, seed=1)) * 2)).astype(dtype)
    simulated(lambda x, u, i: getattr(x.at[i], op)(u), x, u, ROWS_TO)


def test_scatter_set(simulated):
    i = np.array([3, 0, 1], np.int32)
    simulated(lambda x, u, i: x.at[i].set(u), normal(5, 4), normal(3, 4), i)
    simulated(lambda x, u, i: x.at[i].set(u, mode="drop"), normal(5, 4), normal(3, 4), i + 3)


def test_gather(simulated):
    x, i = normal(50, 8), np.array([[3, 49], [0, 7]], np.int32)
    simulated(lambda x, i: x[i] * 2, x, i)
    simulated(lambda x, i: x.at[i].get(mode="fill", fill_value=-1), x, i + 30)


def test_index_out_of_range_names_the_line():
    with ftx.config.override(default_backend="cuda-sim"):
        with pytest.raises(IndexOutOfRangeError, match=r"0\.\.4 of an axis of size 5"):
            ftx.jit(lambda x, i: x[i] + 1)(normal(5), np.array([1, 7], np.int32))


# ---- every primitive

NAMES = [name for name, cases in ROWS.items() if cases]


@pytest.mark.parametrize("name", NAMES)
def test_primitive(name):
    backend, reference = CudaBackend(SimDevice()), ReferenceBackend()
    for case in ROWS[name]:
        for kind in case.compiled_kinds or case.kinds:
            for dtype in KINDS[kind]:
                if dtype.itemsize == 2 and name in LINALG:  # not in LAPACK, nor in FFTs
                    continue
                args = case.args(dtype)
                jaxpr = ftx.make_jaxpr(lambda *xs, f=case.function: outputs(f(*xs)))(*args)
                args, jaxpr = [*jaxpr.consts, *args], jaxpr.closed()
                if not jaxpr.outvars:
                    continue
                # The simulator runs the CPU's formulas: what differs is the order of sums.
                tolerance = 3e-2 if dtype.itemsize == 2 else case.tolerance
                results = zip(
                    backend.compile(jaxpr)(*args), reference.compile(jaxpr)(*args), strict=True
                )
                for got, expected in results:
                    got, expected = numpy_of([got, expected])
                    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
                    np.testing.assert_allclose(
                        got, expected, tolerance, tolerance, err_msg=f"{case.name} {dtype}"
                    )


# ---- whole programs


@pytest.mark.parametrize("name", sorted(programs(1)))
def test_program(simulated, name):
    function, args = programs(1)[name]
    simulated(function, *args, tolerance=1e-4)


def test_scan_and_its_gradient(simulated):
    w, x = normal(6), normal(9, 6)

    def loss(w, x):
        def step(c, a):
            c = fnp.sin(c * w) + a
            return c, c * a

        c, ys = ftx.lax.scan(step, fnp.zeros(6), x)
        return fnp.sum(c) + fnp.sum(ys)

    simulated(loss, w, x)
    simulated(ftx.grad(loss, argnums=(0, 1)), w, x)
    simulated(lambda x: ftx.lax.scan(lambda c, a: (c, c + a), x[0], x[:2], reverse=True), x)


@pytest.mark.parametrize("steps", [0, 1, 2, 5])
def test_scan_of_every_parity(simulated, steps):
    simulated(
        lambda x: ftx.lax.scan(lambda c, a: ((c[1], c[0] + a), c[0]), (x[0], x[1]), x[:steps]),
        normal(6, 3),
    )


@pytest.mark.parametrize("limit", [0.0, 3.0, 100.0])
def test_while(simulated, limit):
    x = np.abs(normal(5)) + np.float32(0.1)
    simulated(
        lambda x: ftx.lax.while_loop(
            lambda c: fnp.sum(c[0]) < limit, lambda c: (c[0] * 2, c[1] + 1), (x, 0)
        ),
        x,
    )


@pytest.mark.parametrize("limits", [{}, {"max_iterations": 7}, {"checkpoint_every": 2}])
@pytest.mark.parametrize("order", [ftx.grad, lambda f: ftx.grad(lambda x: fnp.sum(ftx.vmap(f)(x)))])
def test_gradient_of_while(simulated, limits, order):
    x = np.abs(normal(2, 3)) + np.float32(0.4)

    def total(x):
        body = lambda v: v * 2 + fnp.sin(v) * x
        return fnp.sum(ftx.lax.while_loop(lambda v: fnp.sum(v) < 30, body, x, **limits))

    simulated(order(total), x)


@pytest.mark.parametrize("x", [1.5, -1.5])
def test_cond(simulated, x):
    simulated(
        lambda x: ftx.lax.cond(x > 0, lambda x: fnp.sin(x) + 1, lambda x: x * 3, x),
        np.float32(x),
    )


def test_steps_on_the_host(simulated):
    x = normal(6, 6)
    simulated(lambda x: (fnp.sort(x * 2, axis=1) + 1, x), x)


def test_products_in_every_layout(simulated):
    x, y = normal(40, 30), normal(30, 35)
    simulated(lambda x, y: x @ y, x, y, tolerance=1e-4)
    simulated(lambda x, y: (x.T @ y, x @ y.T), normal(40, 30), normal(40, 30), tolerance=1e-4)
    simulated(fnp.matmul, normal(3, 20, 30), normal(3, 30, 25), tolerance=1e-4)


def test_results_stay_on_the_device():
    device = SimDevice()
    program = CudaBackend(device).compile(ftx.make_jaxpr(lambda x: x + 1)(normal(4)).closed())
    uploads = []
    device.upload = lambda value, f=device.upload: (uploads.append(value), f(value))[1]
    (y,) = program(normal(4))
    (z,) = program(y)
    assert len(uploads) == 1
    np.testing.assert_array_equal(np.asarray(z), normal(4) + 1 + 1)


def test_results_that_are_arguments_or_constants(simulated):
    simulated(lambda x, y: (y, x + 1, x, fnp.float32(3), x + 1), normal(3), normal(4))

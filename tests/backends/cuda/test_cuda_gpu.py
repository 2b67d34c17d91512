"""Programs on a real GPU agree with the NumPy rules. Skipped where there is none."""

from __future__ import annotations

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.backend import get_backend
from ftx.core.errors import BackendError, IndexOutOfRangeError
from tests.backends.cuda.conftest import assert_equal_on
from tests.backends.cuda.programs import normal, programs

pytestmark = [pytest.mark.cuda, pytest.mark.filterwarnings("default")]


@pytest.fixture(autouse=True)
def _gpu():
    try:
        get_backend("cuda")
    except BackendError as error:
        pytest.skip(str(error).splitlines()[0])


@pytest.mark.parametrize("scale", [1, 16])
@pytest.mark.parametrize("name", sorted(programs(1)))
def test_program(name, scale):
    function, args = programs(scale)[name]
    # Products of float32 and sums in another order: 1e-4 of values of order one.
    assert_equal_on(["cuda"], function, *args, tolerance=1e-3 if scale > 1 else 1e-4)


@pytest.mark.parametrize("op", ["add", "max", "min", "multiply"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint64", "int8", "bfloat16"])
def test_scatter(op, dtype):
    rows = np.array([3, 0, 3, 2, 3, 0], np.int32)
    x = fnp.asarray(np.round(np.abs(normal(5, 4)) * 2)).astype(dtype)
    u = fnp.asarray(np.round(np.abs(normal(6, 4, seed=1)) * 2)).astype(dtype)
    assert_equal_on(["cuda"], lambda x, u: getattr(x.at[rows], op)(u), x, u)


def test_loops():
    def loss(w, x):
        c, ys = ftx.lax.scan(lambda c, a: (fnp.sin(c * w) + a, c * a), fnp.zeros(6), x)
        return fnp.sum(c) + fnp.sum(ys)

    assert_equal_on(["cuda"], ftx.grad(loss, argnums=(0, 1)), normal(6), normal(9, 6))


def test_index_out_of_range():
    with ftx.config.override(default_backend="cuda"):
        with pytest.raises(IndexOutOfRangeError):
            ftx.jit(lambda x, i: x[i] + 1)(normal(5), np.array([1, 7], np.int32))

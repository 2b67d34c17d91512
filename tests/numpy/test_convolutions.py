"""convolve and correlate: NumPy is the oracle, eager and compiled, and of long arrays."""

import itertools

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.test_util import check_grads

R = np.random.RandomState(0)
SIZES = list(itertools.product((1, 2, 3, 5, 6), repeat=2))


def drawn(n, dtype):
    x = R.randn(n) + (1j * R.randn(n) if dtype == "complex128" else 0)
    return (x * 4).astype(dtype)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("dtype", ["int32", "float16", "float32", "complex128"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_all_lengths(name, dtype, mode):
    run = lambda x, y: getattr(fnp, name)(x, y, mode)
    compiled = ftx.jit(run)
    for n, m in SIZES:
        x, y = drawn(n, dtype), drawn(m, dtype)
        wide = np.complex128 if dtype == "complex128" else np.float64
        wanted = getattr(np, name)(x.astype(wide), y.astype(wide), mode)
        for found in (run(x, y), compiled(x, y)):
            assert found.dtype == fnp.promote_types(dtype, fnp.float16 if "16" in dtype else "f4")
            np.testing.assert_allclose(
                found,
                wanted,
                rtol=2e-3 if "16" in dtype else 1e-5,
                atol=5e-2 if "16" in dtype else 1e-5,
            )


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_derivatives_and_rows(name, mode):
    run = lambda x, y: getattr(fnp, name)(x, y, mode)
    x, y = R.randn(7), R.randn(4)
    check_grads(run, (x, y), 2)
    rows = R.randn(3, 7)
    wanted = [getattr(np, name)(r, y, mode) for r in rows]
    np.testing.assert_allclose(ftx.vmap(run, (0, None))(rows, y), wanted)


def test_long_arrays_need_no_matrix_of_all_shifts():
    x, y = R.randn(60_000).astype("float32"), R.randn(3_000).astype("float32")
    found = ftx.jit(fnp.convolve)(x, y)
    wanted = np.fft.irfft(np.fft.rfft(x, 1 << 16) * np.fft.rfft(y, 1 << 16), 1 << 16)
    np.testing.assert_allclose(found, wanted[: found.size], atol=2e-3)

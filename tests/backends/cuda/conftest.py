"""The simulated device as a backend, and programs compared with the NumPy rules on it."""

from __future__ import annotations

import numpy as np
import pytest

import ftx
from ftx.backends.cuda import CudaBackend
from ftx.backends.cuda_sim import SimDevice
from ftx.backends.reference import ReferenceBackend
from ftx.core import backend as registry
from ftx.core import tree


@pytest.fixture(autouse=True, scope="session")
def _backends():
    """Both simulators; "cuda" too where `ftx/__init__` does not register it."""
    registry.register_backend("cuda-sim", lambda: CudaBackend(SimDevice()))
    registry.register_backend("cuda-sim-reversed", lambda: CudaBackend(SimDevice(reverse=True)))
    if "cuda" not in registry._LOADERS:
        registry.register_backend("cuda", CudaBackend)
    if "reference" not in registry._LOADERS:
        registry.register_backend("reference", ReferenceBackend)


def run_on(backend: str, function, *args):
    """Leaves of `function(*args)` compiled by a backend."""
    with ftx.config.override(default_backend=backend):
        result = ftx.jit(function)(*args)
    return [np.asarray(x) for x in tree.flatten(result)[0]]


def _comparable(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind in "fV" else x


def assert_equal_on(backends, function, *args, tolerance=2e-5):
    """Every backend agrees with the reference, to `tolerance` relative and absolute."""
    expected = run_on("reference", function, *args)
    for backend in backends:
        got = run_on(backend, function, *args)
        assert len(got) == len(expected)
        for g, e in zip(got, expected, strict=True):
            assert (g.shape, g.dtype) == (e.shape, e.dtype), backend
            np.testing.assert_allclose(
                _comparable(g), _comparable(e), tolerance, tolerance, err_msg=backend
            )


@pytest.fixture
def simulated():
    """`simulated(function, *args)`: forwards and backwards through the threads, both right."""
    return lambda *args, **options: assert_equal_on(
        ["cuda-sim", "cuda-sim-reversed"], *args, **options
    )


@pytest.fixture
def kernels():
    """`kernels(function, *args)`: the CudaKernels of a program, made for the simulator."""

    def find(function, *args):
        jaxpr = ftx.jit(function).trace(*args).jaxpr.closed()
        return CudaBackend(SimDevice()).compile(jaxpr).kernel_sources()

    return find

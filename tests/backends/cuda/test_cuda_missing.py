"""Asking for CUDA where something is missing: one clear error, and the CPU goes on."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import ftx
from ftx.backends import cuda as cuda_backend
from ftx.backends import cuda_compile
from ftx.backends.cuda import CudaBackend
from ftx.core.backend import get_backend
from ftx.core.errors import BackendError


def has_gpu() -> bool:
    try:
        CudaBackend()
    except BackendError:
        return False
    return True


without_gpu = pytest.mark.skipif(has_gpu(), reason="this machine has a GPU")


def assert_clear(error: BackendError) -> None:
    message = str(error)
    assert "cuda: expected an NVIDIA GPU, its driver" in message
    assert ".[cuda13]" in message and "nvidia-smi" in message
    assert "default_backend', 'cpu'" in message
    assert error.__cause__ is None and (error.__context__ is None or error.__suppress_context__)


@without_gpu
def test_backend_by_name():
    with pytest.raises(BackendError) as caught:
        get_backend("cuda")
    assert_clear(caught.value)


@without_gpu
def test_jit_says_so_and_the_cpu_goes_on():
    x = np.arange(4, dtype=np.float32)
    double = ftx.jit(lambda x: x * 2)
    with ftx.config.override(default_backend="cuda"):
        for _ in range(2):  # the same words every time
            with pytest.raises(BackendError) as caught:
                double(x)
            assert_clear(caught.value)
    np.testing.assert_array_equal(np.asarray(double(x)), x * 2)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(cuda_backend, "missing_packages", lambda: ["numba-cuda"])
    with pytest.raises(BackendError, match="got no package numba-cuda; check") as caught:
        CudaBackend()
    assert_clear(caught.value)


def test_compiler_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("FTX_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cuda_compile, "missing_packages", lambda: ["numba-cuda", "cuda-core"])
    cuda_compile._compiler.cache_clear()
    text = "def kernel(p0):\n    p0[0] = f32(1234.5)\n"
    try:
        with pytest.raises(BackendError, match="got no numba-cuda and no cuda-core") as caught:
            cuda_compile.get_cubin(text, ("f32",))
    finally:
        cuda_compile._compiler.cache_clear()
    assert ".[cuda13]" in str(caught.value)
    assert "cuda-codegen" in str(caught.value)


def test_importing_ftx_imports_nothing_of_cuda():
    code = (
        "import sys, ftx, numpy as np\n"
        "ftx.jit(lambda x: x + 1)(np.ones(3, np.float32))\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('cuda', 'nvmath')\n"
        "       or m.startswith(('numba.cuda.cudadrv', 'ftx.backends.cuda'))]\n"
        "assert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""Kernels of real programs become PTX and machine code for sm_90, with no GPU."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

import ftx.numpy as fnp
from ftx.backends import cuda_compile
from ftx.backends.cuda_compile import get_cubin, get_ptx, link
from ftx.core.errors import BackendError
from tests.backends.cuda.programs import normal, programs, softmax

pytestmark = [
    pytest.mark.cudasim,
    pytest.mark.skipif(
        bool(cuda_compile.missing_packages()),
        reason="numba-cuda and cuda-core are not installed: pip install .[cuda-codegen]",
    ),
    # numba-cuda and llvmlite warn of their own deprecations.
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FTX_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cuda_compile, "_cubins", {})


def report(log):
    """(registers, bytes spilled) of every kernel in ptxas's log."""
    registers = [int(n) for n in re.findall(r"used (\d+) registers", log)]
    spills = [int(n) for n in re.findall(r"(\d+) bytes spill", log)]
    return registers, spills


@pytest.mark.parametrize("name", sorted(programs(1)))
def test_program_compiles(kernels, name):
    function, args = programs(1)[name]
    found = {(k.text, k.cells) for k in kernels(function, *args)}
    assert found
    for text, cells in found:
        ptx, entry = get_ptx(text, cells)
        assert ".target sm_90" in ptx and f".visible .entry {entry}(" in ptx
        signature = ptx.split(".visible .entry")[1].split(")")[0]
        assert signature.count(".param .u64 ") == len(cells)
        code, log = link(ptx, verbose=True)
        registers, spills = report(log)
        assert code[:4] == b"\x7fELF" and registers
        assert not any(spills), f"{name}: {log}\n{text}"


def test_softmax_of_long_rows(kernels):
    (kernel,) = kernels(softmax, np.zeros((4096, 1024), np.float32))
    ptx, _ = get_ptx(kernel.text, kernel.cells)
    _, log = link(ptx, verbose=True)
    (registers,), spills = report(log)
    assert registers <= 40 and not any(spills)  # 40: five blocks of 256 on a multiprocessor
    assert "bar.sync" in ptx and ".f64" not in ptx and "div.s64" not in ptx


def test_elements_cost_no_division(kernels):
    (kernel,) = kernels(lambda x, y: x + y.T, normal(64, 64), normal(64, 64))
    ptx, _ = get_ptx(kernel.text, kernel.cells)
    assert not re.search(r"\b(div|rem)\.", ptx)


def test_atomics_reach_memory(kernels):
    rows = np.array([0, 1, 1], np.int32)
    add = kernels(lambda x, u: x.at[rows].add(u), normal(3, 4), normal(3, 4))[-1]
    assert "red.global.add.f32" in get_ptx(add.text, add.cells)[0]
    largest = kernels(lambda x, u: x.at[rows].max(u), normal(3, 4), normal(3, 4))[-1]
    assert re.search(r"atom\S*\.cas\.b32", get_ptx(largest.text, largest.cells)[0])


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "complex64", "bool", "float64", "uint8"])
def test_every_cell_type(kernels, dtype):
    x = fnp.asarray(np.abs(normal(70, 40)) * 2).astype(dtype)
    for kernel in kernels(lambda x: (x == x.T[:, :1].T[0, 0], x * x), x):
        code, _ = link(get_ptx(kernel.text, kernel.cells)[0])
        assert code[:4] == b"\x7fELF"


TEXT = "def kernel(p0, p1):\n    i = cuda.grid(1)\n    p0[i] = exp_f32(p1[i])\n"


def test_the_same_text_gives_the_same_ptx_in_every_process():
    get_ptx("def kernel(p0):\n    p0[0] = f32(1)\n", ("f32",))  # moves Numba's counter
    first, name = get_ptx(TEXT, ("f32", "f32"))
    code = (
        "import sys\nfrom ftx.backends.cuda_compile import get_ptx\n"
        f"sys.stdout.write(get_ptx({TEXT!r}, ('f32', 'f32'))[0])\n"
    )
    second = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert first == second and name in first


def test_cubins_are_cached_on_disk(monkeypatch):
    monkeypatch.setattr(cuda_compile, "stats", cuda_compile.Stats())
    first = get_cubin(TEXT, ("f32", "f32"))
    assert get_cubin(TEXT, ("f32", "f32")) is first
    monkeypatch.setattr(cuda_compile, "_cubins", {})
    assert get_cubin(TEXT, ("f32", "f32")) == first
    assert cuda_compile.stats == cuda_compile.Stats(compiled=1, loaded_from_disk=1)
    assert get_cubin(TEXT, ("f32", "f32"), (8, 0)).code != first.code


def test_a_kernel_that_does_not_compile_says_so():
    with pytest.raises(BackendError, match="expected a kernel that compiles for sm_90"):
        get_ptx("def kernel(p0):\n    p0[0] = unknown(1)\n", ("f32",))

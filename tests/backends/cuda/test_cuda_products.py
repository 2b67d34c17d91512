"""Row-major products are asked of cuBLASLt in column-major words: checked against a stand-in."""

from __future__ import annotations

import ctypes
import enum
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from ftx.backends.cuda import GpuMemory, Products


class DescAttribute(enum.IntEnum):
    TRANSA = 1
    TRANSB = 2


class LayoutAttribute(enum.IntEnum):
    BATCH_COUNT = 1
    STRIDED_BATCH_OFFSET = 2


class PreferenceAttribute(enum.IntEnum):
    MAX_WORKSPACE_BYTES = 1


class Lt(ModuleType):
    """What `Products` uses of nvmath.bindings.cublasLt, in NumPy on host addresses."""

    MatmulDescAttribute = DescAttribute
    MatrixLayoutAttribute = LayoutAttribute
    MatmulPreferenceAttribute = PreferenceAttribute
    MatmulHeuristicResult = staticmethod(lambda count: SimpleNamespace(ptr=0))
    create = staticmethod(lambda: 0)
    matmul_preference_create = staticmethod(dict)
    matmul_preference_destroy = staticmethod(lambda preference: None)
    get_matmul_desc_attribute_dtype = staticmethod(lambda attribute: np.int32)

    @staticmethod
    def get_matrix_layout_attribute_dtype(attribute):
        return np.int32 if attribute is LayoutAttribute.BATCH_COUNT else np.int64

    @staticmethod
    def matmul_desc_create(compute, kind):
        return {"dtype": np.dtype([np.float32, np.float64][kind])}

    @staticmethod
    def matrix_layout_create(kind, rows, columns, leading):
        return {"rows": rows, "columns": columns, "leading": leading}

    @staticmethod
    def _set(target, attribute, address, nbytes):
        target[attribute] = int.from_bytes(ctypes.string_at(address, nbytes), sys.byteorder)

    matmul_desc_set_attribute = matrix_layout_set_attribute = _set
    matmul_preference_set_attribute = _set

    @staticmethod
    def matmul_algo_get_heuristic(handle, desc, a, b, c, d, preference, n, result, count):
        ctypes.c_int32.from_address(count).value = 1

    @staticmethod
    def matmul(handle, desc, alpha, a, la, b, lb, beta, c, lc, d, ld, algo, room, size, stream):
        x = Lt._matrices(a, la, desc["dtype"])
        y = Lt._matrices(b, lb, desc["dtype"])
        x = x.transpose(0, 2, 1) if desc[DescAttribute.TRANSA] else x
        y = y.transpose(0, 2, 1) if desc[DescAttribute.TRANSB] else y
        Lt._matrices(d, ld, desc["dtype"])[:] = x @ y

    @staticmethod
    def _matrices(address, layout, dtype):
        batch = layout.get(LayoutAttribute.BATCH_COUNT, 1)
        each = layout["leading"] * layout["columns"]
        step = layout.get(LayoutAttribute.STRIDED_BATCH_OFFSET, each)
        kind = ctypes.c_float if dtype == np.float32 else ctypes.c_double
        memory = (kind * (step * (batch - 1) + each)).from_address(address)
        flat = np.frombuffer(memory, dtype)
        strides = (step * dtype.itemsize, dtype.itemsize, layout["leading"] * dtype.itemsize)
        shape = (batch, layout["rows"], layout["columns"])
        return np.lib.stride_tricks.as_strided(flat, shape, strides)


@pytest.fixture
def products(monkeypatch):
    lt = Lt("nvmath.bindings.cublasLt")
    cublas = ModuleType("nvmath.bindings.cublas")
    cublas.ComputeType = SimpleNamespace(COMPUTE_32F=68, COMPUTE_64F=70)
    package = ModuleType("nvmath.bindings")
    package.cublasLt, package.cublas = lt, cublas
    monkeypatch.setitem(sys.modules, "nvmath", ModuleType("nvmath"))
    monkeypatch.setitem(sys.modules, "nvmath.bindings", package)
    device = SimpleNamespace(
        allocate=lambda nbytes: GpuMemory(0, None), _stream=SimpleNamespace(handle=0)
    )
    return Products(device)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("tb", ["N", "T"])
@pytest.mark.parametrize("ta", ["N", "T"])
def test_every_layout(products, ta, tb, batch, dtype):
    m, n, k = 4, 5, 6
    rng = np.random.default_rng(0)
    a = rng.standard_normal((batch, m, k) if ta == "N" else (batch, k, m)).astype(dtype)
    b = rng.standard_normal((batch, k, n) if tb == "N" else (batch, n, k)).astype(dtype)
    c = np.zeros((batch, m, n), dtype)
    arguments = {"dtype": np.dtype(dtype), "m": m, "n": n, "k": k, "ta": ta, "tb": tb}
    arguments |= {"batch": batch, "stride_a": m * k, "stride_b": k * n, "stride_c": m * n}
    products.run(a.ctypes.data, b.ctypes.data, c.ctypes.data, arguments)
    left = a if ta == "N" else a.transpose(0, 2, 1)
    right = b if tb == "N" else b.transpose(0, 2, 1)
    np.testing.assert_allclose(c, left @ right, 1e-5)

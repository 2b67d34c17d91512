"""Products as steps of a program: on our tiles where they serve, else by BLAS.

In: a canonical dot_general and the buffers of its operands.  Out: thunks.
A right operand that no iteration of a loop changes is packed once, before the loop.
Called by the CPU assembler.  Knows nothing of: fusion, the executor's instructions.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import cache
from .blas import blas_limit_address
from .library import blocks
from .machine_code import Kernel, host_features
from .memory import Temporary
from .product_shapes import Shape, shape_for
from .products import Left, Product, Right, packing_text, product_text
from .thunks import Gemm, RunKernel, Thunk, run_tasks

PARALLEL = 1 << 19
"""Multiply-adds from which a product is worth a fork-join: about 10 us of one thread."""
PARALLEL_PACK = 1 << 18
"""Bytes from which packing is."""


@dataclass
class Front:
    """What is done once before a loop: packing of operands that the loop leaves alone."""

    start: int
    unchanged: set[Any]
    thunks: list[Thunk] = field(default_factory=list)
    packed: dict[Any, Temporary] = field(default_factory=dict)


@functools.cache
def tile_shape(dtype: Any) -> Shape | None:
    """The tile of this processor for a dtype; None: BLAS only."""
    if dtype not in (np.float32, np.float64):
        return None
    return shape_for(dtype.itemsize, features())


def turn_shape(itemsize: int) -> Shape:
    """The squares in which this processor transposes numbers of so many bytes."""
    return shape_for(itemsize, features()) or Shape(itemsize, 16, 4, 2)


@functools.cache
def features() -> frozenset[str]:
    """The processor's features, as LLVM names them."""
    return frozenset(f[1:] for f in host_features().split(",") if f.startswith("+"))


@functools.cache
def _kernels(shape: Shape) -> tuple[Kernel, Kernel]:
    """The kernels that compute and that pack every product of one shape of tile."""
    # The size of the memory on the stack stands in the shape, not in the text.
    code = (Path(__file__).parent / "tile.py").read_bytes()
    version = hashlib.sha256(code + f"{shape} {shape.scratch}".encode()).hexdigest()

    def names() -> dict[str, Any]:
        from .tile import namespace

        return namespace(shape)

    return (
        cache.get_kernel(product_text(shape), "kernel", names, version=version),
        cache.get_kernel(packing_text(shape), "kernel", names, version=version),
    )


def dot_steps(assembler: Any, arguments: dict[str, Any], label: str, a: Any, b: Any, c: Any) -> Any:
    """Thunks for the product that `gemm_arguments` describes."""
    m, n, k = (arguments[name] for name in "mnk")
    shape = tile_shape(arguments["dtype"]) if assembler.tiles else None
    if shape is None or m == 1 or n == 1:
        return _blas(assembler, arguments, label, a, b, c)
    left = (
        Left(m, k, 1, k, batch=m * k) if arguments["ta"] == "N" else Left(m, 1, m, k, batch=m * k)
    )
    right = Right(n, n, 1, k * n) if arguments["tb"] == "N" else Right(n, 1, k, k * n)
    kept = bool(assembler.fronts) and b in assembler.fronts[-1].unchanged
    product = Product(shape, left, right, arguments["batch"], n, m * n, shared=kept)
    return product_steps(assembler, product, label, a, b, c)


def _blas(assembler: Any, arguments: dict[str, Any], label: str, a: Any, b: Any, c: Any) -> Any:
    assembler.uses_blas = True
    size = arguments["dtype"].itemsize
    return [
        Gemm(a=(a, i * size), b=(b, j * size), c=(c, k * size), label=label, **block)
        for (i, j, k), block in blocks(arguments)
    ]


def product_steps(
    assembler: Any, product: Product, label: str, a: Any, b: Any, c: Any
) -> list[Thunk]:
    """Thunks that pack the right operand, if that pays, and multiply."""
    thunks: list[Thunk] = []
    if product.packed:
        b = _packed(assembler, product, label, b, thunks)
    tables = [assembler.constant(t, np.int64) for t in product.numbers()]
    kernel, _ = _kernels(product.shape)
    entries = [a, b, c, *tables]
    parallel = product.multiplications >= PARALLEL
    step = run_tasks(kernel, entries, product.tasks, parallel, label)
    assembler.products[id(step)] = product
    return [*thunks, step]


def _packed(assembler: Any, product: Product, label: str, b: Any, thunks: list[Thunk]) -> Any:
    """The packed right operand: made here, or before the outermost loop that leaves it alone."""
    front = None
    for candidate in reversed(assembler.fronts):
        if b not in candidate.unchanged:
            break
        front = candidate
    key = (b, product.right, product.left.depth, product.right_batch, product.shape)
    if front is not None and key in front.packed:
        target = front.packed[key]
        assembler.touch(target)
        return target
    table, tasks = product.packing()
    target = assembler.scratch(product.packed_bytes)
    entries = [b, target, assembler.constant(table, np.int64)]
    _, kernel = _kernels(product.shape)
    parallel = product.packed_bytes >= PARALLEL_PACK
    step = run_tasks(kernel, entries, tasks, parallel, f"pack {label}")
    assembler.packings[id(step)] = product
    if front is None:
        thunks.append(step)
    else:
        target.touch(front.start)
        front.thunks.append(step)
        front.packed[key] = target
    return target


_LIMIT = """def kernel(args, lo, hi):
    store_int64(load_int64(args + 8), call_address(load_int64(args), (1,)) & 4294967295)
    return 0
"""
_RESTORE = """def kernel(args, lo, hi):
    call_address(load_int64(args), (load_int64(load_int64(args + 8)),))
    return 0
"""


def one_blas_thread(thunks: list[Any], assembler: Any) -> list[Any]:
    """The program with BLAS's own threads off: ours share the blocks of its products.

    BLAS's threads wait by spinning; on a busy machine a product then took thirty times longer.
    """
    limit = blas_limit_address()
    if not limit:
        return thunks
    assembler.constants["limit BLAS threads"] = limit
    before = Temporary(8, first=0, last=assembler.time + 1)
    assembler.temporaries.append(before)
    entries = ["limit BLAS threads", before]
    first, last = (
        RunKernel(cache.get_kernel(text, "kernel"), entries, 1, label="BLAS threads")
        for text in (_LIMIT, _RESTORE)
    )
    return [first, *thunks, last]

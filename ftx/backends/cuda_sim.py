"""Runs CUDA kernels' text on the CPU, thread by thread, with no CUDA installed.

In: a kernel's text, its launch, NumPy arrays.  Out: what the kernel wrote into them.
A kernel with barriers becomes a generator that yields at each; the threads of a block then run in
turn from barrier to barrier.  Shared memory starts out as garbage, a barrier that some threads of
a block miss is an error, and threads may run in reverse, so that a missing barrier shows.
Also `SimDevice`, a device whose memory is NumPy's, for whole programs.
Knows nothing of: how kernels are written or compiled.
"""

from __future__ import annotations

import functools
import math
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.errors import BackendError
from . import intrinsics
from .cuda_text import ADDED, ATOMICS
from .vector_math import ROWS

BARRIER = "cuda.syncthreads()"
_COMBINE = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


class _Dim:
    """One of threadIdx, blockIdx, blockDim, gridDim; kernels use x only."""

    def __init__(self) -> None:
        self.x = 0


class SimCuda:
    """What a kernel's text calls `cuda`."""

    def __init__(self) -> None:
        self.threadIdx, self.blockIdx, self.blockDim = _Dim(), _Dim(), _Dim()
        self.shared = types.SimpleNamespace(array=self._shared)
        self.local = types.SimpleNamespace(array=_garbage)
        self.arrays: list[Any] = []
        self.next = 0

    def grid(self, axes: int) -> int:
        """The number of this thread among all."""
        assert axes == 1
        return self.blockIdx.x * self.blockDim.x + self.threadIdx.x

    def _shared(self, size: int, scalar: Any) -> Any:
        """The block's n-th shared array at a thread's n-th request."""
        self.next += 1
        if self.next > len(self.arrays):
            self.arrays.append(_garbage(size, scalar))
        return self.arrays[self.next - 1]


def _garbage(size: int, scalar: Any) -> Any:
    dtype = np.dtype(getattr(scalar, "stored", scalar))
    if dtype.kind in "fc":
        return np.full(size, np.nan, dtype)
    return np.full(size, np.iinfo(dtype).max // 3, dtype)


def _twin(row: tuple[Any, ...]) -> Callable[..., Any]:
    """A formula on NumPy scalars, as `intrinsics.twin` but silent once per launch."""
    formula, result, *operands = row
    returned = intrinsics.NUMPY[result]
    scalars = [intrinsics.NUMPY[k] for k in operands]
    eager = intrinsics.EAGER
    if len(scalars) == 1:
        (only,) = scalars
        return lambda x: returned(formula(eager, only(x)))
    return lambda *xs: returned(formula(eager, *[s(x) for s, x in zip(scalars, xs, strict=True)]))


def _atomic(op: str, t: str) -> Callable[..., None]:
    combine, scalar = _COMBINE[op], intrinsics.NUMPY[t]

    def update(pointer: Any, at: int, value: Any) -> None:
        pointer[at] = combine(pointer[at], scalar(value))

    return update


@functools.cache
def _names() -> dict[str, Any]:
    names: dict[str, Any] = {n: _twin(row) for n, row in (ROWS | ADDED).items()}
    for t, scalar in intrinsics.NUMPY.items():
        names[f"select_{t}"] = lambda c, a, b, s=scalar: s(a) if c else s(b)
        if t[0] == "f":
            names[f"add_reassoc_{t}"] = lambda a, b: a + b
            names[f"mul_reassoc_{t}"] = lambda a, b: a * b
    names |= {n: _atomic(*row) for n, row in ATOMICS.items() if n is not None}
    scalars = {dtypes.short_name(d): d.type for d in dtypes.ALL if d != dtypes.bfloat16}
    scalars |= {f"u{n}": _unsigned(getattr(np, f"uint{n}")) for n in (8, 16, 32, 64)}
    other: dict[str, Any] = {"quotient": lambda x, n: x // n, "remainder": lambda x, n: x % n}
    other |= {"index": int, "cell": int, "inf": math.inf, "nan": math.nan}
    return names | scalars | other


def _unsigned(scalar: Any) -> Callable[[Any], Any]:
    """A constructor that wraps, as C's does; NumPy's refuses negative Python numbers."""

    def make(x: Any) -> Any:
        return scalar(x & np.iinfo(scalar).max if type(x) is int else x)

    make.stored = scalar  # type: ignore[attr-defined]
    return make


class SimKernel:
    """A kernel's text, ready to run."""

    def __init__(self, text: str, name: str = "kernel"):
        self.cuda = SimCuda()
        self.has_barriers = BARRIER in text
        space = {**_names(), "cuda": self.cuda}
        source = text.replace(BARRIER, "yield")
        exec(compile(source, f"<cuda {name}>", "exec"), space)
        self.function = space[name]

    def launch(self, blocks: int, threads: int, args: Sequence[Any], reverse: bool = False) -> None:
        """Run every block, one after another.

        Args:
          args: one 1-D array per pointer, of the kernel's cell type.
          reverse: run blocks and threads from the last to the first.
        """
        cuda = self.cuda
        cuda.blockDim.x = threads
        order = range(threads - 1, -1, -1) if reverse else range(threads)
        with np.errstate(all="ignore"):
            for block in range(blocks - 1, -1, -1) if reverse else range(blocks):
                cuda.blockIdx.x, cuda.arrays = block, []
                if self.has_barriers:
                    self._block(order, args)
                    continue
                for thread in order:
                    cuda.threadIdx.x, cuda.next = thread, 0
                    self.function(*args)

    def _block(self, order: range, args: Sequence[Any]) -> None:
        running: list[Iterator[None]] = [self.function(*args) for _ in order]
        first = True
        while running:
            waiting = []
            for thread, generator in zip(order, running, strict=True):
                if first:
                    self.cuda.threadIdx.x, self.cuda.next = thread, 0
                if next(generator, _DONE) is not _DONE:
                    waiting.append(generator)
            if waiting and len(waiting) != len(running):
                raise BackendError(
                    f"cuda-sim: expected all {len(running)} threads of a block at a barrier, got "
                    f"{len(waiting)}; this is an error of ftx in the kernel's text"
                )
            running, first = waiting, False


_DONE = object()


class SimDevice:
    """A device whose memory is NumPy's and whose launches run here."""

    name = "cuda-sim"

    def __init__(self, reverse: bool = False):
        self.reverse = reverse
        self.launches = 0
        self._lock = threading.Lock()  # kernels hold the state of the thread they are running

    def allocate(self, nbytes: int) -> Any:
        """Memory of its own, as bytes."""
        return np.full(nbytes, 0xA5, np.uint8)

    def upload(self, value: np.ndarray[Any, Any]) -> Any:
        """A device copy of a contiguous array."""
        return np.frombuffer(bytearray(value.tobytes()), np.uint8)

    def download(self, memory: Any, out: np.ndarray[Any, Any]) -> None:
        """Copy into a contiguous host array; what ran before has ended then."""
        out.reshape(-1).view(np.uint8)[:] = memory[: out.nbytes]

    def at(self, memory: Any, offset: int) -> Any:
        """The memory from `offset` bytes on."""
        return memory[offset:] if offset else memory

    def copy(self, out: Any, memory: Any, nbytes: int) -> None:
        """Within the device."""
        out[:nbytes] = memory[:nbytes]

    def clear(self, out: Any, nbytes: int) -> None:
        """Zeros."""
        out[:nbytes] = 0

    def load(self, text: str, cells: tuple[str, ...]) -> Any:
        """A kernel, ready to launch."""
        return SimKernel(text), [dtypes.from_short_name(c) for c in cells]

    def launch(self, kernel: Any, blocks: int, threads: int, memory: Sequence[Any]) -> None:
        """Run a kernel on the buffers whose addresses it takes."""
        loaded, cells = kernel
        args = [
            m[: m.nbytes // d.itemsize * d.itemsize].view(d)
            for m, d in zip(memory, cells, strict=True)
        ]
        with self._lock:
            self.launches += 1
            loaded.launch(blocks, threads, args, self.reverse)

    def gemm(self, a: Any, b: Any, c: Any, arguments: dict[str, Any]) -> None:
        """A product in the layouts of `library.gemm_arguments`."""
        dtype, batch = arguments["dtype"], arguments["batch"]
        m, n, k = (arguments[x] for x in "mnk")
        x = a[: batch * m * k * dtype.itemsize].view(dtype)
        y = b[: batch * k * n * dtype.itemsize].view(dtype)
        x = x.reshape((batch, m, k) if arguments["ta"] == "N" else (batch, k, m))
        y = y.reshape((batch, k, n) if arguments["tb"] == "N" else (batch, n, k))
        x = x if arguments["ta"] == "N" else x.transpose(0, 2, 1)
        y = y if arguments["tb"] == "N" else y.transpose(0, 2, 1)
        out = c[: batch * m * n * dtype.itemsize].view(dtype).reshape(batch, m, n)
        out[:] = x @ y

    def takes_gemm(self, dtype: Any) -> bool:
        """Whether products of this dtype run on the device."""
        return True

    def synchronize(self) -> None:
        """Nothing is pending."""

"""The CUDA backend: a jaxpr becomes launches on one device, driven from the host.

In: a jaxpr without consts.  Out: an executable that takes and returns Arrays.
Kernels come from `cuda_source`; products, host steps, loops and branches are the thunks of the
CPU's assembler, walked here: loops run on the host, one launch after another on one stream.
Library steps other than products are computed by NumPy on copies.  The same executable runs on a
GPU (`GpuDevice`) and in the simulator (`cuda_sim.SimDevice`).
Results are copied to the host when a call returns; their device copies stay as long as the Arrays
live, so a result passed to the next call is not copied again.
Must not know: how kernels are written, Numba.
"""

from __future__ import annotations

import dataclasses
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ..core import dtypes
from ..core.array import Array, aval_of
from ..core.errors import BackendError, CompiledCallError, IndexOutOfRangeError
from ..core.jaxpr import Eqn, Jaxpr, Var
from ..transforms.passes import simplify
from .cpu import Assembler, distinct_results, fixed_result, fixed_results
from .cuda_compile import Capability, get_cubin, missing_packages
from .cuda_source import CudaKernel, render
from .fusion import Group
from .library import host_function
from .memory import plan
from .thunks import Copy, Fill, For, Gemm, Switch, Thunk, While

INSTALL = "the extra cuda13 (in a clone: python -m pip install '.[cuda13]')"
STATUS = "status words"


class Device(Protocol):
    """Where programs run: memory by handles, launches in order."""

    name: str

    def allocate(self, nbytes: int) -> Any: ...
    def upload(self, value: np.ndarray[Any, Any]) -> Any: ...
    def download(self, memory: Any, out: np.ndarray[Any, Any]) -> None: ...
    def at(self, memory: Any, offset: int) -> Any: ...
    def copy(self, out: Any, memory: Any, nbytes: int) -> None: ...
    def clear(self, out: Any, nbytes: int) -> None: ...
    def load(self, text: str, cells: tuple[str, ...]) -> Any: ...
    def launch(self, kernel: Any, blocks: int, threads: int, memory: Sequence[Any]) -> None: ...
    def gemm(self, a: Any, b: Any, c: Any, arguments: dict[str, Any]) -> None: ...
    def takes_gemm(self, dtype: Any) -> bool: ...
    def synchronize(self) -> None: ...


# ---- From a graph to steps ---------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, eq=False)
class Launch(Thunk):
    """One kernel; `status` is the number of its status word, or None."""

    source: CudaKernel
    kernel: Any
    entries: Sequence[Any]
    status: int | None


@dataclasses.dataclass(frozen=True, eq=False)
class HostStep(Thunk):
    """A NumPy function on copies of the first `n_inputs` entries; writes the others."""

    function: Callable[..., None]
    entries: Sequence[Any]
    specs: Sequence[tuple[tuple[int, ...], Any]]
    n_inputs: int


class CudaAssembler(Assembler):
    """The CPU's assembler with launches instead of calls."""

    small_loops = shares_scatters = tiles = pieces = False

    THUNKS = frozenset(
        {
            *("dot_general", "conv_general_dilated", "concatenate"),
            *("cond", "scan", "while", "undefined"),
        }
    )
    """Library steps that are not host functions."""

    def __init__(self, device: Device):
        super().__init__()
        self.device = device
        self.checked: list[CudaKernel] = []

    def _kernels(self, group: Group, env: dict[Var, Any], needed: set[Any]) -> list[Any]:
        own = group.values
        sources = render(group, lambda v: v in needed or v in env or v not in own)
        return [self._launch(source, env) for source in sources]

    def _launch(self, source: CudaKernel, env: dict[Var, Any]) -> Launch:
        self.sources.append(source)  # type: ignore[arg-type]
        kernel = self.device.load(source.text, source.cells)
        entries = [self.place(v, env) for v in source.entries]
        status = len(self.checked) if source.checks else None
        if source.checks:
            self.checked.append(source)
        label = ", ".join(source.labels)
        return Launch(source, kernel, entries, status, label=label)

    def _library(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        name = eqn.primitive.name
        fits = name != "dot_general" or self.device.takes_gemm(eqn.outvars[0].aval.dtype)
        if name in self.THUNKS and fits:
            return super()._library(eqn, env)
        self.sources.append(f"# host step: {name}")
        atoms = (*eqn.invars, *eqn.outvars)
        entries = [self.place(a, env) for a in atoms]
        specs = [(a.aval.shape, a.aval.dtype) for a in atoms]
        function, n = host_function(eqn), len(eqn.invars)
        return [HostStep(function, entries, specs, n, label=name)]


# ---- Running steps -----------------------------------------------------------------------------


class Run:
    """One call: what every buffer is at the moment."""

    def __init__(self, device: Device, memory: dict[Any, Any]):
        self.device, self.memory = device, memory

    def place(self, entry: Any, more: int = 0) -> Any:
        """The memory of a buffer, or of (buffer, offset), and `more` bytes on."""
        name, offset = entry if isinstance(entry, tuple) else (entry, 0)
        found = self.memory[name]
        return self.device.at(found, offset + more) if offset + more else found

    def steps(self, thunks: Sequence[Any]) -> None:
        """One after another."""
        for thunk in thunks:
            getattr(self, f"_{type(thunk).__name__.lower()}")(thunk)

    def _launch(self, t: Launch) -> None:
        memory = [self.place(e) for e in t.entries]
        if t.status is not None:
            memory.append(self.place((STATUS, 8 * t.status)))
        self.device.launch(t.kernel, t.source.blocks, t.source.threads, memory)

    def _gemm(self, t: Gemm) -> None:
        names = ("dtype", "m", "n", "k", "ta", "tb", "batch", "stride_a", "stride_b", "stride_c")
        arguments = {name: getattr(t, name) for name in names}
        self.device.gemm(self.place(t.a), self.place(t.b), self.place(t.c), arguments)

    def _copy(self, t: Copy) -> None:
        self.device.copy(self.place(t.target), self.place(t.source), t.bytes)

    def _fill(self, t: Fill) -> None:
        self.device.clear(self.place(t.target), t.bytes)

    def fetch(self, entry: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        """A copy on the host."""
        out = np.empty(shape, dtype)
        if out.size:
            self.device.download(self.place(entry), out)
        return out

    def _hoststep(self, t: HostStep) -> None:
        n = t.n_inputs
        pairs = list(zip(t.entries, t.specs, strict=True))
        ins = [self.fetch(e, *spec) for e, spec in pairs[:n]]
        outs = [np.empty(shape, dtype) for _, (shape, dtype) in pairs[n:]]
        t.function(*ins, *outs)
        for (entry, _), value in zip(pairs[n:], outs, strict=True):
            if value.size:
                self.device.copy(self.place(entry), self.device.upload(value), value.nbytes)

    def _switch(self, t: Switch) -> None:
        kind = {1: np.bool_, 4: np.int32, 8: np.int64}[t.index_bytes]
        which = int(self.fetch(t.index, (), np.dtype(kind)))
        self.steps(t.branches[min(max(which, 0), len(t.branches) - 1)])

    def _for(self, t: For) -> None:
        if isinstance(t.n, int):
            count = t.n
        else:
            count = int(self.fetch(t.n, (), np.dtype(f"i{t.n_bytes}")))
        places = [self.place(c.init) for c in t.carries]
        for i in range(count):
            if t.index is not None:
                number = np.array(i, f"i{t.index_bytes}")
                self.device.copy(self.place(t.index), self.device.upload(number), number.nbytes)
            last = (count - 1 - i) % 2 == 0  # so that the last iteration writes into `out`
            places = self._iteration(t, i, places, [last] * len(places))
        self._leave(t.carries, places)

    def _while(self, t: While) -> None:
        places = [self.place(c.init) for c in t.carries]
        i = 0
        while True:
            for c, place in zip(t.carries, places, strict=True):
                self.memory[c.read] = place
            self.steps(t.condition)
            if not self.fetch(t.predicate, (), dtypes.bool_):
                break
            places = self._iteration(t, i, places, [i % 2 == 0] * len(places))
            i += 1
        self._leave(t.carries, places)

    def _iteration(self, t: Any, i: int, places: list[Any], into_out: list[bool]) -> list[Any]:
        for s in t.slices:
            self.memory[s.view] = self.place(s.of, i * s.stride)
        written = []
        for c, place, is_out in zip(t.carries, places, into_out, strict=True):
            self.memory[c.read] = place
            self.memory[c.write] = self.place(c.out if is_out else c.spare)
            written.append(self.memory[c.write])
        self.steps(t.body)
        return written

    def _leave(self, carries: Sequence[Any], places: list[Any]) -> None:
        for c, place in zip(carries, places, strict=True):
            out = self.place(c.out)
            if place is not out and c.bytes:
                self.device.copy(out, place, c.bytes)


class CudaExecutable:
    """A compiled program on one device."""

    aliased_bytes = 0

    def __init__(self, jaxpr: Jaxpr, device: Device, resident: Resident):
        self.device, self._resident = device, resident
        self._avals = [v.aval for v in jaxpr.invars]
        simple = distinct_results(jaxpr)
        self._fixed = fixed_results(jaxpr)
        assembler = CudaAssembler(device)
        env: dict[Var, Any] = {v: v for v in simple.invars}
        env |= {a: a for a in simple.outvars}  # type: ignore[misc]
        self._thunks = assembler.program(simple, env)
        self._offsets, self.arena_bytes = plan(assembler.temporaries)
        self._ins, self._outs = simple.invars, simple.outvars
        self._constants = {
            key: device.upload(value) for key, value in assembler.constants.items() if value.size
        }
        self._sources, self._checked = assembler.sources, assembler.checked

    def __call__(self, *args: Any) -> list[Any]:
        run = self.enter(*args)
        self.queue(run)
        return self.leave(run, *args)

    def enter(self, *args: Any) -> Run:
        """Arguments, results and temporaries on the device."""
        device = self.device
        memory: dict[Any, Any] = dict(self._constants)
        for var, x, aval in zip(self._ins, args, self._avals, strict=True):
            memory[var] = self._resident.memory(x, aval)
        for out in self._outs:
            memory[out] = device.allocate(max(1, out.aval.nbytes))
        if self.arena_bytes:
            arena = device.allocate(self.arena_bytes)
            memory |= {t: device.at(arena, offset) for t, offset in self._offsets.items()}
        if self._checked:
            memory[STATUS] = device.upload(np.zeros(len(self._checked), np.int64))
        return Run(device, memory)

    def queue(self, run: Run) -> None:
        """Every step; on a GPU they may still be running afterwards."""
        run.steps(self._thunks)

    def leave(self, run: Run, *args: Any) -> list[Any]:
        """The results, when they are there."""
        self._check(run)
        results = []
        for var in self._outs:
            value = run.fetch(var, var.aval.shape, var.aval.dtype)
            results.append(Array(value, var.aval.weak_type))
            self._resident.keep(results[-1], run.memory[var])
        if self._fixed is None:
            return results
        return [
            results[k] if kind == "new" else fixed_result(kind, k, args) for kind, k in self._fixed
        ]

    def _check(self, run: Run) -> None:
        if not self._checked:
            return
        words = run.fetch(STATUS, (len(self._checked),), dtypes.int64)
        for source, word in zip(self._checked, words.tolist(), strict=True):
            if word:
                size, line = source.checks[(word & -word).bit_length() - 1]
                raise IndexOutOfRangeError(
                    f"index out of range: expected indices in 0..{size - 1} of an axis of size "
                    f"{size}, got one outside; use .at[...].get(mode='clip'), mode='fill' or a "
                    "mask",
                    str(line) if line is not None and line.file else None,
                )

    def kernels(self) -> list[str]:
        """The text of every kernel and library step, in order."""
        return [s if isinstance(s, str) else s.text for s in self._sources]

    def kernel_sources(self) -> list[CudaKernel]:
        """The kernels with their launches."""
        return [s for s in self._sources if isinstance(s, CudaKernel)]


class Resident:
    """Device copies of Arrays that calls returned, for as long as the Arrays live."""

    def __init__(self, device: Device):
        self.device = device
        self._copies: dict[int, tuple[Any, Any]] = {}

    def keep(self, array: Array, memory: Any) -> None:
        """Remember where an Array's elements are."""
        key = id(array)
        self._copies[key] = weakref.ref(array, lambda _: self._copies.pop(key, None)), memory

    def memory(self, x: Any, aval: Any) -> Any:
        """The elements of an argument on the device."""
        if type(x) is Array:
            found = self._copies.get(id(x))
            if found is not None and found[0]() is x and not x.is_deleted():
                return found[1]
            value = x.buffer()
        else:
            value = np.asarray(x, aval.dtype)
        if value.shape != aval.shape:
            raise CompiledCallError(f"compiled call: expected {aval}, got {aval_of(x)}")
        if not value.size:
            return self.device.allocate(1)
        return self.device.upload(np.ascontiguousarray(value))


class CudaBackend:
    """Compiles for a CUDA device: the first GPU, unless a device is given.

    Raises: BackendError if there is no GPU, no driver, or a package is missing.
    """

    name = "cuda"

    def __init__(self, device: Device | None = None):
        self.device: Device = GpuDevice() if device is None else device
        self.name = self.device.name
        self._resident = Resident(self.device)

    def compile(self, jaxpr: Jaxpr, donated: Sequence[bool] = ()) -> CudaExecutable:
        """`jaxpr` has no consts."""
        return CudaExecutable(simplify(jaxpr), self.device, self._resident)


# ---- The GPU -----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class GpuMemory:
    """An address, and the allocation that must outlive it."""

    address: int
    owner: Any


class GpuDevice:
    """One GPU through cuda.core: a stream, a pool of memory, kernels by content."""

    name = "cuda"

    def __init__(self, number: int = 0):
        gone = missing_packages()
        if gone:
            raise _unavailable(f"no package {' and no package '.join(gone)}")
        try:
            from cuda import core
            from cuda.bindings import driver

            (error,) = driver.cuInit(0)
            if int(error):
                raise RuntimeError(f"the driver answers {error.name}")
            self._device = core.Device(number)
            self._device.set_current()
            capability = self._device.compute_capability
            self._stream = self._device.create_stream()
            self._pool = core.DeviceMemoryResource(number)
        except Exception as error:  # cuda's own errors differ by version; none may reach the user
            raise _unavailable(f"{type(error).__name__}: {error}") from None
        self.capability: Capability = (int(capability.major), int(capability.minor))
        self._core, self._driver = core, driver
        self._kernels: dict[str, Any] = {}
        self._products: Any = None
        self._lock = threading.Lock()

    def _call(self, function: str, *args: Any) -> None:
        self._device.set_current()
        (error,) = getattr(self._driver, function)(*args)
        if int(error):
            raise BackendError(
                f"cuda: expected {function} to succeed, got {error.name}; check the driver "
                "with python -m ftx doctor"
            )

    def allocate(self, nbytes: int) -> GpuMemory:
        """From the stream-ordered pool; freed when the last use of it is."""
        self._device.set_current()
        buffer = self._pool.allocate(nbytes, stream=self._stream)
        return GpuMemory(int(buffer.handle), buffer)

    def upload(self, value: np.ndarray[Any, Any]) -> GpuMemory:
        """A device copy of a contiguous array."""
        memory = self.allocate(value.nbytes)
        self._call(
            "cuMemcpyHtoDAsync",
            memory.address,
            value.ctypes.data,
            value.nbytes,
            self._stream.handle,
        )
        return memory

    def download(self, memory: GpuMemory, out: np.ndarray[Any, Any]) -> None:
        """Copy into a contiguous host array, and wait for it."""
        self._call(
            "cuMemcpyDtoHAsync", out.ctypes.data, memory.address, out.nbytes, self._stream.handle
        )
        self.synchronize()

    def at(self, memory: GpuMemory, offset: int) -> GpuMemory:
        """The memory from `offset` bytes on."""
        return GpuMemory(memory.address + offset, memory.owner)

    def copy(self, out: GpuMemory, memory: GpuMemory, nbytes: int) -> None:
        """Within the device."""
        self._call("cuMemcpyDtoDAsync", out.address, memory.address, nbytes, self._stream.handle)

    def clear(self, out: GpuMemory, nbytes: int) -> None:
        """Zeros."""
        self._call("cuMemsetD8Async", out.address, 0, nbytes, self._stream.handle)

    def load(self, text: str, cells: tuple[str, ...]) -> Any:
        """A kernel, compiled for this chip, ready to launch."""
        cubin = get_cubin(text, cells, self.capability)
        with self._lock:
            if cubin.name not in self._kernels:
                module = self._core.ObjectCode.from_cubin(cubin.code)
                self._kernels[cubin.name] = module.get_kernel(cubin.name)
            return self._kernels[cubin.name]

    def launch(self, kernel: Any, blocks: int, threads: int, memory: Sequence[Any]) -> None:
        """Queue a kernel."""
        self._device.set_current()
        config = self._core.LaunchConfig(grid=blocks, block=threads)
        addresses = [m.address for m in memory]  # a Python int fills a 64-bit slot
        try:
            self._core.launch(self._stream, config, kernel, *addresses)
        except Exception as error:
            raise BackendError(
                f"cuda: expected a launch of {blocks} blocks of {threads} threads to succeed, "
                f"got {type(error).__name__}: {error}; this is an error of ftx"
            ) from error

    def gemm(self, a: Any, b: Any, c: Any, arguments: dict[str, Any]) -> None:
        """A product in the layouts of `library.gemm_arguments`, by cuBLASLt."""
        self._device.set_current()
        if self._products is None:
            self._products = Products(self)
        self._products.run(a.address, b.address, c.address, arguments)

    def takes_gemm(self, dtype: Any) -> bool:
        """Whether products of this dtype run on the device."""
        return dtype in (dtypes.float32, dtypes.float64)

    def synchronize(self) -> None:
        """Wait for everything queued."""
        try:
            self._stream.sync()
        except Exception as error:
            raise BackendError(
                f"cuda: expected the kernels to end, got {type(error).__name__}: {error}; "
                "this is an error of ftx"
            ) from error


def _unavailable(reason: str) -> BackendError:
    return BackendError(
        f"cuda: expected an NVIDIA GPU, its driver for CUDA 13 or later, and the packages of "
        f"{INSTALL}; got {reason}; check nvidia-smi, or stay on the CPU: "
        "ftx.config.update('default_backend', 'cpu')"
    )


class Products:
    """Matrix products by cuBLASLt; the algorithm of each size is chosen once.

    Row-major c = op(a) op(b) is computed as column-major c' = op(b)' op(a)'.
    """

    WORKSPACE = 32 << 20
    """Bytes: what cuBLASLt's fastest algorithms ask for on sm_90."""

    def __init__(self, device: GpuDevice):
        try:
            from nvmath.bindings import cublas, cublasLt
        except Exception as error:
            raise BackendError(
                f"cuda: expected the package nvmath-python and cuBLAS for products, got "
                f"{type(error).__name__}: {error}; install {INSTALL}"
            ) from None
        self._lt, self._compute, self._device = cublasLt, cublas.ComputeType, device
        self._handle = cublasLt.create()
        self._workspace = device.allocate(self.WORKSPACE)
        self._plans: dict[Any, tuple[Any, ...]] = {}

    def run(self, a: int, b: int, c: int, arguments: dict[str, Any]) -> None:
        """Queue one product on the device's stream."""
        key = tuple(arguments.values())
        if key not in self._plans:
            self._plans[key] = self._plan(**arguments)
        description, x, y, out, found, one, zero = self._plans[key]
        self._lt.matmul(
            self._handle, description, one.ctypes.data, b, x, a, y, zero.ctypes.data, c, out,
            c, out, found.ptr, self._workspace.address, self.WORKSPACE,
            int(self._device._stream.handle),
        )  # fmt: skip

    def _plan(
        self, dtype: Any, m: int, n: int, k: int, ta: str, tb: str, batch: int, **strides: int
    ) -> tuple[Any, ...]:
        lt = self._lt
        single = dtype == dtypes.float32
        kind = 0 if single else 1  # CUDA_R_32F, CUDA_R_64F
        compute = self._compute.COMPUTE_32F if single else self._compute.COMPUTE_64F
        description = lt.matmul_desc_create(int(compute), kind)
        for name, flag in (("TRANSA", tb == "T"), ("TRANSB", ta == "T")):
            attribute = lt.MatmulDescAttribute[name]
            value = np.array([int(flag)], lt.get_matmul_desc_attribute_dtype(attribute))
            lt.matmul_desc_set_attribute(description, attribute, value.ctypes.data, value.nbytes)
        x = self._layout(kind, *((k, n) if tb == "T" else (n, k)), batch, strides["stride_b"])
        y = self._layout(kind, *((m, k) if ta == "T" else (k, m)), batch, strides["stride_a"])
        out = self._layout(kind, n, m, batch, strides["stride_c"])
        preference = lt.matmul_preference_create()
        room = np.array([self.WORKSPACE], np.uint64)
        attribute = lt.MatmulPreferenceAttribute.MAX_WORKSPACE_BYTES
        lt.matmul_preference_set_attribute(preference, attribute, room.ctypes.data, room.nbytes)
        found, count = lt.MatmulHeuristicResult(1), np.zeros(1, np.int32)
        lt.matmul_algo_get_heuristic(
            self._handle, description, x, y, out, out, preference, 1, found.ptr, count.ctypes.data
        )
        lt.matmul_preference_destroy(preference)
        if not count[0]:
            raise BackendError(
                f"cuda: expected a product that cuBLASLt has an algorithm for, got {dtype} "
                f"m={m} n={n} k={k}; use another dtype, or the CPU"
            )
        return description, x, y, out, found, np.ones(1, dtype), np.zeros(1, dtype)

    def _layout(self, kind: int, rows: int, columns: int, batch: int, stride: int) -> Any:
        """Dense column-major matrices, `stride` elements apart."""
        lt = self._lt
        layout = lt.matrix_layout_create(kind, rows, columns, rows)
        if batch > 1:
            names = (("BATCH_COUNT", batch), ("STRIDED_BATCH_OFFSET", stride))
            for name, number in names:
                attribute = lt.MatrixLayoutAttribute[name]
                value = np.array([number], lt.get_matrix_layout_attribute_dtype(attribute))
                lt.matrix_layout_set_attribute(layout, attribute, value.ctypes.data, value.nbytes)
        return layout

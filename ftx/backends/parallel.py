"""What runs beneath the executor: its machine's text, the thread pool, the BLAS.

In: $FTX_NUM_THREADS and the libraries found.  Out: kernel text, addresses, and words for them.
Called by the executor only. Splits of work come from its thunks, so results do not depend on the
number of threads. Must not know: programs, buffers, jaxprs. Does not import Numba, whose threading
layers are loaded by file name: TBB (safe anywhere), OpenMP (spins, slow on a busy machine) and
workqueue (one region at a time or the process aborts: under `lock_address`, else run in place).
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import enum
import functools
import importlib.machinery
import importlib.util
import os
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from . import cache
from .numba_adapter import Kernel

LAYERS = ("tbb", "omp", "workqueue")
_MODULES = {"tbb": "tbbpool", "omp": "omppool", "workqueue": "workqueue"}
_TBB_FILE = {"win32": "tbb12.dll", "darwin": "libtbb.12.dylib"}.get(sys.platform, "libtbb.so.12")
_TBB_MINIMUM = 12060  # interface version that Numba's layer needs (2021.6)


@dataclasses.dataclass(frozen=True, slots=True)
class Layer:
    """A running thread pool."""

    name: str
    address: int  # of its parallel_for
    needs_lock: bool  # only one region may run at a time
    module: ModuleType = dataclasses.field(repr=False)


def _available_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_threads() -> int:
    """$FTX_NUM_THREADS, or the cores this process may use."""
    text = os.environ.get("FTX_NUM_THREADS")
    if not text:
        return _available_cores()
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"FTX_NUM_THREADS: expected a positive integer, got {text!r}")
    return int(text)


_cells = np.zeros(2, np.int64)  # read by the executor: thread count, workqueue's lock
_cells[0] = default_threads()
threads_address: int = _cells.ctypes.data
lock_address: int = threads_address + 8
_limit = 2**31 - 1  # of threads; workqueue cannot use more than it was started with
_start_lock = threading.Lock()


def get_num_threads() -> int:
    """Threads that a parallel thunk may use, the calling one included."""
    return int(_cells[0])


def set_num_threads(count: int) -> None:
    """Let parallel thunks use `count` threads from their next start on; results do not change."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"set_num_threads: expected a positive integer, got {count!r}")
    _cells[0] = min(count, _limit)


# ---- Layers ------------------------------------------------------------------------------------


def _load_tbb() -> None:
    """Load the TBB library where pip puts it, which the dynamic loader does not search."""
    folders = [
        Path(sys.prefix) / "lib",
        Path(sys.base_prefix) / "lib",
        Path(sys.prefix) / "Library" / "bin",
        Path(sys.prefix) / "bin",
    ]
    names = [str(folder / _TBB_FILE) for folder in folders if (folder / _TBB_FILE).exists()]
    for name in [*names, _TBB_FILE]:
        try:
            library = ctypes.CDLL(name, mode=getattr(ctypes, "RTLD_GLOBAL", 0))
        except OSError:
            continue
        if library.TBB_runtime_interface_version() >= _TBB_MINIMUM:
            return
    raise ImportError(f"no {_TBB_FILE} of interface {_TBB_MINIMUM} or later")


def _load_module(name: str) -> ModuleType:
    """The extension `numba.np.ufunc.<name>`, without importing the package above it."""
    full = f"numba.np.ufunc.{name}"
    if full in sys.modules:
        return sys.modules[full]
    package = importlib.util.find_spec("numba")
    if package is None or package.origin is None:
        raise ImportError("Numba is not installed")
    folder = Path(package.origin).parent / "np" / "ufunc"
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        path = folder / (name + suffix)
        if path.exists():
            loader = importlib.machinery.ExtensionFileLoader(full, str(path))
            spec: Any = importlib.util.spec_from_file_location(full, path, loader=loader)
            module = importlib.util.module_from_spec(spec)
            loader.exec_module(module)
            sys.modules[full] = module  # Numba's own import then finds the same one
            return module
    raise ImportError(f"Numba has no {name} in {folder}")


@functools.cache
def load_layer(name: str) -> Layer:
    """Start the thread pool of this layer. Raises ImportError if its library is missing."""
    global _limit
    if name not in LAYERS:
        raise ValueError(f"load_layer: expected one of {LAYERS}, got {name!r}")
    with _start_lock:
        if name == "tbb":
            _load_tbb()
        module = _load_module(_MODULES[name])
        start = ctypes.CFUNCTYPE(None, ctypes.c_int)(module.launch_threads)
        started = max(get_num_threads(), _available_cores())
        start(started)
        _limit = started if name == "workqueue" else _limit
        return Layer(name, module.parallel_for, name == "workqueue", module)


@functools.cache
def layer() -> Layer:
    """The layer in use: $FTX_THREADING_LAYER, or the first of TBB, OpenMP, workqueue."""
    chosen = os.environ.get("FTX_THREADING_LAYER")
    if chosen:
        return load_layer(chosen)
    for name in LAYERS[:-1]:
        try:
            return load_layer(name)
        except ImportError:
            continue
    return load_layer(LAYERS[-1])


def fork_join_seconds(
    name: str | None = None, *, chunks: int | None = None, repeat: int = 200
) -> tuple[float, float]:
    """(median, largest) seconds of an empty parallel region of `chunks` items in this layer."""
    used = load_layer(name) if name else layer()
    count = chunks or get_num_threads()
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5, *[ctypes.c_size_t] * 2, ctypes.c_int)(
        used.address
    )
    nothing = cache.get_kernel(_EMPTY, "empty", arity=4)
    words = np.array([0, count, 1], np.int64)  # first item, item count, step
    places = [words.ctypes.data + 8 * i for i in range(3)]
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call(nothing.address, *places, None, 0, 1, get_num_threads())
        times.append(time.perf_counter() - start)
    return sorted(times)[repeat // 2], max(times)


_EMPTY = "def empty(args, dims, steps, data):\n    return 0\n"


# ---- BLAS --------------------------------------------------------------------------------------

_LETTERS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}
_WORTH_A_REGION = 2**20  # multiply-adds of a batch: about 20 us of one thread


@functools.cache
def _openblas() -> Any:
    """NumPy's own OpenBLAS, or None where NumPy has another BLAS."""
    folder = Path(np.__file__).parent
    for path in [*folder.parent.glob("numpy.libs/*openblas*"), *folder.glob(".dylibs/*openblas*")]:
        with contextlib.suppress(OSError):
            return ctypes.CDLL(str(path))
    return None


@functools.cache
def blas_limit_address() -> int:
    """Address of a function that sets BLAS's thread count and returns the former; 0 if none."""
    function = getattr(_openblas(), "openblas_set_num_threads_local", None)
    return ctypes.cast(function, ctypes.c_void_p).value or 0 if function else 0


@functools.cache
def blas_address(routine: str) -> int:
    """Address of a Fortran BLAS routine such as "sgemm": in NumPy's OpenBLAS, else SciPy's.

    NumPy's is loaded already, and shares its threads with NumPy; importing SciPy's takes 0.25 s.
    The executor keeps integers in int64 words, whose low half is right for a 32-bit BLAS too.
    """
    for name in (f"scipy_{routine}_64_", f"scipy_{routine}_", f"{routine}_"):
        with contextlib.suppress(AttributeError):
            return ctypes.cast(getattr(_openblas(), name), ctypes.c_void_p).value or 0
    from scipy.linalg import cython_blas

    capsule = cython_blas.__pyx_capi__[routine]
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = (
        ctypes.c_char_p,
        [ctypes.py_object],
    )
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))


def blas_words(gemm: Any) -> tuple[int, list[int]]:
    """(1 if the batch goes on our threads, operands of `run_products` from its function on).

    A row-major matrix is the transpose of a column-major one, so c' = op(b)' op(a)' needs no
    copies. One column or row goes to gemv: measured 4 to 6 times faster at 2048, level when small.
    """
    dtype = np.dtype(gemm.dtype)
    letter = _LETTERS.get(dtype.name)
    if letter is None or gemm.ta not in "NTC" or gemm.tb not in "NTC":
        raise ValueError(
            f"Gemm: expected a dtype of {tuple(_LETTERS)} and ta, tb of N, T, C, got "
            f"{dtype.name}, {gemm.ta!r}, {gemm.tb!r}"
        )
    m, n, k = gemm.m, gemm.n, gemm.k
    lda = gemm.lda or max(1, k if gemm.ta == "N" else m)
    ldb = gemm.ldb or max(1, n if gemm.tb == "N" else k)
    ldc = gemm.ldc or max(1, n)
    strides = [s * dtype.itemsize for s in (gemm.stride_a, gemm.stride_b, gemm.stride_c)]
    scalars: list[int] = []
    for value in (gemm.alpha, gemm.beta):
        raw = np.array(value).astype(dtype).tobytes().ljust(16, b"\0")
        scalars += np.frombuffer(raw, np.int64).tolist()
    flip = {"N": ord("T"), "T": ord("N")}
    if n == 1 and k > 1 and gemm.ta != "C" and gemm.tb != "C":  # a is the matrix
        rows, columns = (k, m) if gemm.ta == "N" else (m, k)
        vector = ldb if gemm.tb == "N" else 1
        form, sizes = 1, [flip[gemm.ta], 0, rows, columns, 0, lda, vector, ldc]
    elif m == 1 and k > 1 and gemm.ta != "C" and gemm.tb != "C":  # b is
        rows, columns = (n, k) if gemm.tb == "N" else (k, n)
        vector = lda if gemm.ta == "T" else 1
        form, sizes = 2, [ord(gemm.tb), 0, rows, columns, 0, ldb, vector, 1]
    else:
        form, sizes = 0, [ord(gemm.tb), ord(gemm.ta), n, m, k, ldb, lda, ldc]
    function = blas_address(letter + ("gemv" if form else "gemm"))
    work = m * n * k
    together = gemm.batch > 1 and work * gemm.batch >= _WORTH_A_REGION
    return int(together), [function, form, *sizes, *scalars, *strides]


# ---- The machine, as kernel text ---------------------------------------------------------------


class Op(enum.IntEnum):
    """First word of an instruction."""

    END, KERNEL, REGION, COPY, FILL, HOST, BIND, COUNT, INDEX, STEP, AGAIN, JUMP, SWITCH, SETTLE = (
        range(14)
    )


class Head(enum.IntEnum):
    """Words before a program's instructions, as byte offsets."""

    (
        FREE,
        INPUTS,
        OUTPUTS,
        LIST,
        TUPLE,
        NDARRAY,
        INT,
        AS_ADDRESS,
        FROM_INT,
        SAVE,
        RESTORE,
        MACHINE,
        THREADS,
        LOCK,
        POOL,
        CHUNKS,
        PRODUCTS,
        CODE,
    ) = range(0, 18 * 8, 8)


class Work(enum.IntEnum):
    """Words before a workspace's addresses, as byte offsets: next free one; failing thunk and its
    status; a region's first item, item count, step; for its worker: instruction, workspace, status.
    """

    NEXT, FAILED, STATUS, FIRST, ITEMS, STEP, JOB_PC, JOB_WS, JOB_STATUS, ADDRESSES = range(
        0, 80, 8
    )


_HEAD = object.__basicsize__  # of a Python object; NumPy's data pointer follows it
LAYOUT = {
    "DATA": _HEAD,
    "TYPE": _HEAD - 8,
    "SIZE": _HEAD,
    "LIST_ITEMS": _HEAD + 8,
    "TUPLE_ITEMS": tuple.__basicsize__,
}

# run_program walks the instructions; run_chunks and run_products are workers of a region, whose
# first six words are the machine's own; enter is called by Python. Jumps count from their own
# instruction; addresses of the workspace are byte offsets.
_TEMPLATE = """
def run_program(ws, code, unused):
    pc = code + {Head.CODE}
    while True:
        op = load_int64(pc)
        if op == {Op.KERNEL}:                 # thunk, kernel, table, n
            status = call_address(load_int64(pc + 16),
                                  (ws + load_int64(pc + 24), 0, load_int64(pc + 32)))
            if status != 0:
                store_int64(ws + {Work.FAILED}, load_int64(pc + 8))
                store_int64(ws + {Work.STATUS}, status)
                return 1
            pc += 40
        elif op == {Op.STEP}:                 # sizes; (word, stride); (read, write, a, b); refills
            advances = load_int64(pc + 8)
            swaps = load_int64(pc + 16)
            refills = load_int64(pc + 24)
            pc += 32
            for i in range(advances):
                at = ws + load_int64(pc)
                store_int64(at, load_int64(at) + load_int64(pc + 8))
                pc += 16
            for i in range(swaps):
                at = ws + load_int64(pc + 8)
                written = load_int64(at)
                store_int64(ws + load_int64(pc), written)
                store_int64(at, load_int64(ws + load_int64(pc + 16))
                            + load_int64(ws + load_int64(pc + 24)) - written)
                pc += 32
            for i in range(refills):
                store_int64(ws + load_int64(pc), load_int64(ws + load_int64(pc + 8))
                            + load_int64(pc + 16))
                pc += 24
        elif op == {Op.AGAIN}:                # counter, jump
            at = ws + load_int64(pc + 8)
            left = load_int64(at) - 1
            store_int64(at, left)
            pc += load_int64(pc + 16) if left > 0 else 24
        elif op == {Op.JUMP}:                 # jump
            pc += load_int64(pc + 8)
        elif op == {Op.SWITCH}:               # entry, width, count, jumps
            at = load_int64(ws + load_int64(pc + 8))
            width = load_int64(pc + 16)
            value = (load_int8(at) if width == 1 else load_int32(at) if width == 4
                     else load_int64(at))
            value = min(max(value, 0), load_int64(pc + 24) - 1)
            pc += load_int64(pc + 32 + 8 * value)
        elif op == {Op.BIND}:                 # size; (word, source word, offset)
            size = load_int64(pc + 8)
            pc += 16
            for i in range(size):
                store_int64(ws + load_int64(pc), load_int64(ws + load_int64(pc + 8))
                            + load_int64(pc + 16))
                pc += 24
        elif op == {Op.INDEX}:                # entry, width, counter, total
            at = load_int64(ws + load_int64(pc + 8))
            value = load_int64(ws + load_int64(pc + 32)) - load_int64(ws + load_int64(pc + 24))
            if load_int64(pc + 16) == 4:
                store_int32(at, value)
            else:
                store_int64(at, value)
            pc += 40
        elif op == {Op.COUNT}:                # counter, total, width (0: given), n or entry, jump
            width = load_int64(pc + 24)
            value = load_int64(pc + 32)
            if width != 0:
                at = load_int64(ws + value)
                value = (load_int8(at) if width == 1 else load_int32(at) if width == 4
                         else load_int64(at))
            store_int64(ws + load_int64(pc + 8), value)
            store_int64(ws + load_int64(pc + 16), value)
            pc += load_int64(pc + 40) if value <= 0 else 48
        elif op == {Op.SETTLE}:               # size; (read, out, bytes)
            size = load_int64(pc + 8)
            pc += 16
            for i in range(size):
                source = load_int64(ws + load_int64(pc))
                target = load_int64(ws + load_int64(pc + 8))
                if source != target:
                    copy_bytes(target, source, load_int64(pc + 16))
                pc += 24
        elif op == {Op.COPY}:                 # thunk, table, bytes
            at = ws + load_int64(pc + 16)
            copy_bytes(load_int64(at), load_int64(at + 8), load_int64(pc + 24))
            pc += 32
        elif op == {Op.FILL}:                 # thunk, table, bytes, value
            fill_bytes(load_int64(ws + load_int64(pc + 16)), load_int64(pc + 24),
                       load_int64(pc + 32))
            pc += 40
        elif op == {Op.REGION}:               # thunk, size, worker's header word, items, parallel
            items = load_int64(pc + 32)
            worker = load_int64(code + load_int64(pc + 24))
            store_int64(ws + {Work.FIRST}, 0)
            store_int64(ws + {Work.ITEMS}, items)
            store_int64(ws + {Work.STEP}, 1)
            store_int64(ws + {Work.JOB_PC}, pc)
            store_int64(ws + {Work.JOB_WS}, ws)
            store_int64(ws + {Work.JOB_STATUS}, 0)
            threads = min(load_int64(load_int64(code + {Head.THREADS})), items)
            pool = load_int64(code + {Head.POOL})
            lock = load_int64(code + {Head.LOCK})
            together = threads > 1 and pool != 0 and load_int64(pc + 40) != 0
            if together and lock != 0:
                together = swap_if_equal(lock, 0, 1) != 0
            if together:
                call_address(pool, (worker, ws + {Work.FIRST}, ws + {Work.ITEMS}, ws + {Work.STEP},
                                    ws + {Work.JOB_PC}, 0, 1, threads))
                if lock != 0:
                    store_int64(lock, 0)
            else:
                call_address(worker, (ws + {Work.FIRST}, ws + {Work.ITEMS}, ws + {Work.STEP},
                                      ws + {Work.JOB_PC}))
            status = load_int64(ws + {Work.JOB_STATUS})
            if status != 0:
                store_int64(ws + {Work.FAILED}, load_int64(pc + 8))
                store_int64(ws + {Work.STATUS}, status)
                return 1
            pc += load_int64(pc + 16)
        elif op == {Op.HOST}:                 # thunk, callback, host, table
            if call_address(load_int64(pc + 16),
                            (load_int64(pc + 24), ws + load_int64(pc + 32))) != 0:
                store_int64(ws + {Work.FAILED}, load_int64(pc + 8))
                store_int64(ws + {Work.STATUS}, -1)
                return 1
            pc += 40
        else:
            return 0


def run_chunks(args, dims, steps, data):   # region: …, kernel, table, n, chunk
    pc = load_int64(data)
    kernel = load_int64(pc + 48)
    table = load_int64(data + 8) + load_int64(pc + 56)
    n = load_int64(pc + 64)
    chunk = load_int64(pc + 72)
    first = load_int64(args)
    for c in range(first, first + load_int64(dims)):
        status = call_address(kernel, (table, c * chunk, min(n, (c + 1) * chunk)))
        if status != 0:
            store_int64(data + 16, status)
    return 0


def run_products(args, dims, steps, data): # region: …, table, function, form, operands of BLAS
    pc = load_int64(data)
    table = load_int64(data + 8) + load_int64(pc + 48)
    function = load_int64(pc + 56)
    form = load_int64(pc + 64)
    at = pc + 72
    first = load_int64(args)
    for i in range(first, first + load_int64(dims)):
        a = load_int64(table) + i * load_int64(pc + 168)
        b = load_int64(table + 8) + i * load_int64(pc + 176)
        c = load_int64(table + 16) + i * load_int64(pc + 184)
        if form == 0:                      # matrices; in BLAS's order of columns c' = b' a'
            call_address(function, (at, at + 8, at + 16, at + 24, at + 32, at + 64, b, at + 40,
                                    a, at + 48, at + 80, c, at + 56))
        else:                              # matrix a, vector b; or the other way round
            if form == 2:
                a, b = b, a
            call_address(function, (at, at + 16, at + 24, at + 64, a, at + 40, b, at + 48,
                                    at + 80, c, at + 56))
    return 0


def enter(self, args, count):              # METH_FASTCALL: (inputs, outputs) or (workspace,) -> int
    code = load_int64(self + {DATA})
    ws = load_int64(code + {Head.FREE})
    result = 0
    if count == 1:                         # here, under the GIL, since it must not be interrupted
        given = call_address(load_int64(code + {Head.AS_ADDRESS}), (load_int64(args),))
        store_int64(given + {Work.NEXT}, ws)
        store_int64(code + {Head.FREE}, given)
    elif ws == 0:
        result = -1
    else:
        at = ws + {Work.ADDRESSES}
        for side in range(2):
            items = load_int64(args + 8 * side)
            kind = load_int64(items + {TYPE})
            size = load_int64(items + {SIZE})
            place = 0
            if kind == load_int64(code + {Head.LIST}):
                place = load_int64(items + {LIST_ITEMS})
            elif kind == load_int64(code + {Head.TUPLE}):
                place = items + {TUPLE_ITEMS}
            if place == 0 and size != 0 or size != load_int64(code + {Head.INPUTS} + 8 * side):
                result = -2
                break
            for i in range(size):
                item = load_int64(place + 8 * i)
                kind = load_int64(item + {TYPE})
                if kind == load_int64(code + {Head.NDARRAY}):
                    store_int64(at, load_int64(item + {DATA}))
                elif kind == load_int64(code + {Head.INT}):
                    store_int64(at, call_address(load_int64(code + {Head.AS_ADDRESS}), (item,)))
                else:
                    result = -2
                at += 8
        if result == 0:
            store_int64(code + {Head.FREE}, load_int64(ws + {Work.NEXT}))
            save = load_int64(code + {Head.SAVE})
            machine = load_int64(code + {Head.MACHINE})
            if save != 0:
                state = call_address(save, (0,))
                result = call_address(machine, (ws, code, 0))
                call_address(load_int64(code + {Head.RESTORE}), (state,))
            else:
                result = call_address(machine, (ws, code, 0))
            if result != 0:
                result = ws                # not given back before its error is read
            else:
                store_int64(ws + {Work.NEXT}, load_int64(code + {Head.FREE}))
                store_int64(code + {Head.FREE}, ws)
    return call_address(load_int64(code + {Head.FROM_INT}), (result,))
"""
MACHINE_TEXT = _TEMPLATE.format(Op=Op, Head=Head, Work=Work, **LAYOUT)


def _layout_holds() -> bool:
    """Whether arrays, lists and tuples lie in memory as `enter` reads them (CPython with a GIL)."""
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    if sys.implementation.name != "cpython" or not has_gil:
        return False

    def word(address: int) -> int:
        return ctypes.c_int64.from_address(address).value

    array = np.arange(3)
    items = [array, array]
    pair = (array, array, array)
    first = word(id(items) + LAYOUT["LIST_ITEMS"])
    return (
        word(id(array) + LAYOUT["DATA"]) == array.ctypes.data
        and word(id(array) + LAYOUT["TYPE"]) == id(np.ndarray)
        and word(id(items) + LAYOUT["SIZE"]) == 2
        and word(id(pair) + LAYOUT["SIZE"]) == 3
        and word(first + 8) == id(array)
        and word(id(pair) + LAYOUT["TUPLE_ITEMS"] + 16) == id(array)
    )


class _MethodDef(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


@functools.cache
def load_machine() -> tuple[Kernel, Kernel, Kernel, Kernel | None]:
    """The machine, its two workers, and `enter` if Python's objects are as it reads them."""
    machine = cache.get_kernel(MACHINE_TEXT, "run_program")
    chunks = cache.get_kernel(MACHINE_TEXT, "run_chunks", arity=4)
    products = cache.get_kernel(MACHINE_TEXT, "run_products", arity=4)
    enter = cache.get_kernel(MACHINE_TEXT, "enter") if _layout_holds() else None
    return machine, chunks, products, enter


@functools.cache
def _entry_definition(enter: Kernel) -> _MethodDef:
    method_fastcall = 0x80
    return _MethodDef(b"run", enter.address, method_fastcall, None)


def make_entry(enter: Kernel, code: np.ndarray) -> Any:
    """The Python function (inputs, outputs) -> status of the program in the array `code`."""
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return make(ctypes.addressof(_entry_definition(enter)), code, None)


def c_address(name: str) -> int:
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0

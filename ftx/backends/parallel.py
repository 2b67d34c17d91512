"""The thread pool that parallel thunks run on, and how many of its threads they may use.

In: $FTX_NUM_THREADS, $FTX_THREADING_LAYER, the libraries found.  Out: addresses for the executor.
Splits of work come from the thunks, so results do not depend on the number of threads.
Does not import Numba, whose threading layers are loaded by file name: TBB (safe anywhere), OpenMP
(spins, slow on a busy machine) and workqueue (one region at a time or the process aborts: under
`lock_address`, else run in place).  Must not know: programs, buffers, jaxprs.
"""

from __future__ import annotations

import ctypes
import dataclasses
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

from ..core.errors import ConfigError
from ..core.processor import available_cores
from . import cache

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


def default_threads() -> int:
    """$FTX_NUM_THREADS, or the cores this process may use."""
    text = os.environ.get("FTX_NUM_THREADS")
    if not text:
        return available_cores()
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"FTX_NUM_THREADS: expected a positive integer, got {text!r}")
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
        raise ConfigError(f"set_num_threads: expected a positive integer, got {count!r}")
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
        raise ConfigError(f"load_layer: expected one of {LAYERS}, got {name!r}")
    with _start_lock:
        if name == "tbb":
            _load_tbb()
        module = _load_module(_MODULES[name])
        start = ctypes.CFUNCTYPE(None, ctypes.c_int)(module.launch_threads)
        started = max(get_num_threads(), available_cores())
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

"""Kernels by content: in memory first, then on disk, compiled only if in neither.

In: kernel text, its name, a version of whatever else its code depends on.  Out: a loaded Kernel.
Called by the CPU back end and the executor. Safe under threads (one of them compiles) and under
processes (files appear whole or not at all); a damaged or unwritable folder costs one warning.
Must not know: what kernels compute, Numba (a warm start never imports it).
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..core.config import config
from .compile_pool import Namespace, Request, compile_all, compile_here
from .machine_code import Kernel, ObjectCode, identity, load_kernel

MAX_BYTES = 512 * 2**20  # of all files together; FTX_CACHE_SIZE (bytes) overrides
_MAGIC = b"ftx kernel 1\n"  # then sha256 of the rest, JSON line, object code
_STORES_PER_CHECK = 256  # the size is added up at the first store and so often
_TOUCH_AFTER = 3600.0  # seconds: a younger modification time is recent enough

Key = tuple[str, str, str, int]  # source, name, version, arity
NO_NAMES: Mapping[str, Any] = {}


@dataclasses.dataclass(slots=True)
class Stats:
    """How this process came by its kernels."""

    compiled: int = 0
    loaded_from_disk: int = 0
    found_in_memory: int = 0
    compile_seconds: float = 0.0
    load_seconds: float = 0.0  # reading and linking, of compiled kernels too


stats = Stats()


def reset_stats() -> None:
    """Set every counter of `stats` to zero."""
    for field in dataclasses.fields(Stats):
        setattr(stats, field.name, field.default)


_kernels: dict[Key, Kernel] = {}
_locks: dict[Key, threading.Lock] = {}
_guard = threading.Lock()  # of _locks and stats, held for moments only
_warned: set[str] = set()
_stores = 0


def _warn_once(topic: str, message: str) -> None:
    if topic not in _warned:
        _warned.add(topic)
        warnings.warn(message, RuntimeWarning, stacklevel=4)


# ---- The folder --------------------------------------------------------------------------------


def cache_folder() -> Path:
    """Where object code is kept: $FTX_CACHE_DIR, or the platform's cache folder / ftx."""
    chosen = config.cache_dir or os.environ.get("FTX_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "ftx"


def _entries() -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(cache_folder()) as shards:
        for shard in shards:
            if len(shard.name) == 2 and shard.is_dir():
                with contextlib.suppress(OSError), os.scandir(shard.path) as files:
                    yield from files


def cache_size() -> int:
    """Bytes of object code on disk, all processes' together."""
    total = 0
    for entry in _entries():
        with contextlib.suppress(OSError):  # another process may be clearing
            total += entry.stat().st_size
    return total


def clear() -> None:
    """Forget every kernel on disk and in memory; kernels in use stay valid."""
    _kernels.clear()
    for entry in list(_entries()):
        with contextlib.suppress(OSError):
            os.unlink(entry.path)


def _evict() -> None:
    """Delete the least recently used files until 3/4 of the limit remain."""
    limit = int(os.environ.get("FTX_CACHE_SIZE", MAX_BYTES))
    found = []
    for entry in _entries():
        with contextlib.suppress(OSError):
            status = entry.stat()
            found.append((status.st_mtime, status.st_size, entry.path))
    total = sum(size for _, size, _ in found)
    if total <= limit:
        return
    for _, size, path in sorted(found):
        if total <= 0.75 * limit:
            break
        with contextlib.suppress(OSError):
            os.unlink(path)
        total -= size


# ---- One file ----------------------------------------------------------------------------------


def _digest(source: str, name: str, version: str, arity: int) -> str:
    parts = (source, name, version, str(arity), identity())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _path(digest: str) -> Path:
    return cache_folder() / digest[:2] / f"{digest[2:]}.ftx"


def _read(digest: str) -> ObjectCode | None:
    """The entry, or None if there is none or it is damaged (one warning)."""
    if not config.enabled("disk_cache"):
        return None
    path = _path(digest)
    try:
        with open(path, "rb") as file:
            data = file.read()
            age = time.time() - os.fstat(file.fileno()).st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        _warn_once("read", f"ftx cache: cannot read {path} ({error}); compiling instead")
        return None
    body = data[len(_MAGIC) + 32 :]
    checksum = hashlib.sha256(digest.encode() + body).digest()
    if data[: len(_MAGIC)] != _MAGIC or data[len(_MAGIC) : len(_MAGIC) + 32] != checksum:
        _warn_once("damaged", f"ftx cache: {path} is damaged; compiling it again")
        return None
    if age > _TOUCH_AFTER:
        with contextlib.suppress(OSError):
            os.utime(path)
    header, _, code = body.partition(b"\n")
    fields = json.loads(header)
    return ObjectCode(code, fields["symbol"], tuple(fields["externals"]))


def _write(digest: str, object_code: ObjectCode) -> None:
    """Put the entry in the folder in one step; an unwritable folder costs one warning."""
    global _stores
    if not config.enabled("disk_cache"):
        return
    header = json.dumps({"symbol": object_code.symbol, "externals": object_code.externals})
    body = header.encode() + b"\n" + object_code.code
    checksum = hashlib.sha256(digest.encode() + body).digest()
    path = _path(digest)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with open(descriptor, "wb") as file:
            file.write(_MAGIC + checksum + body)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        _warn_once(
            "write",
            f"ftx cache: cannot write to {cache_folder()} ({error}); kernels are "
            f"kept in memory only; set FTX_CACHE_DIR to a writable folder",
        )
    finally:
        if temporary is not None:  # an error or Ctrl-C in between
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    if _stores % _STORES_PER_CHECK == 0:
        _evict()
    _stores += 1


# ---- The one call ------------------------------------------------------------------------------


def _load_from_disk(digest: str) -> Kernel | None:
    object_code = _read(digest)
    if object_code is None:
        return None
    try:
        return load_kernel(object_code)
    except RuntimeError as error:  # the checksum held, yet the linker refuses it
        _warn_once("damaged", f"ftx cache: {_path(digest)} does not load ({error}); compiling it")
        return None


def _from_disk(digest: str) -> Kernel | None:
    start = time.perf_counter()
    kernel = _load_from_disk(digest)
    if kernel is not None:
        with _guard:
            stats.loaded_from_disk += 1
            stats.load_seconds += time.perf_counter() - start
    return kernel


def _keep(digest: str, object_code: ObjectCode) -> Kernel:
    """The kernel of code just compiled, which goes to disk."""
    start = time.perf_counter()
    kernel = load_kernel(object_code)
    with _guard:
        stats.compiled += 1
        stats.load_seconds += time.perf_counter() - start
    _write(digest, object_code)
    return kernel


def _obtain(digest: str, request: Request) -> Kernel:
    kernel = _from_disk(digest)
    if kernel is not None:
        return kernel
    start = time.perf_counter()
    object_code = compile_here(request)
    with _guard:
        stats.compile_seconds += time.perf_counter() - start
    return _keep(digest, object_code)


def _obtain_once(key: Key, request: Request) -> Kernel:
    """`_obtain`, by one thread at a time for each key."""
    with _guard:
        lock = _locks.setdefault(key, threading.Lock())
    with lock:  # Ctrl-C inside leaves it free and nothing half-stored
        kernel = _kernels.get(key)
        if kernel is not None:
            stats.found_in_memory += 1
            return kernel
        kernel = _kernels[key] = _obtain(_digest(*key), request)
    with _guard:
        _locks.pop(key, None)
    return kernel


def get_kernel(
    source: str, name: str, namespace: Namespace = NO_NAMES, *, version: str = "", arity: int = 3
) -> Kernel:
    """The loaded kernel of this text: from memory, from disk, or compiled now.

    Args:
      source: text that defines `name(args, lo, hi)`; see `numba_adapter.compile_kernel`.
      namespace: further names of the text, or a function that gives them, called only if the
        kernel must be compiled (so a warm start need not import Numba).
      version: what the namespace computes, in any words that change whenever it does.
      arity: number of int64 parameters.
    Returns: a Kernel; the same object for the same text as long as the process lives. Within
      `gather`, a LateKernel if it must be compiled.
    """
    if not config.enabled("vectorise"):
        version += " not vectorised"
    key = (source, name, version, arity)
    kernel = _kernels.get(key)
    if kernel is not None:
        stats.found_in_memory += 1
        return kernel
    request = Request(source, name, namespace, arity)
    gathered: dict[Key, LateKernel] | None = getattr(_gathering, "found", None)
    if gathered is None:
        return _obtain_once(key, request)
    late = gathered.get(key)
    if late is not None:
        stats.found_in_memory += 1
        return late
    kernel = _from_disk(digest := _digest(*key))
    if kernel is not None:
        return _kernels.setdefault(key, kernel)
    gathered[key] = LateKernel(key, digest, request)
    return gathered[key]


# ---- Many at once ------------------------------------------------------------------------------


class LateKernel:
    """A kernel yet to be compiled: at the end of `gather`, or when its address is asked for."""

    __slots__ = ("_kernel", "digest", "key", "request")

    def __init__(self, key: Key, digest: str, request: Request):
        self.key, self.digest, self.request = key, digest, request
        self._kernel: Kernel | None = None

    @property
    def kernel(self) -> Kernel:
        """The kernel itself."""
        if self._kernel is None:
            self._kernel = _obtain_once(self.key, self.request)
        return self._kernel

    @property
    def address(self) -> int:
        """Where its code starts."""
        return self.kernel.address

    @property
    def ready(self) -> bool:
        """Whether it has been compiled."""
        return self._kernel is not None

    def accept(self, object_code: ObjectCode) -> None:
        """Take code that was compiled elsewhere."""
        self._kernel = _kernels.setdefault(self.key, _keep(self.digest, object_code))


_gathering = threading.local()


@contextlib.contextmanager
def gather() -> Iterator[None]:
    """Compile the missing kernels asked for in a `with` block together, at its end.

    Worker processes take part where that pays, see `compile_pool`.
    """
    outer = getattr(_gathering, "found", None)
    found: dict[Key, LateKernel] = {}
    _gathering.found = found
    try:
        yield
    finally:
        _gathering.found = outer
    missing = {late.request: late for late in found.values() if not late.ready}
    if missing:
        start, before = time.perf_counter(), stats.load_seconds
        compile_all(list(missing), lambda request, code: missing[request].accept(code))
        with _guard:
            loading = stats.load_seconds - before
            stats.compile_seconds += time.perf_counter() - start - loading

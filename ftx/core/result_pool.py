"""Memory of arrays: aligned if they are not small, and used again if they are large.

In: shape and dtype.  Out: an uninitialised array.  A fresh 16 MB array costs page faults and the
zeroing of its pages, 1 to 3 ms, more than the kernel that fills it; memory that was used before
costs nothing.  A block is free when the pool holds the only reference to it: every view of a
result, whoever made it, keeps the block as its base.  Vectors that straddle two cache lines take
a kernel 1.3 to 1.5 times as long, and NumPy's own large arrays begin 16 bytes into a line.
Knows nothing of: programs, Arrays.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

LEAST = 1 << 20
"""Bytes from which a result comes from the pool: below, the C library keeps freed memory itself."""
WORTH_ALIGNING = 1 << 15
"""Bytes from which an array begins at a cache line: 0.6 us for its memory."""
KEPT = 256 << 20
"""Bytes of free blocks that are kept at most; the rest goes back to the system."""
_ALIGNMENT = 64
_GRAIN = 1 << 16
"""Blocks have multiples of this size, so that results of nearly equal size share them."""


Block = tuple[np.ndarray[Any, Any], int]
"""Memory, and how many bytes of it to skip so that the rest is aligned."""


def _address(array: np.ndarray[Any, Any]) -> int:
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


def _new_block(size: int) -> Block:
    memory = np.empty(size, np.uint8)
    return memory, -_address(memory) % _ALIGNMENT


def _references(blocks: list[Block]) -> int:
    """What `getrefcount` says of memory that only its block and a loop over blocks refer to."""
    return next(sys.getrefcount(memory) for memory, _ in blocks)


_FREE = _references([_new_block(1)])
_COUNTS_HOLD = getattr(sys, "_is_gil_enabled", lambda: True)()
"""Without the GIL a count of references is no proof that nobody holds one."""


class ResultPool:
    """Blocks by size; safe under threads."""

    def __init__(self, least: int = LEAST, kept: int = KEPT):
        self.least, self.kept = least, kept
        self._blocks: dict[int, list[Block]] = {}
        self._lock = threading.Lock()

    def empty(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        """An uninitialised array, 64-byte aligned if it is large."""
        nbytes = math.prod(shape) * dtype.itemsize
        if nbytes < self.least or not _COUNTS_HOLD:
            return np.empty(shape, dtype)
        size = -(-(nbytes + _ALIGNMENT) // _GRAIN) * _GRAIN
        with self._lock:
            memory, skip = self._free_block(size)
            return np.ndarray(shape, dtype, memory, skip)

    def _free_block(self, size: int) -> Block:
        for memory, skip in self._blocks.get(size, ()):
            if sys.getrefcount(memory) == _FREE:
                return memory, skip
        self._give_back(self.kept - size)
        blocks = self._blocks.pop(size, [])
        self._blocks[size] = [*blocks, _new_block(size)]  # last: asked for most recently
        return self._blocks[size][-1]

    def _give_back(self, kept: int) -> None:
        """Drop free blocks until `kept` bytes of them remain, sizes not grown for longest first."""
        free = [
            (size, i)
            for size, blocks in self._blocks.items()
            for i, (memory, _) in enumerate(blocks)
            if sys.getrefcount(memory) == _FREE
        ]
        excess = sum(size for size, _ in free) - kept
        dropped: set[tuple[int, int]] = set()
        for size, i in free:
            if excess <= 0:
                break
            dropped.add((size, i))
            excess -= size
        for size in {size for size, _ in dropped}:
            blocks = self._blocks[size]
            self._blocks[size] = [b for i, b in enumerate(blocks) if (size, i) not in dropped]

    def lends(self, memory: np.ndarray[Any, Any]) -> bool:
        """Whether this is the memory of one of the pool's blocks."""
        with self._lock:
            return any(memory is own for own, _ in self._blocks.get(memory.nbytes, ()))

    def held(self) -> int:
        """Bytes of all blocks, lent and free."""
        with self._lock:
            return sum(size * len(blocks) for size, blocks in self._blocks.items())


_pool = ResultPool()


def _aligned(shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    memory, skip = _new_block(math.prod(shape) * dtype.itemsize + _ALIGNMENT)
    return np.ndarray(shape, dtype, memory, skip)


def maker(nbytes: int) -> Callable[..., np.ndarray[Any, Any]]:
    """The function (shape, dtype) that makes arrays of this size."""
    if nbytes >= LEAST and _COUNTS_HOLD:
        return _pool.empty
    return _aligned if nbytes >= WORTH_ALIGNING else np.empty


def is_aligned(array: np.ndarray[Any, Any]) -> bool:
    """Whether an array begins at a cache line, or is too small for that to matter."""
    return array.nbytes < WORTH_ALIGNING or _address(array) % _ALIGNMENT == 0


def copied(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A copy, row-major, in memory that kernels read fastest."""
    found = maker(array.nbytes)(array.shape, array.dtype)
    np.copyto(found, array)
    return found


def owns(array: np.ndarray[Any, Any]) -> bool:
    """Whether an array is the only view of its memory, as far as arrays know."""
    if not _COUNTS_HOLD or array.flags.owndata:
        return _COUNTS_HOLD
    memory = array.base
    if type(memory) is not np.ndarray or not memory.flags.owndata:
        return False
    # Beside the variable here and the question, the view refers to it, and the pool that lends it.
    return sys.getrefcount(memory) <= 3 + _pool.lends(memory)

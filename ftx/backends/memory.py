"""The memory plan: where in the arena each temporary lives.

In: temporaries with their sizes and the time from which to which each is needed.
Out: byte offsets such that no two that live at the same time overlap, and the total.
Knows nothing of: what the temporaries hold.
"""

from __future__ import annotations

import bisect
import heapq
from dataclasses import dataclass
from typing import Any

from ..core.config import config

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector."""
_ENDLESS = 1 << 62


@dataclass(eq=False)
class Temporary:
    """A buffer of the arena. Times are positions in the program."""

    nbytes: int
    first: int = -1
    last: int = -1

    def touch(self, time: int) -> None:
        """Extend the life to `time`."""
        self.first = time if self.first < 0 else min(self.first, time)
        self.last = max(self.last, time)


def plan(temporaries: list[Temporary]) -> tuple[dict[Any, int], int]:
    """Offsets by first fit in order of birth, and the bytes needed."""
    free = _Gaps()
    living: list[tuple[int, int, int, int]] = []  # a heap: (last, number, start, end)
    offsets: dict[Any, int] = {}
    reuse = config.enabled("memory_reuse")
    for number, t in enumerate(sorted(temporaries, key=lambda t: (t.first, -t.nbytes))):
        while reuse and living and living[0][0] < t.first:
            _, _, start, end = heapq.heappop(living)
            free.give_back(start, end)
        size = -(-max(t.nbytes, 1) // ALIGNMENT) * ALIGNMENT
        offsets[t] = at = free.take(size)
        heapq.heappush(living, (t.last, number, at, at + size))
    return offsets, free.total


class _Gaps:
    """The free parts of the arena in order of place, the last of which never ends."""

    def __init__(self) -> None:
        self.starts = [0]
        self.ends = [_ENDLESS]
        self.total = 0

    def take(self, size: int) -> int:
        """The start of `size` bytes in the first gap that holds them."""
        fits = (i for i, end in enumerate(self.ends) if end - self.starts[i] >= size)
        i = next(fits)
        at = self.starts[i]
        self.starts[i] = at + size
        if self.starts[i] == self.ends[i]:
            del self.starts[i], self.ends[i]
        self.total = max(self.total, at + size)
        return at

    def give_back(self, start: int, end: int) -> None:
        """Free [start, end), merged with the gaps that it touches."""
        i = bisect.bisect_left(self.starts, start)
        if i < len(self.starts) and self.starts[i] == end:
            end = self.ends[i]
            del self.starts[i], self.ends[i]
        if i > 0 and self.ends[i - 1] == start:
            self.ends[i - 1] = end
            return
        self.starts.insert(i, start)
        self.ends.insert(i, end)

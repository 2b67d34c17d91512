"""The memory plan: where in the arena each temporary lives.

In: temporaries with their sizes and the time from which to which each is needed.
Out: byte offsets such that no two that live at the same time overlap, and the total.
Knows nothing of: what the temporaries hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector."""


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
    placed: list[tuple[int, int, Temporary]] = []
    offsets: dict[Any, int] = {}
    total = 0
    for t in sorted(temporaries, key=lambda t: (t.first, -t.nbytes)):
        size = -(-max(t.nbytes, 1) // ALIGNMENT) * ALIGNMENT
        busy = sorted((start, end) for start, end, other in placed if _overlap_in_time(other, t))
        at = 0
        for start, end in busy:
            if at + size <= start:
                break
            at = max(at, end)
        offsets[t] = at
        placed.append((at, at + size, t))
        total = max(total, at + size)
    return offsets, total


def _overlap_in_time(a: Temporary, b: Temporary) -> bool:
    return a.first <= b.last and b.first <= a.last

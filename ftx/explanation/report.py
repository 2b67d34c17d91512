"""An explanation: the rows of a program with its totals, which shows itself as text or as a page.

In: rows and totals.  Out: `Explanation`.
Knows nothing of: how the figures were come by.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ..core.errors import ExplainError, IndexOutOfRangeError
from .page import page
from .records import Build, Memory, Roof, Row
from .table import text_of


@dataclasses.dataclass
class Explanation:
    """What a program does, step by step; made by `ftx.explain`.

    Print it for a table; in a notebook it shows itself as a page.
    """

    name: str
    rows: list[Row]
    memory: Memory
    build: Build
    call_seconds: float | None
    """Median of a whole call, dispatch and the arrays of the results included."""
    roof: Roof | None
    timed_calls: int
    """Calls of which the rows' times are medians."""

    @property
    def seconds(self) -> float | None:
        """Of all steps together."""
        known = [row.seconds for row in self.rows if row.seconds is not None]
        return sum(known) if known else None

    @property
    def bytes(self) -> int:
        """Moved by all steps whose bytes are known."""
        return sum(row.bytes or 0 for row in self.rows if row.calls is not None)

    @property
    def flops(self) -> int:
        """Of all steps whose operations are known."""
        return sum(row.flops or 0 for row in self.rows if row.calls is not None)

    def kernel(self, number: int) -> str:
        """The Python text of the kernel in row `number`.

        Raises: IndexError if there is no such row; ValueError if it is no kernel.
        """
        if not 0 <= number < len(self.rows):
            raise IndexOutOfRangeError(
                f"explanation of {self.name}: expected a row from 0 to {len(self.rows) - 1}, "
                f"got {number}"
            )
        if not self.rows[number].source:
            kernels = [row.number for row in self.rows if row.source]
            raise ExplainError(
                f"explanation of {self.name}: expected the number of a kernel ({kernels}), got "
                f"{number}, which is a {self.rows[number].kind}"
            )
        return self.rows[number].source

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain containers and numbers, ready for JSON; derived figures included."""
        derived = ("bytes", "bandwidth", "rate", "roofline", "intensity")
        rows = [dataclasses.asdict(r) | {n: getattr(r, n) for n in derived} for r in self.rows]
        return dataclasses.asdict(self) | {
            "rows": rows,
            "memory": dataclasses.asdict(self.memory) | {"peak": self.memory.peak},
            "seconds": self.seconds,
            "bytes": self.bytes,
            "flops": self.flops,
        }

    def to_html(self, path: str | Path | None = None) -> str:
        """One self-contained page, also written to `path` if given."""
        text = page(self)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def _repr_html_(self) -> str:
        return page(self, whole=False)

    def __str__(self) -> str:
        return text_of(self)

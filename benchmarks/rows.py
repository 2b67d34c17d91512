"""A table of figures, each held against a limit, with the target for their ratio.

In: rows.  Out: lines of text, plain data.
Knows nothing of: how the figures were come by.
"""

import dataclasses


@dataclasses.dataclass
class Row:
    """One figure of ftx beside its limit. Both in `unit`; the ratio counts, below is better."""

    section: str
    name: str
    ftx: float | None
    limit: float | None
    target: float
    limit_name: str
    unit: str = "s"
    note: str = ""

    @property
    def ratio(self):
        """ftx / limit; None if either is missing."""
        return self.ftx / self.limit if self.ftx is not None and self.limit else None

    @property
    def met(self):
        """Whether the ratio is within its target; None if there is no ratio."""
        return None if self.ratio is None else self.ratio <= self.target

    def data(self):
        """Everything as a dict."""
        return dataclasses.asdict(self) | {"ratio": self.ratio, "met": self.met}


_UNITS = {
    "s": [(1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")],
    "B": [(2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")],
}


def shown(value, unit):
    """A figure with three digits: `1.83 ms`."""
    if value is None:
        return "-"
    size, name = next((s for s in _UNITS[unit] if value >= s[0]), _UNITS[unit][-1])
    return f"{value / size:.3g} {name}" if value < 1000 * size else f"{value / size:.0f} {name}"


HEAD = f"{'row':34}{'ftx':>10}{'limit':>10}{'ratio':>8}{'target':>8}      limit is"


def line(row):
    """A row of the table."""
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
    verdict = {True: "ok", False: "MISS", None: "skip"}[row.met]
    figures = f"{shown(row.ftx, row.unit):>10}{shown(row.limit, row.unit):>10}{ratio:>8}"
    note = f" ({row.note})" if row.note else ""
    return f"{row.name:34}{figures}{row.target:>8.2f} {verdict:4} {row.limit_name}{note}"


def summary(rows):
    """How many rows meet their targets."""
    judged = [r for r in rows if r.met is not None]
    met = sum(r.met for r in judged)
    skipped = len(rows) - len(judged)
    tail = f", {skipped} skipped" if skipped else ""
    return f"{met} of {len(judged)} rows within their targets{tail}"

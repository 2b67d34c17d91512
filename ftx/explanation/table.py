"""An explanation as lines of text: columns, the user's lines below each row, totals.

In: an Explanation.  Out: text of 120 columns; the page uses the same columns.
Knows nothing of: how the figures were come by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .quantities import binary, count, duration, each_line, percent, plain, rate
from .records import Row

if TYPE_CHECKING:
    from .report import Explanation

WIDTH = 120
LINES_SHOWN = 4
"""Lines of the user's program named under a row of the table; `rows` has them all."""
ORIGINS = {"compiled": "new", "disk": "disk", "memory": "memory"}
COLUMNS = (
    ("#", 3, lambda row: str(row.number)),
    ("step", 35, lambda row: step_name(row)),
    ("runs", 7, lambda row: plain(row.calls)),
    ("bytes", 9, lambda row: binary(row.bytes) * _does_work(row)),
    ("FLOP", 8, lambda row: count(row.flops) * _does_work(row)),
    ("time", 9, lambda row: duration(row.seconds)),
    ("share", 6, lambda row: percent(row.share)),
    ("GB/s", 6, lambda row: rate(row.bandwidth) * _does_work(row)),
    ("GFLOP/s", 7, lambda row: rate(row.rate) * _does_work(row)),
    ("limit", 6, lambda row: percent(row.roofline) * _does_work(row)),
    ("threads", 7, lambda row: threads_of(row)),
    ("code", 6, lambda row: ORIGINS.get(row.origin, "")),
)
"""Heading, width, and the text of a row."""


def step_name(row: Row) -> str:
    """What a step is: its kind, indented, and its label."""
    trips = f", {plain(row.trips)} steps" if row.trips is not None else ""
    unknown = ", steps unknown" if row.kind == "loop" and row.trips is None else ""
    return f"{'  ' * row.depth}{row.kind} {row.label}{trips}{unknown}"


def _does_work(row: Row) -> bool:
    """Whether a row is a step, not the frame around some."""
    return row.kind not in ("loop", "branch", "case")


def threads_of(row: Row) -> str:
    """`2/32`: two threads share 32 chunks."""
    if not _does_work(row):
        return ""
    return f"{row.threads}/{row.chunks}" if row.chunks > 1 else "1"


def text_of(found: Explanation) -> str:
    """The whole table."""
    return "\n".join([_title(found), *_table(found.rows), "", *totals(found)])


def _title(found: Explanation) -> str:
    steps = "1 step" if len(found.rows) == 1 else f"{len(found.rows)} steps"
    return f"{found.name}: {steps}"


def _table(rows: Sequence[Row]) -> list[str]:
    lines = [_line([name for name, _, _ in COLUMNS]), "-" * WIDTH]
    for row in rows:
        lines.append(_line([text(row) for _, _, text in COLUMNS]))
        lines += [f"      {line}"[:WIDTH] for line in user_lines(row, LINES_SHOWN)]
    return lines


def _line(cells: Sequence[str]) -> str:
    out = []
    for (name, width, _), text in zip(COLUMNS, cells, strict=True):
        if name == "step":
            out.append(shortened(text, width).ljust(width))
        else:
            out.append(text.rjust(width))
    return " ".join(out).rstrip()


def shortened(text: str, width: int) -> str:
    """The text, its end cut off where it is too long."""
    return text if len(text) <= width else text[: width - 3] + "..."


def user_lines(row: Row, most: int | None = None) -> list[str]:
    """`model.py:12  exp, sub   e = fnp.exp(x - m)`, line by line of the user's program."""
    lines = each_line(row.equations)
    shown = lines if most is None or len(lines) <= most else lines[: most - 1]
    rest = len(lines) - len(shown)
    return [*shown, *([f"and {rest} more lines"] if rest else [])]


def totals(found: Explanation) -> list[str]:
    """What stands below the table."""
    m, b = found.memory, found.build
    lines = [f"all steps: {binary(found.bytes)} moved, {count(found.flops)} FLOP"]
    if any(row.calls is None for row in found.rows):
        lines[0] += ", those that run an unknown number of times not counted"
    if found.seconds is not None and found.roof is not None:
        assert found.call_seconds is not None
        lines[0] += (
            f", {duration(found.seconds)} (median of {found.timed_calls} calls); "
            f"a whole call {duration(found.call_seconds)}"
        )
        r = found.roof
        lines.append(
            f"machine, {r.threads} threads: memory {rate(r.memory)} GB/s, cache "
            f"{rate(r.cache)} GB/s, FMA {rate(r.peak['float32'])} GFLOP/s in float32, "
            f"{rate(r.peak['float64'])} in float64"
        )
    saved = f"{binary(m.temporaries)} without reuse"
    lines += [
        f"memory: inputs {binary(m.inputs)}, outputs {binary(m.outputs)}, constants "
        f"{binary(m.constants)}, temporaries {binary(m.arena)} ({saved}), peak {binary(m.peak)}",
        f"build: {b.traced_equations} equations traced, {b.equations} after simplifying; "
        f"{b.kernels} kernels, {b.distinct_kernels} distinct, {b.compiled} compiled now; "
        f"{duration(b.seconds)}",
    ]
    return lines

"""The roofline: operations per second over operations per byte, rows as points, as inline SVG.

In: rows with figures, the machine's limits.  Out: SVG text, or nothing if no row has both figures.
Knows nothing of: the page around it.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from .quantities import duration, percent, rate
from .records import Roof, Row

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 28, 48
"""Margins around the plot."""


class _Scale:
    """Logarithmic: a range of values onto a range of pixels."""

    def __init__(self, low: float, high: float, start: float, end: float):
        self.low, self.high = math.floor(math.log10(low)), math.ceil(math.log10(high))
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + part * (self.end - self.start), 1)

    @property
    def decades(self) -> list[float]:
        return [10.0**k for k in range(self.low, self.high + 1)]


def roofline(rows: Sequence[Row], roof: Roof | None) -> str:
    """The picture."""
    shown = [row for row in rows if row.rate and row.intensity]
    if roof is None or not shown:
        return ""
    peak = max(roof.peak[row.dtype] for row in shown)
    intensities = [row.intensity or 1 for row in shown]
    ridge = peak / roof.memory
    x = _Scale(
        min(0.5 * min(intensities), peak / roof.cache / 4), 2 * max(*intensities, ridge), LEFT,
        WIDTH - RIGHT,
    )  # fmt: skip
    y = _Scale(0.5 * min(row.rate or 1 for row in shown), 1.5 * peak, HEIGHT - BOTTOM, TOP)
    parts = [*_axes(x, y), *_limits(x, y, roof, peak), *_points(shown, x, y)]
    words = (
        f"Roofline: {len(shown)} steps against {rate(roof.memory)} GB/s and {rate(peak)} GFLOP/s"
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">'
        f"<title>{words}</title>{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "middle") -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" class="{kind}">{html.escape(words)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" class="{kind}"/>'


def _axes(x: _Scale, y: _Scale) -> list[str]:
    bottom = HEIGHT - BOTTOM
    parts = []
    for value in x.decades:
        parts.append(_line(x(value), TOP, x(value), bottom, "grid"))
        parts.append(_text(x(value), bottom + 16, f"{value:g}"))
    for value in y.decades:
        parts.append(_line(LEFT, y(value), WIDTH - RIGHT, y(value), "grid"))
        parts.append(_text(LEFT - 8, y(value) + 4, f"{value / 1e9:g}", anchor="end"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "FLOP per byte"))
    parts.append(_text(LEFT, TOP - 12, "GFLOP/s", anchor="start"))
    return parts


def _limits(x: _Scale, y: _Scale, roof: Roof, peak: float) -> list[str]:
    parts = []
    for name, bandwidth, kind in (("cache", roof.cache, "dashed"), ("memory", roof.memory, "roof")):
        lowest = max(10.0**x.low, 10.0**y.low / bandwidth)
        ridge = peak / bandwidth
        parts.append(_line(x(lowest), y(lowest * bandwidth), x(ridge), y(peak), kind))
        middle = math.sqrt(lowest * ridge)
        words = f"{name} {rate(bandwidth)} GB/s"
        side = ("end", -6) if name == "cache" else ("start", 12)
        below = 14 if name == "memory" else 0
        at = x(middle) + side[1], y(middle * bandwidth) + below
        parts.append(_text(*at, words, "note", side[0]))
    parts.append(_line(x(peak / roof.cache), y(peak), WIDTH - RIGHT, y(peak), "roof"))
    words = f"FMA {rate(peak)} GFLOP/s"
    parts.append(_text(WIDTH - RIGHT, y(peak) - 6, words, "note", "end"))
    return parts


def _points(rows: Sequence[Row], x: _Scale, y: _Scale) -> list[str]:
    """Area by share of the time; the number stands beside."""
    parts = []
    for row in rows:
        at = x(row.intensity or 1), y(row.rate or 1)
        radius = round(4 + 10 * math.sqrt(row.share or 0), 1)
        words = (
            f"{row.number}: {row.kind} {row.label}, {duration(row.seconds)}, "
            f"{percent(row.roofline)} of its limit"
        )
        parts.append(
            f'<circle cx="{at[0]}" cy="{at[1]}" r="{radius}" class="point">'
            f"<title>{html.escape(words)}</title></circle>"
        )
        parts.append(_text(at[0] + radius + 3, at[1] + 4, str(row.number), "number", "start"))
    return parts

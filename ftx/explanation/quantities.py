"""Numbers and lines as people read them.

In: numbers in bytes, seconds, operations; equations.  Out: short texts.
Knows nothing of: tables and pages.
"""

from __future__ import annotations

from collections.abc import Sequence

from .records import Equation

NOTHING = "-"


def _scaled(value: float, steps: Sequence[tuple[float, str]]) -> str:
    for size, name in steps:
        if value >= size:
            return f"{_three(value / size)} {name}".rstrip()
    return f"{_three(value / steps[-1][0])} {steps[-1][1]}".rstrip()


def _three(value: float) -> str:
    """Three digits."""
    if value >= 99.95 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def binary(value: float | None) -> str:
    """Bytes.

    >>> binary(3 << 20)
    '3 MiB'
    """
    if value is None:
        return NOTHING
    return _scaled(value, [(2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")])


def count(value: float | None) -> str:
    """Operations.

    >>> count(2_100_000)
    '2.10 M'
    """
    if value is None:
        return NOTHING
    return _scaled(value, [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")])


def duration(value: float | None) -> str:
    """Seconds.

    >>> duration(0.00125)
    '1.25 ms'
    """
    if value is None:
        return NOTHING
    return _scaled(value, [(1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")])


def rate(value: float | None) -> str:
    """Thousands of millions a second."""
    return NOTHING if value is None else _three(value / 1e9)


def percent(value: float | None) -> str:
    """A share of 1."""
    return NOTHING if value is None else f"{100 * value:.0f}%"


def plain(value: float | None) -> str:
    """A count, exactly if it is whole."""
    if value is None:
        return "?"
    return str(int(value)) if value == int(value) else f"{value:.1f}"


def each_line(equations: Sequence[Equation]) -> list[str]:
    """Per line of the user's program, in order of first use: the equations made there."""
    by_line: dict[tuple[str, int], list[Equation]] = {}
    for e in equations:
        by_line.setdefault((e.file, e.line), []).append(e)
    out = []
    for found in by_line.values():
        names = ", ".join(_counted([e.primitive for e in found]))
        place = found[0].place or "no line"
        code = f"   {found[0].code}" if found[0].code else ""
        out.append(f"{place}  {names}{code}")
    return out


def _counted(names: Sequence[str]) -> list[str]:
    """`exp, 2 mul`."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return [name if n == 1 else f"{n} {name}" for name, n in counts.items()]

"""What an explanation is made of: plain data, for programs to read.

Figures are for one call of the whole program, those of a row that runs nobody knows how often
(`calls` is None) for one run; None is unknown, or not measured.
Knows nothing of: how the figures were come by, how they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Equation:
    """One equation of a step, and where in the user's program it comes from."""

    primitive: str
    result: str
    """Type of the result, as `f32[64,16]`."""
    file: str
    line: int
    function: str
    code: str
    """The text of that line."""

    @property
    def place(self) -> str:
        """`model.py:12`, or nothing if the line is unknown."""
        return f"{self.file.replace(chr(92), '/').rsplit('/', 1)[-1]}:{self.line}" * bool(self.file)


@dataclass
class Row:
    """One step of the program."""

    number: int
    depth: int
    """How many loops and branches are around it."""
    kind: str
    """kernel, product, pack, copy, fill, host, loop (of steps that follow), branch, or case."""
    label: str
    equations: list[Equation] = field(default_factory=list)
    calls: float | None = 1
    """How often it runs."""
    trips: float | None = None
    """Steps of the loop that it is or holds, per run."""
    read_bytes: int | None = 0
    written_bytes: int | None = 0
    flops: int | None = 0
    dtype: str = "float32"
    """The widest kind of number it computes with, whose arithmetic peak applies."""
    seconds: float | None = None
    share: float | None = None
    """Of the sum of all rows."""
    limit_seconds: float | None = None
    """What the machine needs for its bytes or its operations, whichever takes longer."""
    threads: int = 1
    chunks: int = 1
    origin: str = ""
    """Where its machine code came from: compiled (now), disk, or memory."""
    source: str = ""
    """The kernel's text."""

    @property
    def bytes(self) -> int | None:
        """Read and written."""
        if self.read_bytes is None or self.written_bytes is None:
            return None
        return self.read_bytes + self.written_bytes

    @property
    def bandwidth(self) -> float | None:
        """Bytes per second achieved."""
        return self.bytes / self.seconds if self.bytes and self.seconds else None

    @property
    def rate(self) -> float | None:
        """Floating-point operations per second achieved."""
        return self.flops / self.seconds if self.flops and self.seconds else None

    @property
    def roofline(self) -> float | None:
        """Part of what the machine could do: 1 is the limit."""
        if not self.limit_seconds or not self.seconds:
            return None
        return self.limit_seconds / self.seconds

    @property
    def intensity(self) -> float | None:
        """Operations per byte."""
        return self.flops / self.bytes if self.flops and self.bytes else None


@dataclass(frozen=True)
class Memory:
    """Bytes that one call needs."""

    inputs: int
    outputs: int
    constants: int
    arena: int
    """All temporaries, placed so that those alive at different times share memory."""
    temporaries: int
    """Their sum, as it would be without sharing."""

    @property
    def peak(self) -> int:
        """Inputs, outputs, constants and arena together."""
        return self.inputs + self.outputs + self.constants + self.arena


@dataclass(frozen=True)
class Build:
    """How the program was made."""

    backend: str
    traced_equations: int
    equations: int
    """After the simplifier."""
    kernels: int
    distinct_kernels: int
    compiled: int
    """Kernels that no cache had."""
    seconds: float
    """From the traced program to the table of steps, in this call of `explain`."""


@dataclass(frozen=True)
class Roof:
    """What the machine can do: bytes per second by working set, operations per second by dtype."""

    threads: int
    bandwidth: tuple[tuple[int, float], ...]
    """(bytes moved, bytes per second), by size."""
    peak: dict[str, float]

    def bytes_per_second(self, nbytes: float) -> float:
        """Of a streaming kernel that moves this much: the measured size that is next larger."""
        return next((rate for size, rate in self.bandwidth if size >= nbytes), self.memory)

    @property
    def memory(self) -> float:
        """Bytes per second where no cache helps."""
        return self.bandwidth[-1][1]

    @property
    def cache(self) -> float:
        """Bytes per second at best."""
        return max(rate for _, rate in self.bandwidth)

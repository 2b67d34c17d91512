"""`Device`: where an array is, which for arrays of ftx is the CPU.

In: nothing.  Out: values to compare and to show.
Knows nothing of: how many there are, or what runs on them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """A share of this machine's CPU."""

    id: int
    platform: str = "cpu"
    device_kind: str = "cpu"
    process_index: int = 0

    def __repr__(self) -> str:
        return f"CpuDevice(id={self.id})"


HOST = Device(0)
"""Where arrays are."""

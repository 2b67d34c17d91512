"""Sizes that make a matrix product fast on a processor: registers, blocks, strips.

In: what the processor can do and the dtype.  Out: a `Shape`.
Knows nothing of: code.
"""

from __future__ import annotations

from dataclasses import dataclass

DEPTH_BYTES = 2048
"""Bytes of a row of the left operand that are used at a time: a strip of the right stays near."""


@dataclass(frozen=True)
class Shape:
    """How a product is cut for one processor and one dtype."""

    itemsize: int
    vector: int
    """Bytes of a vector register."""
    rows: int
    """Rows of a tile."""
    width: int
    """Vectors across a tile, at most."""
    block: int = 64
    """Rows of the left operand that are packed together; a multiple of `rows`."""

    @property
    def dtype(self) -> str:
        return {4: "float32", 8: "float64"}[self.itemsize]

    @property
    def lanes(self) -> int:
        return self.vector // self.itemsize

    @property
    def depth(self) -> int:
        """Steps of the summed axis in a block."""
        return DEPTH_BYTES // self.itemsize

    @property
    def pitch(self) -> int:
        """Bytes from one packed row to the next: not a power of two, which caches dislike."""
        return DEPTH_BYTES + 64

    @property
    def scratch(self) -> int:
        """Bytes for one block of packed rows."""
        return self.block * self.pitch


def shape_for(itemsize: int, features: frozenset[str]) -> Shape | None:
    """The shape for a processor with these LLVM features; None where only a library will do."""
    if "avx512f" in features:
        return Shape(itemsize, 64, 8, 3)
    if {"avx2", "fma"} <= features:
        return Shape(itemsize, 32, 4, 3)
    return Shape(itemsize, 16, 8, 3) if "neon" in features else None

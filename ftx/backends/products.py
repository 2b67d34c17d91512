"""Matrix products and convolutions on our own tiles: which loops run around them.

In: sizes, and where the elements of both operands lie.  Out: the text of two kernels that serve
every product of a dtype, and the table of numbers that tells them one product.
The left operand is read where it lies, so a convolution reads its image without patches:
element (row r, step (s, k)) lies at groups[r // group] + r % group * row_step + segments[s] +
k * step.  The right operand is read in strips as wide as a tile, packed unless they are so already.
The cut into tasks depends on sizes alone, so results do not depend on the number of threads.
Knows nothing of: jaxprs, memory plans, the executor.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .product_shapes import Shape

TASKS = 8
"""Tasks a large product is cut into, at least, where its sizes allow."""
FEW_ROWS, FEW_IF_SHARED = 256, 16
"""Rows of the left operand up to which packing the right one does not pay: for one product, and
where it is packed once for many."""
MANY_STRIPS = 2
"""Strips from which the left operand is packed: it is read once per strip."""


class Pack(enum.IntEnum):
    """What is done with a block of the left operand before it is used."""

    NOTHING, ROWS, COLUMNS = range(3)


class Word(enum.IntEnum):
    """Byte offsets in a product's table of numbers."""

    (
        ROWS,
        COLUMNS,
        GROUP,
        ROW_STEP,
        STEP,
        PACK,
        A_BATCH,
        B_BATCH,
        C_BATCH,
        C_ROW,
        ROW_BLOCKS,
        COLUMN_BLOCKS,
        STRIPS,
        STRIP,
        STRIP_STEP,
        BLOCKS,
        ROWS_TOGETHER,
    ) = range(0, 17 * 8, 8)


@dataclass(frozen=True)
class Left:
    """Where the left operand's elements lie, in elements."""

    rows: int
    row_step: int
    step: int
    length: int
    """Steps in one segment."""
    group: int = 0
    """Rows in a group; 0: all."""
    groups: Sequence[int] | np.ndarray[Any, Any] = (0,)
    segments: Sequence[int] | np.ndarray[Any, Any] = (0,)
    batch: int = 0

    @property
    def depth(self) -> int:
        return self.length * len(self.segments)


@dataclass(frozen=True)
class Right:
    """Where the right operand's elements lie, in elements: (k, j) at k * row + j * column."""

    columns: int
    row: int
    column: int
    batch: int = 0


@dataclass(frozen=True)
class Product:
    """c[b, r, j] = sum over k of left(b, r, k) * right(b, k, j); c is stored row by row."""

    shape: Shape
    left: Left
    right: Right
    batch: int = 1
    c_row: int = 0
    c_batch: int = 0
    shared: bool = False
    """Whether many products share the right operand, so that packing it costs next to nothing."""
    packed: bool = field(init=False)
    """Whether the right operand is packed first."""

    def __post_init__(self) -> None:
        strip = self.shape.lanes * self.shape.width
        aligned = self.right.column == 1 and self.right.columns % self.shape.lanes == 0
        few = FEW_IF_SHARED if self.shared else FEW_ROWS
        near = self.left.rows <= few or (self.right.columns <= strip >= self.right.row)
        object.__setattr__(self, "packed", not (aligned and near))

    @property
    def strips(self) -> int:
        return -(-self.right.columns // (self.shape.lanes * self.shape.width))

    @property
    def packed_bytes(self) -> int:
        """Size of the packed right operand."""
        vectors = -(-self.right.columns // self.shape.lanes)
        return vectors * self.shape.vector * self.left.depth * self.right_batch

    @property
    def right_batch(self) -> int:
        """Different right operands."""
        return self.batch if self.right.batch else 1

    @property
    def multiplications(self) -> int:
        return self.batch * self.left.rows * self.right.columns * self.left.depth

    @property
    def rows_together(self) -> int:
        """Rows of one task: a block, or fewer where that would leave too few tasks."""
        shape, rows = self.shape, self.left.rows
        blocks = -(-rows // shape.block)
        others = self.batch * min(self.strips, -(-TASKS // (self.batch * blocks)))
        size = -(-rows // max(blocks, -(-TASKS // others)))
        return -(-size // shape.rows) * shape.rows

    @property
    def row_blocks(self) -> int:
        return -(-self.left.rows // self.rows_together)

    @property
    def strips_together(self) -> int:
        """Strips of one task."""
        wanted = -(-TASKS // (self.batch * self.row_blocks))
        return max(1, -(-self.strips // wanted))

    @property
    def column_blocks(self) -> int:
        return -(-self.strips // self.strips_together)

    @property
    def tasks(self) -> int:
        return self.batch * self.row_blocks * self.column_blocks

    def _pack_left(self) -> Pack:
        left = self.left
        if left.group or len(left.segments) > 1 or self.strips < MANY_STRIPS:
            return Pack.NOTHING
        if left.step == 1:
            return Pack.ROWS
        return Pack.COLUMNS if left.row_step == 1 else Pack.NOTHING

    def numbers(self) -> tuple[np.ndarray[Any, Any], ...]:
        """The tables that the kernels read: numbers, groups, segments, blocks."""
        shape, left, size = self.shape, self.left, self.shape.itemsize
        strip = shape.vector * shape.width
        blocks = self._blocks()
        words = {
            Word.ROWS: left.rows,
            Word.COLUMNS: self.right.columns,
            Word.GROUP: left.group or left.rows,
            Word.ROW_STEP: left.row_step * size,
            Word.STEP: left.step * size,
            Word.PACK: self._pack_left(),
            Word.A_BATCH: left.batch * size,
            Word.B_BATCH: self.packed_bytes // self.right_batch
            if self.packed and self.right.batch
            else (0 if self.packed else self.right.batch * size),
            Word.C_BATCH: self.c_batch * size,
            Word.C_ROW: self.c_row * size,
            Word.ROW_BLOCKS: self.row_blocks,
            Word.COLUMN_BLOCKS: self.column_blocks,
            Word.STRIPS: self.strips_together,
            Word.STRIP: strip * left.depth if self.packed else strip,
            Word.STRIP_STEP: 0 if self.packed else self.right.row * size,
            Word.BLOCKS: len(blocks),
            Word.ROWS_TOGETHER: self.rows_together,
        }
        return (
            np.array([words[w] for w in Word], np.int64),
            np.asarray(left.groups, np.int64) * size,
            np.asarray(left.segments, np.int64) * size,
            np.array(blocks, np.int64),
        )

    def _blocks(self) -> list[tuple[int, int, int, int, int]]:
        """(first segment, segments, steps of each, bytes to skip in a, steps before) of blocks."""
        left, deep = self.left, self.shape.depth
        if len(left.segments) == 1:
            found = []
            for k in range(0, left.length, deep):
                n = min(deep, left.length - k)
                found.append((0, 1, n, k * left.step * self.shape.itemsize, k))
            return found
        many, total = max(1, deep // left.length), len(left.segments)
        return [
            (s, min(many, total - s), left.length, 0, s * left.length)
            for s in range(0, total, many)
        ]

    def packing(self) -> tuple[np.ndarray[Any, Any], int]:
        """The table for packing the right operand, and how many tasks that is."""
        size = self.shape.itemsize
        table = [
            self.left.depth,
            self.right.columns,
            self.right.row * size,
            self.right.column * size,
            self.right.batch * size,
            self.strips,
            self.packed_bytes // self.right_batch,
        ]
        return np.array(table, np.int64), self.strips * self.right_batch


def product_text(shape: Shape) -> str:
    """kernel(args, lo, hi) for tasks [lo, hi).

    args: the left operand, the right one in strips, the result; then what `numbers` returns.
    """
    lanes, vector, rows, width, size = (
        shape.lanes, shape.vector, shape.rows, shape.width, shape.itemsize,
    )  # fmt: skip
    calls = "\n".join(
        f"{' ' * 20}{'if' if w == 1 else 'elif'} wide == {w}:\n"
        f"{' ' * 24}tile_{w}(rows + 8 * i, offsets, count, length, step, strip, strip_step,\n"
        f"{' ' * 24}       to, to_row, add)"
        for w in range(1, width + 1)
    )
    return f"""def kernel(args, lo, hi):
    words = load_int64(args + 24)
    groups = load_int64(args + 32)
    segments = load_int64(args + 40)
    height = load_int64(words + {Word.ROWS})
    columns = load_int64(words + {Word.COLUMNS})
    group = load_int64(words + {Word.GROUP})
    row_step = load_int64(words + {Word.ROW_STEP})
    pack = load_int64(words + {Word.PACK})
    together = load_int64(words + {Word.ROWS_TOGETHER})
    c_row = load_int64(words + {Word.C_ROW})
    row_blocks = load_int64(words + {Word.ROW_BLOCKS})
    column_blocks = load_int64(words + {Word.COLUMN_BLOCKS})
    strips = load_int64(words + {Word.STRIPS})
    scratch = scratch_address()
    rows = rows_address()
    corner = corner_address()
    nothing = zero_address()
    store_int64(nothing, 0)
    for task in range(lo, hi):
        batch = task // (row_blocks * column_blocks)
        first = task % row_blocks * together
        left_strip = task // row_blocks % column_blocks * strips
        a = load_int64(args) + batch * load_int64(words + {Word.A_BATCH})
        b = load_int64(args + 8) + batch * load_int64(words + {Word.B_BATCH})
        c = load_int64(args + 16) + batch * load_int64(words + {Word.C_BATCH}) + first * c_row
        bottom = min(first + together, height)
        for q in range(load_int64(words + {Word.BLOCKS})):
            block = load_int64(args + 48) + q * 40
            count = load_int64(block + 8)
            length = load_int64(block + 16)
            skip = load_int64(block + 24)
            before = load_int64(block + 32)
            offsets = nothing
            if pack == {int(Pack.ROWS)}:
                step = {size}
                for i in range(bottom - first):
                    at = scratch + i * {shape.pitch}
                    copy_bytes(at, a + (first + i) * row_step + skip, length * {size})
                    store_int64(rows + 8 * i, at)
            elif pack == {int(Pack.COLUMNS)}:
                step = {vector}
                source_step = load_int64(words + {Word.STEP})
                for i in range(0, bottom - first, {lanes}):
                    at = scratch + i * {shape.depth * size}
                    source = a + (first + i) * {size} + skip
                    copy_strip(at, {vector}, source, source_step, length, bottom - first - i)
                    for j in range({lanes}):
                        store_int64(rows + 8 * (i + j), at + j * {size})
            else:
                step = load_int64(words + {Word.STEP})
                offsets = segments + 8 * load_int64(block)
                for i in range(bottom - first):
                    r = first + i
                    place = load_int64(groups + 8 * (r // group)) + r % group * row_step
                    store_int64(rows + 8 * i, a + place + skip)
            for i in range(bottom - first, (bottom - first + {rows - 1}) // {rows} * {rows}):
                store_int64(rows + 8 * i, load_int64(rows + 8 * (bottom - first - 1)))
            for j in range(left_strip, left_strip + strips):
                column = j * {lanes * width}
                if column >= columns:
                    break
                wide = min({width}, (columns - column + {lanes - 1}) // {lanes})
                strip_step = load_int64(words + {Word.STRIP_STEP})
                if strip_step == 0:
                    strip_step = wide * {vector}
                strip = b + j * load_int64(words + {Word.STRIP}) + before * strip_step
                for i in range(0, bottom - first, {rows}):
                    place = c + i * c_row + column * {size}
                    there = min({rows}, bottom - first - i)
                    whole = there == {rows} and columns - column >= wide * {lanes}
                    to, to_row, add = place, c_row, q
                    if not whole:
                        to, to_row, add = corner, {width * vector}, 0
{calls}
                    if not whole:
                        many = min(wide * {lanes}, columns - column)
                        for r in range(there):
                            merge_row(place + r * c_row, corner + r * {width * vector}, many, q)
    return 0
"""


def packing_text(shape: Shape) -> str:
    """kernel(args, lo, hi) for strips [lo, hi) of the right operand: source, target, numbers."""
    lanes, vector, width, size = shape.lanes, shape.vector, shape.width, shape.itemsize
    word = {4: "int32", 8: "int64"}[size]
    return f"""def kernel(args, lo, hi):
    words = load_int64(args + 16)
    depth = load_int64(words)
    columns = load_int64(words + 8)
    row = load_int64(words + 16)
    across = load_int64(words + 24)
    strips = load_int64(words + 40)
    for task in range(lo, hi):
        column = task % strips * {lanes * width}
        wide = min({width}, (columns - column + {lanes - 1}) // {lanes})
        source = load_int64(args) + task // strips * load_int64(words + 32) + column * across
        target = load_int64(args + 8) + task // strips * load_int64(words + 48)
        target += column * {size} * depth
        for w in range(wide):
            many = min({lanes}, columns - column - w * {lanes})
            to = target + w * {vector}
            of = source + w * {lanes} * across
            step = wide * {vector}
            if across == {size}:
                copy_strip(to, step, of, row, depth, many)
            else:
                whole = 0
                if many == {lanes} and row == {size}:
                    whole = depth // {lanes} * {lanes}
                    for k in range(0, whole, {lanes}):
                        turn_square(to + k * step, step, of + k * {size}, across)
                for k in range(whole, depth):
                    for j in range(many):
                        at = of + k * row + j * across
                        store_{word}(to + k * step + j * {size}, load_{word}(at))
                    for j in range(many, {lanes}):
                        store_{word}(to + k * step + j * {size}, 0)
    return 0
"""

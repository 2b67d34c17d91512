"""The innermost step of a matrix product: a tile of the result held in vector registers.

In: the addresses of a few rows of one operand, and of a strip of the other.  Out: LLVM code
that adds their product to a tile in memory, and code that lays strips out for it.
`products` writes the loops around these; the shape of a tile depends on the processor.
Knows nothing of: matrices, convolutions, memory plans.
Source: K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication" (2008).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .product_shapes import Shape

I64, I32 = ir.IntType(64), ir.IntType(32)
SCALAR = {4: ir.FloatType(), 8: ir.DoubleType()}
LETTER = {4: "f32", 8: "f64"}


def _const(value: int) -> ir.Constant:
    return ir.Constant(I64, value)


def _declared(module: ir.Module, name: str, result: ir.Type, *operands: ir.Type) -> ir.Function:
    found = module.globals.get(name)
    return found or ir.Function(module, ir.FunctionType(result, operands), name)


class _Vectors:
    """Loads, stores and arithmetic on vectors at byte addresses."""

    def __init__(self, builder: ir.IRBuilder, shape: Shape):
        self.builder, self.shape = builder, shape
        self.scalar = SCALAR[shape.itemsize]
        self.type = ir.VectorType(self.scalar, shape.lanes)
        self.zero = ir.Constant(self.type, None)
        self.suffix = f"v{shape.lanes}{LETTER[shape.itemsize]}"

    def at(self, address: ir.Value, offset: int = 0) -> ir.Value:
        """A pointer to the vector `offset` bytes after an address."""
        b = self.builder
        return b.inttoptr(b.add(address, _const(offset)), self.type.as_pointer())

    def load(self, address: ir.Value, offset: int = 0) -> ir.Value:
        found = self.builder.load(self.at(address, offset))
        found.align = self.shape.itemsize
        return found

    def store(self, value: ir.Value, address: ir.Value, offset: int = 0) -> None:
        self.builder.store(value, self.at(address, offset)).align = self.shape.itemsize

    def everywhere(self, address: ir.Value) -> ir.Value:
        """The scalar at an address, in every lane."""
        b, undefined = self.builder, ir.Constant(self.type, ir.Undefined)
        scalar = b.load(b.inttoptr(address, self.scalar.as_pointer()))
        first = b.insert_element(undefined, scalar, ir.Constant(I32, 0))
        mask = ir.Constant(ir.VectorType(I32, self.shape.lanes), None)
        return b.shuffle_vector(first, undefined, mask)

    def fma(self, x: ir.Value, y: ir.Value, z: ir.Value) -> ir.Value:
        name = f"llvm.fma.{self.suffix}"
        function = _declared(self.builder.module, name, self.type, *[self.type] * 3)
        return self.builder.call(function, [x, y, z])

    def first_lanes(self, count: ir.Value) -> ir.Value:
        """A mask of the lanes below `count`."""
        lanes = self.shape.lanes
        b, kind = self.builder, ir.VectorType(I64, lanes)
        undefined = ir.Constant(kind, ir.Undefined)
        one = b.insert_element(undefined, count, ir.Constant(I32, 0))
        every = b.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(I32, lanes), None))
        numbers = ir.Constant(kind, list(range(lanes)))
        return b.icmp_signed("<", numbers, every)

    def load_lanes(self, mask: ir.Value, address: ir.Value, offset: int = 0) -> ir.Value:
        name = f"llvm.masked.load.{self.suffix}.p0"
        pointer = self.at(address, offset)
        operands = (pointer.type, I32, mask.type, self.type)
        function = _declared(self.builder.module, name, self.type, *operands)
        align = ir.Constant(I32, self.shape.itemsize)
        return self.builder.call(function, [pointer, align, mask, self.zero])

    def store_lanes(self, mask: ir.Value, value: ir.Value, address: ir.Value, offset: int) -> None:
        name = f"llvm.masked.store.{self.suffix}.p0"
        pointer = self.at(address, offset)
        operands = (self.type, pointer.type, I32, mask.type)
        function = _declared(self.builder.module, name, ir.VoidType(), *operands)
        align = ir.Constant(I32, self.shape.itemsize)
        self.builder.call(function, [value, pointer, align, mask])


def _emitted(arity: int, emit: Callable[..., Any]) -> Any:
    """The intrinsic int64 (int64, ...) whose code `emit(builder, *args)` writes."""

    def codegen(context: Any, b: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        value = emit(b, *args)
        return value if value is not None else _const(0)

    signature = types.int64(*[types.int64] * arity)
    names = ", ".join(f"x{i}" for i in range(arity))
    scope: dict[str, Any] = {"result": (signature, codegen)}
    exec(f"def emitted(typingctx, {names}): return result", scope)
    return intrinsic(scope["emitted"])


def _tile(shape: Shape, width: int) -> Any:
    """tile(rows, segments, count, length, step, strip, strip_step, c, c_row, add).

    c[i, j] (+)= sum over segments s and k < length of a(i, s, k) * strip(s, k, j), where a(i, s, k)
    lies at rows[i] + segments[s] + k * step, and the strip's rows lie strip_step bytes apart.
    The tile is `width` vectors wide and shape.rows high.  All lengths but counts in bytes.
    """

    def emit(b: ir.IRBuilder, *args: ir.Value) -> None:
        rows, segments, count, length, step, strip, strip_step, c, c_row, add = args
        v = _Vectors(b, shape)
        table = b.inttoptr(rows, I64.as_pointer())
        starts = [b.load(b.gep(table, [_const(i)])) for i in range(shape.rows)]
        totals = _sum(v, width, starts, segments, count, length, step, strip, strip_step)
        targets = [b.add(c, b.mul(c_row, _const(i))) for i in range(shape.rows)]
        _write(v, width, totals, targets, add)

    return _emitted(10, emit)


def _sum(
    v: _Vectors, width: int, starts: list[ir.Value], segments: Any, count: Any, length: Any,
    step: Any, strip: Any, strip_step: Any,
) -> list[ir.Value]:  # fmt: skip
    """The loops over segments and their steps; the totals in registers."""
    b, zeros = v.builder, [v.zero] * (v.shape.rows * width)
    before = b.block
    outer, inner = b.append_basic_block("segment"), b.append_basic_block("step")
    after, done = b.append_basic_block("next"), b.append_basic_block("summed")
    b.branch(outer)
    b.position_at_end(outer)
    s, place = b.phi(I64), b.phi(I64)
    totals = [b.phi(v.type) for _ in zeros]
    for phi, first in zip([s, place, *totals], [_const(0), strip, *zeros], strict=True):
        phi.add_incoming(first, before)
    offset = b.load(b.gep(b.inttoptr(segments, I64.as_pointer()), [s]))
    stop = b.add(offset, b.mul(length, step))
    b.branch(inner)
    b.position_at_end(inner)
    at, here = b.phi(I64), b.phi(I64)
    sums = [b.phi(v.type) for _ in zeros]
    for phi, first in zip([at, here, *sums], [offset, place, *totals], strict=True):
        phi.add_incoming(first, outer)
    strips = [v.load(here, i * v.shape.vector) for i in range(width)]
    new: list[ir.Value] = []
    for i, start in enumerate(starts):
        a = v.everywhere(b.add(start, at))
        new += [v.fma(a, strips[j], sums[i * width + j]) for j in range(width)]
    moved = [b.add(at, step), b.add(here, strip_step), *new]
    for phi, value in zip([at, here, *sums], moved, strict=True):
        phi.add_incoming(value, inner)
    b.cbranch(b.icmp_signed("!=", moved[0], stop), inner, after)
    b.position_at_end(after)
    following = b.add(s, _const(1))
    for phi, value in zip([s, place, *totals], [following, *moved[1:]], strict=True):
        phi.add_incoming(value, after)
    b.cbranch(b.icmp_signed("<", following, count), outer, done)
    b.position_at_end(done)
    return new


def _write(
    v: _Vectors, width: int, totals: list[ir.Value], targets: list[ir.Value], add: ir.Value
) -> None:
    """Into the tile in memory, or onto what is there."""
    b = v.builder
    places = [(row, j * v.shape.vector) for row in targets for j in range(width)]
    entry, more, stored = b.block, b.append_basic_block("add"), b.append_basic_block("write")
    b.cbranch(b.icmp_signed("!=", add, _const(0)), more, stored)
    b.position_at_end(more)
    sums = [b.fadd(v.load(*at), total) for at, total in zip(places, totals, strict=True)]
    b.branch(stored)
    b.position_at_end(stored)
    values = [b.phi(v.type) for _ in totals]
    for value, total, old_too in zip(values, totals, sums, strict=True):
        value.add_incoming(total, entry)
        value.add_incoming(old_too, more)
    for value, at in zip(values, places, strict=True):
        v.store(value, *at)


def _merge_row(shape: Shape) -> Any:
    """merge_row(target, source, columns, add): scalars of a row, onto what is there or not."""

    def emit(b: ir.IRBuilder, target: Any, source: Any, columns: Any, add: Any) -> None:
        v, lanes = _Vectors(b, shape), _const(shape.lanes)
        n = b.sdiv(b.add(columns, _const(shape.lanes - 1)), lanes)
        adds = b.icmp_signed("!=", add, _const(0))
        with cgutils.for_range(b, n) as loop:
            offset = b.mul(loop.index, _const(shape.vector))
            mask = v.first_lanes(b.sub(columns, b.mul(loop.index, lanes)))
            to = b.add(target, offset)
            new = v.load(b.add(source, offset))
            value = b.select(adds, b.fadd(v.load_lanes(mask, to), new), new)
            v.store_lanes(mask, value, to, 0)

    return _emitted(4, emit)


def _copy_strip(shape: Shape) -> Any:
    """copy_strip(target, target_step, source, source_step, n, columns).

    n vectors, so many bytes apart; lanes from `columns` on are not read, and zero in the target.
    """

    def emit(
        b: ir.IRBuilder, target: Any, to: Any, source: Any, of: Any, n: Any, many: Any
    ) -> None:
        v = _Vectors(b, shape)
        mask = v.first_lanes(many)
        with cgutils.for_range(b, n) as loop:
            value = v.load_lanes(mask, b.add(source, b.mul(of, loop.index)))
            v.store(value, b.add(target, b.mul(to, loop.index)))

    return _emitted(6, emit)


@functools.cache
def turn_tile(shape: Shape, size: int) -> Any:
    """turn_tile(tile, source, index, step): size x size scalars transposed into `tile`.

    Row a of the square begins at source[index + a * step] and becomes column a.
    """

    @intrinsic
    def turned(typingctx: Any, tile: Any, source: Any, index: Any, step: Any) -> Any:
        def codegen(context: Any, b: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
            to, of = (b.ptrtoint(a, I64) for a in args[:2])
            item = _const(shape.itemsize)
            first, row = b.add(of, b.mul(args[2], item)), b.mul(args[3], item)
            blocks, pitch = _const(size // shape.lanes), _const(size * shape.itemsize)
            with cgutils.for_range(b, blocks) as down, cgutils.for_range(b, blocks) as along:
                lanes = _const(shape.lanes)
                rows, columns = b.mul(down.index, lanes), b.mul(along.index, _const(shape.vector))
                source_at = b.add(b.add(first, b.mul(rows, row)), columns)
                at = b.mul(b.mul(along.index, lanes), pitch)
                target_at = b.add(b.add(to, at), b.mul(rows, item))
                _turn(b, shape, target_at, pitch, source_at, row)
            return context.get_dummy_value()

        return types.none(tile, source, types.int64, types.int64), codegen

    return turned


def _turn(b: ir.IRBuilder, shape: Shape, target: Any, to: Any, source: Any, of: Any) -> None:
    """Emit a lanes x lanes square transposed; `to` and `of` are bytes from row to row."""
    v = _Vectors(b, shape)
    rows = [v.load(b.add(source, b.mul(of, _const(i)))) for i in range(shape.lanes)]
    half = shape.lanes // 2
    while half:  # exchange off-diagonal blocks of ever smaller size
        rows = _exchanged(b, rows, half)
        half //= 2
    for i, row in enumerate(rows):
        v.store(row, b.add(target, b.mul(to, _const(i))))


def _turn_square(shape: Shape) -> Any:
    """turn_square(target, target_step, source, source_step): a lanes x lanes square transposed."""

    def emit(b: ir.IRBuilder, target: Any, to: Any, source: Any, of: Any) -> None:
        _turn(b, shape, target, to, source, of)

    return _emitted(4, emit)


def _exchanged(b: ir.IRBuilder, rows: list[ir.Value], half: int) -> list[ir.Value]:
    lanes = len(rows)
    kind = ir.VectorType(I32, lanes)
    keep = [k if not k & half else lanes + (k ^ half) for k in range(lanes)]
    take = [k ^ half if not k & half else lanes + k for k in range(lanes)]
    out = list(rows)
    for i in range(lanes):
        if not i & half:
            x, y = rows[i], rows[i | half]
            out[i] = b.shuffle_vector(x, y, ir.Constant(kind, keep))
            out[i | half] = b.shuffle_vector(x, y, ir.Constant(kind, take))
    return out


def _stack(size: int) -> Any:
    def emit(b: ir.IRBuilder) -> ir.Value:
        with b.goto_entry_block():  # not Numba's alloca_once, which fills with zeros
            memory = b.alloca(ir.ArrayType(ir.IntType(8), size))
        memory.align = 64
        return b.ptrtoint(memory, I64)

    return _emitted(0, emit)


@functools.cache
def namespace(shape: Shape) -> dict[str, Any]:
    """What the text of `products` calls, for one shape of tile."""
    return {
        **{f"tile_{width}": _tile(shape, width) for width in range(1, shape.width + 1)},
        "merge_row": _merge_row(shape),
        "copy_strip": _copy_strip(shape),
        "turn_square": _turn_square(shape),
        "scratch_address": _stack(shape.scratch),
        "rows_address": _stack(8 * shape.block),
        "corner_address": _stack(shape.rows * shape.width * shape.vector),
        "zero_address": _stack(8),
    }

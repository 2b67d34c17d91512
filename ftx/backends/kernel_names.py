"""The names that kernel text may use, compiled: pointers, stack arrays and raw memory.

In: nothing.  Out: `NAMES`, name -> Numba intrinsic, made of the IR of `elements`.
Called by `numba_adapter` when a kernel must be compiled, since importing it imports Numba.
Must not know: what kernels compute, how they are compiled and loaded.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from .elements import ELEMENT_TYPES, I8, I32, I64, load_element, store_element

MAX_STACK_ELEMENTS = 4096  # 64 KiB of complex128: safe on every thread's stack


def _at(b: ir.IRBuilder, address: ir.Value, kind: ir.Type) -> ir.Value:
    return b.inttoptr(address, kind.as_pointer())


def _swap(b: ir.IRBuilder, address: ir.Value, old: ir.Value, new: ir.Value) -> ir.Value:
    pair = b.cmpxchg(_at(b, address, I64), old, new, "seq_cst", "seq_cst")
    return b.zext(b.extract_value(pair, 1), I64)


int64 = types.int64


class BufferPointer(types.Type):
    def __init__(self, suffix: str, number: int | None):
        self.kind, self.number = ELEMENT_TYPES[suffix], number
        self.scalar = getattr(types, self.kind.scalar)
        super().__init__(name=f"ftx.pointer({suffix}, {number})")


@register_model(BufferPointer)
class BufferPointerModel(models.PrimitiveModel):
    def __init__(self, manager, numba_type):
        super().__init__(manager, numba_type, numba_type.kind.llvm.as_pointer())


def is_access(args):
    return isinstance(args[0], BufferPointer) and isinstance(args[1], types.Integer)


@infer_global(operator.getitem)
class Load(AbstractTemplate):
    def generic(self, args, kws):
        return signature(args[0].scalar, args[0], int64) if is_access(args) else None


@infer_global(operator.setitem)
class Store(AbstractTemplate):
    def generic(self, args, kws):
        if is_access(args):
            return signature(types.none, args[0], int64, args[0].scalar)


@lower_builtin(operator.getitem, BufferPointer, types.Integer)
def load(context, b, sig, args):
    return load_element(b, sig.args[0].kind, sig.args[0].number, *args)


@lower_builtin(operator.setitem, BufferPointer, types.Integer, types.Any)
def store(context, b, sig, args):
    store_element(b, sig.args[0].kind, sig.args[0].number, args[2], *args[:2])
    return context.get_dummy_value()


def pointer(suffix: str) -> Any:
    @intrinsic(prefer_literal=True)
    def constructor(typingctx, table, number):
        def codegen(context, b, sig, args):
            address = b.load(b.gep(_at(b, args[0], I64), [args[1]], inbounds=True))
            address.set_metadata("invariant.load", b.module.add_metadata([]))
            return _at(b, address, ELEMENT_TYPES[suffix].llvm)

        known = number.literal_value if isinstance(number, types.IntegerLiteral) else None
        return BufferPointer(suffix, known)(int64, int64), codegen

    return constructor


def stack(suffix: str) -> Any:
    @intrinsic(prefer_literal=True)
    def constructor(typingctx, size):
        n = size.literal_value if isinstance(size, types.IntegerLiteral) else 0
        if not 0 < n <= MAX_STACK_ELEMENTS:
            limits = f"a literal size from 1 to {MAX_STACK_ELEMENTS}"
            raise TypeError(f"stack_{suffix}: expected {limits}, got {size}; use a buffer")
        kind = ELEMENT_TYPES[suffix]

        def codegen(context, b, sig, args):
            with b.goto_entry_block():  # Numba's alloca_once stores zeros: slow to compile
                memory = b.alloca(ir.ArrayType(kind.llvm, n * kind.parts))
            memory.align = 64
            return b.bitcast(memory, kind.llvm.as_pointer())

        # The size must stand in the signature: Numba keeps one lowering per signature.
        return BufferPointer(suffix, None)(size), codegen

    return constructor


def raw(arity: int, emit: Callable[..., Any]) -> Any:
    """The intrinsic int64 (int64, …) that `emit(b, *args)` writes."""

    def codegen(context, b, sig, args):
        value = emit(b, *args)
        return value if value is not None and value.type == I64 else I64(0)

    scope = {"result": (int64(*[int64] * arity), codegen)}
    exec(f"def raw(typingctx, {', '.join('abc'[:arity])}): return result", scope)
    return intrinsic(scope["raw"])


@intrinsic
def call_address(typingctx, address, operands):
    """Call the C function at `address` with a tuple of int64; its int64 result."""

    def codegen(context, b, sig, args):
        values = cgutils.unpack_tuple(b, args[1])
        return b.call(_at(b, args[0], ir.FunctionType(I64, [I64] * len(values))), values)

    return int64(int64, types.UniTuple(int64, len(operands))), codegen


move, fill = cgutils.raw_memmove, cgutils.memset
NAMES: dict[str, Any] = {
    "np": np,
    "call_address": call_address,
    "load_int8": raw(1, lambda b, at: b.sext(b.load(_at(b, at, I8)), I64)),
    "load_int32": raw(1, lambda b, at: b.sext(b.load(_at(b, at, I32)), I64)),
    "load_int64": raw(1, lambda b, at: b.load(_at(b, at, I64))),
    "store_int32": raw(2, lambda b, at, x: b.store(b.trunc(x, I32), _at(b, at, I32))),
    "store_int64": raw(2, lambda b, at, x: b.store(x, _at(b, at, I64))),
    "copy_bytes": raw(3, lambda b, to, x, n: move(b, _at(b, to, I8), _at(b, x, I8), n, 1)),
    "fill_bytes": raw(3, lambda b, at, n, x: fill(b, _at(b, at, I8), n, b.trunc(x, I8))),
    "swap_if_equal": raw(3, _swap),
    # Numba's own are overloads over tuples, compiled anew for every context.
    "min": raw(2, lambda b, x, y: b.select(b.icmp_signed("<", x, y), x, y)),
    "max": raw(2, lambda b, x, y: b.select(b.icmp_signed(">", x, y), x, y)),
}
for _suffix in ELEMENT_TYPES:
    NAMES[f"pointer_{_suffix}"] = NAMES[f"scratch_{_suffix}"] = pointer(_suffix)
    NAMES[f"stack_{_suffix}"] = stack(_suffix)

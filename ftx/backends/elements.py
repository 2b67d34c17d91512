"""Elements of buffers: how each dtype is stored, and the LLVM IR of one load and one store.

In: a dtype's name, an LLVM builder, a pointer and an index.  Out: instructions.
Half-precision elements are float32 between load and store.
Called by `kernel_names` only.  Must not know: Numba, kernel text.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from llvmlite import ir

from .machine_code import host_features

I8, I16, I32, I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
F16, F32, F64 = ir.HalfType(), ir.FloatType(), ir.DoubleType()


@dataclasses.dataclass(frozen=True, slots=True)
class ElementType:
    """How one element is stored and what kernel text sees of it."""

    suffix: str  # of the constructors: pointer_f32, stack_f32
    storage: str  # NumPy dtype of the buffer
    scalar: str  # Numba type of a loaded value
    llvm: ir.Type  # in memory; of one part, if complex

    @property
    def parts(self) -> int:
        return 2 if self.suffix in ("c64", "c128") else 1


_SIGNS = (("i", "int"), ("u", "uint"))
_INTEGERS = [(f"{s}{n}", f"{t}{n}", ir.IntType(n)) for s, t in _SIGNS for n in (8, 16, 32, 64)]
ELEMENT_TYPES: Mapping[str, ElementType] = {
    "bool": ElementType("bool", "bool", "boolean", I8),
    **{name: ElementType(name, of, of, kind) for name, of, kind in _INTEGERS},
    "key": ElementType("key", "uint64", "uint64", I64),
    "f16": ElementType("f16", "float16", "float32", I16),
    "bf16": ElementType("bf16", "uint16", "float32", I16),
    "f32": ElementType("f32", "float32", "float32", F32),
    "f64": ElementType("f64", "float64", "float64", F64),
    "c64": ElementType("c64", "complex64", "complex64", F32),
    "c128": ElementType("c128", "complex128", "complex128", F64),
}


# ---- LLVM IR of one load and one store; b is always the builder --------------------------------


def _alias_metadata(module: ir.Module, number: int) -> tuple[Any, Any]:
    """(scope list, noalias list) of buffer `number`; lists grow as the module meets new buffers.

    Each buffer number of the address table is one alias scope. Without them the vectoriser
    needs a run-time overlap check per pair of buffers and gives up beyond a few.
    """
    known = module.__dict__.setdefault("_ftx_scopes", {})
    if number not in known:
        domain = module.add_metadata(["ftx buffers"])
        scope = module.add_metadata([f"buffer {number}", domain])
        scopes = [entry[0] for entry in known.values()]
        others = ir.MDValue(module, scopes, name=str(len(module.metadata)))
        for entry in known.values():
            entry[2].operands = (*entry[2].operands, scope)
        known[number] = (scope, module.add_metadata([scope]), others)
    return known[number][1:]


def _host_has_half() -> bool:
    """Whether the CPU converts float16 itself; otherwise LLVM would call a missing routine."""
    return not {"+f16c", "+fullfp16", "+fp16"}.isdisjoint(host_features().split(","))


def _half_to_float(b: ir.IRBuilder, bits: ir.Value) -> ir.Value:
    if _host_has_half():
        return b.fpext(b.bitcast(bits, F16), F32)
    # Shift exponent and mantissa into place, then scale by 2^112 = the difference of the biases:
    # a multiplication normalises subnormals too. Infinity and NaN keep an all-ones exponent.
    wide = b.zext(bits, I32)
    magnitude = b.shl(b.and_(wide, I32(0x7FFF)), I32(13))
    scaled = b.fmul(b.bitcast(magnitude, F32), b.bitcast(I32((127 + 112) << 23), F32))
    special = b.icmp_unsigned(">=", magnitude, I32(0x7C00 << 13))
    infinite = b.or_(magnitude, I32(0x7F800000))
    value = b.select(special, infinite, b.bitcast(scaled, I32))
    sign = b.shl(b.and_(wide, I32(0x8000)), I32(16))
    return b.bitcast(b.or_(value, sign), F32)


def _float_to_half(b: ir.IRBuilder, value: ir.Value) -> ir.Value:
    if _host_has_half():
        return b.bitcast(b.fptrunc(value, F16), I16)
    # Round to nearest even by bits for normals, by adding 0.5 (whose last mantissa bit weighs
    # 2^-24, the smallest half) for subnormals; 0x477FF000 = 65520 is where rounding overflows.
    bits = b.bitcast(value, I32)
    magnitude = b.and_(bits, I32(0x7FFFFFFF))
    odd = b.and_(b.lshr(magnitude, I32(13)), I32(1))
    rounded = b.add(b.add(magnitude, I32(0xFFF - (112 << 23) & 0xFFFFFFFF)), odd)
    half = ir.Constant(F32, 0.5)
    small = b.fadd(b.bitcast(magnitude, F32), half)
    subnormal = b.sub(b.bitcast(small, I32), b.bitcast(half, I32))
    is_small = b.icmp_unsigned("<", magnitude, I32(113 << 23))
    finite = b.select(is_small, subnormal, b.lshr(rounded, I32(13)))
    nan = b.icmp_unsigned(">", magnitude, I32(0x7F800000))
    huge = b.select(nan, I32(0x7E00), I32(0x7C00))
    result = b.select(b.icmp_unsigned(">=", magnitude, I32(0x477FF000)), huge, finite)
    sign = b.and_(b.lshr(bits, I32(16)), I32(0x8000))
    return b.trunc(b.or_(result, sign), I16)


def _float_to_bfloat(b: ir.IRBuilder, value: ir.Value) -> ir.Value:
    bits = b.bitcast(value, I32)
    odd = b.and_(b.lshr(bits, I32(16)), I32(1))
    rounded = b.add(b.add(bits, I32(0x7FFF)), odd)
    quiet = b.or_(bits, I32(0x400000))  # keeps a NaN a NaN
    chosen = b.select(b.fcmp_unordered("uno", value, value), quiet, rounded)
    return b.trunc(b.lshr(chosen, I32(16)), I16)


_CONVERSIONS: dict[str, tuple[Any, Any]] = {  # from storage, to storage
    "bool": (
        lambda b, bits: b.icmp_unsigned("!=", bits, I8(0)),
        lambda b, value: b.zext(value, I8),
    ),
    "f16": (_half_to_float, _float_to_half),
    "bf16": (lambda b, bits: b.bitcast(b.shl(b.zext(bits, I32), I32(16)), F32), _float_to_bfloat),
}


def _places(b: ir.IRBuilder, kind: ElementType, pointer: ir.Value, index: ir.Value) -> list:
    """Addresses of the parts of element `index`: one, or real and imaginary."""
    if kind.parts == 1:
        return [b.gep(pointer, [index], inbounds=True)]
    twice = b.shl(index, I64(1))
    return [b.gep(pointer, [at], inbounds=True) for at in (twice, b.or_(twice, I64(1)))]


def _mark(access: ir.Instruction, kind: ElementType, number: int | None) -> ir.Instruction:
    access.align = np.dtype(kind.storage).itemsize // kind.parts
    if number is not None:
        scope, others = _alias_metadata(access.module, number)
        access.set_metadata("alias.scope", scope)
        access.set_metadata("noalias", others)
    return access


def load_element(b: ir.IRBuilder, kind: ElementType, number: int | None, *place: ir.Value) -> Any:
    parts = [_mark(b.load(at), kind, number) for at in _places(b, kind, *place)]
    if kind.parts == 2:
        pair = ir.Constant(ir.LiteralStructType([kind.llvm] * 2), ir.Undefined)
        return b.insert_value(b.insert_value(pair, parts[0], 0), parts[1], 1)
    return _CONVERSIONS[kind.suffix][0](b, *parts) if kind.suffix in _CONVERSIONS else parts[0]


def store_element(
    b: ir.IRBuilder, kind: ElementType, number: int | None, value: ir.Value, *place: ir.Value
) -> None:
    if kind.suffix in _CONVERSIONS:
        value = _CONVERSIONS[kind.suffix][1](b, value)
    for part, at in enumerate(_places(b, kind, *place)):
        item = b.extract_value(value, part) if kind.parts == 2 else value
        _mark(b.store(item, at), kind, number)

"""Kernel text to machine code: the only file that touches Numba's and llvmlite's internals.

In: Python text of `name(args, lo, hi)`, integers only.  Out: object code; loaded, an address.
Called by `cache` (compile, load) and by the code generator (names for kernel text).
Importing this module does not import Numba: a warm cache needs only llvmlite's loader.
Must not know: jaxprs, fusion, the disk cache, the executor's tables.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import hashlib
import itertools
import linecache
import operator
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

SUPPORTED_NUMBA = ">=0.65,<0.69"  # what `check_numba` was tried with
MAX_STACK_ELEMENTS = 4096  # 64 KiB of complex128: safe on every thread's stack

I8, I16, I32, I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
F16, F32, F64 = ir.HalfType(), ir.FloatType(), ir.DoubleType()
Names = Mapping[str, Any]


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


def _load_element(b: ir.IRBuilder, kind: ElementType, number: int | None, *place: ir.Value) -> Any:
    parts = [_mark(b.load(at), kind, number) for at in _places(b, kind, *place)]
    if kind.parts == 2:
        pair = ir.Constant(ir.LiteralStructType([kind.llvm] * 2), ir.Undefined)
        return b.insert_value(b.insert_value(pair, parts[0], 0), parts[1], 1)
    return _CONVERSIONS[kind.suffix][0](b, *parts) if kind.suffix in _CONVERSIONS else parts[0]


def _store_element(
    b: ir.IRBuilder, kind: ElementType, number: int | None, value: ir.Value, *place: ir.Value
) -> None:
    if kind.suffix in _CONVERSIONS:
        value = _CONVERSIONS[kind.suffix][1](b, value)
    for part, at in enumerate(_places(b, kind, *place)):
        item = b.extract_value(value, part) if kind.parts == 2 else value
        _mark(b.store(item, at), kind, number)


# ---- Names that kernel text may use, compiled --------------------------------------------------


def _at(b: ir.IRBuilder, address: ir.Value, kind: ir.Type) -> ir.Value:
    return b.inttoptr(address, kind.as_pointer())


def _swap(b: ir.IRBuilder, address: ir.Value, old: ir.Value, new: ir.Value) -> ir.Value:
    pair = b.cmpxchg(_at(b, address, I64), old, new, "seq_cst", "seq_cst")
    return b.zext(b.extract_value(pair, 1), I64)


@functools.cache
def compiled_namespace() -> dict[str, Any]:
    """Names for kernel text: pointer_*, scratch_*, stack_* and raw memory. Imports Numba."""
    from numba.core import cgutils, types
    from numba.core.typing.templates import AbstractTemplate, infer_global, signature
    from numba.extending import intrinsic, lower_builtin, models, register_model

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
        return _load_element(b, sig.args[0].kind, sig.args[0].number, *args)

    @lower_builtin(operator.setitem, BufferPointer, types.Integer, types.Any)
    def store(context, b, sig, args):
        _store_element(b, sig.args[0].kind, sig.args[0].number, args[2], *args[:2])
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
                memory = cgutils.alloca_once(b, ir.ArrayType(kind.llvm, n * kind.parts))
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

    int64, move, fill = types.int64, cgutils.raw_memmove, cgutils.memset
    names: dict[str, Any] = {
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
    }
    for suffix in ELEMENT_TYPES:
        names[f"pointer_{suffix}"] = names[f"scratch_{suffix}"] = pointer(suffix)
        names[f"stack_{suffix}"] = stack(suffix)
    return names


# ---- The same names, uncompiled ----------------------------------------------------------------


class _HalfBuffer:
    """Uncompiled twin of a float16 or bfloat16 pointer: float32 in and out, 16 bits stored."""

    def __init__(self, array: np.ndarray, suffix: str):
        self._array, self._bits = array, suffix == "bf16" and array.dtype == np.uint16

    def __getitem__(self, index: int) -> np.float32:
        if self._bits:
            return np.uint32(int(self._array[index]) << 16).view(np.float32)
        return np.float32(self._array[index])

    def __setitem__(self, index: int, value: float) -> None:
        if self._bits:
            bits = int(np.float32(value).view(np.uint32))
            nan = bits & 0x7FFFFFFF > 0x7F800000
            bits = bits | 0x400000 if nan else bits + 0x7FFF + (bits >> 16 & 1)
            self._array[index] = bits >> 16
        else:
            self._array[index] = np.float32(value)


def _python_names(kind: ElementType) -> dict[str, Callable[..., Any]]:
    def twin(array: np.ndarray) -> Any:
        return _HalfBuffer(array, kind.suffix) if kind.suffix in ("f16", "bf16") else array

    pointer = lambda args, number: twin(args[number])
    stack = lambda size: twin(np.empty(size, kind.storage))
    names = {"pointer": pointer, "scratch": pointer, "stack": stack}
    return {f"{name}_{kind.suffix}": function for name, function in names.items()}


PYTHON_NAMESPACE: dict[str, Any] = {"np": np}
for _kind in ELEMENT_TYPES.values():
    PYTHON_NAMESPACE.update(_python_names(_kind))


def run_uncompiled(
    source: str, name: str, namespace: Names, arrays: Sequence[Any], lo: int, hi: int
) -> int:
    """Run kernel text as plain Python on flat NumPy arrays, one per table entry.

    Args:
      namespace: further names of the text, as Python functions (vector math and the like).
      arrays: contiguous arrays of any shape; written in place.
    Returns: the kernel's status, 0 if it returns nothing.
    """
    for position, array in enumerate(arrays):
        if not array.flags.c_contiguous:
            what = f"array {position} with strides {array.strides} for shape {array.shape}"
            raise ValueError(f"run_uncompiled[{name}]: expected contiguous arrays, got {what}")
    scope = {**PYTHON_NAMESPACE, **namespace}
    exec(compile(source, f"<ftx {name}>", "exec"), scope)
    with np.errstate(all="ignore"):
        status = scope[name]([array.reshape(-1) for array in arrays], lo, hi)
    return 0 if status is None else int(status)


# ---- Compile -----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class ObjectCode:
    """Machine code of one kernel as an object file, with what is needed to load it."""

    code: bytes
    symbol: str  # its entry
    externals: tuple[str, ...] = ()  # functions it calls outside itself


@functools.cache
def host_features() -> str:
    """The CPU's features as LLVM spells them: "+avx2,-avx512f,…"."""
    return llvm.get_host_cpu_features().flatten()


@functools.cache
def _target_machine() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    options = {"opt": 3, "reloc": "pic"}  # pic: code may be loaded far from the C library
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=host_features(), codemodel="default", **options
    )


@functools.cache
def _lean_pipeline() -> tuple[type, type, Any]:
    """(code library, pass pipeline, flags): Numba's, less what generated kernels never need."""
    from numba.core import codegen, compiler, typed_passes, untyped_passes

    untyped = ("TranslateByteCode", "FixupArgs", "IRProcessing", "ReconstructSSA")
    typed = ("NopythonTypeInference", "PreLowerStripPhis", "InlineOverloads")
    lowering = ("IRLegalization", "NativeLowering", "NoPythonBackend")
    steps = [getattr(untyped_passes, name) for name in untyped]
    steps += [getattr(typed_passes, name) for name in (*typed, *lowering)]

    class Library(codegen.JITCodeLibrary):
        """Collects LLVM modules; optimised once, by `_optimise`, and never put in Numba's JIT."""

        def _optimize_functions(self, ll_module):
            ll_module.data_layout = self._codegen._data_layout

        def finalize(self):
            for library in dict.fromkeys(self._linking_libraries):
                self._final_module.link_in(library._get_module_for_linking(), preserve=True)
            self._finalized = True

    class Pipeline(compiler.CompilerBase):
        def define_pipelines(self):
            manager = compiler.PassManager("ftx kernel")
            for step in steps:
                manager.add_pass(step, step.__name__)
            manager.finalize()
            return [manager]

    flags: Any = compiler.Flags()
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
    flags.error_model = "numpy"
    flags.nrt = False  # no reference counting: kernels own no memory
    return Library, Pipeline, flags


def _entry_module(context: Any, result: Any, symbol: str, arity: int) -> str:
    """LLVM text of `int64 symbol(int64, …)`, which calls the compiled function."""
    from numba.core import types

    descriptor = result.fndesc
    if not (descriptor.restype == types.none or isinstance(descriptor.restype, types.Integer)):
        wanted = f"expected an int64 status on every path or none, got {descriptor.restype}"
        raise TypeError(f"compile_kernel[{symbol}]: {wanted}; end the kernel with return 0")
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(I64, [I64] * arity), symbol)
    b = ir.IRBuilder(function.append_basic_block())
    types_of = descriptor.restype, descriptor.argtypes
    kind = context.call_conv.get_function_type(*types_of)
    callee = ir.Function(module, kind, descriptor.llvm_func_name)
    _, value = context.call_conv.call_function(b, callee, *types_of, function.args)
    if descriptor.restype == types.none:
        value = I64(0)
    b.ret(b.sext(value, I64) if getattr(descriptor.restype, "signed", 1) else b.zext(value, I64))
    return str(module)


_ADDRESSES = "numba.dynamic.globals"  # Numba's name for addresses valid in this process only


def _optimise(module: llvm.ModuleRef, symbol: str, inner: str) -> tuple[str, ...]:
    """Internalise all but `symbol`, optimise once, name deterministically; names of externals."""
    for function in module.functions:
        if not function.is_declaration and function.name != symbol:
            function.linkage = "internal"
    module.get_function(inner).add_function_attribute("alwaysinline")
    for variable in module.global_variables:
        if not variable.is_declaration and not variable.name.startswith(_ADDRESSES):
            variable.linkage = "internal"  # of an address it would be folded into the code
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = True
    options.loop_interleaving = options.loop_unrolling = True
    builder = llvm.create_pass_builder(_target_machine(), options)
    builder.getModulePassManager().run(module, builder)
    for number, item in enumerate([*module.functions, *module.global_variables]):
        if item.name.startswith(_ADDRESSES):
            raise TypeError(f"compile_kernel[{symbol}]: it holds an address of this process")
        if not item.is_declaration and item.name != symbol:
            item.name = f"{symbol}.{number}"
    outside = [function.name for function in module.functions if function.is_declaration]
    return tuple(sorted(name for name in outside if not name.startswith("llvm.")))


def _compile_module(source: str, name: str, namespace: Names, arity: int) -> tuple[Any, str, Any]:
    """Kernel text to an optimised LLVM module: (module, entry symbol, externals)."""
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target
    from numba.core.types import int64

    symbol = f"ftx_{name}_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    file = f"<ftx {symbol}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)  # for Numba's errors
    with global_compiler_lock:
        scope = {"__name__": "ftx_kernels", **compiled_namespace(), **namespace}
        exec(compile(source, file, "exec"), scope)
        library_type, pipeline, flags = _lean_pipeline()
        typing, context = cpu_target.typing_context, cpu_target.target_context
        typing.refresh()
        context.refresh()
        library = library_type(context.codegen(), symbol)
        state = pipeline(typing, context, library, (int64,) * arity, None, flags.copy(), {})
        result = state.compile_extra(scope[name])
        if not library._finalized:
            library.finalize()
        module = library._final_module
        module.link_in(llvm.parse_assembly(_entry_module(context, result, symbol, arity)))
        return module, symbol, _optimise(module, symbol, result.fndesc.llvm_func_name)


def compile_kernel(source: str, name: str, namespace: Names, *, arity: int = 3) -> ObjectCode:
    """Compile the function `name` of `source` to machine code for this CPU.

    Args:
      source: Python text that defines `name(args, lo, hi)`; all arguments int64; returns an
        int64 status (0: no error) on every path, or nothing.
      namespace: names used by the text beside those of `compiled_namespace()`.
      arity: number of int64 parameters.
    Returns: object code whose entry is a C function `int64 (int64, …)`.
    Raises: numba.core.errors.NumbaError for text that does not type; TypeError for a status that
      is missing on some path.
    """
    module, symbol, externals = _compile_module(source, name, namespace, arity)
    return ObjectCode(_target_machine().emit_object(module), symbol, externals)


def inspect_kernel(source: str, name: str, namespace: Names) -> tuple[str, str]:
    """(optimised LLVM text, assembly) of a kernel; for FTX_DEBUG=5 and tests."""
    module, _, _ = _compile_module(source, name, namespace, 3)
    return str(module), _target_machine().emit_assembly(module)


# ---- Load --------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """Loaded machine code; `address` is valid while this object lives."""

    address: int
    symbol: str
    tracker: Any = dataclasses.field(repr=False)


_load_lock = threading.Lock()
_load_numbers = itertools.count()


@functools.cache
def _linker() -> llvm.LLJIT:
    jitlink = sys.platform != "win32"
    return llvm.create_lljit_compiler(_target_machine(), use_jit_link=jitlink, suppress_errors=True)


def _symbol_address(name: str) -> int:
    address = llvm.address_of_symbol(name)
    if address is None:  # a helper that Numba registers when first used
        from numba.core.registry import cpu_target

        cpu_target.target_context.refresh()
        address = llvm.address_of_symbol(name)
    if address is None:
        raise RuntimeError(f"load_kernel: expected symbol '{name}' in this process, found none")
    return address


def load_kernel(object_code: ObjectCode) -> Kernel:
    """Make object code callable in this process; needs no Numba, about 0.3 ms."""
    builder = llvm.JITLibraryBuilder().add_object_img(object_code.code)
    builder.export_symbol(object_code.symbol).add_current_process()
    for name in object_code.externals:
        builder.import_symbol(name, _symbol_address(name))
    with _load_lock:
        tracker = builder.link(_linker(), f"ftx.{next(_load_numbers)}")
    return Kernel(tracker[object_code.symbol], object_code.symbol, tracker)


@functools.cache
def adapter_identity() -> str:
    """What object code depends on beside its text: versions, CPU, and this very file."""
    with open(__file__, "rb") as file:
        own = hashlib.sha256(file.read()).hexdigest()[:16]
    versions = " ".join(f"{name} {metadata.version(name)}" for name in ("numba", "llvmlite"))
    cpu = f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {host_features()}"
    return f"{versions} python {sys.version_info[0]}.{sys.version_info[1]} {cpu} {own}"


_PROBE = """
def probe(args, lo, hi):
    x = pointer_f32(args, 0)
    for i in range(lo, hi):
        x[i] = x[i] + x[i]
"""


def check_numba() -> None:
    """Compile, load and run a probe. Raises RuntimeError if Numba's internals have changed."""
    try:
        kernel = load_kernel(compile_kernel(_PROBE, "probe", {}))
        x = np.arange(8, dtype=np.float32)
        table = np.array([x.ctypes.data], np.int64)
        call = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 4)(kernel.address)
        if call(table.ctypes.data, 0, 8) != 0 or x.tolist() != list(range(0, 16, 2)):
            raise RuntimeError(f"the probe kernel computed {x}")
    except Exception as error:
        got = f"{metadata.version('numba')}, whose internals differ ({error!r})"
        wanted = f"expected Numba {SUPPORTED_NUMBA}, got {got}; install one in that range"
        raise RuntimeError(f"numba_adapter: {wanted}") from error

"""Kernel text to object code: the only file that touches Numba's internals.

In: Python text of `name(args, lo, hi)`, integers only.  Out: object code.
Called by `cache` when a kernel is in neither memory nor disk; importing this imports Numba.
Kernels are compiled by contexts of our own, with only what kernel text can say: typing finds an
operator among a dozen rules, not the hundreds of NumPy's, and keeps what it found.
Must not know: jaxprs, fusion, the disk cache, the executor's tables.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import linecache
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba.core import (
    codegen,
    compiler,
    cpu,
    errors,
    imputils,
    target_extension,
    typed_passes,
    types,
    untyped_passes,
)
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.core.typing import cmathdecl, mathdecl, templates
from numba.core.typing.context import BaseContext as TypingContext
from numba.cpython import (  # noqa: F401  see LOWERING
    builtins,
    cmathimpl,
    iterators,
    mathimpl,
    numbers,
    rangeobj,
    tupleobj,
)

from ..core.collector import without_collector
from ..core.config import config
from ..core.errors import BackendError
from . import kernel_names
from .elements import I64
from .machine_code import ObjectCode, load_kernel, target_machine

SUPPORTED_NUMBA = ">=0.65,<0.69"  # what `check_numba` was tried with
Names = Mapping[str, Any]


# ---- Contexts: what kernel text may say, and how it is typed and lowered -----------------------


TARGET = "ftx kernel"
LOWERING = (mathimpl.registry, cmathimpl.registry, imputils.builtin_registry)
"""Operations on scalars; importing `numbers`, `rangeobj` and the like fills the last one."""


class KernelTarget(target_extension.CPU):
    """The CPU, as kernels see it."""


class KernelTyping(TypingContext):
    """Types of operations on scalars; each is found once."""

    def init(self) -> None:
        self.found: dict[Any, Any] = {}

    def refresh(self) -> None:
        if not self._registries:
            self.install_registry(mathdecl.registry)
            self.install_registry(cmathdecl.registry)
            self._load_builtins()
        self.install_registry(templates.builtin_registry)  # what intrinsics have added since

    def resolve_function_type(self, func: Any, args: Any, kws: Any) -> Any:
        key = (func, tuple(args), tuple(kws.items()) if kws else ())
        try:
            return self.found[key]
        except KeyError:
            pass
        except TypeError:  # an operand that cannot be hashed
            return super().resolve_function_type(func, args, kws)
        result = super().resolve_function_type(func, args, kws)
        if result is not None:
            self.found[key] = result
        return result

    def resolve_setitem(self, target: Any, index: Any, value: Any) -> Any:
        key = ("setitem", target, index, value)
        if key not in self.found:
            self.found[key] = super().resolve_setitem(target, index, value)
        return self.found[key]


class KernelContext(cpu.CPUContext):
    """How operations on scalars are written as LLVM IR; owns no memory, so no runtime is linked."""

    def __init__(self, typing: KernelTyping):
        self.written: dict[Any, Any] = {}
        super().__init__(typing, TARGET)
        self.registries = (imputils.Registry("ftx kernels"), *LOWERING)

    def refresh(self) -> None:
        for registry in self.registries:  # Numba puts intrinsics into the first one
            self.install_registry(registry)
        self.typing_context.refresh()

    def get_function(self, fn: Any, sig: Any, _firstcall: bool = True) -> Any:
        key = (fn, sig, type(self.error_model))  # complex division is written with another one
        if key not in self.written:
            typed = getattr(fn, "_impl_keys", None)
            if isinstance(fn, types.Function) and typed is not None and sig.args not in typed:
                # A rule that came after typing has made another type of the same function.
                fn.get_call_type(self.typing_context, sig.args, {})
            self.written[key] = super().get_function(fn, sig, _firstcall)
        return self.written[key]

    def post_lowering(self, mod: Any, library: Any) -> None:
        pass


class _Description:
    """What Numba asks of a target: its contexts."""

    typing_context: KernelTyping
    target_context: KernelContext


class _Dispatcher:
    targetdescr = _Description


@functools.cache
def _kernel_contexts() -> tuple[KernelTyping, KernelContext]:
    """Made once; refreshed as rules are added."""
    target_extension.target_registry[TARGET] = KernelTarget
    target_extension.dispatcher_registry[KernelTarget] = _Dispatcher
    target_extension.jit_registry[KernelTarget] = numba.jit
    with target_extension.target_override(TARGET):
        _Description.typing_context = KernelTyping()
        _Description.target_context = KernelContext(_Description.typing_context)
    return _Description.typing_context, _Description.target_context


@contextlib.contextmanager
def _kernel_target() -> Iterator[tuple[Any, Any]]:
    """The lean contexts, while kernels are compiled by them."""
    typing, context = _kernel_contexts()
    with target_extension.target_override(TARGET):
        context.refresh()
        yield typing, context


@contextlib.contextmanager
def _whole_numba() -> Iterator[tuple[Any, Any]]:
    """Numba's own contexts, for text that says more: NumPy's functions, jitted functions."""
    typing, context = cpu_target.typing_context, cpu_target.target_context
    typing.refresh()
    context.refresh()
    yield typing, context


# ---- Compile -----------------------------------------------------------------------------------


@functools.cache
def _lean_pipeline() -> tuple[type, type, Any]:
    """(code library, pass pipeline, flags): Numba's, less what generated kernels never need.

    Without legalisation no variable is deleted where it is last read: there is nothing to free.
    """
    untyped = ("TranslateByteCode", "FixupArgs", "IRProcessing", "ReconstructSSA")
    typed = ("NopythonTypeInference", "PreLowerStripPhis", "InlineOverloads")
    lowering = ("NativeLowering", "NoPythonBackend")
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
    options = llvm.create_pipeline_tuning_options(speed_level=2)  # 3 unrolls whole rows, no faster
    options.loop_vectorization = options.slp_vectorization = config.enabled("vectorise")
    options.loop_interleaving = options.loop_unrolling = True
    builder = llvm.create_pass_builder(target_machine(), options)
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
    symbol = f"ftx_{name}_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    file = f"<ftx {symbol}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)  # for Numba's errors
    scope = {"__name__": "ftx_kernels", **kernel_names.NAMES, **namespace}
    exec(compile(source, file, "exec"), scope)
    with global_compiler_lock, without_collector():
        try:
            with _kernel_target() as contexts:
                return _through(contexts, scope[name], symbol, arity)
        except (errors.NumbaError, NotImplementedError):
            with _whole_numba() as contexts:
                return _through(contexts, scope[name], symbol, arity)


def _through(contexts: Any, function: Any, symbol: str, arity: int) -> tuple[Any, str, Any]:
    """A Python function through Numba and LLVM."""
    typing, context = contexts
    library_type, pipeline, flags = _lean_pipeline()
    library = library_type(context.codegen(), symbol)
    signature = (types.int64,) * arity
    state = pipeline(typing, context, library, signature, None, flags.copy(), {})
    result = state.compile_extra(function)
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
      namespace: names used by the text beside those of `kernel_names`.
      arity: number of int64 parameters.
    Returns: object code whose entry is a C function `int64 (int64, …)`.
    Raises: numba.core.errors.NumbaError for text that does not type; TypeError for a status that
      is missing on some path.
    """
    module, symbol, externals = _compile_module(source, name, namespace, arity)
    return ObjectCode(target_machine().emit_object(module), symbol, externals)


def inspect_kernel(source: str, name: str, namespace: Names) -> tuple[str, str]:
    """(optimised LLVM text, assembly) of a kernel; for FTX_DEBUG=5 and tests."""
    module, _, _ = _compile_module(source, name, namespace, 3)
    return str(module), target_machine().emit_assembly(module)


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
        raise BackendError(f"numba_adapter: {wanted}") from error

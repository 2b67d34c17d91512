"""The adapter to numba-cuda: a kernel's text becomes PTX, then machine code for one chip.

In: a kernel's text, what its pointers point to, a compute capability.  Out: PTX, or a cubin from
memory, from the cache folder, or compiled now.  No GPU and no driver are needed.
Numba's launch machinery and arrays are never used, only `numba.cuda.compile`; a warm start does
not import numba.cuda.  Entry names are by content, so the same text gives the same bytes.
Must not know: what kernels compute, devices, streams.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import math
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import ir

from ..core import dtypes
from ..core.errors import BackendError
from . import cache
from . import intrinsics as kinds
from .cuda_text import ATOMICS, ROWS, Builder, Emit
from .machine_code import ObjectCode

Capability = tuple[int, int]
SM_90: Capability = (9, 0)
INSTALL = (
    "the extra cuda13, or cuda-codegen to compile without a GPU: in a clone, "
    "python -m pip install '.[cuda13]'"
)
PACKAGES = ("numba-cuda", "cuda-core", "nvidia-nvvm", "nvidia-nvjitlink")
"""What the machine code depends on, besides the text."""


@dataclass(frozen=True)
class Cubin:
    """Machine code for one chip, and the name of its kernel."""

    code: bytes
    name: str


@dataclass
class Stats:
    """How this process came by its cubins."""

    compiled: int = 0
    loaded_from_disk: int = 0


stats = Stats()
_lock = threading.Lock()
_cubins: dict[str, Cubin] = {}


def missing_packages() -> list[str]:
    """The packages without which kernels cannot be compiled."""
    return [name for name in ("numba-cuda", "cuda-core") if _version(name) == "none"]


@functools.cache
def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


@functools.cache
def _text_version() -> str:
    """Changes with the text of the scalar functions that kernels call."""
    here = Path(__file__).parent
    own = [here / name for name in ("intrinsics.py", "cuda_text.py", "cuda_compile.py")]
    files = sorted([*here.glob("vector_math/*.py"), *own])
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


def _digest(text: str, cells: Sequence[str], capability: Capability) -> str:
    versions = [_version(p) for p in PACKAGES]
    parts = ("cuda", text, list(cells), list(capability), versions, _text_version())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def arch(capability: Capability) -> str:
    """`sm_90` and the like."""
    return f"sm_{capability[0]}{capability[1]}"


def get_cubin(text: str, cells: Sequence[str], capability: Capability = SM_90) -> Cubin:
    """Machine code of the kernel `text`: from memory, from disk, or compiled now.

    Args:
      text: defines `kernel(p0, p1, ...)`.
      cells: short dtype names of what the parameters point to.
      capability: of the chip.
    Raises: BackendError if the compiler is not installed or refuses the kernel.
    """
    digest = _digest(text, cells, capability)
    with _lock:
        found = _cubins.get(digest)
        if found is not None:
            return found
        stored = cache._read(digest)
        if stored is not None:
            stats.loaded_from_disk += 1
            _cubins[digest] = Cubin(stored.code, stored.symbol)
            return _cubins[digest]
        ptx, name = get_ptx(text, cells, capability)
        code, _ = link(ptx, capability)
        stats.compiled += 1
        cache._write(digest, ObjectCode(code, name, ()))
        _cubins[digest] = Cubin(code, name)
        return _cubins[digest]


def get_ptx(text: str, cells: Sequence[str], capability: Capability = SM_90) -> tuple[str, str]:
    """PTX of a kernel, the same for the same text in every process, and its entry's name."""
    numba_cuda, types, _ = _compiler()
    space = dict(_names())
    exec(compile(text, "<ftx cuda kernel>", "exec"), space)
    kinds = _kinds(types)
    signature = types.void(*[types.CPointer(kinds[c]) for c in cells])
    try:
        ptx, _ = numba_cuda.compile(
            space["kernel"], signature, device=False, abi="numba", cc=capability
        )
    except Exception as error:
        raise BackendError(
            f"cuda: expected a kernel that compiles for {arch(capability)}, got "
            f"{type(error).__name__}: {error}; this is an error of ftx\n{text}"
        ) from error
    return _with_stable_names(ptx, f"ftx_{_digest(text, cells, capability)[:16]}")


def _with_stable_names(ptx: str, name: str) -> tuple[str, str]:
    """Numba's names hold a counter of the process: replace them by ones of content."""
    entry = re.search(r"\.visible \.entry (\w+)", ptx)
    assert entry is not None
    mangled = entry.group(1)
    found = dict.fromkeys(re.findall(r"[\w$]*NumbaEnv[\w$]*", ptx))
    for k, symbol in enumerate(sorted(found, key=len, reverse=True)):
        ptx = ptx.replace(symbol, f"{name}_env{k}")
    return ptx.replace(mangled, name), name


def link(ptx: str, capability: Capability = SM_90, verbose: bool = False) -> tuple[bytes, str]:
    """Machine code of PTX, and (verbose) ptxas's report of registers and spills."""
    _, _, core = _compiler()
    extra = {"verbose": True, "ptxas_options": ["-v"]} if verbose else {}
    options = core.LinkerOptions(arch=arch(capability), **extra)
    try:
        linker = core.Linker(core.ObjectCode.from_ptx(ptx.encode()), options=options)
        code = linker.link("cubin").code
    except Exception as error:
        raise BackendError(
            f"cuda: expected PTX that assembles for {arch(capability)}, got "
            f"{type(error).__name__}: {error}; check the versions of nvidia-nvjitlink and "
            "nvidia-nvvm"
        ) from error
    return bytes(code), linker.get_info_log() if verbose else ""


@functools.cache
def _compiler() -> tuple[Any, Any, Any]:
    """numba.cuda, numba.types and cuda.core: optional packages, imported on first use."""
    gone = missing_packages()
    if gone:
        raise BackendError(
            f"cuda: expected the packages that compile kernels, got no {' and no '.join(gone)}; "
            f"install them: {INSTALL}"
        )
    if not hasattr(np, "row_stack"):  # numba-cuda 0.30 dies without it on NumPy 2.5 and later
        np.row_stack = np.vstack  # type: ignore[attr-defined]
    try:
        from cuda import core
        from numba import cuda as numba_cuda
        from numba import types
    except ImportError as error:
        raise BackendError(
            f"cuda: expected working packages numba-cuda and cuda-core, got {error}; "
            f"install them again: {INSTALL}"
        ) from error
    return numba_cuda, types, core


def _kinds(types: Any) -> dict[str, Any]:
    """Numba's types by short name."""
    named = {dtypes.short_name(d): d.name for d in dtypes.ALL if d.name not in _WITHOUT_TYPE}
    return {short: getattr(types, name) for short, name in named.items()}


_WITHOUT_TYPE = ("bool", "bfloat16", "float16")


@functools.cache
def _names() -> dict[str, Any]:
    """What a kernel's text may call, as Numba intrinsics."""
    numba_cuda, types, _ = _compiler()
    names: dict[str, Any] = {n: _intrinsic(n, *row) for n, row in ROWS.items()}
    names |= {n: _atomic(n, *row) for n, row in ATOMICS.items() if n is not None}
    numbers = {"inf": math.inf, "nan": math.nan, "cuda": numba_cuda}
    numbers |= {"index": types.int64, "cell": types.uint64}
    return names | _kinds(types) | numbers | {"u8": types.uint8}


def _intrinsic_decorator() -> Any:
    from numba.cuda.extending import intrinsic

    return intrinsic


def _intrinsic(name: str, formula: Callable[..., Any], result: str, *operands: str) -> Any:
    """`name` as one always-inlined function per module; see `intrinsics.compiled`."""
    signature = kinds.NUMBA[result](*[kinds.NUMBA[k] for k in operands])
    llvm_type = ir.FunctionType(kinds.LLVM[result], [kinds.LLVM[k] for k in operands])
    symbol = f"ftx_{name}"

    def codegen(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        function = builder.module.globals.get(symbol)
        if function is None:
            function = ir.Function(builder.module, llvm_type, symbol)
            function.linkage = "internal"
            for attribute in ("alwaysinline", "nounwind"):
                function.attributes.add(attribute)
            machine = Emit(Builder(function.append_basic_block("entry")))
            values = [
                kinds.Value(machine, k, a) for k, a in zip(operands, function.args, strict=True)
            ]
            machine.builder.ret(formula(machine, *values).llvm)
        return builder.call(function, args)

    typings: dict[int, Callable[..., Any]] = {
        1: lambda typing, a: (signature, codegen),
        2: lambda typing, a, b: (signature, codegen),
        3: lambda typing, a, b, c: (signature, codegen),
        4: lambda typing, a, b, c, d: (signature, codegen),
    }
    typing = typings[len(operands)]
    typing.__name__ = typing.__qualname__ = name
    return _intrinsic_decorator()(typing)


def _atomic(name: str, op: str, t: str) -> Any:
    """`name(pointer, index, value)`: combine into global memory, whoever else does so too."""
    numba_types, void = kinds.NUMBA, _compiler()[1].void

    def codegen(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        pointer = builder.gep(args[0], [args[1]])
        if t[0] == "f" and op == "add":
            kind = kinds.LLVM[t]
            code = ir.InlineAsm(
                ir.FunctionType(ir.VoidType(), [pointer.type, kind]),
                f"red.global.add.{t} [$0], $1;",
                "l,f" if t == "f32" else "l,d",
                side_effect=True,
            )
            builder.call(code, [pointer, args[2]])
        elif t[0] != "f" and op != "mul":
            llvm_op = op if op == "add" else op if t[0] == "i" else f"u{op}"
            builder.atomic_rmw(llvm_op, pointer, args[2], "monotonic")
        else:
            _compare_and_swap(builder, pointer, args[2], op, t)
        return context.get_dummy_value()

    def typing(context: Any, pointer: Any, index: Any, value: Any) -> Any:
        return void(pointer, numba_types["i64"], numba_types[t]), codegen

    typing.__name__ = typing.__qualname__ = name
    return _intrinsic_decorator()(typing)


def _compare_and_swap(builder: Any, pointer: Any, value: Any, op: str, t: str) -> None:
    """Try until no other thread came between reading and writing."""
    bits, real = ir.IntType(int(t[1:])), kinds.LLVM[t]
    pointer = builder.bitcast(pointer, bits.as_pointer())
    first, before = builder.load(pointer), builder.block
    loop, done = builder.append_basic_block("again"), builder.append_basic_block("done")
    builder.branch(loop)
    builder.position_at_end(loop)
    old = builder.phi(bits)
    old.add_incoming(first, before)
    machine = Emit(builder)
    a = kinds.Value(machine, t, old if t[0] != "f" else builder.bitcast(old, real))
    b = kinds.Value(machine, t, value)
    result = a * b if op == "mul" else machine._extreme(op, a, b)
    new = result.llvm if t[0] != "f" else builder.bitcast(result.llvm, bits)
    tried = builder.cmpxchg(pointer, old, new, "monotonic", "monotonic")
    seen, succeeded = builder.extract_value(tried, 0), builder.extract_value(tried, 1)
    old.add_incoming(seen, builder.block)
    builder.cbranch(succeeded, done, loop)
    builder.position_at_end(done)

"""Machine code of kernels: what it depends on, and loading it into this process.

In: object code, from the disk cache or from `numba_adapter`.  Out: an address to call.
Everything a warm start needs; of llvmlite only the binding, of Numba nothing (but for a kernel
that calls one of Numba's own helpers).
Must not know: kernel text, the disk cache, the executor's tables.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import sys
import threading
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import llvmlite.binding as llvm

COMPILER_FILES = ("numba_adapter", "kernel_names", "elements", "machine_code")
"""Files on whose text object code depends, beside the kernel's own."""


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
def target_machine() -> llvm.TargetMachine:
    """Code generation for this CPU."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    options = {"opt": 3, "reloc": "pic"}  # pic: code may be loaded far from the C library
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=host_features(), codemodel="default", **options
    )


class Kernel(Protocol):
    """Machine code to call: loaded, or loaded when its address is asked for."""

    @property
    def address(self) -> int:
        """Where it starts; valid while this object lives."""

    def __hash__(self) -> int: ...


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class LoadedKernel:
    """Loaded machine code; `address` is valid while this object lives."""

    address: int
    symbol: str
    tracker: Any = dataclasses.field(repr=False)


_load_lock = threading.Lock()
_load_numbers = itertools.count()


@functools.cache
def _linker() -> llvm.LLJIT:
    jitlink = sys.platform != "win32"
    return llvm.create_lljit_compiler(target_machine(), use_jit_link=jitlink, suppress_errors=True)


def _symbol_address(name: str) -> int:
    address = llvm.address_of_symbol(name)
    if address is None:  # a helper that Numba registers when first used
        from numba.core.registry import cpu_target

        cpu_target.target_context.refresh()
        address = llvm.address_of_symbol(name)
    if address is None:
        raise RuntimeError(f"load_kernel: expected symbol '{name}' in this process, found none")
    return address


def load_kernel(object_code: ObjectCode) -> LoadedKernel:
    """Make object code callable in this process; needs no Numba, about 0.3 ms."""
    builder = llvm.JITLibraryBuilder().add_object_img(object_code.code)
    builder.export_symbol(object_code.symbol).add_current_process()
    for name in object_code.externals:
        builder.import_symbol(name, _symbol_address(name))
    with _load_lock:
        tracker = builder.link(_linker(), f"ftx.{next(_load_numbers)}")
    return LoadedKernel(tracker[object_code.symbol], object_code.symbol, tracker)


@functools.cache
def identity() -> str:
    """What object code depends on beside its text: versions, CPU, and how we compile."""
    here = Path(__file__).parent
    files = [(here / f"{name}.py").read_bytes() for name in COMPILER_FILES]
    own = hashlib.sha256(b"".join(files)).hexdigest()[:16]
    versions = " ".join(f"{name} {metadata.version(name)}" for name in ("numba", "llvmlite"))
    cpu = f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {host_features()}"
    return f"{versions} python {sys.version_info[0]}.{sys.version_info[1]} {cpu} {own}"

"""python -m ftx doctor: what this machine offers ftx, and what to do about what is missing.

In: nothing.  Out: lines of text, and whether everything the CPU needs is in order.
Knows nothing of: programs.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Iterator

from .backends import cache, machine_code, parallel
from .core.backend import get_backend
from .core.config import OPTIONS, config
from .core.errors import BackendError
from .core.processor import available_cores
from .version import __version__

REQUIRED = ("numpy", "numba", "llvmlite", "scipy", "ml_dtypes", "optree", "opt_einsum")
CUDA_PARTS = ("numba_cuda", "cuda.core", "cuda.bindings", "nvmath")


def version_of(name: str) -> str | None:
    """Installed version of a distribution, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _versions() -> Iterator[tuple[bool, str]]:
    yield True, f"ftx {__version__}, Python {platform.python_version()}, {platform.platform()}"
    for name in REQUIRED:
        found = version_of(name)
        cure = "" if found else f": missing; install it with `python -m pip install {name}`"
        yield found is not None, f"{name} {found or ''}{cure}"


def _cpu() -> Iterator[tuple[bool, str]]:
    features = machine_code.host_features()
    wide = [f for f in ("avx512f", "avx2", "fma", "neon") if f"+{f}" in features]
    yield True, f"CPU: {available_cores()} cores, vectors: {', '.join(wide) or 'unknown'}"
    layer = parallel.layer()
    ok = layer.name == "tbb"
    cure = "" if ok else ": slower; install tbb with `python -m pip install tbb`"
    yield True, f"threads: {parallel.get_num_threads()}, layer {layer.name}{cure}"
    try:
        from .backends.numba_adapter import check_numba

        check_numba()
        yield True, "Numba: its internals are as expected"
    except Exception as error:
        yield False, f"Numba: {error}"


def _cache() -> Iterator[tuple[bool, str]]:
    folder = cache.cache_folder()
    megabytes = cache.cache_size() / 2**20
    parent = next(p for p in (folder, *folder.parents) if p.exists())
    writable = parent.is_dir() and os.access(parent, os.W_OK)
    cure = "" if writable else ": not writable; set FTX_CACHE_DIR to a folder that is"
    yield writable, f"kernel cache: {folder}, {megabytes:.1f} MiB{cure}"


def _has(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _cuda() -> Iterator[tuple[bool, str]]:
    missing = [m for m in CUDA_PARTS if not _has(m)]
    if missing:
        yield (
            True,
            (
                f"CUDA: not installed ({', '.join(missing)} missing); for NVIDIA GPUs install the "
                "extra `cuda13`; the CPU works without"
            ),
        )
        return
    try:
        get_backend("cuda")
        yield True, "CUDA: present"
    except BackendError as error:
        yield True, f"CUDA: {str(error).splitlines()[0]}"


def _options() -> Iterator[tuple[bool, str]]:
    for option in OPTIONS:
        value = getattr(config, option.name)
        if value != option.default:
            yield True, f"option {option.name} = {value!r} ({option.variable})"


def report() -> tuple[list[str], bool]:
    """All findings, and whether ftx can work."""
    lines, healthy = [], True
    for section in (_versions, _cpu, _cache, _cuda, _options):
        for ok, text in section():
            lines.append(f"{'ok  ' if ok else 'FAIL'}  {text}")
            healthy &= ok
    return lines, healthy


def main(arguments: list[str]) -> int:
    """Run a command of `python -m ftx`; the exit status."""
    if arguments != ["doctor"]:
        print("usage: python -m ftx doctor", file=sys.stderr)
        return 2
    lines, healthy = report()
    print("\n".join(lines))
    return 0 if healthy else 1

"""The names of kernel text as plain Python, and kernels run by their text.

In: kernel text, arrays.  Out: the arrays, written as the compiled kernel would.
For tests, for stepping through a kernel in a debugger, and for FTX_CHECK=2.
Must not know: Numba.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .addresses import TILE
from .elements import ELEMENT_TYPES, ElementType


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


def turn_tile(tile: Any, source: Any, index: int, step: int) -> None:
    """What `tile.turn_tile` does."""
    for a in range(TILE):
        tile[a::TILE] = source[index + a * step : index + a * step + TILE]


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
    source: str, name: str, namespace: Mapping[str, Any], arrays: Sequence[Any], lo: int, hi: int
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

"""ftx.dlpack: arrays shared with other libraries, without copies.

In: objects with `__dlpack__`.  Out: arrays on the same memory.
The way back is `torch.from_dlpack(x)`, `numpy.from_dlpack(x)` and the like: ftx arrays speak the
protocol themselves.  Who writes to shared memory changes the array, which ftx takes as immutable.
Must not know: which libraries there are.
"""

import numpy as np

from .core import dtypes
from .core.array import Array
from .core.errors import BackendError, DTypeError, NotAnArrayError, UnsupportedError
from .numpy.promotion import asarray

__all__ = ["from_dlpack", "is_supported_dtype"]

_HOST = (1, 3)
"""Kinds of DLPack devices whose memory the CPU reads: main memory, and that pinned for CUDA."""


def is_supported_dtype(dtype):
    """Whether arrays of this dtype can be shared: those NumPy's own exchange knows.

    Returns: bool; False for bfloat16, which NumPy cannot export.

    >>> is_supported_dtype("float32"), is_supported_dtype("bfloat16")
    (True, False)
    """
    found = np.dtype(dtype)
    return found.kind in "biufc" and found != dtypes.bfloat16 and found.itemsize <= 16


def from_dlpack(external_array, device=None, copy=None):
    """An array on the memory of another library's array.

    Args:
      external_array: has `__dlpack__` and `__dlpack_device__`, on the CPU.
      device: None or a device of the CPU.
      copy: True for memory of its own; None and False share.
    Returns: Array of the same shape and dtype.
    Raises: NotAnArrayError for an object without the protocol (a bare capsule has no device);
      BackendError for memory of another device; DTypeError for a dtype that is not shared.

    >>> theirs = np.arange(3)
    >>> np.shares_memory(np.asarray(from_dlpack(theirs)), theirs)
    True
    """
    if not hasattr(external_array, "__dlpack__") or not hasattr(
        external_array, "__dlpack_device__"
    ):
        raise NotAnArrayError(
            "from_dlpack: expected an object with __dlpack__ and __dlpack_device__, got "
            f"{type(external_array).__name__}; pass the array itself, not a capsule"
        )
    if device is not None and getattr(device, "platform", None) != "cpu":
        raise UnsupportedError(
            f"from_dlpack: expected device None or a CPU device, got {device!r}; arrays live on "
            "the CPU"
        )
    kind = int(external_array.__dlpack_device__()[0])
    if kind not in _HOST:
        raise BackendError(
            f"from_dlpack: expected memory of the CPU (DLPack device 1), got device {kind}; move "
            "the array to the CPU first"
        )
    if isinstance(external_array, Array):
        return asarray(external_array, copy=copy)
    try:
        shared = np.from_dlpack(external_array)
    except (BufferError, RuntimeError, TypeError) as error:
        raise DTypeError(
            f"from_dlpack: expected an array that NumPy can share, got {external_array!r:.60} "
            f"({error}); convert its dtype first"
        ) from None
    return asarray(shared, copy=copy)

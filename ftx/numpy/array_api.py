"""`ftx.numpy` as a namespace of the Python array API standard, version 2024.12.

In: nothing but the namespace.  Out: what it can do: dtypes, devices, capabilities.
Arrays cannot be changed in place, so `x[i] = y`, which the standard has, is refused.
Must not know: operations.
"""

import sys

import numpy as np

from ..core import dtypes
from ..core.device import HOST
from ..core.errors import ArgumentError
from .scalar_types import isdtype

__all__ = ["__array_api_version__", "__array_namespace_info__"]

__array_api_version__ = "2024.12"
VERSIONS = ("2021.12", "2022.12", "2023.12", __array_api_version__)

_NAMES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128"),
)


class __array_namespace_info__:
    """What `ftx.numpy` offers under the array API standard.

    >>> __array_namespace_info__().default_dtypes()["real floating"]
    dtype('float32')
    """

    def capabilities(self):
        """Masks as indices and shapes that depend on values work outside of traced code."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self):
        """Where new arrays are."""
        return HOST

    def devices(self):
        """Where arrays can be."""
        return [HOST]

    def default_dtypes(self, *, device=None):
        """Dtypes of new arrays without a dtype, by kind, under the present `enable_x64`."""
        _check_device(device)
        real, integer = dtypes.default_float(), dtypes.default_int()
        return {
            "real floating": real,
            "complex floating": dtypes.complex_of(real),
            "integral": integer,
            "indexing": integer,
        }

    def dtypes(self, *, device=None, kind=None):
        """The standard's dtypes that arrays can have, by name.

        Args:
          kind: None, a kind of `isdtype`, or a tuple of kinds.
        """
        _check_device(device)
        there = {n: np.dtype(n) for n in _NAMES if dtypes.held(n).name == n}
        return {n: d for n, d in there.items() if kind is None or isdtype(d, kind)}


def _check_device(device):
    if device not in (None, HOST):
        raise ArgumentError(f"array namespace: expected device {HOST!r} or None, got {device!r}")


def array_namespace(self, *, api_version=None):
    """The namespace whose functions take this array: `ftx.numpy`.

    Args:
      api_version: None, or a version of the array API standard up to 2024.12.
    """
    if api_version not in (None, *VERSIONS):
        raise ArgumentError(
            f"__array_namespace__: expected api_version among {VERSIONS}, got {api_version!r}"
        )
    return sys.modules[__package__]

"""ftx.dtypes: questions about element types, as jax.dtypes.

In: arrays, numbers, anything that names a dtype.  Out: dtypes, answers about them.
Must not know: any operation on arrays.
"""

import numpy as np

from .core import dtypes as _dtypes
from .core.dtypes import float0
from .core.errors import DTypeError as TypePromotionError
from .numpy.scalar_types import (
    bfloat16,
    extended,
    finfo,
    iinfo,
    prng_key,
    result_type_and_weakness,
)
from .numpy.scalar_types import issubdtype as _issubdtype

__all__ = [
    "TypePromotionError",
    "bfloat16",
    "canonicalize_dtype",
    "extended",
    "finfo",
    "float0",
    "iinfo",
    "issubdtype",
    "itemsize_bits",
    "prng_key",
    "result_type",
    "scalar_type_of",
]

_SCALARS = {"b": bool, "i": int, "f": float, "c": complex}


def issubdtype(a, b):
    """Whether dtype `a` is `b` or belongs to the class `b`.

    >>> issubdtype("int8", np.integer)
    True
    """
    return _issubdtype(a, b)


def canonicalize_dtype(dtype, allow_extended_dtype=False):
    """The dtype that arrays asked for `dtype` have; with enable_x64=False, of at most 32 bits.

    Args:
      allow_extended_dtype: of no effect; there are no extended dtypes.
    Raises: DTypeError for a dtype that ftx does not compute with.

    >>> import ftx
    >>> with ftx.enable_x64(False):
    ...     canonicalize_dtype("float64")
    dtype('float32')
    """
    if isinstance(dtype, np.dtype) and dtype == float0:
        return float0
    return _dtypes.held(dtype)


def result_type(*args, return_weak_type_flag=False):
    """The dtype that operations on `args`, arrays or dtypes, compute in.

    Args:
      return_weak_type_flag: return also whether it gives way to that of another operand.

    >>> result_type(1, 2.0, return_weak_type_flag=True)
    (dtype('float32'), True)
    """
    found = result_type_and_weakness(*args)
    return found if return_weak_type_flag else found[0]


def scalar_type_of(x):
    """The Python type of the numbers in `x`: bool, int, float or complex.

    >>> scalar_type_of(np.ones(2, np.float32))
    <class 'float'>
    """
    return _SCALARS[_dtypes.kind(result_type(x))]


def itemsize_bits(dtype):
    """Bits of one element.

    >>> itemsize_bits("bfloat16")
    16
    """
    return 8 * canonicalize_dtype(dtype).itemsize

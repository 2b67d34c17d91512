"""Element types as users name them, and questions about them.

In: dtypes in any notation.  Out: `numpy.dtype`s, booleans, limits.
A scalar type is called like a function to make an array: `float32(3)`.
Must not know: operations on arrays.
"""

import ml_dtypes
import numpy as np

from ..core import dtypes
from ..core.array import Value
from ..core.config import config
from ..core.errors import DTypeError
from .promotion import asarray, common_type, operand

__all__ = [
    *("bfloat16", "bool", "bool_", "can_cast", "complex128", "complex64", "complex_"),
    *("complexfloating", "dtype", "finfo", "float16", "float32", "float64", "float_", "floating"),
    *("iinfo", "inexact", "int16", "int32", "int64", "int8", "int_", "integer", "isdtype"),
    *("issubdtype", "promote_types", "result_type", "signedinteger", "uint", "uint16", "uint32"),
    *("uint64", "uint8", "unsignedinteger", "number", "generic", "cdouble", "csingle", "double"),
    *("single", "character", "flexible", "object_"),
]

dtype = np.dtype
generic, number, inexact, floating = np.generic, np.number, np.inexact, np.floating
complexfloating, integer = np.complexfloating, np.integer
signedinteger, unsignedinteger = np.signedinteger, np.unsignedinteger
character, flexible, object_ = np.character, np.flexible, np.object_


_SCALAR_HELP = """Array[...] of dtype {name} from a number, an array[...] or nested lists.

>>> ftx.numpy.{name}([0, 1]).dtype == ftx.numpy.{name}
True
"""


class ScalarType:
    """A dtype that makes an array when called; equal to the `numpy.dtype` it stands for.

    >>> float32(3).dtype == float32
    True
    """

    def __init__(self, name, find):
        self.__name__, self._find = name, find
        self.__doc__ = _SCALAR_HELP.format(name=name)

    @property
    def ftx_dtype(self):
        """The `numpy.dtype` this stands for."""
        return self._find()

    dtype = ftx_dtype

    @property
    def type(self):
        """NumPy's scalar class."""
        return self.ftx_dtype.type

    def __call__(self, x=0):
        return asarray(x, dtype=self.ftx_dtype)

    def __eq__(self, other):
        try:
            return _as_dtype(other) == self.ftx_dtype
        except TypeError:
            return NotImplemented

    def __hash__(self):
        return hash(self.ftx_dtype)

    def __repr__(self):
        return f"ftx.numpy.{self.__name__}"


def _as_dtype(x):
    found = getattr(x, "ftx_dtype", x)
    return dtypes.bfloat16 if isinstance(found, str) and found == "bfloat16" else np.dtype(found)


def _fixed(name, found):
    return ScalarType(name, lambda: found)


bool_ = _fixed("bool_", dtypes.bool_)
bool = bool_
int8, int16 = _fixed("int8", dtypes.int8), _fixed("int16", dtypes.int16)
int32, int64 = _fixed("int32", dtypes.int32), _fixed("int64", dtypes.int64)
uint8, uint16 = _fixed("uint8", dtypes.uint8), _fixed("uint16", dtypes.uint16)
uint32, uint64 = _fixed("uint32", dtypes.uint32), _fixed("uint64", dtypes.uint64)
bfloat16, float16 = _fixed("bfloat16", dtypes.bfloat16), _fixed("float16", dtypes.float16)
float32, float64 = _fixed("float32", dtypes.float32), _fixed("float64", dtypes.float64)
complex64 = _fixed("complex64", dtypes.complex64)
complex128 = _fixed("complex128", dtypes.complex128)
single, double, csingle, cdouble = float32, float64, complex64, complex128

_UINT = {dtypes.int32: dtypes.uint32, dtypes.int64: dtypes.uint64}
int_ = ScalarType("int_", dtypes.default_int)
uint = ScalarType("uint", lambda: _UINT[dtypes.default_int()])
float_ = ScalarType("float_", dtypes.default_float)
complex_ = ScalarType("complex_", dtypes.default_complex)

_ABSTRACT = {
    np.generic: "bifc",
    np.number: "ifc",
    np.inexact: "fc",
    np.floating: "f",
    np.complexfloating: "c",
    np.integer: "i",
}


class extended(np.generic):
    """The class of dtypes that are not numbers."""


class prng_key(extended):
    """The class of the dtype of random keys."""


def issubdtype(arg1, arg2):
    """Whether dtype `arg1` is `arg2` or belongs to the class `arg2`.

    >>> issubdtype(bfloat16, floating)
    True
    """
    if isinstance(arg2, type) and issubclass(arg2, extended):
        if isinstance(arg1, np.dtype):
            return arg1 == dtypes.key
        return isinstance(arg1, type) and issubclass(arg1, arg2)
    if isinstance(arg1, np.dtype) and arg1 == dtypes.key:
        return arg2 is np.generic or isinstance(arg2, np.dtype) and arg2 == dtypes.key
    if isinstance(arg1, np.dtype) and arg1 == dtypes.float0:
        return arg2 is np.generic or isinstance(arg2, np.dtype) and arg2 == dtypes.float0
    if isinstance(arg1, type) and arg1 in _ABSTRACT or arg1 in (signedinteger, unsignedinteger):
        return isinstance(arg2, type) and issubclass(arg1, arg2)
    found = dtypes.held(arg1)
    if arg2 is signedinteger:
        return found in dtypes.SIGNED
    if arg2 is unsignedinteger:
        return found in dtypes.UNSIGNED
    if isinstance(arg2, type) and arg2 in _ABSTRACT:
        return dtypes.kind(found) in _ABSTRACT[arg2]
    if arg2 in (character, flexible, object_):
        return False
    if arg2 in (float, int, complex):
        return issubdtype(
            found, {float: floating, int: signedinteger, complex: complexfloating}[arg2]
        )
    return found == _as_dtype(arg2)


_KINDS = {
    "bool": lambda d: d == dtypes.bool_,
    "signed integer": lambda d: d in dtypes.SIGNED,
    "unsigned integer": lambda d: d in dtypes.UNSIGNED,
    "integral": dtypes.is_integer,
    "real floating": dtypes.is_float,
    "complex floating": dtypes.is_complex,
    "numeric": lambda d: d != dtypes.bool_,
}


def isdtype(dtype, kind):
    """Whether `dtype` is of `kind`: a dtype, a kind of the array API standard, or a tuple.

    >>> isdtype(float32, "real floating")
    True
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    found = dtypes.held(dtype)
    return any(
        _KINDS[k](found) if isinstance(k, str) and k in _KINDS else found == dtypes.held(k)
        for k in kinds
    )


def promote_types(a, b):
    """The dtype that operations on dtypes `a` and `b`, or arrays of any shapes, compute in.

    >>> promote_types(int32, float16)
    dtype('float16')
    """
    return dtypes.promote_types(a, b)


def result_type(*args):
    """The dtype that operations on `args`, arrays or dtypes, compute in.

    >>> result_type(int32, 1.0)
    dtype('float32')
    """
    return result_type_and_weakness(*args)[0]


def result_type_and_weakness(*args):
    """`result_type`, and whether it gives way to that of another operand.

    >>> result_type_and_weakness(1, 2.0)
    (dtype('float32'), True)
    """
    if not args:
        raise DTypeError("result_type: expected at least one array or dtype, got none")
    return dtypes.lattice(tuple(_pair(a) for a in args), config.enable_x64)


_PYTHON = {int: "i", float: "f", complex: "c"}


def _pair(x):
    if isinstance(x, type) and x in _PYTHON:
        return dtypes.python_scalar_dtype(x), True
    if isinstance(x, (str, ScalarType, type, np.dtype)):
        return dtypes.canonical(x), False
    if isinstance(x, Value):
        return x.dtype, x.weak_type
    if hasattr(x, "dtype") and not isinstance(x, (np.ndarray, np.generic)):
        return dtypes.held(x.dtype), getattr(x, "weak_type", False)
    return common_type([operand("result_type", x)])


def can_cast(from_, to, casting="safe"):
    """Whether a cast between dtypes is allowed under NumPy's rule `casting`.

    >>> can_cast(int32, float64)
    True
    """
    return np.can_cast(_as_dtype(from_), _as_dtype(to), casting)


def finfo(dtype):
    """Limits of a real or complex dtype: eps, max, min, tiny, bits.

    >>> finfo(float32).bits
    32
    """
    found = _as_dtype(dtype)
    return ml_dtypes.finfo(found) if found == dtypes.bfloat16 else np.finfo(found)


def iinfo(int_type):
    """Limits of an integer dtype: min, max, bits.

    >>> int(iinfo(int8).max)
    127
    """
    return np.iinfo(_as_dtype(int_type))

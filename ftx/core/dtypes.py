"""Which element types exist and what two of them make together.

In: anything that names a dtype, or several operands' dtypes.  Out: `numpy.dtype`s.
The lattice is JAX's (docs "Type promotion semantics"): Python numbers are weak.
Knows nothing of: arrays, shapes, tracing.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

import ml_dtypes
import numpy as np

from .config import config
from .errors import DTypeError, TruncationWarning
from .source import user_source

DType = np.dtype

bool_ = np.dtype(np.bool_)
int8, int16, int32, int64 = (np.dtype(f"int{n}") for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (np.dtype(f"uint{n}") for n in (8, 16, 32, 64))
bfloat16 = np.dtype(ml_dtypes.bfloat16)
float16, float32, float64 = (np.dtype(f"float{n}") for n in (16, 32, 64))
complex64, complex128 = np.dtype(np.complex64), np.dtype(np.complex128)
float0 = np.dtype([("float0", np.void, 0)])
"""The tangent type of integers and booleans: nothing."""

key = np.dtype([("threefry2x32", np.uint32, (2,))])
"""A random key: two words that are one element, on which nothing computes but the generator."""

SIGNED = (int8, int16, int32, int64)
UNSIGNED = (uint8, uint16, uint32, uint64)
FLOATS = (bfloat16, float16, float32, float64)
COMPLEX = (complex64, complex128)
ALL = (bool_, *SIGNED, *UNSIGNED, *FLOATS, *COMPLEX)

_SHORT = {bool_: "bool", bfloat16: "bf16", float0: "float0", key: "key"}
_SHORT |= {d: f"{d.kind}{d.itemsize * 8}" for d in ALL if d not in _SHORT}
_TO_32 = {int64: int32, uint64: uint32, float64: float32, complex128: complex64}
_KIND = {d: "b" if d == bool_ else "i" if d in SIGNED + UNSIGNED else "f" for d in ALL}
_KIND |= dict.fromkeys(COMPLEX, "c") | {key: "k"}


def short_name(dtype: DType) -> str:
    """`f32`, `i64`, `bf16`, `bool`: as avals print."""
    return _SHORT.get(dtype) or str(dtype)


def name(dtype: DType) -> str:
    """`float32`, `key<fry>`: as arrays print."""
    return "key<fry>" if dtype == key else dtype.name


def from_short_name(name: str) -> DType:
    """The dtype that `short_name` prints as `name`."""
    return next(d for d, short in _SHORT.items() if short == name)


def kind(dtype: DType) -> str:
    """One of b (bool), i (integer, signed or not), f (real), c (complex), k (random key)."""
    return _KIND[dtype]


def kind_names(kinds: str) -> str:
    """Kinds in words, for errors."""
    words = {
        "b": "bools",
        "i": "integers",
        "f": "real numbers",
        "c": "complex numbers",
        "k": "keys",
    }
    return " or ".join(words[k] for k in kinds)


def is_float(dtype: DType) -> bool:
    return _KIND.get(dtype) == "f"


def is_complex(dtype: DType) -> bool:
    return _KIND.get(dtype) == "c"


def is_inexact(dtype: DType) -> bool:
    return _KIND.get(dtype, "") in ("f", "c")


def is_integer(dtype: DType) -> bool:
    return _KIND.get(dtype) == "i"


def default_float() -> DType:
    return float64 if config.enable_x64 else float32


def default_int() -> DType:
    return int32 if config.enable_x64 is False else int64


def default_complex() -> DType:
    return complex128 if config.enable_x64 else complex64


_PYTHON = {bool: lambda: bool_, int: default_int, float: default_float, complex: default_complex}


def python_scalar_dtype(kind_of: type) -> DType:
    """The dtype a Python bool, int, float or complex takes when nothing else decides."""
    return _PYTHON[kind_of]()


def canonical(dtype: Any) -> DType:
    """The dtype asked for by a name, a NumPy type, a Python type or an ftx scalar type.

    Warns if enable_x64=False makes it another.
    Raises: DTypeError for a dtype that ftx does not compute with.
    """
    found = held(dtype)
    if config.enable_x64 is False and not (type(dtype) is type and dtype in _PYTHON):
        wide = _canonical(dtype, None)
        if wide != found and wide is not None:
            place = user_source()
            warning = TruncationWarning(
                f"dtype: expected one of at most 32 bits with enable_x64=False, got {wide.name}, "
                f"for which {found.name} is taken; ask for {found.name}, or leave enable_x64 at "
                "None, which keeps dtypes as they are"
            )
            warnings.warn_explicit(warning, None, place.file or "ftx", place.line)
    return found


def held(dtype: Any) -> DType:
    """The dtype that arrays of `dtype` have here.

    Raises: DTypeError for a dtype that ftx does not compute with.
    """
    if type(dtype) is type and dtype in _PYTHON:
        return _PYTHON[dtype]()
    found = _canonical(dtype, config.enable_x64)
    if found is None:
        names = ", ".join(sorted(_SHORT.values()))
        raise DTypeError(f"dtype: expected one of {names}, got {dtype!r}")
    return found


@functools.lru_cache(maxsize=1024)
def _canonical(dtype: Any, x64: bool | None) -> DType | None:
    dtype = getattr(dtype, "ftx_dtype", dtype)
    try:
        found = bfloat16 if dtype == "bfloat16" else np.dtype(dtype)
    except TypeError:
        return None
    found = found.newbyteorder("=")
    if found not in _SHORT:
        return None
    return _TO_32.get(found, found) if x64 is False else found


# The lattice. Weak nodes are the strings "i*", "f*", "c*"; edges point upwards.
_UP: dict[Any, tuple[Any, ...]] = {
    bool_: ("i*",),
    "i*": (uint8, int8),
    uint8: (uint16, int16),
    uint16: (uint32, int32),
    uint32: (uint64, int64),
    uint64: ("f*",),
    int8: (int16,),
    int16: (int32,),
    int32: (int64,),
    int64: ("f*",),
    "f*": (bfloat16, float16, "c*"),
    bfloat16: (float32,),
    float16: (float32,),
    float32: (float64, complex64),
    float64: (complex128,),
    "c*": (complex64,),
    complex64: (complex128,),
    complex128: (),
}
_WEAK = {"i": "i*", "f": "f*", "c": "c*", "b": bool_}


def _reachable(node: Any) -> set[Any]:
    found = {node}
    for above in _UP[node]:
        found |= _reachable(above)
    return found


_ABOVE = {node: _reachable(node) for node in _UP}


@functools.cache
def _join(nodes: frozenset[Any]) -> Any:
    common = set.intersection(*(_ABOVE[n] for n in nodes))
    return next(c for c in common if common <= _ABOVE[c])


@functools.lru_cache(maxsize=4096)
def lattice(operands: tuple[tuple[DType, bool], ...], x64: bool | None) -> tuple[DType, bool]:
    """Join of (dtype, is weak) pairs, and whether the result is weak."""
    if len({d for d, _ in operands}) == 1:
        return operands[0][0], all(weak for _, weak in operands)
    if any(d == key for d, _ in operands):
        raise DTypeError(
            "promotion: expected numbers, got a random key; its words are random.key_data(key)"
        )
    all_weak = all(weak for _, weak in operands)
    nodes = frozenset(_WEAK[_KIND[d]] if weak and not all_weak else d for d, weak in operands)
    top = _join(nodes)
    if isinstance(top, str):  # of a bool and a weak number, or uint64 and int64
        return {"i*": default_int, "f*": default_float, "c*": default_complex}[top](), True
    return (_TO_32.get(top, top) if x64 is False else top), all_weak


def promote_types(a: Any, b: Any) -> DType:
    """The dtype of an operation on strongly typed `a` and `b`.

    >>> promote_types("int32", "float16")
    dtype('float16')
    """
    pair = tuple(
        (python_scalar_dtype(d), True) if type(d) is type and d in _PYTHON else (held(d), False)
        for d in (a, b)
    )
    return lattice(pair, config.enable_x64)[0]


def to_inexact(dtype: DType) -> DType:
    """`dtype` if real or complex, else the default float."""
    return dtype if is_inexact(dtype) else default_float()


def real_of(dtype: DType) -> DType:
    """The dtype of the real part."""
    return {complex64: float32, complex128: float64}.get(dtype, dtype)


def complex_of(dtype: DType) -> DType:
    """The complex dtype whose parts are `dtype`."""
    return {float64: complex128, complex128: complex128}.get(dtype, complex64)

"""The operators and methods of arrays and tracers: x + y, x[i], x.sum(), x.at.

In: the functions of `ftx.numpy`.  Out: `METHODS`, which `ftx.numpy` installs on `Value`.
An operator returns NotImplemented for operands it does not know, so that theirs may answer.
Must not know: anything of its own.
"""

import numpy as np

from ..core import dtypes
from ..core.device import HOST
from ..core.errors import NotAnArrayError, ShapeError
from ..core.primitives import bits
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from . import composed as M
from . import elementwise as U
from . import indexing, joining, linear_algebra, ordering, polynomials, reductions, shapes
from .array_api import array_namespace
from .at_once import COMPLEX, FLOATS, INTEGERS, fast_binary, fast_unary
from .promotion import asarray, is_operand, unsupported

_LISTS = (list, tuple, set, dict)


def _refusing(function):
    """`function`, or NotImplemented if the other operand is not a number or an array."""

    def slow(x, y):
        if is_operand(y):
            return function(x, y)
        if isinstance(y, _LISTS):  # `==` of what refuses is identity, which would answer False
            raise NotAnArrayError(
                f"{function.__name__}: expected an array or a number beside {x.aval}, got "
                f"{type(y).__name__} {str(y)[:40]}; convert it with ftx.numpy.asarray"
            )
        return NotImplemented

    return slow


def _named(name, function, like):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{like.__name__} of the operands."
    return function


_FC, _FCI = FLOATS + COMPLEX, FLOATS + COMPLEX + INTEGERS
_OPERATORS = {
    "add": (U.add, np.add, _FCI, True),
    "sub": (U.subtract, np.subtract, _FCI, True),
    "mul": (U.multiply, np.multiply, _FCI, True),
    "truediv": (U.divide, np.true_divide, _FC, True),
    "and": (U.bitwise_and, np.bitwise_and, "?" + INTEGERS, True),
    "or": (U.bitwise_or, np.bitwise_or, "?" + INTEGERS, True),
    "xor": (U.bitwise_xor, np.bitwise_xor, "?" + INTEGERS, True),
}
_COMPARISONS = {
    "eq": (U.equal, np.equal, _FCI),
    "ne": (U.not_equal, np.not_equal, _FCI),
    "lt": (U.less, np.less, FLOATS + INTEGERS),
    "le": (U.less_equal, np.less_equal, FLOATS + INTEGERS),
    "gt": (U.greater, np.greater, FLOATS + INTEGERS),
    "ge": (U.greater_equal, np.greater_equal, FLOATS + INTEGERS),
}
_SLOW = {
    "floordiv": U.floor_divide, "mod": U.remainder, "divmod": U.divmod, "pow": U.power,
    "lshift": U.left_shift, "rshift": U.right_shift, "matmul": linear_algebra.matmul,
}  # fmt: skip

METHODS = {}
for _name, (_function, _ufunc, _chars, _weak) in _OPERATORS.items():
    _back = _refusing(lambda x, y, f=_function: f(y, x))
    METHODS[f"__{_name}__"] = _named(
        f"__{_name}__", fast_binary(_ufunc, _chars, _refusing(_function)), _function
    )
    METHODS[f"__r{_name}__"] = _named(
        f"__r{_name}__", fast_binary(_ufunc, _chars, _back, swap=True), _function
    )
for _name, (_function, _ufunc, _chars) in _COMPARISONS.items():
    METHODS[f"__{_name}__"] = _named(
        f"__{_name}__", fast_binary(_ufunc, _chars, _refusing(_function), False), _function
    )
for _name, _function in _SLOW.items():
    _back = _refusing(lambda x, y, f=_function: f(y, x))
    METHODS[f"__{_name}__"] = _named(f"__{_name}__", _refusing(_function), _function)
    METHODS[f"__r{_name}__"] = _named(f"__r{_name}__", _back, _function)
METHODS["__neg__"] = fast_unary(np.negative, _FCI, U.negative)
METHODS["__abs__"] = U.absolute
METHODS["__pos__"] = lambda self: self
METHODS["__invert__"] = U.invert
METHODS["__round__"] = lambda self, ndigits=None: (
    U.astype(M.round(self), int) if ndigits is None else M.round(self, ndigits)
)
METHODS["__contains__"] = lambda self, item: bool(reductions.any(U.equal(self, item)))
METHODS["__getitem__"] = indexing.getitem


def _method(function, name=None):
    METHODS[name or function.__name__] = function
    return function


_AS_THEY_ARE = (
    reductions.sum, reductions.mean, reductions.max, reductions.min, reductions.prod,
    reductions.std, reductions.var, reductions.argmax, reductions.argmin, reductions.cumsum,
    reductions.cumprod, reductions.any, reductions.all, reductions.ptp, shapes.squeeze,
    shapes.swapaxes, shapes.ravel, shapes.diagonal, linear_algebra.trace, linear_algebra.dot,
    M.conj, M.conjugate, M.round, M.clip, ordering.argsort, ordering.nonzero, ordering.sort,
    ordering.searchsorted, ordering.argpartition, joining.repeat, indexing.take, ordering.compress,
)  # fmt: skip
for _function in _AS_THEY_ARE:
    _method(_function)
METHODS["conjugate"] = M.conj


@_method
def clip(self, min=None, max=None):
    """The array no lower than `min` and no higher than `max`."""
    return M.clip(self, min, max)


@_method
def compress(self, condition, axis=None, *, size=None, fill_value=0, out=None):
    """Slices along an axis where `condition` is true."""
    return ordering.compress(condition, self, axis, size=size, fill_value=fill_value, out=out)


@_method
def reshape(self, *args, order="C", copy=None, out_sharding=None):
    """The same elements under another shape, given as sizes or as one tuple."""
    shape = args[0] if len(args) == 1 else args
    return shapes.reshape(self, shape, order, copy=copy, out_sharding=out_sharding)


@_method
def transpose(self, *args):
    """Axes in another order, given as axes or as one tuple; reversed by default."""
    if not args or args == (None,):
        return shapes.transpose(self)
    return shapes.transpose(self, args[0] if isinstance(args[0], (tuple, list)) else args)


@_method
def flatten(self, order="C", *, out_sharding=None):
    """All elements along one axis."""
    return shapes.ravel(self, order, out_sharding=out_sharding)


@_method
def astype(self, dtype, copy=False, device=None):
    """The array in another dtype."""
    return U.astype(self, dtype, copy=copy, device=device)


@_method
def copy(self):
    """A copy."""
    return asarray(self, copy=True)


@_method
def view(self, dtype=None, type=None):
    """The same bits as another dtype; a change of size changes the last axis."""
    unsupported("view", type=type)
    if dtype is None or dtypes.canonical(dtype) == self.dtype:
        return self
    return bitcast(self, dtypes.canonical(dtype))


@_method
def devices(self):
    """The devices that have the array: {the CPU}."""
    return {HOST}


@_method
def platform(self):
    """The platform of the array's device: "cpu"."""
    return HOST.platform


@_method
def byteswap(self):
    """The elements with their bytes in reverse order."""
    if self.dtype.itemsize == 1:
        return self
    real = dtypes.real_of(self.dtype)
    parts = (M.real(self), M.imag(self)) if dtypes.is_complex(self.dtype) else (self,)
    swapped = [
        bits.bitcast_convert_type(shapes.flip(bits.bitcast_convert_type(p, dtypes.uint8), -1), real)
        for p in parts
    ]
    return swapped[0] if len(swapped) == 1 else C.complex_(*swapped)


@_method
def choose(self, choices, out=None, mode="raise"):
    """For each element, the one of `choices` that it numbers."""
    return polynomials.choose(self, choices, out, mode)


@_method
def to_device(self, device, *, stream=None):
    """The array itself: it is on the CPU, where there are no streams."""
    unsupported("to_device", stream=stream)
    return asarray(self, device=device)


def bitcast(x, dtype):
    """The bits of x as `dtype`; a change of size changes the last axis."""
    ratio = x.dtype.itemsize / dtype.itemsize
    if ratio == 1:
        return bits.bitcast_convert_type(x, dtype)
    if not x.ndim or (ratio < 1 and x.shape[-1] * ratio % 1):
        raise ShapeError(f"view: expected a last axis that fits {dtype.name}, got {x.aval}")
    if ratio > 1:
        whole = bits.bitcast_convert_type(x, dtype)
        return S.reshape(whole, (*x.shape[:-1], int(x.shape[-1] * ratio)))
    parts = int(1 / ratio)
    return bits.bitcast_convert_type(
        S.reshape(x, (*x.shape[:-1], x.shape[-1] // parts, parts)), dtype
    )


def _turned(self):
    return shapes.transpose(self)


METHODS["__array_namespace__"] = array_namespace
METHODS["device"] = property(lambda self: HOST, doc="Where the elements are: on the CPU.")
METHODS["committed"] = property(lambda self: False, doc="Whether a device was chosen: never.")
METHODS["is_fully_addressable"] = property(
    lambda self: True, doc="Whether this process has all of the array: always."
)
METHODS["is_fully_replicated"] = property(
    lambda self: True, doc="Whether every device that has the array has all of it: always."
)
METHODS["T"] = property(_turned, doc="The array with its axes reversed.")
METHODS["mT"] = property(shapes.matrix_transpose, doc="The last two axes exchanged.")
METHODS["real"] = property(M.real, doc="Real part.")
METHODS["imag"] = property(M.imag, doc="Imaginary part.")
METHODS["at"] = property(indexing.At, doc="x.at[index].set(y) and its kin: a new array.")
METHODS["flat"] = property(shapes.ravel, doc="All elements along one axis.")

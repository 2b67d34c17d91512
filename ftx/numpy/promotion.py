"""From whatever a user passes to arrays that primitives accept: equal dtypes, equal shapes.

In: arrays, tracers, NumPy arrays, numbers, nested lists.  Out: arrays or tracers.
Promotion is the lattice of `core.dtypes`; Python numbers are weak.
Must not know: any particular operation.
"""

import contextvars
import math
import threading
import warnings

import numpy as np

from ..core import dtypes, result_pool
from ..core.array import PYTHON_SCALARS, Array, Value, as_array, aval_of
from ..core.config import config
from ..core.errors import (
    ArgumentError,
    AxisError,
    BroadcastShapeError,
    FtxWarning,
    NotAnArrayError,
    NumberRangeError,
    PromotionError,
    ShapeError,
    UnsupportedError,
)
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.state import STATE

__all__ = ["array", "asarray"]

_SCALARS = frozenset(PYTHON_SCALARS)


class _Quiet(threading.local):
    """Per thread, `run(f, *args)`: call f with NumPy's floating-point warnings off.

    The setting lives in a context of its own, so the caller's error state is neither read nor
    changed; entering it costs a tenth of `np.errstate`.
    """

    def __init__(self):
        context = contextvars.Context()
        context.run(np.seterr, all="ignore")
        self.run = context.run


QUIET = _Quiet()


def operand(name, x):
    """`x` as an array or tracer.

    Raises: NotAnArrayError for lists and everything else that is not an array or a number.
    """
    if isinstance(x, Value):
        return x
    if type(x) in _SCALARS or isinstance(x, (np.ndarray, np.generic)):
        return as_array(x)
    converted = _from_protocol(x)
    if converted is not None:
        return converted
    raise NotAnArrayError(
        f"{name}: expected an array or a number, got {type(x).__name__} {str(x)[:40]!r}; "
        "convert it with ftx.numpy.asarray"
    )


def _from_protocol(x):
    for method in ("__ftx_array__", "__jax_array__"):
        if hasattr(type(x), method):
            return operand(method, getattr(x, method)())
    return None


def checked_now():
    """Whether results are searched for NaN or infinities, which only `bind` does."""
    return config.debug_nans or config.debug_infs


def apply_now(primitive, x, **params):
    """`primitive.bind(x)`; where nothing is traced its NumPy rule, at a fraction of the cost.

    Requires: params that `abstract_eval` accepts; a result as weak as x.
    """
    if type(x) is Array and STATE.trace is None and x._np is not None and not checked_now():
        return Array(QUIET.run(primitive.impl, x._np, **params)[0], x._weak)
    return primitive.bind(x, **params)[0]


def is_operand(x):
    """Whether `operand` accepts `x`."""
    return (
        isinstance(x, (Value, np.ndarray, np.generic))
        or type(x) in _SCALARS
        or hasattr(type(x), "__ftx_array__")
        or hasattr(type(x), "__jax_array__")
    )


def scalar(value, dtype, weak_type=False):
    """A Python number as an Array without axes; one that the default integer holds may wrap."""
    return Array(QUIET.run(_scalar, value, dtype), weak_type)


def _scalar(value, dtype):
    if type(value) is complex and not dtypes.is_complex(dtype):
        value = value.real
    if type(value) is int and dtypes.is_integer(dtype) and not _holds(dtypes.default_int(), value):
        _check_range(dtype, value)
    found = np.asarray(value)
    if found.dtype == object:
        raise NumberRangeError(f"number: expected one that fits {dtype.name}, got {value}")
    return found.astype(dtype)


def _holds(dtype, *numbers):
    info = np.iinfo(dtype)
    return all(info.min <= n <= info.max for n in numbers)


def _check_range(dtype, *numbers):
    """Raise NumberRangeError unless the integers are in the range of `dtype`."""
    if not _holds(dtype, *numbers):
        info = np.iinfo(dtype)
        outside = next(n for n in numbers if not info.min <= n <= info.max)
        raise NumberRangeError(
            f"number: expected an integer that {dtype.name} holds, from {info.min} to {info.max}, "
            f"got {outside}; use a wider dtype, or wrap the number yourself"
        )


def common_type(operands):
    """(dtype, weak) that the operands, values or Python numbers, take together."""
    pairs = []
    for x in operands:
        kind = type(x)
        if kind in _SCALARS:
            pairs.append((dtypes.python_scalar_dtype(kind), kind is not bool))
        else:
            aval = x.aval
            pairs.append((aval.dtype, aval.weak_type))
    dtype, weak = dtypes.lattice(tuple(pairs), config.enable_x64)
    return dtype, weak or _stays_weak(dtype, pairs)


def _stays_weak(dtype, pairs):
    """Whether only a weak operand (or int64 with uint64) made bools or integers a higher kind."""
    strong = {dtypes.kind(d) for d, weak in pairs if not weak}
    return strong <= {"b", "i"} and dtypes.kind(dtype) not in strong


_MIXES = {"b": "", "i": "ifc", "f": "fc", "c": "c"}
"""Kinds of arrays that a Python number of each kind may join under strict promotion."""


def _check_strict(name, operands):
    """Raise PromotionError unless the operands have one dtype, but for weakly typed ones."""
    types = [aval_of(x) for x in operands]
    strong = {a.dtype for a in types if not a.weak_type}
    if len(strong) > 1 or any(
        a.weak_type and dtypes.kind(d) not in _MIXES[dtypes.kind(a.dtype)]
        for a in types
        for d in strong
    ):
        shown = ", ".join(
            str(x.aval if isinstance(x, Value) else type(x).__name__) for x in operands
        )
        raise PromotionError(
            f"{name}: expected operands of one dtype with numpy_dtype_promotion='strict', got "
            f"{shown}; convert with astype, or set numpy_dtype_promotion to 'standard'"
        )


def to_inexact(dtype):
    """`dtype` if real or complex; else float64 for 64-bit integers with enable_x64, or float32."""
    if dtypes.is_inexact(dtype):
        return dtype
    return dtypes.default_float() if dtype.itemsize == 8 else dtypes.float32


def cast(x, dtype, weak_type=False):
    """A value or Python number as an array of `dtype`; itself if it has that dtype already."""
    if type(x) in _SCALARS:
        return scalar(x, dtype, weak_type)
    if x.aval.dtype == dtype:
        return x
    return C.convert(x, dtype, weak_type)


def number_or_array(x):
    """`x` as an array, but a number of Python as it is: it takes the dtype of what it joins."""
    return x if type(x) in _SCALARS else asarray(x)


def as_type(name, x, dtype):
    """`x` as an array of `dtype`; a number without a detour over the default type."""
    return cast(x if type(x) in _SCALARS else operand(name, x), dtype)


def promote_dtypes(name, *args, inexact=False):
    """Operands as arrays of one dtype (real or complex if `inexact`), shapes as they were."""
    operands = [x if type(x) in _SCALARS else operand(name, x) for x in args]
    if config.numpy_dtype_promotion == "strict":
        _check_strict(name, operands)
    dtype, weak = common_type(operands)
    if inexact:
        dtype = to_inexact(dtype)
    return [cast(x, dtype, weak) for x in operands]


def promote(name, *args, inexact=False):
    """Operands as arrays of one dtype and one shape."""
    return broadcast(name, *promote_dtypes(name, *args, inexact=inexact))


def broadcast(name, *values):
    """Values repeated to their common shape."""
    shapes = [v.shape for v in values]
    first = shapes[0]
    if all(s == first for s in shapes):
        return list(values)
    if config.numpy_rank_promotion != "allow":
        _check_ranks(name, shapes)
    shape = common_shape(name, *shapes)
    return [broadcast_value(v, shape) for v in values]


def broadcast_value(x, shape):
    """x repeated to `shape`, which its own shape must fit."""
    lead = len(shape) - x.ndim
    return S.broadcast_in_dim(x, shape, tuple(range(lead, len(shape))))


def broadcast_shapes(*shapes):
    """The shape that arrays of `shapes` take together.

    Raises: ShapeError if sizes differ and neither is 1.

    >>> broadcast_shapes((3, 1), (4,))
    (3, 4)
    """
    return common_shape("broadcast_shapes", *shapes)


def common_shape(name, *shapes):
    """As `broadcast_shapes`, for the operation `name`."""
    shapes = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    ndim = max(map(len, shapes), default=0)
    out = [1] * ndim
    for s in shapes:
        for i, n in enumerate(s, ndim - len(s)):
            if n == 1 or n == out[i]:
                continue
            if out[i] != 1:
                got = ", ".join(str(tuple(t)) for t in shapes)
                raise BroadcastShapeError(
                    f"{name}: expected shapes that broadcast together, got {got}: axis "
                    f"{i - ndim} has sizes {out[i]} and {n}; add axes of size 1 with x[:, "
                    "None]"
                )
            out[i] = n
    return tuple(out)


def _check_ranks(name, shapes):
    """Warn of arrays of different rank, or raise; arrays without axes join any."""
    if len({len(s) for s in shapes if s}) < 2:
        return
    got = ", ".join(map(str, shapes))
    if config.numpy_rank_promotion == "raise":
        raise BroadcastShapeError(
            f"{name}: expected arrays of equal rank with numpy_rank_promotion='raise', got shapes "
            f"{got}; add axes of size 1 with x[None], or set it to 'allow'"
        )
    warnings.warn(
        FtxWarning(
            f"{name}: expected arrays of equal rank with numpy_rank_promotion='warn', got shapes "
            f"{got}; add axes of size 1 with x[None], or set it to 'allow'"
        ),
        stacklevel=2,
    )


def axis_index(name, axis, ndim):
    """A non-negative axis.

    Raises: AxisError outside -ndim..ndim-1.
    """
    try:
        found = axis.__index__()
    except AttributeError:
        raise AxisError(f"{name}: expected an integer axis, got {axis!r}") from None
    if not -ndim <= found < ndim:
        raise AxisError(f"{name}: expected an axis of the {ndim} of the array, got {found}")
    return found % ndim if ndim else 0


def axis_tuple(name, axis, ndim):
    """None (all axes), an axis or several as distinct non-negative axes."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    found = tuple(axis_index(name, a, ndim) for a in axes)
    if len(set(found)) != len(found):
        raise AxisError(f"{name}: expected distinct axes, got {axis}")
    return found


def shape_tuple(name, shape):
    """An int or a sequence of ints as a shape.

    Raises: ShapeError for negative sizes and for sizes that are not integers.
    """
    sizes = shape if isinstance(shape, (tuple, list, np.ndarray)) else (shape,)
    try:
        found = tuple(n.__index__() for n in sizes)
    except AttributeError:
        if isinstance(shape, Value) and shape.ndim == 1:
            return shape_tuple(name, shape.tolist())
        raise ShapeError(f"{name}: expected a shape of integers, got {shape!r}") from None
    if any(n < 0 for n in found):
        raise ShapeError(f"{name}: expected sizes of at least 0, got {found}")
    return found


def unsupported(name, **given):
    """Raise NotImplementedError for any argument that was given."""
    for argument, value in given.items():
        on_cpu = argument == "device" and getattr(value, "platform", None) == "cpu"
        if value is not None and not on_cpu:
            raise UnsupportedError(
                f"{name}: expected {argument}=None, since arrays are immutable and live on "
                f"the CPU, got {value!r}; leave {argument} out"
            )


def asarray(a, dtype=None, order=None, *, copy=None, device=None, out_sharding=None):
    """`a` as an array[...], without a copy if possible.

    It differs from JAX in keeping float64, unless enable_x64 says otherwise.
    Args:
      a: array, number, nested lists or tuples of those, or an object with `__array__`.
      dtype: element type; by default that of `a`, where Python floats and integers take the
        default float and integer type.
      order: None, 'C' or 'K': arrays of ftx have no memory order that a user sees.
      copy: True to copy; False to raise if a copy is needed; None to share the memory of a NumPy
        array (which may not be changed afterwards), unless it is large and begins inside a cache
        line, where kernels would read it at two thirds of the speed.

    >>> asarray([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    unsupported("asarray", device=device, out_sharding=out_sharding)
    if order not in (None, "C", "K", "A"):
        raise UnsupportedError(
            "asarray: expected order None, 'C', 'A' or 'K', since arrays are row-major, got "
            f"{order!r}; transpose the array"
        )
    wanted = None if dtype is None else dtypes.canonical(dtype)
    x = _to_value(a, wanted)
    if wanted is not None:
        if copy is False and wanted != x.dtype:
            raise ArgumentError(
                f"asarray: expected {wanted.name}, which copy=False cannot make, got "
                f"{x.aval}; leave copy out"
            )
        x = C.convert(x, wanted)
    wanted_copy = copy and STATE.trace is None
    if type(x) is Array and (wanted_copy or (copy is None and _straddles(a, x))):
        x = Array(result_pool.copied(x._live()), x._weak)
    return x


def array(object, dtype=None, *, copy=True, order="K", ndmin=0, device=None, out_sharding=None):
    """A new array from `object`: number, array, or nested lists of those.

    It differs from JAX in keeping float64, unless enable_x64 says otherwise.
    Args:
      ndmin: axes of size 1 are put in front until there are so many.

    >>> array([1.0, 2.0]).dtype
    dtype('float32')
    """
    if copy and isinstance(object, np.ndarray):
        object = result_pool.copied(object)
    x = asarray(object, dtype, order, device=device, out_sharding=out_sharding)
    if ndmin > x.ndim:
        x = S.reshape(x, (1,) * (ndmin - x.ndim) + x.shape)
    return x


def _straddles(a, x):
    """Whether x, made of a NumPy array, begins inside a cache line."""
    return type(a) is np.ndarray and not result_pool.is_aligned(x._live())


def _to_value(a, wanted=None):
    """`a` as a value; numbers of Python in the dtype `wanted`, if that loses nothing."""
    if isinstance(a, (list, tuple)):
        return _from_sequence(a, wanted)
    if type(a) in _SCALARS and wanted is not None:
        if type(a) is int and dtypes.is_integer(wanted):
            _check_range(wanted, a)
        return scalar(a, wanted)
    if is_operand(a):
        return operand("asarray", a)
    if hasattr(a, "__array__"):
        return as_array(np.asarray(a))
    if hasattr(a, "__dlpack__"):
        return as_array(np.from_dlpack(a))
    if isinstance(a, (memoryview, bytearray)) or hasattr(a, "__array_interface__"):
        return as_array(np.asarray(a))
    if (
        hasattr(a, "__len__")
        and hasattr(a, "__getitem__")
        and not isinstance(a, (str, bytes, dict))
    ):
        return _from_sequence(list(a), wanted)
    raise NotAnArrayError(
        f"asarray: expected an array, a number or nested lists of numbers, got {type(a).__name__} "
        f"{str(a)[:40]!r}; convert it to numbers first"
    )


def _leaves(nested, into):
    for x in nested:
        if isinstance(x, (list, tuple)):
            _leaves(x, into)
        else:
            into.append(x)
    return into


def _from_sequence(nested, wanted):
    leaves = _leaves(nested, [])
    kinds = set(map(type, leaves))
    if kinds <= _SCALARS:
        integers = kinds <= {int, bool}
        if wanted is not None:
            return Array(_numpy(nested, wanted, integers))
        dtype = dtypes.default_float()
        for kind in (complex, float, int, bool):
            if kind in kinds:
                dtype = dtypes.python_scalar_dtype(kind)
                break
        return Array(_numpy(nested, dtype, integers))
    values = list(map(_leaf, leaves))
    dtype = common_type(values)[0] if wanted is None else wanted
    arrays = all(type(v) is Array or type(v) in _SCALARS for v in values)
    if arrays and STATE.trace is None:
        return Array(_numpy(_mapped(nested, lambda x: np.asarray(_leaf(x))), dtype))
    return _stacked(nested, dtype)


def _numpy(nested, dtype, integers=False):
    try:
        found = np.array(nested)
        if integers and found.dtype == np.float64:  # NumPy's type for integers of both 64-bit kinds
            found = np.array(nested, np.uint64 if found.size else dtype)
        found = np.array(nested, dtype) if found.dtype == object else found
    except OverflowError as error:
        raise NumberRangeError(
            f"asarray: expected integers that {dtype.name} holds, got others: {error}"
        ) from None
    except ValueError as error:
        raise ShapeError(
            f"asarray: expected nested lists of equal lengths, got lists that do not fit: {error}; "
            "pad them to one length"
        ) from None
    if found.dtype.kind in "iu" and found.size and dtypes.is_integer(dtype):
        _check_range(dtype, int(found.min()), int(found.max()))
    return QUIET.run(found.astype, dtype)


def _leaf(x):
    return x if type(x) in _SCALARS else _to_value(x)


def _mapped(nested, f):
    return [_mapped(x, f) if isinstance(x, (list, tuple)) else f(x) for x in nested]


def _stacked(nested, dtype):
    rows = [
        _stacked(x, dtype) if isinstance(x, (list, tuple)) else cast(_leaf(x), dtype)
        for x in nested
    ]
    if not rows:
        return Array(np.zeros((0,), dtype))
    if len({r.shape for r in rows}) != 1:
        got = ", ".join(str(r.aval) for r in rows)
        raise ShapeError(f"asarray: expected nested lists of equal shapes, got {got}")
    return S.concatenate([S.reshape(r, (1, *r.shape)) for r in rows], 0)


def size_of(shape):
    """Number of elements of an array of `shape`."""
    return math.prod(shape)


def aval(x):
    """The type of anything `operand` accepts."""
    return aval_of(x)

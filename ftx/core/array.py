"""`Array`: an immutable array of known value, and `Value`, what it shares with tracers.

In: NumPy arrays and Python numbers, without copies.  Out: the same, read-only.
Operators and methods are installed on `Value` by `ftx.numpy` through `install_methods`.
Knows nothing of: tracing; a tracer met here is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from . import dtypes
from .config import config
from .errors import (
    ArgumentError,
    DonatedArrayError,
    DTypeError,
    ImmutableArrayError,
    NonFiniteError,
    NotAnArrayError,
)
from .sharding import WHOLE, Shard, Sharding
from .types import ShapedArray

PYTHON_SCALARS = (bool, int, float, complex)


class Value:
    """What arrays and tracers have in common: a type, and the methods of `ftx.numpy`.

    >>> isinstance(as_array(1.0), Value)
    True
    """

    __slots__ = ("__weakref__",)
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    aval: ShapedArray
    leaked: Any

    shape = property(lambda self: self.aval.shape, doc="Sizes of the axes.")
    dtype = property(lambda self: self.aval.dtype, doc="Element type, a numpy.dtype.")
    ndim = property(lambda self: self.aval.ndim, doc="Number of axes.")
    size = property(lambda self: self.aval.size, doc="Number of elements.")
    weak_type = property(lambda self: self.aval.weak_type, doc="Whether the dtype yields.")
    nbytes = property(lambda self: self.aval.nbytes, doc="Bytes of the elements.")
    itemsize = property(lambda self: self.aval.dtype.itemsize, doc="Bytes of one element.")

    def __len__(self) -> int:
        if not self.aval.ndim:
            raise NotAnArrayError("len: expected an array with at least one axis, got a scalar")
        return self.aval.shape[0]

    def __setitem__(self, index: Any, value: Any) -> None:
        raise ImmutableArrayError(
            "item assignment: expected x.at[...].set(y), since arrays are immutable, got "
            f"x[...] = y on {self.aval}; write x = x.at[...].set(y)"
        )

    def __delitem__(self, index: Any) -> None:
        raise ImmutableArrayError(
            "item deletion: expected an operation that makes a new array, since arrays are "
            f"immutable, got del x[...] on {self.aval}; use ftx.numpy.delete"
        )


def install_methods(methods: Mapping[str, Any]) -> None:
    """Give arrays and tracers the operators and methods of `ftx.numpy`: the one declared hook."""
    for name, method in methods.items():
        setattr(Value, name, method)


class _AnyArray(type):
    """`isinstance(x, Array)` asks for an array of known value or a traced one, as in JAX."""

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Value)


class Array(Value, metaclass=_AnyArray):
    """An immutable n-dimensional array on the CPU; traced arrays are instances of it too.

    Made by `ftx.numpy.array`, `asarray` and every operation; holds a NumPy array.
    """

    __slots__ = ("_aval", "_buffer", "_np", "_sharding", "_weak")

    _sharding: Sharding

    def __init__(self, value: Any, weak_type: bool = False):
        self._np = value if type(value) is np.ndarray else np.asarray(value)
        self._weak = weak_type
        self._aval: ShapedArray | None = None
        self._buffer: np.ndarray[Any, Any] | None = None

    def buffer(self) -> np.ndarray[Any, Any]:
        """The elements contiguous and aligned, as kernels read them (remembered)."""
        found = self._buffer
        if found is None:
            value = self._live()
            if not (value.flags.c_contiguous and value.flags.aligned):
                value = np.array(value, order="C")
            found = self._buffer = value
        return found

    @property
    def aval(self) -> ShapedArray:  # type: ignore[override]
        found = self._aval
        if found is None:
            value = self._live()
            found = self._aval = ShapedArray(value.shape, value.dtype, self._weak)
        return found

    @property
    def dtype(self) -> Any:  # type: ignore[override]
        return self.aval.dtype

    def _live(self) -> np.ndarray[Any, Any]:
        if self._np is None:
            raise DonatedArrayError(
                f"array {self._aval}: expected live memory, got an array donated to a compiled "
                "call; keep the result instead, or drop donate_argnums"
            )
        return self._np

    def _numbers(self, name: str) -> np.ndarray[Any, Any]:
        value = self._live()
        if value.dtype == dtypes.key:
            raise DTypeError(
                f"{name}: expected an array of numbers, got random keys {self.aval}; "
                "their words are ftx.random.key_data(keys)"
            )
        return value

    def _donate(self) -> None:
        """Forget the memory; any later use raises."""
        self.aval  # noqa: B018  the message above shows it
        self._np = self._buffer = None  # type: ignore[assignment]

    def delete(self) -> None:
        """Forget the memory; any later use raises DonatedArrayError."""
        if self._np is not None:
            self._donate()

    def is_deleted(self) -> bool:
        """Whether the memory was donated or deleted."""
        return self._np is None

    def is_ready(self) -> bool:
        """Whether the elements are there: always, since a call returns when they are."""
        return not self.is_deleted()

    def copy_to_host_async(self) -> None:
        """Nothing: the elements are on the host."""
        self._live()

    def unsafe_buffer_pointer(self) -> int:
        """Address of the first element."""
        return int(self._live().ctypes.data)

    def on_device_size_in_bytes(self) -> int:
        """Bytes of the elements."""
        return self._live().nbytes

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        value = self._numbers("numpy.asarray")
        if copy or (dtype is not None and dtype != value.dtype):
            if copy is False:
                raise ArgumentError(
                    f"numpy.asarray: expected {self.dtype.name} with copy=False, got dtype "
                    f"{np.dtype(dtype).name}, which needs a copy; leave copy out"
                )
            return np.array(value, dtype=dtype)
        view = value.view()
        view.flags.writeable = False
        return view

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        value = self._numbers("__dlpack__")
        flags_read_only = max_version is not None and tuple(max_version) >= (1, 0)
        if copy is None and not (value.flags.writeable or flags_read_only):
            value = value.copy()  # of what is repeated in memory; older versions cannot say so
        return value.__dlpack__(
            stream=stream, max_version=max_version, dl_device=dl_device, copy=copy
        )

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __bool__(self) -> bool:
        value = self._numbers("truth")
        if value.size != 1:
            raise ArgumentError(
                f"truth: expected an array of one element, got {self.aval}; use x.any() or x.all()"
            )
        return bool(value)

    def __int__(self) -> int:
        return int(self._scalar())

    def __float__(self) -> float:
        return float(self._scalar())

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def __index__(self) -> int:
        value = self._live()
        if value.ndim or not (dtypes.is_integer(value.dtype) or value.dtype == dtypes.bool_):
            raise DTypeError(f"index: expected an integer scalar, got {self.aval}")
        return int(value)

    def _scalar(self) -> Any:
        value = self._numbers("scalar conversion")
        if value.size != 1:
            raise DTypeError(
                f"scalar conversion: expected an array of one element, got {self.aval}"
            )
        return value.reshape(())[()]

    def item(self, *index: int) -> Any:
        """One element as a Python number."""
        if not index and self.size != 1:
            raise ArgumentError(
                f"item: expected an array of one element, got {self.aval}; use tolist or an index"
            )
        return self._numbers("item").item(*index)

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self._numbers("tolist").tolist()

    def tobytes(self) -> bytes:
        """The elements in row-major order."""
        return self._live().tobytes()

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise NotAnArrayError(
                "iteration: expected an array with at least one axis, got a scalar; "
                "use x.reshape(1)"
            )
        return iter([Array(row) for row in self._live()])

    def __repr__(self) -> str:
        if self.dtype == dtypes.key:
            words = self._live()["threefry2x32"]
            return f"Array({self.shape}, dtype=key<fry>) overlaying:\n{words}"
        text = np.array2string(self._live(), separator=", ", prefix="Array(")
        if not self.size:
            text += f", shape={self.shape}"
        weak = ", weak_type=True" if self._weak else ""
        return f"Array({text}, dtype={dtypes.name(self.dtype)}{weak})"

    def __str__(self) -> str:
        return repr(self) if self.dtype == dtypes.key else str(self._live())

    def __format__(self, spec: str) -> str:
        return format(self._live()[()], spec) if not self.ndim else format(self._live(), spec)

    def __reduce__(self) -> tuple[Any, ...]:
        return Array, (np.array(self._live()), self._weak)

    def __copy__(self) -> Array:
        return self

    def __deepcopy__(self, memo: Any) -> Array:
        return Array(np.array(self._live()), self._weak)

    def block_until_ready(self) -> Array:
        """Itself: CPU results are ready when they are returned."""
        return self

    @property
    def sharding(self) -> Sharding:
        """How it was asked to be divided over devices, by `device_put` or `out_shardings`.

        Arrays are whole whatever it says; results of operations do not inherit it.
        """
        return getattr(self, "_sharding", WHOLE)

    def with_sharding(self, sharding: Sharding) -> Array:
        """An array of the same memory that has this sharding, which is not checked."""
        found = Array(self._live(), self._weak)
        found._sharding = sharding
        return found

    @property
    def addressable_shards(self) -> list[Shard]:
        """The blocks of its sharding, one for each device."""
        blocks, value = self.sharding.devices_indices_map(self.shape), self._live()
        return [
            Shard(device, self.sharding, self.shape, Array(value[index]))
            for device, index in blocks.items()
        ]

    global_shards = addressable_shards

    def addressable_data(self, index: int) -> Array:
        """The block of device number `index`."""
        shards = self.addressable_shards
        if not 0 <= index < len(shards):
            raise ArgumentError(
                f"addressable_data: expected the number of one of {len(shards)} devices, counted "
                f"from 0, got {index}"
            )
        return shards[index].data

    def devices(self) -> set[Any]:
        """The devices of its sharding."""
        return self.sharding.device_set

    is_fully_addressable = True
    is_fully_replicated = property(
        lambda self: self.sharding.is_fully_replicated, doc="Whether every block is the whole."
    )


def fresh_array(value: np.ndarray[Any, Any], aval: ShapedArray) -> Array:
    """An Array around new, contiguous memory of known type: the quick way in for backends."""
    self = object.__new__(Array)
    self._np = self._buffer = value
    self._aval, self._weak = aval, aval.weak_type
    return self


def aval_of(x: Any) -> ShapedArray:
    """The type of an array, tracer, NumPy array or Python number.

    Raises: NotAnArrayError for anything else.
    """
    if isinstance(x, Value):
        return x.aval
    kind = type(x)
    if kind in PYTHON_SCALARS:
        return ShapedArray((), dtypes.python_scalar_dtype(kind), kind is not bool)
    if isinstance(x, (np.ndarray, np.generic)):
        return ShapedArray(x.shape, dtypes.held(x.dtype))
    if hasattr(x, "__ftx_array__"):
        return aval_of(x.__ftx_array__())
    raise NotAnArrayError(
        f"expected an array or a number, got {kind.__name__}: {str(x)[:60]!r}; "
        "convert it with ftx.numpy.asarray, or pass it as a static argument"
    )


def numpy_value(x: Any) -> np.ndarray[Any, Any]:
    """The NumPy array behind an Array, a NumPy array or a Python number."""
    if type(x) is Array:
        return x._live()
    if isinstance(x, Value):
        raise x.leaked()
    return np.asarray(x, aval_of(x).dtype)


def as_array(x: Any) -> Array:
    """An Array of the same value, without a copy if possible."""
    if type(x) is Array:
        return x
    aval = aval_of(x)
    return Array(np.asarray(x, aval.dtype), aval.weak_type)


def check_finite(name: str, results: list[Array]) -> None:
    """Raise NonFiniteError if a result has a NaN (debug_nans) or infinity (debug_infs)."""
    for result in results:
        value = result._np
        if not dtypes.is_inexact(value.dtype):
            continue
        nan = config.debug_nans and bool(np.isnan(value).any())
        inf = config.debug_infs and bool(np.isinf(value).any())
        if nan or inf:
            what = "a NaN" if nan else "an infinity"
            raise NonFiniteError(f"{name}: expected finite results, got {what} in {result.aval}")

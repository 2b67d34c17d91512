"""`Mesh`: devices in a grid whose axes have names, and the mesh in force where none is given.

In: devices, or only sizes.  Out: values to compare, to show, and to take axes from.
Arrays are whole, so that a mesh says how work would be divided, not where memory is.
Knows nothing of: arrays, and what is mapped over the axes.
"""

from __future__ import annotations

import enum
import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import ShardingError


class AxisType(enum.Enum):
    """How JAX spreads work over an axis of a mesh; shown and compared here, of no effect."""

    Auto = enum.auto()
    Explicit = enum.auto()
    Manual = enum.auto()

    def __repr__(self) -> str:
        return self.name


class AbstractMesh:
    """Names and sizes of the axes of a mesh, without devices.

    >>> AbstractMesh((2, 4), ("x", "y")).shape["y"]
    4
    """

    def __init__(
        self,
        axis_sizes: Sequence[int],
        axis_names: str | Sequence[str],
        axis_types: AxisType | Sequence[AxisType] | None = None,
        *,
        abstract_device: Any = None,
    ):
        names = (axis_names,) if isinstance(axis_names, str) else tuple(axis_names)
        sizes = tuple(int(n) for n in axis_sizes)
        if len(names) != len(sizes) or len(set(names)) != len(names):
            raise ShardingError(
                f"mesh: expected {len(sizes)} different names, one for each axis of the sizes "
                f"{sizes}, got {names}; name every axis once"
            )
        self.axis_sizes, self.axis_names = sizes, names
        self.axis_types = _types(axis_types, len(names))

    @property
    def shape(self) -> OrderedDict[str, int]:
        """Size of each axis, by name."""
        return OrderedDict(self.shape_tuple)

    @property
    def shape_tuple(self) -> tuple[tuple[str, int], ...]:
        """(name, size) of each axis."""
        return tuple(zip(self.axis_names, self.axis_sizes, strict=True))

    @property
    def size(self) -> int:
        """Number of places in the grid."""
        return math.prod(self.axis_sizes)

    @property
    def empty(self) -> bool:
        """Whether there is no axis."""
        return not self.axis_names

    @property
    def abstract_mesh(self) -> AbstractMesh:
        """Itself, without devices."""
        return AbstractMesh(self.axis_sizes, self.axis_names, self.axis_types)

    def _key(self) -> Any:
        return self.axis_sizes, self.axis_names, self.axis_types

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._key() == other._key()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        axes = ", ".join(f"{n!r}: {s}" for n, s in self.shape_tuple)
        return f"{type(self).__name__}({axes}, axis_types={self.axis_types})"

    __repr__ = __str__


class Mesh(AbstractMesh):
    """Devices in a grid whose axes have names.

    Args:
      devices: array of devices, one axis for each name.
      axis_names: the names.
      axis_types: kept and shown; of no effect.
    Raises: ShardingError if names and axes of the grid differ in number.

    >>> import ftx
    >>> Mesh(ftx.devices()[:1], ("x",)).shape["x"]
    1
    """

    def __init__(
        self,
        devices: Any,
        axis_names: str | Sequence[str],
        axis_types: AxisType | Sequence[AxisType] | None = None,
    ):
        grid = np.array(devices, dtype=object)
        grid.flags.writeable = False
        super().__init__(grid.shape, axis_names, axis_types or AxisType.Auto)
        self.devices = grid

    @property
    def device_ids(self) -> np.ndarray[Any, Any]:
        """The number of each device."""
        ids = [getattr(d, "id", i) for i, d in enumerate(self.devices.flat)]
        return np.array(ids, int).reshape(self.axis_sizes)

    @property
    def local_devices(self) -> list[Any]:
        """The devices of this process: all."""
        return list(self.devices.flat)

    @property
    def local_mesh(self) -> Mesh:
        """The part of this process: all."""
        return self

    is_multi_process = False

    def _key(self) -> Any:
        return (*super()._key(), tuple(self.devices.flat))

    def __repr__(self) -> str:
        sizes, names = self.axis_sizes, self.axis_names
        return f"Mesh(axis_sizes={sizes}, axis_names={names}, axis_types={self.axis_types})"

    def __enter__(self) -> Mesh:
        _CURRENT.stack = (*_CURRENT.stack, self)
        return self

    def __exit__(self, *exception: Any) -> None:
        _CURRENT.stack = _CURRENT.stack[:-1]


def _types(given: AxisType | Sequence[AxisType] | None, count: int) -> tuple[AxisType, ...]:
    if given is None or isinstance(given, AxisType):
        return (given or AxisType.Auto,) * count
    if len(given) != count or not all(isinstance(t, AxisType) for t in given):
        raise ShardingError(
            f"mesh: expected one AxisType for each of its {count} axes, got {given}; "
            "leave axis_types out"
        )
    return tuple(given)


class _Current(threading.local):
    stack: tuple[AbstractMesh | None, ...] = ()


_CURRENT = _Current()
EMPTY = AbstractMesh((), ())


def current_mesh() -> AbstractMesh:
    """The mesh in force: of the innermost `with mesh:` or `set_mesh`; without axes if none is."""
    return (_CURRENT.stack and _CURRENT.stack[-1]) or EMPTY


class set_mesh:
    """Put a mesh in force from now on, or for the length of a `with` block.

    A PartitionSpec given where a sharding is wanted, and `shard_map` without `mesh`, refer to it.

    >>> with set_mesh(AbstractMesh((2,), ("x",))):
    ...     current_mesh().axis_names
    ('x',)
    """

    def __init__(self, mesh: AbstractMesh | None):
        if not isinstance(mesh, AbstractMesh | None):
            raise ShardingError(f"set_mesh: expected a mesh or None, got {mesh!r}; use make_mesh")
        self._before = _CURRENT.stack
        _CURRENT.stack = (*_CURRENT.stack, mesh)

    def __enter__(self) -> AbstractMesh | None:
        return _CURRENT.stack[-1]

    def __exit__(self, *exception: Any) -> None:
        _CURRENT.stack = self._before

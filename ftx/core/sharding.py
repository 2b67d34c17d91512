"""Shardings: how an array would be divided over devices; of one process, a description.

In: a mesh and a PartitionSpec.  Out: checks, block shapes, and which block is whose.
Arrays are whole: nothing is moved, and every block is a view of the whole array.
Knows nothing of: arrays, and how programs are mapped.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .device import HOST, Device
from .errors import ShardingError, UnsupportedError
from .mesh import AbstractMesh, Mesh, current_mesh

Index = tuple[slice, ...]


class _Unconstrained:
    """An axis of an array of which nothing is said."""

    def __repr__(self) -> str:
        return "UNCONSTRAINED"


class PartitionSpec:
    """For each axis of an array the axis, or axes, of a mesh over which it is divided.

    Args:
      partitions: for each axis a name, a tuple of names (the last varies fastest), or None.
    Axes at the end may be left out; they are whole.

    >>> PartitionSpec("x", None, ("y", "z"))
    P('x', None, ('y', 'z'))
    """

    __slots__ = ("_partitions",)
    UNCONSTRAINED = _Unconstrained()

    def __init__(self, *partitions: Any, unreduced: Any = frozenset(), reduced: Any = frozenset()):
        if unreduced or reduced:
            raise UnsupportedError(
                "PartitionSpec: expected no unreduced or reduced axes, since arrays of one "
                f"process are whole, got {set(unreduced) | set(reduced)}; sum with psum"
            )
        self._partitions = tuple(_canonical(p) for p in partitions)

    partitions = property(lambda self: self._partitions, doc="Its entries.")
    unreduced: frozenset[str] = frozenset()
    reduced: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._partitions)

    def __len__(self) -> int:
        return len(self._partitions)

    def __getitem__(self, index: Any) -> Any:
        return self._partitions[index]

    def __add__(self, other: Any) -> PartitionSpec:
        return PartitionSpec(*self, *other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartitionSpec) and self._partitions == other._partitions

    def __hash__(self) -> int:
        return hash(self._partitions)

    def __repr__(self) -> str:
        return f"P{self._partitions!r}"

    def __reduce__(self) -> Any:
        return PartitionSpec, self._partitions

    def index(self, value: Any) -> int:
        """The first axis with that entry."""
        return self._partitions.index(_canonical(value))

    def count(self, value: Any) -> int:
        """The number of axes with that entry."""
        return self._partitions.count(_canonical(value))

    def names(self) -> tuple[tuple[str, ...], ...]:
        """The names for each axis, as tuples."""
        return tuple(_names(p) for p in self._partitions)


def _canonical(entry: Any) -> Any:
    if isinstance(entry, (tuple, list)):
        entry = tuple(entry)
        return entry[0] if len(entry) == 1 else (entry or None)
    return entry


def _names(entry: Any) -> tuple[str, ...]:
    if entry is None or entry is PartitionSpec.UNCONSTRAINED:
        return ()
    return entry if isinstance(entry, tuple) else (entry,)


def check_names(what: str, mesh_axes: Sequence[str], spec: PartitionSpec) -> None:
    """Raise ShardingError if a spec names an axis that there is not, or one twice."""
    found = [n for names in spec.names() for n in names]
    for name in found:
        if name not in mesh_axes:
            raise ShardingError(
                f"{what}: expected axes of the mesh, {tuple(mesh_axes)}, got {name!r} in {spec}; "
                "name one of them, or None for an axis that stays whole"
            )
        if found.count(name) > 1:
            raise ShardingError(
                f"{what}: expected every axis of the mesh at most once, got {name!r} "
                f"{found.count(name)} times in {spec}; divide one axis of the array by it"
            )


def check_shape(
    what: str, sizes: Mapping[str, int], spec: PartitionSpec, shape: Sequence[int]
) -> None:
    """Raise ShardingError if an array of that shape cannot be divided so."""
    if len(spec) > len(shape):
        raise ShardingError(
            f"{what}: expected at most {len(shape)} entries for an array of shape {tuple(shape)}, "
            f"got {spec}; leave out those for axes it does not have"
        )
    for axis, names in enumerate(spec.names()):
        parts = math.prod(sizes[n] for n in names)
        if shape[axis] % parts:
            raise ShardingError(
                f"{what}: expected a multiple of {parts} along axis {axis}, which {spec} divides "
                f"by {names}, got shape {tuple(shape)}; pad the array, or leave that axis whole"
            )


class Sharding(abc.ABC):
    """How an array would be divided over devices."""

    memory_kind = "device"
    is_fully_addressable = True
    has_addressable_devices = True

    @abc.abstractmethod
    def devices_indices_map(self, global_shape: Sequence[int]) -> dict[Any, Index]:
        """For each device the slices of the whole array that are its block."""

    @abc.abstractmethod
    def shard_shape(self, global_shape: Sequence[int]) -> tuple[int, ...]:
        """The shape of a block."""

    def check_compatible_aval(self, aval_shape: Sequence[int]) -> None:
        """Raise ShardingError if an array of that shape cannot be divided so."""
        self.check("sharding", aval_shape)

    @abc.abstractmethod
    def check(self, what: str, shape: Sequence[int]) -> None:
        """`check_compatible_aval` for an array that errors call `what`."""

    def addressable_devices_indices_map(self, global_shape: Sequence[int]) -> dict[Any, Index]:
        """`devices_indices_map`: all devices are of this process."""
        return self.devices_indices_map(global_shape)

    @property
    @abc.abstractmethod
    def device_set(self) -> set[Any]:
        """The devices."""

    @property
    def addressable_devices(self) -> set[Any]:
        """The devices of this process: all."""
        return self.device_set

    @property
    def num_devices(self) -> int:
        """Their number."""
        return len(self.device_set)

    @property
    def is_fully_replicated(self) -> bool:
        """Whether every device has the whole array."""
        return True

    def is_equivalent_to(self, other: Sharding, ndim: int) -> bool:
        """Whether both give every device the same block of an array with `ndim` axes."""
        return self._blocks(ndim) == other._blocks(ndim)

    @abc.abstractmethod
    def _blocks(self, ndim: int) -> Any:
        """What is equal for shardings that give every device the same blocks."""

    def with_memory_kind(self, kind: str) -> Sharding:
        """Itself: there is one kind of memory."""
        check_memory_kind(kind)
        return self


def check_memory_kind(kind: str | None) -> None:
    """Raise UnsupportedError for memory other than the devices' own."""
    if kind not in (None, "device"):
        raise UnsupportedError(
            f"sharding: expected memory_kind 'device', got {kind!r}; arrays live in one memory"
        )


class NamedSharding(Sharding):
    """An array divided over a mesh as a PartitionSpec says.

    Raises: ShardingError if the spec names an axis that the mesh lacks, or one twice.

    >>> sharding = NamedSharding(AbstractMesh((2, 4), ("x", "y")), PartitionSpec("x"))
    >>> sharding.shard_shape((6, 5))
    (3, 5)
    """

    def __init__(self, mesh: AbstractMesh, spec: PartitionSpec, memory_kind: str | None = None):
        if not isinstance(mesh, AbstractMesh) or not isinstance(spec, PartitionSpec):
            raise ShardingError(
                f"NamedSharding: expected a mesh and a PartitionSpec, got {mesh!r} and {spec!r}; "
                "write NamedSharding(mesh, PartitionSpec('x'))"
            )
        check_memory_kind(memory_kind)
        check_names("NamedSharding", mesh.axis_names, spec)
        self.mesh, self.spec = mesh, spec

    def check(self, what: str, shape: Sequence[int]) -> None:
        check_shape(what, self.mesh.shape, self.spec, shape)

    def shard_shape(self, global_shape: Sequence[int]) -> tuple[int, ...]:
        self.check_compatible_aval(global_shape)
        sizes = self.mesh.shape
        parts = [math.prod(sizes[n] for n in names) for names in self.spec.names()]
        parts += [1] * (len(global_shape) - len(parts))
        return tuple(n // p for n, p in zip(global_shape, parts, strict=True))

    def devices_indices_map(self, global_shape: Sequence[int]) -> dict[Any, Index]:
        block, devices = self.shard_shape(global_shape), self._devices()
        found: dict[Any, Index] = {}
        for place in np.ndindex(devices.shape):
            at = dict(zip(self.mesh.axis_names, place, strict=True))
            numbers = [self._number(names, at) for names in self.spec.names()]
            numbers += [0] * (len(block) - len(numbers))
            found[devices[place]] = tuple(
                slice(None) if n == whole else slice(i * n, (i + 1) * n)
                for i, n, whole in zip(numbers, block, global_shape, strict=True)
            )
        return found

    def _number(self, names: tuple[str, ...], at: Mapping[str, int]) -> int:
        """Which block along one axis the device at that place has."""
        number, sizes = 0, self.mesh.shape
        for name in names:
            number = number * sizes[name] + at[name]
        return number

    def _devices(self) -> Any:
        if not isinstance(self.mesh, Mesh):
            raise ShardingError(
                f"sharding: expected a mesh of devices, got {self.mesh}; use make_mesh"
            )
        return self.mesh.devices

    @property
    def device_set(self) -> set[Any]:
        return set(self._devices().flat)

    @property
    def num_devices(self) -> int:
        return self.mesh.size

    @property
    def is_fully_replicated(self) -> bool:
        sizes = self.mesh.shape
        return all(sizes[n] == 1 for names in self.spec.names() for n in names)

    def _blocks(self, ndim: int) -> Any:
        if self.num_devices == 1:
            return frozenset(self.device_set)
        sizes = self.mesh.shape
        names = [tuple(n for n in part if sizes[n] > 1) for part in self.spec.names()]
        if not any(names):
            return frozenset(self.device_set)
        return self.mesh, tuple(names + [()] * (ndim - len(names)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NamedSharding):
            return False
        return self.mesh == other.mesh and self.spec == other.spec

    def __hash__(self) -> int:
        return hash((self.mesh, self.spec))

    def __repr__(self) -> str:
        return f"NamedSharding(mesh={self.mesh!s}, spec={self.spec}, memory_kind=device)"


class SingleDeviceSharding(Sharding):
    """An array on one device.

    >>> import ftx
    >>> SingleDeviceSharding(ftx.devices()[0]).is_fully_replicated
    True
    """

    def __init__(self, device: Any, *, memory_kind: str | None = None):
        check_memory_kind(memory_kind)
        self._device = device

    def check(self, what: str, shape: Sequence[int]) -> None:
        """Arrays of any shape are whole on one device."""

    def shard_shape(self, global_shape: Sequence[int]) -> tuple[int, ...]:
        return tuple(global_shape)

    def devices_indices_map(self, global_shape: Sequence[int]) -> dict[Any, Index]:
        return {self._device: (slice(None),) * len(global_shape)}

    @property
    def device_set(self) -> set[Any]:
        return {self._device}

    def _blocks(self, ndim: int) -> Any:
        return frozenset(self.device_set)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SingleDeviceSharding) and self._device == other._device

    def __hash__(self) -> int:
        return hash(self._device)

    def __repr__(self) -> str:
        return f"SingleDeviceSharding(device={self._device!r}, memory_kind=device)"


WHOLE = SingleDeviceSharding(HOST)
"""Of arrays for which no other was asked."""


class Shard:
    """One device's block of an array: `device`, `index`, `replica_id`, `data`."""

    def __init__(
        self, device: Any, sharding: Sharding, global_shape: Sequence[int], data: Any = None
    ):
        self.device, self.data = device, data
        blocks = sharding.devices_indices_map(global_shape)
        self.index = blocks[device]
        same = [d for d, index in blocks.items() if index == self.index]
        self.replica_id = same.index(device)

    def __repr__(self) -> str:
        place = f"device={self.device!r}, index={self.index}, replica_id={self.replica_id}"
        return f"Shard({place}, data={self.data})"


def sharding_of(what: str, given: Any) -> Sharding | None:
    """A sharding, from one, a device, or a PartitionSpec for the mesh in force; None is none.

    Raises: ShardingError for anything else, and for a PartitionSpec where no mesh is in force.
    """
    if given is None or isinstance(given, Sharding):
        return given
    if isinstance(given, Device):
        return SingleDeviceSharding(given)
    if not isinstance(given, PartitionSpec):
        raise ShardingError(
            f"{what}: expected a sharding, a PartitionSpec, a device or None, got {given!r}; "
            "write NamedSharding(mesh, PartitionSpec('x'))"
        )
    if current_mesh().empty:
        raise ShardingError(
            f"{what}: expected a mesh in force for {given}, got none; put it under "
            "ftx.set_mesh(mesh), or give NamedSharding(mesh, spec)"
        )
    return NamedSharding(current_mesh(), given)

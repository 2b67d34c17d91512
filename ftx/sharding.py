"""ftx.sharding: meshes, and shardings of arrays over them, as jax.sharding has them.

In: devices, names, PartitionSpecs.  Out: objects to check, to show and to map over; arrays made
for a sharding.  Arrays of one process are whole: a sharding describes, it moves nothing.
Must not know: how programs are mapped over a mesh.
"""

import math

import numpy as np

from .core.array import Array
from .core.errors import ShardingError
from .core.mesh import AbstractMesh, AxisType, Mesh, current_mesh, set_mesh
from .core.placement import placed
from .core.sharding import (
    NamedSharding,
    PartitionSpec,
    Sharding,
    SingleDeviceSharding,
    sharding_of,
)
from .devices import devices as _all_devices
from .lax import with_sharding_constraint
from .numpy.promotion import asarray

__all__ = [
    "AbstractMesh",
    "AxisType",
    "Mesh",
    "NamedSharding",
    "PartitionSpec",
    "Sharding",
    "SingleDeviceSharding",
    "get_abstract_mesh",
    "get_mesh",
    "reshard",
    "set_mesh",
]


def make_mesh(axis_shapes, axis_names, axis_types=None, *, devices=None):
    """Devices in a grid whose axes have names.

    Args:
      axis_shapes, axis_names: size and name of each axis.
      axis_types: kept and shown; of no effect.
      devices: by default the first of `ftx.devices()`; the option num_cpu_devices says how many
        there are.
    Raises: ShardingError if there are fewer devices than places.

    >>> make_mesh((1,), ("batch",)).axis_names
    ('batch',)
    """
    available = list(_all_devices() if devices is None else np.ravel(devices))
    wanted = math.prod(axis_shapes)
    if wanted > len(available):
        raise ShardingError(
            f"make_mesh: expected at most {len(available)} places, one for each device, got "
            f"{wanted} by {tuple(axis_shapes)}; take a smaller grid, or set "
            "FTX_NUM_CPU_DEVICES"
        )
    grid = np.array(available[:wanted], dtype=object).reshape(tuple(axis_shapes))
    return Mesh(grid, axis_names, AxisType.Explicit if axis_types is None else axis_types)


def get_mesh():
    """The mesh in force; one without axes if there is none.

    >>> get_mesh().empty
    True
    """
    return current_mesh()


def get_abstract_mesh():
    """The mesh in force without its devices.

    >>> get_abstract_mesh().axis_names
    ()
    """
    return current_mesh().abstract_mesh


def reshard(xs, out_shardings):
    """A tree of arrays that remember other shardings; nothing is moved.

    >>> import ftx
    >>> reshard(ftx.numpy.ones(4), SingleDeviceSharding(ftx.devices()[0])).shape
    (4,)
    """
    return with_sharding_constraint(xs, out_shardings)


def make_array_from_callback(shape, sharding, data_callback, dtype=None):
    """An array, each block of which is what a function makes of its index.

    Args:
      shape: of the whole array.
      data_callback: from slices of the whole array, to that block; called once for each block.
      dtype: by default that of the blocks.
    Raises: ShardingError if the sharding cannot divide the shape, or a block has another shape.

    >>> whole = np.arange(6.0).reshape(2, 3)
    >>> sharding = SingleDeviceSharding(_all_devices()[0])
    >>> make_array_from_callback((2, 3), sharding, lambda index: whole[index]).shape
    (2, 3)
    """
    sharding = sharding_of("make_array_from_callback", sharding)
    indices = {str(i): i for i in sharding.devices_indices_map(shape).values()}
    made = [(index, asarray(data_callback(index), dtype)) for index in indices.values()]
    return _assembled("make_array_from_callback", shape, sharding, made)


def _assembled(name, shape, sharding, blocks):
    """The whole array from (index, block)."""
    wanted = sharding.shard_shape(shape)
    whole = np.empty(shape, blocks[0][1].dtype)
    for index, block in blocks:
        if block.shape != wanted:
            raise ShardingError(
                f"{name}: expected blocks of shape {wanted}, by {sharding} of {tuple(shape)}, got "
                f"{block.shape} for {index}; give the block that the index cuts out"
            )
        whole[index] = np.asarray(block)
    return Array(whole).with_sharding(sharding)


def make_array_from_process_local_data(sharding, local_data, global_shape=None):
    """An array from the part that this process has: all of it.

    Args:
      global_shape: that of local_data, or None; there is one process.

    >>> sharding = SingleDeviceSharding(_all_devices()[0])
    >>> make_array_from_process_local_data(sharding, np.ones(3)).shape
    (3,)
    """
    found = asarray(local_data)
    if global_shape is not None and tuple(global_shape) != found.shape:
        raise ShardingError(
            "make_array_from_process_local_data: expected the whole array, since there is one "
            f"process, got {found.shape} of {tuple(global_shape)}; give the data of every device"
        )
    return placed("make_array_from_process_local_data", found, sharding)


def make_array_from_single_device_arrays(shape, sharding, arrays, *, dtype=None):
    """An array from the blocks of the devices, in the order of the sharding's.

    Raises: ShardingError if there are not as many blocks as devices, or one has another shape.

    >>> sharding = SingleDeviceSharding(_all_devices()[0])
    >>> make_array_from_single_device_arrays((2,), sharding, [asarray([1, 2])]).tolist()
    [1, 2]
    """
    indices = list(sharding.devices_indices_map(shape).values())
    if len(indices) != len(arrays):
        raise ShardingError(
            f"make_array_from_single_device_arrays: expected {len(indices)} arrays, one for each "
            f"device, got {len(arrays)}; repeat those that several devices have"
        )
    made = [(index, asarray(a, dtype)) for index, a in zip(indices, arrays, strict=True)]
    return _assembled("make_array_from_single_device_arrays", shape, sharding, made)

"""Devices as JAX programs ask for them, and moving trees of arrays to and from them.

In: trees of arrays.  Out: device objects, arrays, NumPy arrays.
Devices of the CPU are shares of its cores for `pmap`; arrays live in one memory.
Must not know: how programs are compiled.
"""

import numpy as np

from .core import tree
from .core.array import Array, Value
from .core.backend import get_backend
from .core.config import config
from .core.device import Device
from .core.errors import ArgumentError, BackendError, UnsupportedError
from .core.placement import placed
from .core.sharding import PartitionSpec, Sharding
from .numpy.promotion import asarray
from .transforms.pmap import device_count as _cpu_device_count

__all__ = [
    *("Device", "block_until_ready", "default_backend", "device_count", "device_get", "device_put"),
    *("device_put_replicated", "device_put_sharded", "devices", "local_device_count"),
    *("local_devices", "process_count", "process_index", "process_indices"),
]


def devices(backend=None):
    """The devices of a backend (the CPU's by default): a list.

    >>> devices()[0].platform
    'cpu'
    """
    name = "cpu" if backend in (None, "reference") else backend
    if name != "cpu":
        raise BackendError(f"devices: expected 'cpu', got {backend!r}; arrays live on the CPU")
    return [Device(i) for i in range(_cpu_device_count())]


def local_devices(process_index=None, backend=None, host_id=None):
    """The devices of this process: all there are.

    >>> len(local_devices()) == device_count()
    True
    """
    return devices(backend) if process_index in (None, 0) and host_id in (None, 0) else []


def device_count(backend=None):
    """Number of devices: the option num_cpu_devices, or the number of cores.

    >>> device_count() >= 1
    True
    """
    return len(devices(backend))


local_device_count = device_count


def process_count(backend=None):
    """Number of processes that work together: 1.

    >>> process_count()
    1
    """
    return 1


def process_index(backend=None):
    """Which of them this one is: 0.

    >>> process_index()
    0
    """
    return 0


def process_indices(backend=None):
    """The indices of all processes: [0].

    >>> process_indices()
    [0]
    """
    return [0]


def default_backend():
    """Name of the backend `jit` compiles for.

    >>> default_backend() in ("cpu", "cuda", "reference")
    True
    """
    get_backend(config.default_backend)
    return config.default_backend


def _check_device(name, device):
    leaves = tree.leaves(device)
    if any(getattr(d, "platform", None) != "cpu" for d in leaves):
        raise UnsupportedError(f"{name}: expected CPU devices, got {device!r}")


def device_put(x, device=None, *, src=None, donate=False, may_alias=None):
    """A tree of numbers and arrays as a tree of arrays on the device.

    Args:
      device: a CPU device or a sharding, or a tree of them, a prefix of x; arrays remember a
        sharding and stay whole.
      may_alias: False to copy.
    Raises: ShardingError if a sharding cannot divide an array.

    >>> device_put([1, 2.0])[1].dtype
    dtype('float32')
    """
    _check_device("device_put", [d for d in tree.leaves(device) if not _is_sharding(d)])
    copy = True if may_alias is False else None
    arrays = tree.map(lambda v: asarray(v, copy=copy), x)
    return arrays if device is None else placed("device_put", arrays, device)


def _is_sharding(x):
    return isinstance(x, (Sharding, PartitionSpec))


def device_put_sharded(shards, devices):
    """Trees of arrays, one for each device, as one tree of arrays with one more axis.

    >>> device_put_sharded([1, 2], local_devices()[:1] * 2).tolist()
    [1, 2]
    """
    _check_device("device_put_sharded", devices)
    if len(shards) != len(devices):
        raise ArgumentError(
            f"device_put_sharded: expected {len(devices)} shards, got {len(shards)}"
        )
    return tree.map(lambda *rows: asarray([asarray(r) for r in rows]), *shards)


def device_put_replicated(x, devices):
    """A tree of arrays repeated for each device along one more axis.

    >>> device_put_replicated(1, local_devices()[:1]).tolist()
    [1]
    """
    return device_put_sharded([x] * len(devices), devices)


def device_get(x):
    """A tree of arrays as a tree of NumPy arrays.

    >>> type(device_get(asarray(1.0))).__name__
    'ndarray'
    """
    return tree.map(lambda v: np.asarray(v) if isinstance(v, Value) else v, x)


def block_until_ready(x):
    """The tree itself: results on the CPU are ready when they are returned.

    >>> block_until_ready(1)
    1
    """
    leaves = (x,) if isinstance(x, Array) else tree.leaves(x)
    for leaf in leaves:
        wait = getattr(leaf, "block_until_ready", None)
        if wait is not None:
            wait()
    return x

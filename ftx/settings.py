"""Options for the length of a block, and what is kept in memory: names of jax's top level.

In: option values.  Out: context managers; lists of arrays.
Must not know: what the options do.
"""

import contextlib
import gc

from .core.array import Array
from .core.config import config
from .core.errors import UnsupportedError
from .transforms.jit import Jitted

__all__ = [
    *("check_tracer_leaks", "clear_caches", "debug_infs", "default_device", "live_arrays"),
    *("numpy_rank_promotion",),
]


@contextlib.contextmanager
def check_tracer_leaks(new_val=True):
    """Raise SideEffectError where a function stores a traced array outside itself; slow.

    Args: new_val: False switches an outer block off.

    >>> import ftx
    >>> with check_tracer_leaks():
    ...     ftx.jit(lambda x: x + 1)(1).tolist()
    2
    """
    with config.override(check_tracer_leaks=bool(new_val)):
        yield


@contextlib.contextmanager
def debug_infs(new_val=True):
    """Raise FloatingPointError at the first infinity for the length of a `with` block.

    >>> import ftx.numpy as fnp
    >>> with debug_infs():
    ...     fnp.log(1.0).tolist()
    0.0
    """
    with config.override(debug_infs=bool(new_val)):
        yield


@contextlib.contextmanager
def numpy_rank_promotion(new_val):
    """How arrays of different rank broadcast: "allow" (the default), "warn", or "raise".

    Numbers and arrays without axes join any array in each of them.
    Raises: ConfigError for another value; in the block BroadcastShapeError with "raise".

    >>> import ftx.numpy as fnp
    >>> with numpy_rank_promotion("raise"):
    ...     fnp.add(fnp.ones(2), 1).tolist()
    [2.0, 2.0]
    """
    with config.override(numpy_rank_promotion=new_val):
        yield


@contextlib.contextmanager
def default_device(new_val=None):
    """Where arrays are made for the length of a `with` block: on the CPU, which is all there is.

    Args: new_val: None, "cpu" or a device of the CPU.
    Raises: UnsupportedError for another device.

    >>> import ftx
    >>> with default_device(ftx.devices("cpu")[0]):
    ...     ftx.numpy.ones(1).tolist()
    [1.0]
    """
    if new_val not in (None, "cpu") and getattr(new_val, "platform", None) != "cpu":
        raise UnsupportedError(
            f"default_device: expected None or a CPU device, got {new_val!r}; arrays live on the "
            "CPU, and ftx.config.update('default_backend', 'cuda') compiles for a GPU"
        )
    yield new_val


def live_arrays(platform=None):
    """Every array that something still refers to, donated ones left out: a list.

    Args: platform: None or "cpu"; there are none elsewhere.

    >>> import ftx.numpy as fnp
    >>> x = fnp.ones(3)
    >>> any(x is y for y in live_arrays())
    True
    """
    if platform not in (None, "cpu"):
        return []
    return [x for x in gc.get_objects() if type(x) is Array and not x.is_deleted()]


def clear_caches():
    """Forget the programs of every jitted function; kernels stay in memory and on disk.

    The next call of each traces and assembles its program again.

    >>> import ftx
    >>> f = ftx.jit(lambda x: x + 1)
    >>> f(1).tolist(), f._cache_size()
    (2, 1)
    >>> clear_caches()
    >>> f._cache_size()
    0
    """
    for found in gc.get_objects():
        if type(found) is Jitted:
            found.clear_cache()

"""Options for the length of a block, and what is kept in memory: names of jax's top level.

In: option values.  Out: context managers; lists of arrays.
Must not know: what the options do.
"""

import contextlib
import functools
import gc

from .core.array import Array
from .core.config import config
from .core.errors import UnsupportedError
from .core.state import use_trace
from .transforms.jit import Jitted


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
        if issubclass(type(found), Jitted):
            found.clear_cache()


@contextlib.contextmanager
def disable_jit(disable=True):
    """Run the bodies of `jit` equation by equation for the length of a `with` block.

    >>> import ftx
    >>> with disable_jit():
    ...     ftx.jit(lambda x: x + 1)(1)
    2
    """
    with config.override(disable_jit=bool(disable)):
        yield


@contextlib.contextmanager
def enable_x64(new_val=True):
    """New arrays have 64 bits (or, if False, no array has) for the length of a `with` block.

    >>> import ftx.numpy as fnp
    >>> with enable_x64():
    ...     fnp.zeros(1).dtype
    dtype('float64')
    """
    with config.override(enable_x64=new_val):
        yield


@contextlib.contextmanager
def debug_nans(new_val=True):
    """Raise FloatingPointError at the first NaN for the length of a `with` block.

    >>> import ftx.numpy as fnp
    >>> with debug_nans():
    ...     fnp.log(1.0).tolist()
    0.0
    """
    with config.override(debug_nans=bool(new_val)):
        yield


@contextlib.contextmanager
def checking_leaks():
    """Raise SideEffectError where a function stores a traced array outside itself; slow.

    >>> import ftx
    >>> with checking_leaks():
    ...     ftx.jit(lambda x: x + 1)(1).tolist()
    2
    """
    with config.override(check_tracer_leaks=True):
        yield


@contextlib.contextmanager
def debug_key_reuse(new_val=True):
    """Raise KeyReuseError where a random key is used twice for the length of a `with` block.

    Keys are followed into jitted and mapped functions, loops, branches and what they close over.

    >>> import ftx
    >>> with debug_key_reuse():
    ...     ftx.random.uniform(ftx.random.PRNGKey(0)).shape
    ()
    """
    with config.override(debug_key_reuse=bool(new_val)):
        yield


@contextlib.contextmanager
def numpy_dtype_promotion(new_val):
    """How operands of different dtypes are treated: "standard" promotes, "strict" refuses.

    >>> import ftx.numpy as fnp
    >>> with numpy_dtype_promotion("strict"):
    ...     fnp.add(fnp.ones(2), 1.0).tolist()
    [2.0, 2.0]
    """
    with config.override(numpy_dtype_promotion=new_val):
        yield


@contextlib.contextmanager
def ensure_compile_time_eval():
    """Evaluate operations on known values now, not in the program being traced.

    >>> import ftx.numpy as fnp
    >>> with ensure_compile_time_eval():
    ...     int(fnp.add(1, 2))
    3
    """
    with use_trace(None):
        yield


def effects_barrier():
    """Wait for callbacks: none is ever outstanding, since a call returns after its last one.

    >>> effects_barrier()
    """


@contextlib.contextmanager
def named_scope(name):
    """A block with a name; programs keep the lines of their equations, not names of blocks.

    >>> import ftx.numpy as fnp
    >>> with named_scope("layer"):
    ...     fnp.add(1, 2).tolist()
    3
    """
    yield name


def named_call(fun, *, name=None):
    """`fun` under another name, as programs and errors show it.

    >>> named_call(lambda x: x, name="same").__name__
    'same'
    """

    @functools.wraps(fun)
    def named(*args, **kwargs):
        return fun(*args, **kwargs)

    if name is not None:
        named.__name__ = name
        del named.__wrapped__
    return named


@contextlib.contextmanager
def default_matmul_precision(new_val):
    """Products are always computed fully, whatever the precision named.

    >>> import ftx.numpy as fnp
    >>> with default_matmul_precision("float32"):
    ...     fnp.dot(1, 2).tolist()
    2
    """
    yield new_val

"""ftx: composable transformations of array programs, compiled by Numba. The API is JAX's.

In: pure Python functions of arrays.  Out: their gradients, batched, parallel and compiled forms.
This file is the only one that plugs backends in; they are imported when first used.
Must not know: how anything is done.
"""

import contextlib
import functools
import importlib

from . import numpy  # isort: skip  it installs the operators of arrays
from . import errors, lax, tree, tree_util
from .backends.reference import ReferenceBackend as _ReferenceBackend
from .core.array import Array
from .core.array import aval_of as typeof
from .core.backend import register_backend as _register_backend
from .core.backend import register_costs as _register_costs
from .core.config import config
from .core.state import use_trace as _use_trace
from .core.tracebacks import install_hooks as _install_hooks
from .core.types import ShapeDtypeStruct
from .devices import (
    Device,
    block_until_ready,
    default_backend,
    device_count,
    device_get,
    device_put,
    device_put_replicated,
    device_put_sharded,
    devices,
    local_device_count,
    local_devices,
    process_count,
    process_index,
    process_indices,
)
from .transforms.callback import pure_callback
from .transforms.checkpoint import checkpoint
from .transforms.checkpoint_policies import checkpoint_policies
from .transforms.closures import closure_convert
from .transforms.custom import custom_gradient, custom_jvp, custom_vjp
from .transforms.grad import (
    grad,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linear_transpose,
    linearize,
    value_and_grad,
    vjp,
)
from .transforms.jit import eval_shape, jit, make_jaxpr
from .transforms.pmap import pmap
from .transforms.vmap import vmap
from .version import __version__

remat = checkpoint
jacobian = jacrev

_LAZY = frozenset(
    {
        *(
            "ad_checkpoint",
            "backends",
            "custom_batching",
            "custom_derivatives",
            "debug",
            "dlpack",
            "dtypes",
            "experimental",
            "export",
            "extend",
            "flatten_util",
        ),
        *("image", "nn", "ops", "profiler", "random", "scipy", "sharding", "stages"),
        "test_util",
    }
)


def __getattr__(name):
    """Submodules, and `explain`, that are imported when first used."""
    if name == "explain":
        return importlib.import_module(".explanation", __name__).explain
    if name in _LAZY:
        try:
            return importlib.import_module(f".{name}", __name__)
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _loader(module, name):
    return lambda: getattr(importlib.import_module(module, __name__), name)()


_install_hooks()
_register_backend("reference", _ReferenceBackend)
_register_backend("cpu", _loader(".backends.cpu", "CpuBackend"))
_register_backend("cuda", _loader(".backends.cuda", "CudaBackend"))
_register_costs(
    "cpu", lambda jaxpr: importlib.import_module(".explanation.costs", __name__).costs(jaxpr)
)


def compile_stats():
    """How kernels were come by: compiled, loaded_from_disk, found_in_memory, and seconds.

    >>> compile_stats().compiled >= 0
    True
    """
    return importlib.import_module(".backends.cache", __name__).stats


@contextlib.contextmanager
def disable_jit(disable=True):
    """Run the bodies of `jit` equation by equation for the length of a `with` block.

    >>> with disable_jit():
    ...     jit(lambda x: x + 1)(1)
    2
    """
    with config.override(disable_jit=bool(disable)):
        yield


@contextlib.contextmanager
def enable_x64(new_val=True):
    """New arrays have 64 bits (or, if False, no array has) for the length of a `with` block.

    >>> with enable_x64():
    ...     numpy.zeros(1).dtype
    dtype('float64')
    """
    with config.override(enable_x64=new_val):
        yield


@contextlib.contextmanager
def debug_nans(new_val=True):
    """Raise FloatingPointError at the first NaN for the length of a `with` block.

    >>> with debug_nans():
    ...     numpy.log(1.0).tolist()
    0.0
    """
    with config.override(debug_nans=bool(new_val)):
        yield


@contextlib.contextmanager
def checking_leaks():
    """Raise SideEffectError where a function stores a traced array outside itself; slow.

    >>> with checking_leaks():
    ...     jit(lambda x: x + 1)(1).tolist()
    2
    """
    with config.override(check_tracer_leaks=True):
        yield


check_tracer_leaks = checking_leaks


@contextlib.contextmanager
def default_device(new_val):
    """Put new arrays on a device for the length of a `with` block: the CPU, where all are.

    Raises: UnsupportedError for another device.

    >>> with default_device(devices("cpu")[0]):
    ...     numpy.ones(1).device.platform
    'cpu'
    """
    device_put((), new_val)
    yield


@contextlib.contextmanager
def debug_key_reuse(new_val=True):
    """Raise KeyReuseError where a random key is used twice for the length of a `with` block.

    Keys are watched outside traced code, and within one traced function; a key that a function
    closes over or hands to another jitted function is not.

    >>> with debug_key_reuse():
    ...     random.uniform(random.PRNGKey(0)).shape
    ()
    """
    with config.override(debug_key_reuse=bool(new_val)):
        yield


@contextlib.contextmanager
def numpy_dtype_promotion(new_val):
    """How operands of different dtypes are treated: "standard" promotes, "strict" refuses.

    >>> with numpy_dtype_promotion("strict"):
    ...     numpy.add(numpy.ones(2), 1.0).tolist()
    [2.0, 2.0]
    """
    with config.override(numpy_dtype_promotion=new_val):
        yield


@contextlib.contextmanager
def numpy_rank_promotion(new_val):
    """Whether operands may differ in their number of axes: "allow", "warn" or "raise".

    >>> with numpy_rank_promotion("raise"):
    ...     numpy.add(numpy.ones((2, 2)), 1.0).shape
    (2, 2)
    """
    with config.override(numpy_rank_promotion=new_val):
        yield


@contextlib.contextmanager
def ensure_compile_time_eval():
    """Evaluate operations on known values now, not in the program being traced.

    >>> with ensure_compile_time_eval():
    ...     int(numpy.add(1, 2))
    3
    """
    with _use_trace(None):
        yield


def effects_barrier():
    """Wait for callbacks: none is ever outstanding, since a call returns after its last one.

    >>> effects_barrier()
    """


@contextlib.contextmanager
def named_scope(name):
    """A block with a name; programs keep the lines of their equations, not names of blocks.

    >>> with named_scope("layer"):
    ...     numpy.add(1, 2).tolist()
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

    >>> with default_matmul_precision("float32"):
    ...     numpy.dot(1, 2).tolist()
    2
    """
    yield new_val

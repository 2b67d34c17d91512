"""ftx: composable transformations of array programs, compiled by Numba. The API is JAX's.

In: pure Python functions of arrays.  Out: their gradients, batched, parallel and compiled forms.
This file is the only one that plugs backends in; they are imported when first used.
Must not know: how anything is done.
"""

import importlib

from . import numpy  # isort: skip  it installs the operators of arrays
from . import errors, lax, sharding, tree, tree_util
from .backends.reference import ReferenceBackend as _ReferenceBackend
from .core.array import Array
from .core.array import aval_of as typeof
from .core.backend import register_backend as _register_backend
from .core.backend import register_costs as _register_costs
from .core.config import config
from .core.sharding import NamedSharding, Shard
from .core.sharding import PartitionSpec as P
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
from .settings import (
    check_tracer_leaks,
    checking_leaks,
    clear_caches,
    debug_infs,
    debug_key_reuse,
    debug_nans,
    default_device,
    default_matmul_precision,
    disable_jit,
    effects_barrier,
    enable_x64,
    ensure_compile_time_eval,
    live_arrays,
    named_call,
    named_scope,
    numpy_dtype_promotion,
    numpy_rank_promotion,
)
from .sharding import (
    make_array_from_callback,
    make_array_from_process_local_data,
    make_array_from_single_device_arrays,
    make_mesh,
    reshard,
    set_mesh,
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
from .transforms.shard_map import shard_map
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
        *("image", "nn", "ops", "profiler", "random", "scipy", "stages"),
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

"""JAX's option names whose meaning here is another option, a fact, or nothing.

In: a name of jax.config and a value.  Out: an option of ours with its value, or nothing to do.
Every name has one row: `Means` (an option of ours does it), `Always` (one value is how ftx works
and is taken, others are refused, with the reason) or `Unused` (taken with a warning that says why).
Called by `config.Config` only.  Must not know: what the options do.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import ConfigError, FtxWarning


@dataclass(frozen=True)
class Means:
    """`option` of ours takes `value(what was given, its present value)`."""

    option: str
    value: Callable[[Any, Any], Any]
    read: Callable[[Any], Any] = lambda now: now
    """The value under JAX's name, of our option's."""


@dataclass(frozen=True)
class Always:
    """Only `accepted` values, since anything else would need what `reason` denies."""

    accepted: tuple[Any, ...]
    reason: str


@dataclass(frozen=True)
class Unused:
    """Any value, with a warning that nothing here answers to the name."""

    reason: str
    default: Any = None


def _platform(value: Any, now: Any) -> Any:
    if not value:
        return now
    known = {"cpu": "cpu", "cuda": "cuda", "gpu": "cuda", "reference": "reference"}
    names = [name for name in str(value).split(",") if name in known]
    if not names:
        raise ValueError(f"expected cpu, cuda or gpu, got {value!r}")
    return known[names[0]]


def _default_bits(value: Any, now: Any) -> Any:
    found = {"32": None, "64": True}
    if str(value) not in found:
        raise ValueError(f"expected 32 or 64, got {value!r}")
    return found[str(value)]


def _switch(names: frozenset[str] | set[str], off: bool) -> Callable[[Any, Any], Any]:
    """Switch optimisations off where the value is `off`, else on."""
    return lambda value, now: (set(now) | names) if bool(value) is off else (set(now) - names)


_PRECISIONS = (
    None, "default", "high", "highest", "float32", "tensorfloat32", "bfloat16", "bfloat16_3x",
    "BF16_BF16_F32", "BF16_BF16_F32_X3", "BF16_BF16_F32_X6", "TF32_TF32_F32", "TF32_TF32_F32_X3",
    "F32_F32_F32", "ANY_F8_ANY_F8_F32", "F16_F16_F32", "F64_F64_F64",
)  # fmt: skip
_XLA = "ftx has a compiler of its own"
_CACHE = "the kernel cache keeps every kernel, in a folder of bounded size"
_PRINTING = "programs and messages are printed in one way"
_GUARD = Always(("allow", None), "arrays live on the CPU, so there are no transfers to guard")

JAX_OPTIONS: dict[str, Means | Always | Unused] = {
    "jax_platform_name": Means("default_backend", _platform),
    "jax_platforms": Means("default_backend", _platform),
    "jax_default_dtype_bits": Means("enable_x64", _default_bits, lambda now: "64" if now else "32"),
    "jax_compilation_cache_dir": Means("cache_dir", lambda value, now: value or ""),
    "jax_enable_compilation_cache": Means(
        "disable", _switch({"disk_cache"}, False), lambda now: "disk_cache" not in now
    ),
    "jax_log_compiles": Means(
        "debug", lambda value, now: max(now, 1) if value else 0, lambda now: now > 0
    ),
    "jax_explain_cache_misses": Means(
        "debug", lambda value, now: max(now, 1) if value else 0, lambda now: now > 0
    ),
    "jax_dump_ir_to": Means("dump", lambda value, now: value or ""),
    "jax_enable_checks": Means(
        "check", lambda value, now: max(now, 1) if value else 0, lambda now: now > 0
    ),
    "jax_default_matmul_precision": Always(
        _PRECISIONS, "products are computed in the precision of their operands, never in less"
    ),
    "jax_threefry_partitionable": Always(
        (True,), "the bits of an element depend on its index alone, as with True in JAX"
    ),
    "jax_default_prng_impl": Always(("threefry2x32",), "there is one generator, threefry2x32"),
    "jax_enable_custom_prng": Always(
        (False,), "random.PRNGKey makes uint32[2]; random.key makes keys of a dtype of their own"
    ),
    "jax_legacy_prng_key": Always(("allow",), "keys of random.PRNGKey are allowed everywhere"),
    "jax_random_seed_offset": Always((0,), "a seed is used as it is; add the offset to it"),
    "jax_high_dynamic_range_gumbel": Always(
        (False,), "the range of random.gumbel and categorical is given by mode='high'"
    ),
    "jax_default_device": Always((None, "cpu"), "arrays live on the CPU"),
    "jax_transfer_guard": _GUARD,
    "jax_transfer_guard_host_to_device": _GUARD,
    "jax_transfer_guard_device_to_device": _GUARD,
    "jax_transfer_guard_device_to_host": _GUARD,
    "jax_array_garbage_collection_guard": Always(("allow", None), "arrays free their own memory"),
    "jax_explicit_x64_dtypes": Always(
        ("allow", None), "64-bit dtypes are kept unless enable_x64=False says otherwise"
    ),
    "jax_no_tracing": Always((False,), "tracing cannot be forbidden"),
    "jax_no_execution": Always((False,), "execution cannot be forbidden; use eval_shape"),
    "jax_cuda_visible_devices": Always(("all",), "set the variable CUDA_VISIBLE_DEVICES instead"),
    "jax_disable_bwd_checks": Always((False,), "what a bwd rule returns is always checked"),
    "jax_softmax_custom_jvp": Always((True,), "softmax has a derivative rule of its own"),
    "jax_cpu_enable_async_dispatch": Unused("a call returns when its results are ready", False),
    "jax_disable_most_optimizations": Unused(
        "optimisations are left out by name: ftx.config.update('disable', 'fusion,cse')", False
    ),
    "jax_persistent_cache_min_compile_time_secs": Unused(_CACHE, 0),
    "jax_persistent_cache_min_entry_size_bytes": Unused(_CACHE, 0),
    "jax_compilation_cache_max_size": Unused(_CACHE, -1),
    "jax_persistent_cache_enable_xla_caches": Unused(_XLA),
    "jax_raise_persistent_cache_errors": Unused("a damaged entry is compiled again", False),
    "jax_cpu_collectives_implementation": Unused("replicas on the CPU are threads"),
    "jax_use_shardy_partitioner": Unused(_XLA, False),
    "jax_optimization_level": Unused(_XLA),
    "jax_exec_time_optimization_effort": Unused(_XLA, 0.0),
    "jax_memory_fitting_level": Unused(_XLA),
    "jax_memory_fitting_effort": Unused(_XLA, 0.0),
    "jax_compiler_enable_remat_pass": Unused(_XLA, False),
    "jax_allow_f16_reductions": Unused("16-bit sums are accumulated in 32 bits", False),
    "jax_use_direct_linearize": Unused("there is one linearize", True),
    "jax_pprint_use_color": Unused(_PRINTING, False),
    "jax_logging_level": Unused(_PRINTING),
    "jax_debug_log_modules": Unused(_PRINTING, ""),
    "jax_include_full_tracebacks_in_locations": Unused(_PRINTING, False),
    "jax_traceback_in_locations_limit": Unused(_PRINTING, 1),
    "jax_tracer_error_num_traceback_frames": Unused(_PRINTING, 5),
}


def translate(name: str, value: Any, read: Callable[[str], Any]) -> tuple[str, Any] | None:
    """The option of ours and its value that JAX's option `name` stands for; None: nothing to set.

    Args: read: gives the present value of an option of ours.
    Raises: ConfigError for a value that is refused.
    """
    row = JAX_OPTIONS[name]
    if isinstance(row, Means):
        try:
            return row.option, row.value(value, read(row.option))
        except ValueError as error:
            raise ConfigError(f"config: {name}={value!r}: {error}") from None
    if isinstance(row, Unused):
        if value != row.default:
            warnings.warn(FtxWarning(f"config: {name} is of no effect: {row.reason}"), stacklevel=4)
        return None
    if getattr(value, "platform", value) not in row.accepted:
        wanted = " or ".join(map(repr, row.accepted))
        raise ConfigError(f"config: expected {name} = {wanted}, got {value!r}: {row.reason}")
    return None


def value_of(name: str, read: Callable[[str], Any]) -> Any:
    """What JAX's option `name` is, as `translate` would take it."""
    row = JAX_OPTIONS[name]
    if isinstance(row, Means):
        return row.read(read(row.option))
    return row.default if isinstance(row, Unused) else row.accepted[0]

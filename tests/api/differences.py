"""Where the names of ftx differ from JAX's, each with its reason: what docs/api_coverage.md says.

In: nothing.  Out: `SIGNATURES`, by name, and `ABSENT`, patterns of whole names, the first of
which that fits gives the reason.
"""

_BOUND = "takes besides how many iterations reverse mode has to remember"
_SWITCH = "the new value is given by position; JAX's default stands for True, or is refused"

SIGNATURES = {
    "jax.debug_key_reuse": _SWITCH,
    "jax.debug_infs": _SWITCH,
    "jax.debug_nans": _SWITCH,
    "jax.check_tracer_leaks": "the same function as checking_leaks",
    "jax.default_device": _SWITCH,
    "jax.default_matmul_precision": _SWITCH,
    "jax.enable_x64": _SWITCH,
    "jax.numpy_dtype_promotion": _SWITCH,
    "jax.numpy_rank_promotion": _SWITCH,
    "jax.remat": "the same function as checkpoint, static_argnames included",
    "jax.debug.callback": "the function to call is required",
    "jax.debug.print": "the format is required; nothing is written by `logging`",
    "jax.lax.fori_loop": _BOUND,
    "jax.lax.while_loop": _BOUND,
    "jax.lax.random_gamma_grad": "JAX takes its two operands as *args",
    "jax.numpy.array": "further arguments by position, which JAX deprecates, are refused",
    "jax.numpy.einsum": "_dot_general is JAX's own; any other than None is refused",
    "jax.numpy.set_printoptions": "NumPy's function itself, which has names for its arguments",
}

_LATER = "not written yet"
_SHARDED = "arrays of one process are whole; shardings describe (docs/decisions/0018)"
_XLA = "of XLA's compiler or runtime"
_TYPES = "no such narrow type: neither NumPy nor Numba computes with it"

ABSENT = [
    (r"jax\.numpy\.(u?int[124]|float[468]_.*)", _TYPES),
    (r"jax\.(smap|remove_size_one_mesh_axis_from_type|auto_pcast).*", _SHARDED),
    (r"jax\.(lax|debug)\..*sharding.*", _SHARDED),
    (
        r"jax\.(live_arrays|print_environment_info|clear_caches|profiler|ffi|export|monitoring)",
        _XLA,
    ),
    (r"jax\.lax\..*_p", "a primitive of JAX's own; ftx's are in ftx.core.primitives"),
    (r"jax\.random\.key_dtype", "keys are arrays of uint32, not of a dtype of their own"),
    (r"jax\.random\.random_gamma_p", "a primitive of JAX's own"),
    (r"jax\.tree_util\.default_registry", "containers are registered by functions alone"),
    (r"jax\.nn\.(scaled_.*|get_scaled.*)", "8-bit blocks for GPUs; " + _TYPES),
    (r"jax\.scipy\.special\.(wofz|sph_harm_y)", "complex values of real functions"),
    (r".*", _LATER),
]

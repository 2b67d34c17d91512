"""The names that programs written for JAX use most are there, with JAX's signatures."""

import importlib
import inspect

import pytest

import ftx

NAMES = {
    "": (
        "Array ShapeDtypeStruct closure_convert custom_jvp custom_vjp device_count device_get "
        "device_put devices eval_shape grad jacfwd jacrev jit jvp local_device_count "
        "local_devices numpy pmap "
        "process_count process_index value_and_grad vjp vmap "
    ),
    "lax": (
        "ConvDimensionNumbers Precision add all_gather associative_scan axis_index "
        "broadcast_in_dim broadcast_shapes broadcasted_iota clamp complex cond "
        "conv_general_dilated conv_general_dilated_patches conv_transpose convert_element_type "
        "custom_linear_solve custom_root "
        "dot_general dynamic_index_in_dim dynamic_slice dynamic_slice_in_dim "
        "dynamic_update_index_in_dim dynamic_update_slice dynamic_update_slice_in_dim fori_loop "
        "iota map max min platform_dependent pmax pmean psum reduce_window rsqrt scan select "
        "square stop_gradient switch top_k while_loop "
    ),
    "tree": (
        "all flatten flatten_with_path leaves leaves_with_path map map_with_path reduce structure "
        "transpose unflatten "
    ),
    "tree_util": (
        "DictKey FlattenedIndexKey GetAttrKey Partial PyTreeDef SequenceKey keystr "
        "register_dataclass register_pytree_node register_pytree_node_class "
        "register_pytree_with_keys register_pytree_with_keys_class treedef_is_leaf "
    ),
    "numpy": (
        "abs absolute add all allclose amax any append arange arccos arctan arctan2 arctanh "
        "argmax argmin argsort argwhere array array_equal array_split asarray astype atleast_1d "
        "atleast_2d average bfloat16 bincount bitwise_and block bool bool_ broadcast_arrays "
        "broadcast_shapes broadcast_to ceil clip column_stack complex64 complexfloating "
        "concatenate conj conjugate convolve copy cos cosh count_nonzero cross cumprod cumsum "
        "diag diag_indices diagonal diff divide dot dstack dtype e einsum empty empty_like equal "
        "exp expand_dims expm1 eye finfo flip float16 float32 float64 floating floor full "
        "full_like greater greater_equal hstack identity iinfo imag inexact inf inner int16 int32 "
        "int64 int8 integer invert isclose iscomplexobj isfinite isin isinf isnan isscalar "
        "issubdtype kron less less_equal linspace load log log1p log2 logaddexp logical_and "
        "logical_not logical_or logspace matmul max maximum mean median meshgrid min minimum mod "
        "moveaxis multiply nan nan_to_num nanmax nanmean nanmin ndim negative newaxis not_equal "
        "ones ones_like outer pad pi power prod promote_types quantile ravel real reciprocal "
        "repeat reshape result_type rint roll round searchsorted shape sign sin sinh size sort "
        "split sqrt square squeeze stack std subtract sum swapaxes take take_along_axis tanh "
        "tensordot tile trace transpose tril tril_indices triu uint16 uint32 uint8 unique "
        "unravel_index var vdot vectorize vstack where zeros zeros_like "
    ),
    "numpy.linalg": ("cholesky det eigh eigvalsh inv lstsq norm qr slogdet solve svd "),
    "numpy.fft": ("fftn irfft rfft "),
    "random": (
        "PRNGKey bernoulli beta categorical cauchy choice dirichlet fold_in gamma gumbel key "
        "key_data laplace multivariate_normal normal permutation rademacher randint split "
        "truncated_normal uniform "
    ),
    "scipy.special": ("betainc erf "),
    "scipy.linalg": (
        "block_diag cho_factor cho_solve cholesky lu_factor lu_solve solve solve_triangular svd "
    ),
    "custom_batching": ("custom_vmap sequential_vmap "),
    "custom_derivatives": (
        "CustomVJPPrimal SymbolicZero closure_convert custom_gradient custom_jvp custom_vjp "
        "custom_vjp_primal_tree_values zero_from_primal "
    ),
    "dlpack": ("from_dlpack is_supported_dtype "),
    "experimental.ode": ("odeint "),
    "image": ("ResizeMethod resize scale_and_translate "),
    "lax.linalg": (
        "EigImplementation EighImplementation SvdAlgorithm cholesky eig eigh hessenberg "
        "householder_product lu lu_pivots_to_permutation ormqr qr schur svd symmetric_product "
        "triangular_solve tridiagonal_solve "
    ),
    "ops": ("segment_max segment_min segment_prod segment_sum "),
    "profiler": (
        "StepTraceAnnotation TraceAnnotation annotate_function start_trace stop_trace trace "
    ),
    "scipy.fft": ("dct dctn idct idctn "),
    "scipy.integrate": ("trapezoid "),
    "scipy.ndimage": ("map_coordinates "),
    "scipy.optimize": ("OptimizeResults minimize "),
    "scipy.signal": (
        "convolve convolve2d correlate correlate2d csd detrend fftconvolve istft stft welch "
    ),
    "scipy.sparse.linalg": ("bicgstab cg gmres "),
    "scipy.stats": ("gaussian_kde mode rankdata sem "),
    "nn.initializers": ("Initializer "),
    "dtypes": (
        "TypePromotionError bfloat16 canonicalize_dtype extended finfo float0 iinfo "
        "itemsize_bits prng_key result_type scalar_type_of "
    ),
    "flatten_util": ("ravel_pytree "),
    "stages": ("ArgInfo Compiled Lowered Traced Wrapped "),
    "test_util": ("check_grads check_jvp check_vjp "),
    "nn": (
        "dot_product_attention gelu log1mexp log_softmax logsumexp one_hot relu sigmoid "
        "softmax softplus "
    ),
}
UNSHARED = {
    *("device", "out_sharding", "sharding", "axis_index_groups", "allow_negative_indices", "to"),
    *("accuracy", "dtype", "where", "out", "args", "max_iterations", "checkpoint_every"),
}
"""Parameters that only one of the two has, or that stand elsewhere."""


def module(name):
    return importlib.import_module(f"ftx.{name}") if name else ftx


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name):
    missing = [n for n in NAMES[name].split() if not hasattr(module(name), n)]
    assert not missing


@pytest.mark.parametrize("name", NAMES)
def test_public_functions_say_what_they_do(name):
    found = [getattr(module(name), n) for n in NAMES[name].split()]
    assert not [f for f in found if inspect.isfunction(f) and not f.__doc__]


# Compiling and mapping take other options than XLA's.
OWN = {"jit", "vmap", "pmap", "cond", "switch", "reduce"}


def parameters(f):
    try:
        given = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return None
    return [p for p in given if p.name not in UNSHARED and not p.name.startswith("_")]


@pytest.mark.peers
@pytest.mark.parametrize("name", NAMES)
def test_signatures_equal_jax(name):
    pytest.importorskip("jax")
    theirs = importlib.import_module(f"jax.{name}" if name else "jax")
    different = {}
    for n in NAMES[name].split():
        ours, wanted = parameters(getattr(module(name), n)), parameters(getattr(theirs, n))
        if n in OWN or not inspect.isfunction(getattr(module(name), n)) or wanted is None:
            continue
        if len(ours) == len(wanted) and all(p.kind == p.POSITIONAL_ONLY for p in ours):
            continue
        if [p.name for p in wanted] in (["x"], ["x", "y"]) or not wanted:
            continue
        plain = lambda v: getattr(v, "name", v)  # members of enums by name
        ours, wanted = ([(p.name, p.kind, plain(p.default)) for p in ps] for ps in (ours, wanted))
        if ours != wanted:
            different[n] = ours, wanted
    assert not different


def test_imports_in_the_style_of_jax():
    scope = {}
    exec("from ftx import numpy as jnp, lax, random, nn, tree, grad, jit, vmap", scope)
    assert scope["jnp"].sin is ftx.numpy.sin and scope["nn"].relu is ftx.nn.relu
    assert ftx.__version__ and ftx.scipy.special.erf and ftx.flatten_util.ravel_pytree
    with pytest.raises(AttributeError, match="no attribute 'wat'"):
        ftx.wat  # noqa: B018


def test_devices_and_configuration():
    with ftx.config.override(num_cpu_devices=3):
        assert [d.id for d in ftx.devices()] == [0, 1, 2] == [d.id for d in ftx.local_devices()]
        assert ftx.device_count() == ftx.local_device_count() == 3
    assert (
        ftx.devices()[0].platform == "cpu" and ftx.process_count() == 1 and ftx.process_index() == 0
    )
    x = ftx.device_put({"a": 1.0, "b": [2, 3]})
    assert isinstance(x["a"], ftx.Array) and type(ftx.device_get(x)["b"][0]).__module__ == "numpy"
    assert ftx.device_put_replicated(1.0, ftx.devices()[:1]).shape == (1,)
    assert ftx.block_until_ready(x)["a"] == 1
    assert ftx.compile_stats().compiled >= 0
    with pytest.raises(ftx.errors.BackendError):
        ftx.devices("tpu")
    with ftx.ensure_compile_time_eval():
        assert ftx.numpy.add(1, 2) == 3


def test_trees():
    tree = {"b": 2.0, "a": [1.0, None]}
    vector, back = ftx.flatten_util.ravel_pytree(tree)
    assert vector.tolist() == [1, 2] and ftx.tree.structure(back(vector)) == ftx.tree.structure(
        tree
    )
    assert ftx.tree.reduce_associative(lambda a, b: a + b, tree) == 3
    part = ftx.tree_util.Partial(lambda x, y: x + y, 1.0)
    assert ftx.jit(lambda f: f(2.0))(part) == 3
    assert ftx.tree_util.treedef_is_leaf(ftx.tree.structure(1)) and ftx.tree_util.all_leaves([1, 2])

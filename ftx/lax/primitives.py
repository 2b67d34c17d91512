"""The primitives that ftx and JAX both have, under the names of jax.lax: `add_p` and the like.

In: nothing.  Out: ftx's primitive instances, for rules and for looking through programs.
Each computes what JAX's of that name computes; parameters are ftx's own (docs/primitives.md).
Must not know: how to apply them.
"""

# ruff: noqa: F401  names are exported

from ..core.primitives.bits import (
    bitcast_convert_type_p,
    reduce_precision_p,
)
from ..core.primitives.collective import (
    all_gather_p,
    all_to_all_p,
    axis_index_p,
    pmax_p,
    pmin_p,
    ppermute_p,
    psum_p,
)
from ..core.primitives.conv import (
    conv_general_dilated_p,
)
from ..core.primitives.dot import (
    dot_general_p,
)
from ..core.primitives.effects import (
    optimization_barrier_p,
    stop_gradient_p,
)
from ..core.primitives.elementwise import (
    abs_p,
    add_p,
    and_p,
    ceil_p,
    clz_p,
    div_p,
    eq_p,
    floor_p,
    ge_p,
    gt_p,
    integer_pow_p,
    is_finite_p,
    le_p,
    lt_p,
    max_p,
    min_p,
    mul_p,
    ne_p,
    neg_p,
    nextafter_p,
    not_p,
    or_p,
    population_count_p,
    rem_p,
    round_p,
    shift_left_p,
    shift_right_arithmetic_p,
    shift_right_logical_p,
    sign_p,
    square_p,
    sub_p,
    xor_p,
)
from ..core.primitives.fft import (
    fft_p,
)
from ..core.primitives.indexing import (
    dynamic_slice_p,
    dynamic_update_slice_p,
    gather_p,
    scatter_add_p,
    scatter_max_p,
    scatter_min_p,
    scatter_mul_p,
    scatter_p,
)
from ..core.primitives.reduction import (
    argmax_p,
    argmin_p,
    cummax_p,
    cummin_p,
    cumprod_p,
    cumsum_p,
    reduce_and_p,
    reduce_max_p,
    reduce_min_p,
    reduce_or_p,
    reduce_prod_p,
    reduce_sum_p,
)
from ..core.primitives.selection import (
    clamp_p,
    complex_p,
    conj_p,
    convert_element_type_p,
    imag_p,
    real_p,
    select_n_p,
)
from ..core.primitives.shape import (
    broadcast_in_dim_p,
    concatenate_p,
    copy_p,
    iota_p,
    pad_p,
    reshape_p,
    rev_p,
    slice_p,
    transpose_p,
)
from ..core.primitives.sorting import (
    sort_p,
    top_k_p,
)
from ..core.primitives.transcendental import (
    acos_p,
    acosh_p,
    asin_p,
    asinh_p,
    atan2_p,
    atan_p,
    atanh_p,
    cbrt_p,
    cos_p,
    cosh_p,
    digamma_p,
    erf_inv_p,
    erf_p,
    erfc_p,
    exp2_p,
    exp_p,
    expm1_p,
    lgamma_p,
    log1p_p,
    log_p,
    logistic_p,
    polygamma_p,
    pow_p,
    rsqrt_p,
    sin_p,
    sinh_p,
    sqrt_p,
    tan_p,
    tanh_p,
)
from ..core.primitives.window import (
    reduce_window_max_p,
    reduce_window_min_p,
    reduce_window_sum_p,
)
from ..transforms.cond import (
    cond_p,
)
from ..transforms.scan import (
    scan_p,
)
from ..transforms.solves import (
    linear_solve_p,
)
from ..transforms.while_loop import (
    while_p,
)

__all__ = [name for name in dir() if name.endswith("_p")]

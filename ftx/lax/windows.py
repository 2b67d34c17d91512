"""Convolutions, window folds, general folds and scans of jax.lax.

In: arrays, and functions where jax.lax takes them.  Out: arrays.
'SAME' and 'VALID', dimension_numbers and the recognition of known folds end here.
Must not know: how a convolution is computed.
"""

import math
import operator as op
from typing import Any, NamedTuple

import numpy as np

from ..core import dtypes, tree
from ..core.array import Array, Value
from ..core.errors import ArgumentError, ShapeError, UnsupportedError
from ..core.primitives import conv as convolution
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.primitives import window
from ..core.tracebacks import api_boundary
from ..numpy import elementwise as U
from ..numpy import shapes
from ..numpy.linear_algebra import einsum
from ..numpy.precision import check_precision
from ..numpy.promotion import as_type, asarray, axis_index, unsupported
from ..transforms.jit import make_jaxpr
from ..transforms.vmap import vmap

__all__ = [
    *("ConvDimensionNumbers", "associative_scan", "conv", "conv_dimension_numbers"),
    "conv_general_dilated_local",
    *("conv_general_dilated", "conv_general_dilated_patches", "conv_general_permutations"),
    *("conv_transpose", "conv_with_general_padding", "padtype_to_pads", "reduce", "reduce_window"),
    "reduce_window_shape_tuple",
]


class ConvDimensionNumbers(NamedTuple):
    """Axes of batch, channels, space in image and result; of out, in, space in the kernel.

    >>> ConvDimensionNumbers((0, 1, 2), (0, 1, 2), (0, 2, 1)).out_spec
    (0, 2, 1)
    """

    lhs_spec: Any
    rhs_spec: Any
    out_spec: Any


def conv_general_permutations(dimension_numbers):
    """Axis orders (image, kernel, result) of layouts such as ('NHWC', 'HWIO', 'NHWC').

    >>> conv_general_permutations(("NC", "IO", "NC"))
    [(0, 1), (1, 0), (0, 1)]
    """
    lhs, rhs, out = dimension_numbers
    for text, pair in ((lhs, "NC"), (rhs, "OI"), (out, "NC")):
        if any(text.count(c) != 1 for c in pair) or len(set(text)) != len(text):
            raise ShapeError(
                f"conv: expected each letter of {pair} once and no letter twice, got {text!r}"
            )
    space = [c for c in rhs if c not in "OI"]
    if sorted(space) != sorted(set(lhs) - set("NC")) or set(lhs) != set(out):
        raise ShapeError(f"conv: expected one set of spatial letters, got {dimension_numbers}")
    order = lambda text, pair: tuple(text.index(c) for c in (*pair, *space))
    return [order(lhs, "NC"), order(rhs, "OI"), order(out, "NC")]


def conv_dimension_numbers(lhs_shape, rhs_shape, dimension_numbers):
    """Layouts as `ConvDimensionNumbers`; None is batch, channels, space.

    >>> conv_dimension_numbers((1, 1), (1, 1), None).lhs_spec
    (0, 1)
    """
    if len(lhs_shape) != len(rhs_shape):
        raise ShapeError(f"conv: expected equally many axes, got {lhs_shape} and {rhs_shape}")
    if isinstance(dimension_numbers, ConvDimensionNumbers):
        return dimension_numbers
    if dimension_numbers is None:
        return ConvDimensionNumbers(*[tuple(range(len(lhs_shape)))] * 3)
    if len(dimension_numbers) != 3 or any(len(d) != len(lhs_shape) for d in dimension_numbers):
        raise ShapeError(
            f"conv: expected three layouts of {len(lhs_shape)} letters, got {dimension_numbers}"
        )
    return ConvDimensionNumbers(*conv_general_permutations(dimension_numbers))


_SPACE = "abcdefghijklmnop"


def _spec(numbers):
    """The primitive's spec: N, C, I, O and small letters for space."""

    def layout(axes, pair):
        text = [""] * len(axes)
        for axis, letter in zip(axes, (*pair, *_SPACE), strict=False):
            text[axis] = letter
        return "".join(text)

    lhs, rhs, out = numbers
    return f"{layout(lhs, 'NC')},{layout(rhs, 'OI')}->{layout(out, 'NC')}"


def padtype_to_pads(in_shape, window_shape, window_strides, padding):
    """'SAME', 'SAME_LOWER' or 'VALID' as (low, high) for each axis.

    >>> padtype_to_pads((5,), (3,), (1,), "SAME")
    [(1, 1)]
    """
    text = str(getattr(padding, "name", padding)).upper()
    if text == "VALID":
        return [(0, 0)] * len(in_shape)
    if text not in ("SAME", "SAME_LOWER"):
        raise ArgumentError(f"padding: expected SAME, SAME_LOWER, VALID or pairs, got {padding!r}")
    pads = []
    for n, w, s in zip(in_shape, window_shape, window_strides, strict=True):
        total = max(0, (-(-n // s) - 1) * s + w - n) if n else 0
        low = total - total // 2 if text == "SAME_LOWER" else total // 2
        pads.append((low, total - low))
    return pads


def _in_rhs_order(numbers, values):
    """Values per axis in jax's order (as in lhs_spec) in the order of the kernel's axes."""
    space = sorted(range(len(values)), key=lambda i: numbers.rhs_spec[2 + i])
    return tuple(values[i] for i in space)


def conv_general_dilated(
    lhs, rhs, window_strides, padding, lhs_dilation=None, rhs_dilation=None,
    dimension_numbers=None, feature_group_count=1, batch_group_count=1, precision=None,
    preferred_element_type=None, out_sharding=None,
):  # fmt: skip
    """Convolution (a cross-correlation) with strides, padding, dilations, layouts and groups.

    Args:
      lhs: image, batch, channels and space in the order of dimension_numbers[0].
      rhs: kernel, out, in and space in the order of dimension_numbers[1].
      padding: 'SAME', 'SAME_LOWER', 'VALID' or (low, high) for each spatial axis.
      dimension_numbers: e.g. ('NHWC', 'HWIO', 'NHWC'); None is batch, channels, space.

    >>> x = asarray([[[1.0, 2.0, 3.0]]])
    >>> conv_general_dilated(x, asarray([[[1.0, 1.0]]]), (1,), "VALID").tolist()
    [[[3.0, 5.0]]]
    """
    check_precision("conv_general_dilated", precision)
    unsupported("conv_general_dilated", out_sharding=out_sharding)
    x, y = asarray(lhs), asarray(rhs)
    if preferred_element_type is not None:
        wanted = dtypes.canonical(preferred_element_type)
        x, y = C.convert(x, wanted), C.convert(y, wanted)
    numbers = conv_dimension_numbers(x.shape, y.shape, dimension_numbers)
    n = x.ndim - 2
    strides = tuple(map(op.index, window_strides))
    inner = tuple(lhs_dilation or (1,) * n)
    outer = tuple(rhs_dilation or (1,) * n)
    if len(strides) != n or len(inner) != n or len(outer) != n:
        raise ShapeError(f"conv_general_dilated: expected {n} strides and dilations, got {strides}")
    if isinstance(padding, str) or hasattr(padding, "name"):
        image = [_dilated(x.shape[a], d) for a, d in zip(numbers.lhs_spec[2:], inner, strict=True)]
        kernel = [_dilated(y.shape[a], d) for a, d in zip(numbers.rhs_spec[2:], outer, strict=True)]
        padding = padtype_to_pads(image, kernel, strides, padding)
    pads = [(op.index(a), op.index(b)) for a, b in padding]
    order = lambda v: _in_rhs_order(numbers, v)
    return convolution.conv_general_dilated(
        x, y, order(strides), order(pads), order(inner), order(outer), _spec(numbers),
        op.index(feature_group_count), op.index(batch_group_count),
    )  # fmt: skip


def _dilated(n, d):
    return 0 if n == 0 else 1 + d * (n - 1)


def conv(lhs, rhs, window_strides, padding, precision=None, preferred_element_type=None):
    """`conv_general_dilated` without dilations; axes are batch, channels, space.

    >>> conv(asarray([[[1.0, 2.0]]]), asarray([[[2.0]]]), (1,), "SAME").tolist()
    [[[2.0, 4.0]]]
    """
    return conv_general_dilated(
        lhs, rhs, window_strides, padding, precision=precision,
        preferred_element_type=preferred_element_type,
    )  # fmt: skip


def conv_with_general_padding(
    lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation, precision=None,
    preferred_element_type=None,
):  # fmt: skip
    """`conv_general_dilated`; axes are batch, channels, space.

    >>> x = asarray([[[1.0, 2.0]]])
    >>> conv_with_general_padding(x, asarray([[[2.0]]]), (1,), "SAME", (1,), (1,)).shape
    (1, 1, 2)
    """
    return conv_general_dilated(
        lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation, precision=precision,
        preferred_element_type=preferred_element_type,
    )  # fmt: skip


_LAYOUTS = {
    2: ("NC", "IO", "NC"),
    3: ("NHC", "HIO", "NHC"),
    4: ("NHWC", "HWIO", "NHWC"),
    5: ("NHWDC", "HWDIO", "NHWDC"),
}


def _transpose_pads(k, stride, padding):
    if padding == "SAME":
        total = k + stride - 2
        low = k - 1 if stride > k - 1 else -(-total // 2)
    elif padding == "VALID":
        total, low = k + stride - 2 + max(k - stride, 0), k - 1
    else:
        low, total = k - padding[0] - 1, 2 * k - sum(padding) - 2
    return low, total - low


def conv_transpose(
    lhs, rhs, strides, padding, rhs_dilation=None, dimension_numbers=None,
    transpose_kernel=False, precision=None, preferred_element_type=None,
    use_consistent_padding=False,
):  # fmt: skip
    """Transposed convolution: strides spread the image out.

    Args:
      padding: 'SAME' or 'VALID' of the forward convolution, or (low, high) for each axis.
      transpose_kernel: reverse the kernel in space and exchange its channels.

    >>> conv_transpose(asarray([[[1.0], [2.0]]]), asarray([[[3.0]]]), (2,), "VALID").shape
    (1, 4, 1)
    """
    x, y = asarray(lhs), asarray(rhs)
    layouts = _LAYOUTS.get(x.ndim) if dimension_numbers is None else dimension_numbers
    numbers = conv_dimension_numbers(x.shape, y.shape, layouts)
    dilation = tuple(rhs_dilation or (1,) * (x.ndim - 2))
    pads = padding
    if use_consistent_padding or isinstance(padding, str):
        each = [padding] * len(strides) if isinstance(padding, str) else padding
        sizes = [
            _dilated(y.shape[a], d) for a, d in zip(numbers.rhs_spec[2:], dilation, strict=True)
        ]
        pads = [_transpose_pads(k, s, p) for k, s, p in zip(sizes, strides, each, strict=True)]
    if transpose_kernel:
        y = S.rev(y, tuple(numbers.rhs_spec[2:]))
        y = shapes.swapaxes(y, numbers.rhs_spec[0], numbers.rhs_spec[1])
    return conv_general_dilated(
        x, y, (1,) * (x.ndim - 2), pads, strides, dilation, numbers, precision=precision,
        preferred_element_type=preferred_element_type,
    )  # fmt: skip


def conv_general_dilated_patches(
    lhs, filter_shape, window_strides, padding, lhs_dilation=None, rhs_dilation=None,
    dimension_numbers=None, precision=None, preferred_element_type=None,
):  # fmt: skip
    """The windows a convolution would see, on the axis of channels (channel slowest, then window).

    >>> conv_general_dilated_patches(asarray([[[1.0, 2.0, 3.0]]]), (2,), (1,), "VALID").tolist()
    [[[1.0, 2.0], [2.0, 3.0]]]
    """
    x = asarray(lhs)
    window_shape = tuple(map(op.index, filter_shape))
    numbers = conv_dimension_numbers(x.shape, (1, 1, *window_shape), dimension_numbers)
    channels, size = x.shape[numbers.lhs_spec[1]], math.prod(window_shape)
    eye = np.eye(size, dtype=np.float32).astype(x.dtype).reshape((size, 1, *window_shape))
    kernel = np.tile(eye, (channels,) + (1,) * (eye.ndim - 1))
    kernel = kernel.transpose(np.argsort(numbers.rhs_spec))
    return conv_general_dilated(
        x, Array(np.ascontiguousarray(kernel)), window_strides, padding, lhs_dilation,
        rhs_dilation, numbers, channels, 1, precision, preferred_element_type,
    )  # fmt: skip


def conv_general_dilated_local(
    lhs, rhs, window_strides, padding, filter_shape, lhs_dilation=None, rhs_dilation=None,
    dimension_numbers=None, precision=None,
):  # fmt: skip
    """A convolution with a kernel of its own at every place of the result.

    Args:
      lhs: image, as for `conv_general_dilated`.
      rhs: kernels: along 'I' channels times the elements of a window (channel slowest), along
        space the places of the result.
      filter_shape: the window's sizes; the other arguments are those of `conv_general_dilated`.
    Returns: number in the layout of dimension_numbers[2].
    Raises: ShapeError for kernels that do not fit.

    >>> x, k = asarray([[[1.0, 2.0, 3.0]]]), asarray([[[1.0, 5.0], [1.0, 5.0]]])
    >>> conv_general_dilated_local(x, k, (1,), "VALID", (2,)).tolist()
    [[[3.0, 25.0]]]
    """
    x, y = asarray(lhs), asarray(rhs)
    numbers = conv_dimension_numbers(x.shape, y.shape, dimension_numbers)
    windows = conv_general_dilated_patches(
        x, filter_shape, window_strides, padding, lhs_dilation, rhs_dilation, numbers, precision
    )
    at = lambda v, axes: [v.shape[a] for a in axes[1:]]
    if at(windows, numbers.out_spec) != at(y, numbers.rhs_spec):
        raise ShapeError(
            f"conv_general_dilated_local: expected kernels with {windows.shape} elements along "
            f"{numbers.out_spec[1:]} as their axes {numbers.rhs_spec[1:]}, got {y.aval}"
        )
    space = _SPACE[: x.ndim - 2]

    def labels(axes, pair):
        named = dict(zip(axes, (*pair, *space), strict=True))
        return "".join(named[a] for a in range(x.ndim))

    out = numbers.out_spec
    spec = f"{labels(out, 'NC')},{labels(numbers.rhs_spec, 'OC')}->{labels(out, 'NO')}"
    return einsum(spec, windows, y, precision=precision)


_FOLDS = {"add": "add", "mul": "mul", "max": "max", "min": "min", "and": "and", "or": "or"}
_REDUCE = {
    "add": R.reduce_sum, "mul": R.reduce_prod, "max": R.reduce_max, "min": R.reduce_min,
    "and": R.reduce_and, "or": R.reduce_or,
}  # fmt: skip
_JOIN = {
    "add": U.add, "mul": U.multiply, "max": U.maximum, "min": U.minimum,
    "and": U.bitwise_and, "or": U.bitwise_or,
}  # fmt: skip


def known_fold(computation, dtype):
    """'add', 'mul', 'max', 'min', 'and' or 'or' if `computation` is one of those, else None."""
    one = Array(np.zeros((), dtype))
    jaxpr = make_jaxpr(computation)(one, one)
    if len(jaxpr.eqns) != 1 or len(jaxpr.outvars) != 1:
        return None
    (eqn,) = jaxpr.eqns
    whole = set(eqn.invars) == set(jaxpr.arg_vars) and jaxpr.outvars[0] is eqn.outvars[0]
    return _FOLDS.get(eqn.primitive.name) if whole else None


def reduce(operands, init_values, computation, dimensions, out_sharding=None):
    """Fold an array, or a tree of arrays, over axes with an associative function.

    Args:
      computation: (x, y) -> one value, associative and commutative; trees as `operands`.

    >>> reduce(asarray([1, 2, 3]), 0, lambda x, y: x + y, (0,)).tolist()
    6
    """
    unsupported("reduce", out_sharding=out_sharding)
    leaves, treedef = tree.flatten(operands)
    xs = [asarray(x) for x in leaves]
    inits = [
        as_type("reduce", i, x.dtype) for i, x in zip(tree.leaves(init_values), xs, strict=True)
    ]
    axes = tuple(sorted(axis_index("reduce", d, xs[0].ndim) for d in dimensions))
    if len(xs) == 1:
        name = known_fold(computation, xs[0].dtype)
        if name is not None:
            folded = _REDUCE[name](xs[0], axes)
            return tree.unflatten(treedef, [_JOIN[name](folded, inits[0])])
    return tree.unflatten(treedef, _fold(xs, inits, computation, treedef, axes))


def _fold(xs, inits, computation, treedef, axes):
    """By halves: pad to a power of two with the initial values, then combine pairs."""
    kept = R.kept_axes(xs[0].ndim, axes)
    n = math.prod(xs[0].shape[a] for a in axes)
    rest = tuple(xs[0].shape[a] for a in kept)
    rows = [S.reshape(S.transpose(x, (*axes, *kept)), (n, *rest)) for x in xs]
    size = 1 << max(n - 1, 0).bit_length()
    config = [(0, size - n, 0)] + [(0, 0, 0)] * len(rest)
    rows = [S.pad(r, i, config) for r, i in zip(rows, inits, strict=True)]

    def combine(left, right):
        joined = computation(tree.unflatten(treedef, left), tree.unflatten(treedef, right))
        return [asarray(v) for v in tree.leaves(joined)]

    each = combine
    for _ in range(1 + len(rest)):
        each = vmap(each)
    while size > 1:
        size //= 2
        halves = [(S.slice_axis(r, 0, 0, size), S.slice_axis(r, 0, size, 2 * size)) for r in rows]
        rows = each([h[0] for h in halves], [h[1] for h in halves])
    rows = [S.reshape(r, rest) for r in rows]
    spread = [S.broadcast_in_dim(i, rest, ()) for i in inits]
    whole = combine
    for _ in rest:
        whole = vmap(whole)
    return whole(spread, rows)


def _window_options(x, dimensions, strides, padding, base, dilation):
    size = tuple(map(op.index, dimensions))
    if len(size) != x.ndim:
        raise ShapeError(f"reduce_window: expected {x.ndim} window sizes for {x.aval}, got {size}")
    step = tuple(strides) if strides is not None else (1,) * x.ndim
    base = tuple(base) if base is not None else (1,) * x.ndim
    dilation = tuple(dilation) if dilation is not None else (1,) * x.ndim
    if isinstance(padding, str) or hasattr(padding, "name"):
        image = [_dilated(n, d) for n, d in zip(x.shape, base, strict=True)]
        spread = [_dilated(n, d) for n, d in zip(size, dilation, strict=True)]
        padding = padtype_to_pads(image, spread, step, padding)
    return size, step, tuple((int(a), int(b)) for a, b in padding), base, dilation


def reduce_window(
    operand, init_value, computation, window_dimensions, window_strides=None, padding="VALID",
    base_dilation=None, window_dilation=None,
):  # fmt: skip
    """Fold every window of an array with add, mul, max or min.

    Args:
      computation: e.g. lax.add or lax.max; others are not supported.
      window_dimensions, window_strides: one for each axis.
      padding: 'SAME', 'VALID' or (low, high) for each axis.

    >>> reduce_window(asarray([1.0, 3.0, 2.0]), 0.0, lambda x, y: x + y, (2,)).tolist()
    [4.0, 5.0]
    """
    x = asarray(operand)
    if isinstance(operand, (tuple, list)) and isinstance(operand[0], Value):
        raise UnsupportedError(
            f"reduce_window: expected one operand, got {len(operand)}; reduce them one by one"
        )
    name = known_fold(computation, x.dtype)
    if name in ("and", "or") and x.dtype == dtypes.bool_:
        name = {"and": "min", "or": "max"}[name]
    if name not in ("add", "mul", "max", "min"):
        raise UnsupportedError(
            "reduce_window: expected lax.add, mul, max or min as computation, got "
            f"{computation}; extract the windows with conv_general_dilated_patches"
        )
    size, step, pads, base, dilation = _window_options(
        x, window_dimensions, window_strides, padding, base_dilation, window_dilation
    )
    if not isinstance(init_value, Value):
        init_value = Array(np.asarray(init_value).astype(x.dtype))
    return window.reduce_window(x, init_value, name, size, step, pads, base, dilation)


def reduce_window_shape_tuple(
    operand_shape, window_dimensions, window_strides, padding, base_dilation=None,
    window_dilation=None,
):  # fmt: skip
    """Shape of the result of `reduce_window`.

    >>> reduce_window_shape_tuple((5,), (2,), (1,), [(0, 0)])
    (4,)
    """
    ones = (1,) * len(operand_shape)
    sizes = zip(
        operand_shape, window_dimensions, window_strides, padding, base_dilation or ones,
        window_dilation or ones, strict=True,
    )  # fmt: skip
    return tuple(
        max(0, (_dilated(n, b) + sum(p) - _dilated(w, d)) // s + 1) for n, w, s, p, b, d in sizes
    )


@api_boundary
def associative_scan(fn, elems, reverse=False, axis=0):
    """Running fold with an associative function, in a logarithmic number of steps.

    Args:
      fn: (a, b) -> combination of trees of arrays [n, ...] whose rows are combined one by one.
      elems: tree of arrays of equal size along `axis`.

    >>> associative_scan(lambda a, b: a + b, asarray([1, 2, 3])).tolist()
    [1, 3, 6]
    """
    leaves, treedef = tree.flatten(elems)
    xs = [asarray(x) for x in leaves]
    at = [axis_index("associative_scan", axis, x.ndim) for x in xs]
    if len({x.shape[a] for x, a in zip(xs, at, strict=True)}) != 1:
        raise ShapeError(
            f"associative_scan: expected one size along axis {axis}, got "
            f"{', '.join(str(x.aval) for x in xs)}"
        )
    turn = lambda vs: [S.rev(v, (a,)) for v, a in zip(vs, at, strict=True)] if reverse else vs

    def combine(left, right):
        joined = fn(tree.unflatten(treedef, left), tree.unflatten(treedef, right))
        return [asarray(v) for v in tree.leaves(joined)]

    return tree.unflatten(treedef, turn(_scan_halves(combine, turn(xs), at)))


def _part(xs, at, start, stop, step=1):
    return [S.slice_axis(x, a, start, max(start, stop), step) for x, a in zip(xs, at, strict=True)]


def _scan_halves(combine, xs, at):
    """Scan pairs, then fill in between: Blelloch's scan without a down sweep."""
    n = xs[0].shape[at[0]]
    if n < 2:
        return xs
    pairs = combine(_part(xs, at, 0, n - 1, 2), _part(xs, at, 1, n, 2))
    odd = _scan_halves(combine, pairs, at)
    m = odd[0].shape[at[0]]
    before = odd if n % 2 else _part(odd, at, 0, m - 1)
    if before[0].shape[at[0]]:
        even = combine(before, _part(xs, at, 2, n, 2))
        even = [
            S.concatenate([h, e], a) for h, e, a in zip(_part(xs, at, 0, 1), even, at, strict=True)
        ]
    else:
        even = _part(xs, at, 0, 1)
    return [_interleaved(e, o, a) for e, o, a in zip(even, odd, at, strict=True)]


def _interleaved(even, odd, axis):
    """even[0], odd[0], even[1], … along `axis`; `even` has as many or one more."""
    n, m = even.shape[axis], odd.shape[axis]
    none = [(0, 0, 0)] * even.ndim
    config = [*none]
    config[axis] = (0, n - m, 0)
    wide = S.pad(odd, S.full((), 0, odd.dtype), config)
    pair = S.concatenate(
        [S.expand_dims(even, (axis + 1,)), S.expand_dims(wide, (axis + 1,))], axis + 1
    )
    merged = S.reshape(pair, (*even.shape[:axis], 2 * n, *even.shape[axis + 1 :]))
    return S.slice_axis(merged, axis, 0, n + m)

"""Random starting values of weights, with the names, arguments and numbers of jax.nn.

Each name but `zeros` and `ones` makes an initialiser: a function `init(key, shape, dtype)`.
Same key, same shape: the same numbers as JAX. dtype None means the default float dtype.
Weights are laid out with inputs on axis −2 and outputs on axis −1, everything before being
the receptive field of a convolution.
"""

import math
from typing import Any, Protocol, runtime_checkable

from .. import numpy as fnp
from .. import random
from ..core.errors import ArgumentError, DTypeError, InputShapeError

__all__ = [
    *(
        "Initializer",
        "constant",
        "delta_orthogonal",
        "glorot_normal",
        "glorot_uniform",
        "he_normal",
    ),
    *("he_uniform", "kaiming_normal", "kaiming_uniform", "lecun_normal", "lecun_uniform"),
    *("normal", "ones", "orthogonal", "truncated_normal", "uniform", "variance_scaling"),
    *("xavier_normal", "xavier_uniform", "zeros"),
]


@runtime_checkable
class Initializer(Protocol):
    """What an initialiser is: a function of a key, a shape and a dtype that returns an array.

    >>> isinstance(zeros, Initializer)
    True
    """

    def __call__(self, key: Any, shape: Any, dtype: Any = ...) -> Any:
        """The array."""


# Standard deviation of a standard normal truncated to [−2, 2]; dividing by it restores 1.
TRUNCATED_STDDEV = 0.87962566103423978


def _float_dtype(dtype):
    return fnp.dtype(fnp.result_type(float) if dtype is None else dtype)


def zeros(key, shape, dtype=None, out_sharding=None):
    """Zeros; the key is not used. → dtype[shape]

    >>> zeros(random.key(0), (2,)).tolist()
    [0.0, 0.0]
    """
    return fnp.zeros(shape, _float_dtype(dtype), out_sharding=out_sharding)


def ones(key, shape, dtype=None, out_sharding=None):
    """Ones; the key is not used. → dtype[shape]

    >>> ones(random.key(0), (2,)).tolist()
    [1.0, 1.0]
    """
    return fnp.ones(shape, _float_dtype(dtype), out_sharding=out_sharding)


def constant(value, dtype=None):
    """Initialiser that fills with `value`, broadcast to the shape.

    >>> constant(3.0)(random.key(0), (2,)).tolist()
    [3.0, 3.0]
    """

    def init(key, shape, dtype=dtype):
        return fnp.full(shape, value, _float_dtype(dtype))

    return init


def uniform(scale=0.01, dtype=None):
    """Initialiser uniform on [0, `scale`).

    >>> uniform()(random.key(0), (2, 3)).shape
    (2, 3)
    """

    def init(key, shape, dtype=dtype):
        return random.uniform(key, shape, _float_dtype(dtype)) * scale

    return init


def normal(stddev=0.01, dtype=None):
    """Initialiser normal with mean 0 and standard deviation `stddev`.

    >>> normal()(random.key(0), (2, 3)).shape
    (2, 3)
    """

    def init(key, shape, dtype=dtype):
        return random.normal(key, shape, _float_dtype(dtype)) * stddev

    return init


def truncated_normal(stddev=0.01, dtype=None, lower=-2.0, upper=2.0):
    """Initialiser `stddev` times a standard normal kept to [`lower`, `upper`].

    >>> truncated_normal()(random.key(0), (2, 3)).shape
    (2, 3)
    """

    def init(key, shape, dtype=dtype):
        draws = random.truncated_normal(key, lower, upper, shape, _float_dtype(dtype))
        return draws * stddev

    return init


def _size(shape, axes) -> int:
    axes = (axes,) if isinstance(axes, int) else axes
    return math.prod(shape[axis] for axis in axes)


def _fans(shape, in_axis, out_axis, batch_axis) -> tuple[float, float]:
    """Number of inputs that reach one output, and of outputs one input reaches."""
    if in_axis == -2 and len(shape) < 2:
        raise InputShapeError(
            f"variance_scaling: expected a shape of at least two axes (..., inputs, outputs), "
            f"got {tuple(shape)}; for a vector use zeros, normal or uniform, or name in_axis"
        )
    inputs, outputs = _size(shape, in_axis), _size(shape, out_axis)
    receptive_field = math.prod(shape) / inputs / outputs / _size(shape, batch_axis)
    return inputs * receptive_field, outputs * receptive_field


def variance_scaling(scale, mode, distribution, in_axis=-2, out_axis=-1, batch_axis=(), dtype=None):
    """Initialiser of variance `scale`/n, n the number of inputs, outputs or a mean of both.

    Args:
      scale: factor of the variance; 2 makes up for a relu.
      mode: "fan_in", "fan_out", "fan_avg" (arithmetic mean) or "fan_geo_avg" (geometric).
      distribution: "truncated_normal" (at two standard deviations), "normal" or "uniform".
      in_axis, out_axis, batch_axis: axis or axes of inputs, of outputs, and of independent
        copies; all others are the receptive field.
    Raises: ValueError for another mode or distribution, or a shape without inputs and outputs.

    >>> variance_scaling(1.0, "fan_in", "normal")(random.key(0), (64, 10)).shape
    (64, 10)
    """
    denominators = {
        "fan_in": lambda fan_in, fan_out: fan_in,
        "fan_out": lambda fan_in, fan_out: fan_out,
        "fan_avg": lambda fan_in, fan_out: (fan_in + fan_out) / 2,
        "fan_geo_avg": lambda fan_in, fan_out: math.sqrt(fan_in * fan_out),
    }
    distributions = ("truncated_normal", "normal", "uniform")
    if mode not in denominators:
        raise ArgumentError(
            f"variance_scaling: expected mode in {list(denominators)}, got {mode!r}"
        )
    if distribution not in distributions:
        raise ArgumentError(
            f"variance_scaling: expected distribution in {list(distributions)}, "
            f"got {distribution!r}"
        )

    def init(key, shape, dtype=dtype):
        dtype = _float_dtype(dtype)
        if not fnp.issubdtype(dtype, fnp.floating):
            raise DTypeError(
                f"variance_scaling: expected a real float dtype, got {dtype}; draw the real and "
                f"imaginary parts of a complex weight from two keys"
            )
        fans = _fans(shape, in_axis, out_axis, batch_axis)
        # As arrays of `dtype`, so that the roundings, hence the numbers, are JAX's.
        variance = fnp.asarray(scale / denominators[mode](*fans), dtype)
        if distribution == "truncated_normal":
            stddev = fnp.sqrt(variance) / fnp.asarray(TRUNCATED_STDDEV, dtype)
            return random.truncated_normal(key, -2, 2, shape, dtype) * stddev
        if distribution == "normal":
            return random.normal(key, shape, dtype) * fnp.sqrt(variance)
        return random.uniform(key, shape, dtype, -1) * fnp.sqrt(3 * variance)

    return init


def _scaled(name, scale, mode, distribution, source):
    """`variance_scaling` under the name by which a paper made it known."""

    def make(in_axis=-2, out_axis=-1, batch_axis=(), dtype=None):
        return variance_scaling(scale, mode, distribution, in_axis, out_axis, batch_axis, dtype)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"""Initialiser `variance_scaling({scale}, "{mode}", "{distribution}")`.

    >>> {name}()(random.key(0), (64, 10)).shape
    (64, 10)

    Source: {source}.
    """
    return make


_GLOROT = "Glorot and Bengio 2010, equation 16"
_LECUN = "LeCun et al. 1998, Efficient BackProp, section 4.6"
_HE = "He et al. 2015, arXiv 1502.01852, equation 10"

glorot_uniform = _scaled("glorot_uniform", 1.0, "fan_avg", "uniform", _GLOROT)
glorot_normal = _scaled("glorot_normal", 1.0, "fan_avg", "truncated_normal", _GLOROT)
lecun_uniform = _scaled("lecun_uniform", 1.0, "fan_in", "uniform", _LECUN)
lecun_normal = _scaled("lecun_normal", 1.0, "fan_in", "truncated_normal", _LECUN)
he_uniform = _scaled("he_uniform", 2.0, "fan_in", "uniform", _HE)
he_normal = _scaled("he_normal", 2.0, "fan_in", "truncated_normal", _HE)
xavier_uniform, xavier_normal = glorot_uniform, glorot_normal
kaiming_uniform, kaiming_normal = he_uniform, he_normal


def orthogonal(scale=1.0, column_axis=-1, dtype=None):
    """Initialiser with orthonormal rows or columns (the shorter), times `scale`.

    Args:
      column_axis: the axis that counts columns; the others together count rows.
    Raises: ValueError for a shape of fewer than two axes.

    >>> w = orthogonal()(random.key(0), (3, 3))
    >>> bool(fnp.allclose(w @ w.T, fnp.eye(3), atol=1e-5))
    True

    Source: Saxe et al. 2013, arXiv 1312.6120.
    """

    def init(key, shape, dtype=dtype):
        dtype = _float_dtype(dtype)
        if len(shape) < 2:
            raise InputShapeError(
                f"orthogonal: expected a shape of at least two axes, got {tuple(shape)}"
            )
        if math.prod(shape) == 0:
            return fnp.zeros(shape, dtype)
        columns = shape[column_axis]
        rows = math.prod(shape) // columns
        other_axes = list(shape)
        del other_axes[column_axis]
        q = random.orthogonal(key, rows, (), dtype, columns)
        q = fnp.moveaxis(fnp.reshape(q, (*other_axes, columns)), -1, column_axis)
        return fnp.asarray(scale, dtype) * q

    return init


def delta_orthogonal(scale=1.0, column_axis=-1, dtype=None):
    """Initialiser of a convolution that keeps norms: orthogonal at the centre, zero around.

    Raises: ValueError unless the shape is (1 to 3 window sizes, inputs, outputs) with
      inputs <= outputs.

    >>> delta_orthogonal()(random.key(0), (3, 3, 4, 8)).shape
    (3, 3, 4, 8)

    Source: Xiao et al. 2018, arXiv 1806.05393, algorithm 2.
    """

    def init(key, shape, dtype=dtype):
        dtype = _float_dtype(dtype)
        if len(shape) not in (3, 4, 5):
            raise InputShapeError(
                f"delta_orthogonal: expected 3 to 5 axes (window..., inputs, outputs), "
                f"got {tuple(shape)}"
            )
        if shape[-1] < shape[-2]:
            raise InputShapeError(
                f"delta_orthogonal: expected no more inputs than outputs, got {shape[-2]} inputs "
                f"and {shape[-1]} outputs; norms cannot be kept by a map to fewer dimensions"
            )
        centre = tuple((size - 1) // 2 for size in shape[:-2])
        matrix = orthogonal(scale, column_axis)(key, shape[-2:], dtype)
        return fnp.zeros(shape, dtype).at[centre].set(matrix)

    return init

"""Layers with weights that mix features: dense, convolution, embedding.

A layer is made by its classmethod `init`: `Linear.init(key, 64, 10)`. Layers that draw random
weights take the key first; the others take none. The constructor itself takes the weights:
`Linear(weight, bias)`. Channels are the last axis, and any number of leading axes is a batch.
Knows functions and initialisers; nothing of losses or training.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from .. import lax, random
from .. import numpy as fnp
from ..core.errors import DTypeError, InputShapeError
from .functions import relu
from .initializers import he_normal, lecun_normal, normal, zeros
from .module import Module, check_features, static

__all__ = [
    *("Conv", "Embedding", "Linear", "MLP"),
]

LECUN_NORMAL, HE_NORMAL, STANDARD_NORMAL = lecun_normal(), he_normal(), normal(1.0)


class Linear(Module):
    """x @ weight + bias.

    Args:
      weight: float[in, out]
      bias: float[out], or None for none.

    >>> layer = Linear.init(random.key(0), 64, 10)
    >>> layer(fnp.ones((5, 64))).shape
    (5, 10)
    """

    weight: Any
    bias: Any = None

    @classmethod
    def init(
        cls,
        key,
        in_features: int,
        out_features: int,
        *,
        use_bias: bool = True,
        kernel_init: Callable = LECUN_NORMAL,
        bias_init: Callable = zeros,
        dtype=None,
    ) -> "Linear":
        """Random weights; by default of variance 1/in, which keeps the variance of x, and bias 0.

        >>> Linear.init(random.key(0), 3, 2, use_bias=False).parameter_count()
        6
        """
        weight_key, bias_key = random.split(key)
        weight = kernel_init(weight_key, (in_features, out_features), dtype)
        return cls(weight, bias_init(bias_key, (out_features,), dtype) if use_bias else None)

    def __call__(self, x):
        """x: float[..., in] → float[..., out]. Raises ValueError on another number of features."""
        x = fnp.asarray(x)
        check_features(self, x, self.weight.shape[0])
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class MLP(Module):
    """Dense layers with an activation between them, none after the last.

    Args:
      layers: tuple of `Linear`.
      activation: function of an array, applied between layers.

    >>> model = MLP.init(random.key(0), [64, 32, 10])
    >>> model(fnp.ones(64)).shape, model.parameter_count()
    ((10,), 2410)
    """

    layers: tuple[Linear, ...]
    activation: Callable = static(default=relu)

    @classmethod
    def init(
        cls,
        key,
        sizes: Sequence[int],
        *,
        activation: Callable = relu,
        kernel_init: Callable = HE_NORMAL,
        dtype=None,
    ) -> "MLP":
        """Random weights. sizes: features in, of each hidden layer, and out.

        The default variance, 2/in, makes up for the half that relu sets to zero.
        Raises: ValueError for fewer than two sizes.

        >>> [layer.weight.shape for layer in MLP.init(random.key(0), (4, 8, 2)).layers]
        [(4, 8), (8, 2)]
        """
        if len(sizes) < 2:
            raise InputShapeError(
                f"MLP.init: expected at least two sizes (in, ..., out), got {list(sizes)}"
            )
        keys = random.split(key, len(sizes) - 1)
        layers = tuple(
            Linear.init(k, n, m, kernel_init=kernel_init, dtype=dtype)
            for k, n, m in zip(keys, sizes[:-1], sizes[1:], strict=True)
        )
        return cls(layers, activation)

    def __call__(self, x):
        """x: float[..., in] → float[..., out]"""
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)


class Conv(Module):
    """Convolution over one to three spatial axes (cross-correlation, as is usual in networks).

    Args:
      weight: float[window..., in/groups, out]
      bias: float[out], or None for none.
      strides, dilation: one int for all spatial axes, or one each.
      padding: "SAME" (output size = input size / stride, rounded up), "VALID" (none), an int
        for all sides, or a (low, high) pair for each spatial axis.
      groups: number of groups into which the channels are cut; in for a depthwise convolution.

    >>> layer = Conv.init(random.key(0), 3, 8, (3, 3), strides=2)
    >>> layer(fnp.ones((5, 32, 32, 3))).shape
    (5, 16, 16, 8)
    """

    weight: Any
    bias: Any = None
    strides: int | tuple[int, ...] = static(default=1)
    padding: Any = static(default="SAME")
    dilation: int | tuple[int, ...] = static(default=1)
    groups: int = static(default=1)

    @classmethod
    def init(
        cls,
        key,
        in_features: int,
        out_features: int,
        window: int | Sequence[int],
        *,
        strides: int | Sequence[int] = 1,
        padding: Any = "SAME",
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        use_bias: bool = True,
        kernel_init: Callable = LECUN_NORMAL,
        bias_init: Callable = zeros,
        dtype=None,
    ) -> "Conv":
        """Random weights. window: sizes of the spatial axes, (3, 3) for images, 3 for sequences.

        Raises: ValueError if `groups` does not divide both numbers of channels.

        >>> Conv.init(random.key(0), 4, 6, 5).weight.shape
        (5, 4, 6)
        """
        if in_features % groups or out_features % groups:
            raise InputShapeError(
                f"Conv.init: expected groups to divide the channels, got groups={groups} for "
                f"{in_features} channels in and {out_features} out"
            )
        window = (window,) if isinstance(window, int) else tuple(window)
        weight_key, bias_key = random.split(key)
        weight = kernel_init(weight_key, (*window, in_features // groups, out_features), dtype)
        bias = bias_init(bias_key, (out_features,), dtype) if use_bias else None
        return cls(
            weight, bias, _hashable(strides), _hashable(padding), _hashable(dilation), groups
        )

    def __call__(self, x):
        """x: float[..., spatial..., in] → float[..., spatial'..., out]

        Raises: ValueError on another number of channels or too few axes.
        """
        x = fnp.asarray(x)
        check_features(self, x, self.weight.shape[-2] * self.groups)
        spatial = self.weight.ndim - 2
        if x.ndim < spatial + 1:
            raise InputShapeError(
                f"Conv: expected {spatial} spatial axes and one of channels, got an input of "
                f"shape {tuple(x.shape)}"
            )
        batch = x.shape[: x.ndim - spatial - 1]
        padding = self.padding
        if isinstance(padding, int):
            padding = ((padding, padding),) * spatial
        letters = "DHW"[-spatial:]
        y = lax.conv_general_dilated(
            fnp.reshape(x, (math.prod(batch), *x.shape[len(batch) :])),
            self.weight,
            window_strides=_each(self.strides, spatial),
            padding=padding,
            rhs_dilation=_each(self.dilation, spatial),
            dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
            feature_group_count=self.groups,
        )
        y = fnp.reshape(y, (*batch, *y.shape[1:]))
        return y if self.bias is None else y + self.bias


def _hashable(value):
    """Lists as tuples: what is static has to be hashable."""
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


def _each(value, n: int) -> tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else value


class Embedding(Module):
    """A table of vectors looked up by number.

    Args:
      weight: float[entries, features]

    >>> table = Embedding.init(random.key(0), 1000, 16)
    >>> table(fnp.asarray([[3, 1, 4]])).shape
    (1, 3, 16)
    """

    weight: Any

    @classmethod
    def init(
        cls,
        key,
        entries: int,
        features: int,
        *,
        kernel_init: Callable = STANDARD_NORMAL,
        dtype=None,
    ) -> "Embedding":
        """Random vectors, standard normal by default.

        >>> Embedding.init(random.key(0), 10, 4).parameter_count()
        40
        """
        return cls(kernel_init(key, (entries, features), dtype))

    def __call__(self, indices):
        """indices: int[...] in [0, entries) → float[..., features]

        Raises: TypeError if the indices are not integers.
        """
        indices = fnp.asarray(indices)
        if not fnp.issubdtype(indices.dtype, fnp.integer):
            raise DTypeError(
                f"Embedding: expected integer indices, got dtype {indices.dtype}; "
                f"use indices.astype(int)"
            )
        return self.weight[indices]

    def attend(self, x):
        """Scores of each entry, for tied output weights. x: float[..., features] → float[..., n]

        >>> table = Embedding(fnp.eye(3))
        >>> table.attend(fnp.asarray([0.0, 2.0, 0.0])).tolist()
        [0.0, 2.0, 0.0]
        """
        x = fnp.asarray(x)
        check_features(self, x, self.weight.shape[1])
        return x @ self.weight.T

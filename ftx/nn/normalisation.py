"""Layers that keep the scale of values in hand: layer norm, batch norm, dropout.

Features are the last axis. Made by `init`, as all layers; none of these draws random weights,
so none takes a key to be made. What changes in training besides weights (running statistics,
the key of dropout) is passed in and returned, never stored.
"""

from typing import Any, NamedTuple

from .. import lax, random
from .. import numpy as fnp
from ..core.errors import ArgumentError
from .initializers import zeros
from .module import Module, check_features, static

__all__ = [
    *("BatchNorm", "BatchNormState", "Dropout", "LayerNorm"),
]


def _at_least_float32(x):
    """Statistics of float16 and bfloat16 data are taken in float32: their sums overflow."""
    return x.astype(fnp.promote_types(x.dtype, fnp.float32))


class LayerNorm(Module):
    """(x − mean)/√(variance + epsilon)·scale + shift over the features of each example.

    Args:
      scale, shift: float[features]; None leaves the factor or the term out.
      epsilon: added to the variance, in units of x².

    >>> layer = LayerNorm.init(8)
    >>> layer(fnp.ones((5, 8))).shape
    (5, 8)

    Source: Ba et al. 2016, arXiv 1607.06450.
    """

    scale: Any
    shift: Any
    epsilon: float = static(default=1e-5)

    @classmethod
    def init(cls, features: int, *, epsilon: float = 1e-5, dtype=None) -> "LayerNorm":
        """Scale 1 and shift 0.

        >>> LayerNorm.init(8).parameter_count()
        16
        """
        shift = zeros(None, (features,), dtype)
        return cls(fnp.ones_like(shift), shift, epsilon)

    def __call__(self, x):
        """x: float[..., features] → float[..., features]"""
        x = fnp.asarray(x)
        if self.scale is not None:
            check_features(self, x, self.scale.shape[0])
        wide = _at_least_float32(x)
        centred = wide - fnp.mean(wide, -1, keepdims=True)
        variance = fnp.mean(fnp.square(centred), -1, keepdims=True)
        y = (centred * lax.rsqrt(variance + self.epsilon)).astype(x.dtype)
        y = y if self.scale is None else y * self.scale
        return y if self.shift is None else y + self.shift


class BatchNormState(NamedTuple):
    """Running mean and variance of each feature, float[features] both."""

    mean: Any
    variance: Any


class BatchNorm(Module):
    """(x − mean)/√(variance + epsilon)·scale + shift, statistics over all axes but the last.

    In training they are the batch's, and the running ones move towards them; otherwise the
    running ones are used. Those are a separate value, passed in and returned, because they
    are no parameters: no gradient, no weight decay.

    Args:
      scale, shift: float[features]
      momentum: share of the old running value kept at each step.
      epsilon: added to the variance, in units of x².
      axis_name: named axis (of vmap or pmap) over which the statistics are also taken.

    >>> layer = BatchNorm.init(3)
    >>> state = layer.initial_state()
    >>> y, state = layer(fnp.ones((5, 3)), state, training=True)
    >>> y.shape, [round(v, 2) for v in state.mean.tolist()]
    ((5, 3), [0.1, 0.1, 0.1])

    Source: Ioffe and Szegedy 2015, arXiv 1502.03167.
    """

    scale: Any
    shift: Any
    momentum: float = static(default=0.9)
    epsilon: float = static(default=1e-5)
    axis_name: Any = static(default=None)

    @classmethod
    def init(
        cls,
        features: int,
        *,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        axis_name=None,
        dtype=None,
    ) -> "BatchNorm":
        """Scale 1 and shift 0.

        >>> BatchNorm.init(3).parameter_count()
        6
        """
        shift = zeros(None, (features,), dtype)
        return cls(fnp.ones_like(shift), shift, momentum, epsilon, axis_name)

    def initial_state(self) -> BatchNormState:
        """Running mean 0 and variance 1, in float32 at least."""
        mean = fnp.zeros_like(_at_least_float32(self.shift))
        return BatchNormState(mean, fnp.ones_like(mean))

    def __call__(self, x, state: BatchNormState, *, training: bool):
        """x: float[..., features] → (float[..., features], new state)

        Raises: ValueError on another number of features.
        """
        x = fnp.asarray(x)
        check_features(self, x, self.scale.shape[0])
        wide = _at_least_float32(x)
        if training:
            mean = self._average(wide)
            # The second pass costs little beside a convolution and keeps the digits that
            # E[x²] − E[x]² loses when the mean is large.
            variance = self._average(fnp.square(wide - mean))
            state = BatchNormState(
                *(
                    self.momentum * old + (1 - self.momentum) * lax.stop_gradient(new)
                    for old, new in zip(state, (mean, variance), strict=True)
                )
            )
        else:
            mean, variance = state
        y = (wide - mean) * lax.rsqrt(variance + self.epsilon)
        return y.astype(x.dtype) * self.scale + self.shift, state

    def _average(self, x):
        mean = fnp.mean(x, tuple(range(x.ndim - 1)))
        return mean if self.axis_name is None else lax.pmean(mean, self.axis_name)


class Dropout(Module):
    """In training, sets each value to zero with probability `rate` and divides the rest by 1−rate.

    Args:
      rate: in [0, 1].

    >>> layer = Dropout(0.5)
    >>> layer(fnp.ones(4), deterministic=True).tolist()
    [1.0, 1.0, 1.0, 1.0]
    >>> sorted({*layer(fnp.ones(100), key=random.key(0)).tolist()})
    [0.0, 2.0]

    Source: Srivastava et al. 2014.
    """

    rate: float = static(default=0.5)

    def __post_init__(self):
        if not 0 <= self.rate <= 1:
            raise ArgumentError(f"Dropout: expected a rate in [0, 1], got {self.rate}")

    def __call__(self, x, *, key=None, deterministic: bool = False):
        """x: float[...] → float[...]. Needs a key unless deterministic or of rate 0.

        Raises: ValueError without a key.
        """
        x = fnp.asarray(x)
        if deterministic or self.rate == 0:
            return x
        if self.rate == 1:  # x / 0 below would leave NaN in the gradient
            return fnp.zeros_like(x)
        if key is None:
            raise ArgumentError(
                "Dropout: expected a key in training, got None; pass key=random.split(key)[0], "
                "or deterministic=True for evaluation"
            )
        keep = random.bernoulli(key, 1 - self.rate, x.shape)
        return fnp.where(keep, x / (1 - self.rate), 0)

"""Activation functions, with the names, numbers and gradients of jax.nn.

In: an array of any shape (numbers and lists are converted; integers become floats where the
mathematics needs it). Out: an array of the same shape unless said otherwise.
At a kink the gradient is zero on the flat side, as in JAX: d relu(0) = 0, not 1/2.
Called by layers and losses; knows nothing of either.
"""

import math

from .. import lax
from .. import numpy as fnp
from ..core.errors import InputShapeError
from ..transforms.custom import custom_jvp
from .over_axis import floating

__all__ = [
    *("celu", "elu", "gelu", "glu", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh"),
    *(
        "identity",
        "leaky_relu",
        "log1mexp",
        "log_sigmoid",
        "mish",
        "relu",
        "relu6",
        "selu",
        "sigmoid",
    ),
    *("silu", "soft_sign", "softplus", "sparse_plus", "sparse_sigmoid", "squareplus", "swish"),
    *("tanh",),
]

# Klambauer et al. 2017, appendix A: the pair for which mean 0 and variance 1 is a fixed point.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


# --- rectifiers ------------------------------------------------------------------------------
# Written with `where(x <= 0, 0, x)` and not `maximum(x, 0)`: the derivative at 0 is then 0
# without a custom rule, to every order, and NaN still passes through.


def identity(x):
    """`x`, unchanged. x: any[...] → any[...]

    >>> identity(fnp.asarray([-1.0, 2.0])).tolist()
    [-1.0, 2.0]
    """
    return fnp.asarray(x)


def relu(x):
    """Rectified linear unit: max(x, 0), with derivative 0 at 0. x: float[...] → float[...]

    >>> relu(fnp.asarray([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 2.0]

    Source: Bertoin et al. 2021, "Numerical influence of ReLU'(0) on backpropagation".
    """
    x = fnp.asarray(x)
    return fnp.where(x <= 0, 0, x)


def relu6(x):
    """min(max(x, 0), 6), with derivative 0 at 0 and at 6. x: float[...] → float[...]

    >>> relu6(fnp.asarray([-1.0, 3.0, 8.0])).tolist()
    [0.0, 3.0, 6.0]
    """
    x = fnp.asarray(x)
    return fnp.where(x <= 0, 0, fnp.where(x >= 6, 6.0, x))


def leaky_relu(x, negative_slope=1e-2):
    """x where x >= 0, `negative_slope`·x elsewhere. x: float[...] → float[...]

    >>> leaky_relu(fnp.asarray([-2.0, 3.0]), 0.5).tolist()
    [-1.0, 3.0]
    """
    x = fnp.asarray(x)
    return fnp.where(x >= 0, x, negative_slope * x)


def elu(x, alpha=1.0):
    """x where x > 0, `alpha`·(eˣ − 1) elsewhere. x: float[...] → float[...]

    >>> elu(fnp.asarray([0.0, 3.0])).tolist()
    [0.0, 3.0]
    """
    x = fnp.asarray(x)
    # The inner `where` keeps exp from overflowing in the branch that is thrown away: its
    # derivative there would be inf·0 = NaN.
    return fnp.where(x > 0, x, alpha * fnp.expm1(fnp.where(x > 0, 0.0, x)))


def celu(x, alpha=1.0):
    """max(x, 0) + `alpha`·(exp(min(x, 0)/`alpha`) − 1), smooth at 0. x: float[...] → float[...]

    >>> celu(fnp.asarray([0.0, 3.0]), 2.0).tolist()
    [0.0, 3.0]

    Source: Barron 2017, arXiv 1704.07483.
    """
    return fnp.maximum(x, 0.0) + alpha * fnp.expm1(fnp.minimum(x, 0.0) / alpha)


def selu(x):
    """Scaled `elu` that keeps mean 0 and variance 1 from layer to layer. x: float[...] → same

    >>> round(float(selu(1.0)), 4)
    1.0507

    Source: Klambauer et al. 2017, arXiv 1706.02515.
    """
    return SELU_SCALE * elu(x, SELU_ALPHA)


# --- sigmoids and their products -------------------------------------------------------------


def sigmoid(x):
    """1 / (1 + e⁻ˣ). x: float[...] → float[...] in (0, 1)

    >>> float(sigmoid(0.0))
    0.5
    """
    return lax.logistic(floating(x))


def log_sigmoid(x):
    """log(sigmoid(x)), exact also where sigmoid underflows. x: float[...] → float[...]

    >>> float(log_sigmoid(-1000.0))
    -1000.0
    """
    return -softplus(-floating(x))


@custom_jvp
def log1mexp(x):
    """log(1 − e⁻ˣ) for x > 0, exact for small and large x. x: float[...] → float[...]

    NaN below 0 and −∞ at 0.

    >>> round(float(log1mexp(1.0)), 4)
    -0.4587

    Source: Mächler 2012, "Accurately computing log(1 − exp(−|a|))".
    """
    x = floating(x)
    return fnp.where(x < math.log(2.0), fnp.log(-fnp.expm1(-x)), fnp.log1p(-fnp.exp(-x)))


log1mexp.defjvps(lambda t, out, x: t / fnp.expm1(x))


def softplus(x):
    """log(1 + eˣ) without overflow. x: float[...] → float[...]

    >>> float(softplus(1000.0))
    1000.0
    """
    return fnp.logaddexp(x, 0)


def tanh(x, /):
    """Hyperbolic tangent. x: float[...] → float[...] in (−1, 1)

    >>> float(tanh(0.0))
    0.0
    """
    return fnp.tanh(x)


def silu(x):
    """x·sigmoid(x), also called swish. x: float[...] → float[...]

    >>> float(silu(0.0))
    0.0
    """
    x = floating(x)
    return x * sigmoid(x)


swish = silu


def mish(x):
    """x·tanh(softplus(x)). x: float[...] → float[...]

    >>> float(mish(0.0))
    0.0

    Source: Misra 2019, arXiv 1908.08681.
    """
    x = fnp.asarray(x)
    return x * fnp.tanh(softplus(x))


def gelu(x, approximate=True):
    """x·Φ(x), Φ the normal distribution function. x: float[...] → float[...]

    Args:
      approximate: True, as in JAX, for the tanh formula (off by at most 5e-4); False for the
        exact one by erfc.

    >>> round(float(gelu(1.0)), 4), round(float(gelu(1.0, approximate=False)), 4)
    (0.8412, 0.8413)

    Source: Hendrycks and Gimpel 2016, arXiv 1606.08415, section 2.
    """
    x = floating(x)
    if approximate:
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        return x * (0.5 * (1.0 + fnp.tanh(inner)))
    return 0.5 * x * lax.erfc(-x * math.sqrt(0.5))


def glu(x, axis=-1):
    """First half of `axis` times sigmoid of its second half. x: float[..., 2n] → float[..., n]

    Raises: ValueError if the axis has odd size.

    >>> glu(fnp.asarray([4.0, 0.0])).tolist()
    [2.0]
    """
    x = floating(x)
    if x.shape[axis] % 2:
        raise InputShapeError(
            f"glu: expected an even size along axis {axis}, got {x.shape[axis]} in shape "
            f"{tuple(x.shape)}; the first half is the value and the second half its gate"
        )
    value, gate = fnp.split(x, 2, axis)
    return value * sigmoid(gate)


# --- piecewise and algebraic -----------------------------------------------------------------


def hard_tanh(x):
    """x clipped to [−1, 1]. x: float[...] → float[...]

    >>> hard_tanh(fnp.asarray([-3.0, 0.5, 3.0])).tolist()
    [-1.0, 0.5, 1.0]
    """
    x = fnp.asarray(x)
    return fnp.where(x > 1, 1, fnp.where(x < -1, -1, x))


def hard_sigmoid(x):
    """relu6(x + 3)/6, a sigmoid of straight lines. x: float[...] → float[...] in [0, 1]

    >>> hard_sigmoid(fnp.asarray([-3.0, 0.0, 3.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return relu6(fnp.asarray(x) + 3.0) / 6.0


def hard_silu(x):
    """x·hard_sigmoid(x), also called hard swish. x: float[...] → float[...]

    >>> hard_silu(fnp.asarray([0.0, 3.0])).tolist()
    [0.0, 3.0]
    """
    x = fnp.asarray(x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu


def soft_sign(x):
    """x / (|x| + 1). x: float[...] → float[...] in (−1, 1)

    >>> soft_sign(fnp.asarray([-1.0, 0.0, 1.0])).tolist()
    [-0.5, 0.0, 0.5]
    """
    x = fnp.asarray(x)
    return x / (fnp.abs(x) + 1)


def squareplus(x, b=4):
    """(x + √(x² + `b`))/2, a softplus without exp. x: float[...] → float[...]

    >>> float(squareplus(0.0))
    1.0

    Source: Barron 2021, arXiv 2112.11687.
    """
    x = floating(x)
    return (x + fnp.sqrt(fnp.square(x) + b)) / 2


def sparse_plus(x):
    """0 below −1, x above 1, (x + 1)²/4 between. x: float[...] → float[...]

    >>> sparse_plus(fnp.asarray([-2.0, 0.0, 2.0])).tolist()
    [0.0, 0.25, 2.0]
    """
    x = floating(x)
    return fnp.where(x <= -1.0, 0.0, fnp.where(x >= 1.0, x, (x + 1.0) ** 2 / 4))


def sparse_sigmoid(x):
    """Derivative of `sparse_plus`: (x + 1)/2 clipped to [0, 1]. x: float[...] → float[...]

    >>> sparse_sigmoid(fnp.asarray([-2.0, 0.0, 2.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return 0.5 * fnp.clip(fnp.asarray(x) + 1.0, 0.0, 2.0)

"""Optimisers, with the names and meaning of optax.

`optimiser.init(params)` gives the state; `optimiser.update(gradients, state, params)` gives
updates, which `apply_updates` adds to the parameters, and the new state. All of it is pure and
runs inside `jit`. `adamw(1e-3)` is a `chain` of the parts in `transformations`, and so can
yours be. Knows no layer and no loss.
"""

from .. import numpy as fnp
from .. import tree
from .schedules import *  # noqa: F403
from .schedules import __all__ as _schedules
from .transformations import *  # noqa: F403
from .transformations import (
    GradientTransformation,
    add_decayed_weights,
    chain,
    identity,
    scale_by_adam,
    scale_by_learning_rate,
    scale_by_rms,
    trace,
)
from .transformations import __all__ as _transformations

__all__ = ["adam", "adamw", "apply_updates", "rmsprop", "sgd", *_schedules, *_transformations]


def apply_updates(params, updates):
    """params + updates, each leaf in its own dtype; a None among the updates changes nothing.

    >>> apply_updates({"w": fnp.ones(2)}, {"w": fnp.full(2, -0.5)})["w"].tolist()
    [0.5, 0.5]
    """

    def add(param, step):
        if param is None or step is None:
            return param
        return fnp.asarray(param + step, dtype=fnp.asarray(param).dtype)

    return tree.map(add, params, updates, is_leaf=lambda leaf: leaf is None)


def sgd(learning_rate, momentum=None, nesterov: bool = False) -> GradientTransformation:
    """Gradient descent, with momentum if given.

    Args:
      learning_rate: number or schedule.
      momentum: share of the last step kept, in [0, 1).

    >>> optimiser = sgd(0.5)
    >>> float(optimiser.update(4.0, optimiser.init(0.0))[0])
    -2.0
    """
    first = identity() if momentum is None else trace(momentum, nesterov)
    return chain(first, scale_by_learning_rate(learning_rate))


def adam(
    learning_rate,
    b1=0.9,
    b2=0.999,
    eps=1e-8,
    eps_root=0.0,
    mu_dtype=None,
    *,
    nesterov: bool = False,
) -> GradientTransformation:
    """Adam: `scale_by_adam`, then the learning rate (a number or a schedule).

    >>> optimiser = adam(0.1)
    >>> round(float(optimiser.update(7.0, optimiser.init(0.0))[0]), 4)
    -0.1
    """
    return chain(
        scale_by_adam(b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov),
        scale_by_learning_rate(learning_rate),
    )


def adamw(
    learning_rate,
    b1=0.9,
    b2=0.999,
    eps=1e-8,
    eps_root=0.0,
    mu_dtype=None,
    weight_decay=1e-4,
    mask=None,
    *,
    nesterov: bool = False,
) -> GradientTransformation:
    """Adam with weight decay apart from the gradient; `mask` as for `add_decayed_weights`.

    >>> optimiser = adamw(0.1, weight_decay=0.5)
    >>> round(float(optimiser.update(7.0, optimiser.init(2.0), 2.0)[0]), 4)
    -0.2

    Source: Loshchilov and Hutter 2017, arXiv 1711.05101, algorithm 2.
    """
    return chain(
        scale_by_adam(b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov),
        add_decayed_weights(weight_decay, mask),
        scale_by_learning_rate(learning_rate),
    )


def rmsprop(
    learning_rate,
    decay=0.9,
    eps=1e-8,
    initial_scale=0.0,
    eps_in_sqrt: bool = True,
    centered: bool = False,
    momentum=None,
    nesterov: bool = False,
) -> GradientTransformation:
    """`scale_by_rms`, the learning rate, then momentum if given.

    >>> optimiser = rmsprop(0.1, decay=0.75)
    >>> round(float(optimiser.update(3.0, optimiser.init(0.0))[0]), 4)
    -0.2
    """
    parts = [
        scale_by_rms(decay, eps, initial_scale, eps_in_sqrt, centered),
        scale_by_learning_rate(learning_rate),
    ]
    return chain(*parts, *([] if momentum is None else [trace(momentum, nesterov)]))

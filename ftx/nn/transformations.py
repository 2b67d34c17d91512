"""The parts optimisers are made of: gradient transformations that do one thing each.

In: gradients, the part's state, parameters: three pytrees. Out: updates and the new state.
Names and meaning of optax. All of it is pure and runs inside `jit`. `optim` puts the parts
together and re-exports them; this module knows no layer, no loss and no whole optimiser.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import lax, tree
from .. import numpy as fnp
from ..core.errors import ArgumentError

__all__ = [
    *("AddDecayedWeightsState", "EmptyState", "GradientTransformation", "ScaleByAdamState"),
    *("ScaleByRmsState", "ScaleByScheduleState", "TraceState", "add_decayed_weights", "chain"),
    *("clip", "clip_by_global_norm", "global_norm", "identity", "momentum", "scale"),
    *("scale_by_adam", "scale_by_learning_rate", "scale_by_rms", "scale_by_schedule", "trace"),
]


class GradientTransformation(NamedTuple):
    """A pair of pure functions.

    init: parameters → state
    update: (gradients, state, parameters or None) → (updates, new state)
    """

    init: Callable
    update: Callable


class EmptyState(NamedTuple):
    """Of a transformation that remembers nothing."""


AddDecayedWeightsState = EmptyState


def _stateless(function: Callable) -> GradientTransformation:
    """From a function of (updates, parameters)."""

    def update(updates, state, params=None):
        return function(updates, params), state

    return GradientTransformation(lambda params: EmptyState(), update)


def identity() -> GradientTransformation:
    """Leaves gradients as they are.

    >>> float(identity().update(3.0, identity().init(1.0))[0])
    3.0
    """
    return _stateless(lambda updates, params: updates)


def chain(*transformations: GradientTransformation) -> GradientTransformation:
    """Transformations applied in the order given; the state is the tuple of theirs.

    Raises: (on update) ValueError if the state is not one that its `init` made.

    >>> optimiser = chain(clip(1.0), scale(-0.1))
    >>> round(float(optimiser.update(5.0, optimiser.init(0.0))[0]), 6)
    -0.1
    """

    def init(params):
        return tuple(t.init(params) for t in transformations)

    def update(updates, state, params=None):
        if len(state) != len(transformations):
            raise ArgumentError(
                f"chain: expected a state of {len(transformations)} parts, got {len(state)}; "
                f"pass what its own init(params) returned"
            )
        new_state = []
        for transformation, part in zip(transformations, state, strict=True):
            updates, part = transformation.update(updates, part, params)
            new_state.append(part)
        return updates, tuple(new_state)

    return GradientTransformation(init, update)


def global_norm(updates):
    """Euclidean norm of all leaves taken together. pytree of float[...] → float[]

    >>> float(global_norm({"a": fnp.asarray([3.0]), "b": fnp.asarray(4.0)}))
    5.0
    """
    return fnp.sqrt(sum(fnp.sum(_abs_squared(leaf)) for leaf in tree.leaves(updates)))


def _abs_squared(x):
    return fnp.square(x) if not fnp.iscomplexobj(x) else fnp.real(fnp.conj(x) * x)


def scale(step_size) -> GradientTransformation:
    """Multiplies by `step_size`; minus the learning rate is one.

    >>> float(scale(-0.5).update(4.0, EmptyState())[0])
    -2.0
    """
    return _stateless(lambda updates, params: tree.map(lambda g: step_size * g, updates))


def clip(max_delta) -> GradientTransformation:
    """Clips each value to [−`max_delta`, `max_delta`].

    >>> float(clip(1.0).update(4.0, EmptyState())[0])
    1.0
    """
    return _stateless(
        lambda updates, params: tree.map(lambda g: fnp.clip(g, -max_delta, max_delta), updates)
    )


def clip_by_global_norm(max_norm) -> GradientTransformation:
    """Scales all gradients by one factor so that their global norm is at most `max_norm`.

    >>> clip_by_global_norm(1.0).update(fnp.asarray([3.0, 4.0]), EmptyState())[0].round(3).tolist()
    [0.6000000238418579, 0.800000011920929]

    Source: Pascanu et al. 2012, arXiv 1211.5063.
    """

    def clipped(updates, params):
        norm = global_norm(updates)
        # Division before multiplication, as in optax: max_norm/norm may underflow.
        return tree.map(
            lambda g: fnp.where(norm < max_norm, g, (g / norm.astype(g.dtype)) * max_norm), updates
        )

    return _stateless(clipped)


def add_decayed_weights(weight_decay=0.0, mask=None) -> GradientTransformation:
    """Adds `weight_decay`·parameter to each gradient.

    Args:
      mask: pytree of bools, a prefix of the parameters, or a function from parameters to one;
        where False, nothing is added. None decays everything.
    Raises: (on update) ValueError without parameters.

    >>> optimiser = add_decayed_weights(0.5)
    >>> float(optimiser.update(1.0, optimiser.init(2.0), 2.0)[0])
    2.0
    """

    def decayed(updates, params):
        if params is None:
            raise ArgumentError(
                "add_decayed_weights: expected the parameters, got None; call "
                "update(gradients, state, params)"
            )
        if mask is None:
            return tree.map(lambda g, p: g + weight_decay * p, updates, params)
        chosen = mask(params) if callable(mask) else mask

        def below(decay, g, p):
            return tree.map(lambda g, p: g + weight_decay * p, g, p) if decay else g

        return tree.map(below, chosen, updates, params)

    return _stateless(decayed)


class TraceState(NamedTuple):
    """trace: pytree like the parameters."""

    trace: Any


def trace(decay, nesterov: bool = False) -> GradientTransformation:
    """Momentum: m ← g + `decay`·m; gives m, or g + `decay`·m if `nesterov`.

    >>> optimiser = trace(0.5)
    >>> _, state = optimiser.update(1.0, optimiser.init(0.0))
    >>> float(optimiser.update(1.0, state)[0])
    1.5

    Source: Sutskever et al. 2013.
    """

    def init(params):
        return TraceState(tree.map(fnp.zeros_like, params))

    def update(updates, state, params=None):
        def step(g, m):
            return g + decay * m

        moved = tree.map(step, updates, state.trace)
        return (tree.map(step, updates, moved) if nesterov else moved), TraceState(moved)

    return GradientTransformation(init, update)


momentum = trace


class ScaleByAdamState(NamedTuple):
    """count: int32[]; mu, nu: pytrees like the parameters, moving means of g and of g²."""

    count: Any
    mu: Any
    nu: Any


def _next(count):
    """count + 1, staying at the largest int32 instead of wrapping to a negative count."""
    largest = fnp.iinfo(fnp.int32).max
    return fnp.where(count < largest, count + 1, largest)


def _moving_mean(new, old, decay):
    return tree.map(lambda n, o: (1 - decay) * n + decay * o, new, old)


def _without_bias(moment, decay, count):
    """A moving mean that began at zero, divided by the weight it has seen so far."""
    weight = 1 - decay**count
    return tree.map(lambda m: m / weight.astype(m.dtype), moment)


def scale_by_adam(
    b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0, mu_dtype=None, *, nesterov: bool = False
) -> GradientTransformation:
    """Adam's direction: the mean of g over the root of the mean of g².

    Args:
      b1, b2: share of the old mean kept at each step, for g and for g².
      eps: added to the root; eps_root: added under it, for derivatives through the update.
      mu_dtype: dtype of the first mean; the parameters' if None.
      nesterov: look one step ahead (Dozat 2016).

    >>> optimiser = scale_by_adam()
    >>> round(float(optimiser.update(7.0, optimiser.init(0.0))[0]), 4)
    1.0

    Source: Kingma and Ba 2014, arXiv 1412.6980, algorithm 1.
    """

    def init(params):
        mu = tree.map(lambda p: fnp.zeros_like(p, dtype=mu_dtype), params)
        return ScaleByAdamState(fnp.zeros((), fnp.int32), mu, tree.map(fnp.zeros_like, params))

    def update(updates, state, params=None):
        count = _next(state.count)
        mu = _moving_mean(updates, state.mu, b1)
        nu = _moving_mean(tree.map(_abs_squared, updates), state.nu, b2)
        if nesterov:
            ahead = _without_bias(mu, b1, _next(count))
            mean = _moving_mean(_without_bias(updates, b1, count), ahead, b1)
        else:
            mean = _without_bias(mu, b1, count)
        spread = _without_bias(nu, b2, count)
        direction = tree.map(lambda m, v: m / (fnp.sqrt(v + eps_root) + eps), mean, spread)
        mu = tree.map(lambda m, old: m.astype(old.dtype), mu, state.mu)
        return direction, ScaleByAdamState(count, mu, nu)

    return GradientTransformation(init, update)


class ScaleByRmsState(NamedTuple):
    """nu: pytree like the parameters, moving mean of g²; mu: that of g if centred, else None."""

    nu: Any
    mu: Any = None


def scale_by_rms(
    decay=0.9, eps=1e-8, initial_scale=0.0, eps_in_sqrt: bool = True, centered: bool = False
) -> GradientTransformation:
    """Divides by the root of a moving mean of g² (of its variance if `centered`).

    Args:
      eps: added under the root, or outside it unless `eps_in_sqrt`.
      initial_scale: first value of the mean.

    >>> optimiser = scale_by_rms(decay=0.75)
    >>> round(float(optimiser.update(3.0, optimiser.init(0.0))[0]), 4)
    2.0

    Source: Hinton's lecture 6e; Graves 2013, arXiv 1308.0850, equation 39 for `centered`.
    """

    def init(params):
        nu = tree.map(lambda p: fnp.full_like(p, initial_scale), params)
        return ScaleByRmsState(nu, tree.map(fnp.zeros_like, params) if centered else None)

    def update(updates, state, params=None):
        nu = _moving_mean(tree.map(_abs_squared, updates), state.nu, decay)
        mu, spread = None, nu
        if centered:
            mu = _moving_mean(updates, state.mu, decay)
            spread = tree.map(lambda v, m: v - _abs_squared(m), nu, mu)

        def divide(g, v):
            return g * lax.rsqrt(v + eps) if eps_in_sqrt else g / (fnp.sqrt(v) + eps)

        return tree.map(divide, updates, spread), ScaleByRmsState(nu, mu)

    return GradientTransformation(init, update)


class ScaleByScheduleState(NamedTuple):
    """count: int32[], updates done so far."""

    count: Any


def scale_by_schedule(step_size_fn: Callable) -> GradientTransformation:
    """Multiplies by `step_size_fn(count)`, count from 0.

    >>> optimiser = scale_by_schedule(lambda count: 2.0 * count)
    >>> _, state = optimiser.update(1.0, optimiser.init(0.0))
    >>> float(optimiser.update(1.0, state)[0])
    2.0
    """

    def update(updates, state, params=None):
        size = step_size_fn(state.count)
        updates = tree.map(lambda g: fnp.asarray(size, dtype=fnp.asarray(g).dtype) * g, updates)
        return updates, ScaleByScheduleState(_next(state.count))

    return GradientTransformation(
        lambda params: ScaleByScheduleState(fnp.zeros((), fnp.int32)), update
    )


def scale_by_learning_rate(learning_rate, *, flip_sign: bool = True) -> GradientTransformation:
    """Multiplies by minus a learning rate: a number, or a schedule (a function of the count).

    >>> float(scale_by_learning_rate(0.5).update(4.0, EmptyState())[0])
    -2.0
    """
    sign = -1 if flip_sign else 1
    if callable(learning_rate):
        return scale_by_schedule(lambda count: sign * learning_rate(count))
    return scale(sign * learning_rate)

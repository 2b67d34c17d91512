"""Schedules: functions of the step count, with the names and meaning of optax.

In: a count, an int or an array (the optimisers pass int32[]). Out: float[], a learning rate
or any other number that changes in training. Pure, so they run inside `jit`.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from .. import numpy as fnp
from ..core.errors import ArgumentError

__all__ = [
    *("constant_schedule", "cosine_decay_schedule", "exponential_decay", "join_schedules"),
    *("linear_schedule", "piecewise_constant_schedule", "polynomial_schedule"),
    *("warmup_cosine_decay_schedule",),
]

Schedule = Callable


def _require_positive(name: str, argument: str, steps) -> None:
    if steps <= 0:
        raise ArgumentError(f"{name}: expected {argument} > 0, got {steps}")


def constant_schedule(value) -> Schedule:
    """`value` at every step.

    >>> float(constant_schedule(0.1)(1000))
    0.1
    """
    return lambda count: value


def polynomial_schedule(
    init_value, end_value, power, transition_steps: int, transition_begin: int = 0
) -> Schedule:
    """From `init_value` to `end_value` as (1 − t)^`power`, t from 0 to 1 over the transition.

    Args:
      transition_steps: length of the transition in steps; at most 0 means no transition, and
        `init_value` for ever.
      transition_begin: step at which it begins.
    Raises: ValueError if `transition_begin` is negative.

    >>> float(polynomial_schedule(1.0, 0.0, 2, 10)(5))
    0.25
    """
    if transition_begin < 0:
        raise ArgumentError(
            f"polynomial_schedule: expected transition_begin >= 0, got {transition_begin}"
        )
    if transition_steps <= 0:
        return constant_schedule(init_value)

    def schedule(count):
        elapsed = fnp.clip(count - transition_begin, 0, transition_steps)
        remaining = 1 - elapsed / transition_steps
        return (init_value - end_value) * remaining**power + end_value

    return schedule


def linear_schedule(
    init_value, end_value, transition_steps: int, transition_begin: int = 0
) -> Schedule:
    """From `init_value` to `end_value` in a straight line over `transition_steps` steps.

    >>> [float(linear_schedule(0.0, 1.0, 4)(step)) for step in (0, 1, 4, 9)]
    [0.0, 0.25, 1.0, 1.0]
    """
    return polynomial_schedule(init_value, end_value, 1, transition_steps, transition_begin)


def exponential_decay(
    init_value,
    transition_steps: int,
    decay_rate,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value=None,
) -> Schedule:
    """`init_value`·`decay_rate`^(elapsed steps/`transition_steps`).

    Args:
      transition_begin: step at which the decay begins.
      staircase: decay only at whole multiples of `transition_steps`.
      end_value: bound which the value does not cross (below for a rate under 1).
    Raises: ValueError if `transition_steps` or `decay_rate` is not positive, or
      `transition_begin` is negative.

    >>> [float(exponential_decay(1.0, 10, 0.25)(step)) for step in (0, 5, 10)]
    [1.0, 0.5, 0.25]
    """
    _require_positive("exponential_decay", "transition_steps", transition_steps)
    _require_positive("exponential_decay", "decay_rate", decay_rate)
    if transition_begin < 0:
        raise ArgumentError(
            f"exponential_decay: expected transition_begin >= 0, got {transition_begin}"
        )

    def schedule(count):
        elapsed = count - transition_begin
        exponent = elapsed / transition_steps
        if staircase:
            exponent = fnp.floor(exponent)
        value = fnp.where(elapsed <= 0, init_value, init_value * fnp.power(decay_rate, exponent))
        if end_value is None:
            return value
        return (fnp.maximum if decay_rate < 1 else fnp.minimum)(value, end_value)

    return schedule


def cosine_decay_schedule(init_value, decay_steps: int, alpha=0.0, exponent=1.0) -> Schedule:
    """From `init_value` to `alpha`·`init_value` along half a cosine.

    Args:
      decay_steps: steps until the end; the value stays there.
      alpha: the end value as a share of the first.
      exponent: power to which the cosine is raised.
    Raises: ValueError if `decay_steps` is not positive.

    >>> [round(float(cosine_decay_schedule(1.0, 10)(step)), 6) for step in (0, 5, 10, 99)]
    [1.0, 0.5, 0.0, 0.0]

    Source: Loshchilov and Hutter 2016, arXiv 1608.03983, equation 5.
    """
    _require_positive("cosine_decay_schedule", "decay_steps", decay_steps)

    def schedule(count):
        elapsed = fnp.minimum(count, decay_steps)
        cosine = 0.5 * (1 + fnp.cos(math.pi * elapsed / decay_steps))
        return init_value * ((1 - alpha) * cosine**exponent + alpha)

    return schedule


def piecewise_constant_schedule(
    init_value, boundaries_and_scales: Mapping[int, float] | None = None
) -> Schedule:
    """`init_value` times every scale whose boundary has been reached.

    Args:
      boundaries_and_scales: step → factor from that step on; factors accumulate.
    Raises: ValueError if a factor is negative.

    >>> schedule = piecewise_constant_schedule(1.0, {10: 0.5, 20: 0.5})
    >>> [float(schedule(step)) for step in (9, 10, 20)]
    [1.0, 0.5, 0.25]
    """
    steps = sorted((boundaries_and_scales or {}).items())
    for boundary, scale in steps:
        if scale < 0:
            raise ArgumentError(
                f"piecewise_constant_schedule: expected scales >= 0, got {scale} at {boundary}"
            )

    def schedule(count):
        value = init_value
        for boundary, scale in steps:
            value = value * fnp.where(count >= boundary, scale, 1.0)
        return value

    return schedule


def join_schedules(schedules: Sequence[Schedule], boundaries: Sequence[int]) -> Schedule:
    """Several schedules one after another; each counts from its own beginning.

    Args:
      schedules: in order.
      boundaries: step at which each but the first takes over.
    Raises: ValueError unless there is one boundary fewer than schedules.

    >>> schedule = join_schedules([constant_schedule(1.0), constant_schedule(2.0)], [5])
    >>> [float(schedule(step)) for step in (4, 5)]
    [1.0, 2.0]
    """
    if len(boundaries) != len(schedules) - 1:
        raise ArgumentError(
            f"join_schedules: expected {len(schedules) - 1} boundaries for {len(schedules)} "
            f"schedules, got {len(boundaries)}"
        )

    def schedule(count):
        value = schedules[0](count)
        for boundary, following in zip(boundaries, schedules[1:], strict=True):
            value = fnp.where(count < boundary, value, following(count - boundary))
        return value

    return schedule


def warmup_cosine_decay_schedule(
    init_value, peak_value, warmup_steps: int, decay_steps: int, end_value=0.0, exponent=1.0
) -> Schedule:
    """A straight line up to `peak_value`, then half a cosine down to `end_value`.

    Args:
      warmup_steps: steps of the rise.
      decay_steps: steps in all, the rise included.
    Raises: ValueError unless `decay_steps` > `warmup_steps`.

    >>> schedule = warmup_cosine_decay_schedule(0.0, 1.0, 10, 110)
    >>> [round(float(schedule(step)), 6) for step in (0, 5, 10, 60, 110)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    _require_positive(
        "warmup_cosine_decay_schedule", "decay_steps - warmup_steps", decay_steps - warmup_steps
    )
    alpha = 0.0 if peak_value == 0.0 else end_value / peak_value
    return join_schedules(
        [
            linear_schedule(init_value, peak_value, warmup_steps),
            cosine_decay_schedule(peak_value, decay_steps - warmup_steps, alpha, exponent),
        ],
        [warmup_steps],
    )

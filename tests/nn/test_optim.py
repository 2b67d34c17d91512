"""Optimisers and schedules against their recurrences written out in NumPy."""

import math

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import tree
from ftx.nn import optim

RNG = np.random.default_rng(0)
SHAPES = {"w": (3, 4), "b": (4,)}
PARAMS = {k: RNG.normal(size=s).astype(np.float32) for k, s in SHAPES.items()}
GRADS = [{k: RNG.normal(size=s).astype(np.float32) for k, s in SHAPES.items()} for _ in range(5)]


def arrays(values):
    return tree.map(fnp.asarray, values)


def run(optimiser, compiled=False):
    """Five steps on fixed gradients; the updates of each."""
    update = ftx.jit(optimiser.update) if compiled else optimiser.update
    params = arrays(PARAMS)
    state = optimiser.init(params)
    out = []
    for grads in GRADS:
        updates, state = update(arrays(grads), state, params)
        params = optim.apply_updates(params, updates)
        out.append({k: np.asarray(u) for k, u in updates.items()})
    return out


def expect(optimiser, recurrence, rtol=2e-5):
    """`recurrence(k)` makes a function (step, g, p) → update in float64 for parameter k."""
    for compiled in (False, True):
        got = run(optimiser, compiled)
        for k in SHAPES:
            p, step_of = PARAMS[k].astype(np.float64), recurrence()
            for t, grads in enumerate(GRADS):
                expected = step_of(t, grads[k].astype(np.float64), p)
                np.testing.assert_allclose(got[t][k], expected, rtol=rtol, atol=1e-6)
                p = p + expected


def adam_recurrence(b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0, nesterov=False):
    def make():
        m = v = 0.0

        def step(t, g, p):
            nonlocal m, v
            t += 1
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
            mean = m / (1 - b1**t)
            if nesterov:
                mean = b1 * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)
            return mean / (np.sqrt(v / (1 - b2**t) + eps_root) + eps)

        return step

    return make


def scaled(recurrence, factor, decay=0.0):
    def make():
        step_of = recurrence()
        return lambda t, g, p: factor(t) * (step_of(t, g, p) + decay * p)

    return make


def test_sgd():
    expect(optim.sgd(0.1), lambda: lambda t, g, p: -0.1 * g)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(nesterov):
    def recurrence():
        m = 0.0

        def step(t, g, p):
            nonlocal m
            m = g + 0.9 * m
            return -0.1 * (g + 0.9 * m if nesterov else m)

        return step

    expect(optim.sgd(0.1, momentum=0.9, nesterov=nesterov), recurrence)
    assert optim.momentum is optim.trace


@pytest.mark.parametrize(
    "options", [{}, {"b1": 0.5, "b2": 0.9, "eps": 1e-3, "eps_root": 1e-4}, {"nesterov": True}]
)
def test_adam(options):
    expect(optim.adam(0.1, **options), scaled(adam_recurrence(**options), lambda t: -0.1))


def test_adamw_decays_apart_from_the_gradient():
    expect(optim.adamw(0.1, weight_decay=0.3), scaled(adam_recurrence(), lambda t: -0.1, decay=0.3))


def test_adam_keeps_its_mean_in_the_dtype_asked_for():
    optimiser = optim.adam(0.1, mu_dtype=fnp.float16)
    params = arrays(PARAMS)
    _, state = optimiser.update(arrays(GRADS[0]), optimiser.init(params), params)
    assert state[0].mu["w"].dtype == fnp.float16 and state[0].nu["w"].dtype == fnp.float32
    assert int(state[0].count) == 1 and state[0].count.dtype == fnp.int32


@pytest.mark.parametrize("eps_in_sqrt", [True, False])
@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("momentum", [None, 0.5])
def test_rmsprop(eps_in_sqrt, centered, momentum):
    def recurrence():
        v, mean, m = 0.25, 0.0, 0.0

        def step(t, g, p):
            nonlocal v, mean, m
            v, mean = 0.9 * v + 0.1 * g**2, 0.9 * mean + 0.1 * g
            spread = v - mean**2 if centered else v
            root = np.sqrt(spread + 1e-4) if eps_in_sqrt else np.sqrt(spread) + 1e-4
            m = -0.1 * g / root + (momentum or 0) * m
            return m

        return step

    optimiser = optim.rmsprop(
        0.1,
        eps=1e-4,
        initial_scale=0.25,
        eps_in_sqrt=eps_in_sqrt,
        centered=centered,
        momentum=momentum,
    )
    expect(optimiser, recurrence)


def test_learning_rate_may_be_a_schedule():
    schedule = optim.linear_schedule(1.0, 0.0, 4)
    expect(optim.sgd(schedule), lambda: lambda t, g, p: -max(0.0, 1 - t / 4) * g)


def test_scale_by_learning_rate_without_the_sign():
    optimiser = optim.scale_by_learning_rate(0.5, flip_sign=False)
    expect(optimiser, lambda: lambda t, g, p: 0.5 * g)


def test_clip():
    expect(optim.clip(0.3), lambda: lambda t, g, p: np.clip(g, -0.3, 0.3))


@pytest.mark.parametrize("max_norm", [0.1, 100.0])
def test_clip_by_global_norm(max_norm):
    for got, grads in zip(run(optim.clip_by_global_norm(max_norm)), GRADS, strict=True):
        norm = math.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in grads.values()))
        for k in SHAPES:
            np.testing.assert_allclose(got[k], grads[k] * min(1, max_norm / norm), rtol=1e-5)


def test_global_norm_of_a_complex_tree():
    assert float(optim.global_norm([fnp.asarray([3 + 4j]), fnp.zeros(2)])) == 5.0


def test_weight_decay_mask():
    for mask in ({"w": True, "b": False}, lambda p: {k: v.ndim > 1 for k, v in p.items()}):
        got = run(optim.add_decayed_weights(0.5, mask))[0]
        np.testing.assert_allclose(got["w"], GRADS[0]["w"] + 0.5 * PARAMS["w"], rtol=1e-6)
        np.testing.assert_array_equal(got["b"], GRADS[0]["b"])


def test_chain_applies_in_order():
    expect(
        optim.chain(optim.clip(0.5), optim.scale(2.0), optim.identity()),
        lambda: lambda t, g, p: 2 * np.clip(g, -0.5, 0.5),
    )


def test_apply_updates_keeps_dtype_and_skips_none():
    params = {"a": fnp.ones(2, fnp.float16), "b": fnp.ones(2)}
    new = optim.apply_updates(params, {"a": fnp.full(2, 0.5), "b": None})
    assert new["a"].dtype == fnp.float16 and new["a"].tolist() == [1.5, 1.5]
    assert new["b"].tolist() == [1.0, 1.0]


def test_errors():
    with pytest.raises(ValueError, match="add_decayed_weights: expected the parameters, got None"):
        optim.adamw(0.1).update(1.0, optim.adamw(0.1).init(1.0))
    with pytest.raises(ValueError, match="chain: expected a state of 2 parts, got 1"):
        optim.adam(0.1).update(1.0, (optim.EmptyState(),))


def test_adamw_finds_the_minimum_of_a_quadratic():
    optimiser = optim.adam(optim.exponential_decay(0.3, 50, 0.5))
    target = fnp.asarray([1.0, -2.0, 3.0])

    @ftx.jit
    def step(x, state):
        grads = ftx.grad(lambda x: fnp.sum((x - target) ** 2))(x)
        updates, state = optimiser.update(grads, state, x)
        return optim.apply_updates(x, updates), state

    x = fnp.zeros(3)
    state = optimiser.init(x)
    for _ in range(300):
        x, state = step(x, state)
    np.testing.assert_allclose(np.asarray(x), np.asarray(target), atol=1e-3)


# --- schedules -------------------------------------------------------------------------------

COUNTS = np.arange(0, 41)


def along(schedule):
    """At each count, eagerly from an int and mapped over a traced one: they must agree."""
    eager = [float(schedule(int(count))) for count in COUNTS]
    traced = ftx.jit(ftx.vmap(lambda c: fnp.asarray(schedule(c), dtype=fnp.float32)))
    np.testing.assert_allclose(np.asarray(traced(fnp.asarray(COUNTS))), eager, rtol=1e-5, atol=1e-7)
    return eager


def check_schedule(schedule, formula):
    expected = [formula(count) for count in COUNTS.tolist()]
    np.testing.assert_allclose(along(schedule), expected, rtol=1e-5, atol=1e-6)


def test_constant_and_polynomial():
    check_schedule(optim.constant_schedule(0.3), lambda c: 0.3)
    check_schedule(
        optim.linear_schedule(2.0, 0.5, 20, 5), lambda c: 2 - 1.5 * min(max(c - 5, 0), 20) / 20
    )
    check_schedule(
        optim.polynomial_schedule(2.0, 0.5, 3, 20),
        lambda c: 1.5 * (1 - min(c, 20) / 20) ** 3 + 0.5,
    )
    check_schedule(optim.linear_schedule(2.0, 0.5, 0), lambda c: 2.0)


@pytest.mark.parametrize("staircase", [False, True])
@pytest.mark.parametrize("end_value", [None, 0.4])
def test_exponential_decay(staircase, end_value):
    def formula(c):
        exponent = max(c - 4, 0) / 10
        exponent = math.floor(exponent) if staircase else exponent
        return max(2.0 * 0.5**exponent, end_value or 0)

    schedule = optim.exponential_decay(2.0, 10, 0.5, 4, staircase, end_value)
    check_schedule(schedule, formula)


def test_exponential_growth_is_bounded_above():
    check_schedule(
        optim.exponential_decay(1.0, 10, 2.0, end_value=3.0), lambda c: min(2 ** (c / 10), 3.0)
    )


def cosine(c, steps, alpha=0.0, exponent=1.0):
    share = (0.5 * (1 + math.cos(math.pi * min(c, steps) / steps))) ** exponent
    return (1 - alpha) * share + alpha


def test_cosine():
    check_schedule(
        optim.cosine_decay_schedule(2.0, 30, 0.1, 1.5), lambda c: 2 * cosine(c, 30, 0.1, 1.5)
    )


def test_warmup_cosine():
    check_schedule(
        optim.warmup_cosine_decay_schedule(0.1, 2.0, 10, 35, 0.5),
        lambda c: 0.1 + 1.9 * c / 10 if c < 10 else 2 * cosine(c - 10, 25, 0.25),
    )
    check_schedule(
        optim.warmup_cosine_decay_schedule(0.1, 0.0, 10, 35), lambda c: 0.1 * max(0, 1 - c / 10)
    )


def test_piecewise_and_join():
    check_schedule(
        optim.piecewise_constant_schedule(1.0, {20: 0.1, 10: 0.5}),
        lambda c: 1.0 if c < 10 else 0.5 if c < 20 else 0.05,
    )
    joined = optim.join_schedules(
        [optim.constant_schedule(1.0), optim.linear_schedule(0.0, 1.0, 10)], [15]
    )
    check_schedule(joined, lambda c: 1.0 if c < 15 else min(1.0, (c - 15) / 10))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: optim.cosine_decay_schedule(1.0, 0), "expected decay_steps > 0, got 0"),
        (lambda: optim.exponential_decay(1.0, 0, 0.5), "expected transition_steps > 0, got 0"),
        (lambda: optim.exponential_decay(1.0, 5, 0), "expected decay_rate > 0, got 0"),
        (lambda: optim.exponential_decay(1.0, 5, 0.5, -1), "transition_begin >= 0, got -1"),
        (lambda: optim.linear_schedule(1.0, 0.0, 5, -1), "transition_begin >= 0, got -1"),
        (lambda: optim.piecewise_constant_schedule(1.0, {5: -2}), "scales >= 0, got -2 at 5"),
        (lambda: optim.join_schedules([lambda c: c], [5]), "expected 0 boundaries for 1"),
        (lambda: optim.warmup_cosine_decay_schedule(0, 1, 9, 9), "decay_steps - warmup_steps > 0"),
    ],
)
def test_schedule_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()

"""Random programs: compiled, interpreted and, for their gradients, both again agree."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ftx
import ftx.numpy as fnp

SIZES = (1, 2, 3, 40, 130)
UNARY = ("sin", "tanh", "square", "negative", "exp_small", "abs")
BINARY = ("add", "subtract", "multiply", "maximum")


@st.composite
def steps(draw):
    """A list of instructions; each names an operation and carries numbers that choose operands."""
    kinds = ("unary", "binary", "reduce", "normalise", "move", "cut", "pad", "join", "scan", "take")
    one = st.tuples(st.sampled_from(kinds), st.integers(0, 10**6))
    return draw(st.lists(one, min_size=2, max_size=9))


@st.composite
def shapes(draw):
    return tuple(draw(st.lists(st.sampled_from(SIZES), min_size=1, max_size=3)))


def run(program, x):
    """Interpret the instructions on a growing list of values; sum up what came out."""
    values = [x]
    for kind, n in program:
        a = values[n % len(values)]
        b = values[(n // 7) % len(values)]
        values.append(STEPS[kind](a, b, n // 49))
    out = values[-1]
    return out, fnp.sum(fnp.tanh(out)) + fnp.mean(values[len(values) // 2])


def unary(a, b, n):
    name = UNARY[n % len(UNARY)]
    return fnp.exp(a * 0.1) if name == "exp_small" else getattr(fnp, name)(a)


def binary(a, b, n):
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        return a * fnp.mean(b)
    if np.prod(shape) > 40000:
        return a + fnp.sum(b) * 1e-3
    return getattr(fnp, BINARY[n % len(BINARY)])(a, b)


def reduce(a, b, n):
    if not a.ndim:
        return a * 2
    axis = n % a.ndim
    f = (fnp.sum, fnp.mean, fnp.max, fnp.min)[(n // 3) % 4]
    return f(a, axis=axis, keepdims=bool(n // 12 % 2)) / 3


def normalise(a, b, n):
    if not a.ndim:
        return a
    axis = n % a.ndim
    shifted = a - fnp.mean(a, axis=axis, keepdims=True)
    return shifted / fnp.sqrt(fnp.mean(shifted**2, axis=axis, keepdims=True) + 1.0)


def move(a, b, n):
    if n % 2:
        return fnp.reshape(a, (-1,) if n // 2 % 2 else a.shape[::-1])
    return fnp.transpose(a)


def cut(a, b, n):
    if not a.ndim:
        return a
    size = a.shape[-1]
    return a[..., n % size :: 1 + n % 3] if n % 2 else a[..., ::-1]


def pad(a, b, n):
    if not a.ndim:
        return a
    return fnp.pad(a, [(0, 0)] * (a.ndim - 1) + [(n % 3, n // 3 % 3)], constant_values=0.5)


def join(a, b, n):
    if not a.ndim or a.size > 20000:
        return a
    return fnp.concatenate([a, a * 0.5], axis=n % a.ndim)


def scan(a, b, n):
    return fnp.cumsum(a, axis=n % a.ndim) * 0.1 if a.ndim else a


def take(a, b, n):
    if not a.ndim or a.size > 20000:
        return a
    index = np.array([n % a.shape[0], 0, -1])
    return a[index] if n % 2 else a.at[index].add(0.25)


STEPS = {
    "unary": unary,
    "binary": binary,
    "reduce": reduce,
    "normalise": normalise,
    "move": move,
    "cut": cut,
    "pad": pad,
    "join": join,
    "scan": scan,
    "take": take,
}


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(steps(), shapes())
def test_compiled_and_interpreted_programs_agree(program, shape):
    numbers = np.random.RandomState(len(program)).randn(*shape)
    x = fnp.asarray(numbers)  # float64: differences are errors, not rounding
    f = lambda x: run(program, x)
    slope = ftx.grad(lambda x: run(program, x)[1])
    with ftx.disable_jit():
        expected = [*f(x), slope(x)]
    got = [*ftx.jit(f)(x), ftx.jit(slope)(x)]
    for g, e in zip(got, expected, strict=True):
        assert g.shape == e.shape and g.dtype == e.dtype
        np.testing.assert_allclose(np.asarray(g), np.asarray(e), rtol=1e-9, atol=1e-9)

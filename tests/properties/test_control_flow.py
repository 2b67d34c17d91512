"""Random nests of control flow and transforms: interpreted, compiled, mapped and JAX's agree."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ftx
import ftx.numpy as fnp

FTX = SimpleNamespace(
    numpy=fnp, lax=ftx.lax, grad=ftx.grad, jvp=ftx.jvp, vmap=ftx.vmap, jit=ftx.jit
)
LEAVES = ("sin", "square", "affine", "floor", "cross")
HOLDS = {"cond": 2, "switch": 3, "chain": 2}
KINDS = ("scan", "grad", "cond", "vmap", "while", "jvp", "switch", "jit", "fori", "chain")
DEPTH = 3
SIZE = 3


@st.composite
def programs(draw, kind, depth=DEPTH, loops=True):
    """A tree of (kind, number, held programs), of at most `depth` levels of what holds programs.

    Where `loops` is false there is no loop of unknown length: it has no reverse mode.
    """
    number = draw(st.integers(0, 9))
    if depth == 0:
        return draw(st.sampled_from(LEAVES)), number, ()
    loops = loops and kind != "grad"
    # Hypothesis prefers the first: the simplest program of each kind holds the next kinds.
    kinds = list(KINDS)
    start = kinds.index(kind) + 1
    kinds = [k for k in kinds[start:] + kinds[:start] if loops or k != "while"]
    depths = [depth - 1, *[max(depth - 3, 0)] * (HOLDS.get(kind, 1) - 1)]  # one branch is deep
    held = tuple(draw(st.sampled_from(kinds).flatmap(partial(_held, d, loops))) for d in depths)
    return kind, number, held


def _held(depth, loops, kind):
    return programs(kind, depth, loops)


def holds(program, kind):
    return program[0] == kind or any(holds(held, kind) for held in program[2])


def build(library, program):
    """The program as a function of float[3] to float[3] in (-1, 1), written in `library`."""
    kind, number, held = program
    inner = [build(library, p) for p in held]
    step = NODES[kind]
    return lambda x: library.numpy.tanh(step(library, number, x, *inner))


def affine(library, n, x):
    return x * (0.5 + n / 4) - 0.3


def cross(library, n, x):
    return x[::-1] * x + library.numpy.sum(x) * 0.25


def floor(library, n, x):
    return library.numpy.maximum(x, n / 10 - 0.45) * 1.5


def chain(library, n, x, f, g):
    return g(f(x)) + x


def cond(library, n, x, f, g):
    return library.lax.cond(library.numpy.sum(x) > n / 5 - 0.9, f, g, x)


def switch(library, n, x, *branches):
    which = library.numpy.floor(library.numpy.sum(x) * 2).astype("int32") + n % 3
    return library.lax.switch(which, branches, x)  # clamped: any number is a branch


def scan(library, n, x, f):
    def body(carry, w):
        carry = f(carry) + w * x
        return carry, carry * carry

    weights = np.linspace(-0.4, 0.5, n % 3 + 1)
    last, all_ = library.lax.scan(body, x, weights, reverse=bool(n % 2))
    return last + library.numpy.sum(all_, axis=0)


def fori(library, n, x, f):
    return library.lax.fori_loop(0, n % 4, lambda i, c: f(c) + 0.1 * i, x)


def while_(library, n, x, f):
    size = lambda c: library.numpy.sum(c * c)
    state = library.lax.while_loop(
        lambda s: (s[0] < n % 5) & (size(s[1]) > 0.02), lambda s: (s[0] + 1, f(s[1]) * 0.8), (0, x)
    )
    return state[1] + library.numpy.asarray(state[0], x.dtype) * 0.1


def grad(library, n, x, f):
    return library.grad(lambda y: library.numpy.sum(f(y)))(x)


def jvp(library, n, x, f):
    value, tangent = library.jvp(f, (x,), (library.numpy.cos(x),))
    return value + tangent


def vmap(library, n, x, f):
    return library.numpy.sum(library.vmap(f)(library.numpy.stack([x, x * 0.5 - 0.2])), axis=0)


NODES = {
    "sin": lambda library, n, x: library.numpy.sin(x * (1 + n)),
    "square": lambda library, n, x: x * x - n / 10,
    "affine": affine,
    "floor": floor,
    "cross": cross,
    "chain": chain,
    "cond": cond,
    "switch": switch,
    "scan": scan,
    "fori": fori,
    "while": while_,
    "grad": grad,
    "jvp": jvp,
    "vmap": vmap,
    "jit": lambda library, n, x, f: library.jit(f)(x),
}


def value_and_slope(library, program):
    """x ↦ the value and its gradient; its directional derivative if there is no reverse mode."""
    f = build(library, program)
    derive = jvp if holds(program, "while") else grad
    return lambda x: (f(x), derive(library, 0, x, f))


def points(program, count):
    return np.random.RandomState(program[1]).uniform(-1, 1, (count, SIZE))


def assert_same(got, expected):
    for g, e in zip(got, expected, strict=True):
        assert g.shape == e.shape and np.asarray(g).dtype == np.asarray(e).dtype
        np.testing.assert_allclose(np.asarray(g), np.asarray(e), rtol=1e-9, atol=1e-9)


bounded = partial(
    settings,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
each_kind = pytest.mark.parametrize("kind", KINDS)


@each_kind
@bounded(max_examples=2)
@given(st.data())
def test_eager_compiled_and_mapped_programs_agree(kind, data):
    program = data.draw(programs(kind))
    f, xs = value_and_slope(FTX, program), fnp.asarray(points(program, 3))
    with ftx.disable_jit():
        singles = [f(x) for x in xs]
        rows = [np.stack([np.asarray(s[i]) for s in singles]) for i in range(2)]
        assert_same(ftx.vmap(f)(xs), rows)
    value = build(FTX, program)(xs[0])  # loops and branches are compiled one by one
    assert_same([value], singles[0][:1])
    assert_same(ftx.jit(f)(xs[0]), singles[0])
    assert_same(ftx.jit(ftx.vmap(f))(xs), rows)


@pytest.mark.peers
@each_kind
@bounded(max_examples=3)
@given(st.data())
def test_programs_agree_with_jax(kind, data):
    jax = pytest.importorskip("jax")
    program = data.draw(programs(kind))
    library = SimpleNamespace(
        numpy=jax.numpy, lax=jax.lax, grad=jax.grad, jvp=jax.jvp, vmap=jax.vmap, jit=jax.jit
    )
    xs = points(program, 2)
    with jax.enable_x64(True):
        expected = jax.jit(jax.vmap(value_and_slope(library, program)))(xs)
    with ftx.enable_x64(True), ftx.disable_jit():
        assert_same(ftx.vmap(value_and_slope(FTX, program))(fnp.asarray(xs)), expected)

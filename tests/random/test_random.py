"""Random numbers: the bits of jax.random (fixed here), and moments of every distribution."""

import re

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import random
from ftx.backends.numba_adapter import inspect_kernel
from ftx.backends.vocabulary import kernel_namespace
from ftx.core.errors import DTypeError, KeyReuseError, ShapeError
from ftx.core.primitives.bits import threefry2x32

KEY = random.PRNGKey(42)


def test_keys_and_bits_are_those_of_jax():
    assert random.PRNGKey(0).tolist() == [0, 0] and random.key_data(random.key(7)).tolist() == [
        0,
        7,
    ]
    assert random.PRNGKey(-1).tolist() == [0, 2**32 - 1]
    assert random.split(KEY).tolist() == [[1832780943, 270669613], [64467757, 2916123636]]
    assert random.fold_in(KEY, 9).shape == (2,)
    assert ftx.jit(random.PRNGKey)(42).tolist() == KEY.tolist()
    assert ftx.vmap(random.PRNGKey)(np.arange(3)).shape == (3, 2)
    assert random.split(KEY, (2, 3)).shape == (2, 3, 2)
    assert random.key_data(random.wrap_key_data(KEY)).tolist() == KEY.tolist()


def cases():
    f = np.float32
    p = f([0.1, 0.2, 0.3, 0.2, 0.2])
    grid = np.arange(12.0, dtype=f).reshape(4, 3)
    logits = f([[0.1, 0.2, 3], [1, 1, 1]])
    shape = (7, 3)
    yield from [
        ("split", 5),
        ("fold_in", 9),
        ("bits", shape),
        ("bits", shape, "uint8"),
        ("bits", shape, "uint16"),
    ]
    yield from [
        ("uniform", shape),
        ("uniform", shape, "float16"),
        ("uniform", shape, "bfloat16"),
        ("uniform", (), None, -2.0, 3.0),
    ]
    yield from [("normal", (1000,)), ("normal", shape, "complex64"), ("normal", shape, "float16")]
    yield from [
        ("randint", shape, 0, 10),
        ("randint", shape, -5, 7, "int8"),
        ("randint", shape, 0, 256, "uint8"),
    ]
    yield from [
        ("randint", shape, 0, 2**31 - 1, "int32"),
        ("bernoulli", 0.3, shape),
        ("bernoulli", f([0.1, 0.9])),
        ("bernoulli", 0.3, shape, "high"),
    ]
    yield from [
        ("permutation", 10),
        ("permutation", grid),
        ("permutation", grid, 1, True),
        ("permutation", 5000),
    ]
    yield from [
        ("choice", 10, (4,)),
        ("choice", 10, (4,), False),
        ("choice", grid, (2,)),
        ("choice", 5, (4,), True, p),
    ]
    yield from [
        ("choice", 5, (4,), False, p),
        ("choice", grid, (2,), False, None, 1),
        ("rademacher", shape),
    ]
    yield from [
        ("categorical", logits),
        ("categorical", logits, 0),
        ("categorical", logits, -1, (5, 2)),
        ("categorical", logits, -1, (2, 2), False),
    ]
    yield from [
        ("gumbel", shape),
        ("gumbel", shape, None, "high"),
        ("truncated_normal", -1.0, 2.0, shape),
    ]
    yield from [(n, shape) for n in ("exponential", "laplace", "logistic", "cauchy", "maxwell")]
    yield from [
        ("gamma", f([0.3, 2, 5])),
        ("loggamma", 0.1, shape),
        ("beta", 0.5, 2.0, shape),
        ("dirichlet", f([1, 2, 3]), (4,)),
    ]
    yield from [
        ("chisquare", 3.0, shape),
        ("f", 3.0, 4.0, shape),
        ("t", 3.0, shape),
        ("generalized_normal", 2.0, shape),
        ("ball", 3, 2, shape),
    ]
    yield from [
        ("orthogonal", 4),
        ("orthogonal", 4, (2,), None, 3),
        ("multivariate_normal", f([1, 2]), f([[2, 0.5], [0.5, 1]]), shape),
    ]
    yield from [
        ("pareto", 2.0, shape),
        ("lognormal", 1.0, shape),
        ("rayleigh", 1.5, shape),
        ("weibull_min", 1.0, 2.0, shape),
    ]
    yield from [
        ("double_sided_maxwell", 0.0, 1.0, shape),
        ("triangular", 0.0, 0.3, 1.0, shape),
        ("wald", f(1), shape),
        ("geometric", 0.3, shape),
    ]
    yield from [
        ("poisson", f([3, 50, 0])),
        ("binomial", 10, 0.4, shape),
        ("binomial", 100, 0.4, shape),
        ("multinomial", 20, f([0.2, 0.3, 0.5])),
    ]


SLOW = {"ball", "generalized_normal", "beta", "f", "t", "chisquare", "loggamma", "multinomial"}
CASES = [
    pytest.param(c, marks=pytest.mark.slow if c[0] in SLOW else (), id=f"{i}-{c[0]}")
    for i, c in enumerate(cases())
]


@pytest.mark.peers
@pytest.mark.parametrize("case", CASES, ids=[f"{i}-{c[0]}" for i, c in enumerate(CASES)])
def test_equal_to_jax(case):
    jax = pytest.importorskip("jax")
    name, *args = case
    wanted = np.asarray(getattr(jax.random, name)(jax.random.PRNGKey(42), *args))
    found = np.asarray(getattr(random, name)(KEY, *args))
    assert found.shape == wanted.shape
    plain = (lambda v: v) if found.dtype.kind == "c" else (lambda v: v.astype(float))
    np.testing.assert_allclose(plain(found), plain(wanted), rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "args", "mean", "std"),
    [
        ("uniform", (), 0.5, 12**-0.5),
        ("normal", (), 0, 1),
        ("exponential", (), 1, 1),
        ("laplace", (), 0, 2**0.5),
        ("logistic", (), 0, np.pi / 3**0.5),
        ("gumbel", (), 0.5772, np.pi / 6**0.5),
        ("rademacher", (), 0, 1),
    ],
)
def test_moments(name, args, mean, std):
    x = np.asarray(ftx.jit(lambda k: getattr(random, name)(k, (50_000,)))(KEY)).astype(float)
    assert abs(x.mean() - mean) < 0.02 * std + 0.01 and abs(x.std() - std) < 0.03 * std


def test_same_numbers_compiled_mapped_and_eager():
    eager = random.normal(KEY, (4,))
    np.testing.assert_allclose(
        np.asarray(ftx.jit(lambda k: random.normal(k, (4,)))(KEY)), np.asarray(eager), rtol=1e-6
    )
    rows = ftx.vmap(lambda k: random.uniform(k, (3,)))(random.split(KEY, 2))
    for row, key in zip(rows, random.split(KEY, 2), strict=True):
        assert row.tolist() == random.uniform(key, (3,)).tolist()


def test_an_array_of_numbers_is_one_kernel_over_whole_vectors():
    """The key is hashed into its schedule outside the loop, and rotations are instructions."""
    for f in (lambda k: random.normal(k, (50_000,)), lambda k: random.bits(k, (300, 200))):
        (text,) = ftx.jit(f).kernels(KEY)
        before, loop = text.split("for i in", 1)
        assert "466688986" in before and "466688986" not in loop
        llvm, _ = inspect_kernel(text, "kernel", kernel_namespace())
        assert re.search(r"@llvm\.fshl\.v\d+i32", llvm)
    keys = random.split(KEY, 3)
    assert len(ftx.jit(ftx.vmap(lambda k: random.normal(k, (40,)))).kernels(keys)) == 1


def test_keys_and_counters_of_any_rank():
    """Words hashed under keys of their first axes; under vmap in every combination."""
    keys = np.asarray(random.split(KEY, (2, 3)))
    rows = ftx.vmap(ftx.vmap(lambda k: random.bits(k, (4,))))(keys)
    for i in range(2):
        for j in range(3):
            assert rows[i, j].tolist() == random.bits(keys[i, j], (4,)).tolist()
    same = ftx.jit(ftx.vmap(lambda k, s: random.uniform(k, (3,)) * s, in_axes=(None, 0)))
    wanted = np.asarray(random.uniform(KEY, (3,)))
    np.testing.assert_array_equal(np.asarray(same(KEY, fnp.ones(5))), np.tile(wanted, (5, 1)))
    folded = ftx.vmap(random.fold_in, in_axes=(None, 0))(KEY, np.arange(4))
    assert folded.tolist() == [random.fold_in(KEY, i).tolist() for i in range(4)]
    with pytest.raises(ShapeError, match="a key of its first axes"):
        threefry2x32(*[fnp.zeros(3, "uint32")] * 2, *[fnp.zeros(4, "uint32")] * 2)


def test_dtypes_and_ranges():
    assert random.randint(KEY, (3,), 0, 5).dtype == fnp.int64
    big = random.randint(KEY, (100,), 0, 2**40)
    assert big.max() > 2**33
    assert random.uniform(KEY, (3,), "float64").dtype == fnp.float64
    u = np.asarray(random.uniform(KEY, (10_000,)))
    assert (u >= 0).all() and (u < 1).all()
    grads = ftx.grad(lambda s: (random.normal(KEY, (3,)) * s).sum())(2.0)
    assert grads == random.normal(KEY, (3,)).sum()


def test_errors():
    with pytest.raises(ShapeError, match=r"expected a key, key\[\] or uint32\[2\]"):
        random.normal(3)
    with pytest.raises(ShapeError, match="vmap"):
        random.uniform(random.split(KEY))
    with pytest.raises(DTypeError, match="floating"):
        random.normal(KEY, dtype="int32")
    with pytest.raises(ValueError, match="without replacement"):
        random.choice(KEY, 3, (4,), replace=False)
    with pytest.raises(NotImplementedError, match="threefry"):
        random.key(0, impl="rbg")
    with pytest.raises(NotImplementedError, match="derivative"):
        ftx.grad(ftx.grad(lambda a: random.gamma(KEY, a)))(2.0)


# ---- debug_key_reuse ---------------------------------------------------------------------------


def two_draws(key):
    return random.normal(key) + random.uniform(key)


@pytest.mark.parametrize(
    "act",
    [
        lambda key: two_draws(key),
        lambda key: [random.split(key), random.split(key)],
        lambda key: [random.bits(random.split(key)[0]), random.bits(random.split(key)[0])],
        lambda key: ftx.jit(two_draws)(key),
        lambda key: ftx.vmap(two_draws)(random.split(key)),
        lambda key: [random.permutation(key, 3), random.choice(key, 3)],
        lambda key: ftx.lax.scan(lambda k, _: (random.split(k)[0], two_draws(k)), key, None, 2),
    ],
)
def test_reused_keys_are_found(act):
    key = random.key(11)
    with ftx.debug_key_reuse(), pytest.raises(KeyReuseError, match="test_random.py"):
        act(key)
    act(random.key(11))  # no check without the option


DRAW = ftx.jit(random.normal)
KEYS_OF_STEPS = lambda key: random.split(key, 3)


@ftx.custom_jvp
def noisy(key, x):
    return x * random.normal(key)


@noisy.defjvp
def _noisy_jvp(primals, tangents):
    (key, x), (_, t) = primals, tangents
    return noisy(key, x), t * random.normal(key)


def each_way(act):
    """The act, run at once and as a jitted function."""
    return [act, ftx.jit(act)]


@pytest.mark.parametrize(
    "act",
    [
        lambda key: [DRAW(key), random.normal(key)],
        lambda key: [random.normal(key), DRAW(key)],
        lambda key: [DRAW(key), DRAW(key)],
        lambda key: [ftx.jit(lambda: random.normal(key))(), random.normal(key)],
        lambda key: [ftx.jit(ftx.jit(random.normal))(key), random.normal(key)],
        lambda key: ftx.lax.scan(lambda c, _: (c, random.normal(key)), 0, None, 2),
        lambda key: ftx.lax.scan(lambda k, _: (k, random.normal(k)), key, None, 2),
        lambda key: ftx.lax.fori_loop(0, 2, lambda i, x: x + random.normal(key), 0.0),
        lambda key: ftx.lax.while_loop(lambda x: x < 1, lambda x: x + random.uniform(key), 0.0),
        lambda key: [
            ftx.lax.scan(lambda k, _: (random.split(k)[0], None), key, None, 2),
            random.normal(key),
        ],
        lambda key: [ftx.lax.map(random.normal, ks := KEYS_OF_STEPS(key)), ftx.vmap(DRAW)(ks)],
        lambda key: [ftx.lax.cond(True, random.normal, lambda k: 1.0, key), random.normal(key)],
        lambda key: [ftx.vmap(lambda x: x * random.normal(key))(fnp.ones(2)), random.normal(key)],
        lambda key: [ftx.grad(lambda x: x * random.normal(key))(1.0), random.normal(key)],
        lambda key: [ftx.checkpoint(random.normal)(key), random.normal(key)],
        lambda key: [ftx.grad(noisy, 1)(key, 1.0), random.normal(key)],
    ],
)
def test_reused_keys_are_found_across_functions(act):
    for way in each_way(act):
        with ftx.debug_key_reuse(), pytest.raises(KeyReuseError, match=r"used at test_random.py"):
            way(random.key(11))
    act(random.key(11))


@pytest.mark.parametrize(
    "act",
    [
        lambda key: [DRAW(k) for k in random.split(key)],
        lambda key: ftx.lax.cond(True, random.normal, random.uniform, key),
        lambda key: ftx.vmap(lambda flag: ftx.lax.cond(flag, random.normal, random.uniform, key))(
            fnp.array([True, False])
        ),
        lambda key: ftx.lax.scan(
            lambda k, _: (random.split(k)[0], random.fold_in(k, 7)), key, None, 3
        ),
        lambda key: ftx.lax.map(random.normal, KEYS_OF_STEPS(key)),
        lambda key: ftx.lax.scan(lambda c, _: (c, random.normal(key)), 0, None, 1),
        lambda key: ftx.lax.fori_loop(
            0, 3, lambda i, x: x + random.normal(random.fold_in(key, i)), 0.0
        ),
        lambda key: ftx.grad(ftx.checkpoint(lambda x: fnp.sin(x * random.normal(key))))(1.0),
        lambda key: ftx.grad(ftx.grad(lambda x: fnp.sin(x * DRAW(key))))(1.0),
        lambda key: ftx.grad(noisy, 1)(key, 1.0),
        lambda key: [DRAW(random.clone(key)), ftx.jit(lambda: random.normal(random.clone(key)))()],
        lambda key: [f := ftx.jit(lambda: random.normal(random.key(0))), f(), f()][1:],
        lambda key: ftx.jacrev(lambda x: fnp.sin(x * random.normal(key)))(fnp.ones(2)),
        lambda key: ftx.grad(
            lambda x: ftx.lax.while_loop(
                lambda s: s[0] < 0.9,
                lambda s: (s[0] + x * random.uniform(s[1]), random.fold_in(s[1], 3)),
                (0.1, key),
            )[0]
        )(1.0),
    ],
)
def test_a_key_used_once_is_never_reported(act):
    for way in each_way(act):
        with ftx.debug_key_reuse():
            way(random.clone(random.key(12)))


def test_keys_made_on_purpose_may_be_used_again():
    with ftx.debug_key_reuse():
        for _ in range(2):
            first, second = random.split(random.key(5))
            random.normal(first), random.normal(second)
        random.normal(random.clone(first))
        random.normal(random.fold_in(first, 1)), random.normal(random.fold_in(first, 2))
        ftx.jit(lambda key: random.normal(key) + random.uniform(random.clone(key)))(
            random.fold_in(second, 1)
        )


@pytest.mark.parametrize("case", CASES)
def test_no_distribution_uses_a_key_twice(case):
    name, *args = case
    with ftx.debug_key_reuse():
        getattr(random, name)(random.PRNGKey(42), *args)
        ftx.make_jaxpr(lambda key: getattr(random, name)(key, *args))(KEY)

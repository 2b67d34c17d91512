"""Every distribution draws what jax.random draws: keys, shapes, parameters and dtypes drawn here.

Also: the same numbers eagerly, compiled, and mapped over keys.
"""

import inspect
import zlib
from dataclasses import dataclass

import numpy as np
import pytest

import ftx
from ftx import random
from ftx.core import dtypes

jax = pytest.importorskip("jax")
pytestmark = pytest.mark.peers

SHAPES = ((), (3,), (2, 3), (1, 2, 2), (0, 2))
EPS = {"float16": 1e-3, "bfloat16": 8e-3, "float32": 1.2e-7, "float64": 2.3e-16}
EPS |= {"complex64": 1.2e-7, "complex128": 2.3e-16}


@dataclass(frozen=True)
class Family:
    """How a distribution is called: the ranges of its parameters, and further keywords."""

    name: str
    ranges: tuple[tuple[float, float], ...] = ()
    options: tuple[tuple[str, object], ...] = ()
    dtypes: tuple[str, ...] = ("float32", "float64", "float16", "bfloat16")
    vector: bool = False  # parameters are vectors: the last axis is the distribution's own
    tolerance: float = 100  # in units of the last place, of the larger of the number and 0.1

    def arguments(self, rng, shape, dtype):
        """Parameters of shape `shape` or without axes, of the dtype that is drawn."""
        kind = dtype if dtype in EPS and "complex" not in dtype else "float32"
        found = []
        for low, high in self.ranges:
            whole = (*shape, 3) if self.vector else shape if rng.random() < 0.5 else ()
            found.append(rng.uniform(low, high, whole).astype(dtypes.canonical(kind)))
        return found


def families():
    ints = ("int32", "int64", "int8", "uint16")
    complexes = (*Family("x").dtypes, "complex64", "complex128")
    plain = ("exponential", "laplace", "logistic", "cauchy", "gumbel", "maxwell", "uniform")
    yield from [Family(n, tolerance=1000 if n == "cauchy" else 100) for n in plain]
    yield Family("normal", dtypes=complexes)
    yield Family("gumbel", (), (("mode", "high"),))
    yield Family("uniform", (), (("minval", -2.5), ("maxval", 3.0)))
    yield Family("truncated_normal", ((-2.0, 0.0), (0.1, 2.0)))
    yield from [Family(n, ((0.2, 6.0),), tolerance=400) for n in ("gamma", "loggamma")]
    yield from [Family(n, ((1.0, 6.0),), tolerance=400) for n in ("chisquare", "t", "pareto")]
    yield from [Family(n, ((0.5, 4.0), (0.5, 4.0)), tolerance=400) for n in ("beta", "f")]
    yield Family("dirichlet", ((0.5, 4.0),), vector=True, tolerance=400)
    yield Family("lognormal", ((0.2, 1.5),))
    yield from [Family(n, ((0.5, 3.0),)) for n in ("rayleigh", "wald")]
    yield Family("weibull_min", ((0.5, 3.0), (0.5, 3.0)))
    yield Family("double_sided_maxwell", ((-1.0, 1.0), (0.5, 3.0)))
    yield Family("triangular", ((-1.0, 0.0), (0.1, 0.9), (1.0, 2.0)))
    yield Family("generalized_normal", (), (("p", 1.5),), tolerance=400)
    yield Family("ball", (), (("d", 3), ("p", 1.5)), tolerance=400)
    yield Family("orthogonal", (), (("n", 3), ("m", 2)), ("float32", "float64", "complex64"))
    yield Family("bernoulli", ((0.1, 0.9),), dtypes=("",))
    yield Family("bernoulli", ((0.1, 0.9),), (("mode", "high"),), dtypes=("",))
    yield Family("rademacher", dtypes=(*ints, "float32"))
    yield Family("bits", dtypes=("uint8", "uint16", "uint32", "uint64"))
    yield Family("randint", (), (("minval", -7), ("maxval", 100)), ints)
    yield Family("randint", (), (("minval", 0), ("maxval", 2**31 - 1)), ints[:2])
    yield Family("geometric", ((0.1, 0.9),), dtypes=ints)
    yield Family("poisson", ((0.1, 9.0),), dtypes=ints)
    yield Family("poisson", ((10.0, 60.0),), dtypes=ints[:2])
    yield Family("binomial", (), (("n", 9.0), ("p", 0.3)))
    yield Family("binomial", (), (("n", 80.0), ("p", 0.7)))
    yield Family("categorical", ((-1.0, 1.0),), dtypes=("",), vector=True)


def cases():
    for i, family in enumerate(families()):
        for dtype in family.dtypes:
            wide = "64" in dtype or "128" in dtype
            slow = [pytest.mark.slow] if dtype not in ("", "float32", "int32", "uint8") else []
            yield pytest.param(family, dtype, wide, marks=slow, id=f"{family.name}{i}-{dtype}")


def same(found, wanted, family, dtype):
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape and found.dtype == wanted.dtype
    if found.dtype.name not in EPS:
        np.testing.assert_array_equal(found, wanted)
        return
    whole = complex if found.dtype.kind == "c" else float
    allowed = EPS[found.dtype.name] * family.tolerance
    np.testing.assert_allclose(
        found.astype(whole), wanted.astype(whole), rtol=allowed, atol=allowed / 10
    )


@pytest.mark.parametrize(("family", "dtype", "wide"), list(cases()))
def test_same_numbers(family, dtype, wide):
    rng = np.random.default_rng(zlib.crc32(f"{family.name} {dtype} {family.ranges}".encode()))
    kind = ("key", "PRNGKey")[rng.integers(2)]
    shape, seed = SHAPES[rng.integers(len(SHAPES))], int(rng.integers(2**31))
    args = family.arguments(rng, shape, dtype)
    options = dict(family.options)
    if "shape" in inspect.signature(getattr(random, family.name)).parameters:
        options["shape"] = shape
    if dtype:
        options["dtype"] = dtype
    with jax.enable_x64(wide), ftx.enable_x64(wide):
        wanted = getattr(jax.random, family.name)(getattr(jax.random, kind)(seed), *args, **options)
        key = getattr(random, kind)(seed)
        draw = lambda k: getattr(random, family.name)(k, *args, **options)
        same(draw(key), wanted, family, dtype)
        same(ftx.jit(draw)(key), wanted, family, dtype)
        keys = random.split(key, 2)
        rows = ftx.vmap(draw)(keys)
        for row, one in zip(rows, keys, strict=True):
            same(row, draw(one), family, dtype)


@pytest.mark.parametrize("method", ["cholesky", "eigh", "svd"])
def test_multivariate_normal(method):
    mean, cov = np.float32([1, 2]), np.float32([[2, 0.5], [0.5, 1]])
    draw = lambda r: np.asarray(r.multivariate_normal(r.key(3), mean, cov, (50,), method=method))
    found, wanted = draw(random), draw(jax.random)
    if method == "cholesky":
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    else:  # the signs of eigenvectors are anybody's choice
        assert found.shape == wanted.shape and found.dtype == wanted.dtype
    assert np.abs(found.mean(0) - mean).max() < 1


X = np.arange(12.0, dtype=np.float32).reshape(4, 3)
P = np.float32([0.1, 0.2, 0.3, 0.4])
ORDERS = {
    "permutation number": lambda r, k: r.permutation(k, 9),
    "permutation rows": lambda r, k: r.permutation(k, X),
    "permutation columns": lambda r, k: r.permutation(k, X, 1),
    "permutation independent": lambda r, k: r.permutation(k, X, 1, independent=True),
    "permutation large": lambda r, k: r.permutation(k, 5000),
    "choice number": lambda r, k: r.choice(k, 7, (2, 3)),
    "choice rows": lambda r, k: r.choice(k, X, (2,), axis=1),
    "choice once": lambda r, k: r.choice(k, X, (2,), replace=False),
    "choice weighted": lambda r, k: r.choice(k, 4, (5,), p=P),
    "choice weighted once": lambda r, k: r.choice(k, X, (3,), replace=False, p=P),
    "choice weighted once, high": lambda r, k: r.choice(
        k, 4, (3,), replace=False, p=P, mode="high"
    ),
    "categorical axis": lambda r, k: r.categorical(k, X, 0),
    "categorical more": lambda r, k: r.categorical(k, X, shape=(5, 4)),
    "categorical once": lambda r, k: r.categorical(k, P, shape=(3,), replace=False),
    "categorical high": lambda r, k: r.categorical(k, X, mode="high"),
    "multinomial": lambda r, k: r.multinomial(k, 20.0, P),
    "multinomial rows": lambda r, k: r.multinomial(k, np.float32([5, 9]), P, shape=(2, 4)),
}


@pytest.mark.parametrize("name", ORDERS)
def test_order_and_choice(name):
    seed = zlib.crc32(name.encode()) >> 1
    with jax.enable_x64(False), ftx.enable_x64(False):
        wanted = np.asarray(ORDERS[name](jax.random, jax.random.key(seed)))
        key = random.key(seed)
        for found in (ORDERS[name](random, key), ftx.jit(lambda k: ORDERS[name](random, k))(key)):
            assert found.dtype == wanted.dtype
            np.testing.assert_array_equal(np.asarray(found), wanted)


GRADIENTS = {
    "gamma": (lambda r, k, a: r.gamma(k, a), [0.2, 1.0, 7.0]),
    "loggamma": (lambda r, k, a: r.loggamma(k, a), [0.01, 1.0, 7.0]),
    "beta": (lambda r, k, a: r.beta(k, a, 2.0), [0.5, 3.0]),
    "dirichlet": (lambda r, k, a: r.dirichlet(k, a)[..., 0], [0.5, 3.0, 1.0]),
    "chisquare": (lambda r, k, a: r.chisquare(k, a), [1.0, 5.0]),
    "f": (lambda r, k, a: r.f(k, a, 4.0), [1.0, 5.0]),
    "t": (lambda r, k, a: r.t(k, a), [1.0, 5.0]),
    "pareto": (lambda r, k, a: r.pareto(k, a), [1.0, 5.0]),
    "lognormal": (lambda r, k, a: r.lognormal(k, a), [0.5, 1.0]),
    "rayleigh": (lambda r, k, a: r.rayleigh(k, a), [0.5, 1.0]),
    "weibull scale": (lambda r, k, a: r.weibull_min(k, a, 2.0, (2,)), [0.5, 1.0]),
    "weibull": (lambda r, k, a: r.weibull_min(k, 2.0, a, (2,)), [0.5, 1.0]),
    "double_sided_maxwell": (lambda r, k, a: r.double_sided_maxwell(k, a, 2 * a), [0.5, 1.0]),
    "triangular": (lambda r, k, a: r.triangular(k, 0.0, a, 2.0), [0.5, 1.0]),
    "wald": (lambda r, k, a: r.wald(k, a), [0.5, 1.0]),
    "generalized_normal": (lambda r, k, a: r.generalized_normal(k, a[0], (2,)), [1.5]),
    "uniform": (lambda r, k, a: r.uniform(k, (2,), minval=a, maxval=3.0), [0.5, 1.0]),
    "truncated_normal": (lambda r, k, a: r.truncated_normal(k, a, 2.0), [-0.5, 1.0]),
    "normal": (lambda r, k, a: a[0] + a[1] * r.normal(k, (3,)), [0.5, 2.0]),
    "multivariate_normal": (
        lambda r, k, a: r.multivariate_normal(k, a, np.eye(2, dtype=np.float32)), [0.5, 1.0]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GRADIENTS)
def test_derivatives_in_the_parameters(name):
    function, point = GRADIENTS[name]
    point = np.float32(point)

    def gradient(lib):
        return lib.grad(lambda a: (function(lib.random, lib.random.key(5), a) ** 2).sum())(point)

    wanted = np.asarray(gradient(jax))
    assert np.abs(wanted).max() > 0
    np.testing.assert_allclose(np.asarray(gradient(ftx)), wanted, rtol=3e-4, atol=1e-5)


@pytest.mark.parametrize("a", [0.05, 0.9, 3.0, 40.0])
def test_slopes_of_the_incomplete_gamma_function(a):
    x = np.array([0.01, 0.3, 1.0, 1.2, 5.0, 45.0])
    with jax.enable_x64(True):
        for name in ("igamma_grad_a", "random_gamma_grad"):
            wanted = np.asarray(getattr(jax.lax, name)(np.full_like(x, a), x))
            found = getattr(ftx.lax, name)(np.full_like(x, a), x)
            np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-9)

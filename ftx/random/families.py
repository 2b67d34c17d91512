"""Families of distributions: gamma and its kin, heavy tails, vectors and matrices.

In: keys, parameters that broadcast to the shape.  Out: arrays, equal to jax.random's up to the
rounding of elementary functions.
Must not know: how bits are made.
"""

import functools
import math
import operator

from ..core.errors import ArgumentError, ShapeError
from ..core.primitives import elementwise as E
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.primitives import transcendental as T
from ..core.primitives.special import call
from ..numpy import creation, linalg, reductions, scalar_types, shapes
from ..numpy import elementwise as U
from ..numpy.linear_algebra import einsum
from ..numpy.promotion import (
    asarray,
    broadcast_shapes,
    promote_dtypes,
    shape_tuple,
    unsupported,
)
from ..transforms.custom import custom_jvp
from ..transforms.vmap import vmap
from ..transforms.while_loop import while_loop
from .basic import float_type, normal, number, parameters, rademacher, uniform, unit
from .bits import PRNGKey, split_words, subkeys  # noqa: F401  PRNGKey is for the examples

__all__ = [
    *("ball", "beta", "cauchy", "chisquare", "dirichlet", "double_sided_maxwell"),
    *("exponential", "f", "gamma", "generalized_normal", "laplace", "loggamma"),
    *("logistic", "lognormal", "maxwell", "multivariate_normal", "orthogonal"),
    *("pareto", "rayleigh", "t", "triangular", "wald", "weibull_min"),
]


def exponential(key, shape=(), dtype=None, *, out_sharding=None):
    """Exponential with rate 1: float[shape].

    >>> float(exponential(PRNGKey(0))) >= 0
    True
    """
    unsupported("exponential", out_sharding=out_sharding)
    dtype, shape = float_type("exponential", dtype), shape_tuple("exponential", shape)
    return E.neg(T.log1p(E.neg(unit(key, shape, dtype))))


def cauchy(key, shape=(), dtype=None, *, out_sharding=None):
    """Standard Cauchy: float[shape].

    >>> cauchy(PRNGKey(0), (2,)).shape
    (2,)
    """
    unsupported("cauchy", out_sharding=out_sharding)
    dtype = float_type("cauchy", dtype)
    u = uniform(key, shape, dtype, float(scalar_types.finfo(dtype).eps), 1.0)
    return T.tan(E.mul(number(u, math.pi), E.sub(u, number(u, 0.5))))


def laplace(key, shape=(), dtype=None, *, out_sharding=None):
    """Standard Laplace: float[shape].

    >>> laplace(PRNGKey(0), (2,)).shape
    (2,)
    """
    unsupported("laplace", out_sharding=out_sharding)
    dtype = float_type("laplace", dtype)
    info = scalar_types.finfo(dtype)
    u = uniform(key, shape, dtype, -1.0 + float(info.epsneg), 1.0)
    return E.mul(E.sign(u), T.log1p(E.neg(E.abs_(u))))


def logistic(key, shape=(), dtype=None, *, out_sharding=None):
    """Standard logistic: float[shape].

    >>> logistic(PRNGKey(0), (2,)).shape
    (2,)
    """
    unsupported("logistic", out_sharding=out_sharding)
    dtype = float_type("logistic", dtype)
    x = uniform(key, shape, dtype, float(scalar_types.finfo(dtype).tiny), 1.0)
    return E.sub(T.log(x), T.log1p(E.neg(x)))


def pareto(key, b, shape=None, dtype=None, *, out_sharding=None):
    """Pareto with exponent b: float[shape].

    >>> float(pareto(PRNGKey(0), 2.0)) >= 1
    True
    """
    unsupported("pareto", out_sharding=out_sharding)
    dtype = float_type("pareto", dtype)
    (b,), shape = parameters("pareto", shape, dtype, b)
    return T.exp(E.div(exponential(key, shape, dtype), b))


def lognormal(key, sigma=1.0, shape=None, dtype=None, *, out_sharding=None):
    """exp of a normal number of standard deviation sigma: float[shape].

    >>> float(lognormal(PRNGKey(0))) > 0
    True
    """
    unsupported("lognormal", out_sharding=out_sharding)
    dtype = float_type("lognormal", dtype, "fc")
    (sigma,), shape = parameters("lognormal", shape, dtype, sigma)
    return T.exp(E.mul(normal(key, shape, dtype), sigma))


def rayleigh(key, scale, shape=None, dtype=None, *, out_sharding=None):
    """Rayleigh of the given scale: float[shape].

    >>> float(rayleigh(PRNGKey(0), 1.0)) >= 0
    True
    """
    unsupported("rayleigh", out_sharding=out_sharding)
    dtype = float_type("rayleigh", dtype)
    (scale,), shape = parameters("rayleigh", shape, dtype, scale)
    u = unit(key, shape, dtype)
    return E.mul(scale, T.sqrt(E.mul(T.log(u), number(u, -2))))


def weibull_min(key, scale, concentration, shape=(), dtype=None):
    """Weibull of the given scale and concentration: float[shape].

    >>> float(weibull_min(PRNGKey(0), 1.0, 2.0)) >= 0
    True
    """
    dtype = float_type("weibull_min", dtype)
    u = unit(key, shape_tuple("weibull_min", shape), dtype)
    return U.multiply(U.power(E.neg(T.log1p(E.neg(u))), U.divide(1.0, concentration)), scale)


def maxwell(key, shape=(), dtype=None, *, out_sharding=None):
    """Length of a standard normal vector of 3 components: float[shape].

    >>> float(maxwell(PRNGKey(0))) >= 0
    True
    """
    unsupported("maxwell", out_sharding=out_sharding)
    shape = shape_tuple("maxwell", shape)
    return linalg.norm(normal(key, (*shape, 3), float_type("maxwell", dtype)), axis=-1)


def double_sided_maxwell(key, loc, scale, shape=(), dtype=None):
    """Maxwell with a random sign, scaled and moved: float[shape + parameters' shape].

    >>> double_sided_maxwell(PRNGKey(0), 0.0, 1.0).shape
    ()
    """
    dtype = float_type("double_sided_maxwell", dtype)
    common = broadcast_shapes(asarray(loc).shape, asarray(scale).shape)
    whole = (shape_tuple("double_sided_maxwell", shape) or common) + common
    first, second = subkeys(key)
    size, side = maxwell(first, whole, dtype), rademacher(second, whole, dtype)
    return U.add(U.multiply(E.mul(side, size), scale), loc)


def triangular(key, left, mode, right, shape=None, dtype=None, *, out_sharding=None):
    """Triangular between left and right with its peak at mode: float[shape].

    >>> 0 <= float(triangular(PRNGKey(0), 0.0, 0.5, 1.0)) <= 1
    True
    """
    unsupported("triangular", out_sharding=out_sharding)
    dtype = float_type("triangular", dtype)
    (a, c, b), shape = parameters("triangular", shape, dtype, left, mode, right)
    u, span = unit(key, shape, dtype), E.sub(b, a)
    rising = E.add(a, T.sqrt(E.mul(E.mul(u, span), E.sub(c, a))))
    falling = E.sub(b, T.sqrt(E.mul(E.mul(E.sub(number(u, 1), u), span), E.sub(b, c))))
    return C.select(E.lt(u, E.div(E.sub(c, a), span)), rising, falling)


def wald(key, mean, shape=None, dtype=None, *, out_sharding=None):
    """Inverse Gaussian of the given mean and scale 1: float[shape].

    >>> float(wald(PRNGKey(0), 1.0)) > 0
    True
    """
    unsupported("wald", out_sharding=out_sharding)
    dtype = float_type("wald", dtype)
    (mean,), shape = parameters("wald", shape, dtype, mean)
    first, second = subkeys(key)
    v, z = normal(first, shape, dtype), unit(second, shape, dtype)
    y, square = E.square(v), E.square(mean)
    root = T.sqrt(4 * mean * y + square * E.square(y))
    x = mean + square * y / 2 - mean / 2 * root
    return C.select(E.le(z, E.div(mean, E.add(mean, x))), x, E.div(square, x))


def _gamma_one(key, alpha, log_space):
    """One gamma number, or its logarithm. Source: Marsaglia and Tsang (2000)."""
    zero, one, third = (asarray(v, alpha.dtype) for v in (0, 1, 1 / 3))
    large = E.ge(alpha, one)
    boosted = C.select(large, alpha, E.add(alpha, one))
    d = E.sub(boosted, third)
    c = E.div(third, T.sqrt(d))

    def proposed(state):
        key, x_key, u_key = subkeys(state[0], 3)

        def again(inner):
            rest, subkey = subkeys(inner[0])
            x = normal(subkey, (), alpha.dtype)
            return rest, x, E.add(one, E.mul(x, c))

        _, x, v = while_loop(lambda s: E.le(s[2], zero), again, (x_key, zero, E.neg(one)))
        u = uniform(u_key, (), alpha.dtype)
        return key, E.square(x), E.mul(E.square(v), v), u

    def rejected(state):
        _, x, v, u = state
        squeeze = E.sub(one, E.mul(asarray(0.0331, alpha.dtype), E.square(x)))
        bound = E.add(E.mul(x, asarray(0.5, alpha.dtype)), E.mul(d, E.add(E.sub(one, v), T.log(v))))
        return E.and_(E.ge(u, squeeze), E.ge(T.log(u), bound))

    key, subkey = subkeys(key)
    _, _, v, _ = while_loop(rejected, proposed, (key, zero, one, E.add(one, one)))
    if log_space:
        logs = E.neg(exponential(subkey, (), alpha.dtype))
        flat = E.or_(large, E.eq(logs, zero))
        boost = C.select(flat, zero, E.mul(logs, E.div(one, alpha)))
        return E.add(E.add(T.log(d), T.log(v)), boost)
    u = E.sub(one, uniform(subkey, (), alpha.dtype))
    boost = C.select(large, one, T.pow(u, E.div(one, alpha)))
    return E.mul(E.mul(d, v), boost)


def _gamma(name, key, a, shape, dtype, log_space):
    dtype = float_type(name, dtype)
    (a,), shape = parameters(name, shape, dtype, a)
    n = math.prod(shape)
    if not n:
        return creation.zeros(shape, dtype)
    return S.reshape(_gammas(log_space, split_words(key, n), S.reshape(a, (n,))), shape)


@functools.partial(custom_jvp, nondiff_argnums=(0,))
def _gammas(log_space, keys, a):
    return vmap(lambda k, x: _gamma_one(k, x, log_space))(keys, a)


@_gammas.defjvp
def _gammas_jvp(log_space, primals, tangents):
    """Source: Figurnov et al., "Implicit reparameterization gradients" (2018)."""
    found = _gammas(log_space, *primals)
    if not log_space:
        return found, E.mul(tangents[1], call("gamma_sample_slope", primals[1], found))
    tiny = number(found, float(scalar_types.finfo(found.dtype).tiny))
    sample = E.max_(T.exp(found), tiny)
    slope = call("gamma_sample_slope", primals[1], sample)
    return found, E.mul(tangents[1], E.div(slope, sample))


def gamma(key, a, shape=None, dtype=None, *, out_sharding=None):
    """Gamma with shape parameter a and scale 1: float[shape].

    Differentiable in a: the sample moves so that its probability stays.

    >>> float(gamma(PRNGKey(0), 2.0)) > 0
    True
    """
    unsupported("gamma", out_sharding=out_sharding)
    return _gamma("gamma", key, a, shape, dtype, False)


def loggamma(key, a, shape=None, dtype=None, *, out_sharding=None):
    """Logarithm of a gamma number, exact also for small a: float[shape].

    >>> loggamma(PRNGKey(0), 2.0).shape
    ()
    """
    unsupported("loggamma", out_sharding=out_sharding)
    return _gamma("loggamma", key, a, shape, dtype, True)


def beta(key, a, b, shape=None, dtype=None, *, out_sharding=None):
    """Beta with parameters a and b: float[shape].

    >>> 0 <= float(beta(PRNGKey(0), 1.0, 2.0)) <= 1
    True
    """
    unsupported("beta", out_sharding=out_sharding)
    dtype = float_type("beta", dtype)
    (a, b), shape = parameters("beta", shape, dtype, a, b)
    first, second = subkeys(key)
    x, y = loggamma(first, a, shape, dtype), loggamma(second, b, shape, dtype)
    peak = E.max_(x, y)
    x, y = T.exp(E.sub(x, peak)), T.exp(E.sub(y, peak))
    return E.div(x, E.add(x, y))


def dirichlet(key, alpha, shape=None, dtype=None, *, out_sharding=None):
    """Dirichlet: float[shape + (n,)], rows sum to 1. alpha: float[..., n]

    >>> round(float(dirichlet(PRNGKey(0), asarray([1.0, 1.0])).sum()), 4)
    1.0
    """
    unsupported("dirichlet", out_sharding=out_sharding)
    dtype, alpha = float_type("dirichlet", dtype), asarray(alpha)
    if not alpha.ndim:
        raise ShapeError(f"random.dirichlet: expected alpha [..., n], got {alpha.aval}")
    lead = alpha.shape[:-1] if shape is None else shape_tuple("dirichlet", shape)
    logs = loggamma(key, alpha, (*lead, alpha.shape[-1]), dtype)
    scaled = U.exp(U.subtract(logs, reductions.max(logs, -1, keepdims=True)))
    return U.divide(scaled, reductions.sum(scaled, -1, keepdims=True))


def chisquare(key, df, shape=None, dtype=None, *, out_sharding=None):
    """Chi-square with df degrees of freedom: float[shape].

    >>> float(chisquare(PRNGKey(0), 3.0)) > 0
    True
    """
    unsupported("chisquare", out_sharding=out_sharding)
    dtype = float_type("chisquare", dtype)
    (df,), shape = parameters("chisquare", shape, dtype, df)
    logs = loggamma(key, E.div(df, number(df, 2)), shape, dtype)
    return E.mul(T.exp(logs), number(logs, 2))


def f(key, dfnum, dfden, shape=None, dtype=None, *, out_sharding=None):
    """F with dfnum and dfden degrees of freedom: float[shape].

    >>> float(f(PRNGKey(0), 3.0, 4.0)) > 0
    True
    """
    unsupported("f", out_sharding=out_sharding)
    dtype = float_type("f", dtype)
    (above, below), shape = parameters("f", shape, dtype, dfnum, dfden)
    for_below, for_above = subkeys(key)
    top = E.div(chisquare(for_above, above, shape, dtype), above)
    return E.div(top, E.div(chisquare(for_below, below, shape, dtype), below))


def t(key, df, shape=None, dtype=None, *, out_sharding=None):
    """Student's t with df degrees of freedom: float[shape].

    >>> t(PRNGKey(0), 3.0).shape
    ()
    """
    unsupported("t", out_sharding=out_sharding)
    dtype = float_type("t", dtype)
    (df,), shape = parameters("t", shape, dtype, df)
    first, second = subkeys(key)
    n, half = normal(first, shape, dtype), E.div(df, number(df, 2))
    return E.mul(n, T.sqrt(E.div(half, gamma(second, half, shape, dtype))))


def generalized_normal(key, p, shape=(), dtype=None, *, out_sharding=None):
    """Density proportional to exp(-|x|**p): float[shape].

    >>> generalized_normal(PRNGKey(0), 2.0).shape
    ()
    """
    unsupported("generalized_normal", out_sharding=out_sharding)
    dtype, shape = float_type("generalized_normal", dtype), shape_tuple("shape", shape)
    first, second = subkeys(key)
    g = gamma(first, U.divide(1, p), shape, dtype)
    return U.multiply(rademacher(second, shape, dtype), U.power(g, U.divide(1.0, p)))


def ball(key, d, p=2, shape=(), dtype=None, *, out_sharding=None):
    """Uniform in the unit ball of the p-norm: float[shape + (d,)].

    >>> ball(PRNGKey(0), 3).shape
    (3,)
    """
    unsupported("ball", out_sharding=out_sharding)
    dtype, shape = float_type("ball", dtype), shape_tuple("ball", shape)
    first, second = subkeys(key)
    g = generalized_normal(first, p, (*shape, operator.index(d)), dtype)
    e = exponential(second, shape, dtype)
    total = U.add(reductions.sum(U.power(U.absolute(g), p), -1), e)
    return U.divide(g, S.expand_dims(U.power(total, 1 / p), (len(shape),)))


def orthogonal(key, n, shape=(), dtype=None, m=None, *, out_sharding=None):
    """Random matrices with orthonormal rows or columns: float[shape + (n, m)].

    >>> orthogonal(PRNGKey(0), 2).shape
    (2, 2)
    """
    unsupported("orthogonal", out_sharding=out_sharding)
    dtype, shape = float_type("orthogonal", dtype, "fc"), shape_tuple("orthogonal", shape)
    n, m = operator.index(n), operator.index(n if m is None else m)
    q, r = linalg.qr(normal(key, (*shape, max(n, m), min(n, m)), dtype))
    signs = U.sign(shapes.diagonal(r, 0, -2, -1))
    x = U.multiply(q, S.expand_dims(signs, (signs.ndim - 1,)))
    return shapes.matrix_transpose(x) if n < m else x


def multivariate_normal(
    key, mean, cov, shape=None, dtype=None, method="cholesky", *, out_sharding=None
):
    """Normal vectors: float[shape + (n,)]. mean: float[..., n]; cov: float[..., n, n]

    Args:
      method: factorisation of cov: 'cholesky', 'eigh' or 'svd'.

    >>> cov = asarray([[1.0, 0.0], [0.0, 1.0]])
    >>> multivariate_normal(PRNGKey(0), asarray([0.0, 0.0]), cov).shape
    (2,)
    """
    unsupported("multivariate_normal", out_sharding=out_sharding)
    if method not in ("cholesky", "eigh", "svd"):
        raise ArgumentError(f"random.multivariate_normal: expected a known method, got {method!r}")
    mean, cov = promote_dtypes("multivariate_normal", asarray(mean), asarray(cov), inexact=True)
    if not mean.ndim or cov.shape[-2:] != (mean.shape[-1],) * 2:
        raise ShapeError(
            f"random.multivariate_normal: expected mean [..., n] and cov [..., n, n], got "
            f"{mean.aval} and {cov.aval}"
        )
    dtype = mean.dtype if dtype is None else float_type("multivariate_normal", dtype)
    lead = broadcast_shapes(mean.shape[:-1], cov.shape[:-2])
    lead = lead if shape is None else shape_tuple("multivariate_normal", shape)
    if method == "svd":
        u, s, _ = linalg.svd(cov)
        factor = U.multiply(u, S.expand_dims(T.sqrt(s), (s.ndim - 1,)))
    elif method == "eigh":
        w, v = linalg.eigh(cov)
        factor = U.multiply(v, S.expand_dims(T.sqrt(w), (w.ndim - 1,)))
    else:
        factor = linalg.cholesky(cov)
    drawn = normal(key, (*lead, mean.shape[-1]), dtype)
    return U.add(mean, einsum("...ij,...j->...i", factor, drawn))

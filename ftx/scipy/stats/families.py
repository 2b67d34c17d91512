"""Densities and distribution functions: one object per family, with SciPy's method names.

In: x, parameters, loc and scale that broadcast together.  Out: arrays.
Must not know: random numbers.
"""

import functools
import inspect
import math

from ...core.errors import UnsupportedError
from ...lax import fori_loop
from ...numpy import (
    abs,
    arctan2,
    asarray,
    diagonal,
    exp,
    expm1,
    floor,
    inf,
    linalg,
    log,
    log1p,
    logaddexp,
    logical_and,
    nan,
    pi,
    sign,
    sqrt,
    squeeze,
    sum,
    tan,
    where,
)
from ...numpy.promotion import is_operand, promote_dtypes
from ...transforms.custom import custom_jvp
from ...transforms.symbolic_zeros import SymbolicZero
from .. import special
from ..linalg import solve_triangular


def _inside_unit(q, function):
    """function(q), NaN where q is not in [0, 1]."""
    inside = logical_and(q >= 0, q <= 1)
    return where(inside, function(where(inside, q, 0.5)), nan)


def _signed(method, signature):
    @functools.wraps(method)
    def signed(*args, **kwargs):
        return method(*args, **kwargs)

    signed.__signature__ = signature
    return signed


class Promoting:
    """Its methods see their arguments as floats of one dtype, also those given as numbers.

    Otherwise a number would be a float32 in what is computed of it alone, such as log(scale).
    """

    def __init_subclass__(cls):
        """Promote the arguments; methods that only hand them on get the density's signature."""
        super().__init_subclass__()
        for name, method in list(vars(cls).items()):
            if inspect.isfunction(method) and not name.startswith("_"):
                setattr(cls, name, _promoted(method))
        density = getattr(cls, "logpdf", None) or getattr(cls, "logpmf", None)
        for name in ("pdf", "pmf", "cdf", "sf", "logcdf", "logsf") if density else ():
            if hasattr(cls, name) and name not in vars(cls):
                setattr(cls, name, _signed(getattr(cls, name), inspect.signature(density)))


def _promoted(method):
    signature = inspect.signature(method)
    if any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
        return method  # which hands its arguments on

    @functools.wraps(method)
    def run(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        family, *given = bound.args
        given = [v if is_operand(v) else asarray(v) for v in given]
        return method(family, *promote_dtypes(method.__qualname__, *given, inexact=True))

    return run


class Family(Promoting):
    """A distribution; `loc` moves and `scale` stretches it."""

    def pdf(self, x, *args, **kwargs):
        """Density at x."""
        return exp(self.logpdf(x, *args, **kwargs))

    def cdf(self, x, *args, **kwargs):
        """Probability of values up to x."""
        return exp(self.logcdf(x, *args, **kwargs))

    def sf(self, x, *args, **kwargs):
        """Probability of values above x."""
        return 1 - self.cdf(x, *args, **kwargs)

    def logcdf(self, x, *args, **kwargs):
        """Logarithm of cdf."""
        return _log_of(self.cdf(x, *args, **kwargs), self.sf(x, *args, **kwargs))

    def logsf(self, x, *args, **kwargs):
        """Logarithm of sf."""
        return _log_of(self.sf(x, *args, **kwargs), self.cdf(x, *args, **kwargs))


def _log_of(p, rest):
    """log(p), from 1 - p where that is the smaller."""
    near = p > 0.5
    return where(near, log1p(-where(near, rest, 0.0)), log(where(near, 1.0, p)))


class Norm(Family):
    """Normal distribution."""

    def logpdf(self, x, loc=0, scale=1):
        """Logarithm of the density at x."""
        z = (asarray(x) - loc) / scale
        return -0.5 * z * z - log(scale * sqrt(2 * pi))

    def cdf(self, x, loc=0, scale=1):
        """Probability of values up to x."""
        return special.ndtr((asarray(x) - loc) / scale)

    def logcdf(self, x, loc=0, scale=1):
        """Logarithm of cdf."""
        return special.log_ndtr((asarray(x) - loc) / scale)

    def sf(self, x, loc=0, scale=1):
        """Probability of values above x."""
        return special.ndtr(-(asarray(x) - loc) / scale)

    def logsf(self, x, loc=0, scale=1):
        """Logarithm of sf."""
        return special.log_ndtr(-(asarray(x) - loc) / scale)

    def ppf(self, q, loc=0, scale=1):
        """Value with probability q below it."""
        return special.ndtri(q) * scale + loc

    def isf(self, q, loc=0, scale=1):
        """Value with probability q above it."""
        return -special.ndtri(q) * scale + loc


class Expon(Family):
    """Exponential distribution."""

    def logpdf(self, x, loc=0, scale=1):
        """Logarithm of the density at x."""
        z = (asarray(x) - loc) / scale
        return where(z < 0, -inf, -z - log(scale * 1.0))

    def cdf(self, x, loc=0, scale=1):
        """Probability of values up to x."""
        return -expm1(self.logsf(x, loc, scale))

    def sf(self, x, loc=0, scale=1):
        """Probability of values above x."""
        return exp(self.logsf(x, loc, scale))

    def logsf(self, x, loc=0, scale=1):
        """Logarithm of sf."""
        z = (asarray(x) - loc) / scale
        return where(z < 0, 0.0, -z)

    def ppf(self, q, loc=0, scale=1):
        """Value with probability q below it; NaN for q outside [0, 1]."""
        return _inside_unit(q, lambda q: loc - scale * log1p(-q))


class Laplace(Family):
    """Laplace distribution."""

    def logpdf(self, x, loc=0, scale=1):
        """Logarithm of the density at x."""
        return -abs((asarray(x) - loc) / scale) - log(2.0 * scale)

    def cdf(self, x, loc=0, scale=1):
        """Probability of values up to x."""
        z = (asarray(x) - loc) / scale
        return where(z <= 0, 0.5 * exp(where(z <= 0, z, 0.0)), 1 - 0.5 * exp(-abs(z)))

    def sf(self, x, loc=0, scale=1):
        """Probability of values above x."""
        return self.cdf(-(x - loc), 0, scale)

    def logcdf(self, x, loc=0, scale=1):
        """Logarithm of cdf."""
        z = (asarray(x) - loc) / scale
        return where(z <= 0, z - math.log(2), log1p(-0.5 * exp(-abs(z))))

    def logsf(self, x, loc=0, scale=1):
        """Logarithm of sf."""
        return self.logcdf(-(x - loc), 0, scale)


class Logistic(Family):
    """Logistic distribution."""

    def logpdf(self, x, loc=0, scale=1):
        """Logarithm of the density at x."""
        z = (asarray(x) - loc) / scale
        return z - 2 * logaddexp(0.0, z) - log(scale * 1.0)

    def cdf(self, x, loc=0, scale=1):
        """Probability of values up to x."""
        return special.expit((asarray(x) - loc) / scale)

    def logcdf(self, x, loc=0, scale=1):
        """Logarithm of cdf."""
        return -logaddexp(0, -(asarray(x) - loc) / scale)

    def sf(self, x, loc=0, scale=1):
        """Probability of values above x."""
        return special.expit(-(asarray(x) - loc) / scale)

    def logsf(self, x, loc=0, scale=1):
        """Logarithm of sf."""
        return -logaddexp(0, (asarray(x) - loc) / scale)

    def ppf(self, x, loc=0, scale=1):
        """Value with probability x below it."""
        return special.logit(x) * scale + loc

    def isf(self, x, loc=0, scale=1):
        """Value with probability x above it."""
        return -special.logit(x) * scale + loc


class Cauchy(Family):
    """Cauchy distribution."""

    def logpdf(self, x, loc=0, scale=1):
        """Logarithm of the density at x."""
        z = (asarray(x) - loc) / scale
        return -log(pi * scale) - log1p(z * z)

    def cdf(self, x, loc=0, scale=1):
        """Probability of values up to x."""
        return self.sf(-(x - loc), 0, scale)

    def sf(self, x, loc=0, scale=1):
        """Probability of values above x."""
        return arctan2(1, (asarray(x) - loc) / scale) / pi

    def ppf(self, q, loc=0, scale=1):
        """Value with probability q below it; NaN for q outside [0, 1]."""
        return _inside_unit(q, lambda q: loc + scale * tan(pi * (q - 0.5)))

    def isf(self, q, loc=0, scale=1):
        """Value with probability q above it; NaN for q outside [0, 1]."""
        return _inside_unit(q, lambda q: loc - scale * tan(pi * (q - 0.5)))


class Uniform(Family):
    """Uniform distribution on [loc, loc + scale]."""

    def logpdf(self, x, loc=0, scale=1):
        """Logarithm of the density at x."""
        x = asarray(x)
        inside = logical_and(x >= loc, x <= loc + scale)
        return where(inside, -log(scale * 1.0), -inf)

    def cdf(self, x, loc=0, scale=1):
        """Probability of values up to x."""
        return ((asarray(x) - loc) / scale).clip(0.0, 1.0)

    def ppf(self, q, loc=0, scale=1):
        """Value with probability q below it; NaN for q outside [0, 1]."""
        return _inside_unit(q, lambda q: loc + scale * q)


class Gamma(Family):
    """Gamma distribution of shape a."""

    def logpdf(self, x, a, loc=0, scale=1):
        """Logarithm of the density at x."""
        z = (asarray(x) - loc) / scale
        found = special.xlogy(a - 1.0, z) - z - special.gammaln(a) - log(scale * 1.0)
        return where(z < 0, -inf, found)

    def cdf(self, x, a, loc=0, scale=1):
        """Probability of values up to x."""
        z = (asarray(x) - loc) / scale
        return where(z > 0, special.gammainc(a, where(z > 0, z, 1)), 0.0)

    def sf(self, x, a, loc=0, scale=1):
        """Probability of values above x."""
        z = (asarray(x) - loc) / scale
        return where(z > 0, special.gammaincc(a, where(z > 0, z, 1)), 1.0)


class Beta(Family):
    """Beta distribution of parameters a and b."""

    def logpdf(self, x, a, b, loc=0, scale=1):
        """Logarithm of the density at x."""
        z = (asarray(x) - loc) / scale
        found = special.xlogy(a - 1.0, z) + special.xlog1py(b - 1.0, -z) - special.betaln(a, b)
        return where(logical_and(z >= 0, z <= 1), found - log(scale * 1.0), -inf)

    def cdf(self, x, a, b, loc=0, scale=1):
        """Probability of values up to x."""
        z = (asarray(x) - loc) / scale
        inside = logical_and(z > 0, z < 1)
        return where(inside, special.betainc(a, b, where(inside, z, 0.5)), where(z > 0, 1.0, 0.0))

    def sf(self, x, a, b, loc=0, scale=1):
        """Probability of values above x."""
        return self.cdf(1 - (asarray(x) - loc) / scale, b, a)


class StudentT(Family):
    """Student's t distribution of df degrees of freedom."""

    def logpdf(self, x, df, loc=0, scale=1):
        """Logarithm of the density at x."""
        z, df = (asarray(x) - loc) / scale, asarray(df) * 1.0
        norm_ = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - 0.5 * log(df * pi)
        return norm_ - (df + 1) / 2 * log1p(z * z / df) - log(scale * 1.0)

    def cdf(self, x, df, loc=0, scale=1):
        """Probability of values up to x; not differentiable in df."""
        return _t_cdf((asarray(x) - loc) / scale, df)

    def sf(self, x, df, loc=0, scale=1):
        """Probability of values above x; not differentiable in df."""
        return _t_cdf(-(asarray(x) - loc) / scale, df)


@custom_jvp
def _t_cdf(z, df):
    """From the incomplete beta function on the side where nothing cancels."""
    square = z * z
    near = square < df
    share = square / (df + square)
    middle = 0.5 + 0.5 * sign(z) * special.betainc(0.5, df / 2, where(near, share, 0.5))
    tail = 0.5 * special.betainc(df / 2, 0.5, where(near, 0.5, 1 / (1 + square / df)))
    return where(near, middle, where(z < 0, tail, 1 - tail))


def _t_cdf_rule(primals, tangents):
    (z, df), (dz, ddf) = primals, tangents
    if not isinstance(ddf, SymbolicZero):
        raise UnsupportedError(
            "derivative of t.cdf: expected a constant df, got one that is differentiated; stop it "
            "with ftx.lax.stop_gradient"
        )
    return _t_cdf(z, df), t.pdf(z, df) * dz


_t_cdf.defjvp(_t_cdf_rule, symbolic_zeros=True)


class Bernoulli(Promoting):
    """0 or 1, the latter with probability p."""

    def logpmf(self, k, p, loc=0):
        """Logarithm of the probability of k."""
        x = asarray(k) - loc
        found = where(x == 1, log(p * 1.0), log1p(-p * 1.0))
        return where((x == 0) | (x == 1), found, -inf)

    def pmf(self, k, p, loc=0):
        """Probability of k."""
        return exp(self.logpmf(k, p, loc))

    def cdf(self, k, p):
        """Probability of values up to k; NaN for p outside [0, 1]."""
        return _inside_unit(p, lambda p: where(k < 0, 0.0, where(k < 1, 1 - p, 1.0)))

    def ppf(self, q, p):
        """The least value with probability of at least q up to it; NaN outside [0, 1]."""
        return _inside_unit(p, lambda p: _inside_unit(q, lambda q: where(q <= 1 - p, 0.0, 1.0)))


class Poisson(Promoting):
    """Counts of rate mu."""

    def logpmf(self, k, mu, loc=0):
        """Logarithm of the probability of k."""
        x = (asarray(k) - loc) * 1.0
        found = special.xlogy(x, mu) - special.gammaln(x + 1) - mu
        return where(logical_and(x >= 0, x == floor(x)), found, -inf)

    def pmf(self, k, mu, loc=0):
        """Probability of k."""
        return exp(self.logpmf(k, mu, loc))

    def cdf(self, k, mu, loc=0):
        """Probability of counts up to k."""
        x = floor((asarray(k) - loc) * 1.0)
        return where(x < 0, 0.0, special.gammaincc(x.clip(0.0) + 1, mu))

    def entropy(self, mu, loc=0):
        """Entropy in nats: for small mu by its sum, which cancels, else by its series in 1 / mu.

        Source: Evans and Boersma, "The entropy of a Poisson distribution" (1988).
        """
        many = 200 if mu.dtype.itemsize == 8 else 20
        few = logical_and(mu > 0, mu < many)
        size = where(few, mu, 1.0)

        def term(k, total):
            k = k.astype(size.dtype)
            logs = special.gammaln(k + 1)
            return total + exp(k * log(size) - size - logs) * logs

        summed = size * (1 - log(size)) + fori_loop(0, 100 + 2 * many, term, size * 0)
        far = 1 / where(mu < many, many, mu)
        series = 0.5 * (log(2 * pi / far) + 1) - far * (1 / 12 + far * (1 / 24 + far * 19 / 360))
        found = where(few, summed, where(mu == 0, 0.0, series))
        return where(mu >= 0, found, nan)


class MultivariateNormal:
    """Normal vectors. x: float[..., n]; mean: [n]; cov: [n, n], or a number for all variances."""

    def logpdf(self, x, mean, cov, allow_singular=None):
        """Logarithm of the density at x."""
        if allow_singular is not None:
            raise UnsupportedError(
                f"multivariate_normal: expected allow_singular=None, got {allow_singular}; "
                "add a small multiple of the identity to cov"
            )
        x, mean, cov = asarray(x) * 1.0, asarray(mean) * 1.0, asarray(cov) * 1.0
        if not mean.ndim:
            return -0.5 * ((x - mean) ** 2 / cov + log(2 * pi * cov))
        n, gap = mean.shape[-1], x - mean
        if not cov.ndim:
            return -0.5 * (sum(gap**2, -1) / cov + n * (log(2 * pi) + log(cov)))
        factor = linalg.cholesky(cov)
        y = squeeze(solve_triangular(factor, gap[..., None], lower=True), -1)
        size = sum(log(diagonal(factor, 0, -2, -1)), -1)
        return -0.5 * sum(y * y, -1) - n / 2 * math.log(2 * math.pi) - size

    def pdf(self, x, mean, cov):
        """Density at x."""
        return exp(self.logpdf(x, mean, cov))


norm, expon, laplace, logistic = Norm(), Expon(), Laplace(), Logistic()
cauchy, uniform, gamma, beta, t = Cauchy(), Uniform(), Gamma(), Beta(), StudentT()
bernoulli, poisson, multivariate_normal = Bernoulli(), Poisson(), MultivariateNormal()

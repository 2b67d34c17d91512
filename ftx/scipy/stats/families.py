"""Densities and distribution functions: one object per family, with SciPy's method names.

In: x, parameters, loc and scale that broadcast together.  Out: arrays.
Must not know: random numbers.
"""

import functools
import inspect
import math

from ...core.errors import UnsupportedError
from ...numpy import (
    abs,
    arctan,
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
    pi,
    sqrt,
    squeeze,
    sum,
    tan,
    where,
)
from ...numpy.promotion import is_operand, promote_dtypes
from .. import special
from ..linalg import solve_triangular


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
        return log(self.cdf(x, *args, **kwargs))

    def logsf(self, x, *args, **kwargs):
        """Logarithm of sf."""
        return log(self.sf(x, *args, **kwargs))


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
        z = (asarray(x) - loc) / scale
        return where(z < 0, 0.0, -expm1(-z))


class Laplace(Family):
    """Laplace distribution."""

    def logpdf(self, x, loc=0, scale=1):
        """Logarithm of the density at x."""
        return -abs((asarray(x) - loc) / scale) - log(2.0 * scale)

    def cdf(self, x, loc=0, scale=1):
        """Probability of values up to x."""
        z = (asarray(x) - loc) / scale
        return where(z <= 0, 0.5 * exp(where(z <= 0, z, 0.0)), 1 - 0.5 * exp(-abs(z)))


class Logistic(Family):
    """Logistic distribution."""

    def logpdf(self, x, loc=0, scale=1):
        """Logarithm of the density at x."""
        z = (asarray(x) - loc) / scale
        return z - 2 * logaddexp(0.0, z) - log(scale * 1.0)

    def cdf(self, x, loc=0, scale=1):
        """Probability of values up to x."""
        return special.expit((asarray(x) - loc) / scale)


class Cauchy(Family):
    """Cauchy distribution."""

    def logpdf(self, x, loc=0, scale=1):
        """Logarithm of the density at x."""
        z = (asarray(x) - loc) / scale
        return -log(pi * scale) - log1p(z * z)

    def cdf(self, x, loc=0, scale=1):
        """Probability of values up to x."""
        return 0.5 + arctan((asarray(x) - loc) / scale) / pi

    def ppf(self, q, loc=0, scale=1):
        """Value with probability q below it."""
        return loc + scale * tan(pi * (asarray(q) - 0.5))


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
        return special.gammainc(a, z.clip(0.0))


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
        return special.betainc(a, b, z.clip(0.0, 1.0))


class StudentT(Family):
    """Student's t distribution of df degrees of freedom."""

    def logpdf(self, x, df, loc=0, scale=1):
        """Logarithm of the density at x."""
        z, df = (asarray(x) - loc) / scale, asarray(df) * 1.0
        norm_ = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - 0.5 * log(df * pi)
        return norm_ - (df + 1) / 2 * log1p(z * z / df) - log(scale * 1.0)


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

"""More families: counts, extremes, circles, simplices; one object each, with SciPy's method names.

In: x, parameters, loc and scale that broadcast together.  Out: arrays.
Values outside a family's support have density 0 and are kept from its formula, so that gradients
stay finite.
Must not know: random numbers.
"""

import math

from ...numpy import (
    abs,
    asarray,
    cos,
    exp,
    expm1,
    floor,
    inf,
    log,
    log1p,
    logical_and,
    nan,
    ones_like,
    pi,
    sign,
    sum,
    where,
)
from .. import special
from .families import Family, Gamma, Promoting


class Counts(Promoting):
    """A family of integers."""

    def pmf(self, k, *args, **kwargs):
        """Probability of k."""
        return exp(self.logpmf(k, *args, **kwargs))


def _whole(x, low, high=inf):
    """Which x are integers from low to high, and x with `low` in place of the others."""
    inside = logical_and(logical_and(x >= low, x <= high), x == floor(x))
    return inside, where(inside, x, low)


def _log_binomial(n, k):
    return special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0)


class Binom(Counts):
    """Successes in n trials of probability p."""

    def logpmf(self, k, n, p, loc=0):
        """Logarithm of the probability of k."""
        n = asarray(n) * 1.0
        inside, x = _whole((asarray(k) - loc) * 1.0, 0, n)
        found = _log_binomial(n, x) + special.xlogy(x, p) + special.xlog1py(n - x, -asarray(p))
        return where(inside, found, -inf)


class BetaBinom(Counts):
    """Successes in n trials, whose probability has a beta distribution."""

    def logpmf(self, k, n, a, b, loc=0):
        """Logarithm of the probability of k."""
        n = asarray(n) * 1.0
        inside, x = _whole((asarray(k) - loc) * 1.0, 0, n)
        found = special.betaln(x + a, n - x + b) - special.betaln(asarray(a) * 1.0, b)
        return where(inside, _log_binomial(n, x) + found, -inf)


class NegativeBinom(Counts):
    """Failures before n successes of probability p."""

    def logpmf(self, k, n, p, loc=0):
        """Logarithm of the probability of k."""
        n = asarray(n) * 1.0
        inside, x = _whole((asarray(k) - loc) * 1.0, 0)
        ways = special.gammaln(x + n) - special.gammaln(n) - special.gammaln(x + 1.0)
        return where(inside, ways + special.xlogy(n, p) + special.xlog1py(x, -asarray(p)), -inf)


class Geom(Counts):
    """Trials up to the first success, of probability p."""

    def logpmf(self, k, p, loc=0):
        """Logarithm of the probability of k."""
        inside, x = _whole((asarray(k) - loc) * 1.0, 1)
        return where(inside, special.xlog1py(x - 1, -asarray(p)) + log(asarray(p) * 1.0), -inf)


class Multinomial(Counts):
    """Counts of n trials in each of several classes. x: int[..., k]; p: float[..., k]."""

    def logpmf(self, x, n, p):
        """Logarithm of the probability of the counts x."""
        x, n = asarray(x) * 1.0, asarray(n) * 1.0
        inside, safe = _whole(x, 0)
        found = special.gammaln(n + 1) + sum(special.xlogy(safe, p) - special.gammaln(safe + 1), -1)
        fits = logical_and(inside.all(-1), sum(x, -1) == n)
        return where(fits, found, -inf)


class Dirichlet(Promoting):
    """Points of a simplex. x: float[k, ...] or its first k - 1 components; alpha: float[k]."""

    def logpdf(self, x, alpha):
        """Logarithm of the density at x."""
        x, alpha = asarray(x) * 1.0, asarray(alpha) * 1.0
        if x.shape[0] == alpha.shape[0] - 1:
            rest = ones_like(x[:1]) - sum(x, 0, keepdims=True)
            x = asarray([*x, rest[0]])
        norm = sum(special.gammaln(alpha)) - special.gammaln(sum(alpha))
        inside = logical_and((x >= 0).all(0), abs(sum(x, 0) - 1) < 1e-5)
        weights = alpha.reshape(-1, *[1] * (x.ndim - 1)) - 1
        found = sum(special.xlogy(weights, where(inside, x, 1 / x.shape[0])), 0) - norm
        return where(inside, found, -inf)

    def pdf(self, x, alpha):
        """Density at x."""
        return exp(self.logpdf(x, alpha))


class ChiSquare(Family):
    """Sum of df squared standard normal numbers."""

    def logpdf(self, x, df, loc=0, scale=1):
        """Logarithm of the density at x."""
        return Gamma().logpdf(x, asarray(df) / 2, loc, 2 * asarray(scale))

    def cdf(self, x, df, loc=0, scale=1):
        """Probability of values up to x."""
        z = (asarray(x) - loc) / scale
        return where(z <= 0, 0.0, special.gammainc(asarray(df) / 2, where(z <= 0, 1, z) / 2))

    def sf(self, x, df, loc=0, scale=1):
        """Probability of values above x."""
        z = (asarray(x) - loc) / scale
        return where(z <= 0, 1.0, special.gammaincc(asarray(df) / 2, where(z <= 0, 1, z) / 2))


class GenNorm(Family):
    """Density proportional to exp(-|x|**beta)."""

    def logpdf(self, x, beta):
        """Logarithm of the density at x."""
        x, beta = asarray(x) * 1.0, asarray(beta) * 1.0
        size = abs(where(x == 0, 1, x)) ** beta
        return log(beta / 2) - special.gammaln(1 / beta) - where(x == 0, 0.0, size)

    def cdf(self, x, beta):
        """Probability of values up to x."""
        x, beta = asarray(x) * 1.0, asarray(beta) * 1.0
        return 0.5 * (1 + sign(x) * special.gammainc(1 / beta, abs(x) ** beta))


class GumbelR(Family):
    """The largest of many: double exponential to the right."""

    def logpdf(self, x, loc=0, scale=1):
        """Logarithm of the density at x."""
        z = (asarray(x) - loc) / scale
        return -z - exp(-z) - log(scale * 1.0)

    def logcdf(self, x, loc=0, scale=1):
        """Logarithm of cdf."""
        return -exp(-(asarray(x) - loc) / scale)

    def sf(self, x, loc=0, scale=1):
        """Probability of values above x."""
        return -expm1(self.logcdf(x, loc, scale))

    def ppf(self, p, loc=0, scale=1):
        """Value with probability p below it."""
        return loc - scale * log(-log(asarray(p) * 1.0))


class GumbelL(Family):
    """The smallest of many: double exponential to the left."""

    def logpdf(self, x, loc=0, scale=1):
        """Logarithm of the density at x."""
        z = (asarray(x) - loc) / scale
        return z - exp(z) - log(scale * 1.0)

    def cdf(self, x, loc=0, scale=1):
        """Probability of values up to x."""
        return -expm1(self.logsf(x, loc, scale))

    def logcdf(self, x, loc=0, scale=1):
        """Logarithm of cdf."""
        return log(self.cdf(x, loc, scale))

    def sf(self, x, loc=0, scale=1):
        """Probability of values above x."""
        return exp(self.logsf(x, loc, scale))

    def logsf(self, x, loc=0, scale=1):
        """Logarithm of sf."""
        return -exp((asarray(x) - loc) / scale)

    def ppf(self, p, loc=0, scale=1):
        """Value with probability p below it."""
        return loc + scale * log(-log1p(-asarray(p) * 1.0))


class Pareto(Family):
    """A power law from 1 upwards."""

    def logpdf(self, x, b, loc=0, scale=1):
        """Logarithm of the density at x."""
        z, b = (asarray(x) - loc) / scale, asarray(b) * 1.0
        found = log(b) - (b + 1) * log(where(z < 1, 1, z)) - log(scale * 1.0)
        return where(z < 1, -inf, found)

    def logsf(self, x, b, loc=0, scale=1):
        """Logarithm of sf."""
        z = (asarray(x) - loc) / scale
        return where(z < 1, 0.0, -b * log(where(z < 1, 1, z)))

    def sf(self, x, b, loc=0, scale=1):
        """Probability of values above x."""
        return exp(self.logsf(x, b, loc, scale))

    def cdf(self, x, b, loc=0, scale=1):
        """Probability of values up to x."""
        return -expm1(self.logsf(x, b, loc, scale))

    def logcdf(self, x, b, loc=0, scale=1):
        """Logarithm of cdf."""
        return log(self.cdf(x, b, loc, scale))

    def ppf(self, q, b, loc=0, scale=1):
        """Value with probability q below it; NaN for q outside [0, 1]."""
        q = asarray(q) * 1.0
        inside = logical_and(q >= 0, q <= 1)
        found = exp(-log1p(-where(inside, q, 0.5)) / b)
        return where(inside, loc + scale * found, nan)


def _log_between(a, b):
    """log(Phi(b) - Phi(a)) for a < b, from the tail in which both are, so that nothing cancels."""
    mixed = logical_and(a <= 0, b > 0)
    right = a > 0
    low, high = where(right, -b, a), where(right, -a, b)
    # Where the other formula counts, numbers at which this one has a derivative.
    low, high = where(mixed, -2.0, low), where(mixed, -1.0, high)
    top, bottom = special.log_ndtr(high), special.log_ndtr(low)
    tail = top + log1p(-exp(bottom - top))
    left, rest = where(mixed, a, -1.0), where(mixed, b, 1.0)
    middle = log1p(-special.ndtr(left) - special.ndtr(-rest))
    return where(mixed, middle, tail)


class TruncNorm(Family):
    """Normal distribution between a and b standard deviations from its mean."""

    def logpdf(self, x, a, b, loc=0, scale=1):
        """Logarithm of the density at x."""
        z, a, b = (asarray(x) - loc) / scale, asarray(a) * 1.0, asarray(b) * 1.0
        inside = logical_and(z >= a, z <= b)
        safe = where(inside, z, 0)
        found = -0.5 * safe * safe - 0.5 * math.log(2 * math.pi) - _log_between(a, b)
        return where(inside, found - log(scale * 1.0), -inf)

    def logcdf(self, x, a, b, loc=0, scale=1):
        """Logarithm of cdf."""
        z, a, b = (asarray(x) - loc) / scale, asarray(a) * 1.0, asarray(b) * 1.0
        inside = logical_and(z > a, z < b)
        found = _log_between(a, where(inside, z, b)) - _log_between(a, b)
        return where(inside, found, where(z <= a, -inf, 0.0))

    def logsf(self, x, a, b, loc=0, scale=1):
        """Logarithm of sf."""
        z, a, b = (asarray(x) - loc) / scale, asarray(a) * 1.0, asarray(b) * 1.0
        inside = logical_and(z > a, z < b)
        found = _log_between(where(inside, z, a), b) - _log_between(a, b)
        return where(inside, found, where(z >= b, -inf, 0.0))

    def cdf(self, x, a, b, loc=0, scale=1):
        """Probability of values up to x."""
        return exp(self.logcdf(x, a, b, loc, scale))

    def sf(self, x, a, b, loc=0, scale=1):
        """Probability of values above x."""
        return exp(self.logsf(x, a, b, loc, scale))


class VonMises(Promoting):
    """Angles in radians, near 0 for large kappa."""

    def logpdf(self, x, kappa):
        """Logarithm of the density at x."""
        kappa = asarray(kappa) * 1.0
        return kappa * (cos(asarray(x) * 1.0) - 1) - log(2 * pi * special.i0e(kappa))

    def pdf(self, x, kappa):
        """Density at x."""
        return exp(self.logpdf(x, kappa))


class WrapCauchy(Promoting):
    """Angles in [0, 2 pi) radians, near 0 for c near 1."""

    def logpdf(self, x, c):
        """Logarithm of the density at x."""
        x, c = asarray(x) * 1.0, asarray(c) * 1.0
        found = log1p(-c * c) - math.log(2 * math.pi) - log(1 + c * c - 2 * c * cos(x))
        return where(logical_and(x >= 0, x <= 2 * pi), found, -inf)

    def pdf(self, x, c):
        """Density at x."""
        return exp(self.logpdf(x, c))


binom, betabinom, nbinom, geom = Binom(), BetaBinom(), NegativeBinom(), Geom()
multinomial, dirichlet, chi2, gennorm = Multinomial(), Dirichlet(), ChiSquare(), GenNorm()
gumbel_r, gumbel_l, pareto, truncnorm = GumbelR(), GumbelL(), Pareto(), TruncNorm()
vonmises, wrapcauchy = VonMises(), WrapCauchy()

"""Further special functions: integrals, hypergeometric functions, binomials, Bessel functions.

In: real arrays that broadcast together.  Out: arrays.
Must not know: how they are computed; most are SciPy's, as steps between kernels.
"""

import operator
from fractions import Fraction

import numpy as np

from ..core.errors import ArgumentError
from ..core.primitives import effects
from ..core.primitives import transcendental as T
from ..core.primitives.special import call
from ..numpy import composed as M
from ..numpy import elementwise as U
from ..numpy import joining
from ..numpy.promotion import asarray, promote, promote_dtypes

__all__ = [
    *("bernoulli", "bessel_jn", "beta", "boxcox", "boxcox1p", "comb", "dawsn", "erfcx", "expn"),
    *("fresnel", "gammasgn", "hyp1f1", "hyp2f1", "loggamma", "owens_t", "poch", "sici", "spence"),
]


def _one(name, x):
    return promote_dtypes(name, x, inexact=True)[0]


def dawsn(x):
    """exp(-x²) times the integral of exp(t²) from 0 to x. x: real[...] -> float[...]

    >>> round(float(dawsn(1.0)), 4)
    0.5381
    """
    return call("dawsn", _one("dawsn", x))


def erfcx(x):
    """exp(x²) erfc(x) without overflow. x: real[...] -> float[...]

    >>> round(float(erfcx(1.0)), 4)
    0.4276
    """
    return call("erfcx", _one("erfcx", x))


def spence(x):
    """Integral of log(t) / (1 - t) from 1 to x, the dilogarithm of 1 - x. x: real[...], x >= 0

    >>> round(float(spence(0.0)), 4)
    1.6449
    """
    return call("spence", _one("spence", x))


def fresnel(x):
    """Integrals (S, C) of sin(pi t²/2) and cos(pi t²/2) from 0 to x. x: real[...]

    >>> [round(float(v), 4) for v in fresnel(1.0)]
    [0.4383, 0.7799]
    """
    x = _one("fresnel", x)
    return call("fresnel_sin", x), call("fresnel_cos", x)


def sici(x):
    """Integrals (Si, Ci) of sin(t)/t from 0 and of cos(t)/t from infinity to x. x: real[...]

    >>> [round(float(v), 4) for v in sici(1.0)]
    [0.9461, 0.3374]
    """
    x = _one("sici", x)
    return call("sine_integral", x), call("cosine_integral", x)


def expn(n, x):
    """Exponential integral of order n, a whole number. n, x broadcast together.

    Not differentiable in n.

    >>> round(float(expn(1, 1.0)), 4)
    0.2194
    """
    return call("expn", *promote("expn", n, x, inexact=True))


def hyp1f1(a, b, x):
    """Kummer's function 1F1(a; b; x). a, b, x broadcast together; not differentiable in a and b.

    >>> round(float(hyp1f1(1.0, 1.0, 1.0)), 4)
    2.7183
    """
    return call("hyp1f1", *promote("hyp1f1", a, b, x, inexact=True))


def hyp2f1(a, b, c, x):
    """Gauss's function 2F1(a, b; c; x). All broadcast together; differentiable in x only.

    >>> round(float(hyp2f1(1.0, 1.0, 2.0, 0.5)), 4)
    1.3863
    """
    return call("hyp2f1", *promote("hyp2f1", a, b, c, x, inexact=True))


def owens_t(h, a):
    """Probability that a normal x exceeds h and another lies between 0 and a x. Broadcast together.

    >>> round(float(owens_t(0.0, 1.0)), 4)
    0.125
    """
    return call("owens_t", *promote("owens_t", h, a, inexact=True))


def poch(z, m):
    """Gamma(z + m) / Gamma(z). z, m broadcast together.

    >>> float(poch(3.0, 2.0))
    12.0
    """
    return call("poch", *promote("poch", z, m, inexact=True))


def gammasgn(x):
    """Sign of Gamma(x): 1 or -1; NaN at negative integers. x: real[...] -> float[...]

    >>> gammasgn(asarray([2.5, -0.5])).tolist()
    [1.0, -1.0]
    """
    x = effects.stop_gradient(_one("gammasgn", x))
    below = U.floor(x)
    even = U.equal(U.remainder(below, 2), 0)
    sign = M.choose_between("gammasgn", U.logical_or(x > 0, even), U.divide(x, x) * 0 + 1, -1)
    pole = U.logical_and(x < 0, U.equal(below, x))
    zero = M.choose_between("gammasgn", U.signbit(x), -1.0, 1.0)
    return M.choose_between(
        "gammasgn", pole, np.nan, M.choose_between("gammasgn", U.equal(x, 0), zero, sign)
    ).astype(x.dtype)


def beta(a, b):
    """Gamma(a) Gamma(b) / Gamma(a + b). a, b broadcast together.

    >>> round(float(beta(2.0, 3.0)), 4)
    0.0833
    """
    a, b = promote("beta", a, b, inexact=True)
    sign = gammasgn(a) * gammasgn(b) * gammasgn(a + b)
    return sign * U.exp(T.lgamma(a) + T.lgamma(b) - T.lgamma(a + b))


def loggamma(x):
    """Logarithm of Gamma(x); NaN for negative x, where it is complex. x: real[...] -> float[...]

    >>> round(float(loggamma(5.0)), 4)
    3.1781
    """
    x = _one("loggamma", x)
    return M.choose_between("loggamma", x < 0, np.nan, T.lgamma(x)).astype(x.dtype)


def _power_transform(name, log, lmbda):
    """(exp(lmbda log) - 1) / lmbda, which is log where lmbda is 0."""
    none = U.equal(lmbda, 0)
    safe = M.choose_between(name, none, 1, lmbda)
    return M.choose_between(name, none, log, U.expm1(safe * log) / safe)


def boxcox(x, lmbda):
    """(x**lmbda - 1) / lmbda, log(x) where lmbda is 0. x, lmbda broadcast together.

    >>> float(boxcox(3.0, 2.0))
    4.0
    """
    x, lmbda = promote("boxcox", x, lmbda, inexact=True)
    return _power_transform("boxcox", U.log(x), lmbda)


def boxcox1p(x, lmbda):
    """((1 + x)**lmbda - 1) / lmbda, log(1 + x) where lmbda is 0. x, lmbda broadcast together.

    >>> float(boxcox1p(2.0, 2.0))
    4.0
    """
    x, lmbda = promote("boxcox1p", x, lmbda, inexact=True)
    return _power_transform("boxcox1p", U.log1p(x), lmbda)


def comb(N, k, *, repetition=False):
    """How many choices of k things of N there are, as floats. N, k broadcast together.

    Args:
      repetition: a thing may be chosen more than once.

    >>> float(comb(5, 2)), float(comb(5, 2, repetition=True))
    (10.0, 15.0)
    """
    n, k = promote("comb", N, k, inexact=True)
    if repetition:
        n = n + k - 1
    valid = U.logical_and(U.logical_and(k >= 0, n >= 0), k <= n)
    if repetition:
        valid = U.logical_or(valid, U.equal(k, 0))
    chosen = lambda v: M.choose_between("comb", valid, v, 1)
    return M.choose_between("comb", valid, call("binom", chosen(n), chosen(k)), 0)


def bernoulli(n):
    """The first Bernoulli numbers, of a known n: float[n + 1].

    Raises: ArgumentError for a negative n.

    >>> [round(v, 4) for v in bernoulli(2).tolist()]
    [1.0, -0.5, 0.1667]
    """
    count = operator.index(n)
    if count < 0:
        raise ArgumentError(f"bernoulli: expected n of at least 0, got {n}")
    numbers, row = [], []
    for m in range(count + 1):  # Akiyama and Tanigawa's triangle, in exact fractions
        row.append(Fraction(1, m + 1))
        for j in range(m, 0, -1):
            row[j - 1] = j * (row[j - 1] - row[j])
        numbers.append(-row[0] if m == 1 else row[0])
    return asarray([float(b) for b in numbers])


def bessel_jn(z, *, v, n_iter=50):
    """Bessel functions of the first kind of orders 0 to v. z: real[...] -> float[v + 1, ...]

    Args:
      v: the highest order, known.
      n_iter: of no effect: JAX's recurrence takes so many steps.

    >>> [round(float(b), 4) for b in bessel_jn(1.0, v=1)]
    [0.7652, 0.4401]
    """
    x, highest = _one("bessel_jn", z), operator.index(v)
    if highest < 0 or operator.index(n_iter) < 1:
        raise ArgumentError(f"bessel_jn: expected v >= 0 and n_iter >= 1, got {v} and {n_iter}")
    orders = range(highest + 1)
    return joining.stack([call("jv", *promote("bessel_jn", float(n), x)) for n in orders])

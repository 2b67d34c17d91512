"""ftx.scipy.special: special functions with the names of jax.scipy.special.

In: real arrays that broadcast together.  Out: arrays.
Must not know: how error and gamma functions are computed.
"""

import functools
import math
import operator

from ..core import dtypes
from ..core.errors import ArgumentError, UnsupportedError
from ..core.primitives import effects
from ..core.primitives import elementwise as E
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.primitives import transcendental as T
from ..core.primitives.special import call
from ..numpy import composed as M
from ..numpy import elementwise as U
from ..numpy import reductions, shapes
from ..numpy.elementwise import constant_like
from ..numpy.promotion import asarray, promote, promote_dtypes
from ..transforms.custom import custom_jvp
from . import special_more
from .special_more import *  # noqa: F403

__all__ = [
    *("betainc", "betaln", "digamma", "entr", "erf", "erfc", "erfinv", "exp1", "expi", "expit"),
    *("factorial", "gamma", "gammainc", "gammaincc", "gammaln", "i0", "i0e", "i1", "i1e"),
    *("kl_div", "log_ndtr", "log_softmax", "logit", "logsumexp", "multigammaln", "ndtr", "ndtri"),
    *("polygamma", "rel_entr", "softmax", "xlog1py", "xlogy", "zeta"),
    *special_more.__all__,
]


def _one(name, x):
    return promote_dtypes(name, x, inexact=True)[0]


def _many(name, *xs):
    return promote(name, *xs, inexact=True)


def _unary(name, primitive, text, value, result):
    def function(x):
        return primitive(_one(name, x))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{text}. x: real[...] -> float[...], by element.\n\n"
        f"    >>> round(float({name}({value})), 4)\n    {result}\n    "
    )
    return function


def _host(name):
    return lambda *xs: call(name, *xs)


erf = _unary("erf", T.erf, "Error function", 1.0, 0.8427)
erfc = _unary("erfc", T.erfc, "1 - erf(x) without cancellation", 1.0, 0.1573)
erfinv = _unary("erfinv", T.erf_inv, "Inverse of erf", 0.5, 0.4769)
gammaln = _unary("gammaln", T.lgamma, "log |Gamma(x)|", 5.0, 3.1781)
digamma = _unary("digamma", T.digamma, "Derivative of gammaln", 1.0, -0.5772)
expit = _unary("expit", T.logistic, "1 / (1 + exp(-x))", 0.0, 0.5)
gamma = _unary("gamma", _host("gamma"), "Gamma function", 5.0, 24.0)
expi = _unary("expi", _host("expi"), "Exponential integral Ei", 1.0, 1.8951)
exp1 = _unary("exp1", _host("exp1"), "Exponential integral E1", 1.0, 0.2194)
i0 = _unary("i0", _host("i0"), "Modified Bessel function of order 0", 1.0, 1.2661)
i1 = _unary("i1", _host("i1"), "Modified Bessel function of order 1", 1.0, 0.5652)
i0e = _unary("i0e", _host("i0e"), "exp(-|x|) i0(x)", 1.0, 0.4658)
i1e = _unary("i1e", _host("i1e"), "exp(-|x|) i1(x)", 1.0, 0.2079)


def _binary(name, text, example):
    def function(a, x):
        return call(name, *_many(name, a, x))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{text}. a, x broadcast together; not differentiable in a.\n\n"
        f"    >>> round(float({name}({example[0]})), 4)\n    {example[1]}\n    "
    )
    return function


gammainc = _binary("gammainc", "Lower regularised incomplete gamma function", ("2.0, 1.0", 0.2642))
gammaincc = _binary(
    "gammaincc", "Upper regularised incomplete gamma function", ("2.0, 1.0", 0.7358)
)


def betainc(a, b, x):
    """Regularised incomplete beta function. a, b, x broadcast; not differentiable in a and b.

    >>> round(float(betainc(1.0, 2.0, 0.5)), 4)
    0.75
    """
    return call("betainc", *_many("betainc", a, b, x))


def zeta(x, q=None):
    """Hurwitz zeta function, the sum of (k + q)**-x over k >= 0. x, q broadcast together.

    >>> round(float(zeta(2.0, 1.0)), 4)
    1.6449
    """
    return call("zeta", *_many("zeta", x, 1.0 if q is None else q))


def ndtri(p):
    """Inverse of ndtr. p: real[...] in (0, 1) -> float[...], by element.

    >>> round(float(ndtri(0.975)), 3)
    1.96
    """
    return call("ndtri", _one("ndtri", p))


def betaln(a, b):
    """log of the beta function. a, b broadcast together, by element.

    >>> round(float(betaln(2.0, 3.0)), 4)
    -2.4849
    """
    a, b = _many("betaln", a, b)
    x, y = E.min_(a, b), E.max_(a, b)
    far = constant_like(x, _FAR)
    # What is not chosen is computed too: at places where it and its slope are finite.
    large_x, large_y = E.max_(x, far), E.max_(y, far)
    near = E.sub(E.add(T.lgamma(x), T.lgamma(y)), T.lgamma(E.add(x, y)))
    one = _beta_beyond(x, large_y)
    two = _beta_beyond_both(large_x, large_y)
    return C.select(E.lt(y, far), near, C.select(E.lt(x, far), one, two))


_FAR = 8.0
# B(2k) / (2k (2k - 1)): Stirling's series of log Gamma, to 2e-17 at 8.
_STIRLING = (
    *(1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156),
    *(-3617 / 122400, 43867 / 244188, -174611 / 125400),
)


def _stirling(x):
    """log Gamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2), for x of at least 8."""
    inverse = E.div(constant_like(x, 1), x)
    square, out = E.square(inverse), constant_like(x, 0)
    for c in reversed(_STIRLING):
        out = E.add(E.mul(out, square), constant_like(x, c))
    return E.mul(out, inverse)


def _beta_beyond(x, y):
    """betaln(x, y) for a large y, from the small difference of two log Gamma's."""
    total, half = E.add(x, y), constant_like(x, 0.5)
    rest = E.sub(_stirling(y), _stirling(total))
    slope = E.mul(x, E.sub(constant_like(x, 1), T.log(total)))
    bend = E.mul(E.sub(y, half), T.log1p(E.div(x, y)))
    return E.add(T.lgamma(x), E.add(rest, E.sub(slope, bend)))


def _beta_beyond_both(x, y):
    """betaln(x, y) for x <= y, both large."""
    total, half = E.add(x, y), constant_like(x, 0.5)
    rest = E.sub(E.add(_stirling(x), _stirling(y)), _stirling(total))
    start = E.sub(constant_like(x, 0.5 * math.log(2 * math.pi)), E.mul(half, T.log(y)))
    share = E.mul(E.sub(x, half), T.log(E.div(x, total)))
    bend = E.mul(y, T.log1p(E.div(x, y)))
    return E.add(E.add(rest, start), E.sub(share, bend))


def multigammaln(a, d):
    """log of the multivariate gamma function of dimension d. a: real[...] -> float[...]

    >>> round(float(multigammaln(3.0, 2)), 3)
    1.55
    """
    a, d = _one("multigammaln", a), operator.index(d)
    total = constant_like(a, d * (d - 1) / 4 * math.log(math.pi))
    for i in range(d):
        total = E.add(total, T.lgamma(E.sub(a, constant_like(a, i / 2))))
    return total


def factorial(n, exact=False):
    """n! in floating point; 0 for negative n. n: real[...] -> float[...]

    >>> float(factorial(4))
    24.0
    """
    if exact:
        raise UnsupportedError(
            f"factorial: expected exact=False, got {exact}; use math.factorial for exact integers"
        )
    x = _one("factorial", n)
    zero, one = constant_like(x, 0), constant_like(x, 1)
    return C.select(E.lt(x, zero), zero, T.exp(T.lgamma(E.add(x, one))))


def polygamma(n, x):
    """n-th derivative of digamma, for a known n. x: real[...] -> float[...], by element.

    >>> round(float(polygamma(1, 1.0)), 4)
    1.6449
    """
    order = asarray(n)
    if order.ndim:
        raise UnsupportedError(
            f"polygamma: expected one number as order, got {order.aval}; use one call per order"
        )
    x = _one("polygamma", x)
    return T.digamma(x) if int(order) == 0 else T.polygamma(x, n=int(order))


def logit(x):
    """log(x / (1 - x)). x: real[...] -> float[...], by element.

    >>> float(logit(0.5))
    0.0
    """
    x = _one("logit", x)
    return E.sub(T.log(x), T.log1p(E.neg(x)))


def xlogy(x, y):
    """x log(y), 0 where x is 0. x, y broadcast together, by element.

    >>> float(xlogy(0.0, 0.0))
    0.0
    """
    x, y = _many("xlogy", x, y)
    return _times_log(x, y, T.log)


def xlog1py(x, y):
    """x log(1 + y), 0 where x is 0. x, y broadcast together, by element.

    >>> float(xlog1py(0.0, -1.0))
    0.0
    """
    x, y = _many("xlog1py", x, y)
    return _times_log(x, y, T.log1p)


def _times_log(x, y, log):
    zero = constant_like(x, 0)
    none = E.eq(x, zero)
    safe = C.select(none, constant_like(y, 1), y)
    return C.select(none, zero, E.mul(x, log(safe)))


def entr(x):
    """-x log(x), 0 at 0, -infinity below. x: real[...] -> float[...], by element.

    >>> float(entr(1.0)) == 0
    True
    """
    x = _one("entr", x)
    low = E.lt(x, S.full(x.shape, 0, x.dtype))
    return C.select(low, constant_like(x, -math.inf), E.neg(_times_log(x, x, T.log)))


def rel_entr(p, q):
    """p log(p / q), 0 where p is 0, infinity where either is negative. Broadcast together.

    >>> float(rel_entr(0.0, 1.0))
    0.0
    """
    p, q = _many("rel_entr", p, q)
    zero = constant_like(p, 0)
    both = E.and_(E.gt(p, zero), E.gt(q, zero))
    one = constant_like(p, 1)
    safe_p, safe_q = C.select(both, p, one), C.select(both, q, one)
    logs = E.mul(safe_p, E.sub(T.log(safe_p), T.log(safe_q)))
    none = E.and_(E.eq(p, zero), E.ge(q, zero))
    return C.select(both, logs, C.select(none, zero, constant_like(p, math.inf)))


def kl_div(p, q):
    """p log(p / q) - p + q, by element. p, q broadcast together.

    >>> float(kl_div(1.0, 1.0))
    0.0
    """
    p, q = _many("kl_div", p, q)
    return E.add(E.sub(rel_entr(p, q), p), q)


def ndtr(x):
    """Normal distribution function. x: real[...] -> float[...], by element.

    >>> float(ndtr(0.0))
    0.5
    """
    x = _one("ndtr", x)
    w = E.mul(x, constant_like(x, math.sqrt(0.5)))
    size, half = E.abs_(w), constant_like(x, 0.5)
    far = E.mul(half, T.erfc(size))
    near = E.mul(half, E.add(constant_like(x, 1), T.erf(w)))
    tail = C.select(E.gt(w, S.full(x.shape, 0, x.dtype)), E.sub(constant_like(x, 1), far), far)
    return C.select(E.lt(size, constant_like(x, math.sqrt(0.5))), near, tail)


_LOWER = {dtypes.float64: -37.0}
_LEAST_TERMS = 6


@functools.partial(custom_jvp, nondiff_argnums=(1,))
def _log_ndtr(x, terms):
    low, zero = constant_like(x, _LOWER.get(x.dtype, -10.0)), constant_like(x, 0)
    # Above 0 the logarithm of a number near 1 is that of its distance from 1.
    above = T.log1p(E.neg(ndtr(E.neg(E.max_(x, zero)))))
    middle = T.log(ndtr(E.max_(x, low)))
    y = E.min_(x, low)
    square = E.square(y)
    series, term = constant_like(x, 1), constant_like(x, 1)
    for k in range(1, terms + 1):  # 1 - 1/y² + 3/y⁴ - 15/y⁶ ..., asymptotic in the tail
        term = E.neg(E.div(E.mul(term, constant_like(x, 2 * k - 1)), square))
        series = E.add(series, term)
    scale = constant_like(x, 0.5 * math.log(2 * math.pi))
    below = E.sub(E.sub(E.mul(constant_like(x, -0.5), square), T.log(E.neg(y))), scale)
    below = E.add(below, T.log(series))
    return C.select(E.gt(x, zero), above, C.select(E.gt(x, low), middle, below))


def _log_ndtr_rule(terms, primals, tangents):
    """d log Phi = phi / Phi."""
    (x,), (t,) = primals, tangents
    out = _log_ndtr(x, terms)
    log_density = E.sub(
        E.mul(constant_like(x, -0.5), E.square(x)), constant_like(x, 0.5 * math.log(2 * math.pi))
    )
    return out, E.mul(t, T.exp(E.sub(log_density, out)))


_log_ndtr.defjvp(_log_ndtr_rule)


def log_ndtr(x, series_order=3):
    """log of the normal distribution function, exact far below 0. x: real[...] -> float[...]

    Args:
      series_order: terms of the series used far below 0; 6 are taken in any case.
    Raises: ArgumentError for an order outside 1 to 30.

    >>> round(float(log_ndtr(0.0)), 4)
    -0.6931
    """
    terms = operator.index(series_order)
    if not 1 <= terms <= 30:
        raise ArgumentError(f"log_ndtr: expected series_order from 1 to 30, got {series_order}")
    return _log_ndtr(_one("log_ndtr", x), max(terms, _LEAST_TERMS))


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False, where=None):
    """log of the sum of b exp(a) over axes, without overflow. a: float[...]

    Args:
      b: factors that broadcast with `a`; NaN where their sum is negative, unless return_sign.
      return_sign: return (log of the size of the sum, its sign).
      where: bool, broadcast with `a`: elements that take part.

    >>> 1000.69 < float(logsumexp(asarray([1000.0, 1000.0]))) < 1000.7
    True
    """
    given = [asarray(a)] if b is None else [asarray(a), asarray(b)]
    x, *factors = promote_dtypes("logsumexp", *given, inexact=True)
    if where is not None:
        x = M.choose_between("logsumexp", where, x, 0)
    if b is not None:
        b = factors[0]
        x = M.choose_between("logsumexp", U.not_equal(b, 0), x, -math.inf)
    peak = reductions.max(M.real(x), axis, keepdims=True, where=where, initial=-math.inf)
    peak = effects.stop_gradient(M.choose_between("logsumexp", M.isfinite(peak), peak, 0))
    terms = U.exp(U.subtract(x, peak))
    total = reductions.sum(
        terms if b is None else U.multiply(terms, b), axis, keepdims=keepdims, where=where
    )
    shift = peak if keepdims else shapes.squeeze(peak, axis)
    if return_sign:
        return U.add(U.log(U.absolute(total)), shift), U.sign(total)
    if dtypes.is_complex(x.dtype):
        return U.add(U.log(total), shift)
    out = U.add(U.log(U.absolute(total)), shift)
    return out if b is None else M.choose_between("logsumexp", U.less(total, 0), math.nan, out)


def softmax(x, /, *, axis=None):
    """exp(x) over its sum along axes, by default all.

    >>> softmax(asarray([0.0, 0.0])).tolist()
    [0.5, 0.5]
    """
    (x,) = promote_dtypes("softmax", asarray(x), inexact=True)
    peak = effects.stop_gradient(reductions.max(x, axis, keepdims=True, initial=-math.inf))
    terms = U.exp(U.subtract(x, peak))
    return U.divide(terms, reductions.sum(terms, axis, keepdims=True))


def log_softmax(x, /, *, axis=None):
    """Logarithm of softmax along axes, by default all.

    >>> [round(v, 4) for v in log_softmax(asarray([0.0, 0.0])).tolist()]
    [-0.6931, -0.6931]
    """
    (x,) = promote_dtypes("log_softmax", asarray(x), inexact=True)
    peak = effects.stop_gradient(reductions.max(x, axis, keepdims=True, initial=-math.inf))
    moved = U.subtract(x, peak)
    return U.subtract(moved, U.log(reductions.sum(U.exp(moved), axis, keepdims=True)))

"""lgamma and digamma in double precision; single precision rounds their results.

In: a machine `m`, scalars of kind f64.  Out: scalars of kind f64.  Straight-line arithmetic.
Near their zeros on the negative axis both are good to an absolute, not a relative, error.
Knows nothing of: LLVM, Numba.
"""

from . import common, float64
from .common import INF, NAN, horner

# fmt: off
# lgamma(2 + t) = t P(t), |t| <= 1/2, 2^-59.4 relative.
GAMMA_P = (
    -1.4326606926945298e-07, 2.78493773524032e-07, -4.200753089662706e-07,
    9.203154496301652e-07, -2.0497394178168817e-06, 4.384589397736552e-06,
    -9.437240433413772e-06, 2.050561747830402e-05, -4.492653059752067e-05,
    9.945767002149439e-05, -0.00022315473521041583, 0.0005096695156771165,
    -0.0011927539127563043, 0.002890510331023689, -0.007385551028649758, 0.02058080842778057,
    -0.06735230105319831, 0.32246703342411326, 0.42278433509846713,
)
# lgamma x = (x - 1/2) log x - x + log(2 pi)/2 + S(1/x^2)/x: Bernoulli's numbers B_2k/(2k(2k-1)).
# Nine terms at x >= 9: the first left out is 3e-18.
STIRLING = (
    0.17964437236883057, -0.029550653594771242, 0.00641025641025641, -0.0019175269175269176,
    0.0008417508417508417, -0.0005952380952380953, 0.0007936507936507937,
    -0.002777777777777778, 0.08333333333333333,
)
# digamma x = log x - 1/(2x) - D(1/x^2)/x^2: B_2k/(2k); nine terms at x >= 10, then 3e-18.
DIGAMMA = (
    3.0539543302701198, -0.4432598039215686, 0.08333333333333333, -0.021092796092796094,
    0.007575757575757576, -0.004166666666666667, 0.003968253968253968, -0.008333333333333333,
    0.08333333333333333,
)
# fmt: on
HALF_LOG_TWO_PI, LOG_PI, PI = 0.9189385332046728, 1.1447298858494002, 3.141592653589793


def _log(m, x):
    return common.log(m, float64.T, x, float64.log_sum)


def sin_pi(m, x):
    """(sin, cos) of pi r and r = x - n, n the nearest integer: |sin pi x| = |sin pi r|."""
    r = x - m.roundeven(x)
    large = m.abs(r) > 0.25
    # pi/4 bounds the polynomials: beyond it take the complement.
    u = m.select(large, 0.5 - m.abs(r), m.abs(r)) * PI
    s, c = common.sincos_poly(m, float64.T, u, u * u)
    return m.select(large, c, s), m.select(large, s, c), r


def lgamma(m, x):
    """log |Gamma(x)|, in double.

    a = |x|.  a < 1/2: lgamma(2 + a) - log(a (a+1)); a < 3/2: lgamma(1 + a) - log a.  a < 9:
    lgamma(y) + log(y (y+1) ... (a-1)) with y = a - n in [3/2, 5/2).  Else
    Stirling.  x < 0: log(pi / (a |sin pi a|)) - lgamma a.
    Measured: 3.81 ulp for x > 0; for x < 0, 3.15 units in the last place of max(1, |result|).
    """
    a = m.abs(x)
    small, large = a < 1.5, a >= 9.0
    inner = m.select(large, 2.0, a)
    n = m.select(small, -1.0, m.floor(inner - 1.5))
    y = inner - n
    tiny = a < 0.5
    product = m.select(small, m.select(tiny, m.fma(a, a, a), a), 1.0)
    for j in range(7):
        product = product * m.select(n > float(j), y + float(j), 1.0)
    t = m.select(small, m.select(tiny, a, a - 1.0), y - 2.0)
    logarithm = _log(m, m.select(large, a, product))
    near = m.fma(t, horner(m, t, GAMMA_P), m.select(small, -logarithm, logarithm))
    inverse = 1.0 / a
    series = inverse * horner(m, inverse * inverse, STIRLING) + HALF_LOG_TWO_PI
    far = m.fma(a, logarithm - 1.0, m.fma(logarithm, -0.5, series))
    y = m.select(large, m.select(a == INF, INF, far), near)
    s, _, r = sin_pi(m, a)
    reflected = LOG_PI - _log(m, a * m.abs(s)) - y
    whole = (r == 0.0) | (a > 4503599627370496.0)
    below = m.select(whole, INF, reflected)
    below = m.select(a < 1e-15, -_log(m, a), below)
    return m.select(x < 0.0, below, y)


def digamma(m, x):
    """Derivative of lgamma, in double.

    At a < 10, ten steps of psi(a) = psi(a + 1) - 1/a, nine of them as one quotient; then the
    asymptotic series.  x < 0: psi(1 - x) - pi cot(pi x).  NaN at negative integers.
    Measured: 6.84 units in the last place of max(1, |result|); relative error grows at the zeros.
    """
    negative = x < 0.0
    a = m.select(negative, 1.0 - x, x)
    small = a < 10.0
    inner = m.select(small, a, 10.0)
    top, bottom = m.const("f64", 1.0), inner + 1.0  # 1/a apart: it is most of the sum
    for j in range(2, 10):
        top = m.fma(top, inner + float(j), bottom)
        bottom = bottom * (inner + float(j))
    shifted = m.select(small, a + 10.0, a)
    inverse = 1.0 / shifted
    z = inverse * inverse
    tail = m.fma(z, horner(m, z, DIGAMMA), inverse * 0.5)
    y = _log(m, shifted) - tail - m.select(small, top / bottom, 0.0)
    y = y - m.select(small, 1.0 / inner, 0.0)
    s, c, r = sin_pi(m, x)
    cot = PI * m.copysign(c / s, r)
    y = m.select(negative, m.select(r == 0.0, NAN, y - cot), y)
    y = m.select(m.abs(x) < 1e-300, -1.0 / x, y)
    return m.select(x == -INF, NAN, y)


def _single(formula):
    def rounded(m, x):
        return m.cast(formula(m, m.cast(x, "f64")), "f32")

    rounded.__doc__ = formula.__doc__ + "\n    In double, rounded once."
    return rounded


ROWS = {
    "lgamma_f64": (lgamma, "f64", "f64"),
    "digamma_f64": (digamma, "f64", "f64"),
    "lgamma_f32": (_single(lgamma), "f32", "f32"),
    "digamma_f32": (_single(digamma), "f32", "f32"),
}

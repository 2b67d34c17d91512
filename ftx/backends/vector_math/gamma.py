"""lgamma, digamma and trigamma in double precision; single precision rounds their results.

In: a machine `m`, scalars of kind f64.  Out: scalars of kind f64.  Straight-line arithmetic.
For x < 0 they lose digits where their terms cancel, as they must: rounding x loses as many.
Knows nothing of: LLVM, Numba.
"""

from . import common, float64
from .common import INF, NAN, horner, single

# fmt: off
# lgamma(2 + t) = t P(t), -3/4 <= t <= 1/4, 2^-54.9 relative, rounding of the coefficients included.
GAMMA_P = (
    2.750169913669309e-07, 9.40350491500829e-07, 1.6377600572433783e-06,
    1.3213383954575606e-06, 8.498023865400203e-07, -4.2711223807053623e-07,
    8.339617512966887e-07, -2.0887255089982175e-06, 4.375713110038959e-06,
    -9.434190855786094e-06, 2.0508132408983847e-05, -4.492644909871198e-05,
    9.945744071970968e-05, -0.00022315475614956, 0.0005096695271542661,
    -0.0011927539116414743, 0.0028905103307019617, -0.007385551028675609,
    0.02058080842778484, -0.06735230105319809, 0.3224670334241132, 0.42278433509846713,
)
# lgamma x = (x - 1/2) log x - x + log(2 pi)/2 + S(1/x^2)/x: Bernoulli's numbers B_2k/(2k(2k-1)).
# Nine terms at x >= 9: the first left out is 3e-18.
STIRLING = (
    0.17964437236883057, -0.029550653594771242, 0.00641025641025641, -0.0019175269175269176,
    0.0008417508417508417, -0.0005952380952380953, 0.0007936507936507937,
    -0.002777777777777778, 0.08333333333333333,
)
# digamma x = (x - r) Q(x - 3/2) on [1, 2], r its zero there in two words, 2^-53.6 relative.
DIGAMMA_ZERO, DIGAMMA_ZERO_LOW = 1.4616321449683622, 9.549995429965697e-17
DIGAMMA_Q = (
    -0.00017312261802727394, 0.00025968482126430747, -0.00015148586836773365,
    0.0002272331660987376, -0.0004821990530566789, 0.0007233266279287554,
    -0.0010376374098418604, 0.0015566317474486838, -0.002345267632540769,
    0.003519006401502276, -0.005279964873257405, 0.007926944646403797,
    -0.011908218001568644, 0.0179072524394512, -0.02697579675613825, 0.04076083381242074,
    -0.061922133273064534, 0.09498872445494122, -0.14840492305390884, 0.2405424842407742,
    -0.4236274212814605, 0.951055876031833,
)
# digamma x = log x - 1/(2x) - D(1/x^2)/x^2: B_2k/(2k); nine terms at x >= 10, then 3e-18.
DIGAMMA = (
    3.0539543302701198, -0.4432598039215686, 0.08333333333333333, -0.021092796092796094,
    0.007575757575757576, -0.004166666666666667, 0.003968253968253968, -0.008333333333333333,
    0.08333333333333333,
)
# fmt: on
# trigamma x = 1/x + 1/(2 x^2) + B(1/x^2)/x^3: Bernoulli's numbers B_2k; ten at x >= 10, then 6e-19.
TRIGAMMA = (
    -529.1242424242424,
    54.971177944862156,
    -7.092156862745098,
    1.1666666666666667,
    -0.2531135531135531,
    0.07575757575757576,
    -0.03333333333333333,
    0.023809523809523808,
    -0.03333333333333333,
    0.16666666666666666,
)
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

    a = |x|.  a < 1/4: lgamma(2 + a) - log(a (a+1)); a < 5/4: lgamma(1 + a) - log a.  a < 9:
    lgamma(y) + log(y (y+1) ... (a-1)) with y = a - n in [5/4, 9/4).  Else
    Stirling.  x < 0: log(pi / (a |sin pi a|)) - lgamma a.
    Measured: 2.21 ulp for x > 0, zeros included; for x < 0, 2.5 times what the larger of an ulp of
    max(1, |result|) and of x makes.
    """
    a = m.abs(x)
    small, large = a < 1.25, a >= 9.0
    inner = m.select(large, 2.0, a)
    n = m.select(small, -1.0, m.floor(inner - 1.25))
    y = inner - n
    tiny = a < 0.25
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

    a < 10: psi(y) + 1/y + ... + 1/(a-1) with y = a - n in [1, 2), the sum as one quotient (a < 1:
    psi(a + 1) - 1/a), and psi(y) by a polynomial that has its zero.  Else the asymptotic series.
    x < 0: psi(1 - x) - pi cot(pi x).  NaN at negative integers.
    Measured: 3.88 ulp for x > 0, the zero included; for x < 0, 2.2 times what the larger of an ulp
    of max(1, |result|) and of x makes.
    """
    negative = x < 0.0
    a = m.select(negative, 1.0 - x, x)
    small = a < 10.0
    inner = m.select(small, a, 1.5)
    n = m.floor(inner) - 1.0
    y = inner - n
    top, bottom = m.const("f64", 0.0), m.const("f64", 1.0)
    for k in range(8):
        step, more = y + float(k), n > float(k)
        top = m.select(more, m.fma(top, step, bottom), top)
        bottom = m.select(more, bottom * step, bottom)
    near = ((y - DIGAMMA_ZERO) - DIGAMMA_ZERO_LOW) * horner(m, y - 1.5, DIGAMMA_Q)
    near = near + top / bottom - m.select(inner < 1.0, 1.0 / inner, 0.0)
    inverse = 1.0 / m.select(small, 10.0, a)
    z = inverse * inverse
    far = _log(m, m.select(small, 10.0, a)) - m.fma(z, horner(m, z, DIGAMMA), inverse * 0.5)
    y = m.select(small, near, far)
    s, c, r = sin_pi(m, x)
    cot = PI * m.copysign(c / s, r)
    y = m.select(negative, m.select(r == 0.0, NAN, y - cot), y)
    y = m.select(m.abs(x) < 1e-300, -1.0 / x, y)
    return m.select(x == -INF, NAN, y)


def trigamma(m, x):
    """Derivative of digamma, in double.

    a < 10: 1/a^2 + 1/(a+1)^2 + ... until the asymptotic series holds.
    x < 0: (pi / sin(pi x))^2 - psi'(1 - x). Infinite at 0 and negative integers.
    Measured: 3.13 ulp for x > 0.
    """
    negative = x < 0.0
    a = m.select(negative, 1.0 - x, x)
    total, z = m.const("f64", 0.0), a
    for _ in range(10):
        inverse = 1.0 / z
        short = z < 10.0
        total = total + m.select(short, inverse * inverse, 0.0)
        z = m.select(short, z + 1.0, z)
    inverse = 1.0 / z
    square = inverse * inverse
    series = m.fma(inverse * square, horner(m, square, TRIGAMMA), square * 0.5)
    y = total + (inverse + series)
    s, _, r = sin_pi(m, x)
    quotient = PI / s
    y = m.select(negative, m.select(r == 0.0, INF, m.fma(quotient, quotient, -y)), y)
    return m.select(x == -INF, NAN, y)


ROWS = {
    "lgamma_f64": (lgamma, "f64", "f64"),
    "digamma_f64": (digamma, "f64", "f64"),
    "trigamma_f64": (trigamma, "f64", "f64"),
    "trigamma_f32": (single(trigamma), "f32", "f32"),
    "lgamma_f32": (single(lgamma), "f32", "f32"),
    "digamma_f32": (single(digamma), "f32", "f32"),
}

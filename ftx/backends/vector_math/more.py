"""Formulas for both precisions, continued: inverse, hyperbolic and complementary functions.

In: a machine `m`, a `Constants` row `T`, scalar operands.  Out: a scalar.
Straight-line arithmetic only; see `common` for the conventions and the shared steps.
Knows nothing of: LLVM, Numba, which of the two precisions it serves.
"""

from . import common
from .common import INF, NAN, clamp, horner, log_edges, reduce_exp, scale, split_log

CBRT_START = (  # y^(-1/3) on [1, 8], 2^-7.1 relative
    0.0005852870673700528, -0.01298649282903065, 0.10850325092744333, -0.4408305279910869,
    1.3376991605659374,
)  # fmt: skip
# erfcx a = S(1/(2 a^2)) / (a sqrt pi): where erfc ends the next term is 8e-18, of float32 2e-11.
ERFCX_SERIES = (10395.0, -945.0, 105.0, -15.0, 3.0, -1.0, 1.0)


def exp2(m, T, x):
    """2^n (1 + r P(r)), n the nearest integer, r = x - n exactly.

    Measured: 0.74 (f32), 0.81 (f64) ulp.
    """
    x = clamp(m, x, T.exp2_lowest, T.exp2_highest)
    t = x + T.magic
    r = x - (t - T.magic)
    return scale(m, T, m.fma(r, horner(m, r, T.exp2_p), 1.0), m.bitcast(t, T.integer))


def log2(m, T, x, log_sum):
    """k + log2(e) log(1 + f), x = 2^k (1 + f); exact at powers of two.

    Measured: 1.51 (f32), 1.75 (f64) ulp.
    """
    y, shift = common.normal(m, T, x)
    f, k = split_log(m, T, y)
    natural = log_sum(m, f, m.const(T.kind, 0.0))
    k = m.fma(natural, T.log2_e_low, k - shift)
    return log_edges(m, T, x, m.fma(natural, T.log2_e, k))


def quarter_exp(m, T, x, minus_one):
    """exp(x)/4 or expm1(x)/4, 0 <= x: finite wherever sinh x and cosh x are."""
    r, bits = reduce_exp(m, T, m.select(x > T.sinh_highest, T.sinh_highest, x))
    p = m.fma(r * r, horner(m, r, T.exp_q), r)
    quarter = m.bitcast(((bits - 2) << T.mantissa) + T.one_bits, T.kind)
    return m.fma(p, quarter, quarter - 0.25 if minus_one else quarter)


def sinh(m, T, x):
    """(E + E / (E + 1)) / 2, E = expm1 |x|, with the sign of x.

    Measured: 1.87 (f32), 1.84 (f64) ulp.
    """
    a = m.abs(x)
    e = quarter_exp(m, T, a, True)
    y = (e + e / m.fma(e, 4.0, 1.0)) * 2.0
    return m.select(a < T.tiny, x, m.copysign(y, x))


def cosh(m, T, x):
    """h + 1 / (4 h), h = exp(|x|) / 2.

    Measured: 1.14 (f32), 1.16 (f64) ulp.
    """
    h = quarter_exp(m, T, m.abs(x), False) * 2.0
    return h + 0.25 / h


def tan(m, T, x, s, c, q):
    """s / c, or -c / s in odd quadrants, from the sine and cosine of the remainder.

    Measured: 3.7 (f32), 1.7 (f64) ulp.
    """
    odd = (q & 1) != 0
    y = m.select(odd, -c, s) / m.select(odd, s, c)
    return m.select(x == 0.0, x, y)


def asin_core(m, T, a):
    """(asin t, a > 1/2): t = a, or sqrt((1 - a)/2) when a > 1/2; t + t z P(z), z = t^2."""
    large = a > 0.5
    z = m.select(large, (1.0 - a) * 0.5, a * a)
    t = m.select(large, m.sqrt(z), a)
    return m.fma(t * z, horner(m, z, T.asin_p), t), large


def asin(m, T, x):
    """asin a = pi/2 - 2 asin sqrt((1 - a)/2) for a > 1/2; NaN outside [-1, 1].

    Measured: 2.12 (f32), 2.01 (f64) ulp.
    """
    r, large = asin_core(m, T, m.abs(x))
    y = m.select(large, T.half_pi - (r * 2.0 - T.half_pi_low), r)
    return m.copysign(y, x)


def acos(m, T, x):
    """pi/2 - asin x, except 2 asin sqrt((1 - x)/2) for x > 1/2 and pi minus that below -1/2.

    Measured: 1 (f32), 1 (f64) ulp.
    """
    r, large = asin_core(m, T, m.abs(x))
    middle = T.half_pi - (m.copysign(r, x) - T.half_pi_low)
    below = T.half_pi * 2.0 - (r * 2.0 - T.half_pi_low * 2.0)
    return m.select(large, m.select(x < 0.0, below, r * 2.0), middle)


def atan_ratio(m, T, a, b):
    """atan(a / b), 0 <= a, b: a / b, (a - b)/(a + b) + pi/4 or -b / a + pi/2; one division."""
    steep, middle = a > b * 2.414213562373095, a > b * 0.4142135623730951
    top = m.select(steep, -b, m.select(middle, a - b, a))
    bottom = m.select(steep, a, m.select(middle, a + b, b))
    base = m.select(
        steep, m.const(T.kind, T.half_pi), m.select(middle, m.const(T.kind, T.half_pi / 2), 0.0)
    )
    low = m.select(
        steep,
        m.const(T.kind, T.half_pi_low),
        m.select(middle, m.const(T.kind, T.half_pi_low / 2), 0.0),
    )
    t = m.select((a == 0.0) & (b == 0.0), 0.0, top / bottom)
    z = t * t
    tail = m.fma(t * z, horner(m, z, T.atan_p), low)
    return base + (t + tail)


def atan(m, T, x):
    """The ratio of |x| to 1, with the sign of x.

    Measured: 1.56 (f32), 0.77 (f64) ulp.
    """
    a = m.abs(x)
    return m.copysign(atan_ratio(m, T, a, m.select(a == a, 1.0, a)), x)


def atan2(m, T, y, x):
    """The angle of (x, y): atan(|y| / |x|), or pi minus it where x < 0 or x = -0.

    Measured: 1.6 (f32), 1.04 (f64) ulp.
    """
    a, b = m.abs(y), m.abs(x)
    both = (a == INF) & (b == INF)
    a, b = m.select(both, 1.0, a), m.select(both, 1.0, b)
    shrink = m.select((a > T.huge) | (b > T.huge), m.const(T.kind, 0.25), 1.0)  # a + b < inf
    angle = atan_ratio(m, T, a * shrink, b * shrink)
    back = T.half_pi * 2.0 - (angle - T.half_pi_low * 2.0)
    return m.copysign(m.select(m.bitcast(x, T.integer) < 0, back, angle), y)


def log1p_of(m, T, w, large, x, log_sum):
    """log(1 + w), but log(2 x) where `large`."""
    u = w + 1.0
    back = u - 1.0
    c = (1.0 - (u - back)) + (w - back)
    u, c = m.select(large, x, u), m.select(large, 0.0, c)
    f, k = split_log(m, T, u)
    y = log_sum(m, f, m.select(large, k + 1.0, k), c / u)
    return log_edges(m, T, u, y)


def asinh(m, T, x, log_sum):
    """log1p(a + a^2 / (1 + sqrt(1 + a^2))), a = |x|; log(2 a) when large.

    Measured: 1.8 (f32), 1.8 (f64) ulp.
    """
    a = m.abs(x)
    large = a > T.root_large
    z = a * a
    w = a + z / (m.sqrt(z + 1.0) + 1.0)
    y = m.copysign(log1p_of(m, T, w, large, a, log_sum), x)
    return m.select(a < T.tiny, x, y)


def acosh(m, T, x, log_sum):
    """log1p(t + sqrt(2 t + t^2)), t = x - 1; log(2 x) when large; NaN below 1.

    Measured: 2 (f32), 2.03 (f64) ulp.
    """
    large = x > T.root_large
    t = x - 1.0
    w = t + m.sqrt(m.fma(t, t, t * 2.0))
    return m.select(x < 1.0, NAN, log1p_of(m, T, w, large, x, log_sum))


def atanh(m, T, x, log_sum):
    """log1p(2 a / (1 - a)) / 2, a = |x|, with the sign of x.

    Measured: 2.04 (f32), 1.6 (f64) ulp.
    """
    a = m.abs(x)
    w = (a * 2.0) / (1.0 - a)
    y = log1p_of(m, T, w, a != a, a, log_sum) * 0.5
    return m.select(a < T.tiny, x, m.copysign(y, x))


def erfc(m, T, x, erf_e):
    """exp(-x^2) H(u) / (1 + 2 a), u = (a - K)/(a + K), a = |x|; 2 minus it for x < 0.

    For a < 1/2, 1 - erf x by erf's own polynomial, which rounds less.
    x^2 is kept in two words, since its rounding error would be magnified by the exponential.
    Source: Shepherd and Laframboise, Math. Comp. 36 (1981), for the form of H.

    Measured: 2.56 (f32), 2.39 (f64) ulp.
    """
    a = m.abs(x)
    a = m.select(a > T.erfc_highest, T.erfc_highest, a)
    u = (a - T.erfc_k) / (a + T.erfc_k)
    h = horner(m, u, T.erfc_h) / m.fma(a, 2.0, 1.0)
    square = a * a
    error = m.fma(a, a, -square)
    r, bits = reduce_exp(m, T, -square)
    r = r - error
    p = m.fma(r * r, horner(m, r, T.exp_q), r)
    y = scale(m, T, m.fma(p, h, h), bits)
    near = 1.0 - m.fma(x, horner(m, x * x, erf_e), x)
    return m.select(a < 0.5, near, m.select(x < 0.0, 2.0 - y, y))


def erfcx(m, T, x, erf_e):
    """H(u) / (1 + 2 a) as in erfc, beyond its range the asymptotic series; x < 0: 2 exp(x^2) - it.

    For a < 1/2, exp(x^2) (1 - erf x), which rounds less.

    Measured: 2.53 (f32), 1.62 (f64) ulp.
    """
    a = m.abs(x)
    far = a > T.erfc_highest
    near = m.select(far, T.erfc_highest, a)
    y = horner(m, (near - T.erfc_k) / (near + T.erfc_k), T.erfc_h) / m.fma(near, 2.0, 1.0)
    inverse = 1.0 / a
    series = horner(m, inverse * inverse * 0.5, ERFCX_SERIES) * (inverse * 0.5641895835477563)
    y = m.select(far, series, y)
    square = near * near
    r, bits = reduce_exp(m, T, square)
    r = r + m.fma(near, near, -square)
    p = m.fma(r * r, horner(m, r, T.exp_q), r)
    below = scale(m, T, m.fma(p, 2.0, 2.0), bits) - y
    rest = 1.0 - m.fma(x, horner(m, square, erf_e), x)
    middle = scale(m, T, m.fma(p, rest, rest), bits)
    return m.select(a < 0.5, middle, m.select(x < 0.0, below, y))


def cbrt(m, T, x):
    """2^q y s^2 (1 - e)^(-2/3), x = 2^(3 q) y, y in [1, 8), s = y^(-1/3) nearly, e = 1 - y s^3.

    No division: s is a quartic (|e| < 2^-5.5), in double refined once by (1 - e)^(-1/3).
    With u = fl(y s^2) and e = 1 - u s, a third of u's rounding error is left.

    Measured: 1.15 (f32), 0.88 (f64) ulp.
    """
    a = m.abs(x)
    small = a < T.smallest_normal
    y = m.select(small, a * T.cbrt_unshift**-3, a)
    bits = m.bitcast(y, T.integer)
    above = m.cast((bits >> T.mantissa), "i32") - ((T.one_bits >> T.mantissa) + 1)
    # q is the integer nearest (exponent - 1)/3, which lies within 1/3 of it.
    q = m.fma(m.cast(above, T.kind), 0.3333333333333333, T.magic)
    scale_bits = m.bitcast(q, T.integer) << T.mantissa
    y = m.bitcast(bits - scale_bits * 3, T.kind)
    s = horner(m, y, CBRT_START)
    for _ in range(T.cbrt_steps):
        e = m.fma(-(y * s * s), s, 1.0)
        s = m.fma(s * e, horner(m, e, (14 / 81, 2 / 9, 1 / 3)), s)
    u = y * s * s
    e = m.fma(-u, s, 1.0)
    t = m.fma(u * e, horner(m, e, T.cbrt_series), u)
    t = t * m.bitcast(scale_bits + T.one_bits, T.kind)
    t = m.select(small, t * T.cbrt_unshift, t)
    return m.select((a > 0.0) & (a < INF), m.copysign(t, x), x)


SHARED = {
    **common.SHARED, "exp2": exp2, "sinh": sinh, "cosh": cosh, "asin": asin, "acos": acos,
    "atan": atan, "cbrt": cbrt,
}  # fmt: skip
WITH_LOG = {
    **common.WITH_LOG, "log2": log2, "asinh": asinh, "acosh": acosh, "atanh": atanh
}  # fmt: skip

"""Formulas that read the same in single and double precision.

In: a machine `m`, a `Constants` row `T`, scalar operands.  Out: a scalar.
Straight-line arithmetic only, so that LLVM vectorises the loop around a call; see `intrinsics`.
Each docstring gives formula, reduction and the largest error measured against mpmath (f32, f64).
Knows nothing of: LLVM, Numba, which of the two precisions it serves.
"""

from dataclasses import dataclass

INF, NAN = float("inf"), float("nan")


@dataclass(frozen=True)
class Constants:
    """What differs between the precisions: layout, thresholds, polynomials (highest first)."""

    kind: str
    integer: str  # the integer kind of the same width
    mantissa: int  # stored bits
    magic: float  # 1.5 * 2^mantissa: adding it rounds to an integer, left in the low bits
    one_bits: int  # the bits of 1.0
    root_half_bits: int  # the bits of sqrt(1/2)
    tiny: float  # below it f(x) = x for odd functions with f'(0) = 1
    smallest_normal: float
    log2_e: float
    ln2_hi: float
    ln2_lo: float
    exp_lowest: float  # exp below it is 0, even rounded up
    exp_highest: float  # exp above it is inf
    expm1_lowest: float  # expm1 below it is -1
    exp_p: tuple[float, ...]  # exp r = 1 + r P(r), |r| < 0.35
    exp_q: tuple[float, ...]  # exp r = 1 + r + r^2 Q(r), better about 0
    tanh_highest: float  # tanh above it is 1
    tanh_p: tuple[float, ...]  # tanh r = r + r^3 P(r^2), |r| <= 0.6
    sin_s: tuple[float, ...]  # sin r = r + r^3 S(r^2), |r| <= pi/4
    cos_c: tuple[float, ...]  # cos r = 1 - r^2/2 + r^4 C(r^2)
    log2_e_low: float  # log2(e) - fl(log2(e))
    exp2_lowest: float
    exp2_highest: float
    exp2_p: tuple[float, ...]  # 2^r = 1 + r P(r), |r| <= 1/2
    sinh_highest: float  # sinh above it is inf; exp(it)/4 is not
    half_pi: float
    half_pi_low: float
    asin_p: tuple[float, ...]  # asin t = t + t^3 P(t^2), t <= 1/2
    atan_p: tuple[float, ...]  # atan t = t + t^3 P(t^2), t <= tan(pi/8)
    huge: float  # half the largest
    root_large: float  # 1 + x^2 = x^2 above it
    erfc_highest: float  # erfc above it is 0
    erfc_k: float
    erfc_h: tuple[float, ...]
    cbrt_steps: int
    cbrt_series: tuple[float, ...]  # (1 - e)^(-2/3) = 1 + e S(e)
    cbrt_unshift: float  # the cube root of what makes subnormals normal, inverted


def horner(m, x, coefficients):
    """The polynomial in x with these coefficients, highest first."""
    result = coefficients[0]
    for c in coefficients[1:]:
        result = m.fma(result, x, c)
    return result


def horner_of(m, T, v, choose, *ranges):
    """The polynomial in v whose coefficients `choose` takes from those of the ranges."""
    result, *rest = [
        choose(*[m.const(T.kind, c) for c in row]) for row in zip(*ranges, strict=True)
    ]
    for c in rest:
        result = m.fma(result, v, c)
    return result


def clamp(m, x, low, high):
    """x within [low, high]; NaN stays NaN (one min and one max instruction on x86)."""
    x = m.select(x > high, high, x)
    return m.select(x < low, low, x)


def reduce_exp(m, T, x):
    """x = n ln 2 + r: (r, bits of n + magic). Cody-Waite in two parts, exact by fma."""
    t = m.fma(x, T.log2_e, T.magic)
    n = t - T.magic
    r = m.fma(n, -T.ln2_hi, x)
    return m.fma(n, -T.ln2_lo, r), m.bitcast(t, T.integer)


def scale(m, T, p, bits):
    """p * 2^n, given the bits of n + magic; rounded once, also where subnormal."""
    if m.has_ldexp:
        magic_bits = T.one_bits + (T.mantissa << T.mantissa) + (1 << (T.mantissa - 1))
        return m.ldexp(p, bits - magic_bits)
    whole = bits << T.mantissa  # in two factors, whose first product is exact
    half = (bits << (T.mantissa - 1)) & -(1 << T.mantissa)
    p = p * m.bitcast(half + T.one_bits, T.kind)
    return p * m.bitcast((whole - half) + T.one_bits, T.kind)


def exp(m, T, x):
    """2^n (1 + r P(r)), x = n ln 2 + r.

    Measured: 0.89 (f32), 0.77 (f64) ulp.
    """
    r, bits = reduce_exp(m, T, clamp(m, x, T.exp_lowest, T.exp_highest))
    return scale(m, T, m.fma(r, horner(m, r, T.exp_p), 1.0), bits)


def expm1(m, T, x):
    """2 (2^(n-1) p + (2^(n-1) - 1/2)), p = r + r^2 Q(r): no overflow before the result's own.

    Measured: 1.1 (f32), 1.65 (f64) ulp.
    """
    r, bits = reduce_exp(m, T, clamp(m, x, T.expm1_lowest, T.exp_highest))
    p = m.fma(r * r, horner(m, r, T.exp_q), r)
    half = m.bitcast(((bits - 1) << T.mantissa) + T.one_bits, T.kind)
    y = m.fma(p, half, half - 0.5) * 2.0
    return m.select(m.abs(x) < T.tiny, x, y)


def tanh(m, T, x):
    """1 - 2 (1 - q) / ((2^n + 1) + (2^n - 1) q), q = tanh r, |x| = n ln 2 / 2 + r; sign of x.

    For |x| <= 0.6, n = 0 and q itself: the same quotient with 0 for the 1's outside, so that one
    polynomial and one division serve both. Beyond, |r| < 0.174, and ln 2 in one part is enough.

    Measured: 1.52 (f32), 1.66 (f64) ulp.
    """
    a = m.abs(x)
    a = m.select(a > T.tanh_highest, T.tanh_highest, a)
    far = a > 0.6
    t = m.select(far, m.fma(a, T.log2_e * 2.0, T.magic), T.magic)
    r = m.fma(t - T.magic, T.ln2_hi * -0.5, a)
    z = r * r
    q = m.fma(r * z, horner(m, z, T.tanh_p), r)
    half = T.one_bits - (1 << T.mantissa)
    half = m.bitcast((m.bitcast(t, T.integer) << T.mantissa) + half, T.kind)  # 2^n / 2
    one = m.select(far, m.const(T.kind, 1.0), 0.0)
    return m.copysign(one - (one - q) / m.fma(half - 0.5, q, half + 0.5), x)


def logistic(m, T, x):
    """1 / (1 + exp(-x)); for x < 0, e / (1 + e) with e = exp(x), exact into the subnormals.

    Measured: 2.78 (f32), 1.83 (f64) ulp.
    """
    e = exp(m, T, -m.abs(x))
    r = 1.0 / (e + 1.0)
    return m.select(x < 0.0, e * r, r)


def split_log(m, T, x):
    """x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt 2): (f, k as a float). Requires x normal, > 0."""
    bits = m.bitcast(x, T.integer)
    k = (bits - T.root_half_bits) >> T.mantissa
    f = m.bitcast(bits - (k << T.mantissa), T.kind) - 1.0
    return f, m.cast(k, T.kind)


def normal(m, T, x):
    """x >= 0 made normal: (x 2^j, j as a float). A subnormal's bits count the smallest numbers."""
    small = x < T.smallest_normal
    shift = T.mantissa + (T.one_bits >> T.mantissa) - 1
    y = m.select(small, m.cast(m.bitcast(x, T.integer), T.kind), x)
    return y, m.select(small, m.const(T.kind, shift), 0.0)


def log_edges(m, T, x, y):
    """y where 0 < x < inf; else the logarithm's value there: -inf, NaN, or x itself.

    By integers, which cost less here: a negative's bits, its sign spread over them, are a NaN.
    """
    bits, width = m.bitcast(x, T.integer), int(T.kind[1:])
    infinity = ((1 << (width - 1 - T.mantissa)) - 1) << T.mantissa
    other = m.bitcast(bits | (bits >> (width - 1)), T.kind)
    y = m.select(m.bitcast(x, f"u{width}") < infinity, y, other)
    return m.select(x == 0.0, -INF, y)


def log(m, T, x, log_sum):
    """k ln 2 + log(1 + f), x = 2^k (1 + f).

    Measured: 0.93 (f32), 0.90 (f64) ulp.
    """
    y, shift = normal(m, T, x)
    f, k = split_log(m, T, y)
    return log_edges(m, T, x, log_sum(m, f, k - shift))


def log1p(m, T, x, log_sum):
    """log u + c / u, u = fl(1 + x), c = (1 + x) - u exactly (two-sum).

    Measured: 0.9 (f32), 0.88 (f64) ulp.
    """
    u = x + 1.0
    back = u - 1.0
    c = (1.0 - (u - back)) + (x - back)
    f, k = split_log(m, T, u)
    y = log_edges(m, T, u, log_sum(m, f, k, c / u))
    return m.select(m.abs(x) < T.tiny, x, y)


def sincos_poly(m, T, r, z):
    """(sin r, cos r) for |r| <= pi/4, z = r^2."""
    s = m.fma(r * z, horner(m, z, T.sin_s), r)
    c = m.fma(z, m.fma(z, horner(m, z, T.cos_c), -0.5), 1.0)
    return s, c


def quadrant(m, T, s, c, q):
    """sin of the angle q pi/2 + r, from sin r and cos r."""
    y = m.select((q & 1) != 0, c, s)
    sign = (q & 2) << (int(T.integer[1:]) - 2)
    return m.bitcast(m.bitcast(y, T.integer) ^ sign, T.kind)


def rsqrt(m, T, x):
    """1 / sqrt x, two roundings.

    Measured: 1.45 (f32), 1.48 (f64) ulp.
    """
    return 1.0 / m.sqrt(x)


def pow_edges(m, T, x, y, size):
    """x**y by IEEE 754's rules, from `size` = |x|**y (right for finite |x| > 0)."""
    a = m.abs(x)
    whole = m.floor(y) == y
    odd = whole & (m.floor(y * 0.5) != y * 0.5)
    up = y > 0.0
    size = m.select(a == 0.0, m.select(up, m.const(T.kind, 0.0), INF), size)
    size = m.select(a == INF, m.select(up, m.const(T.kind, INF), 0.0), size)
    negative = m.bitcast(x, T.integer) < 0
    signed = m.select(negative & odd, -size, size)
    signed = m.select((x < 0.0) & (x > -INF) & ~whole, NAN, signed)
    signed = m.select((x != x) | (y != y), x + y, signed)
    one = (x == 1.0) | (y == 0.0) | ((a == 1.0) & (m.abs(y) == INF))
    return m.select(one, 1.0, signed)


def rows(T, own, shared, with_log, log_sum):
    """The table of one precision: the shared unary formulas bound to `T`, then its `own`."""
    unary = {name: _bound(formula, T) for name, formula in shared.items()}
    unary |= {name: _bound(formula, T, log_sum) for name, formula in with_log.items()}
    unary |= own
    return {f"{name}_{T.kind}": (formula, T.kind, T.kind) for name, formula in unary.items()}


def _bound(formula, T, *rest):
    def unary(m, x):
        return formula(m, T, x, *rest)

    unary.__doc__ = formula.__doc__
    return unary


def single(formula):
    def rounded(m, x):
        return m.cast(formula(m, m.cast(x, "f64")), "f32")

    rounded.__doc__ = formula.__doc__ + "\n    In double, rounded once."
    return rounded


SHARED = {"exp": exp, "expm1": expm1, "tanh": tanh, "logistic": logistic, "rsqrt": rsqrt}
WITH_LOG = {"log": log, "log1p": log1p}

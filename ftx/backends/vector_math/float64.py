"""Elementary functions in double precision.

Out: `ROWS`, name -> (formula, result kind, *operand kinds), for `intrinsics.compiled` and `twin`.
Coefficients are minimax fits (Remez in mpmath, weighted for relative error) rounded to double;
beside each stands the error of the fit itself.
Knows nothing of: LLVM, Numba; arguments arrive as scalars.
"""

from . import common, more
from .common import Constants, horner

# fmt: off
EXP_Q = (  # 2^-61.6 of expm1 r
    2.092543186245589e-09, 2.511016320431577e-08, 2.7557239534318914e-07,
    2.7557241213368924e-06, 2.4801587364359385e-05, 0.00019841269888838547,
    0.00138888888888649, 0.008333333333320678, 0.041666666666666706, 0.16666666666666677, 0.5,
)
T = Constants(
    kind="f64",
    integer="i64",
    mantissa=52,
    magic=6755399441055744.0,
    one_bits=0x3FF0000000000000,
    root_half_bits=0x3FE6A09E667F3BCD,
    tiny=1e-20,
    smallest_normal=2.0**-1022,
    log2_e=1.4426950408889634,
    ln2_hi=0.6931471805599453,
    ln2_lo=2.3190468138462996e-17,
    exp_lowest=-746.0,
    exp_highest=710.0,
    expm1_lowest=-40.0,
    exp_p=(*EXP_Q, 1.0),
    exp_q=EXP_Q,
    tanh_highest=20.0,
    tanh_p=(  # 2^-57.7
        -1.717871561519147e-05, 7.931392731669121e-05, -0.0002303967861655068,
        0.0005871883902844352, -0.0014552153570220308, 0.003592037377785164,
        -0.008863226777215252, 0.021869488002540103, -0.05396825394929449, 0.1333333333329966,
        -0.33333333333333126,
    ),
    sin_s=(  # 2^-57.8
        1.589384159452753e-10, -2.5050709114440405e-08, 2.755731339371548e-06,
        -0.00019841269828999928, 0.008333333333321487, -0.1666666666666663,
    ),
    cos_c=(  # 2^-63.9
        -1.1358271297945646e-11, 2.087569952810496e-09, -2.7557314202655945e-07,
        2.480158728907077e-05, -0.0013888888888873685, 0.0416666666666666,
    ),
    log2_e_low=2.0355273740931033e-17,
    exp2_lowest=-1076.0,
    exp2_highest=1025.0,
    exp2_p=(  # 2^-64.2
        2.574307949135337e-11, 4.456890010850092e-10, 7.054887303413627e-09,
        1.0178049849386024e-07, 1.3215486835693424e-06, 1.525273385930906e-05,
        0.00015403530393337753, 0.001333355814638745, 0.009618129107628498, 0.05550410866482171,
        0.24022650695910072, 0.6931471805599453,
    ),
    sinh_highest=710.6,
    half_pi=1.5707963267948966,
    half_pi_low=6.123233995736766e-17,
    asin_p=(  # 2^-59.8
        0.03258197136932136, -0.020918297021740515, 0.02164530321857922, 0.0037344034039323527,
        0.010772067091364503, 0.011400539811132015, 0.013980596459355411, 0.01735163335174532,
        0.022372213608700897, 0.030381942765875566, 0.044642857173129116, 0.07499999999972796,
        0.1666666666666675,
    ),
    atan_p=(  # 2^-59.4
        -0.017939510371309204, 0.038095942737580955, -0.05040624540358279, 0.05848203950534925,
        -0.06663150806292724, 0.07692064700774986, -0.09090898035972873, 0.1111111079431431,
        -0.1428571428044617, 0.1999999999995655, -0.3333333333333321,
    ),
    huge=2.0**1022,
    root_large=2.0**28,
    erfc_highest=27.3,
    erfc_k=4.0,
    erfc_h=(  # 2^-56.4
        -1.800201562931583e-09, -1.3650110120616546e-08, -7.842078055753264e-09,
        1.151605263029885e-07, 6.288864432857487e-08, -8.347662249368414e-07,
        3.0127272500480155e-07, 5.7174984718842405e-06, -1.122482106164416e-05,
        -2.4402953768887383e-05, 0.00015062228997819317, -0.00019925557959028106,
        -0.0007577733613772828, 0.005031969770621427, -0.016197734054729185, 0.03716751556070018,
        -0.066330365812038, 0.09373283499691458, -0.10103906603632361, 0.06809705425473354,
        0.01537965210262014, -0.13962111684056286, 1.2329951186255526,
    ),
    cbrt_steps=1,
    cbrt_series=(5 / 9, 2 / 3),
    cbrt_unshift=2.0**-18,
)
LOG_R = (  # log(1+f) = 2s + s z R(z), s = f/(2+f), z = s^2, 2^-58.5 (fdlibm's form)
    0.14794060138431564, 0.15314259547097725, 0.1818355519009675, 0.2222219877274475,
    0.28571428740130206, 0.39999999999426894, 0.6666666666666732,
)
ERF_E = (  # erf x = x + x E(x^2), x <= 1, 2^-57.0
    -7.801188874097751e-10, 1.3722976265924504e-08, -1.6209175911748696e-07,
    1.6447517677871873e-06, -1.4924744663335489e-05, 0.00012055295320494294,
    -0.0008548325989696758, 0.005223977607423468, -0.02686617064327622, 0.11283791670945253,
    -0.3761263890318355, 0.12837916709551256,
)
ERF_G = (  # erf x = 1 - exp(-(x + x G(x))), 1 <= x <= 6, 2^-54.7
    5.811348897654996e-16, -4.211466965192876e-14, 1.4375188925277066e-12,
    -3.072958280822354e-11, 4.613533125652114e-10, -5.169177361482306e-09,
    4.4809898389000724e-08, -3.071502580744182e-07, 1.6838396304872132e-06,
    -7.391214615416511e-06, 2.562568055504348e-05, -6.708032893934225e-05,
    0.0001138649430025418, -2.5147993798935612e-05, -0.0005498208267522521,
    0.0016730412431022839, -0.00020056014459218395, -0.01912974710875591, 0.10277213467666621,
    0.6366200517186783, 0.12837912252658454,
)
POW_R = (  # log(1+f) = 2s + s z (2/3 + z R(z)), 2^-65.0
    0.13169092149528433, 0.13259987852762306, 0.15386608897943757, 0.18181787922472525,
    0.22222222474372536, 0.28571428570392077, 0.40000000000001534,
)
LN2_SHORT, LN2_SHORT_LOW = 0.6931471805598903, 5.497923018708371e-14  # 42 bits, the rest
TRIG_LIMIT = 2.0**40  # up to here the reduction errs by less than 2^-120; beyond, libm
HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
# fmt: on


def log_sum(m, f, k, c=None):
    """k ln 2 + log(1 + f) + c, |c| far below |f|: log(1 + f) = f - s (f - z R(z))."""
    s = f / (f + 2.0)
    z = s * s
    low = k * T.ln2_lo if c is None else m.fma(k, T.ln2_lo, c)
    return m.fma(k, T.ln2_hi, f + m.fma(s, m.fma(z, horner(m, z, LOG_R), -f), low))


def erf(m, x):
    """x + x E(x^2) for |x| <= 1, else 1 - exp(-(x + x G(x))).

    Measured: 0.97 ulp.
    """
    a = m.abs(x)
    near = m.fma(x, horner(m, x * x, ERF_E), x)
    t = m.select(a > 6.0, 6.0, a)
    r, bits = common.reduce_exp(m, T, -m.fma(t, horner(m, t, ERF_G), t))
    p = m.fma(r * r, horner(m, r, T.exp_q), r) + 1.0
    far = 1.0 - p * m.bitcast((bits << 52) + T.one_bits, "f64")
    return m.select(a <= 1.0, near, m.copysign(far, x))


def reduce_trig(m, x):
    """x = q pi/2 + (r + l), |r| <= pi/4: (r, l, q).

    The first fma is exact; the products with the second part of pi/2 are kept in two words.
    """
    t = m.fma(x, 0.6366197723675814, T.magic)
    n = t - T.magic
    first = m.fma(n, -HALF_PI[0], x)
    product = n * -HALF_PI[1]
    rest = m.fma(n, -HALF_PI[2], m.fma(n, -HALF_PI[1], -product))
    r = first + product
    back = r - first
    low = (first - (r - back)) + (product - back) + rest
    return r, low, m.bitcast(t, "i64")


def sincos(m, x):
    """(sin, cos, quadrant) of the reduced x; the low word enters to first order."""
    r, low, q = reduce_trig(m, x)
    z = r * r
    s = r + m.fma(r * z, horner(m, z, T.sin_s), m.fma(z * -0.5, low, low))
    half = z * 0.5
    w = 1.0 - half
    c = w + (((1.0 - w) - half) + m.fma(z * z, horner(m, z, T.cos_c), -(r * low)))
    return s, c, q


def sin(m, x):
    """Quadrant and remainder by pi/2, in two words; polynomials of fdlibm's form.

    Measured: 0.76 ulp.
    """
    s, c, q = sincos(m, x)
    y = m.select(x == 0.0, x, common.quadrant(m, T, s, c, q))
    return m.beyond(TRIG_LIMIT, "sin", x, y)


def cos(m, x):
    """Quadrant and remainder by pi/2, in two words; polynomials of fdlibm's form.

    Measured: 0.7 ulp.
    """
    s, c, q = sincos(m, x)
    return m.beyond(TRIG_LIMIT, "cos", x, common.quadrant(m, T, s, c, q + 1))


def tan(m, x):
    """See `more.tan`; beyond 2^40, libm's."""
    return m.beyond(TRIG_LIMIT, "tan", x, more.tan(m, T, x, *sincos(m, x)))


def erfc(m, x):
    """See `more.erfc`."""
    return more.erfc(m, T, x, ERF_E)


def erfcx(m, x):
    """See `more.erfcx`."""
    return more.erfcx(m, T, x, ERF_E)


def atan2(m, y, x):
    """See `more.atan2`."""
    return more.atan2(m, T, y, x)


def log_two_words(m, x):
    """log x as hi + lo, x > 0 and finite, good to 2^-65 of itself.

    As `log_sum`, with s = f/(2+f), s^2 and the first two terms of the series in two words.
    """
    y, shift = common.normal(m, T, x)
    f, k = common.split_log(m, T, y)
    k = k - shift
    d = f + 2.0
    d_low = (2.0 - d) + f
    s = f / d
    s_low = (m.fma(-s, d, f) - s * d_low) / d
    z = s * s
    z_low = m.fma(s, s, -z) + s * s_low * 2.0
    q = z * horner(m, z, POW_R)
    c = q + 0.6666666666666666
    c_low = (0.6666666666666666 - c) + q + 3.700743415417188e-17  # 2/3 in two words
    p = s * z
    p_low = m.fma(s, z, -p) + m.fma(s, z_low, s_low * z)
    t = p * c
    t_low = m.fma(p, c, -t) + m.fma(p, c_low, p_low * c)
    hi = m.fma(s, 2.0, t)
    lo = (s * 2.0 - hi) + t + (s_low * 2.0 + t_low)
    base = k * LN2_SHORT  # exact: 42 bits by 11
    total = base + hi
    return total, (base - total) + hi + (lo + k * LN2_SHORT_LOW)


def power(m, x, y):
    """exp(y log |x|) with the logarithm and the product in two words; IEEE 754 at the edges.

    Measured: 1.04 ulp.
    """
    hi, lo = log_two_words(m, m.abs(x))
    t = y * hi
    t_low = m.fma(y, hi, -t) + y * lo
    t_low = m.select(m.abs(t) < 800.0, t_low, 0.0)
    r, bits = common.reduce_exp(m, T, common.clamp(m, t, -800.0, 800.0))
    r = r + t_low
    p = m.fma(r * r, horner(m, r, T.exp_q), r) + 1.0
    return common.pow_edges(m, T, x, y, common.scale(m, T, p, bits))


OWN = {"erf": erf, "erfc": erfc, "erfcx": erfcx, "sin": sin, "cos": cos, "tan": tan}
ROWS = common.rows(T, OWN, more.SHARED, more.WITH_LOG, log_sum)
ROWS["pow_f64"] = (power, "f64", "f64", "f64")
ROWS["atan2_f64"] = (atan2, "f64", "f64", "f64")

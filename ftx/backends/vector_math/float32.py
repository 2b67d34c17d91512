"""Elementary functions in single precision.

Out: `ROWS`, name -> (formula, result kind, *operand kinds), for `intrinsics.compiled` and `twin`.
Coefficients are minimax fits (Remez in mpmath, weighted for relative error) rounded to double;
beside each stands the error of the fit itself.
Knows nothing of: LLVM, Numba; arguments arrive as scalars.
"""

from . import common, more
from .common import Constants, horner

# fmt: off
T = Constants(
    kind="f32",
    integer="i32",
    mantissa=23,
    magic=12582912.0,
    one_bits=0x3F800000,
    root_half_bits=0x3F3504F3,
    tiny=1e-12,
    smallest_normal=2.0**-126,
    log2_e=1.4426950408889634,
    ln2_hi=0.6931471824645996,
    ln2_lo=-1.904654299957768e-09,
    exp_lowest=-104.0,
    exp_highest=89.0,
    expm1_lowest=-20.0,
    exp_p=(  # 2^-28.3 of exp r
        0.0013814221365002189, 0.008368898277009162, 0.041668405707764915, 0.16666519134178787,
        0.49999993346635957, 1.0,
    ),
    exp_q=(  # 2^-31.9 of expm1 r
        0.00019915857796503416, 0.0013942022378557054, 0.008333270126670124,
        0.04166634256914066, 0.16666666828817087, 0.500000004904089,
    ),
    tanh_highest=10.0,
    tanh_p=(  # 2^-28.4
        -0.005895155928684568, 0.020795969774008483, -0.053783829729871516, 0.13331924121333644,
        -0.33333298002060024,
    ),
    sin_s=(2.717612958141309e-06, -0.00019839262959701697, 0.008333329169625488,
           -0.1666666663987302),  # 2^-37
    cos_c=(2.443200434383009e-05, -0.0013887314260386102, 0.041666645857439004),  # 2^-33
    log2_e_low=1.9259629911266175e-08,
    exp2_lowest=-151.0,
    exp2_highest=129.0,
    exp2_p=(  # 2^-34.2
        1.5316488250137915e-05, 0.00015468356522863654, 0.0013333424394635124,
        0.009618033309003945, 0.0555041096991728, 0.24022651097795086, 0.6931471805396079,
    ),
    sinh_highest=89.5,
    half_pi=1.5707963705062866,
    half_pi_low=-4.3711390001862426e-08,
    asin_p=(  # 2^-31.7
        0.037521852297876204, 0.014436575161735216, 0.0318075559876004, 0.04451710306904574,
        0.0750050229726934, 0.16666660059305233,
    ),
    atan_p=(  # 2^-30.5
        -0.06085349327072172, 0.1059697801651123, -0.14244022206223544, 0.1999850177682524,
        -0.3333331579031608,
    ),
    huge=2.0**126,
    root_large=2.0**14,
    erfc_highest=10.2,
    erfc_k=2.0,
    erfc_h=(  # 2^-26.7
        2.598385849900758e-05, -0.00036567670146127123, -0.0012535268084434765,
        0.0012742580032547217, 0.00863879262111687, -0.008044837167920392, -0.05420525068512682,
        0.1640531824948625, -0.16603135229219748, -0.09276389707792673, 1.2769783919601838,
    ),
    cbrt_steps=0,
    cbrt_series=(110 / 243, 40 / 81, 5 / 9, 2 / 3),
    cbrt_unshift=2.0**-8,
)
LOG_Q = (  # log(1+f) = f + f^2 Q(f), 2^-27.9
    -0.07621722825024702, 0.12904395894647244, -0.13242990290101087, 0.14181830934567946,
    -0.16609083150261844, 0.200019736786194, -0.25001582925154264, 0.33333325695308813,
    -0.4999998834661544,
)
ERF_E = (  # erf x = x + x E(x^2), x <= 1, 2^-29.7
    7.889119157487838e-05, -0.0008020845698406905, 0.005189536461939261, -0.026854445581508075,
    0.11283600211815889, -0.37612627140440547, 0.12837916591465431,
)
ERF_G = (  # erf x = 1 - exp(-(x + x G(x))), 0 <= x <= 3.95, 2^-27.9 of erf x
    -9.25008164448468e-06, 0.00011758369999439547, -0.0006326217992832214, 0.0016666126135425282,
    -0.00015995301751143946, -0.019153324552307477, 0.10277790941258053, 0.6366193715577512,
    0.12837917200076088,
)
EXPM1_Q = (  # expm1 r = r + r^2 Q(r), |r| < 0.35, 2^-26.2
    0.0013882485149848114, 0.008366691369104874, 0.04166720543611303, 0.1666654235314748,
    0.4999999812504975,
)
# In double, for pow: log(1+f) = 2s + s z R(z), s = f/(2+f), z = s^2, 2^-43.9; exp to 2^-39.5.
POW_R = (0.19582460179118588, 0.2217632299167535, 0.2857210540685646, 0.39999995664516536,
         0.6666666667564081)
POW_Q = (2.488930215888745e-05, 0.00019910557961667737, 0.001388879276249724,
         0.00833327925529719, 0.04166666707725368, 0.16666666793569593, 0.4999999999948235)
HALF_PI = (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15)
TRIG_LIMIT = 2.0**19  # up to here the reduction errs by less than 2^-57; beyond, in double
HALF_PI64 = (1.5707963267948966, 6.123233995736766e-17)
FAR_LIMIT = 2.0**40  # up to here the reduction in double errs by less than 2^-69; beyond, libm
ERF_MAGIC = T.magic + 127  # as `magic`, but its low bits are then the exponent field of 2^n
MAGIC64 = 6755399441055744.0
# fmt: on


def log_sum(m, f, k, c=None):
    """k ln 2 + log(1 + f) + c, |c| far below |f|; the rest of ln 2 is below 0.1 ulp."""
    z = f * f
    y = horner(m, f, LOG_Q)
    y = m.fma(z, y, f) if c is None else f + m.fma(z, y, c)
    return m.fma(k, T.ln2_hi, y)


def erf(m, x):
    """-expm1(-(a + a G(a))) with the sign of x, a = |x|, so small x needs no second branch.

    The expm1 is (1 - 2^n) - 2^n r P(r), the first part exact. erf 3.95 rounds to 1.

    Measured: 1.77 ulp.
    """
    a = m.abs(x)
    a = m.select(a > 3.95, 3.95, a)
    u = m.fma(a, horner(m, a, ERF_G), a)
    t = m.fma(u, -T.log2_e, ERF_MAGIC)
    r = m.fma(t - ERF_MAGIC, -T.ln2_hi, -u)
    power = m.bitcast(m.bitcast(t, "i32") << 23, "f32")
    scaled = r * power
    y = m.fma(scaled * -r, horner(m, r, EXPM1_Q), (1.0 - power) - scaled)
    return m.copysign(y, x)


def reduce_trig(m, x):
    """x = q pi/2 + r, |r| < 0.81: (r, q). Cody-Waite in three parts, the first fma exact."""
    t = m.fma(x, 0.6366197723675814, T.magic)
    n = t - T.magic
    r = m.fma(n, -HALF_PI[2], m.fma(n, -HALF_PI[1], m.fma(n, -HALF_PI[0], x)))
    return r, m.bitcast(t, "i32")


def reduce_far(m, x):
    """As `reduce_trig`, in double."""
    wide = m.cast(x, "f64")
    t = m.fma(wide, 0.6366197723675814, MAGIC64)
    n = t - MAGIC64
    r = m.fma(n, -HALF_PI64[1], m.fma(n, -HALF_PI64[0], wide))
    return m.cast(r, "f32"), m.cast(m.bitcast(t, "i64"), "i32")


def trig(m, x, libm, finish):
    """finish(m, x, sin r, cos r, q), x = q pi/2 + r: reduced in single, double or by libm."""

    def value(m, x, reduce):
        r, q = reduce(m, x)
        return finish(m, x, *common.sincos_poly(m, T, r, r * r), q)

    def far(m, x):
        return m.beyond(FAR_LIMIT, libm, x, value(m, x, reduce_far))

    return m.beyond(TRIG_LIMIT, libm, x, value(m, x, reduce_trig), far)


def sin(m, x):
    """Quadrant and remainder by pi/2, then a polynomial.

    Measured: 1.55 ulp.
    """

    def finish(m, x, s, c, q):
        return m.select(x == 0.0, x, common.quadrant(m, T, s, c, q))

    return trig(m, x, "sin", finish)


def cos(m, x):
    """As `sin`, one quadrant on.

    Measured: 1.55 ulp.
    """
    return trig(m, x, "cos", lambda m, x, s, c, q: common.quadrant(m, T, s, c, q + 1))


def pow_size(m, a, y):
    """|x|**y in double: exp(y log a), rounded once at the end."""
    bits = m.bitcast(m.cast(a, "f64"), "i64")
    k = (bits - 0x3FE6A09E00000000) >> 52
    f = m.bitcast(bits - (k << 52), "f64") - 1.0
    s = f / (f + 2.0)
    z = s * s
    log_a = m.fma(
        m.cast(m.cast(k, "i32"), "f64"),
        0.6931471805599453,
        m.fma(s * z, horner(m, z, POW_R), s * 2.0),
    )
    t = common.clamp(m, m.cast(y, "f64") * log_a, -200.0, 200.0)
    u = m.fma(t, 1.4426950408889634, MAGIC64)
    r = m.fma(u - MAGIC64, -0.6931471805599453, t)
    p = m.fma(r * r, horner(m, r, POW_Q), r) + 1.0
    return m.cast(p * m.bitcast((m.bitcast(u, "i64") << 52) + 0x3FF0000000000000, "f64"), "f32")


def power(m, x, y):
    """sign * exp(y log |x|) in double, with IEEE 754's rules at the edges.

    Measured: 0.5 ulp.
    """
    return common.pow_edges(m, T, x, y, pow_size(m, m.abs(x), y))


def tan(m, x):
    """See `more.tan`."""
    return trig(m, x, "tan", lambda m, x, s, c, q: more.tan(m, T, x, s, c, q))


def erfc(m, x):
    """See `more.erfc`."""
    return more.erfc(m, T, x, ERF_E)


def erfcx(m, x):
    """See `more.erfcx`."""
    return more.erfcx(m, T, x, ERF_E)


def atan2(m, y, x):
    """See `more.atan2`."""
    return more.atan2(m, T, y, x)


OWN = {"erf": erf, "erfc": erfc, "erfcx": erfcx, "sin": sin, "cos": cos, "tan": tan}
ROWS = common.rows(T, OWN, more.SHARED, more.WITH_LOG, log_sum)
ROWS["pow_f32"] = (power, "f32", "f32", "f32")
ROWS["atan2_f32"] = (atan2, "f32", "f32", "f32")

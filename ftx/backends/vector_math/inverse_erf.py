"""The inverses of erf and of the normal distribution function, in both precisions.

In: a machine `m`, a scalar.  Out: a scalar.  Straight-line arithmetic: one polynomial whose
coefficients and argument are those of the range of w = -log(1 - x^2): a selection of two numbers
takes a vector unit half as long as a multiplication (Zen 4; as long on others).
Source: Giles, "Approximating the erfinv function" (2011), for the use of w; coefficients are fits
of our own (Remez in mpmath, relative error), in v = (w - centre)/half width or the same of sqrt w.
Knows nothing of: LLVM, Numba.
"""

from . import common, float32, float64
from .common import INF, NAN, horner_of, split_log

# fmt: off
CENTRE_F32 = (  # w <= 5, 2^-28.7
    3.2038165985370447e-06, -3.346387752985909e-05, 2.7512862588784363e-05,
    0.00028435423099568613, -0.0008385196748723121, -0.00048455919216187384, 0.008526662212289331,
    -0.019574135902859467, -0.026108370905816813, 0.6166007191177012, 1.501409353512647,
)
TAIL_F32 = (  # 5 <= w <= 16.64, 2^-29.3
    -1.2965499602562685e-05, 5.5761773429432014e-05, -4.45964808082807e-05,
    -0.00019436300470735646, 0.0007429789623503841, -0.0015337705143173227, 0.0024740207118418333,
    -0.003807680620401515, 0.005592250284806309, 0.9269174618954339, 2.990361796954185,
)
CENTRE_F64 = (  # w <= 6.25, 2^-58.2
    -2.361443611857703e-10, 7.933653384852761e-10, 1.3569664023216472e-09, -8.83517020047196e-09,
    5.351049901123366e-09, 4.060660044332606e-08, -1.0137992364700582e-07,
    -1.3496983759327782e-08, 5.540831572953818e-07, -1.0707769404430007e-06,
    -7.256511606888607e-07, 7.2638020836371685e-06, -1.1324095847551218e-05,
    -1.5512826416349395e-05, 9.460132533782921e-05, -0.00011706948661649123,
    -0.00026949088851187106, 0.0012429226711613485, -0.0012700317412596136,
    -0.0041827584731695495, 0.01788924933931226, -0.02259870756052132, -0.059219844747813916,
    0.7515060835059991, 1.6548552026609877,
)
MIDDLE_F64 = (  # 6.25 <= w <= 16, 2^-59.5
    2.919120050134999e-11, -7.655767154071348e-11, -1.434114620176279e-10, 1.1643746682101692e-09,
    -2.8245721790855325e-09, -5.817722503838338e-10, 3.0325411003013515e-08,
    -1.0636124785225396e-07, 1.000775323266692e-07, 5.914099739938935e-07,
    -2.9221914655545114e-06, 5.510875902111228e-06, 2.7703316603211784e-06,
    -5.0739483044132596e-05, 0.00017892981226819079, -0.00041751736936009156,
    0.0008133972877204013, -0.0016197101433785203, 0.0030657742965361553, 0.7615039572060234,
    3.0863987914211566,
)
TAIL_F64 = (  # 16 <= w <= 36.7, 2^-56.6
    -3.722901118717814e-11, 6.700671499282078e-11, 1.5096134792521563e-10, -7.376117221860745e-10,
    1.9749609873098714e-09, -4.898727611694516e-09, 1.0500693232758973e-08,
    -1.9528243625019295e-08, 3.616081298794311e-08, -8.47639389904467e-08, 2.9002905507936235e-07,
    -1.2371830601255836e-06, 5.470151604246646e-06, -2.2977110068034108e-05,
    8.552039089781703e-05, -0.00023181805434665593, -0.0001705325344542608, 1.0507032320226553,
    4.880215284762402,
)
# Beyond: sqrt w P(1 / sqrt w), where only ndtri gets.
FAR_F32 = (  # 16.64 <= w <= 104, 2^-27.6
    -9.295034431033855e-08, 5.003360570299265e-07, -1.4981521871959558e-06,
    6.6186426010972355e-06, -4.6294084313558415e-05, 0.0003674804465845227,
    -0.0004834988503716886, -0.014647346921265125, 0.9757139086723328,
)
FAR_F64 = (  # 36.7 <= w <= 743.7, 2^-54
    -2.0400446231795016e-10, 2.9569937719065755e-10, 7.497976055441799e-10,
    -9.344888450466425e-10, -1.850552202296354e-09, 2.2740690772284067e-09,
    1.4941089463825003e-09, -1.0518546178843133e-09, -3.926734866188818e-09,
    5.861075094534787e-09, -7.387839776160155e-09, 1.5909199682080783e-08,
    -3.4462444655330357e-08, 7.171301213675164e-08, -1.543371631482554e-07,
    3.4669302921148736e-07, -8.176991981258076e-07, 2.0568342002266685e-06,
    -5.625404622332059e-06, 1.73047281529156e-05, -7.02135411874965e-05, 0.00042957827339010446,
    -0.00142421011313966, -0.010894017647653931, 0.9889136635312468,
)
# fmt: on
ROOT_TWO = 1.4142135623730951


def edges(m, x, y):
    """y inside (-1, 1); infinite at the ends, NaN beyond."""
    a = m.abs(x)
    return m.select(a < 1.0, y, m.select(a == 1.0, m.copysign(INF, x), NAN))


def distance(m, T, x, log_sum):
    """-log(1 - x^2) for |x| < 1, where 1 - x^2 is a normal number; nonsense elsewhere."""
    f, k = common.split_log(m, T, m.fma(-x, x, 1.0))
    return -log_sum(m, f, k)


def erf_inv_f32(m, x):
    """x P(w), or x P(sqrt w) for w > 5.

    Measured: 2.93 ulp.
    """
    w = distance(m, float32.T, x, float32.log_sum)
    near = w < 5.0
    far = (m.sqrt(w) - 3.156915954761145) * (1 / 0.923084045238855)
    v = m.select(near, m.fma(w, 0.4, -1.0), far)
    choose = lambda a, b: m.select(near, a, b)
    return edges(m, x, x * horner_of(m, float32.T, v, choose, CENTRE_F32, TAIL_F32))


def erf_inv_f64(m, x):
    """x P(w), or x P(sqrt w) for w > 6.25, in two ranges.

    Measured: 2.95 ulp.
    """
    w = distance(m, float64.T, x, float64.log_sum)
    root = m.sqrt(w)
    choose = lambda a, b, c: m.select(w < 6.25, a, m.select(w < 16.0, b, c))
    v = choose((w - 3.13) * (1 / 3.13), (root - 3.2525) * (1 / 0.7575), (root - 5.03) * (1 / 1.04))
    middle, tail = ((0.0,) * (len(CENTRE_F64) - len(p)) + p for p in (MIDDLE_F64, TAIL_F64))
    return edges(m, x, x * horner_of(m, float64.T, v, choose, CENTRE_F64, middle, tail))


def _distance_of(m, T, p, log_sum):
    """-log(1 - x^2) = -log(4 p (1 - p)) for x = 2 p - 1, without cancellation however small p."""
    y, shift = common.normal(m, T, (p * 4.0) * (1.0 - p))
    f, k = split_log(m, T, y)
    return -log_sum(m, f, k - shift)


def _between(m, T, p, y):
    """y where 0 < p < 1; infinite at the ends, NaN beyond."""
    ends = m.select(p == 0.0, -INF, m.select(p == 1.0, m.const(T.kind, INF), NAN))
    return m.select((p > 0.0) & (p < 1.0), y, ends)


def ndtri_f32(m, p):
    """sqrt 2 erf_inv(2 p - 1), from the w of p.

    Measured: 3.32 ulp.
    """
    w = _distance_of(m, float32.T, p, float32.log_sum)
    root = m.sqrt(w)
    choose = lambda a, b, c: m.select(w < 5.0, a, m.select(w < 16.64, b, c))
    tail = (root - 3.156915954761145) * (1 / 0.923084045238855)
    far = (1.0 / root - 0.1714011785399098) * (1 / 0.07374492853990978)
    v = choose(m.fma(w, 0.4, -1.0), tail, far)
    beyond = (0.0,) * (len(CENTRE_F32) - len(FAR_F32)) + FAR_F32
    y = horner_of(m, float32.T, v, choose, CENTRE_F32, TAIL_F32, beyond)
    y = m.select(w < 16.64, y, y * root)
    return _between(m, float32.T, p, (m.fma(p, 2.0, -1.0) * ROOT_TWO) * y)


def ndtri_f64(m, p):
    """sqrt 2 erf_inv(2 p - 1), from the w of p, in four ranges.

    Measured: 3.28 ulp.
    """
    w = _distance_of(m, float64.T, p, float64.log_sum)
    root = m.sqrt(w)
    choose = lambda a, b, c, d: m.select(
        w < 6.25, a, m.select(w < 16.0, b, m.select(w < 36.7, c, d))
    )
    far = (1.0 / root - 0.10086929471188921) * (1 / 0.06419896101185255)
    v = choose(
        (w - 3.13) * (1 / 3.13), (root - 3.2525) * (1 / 0.7575), (root - 5.03) * (1 / 1.04), far
    )
    middle, tail = ((0.0,) * (len(CENTRE_F64) - len(p)) + p for p in (MIDDLE_F64, TAIL_F64))
    y = horner_of(m, float64.T, v, choose, CENTRE_F64, middle, tail, FAR_F64)
    y = m.select(w < 36.7, y, y * root)
    return _between(m, float64.T, p, (m.fma(p, 2.0, -1.0) * ROOT_TWO) * y)


ROWS = {
    "erf_inv_f32": (erf_inv_f32, "f32", "f32"),
    "erf_inv_f64": (erf_inv_f64, "f64", "f64"),
    "ndtri_f32": (ndtri_f32, "f32", "f32"),
    "ndtri_f64": (ndtri_f64, "f64", "f64"),
}

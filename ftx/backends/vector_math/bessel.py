"""Modified Bessel functions of orders 0 and 1, plain and scaled by exp(-|x|), in both precisions.

In: a machine `m`, a scalar.  Out: a scalar.  Straight-line arithmetic.
With a = |x|: I_n(a) = a^n P(a^2) up to a bound, beyond it exp(a) Q(2 bound / a - 1) / sqrt a; P and
Q are of one degree, so that one polynomial serves both, its coefficients chosen.
The coefficients are fits of our own (Lawson's weights in mpmath, relative error).
Knows nothing of: LLVM, Numba.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import common, float32, float64
from .common import INF, NAN, Constants, horner_of, reduce_exp, scale

# fmt: off
SMALL_0_F32 = (  # 2^-26.1
    1.4580664217775548e-14, 2.0755677992284616e-12, 4.814482146286991e-10, 6.7628675992637e-08,
    6.783580829505809e-06, 0.0004340175655670464, 0.01562502607703209, 0.2499999701976776, 1.0,
)
LARGE_0_F32 = (  # 2^-26.2
    -3.5471745718496095e-07, -3.195150100054889e-07, 1.0983922038576566e-06,
    2.9012965114816325e-06, 7.018506948952563e-06, 3.2019204809330404e-05, 0.00026395273744128644,
    0.004607095383107662, 0.4033122658729553,
)
SMALL_1_F32 = (  # 2^-25.5
    7.864806264978993e-16, 1.328555185786326e-13, 3.4221570022197056e-11, 5.640341527168857e-09,
    6.782883588130062e-07, 5.425276322057471e-05, 0.0026041686069220304, 0.0624999962747097, 0.5,
)
LARGE_1_F32 = (  # 2^-27.2
    3.8674235725011386e-07, 3.2188657428378065e-07, -1.2643830586966942e-06,
    -3.309093244752148e-06, -8.472481567878276e-06, -4.251181962899864e-05,
    -0.00041892367880791426, -0.01320139691233635, 0.3861236572265625,
)
SMALL_0_F64 = (  # 2^-54.7
    7.185159760569137e-43, 2.704375934641057e-40, 5.885566878215632e-37, 5.334135484085938e-34,
    4.9173644748190775e-31, 3.8412911471597727e-28, 2.597926586793105e-25, 1.4963272229349415e-22,
    7.242261619867249e-20, 2.8969032888587126e-17, 9.3859670155104e-15, 2.40280754907746e-12,
    4.709502797123992e-10, 6.781684027773004e-08, 6.7816840277780374e-06, 0.00043402777777777694,
    0.015625, 0.25, 1.0,
)
LARGE_0_F64 = (  # 2^-55.3
    -1.4189267157089434e-12, 4.425372292556066e-13, 1.0220845872537142e-11, 2.516608799724749e-12,
    -2.9922325145085234e-11, -2.9618992988412993e-11, 1.9039087101193094e-11,
    5.87443268292409e-11, 8.239719429265119e-11, 1.543589447021062e-10, 4.0962106574453143e-10,
    1.4309668270379945e-09, 6.5655961599299775e-09, 3.968636733078693e-08, 3.23443464245726e-07,
    3.7373167734141334e-06, 6.754764640807679e-05, 0.0023917279164540747, 0.4012699087930323,
)
SMALL_1_F64 = (  # 2^-54.7
    1.852451489209356e-44, 7.89216625189477e-42, 1.713907470375549e-38, 1.671582380382822e-35,
    1.6382664247599173e-32, 1.3720012957875671e-29, 9.991918394634909e-27, 6.2347044088100084e-24,
    3.2919366892576376e-21, 1.4484516609795094e-18, 5.214426114763056e-16, 1.5017547182826294e-13,
    3.363930569357073e-11, 5.651403356479379e-09, 6.781684027777903e-07, 5.425347222222218e-05,
    0.002604166666666667, 0.0625, 0.5,
)
LARGE_1_F64 = (  # 2^-54.2
    1.4603521251089507e-12, -5.292828179081531e-13, -1.0592855473777817e-11,
    -2.2127671192828944e-12, 3.140754183793675e-11, 3.019819830538704e-11,
    -2.0906769729696215e-11, -6.207435824448652e-11, -8.751246776999018e-11,
    -1.6657915263296774e-10, -4.494505982734614e-10, -1.6020666077132973e-09,
    -7.541607754966985e-09, -4.720421706650564e-08, -4.0511609300093076e-07,
    -5.101567276112766e-06, -0.00010985090967507125, -0.0070059706962943055, 0.39204142323335184,
)
# fmt: on


@dataclass(frozen=True)
class Order:
    """One order in one precision: where the second polynomial begins, and both."""

    constants: Constants
    odd: bool
    bound: float
    small: tuple[float, ...]
    large: tuple[float, ...]


ORDERS = {
    "i0_f32": Order(float32.T, False, 6.0, SMALL_0_F32, LARGE_0_F32),
    "i1_f32": Order(float32.T, True, 6.0, SMALL_1_F32, LARGE_1_F32),
    "i0_f64": Order(float64.T, False, 11.0, SMALL_0_F64, LARGE_0_F64),
    "i1_f64": Order(float64.T, True, 11.0, SMALL_1_F64, LARGE_1_F64),
}


def _polynomial(m, order, a):
    """(I_n(a), False) up to the bound, (exp(-a) I_n(a), True) beyond."""
    far = a > order.bound
    inverse, square = 1.0 / a, a * a
    v = m.select(far, m.fma(inverse, 2.0 * order.bound, -1.0), square)
    choose = lambda small, large: m.select(far, large, small)
    y = horner_of(m, order.constants, v, choose, order.small, order.large)
    # What rounding the square has lost counts a/2 times; d log P / d a^2 is about 0.45 / a there.
    lost = m.select(a > 2.0, m.fma(a, a, -square) * (inverse * 0.45), 0.0)
    near = m.fma(lost, y, y)
    near = near * a if order.odd else near
    return m.select(far, y / m.sqrt(a), near), far


def exp_times(m, T, x, y):
    """exp(x) y, rounded to the format once: y may bring it back into range."""
    r, bits = reduce_exp(m, T, x)
    p = m.fma(r, common.horner(m, r, T.exp_p), 1.0)
    return scale(m, T, p * y, bits)


def _plain(order):
    def bessel(m, x):
        """I_n(x), which overflows later than exp; NaN at infinity, as SciPy's.

        Measured: 3.1 (f32), 2.75 (f64) ulp.
        """
        T, a = order.constants, m.abs(x)
        y, far = _polynomial(m, order, a)
        limit = T.exp_highest + 16.0
        y = exp_times(m, T, m.select(far, m.select(a > limit, limit, a), 0.0), y)
        y = m.select(a > limit, m.select(a == INF, m.const(T.kind, NAN), INF), y)
        return m.copysign(y, x) if order.odd else y

    return bessel


def _scaled(order):
    def bessel(m, x):
        """exp(-|x|) I_n(x).

        Measured: 3 (f32), 3.75 (f64) ulp.
        """
        T, a = order.constants, m.abs(x)
        y, far = _polynomial(m, order, a)
        y = m.select(far, y, exp_times(m, T, -m.select(far, 0.0, a), y))
        return m.copysign(y, x) if order.odd else y

    return bessel


ROWS = {}
for _name, _order in ORDERS.items():
    _function, _kind = _name.split("_")
    ROWS[_name] = (_plain(_order), _kind, _kind)
    ROWS[f"{_function}e_{_kind}"] = (_scaled(_order), _kind, _kind)

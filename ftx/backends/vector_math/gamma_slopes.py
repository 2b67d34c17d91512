"""How the incomplete gamma function, and gamma samples, change with the shape parameter a.

In: a machine `m`, scalars a and x of kind f64, when a recurrence has converged.  Out: f64 scalars.
The recurrences of `core/primitives/incomplete_gamma.py`, element by element: each takes as many
steps as it needs, and one of the two takes none.
Knows nothing of: LLVM, Numba.
"""

from __future__ import annotations

from ...core.primitives.incomplete_gamma import FRACTION_STEPS, LARGE, SERIES_STEPS
from . import common, float64
from .common import INF, NAN
from .gamma import digamma, lgamma

TOLERANCE = {"f32": 2.0**-30, "f64": 2.0**-52}
"""The smallest change that counts, relative."""


def _log(m, x):
    return common.log(m, float64.T, x, float64.log_sum)


def _series(m, a, x, wanted, tolerance):
    """The sum of the power series, and its derivative in a: none of it unless `wanted`."""

    def step(r, term, total, d_term, d_total, n):
        r = r + 1.0
        ratio = x / r
        d_term = d_term * ratio - term * ratio / r
        term = term * ratio
        return r, term, total + term, d_term, d_total + d_term, n + 1

    one, zero = m.const("f64", 1.0), m.const("f64", 0.0)
    start = step(a, one, one, zero, zero, m.const("i64", 0))
    going_on = lambda r, term, total, d_term, d_total, n: (
        wanted & (m.abs(d_term) > m.abs(d_total) * tolerance) & (n < SERIES_STEPS)
    )
    _, _, total, _, d_total, _ = m.loop(going_on, step, *start)
    return total, d_total


def _fraction(m, a, x, wanted, tolerance):
    """The value of the continued fraction, and its derivative in a: none of it unless `wanted`."""

    def step(y, z, p0, p1, q0, q1, dp0, dp1, dq0, dq1, slope, change, n):
        n, y, z = n + 1.0, y + 1.0, z + 2.0
        product = y * n
        dp = dp1 * z - p1 - dp0 * product + p0 * n
        dq = dq1 * z - q1 - dq0 * product + q0 * n
        p, q = p1 * z - p0 * product, q1 * z - q0 * product
        inverse = 1.0 / q
        after = (dp - p * inverse * dq) * inverse
        scale = m.select(m.abs(p) > LARGE, m.const("f64", 1 / LARGE), 1.0)
        old = (p1 * scale, p * scale, q1 * scale, q * scale)
        moved = (dp1 * scale, dp * scale, dq1 * scale, dq * scale)
        return y, z, *old, *moved, after, m.abs(after - slope), n

    one, zero = m.const("f64", 1.0), m.const("f64", 0.0)
    z = x - a + 2.0
    top, bottom = x + 1.0, z * x
    slope = top / bottom * x / bottom
    first = (1.0 - a, z, one, top, x, bottom, zero, zero, zero, -x, slope, one + INF, zero)

    def going_on(*state):
        slope, change, n = state[-3:]
        return wanted & (change > m.abs(slope) * tolerance) & (n < float(FRACTION_STEPS))

    state = m.loop(going_on, step, *first)
    return state[3] / state[5], state[-3]


def _sample_slope(m, a, x, tolerance):
    """dx/da of a gamma sample x whose probability P(a, x) stays: -(dP/da) / (dP/dx)."""
    inside = (a > 0.0) & (x > 0.0) & (a < INF) & (x < INF)
    far = (x > 1.0) & (x > a)
    safe_a, safe_x = m.select(inside, a, 1.0), m.select(inside, x, 1.0)
    total, d_total = _series(m, safe_a, safe_x, inside & ~far, tolerance)
    value, slope = _fraction(m, safe_a, safe_x, inside & far, tolerance)
    logs = _log(m, safe_x) - digamma(m, m.select(far, safe_a, safe_a + 1.0))
    near = -m.fma(total, logs, d_total) * safe_x / safe_a
    found = m.select(far, m.fma(value, logs, slope) * safe_x, near)
    return m.select(inside, found, m.select((a > 0.0) & (x == 0.0), m.const("f64", 0.0), NAN))


def _slope(m, a, x, tolerance):
    """dP(a, x)/da of the lower regularised incomplete gamma function P."""
    power = m.select(a == 1.0, m.const("f64", 0.0), (a - 1.0) * _log(m, x))
    density = common.exp(m, float64.T, power - x - lgamma(m, a))
    edge = (a > 0.0) & ((x == 0.0) | (x == INF))
    return m.select(edge, m.const("f64", 0.0), -_sample_slope(m, a, x, tolerance) * density)


def _of(formula, kind):
    def rounded(m, a, x):
        found = formula(m, m.cast(a, "f64"), m.cast(x, "f64"), TOLERANCE[kind])
        return m.cast(found, kind)

    rounded.__doc__ = formula.__doc__
    return rounded


ROWS = {
    f"{name}_{kind}": (_of(formula, kind), kind, kind, kind)
    for name, formula in (("gamma_sample_slope", _sample_slope), ("gammainc_slope", _slope))
    for kind in TOLERANCE
}

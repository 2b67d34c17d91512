"""How the incomplete gamma function, and gamma samples, change with the shape parameter a.

In: NumPy arrays a > 0 and x >= 0 of equal shape.  Out: float64 arrays, NaN outside the domain.
Both follow from the derivative in a of the power series of P(a, x), or for x > a and x > 1 of the
continued fraction of Q = 1 - P: recurrences, run until no element changes.
Must not know: primitives, tracing.
Source: Moore, "Algorithm AS 187" (1982); Figurnov et al., "Implicit reparameterization gradients"
(2018), equation 6.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

EPS = float(np.finfo(np.float64).eps)
FRACTION_STEPS = 2000
SERIES_STEPS = 20000  # as many as x = a = 1e6 takes
LARGE = 2.0**500
"""Numerators and denominators of the fraction are scaled down beyond this."""


def sample_slope(a: Any, x: Any, special: Any) -> ndarray[Any, Any]:
    """dx/da of a gamma sample x whose probability P(a, x) stays: -(dP/da) / (dP/dx)."""
    a, x = (np.asarray(v, np.float64) for v in (a, x))
    found = np.full(a.shape, math.nan)
    found[(a > 0) & (x == 0)] = 0.0
    inside = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    far = inside & (x > 1) & (x > a)
    for where, rule in ((inside & ~far, _series), (far, _fraction)):
        if where.any():
            found[where] = rule(a[where], x[where], special)
    return found


def gammainc_slope(a: Any, x: Any, special: Any) -> ndarray[Any, Any]:
    """dP(a, x)/da of the lower regularised incomplete gamma function P."""
    a, x = (np.asarray(v, np.float64) for v in (a, x))
    with np.errstate(all="ignore"):
        density = np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))
        found = -sample_slope(a, x, special) * density
    return np.where((a > 0) & ((x == 0) | (x == math.inf)), 0.0, found)


def _series(a: Any, x: Any, special: Any) -> Any:
    """P = x**a exp(-x) / Gamma(a + 1) sum_n x**n / (a + 1)...(a + n)"""
    r, term, total = a.copy(), np.ones_like(a), np.ones_like(a)
    d_term, d_total = np.zeros_like(a), np.zeros_like(a)
    for _ in range(SERIES_STEPS):
        r += 1
        d_term = d_term * (x / r) - term * x / (r * r)
        d_total += d_term
        term *= x / r
        total += term
        if not np.any(np.abs(d_term) > EPS * np.abs(d_total)):
            break
    return -(d_total + total * (np.log(x) - special.digamma(a + 1))) * x / a


def _fraction(a: Any, x: Any, special: Any) -> Any:
    """Q = x**a exp(-x) / Gamma(a) times the fraction of DLMF 8.9.2, by its recurrence."""
    y, z = 1 - a, x - a + 2
    p = [np.ones_like(x), x + 1]
    q = [x.copy(), z * x]
    dp = [np.zeros_like(x), np.zeros_like(x)]
    dq = [np.zeros_like(x), -x]
    value, slope = p[1] / q[1], (dp[1] - p[1] / q[1] * dq[1]) / q[1]
    for n in range(1, FRACTION_STEPS + 1):
        y, z = y + 1, z + 2
        product = y * n
        dp = [dp[1], dp[1] * z - p[1] - dp[0] * product + p[0] * n]
        dq = [dq[1], dq[1] * z - q[1] - dq[0] * product + q[0] * n]
        p = [p[1], p[1] * z - p[0] * product]
        q = [q[1], q[1] * z - q[0] * product]
        value, before = p[1] / q[1], slope
        slope = (dp[1] - value * dq[1]) / q[1]
        if np.all(np.abs(slope - before) <= EPS * np.abs(slope)):
            break
        scale = np.where(np.abs(p[1]) > LARGE, 1 / LARGE, 1.0)
        p, q, dp, dq = ([v * scale for v in pair] for pair in (p, q, dp, dq))
    return (slope + value * (np.log(x) - special.digamma(a))) * x

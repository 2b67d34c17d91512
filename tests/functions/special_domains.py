"""Where each function of scipy.special is defined, its value there, and the error allowed.

In: nothing.  Out: `CASES`.  Values are mpmath's.  Errors are relative, in units of eps; near a zero
of the function they are relative to what cancels there, given by `scale`.  Bounds are two to four
times what was measured, eager and compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np


@dataclass(frozen=True, eq=False)
class Case:
    """A function, the places where it is looked at, and its exact value."""

    name: str
    places: tuple[np.ndarray, ...]
    exact: Callable[..., Any]
    single: float
    """Largest error of float32, in eps."""
    double: float
    """Largest error of float64, in eps."""
    scale: Callable[..., Any] | None = None
    order: int | None = None
    """What stands before the arrays: the order of polygamma."""

    def __str__(self) -> str:
        return self.name if self.order is None else f"{self.name}:{self.order}"


def spread(low: float, high: float, n: int = 60) -> np.ndarray:
    """Numbers between two of one sign, at equal ratios."""
    return np.geomspace(low, high, n) if low > 0 else -np.geomspace(-low, -high, n)


def even(low: float, high: float, n: int = 60) -> np.ndarray:
    """Numbers between two, at equal distances that are no round numbers."""
    return np.linspace(low, high, n) + (high - low) * 1e-4 / np.e


def both(high: float, low: float = 1e-6) -> np.ndarray:
    """Numbers of either sign."""
    return np.concatenate([-spread(low, high, 40), spread(low, high, 40)])


def pairs(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every number of the first with every one of the second."""
    a, b = np.meshgrid(first, second)
    return a.ravel(), b.ravel()


def ndtr(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def log_ndtr(x: Any) -> Any:
    return mp.log1p(-ndtr(-x)) if x > 0 else mp.log(ndtr(x))


def ndtri(p: Any) -> Any:
    start = mp.sqrt(2) * mp.erfinv(2 * p - 1) if p > 1e-10 else -mp.sqrt(-2 * mp.log(p))
    return mp.findroot(lambda x: mp.log(ndtr(x)) - mp.log(p), start)


def log_times(x: Any, y: Any) -> Any:
    return x * mp.log(y)


def lgamma(x: Any) -> Any:
    return mp.log(abs(mp.gamma(x)))


def gammainc(a: Any, x: Any) -> Any:
    return mp.gammainc(a, 0, x, regularized=True)


def gammaincc(a: Any, x: Any) -> Any:
    return mp.gammainc(a, x, mp.inf, regularized=True)


def betainc(a: Any, b: Any, x: Any) -> Any:
    return mp.betainc(a, b, 0, x, regularized=True)


def betaln(a: Any, b: Any) -> Any:
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


DIMENSION = 3
"""Of multigammaln."""


def multigammaln(a: Any) -> Any:
    log_pi = mp.log(mp.pi) * DIMENSION * (DIMENSION - 1) / 4
    return log_pi + sum(mp.loggamma(a - mp.mpf(i) / 2) for i in range(DIMENSION))


def entr(x: Any) -> Any:
    return -x * mp.log(x)


def rel_entr(p: Any, q: Any) -> Any:
    return p * mp.log(p / q)


def sizes(*terms: Callable[..., Any]) -> Callable[..., Any]:
    """The sum of the sizes of terms that may cancel."""
    return lambda *xs: sum(abs(t(*xs)) for t in terms)


POSITIVE = spread(1e-4, 1e3)
ORDERS = np.array([0.1, 0.5, 1.0, 2.5, 10.0, 40.0])
one = lambda *_: mp.mpf(1)

CASES = [
    Case("erf", (both(5.0),), mp.erf, 8, 8),
    Case("erfc", (even(-5, 9),), mp.erfc, 8, 64),
    Case("erfinv", (even(-0.999, 0.999),), mp.erfinv, 8, 8),
    Case("expit", (both(80.0),), lambda x: 1 / (1 + mp.exp(-x)), 8, 8),
    Case(
        "logit",
        (even(0.001, 0.999),),
        lambda p: mp.log(p / (1 - p)),
        8,
        8,
        sizes(lambda p: mp.log(p), lambda p: mp.log1p(-p)),
    ),
    Case("gammaln", (spread(1e-4, 1e5),), mp.loggamma, 8, 8, sizes(mp.loggamma, one)),
    Case("gammaln", (even(-9.9, -0.1),), lgamma, 16, 16, sizes(lgamma, one)),
    Case("digamma", (spread(1e-3, 1e5),), mp.digamma, 8, 8, sizes(mp.digamma, one)),
    Case("gamma", (even(0.05, 30.0),), mp.gamma, 8, 8),
    Case("gamma", (even(-9.9, -0.1),), mp.gamma, 8, 8),
    Case("i0", (both(60.0),), lambda x: mp.besseli(0, x), 8, 8),
    Case("i1", (both(60.0),), lambda x: mp.besseli(1, x), 8, 8),
    Case("i0e", (both(500.0),), lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), 8, 8),
    Case("i1e", (both(500.0),), lambda x: mp.besseli(1, x) * mp.exp(-abs(x)), 8, 8),
    Case("expi", (both(50.0),), mp.ei, 8, 8, sizes(mp.ei, one)),
    Case("exp1", (spread(1e-6, 80.0),), mp.e1, 8, 8),
    Case("entr", (POSITIVE,), entr, 8, 8, sizes(entr, lambda x: x)),
    Case("ndtr", (even(-9, 9),), ndtr, 64, 64),
    Case("log_ndtr", (np.concatenate([even(-40, -0.5), even(0.5, 8)]),), log_ndtr, 64, 64),
    Case("ndtri", (np.concatenate([spread(1e-30, 0.4), even(0.51, 0.999)]),), ndtri, 8, 8),
    Case("factorial", (even(0.1, 30),), lambda x: mp.gamma(x + 1), 64, 128),
    Case(
        "betaln",
        pairs(spread(0.01, 1e4, 12), spread(0.01, 1e4, 12)),
        betaln,
        8,
        8,
        sizes(betaln, one),
    ),
    Case("betainc", (*pairs(ORDERS, ORDERS), even(0.02, 0.98, 36)), betainc, 8, 64),
    Case("gammainc", pairs(ORDERS, spread(0.01, 90.0, 20)), gammainc, 8, 500),
    Case("gammaincc", pairs(ORDERS, spread(0.01, 60.0, 20)), gammaincc, 8, 250),
    Case("multigammaln", (spread(1.1, 1e4),), multigammaln, 8, 8, sizes(multigammaln, one)),
    Case("xlogy", pairs(both(9.0)[::8], POSITIVE[::6]), log_times, 8, 8),
    Case("xlog1py", pairs(both(9.0)[::8], POSITIVE[::6]), lambda x, y: x * mp.log1p(y), 8, 8),
    Case(
        "rel_entr",
        pairs(POSITIVE[::6], POSITIVE[::7]),
        rel_entr,
        8,
        8,
        sizes(rel_entr, lambda p, q: p),
    ),
    Case(
        "kl_div",
        pairs(POSITIVE[::6], POSITIVE[::7]),
        lambda p, q: rel_entr(p, q) - p + q,
        8,
        8,
        sizes(rel_entr, lambda p, q: p, lambda p, q: q),
    ),
    Case("zeta", pairs(np.array([1.1, 2.0, 3.5, 12.0]), spread(0.1, 50.0, 12)), mp.zeta, 8, 8),
    *(
        Case("polygamma", (spread(0.05, 1e3),), lambda x, n=n: mp.psi(n, x), 8, 8, order=n)
        for n in (1, 2, 5)
    ),
]

"""Windows of signal processing: weights of M points that fall off towards both ends.

In: numbers of points.  Out: float[M].
Must not know: primitives other than SciPy's Bessel function.
"""

import math
import operator

from ..core.errors import ShapeError
from ..core.primitives.special import call
from . import creation
from . import elementwise as U
from .promotion import promote_dtypes

__all__ = ["bartlett", "blackman", "hamming", "hanning", "i0", "kaiser"]


def _places(name, count):
    """(0, 1, ..., M - 1) / (M - 1); a half for a single point."""
    n = operator.index(count)
    if n < 0:
        raise ShapeError(f"{name}: expected a number of points of at least 0, got {n}")
    if n == 1:
        return creation.full((1,), 0.5)
    return U.divide(creation.arange(n, dtype=float), max(n - 1, 1))


def _cosines(name, count, weights):
    x = _places(name, count)
    total = creation.full(x.shape, weights[0])
    for k, weight in enumerate(weights[1:], 1):
        total = U.add(total, U.multiply(weight, U.cos(U.multiply(2 * math.pi * k, x))))
    return total


def bartlett(M):
    """Triangle over M points, 0 at both ends: float[M].

    >>> bartlett(3).tolist()
    [0.0, 1.0, 0.0]
    """
    return U.subtract(1.0, U.absolute(U.subtract(U.multiply(2.0, _places("bartlett", M)), 1.0)))


def blackman(M):
    """Three cosines over M points, 0 at both ends: float[M].

    >>> [round(v, 2) for v in blackman(5).tolist()][1:4]
    [0.34, 1.0, 0.34]
    """
    return _cosines("blackman", M, (0.42, -0.5, 0.08))


def hamming(M):
    """Raised cosine over M points, 0.08 at both ends: float[M].

    >>> [round(v, 2) for v in hamming(3).tolist()]
    [0.08, 1.0, 0.08]
    """
    return _cosines("hamming", M, (0.54, -0.46))


def hanning(M):
    """Raised cosine over M points, 0 at both ends: float[M].

    >>> hanning(3).tolist()
    [0.0, 1.0, 0.0]
    """
    return _cosines("hanning", M, (0.5, -0.5))


def kaiser(M, beta):
    """i0(beta sqrt(1 - x²)) / i0(beta) over M points, x from -1 to 1: float[M].

    >>> kaiser(3, 0.0).tolist()
    [1.0, 1.0, 1.0]
    """
    x = U.subtract(U.multiply(2.0, _places("kaiser", M)), 1.0)
    height = U.sqrt(U.maximum(0.0, U.subtract(1.0, U.square(x))))
    return U.divide(i0(U.multiply(beta, height)), i0(beta))


def i0(x):
    """Modified Bessel function of order 0. x: real[...] -> float[...], by element.

    >>> round(float(i0(1.0)), 4)
    1.2661
    """
    return call("i0", promote_dtypes("i0", x, inexact=True)[0])

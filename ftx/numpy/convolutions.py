"""Sums of products of two sequences, one shifted along the other: convolve and correlate.

In: two arrays of one axis.  Out: an array of one axis.
Must not know: images and networks, whose convolutions are in `ftx.lax`.
"""

import numpy as np

from ..core.array import Array
from ..core.errors import ArgumentError, ShapeError
from ..core.primitives import conv
from ..core.primitives import shape as S
from . import composed as M
from .at_once import at_hand
from .precision import check_precision
from .promotion import (
    QUIET,
    asarray,  # noqa: F401  for the examples
    promote_dtypes,
    unsupported,
)

__all__ = ["convolve", "correlate"]


def convolve(a, v, mode="full", *, precision=None, preferred_element_type=None):
    """Discrete convolution. a: array[n], v: array[m] -> float[n + m - 1] for mode 'full'.

    >>> convolve(asarray([1, 2]), asarray([1, 1])).tolist()
    [1.0, 3.0, 2.0]
    """
    x, y = _operands("convolve", a, v, mode, precision, preferred_element_type)
    if _is_now(x, y):
        return Array(QUIET.run(np.convolve, x._np, y._np, mode))
    n, m = x.size, y.size
    return _slide(x, y, mode, (n + m - 1 - _length(n, m, mode)) // 2)


def correlate(a, v, mode="valid", *, precision=None, preferred_element_type=None):
    """Discrete correlation, `v` conjugated. a: array[n], v: array[m] -> float[n - m + 1]

    >>> correlate(asarray([1, 2]), asarray([1, 1])).tolist()
    [3.0]
    """
    x, y = _operands("correlate", a, v, mode, precision, preferred_element_type)
    if _is_now(x, y):
        return Array(QUIET.run(np.correlate, x._np, y._np, mode))
    n, m = x.size, y.size
    cut = n + m - 1 - _length(n, m, mode)
    # Of an even number the other middle one, as in NumPy, where the second operand is longer.
    return _slide(x, S.rev(M.conj(y), (0,)), mode, cut - cut // 2 if n < m else cut // 2)


def _operands(name, a, v, mode, precision, preferred_element_type):
    check_precision(name, precision)
    unsupported(name, preferred_element_type=preferred_element_type)
    x, y = promote_dtypes(name, a, v, inexact=True)
    if x.ndim != 1 or y.ndim != 1 or not x.size or not y.size:
        raise ShapeError(f"{name}: expected two arrays [n], not empty, got {x.aval} and {y.aval}")
    if mode not in ("full", "same", "valid"):
        raise ArgumentError(f"{name}: expected mode 'full', 'same' or 'valid', got {mode!r}")
    return x, y


def _is_now(x, y):
    """Whether NumPy computes it: halves it would add up as halves."""
    return at_hand(x, y) and x.dtype.itemsize > 2


def _length(n, m, mode):
    sizes = {"full": n + m - 1, "same": max(n, m), "valid": abs(n - m) + 1}
    return sizes[mode]


def _slide(x, y, mode, start):
    """The convolution from place `start` of the full one: the shorter array is the kernel."""
    long, short = (x, y) if x.size >= y.size else (y, x)
    reach = short.size - 1
    end = long.size + reach - start - _length(x.size, y.size, mode)
    image, kernel = (S.expand_dims(v, (0, 1)) for v in (long, S.rev(short, (0,))))
    edges = [(reach - start, reach - end)]
    out = conv.conv_general_dilated(image, kernel, (1,), edges, None, None, "NCa,OIa->NCa")
    return S.reshape(out, (out.size,))

"""ftx.scipy.fft: the discrete cosine transform of type 2, and its inverse.

In: arrays.  Out: arrays of the same shape, unless a length is given.
A transform of length n is one Fourier transform of length n of reordered elements.
Source: Makhoul, "A fast cosine transform in one and two dimensions" (1980).
Must not know: how Fourier transforms are computed.
"""

import numpy as np

from ..core import dtypes
from ..core.errors import ArgumentError, UnsupportedError
from ..numpy import concatenate, flip, moveaxis, pad, stack, zeros_like
from ..numpy import fft as fourier
from ..numpy.promotion import asarray, axis_index, promote_dtypes

__all__ = ["dct", "dctn", "idct", "idctn"]


def _prepared(name, x, type, norm):
    if type != 2:
        raise UnsupportedError(f"{name}: expected type 2, got {type!r}; others need scipy.fft")
    if norm not in (None, "backward", "ortho"):
        raise ArgumentError(f"{name}: expected norm None, 'backward' or 'ortho', got {norm!r}")
    return promote_dtypes(name, asarray(x), inexact=True)[0]


def _of_length(name, x, n):
    """x with n elements along its last axis: cut, or with zeros behind."""
    if n is None or n == x.shape[-1]:
        return x
    if n < 1:
        raise ArgumentError(f"{name}: expected a length of at least 1, got {n}")
    if n < x.shape[-1]:
        return x[..., :n]
    return pad(x, [(0, 0)] * (x.ndim - 1) + [(0, n - x.shape[-1])])


def _turns(x, sign):
    """exp(± i pi k / 2n) for each element of the last axis."""
    n = x.shape[-1]
    turns = np.exp(sign * 0.5j * np.pi / n * np.arange(n))
    return asarray(turns, dtypes.complex_of(x.dtype))


def _weights(x):
    """What the first and the other coefficients are multiplied with in an orthonormal basis."""
    n = x.shape[-1]
    return asarray(np.sqrt([0.25 / n, *[0.5 / n] * (n - 1)]), x.dtype)


def _forward(x, norm):
    mixed = concatenate([x[..., ::2], flip(x[..., 1::2], -1)], -1)
    spectrum = fourier.fft(mixed, axis=-1)
    out = 2 * (spectrum * _turns(x, -1)).real.astype(x.dtype)
    return out * _weights(x) if norm == "ortho" else out


def _backward(x, norm):
    x = x / _weights(x) if norm == "ortho" else x
    n = x.shape[-1]
    mirrored = concatenate([zeros_like(x[..., :1]), flip(x[..., 1:], -1)], -1)
    spectrum = (x - 1j * mirrored) * _turns(x, 1) / 2
    mixed = fourier.ifft(spectrum, axis=-1).real.astype(x.dtype)
    even, odd = mixed[..., : (n + 1) // 2], flip(mixed[..., (n + 1) // 2 :], -1)
    pairs = stack([even[..., : n // 2], odd], -1).reshape(*x.shape[:-1], n // 2 * 2)
    return concatenate([pairs, even[..., n // 2 :]], -1)


def _along(name, transform, x, n, axis, norm):
    at = axis_index(name, axis, x.ndim)
    if dtypes.is_complex(x.dtype):
        parts = [_along(name, transform, p, n, at, norm) for p in (x.real, x.imag)]
        return (parts[0] + 1j * parts[1]).astype(x.dtype)
    moved = _of_length(name, moveaxis(x, at, -1), n)
    return moveaxis(transform(moved, norm), -1, at)


def _along_all(name, transform, x, s, axes, norm):
    if axes is None:
        axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    axes = [axis_index(name, a, x.ndim) for a in axes]
    if len(set(axes)) != len(axes):
        raise ArgumentError(f"{name}: expected distinct axes, got {axes}")
    sizes = [None] * len(axes) if s is None else list(s)
    if len(sizes) != len(axes):
        raise ArgumentError(f"{name}: expected one length per axis, got {s} for axes {axes}")
    for axis, n in zip(axes, sizes, strict=True):
        x = _along(name, transform, x, n, axis, norm)
    return x


def dct(x, type=2, n=None, axis=-1, norm=None):
    """Discrete cosine transform of type 2 along an axis.

    Args:
      x: number[...]; integers become floats.
      type: 2.
      n: length to which the axis is cut, or padded with zeros.
      axis: the axis.
      norm: None or "backward"; "ortho" for an orthonormal basis.
    Returns: float[...] of x's shape, n along the axis.
    Raises: UnsupportedError for another type; ArgumentError for another norm or n < 1.

    >>> [round(v, 4) for v in dct(asarray([1.0, 2.0])).tolist()]
    [6.0, -1.4142]
    """
    return _along("dct", _forward, _prepared("dct", x, type, norm), n, axis, norm)


def idct(x, type=2, n=None, axis=-1, norm=None):
    """Inverse of `dct` along an axis, with the same type and norm.

    Args, Returns, Raises: as `dct`.

    >>> [round(v, 4) for v in idct(dct(asarray([1.0, 2.0, 5.0]))).tolist()]
    [1.0, 2.0, 5.0]
    """
    return _along("idct", _backward, _prepared("idct", x, type, norm), n, axis, norm)


def dctn(x, type=2, s=None, axes=None, norm=None):
    """Discrete cosine transform of type 2 along several axes, one after another.

    Args:
      x, type, norm: as for `dct`.
      s: lengths to which the axes are cut or padded.
      axes: by default the last len(s), or all.
    Returns: float[...].
    Raises: UnsupportedError for another type; ArgumentError for repeated axes or other lengths.

    >>> float(dctn(asarray([[1.0, 2.0], [3.0, 4.0]]))[0, 0])
    40.0
    """
    return _along_all("dctn", _forward, _prepared("dctn", x, type, norm), s, axes, norm)


def idctn(x, type=2, s=None, axes=None, norm=None):
    """Inverse of `dctn` along the same axes, with the same arguments.

    Args, Returns, Raises: as `dctn`.

    >>> x = asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> [[round(v, 4) for v in row] for row in idctn(dctn(x)).tolist()]
    [[1.0, 2.0], [3.0, 4.0]]
    """
    return _along_all("idctn", _backward, _prepared("idctn", x, type, norm), s, axes, norm)

"""ftx.numpy.fft: discrete Fourier transforms with NumPy's arguments.

In: real or complex arrays, sizes (cut or padded with zeros to), axes, norm.  Out: complex arrays,
real ones for the inverse of a real transform; float32 stays 32-bit.
Must not know: how a transform is computed.
"""

import math
import operator

from ..core import dtypes
from ..core.errors import ArgumentError, ShapeError
from ..core.primitives import elementwise as E
from ..core.primitives import fft as F
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from . import composed as M
from . import creation
from . import elementwise as U
from .joining import concatenate, roll
from .promotion import asarray, axis_index, axis_tuple, promote_dtypes, unsupported

__all__ = [
    *("fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift"),
    *("ihfft", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn"),
]

_NORMS = (None, "backward", "ortho", "forward")


def _sized(x, axis, n):
    """x cut or padded with zeros to n along an axis."""
    have = x.shape[axis]
    if n < have:
        return S.slice_axis(x, axis, 0, n)
    config = [(0, 0, 0)] * x.ndim
    config[axis] = (0, n - have, 0)
    return S.pad(x, S.full((), 0, x.dtype), config)


def _scaled(x, kind, norm, total):
    """NumPy's norm from a forward transform without and an inverse one with 1/total."""
    if norm not in _NORMS:
        raise ArgumentError(f"fft: expected norm among {_NORMS}, got {norm!r}")
    inverse = kind in ("ifft", "irfft")
    factor = {
        None: 1,
        "backward": 1,
        "ortho": math.sqrt(total) if inverse else 1 / math.sqrt(total),
    }
    factor["forward"] = total if inverse else 1 / total
    return x if factor[norm] == 1 else E.mul(x, S.full(x.shape, factor[norm], x.dtype))


def _transform(name, kind, a, s, axes, norm):
    (x,) = promote_dtypes(name, asarray(a), inexact=True)
    if x.dtype.itemsize == 2:
        x = C.convert(x, dtypes.float32)
    if kind == "rfft" and dtypes.is_complex(x.dtype):
        raise ArgumentError(f"{name}: expected a real array, got {x.aval}; use fft")
    if kind != "rfft" and not dtypes.is_complex(x.dtype):
        x = C.convert(x, dtypes.complex_of(x.dtype))
    if axes is None:
        axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    axes = axis_tuple(name, tuple(axes), x.ndim)
    if s is not None and len(s) != len(axes):
        raise ShapeError(f"{name}: expected one size for each of the axes {axes}, got {s}")
    sizes = [x.shape[i] for i in axes] if s is None else [operator.index(n) for n in s]
    if s is None and kind == "irfft":
        sizes[-1] = 2 * (sizes[-1] - 1)
    if any(n < 1 for n in sizes):
        raise ArgumentError(f"{name}: expected sizes of at least 1, got {sizes}")
    for i, n in zip(axes, sizes, strict=True):
        x = _sized(x, i, n // 2 + 1 if kind == "irfft" and i == axes[-1] else n)
    out = F.fft(x, kind, axes, sizes[-1] if kind == "irfft" else 0)
    return _scaled(out, kind, norm, math.prod(sizes))


def _along(name, kind, a, n, axis, norm):
    x = asarray(a)
    if not x.ndim:
        raise ShapeError(f"{name}: expected an array with axes, got {x.aval}")
    return _transform(name, kind, x, None if n is None else (n,), (axis,), norm)


def _one(name, kind, text, n_text):
    def transform(a, n=None, axis=-1, norm=None):
        return _along(name, kind, a, n, axis, norm)

    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = (
        f"{text} along an axis.\n\n    Args:\n      n: {n_text}; by default that of `a`.\n"
        "      norm: 'backward' (1/n on the inverse), 'ortho' or 'forward'.\n\n"
        f"    >>> {name}(asarray([1.0, 2.0])).shape\n    (2,)\n    "
    )
    return transform


_CUT = "size, to which the axis is cut or padded with zeros"
fft = _one("fft", "fft", "Fourier transform", _CUT)
ifft = _one("ifft", "ifft", "Inverse Fourier transform", _CUT)
rfft = _one("rfft", "rfft", "Fourier transform of reals: the n // 2 + 1 frequencies from 0", _CUT)
irfft = _one("irfft", "irfft", "Inverse of rfft: n reals", "size of the result, 2 (size - 1)")


def _many(name, kind, text, two):
    def over_two(a, s=None, axes=(-2, -1), norm=None):
        if len(axes) != 2:
            raise ShapeError(f"{name}: expected two axes, got {axes}")
        return _transform(name, kind, a, s, axes, norm)

    def over_all(a, s=None, axes=None, norm=None):
        return _transform(name, kind, a, s, axes, norm)

    transform = over_two if two else over_all
    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = (
        f"{text} over {'two axes' if two else 'axes, by default all'}.\n\n"
        "    Args:\n      s: sizes, to which the axes are cut or padded with zeros.\n\n"
        f"    >>> {name}(asarray([[1.0, 2.0], [3.0, 4.0]])).shape\n    (2, 2)\n    "
    )
    return transform


fft2 = _many("fft2", "fft", "Fourier transform", True)
ifft2 = _many("ifft2", "ifft", "Inverse Fourier transform", True)
rfft2 = _many("rfft2", "rfft", "Fourier transform of reals", True)
irfft2 = _many("irfft2", "irfft", "Inverse Fourier transform to reals", True)
fftn = _many("fftn", "fft", "Fourier transform", False)
ifftn = _many("ifftn", "ifft", "Inverse Fourier transform", False)
rfftn = _many("rfftn", "rfft", "Fourier transform of reals", False)
irfftn = _many("irfftn", "irfft", "Inverse Fourier transform to reals", False)


def hfft(a, n=None, axis=-1, norm=None):
    """Fourier transform along an axis of a signal with Hermitian symmetry: n reals.

    >>> hfft(asarray([1.0, 2.0])).shape
    (2,)
    """
    x = M.conj(asarray(a))
    size = 2 * (x.shape[axis] - 1) if n is None else operator.index(n)
    swapped = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}
    return irfft(x, size, axis, swapped[norm])


def ihfft(a, n=None, axis=-1, norm=None):
    """Inverse of `hfft` along an axis: n // 2 + 1 complex numbers.

    >>> ihfft(asarray([1.0, 2.0])).shape
    (2,)
    """
    swapped = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}
    return M.conj(rfft(a, n, axis, swapped[norm]))


def fftfreq(n, d=1.0, *, dtype=None, device=None):
    """Frequencies of `fft` of n samples at distance d, in cycles per unit of d: float[n].

    >>> fftfreq(4).tolist()
    [0.0, 0.25, -0.5, -0.25]
    """
    unsupported("fftfreq", device=device)
    n = operator.index(n)
    wanted = dtypes.default_float() if dtype is None else dtypes.canonical(dtype)
    half = (n - 1) // 2 + 1
    places = concatenate([creation.arange(0, half), creation.arange(-(n // 2), 0)])
    return U.divide(C.convert(places, wanted), d * n)


def rfftfreq(n, d=1.0, *, dtype=None, device=None):
    """Frequencies of `rfft` of n samples at distance d: float[n // 2 + 1].

    >>> rfftfreq(4).tolist()
    [0.0, 0.25, 0.5]
    """
    unsupported("rfftfreq", device=device)
    n = operator.index(n)
    wanted = dtypes.default_float() if dtype is None else dtypes.canonical(dtype)
    return U.divide(C.convert(creation.arange(0, n // 2 + 1), wanted), d * n)


def _shifted(name, x, axes, sign):
    x = asarray(x)
    axes = axis_tuple(name, axes, x.ndim)
    for a in axes:
        n = x.shape[axis_index(name, a, x.ndim)]
        x = roll(x, n // 2 if sign > 0 else -(n // 2), a)
    return x


def fftshift(x, axes=None):
    """Frequency 0 moved to the middle of axes, by default all.

    >>> fftshift(asarray([0, 1, -2, -1])).tolist()
    [-2, -1, 0, 1]
    """
    return _shifted("fftshift", x, axes, 1)


def ifftshift(x, axes=None):
    """The inverse of `fftshift`, along all axes or those given.

    >>> ifftshift(asarray([-2, -1, 0, 1])).tolist()
    [0, 1, -2, -1]
    """
    return _shifted("ifftshift", x, axes, -1)

"""Convolutions and correlations of arrays of any number of axes.

In: two arrays of equal rank.  Out: all sums of products of shifted arrays, or the middle of them.
Must not know: networks, whose convolutions are in `ftx.lax`.
"""

from ...core import dtypes
from ...core.errors import ArgumentError, InputShapeError
from ...lax import conv_general_dilated
from ...numpy import conj, flip, pad
from ...numpy import fft as fourier
from ...numpy.promotion import asarray, axis_index, promote_dtypes

__all__ = ["convolve", "convolve2d", "correlate", "correlate2d", "fftconvolve"]

MODES = ("full", "same", "valid")


def _operands(name, in1, in2, mode, axes=None):
    """Both as floats, checked."""
    if mode not in MODES:
        raise ArgumentError(f"{name}: expected mode 'full', 'same' or 'valid', got {mode!r}")
    x, y = promote_dtypes(name, asarray(in1), asarray(in2), inexact=True)
    if x.ndim != y.ndim:
        raise InputShapeError(f"{name}: expected arrays of equal rank, got {x.aval} and {y.aval}")
    if not x.size or not y.size:
        raise InputShapeError(f"{name}: expected elements, got {x.aval} and {y.aval}")
    if mode == "valid":
        pairs = [(x.shape[a], y.shape[a]) for a in (range(x.ndim) if axes is None else axes)]
        if not (all(m >= n for m, n in pairs) or all(m <= n for m, n in pairs)):
            raise InputShapeError(
                f"{name}: with mode 'valid' expected one array to be the larger along every axis, "
                f"got {x.aval} and {y.aval}"
            )
    return x, y


def _cut(full, x, y, mode, axes):
    """The part of a full convolution that the mode keeps."""
    index = [slice(None)] * full.ndim
    for a in axes if mode != "full" else ():
        m, n = x.shape[a], y.shape[a]
        size = m if mode == "same" else max(m, n) - min(m, n) + 1
        start = (m + n - 1 - size) // 2
        index[a] = slice(start, start + size)
    return full[tuple(index)]


def _direct(x, y, mode, precision):
    """By `conv_general_dilated`, which correlates: one array is turned round."""
    if x.ndim == 0:
        return x * y
    small, large = sorted((x, y), key=lambda v: v.size)
    edges = [(n - 1, n - 1) for n in small.shape]
    full = conv_general_dilated(
        large[None, None], flip(small)[None, None], (1,) * x.ndim, edges, precision=precision
    )[0, 0]
    return _cut(full, x, y, mode, range(x.ndim))


def convolve(in1, in2, mode="full", method="auto", precision=None):
    """Convolution of two arrays of the same rank.

    Args:
      in1, in2: number[...].
      mode: "full" all sums; "same" the middle, of in1's shape; "valid" those without padding.
      method: "auto" and "direct" sum products; "fft" multiplies Fourier transforms.
      precision: as for `ftx.lax.conv_general_dilated`; products are always computed fully.
    Returns: float[...].
    Raises: InputShapeError for different ranks, empty arrays, or "valid" where neither is the
      larger; ArgumentError for another mode or method.

    >>> convolve(asarray([1.0, 2.0, 3.0]), asarray([1.0, 1.0])).tolist()
    [1.0, 3.0, 5.0, 3.0]
    """
    if method not in ("auto", "direct", "fft"):
        raise ArgumentError(f"convolve: expected method 'auto', 'direct' or 'fft', got {method!r}")
    if method == "fft":
        return fftconvolve(in1, in2, mode)
    return _direct(*_operands("convolve", in1, in2, mode), mode, precision)


def _reversed(x):
    return flip(conj(x)) if dtypes.is_complex(x.dtype) else flip(x)


def correlate(in1, in2, mode="full", method="auto", precision=None):
    """Correlation: convolution of in1 with in2 turned round and conjugated.

    Args, Raises: as `convolve`.
    Returns: float[...].

    >>> correlate(asarray([1.0, 2.0, 3.0]), asarray([0.0, 1.0])).tolist()
    [1.0, 2.0, 3.0, 0.0]
    """
    x, y = _operands("correlate", in1, in2, mode)
    return convolve(x, _reversed(y), mode, method, precision)


def fftconvolve(in1, in2, mode="full", axes=None):
    """Convolution by Fourier transforms, for arrays that are both long.

    Args:
      in1, in2: number[...] of equal rank; along other axes than `axes` they broadcast.
      mode: as for `convolve`.
      axes: the axes along which to convolve, by default all.
    Returns: float[...].
    Raises: as `convolve`; InputShapeError where other axes do not broadcast.

    >>> [round(v, 4) for v in fftconvolve(asarray([1.0, 2.0]), asarray([1.0, 1.0])).tolist()]
    [1.0, 3.0, 2.0]
    """
    rank = asarray(in1).ndim
    axes = range(rank) if axes is None else [axis_index("fftconvolve", a, rank) for a in axes]
    x, y = _operands("fftconvolve", in1, in2, mode, axes)
    for a in set(range(x.ndim)) - set(axes):
        if x.shape[a] != y.shape[a] and 1 not in (x.shape[a], y.shape[a]):
            raise InputShapeError(
                f"fftconvolve: expected axis {a} to broadcast, got {x.aval} and {y.aval}"
            )
    if not axes:
        return x * y
    sizes = [x.shape[a] + y.shape[a] - 1 for a in axes]
    whole = dtypes.is_complex(x.dtype)
    there, back = (fourier.fftn, fourier.ifftn) if whole else (fourier.rfftn, fourier.irfftn)
    full = back(there(x, sizes, axes) * there(y, sizes, axes), sizes, axes).astype(x.dtype)
    return _cut(full, x, y, mode, axes)


_BOUNDARIES = {"fill": "constant", "wrap": "wrap", "symm": "symmetric"}


def convolve2d(in1, in2, mode="full", boundary="fill", fillvalue=0, precision=None):
    """Convolution of two matrices.

    Args:
      in1, in2: number[m, n].
      mode, precision: as for `convolve`.
      boundary: what surrounds in1: "fill" (fillvalue), "wrap", or "symm" for its mirror image.
      fillvalue: number.
    Returns: float[...].
    Raises: InputShapeError for other ranks; ArgumentError for another boundary; else as `convolve`.

    >>> convolve2d(asarray([[1.0, 2.0]]), asarray([[1.0, 1.0]]), boundary="wrap").tolist()
    [[3.0, 3.0, 3.0]]
    """
    x, y = _operands("convolve2d", in1, in2, mode)
    if x.ndim != 2:
        raise InputShapeError(f"convolve2d: expected matrices, got {x.aval} and {y.aval}")
    if boundary not in _BOUNDARIES:
        raise ArgumentError(
            f"convolve2d: expected boundary 'fill', 'wrap' or 'symm', got {boundary!r}"
        )
    plain = boundary == "fill" and type(fillvalue) in (int, float) and fillvalue == 0
    if plain or mode == "valid":
        return _direct(x, y, mode, precision)
    edges = [(n - 1, n - 1) for n in y.shape]
    values = {"constant_values": fillvalue} if boundary == "fill" else {}
    wide = pad(x, edges, _BOUNDARIES[boundary], **values)
    size = [m + n - 1 for m, n in zip(x.shape, y.shape, strict=True)]
    full = _direct(wide, y, "full", precision)
    start = [n - 1 for n in y.shape]
    full = full[start[0] : start[0] + size[0], start[1] : start[1] + size[1]]
    return _cut(full, x, y, mode, (0, 1))


def correlate2d(in1, in2, mode="full", boundary="fill", fillvalue=0, precision=None):
    """Correlation of two matrices: convolution with in2 turned round and conjugated.

    Args, Raises: as `convolve2d`.
    Returns: float[...].

    >>> correlate2d(asarray([[1.0, 2.0]]), asarray([[0.0, 1.0]]), "valid").tolist()
    [[2.0]]
    """
    x, y = _operands("correlate2d", in1, in2, mode)
    whole = dtypes.is_complex(x.dtype)
    if mode == "same":  # of an even number of rows the other middle one than a convolution's
        return flip(
            convolve2d(flip(x), conj(y) if whole else y, mode, boundary, fillvalue, precision)
        )
    found = convolve2d(x, _reversed(y), mode, boundary, fillvalue, precision)
    smaller = mode == "valid" and y.size > x.size
    return conj(found) if whole and smaller else found  # in2 with in1 conjugated, as SciPy has it

"""Spectra of a signal's segments: stft and its inverse, csd, welch.

In: samples along an axis.  Out: frequencies, times, Fourier coefficients or densities of power.
Sizes of segments are known integers; everything else is differentiable.
Source: Welch, "The use of fast Fourier transform for the estimation of power spectra" (1967);
Griffin and Lim, "Signal estimation from modified short-time Fourier transform" (1984).
Must not know: how Fourier transforms are computed.
"""

import functools
import importlib
import operator
import warnings

import numpy as np

from ...core import dtypes
from ...core.errors import ArgumentError, FtxWarning, InputShapeError
from ...numpy import (
    arange,
    asarray,
    concatenate,
    conj,
    flip,
    mean,
    median,
    moveaxis,
    ones,
    pad,
    sqrt,
    square,
    take,
    where,
    zeros,
)
from ...numpy import fft as fourier
from ...numpy.promotion import axis_index, promote_dtypes
from .trends import detrend as without_trend

__all__ = ["csd", "istft", "stft", "welch"]


def _window(name, window, n, dtype):
    """float[n]."""
    if isinstance(window, (str, tuple)):
        if window == "hann":
            found = np.sin(np.pi * np.arange(n) / n) ** 2 if n > 1 else np.ones(1)
        else:
            found = importlib.import_module("scipy.signal").get_window(window, n)
        return asarray(found, dtype)
    found = asarray(window)
    if found.shape != (n,):
        raise InputShapeError(f"{name}: expected a window float[{n}], got {found.aval}")
    return found


def _sizes(name, window, nperseg, noverlap, nfft, length):
    """(samples of a segment, step from one to the next, length of its transform)."""
    if nperseg is None:
        nperseg = 256 if isinstance(window, (str, tuple)) else asarray(window).shape[0]
        nperseg = min(nperseg, length) if isinstance(window, (str, tuple)) else nperseg
    elif isinstance(window, (str, tuple)) and nperseg > length:
        warnings.warn(
            FtxWarning(
                f"{name}: expected nperseg of at most {length}, the length of the input, got "
                f"{nperseg}; segments have {length} samples"
            ),
            stacklevel=4,
        )
        nperseg = length
    nperseg = operator.index(nperseg)
    overlap = nperseg // 2 if noverlap is None else operator.index(noverlap)
    points = nperseg if nfft is None else operator.index(nfft)
    if nperseg < 1 or overlap >= nperseg or overlap < 0 or points < nperseg:
        raise ArgumentError(
            f"{name}: expected 1 <= nperseg, 0 <= noverlap < nperseg and nfft >= nperseg, got "
            f"nperseg={nperseg}, noverlap={overlap}, nfft={points}"
        )
    return nperseg, nperseg - overlap, points


def _odd(x, n):
    """x continued by its rotation about each end."""
    first, last = x[..., :1], x[..., -1:]
    before, after = flip(x[..., 1 : n + 1], -1), flip(x[..., -n - 1 : -1], -1)
    return concatenate([2 * first - before, x, 2 * last - after], -1)


def _even(mode):
    return lambda x, n: pad(x, [(0, 0)] * (x.ndim - 1) + [(n, n)], mode)


_BOUNDARIES = {
    "even": _even("reflect"),
    "odd": _odd,
    "constant": _even("edge"),
    "zeros": _even("constant"),
    None: lambda x, n: x,
}


def _trend(detrend, axis):
    """A function that takes the trend out of segments [..., k, n]."""
    if isinstance(detrend, str):
        return functools.partial(without_trend, type=detrend, axis=-1)
    if not callable(detrend):
        return lambda v: v
    return lambda v: moveaxis(detrend(moveaxis(v, -1, axis)), axis, -1)


def _segments(x, size, step):
    """number[..., k, size] of the k whole segments of number[..., n]."""
    starts = np.arange(0, x.shape[-1] - size + 1, step)
    return take(x, starts[:, None] + np.arange(size), -1, mode="promise_in_bounds")


class _Plan:
    """What two signals have in common: sizes, window, sides."""

    def __init__(
        self, name, x, whole, fs, window, nperseg, noverlap, nfft, detrend, onesided, axis,
        boundary, padded,
    ):  # fmt: skip
        if boundary not in _BOUNDARIES:
            known = [b for b in _BOUNDARIES if b]
            raise ArgumentError(f"{name}: expected boundary None or one of {known}, got {boundary}")
        self.size, self.step, self.points = _sizes(
            name, window, nperseg, noverlap, nfft, x.shape[axis]
        )
        self.boundary, self.padded, self.axis, self.fs = boundary, padded, axis, fs
        self.trend = _trend(detrend, axis)
        self.window = _window(name, window, self.size, x.real.dtype)
        self.onesided = onesided and not whole
        if onesided and whole:
            warnings.warn(
                FtxWarning(
                    f"{name}: expected real input for return_onesided=True, got complex; all "
                    "frequencies are returned"
                ),
                stacklevel=4,
            )

    def spectra(self, x):
        """complex[..., k, f] of the segments of number[..., n]."""
        parts = _segments(self.extended(x), self.size, self.step)
        parts = self.trend(parts) * self.window
        transform = fourier.rfft if self.onesided else fourier.fft
        return transform(parts, self.points, axis=-1)

    def extended(self, x):
        """x with its boundary, and zeros to fill the last segment."""
        x = _BOUNDARIES[self.boundary](x, self.size // 2)
        if self.padded:
            more = -(x.shape[-1] - self.size) % self.step
            x = pad(x, [(0, 0)] * (x.ndim - 1) + [(0, more)])
        return x

    def frequencies(self, dtype):
        """float[f]."""
        choose = fourier.rfftfreq if self.onesided else fourier.fftfreq
        return choose(self.points).astype(dtype) * self.fs

    def times(self, count, dtype):
        """float[k], the middles of the segments."""
        shift = 0 if self.boundary is not None else self.size / 2
        return (arange(count) * self.step + shift).astype(dtype) / self.fs

    def scale(self, scaling):
        """What a power is multiplied with."""
        if scaling == "density":
            return 1 / (self.fs * square(self.window).sum())
        if scaling == "spectrum":
            return 1 / square(self.window.sum())
        raise ArgumentError(f"spectrum: expected scaling 'density' or 'spectrum', got {scaling!r}")

    def both_sides(self, power):
        """Frequencies above 0, and below half the rate, stand for two."""
        if not self.onesided:
            return power
        twice = np.full(power.shape[-1], 2.0)
        twice[0] = 1
        if self.points % 2 == 0:
            twice[-1] = 1
        return power * asarray(twice, power.real.dtype)


def stft(
    x, fs=1.0, window="hann", nperseg=256, noverlap=None, nfft=None, detrend=False,
    return_onesided=True, boundary="zeros", padded=True, axis=-1,
):  # fmt: skip
    """Short-time Fourier transform: the spectrum of each of the signal's segments.

    Args:
      x: number[..., n, ...].
      fs: samples per second.
      window: a name SciPy knows, or float[nperseg].
      nperseg: samples of a segment; noverlap: those two neighbours share, by default half;
      nfft: length of the transform, by default nperseg.
      detrend: "linear", "constant", a function of segments, or False.
      return_onesided: of a real signal only frequencies from 0.
      boundary: what surrounds the signal: "even", "odd", "constant", "zeros" or None.
      padded: fill the last segment with zeros, rather than leave it out.
      axis: the axis of the samples.
    Returns: (frequencies float[f], times float[k], complex[..., f, ..., k]), f in place of n.
    Raises: ArgumentError for sizes that do not fit, or an unknown boundary.

    >>> f, t, z = stft(zeros(16), nperseg=8)
    >>> f.shape, t.shape, z.shape
    ((5,), (5,), (5, 5))
    """
    (x,) = promote_dtypes("stft", asarray(x), inexact=True)
    axis = axis_index("stft", axis, x.ndim)
    plan = _Plan(
        "stft", x, dtypes.is_complex(x.dtype), fs, window, nperseg, noverlap, nfft, detrend,
        return_onesided, axis, boundary, padded,
    )  # fmt: skip
    found = plan.spectra(moveaxis(x, axis, -1)) * sqrt(plan.scale("spectrum"))
    real = x.real.dtype
    times = plan.times(found.shape[-2], real)
    spectra = moveaxis(moveaxis(found, -2, -1), -2, axis)
    return plan.frequencies(real), times, spectra.astype(dtypes.complex_of(x.dtype))


def csd(
    x, y, fs=1.0, window="hann", nperseg=None, noverlap=None, nfft=None, detrend="constant",
    return_onesided=True, scaling="density", axis=-1, average="mean",
):  # fmt: skip
    """Cross spectral density of two signals, by Welch's mean over segments.

    Args:
      x, y: number[..., n, ...], the shorter one continued by zeros; y None stands for x.
      fs, window, nperseg, noverlap, nfft, detrend, return_onesided, axis: as for `stft`.
      scaling: "density", power per frequency; "spectrum", power.
      average: "mean" of the segments, or "median" with its bias taken out.
    Returns: (frequencies float[f], complex[..., f, ...]); of y None float.
    Raises: ArgumentError for another scaling or average, or sizes that do not fit.

    >>> f, p = csd(zeros(16), zeros(16), nperseg=8)
    >>> f.shape, p.shape
    ((5,), (5,))
    """
    own = y is None
    x, *other = promote_dtypes(
        "csd", *[asarray(v) for v in ((x,) if own else (x, y))], inexact=True
    )
    axis = axis_index("csd", axis, x.ndim)
    whole = dtypes.is_complex(x.dtype)
    signals = [moveaxis(v, axis, -1) for v in (x, *other)]
    n = max(v.shape[-1] for v in signals)
    signals = [pad(v, [(0, 0)] * (v.ndim - 1) + [(0, n - v.shape[-1])]) for v in signals]
    plan = _Plan(
        "csd", moveaxis(signals[0], -1, axis), whole, fs, window, nperseg, noverlap, nfft, detrend,
        return_onesided, axis, None, False,
    )  # fmt: skip
    spectra = [plan.spectra(v) for v in signals]
    power = conj(spectra[0]) * spectra[-1] * plan.scale(scaling)
    power = _average(plan.both_sides(power.real if own else power), average)
    return plan.frequencies(x.real.dtype), moveaxis(power, -1, axis)


def _average(power, average):
    """Over the segments, the axis before the last."""
    if average == "mean":
        return mean(power, -2)
    if average != "median":
        raise ArgumentError(f"csd: expected average 'mean' or 'median', got {average!r}")
    # A median of k powers is smaller than their mean by this factor (Allen et al. 2012, B.12).
    terms = 1 / np.arange(2.0, power.shape[-2], 2)
    bias = 1 + float((1 / (np.arange(2.0, power.shape[-2], 2) + 1) - terms).sum())
    if not dtypes.is_complex(power.dtype):
        return median(power, -2) / bias
    return (median(power.real, -2) + 1j * median(power.imag, -2)) / bias


def welch(
    x, fs=1.0, window="hann", nperseg=None, noverlap=None, nfft=None, detrend="constant",
    return_onesided=True, scaling="density", axis=-1, average="mean",
):  # fmt: skip
    """Spectral density of a signal, by Welch's mean over segments.

    Args: as `csd`, of one signal.
    Returns: (frequencies float[f], float[..., f, ...]).
    Raises: as `csd`.

    >>> f, p = welch(zeros(16), nperseg=8)
    >>> float(p.sum())
    0.0
    """
    return csd(
        x, None, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis,
        average,
    )  # fmt: skip


def _overlapped(parts, step):
    """The sum number[..., n] of segments number[..., k, size], each `step` after the last."""
    *lead, count, size = parts.shape
    places = np.arange(count)[:, None] * step + np.arange(size)
    total = zeros((*lead, (count - 1) * step + size), parts.dtype)
    return total.at[..., places].add(parts, mode="promise_in_bounds")


def istft(
    Zxx, fs=1.0, window="hann", nperseg=None, noverlap=None, nfft=None, input_onesided=True,
    boundary=True, time_axis=-1, freq_axis=-2,
):  # fmt: skip
    """The signal of a short-time Fourier transform, the inverse of `stft`.

    Args:
      Zxx: complex[..., f, ..., k].
      fs, window, nperseg, noverlap, nfft: as `stft` was given.
      input_onesided: the frequencies are those from 0.
      boundary: the transform was of a signal with a boundary, which is cut off.
      time_axis, freq_axis: where k and f stand.
    Returns: (times float[n], number[..., n]). SciPy's times are those of the first axis instead.
    Raises: ArgumentError for sizes that do not fit, or equal axes; InputShapeError for less than
      two axes.

    >>> x = arange(16.0)
    >>> _, back = istft(stft(x, nperseg=8)[2], nperseg=8)
    >>> bool(abs(back - x).max() < 1e-4)
    True
    """
    z = asarray(Zxx)
    if z.ndim < 2:
        raise InputShapeError(f"istft: expected at least two axes, got {z.aval}")
    freq, time = (axis_index("istft", a, z.ndim) for a in (freq_axis, time_axis))
    if freq == time:
        raise ArgumentError(f"istft: expected two axes, got {freq} as both")
    z = moveaxis(z.astype(dtypes.complex_of(z.dtype)), (freq, time), (-1, -2))
    usual = 2 * (z.shape[-1] - 1) if input_onesided else z.shape[-1]
    size = operator.index(nperseg or usual)
    points = usual + (input_onesided and size == usual + 1) if nfft is None else nfft
    size, step, points = _sizes("istft", (), size, noverlap, points, size)
    back = fourier.irfft if input_onesided else fourier.ifft
    parts = back(z, points, axis=-1)[..., :size]
    shape = _window("istft", window, size, parts.real.dtype)
    x = _overlapped(parts * shape * shape.sum(), step)
    power = square(shape) * ones((z.shape[-2], 1), shape.dtype)
    weight = _overlapped(power, step)
    if boundary:
        cut = slice(size // 2, x.shape[-1] - size // 2)
        x, weight = x[..., cut], weight[cut]
    x = x / where(weight > 1e-10, weight, 1)
    x = moveaxis(x, -1, time - (freq < time)) if x.ndim > 1 else x
    return arange(x.shape[time - (freq < time)] if x.ndim > 1 else x.shape[0]) / fs, x

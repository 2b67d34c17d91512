"""ftx.scipy.signal: convolutions, trends, and spectra of segments.

Must not know: images.
"""

from .convolutions import convolve, convolve2d, correlate, correlate2d, fftconvolve
from .spectral import csd, istft, stft, welch
from .trends import detrend

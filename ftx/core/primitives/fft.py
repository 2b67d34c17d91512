"""The discrete Fourier transform along chosen axes, of 32- and 64-bit parts.

In: a complex array (real for kind 'rfft').  Out: its transform along `axes`, unnormalised in the
forward direction and divided by the sizes in the inverse one, as in NumPy.
Knows nothing of: norms and padding, which `ftx.numpy.fft` resolves.
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from .. import dtypes
from ..errors import DTypeError, ShapeError
from ..primitive import BatchAxis, Primitive
from ..types import ShapedArray
from . import elementwise as E
from . import selection as C
from . import shape as S
from .formula import full_like

PARALLEL = 1 << 16
"""Elements from which transforms are shared among threads; rows do not depend on their number."""


class Fft(Primitive):
    """kind 'fft', 'ifft', 'rfft' or 'irfft' over `axes`; `size` is irfft's last length.

    Linear: the derivative is the transform of the tangent.
    """

    linear = True

    def abstract_eval(
        self, x: ShapedArray, *, kind: str, axes: tuple[int, ...], size: int
    ) -> list[ShapedArray]:
        real = kind == "rfft"
        if real != dtypes.is_float(x.dtype) or x.dtype.itemsize < 4:
            wanted = "float32 or float64" if real else "complex numbers"
            raise DTypeError(f"fft[{kind}]: expected {wanted}, got {x}; use astype")
        if not axes or any(not 0 <= a < x.ndim for a in axes) or len(set(axes)) != len(axes):
            raise ShapeError(f"fft[{kind}]: expected distinct axes of {x}, got {axes}")
        shape = list(x.shape)
        if kind == "rfft":
            shape[axes[-1]] = shape[axes[-1]] // 2 + 1
        if kind == "irfft":
            if shape[axes[-1]] != size // 2 + 1:
                raise ShapeError(f"fft[irfft]: expected {size // 2 + 1} frequencies, got {x}")
            shape[axes[-1]] = size
        dtype = {"rfft": dtypes.complex_of, "irfft": dtypes.real_of}.get(kind, lambda d: d)(x.dtype)
        return [ShapedArray(tuple(shape), dtype)]

    def impl(self, x: Any, *, kind: str, axes: Any, size: int) -> list[Any]:
        import scipy.fft  # slow to import, so not before it is needed

        sizes = [*[x.shape[a] for a in axes[:-1]], size] if kind == "irfft" else None
        workers = (os.cpu_count() or 1) if x.size >= PARALLEL else 1
        out = getattr(scipy.fft, f"{kind}n")(x, sizes, axes, workers=workers)
        double = x.dtype.itemsize == (8 if kind == "rfft" else 16)
        parts = (
            (dtypes.float64, dtypes.complex128) if double else (dtypes.float32, dtypes.complex64)
        )
        return [np.asarray(out, parts[kind != "irfft"])]

    def transpose(self, cts: Any, x: Any, *, kind: str, axes: Any, size: int) -> list[Any]:
        (ct,) = cts
        if kind in ("fft", "ifft"):  # symmetric matrices
            return self.bind(ct, kind=kind, axes=axes, size=size)
        if kind == "rfft":
            # The missing frequencies have no cotangent: transform what is there, padded.
            config = [(0, 0, 0)] * ct.ndim
            last = axes[-1]
            config[last] = (0, x.shape[last] - ct.shape[last], 0)
            wide = S.pad(ct, S.full((), 0, ct.dtype), tuple(config))
            return [C.real(self.bind(wide, kind="fft", axes=axes, size=0)[0])]
        # irfft reads every frequency but the first (and, of even sizes, the last) twice.
        found = self.bind(ct, kind="rfft", axes=axes, size=0)[0]
        last = axes[-1]
        place = S.iota(dtypes.int64, found.shape, last)
        single = E.eq(place, full_like(place, 0))
        if size % 2 == 0:
            single = E.or_(single, E.eq(place, full_like(place, size // 2)))
        total = math.prod([*[x.shape[a] for a in axes[:-1]], size])
        once, twice = full_like(found, 1 / total), full_like(found, 2 / total)
        return [C.conj(E.mul(found, C.select(single, once, twice)))]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, kind: str, axes: Any, size: int
    ) -> tuple[list[Any], list[Any]]:
        (x,), (d,) = args, dims
        moved = tuple(a + (a >= d) for a in axes)
        return self.bind(x, kind=kind, axes=moved, size=size), [d]


fft_p = Fft()


def fft(x: Any, kind: str, axes: Any, size: int = 0) -> Any:
    """The transform `kind` of x over `axes`."""
    return fft_p.bind(x, kind=kind, axes=tuple(axes), size=size)[0]

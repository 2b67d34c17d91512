"""Choosing between values, converting dtypes, and the parts of complex numbers.

In: operands of equal shape.  Out: an array of that shape.
Knows nothing of: broadcasting.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..errors import DTypeError, ShapeError
from ..primitive import BatchAxis, Linear, Primitive
from ..types import ShapedArray
from . import elementwise as E
from . import shape as S
from .formula import Binary, Elementwise, full_like, function


class SelectN(Primitive):
    """cases[which] at every index; `which` is bool (two cases) or int32."""

    def abstract_eval(self, which: ShapedArray, *cases: ShapedArray) -> list[ShapedArray]:
        if which.dtype not in (dtypes.bool_, dtypes.int32):
            raise DTypeError(f"select_n: expected a bool or int32 selector, got {which}")
        if which.dtype == dtypes.bool_ and len(cases) > 2:
            raise ShapeError(
                f"select_n: expected 2 cases for a bool selector, got {len(cases)}; select by int32"
            )
        for i, case in enumerate(cases):
            if case.shape != cases[0].shape or case.dtype != cases[0].dtype:
                raise ShapeError(
                    f"select_n: expected cases of equal shape and dtype, got {cases[0]} and, as "
                    f"case {i}, {case}"
                )
        if which.shape != cases[0].shape:
            raise ShapeError(
                f"select_n: expected a selector of shape {cases[0].shape}, got {which}"
            )
        weak = all(c.weak_type for c in cases)
        return [ShapedArray(cases[0].shape, cases[0].dtype, weak)]

    def impl(self, which: Any, *cases: Any) -> list[Any]:
        if which.dtype == np.bool_:
            return [np.where(which, cases[-1], cases[0])]
        return [np.choose(np.clip(which, 0, len(cases) - 1), cases)]

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        which, *cases = primals
        moved = [
            full_like(c, 0) if t is None else t for c, t in zip(cases, tangents[1:], strict=True)
        ]
        return self.bind(which, *cases), self.bind(which, *moved)

    def transpose(self, cts: Any, which: Any, *cases: Any) -> list[Any]:
        (ct,), zero = cts, full_like(cts[0], 0)
        out: list[Any] = [None]
        for i, case in enumerate(cases):
            ways = [ct if i == j else zero for j in range(len(cases))]
            out.append(self.bind(which, *ways)[0] if isinstance(case, Linear) else None)
        return out

    def batch(self, axis: BatchAxis, args: Any, dims: Any) -> tuple[list[Any], list[Any]]:
        moved = [S.move_batch_axis(x, d, 0, axis.size) for x, d in zip(args, dims, strict=True)]
        return self.bind(*moved), [0]

    def lower(self, kernel: Any, index: Any, which: Any, *cases: Any) -> Any:
        values = [c(index) for c in cases]
        if which.dtype == dtypes.bool_:
            return kernel.call("select", cases[0].dtype, which(index), values[-1], values[0])
        chosen, w = values[-1], which(index)
        for i in reversed(range(len(cases) - 1)):
            below = kernel.call("le", dtypes.bool_, w, kernel.const(i, which.dtype))
            chosen = kernel.call("select", cases[0].dtype, below, values[i], chosen)
        return chosen


class Clamp(Primitive):
    """min(max(x, low), high)"""

    def abstract_eval(self, low: Any, x: Any, high: Any) -> list[ShapedArray]:
        for bound in (low, high):
            if bound.shape != x.shape or bound.dtype != x.dtype:
                raise ShapeError(f"clamp: expected bounds like {x}, got {low} and {high}")
        return [x]

    def impl(self, low: Any, x: Any, high: Any) -> list[Any]:
        return [np.minimum(np.maximum(x, low), high)]

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        low, x, high = primals
        out, zero = self.bind(*primals)[0], full_like(x, 0)
        inside = E.and_(E.gt(x, low), E.lt(x, high))
        masks = (E.lt(x, low), inside, E.gt(x, high))
        terms = [select(m, t, zero) for m, t in zip(masks, tangents, strict=True) if t is not None]
        total = terms[0]
        for term in terms[1:]:
            total = E.add(total, term)
        return [out], [total]

    def batch(self, axis: BatchAxis, args: Any, dims: Any) -> tuple[list[Any], list[Any]]:
        moved = [S.move_batch_axis(x, d, 0, axis.size) for x, d in zip(args, dims, strict=True)]
        return self.bind(*moved), [0]

    def lower(self, kernel: Any, index: Any, low: Any, x: Any, high: Any) -> Any:
        above = kernel.call("max", x.dtype, x(index), low(index))
        return kernel.call("min", x.dtype, above, high(index))


class ConvertElementType(Primitive):
    """x in another dtype; real to integer truncates, complex to real drops the imaginary part."""

    def abstract_eval(self, x: Any, *, dtype: Any, weak_type: bool) -> list[ShapedArray]:
        if dtypes.key in (x.dtype, dtype):
            raise DTypeError(
                f"convert_element_type: expected numbers, got {x} to {dtypes.short_name(dtype)}; "
                "random.key_data and wrap_key_data exchange keys and their words"
            )
        return [ShapedArray(x.shape, dtype, weak_type)]

    def impl(self, x: Any, *, dtype: Any, weak_type: bool) -> list[Any]:
        if dtypes.is_complex(x.dtype) and not dtypes.is_complex(dtype):
            x = x.real
        if dtypes.is_integer(dtype) and dtypes.is_float(x.dtype):
            return [saturating_cast(x, dtype)]
        return [np.asarray(x).astype(dtype)]

    def jvp(
        self, primals: Any, tangents: Any, *, dtype: Any, weak_type: bool
    ) -> tuple[list[Any], list[Any]]:
        (t,) = tangents
        out = self.bind(*primals, dtype=dtype, weak_type=weak_type)
        if not (dtypes.is_inexact(dtype) and dtypes.is_inexact(t.dtype)):
            return out, [None]
        return out, [convert(t, dtype)]

    def transpose(self, cts: Any, x: Any, *, dtype: Any, weak_type: bool) -> list[Any]:
        return [convert(cts[0], x.dtype)]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, **params: Any
    ) -> tuple[list[Any], list[Any]]:
        return self.bind(*args, **params), list(dims)

    def lower(self, kernel: Any, index: Any, x: Any, *, dtype: Any, weak_type: bool) -> Any:
        return kernel.convert(x(index), dtype)


def saturating_cast(x: Any, dtype: Any) -> Any:
    """Real to integer towards zero; NaN to 0, values outside to the nearest end, as in XLA."""
    x = x.astype(np.float32) if x.dtype.itemsize == 2 else x
    info = np.iinfo(dtype)
    low, high = x.dtype.type(info.min), x.dtype.type(info.max)
    inside = (x > low) & (x < high)
    cast = np.where(inside, x, 0).astype(dtype)
    cast = np.where(x >= high, np.asarray(info.max, dtype), cast)
    return np.where(x <= low, np.asarray(info.min, dtype), cast)


class Real(Elementwise):
    """Real part"""

    kinds, numpy, result = "c", np.real, "real"

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        return [real(primals[0])], [real(tangents[0])]

    def transpose(self, cts: Any, x: Any) -> list[Any]:
        return [complex_(cts[0], full_like(cts[0], 0))]


class Imag(Elementwise):
    """Imaginary part"""

    kinds, numpy, result = "c", np.imag, "real"

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        return [imag(primals[0])], [imag(tangents[0])]

    def transpose(self, cts: Any, x: Any) -> list[Any]:
        return [complex_(full_like(cts[0], 0), E.neg(cts[0]))]


class Conj(Elementwise):
    """Complex conjugate"""

    kinds, numpy = "c", np.conj

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        return [conj(primals[0])], [conj(tangents[0])]

    def transpose(self, cts: Any, x: Any) -> list[Any]:
        return [conj(cts[0])]


class Complex(Binary):
    """x + iy from real parts"""

    kinds, linear = "f", True

    def result_dtype(self, dtype: Any) -> Any:
        return dtypes.complex_of(dtype)

    def impl(self, x: Any, y: Any) -> list[Any]:
        out = np.empty(x.shape, dtypes.complex_of(x.dtype))
        out.real, out.imag = x, y  # x + 1j * y would make NaN of infinite parts
        return [out]

    def transpose(self, cts: Any, x: Any, y: Any) -> list[Any]:
        (ct,) = cts
        return [
            real(ct) if isinstance(x, Linear) else None,
            E.neg(imag(ct)) if isinstance(y, Linear) else None,
        ]


select_n_p, clamp_p, convert_element_type_p = SelectN(), Clamp(), ConvertElementType()
real_p, imag_p, conj_p, complex_p = Real(), Imag(), Conj(), Complex()
real, imag, conj, complex_ = map(function, (real_p, imag_p, conj_p, complex_p))
clamp = function(clamp_p)


def select_n(which: Any, *cases: Any) -> Any:
    """cases[which] at every index."""
    return select_n_p.bind(which, *cases)[0]


def select(pred: Any, on_true: Any, on_false: Any) -> Any:
    """on_true where pred, else on_false."""
    return select_n_p.bind(pred, on_false, on_true)[0]


def convert(x: Any, dtype: Any, weak_type: bool = False) -> Any:
    """x as `dtype`; itself if it already is."""
    aval = x.aval if hasattr(x, "aval") else None
    if aval is not None and aval.dtype == dtype and aval.weak_type == weak_type:
        return x
    return convert_element_type_p.bind(x, dtype=dtype, weak_type=weak_type)[0]

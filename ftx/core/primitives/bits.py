"""Values as bit patterns: the Threefry hash, bit casts, reduced precision.

In: integer or real arrays.  Out: arrays of the same bits, or of hashed bits.
Knows nothing of: random keys and distributions, which `ftx.random` builds from the hash.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from .. import dtypes
from ..errors import DTypeError, ShapeError
from ..primitive import BatchAxis, Primitive
from ..types import ShapedArray
from . import elementwise as E
from . import reduction as R
from . import selection as C
from . import shape as S
from .formula import Elementwise, full_like

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
"""Bits each round rotates by, alternating between the two rows every four rounds."""
PARITY = 0x1BD11BDA
CHUNK = 1 << 14
"""Elements hashed at a time by NumPy: 20 rounds over 4 arrays of 64 KiB stay in the cache."""


class RotateLeft(Elementwise):
    """The bits of x rotated left by `bits`, from 1 to the width of the type less 1."""

    kinds, differentiable = "i", False

    def impl(self, x: Any, *, bits: int) -> list[Any]:
        word = x.view(f"u{x.dtype.itemsize}")
        left, right = word.dtype.type(bits), word.dtype.type(8 * x.dtype.itemsize - bits)
        return [((word << left) | (word >> right)).view(x.dtype)]

    def lower(self, kernel: Any, index: Any, x: Any, *, bits: int) -> Any:
        return kernel.call(self.name, x.dtype, x(index), kernel.const(bits, x.dtype))


class Threefry2x32(Primitive):
    """Two words hashed under a two-word key, 20 rounds.  All operands are uint32.

    The words x0, x1 have one shape, the words of the key another, the first axes of that shape:
    what is computed of a key is then computed once for all that is hashed under it.
    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), section 3.
    """

    name = "threefry2x32"

    def abstract_eval(self, *avals: ShapedArray) -> list[ShapedArray]:
        if len(avals) != 4 or any(a.dtype != dtypes.uint32 for a in avals):
            raise DTypeError(f"threefry2x32: expected four uint32 operands, got {avals}")
        k1, k2, x0, x1 = (a.shape for a in avals)
        if k1 != k2 or x0 != x1 or k1 != x0[: len(k1)]:
            raise ShapeError(
                "threefry2x32: expected words of one shape and a key of its first axes, got "
                f"words {avals[2]}, {avals[3]} and key {avals[0]}, {avals[1]}"
            )
        return [ShapedArray(x0, dtypes.uint32)] * 2

    def impl(self, *words: Any) -> list[Any]:
        shape = words[2].shape
        first = [k.reshape((*k.shape, *[1] * (len(shape) - k.ndim))) for k in words[:2]]
        whole = [*[np.broadcast_to(k, shape) for k in first], *words[2:]]
        k1, k2, x0, x1 = (np.ascontiguousarray(w).reshape(-1) for w in whole)
        out = [np.empty(x0.shape, np.uint32) for _ in range(2)]
        for start in range(0, x0.size, CHUNK):
            part = slice(start, start + CHUNK)
            keys = k1[part], k2[part], k1[part] ^ k2[part] ^ np.uint32(PARITY)
            a, b = x0[part] + keys[0], x1[part] + keys[1]
            for i in range(5):
                for r in ROTATIONS[i % 2]:
                    a += b
                    low = b >> np.uint32(32 - r)
                    b <<= np.uint32(r)
                    b |= low
                    b ^= a
                a += keys[(i + 1) % 3]
                b += keys[(i + 2) % 3]
                b += np.uint32(i + 1)
            out[0][part], out[1][part] = a, b
        return [o.reshape(shape) for o in out]

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        return self.bind(*primals), [None, None]

    def batch(self, axis: BatchAxis, args: Any, dims: Any) -> tuple[list[Any], list[Any]]:
        moved = [S.move_batch_axis(x, d, 0, axis.size) for x, d in zip(args, dims, strict=True)]
        if dims[0] is None and dims[1] is None and not args[0].ndim:
            moved[:2] = args[:2]
        return self.bind(*moved), [0, 0]

    def expand(self, k1: Any, k2: Any, x0: Any, x1: Any) -> list[Any]:
        """The rounds as elementwise operations, which fuse into one loop."""
        word = lambda value: full_like(x0, value)
        schedule = k1, k2, E.xor(E.xor(k1, k2), full_like(k1, PARITY))
        keys = [S.broadcast_in_dim(k, x0.shape, range(k1.ndim)) for k in schedule]
        a, b = E.add(x0, keys[0]), E.add(x1, keys[1])
        for i in range(5):
            for r in ROTATIONS[i % 2]:
                a = E.add(a, b)
                b = E.xor(rotate_left(b, r), a)
            a = E.add(a, keys[(i + 1) % 3])
            b = E.add(E.add(b, keys[(i + 2) % 3]), word(i + 1))
        return [a, b]


class BitcastConvertType(Primitive):
    """The same bits as another dtype; a narrower one adds a last axis, a wider one removes it."""

    def abstract_eval(self, x: ShapedArray, *, dtype: Any) -> list[ShapedArray]:
        for d in (x.dtype, dtype):
            if dtypes.kind(d) not in "ifk":
                raise DTypeError(
                    f"bitcast_convert_type: expected real or integer dtypes, got {x} to "
                    f"{dtypes.short_name(dtype)}; take real and imaginary parts, or convert bools"
                )
        old, new = x.dtype.itemsize, dtype.itemsize
        if old == new:
            shape = x.shape
        elif old > new:
            shape = (*x.shape, old // new)
        elif x.ndim and x.shape[-1] == new // old:
            shape = x.shape[:-1]
        else:
            raise ShapeError(
                f"bitcast_convert_type: expected a last axis of size {new // old} to widen to "
                f"{dtypes.short_name(dtype)}, got {x}"
            )
        return [ShapedArray(shape, dtype)]

    def impl(self, x: Any, *, dtype: Any) -> list[Any]:
        (aval,) = self.abstract_eval(ShapedArray(x.shape, x.dtype), dtype=dtype)
        return [np.frombuffer(np.ascontiguousarray(x).tobytes(), dtype).reshape(aval.shape)]

    def jvp(self, primals: Any, tangents: Any, *, dtype: Any) -> tuple[list[Any], list[Any]]:
        return self.bind(*primals, dtype=dtype), [None]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, dtype: Any
    ) -> tuple[list[Any], list[Any]]:
        x = S.move_batch_axis(args[0], dims[0], 0, axis.size)
        return self.bind(x, dtype=dtype), [0]

    def lower(self, kernel: Any, index: Any, x: Any, *, dtype: Any) -> Any:
        if x.dtype.itemsize != dtype.itemsize:
            return self._missing("lower for a change of width")
        return kernel.call("bitcast", dtype, x(index))

    def expand(self, x: Any, *, dtype: Any) -> list[Any] | None:
        """A change of width as shifts of unsigned words (little end first)."""
        old, new = x.dtype.itemsize, dtype.itemsize
        if old == new:
            halves = [d for d in (x.dtype, dtype) if d in _HALVES]
            return [_between_words(x, dtype)] if halves else None
        wide, narrow = (np.dtype(f"u{max(old, new)}"), np.dtype(f"u{min(old, new)}"))
        bits = 8 * min(old, new)
        if old > new:
            word = bitcast_convert_type(x, wide)
            word = S.broadcast_in_dim(word, (*x.shape, old // new), range(x.ndim))
            place = S.iota(wide, word.shape, x.ndim)
            word = E.shift_right_logical(word, E.mul(place, full_like(place, bits)))
            part = C.convert(E.and_(word, full_like(word, (1 << bits) - 1)), narrow)
            return [bitcast_convert_type(part, dtype)]
        parts = C.convert(bitcast_convert_type(x, narrow), wide)
        place = S.iota(wide, x.shape, x.ndim - 1)
        moved = E.shift_left(parts, E.mul(place, full_like(place, bits)))
        return [bitcast_convert_type(R.reduce_sum(moved, (x.ndim - 1,)), dtype)]


class ReducePrecision(Elementwise):
    """x rounded to a float of fewer exponent and mantissa bits, kept in its own dtype."""

    kinds = "f"

    def impl(self, x: Any, *, exponent_bits: int, mantissa_bits: int) -> list[Any]:
        """Round the bits to nearest even; then overflow to infinity and underflow to zero."""
        info, word = ml_dtypes.finfo(x.dtype), np.dtype(f"u{x.dtype.itemsize}").type
        bits = np.ascontiguousarray(x).view(word)
        sign = bits & word(1 << (8 * x.dtype.itemsize - 1))
        magnitude = bits ^ sign
        dropped = info.nmant - mantissa_bits
        if dropped > 0:
            even = (magnitude >> word(dropped)) & word(1)
            magnitude += even + word((1 << (dropped - 1)) - 1)
            magnitude &= ~word((1 << dropped) - 1)
        own_bias = (1 << (info.nexp - 1)) - 1
        bias = (1 << (exponent_bits - 1)) - 1
        infinity = word(((1 << info.nexp) - 1) << info.nmant)
        if bias < own_bias:
            exponent = magnitude >> word(info.nmant)
            magnitude = np.where(exponent > word(own_bias + bias), infinity, magnitude)
            magnitude = np.where(exponent <= word(own_bias - bias), word(0), magnitude)
        rounded = (magnitude | sign).astype(word).view(x.dtype).reshape(x.shape)
        return [np.where(np.isnan(x), x, rounded)]

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        return self.bind(*primals, **params), self.bind(*tangents, **params)

    def transpose(self, cts: Any, x: Any, **params: Any) -> list[Any]:
        return self.bind(*cts, **params)

    def expand(self, x: Any, *, exponent_bits: int, mantissa_bits: int) -> list[Any] | None:
        """The same by primitives on unsigned words; half precision stays a host step."""
        if x.dtype in _HALVES:
            return None
        info, width = ml_dtypes.finfo(x.dtype), 8 * x.dtype.itemsize
        bits = bitcast_convert_type(x, np.dtype(f"u{x.dtype.itemsize}"))
        number = lambda value: full_like(bits, value)
        sign = E.and_(bits, number(1 << (width - 1)))
        size = E.xor(bits, sign)
        dropped = info.nmant - mantissa_bits
        if dropped > 0:
            even = E.and_(E.shift_right_logical(size, number(dropped)), number(1))
            size = E.add(size, E.add(even, number((1 << (dropped - 1)) - 1)))
            size = E.and_(size, number((1 << (width - 1)) - (1 << dropped)))
        own_bias, bias = (1 << (info.nexp - 1)) - 1, (1 << (exponent_bits - 1)) - 1
        if bias < own_bias:
            exponent = E.shift_right_logical(size, number(info.nmant))
            infinity = number(((1 << info.nexp) - 1) << info.nmant)
            size = C.select(E.gt(exponent, number(own_bias + bias)), infinity, size)
            size = C.select(E.le(exponent, number(own_bias - bias)), number(0), size)
        rounded = bitcast_convert_type(E.or_(size, sign), x.dtype)
        return [C.select(E.ne(x, x), x, rounded)]

    lower = Primitive.lower  # of what is not expanded: by NumPy, a host step


_HALVES = (dtypes.float16, dtypes.bfloat16)


def _between_words(x: Any, dtype: Any) -> Any:
    """The bits of 16-bit floats, which kernels hold as float32, by way of 32-bit words."""
    if x.dtype in _HALVES:
        single = bitcast_convert_type(C.convert(x, dtypes.float32), dtypes.uint32)
        word = C.convert(_OF_SINGLE[x.dtype](single), dtypes.uint16)
    else:
        word = bitcast_convert_type(x, dtypes.uint16)
    if dtype not in _HALVES:
        return bitcast_convert_type(word, dtype)
    single = _TO_SINGLE[dtype](C.convert(word, dtypes.uint32))
    return C.convert(bitcast_convert_type(single, dtypes.float32), dtype)


def _number(x: Any, value: int) -> Any:
    return full_like(x, value)


def _single_of_half(word: Any) -> Any:
    """Exponent and mantissa put in place; a product with 2^112 sets the exponent's bias."""
    size = E.shift_left(E.and_(word, _number(word, 0x7FFF)), _number(word, 13))
    value = bitcast_convert_type(size, dtypes.float32)
    scaled = bitcast_convert_type(E.mul(value, full_like(value, 2.0**112)), dtypes.uint32)
    special = E.ge(size, _number(word, 0x7C00 << 13))
    found = C.select(special, E.or_(size, _number(word, 0x7F800000)), scaled)
    sign = E.shift_left(E.and_(word, _number(word, 0x8000)), _number(word, 16))
    return E.or_(found, sign)


def _half_of_single(single: Any) -> Any:
    """Of a float32 that is a float16: no rounding."""
    size = E.and_(single, _number(single, 0x7FFFFFFF))
    right = lambda v, n: E.shift_right_logical(v, _number(v, n))
    normal = right(E.sub(size, _number(single, 112 << 23)), 13)
    value = bitcast_convert_type(size, dtypes.float32)
    half = E.add(value, full_like(value, 0.5))  # the last bit of 0.5 weighs the least float16
    small = E.sub(bitcast_convert_type(half, dtypes.uint32), _number(single, 0x3F000000))
    fraction = E.and_(right(size, 13), _number(single, 0x3FF))
    special = E.or_(fraction, _number(single, 0x7C00))
    found = C.select(E.lt(size, _number(single, 113 << 23)), small, normal)
    found = C.select(E.ge(size, _number(single, 0x7F800000)), special, found)
    return E.or_(found, E.and_(right(single, 16), _number(single, 0x8000)))


_TO_SINGLE = {
    dtypes.float16: _single_of_half,
    dtypes.bfloat16: lambda word: E.shift_left(word, _number(word, 16)),
}
_OF_SINGLE = {
    dtypes.float16: _half_of_single,
    dtypes.bfloat16: lambda single: E.shift_right_logical(single, _number(single, 16)),
}

threefry2x32_p, bitcast_convert_type_p = Threefry2x32(), BitcastConvertType()
reduce_precision_p, rotate_left_p = ReducePrecision(), RotateLeft()


def threefry2x32(k1: Any, k2: Any, x0: Any, x1: Any) -> list[Any]:
    """Two hashed words for every pair (x0, x1) under the key (k1, k2)."""
    return threefry2x32_p.bind(k1, k2, x0, x1)


def rotate_left(x: Any, bits: int) -> Any:
    """The bits of the integers x rotated left."""
    return rotate_left_p.bind(x, bits=bits)[0]


def bitcast_convert_type(x: Any, dtype: Any) -> Any:
    """The bits of x as `dtype`."""
    return bitcast_convert_type_p.bind(x, dtype=dtype)[0] if x.dtype != dtype else x


def reduce_precision(x: Any, exponent_bits: int, mantissa_bits: int) -> Any:
    """x rounded to a narrower float format."""
    return reduce_precision_p.bind(
        x, exponent_bits=int(exponent_bits), mantissa_bits=int(mantissa_bits)
    )[0]

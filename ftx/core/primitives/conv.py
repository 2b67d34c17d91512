"""Convolution in any layout, with strides, dilations and groups.

In: an image array, a kernel array, and a spec such as "NHWC,HWIO->NHWC" (N batch, C channels,
I and O channels in and out of the kernel, other letters spatial).  Out: the cross-correlation.
Derivatives are convolutions with the labels renamed; compiled code sees patches and a dot.
Knows nothing of: 'SAME' and 'VALID', dimension_numbers; `ftx.lax` resolves those.
Source: XLA, "Operation semantics: ConvWithGeneralPadding".
"""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import DTypeError, ShapeError
from ..primitive import BatchAxis, Linear, Primitive
from ..types import ShapedArray
from . import elementwise as E
from . import reduction as R
from . import shape as S
from .dot import dot
from .window import Windows, conv_patches, copy_windows, dilated, numpy_pad

CHUNK = 1 << 22
"""Elements of patches made at a time by the NumPy rule: 16 MiB of float32."""


class ConvSpec(NamedTuple):
    """The three label strings of "NHWC,HWIO->NHWC"."""

    lhs: str
    rhs: str
    out: str

    @staticmethod
    def parse(spec: str) -> ConvSpec:
        operands, out = spec.split("->")
        lhs, rhs = operands.split(",")
        return ConvSpec(lhs, rhs, out)

    @property
    def spatial(self) -> str:
        """Spatial letters, in the order of the kernel's."""
        return "".join(c for c in self.rhs if c not in "IO")

    def check(self, x: ShapedArray, y: ShapedArray) -> None:
        """Raise ShapeError unless the labels are well formed and fit the operands."""
        space = set(self.spatial)
        labels = (set("NC"), self.lhs), (set("IO"), self.rhs), (set("NC"), self.out)
        formed = all(set(s) == own | space and len(s) == len(set(s)) for own, s in labels)
        if not formed or space & set("NCIO"):
            raise ShapeError(
                "conv_general_dilated: expected labels such as NHWC,HWIO->NHWC with N, C and "
                f"I, O once each and the same spatial letters, got {self}"
            )
        if len(self.lhs) != x.ndim or len(self.rhs) != y.ndim:
            raise ShapeError(
                f"conv_general_dilated[{self}]: expected {len(self.lhs)} and {len(self.rhs)} axes, "
                f"got {x} and {y}"
            )

    def __str__(self) -> str:
        return f"{self.lhs},{self.rhs}->{self.out}"


def _order(source: str, target: str) -> tuple[int, ...]:
    return tuple(source.index(c) for c in target)


class ConvGeneralDilated(Primitive):
    """Sums over windows of lhs of products with rhs.  Bilinear."""

    bilinear = True

    def abstract_eval(
        self,
        x: ShapedArray,
        y: ShapedArray,
        *,
        spec: str,
        strides: Any,
        padding: Any,
        lhs_dilation: Any,
        rhs_dilation: Any,
        feature_group_count: int,
        batch_group_count: int,
    ) -> list[ShapedArray]:
        s, name = ConvSpec.parse(spec), f"conv_general_dilated[{spec}]"
        s.check(x, y)
        if x.dtype != y.dtype or x.dtype == np.bool_:
            raise DTypeError(f"{name}: expected numbers of one dtype, got {x} and {y}; use astype")
        size = dict(zip(s.lhs, x.shape, strict=True))
        kernel = dict(zip(s.rhs, y.shape, strict=True))
        fg, bg = feature_group_count, batch_group_count
        if fg < 1 or bg < 1 or (fg > 1 and bg > 1):
            raise ShapeError(f"{name}: expected one positive group count, got {fg} and {bg}")
        if size["C"] != kernel["I"] * fg:
            raise ShapeError(
                f"{name}: expected as many channels in lhs as kernel inputs times "
                f"feature_group_count, got C={size['C']} in {x}, I={kernel['I']} in {y} and "
                f"feature_group_count={fg}"
            )
        if kernel["O"] % (fg * bg) or size["N"] % bg:
            raise ShapeError(
                f"{name}: expected O={kernel['O']} (and, for batch groups, N={size['N']}) to be "
                f"multiples of the group count {fg * bg}; got {x} and {y}"
            )
        space = tuple(size[c] for c in s.spatial)
        windows = Windows(
            tuple(kernel[c] for c in s.spatial), strides, padding, lhs_dilation, rhs_dilation
        )
        windows.check(name, space)
        found = dict(zip(s.spatial, windows.out_shape(space), strict=True))
        found |= {"N": size["N"] // bg, "C": kernel["O"]}
        weak = x.weak_type and y.weak_type
        return [ShapedArray(tuple(found[c] for c in s.out), x.dtype, weak)]

    def impl(self, x: Any, y: Any, *, spec: str, **p: Any) -> list[Any]:
        dtype, s = x.dtype, ConvSpec.parse(spec)
        if dtype.itemsize == 2 and dtype.kind in "fV":
            x, y = x.astype(np.float32), y.astype(np.float32)
        x = x.transpose(_order(s.lhs, f"N{s.spatial}C"))
        y = y.transpose(_order(s.rhs, f"{s.spatial}IO"))
        fg, bg = p["feature_group_count"], p["batch_group_count"]
        x, y = _grouped(x, y, fg, bg)
        windows = _windows(y.shape[1:-2], p)
        out = _correlate(x, y, windows)  # [group, n, *positions, o]
        out = np.moveaxis(out, 0, -2)
        out = out.reshape(*out.shape[:-2], -1)
        return [np.asarray(out.transpose(_order(f"N{s.spatial}C", s.out)), dtype)]

    def transpose(self, cts: Any, x: Any, y: Any, *, spec: str, **p: Any) -> list[Any]:
        if isinstance(x, Linear):
            return [_back_to_lhs(cts[0], x, y, ConvSpec.parse(spec), p), None]
        return [None, _back_to_rhs(cts[0], x, y, ConvSpec.parse(spec), p)]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, spec: str, **p: Any
    ) -> tuple[list[Any], list[Any]]:
        (x, y), (dx, dy), s = args, dims, ConvSpec.parse(spec)
        n, c, o = s.lhs.index("N"), s.lhs.index("C"), s.rhs.index("O")
        out_n, out_c = s.out.index("N"), s.out.index("C")
        fg, bg, b = p["feature_group_count"], p["batch_group_count"], axis.size
        if dy is None:
            x = _merge(x, dx, n, bg)
            out = self.bind(x, y, spec=spec, **p)[0]
            return [_unmerge(out, out_n, 1, b)], [0]
        if dx is None:
            y = _merge(y, dy, o, fg * bg)
            out = self.bind(x, y, spec=spec, **p)[0]
            return [_unmerge(out, out_c, fg * bg, b)], [0]
        count = "batch_group_count" if bg > 1 else "feature_group_count"
        x, y = _merge(x, dx, n if bg > 1 else c, 1), _merge(y, dy, o, 1)
        out = self.bind(x, y, spec=spec, **p | {count: b * p[count]})[0]
        return [_unmerge(out, out_c, 1, b)], [0]

    def expand(self, x: Any, y: Any, *, spec: str, **p: Any) -> list[Any] | None:
        """Without padding; narrow groups as sums, numbers that no library multiplies as patches."""
        s, groups = ConvSpec.parse(spec), p["feature_group_count"] * p["batch_group_count"]
        kernel = dict(zip(s.rhs, y.shape, strict=True))
        if groups > 1 and kernel["O"] // groups < NARROW:
            return [as_sums(x, y, s, p)]
        if x.dtype not in (np.float32, np.float64):
            return [as_patches(x, y, s, p)]
        padded = _padded(x, y, s, p)
        if padded is x:
            return None
        rank = len(s.spatial)
        still = {"padding": ((0, 0),) * rank, "lhs_dilation": (1,) * rank}
        return self.bind(padded, y, spec=spec, **p | still)


NARROW = 8
"""Output channels of a group below which a convolution is a sum, for want of columns."""


def _padded(x: Any, y: Any, s: ConvSpec, p: dict[str, Any]) -> Any:
    """The image as the windows see it: spread, padded, cut."""
    window = tuple(y.shape[s.rhs.index(c)] for c in s.spatial)
    around = dict(zip(s.spatial, _windows(window, p).pad_config(), strict=True))
    config = [around.get(c, (0, 0, 0)) for c in s.lhs]
    if all(c == (0, 0, 0) for c in config):
        return x
    return S.pad(x, S.full((), 0, x.dtype), config)


def _patches(x: Any, y: Any, s: ConvSpec, p: dict[str, Any]) -> tuple[Any, Any]:
    """Patches [n, *positions, *window, c] and the kernel [*window, i, o]."""
    x = S.transpose(x, _order(s.lhs, f"N{s.spatial}C"))
    y = S.transpose(y, _order(s.rhs, f"{s.spatial}IO"))
    return conv_patches(x, _windows(y.shape[:-2], p)), y


def as_patches(x: Any, y: Any, s: ConvSpec, p: dict[str, Any]) -> Any:
    """Patches, then a dot: "nhw(uv)i,(uv)io->nhwo"."""
    fg, bg = p["feature_group_count"], p["batch_group_count"]
    patches, y = _patches(x, y, s, p)
    rank = y.ndim - 2
    at, within = string.ascii_lowercase[:rank], string.ascii_uppercase[:rank]
    out_shape = patches.shape[1 : 1 + rank]
    if fg == bg == 1:
        out = dot(patches, y, f"n{at}{within}i,{within}io->n{at}o")
    else:
        g, first, last = fg * bg, patches.shape[0], patches.shape[-1]
        y = S.reshape(y, (*y.shape[:-1], g, y.shape[-1] // g))
        if bg > 1:
            patches = S.reshape(patches, (g, first // g, *patches.shape[1:]))
            out = dot(patches, y, f"gn{at}{within}i,{within}igo->n{at}go")
        else:
            patches = S.reshape(patches, (*patches.shape[:-1], g, last // g))
            out = dot(patches, y, f"n{at}{within}gi,{within}igo->n{at}go")
        out = S.reshape(out, (first // bg, *out_shape, y.shape[-1] * g))
    return S.transpose(out, _order(f"N{s.spatial}C", s.out))


def as_sums(x: Any, y: Any, s: ConvSpec, p: dict[str, Any]) -> Any:
    """Patches times the kernel, summed over window and inputs; for groups of few channels.

    patches[g?, n, *positions, *window, g?, i] * kernel[*window, g, i, o], broadcast against each
    other with the output channels of all groups last.
    """
    fg, bg = p["feature_group_count"], p["batch_group_count"]
    patches, y = _patches(x, y, s, p)
    rank, g = y.ndim - 2, fg * bg
    inputs, each = y.shape[-2], y.shape[-1] // g
    n, positions, window = patches.shape[0], patches.shape[1 : 1 + rank], y.shape[:rank]
    shape = (n // bg, *positions, *window, inputs, g, each)
    if bg > 1:
        patches = S.reshape(patches, (bg, n // bg, *patches.shape[1:]))
        patches = S.transpose(patches, (*range(1, patches.ndim), 0))
    else:
        patches = S.reshape(patches, (*patches.shape[:-1], g, inputs))
        patches = S.transpose(
            patches, (*range(patches.ndim - 2), patches.ndim - 1, patches.ndim - 2)
        )
    patches = S.broadcast_in_dim(patches, shape, tuple(range(len(shape) - 1)))
    y = S.reshape(y, (*window, inputs, g, each))
    y = S.broadcast_in_dim(y, shape, tuple(range(1 + rank, len(shape))))
    axes = tuple(range(1 + rank, 2 + 2 * rank))
    out = R.reduce_sum(E.mul(patches, y), axes)
    out = S.reshape(out, (n // bg, *positions, g * each))
    return S.transpose(out, _order(f"N{s.spatial}C", s.out))


def _windows(size: Any, p: dict[str, Any]) -> Windows:
    return Windows(tuple(size), p["strides"], p["padding"], p["lhs_dilation"], p["rhs_dilation"])


def _grouped(x: Any, y: Any, fg: int, bg: int) -> tuple[Any, Any]:
    """x[g, n, *space, i] and y[g, *window, i, o] from x[n, *space, c] and y[*window, i, o]."""
    y = np.moveaxis(y.reshape(*y.shape[:-1], fg * bg, -1), -2, 0)
    if bg > 1:
        return x.reshape(bg, x.shape[0] // bg, *x.shape[1:]), y
    return np.moveaxis(x.reshape(*x.shape[:-1], fg, x.shape[-1] // fg), -2, 0), y


def _correlate(x: Any, y: Any, windows: Windows) -> Any:
    """[g, n, *positions, o] from x[g, n, *space, i] and y[g, *window, i, o]: copies and matmul.

    Patches are laid out so that copies run along the axis that is contiguous in x.
    """
    g, n, *space, i = x.shape
    positions, rank = windows.out_shape(tuple(space)), len(space)
    out = np.zeros((g, n, math.prod(positions), y.shape[-1]), x.dtype)
    if not out.size or not y.size:
        return out.reshape(g, n, *positions, y.shape[-1])
    x = numpy_pad(x, 0, ((0, 0, 0), (0, 0, 0), *windows.pad_config(), (0, 0, 0)))
    rows, taps = math.prod(positions), math.prod(windows.size)
    if x.strides[1] < x.strides[-1] and n > 1:
        step = max(1, CHUNK // (g * n * rows * taps))
        for start in range(0, i, step):
            part = x[..., start : start + step]
            m = part.shape[-1]
            buffer = np.empty((g, *windows.size, m, *positions, n), x.dtype)
            last = buffer.ndim - 1
            back = (0, last, *range(2 + rank, last), *range(1, 1 + rank), 1 + rank)
            copy_windows(part, buffer.transpose(back), windows, 2)
            right = y[..., start : start + step, :].reshape(g, taps * m, -1)
            left = buffer.reshape(g, taps * m, rows * n).swapaxes(1, 2)
            product = np.matmul(left, right).reshape(g, rows, n, -1)
            out += product.swapaxes(1, 2)
        return out.reshape(g, n, *positions, -1)
    step = max(1, CHUNK // (g * rows * taps * i))
    right = y.reshape(g, taps * i, -1)
    for start in range(0, n, step):
        part = x[:, start : start + step]
        buffer = np.empty((g, part.shape[1], *positions, *windows.size, i), x.dtype)
        copy_windows(part, buffer, windows, 2)
        left = buffer.reshape(g, part.shape[1] * rows, taps * i)
        out[:, start : start + step] = np.matmul(left, right).reshape(g, part.shape[1], rows, -1)
    return out.reshape(g, n, *positions, -1)


def _merge(x: Any, d: int, axis: int, groups: int) -> Any:
    """x with its batch axis d merged into `axis` (counted without d) as [groups, b, rest]."""
    x = S.move_batch_axis(x, d, axis, x.shape[d])
    b, n = x.shape[axis], x.shape[axis + 1]
    before, after = x.shape[:axis], x.shape[axis + 2 :]
    if groups > 1:
        x = S.reshape(x, (*before, b, groups, n // groups, *after))
        x = S.move_batch_axis(x, axis, axis + 1, b)
    return S.reshape(x, (*before, b * n, *after))


def _unmerge(x: Any, axis: int, groups: int, b: int) -> Any:
    """The inverse of `_merge`, the batch axis in front."""
    before, n, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    x = S.reshape(x, (*before, groups, b, n // (groups * b), *after))
    x = S.move_batch_axis(x, axis + 1, 0, b)
    return S.reshape(x, (b, *before, n // b, *after))


_FORWARD_KERNEL = str.maketrans("IO", "OI")


def _back_to_lhs(ct: Any, x: Linear, y: Any, s: ConvSpec, p: dict[str, Any]) -> Any:
    """Convolve the cotangent, spread by the strides, with the reversed kernel, I and O swapped."""
    fg, bg = p["feature_group_count"], p["batch_group_count"]
    space = tuple(x.shape[s.lhs.index(c)] for c in s.spatial)
    window = tuple(y.shape[s.rhs.index(c)] for c in s.spatial)
    back = _windows(window, p).transposed(space)
    y = S.rev(y, tuple(s.rhs.index(c) for c in s.spatial))
    groups = fg * bg
    if groups > 1:  # group g of the outputs becomes group g of the inputs
        i, o = s.rhs.index("I"), s.rhs.index("O")
        y = _move_groups(y, o, i, groups)
    out = conv_general_dilated(
        ct,
        y,
        back.strides,
        back.padding,
        back.base,
        back.dilation,
        f"{s.out},{s.rhs.translate(_FORWARD_KERNEL)}->{s.lhs}",
        groups,
        1,
    )
    if bg > 1:
        out = _move_groups(out, s.lhs.index("C"), s.lhs.index("N"), bg)
    return out


def _back_to_rhs(ct: Any, x: Any, y: Linear, s: ConvSpec, p: dict[str, Any]) -> Any:
    """Convolve lhs, N and C swapped, with the cotangent as kernel; strides swap with dilations."""
    fg, bg = p["feature_group_count"], p["batch_group_count"]
    padding = []
    order = _order(s.spatial, "".join(c for c in s.out if c not in "NC"))
    s_letters = [s.spatial[i] for i in order]  # of the new kernel, which is the cotangent
    names = ("strides", "padding", "lhs_dilation", "rhs_dilation")
    p = {name: tuple(p[name][i] for i in order) for name in names}
    window = [y.shape[s.rhs.index(c)] for c in s_letters]
    for c, k, stride, (lo, _), b, d in zip(
        s_letters, window, *_windows(window, p)[1:], strict=True
    ):
        n, m = x.shape[s.lhs.index(c)], ct.shape[s.out.index(c)]
        reach = dilated(m, stride) - dilated(n, b)
        padding.append((lo, reach + dilated(k, d) - lo - 1))
    swapped = str.maketrans("NC", "CN")
    as_kernel, as_out = str.maketrans("NC", "IO"), str.maketrans("IO", "NC")
    spec = f"{s.lhs.translate(swapped)},{s.out.translate(as_kernel)}->{s.rhs.translate(as_out)}"
    return conv_general_dilated(
        x,
        ct,
        p["rhs_dilation"],
        padding,
        p["lhs_dilation"],
        p["strides"],
        spec,
        bg,
        fg,
    )


def _move_groups(x: Any, source: int, target: int, groups: int) -> Any:
    """Axis `source` [groups, rest] gives its groups to `target`: [groups, target]."""
    n = x.shape[source]
    split = S.reshape(x, (*x.shape[:source], groups, n // groups, *x.shape[source + 1 :]))
    at = target if target < source else target + 1  # where `target` is after the split
    perm = [a for a in range(split.ndim) if a != source]
    perm.insert(perm.index(at), source)
    moved = S.transpose(split, perm)
    shape = list(x.shape)
    shape[source], shape[target] = n // groups, x.shape[target] * groups
    return S.reshape(moved, shape)


conv_general_dilated_p = ConvGeneralDilated()


def conv_general_dilated(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None,
    rhs_dilation: Sequence[int] | None,
    spec: str,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
) -> Any:
    """Convolution of `lhs` with the kernel `rhs`, laid out as `spec` says.

    Per spatial axis, in the order of the letters in rhs: stride, (low, high) padding, and
    distance of the elements of lhs and rhs.
    """
    ones = (1,) * len(window_strides)
    whole = lambda v: tuple(int(i) for i in (v or ones))
    return conv_general_dilated_p.bind(
        lhs,
        rhs,
        spec=spec,
        strides=whole(window_strides),
        padding=tuple((int(lo), int(hi)) for lo, hi in padding),
        lhs_dilation=whole(lhs_dilation),
        rhs_dilation=whole(rhs_dilation),
        feature_group_count=int(feature_group_count),
        batch_group_count=int(batch_group_count),
    )[0]

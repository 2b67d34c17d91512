"""dot_general: every product of two arrays that sums over shared axes.

In: two arrays and a spec.  Out: one array.
Knows nothing of: matmul, einsum and dimension_numbers, which are written as specs.
"""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from .. import dtypes
from ..errors import DotShapeError, DTypeError, ShapeError
from ..primitive import BatchAxis, Linear, Primitive
from ..types import ShapedArray
from . import elementwise as E
from . import reduction as R
from . import shape as S


def labels(spec: str) -> tuple[str, str, str]:
    """The three label strings of "bik,bkj->bij"."""
    operands, out = spec.split("->")
    lhs, rhs = operands.split(",")
    return lhs, rhs, out


class DotGeneral(Primitive):
    """Sum of products over the labels absent from the output: "bik,bkj->bij".

    One letter per axis, at most once in each operand and in the output; every letter of the
    output stands in an operand.  Bilinear: jvp follows from `bind`.
    """

    bilinear = True

    def abstract_eval(self, x: ShapedArray, y: ShapedArray, *, spec: str) -> list[ShapedArray]:
        lhs, rhs, out = labels(spec)
        if len(lhs) != x.ndim or len(rhs) != y.ndim:
            raise ShapeError(
                f"dot_general[{spec}]: expected {len(lhs)} and {len(rhs)} axes, got {x} and {y}"
            )
        if x.dtype != y.dtype or x.dtype == dtypes.bool_:
            raise DTypeError(
                f"dot_general[{spec}]: expected numbers of one dtype, got {x} and {y}; use astype"
            )
        size = dict(zip(lhs, x.shape, strict=True))
        for letter, n in zip(rhs, y.shape, strict=True):
            if size.setdefault(letter, n) != n:
                raise DotShapeError(
                    f"dot_general[{spec}]: expected axis '{letter}' of one size, got "
                    f"{size[letter]} in lhs {x} and {n} in rhs {y}; if a transpose was meant, "
                    "write y.T"
                )
        weak = x.weak_type and y.weak_type
        return [ShapedArray(tuple(size[letter] for letter in out), x.dtype, weak)]

    def impl(self, x: Any, y: Any, *, spec: str) -> list[Any]:
        dtype = x.dtype
        if dtype.itemsize == 2 and dtype.kind in "fV":
            x, y = x.astype(np.float32), y.astype(np.float32)
        return [np.asarray(_contract(x, y, spec), dtype)]

    def transpose(self, cts: Any, x: Any, y: Any, *, spec: str) -> list[Any]:
        lhs, rhs, out = labels(spec)
        if isinstance(x, Linear):
            return [_dot_back(cts[0], y, f"{out},{rhs}->{lhs}", x), None]
        return [None, _dot_back(cts[0], x, f"{out},{lhs}->{rhs}", y)]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, spec: str
    ) -> tuple[list[Any], list[Any]]:
        lhs, rhs, out = labels(spec)
        b = next(letter for letter in string.ascii_letters if letter not in spec)
        add = lambda s, d: s if d is None else s[:d] + b + s[d:]
        return self.bind(*args, spec=f"{add(lhs, dims[0])},{add(rhs, dims[1])}->{b}{out}"), [0]

    def expand(self, x: Any, y: Any, *, spec: str) -> list[Any] | None:
        """An outer product sums over nothing: it is an elementwise product."""
        lhs, rhs, out = labels(spec)
        if any(letter not in out for letter in lhs + rhs):
            return None
        size = dict(zip(lhs + rhs, x.shape + y.shape, strict=True))
        shape = [size[letter] for letter in out]
        spread = lambda v, own: S.broadcast_in_dim(
            S.transpose(v, [own.index(c) for c in out if c in own]),
            shape,
            [i for i, c in enumerate(out) if c in own],
        )
        return [E.mul(spread(x, lhs), spread(y, rhs))]

    def lower(self, kernel: Any, index: Any, x: Any, y: Any, *, spec: str) -> Any:
        lhs, rhs, out = labels(spec)
        size = dict(zip(lhs + rhs, x.shape + y.shape, strict=True))
        summed = [letter for letter in size if letter not in out]

        def product(counters: Any) -> Any:
            at = dict(zip(out, index, strict=True)) | dict(zip(summed, counters, strict=True))
            left = x([at[letter] for letter in lhs])
            return kernel.call("mul", x.dtype, left, y([at[letter] for letter in rhs]))

        sizes = [size[letter] for letter in summed]
        return kernel.reduce("add", x.dtype, x.dtype.type(0), sizes, product)


def _dot_back(ct: Any, other: Any, spec: str, wanted: Linear) -> Any:
    """Cotangent of one operand; axes that it alone had and that were summed repeat."""
    first, second, target = labels(spec)
    present = "".join(c for c in target if c in first + second)
    out = dot(ct, other, f"{first},{second}->{present}")
    if present == target:
        return out
    return S.broadcast_in_dim(out, wanted.shape, tuple(target.index(c) for c in present))


def _contract(x: Any, y: Any, spec: str) -> Any:
    """By matmul where the labels allow it, since einsum does not call BLAS for every pattern."""
    lhs, rhs, out = labels(spec)
    for s, other in ((lhs, rhs), (rhs, lhs)):
        gone = tuple(i for i, c in enumerate(s) if c not in other and c not in out)
        if gone:
            x, y = (x.sum(gone), y) if s is lhs else (x, y.sum(gone))
    lhs, rhs = ("".join(c for c in s if c in o + out) for s, o in ((lhs, rhs), (rhs, lhs)))
    both = [c for c in lhs if c in rhs and c in out]
    summed = [c for c in lhs if c in rhs and c not in out]
    left, right = [c for c in lhs if c not in rhs], [c for c in rhs if c not in lhs]
    size = dict(zip(lhs + rhs, x.shape + y.shape, strict=True))
    shape = lambda *groups: [int(np.prod([size[c] for c in g])) for g in groups]
    order = lambda s, *groups: [s.index(c) for g in groups for c in g]
    a = x.transpose(order(lhs, both, left, summed)).reshape(shape(both, left, summed))
    b = y.transpose(order(rhs, both, summed, right)).reshape(shape(both, summed, right))
    whole = both + left + right
    result = np.matmul(a, b).reshape([size[c] for c in whole])
    return result.transpose([whole.index(c) for c in out])


dot_general_p = DotGeneral()


def dot(x: Any, y: Any, spec: str) -> Any:
    """Sum of products, e.g. dot(x, y, "ik,kj->ij").  Axes of one operand only are summed first."""
    lhs, rhs, out = labels(spec)
    lone_x = tuple(i for i, c in enumerate(lhs) if c not in rhs and c not in out)
    lone_y = tuple(i for i, c in enumerate(rhs) if c not in lhs and c not in out)
    lhs = "".join(c for i, c in enumerate(lhs) if i not in lone_x)
    rhs = "".join(c for i, c in enumerate(rhs) if i not in lone_y)
    x, y = R.reduce_sum(x, lone_x), R.reduce_sum(y, lone_y)
    return dot_general_p.bind(x, y, spec=f"{lhs},{rhs}->{out}")[0]

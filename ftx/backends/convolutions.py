"""Convolutions as products that read the image where it lies.

In: a conv_general_dilated without padding.  Out: the same in layouts that a product can read and
write, and that product.  A row of the left operand is a position of the window, its elements are
the window; both are sums of strides, so neither patches nor their copies exist.
Knows nothing of: padding, which is done before; thunks.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.jaxpr import Eqn, Jaxpr, Var
from ..core.primitives.conv import ConvSpec, as_patches, conv_general_dilated_p
from ..core.primitives.shape import transpose_p
from ..core.tracing import trace
from ..core.types import ShapedArray
from .product_shapes import Shape
from .products import Left, Product, Right

Axis = tuple[int, int]
"""Size, and elements from one to the next."""


def canonical_convs(jaxpr: Jaxpr) -> Jaxpr:
    """Write every convolution as transposes around one whose channels come last."""
    if not any(e.primitive is conv_general_dilated_p for e in jaxpr.eqns):
        return jaxpr
    eqns: list[Eqn] = []
    for eqn in jaxpr.eqns:
        if eqn.primitive is conv_general_dilated_p:
            eqns += _canonical(eqn)
        else:
            eqns.append(eqn)
    return jaxpr.with_eqns(eqns)


def _canonical(eqn: Eqn) -> list[Eqn]:
    spec = ConvSpec.parse(eqn.params["spec"])
    x, y = eqn.invars
    target = eqn.outvars[0]
    before: list[Eqn] = []
    after: list[Eqn] = []
    rhs, out = spec.rhs, spec.out
    if rhs[-1] != "O":
        rhs = spec.lhs.replace("N", "").replace("C", "I") + "O"
        y = _moved(y, tuple(spec.rhs.index(c) for c in rhs), before, eqn)
    if out[-1] != "C":
        out = spec.out.replace("C", "") + "C"
        shape = tuple(target.aval.shape[spec.out.index(c)] for c in out)
        result = Var(ShapedArray(shape, target.aval.dtype))
        perm = tuple(out.index(c) for c in spec.out)
        after.append(Eqn(transpose_p, (result,), {"perm": perm}, (target,), eqn.source))
        target = result
    params = {**eqn.params, "spec": str(ConvSpec(spec.lhs, rhs, out))}
    return [*before, eqn.replace(invars=(x, y), params=params, outvars=(target,)), *after]


def _moved(x: Any, perm: tuple[int, ...], eqns: list[Eqn], eqn: Eqn) -> Var:
    out = Var(ShapedArray(tuple(x.aval.shape[p] for p in perm), x.aval.dtype))
    eqns.append(Eqn(transpose_p, (x,), {"perm": perm}, (out,), eqn.source))
    return out


def conv_product(eqn: Eqn, shape: Shape) -> Product:
    """The product that computes a canonical convolution without padding."""
    p, spec = eqn.params, ConvSpec.parse(eqn.params["spec"])
    x, y, out = (a.aval for a in (*eqn.invars, *eqn.outvars))
    fg, bg = p["feature_group_count"], p["batch_group_count"]
    along = dict(zip(spec.lhs, _strides(x.shape), strict=True))
    kernel = dict(zip(spec.rhs, y.shape, strict=True))
    result = dict(zip(spec.out, out.shape, strict=True))
    stride = dict(zip(spec.spatial, p["strides"], strict=True))
    dilation = dict(zip(spec.spatial, p["rhs_dilation"], strict=True))
    rows = [(result[c], along[c] * stride.get(c, 1)) for c in spec.out if c != "C"]
    steps = [
        (kernel[c], along["C"] if c == "I" else along[c] * dilation[c])
        for c in spec.rhs
        if c != "O"
    ]
    (group, row_step), groups = _two_levels(rows)
    (length, step), segments = _two_levels(steps)
    each = kernel["O"] // (fg * bg)
    skip = kernel["I"] * along["C"] if fg > 1 else result["N"] * along["N"]
    left = Left(
        math.prod(n for n, _ in rows), row_step, step, length, group, groups, segments, skip
    )
    right = Right(each, kernel["O"], 1, batch=each if fg * bg > 1 else 0)
    return Product(shape, left, right, fg * bg, c_row=kernel["O"], c_batch=each)


def as_patches_jaxpr(eqn: Eqn) -> Jaxpr:
    """The same by patches and a dot_general, for processors without tiles."""
    params = {k: v for k, v in eqn.params.items() if k != "spec"}
    spec = ConvSpec.parse(eqn.params["spec"])
    by_patches = lambda x, y: [as_patches(x, y, spec, params)]
    return trace(by_patches, [a.aval for a in eqn.invars], name="patches")


def _strides(shape: tuple[int, ...]) -> list[int]:
    return [math.prod(shape[i + 1 :]) for i in range(len(shape))]


def _two_levels(axes: list[Axis]) -> tuple[Axis, np.ndarray[Any, Any]]:
    """The innermost axis, as long as its neighbours allow, and the offsets of the others."""
    merged: list[Axis] = []
    for size, stride in axes:
        if size == 1:
            continue
        if merged and merged[-1][1] == size * stride:
            merged[-1] = (merged[-1][0] * size, stride)
        else:
            merged.append((size, stride))
    *outer, inner = merged or [(1, 1)]
    offsets = np.zeros(1, np.int64)
    for size, stride in outer:
        offsets = (offsets[:, None] + np.arange(size, dtype=np.int64) * stride).reshape(-1)
    return inner, offsets

"""Steps that loops do not compute: BLAS products, and host functions by NumPy and SciPy.

In: an equation.  Out: for products, operands in the layout BLAS reads; for others, a Python
function on NumPy arrays that writes its results in place.
Knows nothing of: kernels, memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.config import config
from ..core.jaxpr import Eqn, Jaxpr, Literal, Var
from ..core.primitives.dot import dot_general_p, labels
from ..core.primitives.shape import transpose_p
from ..core.types import ShapedArray
from .lowering import classify


def canonical_dots(jaxpr: Jaxpr) -> Jaxpr:
    """Write every product for BLAS as transposes around one that BLAS computes as it stands.

    Transposes of operands that BLAS can read as they are stored are absorbed.
    """
    if not any(e.primitive is dot_general_p for e in jaxpr.eqns):
        return jaxpr
    producers = {v: e for e in jaxpr.eqns for v in e.outvars}
    eqns: list[Eqn] = []
    for eqn in jaxpr.eqns:
        if eqn.primitive is dot_general_p and classify(eqn) == "library":
            eqns += _canonical(eqn, producers)
        else:
            eqns.append(eqn)
    return jaxpr.with_eqns(eqns)


@dataclass(frozen=True)
class Product:
    """The four label groups of a product that BLAS computes."""

    batch: str
    left: str
    right: str
    summed: str

    @staticmethod
    def of(lhs: str, rhs: str, out: str) -> Product:
        batch = "".join(c for c in out if c in lhs and c in rhs)
        left = "".join(c for c in out if c in lhs and c not in rhs)
        right = "".join(c for c in out if c in rhs and c not in lhs)
        summed = "".join(c for c in rhs if c in lhs and c not in out)
        return Product(batch, left, right, summed)

    def reads(self, operand: str, mine: str) -> str | None:
        """How BLAS reads an operand: "N" batch, mine, summed; "T" batch, summed, mine."""
        if operand == self.batch + mine + self.summed:
            return "N"
        return "T" if operand == self.batch + self.summed + mine else None


def _canonical(eqn: Eqn, producers: dict[Var, Eqn]) -> list[Eqn]:
    x, y = eqn.invars
    lhs, rhs, out = labels(eqn.params["spec"])
    (x, lhs), (y, rhs) = (
        _without_transpose(x, lhs, producers),
        _without_transpose(y, rhs, producers),
    )
    product = Product.of(lhs, rhs, out)
    if out == product.batch + product.right + product.left and product.left:
        x, y, lhs, rhs = y, x, rhs, lhs
        product = Product.of(lhs, rhs, out)
    if product.reads(lhs, product.left) and not product.reads(rhs, product.right):
        summed = "".join(c for c in lhs if c in product.summed)
        other = Product(product.batch, product.left, product.right, summed)
        product = other if other.reads(rhs, product.right) else product
    eqns: list[Eqn] = []
    x, lhs = _in_layout(x, lhs, product, product.left, eqns, eqn)
    y, rhs = _in_layout(y, rhs, product, product.right, eqns, eqn)
    natural = product.batch + product.left + product.right
    target = eqn.outvars[0]
    spec = f"{lhs},{rhs}->{natural}"
    if natural == out:
        return [*eqns, eqn.replace(invars=(x, y), params={"spec": spec})]
    size = dict(zip(out, target.aval.shape, strict=True))
    result = Var(ShapedArray(tuple(size[c] for c in natural), target.aval.dtype))
    eqns.append(eqn.replace(invars=(x, y), params={"spec": spec}, outvars=(result,)))
    perm = tuple(natural.index(c) for c in out)
    return [*eqns, Eqn(transpose_p, (result,), {"perm": perm}, (target,), eqn.source)]


def _without_transpose(x: Any, names: str, producers: dict[Var, Eqn]) -> tuple[Any, str]:
    made = producers.get(x) if isinstance(x, Var) else None
    if made is None or made.primitive is not transpose_p:
        return x, names
    source = [""] * len(names)
    for letter, p in zip(names, made.params["perm"], strict=True):
        source[p] = letter
    return _without_transpose(made.invars[0], "".join(source), producers)


def _in_layout(
    x: Any, names: str, product: Product, mine: str, eqns: list[Eqn], eqn: Eqn
) -> tuple[Any, str]:
    if product.reads(names, mine) and not isinstance(x, Literal):
        return x, names
    wanted = product.batch + mine + product.summed
    perm = tuple(names.index(c) for c in wanted)
    shape = tuple(x.aval.shape[p] for p in perm)
    moved = Var(ShapedArray(shape, x.aval.dtype))
    eqns.append(Eqn(transpose_p, (x,), {"perm": perm}, (moved,), eqn.source))
    return moved, wanted


def gemm_arguments(eqn: Eqn) -> dict[str, Any]:
    """Sizes and flags of a canonical product, as the executor's Gemm takes them."""
    lhs, rhs, out = labels(eqn.params["spec"])
    product = Product.of(lhs, rhs, out)
    summed = lhs if product.reads(lhs, product.left) is None else None
    assert summed is None, eqn.params["spec"]
    x, y = (a.aval for a in eqn.invars)
    size = dict(zip(lhs + rhs, x.shape + y.shape, strict=True))
    b, m, n, k = (
        math.prod(size[c] for c in group)
        for group in (product.batch, product.left, product.right, product.summed)
    )
    return {
        "dtype": x.dtype,
        "m": m,
        "n": n,
        "k": k,
        "ta": product.reads(lhs, product.left),
        "tb": "T" if product.reads(rhs, product.right) == "N" else "N",
        "batch": b,
        "stride_a": m * k,
        "stride_b": k * n,
        "stride_c": m * n,
    }


BLOCK = 1 << 22
"""Multiply-adds from which a product is cut into blocks for our threads: about 50 us."""
MAX_BLOCKS = 16


def blocks(arguments: dict[str, Any]) -> list[tuple[tuple[int, int, int], dict[str, Any]]]:
    """A product as blocks of rows or columns of its result, which our threads share.

    Returns (elements to skip in a, b and c; arguments) per call: equal blocks as one batch, and
    what is left over.  The cut depends on the sizes alone, so results do too.
    """
    m, n, k = (arguments[s] for s in "mnk")
    pieces = min(MAX_BLOCKS, m * n * k // BLOCK)
    if arguments["batch"] > 1 or pieces < 2 or not config.enabled("blocks"):
        return [((0, 0, 0), arguments)]
    by_rows = m >= n
    size = -(-max(m, n) // pieces)
    size = -(-size // 16) * 16
    whole, rest = divmod(max(m, n), size)
    fixed = arguments | {
        "lda": k if arguments["ta"] == "N" else m,
        "ldb": n if arguments["tb"] == "N" else k,
        "ldc": n,
    }
    if by_rows:
        steps = (size * k if arguments["ta"] == "N" else size, 0, size * n)
    else:
        steps = (0, size if arguments["tb"] == "N" else size * k, size)
    strides = dict(zip(("stride_a", "stride_b", "stride_c"), steps, strict=True))
    axis = "m" if by_rows else "n"
    out = [((0, 0, 0), fixed | strides | {axis: size, "batch": whole})]
    if rest:
        skipped = tuple(whole * s for s in steps)
        out.append((skipped, fixed | {axis: rest}))  # type: ignore[arg-type]
    return out  # type: ignore[return-value]


def host_function(eqn: Eqn) -> Callable[..., None]:
    """A function (inputs, outputs) -> None computing an equation with NumPy, in place."""
    n, params, primitive = len(eqn.invars), dict(eqn.params), eqn.primitive

    def run(*arrays: Any) -> None:
        with np.errstate(all="ignore"):
            results = primitive.impl(*arrays[:n], **params)
        for out, result in zip(arrays[n:], results, strict=True):
            np.copyto(out, result, casting="same_kind")

    return run

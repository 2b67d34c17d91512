"""Sorts as back ends compute them: rows along the last axis, for the results that are read.

In: a simplified jaxpr.  Out: the same program, whose sorts are `sort_rows` between transposes.
A result of `sort_rows` is an operand in its new order, or the order itself: the places that the
elements had, which no operand needs to carry along.
Knows nothing of: how rows are sorted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import dtypes
from ..core.jaxpr import Atom, Eqn, Jaxpr, Literal, Var
from ..core.primitive import Primitive
from ..core.primitives.shape import broadcast_in_dim_p, iota_p, transpose_p
from ..core.primitives.sorting import sort_p
from ..core.types import ShapedArray
from .sort_text import can_sort

PLACES = (dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint64)
"""Dtypes in which kernels tell places."""
MAX_ROW = 1 << 32
"""Kernels count elements of a row in 32 bits."""


class SortRows(Primitive):
    """Rows (last axis) of the operands reordered alike, by the first `num_keys` of them.

    results: number of an operand, or name of the integer dtype of places, one per result.
    """

    def abstract_eval(self, *xs: ShapedArray, num_keys: int, results: Any) -> list[ShapedArray]:
        return [
            xs[r] if isinstance(r, int) else ShapedArray(xs[0].shape, np.dtype(r)) for r in results
        ]

    def impl(self, *xs: Any, num_keys: int, results: Any) -> list[Any]:
        places = [np.broadcast_to(np.arange(xs[0].shape[-1]), xs[0].shape)]
        places *= any(isinstance(r, str) for r in results)
        outs = sort_p.impl(*xs, *places, axis=xs[0].ndim - 1, num_keys=num_keys)
        return [outs[r] if isinstance(r, int) else outs[-1].astype(r) for r in results]


sort_rows_p = SortRows()


def canonical_sorts(jaxpr: Jaxpr) -> Jaxpr:
    """Write every sort that kernels can do as `sort_rows`."""
    if not any(e.primitive is sort_p for e in jaxpr.eqns):
        return jaxpr
    producers = {v: e for e in jaxpr.eqns for v in e.outvars}
    read = {a for e in jaxpr.eqns for a in e.invars} | set(jaxpr.outvars)
    eqns: list[Eqn] = []
    for eqn in jaxpr.eqns:
        if eqn.primitive is sort_p and _fits(eqn):
            eqns += _canonical(eqn, read, producers)
        else:
            eqns.append(eqn)
    return jaxpr.with_eqns(eqns)


def _fits(eqn: Eqn) -> bool:
    axis, num_keys = eqn.params["axis"], eqn.params["num_keys"]
    keys = eqn.invars[:num_keys]
    return keys[0].aval.shape[axis] < MAX_ROW and all(can_sort(k.aval.dtype) for k in keys)


def _canonical(eqn: Eqn, read: set[Atom], producers: dict[Var, Eqn]) -> list[Eqn]:
    axis, num_keys = eqn.params["axis"], eqn.params["num_keys"]
    operands: list[Any] = list(eqn.invars[:num_keys])
    results: list[Any] = []
    outs: list[Var] = []
    for i, (x, out) in enumerate(zip(eqn.invars, eqn.outvars, strict=True)):
        if out not in read:
            continue
        outs.append(out)
        if i < num_keys:
            results.append(i)
        elif x.aval.dtype in PLACES and _counts_along(x, axis, producers):
            results.append(x.aval.dtype.name)
        else:
            results.append(len(operands))
            operands.append(x)
    before: list[Eqn] = []
    after: list[Eqn] = []
    last = eqn.invars[0].aval.ndim - 1
    if axis != last:
        perm = (*(i for i in range(last + 1) if i != axis), axis)
        back = (*range(axis), last, *range(axis, last))
        operands = [_transposed(x, perm, before, eqn) for x in operands]
        rows = [Var(_aval(out, perm)) for out in outs]
        for row, out in zip(rows, outs, strict=True):
            after.append(Eqn(transpose_p, (row,), {"perm": back}, (out,), eqn.source))
        outs = rows
    params = {"num_keys": num_keys, "results": tuple(results)}
    middle = Eqn(sort_rows_p, tuple(operands), params, tuple(outs), eqn.source)
    return [*before, middle, *after]


def _aval(x: Any, perm: tuple[int, ...]) -> ShapedArray:
    return x.aval.update(shape=tuple(x.aval.shape[p] for p in perm))


def _transposed(x: Any, perm: tuple[int, ...], eqns: list[Eqn], eqn: Eqn) -> Var:
    moved = Var(_aval(x, perm))
    eqns.append(Eqn(transpose_p, (x,), {"perm": perm}, (moved,), eqn.source))
    return moved


def _counts_along(x: Atom, axis: int, producers: dict[Var, Eqn]) -> bool:
    """Whether an operand is 0, 1, 2, … along `axis`, however often repeated along others."""
    made = None if isinstance(x, Literal) else producers.get(x)
    if made is None:
        return False
    if made.primitive is iota_p:
        return made.params["axis"] == axis
    if made.primitive is not broadcast_in_dim_p or axis not in made.params["dims"]:
        return False
    source = made.params["dims"].index(axis)
    whole = made.invars[0].aval.shape[source] == x.aval.shape[axis]
    return whole and _counts_along(made.invars[0], source, producers)

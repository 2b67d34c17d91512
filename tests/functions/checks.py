"""The checks that follow from a row of the table of functions.

In: a row and a call drawn for it.  Out: assertion errors.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from typing import Any

import ml_dtypes
import numpy as np

import ftx
from ftx import tree
from ftx.core import dtypes
from ftx.core.array import Array
from ftx.test_util import check_grads
from tests.functions.draws import Call, Operand
from tests.functions.rows import Row, find

BATCH = 2


def leaves(result: Any) -> list[Any]:
    """Arrays and numbers of a result."""
    return tree.leaves(result)


def rounding(dtype: Any) -> float:
    """Half the distance from 1 to the next number; 0 for exact types."""
    return float(ml_dtypes.finfo(dtype).eps) if dtypes.is_inexact(dtype) else 0.0


def widened(x: np.ndarray, operand: Operand, to: np.dtype) -> np.ndarray:
    """An operand as the oracle takes it: in 64 bits, integers too where results are real."""
    kind = dtypes.kind(x.dtype)
    if operand.fixed:
        return x
    if kind in "bi":
        return x.astype(dtypes.real_of(to)).astype(np.float64) if dtypes.is_inexact(to) else x
    return x.astype(np.complex128 if kind == "c" else np.float64)


@contextlib.contextmanager
def quiet() -> Any:
    """No warnings of NumPy."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def close(got: Any, expected: Any, units: float, what: str) -> None:
    """Leaf by leaf of one shape, and of values within `units` of rounding of the largest."""
    got, expected = leaves(got), leaves(expected)
    assert len(got) == len(expected), f"{what}: {len(got)} results, expected {len(expected)}"
    for i, (g, e) in enumerate(zip(got, expected, strict=True)):
        assert np.shape(g) == np.shape(e), f"{what} {i}: shape {np.shape(g)}, not {np.shape(e)}"
        dtype = getattr(g, "dtype", np.asarray(g).dtype)
        limit = units * rounding(dtype)
        g, e = np.asarray(g), np.asarray(e)
        with quiet():
            if e.dtype != dtype and dtypes.kind(e.dtype) != "b":
                assert dtypes.kind(dtype) == "c" or not np.iscomplexobj(e), f"{what} {i}: complex"
                e = e.astype(dtype)
        wide = np.complex128 if dtypes.kind(dtype) == "c" else np.float64
        if limit:
            g, e = g.astype(wide), e.astype(wide)
        np.testing.assert_allclose(g, e, limit, limit, err_msg=f"{what} {i}")


def check_values(row: Row, call: Call) -> None:
    """The eager result is the oracle's, and no operand has changed."""
    arrays = call.arrays()
    kept = [a.copy() for a in arrays]
    got = call.apply(row.function, [Array(a) for a in arrays])
    found = [g.dtype for g in leaves(got) if hasattr(g, "dtype")]
    to = next((t for t in found if dtypes.is_inexact(t)), np.dtype(np.int64))
    pairs = zip(arrays, call.operands(), strict=True)
    given = [widened(a, o, to) if row.widen else a for a, o in pairs]
    with quiet():
        expected = call.apply(row.expected, given)
    close(got, expected, row.tolerance, "values")
    for a, b in zip(arrays, kept, strict=True):
        assert a.tobytes() == b.tobytes(), "an operand was written to"


def check_compiled(row: Row, call: Call) -> None:
    """The compiled program gives what the eager one gives: types and values."""
    arrays = [Array(a) for a in call.arrays()]
    expected = call.apply(row.function, arrays)
    got = ftx.jit(lambda *xs: call.apply(row.function, xs))(*arrays)
    said = [types(e) for e in leaves(expected)]
    assert [types(g) for g in leaves(got)] == said
    close(got, expected, row.tolerance, "compiled")


def typed(aval: Any) -> tuple[Any, ...]:
    """Shape, dtype and whether it is weak, which means nothing of booleans."""
    dtype = np.dtype(aval.dtype)
    return tuple(aval.shape), dtype, bool(aval.weak_type) and dtype != np.bool_


def types(x: Any) -> tuple[Any, ...]:
    """The type of an array or a number."""
    return typed(x.aval if hasattr(x, "aval") else ftx.numpy.asarray(x).aval)


def check_types(row: Row, call: Call, jax: Any) -> None:
    """Shapes, dtypes and weak types are JAX's, in its 64-bit and in its 32-bit mode."""
    for x64 in (True, False):
        _check_types(row, call, jax, x64)


def _check_types(row: Row, call: Call, jax: Any, x64: bool) -> None:
    arrays, numbers = call.arrays(), call.numbers()
    peer = find(f"jax.{row.name}")
    peer = peer if row.via is None else functools.partial(row.via, peer)

    def of(function: Any) -> Any:
        return lambda xs, ns: call.apply(function, xs, ns)

    with jax.enable_x64(x64), quiet():
        try:
            wanted = jax.tree.leaves(jax.eval_shape(of(peer), arrays, numbers))
        except Exception:
            return  # what JAX refuses is no measure
        wanted = list(map(typed, wanted))
    with ftx.enable_x64(x64):
        given = [ftx.numpy.asarray(a) for a in arrays]
        said = ftx.eval_shape(of(row.function), given, numbers)
        got = list(map(typed, leaves(said)))
        eager = [types(g) for g in leaves(call.apply(row.function, given))]
    assert eager == got, f"eager {eager}, but {got} was said"
    if row.strong:
        got, wanted = ([t[:2] for t in ts] for ts in (got, wanted))
    assert got == wanted, f"in {64 if x64 else 32}-bit mode: got {got}, JAX {wanted}"


def check_gradients(row: Row, call: Call) -> None:
    """First and second derivatives agree with finite differences, both modes."""
    arrays = [Array(a) for a in call.arrays()]
    moving = [i for i, a in enumerate(arrays) if dtypes.is_inexact(a.dtype)]

    def function(*xs: Any) -> Any:
        full = list(arrays)
        for i, x in zip(moving, xs, strict=True):
            full[i] = x
        results = leaves(call.apply(row.function, full))
        return [r for r in results if dtypes.is_inexact(r.dtype)]

    assert moving and function(*[arrays[i] for i in moving])
    limit = row.gradient_tolerance
    check_grads(function, tuple(arrays[i] for i in moving), order=2, atol=limit, rtol=limit)


def check_vmap(row: Row, call: Call) -> None:
    """Batched over each operand alone and over all, a batch is the stack of its rows."""
    rows = [call.arrays(seed) for seed in range(BATCH)]
    n = len(rows[0])
    if not n:
        return
    patterns = [tuple(0 if i == j else None for j in range(n)) for i in range(n)]
    patterns += [(-1,) * n] if n == 1 else [(0,) * n]
    for in_axes in patterns:
        args = [
            Array(rows[0][i]) if a is None else Array(np.stack([r[i] for r in rows], a))
            for i, a in enumerate(in_axes)
        ]
        got = ftx.vmap(lambda *xs: call.apply(row.function, xs), in_axes=in_axes)(*args)
        singles = []
        for k in range(BATCH):
            chosen = [rows[0 if a is None else k][i] for i, a in enumerate(in_axes)]
            singles.append(leaves(call.apply(row.function, [Array(c) for c in chosen])))
        expected = [np.stack([np.asarray(s[i]) for s in singles]) for i in range(len(singles[0]))]
        close(got, expected, row.tolerance, f"vmap with in_axes={in_axes}")

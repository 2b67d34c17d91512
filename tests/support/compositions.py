"""Derivatives of derivatives, of batches and of loops, of one case of the rule table.

In: a `Case`.  Out: assertion errors that name the composition.
Used by tests/rules; knows nothing of particular primitives.

Every order below is a program of one `Point`.  Done eagerly by the NumPy rules it is compared
with central differences and inner products; those results are then what batches, loops and
compiled code must give.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import ftx
from ftx import lax, tree
from ftx.core import dtypes

from . import checks
from .checks import Case, assert_close, inexact, inner, like, outputs

ROWS = 2
"""Rows of a batch and trips of a loop."""
NARROW = {dtypes.float64: dtypes.float32, dtypes.complex128: dtypes.complex64}
WIDE = {narrow: wide for wide, narrow in NARROW.items()}


class Point(NamedTuple):
    """Where and in which directions a case is differentiated."""

    fixed: list[Any]
    xs: list[Any]
    ts: list[Any]
    us: list[Any]
    cts: list[Any]


def partial_of(case: Case, fixed: Sequence[Any]) -> Callable[..., list[Any]]:
    """The case as a function of its moving operands, its inexact results alone."""

    def function(*xs: Any) -> list[Any]:
        moving, others = iter(xs), iter(fixed)
        places = set(case.moving())
        full = [next(moving if i in places else others) for i in range(len(case.operands))]
        return [o for o in outputs(case.function(*full)) if dtypes.is_inexact(o.dtype)]

    return function


def point_of(case: Case, dtype: Any, seed: int = 0) -> Point:
    """Operands, two tangents and a cotangent."""
    rng = np.random.default_rng([seed, 7])
    args = case.args(dtype, seed)
    moving = set(case.moving())
    fixed = [a for i, a in enumerate(args) if i not in moving]
    xs = [a for i, a in enumerate(args) if i in moving]
    outs = partial_of(case, fixed)(*xs)
    draw = lambda values: [like(rng, v) for v in values]
    return Point(fixed, xs, draw(xs), draw(xs), draw(outs))


def stacked(points: Sequence[Point]) -> Point:
    """One point whose arrays have a leading axis of rows."""
    return tree.map(lambda *rows: ftx.numpy.stack(rows), *points)


def pull(f: Callable[..., Any], cts: Any) -> Callable[..., list[Any]]:
    """x ↦ Jᵀ(x) cts."""
    return lambda *xs: list(ftx.vjp(f, *xs)[1](cts))


def push(f: Callable[..., Any], ts: Any) -> Callable[..., list[Any]]:
    """x ↦ J(x) ts."""
    return lambda *xs: ftx.jvp(f, xs, tuple(ts))[1]


ORDERS: dict[str, Callable[[Callable[..., Any], Point], list[Any]]] = {
    "jvp": lambda f, p: push(f, p.ts)(*p.xs),
    "vjp": lambda f, p: pull(f, p.cts)(*p.xs),
    "jvp∘jvp": lambda f, p: push(push(f, p.ts), p.us)(*p.xs),
    "jvp∘vjp": lambda f, p: push(pull(f, p.cts), p.us)(*p.xs),
    "vjp∘vjp": lambda f, p: pull(pull(f, p.cts), p.us)(*p.xs),
    "vjp∘jvp": lambda f, p: pull(push(f, p.ts), p.cts)(*p.xs),
}

REVERSE = ("vjp", "jvp∘vjp", "vjp∘vjp")
"""Orders of a case without forward mode."""
ALONE = ("jvp∘vjp",)
"""What is compiled alone and in loops; by the NumPy rules every order is checked there."""

Wrapper = Callable[[Callable[..., Any]], Callable[..., Any]]


def plain(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself."""
    return f


def in_scan(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` of each row, by a loop."""
    return lambda *xs: lax.scan(lambda carry, row: (carry, f(*row)), None, xs)[1]


def orders_of(case: Case) -> tuple[str, ...]:
    """The orders of derivative that the case has."""
    return tuple(ORDERS) if case.forward else REVERSE


def all_orders(
    case: Case, inner: Wrapper = plain, names: Sequence[str] = ()
) -> Callable[[Point], dict[str, list[Any]]]:
    """The named orders (all it has) of the case, mapped by `inner` over its operands' rows."""

    def run(point: Point) -> dict[str, list[Any]]:
        n = len(point.fixed)
        whole = inner(lambda *all_: partial_of(case, all_[:n])(*all_[n:]))
        function = lambda *xs: whole(*point.fixed, *xs)
        return {name: ORDERS[name](function, point) for name in names or orders_of(case)}

    return run


def assert_orders(got: Any, expected: Any, tolerance: float, what: str) -> None:
    """Every order agrees with what is expected of it."""
    for name in got:
        assert_close(got[name], expected[name], tolerance, f"{name}, {what}")


@functools.cache
def eager_rows(case: Case, dtype: Any) -> tuple[Point, dict[str, list[Any]]]:
    """The rows' points, stacked, and every order of each row by the NumPy rules, stacked."""
    points = [point_of(case, dtype, seed) for seed in range(ROWS)]
    with ftx.disable_jit():
        results = [all_orders(case)(p) for p in points]
    rows = {
        name: [np.stack([np.asarray(o) for o in row]) for row in zip(*each, strict=True)]
        for name, each in ((name, [r[name] for r in results]) for name in orders_of(case))
    }
    return stacked(points), rows


def interpreted(check: Callable[..., None]) -> Callable[..., None]:
    """The check with every program, also those that equations hold, run by the NumPy rules."""

    @functools.wraps(check)
    def run(*args: Any) -> None:
        with ftx.disable_jit():
            check(*args)

    return run


@interpreted
def check_second_order(case: Case, order: str) -> None:
    """A derivative of a derivative agrees with differences of the first, or is its adjoint."""
    for dtype in inexact(case):
        point = point_of(case, dtype)
        function = partial_of(case, point.fixed)
        forward, reverse = push(function, point.ts), pull(function, point.cts)
        got = ORDERS[order](function, point)
        if order.startswith("jvp"):
            first = forward if order == "jvp∘jvp" else reverse
            expected = checks.difference(first, point.xs, point.us)
            assert_close(got, expected, 10 * case.fd_tolerance, f"{order}, {dtype}")
            continue
        if order == "vjp∘vjp":
            left, along = inner(got, point.ts), push(reverse, point.ts)(*point.xs)
            right = inner(point.us, along)
        else:
            left, along = inner(got, point.us), push(forward, point.us)(*point.xs)
            right = inner(point.cts, along)
        np.testing.assert_allclose(left, right, 1e-8, 1e-8, err_msg=f"{order}, {dtype}")


@interpreted
def check_single_precision(case: Case) -> None:
    """Every order in float32 or complex64 agrees with double precision at the same point."""
    for dtype in inexact(case):
        low = NARROW[dtype]
        point = point_of(case, low)
        doubled = tree.map(lambda x: x.astype(WIDE.get(x.dtype, x.dtype)), point)
        got, expected = all_orders(case)(point), all_orders(case)(doubled)
        for name in got:
            size = max([1.0, *(np.abs(np.asarray(e)).max() for e in expected[name] if e.size)])
            scaled = lambda values, s=size: [np.asarray(v) / s for v in values]
            assert_close(
                scaled(got[name]), scaled(expected[name]), 20 * case.tolerance, f"{name}, {low}"
            )


@interpreted
def check_vmap_of_grad(case: Case) -> None:
    """A batch of derivatives is the stack of its rows', all operands varying or one alone."""
    for dtype in inexact(case):
        point, rows = eager_rows(case, dtype)
        assert_orders(ftx.vmap(all_orders(case))(point), rows, 1e-9, "under vmap")
        first = tree.map(lambda x: x[0], point)
        for i, rows_of_one in enumerate(point.xs):
            slope = functools.partial(_slope_by, case, first, i)
            each = [slope(row) for row in rows_of_one]
            expected = [np.stack([np.asarray(g) for g in gs]) for gs in zip(*each, strict=True)]
            got = ftx.vmap(slope)(rows_of_one)
            assert_close(got, expected, 1e-9, f"vmap∘vjp, operand {i} alone varying")


def _slope_by(case: Case, point: Point, i: int, x: Any) -> list[Any]:
    xs = [*point.xs[:i], x, *point.xs[i + 1 :]]
    return all_orders(case, plain, ("vjp",))(point._replace(xs=xs))["vjp"]


@interpreted
def check_grad_of_vmap(case: Case) -> None:
    """The derivatives of a batch are the stack of its rows' derivatives."""
    for dtype in inexact(case):
        point, rows = eager_rows(case, dtype)
        assert_orders(all_orders(case, ftx.vmap)(point), rows, 1e-9, "of vmap")


@interpreted
def check_loops(case: Case) -> None:
    """Derivatives in a loop's body, and of a loop, are those of each row."""
    for dtype in inexact(case):
        point, rows = eager_rows(case, dtype)
        body = in_scan(lambda *p: all_orders(case)(Point(*p)))(*point)
        assert_orders(body, rows, 1e-9, "in scan")
        assert_orders(all_orders(case, in_scan)(point), rows, 1e-9, "of scan")


def check_compiled(case: Case, names: Sequence[str] = ()) -> None:
    """Compiled: the named orders under vmap and of vmap; one of them alone, in and of a loop.

    Each order of each loop is a kernel to compile, so these are given the order that holds most.
    """
    (dtype, *_) = inexact(case)
    point, rows = eager_rows(case, dtype)
    first = tree.map(lambda x: x[0], point)
    single = {name: [o[0] for o in outs] for name, outs in rows.items()}
    assert_orders(ftx.jit(all_orders(case, plain, ALONE))(first), single, 1e-8, "jit")
    for what, program in {
        "jit∘vmap": ftx.vmap(all_orders(case, plain, names)),
        "jit, of vmap": all_orders(case, ftx.vmap, names),
        "jit∘scan": lambda p: in_scan(lambda *q: all_orders(case, plain, ALONE)(Point(*q)))(*p),
        "jit, of scan": all_orders(case, in_scan, ALONE),
    }.items():
        assert_orders(ftx.jit(program)(point), rows, 1e-8, what)

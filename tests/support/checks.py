"""Checks that hold for every operation, derived from one description of its operands.

In: a `Case`: a function of arrays, and how to draw its operands.  Out: assertion errors.
Used by tests/rules; knows nothing of particular primitives.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import ftx
from ftx.core import dtypes
from ftx.core.array import Array
from ftx.core.evaluate import eval_jaxpr
from ftx.transforms.passes import simplify

KINDS = {
    "b": (dtypes.bool_,),
    "i": dtypes.SIGNED + dtypes.UNSIGNED,
    "f": dtypes.FLOATS,
    "c": dtypes.COMPLEX,
}
COMPILED = {
    "b": dtypes.bool_,
    "i": dtypes.int32,
    "f": dtypes.float32,
    "c": dtypes.complex64,
}
"""The dtype of each kind that is compiled in tests; the others differ in a name only."""
STEP = 1e-6
BATCH = 3


@dataclass(frozen=True)
class Operand:
    """An operand's shape, and the interval its elements are drawn from.

    `dtype` fixes the dtype; `make(rng, dtype, shape)` replaces the uniform draw.
    """

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    dtype: Any = None
    make: Callable[..., Any] | None = None

    def draw(self, rng: np.random.Generator, dtype: Any) -> np.ndarray:
        """Elements of the operand, in its own dtype or in `dtype`."""
        dtype = self.dtype or dtype
        if self.make is not None:
            return np.asarray(self.make(rng, dtype, self.shape)).astype(dtype)
        values = rng.uniform(self.low, self.high, self.shape)
        if dtype == dtypes.bool_:
            return values > (self.low + self.high) / 2
        if dtypes.is_complex(dtype):
            values = values + 1j * rng.uniform(self.low, self.high, self.shape)
        if dtypes.is_integer(dtype):
            low = max(0, self.low) if dtype.kind == "u" else self.low
            values = rng.integers(int(np.ceil(low)), int(max(self.high, low + 1)) + 1, self.shape)
        return np.asarray(values).astype(dtype)


@dataclass(frozen=True, eq=False)
class Case:
    """One row of the rule table."""

    name: str
    function: Callable[..., Any]
    operands: Sequence[Operand]
    kinds: str = "f"
    grad: Sequence[int] | None = None
    """Operands with a derivative; None: those that vary in dtype; (): none has one."""
    tolerance: float = 1e-5
    """Relative and absolute, of float32 and complex64 results compiled."""
    reason: str = "float32 rounds at 6e-8; a few dozen operations and sums in another order"
    fd_tolerance: float = 1e-6
    complex_grad: bool = True
    forward: bool = True
    """Whether it has forward mode; what defines only reverse mode has none."""
    compiled_kinds: str | None = None

    def args(self, dtype: Any, seed: int = 0) -> list[Array]:
        """Operands as arrays."""
        rng = np.random.default_rng([seed, *self.name.encode()])
        return [Array(o.draw(rng, dtype)) for o in self.operands]

    def moving(self) -> list[int]:
        """Which operands derivatives are taken for."""
        if self.grad is not None:
            return list(self.grad)
        return [i for i, o in enumerate(self.operands) if o.dtype is None]

    def __str__(self) -> str:
        return self.name


def smooth(case: Case) -> bool:
    """Whether derivatives of the case are taken."""
    return bool(case.moving()) and bool(set(case.kinds) & set("fc"))


def outputs(result: Any) -> list[Any]:
    """A result, or a list of results, as a list."""
    return list(result) if isinstance(result, (list, tuple)) else [result]


def numpy_of(xs: Sequence[Any]) -> list[np.ndarray]:
    """As NumPy arrays; half precision as float32."""
    arrays = [np.asarray(x) for x in xs]
    return [
        a.astype(np.float32) if a.dtype.itemsize == 2 and a.dtype.kind in "fV" else a
        for a in arrays
    ]


def assert_close(got: Any, expected: Any, tolerance: float, what: str) -> None:
    """Shapes, dtypes and values agree, output by output."""
    got, expected = outputs(got), outputs(expected)
    assert len(got) == len(expected), what
    for i, (g, e) in enumerate(zip(got, expected, strict=True)):
        assert np.shape(g) == np.shape(e), f"{what}: output {i}: {np.shape(g)} not {np.shape(e)}"
        g, e = numpy_of([g, e])
        if g.dtype == dtypes.float0:
            continue
        np.testing.assert_allclose(g, e, tolerance, tolerance, err_msg=f"{what}: output {i}")


def check_types(case: Case) -> None:
    """What is said of the results before (shape, dtype) is what comes."""
    for kind in case.kinds:
        for dtype in KINDS[kind]:
            args = case.args(dtype)
            said = ftx.make_jaxpr(lambda *xs: outputs(case.function(*xs)))(*args).out_avals
            for aval, out in zip(said, outputs(case.function(*args)), strict=True):
                got = out._live()
                assert (aval.shape, aval.dtype) == (got.shape, got.dtype), f"{dtype}: {aval}"


def inexact(case: Case) -> list[Any]:
    """The double-precision dtypes the case is differentiated in."""
    kinds = [k for k in case.kinds if k == "f" or (k == "c" and case.complex_grad)]
    return [{"f": dtypes.float64, "c": dtypes.complex128}[k] for k in kinds]


def _smooth(case: Case, args: Sequence[Any]) -> tuple[Callable[..., Any], list[Any]]:
    """The function of the moving operands alone, its integer results left out."""
    moving = case.moving()

    def function(*some: Any) -> list[Any]:
        full = list(args)
        for i, x in zip(moving, some, strict=True):
            full[i] = x
        return [o for o in outputs(case.function(*full)) if dtypes.is_inexact(o.dtype)]

    return function, [args[i] for i in moving]


def like(rng: np.random.Generator, x: Any) -> Array:
    """Random numbers of the shape and dtype of `x`."""
    values = rng.standard_normal(x.shape)
    if dtypes.is_complex(x.dtype):
        values = values + 1j * rng.standard_normal(x.shape)
    return Array(np.asarray(values).astype(x.dtype))


def _moved(points: Sequence[Any], directions: Sequence[Any], step: float) -> list[Any]:
    return [
        Array(np.asarray(np.asarray(p) + step * np.asarray(d)))
        for p, d in zip(points, directions, strict=True)
    ]


def difference(function: Any, points: Any, directions: Any) -> list[np.ndarray]:
    """Central difference of `function` at `points` along `directions`."""
    ahead, behind = (numpy_of(function(*_moved(points, directions, s))) for s in (STEP, -STEP))
    return [(a - b) / (2 * STEP) for a, b in zip(ahead, behind, strict=True)]


def _alone(function: Any, points: Sequence[Any], i: int, x: Any) -> Any:
    return function(*[x if i == j else p for j, p in enumerate(points)])


def inner(xs: Sequence[Any], ys: Sequence[Any]) -> float:
    """Re Σ x y over all arrays."""
    pairs = zip(xs, ys, strict=True)
    return sum(float(np.sum(np.asarray(x) * np.asarray(y)).real) for x, y in pairs)


def check_jvp(case: Case) -> None:
    """Forward derivatives agree with central differences."""
    for dtype in inexact(case):
        rng = np.random.default_rng(1)
        function, points = _smooth(case, case.args(dtype))
        directions = [like(rng, p) for p in points]
        outs, touts = ftx.jvp(function, tuple(points), tuple(directions))
        assert_close(outs, function(*points), 1e-12, "jvp's value")
        assert_close(touts, difference(function, points, directions), case.fd_tolerance, "jvp")
        for i, point in enumerate(points):  # one tangent alone: the others are symbolic zeros
            alone = functools.partial(_alone, function, points, i)
            got = ftx.jvp(alone, (point,), (directions[i],))[1]
            expected = difference(alone, [point], [directions[i]])
            assert_close(got, expected, case.fd_tolerance, f"jvp by operand {i} alone")


def check_transpose(case: Case) -> None:
    """⟨ct, J t⟩ = ⟨Jᵀ ct, t⟩, the inner product being Re Σ a b."""
    for dtype in inexact(case):
        rng = np.random.default_rng(2)
        function, points = _smooth(case, case.args(dtype))
        directions = [like(rng, p) for p in points]
        outs = function(*points)
        if case.forward:
            touts = ftx.jvp(function, tuple(points), tuple(directions))[1]
        else:
            touts = difference(function, points, directions)
        cts = [like(rng, o) for o in outs]
        back = ftx.vjp(function, *points)[1](cts)
        for b, p in zip(back, points, strict=True):
            assert (b.shape, b.dtype) == (p.shape, p.dtype)
        left, right = inner(cts, touts), inner(back, directions)
        tolerance = 1e-9 if case.forward else case.fd_tolerance
        np.testing.assert_allclose(left, right, tolerance, tolerance)


def check_vmap(case: Case) -> None:
    """A batch is the stack of its rows, whichever operands vary and wherever the batch axis is."""
    kind = next(k for k in "fcib" if k in case.kinds)
    dtype = {**COMPILED, "f": dtypes.float64}[kind]
    rows = [case.args(dtype, seed) for seed in range(BATCH)]
    n = len(case.operands)
    patterns = list(itertools.product((None, 0, -1), repeat=n))
    if n > 2:  # every subset in front, then each operand's axis elsewhere
        patterns = [p for p in patterns if -1 not in p or p.count(-1) == 1 and p.count(None) == 0]
    for in_axes in patterns:
        if all(a is None for a in in_axes):
            continue
        args = []
        for i, a in enumerate(in_axes):
            column = [np.asarray(row[i]) for row in rows]
            args.append(rows[0][i] if a is None else Array(np.stack(column, a)))
        got = ftx.vmap(case.function, in_axes=in_axes)(*args)
        singles = [
            outputs(case.function(*[rows[0 if a is None else k][i] for i, a in enumerate(in_axes)]))
            for k in range(BATCH)
        ]
        expected = [np.stack([np.asarray(s[i]) for s in singles]) for i in range(len(singles[0]))]
        assert_close(got, expected, 1e-9, f"vmap with in_axes={in_axes}")


def check_scan(case: Case) -> None:
    """The body of a loop, interpreted and compiled, gives each row's value."""
    kind = next(k for k in "fcib" if k in case.kinds)
    rows = [case.args(COMPILED[kind], seed) for seed in range(BATCH)]
    stacked = [
        Array(np.stack([np.asarray(x) for x in column])) for column in zip(*rows, strict=True)
    ]
    singles = [outputs(case.function(*row)) for row in rows]
    expected = [np.stack([np.asarray(o) for o in column]) for column in zip(*singles, strict=True)]
    step = lambda carry, xs: (carry, outputs(case.function(*xs)))
    loop = lambda *xs: ftx.lax.scan(step, None, xs, length=BATCH)[1]
    program = ftx.make_jaxpr(loop)(*stacked)
    with ftx.disable_jit():
        assert_close(eval_jaxpr(program, stacked), expected, 1e-6, "in scan, interpreted")
    tolerance = case.tolerance if kind in "fc" else 0
    assert_close(ftx.jit(loop)(*stacked), expected, tolerance, "in scan, compiled")


def check_compiled(case: Case) -> None:
    """The compiled program, and its text run as plain Python, agree with the NumPy rules."""
    if importlib.util.find_spec("ftx.backends.cpu") is None:
        pytest.skip("the CPU backend is not there")
    for kind in case.compiled_kinds or case.kinds:
        args = case.args(COMPILED[kind])
        expected = outputs(case.function(*args))
        function = ftx.jit(lambda *xs: outputs(case.function(*xs)))
        got = function(*args)
        assert [o.dtype for o in got] == [o.dtype for o in expected]
        tolerance = case.tolerance if kind in "fc" else 0
        assert_close(got, expected, tolerance, f"compiled, {COMPILED[kind]}")
        text = uncompiled(function, args)
        if text is not None:
            assert_close(text, expected, tolerance, f"its text as Python, {COMPILED[kind]}")


def uncompiled(function: Any, args: Sequence[Any]) -> list[Any] | None:
    """Results of the generated kernels run as plain Python; None if there are library steps."""
    from ftx.backends.cpu import CpuExecutable
    from ftx.backends.twins import run_uncompiled
    from ftx.backends.vocabulary import python_namespace

    jaxpr = function.trace(*args).jaxpr
    executable = CpuExecutable(simplify(jaxpr.closed()))
    sources = executable.kernel_sources()
    if len(sources) != len(executable.kernels()):
        return None
    values = [*jaxpr.consts, *args]
    memory = {
        var: np.array(np.asarray(v), var.aval.dtype, order="C")
        for var, v in zip(executable._jaxpr.invars, values, strict=True)
    }
    for source in sources:
        for entry in source.entries:
            if entry not in memory:
                memory[entry] = np.empty(entry.aval.shape, entry.aval.dtype)
        arrays = [memory[entry] for entry in source.entries]
        run_uncompiled(source.text, "kernel", python_namespace(), arrays, 0, source.iterations)
    if not all(v in memory for v in executable._jaxpr.outvars):
        return None
    return [memory[v] for v in executable._jaxpr.outvars]


def check_compiled_gradient(case: Case) -> None:
    """Compiled derivatives agree with those by the NumPy rules."""
    (dtype, *_) = inexact(case)
    function, points = _smooth(case, case.args(dtype))
    rng = np.random.default_rng(4)
    cts = [like(rng, o) for o in function(*points)]

    def pull(*xs: Any) -> list[Any]:
        return list(ftx.vjp(function, *xs)[1](cts))

    expected = pull(*points)
    assert_close(ftx.jit(pull)(*points), expected, 1e-8, "compiled gradient")

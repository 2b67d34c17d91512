"""custom_linear_solve and custom_root: solutions differentiated as what they solve.

In: an equation as a function, and a function that solves it.  Out: its solution, with derivatives
from the implicit function theorem; the solver itself is never differentiated.
Each is one equation holding the solver and the programs its derivative needs; it becomes a call of
the solver when compiled.
Knows nothing of: how anything is solved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core import tree
from ..core.errors import CustomRuleError, MissingRuleError, ShapeError, TreeError
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr
from ..core.primitive import BatchAxis, Linear
from ..core.primitives.elementwise import neg, sub
from ..core.primitives.selection import convert
from ..core.primitives.shape import move_batch_axis
from ..core.state import STATE
from ..core.tracebacks import api_boundary
from ..core.types import ShapedArray
from .calling import Call, as_value, check_callable
from .grad import linear_transpose
from .grad import linearize as linearize_at
from .jvp import Rule, instantiate, jvp_rule, propagate
from .linearize import linearize_rule
from .staged import trace_body, with_shared_consts
from .vmap import batched_jaxpr


class Solve(Call):
    """Operands: consts of every program, then what the solver starts from.

    Params: `jaxpr`, the solver, which returns the solution and aux; and the programs by which
    the solution is differentiated; all take the consts first.
    """

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        return self._differentiate(primals, tangents, params, jvp_rule)

    def linearize(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        """As `jvp`; loops inside the equation are split into a known and a linear part."""
        return self._differentiate(primals, tangents, params, linearize_rule)

    def _differentiate(
        self, primals: Any, tangents: Any, params: dict[str, Any], rule: Rule
    ) -> tuple[list[Any], list[Any]]:
        raise NotImplementedError

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, **params: Any
    ) -> tuple[list[Any], list[Any]]:
        """The solve of the batched programs; the whole unknown varies if anything does."""
        n_consts, solver = params["n_consts"], params["jaxpr"]
        given = list(zip(args, dims, strict=True))
        start = [move_batch_axis(x, d, 0, axis.size) for x, d in given[n_consts:]]
        programs: dict[str, Jaxpr] = {}
        out_dims: list[int | None] = []
        for key, program in params.items():
            if not isinstance(program, Jaxpr):
                continue
            n_unknowns, n_outs = len(program.invars) - n_consts, len(program.outvars)
            force = [i < len(start) for i in range(n_outs)]
            inner = [*dims[:n_consts], *[0] * n_unknowns]
            programs[key], found = batched_jaxpr(program, axis, inner, force)
            out_dims = list(found) if program is solver else out_dims
        return bind_solve(self, {**params, **programs}, args[:n_consts], start), out_dims


class LinearSolve(Solve):
    """matvec(x) = b.  Params: matvec, and the same two for the transposed map or None."""

    def _differentiate(
        self, primals: Any, tangents: Any, params: dict[str, Any], rule: Rule
    ) -> tuple[list[Any], list[Any]]:
        """A dx = db - dA x"""
        outs = self.bind(*primals, **params)
        n, n_consts = len(primals) - params["n_consts"], params["n_consts"]
        moved = [*tangents[:n_consts], *[None] * n]
        _, changes = propagate(params["matvec"], [*primals[:n_consts], *outs[:n]], moved, rule)
        given = list(zip(tangents[n_consts:], changes, strict=True))
        if all(t is None for pair in given for t in pair):
            return outs, [None] * len(outs)
        rhs = [_like(_minus(db, da), x) for (db, da), x in zip(given, outs, strict=False)]
        found = self.bind(*primals[:n_consts], *rhs, **params)
        return outs, [*found[:n], *[None] * (len(outs) - n)]

    def transpose(self, cts: Any, *args: Any, **p: Any) -> list[Any]:
        if p["transpose_solve"] is None:
            raise CustomRuleError(
                "custom_linear_solve: expected transpose_solve for reverse mode, got None; pass "
                "it, or symmetric=True if the map equals its transpose"
            )
        n_consts = p["n_consts"]
        consts, unknowns = args[:n_consts], args[n_consts:]
        if any(isinstance(c, Linear) for c in consts):
            raise MissingRuleError(
                "custom_linear_solve: expected to be transposed with respect to b, got a value "
                "that matvec or solve closes over; the solution is not linear in it"
            )
        given = [_like(ct, x) for ct, x in zip(cts, unknowns, strict=False)]
        backwards = {
            **p,
            "jaxpr": p["transpose_solve"],
            "transpose_solve": p["jaxpr"],
            "matvec": p["vecmat"],
            "vecmat": p["matvec"],
        }
        found = self.bind(*consts, *given, **backwards)[: len(unknowns)]
        wanted = [isinstance(x, Linear) for x in unknowns]
        return [*[None] * n_consts, *[f if w else None for f, w in zip(found, wanted, strict=True)]]


class Root(Solve):
    """f(x) = 0.  Params: f, and tangent_solve: (x, y) -> the t with (df/dx)(t) = y."""

    def _differentiate(
        self, primals: Any, tangents: Any, params: dict[str, Any], rule: Rule
    ) -> tuple[list[Any], list[Any]]:
        """df/dx dx = -df, the change of f where x stays"""
        outs = self.bind(*primals, **params)
        n, n_consts = len(primals) - params["n_consts"], params["n_consts"]
        at = [*primals[:n_consts], *outs[:n]]
        moved = [*tangents[:n_consts], *[None] * n]
        _, changes = propagate(params["f"], at, moved, rule)
        if all(t is None for t in changes):
            return outs, [None] * len(outs)
        rhs = [_like(t, x) for t, x in zip(changes, outs, strict=False)]
        found = eval_jaxpr(params["tangent_solve"], [*at, *rhs])
        moves = [neg(_like(t, x)) for t, x in zip(found, outs, strict=False)]
        return outs, [*moves, *[None] * (len(outs) - n)]


def _like(tangent: Any, primal: Any) -> Any:
    """`tangent` written out, in the dtype of the solution: the equation may have another."""
    return convert(instantiate(tangent, primal), primal.dtype)


def _minus(a: Any, b: Any) -> Any:
    """a - b, where None is zero."""
    if b is None:
        return a
    return neg(b) if a is None else sub(a, b)


linear_solve_p, root_p = LinearSolve(), Root()


def bind_solve(
    primitive: Solve, params: dict[str, Any], consts: Sequence[Any], start: Sequence[Any]
) -> list[Any]:
    """Apply programs as one equation; their own consts become operands of all."""
    programs = {k: p for k, p in params.items() if isinstance(p, Jaxpr)}
    closed, own = with_shared_consts(list(programs.values()))
    params = {**params, **dict(zip(programs, closed, strict=True))}
    params["n_consts"] = len(own) + len(consts)
    return primitive.bind(*own, *consts, *start, **params)


class _Unknown:
    """The tree that an equation is solved for, and what functions of such trees must return."""

    def __init__(self, transform: str, value: Any):
        self.transform = transform
        leaves, self.tree = tree.flatten(value)
        self.values = [as_value(x) for x in leaves]
        self.values = [convert(x, x.dtype) for x in self.values]
        self.avals = [v.aval for v in self.values]

    def convert(self, avals: Sequence[ShapedArray]) -> bool:
        """Take the dtypes of a solution, whose types lead `avals`; whether any was another."""
        before, given = self.avals, zip(self.values, avals, strict=False)
        self.values = [convert(x, a.dtype) for x, a in given]
        self.avals = [v.aval for v in self.values]
        return self.avals != before

    def trace(self, fun: Any, what: str, has_aux: bool = False, arity: int = 1) -> Any:
        """The program of `fun`, of `arity` such trees, and its output tree.

        Raises: TreeError, ShapeError if it does not return another such tree (and aux).
        """
        args = (tree.unflatten(self.tree, self.avals),) * arity
        in_tree = tree.structure((args, {}))
        run = lambda *xs: self.checked(fun(*xs), what, has_aux)
        return trace_body(run, in_tree, self.avals * arity, what)

    def checked(self, result: Any, what: str, has_aux: bool = False) -> Any:
        """`result`, found to be (or with `has_aux`, to begin with) a tree like the unknown."""
        found = result
        if has_aux:
            if not isinstance(result, tuple) or len(result) != 2:
                raise TreeError(
                    f"{self.transform}: with has_aux, expected {what} to return (result, aux), "
                    f"got {type(result).__name__}; return a pair"
                )
            found = result[0]
        leaves, got = tree.flatten(found)
        if got != self.tree:
            raise TreeError(
                f"{self.transform}: expected {what} to return the structure {self.tree}, got {got}"
            )
        for leaf, wanted in zip(leaves, self.avals, strict=True):
            if as_value(leaf).shape != wanted.shape:
                raise ShapeError(
                    f"{self.transform}: expected {what} to return shapes like {wanted}, "
                    f"got {as_value(leaf).aval}"
                )
        return result


@api_boundary
def custom_linear_solve(
    matvec: Callable[..., Any],
    b: Any,
    solve: Callable[..., Any],
    transpose_solve: Callable[..., Any] | None = None,
    symmetric: bool = False,
    has_aux: bool = False,
) -> Any:
    """The x with matvec(x) = b, found by solve(matvec, b) and differentiated implicitly.

    Args:
      matvec: linear function of a tree like b; may close over values being differentiated.
      b: tree of arrays.
      solve: (matvec, b) -> x like b; never differentiated.
      transpose_solve: (vecmat, b) -> x for the transposed map; reverse mode needs it.
      symmetric: the map equals its transpose; `solve` then serves for both.
      has_aux: solve and transpose_solve return (x, aux); aux has no derivative.
    Returns: x, or (x, aux).
    Raises: TreeError or ShapeError if a function does not return a tree like b;
      CustomRuleError in reverse mode without transpose_solve.

    >>> import ftx
    >>> halve = lambda a, b: custom_linear_solve(lambda x: a * x, b, lambda f, b: b / f(1.0),
    ...                                          symmetric=True)
    >>> [float(g) for g in ftx.grad(halve, (0, 1))(2.0, 6.0)]
    [-1.5, 0.5]
    """
    for given in (matvec, solve):
        check_callable("custom_linear_solve", given)
    if transpose_solve is None and symmetric:
        transpose_solve = solve
    unknown = _Unknown("custom_linear_solve", b)
    if STATE.trace is None:
        b = tree.unflatten(unknown.tree, unknown.values)
        return unknown.checked(solve(matvec, b), "solve", has_aux)
    solver = lambda b: solve(matvec, b)
    program, out_tree = unknown.trace(solver, "solve", has_aux)
    if unknown.convert(program.out_avals):
        program, out_tree = unknown.trace(solver, "solve", has_aux)
    params = {"jaxpr": program, "matvec": unknown.trace(matvec, "matvec")[0]}
    params |= {"vecmat": None, "transpose_solve": None}
    if transpose_solve is not None:
        example = tree.unflatten(unknown.tree, unknown.values)
        vecmat = matvec if symmetric else lambda y: linear_transpose(matvec, example)(y)[0]
        back = lambda y: transpose_solve(vecmat, y)
        params["vecmat"] = unknown.trace(vecmat, "the transpose of matvec")[0]
        params["transpose_solve"] = unknown.trace(back, "transpose_solve", has_aux)[0]
    return tree.unflatten(out_tree, bind_solve(linear_solve_p, params, [], unknown.values))


@api_boundary
def custom_root(
    f: Callable[..., Any],
    initial_guess: Any,
    solve: Callable[..., Any],
    tangent_solve: Callable[..., Any],
    has_aux: bool = False,
) -> Any:
    """The x with f(x) = 0, found by solve(f, initial_guess) and differentiated implicitly.

    Args:
      f: function of a tree like the guess, returning one; may close over values being
        differentiated.
      initial_guess: tree of arrays; the root does not depend on it.
      solve: (f, initial_guess) -> x; never differentiated.
      tangent_solve: (g, y) -> the t with g(t) = y, where g is f linearized at the root; itself
        differentiable and linear in y: `lambda g, y: y / g(1.0)` for a scalar.
      has_aux: solve returns (x, aux); aux has no derivative.
    Returns: x, or (x, aux).
    Raises: TreeError or ShapeError if a function does not return a tree like the guess.

    >>> import ftx
    >>> newton = lambda f, x: ftx.lax.fori_loop(0, 9, lambda _, x: x - f(x) / ftx.grad(f)(x), x)
    >>> root = lambda a: custom_root(lambda x: x**2 - a, 1.0, newton, lambda g, y: y / g(1.0))
    >>> float(root(4.0)), float(ftx.grad(root)(4.0))
    (2.0, 0.25)
    """
    for given in (f, solve, tangent_solve):
        check_callable("custom_root", given)
    unknown = _Unknown("custom_root", initial_guess)
    if STATE.trace is None:
        guess = tree.unflatten(unknown.tree, unknown.values)
        return unknown.checked(solve(f, guess), "solve", has_aux)
    program, out_tree = unknown.trace(lambda x: solve(f, x), "solve", has_aux)
    guess = unknown.values
    unknown.convert(program.out_avals)
    equation, _ = unknown.trace(f, "f")

    step = lambda x, y: tangent_solve(linearize_at(f, x)[1], y)
    tangent, _ = unknown.trace(step, "tangent_solve", arity=2)
    params = {"jaxpr": program, "f": equation, "tangent_solve": tangent}
    return tree.unflatten(out_tree, bind_solve(root_p, params, [], guess))

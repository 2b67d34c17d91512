"""ftx.scipy.sparse.linalg: linear systems solved by iteration: cg, bicgstab, gmres.

In: a matrix, or a linear function of trees, and a right-hand side.  Out: the solution, and info.
Trees are flattened to one vector; the derivative is another solve (`lax.custom_linear_solve`).
Must not know: how the matrix is stored.
"""

import functools
import operator
from typing import Any, NamedTuple

import numpy as np

from ...core import tree
from ...core.array import Value
from ...core.errors import ArgumentError, NotCallableError, ShapeError, TreeError
from ...flatten_util import ravel_pytree
from ...lax import custom_linear_solve, fori_loop, while_loop
from ...numpy import (
    absolute,
    conj,
    dot,
    eye,
    finfo,
    imag,
    iscomplexobj,
    isfinite,
    maximum,
    minimum,
    real,
    sqrt,
    square,
    stack,
    vdot,
    where,
    zeros,
    zeros_like,
)
from ...numpy.promotion import asarray, promote_dtypes
from ..linalg import cho_factor, cho_solve, solve_triangular

__all__ = ["bicgstab", "cg", "gmres"]


def _operator(name, what, f):
    """A function of one argument from what a user passes as a linear map."""
    if f is None:
        return lambda v: v
    if isinstance(f, (Value, np.ndarray)):
        f = asarray(f)
    elif callable(f):
        return f
    elif not hasattr(f, "__matmul__"):
        raise NotCallableError(
            f"{name}: expected {what} to be a function or a square matrix, got {type(f).__name__}; "
            "write lambda x: ..."
        )
    shape = getattr(f, "shape", None)
    if shape is not None and (len(shape) != 2 or shape[0] != shape[1]):
        raise ShapeError(f"{name}: expected {what} to be a square matrix, got shape {shape}")
    return functools.partial(operator.matmul, f)


class _System(NamedTuple):
    """A linear system in flat vectors."""

    matvec: Any
    precondition: Any
    b: Any
    start: Any
    restore: Any


def _system(name, A, b, x0, M):
    b = tree.map(asarray, b)
    x0 = tree.map(zeros_like, b) if x0 is None else tree.map(asarray, x0)
    if tree.structure(x0) != tree.structure(b):
        raise TreeError(
            f"{name}: expected x0 of the structure of b, {tree.structure(b)}, got "
            f"{tree.structure(x0)}"
        )
    shapes = [[v.shape for v in tree.leaves(t)] for t in (b, x0)]
    if shapes[0] != shapes[1]:
        raise ShapeError(f"{name}: expected x0 of the shapes of b, {shapes[0]}, got {shapes[1]}")
    leaves = promote_dtypes(name, *tree.leaves(b), inexact=True)
    flat, restore = ravel_pytree(tree.unflatten(tree.structure(b), leaves))
    start = ravel_pytree(x0)[0].astype(flat.dtype)
    apply = lambda f: lambda v: ravel_pytree(f(restore(v)))[0].astype(flat.dtype)
    matvec, precondition = _operator(name, "A", A), _operator(name, "M", M)
    identity = M is None
    return _System(
        apply(matvec), precondition if identity else apply(precondition), flat, start, restore
    )


def _square_norm(v):
    """Real: of complex numbers too."""
    found = vdot(real(v), real(v))
    return found + vdot(imag(v), imag(v)) if iscomplexobj(v) else found


def _norm(v):
    return sqrt(_square_norm(v))


def _limit(b, tol, atol):
    """Square of the residual's norm at which to stop."""
    return maximum(square(tol) * _square_norm(b), square(atol))


def _cg(matvec, b, *, start, tol, atol, maxiter, precondition):
    """Source: Saad, "Iterative methods for sparse linear systems" (2003), algorithm 9.1."""
    limit = _limit(b, tol, atol)

    def going(carry):
        _, r, _, _, k = carry
        return (_square_norm(r) > limit) & (k < maxiter)

    def step(carry):
        x, r, gamma, p, k = carry
        image = matvec(p)
        alpha = gamma / real(vdot(p, image)).astype(b.dtype)
        x, r = x + alpha * p, r - alpha * image
        z = precondition(r)
        new = real(vdot(r, z)).astype(b.dtype)
        return x, r, new, z + new / gamma * p, k + 1

    r = b - matvec(start)
    z = precondition(r)
    begin = (start, r, real(vdot(r, z)).astype(b.dtype), z, 0)
    return while_loop(going, step, begin)[0]


def _bicgstab(matvec, b, *, start, tol, atol, maxiter, precondition):
    """Source: van der Vorst, "Bi-CGSTAB" (1992), with right preconditioning."""
    limit = _limit(b, tol, atol)
    shadow = b - matvec(start)

    def going(carry):
        _, r, *_, k = carry
        return (_square_norm(r) > limit) & (k < maxiter) & (k >= 0)

    def step(carry):
        x, r, alpha, omega, rho, p, q, k = carry
        new_rho = vdot(shadow, r)
        p = r + new_rho / rho * alpha / omega * (p - omega * q)
        to_p = precondition(p)
        q = matvec(to_p)
        alpha = new_rho / vdot(shadow, q)
        s = r - alpha * q
        near = _square_norm(s) < limit
        to_s = precondition(s)
        t = matvec(to_s)
        omega = vdot(t, s) / vdot(t, t)
        x = where(near, x + alpha * to_p, x + alpha * to_p + omega * to_s)
        r = where(near, s, s - omega * t)
        # A factor of 0 would be divided by in the next step: the iteration has broken down.
        stuck = (new_rho == 0) | (alpha == 0) | (omega == 0)
        return x, r, alpha, omega, new_rho, p, q, where(stuck, -1, k + 1)

    one = zeros((), b.dtype) + 1
    begin = (start, shadow, one, one, one, shadow, shadow, 0)
    return while_loop(going, step, begin)[0]


def _solve(name, algorithm, A, b, x0, tol, atol, maxiter, M, symmetric):
    s = _system(name, A, b, x0, M)
    most = 10 * s.b.size if maxiter is None else maxiter
    run = functools.partial(
        algorithm, start=s.start, tol=tol, atol=atol, maxiter=most, precondition=s.precondition
    )
    symmetric = symmetric and not iscomplexobj(s.b)
    x = custom_linear_solve(s.matvec, s.b, run, run, symmetric=symmetric)
    return s.restore(x), None


def cg(A, b, x0=None, *, tol=1e-05, atol=0.0, maxiter=None, M=None):
    """The x with A x = b for a Hermitian positive definite A, by conjugate gradients.

    Args:
      A: number[n, n], something with `@`, or a linear function of a tree like b.
      b: tree of arrays.
      x0: tree like b to begin with, by default zeros.
      tol, atol: stop where norm(b - A x) <= max(tol * norm(b), atol).
      maxiter: most iterations, by default 10 times the number of unknowns.
      M: what approximates the inverse of A; given as A is.
    Returns: (x, None); x a tree like b. Differentiable in A and b: each derivative is a solve.
    Raises: TreeError, ShapeError if x0 is not like b, or A not square.

    >>> x, _ = cg(asarray([[4.0, 1.0], [1.0, 3.0]]), asarray([1.0, 2.0]))
    >>> [round(v, 4) for v in x.tolist()]
    [0.0909, 0.6364]
    """
    return _solve("cg", _cg, A, b, x0, tol, atol, maxiter, M, True)


def bicgstab(A, b, x0=None, *, tol=1e-05, atol=0.0, maxiter=None, M=None):
    """The x with A x = b for any regular A, by stabilised bi-conjugate gradients.

    Args: as for `cg`; A need not be symmetric.
    Returns: (x, None); x a tree like b. Differentiable in A and b: each derivative is a solve.
    Raises: TreeError, ShapeError if x0 is not like b, or A not square.

    >>> x, _ = bicgstab(asarray([[4.0, 1.0], [0.0, 2.0]]), asarray([1.0, 2.0]))
    >>> [round(abs(v), 4) for v in x.tolist()]
    [0.0, 1.0]
    """
    return _solve("bicgstab", _bicgstab, A, b, x0, tol, atol, maxiter, M, False)


def _unit(v, least):
    """v of length 1 and its length; zeros and 0 if it is not longer than `least`."""
    size = _norm(v)
    enough = size > least
    return where(enough, v / where(enough, size, 1).astype(v.dtype), 0), where(enough, size, 0)


def _arnoldi(apply, basis, k):
    """The next column of the basis, its overlaps with the columns before, and its length."""
    v = apply(basis[:, k])
    size = _norm(v)
    overlaps = zeros(basis.shape[1], basis.dtype)
    for _ in range(2):  # once more for what rounding has left
        found = dot(conj(basis).T, v)
        v, overlaps = v - dot(basis, found), overlaps + found
    column, length = _unit(v, finfo(basis.dtype).eps * size)
    return column, overlaps.at[k + 1].set(length.astype(basis.dtype)), length


def _cycle_batched(apply, residual, size, restart, goal):
    """The correction from one Krylov space: least squares, when all of it is there."""
    basis = zeros((residual.shape[0], restart + 1), residual.dtype).at[:, 0].set(residual)

    def going(carry):
        return (carry[2] < restart) & ~carry[3]

    def step(carry):
        basis, rows, k, _ = carry
        column, overlaps, length = _arnoldi(apply, basis, k)
        return basis.at[:, k + 1].set(column), rows.at[k].set(overlaps), k + 1, length == 0

    # Rows that are never reached are those of the identity: their unknowns become 0.
    begin = (basis, eye(restart, restart + 1, dtype=basis.dtype), 0, size == 0)
    basis, rows, _, _ = while_loop(going, step, begin)
    right = zeros(restart + 1, basis.dtype).at[0].set(size.astype(basis.dtype))
    matrix = rows.T
    normal = dot(conj(matrix).T, matrix)
    return dot(basis[:, :-1], cho_solve(cho_factor(normal), dot(conj(matrix).T, right)))


def _rotation(a, b):
    """(c, s) of the Givens rotation with s a + c b = 0, without overflow."""
    none, small = absolute(b) == 0, absolute(a) < absolute(b)
    t = -where(small, a, b) / where(none, 1, where(small, b, a))
    r = (1 / sqrt(1 + square(absolute(t)))).astype(t.dtype)
    return where(none, 1, where(small, r * t, r)), where(none, 0, where(small, r, r * t))


def _rotate(v, i, c, s):
    x, y = v[i], v[i + 1]
    return v.at[i].set(conj(c) * x - conj(s) * y).at[i + 1].set(s * x + c * y)


def _cycle_incremental(apply, residual, size, restart, goal):
    """The correction from one Krylov space that grows only until the residual is small."""
    basis = zeros((residual.shape[0], restart + 1), residual.dtype).at[:, 0].set(residual)

    def going(carry):
        return (carry[-1] < restart) & (carry[-2] > goal)

    def step(carry):
        basis, rows, right, turns, _, k = carry
        column, row, _ = _arnoldi(apply, basis, k)
        basis = basis.at[:, k + 1].set(column)
        row = fori_loop(0, k, lambda i, row: _rotate(row, i, turns[i, 0], turns[i, 1]), row)
        c, s = _rotation(row[k], row[k + 1])
        row, right = _rotate(row, k, c, s), _rotate(right, k, c, s)
        turns = turns.at[k].set(stack([c, s]))
        return basis, rows.at[k].set(row), right, turns, absolute(right[k + 1]), k + 1

    right = zeros(restart + 1, basis.dtype).at[0].set(size.astype(basis.dtype))
    rows = eye(restart, restart + 1, dtype=basis.dtype)
    turns = zeros((restart, 2), basis.dtype)
    basis, rows, right, *_ = while_loop(going, step, (basis, rows, right, turns, size, 0))
    return dot(basis[:, :-1], solve_triangular(rows[:, :-1].T, right[:-1]))


_CYCLES = {"batched": _cycle_batched, "incremental": _cycle_incremental}


def _gmres(matvec, b, *, start, limit, goal, restart, maxiter, precondition, cycle):
    """Source: Saad and Schultz, "GMRES" (1986), preconditioned from the left."""
    residual_of = lambda x: _unit(precondition(b - matvec(x)), finfo(b.dtype).eps)
    apply = lambda v: precondition(matvec(v))

    def going(carry):
        return (carry[3] < maxiter) & (carry[2] > limit)

    def step(carry):
        x, residual, size, k = carry
        x = x + cycle(apply, residual, size, restart, goal)
        return x, *residual_of(x), k + 1

    return while_loop(going, step, (start, *residual_of(start), 0))[0]


def gmres(
    A, b, x0=None, *, tol=1e-05, atol=0.0, restart=20, maxiter=None, M=None, solve_method="batched"
):
    """The vector (or tree) x with A x = b for regular A, by minimal residuals in Krylov spaces.

    Args:
      A, b, x0, tol, atol, M: as for `cg`; A need not be symmetric.
      restart: dimension of a Krylov space, after which another is begun.
      maxiter: most Krylov spaces, by default 10 times the number of unknowns.
      solve_method: "batched" makes a whole space, then solves; "incremental" stops within one.
    Returns: (x, info); info is 0, or -1 where x is not finite. Differentiable in A and b.
    Raises: ArgumentError for another solve_method; TreeError, ShapeError if x0 is not like b.

    >>> x, info = gmres(asarray([[4.0, 1.0], [0.0, 2.0]]), asarray([1.0, 2.0]))
    >>> [round(abs(v), 4) for v in x.tolist()], int(info)
    ([0.0, 1.0], 0)
    """
    if solve_method not in _CYCLES:
        raise ArgumentError(
            f"gmres: expected solve_method 'batched' or 'incremental', got {solve_method!r}"
        )
    s = _system("gmres", A, b, x0, M)
    size, reduced = _norm(s.b), _norm(s.precondition(s.b))
    limit = maximum(tol * size, atol)
    goal = reduced * minimum(1.0, limit / where(size == 0, 1, size))
    run = functools.partial(
        _gmres, start=s.start, limit=limit, goal=goal, restart=min(restart, s.b.size),
        maxiter=10 * s.b.size if maxiter is None else maxiter, precondition=s.precondition,
        cycle=_CYCLES[solve_method],
    )  # fmt: skip
    x = custom_linear_solve(s.matvec, s.b, run, run)
    return s.restore(x), where(isfinite(_norm(x)), 0, -1)

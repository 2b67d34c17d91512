"""L-BFGS: BFGS that remembers the last few steps instead of a matrix.

In: a function of vectors, where to begin.  Out: where it ended, and how.
Must not know: how a step's length is found.
Source: Nocedal and Wright, "Numerical optimization" (2006), algorithms 7.4 and 7.5.
"""

from typing import Any, NamedTuple

from ...lax import fori_loop, while_loop
from ...numpy import asarray, concatenate, conj, dot, inf, linalg, minimum, real, where, zeros
from ...transforms.grad import value_and_grad
from .line_search import line_search


class State(NamedTuple):
    """Where the minimisation is; the newest of the remembered steps stands last."""

    converged: Any
    failed: Any
    count: Any
    evaluations: Any
    x: Any
    value: Any
    gradient: Any
    moves: Any
    changes: Any
    weights: Any
    scale: Any
    status: Any


def minimize_lbfgs(
    fun, x0, maxiter=None, norm=inf, maxcor=10, ftol=2.220446049250313e-09, gtol=1e-05,
    maxfun=None, maxgrad=None, maxls=20,
):  # fmt: skip
    """The State at the end of L-BFGS.

    Args:
      fun: function of float[n] (or complex[n]) to float.
      x0: float[n].
      maxiter, maxfun, maxgrad: most steps, values, gradients; by default 200 n steps.
      norm, gtol: the end is where this norm of the gradient is below gtol.
      maxcor: how many steps are remembered.
      ftol: stop where the value falls by less.
      maxls: most steps of a search along a line, before it zooms.
    Returns: State; status 0 converged, 1 maxiter, 2 maxfun, 3 maxgrad, 4 ftol, 5 line search.

    >>> import ftx.numpy as fnp
    >>> end = minimize_lbfgs(lambda x: fnp.sum((x - 3) ** 2), fnp.zeros(2))
    >>> end.x.tolist(), bool(end.converged)
    ([3.0, 3.0], True)
    """
    n = x0.shape[0]
    if maxiter is None and maxfun is None and maxgrad is None:
        maxiter = 200 * n
    most = [inf if m is None else m for m in (maxgrad, maxfun, maxiter)]

    def step(s):
        direction = _direction(s)
        found = line_search(fun, s.x, direction, s.value, s.gradient, maxiter=maxls)
        value, gradient = found.point.value, found.point.gradient
        moved = found.point.at.astype(x0.dtype) * direction
        change = gradient - s.gradient
        product = real(dot(change, moved))
        converged = linalg.norm(gradient, ord=norm) < gtol
        status = where(s.value - value < ftol, 4, 0)
        for code, done, limit in zip(
            (3, 2, 1), (s.evaluations, s.evaluations, s.count), most, strict=True
        ):
            status = status if limit == inf else where(done >= limit, code, status)
        status = where(converged, 0, where(found.failed, 5, status))
        return State(
            converged=converged,
            failed=status > 0,
            count=s.count + 1,
            evaluations=s.evaluations + found.evaluations,
            x=s.x + moved,
            value=value,
            gradient=gradient,
            moves=_remembered(s.moves, moved),
            changes=_remembered(s.changes, change),
            weights=_remembered(s.weights, 1 / product),
            scale=product / real(dot(conj(change), change)),
            status=status,
        )

    value, gradient = value_and_grad(fun)(x0)
    kind = real(x0).dtype
    memory = zeros((maxcor, n), x0.dtype)
    begin = State(
        asarray(False), asarray(False), asarray(0), asarray(1), x0, value, gradient, memory,
        memory, zeros(maxcor, kind), zeros((), kind) + 1, asarray(0),
    )  # fmt: skip
    return while_loop(lambda s: ~s.converged & ~s.failed, step, begin)


def _remembered(history, new):
    return concatenate([history[1:], new[None].astype(history.dtype)])


def _direction(s):
    """Minus the inverse Hessian, as far as it is known, times the gradient."""
    size = s.moves.shape[0]
    known = minimum(s.count, size)

    def back(j, carry):
        q, parts = carry
        i = size - 1 - j
        part = s.weights[i] * real(dot(conj(s.moves[i]), q))
        return q - part * conj(s.changes[i]), parts.at[i].set(part)

    def forth(j, q):
        i = size - known + j
        return q + (parts[i] - s.weights[i] * real(dot(s.changes[i], q))) * s.moves[i]

    q, parts = fori_loop(0, known, back, (-conj(s.gradient), s.weights * 0))
    return fori_loop(0, known, forth, s.scale * q)

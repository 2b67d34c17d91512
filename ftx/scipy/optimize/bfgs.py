"""BFGS: minima by approximating the inverse Hessian from the gradients met.

In: a function of vectors, where to begin.  Out: where it ended, and how.
Must not know: how a step's length is found.
Source: Nocedal and Wright, "Numerical optimization" (2006), algorithm 6.1.
"""

import math
from typing import Any, NamedTuple

from ...lax import while_loop
from ...numpy import asarray, dot, eye, inf, isfinite, linalg, outer, where
from ...transforms.grad import value_and_grad
from .line_search import line_search


class State(NamedTuple):
    """Where the minimisation is; `before` is the value at the place before."""

    converged: Any
    failed: Any
    count: Any
    evaluations: Any
    x: Any
    value: Any
    gradient: Any
    inverse: Any
    before: Any
    search_status: Any
    status: Any


def minimize_bfgs(fun, x0, maxiter=None, norm=inf, gtol=1e-05, line_search_maxiter=10):
    """The State at the end of BFGS.

    Args:
      fun: function of float[n] to float.
      x0: float[n].
      maxiter: most steps, by default 200 n.
      norm, gtol: the end is where this norm of the gradient is below gtol.
      line_search_maxiter: most steps of a search along a line, before it zooms.
    Returns: State; status 0 converged, 1 maxiter, 2 + the line search's status, -1 otherwise.

    >>> import ftx.numpy as fnp
    >>> end = minimize_bfgs(lambda x: fnp.sum((x - 3) ** 2), fnp.zeros(2))
    >>> end.x.tolist(), bool(end.converged)
    ([3.0, 3.0], True)
    """
    n = x0.shape[0]
    most = 200 * n if maxiter is None else maxiter
    small = lambda g: linalg.norm(g, ord=norm) < gtol

    def going(s):
        more = ~s.converged & ~s.failed
        return more if most == math.inf else more & (s.count < most)

    def step(s):
        direction = -dot(s.inverse, s.gradient)
        found = line_search(fun, s.x, direction, s.value, s.gradient, s.before, line_search_maxiter)
        moved = found.point.at.astype(x0.dtype) * direction
        change = found.point.gradient - s.gradient
        return State(
            converged=small(found.point.gradient),
            failed=found.failed,
            count=s.count + 1,
            evaluations=s.evaluations + found.evaluations,
            x=s.x + moved,
            value=found.point.value,
            gradient=found.point.gradient,
            inverse=_updated(s.inverse, moved, change),
            before=s.value,
            search_status=found.status,
            status=s.status,
        )

    value, gradient = value_and_grad(fun)(x0)
    s = while_loop(
        going,
        step,
        State(
            small(gradient), asarray(False), asarray(0), asarray(1), x0, value, gradient,
            eye(n, dtype=x0.dtype), value + linalg.norm(gradient) / 2, asarray(0), asarray(0),
        ),
    )  # fmt: skip
    undone = where(s.failed, 2 + s.search_status, -1)
    return s._replace(status=where(s.converged, 0, where(s.count == most, 1, undone)))


def _updated(inverse, moved, change):
    """The inverse Hessian that turns this change of the gradient into this movement."""
    weight = 1 / dot(change, moved)
    left = eye(moved.shape[0], dtype=moved.dtype) - weight * outer(moved, change)
    new = dot(dot(left, inverse), left.T) + weight * outer(moved, moved)
    return where(isfinite(weight), new, inverse)

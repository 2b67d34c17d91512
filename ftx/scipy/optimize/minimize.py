"""minimize, as a program of ftx: compiled, mapped and nested like any other.

In: a function of vectors, where to begin.  Out: OptimizeResults.
Must not know: SciPy.
"""

from typing import Any, NamedTuple

from ...core import dtypes
from ...core.errors import ArgumentError, NotAnArrayError, ShapeError
from ...numpy.promotion import asarray
from .bfgs import minimize_bfgs
from .lbfgs import minimize_lbfgs

__all__ = ["OptimizeResults", "minimize"]


class OptimizeResults(NamedTuple):
    """Where a minimisation ended, and how.

    x: float[n]; success: bool; status: int, 0 if converged; fun: the value; jac: the gradient;
    hess_inv: float[n, n] or None; nfev, njev, nit: values, gradients and steps taken.

    >>> import ftx.numpy as fnp
    >>> bool(minimize(lambda x: fnp.sum(x**2), fnp.ones(2), method="BFGS").success)
    True
    """

    x: Any
    success: Any
    status: Any
    fun: Any
    jac: Any
    hess_inv: Any
    nfev: Any
    njev: Any
    nit: Any


_METHODS = {
    "bfgs": minimize_bfgs,
    "l-bfgs-experimental-do-not-rely-on-this": minimize_lbfgs,
}


def minimize(fun, x0, args=(), *, method, tol=None, options=None):
    """A minimum of `fun` near x0, with its exact gradient.

    Args:
      fun: function of (x, *args) with x float[n], returning a float.
      x0: float[n].
      args: tuple of further arguments.
      method: "BFGS", or "l-bfgs-experimental-do-not-rely-on-this" as JAX names L-BFGS.
      tol: the norm of the gradient at which to stop; the same as the option gtol.
      options: of `minimize_bfgs` (maxiter, norm, gtol, line_search_maxiter) or of
        `minimize_lbfgs` (also maxcor, ftol, maxfun, maxgrad, maxls).
    Returns: OptimizeResults. Not differentiable: use `ftx.lax.custom_root` on the gradient.
    Raises: NotAnArrayError if args is no tuple; ShapeError if x0 has not one axis; ArgumentError
      for another method or option.

    >>> import ftx.numpy as fnp
    >>> found = minimize(lambda x: fnp.sum((x - 1) ** 4), fnp.zeros(2), method="BFGS")
    >>> bool(found.success), bool(fnp.all(fnp.abs(found.x - 1) < 0.05))
    (True, True)
    """
    if not isinstance(args, tuple):
        raise NotAnArrayError(
            f"minimize: expected args to be a tuple, got {type(args).__name__}; write args=(a,)"
        )
    run = _METHODS.get(str(method).lower())
    if run is None:
        raise ArgumentError(
            f"minimize: expected method 'BFGS' or 'l-bfgs-experimental-do-not-rely-on-this', got "
            f"{method!r}; others are in ftx.scipy.optimize.scipy_minimize"
        )
    start = asarray(x0)
    if start.ndim != 1:
        raise ShapeError(
            f"minimize: expected x0 float[n], got {start.aval}; flatten it with "
            "ftx.flatten_util.ravel_pytree"
        )
    if not dtypes.is_inexact(start.dtype):
        start = start.astype(dtypes.default_float())
    options = dict(options or {})
    if tol is not None:
        options.setdefault("gtol", tol)
    known = run.__code__.co_varnames[2 : run.__code__.co_argcount]
    if unknown := set(options) - set(known):
        raise ArgumentError(f"minimize: expected options among {known}, got {sorted(unknown)}")
    end = run(lambda x: fun(x, *args), start, **options)
    return OptimizeResults(
        end.x, end.converged & ~end.failed, end.status, end.value, end.gradient,
        getattr(end, "inverse", None), end.evaluations, end.evaluations, end.count,
    )  # fmt: skip

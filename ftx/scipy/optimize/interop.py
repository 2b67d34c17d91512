"""SciPy's own minimisers and root finders, handed exact derivatives of ftx programs.

In: a function of trees, where to begin, SciPy's arguments.  Out: SciPy's result, x a tree again.
Everything is compiled once and evaluated in float64, as SciPy's routines are.
Must not know: what SciPy's methods do, beyond the derivatives they read.
"""

import importlib

import numpy as np

from ...core import dtypes, tree
from ...core.errors import ArgumentError, ConcretizationError
from ...core.tracing import Tracer
from ...flatten_util import ravel_pytree
from ...numpy.promotion import asarray
from ...transforms.grad import grad, hessian, jacfwd, jvp, value_and_grad
from ...transforms.jit import jit

__all__ = ["scipy_minimize", "scipy_root"]

_GRADIENT = frozenset(
    {
        *("cg", "bfgs", "newton-cg", "l-bfgs-b", "tnc", "slsqp", "dogleg", "trust-ncg"),
        *("trust-krylov", "trust-exact", "trust-constr"),
    }
)
_HESSIAN = frozenset({"dogleg", "trust-exact"})
_PRODUCT = frozenset({"newton-cg", "trust-ncg", "trust-krylov", "trust-constr"})
"""Methods of scipy.optimize.minimize that read gradients; Hessians; Hessians times vectors."""


def _scipy():
    return importlib.import_module("scipy.optimize")


class _Flat:
    """Functions of float64 vectors made from functions of trees."""

    def __init__(self, name, x0, args):
        leaves = tree.leaves((x0, args))
        if any(isinstance(v, Tracer) for v in leaves):
            raise ConcretizationError(
                f"{name}: expected known arrays, got traced ones: SciPy runs outside programs; "
                "call it outside jit, grad and vmap, or use ftx.scipy.optimize.minimize"
            )
        to_float = lambda v: np.asarray(v, np.result_type(np.asarray(v).dtype, np.float32))
        start, back = ravel_pytree(tree.map(lambda v: asarray(to_float(v)), x0))
        if dtypes.is_complex(start.dtype):
            raise ArgumentError(
                f"{name}: expected a tree of real arrays, got {start.aval}; pass real and "
                "imaginary parts"
            )
        self.start, self.back, self.dtype = np.asarray(start, np.float64), back, start.dtype
        self.args = args

    def tree(self, x):
        """The tree of a vector."""
        return self.back(asarray(x).astype(self.dtype))

    def run(self, program):
        """`program`, compiled, as SciPy calls it: float64 vectors in, float64 out."""
        compiled = jit(program)
        narrow = lambda v: np.asarray(v, self.dtype)

        def call(x, *rest):
            found = compiled(narrow(x), *map(narrow, rest), *self.args)
            return tree.map(lambda v: np.asarray(v, np.float64), found)

        return call


def scipy_minimize(fun, x0, args=(), method=None, *, has_aux=False, **options):
    """`scipy.optimize.minimize` with exact gradients of `fun`, and Hessians where they are read.

    Methods that read Hessians times vectors are given those, at the cost of a gradient each;
    "dogleg" and "trust-exact" the Hessian itself; those without derivatives neither.

    Args:
      fun: function of (x, *args) that returns a real number; x is a tree like x0.
      x0: tree of real arrays or numbers.
      args: tuple of trees of arrays.
      method: as SciPy's, by default "BFGS" ("L-BFGS-B" with bounds, "SLSQP" with constraints).
      has_aux: `fun` returns (number, anything); what goes with it is left out.
      options: other arguments of `scipy.optimize.minimize`: tol, bounds, callback, options, and
        constraints, whose functions of a flat vector are called as SciPy calls them.
    Returns: SciPy's OptimizeResult, with `x` a tree like x0; `x_flat` and `jac` are flat, float64.
    Raises: ArgumentError for jac, hess or hessp, which are made here; ConcretizationError for
      traced arrays.

    >>> import ftx.numpy as fnp
    >>> f = lambda p: fnp.sum((p["a"] - 1) ** 2) + (p["b"] + 2) ** 2
    >>> found = scipy_minimize(f, {"a": fnp.zeros(2), "b": 0.0}, method="trust-ncg")
    >>> bool(found.success), [round(v, 4) for v in found.x["a"].tolist()]
    (True, [1.0, 1.0])
    """
    if given := {"jac", "hess", "hessp"} & set(options):
        raise ArgumentError(
            f"scipy_minimize: expected derivatives to be left to it, got {sorted(given)}; use "
            "scipy.optimize.minimize to give your own"
        )
    flat = _Flat("scipy_minimize", x0, args if isinstance(args, tuple) else (args,))
    value = (
        (lambda x, *a: fun(flat.back(x), *a)[0])
        if has_aux
        else (lambda x, *a: fun(flat.back(x), *a))
    )
    name = (method or _default_method(options)).lower() if not callable(method) else "bfgs"
    derivatives = {}
    if name in _GRADIENT:
        derivatives["jac"] = True
        both = flat.run(value_and_grad(value))
        target = lambda x: _number_first(both(x))
    else:
        one = flat.run(value)
        target = lambda x: float(one(x))
    if name in _HESSIAN:
        derivatives["hess"] = flat.run(hessian(value))
    elif name in _PRODUCT:
        turn = lambda x, v, *a: jvp(lambda x: grad(value)(x, *a), (x,), (v,))[1]
        derivatives["hessp"] = flat.run(turn)
    found = _scipy().minimize(target, flat.start, method=method, **derivatives, **options)
    return _with_tree(found, flat)


def _number_first(pair):
    return float(pair[0]), pair[1]


def _default_method(options):
    """The method SciPy chooses itself."""
    if options.get("constraints"):
        return "slsqp"
    return "l-bfgs-b" if options.get("bounds") is not None else "bfgs"


def _with_tree(found, flat):
    found["x_flat"] = found["x"]
    found["x"] = flat.tree(found["x"])
    return found


def scipy_root(fun, x0, args=(), method="hybr", **options):
    """`scipy.optimize.root` with the exact Jacobian of `fun`, for methods that read one.

    Args:
      fun: function of (x, *args) to a tree with as many numbers as x; x is a tree like x0.
      x0: tree of real arrays or numbers.
      args: tuple of trees of arrays.
      method: "hybr" or "lm", with the Jacobian; others of SciPy without.
      options: other arguments of `scipy.optimize.root`: tol, callback, options.
    Returns: SciPy's OptimizeResult, with `x` a tree like x0; `x_flat` is flat, float64.
    Raises: ArgumentError for jac, which is made here; ConcretizationError for traced arrays.

    >>> found = scipy_root(lambda x: x**3 - 8, 1.0)
    >>> round(float(found.x), 4)
    2.0
    """
    if "jac" in options:
        raise ArgumentError(
            "scipy_root: expected derivatives to be left to it, got jac; use scipy.optimize.root "
            "to give your own"
        )
    flat = _Flat("scipy_root", x0, args if isinstance(args, tuple) else (args,))
    value = lambda x, *a: ravel_pytree(fun(flat.back(x), *a))[0]
    if method in ("hybr", "lm"):
        options["jac"] = flat.run(jacfwd(value))
    found = _scipy().root(flat.run(value), flat.start, method=method, **options)
    return _with_tree(found, flat)

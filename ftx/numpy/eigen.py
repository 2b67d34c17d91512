"""Eigenvalues of any square matrix, and how LAPACK is called for what has no primitive.

In: matrices, the last two axes.  Out: complex arrays.
A step on the host by SciPy, in compiled programs too.
Must not know: Hermitian matrices, which `factorisations` has.
"""

import importlib
from typing import Any, NamedTuple

import numpy as np

from ..core import dtypes
from ..core.errors import UnsupportedError
from ..core.primitives import linalg as L
from ..core.types import ShapeDtypeStruct
from ..transforms.callback import pure_callback
from ..transforms.custom import custom_jvp
from . import composed as M
from . import elementwise as U
from . import reductions
from .creation import zeros_like
from .factorisations import column, eye_like, matrix, row
from .indexing import take_along_axis
from .linear_algebra import matmul
from .ordering import where

__all__ = ["EigResult", "eig", "eigvals"]


class EigResult(NamedTuple):
    """Eigenvalues, in no order, and eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any


def lapack():
    """SciPy's module of linear algebra, imported when first used."""
    return importlib.import_module("scipy.linalg")


def on_host(name, function, x, results):
    """`function` of every matrix of x by a callback; results: (shape of one, dtype) each."""
    lead = x.shape[:-2]
    wanted = [ShapeDtypeStruct((*lead, *shape), dtype) for shape, dtype in results]

    def run(x):
        x = np.asarray(x)
        outs = [np.empty((*x.shape[:-2], *shape), dtype) for shape, dtype in results]
        for at in np.ndindex(x.shape[:-2]):
            for out, found in zip(outs, function(x[at]), strict=True):
                out[at] = found
        return outs

    run.__name__ = name
    return pure_callback(run, wanted, x, vmap_method="expand_dims")


@custom_jvp
def eigensystem(x):
    """(values, left vectors, right vectors) of square matrices, vectors of length 1."""
    n, kind = x.shape[-1], dtypes.complex_of(x.dtype)
    both = lambda m: lapack().eig(m, left=True, right=True)
    return tuple(on_host("eig", both, x, [((n,), kind), ((n, n), kind), ((n, n), kind)]))


def _solved(a, b):
    """a⁻¹ b."""
    factors, _, order = L.lu(a)
    rows = take_along_axis(b, column(order), -2, mode="promise_in_bounds")
    first = L.triangular_solve(factors, rows, left_side=True, lower=True, unit_diagonal=True)
    return L.triangular_solve(factors, first, left_side=True, lower=False)


def _rule(primals, tangents):
    """dw = diag(V⁻¹ dx V); dV = V (F ∘ V⁻¹ dx V), F_ij = 1 / (w_j − w_i), columns kept of length 1.

    Source: Giles, "An extended collection of matrix derivative results" (2008), section 3.1.
    """
    (x,), (t,) = primals, tangents
    w, left, right = eigensystem(x)
    inner = _solved(right, matmul(t.astype(right.dtype), right))
    gaps = row(w) - column(w)
    equal = gaps == 0
    moved = matmul(right, where(equal, 0, inner / where(equal, 1, gaps)))
    along = M.real(reductions.sum(U.multiply(M.conj(right), moved), -2, keepdims=True))
    dright = moved - right * along.astype(right.dtype)
    return (w, left, right), (reductions.sum(inner * eye_like(inner), -1), zeros_like(left), dright)


eigensystem.defjvp(_rule)


@custom_jvp
def without_derivative(x):
    """x, whose derivative is refused."""
    return x * 1


def _refuse(primals, tangents):
    raise UnsupportedError(
        "derivative of eigenvectors: expected only eigenvalues to be differentiated, got "
        "eigenvectors too; use ftx.lax.linalg.eig with enable_eigvec_derivs=True, or stop_gradient"
    )


without_derivative.defjvp(_refuse)


def eig(a):
    """Eigenvalues, in no order, and eigenvectors of length 1 (columns) of square matrices.

    Args: a: number[..., n, n].
    Returns: EigResult(complex[..., n], complex[..., n, n]). Only values alone are differentiable:
      use `eigvals`, or `ftx.lax.linalg.eig`.
    Raises: ShapeError for other than square matrices.

    >>> eig(np.array([[2.0]])).eigenvalues.tolist()
    [(2+0j)]
    """
    w, _, v = eigensystem(matrix("eig", a, True))
    return EigResult(w, without_derivative(v))


def eigvals(a):
    """Eigenvalues, in no order, of square matrices; differentiable where they are distinct.

    Args: a: number[..., n, n].
    Returns: complex[..., n]. Raises: ShapeError for other than square matrices.

    >>> eigvals(np.array([[2.0]])).tolist()
    [(2+0j)]
    """
    return eigensystem(matrix("eigvals", a, True))[0]

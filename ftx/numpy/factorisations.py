"""Factorisations of matrices, the last two axes: Cholesky, QR, singular and eigenvalues.

In: arrays [..., m, n].  Out: arrays, or named tuples of them; half precision by way of float32.
Must not know: LAPACK, which the primitives call.
"""

from typing import Any, NamedTuple

from ..core import dtypes
from ..core.errors import ArgumentError, ShapeError, UnsupportedError
from ..core.primitives import linalg as L
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from . import composed as M
from . import creation, indexing, ordering, shapes
from . import elementwise as U
from .promotion import (
    asarray,
    broadcast_value,
    promote_dtypes,
)

__all__ = [
    *(
        "EighResult",
        "QRResult",
        "SVDResult",
        "cholesky",
        "eigh",
        "eigvalsh",
        "qr",
        "svd",
        "svdvals",
    ),
]


class EighResult(NamedTuple):
    """Eigenvalues, ascending, and eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    """Orthonormal columns, and a triangle."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """Left singular vectors, singular values, right singular vectors as rows."""

    U: Any
    S: Any
    Vh: Any


def matrix(name, a, square=False):
    """`a` as an array of floats with at least two axes, the last two equal if `square`.

    Raises: ShapeError otherwise.
    """
    (x,) = promote_dtypes(name, asarray(a), inexact=True)
    if x.ndim < 2 or (square and x.shape[-1] != x.shape[-2]):
        what = "a square matrix [..., n, n]" if square else "a matrix [..., m, n]"
        raise ShapeError(f"{name}: expected {what}, got {x.aval}")
    return x


def wide(name, x, function, *args):
    """function(x) in float32 for half precision, which LAPACK lacks."""
    if x.dtype.itemsize > 2:
        return function(x, *args)
    found = function(C.convert(x, dtypes.float32), *args)
    if isinstance(found, (list, tuple)):
        return [C.convert(v, x.dtype) if dtypes.is_inexact(v.dtype) else v for v in found]
    return C.convert(found, x.dtype)


def eye_like(x):
    """The identity matrix of the size of x, as often as x has matrices."""
    n = x.shape[-1]
    return broadcast_value(creation.eye(n, dtype=x.dtype), (*x.shape[:-2], n, n))


def column(v):
    """v with an axis of size 1 after the last."""
    return S.expand_dims(v, (v.ndim,))


def row(v):
    """v with an axis of size 1 before the last."""
    return S.expand_dims(v, (v.ndim - 1,))


def adjoint(x):
    """Conjugate transpose of the last two axes."""
    return M.conj(shapes.swapaxes(x, -1, -2))


def cholesky(a, *, upper=False, symmetrize_input=True):
    """L with L Lᴴ = a, lower triangular (or its adjoint, if `upper`). a: float[..., n, n]

    NaN where `a` is not positive definite.

    >>> cholesky(asarray([[4.0]])).tolist()
    [[2.0]]
    """
    x = matrix("cholesky", a, True)
    found = wide("cholesky", x, L.cholesky, symmetrize_input)
    return adjoint(found) if upper else found


def qr(a, mode="reduced"):
    """Q with orthonormal columns and R upper triangular, Q R = a. a: float[..., m, n]

    Args:
      mode: 'reduced' (k = min(m, n) columns), 'complete' (m), or 'r' for R alone.

    >>> abs(float(qr(asarray([[3.0], [4.0]]))[1][0, 0])) > 4.99
    True
    """
    if mode not in ("reduced", "complete", "full", "r"):
        raise UnsupportedError(f"qr: expected mode reduced, complete or r, got {mode!r}")
    q, r = wide("qr", matrix("qr", a), L.qr, mode in ("complete", "full"))
    return r if mode == "r" else QRResult(q, r)


def svd(a, full_matrices=True, compute_uv=True, hermitian=False, subset_by_index=None):
    """U, s, Vᴴ with U diag(s) Vᴴ = a, s descending. a: float[..., m, n]

    Args:
      full_matrices: square U and Vᴴ; else min(m, n) columns and rows.
      compute_uv: False for s alone.
      hermitian: `a` is Hermitian: found by `eigh`, which reads the mean of `a` and its adjoint.

    >>> svd(asarray([[3.0, 0.0], [0.0, 4.0]]), compute_uv=False).tolist()
    [4.0, 3.0]
    """
    if subset_by_index is not None:
        raise UnsupportedError(
            f"svd: expected subset_by_index=None, got {subset_by_index}; slice the result"
        )
    x = matrix("svd", a)
    if hermitian:
        return _hermitian_svd(x, compute_uv)
    if not compute_uv:
        return wide("svd", x, L.svd, False, False)[0]
    s, u, vh = wide("svd", x, L.svd, full_matrices)
    return SVDResult(u, s, vh)


def _hermitian_svd(x, compute_uv):
    """By the eigenvalues w: s = |w|, and V is U with the signs of w."""
    w, v = eigh(x)
    s = U.absolute(w)
    order = ordering.argsort(s, -1, descending=True)
    s = indexing.take_along_axis(s, order)
    if not compute_uv:
        return s
    u = indexing.take_along_axis(v, order[..., None, :])
    signs = C.convert(U.sign(indexing.take_along_axis(w, order)), v.dtype)
    return SVDResult(u, s, adjoint(U.multiply(u, signs[..., None, :])))


def svdvals(x, /):
    """Singular values, descending. x: float[..., m, n] -> float[..., min(m, n)]

    >>> svdvals(asarray([[3.0, 0.0], [0.0, 4.0]])).tolist()
    [4.0, 3.0]
    """
    return svd(x, compute_uv=False)


def eigh(a, UPLO=None, symmetrize_input=True):
    """Eigenvalues, ascending, and eigenvectors (columns) of a Hermitian matrix [..., n, n].

    Args:
      UPLO: 'L' (default) or 'U': the triangle that counts if symmetrize_input is False.
      symmetrize_input: take the mean of `a` and its adjoint.

    >>> eigh(asarray([[2.0, 0.0], [0.0, 1.0]]))[0].tolist()
    [1.0, 2.0]
    """
    x = matrix("eigh", a, True)
    if UPLO not in (None, "L", "U"):
        raise ArgumentError(f"eigh: expected UPLO 'L' or 'U', got {UPLO!r}")
    if not symmetrize_input and UPLO == "U":
        x = adjoint(x)
    return EighResult(*wide("eigh", x, L.eigh, symmetrize_input))


def eigvalsh(a, UPLO="L", *, symmetrize_input=True):
    """Eigenvalues, ascending, of a Hermitian matrix [..., n, n].

    >>> eigvalsh(asarray([[2.0, 0.0], [0.0, 1.0]])).tolist()
    [1.0, 2.0]
    """
    return eigh(a, UPLO, symmetrize_input)[0]

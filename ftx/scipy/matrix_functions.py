"""Functions of square matrices by their Schur form: sqrtm, funm, schur, solve_sylvester.

In: matrices, the last two axes of an array.  Out: matrices.
LAPACK's part is a step on the host, in compiled programs too.
Must not know: the exponential, which has a formula of its own in `linalg`.
"""

import numpy as np

from ..core import dtypes
from ..core.errors import ArgumentError, ShapeError, UnsupportedError
from ..core.types import ShapeDtypeStruct
from ..lax import custom_linear_solve, fori_loop
from ..lax import linalg as L
from ..numpy import (
    abs,
    any,
    arange,
    conj,
    diagonal,
    eye,
    finfo,
    inf,
    isinf,
    linalg,
    matmul,
    maximum,
    min,
    minimum,
    triu,
    where,
)
from ..numpy.eigen import lapack, on_host
from ..numpy.promotion import asarray, promote_dtypes
from ..transforms.callback import pure_callback
from ..transforms.custom import custom_jvp

__all__ = ["funm", "schur", "solve_sylvester", "sqrtm"]


def schur(a, output="real"):
    """(T, Z) with a = Z T Zᴴ, T upper triangular and Z unitary; no derivative.

    Args:
      a: number[n, n].
      output: "real": of real matrices the real form, whose T has 2 x 2 blocks; "complex".
    Returns: (T, Z), each [n, n].
    Raises: ShapeError for other than square matrices; ArgumentError for another output.

    >>> [v.tolist() for v in schur(asarray([[2.0]]))]
    [[[2.0]], [[1.0]]]
    """
    if output not in ("real", "complex"):
        raise ArgumentError(f"schur: expected output 'real' or 'complex', got {output!r}")
    x = linalg.matrix("schur", a, True)
    x = x if output == "real" else x.astype(dtypes.complex_of(x.dtype))
    return tuple(L.schur(x))


def _transposed(x):
    return x.swapaxes(-1, -2)


def _solutions(a, b, c):
    """The X with a X + X b = c, by LAPACK, for each system."""
    out = np.empty(c.shape, c.dtype)
    for at in np.ndindex(c.shape[:-2]):
        out[at] = lapack().solve_sylvester(a[at], b[at], c[at])
    return out


def solve_sylvester(A, B, C, *, method="schur", tol=1e-08):
    """The X with A X + X B = C.

    Args:
      A: number[..., m, m]; B: number[..., n, n]; C: number[..., m, n].
      method: "schur" or "eigen"; LAPACK's, by Schur forms, is used for both.
      tol: of no effect: what is singular is seen by LAPACK.
    Returns: number[..., m, n]; unique where no eigenvalue of A is one of -B. Differentiable.
    Raises: ShapeError for matrices that do not fit.

    >>> solve_sylvester(asarray([[2.0]]), asarray([[3.0]]), asarray([[10.0]])).tolist()
    [[2.0]]
    """
    if method not in ("schur", "eigen"):
        raise ArgumentError(
            f"solve_sylvester: expected method 'schur' or 'eigen', got {method!r}; leave it out"
        )
    a, b, c = promote_dtypes("solve_sylvester", *map(asarray, (A, B, C)), inexact=True)
    wanted = (a.shape[-2:], b.shape[-2:]) if a.ndim > 1 and b.ndim > 1 else None
    if wanted is None or wanted != ((c.shape[-2],) * 2, (c.shape[-1],) * 2):
        raise ShapeError(
            "solve_sylvester: expected A [..., m, m], B [..., n, n] and C [..., m, n], got "
            f"{a.aval}, {b.aval} and {c.aval}"
        )
    return _sylvester(a, b, c)


def _sylvester(a, b, c):
    def by(a, b):
        wanted = ShapeDtypeStruct(c.shape, c.dtype)
        return lambda _, c: pure_callback(_solutions, wanted, a, b, c, vmap_method="broadcast_all")

    product = lambda x: matmul(a, x) + matmul(x, b)
    return custom_linear_solve(product, c, by(a, b), by(_transposed(a), _transposed(b)))


def sqrtm(A, blocksize=1):
    """The square root of a matrix whose eigenvalues have real parts of at least 0.

    Args:
      A: number[..., n, n], without eigenvalues on the negative real axis.
      blocksize: 1; LAPACK chooses its own.
    Returns: complex[..., n, n]. Differentiable where A is regular.
    Raises: ShapeError for other than square matrices; UnsupportedError for another blocksize.

    >>> sqrtm(asarray([[4.0, 0.0], [0.0, 9.0]])).real.tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    if blocksize != 1:
        raise UnsupportedError(f"sqrtm: expected blocksize=1, got {blocksize!r}; leave it out")
    return _root(linalg.matrix("sqrtm", A, True))


@custom_jvp
def _root(x):
    kind = dtypes.complex_of(x.dtype)
    root = lambda m: (np.asarray(lapack().sqrtm(m), kind),)
    return on_host("sqrtm", root, x, [(x.shape[-2:], kind)])[0]


def _root_rule(primals, tangents):
    """S dS + dS S = dA."""
    root = _root(*primals)
    return root, _sylvester(root, root, tangents[0].astype(root.dtype))


_root.defjvp(_root_rule)


def funm(A, func, disp=True):
    """A function of a matrix, by the recurrence of Parlett on its Schur form.

    Args:
      A: number[n, n], whose eigenvalues are distinct: equal or close ones lose accuracy.
      func: function of complex[n], by element.
      disp: False to return an estimate of the relative error too.
    Returns: complex[n, n], or (complex[n, n], float[]). No derivative.
    Raises: ShapeError for other than a square matrix.
    Source: Golub and Van Loan, "Matrix computations", algorithm 9.1.1.

    >>> funm(asarray([[1.0, 0.0], [0.0, 3.0]]), lambda w: w * w).real.tolist()
    [[1.0, 0.0], [0.0, 9.0]]
    """
    x = linalg.matrix("funm", A, True)
    if x.ndim != 2:
        raise ShapeError(
            f"funm: expected one matrix [n, n], got {x.aval}; map over several by vmap"
        )
    t, z = schur(x, "complex")
    n, w = x.shape[-1], diagonal(t)
    gaps = w[None, :] - w[:, None]
    off = arange(n)[None, :] - arange(n)[:, None]

    def fill(p, found):
        """The p-th diagonal above the main one, from those below it."""
        now = off == p
        moved = matmul(t, found) - matmul(found, t)
        return where(now, moved / where(now & (gaps != 0), gaps, 1), found)

    start = eye(n, dtype=t.dtype) * asarray(func(w)).astype(t.dtype)
    found = fori_loop(1, n, fill, start)
    out = matmul(matmul(z, found), conj(_transposed(z)))
    return out if disp else (out, _error_of(t, gaps, off, out))


def _error_of(t, gaps, off, out):
    eps = float(finfo(t.dtype).eps)
    least = min(where(off > 0, abs(gaps), inf), initial=1.0)
    size = linalg.norm(triu(t, 1), 1)
    error = minimum(1.0, maximum(eps, eps / where(least == 0, eps, least) * size))
    return where(any(isinf(abs(out))), inf, error)

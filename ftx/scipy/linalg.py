"""ftx.scipy.linalg: factorisations and systems with the names of jax.scipy.linalg.

In: matrices, the last two axes of an array.  Out: arrays and tuples of them.
The arguments overwrite_*, check_finite, debug, lwork and turbo, which only save work elsewhere,
have no effect.
Must not know: LAPACK.
"""

import math

from ..core import dtypes
from ..core.errors import ArgumentError, ShapeError, UnsupportedError
from ..core.primitives import elementwise as E
from ..core.primitives import linalg as L
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..numpy import creation, indexing, joining, linear_algebra, reductions, shapes
from ..numpy import elementwise as U
from ..numpy import linalg as N
from ..numpy.promotion import asarray, broadcast_value, common_shape, promote_dtypes
from . import matrix_functions
from .matrix_functions import *  # noqa: F403

__all__ = [
    *("block_diag", "cho_factor", "cho_solve", "cholesky", "det", "eigh", "expm", "inv", "lu"),
    *("lu_factor", "lu_solve", "qr", "solve", "solve_triangular", "svd", "toeplitz"),
    *matrix_functions.__all__,
]


def cholesky(a, lower=False, overwrite_a=False, check_finite=True):
    """Cholesky factor, upper by default. a: float[..., n, n], positive definite

    >>> cholesky(asarray([[4.0]])).tolist()
    [[2.0]]
    """
    return N.cholesky(a, upper=not lower)


def cho_factor(a, lower=False, overwrite_a=False, check_finite=True):
    """(factor, lower) for `cho_solve`. a: float[..., n, n], positive definite

    >>> cho_factor(asarray([[4.0]]))[0].tolist()
    [[2.0]]
    """
    return cholesky(a, lower), lower


def cho_solve(c_and_lower, b, overwrite_b=False, check_finite=True):
    """X with A X = b, from the Cholesky factor of A. b: float[n] or [..., n, k]

    >>> cho_solve(cho_factor(asarray([[4.0]])), asarray([8.0])).tolist()
    [2.0]
    """
    factor, lower = c_and_lower
    first = solve_triangular(factor, b, trans=0 if lower else 2, lower=lower)
    return solve_triangular(factor, first, trans=2 if lower else 0, lower=lower)


def solve_triangular(
    a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, debug=None,
    check_finite=True,
):  # fmt: skip
    """X with op(a) X = b for a triangular a. a: float[..., n, n]; b: float[n] or [..., n, k]

    Args:
      trans: 0 or 'N': a; 1 or 'T': its transpose; 2 or 'C': its adjoint.
      lower: whether the lower triangle counts.
      unit_diagonal: take the diagonal as 1.

    >>> solve_triangular(asarray([[2.0]]), asarray([4.0])).tolist()
    [2.0]
    """
    how = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}.get(trans)
    if how is None:
        raise ArgumentError(
            f"solve_triangular: expected trans 0, 1, 2, 'N', 'T' or 'C', got {trans!r}"
        )
    x, y = promote_dtypes("solve_triangular", asarray(a), asarray(b), inexact=True)
    x = N.matrix("solve_triangular", x, True)
    vector = y.ndim == 1
    y = S.expand_dims(y, (1,)) if vector else y
    if y.ndim < 2 or y.shape[-2] != x.shape[-1]:
        raise ShapeError(f"solve_triangular: expected b to fit {x.aval}, got {y.aval}")
    lead = common_shape("solve_triangular", x.shape[:-2], y.shape[:-2])
    x = broadcast_value(x, (*lead, *x.shape[-2:]))
    y = broadcast_value(y, (*lead, *y.shape[-2:]))
    half, dtype = x.dtype.itemsize == 2, x.dtype
    if half:
        x, y = C.convert(x, dtypes.float32), C.convert(y, dtypes.float32)
    out = L.triangular_solve(
        x, y, left_side=True, lower=lower, transpose_a=how > 0, conjugate_a=how == 2,
        unit_diagonal=unit_diagonal,
    )  # fmt: skip
    out = C.convert(out, dtype) if half else out
    return S.squeeze(out, (out.ndim - 1,)) if vector else out


def solve(
    a, b, lower=False, overwrite_a=False, overwrite_b=False, debug=False, check_finite=True,
    assume_a="gen",
):  # fmt: skip
    """X with a X = b. a: float[..., n, n]; b: float[n] or [..., n, k]

    Args:
      assume_a: 'gen', 'sym', 'her', or 'pos' for positive definite matrices.

    >>> solve(asarray([[2.0]]), asarray([4.0])).tolist()
    [2.0]
    """
    if assume_a not in ("gen", "sym", "her", "pos"):
        raise ArgumentError(f"solve: expected assume_a gen, sym, her or pos, got {assume_a!r}")
    return cho_solve(cho_factor(a, lower), b) if assume_a == "pos" else N.solve(a, b)


def lu_factor(a, overwrite_a=False, check_finite=True):
    """(LU in one matrix, pivots int32[..., n]) for `lu_solve`. a: float[..., n, n]

    >>> lu_factor(asarray([[2.0]]))[0].tolist()
    [[2.0]]
    """
    factors, pivots, _ = L.lu(N.matrix("lu_factor", a))
    return factors, C.convert(pivots, dtypes.int32)


def lu_solve(lu_and_piv, b, trans=0, overwrite_b=False, check_finite=True):
    """X with op(A) X = b, from `lu_factor` of A. b: float[n] or [n, k]

    Args:
      trans: 0: A; 1: its transpose; 2: its adjoint.

    >>> lu_solve(lu_factor(asarray([[2.0]])), asarray([4.0])).tolist()
    [2.0]
    """
    factors, pivots = lu_and_piv
    if asarray(factors).ndim != 2:
        raise UnsupportedError(
            f"lu_solve: expected factors [n, n], got {asarray(factors).aval}; use vmap"
        )
    x, y = promote_dtypes("lu_solve", factors, asarray(b), inexact=True)
    vector = y.ndim == 1
    y = S.expand_dims(y, (1,)) if vector else y
    order = _order(pivots, x.shape[-1])
    if trans == 0:
        out = N.lu_solve_with(x, order, y)
    else:
        adjoint = {"transpose_a": True, "conjugate_a": trans == 2}
        out = L.triangular_solve(x, y, left_side=True, lower=False, **adjoint)
        out = L.triangular_solve(x, out, left_side=True, lower=True, unit_diagonal=True, **adjoint)
        out = indexing.take(out, _inverse_order(order), 0, mode="promise_in_bounds")
    return S.squeeze(out, (1,)) if vector else out


def _inverse_order(order):
    """Where each row goes back to."""
    n = order.shape[0]
    zero = creation.zeros((n,), dtypes.int64)
    return indexing.At(zero)[order].set(creation.arange(n), mode="promise_in_bounds")


def _order(pivots, n):
    """The row order that a sequence of exchanges makes."""
    order = creation.arange(n)
    for i in range(pivots.shape[0]):
        j = indexing.getitem(pivots, i)
        first, second = indexing.getitem(order, i), indexing.getitem(order, j)
        order = indexing.At(order)[i].set(second)
        order = indexing.At(order)[j].set(first)
    return order


def lu(a, permute_l=False, overwrite_a=False, check_finite=True):
    """(P, L, U) with P L U = a, or (P L, U). a: float[..., m, n]

    >>> lu(asarray([[2.0]]))[2].tolist()
    [[2.0]]
    """
    x = N.matrix("lu", a)
    factors, _, order = L.lu(x)
    m, n = x.shape[-2:]
    k = min(m, n)
    low = S.slice_axis(factors, x.ndim - 1, 0, k)
    low = U.add(creation.tril(low, -1), creation.eye(m, k, dtype=x.dtype))
    high = creation.triu(S.slice_axis(factors, x.ndim - 2, 0, k))
    # Row i of the factors is row order[i] of a.
    place = S.iota(dtypes.int64, (*order.shape, m), order.ndim)
    p = C.convert(
        E.eq(
            place,
            S.broadcast_in_dim(
                C.convert(order, dtypes.int64), place.shape, tuple(range(order.ndim))
            ),
        ),
        x.dtype,
    )
    p = shapes.swapaxes(p, -1, -2)
    return (linear_algebra.matmul(p, low), high) if permute_l else (p, low, high)


def qr(a, overwrite_a=False, lwork=None, mode="full", pivoting=False, check_finite=True):
    """Q and R with Q R = a, square Q unless mode='economic'. a: float[..., m, n]

    >>> len(qr(asarray([[2.0]])))
    2
    """
    if pivoting:
        raise UnsupportedError(f"qr: expected pivoting=False, got {pivoting}")
    known = {"full": "complete", "economic": "reduced", "r": "r"}
    if mode not in known:
        raise ArgumentError(f"qr: expected mode full, economic or r, got {mode!r}")
    found = N.qr(a, known[mode])
    return (found,) if mode == "r" else tuple(found)


def svd(
    a, full_matrices=True, compute_uv=True, overwrite_a=False, check_finite=True,
    lapack_driver="gesdd",
):  # fmt: skip
    """U, s, Vᴴ, or s alone. a: float[..., m, n]

    >>> svd(asarray([[2.0]]), compute_uv=False).tolist()
    [2.0]
    """
    found = N.svd(a, full_matrices, compute_uv)
    return tuple(found) if compute_uv else found


def eigh(
    a, b=None, lower=True, eigvals_only=False, overwrite_a=False, overwrite_b=False, turbo=True,
    eigvals=None, type=1, check_finite=True,
):  # fmt: skip
    """Eigenvalues, ascending, and eigenvectors of a Hermitian matrix [..., n, n].

    >>> eigh(asarray([[2.0]]), eigvals_only=True).tolist()
    [2.0]
    """
    if b is not None or eigvals is not None or type != 1:
        raise UnsupportedError(
            f"eigh: expected b=None, eigvals=None and type=1, got b={b is not None}, "
            f"eigvals={eigvals}, type={type}; reduce the problem by cholesky, and slice the "
            "result"
        )
    w, v = N.eigh(a, "L" if lower else "U", symmetrize_input=True)
    return w if eigvals_only else (w, v)


def inv(a, overwrite_a=False, check_finite=True):
    """The inverse matrix. a: float[..., n, n]

    >>> inv(asarray([[2.0]])).tolist()
    [[0.5]]
    """
    return N.inv(a)


def det(a, overwrite_a=False, check_finite=True):
    """Determinant. a: float[..., n, n] -> float[...]

    >>> float(det(asarray([[2.0]])))
    2.0
    """
    return N.det(a)


def block_diag(*arrs):
    """A matrix with the given matrices along its diagonal.

    >>> block_diag(asarray([[1]]), asarray([[2]])).tolist()
    [[1, 0], [0, 2]]
    """
    given = promote_dtypes("block_diag", *[asarray(a) for a in arrs]) if arrs else []
    values = [shapes.atleast_2d(a) for a in given]
    if not values:
        return creation.zeros((1, 0))
    total, start, rows = sum(v.shape[1] for v in values), 0, []
    for v in values:
        rest = total - start - v.shape[1]
        rows.append(S.pad(v, S.full((), 0, v.dtype), ((0, 0, 0), (start, rest, 0))))
        start += v.shape[1]
    return S.concatenate(rows, 0)


def toeplitz(c, r=None):
    """The matrix with first column c and first row r, constant along diagonals. c: [m], r: [n]

    >>> toeplitz(asarray([1, 2]), asarray([1, 3])).tolist()
    [[1, 3], [2, 1]]
    """
    column = shapes.ravel(asarray(c))
    row = column if r is None else shapes.ravel(asarray(r))
    column, row = promote_dtypes("toeplitz", column, row)
    m, n = column.shape[0], row.shape[0]
    line = joining.concatenate([shapes.flip(column), S.slice_axis(row, 0, 1, max(n, 1))])
    i, j = (S.iota(dtypes.int64, (m, n), a) for a in (0, 1))
    place = E.add(E.sub(j, i), S.full((m, n), m - 1, dtypes.int64))
    return indexing.take(line, place, mode="promise_in_bounds")


_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
    129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0,
    40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
"""Coefficients of the diagonal Padé approximant of order 13."""


def expm(A, *, upper_triangular=False, max_squarings=16):
    """Matrix exponential; NaN if it would take more than max_squarings. A: float[..., n, n]

    Source: Higham, "The scaling and squaring method for the matrix exponential revisited" (2005).

    >>> expm(asarray([[0.0, 1.0], [0.0, 0.0]])).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    x = N.matrix("expm", A, True)
    limit = 5.37 if x.dtype.itemsize > 4 + 4 * dtypes.is_complex(x.dtype) else 3.92
    size = reductions.max(reductions.sum(U.absolute(x), -2), -1)
    count = U.maximum(0, U.ceil(U.log2(U.divide(size, limit))))
    count = C.select(E.is_finite(count), count, S.full(count.shape, 0, count.dtype))
    used = U.minimum(count, max_squarings)
    spread = lambda v: S.broadcast_in_dim(v, x.shape, tuple(range(v.ndim)))
    y = U.divide(x, C.convert(spread(U.exp2(used)), x.dtype))
    eye = broadcast_value(creation.eye(x.shape[-1], dtype=x.dtype), x.shape)
    square = linear_algebra.matmul(y, y)
    powers = [eye, square, linear_algebra.matmul(square, square)]
    powers.append(linear_algebra.matmul(powers[2], square))
    # Scaled by the leading coefficient, so that nothing overflows in float32.
    b = [c / _PADE[0] for c in _PADE]
    mix = lambda cs: _sum([U.multiply(p, c) for p, c in zip(powers, cs, strict=True)])
    odd_high = linear_algebra.matmul(powers[3], mix((0.0, b[9], b[11], b[13])))
    odd = linear_algebra.matmul(y, U.add(odd_high, mix((b[1], b[3], b[5], b[7]))))
    even_high = linear_algebra.matmul(powers[3], mix((0.0, b[8], b[10], b[12])))
    even = U.add(even_high, mix((b[0], b[2], b[4], b[6])))
    out = N.solve(U.subtract(even, odd), U.add(even, odd))
    for i in range(max_squarings):
        more = spread(U.greater(used, i))
        out = C.select(more, linear_algebra.matmul(out, out), out)
    too_many = spread(U.greater(count, max_squarings))
    return C.select(too_many, S.full(x.shape, math.nan, x.dtype), out)


def _sum(terms):
    total = terms[0]
    for t in terms[1:]:
        total = U.add(total, t)
    return total

"""ftx.numpy.linalg: factorisations, systems, norms; matrices are the last two axes.

In: arrays [..., m, n].  Out: arrays, or named tuples of them.
Systems and determinants follow from LU; everything is differentiable.
Must not know: LAPACK, which the primitives call.
"""

import math
import operator
from typing import Any, NamedTuple

import numpy as np

from ..core import dtypes
from ..core.errors import ArgumentError, ShapeError
from ..core.primitives import elementwise as E
from ..core.primitives import linalg as L
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.primitives import transcendental as T
from ..transforms.custom import custom_jvp
from . import creation, indexing, linear_algebra, reductions, shapes
from . import elementwise as U
from .eigen import EigResult, eig, eigvals  # noqa: F401  for export
from .factorisations import (
    EighResult,  # noqa: F401  some of these are for export
    QRResult,  # noqa: F401
    SVDResult,  # noqa: F401
    adjoint,
    cholesky,  # noqa: F401
    column,
    eigh,  # noqa: F401
    eigvalsh,  # noqa: F401
    eye_like,
    matrix,
    qr,
    row,
    svd,
    svdvals,
    wide,
)
from .promotion import (
    asarray,
    axis_index,
    axis_tuple,
    broadcast_value,
    common_shape,
    operand,
    promote_dtypes,
)

__all__ = [
    *("cholesky", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals"),
    *("eigvalsh", "inv", "lstsq", "EigResult"),
    *("matmul", "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "multi_dot"),
    *("norm", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot"),
    *("tensorinv", "tensorsolve", "trace", "vecdot", "vector_norm", "EighResult", "QRResult"),
    *("SVDResult", "SlogdetResult"),
]


class SlogdetResult(NamedTuple):
    """Sign (or phase) of a determinant, and the logarithm of its size."""

    sign: Any
    logabsdet: Any


def _factored(x):
    """LU in one matrix, the row order, and the sign of that order."""
    lu, pivots, order = L.lu(x)
    n = x.shape[-1]
    place = S.iota(pivots.dtype, pivots.shape, pivots.ndim - 1)
    swaps = R.reduce_sum(C.convert(E.ne(pivots, place), dtypes.int32), (pivots.ndim - 1,))
    odd = E.and_(swaps, S.full(swaps.shape, 1, dtypes.int32))
    sign = C.convert(E.sub(S.full(odd.shape, 1, odd.dtype), E.add(odd, odd)), x.dtype)
    return lu, order, sign, n


def lu_solve_with(lu, order, b):
    """X with A X = b from the factors of A. b: [..., n, k]"""
    rows = indexing.take_along_axis(
        b, broadcast_value(column(C.convert(order, dtypes.int64)), b.shape), axis=-2,
        mode="promise_in_bounds",
    )  # fmt: skip
    y = L.triangular_solve(lu, rows, left_side=True, lower=True, unit_diagonal=True)
    return L.triangular_solve(lu, y, left_side=True, lower=False)


@custom_jvp
def _solve(a, b):
    lu, order, _, _ = _factored(a)
    return lu_solve_with(lu, order, b)


def _solve_rule(primals, tangents):
    """dX = A⁻¹ (db - dA X)."""
    (a, b), (da, db) = primals, tangents
    x = _solve(a, b)
    return x, _linear_solve(a, E.sub(db, linear_algebra.matmul(da, x)))


def _linear_solve(a, b):
    """A⁻¹ b as a function linear in b: the factors are constants of the derivative."""
    lu, order, _, _ = _factored(a)
    return lu_solve_with(lu, order, b)


_solve.defjvp(_solve_rule)


def solve(a, b):
    """X with a X = b. a: float[..., n, n]; b: float[n] or [..., n, k] -> shape of b

    >>> solve(asarray([[2.0, 0.0], [0.0, 4.0]]), asarray([2.0, 4.0])).tolist()
    [1.0, 1.0]
    """
    x, y = promote_dtypes("solve", asarray(a), asarray(b), inexact=True)
    x = matrix("solve", x, True)
    vector = y.ndim == 1
    y = column(y) if vector else y
    if y.ndim < 2 or y.shape[-2] != x.shape[-1]:
        raise ShapeError(f"solve: expected b of size {x.shape[-1]} to fit {x.aval}, got {y.aval}")
    lead = common_shape("solve", x.shape[:-2], y.shape[:-2])
    x = broadcast_value(x, (*lead, *x.shape[-2:]))
    y = broadcast_value(y, (*lead, *y.shape[-2:]))
    if x.dtype.itemsize == 2:
        halves = C.convert(x, dtypes.float32), C.convert(y, dtypes.float32)
        found = C.convert(_solve(*halves), x.dtype)
    else:
        found = _solve(x, y)
    return S.squeeze(found, (found.ndim - 1,)) if vector else found


def inv(a):
    """The inverse matrix. a: float[..., n, n]

    >>> inv(asarray([[2.0, 0.0], [0.0, 4.0]])).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    x = matrix("inv", a, True)
    return solve(x, eye_like(x))


@custom_jvp
def _slogdet(x):
    lu, _, sign, _ = _factored(x)
    line = shapes.diagonal(lu, 0, -2, -1)
    size = E.abs_(line)
    phase = reductions.prod(U.sign(line), -1)
    return E.mul(sign, phase), reductions.sum(T.log(size), -1)


def _slogdet_rule(primals, tangents):
    """d log|det A| = Re tr(A⁻¹ dA); the sign turns by the imaginary part."""
    (x,), (t,) = primals, tangents
    sign, logs = _slogdet(x)
    change = linear_algebra.trace(_linear_solve(x, t), 0, -2, -1)
    if not dtypes.is_complex(x.dtype):
        return (sign, logs), (E.mul(sign, S.full(sign.shape, 0, sign.dtype)), change)
    turn = C.complex_(S.full(logs.shape, 0, logs.dtype), C.imag(change))
    return (sign, logs), (E.mul(turn, sign), C.real(change))


_slogdet.defjvp(_slogdet_rule)


def _slogdet_by_qr(x):
    """det Q det R: rotations and reflections, and a triangle."""
    q, r = qr(x)
    diagonal = shapes.diagonal(r, 0, -2, -1)
    size = U.absolute(diagonal)
    sign = E.mul(det(q), reductions.prod(U.sign(diagonal), -1))
    return sign, reductions.sum(U.log(size), -1)


def slogdet(a, *, method=None):
    """Sign of the determinant and logarithm of its size. a: float[..., n, n] -> two [...]

    Args:
      method: 'lu' (default) or 'qr', the factors from which it is read.

    >>> slogdet(asarray([[2.0, 0.0], [0.0, 0.5]]))[1].tolist()
    0.0
    """
    if method not in (None, "lu", "qr"):
        raise ArgumentError(f"slogdet: expected method None, 'lu' or 'qr', got {method!r}")
    by = _slogdet_by_qr if method == "qr" else _slogdet
    sign, logs = wide("slogdet", matrix("slogdet", a, True), by)
    return SlogdetResult(sign, logs)


@custom_jvp
def _det(x):
    lu, _, sign, _ = _factored(x)
    return E.mul(sign, reductions.prod(shapes.diagonal(lu, 0, -2, -1), -1))


def _det_rule(primals, tangents):
    """d det A = det A tr(A⁻¹ dA)."""
    (x,), (t,) = primals, tangents
    out = _det(x)
    return out, E.mul(out, linear_algebra.trace(_linear_solve(x, t), 0, -2, -1))


_det.defjvp(_det_rule)


def _small_det(x):
    """By the formula, up to 3 by 3: exact derivatives also of singular matrices."""
    n = x.shape[-1]
    at = lambda i, j: indexing.getitem(x, (..., i, j))
    if n == 1:
        return at(0, 0)
    if n == 2:
        return E.sub(E.mul(at(0, 0), at(1, 1)), E.mul(at(0, 1), at(1, 0)))
    minor = lambda i, j: E.sub(E.mul(at(1, i), at(2, j)), E.mul(at(1, j), at(2, i)))
    first = E.mul(at(0, 0), minor(1, 2))
    return E.add(E.sub(first, E.mul(at(0, 1), minor(0, 2))), E.mul(at(0, 2), minor(0, 1)))


def det(a):
    """Determinant. a: float[..., n, n] -> float[...]

    >>> det(asarray([[2.0, 1.0], [1.0, 3.0]])).tolist()
    5.0
    """
    x = matrix("det", a, True)
    if x.shape[-1] == 0:
        return S.full(x.shape[:-2], 1, x.dtype)
    return _small_det(x) if x.shape[-1] <= 3 else wide("det", x, _det)


def matrix_power(a, n):
    """`a` multiplied by itself, n times; of negative n the inverse's. a: float[..., m, m]

    >>> matrix_power(asarray([[1.0, 1.0], [0.0, 1.0]]), 3).tolist()
    [[1.0, 3.0], [0.0, 1.0]]
    """
    x, n = asarray(a), operator.index(n)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"matrix_power: expected a square matrix [..., m, m], got {x.aval}")
    if n < 0:
        x, n = inv(x), -n
    result = None
    while n:
        if n & 1:
            result = x if result is None else linear_algebra.matmul(result, x)
        n >>= 1
        x = linear_algebra.matmul(x, x) if n else x
    return eye_like(x) if result is None else result


def pinv(a, rtol=None, hermitian=False, *, rcond=None):
    """Moore-Penrose inverse; singular values below rtol times the largest count as 0.

    a: float[..., m, n] -> float[..., n, m]; rtol: number or real[...]

    >>> pinv(asarray([[2.0], [0.0]])).tolist()
    [[0.5, 0.0]]
    """
    x = matrix("pinv", a)
    limit = rtol if rtol is not None else rcond
    if limit is None:
        limit = 10.0 * max(x.shape[-2:]) * float(np.finfo(x.dtype).eps)
    u, s, vh = svd(x, full_matrices=False, hermitian=hermitian)
    used = U.greater(s, _share_of_largest(s, limit))
    one, zero = S.full(s.shape, 1, s.dtype), S.full(s.shape, 0, s.dtype)
    scale = C.convert(C.select(used, E.div(one, C.select(used, s, one)), zero), x.dtype)
    return linear_algebra.matmul(U.multiply(adjoint(vh), row(scale)), adjoint(u))


def _share_of_largest(s, rtol):
    """rtol, a number or real[...], times the largest of s[..., k], singular values; 0 of none."""
    rtol = shapes.expand_dims(asarray(rtol), -1) if getattr(rtol, "ndim", 0) else rtol
    return U.multiply(reductions.max(s, -1, keepdims=True, initial=0), rtol)


def lstsq(a, b, rcond=None, *, numpy_resid=False):
    """Least squares: x that minimises |a x - b|, the residuals, the rank, singular values.

    a: float[m, n]; b: float[m] or [m, k]

    >>> lstsq(asarray([[2.0], [0.0]]), asarray([4.0, 0.0]))[0].tolist()
    [2.0]
    """
    x, y = promote_dtypes("lstsq", asarray(a), asarray(b), inexact=True)
    if x.ndim != 2 or y.ndim not in (1, 2) or x.shape[0] != y.shape[0]:
        raise ShapeError(f"lstsq: expected a [m, n] and b [m] or [m, k], got {x.aval}, {y.aval}")
    vector = y.ndim == 1
    y = column(y) if vector else y
    m, n = x.shape
    limit = float(np.finfo(x.dtype).eps) * max(m, n) if rcond is None or rcond < 0 else rcond
    u, s, vh = svd(x, full_matrices=False)
    used = U.greater_equal(s, U.multiply(limit, reductions.max(s)))
    rank = reductions.sum(used)
    one, zero = S.full(s.shape, 1, s.dtype), S.full(s.shape, 0, s.dtype)
    scale = C.convert(C.select(used, E.div(one, C.select(used, s, one)), zero), x.dtype)
    inner = U.multiply(linear_algebra.matmul(adjoint(u), y), column(scale))
    found = linear_algebra.matmul(adjoint(vh), inner)
    gap = U.subtract(y, linear_algebra.matmul(x, found))
    residuals = reductions.sum(U.square(U.absolute(gap)), 0)
    if numpy_resid and (int(rank) < n or m <= n):
        residuals = creation.zeros((0,), s.dtype)
    if vector:
        found = S.squeeze(found, (1,))
    return found, residuals, rank, s


def matrix_rank(M, rtol=None, *, hermitian=False, tol=None):
    """Number of singular values above a tolerance. M: float[..., m, n] -> integer[...]

    Args:
      rtol: tolerance, number or real[...], in units of the largest singular value, as NumPy's
        (JAX takes it for an absolute one); `tol` is absolute.
      hermitian: M is Hermitian; its singular values are found by `eigh`, at less cost.

    >>> matrix_rank(asarray([[1.0, 1.0], [1.0, 1.0]])).tolist()
    1
    """
    x = asarray(M)
    if x.ndim < 2:
        return C.convert(reductions.any(x), dtypes.default_int())
    s = svd(x, compute_uv=False, hermitian=hermitian)
    if tol is None:
        eps = float(np.finfo(s.dtype).eps) * max(x.shape[-2:])
        tol = _share_of_largest(s, eps if rtol is None else rtol)
    return reductions.sum(U.greater(s, tol), -1)


def cond(x, p=None):
    """Condition number: norm of x times norm of its inverse. x: float[..., n, n] -> float[...]

    >>> cond(asarray([[2.0, 0.0], [0.0, 1.0]])).tolist()
    2.0
    """
    a = matrix("cond", x)
    if p in (None, 2, -2):
        s = svdvals(a)
        first, last = indexing.getitem(s, (..., 0)), indexing.getitem(s, (..., -1))
        return U.divide(last, first) if p == -2 else U.divide(first, last)
    return U.multiply(norm(a, p, (-2, -1)), norm(inv(a), p, (-2, -1)))


def norm(x, ord=None, axis=None, keepdims=False):
    """Norm of vectors along one axis, or of matrices along two; of all elements by default.

    Args:
      ord: vectors: a number, inf, -inf, 0; matrices: 'fro', 'nuc', 1, -1, 2, -2, inf, -inf.

    >>> norm(asarray([3.0, 4.0])).tolist()
    5.0
    """
    (v,) = promote_dtypes("norm", asarray(x), inexact=True)
    if axis is None and ord is None:
        flat = vector_norm(S.reshape(v, (v.size,)))
        return S.reshape(flat, (1,) * v.ndim) if keepdims else flat
    axes = axis_tuple("norm", axis, v.ndim)
    if len(axes) == 1:
        return _vector_norm(v, 2 if ord is None else ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(v, "fro" if ord is None else ord, axes, keepdims)
    raise ShapeError(f"norm: expected one or two axes of {v.aval}, got {axis}")


def _vector_norm(v, order, axes, keepdims):
    if isinstance(order, str):
        raise ArgumentError(f"norm: expected a number as ord of a vector norm, got {order!r}")
    if order == 2:
        square = E.square(v)
        if dtypes.is_complex(v.dtype):
            square = E.add(E.square(C.real(v)), E.square(C.imag(v)))
        return T.sqrt(reductions.sum(square, axes, keepdims=keepdims))
    size = U.absolute(v)
    if order == math.inf:
        return reductions.max(size, axes, keepdims=keepdims)
    if order == -math.inf:
        return reductions.min(size, axes, keepdims=keepdims)
    if order == 0:
        counted = C.convert(U.not_equal(v, 0), size.dtype)
        return reductions.sum(counted, axes, keepdims=keepdims)
    if order == 1:
        return reductions.sum(size, axes, keepdims=keepdims)
    total = reductions.sum(U.power(size, order), axes, keepdims=keepdims)
    return U.power(total, 1.0 / order)


def _matrix_norm(v, order, axes, keepdims):
    down, across = axes
    if order in ("fro", "f"):
        return _vector_norm(v, 2, axes, keepdims)
    size = U.absolute(v)
    if order in (1, -1, math.inf, -math.inf):
        inner, outer = (down, across) if order in (1, -1) else (across, down)
        fold = reductions.max if order > 0 else reductions.min
        found = fold(reductions.sum(size, inner, keepdims=True), outer, keepdims=True)
    elif order in (2, -2, "nuc"):
        s = svdvals(shapes.moveaxis(v, axes, (-2, -1)))
        fold = {2: reductions.max, -2: reductions.min, "nuc": reductions.sum}[order]
        found = fold(s, -1)
        found = S.expand_dims(found, tuple(sorted(axes)))
    else:
        raise ArgumentError(f"norm: expected a known ord of a matrix norm, got {order!r}")
    return found if keepdims else S.squeeze(found, axes)


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """Norm of vectors along axes; None for all elements.

    >>> vector_norm(asarray([3.0, 4.0])).tolist()
    5.0
    """
    (v,) = promote_dtypes("vector_norm", asarray(x), inexact=True)
    return _vector_norm(v, ord, axis_tuple("vector_norm", axis, v.ndim), keepdims)


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    """Norm of matrices [..., m, n].

    >>> matrix_norm(asarray([[3.0, 4.0]])).tolist()
    5.0
    """
    return norm(x, ord, (-2, -1), keepdims)


def multi_dot(arrays, *, precision=None):
    """Product of several matrices, in the cheapest order; the ends may be vectors.

    >>> multi_dot([asarray([[1.0]]), asarray([[2.0]]), asarray([[3.0]])]).tolist()
    [[6.0]]
    """
    given = [asarray(a) for a in arrays]
    if len(given) < 2:
        raise ShapeError(f"multi_dot: expected at least two arrays, got {len(given)}")
    letters = "abcdefghijklmnopqrstuvwxyz"
    terms = [letters[i : i + 2] for i in range(len(given))]
    terms[0] = terms[0] if given[0].ndim == 2 else terms[0][1]
    terms[-1] = terms[-1] if given[-1].ndim == 2 else terms[-1][0]
    out = (terms[0][0] if given[0].ndim == 2 else "") + (
        terms[-1][1] if given[-1].ndim == 2 else ""
    )
    return linear_algebra.einsum(
        f"{','.join(terms)}->{out}", *given, optimize="optimal", precision=precision
    )


def tensorsolve(a, b, axes=None):
    """X with tensordot(a, X, X.ndim) = b. a: of shape b.shape + X.shape, equal in size.

    >>> tensorsolve(asarray([[2.0]]), asarray([4.0])).tolist()
    [2.0]
    """
    x, y = asarray(a), asarray(b)
    if axes is not None:
        rest = [i for i in range(x.ndim) if i not in {k % x.ndim for k in axes}]
        x = S.transpose(x, [*rest, *[k % x.ndim for k in axes]])
    shape = x.shape[y.ndim :]
    n = math.prod(shape)
    return S.reshape(solve(S.reshape(x, (n, n)), S.reshape(y, (n,))), shape)


def tensorinv(a, ind=2):
    """The inverse of `a` under tensordot over its first `ind` axes.

    >>> tensorinv(asarray([[2.0]]), 1).tolist()
    [[0.5]]
    """
    x = asarray(a)
    first, rest = x.shape[:ind], x.shape[ind:]
    n = math.prod(rest)
    return S.reshape(inv(S.reshape(x, (n, n))), (*rest, *first))


def cross(x1, x2, /, *, axis=-1):
    """Vector product of vectors of 3 components along an axis.

    >>> cross(asarray([1, 0, 0]), asarray([0, 1, 0])).tolist()
    [0, 0, 1]
    """
    x, y = operand("cross", x1), operand("cross", x2)
    sizes = {v.shape[axis_index("cross", axis, v.ndim)] for v in (x, y)}
    if sizes != {3}:
        raise ShapeError(
            f"cross: expected vectors of 3 components along axis {axis}, got {x.aval} and "
            f"{y.aval}; ftx.numpy.cross takes 2 components too"
        )
    return linear_algebra.cross(x, y, axis=axis)


def outer(x1, x2, /):
    """Product of every element of x1 [m] with every one of x2 [n].

    >>> outer(asarray([1, 2]), asarray([3])).tolist()
    [[3], [6]]
    """
    x, y = operand("outer", x1), operand("outer", x2)
    if x.ndim != 1 or y.ndim != 1:
        raise ShapeError(
            f"outer: expected vectors, got {x.aval} and {y.aval}; ftx.numpy.outer flattens"
        )
    return linear_algebra.outer(x, y)


def diagonal(x, /, *, offset=0):
    """Diagonals of matrices [..., m, n].

    >>> diagonal(asarray([[1, 2], [3, 4]])).tolist()
    [1, 4]
    """
    return shapes.diagonal(operand("diagonal", x), offset, -2, -1)


def trace(x, /, *, offset=0, dtype=None):
    """Sum of the diagonals of matrices [..., m, n].

    >>> trace(asarray([[1, 2], [3, 4]])).tolist()
    5
    """
    return linear_algebra.trace(operand("trace", x), offset, -2, -1, dtype)


vecdot = linear_algebra.vecdot
matrix_transpose = shapes.matrix_transpose


def matmul(x1, x2, /, *, precision=None, preferred_element_type=None):
    """Matrix product, as `ftx.numpy.matmul`. x1: [..., m, k] or [k]; x2: [..., k, n] or [k]

    >>> matmul(asarray([[1, 2]]), asarray([[3], [4]])).tolist()
    [[11]]
    """
    return linear_algebra.matmul(
        x1, x2, precision=precision, preferred_element_type=preferred_element_type
    )


def tensordot(x1, x2, /, *, axes=2, precision=None, preferred_element_type=None, out_sharding=None):
    """Sum of products over axes, as `ftx.numpy.tensordot`.

    >>> tensordot(asarray([[1, 2]]), asarray([[3, 4]]), axes=2).tolist()
    11
    """
    return linear_algebra.tensordot(
        x1, x2, axes, precision=precision, preferred_element_type=preferred_element_type,
        out_sharding=out_sharding,
    )  # fmt: skip

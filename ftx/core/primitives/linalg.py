"""Factorisations and triangular systems; matrices are the last two axes, all others run together.

In: real or complex arrays of 32-bit parts or wider.  Out: factors of the same dtype.
Compiled programs call the NumPy rule, which calls LAPACK.
Knows nothing of: solve, inv, det and norms, which `ftx.numpy.linalg` builds from these.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..errors import DTypeError, ShapeError
from ..primitive import BatchAxis, Primitive
from ..types import ShapedArray
from . import elementwise as E
from . import selection as C
from . import shape as S
from .dot import dot
from .formula import full_like

LETTERS = "abcdefghpqrstuvwxyz"
"""Labels of batch axes in specs; i, j, k, l, m, n, o are left for matrices."""


def matmul(x: Any, y: Any) -> Any:
    """Matrix product over the last two axes, batch axes equal."""
    b = LETTERS[: x.ndim - 2]
    return dot(x, y, f"{b}ik,{b}kj->{b}ij")


def transposed(x: Any) -> Any:
    """The last two axes swapped."""
    n = x.ndim
    return S.transpose(x, (*range(n - 2), n - 1, n - 2))


def adjoint(x: Any) -> Any:
    """Conjugate transpose."""
    x = transposed(x)
    return C.conj(x) if dtypes.is_complex(x.dtype) else x


def triangle(x: Any, lower: bool, offset: int = 0) -> Any:
    """x with zeros above (below, if not `lower`) the diagonal moved up by `offset`."""
    row, column = (S.iota(dtypes.int32, x.shape, x.ndim - a) for a in (2, 1))
    row = E.add(row, full_like(row, offset))
    keep = E.ge(row, column) if lower else E.le(row, column)
    return C.select(keep, x, full_like(x, 0))


def eye_like(x: Any) -> Any:
    """Identity matrices of the shape and dtype of x."""
    row, column = (S.iota(dtypes.int32, x.shape, x.ndim - a) for a in (2, 1))
    return C.convert(E.eq(row, column), x.dtype)


def rows_of(v: Any, n: int) -> Any:
    """v[..., j] repeated along a new axis i before j, n times."""
    return S.broadcast_in_dim(v, (*v.shape[:-1], n, v.shape[-1]), (*range(v.ndim - 1), v.ndim))


def columns_of(v: Any, n: int) -> Any:
    """v[..., i] repeated along a new last axis, n times."""
    return S.broadcast_in_dim(v, (*v.shape, n), range(v.ndim))


def _check_matrix(name: str, x: ShapedArray, square: bool = True) -> None:
    if x.ndim < 2 or (square and x.shape[-1] != x.shape[-2]):
        raise ShapeError(f"{name}: expected {'square ' if square else ''}matrices, got {x}")
    if not dtypes.is_inexact(x.dtype) or x.dtype.itemsize < 4:
        raise DTypeError(
            f"{name}: expected float32, float64, complex64 or complex128, got {x}; use astype"
        )


class Factorisation(Primitive):
    """A function of one batch of matrices."""

    square = True

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, **params: Any
    ) -> tuple[list[Any], list[Any]]:
        outs = self.bind(S.move_batch_axis(args[0], dims[0], 0, axis.size), **params)
        return outs, [0] * len(outs)


def _each(function: Callable[..., Any], x: Any, n_out: int) -> list[Any]:
    """Stack `function` over the leading axes of x."""
    rows = [function(m) for m in x.reshape(-1, *x.shape[-2:])]
    return [
        np.stack([r[i] for r in rows]).reshape(*x.shape[:-2], *rows[0][i].shape)
        for i in range(n_out)
    ]


class Cholesky(Factorisation):
    """The lower factor L of x = L Lᴴ; NaN where x is not positive definite."""

    def abstract_eval(self, x: ShapedArray) -> list[ShapedArray]:
        _check_matrix(self.name, x)
        return [x.strong]

    def impl(self, x: Any) -> list[Any]:
        try:
            return [np.linalg.cholesky(x)]
        except np.linalg.LinAlgError:
            return _each(lambda m: [_cholesky_or_nan(m)], x, 1)

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        """dL = L Φ(L⁻¹ dx L⁻ᴴ), Φ halving the diagonal of the lower triangle.

        Source: Murray, "Differentiation of the Cholesky decomposition" (2016), eq. 8.
        """
        (t,) = tangents
        (low,) = self.bind(*primals)
        inner = triangular_solve(low, t, False, True, True, True)
        inner = triangular_solve(low, inner, True, True)
        half = E.mul(eye_like(inner), full_like(inner, 0.5))
        phi = E.sub(triangle(inner, True), E.mul(inner, half))
        return [low], [matmul(low, phi)]


def _cholesky_or_nan(x: Any) -> Any:
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        return np.tril(np.full_like(x, np.nan))


class TriangularSolve(Primitive):
    """The solution X of op(a) X = b, or X op(a) = b; only one triangle of a is read."""

    def abstract_eval(
        self,
        a: ShapedArray,
        b: ShapedArray,
        *,
        left_side: bool,
        lower: bool,
        transpose_a: bool,
        conjugate_a: bool,
        unit_diagonal: bool,
    ) -> list[ShapedArray]:
        _check_matrix(self.name, a)
        side = b.shape[-2 if left_side else -1] if b.ndim > 1 else None
        if a.dtype != b.dtype:
            raise DTypeError(f"triangular_solve: expected operands of one dtype, got {a} and {b}")
        if b.ndim != a.ndim or a.shape[:-2] != b.shape[:-2] or side != a.shape[-1]:
            raise ShapeError(
                f"triangular_solve: expected b to have {a.shape[-1]} "
                f"{'rows' if left_side else 'columns'} and the batch axes of a, got {a} and {b}"
            )
        return [b.strong]

    def impl(self, a: Any, b: Any, **p: Any) -> list[Any]:
        if not b.size:
            return [np.zeros_like(b)]
        batch, n = int(np.prod(a.shape[:-2])), a.shape[-1]
        if batch > SUBSTITUTED and n <= SUBSTITUTED:
            return [_substitute(a, b, **p)]
        one = functools.partial(_trsm, **p)
        pairs = zip(a.reshape(-1, n, n), b.reshape(-1, *b.shape[-2:]), strict=True)
        return [np.stack([one(x, y) for x, y in pairs]).reshape(b.shape)]

    def jvp(self, primals: Any, tangents: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        """dX = op(a)⁻¹ (db − d op(a) X)."""
        (a, b), (ta, tb) = primals, tangents
        (out,) = self.bind(a, b, **p)
        right = tb
        if ta is not None:
            unit = 1 if p["unit_diagonal"] else 0
            ta = triangle(ta, p["lower"], -unit if p["lower"] else unit)
            ta = triangle_op(ta, p["transpose_a"], p["conjugate_a"])
            moved = E.neg(matmul(ta, out) if p["left_side"] else matmul(out, ta))
            right = moved if tb is None else E.add(tb, moved)
        return [out], self.bind(a, right, **p)

    def transpose(self, cts: Any, a: Any, b: Any, **p: Any) -> list[Any]:
        return [None, self.bind(a, cts[0], **p | {"transpose_a": not p["transpose_a"]})[0]]

    def batch(self, axis: BatchAxis, args: Any, dims: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        (a, b), (da, db) = args, dims
        if da is None:  # one matrix: the batch is more right-hand sides
            at = b.ndim - 2 if not p["left_side"] else b.ndim - 1
            b = S.move_batch_axis(b, db, at, axis.size)
            where = at - 1
            merged = (*b.shape[:where], b.shape[where] * axis.size, *b.shape[where + 2 :])
            out = self.bind(a, S.reshape(b, merged), **p)[0]
            return [S.reshape(out, b.shape)], [at]
        a, b = (S.move_batch_axis(x, d, 0, axis.size) for x, d in zip(args, dims, strict=True))
        return self.bind(a, b, **p), [0]


SUBSTITUTED = 32
"""More matrices than this, each no larger: substitution over all at once, not LAPACK per matrix."""


def triangle_op(a: Any, transpose_a: bool, conjugate_a: bool) -> Any:
    """op(a)"""
    a = transposed(a) if transpose_a else a
    return C.conj(a) if conjugate_a and dtypes.is_complex(a.dtype) else a


def _trsm(
    a: Any,
    b: Any,
    *,
    left_side: bool,
    lower: bool,
    transpose_a: bool,
    conjugate_a: bool,
    unit_diagonal: bool,
) -> Any:
    """BLAS trsm on the transposed problem, whose matrices are in its column order already."""
    import scipy.linalg.blas  # slow to import, so not before it is needed

    a = a.conj() if conjugate_a and a.dtype.kind == "c" else a
    trsm = getattr(
        scipy.linalg.blas, {"f": "s", "d": "d", "F": "c", "D": "z"}[a.dtype.char] + "trsm"
    )
    result = trsm(
        1.0,
        a.T,
        b.T,
        side=int(left_side),
        lower=int(not lower),
        trans_a=int(transpose_a),
        diag=int(unit_diagonal),
    )
    return result.T


def _substitute(
    a: Any,
    b: Any,
    *,
    left_side: bool,
    lower: bool,
    transpose_a: bool,
    conjugate_a: bool,
    unit_diagonal: bool,
) -> Any:
    """Forward or back substitution, one row of every system at a time."""
    a = a.conj() if conjugate_a else a
    flipped = transpose_a == left_side  # X op(a) = b is op(a)ᵀ Xᵀ = bᵀ
    a = a.swapaxes(-1, -2) if flipped else a
    rows_lower = lower != flipped
    x = np.array(b if left_side else b.swapaxes(-1, -2))
    n = a.shape[-1]
    for i in range(n) if rows_lower else reversed(range(n)):
        done = slice(0, i) if rows_lower else slice(i + 1, n)
        x[..., i, :] -= np.matmul(a[..., i : i + 1, done], x[..., done, :])[..., 0, :]
        if not unit_diagonal:
            x[..., i, :] /= a[..., i, i, None]
    return x if left_side else np.ascontiguousarray(x.swapaxes(-1, -2))


class Lu(Factorisation):
    """P x = L U by partial pivoting: [L below and U on and above the diagonal, pivots, P]."""

    def abstract_eval(self, x: ShapedArray) -> list[ShapedArray]:
        _check_matrix(self.name, x, square=False)
        *batch, m, n = x.shape
        pivots = ShapedArray((*batch, min(m, n)), dtypes.int32)
        return [x.strong, pivots, ShapedArray((*batch, m), dtypes.int32)]

    def impl(self, x: Any) -> list[Any]:
        if not x.size:
            m, n = x.shape[-2:]
            order = np.broadcast_to(np.arange(m, dtype=np.int32), (*x.shape[:-2], m))
            return [x, np.zeros((*x.shape[:-2], min(m, n)), np.int32), order]
        return _each(_lu, x, 3)

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        """dL = L tril(L⁻¹ P dx U⁻¹, -1), dU = triu(L⁻¹ P dx U⁻¹) U, L and U extended to squares.

        From P dx = dL U + L dU, whose product with L⁻¹ and U⁻¹ splits into two triangles.
        """
        (x,), (t,) = primals, tangents
        out, pivots, order = self.bind(x)
        m, n = x.shape[-2:]
        k = min(m, n)
        b = LETTERS[: x.ndim - 2]
        places = S.iota(dtypes.int32, (*order.shape, m), order.ndim)
        swap = C.convert(E.eq(columns_of(order, m), places), x.dtype)
        moved = dot(swap, t, f"{b}ik,{b}kj->{b}ij")
        low = triangle(S.slice_axis(out, x.ndim - 1, 0, k), True, -1)
        low = _extend(low, m - k, x.ndim - 1)
        low = E.add(low, eye_like(low))
        up = _extend(triangle(S.slice_axis(out, x.ndim - 2, 0, k), False), n - k, x.ndim - 2)
        up = E.add(up, _corner_eye(up, k))
        inner = triangular_solve(low, moved, True, True, False, False, True)
        inner = triangular_solve(up, inner, False, False)
        to_low = matmul(low, _square(triangle(inner, True, -1), m, x.ndim - 1))
        to_up = matmul(_square(triangle(inner, False), n, x.ndim - 2), up)
        to_low = _fit(to_low, n, x.ndim - 1)
        to_up = _fit(to_up, m, x.ndim - 2)
        return [out, pivots, order], [E.add(to_low, to_up), None, None]


def _fit(x: Any, size: int, axis: int) -> Any:
    """x cut or padded with zeros to `size` along `axis`."""
    config = [(0, 0, 0)] * x.ndim
    config[axis] = (0, size - x.shape[axis], 0)
    return S.pad(x, S.full((), 0, x.dtype), config)


_square = _fit


def _extend(x: Any, more: int, axis: int) -> Any:
    return _fit(x, x.shape[axis] + more, axis)


def _corner_eye(x: Any, k: int) -> Any:
    """Ones on the diagonal of x from place k on."""
    row = S.iota(dtypes.int32, x.shape, x.ndim - 2)
    return C.select(E.ge(row, full_like(row, k)), eye_like(x), full_like(x, 0))


def _lu(x: Any) -> list[Any]:
    import scipy.linalg.lapack

    getrf = getattr(scipy.linalg.lapack, _LETTER[x.dtype.char] + "getrf")
    factors, pivots, _ = getrf(x)
    order = np.arange(x.shape[0], dtype=np.int32)
    for i, p in enumerate(pivots):
        order[i], order[p] = order[p], order[i]
    return [np.ascontiguousarray(factors), pivots.astype(np.int32), order]


_LETTER = {"f": "s", "d": "d", "F": "c", "D": "z"}


class Qr(Factorisation):
    """[Q, R] with x = Q R, Q with orthonormal columns and R upper triangular."""

    def abstract_eval(self, x: ShapedArray, *, full_matrices: bool) -> list[ShapedArray]:
        _check_matrix(self.name, x, square=False)
        *batch, m, n = x.shape
        k = m if full_matrices else min(m, n)
        return [ShapedArray((*batch, m, k), x.dtype), ShapedArray((*batch, k, n), x.dtype)]

    def impl(self, x: Any, *, full_matrices: bool) -> list[Any]:
        return list(np.linalg.qr(x, "complete" if full_matrices else "reduced"))

    def jvp(
        self, primals: Any, tangents: Any, *, full_matrices: bool
    ) -> tuple[list[Any], list[Any]]:
        """dQ = Q (Ω − Qᴴ dx R⁻¹) + dx R⁻¹, dR = (Qᴴ dx R⁻¹ − Ω) R, Ω skew-Hermitian.

        Source: Walter and Lehmann, "Algorithmic differentiation of linear algebra functions"
        (2018), section on QR; for tall or square x of full rank.
        """
        (x,), (t,) = primals, tangents
        m, n = x.shape[-2:]
        if m < n or (full_matrices and m != n):
            raise ShapeError(
                "derivative of qr: expected a tall matrix and full_matrices=False, got "
                f"{x.aval} and full_matrices={full_matrices}; factorise x.T, or pass "
                "mode='reduced'"
            )
        q, r = self.bind(x, full_matrices=False)
        step = triangular_solve(r, t, False, False)
        inner = matmul(adjoint(q), step)
        low = triangle(inner, True, -1)
        omega = E.sub(low, adjoint(low))
        if dtypes.is_complex(x.dtype):
            whole = E.mul(inner, eye_like(inner))
            omega = E.add(
                omega, E.sub(whole, C.complex_(C.real(whole), full_like(C.real(whole), 0)))
            )
        dq = E.add(matmul(q, E.sub(omega, inner)), step)
        return [q, r], [dq, matmul(E.sub(inner, omega), r)]


class Eigh(Factorisation):
    """[w, V]: ascending eigenvalues and orthonormal eigenvectors of a Hermitian x."""

    def abstract_eval(self, x: ShapedArray) -> list[ShapedArray]:
        _check_matrix(self.name, x)
        return [ShapedArray(x.shape[:-1], dtypes.real_of(x.dtype)), x.strong]

    def impl(self, x: Any) -> list[Any]:
        try:
            w, v = np.linalg.eigh(x)
        except np.linalg.LinAlgError:
            w = np.full(x.shape[:-1], np.nan, dtypes.real_of(x.dtype))
            v = np.full_like(x, np.nan)
        return [np.asarray(w), np.asarray(v)]

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        """dw = diag(Vᴴ dx V), dV = V (F ∘ Vᴴ dx V), F_ij = 1 / (w_j − w_i) off the diagonal.

        Source: Giles, "Collected matrix derivative results" (2008), section 3.1.  Equal
        eigenvalues have no derivative of V: it is infinite or NaN there.
        """
        (t,) = tangents
        w, v = self.bind(*primals)
        inner = matmul(adjoint(v), matmul(t, v))
        gaps = _gaps(w, w)
        scaled = E.mul(inner, C.convert(_inverse_off_diagonal(gaps), v.dtype))
        b = LETTERS[: v.ndim - 2]
        diagonal = dot(inner, eye_like(inner), f"{b}ij,{b}ij->{b}i")
        diagonal = C.real(diagonal) if dtypes.is_complex(v.dtype) else diagonal
        return [w, v], [diagonal, matmul(v, scaled)]


def _gaps(columns: Any, rows: Any) -> Any:
    """columns_j − rows_i"""
    return E.sub(rows_of(columns, rows.shape[-1]), columns_of(rows, columns.shape[-1]))


def _inverse_off_diagonal(x: Any) -> Any:
    """1 / x off the diagonal, 0 on it."""
    eye = eye_like(x)
    return E.sub(E.div(full_like(x, 1), E.add(x, eye)), eye)


class Svd(Factorisation):
    """[s, U, Vᴴ] with x = U diag(s) Vᴴ, s descending; [s] alone without vectors."""

    def abstract_eval(
        self, x: ShapedArray, *, full_matrices: bool, compute_uv: bool
    ) -> list[ShapedArray]:
        _check_matrix(self.name, x, square=False)
        *batch, m, n = x.shape
        k = min(m, n)
        s = ShapedArray((*batch, k), dtypes.real_of(x.dtype))
        if not compute_uv:
            return [s]
        rows, columns = (m, n) if full_matrices else (k, k)
        return [
            s,
            ShapedArray((*batch, m, rows), x.dtype),
            ShapedArray((*batch, columns, n), x.dtype),
        ]

    def impl(self, x: Any, *, full_matrices: bool, compute_uv: bool) -> list[Any]:
        try:
            found = np.linalg.svd(x, full_matrices, compute_uv)  # type: ignore[call-overload]
        except np.linalg.LinAlgError:
            aval = ShapedArray(x.shape, x.dtype)
            avals = self.abstract_eval(aval, full_matrices=full_matrices, compute_uv=compute_uv)
            return [np.full(a.shape, np.nan, a.dtype) for a in avals]
        return [found[1], found[0], found[2]] if compute_uv else [np.asarray(found)]

    def jvp(
        self, primals: Any, tangents: Any, *, full_matrices: bool, compute_uv: bool
    ) -> tuple[list[Any], list[Any]]:
        """ds = Re diag(Uᴴ dx V); U and V turn by F ∘ (dS S + S dSᴴ), F_ij = 1 / (s_j² − s_i²).

        Source: Giles (2008), section 3.2; the parts of dU and dV outside the spans of U and V,
        and the phase of complex vectors, as in Wan and Zhang, arXiv:1909.02659.
        """
        (x,), (t,) = primals, tangents
        m, n = x.shape[-2:]
        if compute_uv and full_matrices and m != n:
            raise ShapeError(
                f"derivative of svd: expected full_matrices=False, got True for {x.aval}; "
                "pass full_matrices=False"
            )
        s, u, vh = self.bind(x, full_matrices=False, compute_uv=True)
        uh, v = adjoint(u), adjoint(vh)
        inner = matmul(matmul(uh, t), v)
        b, k = LETTERS[: x.ndim - 2], s.shape[-1]
        diagonal = dot(inner, eye_like(inner), f"{b}ij,{b}ij->{b}i")
        is_complex = dtypes.is_complex(x.dtype)
        ds = C.real(diagonal) if is_complex else diagonal
        if not compute_uv:
            return [s], [ds]
        as_x = lambda z: C.convert(z, x.dtype)
        across, down = as_x(rows_of(s, k)), as_x(columns_of(s, k))
        squares = E.square(s)
        f = as_x(_inverse_off_diagonal(_gaps(squares, squares)))
        inner_h = adjoint(inner)
        to_u = E.mul(f, E.add(E.mul(inner, across), E.mul(down, inner_h)))
        to_v = E.mul(f, E.add(E.mul(down, inner), E.mul(inner_h, across)))
        if is_complex:
            half = E.mul(E.sub(inner, inner_h), full_like(inner, 0.5))
            to_u = E.add(to_u, E.div(E.mul(half, eye_like(half)), across))
        du, dv = matmul(u, to_u), matmul(v, to_v)
        if m > k:
            rest = E.sub(matmul(t, v), matmul(u, matmul(uh, matmul(t, v))))
            du = E.add(du, E.div(rest, as_x(rows_of(s, m))))
        if n > k:
            th_u = matmul(adjoint(t), u)
            rest = E.sub(th_u, matmul(v, matmul(vh, th_u)))
            dv = E.add(dv, E.div(rest, as_x(rows_of(s, n))))
        return [s, u, vh], [ds, du, adjoint(dv)]


cholesky_p, triangular_solve_p = Cholesky(), TriangularSolve()
lu_p, qr_p, eigh_p, svd_p = Lu(), Qr(), Eigh(), Svd()


def cholesky(x: Any, symmetrize_input: bool = True) -> Any:
    """The lower Cholesky factor of x (of its Hermitian part, if `symmetrize_input`)."""
    if symmetrize_input:
        x = E.mul(E.add(x, adjoint(x)), full_like(x, 0.5))
    return cholesky_p.bind(x)[0]


def triangular_solve(
    a: Any,
    b: Any,
    left_side: bool = False,
    lower: bool = False,
    transpose_a: bool = False,
    conjugate_a: bool = False,
    unit_diagonal: bool = False,
) -> Any:
    """X with op(a) X = b, or X op(a) = b unless `left_side`; a is triangular."""
    return triangular_solve_p.bind(
        a,
        b,
        left_side=left_side,
        lower=lower,
        transpose_a=transpose_a,
        conjugate_a=conjugate_a,
        unit_diagonal=unit_diagonal,
    )[0]


def lu(x: Any) -> list[Any]:
    """[LU, pivots, permutation] of x."""
    return lu_p.bind(x)


def qr(x: Any, full_matrices: bool = True) -> list[Any]:
    """[Q, R] of x."""
    return qr_p.bind(x, full_matrices=full_matrices)


def eigh(x: Any, symmetrize_input: bool = True) -> list[Any]:
    """[eigenvalues, eigenvectors] of a Hermitian x."""
    if symmetrize_input:
        x = E.mul(E.add(x, adjoint(x)), full_like(x, 0.5))
    return eigh_p.bind(x)


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> list[Any]:
    """[s, U, Vᴴ] of x, or [s]."""
    return svd_p.bind(x, full_matrices=full_matrices, compute_uv=compute_uv)

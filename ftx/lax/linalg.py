"""ftx.lax.linalg: the factorisations of jax.lax.linalg.

In: matrices, the last two axes of an array.  Out: tuples of arrays, in JAX's order.
What only LAPACK computes (eig, schur, hessenberg, tridiagonal systems) is a step on the host, in
compiled programs too.
Must not know: promotion; half precision.
"""

import enum

import numpy as np

from ..core import dtypes
from ..core.errors import ArgumentError, ShapeError, UnsupportedError
from ..core.primitives import linalg as L
from ..core.types import ShapeDtypeStruct
from ..numpy import (
    arange,
    asarray,
    concatenate,
    conj,
    expand_dims,
    matmul,
    moveaxis,
    squeeze,
    tril,
    zeros_like,
)
from ..numpy import linalg as N
from ..numpy.eigen import eigensystem, lapack, on_host, without_derivative
from ..transforms.callback import pure_callback
from ..transforms.scan import scan
from ..transforms.solves import custom_linear_solve
from ..transforms.vmap import vmap
from ..transforms.while_loop import fori_loop

__all__ = [
    *("EigImplementation", "EighImplementation", "SvdAlgorithm", "cholesky", "eig", "eigh"),
    *("hessenberg", "householder_product", "lu", "lu_pivots_to_permutation", "ormqr", "qr"),
    *("schur", "svd", "symmetric_product", "triangular_solve", "tridiagonal_solve"),
]


class EigImplementation(enum.Enum):
    """Who computes `eig`; here always LAPACK.

    >>> EigImplementation("lapack").name
    'LAPACK'
    """

    CUSOLVER = "cusolver"
    MAGMA = "magma"
    LAPACK = "lapack"


class EighImplementation(enum.Enum):
    """Who computes `eigh`; here always LAPACK, by divide and conquer.

    >>> EighImplementation("qr").name
    'QR'
    """

    QR = "qr"
    JACOBI = "jacobi"
    QDWH = "qdwh"


class SvdAlgorithm(enum.Enum):
    """How `svd` is computed; here by QR, LAPACK's divide and conquer.

    >>> SvdAlgorithm("qr").name
    'QR'
    """

    DEFAULT = "default"
    QR = "qr"
    JACOBI = "jacobi"
    POLAR = "polar"


def _only(name, **given):
    """Refuse options whose value is not the one of the two that is there."""
    for option, (value, allowed) in given.items():
        if value not in allowed:
            raise UnsupportedError(
                f"{name}: expected {option} among {list(allowed)}, got {value!r}; leave it out"
            )


def cholesky(x, *, symmetrize_input=True):
    """The lower factor L with L Lᴴ = x, NaN where x is not positive definite.

    Args:
      x: float[..., n, n].
      symmetrize_input: take the mean of x and its adjoint.
    Returns: float[..., n, n]. Raises: ShapeError for other than square matrices.

    >>> cholesky(asarray([[4.0]])).tolist()
    [[2.0]]
    """
    return N.cholesky(x, symmetrize_input=symmetrize_input)


def eigh(
    x, *, lower=True, symmetrize_input=True, sort_eigenvalues=True, subset_by_index=None,
    implementation=None,
):  # fmt: skip
    """Eigenvectors (columns) and eigenvalues, ascending, of Hermitian matrices.

    Args:
      x: float[..., n, n].
      lower: which triangle counts, if symmetrize_input is False.
      symmetrize_input: take the mean of x and its adjoint.
      sort_eigenvalues: they are ascending in either case.
      subset_by_index: None or (0, n).
      implementation: None or EighImplementation.QR.
    Returns: (vectors [..., n, n], values [..., n]): the other way round than numpy's.
    Raises: ShapeError for other than square matrices; UnsupportedError for a subset.

    >>> [v.tolist() for v in eigh(asarray([[2.0, 0.0], [0.0, 1.0]]))][1]
    [1.0, 2.0]
    """
    n = asarray(x).shape[-1]
    _only(
        "eigh", subset_by_index=(subset_by_index, (None, (0, n))),
        implementation=(implementation, (None, EighImplementation.QR)),
    )  # fmt: skip
    w, v = N.eigh(x, "L" if lower else "U", symmetrize_input=symmetrize_input)
    return v, w


def svd(x, *, full_matrices=True, compute_uv=True, subset_by_index=None, algorithm=None):
    """Singular value decomposition: (u, s, vᴴ), or s alone.

    Args:
      x: float[..., m, n].
      full_matrices: square u and vᴴ.
      compute_uv: False for s alone.
      subset_by_index: None or (0, min(m, n)).
      algorithm: None, DEFAULT or QR.
    Returns: (u, s, vh) or s, descending.
    Raises: ShapeError for less than two axes; UnsupportedError for another algorithm or a subset.

    >>> svd(asarray([[2.0]]), compute_uv=False).tolist()
    [2.0]
    """
    k = min(asarray(x).shape[-2:])
    _only(
        "svd", subset_by_index=(subset_by_index, (None, (0, k))),
        algorithm=(algorithm, (None, SvdAlgorithm.DEFAULT, SvdAlgorithm.QR)),
    )  # fmt: skip
    found = N.svd(x, full_matrices, compute_uv)
    return tuple(found) if compute_uv else found


def qr(x, *, pivoting=False, full_matrices=True, use_magma=None):
    """Q with orthonormal columns and R upper triangular, Q R = x.

    Args:
      x: float[..., m, n].
      pivoting: False.
      full_matrices: m columns of Q, else min(m, n).
      use_magma: None or False.
    Returns: (q, r).
    Raises: ShapeError for less than two axes; UnsupportedError for pivoting or MAGMA.

    >>> len(qr(asarray([[2.0]])))
    2
    """
    _only("qr", pivoting=(pivoting, (False,)), use_magma=(use_magma, (None, False)))
    return tuple(N.qr(x, "complete" if full_matrices else "reduced"))


def lu(x):
    """The factors of x with rows exchanged: (both in one matrix, pivots, the order of rows).

    Args: x: float[..., m, n].
    Returns: (float[..., m, n], int32[..., min(m, n)], int32[..., m]).
    Raises: ShapeError for less than two axes.

    >>> [v.tolist() for v in lu(asarray([[0.0, 1.0], [2.0, 0.0]]))]
    [[[2.0, 0.0], [0.0, 1.0]], [1, 1], [1, 0]]
    """
    factors, pivots, order = L.lu(N.matrix("lu", x))
    return factors, pivots.astype(dtypes.int32), order.astype(dtypes.int32)


def lu_pivots_to_permutation(pivots, permutation_size):
    """The order of rows that a sequence of exchanges makes.

    Args: pivots: int[..., k]; permutation_size: at least k.
    Returns: int32[..., permutation_size]. Raises: ShapeError if it is smaller than k.

    >>> lu_pivots_to_permutation(asarray([1, 1]), 3).tolist()
    [1, 0, 2]
    """
    p = asarray(pivots)
    if not p.ndim or p.shape[-1] > permutation_size:
        raise ShapeError(
            f"lu_pivots_to_permutation: expected pivots int[..., k] with k of at most "
            f"{permutation_size}, got {p.aval}"
        )

    def one(p):
        def exchange(i, order):
            a, b = order[i], order[p[i]]
            return order.at[i].set(b).at[p[i]].set(a)

        return fori_loop(0, p.shape[0], exchange, arange(permutation_size, dtype=dtypes.int32))

    for _ in range(p.ndim - 1):
        one = vmap(one)
    return one(p)


def triangular_solve(
    a, b, *, left_side=False, lower=False, transpose_a=False, conjugate_a=False,
    unit_diagonal=False,
):  # fmt: skip
    """The X with X op(a) = b, or with `left_side` op(a) X = b, for triangular a.

    Args:
      a: float[..., n, n], of which one triangle is read.
      b: float[..., m, n] (with left_side [..., n, m]), or float[..., n] for a single row.
      left_side, lower, transpose_a, conjugate_a, unit_diagonal: which system it is.
    Returns: float of the shape of b. Raises: ShapeError, DTypeError for operands that do not fit.

    >>> triangular_solve(asarray([[2.0]]), asarray([[4.0]])).tolist()
    [[2.0]]
    """
    a, b = asarray(a), asarray(b)
    single = b.ndim == a.ndim - 1
    if single:
        b = expand_dims(b, -1 if left_side else -2)
    out = L.triangular_solve(a, b, left_side, lower, transpose_a, conjugate_a, unit_diagonal)
    return squeeze(out, -1 if left_side else -2) if single else out


def eig(
    x, *, compute_left_eigenvectors=True, compute_right_eigenvectors=True,
    enable_eigvec_derivs=False, implementation=None, use_magma=None,
):  # fmt: skip
    """Eigenvalues, in no order, and eigenvectors (columns of length 1) of square matrices.

    Args:
      x: number[..., n, n].
      compute_left_eigenvectors, compute_right_eigenvectors: which are returned.
      enable_eigvec_derivs: right eigenvectors have the derivative that keeps their length; without
        it they have none. Left ones never have; repeated eigenvalues share none.
      implementation: None or EigImplementation.LAPACK.
      use_magma: None or False.
    Returns: [values, left?, right?], complex[..., n] and complex[..., n, n].
    Raises: ShapeError for other than square matrices; UnsupportedError for MAGMA or cuSOLVER.

    >>> w, v = eig(asarray([[2.0]]), compute_left_eigenvectors=False)
    >>> w.tolist(), v.shape
    ([(2+0j)], (1, 1))
    """
    _only(
        "eig", implementation=(implementation, (None, EigImplementation.LAPACK)),
        use_magma=(use_magma, (None, False)),
    )  # fmt: skip
    w, left, right = eigensystem(N.matrix("eig", x, True))
    found = [w]
    if compute_left_eigenvectors:
        found.append(without_derivative(left))
    if compute_right_eigenvectors:
        found.append(right if enable_eigvec_derivs else without_derivative(right))
    return found


def schur(x, *, compute_schur_vectors=True, sort_eig_vals=False, select_callable=None):
    """Schur form: x = Q T Qᴴ with T (quasi) upper triangular and Q unitary; no derivative.

    Args:
      x: number[..., n, n].
      compute_schur_vectors: also return Q.
      sort_eig_vals, select_callable: not there.
    Returns: [T, Q] or [T], of the dtype of x: of real matrices the real form, with 2 x 2 blocks.
    Raises: ShapeError for other than square matrices; UnsupportedError for sorting.

    >>> [v.tolist() for v in schur(asarray([[2.0]]))]
    [[[2.0]], [[1.0]]]
    """
    _only(
        "schur", sort_eig_vals=(sort_eig_vals, (False,)), select_callable=(select_callable, (None,))
    )
    x = N.matrix("schur", x, True)
    whole = "complex" if dtypes.is_complex(x.dtype) else "real"
    found = on_host(
        "schur", lambda m: lapack().schur(m, output=whole), x, [(x.shape[-2:], x.dtype)] * 2
    )
    return found[: 1 + compute_schur_vectors]


def _hessenberg_of(m):
    (gehrd,) = lapack().get_lapack_funcs(("gehrd",), (m,))
    packed, taus, _ = gehrd(m)
    return packed, taus[: max(m.shape[0] - 1, 0)]


def hessenberg(a):
    """Hessenberg form by Householder reflections, packed as LAPACK does; no derivative.

    Args: a: number[..., n, n].
    Returns: (packed [..., n, n]: the form, and below it the reflections; taus [..., n - 1]).
    Raises: ShapeError for other than square matrices.

    >>> [v.shape for v in hessenberg(asarray([[1.0, 2.0], [3.0, 4.0]]))]
    [(2, 2), (1,)]
    """
    x = N.matrix("hessenberg", a, True)
    n = x.shape[-1]
    shapes = [((n, n), x.dtype), ((max(n - 1, 0),), x.dtype)]
    return tuple(on_host("hessenberg", _hessenberg_of, x, shapes))


def _reflections(name, a, taus):
    """Columns [..., k, m] of the reflections, 1 on the diagonal and 0 above, and their taus."""
    a, taus = asarray(a), asarray(taus)
    if a.ndim < 2 or taus.ndim != a.ndim - 1 or taus.shape[:-1] != a.shape[:-2]:
        raise ShapeError(f"{name}: expected a [..., m, n] and taus [..., k], got {a.aval} and "
                         f"{taus.aval}; they come from a QR factorisation")  # fmt: skip
    k = taus.shape[-1]
    if k > min(a.shape[-2:]):
        raise ShapeError(f"{name}: expected at most {min(a.shape[-2:])} taus, got {taus.aval}")
    low = tril(a[..., :k], -1)
    ones = (arange(a.shape[-2])[:, None] == arange(k)).astype(a.dtype)
    return moveaxis(low + ones, -1, 0), moveaxis(taus, -1, 0)


def _reflect(v, tau, c):
    """(1 - tau v vᴴ) c."""
    return c - tau[..., None, None] * v[..., :, None] * matmul(conj(v)[..., None, :], c)


def _apply(vs, taus, c, reverse):
    """All reflections one after another, from the left: first to last, or last to first."""
    step = lambda c, vt: (_reflect(vt[0], vt[1], c), None)
    return scan(step, c, (vs, taus), reverse=reverse)[0]


def householder_product(a, taus):
    """The first n columns of the product of reflections that a QR factorisation has made.

    Args: a: number[..., m, n] with reflections below its diagonal; taus: number[..., k].
    Returns: number[..., m, n]. Raises: ShapeError for operands that do not fit.

    >>> householder_product(asarray([[1.0], [0.0]]), asarray([0.0])).tolist()
    [[1.0], [0.0]]
    """
    a = asarray(a)
    vs, ts = _reflections("householder_product", a, taus)
    m, n = a.shape[-2:]
    start = zeros_like(a) + (arange(m)[:, None] == arange(n)).astype(a.dtype)
    return _apply(vs, ts, start, reverse=True)


def ormqr(a, taus, c, *, left=True, transpose=False):
    """Q c, c Q, or with Qᴴ, for the unitary Q that reflections make, without making Q.

    Args:
      a: number[..., m, k] with reflections below its diagonal; taus: number[..., k].
      c: number[..., m, n], or [..., n, m] if not left.
      left: multiply from the left.
      transpose: with the adjoint of Q.
    Returns: number of the shape of c. Raises: ShapeError for operands that do not fit.

    >>> ormqr(asarray([[1.0], [0.0]]), asarray([0.0]), asarray([[3.0], [4.0]])).tolist()
    [[3.0], [4.0]]
    """
    vs, ts = _reflections("ormqr", a, taus)
    c = asarray(c)
    if c.ndim < 2 or c.shape[-2 if left else -1] != vs.shape[-1]:
        raise ShapeError(
            f"ormqr: expected c with {vs.shape[-1]} {'rows' if left else 'columns'}, got {c.aval}"
        )
    turned = c if left else conj(moveaxis(c, -1, -2))
    adjoint = transpose if left else not transpose
    out = _apply(vs, conj(ts) if adjoint else ts, turned, reverse=not adjoint)
    return out if left else conj(moveaxis(out, -1, -2))


def symmetric_product(a_matrix, c_matrix, *, alpha=1.0, beta=0.0, symmetrize_output=False):
    """alpha a aᵀ + beta c, of which without symmetrize_output only the lower triangle is meant.

    Args: a_matrix: float[..., n, k]; c_matrix: float[..., n, n]; alpha, beta: numbers;
      symmetrize_output: make the upper triangle that of the lower.
    Returns: float[..., n, n]. Raises: ShapeError for operands that do not fit.

    >>> symmetric_product(asarray([[2.0]]), asarray([[1.0]]), beta=3.0).tolist()
    [[7.0]]
    """
    a, c = asarray(a_matrix), asarray(c_matrix)
    n = a.shape[-2] if a.ndim > 1 else None
    if n is None or c.shape != (*a.shape[:-2], n, n):
        raise ShapeError(
            f"symmetric_product: expected a [..., n, k] and c [..., n, n], got {a.aval} and "
            f"{c.aval}"
        )
    out = alpha * matmul(a, moveaxis(a, -1, -2)) + beta * c
    return tril(out) + moveaxis(tril(out, -1), -1, -2) if symmetrize_output else out


def _bands_of(dl, d, du, b):
    """LAPACK's gtsv, with exchanges of rows, for each system."""
    (gtsv,) = lapack().get_lapack_funcs(("gtsv",), (d, b))
    out = np.empty(b.shape, b.dtype)
    for at in np.ndindex(b.shape[:-2]):
        *_, x, info = gtsv(dl[at][1:], d[at], du[at][:-1], b[at])
        out[at] = x if info == 0 else np.nan
    return out


def tridiagonal_solve(dl, d, du, b, *, perturb_singular=False):
    """The X with A X = b for tridiagonal A, by elimination with exchanges of rows.

    Args:
      dl, d, du: number[..., n]: below, on and above the diagonal; dl[0] and du[n - 1] are not read.
      b: number[..., n, k].
      perturb_singular: False.
    Returns: number[..., n, k]; NaN where A is singular. Differentiable in all arguments.
    Raises: ShapeError for operands that do not fit; UnsupportedError for perturb_singular.

    >>> one = asarray([1.0, 1.0])
    >>> tridiagonal_solve(one * 0, one * 2, one * 0, asarray([[2.0], [4.0]])).tolist()
    [[1.0], [2.0]]
    """
    _only("tridiagonal_solve", perturb_singular=(perturb_singular, (False,)))
    dl, d, du, b = map(asarray, (dl, d, du, b))
    kinds = {v.dtype for v in (dl, d, du, b)}
    if not dl.shape == d.shape == du.shape == b.shape[:-1] or len(kinds) > 1:
        raise ShapeError(
            f"tridiagonal_solve: expected dl, d, du number[..., n] and b number[..., n, k] of one "
            f"dtype, got {dl.aval}, {d.aval}, {du.aval}, {b.aval}"
        )
    if d.shape[-1] < 1:
        raise ArgumentError(f"tridiagonal_solve: expected equations, got {d.aval}")

    def product(x):
        none = zeros_like(x[..., :1, :])
        below = concatenate([none, dl[..., 1:, None] * x[..., :-1, :]], -2)
        above = concatenate([du[..., :-1, None] * x[..., 1:, :], none], -2)
        return below + d[..., None] * x + above

    def run(bands, b):
        wanted = ShapeDtypeStruct(b.shape, b.dtype)
        given = lambda *vs: _bands_of(*np.broadcast_arrays(*vs[:3]), vs[3])
        return pure_callback(given, wanted, *bands, b, vmap_method="broadcast_all")

    first = zeros_like(dl[..., :1])
    turned = (concatenate([first, du[..., :-1]], -1), d, concatenate([dl[..., 1:], first], -1))
    return custom_linear_solve(
        product, b, lambda _, b: run((dl, d, du), b), lambda _, b: run(turned, b)
    )

"""XLA's gather and scatter, lax.linalg, special functions, names of primitives."""

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import ftx
import ftx.numpy as fnp
from ftx import lax
from ftx.core.errors import ArgumentError, DTypeError, ShapeError, UnsupportedError
from ftx.core.primitives import ALL
from ftx.lax import linalg
from ftx.test_util import check_grads

R = np.random.RandomState(0)
X = R.randn(5, 4, 6)
# offset dims, collapsed, index map, batching of operand and of indices, shape of indices, window
WINDOWS = [
    ((1, 2), (0,), (0,), (), (), (3, 1), (1, 4, 6)),
    ((0, 2), (0,), (0,), (), (), (3, 1), (1, 4, 6)),
    ((1, 2, 3), (), (0, 1), (), (), (3, 2), (2, 3, 6)),
    ((2,), (0, 1), (1, 0), (), (), (3, 2, 2), (1, 1, 5)),
    ((1,), (1, 2), (2,), (), (), (3, 1), (4, 1, 1)),
    ((1, 2), (), (2,), (0,), (0,), (5, 1), (1, 4, 3)),
    ((2,), (1,), (1,), (0,), (1,), (3, 5, 1), (1, 1, 6)),
    ((0, 1, 2), (), (0, 1, 2), (), (), (3,), (2, 2, 2)),
]


def windows(case, seed=0):
    *numbers, shape, sizes = case
    return numbers, np.random.RandomState(seed).randint(-2, 6, shape), sizes


def by_loop(x, numbers, indices, sizes, mode):
    """Each window by a Python slice: {place in the result: (slices of x, or None if left out)}."""
    offsets, collapsed, index_map, operand_batch, index_batch = numbers
    found = {}
    for at in np.ndindex(indices.shape[:-1]):
        start = [0] * x.ndim
        for axis, i in zip(index_map, indices[at], strict=True):
            start[axis] = int(i)
        for axis, b in zip(operand_batch, index_batch, strict=True):
            start[axis] = at[b]
        room = [n - m for n, m in zip(x.shape, sizes, strict=True)]
        inside = all(0 <= s <= r for s, r in zip(start, room, strict=True))
        if mode == "clip":
            start = [min(max(s, 0), r) for s, r in zip(start, room, strict=True)]
        place = tuple(slice(s, s + m) for s, m in zip(start, sizes, strict=True))
        found[at] = place if inside or mode == "clip" else None
    return found, (*collapsed, *operand_batch)


def moved(values, offsets, rank):
    """[batch..., window...] with the window's axes at `offsets`."""
    lead = rank - len(offsets)
    rest = [i for i in range(rank) if i not in offsets]
    return np.moveaxis(values, range(rank), [*rest, *offsets][:lead] + list(offsets))


@pytest.mark.parametrize("case", WINDOWS)
@pytest.mark.parametrize("mode", ["fill", "clip", None])
def test_gather(case, mode):
    numbers, indices, sizes = windows(case)
    places, gone = by_loop(X, numbers, indices, sizes, mode or "clip")
    window = [m for a, m in enumerate(sizes) if a not in gone]
    wanted = np.full((*indices.shape[:-1], *window), np.nan)
    for at, place in places.items():
        if place is not None:
            wanted[at] = X[place].reshape(window)
    wanted = moved(wanted, numbers[0], wanted.ndim)
    how = lax.GatherDimensionNumbers(*numbers)
    run = lambda x: lax.gather(x, indices, how, sizes, mode=mode)
    np.testing.assert_array_equal(run(X), wanted)
    np.testing.assert_array_equal(ftx.jit(run)(X), wanted)
    both = ftx.vmap(run)(np.stack([X, 2 * X]))
    np.testing.assert_array_equal(both, [wanted, 2 * wanted])
    check_grads(lambda x: lax.gather(x, indices, how, sizes, mode=mode, fill_value=0), (X,), 1)


COMBINE = {
    "scatter_add": np.add,
    "scatter_sub": np.subtract,
    "scatter_mul": np.multiply,
    "scatter_min": np.minimum,
    "scatter_max": np.maximum,
    "scatter": lambda old, new: new,
}


@pytest.mark.parametrize("case", WINDOWS)
@pytest.mark.parametrize("name", COMBINE)
@pytest.mark.parametrize("mode", ["clip", None])
def test_scatter(case, name, mode):
    numbers, indices, sizes = windows(case, 1)
    places, gone = by_loop(X, numbers, indices, sizes, mode)
    window = [m for a, m in enumerate(sizes) if a not in gone]
    values = R.randn(*indices.shape[:-1], *window)
    wanted = X.copy()
    for at, place in places.items():
        if place is not None:
            wanted[place] = COMBINE[name](wanted[place], values[at].reshape(sizes))
    updates = moved(values, numbers[0], values.ndim)
    how = lax.ScatterDimensionNumbers(*numbers)
    run = lambda x, u: getattr(lax, name)(x, indices, u, how, mode=mode)
    if name != "scatter":  # in which order several set one place is not said
        np.testing.assert_allclose(run(X, updates), wanted, rtol=1e-12)
        check_grads(run, (X, updates), 1)
    np.testing.assert_allclose(ftx.jit(run)(X, updates), run(X, updates), rtol=1e-12)


def test_scatter_of_distinct_places():
    how = lax.ScatterDimensionNumbers((1,), (0,), (0,))
    places, rows = np.array([[3], [0]]), R.randn(2, 6)
    wanted = X[:, 0].copy()
    wanted[[3, 0]] = rows
    np.testing.assert_array_equal(lax.scatter(X[:, 0], places, rows, how), wanted)


@pytest.mark.peers
@pytest.mark.parametrize("case", WINDOWS)
def test_gather_and_scatter_equal_jax(case):
    jax = pytest.importorskip("jax")
    numbers, indices, sizes = windows(case, 2)
    x = X.astype(np.float32)
    theirs = jax.lax.GatherDimensionNumbers(*numbers)
    wanted = jax.lax.gather(x, indices, theirs, sizes, mode="fill")
    found = lax.gather(x, indices, lax.GatherDimensionNumbers(*numbers), sizes, mode="fill")
    np.testing.assert_array_equal(found, wanted)
    updates = R.randn(*wanted.shape).astype(np.float32)
    theirs = jax.lax.ScatterDimensionNumbers(*numbers)
    wanted = jax.lax.scatter_add(jax.numpy.asarray(x), indices, updates, theirs)
    found = lax.scatter_add(x, indices, updates, lax.ScatterDimensionNumbers(*numbers))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_gather_and_scatter_refuse():
    how = lax.GatherDimensionNumbers((1,), (0,), (0,))
    x = X[:, 0]
    with pytest.raises(ShapeError, match="1 components"):
        lax.gather(x, np.zeros((3, 2), int), how, (1, 6))
    with pytest.raises(ShapeError, match="no larger"):
        lax.gather(x, np.zeros((3, 1), int), how, (1, 7))
    with pytest.raises(ShapeError, match="sizes of 1"):
        lax.gather(x, np.zeros((3, 1), int), how, (2, 6))
    with pytest.raises(DTypeError, match="integer"):
        lax.gather(x, np.zeros((3, 1)), how, (1, 6))
    with pytest.raises(ArgumentError, match="clip, fill"):
        lax.gather(x, np.zeros((3, 1), int), how, (1, 6), mode="wat")
    into = lax.ScatterDimensionNumbers((1,), (0,), (0,))
    with pytest.raises(ShapeError, match="leading axes"):
        lax.scatter(x, np.zeros((3, 1), int), np.zeros(6), into)
    with pytest.raises(DTypeError, match="dtype"):
        lax.scatter(x, np.zeros((3, 1), int), np.zeros((3, 6), np.float32), into)


def test_names_of_primitives_are_those_of_the_catalogue():
    from ftx.lax import primitives

    assert lax.add_p is primitives.add_p and len(primitives.__all__) > 110
    for name in primitives.__all__:
        primitive = getattr(lax, name)
        assert primitive.name == name.removesuffix("_p") or primitive not in ALL
    jaxpr = ftx.make_jaxpr(lambda x: fnp.sin(x) + x)(1.0)
    assert [e.primitive for e in jaxpr.eqns] == [lax.sin_p, lax.add_p]


SPECIAL = [
    ("igamma", scipy.special.gammainc, 2),
    ("igammac", scipy.special.gammaincc, 2),
    ("betainc", scipy.special.betainc, 3),
    ("bessel_i0e", scipy.special.i0e, 1),
    ("bessel_i1e", scipy.special.i1e, 1),
    ("zeta", lambda x, q: scipy.special.zeta(x + 1, q), 2),
]


@pytest.mark.parametrize(("name", "oracle", "arity"), SPECIAL)
def test_special(name, oracle, arity):
    xs = [R.uniform(0.1, 0.9, 5) for _ in range(arity)]
    given = [xs[0] + 1, *xs[1:]] if name == "zeta" else xs
    function = getattr(lax, name)
    np.testing.assert_allclose(function(*given), oracle(*xs), rtol=1e-10)
    np.testing.assert_allclose(ftx.jit(function)(*given), oracle(*xs), rtol=1e-10)
    check_grads(lambda x: function(*given[:-1], x), (given[-1],), 1)
    with pytest.raises(DTypeError if arity > 1 else ShapeError):
        function(*given[:-1], given[-1].astype(np.float32)) if arity > 1 else function(*given) @ 1


def test_nearly_the_largest():
    x = R.randn(3, 7)
    values, places = lax.approx_max_k(x, 2)
    np.testing.assert_array_equal(values, -np.sort(-x)[:, :2])
    np.testing.assert_array_equal(np.take_along_axis(x, np.asarray(places), 1), values)
    values, places = lax.approx_min_k(x, 2, reduction_dimension=0)
    np.testing.assert_array_equal(values, np.sort(x, 0)[:2])
    with pytest.raises(ArgumentError, match="recall_target"):
        lax.approx_max_k(x, 2, recall_target=0)
    with pytest.raises(ArgumentError, match="floats"):
        lax.approx_max_k(np.arange(3), 2)


def draw(dtype, *shape):
    return (R.randn(*shape) + (1j * R.randn(*shape) if dtype is complex else 0)).astype(dtype)


@pytest.mark.parametrize("dtype", [float, complex])
def test_factorisations(dtype):
    x = draw(dtype, 2, 4, 4)
    h = x @ x.conj().swapaxes(-1, -2) + np.eye(4)
    np.testing.assert_allclose(linalg.cholesky(h), np.linalg.cholesky(h))
    v, w = linalg.eigh(h)
    np.testing.assert_allclose(w, np.linalg.eigvalsh(h))
    np.testing.assert_allclose(h @ v, np.asarray(v) * np.asarray(w)[:, None], atol=1e-10)
    u, s, vh = linalg.svd(x, full_matrices=False)
    np.testing.assert_allclose((np.asarray(u) * np.asarray(s)[:, None]) @ vh, x, atol=1e-10)
    np.testing.assert_allclose(linalg.svd(x, compute_uv=False), s)
    q, r = linalg.qr(x)
    np.testing.assert_allclose(q @ r, x, atol=1e-10)
    factors, pivots, order = linalg.lu(x)
    wanted = scipy.linalg.lu_factor(x[0])
    np.testing.assert_allclose(factors[0], wanted[0])
    assert pivots[0].tolist() == wanted[1].tolist() and order.dtype == np.int32
    assert linalg.lu_pivots_to_permutation(pivots, 4).tolist() == order.tolist()
    for options in ({}, {"lower": True}, {"transpose_a": True, "unit_diagonal": True}):
        b = draw(dtype, 2, 3, 4)
        y = linalg.triangular_solve(x, b, **options)
        a = np.tril(x) if options.get("lower") else np.triu(x)
        if options.get("unit_diagonal"):
            a = a * (1 - np.eye(4)) + np.eye(4)
        a = a.swapaxes(-1, -2) if options.get("transpose_a") else a
        np.testing.assert_allclose(y @ a, b, atol=1e-8)
    one = linalg.triangular_solve(x, b[:, 0], left_side=True)
    np.testing.assert_allclose((np.triu(x) @ np.asarray(one)[..., None])[..., 0], b[:, 0])


@pytest.mark.parametrize("dtype", [float, complex])
def test_eigenvalues_of_any_matrix(dtype):
    x = draw(dtype, 2, 4, 4)
    w, left, right = map(np.asarray, linalg.eig(x))
    np.testing.assert_allclose(x @ right, right * w[:, None], atol=1e-10)
    adjoint = left.conj().swapaxes(-1, -2)
    np.testing.assert_allclose(adjoint @ x, w[..., None] * adjoint, atol=1e-10)
    np.testing.assert_allclose(fnp.linalg.eigvals(x), w)
    np.testing.assert_allclose(ftx.jit(fnp.linalg.eigvals)(x), w)
    np.testing.assert_allclose(ftx.vmap(fnp.linalg.eigvals)(x), w)
    assert fnp.linalg.eig(x).eigenvectors.dtype == np.complex128
    check_grads(fnp.linalg.eigvals, (x,), 2, rtol=1e-4)
    some = {"compute_left_eigenvectors": False, "enable_eigvec_derivs": True}
    size = lambda x: fnp.abs(linalg.eig(x, **some)[1])  # their phase is free
    check_grads(size, (x,), 1, rtol=1e-4)
    with pytest.raises(UnsupportedError, match="eigenvectors"):
        ftx.jvp(lambda x: fnp.linalg.eig(x)[1], (x,), (x,))


@pytest.mark.parametrize("dtype", [float, complex])
def test_schur_hessenberg_and_reflections(dtype):
    x = draw(dtype, 2, 4, 4)
    t, q = linalg.schur(x)
    np.testing.assert_allclose(q @ t @ fnp.conj(q).swapaxes(-1, -2), x, atol=1e-10)
    (alone,) = linalg.schur(x, compute_schur_vectors=False)
    np.testing.assert_allclose(alone, t)
    packed, taus = linalg.hessenberg(x)
    assert taus.shape == (2, 3)
    np.testing.assert_allclose(np.triu(packed[0], -1), scipy.linalg.hessenberg(x[0]), atol=1e-10)
    (a, taus), _ = scipy.linalg.qr(draw(dtype, 5, 3), mode="raw")
    a = np.ascontiguousarray(a)
    full = np.pad(a, ((0, 0), (0, 2)))
    q = np.asarray(linalg.householder_product(full, taus))
    np.testing.assert_allclose(q.conj().T @ q, np.eye(5), atol=1e-12)
    np.testing.assert_allclose(linalg.householder_product(a, taus), q[:, :3], atol=1e-12)
    c = draw(dtype, 5, 2)
    for transpose in (False, True):
        wanted = q.conj().T if transpose else q
        run = lambda a, c, left=True, t=transpose: linalg.ormqr(a, taus, c, left=left, transpose=t)
        np.testing.assert_allclose(run(a, c), wanted @ c, atol=1e-12)
        np.testing.assert_allclose(ftx.jit(run)(a, c), wanted @ c, atol=1e-12)
        np.testing.assert_allclose(run(a, c.T, False), c.T @ wanted, atol=1e-12)
        check_grads(run, (a, c), 1)


@pytest.mark.parametrize("dtype", [float, complex])
def test_tridiagonal_systems(dtype):
    dl, d, du = draw(dtype, 2, 5), draw(dtype, 2, 5) + 5, draw(dtype, 2, 5)
    b = draw(dtype, 2, 5, 3)
    x = linalg.tridiagonal_solve(dl, d, du, b)
    for i in range(2):
        a = np.diag(d[i]) + np.diag(dl[i][1:], -1) + np.diag(du[i][:-1], 1)
        np.testing.assert_allclose(a @ np.asarray(x[i]), b[i])
    np.testing.assert_allclose(ftx.jit(linalg.tridiagonal_solve)(dl, d, du, b), x)
    np.testing.assert_allclose(ftx.vmap(linalg.tridiagonal_solve)(dl, d, du, b), x)
    check_grads(linalg.tridiagonal_solve, (dl, d, du, b), 2, rtol=1e-4)
    zero = np.zeros(3)
    assert np.isnan(np.asarray(linalg.tridiagonal_solve(zero, zero, zero, np.ones((3, 1))))).all()


def test_linalg_refuses():
    with pytest.raises(UnsupportedError, match="pivoting"):
        linalg.qr(X, pivoting=True)
    with pytest.raises(UnsupportedError, match="algorithm"):
        linalg.svd(X, algorithm=linalg.SvdAlgorithm.JACOBI)
    with pytest.raises(UnsupportedError, match="subset_by_index"):
        linalg.eigh(X[:, :, :4], subset_by_index=(0, 1))
    with pytest.raises(UnsupportedError, match="implementation"):
        linalg.eig(X[:, :, :4], implementation=linalg.EigImplementation.MAGMA)
    with pytest.raises(UnsupportedError, match="sort_eig_vals"):
        linalg.schur(X[:, :, :4], sort_eig_vals=True)
    with pytest.raises(UnsupportedError, match="perturb_singular"):
        linalg.tridiagonal_solve(*[np.ones(3)] * 3, np.ones((3, 1)), perturb_singular=True)
    with pytest.raises(ShapeError, match="one"):
        linalg.tridiagonal_solve(*[np.ones(3)] * 3, np.ones((4, 1)))
    with pytest.raises(ShapeError, match="taus"):
        linalg.householder_product(np.ones((3, 2)), np.ones(3))
    with pytest.raises(ShapeError, match="rows"):
        linalg.ormqr(np.ones((3, 2)), np.ones(2), np.ones((4, 1)))
    with pytest.raises(ShapeError, match="at most 1"):
        linalg.lu_pivots_to_permutation(np.array([0, 1]), 1)
    with pytest.raises(ShapeError, match="symmetric_product"):
        linalg.symmetric_product(np.ones((2, 3)), np.ones((3, 3)))


def test_symmetric_products():
    a, c = R.randn(3, 2), R.randn(3, 3)
    found = linalg.symmetric_product(a, c, alpha=2.0, beta=0.5, symmetrize_output=True)
    np.testing.assert_allclose(np.tril(found), np.tril(2 * a @ a.T + 0.5 * c))
    np.testing.assert_allclose(found, np.asarray(found).T)


@pytest.mark.peers
@pytest.mark.parametrize("layout", [("NCHW", "OIHW", "NCHW"), ("NHWC", "HWIO", "NHWC"), None])
def test_local_convolutions_equal_jax(layout):
    jax = pytest.importorskip("jax")
    image = R.randn(2, 3, 6, 5).astype(np.float32)
    kernels = R.randn(4, 3 * 6, 3, 5).astype(np.float32)
    if layout is not None and layout[0] == "NHWC":
        image, kernels = image.transpose(0, 2, 3, 1), kernels.transpose(2, 3, 1, 0)
    given = ((2, 1), ((1, 0), (0, 1)), (3, 2))
    run = lambda x, k: lax.conv_general_dilated_local(x, k, *given, dimension_numbers=layout)
    wanted = jax.lax.conv_general_dilated_local(image, kernels, *given, dimension_numbers=layout)
    np.testing.assert_allclose(run(image, kernels), wanted, atol=1e-4)
    np.testing.assert_allclose(ftx.jit(run)(image, kernels), wanted, atol=1e-4)
    check_grads(run, (image.astype(float), kernels.astype(float)), 1)
    with pytest.raises(ShapeError, match="kernels"):
        given = ((1, 1), *given[1:])
        run(image, kernels)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("bits", [(8, 7), (5, 10), (5, 2), (2, 1), (11, 3), (8, 23)])
def test_reduce_precision_compiled(bits, dtype):
    sizes = 10.0 ** np.random.RandomState(1).uniform(-45, 38, 500)
    edges = [0, -0.0, np.inf, -np.inf, np.nan, 65504, 65520, 3.4e38, 1e-45, 5e-324]
    with np.errstate(over="ignore"):
        x = fnp.asarray(np.concatenate([X.ravel(), sizes, -sizes, edges])).astype(dtype)
    run = lambda x: lax.reduce_precision(x, *bits)
    wanted, got = (np.asarray(f(x).astype("float64")) for f in (run, ftx.jit(run)))
    np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(wanted))

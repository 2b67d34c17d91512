"""ftx.scipy.sparse.linalg: direct solves are the oracle; iterates against JAX's."""

import numpy as np
import pytest

import ftx
import ftx.scipy.sparse.linalg as iterative
from ftx.core.errors import ArgumentError, NotCallableError, ShapeError, TreeError
from ftx.test_util import check_grads

R = np.random.RandomState(0)
N = 8


def system(name, dtype):
    """A matrix of the kind a method is for, and a right-hand side."""
    draw = lambda *s: R.randn(*s) + (1j * R.randn(*s) if np.dtype(dtype).kind == "c" else 0)
    m = draw(N, N)
    matrix = m @ m.conj().T + N * np.eye(N) if name == "cg" else m + 8 * np.eye(N)
    return matrix.astype(dtype), draw(N).astype(dtype)


OPTIONS = [
    ("cg", {}),
    ("cg", {"maxiter": 3}),
    ("cg", {"precondition": True}),
    ("bicgstab", {}),
    ("bicgstab", {"maxiter": 3}),
    ("bicgstab", {"precondition": True}),
    ("gmres", {}),
    ("gmres", {"solve_method": "incremental"}),
    ("gmres", {"restart": 3, "maxiter": 2}),
    ("gmres", {"solve_method": "incremental", "restart": 4, "precondition": True}),
]


def arguments(options, matrix):
    options = dict(options)
    if options.pop("precondition", False):
        options["M"] = np.diag(1 / np.diag(matrix))
    return options


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_solutions(name, options, dtype):
    matrix, b = system(name, dtype)
    options = arguments(options, matrix)
    run = lambda a, b: getattr(iterative, name)(a, b, tol=1e-6, **options)[0]
    x = run(matrix, b)
    assert x.dtype == b.dtype
    np.testing.assert_allclose(ftx.jit(run)(matrix, b), x, rtol=1e-3, atol=1e-5)
    if "maxiter" not in options:
        error = np.linalg.norm(matrix @ np.asarray(x) - b) / np.linalg.norm(b)
        assert error < (1e-4 if np.finfo(dtype).bits == 32 else 2e-5)


@pytest.mark.peers
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_iterates_equal_jax(name, options):
    jax = pytest.importorskip("jax")
    from jax.scipy.sparse import linalg as theirs

    matrix, b = system(name, "float64")
    options = arguments(options, matrix)
    with jax.enable_x64(True):
        ours = {k: jax.numpy.asarray(v) if k == "M" else v for k, v in options.items()}
        a = jax.numpy.asarray(matrix)
        wanted = getattr(theirs, name)(a, jax.numpy.asarray(b), tol=1e-3, **ours)[0]
    found = getattr(iterative, name)(matrix, b, tol=1e-3, **options)[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-9)  # rounding, amplified


@pytest.mark.parametrize("name", ["cg", "bicgstab", "gmres"])
def test_trees_starts_and_transforms(name):
    solve = getattr(iterative, name)
    matrix, b = system("cg", "float64")
    symmetric = lambda a: a @ a.T / N + N * np.eye(N)
    check_grads(lambda a, b: solve(symmetric(a), b, tol=1e-12)[0], (matrix, b), 2)
    tree = {"a": b[:4].reshape(2, 2), "b": b[4:]}
    twice = lambda t: ftx.tree.map(lambda v: 2 * v, t)
    x, _ = solve(twice, tree, x0=tree)
    np.testing.assert_allclose(x["a"], tree["a"] / 2, rtol=1e-6)
    assert x["b"].shape == (4,)
    many = np.stack([matrix, matrix + np.eye(N)])
    found = ftx.vmap(lambda a: solve(a, b, tol=1e-10)[0])(many)
    np.testing.assert_allclose(found, np.linalg.solve(many, b[None, :, None])[..., 0], atol=1e-8)
    slopes = ftx.jit(ftx.vmap(ftx.grad(lambda a: solve(a, b, tol=1e-12)[0].sum())))(many)
    for a, slope in zip(many, slopes, strict=True):
        x = np.linalg.solve(a, b)
        np.testing.assert_allclose(slope, -np.outer(np.linalg.solve(a.T, np.ones(N)), x), atol=1e-8)


def test_info_and_zeros():
    assert int(iterative.gmres(np.eye(3), np.ones(3))[1]) == 0
    for name in ("cg", "bicgstab", "gmres"):
        x = getattr(iterative, name)(np.eye(3), np.zeros(3))[0]
        assert x.tolist() == [0, 0, 0]
    assert iterative.cg(np.eye(2) * 2, np.ones(2))[1] is None


def test_refusals():
    with pytest.raises(ShapeError, match="square"):
        iterative.cg(np.ones((2, 3)), np.ones(3))
    with pytest.raises(NotCallableError, match="expected A"):
        iterative.cg(3.0, np.ones(3))
    with pytest.raises(TreeError, match="structure of b"):
        iterative.cg(np.eye(3), np.ones(3), x0=[np.ones(3)])
    with pytest.raises(ShapeError, match="shapes of b"):
        iterative.cg(np.eye(3), np.ones(3), x0=np.ones(4))
    with pytest.raises(ArgumentError, match="solve_method"):
        iterative.gmres(np.eye(3), np.ones(3), solve_method="wat")

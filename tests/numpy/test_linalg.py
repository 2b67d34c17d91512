"""Products and numpy.linalg, numpy.fft: NumPy is the oracle; derivatives against JAX."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import ShapeError

R = np.random.RandomState(0)
f32 = lambda *s: R.randn(*s).astype(np.float32)
A, B, V = f32(2, 4, 4), f32(2, 4, 3), f32(4)
P = A @ A.transpose(0, 2, 1) + 4 * np.eye(4, dtype=np.float32)


def close(found, wanted, tolerance=2e-4):
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


PRODUCTS = [
    ("matmul", (A, B)),
    ("matmul", (A, V)),
    ("matmul", (V, B)),
    ("matmul", (V, V)),
    ("matmul", (A[:, None], A[:1])),
    ("dot", (A, B)),
    ("dot", (A, V)),
    ("dot", (V, 3.0)),
    ("vdot", (A, A)),
    ("inner", (A, A)),
    ("outer", (V, V)),
    ("tensordot", (A, P[0], 1)),
    ("tensordot", (A, B, ((0, 2), (0, 1)))),
    ("tensordot", (A, A, 0)),
    ("kron", (V, A[0])),
    ("trace", (A, 1, 1, 2)),
    ("cross", (f32(5, 3), f32(3))),
    ("convolve", (V, f32(3))),
    ("convolve", (f32(3), V, "same")),
    ("correlate", (V, f32(3))),
    ("correlate", (V, f32(3), "full")),
    ("vecdot", (A, V)),
]


@pytest.mark.parametrize(
    ("name", "args"), PRODUCTS, ids=[f"{i}-{c[0]}" for i, c in enumerate(PRODUCTS)]
)
def test_product(name, args):
    wanted = getattr(np, name)(*args)
    close(getattr(fnp, name)(*args), wanted)
    close(
        ftx.jit(lambda *xs: getattr(fnp, name)(*xs, *args[2:]))(*args[:2])
        if name != "trace"
        else fnp.trace(*args),
        wanted,
    )


SUBSCRIPTS = [
    ("bij,bjk->bik", (A, B)),
    ("bij,bjk", (A, B)),
    ("ii->i", (A[0],)),
    ("ii", (A[0],)),
    ("bii->b", (A,)),
    ("...ij,...j->...i", (A, V)),
    ("i,j,k->kij", (V, V, V)),
    ("bij,bjk,bkl->il", (A, A, B)),
    ("ij->ji", (A[0],)),
    ("bij->j", (A,)),
    ("i,i", (V, V)),
    ("bij,j->", (A, V)),
    ("b...->...b", (A,)),
    ("ab,ab->ab", (A[0], A[0])),
    ("bij,bij,j,k->bk", (A, A, V, V)),
    ("...,...", (A, A[:1])),
]


@pytest.mark.parametrize(("text", "operands"), SUBSCRIPTS)
def test_einsum(text, operands):
    wanted = np.einsum(text, *operands)
    close(fnp.einsum(text, *operands), wanted)
    close(ftx.jit(lambda *xs: fnp.einsum(text, *xs))(*operands), wanted)
    ours = ftx.grad(lambda *xs: fnp.sum(fnp.einsum(text, *xs) ** 2))(*operands)
    step = f32(*operands[0].shape)
    line = lambda t: (
        np.einsum(
            text, operands[0].astype(float) + t * step, *[o.astype(float) for o in operands[1:]]
        )
        ** 2
    ).sum()
    np.testing.assert_allclose(
        (np.asarray(ours) * step).sum(), (line(1e-4) - line(-1e-4)) / 2e-4, rtol=1e-3, atol=1e-2
    )


def test_product_errors():
    with pytest.raises(ShapeError, match=r"y\.T"):
        fnp.asarray(A[0]) @ fnp.ones((3, 4))
    with pytest.raises(ShapeError, match="expected 2 operands"):
        fnp.einsum("ij,jk", A[0])
    with pytest.raises(ShapeError, match="label"):
        fnp.einsum("i,i", V, f32(3))
    assert fnp.matmul(np.ones((2, 2), bool), np.ones((2, 2), bool)).dtype == fnp.bool_
    assert fnp.matmul(A, B, preferred_element_type="float64").dtype == fnp.float64
    assert fnp.einsum(A[0], [0, 1], [1, 0]).shape == (4, 4)


CALLS = [
    ("inv", (P,)),
    ("solve", (P, B)),
    ("det", (P,)),
    ("det", (A[:, :3, :3],)),
    ("cholesky", (P,)),
    ("eigvalsh", (P,)),
    ("matrix_power", (A, 3)),
    ("matrix_power", (P, -2)),
    ("pinv", (B,)),
    ("norm", (B,)),
    ("norm", (B, 1, 1)),
    ("norm", (B, 3, 2)),
    ("norm", (B, np.inf, (1, 2))),
    ("norm", (B, "nuc", (1, 2))),
    ("norm", (B, "fro", (2, 1))),
    ("norm", (B, 2, (1, 2))),
    ("norm", (V, 0)),
    ("matrix_rank", (B,)),
    ("cond", (P,)),
    ("multi_dot", ([A[0], A[1], V],)),
    ("svdvals", (A,)),
    ("slogdet", (P,)),
    ("tensorinv", (P[0].reshape(2, 2, 2, 2),)),
]


@pytest.mark.parametrize(("name", "args"), CALLS, ids=[f"{i}-{c[0]}" for i, c in enumerate(CALLS)])
def test_linalg(name, args):
    wanted = getattr(np.linalg, name)(*args)
    found = getattr(fnp.linalg, name)(*args)
    if isinstance(wanted, tuple):
        for a, b in zip(found, wanted, strict=True):
            close(a, b, 1e-3)
    else:
        close(found, wanted, 2e-3)


def test_factors_multiply_to_the_matrix():
    u, s, vh = fnp.linalg.svd(B, full_matrices=False)
    close(u * s[:, None] @ vh, B)
    q, r = fnp.linalg.qr(B)
    close(q @ r, B)
    w, v = fnp.linalg.eigh(P)
    close(v * w[:, None] @ v.mT, P, 1e-3)
    x, *_ = fnp.linalg.lstsq(B[0], V)
    close(x, np.linalg.lstsq(B[0], V, rcond=None)[0])
    assert fnp.linalg.inv(P.astype(np.float16)).dtype == fnp.float16


@pytest.mark.peers
@pytest.mark.parametrize(
    ("name", "f"),
    [
        ("solve", lambda m, x: m.numpy.sin(m.numpy.linalg.solve(x, B)).sum()),
        ("inv", lambda m, x: (m.numpy.linalg.inv(x) ** 2).sum()),
        ("det", lambda m, x: m.numpy.log(m.numpy.linalg.det(x)).sum()),
        ("slogdet", lambda m, x: m.numpy.linalg.slogdet(x)[1].sum()),
        ("cholesky", lambda m, x: m.numpy.sin(m.numpy.linalg.cholesky(x)).sum()),
        ("norm", lambda m, x: m.numpy.linalg.norm(x, axis=-1).sum()),
        ("pinv", lambda m, x: m.numpy.linalg.pinv(x)[:, 0].sum()),
        ("expm", lambda m, x: m.scipy.linalg.expm(x / 8).sum()),
        ("rfft", lambda m, x: (m.numpy.abs(m.numpy.fft.rfft(x)) ** 3).sum()),
        ("irfft", lambda m, x: (m.numpy.fft.irfft(x + 1j * x, 5) ** 3).sum()),
        ("fft2", lambda m, x: (m.numpy.abs(m.numpy.fft.fft2(x)) ** 3).sum()),
    ],
)
def test_derivatives_equal_jax(name, f):
    jax = pytest.importorskip("jax")
    ours = ftx.grad(lambda x: f(ftx, x))(P)
    theirs = np.asarray(jax.grad(lambda x: f(jax, x))(P))
    np.testing.assert_allclose(
        np.asarray(ours), theirs, rtol=5e-3, atol=1e-3 * np.abs(theirs).max()
    )
    batched = ftx.vmap(ftx.grad(lambda x: f(ftx, x)))(np.stack([P, P + 0.01]))
    np.testing.assert_allclose(
        np.asarray(batched[0]), theirs, rtol=5e-3, atol=1e-3 * np.abs(theirs).max()
    )


@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_fft(name, norm):
    x = (
        f32(3, 6)
        if name in ("rfft", "ihfft")
        else (f32(3, 6) + 1j * f32(3, 6)).astype(np.complex64)
    )
    for n in (None, 5, 8):
        wanted = getattr(np.fft, name)(x, n, -1, norm)
        found = getattr(fnp.fft, name)(x, n, -1, norm)
        close(found, wanted, 1e-4)
        assert found.dtype.itemsize * 2 == wanted.dtype.itemsize or found.dtype == wanted.dtype
    close(
        ftx.jit(lambda v: getattr(fnp.fft, name)(v, None, 0))(x),
        getattr(np.fft, name)(x, None, 0),
        1e-4,
    )


def test_fft_of_several_axes():
    x = f32(2, 4, 6)
    close(fnp.fft.fftn(x), np.fft.fftn(x), 1e-4)
    close(fnp.fft.irfft2(fnp.fft.rfft2(x)), x, 1e-4)
    close(fnp.fft.rfftn(x, (3, 5), (0, 2)), np.fft.rfftn(x, (3, 5), (0, 2)), 1e-4)
    close(fnp.fft.fftfreq(5, 0.5), np.fft.fftfreq(5, 0.5))
    close(fnp.fft.rfftfreq(6), np.fft.rfftfreq(6))
    close(fnp.fft.ifftshift(fnp.fft.fftshift(x)), x)


def test_scipy_linalg():
    L = ftx.scipy.linalg
    close(L.cho_solve(L.cho_factor(P[0]), V), np.linalg.solve(P[0], V))
    close(L.lu_solve(L.lu_factor(A[0]), V, 1), np.linalg.solve(A[0].T, V), 1e-2)
    p, low, high = L.lu(A[0])
    close(p @ low @ high, A[0])
    for trans, matrix in ((0, np.triu(P[0])), ("T", np.triu(P[0]).T)):
        close(L.solve_triangular(P[0], V, trans), np.linalg.solve(matrix, V))
    close(L.block_diag(A[0], B[0])[4:, 4:], B[0])
    assert L.toeplitz([1, 2, 3], [1, 5]).tolist() == [[1, 5], [2, 1], [3, 2]]

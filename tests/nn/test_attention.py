"""Attention against NumPy by head and JAX; log1mexp against mpmath; Initializer."""

import mpmath
import numpy as np
import pytest

import ftx
from ftx import nn
from ftx.core.errors import ArgumentError, DTypeError, InputShapeError, UnsupportedError
from ftx.test_util import check_grads

R = np.random.RandomState(0)
Q, K, V = R.randn(2, 5, 4, 8), R.randn(2, 6, 2, 8), R.randn(2, 6, 2, 8)
LENGTHS = {
    "query_seq_lengths": np.array([3, 5], np.int32),
    "key_value_seq_lengths": np.array([6, 2], np.int32),
}
OPTIONS = [
    {},
    {"is_causal": True},
    {"bias": R.randn(1, 4, 5, 6)},
    {"mask": R.rand(2, 1, 5, 6) > 0.3},
    LENGTHS,
    {"local_window_size": 1},
    {"local_window_size": (2, 0), "scale": 0.3, "is_causal": True},
]


def by_head(q, k, v, options):
    """Softmax of products, one head of one sequence after another."""
    out = np.zeros_like(q)
    t, s = np.ogrid[: q.shape[1], : k.shape[1]]
    left, right = (
        (w := options.get("local_window_size"), w)
        if isinstance(options.get("local_window_size"), int)
        else options.get("local_window_size", (99, 99))
    )
    for b in range(q.shape[0]):
        for n in range(q.shape[2]):
            head = n * k.shape[2] // q.shape[2]
            x = q[b, :, n] @ k[b, :, head].T * options.get("scale", 1 / np.sqrt(q.shape[3]))
            x = x + np.broadcast_to(options.get("bias", np.zeros((1, 1, 1, 1))), (1, 4, 5, 6))[0, n]
            allowed = (s >= t - left) & (s <= t + right)
            if options.get("is_causal"):
                allowed = allowed & (s <= t)
            if "mask" in options:
                allowed = allowed & options["mask"][b, 0]
            if "query_seq_lengths" in options:
                allowed = allowed & (s < options["key_value_seq_lengths"][b])
            x = np.exp(np.where(allowed, x, -np.inf) - x.max())
            out[b, :, n] = x / x.sum(1, keepdims=True) @ v[b, :, head]
        if "query_seq_lengths" in options:
            out[b, options["query_seq_lengths"][b] :] = 0
    return out


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "plain")
def test_attention(options):
    run = lambda q, k, v: nn.dot_product_attention(q, k, v, **options)
    wanted = by_head(Q, K, V, options)
    np.testing.assert_allclose(run(Q, K, V), wanted, atol=1e-10)
    np.testing.assert_allclose(ftx.jit(run)(Q, K, V), wanted, atol=1e-10)
    check_grads(run, (Q, K, V), 1)
    if not options:
        np.testing.assert_allclose(run(Q[0], K[0], V[0]), wanted[0], atol=1e-10)
        np.testing.assert_allclose(ftx.vmap(run)(Q, K, V), wanted, atol=1e-10)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "plain")
def test_attention_equals_jax(options, dtype):
    jax = pytest.importorskip("jax")
    given = [np.asarray(x, np.float32).astype(jax.numpy.dtype(dtype)) for x in (Q, K, V)]
    options = {k: v.astype(np.float32) if k == "bias" else v for k, v in options.items()}
    found = nn.dot_product_attention(*given, return_residual=True, **options)
    ours = {k: jax.numpy.asarray(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    wanted = jax.nn.dot_product_attention(
        *map(jax.numpy.asarray, given), return_residual=True, **ours
    )
    for a, b in zip(found, wanted, strict=True):
        assert a.dtype == b.dtype
        a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
        np.testing.assert_allclose(a, b, atol=2e-6 if dtype == "float32" else 4e-2)


def test_attention_refuses():
    call = nn.dot_product_attention
    with pytest.raises(UnsupportedError, match="'xla'"):
        call(Q, K, V, implementation="cudnn")
    with pytest.raises(InputShapeError, match="multiple of 2"):
        call(Q[:, :, :3], K, V)
    with pytest.raises(InputShapeError, match="value of shape"):
        call(Q, K, V[:, :4])
    with pytest.raises(DTypeError, match="mask"):
        call(Q, K, V, mask=np.ones((2, 1, 5, 6)))
    with pytest.raises(DTypeError, match="query of dtype"):
        call(Q.astype(np.float32), K, V)
    with pytest.raises(ArgumentError, match="local_window_size"):
        call(Q, K, V, local_window_size=(-1, 2))


def test_log1mexp():
    x = np.array([1e-12, 0.1, np.log(2), 1.0, 30.0, 700.0])
    with mpmath.workdps(400):
        wanted = [float(mpmath.log(-mpmath.expm1(-mpmath.mpf(v)))) for v in x]
    np.testing.assert_allclose(nn.log1mexp(x), wanted, rtol=1e-13)
    np.testing.assert_allclose(ftx.jit(nn.log1mexp)(x), wanted, rtol=1e-13)
    check_grads(nn.log1mexp, (x[1:5],), 2)
    assert nn.log1mexp(0.0) == -np.inf and np.isnan(float(nn.log1mexp(-1.0)))


def test_initializers_are_initializers():
    assert isinstance(nn.initializers.glorot_normal(), nn.initializers.Initializer)
    assert not isinstance(3, nn.initializers.Initializer)

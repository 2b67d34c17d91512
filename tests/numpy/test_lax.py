"""ftx.lax: strict functions, slices, folds, products, convolutions, scans and collectives."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import lax
from ftx.core.errors import DTypeError, ShapeError

R = np.random.RandomState(0)
f32 = lambda *s: R.randn(*s).astype(np.float32)
X = f32(3, 4)


def close(found, wanted, tolerance=1e-5):
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


def test_strictness():
    with pytest.raises(ShapeError, match="equal shape"):
        lax.add(X, X[0])
    with pytest.raises(DTypeError, match="equal dtype"):
        lax.mul(X, X.astype(np.float64))
    close(lax.add(X, 2), X + 2)
    close(lax.max(X, 0.0), np.maximum(X, 0))
    assert lax.add(X, 1.0).dtype == fnp.float32 and lax.pow(X, 2).dtype == fnp.float32
    close(lax.clamp(-1.0, X, 1.0), X.clip(-1, 1))
    close(lax.select(X > 0, X, -X), abs(X))
    close(
        lax.select_n(np.array([0, 2, 1], np.int32), X[:, 0], X[:, 1], X[:, 2]),
        [X[0, 0], X[1, 2], X[2, 1]],
    )
    assert (
        lax.round(np.float32(2.5)) == 3
        and lax.round(np.float32(2.5), lax.RoundingMethod.TO_NEAREST_EVEN) == 2
    )
    close(lax.rsqrt(abs(X)), 1 / np.sqrt(abs(X)))


def test_shapes():
    close(lax.broadcast_in_dim(X, (3, 2, 4), (0, 2)), np.broadcast_to(X[:, None], (3, 2, 4)))
    close(lax.broadcast(X, (2,)), np.broadcast_to(X, (2, 3, 4)))
    close(lax.reshape(X, (4, 3), (1, 0)), X.T)
    close(lax.collapse(X, 0), X.ravel())
    close(
        lax.pad(X, 0.0, ((1, 0, 1), (-1, 2, 0))),
        np.pad(np.insert(X, [1, 2], 0, 0), ((1, 0), (0, 2)))[:, 1:],
    )
    close(lax.rev(X, (0,)), X[::-1])
    close(lax.broadcasted_iota("int32", (2, 3), 1), np.broadcast_to(np.arange(3), (2, 3)))
    close(lax.full((2,), 7), [7, 7])
    close(lax.squeeze(X[:1], (0,)), X[0])
    close(lax.concatenate([X, X], 1), np.concatenate([X, X], 1))
    assert [v.shape for v in lax.split(X, (1, 3), 1)] == [(3, 1), (3, 3)]


def test_slices():
    close(lax.slice(X, (0, 1), (3, 4), (2, 1)), X[::2, 1:])
    close(lax.slice_in_dim(X, -2, None, axis=1), X[:, -2:])
    close(lax.dynamic_slice(X, (2, -1), (2, 2)), X[1:3, 2:4])
    close(ftx.jit(lambda x, i: lax.dynamic_slice(x, (i, i), (2, 2)))(X, -3), X[0:2, 1:3])
    close(lax.dynamic_slice_in_dim(X, 1, 2), X[1:3])
    close(lax.dynamic_index_in_dim(X, 2, keepdims=False), X[2])
    close(lax.index_in_dim(X, -1, 1), X[:, -1:])
    wanted = X.copy()
    wanted[1] = 0
    close(lax.dynamic_update_index_in_dim(X, np.zeros(4, np.float32), 1, 0), wanted)
    close(lax.dynamic_update_slice(X, np.zeros((1, 4), np.float32), np.array([1, 0])), wanted)
    close(lax.dynamic_update_slice_in_dim(X, np.zeros((1, 4), np.float32), 1, 0), wanted)


def test_folds():
    close(lax.reduce_sum(X, (0,)), X.sum(0))
    close(lax.reduce(X, np.float32(1), lax.add, (1,)), X.sum(1) + 1)
    close(lax.reduce(X, -np.inf, lax.max, (0, 1)), X.max())
    odd = lambda a, b: a * b + a + b
    close(lax.reduce(X[:, :3], np.float32(0), odd, (1,)), np.prod(X[:, :3] + 1, 1) - 1, 1e-4)
    bits = np.array([[True, True, False], [True, True, True]])
    close(lax.reduce_xor(bits, (1,)), [False, True])
    assert lax.reduce_and(bits, (1,)).tolist() == [False, True]
    close(lax.cumsum(X, 1, reverse=True), X[:, ::-1].cumsum(1)[:, ::-1])
    close(lax.cummax(X), np.maximum.accumulate(X))
    close(lax.cumlogsumexp(X, 1), np.log(np.exp(X).cumsum(1)))
    values, places = lax.top_k(X, 2)
    close(values, -np.sort(-X)[:, :2])
    close(lax.top_k(X, 2, axis=0)[0], -np.sort(-X, 0)[:2])
    assert places.dtype == fnp.int32
    keys, moved = lax.sort_key_val(X[:, 0], np.arange(3))
    close(keys, np.sort(X[:, 0]))
    close(moved, np.argsort(X[:, 0]))
    assert lax.argmax(X, 1, "int32").dtype == fnp.int32


def test_dot_general():
    a, b = f32(2, 3, 4), f32(2, 4, 5)
    close(lax.dot_general(a, b, (((2,), (1,)), ((0,), (0,)))), a @ b)
    close(lax.batch_matmul(a, b), a @ b)
    close(lax.dot(X, X[0]), X @ X[0])
    assert (
        lax.dot(
            X.astype(np.float16), X.T.astype(np.float16), preferred_element_type="float32"
        ).dtype
        == fnp.float32
    )
    assert lax.dot_general(a, b, (((2,), (1,)), ((0,), (0,))), lax.Precision.HIGHEST).shape == (
        2,
        3,
        5,
    )


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_associative_scan(n, reverse):
    a, b = f32(n, 2), f32(n, 2)
    fn = lambda l, r: (l[0] * r[0], r[0] * l[1] + r[1])
    found = lax.associative_scan(fn, (a, b), reverse=reverse)
    h, rows = np.zeros(2), []
    for i in range(n)[::-1] if reverse else range(n):
        h = a[i] * h + b[i]
        rows.append(h)
    close(found[1], np.stack(rows[::-1] if reverse else rows), 1e-4)
    close(lax.associative_scan(lambda x, y: x + y, a.T, axis=1), a.T.cumsum(1), 1e-4)


def test_control_flow():
    assert lax.fori_loop(0, 5, lambda i, s: s + i, 0) == 10
    assert lax.while_loop(lambda i: i < 10, lambda i: i + 3, 0) == 12
    assert lax.cond(True, lambda x: x + 1, lambda x: x - 1, 1.0) == 2
    assert lax.switch(1, [lambda x: x, lambda x: -x], 3.0) == -3
    close(lax.scan(lambda c, x: (c + x, c), 0.0, X[0])[1], np.r_[0, X[0].cumsum()[:-1]])
    close(lax.map(lambda r: r * 2, X), X * 2)
    assert ftx.grad(lambda x: lax.stop_gradient(x) * x)(3.0) == 3


def test_collectives():
    f = lambda g: ftx.vmap(g, axis_name="i")(X)
    close(f(lambda v: lax.psum(v, "i")), np.broadcast_to(X.sum(0), X.shape))
    close(f(lambda v: lax.pmean({"a": v}, "i")["a"]), np.broadcast_to(X.mean(0), X.shape))
    close(f(lambda v: lax.pmax(v, "i") - lax.pmin(v, "i")), np.broadcast_to(np.ptp(X, 0), X.shape))
    close(
        f(lambda v: lax.axis_index("i") + v * 0), np.broadcast_to(np.arange(3.0)[:, None], X.shape)
    )
    close(f(lambda v: lax.ppermute(v, "i", [(0, 1), (1, 2), (2, 0)])), X[[2, 0, 1]])
    close(f(lambda v: lax.all_gather(v, "i"))[1], X)
    assert f(lambda v: lax.psum(1, "i") + v * 0)[0, 0] == 3
    with pytest.raises(NotImplementedError, match="axis_index_groups"):
        f(lambda v: lax.psum(v, "i", axis_index_groups=[[0], [1, 2]]))


@pytest.mark.peers
@pytest.mark.parametrize(
    ("layout", "padding", "options"),
    [
        (("NHWC", "HWIO", "NHWC"), "SAME", {}),
        (("NCHW", "OIHW", "NCHW"), "VALID", {"rhs_dilation": (2, 1)}),
        (("NHWC", "WHIO", "NWHC"), ((1, 2), (0, 3)), {}),
        (None, ((1, 0), (2, 2)), {"lhs_dilation": (2, 2)}),
        (("NHWC", "HWIO", "NHWC"), "SAME", {"feature_group_count": 2}),
    ],
)
def test_convolution_equals_jax(layout, padding, options):
    jax = pytest.importorskip("jax")
    numbers = lax.conv_dimension_numbers((1,) * 4, (1,) * 4, layout)
    groups = options.get("feature_group_count", 1)
    x, k = np.zeros((2, 6, 4, 5), np.float32), np.zeros((8, 4, 3, 2), np.float32)
    shape_x, shape_k = [0] * 4, [0] * 4
    for axis, n in zip(numbers.lhs_spec, (2, 4, 7, 6), strict=True):
        shape_x[axis] = n
    for axis, n in zip(numbers.rhs_spec, (8, 4 // groups, 3, 2), strict=True):
        shape_k[axis] = n
    x, k = f32(*shape_x), f32(*shape_k)
    run = lambda m: m.lax.conv_general_dilated(
        x, k, (2, 1), padding, dimension_numbers=layout, **options
    )
    close(run(ftx), run(jax), 1e-4)


@pytest.mark.peers
def test_windows_equal_jax():
    jax = pytest.importorskip("jax")
    x = f32(2, 7, 6, 3)
    for fold, init in (("add", 0.0), ("max", -np.inf), ("min", np.inf), ("mul", 1.0)):
        for padding in ("SAME", "VALID"):
            run = lambda m, f=fold, i=init, p=padding: m.lax.reduce_window(
                x, i, getattr(m.lax, f), (1, 3, 2, 1), (1, 2, 2, 1), p
            )
            close(run(ftx), run(jax), 1e-4)
    layout = ("NHWC", "HWIO", "NHWC")
    for padding in ("SAME", "VALID", ((1, 1), (0, 2))):
        run = lambda m, p=padding: m.lax.conv_transpose(
            x, f32(3, 2, 3, 4) * 0 + 1, (2, 3), p, dimension_numbers=layout
        )
        close(run(ftx), run(jax), 1e-4)
    run = lambda m: m.lax.conv_general_dilated_patches(
        x, (3, 2), (1, 2), "SAME", dimension_numbers=layout
    )
    close(run(ftx), run(jax), 1e-5)
    assert lax.padtype_to_pads((5, 4), (3, 2), (2, 1), "SAME") == [(1, 1), (0, 1)]


def test_reduce_window_knows_only_four_folds():
    with pytest.raises(NotImplementedError, match="computation"):
        lax.reduce_window(X, 0.0, lambda a, b: a - b, (1, 2))


def test_bits():
    assert lax.bitcast_convert_type(np.float32(1), "int32") == 1065353216
    assert lax.population_count(np.uint8(7)) == 3 and lax.clz(np.int32(1)) == 31
    assert lax.shift_right_logical(np.int8(-8), np.int8(1)) == 124
    assert lax.reduce_precision(np.float32(1.001), 8, 7) == 1.0
    assert lax.convert_element_type(2.7, int).tolist() == 2

"""ftx.ops, ftx.image and ftx.dlpack: NumPy and JAX are the oracles."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import dlpack, image, ops
from ftx.core.errors import (
    ArgumentError,
    BackendError,
    DTypeError,
    InputShapeError,
    NonConcreteBooleanIndexError,
    NotAnArrayError,
    ShapeError,
    UnsupportedError,
)
from ftx.test_util import check_grads

R = np.random.RandomState(0)
f64 = lambda *s: R.randn(*s)
DATA, IDS = f64(9, 2), np.array([0, 3, 1, 1, -1, 7, 2, 2, 0])
FOLDS = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}


def segments(fold, data, ids, n):
    """By a Python loop; numbers outside are left out."""
    start = {"sum": 0.0, "prod": 1.0, "max": -np.inf, "min": np.inf}[fold]
    out = np.full((n, *data.shape[1:]), start)
    for row, i in zip(data, ids, strict=True):
        if 0 <= i < n:
            out[i] = FOLDS[fold](out[i], row)
    return out


@pytest.mark.parametrize("fold", FOLDS)
@pytest.mark.parametrize("bucket_size", [None, 4])
def test_segments(fold, bucket_size):
    function = getattr(ops, f"segment_{fold}")
    run = lambda d, i: function(d, i, 5, bucket_size=bucket_size)
    wanted = segments(fold, DATA, IDS, 5)
    np.testing.assert_allclose(run(DATA, IDS), wanted)
    np.testing.assert_allclose(ftx.jit(run)(DATA, IDS), wanted)
    rows = np.stack([DATA, DATA[::-1]])
    np.testing.assert_allclose(
        ftx.vmap(run, (0, None))(rows, IDS), [segments(fold, d, IDS, 5) for d in rows]
    )
    inside = IDS.clip(0, 3)  # without rows the result is infinite
    check_grads(lambda d: function(d, inside, 4, bucket_size=bucket_size), (DATA,), 1)


def test_products_with_zeros_have_gradients():
    data, ids = np.array([2.0, 0.0, 3.0, 0.0, 0.0, 5.0]), np.array([0, 0, 0, 1, 1, 1])
    slopes = ftx.grad(lambda d: ops.segment_prod(d, ids, 2).sum())(data)
    assert slopes.tolist() == [0, 6, 0, 0, 0, 0]
    check_grads(lambda d: ops.segment_prod(d, ids, 2), (data,), 1)
    check_grads(lambda d: ops.segment_prod(d, ids, 2), (data + 1,), 2)


def test_segments_of_integers_and_modes():
    data = np.array([5, 2, 7], np.int32)
    found = ops.segment_max(data, np.array([0, 0, 2]), 4)
    assert found.tolist() == [5, np.iinfo(np.int32).min, 7, np.iinfo(np.int32).min]
    assert found.dtype == np.int32
    assert ops.segment_sum(data, np.array([0, 0, 2])).tolist() == [7, 0, 7]
    assert ops.segment_sum(data, np.array([0, 9, -1]), 2, mode="clip").tolist() == [12, 2]
    with pytest.raises(IndexError, match="out of range"):
        ops.segment_sum(data, np.array([0, 9, 1]), 2, mode="raise")


def test_segments_refuse():
    with pytest.raises(ShapeError, match="leading shape"):
        ops.segment_sum(DATA, IDS[:3])
    with pytest.raises(ArgumentError, match="at least 0"):
        ops.segment_sum(DATA, IDS, -1)
    with pytest.raises(ArgumentError, match="bucket_size above 0"):
        ops.segment_sum(DATA, IDS, 2, bucket_size=0)
    with pytest.raises(NonConcreteBooleanIndexError, match="num_segments"):
        ftx.jit(ops.segment_sum)(DATA, IDS)
    with pytest.raises(UnsupportedError, match="out_sharding"):
        ops.segment_sum(DATA, IDS, out_sharding="x")


METHODS = ["nearest", "linear", "cubic", "cubic-pytorch", "lanczos3", "lanczos5", "area"]
PICTURE = f64(5, 7, 3).astype(np.float32)


@pytest.mark.peers
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("shape", [(10, 3, 3), (5, 14, 3), (3, 4, 1), (5, 7, 3)])
def test_resize_equals_jax(method, antialias, shape):
    jax = pytest.importorskip("jax")
    run = lambda x: image.resize(x, shape, method, antialias=antialias)
    wanted = jax.image.resize(PICTURE, shape, method, antialias=antialias)
    assert run(PICTURE).dtype == wanted.dtype
    np.testing.assert_allclose(run(PICTURE), wanted, rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(ftx.jit(run)(PICTURE), wanted, rtol=1e-4, atol=2e-5)


@pytest.mark.peers
@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("antialias", [True, False])
def test_scale_and_translate_equals_jax(method, antialias):
    if method == "cubic-pytorch" and not antialias:
        antialias = True
    jax = pytest.importorskip("jax")
    scale, shift = np.array([0.7, 1.3], np.float32), np.array([0.2, -0.4], np.float32)
    run = lambda m: (
        lambda s, t: m.image.scale_and_translate(
            PICTURE, (6, 8, 3), (0, 1), s, t, method, antialias=antialias
        )
    )
    np.testing.assert_allclose(run(ftx)(scale, shift), run(jax)(scale, shift), rtol=1e-4, atol=2e-5)


def test_resize_against_means_and_lines():
    """Halving by areas is the mean of pairs; a line stays a line away from its ends."""
    x = f64(6)
    np.testing.assert_allclose(image.resize(x, (3,), "area"), x.reshape(3, 2).mean(1), rtol=1e-6)
    line = np.arange(8.0)
    found = np.asarray(image.resize(line, (16,), image.ResizeMethod.CUBIC))
    np.testing.assert_allclose(found[4:-4], np.arange(2, 6, 0.5) - 0.25, atol=1e-6)
    np.testing.assert_array_equal(image.resize(np.arange(3), (6,), "nearest"), [0, 0, 1, 1, 2, 2])


@pytest.mark.parametrize("method", METHODS[1:])
def test_resize_has_gradients_and_batches(method):
    x = f64(4, 5)
    run = lambda x: image.resize(x, (6, 3), method)
    check_grads(run, (x,), 1)
    rows = f64(3, 4, 5)
    found = ftx.jit(ftx.vmap(run))(rows)
    np.testing.assert_allclose(found, [run(r) for r in rows], rtol=1e-6, atol=1e-9)
    move = lambda s, t: image.scale_and_translate(x, (6, 3), (0, 1), s, t, method, antialias=False)
    if method not in ("area", "linear"):  # which have kinks
        check_grads(move, (np.array([1.3, 0.61]), np.array([0.21, 0.13])), 1)


def test_images_refuse():
    with pytest.raises(InputShapeError, match="3 sizes"):
        image.resize(PICTURE, (3, 4), "linear")
    with pytest.raises(ArgumentError, match="bicubic"):
        image.resize(PICTURE, (3, 4, 3), "wat")
    with pytest.raises(UnsupportedError, match="nearest"):
        image.scale_and_translate(PICTURE, (3, 4, 3), (0,), np.ones(1), np.ones(1), "nearest")
    with pytest.raises(InputShapeError, match="one per"):
        image.scale_and_translate(PICTURE, (3, 4, 3), (0,), np.ones(2), np.ones(2), "linear")


def test_dlpack_shares_memory_both_ways():
    theirs = np.arange(6.0).reshape(2, 3)
    ours = dlpack.from_dlpack(theirs)
    assert np.shares_memory(np.asarray(ours), theirs) and ours.tolist() == theirs.tolist()
    back = np.from_dlpack(fnp.arange(4.0) * 2)
    assert back.tolist() == [0, 2, 4, 6]
    copied = dlpack.from_dlpack(theirs, copy=True)
    assert not np.shares_memory(np.asarray(copied), theirs)
    assert dlpack.from_dlpack(ours, ftx.devices()[0]).tolist() == ours.tolist()


def test_dlpack_keeps_the_memory_of_results_alive():
    double = ftx.jit(lambda x: x * 2)
    shared = np.from_dlpack(double(np.ones(1 << 20)))
    double(np.zeros(1 << 20))
    assert shared.min() == shared.max() == 2


def test_dlpack_with_torch():
    torch = pytest.importorskip("torch")
    theirs = torch.arange(3.0)
    ours = dlpack.from_dlpack(theirs)
    theirs[0] = 7
    assert ours.tolist() == [7, 1, 2]
    assert torch.from_dlpack(ours + 1).tolist() == [8, 2, 3]


@pytest.mark.peers
def test_dlpack_with_jax():
    jax = pytest.importorskip("jax")
    theirs = jax.numpy.arange(3.0)
    assert dlpack.from_dlpack(theirs).tolist() == [0, 1, 2]
    assert jax.dlpack.from_dlpack(fnp.arange(3.0)).tolist() == [0, 1, 2]


def test_dlpack_refuses():
    class Elsewhere:
        def __dlpack__(self):
            raise AssertionError

        def __dlpack_device__(self):
            return 2, 0

    with pytest.raises(BackendError, match="device 2"):
        dlpack.from_dlpack(Elsewhere())
    with pytest.raises(NotAnArrayError, match="__dlpack_device__"):
        dlpack.from_dlpack([1, 2])
    with pytest.raises(UnsupportedError, match="CPU device"):
        dlpack.from_dlpack(np.ones(1), "gpu")
    with pytest.raises(DTypeError, match="share"):
        dlpack.from_dlpack(np.array(["a"]))
    assert dlpack.is_supported_dtype(bool) and dlpack.is_supported_dtype("complex64")
    assert not dlpack.is_supported_dtype(fnp.bfloat16)

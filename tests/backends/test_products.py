"""Products and convolutions on our tiles, against NumPy, for every shape of tile and every cut."""

import ctypes

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ftx
import ftx.lax as lax
import ftx.numpy as fnp
from ftx.backends import cache
from ftx.backends.cpu import Assembler, assemble
from ftx.backends.product_shapes import Shape, shape_for
from ftx.backends.product_steps import tile_shape
from ftx.backends.products import Left, Product, Right, packing_text, product_text
from ftx.backends.thunks import For
from ftx.backends.tile import namespace
from ftx.core.config import config
from ftx.core.primitives.conv import conv_general_dilated_p
from ftx.transforms.passes import simplify

F32 = tile_shape(np.dtype("float32"))
pytestmark = pytest.mark.skipif(F32 is None, reason="no tiles for this processor")
SHAPES = {  # every kind of processor's tile runs on any processor, if slowly
    "avx512": lambda size: Shape(size, 64, 8, 3),
    "avx2": lambda size: Shape(size, 32, 4, 3),
    "neon": lambda size: Shape(size, 16, 8, 3),
}


def call(shape, text, arrays, tasks):
    kernel = cache.get_kernel(text(shape), "kernel", lambda: namespace(shape), version="test")
    table = np.array([a.ctypes.data for a in arrays], np.int64)
    run = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 3)(kernel.address)
    for task in range(tasks):  # one by one: the cut must not matter
        assert run(table.ctypes.data, task, task + 1) == 0


def multiply(shape, a, b, ta, tb):
    """a @ b with operands stored as they are or transposed, on one shape of tile."""
    (m, k), n = a.shape, b.shape[1]
    stored_a = np.ascontiguousarray(a.T if ta else a)
    stored_b = np.ascontiguousarray(b.T if tb else b)
    left = Left(m, 1, m, k) if ta else Left(m, k, 1, k)
    right = Right(n, 1, k) if tb else Right(n, n, 1)
    product = Product(shape, left, right, c_row=n)
    if product.packed:
        packed = np.full(product.packed_bytes, 0xFF, np.uint8)
        table, tasks = product.packing()
        call(shape, packing_text, [stored_b, packed, table], tasks)
        stored_b = packed
    c = np.full((m + 1, n), np.nan, a.dtype)
    call(shape, product_text, [stored_a, stored_b, c, *product.numbers()], product.tasks)
    assert np.isnan(c[m]).all(), "wrote behind the result"
    return c[:m]


@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", SHAPES)
def test_every_tile_multiplies(kind, dtype, ta, tb):
    shape = SHAPES[kind](np.dtype(dtype).itemsize)
    rng = np.random.default_rng(0)
    for m, n, k in [(1, 1, 1), (3, 5, 7), (8, 48, 16), (13, 50, 300), (65, 49, 257), (17, 96, 2)]:
        a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
        tolerance = 1e-5 if dtype == "float32" else 1e-13
        np.testing.assert_allclose(
            multiply(shape, a, b, ta, tb), a @ b, rtol=tolerance, atol=tolerance * k
        )


def test_processors_have_the_tile_that_fits_them():
    assert shape_for(4, frozenset({"avx512f", "avx2", "fma"})) == Shape(4, 64, 8, 3)
    assert shape_for(8, frozenset({"avx2", "fma"})) == Shape(8, 32, 4, 3)
    assert shape_for(4, frozenset({"neon"})) == Shape(4, 16, 8, 3)
    assert shape_for(4, frozenset({"sse2"})) is None


sizes = st.sampled_from([1, 2, 3, 7, 16, 31, 48, 65, 130])


@settings(max_examples=60, deadline=None)
@given(m=sizes, n=sizes, k=sizes, batch=st.sampled_from([1, 3]), data=st.data())
def test_compiled_products_agree_with_numpy(m, n, k, batch, data):
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    rng = np.random.default_rng(m * n + k)
    a = rng.standard_normal((batch, m, k)).astype(dtype)
    b = rng.standard_normal((batch, k, n)).astype(dtype)
    if data.draw(st.booleans()):
        a = np.ascontiguousarray(a.swapaxes(1, 2)).swapaxes(1, 2)
    spec = data.draw(st.sampled_from(["bmk,bkn->bmn", "bmk,bkn->bnm", "bmk,bkn->mbn"]))
    got = ftx.jit(lambda x, y: fnp.einsum(spec, x, y))(fnp.asarray(a), fnp.asarray(b))
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(got, np.einsum(spec, a, b), rtol=tolerance, atol=tolerance * k)


def test_zero_sizes():
    for m, n, k in [(0, 3, 4), (3, 0, 4), (3, 4, 0)]:
        a, b = fnp.zeros((m, k)), fnp.zeros((k, n))
        got = ftx.jit(lambda x, y: x @ y)(a, b)
        assert got.shape == (m, n)
        assert not np.asarray(got).any()


def test_nan_and_infinity_go_through():
    a, b = np.zeros((9, 40), np.float32), np.ones((40, 33), np.float32)
    a[3, 5], a[8, 39] = np.nan, np.inf
    got = np.asarray(ftx.jit(lambda x, y: x @ y)(a, b))
    assert np.isnan(got[3]).all()
    assert np.isinf(got[8]).all()
    assert not got[[0, 1, 2, 4, 5, 6, 7]].any()


def test_bits_do_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(1)
    a, b = (rng.standard_normal((300, 300)).astype(np.float32) for _ in range(2))
    x, w = rng.standard_normal((4, 20, 20, 8)), rng.standard_normal((3, 3, 8, 24))
    x, w = x.astype(np.float32), w.astype(np.float32)
    conv = lambda x, w: lax.conv_general_dilated(
        x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    step = ftx.jit(lambda a, b, x, w: (a @ b, conv(x, w)))
    results = []
    before = config.num_threads
    try:
        for threads in (1, 2, 8):
            ftx.config.update("num_threads", threads)
            results.append([np.asarray(r).tobytes() for r in step(a, b, x, w)])
    finally:
        ftx.config.update("num_threads", before)
    assert results[0] == results[1] == results[2]


LAYOUTS = [
    ("NHWC", "HWIO", "NHWC"),
    ("NCHW", "OIHW", "NCHW"),
    ("NHWC", "OHWI", "NHWC"),
    ("CHWN", "IHWO", "HWCN"),
]


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_compiled_convolutions_agree_with_the_numpy_rule(data):
    pick = lambda *options: data.draw(st.sampled_from(options))
    layout = pick(*LAYOUTS)
    groups = pick(1, 1, 1, 2, 3)
    kind = pick("feature", "batch") if groups > 1 else "feature"
    inputs, each = pick(1, 2, 3, 16), pick(1, 2, 8, 17)
    kernel = {"H": pick(1, 2, 3), "W": pick(1, 2, 3), "I": inputs, "O": each * groups}
    image = {"N": pick(1, 2) * (groups if kind == "batch" else 1), "H": pick(5, 9), "W": pick(6, 8)}
    image["C"] = inputs * (groups if kind == "feature" else 1)
    dtype = pick("float32", "float64", "float16")
    rng = np.random.default_rng(7)
    x = rng.integers(-3, 4, [image[c] for c in layout[0]]).astype(dtype)
    w = rng.integers(-3, 4, [kernel[c] for c in layout[1]]).astype(dtype)
    params = {
        "spec": f"{layout[0]},{layout[1]}->{layout[2]}",
        "strides": (pick(1, 2), pick(1, 3)),
        "padding": ((pick(0, 1, 2), pick(0, 1)), (pick(0, 1, -1), pick(0, 2))),
        "lhs_dilation": (pick(1, 2), pick(1, 2)),
        "rhs_dilation": (pick(1, 2), pick(1, 2)),
        "feature_group_count": groups if kind == "feature" else 1,
        "batch_group_count": groups if kind == "batch" else 1,
    }
    # whole numbers: every order of summation gives the same bits
    (wanted,) = conv_general_dilated_p.impl(x, w, **params)
    got = ftx.jit(lambda x, w: conv_general_dilated_p.bind(x, w, **params)[0])(x, w)
    assert got.shape == wanted.shape
    np.testing.assert_array_equal(got, wanted)


def test_a_product_with_an_unchanging_matrix_packs_it_before_the_loop():
    w = fnp.asarray(np.random.default_rng(2).standard_normal((64, 64)).astype(np.float32) * 0.1)
    x = fnp.ones((32, 64), np.float32)
    loop = lambda w, x: lax.scan(lambda c, _: (fnp.tanh(c @ w), None), x, None, length=5)[0]
    wanted = np.asarray(x)
    for _ in range(5):
        wanted = np.tanh(wanted @ np.asarray(w))
    np.testing.assert_allclose(ftx.jit(loop)(w, x), wanted, rtol=1e-4, atol=1e-6)
    program = assemble(simplify(ftx.make_jaxpr(loop)(w, x).closed()), Assembler())
    kinds = [type(t) for t in program.thunks]
    assert "pack" in program.thunks[kinds.index(For) - 1].label
    assert not any("pack" in t.label for t in program.thunks[kinds.index(For)].body)

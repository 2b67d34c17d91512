"""Linear algebra of stacks of matrices, empty ones among them, and Fourier transforms.

Results of a stack are those of its matrices; factors are multiplied together again.
"""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import ftx.numpy as fnp
from tests.array_api.strategies import (
    ALL,
    COMPLEX,
    FLOATING,
    NUMERIC,
    REAL_FLOATING,
    any_axes,
    arrays,
    axes,
)

drawn = settings(max_examples=15, deadline=None)
STACKS = st.sampled_from([(), (2,), (0,), (2, 3), (1, 2)])
SIDES = st.integers(0, 4)


def tolerance(dtype):
    return 2e-4 if np.dtype(dtype) in (np.float32, np.complex64) else 1e-9


def close(found, wanted, dtype=None):
    wanted = np.asarray(wanted)
    assert found.dtype == (dtype or wanted.dtype) and found.shape == wanted.shape
    near = tolerance(found.dtype)
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=near, atol=near)


def random_array(data, shape, kinds=FLOATING):
    dtype = data.draw(st.sampled_from(kinds))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    x = rng.normal(size=shape)
    x = x + 1j * rng.normal(size=shape) if np.dtype(dtype).kind == "c" else x
    return x.astype(dtype)


def square(data, definite=False, kinds=FLOATING):
    n = data.draw(SIDES)
    x = random_array(data, (*data.draw(STACKS), n, n), kinds)
    if definite:
        x = x @ np.conj(np.swapaxes(x, -1, -2))
    return (x + (n + 1) * np.eye(n)).astype(x.dtype)


def rectangle(data):
    return random_array(data, (*data.draw(STACKS), data.draw(SIDES), data.draw(SIDES)))


def adjoint(x):
    return np.conj(np.swapaxes(x, -1, -2))


def real_of(dtype):
    return np.zeros(0, dtype).real.dtype


@drawn
@given(data=st.data())
def test_functions_of_square_matrices(data):
    x = square(data)
    v = fnp.asarray(x)
    close(fnp.linalg.det(v), np.linalg.det(x))
    close(fnp.linalg.inv(v), np.linalg.inv(x))
    found, wanted = fnp.linalg.slogdet(v), np.linalg.slogdet(x)
    assert found._fields == ("sign", "logabsdet")
    close(found.sign, wanted.sign, x.dtype)
    close(found.logabsdet, wanted.logabsdet, real_of(x.dtype))
    n = data.draw(st.integers(-3, 5))
    close(fnp.linalg.matrix_power(v, n), np.linalg.matrix_power(x, n))


@drawn
@given(data=st.data())
def test_functions_of_definite_matrices(data):
    x = square(data, definite=True)
    v = fnp.asarray(x)
    lower, upper = fnp.linalg.cholesky(v), fnp.linalg.cholesky(v, upper=True)
    close(lower, np.tril(lower))
    close(upper, adjoint(np.asarray(lower)))
    close(fnp.matmul(lower, upper), x)
    found = fnp.linalg.eigh(v)
    assert found._fields == ("eigenvalues", "eigenvectors")
    close(found.eigenvalues, np.linalg.eigvalsh(x), real_of(x.dtype))
    close(fnp.linalg.eigvalsh(v), np.linalg.eigvalsh(x), real_of(x.dtype))
    vectors = np.asarray(found.eigenvectors)
    assert found.eigenvectors.dtype == x.dtype
    close(
        fnp.asarray((vectors * np.asarray(found.eigenvalues)[..., None, :]) @ adjoint(vectors)), x
    )


@drawn
@given(mode=st.sampled_from(["reduced", "complete"]), data=st.data())
def test_qr(mode, data):
    x = rectangle(data)
    found, (m, n) = fnp.linalg.qr(fnp.asarray(x), mode=mode), x.shape[-2:]
    inner = min(m, n) if mode == "reduced" else m
    assert found._fields == ("Q", "R") and found.Q.dtype == found.R.dtype == x.dtype
    assert found.Q.shape == (*x.shape[:-2], m, inner)
    assert found.R.shape == (*x.shape[:-2], inner, n)
    close(found.R, np.triu(found.R))
    close(fnp.matmul(found.Q, found.R), x)
    q = np.asarray(found.Q)
    close(
        fnp.asarray(adjoint(q) @ q),
        np.broadcast_to(np.eye(inner), (*x.shape[:-2], inner, inner)),
        x.dtype,
    )


@drawn
@given(full=st.booleans(), data=st.data())
def test_svd(full, data):
    x = rectangle(data)
    found, (m, n) = fnp.linalg.svd(fnp.asarray(x), full_matrices=full), x.shape[-2:]
    k = min(m, n)
    assert found._fields == ("U", "S", "Vh")
    assert found.U.shape == (*x.shape[:-2], m, m if full else k)
    assert found.Vh.shape == (*x.shape[:-2], n if full else k, n)
    assert found.U.dtype == found.Vh.dtype == x.dtype
    close(found.S, np.linalg.svd(x, compute_uv=False), real_of(x.dtype))
    close(fnp.linalg.svdvals(fnp.asarray(x)), found.S)
    assert (np.diff(np.asarray(found.S)) <= 0).all()
    u, vh = np.asarray(found.U)[..., :, :k], np.asarray(found.Vh)[..., :k, :]
    close(fnp.asarray((u * np.asarray(found.S)[..., None, :]) @ vh), x)


@drawn
@given(data=st.data())
def test_ranks_and_pseudo_inverses(data):
    x = rectangle(data)
    v, stack = fnp.asarray(x), x.shape[:-2]
    scale = np.linspace(0.05, 0.6, math.prod(stack)).reshape(stack).astype(real_of(x.dtype))
    for rtol in (None, 0.3, scale):
        mine = fnp.asarray(rtol) if isinstance(rtol, np.ndarray) else rtol
        found = fnp.linalg.matrix_rank(v, rtol=mine)
        assert found.shape == stack and fnp.isdtype(found.dtype, "integral")
        inverse = fnp.linalg.pinv(v, rtol=mine)
        assert inverse.dtype == x.dtype and inverse.shape == (*stack, *x.shape[:-3:-1])
        if x.size:
            assert np.array_equal(found, np.linalg.matrix_rank(x, rtol=rtol))
            close(inverse, np.linalg.pinv(x, rtol=1e-6 if rtol is None else rtol))
        else:
            assert not np.any(found)


@drawn
@given(data=st.data())
def test_solve(data):
    x = square(data)
    n = x.shape[-1]
    vector = random_array(data, (n,), [x.dtype.name])
    stacks = [x.shape[:-2], (), (1,) * (x.ndim - 2)]
    many = random_array(data, (*data.draw(st.sampled_from(stacks)), n, data.draw(SIDES)), FLOATING)
    dtype = np.result_type(x.dtype, many.dtype)
    close(fnp.linalg.solve(fnp.asarray(x), fnp.asarray(vector)), np.linalg.solve(x, vector))
    found = fnp.linalg.solve(fnp.asarray(x), fnp.asarray(many))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.linalg.solve(x, many), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("namespace", [fnp, fnp.linalg], ids=["main", "linalg"])
@drawn
@given(data=st.data())
def test_matmul(namespace, data):
    m, k, n = (data.draw(SIDES) for _ in range(3))
    kind = [data.draw(st.sampled_from(NUMERIC))]
    stacks = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=2))
    one, other = stacks.input_shapes
    shapes = [
        ((*one, m, k), (*other, k, n)),
        ((k,), (*other, k, n)),
        ((*one, m, k), (k,)),
        ((k,), (k,)),
    ]
    a, b = data.draw(st.sampled_from(shapes))
    x, y = (data.draw(arrays(kind, st.just(s), low=-3, high=3)) for s in (a, b))
    wanted = np.matmul(x, y)
    close(namespace.matmul(fnp.asarray(x), fnp.asarray(y)), wanted)
    close(fnp.asarray(x) @ fnp.asarray(y), wanted)


def test_matmul_of_what_does_not_fit():
    for a, b in [((), (2,)), ((2,), (3,)), ((2, 3), (2, 3)), ((2, 3), (2,)), ((2,), (3, 2))]:
        x, y = fnp.ones(a), fnp.ones(b)
        for f in (fnp.matmul, fnp.linalg.matmul, lambda x, y: x @ y):
            with pytest.raises(TypeError):
                f(x, y)


@pytest.mark.parametrize("namespace", [fnp, fnp.linalg], ids=["main", "linalg"])
@drawn
@given(data=st.data())
def test_tensordot(namespace, data):
    kind = [data.draw(st.sampled_from(NUMERIC))]
    shared = data.draw(st.lists(st.integers(0, 3), max_size=2))
    left, right = (data.draw(st.lists(st.integers(0, 3), max_size=2)) for _ in range(2))
    x, y = (
        data.draw(arrays(kind, st.just(tuple(s)), low=-3, high=3))
        for s in (left + shared, shared + right)
    )
    n = len(shared)
    close(namespace.tensordot(fnp.asarray(x), fnp.asarray(y), axes=n), np.tensordot(x, y, n))
    order = data.draw(st.permutations(range(n)))
    first = [len(left) + i - (x.ndim if data.draw(st.booleans()) else 0) for i in order]
    pairs = (tuple(first), tuple(order))
    close(
        namespace.tensordot(fnp.asarray(x), fnp.asarray(y), axes=pairs), np.tensordot(x, y, pairs)
    )


@pytest.mark.parametrize("namespace", [fnp, fnp.linalg], ids=["main", "linalg"])
@drawn
@given(data=st.data())
def test_vecdot(namespace, data):
    kind = [data.draw(st.sampled_from(NUMERIC))]
    shapes = data.draw(
        hnp.mutually_broadcastable_shapes(num_shapes=2, min_dims=1, max_dims=3, max_side=3)
    )
    x, y = (data.draw(arrays(kind, st.just(s), low=-3, high=3)) for s in shapes.input_shapes)
    axis = -data.draw(st.integers(1, min(x.ndim, y.ndim)))
    if x.shape[axis] == y.shape[axis]:
        found = namespace.vecdot(fnp.asarray(x), fnp.asarray(y), axis=axis)
        close(found, np.sum(np.conj(x) * y, axis=axis, dtype=x.dtype))
    else:
        with pytest.raises(TypeError, match="equal sizes"):
            namespace.vecdot(fnp.asarray(x), fnp.asarray(y), axis=axis)


@drawn
@given(data=st.data())
def test_products_of_vectors(data):
    kind = [data.draw(st.sampled_from(NUMERIC))]
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3))
    axis = -data.draw(st.integers(1, min(map(len, shapes.input_shapes)) + 1))
    place = lambda s: (*s[: len(s) + 1 + axis], 3, *s[len(s) + 1 + axis :])
    x, y = (data.draw(arrays(kind, st.just(place(s)), low=-3, high=3)) for s in shapes.input_shapes)
    found = fnp.linalg.cross(fnp.asarray(x), fnp.asarray(y), axis=axis)
    close(found, np.cross(x, y, axis=axis))
    for a, b in itertools.product((2, 3), (2, 4)):
        with pytest.raises(TypeError, match="3 components"):
            fnp.linalg.cross(fnp.ones(a), fnp.ones(b))
    u, v = (data.draw(arrays(kind, st.integers(0, 4), low=-3, high=3)) for _ in range(2))
    close(fnp.linalg.outer(fnp.asarray(u), fnp.asarray(v)), np.outer(u, v))
    with pytest.raises(TypeError, match="vectors"):
        fnp.linalg.outer(fnp.ones((2, 2)), fnp.asarray(v))


@drawn
@given(data=st.data())
def test_diagonals(data):
    shape = (*data.draw(STACKS), data.draw(SIDES), data.draw(SIDES))
    x = data.draw(arrays(ALL, st.just(shape)))
    offset = data.draw(st.integers(-6, 6) | st.sampled_from([-(10**6), 10**6]))
    close(fnp.linalg.diagonal(fnp.asarray(x), offset=offset), np.linalg.diagonal(x, offset=offset))
    if x.dtype != bool:
        close(fnp.linalg.trace(fnp.asarray(x), offset=offset), np.linalg.trace(x, offset=offset))


ORDERS = ["fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf]


@pytest.mark.parametrize("ord", ORDERS)
@drawn
@given(keep=st.booleans(), data=st.data())
def test_matrix_norms(ord, keep, data):
    shape = (*data.draw(STACKS), data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)))
    x = random_array(data, shape)
    found = fnp.linalg.matrix_norm(fnp.asarray(x), ord=ord, keepdims=keep)
    close(found, np.linalg.matrix_norm(x, ord=ord, keepdims=keep), real_of(x.dtype))


@drawn
@given(data=st.data())
def test_vector_norms(data):
    x = random_array(data, data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=3)))
    axis, keep = data.draw(any_axes(x.ndim)), data.draw(st.booleans())
    ord = data.draw(st.sampled_from([0, 1, 2, 3, -1, -2, 2.5, -0.5, math.inf, -math.inf]))
    found = fnp.linalg.vector_norm(fnp.asarray(x), axis=axis, keepdims=keep, ord=ord)
    if axis == ():  # of every element alone
        wanted = np.abs(x) if ord else x != 0
    else:
        wanted = np.linalg.vector_norm(x, axis=axis, keepdims=keep, ord=ord)
    close(found, wanted.astype(real_of(x.dtype)))


NORMS = st.sampled_from(["backward", "ortho", "forward"])
ONE_AXIS = {
    **dict.fromkeys(("fft", "ifft", "irfft", "hfft"), COMPLEX),
    **dict.fromkeys(("rfft", "ihfft"), REAL_FLOATING),
}
MANY_AXES = {**dict.fromkeys(("fftn", "ifftn", "irfftn"), COMPLEX), "rfftn": REAL_FLOATING}


@pytest.mark.parametrize("name", ONE_AXIS)
@drawn
@given(norm=NORMS, data=st.data())
def test_transforms_of_one_axis(name, norm, data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=4))
    x = random_array(data, shape, ONE_AXIS[name])
    keys = {"n": data.draw(st.none() | st.integers(2, 6)), "axis": data.draw(axes(x.ndim))}
    found = getattr(fnp.fft, name)(fnp.asarray(x), norm=norm, **keys)
    close(found, getattr(np.fft, name)(x, norm=norm, **keys))


@pytest.mark.parametrize("name", MANY_AXES)
@drawn
@given(norm=NORMS, data=st.data())
def test_transforms_of_many_axes(name, norm, data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=2, max_side=3))
    x = random_array(data, shape, MANY_AXES[name])
    chosen = data.draw(st.none() | st.lists(st.integers(0, x.ndim - 1), min_size=1, unique=True))
    s = None if chosen is None else data.draw(st.none() | st.just([4] * len(chosen)))
    found = getattr(fnp.fft, name)(fnp.asarray(x), s=s, axes=chosen, norm=norm)
    close(found, getattr(np.fft, name)(x, s=s, axes=chosen, norm=norm))


@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
@drawn
@given(data=st.data())
def test_shifts(name, data):
    x = data.draw(arrays(FLOATING, hnp.array_shapes(max_dims=3, max_side=4)))
    chosen = data.draw(st.none() | st.lists(st.integers(0, x.ndim - 1), min_size=1, unique=True))
    close(getattr(fnp.fft, name)(fnp.asarray(x), axes=chosen), getattr(np.fft, name)(x, chosen))


@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
@pytest.mark.parametrize("dtype", REAL_FLOATING)
@drawn
@given(n=st.integers(1, 40), d=st.floats(0.1, 5))
def test_frequencies(name, dtype, n, d):
    found = getattr(fnp.fft, name)(n, d=d, dtype=getattr(fnp, dtype))
    close(found, getattr(np.fft, name)(n, d).astype(dtype))
    assert found.device == fnp.asarray(0).device

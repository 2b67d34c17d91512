"""Reductions over axes with keepdims, where, initial and dtype: NumPy is the oracle."""

from functools import partial

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import AxisError

R = np.random.RandomState(0)
X = R.randn(2, 3, 4).astype(np.float32)
W = X > -0.5
HOLES = np.where(X > 0.8, np.nan, X).astype(np.float32)
AXES = [None, 0, -1, (0, 2), (1,), ()]


def close(found, wanted):
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted.astype(found.dtype), rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize(
    "name", ["sum", "prod", "max", "min", "mean", "var", "std", "any", "all", "ptp"]
)
def test_reduction(name, axis):
    if name == "ptp" and axis == ():
        return
    for keepdims in (False, True):
        wanted = getattr(np, name)(X, axis=axis, keepdims=keepdims)
        close(getattr(fnp, name)(X, axis=axis, keepdims=keepdims), wanted)
        close(getattr(fnp.asarray(X), name)(axis=axis, keepdims=keepdims), wanted)
        close(ftx.jit(partial(getattr(fnp, name), axis=axis, keepdims=keepdims))(X), wanted)


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "any", "all"])
def test_where(name):
    for where in (W, W[0], W[:, :1]):
        close(getattr(fnp, name)(X, axis=2, where=where), getattr(np, name)(X, axis=2, where=where))


def test_initial_and_where_of_extrema():
    close(fnp.max(X, 1, initial=0.3, where=W), np.max(X, 1, initial=0.3, where=W))
    close(fnp.min(X, 1, initial=0.3), np.min(X, 1, initial=0.3))
    close(fnp.sum(X, 1, initial=2.0), np.sum(X, 1, initial=2.0))
    assert fnp.max(np.zeros((0,)), initial=-1.0) == -1
    with pytest.raises(ValueError, match="initial="):
        fnp.max(X, where=W)
    with pytest.raises(ValueError, match="at least one element"):
        fnp.max(np.zeros((0, 3)), axis=0)
    with pytest.raises(AxisError, match="expected an axis"):
        fnp.sum(X, axis=3)
    with pytest.raises(AxisError, match="distinct"):
        fnp.sum(X, axis=(0, -3))
    with pytest.raises(NotImplementedError, match="out"):
        fnp.sum(X, out=X)


def test_dtypes():
    i8 = np.array([100, 100, 100], np.int8)
    assert fnp.sum(i8).tolist() == 300 and fnp.sum(i8).dtype == fnp.int64
    assert fnp.sum(np.array([True, True])).tolist() == 2
    assert fnp.sum(i8, dtype="float32").dtype == fnp.float32
    assert fnp.sum(i8, promote_integers=False).dtype == fnp.int8
    assert fnp.mean(i8).tolist() == 100 and fnp.mean(i8).dtype == fnp.float32
    assert fnp.sum(np.array([1], np.uint8)).dtype == fnp.uint64
    half = fnp.full(4096, 1.0, "float16")
    assert fnp.mean(half) == 1 and fnp.sum(half) == 4096


@pytest.mark.parametrize(
    "name", ["argmax", "argmin", "cumsum", "cumprod", "nancumsum", "nanargmax"]
)
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_along_one_axis(name, axis):
    close(getattr(fnp, name)(X, axis=axis), getattr(np, name)(X, axis=axis))
    close(
        ftx.vmap(lambda x: getattr(fnp, name)(x, axis=axis))(X),
        np.stack([getattr(np, name)(x, axis=axis) for x in X]),
    )


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("zeros", [(), (3,), (2, 5), (0, 7)])
def test_slopes_of_running_products_with_zeros(zeros, reverse):
    x = np.array([1.5, -0.5, 2.0, 3.0, 0.25, -1.0, 0.7, 1.1])
    x[list(zeros)] = 0
    f = lambda x: ftx.lax.cumprod(x, reverse=reverse)
    rows = np.tril(np.ones((8, 8), bool))
    rows = rows[::-1, ::-1] if reverse else rows
    others = lambda i, j: np.prod([x[k] for k in np.flatnonzero(rows[i]) if k != j])
    wanted = [[others(i, j) if rows[i, j] else 0 for j in range(8)] for i in range(8)]
    close(ftx.jit(ftx.jacrev(f))(x), np.array(wanted))
    close(ftx.jit(ftx.jacfwd(f))(x), np.array(wanted))


def test_slopes_of_running_products_need_no_square_array():
    slope = ftx.make_jaxpr(ftx.grad(lambda x: ftx.lax.cumprod(x).sum()))(np.ones(1000))
    assert max(v.aval.size for e in slope.eqns for v in e.outvars) <= 1001


def test_argmax_keepdims_and_ties():
    assert fnp.argmax(np.array([1, 5, 5])) == 1
    close(fnp.argmax(X, 1, keepdims=True), np.argmax(X, 1, keepdims=True))
    close(fnp.argmax(X, keepdims=True), np.argmax(X, keepdims=True))
    assert fnp.argmax(np.array([1.0, np.nan, 3.0])) == 1


@pytest.mark.parametrize(
    "name", ["nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd"]
)
@pytest.mark.parametrize("axis", [None, 1, (0, 2)])
def test_without_nan(name, axis):
    close(getattr(fnp, name)(HOLES, axis=axis), getattr(np, name)(HOLES, axis=axis))


def test_average_median_quantile_cov():
    w = np.abs(X[0, 0]) + 0.1
    close(fnp.average(X, 2, w), np.average(X, 2, w))
    found, total = fnp.average(X, axis=2, weights=w, returned=True)
    close(total, np.average(X, axis=2, weights=w, returned=True)[1])
    close(fnp.median(X, 1), np.median(X, 1))
    close(
        fnp.quantile(X, np.array([0.1, 0.6]), axis=(0, 1)), np.quantile(X, [0.1, 0.6], axis=(0, 1))
    )
    close(fnp.percentile(X, 30.0, method="nearest"), np.percentile(X, 30.0, method="nearest"))
    close(fnp.cov(X[0]), np.cov(X[0]))
    close(fnp.corrcoef(X[0]), np.corrcoef(X[0]))
    close(fnp.count_nonzero(W, 1), np.count_nonzero(W, 1))


def test_histograms_and_search():
    x = X.ravel()
    for found, wanted in zip(fnp.histogram(x, 5), np.histogram(x, 5), strict=True):
        close(found, wanted)
    close(
        fnp.histogram(x, 4, (-1, 1), density=True)[0], np.histogram(x, 4, (-1, 1), density=True)[0]
    )
    close(fnp.bincount(np.array([0, 3, 3]), length=5), np.bincount([0, 3, 3], minlength=5))
    edges = np.sort(x)[::4]
    for side in ("left", "right"):
        close(fnp.searchsorted(edges, x, side), np.searchsorted(edges, x, side))
    close(fnp.digitize(x, edges), np.digitize(x, edges))
    close(fnp.digitize(x, edges[::-1], right=True), np.digitize(x, edges[::-1], right=True))
    close(fnp.interp(x, edges, edges**2), np.interp(x, edges, edges**2))


def test_gradients():
    close(
        ftx.grad(lambda x: fnp.sum(fnp.mean(x, 1) ** 2))(X),
        np.broadcast_to(2 / 3 * X.mean(1, keepdims=True), X.shape),
    )
    close(
        ftx.grad(lambda x: fnp.max(x, 2).sum())(X),
        (X == X.max(2, keepdims=True)).astype(np.float32),
    )
    close(ftx.grad(lambda x: fnp.std(x))(X), (X - X.mean()) / X.size / X.std())
    close(ftx.grad(lambda x: fnp.prod(x))(np.array([2.0, 0.0, 3.0])), [0, 6, 0])
    close(ftx.grad(lambda x: fnp.cumsum(x)[-1])(X.ravel()), np.ones(X.size))


def test_sorting():
    close(fnp.sort(X, 1), np.sort(X, 1))
    close(fnp.sort(X, None), np.sort(X, None))
    close(fnp.argsort(X, 0), np.argsort(X, 0))
    close(fnp.sort(X, descending=True), -np.sort(-X))
    ties = np.array([2, 1, 2, 1])
    assert fnp.argsort(ties, descending=True).tolist() == [0, 2, 1, 3]
    assert fnp.lexsort((np.array([1, 2, 0]), np.array([1, 0, 1]))).tolist() == [1, 2, 0]
    u, i, inv, c = fnp.unique(ties, True, True, True)
    assert [v.tolist() for v in (u, i, inv, c)] == [[1, 2], [1, 0], [1, 0, 1, 0], [2, 2]]
    sized = ftx.jit(lambda x: fnp.unique(x, True, True, True, size=3, fill_value=9))(ties)
    assert [v.tolist() for v in sized] == [[1, 2, 9], [1, 0, 1], [1, 0, 1, 0], [2, 2, 0]]
    assert fnp.isin(ties, [2, 5]).tolist() == [True, False, True, False]
    assert [v.tolist() for v in fnp.nonzero(np.array([[0, 1], [2, 0]]))] == [[0, 1], [1, 0]]
    assert ftx.jit(lambda x: fnp.nonzero(x, size=3, fill_value=-1))(ties - 1)[0].tolist() == [
        0,
        2,
        -1,
    ]
    close(fnp.argwhere(X > 0), np.argwhere(X > 0))
    assert [int(v) for v in fnp.unravel_index(7, (2, 3, 4))] == [0, 1, 3]
    assert fnp.ravel_multi_index((1, 2), (2, 3)) == 5


@pytest.mark.parametrize("reverse", [False, True])
def test_derivative_of_a_long_running_product(reverse):
    """Without a table of all pairs, which would take 32 GB; and exact where factors are zero."""
    x = 1 + 1e-3 * np.random.RandomState(0).randn(1 << 16)
    last = (0 if reverse else -1,)
    found = ftx.jit(ftx.grad(lambda x: ftx.lax.cumprod(x, 0, reverse)[last]))(x)
    np.testing.assert_allclose(found, np.prod(x) / x, rtol=1e-9)
    x = np.array([2.0, 0.0, 3.0, 0.0, 5.0])
    jacobian = ftx.jacfwd(lambda x: ftx.lax.cumprod(x, 0, reverse))(x)
    ends = [slice(i, None) if reverse else slice(i + 1) for i in range(5)]
    wanted = np.zeros((5, 5))
    for i, end in enumerate(ends):
        for j in range(5)[end]:
            others = np.where(np.arange(5) == j, 1.0, x)[end]
            wanted[i, j] = np.prod(others)
    np.testing.assert_array_equal(jacobian, wanted)

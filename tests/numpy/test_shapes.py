"""Shapes and joining: NumPy is the oracle, evaluated at once, compiled and under vmap."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import AxisError, ShapeError

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
M = X[0]
CALLS = [
    ("reshape", (X, (4, -1)), {}),
    ("reshape", (X, 24), {}),
    ("reshape", (X, (6, 4)), {"order": "F"}),
    ("ravel", (X,), {}),
    ("ravel", (X, "F"), {}),
    ("transpose", (X,), {}),
    ("transpose", (X, (1, -1, 0)), {}),
    ("swapaxes", (X, 0, -1), {}),
    ("moveaxis", (X, (0, 1), (-1, 0)), {}),
    ("rollaxis", (X, 2), {}),
    ("expand_dims", (X, (0, -1)), {}),
    ("squeeze", (X[:1],), {}),
    ("squeeze", (X[:, :1], 1), {}),
    ("broadcast_to", (M, (2, 3, 4)), {}),
    ("flip", (X,), {}),
    ("flip", (X, (0, 2)), {}),
    ("flipud", (X,), {}),
    ("fliplr", (X,), {}),
    ("rot90", (M,), {}),
    ("rot90", (X, 3, (1, 2)), {}),
    ("rot90", (M, 2), {}),
    ("atleast_2d", (M[0],), {}),
    ("atleast_3d", (M,), {}),
    ("atleast_1d", (np.float32(3),), {}),
    ("diagonal", (X,), {}),
    ("diagonal", (X, 1, 1, 2), {}),
    ("diagonal", (M, -1), {}),
    ("diag", (M,), {}),
    ("diag", (M[0], 2), {}),
    ("diag", (M[0], -1), {}),
    ("diag", (M, 1), {}),
    ("diagflat", (M,), {}),
    ("concatenate", ((X, X),), {"axis": 1}),
    ("concatenate", ((M, M),), {"axis": None}),
    ("stack", ((M, M),), {"axis": -1}),
    ("vstack", ((M[0], M),), {}),
    ("hstack", ((M, M),), {}),
    ("dstack", ((M, M),), {}),
    ("column_stack", ((M[0], M.T),), {}),
    ("append", (M, M), {}),
    ("append", (M, M), {"axis": 0}),
    ("split", (X, 3), {"axis": 1}),
    ("split", (X, [1, 3]), {"axis": 2}),
    ("array_split", (X, 3), {"axis": 2}),
    ("hsplit", (M, 2), {}),
    ("vsplit", (M, 3), {}),
    ("dsplit", (X, 2), {}),
    ("tile", (M, (2, 1)), {}),
    ("tile", (M, 2), {}),
    ("tile", (M, (2, 1, 3)), {}),
    ("repeat", (X, 2), {}),
    ("repeat", (X, 2, 1), {}),
    ("repeat", (X, [1, 0, 2], 1), {}),
    ("roll", (X, 3), {}),
    ("roll", (X, -1, 1), {}),
    ("roll", (X, (1, 2), (0, 2)), {}),
    ("pad", (M, 1), {}),
    ("pad", (M, ((1, 2), (0, 3))), {"constant_values": 7}),
    ("pad", (M, 1), {"constant_values": ((1, 2), (3, 4))}),
    ("pad", (M, 2), {"mode": "edge"}),
    ("pad", (M, 2), {"mode": "reflect"}),
    ("pad", (M, (3, 1)), {"mode": "symmetric"}),
    ("pad", (M, 5), {"mode": "wrap"}),
    ("pad", (M, 1), {"mode": "maximum"}),
    ("pad", (M, 1), {"mode": "mean"}),
    ("resize", (M, (5, 4)), {}),
    ("delete", (M, 1), {"axis": 0}),
    ("delete", (M, [0, 2]), {"axis": 1}),
    ("delete", (M, slice(1, 3)), {"axis": 1}),
    ("insert", (M, 1, 9), {"axis": 1}),
    ("insert", (M, [0, 2], M[:2]), {"axis": 0}),
    ("insert", (M[0], 2, [8, 9]), {}),
    ("tril", (X,), {}),
    ("tril", (M, -1), {}),
    ("triu", (M, 1), {}),
    ("kron", (M, M[:2]), {}),
    ("diff", (X,), {}),
    ("diff", (X, 2, 1), {}),
    ("block", ([[M, M], [M, M]],), {}),
    ("ediff1d", (M,), {}),
    ("broadcast_arrays", (M, M[0], 3.0), {}),
    ("gradient", (M, 2.0), {"axis": 1}),
    ("trapezoid", (M,), {}),
]


def same(found, wanted):
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted.astype(found.dtype), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "args", "options"), CALLS, ids=[f"{i}-{c[0]}" for i, c in enumerate(CALLS)]
)
def test_call(name, args, options):
    wanted = getattr(np, name)(*args, **options)
    f = getattr(fnp, name)
    found = f(*args, **options)
    arrays, tree = ftx.tree.flatten(args[0])

    def traced(*arrays):
        return f(ftx.tree.unflatten(tree, arrays), *args[1:], **options)

    for result in (found, ftx.jit(traced)(*arrays)):
        if isinstance(wanted, (list, tuple)):
            assert len(result) == len(wanted)
            for a, b in zip(result, wanted, strict=True):
                same(a, b)
        else:
            same(result, wanted)
    if not isinstance(wanted, (list, tuple)):
        rows = [np.stack([a, a + 1]) for a in arrays]
        mapped = ftx.vmap(traced)(*rows)
        same(mapped[0], wanted)
        same(mapped[1], traced(*[r[1] for r in rows]))


def test_methods():
    x = fnp.asarray(X)
    for found, wanted in [
        (x.T, X.T),
        (x.mT, np.swapaxes(X, 1, 2)),
        (x.reshape(6, -1), X.reshape(6, -1)),
        (x.reshape((4, 6)), X.reshape(4, 6)),
        (x.transpose(2, 0, 1), X.transpose(2, 0, 1)),
        (x.transpose((0, 2, 1)), X.transpose(0, 2, 1)),
        (x.flatten(), X.flatten()),
        (x.ravel(), X.ravel()),
        (x.swapaxes(0, 1), X.swapaxes(0, 1)),
        (x[:, :1].squeeze(1), X[:, :1].squeeze(1)),
        (x.astype(int), X.astype(int)),
        (x.repeat(2, 0), X.repeat(2, 0)),
        (x.take(np.array([1]), 1), X.take([1], 1)),
        (x.diagonal(0, 1, 2), X.diagonal(0, 1, 2)),
        (x.copy(), X),
        (x.view("int32"), X.view("int32")),
        (x[0].trace(), X[0].trace()),
        (x.dot(x[0].T), X.dot(X[0].T)),
        (x.argsort(1), X.argsort(1)),
    ]:
        same(found, wanted)
    assert len(x) == 2 and x.ndim == 3 and x.size == 24 and x.shape == (2, 3, 4)
    assert [row.shape for row in x] == [(3, 4)] * 2
    assert ftx.jit(lambda v: sum(r.sum() for r in v))(X) == X.sum()


def test_traced_shifts_and_counts():
    same(ftx.jit(lambda x, s: fnp.roll(x, s, 1))(X, 2), np.roll(X, 2, 1))
    same(
        ftx.jit(lambda x, r: fnp.repeat(x, r, 1, total_repeat_length=4))(X, np.array([1, 0, 3])),
        np.repeat(X, [1, 0, 3], 1),
    )
    same(fnp.trim_zeros(np.array([0, 1, 2, 0])), [1, 2])
    same(fnp.c_[M[0], M[1]], np.c_[M[0], M[1]])
    same(fnp.r_[M[0], 3.0], np.r_[M[0], 3.0])


def test_vectorize_and_apply():
    f = fnp.vectorize(lambda a, b: fnp.dot(a, b), signature="(n),(n)->()")
    same(f(X, M[0]), X @ M[0])
    same(fnp.vectorize(lambda a, b: a + b)(M[:, None], M[0]), M[:, None] + M[0])
    same(fnp.vectorize(lambda a, k: a * k, excluded={1})(M, 3), M * 3)
    same(
        fnp.apply_along_axis(lambda v: fnp.stack([v.sum(), v.max()]), 1, X),
        np.apply_along_axis(lambda v: np.stack([v.sum(), v.max()]), 1, X),
    )


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: fnp.reshape(X, (5, -1)), ShapeError, "24 elements"),
        (lambda: fnp.squeeze(X, 0), AxisError, "size 1"),
        (lambda: fnp.transpose(X, (0, 1)), AxisError, "all 3 axes"),
        (lambda: fnp.concatenate([X, M]), ShapeError, "equally many axes"),
        (lambda: fnp.stack([X, M]), ShapeError, "one shape"),
        (lambda: fnp.concatenate([]), ShapeError, "at least one"),
        (lambda: fnp.split(X, 5, 2), ShapeError, "array_split"),
        (lambda: fnp.broadcast_to(X, (3, 4)), ShapeError, "broadcast_to"),
        (lambda: fnp.pad(M, 1, "odd"), NotImplementedError, "mode"),
        (lambda: fnp.expand_dims(X, 9), AxisError, "expected an axis"),
        (lambda: fnp.zeros((-1,)), ShapeError, "at least 0"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()

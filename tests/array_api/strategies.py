"""Arrays for hypothesis to draw, and the calls of the standard's functions on them.

In: nothing.  Out: `UNARY` and `BINARY`, kinds of dtypes by function; `CALLS`, what else to call and
on what.  A call takes a namespace, so that the same lambda serves ftx and array_api_strict.
"""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

SIGNED, UNSIGNED = "int8 int16 int32 int64".split(), "uint8 uint16 uint32 uint64".split()
REAL_FLOATING, COMPLEX, BOOL = ["float32", "float64"], ["complex64", "complex128"], ["bool"]
INTEGER = SIGNED + UNSIGNED
REAL, FLOATING = INTEGER + REAL_FLOATING, REAL_FLOATING + COMPLEX
NUMERIC, BITS = REAL + COMPLEX, INTEGER + BOOL
ALL = NUMERIC + BOOL

UNARY = {
    **dict.fromkeys("abs negative positive square sign real isfinite isinf isnan".split(), NUMERIC),
    **dict.fromkeys("round conj".split(), NUMERIC),
    **dict.fromkeys("ceil floor trunc".split(), REAL),
    **dict.fromkeys("acos acosh asin asinh atan atanh cos cosh exp expm1 log".split(), FLOATING),
    **dict.fromkeys("log10 log1p log2 reciprocal sin sinh sqrt tan tanh".split(), FLOATING),
    "signbit": REAL_FLOATING,
    "imag": COMPLEX,
    "bitwise_invert": BITS,
    "logical_not": BOOL,
}
BINARY = {
    **dict.fromkeys("add subtract multiply pow".split(), NUMERIC),
    **dict.fromkeys("equal not_equal".split(), ALL),
    **dict.fromkeys("greater greater_equal less less_equal maximum minimum".split(), REAL),
    **dict.fromkeys("floor_divide remainder".split(), REAL),
    **dict.fromkeys("atan2 copysign hypot logaddexp nextafter".split(), REAL_FLOATING),
    **dict.fromkeys("logical_and logical_or logical_xor".split(), BOOL),
    **dict.fromkeys("bitwise_and bitwise_or bitwise_xor".split(), BITS),
    **dict.fromkeys("bitwise_left_shift bitwise_right_shift".split(), INTEGER),
    "divide": FLOATING,
}

SPECIAL = [0.0, -0.0, float("nan"), float("inf"), float("-inf"), 1.0, -1.0]


def elements(dtype, finite=True, low=-8, high=8):
    """Small numbers of a dtype; with `finite=False` NaN, infinities and both zeros too."""
    kind = np.dtype(dtype).kind
    if kind == "b":
        return st.booleans()
    if kind == "u":
        return st.integers(max(low, 0), high)
    if kind == "i":
        return st.integers(low, high)
    real = st.floats(low, high, width=32, allow_subnormal=False)
    if kind == "c":
        return st.builds(complex, real, real)
    return real if finite else st.one_of(real, st.sampled_from(SPECIAL))


SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
LINES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


def arrays(kinds, shape=SHAPES, **limits):
    """NumPy arrays of one of the dtypes."""
    return st.sampled_from(kinds).flatmap(
        lambda d: hnp.arrays(d, shape, elements=elements(d, **limits))
    )


def axes(ndim):
    """An axis, perhaps counted from the end."""
    return st.integers(-ndim, ndim - 1)


def several_axes(ndim):
    """Distinct axes, perhaps none, some counted from the end."""
    if not ndim:
        return st.just(())
    return st.lists(axes(ndim), unique_by=lambda a: a % ndim, max_size=ndim).map(tuple)


def any_axes(ndim):
    """None, an axis or several."""
    return st.none() | several_axes(ndim) | (axes(ndim) if ndim else st.none())


def pairs(kinds, shape=SHAPES, **limits):
    """Two arrays of one dtype and one shape."""
    both = lambda d, s: st.tuples(*[hnp.arrays(d, s, elements=elements(d, **limits))] * 2)
    return st.tuples(st.sampled_from(kinds), shape).flatmap(lambda ds: both(*ds))


def one(kinds, shape=SHAPES, **limits):
    """One array, as the arguments of a call."""
    return arrays(kinds, shape, **limits).map(lambda x: (x,))


def matrices(n=None, definite=False, rows=None):
    """Square (or rows by n) well-conditioned matrices, a batch of them or one."""

    def made(seed, batch, dtype):
        rng = np.random.default_rng(seed)
        size = n or int(rng.integers(1, 4))
        x = rng.normal(size=(*batch, rows or size, size))
        x = x + 1j * rng.normal(size=x.shape) if np.dtype(dtype).kind == "c" else x
        if definite:
            x = x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(size)
        return x.astype(dtype)

    return st.builds(
        made, st.integers(0, 9999), st.sampled_from([(), (2,), (2, 1)]), st.sampled_from(FLOATING)
    )


def _axis(x):
    return -1 if x.ndim else None


POINTS = one(REAL, LINES)
SQUARE = matrices().map(lambda x: (x,))
DEFINITE = matrices(definite=True).map(lambda x: (x,))
WIDE = matrices(3, rows=2).map(lambda x: (x,))
SIGNALS = one(COMPLEX, hnp.array_shapes(min_dims=1, max_dims=2, min_side=2, max_side=5))
REAL_SIGNALS = one(REAL_FLOATING, hnp.array_shapes(min_dims=1, max_dims=2, min_side=2, max_side=5))
VECTORS = st.sampled_from(NUMERIC).flatmap(
    lambda d: st.tuples(*[hnp.arrays(d, (2, 3), elements=elements(d, low=-3, high=3))] * 2)
)
NOTHING = st.just(())

CALLS = {
    # reductions
    **{
        name: (one(kinds, LINES), [
            lambda xp, x, name=name: getattr(xp, name)(x),
            lambda xp, x, name=name: getattr(xp, name)(x, axis=0),
            lambda xp, x, name=name: getattr(xp, name)(x, axis=-1, keepdims=True),
        ])
        for name, kinds in {
            **dict.fromkeys(("sum", "prod", "count_nonzero"), NUMERIC),
            **dict.fromkeys(("max", "min", "argmax", "argmin"), REAL),
            **dict.fromkeys(("mean",), FLOATING), **dict.fromkeys(("std", "var"), REAL_FLOATING),
            **dict.fromkeys(("all", "any"), ALL),
        }.items()
    },
    **{
        name: (one(NUMERIC, LINES), [
            lambda xp, x, name=name: getattr(xp, name)(x, axis=-1),
            lambda xp, x, name=name: getattr(xp, name)(x, axis=0, include_initial=True),
        ])
        for name in ("cumulative_sum", "cumulative_prod")
    },
    "diff": (one(NUMERIC, LINES), [
        lambda xp, x: xp.diff(x), lambda xp, x: xp.diff(x, axis=0, n=2)
    ]),
    # creation
    "arange": (NOTHING, [
        lambda xp: xp.arange(5), lambda xp: xp.arange(1, 9, 3),
        lambda xp: xp.arange(0.0, 1.0, 0.25, dtype=xp.float64),
    ]),
    "asarray": (one(ALL), [lambda xp, x: xp.asarray(x), lambda xp, x: xp.asarray(x, copy=True)]),
    "astype": (one(REAL, finite=True, low=0), [
        lambda xp, x: xp.astype(x, xp.int32), lambda xp, x: xp.astype(x, xp.complex128),
        lambda xp, x: xp.astype(x, xp.bool),
    ]),
    "eye": (NOTHING, [
        lambda xp: xp.eye(3, dtype=xp.int8), lambda xp: xp.eye(2, 4, k=1, dtype=xp.float64)
    ]),
    "full": (NOTHING, [
        lambda xp: xp.full((2, 3), 4), lambda xp: xp.full((), True),
        lambda xp: xp.full(2, 1.5, dtype=xp.float64),
    ]),
    "full_like": (one(NUMERIC), [lambda xp, x: xp.full_like(x, 3)]),
    "ones": (NOTHING, [lambda xp: xp.ones((2, 3), dtype=xp.uint8)]),
    "zeros": (NOTHING, [lambda xp: xp.zeros((2, 0), dtype=xp.complex64)]),
    "ones_like": (one(ALL), [lambda xp, x: xp.ones_like(x)]),
    "zeros_like": (one(ALL), [
        lambda xp, x: xp.zeros_like(x), lambda xp, x: xp.zeros_like(x, dtype=xp.float64)
    ]),
    "linspace": (NOTHING, [
        lambda xp: xp.linspace(0.0, 1.0, 5, dtype=xp.float64),
        lambda xp: xp.linspace(2, 9, 4, dtype=xp.float32, endpoint=False),
    ]),
    "meshgrid": (one(REAL, (3,)), [
        lambda xp, x: tuple(xp.meshgrid(x, x)), lambda xp, x: tuple(xp.meshgrid(x, indexing="ij"))
    ]),
    "tril": (one(NUMERIC, (2, 3, 3)), [
        lambda xp, x: xp.tril(x), lambda xp, x: xp.tril(x, k=1)
    ]),
    "triu": (one(NUMERIC, (2, 3, 3)), [
        lambda xp, x: xp.triu(x), lambda xp, x: xp.triu(x, k=-1)
    ]),
    # shapes
    "broadcast_arrays": (one(ALL, (3, 1)), [
        lambda xp, x: tuple(xp.broadcast_arrays(x, xp.ones((4,), dtype=xp.int8)))
    ]),
    "broadcast_shapes": (NOTHING, [lambda xp: xp.broadcast_shapes((3, 1), (4,))]),
    "broadcast_to": (one(ALL, (3, 1)), [lambda xp, x: xp.broadcast_to(x, (2, 3, 4))]),
    "concat": (pairs(ALL, LINES), [
        lambda xp, x, y: xp.concat([x, y]), lambda xp, x, y: xp.concat([x, y], axis=None)
    ]),
    "expand_dims": (one(ALL), [lambda xp, x: xp.expand_dims(x, axis=0)]),
    "flip": (one(ALL), [lambda xp, x: xp.flip(x)]),
    "moveaxis": (one(ALL, (2, 3, 4)), [lambda xp, x: xp.moveaxis(x, 0, -1)]),
    "permute_dims": (one(ALL, (2, 3, 4)), [lambda xp, x: xp.permute_dims(x, (2, 0, 1))]),
    "matrix_transpose": (one(ALL, (2, 3, 4)), [lambda xp, x: xp.matrix_transpose(x)]),
    "repeat": (one(ALL, LINES), [
        lambda xp, x: xp.repeat(x, 2), lambda xp, x: xp.repeat(x, 3, axis=0)
    ]),
    "reshape": (one(ALL), [lambda xp, x: xp.reshape(x, (-1,) if x.size else (0,))]),
    "roll": (one(ALL), [
        lambda xp, x: xp.roll(x, 1), lambda xp, x: xp.roll(x, -2, axis=0) if x.ndim else x
    ]),
    "squeeze": (one(ALL, (1, 3, 1)), [
        lambda xp, x: xp.squeeze(x, axis=0), lambda xp, x: xp.squeeze(x, axis=(0, 2))
    ]),
    "stack": (pairs(ALL), [
        lambda xp, x, y: xp.stack([x, y]), lambda xp, x, y: xp.stack([x, y], axis=-1)
    ]),
    "tile": (one(ALL), [lambda xp, x: xp.tile(x, (2, 1))]),
    "unstack": (one(ALL, LINES), [lambda xp, x: xp.unstack(x)]),
    # searching, sorting, sets
    "argsort": (POINTS, [
        lambda xp, x: xp.argsort(x), lambda xp, x: xp.argsort(x, axis=0, descending=True)
    ]),
    "sort": (POINTS, [
        lambda xp, x: xp.sort(x), lambda xp, x: xp.sort(x, axis=0, descending=True)
    ]),
    "nonzero": (one(ALL, LINES), [lambda xp, x: xp.nonzero(x)]),
    "searchsorted": (pairs(REAL, hnp.array_shapes(max_dims=1)), [
        lambda xp, x, y: xp.searchsorted(xp.sort(x), y),
        lambda xp, x, y: xp.searchsorted(x, y, side="right", sorter=xp.argsort(x)),
    ]),
    "where": (pairs(ALL), [lambda xp, x, y: xp.where(xp.equal(x, y), x, y)]),
    "isin": (pairs(INTEGER, LINES), [
        lambda xp, x, y: xp.isin(x, y)
    ]),
    **{
        name: (one(ALL, LINES), [lambda xp, x, name=name: getattr(xp, name)(x)])
        for name in ("unique_all", "unique_counts", "unique_inverse", "unique_values")
    },
    "take": (one(ALL, (3, 4)), [
        lambda xp, x: xp.take(x, xp.asarray([2, 0, 0]), axis=0),
        lambda xp, x: xp.take(x, xp.asarray([3, 1]), axis=1),
    ]),
    "take_along_axis": (one(ALL, (3, 4)), [
        lambda xp, x: xp.take_along_axis(x, xp.asarray([[1, 0], [2, 3], [0, 0]])),
    ]),
    "clip": (one(REAL), [
        lambda xp, x: xp.clip(x, 1, 3), lambda xp, x: xp.clip(x, max=2), lambda xp, x: xp.clip(x)
    ]),
    # products
    "matmul": (VECTORS, [lambda xp, x, y: xp.matmul(x, xp.matrix_transpose(y))]),
    "tensordot": (VECTORS, [
        lambda xp, x, y: xp.tensordot(x, y), lambda xp, x, y: xp.tensordot(x, y, axes=0),
        lambda xp, x, y: xp.tensordot(x, y, axes=((1,), (1,))),
    ]),
    "vecdot": (VECTORS, [
        lambda xp, x, y: xp.vecdot(x, y), lambda xp, x, y: xp.vecdot(x, y, axis=-2)
    ]),
    # dtypes
    "can_cast": (NOTHING, [
        lambda xp: xp.can_cast(xp.int8, xp.int32), lambda xp: xp.can_cast(xp.float64, xp.float32)
    ]),
    "isdtype": (one(ALL), [
        lambda xp, x, kind=kind: xp.isdtype(x.dtype, kind)
        for kind in ("bool", "signed integer", "unsigned integer", "integral", "real floating",
                     "complex floating", "numeric", ("bool", "integral"))
    ]),
    "finfo": (NOTHING, [
        lambda xp, n=n, d=d: float(getattr(xp.finfo(getattr(xp, d)), n))
        for n in ("bits", "eps", "max", "min", "smallest_normal")
        for d in (*REAL_FLOATING, *COMPLEX)
    ]),
    "iinfo": (NOTHING, [
        lambda xp, n=n, d=d: int(getattr(xp.iinfo(getattr(xp, d)), n))
        for n in ("bits", "max", "min")
        for d in INTEGER
    ]),
    "result_type": (NOTHING, [
        lambda xp, a=a, b=b: xp.zeros(1, dtype=xp.result_type(getattr(xp, a), getattr(xp, b)))
        for kind in (SIGNED, UNSIGNED, FLOATING, SIGNED + UNSIGNED[:3])
        for a in kind
        for b in kind
    ]),
    # linalg
    "linalg.cholesky": (DEFINITE, [
        lambda xp, x: xp.linalg.cholesky(x), lambda xp, x: xp.linalg.cholesky(x, upper=True)
    ]),
    "linalg.cross": (pairs(NUMERIC, st.just((2, 3))), [lambda xp, x, y: xp.linalg.cross(x, y)]),
    "linalg.det": (SQUARE, [lambda xp, x: xp.linalg.det(x)]),
    "linalg.diagonal": (one(ALL, (2, 3, 4)), [
        lambda xp, x: xp.linalg.diagonal(x), lambda xp, x: xp.linalg.diagonal(x, offset=1)
    ]),
    "linalg.eigh": (DEFINITE, [
        lambda xp, x: xp.linalg.eigh(x).eigenvalues,
        lambda xp, x: _rebuilt(xp, xp.linalg.eigh(x)),
    ]),
    "linalg.eigvalsh": (DEFINITE, [lambda xp, x: xp.linalg.eigvalsh(x)]),
    "linalg.inv": (DEFINITE, [lambda xp, x: xp.linalg.inv(x)]),
    "linalg.matmul": (VECTORS, [lambda xp, x, y: xp.linalg.matmul(x, xp.matrix_transpose(y))]),
    "linalg.matrix_norm": (SQUARE, [
        *(lambda xp, x, o=o: xp.linalg.matrix_norm(x, ord=o) for o in ("fro", "nuc", 1, 2, -1)),
        lambda xp, x: xp.linalg.matrix_norm(x, ord=float("inf"), keepdims=True),
    ]),
    "linalg.matrix_power": (SQUARE, [
        lambda xp, x: xp.linalg.matrix_power(x, 3), lambda xp, x: xp.linalg.matrix_power(x, 0)
    ]),
    "linalg.matrix_rank": (SQUARE, [
        lambda xp, x: xp.linalg.matrix_rank(x), lambda xp, x: xp.linalg.matrix_rank(x, rtol=0.5)
    ]),
    "linalg.matrix_transpose": (one(ALL, (2, 3)), [lambda xp, x: xp.linalg.matrix_transpose(x)]),
    "linalg.outer": (pairs(NUMERIC, st.just((3,)), low=-3, high=3), [
        lambda xp, x, y: xp.linalg.outer(x, y)
    ]),
    "linalg.pinv": (DEFINITE, [
        lambda xp, x: xp.linalg.pinv(x), lambda xp, x: xp.linalg.pinv(x, rtol=0.01)
    ]),
    "linalg.qr": (WIDE, [
        lambda xp, x: xp.matmul(*xp.linalg.qr(x)),
        lambda xp, x: xp.abs(xp.linalg.qr(x, mode="complete").R),
    ]),
    "linalg.slogdet": (SQUARE, [lambda xp, x: tuple(xp.linalg.slogdet(x))]),
    "linalg.solve": (DEFINITE, [
        lambda xp, x: xp.linalg.solve(x, xp.ones_like(x)),
        lambda xp, x: xp.linalg.solve(x, xp.ones((x.shape[-1],), dtype=x.dtype)),
    ]),
    "linalg.svd": (WIDE, [
        lambda xp, x: xp.linalg.svd(x).S,
        lambda xp, x: [y.shape for y in xp.linalg.svd(x, full_matrices=False)],
    ]),
    "linalg.svdvals": (WIDE, [lambda xp, x: xp.linalg.svdvals(x)]),
    "linalg.tensordot": (VECTORS, [lambda xp, x, y: xp.linalg.tensordot(x, y)]),
    "linalg.trace": (one(NUMERIC, (2, 3, 3)), [
        lambda xp, x: xp.linalg.trace(x), lambda xp, x: xp.linalg.trace(x, offset=-1)
    ]),
    "linalg.vecdot": (VECTORS, [lambda xp, x, y: xp.linalg.vecdot(x, y)]),
    "linalg.vector_norm": (one(FLOATING, LINES), [
        *(lambda xp, x, o=o: xp.linalg.vector_norm(x, ord=o) for o in (0, 1, 2, 3, float("inf"))),
        lambda xp, x: xp.linalg.vector_norm(x, axis=-1, keepdims=True),
    ]),
    # fft
    **{
        f"fft.{name}": (signals, [
            lambda xp, x, name=name: getattr(xp.fft, name)(x),
            *[
                lambda xp, x, name=name, norm=norm: getattr(xp.fft, name)(x, norm=norm)
                for norm in ("ortho", "forward")
            ],
        ])
        for names, signals in (
            (("fft", "ifft", "fftn", "ifftn"), SIGNALS),
            (("rfft", "rfftn", "ihfft"), REAL_SIGNALS),
        )
        for name in names
    },
    "fft.hfft": (SIGNALS, [lambda xp, x: xp.fft.hfft(x, n=6)]),
    "fft.irfft": (SIGNALS, [lambda xp, x: xp.fft.irfft(x, n=6)]),
    "fft.irfftn": (SIGNALS, [lambda xp, x: xp.fft.irfftn(x, norm="ortho")]),
    "fft.fftfreq": (NOTHING, [lambda xp: xp.fft.fftfreq(5, d=0.5, dtype=xp.float64)]),
    "fft.rfftfreq": (NOTHING, [lambda xp: xp.fft.rfftfreq(5, d=0.5, dtype=xp.float64)]),
    "fft.fftshift": (one(FLOATING, LINES), [lambda xp, x: xp.fft.fftshift(x)]),
    "fft.ifftshift": (one(FLOATING, LINES), [lambda xp, x: xp.fft.ifftshift(x)]),
}  # fmt: skip


def _rebuilt(xp, result):
    """A matrix from its eigenvalues and eigenvectors, which have no unique sign."""
    w, v = result
    values = xp.astype(w, v.dtype)[..., None, :]
    return xp.matmul(v * values, xp.conj(xp.matrix_transpose(v)))

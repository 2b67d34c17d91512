"""Rows of numpy.linalg: matrices well away from singular, so that rounding stays small."""

import numpy as np

from tests.functions.draws import Call
from tests.functions.rows import add, hold

near = {"tolerance": 500, "reason": "condition numbers up to thirty"}


def gaussian(rng, shape, dtype):
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if dtype.kind == "c" else x


def regular(rng, shape, dtype):
    """Eigenvalues well apart, in a basis that is not orthogonal."""
    if dtype.kind in "iub":
        return rng.integers(0, 2, shape) + 3 * np.diag(np.arange(1, shape[-1] + 1))
    return 0.4 * gaussian(rng, shape, dtype) + np.diag(2.0 + np.arange(shape[-1]))


def positive(rng, shape, dtype):
    """Hermitian, positive definite, of distinct eigenvalues."""
    if dtype.kind in "iub":
        return np.broadcast_to(np.diag(np.arange(2, 2 + shape[-1])) + 1, shape)
    x = 0.3 * gaussian(rng, shape, dtype)
    return x @ x.conj().swapaxes(-1, -2) + np.diag(1.0 + np.arange(shape[-1]))


SQUARE = ((3, 3), (2, 2, 2), (1, 1))
EMPTY = (*SQUARE, (0, 0), (2, 0, 0), (0, 2, 2))
# Half precision has no LAPACK: ftx computes in 32 bits, JAX refuses.
KINDS = "iwc"


def matrix(d, make=regular, kinds=KINDS, shapes=EMPTY):
    fits = [s for s in shapes if d.mode not in ("gradients", "vmap") or 0 not in s]
    return d.array(kinds, d.pick(*fits), make=make)


def one(make=regular, kinds=KINDS, shapes=EMPTY, **choices):
    return lambda d: Call((matrix(d, make, kinds, shapes),), d.options(**choices))


def cholesky(a, upper=False):
    factor = np.linalg.cholesky(a)
    return np.conj(np.swapaxes(factor, -1, -2)) if upper else factor


add("numpy.linalg.cholesky", one(positive, upper=(False, True)), cholesky, **near)
add("numpy.linalg.det", one(), **near)
add("numpy.linalg.inv", one(), **near)
add("numpy.linalg.slogdet", one(), **near)
add(
    "numpy.linalg.matrix_power",
    lambda d: Call((matrix(d, regular, "iwc"), d.pick(2, 3, 0, 1, -1))),
    **near,
)
add("numpy.linalg.eigvalsh", one(positive, UPLO=("L", "U")), **near)


def without_phase(f, a):
    """Values, and the projections on vectors: a phase of each is arbitrary."""
    values, v = f(a)
    return values, v[..., :, None, :] * v[..., None, :, :].conj()


add(
    "numpy.linalg.eigh",
    one(positive),
    via=without_phase,
    **near,
)


def solved(d):
    a = matrix(d, shapes=((3, 3), (2, 2, 2), (0, 0)))
    n = a.shape[-1]
    b = d.pick((n,), (n, 2), (*a.shape[:-2], n, 1))
    return Call((a, d.array(KINDS, b)))


add("numpy.linalg.solve", solved, **near)


def flattened_norm(d):
    x = d.array("ifc", d.pick((2, 3), (3, 3)), smooth=(0.5, 2))
    ord = d.pick(None, "fro", 1, -1, np.inf, -np.inf, *(() if d.smooth else (2, -2, "nuc")))
    return Call((x,), d.options(ord=(ord,), keepdims=(False, True)))


def vector_of(d):
    x = d.array("ifc", d.pick((4,), (2, 3)), smooth=(0.5, 2))
    return Call((x,), {"ord": d.pick(None, 2, 1, np.inf, -np.inf, 0, 3), "axis": d.pick(0, -1)})


def norms(d):
    if d.flag():
        return vector_of(d)
    if d.flag():
        x = d.array("ifc", (2, 3, 2), smooth=(0.5, 2))
        return Call(
            (x,), {"ord": d.pick("fro", 1), "axis": d.pick((0, 1), (-1, 0)), "keepdims": d.flag()}
        )
    return flattened_norm(d)


add("numpy.linalg.norm", norms, **near)


def vector_norms(d):
    # Of integers the norm is a float whatever the order; JAX gives an integer for some.
    x = d.array("fc" if d.mode == "types" else "ifc", d.shape(1), smooth=(0.5, 2))
    axis = d.axes(len(x.shape))
    if 0 in x.shape:
        return Call((x,), {"axis": axis})
    o = d.options(keepdims=(False, True), ord=(2, 1, 3, np.inf, -np.inf, 0))
    return Call((x,), {**o, "axis": axis})


add("numpy.linalg.vector_norm", vector_norms, **near)


def matrix_norms(d):
    x = d.array("ifc", d.pick((2, 3), (2, 3, 3)), smooth=(0.5, 2))
    ord = d.pick("fro", 1, -1, np.inf, -np.inf, *(() if d.smooth else (2, -2, "nuc")))
    return Call((x,), {"ord": ord, "keepdims": d.flag()})


add("numpy.linalg.matrix_norm", matrix_norms, **near)
TALL = ((4, 3), (3, 3), (2, 3, 2), (2, 4))


def gauss(d, shapes=TALL, kinds="wc"):
    return d.array(kinds, d.pick(*shapes), make=gaussian)


add("numpy.linalg.svdvals", lambda d: Call((gauss(d),)), **near)


def three(f, a, full_matrices):
    """Singular values, and the projections on vectors: a phase of each pair is arbitrary."""
    u, s, vh = f(a, full_matrices=full_matrices)
    k = s.shape[-1]
    return u[..., :k] @ (s[..., None] * vh[..., :k, :]), s, u @ u.conj().mT, vh @ vh.conj().mT


def decomposed(d):
    return Call((gauss(d), False if d.smooth else d.flag()))


add("numpy.linalg.svd", decomposed, via=three, **near)
add("numpy.linalg.pinv", lambda d: Call((gauss(d),)), **near)
add("numpy.linalg.matrix_rank", one(shapes=SQUARE), gradient=False)
add(
    "numpy.linalg.cond",
    lambda d: Call((matrix(d, shapes=SQUARE[:2]),), d.options(p=(..., 1, np.inf, "fro", -2))),
    **near,
)


def factors(f, a):
    """The projection on the columns of q, and the sizes in r: signs and phases are arbitrary."""
    q, r = f(a)
    return q @ q.conj().mT, abs(r)


add("numpy.linalg.qr", lambda d: Call((gauss(d, TALL[:3]),)), via=factors, **near)


def least(d):
    a = gauss(d, ((4, 3), (5, 2)), "wc")
    return Call(
        (a, d.array("wc", d.pick((a.shape[0],), (a.shape[0], 2)))),
        {"numpy_resid": d.mode in ("values", "gradients")},
    )


def lstsq(a, b, numpy_resid):
    return np.linalg.lstsq(a, b, None)


add("numpy.linalg.lstsq", least, lstsq, **near)


def chain(d):
    shapes = d.pick(
        ((2, 3), (3, 2), (2, 4)), ((3,), (3, 2), (2,)), ((2, 3), (3, 3), (3, 2), (2, 2))
    )
    return Call(([d.array("ifc", s) for s in shapes],))


add("numpy.linalg.multi_dot", chain, **near)


def tensor(rng, shape, dtype):
    n = int(np.prod(shape[: len(shape) // 2 + len(shape) % 2]))
    flat = regular(rng, (n, int(np.prod(shape)) // n), dtype)
    return flat.reshape(shape)


add("numpy.linalg.tensorinv", lambda d: Call((d.array("wc", (2, 2, 2, 2), make=tensor),)), **near)
add(
    "numpy.linalg.tensorsolve",
    lambda d: Call((d.array("wc", (2, 2, 2, 2), make=tensor), d.array("wc", (2, 2)))),
    **near,
)

hold("numpy.linalg.eig numpy.linalg.eigvals", "any order and scale is right: by property in tests/")

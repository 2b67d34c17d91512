"""Rows of products, einsum, convolutions and polynomials."""

import numpy as np

from tests.functions.draws import Call, Operand
from tests.functions.rows import add

near = {"tolerance": 64, "reason": "sums of products in another order"}
PAIRS = (((2, 3), (3, 2)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 2, 3), (3, 2)))
BATCHED = (*PAIRS, ((2, 2, 3), (2, 3, 1)), ((2, 0), (0, 2)), ((0, 3), (3, 2)))


def product(shapes, kinds="ifc"):
    def arguments(d):
        a, b = d.pick(*[s for s in shapes if not d.smooth or 0 not in (*s[0], *s[1])])
        return Call((d.array(kinds, a), d.array(kinds, b)))

    return arguments


add("numpy.matmul numpy.linalg.matmul", product(BATCHED, "bifc"), **near)
add("numpy.dot", product((*PAIRS, ((2, 3), (4, 3, 2)), ((), (2, 3)), ((0,), (0,)))), **near)
add("numpy.vdot", product((((3,), (3,)), ((2, 3), (3, 2)), ((), ()))), **near)
add("numpy.inner", product((((3,), (3,)), ((2, 3), (4, 3)), ((), (3,)))), **near)
add("numpy.outer", product((((3,), (2,)), ((2, 3), (2,)), ((), (0,)))), **near)
add("numpy.linalg.outer", product((((3,), (2,)), ((1,), (4,)))), **near)
add("numpy.kron", product((((2, 3), (3, 2)), ((3,), (2, 2)), ((), (3,)))), **near)
lines = (((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (2, 3)))
add("numpy.vecdot numpy.linalg.vecdot", product(lines), **near)
add("numpy.matvec", product((((2, 3), (3,)), ((2, 2, 3), (2, 3)))), **near)
add("numpy.vecmat", product((((3,), (3, 2)), ((2, 3), (2, 3, 2)))), **near)


def tensors(d):
    a, b, axes = d.pick(
        ((2, 3), (3, 4), 1),
        ((2, 3, 4), (3, 4, 2), 2),
        ((2, 3), (2, 3), ([0, 1], [0, 1])),
        ((2, 3), (4, 2), (0, 1)),
        ((2,), (3,), 0),
        ((2, 3), (3, 2), ((-1,), (0,))),
    )
    return Call((d.array("ifc", a), d.array("ifc", b)), {"axes": axes})


add("numpy.tensordot numpy.linalg.tensordot", tensors, **near)


def cross(d):
    a, b = d.pick(((3,), (3,)), ((2, 3), (3,)), ((2, 3), (2, 3)))
    return Call((d.array("ifc", a), d.array("ifc", b)))


def cross_any(d):
    if d.flag():
        return cross(d)
    axes = {"axisa": 0, "axisb": 0, "axisc": 0}
    return Call((d.array("ifc", (3, 2)), d.array("ifc", (3, 2))), d.pick(axes, {"axis": 0}))


add("numpy.cross", cross_any, **near)
add("numpy.linalg.cross", cross, **near)

EINSUM = (
    ("ij,jk->ik", (2, 3), (3, 2)),
    ("ij,ij->", (2, 3), (2, 3)),
    ("ii->i", (3, 3)),
    ("...ij,...jk", (2, 2, 3), (3, 2)),
    ("ij->ji", (2, 3)),
    ("i,j->ij", (2,), (3,)),
    ("ij,jk,kl", (2, 3), (3, 2), (2, 2)),
    ("ii", (3, 3)),
    ("ijk->j", (2, 3, 2)),
    ("bij,b->ij", (2, 2, 3), (2,)),
    ("...,...", (2, 1), (3,)),
    ("iij->j", (2, 2, 3)),
)


def summed(d):
    spec, *shapes = d.pick(*EINSUM)
    return Call((spec, *[d.array("ifc", s) for s in shapes]), d.options(optimize=(..., False)))


add("numpy.einsum", summed, **near)


def slid(modes):
    def arguments(d):
        a, b = d.pick((5, 3), (3, 3), (2, 4), (1, 1))
        return Call((d.array("ifc", (a,)), d.array("ifc", (b,))), d.options(mode=modes))

    return arguments


MODES = ("full", "same", "valid")
add("numpy.convolve", slid(MODES), **near)
add("numpy.correlate", slid(MODES[::-1]), **near)

# ---- polynomials


def coefficients(d):
    return Call((d.array("ifc", (3,), ints=(1, 5)), d.array("ifc", (4,), ints=(1, 5))))


add("numpy.polyadd numpy.polysub", coefficients)
add("numpy.polymul", coefficients, **near)
add("numpy.polyval", lambda d: Call((d.array("ifc", (4,)), d.array("if"))), **near)
add("numpy.polyder", lambda d: Call((d.array("ifc", (4,)),), d.options(m=(1, 2, 0))))
add(
    "numpy.polyint",
    lambda d: Call(
        (d.array("ifc" if not d.smooth else "f", (3,)),), d.options(m=(1, 2), k=(..., 2))
    ),
)


def fitted(d):
    grid = lambda rng, s, t: np.linspace(-1, 1, s[0]) + 0.05 * rng.random(s)
    kinds = [d.dtype("w") for _ in "xyw"] if d.mode == "types" else [d.dtype("w")] * 3
    x = Operand((6,), kinds[0], make=grid)
    y = Operand(d.pick((6,), (6, 2)), kinds[1])
    o = {"w": Operand((6,), kinds[2], 0.5)} if d.flag() else {}
    return Call((x, y, 2), o)


add("numpy.polyfit", fitted, tolerance=2000, reason="conditioned by 10", gradient=True)


def of_roots(rng, shape, dtype):
    return np.poly(np.arange(1, shape[0]) + 0.2 * rng.random(shape[0] - 1))


add(
    "numpy.roots",
    lambda d: Call((d.array("w", (4,), make=of_roots),)),
    via=lambda f, p: np.sort_complex(np.asarray(f(p))),
    compiled=False,
    vmap=False,
    peer="the number of roots follows from values",
    tolerance=5000,
    reason="conditioned by a hundred",
    gradient=False,
)

add("numpy.poly", lambda d: Call((d.array("f", (3,)),)), **near)
add(
    "numpy.polydiv",
    lambda d: Call((d.array("f", (4,), low=0.5, high=2), d.array("f", (2,), low=1, high=2))),
    via=lambda f, *polynomials: f(*polynomials)[0],  # remainders keep zeros here, as in JAX
    **near,
)

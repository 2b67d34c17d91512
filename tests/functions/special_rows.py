"""Rows of scipy.special: keywords, types, transforms; test_special.py has the accuracy."""

import numpy as np
import scipy.special as S

from tests.functions.draws import Call
from tests.functions.elementwise_rows import binary, unary
from tests.functions.rows import add, hold

name = "scipy.special.{}".format
near = {"tolerance": 300, "reason": "series and fractions; test_special.py states each bound"}


def several(*names):
    return " ".join(map(name, names))


add(several("erf", "erfc"), unary("bif"), **near)
add(name("erfinv"), unary("bif", -0.9, 0.9, smooth=(-0.8, 0.8)), **near)
add(name("expit"), unary("bif"), **near)
add(name("logit"), unary("bif", 0.1, 0.9, smooth=(0.2, 0.8)), **near)
add(name("gammaln"), unary("bif", 0.5, 6, smooth=(0.5, 4)), **near)
add(name("digamma"), unary("bif", 0.5, 6, smooth=(0.5, 4), special=False, ints=(1, 7)), **near)
add(name("gamma"), unary("bif", 0.5, 5, smooth=(0.5, 3), special=False, ints=(1, 7)), **near)
add(several("i0", "i0e", "i1", "i1e"), unary("bif", smooth=(0.3, 2)), **near)
add(name("expi"), unary("bif", 0.5, 5, smooth=(0.5, 3), special=False, ints=(1, 7)), **near)
add(name("exp1"), unary("bif", 0.5, 5, smooth=(0.5, 3), special=False, ints=(1, 7)), **near)
add(name("entr"), unary("bif", smooth=(0.3, 2)), **near)
add(name("ndtr"), unary("bif"), **near)
add(name("log_ndtr"), unary("bif"), **near)
add(name("ndtri"), unary("f", 0.1, 0.9, smooth=(0.2, 0.8), special=False), **near)
add(
    name("factorial"),
    unary("if", -2, 4, smooth=(0.5, 3), special=False),
    lambda x: np.where(x < 0, 0, S.gamma(x + 1)),
    **near,
)
add(
    name("multigammaln"),
    lambda d: Call((d.array("f", low=3, high=6), d.pick(1, 2, 3))),
    **near,
)
add(
    name("polygamma"),
    lambda d: Call((d.pick(1, 0, 2, 3), d.array("f", low=0.5, high=4))),
    **near,
)
ratios = binary("bif", 0.2, 3, smooth=(0.3, 2), special=False, ints=(0, 5))
add(name("xlogy"), ratios, **near)
add(several("rel_entr", "kl_div"), ratios, strong="JAX's formula makes weak numbers strong", **near)
add(name("xlog1py"), binary("bif", -0.5, 3, smooth=(-0.4, 2), special=False, ints=(0, 5)), **near)
add(name("betaln"), binary("bif", 0.5, 4, smooth=(0.5, 3), special=False, ints=(1, 7)), **near)


def orders(d):
    """The first operand fixed: no derivative is known in it."""
    shape = d.shape()
    a = 1.5 if d.smooth else d.array("if", d.pick(shape, shape[-1:]), low=0.5, high=5, ints=(1, 6))
    return Call((a, d.array("if", shape, low=0.2, high=5, smooth=(0.5, 3), ints=(0, 6))))


add(several("gammainc", "gammaincc"), orders, **near)


def beta(d):
    shape = d.shape()
    a = 1.5 if d.smooth else d.array("if", shape, low=0.5, high=5, ints=(1, 6))
    b = 2.5 if d.smooth else d.array("if", shape[-1:], low=0.5, high=5, ints=(1, 6))
    return Call((a, b, d.array("f", shape, low=0.05, high=0.95)))


add(name("betainc"), beta, **near)


def hurwitz(d):
    shape = d.shape()
    s = 2.5 if d.smooth else d.array("f", shape, low=1.2, high=5)
    return Call((s, d.array("f", shape, low=0.5, high=4)))


add(name("zeta"), hurwitz, **near)


def summed(d):
    shape = d.shape(1, empty=False)
    x = d.array("ifc", shape, special=False)
    o = d.options(axis=(..., d.axes(len(shape))), keepdims=(..., True))
    if d.flag():
        o["b"] = d.array("f", shape, low=0.5)
    if d.flag() and not d.smooth:
        o["return_sign"] = True
    return Call((x,), o)


add(name("logsumexp"), summed, lambda x, **o: S.logsumexp(x, **o), **near)


def spread(d):
    shape = d.shape(empty=False)
    x = d.array("if", shape)
    return Call((x,), d.options(axis=(..., d.axes(len(shape)))))


add(several("softmax", "log_softmax"), spread, **near)

# Functions whose accuracy over their domains is in tests/numpy/test_special_more.py.

positive = {"smooth": (0.5, 2), "special": False, "ints": (1, 5)}
add(several("dawsn", "erfcx"), unary("bif", -2, 2, smooth=(0.3, 1)), **near)
add(name("spence"), unary("f", 0.3, 3, smooth=(1.3, 2), special=False), **near)
add(name("loggamma"), unary("f", 0.5, 6, smooth=(0.5, 4), special=False), S.gammaln, **near)
add(name("gammasgn"), unary("f", 0.5, 6, special=False), gradient=False, **near)
add(name("beta"), binary("f", 0.5, 3, smooth=(0.5, 2), special=False), **near)
add(name("boxcox"), binary("f", 0.5, 3, smooth=(0.5, 2), special=False, second="f"), **near)
add(name("boxcox1p"), binary("f", 0.5, 3, smooth=(0.5, 2), special=False, second="f"), **near)
add(
    name("owens_t"),
    binary("f", 0.2, 2, smooth=(0.5, 1), special=False, second="f"),
    peer="JAX computes it in 64 bits wherever they are allowed",
    **near,
)
add(name("poch"), binary("f", 0.5, 3, smooth=(0.5, 2), special=False, second="f"), **near)
add(several("sici", "fresnel"), unary("f", 0.3, 3, smooth=(0.5, 2), special=False), **near)
add(
    name("expn"),
    lambda d: Call((d.pick(1, 2, 4), d.array("f", low=0.5, high=4, smooth=(0.5, 3)))),
    **near,
)
add(
    name("comb"),
    lambda d: Call((d.pick(5, 8, 11), d.pick(0, 2, 5))),
    gradient=False,
    vmap=False,
    **near,
)
add(name("bernoulli"), lambda d: Call((d.pick(0, 1, 4, 9),)), gradient=False, vmap=False, **near)
add(
    name("hyp1f1"),
    lambda d: Call(
        (d.pick(0.5, 1.5), d.pick(2.0, 3.5), d.array("f", low=-1, high=2, smooth=(-1, 1)))
    ),
    **near,
)
add(
    name("hyp2f1"),
    lambda d: Call(
        (d.pick(0.5, 1.5), 1.0, 2.5, d.array("f", low=-0.4, high=0.4, smooth=(-0.4, 0.4)))
    ),
    **near,
)
hold(name("bessel_jn"), "all orders at once: tests/numpy/test_special_more.py")

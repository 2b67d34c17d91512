"""Special functions computed by SciPy, or from its, element by element, with their derivatives.

In: real operands of equal shape and dtype.  Out: an array of that shape.
Compiled programs have formulas of their own for some; for the others they call SciPy: a step
between kernels.
Must not know: broadcasting and promotion.
"""

import functools
import importlib
import math

import numpy as np

from ..errors import UnsupportedError
from . import elementwise as E
from . import selection as C
from . import transcendental as T
from .formula import Elementwise, full_like
from .incomplete_gamma import gammainc_slope, sample_slope


def _number(x, value):
    return full_like(x, value)


def _log_power(x, a, log):
    """(a - 1) log(x), which at a = 1 is 0 whatever x."""
    power = E.sub(a, _number(a, 1))
    flat = E.eq(power, _number(a, 0))
    return C.select(flat, _number(x, 0), E.mul(power, log(x)))


def _gamma_density(a, x):
    """x**(a - 1) exp(-x) / Gamma(a)"""
    return T.exp(E.sub(E.sub(_log_power(x, a, T.log), x), T.lgamma(a)))


def _beta_density(a, b, x):
    """x**(a - 1) (1 - x)**(b - 1) / B(a, b)"""
    logs = E.add(_log_power(x, a, T.log), _log_power(x, b, lambda x: T.log1p(E.neg(x))))
    norm = E.sub(E.add(T.lgamma(a), T.lgamma(b)), T.lgamma(E.add(a, b)))
    return T.exp(E.sub(logs, norm))


def _without_pole(x, at_zero, value):
    """`value()`, which divides by x, and its limit where x is 0."""
    zero = E.eq(x, _number(x, 0))
    safe = C.select(zero, _number(x, 1), x)
    return C.select(zero, _number(x, at_zero), value(safe))


def _owens_density(h, a):
    """exp(-h² (1 + a²) / 2) / (2 pi (1 + a²))"""
    spread = E.add(_number(a, 1), E.square(a))
    size = T.exp(E.mul(_number(h, -0.5), E.mul(E.square(h), spread)))
    return E.div(E.mul(size, _number(h, 1 / (2 * math.pi))), spread)


def _owens_by_h(h, a):
    tail = T.erf(E.mul(E.mul(a, h), _number(h, math.sqrt(0.5))))
    return E.mul(E.mul(T.exp(E.mul(_number(h, -0.5), E.square(h))), tail),
                 _number(h, -1 / math.sqrt(8 * math.pi)))  # fmt: skip


def _expn_before(n, x):
    """The exponential integral of order n - 1; below order 1 by recurrence, which does not end."""
    one = _number(n, 1)
    below = E.sub(n, one)
    known = E.sub(T.exp(E.neg(x)), E.mul(below, call("expn", n, x)))
    return C.select(E.lt(below, one), E.div(known, x), call("expn", E.max_(below, one), x))


def _half_turn(x):
    return E.mul(E.square(x), _number(x, math.pi / 2))


def _of_next(function, factor, x, *parameters):
    """factor times the function whose parameters are one larger."""
    moved = [E.add(p, _number(p, 1)) for p in parameters]
    return E.mul(factor, call(function, *moved, x))


def _above(x):
    """digamma(1 + x), the derivative of log x!"""
    return T.digamma(E.add(x, _number(x, 1)))


_UNKNOWN = object()
_PARTIALS = {
    "gammainc": lambda a, x: (
        lambda: call("gammainc_slope", a, x),
        lambda: _gamma_density(a, x),
    ),
    "gammaincc": lambda a, x: (
        lambda: E.neg(call("gammainc_slope", a, x)),
        lambda: E.neg(_gamma_density(a, x)),
    ),
    "gammainc_slope": lambda a, x: (_UNKNOWN, _UNKNOWN),
    "gamma_sample_slope": lambda a, x: (_UNKNOWN, _UNKNOWN),
    "betainc": lambda a, b, x: (_UNKNOWN, _UNKNOWN, lambda: _beta_density(a, b, x)),
    "expi": lambda x: (lambda: E.div(T.exp(x), x),),
    "exp1": lambda x: (lambda: E.neg(E.div(T.exp(E.neg(x)), x)),),
    "i0": lambda x: (lambda: call("i1", x),),
    "i1": lambda x: (
        lambda: E.sub(call("i0", x), _without_pole(x, 0.5, lambda v: E.div(call("i1", v), v))),
    ),
    "i0e": lambda x: (lambda: E.sub(call("i1e", x), E.mul(E.sign(x), call("i0e", x))),),
    "i1e": lambda x: (
        lambda: E.sub(
            E.sub(call("i0e", x), _without_pole(x, 0.5, lambda v: E.div(call("i1e", v), v))),
            E.mul(E.sign(x), call("i1e", x)),
        ),
    ),
    "ndtri": lambda x: (
        lambda: E.mul(
            _number(x, math.sqrt(2 * math.pi)),
            T.exp(E.mul(E.square(call("ndtri", x)), _number(x, 0.5))),
        ),
    ),
    "gamma": lambda x: (lambda: E.mul(call("gamma", x), T.digamma(x)),),
    "dawsn": lambda x: (
        lambda: E.sub(_number(x, 1), E.mul(_number(x, 2), E.mul(x, call("dawsn", x)))),
    ),
    "erfcx": lambda x: (
        lambda: E.sub(
            E.mul(_number(x, 2), E.mul(x, call("erfcx", x))), _number(x, 2 / math.sqrt(math.pi))
        ),
    ),
    "spence": lambda x: (
        lambda: _without_pole(
            E.sub(_number(x, 1), x), -1, lambda v: E.div(T.log(E.sub(_number(x, 1), v)), v)
        ),
    ),
    "fresnel_sin": lambda x: (lambda: T.sin(_half_turn(x)),),
    "fresnel_cos": lambda x: (lambda: T.cos(_half_turn(x)),),
    "sine_integral": lambda x: (lambda: _without_pole(x, 1, lambda v: E.div(T.sin(v), v)),),
    "cosine_integral": lambda x: (lambda: E.div(T.cos(x), x),),
    "expn": lambda n, x: (_UNKNOWN, lambda: E.neg(_expn_before(n, x))),
    "jv": lambda v, x: (
        _UNKNOWN,
        lambda: E.mul(
            _number(x, 0.5),
            E.sub(call("jv", E.sub(v, _number(v, 1)), x), call("jv", E.add(v, _number(v, 1)), x)),
        ),
    ),
    "hyp1f1": lambda a, b, x: (
        _UNKNOWN,
        _UNKNOWN,
        lambda: _of_next("hyp1f1", E.div(a, b), x, a, b),
    ),
    "hyp2f1": lambda a, b, c, x: (
        _UNKNOWN,
        _UNKNOWN,
        _UNKNOWN,
        lambda: _of_next("hyp2f1", E.div(E.mul(a, b), c), x, a, b, c),
    ),
    "owens_t": lambda h, a: (lambda: _owens_by_h(h, a), lambda: _owens_density(h, a)),
    "poch": lambda z, m: (
        lambda: E.mul(call("poch", z, m), E.sub(T.digamma(E.add(z, m)), T.digamma(z))),
        lambda: E.mul(call("poch", z, m), T.digamma(E.add(z, m))),
    ),
    "binom": lambda n, k: (
        lambda: E.mul(call("binom", n, k), E.sub(_above(n), _above(E.sub(n, k)))),
        lambda: E.mul(call("binom", n, k), E.sub(_above(E.sub(n, k)), _above(k))),
    ),
    "zeta": lambda s, q: (
        _UNKNOWN,
        lambda: E.neg(E.mul(s, call("zeta", E.add(s, _number(s, 1)), q))),
    ),
}


_COARSE = {"betainc"}
"""Functions whose own float32 loses more than rounding: 90 eps."""


class ScipyFunction(Elementwise):
    """scipy.special's function `function`."""

    name, kinds = "scipy_function", "f"

    def impl(self, *xs, function):
        dtype = xs[0].dtype
        if dtype.itemsize == 2 or function in _COARSE:
            wide = np.float64 if function in _COARSE else np.float32
            xs = [x.astype(wide) for x in xs]
        return [np.asarray(_found(function)(*xs)).astype(dtype)]

    def partials(self, *xs, out, function):
        return [
            functools.partial(_refuse, function, i) if p is _UNKNOWN else p
            for i, p in enumerate(_PARTIALS[function](*xs))
        ]

    def scalar(self, *, function):
        return function


def _refuse(function, position):
    raise UnsupportedError(
        f"derivative of special.{function}: expected constants as argument {position}, got a "
        "value that is differentiated; stop it with ftx.lax.stop_gradient"
    )


_SLOPES = {"gammainc_slope": gammainc_slope, "gamma_sample_slope": sample_slope}
"""What scipy.special lacks, computed from what it has."""


@functools.cache
def _found(function):
    module, place = importlib.import_module("scipy.special"), _ONE_OF_TWO.get(function)
    if function in _SLOPES:
        return functools.partial(_SLOPES[function], special=module)
    if place is None:
        return getattr(module, function)
    return lambda x: getattr(module, place[0])(x)[place[1]]


_ONE_OF_TWO = {
    "fresnel_sin": ("fresnel", 0), "fresnel_cos": ("fresnel", 1),
    "sine_integral": ("sici", 0), "cosine_integral": ("sici", 1),
}  # fmt: skip
"""Results that SciPy's function gives together, by their place."""


scipy_function_p = ScipyFunction()


def call(function, *xs):
    """scipy.special's `function` of operands of equal shape and dtype."""
    return scipy_function_p.bind(*xs, function=function)[0]

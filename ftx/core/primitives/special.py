"""Special functions computed by SciPy, or from its, element by element, with their derivatives.

In: real operands of equal shape and dtype.  Out: an array of that shape.
Compiled programs call SciPy for them: a step of its own between kernels.
Must not know: broadcasting and promotion.
"""

import functools
import importlib
import math

import numpy as np

from ..errors import UnsupportedError
from ..primitive import Primitive
from . import elementwise as E
from . import transcendental as T
from .formula import Elementwise, full_like
from .incomplete_gamma import gammainc_slope, sample_slope


def _number(x, value):
    return full_like(x, value)


def _gamma_density(a, x):
    """x**(a - 1) exp(-x) / Gamma(a)"""
    one = _number(x, 1)
    return T.exp(E.sub(E.sub(E.mul(E.sub(a, one), T.log(x)), x), T.lgamma(a)))


def _beta_density(a, b, x):
    """x**(a - 1) (1 - x)**(b - 1) / B(a, b)"""
    one = _number(x, 1)
    logs = E.add(E.mul(E.sub(a, one), T.log(x)), E.mul(E.sub(b, one), T.log1p(E.neg(x))))
    norm = E.sub(E.add(T.lgamma(a), T.lgamma(b)), T.lgamma(E.add(a, b)))
    return T.exp(E.sub(logs, norm))


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
    "i1": lambda x: (lambda: E.sub(call("i0", x), E.div(call("i1", x), x)),),
    "i0e": lambda x: (lambda: E.sub(call("i1e", x), E.mul(E.sign(x), call("i0e", x))),),
    "i1e": lambda x: (
        lambda: E.sub(
            E.sub(call("i0e", x), E.div(call("i1e", x), x)), E.mul(E.sign(x), call("i1e", x))
        ),
    ),
    "ndtri": lambda x: (
        lambda: E.mul(
            _number(x, math.sqrt(2 * math.pi)),
            T.exp(E.mul(E.square(call("ndtri", x)), _number(x, 0.5))),
        ),
    ),
    "gamma": lambda x: (lambda: E.mul(call("gamma", x), T.digamma(x)),),
    "zeta": lambda s, q: (
        _UNKNOWN,
        lambda: E.neg(E.mul(s, call("zeta", E.add(s, _number(s, 1)), q))),
    ),
}


class ScipyFunction(Elementwise):
    """scipy.special's function `function`."""

    name, kinds = "scipy_function", "f"

    def impl(self, *xs, function):
        dtype = xs[0].dtype
        if dtype.itemsize == 2:
            xs = [x.astype(np.float32) for x in xs]
        return [np.asarray(_found(function)(*xs)).astype(dtype)]

    def partials(self, *xs, out, function):
        return [
            functools.partial(_refuse, function, i) if p is _UNKNOWN else p
            for i, p in enumerate(_PARTIALS[function](*xs))
        ]

    lower = Primitive.lower  # none: a host step


def _refuse(function, position):
    raise UnsupportedError(
        f"derivative of special.{function}: expected constants as argument {position}, got a "
        "value that is differentiated; stop it with ftx.lax.stop_gradient"
    )


_SLOPES = {"gammainc_slope": gammainc_slope, "gamma_sample_slope": sample_slope}
"""What scipy.special lacks, computed from what it has."""


@functools.cache
def _found(function):
    module = importlib.import_module("scipy.special")
    if function in _SLOPES:
        return functools.partial(_SLOPES[function], special=module)
    return getattr(module, function)


scipy_function_p = ScipyFunction()


def call(function, *xs):
    """scipy.special's `function` of operands of equal shape and dtype."""
    return scipy_function_p.bind(*xs, function=function)[0]

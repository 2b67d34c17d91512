"""Special functions computed by SciPy, element by element, with their derivatives.

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
from . import selection as C
from . import transcendental as T
from .formula import Elementwise, full_like


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


def _over(y, x):
    """I1(x) / x, or exp(-|x|) times it, from y = I1(x) or that: a half at 0."""
    none = E.eq(x, _number(x, 0))
    return C.select(none, _number(x, 0.5), E.div(y, C.select(none, _number(x, 1), x)))


_UNKNOWN = object()
_PARTIALS = {
    "gammainc": lambda a, x: (_UNKNOWN, lambda: _gamma_density(a, x)),
    "gammaincc": lambda a, x: (_UNKNOWN, lambda: E.neg(_gamma_density(a, x))),
    "betainc": lambda a, b, x: (_UNKNOWN, _UNKNOWN, lambda: _beta_density(a, b, x)),
    "expi": lambda x: (lambda: E.div(T.exp(x), x),),
    "exp1": lambda x: (lambda: E.neg(E.div(T.exp(E.neg(x)), x)),),
    "i0": lambda x: (lambda: call("i1", x),),
    "i1": lambda x: (lambda: E.sub(call("i0", x), _over(call("i1", x), x)),),
    "i0e": lambda x: (lambda: E.sub(call("i1e", x), E.mul(E.sign(x), call("i0e", x))),),
    "i1e": lambda x: (
        lambda: E.sub(
            E.sub(call("i0e", x), _over(call("i1e", x), x)), E.mul(E.sign(x), call("i1e", x))
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

    lower = Primitive.lower  # none: a host step


def _refuse(function, position):
    raise UnsupportedError(
        f"derivative of special.{function}: expected constants as argument {position}, got a "
        "value that is differentiated; stop it with ftx.lax.stop_gradient"
    )


@functools.cache
def _found(function):
    return getattr(importlib.import_module("scipy.special"), function)


scipy_function_p = ScipyFunction()


def call(function, *xs):
    """scipy.special's `function` of operands of equal shape and dtype."""
    return scipy_function_p.bind(*xs, function=function)[0]

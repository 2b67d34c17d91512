"""exp, log, trigonometric, hyperbolic and error functions, and the gamma family.

In and out: real arrays (complex where NumPy has the function); angles in radians.
Knows nothing of: how a target computes them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .elementwise import add, div, eq, mul, neg, square, sub
from .formula import Binary, Elementwise, full_like, function
from .selection import select


def _special(name: str) -> Any:
    """A ufunc of scipy.special, imported when first used; half precision by float32."""

    def call(*xs: Any) -> Any:
        import scipy.special  # slow to import, so not before it is needed

        dtype = xs[-1].dtype
        if dtype.itemsize == 2:
            xs = tuple(x.astype(np.float32) for x in xs)
        return np.asarray(getattr(scipy.special, name)(*xs)).astype(dtype)

    return staticmethod(call)


def _like(x: Any, value: float) -> Any:
    return full_like(x, value)


class Exp(Elementwise):
    """e ** x"""

    kinds, numpy = "fc", np.exp

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: out]


class Exp2(Elementwise):
    """2 ** x"""

    kinds, numpy = "fc", np.exp2

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: mul(_like(x, math.log(2)), out)]


def _expm1(x: Any) -> Any:
    out = np.expm1(x)
    if x.dtype.kind != "c":
        return out
    out = np.array(out)
    out.real += 0  # of -0 + 0j it is 0
    # NumPy multiplies exp of the real part by the sine, which is NaN for infinity and zero.
    lost = ~np.isfinite(out)
    if lost.any():
        out[lost] = np.exp(x[lost]) - 1
    return out


class Expm1(Elementwise):
    """exp(x) - 1 without cancellation"""

    kinds, numpy = "fc", staticmethod(_expm1)

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: add(out, _like(x, 1))]


class Log(Elementwise):
    """Natural logarithm"""

    kinds, numpy = "fc", np.log

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: div(_like(x, 1), x)]


class Log2(Elementwise):
    """Logarithm to base 2"""

    kinds, numpy = "fc", np.log2

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: div(_like(x, 1 / math.log(2)), x)]


class Log1p(Elementwise):
    """log(1 + x) without cancellation"""

    kinds, numpy = "fc", np.log1p

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: div(_like(x, 1), add(x, _like(x, 1)))]


class Sqrt(Elementwise):
    """Square root"""

    kinds, numpy = "fc", np.sqrt

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: div(_like(x, 0.5), out)]


class Rsqrt(Elementwise):
    """1 / sqrt(x)"""

    kinds, numpy = "fc", staticmethod(lambda x: 1 / np.sqrt(x))

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: mul(_like(x, -0.5), div(out, x))]


class Cbrt(Elementwise):
    """Cube root"""

    kinds, numpy = "f", np.cbrt

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: div(_like(x, 1 / 3), square(out))]


def _power(x: Any, y: Any) -> Any:
    single = all(n == 1 or step == 0 for n, step in zip(y.shape, y.strides, strict=True))
    if y.dtype.kind == "f" and y.size and single and y.flat[0] == 0.5:
        # NumPy takes the square root for a single exponent, which of -0 and -inf is not the power.
        return np.where(x == -np.inf, np.inf, np.sqrt(x) + x.dtype.type(0))
    return np.power(x, y)


class Pow(Binary):
    """x ** y for real and complex x, y of one dtype"""

    kinds, numpy = "fc", staticmethod(_power)

    def partials(self, x: Any, y: Any, *, out: Any) -> list[Any]:
        def by_base() -> Any:
            flat = eq(y, _like(y, 0))
            lower = pow(x, select(flat, _like(y, 1), sub(y, _like(y, 1))))
            return select(flat, _like(y, 0), mul(y, lower))

        def by_exponent() -> Any:
            nonzero = select(eq(x, _like(x, 0)), _like(x, 1), x)
            return mul(log(nonzero), out)

        return [by_base, by_exponent]


class Sin(Elementwise):
    """Sine"""

    kinds, numpy = "fc", np.sin

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: cos(x)]


class Cos(Elementwise):
    """Cosine"""

    kinds, numpy = "fc", np.cos

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: neg(sin(x))]


class Tan(Elementwise):
    """Tangent"""

    kinds, numpy = "fc", np.tan

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: add(_like(x, 1), square(out))]


class Asin(Elementwise):
    """Inverse sine"""

    kinds, numpy = "fc", np.arcsin

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: rsqrt(sub(_like(x, 1), square(x)))]


class Acos(Elementwise):
    """Inverse cosine"""

    kinds, numpy = "fc", np.arccos

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: neg(rsqrt(sub(_like(x, 1), square(x))))]


class Atan(Elementwise):
    """Inverse tangent"""

    kinds, numpy = "fc", np.arctan

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: div(_like(x, 1), add(_like(x, 1), square(x)))]


class Atan2(Binary):
    """Angle of the point (y, x): operands in that order"""

    kinds, numpy = "f", np.arctan2

    def partials(self, y: Any, x: Any, *, out: Any) -> list[Any]:
        radius = add(square(x), square(y))
        return [lambda: div(x, radius), lambda: neg(div(y, radius))]


class Sinh(Elementwise):
    """Hyperbolic sine"""

    kinds, numpy = "fc", np.sinh

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: cosh(x)]


class Cosh(Elementwise):
    """Hyperbolic cosine"""

    kinds, numpy = "fc", np.cosh

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: sinh(x)]


class Tanh(Elementwise):
    """Hyperbolic tangent"""

    kinds, numpy = "fc", np.tanh

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: sub(_like(x, 1), square(out))]


class Asinh(Elementwise):
    """Inverse hyperbolic sine"""

    kinds, numpy = "fc", np.arcsinh

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: rsqrt(add(square(x), _like(x, 1)))]


class Acosh(Elementwise):
    """Inverse hyperbolic cosine"""

    kinds, numpy = "fc", np.arccosh

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        one = _like(x, 1)
        return [lambda: mul(rsqrt(sub(x, one)), rsqrt(add(x, one)))]


class Atanh(Elementwise):
    """Inverse hyperbolic tangent"""

    kinds, numpy = "fc", np.arctanh

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: div(_like(x, 1), sub(_like(x, 1), square(x)))]


class Logistic(Elementwise):
    """1 / (1 + exp(-x))"""

    kinds, numpy = "f", staticmethod(lambda x: np.asarray(1 / (1 + np.exp(-x)), x.dtype))

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: mul(out, sub(_like(x, 1), out))]


class Erf(Elementwise):
    """Error function"""

    kinds, numpy = "f", _special("erf")

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: mul(_like(x, 2 / math.sqrt(math.pi)), exp(neg(square(x))))]


class Erfc(Elementwise):
    """1 - erf(x) without cancellation"""

    kinds, numpy = "f", _special("erfc")

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: mul(_like(x, -2 / math.sqrt(math.pi)), exp(neg(square(x))))]


class ErfInv(Elementwise):
    """Inverse of erf"""

    kinds, numpy = "f", _special("erfinv")

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: mul(_like(x, math.sqrt(math.pi) / 2), exp(square(out)))]


class Lgamma(Elementwise):
    """log |Gamma(x)|"""

    kinds, numpy = "f", _special("gammaln")

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: digamma(x)]


class Digamma(Elementwise):
    """Derivative of lgamma"""

    kinds, numpy = "f", _special("digamma")

    def partials(self, x: Any, *, out: Any) -> list[Any]:
        return [lambda: polygamma(x, n=1)]


class Polygamma(Elementwise):
    """n-th derivative of digamma, for a static n"""

    kinds = "f"

    def impl(self, x: Any, *, n: int) -> list[Any]:
        return [_special("polygamma").__func__(np.asarray(n), x)]

    def partials(self, x: Any, *, out: Any, n: int) -> list[Any]:
        return [lambda: polygamma(x, n=n + 1)]

    def scalar(self, *, n: int) -> str:
        return "trigamma" if n == 1 else self.name


exp_p, exp2_p, expm1_p, log_p, log2_p, log1p_p = Exp(), Exp2(), Expm1(), Log(), Log2(), Log1p()
pow_p = Pow()
sqrt_p, rsqrt_p, cbrt_p, sin_p, cos_p, tan_p = Sqrt(), Rsqrt(), Cbrt(), Sin(), Cos(), Tan()
asin_p, acos_p, atan_p, atan2_p, sinh_p, cosh_p = Asin(), Acos(), Atan(), Atan2(), Sinh(), Cosh()
tanh_p, asinh_p, acosh_p, atanh_p, logistic_p = Tanh(), Asinh(), Acosh(), Atanh(), Logistic()
erf_p, erfc_p, erf_inv_p = Erf(), Erfc(), ErfInv()
lgamma_p, digamma_p, polygamma_p = Lgamma(), Digamma(), Polygamma()

exp, exp2, expm1, log, log2, log1p = map(function, (exp_p, exp2_p, expm1_p, log_p, log2_p, log1p_p))
pow = function(pow_p)
sqrt, rsqrt, cbrt, sin, cos, tan = map(function, (sqrt_p, rsqrt_p, cbrt_p, sin_p, cos_p, tan_p))
asin, acos, atan, atan2, sinh, cosh = map(
    function, (asin_p, acos_p, atan_p, atan2_p, sinh_p, cosh_p)
)
tanh, asinh, acosh, atanh, logistic = map(function, (tanh_p, asinh_p, acosh_p, atanh_p, logistic_p))
erf, erfc, erf_inv = map(function, (erf_p, erfc_p, erf_inv_p))
lgamma, digamma, polygamma = map(function, (lgamma_p, digamma_p, polygamma_p))

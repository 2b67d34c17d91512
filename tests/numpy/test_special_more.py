"""The further special functions against SciPy, and their derivatives against differences."""

import numpy as np
import pytest
from scipy import special as scipy_special

import ftx
import ftx.numpy as fnp
from ftx.scipy import special
from ftx.test_util import check_grads

X = np.linspace(-3.5, 4.5, 33)
ABOVE = np.linspace(0.1, 6.0, 25)
INSIDE = np.linspace(-0.9, 0.9, 19)

UNARY = {
    "dawsn": X, "erfcx": X, "spence": ABOVE, "gammasgn": X, "loggamma": ABOVE,
}  # fmt: skip
SEVERAL = {
    "expn": (2.0, ABOVE), "hyp1f1": (1.5, 2.5, X), "hyp2f1": (0.5, 1.5, 2.5, INSIDE),
    "owens_t": (X, 0.7), "poch": (ABOVE, 1.5), "beta": (ABOVE, 2.5), "boxcox": (ABOVE, 0.5),
    "boxcox1p": (ABOVE, 0.5),
}  # fmt: skip


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_operand(name, compiled):
    f = getattr(special, name)
    found = (ftx.jit(f) if compiled else f)(UNARY[name])
    np.testing.assert_allclose(found, getattr(scipy_special, name)(UNARY[name]), rtol=1e-10)


@pytest.mark.parametrize("name", SEVERAL)
def test_functions_of_several_operands(name):
    args = SEVERAL[name]
    wanted = getattr(scipy_special, name)(*args)
    np.testing.assert_allclose(getattr(special, name)(*args), wanted, rtol=1e-9)


@pytest.mark.parametrize("f,places", [("fresnel", X), ("sici", ABOVE)])
def test_pairs_of_integrals(f, places):
    for mine, wanted in zip(
        getattr(special, f)(places), getattr(scipy_special, f)(places), strict=True
    ):
        np.testing.assert_allclose(mine, wanted, rtol=1e-10)


DIFFERENTIABLE = {
    "dawsn": (special.dawsn, 0.7), "erfcx": (special.erfcx, 0.7), "spence": (special.spence, 2.5),
    "spence at its fixed point": (special.spence, 1.0),
    "fresnel": (special.fresnel, 0.7), "sici": (special.sici, 0.7),
    "expn": (lambda x: special.expn(3.0, x), 0.7),
    "hyp1f1": (lambda x: special.hyp1f1(1.5, 2.5, x), 0.7),
    "hyp2f1": (lambda x: special.hyp2f1(0.5, 1.5, 2.5, x), 0.3),
    "owens_t by h": (lambda h: special.owens_t(h, 0.6), 0.7),
    "owens_t by a": (lambda a: special.owens_t(0.7, a), 0.6),
    "poch by z": (lambda z: special.poch(z, 1.5), 2.2),
    "poch by m": (lambda m: special.poch(2.2, m), 1.5),
    "beta": (lambda a: special.beta(a, 1.5), 2.2),
    "loggamma": (special.loggamma, 2.2),
    "boxcox": (lambda x: special.boxcox(x, 0.5), 2.0),
    "boxcox at 0": (lambda x: special.boxcox(x, 0.0), 2.0),
    "boxcox1p": (lambda m: special.boxcox1p(2.0, m), 0.5),
    "comb by N": (lambda n: special.comb(n, 2.0), 5.5),
    "comb by k": (lambda k: special.comb(5.5, k), 2.2),
    "bessel_jn": (lambda x: special.bessel_jn(x, v=3), 1.7),
    "i1": (special.i1, 0.0), "i1e": (special.i1e, 0.3),
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_derivatives(name):
    f, x = DIFFERENTIABLE[name]
    # At their poles the limits of derivatives are known to first order only.
    order = 1 if x in (0.0, 1.0) else 2
    check_grads(f, (np.float64(x),), order=order, atol=1e-4, rtol=1e-4)


def test_choices():
    n, k = np.meshgrid(np.arange(7.0), np.arange(5.0))
    np.testing.assert_allclose(special.comb(n, k), scipy_special.comb(n, k), rtol=1e-12)
    n = n + 1
    wanted = scipy_special.comb(n, k, repetition=True)
    np.testing.assert_allclose(special.comb(n, k, repetition=True), wanted, rtol=1e-12)


def test_bessel_functions_of_all_orders():
    wanted = [scipy_special.jv(n, ABOVE) for n in range(4)]
    np.testing.assert_allclose(special.bessel_jn(ABOVE, v=3), wanted, rtol=1e-10)
    with pytest.raises(ftx.errors.ArgumentError, match="v >= 0"):
        special.bessel_jn(1.0, v=-1)


def test_bernoulli_numbers():
    np.testing.assert_allclose(special.bernoulli(12), scipy_special.bernoulli(12), rtol=1e-6)
    assert special.bernoulli(0).tolist() == [1.0]
    with pytest.raises(ftx.errors.ArgumentError, match="at least 0"):
        special.bernoulli(-1)


def test_numpys_bessel_function():
    np.testing.assert_allclose(fnp.i0(X), np.i0(X), rtol=1e-10)

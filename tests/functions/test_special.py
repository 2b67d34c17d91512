"""scipy.special over its domains: relative error against mpmath, edges, slopes at edges."""

import mpmath as mp
import numpy as np
import pytest

import ftx
from ftx.scipy import special
from tests.functions import special_domains
from tests.functions.special_domains import CASES

INF, NAN = np.inf, np.nan
BITS = 160


def test_every_function_has_a_domain():
    held = {"logsumexp", "softmax", "log_softmax"}  # of whole arrays: the table has them
    # These have theirs in tests/numpy/test_special_more.py.
    held |= set("bernoulli bessel_jn beta boxcox boxcox1p comb dawsn erfcx expn fresnel".split())
    held |= set("gammasgn hyp1f1 hyp2f1 loggamma owens_t poch sici spence".split())
    assert set(special.__all__) - {c.name for c in CASES} == held


def call(case, xs):
    function = getattr(special, case.name)
    before = () if case.order is None else (case.order,)
    after = (special_domains.DIMENSION,) if case.name == "multigammaln" else ()
    return function(*before, *xs, *after)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["f32", "f64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_error(case, dtype, compiled):
    xs = [p.astype(dtype) for p in case.places]
    run = lambda *xs: call(case, xs)
    got = np.asarray((ftx.jit(run) if compiled else run)(*xs))
    assert got.dtype == dtype
    limits = np.finfo(dtype)
    worst, where = 0.0, None
    with mp.workprec(BITS):
        for i, row in enumerate(zip(*xs, strict=True)):
            exact_row = [mp.mpf(float(x)) for x in row]
            exact = case.exact(*exact_row)
            size = abs(exact) if case.scale is None else case.scale(*exact_row)
            if abs(exact) > limits.max or abs(exact) < 4 * limits.tiny:
                continue  # rounds to infinity or to few bits
            error = float(abs(mp.mpf(float(got[i])) - exact) / size) / float(limits.eps)
            if not error <= worst:
                worst, where = error, [float(x) for x in row]
    bound = case.single if dtype == np.float32 else case.double
    assert worst <= bound, f"{worst:.3g} eps at {where}"


EDGES = {
    "erf": [(0, 0), (INF, 1), (-INF, -1)],
    "erfc": [(INF, 0), (-INF, 2)],
    "erfinv": [(1, INF), (-1, -INF), (1.5, NAN), (0, 0)],
    "expit": [(INF, 1), (-INF, 0)],
    "logit": [(0, -INF), (1, INF), (1.5, NAN)],
    "gammaln": [(0, INF), (INF, INF), (1, 0), (-2, INF)],
    "gamma": [(INF, INF), (-1, NAN)],
    "digamma": [(INF, INF), (-1, NAN)],
    "ndtr": [(INF, 1), (-INF, 0)],
    "ndtri": [(0, -INF), (1, INF), (2, NAN)],
    "log_ndtr": [(INF, 0), (-INF, -INF)],
    "entr": [(0, 0), (-1, -INF)],
    "exp1": [(0, INF), (INF, 0)],
    "expi": [(0, -INF), (INF, INF)],
    "i0": [(0, 1)],
    "i1": [(0, 0)],
    "i0e": [(0, 1), (INF, 0)],
    "i1e": [(0, 0)],
    "factorial": [(0, 1), (-1, 0)],
}


@pytest.mark.parametrize("name", EDGES)
def test_edges(name):
    function = getattr(special, name)
    for x, expected in [*EDGES[name], (NAN, NAN)]:
        for f in (function, ftx.jit(function)):
            got = np.asarray(f(np.float64(x)))
            np.testing.assert_allclose(got, expected, 0, 1e-15, err_msg=f"{name}({x})")


SLOPES = [
    ("i1 at 0", lambda x: special.i1(x), 0.0, 0.5),
    ("i1e at 0", lambda x: special.i1e(x), 0.0, 0.5),
    ("i0 at 0", lambda x: special.i0(x), 0.0, 0.0),
    ("gammainc of 1 at 0", lambda x: special.gammainc(1.0, x), 0.0, 1.0),
    ("gammaincc of 1 at 0", lambda x: special.gammaincc(1.0, x), 0.0, -1.0),
    ("betainc of 1, 2 at 0", lambda x: special.betainc(1.0, 2.0, x), 0.0, 2.0),
    ("betainc of 2, 1 at 1", lambda x: special.betainc(2.0, 1.0, x), 1.0, 2.0),
    ("xlogy in y at x = 0", lambda y: special.xlogy(0.0, y), 0.0, 0.0),
    ("log_ndtr far below 0", lambda x: special.log_ndtr(x), -50.0, 50.01998403190564),
    ("log_ndtr far above 0", lambda x: special.log_ndtr(x), 50.0, 0.0),
    ("logsumexp of equal numbers", lambda x: special.logsumexp(ftx.numpy.stack([x, x])), 0.0, 1.0),
    ("expit far below 0", lambda x: special.expit(x), -800.0, 0.0),
]


@pytest.mark.parametrize(
    ("function", "x", "expected"), [s[1:] for s in SLOPES], ids=[s[0] for s in SLOPES]
)
def test_slopes_at_edges(function, x, expected):
    for f in (ftx.grad(function), ftx.jit(ftx.grad(function))):
        np.testing.assert_allclose(float(f(np.float64(x))), expected, 1e-12, 1e-15)


def test_the_order_of_log_ndtrs_series_is_checked():
    x = np.float64(-50.0)
    assert float(special.log_ndtr(x, 12)) == float(special.log_ndtr(x))
    with pytest.raises(ftx.errors.ArgumentError, match="series_order from 1 to 30"):
        special.log_ndtr(0.0, 31)


IN_KERNELS = {
    **{name: getattr(special, name) for name in "i0 i1 i0e i1e ndtri erfcx expi exp1".split()},
    "trigamma": lambda x: special.polygamma(1, x),
    "igamma_grad_a": lambda x: ftx.lax.igamma_grad_a(x, x),
    "random_gamma_grad": lambda x: ftx.lax.random_gamma_grad(x, x),
    "nextafter": lambda x: ftx.numpy.nextafter(x, 2 * x),
    "signbit": ftx.numpy.signbit,
    "spacing": ftx.numpy.spacing,
    "reduce_precision": lambda x: ftx.lax.reduce_precision(x, 8, 7),
}


@pytest.mark.parametrize("name", IN_KERNELS)
def test_compiled_programs_do_not_leave_their_kernels(name):
    x = np.linspace(0.1, 0.9, 8)
    texts = ftx.jit(lambda x: IN_KERNELS[name](2 * x)).kernels(x)
    assert "kernel" in str(texts) and "library step" not in str(texts)


@pytest.mark.parametrize("name", ["i0", "trigamma", "igamma_grad_a"])
def test_what_is_read_twice_is_computed_once(name):
    def differences(x):
        y = IN_KERNELS[name](x)
        return y[1:] - y[:-1]

    scalar = {"igamma_grad_a": "gammainc_slope"}.get(name, name)
    texts = str(ftx.jit(differences).kernels(np.linspace(0.1, 0.9, 8)))
    assert texts.count(f"{scalar}_f64(") == 1

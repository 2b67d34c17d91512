"""Custom rules are told which arguments and results a derivative involves."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import custom_derivatives as cd
from ftx.core.errors import CustomRuleError

STAGES = pytest.mark.parametrize("stage", [lambda f: f, ftx.jit], ids=["eager", "jit"])


def close(a, b, tolerance=1e-6):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), tolerance, tolerance)


def product(seen, lib=ftx):
    """(x y, {"sum": x + y, "n": 3}); `seen` notes what fwd and bwd were told."""

    @lib.custom_vjp
    def f(x, y):
        return x * y, {"sum": x + y, "n": lib.numpy.int32(3)}

    def fwd(x, y):
        seen.append((x.perturbed, y.perturbed))
        return f(x.value, y.value), lib.custom_derivatives.custom_vjp_primal_tree_values((x, y))

    def bwd(res, cts):
        zero = lib.custom_derivatives.SymbolicZero
        leaves = cts[0], cts[1]["n"], cts[1]["sum"]
        seen.append([type(ct) is zero for ct in leaves])
        (x, y), total, each = (
            res,
            *(0 if type(ct) is zero else ct for ct in (cts[0], cts[1]["sum"])),
        )
        return total * y + each, total * x + each

    f.defvjp(fwd, bwd, symbolic_zeros=True)
    return f


CASES = {
    "first result by first argument": lambda f: lambda x, y: f(x, y)[0],
    "second result by first argument": lambda f: lambda x, y: f(x, y)[1]["sum"],
    "by the second argument": lambda f: lambda x, y: f(2.0, x)[0],
    "both results and arguments": lambda f: lambda x, y: f(x, x * y)[0] + f(x, x)[1]["sum"],
}
WANTED = {
    "first result by first argument": [(True, False), [False, True, True]],
    "second result by first argument": [(True, False), [True, True, False]],
    "by the second argument": [(False, True), [False, True, True]],
}
SLOPES = dict(zip(CASES, [3.0, 1.0, 2.0, 2 * 5 * 3 + 2], strict=True))


@STAGES
@pytest.mark.parametrize("case", CASES)
def test_custom_vjp_is_told_what_is_differentiated(stage, case):
    seen = []
    f = CASES[case](product(seen))
    close(stage(ftx.grad(f))(5.0, 3.0), SLOPES[case])
    assert case not in WANTED or seen == WANTED[case]
    seen.clear()
    close(stage(ftx.grad(lambda x, y: ftx.jit(f)(x, y)))(5.0, 3.0), SLOPES[case])
    assert case not in WANTED or seen == WANTED[case]
    seen.clear()
    close(stage(ftx.vmap(ftx.grad(f), (0, None)))(np.array([5.0, 5.0]), 3.0), [SLOPES[case]] * 2)
    assert case not in WANTED or seen == WANTED[case]
    total = lambda xs, y: fnp.sum(ftx.vmap(f, (0, None))(xs, y))
    close(stage(ftx.grad(total))(np.array([5.0, 5.0]), 3.0), [SLOPES[case]] * 2)


@pytest.mark.peers
@pytest.mark.parametrize("case", WANTED)
def test_custom_vjp_is_told_what_jax_tells(case):
    jax = pytest.importorskip("jax")
    notes = []
    for lib in (ftx, jax):
        notes.append([])
        lib.grad(CASES[case](product(notes[-1], lib)))(5.0, 3.0)
    assert notes[0] == notes[1]


@STAGES
def test_zeros_of_custom_jvp_are_symbolic_both_ways(stage):
    seen = []

    @ftx.custom_jvp
    def f(x, n, y):
        return x * y * n, x

    def rule(primals, tangents):
        x, n, y = primals
        seen.append([type(t) is cd.SymbolicZero for t in tangents])
        assert tangents[1].dtype == ftx.core.dtypes.float0
        moved = [0.0 if type(t) is cd.SymbolicZero else t for t in tangents]
        return f(*primals), ((moved[0] * y + x * moved[2]) * n, tangents[0])

    f.defjvp(rule, symbolic_zeros=True)
    close(stage(ftx.grad(lambda x: f(x, 2, 3.0)[0]))(5.0), 6)
    assert seen == [[False, True, True]]
    values, tangents = stage(lambda y: ftx.jvp(lambda y: f(5.0, 2, y), (y,), (1.0,)))(3.0)
    close([*values, *tangents], [30, 5, 10, 0])
    close(stage(ftx.vmap(ftx.grad(lambda x: sum(f(x, 2, 3.0)))))(np.arange(2.0)), [7, 7])


@STAGES
def test_integer_results_of_custom_vjp_have_float0_cotangents(stage):
    kinds = []
    f = ftx.custom_vjp(lambda x: (fnp.int32(4), x * 2, x))

    def bwd(_, cts):
        kinds.append([np.dtype(ct.dtype).name for ct in cts])
        return (cts[1] * 2 + cts[2],)

    f.defvjp(lambda x: (f(x), None), bwd)
    close(stage(ftx.grad(lambda x: f(x)[1]))(np.float64(3.0)), 2)
    assert len(kinds[0]) == 3 and kinds[0][1:] == ["float64", "float64"]


def test_symbolic_zeros_that_do_not_fit_are_refused():
    f = ftx.custom_jvp(lambda x: x)
    f.defjvp(lambda p, t: (p[0], cd.zero_from_primal(np.ones(2), True)), symbolic_zeros=True)
    with pytest.raises(CustomRuleError, match=r"tangent like the output ~f32\[\], got f64\[2\]"):
        ftx.jvp(f, (1.0,), (1.0,))
    with pytest.raises(CustomRuleError, match="leaves of type CustomVJPPrimal, .* got float"):
        cd.custom_vjp_primal_tree_values((1.0,))

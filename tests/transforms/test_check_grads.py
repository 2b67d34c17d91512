"""check_grads finds wrong derivatives, says where, and lets right ones pass."""

import functools

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.test_util import check_grads, check_jvp, check_vjp

X = np.array([0.3, -1.2, 2.0])


def with_slope(slope, kind):
    """x² whose derivative is slope(x), given to forward or to reverse mode."""
    if kind == "fwd":
        f = ftx.custom_jvp(lambda x: x**2)
        f.defjvp(lambda p, t: (f(p[0]), slope(p[0]) * t[0]))
        return f
    f = ftx.custom_vjp(lambda x: x**2)
    f.defvjp(lambda x: (f(x), x), lambda x, ct: (slope(x) * ct,))
    return f


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_right_derivatives_pass(dtype, order):
    f = lambda x, d: {"a": fnp.sin(x) * d["w"], "b": (fnp.sum(x * d["w"] ** 2), d["n"] + 1)}
    imaginary = 0.5j if "complex" in dtype else 0
    x, w = (np.asarray(v, dtype) for v in (X, X[::-1] * (1 + imaginary)))
    check_grads(f, (x, {"w": w, "n": 3}), order)
    check_grads(ftx.jit(f), (x, {"w": w, "n": 3}), min(order, 2), modes=("rev",))


def test_python_numbers_and_infinities_pass():
    check_grads(lambda x, y: x * fnp.exp(y), (1.5, 0.5), 2)
    check_grads(lambda x: fnp.stack([fnp.where(x > 0, np.inf, x), x]), (1.0,), 1)


@pytest.mark.parametrize("kind", ["fwd", "rev"])
def test_a_wrong_first_derivative_is_found(kind):
    wrong = with_slope(lambda x: 2.1 * x, kind)
    name = {"fwd": "jvp, tangent", "rev": "vjp: cotangents differ"}[kind]
    with pytest.raises(AssertionError, match=f"^{name}"):
        check_grads(wrong, (X,), 1, modes=(kind,))
    check_grads(with_slope(lambda x: 2 * x, kind), (X,), 2, modes=(kind,))


@pytest.mark.parametrize("kind", ["fwd", "rev"])
def test_a_wrong_second_derivative_is_found_at_order_two_only(kind):
    hidden = with_slope(lambda x: 2 * ftx.lax.stop_gradient(x), kind)
    check_grads(hidden, (X,), 1, modes=(kind,))
    with pytest.raises(AssertionError, match={"fwd": "^jvp of jvp", "rev": "^vjp of vjp"}[kind]):
        check_grads(hidden, (X,), 2, modes=(kind,))


def test_the_message_names_the_result_and_what_was_expected():
    @ftx.custom_jvp
    def f(x):
        return {"y": (x, x**2)}

    f.defjvp(lambda p, t: (f(*p), {"y": (t[0], t[0] * p[0] * np.array([2.0, 5.0, 2.0]))}))
    with pytest.raises(AssertionError) as error:
        check_grads(f, (X,), 1)
    text = str(error.value)
    assert "at result['y'][1][1]; 1 of 3 numbers differ by more than atol=1e-05" in text
    t = np.random.default_rng(0).standard_normal(3)
    assert f"expected {2 * X[1] * t[1]:.6g}" in text and f"got {5 * X[1] * t[1]:.6g}" in text


def test_the_message_names_the_arguments_whose_cotangents_differ():
    f = ftx.custom_vjp(lambda d, z: d["x"] * d["y"] * z)
    f.defvjp(
        lambda d, z: (f(d, z), (d, z)),
        lambda res, ct: (
            {"x": ct * res[0]["y"] * res[1], "y": ct * res[0]["x"] * 3 * res[1]},
            fnp.sum(ct * res[0]["x"] * res[0]["y"]),
        ),
    )
    with pytest.raises(AssertionError) as error:
        check_grads(f, ({"x": X, "y": X + 1}, 2.0), 1, modes=("rev",))
    text = str(error.value)
    assert "argument[0]['y']: expected" in text and "['x']" not in text and "[1]" not in text


def test_derivatives_given_by_hand():
    f = lambda x: fnp.sum(x**3)
    check_jvp(f, functools.partial(ftx.jvp, f), (X,))
    check_vjp(f, functools.partial(ftx.vjp, f), (X,))
    with pytest.raises(AssertionError, match="^mine, value: expected 6.299"):
        check_jvp(f, lambda p, t: (0.0, 0.0), (X,), err_msg="mine")
    with pytest.raises(AssertionError, match="^check_jvp, tangent: expected shape"):
        check_jvp(f, lambda p, t: (f(X), X), (X,))
    with pytest.raises(AssertionError, match="expected cotangents of structure"):
        check_vjp(f, lambda x: (f(x), lambda ct: ({"x": x},)), (X,))
    with pytest.raises(AssertionError, match="^check_jvp, value: expected the structure"):
        check_jvp(f, lambda p, t: ((f(X),), f(X)), (X,))


def test_tolerances_and_steps_are_taken():
    nearly = with_slope(lambda x: 2.001 * x, "fwd")
    with pytest.raises(AssertionError):
        check_grads(nearly, (X,), 1)
    check_grads(nearly, (X,), 1, atol=0, rtol=1e-2)
    check_grads(nearly, (X,), 1, rtol={np.float64: 1e-2})
    with pytest.raises(AssertionError):
        check_grads(lambda x: x**3, (X,), 1, eps=0.5)
    with pytest.raises(ValueError, match="among 'fwd' and 'rev'"):
        check_grads(lambda x: x, (X,), 1, modes=("forward",))


@pytest.mark.peers
def test_verdicts_are_those_of_jax():
    jax = pytest.importorskip("jax")
    test_util = pytest.importorskip("jax.test_util")
    verdicts = []
    for lib, check in ((ftx, check_grads), (jax, test_util.check_grads)):
        found = []
        for factor in (1.0, 1.05):
            f = lib.custom_jvp(lambda x: x**2)
            f.defjvps(lambda t, out, x, factor=factor: 2 * factor * x * t)
            for order, modes in ((1, ("fwd",)), (1, ("rev",)), (2, ("fwd", "rev"))):
                try:
                    check(f, (X.astype(np.float32),), order, modes)
                    found.append(True)
                except AssertionError:
                    found.append(False)
        verdicts.append(found)
    assert verdicts[0] == verdicts[1] == [True] * 3 + [False] * 3

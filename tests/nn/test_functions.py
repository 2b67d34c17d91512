"""ftx.nn functions against their definitions in NumPy, closed-form derivatives, and jax.nn."""

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest
from scipy import special

import ftx
import ftx.numpy as fnp
from ftx import nn

# Both sides of every kink, the kinks themselves, and values far out.
GRID = np.array(
    [-30, -6.5, -3, -2.5, -1, -0.3, 0, 0.2, 1, 1.7, 3, 5.5, 6, 6.5, 30], dtype=np.float32
)


def definition_of_elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


DEFINITIONS = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x >= 0, x, 0.01 * x),
    "elu": definition_of_elu,
    "celu": definition_of_elu,
    "selu": lambda x: 1.0507009873554805 * definition_of_elu(x, 1.6732632423543772),
    "sigmoid": special.expit,
    "log_sigmoid": special.log_expit,
    "softplus": lambda x: np.logaddexp(x, 0),
    "tanh": np.tanh,
    "silu": lambda x: x * special.expit(x),
    "swish": lambda x: x * special.expit(x),
    "mish": lambda x: x * np.tanh(np.logaddexp(x, 0)),
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hard_silu": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "soft_sign": lambda x: x / (np.abs(x) + 1),
    "squareplus": lambda x: (x + np.sqrt(x**2 + 4)) / 2,
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
}


def derivative(function, x):
    return np.asarray(ftx.vmap(ftx.grad(function))(fnp.asarray(x)))


@pytest.mark.parametrize("name", DEFINITIONS)
def test_values(name):
    expected = DEFINITIONS[name](GRID.astype(np.float64))
    got = getattr(nn, name)(fnp.asarray(GRID))
    assert got.dtype == np.float32
    # Float32 libraries differ by a few ulp, and more where a small result is a difference.
    np.testing.assert_allclose(np.asarray(got), expected, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_compiled_is_eager(name):
    function = getattr(nn, name)
    x = fnp.asarray(GRID)
    np.testing.assert_allclose(
        np.asarray(ftx.jit(function)(x)), np.asarray(function(x)), rtol=2e-6, atol=2e-7
    )


@pytest.mark.parametrize("name", sorted(set(DEFINITIONS) - {"identity"}))
def test_derivatives_are_slopes(name):
    """Against a central difference in float64 of the definition, away from the kinks."""
    x = np.array([-4.2, -2.1, -0.6, 0.4, 1.3, 2.7, 4.8], dtype=np.float32)
    step = 1e-5
    f, at = DEFINITIONS[name], x.astype(np.float64)
    slope = (f(at + step) - f(at - step)) / (2 * step)
    np.testing.assert_allclose(derivative(getattr(nn, name), x), slope, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name, kink", [("relu", 0.0), ("relu6", 0.0), ("relu6", 6.0), ("hard_sigmoid", -3.0)]
)
def test_derivative_at_a_kink_is_that_of_the_flat_side(name, kink):
    assert derivative(getattr(nn, name), np.array([kink], np.float32)) == 0


def test_second_derivative_of_relu_is_zero():
    assert float(ftx.grad(ftx.grad(nn.relu))(2.0)) == 0
    assert float(ftx.grad(ftx.grad(nn.relu))(0.0)) == 0


@pytest.mark.parametrize("name", ["elu", "selu", "celu", "softplus", "silu", "mish", "gelu"])
def test_nothing_overflows_far_out(name):
    x = np.array([-1e4, 1e4], np.float32)
    function = getattr(nn, name)
    assert np.isfinite(np.asarray(function(fnp.asarray(x)))).all()
    assert np.isfinite(derivative(function, x)).all()


@pytest.mark.parametrize("name", ["relu", "relu6", "elu", "softplus", "sigmoid", "gelu"])
def test_nan_passes_through(name):
    assert np.isnan(float(getattr(nn, name)(fnp.nan)))


def test_gelu_exact():
    expected = GRID * special.ndtr(GRID.astype(np.float64))
    got = nn.gelu(fnp.asarray(GRID), approximate=False)
    np.testing.assert_allclose(np.asarray(got), expected, rtol=5e-6, atol=1e-7)


def test_glu_gates_the_first_half_by_the_second():
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    np.testing.assert_allclose(
        np.asarray(nn.glu(fnp.asarray(x))), x[:, :2] * special.expit(x[:, 2:]), rtol=1e-6
    )
    with pytest.raises(ValueError, match=r"glu: expected an even size along axis -1, got 3"):
        nn.glu(fnp.ones((2, 3)))


def test_integers_become_floats_where_needed():
    assert nn.sigmoid(fnp.asarray([0, 1])).dtype == np.float32
    assert nn.relu(fnp.asarray([-1, 1], dtype=np.int32)).dtype == np.int32


# --- over an axis ----------------------------------------------------------------------------

LOGITS = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32) * 3
MASK = np.random.default_rng(1).random((4, 5)) < 0.7
MASK[:, 0] = True  # at least one element in each row


@pytest.mark.parametrize("axis", [-1, 0, (0, 1), None])
def test_softmax_family(axis):
    x = LOGITS.astype(np.float64)
    for function, oracle in [
        (nn.softmax, special.softmax),
        (nn.log_softmax, special.log_softmax),
        (nn.logsumexp, special.logsumexp),
    ]:
        got = function(fnp.asarray(LOGITS), axis=axis)
        np.testing.assert_allclose(np.asarray(got), oracle(x, axis=axis), rtol=1e-5, atol=1e-6)
    n = x.size if axis is None else np.prod([x.shape[i] for i in np.atleast_1d(axis)])
    got = nn.logmeanexp(fnp.asarray(LOGITS), axis=axis)
    expected = special.logsumexp(x, axis=axis) - np.log(n)
    np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-5, atol=1e-6)


def test_masked_elements_take_no_part():
    x, mask = fnp.asarray(LOGITS), fnp.asarray(MASK)
    out = np.where(MASK, LOGITS.astype(np.float64), -np.inf)
    np.testing.assert_allclose(
        np.asarray(nn.softmax(x, where=mask)), special.softmax(out, axis=-1), rtol=1e-5
    )
    np.testing.assert_allclose(
        np.asarray(nn.log_softmax(x, where=mask)), special.log_softmax(out, axis=-1), rtol=1e-5
    )
    np.testing.assert_allclose(
        np.asarray(nn.logsumexp(x, axis=1, where=mask)), special.logsumexp(out, axis=1), rtol=1e-5
    )
    ct = ftx.grad(lambda x: fnp.sum(nn.softmax(x, where=mask) ** 2))(x)
    assert (np.asarray(ct)[~MASK] == 0).all()


def test_logsumexp_with_factors_and_sign():
    x, b = LOGITS.astype(np.float64), np.array([1.0, -2.0, 0.5, 0.0, -1.0])
    value, sign = nn.logsumexp(
        fnp.asarray(LOGITS), axis=-1, b=fnp.asarray(b, dtype=np.float32), return_sign=True
    )
    expected, expected_sign = special.logsumexp(x, axis=-1, b=b, return_sign=True)
    np.testing.assert_allclose(np.asarray(value), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(sign), expected_sign)


def test_logsumexp_at_the_edges():
    assert float(nn.logsumexp(fnp.full(3, -fnp.inf))) == -np.inf
    assert float(nn.logsumexp(fnp.asarray([fnp.inf, 0.0]))) == np.inf
    assert np.isnan(float(nn.logsumexp(fnp.asarray([0.0, 0.0]), b=fnp.asarray([1.0, -2.0]))))
    assert nn.logsumexp(fnp.ones((2, 3)), axis=1, keepdims=True).shape == (2, 1)


def test_softmax_jacobian_and_its_derivative():
    x = LOGITS[0]
    p = special.softmax(x.astype(np.float64))
    jacobian = np.diag(p) - np.outer(p, p)
    np.testing.assert_allclose(
        np.asarray(ftx.jacrev(nn.softmax)(fnp.asarray(x))), jacobian, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        np.asarray(ftx.jacfwd(nn.softmax)(fnp.asarray(x))), jacobian, rtol=1e-4, atol=1e-6
    )
    # The Hessian of logsumexp is the Jacobian of softmax.
    np.testing.assert_allclose(
        np.asarray(ftx.hessian(nn.logsumexp)(fnp.asarray(x))), jacobian, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("algorithm", ["fast", "stable"])
def test_standardize(algorithm):
    x = LOGITS.astype(np.float64)
    expected = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
    got = nn.standardize(fnp.asarray(LOGITS), axis=0, algorithm=algorithm)
    np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-4, atol=1e-5)


def test_standardize_names_its_algorithms():
    with pytest.raises(ValueError, match="expected algorithm 'fast' or 'stable', got 'slow'"):
        nn.standardize(fnp.ones(3), algorithm="slow")


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_one_hot(axis):
    labels = np.array([[0, 2, 1], [3, -1, 7]])  # the last two are out of range: all zero
    expected = np.moveaxis((labels[..., None] == np.arange(4)).astype(np.float32), -1, axis)
    got = nn.one_hot(fnp.asarray(labels), 4, axis=axis)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(got), expected)
    with pytest.raises(TypeError, match="one_hot: expected integer indices, got dtype float32"):
        nn.one_hot(fnp.ones(3), 4)


# --- the whole -------------------------------------------------------------------------------


@pytest.mark.peers
@pytest.mark.parametrize("name", DEFINITIONS)
def test_values_and_derivatives_are_those_of_jax(name):
    """On the kinks too, where conventions differ between libraries."""
    jax = pytest.importorskip("jax")
    if name == "tanh" or not hasattr(jax.nn, name):
        pytest.skip(f"this JAX has no jax.nn.{name}")
    theirs = getattr(jax.nn, name)
    np.testing.assert_allclose(
        np.asarray(getattr(nn, name)(fnp.asarray(GRID))), theirs(GRID), rtol=5e-6, atol=5e-7
    )
    np.testing.assert_allclose(
        derivative(getattr(nn, name), GRID),
        jax.vmap(jax.grad(theirs))(GRID),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.peers
def test_every_activation_name_of_jax_is_here():
    jax = pytest.importorskip("jax")
    theirs = {n for n in vars(jax.nn) if not n.startswith("_")}
    # Attention and scaled products for accelerators, not activations.
    elsewhere = {
        n for n in theirs if n.startswith(("scaled_", "get_scaled", "dot_product", "fp8", "log1m"))
    }
    assert theirs - elsewhere <= set(vars(nn))


NN_MODULES = sorted(path.stem for path in Path(nn.__file__).parent.glob("[a-z]*.py"))


@pytest.mark.parametrize("module", NN_MODULES)
def test_examples_in_docstrings_run(module):
    result = doctest.testmod(importlib.import_module(f"ftx.nn.{module}"))
    assert result.attempted > 0 and result.failed == 0


@pytest.mark.parametrize("module", NN_MODULES)
def test_every_public_name_is_documented(module):
    module = importlib.import_module(f"ftx.nn.{module}")
    values = {n: getattr(module, n) for n in module.__all__}
    assert not [n for n, value in values.items() if callable(value) and not value.__doc__]

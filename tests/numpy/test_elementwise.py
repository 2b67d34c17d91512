"""Elementwise functions: NumPy is the oracle, evaluated at once and compiled."""

import math

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp

R = np.random.RandomState(0)
X = R.randn(3, 4).astype(np.float32)
POSITIVE = np.abs(X) + 0.1
UNIT = np.tanh(X) * 0.9
INTS = np.array([-7, -3, 0, 2, 5], np.int32)
SPECIAL = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1.5], np.float32)
COMPLEX = (X + 1j * R.randn(3, 4)).astype(np.complex64)

UNARY = {
    "sin cos tan sinh cosh tanh arcsinh arctan exp exp2 expm1 cbrt square negative abs": X,
    "log log2 log10 log1p sqrt reciprocal": POSITIVE,
    "arcsin arccos arctanh": UNIT,
    "arccosh": POSITIVE + 1,
    "floor ceil trunc rint sign fabs positive degrees radians round": X * 3,
    "isnan isinf isfinite signbit isposinf isneginf nan_to_num": SPECIAL,
    "negative abs square sign invert sin logical_not floor positive bitwise_count": INTS,
    "real imag conj abs angle exp sin square negative sign iscomplex isreal": COMPLEX,
}
BINARY = {
    "add subtract multiply divide maximum minimum arctan2 hypot floor_divide mod fmod "
    "logaddexp logaddexp2 copysign nextafter less less_equal greater greater_equal equal "
    "not_equal fmax fmin heaviside divmod": (X, POSITIVE[0]),
    "power float_power": (POSITIVE, X[:, :1]),
    "add subtract multiply divide floor_divide mod fmod maximum equal less bitwise_and bitwise_or "
    "bitwise_xor logical_and logical_xor": (INTS, INTS[::-1] | 1),
    "left_shift right_shift": (INTS, np.array([0, 1, 2, 3, 4], np.int32)),
    "add multiply divide equal": (COMPLEX, X),
    "gcd lcm": (np.array([12, 0, -9]), np.array([18, 5, 6])),
}
CASES = [(n, x) for names, x in UNARY.items() for n in names.split()]
PAIRS = [(n, xs) for names, xs in BINARY.items() for n in names.split()]


def close(found, wanted, name=""):
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape, name
    # Results that NumPy gives in float64 for integers are float32 here.
    np.testing.assert_allclose(found, wanted.astype(found.dtype), rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "x"), CASES)
def test_unary(name, x):
    wanted = getattr(np, name)(x)
    f = getattr(fnp, name)
    close(f(x), wanted)
    close(f(fnp.asarray(x)), wanted)
    close(ftx.jit(f)(x), wanted)
    close(ftx.vmap(f)(x), wanted)


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize(("name", "xs"), PAIRS)
def test_binary(name, xs):
    wanted = getattr(np, name)(*xs)
    f = getattr(fnp, name)
    for found in (f(*xs), f(*map(fnp.asarray, xs)), ftx.jit(f)(*xs)):
        ftx.tree.map(close, tuple(found) if isinstance(wanted, tuple) else found, wanted)


GRADIENTS = {
    "sin": np.cos(X),
    "tanh": 1 - np.tanh(X) ** 2,
    "exp": np.exp(X),
    "abs": np.sign(X),
    "square": 2 * X,
    "sinc": None,
    "logaddexp": None,
    "hypot": None,
    "degrees": np.full_like(X, 180 / np.pi),
}


@pytest.mark.parametrize("name", [n for n, g in GRADIENTS.items() if g is not None])
def test_gradient(name):
    close(ftx.grad(lambda v: getattr(fnp, name)(v).sum())(X), GRADIENTS[name])


def test_gradients_at_edges():
    inf = math.inf
    assert ftx.grad(fnp.logaddexp, (0, 1))(1.0, -inf) == (1.0, 0.0)
    assert ftx.grad(fnp.sinc)(0.0) == 0 and ftx.grad(ftx.grad(fnp.sinc))(0.0) < -3
    assert ftx.grad(lambda x: x**2)(3.0) == 6 and ftx.grad(lambda x: x**0)(0.0) == 0
    assert ftx.grad(lambda x: fnp.where(x > 0, fnp.sqrt(x), x))(4.0) == 0.25
    assert ftx.grad(lambda x: fnp.maximum(x, x))(2.0) == 1


def test_operators():
    x, y = fnp.asarray(X), fnp.asarray(POSITIVE)
    i = fnp.asarray(INTS)
    n = np.asarray
    for found, wanted in [
        (x + y, X + POSITIVE),
        (2 - x, 2 - X),
        (x * 3, X * 3),
        (1 / y, 1 / POSITIVE),
        (x // y, X // POSITIVE),
        (x % 2, X % 2),
        (y**2, POSITIVE**2),
        (2**x, 2**X),
        (y**0.5, POSITIVE**0.5),
        (x**-2, X**-2.0),
        (-x, -X),
        (abs(x), abs(X)),
        (+x, X),
        (i & 3, INTS & 3),
        (i | 3, INTS | 3),
        (i ^ 3, INTS ^ 3),
        (~i, ~INTS),
        (i << 1, INTS << 1),
        (i >> 1, INTS >> 1),
        (x < y, X < POSITIVE),
        (x >= 0, X >= 0),
        (x == x, X == X),
        (x != y, X != POSITIVE),
        (x @ x.T, X @ X.T),
        (X @ x.T, X @ X.T),
        (divmod(i, 3)[0], INTS // 3),
        (7 % (i | 1), 7 % (INTS | 1)),
        (round(x, 1), np.round(X, 1)),
        (i**2, INTS**2),
        (i ** i.clip(0), INTS ** INTS.clip(0)),
        (3 & i, 3 & INTS),
        (x.clip(-1, 1), X.clip(-1, 1)),
        (np.float32(2) ** x, 2**X),
    ]:
        close(n(found), wanted)
    with pytest.raises(TypeError):
        i**-1


def test_where_select_clip():
    close(fnp.where(X > 0, X, 0), np.where(X > 0, X, 0))
    close(fnp.where(X[:, :1] > 0, X, POSITIVE[0]), np.where(X[:, :1] > 0, X, POSITIVE[0]))
    close(fnp.select([X > 1, X > 0], [X, -X], 5.0), np.select([X > 1, X > 0], [X, -X], 5.0))
    close(fnp.clip(X, max=POSITIVE[0]), np.clip(X, None, POSITIVE[0]))
    close(
        fnp.piecewise(X, [X < 0, X > 1], [0.0, lambda v: v * 2, 1.0]),
        np.piecewise(X, [X < 0, X > 1], [0.0, lambda v: v * 2, 1.0]),
    )
    assert fnp.isclose(1.0, 1.0 + 1e-7) and fnp.allclose(X, X + 1e-9)
    assert fnp.array_equal(X, X) and not fnp.array_equal(X, X[0]) and fnp.array_equiv(X[:1], X[0])
    assert fnp.isclose(np.nan, np.nan, equal_nan=True) and not fnp.isclose(np.inf, -np.inf)
    m, e = fnp.frexp(SPECIAL[3:])
    close(fnp.ldexp(m, e), SPECIAL[3:])
    assert fnp.choose(np.array([0, 1]), [X[0, :2], X[1, :2]], mode="clip").tolist() == [
        X[0, 0],
        X[1, 1],
    ]


def test_complex_order_and_logic():
    a, b = np.complex64(1 + 2j), np.complex64(1 + 3j)
    assert fnp.less(a, b) and fnp.greater_equal(b, a)
    assert fnp.iscomplexobj(a) and not fnp.iscomplexobj(1.0) and fnp.isrealobj(1)
    assert fnp.add(True, True).dtype == fnp.bool_ and fnp.multiply(True, False).tolist() is False


@pytest.mark.peers
@pytest.mark.parametrize(
    "name", ["logaddexp", "hypot", "arctan2", "power", "floor_divide", "remainder"]
)
def test_second_derivatives_equal_jax(name):
    jax = pytest.importorskip("jax")
    x, y = POSITIVE[0] + 0.3, POSITIVE[1] + 0.7
    for argnums in (0, 1):
        ours = ftx.vmap(ftx.grad(ftx.grad(getattr(fnp, name), argnums), argnums))(x, y)
        theirs = jax.vmap(jax.grad(jax.grad(getattr(jax.numpy, name), argnums), argnums))(x, y)
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "uint32"])
@pytest.mark.parametrize("name", ["remainder", "fmod", "mod"])
def test_an_integer_leaves_nothing_by_zero(name, dtype):
    """As in NumPy and JAX; `lax.rem` leaves the number itself, as XLA does."""
    x, y = np.array([5, -5, 0, 7]).astype(dtype), np.array([0, 0, 0, 4]).astype(dtype)
    run = getattr(fnp, name)
    for found in (run(x, y), run(fnp.asarray(x), fnp.asarray(y)), ftx.jit(run)(x, y)):
        np.testing.assert_array_equal(found, [0, 0, 0, 3])

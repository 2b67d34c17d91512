"""ftx.experimental.ode: closed forms, SciPy and JAX are the oracles."""

import numpy as np
import pytest
import scipy.integrate

import ftx
import ftx.numpy as fnp
from ftx.core.errors import DTypeError, NotAnArrayError, ShapeError, TreeError
from ftx.experimental.ode import odeint
from ftx.test_util import check_grads

TIMES = np.linspace(0.0, 2.0, 5)
TIGHT = {"rtol": 1e-10, "atol": 1e-10}


def pendulum(np_):
    return lambda y, t, a, b: {
        "x": y["v"],
        "v": -a * np_.sin(y["x"]) - b * y["v"] + np_.cos(t),
    }


START = {"x": np.array(1.0), "v": np.array(0.5)}


def test_odeint_equals_scipy():
    found = odeint(pendulum(fnp), START, TIMES, 1.2, 0.3, rtol=1e-11, atol=1e-11)
    flat = lambda t, y: [y[1], -1.2 * np.sin(y[0]) - 0.3 * y[1] + np.cos(t)]
    wanted = scipy.integrate.solve_ivp(
        flat, (0, 2), [1.0, 0.5], t_eval=TIMES, rtol=1e-11, atol=1e-11
    ).y
    np.testing.assert_allclose(found["x"], wanted[0], rtol=0, atol=1e-7)
    np.testing.assert_allclose(found["v"], wanted[1], rtol=0, atol=1e-7)


def test_odeint_under_transforms():
    decay = lambda k: odeint(lambda y, t: -k * y, 1.0 + 0 * k, TIMES, **TIGHT)
    rates = np.array([0.5, 1.0, 2.0])
    wanted = np.exp(-rates[:, None] * TIMES)
    np.testing.assert_allclose(ftx.vmap(decay)(rates), wanted, atol=1e-8)
    np.testing.assert_allclose(ftx.jit(ftx.vmap(decay))(rates), wanted, atol=1e-8)
    slopes = ftx.vmap(ftx.grad(lambda k: decay(k)[-1]))(rates)
    np.testing.assert_allclose(slopes, -2 * np.exp(-2 * rates), atol=1e-7)


def test_odeint_gradients():
    run = lambda y0, t, a, b: odeint(pendulum(fnp), y0, t, a, b, **TIGHT)
    check_grads(run, (START, TIMES, 1.2, 0.3), 1, modes=("rev",), rtol=1e-4, atol=1e-4)
    closed = lambda k: odeint(lambda y, t: -y * k, 1.0, TIMES, **TIGHT)[-1]
    np.testing.assert_allclose(ftx.grad(closed)(2.0), -2 * np.exp(-4), rtol=1e-5)
    count = lambda y0: odeint(lambda y, t, n: -n * y, y0, TIMES, 2, **TIGHT)[-1]
    np.testing.assert_allclose(ftx.grad(count)(np.float64(1.0)), np.exp(-4), rtol=1e-6)


def test_odeint_of_complex_states():
    found = odeint(lambda y, t: 1j * y, np.complex128(1), TIMES, **TIGHT)
    np.testing.assert_allclose(found, np.exp(1j * TIMES), atol=1e-8)


def test_limits_of_steps():
    calls = lambda **limits: odeint(lambda y, t: -y * t, np.float64(1.0), TIMES, **limits)
    assert not np.allclose(calls(mxstep=1), np.exp(-(TIMES**2) / 2))
    loose, fine = ({"rtol": 1.0, "atol": 1.0, "hmax": h} for h in (np.inf, 0.01))
    error = lambda limits: np.abs(calls(**limits) - np.exp(-(TIMES**2) / 2)).max()
    assert error(fine) < 1e-9 < error(loose)


@pytest.mark.peers
def test_odeint_equals_jax():
    jax = pytest.importorskip("jax")
    from jax.experimental.ode import odeint as theirs

    with jax.enable_x64(True):
        given = (jax.numpy.float64(1.0), jax.numpy.asarray(TIMES))
        for limits in ({}, {"mxstep": 3}, {"hmax": 0.05, "rtol": 0.1, "atol": 0.1}):
            wanted = theirs(lambda y, t: -y * t, *given, **limits)
            found = odeint(lambda y, t: -y * t, np.float64(1.0), TIMES, **limits)
            np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_odeint_refuses():
    with pytest.raises(NotAnArrayError, match="in args"):
        odeint(lambda y, t, s: y, 1.0, TIMES, "text")
    with pytest.raises(DTypeError, match="float dtype"):
        odeint(lambda y, t: y, 1.0, np.arange(3))
    with pytest.raises(ShapeError, match=r"float\[n\]"):
        odeint(lambda y, t: y, 1.0, np.float64(1.0))
    with pytest.raises(TreeError, match="structure of y0"):
        odeint(lambda y, t: (y, y), 1.0, TIMES)


def test_a_function_is_traced_again_only_for_what_is_new():
    traces, rate = [], 1.0

    def slope(y, t):
        traces.append(t)
        return -rate * y

    first = [odeint(slope, y0, TIMES, **TIGHT)[-1] for y0 in (1.0, 2.0, 3.0)]
    np.testing.assert_allclose(first, np.exp(-2) * np.arange(1.0, 4.0), rtol=1e-5)
    before = len(traces)
    odeint(slope, 4.0, TIMES, **TIGHT)
    assert len(traces) == before
    rate = 2.0
    np.testing.assert_allclose(odeint(slope, 1.0, TIMES, **TIGHT)[-1], np.exp(-4), rtol=1e-5)

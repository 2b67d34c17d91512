"""A network without random numbers, in float64, against figures that torch and JAX agree on.

Weights w(shape; a, o) = a sin(o + arange(size)); digits, 64-32-10, tanh, full-batch gradient
descent at rate 0.5, mean cross-entropy.
"""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp

LOSSES = {
    0: 2.302630080433316,
    1: 2.2640377951246027,
    10: 1.8984044211356847,
    100: 0.35055800664826176,
    200: 0.14415253313144158,
}
JVP, CURVATURE = -0.006836910138622199, 0.46173000852965296


def wave(shape, scale, offset):
    size = int(np.prod(shape))
    return fnp.asarray(scale * np.sin(offset + np.arange(size, dtype=np.float64)).reshape(shape))


@pytest.fixture(scope="module")
def digits():
    datasets = pytest.importorskip("sklearn.datasets")
    data = datasets.load_digits()
    x = data.data.astype(np.float64) / 16
    return fnp.asarray(x[:1437]), fnp.asarray(data.target[:1437]), x[-360:], data.target[-360:]


def parameters():
    zeros = lambda n: fnp.zeros(n, dtype=fnp.float64)
    return [wave((64, 32), 0.1, 1), zeros(32), wave((32, 10), 0.1, 2), zeros(10)]


def logits(params, x):
    w1, b1, w2, b2 = params
    return fnp.tanh(x @ w1 + b1) @ w2 + b2


def loss(params, x, y):
    z = logits(params, x)
    z = z - fnp.max(z, axis=1, keepdims=True)
    logp = z - fnp.log(fnp.sum(fnp.exp(z), axis=1, keepdims=True))
    return -fnp.mean(fnp.take_along_axis(logp, y[:, None], axis=1))


def test_float64_stays_float64(digits):
    x, y, *_ = digits
    assert loss(parameters(), x, y).dtype == fnp.float64


def test_compiled_training_reproduces_the_reference(digits):
    x, y, x_test, y_test = digits
    both = ftx.jit(ftx.value_and_grad(loss))
    params = parameters()
    for i in range(201):
        value, grads = both(params, x, y)
        if i in LOSSES:
            np.testing.assert_allclose(float(value), LOSSES[i], rtol=1e-9)
        params = [p - 0.5 * g for p, g in zip(params, grads, strict=True)]
    right = np.argmax(np.asarray(logits(params, fnp.asarray(x_test))), axis=1) == y_test
    assert abs(right.mean() - 0.888889) < 1e-6


def test_eager_training_reproduces_the_reference(digits):
    x, y, *_ = digits
    params = parameters()
    for i in range(11):
        value, grads = ftx.value_and_grad(loss)(params, x, y)
        if i in LOSSES:
            np.testing.assert_allclose(float(value), LOSSES[i], rtol=1e-9)
        params = [p - 0.5 * g for p, g in zip(params, grads, strict=True)]


@pytest.mark.parametrize("stage", [lambda f: f, ftx.jit], ids=["eager", "compiled"])
def test_directional_derivatives_reproduce_the_reference(digits, stage):
    x, y, *_ = digits
    params = parameters()
    v = [wave(p.shape, 1.0, 3) for p in params]
    f = lambda p: loss(p, x, y)
    slope = stage(lambda p, v: ftx.jvp(f, (p,), (v,))[1])(params, v)
    np.testing.assert_allclose(float(slope), JVP, rtol=1e-9)
    products = stage(lambda p, v: ftx.jvp(ftx.grad(f), (p,), (v,))[1])(params, v)
    curvature = sum(float(fnp.sum(a * b)) for a, b in zip(v, products, strict=True))
    np.testing.assert_allclose(curvature, CURVATURE, rtol=1e-9)

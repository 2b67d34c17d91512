"""Workloads written once for a module `m` with JAX's interface: ftx or jax.

Each is a function of the module that returns a compiled function and its arguments.
"""

import math

import numpy as np

WORKLOADS = {}


def workload(make):
    """Add to the table."""
    WORKLOADS[make.__name__] = make
    return make


def array(m, *shape, scale=1.0):
    """Reproducible float32 numbers."""
    numbers = np.random.RandomState(sum(shape)).randn(*shape) * scale
    return m.numpy.asarray(numbers.astype(np.float32))


def descent(m, loss):
    """One step down the gradient, compiled."""

    def step(params, *data):
        slopes = m.grad(loss)(params, *data)
        return m.tree.map(lambda p, g: p - 0.05 * g, params, slopes)

    return m.jit(step)


@workload
def dispatch(m):
    return m.jit(lambda x: x + 1), (array(m, 1),)


@workload
def softmax(m):
    return m.jit(lambda x: m.nn.softmax(x, axis=-1)), (array(m, 2048, 1024),)


@workload
def layer_norm_gradient(m):
    def loss(x, g):
        mean = x.mean(-1, keepdims=True)
        spread = ((x - mean) ** 2).mean(-1, keepdims=True)
        return m.numpy.sum(((x - mean) / m.numpy.sqrt(spread + 1e-5) * g) ** 3)

    return m.jit(m.grad(loss, argnums=(0, 1))), (array(m, 1024, 768), array(m, 768))


@workload
def adam_update(m):
    def update(p, g, mu, nu):
        mu, nu = 0.9 * mu + 0.1 * g, 0.999 * nu + 0.001 * g * g
        return p - 1e-3 * mu / (m.numpy.sqrt(nu) + 1e-8), mu, nu

    p = array(m, 1 << 20)
    return m.jit(update), (p, p * 0.5, p * 0.1, p * p)


@workload
def mlp_step(m):
    def loss(params, x, y):
        h = m.nn.relu(x @ params[0])
        return -m.numpy.mean(m.numpy.sum(m.nn.log_softmax(h @ params[1]) * y, 1))

    params = [array(m, 256, 256, scale=0.05), array(m, 256, 10, scale=0.05)]
    y = m.numpy.asarray(np.eye(10, dtype=np.float32)[np.arange(128) % 10])
    return descent(m, loss), (params, array(m, 128, 256), y)


@workload
def cnn_step(m):
    numbers = ("NHWC", "HWIO", "NHWC")

    def loss(params, x, y):
        for kernel in params[:2]:
            x = m.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=numbers)
            window = (1, 2, 2, 1)
            x = m.lax.reduce_window(m.nn.relu(x), -np.inf, m.lax.max, window, window, "VALID")
        scores = x.reshape(x.shape[0], -1) @ params[2]
        return -m.numpy.mean(m.numpy.sum(m.nn.log_softmax(scores) * y, 1))

    params = [array(m, 3, 3, 1, 16, scale=0.2), array(m, 3, 3, 16, 32, scale=0.1)]
    params.append(array(m, 7 * 7 * 32, 10, scale=0.03))
    y = m.numpy.asarray(np.eye(10, dtype=np.float32)[np.arange(64) % 10])
    return descent(m, loss), (params, array(m, 64, 28, 28, 1), y)


@workload
def gpt_step(m, layers=2, width=128, heads=4, length=64, batch=8, symbols=96):
    fnp = m.numpy

    def norm(x, gain):
        mean = x.mean(-1, keepdims=True)
        spread = ((x - mean) ** 2).mean(-1, keepdims=True)
        return (x - mean) / fnp.sqrt(spread + 1e-5) * gain

    def attention(x, p):
        q, k, v = (
            part.reshape(batch, length, heads, width // heads).transpose(0, 2, 1, 3)
            for part in fnp.split(x @ p["qkv"], 3, axis=-1)
        )
        scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(width // heads)
        earlier = np.tril(np.ones((length, length), bool))
        mixed = m.nn.softmax(fnp.where(earlier, scores, -1e9), axis=-1) @ v
        return mixed.transpose(0, 2, 1, 3).reshape(batch, length, width) @ p["out"]

    def loss(params, tokens):
        x = params["symbols"][tokens[:, :-1]] + params["places"]
        for p in params["layers"]:
            x = x + attention(norm(x, p["gain1"]), p)
            x = x + m.nn.gelu(norm(x, p["gain2"]) @ p["up"]) @ p["down"]
        scores = m.nn.log_softmax(norm(x, params["gain"]) @ params["symbols"].T)
        return -fnp.mean(fnp.take_along_axis(scores, tokens[:, 1:, None], axis=-1))

    ones = lambda: fnp.asarray(np.ones(width, np.float32))
    weights = lambda a, b: array(m, a, b, scale=0.05)
    layer = lambda: {
        "gain1": ones(), "gain2": ones(), "qkv": weights(width, 3 * width),
        "out": weights(width, width), "up": weights(width, 4 * width),
        "down": weights(4 * width, width),
    }  # fmt: skip
    params = {"symbols": weights(symbols, width), "places": weights(length, width)}
    params |= {"gain": ones(), "layers": [layer() for _ in range(layers)]}
    tokens = np.random.RandomState(4).randint(0, symbols, (batch, length + 1)).astype(np.int32)
    return descent(m, loss), (params, fnp.asarray(tokens))


@workload
def scan_gradient(m):
    def loss(a, x):
        step = lambda y, _: (m.numpy.sin(a * y) + 0.1 * x, None)
        return m.numpy.sum(m.lax.scan(step, x, None, length=2000)[0])

    return m.jit(m.grad(loss)), (m.numpy.float32(0.7), array(m, 4))


@workload
def transpose_add(m):
    return m.jit(lambda x, y: x.T + y), (array(m, 1024, 1024), array(m, 1024, 1024))


@workload
def matmul(m):
    return m.jit(lambda a, b: a @ b), (array(m, 512, 512), array(m, 512, 512))

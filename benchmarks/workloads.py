"""Workloads written once for a module `m` with JAX's interface: ftx or jax.

Each is a function of the module that returns a compiled function and its arguments.
"""

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

    def step(params, x, y):
        slopes = m.grad(loss)(params, x, y)
        return m.tree.map(lambda p, g: p - 0.05 * g, params, slopes)

    params = [array(m, 256, 256, scale=0.05), array(m, 256, 10, scale=0.05)]
    y = m.numpy.asarray(np.eye(10, dtype=np.float32)[np.arange(128) % 10])
    return m.jit(step), (params, array(m, 128, 256), y)


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

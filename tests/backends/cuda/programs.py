"""Programs that tests compile, simulate and run on a GPU: name -> (function, arguments)."""

from __future__ import annotations

import numpy as np

import ftx
import ftx.numpy as fnp


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def softmax(x):
    e = fnp.exp(x - fnp.max(x, axis=-1, keepdims=True))
    return e / fnp.sum(e, axis=-1, keepdims=True)


def layer_norm(x, scale, bias):
    centred = x - fnp.mean(x, axis=-1, keepdims=True)
    variance = fnp.mean(centred * centred, axis=-1, keepdims=True)
    return centred / fnp.sqrt(variance + 1e-5) * scale + bias


def layer_norm_loss(x, scale, bias):
    return fnp.sum(fnp.sin(layer_norm(x, scale, bias)))


def mlp(parameters, x):
    for weight, bias in parameters[:-1]:
        x = fnp.tanh(x @ weight + bias)
    weight, bias = parameters[-1]
    return x @ weight + bias


def cross_entropy(parameters, x, labels):
    scores = mlp(parameters, x)
    scores = scores - fnp.max(scores, axis=-1, keepdims=True)
    log_sum = fnp.log(fnp.sum(fnp.exp(scores), axis=-1))
    picked = fnp.take_along_axis(scores, labels[:, None], axis=-1)[:, 0]
    return fnp.mean(log_sum - picked)


def sgd_step(parameters, x, labels):
    loss, grads = ftx.value_and_grad(cross_entropy)(parameters, x, labels)
    moved = [
        (w - 0.1 * gw, b - 0.1 * gb) for (w, b), (gw, gb) in zip(parameters, grads, strict=True)
    ]
    return loss, moved


def adam(p, g, m, v, step):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    m_hat, v_hat = m / (1 - 0.9**step), v / (1 - 0.999**step)
    return p - 1e-3 * m_hat / (fnp.sqrt(v_hat) + 1e-8), m, v


def scatter_add(x, updates, rows):
    return x.at[rows].add(updates)


def mlp_arguments(batch, *sizes):
    parameters = [
        (normal(a, b) / np.float32(np.sqrt(a)), normal(b, seed=1))
        for a, b in zip(sizes, sizes[1:], strict=False)
    ]
    labels = np.random.default_rng(2).integers(0, sizes[-1], batch).astype(np.int32)
    return parameters, normal(batch, sizes[0]), labels


def programs(scale):
    """`scale` 1 for the simulator, larger for the compiler and the GPU (it compiles, too)."""
    n = 24 * scale
    rows = np.random.default_rng(1).integers(0, 3 * scale, 8 * scale).astype(np.int32)
    grad = ftx.grad(layer_norm_loss, argnums=(0, 1, 2))
    return {
        "softmax": (softmax, (normal(70 * scale, n),)),
        "layer_norm": (layer_norm, (normal(70, n), normal(n), normal(n, seed=1))),
        "layer_norm_grad": (grad, (normal(70, n), normal(n), normal(n, seed=1))),
        "adam": (adam, (*[abs(normal(50 * scale, seed=s)) for s in range(4)], np.float32(3))),
        "mlp_step": (sgd_step, mlp_arguments(20 * scale, n, 32, 10)),
        "scatter_add": (scatter_add, (normal(3 * scale, 5), normal(8 * scale, 5), rows)),
        "keys": (
            lambda keys, i: (
                ftx.random.key_data(fnp.stack([keys[i], ftx.random.split(keys[0], 3)[1]])),
                ftx.vmap(lambda key: ftx.random.uniform(key, (n,)))(keys),
            ),
            (ftx.random.split(ftx.random.key(3)), np.int32(1)),
        ),
        "complex_division": (
            lambda a, b: fnp.abs(fnp.asarray(a) * 1j / (b + 2j)),
            (normal(n), normal(n, seed=1)),
        ),
        "attention": (
            lambda q, k, v: softmax(q @ k.T / np.float32(4)) @ v,
            (normal(6 * scale, 16), normal(7 * scale, 16), normal(7 * scale, 16)),
        ),
    }

"""A small convolutional network on synthetic images."""

import ftx as jax
import ftx.numpy as jnp


def conv(x, w):
    return jax.lax.conv_general_dilated(
        x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def pool(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def logits(params, x):
    x = pool(jax.nn.relu(conv(x, params["c1"])))
    x = pool(jax.nn.relu(conv(x, params["c2"])))
    return x.reshape(x.shape[0], -1) @ params["w"] + params["b"]


def loss(params, x, y):
    logp = jax.nn.log_softmax(logits(params, x))
    return -jnp.mean(jnp.take_along_axis(logp, y[:, None], axis=1))


def main():
    keys = jax.random.split(jax.random.PRNGKey(11), 5)
    params = {
        "c1": 0.3 * jax.random.normal(keys[0], (3, 3, 1, 4)),
        "c2": 0.2 * jax.random.normal(keys[1], (3, 3, 4, 8)),
        "w": 0.1 * jax.random.normal(keys[2], (4 * 4 * 8, 3)),
        "b": jnp.zeros(3),
    }
    y = jax.random.randint(keys[3], (24,), 0, 3)
    rows = jnp.arange(16)[None, :, None, None]
    x = jnp.sin(rows * (0.4 + 0.5 * y[:, None, None, None])) * jnp.ones((1, 1, 16, 1))
    x = x + 0.1 * jax.random.normal(keys[4], x.shape)
    step = jax.jit(lambda p: jax.tree.map(lambda a, g: a - 0.2 * g, p, jax.grad(loss)(p, x, y)))
    losses = []
    for _ in range(12):
        losses.append(loss(params, x, y))
        params = step(params)
    return jnp.stack(losses), params["c1"], params["b"]


if __name__ == "__main__":
    for found in main():
        print(found)

"""A recurrent network over lax.scan."""

import ftx as jax
import ftx.numpy as jnp


def cell(params, h, x):
    h = jnp.tanh(params["wx"] @ x + params["wh"] @ h + params["b"])
    return h, params["wo"] @ h


def run(params, xs):
    _, ys = jax.lax.scan(lambda h, x: cell(params, h, x), jnp.zeros(8), xs)
    return ys


def loss(params, batch):
    ys = jax.vmap(run, in_axes=(None, 0))(params, batch[:, :-1])
    return jnp.mean((ys - batch[:, 1:]) ** 2)


def main():
    keys = jax.random.split(jax.random.PRNGKey(3), 4)
    params = {
        "wx": 0.5 * jax.random.normal(keys[0], (8, 1)),
        "wh": 0.3 * jax.random.normal(keys[1], (8, 8)),
        "wo": 0.5 * jax.random.normal(keys[2], (1, 8)),
        "b": jnp.zeros(8),
    }
    start = jax.random.uniform(keys[3], (5, 1)) * 6
    batch = jnp.sin(start + jnp.arange(20) * 0.4)[..., None]
    update = jax.jit(lambda p: jax.tree.map(lambda a, g: a - 0.1 * g, p, jax.grad(loss)(p, batch)))
    before = loss(params, batch)
    for _ in range(40):
        params = update(params)
    return before, loss(params, batch), params["wh"]


if __name__ == "__main__":
    for found in main():
        print(found)

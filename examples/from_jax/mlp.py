"""A small network trained by gradient descent."""

import ftx as jax
import ftx.numpy as jnp


def init(key, sizes):
    params = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:]):
        key, sub = jax.random.split(key)
        w = jax.random.normal(sub, (n_in, n_out)) / jnp.sqrt(n_in)
        params.append({"w": w, "b": jnp.zeros(n_out)})
    return params


def predict(params, x):
    for layer in params[:-1]:
        x = jax.nn.relu(x @ layer["w"] + layer["b"])
    return x @ params[-1]["w"] + params[-1]["b"]


def loss(params, x, y):
    logp = jax.nn.log_softmax(predict(params, x))
    return -jnp.mean(jnp.sum(jax.nn.one_hot(y, 3) * logp, axis=-1))


@jax.jit
def step(params, x, y):
    value, grads = jax.value_and_grad(loss)(params, x, y)
    return jax.tree.map(lambda p, g: p - 0.5 * g, params, grads), value


def main():
    key = jax.random.PRNGKey(0)
    x = jax.random.normal(key, (60, 4))
    y = jnp.argmax(x[:, :3] + 0.5 * x[:, 1:4] ** 2, axis=1)
    params = init(jax.random.PRNGKey(1), [4, 16, 16, 3])
    losses = []
    for _ in range(30):
        params, value = step(params, x, y)
        losses.append(value)
    accuracy = jnp.mean(jnp.argmax(predict(params, x), axis=1) == y)
    return jnp.stack(losses), accuracy, params[0]["w"]


if __name__ == "__main__":
    for found in main():
        print(found)

"""One attention block that learns to repeat a sequence, with Adam written out."""

import ftx as jax
import ftx.numpy as jnp
from ftx import random
from ftx.nn.initializers import glorot_normal, normal

LETTERS, LENGTH, WIDTH, HEADS = 6, 8, 16, 2


def init(key):
    keys = iter(random.split(key, 8))
    dense = lambda *shape: glorot_normal()(next(keys), shape)
    return {
        "embed": normal(0.5)(next(keys), (LETTERS, WIDTH)),
        "place": normal(0.5)(next(keys), (LENGTH, WIDTH)),
        "qkv": dense(WIDTH, 3 * WIDTH),
        "mix": dense(WIDTH, WIDTH),
        "up": dense(WIDTH, 4 * WIDTH),
        "down": dense(4 * WIDTH, WIDTH),
        "read": dense(WIDTH, LETTERS),
    }


def normed(x):
    return jax.nn.standardize(x, axis=-1, epsilon=1e-5)


def predict(params, letters):
    x = params["embed"][letters] + params["place"]
    q, k, v = jnp.split(normed(x) @ params["qkv"], 3, axis=-1)
    heads = lambda z: z.reshape(LENGTH, HEADS, -1).swapaxes(0, 1)
    scores = jnp.einsum("hik,hjk->hij", heads(q), heads(k)) / jnp.sqrt(WIDTH / HEADS)
    scores = jnp.where(jnp.tril(jnp.ones((LENGTH, LENGTH), bool)), scores, -jnp.inf)
    seen = jnp.einsum("hij,hjk->hik", jax.nn.softmax(scores), heads(v))
    x = x + seen.swapaxes(0, 1).reshape(LENGTH, WIDTH) @ params["mix"]
    x = x + jax.nn.gelu(normed(x) @ params["up"]) @ params["down"]
    return jax.nn.log_softmax(normed(x) @ params["read"])


def loss(params, batch):
    logits = jax.vmap(predict, in_axes=(None, 0))(params, batch)
    wanted = jax.nn.one_hot(jnp.roll(batch, 1, axis=1), LETTERS)
    return -(logits * wanted)[:, 1:].sum(-1).mean()


@jax.jit
def adam(params, means, squares, count, batch):
    value, slopes = jax.value_and_grad(loss)(params, batch)
    means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, slopes)
    squares = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, squares, slopes)
    rate = 0.01 * jnp.sqrt(1 - 0.99**count) / (1 - 0.9**count)
    step = lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8)
    return jax.tree.map(step, params, means, squares), means, squares, value


def main():
    key = random.key(1)
    params = init(key)
    zeros = jax.tree.map(jnp.zeros_like, params)
    state, losses = (params, zeros, zeros), []
    for count in range(1, 31):
        batch = random.randint(random.fold_in(key, count), (16, LENGTH), 0, LETTERS)
        *state, value = adam(*state, float(count), batch)
        losses.append(value)
    norms = jax.tree.map(jnp.linalg.norm, state[0])
    return [jnp.stack(losses)[::6], *[norms[name] for name in sorted(norms)]]


if __name__ == "__main__":
    for found in main():
        print(found)

"""Softmax regression whose rows lie on several devices, which add up what they find by psum."""

from functools import partial

import ftx as jax
import ftx.numpy as jnp
from ftx import lax
from ftx.sharding import PartitionSpec as P

MESH = jax.make_mesh((len(jax.devices()),), ("rows",), (jax.sharding.AxisType.Auto,))
ROWS = 240  # a multiple of 1, 2, 3, 4, 5, 6 and 8

over_rows = partial(jax.shard_map, mesh=MESH)


@partial(over_rows, in_specs=(P("rows"),), out_specs=P("rows"))
def standardised(x):
    mean = lax.pmean(x.mean(0), "rows")
    spread = lax.pmean(((x - mean) ** 2).mean(0), "rows")
    return (x - mean) / jnp.sqrt(spread)


@partial(over_rows, in_specs=(P(), P("rows"), P("rows")), out_specs=(P(), P()))
def loss_and_hits(params, x, labels):
    logits = x @ params["w"] + params["b"]
    logp = jax.nn.log_softmax(logits)
    own = -jnp.take_along_axis(logp, labels[:, None], axis=1).sum()
    hits = (logits.argmax(1) == labels).sum()
    return lax.psum(own, "rows") / ROWS, lax.psum(hits, "rows")


@partial(over_rows, in_specs=P("rows"), out_specs=P("rows"))
def from_neighbour(x):
    size = lax.axis_size("rows")
    received = lax.ppermute(x[-1:], "rows", [(i, (i + 1) % size) for i in range(size)])
    return jnp.concatenate([received, x[:-1]])


@jax.jit
def step(params, x, labels):
    (value, hits), grads = jax.value_and_grad(loss_and_hits, has_aux=True)(params, x, labels)
    return jax.tree.map(lambda p, g: p - 0.5 * g, params, grads), (value, hits)


def main():
    kx, kc = jax.random.split(jax.random.key(0))
    centres = 2 * jax.random.normal(kc, (3, 5))
    labels = jnp.arange(ROWS) % 3
    x = standardised(centres[labels] + jax.random.normal(kx, (ROWS, 5)) + 7)
    params = {"w": jnp.zeros((5, 3)), "b": jnp.zeros(3)}
    history = []
    for _ in range(40):
        params, found = step(params, x, labels)
        history.append(found)
    losses, hits = zip(*history)
    return jnp.stack(losses), jnp.stack(hits), params["w"], from_neighbour(x)[:, 0]


if __name__ == "__main__":
    losses, hits, weights, shifted = main()
    print("losses", losses[::8])
    print("right", hits[::8], "of", ROWS)
    print("weights", weights)
    print("first rows, from the neighbour", shifted[:3])

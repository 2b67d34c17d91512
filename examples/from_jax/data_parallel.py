"""Training on as many devices as there are: the batch is divided, the parameters are not."""

import ftx as jax
import ftx.numpy as jnp
from ftx.sharding import AxisType, NamedSharding
from ftx.sharding import PartitionSpec as P

MESH = jax.make_mesh((len(jax.devices()),), ("batch",), (AxisType.Auto,))
DIVIDED = NamedSharding(MESH, P("batch"))
WHOLE = NamedSharding(MESH, P())


def init(key):
    first, second = jax.random.split(key)
    return {
        "hidden": {"w": jax.random.normal(first, (2, 32)), "b": jnp.zeros(32)},
        "out": {"w": jax.random.normal(second, (32, 1)) / 6, "b": jnp.zeros(1)},
    }


def predict(params, x):
    h = jnp.tanh(x @ params["hidden"]["w"] + params["hidden"]["b"])
    h = jax.lax.with_sharding_constraint(h, NamedSharding(MESH, P("batch", None)))
    return (h @ params["out"]["w"] + params["out"]["b"])[:, 0]


def loss(params, x, y):
    return jnp.mean((predict(params, x) - y) ** 2)


def step(params, x, y):
    value, grads = jax.value_and_grad(loss)(params, x, y)
    return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), value


train = jax.jit(
    step, in_shardings=(WHOLE, DIVIDED, DIVIDED), out_shardings=(WHOLE, WHOLE), donate_argnums=0
)


def main():
    n = 120  # a multiple of 1, 2, 3, 4, 5, 6 and 8
    x = jax.random.uniform(jax.random.key(0), (n, 2), minval=-2, maxval=2)
    y = jnp.sin(x[:, 0]) * x[:, 1]
    x, y = jax.device_put((x, y), DIVIDED)
    params = jax.device_put(init(jax.random.key(1)), WHOLE)
    rows = sum(shard.data.shape[0] for shard in x.addressable_shards)
    losses = []
    for _ in range(60):
        params, value = train(params, x, y)
        losses.append(float(value))
    return jnp.array(losses), params["out"]["w"][:, 0], jnp.array(rows)


if __name__ == "__main__":
    losses, weights, rows = main()
    print("first and last loss", losses[0], losses[-1])
    print("rows on all devices", rows)
    print("weights", weights)

"""The price of an Asian option by simulated random walks, and its sensitivities by reverse mode."""

import ftx as jax
import ftx.numpy as jnp
from ftx import random

STEPS, PATHS, RATE = 52, 2000, 0.03


def price(key, spot, volatility, strike):
    """Mean discounted payoff of the average price above the strike."""
    dt = 1 / STEPS
    shocks = random.normal(key, (PATHS, STEPS))
    steps = (RATE - volatility**2 / 2) * dt + volatility * jnp.sqrt(dt) * shocks
    paths = spot * jnp.exp(jnp.cumsum(steps, axis=1))
    payoff = jnp.maximum(paths.mean(axis=1) - strike, 0)
    return jnp.exp(-RATE) * payoff.mean()


def main():
    key, other = random.split(random.PRNGKey(7))
    strikes = jnp.linspace(90.0, 110.0, 5)
    value = jax.jit(price)(key, 100.0, 0.2, 100.0)
    delta, vega = jax.jit(jax.grad(price, argnums=(1, 2)))(key, 100.0, 0.2, 100.0)
    smile = jax.vmap(price, in_axes=(None, None, None, 0))(key, 100.0, 0.2, strikes)
    draws = [
        random.uniform(other, (4,)),
        random.randint(other, (4,), 0, 100),
        random.permutation(other, 6),
        random.categorical(other, jnp.log(jnp.array([0.1, 0.2, 0.7])), shape=(5,)),
    ]
    return [value, delta, vega, smile, *draws]


if __name__ == "__main__":
    names = ("price", "delta", "vega", "by strike", "uniform", "integers", "order", "classes")
    for name, found in zip(names, main()):
        print(f"{name:10}", found)

"""Escape times of the Mandelbrot set: a loop without end for some points, mapped over a grid."""

import ftx as jax
import ftx.numpy as jnp

LIMIT = 60


def escape(c):
    def going(state):
        z, n = state
        return (jnp.abs(z) < 2) & (n < LIMIT)

    def step(state):
        z, n = state
        return z * z + c, n + 1

    return jax.lax.while_loop(going, step, (jnp.zeros_like(c), 0))[1]


def grid(width, height):
    x = jnp.linspace(-2, 0.6, width)
    y = jnp.linspace(-1.1, 1.1, height)
    return x[None, :] + 1j * y[:, None]


def main():
    counts = jax.jit(jax.vmap(jax.vmap(escape)))(grid(39, 22))
    return [counts, (counts == LIMIT).sum(), jnp.bincount(counts.ravel(), length=LIMIT + 1)[:10]]


if __name__ == "__main__":
    for row in main()[0].tolist():
        print("".join(" .:-=+*#%@"[min(9, n // 6)] for n in row))

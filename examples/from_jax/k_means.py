"""Clusters by k-means, for several starts at once."""

import functools

import ftx as jax
import ftx.numpy as jnp
from ftx import random


@functools.partial(jax.jit, static_argnames="k")
def k_means(key, points, k):
    centres = random.choice(key, points, (k,), replace=False)

    def distances(centres):
        return ((points[:, None] - centres) ** 2).sum(-1)

    def step(state):
        centres, _, _, count = state
        mine = distances(centres).argmin(axis=1)
        sums = jnp.zeros_like(centres).at[mine].add(points)
        members = jnp.zeros(k).at[mine].add(1.0)
        moved = jnp.where(members[:, None] > 0, sums / members[:, None], centres)
        return moved, mine, jnp.abs(moved - centres).max(), count + 1

    def going(state):
        return (state[2] > 1e-4) & (state[3] < 50)

    start = centres, jnp.zeros(len(points), int), jnp.inf, 0
    centres, mine, _, count = jax.lax.while_loop(going, step, start)
    return centres, jnp.take_along_axis(distances(centres), mine[:, None], 1).sum(), count


def main():
    key = random.key(3)
    corners = jnp.array([[0.0, 0.0], [4.0, 0.5], [1.0, 5.0]])
    points = jnp.repeat(corners, 50, axis=0) + 0.6 * random.normal(key, (150, 2))
    starts = random.split(random.key(11), 6)
    centres, costs, counts = jax.vmap(k_means, in_axes=(0, None, None))(starts, points, 3)
    best = centres[costs.argmin()]
    return [costs, counts, best[jnp.argsort(best[:, 0])]]


if __name__ == "__main__":
    costs, counts, best = main()
    print("costs  ", costs)
    print("steps  ", counts)
    print("centres", best)

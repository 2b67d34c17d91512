"""PageRank over a list of links: gathers and scatters by index, in place of a matrix."""

import ftx as jax
import ftx.numpy as jnp
from ftx.ops import segment_sum

PAGES = 40


def links():
    """(from, to): every page links to three others."""
    page = jnp.arange(PAGES)
    targets = jnp.stack([(7 * page + 3) % PAGES, (page**2 + 1) % PAGES, page // 2])
    return jnp.tile(page, 3), targets.reshape(-1)


def rank(damping, source, target):
    out = jnp.zeros(PAGES).at[source].add(1.0)

    def step(r, _):
        flow = segment_sum((r / out)[source], target, num_segments=PAGES)
        new = (1 - damping) / PAGES + damping * flow
        return new, jnp.abs(new - r).sum()

    return jax.lax.scan(step, jnp.full(PAGES, 1 / PAGES), None, length=60)


def main():
    source, target = links()
    r, changes = jax.jit(rank)(0.85, source, target)
    best, where = jax.lax.top_k(r, 5)
    slope = jax.jacfwd(lambda d: rank(d, source, target)[0])(0.85)
    counts = jnp.bincount(target, length=PAGES)
    masked = r.at[where].set(0.0)
    order = jnp.lexsort((where, -best))
    unpopular = jnp.nonzero(counts == 0, size=4, fill_value=-1)[0]
    return [best, where, changes[:5], slope[where], masked.sum(), order, unpopular]


if __name__ == "__main__":
    for found in main():
        print(found)

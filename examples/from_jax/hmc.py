"""Hamiltonian Monte Carlo for a correlated Gaussian."""

import ftx as jax
import ftx.numpy as jnp


def log_density(q):
    precision = jnp.array([[2.0, -0.8], [-0.8, 1.0]])
    return -0.5 * q @ precision @ q


def leapfrog(q, p, step, n):
    slope = jax.grad(log_density)

    def one(_, state):
        q, p = state
        p = p + 0.5 * step * slope(q)
        q = q + step * p
        return q, p + 0.5 * step * slope(q)

    return jax.lax.fori_loop(0, n, one, (q, p))


def transition(q, key):
    k1, k2 = jax.random.split(key)
    p = jax.random.normal(k1, q.shape)
    new_q, new_p = leapfrog(q, p, 0.3, 10)
    energy = lambda q, p: -log_density(q) + 0.5 * p @ p
    accept = jax.random.uniform(k2) < jnp.exp(energy(q, p) - energy(new_q, new_p))
    q = jnp.where(accept, new_q, q)
    return q, (q, accept)


def main():
    keys = jax.random.split(jax.random.PRNGKey(7), 200)
    _, (samples, accepted) = jax.jit(lambda k: jax.lax.scan(transition, jnp.zeros(2), k))(keys)
    chains = jax.vmap(lambda q: leapfrog(q, jnp.ones(2), 0.2, 5)[0])(samples[:4])
    return jnp.mean(samples, axis=0), jnp.mean(accepted), samples[-1], chains


if __name__ == "__main__":
    for found in main():
        print(found)

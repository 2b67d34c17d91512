"""Logistic regression with a prior: its posterior by Laplace's method and by Hamiltonian moves."""

import ftx as jax
import ftx.numpy as jnp
from ftx import lax, random
from ftx.scipy.stats import bernoulli, norm

LEAPS, SIZE = 8, 0.15


def data():
    key_x, key_y = random.split(random.key(0))
    x = random.normal(key_x, (60, 2))
    logits = x @ jnp.array([1.5, -1.0]) + 0.3
    return x, random.bernoulli(key_y, jax.nn.sigmoid(logits)).astype(jnp.float32)


def log_posterior(w, x, y):
    chance = jax.nn.sigmoid(x @ w[:2] + w[2])
    return norm.logpdf(w, 0.0, 2.0).sum() + bernoulli.logpmf(y, chance).sum()


def mode(x, y):
    def step(w, _):
        slope = jax.grad(log_posterior)(w, x, y)
        return w - jnp.linalg.solve(jax.hessian(log_posterior)(w, x, y), slope), None

    return lax.scan(step, jnp.zeros(3), None, length=8)[0]


def sample(key, w, x, y, count):
    slope = jax.grad(log_posterior)

    def leap(_, state):
        w, p = state
        p = p + SIZE / 2 * slope(w, x, y)
        w = w + SIZE * p
        return w, p + SIZE / 2 * slope(w, x, y)

    def step(w, key):
        push, judge = random.split(key)
        p = random.normal(push, (3,))
        new, q = lax.fori_loop(0, LEAPS, leap, (w, p))
        gain = log_posterior(new, x, y) - log_posterior(w, x, y) - (q @ q - p @ p) / 2
        taken = jnp.log(random.uniform(judge)) < gain
        w = jnp.where(taken, new, w)
        return w, (w, taken)

    return lax.scan(step, w, random.split(key, count))[1]


def main():
    x, y = data()
    best = jax.jit(mode)(x, y)
    spread = jnp.sqrt(jnp.diag(jnp.linalg.inv(-jax.hessian(log_posterior)(best, x, y))))
    draws, taken = jax.jit(sample, static_argnums=4)(random.key(5), best, x, y, 25)
    return [y.sum(), best, spread, draws[:10], taken.mean()]


if __name__ == "__main__":
    names = ("ones", "mode", "spread", "draws", "accepted")
    for name, found in zip(names, main()):
        print(f"{name:9}", found)

"""Principal axes of a cloud of points three ways, and the gradient of an eigenvalue."""

import ftx as jax
import ftx.numpy as jnp


def cloud():
    t = jnp.arange(120.0)
    flat = jnp.stack([3 * jnp.sin(t), jnp.cos(2.3 * t), 0.3 * jnp.sin(5.1 * t + 1)], axis=1)
    turn = jnp.linalg.qr(jnp.array([[1.0, 2, 0], [0, 1, 3], [2, 0, 1]]))[0]
    return flat @ turn.T


def covariance(x):
    centred = x - x.mean(axis=0)
    return centred.T @ centred / (len(x) - 1)


def power_method(a, steps=50):
    start = jnp.ones(a.shape[0])
    step = lambda i, v: a @ v / jnp.linalg.norm(a @ v)
    v = jax.lax.fori_loop(0, steps, step, start)
    return v @ a @ v


def main():
    x = cloud()
    c = covariance(x)
    values, _ = jnp.linalg.eigh(c)
    singular = jnp.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    largest = jax.jit(power_method)(c)
    gradient = jax.grad(lambda a: jnp.linalg.eigvalsh(a)[-1])(c)
    solved = jnp.linalg.solve(c, jnp.ones(3))
    sign, logdet = jnp.linalg.slogdet(c)
    inverse = jnp.linalg.inv(jnp.linalg.cholesky(c))
    return [values, singular**2 / (len(x) - 1), largest, gradient, solved, sign * logdet, inverse]


if __name__ == "__main__":
    for found in main():
        print(found)

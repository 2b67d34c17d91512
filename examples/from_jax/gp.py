"""Gaussian process regression, fitted by its marginal likelihood."""

import ftx as jax
import ftx.numpy as jnp


def kernel(theta, a, b):
    distance = (a[:, None] - b[None, :]) / jnp.exp(theta["length"])
    return jnp.exp(2 * theta["scale"]) * jnp.exp(-0.5 * distance**2)


def negative_log_likelihood(theta, x, y):
    noise = jnp.exp(2 * theta["noise"]) + 1e-4
    chol = jnp.linalg.cholesky(kernel(theta, x, x) + noise * jnp.eye(x.shape[0]))
    alpha = jax.scipy.linalg.cho_solve((chol, True), y)
    return 0.5 * y @ alpha + jnp.sum(jnp.log(jnp.diag(chol)))


def main():
    x = jnp.linspace(0.0, 6.0, 40)
    y = jnp.sin(x) + 0.1 * jax.random.normal(jax.random.PRNGKey(5), (40,))
    theta = {"length": jnp.array(0.0), "scale": jnp.array(0.0), "noise": jnp.array(-1.0)}
    both = jax.jit(jax.value_and_grad(negative_log_likelihood))
    values = []
    for _ in range(25):
        value, grads = both(theta, x, y)
        theta = jax.tree.map(lambda t, g: t - 0.01 * g, theta, grads)
        values.append(value)
    new = jnp.array([1.5, 4.5])
    chol = jnp.linalg.cholesky(kernel(theta, x, x) + 0.01 * jnp.eye(40))
    mean = kernel(theta, new, x) @ jax.scipy.linalg.cho_solve((chol, True), y)
    return jnp.stack(values), mean, theta["length"]


if __name__ == "__main__":
    for found in main():
        print(found)

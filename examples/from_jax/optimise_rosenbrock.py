"""One valley, three ways down: BFGS, Newton with exact second derivatives, and Gauss-Newton."""

import ftx as jax
import ftx.numpy as jnp
from ftx.scipy.optimize import minimize
from ftx.scipy.sparse.linalg import cg


def residuals(x):
    return jnp.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])


def valley(x):
    return (residuals(x) ** 2).sum()


@jax.jit
def newton(x):
    def step(x, _):
        down = jnp.linalg.solve(
            jax.hessian(valley)(x) + 1e-3 * jnp.eye(len(x)), jax.grad(valley)(x)
        )
        return x - down, valley(x)

    return jax.lax.scan(step, x, None, length=12)


@jax.jit
def gauss_newton(x):
    def step(x, _):
        value, push = jax.linearize(residuals, x)
        _, pull = jax.vjp(residuals, x)
        normal = lambda v: pull(push(v))[0] + 1e-3 * v
        down, _ = cg(normal, pull(value)[0], maxiter=20)
        return x - down, (value**2).sum()

    return jax.lax.scan(step, x, None, length=12)


def main():
    start = jnp.array([-0.6, 0.4, 0.3, 0.5])
    found = minimize(valley, start, method="BFGS", options={"maxiter": 100})
    by_newton, values = newton(start)
    by_gauss, _ = gauss_newton(start)
    curvature = jnp.linalg.eigvalsh(jax.hessian(valley)(jnp.ones(4)))
    return [jnp.round(found.x, 2), found.fun < 1e-5, by_newton, values[:4], by_gauss, curvature]


if __name__ == "__main__":
    names = ("BFGS", "converged", "Newton", "values", "Gauss-Newton", "curvature")
    for name, found in zip(names, main()):
        print(f"{name:12}", found)

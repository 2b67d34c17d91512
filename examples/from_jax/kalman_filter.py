"""A Kalman filter as a scan; the noise it supposes is learnt through it."""

import ftx as jax
import ftx.numpy as jnp
from ftx import lax

DT = 0.1
MOVE = jnp.array([[1, DT], [0, 1]])
LOOK = jnp.array([[1.0, 0.0]])


def observations():
    t = jnp.arange(80) * DT
    return jnp.sin(t) * 2 + 0.3 * jnp.sin(17.0 * t)


def log_likelihood(log_noise, seen):
    process, measured = jnp.exp(log_noise)
    q = process * jnp.array([[DT**3 / 3, DT**2 / 2], [DT**2 / 2, DT]])

    def step(carry, y):
        mean, cov = carry
        mean, cov = MOVE @ mean, MOVE @ cov @ MOVE.T + q
        spread = LOOK @ cov @ LOOK.T + measured
        gain = cov @ LOOK.T / spread
        error = y - LOOK @ mean
        mean = mean + gain @ error
        cov = cov - gain @ LOOK @ cov
        score = -0.5 * (error**2 / spread[0] + jnp.log(2 * jnp.pi * spread[0]))[0]
        return (mean, cov), (mean[0], score)

    start = jnp.zeros(2), jnp.eye(2)
    _, (track, scores) = lax.scan(step, start, seen)
    return scores.sum(), track


@jax.jit
def learn(log_noise, seen):
    def step(noise, _):
        (value, _), slope = jax.value_and_grad(log_likelihood, has_aux=True)(noise, seen)
        return noise + 0.01 * jnp.clip(slope, -10, 10), value

    return lax.scan(step, log_noise, None, length=100)


def main():
    seen = observations()
    noise, values = learn(jnp.zeros(2), seen)
    _, track = log_likelihood(noise, seen)
    return [noise, values[::20], track[::10]]


if __name__ == "__main__":
    noise, values, track = main()
    print("log noise ", noise)
    print("likelihood", values)
    print("track     ", track)

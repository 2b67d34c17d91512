"""Rates of a predator-prey model, learnt from its course through an ODE solver."""

import ftx as jax
import ftx.numpy as jnp
from ftx.experimental.ode import odeint

TIMES = jnp.linspace(0.0, 8.0, 30)
START = jnp.array([1.5, 1.0])
TRUE = jnp.array([1.1, 0.6, 0.9, 0.5])


def flow(state, t, rates):
    prey, hunters = state
    a, b, c, d = rates
    return jnp.stack([a * prey - b * prey * hunters, d * prey * hunters - c * hunters])


def course(rates):
    return odeint(flow, START, TIMES, rates, rtol=1e-6, atol=1e-6)


def loss(log_rates, seen):
    return ((course(jnp.exp(log_rates)) - seen) ** 2).mean()


@jax.jit
def learn(log_rates, seen):
    def step(state, _):
        rates, speed = state
        value, slope = jax.value_and_grad(loss)(rates, seen)
        speed = 0.8 * speed - 0.01 * slope
        return (rates + speed, speed), value

    return jax.lax.scan(step, (log_rates, jnp.zeros(4)), None, length=60)


def main():
    seen = course(TRUE)
    slope = jax.grad(loss)(jnp.zeros(4), seen)
    (rates, _), losses = learn(jnp.log(TRUE) + 0.1, seen)
    return [seen[::6], slope, losses[::15], jnp.exp(rates)]


if __name__ == "__main__":
    seen, slope, losses, rates = main()
    print("course\n", seen)
    print("slope ", slope)
    print("losses", losses)
    print("rates ", rates)

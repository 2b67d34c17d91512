"""Burgers' equation on a ring by Fourier's method, and the gradient through its whole course."""

import ftx as jax
import ftx.numpy as jnp

N, DT, STEPS = 128, 1e-3, 400


def solve(u0, viscosity):
    k = jnp.fft.rfftfreq(N, 1 / N)
    keep = k < N / 3

    def slope(hat):
        u = jnp.fft.irfft(hat, N)
        return -0.5j * k * jnp.fft.rfft(u * u) * keep

    def step(hat, _):
        middle = hat + DT / 2 * slope(hat)
        decay = jnp.exp(-viscosity * k**2 * DT)
        return (hat + DT * slope(middle)) * decay, None

    hat, _ = jax.lax.scan(step, jnp.fft.rfft(u0), None, length=STEPS)
    return jnp.fft.irfft(hat, N)


def main():
    x = jnp.linspace(0, 2 * jnp.pi, N, endpoint=False)
    start = jnp.sin(x) + 0.5 * jnp.cos(2 * x)
    end = jax.jit(solve)(start, 0.05)
    energy = lambda u, v: (solve(u, v) ** 2).mean()
    by_start, by_viscosity = jax.jit(jax.grad(energy, argnums=(0, 1)))(start, 0.05)
    spectrum = jnp.abs(jnp.fft.fft(end))[:6]
    plane = jnp.fft.fft2(jnp.outer(end, start))
    shifted = jnp.fft.fftshift(jnp.abs(plane))[N // 2 - 1 : N // 2 + 2, N // 2 + 1]
    return [end[::16], energy(start, 0.05), by_start[::16], by_viscosity, spectrum, shifted]


if __name__ == "__main__":
    for found in main():
        print(found)

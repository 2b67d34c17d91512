"""Blur, edges, a pyramid of sizes, and a turn, of a drawn picture."""

import ftx as jax
import ftx.image
import ftx.numpy as jnp
from ftx.scipy.ndimage import map_coordinates
from ftx.scipy.signal import convolve2d


def picture(n=48):
    y, x = jnp.mgrid[:n, :n] / n - 0.5
    disc = (x**2 + y**2 < 0.1).astype(float)
    return disc + 0.5 * ((x > 0.1) & (y > 0.2)) + 0.2 * jnp.sin(20 * x)


def blur(image, width=1.5):
    t = jnp.arange(-4, 5)
    kernel = jnp.exp(-(t**2) / (2 * width**2))
    kernel = kernel / kernel.sum()
    return convolve2d(convolve2d(image, kernel[:, None], "same"), kernel[None], "same")


def edges(image):
    sobel = jnp.array([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]])
    kernels = jnp.stack([sobel, sobel.T])[:, None]
    found = jax.lax.conv_general_dilated(image[None, None], kernels, (1, 1), "SAME")
    return jnp.hypot(*found[0])


def turned(image, angle):
    n = image.shape[0]
    y, x = jnp.mgrid[:n, :n] - (n - 1) / 2
    c, s = jnp.cos(angle), jnp.sin(angle)
    places = [c * y - s * x + (n - 1) / 2, s * y + c * x + (n - 1) / 2]
    return map_coordinates(image, places, order=1, mode="nearest")


def main():
    image = picture()
    soft = jax.jit(blur)(image)
    pyramid = [jax.image.resize(soft, (n, n), "linear") for n in (24, 12)]
    enlarged = jax.image.resize(pyramid[1], (20, 30), "cubic")
    nearest = jax.image.resize(image, (7, 7), "nearest")
    pooled = jax.lax.reduce_window(image, -jnp.inf, jax.lax.max, (8, 8), (8, 8), "VALID")
    turn = jax.jit(turned)(image, 0.4)
    slope = jax.grad(lambda a: (turned(image, a) * soft).sum())(0.4)
    return [soft[::12, ::12], edges(soft)[::12, ::12], pyramid[1], enlarged[::5, ::5], nearest,
            pooled, turn[::12, ::12], slope]  # fmt: skip


if __name__ == "__main__":
    for found in main():
        print(found)

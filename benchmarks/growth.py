"""python -m benchmarks.growth: seconds of first calls of programs that grow.

A stack of equal transformer blocks with its gradients, a straight line of products, and one of
elementwise operations that differ. Each is called with the kernels of the previous size known, so
that the time beside compiling should double with the size, and equal layers add no kernels.
"""

import time

import numpy as np


def transformer(module, layers, width=64, heads=4, length=32):
    """A step of gradient descent on `layers` blocks."""
    numpy, rng = module.numpy, np.random.RandomState(0)
    weights = lambda *shape: (rng.randn(*shape) * 0.05).astype(np.float32)
    block = lambda: [weights(width, n * width) for n in (3, 1, 4)] + [weights(4 * width, width)]

    def loss(params, x):
        for into, out, up, down in params:
            h = x / numpy.sqrt(numpy.mean(x * x, -1, keepdims=True) + 1e-5)
            q, k, v = ((h @ into).reshape(length, 3, heads, -1)[:, i] for i in range(3))
            q, k, v = (part.transpose(1, 0, 2) for part in (q, k, v))
            mixed = module.nn.softmax(q @ k.swapaxes(-1, -2), axis=-1) @ v
            x = x + mixed.transpose(1, 0, 2).reshape(length, width) @ out
            x = x + module.nn.gelu(x @ up) @ down
        return numpy.mean(x * x)

    def step(params, x):
        return module.tree.map(lambda p, g: p - 0.1 * g, params, module.grad(loss)(params, x))

    return step, ([block() for _ in range(layers)], weights(length, width))


def products(module, equations):
    """tanh(x @ w) + x, again and again."""

    def f(x, w):
        for _ in range(equations // 3):
            x = module.numpy.tanh(x @ w) + x
        return x

    return f, (np.eye(32, dtype=np.float32), np.eye(32, dtype=np.float32))


def different(module, equations):
    """Elementwise equations, no two kernels of which are alike."""

    def f(x, y):
        for i in range(equations // 5):
            x = module.numpy.sin(x) * y + 0.1 * i
            y = y + x
        return x, y

    return f, (np.ones(1000, np.float32), np.ones(1000, np.float32))


CASES = (
    (transformer, (3, 6, 12, 24)),
    (products, (1000, 2000, 4000)),
    (different, (500, 1000, 2000)),
)


def main():
    import ftx

    print(
        f"{'program':14}{'size':>6}{'kernels':>9}{'different':>11}{'compile s':>11}{'other s':>9}"
    )
    for program, sizes in CASES:
        ftx.jit(program(ftx, sizes[0])[0])(*program(ftx, sizes[0])[1])
        for size in sizes:
            f, args = program(ftx, size)
            before = ftx.compile_stats().compile_seconds
            start = time.perf_counter()
            ftx.block_until_ready(ftx.jit(f)(*args))
            whole = time.perf_counter() - start
            compiling = ftx.compile_stats().compile_seconds - before
            texts = [t for t in ftx.jit(f).kernels(*args) if t.startswith("def")]
            print(
                f"{program.__name__:14}{size:6}{len(texts):9}{len(set(texts)):11}"
                f"{compiling:11.2f}{whole - compiling:9.3f}"
            )


if __name__ == "__main__":
    main()

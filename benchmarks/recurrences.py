"""A loop of scalars beside the same loop written by hand in Numba; its gradient beside itself.

In: a scale.  Out: rows.  a = 3 keeps the derivative of each step near -1, so that neither values
nor cotangents vanish or overflow.
"""

import numpy as np

import ftx
from ftx import lax

from .measure import in_turn
from .rows import Row

TARGET, GRADIENT_TARGET = 1.2, 3.0


def by_hand(steps, dtype):
    """The recurrence as a user of Numba writes it."""
    import numba

    one = np.dtype(dtype).type(1)

    @numba.njit
    def run(a, b, x):
        for _ in range(steps):
            x = a * x * (one - x) + b
        return x

    return run


def rows(scale):
    """The section's rows."""
    steps = 10**5 // scale.divisor**2
    for dtype in ("float32", "float64"):
        a, b, x = (np.dtype(dtype).type(v) for v in (3.0, 1e-9, 0.3))

        def recur(a, b, x):
            return lax.scan(lambda x, _: (a * x * (1 - x) + b, None), x, None, length=steps)[0]

        forward, gradient = ftx.jit(recur), ftx.jit(ftx.grad(recur, argnums=(0, 1, 2)))
        given = [ftx.numpy.asarray(v) for v in (a, b, x)]
        loop = by_hand(steps, dtype)
        calls = {
            "ftx": lambda f=forward, given=given: f(*given),
            "gradient": lambda f=gradient, given=given: f(*given),
            "numba": lambda f=loop, given=(a, b, x): f(*given),
        }
        times = in_turn(calls, scale.rounds, scale.seconds)
        label = f"recurrence of {steps} {dtype}"
        yield Row("loops", label, times["ftx"], times["numba"], TARGET, "handwritten Numba")
        words = "its own forward pass"
        yield Row(
            "loops", f"  its gradient, {dtype}", times["gradient"], times["ftx"], GRADIENT_TARGET,
            words,
        )  # fmt: skip

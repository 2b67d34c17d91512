"""Rows of the Fourier transforms."""

import numpy as np

from tests.functions.draws import Call
from tests.functions.rows import add

near = {"tolerance": 64, "reason": "n log n sums"}
NORMS = (None, "ortho", "forward", "backward")


def line(kinds, sizes):
    def arguments(d):
        shape = d.pick((2, 4), (5,), (3, 2))
        x = d.array(kinds, shape)
        return Call((x,), d.options(n=(..., *sizes), axis=(-1, 0), norm=NORMS))

    return arguments


add("numpy.fft.fft numpy.fft.ifft", line("bifc", (3, 6, 1)), **near)
add("numpy.fft.rfft numpy.fft.ihfft", line("bif", (3, 6, 1)), **near)


def halves(kinds):
    """A spectrum of a real signal: the first element, and for even n the last, is real."""

    def arguments(d):
        x = d.array(kinds, d.pick((2, 4), (5,), (3, 3)))
        return Call((x,), d.options(n=(..., 5, 6, 8), axis=(-1, 0), norm=NORMS))

    return arguments


add("numpy.fft.irfft numpy.fft.hfft", halves("ifc"), **near)


def plane(kinds, several, sizes=True):
    def arguments(d):
        x = d.array(kinds, d.pick((3, 4), (2, 3, 4)))
        o = d.options(norm=NORMS)
        if sizes and d.flag():
            o["s"] = d.pick((2, 4), (5, 3), (3, 4))
            o["axes"] = d.pick((-2, -1), (0, 1))
        elif d.flag():
            o["axes"] = d.pick(*several)
        return Call((x,), o)

    return arguments


two = ((-2, -1), (1, 0), (0, -1))
add("numpy.fft.fft2 numpy.fft.ifft2", plane("bifc", two), **near)
add("numpy.fft.rfft2", plane("if", two), **near)
add("numpy.fft.irfft2", plane("ifc", two), **near)
add("numpy.fft.fftn numpy.fft.ifftn", plane("ifc", (*two, (0,))), **near)
add("numpy.fft.rfftn", plane("if", (*two, (0,))), **near)
add("numpy.fft.irfftn", plane("ifc", (*two, (0,))), **near)


def shifted(d):
    x = d.array("bifc", d.pick((4,), (3, 5), (0,)))
    return Call((x,), d.options(axes=(..., 0, (-1,), None)))


add("numpy.fft.fftshift numpy.fft.ifftshift", shifted)
frequencies = lambda d: Call(
    (d.pick(5, 4, 1),), d.options(d=(..., 0.1), dtype=(..., "float32", "float64"))
)
made = {"gradient": False, "vmap": False}
add("numpy.fft.fftfreq", frequencies, lambda n, d=1.0, dtype=None: np.fft.fftfreq(n, d), **made)
add("numpy.fft.rfftfreq", frequencies, lambda n, d=1.0, dtype=None: np.fft.rfftfreq(n, d), **made)

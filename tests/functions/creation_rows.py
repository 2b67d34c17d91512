"""Rows of functions that make arrays from shapes and numbers, and reasons for those about types."""

import numpy as np

from tests.functions.draws import Call, Number
from tests.functions.rows import add, hold

made = {"gradient": False, "vmap": False}


def sized(d):
    return Call((d.pick((2, 3), 4, (), (0, 2)),), {"dtype": d.pick("float32", "int8", "bool")})


add("numpy.zeros numpy.ones", sized, **made)
add("numpy.empty", sized, oracle=np.zeros, **made)


def like(d):
    o = d.options(dtype=(..., "int16", "complex64"), shape=(..., (2, 2), 3))
    return Call((d.array("bifc"),), o)


add("numpy.zeros_like numpy.ones_like", like, gradient=False)
add("numpy.empty_like", like, oracle=np.zeros_like, gradient=False)


def filled(d):
    value = d.pick(lambda: d.number("bifc"), lambda: d.array("bifc", (3,)))()
    return Call((d.pick((2, 3), (3,)), value), d.options(dtype=(..., "complex128")))


add("numpy.full", filled, gradient=False, vmap=False)


def filled_like(d):
    x = d.array("fc", d.pick((2, 3), (3,)))
    value = d.pick(lambda: d.number("if"), lambda: d.array("i", (3,)))()
    return Call((x, value), d.options(shape=(..., (4, 3))))


add("numpy.full_like", filled_like, gradient=False)


def spans(d):
    if d.flag():
        return Call((d.pick(5, 0, 3),), d.options(dtype=(..., "int8", "float32")))
    first = d.pick((1, 7, 2), (2.1, 5.0, 0.3), (7, 1, -3), (0, 3), (1, -2))
    return Call(first, d.options(dtype=(..., "float32")))


add("numpy.arange", spans, oracle=lambda *a, dtype=None: np.arange(*a), **made)


def between(low, high):
    def arguments(d):
        shape = d.pick((), (3,), (2, 3))
        start = d.array("f" if d.smooth else "if", shape, low=low, high=high, ints=(1, 4))
        stop = d.array("f" if d.smooth else "if", shape[-1:], low=low, high=high, ints=(1, 9))
        o = d.options(num=(5, 1, 2, 0), endpoint=(True, False), axis=(0, -1))
        if not d.smooth and d.pick(False, False, True):
            start, stop = d.number("if"), d.number("if")
            o.pop("axis")
        if d.flag() and not d.smooth:
            o["dtype"] = d.pick("float64", "float32")
        return Call((start, stop), o)

    return arguments


add("numpy.linspace", between(-2, 2), tolerance=32)
add("numpy.logspace", between(-2, 2), tolerance=200, reason="a power of a rounded exponent")
add("numpy.geomspace", between(0.5, 4), tolerance=200, reason="a power of a rounded exponent")


def squares(d):
    return Call((d.pick(3, 0, 4),), d.options(M=(..., 2, 5), k=(0, 1, -2), dtype=(..., "int32")))


add("numpy.eye numpy.tri", squares, **made)
add("numpy.identity", lambda d: Call((d.pick(3, 0),), d.options(dtype=(..., "int8"))), **made)


def grids(d):
    axes = [d.array("if", (n,)) for n in d.pick((2, 3), (4,), (2, 1, 3), (2, 0))]
    return Call(tuple(axes), d.options(sparse=(False, True), indexing=("xy", "ij")))


add("numpy.meshgrid", grids)
add(
    "numpy.indices",
    lambda d: Call(
        (d.pick((2, 3), (4,), (0, 2)),), d.options(dtype=(..., "int8"), sparse=(False, True))
    ),
    **made,
)
triangle = lambda d: Call((d.pick(3, 4),), d.options(k=(0, 1, -1), m=(..., 2, 5)))
add("numpy.tril_indices numpy.triu_indices", triangle, **made)
of = lambda d: Call((d.array("if", d.pick((3, 3), (2, 4))),), d.options(k=(0, 1, -1)))
add("numpy.tril_indices_from numpy.triu_indices_from", of, gradient=False, vmap=False)
add("numpy.diag_indices", lambda d: Call((d.pick(3, 0), d.pick(2, 3))), **made)
add("numpy.diag_indices_from", lambda d: Call((d.array("if", d.pick((3, 3), (2, 2, 2))),)), **made)


def copies(d):
    return Call((d.array("bifc"),))


add("numpy.copy", copies)


def nested(d):
    """An array, a number, or lists of numbers, made the array of a type."""
    x = d.array("f") if d.smooth else d.pick(d.array("bif"), 0.1, [0.1, 2], [[0.1], [1.7]], ())
    types = (..., "float64") if d.smooth else (..., "float64", "complex64")
    return Call((x,), d.options(dtype=types))


add("numpy.array numpy.asarray", nested)


def converted(d):
    if d.smooth:
        return Call((d.array("f"), "float64"))
    x = d.pick(d.array("bif", low=0, ints=(0, 9)), Number(0.1))
    return Call((x, d.pick("float32", "int8", "uint16", "bool", "complex64", "float64")))


add("numpy.astype", converted, oracle=lambda x, t: np.asarray(x).astype(t))


def windows_of_x(d):
    return Call((d.array("if", (4,)),), d.options(N=(..., 3, 0, 6), increasing=(False, True)))


add("numpy.vander", windows_of_x, tolerance=64)
add(
    "numpy.linalg.diagonal",
    lambda d: Call((d.array("ifc", d.pick((3, 3), (2, 3, 4))),), d.options(offset=(0, 1, -1))),
)

hold(
    "numpy.can_cast numpy.promote_types numpy.result_type numpy.issubdtype numpy.isdtype "
    "numpy.finfo numpy.iinfo numpy.iscomplexobj numpy.isrealobj numpy.isscalar numpy.ndim "
    "numpy.shape numpy.size numpy.broadcast_shapes numpy.einsum_path",
    "of types and shapes, not of numbers; tests/numpy/test_promotion and test_dtypes",
)
hold(
    "numpy.from_dlpack numpy.frombuffer numpy.fromiter numpy.fromstring numpy.load numpy.save "
    "numpy.savez numpy.set_printoptions numpy.get_printoptions numpy.printoptions",
    "reads or writes what is outside of ftx; tests/numpy/test_creation",
)


def window(d):
    return Call((d.pick(0, 1, 2, 5, 8),))


weak = {"strong": "a window of one place is a weak 1 here"}
add("numpy.bartlett numpy.blackman numpy.hamming numpy.hanning", window, **weak, **made)
add(
    "numpy.kaiser",
    lambda d: Call((d.pick(1, 5, 8), d.pick(0.0, 8.6))),
    **weak,
    **made,
)
hold("numpy.array_repr numpy.array_str", "text; its example runs")
hold("numpy.fromfile", "reads files; its example runs")
hold("numpy.iterable", "a question about any object; its example runs")
hold("numpy.place", "returns what NumPy writes into its argument; its example runs")
hold("numpy.ix_", "index arrays of several axes; its example runs")

"""Rows of functions that move, join, cut, repeat and pick elements."""

import numpy as np

from tests.functions.draws import Call
from tests.functions.rows import add

KINDS = "bifc"


def reshaped(d):
    new = d.pick((3, 2), -1, (6,), (1, -1), (3, -1, 1), (2, 3))
    return Call((d.array(KINDS, (2, 3)), new), d.options(order=("C", "F")))


add("numpy.reshape", reshaped)
add("numpy.ravel", lambda d: Call((d.array(KINDS),), d.options(order=("C", "F"))))


def permuted(d):
    x = d.array(KINDS, (2, 3, 4))
    return Call((x,), d.options(axes=((2, 0, 1), (0, -1, 1), (1, 0, 2))))


add("numpy.transpose", lambda d: d.pick(permuted, lambda d: Call((d.array(KINDS),)))(d))
add("numpy.permute_dims", permuted)
pairs = ((0, 1), (-1, 0), (2, -2), (1, 1))
add("numpy.swapaxes", lambda d: Call((d.array(KINDS, (2, 3, 4)), *d.pick(*pairs))))
moves = (*pairs, ((0, 1), (-1, 0)), ([2], [0]))
add("numpy.moveaxis", lambda d: Call((d.array(KINDS, (2, 3, 4)), *d.pick(*moves))))
rolls = ((0,), (2,), (-1, 1), (1, 3), (0, 2))
add("numpy.rollaxis", lambda d: Call((d.array(KINDS, (2, 3, 4)), *d.pick(*rolls))))
add("numpy.matrix_transpose", lambda d: Call((d.array(KINDS, d.shape(2)),)))
add("numpy.linalg.matrix_transpose", lambda d: Call((d.array(KINDS, d.shape(2)),)))


def expanded(d):
    return Call((d.array(KINDS, d.pick((2, 3), (), (0,))), d.pick(0, -1, (0, 2 - 1), (-1, 0))))


add("numpy.expand_dims", expanded)


def squeezed(d):
    return Call((d.array(KINDS, (1, 3, 1)),), d.options(axis=(..., 0, -1, (0, 2), None)))


add("numpy.squeeze", squeezed)
add("numpy.atleast_1d numpy.atleast_2d numpy.atleast_3d", lambda d: Call((d.array(KINDS),)))


def stretched(d):
    return Call((d.array(KINDS, d.pick((3,), (2, 1), ())), d.pick((2, 3), (4, 2, 3))))


add("numpy.broadcast_to", stretched)
add(
    "numpy.broadcast_arrays",
    lambda d: Call((d.array(KINDS, (2, 1)), d.array(KINDS, (3,)), d.array(KINDS, ()))),
)


def flipped(d):
    shape = d.shape()
    return Call((d.array(KINDS, shape),), d.options(axis=(d.axes(len(shape)),)))


add("numpy.flip", flipped)
add("numpy.flipud", lambda d: Call((d.array(KINDS, d.shape(1)),)))
add("numpy.fliplr", lambda d: Call((d.array(KINDS, d.shape(2)),)))


def turned(d):
    x = d.array(KINDS, (2, 3, 4))
    return Call((x,), d.options(k=(1, 0, 2, -1, 5), axes=((0, 1), (1, 0), (2, -3))))


add("numpy.rot90", turned)


def rolled(d):
    shape = d.shape(1)
    axis = d.pick(None, *range(-len(shape), len(shape)))
    shift = d.pick(1, -2, 7, 0)
    if len(shape) > 1 and d.flag():
        axis, shift = (0, 1), (1, -1)
    return Call((d.array(KINDS, shape), shift), d.options(axis=(axis,)))


add("numpy.roll", rolled)


def joined(d, axes=(0, -1)):
    shapes = d.pick(((2, 3), (2, 3)), ((0, 3), (2, 3)))
    axis = 0 if shapes[0] != shapes[1] else d.pick(*axes)
    return Call(([d.array(KINDS, s) for s in shapes],), {"axis": axis})


add("numpy.concatenate numpy.concat", lambda d: joined(d))


def same(d, least=0):
    shape = d.shape(least)
    return [d.array(KINDS, shape) for _ in range(d.pick(2, 1, 3))]


add("numpy.stack", lambda d: Call((same(d),), d.options(axis=(0, -1))))
add("numpy.hstack numpy.vstack numpy.dstack", lambda d: Call((same(d),)))
add("numpy.column_stack", lambda d: Call((d.pick(same(d, 2)[:2], [d.array(KINDS, (3,))] * 2),)))


def blocks(d):
    a, b = d.array(KINDS, (2, 2)), d.array(KINDS, (2, 3))
    return Call((d.pick([[a, b], [b, a]], [a, b], [[a], [d.array(KINDS, (1, 2))]]),))


add("numpy.block", blocks)


def appended(d):
    if d.flag():
        return Call((d.array(KINDS, (2, 3)), d.array(KINDS, (1, 3)), 0))
    return Call((d.array(KINDS), d.pick(d.array(KINDS), d.number("if"))))


add("numpy.append", appended)


def cut(uneven):
    def arguments(d):
        x = d.array(KINDS, (6, 4, 2))
        parts = d.pick(2, [1, 2], [0, 1, 1], (1,), *((3, 5) if uneven else ()))
        return Call((x, parts), d.options(axis=(0, 1, -2, 0) if parts != 5 else (0, 1)))

    return arguments


add("numpy.split", cut(False))
add("numpy.array_split", cut(True))
add(
    "numpy.hsplit numpy.vsplit numpy.dsplit",
    lambda d: Call((d.array(KINDS, (2, 4, 2)), d.pick(2, [1]))),
)
add("numpy.unstack", lambda d: Call((d.array(KINDS, (2, 3)),), d.options(axis=(0, -1))))


def tiled(d):
    return Call((d.array(KINDS), d.pick(2, (2, 1), (1, 2, 2), (0,), ())))


add("numpy.tile", tiled)


def repeated(d):
    x = d.array(KINDS, (2, 3))
    form = d.pick("number", "counts", "flat")
    if form == "number":
        return Call((x, d.pick(2, 0, 3)), d.options(axis=(None, 0, -1)))
    if form == "flat":
        return Call((x, [1, 0, 2, 1, 3, 1]))
    return Call((x, np.array([2, 0, 1]).tolist()), {"axis": 1})


add("numpy.repeat", repeated, oracle=lambda a, r, axis=None: np.repeat(a, r, axis))
add("numpy.resize", lambda d: Call((d.array(KINDS), d.pick((2, 2), 5, (0,), (3, 4)))))

PADS = {
    "constant": {"constant_values": (0, 2, 0.1, (1, 3), ((1, 2), (3, 4)))},
    "edge": {},
    "reflect": {"reflect_type": ("even", "odd")},
    "symmetric": {"reflect_type": ("even", "odd")},
    "wrap": {},
    "linear_ramp": {"end_values": (0, 0.1, ((1, 2), (3, 4)))},
    "maximum": {"stat_length": (None, 2, ((1, 2), (3, 9)))},
    "minimum": {"stat_length": (None, 2)},
    "mean": {"stat_length": (None, 2)},
    "median": {"stat_length": (None, 2)},
}


def padded(d):
    mode = d.pick(*PADS)
    width = d.pick(1, (2, 1), ((1, 0), (0, 3)), 0, ((4, 5), (1, 1)))
    x = d.array("sf", d.pick((3, 4), (1, 2)))
    return Call((x, width), {"mode": mode, **d.options(**PADS[mode])})


add("numpy.pad", padded, tolerance=64)


def cornered(d):
    return Call((d.array(KINDS, d.shape(2)),), d.options(k=(0, 1, -1, 5)))


add("numpy.tril numpy.triu", cornered)
add(
    "numpy.diag",
    lambda d: Call((d.array(KINDS, d.pick((3,), (2, 3), (0,))),), d.options(k=(0, 1, -2))),
)
add("numpy.diagflat", lambda d: Call((d.array(KINDS),), d.options(k=(0, 1, -2))))


def diagonals(d):
    x = d.array("ifc", d.pick((3, 3), (2, 3, 4)))
    return Call((x,), d.options(offset=(0, 1, -1), axis1=(0, -2), axis2=(-1,)))


add("numpy.diagonal numpy.trace", diagonals)
add(
    "numpy.linalg.trace",
    lambda d: Call((d.array("ifc", d.pick((3, 3), (2, 3, 4))),), d.options(offset=(0, 1, -1))),
)


def diagonal_filled(d):
    shape = d.pick((3, 3), (2, 4), (5, 2), (2, 2, 2))
    value = d.pick(d.number("if"), d.array("i", (2,)))
    return Call((d.array("ifc", shape), value), {"inplace": False})


def fill_diagonal(x, value, inplace):
    out = x.copy()
    np.fill_diagonal(out, value)
    return out


add("numpy.fill_diagonal", diagonal_filled, fill_diagonal)

# ---- picking and placing by index


def index(d, shape, size):
    """Places -size to size-1."""
    draw = lambda rng, s, t: rng.integers(-size, size, s)
    return d.array(dtype=d.pick("int32", "int64", "int8"), shape=shape, make=draw)


def taken(d):
    x = d.array(KINDS, (3, 4))
    axis = d.pick(None, 0, -1)
    size = {None: 12, 0: 3, -1: 4}[axis]
    mode = d.pick("wrap", "clip")
    places = d.pick(d.array(dtype="int32", shape=d.pick((2,), (), (2, 2)), ints=(0, size)), 1)
    return Call((x, places), {"axis": axis, "mode": mode})


add("numpy.take", taken)


def taken_along(d):
    x = d.array(KINDS, (3, 4))
    axis = d.pick(-1, 0)
    places = index(d, (3, 2) if axis == -1 else (2, 4), x.shape[axis])
    return Call((x, places), {"axis": axis})


add("numpy.take_along_axis", taken_along)


def put_along(d):
    x = d.array("ifc", (3, 4))
    pairs = lambda rng, s, t: [rng.permutation(4)[:2] for _ in range(3)]
    places = d.array(dtype="int32", shape=(3, 2), make=pairs)
    return Call((x, places, d.array("i", (3, 2))), {"axis": 1, "inplace": False})


def put_along_axis(x, places, values, axis, inplace):
    out = x.copy()
    np.put_along_axis(out, places, values, axis)
    return out


add("numpy.put_along_axis", put_along, put_along_axis)


def putting(d):
    distinct = lambda rng, s, t: rng.permutation(12)[: s[0]]
    places = d.array(dtype="int32", shape=(3,), make=distinct)
    mode = d.pick(..., "clip", "wrap")
    o = {} if mode is ... else {"mode": mode}
    return Call((d.array("ifc", (3, 4)), places, d.array("i", (3,))), {**o, "inplace": False})


def put(x, places, values, mode="raise", inplace=False):
    out = x.copy()
    np.put(out, places, values, mode)
    return out


add("numpy.put", putting, put)


def deleted(d):
    which = d.pick(1, -1, [0, 2], slice(0, 2), [1, 1])
    return Call((d.array(KINDS, (3, 4)), which), d.options(axis=(0, 1, None)))


add("numpy.delete", deleted)


def inserted(d):
    axis = d.pick(0, 1, None)
    where = d.pick(1, 0, [0, 2], [1, 1])
    return Call((d.array("ifc", (3, 4)), where, d.number("if")), {"axis": axis})


add("numpy.insert", inserted)


def conditions(d):
    condition = d.array("b", (3,))
    return Call((condition, d.array(KINDS, (3, 2))), {"axis": 0, "size": 2, "fill_value": 0})


def compress(condition, x, axis, size, fill_value):
    rows = x[condition][:size]
    return np.concatenate([rows, np.full((size - len(rows), *x.shape[1:]), fill_value, x.dtype)])


add("numpy.compress", conditions, compress)


def extracted(d):
    shape = d.pick((2, 3), (4,))
    return Call((d.array("bif", shape), d.array("ifc", shape)), {"size": 3, "fill_value": 0})


def extract(condition, x, size, fill_value):
    found = np.extract(condition, x)[:size]
    return np.concatenate([found, np.full(size - len(found), fill_value, x.dtype)])


add("numpy.extract", extracted, extract)


def multi(d):
    dims = (3, 4)
    places = tuple(d.array(dtype="int32", shape=(5,), ints=(0, n)) for n in dims)
    o = d.options(order=("C", "F"))
    return Call((places, dims), {**o, "mode": d.pick("clip", "wrap")})


add(
    "numpy.ravel_multi_index",
    multi,
    gradient=False,
    peer="of the default integer type, which holds every place; JAX keeps that of the indices",
)
flat = lambda d: Call(
    (d.array(dtype=d.pick("int32", "int64"), shape=d.shape(), ints=(0, 12)), (3, 4))
)
add("numpy.unravel_index", flat, gradient=False)


def bits(d):
    x = d.array(dtype=d.pick("bool", "uint8", "int32"), shape=(3, 10), ints=(0, 2))
    return Call((x,), d.options(axis=(None, 0, -1), bitorder=("big", "little")))


add("numpy.packbits", bits, gradient=False)


def octets(d):
    x = d.array(dtype="uint8", shape=(2, 3), ints=(0, 256))
    o = d.options(axis=(None, 0, -1), bitorder=("big", "little"), count=(..., 10, -3))
    return Call((x,), o)


add("numpy.unpackbits", octets, gradient=False)
add(
    "numpy.trim_zeros",
    lambda d: Call((d.array("if", (6,), ints=(0, 2)),), d.options(trim=("fb", "f", "b"))),
    compiled=False,
    vmap=False,
    gradient=False,
    peer="the size of the result follows from values",
)

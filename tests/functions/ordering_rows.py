"""Rows of sorting, searching, counting, sets and comparisons of whole arrays."""

import numpy as np

import ftx
from tests.functions.draws import Call, Operand
from tests.functions.rows import add


def ordered(kinds="bif", **choices):
    def arguments(d):
        shape = d.shape(1)
        x = d.array(kinds, shape, special=True)
        o = d.options(axis=(..., d.axis(len(shape)), None), **choices)
        return Call((x,), o)

    return arguments


def sort(x, axis=-1, descending=False, stable=True):
    x = np.sort(x, axis)
    return np.flip(x, -1 if axis is None else axis) if descending else x


def sort_or_nan(x, axis=-1, descending=False, stable=True):
    """Descending, NaN is first as it would be flipped."""
    return sort(x, axis, descending)


def argsort(x, axis=-1, descending=False, stable=True):
    if axis is None:
        x, axis = x.ravel(), 0
    if not descending:
        return np.argsort(x, axis, kind="stable")
    # Equal elements keep their order: those of the flipped array, flipped back.
    n = x.shape[axis]
    return n - 1 - np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)


choices = {"descending": (False, True), "stable": (True, False)}
add("numpy.sort", ordered(**choices), sort_or_nan)
add("numpy.argsort", ordered(descending=(False, True)), argsort, gradient=False)
add("numpy.sort_complex", lambda d: Call((d.array("ifc", d.shape(1)),)), gradient=False)


def keys(d):
    shape = d.pick((5,), (2, 4))
    some = [d.array("bif", shape, ints=(0, 3)) for _ in range(2)]
    return Call((some,), d.options(axis=(-1, 0)))


add("numpy.lexsort", keys, gradient=False)


def parted(d):
    shape = d.pick((5,), (3, 4))
    axis = d.pick(-1, 0)
    return Call((d.array("if", shape), d.pick(1, 0, -1)), {"axis": axis})


def sides(f, x, kth, axis):
    """The sorted elements on either side of the kth, where any order may stand."""
    out = f(x, kth, axis)
    library = np if isinstance(x, np.ndarray) else ftx.numpy
    kth %= x.shape[axis]
    return [library.sort(part, axis) for part in library.split(out, [kth, kth + 1], axis)]


def picked_sides(f, x, kth, axis):
    """As `sides`, of the elements that the places pick."""
    library = np if isinstance(x, np.ndarray) else ftx.numpy
    pick = lambda x, kth, axis: library.take_along_axis(x, f(x, kth, axis), axis)
    return sides(pick, x, kth, axis)


add("numpy.partition", parted, via=sides, peer="compared through ftx.numpy")
add(
    "numpy.argpartition",
    parted,
    via=picked_sides,
    gradient=False,
    peer="compared through ftx.numpy",
)


PLACES = "of the default integer type, as the array API standard has it; JAX gives int32"


def sorted_line(rng, shape, dtype):
    return np.sort(rng.integers(0, 6, shape))


def searched(d):
    a = Operand((6,), d.dtype("if"), make=sorted_line)
    v = d.array("if", low=-1, high=7, ints=(-2, 8), special=True)
    o = d.options(side=("left", "right"), method=("scan", "sort", "compare_all", "scan_unrolled"))
    return Call((a, v), o)


add(
    "numpy.searchsorted",
    searched,
    lambda a, v, side="left", method=None: np.searchsorted(a, v, side),
    gradient=False,
    peer=PLACES,
)


def digits(d):
    down = d.flag()
    make = lambda *a: sorted_line(*a)[::-1] if down else sorted_line(*a)
    bins = Operand((5,), d.dtype("if"), make=make)
    return Call((d.array("if", ints=(-2, 8), low=-1, high=7), bins), d.options(right=(False, True)))


add("numpy.digitize", digits, gradient=False, peer=PLACES)


def counted(d):
    x = d.array(dtype=d.pick("int32", "uint8", "int64"), shape=d.pick((6,), (0,)), ints=(0, 5))
    o = {"length": d.pick(5, 7, 3)}
    if d.flag():
        o["weights"] = d.array("if", x.shape)
    return Call((x,), o)


def bincount(x, weights=None, length=None):
    return np.bincount(x.astype(int), weights, minlength=length)[:length]


add("numpy.bincount", counted, bincount, gradient=False, tolerance=32)


def binned(d):
    x = d.array("if", d.pick((9,), (2, 3)), ints=(0, 9))
    o = d.options(bins=(..., 4), range=(..., (-0.9, 1.7)), density=(..., True))
    if d.flag():
        o["bins"] = Operand((4,), np.dtype("float32"), make=sorted_edges)
        o.pop("range", None)
    if d.flag():
        o["weights"] = d.array("f", x.shape)
    return Call((x,), o)


def sorted_edges(rng, shape, dtype):
    return np.sort(rng.permutation(12)[: shape[0]]) / 2 - 2.03


counts = {"gradient": False, "tolerance": 64}
add("numpy.histogram", binned, **counts)


def edges(d):
    call = binned(d)
    o = {k: v for k, v in call.options.items() if k in ("bins", "range")}
    return Call(call.args, o)


add("numpy.histogram_bin_edges", edges, **counts)


def binned2(d):
    x, y = d.array("f", (9,)), d.array("f", (9,))
    return Call((x, y), d.options(bins=(3, [2, 4]), density=(..., True)))


add("numpy.histogram2d", binned2, **counts)
add(
    "numpy.histogramdd",
    lambda d: Call((d.array("f", (9, 2)),), d.options(bins=(3, [2, 4]), density=(..., True))),
    **counts,
)

# ---- where what is


def found(d):
    return Call((d.array("bif", ints=(0, 2)),), {"size": 4, "fill_value": d.pick(None, -1)})


def nonzero(x, size, fill_value):
    fill = 0 if fill_value is None else fill_value
    return tuple(
        np.concatenate([p[:size], np.full(max(0, size - len(p)), fill)]) for p in np.nonzero(x)
    )


lines = lambda d: Call((d.array("bif", d.shape(1), ints=(0, 2)),), found(d).options)
add("numpy.nonzero", lines, nonzero, gradient=False)
add("numpy.flatnonzero", found, lambda x, **o: nonzero(x.ravel(), **o)[0], gradient=False)
add("numpy.argwhere", lines, lambda x, **o: np.stack(nonzero(x, **o), -1), gradient=False)


def members(d):
    x, y = d.array("if", ints=(0, 6)), d.array("if", d.pick((4,), (0,), (2, 2)), ints=(0, 6))
    return Call((x, y), d.options(invert=(False, True)))


add("numpy.isin", members, gradient=False)

# ---- sets, with the size of the result


def filled(found, size, fill):
    """Cut to `size`, or lengthened by `fill`, by default the first element."""
    if len(found) >= size:
        return found[:size]
    fill = found[0] if fill is None else fill
    return np.concatenate([found, np.full(size - len(found), fill, found.dtype)])


def bag(d, n=5):
    return d.array("if" if d.flag() else "i", (n,), ints=(0, 4))


def distinct(d):
    x = d.array("if", d.pick((6,), (2, 3)), ints=(0, 4))
    return Call((x,), {"size": d.pick(4, 6, 2), "fill_value": d.pick(None, 9)})


def unique(x, size, fill_value):
    return filled(np.unique(x), size, fill_value)


add("numpy.unique numpy.unique_values", distinct, unique, gradient=False)


def unique_counts(x, size, fill_value):
    values, counts = np.unique(x, return_counts=True)
    return filled(values, size, fill_value), filled(counts, size, 0)


def unique_inverse(x, size, fill_value):
    values, inverse = np.unique(x, return_inverse=True)
    return filled(values, size, fill_value), inverse.reshape(x.shape)


whole = lambda d: Call(distinct(d).args, {"size": 6, "fill_value": 9})
add("numpy.unique_counts", distinct, unique_counts, gradient=False)
add("numpy.unique_inverse", whole, unique_inverse, gradient=False)


def unique_all(x, size, fill_value):
    values, first, inverse, counts = np.unique(x, True, True, True)
    return (
        filled(values, size, fill_value),
        filled(first, size, first[0]),
        inverse.reshape(x.shape),
        filled(counts, size, 0),
    )


add("numpy.unique_all", whole, unique_all, gradient=False)


def two_sets(d):
    return Call((bag(d), bag(d, 4)), {"size": 9, "fill_value": 7})


def set_row(name, function):
    oracle = lambda x, y, size, fill_value: filled(function(x, y), size, fill_value)
    add(f"numpy.{name}", two_sets, oracle, gradient=False)


for name in ("union1d", "intersect1d", "setdiff1d", "setxor1d"):
    set_row(name, getattr(np, name))


def alike(d):
    shape = d.shape()
    x = d.array("bif", shape, special=True, ints=(0, 2))
    y = d.array("bif", d.pick(shape, (2,)), special=True, ints=(0, 2))
    return Call((x, y), d.options(equal_nan=(False, True)))


add("numpy.array_equal", alike, gradient=False)
add("numpy.array_equiv", lambda d: Call(alike(d).args), gradient=False)

"""Rows of sums, extremes, moments, counts, scans and quantiles."""

import numpy as np

from ftx.core import dtypes
from tests.functions.draws import NOT_FINITE, Call
from tests.functions.rows import add


def shape_of(d, empty=True):
    """A shape, of several elements along each axis where slopes are taken."""
    return d.pick((3, 3), (3, 3, 3)) if d.smooth else d.shape(empty=empty)


def reduction(kinds, *, where=True, initial=(), dtype=False, empty=True, nan=False, **more):
    """An array, an axis or several, and the keywords that the function has."""

    def arguments(d):
        shape = shape_of(d, empty)
        x = d.array(kinds, shape, special=nan, **more)
        o = d.options(axis=(..., d.axes(len(shape))), keepdims=(..., True))
        if initial:
            fits = [i for i in initial if isinstance(i, int) or dtypes.is_inexact(x.dtype)]
            o |= d.options(initial=(..., *fits))
        if where and d.flag() and (not initial or "initial" in o or where == "always"):
            o["where"] = d.mask(shape)
        if dtype and d.flag():
            o["dtype"] = d.pick("float32", "float64") if d.smooth else d.pick("float32", "int32")
        return Call((x,), o)

    return arguments


def of_type(function):
    """`dtype` names that of the result, and NumPy would also compute in it."""

    def oracle(x, dtype=None, **options):
        if dtype is not None and np.dtype(dtype).kind == "i":
            x = x.astype(dtype)
        return function(x, **options)

    return oracle


add("numpy.sum", reduction("bifc", where="always", initial=(2, 0.1)), tolerance=32)
add("numpy.prod", reduction("bifc", where="always", initial=(2, 0.1)), tolerance=64)
add("numpy.max numpy.amax", reduction("bif", initial=(0, 3, 0.1), empty=False, nan=True))
add("numpy.min numpy.amin", reduction("bif", initial=(0, 3, 0.1), empty=False, nan=True))
whole = {"where": "always", "initial": (2, 0.1), "nan": NOT_FINITE}
add("numpy.nansum", reduction("bif", **whole), tolerance=32)
add("numpy.nanprod", reduction("bif", **whole), tolerance=64)
add("numpy.nanmax numpy.nanmin", reduction("if", initial=(0, 3, 0.1), empty=False, nan=True))
add("numpy.mean", reduction("bifc"), tolerance=32)
add("numpy.nanmean", reduction("bif", nan=NOT_FINITE), tolerance=32)
add("numpy.ptp", reduction("if", where=False, empty=False))
add("numpy.any numpy.all", reduction("bifc", nan=True), gradient=False)
add("numpy.count_nonzero", reduction("bifc", where=False, nan=True), gradient=False)


def moments(kinds, nan=False, spread=False):
    def arguments(d):
        shape = shape_of(d)
        x = d.array(kinds, shape, special=nan)
        o = d.options(axis=(..., d.axes(len(shape))), keepdims=(..., True), ddof=(..., 1))
        if d.flag():
            o["where"] = d.mask(shape)
        if d.smooth and spread:
            o.pop("where", None)
            return Call((d.array(kinds, (3, 4)),), {**o, "axis": d.pick(0, 1, None)})
        return Call((x,), o)

    return arguments


add("numpy.var", moments("bifc"), tolerance=64)
add("numpy.std", moments("bifc", spread=True), tolerance=64)
add("numpy.nanvar", moments("if", nan=NOT_FINITE), tolerance=64)
add("numpy.nanstd", moments("if", nan=NOT_FINITE, spread=True), tolerance=64)


def places(nan):
    def arguments(d):
        shape = d.shape(empty=False)
        x = d.array("bif" if not nan else "f", shape, special=not nan)
        o = d.options(axis=(..., *range(-len(shape), len(shape))), keepdims=(..., True))
        return Call((x,), o)

    return arguments


add("numpy.argmax numpy.argmin", places(False), gradient=False)
add("numpy.nanargmax numpy.nanargmin", places(True), gradient=False)


def scan(kinds, nan=False, axis_needed=False, **fixed):
    def arguments(d):
        shape = d.shape(1, 2 if axis_needed else 3)
        x = d.array(kinds, shape, special=nan, low=-1.5, high=1.5, ints=(-3, 4))
        o = {"axis": d.axis(len(shape))}
        if not axis_needed:
            o = d.options(axis=(o["axis"], ...))
        if d.flag() and not d.smooth:
            o["dtype"] = "complex64" if dtypes.is_complex(x.dtype) else d.pick("float32", "float64")
        return Call((x,), {**o, **{k: d.pick(*v) for k, v in fixed.items()}})

    return arguments


def scanned(function):
    """Without NumPy's dtype, in which it would also compute."""
    return lambda x, dtype=None, **o: function(x, **o)


add("numpy.cumsum", scan("bifc"), scanned(np.cumsum), tolerance=32)
add("numpy.cumprod", scan("bifc"), scanned(np.cumprod), tolerance=64)
add("numpy.nancumsum", scan("bif", nan=NOT_FINITE), scanned(np.nancumsum), tolerance=32)
add("numpy.nancumprod", scan("bif", nan=NOT_FINITE), scanned(np.nancumprod), tolerance=64)
both = {"axis_needed": True, "include_initial": (False, True)}
add("numpy.cumulative_sum", scan("ifc", **both), scanned(np.cumulative_sum), tolerance=32)
add(
    "numpy.cumulative_prod",
    scan("ifc", **both),
    scanned(np.cumulative_prod),
    tolerance=64,
    peer="narrow integers become the default one, as of cumulative_sum; JAX keeps them",
)

METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantiles(scale, nan):
    def arguments(d):
        # With keepdims JAX gives a scalar an axis.
        shape = d.shape(1 if d.mode == "types" else 0, empty=False)
        # Between infinities NumPy has NaN where only the weight 0 falls on one.
        x = d.array("if", shape, special=(np.nan,) if nan else ())
        # NumPy orders the axes of several dimensions of q otherwise without NaN.
        q = d.pick(0.3, 0.5, [0.1, 0.9], *([] if nan else [[[0.0, 1.0], [0.3, 0.6]]]))
        method = "linear" if d.smooth else d.pick(*METHODS)
        # Halfway between two places JAX, and ftx, take the lower; NumPy the even one.
        q = np.asarray(0.35 if method == "nearest" or d.smooth else q) * scale
        axis = d.axes(len(shape))
        o = {"axis": axis, "method": method, "keepdims": d.flag()}
        known = d.array(dtype="float64", shape=q.shape, make=lambda *_: q)
        # JAX takes no lists.
        several = known if d.mode == "types" else d.pick(known, q.tolist())
        return Call((x, several if q.ndim else q.item()), o)

    return arguments


quantile = {"tolerance": 64, "reason": "the place is a product of a rounded q"}
add("numpy.quantile", quantiles(1, False), **quantile)
add("numpy.nanquantile", quantiles(1, True), **quantile)
add("numpy.percentile", quantiles(100, False), **quantile)
add("numpy.nanpercentile", quantiles(100, True), **quantile)


def middles(nan=()):
    def arguments(d):
        shape = d.shape(1 if d.mode == "types" else 0, empty=False)
        o = d.options(axis=(..., d.axes(len(shape))), keepdims=(..., True))
        return Call((d.array("if", shape, special=nan),), o)

    return arguments


add("numpy.median", middles())
add("numpy.nanmedian", middles((np.nan,)))


def averages(d):
    shape = d.shape(1, empty=False)
    axis = d.pick(None, *range(-len(shape), len(shape)))
    o = d.options(keepdims=(..., True), returned=(..., True))
    x = d.array("ifc", shape)
    form = d.pick("none", "full", "line")
    if form == "none" or (form == "line" and axis is None):
        return Call((x,), {**o, "axis": axis})
    weights = d.array("if", shape if form == "full" else (shape[axis],), low=0.5, ints=(1, 5))
    return Call((x,), {**o, "axis": axis, "weights": weights})


add("numpy.average", averages, tolerance=64)


def samples(d):
    rows = d.array("ifc", d.pick((3, 5), (2, 4)))
    o = d.options(rowvar=(True, False))
    if d.flag():
        o["y"] = d.array("if", rows.shape)
    return Call((rows,), o)


def weighted(d):
    call = samples(d)
    n = call.args[0].shape[1 if call.options.get("rowvar", True) else 0]
    o = d.options(bias=(False, True), ddof=(..., 0))
    if d.flag():
        o["fweights"] = d.array(dtype="int32", shape=(n,), ints=(1, 4))
    if d.flag():
        o["aweights"] = d.array("f", (n,), low=0.5)
    return Call(call.args, {**call.options, **o})


add("numpy.corrcoef", samples, tolerance=300, reason="quotients of sums that cancel")
add("numpy.cov", weighted, tolerance=200, reason="sums of products that cancel")


def gradients(d):
    shape = d.pick((4, 5), (4,), (3, 3, 4))
    x = d.array("if", shape)
    axis = d.pick(*((None, 0, -1) if len(shape) == 1 else (None, 0, -1, (0, 1))))
    along = (
        d.array("f", (shape[axis],), make=lambda rng, s, t: np.arange(s[0]) ** 1.5)
        if (isinstance(axis, int))
        else 0.25
    )
    spacing = d.pick((), (0.1,), (along,))
    return Call((x, *spacing), d.options(axis=(axis,)))


add("numpy.gradient", gradients, tolerance=64)


def differences(d):
    shape = d.shape(1)
    axis = d.axis(len(shape))
    o = d.options(n=(1, 2, 0), axis=(axis,))
    for side in ("prepend", "append"):
        if d.flag():
            line = tuple(1 if i == axis % len(shape) else n for i, n in enumerate(shape))
            o[side] = d.pick(d.array("if", line), d.number("i"))
    return Call((d.array("ifc" if not d.smooth else "f", shape),), o)


add("numpy.diff", differences, tolerance=64)


def steps(d):
    ends = {
        k: d.pick(d.array("i", (2,)), d.number("i")) for k in ("to_end", "to_begin") if d.flag()
    }
    return Call((d.array("if", ints=(0, 9)),), ends)


def ediff1d(x, **ends):
    return np.ediff1d(x, **{k: np.asarray(v, x.dtype) for k, v in ends.items()})


add("numpy.ediff1d", steps, ediff1d, tolerance=32)


def trapezoids(d):
    shape = d.shape(1, empty=False)
    axis = d.axis(len(shape))
    y = d.array("if", shape)
    form = d.pick("dx", "x", "line")
    if form == "dx":
        return Call((y,), d.options(dx=(..., 0.1), axis=(axis,)))
    return Call((y, d.array("if", shape if form == "x" else (shape[axis],))), {"axis": axis})


add("numpy.trapezoid", trapezoids, tolerance=64)

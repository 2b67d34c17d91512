"""New arrays: constants, ranges, grids, triangles, files.

In: shapes, dtypes, numbers.  Out: arrays; under a trace, equations rather than constants.
Must not know: how arrays are combined.
"""

import math
import operator

import numpy as np

from ..core import dtypes
from ..core.array import Array, Value
from ..core.errors import ArgumentError, ShapeError, UnsupportedError
from ..core.primitives import elementwise as E
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.state import STATE
from . import elementwise as U
from .promotion import (
    QUIET,
    array,
    as_type,
    asarray,
    axis_index,
    broadcast,
    broadcast_value,
    common_type,
    operand,
    promote_dtypes,
    scalar,
    shape_tuple,
    unsupported,
)
from .shapes import moveaxis

__all__ = [
    *("arange", "array", "asarray", "astype", "copy", "diag_indices", "diag_indices_from"),
    *("empty", "empty_like", "eye", "frombuffer", "fromfunction", "fromiter", "fromstring"),
    *("from_dlpack", "full", "full_like", "geomspace", "identity", "indices", "linspace", "load"),
    *("logspace", "mask_indices", "meshgrid", "mgrid", "ogrid", "ones", "ones_like", "save"),
    *("savez", "tri", "tril", "tril_indices", "tril_indices_from", "triu", "triu_indices"),
    *("triu_indices_from", "vander", "zeros", "zeros_like"),
]

astype = U.astype


def constant(shape, value, dtype, weak_type=False):
    """`value`, a number, at every index: an equation under a trace, else an array in memory."""
    if STATE.trace is None:
        filled = np.empty(shape, dtype)
        QUIET.run(filled.fill, QUIET.run(np.asarray(value).astype, dtype)[()])
        return Array(filled, weak_type)
    return S.broadcast_in_dim(scalar(value, dtype, weak_type), tuple(shape), ())


def full(shape, fill_value, dtype=None, *, device=None, out_sharding=None):
    """`fill_value` at every index. fill_value: number or array that broadcasts to `shape`.

    >>> full((2,), 7).tolist()
    [7, 7]
    """
    unsupported("full", device=device, out_sharding=out_sharding)
    shape = shape_tuple("full", shape)
    if type(fill_value) in (bool, int, float, complex):
        kind = type(fill_value)
        if dtype is not None:
            return constant(shape, fill_value, dtypes.canonical(dtype))
        return constant(shape, fill_value, dtypes.python_scalar_dtype(kind), kind is not bool)
    value = asarray(fill_value)
    wanted = value.dtype if dtype is None else dtypes.canonical(dtype)
    return broadcast_value(C.convert(value, wanted, value.weak_type and dtype is None), shape)


def _constant(name, text, value):
    def make(shape, dtype=None, *, device=None, out_sharding=None):
        unsupported(name, device=device, out_sharding=out_sharding)
        wanted = dtypes.default_float() if dtype is None else dtypes.canonical(dtype)
        return constant(shape_tuple(name, shape), value, wanted)

    def like(a, dtype=None, shape=None, *, device=None, out_sharding=None):
        return full_like(a, value, dtype, shape, device=device, out_sharding=out_sharding)

    shown = f"[{float(value)}, {float(value)}]"
    make.__name__, like.__name__ = name, f"{name}_like"
    make.__doc__ = f"{text} at every index.\n\n    >>> {name}(2).tolist()\n    {shown}\n    "
    like.__doc__ = (
        f"{text} at every index of an array of the shape and dtype of `a`.\n\n"
        f"    >>> {name}_like(array([1.5, 2.5])).tolist()\n    {shown}\n    "
    )
    return make, like


zeros, zeros_like = _constant("zeros", "0", 0)
ones, ones_like = _constant("ones", "1", 1)
empty, _ = _constant("empty", "0", 0)


def empty_like(prototype, dtype=None, shape=None, *, device=None):
    """0 at every index of an array of the shape and dtype of `prototype`.

    >>> empty_like(array([1.5])).tolist()
    [0.0]
    """
    return full_like(prototype, 0, dtype, shape, device=device)


def full_like(a, fill_value, dtype=None, shape=None, *, device=None, out_sharding=None):
    """`fill_value` at every index of an array of the shape and dtype of `a`.

    >>> full_like(array([1, 2]), 7).tolist()
    [7, 7]
    """
    unsupported("full_like", device=device, out_sharding=out_sharding)
    like = a if isinstance(a, Value) or hasattr(a, "dtype") else asarray(a)
    sizes = like.shape if shape is None else shape_tuple("full_like", shape)
    wanted = dtypes.held(like.dtype) if dtype is None else dtypes.canonical(dtype)
    weak = dtype is None and getattr(like, "weak_type", False)
    if type(fill_value) in (bool, int, float, complex):
        return constant(sizes, fill_value, wanted, weak)
    return broadcast_value(C.convert(asarray(fill_value), wanted, weak), sizes)


def copy(a, order=None):
    """A copy of `a`. a: array[...] -> array[...]

    >>> copy(array([1, 2])).tolist()
    [1, 2]
    """
    return array(a, copy=True, order="K" if order is None else order)


def arange(start, stop=None, step=None, dtype=None, *, device=None, out_sharding=None):
    """start, start + step, … below stop; with one argument 0, 1, … below it.

    The arguments are known numbers, since they decide the shape.

    >>> arange(3).tolist()
    [0, 1, 2]
    """
    unsupported("arange", device=device, out_sharding=out_sharding)
    given = [v for v in (start, stop, step) if v is not None]
    if dtype is None:
        operands = [v if type(v) in (bool, int, float) else operand("arange", v) for v in given]
        dtype = common_type(operands)[0]
    dtype = dtypes.canonical(dtype)
    first, last = (0, start) if stop is None else (start, stop)
    first, last, by = (_known(v) for v in (first, last, 1 if step is None else step))
    if by == 0:
        raise ArgumentError("arange: expected a step that is not 0, got 0")
    whole = dtypes.is_integer(dtype) and all(isinstance(v, int) for v in (first, last, by))
    n = max(0, -((first - last) // by) if whole else math.ceil((last - first) / by))
    if whole:
        first, by = _wrapped(first, dtype), _wrapped(by, dtype)
    if STATE.trace is None:
        if dtype == dtypes.bfloat16:
            return Array(np.arange(first, last, by, np.float32)[:n].astype(dtype))
        return Array(_line(first, by, n, dtype))
    line = S.iota(dtype, (n,), 0)
    if by != 1:
        line = E.mul(line, _spread(by if whole else _rounded_step(first, by, dtype), line))
    return E.add(line, _spread(first, line)) if first else line


def _wrapped(n, dtype):
    """The low bits of an integer, which is what sums of its multiples in `dtype` depend on."""
    return np.asarray(n % 2**64, np.uint64).astype(dtype)


def _rounded_step(first, by, dtype):
    """What first + by adds to first in `dtype`, as in NumPy."""
    return np.asarray(first + by, dtype) - np.asarray(first, dtype)


def _line(first, by, n, dtype):
    steps = np.arange(n)
    if isinstance(by, np.ndarray):
        return steps.astype(dtype) * by + first
    if dtype.kind in "iu":
        return (steps * by + first).astype(dtype)
    return steps.astype(dtype) * _rounded_step(first, by, dtype) + np.asarray(first, dtype)


def _known(value):
    if isinstance(value, (bool, int, float)):
        return value
    return value.item() if hasattr(value, "item") else operator.index(value)


def _spread(value, like):
    number = value.item() if hasattr(value, "item") else value
    return S.broadcast_in_dim(scalar(number, like.dtype), like.shape, ())


def _ends(name, start, stop, dtype):
    """Both in the real or complex dtype to compute in, and the dtype of the result."""
    wanted = None if dtype is None else dtypes.canonical(dtype)
    if wanted is not None and dtypes.is_inexact(wanted):
        return as_type(name, start, wanted), as_type(name, stop, wanted), wanted
    low, high = promote_dtypes(name, start, stop, inexact=True)
    return low, high, wanted or low.dtype


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    """`num` numbers from start to stop at equal distances along `axis`.

    start, stop: array[...], broadcast together -> array with one more axis.
    Args:
      endpoint: whether stop is the last number.
      retstep: also return the distance.

    >>> linspace(0.0, 1.0, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    unsupported("linspace", device=device)
    num = operator.index(num)
    if num < 0:
        raise ArgumentError(f"linspace: expected num of at least 0, got {num}")
    low, high, wanted = _ends("linspace", start, stop, dtype)
    low, high = broadcast("linspace", C.convert(low, low.dtype), C.convert(high, high.dtype))
    kind, shape = low.dtype, low.shape
    div = num - 1 if endpoint else num
    gap = U.divide(U.subtract(high, low), as_type("linspace", div, kind))
    if num > 1 and dtypes.is_integer(wanted):
        out = _whole_steps(low, high, num, div)
    elif num > 1:
        real = dtypes.real_of(kind)
        line = E.div(S.iota(real, (div,), 0), S.full((div,), div, real))
        line = S.broadcast_in_dim(C.convert(line, kind), (div, *shape), (0,))
        one = S.full(line.shape, 1, kind)
        lows, highs = broadcast_value(low, line.shape), broadcast_value(high, line.shape)
        out = E.add(E.mul(lows, E.sub(one, line)), E.mul(highs, line))
        if endpoint:
            out = S.concatenate([out, S.reshape(high, (1, *shape))], 0)
    else:
        out = broadcast_value(low, (num, *shape))
        gap = gap if num == 1 and not endpoint else constant(gap.shape, math.nan, gap.dtype)
    if dtypes.is_integer(wanted):
        out = E.floor(out)
    out = moveaxis(C.convert(out, wanted), 0, axis_index("linspace", axis, out.ndim))
    return (out, gap) if retstep else out


def _whole_steps(low, high, num, div):
    """In float64 and by NumPy's formula, which rounds no integer below itself."""
    low, high = C.convert(low, dtypes.float64), C.convert(high, dtypes.float64)
    step = E.div(E.sub(high, low), S.full(low.shape, div, dtypes.float64))
    shape = (num, *low.shape)
    place, step = S.iota(dtypes.float64, shape, 0), broadcast_value(step, shape)
    return E.add(E.mul(place, step), broadcast_value(low, shape))


def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    """base**start to base**stop at equal ratios along `axis`. Arguments as of `linspace`.

    >>> logspace(0, 2, 3).tolist()
    [1.0, 10.0, 100.0]
    """
    low, high, wanted = _ends("logspace", start, stop, dtype)
    exponents = linspace(low, high, num, endpoint, axis=axis)
    return C.convert(U.power(as_type("logspace", base, exponents.dtype), exponents), wanted)


def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """`num` numbers from start to stop at equal ratios. Arguments as of `linspace`.

    >>> [round(v, 3) for v in geomspace(1.0, 8.0, 4).tolist()]
    [1.0, 2.0, 4.0, 8.0]
    """
    low, high, wanted = _ends("geomspace", start, stop, dtype)
    low, high = broadcast("geomspace", low, high)
    side = E.sign(low)
    logs = linspace(U.log(E.mul(low, side)), U.log(E.mul(high, side)), num, endpoint, axis=axis)
    sides = moveaxis(broadcast_value(side, (num, *side.shape)), 0, axis)
    return C.convert(E.mul(U.exp(logs), sides), wanted)


def eye(N, M=None, k=0, dtype=None, *, device=None):
    """1 on the k-th diagonal of an N by M matrix, else 0.

    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    unsupported("eye", device=device)
    shape = shape_tuple("eye", (N, N if M is None else M))
    wanted = dtypes.default_float() if dtype is None else dtypes.canonical(dtype)
    if STATE.trace is None:
        return Array(np.eye(*shape, operator.index(k), wanted))
    return C.convert(E.eq(*_diagonal_indices(shape, operator.index(k))), wanted)


def identity(n, dtype=None):
    """The identity matrix: float[n, n].

    >>> identity(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype)


def _diagonal_indices(shape, k):
    """Row + k and column of every element of a matrix."""
    row, column = S.iota(dtypes.int64, shape, 0), S.iota(dtypes.int64, shape, 1)
    return (E.add(row, S.full(shape, k, dtypes.int64)) if k else row), column


def tri(N, M=None, k=0, dtype=None):
    """1 on and below the k-th diagonal of an N by M matrix, else 0.

    >>> tri(2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    shape = shape_tuple("tri", (N, N if M is None else M))
    wanted = dtypes.float32 if dtype is None else dtypes.canonical(dtype)
    return C.convert(E.ge(*_diagonal_indices(shape, operator.index(k))), wanted)


def _triangle(name, m, k, lower):
    x = operand(name, asarray(m))
    if x.ndim < 2:
        raise ShapeError(f"{name}: expected at least two axes, got {x.aval}")
    row, column = _diagonal_indices(x.shape[-2:], operator.index(k))
    kept = E.ge(row, column) if lower else E.le(row, column)
    return C.select(broadcast_value(kept, x.shape), x, S.full(x.shape, 0, x.dtype))


def tril(m, k=0):
    """m with 0 above the k-th diagonal. m: array[..., p, q]

    >>> tril(array([[1, 2], [3, 4]])).tolist()
    [[1, 0], [3, 4]]
    """
    return _triangle("tril", m, k, True)


def triu(m, k=0):
    """m with 0 below the k-th diagonal. m: array[..., p, q]

    >>> triu(array([[1, 2], [3, 4]])).tolist()
    [[1, 2], [0, 4]]
    """
    return _triangle("triu", m, k, False)


def _indices(found):
    return tuple(Array(np.asarray(i, dtypes.default_int())) for i in found)


def tril_indices(n, k=0, m=None):
    """Row and column indices of the elements on and below the k-th diagonal: two int arrays.

    >>> [i.tolist() for i in tril_indices(2)]
    [[0, 1, 1], [0, 0, 1]]
    """
    return _indices(np.tril_indices(n, k, m))


def triu_indices(n, k=0, m=None):
    """Row and column indices of the elements on and above the k-th diagonal: two int arrays.

    >>> [i.tolist() for i in triu_indices(2)]
    [[0, 0, 1], [0, 1, 1]]
    """
    return _indices(np.triu_indices(n, k, m))


def tril_indices_from(arr, k=0):
    """`tril_indices` for the shape of a matrix.

    >>> len(tril_indices_from(eye(2)))
    2
    """
    return tril_indices(arr.shape[-2], k, arr.shape[-1])


def triu_indices_from(arr, k=0):
    """`triu_indices` for the shape of a matrix.

    >>> len(triu_indices_from(eye(2)))
    2
    """
    return triu_indices(arr.shape[-2], k, arr.shape[-1])


def diag_indices(n, ndim=2):
    """Indices of the main diagonal of an array with `ndim` axes of size n.

    >>> [i.tolist() for i in diag_indices(2)]
    [[0, 1], [0, 1]]
    """
    return (arange(n),) * ndim


def diag_indices_from(arr):
    """Indices of the main diagonal of an array with equal sizes.

    >>> len(diag_indices_from(eye(2)))
    2
    """
    if len(set(arr.shape)) != 1 or arr.ndim < 2:
        raise ShapeError(f"diag_indices_from: expected equal sizes, got {arr.shape}")
    return diag_indices(arr.shape[0], arr.ndim)


def mask_indices(n, mask_func, k=0, *, size=None):
    """Indices where `mask_func(ones((n, n)), k)` is not zero; known, since they decide a shape.

    >>> [i.tolist() for i in mask_indices(2, triu)]
    [[0, 0, 1], [0, 1, 1]]
    """
    unsupported("mask_indices", size=size)
    return _indices(np.nonzero(np.asarray(mask_func(ones((n, n)), k))))


def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    """Coordinate arrays from coordinate vectors.

    Args:
      indexing: 'ij' for axes in the order of the arguments; 'xy' exchanges the first two.
      sparse: keep size 1 along the other axes.
      copy: True; views that share memory are refused, as in JAX.

    >>> [g.tolist() for g in meshgrid(array([1, 2]), array([3]))]
    [[[1, 2]], [[3, 3]]]
    """
    if not copy:
        raise UnsupportedError(
            "meshgrid: expected copy=True, since no result is a view of another, got "
            f"copy={copy!r}; leave it out"
        )
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid: expected indexing 'xy' or 'ij', got {indexing!r}")
    lines = [operand("meshgrid", asarray(x)) for x in xi]
    n = len(lines)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    shape = [0] * n
    for axis, x in zip(order, lines, strict=True):
        shape[axis] = x.size
    out = []
    for axis, x in zip(order, lines, strict=True):
        view = [1] * n
        view[axis] = x.size
        column = S.reshape(x, view)
        out.append(column if sparse else broadcast_value(column, tuple(shape)))
    return out


def indices(dimensions, dtype=None, sparse=False):
    """The index along each axis at every place of a grid: integer[len(dimensions), *dimensions].

    >>> indices((1, 2)).tolist()
    [[[0, 0]], [[0, 1]]]
    """
    sizes = shape_tuple("indices", dimensions)
    wanted = dtypes.default_int() if dtype is None else dtypes.canonical(dtype)
    grids = meshgrid(*[S.iota(wanted, (n,), 0) for n in sizes], sparse=sparse, indexing="ij")
    if sparse:
        return tuple(grids)
    return S.concatenate([S.reshape(g, (1, *sizes)) for g in grids], 0)


def fromfunction(function, shape, *, dtype=float, **kwargs):
    """function(*indices) at every index of `shape`.

    >>> fromfunction(lambda i, j: i + j, (2, 2), dtype=int).tolist()
    [[0, 1], [1, 2]]
    """
    grid = indices(shape, dtype)
    return function(*[grid[i] for i in range(len(shape))], **kwargs)


class _Grid:
    """Grids written as slices: `mgrid[0:2, 0:3]`; a complex step is a number of points."""

    def __init__(self, sparse):
        self._sparse = sparse

    def __getitem__(self, key):
        single = not isinstance(key, tuple)
        lines = [self._line(k) for k in ((key,) if single else key)]
        if single:
            return lines[0]
        lines = promote_dtypes("mgrid", *lines)
        grids = meshgrid(*lines, sparse=self._sparse, indexing="ij")
        if self._sparse:
            return grids
        return S.concatenate([S.reshape(g, (1, *g.shape)) for g in grids], 0)

    @staticmethod
    def _line(key):
        start = 0 if key.start is None else key.start
        if isinstance(key.step, complex):
            return linspace(start, key.stop, int(abs(key.step)))
        return arange(start, key.stop, 1 if key.step is None else key.step)


mgrid, ogrid = _Grid(False), _Grid(True)


def vander(x, N=None, increasing=False):
    """Powers of x as columns: x**(N-1), …, x, 1. x: array[n] -> array[n, N]

    >>> vander(array([2, 3])).tolist()
    [[2, 1], [3, 1]]
    """
    x = operand("vander", asarray(x))
    if x.ndim != 1:
        raise ShapeError(f"vander: expected one axis, got {x.aval}")
    n = x.size if N is None else operator.index(N)
    columns = [U.power(x, i) for i in (range(n) if increasing else range(n)[::-1])]
    if not columns:
        return zeros((x.size, 0), x.dtype)
    return S.concatenate([S.reshape(c, (x.size, 1)) for c in columns], 1)


def from_dlpack(x, /, *, device=None, copy=None):
    """Array[...] of another library, without a copy if possible. x: has `__dlpack__`.

    >>> from_dlpack(np.arange(3)).tolist()
    [0, 1, 2]
    """
    unsupported("from_dlpack", device=device)
    return asarray(np.from_dlpack(x), copy=copy)


def frombuffer(buffer, dtype=float, count=-1, offset=0):
    """The bytes of `buffer` as an array; `float` is float64, as in NumPy.

    >>> frombuffer(b"ab", dtype="uint8").tolist()
    [97, 98]
    """
    return asarray(np.frombuffer(buffer, dtype, count, offset))


def fromiter(*args, **kwargs):
    """`numpy.fromiter` as an array.

    >>> fromiter(iter([1, 2]), int).tolist()
    [1, 2]
    """
    return asarray(np.fromiter(*args, **kwargs))


def fromstring(string, dtype=float, count=-1, *, sep):
    """Numbers parsed from text, separated by `sep`.

    >>> fromstring("1 2", sep=" ").tolist()
    [1.0, 2.0]
    """
    return asarray(np.fromstring(string, dtypes.canonical(dtype), count, sep=sep))


def load(file, *args, **kwargs):
    """The array saved in a file by `save`; of a .npz file NumPy's mapping.

    >>> import io
    >>> file = io.BytesIO(); save(file, ones(2)); _ = file.seek(0)
    >>> load(file).tolist()
    [1.0, 1.0]
    """
    found = np.load(file, *args, **kwargs)
    return asarray(found) if isinstance(found, np.ndarray) else found


def save(file, arr, allow_pickle=True):
    """Write array[...] to a .npy file.

    >>> import io
    >>> save(io.BytesIO(), ones(2))
    """
    np.save(file, np.asarray(arr), allow_pickle=allow_pickle)


def savez(file, *args, allow_pickle=True, **kwds):
    """Write several arrays to a .npz file.

    >>> import io
    >>> savez(io.BytesIO(), x=ones(2))
    """
    arrays = [np.asarray(a) for a in args]
    np.savez(
        file, *arrays, allow_pickle=allow_pickle, **{k: np.asarray(v) for k, v in kwds.items()}
    )

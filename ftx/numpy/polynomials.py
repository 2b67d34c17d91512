"""Polynomials, divisors, bits, piecewise functions, and functions applied along axes.

In: arrays, and functions where NumPy takes them.  Out: arrays.
Must not know: how `vmap` works.
"""

import operator
import re

import numpy as np

from ..core import dtypes
from ..core.array import Array
from ..core.errors import ArgumentError, DTypeError, ShapeError, UnsupportedError
from ..core.primitives import elementwise as E
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.state import STATE
from ..transforms.vmap import vmap
from . import composed as M
from . import creation, indexing, joining, linalg, linear_algebra, ordering, reductions, shapes
from . import elementwise as U
from .at_once import INTEGERS, at_hand, at_once
from .convolutions import convolve
from .promotion import (
    as_type,
    asarray,
    axis_index,
    broadcast,
    broadcast_value,
    cast,
    common_shape,
    operand,
    promote,
    promote_dtypes,
)

__all__ = [
    *("apply_along_axis", "apply_over_axes", "choose", "fill_diagonal", "gcd", "lcm", "packbits"),
    *(
        "piecewise",
        "polyadd",
        "poly",
        "polyder",
        "polydiv",
        "polyfit",
        "polyint",
        "polymul",
        "polysub",
        "polyval",
    ),
    *("roots", "unpackbits", "vectorize"),
]


def polyval(p, x, *, unroll=16):
    """Value at x of the polynomial with coefficients p, the highest power first. p: [n, ...]

    >>> polyval(asarray([1.0, 0.0, 2.0]), 3.0).tolist()
    11.0
    """
    c, x = promote_dtypes("polyval", asarray(p), asarray(x))
    out = None
    for i in range(c.shape[0]):
        term = S.reshape(S.slice_axis(c, 0, i, i + 1), c.shape[1:])
        out = term if out is None else U.add(U.multiply(out, x), term)
    return (
        creation.zeros_like(x)
        if out is None
        else U.add(out, U.multiply(x, 0) if c.shape[0] == 1 else 0)
    )


def _aligned(name, a1, a2):
    x, y = (shapes.atleast_1d(v) for v in promote_dtypes(name, asarray(a1), asarray(a2)))
    n = max(x.shape[0], y.shape[0])
    zero = S.full((), 0, x.dtype)
    return (S.pad(v, zero, ((n - v.shape[0], 0, 0),)) for v in (x, y))


def polyadd(a1, a2):
    """Sum of two polynomials, the highest power first. a1: [n], a2: [m]

    >>> polyadd(asarray([1, 2]), asarray([3])).tolist()
    [1, 5]
    """
    return U.add(*_aligned("polyadd", a1, a2))


def polysub(a1, a2):
    """Difference of two polynomials, the highest power first. a1: [n], a2: [m]

    >>> polysub(asarray([1, 2]), asarray([3])).tolist()
    [1, -1]
    """
    return U.subtract(*_aligned("polysub", a1, a2))


def polymul(a1, a2, *, trim_leading_zeros=False):
    """Product of two polynomials, the highest power first. a1: [n], a2: [m]

    >>> polymul(asarray([1, 2]), asarray([1, 3])).tolist()
    [1.0, 5.0, 6.0]
    """
    x, y = shapes.atleast_1d(asarray(a1)), shapes.atleast_1d(asarray(a2))
    if trim_leading_zeros:
        x, y = joining.trim_zeros(x, "f"), joining.trim_zeros(y, "f")
    return convolve(x, y)


def polydiv(u, v, *, trim_leading_zeros=False):
    """(quotient, remainder) of two polynomials, the highest power first. u: [n], v: [m]

    Args:
      trim_leading_zeros: drop zeros, which must be known, from the front of the remainder; else
        it has the length of `u`.

    >>> [v.tolist() for v in polydiv(asarray([1.0, 5.0, 6.0]), asarray([1.0, 2.0]))]
    [[1.0, 3.0], [0.0, 0.0, 0.0]]
    """
    u, v = promote_dtypes("polydiv", asarray(u), asarray(v), inexact=True)
    if u.ndim != 1 or v.ndim != 1 or not v.size:
        raise ShapeError(f"polydiv: expected polynomials [n] and [m], got {u.aval} and {v.aval}")
    m, steps = v.size, u.size - v.size + 1
    quotient, rest = [], u
    for k in range(max(steps, 0)):
        factor = U.divide(rest[k], v[0])
        quotient.append(factor)
        rest = rest.at[k : k + m].add(U.negative(U.multiply(factor, v)))
    found = joining.stack(quotient) if quotient else creation.zeros((1,), u.dtype)
    return found, joining.trim_zeros(rest, "f") if trim_leading_zeros else rest


def poly(seq_of_zeros):
    """Coefficients of the polynomial with the given roots, the highest power first. [n] -> [n + 1]

    >>> poly(asarray([1.0, 2.0])).tolist()
    [1.0, -3.0, 2.0]
    """
    (x,) = promote_dtypes("poly", shapes.atleast_1d(asarray(seq_of_zeros)), inexact=True)
    if x.ndim == 2 and x.shape[0] == x.shape[1]:
        raise UnsupportedError(
            f"poly: expected roots [n], got the matrix {x.aval}; pass its eigenvalues"
        )
    if x.ndim != 1:
        raise ShapeError(f"poly: expected roots [n], got {x.aval}")
    found = creation.ones((1,), x.dtype)
    for k in range(x.size):
        found = polymul(found, joining.stack([creation.ones((), x.dtype), U.negative(x[k])]))
    return found


def polyder(p, m=1):
    """m-th derivative of a polynomial, the highest power first. p: [n] -> [n - m]

    >>> polyder(asarray([1, 2, 3])).tolist()
    [2.0, 2.0]
    """
    (x,) = promote_dtypes("polyder", shapes.atleast_1d(asarray(p)), inexact=True)
    for _ in range(operator.index(m)):
        n = x.shape[0]
        powers = cast(asarray(np.arange(n - 1, 0, -1)), x.dtype)
        x = U.multiply(S.slice_axis(x, 0, 0, max(n - 1, 0)), powers)
    return x


def polyint(p, m=1, k=None):
    """m-th integral of a polynomial, the highest power first, with constants k. p: [n] -> [n + m]

    >>> polyint(asarray([2.0, 2.0])).tolist()
    [1.0, 2.0, 0.0]
    """
    (x,) = promote_dtypes("polyint", shapes.atleast_1d(asarray(p)), inexact=True)
    m = operator.index(m)
    constants = (
        creation.zeros(m, x.dtype)
        if k is None
        else broadcast_value(shapes.atleast_1d(asarray(k, x.dtype)), (m,))
    )
    for i in range(m):
        n = x.shape[0]
        x = U.divide(x, cast(asarray(np.arange(n, 0, -1)), x.dtype))
        x = S.concatenate([x, S.slice_axis(constants, 0, i, i + 1)], 0)
    return x


def polyfit(x, y, deg, rcond=None, full=False, w=None, cov=False):
    """Coefficients [deg + 1], the highest power first, that fit y at x best. x: [n]; y: [n, ...]

    Args:
      rcond: singular values below rcond times the largest count as 0.
      full: also return residuals, rank, singular values and rcond.
      w: weights [n] of the differences.
      cov: also return the covariance of the coefficients, scaled by chi² over the degrees of
        freedom unless it is "unscaled".

    >>> found = polyfit(asarray([0.0, 1.0, 2.0]), asarray([1.0, 3.0, 5.0]), 1)
    >>> [round(v, 3) for v in found.tolist()]
    [2.0, 1.0]
    """
    x, y = promote_dtypes("polyfit", asarray(x), asarray(y), inexact=True)
    order = operator.index(deg) + 1
    rows, right = creation.vander(x, order), y
    if w is not None:
        rows, right, scale = promote_dtypes("polyfit", rows, y, asarray(w))
        rows = U.multiply(rows, S.expand_dims(scale, (1,)))
        right = U.multiply(right, scale if y.ndim == 1 else S.expand_dims(scale, (1,)))
    size = U.sqrt(reductions.sum(U.square(rows), 0))
    limit = x.shape[0] * float(np.finfo(rows.dtype).eps) if rcond is None else rcond
    rows = U.divide(rows, size)
    found, residuals, rank, sizes = linalg.lstsq(rows, right, limit)
    found = U.divide(found, size if found.ndim == 1 else S.expand_dims(size, (1,)))
    if full:
        return found, residuals, rank, sizes, asarray(limit)
    return (found, _covariance(rows, size, y, residuals, cov)) if cov else found


def _covariance(rows, size, y, residuals, cov):
    base = linalg.inv(linear_algebra.matmul(shapes.transpose(rows), rows))
    base = U.divide(base, linear_algebra.outer(size, size))
    n, order = rows.shape
    factor = 1
    if cov != "unscaled":
        if n <= order:
            raise ArgumentError(
                f"polyfit: expected more than {order} points to scale the covariance, got {n}; "
                "pass cov='unscaled'"
            )
        factor = U.divide(residuals, float(n - order))
    if y.ndim == 1:
        return U.multiply(base, factor)
    return U.multiply(S.expand_dims(base, (2,)), factor)


def roots(p, *, strip_zeros=True):
    """Roots of a polynomial, the highest power first: complex[n - 1].

    Args:
      strip_zeros: leave out the powers above the highest that has a coefficient, which must be
        known; if False they have roots NaN, at the end, and `p` may be traced.

    >>> sorted(round(v.real, 3) for v in roots(asarray([1.0, -3.0, 2.0])).tolist())
    [1.0, 2.0]
    """
    (x,) = promote_dtypes("roots", shapes.atleast_1d(asarray(p)), inexact=True)
    if x.ndim != 1:
        raise ShapeError(f"roots: expected coefficients [n], got {x.aval}")
    if not strip_zeros:
        return _all_roots(x)
    if STATE.trace is not None:
        raise UnsupportedError(
            f"roots: expected known coefficients with strip_zeros=True, got a traced {x.aval}; "
            "pass strip_zeros=False"
        )
    found = np.roots(x._live().astype(np.complex128))
    return Array(found.astype(dtypes.complex_of(dtypes.real_of(x.dtype))))


def _all_roots(x):
    """Eigenvalues of the companion matrix, the larger first; those of missing powers are NaN."""
    kind, n = dtypes.complex_of(x.dtype), x.size - 1
    if n < 1:
        return creation.zeros((0,), kind)
    there = U.not_equal(x, 0)
    missing = M.choose_between("roots", reductions.any(there), reductions.argmax(there), n + 1)
    x = indexing.take(x, U.remainder(U.add(creation.arange(n + 1), missing), n + 1))
    first = M.choose_between("roots", U.equal(x[0], 0), 1, x[0])
    top = U.negative(U.divide(x[1:], first))
    matrix = joining.concatenate([top[None], creation.eye(n - 1, n, dtype=x.dtype)])
    found = linalg.eigvals(matrix)
    found = indexing.take(found, ordering.argsort(U.absolute(found), descending=True))
    wanted = U.less(creation.arange(n), U.subtract(n, missing))
    return M.choose_between("roots", wanted, found, np.asarray(complex(np.nan, np.nan), kind))


def fill_diagonal(a, val, wrap=False, *, inplace=True):
    """`a` with `val` on its main diagonal; inplace must be False.

    >>> fill_diagonal(asarray([[1, 2], [3, 4]]), 0, inplace=False).tolist()
    [[0, 2], [3, 0]]
    """
    if inplace or wrap:
        raise UnsupportedError(
            f"fill_diagonal: expected inplace=False and wrap=False, got {inplace} and {wrap}; "
            "use the result"
        )
    x = operand("fill_diagonal", asarray(a))
    if x.ndim == 2:
        places = (creation.arange(min(x.shape)),) * 2
    else:
        places = creation.diag_indices_from(x)
    new = shapes.ravel(asarray(val, x.dtype))
    n = places[0].shape[0]
    if new.size > 1:
        new = joining.resize(new, (n,))
    return indexing.At(x)[places].set(new if new.size > 1 else S.reshape(new, ()))


def packbits(a, axis=None, bitorder="big"):
    """Bits (elements that are not zero) packed by eights into uint8 along an axis.

    >>> packbits(asarray([1, 0, 0, 0, 0, 0, 0, 1])).tolist()
    [129]
    """
    if bitorder not in ("big", "little"):
        raise ArgumentError(f"packbits: expected bitorder 'big' or 'little', got {bitorder!r}")
    x = U.truth("packbits", asarray(a))
    if axis is None:
        x, axis = S.reshape(x, (x.size,)), 0
    at = axis_index("packbits", axis, x.ndim)
    if at_hand(x):
        return Array(np.packbits(x._np, at, bitorder))
    x = C.convert(shapes.moveaxis(x, at, -1), dtypes.uint8)
    n = x.shape[-1]
    config = [(0, 0, 0)] * (x.ndim - 1) + [(0, -n % 8, 0)]
    x = S.pad(x, S.full((), 0, dtypes.uint8), config)
    x = S.reshape(x, (*x.shape[:-1], x.shape[-1] // 8, 8))
    places = np.arange(8) if bitorder == "little" else np.arange(8)[::-1]
    scale = broadcast_value(Array((1 << places).astype(np.uint8)), x.shape)
    packed = reductions.sum(E.mul(x, scale), -1, dtype=dtypes.uint8)
    return shapes.moveaxis(packed, -1, at)


def unpackbits(a, axis=None, count=None, bitorder="big"):
    """The bits of uint8 as 0 and 1 along an axis.

    >>> unpackbits(asarray([129], dtype="uint8")).tolist()
    [1, 0, 0, 0, 0, 0, 0, 1]
    """
    x = operand("unpackbits", asarray(a))
    if x.dtype != dtypes.uint8:
        raise ShapeError(f"unpackbits: expected uint8, got {x.aval}; use astype")
    if axis is None:
        x, axis = S.reshape(x, (x.size,)), 0
    at = axis_index("unpackbits", axis, x.ndim)
    if at_hand(x):
        return Array(np.unpackbits(x._np, at, count, bitorder))
    x = shapes.moveaxis(x, at, -1)
    places = np.arange(8, dtype=np.uint8)
    places = places if bitorder == "little" else places[::-1].copy()
    wide = S.broadcast_in_dim(x, (*x.shape, 8), tuple(range(x.ndim)))
    found = E.shift_right_logical(wide, broadcast_value(Array(places), wide.shape))
    found = E.and_(found, S.full(wide.shape, 1, dtypes.uint8))
    found = S.reshape(found, (*x.shape[:-1], x.shape[-1] * 8))
    if count is not None:
        n = found.shape[-1]
        keep = count if count >= 0 else n + count
        found = S.slice_axis(found, found.ndim - 1, 0, min(keep, n))
        found = S.pad(
            found,
            S.full((), 0, dtypes.uint8),
            [(0, 0, 0)] * (found.ndim - 1) + [(0, max(keep - n, 0), 0)],
        )
    return shapes.moveaxis(found, -1, at)


def piecewise(x, condlist, funclist, *args, **kw):
    """At every index the function of the last true condition, applied to x. x: array[...]

    >>> piecewise(asarray([-1.0, 2.0]), [asarray([True, False])], [0.0, lambda v: v * 2]).tolist()
    [0.0, 4.0]
    """
    x = operand("piecewise", x)
    funs = list(funclist)
    if len(funs) == len(condlist):
        funs = [0, *funs]
    elif len(funs) == len(condlist) + 1:
        funs = [funs[-1], *funs[:-1]]
    else:
        raise ShapeError(
            f"piecewise: expected {len(condlist)} or {len(condlist) + 1} functions, got {len(funs)}"
        )
    value = lambda f: f(x, *args, **kw) if callable(f) else f
    out = broadcast_value(as_type("piecewise", value(funs[0]), x.dtype), x.shape)
    for condition, f in zip(condlist, funs[1:], strict=True):
        out = M.choose_between("piecewise", condition, as_type("piecewise", value(f), x.dtype), out)
    return out


def choose(a, choices, out=None, mode="raise"):
    """choices[a] at every index. a: integer[...]; choices: arrays that broadcast with it.

    >>> choose(asarray([0, 1]), [asarray([1, 2]), asarray([3, 4])], mode="clip").tolist()
    [1, 4]
    """
    if out is not None or mode == "raise" and STATE.trace is not None:
        raise UnsupportedError(
            "choose: expected mode 'clip' or 'wrap' under a transform, and out=None, got "
            f"mode={mode!r}; pass mode='clip'"
        )
    which = operand("choose", a)
    cases = promote_dtypes("choose", *choices)
    if mode == "wrap":
        which = U.remainder(which, len(cases))
    elif mode == "raise" and type(which) is Array:
        bad = bool(np.any((which._live() < 0) | (which._live() >= len(cases))))
        if bad:
            raise ArgumentError(
                f"choose: expected indices in 0..{len(cases) - 1}, got one outside; use mode='clip'"
            )
    which, *cases = broadcast("choose", C.convert(which, dtypes.int32), *cases)
    return C.select_n(which, *cases)


@at_once(np.gcd, INTEGERS)
def gcd(x1, x2):
    """Greatest common divisor of integers. x1, x2 broadcast together, by element.

    >>> gcd(12, 18).tolist()
    6
    """
    x, y = promote("gcd", x1, x2)
    if not dtypes.is_integer(x.dtype):
        raise DTypeError(f"gcd: expected integers, got {x.aval}")
    x, y = U.absolute(x), U.absolute(y)
    zero, one = S.full(x.shape, 0, x.dtype), S.full(x.shape, 1, x.dtype)
    for _ in range(int(1.45 * 8 * x.dtype.itemsize) + 1):  # Fibonacci numbers take longest
        done = E.eq(y, zero)
        rest = E.rem(x, C.select(done, one, y))
        x, y = C.select(done, x, y), C.select(done, zero, rest)
    return U.absolute(x)  # of the lowest number the remainders are negative


@at_once(np.lcm, INTEGERS)
def lcm(x1, x2):
    """Least common multiple of integers. x1, x2 broadcast together, by element.

    >>> lcm(4, 6).tolist()
    12
    """
    x, y = promote("lcm", x1, x2)
    divisor = gcd(x, y)
    zero, one = S.full(x.shape, 0, x.dtype), S.full(x.shape, 1, x.dtype)
    none = E.eq(divisor, zero)
    part = E.div(U.absolute(x), C.select(none, one, divisor))
    return C.select(none, zero, E.mul(part, U.absolute(y)))


_DIMS = r"\((?:\w+(?:,\w+)*,?)?\)"


def _parse_signature(signature):
    text = signature.replace(" ", "")
    if not re.match(rf"^{_DIMS}(?:,{_DIMS})*->{_DIMS}(?:,{_DIMS})*$", text):
        raise ArgumentError(
            f"vectorize: expected a signature such as '(n),(n)->()', got {signature!r}"
        )
    sides = text.split("->")
    split = lambda side: [
        tuple(d for d in dims.strip("()").split(",") if d) for dims in re.findall(_DIMS, side)
    ]
    return split(sides[0]), split(sides[1])


def vectorize(pyfunc, *, excluded=frozenset(), signature=None):
    """`pyfunc`, written for single elements, on arrays that broadcast together.

    Args:
      excluded: positions and names of arguments passed as they are.
      signature: axes `pyfunc` handles itself, e.g. '(n),(n)->()'.

    >>> vectorize(lambda x, y: x + y)(asarray([1, 2]), 3).tolist()
    [4, 5]
    """
    inputs = None if signature is None else _parse_signature(signature)[0]

    def run(*args, **kwargs):
        fixed = {i for i in excluded if isinstance(i, int)}
        moving = [i for i in range(len(args)) if i not in fixed]
        values = [operand("vectorize", asarray(args[i])) for i in moving]
        own = [()] * len(values) if inputs is None else inputs
        if len(own) != len(values):
            raise ShapeError(
                f"vectorize: expected {len(own)} arguments for {signature!r}, got {len(values)}"
            )
        sizes = {}
        leads = []
        for v, dims in zip(values, own, strict=True):
            if v.ndim < len(dims):
                raise ShapeError(f"vectorize: expected axes {dims}, got {v.aval}")
            for name, n in zip(dims, v.shape[v.ndim - len(dims) :], strict=True):
                if sizes.setdefault(name, n) != n:
                    raise ShapeError(
                        f"vectorize: expected axis {name!r} of one size, got {sizes[name]} and {n}"
                    )
            leads.append(v.shape[: v.ndim - len(dims)])
        lead = common_shape("vectorize", *leads)

        def one(*parts):
            full = list(args)
            for i, part in zip(moving, parts, strict=True):
                full[i] = part
            return pyfunc(*full, **kwargs)

        # An axis is mapped for the arguments that have it; those of size 1 are dropped.
        squeezed, kept = [], []
        for v, shape in zip(values, leads, strict=True):
            shape = (1,) * (len(lead) - len(shape)) + shape
            gone = [n == 1 for n in shape]
            dims = v.shape[len(leads[len(squeezed)]) :]
            squeezed.append(
                S.reshape(v, (*[n for n, g in zip(shape, gone, strict=True) if not g], *dims))
            )
            kept.append(gone)
        mapped = one
        for axis in reversed(range(len(lead))):
            if lead[axis] != 1:
                mapped = vmap(mapped, in_axes=tuple(None if g[axis] else 0 for g in kept))
        out = mapped(*squeezed)
        ones = [i for i, n in enumerate(lead) if n == 1]
        widen = lambda v: S.expand_dims(asarray(v), tuple(ones)) if ones else v
        return tuple(map(widen, out)) if isinstance(out, tuple) else widen(out)

    run.__name__ = getattr(pyfunc, "__name__", "vectorized")
    run.__doc__ = getattr(pyfunc, "__doc__", None)
    run.__wrapped__ = pyfunc
    return run


def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    """func1d of every line of `arr` along an axis; its axes take the place of that one.

    >>> apply_along_axis(lambda v: v.sum(), 1, asarray([[1, 2], [3, 4]])).tolist()
    [3, 7]
    """
    x = operand("apply_along_axis", asarray(arr))
    at = axis_index("apply_along_axis", axis, x.ndim)
    run = lambda v: asarray(func1d(v, *args, **kwargs))
    for i in range(1, x.ndim - at):
        run = vmap(run, in_axes=i, out_axes=-1)
    for _ in range(at):
        run = vmap(run, in_axes=0, out_axes=0)
    return run(x)


def apply_over_axes(func, a, axes):
    """func(a, axis) for one axis after another, each kept with size 1.

    >>> apply_over_axes(reductions.sum, asarray([[1, 2], [3, 4]]), (0, 1)).shape
    (1, 1)
    """
    x = operand("apply_over_axes", asarray(a))
    for axis in axes if isinstance(axes, (tuple, list)) else (axes,):
        out = func(x, axis)
        if out.ndim == x.ndim - 1:
            out = S.expand_dims(out, (axis_index("apply_over_axes", axis, x.ndim),))
        if out.ndim != x.ndim:
            raise ShapeError(
                f"apply_over_axes: expected one axis less than {x.aval}, got {out.aval}"
            )
        x = out
    return x

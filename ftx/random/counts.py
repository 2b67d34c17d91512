"""Random counts: geometric, Poisson, binomial, multinomial.

In: keys, parameters that broadcast to the shape.  Out: arrays, equal to jax.random's for the
same key, shape and dtype.
Must not know: how bits are made.
"""

import math

import numpy as np

from ..core import dtypes
from ..core.array import Array
from ..core.errors import DTypeError
from ..core.key_reuse import renew
from ..core.primitives import elementwise as E
from ..core.primitives import selection as C
from ..core.primitives import transcendental as T
from ..numpy import composed as M
from ..numpy import creation, indexing, reductions, shapes
from ..numpy import elementwise as U
from ..numpy.promotion import (
    asarray,
    broadcast_value,
    promote_dtypes,
    shape_tuple,
    unsupported,
)
from ..transforms.scan import scan
from ..transforms.while_loop import while_loop
from .basic import float_type, number, parameters, unit
from .bits import PRNGKey, raw_key, split_words, subkeys  # noqa: F401  PRNGKey is for the examples

__all__ = ["binomial", "geometric", "multinomial", "poisson"]


def integer_type(name, dtype):
    """The dtype asked for, or the default integer.

    Raises: DTypeError for other than integers.
    """
    found = dtypes.default_int() if dtype is None else dtypes.canonical(dtype)
    if not dtypes.is_integer(found):
        raise DTypeError(f"random.{name}: expected an integer dtype, got {found.name}")
    return found


def geometric(key, p, shape=None, dtype=None, *, out_sharding=None):
    """Number of trials up to the first success of probability p: integer[shape].

    >>> int(geometric(PRNGKey(0), 0.5)) >= 1
    True
    """
    unsupported("geometric", out_sharding=out_sharding)
    wanted = integer_type("geometric", dtype)
    (p,) = promote_dtypes("geometric", asarray(p), inexact=True)
    (p,), shape = parameters("geometric", shape, p.dtype, p)
    u = unit(key, shape, p.dtype)
    one = number(u, 1)
    u = C.select(E.eq(u, number(u, 0)), one, u)
    trials = E.add(E.floor(E.div(T.log(u), T.log1p(E.neg(p)))), one)
    return C.convert(trials, wanted)


def _knuth(key, lam, shape):
    """Counts of small rate: how many uniform factors stay above exp(-lam)."""
    start = creation.zeros(shape, dtypes.int32), creation.zeros(shape, dtypes.float32)

    def step(state):
        k, key, logs = state
        key, subkey = subkeys(key)
        k = C.select(E.gt(logs, E.neg(lam)), E.add(k, number(k, 1)), k)
        return k, key, E.add(logs, T.log(unit(subkey, shape, dtypes.float32)))

    alive = lambda state: reductions.any(E.gt(state[2], E.neg(lam)))
    k, _, _ = while_loop(alive, step, (start[0], key, start[1]))
    return E.sub(k, number(k, 1))


def _poisson_by_rejection(key, lam, shape):
    """Counts of large rate. Source: Hörmann (1993), algorithm PTRS."""
    logs = T.log(lam)
    b = 0.931 + 2.53 * T.sqrt(lam)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)

    def step(state):
        found, accepted, key = state
        key, first, second = subkeys(key, 3)
        u = unit(first, shape, lam.dtype) - 0.5
        v = unit(second, shape, lam.dtype)
        shifted = 0.5 - abs(u)
        k = E.floor((2 * a / shifted + b) * u + lam + 0.43)
        s = T.log(v * inverse_alpha / (a / (shifted * shifted) + b))
        bound = -lam + k * logs - T.lgamma(k + 1)
        quick = (shifted >= 0.07) & (v <= v_r)
        reject = (k < 0) | ((shifted < 0.013) & (v > shifted))
        accept = quick | (~reject & (s <= bound))
        return C.select(accept, k, found), accepted | accept, key

    none = creation.full(shape, -1, lam.dtype), creation.zeros(shape, dtypes.bool_)
    found, _, _ = while_loop(lambda s: reductions.any(~s[1]), step, (*none, key))
    return C.convert(found, dtypes.int32)


def poisson(key, lam, shape=None, dtype=None, *, out_sharding=None):
    """Poisson of rate lam: integer[shape].

    >>> int(poisson(PRNGKey(0), 3.0)) >= 0
    True
    """
    unsupported("poisson", out_sharding=out_sharding)
    wanted = integer_type("poisson", dtype)
    (lam,), shape = parameters("poisson", shape, dtypes.float32, lam)
    small = U.logical_or(M.isnan(lam), U.less(lam, 10))
    key = raw_key(key)
    few = _knuth(key, C.select(small, lam, number(lam, 0)), shape)
    # One of the two counts is taken, so that the key serves both.
    many = _poisson_by_rejection(renew(key), C.select(small, number(lam, 1e5), lam), shape)
    found = C.select(small, few, many)
    zero = number(found, 0)
    return C.convert(C.select(E.eq(lam, number(lam, 0)), zero, found), wanted)


_TAIL = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509,
    0.0166446911898211, 0.0138761288230707, 0.0118967099458917, 0.010411265261972,
    0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def _stirling_tail(k):
    small = k <= 9
    k = M.clip(k, 0.0, 9.0)
    square = (k + 1) * (k + 1)
    series = (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)
    table = Array(np.asarray(_TAIL).astype(k.dtype))
    known = indexing.take(table, C.convert(E.floor(k), dtypes.int32), mode="clip")
    return C.select(small, known, series)


def _by_inversion(key, count, chance, shape):
    logs = T.log1p(E.neg(chance))

    def step(state):
        n, total, key = state
        subkey, key = subkeys(key)
        n = C.select(total <= count, n + 1, n)
        return n, total + E.ceil(T.log(unit(subkey, shape, chance.dtype)) / logs), key

    zero = creation.zeros(shape, chance.dtype)
    n, _, _ = while_loop(lambda s: reductions.any(s[1] <= count), step, (zero, zero, key))
    return n - 1


def _btrs(key, count, p, shape):
    """Source: Hörmann (1993), algorithm BTRS."""
    spread = T.sqrt(count * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    c, v_r, r = count * p + 0.5, 0.92 - 4.2 / b, p / (1 - p)
    alpha = (2.83 + 5.1 / b) * spread
    m = E.floor((count + 1) * p)

    def step(state):
        found, accepted, key = state
        key, first, second = subkeys(key, 3)
        u, v = unit(first, shape, p.dtype) - 0.5, unit(second, shape, p.dtype)
        us = 0.5 - abs(u)
        quick = (us >= 0.07) & (v <= v_r)
        k = E.floor((2 * a / us + b) * u + c)
        reject = (k < 0) | (k > count)
        v = T.log(v * alpha / (a / (us * us) + b))
        bound = (
            (m + 0.5) * T.log((m + 1) / (r * (count - m + 1)))
            + (count + 1) * T.log((count - m + 1) / (count - k + 1))
            + (k + 0.5) * T.log(r * (count - k + 1) / (k + 1))
            + _stirling_tail(m)
            + _stirling_tail(count - m)
            - _stirling_tail(k)
            - _stirling_tail(count - k)
        )
        accept = quick | (~reject & (v <= bound))
        return C.select(accept, k, found), accepted | accept, key

    none = creation.full(shape, -1, p.dtype), creation.zeros(shape, dtypes.bool_)
    return while_loop(lambda s: reductions.any(~s[1]), step, (*none, key))[0]


def binomial(key, n, p, shape=None, dtype=None):
    """Number of successes of probability p in n trials: float[shape].

    >>> 0 <= float(binomial(PRNGKey(0), 4, 0.5)) <= 4
    True
    """
    wanted = float_type("binomial", dtype)
    (p,) = promote_dtypes("binomial", asarray(p), inexact=True)
    (count, p), shape = parameters("binomial", shape, p.dtype, n, p)
    low = p < 0.5
    q = C.select(low, p, 1.0 - p)
    bad_count = M.isnan(count) | (count < 0.0)
    endless, bad_q = M.isinf(count), M.isnan(q) | (q < 0.0)
    q = C.select(bad_q, number(q, 0.01), q)
    few = bad_count | (count * q <= 10.0)
    whole = E.floor(count)
    key = raw_key(key)
    first = _by_inversion(key, C.select(few, whole, number(q, 0)), q, shape)
    many, half = C.select(few, number(q, 1e4), whole), C.select(few, number(q, 0.5), q)
    second = _btrs(renew(key), many, half, shape)  # one of the two is taken
    found = C.convert(C.select(few, first, second), wanted)
    invalid = bad_q | bad_count
    found = C.select(invalid, number(found, math.nan), found)
    found = C.select(endless & ~invalid, number(found, math.inf), found)
    kept = low | bad_count | endless
    return C.select(kept, found, C.convert(whole, wanted) - found)


def multinomial(key, n, p, *, shape=None, dtype=None, unroll=1):
    """How often each of the categories of probabilities p occurs in n trials: float[..., k].

    >>> float(multinomial(PRNGKey(0), 5, asarray([0.5, 0.5])).sum())
    5.0
    """
    n, p = promote_dtypes("multinomial", asarray(n), asarray(p), inexact=True)
    shape = p.shape if shape is None else shape_tuple("multinomial", shape)
    n, p = broadcast_value(n, shape[:-1]), shapes.moveaxis(broadcast_value(p, shape), -1, 0)
    rest = shapes.flip(reductions.cumsum(shapes.flip(p, 0), 0), 0)
    ratios = U.divide(p, C.select(E.eq(rest, number(rest, 0)), number(rest, 1), rest))

    def step(remaining, xs):
        ratio, key = xs
        count = binomial(key, remaining, M.clip(ratio, 0, 1), dtype=remaining.dtype)
        return remaining - count, count

    keys = split_words(key, ratios.shape[0])
    _, counts = scan(step, n, (ratios, keys))
    counts = shapes.moveaxis(counts, 0, -1)
    return counts if dtype is None else C.convert(counts, dtypes.canonical(dtype))

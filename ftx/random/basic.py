"""Uniform, normal and discrete random numbers, and random order.

In: keys, shapes, parameters that broadcast to the shape.  Out: arrays, equal to jax.random's for
the same key, shape and dtype up to the rounding of elementary functions.
Must not know: how bits are made.
"""

import math

import numpy as np

from ..core import dtypes, errors
from ..core.array import Value
from ..core.config import config
from ..core.errors import ArgumentError, DTypeError, EmptyArrayError, ShapeError, UnsupportedError
from ..core.primitives import bits as B
from ..core.primitives import effects, sorting
from ..core.primitives import elementwise as E
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.primitives import transcendental as T
from ..numpy import composed as M
from ..numpy import creation, indexing, ordering, reductions, scalar_types, shapes
from ..numpy import elementwise as U
from ..numpy.promotion import (
    asarray,
    axis_index,
    broadcast_value,
    common_shape,
    promote_dtypes,
    shape_tuple,
    unsupported,
)
from .bits import PRNGKey, random_bits, subkeys  # noqa: F401  PRNGKey is for the examples

__all__ = [
    *("bernoulli", "categorical", "choice", "gumbel", "normal", "permutation", "rademacher"),
    *("randint", "shuffle", "truncated_normal", "uniform"),
]


def float_type(name, dtype, kinds="f"):
    """The dtype asked for, or the default float.

    Raises: DTypeError for other than real (or complex) numbers.
    """
    found = dtypes.default_float() if dtype is None else dtypes.canonical(dtype)
    if dtypes.kind(found) not in kinds:
        raise DTypeError(f"random.{name}: expected a floating dtype, got {found.name}")
    return found


def parameters(name, shape, dtype, *args):
    """Parameters as `dtype`, repeated to `shape` (None: their common shape), and the shape."""
    values = [C.convert(asarray(a), dtype) for a in args]
    common = common_shape(f"random.{name}", *[v.shape for v in values])
    whole = common if shape is None else shape_tuple(name, shape)
    if common_shape(f"random.{name}", common, whole) != whole:
        raise ShapeError(
            f"random.{name}: expected parameters that broadcast to the shape {whole}, got {common}"
        )
    return [broadcast_value(v, whole) for v in values], whole


def number(x, value):
    """`value` at every index of an array like x."""
    return S.full(x.shape, value, x.dtype)


def unit(key, shape, dtype, name="uniform"):
    """Uniform in [0, 1): random mantissas under the exponent of 1, less 1."""
    info = scalar_types.finfo(dtype)
    width = info.bits if info.nmant >= 8 else 8
    word = np.dtype(f"uint{info.bits}")
    found = C.convert(random_bits(key, width, shape, name), word)
    found = E.shift_right_logical(found, number(found, width - info.nmant))
    one = int(np.array(1.0, dtype).view(word))
    return E.sub(
        B.bitcast_convert_type(E.or_(found, number(found, one)), dtype), S.full(shape, 1, dtype)
    )


def uniform(key, shape=(), dtype=None, minval=0.0, maxval=1.0, *, out_sharding=None):
    """Uniform in [minval, maxval): float[shape].

    >>> 0 <= float(uniform(PRNGKey(0))) < 1
    True
    """
    unsupported("uniform", out_sharding=out_sharding)
    dtype, shape = float_type("uniform", dtype), shape_tuple("uniform", shape)
    found = unit(key, shape, dtype)
    if type(minval) in (int, float) and type(maxval) in (int, float) and (minval, maxval) == (0, 1):
        return found
    (low, high), _ = parameters("uniform", shape, dtype, minval, maxval)
    return E.max_(low, E.add(E.mul(found, E.sub(high, low)), low))


def _fits(bound, info):
    if isinstance(bound, Value) and bound.dtype.itemsize == 8 and not bound.weak_type:
        try:
            bound = np.asarray(bound.tolist())
        except errors.ConcretizationError:
            return False
    elif isinstance(bound, Value):
        return True
    found = np.asarray(bound)
    return bool(((found >= info.min) & (found <= info.max)).all())


def randint(key, shape, minval, maxval, dtype=None, *, out_sharding=None):
    """Uniform integers in [minval, maxval): integer[shape].

    Args:
      minval, maxval: integers or arrays that broadcast to `shape`.
      dtype: without one, the numbers of JAX's int32 as default integers (unless
        enable_x64=True, or a bound needs 64 bits).

    >>> 0 <= int(randint(PRNGKey(0), (), 0, 10)) < 10
    True
    """
    unsupported("randint", out_sharding=out_sharding)
    shape = shape_tuple("randint", shape)
    out = dtypes.default_int() if dtype is None else dtypes.canonical(dtype)
    if not dtypes.is_integer(out):
        raise DTypeError(f"random.randint: expected an integer dtype, got {out.name}")
    drawn = out
    narrow = np.iinfo(np.int32)
    if dtype is None and not config.enable_x64 and _fits(minval, narrow) and _fits(maxval, narrow):
        drawn = dtypes.int32
    info = np.iinfo(out)
    if info.bits < 32:
        minval = M.clip(C.convert(asarray(minval), dtypes.int32), int(info.min), int(info.max))
        maxval = M.clip(C.convert(asarray(maxval), dtypes.int32), int(info.min), int(info.max) + 1)
        drawn = dtypes.int32
    return C.convert(_randint(key, shape, asarray(minval), asarray(maxval), drawn), out)


def _clipped(x, dtype):
    low = max(np.iinfo(dtype).min, np.iinfo(x.dtype).min)
    high = min(np.iinfo(dtype).max, np.iinfo(x.dtype).max)
    bounded = E.min_(E.max_(x, number(x, low)), number(x, high))
    return C.convert(bounded, dtype)


def _randint(key, shape, low, high, dtype):
    low, high = (
        v if dtypes.is_integer(v.dtype) else C.convert(v, dtypes.default_int()) for v in (low, high)
    )
    top = np.iinfo(dtype).max
    beyond = np.iinfo(high.dtype).max > top
    over = E.gt(high, number(high, top)) if beyond else S.full(high.shape, False, dtypes.bool_)
    (low, high), _ = parameters(
        "randint", shape, dtype, _clipped(low, dtype), _clipped(high, dtype)
    )
    over = broadcast_value(over, shape)
    width = dtype.itemsize * 8
    unsigned = np.dtype(f"uint{width}")
    upper, lower = (random_bits(k, width, shape, "randint") for k in subkeys(key))
    span = C.convert(E.sub(high, low), unsigned)
    one = number(span, 1)
    span = C.select(E.le(high, low), one, span)
    span = C.select(E.and_(over, E.gt(high, low)), E.add(span, one), span)
    factor = E.rem(number(span, 2 ** (width // 2)), span)
    factor = E.rem(E.mul(factor, factor), span)
    offset = E.add(E.mul(E.rem(upper, span), factor), E.rem(lower, span))
    return E.add(low, C.convert(E.rem(offset, span), dtype))


def normal(key, shape=(), dtype=None, *, out_sharding=None):
    """Normal with mean 0 and variance 1: float[shape], or complex with parts of variance 1/2.

    >>> normal(PRNGKey(0), (2,)).shape
    (2,)
    """
    unsupported("normal", out_sharding=out_sharding)
    dtype, shape = float_type("normal", dtype, "fc"), shape_tuple("normal", shape)
    if dtypes.is_complex(dtype):
        parts = [_normal(k, shape, dtypes.real_of(dtype)) for k in subkeys(key)]
        whole = C.complex_(*parts)
        return E.div(whole, number(whole, math.sqrt(2)))
    return _normal(key, shape, dtype)


def _normal(key, shape, dtype):
    low = np.nextafter(np.array(-1, dtype), np.array(0, dtype))
    u = uniform(key, shape, dtype, asarray(low), asarray(np.array(1, dtype)))
    return E.mul(number(u, math.sqrt(2)), T.erf_inv(u))


def truncated_normal(key, lower, upper, shape=None, dtype=None, *, out_sharding=None):
    """Normal numbers within (lower, upper): float[shape].

    >>> -1 < float(truncated_normal(PRNGKey(0), -1.0, 1.0)) < 1
    True
    """
    unsupported("truncated_normal", out_sharding=out_sharding)
    dtype = float_type("truncated_normal", dtype)
    (low, high), shape = parameters("truncated_normal", shape, dtype, lower, upper)
    root = S.full(shape, math.sqrt(2), dtype)
    u = uniform(key, shape, dtype, T.erf(E.div(low, root)), T.erf(E.div(high, root)))
    out = E.mul(root, T.erf_inv(u))
    above = E.nextafter(effects.stop_gradient(low), S.full(shape, math.inf, dtype))
    below = E.nextafter(effects.stop_gradient(high), S.full(shape, -math.inf, dtype))
    return E.min_(E.max_(out, above), below)


def bernoulli(key, p=0.5, shape=None, mode="low", *, out_sharding=None):
    """True with probability p: bool[shape].

    Args:
      mode: 'low' or 'high' precision of small probabilities.

    >>> bernoulli(PRNGKey(0)).dtype
    dtype('bool')
    """
    unsupported("bernoulli", out_sharding=out_sharding)
    if mode not in ("low", "high"):
        raise ArgumentError(f"random.bernoulli: expected mode 'low' or 'high', got {mode!r}")
    chance = asarray(p)
    if not dtypes.is_float(chance.dtype):
        raise DTypeError(f"random.bernoulli: expected a probability, got {chance.aval}")
    (chance,), shape = parameters("bernoulli", shape, chance.dtype, chance)
    if mode == "low":
        return E.lt(unit(key, shape, chance.dtype, "bernoulli"), chance)
    both = unit(key, (2, *shape), chance.dtype, "bernoulli")
    first, second = (S.reshape(S.slice_axis(both, 0, i, i + 1), shape) for i in (0, 1))
    second = E.mul(second, number(second, 2.0 ** -scalar_types.finfo(chance.dtype).nmant))
    return E.lt(second, E.sub(chance, first))


def rademacher(key, shape=(), dtype=None, *, out_sharding=None):
    """-1 or 1 with equal probability: integer[shape].

    >>> int(rademacher(PRNGKey(0))) in (-1, 1)
    True
    """
    unsupported("rademacher", out_sharding=out_sharding)
    wanted = dtypes.default_int() if dtype is None else dtypes.canonical(dtype)
    side = C.convert(bernoulli(key, 0.5, shape), wanted)
    return E.sub(E.mul(number(side, 2), side), number(side, 1))


def permutation(key, x, axis=0, independent=False, *, out_sharding=None):
    """x (or 0, 1, …, x - 1 for a number x) in random order along an axis.

    Args:
      independent: a different order for every line along the axis.

    >>> sorted(permutation(PRNGKey(0), 3).tolist())
    [0, 1, 2]
    """
    unsupported("permutation", out_sharding=out_sharding)
    values = asarray(x)
    if not values.ndim:
        if not dtypes.is_integer(values.dtype):
            raise DTypeError(
                f"random.permutation: expected an integer or an array, got {values.aval}"
            )
        return _shuffled(key, creation.arange(int(x)), 0)
    at = axis_index("permutation", axis, values.ndim)
    if independent or values.ndim == 1:
        return _shuffled(key, values, at)
    order = _shuffled(key, creation.arange(values.shape[at]), 0)
    return indexing.take(values, order, at, mode="promise_in_bounds")


def shuffle(key, x, axis=0):
    """As `permutation` with independent=True.

    >>> sorted(shuffle(PRNGKey(0), asarray([1, 2, 3])).tolist())
    [1, 2, 3]
    """
    return permutation(key, x, axis, independent=True)


def _shuffled(key, x, axis):
    """Sorted by random keys, in as many rounds as make ties unlikely."""
    rounds = math.ceil(3 * math.log(max(1, x.size)) / math.log(0xFFFFFFFF))
    for _ in range(rounds):
        key, subkey = subkeys(key)
        _, x = sorting.sort([random_bits(subkey, 32, x.shape, "permutation"), x], axis, 1)
    return x


def choice(key, a, shape=(), replace=True, p=None, axis=0, mode=None):
    """Random elements of `a` along an axis (of 0, 1, …, a - 1 for a number a).

    Args:
      shape: shape of the sample, in place of the axis.
      replace: whether an element can be drawn again.
      p: float[n], probability of each element; by default all are equal.

    >>> int(choice(PRNGKey(0), 3)) in (0, 1, 2)
    True
    """
    shape, values = shape_tuple("choice", shape), asarray(a)
    at = axis_index("choice", axis, values.ndim) if values.ndim else 0
    n, draws = values.shape[at] if values.ndim else int(a), math.prod(shape)
    if draws == 0:
        return creation.zeros(shape, values.dtype)
    if n <= 0:
        raise EmptyArrayError(
            f"random.choice: expected at least one element to choose from, got {n}"
        )
    if not replace and draws > n:
        raise ArgumentError(
            f"random.choice: expected at most {n} draws without replacement, got {draws}; "
            "draw fewer, or pass replace=True"
        )
    if p is None and replace:
        which = randint(key, shape, 0, n)
    elif p is None:
        found = permutation(key, values if values.ndim else n, at)
        found = S.slice_axis(found, at, 0, draws)
        return S.reshape(found, _sample_shape(values, shape, at))
    else:
        which = _weighted(key, p, n, shape, draws, replace, mode)
    if not values.ndim:
        return S.reshape(which, shape)
    found = indexing.take(values, which, at, mode="promise_in_bounds")
    return S.reshape(found, _sample_shape(values, shape, at))


def _sample_shape(values, shape, axis):
    return (*values.shape[:axis], *shape, *values.shape[axis + 1 :]) if values.ndim else shape


def _weighted(key, p, n, shape, draws, replace, mode):
    (chance,) = promote_dtypes("choice", asarray(p), inexact=True)
    if chance.shape != (n,):
        raise ShapeError(f"random.choice: expected p of shape ({n},), got {chance.aval}")
    if replace:
        ends = reductions.cumsum(chance)
        total = S.reshape(S.slice_axis(ends, 0, n - 1, n), ())
        u = uniform(key, shape, chance.dtype)
        place = ordering.searchsorted(ends, U.multiply(total, E.sub(number(u, 1), u)))
        return M.clip(place, 0, n - 1)
    scores = E.add(gumbel(key, (n,), chance.dtype, mode), T.log(chance))
    return C.convert(sorting.top_k(scores, draws)[1], dtypes.default_int())


def gumbel(key, shape=(), dtype=None, mode=None, *, out_sharding=None):
    """Standard Gumbel numbers: float[shape].

    Args:
      mode: 'low' (default) or 'high' dynamic range.

    >>> gumbel(PRNGKey(0), (2,)).shape
    (2,)
    """
    unsupported("gumbel", out_sharding=out_sharding)
    dtype, shape = float_type("gumbel", dtype), shape_tuple("gumbel", shape)
    info = scalar_types.finfo(dtype)
    if mode in (None, "low"):
        u = uniform(key, shape, dtype, asarray(np.asarray(info.tiny, dtype)), asarray(1.0))
        return E.neg(T.log(E.neg(T.log(u))))
    if mode != "high":
        raise UnsupportedError(f"random.gumbel: expected mode 'low' or 'high', got {mode!r}")
    both = unit(key, (2, *shape), dtype, "gumbel")
    high, low = (S.reshape(S.slice_axis(both, 0, i, i + 1), shape) for i in (0, 1))
    fine = E.add(
        high, E.add(E.mul(number(low, 2.0**-info.nmant), low), number(low, float(info.tiny)))
    )
    x = C.select(E.ge(high, number(high, 0.5)), high, fine)
    return E.neg(T.log(E.neg(T.log1p(E.neg(x)))))


def categorical(key, logits, axis=-1, shape=None, replace=True, mode=None, *, out_sharding=None):
    """Random categories with the log probabilities `logits` (up to a constant) along an axis.

    Args:
      logits: float[..., n].
      shape: shape of the sample; its last axes are those of `logits` without `axis`.

    >>> int(categorical(PRNGKey(0), asarray([0.0, 0.0]))) in (0, 1)
    True
    """
    unsupported("categorical", out_sharding=out_sharding)
    (scores,) = promote_dtypes("categorical", asarray(logits), inexact=True)
    at = axis_index("categorical", axis, scores.ndim)
    batch = (*scores.shape[:at], *scores.shape[at + 1 :])
    shape = batch if shape is None else shape_tuple("categorical", shape)
    if common_shape("random.categorical", batch, shape) != shape:
        raise ShapeError(f"random.categorical: expected a shape that ends in {batch}, got {shape}")
    lead = shape[: len(shape) - len(batch)]
    if not replace:
        scores = E.add(scores, gumbel(key, scores.shape, scores.dtype, mode))
        _, found = sorting.top_k(shapes.moveaxis(scores, at, -1), math.prod(lead))
        found = C.convert(shapes.moveaxis(found, -1, 0), dtypes.default_int())
        return S.reshape(found, shape)
    wide = list(shape[len(shape) - len(batch) :])
    wide.insert(at, scores.shape[at])
    noise = gumbel(key, (*lead, *wide), scores.dtype, mode)
    return reductions.argmax(U.add(noise, scores), at - scores.ndim)

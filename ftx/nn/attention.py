"""Attention: means of values, weighted by how well keys fit queries.

In: queries, keys, values with heads on the axis before the last.  Out: an array like the queries.
Products and softmax in float32 where the inputs are narrower, as in jax.nn.
Must not know: layers.
Source: Vaswani et al. 2017, "Attention is all you need", equation 1.
"""

import math

from .. import lax
from .. import numpy as fnp
from ..core.errors import ArgumentError, DTypeError, InputShapeError, UnsupportedError
from .over_axis import logsumexp, softmax

__all__ = ["dot_product_attention"]


def _four_axes(x):
    x = fnp.asarray(x)
    return fnp.expand_dims(x, tuple(range(4 - x.ndim))) if x.ndim < 4 else x


def _check(name, x, wanted, dtype=None):
    """Raise unless x has the shape `wanted`, where -1 fits any size, and the dtype."""
    if x is None:
        return
    fits = x.ndim == len(wanted) and all(w in (-1, n) for w, n in zip(wanted, x.shape, strict=True))
    if not fits:
        raise InputShapeError(
            f"dot_product_attention: expected {name} of shape {list(wanted)} (-1 is any size), got "
            f"{x.aval}"
        )
    if dtype is not None and x.dtype != dtype:
        raise DTypeError(
            f"dot_product_attention: expected {name} of dtype {dtype}, got {x.aval}; use astype"
        )


def _allowed(t, s, is_causal, window, query_lengths, key_lengths):
    """bool[b or 1, 1, t, s]: which keys each query may look at; None for all."""
    rows, columns = fnp.arange(t)[:, None], fnp.arange(s)[None, :]
    tests = []
    if is_causal:
        tests.append(columns <= rows)
    if window is not None:
        left, right = window
        tests.append((columns >= rows - left) & (columns <= rows + right))
    tests = [test[None, None] for test in tests]
    if query_lengths is not None:
        tests.append((rows < query_lengths[:, None, None])[:, None])
    if key_lengths is not None:
        tests.append((columns < key_lengths[:, None, None])[:, None])
    allowed = None
    for test in tests:
        allowed = test if allowed is None else allowed & test
    return allowed


def _by_group(x, groups):
    """[b, n, t, s], of which n may be 1, with n split into key heads and what shares one."""
    b, n = x.shape[:2]
    if n == 1:
        return x[:, :, None]
    return fnp.reshape(x, (b, groups, n // groups, *x.shape[2:]))


def dot_product_attention(
    query, key, value, bias=None, mask=None, *, scale=None, is_causal=False,
    query_seq_lengths=None, key_value_seq_lengths=None, local_window_size=None,
    implementation=None, return_residual=False,
):  # fmt: skip
    """softmax(query keyᵀ scale + bias) value, for every head.

    Args:
      query: float[b, t, n, h], or without b.
      key, value: float[b, s, k, h]; n is a multiple of k, and n / k queries share a head of keys.
      bias: float, broadcasts to [b, n, t, s]; added to the products.
      mask: bool, broadcasts to [b, n, t, s]; False where a key is not looked at.
      scale: by default 1 / sqrt(h).
      is_causal: a query looks at keys up to its own place only.
      query_seq_lengths, key_value_seq_lengths: int32[b]; what lies behind is no part of the
        sequence; rows of queries behind are 0.
      local_window_size: (left, right), or one number for both: how far a query looks.
      implementation: None or "xla", which is this one; "cudnn" is refused.
      return_residual: also return log-sum-exp of the products, [b, t, n].
    Returns: float of the shape and dtype of query; with return_residual a pair.
    Raises: InputShapeError, DTypeError for operands that do not fit; UnsupportedError for another
      implementation.

    >>> x = fnp.ones((3, 1, 2))
    >>> dot_product_attention(x, x, x, is_causal=True).shape
    (3, 1, 2)
    """
    if implementation not in (None, "xla"):
        raise UnsupportedError(
            f"dot_product_attention: expected implementation None or 'xla', got "
            f"{implementation!r}; leave it out"
        )
    given = fnp.asarray(query)
    q, k, v = _four_axes(query), _four_axes(key), _four_axes(value)
    b, s, groups, h = k.shape
    t, n = q.shape[1:3]
    _check("query", q, (b, -1, -1, h), k.dtype)
    _check("value", v, k.shape, k.dtype)
    if n % groups:
        raise InputShapeError(
            f"dot_product_attention: expected a multiple of {groups} query heads, one or more for "
            f"each head of keys, got {n}"
        )
    mask, bias = (None if x is None else _four_axes(x) for x in (mask, bias))
    _check("mask", mask, (-1,) * 4, fnp.dtype(bool))
    _check("bias", bias, (-1,) * 4)
    lengths = [
        None if x is None else fnp.asarray(x) for x in (query_seq_lengths, key_value_seq_lengths)
    ]
    for name, x in zip(("query_seq_lengths", "key_value_seq_lengths"), lengths, strict=True):
        _check(name, x, (b,), fnp.dtype(fnp.int32))
    window = local_window_size
    window = (window, window) if isinstance(window, int) else window
    if window is not None and (len(window) != 2 or min(window) < 0):
        raise ArgumentError(
            f"dot_product_attention: expected local_window_size as two numbers from 0, got {window}"
        )
    wide = fnp.promote_types(q.dtype, fnp.float32)
    grouped = fnp.reshape(q, (b, t, groups, n // groups, h))
    products = fnp.einsum("btkgh,bskh->bkgts", grouped.astype(wide), k.astype(wide))
    products = products * (1 / math.sqrt(h) if scale is None else scale)
    if bias is not None:
        products = products + _by_group(bias, groups).astype(wide)
    allowed = _allowed(t, s, is_causal, window, *lengths)
    for test in (mask, allowed):
        if test is not None:
            least = 0.7 * float(fnp.finfo(wide).min)
            products = fnp.where(_by_group(test, groups), products, least)
    weights = softmax(products, axis=-1).astype(k.dtype)
    out = fnp.reshape(fnp.einsum("bkgts,bskh->btkgh", weights, v), q.shape)
    if lengths[0] is not None:
        inside = fnp.arange(t)[None, :] < lengths[0][:, None]
        out = fnp.where(inside[:, :, None, None], out, 0)
    out = fnp.reshape(out, given.shape)
    if not return_residual:
        return out
    logs = lax.stop_gradient(logsumexp(products, -1))
    logs = fnp.reshape(fnp.moveaxis(fnp.reshape(logs, (b, n, t)), 1, 2), given.shape[:-1])
    return out, logs.astype(k.dtype)

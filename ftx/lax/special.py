"""Special functions and approximate choices of jax.lax, strict in shape and dtype.

In: arrays of equal shapes and dtypes (numbers take those of the other operand).  Out: arrays.
Must not know: promotion and broadcasting, which `ftx.scipy.special` does.
"""

import operator as op

from ..core import dtypes
from ..core.errors import ArgumentError
from ..core.primitives.special import call
from ..numpy.promotion import asarray, axis_index
from .arrays import top_k
from .operators import neg, same

__all__ = [
    *("approx_max_k", "approx_min_k", "bessel_i0e", "bessel_i1e", "betainc", "igamma", "igammac"),
    *("igamma_grad_a", "random_gamma_grad", "zeta"),
]


def _make(name, function, names, text, example):
    arity = len(names.split(", "))

    def one(x):
        return call(function, *same(name, x))

    def two(a, x):
        return call(function, *same(name, a, x))

    def three(a, b, x):
        return call(function, *same(name, a, b, x))

    found = {1: one, 2: two, 3: three}[arity]
    found.__name__ = found.__qualname__ = name
    found.__doc__ = (
        f"{text}, by element; operands {names}: float[...] of equal shape and dtype.\n\n"
        f"    Returns: float[...]. Raises: ShapeError, DTypeError for other operands.\n\n"
        f"    >>> round(float({name}({example[0]})), 4)\n    {example[1]}\n    "
    )
    return found


igamma = _make(
    "igamma",
    "gammainc",
    "a, x",
    "Lower regularised incomplete gamma function",
    ("2.0, 1.0", 0.2642),
)
igammac = _make(
    "igammac", "gammaincc", "a, x", "Upper regularised incomplete gamma function",
    ("2.0, 1.0", 0.7358),
)  # fmt: skip
igamma_grad_a = _make(
    "igamma_grad_a",
    "gammainc_slope",
    "a, x",
    "Derivative of igamma with respect to a",
    ("2.0, 1.0", -0.2762),
)
random_gamma_grad = _make(
    "random_gamma_grad",
    "gamma_sample_slope",
    "a, x",
    "Derivative with respect to a of a gamma sample x; as in JAX, whose operands have no names",
    ("2.0, 1.0", 0.7508),
)
betainc = _make(
    "betainc", "betainc", "a, b, x", "Regularised incomplete beta function", ("1.0, 2.0, 0.5", 0.75)
)
bessel_i0e = _make("bessel_i0e", "i0e", "x", "exp(-|x|) I0(x)", ("1.0", 0.4658))
bessel_i1e = _make("bessel_i1e", "i1e", "x", "exp(-|x|) I1(x)", ("1.0", 0.2079))


def zeta(x, q):
    """Hurwitz zeta function, by element; operands x, q: float[...] of equal shape and dtype.

    Returns: float[...]. Raises: ShapeError, DTypeError for other operands.

    >>> round(float(zeta(2.0, 1.0)), 4)
    1.6449
    """
    return call("zeta", *same("zeta", x, q))


def _approximate(name, operand, k, axis, recall_target):
    x = asarray(operand)
    at = axis_index(name, axis, x.ndim)
    if not 0 < recall_target <= 1:
        raise ArgumentError(f"{name}: expected a recall_target in (0, 1], got {recall_target}")
    if not dtypes.is_float(x.dtype):
        raise ArgumentError(f"{name}: expected floats, got {x.aval}; use top_k")
    return x, op.index(k), at


def approx_max_k(
    operand, k, reduction_dimension=-1, recall_target=0.95, reduction_input_size_override=-1,
    aggregate_to_topk=True,
):  # fmt: skip
    """The k largest along an axis, descending, and their places.

    Found exactly, which satisfies every recall_target: processors have no faster approximation.

    Args:
      operand: float[..., n, ...].
      k: how many.
      reduction_dimension: the axis.
      recall_target, reduction_input_size_override, aggregate_to_topk: how much a TPU may miss,
        and of what; an exact answer meets them all.
    Returns: (float[..., k, ...], int32[..., k, ...]).
    Raises: ArgumentError for other than floats, or a recall_target outside (0, 1].

    >>> [v.tolist() for v in approx_max_k(asarray([1.0, 3.0, 2.0]), 2)]
    [[3.0, 2.0], [1, 2]]
    """
    x, k, at = _approximate("approx_max_k", operand, k, reduction_dimension, recall_target)
    return tuple(top_k(x, k, axis=at))


def approx_min_k(
    operand, k, reduction_dimension=-1, recall_target=0.95, reduction_input_size_override=-1,
    aggregate_to_topk=True,
):  # fmt: skip
    """The k smallest along an axis, ascending, and their places.

    Args, Returns, Raises: as `approx_max_k`.

    >>> [v.tolist() for v in approx_min_k(asarray([1.0, 3.0, 2.0]), 2)]
    [[1.0, 2.0], [0, 2]]
    """
    x, k, at = _approximate("approx_min_k", operand, k, reduction_dimension, recall_target)
    values, places = top_k(neg(x), k, axis=at)
    return neg(values), places

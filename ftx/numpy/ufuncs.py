"""`ufunc`: functions of one or two operands that also reduce, accumulate, update and tabulate.

In: a function of numbers, or of arrays by element.  Out: `add`, `maximum` and their kin as
objects with the methods of NumPy's ufuncs, and `frompyfunc`, which makes more of them.
Operators and other functions of ftx use the functions themselves, which are quicker to call.
Must not know: primitives other than running maxima and minima.
"""

import math
import sys
from typing import Any, NamedTuple

from ..core.errors import ArgumentError, UnsupportedError
from ..core.primitives import reduction as R
from ..core.types import ShapeDtypeStruct
from ..transforms.jit import eval_shape
from ..transforms.scan import scan
from . import composed, creation, elementwise, joining, reductions, shapes
from .polynomials import vectorize
from .promotion import asarray, axis_index, axis_tuple, unsupported

__all__ = [
    *("add", "bitwise_and", "bitwise_or", "bitwise_xor", "frompyfunc", "logaddexp", "logaddexp2"),
    *("logical_and", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "negative"),
    *("subtract", "ufunc"),
]


class _Ways(NamedTuple):
    """How a ufunc does what: functions of arrays, None where there is no quick way.

    One attribute for all: functools.update_wrapper gives what wraps a ufunc its attributes.
    """

    call: Any
    reduce: Any
    accumulate: Any
    at: Any
    reduceat: Any


class ufunc:
    """A function applied by element, with the methods of NumPy's ufuncs.

    Args:
      func: function of `nin` numbers that returns `nout` of them.
      nin, nout: how many operands and results it has.
      name: its name; by default that of `func`.
      nargs: nin + nout.
      identity: what leaves the other operand as it is; the result of an empty reduction.
      call, reduce, accumulate, at, reduceat: quicker ways to the same, of arrays.

    >>> larger = frompyfunc(lambda x, y: x + 2 * y, nin=2, nout=1)
    >>> larger(asarray([1, 2]), 3).tolist(), larger.accumulate(asarray([1, 2, 3])).tolist()
    ([7, 8], [1, 5, 11])
    """

    def __init__(
        self, func, /, nin, nout, *, name=None, nargs=None, identity=None, call=None, reduce=None,
        accumulate=None, at=None, reduceat=None,
    ):  # fmt: skip
        if nargs not in (None, nin + nout):
            raise ArgumentError(f"ufunc: expected nargs={nin + nout}, nin + nout, got {nargs}")
        self.__name__ = self.__qualname__ = name or func.__name__
        self.__doc__ = func.__doc__
        self.__module__ = func.__module__
        self.nin, self.nout, self.nargs, self.identity = nin, nout, nin + nout, identity
        self._of_arrays = _Ways(call or vectorize(func), reduce, accumulate, at, reduceat)

    def __repr__(self):
        return f"<ftx.numpy.ufunc '{self.__name__}'>"

    def __reduce__(self):
        if getattr(sys.modules.get(self.__module__), self.__name__, None) is self:
            return self.__name__
        return super().__reduce__()

    def __call__(self, *args, out=None, where=None):
        if out is not None or where is not None:
            unsupported(self.__name__, out=out)
            raise UnsupportedError(
                f"{self.__name__}: expected where=None, since there is no `out` from which other "
                "elements could come, got a mask; use ftx.numpy.where on the result"
            )
        if len(args) != self.nin:
            raise ArgumentError(
                f"{self.__name__}: expected {self.nin} operands, got {len(args)}; pass each by "
                "position"
            )
        return self._of_arrays.call(*args)

    def _binary(self, method):
        if (self.nin, self.nout) != (2, 1):
            raise ArgumentError(
                f"{self.__name__}.{method}: expected a function of two operands with one result, "
                f"got one of {self.nin} with {self.nout}"
            )

    def reduce(
        self, a, axis=0, dtype=None, out=None, keepdims=False, initial=None, where=None
    ):  # fmt: skip
        """The function between all elements along axes, from the first to the last.

        a: array[...] -> array[...] less the axes.

        Args:
          axis: an axis, several, or None for all.
          initial: what is put before the elements.
          where: bool, broadcast with `a`: elements that take part; needs `initial` or an identity.
        """
        self._binary("reduce")
        unsupported(f"{self.__name__}.reduce", out=out)
        x = asarray(a)
        axes = axis_tuple(f"{self.__name__}.reduce", axis, x.ndim)
        if where is not None and initial is None:
            initial = self._start()
        if self._of_arrays.reduce is not None:
            if dtype is not None:
                x = elementwise.astype(x, dtype)
            return self._of_arrays.reduce(x, axes, keepdims=keepdims, initial=initial, where=where)
        rows = _flattened(x if dtype is None else elementwise.astype(x, dtype), axes)
        there = None if where is None else _flattened(shapes.broadcast_to(where, x.shape), axes)
        found = self._fold(rows, initial, there)[0]
        return shapes.expand_dims(found, axes) if keepdims else found

    def _start(self):
        if self.identity is None:
            raise ArgumentError(
                f"{self.__name__}.reduce: expected initial= for no elements or with where=, since "
                "the function has no identity, got None"
            )
        return self.identity

    def _fold(self, rows, initial=None, where=None):
        """(the last, all after the first) partial results along the leading axis."""
        row = ShapeDtypeStruct(rows.shape[1:], rows.dtype)
        dtype = eval_shape(self._of_arrays.call, row, row).dtype
        if initial is None and not rows.shape[0]:
            initial = self._start()
        if initial is None:
            first, rows = elementwise.astype(rows[0], dtype), rows[1:]
        else:
            first = creation.full(row.shape, initial, dtype)

        def step(partial, given):
            value, there = given
            new = elementwise.astype(self._of_arrays.call(partial, value), dtype)
            new = new if there is None else composed.choose_between("where", there, new, partial)
            return new, new

        return scan(step, first, (rows, where))

    def accumulate(self, a, axis=0, dtype=None, out=None):
        """Every partial result of `reduce` along an axis. a: array[...] -> array[...]"""
        self._binary("accumulate")
        name = f"{self.__name__}.accumulate"
        unsupported(name, out=out)
        x = asarray(a) if dtype is None else elementwise.astype(asarray(a), dtype)
        axis = axis_index(name, axis, x.ndim)
        if self._of_arrays.accumulate is not None:
            return self._of_arrays.accumulate(x, axis)
        if not x.shape[axis]:
            return x
        rows = shapes.moveaxis(x, axis, 0)
        rest = self._fold(rows)[1]
        first = elementwise.astype(rows[:1], rest.dtype)
        return shapes.moveaxis(joining.concatenate([first, rest]), 0, axis)

    def at(self, a, indices, b=None, /, *, inplace=True):
        """`a` with the function applied at `indices`, once for every time an index occurs.

        Args:
          b: the other operand, broadcast to the elements; None for a function of one operand.
          inplace: False: arrays are immutable, so the result is a new one.
        """
        if inplace:
            raise UnsupportedError(
                f"{self.__name__}.at: expected inplace=False, since arrays are immutable, got "
                "inplace=True; use the result"
            )
        if (b is None) != (self.nin == 1) or self.nout != 1:
            raise ArgumentError(
                f"{self.__name__}.at: expected {self.nin - 1} operands beside the array and the "
                f"indices, got {0 if b is None else 1}"
            )
        x = asarray(a)
        if self._of_arrays.at is not None:
            return self._of_arrays.at(x, indices, b)
        places = creation.arange(x.size).reshape(x.shape)[indices]
        operands = () if b is None else (shapes.broadcast_to(b, places.shape).reshape(-1),)

        def step(flat, given):
            place, *rest = given
            new = self._of_arrays.call(flat[place], *rest)
            return flat.at[place].set(elementwise.astype(new, flat.dtype)), None

        return scan(step, x.reshape(-1), (places.reshape(-1), *operands))[0].reshape(x.shape)

    def reduceat(self, a, indices, axis=0, dtype=None, out=None):
        """`reduce` of the slices a[indices[i] : indices[i + 1]] along an axis, of the element
        a[indices[i]] alone where they are empty; the last slice goes to the end.
        """
        self._binary("reduceat")
        name = f"{self.__name__}.reduceat"
        unsupported(name, out=out)
        x = asarray(a) if dtype is None else elementwise.astype(asarray(a), dtype)
        axis = axis_index(name, axis, x.ndim)
        if self._of_arrays.reduceat is not None:
            return self._of_arrays.reduceat(x, indices, axis)
        rows, first = shapes.moveaxis(x, axis, 0), asarray(indices)
        n = rows.shape[0]
        following = joining.append(first[1:], n)
        following = composed.choose_between(name, following > first, following, first + 1)
        places = creation.arange(n)[:, None]
        there = (places > first) & (places < following)
        there = there.reshape(*there.shape, *(1,) * (rows.ndim - 1))
        heads = rows[first]

        def step(partial, given):
            row, mask = given
            new = elementwise.astype(self._of_arrays.call(partial, row), partial.dtype)
            return composed.choose_between(name, mask, new, partial), None

        return shapes.moveaxis(scan(step, heads, (rows, there))[0], 0, axis)

    def outer(self, A, B, /):
        """The function of every element of A with every element of B.

        A: array[...], B: array[...] -> the axes of A, then those of B.
        """
        self._binary("outer")
        x, y = asarray(A), asarray(B)
        return self._of_arrays.call(x.reshape(*x.shape, *(1,) * y.ndim), y)


def _flattened(x, axes):
    """The axes as one, at the front."""
    x = shapes.moveaxis(x, axes, tuple(range(len(axes))))
    return x.reshape(-1, *x.shape[len(axes) :])


def frompyfunc(func, /, nin, nout, *, identity=None):
    """A `ufunc` of a function of `nin` numbers with `nout` results.

    >>> frompyfunc(lambda x, y: x * 10 + y, 2, 1).reduce(asarray([1, 2, 3])).tolist()
    123
    """
    return ufunc(func, nin, nout, identity=identity)


def _truth(reduce, join, start):
    """The reduction of a logical function, of which `initial` is one more element."""

    def reduced(x, axes, *, keepdims, initial, where):
        found = reduce(x, axes, keepdims=keepdims, where=where)
        return found if initial in (None, start) else join(found, initial)

    return reduced


def _made(function, identity=None, **quick):
    made = ufunc(function, 2, 1, call=function, identity=identity, **quick)
    made.__module__ = __package__
    return made


add = _made(
    elementwise.add, 0, reduce=reductions.sum, accumulate=reductions.cumsum,
    at=lambda x, i, b: x.at[i].add(b),
)  # fmt: skip
multiply = _made(
    elementwise.multiply, 1, reduce=reductions.prod, accumulate=reductions.cumprod,
    at=lambda x, i, b: x.at[i].multiply(b),
)  # fmt: skip
maximum = _made(
    elementwise.maximum, reduce=reductions.max, accumulate=lambda x, axis: R.cummax(x, axis=axis),
    at=lambda x, i, b: x.at[i].max(b),
)  # fmt: skip
minimum = _made(
    elementwise.minimum, reduce=reductions.min, accumulate=lambda x, axis: R.cummin(x, axis=axis),
    at=lambda x, i, b: x.at[i].min(b),
)  # fmt: skip
subtract = _made(elementwise.subtract, at=lambda x, i, b: x.at[i].subtract(b))
logical_and = _made(
    elementwise.logical_and, True,
    reduce=_truth(reductions.all, elementwise.logical_and, True),
)  # fmt: skip
logical_or = _made(
    elementwise.logical_or, False,
    reduce=_truth(reductions.any, elementwise.logical_or, False),
)  # fmt: skip
logical_xor = _made(elementwise.logical_xor, False)
bitwise_and = _made(elementwise.bitwise_and, -1)
bitwise_or = _made(elementwise.bitwise_or, 0)
bitwise_xor = _made(elementwise.bitwise_xor, 0)
logaddexp = _made(composed.logaddexp, -math.inf)
logaddexp2 = _made(composed.logaddexp2, -math.inf)
negative = ufunc(elementwise.negative, 1, 1, call=elementwise.negative)
negative.__module__ = __package__

"""Python functions called by programs: for their results, or for what they do besides.

In: a function of NumPy arrays and the types of its results.  Out: those results, as equations that
run on the host each time the program reaches them, in the order they were written.
Knows nothing of: how a backend leaves its kernels for the host.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import tree
from ..core.errors import CallbackError
from ..core.primitive import BatchAxis, Primitive
from ..core.primitives import shape as S
from ..core.source import user_location
from ..core.types import ShapedArray
from .calling import as_value, check_callable, name_of
from .scan import row_by_row

VMAP_METHODS = (None, "sequential", "sequential_unrolled", "expand_dims", "broadcast_all")


class HostFunction:
    """A user's function from the leaves of its arguments to those of its result."""

    def __init__(self, name: str, fun: Callable[..., Any], in_tree: Any, out_tree: Any):
        self.name, self.fun, self.in_tree, self.out_tree = name, fun, in_tree, out_tree
        self.where = user_location()

    def __repr__(self) -> str:
        return name_of(self.fun)

    def __call__(self, leaves: Sequence[Any], results: Sequence[ShapedArray]) -> list[Any]:
        """Arrays of the types in `results`; the function gets copies, which it may keep."""
        args, kwargs = tree.unflatten(self.in_tree, [np.array(x) for x in leaves])
        try:
            returned = self.fun(*args, **kwargs)
        except Exception as error:
            error.add_note(f"raised in {self!r}, called by {self.name} at {self.where}")
            raise
        if self.out_tree is None:
            return []
        return self._checked(returned, results)

    def _checked(self, returned: Any, results: Sequence[ShapedArray]) -> list[Any]:
        found, out_tree = tree.flatten(returned)
        if out_tree != self.out_tree:
            self._refuse(f"a result of structure {self.out_tree}", str(out_tree))
        out = []
        for value, aval in zip(found, results, strict=True):
            array = np.asarray(value)
            if array.shape != aval.shape or not np.can_cast(array.dtype, aval.dtype, "same_kind"):
                self._refuse(str(aval), f"{array.dtype.name}{list(array.shape)}")
            out.append(array.astype(aval.dtype, copy=False))
        return out

    def _refuse(self, expected: str, got: str) -> None:
        raise CallbackError(
            f"{self.name} of {self!r}: expected {expected}, as result_shape_dtypes says, "
            f"got {got}; return what was announced, or announce what is returned",
            self.where,
        )


class Callback(Primitive):
    """Operands: the leaves of the arguments.  Params: the function, and the results' types."""

    def abstract_eval(self, *avals: Any, function: Any, results: Any, method: Any) -> Any:
        return list(results)

    def impl(self, *values: Any, function: Any, results: Any, method: Any) -> list[Any]:
        return function(values, results)  # type: ignore[no-any-return]

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        raise CallbackError(
            f"{self.name} of {params['function']!r}: expected arguments that nothing is "
            "differentiated by, got a derivative of a Python function; give it one with custom_jvp "
            "or custom_vjp, or apply stop_gradient to its arguments"
        )

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, function: Any, results: Any, method: Any
    ) -> tuple[list[Any], list[Any]]:
        if method is None:
            raise CallbackError(
                f"{self.name} of {function!r}: expected vmap_method to say how vmap calls it, "
                "got None; pass 'sequential' for one row after another, or 'broadcast_all' or "
                "'expand_dims' for all rows at once, if the function takes leading axes"
            )
        moved = S.batch_in_front(args, dims, axis.size)
        if method.startswith("sequential"):
            call = functools.partial(self.bind, function=function, results=results, method=method)
            varies = [k is not None for k in dims]
            return row_by_row(call, moved, varies, axis.size, self.name), [0] * len(results)
        size = axis.size if method == "broadcast_all" else 1
        whole = [
            S.move_batch_axis(x, None, 0, size) if k is None else x
            for x, k in zip(moved, dims, strict=True)
        ]
        outs = tuple(a.update(shape=(axis.size, *a.shape)) for a in results)
        return self.bind(*whole, function=function, results=outs, method=method), [0] * len(outs)


class PureCallback(Callback):
    """A function without side effects: called as often as its results are needed."""


class IoCallback(Callback):
    """A function called for its side effects too: once wherever the program says so."""

    effectful = True


class DebugCallback(Callback):
    """A function that looks on: derivatives pass it by."""

    effectful = True

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        return self.bind(*primals, **params), []


pure_callback_p, io_callback_p, debug_callback_p = PureCallback(), IoCallback(), DebugCallback()


def pure_callback(
    callback: Callable[..., Any],
    result_shape_dtypes: Any,
    *args: Any,
    sharding: Any = None,
    vmap_method: str | None = None,
    **kwargs: Any,
) -> Any:
    """callback(*args, **kwargs), a Python function of NumPy arrays, as part of a program.

    Args:
      callback: without side effects: it may be called more or fewer times than written.
      result_shape_dtypes: tree of objects with shape and dtype, as the result will be.
      sharding: must be None.
      vmap_method: how `vmap` calls it: 'sequential', one row after another; 'broadcast_all', once
        with a leading axis on all arguments; 'expand_dims', the same of size 1 where they do not
        vary; None: not at all.
    Raises: CallbackError if the result is not what was announced, under derivatives, and under
      `vmap` without a method; whatever the callback raises.

    >>> import numpy as np, ftx
    >>> double = lambda x: pure_callback(lambda x: x * 2, ftx.ShapeDtypeStruct((), np.float32), x)
    >>> float(ftx.jit(double)(3.0))
    6.0
    """
    if vmap_method == "legacy_vectorized":
        vmap_method = "broadcast_all"
    if vmap_method not in VMAP_METHODS:
        raise CallbackError(
            f"pure_callback: expected vmap_method among {VMAP_METHODS}, got {vmap_method!r}"
        )
    return _call(
        pure_callback_p, callback, result_shape_dtypes, args, kwargs, sharding, vmap_method
    )


def io_callback(
    callback: Callable[..., Any],
    result_shape_dtypes: Any,
    *args: Any,
    sharding: Any = None,
    ordered: bool = False,
    **kwargs: Any,
) -> Any:
    """callback(*args, **kwargs), called exactly where and as often as the program says.

    Args:
      result_shape_dtypes: tree of objects with shape and dtype; None for no result.
      ordered: of no effect: callbacks of one program always run in the order written; `vmap` calls
        them for one row after another.
    Raises: CallbackError if the result is not what was announced, and under derivatives.

    >>> import ftx
    >>> seen = []
    >>> ftx.jit(lambda x: io_callback(lambda v: seen.append(float(v)), None, x))(2.0)
    >>> seen
    [2.0]
    """
    return _call(io_callback_p, callback, result_shape_dtypes, args, kwargs, sharding, "sequential")


def debug_callback(
    callback: Callable[..., Any],
    *args: Any,
    ordered: bool = False,
    partitioned: bool = False,
    **kwargs: Any,
) -> None:
    """callback(*args, **kwargs) for its side effects, its result ignored; derivatives pass it by.

    Args:
      ordered: of no effect: callbacks keep the order in which they are written.
      partitioned: of no effect: arrays of one process are whole.

    >>> import ftx
    >>> seen = []
    >>> def f(x):
    ...     debug_callback(lambda v: seen.append(float(v)), x)
    ...     return x**2
    >>> float(ftx.grad(f)(3.0)), seen
    (6.0, [3.0])
    """
    _call(debug_callback_p, callback, None, args, kwargs, None, "sequential", looks_on=True)


def debug_print(
    fmt: str,
    *args: Any,
    ordered: bool = False,
    partitioned: bool = False,
    skip_format_check: bool = False,
    **kwargs: Any,
) -> None:
    """Print fmt.format(*args, **kwargs) each time the program reaches this line.

    Args:
      ordered, partitioned: of no effect, as in `callback`.
      skip_format_check: leave errors in the format to the moment of printing.

    Raises: CallbackError, where it is written, if the format does not fit the arguments.

    >>> import ftx
    >>> ftx.jit(lambda x: debug_print("x = {x}", x=x))(1.5)
    x = 1.5
    """
    if not skip_format_check:
        check_format("debug.print", fmt, args, kwargs)
    debug_callback(lambda *a, **k: print(fmt.format(*a, **k), flush=True), *args, **kwargs)


def check_format(name: str, fmt: str, args: Any, kwargs: Any) -> None:
    """Raise CallbackError unless `fmt` names the arguments, no more and no fewer by name."""
    names = [name for _, name, _, _ in string.Formatter().parse(fmt) if name is not None]
    heads = [name.split(".")[0].split("[")[0] for name in names]
    unnamed = sum(head == "" for head in heads)
    missing = [h for h in heads if h and not h.isdigit() and h not in kwargs]
    missing += [h for h in heads if h.isdigit() and int(h) >= len(args)]
    spare = sorted(set(kwargs) - set(heads))
    if missing or unnamed > len(args) or spare:
        raise CallbackError(
            f"{name}: expected arguments for {fmt!r}, got {len(args)} by position and "
            f"{sorted(kwargs)} by name; values go in as arguments: '... {{x}}', x=x"
        )


def _call(
    primitive: Callback,
    callback: Any,
    announced: Any,
    args: Any,
    kwargs: Any,
    sharding: Any,
    method: str | None,
    looks_on: bool = False,
) -> Any:
    check_callable(primitive.name, callback)
    if sharding is not None:
        raise CallbackError(f"{primitive.name}: expected sharding=None, got {sharding!r}")
    leaves, in_tree = tree.flatten((args, kwargs))
    outs, out_tree = tree.flatten(announced)
    results = tuple(ShapedArray(tuple(a.shape), np.dtype(a.dtype)) for a in outs)
    function = HostFunction(primitive.name, callback, in_tree, None if looks_on else out_tree)
    values = [as_value(x) for x in leaves]
    found = primitive.bind(*values, function=function, results=results, method=method)
    return tree.unflatten(out_tree, found)

"""closure_convert: what a function closes over, made arguments of it.

In: a function and example arguments.  Out: a function that takes the traced values too, and them.
Knows nothing of: the custom rules it serves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core import dtypes, tree
from ..core.errors import TreeError
from ..core.evaluate import eval_jaxpr
from ..core.tracebacks import api_boundary
from ..core.tracing import Tracer
from .calling import as_value, check_callable, name_of, trace_function


@api_boundary
def closure_convert(
    fun: Callable[..., Any], *example_args: Any
) -> tuple[Callable[..., Any], list[Any]]:
    """`fun` as a function that also takes what it closes over, so that custom rules see it.

    Args:
      fun: pure function of trees of arrays.
      example_args: arguments of the types that the result will be called with.
    Returns: (converted, closed_over): converted(*args, *closed_over) is fun(*args); closed_over
      holds the traced real or complex values, which alone may be differentiated.
    Raises: TreeError when called with arguments of another structure.

    >>> import ftx
    >>> def slope(w):
    ...     converted, closed_over = closure_convert(lambda x: w * x, 1.0)
    ...     return ftx.grad(converted, 1)(5.0, *closed_over)
    >>> float(ftx.jit(slope)(3.0))
    5.0
    """
    check_callable("closure_convert", fun)
    leaves, in_tree = tree.flatten((example_args, {}))
    jaxpr, out_tree = trace_function(fun, [as_value(x).aval for x in leaves], in_tree)
    hoisted = [isinstance(c, Tracer) and dtypes.is_inexact(c.dtype) for c in jaxpr.consts]
    n = sum(hoisted)

    @api_boundary
    def converted(*args: Any) -> Any:
        split = len(args) - n
        given, got = tree.flatten((args[:split], {}))
        if got != in_tree:
            raise TreeError(
                f"closure_convert of {name_of(fun)}: expected arguments of the structure of the "
                f"example {in_tree.child(0)} and {n} closed-over values, got {got.child(0)}"
            )
        more = iter(args[split:])
        consts = [next(more) if h else c for h, c in zip(hoisted, jaxpr.consts, strict=True)]
        outs = eval_jaxpr(jaxpr.closed(), [as_value(x) for x in (*consts, *given)])
        return tree.unflatten(out_tree, outs)

    return converted, [c for h, c in zip(hoisted, jaxpr.consts, strict=True) if h]

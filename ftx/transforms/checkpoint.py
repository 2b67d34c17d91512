"""checkpoint: trade memory for time by computing again in the backward pass.

In: a function.  Out: the same function, of which only the inputs are kept for reverse mode.
Knows nothing of: policies that keep some intermediate values; every value is recomputed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..core import tree
from ..core.errors import UnsupportedError
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr
from ..core.primitive import BatchAxis, Primitive
from ..core.tracing import trace
from .calling import as_value, check_callable, trace_function
from .jit import Jit, call
from .jvp import jvp_jaxpr
from .linearize import linearized
from .vmap import batched_jaxpr


class Checkpoint(Jit):
    """A call whose linear part recomputes the program from its inputs."""

    name = "checkpoint"

    def evaluate(self, args: tuple[Any, ...], params: dict[str, Any]) -> list[Any]:
        return eval_jaxpr(params["jaxpr"], [as_value(a) for a in args])

    def jvp(
        self, primals: Any, tangents: Any, *, jaxpr: Jaxpr, name: str
    ) -> tuple[list[Any], list[Any]]:
        program, moved = jvp_jaxpr(jaxpr, [t is not None for t in tangents])
        outs = remat(program, [*primals, *[t for t in tangents if t is not None]])
        n, given = len(moved), iter(outs[len(moved) :])
        return outs[:n], [next(given) if m else None for m in moved]

    def linearize(
        self, primals: Any, tangents: Any, *, jaxpr: Jaxpr, name: str
    ) -> tuple[list[Any], list[Any]]:
        """Outputs now; the linear part takes the primals as its only residuals."""
        varies = [t is not None for t in tangents]
        known, linear, moved = linearized(jaxpr, varies)
        n, n_in = len(moved), len(primals)
        outs = call(jaxpr, primals)

        def again(*args: Any) -> list[Any]:
            residuals = eval_jaxpr(known, args[:n_in])[n:]
            return eval_jaxpr(linear, [*residuals, *args[n_in:]])

        given = [t for t in tangents if t is not None]
        types = [p.aval for p in primals] + [t.aval.strong for t in given]
        program = trace(again, types, name=f"again({jaxpr.name})")
        args = [*program.consts, *primals, *given]
        touts = iter(
            recompute_p.bind(*args, jaxpr=program.closed(), name=jaxpr.name) if any(moved) else []
        )
        return outs, [next(touts) if m else None for m in moved]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, jaxpr: Jaxpr, name: str
    ) -> tuple[list[Any], list[Any]]:
        program, out_dims = batched_jaxpr(jaxpr, axis, dims)
        return remat(program, args), list(out_dims)


class Recompute(Jit):
    """The linear part of a checkpointed call: primals and tangents to output tangents."""

    name = "recompute"


checkpoint_p: Primitive = Checkpoint()
recompute_p: Primitive = Recompute()


def remat(jaxpr: Jaxpr, args: Any) -> list[Any]:
    """Apply a program whose intermediate values are not kept."""
    return checkpoint_p.bind(*jaxpr.consts, *args, jaxpr=jaxpr.closed(), name=jaxpr.name)


def checkpoint(
    fun: Callable[..., Any],
    *,
    concrete: bool = False,
    prevent_cse: bool = True,
    static_argnums: Any = (),
    policy: Any = None,
) -> Callable[..., Any]:
    """`fun`, whose intermediate values are computed again in the backward pass.

    Args:
      fun: function of trees of arrays.
      policy: must be None: nothing but the inputs is kept.

    >>> import ftx
    >>> float(ftx.grad(checkpoint(lambda x: x ** 3))(2.0))
    12.0
    """
    check_callable("checkpoint", fun)
    if policy is not None or static_argnums not in ((), None) or concrete:
        raise UnsupportedError(
            "checkpoint: expected policy=None, no static_argnums and concrete=False, got "
            f"{policy}, {static_argnums} and {concrete}; close over static arguments"
        )

    @functools.wraps(fun)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        leaves, in_tree = tree.flatten((args, kwargs))
        values = [as_value(x) for x in leaves]
        jaxpr, out_tree = trace_function(fun, [v.aval for v in values], in_tree)
        return tree.unflatten(out_tree, remat(jaxpr, values))

    return checkpointed

"""vmap: run a one-example function on a batch.

In: a function, in_axes, out_axes.  Out: a function over arrays with one more axis.
Walks the jaxpr once, asking each primitive for its `batch` rule.
Invariant: a value carries its batch dim, or None if it does not vary.
Knows nothing of: gradients, devices, kernels.
Source: autodidax part 1 (BatchTrace), restated over jaxprs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import key_reuse, tree
from ..core.array import Value
from ..core.errors import AxisError, AxisSizeError, InAxesError, MapAxisError
from ..core.evaluate import read
from ..core.jaxpr import Jaxpr, eqn_axes
from ..core.primitive import BatchAxis
from ..core.primitives.reduction import reduce_sum
from ..core.primitives.shape import move_batch_axis
from ..core.source import interprets
from ..core.state import named_axis
from ..core.tracebacks import api_boundary
from ..core.tracing import trace
from ..core.types import ShapedArray
from .calling import as_value, check_callable, check_leaves, describer, name_of, trace_function


def vmap(
    fun: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    axis_name: str | None = None,
    axis_size: int | None = None,
    spmd_axis_name: str | tuple[str, ...] | None = None,
    sum_match: bool = False,
) -> Callable[..., Any]:
    """Run `fun`, written for one example, on a batch of them.

    Args:
      fun: pure function of arrays or pytrees of arrays.
      in_axes: axis to map over, a prefix of the arguments; None keeps an argument whole.
      out_axes: where the batch axis goes in each output; None for outputs that do not vary.
      axis_name: name by which `psum` and its kin refer to the axis.
      axis_size: size of the axis; needed only if nothing is mapped.
      spmd_axis_name: of no effect: in JAX it names the mesh axis over which sharding constraints
        spread the batch, and the arrays of one process here are not sharded.
      sum_match: an output that varies where out_axes is None is summed over the batch, not refused.
    Returns: the function of arrays with one more axis, of common size n.
    Raises: MapAxisError if mapped axes differ in size, or nothing is mapped.

    >>> import ftx.numpy as fnp
    >>> vmap(fnp.dot, in_axes=(0, None))(fnp.ones((4, 3)), fnp.ones(3)).shape
    (4,)
    """
    check_callable("vmap", fun)
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)

    @api_boundary
    @functools.wraps(fun)
    def batched(*args: Any, **kwargs: Any) -> Any:
        leaves, in_tree = tree.flatten((args, kwargs))
        dims = leaf_axes("vmap", fun, in_axes, args, kwargs, in_tree)
        # Unmapped arguments come as they are: integers may be static, values are known.
        fixed = {i: x for i, x in enumerate(leaves) if dims[i] is None and not _traced(x)}
        describe = describer(fun, in_tree, fixed)
        leaves = [x for i, x in enumerate(leaves) if i not in fixed]
        dims = [d for i, d in enumerate(dims) if i not in fixed]
        check_leaves("vmap", leaves, describe)
        values = [as_value(x) for x in leaves]
        size, dims = mapped_size("vmap", fun, values, dims, describe, axis_size)
        axis = BatchAxis(size, axis_name)
        avals = [unbatched(v.aval, d) for v, d in zip(values, dims, strict=True)]
        known = [v if d is None else None for v, d in zip(values, dims, strict=True)]
        with named_axis(axis_name, size):
            jaxpr, out_tree = trace_function(fun, avals, in_tree, known, fixed=fixed)
        key_reuse.apply(jaxpr, values)
        outs, out_dims = batch(jaxpr, axis, values, dims)
        wanted = out_leaf_axes(fun, out_axes, out_tree)
        if sum_match:
            outs, out_dims = _summed(outs, out_dims, wanted)
        moved = [_place(o, d, w, size, fun) for o, d, w in zip(outs, out_dims, wanted, strict=True)]
        return tree.unflatten(out_tree, moved)

    return batched


def _traced(x: Any) -> bool:
    """Whether an argument that is not mapped is an array to the function, not a plain value."""
    return isinstance(x, (Value, np.ndarray, np.generic, float, complex))


def leaf_axes(
    transform: str, fun: Any, in_axes: Any, args: Any, kwargs: Any, in_tree: Any
) -> list[int | None]:
    """The mapped axis of every leaf; keyword arguments map axis 0."""
    spread = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
    if len(spread) != len(args):
        raise InAxesError(
            f"{transform} of {name_of(fun)}: expected in_axes for {len(args)} positional "
            f"arguments, got {len(spread)} in {in_axes}; give one entry per argument, None to "
            "keep it whole"
        )
    positional, by_name = in_tree.children()
    found = tree.broadcast_prefix(
        spread,
        positional,
        InAxesError,
        f"{transform} of {name_of(fun)}: expected in_axes",
        "give one axis for all leaves of an argument, or a tree like it",
    )
    return found + [0] * by_name.num_leaves


def mapped_size(
    transform: str,
    fun: Any,
    values: Any,
    dims: Any,
    describe: Callable[[int], str],
    given: int | None,
) -> tuple[int, list[int | None]]:
    """The common size of the mapped axes, and the axes made non-negative."""
    sizes: dict[int, int] = {}
    out: list[int | None] = []
    for i, (v, d) in enumerate(zip(values, dims, strict=True)):
        if d is None:
            out.append(None)
            continue
        if not isinstance(d, int) or not -v.ndim <= d < v.ndim:
            raise MapAxisError(
                f"{transform} of {name_of(fun)}: expected an axis of {v.aval} in {describe(i)}, "
                f"got {d!r}; use None in in_axes to keep it whole"
            )
        out.append(d % v.ndim)
        sizes[i] = v.shape[d % v.ndim]
    found = set(sizes.values()) | ({given} if given is not None else set())
    if len(found) == 1:
        return found.pop(), out
    if not found:
        raise AxisSizeError(
            f"{transform} of {name_of(fun)}: expected at least one mapped argument, got "
            "in_axes of None only; pass axis_size, or map something"
        )
    shown = "; ".join(f"{describe(i)} has {n}" for i, n in sizes.items())
    raise AxisSizeError(
        f"{transform} of {name_of(fun)}: expected mapped axes of one size, got: {shown}"
        + (f"; axis_size is {given}" if given is not None else "")
        + "; choose other axes by in_axes, or None to keep an argument whole"
    )


def out_leaf_axes(fun: Any, out_axes: Any, out_tree: Any) -> list[int | None]:
    """Where the batch axis goes in every output leaf."""
    return tree.broadcast_prefix(
        out_axes,
        out_tree,
        InAxesError,
        f"vmap of {name_of(fun)}: expected out_axes",
        "give one axis for all leaves, or a tree like the result",
    )


def unbatched(aval: ShapedArray, dim: int | None) -> ShapedArray:
    """The type of one example."""
    if dim is None:
        return aval
    return aval.update(shape=(*aval.shape[:dim], *aval.shape[dim + 1 :]))


def with_batch(aval: ShapedArray, dim: int | None, size: int) -> ShapedArray:
    """The type of a batch of examples."""
    if dim is None:
        return aval
    return aval.update(shape=(*aval.shape[:dim], size, *aval.shape[dim:]))


def _summed(outs: Any, dims: Any, wanted: Any) -> tuple[list[Any], list[int | None]]:
    """Outputs of which no axis is wanted as the sum of their rows."""
    flags = [w is None and d is not None for d, w in zip(dims, wanted, strict=True)]
    outs = [reduce_sum(o, (d,)) if f else o for o, d, f in zip(outs, dims, flags, strict=True)]
    return outs, [None if f else d for d, f in zip(dims, flags, strict=True)]


def _place(out: Any, dim: int | None, wanted: int | None, size: int, fun: Any) -> Any:
    if wanted is None:
        if dim is not None:
            raise MapAxisError(
                f"vmap of {name_of(fun)}: expected an axis in out_axes for an output "
                f"{out.aval} that varies along the mapped axis, got None; give it an axis, or "
                "reduce it with psum or pmean"
            )
        return out
    ndim = out.ndim + (dim is None)
    if not -ndim <= wanted < ndim:
        raise AxisError(
            f"vmap of {name_of(fun)}: expected out_axes within {-ndim}..{ndim - 1} for an "
            f"output {out.aval} and its batch axis, got {wanted}"
        )
    return move_batch_axis(out, dim, wanted % ndim, size)


@interprets
def batch(
    jaxpr: Jaxpr, axis: BatchAxis, values: Sequence[Any], dims: Sequence[int | None]
) -> tuple[list[Any], list[int | None]]:
    """Interpret `jaxpr` on values with batch dims; constants do not vary."""
    env = dict(zip(jaxpr.invars, (*jaxpr.consts, *values), strict=True))
    env_dims = dict(zip(jaxpr.arg_vars, dims, strict=True))
    for eqn in jaxpr.eqns:
        xs = [read(env, a) for a in eqn.invars]
        ds = [env_dims.get(a) for a in eqn.invars]  # type: ignore[arg-type]
        collective = axis.name is not None and axis.name in eqn_axes(eqn)
        if collective or any(d is not None for d in ds):
            outs, out_dims = eqn.primitive.batch(axis, xs, ds, **eqn.params)
        else:
            outs, out_dims = eqn.primitive.bind(*xs, **eqn.params), [None] * len(eqn.outvars)
        env.update(zip(eqn.outvars, outs, strict=True))
        env_dims.update(zip(eqn.outvars, out_dims, strict=True))
    results = [env_dims.get(a) for a in jaxpr.outvars]  # type: ignore[arg-type]
    return [read(env, a) for a in jaxpr.outvars], results


def batched_jaxpr(
    jaxpr: Jaxpr,
    axis: BatchAxis,
    dims: Sequence[int | None],
    force_out: Sequence[bool] | None = None,
) -> tuple[Jaxpr, tuple[int | None, ...]]:
    """`batch` as a program, memoised on `jaxpr`; every varying output has its batch dim at 0.

    Requires: no consts.  Outputs in `force_out` vary whether they need to or not.
    """
    force = tuple(force_out or (False,) * len(jaxpr.outvars))
    key = ("batched", axis, tuple(dims), force)
    if key not in jaxpr.memo:
        jaxpr.memo[key] = _batched_jaxpr(jaxpr, axis, tuple(dims), force)
    return jaxpr.memo[key]


def _batched_jaxpr(jaxpr: Jaxpr, axis: BatchAxis, dims: Any, force: Any) -> Any:
    out_dims: list[int | None] = []

    def run(*args: Any) -> list[Any]:
        outs, found = batch(jaxpr, axis, args, dims)
        moved = []
        for o, d, f in zip(outs, found, force, strict=True):
            varies = d is not None or f
            moved.append(move_batch_axis(o, d, 0, axis.size) if varies else o)
            out_dims.append(0 if varies else None)
        return moved

    avals = [with_batch(v.aval, d, axis.size) for v, d in zip(jaxpr.invars, dims, strict=True)]
    result = trace(run, avals, name=f"vmap({jaxpr.name})")
    return result, tuple(out_dims)

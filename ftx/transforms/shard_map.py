"""shard_map: run a function on every block of its arguments, as a mesh divides them.

In: a function of blocks, specs.  Out: a function of whole arrays.
Has no primitive of its own: the axes of the mesh are batch axes with names, one inside the other,
so that collectives, derivatives and compilation are vmap's.
Knows nothing of: what collectives do, and devices.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from ..core import key_reuse, tree
from ..core.array import Array
from ..core.errors import MapAxisError, ShardingError
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr
from ..core.mesh import AbstractMesh, Mesh, current_mesh
from ..core.not_given import NOT_GIVEN
from ..core.primitive import BatchAxis
from ..core.primitives import shape as S
from ..core.sharding import NamedSharding, PartitionSpec, check_names, check_shape
from ..core.state import STATE, named_axis
from ..core.tracebacks import api_boundary
from ..core.types import ShapedArray
from .calling import as_value, check_callable, check_leaves, describer, name_of, trace_function
from .varying import tracing_blocks
from .vmap import batched_jaxpr


def shard_map(
    f: Callable[..., Any] | None = None,
    /,
    *,
    out_specs: Any,
    in_specs: Any = NOT_GIVEN,
    mesh: AbstractMesh | None = None,
    axis_names: Any = frozenset(),
    check_vma: bool = True,
) -> Any:
    """Run `f` on every block of its arguments; the blocks of its results make the results.

    Args:
      f: pure function of blocks; collectives in it name axes of the mesh.
      out_specs: PartitionSpecs, a prefix of the result: which axis is put together from blocks
        along which axis of the mesh.  Along the others the result must not vary.
      in_specs: PartitionSpecs, a prefix of the arguments: which axis is divided.  Where left out,
        as the arguments' shardings say.
      mesh: the mesh; by default the one that `set_mesh` has put in force.
      axis_names: the axes of the mesh to divide over; by default all.
      check_vma: False takes the first block of a result that varies where it should not, and
        gradients inside `f` as pmap takes them.
    Returns: the function of whole arrays, of positional arguments.
    Raises: ShardingError if a spec does not fit the mesh or an array, MapAxisError if a result
      varies along an axis that its spec does not name, InnerGradientError if a gradient taken
      inside `f` would differ from JAX's.
    It computes all blocks at once, as vmap does; it uses no devices.

    >>> import ftx
    >>> import ftx.numpy as fnp
    >>> mesh = ftx.sharding.AbstractMesh((2,), ("x",))
    >>> total = lambda v: ftx.lax.psum(v, "x")
    >>> shard_map(total, mesh=mesh, in_specs=ftx.P("x"), out_specs=ftx.P())(fnp.arange(4)).tolist()
    [2, 4]
    """
    if f is None:
        options = {"in_specs": in_specs, "mesh": mesh, "axis_names": axis_names}
        return functools.partial(shard_map, out_specs=out_specs, check_vma=check_vma, **options)
    check_callable("shard_map", f)
    what = f"shard_map of {name_of(f)}"

    @api_boundary
    @functools.wraps(f)
    def mapped(*args: Any) -> Any:
        grid = _Grid(what, mesh, axis_names)
        leaves, in_tree = tree.flatten((args, {}))
        describe = describer(f, in_tree)
        check_leaves(what, leaves, describe)
        values = [as_value(x) for x in leaves]
        specs = _specs_in(grid, in_specs, values, in_tree.children()[0])
        for i, (v, spec) in enumerate(zip(values, specs, strict=True)):
            check_shape(f"{what}, {describe(i)}", grid.sizes, spec, v.shape)
        blocks = [_divided(grid, v, spec) for v, spec in zip(values, specs, strict=True)]
        vary = [grid.named(spec) for spec in specs]
        avals = [_block(b.aval, len(names)) for b, names in zip(blocks, vary, strict=True)]
        with contextlib.ExitStack() as scope:
            for name, size in grid.sizes.items():
                scope.enter_context(named_axis(name, size))
            with tracing_blocks(grid.sizes, [frozenset(n) for n in vary], check_vma):
                jaxpr, out_tree = trace_function(f, avals, in_tree)
            specs = _specs_of(grid, "out_specs", out_specs, out_tree)
            whole, varies = _map_axes(grid, jaxpr, vary, specs)
        key_reuse.apply(jaxpr, values)
        outs = eval_jaxpr(whole, blocks)
        joined = [
            _joined(grid, o, names, spec, check_vma)
            for o, names, spec in zip(outs, varies, specs, strict=True)
        ]
        return tree.unflatten(out_tree, joined)

    return mapped


class _Grid:
    """The axes of a mesh that are mapped, in its order."""

    def __init__(self, what: str, mesh: AbstractMesh | None, axis_names: Any):
        self.what = what
        self.mesh = current_mesh() if mesh is None else mesh
        if not isinstance(self.mesh, AbstractMesh) or self.mesh.empty:
            raise ShardingError(
                f"{what}: expected a mesh, got {mesh!r}; pass mesh=ftx.make_mesh((n,), ('x',)), or "
                "put one in force by ftx.set_mesh"
            )
        wanted = {axis_names} if isinstance(axis_names, str) else set(axis_names)
        check_names(what, self.mesh.axis_names, PartitionSpec(*wanted))
        self.sizes = {n: s for n, s in self.mesh.shape_tuple if not wanted or n in wanted}

    def named(self, spec: PartitionSpec) -> list[str]:
        """The axes that a spec names, in the order of the mesh."""
        found = {n for names in spec.names() for n in names}
        return [n for n in self.sizes if n in found]


def _specs_of(grid: _Grid, argument: str, given: Any, structure: Any) -> list[PartitionSpec]:
    """The spec of every leaf."""
    found = tree.broadcast_prefix(
        given,
        structure,
        ShardingError,
        f"{grid.what}: expected {argument}",
        "give one PartitionSpec for all, or one for each",
    )
    specs = [PartitionSpec() if s is None else s for s in found]
    for spec in specs:
        if not isinstance(spec, PartitionSpec):
            raise ShardingError(
                f"{grid.what}: expected PartitionSpecs in {argument}, got {spec!r}; write "
                "PartitionSpec('x'), or PartitionSpec() for what stays whole"
            )
        check_names(f"{grid.what}, {argument}", list(grid.sizes), spec)
    return specs


def _specs_in(grid: _Grid, given: Any, values: Sequence[Any], structure: Any) -> Any:
    if given is not NOT_GIVEN:
        return _specs_of(grid, "in_specs", given, structure)
    if any(type(v) is not Array for v in values):
        raise ShardingError(
            f"{grid.what}: expected in_specs for traced arguments, which have no sharding, got "
            "none; pass in_specs"
        )
    shardings = [v.sharding for v in values]
    specs = [s.spec if isinstance(s, NamedSharding) else PartitionSpec() for s in shardings]
    return _specs_of(grid, "in_specs", tree.unflatten(structure, specs), structure)


def _divided(grid: _Grid, x: Any, spec: PartitionSpec) -> Any:
    """x with one leading axis for each axis of the mesh that its spec names, then the block's."""
    parts: list[int] = []
    of_name: dict[str, int] = {}
    block: list[int] = []
    names = (*spec.names(), *[()] * (x.ndim - len(spec)))
    for size, along in zip(x.shape, names, strict=True):
        for name in along:
            of_name[name] = len(parts)
            parts.append(grid.sizes[name])
        block.append(len(parts))
        parts.append(size // math.prod(grid.sizes[n] for n in along))
    if not of_name:
        return x
    order = [of_name[n] for n in grid.named(spec)] + block
    return S.transpose(S.reshape(x, tuple(parts)), tuple(order))


def _block(aval: ShapedArray, leading: int) -> ShapedArray:
    return aval.update(shape=aval.shape[leading:])


def _map_axes(
    grid: _Grid, jaxpr: Jaxpr, vary: list[list[str]], specs: list[PartitionSpec]
) -> tuple[Jaxpr, list[list[str]]]:
    """The program of all blocks, and along which axes each result varies: its leading axes."""
    program, consts = jaxpr.closed(), jaxpr.consts
    along: list[list[str]] = [[] for _ in program.outvars]
    for name in reversed(grid.sizes):
        axis = BatchAxis(grid.sizes[name], name)
        dims = [None] * len(consts) + [0 if name in names else None for names in vary]
        force = [name in grid.named(spec) for spec in specs]
        batched, out_dims = batched_jaxpr(program, axis, dims, force)
        program, consts = batched.closed(), (*batched.consts, *consts)
        for names, d in zip(along, out_dims, strict=True):
            names[:0] = [] if d is None else [name]
    return Jaxpr(consts, program.invars, program.eqns, program.outvars, program.name), along


def _joined(grid: _Grid, out: Any, varies: list[str], spec: PartitionSpec, check: bool) -> Any:
    """A whole result from its blocks along leading axes."""
    named = grid.named(spec)
    extra = [n for n in varies if n not in named]
    shape = out.shape[len(varies) :]
    if extra and check:
        raise MapAxisError(
            f"{grid.what}: expected a result that is the same along {extra}, which out_specs "
            f"{spec} does not name, got blocks of shape {shape} that vary; name the axis, reduce "
            "it with psum or pmean, or pass check_vma=False to take the first block"
        )
    for name in reversed(extra):
        place = varies.index(name)
        out = S.slice_axis(out, place, 0, 1)
        out = S.reshape(out, (*out.shape[:place], *out.shape[place + 1 :]))
    if len(spec) > len(shape):
        raise ShardingError(
            f"{grid.what}, out_specs: expected at most {len(shape)} entries for a result of "
            f"shape {shape}, got {spec}; leave out those for axes it does not have"
        )
    order, sizes = [], []
    for axis, names in enumerate((*spec.names(), *[()] * (len(shape) - len(spec)))):
        order += [named.index(n) for n in names] + [len(named) + axis]
        sizes.append(shape[axis] * math.prod(grid.sizes[n] for n in names))
    if named:
        out = S.reshape(S.transpose(out, tuple(order)), tuple(sizes))
    if STATE.trace is None and isinstance(grid.mesh, Mesh):
        out = out.with_sharding(NamedSharding(grid.mesh, spec))
    return out

"""pmap: run a one-example function on a batch of them, one row per device.

In: a function, in_axes, out_axes.  Out: a function over arrays with one more axis.
Has no primitive of its own: the axis is named as vmap's is, and collectives meet between the
devices, which are threads here.  Under an outer trace it is vmap.
Knows nothing of: what collectives do (core.replicas, primitives.collective), how programs compile.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import key_reuse, tree
from ..core.array import Array
from ..core.config import config
from ..core.errors import MapAxisError, StaticArgumentError
from ..core.jaxpr import Jaxpr
from ..core.primitive import BatchAxis
from ..core.replicas import run_replicas
from ..core.state import STATE, named_axis
from ..core.tracebacks import api_boundary
from .calling import (
    as_tuple,
    as_value,
    check_callable,
    check_leaves,
    describer,
    name_of,
    trace_function,
)
from .compiled import executable_of
from .jit import _Static
from .vmap import batched_jaxpr, leaf_axes, mapped_size, out_leaf_axes, unbatched, vmap


def device_count() -> int:
    """How many CPU devices pmap may use: the option num_cpu_devices, or the number of cores."""
    return config.num_cpu_devices or os.cpu_count() or 1


class _Program:
    """One traced program of a pmapped function, and where its results' rows go."""

    def __init__(self, jaxpr: Jaxpr, out_tree: Any, out_axes: list[int | None]):
        self.jaxpr, self.out_tree, self.out_axes = jaxpr, out_tree, out_axes


class Pmapped:
    """A function run on one row per device; made by `pmap`."""

    def __init__(self, fun: Callable[..., Any], **options: Any):
        functools.update_wrapper(self, fun)
        self._fun, self._options = fun, options
        static = as_tuple(options["static_broadcasted_argnums"])
        self._static = _Static(fun, static, None)
        self._donate = frozenset(as_tuple(options["donate_argnums"]))
        if self._donate & set(static):
            raise StaticArgumentError(
                f"pmap of {name_of(fun)}: expected arguments that are static or donated, not "
                f"both, got {sorted(self._donate & set(static))} in both; drop them from one"
            )
        self._cache: dict[Any, _Program] = {}
        self.traces = 0
        """How often the Python function has been run to record it."""

    @api_boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        options = self._options
        in_axes = self._dynamic_in_axes(len(args))
        static, args, kwargs = self._static.split(args, kwargs)
        fun = self._static.bind(self._fun, static)
        if STATE.trace is not None or config.disable_jit:
            axes = (in_axes, options["out_axes"], options["axis_name"], options["axis_size"])
            return vmap(fun, *axes)(*args, **kwargs)
        leaves, in_tree = tree.flatten((args, kwargs))
        describe = describer(fun, in_tree)
        check_leaves("pmap", leaves, describe)
        values = [as_value(x) for x in leaves]
        dims = leaf_axes("pmap", fun, in_axes, args, kwargs, in_tree)
        size, dims = mapped_size("pmap", fun, values, dims, describe, options["axis_size"])
        self._check_devices(size)
        avals = tuple(unbatched(v.aval, d) for v, d in zip(values, dims, strict=True))
        with named_axis(options["axis_name"], size):
            program = self._program(static, fun, avals, tuple(dims), size, in_tree)
            key_reuse.apply(program.jaxpr, values)
            rows = self._run(program.jaxpr, values, dims, size)
        outs = [_join([row[i] for row in rows], axis) for i, axis in enumerate(program.out_axes)]
        self._forget(values, in_tree)
        return tree.unflatten(program.out_tree, outs)

    def _dynamic_in_axes(self, n_args: int) -> Any:
        """in_axes without the static arguments."""
        in_axes = self._options["in_axes"]
        if not isinstance(in_axes, (tuple, list)):
            return in_axes
        static = {n % n_args for n in self._static.nums} if n_args else set()
        return tuple(a for i, a in enumerate(in_axes) if i not in static)

    def _check_devices(self, size: int) -> None:
        given = self._options["devices"]
        available = device_count() if given is None else len(given)
        if size > available:
            raise MapAxisError(
                f"pmap of {name_of(self._fun)}: expected at most {available} rows, one per device, "
                f"got {size}; reshape to [{available}, rows per device, ...] and vmap inside, use "
                "vmap alone, or set FTX_NUM_CPU_DEVICES"
            )

    def _program(
        self, static: Any, fun: Any, avals: Any, dims: Any, size: int, in_tree: Any
    ) -> _Program:
        key = (static, avals, dims, size, in_tree, config.version)
        found = self._cache.get(key)
        if found is None:
            self.traces += 1
            jaxpr, out_tree = trace_function(fun, avals, in_tree)
            wanted = out_leaf_axes(fun, self._options["out_axes"], out_tree)
            self._check_out_axes(jaxpr, dims, size, wanted)
            found = self._cache[key] = _Program(jaxpr, out_tree, wanted)
        return found

    def _check_out_axes(self, jaxpr: Jaxpr, dims: Any, size: int, wanted: Any) -> None:
        for out, axis in zip(jaxpr.out_avals, wanted, strict=True):
            if axis is not None and not -out.ndim - 1 <= axis <= out.ndim:
                raise MapAxisError(
                    f"pmap of {name_of(self._fun)}: expected out_axes within {out.ndim + 1} axes "
                    f"for a result {out}, got {axis}"
                )
        if all(axis is not None for axis in wanted):
            return
        constant = (None,) * len(jaxpr.consts)
        axis = BatchAxis(size, self._options["axis_name"])
        _, varies = batched_jaxpr(jaxpr.closed(), axis, (*constant, *dims))
        for out, place, varying in zip(jaxpr.out_avals, wanted, varies, strict=True):
            if place is None and varying is not None:
                raise MapAxisError(
                    f"pmap of {name_of(self._fun)}: expected a result that is the same in every "
                    f"row where out_axes is None, got {out} that varies; give it an axis, or "
                    "reduce it with psum or pmean"
                )

    def _run(self, jaxpr: Jaxpr, values: Any, dims: Any, size: int) -> list[Any]:
        run = executable_of(jaxpr.closed())
        split = [_rows(v, d, size) for v, d in zip(values, dims, strict=True)]
        name, axes = self._options["axis_name"], STATE.axes

        def job(i: int) -> Any:
            STATE.axes = axes
            return run(*jaxpr.consts, *[rows[i] for rows in split])

        return run_replicas(name, [functools.partial(job, i) for i in range(size)])

    def _forget(self, values: Any, in_tree: Any) -> None:
        if not self._donate:
            return
        positional = in_tree.children()[0]
        given, start = self._static.dynamic_positions(positional.num_children), 0
        for position, child in zip(given, positional.children(), strict=True):
            stop = start + child.num_leaves
            for value in values[start:stop] if position in self._donate else ():
                if type(value) is Array and not value.is_deleted():
                    value._donate()
            start = stop


def _rows(value: Any, dim: int | None, size: int) -> list[Any]:
    """What each device gets of one argument."""
    if dim is None:
        return [value] * size
    whole = np.moveaxis(value._live(), dim, 0)
    return [Array(whole[i : i + 1].reshape(whole.shape[1:])) for i in range(size)]


def _join(rows: list[Any], axis: int | None) -> Any:
    if axis is None:
        return rows[0]
    return Array(np.stack([r._live() for r in rows], axis))


def pmap(
    fun: Callable[..., Any],
    axis_name: str | None = None,
    *,
    in_axes: Any = 0,
    out_axes: Any = 0,
    static_broadcasted_argnums: int | Sequence[int] = (),
    devices: Sequence[Any] | None = None,
    backend: str | None = None,
    axis_size: int | None = None,
    donate_argnums: int | Sequence[int] = (),
) -> Pmapped:
    """Run `fun`, written for one example, on one row per device, all at the same time.

    Args:
      fun: pure function of arrays or pytrees of arrays.
      axis_name: name by which `psum` and its kin refer to the devices.
      in_axes: axis to split over the devices, a prefix of the arguments; None gives every
        device the whole.  Keyword arguments are split along axis 0.
      out_axes: where the device axis goes in each result; None for results equal on all.
      static_broadcasted_argnums: positions whose values are part of the program.
      devices: the devices to use; by default all local ones.
      axis_size: number of rows, if it cannot be seen from the arguments.
      donate_argnums: positions whose memory may be reused; unusable afterwards.
    Returns: the function of arrays with one more axis.
    Raises: MapAxisError if there are more rows than devices, mapped axes differ in size, or
      out_axes is None for a result that varies.

    >>> import ftx
    >>> import ftx.numpy as fnp
    >>> x = fnp.arange(1.0)
    >>> pmap(lambda x: x / ftx.lax.psum(x + 1, "i"), "i")(x).tolist()
    [0.0]
    """
    check_callable("pmap", fun)
    return Pmapped(
        fun,
        axis_name=axis_name,
        in_axes=in_axes,
        out_axes=out_axes,
        static_broadcasted_argnums=static_broadcasted_argnums,
        devices=devices,
        axis_size=axis_size,
        donate_argnums=donate_argnums,
    )

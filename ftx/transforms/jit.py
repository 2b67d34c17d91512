"""jit: stage a function once per type of its arguments, then run the compiled program.

In: a function of trees.  Out: a function that flattens, looks up by types, and runs.
Under an outer trace the call becomes one equation that holds the program; its rules transform
that program, memoised on it, so that grad or vmap of a compiled function compiles once.
A program whose shapes depend on values is run by `sized`; under an outer trace it is inlined.
Knows nothing of: how a backend compiles.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import key_reuse, tree
from ..core.array import Array, aval_of
from ..core.backend import Executable
from ..core.config import config
from ..core.errors import ArgumentError, StaticArgumentError, UnsupportedError
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr
from ..core.not_given import NOT_GIVEN
from ..core.placement import check_placement, placed, shardings_of
from ..core.primitive import BatchAxis, Primitive
from ..core.source import user_source
from ..core.state import STATE, named_axis
from ..core.tracebacks import api_boundary, hide_frames
from ..core.tracing import SizeWanted, Tracer
from ..core.types import ShapedArray, ShapeDtypeStruct, known_aval
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
from .jvp import jvp_jaxpr
from .linearize import linearized
from .retracing import difference, name_of_argument, note_jitted, warn_often
from .sized import GivenSizes, SizedProgram
from .stages import Lowered, Traced, shapes
from .transpose import transposed_call
from .vmap import batched_jaxpr


class Jit(Primitive):
    """A call of a program without consts, compiled when evaluated, inlined when compiled."""

    name = "jit"

    def abstract_eval(self, *avals: ShapedArray, jaxpr: Jaxpr, **_: Any) -> list[ShapedArray]:
        return jaxpr.out_avals

    def evaluate(self, args: tuple[Any, ...], params: dict[str, Any]) -> list[Any]:
        if STATE.interpreting or config.disable_jit:
            return eval_jaxpr(params["jaxpr"], args)
        return executable_of(params["jaxpr"])(*args)

    def jvp(
        self, primals: Any, tangents: Any, *, jaxpr: Jaxpr, name: str
    ) -> tuple[list[Any], list[Any]]:
        program, moved = jvp_jaxpr(jaxpr, [t is not None for t in tangents])
        outs = call(program, [*primals, *[t for t in tangents if t is not None]])
        n = len(moved)
        given = iter(outs[n:])
        return outs[:n], [next(given) if m else None for m in moved]

    def linearize(
        self, primals: Any, tangents: Any, *, jaxpr: Jaxpr, name: str
    ) -> tuple[list[Any], list[Any]]:
        """Run the known part now; the linear part is a call on residuals and tangents."""
        known, linear, moved = linearized(jaxpr, [t is not None for t in tangents])
        results = call(known, primals)
        n = len(moved)
        given = iter(call(linear, [*results[n:], *[t for t in tangents if t is not None]]))
        return results[:n], [next(given) if m else None for m in moved]

    def transpose(self, cts: Any, *args: Any, jaxpr: Jaxpr, name: str) -> list[Any]:
        return transposed_call(call, jaxpr, cts, args)

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, jaxpr: Jaxpr, name: str
    ) -> tuple[list[Any], list[Any]]:
        program, out_dims = batched_jaxpr(jaxpr, axis, dims)
        return call(program, args), list(out_dims)


jit_p = Jit()


def call(jaxpr: Jaxpr, args: Sequence[Any]) -> list[Any]:
    """Apply a program as one equation; nothing to do if it has no outputs."""
    if not jaxpr.outvars:
        return []
    return jit_p.bind(*jaxpr.consts, *args, jaxpr=jaxpr.closed(), name=jaxpr.name)


class _Entry:
    """One traced program of a jitted function."""

    __slots__ = ("donated", "jaxpr", "out_tree", "run", "single")

    def __init__(self, jaxpr: Jaxpr, out_tree: Any, donated: tuple[bool, ...]):
        self.jaxpr, self.out_tree, self.donated = jaxpr, out_tree, donated
        self.single = out_tree.is_leaf()
        self.run: Callable[..., list[Any]] | None = None

    def ready(self) -> Callable[..., list[Any]]:
        """The compiled program, constants bound."""
        if self.run is None:
            executable = self.executable()
            consts = self.jaxpr.consts
            self.run = functools.partial(executable, *consts) if consts else executable
        return self.run

    def executable(self) -> Executable:
        """The compiled program, which takes its constants first."""
        donated = (False,) * len(self.jaxpr.consts) + self.donated
        return executable_of(self.jaxpr.closed(), donated if any(donated) else ())


class Jitted:
    """A compiled function; made by `jit`."""

    def __init__(self, fun: Callable[..., Any], static: _Static, donate: frozenset[int]):
        functools.update_wrapper(self, fun)
        self._fun, self._static, self._donate = fun, static, donate
        self._cache: dict[Any, _Entry | SizedProgram] = {}
        self.has_static = bool(static.nums or static.names)
        self.outer_traces: dict[Any, Any] = {}
        """Programs of one call of this function, which transforms of it share."""
        self._plain: dict[Any, _Entry] = {}
        """Programs for positional arguments that are all arrays: found without flattening."""
        self._last_key: Any = None
        self._made_at = user_source()
        self.traces = 0
        """How often the Python function has been run to record it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if STATE.trace is None and not kwargs:
                avals = _plain_avals(args)
                entry = self._plain.get((avals, config.version))
                if entry is not None:
                    outs = entry.run(*args)  # type: ignore[misc]
                    return outs[0] if entry.single else entry.out_tree.unflatten(outs)
            return self._call(args, kwargs)
        except Exception as error:  # not by api_boundary: a frame more costs 5 % of a call
            hide_frames(error)
            raise

    def _call(self, args: Any, kwargs: Any) -> Any:
        """A call whose arguments are not all plain arrays, or of new types."""
        if config.disable_jit:
            return self._fun(*args, **kwargs)
        plain = not (kwargs or self.has_static or self._donate or STATE.trace is not None)
        plain = plain and not config.debug_key_reuse
        plain = plain and _plain_avals(args) is not None
        static, args, kwargs = self._static.split(args, kwargs)
        leaves: list[Any]
        leaves, in_tree = tree.flatten_c((args, kwargs))  # type: ignore[arg-type]
        try:
            avals = tuple([x._aval or x.aval if type(x) is Array else aval_of(x) for x in leaves])
        except TypeError:
            fun = self._static.bind(self._fun, static)
            check_leaves(f"jit of {name_of(self._fun)}", leaves, describer(fun, in_tree))
            raise
        trace = STATE.trace
        if trace is not None:
            return self._record(static, leaves, avals, in_tree)
        entry = self._cache.get((in_tree, static, avals, config.version))
        if entry is None:
            entry = self._trace(static, avals, in_tree)
        if isinstance(entry, SizedProgram):
            out_tree, outs = entry(leaves)
        else:
            if config.debug_key_reuse:
                key_reuse.apply(entry.jaxpr, leaves)
            out_tree, outs = entry.out_tree, (entry.run or entry.ready())(*leaves)
            if plain:
                self._plain[(avals, config.version)] = entry
        if self._donate:
            self._forget(entry, leaves)
        return out_tree.unflatten(outs)

    def _record(self, static: Any, leaves: Any, avals: Any, in_tree: Any) -> Any:
        entry = self._cache.get((in_tree, static, avals, config.version, STATE.axes))
        if entry is None:
            entry = self._trace(static, avals, in_tree)
        if isinstance(entry, SizedProgram):
            # The sizes are the outer trace's to tell.
            entry.warn()
            args, kwargs = tree.unflatten(in_tree, leaves)
            return entry.fun(*args, **kwargs)
        values = [as_value(x) for x in leaves]
        key_reuse.apply(entry.jaxpr, values)
        outs = call(entry.jaxpr, values)
        return tree.unflatten(entry.out_tree, outs)

    def _trace(self, static: Any, avals: Any, in_tree: Any) -> _Entry | SizedProgram:
        fun = self._static.bind(self._fun, static)
        key = (in_tree, static, avals, config.version)
        self.traces += 1
        self._say_why(key, fun)
        if self.traces == 1 and STATE.trace is None:
            note_jitted(name_of(self._fun), self._fun, self._made_at, avals)
        self._last_key = key
        donated = self._donated_leaves(in_tree)
        entry: _Entry | SizedProgram
        try:
            jaxpr, out_tree = trace_function(fun, avals, in_tree, sizes=GivenSizes())
            consts, entry = jaxpr.consts, _Entry(jaxpr, out_tree, donated)
        except SizeWanted as wanted:
            entry = SizedProgram(fun, avals, in_tree, wanted, donated)
            consts = entry.consts
        if not any(isinstance(c, Tracer) for c in consts):
            self._cache[key if STATE.trace is None else (*key, STATE.axes)] = entry
            if not STATE.axes:
                self._cache[key] = self._cache[(*key, ())] = entry
        return entry

    def _say_why(self, key: Any, fun: Any) -> None:
        """Under FTX_DEBUG why the function is traced; a warning where it is traced too often."""
        if config.debug < 1 and self.traces != config.retrace_warning:
            return
        name, reason = name_of(self._fun), "first call"
        if self._last_key is not None:
            reason = difference(
                self._last_key, key, describer(fun, key[0]), self._static.parameters
            )
        if config.debug >= 1:
            avals = ", ".join(map(str, key[2]))
            print(f"ftx: tracing {name}({avals}): {reason}", file=sys.stderr)
        if self.traces == config.retrace_warning:
            warn_often(name, self.traces, reason)

    def _donated_leaves(self, in_tree: Any) -> tuple[bool, ...]:
        if not self._donate:
            return ()
        positional, keywords = in_tree.children()
        flags: list[bool] = []
        dynamic = self._static.dynamic_positions(positional.num_children)
        for position, child in zip(dynamic, positional.children(), strict=True):
            flags += [position in self._donate] * child.num_leaves
        return (*flags, *[False] * keywords.num_leaves)

    @staticmethod
    def _forget(entry: _Entry | SizedProgram, leaves: Any) -> None:
        for leaf, donated in zip(leaves, entry.donated, strict=True):
            if donated and type(leaf) is Array and not leaf.is_deleted():
                leaf._donate()

    @api_boundary
    def trace(self, *args: Any, **kwargs: Any) -> Traced:
        """The program for arguments of these types (arrays or ShapeDtypeStructs)."""
        static, args, kwargs = self._static.split(args, kwargs)
        leaves, in_tree = tree.flatten((args, kwargs))
        avals = tuple(shape_of(x) for x in leaves)
        entry = self._cache.get((in_tree, static, avals, config.version))
        entry = entry or self._trace(static, avals, in_tree)
        if isinstance(entry, SizedProgram):
            entry.refuse()
        return Traced(entry, in_tree, avals)

    @api_boundary
    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """`trace`, then ready to compile ahead of time."""
        return self.trace(*args, **kwargs).lower()

    @api_boundary
    def eval_shape(self, *args: Any, **kwargs: Any) -> Any:
        """Shapes and dtypes of the result."""
        return self.trace(*args, **kwargs).out_info

    @api_boundary
    def kernels(self, *args: Any, **kwargs: Any) -> list[str]:
        """The Python text of every kernel that runs for these arguments, in order."""
        return self.lower(*args, **kwargs).compile().kernels()

    def clear_cache(self) -> None:
        """Forget every traced program."""
        self._cache.clear()
        self._plain.clear()
        self.outer_traces.clear()

    def _cache_size(self) -> int:
        return len({id(e) for e in self._cache.values()})

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)


def _plain_avals(args: Any) -> tuple[Any, ...] | None:
    """The types of arguments that are all arrays, found quickly; None for anything else."""
    found: list[Any] = []
    for x in args:
        if type(x) is Array:
            found.append(x._aval or x.aval)
        elif type(x) is np.ndarray and config.enable_x64 is not False:
            found.append(known_aval(x.shape, x.dtype))
        else:
            return None
    return None if None in found else tuple(found)


def shape_of(x: Any) -> ShapedArray:
    """The type of an array, number or ShapeDtypeStruct."""
    return x.aval if isinstance(x, ShapeDtypeStruct) else aval_of(x)


class _Static:
    """Which arguments are compile-time values."""

    def __init__(self, fun: Any, argnums: Any, argnames: Any):
        nums = as_tuple(argnums)
        names = (argnames,) if isinstance(argnames, str) else tuple(argnames or ())
        try:
            known = dict(inspect.signature(fun).parameters)
        except (TypeError, ValueError):
            known = {}
        parameters = list(known)
        several = any(p.kind is p.VAR_POSITIONAL for p in known.values())
        if known and not several and any(not -len(known) <= n < len(known) for n in nums):
            raise StaticArgumentError(
                f"jit of {name_of(fun)}: expected static_argnums among its {len(known)} "
                f"arguments, got {nums}; count them from 0"
            )
        for name in names:
            if parameters and name not in parameters and "kwargs" not in parameters:
                raise StaticArgumentError(
                    f"jit of {name_of(fun)}: expected static_argnames among {parameters}, "
                    f"got {name!r}"
                )
        self.nums = frozenset(nums) | {parameters.index(n) for n in names if n in parameters}
        self.names = frozenset(names) | {parameters[i] for i in nums if 0 <= i < len(parameters)}
        self.fun_name, self.parameters = name_of(fun), parameters

    def split(self, args: Any, kwargs: Any) -> tuple[Any, Any, Any]:
        """(static part, dynamic args, dynamic kwargs); the static part is hashable."""
        if not self.nums and not self.names:
            return (), args, kwargs
        nums = {n % len(args) if n < 0 else n for n in self.nums} if args else set()
        static = [(i, a) for i, a in enumerate(args) if i in nums]
        static += sorted((k, v) for k, v in kwargs.items() if k in self.names)
        for where, value in static:
            try:
                hash(value)
            except TypeError:
                raise StaticArgumentError(
                    f"jit of {self.fun_name}: expected a hashable static argument, got "
                    f"{type(value).__name__} for {name_of_argument(where, self.parameters)!r}; "
                    "make it a tuple or a frozen dataclass, or drop it from static_argnums"
                ) from None
        dynamic = tuple(a for i, a in enumerate(args) if i not in nums)
        rest = {k: v for k, v in kwargs.items() if k not in self.names}
        return tuple((k, type(v), v) for k, v in static), dynamic, rest

    def bind(self, fun: Any, static: Any) -> Any:
        """`fun` with its static arguments in place."""
        if not static:
            return fun
        by_position = {k: v for k, _, v in static if isinstance(k, int)}
        by_name = {k: v for k, _, v in static if isinstance(k, str)}

        @functools.wraps(fun)
        def bound(*args: Any, **kwargs: Any) -> Any:
            given = iter(args)
            total = len(args) + len(by_position)
            full = [by_position[i] if i in by_position else next(given) for i in range(total)]
            return fun(*full, **by_name, **kwargs)

        bound.__signature__ = self._signature(fun)  # type: ignore[attr-defined]
        return bound

    def _signature(self, fun: Any) -> Any:
        """Of the arguments that are not static, by whose names errors call them."""
        try:
            whole = inspect.signature(fun)
        except (TypeError, ValueError):
            return None
        rest = [p for i, p in enumerate(whole.parameters.values()) if i not in self.nums]
        return whole.replace(parameters=rest)

    def dynamic_positions(self, count: int) -> list[int]:
        """Original positions of `count` dynamic positional arguments."""
        found: list[int] = []
        i = 0
        while len(found) < count:
            if i not in self.nums:
                found.append(i)
            i += 1
        return found


class _PlacedJitted(Jitted):
    """A compiled function whose arguments and results have shardings."""

    in_shardings: Any
    out_shardings: Any

    @api_boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        what = f"jit of {name_of(self._fun)}"
        if self.in_shardings is not None:
            if kwargs:
                raise ArgumentError(
                    f"{what}: expected positional arguments where in_shardings is given, got "
                    f"{sorted(kwargs)} by name; pass them by position"
                )
            dynamic = self._static.split(args, kwargs)[1]
            leaves, structure = tree.flatten(dynamic)
            wanted = shardings_of(f"{what}, in_shardings", self.in_shardings, structure)
            describe = describer(self._static.bind(self._fun, ()), tree.structure((dynamic, {})))
            check_placement(f"{what}, in_shardings", leaves, wanted, describe)
        return placed(f"{what}, out_shardings", self._call(args, kwargs), self.out_shardings)


def _check_device(device: Any, backend: Any) -> None:
    platform = backend if device is None else getattr(device, "platform", device)
    if platform not in (None, config.default_backend):
        raise UnsupportedError(
            f"jit: expected a device of the {config.default_backend} backend, got {platform!r}; "
            "choose it with ftx.config.update('default_backend', ...)"
        )


def jit(
    fun: Callable[..., Any] = NOT_GIVEN,  # type: ignore[assignment]
    /,
    *,
    in_shardings: Any = NOT_GIVEN,
    out_shardings: Any = NOT_GIVEN,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Sequence[str] | None = None,
    donate_argnums: int | Sequence[int] | None = None,
    donate_argnames: str | Sequence[str] | None = None,
    keep_unused: bool = False,
    device: Any = None,
    backend: str | None = None,
    inline: bool = False,
    compiler_options: dict[str, Any] | None = None,
) -> Any:
    """Compile `fun` for the types of its arguments when it is called.

    Args:
      fun: pure function of arrays and trees of arrays.
      static_argnums, static_argnames: arguments whose values are part of the program; hashable.
      donate_argnums, donate_argnames: arguments whose memory may be reused; unusable afterwards.
      keep_unused, inline: of no effect: unused arguments cost nothing, and inner calls are
        always inlined when the outer program is compiled.
      in_shardings, out_shardings: shardings, a prefix of the positional arguments and of the
        result; arguments are checked against them, results remember them, nothing is moved.
      device, backend: None or the CPU.
    Returns: a function with `trace`, `lower`, `kernels`, `eval_shape` and `clear_cache`.
    Raises: NotAnArrayError for arguments that are not arrays; StaticArgumentError for static
      arguments that cannot be hashed; ShardingError for arrays that a sharding cannot divide.

    >>> import ftx.numpy as fnp
    >>> float(jit(lambda x: fnp.sum(x * 2))(fnp.ones(3)))
    6.0
    """
    _check_device(device, backend)
    if compiler_options:
        raise UnsupportedError(
            "jit: expected no compiler_options, which are XLA's, got "
            f"{sorted(compiler_options)}; see ftx.config for ours"
        )
    if fun is NOT_GIVEN:
        return functools.partial(
            jit,
            in_shardings=in_shardings,
            out_shardings=out_shardings,
            static_argnums=static_argnums,
            static_argnames=static_argnames,
            donate_argnums=donate_argnums,
            donate_argnames=donate_argnames,
            keep_unused=keep_unused,
            inline=inline,
        )
    check_callable("jit", fun)
    donate = frozenset(as_tuple(donate_argnums)) | _Static(fun, None, donate_argnames).nums
    static = _Static(fun, static_argnums, static_argnames)
    if donate & static.nums:
        raise StaticArgumentError(
            f"jit of {name_of(fun)}: expected arguments that are static or donated, not both, "
            f"got {sorted(donate & static.nums)} in both; drop them from one"
        )
    given = [None if s is NOT_GIVEN else s for s in (in_shardings, out_shardings)]
    if given == [None, None]:
        return Jitted(fun, static, donate)
    jitted = _PlacedJitted(fun, static, donate)
    jitted.in_shardings, jitted.out_shardings = given
    return jitted


def make_jaxpr(
    fun: Callable[..., Any],
    static_argnums: int | Sequence[int] = (),
    axis_env: Sequence[tuple[str, int]] | None = None,
    return_shape: bool = False,
) -> Callable[..., Any]:
    """The program `fun` would be for given arguments.

    Args:
      axis_env: names and sizes of mapped axes that collectives in `fun` may refer to.
      return_shape: return (program, shapes and dtypes of the result) instead.

    >>> print(make_jaxpr(lambda x: x * 2.0)(1.0))
    { lambda  ; a:~f32[] . let
        b:~f32[] = mul a 2.0:~f32[]
      in (b,) }
    """
    check_callable("make_jaxpr", fun)
    static = _Static(fun, static_argnums, None)

    @api_boundary
    @functools.wraps(fun)
    def show(*args: Any, **kwargs: Any) -> Any:
        fixed, args, kwargs = static.split(args, kwargs)
        leaves, in_tree = tree.flatten((args, kwargs))
        avals = [shape_of(x) for x in leaves]
        with contextlib.ExitStack() as axes:
            for name, size in axis_env or ():
                axes.enter_context(named_axis(name, size))
            jaxpr, out_tree = trace_function(static.bind(fun, fixed), avals, in_tree)
        return (jaxpr, shapes(jaxpr, out_tree)) if return_shape else jaxpr

    return show


@api_boundary
def eval_shape(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Shapes and dtypes of `fun(*args)` without computing it.

    >>> eval_shape(lambda x: x * 2.0, ShapeDtypeStruct((3,), float)).shape
    (3,)
    """
    return make_jaxpr(fun, return_shape=True)(*args, **kwargs)[1]

"""Tracing: run a Python function on stand-ins and record what it does.

In: a function of flat arguments and their types, perhaps their values.  Out: a checked Jaxpr.
A tracer whose ancestors are all known can be asked for its value; the part of the trace that
it needs is evaluated then and remembered.  An operation meets only the innermost trace:
values of outer traces are captured as constants.
A shape may depend on a value: where that is not known, a trace may be told the size.
Knows nothing of: pytrees, transforms, backends.
"""

from __future__ import annotations

import gc
import linecache
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from . import dtypes
from .array import Array, Value, as_array, aval_of
from .check import check_jaxpr
from .config import config
from .errors import (
    ConcretizationError,
    DTypeError,
    LeakedTracerError,
    LongTraceWarning,
    NotAnArrayError,
    SideEffectError,
    TracerArrayConversionError,
    TracerBoolConversionError,
    TracerFloatConversionError,
    TracerIndexConversionError,
    TracerIntegerConversionError,
)
from .jaxpr import Atom, Eqn, Jaxpr, Literal, Var
from .leaks import holder_of
from .primitive import Primitive
from .source import SourceInfo, user_source
from .state import STATE, use_trace
from .types import ShapedArray


class Asked(NamedTuple):
    """What wanted the value of a traced array: the error if it is not known, and its first word."""

    error: type[ConcretizationError]
    what: str
    aval: ShapedArray | None = None
    """Type of the array to speak of, if it is another than the one asked for."""


VALUE = Asked(ConcretizationError, "value")
BOOL = Asked(TracerBoolConversionError, "truth")
INT, INDEX = Asked(TracerIntegerConversionError, "int"), Asked(TracerIndexConversionError, "index")
FLOAT = Asked(TracerFloatConversionError, "float")
COMPLEX, ITEM, FORMAT = (FLOAT._replace(what=what) for what in ("complex", "item", "format"))


_WARNED: set[SourceInfo] = set()
"""Lines that have been warned of."""


class Sizes(Protocol):
    """Tells a trace the integers that shapes depend on; may raise SizeWanted."""

    def __call__(self, trace: Trace, var: Var) -> int: ...


class SizeWanted(BaseException):
    """A trace cannot go on before it is told an integer; no error, so nobody handles it as one."""

    def __init__(self, trace: Trace, var: Var):
        super().__init__(trace, var)
        self.trace, self.var, self.source = trace, var, user_source()

    def program(self) -> Jaxpr:
        """What was recorded so far; its result is the integer."""
        return self.trace.finish([Tracer(self.trace, self.var)])


class Trace:
    """A jaxpr under construction."""

    def __init__(
        self,
        name: str = "f",
        describe_arg: Callable[[int], str] | None = None,
        sizes: Sizes | None = None,
    ):
        self.name = name
        self.sizes = sizes
        self.parent: Trace | None = STATE.trace
        self.alive = True
        self.eqns: list[Eqn] = []
        self.args: tuple[Var, ...] = ()
        self.captured: dict[int, tuple[Var, Any, Any]] = {}
        self.known: dict[Var, Any] = {}
        self.used_keys: dict[Var, str] = {}
        self._producer: dict[Var, Eqn] = {}
        self._indexed = 0
        self._describe_arg = describe_arg
        # Only what runs the user's Python can be a loop of theirs.
        self._too_long = config.long_trace_warning if describe_arg else 0

    def new_arg(self, aval: ShapedArray) -> Tracer:
        """A tracer for one more argument."""
        var = Var(aval)
        self.args = (*self.args, var)
        return Tracer(self, var)

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: Any) -> list[Any]:
        """Record one application."""
        atoms = tuple([self.atom(a) for a in args])
        avals = primitive.abstract_eval(*[a.aval for a in atoms], **params)
        outvars = tuple([Var(a) for a in avals])
        self.eqns.append(Eqn(primitive, atoms, params, outvars, user_source()))
        if len(self.eqns) == self._too_long:
            self._warn_long()
        return [Tracer(self, v) for v in outvars]

    def _warn_long(self) -> None:
        (source, count) = Counter(e.source for e in self.eqns).most_common(1)[0]
        if source not in _WARNED:
            _WARNED.add(source)
            text = (
                f"tracing '{self.name}': expected a program of moderate size, got "
                f"{len(self.eqns)} equations so far, {count} of them from one line, which a Python "
                "loop repeats, perhaps for ever; loop with ftx.lax.fori_loop, scan or while_loop, "
                "which record their body once, or raise the option long_trace_warning"
            )
            warning = LongTraceWarning(text, str(source))
            warnings.warn_explicit(warning, None, source.file, source.line)

    def atom(self, x: Any) -> Atom:
        """The variable or literal by which this trace refers to `x`."""
        if type(x) is Tracer:
            if x.trace is self:
                return x.var
            if not x.trace.alive:
                raise x.leaked(f" in '{self.name}'")
            return self._capture(x, x)
        if not isinstance(x, Value) and np.ndim(x) == 0 or type(x) is Array and x.ndim == 0:
            aval = aval_of(x)
            if aval.dtype == dtypes.key:  # a variable, so that its use is noted
                return self._capture(x, as_array(x))
            return Literal(np.asarray(as_array(x)._live(), aval.dtype)[()], aval)
        return self._capture(x, as_array(x))

    def _capture(self, key: Any, value: Any) -> Var:
        found = self.captured.get(id(key))
        if found is None:
            found = self.captured[id(key)] = (Var(value.aval), value, key)
            self.known[found[0]] = value
        return found[0]

    def finish(self, outs: Sequence[Any]) -> Jaxpr:
        """Close the trace and return its program."""
        atoms = tuple([self.atom(o) for o in outs])
        self.alive = False
        consts = tuple(value for _, value, _ in self.captured.values())
        binders = tuple(var for var, _, _ in self.captured.values())
        eqns = tuple(self.eqns)
        return Jaxpr(consts, binders + self.args, eqns, atoms, self.name, {}, self.used_keys)

    def value(self, var: Var, asked: Asked = VALUE) -> Array:
        """The value of `var`, evaluating what it needs.

        Raises: ConcretizationError if it depends on an argument whose value is not known.
        """
        for eqn in self.eqns[self._indexed :]:
            self._producer.update(dict.fromkeys(eqn.outvars, eqn))
        self._indexed = len(self.eqns)
        with use_trace(None):
            for eqn in self._needed(var, asked):
                values = [self._concrete(a, asked) for a in eqn.invars]
                outs = eqn.primitive.bind(*values, **eqn.params)
                self.known.update(zip(eqn.outvars, outs, strict=True))
            return self._concrete(var, asked)

    def _concrete(self, atom: Atom, asked: Asked) -> Any:
        if isinstance(atom, Literal):
            return Array(np.asarray(atom.value), atom.aval.weak_type)
        found = self.known[atom]
        if type(found) is Tracer:
            found = self.known[atom] = found.trace.value(found.var, asked)
        return found

    def size(self, var: Var, asked: Asked) -> int:
        """The integer `var`, on which a shape depends: its value, or what `sizes` tells.

        Raises: the error of `asked` if it is not known and nobody tells it.
        """
        try:
            return int(self.value(var, asked)._live())
        except ConcretizationError:
            if self.sizes is not None:
                return self.sizes(self, var)
        # What it needs may be values of outer traces, one of which is told sizes.
        needed = list(self._needed(var, asked))
        with use_trace(self.parent):
            for eqn in needed:
                outs = eqn.primitive.bind(*[self._outer(a) for a in eqn.invars], **eqn.params)
                self.known.update(zip(eqn.outvars, outs, strict=True))
        outer = self._outer(var)
        return outer.trace.size(outer.var, asked)

    def _outer(self, atom: Atom) -> Any:
        """A known value, perhaps a tracer of an outer trace."""
        return self._concrete(atom, VALUE) if isinstance(atom, Literal) else self.known[atom]

    def _needed(self, var: Var, asked: Asked) -> Iterator[Eqn]:
        """Unevaluated equations that `var` depends on, in order."""
        needed, stack = set(), [var]
        while stack:
            v = stack.pop()
            if v in self.known:
                continue
            eqn = self._producer.get(v)
            if eqn is None:
                raise self._unknown(v, var, asked)
            if eqn not in needed:
                needed.add(eqn)
                stack.extend(a for a in eqn.invars if isinstance(a, Var))
        return (e for e in self.eqns if e in needed)

    def source_of(self, var: Var) -> SourceInfo | None:
        """The user's line that computed `var`; None for an argument."""
        return next((e.source for e in self.eqns if var in e.outvars), None)

    def _unknown(self, arg: Var, wanted: Var, asked: Asked) -> Exception:
        if not self.alive:
            return Tracer(self, wanted).leaked()
        position = self.args.index(arg) if arg in self.args else 0
        which = self._describe_arg(position) if self._describe_arg else f"argument {position}"
        return asked.error(
            f"{asked.what} of a traced {asked.aval or wanted.aval}: expected a value known while "
            f"tracing '{self.name}', got one that depends on {which} ({arg.aval}); {_cure(asked)}"
        )


_STATEMENTS = {
    "if": "choose between values with ftx.numpy.where, or between computations with ftx.lax.cond",
    "while": "a Python loop cannot see when to end while it is traced: use ftx.lax.while_loop",
    "assert": "a traced program cannot stop at an assert: check the argument before the call",
}


def _cure(asked: Asked) -> str:
    """What to do, by the statement of the user's line where that decides it."""
    static = "or make the argument static with static_argnums"
    if asked is not BOOL:
        return asked.error.cure if "static" in asked.error.cure else f"{asked.error.cure}, {static}"
    source = user_source()
    words = linecache.getline(source.file, source.line).split()
    statement = words[0].removeprefix("el") if words else ""
    advice = _STATEMENTS.get(statement)
    if advice is None:
        advice = f"{_STATEMENTS['if']}, or loop with ftx.lax.while_loop"
    return f"{advice}, {static}"


class LinearTrace(Trace):
    """Records only what depends on its own arguments; the rest happens in the parent trace."""

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: Any) -> list[Any]:
        for a in args:
            if type(a) is Tracer and a.trace is self:
                return super().process(primitive, args, params)
        with use_trace(self.parent):
            return primitive.bind(*args, **params)


class Tracer(Value):
    """Stands for an array while a function is traced."""

    __slots__ = ("trace", "var")

    def __init__(self, trace: Trace, var: Var):
        self.trace, self.var = trace, var

    @property
    def aval(self) -> ShapedArray:  # type: ignore[override]
        return self.var.aval

    def known_value(self, asked: Asked = VALUE) -> np.ndarray[Any, Any]:
        """The value.

        Raises: the error of `asked` if it depends on an argument whose value is not known.
        """
        return self.trace.value(self.var, asked)._live()

    def is_known(self) -> bool:
        """Whether the value can be asked for."""
        try:
            self.trace.value(self.var)
        except ConcretizationError:
            return False
        return True

    def as_size(self, asked: Asked) -> int:
        """The value of an integer that a shape shall depend on.

        Raises: the error of `asked` if neither the value is known nor the trace is told sizes.
        """
        return self.trace.size(self.var, asked)

    def leaked(self, place: str = "") -> LeakedTracerError:
        """The error of using this tracer when its function has returned."""
        source = self.trace.source_of(self.var)
        made = f"computed at {source}" if source else "an argument"
        return LeakedTracerError(
            f"leaked tracer: expected values of the running function{place}, got a traced "
            f"{self.aval} of '{self.trace.name}', which has returned ({made}); return it from the "
            "function instead of storing it outside"
        )

    def __bool__(self) -> bool:
        return bool(self.known_value(BOOL))

    def __int__(self) -> int:
        return int(self.known_value(INT))

    def __float__(self) -> float:
        return float(self.known_value(FLOAT))

    def __complex__(self) -> complex:
        return complex(self.known_value(COMPLEX))

    def __index__(self) -> int:
        if self.ndim or not dtypes.is_integer(self.dtype):
            raise DTypeError(f"index: expected an integer scalar, got {self.aval}")
        return int(self.known_value(INDEX))

    def item(self) -> Any:
        """The value as a Python number, where it is known."""
        return self.known_value(ITEM).item()

    def tolist(self) -> Any:
        """The value as nested lists, where it is known."""
        return self.known_value(ITEM).tolist()

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TracerArrayConversionError(
            f"numpy conversion of a traced {self.aval}: expected an operation of ftx.numpy, got a "
            "NumPy function, whose result would be cut off from transforms; use ftx.numpy, "
            "or ftx.lax.stop_gradient and a static argument"
        )

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise NotAnArrayError(
                "iteration: expected an array with at least one axis, got a scalar; "
                "use x.reshape(1)"
            )
        return iter([self[i] for i in range(self.shape[0])])  # type: ignore[index]

    def __repr__(self) -> str:
        return f"Tracer<{self.aval}> of '{self.trace.name}'"

    def __format__(self, spec: str) -> str:
        if spec:
            return format(as_array(self.known_value(FORMAT)), spec)
        return str(as_array(self.trace.value(self.var))) if self.is_known() else repr(self)

    def __dlpack__(self, **options: Any) -> Any:
        return self.__array__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __reduce__(self) -> Any:
        raise TracerArrayConversionError(
            f"pickle of a traced {self.aval}: expected a value that outlives the function, got "
            "one that stands for an argument; return it from the function, and pickle the result"
        )

    def __copy__(self) -> Tracer:
        return self

    def __deepcopy__(self, memo: Any) -> Tracer:
        return self

    def block_until_ready(self) -> Tracer:
        """Itself."""
        return self


def trace(
    fun: Callable[..., Sequence[Any]],
    avals: Sequence[ShapedArray],
    *,
    name: str = "f",
    values: Sequence[Any] | None = None,
    describe_arg: Callable[[int], str] | None = None,
    sizes: Sizes | None = None,
) -> Jaxpr:
    """The program of `fun`, a function of flat arguments that returns a flat list.

    Args:
      avals: type of each argument.
      values: value of each argument, None if not known; Python control flow may look at them.
      describe_arg: names argument number i in errors.
      sizes: tells the integers that shapes depend on.
    """
    recording = Trace(name, describe_arg, sizes)
    with use_trace(recording):
        tracers = [recording.new_arg(a) for a in avals]
        if values is not None:
            given = zip(recording.args, values, strict=True)
            recording.known.update((var, value) for var, value in given if value is not None)
        try:
            outs = fun(*tracers)
            jaxpr = recording.finish(outs)
        finally:
            recording.alive = False
    if config.check_tracer_leaks:
        del tracers, outs
        _check_leaks(recording)
    return check_jaxpr(jaxpr)


def _check_leaks(ended: Trace) -> None:
    """Raise SideEffectError if the user's function has stored a tracer of its trace."""
    if _alive(ended):
        gc.collect()  # what only a cycle holds is stored nowhere
    alive = _alive(ended)
    if alive:
        source = ended.source_of(alive[0].var)
        raise SideEffectError(
            f"leak check of '{ended.name}': expected no traced array to outlive the function, got "
            f"{alive[0].aval} in {holder_of(alive[0], [alive, ended])}; return it from the "
            "function instead of storing it outside",
            str(source) if source else None,
        )


def _alive(ended: Trace) -> list[Tracer]:
    """The tracers of a trace that something refers to."""
    return [x for x in gc.get_referrers(ended) if type(x) is Tracer and x.trace is ended]

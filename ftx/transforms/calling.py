"""Between users' functions of trees and the flat functions that core traces.

In: a function, positional and keyword arguments.  Out: flat leaves, a flat function, its jaxpr.
Knows nothing of: what is done with the jaxpr.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..core import tree
from ..core.array import Value, as_array, aval_of
from ..core.errors import (
    CustomRuleError,
    NotAnArrayError,
    NotCallableError,
    StaticArgumentError,
)
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr
from ..core.primitive import Primitive
from ..core.tracing import Sizes, trace
from ..core.types import ShapedArray


class Call(Primitive):
    """A call of the program in `jaxpr`, which takes all operands; evaluated one by one."""

    def abstract_eval(self, *avals: ShapedArray, jaxpr: Jaxpr, **_: Any) -> list[ShapedArray]:
        return jaxpr.out_avals

    def evaluate(self, args: tuple[Any, ...], params: dict[str, Any]) -> list[Any]:
        return eval_jaxpr(params["jaxpr"], [as_value(a) for a in args])


def name_of(fun: Any) -> str:
    """A function's name, as errors and jaxprs show it."""
    inner = getattr(fun, "__wrapped__", fun)
    return getattr(inner, "__name__", type(inner).__name__).strip("<>")


def check_callable(transform: str, fun: Any) -> None:
    """Raise unless `fun` can be called."""
    if not callable(fun):
        raise NotCallableError(
            f"{transform}: expected a function, got {type(fun).__name__}; pass the function "
            "itself, not the result of calling it"
        )


def as_value(x: Any) -> Value:
    """An array or tracer; numbers and NumPy arrays become Arrays."""
    return x if isinstance(x, Value) else as_array(x)


def check_leaves(transform: str, leaves: Sequence[Any], describe: Callable[[int], str]) -> None:
    """Raise NotAnArrayError naming the argument whose leaf is not an array."""
    for i, leaf in enumerate(leaves):
        if isinstance(leaf, Value):
            continue
        try:
            aval_of(leaf)
        except NotAnArrayError:
            raise NotAnArrayError(
                f"{transform}: expected arrays or numbers, got {type(leaf).__name__} "
                f"{str(leaf)[:40]!r} in {describe(i)}; pass it by static_argnums, or close over it"
            ) from None


class FlatFunction:
    """`fun` as a function of leaves; remembers the structure of what it returned.

    fixed: leaves, by number, that are no arguments.
    """

    def __init__(
        self,
        fun: Callable[..., Any],
        in_tree: tree.PyTreeDef,
        fixed: Mapping[int, Any] | None = None,
    ):
        self.fun, self.in_tree, self.fixed = fun, in_tree, fixed or {}
        self.out_tree: tree.PyTreeDef | None = None

    def __call__(self, *leaves: Any) -> list[Any]:
        if self.fixed:
            given = iter(leaves)
            total = range(self.in_tree.num_leaves)
            leaves = tuple(self.fixed[i] if i in self.fixed else next(given) for i in total)
        args, kwargs = tree.unflatten(self.in_tree, leaves)
        outs, self.out_tree = tree.flatten(self.fun(*args, **kwargs))
        for i, out in enumerate(outs):
            if not isinstance(out, Value):
                check_leaves(f"{name_of(self.fun)} returned a non-array", [out], self._place(i))
        return [as_value(o) for o in outs]

    def _place(self, i: int) -> Callable[[int], str]:
        def describe(_: int) -> str:
            assert self.out_tree is not None
            numbered = tree.unflatten(self.out_tree, range(self.out_tree.num_leaves))
            path = next(p for p, n in tree.leaves_with_path(numbered) if n == i)
            return f"its result{tree.keystr(path)}"

        return describe


def describer(
    fun: Any, in_tree: tree.PyTreeDef, fixed: Mapping[int, Any] | None = None
) -> Callable[[int], str]:
    """Names leaf number i of the arguments, those `fixed` not counted: "argument x['w']"."""

    def describe(i: int) -> str:
        if fixed:
            i = [k for k in range(in_tree.num_leaves) if k not in fixed][i]
        numbered = tree.unflatten(in_tree, range(in_tree.num_leaves))
        path = next(p for p, n in tree.leaves_with_path(numbered) if n == i)
        name = _argument_name(fun, path[0].idx, path[1])
        return f"argument {name}{tree.keystr(path[2:])}"

    return describe


def _argument_name(fun: Any, group: int, key: Any) -> str:
    if group == 1:
        return str(key.key)
    try:
        names = list(inspect.signature(fun).parameters)
        return names[key.idx]
    except (TypeError, ValueError, IndexError):
        return f"number {key.idx}"


def trace_function(
    fun: Callable[..., Any],
    leaves_avals: Sequence[ShapedArray],
    in_tree: Any,
    values: Any = None,
    sizes: Sizes | None = None,
    fixed: Mapping[int, Any] | None = None,
) -> tuple[Jaxpr, tree.PyTreeDef]:
    """The jaxpr of `fun` and the structure of its result.

    Args:
      values: of the leaves, where known (None: not); Python control flow may look at them.
      sizes: tells the integers that shapes depend on.
      fixed: leaves, by number, that `fun` gets as they are.
    """
    flat = FlatFunction(fun, in_tree, fixed)
    jaxpr = trace(
        flat,
        leaves_avals,
        name=name_of(fun),
        values=values,
        describe_arg=describer(fun, in_tree, fixed),
        sizes=sizes,
    )
    assert flat.out_tree is not None
    return jaxpr, flat.out_tree


def positional(fun: Any, args: Any, kwargs: Any) -> tuple[Any, ...]:
    """The arguments by position, as custom rules take them.

    Raises: CustomRuleError for keyword-only arguments.
    """
    if not kwargs:
        return args
    bound = inspect.signature(fun).bind(*args, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        raise CustomRuleError(
            f"{name_of(fun)}: expected arguments that can be passed by position, got "
            "keyword-only ones; a custom rule takes positions only: close over them"
        )
    return bound.args


def as_tuple(value: Any) -> tuple[int, ...]:
    """An int or a sequence of ints as a tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, int) else tuple(value)


def as_names(value: Any) -> tuple[str, ...]:
    """A name or a sequence of names as a tuple."""
    return (value,) if isinstance(value, str) else tuple(value or ())


def argnums_of(transform: str, fun: Any, names: Any) -> tuple[int, ...]:
    """Positions of the parameters of `fun` that are called one of `names`.

    Raises: StaticArgumentError for a name that is no parameter.
    """
    wanted = as_names(names)
    if not wanted:
        return ()
    parameters = inspect.signature(fun).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name in wanted:
        if name not in parameters and not open_ended:
            raise StaticArgumentError(
                f"{transform} of {name_of(fun)}: expected names among {list(parameters)}, got "
                f"{name!r}"
            )
    return tuple(
        i
        for i, p in enumerate(parameters.values())
        if p.name in wanted and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    )


def normalise_argnums(transform: str, argnums: Any, n_args: int) -> tuple[int, ...]:
    """Non-negative positions.

    Raises: StaticArgumentError for a position that does not exist.
    """
    found = []
    for a in as_tuple(argnums):
        if not isinstance(a, int) or not -n_args <= a < n_args:
            raise StaticArgumentError(
                f"{transform}: expected argnums within the {n_args} positional arguments, got "
                f"{argnums}; pass that argument by position"
            )
        found.append(a % n_args)
    return tuple(found)


def close_over(
    fun: Callable[..., Any], args: Sequence[Any], vary: Sequence[int], /, **fixed: Any
) -> Any:
    """`fun` as a function of the arguments at positions `vary`, the others fixed."""

    def varying(*some: Any, **kwargs: Any) -> Any:
        full = list(args)
        for position, value in zip(vary, some, strict=True):
            full[position] = value
        return fun(*full, **fixed, **kwargs)

    varying.__name__ = name_of(fun)
    varying.__wrapped__ = fun  # type: ignore[attr-defined]
    return varying

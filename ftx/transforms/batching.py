"""custom_vmap: how a function is run on a batch, given by the user.

In: a function of one example and its rule for a batch.  Out: the function, which `vmap` replaces
by the rule.
The call is one equation holding the traced function; derivatives of it are batched by the
derivative of the rule.
Knows nothing of: when it is called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..core import key_reuse, tree
from ..core.errors import CustomRuleError
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr
from ..core.primitive import BatchAxis
from ..core.primitives.shape import batch_in_front, move_batch_axis
from ..core.state import STATE
from ..core.tracebacks import api_boundary
from ..core.tracing import trace
from .calling import Call, as_value, check_callable, name_of, positional, trace_function
from .jvp import jvp_jaxpr, zeros
from .linearize import linearized
from .scan import row_by_row


class CustomVmap(Call):
    """A call of a program that `rule` batches; operands: consts, then arguments."""

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, jaxpr: Jaxpr, rule: BatchRule, n_consts: int
    ) -> tuple[list[Any], list[Any]]:
        if any(d is not None for d in dims[:n_consts]):
            raise CustomRuleError(
                f"custom_vmap {rule.name}: expected the values it closes over not to vary along "
                "the mapped axis, got one that does; pass it as an argument, so that the rule "
                "sees it"
            )
        moved = batch_in_front(args[n_consts:], dims[n_consts:], axis.size)
        outs, batched = rule(axis.size, [d is not None for d in dims[n_consts:]], moved)
        return outs, [0 if b else None for b in batched]

    def jvp(
        self, primals: Any, tangents: Any, *, jaxpr: Jaxpr, rule: BatchRule, n_consts: int
    ) -> tuple[list[Any], list[Any]]:
        varies = [t is not None for t in tangents]
        program, moved = jvp_jaxpr(jaxpr, varies)
        given = [t for t in tangents if t is not None]
        if any(varies[:n_consts]):
            # The rule does not see how its closure moves; only its value is used.
            outs = self.bind(*primals, jaxpr=jaxpr, rule=rule, n_consts=n_consts)
            touts = eval_jaxpr(program, [*primals, *given])[len(outs) :]
        else:
            both = self.bind(
                *program.consts,
                *primals,
                *given,
                jaxpr=program.closed(),
                rule=JvpRule(rule, varies[n_consts:], moved),
                n_consts=len(program.consts) + n_consts,
            )
            outs, touts = both[: len(moved)], both[len(moved) :]
        found = iter(touts)
        return outs, [next(found) if m else None for m in moved]

    def linearize(
        self, primals: Any, tangents: Any, *, jaxpr: Jaxpr, rule: BatchRule, n_consts: int
    ) -> tuple[list[Any], list[Any]]:
        """Values by this call; the linear part is that of the function itself."""
        known, linear, moved = linearized(jaxpr, [t is not None for t in tangents])
        outs = self.bind(*primals, jaxpr=jaxpr, rule=rule, n_consts=n_consts)
        residuals = eval_jaxpr(known, primals)[len(outs) :]
        found = iter(eval_jaxpr(linear, [*residuals, *[t for t in tangents if t is not None]]))
        return outs, [next(found) if m else None for m in moved]


custom_vmap_p = CustomVmap()


class BatchRule:
    """A user's rule on flat values with their batch axis first."""

    def __init__(self, rule: Any, in_tree: Any, out_tree: Any, name: str):
        self.rule, self.in_tree, self.out_tree, self.name = rule, in_tree, out_tree, name

    def __call__(
        self, size: int, batched: Sequence[bool], args: Sequence[Any]
    ) -> tuple[list[Any], list[bool]]:
        """Results, and which of them have a batch axis."""
        values, flags = (tree.unflatten(self.in_tree, x) for x in (args, batched))
        with key_reuse.unwatched():
            result = self.rule(size, list(flags), *values)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise CustomRuleError(
                f"custom_vmap {self.name}: expected its rule to return (output, out_batched), "
                f"got {type(result).__name__}"
            )
        (outs, got), (marks, marked) = (tree.flatten(r) for r in result)
        for found, what in ((got, "an output"), (marked, "out_batched")):
            if found != self.out_tree:
                raise CustomRuleError(
                    f"custom_vmap {self.name}: expected its rule to return {what} of structure "
                    f"{self.out_tree}, got {found}"
                )
        outs = [as_value(o) for o in outs]
        for out, mark in zip(outs, marks, strict=True):
            if mark and out.shape[:1] != (size,):
                raise CustomRuleError(
                    f"custom_vmap {self.name}: expected a batched output to have a leading axis "
                    f"of size {size}, got {out.aval}"
                )
        return outs, [bool(m) for m in marks]


class JvpRule(BatchRule):
    """The rule of a function and its tangents: the derivative of its rule."""

    def __init__(self, rule: BatchRule, varies: Sequence[bool], moved: Sequence[bool]):
        self.inner, self.varies, self.moved, self.name = rule, varies, moved, rule.name

    def __call__(
        self, size: int, batched: Sequence[bool], args: Sequence[Any]
    ) -> tuple[list[Any], list[bool]]:
        n = len(self.varies)
        where = [i for i, v in enumerate(self.varies) if v]
        flags = list(batched[:n])
        for i, b in zip(where, batched[n:], strict=True):
            flags[i] = flags[i] or b
        whole = [flags[i] for i in [*range(n), *where]]
        # A primal varies with its tangent and the other way round: the rule knows one flag.
        given = [
            move_batch_axis(x, None, 0, size) if w and not b else x
            for x, b, w in zip(args, batched, whole, strict=True)
        ]
        marks: list[bool] = []

        def run(*values: Any) -> list[Any]:
            outs, found = self.inner(size, flags, values)
            marks.extend(found)
            return outs

        jaxpr = trace(run, [x.aval for x in given[:n]], name=self.name)
        nonzero = [False] * len(jaxpr.consts) + list(self.varies)
        program, moved = jvp_jaxpr(jaxpr.closed(), nonzero)
        results = eval_jaxpr(program, [*jaxpr.consts, *given])
        outs, touts = results[: len(moved)], iter(results[len(moved) :])
        tangents = [next(touts) if m else None for m in moved]
        wanted = [
            zeros(o) if t is None else t
            for o, t, m in zip(outs, tangents, self.moved, strict=True)
            if m
        ]
        return [*outs, *wanted], [*marks, *[b for b, m in zip(marks, self.moved, strict=True) if m]]


class custom_vmap:
    """A function whose batched form is given by `def_vmap`.

    Reverse mode is that of the function itself (in JAX it is an error).

    >>> import ftx, ftx.numpy as fnp
    >>> @custom_vmap
    ... def norm(x):
    ...     return fnp.sqrt(fnp.sum(x * x))
    >>> @norm.def_vmap
    ... def rule(axis_size, in_batched, xs):
    ...     return fnp.linalg.norm(xs, axis=1), True
    >>> ftx.vmap(norm)(fnp.array([[3.0, 4.0], [6.0, 8.0]])).tolist()
    [5.0, 10.0]
    """

    def __init__(self, fun: Callable[..., Any]):
        check_callable("custom_vmap", fun)
        functools.update_wrapper(self, fun)
        self.fun = fun
        self.vmap_rule: Callable[..., Any] | None = None

    def def_vmap(self, vmap_rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the rule: (axis_size, in_batched, *args) -> (output, out_batched).

        Args:
          vmap_rule: receives the arguments with their batch axis first, `in_batched` a list that
            says leaf by leaf which of them have one; says the same of its output.
        Returns: the rule.
        """
        check_callable("def_vmap", vmap_rule)
        self.vmap_rule = vmap_rule
        return vmap_rule

    @api_boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._check_rule()
        if STATE.trace is None:
            return self.fun(*args, **kwargs)
        args = positional(self.fun, args, kwargs)
        leaves, in_tree = tree.flatten(args)
        values = [as_value(x) for x in leaves]
        call_tree = tree.structure((args, {}))
        jaxpr, out_tree = trace_function(self.fun, [v.aval for v in values], call_tree)
        key_reuse.apply(jaxpr, values)
        return tree.unflatten(out_tree, self._bind(jaxpr, values, in_tree, out_tree))

    def _check_rule(self) -> None:
        if self.vmap_rule is None:
            raise CustomRuleError(
                f"custom_vmap of {name_of(self.fun)}: expected a rule, got none; define one with "
                f"@{name_of(self.fun)}.def_vmap"
            )

    def _bind(self, jaxpr: Jaxpr, values: Any, in_tree: Any, out_tree: Any) -> list[Any]:
        return custom_vmap_p.bind(
            *jaxpr.consts,
            *values,
            jaxpr=jaxpr.closed(),
            rule=BatchRule(self.vmap_rule, in_tree, out_tree, name_of(self.fun)),
            n_consts=len(jaxpr.consts),
        )

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)


class RowByRow(BatchRule):
    """The rule of a program that is run on one row after another."""

    def __init__(self, jaxpr: Jaxpr, name: str):
        self.jaxpr, self.name = jaxpr, name

    def __call__(
        self, size: int, batched: Sequence[bool], args: Sequence[Any]
    ) -> tuple[list[Any], list[bool]]:
        call = functools.partial(custom_vmap_p.bind, jaxpr=self.jaxpr, rule=self, n_consts=0)
        outs = row_by_row(call, args, list(batched), size, self.name)
        return outs, [True] * len(outs)


class _Sequential(custom_vmap):
    """Its rule knows the values closed over, which may therefore vary."""

    def _check_rule(self) -> None:
        """It has one."""

    def _bind(self, jaxpr: Jaxpr, values: Any, in_tree: Any, out_tree: Any) -> list[Any]:
        rule = RowByRow(jaxpr.closed(), name_of(self.fun))
        return custom_vmap_p.bind(
            *jaxpr.consts, *values, jaxpr=jaxpr.closed(), rule=rule, n_consts=0
        )


def sequential_vmap(f: Callable[..., Any]) -> custom_vmap:
    """`f`, which `vmap` runs on one row after another.

    >>> import ftx, ftx.numpy as fnp
    >>> double = sequential_vmap(lambda x: x * 2)
    >>> ftx.vmap(double)(fnp.arange(3.0)).tolist()
    [0.0, 2.0, 4.0]
    """
    return _Sequential(f)

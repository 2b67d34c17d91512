"""custom_jvp and custom_vjp: derivatives given by the user.

In: a function and its rule.  Out: the same function, differentiated by the rule.
The call is one equation holding the traced function; the rule is traced when a transform
needs it, for the types at hand.
Knows nothing of: when it is called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import dtypes, key_reuse, tree
from ..core.errors import CustomRuleError
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr
from ..core.primitive import BatchAxis, Linear, Primitive
from ..core.primitives.reduction import reduce_sum
from ..core.primitives.selection import convert
from ..core.primitives.shape import move_batch_axis
from ..core.state import STATE
from ..core.tracebacks import api_boundary
from ..core.tracing import trace
from ..core.types import ShapedArray
from .calling import (
    Call,
    FlatFunction,
    argnums_of,
    as_tuple,
    as_value,
    check_callable,
    name_of,
    normalise_argnums,
    positional,
    trace_function,
)
from .jvp import instantiate
from .symbolic_zeros import CustomVJPPrimal, SymbolicZero, zero_from_primal
from .transpose import transposed_call
from .vmap import batch, batched_jaxpr


class CustomCall(Call):
    """A call of a program whose derivative is `rule`; operands: consts, then arguments."""

    name = "custom_call"

    def jvp(
        self, primals: Any, tangents: Any, *, jaxpr: Jaxpr, rule: Rule, n_consts: int
    ) -> tuple[list[Any], list[Any]]:
        if any(t is not None for t in tangents[:n_consts]):
            raise CustomRuleError(
                f"{rule.name}: expected arguments and constants only, got a closed-over value "
                "that is being differentiated; pass it as an argument, so that the custom "
                "rule sees it"
            )
        return rule.jvp(primals[n_consts:], tangents[n_consts:])

    def transpose(self, cts: Any, *args: Any, jaxpr: Jaxpr, **_: Any) -> list[Any]:
        """The transpose of the program itself, which is linear where this is asked for."""
        return transposed_call(eval_jaxpr, jaxpr, cts, args)

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, jaxpr: Jaxpr, rule: Rule, n_consts: int
    ) -> tuple[list[Any], list[Any]]:
        """A call of the batched program, whose rule is the batched rule."""
        every = [True] * len(jaxpr.outvars)
        program, out_dims = batched_jaxpr(jaxpr, axis, dims, every)
        consts = [*program.consts, *args[:n_consts]]
        outs = self.bind(
            *program.consts,
            *args,
            jaxpr=program.closed(),
            rule=BatchedRule(rule, axis, tuple(dims[n_consts:])),
            n_consts=len(consts),
        )
        return outs, list(out_dims)


custom_call_p = CustomCall()


class Rule:
    """How to differentiate a custom call: flat primals and tangents to outputs and tangents."""

    name = "custom"

    def jvp(self, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Outputs and their tangents (None is zero)."""
        raise NotImplementedError


class BatchedRule(Rule):
    """The rule of a batched custom call: the batch of the rule."""

    def __init__(self, rule: Rule, axis: BatchAxis, dims: tuple[int | None, ...]):
        self.rule, self.axis, self.dims, self.name = rule, axis, dims, rule.name

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        n, varies = len(primals), [t is not None for t in tangents]
        moved: list[bool] = []

        def both(*args: Any) -> list[Any]:
            given = iter(args[n:])
            outs, touts = self.rule.jvp(args[:n], [next(given) if v else None for v in varies])
            moved.extend(t is not None for t in touts)
            return [*outs, *[t for t in touts if t is not None]]

        examples = [_example(p, d) for p, d in zip(primals, self.dims, strict=True)]
        tangent_dims = [d for d, v in zip(self.dims, varies, strict=True) if v]
        types = examples + [e.strong for e, v in zip(examples, varies, strict=True) if v]
        jaxpr = trace(both, types, name=self.name)
        values = [*primals, *[t for t in tangents if t is not None]]
        outs, dims = batch(jaxpr, self.axis, values, [*self.dims, *tangent_dims])
        outs = [move_batch_axis(o, d, 0, self.axis.size) for o, d in zip(outs, dims, strict=True)]
        given = iter(outs[len(moved) :])
        return outs[: len(moved)], [next(given) if m else None for m in moved]


def _example(value: Any, dim: int | None) -> ShapedArray:
    shape = value.shape if dim is None else (*value.shape[:dim], *value.shape[dim + 1 :])
    return value.aval.update(shape=shape)


class custom_jvp:
    """A function whose forward derivative is given by `defjvp`.

    Args:
      fun: the function.
      nondiff_argnums, nondiff_argnames: positions and names of arguments that are not arrays or
        not differentiated; the rule receives them first.

    >>> import ftx.numpy as fnp
    >>> @custom_jvp
    ... def safe_sqrt(x):
    ...     return fnp.sqrt(x)
    >>> @safe_sqrt.defjvp
    ... def rule(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return safe_sqrt(x), t * fnp.where(x > 0, 0.5 / fnp.sqrt(x), 0.0)
    >>> import ftx
    >>> float(ftx.grad(safe_sqrt)(4.0))
    0.25
    """

    def __init__(
        self, fun: Callable[..., Any], nondiff_argnums: Any = (), nondiff_argnames: Any = ()
    ):
        check_callable("custom_jvp", fun)
        functools.update_wrapper(self, fun)
        self.fun = fun
        self.nondiff_argnums = _positions(fun, nondiff_argnums, nondiff_argnames)
        self.rule: Callable[..., Any] | None = None
        self.symbolic_zeros = False

    def defjvp(self, jvp: Callable[..., Any], symbolic_zeros: bool = False) -> Callable[..., Any]:
        """Set the rule: (primals, tangents) -> (output, output tangent).

        symbolic_zeros: tangents that are zero come as SymbolicZero, which the rule may return.
        """
        check_callable("defjvp", jvp)
        self.rule, self.symbolic_zeros = jvp, symbolic_zeros
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """Set one rule per argument: (tangent, output, *primals) -> output tangent."""

        def rule(*args: Any) -> tuple[Any, Any]:
            primals, tangents = args[-2:]
            out = self(*primals)
            terms = [
                f(t, out, *primals) for f, t in zip(jvps, tangents, strict=True) if f is not None
            ]
            if not terms:
                return out, tree.map(lambda o: o * 0, out)
            total = terms[0]
            for term in terms[1:]:
                total = tree.map(lambda a, b: a + b, total, term)
            return out, total

        self.rule, self.symbolic_zeros = rule, False

    @api_boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.rule is None:
            raise CustomRuleError(
                f"custom_jvp of {name_of(self.fun)}: expected a rule, got none; define one "
                f"with @{name_of(self.fun)}.defjvp"
            )
        if STATE.trace is None:
            return self.fun(*args, **kwargs)
        args = positional(self.fun, args, kwargs)
        split = _Split(self.fun, self.nondiff_argnums, args)
        leaves, in_tree = tree.flatten((split.varying, {}))
        values = [as_value(x) for x in leaves]
        jaxpr, out_tree = trace_function(split.fun, [v.aval for v in values], in_tree)
        key_reuse.apply(jaxpr, values)
        rule = _JvpRule(self.rule, split.fixed, in_tree, out_tree, name_of(self.fun))
        rule.symbolic_zeros = self.symbolic_zeros
        return tree.unflatten(out_tree, _bind(jaxpr, values, rule))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)


def _positions(fun: Any, argnums: Any, argnames: Any) -> tuple[int, ...]:
    given = as_tuple(argnums)
    return (*given, *[n for n in argnums_of("custom rule", fun, argnames) if n not in given])


class _Split:
    """Arguments to differentiate, and the function with the others in place."""

    def __init__(self, fun: Any, nondiff: tuple[int, ...], args: Any):
        nondiff = normalise_argnums("custom rule", nondiff, len(args))
        self.fixed = [args[i] for i in nondiff]
        self.varying = tuple(a for i, a in enumerate(args) if i not in nondiff)

        def varying_only(*some: Any) -> Any:
            given = iter(some)
            return fun(*[args[i] if i in nondiff else next(given) for i in range(len(args))])

        varying_only.__wrapped__ = fun  # type: ignore[attr-defined]
        self.fun = varying_only


def _bind(jaxpr: Jaxpr, values: Any, rule: Rule) -> list[Any]:
    return custom_call_p.bind(
        *jaxpr.consts, *values, jaxpr=jaxpr.closed(), rule=rule, n_consts=len(jaxpr.consts)
    )


class _JvpRule(Rule):
    symbolic_zeros = False

    def __init__(self, rule: Any, fixed: Any, in_tree: Any, out_tree: Any, name: str):
        self.rule, self.fixed, self.in_tree, self.out_tree = rule, fixed, in_tree, out_tree
        self.name = name

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        given = [self._given(t, p) for t, p in zip(tangents, primals, strict=True)]
        (ps, _), (ts, _) = (tree.unflatten(self.in_tree, x) for x in (primals, given))
        with key_reuse.unwatched():
            result = self.rule(*self.fixed, ps, ts)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise CustomRuleError(
                f"{self.name}: expected its jvp rule to return (output, tangent), got "
                f"{type(result).__name__}"
            )
        outs, touts = (
            _leaves(self, r, what) for r, what in zip(result, ("output", "tangent"), strict=True)
        )
        outs = [as_value(o) for o in outs]
        return outs, [self._tangent(t, o) for t, o in zip(touts, outs, strict=True)]

    def _given(self, tangent: Any, primal: Any) -> Any:
        """A tangent as the rule is to see it."""
        if not dtypes.is_inexact(primal.dtype):
            tangent = None
        elif not self.symbolic_zeros:
            tangent = instantiate(tangent, primal)
        if tangent is not None:
            return tangent
        return (
            zero_from_primal(primal, True) if self.symbolic_zeros else np.zeros((), dtypes.float0)
        )

    def _tangent(self, tangent: Any, out: Any) -> Any:
        """A tangent as the rule returned it, checked; None is zero."""
        t = tangent if isinstance(tangent, SymbolicZero) else as_value(tangent)
        if out.shape != t.shape:
            raise CustomRuleError(
                f"{self.name}: expected a tangent like the output {out.aval}, got {t.aval}"
            )
        if isinstance(t, SymbolicZero) or not dtypes.is_inexact(out.dtype):
            return None
        return convert(t, out.dtype)


def _leaves(rule: Any, value: Any, what: str) -> list[Any]:
    leaves, got = tree.flatten(value)
    if got != rule.out_tree:
        raise CustomRuleError(
            f"{rule.name}: expected its rule to return an {what} of structure {rule.out_tree}, "
            f"got {got}"
        )
    return leaves


class custom_vjp:
    """A function whose reverse derivative is given by `defvjp(fwd, bwd)`.

    fwd(*args) -> (output, residuals); bwd(residuals, cotangent) -> one cotangent per argument.
    With nondiff_argnums or nondiff_argnames, bwd receives those arguments first.

    >>> @custom_vjp
    ... def clip_gradient(x):
    ...     return x
    >>> clip_gradient.defvjp(lambda x: (x, None), lambda _, g: (g.clip(-1, 1),))
    >>> import ftx
    >>> float(ftx.grad(lambda x: clip_gradient(x) * 5.0)(1.0))
    1.0
    """

    def __init__(
        self, fun: Callable[..., Any], nondiff_argnums: Any = (), nondiff_argnames: Any = ()
    ):
        check_callable("custom_vjp", fun)
        functools.update_wrapper(self, fun)
        self.fun = fun
        self.nondiff_argnums = _positions(fun, nondiff_argnums, nondiff_argnames)
        self.fwd: Callable[..., Any] | None = None
        self.bwd: Callable[..., Any] | None = None
        self.symbolic_zeros = False

    def defvjp(
        self,
        fwd: Callable[..., Any],
        bwd: Callable[..., Any],
        symbolic_zeros: bool = False,
        optimize_remat: bool = False,
    ) -> None:
        """Set the forward and backward functions.

        Args:
          symbolic_zeros: fwd receives CustomVJPPrimals, which say which arguments are
            differentiated, and bwd a SymbolicZero for each output that nothing depends on.
          optimize_remat: of no effect: compiled programs drop what of fwd is not needed.
        """
        check_callable("defvjp", fwd)
        check_callable("defvjp", bwd)
        self.fwd, self.bwd, self.symbolic_zeros = fwd, bwd, symbolic_zeros

    @api_boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.fwd is None or self.bwd is None:
            raise CustomRuleError(
                f"custom_vjp of {name_of(self.fun)}: expected a rule, got none; define one "
                f"with {name_of(self.fun)}.defvjp(fwd, bwd)"
            )
        if STATE.trace is None:
            return self.fun(*args, **kwargs)
        args = positional(self.fun, args, kwargs)
        split = _Split(self.fun, self.nondiff_argnums, args)
        forward = _Split(self.fwd, self.nondiff_argnums, args)
        leaves, in_tree = tree.flatten((split.varying, {}))
        values = [as_value(x) for x in leaves]
        jaxpr, out_tree = trace_function(split.fun, [v.aval for v in values], in_tree)
        key_reuse.apply(jaxpr, values)
        bwd = functools.partial(self.bwd, *split.fixed)
        rule = _VjpRule(forward.fun, bwd, in_tree, out_tree, name_of(self.fun))
        rule.symbolic_zeros = self.symbolic_zeros
        return tree.unflatten(out_tree, _bind(jaxpr, values, rule))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)


class _VjpRule(Rule):
    symbolic_zeros = False

    def __init__(self, fwd: Any, bwd: Any, in_tree: Any, out_tree: Any, name: str):
        self.fwd, self.bwd, self.name = fwd, bwd, name
        self.in_tree, self.out_tree = in_tree, out_tree

    def jvp(self, primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        flat = FlatFunction(self.fwd, self.in_tree)
        given = primals
        if self.symbolic_zeros:
            given = [
                CustomVJPPrimal(p, t is not None) for p, t in zip(primals, tangents, strict=True)
            ]
        with key_reuse.unwatched():
            results = flat(*given)
        if flat.out_tree is None or flat.out_tree.num_children != 2:
            raise CustomRuleError(
                f"{self.name}: expected fwd to return (output, residuals), got "
                f"{flat.out_tree}; return a pair"
            )
        got, residual_tree = flat.out_tree.children()
        if got != self.out_tree:
            raise CustomRuleError(
                f"{self.name}: expected fwd to return an output of structure {self.out_tree}, "
                f"got {got}"
            )
        n = got.num_leaves
        outs, residuals = results[:n], results[n:]
        moved = [
            instantiate(t, p)
            for t, p in zip(tangents, primals, strict=True)
            if dtypes.is_inexact(p.dtype)
        ]
        backward = _Backward(
            self, residual_tree, [p.aval for p in primals], [o.aval.tangent for o in outs]
        )
        inexact = [dtypes.is_inexact(o.dtype) for o in outs]
        touts = iter(
            custom_lin_p.bind(
                *residuals,
                *moved,
                backward=backward,
                n_residuals=len(residuals),
                out_avals=tuple(o.aval.strong for o, f in zip(outs, inexact, strict=True) if f),
            )
        )
        return outs, [next(touts) if f else None for f in inexact]


class _Backward:
    """bwd on flat residuals and cotangents."""

    def __init__(self, rule: _VjpRule, residual_tree: Any, in_avals: Any, ct_avals: Any):
        self.rule, self.residual_tree = rule, residual_tree
        self.in_avals, self.ct_avals = in_avals, ct_avals

    def _given(self, cts: Any) -> list[Any]:
        """One cotangent per output, as bwd is to see it; integers have none, None is zero."""
        given = iter(cts)
        found = [None if a.dtype == dtypes.float0 else next(given) for a in self.ct_avals]
        if self.rule.symbolic_zeros:
            pairs = zip(found, self.ct_avals, strict=True)
            return [SymbolicZero(a) if ct is None else ct for ct, a in pairs]
        return [
            np.zeros(a.shape, a.dtype) if a.dtype == dtypes.float0 else instantiate(ct, a)
            for ct, a in zip(found, self.ct_avals, strict=True)
        ]

    def __call__(self, residuals: Any, cts: Any) -> list[Any]:
        """One cotangent per inexact argument leaf, from one per inexact output; None is zero."""
        rule = self.rule
        res = tree.unflatten(self.residual_tree, residuals)
        ct = tree.unflatten(rule.out_tree, self._given(cts))
        with key_reuse.unwatched():
            result = rule.bwd(res, ct)
        wanted = rule.in_tree.children()[0]
        if not isinstance(result, (tuple, list)) or len(result) != wanted.num_children:
            raise CustomRuleError(
                f"{rule.name}: expected bwd to return a tuple of {wanted.num_children} cotangents, "
                f"got {type(result).__name__}; a single one is written (ct,)"
            )
        flat: list[Any] = []
        for child, value in zip(wanted.children(), result, strict=True):
            if value is None:
                flat += [None] * child.num_leaves
                continue
            leaves, got = tree.flatten(value)
            if got != child:
                raise CustomRuleError(
                    f"{rule.name}: expected a cotangent of structure {child}, got {got}"
                )
            flat += leaves
        return [
            self._typed(ct, aval)
            for ct, aval in zip(flat, self.in_avals, strict=True)
            if dtypes.is_inexact(aval.dtype)
        ]

    def _typed(self, ct: Any, aval: ShapedArray) -> Any:
        if ct is None or isinstance(ct, SymbolicZero):
            return None
        ct = as_value(ct)
        if ct.shape != aval.shape:
            raise CustomRuleError(
                f"{self.rule.name}: expected a cotangent like its argument {aval}, got {ct.aval}"
            )
        return convert(ct, aval.dtype)


class CustomLin(Primitive):
    """The linear map of which only the transpose, `backward`, is known."""

    name = "custom_lin"

    def abstract_eval(self, *avals: Any, out_avals: Any, **_: Any) -> list[ShapedArray]:
        return list(out_avals)

    def evaluate(self, args: Any, params: Any) -> list[Any]:
        raise CustomRuleError(
            f"{params['backward'].rule.name}: expected reverse mode, since a custom_vjp "
            "function has no forward rule, got jvp; use custom_jvp, or reverse mode"
        )

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> Any:
        return self.evaluate(primals, params)

    def transpose(
        self, cts: Any, *args: Any, backward: Any, n_residuals: int, out_avals: Any
    ) -> list[Any]:
        results = backward(args[:n_residuals], cts)
        wanted = [isinstance(a, Linear) for a in args[n_residuals:]]
        return [
            *[None] * n_residuals,
            *[r if w else None for r, w in zip(results, wanted, strict=True)],
        ]

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, **params: Any
    ) -> tuple[list[Any], list[Any]]:
        n = params["n_residuals"]
        inner = params["backward"]
        outs = self.bind(
            *args,
            backward=_BatchedBackward(inner, axis, tuple(dims[:n]), tuple(dims[n:])),
            n_residuals=n,
            out_avals=tuple(a.update(shape=(axis.size, *a.shape)) for a in params["out_avals"]),
        )
        return outs, [0] * len(outs)


class _BatchedBackward:
    """The backward of a batched call: a batch of backwards, summed where an input is shared."""

    def __init__(self, inner: Any, axis: BatchAxis, residual_dims: Any, tangent_dims: Any):
        self.inner, self.axis, self.rule = inner, axis, inner.rule
        self.residual_dims, self.tangent_dims = residual_dims, tangent_dims

    def __call__(self, residuals: Any, cts: Any) -> list[Any]:
        found: list[bool] = []

        def run(*args: Any) -> list[Any]:
            each = iter(args[len(residuals) :])
            full = [None if ct is None else next(each) for ct in cts]
            results = self.inner(args[: len(residuals)], full)
            found.extend(r is not None for r in results)
            return [r for r in results if r is not None]

        nonzero = [ct for ct in cts if ct is not None]
        dims = [*self.residual_dims, *[0] * len(nonzero)]
        values = [*residuals, *nonzero]
        types = [_example(v, d) for v, d in zip(values, dims, strict=True)]
        outs, out_dims = batch(trace(run, types), self.axis, values, dims)
        given = iter(zip(outs, out_dims, strict=True))
        results: list[Any] = []
        for has, wanted in zip(found, self.tangent_dims, strict=True):
            if not has:
                results.append(None)
                continue
            out, d = next(given)
            out = move_batch_axis(out, d, wanted or 0, self.axis.size)
            results.append(out if wanted is not None else reduce_sum(out, (0,)))
        return results


custom_lin_p = CustomLin()


def custom_gradient(fun: Callable[..., Any]) -> custom_vjp:
    """custom_vjp from one function returning (output, pullback)."""
    wrapped = custom_vjp(lambda *args: fun(*args)[0])

    def fwd(*args: Any) -> tuple[Any, Any]:
        out, pull = fun(*args)
        return out, tree.unflatten(tree.structure(args), tree.leaves(args))

    def bwd(args: Any, ct: Any) -> tuple[Any, ...]:
        result = fun(*args)[1](ct)
        return result if isinstance(result, tuple) else (result,)

    wrapped.defvjp(fwd, bwd)
    return wrapped

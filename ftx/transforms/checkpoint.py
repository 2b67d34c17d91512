"""checkpoint: trade memory for time by computing again in the backward pass.

In: a function, and a policy of what to keep besides its inputs.  Out: the same function, of which
reverse mode keeps that only.
Knows nothing of: which policies there are; a policy is asked about every equation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..core import key_reuse, tree
from ..core.errors import UnsupportedError
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Eqn, Jaxpr, Var
from ..core.not_given import NOT_GIVEN
from ..core.primitive import BatchAxis, Linear, Primitive
from ..core.tracebacks import api_boundary
from ..core.tracing import trace
from .calling import (
    argnums_of,
    as_names,
    as_tuple,
    as_value,
    check_callable,
    close_over,
    normalise_argnums,
    trace_function,
)
from .jit import Jit, call
from .jvp import jvp_jaxpr
from .linearize import linearized
from .passes.dce import drop_unused
from .passes.inline import inline
from .scan import scan_p
from .staged import select_by, split, spread
from .transpose import transposed
from .vmap import batched_jaxpr


class Recompute(Jit):
    """A program of which reverse mode keeps the inputs, and what `policy` says.

    Its derivatives are such programs again, so that memory stays bounded at every order.
    """

    name = "recompute"

    def jvp(self, primals: Any, tangents: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        program, moved = jvp_jaxpr(p["jaxpr"], [t is not None for t in tangents])
        outs = self.on(program, [*primals, *[t for t in tangents if t is not None]], p)
        return outs[: len(moved)], spread(moved, outs[len(moved) :])

    def linearize(self, primals: Any, tangents: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        """Outputs now; the linear part takes primals and kept values as its residuals."""
        varies = [t is not None for t in tangents]
        first, again, moved = _parts(p["jaxpr"], tuple(varies), p["policy"])
        outs = checkpoint_p.on(first, primals, p)
        n = len(moved)
        args = [*primals, *outs[n:], *select_by(varies, tangents)]
        touts = recompute_p.on(again, args, p) if p["prevent_cse"] else call(again, args)
        return outs[:n], spread(moved, touts)

    def transpose(self, cts: Any, *args: Any, **p: Any) -> list[Any]:
        linear = [isinstance(a, Linear) for a in args]
        program, found = transposed(p["jaxpr"], linear, [ct is not None for ct in cts])
        known = [a for a, lin in zip(args, linear, strict=True) if not lin]
        results = self.on(program, [*known, *[ct for ct in cts if ct is not None]], p)
        return spread(linear, spread(found, results))

    def batch(self, axis: BatchAxis, args: Any, dims: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        program, out_dims = batched_jaxpr(p["jaxpr"], axis, dims)
        return self.on(program, args, p), list(out_dims)

    def on(self, jaxpr: Jaxpr, args: Sequence[Any], like: Any) -> list[Any]:
        """Apply this kind of call to another program, with the options of `like`."""
        if not jaxpr.outvars:
            return []
        params = {**like, "jaxpr": jaxpr.closed(), "name": jaxpr.name}
        return self.bind(*jaxpr.consts, *args, **params)


class Checkpoint(Recompute):
    """The same before differentiation, when there is nothing yet to compute again."""

    name = "checkpoint"

    def evaluate(self, args: tuple[Any, ...], params: dict[str, Any]) -> list[Any]:
        return eval_jaxpr(params["jaxpr"], [as_value(a) for a in args])


class Kept(Primitive):
    """A computed value and the same value kept: the latter, with the derivative of the former."""

    def bind(self, *args: Any, **params: Any) -> list[Any]:
        return [args[1]]

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        return [primals[1]], [tangents[0]]


CALLS = frozenset({"jit"})
"""What a policy looks through."""
checkpoint_p, recompute_p, kept_p = Checkpoint(), Recompute(), Kept()


def _parts(
    jaxpr: Jaxpr, varies: tuple[bool, ...], policy: Any
) -> tuple[Jaxpr, Jaxpr, tuple[bool, ...]]:
    """What runs now, what runs again, and which outputs vary (memoised).

    now: primals -> outputs, kept values; again: primals, kept values, varying tangents -> output
    tangents.
    """
    key = ("checkpoint", varies, policy)
    if key not in jaxpr.memo:
        jaxpr.memo[key] = _split(jaxpr, varies, policy)
    return jaxpr.memo[key]


def _split(jaxpr: Jaxpr, varies: tuple[bool, ...], policy: Any) -> Any:
    keeping, resumed = _kept_apart(inline(jaxpr, CALLS), policy)
    n_in, n_out = len(varies), len(jaxpr.outvars)
    kept = keeping.outvars[n_out:]
    known, linear, moved = linearized(resumed, [*varies, *[False] * len(kept)])

    def again(*args: Any) -> list[Any]:
        primals, tangents = args[: n_in + len(kept)], args[n_in + len(kept) :]
        residuals = eval_jaxpr(known, [*known_consts, *primals])[n_out:]
        return eval_jaxpr(linear, [*residuals, *tangents])

    known_consts, known = known.consts, known.closed()
    primal_types = [v.aval for v in jaxpr.invars]
    types = [*primal_types, *[v.aval for v in kept]]
    types += [a.strong for a in select_by(varies, primal_types)]
    program = drop_unused(trace(again, types, name=f"again({jaxpr.name})"))
    read = {a for e in program.eqns for a in e.invars}.union(program.outvars)
    binders, keeps, moves = split(program.arg_vars, n_in, len(kept))
    is_read = [v in read for v in keeps]
    invars = (*program.const_vars, *binders, *select_by(is_read, keeps), *moves)
    program = Jaxpr(program.consts, invars, program.eqns, program.outvars, program.name)
    outs = (*keeping.outvars[:n_out], *select_by(is_read, kept))
    first = drop_unused(keeping.with_eqns(keeping.eqns, outs)) if any(is_read) else jaxpr
    return first, program, moved


def _kept_apart(jaxpr: Jaxpr, policy: Any) -> tuple[Jaxpr, Jaxpr]:
    """args -> outputs, kept values; and args, kept values -> outputs.

    What a policy keeps of a loop's body is stacked over its steps.
    """
    if policy is None:
        return jaxpr, jaxpr
    first: list[Eqn] = []
    again: list[Eqn] = []
    kept: dict[Var, Var] = {}
    for eqn in jaxpr.eqns:
        now, then = eqn, eqn
        if eqn.primitive is scan_p:
            now, then, stacked = _kept_in_loop(eqn, policy)
            kept |= stacked
        if policy(eqn.primitive, *[a.aval for a in eqn.invars], **eqn.params):
            given = {v: Var(v.aval) for v in eqn.outvars}
            fresh = {v: Var(v.aval) for v in eqn.outvars}
            again.append(then.replace(outvars=tuple(fresh.values())))
            again += [Eqn(kept_p, (fresh[v], given[v]), {}, (v,), eqn.source) for v in given]
            kept |= given
        else:
            again.append(then)
        first.append(now)
    keeping = jaxpr.with_eqns(first, (*jaxpr.outvars, *kept))
    invars = (*jaxpr.invars, *kept.values())
    return keeping, Jaxpr(jaxpr.consts, invars, tuple(again), jaxpr.outvars, jaxpr.name)


def _kept_in_loop(eqn: Eqn, policy: Any) -> tuple[Eqn, Eqn, dict[Var, Var]]:
    """The loop that stacks what is kept, the one that reads it, and both names of each."""
    body, length = inline(eqn.params["jaxpr"], CALLS), eqn.params["length"]
    first, again = _kept_apart(body, policy)
    rows = [v.aval for v in first.outvars[len(body.outvars) :]]
    if not rows:
        return eqn, eqn, {}
    stacks = [a.update(shape=(length, *a.shape), weak_type=False) for a in rows]
    stacked = {Var(a): Var(a) for a in stacks}
    now = eqn.replace(outvars=(*eqn.outvars, *stacked), params={**eqn.params, "jaxpr": first})
    then = eqn.replace(
        invars=(*eqn.invars, *stacked.values()), params={**eqn.params, "jaxpr": again}
    )
    return now, then, stacked


def recompute(jaxpr: Jaxpr, primals: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """The output tangents of a program without consts, which is run for them alone."""
    varies = [t is not None for t in tangents]
    _, again, moved = _parts(jaxpr, tuple(varies), None)
    options = {"policy": None, "prevent_cse": True}
    args = [*primals, *select_by(varies, tangents)]
    return spread(moved, recompute_p.on(again, args, options))


def remat(jaxpr: Jaxpr, args: Any, policy: Any = None, prevent_cse: bool = True) -> list[Any]:
    """Apply a program whose intermediate values are not kept."""
    return checkpoint_p.on(jaxpr, args, {"policy": policy, "prevent_cse": prevent_cse})


def checkpoint(
    fun: Callable[..., Any],
    *,
    prevent_cse: bool = True,
    policy: Any = None,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    concrete: Any = NOT_GIVEN,
) -> Callable[..., Any]:
    """`fun`, whose intermediate values are computed again in the backward pass.

    Args:
      fun: function of trees of arrays.
      prevent_cse: False lets the compiler share what is computed again with what was computed
        before, which saves time, and may cost the memory that `checkpoint` was to save.
      policy: which intermediate values to keep, see `ftx.checkpoint_policies`; None keeps none.
      static_argnums, static_argnames: positions and names of arguments that are handed to `fun`
        as they are.
      concrete: False, or left out; values of static arguments are always known.

    >>> import ftx
    >>> float(ftx.grad(checkpoint(lambda x: x ** 3))(2.0))
    12.0
    """
    check_callable("checkpoint", fun)
    if concrete is not NOT_GIVEN and concrete:
        raise UnsupportedError(
            "checkpoint: expected concrete=False, got True; name static arguments in static_argnums"
        )

    names = frozenset(as_names(static_argnames))
    named = argnums_of("checkpoint", fun, names)

    @api_boundary
    @functools.wraps(fun)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        fixed = {k: kwargs.pop(k) for k in names & kwargs.keys()}
        by_name = [i for i in named if i < len(args)]
        static = normalise_argnums("checkpoint", (*as_tuple(static_argnums), *by_name), len(args))
        positions = tuple(i for i in range(len(args)) if i not in static)
        leaves, in_tree = tree.flatten((tuple(args[i] for i in positions), kwargs))
        values = [as_value(x) for x in leaves]
        given = close_over(fun, args, positions, **fixed) if static or fixed else fun
        jaxpr, out_tree = trace_function(given, [v.aval for v in values], in_tree)
        key_reuse.apply(jaxpr, values)
        return tree.unflatten(out_tree, remat(jaxpr, values, policy, prevent_cse))

    return checkpointed

"""checkify: what goes wrong in a program, as a value of the program.

In: a function, and which errors to look for.  Out: a function of the same arguments that returns
an `Error` beside its result, under every transform and inside compiled programs.
Walks the jaxpr once; loops carry the first error along, branches return theirs.
Knows nothing of: what a caller does about an error.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core import dtypes, key_reuse, tree
from ..core.errors import CheckError
from ..core.evaluate import eval_jaxpr, read
from ..core.jaxpr import Eqn, Jaxpr
from ..core.primitive import BatchAxis, Primitive
from ..core.primitives import elementwise as E
from ..core.primitives import indexing as I
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.source import interprets, user_location
from ..core.tracebacks import api_boundary
from ..core.tracing import trace
from .batching import CustomVmap
from .callback import check_format
from .calling import as_value, check_callable, trace_function
from .checkpoint import Checkpoint, Recompute
from .cond import bind_cond, cond_p
from .counted import CountedScan
from .custom import CustomCall
from .jit import Jit
from .jvp import zeros
from .scan import Scan
from .staged import split
from .while_loop import bind_while, while_p

user_checks = frozenset({"user"})
nan_checks = frozenset({"nan"})
div_checks = frozenset({"div"})
index_checks = frozenset({"index"})
float_checks = nan_checks | div_checks
automatic_checks = float_checks | index_checks
all_checks = automatic_checks | user_checks


class Site(NamedTuple):
    """A place that can fail: its words, from the values at hand when it did."""

    text: Callable[..., str]
    where: str

    def say(self, values: Sequence[Any]) -> str:
        at = f"\n  at {self.where}" if self.where else ""
        return f"{self.text(*values)}{at}"

    def error(self, values: Sequence[Any]) -> CheckError:
        return CheckError(
            f"check: expected a condition that holds, got one that fails: {self.text(*values)}; "
            "mend that, or collect errors with checkify",
            self.where,
        )


class Error:
    """The first error of a call, or none; a pytree, so that it leaves compiled functions.

    Made by functions that `checkify` returns.  Under `vmap` it holds an error per row.
    """

    def __init__(self, code: Any, values: Sequence[Sequence[Any]], sites: tuple[Site, ...]):
        self._code, self._values, self._sites = code, values, sites

    def get(self) -> str | None:
        """What went wrong first, with the user's line; None if nothing did."""
        codes = np.asarray(self._code)
        if not codes.ndim:
            return self._said(int(codes), ())
        rows = [(i, self._said(int(codes[i]), i)) for i in np.ndindex(codes.shape) if codes[i]]
        lines = [f"at mapped index {', '.join(map(str, i))}: {text}" for i, text in rows]
        return "\n".join(lines) or None

    def throw(self) -> None:
        """Raise CheckError if something went wrong."""
        codes = np.asarray(self._code)
        if codes.any():
            first = tuple(np.argwhere(codes)[0])
            code = int(codes[first])
            raise self._sites[code - 1].error(
                [np.asarray(v)[first] for v in self._values[code - 1]]
            )

    def __repr__(self) -> str:
        return f"Error({self.get()!r})"

    def _said(self, code: int, row: tuple[int, ...]) -> str | None:
        if not code:
            return None
        values = [np.asarray(v)[row] for v in self._values[code - 1]]
        return self._sites[code - 1].say(values)


def _flatten(error: Error) -> Any:
    return (error._code, [list(v) for v in error._values]), error._sites


def _unflatten(sites: Any, children: Any) -> Error:
    return Error(children[0], children[1], sites)


tree.register_pytree_node(Error, _flatten, _unflatten)


class Check(Primitive):
    """Operands: whether all is well, then the values its message shows.

    `rows`: how many leading axes vmap has added to all operands.
    """

    effectful = True

    def abstract_eval(self, ok: Any, *values: Any, site: Site, rows: int) -> list[Any]:
        return []

    def impl(self, ok: Any, *values: Any, site: Site, rows: int) -> list[Any]:
        if not np.all(ok):
            first = np.unravel_index(np.argmin(ok), np.shape(ok))
            raise site.error([v[first] for v in values])
        return []

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[list[Any], list[Any]]:
        return self.bind(*primals, **params), []

    def batch(
        self, axis: BatchAxis, args: Any, dims: Any, *, site: Site, rows: int
    ) -> tuple[list[Any], list[Any]]:
        moved = [S.move_batch_axis(x, d, 0, axis.size) for x, d in zip(args, dims, strict=True)]
        return self.bind(*moved, site=site, rows=rows + 1), []


check_p = Check()


def check(pred: Any, msg: str, *fmt_args: Any, debug: bool = False, **fmt_kwargs: Any) -> None:
    """Note an error, saying msg.format(*fmt_args, **fmt_kwargs), where `pred` is false.

    In a function given to `checkify` the error is returned; elsewhere CheckError is raised when
    the program gets here, compiled or not.

    Args:
      pred: truth value, scalar.
      debug: of no effect: a check that `checkify` does not collect raises.

    >>> from ftx.experimental import checkify
    >>> def root(x):
    ...     checkify.check(x >= 0, "expected x >= 0, got {x}", x=x)
    ...     return x**0.5
    >>> error, value = checkify.checkify(root)(-4.0)
    >>> error.get().splitlines()[0]
    'expected x >= 0, got -4.0'
    """
    ok = as_value(pred)
    if ok.ndim or ok.dtype != dtypes.bool_:
        raise CheckError(
            f"check: expected a scalar truth value, got {ok.aval}; reduce it with ftx.numpy.all"
        )
    check_format("check", msg, fmt_args, fmt_kwargs)
    leaves, in_tree = tree.flatten((fmt_args, fmt_kwargs))

    def text(*values: Any) -> str:
        args, kwargs = tree.unflatten(in_tree, values)
        return msg.format(*args, **kwargs)

    check_p.bind(ok, *map(as_value, leaves), site=Site(text, user_location()), rows=0)


def debug_check(pred: Any, msg: str, *fmt_args: Any, **fmt_kwargs: Any) -> None:
    """`check`, under the name of programs that leave it out unless it is collected.

    >>> debug_check(True, "all is well")
    """
    check(pred, msg, *fmt_args, **fmt_kwargs)


def check_error(error: Error) -> None:
    """Raise `error` if there is one; in a function given to `checkify`, note it again.

    >>> check_error(checkify(lambda x: x)(1.0)[0])
    """
    flat, in_tree = tree.flatten(error)

    def text(*values: Any) -> str:
        return str(tree.unflatten(in_tree, values).get())

    ok = E.eq(flat[0], S.full(flat[0].shape, 0, dtypes.int32))
    check_p.bind(ok if not ok.ndim else R.reduce_and(ok, tuple(range(ok.ndim))), *flat,
                 site=Site(text, ""), rows=0)  # fmt: skip


def checkify(
    f: Callable[..., Any], errors: frozenset[str] = user_checks
) -> Callable[..., tuple[Error, Any]]:
    """A function that returns (error, f's result) instead of raising.

    Args:
      f: function of arrays; its derivatives, batches and compiled forms too.
      errors: what to look for: `user_checks` (calls of `check`), `nan_checks`, `div_checks`,
        `index_checks`, or unions of them such as `all_checks`.
    Returns: (Error, result); an index out of range is moved inside, and the program goes on.

    >>> import ftx, ftx.numpy as fnp
    >>> safe = ftx.jit(checkify(fnp.log, errors=nan_checks))
    >>> error, _ = safe(-1.0)
    >>> error.get().splitlines()[0]
    'NaN made by log'
    """
    check_callable("checkify", f)
    unknown = set(errors) - all_checks
    if unknown:
        raise CheckError(f"checkify: expected errors among {sorted(all_checks)}, got {unknown}")

    @api_boundary
    @functools.wraps(f)
    def checked(*args: Any, **kwargs: Any) -> tuple[Error, Any]:
        leaves, in_tree = tree.flatten((args, kwargs))
        values = [as_value(x) for x in leaves]
        jaxpr, out_tree = trace_function(f, [v.aval for v in values], in_tree)
        key_reuse.apply(jaxpr, values)
        state = _State(frozenset(errors))
        outs = state.run(jaxpr, values)
        error = Error(state.code, state.values, tuple(state.sites))
        return error, tree.unflatten(out_tree, outs)

    return checked


class _State:
    """The first error so far: 0, or the number of its site; and every site's values."""

    def __init__(self, wanted: frozenset[str]):
        self.wanted = wanted
        self.code: Any = None
        self.sites: list[Site] = []
        self.values: list[list[Any]] = []

    def run(self, jaxpr: Jaxpr, args: Sequence[Any]) -> list[Any]:
        """Results of a program, beginning without an error."""
        self.code = _code(0)
        return _run(jaxpr, args, self)

    def note(self, bad: Any, site: Site, values: Sequence[Any] = ()) -> None:
        """`bad`: scalar."""
        self.sites.append(site)
        self.values.append(list(values))
        self._first(C.select(bad, _code(len(self.sites)), _code(0)))

    def merge(self, code: Any, values: Sequence[Any], sites: Sequence[Site], sizes: Any) -> None:
        """The outcome of a program of its own."""
        start = _code(len(self.sites))
        self._first(C.select(E.gt(code, _code(0)), E.add(code, start), code))
        self.sites += sites
        given = iter(values)
        self.values += [[next(given) for _ in range(n)] for n in sizes]

    def _first(self, code: Any) -> None:
        self.code = C.select(E.eq(self.code, _code(0)), code, self.code)


def _code(number: int) -> Any:
    return S.full((), number, dtypes.int32)


@interprets
def _run(jaxpr: Jaxpr, args: Sequence[Any], state: _State) -> list[Any]:
    env = dict(zip(jaxpr.invars, (*jaxpr.consts, *args), strict=True))
    for eqn in jaxpr.eqns:
        ins = [read(env, a) for a in eqn.invars]
        rule = _RULES.get(type(eqn.primitive), _plain)
        env.update(zip(eqn.outvars, rule(eqn, ins, state), strict=True))
    return [read(env, a) for a in jaxpr.outvars]


def _plain(eqn: Eqn, ins: list[Any], state: _State) -> list[Any]:
    if eqn.primitive.name in ("div", "rem") and "div" in state.wanted:
        zero = E.eq(ins[1], zeros(ins[1].aval))
        state.note(_any(zero), Site("division by zero".format, str(eqn.source)))
    outs = eqn.primitive.bind(*ins, **eqn.params)
    for out in outs if "nan" in state.wanted else ():
        if dtypes.is_inexact(out.dtype):
            site = Site(f"NaN made by {eqn.primitive.name}".format, str(eqn.source))
            state.note(_any(E.ne(out, out)), site)
    return outs


def _any(flags: Any) -> Any:
    return R.reduce_or(flags, tuple(range(flags.ndim))) if flags.ndim else flags


def _first_of(flags: Any, values: Sequence[Any], rows: int) -> list[Any]:
    """The values of the first row that is flagged; `rows` leading axes number the rows."""
    if not rows:
        return list(values)
    n = flags.size
    at = R.argmax(C.convert(S.reshape(flags, (n,)), dtypes.int32), 0, dtypes.int32)
    return [I.row_at(S.reshape(v, (n, *v.shape[rows:])), at) for v in values]


def _check(eqn: Eqn, ins: list[Any], state: _State) -> list[Any]:
    if "user" in state.wanted:
        bad, rows = E.not_(ins[0]), eqn.params["rows"]
        state.note(_any(bad), eqn.params["site"], _first_of(bad, ins[1:], rows))
    return []


def _indexed(first: int, inside: str) -> Callable[..., list[Any]]:
    """The rule of reads or writes whose indices begin at operand `first`."""

    def rule(eqn: Eqn, ins: list[Any], state: _State) -> list[Any]:
        if eqn.params["mode"] != "raise" or "index" not in state.wanted:
            return _plain(eqn, ins, state)
        shape = ins[0].shape
        for axis, index in zip(_indexed_axes(eqn), ins[first:], strict=True):
            limit = S.full(index.shape, shape[axis], index.dtype)
            bad = E.or_(E.lt(index, zeros(index.aval)), E.ge(index, limit))
            site = Site(_outside(shape, axis), str(eqn.source))
            state.note(_any(bad), site, _first_of(bad, [index], index.ndim))
        return _plain(eqn.replace(params={**eqn.params, "mode": inside}), ins, state)

    return rule


def _indexed_axes(eqn: Eqn) -> list[int]:
    spec = I.GatherSpec.parse(eqn.params["spec"])
    return [spec.operand.index(c) for c in spec.indexed]


def _outside(shape: Any, axis: int) -> Callable[..., str]:
    def text(index: Any) -> str:
        return (
            f"index {int(index)} is out of range for axis {axis} of size {shape[axis]}, "
            f"in an array of shape {tuple(shape)}"
        )

    return text


def _call(eqn: Eqn, ins: list[Any], state: _State) -> list[Any]:
    return _run(eqn.params["jaxpr"], ins, state)


class _Part(NamedTuple):
    """A program that also returns its first error and its sites' values."""

    jaxpr: Jaxpr
    sites: list[Site]
    sizes: list[int]

    @property
    def avals(self) -> list[Any]:
        """Of the error and the values."""
        return self.jaxpr.out_avals[len(self.jaxpr.outvars) - 1 - sum(self.sizes) :]


def _part(jaxpr: Jaxpr, wanted: frozenset[str]) -> _Part:
    state = _State(wanted)

    def run(*args: Any) -> list[Any]:
        outs = state.run(jaxpr, args)
        return [*outs, state.code, *[v for group in state.values for v in group]]

    checked = trace(run, jaxpr.in_avals, name=jaxpr.name)
    return _Part(checked, state.sites, [len(group) for group in state.values])


def _cond(eqn: Eqn, ins: list[Any], state: _State) -> list[Any]:
    parts = [_part(b, state.wanted) for b in eqn.params["branches"]]
    n, start, branches = len(eqn.outvars), 0, []
    for mine, part in enumerate(parts):
        branches.append(_with_all_values(part, parts, mine, n, start))
        start += len(part.sites)
    outs = bind_cond(ins[0], branches, ins[1:])
    sites, sizes = [s for p in parts for s in p.sites], [k for p in parts for k in p.sizes]
    state.merge(outs[n], outs[n + 1 :], sites, sizes)
    return outs[:n]


def _with_all_values(part: _Part, parts: list[_Part], mine: int, n: int, start: int) -> Jaxpr:
    """`part` returning a place for every branch's values, its error numbered from `start`."""

    def run(*args: Any) -> list[Any]:
        outs = eval_jaxpr(part.jaxpr, args)
        code = C.select(E.gt(outs[n], _code(0)), E.add(outs[n], _code(start)), outs[n])
        values = [
            outs[n + 1 :] if i == mine else [zeros(a) for a in p.avals[1:]]
            for i, p in enumerate(parts)
        ]
        return [*outs[:n], code, *[v for group in values for v in group]]

    return trace(run, part.jaxpr.in_avals, name=part.jaxpr.name)


def _loop_body(part: _Part, n_consts: int, n_carry: int, in_avals: Any) -> Jaxpr:
    """(consts, first error and values, carry, x) -> (error and values, carry, y)."""
    n_state = 1 + sum(part.sizes)

    def run(*args: Any) -> list[Any]:
        consts, before, rest = split(args, n_consts, n_state)
        outs = eval_jaxpr(part.jaxpr, [*consts, *rest])
        cut = len(outs) - n_state
        fine = E.eq(before[0], _code(0))
        after = [
            C.select(S.broadcast_in_dim(fine, new.shape, ()), new, old)
            for new, old in zip(outs[cut:], before, strict=True)
        ]
        return [*after, *outs[:cut]]

    types = [*in_avals[:n_consts], *part.avals, *in_avals[n_consts:]]
    return trace(run, types, name=part.jaxpr.name)


def _scan(eqn: Eqn, ins: list[Any], state: _State) -> list[Any]:
    p = eqn.params
    part = _part(p["jaxpr"], state.wanted)
    body = _loop_body(part, p["n_consts"], p["n_carry"], p["jaxpr"].in_avals)
    loop: Scan = eqn.primitive  # type: ignore[assignment]
    head, consts, carry, xs = split(ins, loop.n_head, p["n_consts"], p["n_carry"])
    started = [zeros(a) for a in part.avals]
    outs = loop.loop(p, head, body, (consts, [*started, *carry], xs))
    state.merge(outs[0], outs[1 : len(started)], part.sites, part.sizes)
    return outs[len(started) :]


def _while(eqn: Eqn, ins: list[Any], state: _State) -> list[Any]:
    """The condition is left as it is: what goes wrong there raises."""
    p = eqn.params
    part = _part(p["body_jaxpr"], state.wanted)
    cond_consts, body_consts, carry = split(ins, p["n_cond"], p["n_body"])
    body = _loop_body(part, len(body_consts), len(carry), p["body_jaxpr"].in_avals)
    started = [zeros(a) for a in part.avals]

    def goes_on(*args: Any) -> list[Any]:
        consts, _, rest = split(args, len(cond_consts), len(started))
        return eval_jaxpr(p["cond_jaxpr"], [*consts, *rest])

    types = [x.aval for x in (*cond_consts, *started, *carry)]
    cond = trace(goes_on, types, name=p["cond_jaxpr"].name)
    outs = bind_while(cond, cond_consts, body, body_consts, [*started, *carry])
    state.merge(outs[0], outs[1 : len(started)], part.sites, part.sizes)
    return outs[len(started) :]


_RULES: dict[type, Callable[[Eqn, list[Any], _State], list[Any]]] = {
    Check: _check,
    I.Gather: _indexed(1, "clip"),
    **dict.fromkeys(
        (I.Scatter, I.ScatterAdd, I.ScatterMul, I.ScatterMin, I.ScatterMax), _indexed(2, "drop")
    ),
    **dict.fromkeys((CustomCall, CustomVmap, Jit, Checkpoint, Recompute), _call),
    type(cond_p): _cond,
    **dict.fromkeys((Scan, CountedScan), _scan),
    type(while_p): _while,
}

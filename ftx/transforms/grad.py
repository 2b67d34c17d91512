"""Derivatives as users ask for them: jvp, linearize, vjp, grad, Jacobians, Hessian.

In: a function of trees and a point.  Out: derivatives as trees; semantics of jax.
Called outside jit, the function is traced with its arguments' values at hand, so Python
control flow on values works.
Knows nothing of: compilation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import dtypes, key_reuse, tree
from ..core.array import Array
from ..core.config import config
from ..core.errors import (
    GradError,
    IntegerGradError,
    NonConcreteBooleanIndexError,
    NonScalarGradError,
    NotAnArrayError,
    ShapeError,
    TreeError,
    UnsupportedError,
)
from ..core.evaluate import eval_jaxpr
from ..core.jaxpr import Jaxpr
from ..core.primitives import shape as S
from ..core.primitives.selection import convert
from ..core.state import STATE
from ..core.tracebacks import api_boundary
from ..core.tracing import Tracer
from ..core.types import ShapedArray
from .calling import (
    as_value,
    check_callable,
    check_leaves,
    close_over,
    describer,
    name_of,
    normalise_argnums,
    trace_function,
)
from .jit import Jitted
from .jvp import instantiate, propagate, zeros
from .linearize import linearize as linearize_jaxpr
from .transpose import backward
from .varying import check_inner_gradient
from .vmap import vmap


def _trace_at(transform: str, fun: Any, args: Any, kwargs: Any, has_aux: bool) -> Any:
    """Trace `fun` at known values: its jaxpr, values, output tree, and number of aux leaves."""
    leaves, in_tree = tree.flatten((args, kwargs))
    check_leaves(transform, leaves, lambda i: describer(fun, in_tree)(i))
    values = [as_value(x) for x in leaves]
    jaxpr, out_tree = _jaxpr_of(fun, values, in_tree)
    key_reuse.apply(jaxpr, values)
    if not has_aux:
        return jaxpr, values, out_tree, None
    if out_tree.num_children != 2 or out_tree.type is not tuple:
        raise TreeError(
            f"{transform}: expected {name_of(fun)} to return (result, aux) with has_aux=True, "
            f"got {out_tree}; return a pair, or drop has_aux"
        )
    return jaxpr, values, *out_tree.children()


def _jaxpr_of(fun: Any, values: Any, in_tree: Any) -> Any:
    """Trace `fun`; a jitted function looks at no values, so its trace serves all of one type."""
    avals = tuple(v.aval for v in values)
    if not isinstance(fun, Jitted):
        return trace_function(fun, avals, in_tree, values)
    key = (in_tree, avals, config.version, STATE.axes)
    found = fun.outer_traces.get(key)
    if found is None:
        try:
            found = trace_function(fun, avals, in_tree)
        except NonConcreteBooleanIndexError:
            return trace_function(fun, avals, in_tree, values)
        if not any(isinstance(c, Tracer) for c in found[0].consts):
            fun.outer_traces[key] = found
    return found


def _inexact(x: Any) -> bool:
    return dtypes.is_inexact(x.dtype)


@api_boundary
def jvp(
    fun: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """Value and directional derivative of `fun` at `primals` along `tangents`.

    Args:
      fun: function of arrays or trees of arrays.
      primals, tangents: tuples of the same structure, shapes and dtypes.
      has_aux: `fun` returns (result, aux) and so does this, aux last.
    Returns: (outputs, output tangents[, aux]).
    Raises: TreeError if the structures differ, ShapeError if shapes or dtypes do.

    >>> import ftx.numpy as fnp
    >>> jvp(lambda x: x ** 2, (3.0,), (1.0,))
    (Array(9., dtype=float32, weak_type=True), Array(6., dtype=float32))
    """
    check_callable("jvp", fun)
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise NotAnArrayError(
            f"jvp: expected primals and tangents as tuples, got {type(primals).__name__} and "
            f"{type(tangents).__name__}; write (x,), (t,)"
        )
    moved, tangent_tree = tree.flatten(tuple(tangents))
    if tangent_tree != tree.structure(tuple(primals)):
        raise TreeError(
            f"jvp: expected tangents of the structure of the primals, got {tangent_tree} "
            f"for {tree.structure(tuple(primals))}"
        )
    jaxpr, values, out_tree, aux_tree = _trace_at("jvp", fun, tuple(primals), {}, has_aux)
    given = [_tangent_for(v, t, i) for i, (v, t) in enumerate(zip(values, moved, strict=True))]
    outs, touts = propagate(jaxpr, values, given)
    n = out_tree.num_leaves
    touts = [_shown_tangent(t, o) for t, o in zip(touts[:n], outs[:n], strict=True)]
    result = tree.unflatten(out_tree, outs[:n]), tree.unflatten(out_tree, touts)
    return result if aux_tree is None else (*result, tree.unflatten(aux_tree, outs[n:]))


def _tangent_for(primal: Any, tangent: Any, position: int) -> Any:
    if not _inexact(primal):
        return None
    t = as_value(tangent)
    if t.shape != primal.shape or (t.dtype != primal.dtype and not t.weak_type):
        raise ShapeError(
            f"jvp: expected a tangent like its primal {primal.aval}, got {t.aval} as leaf "
            f"{position}; use zeros_like or astype"
        )
    return convert(t, primal.dtype, t.weak_type and primal.weak_type)


def _shown_tangent(tangent: Any, out: Any) -> Any:
    """What users see: zeros written out, float0 for integers."""
    if not _inexact(out):
        return np.zeros(out.shape, dtypes.float0)
    return instantiate(tangent, out)


@api_boundary
def linearize(
    fun: Callable[..., Any], *primals: Any, has_aux: bool = False
) -> tuple[Any, Callable[..., Any]] | tuple[Any, Callable[..., Any], Any]:
    """Value of `fun` and its derivative as a function of tangents, computed once.

    >>> y, df = linearize(lambda x: x ** 2, 3.0)
    >>> float(df(1.0)), float(df(2.0))
    (6.0, 12.0)
    """
    check_callable("linearize", fun)
    jaxpr, values, out_tree, aux_tree = _trace_at("linearize", fun, primals, {}, has_aux)
    outs, moved, linear = linearize_jaxpr(jaxpr, values, [_inexact(v) for v in values])
    in_tree, n = tree.structure(primals), out_tree.num_leaves

    @api_boundary
    def derivative(*tangents: Any) -> Any:
        leaves, got = tree.flatten(tangents)
        if got != in_tree:
            raise TreeError(f"linearize: expected tangents of structure {in_tree}, got {got}")
        given = [_tangent_for(v, t, i) for i, (v, t) in enumerate(zip(values, leaves, strict=True))]
        results = iter(eval_jaxpr(linear, [t for t in given if t is not None]))
        touts = [next(results) if m else None for m in moved]
        shown = [_shown_tangent(t, o) for t, o in zip(touts[:n], outs[:n], strict=True)]
        return tree.unflatten(out_tree, shown)

    value = tree.unflatten(out_tree, outs[:n])
    if aux_tree is None:
        return value, derivative
    return value, derivative, tree.unflatten(aux_tree, outs[n:])


@api_boundary
def vjp(
    fun: Callable[..., Any], *primals: Any, has_aux: bool = False, reduce_axes: Sequence[str] = ()
) -> Any:
    """Value of `fun` and the function that pulls output cotangents back to its arguments.

    Returns: (outputs, pullback[, aux]); pullback(cotangents) is a tuple, one entry per primal.

    >>> y, pull = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> [float(c) for c in pull(1.0)]
    [3.0, 2.0]
    """
    check_callable("vjp", fun)
    if reduce_axes:
        raise UnsupportedError(
            f"vjp: expected no reduce_axes, got {reduce_axes}; apply psum to the result"
        )
    jaxpr, values, out_tree, aux_tree = _trace_at("vjp", fun, primals, {}, has_aux)
    outs, pull = _pullback(jaxpr, values, [_inexact(v) for v in values])
    in_tree, n = tree.structure(primals), out_tree.num_leaves
    avals = [o.aval for o in outs]

    @api_boundary
    def pullback(cotangents: Any) -> Any:
        leaves, got = tree.flatten(cotangents)
        if got != out_tree:
            raise TreeError(f"vjp: expected cotangents of structure {out_tree}, got {got}")
        cts = [_cotangent_for(a, ct) for a, ct in zip(avals, leaves, strict=False)]
        return tree.unflatten(in_tree, pull(cts + [None] * (len(avals) - n)))

    value = tree.unflatten(out_tree, outs[:n])
    if aux_tree is None:
        return value, pullback
    return value, pullback, tree.unflatten(aux_tree, outs[n:])


def _cotangent_for(aval: ShapedArray, ct: Any) -> Any:
    if not _inexact(aval):
        return None
    ct = as_value(ct)
    if ct.shape != aval.shape or (ct.dtype != aval.dtype and not ct.weak_type):
        raise ShapeError(f"vjp: expected a cotangent like the output {aval}, got {ct.aval}")
    return convert(ct, aval.dtype)


def _pullback(jaxpr: Jaxpr, values: Sequence[Any], varies: Sequence[bool]) -> Any:
    """Outputs, and cotangents -> one cotangent per value (zeros written out, float0)."""
    outs, moved, linear = linearize_jaxpr(jaxpr, values, varies)
    if STATE.blocks is not None:
        inputs = [x for x, v in zip(values, varies, strict=True) if v]
        results = [o for o, m in zip(outs, moved, strict=True) if m]
        check_inner_gradient(linear, inputs, results)

    def pull(cts: Sequence[Any]) -> list[Any]:
        given = [ct for ct, m in zip(cts, moved, strict=True) if m]
        results = iter(backward(linear, given))
        return [
            _shown_tangent(next(results) if v else None, x)
            for x, v in zip(values, varies, strict=True)
        ]

    return outs, pull


def value_and_grad(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reduce_axes: Sequence[str] = (),
) -> Callable[..., Any]:
    """`fun` and its gradient, in one pass.

    Args:
      fun: returns a real scalar (complex if `holomorphic`).
      argnums: position(s) to differentiate with respect to; a tuple gives a tuple.
      has_aux: `fun` returns (scalar, aux); the value is then (scalar, aux).
      allow_int: integers among the differentiated leaves get float0 zeros, not an error.
    Raises: GradError if the result is not a scalar, or an argument is an integer.

    >>> value, slope = value_and_grad(lambda x: x ** 3)(2.0)
    >>> float(value), float(slope)
    (8.0, 12.0)
    """
    check_callable("value_and_grad", fun)
    if reduce_axes:
        raise UnsupportedError(
            f"grad: expected no reduce_axes, got {reduce_axes}; apply psum to the result"
        )

    @api_boundary
    @functools.wraps(fun)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        positions = normalise_argnums("grad", argnums, len(args))
        chosen = tuple(args[p] for p in positions)
        leaves, chosen_tree = tree.flatten(chosen)
        if isinstance(fun, Jitted) and not fun.has_static and positions == (0,):
            given, varying = args, fun
        else:
            # Other arguments need not be arrays.
            given, varying = chosen, close_over(fun, args, positions, **kwargs)
            kwargs = {}
        n = len(leaves)
        jaxpr, values, out_tree, aux_tree = _trace_at("grad", varying, given, kwargs, has_aux)
        _check_inputs(values[:n], holomorphic, allow_int, fun, args, positions)
        _check_scalar(jaxpr, out_tree, holomorphic, fun)
        varies = [i < n and _inexact(v) for i, v in enumerate(values)]
        outs, pull = _pullback(jaxpr, values, varies)
        grads = pull([_one(outs[0].dtype)] + [None] * (len(outs) - 1))[:n]
        grads = tree.unflatten(chosen_tree, grads)
        value = tree.unflatten(out_tree, outs[:1])
        if aux_tree is not None:
            value = (value, tree.unflatten(aux_tree, outs[1:]))
        return value, grads[0] if isinstance(argnums, int) else grads

    return value_and_gradient


@functools.cache
def _one(dtype: Any) -> Array:
    return Array(np.ones((), dtype))


def _place(fun: Any, args: Any, positions: Sequence[int], i: int) -> str:
    """Names leaf number i of the arguments at `positions`."""
    structure = tree.structure((args, {}))
    numbered, _ = tree.unflatten(structure, range(structure.num_leaves))
    return describer(fun, structure)(tree.leaves([numbered[p] for p in positions])[i])


def _check_inputs(
    values: Sequence[Any], holomorphic: bool, allow_int: bool, fun: Any, args: Any, positions: Any
) -> None:
    for i, v in enumerate(values):
        if holomorphic and not dtypes.is_complex(v.dtype):
            raise GradError(
                f"grad of {name_of(fun)}: expected complex inputs with holomorphic=True, got "
                f"{v.aval}; convert with astype(complex), or drop holomorphic"
            )
        if dtypes.is_complex(v.dtype) or _inexact(v) or allow_int:
            continue
        raise IntegerGradError(
            f"grad of {name_of(fun)}: expected real inputs, got {v.aval} in "
            f"{_place(fun, args, positions, i)}; convert it with astype(float), leave it out "
            "of argnums, or pass allow_int=True"
        )


def _check_scalar(jaxpr: Jaxpr, out_tree: Any, holomorphic: bool, fun: Any) -> None:
    avals = jaxpr.out_avals[: out_tree.num_leaves]
    if len(avals) != 1 or avals[0].shape:
        got = ", ".join(map(str, avals))
        raise NonScalarGradError(
            f"grad of {name_of(fun)}: expected a scalar result, got {got}; reduce it with "
            ".sum() or .mean(), or use jacrev for a Jacobian"
        )
    if not dtypes.is_float(avals[0].dtype) and not (
        holomorphic and dtypes.is_complex(avals[0].dtype)
    ):
        raise IntegerGradError(
            f"grad of {name_of(fun)}: expected a real result, got {avals[0]}; take .real, "
            "convert with astype(float), or pass holomorphic=True"
        )


def grad(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reduce_axes: Sequence[str] = (),
) -> Callable[..., Any]:
    """The gradient of `fun`, a function of the same arguments.

    Arguments as `value_and_grad`.  Returns: the gradient, or (gradient, aux).

    >>> float(grad(grad(lambda x: x ** 3))(2.0))
    12.0
    """
    check_callable("grad", fun)
    both = value_and_grad(fun, argnums, has_aux, holomorphic, allow_int, reduce_axes)

    @api_boundary
    @functools.wraps(fun)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, slope = both(*args, **kwargs)
        return (slope, value[1]) if has_aux else slope

    return gradient


def _basis(leaves: Sequence[Any]) -> list[Any]:
    """For each leaf, all unit directions of the whole input: [n, *shape]."""
    total, offset, out = sum(x.size for x in leaves), 0, []
    for x in leaves:
        block = np.zeros((total, x.size), dtypes.real_of(x.dtype))
        block[offset : offset + x.size] = np.eye(x.size, dtype=block.dtype)
        out.append(Array(block.astype(x.dtype).reshape(total, *x.shape)))
        offset += x.size
    return out


def _split(rows: Any, leaves: Sequence[Any], axis: int) -> list[Any]:
    """Cut the basis axis of `rows` into one Jacobian block per leaf."""
    out, start = [], 0
    for x in leaves:
        block = S.slice_axis(rows, axis, start, start + x.size)
        shape = (*rows.shape[:axis], *x.shape, *rows.shape[axis + 1 :])
        out.append(S.reshape(block, shape))
        start += x.size
    return out


def jacfwd(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """The Jacobian of `fun` column by column, by forward mode: for few inputs.

    Returns: a function whose result has, for each output, shape output + input.

    >>> import ftx.numpy as fnp
    >>> jacfwd(lambda x: x * fnp.sum(x))(fnp.array([1.0, 2.0])).tolist()
    [[4.0, 1.0], [2.0, 5.0]]
    """
    check_callable("jacfwd", fun)

    @api_boundary
    @functools.wraps(fun)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        positions = normalise_argnums("jacfwd", argnums, len(args))
        chosen = tuple(args[p] for p in positions)
        varying = close_over(functools.partial(fun, **kwargs), args, positions)
        leaves, in_tree = tree.flatten(chosen)
        leaves = [as_value(x) for x in leaves]
        _check_inputs(leaves, holomorphic, False, fun, args, positions)
        point = tree.unflatten(in_tree, leaves)

        def push(*directions: Any) -> Any:
            moved = tree.unflatten(in_tree, directions)
            result = jvp(varying, point, moved, has_aux=has_aux)
            return result[1:] if has_aux else (result[1],)

        out_axes = (-1, None) if has_aux else (-1,)
        basis = [np.moveaxis(np.asarray(b), 0, -1) for b in _basis(leaves)]
        columns, *aux = vmap(push, in_axes=-1, out_axes=out_axes)(*basis)
        blocks = tree.map(
            lambda c: _unwrap(tree.unflatten(in_tree, _split(c, leaves, c.ndim - 1)), argnums),
            columns,
        )
        return (blocks, aux[0]) if has_aux else blocks

    return jacobian


def _unwrap(per_argument: Any, argnums: Any) -> Any:
    return per_argument[0] if isinstance(argnums, int) else per_argument


def jacrev(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable[..., Any]:
    """The Jacobian of `fun` row by row, by reverse mode: for few outputs.

    Returns: as `jacfwd`.

    >>> import ftx.numpy as fnp
    >>> jacrev(lambda x: fnp.sum(x ** 2))(fnp.array([1.0, 2.0])).tolist()
    [2.0, 4.0]
    """
    check_callable("jacrev", fun)

    @api_boundary
    @functools.wraps(fun)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        positions = normalise_argnums("jacrev", argnums, len(args))
        chosen = tuple(args[p] for p in positions)
        varying = close_over(functools.partial(fun, **kwargs), args, positions)
        values = [as_value(x) for x in tree.leaves(chosen)]
        _check_inputs(values, holomorphic, allow_int, fun, args, positions)
        value, pull, *aux = vjp(varying, *chosen, has_aux=has_aux)
        leaves, out_tree = tree.flatten(value)
        rows = vmap(lambda *cts: pull(tree.unflatten(out_tree, cts)))(*_basis(leaves))
        in_leaves, in_tree = tree.flatten(rows)
        split = [_split(row, leaves, 0) for row in in_leaves]
        per_out = [
            _unwrap(tree.unflatten(in_tree, [s[i] for s in split]), argnums)
            for i in range(len(leaves))
        ]
        blocks = tree.unflatten(out_tree, per_out)
        return (blocks, aux[0]) if has_aux else blocks

    return jacobian


def hessian(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """The matrix of second derivatives, forward over reverse.

    >>> float(hessian(lambda x: x ** 3)(2.0))
    12.0
    """
    inner = jacrev(fun, argnums, has_aux, holomorphic)
    return jacfwd(inner, argnums, has_aux, holomorphic)


@api_boundary
def linear_transpose(
    fun: Callable[..., Any], *primals: Any, reduce_axes: Any = ()
) -> Callable[..., Any]:
    """The transpose of a linear `fun`, whose arguments have the types of `primals`.

    >>> double = linear_transpose(lambda x: 2.0 * x, 1.0)
    >>> float(double(3.0)[0])
    6.0
    """
    if reduce_axes:
        raise UnsupportedError(
            "linear_transpose: expected reduce_axes=(), since named axes are summed where psum "
            f"says so, got {reduce_axes!r}; leave it out"
        )
    leaves, in_tree = tree.flatten((primals, {}))
    avals = [x.aval if hasattr(x, "aval") else as_value(x).aval for x in leaves]
    jaxpr, out_tree = trace_function(fun, avals, in_tree)

    @api_boundary
    def transposed(cotangent: Any) -> Any:
        cts = [as_value(ct) for ct in tree.leaves(cotangent)]
        cts = [convert(ct, a.dtype) for ct, a in zip(cts, jaxpr.out_avals, strict=True)]
        results = backward(jaxpr, cts)
        filled = [zeros(a) if r is None else r for r, a in zip(results, avals, strict=True)]
        return tree.unflatten(in_tree, filled)[0]

    return transposed

"""ftx.test_util: derivatives held against finite differences, as jax.test_util.

In: a function, arguments, perhaps its derivative.  Out: nothing, or an AssertionError that says
which result or argument differs, and by how much.
Checks one random direction, so that the cost does not grow with the number of arguments.
Must not know: how derivatives are taken.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .core import dtypes, tree
from .core.array import as_array
from .core.errors import ArgumentError
from .core.tracebacks import api_boundary
from .transforms.grad import jvp, vjp

__all__ = ["check_grads", "check_jvp", "check_vjp"]

EPS = 1e-4
TOLERANCE = {
    dtypes.bfloat16: 1e-1,
    dtypes.float16: 1e-2,
    dtypes.float32: 2e-3,
    dtypes.complex64: 2e-3,
    dtypes.float64: 1e-5,
    dtypes.complex128: 1e-5,
}
"""JAX's: what differences of functions of order 1 reach, by dtype."""

STEPS = {2: 0.1, 4: 5e-3, 8: 6e-6}
"""By bytes of the real part: the cube root of the rounding error balances it with curvature."""

Tolerance = float | Mapping[Any, float] | None


@api_boundary
def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int,
    modes: Sequence[str] = ("fwd", "rev"),
    atol: Tolerance = None,
    rtol: Tolerance = None,
    eps: float | None = None,
) -> None:
    """Hold the derivatives of `f` at `args`, up to the given order, against finite differences.

    Args:
      f: function of arrays or trees; integers among arguments and results are left alone.
      args: tuple of its arguments.
      order: 1 checks the first derivative, 2 also that of the first, in every order of modes.
      modes: of "fwd" (jvp) and "rev" (vjp).
      atol, rtol: a number, or one per dtype; JAX's defaults.
      eps: step of the differences; by default the best for the least precise argument.
    Raises: AssertionError naming the mode, the leaf, what was expected and got; ArgumentError for
      another mode.

    >>> import ftx.numpy as fnp
    >>> check_grads(lambda x: fnp.sin(x) * fnp.sum(x), (np.arange(3.0),), order=2)
    """
    if unknown := set(modes) - {"fwd", "rev"}:
        raise ArgumentError(f"check_grads: expected modes among 'fwd' and 'rev', got {unknown}")
    args = tuple(args)
    step = _best_step(args) if eps is None else eps
    _check(f, args, order, modes, (atol, rtol, step), "")


def _check(
    f: Any, args: Any, order: int, modes: Any, how: tuple[Any, Any, float], path: str
) -> None:
    atol, rtol, eps = how
    if "fwd" in modes:
        name = f"{path}jvp"
        check_jvp(f, functools.partial(jvp, f), args, atol, rtol, eps, name)
        if order > 1:
            push = lambda primals, tangents: _reals(jvp(f, primals, tangents))
            _check(push, (args, args), order - 1, modes, how, f"{name} of ")
    if "rev" in modes:
        name = f"{path}vjp"
        check_vjp(f, functools.partial(vjp, f), args, atol, rtol, eps, name)
        if order > 1:
            _check(_pulled(f), args, order - 1, modes, how, f"{name} of ")


def _pulled(f: Any) -> Any:
    """The gradient of f·f/2, which depends on all of f's derivative."""

    def pulled(*args: Any) -> Any:
        value, pull = vjp(f, *args)
        return _reals(pull(value))

    return pulled


def check_jvp(
    f: Callable[..., Any],
    f_jvp: Callable[..., Any],
    args: Sequence[Any],
    atol: Tolerance = None,
    rtol: Tolerance = None,
    eps: float = EPS,
    err_msg: str = "",
) -> None:
    """Hold a forward derivative against finite differences, in one random direction.

    Args:
      f: the function.
      f_jvp: (args, tangents) -> (value, tangent), such as `functools.partial(ftx.jvp, f)`.
    Raises: AssertionError.

    >>> check_jvp(lambda x: x**2, lambda p, t: (p[0] ** 2, 2 * p[0] * t[0]), (1.5,))
    """
    name, args = err_msg or "check_jvp", tuple(args)
    tangents = _direction(args, 0)
    value, tangent = f_jvp(args, tangents)
    _compare(f"{name}, value", value, f(*args), atol, rtol)
    _compare(f"{name}, tangent", tangent, _difference(f, args, tangents, eps), atol, rtol)


def check_vjp(
    f: Callable[..., Any],
    f_vjp: Callable[..., Any],
    args: Sequence[Any],
    atol: Tolerance = None,
    rtol: Tolerance = None,
    eps: float = EPS,
    err_msg: str = "",
) -> None:
    """Hold a reverse derivative against finite differences, in one random direction.

    Args:
      f: the function.
      f_vjp: args -> (value, pullback), such as `functools.partial(ftx.vjp, f)`.
    Raises: AssertionError naming the arguments whose cotangents differ.

    >>> check_vjp(lambda x: x**2, lambda x: (x**2, lambda ct: (2 * x * ct,)), (1.5,))
    """
    name, args = err_msg or "check_vjp", tuple(args)
    value, pull = f_vjp(*args)
    _compare(f"{name}, value", value, f(*args), atol, rtol)
    ct = _direction(value, 1)
    found = tree.map(_conj, pull(tree.map(_conj, ct)))
    if tree.structure(tuple(found)) != tree.structure(args):
        raise AssertionError(
            f"{name}: expected cotangents of structure {tree.structure(args)}, "
            f"got {tree.structure(tuple(found))}"
        )
    tangents = _direction(args, 0)
    limits = _limits((args, value), atol, rtol)
    if _projected(f, args, tangents, ct, found, eps, limits) is None:
        return
    problems = []
    for path, only in _each_leaf(tangents):
        problem = _projected(f, args, only, ct, found, eps, limits)
        problems += [f"argument{tree.keystr(path)}: {problem}"] if problem else []
    where = "; ".join(problems) or "the sum over all arguments, though none by itself"
    raise AssertionError(
        f"{name}: cotangents differ from finite differences for {where} (projected on a random "
        f"direction; tolerance atol={limits[0]:g}, rtol={limits[1]:g})"
    )


def _projected(
    f: Any, args: Any, tangents: Any, ct: Any, found: Any, eps: float, limits: tuple[float, float]
) -> str | None:
    """What differs between <ct, J t>, by differences, and <Jᵀ ct, t>, as found."""
    wanted, scale = _inner(_difference(f, args, tangents, eps), ct)
    got, _ = _inner(tangents, found)
    if abs(got - wanted) <= limits[0] + limits[1] * scale:
        return None
    return f"expected {wanted:.6g}, got {got:.6g}"


def _inner(xs: Any, ys: Any) -> tuple[float, float]:
    """Real part of <xs, ys>, and the sum of the sizes of its terms."""
    total = scale = 0.0
    for x, y in zip(tree.leaves(xs), tree.leaves(ys), strict=True):
        if _real(x) and _real(y):
            terms = np.real(np.conj(_wide(x)) * _wide(y))
            total, scale = total + float(np.sum(terms)), scale + float(np.sum(np.abs(terms)))
    return total, scale


def _each_leaf(tangents: Any) -> list[tuple[Any, Any]]:
    """Per real leaf, its path and the direction along it alone."""
    found = tree.leaves_with_path(tangents)
    leaves, structure = tree.flatten(tangents)
    out = []
    for i, (path, leaf) in enumerate(found):
        if _real(leaf):
            only = [x if i == j or not _real(x) else np.zeros_like(x) for j, x in enumerate(leaves)]
            out.append((path, tree.unflatten(structure, only)))
    return out


def _compare(what: str, got: Any, wanted: Any, atol: Tolerance, rtol: Tolerance) -> None:
    """Raise unless two trees are close, naming the leaf where they differ most."""
    if tree.structure(got) != tree.structure(wanted):
        raise AssertionError(
            f"{what}: expected the structure {tree.structure(wanted)}, got {tree.structure(got)}"
        )
    pairs = zip(tree.leaves_with_path(got), tree.leaves(wanted), strict=True)
    for (path, x), y in pairs:
        if not _real(x):
            continue
        a, b = _wide(x), _wide(y)
        place = f"result{tree.keystr(path)}"
        if a.shape != b.shape:
            raise AssertionError(f"{what}: expected shape {b.shape} at {place}, got {a.shape}")
        least, relative = _limits((x, y), atol, rtol)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        with np.errstate(invalid="ignore"):
            excess = np.where(same, -1.0, np.abs(a - b) - least - relative * np.abs(b))
        wrong = ~(excess <= 0)
        if wrong.any():
            worst = np.unravel_index(np.argmax(np.where(wrong, excess, -1.0)), a.shape)
            index = f"[{', '.join(map(str, worst))}]" if a.ndim else ""
            raise AssertionError(
                f"{what}: expected {b[worst]:.6g} by finite differences or the function itself, "
                f"got {a[worst]:.6g} at {place}{index}; {wrong.sum()} of {a.size} numbers differ "
                f"by more than atol={least:g} + rtol={relative:g} of what was expected"
            )


def _limits(values: Any, atol: Tolerance, rtol: Tolerance) -> tuple[float, float]:
    """Tolerances for the least precise of the leaves."""
    found = [_dtype(x) for x in tree.leaves(values) if _real(x)] or [dtypes.float64]
    return max(_limit(d, atol) for d in found), max(_limit(d, rtol) for d in found)


def _limit(dtype: Any, given: Tolerance) -> float:
    if isinstance(given, Mapping):
        by_dtype = {dtypes.held(k): v for k, v in given.items()}
        return by_dtype.get(dtype, TOLERANCE[dtype])
    return TOLERANCE[dtype] if given is None else given


def _difference(f: Any, args: Any, tangents: Any, eps: float) -> Any:
    """The central difference of `f` along `tangents`, in 64 bits; float0 for integers."""
    ahead, behind = (f(*_moved(args, tangents, sign * eps)) for sign in (1, -1))

    def slope(a: Any, b: Any) -> Any:
        if not _real(a):
            return np.zeros(np.shape(a), dtypes.float0)
        a, b = _wide(a), _wide(b)
        with np.errstate(invalid="ignore"):
            return np.where(a == b, 0, (a - b) / (2 * eps))

    return tree.map(slope, ahead, behind)


def _moved(args: Any, tangents: Any, step: float) -> Any:
    move = lambda x, t: np.asarray(_wide(x) + step * _wide(t), _dtype(x)) if _real(x) else x
    return tree.map(move, args, tangents)


def _direction(values: Any, seed: int) -> Any:
    """Random numbers like the leaves; float0 for integers."""
    rng = np.random.default_rng(seed)

    def draw(x: Any) -> Any:
        if not _real(x):
            return np.zeros(np.shape(x), dtypes.float0)
        t = rng.standard_normal(np.shape(x))
        if dtypes.is_complex(_dtype(x)):
            t = t + 1j * rng.standard_normal(np.shape(x))
        return np.asarray(t, _dtype(x))

    return tree.map(draw, values)


def _best_step(args: Any) -> float:
    sizes = [dtypes.real_of(_dtype(x)).itemsize for x in tree.leaves(args) if _real(x)]
    return STEPS[min(sizes, default=8)]


def _reals(values: Any) -> list[Any]:
    return [x for x in tree.leaves(values) if _real(x)]


def _dtype(x: Any) -> Any:
    return x.dtype if hasattr(x, "dtype") else as_array(x).dtype


def _real(x: Any) -> bool:
    """Whether a leaf is a real or complex number, which alone have derivatives."""
    return dtypes.is_inexact(_dtype(x))


def _conj(x: Any) -> Any:
    return np.conj(np.asarray(x)) if _real(x) and dtypes.is_complex(_dtype(x)) else x


def _wide(x: Any) -> np.ndarray[Any, Any]:
    """A NumPy array of 64-bit reals."""
    wide = dtypes.complex128 if dtypes.is_complex(_dtype(x)) else dtypes.float64
    return np.asarray(x).astype(wide)

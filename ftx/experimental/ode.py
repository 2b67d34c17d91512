"""ftx.experimental.ode: ordinary differential equations by adaptive Runge-Kutta steps.

In: the right-hand side as a function of state and time, the state at first, times.
Out: the state at all times, differentiable by the adjoint equation, which is solved backwards.
Must not know: how loops are compiled.
Source: Dormand and Prince, "A family of embedded Runge-Kutta formulae" (1980); starting step and
step control from Hairer, Norsett and Wanner, "Solving ordinary differential equations I", II.4;
the adjoint from Chen et al., "Neural ordinary differential equations" (2018), appendix C.
"""

import functools
import math
from types import FunctionType
from typing import Any, NamedTuple

from ..core import dtypes, tree
from ..core.errors import DTypeError, NotAnArrayError, ShapeError, TreeError
from ..core.state import STATE
from ..flatten_util import ravel_pytree
from ..lax import scan, while_loop
from ..numpy import (
    abs,
    arange,
    clip,
    concatenate,
    linalg,
    maximum,
    mean,
    minimum,
    polyval,
    real,
    sqrt,
    stack,
    sum,
    where,
    zeros_like,
)
from ..numpy.promotion import asarray, is_operand
from ..transforms.closures import closure_convert
from ..transforms.custom import custom_vjp
from ..transforms.grad import vjp
from ..transforms.jit import jit
from ..transforms.vmap import vmap

__all__ = ["odeint"]

TIMES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
"""Row i: the weights of the slopes before stage i + 1; the last row is the result of order 5."""
FOURTH_ORDER = (
    1951 / 21600, 0.0, 22642 / 50085, 451 / 720, -12231 / 42400, 649 / 6300, 1 / 60,
)  # fmt: skip
MIDDLE = (
    6025192743 / 30085553152 / 2, 0.0, 51252292925 / 65400821598 / 2,
    -2691868925 / 45128329728 / 2, 187940372067 / 1594534317056 / 2,
    -1776094331 / 19743644256 / 2, 11237099 / 235043384 / 2,
)  # fmt: skip
"""Weights of the seven slopes for the state half way, from Shampine, "Some practical Runge-Kutta
formulas" (1986)."""
ERROR = tuple(a - b for a, b in zip((*STAGES[-1], 0.0), FOURTH_ORDER, strict=True))
SAFETY, MOST, LEAST, ORDER = 0.9, 10.0, 0.2, 5.0
"""A next step is what the error asks for times 0.9, from a fifth of the last to ten times it."""


class _Step(NamedTuple):
    """Where the integration is: the last step went from `before` to `time`."""

    count: Any
    state: Any
    slope: Any
    time: Any
    size: Any
    before: Any
    polynomial: Any


def odeint(func, y0, t, *args, rtol=1.4e-8, atol=1.4e-8, mxstep=math.inf, hmax=math.inf):
    """The solution of dy/dt = func(y, t, *args) with y(t[0]) = y0, at the times t.

    Steps of the Dormand-Prince method of order 5, as long as the tolerances allow. Gradients with
    respect to y0, t and args come from the adjoint equation, solved backwards with the same
    tolerances; they are as exact as it. For forward mode, or exact derivatives of the steps taken,
    write the steps yourself with `ftx.lax.scan`.

    Args:
      func: function of (y, t, *args) that returns a tree like y0; may close over values that are
        differentiated.
      y0: tree of float or complex arrays.
      t: float[n], strictly increasing.
      args: trees of arrays.
      rtol, atol: relative and absolute tolerance of a step's error.
      mxstep: most steps from one time to the next; where more are needed, the state at the last.
      hmax: longest step.
    Returns: tree like y0 of arrays with one more axis, of size n, in front.
    Raises: NotAnArrayError if args hold other than arrays and numbers; DTypeError if t is not
      float; ShapeError if it has not one axis.

    >>> import ftx.numpy as fnp
    >>> ys = odeint(lambda y, t: -y, 1.0, fnp.linspace(0.0, 1.0, 3))
    >>> [round(float(y), 4) for y in ys]
    [1.0, 0.6065, 0.3679]
    """
    for leaf in tree.leaves(args):
        if not is_operand(leaf):
            raise NotAnArrayError(
                f"odeint: expected arrays or numbers in args, got {type(leaf).__name__}; let func "
                "close over other values"
            )
    ts = asarray(t)
    if not dtypes.is_float(ts.dtype):
        raise DTypeError(f"odeint: expected times of a float dtype, got {ts.aval}; use astype")
    if ts.ndim != 1 or not ts.shape[0]:
        raise ShapeError(f"odeint: expected times float[n] with n > 0, got {ts.aval}; reshape them")
    y0 = tree.map(_inexact, y0)
    args = tree.map(asarray, args)
    limits, consts = (rtol, atol, mxstep, hmax), []
    if STATE.trace is not None:
        func, consts = closure_convert(func, y0, ts[0], *args)
    return _integration(func)(limits, y0, ts, *args, *consts)


class _Reads:
    """What a function reads from outside itself, object by object."""

    def __init__(self, func):
        outside = [func.__globals__.get(name) for name in func.__code__.co_names]
        self._cells = [*map(_content, func.__closure__ or ()), *outside]

    def __hash__(self):
        return hash(tuple(map(id, self._cells)))

    def __eq__(self, other):
        return all(a is b for a, b in zip(self._cells, other._cells, strict=True))


def _content(cell):
    try:
        return cell.cell_contents
    except ValueError:  # the variable has no value yet
        return None


def _integration(func):
    """The compiled integration of `func`, kept for a plain function while it reads the same."""
    if type(func) is not FunctionType or STATE.trace is not None:
        return _compiled(func)
    return _kept(func, _Reads(func))


def _compiled(func):
    return jit(functools.partial(_integrate, func), static_argnums=0)


@functools.lru_cache(maxsize=128)
def _kept(func, reads):
    return _compiled(func)


def _inexact(x):
    x = asarray(x)
    return x if dtypes.is_inexact(x.dtype) else x.astype(dtypes.default_float())


def _integrate(func, limits, y0, ts, *args):
    start, restore = ravel_pytree(y0)
    structure = tree.structure(y0)
    leaves, rebuild = tree.flatten(args)

    def flat(y, t, *leaves):
        slope = func(restore(y), t, *tree.unflatten(rebuild, leaves))
        if tree.structure(slope) != structure:
            raise TreeError(
                f"odeint: expected func to return the structure of y0, {structure}, got "
                f"{tree.structure(slope)}"
            )
        return ravel_pytree(slope)[0].astype(y.dtype)

    return vmap(restore)(_solution(flat, limits, start, ts, *leaves))


@functools.partial(custom_vjp, nondiff_argnums=(0, 1))
def _solution(func, limits, y0, ts, *args):
    """The states float[n, d] of a system of flat states float[d]."""
    rtol, atol, mxstep, hmax = limits
    slope = lambda y, t: func(y, t, *args)

    def advance(step, target):
        def unfinished(s):
            going = (s.time < target) & (s.size > 0)
            return going if math.isinf(mxstep) else going & (s.count < mxstep)

        step = while_loop(
            unfinished, lambda s: _try_step(slope, s, rtol, atol, hmax), step._replace(count=0)
        )
        part = (target - step.before) / (step.time - step.before)
        return step, polyval(step.polynomial, part.astype(step.polynomial.dtype))

    first = slope(y0, ts[0])
    size = clip(_first_size(slope, ts[0], y0, rtol, atol, first), 0.0, hmax).astype(ts.dtype)
    begin = _Step(0, y0, first, ts[0], size, ts[0], stack([y0] * 5))
    _, ys = scan(advance, begin, ts[1:])
    return concatenate([y0[None], ys])


def _mix(weights, slopes):
    terms = [w * k for w, k in zip(weights, slopes, strict=True) if w]
    return functools.reduce(lambda a, b: a + b, terms)


def _try_step(slope, s, rtol, atol, hmax):
    """One step of size `s.size`, kept if its error is within the tolerances."""
    size = s.size.astype(s.state.dtype)
    slopes = [s.slope]
    for at, weights in zip(TIMES, STAGES, strict=True):
        state = s.state + size * _mix(weights, slopes)
        slopes.append(slope(state, s.time + s.size * at))
    ratio = _error_ratio(size * _mix(ERROR, slopes), rtol, atol, s.state, state)
    middle = s.state + size * _mix(MIDDLE, slopes)
    polynomial = _quartic(s.state, middle, state, size * s.slope, size * slopes[-1])
    kept = ratio <= 1
    new = (s.count + 1, state, slopes[-1], s.time + s.size, s.time, polynomial)
    old = (s.count + 1, s.state, s.slope, s.time, s.before, s.polynomial)
    count, state, last, time, before, polynomial = (
        where(kept, a, b) for a, b in zip(new, old, strict=True)
    )
    size = clip(_next_size(s.size, ratio), 0.0, hmax).astype(s.size.dtype)
    return _Step(count, state, last, time, size, before, polynomial)


def _quartic(start, middle, end, slope, last):
    """Coefficients in the part of the step gone, highest first: three values and both slopes."""
    return stack(
        [
            -2 * slope + 2 * last - 8 * start - 8 * end + 16 * middle,
            5 * slope - 3 * last + 18 * start + 14 * end - 32 * middle,
            -4 * slope + last - 11 * start - 5 * end + 16 * middle,
            slope,
            start,
        ]
    )


def _error_ratio(error, rtol, atol, before, after):
    """Root mean square of the error in units of what is allowed."""
    allowed = atol + rtol * maximum(abs(before), abs(after))
    return sqrt(mean((abs(error) / allowed) ** 2))


def _next_size(size, ratio):
    least = where(ratio < 1, 1.0, LEAST)
    safe = where(ratio == 0, 1.0, ratio)
    factor = minimum(MOST, maximum(SAFETY * safe ** (-1 / ORDER), least))
    return size * where(ratio == 0, MOST, factor)


def _first_size(slope, t, y, rtol, atol, first):
    """A step with which an explicit Euler step would stay small beside the state."""
    scale = atol + abs(y) * rtol
    d0, d1 = linalg.norm(y / scale), linalg.norm(first / scale)
    tiny = (d0 < 1e-5) | (d1 < 1e-5)
    h0 = where(tiny, 1e-6, 0.01 * d0 / where(tiny, 1.0, d1)).astype(t.dtype)
    second = slope(y + h0.astype(y.dtype) * first, t + h0)
    d2 = linalg.norm((second - first) / scale) / h0
    flat = (d1 <= 1e-15) & (d2 <= 1e-15)
    steep = where(flat, 1.0, maximum(d1, d2))
    h1 = where(flat, maximum(1e-6, h0 * 1e-3), (0.01 / steep) ** (1 / ORDER))
    return minimum(100 * h0, h1)


def _forward(func, limits, y0, ts, *args):
    ys = _solution(func, limits, y0, ts, *args)
    return ys, (ys, ts, args)


def _backward(func, limits, residuals, cts):
    """From the last time to the first: state, its cotangent, and those of time and args."""
    ys, ts, args = residuals
    rtol, atol, mxstep, hmax = limits
    varied = [i for i, a in enumerate(args) if dtypes.is_inexact(a.dtype)]

    def slope(y, t, *floats):
        given = dict(zip(varied, floats, strict=True))
        return func(y, t, *[given.get(i, a) for i, a in enumerate(args)])

    def dynamics(s, t, *floats):
        """Time runs backwards, as -t, since times must increase."""
        y_dot, pull = vjp(slope, s[0], -t, *floats)
        y_bar, t_bar, *args_bar = pull(s[1])
        return -y_dot, y_bar, t_bar, args_bar

    def to_time_before(carry, i):
        y_bar, t0_bar, args_bar = carry
        t_bar = real(sum(slope(ys[i], ts[i], *floats) * cts[i])).astype(ts.dtype)
        begin = (ys[i], y_bar, t0_bar - t_bar, args_bar)
        times = stack([-ts[i], -ts[i - 1]])
        options = {"rtol": rtol, "atol": atol, "mxstep": mxstep, "hmax": hmax}
        found = odeint(dynamics, begin, times, *floats, **options)
        _, y_bar, t0_bar, args_bar = tree.map(lambda v: v[1], found)
        return (y_bar + cts[i - 1], t0_bar, args_bar), t_bar

    floats = [args[i] for i in varied]
    begin = (cts[-1], zeros_like(ts[0]), [zeros_like(a) for a in floats])
    (y_bar, t0_bar, args_bar), ts_bar = scan(to_time_before, begin, arange(ts.shape[0] - 1, 0, -1))
    ts_bar = concatenate([t0_bar[None], ts_bar[::-1]])
    found = dict(zip(varied, args_bar, strict=True))
    return y_bar, ts_bar, *[found.get(i) for i in range(len(args))]


_solution.defvjp(_forward, _backward)

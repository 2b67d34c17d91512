"""A step along a line that satisfies the strong Wolfe conditions.

In: a function of vectors, a place, a direction downhill.  Out: how far to go, value and gradient.
Called by bfgs and lbfgs.  Must not know: where the direction comes from.
Source: Nocedal and Wright, "Numerical optimization" (2006), algorithms 3.5 (search) and 3.6 (zoom).
"""

from typing import Any, NamedTuple

from ...lax import while_loop
from ...numpy import abs, asarray, dot, finfo, maximum, minimum, real, sqrt, where
from ...transforms.grad import value_and_grad

SUFFICIENT, CURVATURE = 1e-4, 0.9
"""How much of the slope's promise must be kept, and how much flatter it must become."""
MOST_ZOOMS = 30


class Point(NamedTuple):
    """A place on the line: how far, the value there, the slope along the line, the gradient."""

    at: Any
    value: Any
    slope: Any
    gradient: Any


class Found(NamedTuple):
    """What a search has come to; status 0: found, 1: the zoom failed, 3: too many steps."""

    failed: Any
    evaluations: Any
    point: Point
    status: Any


class _Zoom(NamedTuple):
    done: Any
    failed: Any
    count: Any
    low: Point
    high: Point
    before: Any
    before_value: Any
    best: Point


class _Search(NamedTuple):
    done: Any
    failed: Any
    count: Any
    last: Point
    best: Point
    evaluations: Any


def _choose(which, new, old):
    return type(old)(*(where(which, a, b) for a, b in zip(new, old, strict=True)))


def _lowest_of_cubic(a, b, c, c_value):
    """Where the cubic through a (with its slope), b and (c, c_value) is lowest; NaN if nowhere."""
    db, dc = b.at - a.at, c - a.at
    scale = (db * dc) ** 2 * (db - dc)
    over_b = b.value - a.value - a.slope * db
    over_c = c_value - a.value - a.slope * dc
    third = (dc**2 * over_b - db**2 * over_c) / scale
    second = (db**3 * over_c - dc**3 * over_b) / scale
    return a.at + (-second + sqrt(second * second - 3 * third * a.slope)) / (3 * third)


def _lowest_of_parabola(a, b):
    db = b.at - a.at
    return a.at - a.slope / (2 * (b.value - a.value - a.slope * db) / db**2)


def _next_place(s):
    """Cubic, else parabola, else the middle: the first that is well inside."""
    width = abs(s.high.at - s.low.at)
    left, right = minimum(s.low.at, s.high.at), maximum(s.low.at, s.high.at)
    inside = lambda at, margin: (at > left + margin * width) & (at < right - margin * width)
    cubic = _lowest_of_cubic(s.low, s.high, s.before, s.before_value)
    parabola = _lowest_of_parabola(s.low, s.high)
    middle = (s.low.at + s.high.at) / 2
    otherwise = where(inside(parabola, 0.1), parabola, middle)
    return where((s.count > 0) & inside(cubic, 0.2), cubic, otherwise)


def _zoom(evaluate, too_high, flat_enough, low, high, start, wanted):
    """A point between low and high that satisfies both conditions, if `wanted`."""
    least = 1e-5 if finfo(low.value.dtype).bits < 64 else 1e-10

    def going(s):
        return wanted & ~s.done & ~s.failed

    def step(s):
        narrow = abs(s.high.at - s.low.at) <= least
        new = evaluate(_next_place(s))
        replace_high = too_high(new) | (new.value >= s.low.value)
        found = flat_enough(new) & ~replace_high
        turn = (new.slope * (s.high.at - s.low.at) >= 0) & ~replace_high & ~found
        before, before_value = (
            where(replace_high | turn, h, l)
            for h, l in ((s.high.at, s.low.at), (s.high.value, s.low.value))
        )
        high = _choose(replace_high, new, _choose(turn, s.low, s.high))
        return _Zoom(
            done=s.done | found,
            failed=~found & (narrow | (s.count + 1 >= MOST_ZOOMS)),
            count=s.count + 1,
            low=_choose(replace_high, s.low, new),
            high=high,
            before=before,
            before_value=before_value,
            best=_choose(found, new, s.best),
        )

    middle, middle_value = (low.at + high.at) / 2, (low.value + high.value) / 2
    best = Point(low.at * 0 + 1, low.value, low.slope, start.gradient)
    false = asarray(False)
    return while_loop(
        going, step, _Zoom(false, false, asarray(0), low, high, middle, middle_value, best)
    )


def line_search(fun, x, direction, value, gradient, before=None, maxiter=20):
    """How far to go from x along `direction`.

    Args:
      fun: function of float[n] to float.
      x, direction: float[n].
      value, gradient: of `fun` at x.
      before: value at the place before x; the first step then promises as much again.
      maxiter: most steps before a zoom.
    Returns: Found.

    >>> import ftx.numpy as fnp
    >>> f = lambda x: fnp.sum(x * x)
    >>> x = fnp.asarray([1.0])
    >>> found = line_search(f, x, fnp.asarray([-2.0]), f(x), 2 * x)
    >>> float(found.point.at), bool(found.failed)
    (0.5, False)
    """
    slope = lambda g: real(dot(g, direction))

    def evaluate(at):
        at = at.astype(value.dtype)
        new_value, g = value_and_grad(fun)(x + at.astype(direction.dtype) * direction)
        return Point(at, new_value.astype(value.dtype), slope(g).astype(value.dtype), g)

    begin = Point(value * 0, value, slope(gradient).astype(value.dtype), gradient)
    too_high = lambda p: p.value > begin.value + SUFFICIENT * p.at * begin.slope
    flat_enough = lambda p: abs(p.slope) <= -CURVATURE * begin.slope
    first = asarray(1.0)
    if before is not None:
        first = 1.01 * 2 * (value - before) / begin.slope
        first = where(first > 1, 1.0, first)
    zoom = lambda low, high, wanted: _zoom(
        evaluate, too_high, flat_enough, low, high, begin, wanted
    )

    def going(s):
        return ~s.done & ~s.failed & (s.count <= maxiter)

    def step(s):
        new = evaluate(where(s.count == 1, first, s.last.at * 2))
        beyond = too_high(new) | ((new.value >= s.last.value) & (s.count > 1))
        good = flat_enough(new) & ~beyond
        uphill = (new.slope >= 0) & ~beyond & ~good
        low, high = _choose(beyond, s.last, new), _choose(beyond, new, s.last)
        zoomed = zoom(low, high, beyond | uphill)
        best = _choose(beyond | uphill, zoomed.best, _choose(good, new, s.best))
        return _Search(
            s.done | beyond | good | uphill,
            s.failed | ((beyond | uphill) & zoomed.failed),
            s.count + 1,
            new,
            best,
            s.evaluations + 1 + zoomed.count,
        )

    false = asarray(False)
    s = while_loop(going, step, _Search(false, false, asarray(1), begin, begin, asarray(0)))
    late = s.count > maxiter
    status = where(s.failed, 1, where(late, 3, 0))
    return Found(s.failed | ~s.done, s.evaluations, s.best, status)

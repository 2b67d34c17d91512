"""A body repeated a number of times that is known only when it runs, so that reverse mode needs
little memory.

In: a body over a carry, how much may be stored.  Out: a program (count, consts, carry) -> carry
of counted scans, memoised on the body; the most iterations it makes.
The count is written in a number system with places of mixed size.  A step of a higher place is a
whole scan of steps of the place below, of which reverse mode keeps the first carry only; so each
iteration is made again once per place, and memory grows with the number of places.
Knows nothing of: conditions; who counts.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..core import dtypes
from ..core.array import Array
from ..core.errors import ArgumentError, LoopLimitError
from ..core.jaxpr import Jaxpr
from ..core.primitive import BatchAxis, Primitive
from ..core.primitives import elementwise as E
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.source import user_location
from ..core.tracing import trace
from ..core.types import ShapedArray
from .checkpoint import remat
from .cond import bind_cond
from .counted import bind_counted
from .linearize import linearized
from .scan import bind_scan, fixpoint
from .staged import split

STORED = 1 << 24
"""Bytes of one place of the count, about."""
LEAST, MOST = 32, 1024
"""Steps in one place of the count, whatever they take."""
ENOUGH = 1 << 30
"""Iterations that a loop without limits should reach."""
PLACES = 5
"""Places at most: each makes all iterations once more."""


class Tape(NamedTuple):
    """What the user says about a loop for its reverse mode, and what they call it."""

    max_iterations: int | None = None
    checkpoint_every: int | None = None
    loop: str = "while_loop"

    @staticmethod
    def checked(name: str, max_iterations: Any, checkpoint_every: Any) -> Tape:
        """The two options of a loop.  Raises: ArgumentError unless they are positive integers."""
        found = {"max_iterations": max_iterations, "checkpoint_every": checkpoint_every}
        for option, value in found.items():
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ArgumentError(
                    f"{name}: expected {option} to be a positive integer or None, got {value!r}"
                )
        return Tape(max_iterations, checkpoint_every, name)


UNLIMITED = Tape()


def repeated(
    body: Jaxpr, n_consts: int, tape: Tape, varies: list[bool], count: Any = None
) -> tuple[Jaxpr, int]:
    """(count, consts, carry) -> carry, and the largest count it takes.

    varies: which consts and carries have tangents at the start.
    count: where its value is known, the program has no more places than that needs.
    Requires: no consts.
    """
    sizes = _sizes(body, n_consts, tape, varies)
    if type(count) is Array and int(count) <= math.prod(sizes):
        while len(sizes) > 1 and int(count) <= math.prod(sizes[:-1]):
            sizes.pop()
    key = ("repeated", n_consts, *sizes)
    if key not in body.memo:
        body.memo[key] = _repeated(body, n_consts, sizes)
    return body.memo[key], math.prod(sizes)


def _sizes(body: Jaxpr, n_consts: int, tape: Tape, varies: list[bool]) -> list[int]:
    """Steps in each place of the count, the lowest first."""
    most, every, _ = tape
    if most is not None:
        return [most] if every is None else [min(every, most), -(-most // every)]
    per_carry = _within(sum(a.nbytes for a in body.in_avals[n_consts:]))
    sizes = [every or _within(_stored_by_an_iteration(body, n_consts, varies))]
    while math.prod(sizes) < ENOUGH and len(sizes) < PLACES:
        sizes.append(per_carry)
    return sizes


def _stored_by_an_iteration(body: Jaxpr, n_consts: int, varies: list[bool]) -> int:
    """Bytes that reverse mode reads of it."""
    loop = {"jaxpr": body, "n_consts": n_consts, "n_carry": len(body.outvars)}
    known, _, _ = linearized(body, *fixpoint(loop, varies))
    own = {*known.invars, *known.outvars[: len(body.outvars)]}
    return sum(a.aval.nbytes for a in known.outvars[len(body.outvars) :] if a not in own)


def _within(nbytes: int) -> int:
    """How many of that size are stored: a power of two."""
    fits = STORED // max(nbytes, 1)
    return min(MOST, max(LEAST, 1 << max(fits.bit_length() - 1, 0)))


def _repeated(body: Jaxpr, n_consts: int, sizes: list[int]) -> Jaxpr:
    steps = [body]
    for size in sizes[:-1]:
        steps.append(_whole_place(steps[-1], n_consts, size))
    units = [math.prod(sizes[:k]) for k in range(len(sizes))]

    def run(count: Any, *args: Any) -> list[Any]:
        consts, carry = split(args, n_consts)
        number = lambda n: S.full((), n, dtypes.int64)
        # Counted from one, so that the last iterations are always single ones: of those nothing
        # need be made again.
        rest = E.max_(E.sub(count, number(1)), number(0))
        for step, unit, size in reversed(list(zip(steps[1:], units[1:], sizes[1:], strict=True))):
            n = E.div(rest, number(unit))
            rest = E.sub(rest, E.mul(n, number(unit)))
            carry = bind_counted(step, n, consts, carry, [], size)
        single = E.min_(count, E.add(rest, number(1)))
        return bind_counted(body, single, consts, carry, [], sizes[0])

    counter = ShapedArray((), dtypes.int64)
    return trace(run, [counter, *body.in_avals], name=f"repeated({body.name})")


def _whole_place(step: Jaxpr, n_consts: int, size: int) -> Jaxpr:
    """`size` steps as one, of which reverse mode keeps the carry they start from."""

    def steps(*args: Any) -> list[Any]:
        consts, carry = split(args, n_consts)
        return bind_scan(step, consts, carry, [], size, False)

    several = trace(steps, step.in_avals, name=f"{size} of {step.name}")
    return trace(lambda *args: remat(several, args), step.in_avals, name=several.name)


class Refuse(Primitive):
    """Raises LoopLimitError; its operand, a count, only for want of another."""

    effectful = True

    def abstract_eval(self, count: ShapedArray, **_: Any) -> list[ShapedArray]:
        return [count]

    def impl(self, count: Any, *, most: int, loop: str, where: str) -> list[Any]:
        check_limit(loop, int(count), most, where)
        return [count]


class Limited(Primitive):
    """Operands: a count, values.  The values, unless the count is larger than `most`."""

    def abstract_eval(self, count: ShapedArray, *values: ShapedArray, **_: Any) -> Any:
        return list(values)

    def impl(self, count: Any, *values: Any, most: int, loop: str, where: str) -> list[Any]:
        check_limit(loop, int(count), most, where)
        return list(values)

    def jvp(self, primals: Any, tangents: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        return self.bind(*primals, **p), list(tangents[1:])

    def batch(self, axis: BatchAxis, args: Any, dims: Any, **p: Any) -> tuple[list[Any], list[Any]]:
        count = args[0] if dims[0] is None else R.reduce_max(args[0], (dims[0],))
        return self.bind(count, *args[1:], **p), list(dims[1:])

    def expand(self, count: Any, *values: Any, most: int, **place: str) -> list[Any]:
        """A branch, so that Python is called only to raise."""
        types = [count.aval, *[v.aval for v in values]]

        def refuse(count: Any, *values: Any) -> list[Any]:
            refuse_p.bind(count, most=most, **place)
            return list(values)

        branches = [trace(lambda _, *v: list(v), types), trace(refuse, types)]
        over = E.gt(count, S.full((), most, dtypes.int64))
        return bind_cond(C.convert(over, dtypes.int32), branches, [count, *values])


refuse_p, limited_p = Refuse(), Limited()


def check_limit(loop: str, count: int, most: int | None, where: str | None = None) -> None:
    """Raise LoopLimitError if a count is larger than `most`."""
    if most is not None and count > most:
        raise LoopLimitError(
            f"{loop}: expected at most {most} iterations, got more; give max_iterations= a "
            "higher number, or leave it out, or see that the loop comes to an end",
            where,
        )


def limited(loop: str, count: Any, most: int, values: list[Any]) -> list[Any]:
    """`values`, or LoopLimitError if the count is too large."""
    return limited_p.bind(count, *values, most=most, loop=loop, where=user_location())

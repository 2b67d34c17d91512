"""Calls of NumPy in place of primitives, where nothing is traced: one pass instead of many.

In: NumPy functions, the dtypes on which they are what ftx defines, and that definition.
Out: functions that call the one or the other.
Must not know: any particular operation.
"""

import functools

from ..core.array import Array
from ..core.config import config
from ..core.state import STATE
from .promotion import QUIET, checked_now

FLOATS, INTEGERS, COMPLEX, BOOL = "efd", "bhilqBHILQ", "FD", "?"
"""Characters of dtypes; of halves only where NumPy computes them as ftx does, in float32."""
SINGLES = "fd"
_SCALAR_CHARS = "fdil"
_LIMIT = 2**31


def fast_unary(ufunc, chars, slow, keeps_weak=True):
    """`slow`, but for a plain Array of a dtype in `chars` outside a trace the NumPy ufunc.

    Requires: on those dtypes the ufunc is the primitive's own NumPy rule.
    """

    def apply(x, /):
        if type(x) is Array and STATE.trace is None:
            a = x._np
            if a is not None and a.dtype.char in chars and not config.debug_nans:
                if not config.debug_infs:
                    return Array(QUIET.run(ufunc, a), x._weak and keeps_weak)
        return slow(x)

    return apply


def fast_binary(ufunc, chars, slow, keeps_weak=True, swap=False):
    """`slow`, but for plain Arrays of one dtype in `chars`, or one and a number, the NumPy ufunc.

    Requires: on those dtypes the ufunc is the primitive's own NumPy rule.  `swap` exchanges the
    operands, for reflected operators.
    """

    def apply(x, y, /):
        if type(x) is Array and STATE.trace is None:
            a, kind = x._np, type(y)
            if a is None or config.debug_nans or config.debug_infs:
                return slow(x, y)
            char = a.dtype.char
            if char in chars:
                if kind is Array:
                    b = y._np
                    alike = b is not None and a.dtype is b.dtype and x._weak is y._weak
                    if alike and (a.ndim == b.ndim or config.numpy_rank_promotion == "allow"):
                        try:
                            out = QUIET.run(ufunc, b, a) if swap else QUIET.run(ufunc, a, b)
                            return Array(out, x._weak and keeps_weak)
                        except ValueError:
                            pass  # not `slow` from here: its error would show NumPy's too
                elif not x._weak and _joins(y, char):
                    return Array(QUIET.run(ufunc, y, a) if swap else QUIET.run(ufunc, a, y))
        elif type(y) is Array and not swap and STATE.trace is None:
            b = y._np
            if b is not None and b.dtype.char in chars and not y._weak and _joins(x, b.dtype.char):
                if not checked_now():
                    return Array(QUIET.run(ufunc, x, b))
        return slow(x, y)

    return apply


def at_hand(*values):
    """Whether NumPy may compute with `_np` of these: arrays not weak, nothing traced or checked."""
    return (
        STATE.trace is None
        and all(type(v) is Array and v._np is not None and not v._weak for v in values)
        and not checked_now()
    )


def at_once(function, chars, where=None):
    """A decorator: the NumPy `function`, where the operands let it give what the definition does.

    Args:
      chars: dtypes on which it does.  The operands are arrays of one of them that is not weak,
        and numbers of Python that take its dtype.
      where: a test of the operands, which NumPy arrays and numbers pass if they do.
    """

    def decorate(definition):
        @functools.wraps(definition)
        def apply(*operands, **options):
            if STATE.trace is None and not options:
                given = _plain(operands, chars)
                if given is not None and (where is None or where(*given)):
                    try:
                        return _arrays(QUIET.run(function, *given))
                    except ValueError:
                        pass  # shapes that do not broadcast: the definition's error says more
            return definition(*operands, **options)

        return apply

    return decorate


def _arrays(found):
    return tuple(map(Array, found)) if type(found) is tuple else Array(found)


def _plain(operands, chars):
    """The operands as NumPy takes them; None where they need promotion or are checked."""
    first, given = None, []
    for x in operands:
        if type(x) is not Array:
            given.append(x)
            continue
        a = x._np
        if a is None or x._weak or a.dtype.char not in chars:
            return None
        if first is None:
            first = a
        elif a.dtype is not first.dtype:
            return None
        elif a.ndim != first.ndim and config.numpy_rank_promotion != "allow":
            return None
        given.append(a)
    if first is None or checked_now():
        return None
    if all(type(x) is Array or _joins(x, first.dtype.char) for x in operands):
        return given
    return None


def _joins(x, char):
    """Whether x is a number of Python that NumPy and ftx take as of the dtype `char`."""
    if type(x) is int:
        return char in _SCALAR_CHARS and -_LIMIT <= x < _LIMIT
    return type(x) is float and char in SINGLES

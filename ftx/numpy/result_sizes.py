"""Sizes of results that depend on values, such as how many elements of a mask are true.

In: arrays, perhaps traced.  Out: their values, or integers to make shapes of.
Under jit such a size is told to the trace; where nobody can tell it, the error says what to do.
Must not know: what the sizes are for.
"""

from ..core import dtypes
from ..core.errors import NonConcreteBooleanIndexError
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.tracing import Asked, Tracer
from .promotion import asarray, operand


def is_known(x):
    """Whether the value of the array x can be asked for."""
    return not isinstance(x, Tracer) or x.is_known()


def known(name, x):
    """The value of x as a NumPy array; a traced one raises NonConcreteBooleanIndexError."""
    x = operand(name, asarray(x))
    if isinstance(x, Tracer):
        return x.known_value(Asked(NonConcreteBooleanIndexError, name))
    return x._live()


def as_size(name, n, x=None):
    """The integer n, which may be traced and follow from x, as a size of the result of `name`.

    Raises: NonConcreteBooleanIndexError where sizes may not depend on values.
    """
    if not isinstance(n, Tracer):
        return int(n)
    return n.as_size(Asked(NonConcreteBooleanIndexError, name, None if x is None else x.aval))


def number_of(name, hit):
    """How many of the booleans `hit` are true, as a size."""
    count = R.reduce_sum(C.convert(hit, dtypes.default_int()), tuple(range(hit.ndim)))
    return as_size(name, count, hit)

"""primitives: one class per operation, with all its rules.

`ALL` lists every primitive defined here; those that hold programs are in `transforms/`.
"""

from . import formula  # isort: skip  first: the others subclass it
from . import elementwise, shape, reduction, selection  # isort: skip
from . import dot, indexing, transcendental  # isort: skip
from . import bits, collective, conv, effects, fft, linalg  # isort: skip
from . import searching, sorting, special, window  # isort: skip
from ..primitive import Primitive

_MODULES = (
    *(elementwise, selection, transcendental, shape, reduction, dot, indexing),
    *(bits, collective, conv, effects, fft, linalg, searching, sorting, special, window),
)

ALL: tuple[Primitive, ...] = tuple(
    {
        value.name: value
        for module in _MODULES
        for value in vars(module).values()
        if isinstance(value, Primitive)
    }.values()
)

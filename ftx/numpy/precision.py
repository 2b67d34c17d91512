"""`Precision` and its names, as `precision=` of products and convolutions takes them.

In: what a user passes.  Out: nothing, or an error: products are always computed fully, which is
at least as exact as any of them asks for.
Must not know: how products are computed.
"""

import enum

from ..core.errors import ArgumentError

_NAMES = {
    "default": 0, "fastest": 0, "bfloat16": 0, "high": 1, "bfloat16_3x": 1, "tensorfloat32": 1,
    "highest": 2, "float32": 2,
}  # fmt: skip


class Precision(enum.Enum):
    """How exactly products are computed; ftx always computes them fully.

    >>> Precision("float32").name
    'HIGHEST'
    """

    DEFAULT = 0
    HIGH = 1
    HIGHEST = 2

    @classmethod
    def _missing_(cls, value):
        return cls(_NAMES[value]) if value in _NAMES else None


def check_precision(name, precision):
    """Raise ArgumentError unless `precision` is None, a Precision, its name, or a pair of those.

    >>> check_precision("dot", ("highest", None))
    """
    if precision is None:
        return
    pair = precision if isinstance(precision, (tuple, list)) else (precision,)
    if len(pair) > 2 or any(not _is_precision(p) for p in pair):
        raise ArgumentError(
            f"{name}: expected precision None, a Precision, one of {sorted(_NAMES)} or a pair of "
            f"those, got {precision!r}"
        )


def _is_precision(value):
    return value is None or isinstance(value, Precision) or value in _NAMES

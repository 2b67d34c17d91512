"""`NOT_GIVEN`: the default of a parameter for which None is a value like any other.

In: nothing.  Out: the one object, to be compared by identity.
Knows nothing of: who uses it.
"""

from __future__ import annotations


class _NotGiven:
    def __repr__(self) -> str:
        return "<not given>"

    def __reduce__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN = _NotGiven()

"""The garbage collector, held back while much is built that stays alive.

Tracing and compiling allocate hundreds of thousands of small objects, none of them garbage yet;
collections in between took a third of the time of large programs.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """No cyclic garbage collection for the length of a `with` block or decorated call."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

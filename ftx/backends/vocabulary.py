"""What the text of a kernel may call: scalar functions, types and tiles, compiled or as Python.

In: nothing.  Out: name -> Numba intrinsic, or its plain Python twin.
Called by name in the processes that compile, so importing this stays cheap.
Must not know: what kernels compute.
"""

from __future__ import annotations

import functools
import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from ..core import dtypes
from .addresses import TILE
from .product_steps import turn_shape
from .source_code import TURNED
from .twins import turn_tile


@functools.cache
def vocabulary_version() -> str:
    """Changes with the text of the scalar functions that kernels call."""
    here = Path(__file__).parent
    files = sorted([*here.glob("vector_math/*.py"), here / "intrinsics.py", here / "tile.py"])
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


def kernel_namespace() -> dict[str, Any]:
    """What a kernel's text may call, for Numba (imported here, on the first compilation)."""
    from .tile import turn_tile as turn
    from .vector_math import COMPILED

    turns = {
        f"turn_tile_{dtypes.short_name(d)}": turn(turn_shape(d.itemsize), TILE) for d in TURNED
    }
    return {**COMPILED, **scalar_types(), **turns}


def python_namespace() -> dict[str, Any]:
    """The same names as plain Python."""
    from .vector_math import PYTHON

    turns = {f"turn_tile_{dtypes.short_name(d)}": turn_tile for d in TURNED}
    return {**PYTHON, **scalar_types(), **turns}


def scalar_types() -> dict[str, Any]:
    """`f32(x)`, `i64(x)` and the like, and the numbers that have no literal."""
    named = {dtypes.short_name(d): d.type for d in dtypes.ALL if d not in (dtypes.bfloat16,)}
    return named | {"bool": np.bool_, "inf": math.inf, "nan": math.nan}

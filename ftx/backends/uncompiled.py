"""Run a program's generated kernels as the Python text they are, on NumPy arrays.

In: a jaxpr without consts and its arguments.  Out: its results.  Library steps run by their
`impl`.  Slow: for tests, for stepping through a kernel in a debugger, and for FTX_CHECK=2.
Knows nothing of: Numba.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.array import as_array, numpy_value
from ..core.jaxpr import Eqn, Jaxpr, Literal
from ..core.state import interpreting
from ..transforms.passes import simplify
from .bodies import with_own_results
from .fusion import Group
from .pipeline import prepare
from .scatters import shared
from .source_code import render
from .twins import run_uncompiled
from .vocabulary import python_namespace


def run(jaxpr: Jaxpr, args: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
    """Results of `jaxpr`, by the text of its kernels."""
    program = with_own_results(simplify(jaxpr))
    env = {
        v: np.ascontiguousarray(np.asarray(numpy_value(x), v.aval.dtype)).reshape(v.aval.shape)
        for v, x in zip(program.invars, args, strict=True)
    }
    for node in prepare(program).nodes:
        if isinstance(node, Group):
            for group in shared(node):
                _run_group(group, env)
        else:
            _run_step(node.eqn, env)
    return [env[a] for a in program.outvars]  # type: ignore[index]


def _run_group(group: Group, env: dict[Any, Any]) -> None:
    source = render(group, lambda v: True)
    for value in source.entries:
        if value not in env:
            env[value] = np.zeros(value.aval.shape, value.aval.dtype)
    arrays = [env[v].reshape(-1) for v in source.entries]
    chunk = source.chunk or max(1, source.iterations)
    for lo in range(0, source.iterations, chunk):
        hi = min(source.iterations, lo + chunk)
        status = run_uncompiled(source.text, "kernel", python_namespace(), arrays, lo, hi)
        if status:
            raise IndexError(f"an index check of the kernel failed: status {status}")


def _run_step(eqn: Eqn, env: dict[Any, Any]) -> None:
    read = lambda a: as_array(np.asarray(a.value) if isinstance(a, Literal) else env[a])
    with interpreting():
        results = eqn.primitive.bind(*map(read, eqn.invars), **eqn.params)
    for var, result in zip(eqn.outvars, results, strict=True):
        env[var] = np.array(result, var.aval.dtype, order="C")

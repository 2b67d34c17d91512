"""FTX_CHECK=2: run every compiled program also by `impl`, and find the equation that differs.

In: an executable and its jaxpr.  Out: an executable of the same results, or JaxprTypeError
naming the first equation whose compiled result is not that of its primitive's `impl`.
Also finds the equation that made the first NaN of a compiled program (debug_nans).
Knows nothing of: how either result is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.array import Array, as_array, check_finite, numpy_value
from ..core.errors import JaxprTypeError, NonFiniteError
from ..core.evaluate import read
from ..core.jaxpr import Eqn, Jaxpr, Var, has_effects
from ..core.source import interprets
from ..core.state import interpreting
from ..transforms.counted import counted_scan_p

TOLERANCE = {2: 2e-2, 4: 1e-4, 8: 1e-9}
"""By bytes of the real part; sums may be added up in another order."""


class ComparingExecutable:
    """Runs a program twice and compares."""

    def __init__(self, jaxpr: Jaxpr, compiled: Any, compile_: Callable[[Jaxpr], Any]):
        self._jaxpr, self._compiled, self._compile = jaxpr, compiled, compile_

    @property
    def arena_bytes(self) -> int | None:
        return self._compiled.arena_bytes

    @property
    def aliased_bytes(self) -> int:
        return self._compiled.aliased_bytes

    def __call__(self, *args: Any) -> list[Any]:
        outs = self._compiled(*args)
        env = dict(zip(self._jaxpr.invars, map(as_array, args), strict=True))
        with interpreting():
            for eqn in self._jaxpr.eqns:
                self._check(eqn, env)
        return outs

    def _check(self, eqn: Eqn, env: dict[Var, Any]) -> None:
        ins = [read(env, a) for a in eqn.invars]
        expected = eqn.primitive.bind(*ins, **eqn.params)
        env.update(zip(eqn.outvars, expected, strict=True))
        if has_effects(eqn):
            return
        binders = tuple(Var(x.aval) for x in ins)
        alone = Jaxpr((), binders, (eqn.replace(invars=binders),), eqn.outvars, eqn.primitive.name)
        results = list(zip(self._compile(alone)(*ins), expected, strict=True))
        if eqn.primitive is counted_scan_p:  # rows past the count are anything
            results = results[: eqn.params["n_carry"]]
        for got, wanted in results:
            if not same(numpy_value(got), numpy_value(wanted)):
                raise JaxprTypeError(
                    f"{eqn.primitive.name}: the compiled result differs from impl: expected "
                    f"{numpy_value(wanted).ravel()[:4]}, got {numpy_value(got).ravel()[:4]}",
                    str(eqn.source) if eqn.source.file else None,
                )

    def kernels(self) -> list[str]:
        """The text of every kernel."""
        return self._compiled.kernels()


def check_results(jaxpr: Jaxpr, args: Any, results: list[Array]) -> None:
    """Under debug_nans or debug_infs: NonFiniteError naming the first equation to blame."""
    try:
        check_finite(jaxpr.name, results)
    except NonFiniteError:
        _locate(jaxpr, args)
        raise


@interprets
def _locate(jaxpr: Jaxpr, args: Any) -> None:
    env = dict(zip(jaxpr.invars, map(as_array, args), strict=True))
    with interpreting():
        for eqn in jaxpr.eqns:
            outs = eqn.primitive.bind(*[read(env, a) for a in eqn.invars], **eqn.params)
            env.update(zip(eqn.outvars, outs, strict=True))


def same(got: Any, wanted: Any) -> bool:
    """Whether two arrays agree within rounding."""
    if got.shape != wanted.shape or got.dtype != wanted.dtype:
        return False
    if got.dtype.kind in "biuV":  # V: random keys
        return bool(np.array_equal(got, wanted))
    size = got.dtype.itemsize // (2 if got.dtype.kind == "c" else 1)
    a, b = (x.astype(np.complex128) for x in (got, wanted))
    largest = float(np.max(np.abs(b[np.isfinite(b)]), initial=1.0))
    scale = TOLERANCE[size] * largest
    return bool(np.allclose(a, b, rtol=TOLERANCE[size], atol=scale, equal_nan=True))

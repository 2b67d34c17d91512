"""Operations and bytes of a whole program, for ahead-of-time objects.

In: a jaxpr.  Out: its figures added up.
Knows nothing of: time; nothing is run.
"""

from __future__ import annotations

from ..backends.cpu import assemble, distinct_results
from ..core.jaxpr import Jaxpr
from ..core.state import use_trace
from ..transforms.passes import simplify
from .recording import Recorder, Steps


def costs(jaxpr: Jaxpr) -> dict[str, float]:
    """Sums over the steps of one call; a step that runs nobody knows how often counts once."""
    with use_trace(None):
        recorder = Recorder()
        steps = Steps(recorder)
        program = assemble(distinct_results(simplify(jaxpr.closed())), recorder)
        steps.walk(program.thunks)
    rows = [step.row for step in steps.found]
    times = [1 if row.calls is None else row.calls for row in rows]
    pairs = list(zip(rows, times, strict=True))
    return {
        "flops": float(sum((row.flops or 0) * n for row, n in pairs)),
        "bytes accessed": float(sum((row.bytes or 0) * n for row, n in pairs)),
    }

"""passes: same meaning, better jaxpr.

`SIMPLIFY` is the whole simplifier, in the order it happens; a comment says why where order matters.
"""

from __future__ import annotations

from ...core.config import config
from ...core.jaxpr import Jaxpr
from .algebra import drop_identities
from .cse import share_common
from .dce import drop_unused
from .expand import expand
from .inline import inline_calls, inline_recomputation
from .loops import improve_loops
from .rows import all_rows_at_once


def _recompute(jaxpr: Jaxpr) -> Jaxpr:
    return inline_recomputation(jaxpr, simplify)


def _loops(jaxpr: Jaxpr) -> Jaxpr:
    return improve_loops(jaxpr, simplify)


def _rows(jaxpr: Jaxpr) -> Jaxpr:
    return all_rows_at_once(jaxpr, simplify)


SIMPLIFY = (
    ("inline", inline_calls),
    ("dce", drop_unused),  # before cse: gradients leave many unused primal sums
    ("rows", _rows),
    ("expand", expand),  # after inline: it sees every equation
    ("algebra", drop_identities),
    ("cse", share_common),
    ("loops", _loops),
    ("recompute", _recompute),  # after cse, which would undo the recomputation
    ("dce", drop_unused),
)


def simplify(jaxpr: Jaxpr) -> Jaxpr:
    """The same program with fewer equations (memoised).

    Requires: no consts.  Establishes: no calls, every variable read.
    """
    if "final" in jaxpr.memo:
        return jaxpr
    key = ("simplified", config.disable)
    if key not in jaxpr.memo:
        result = jaxpr
        for name, run in SIMPLIFY:
            if config.enabled(name):
                result = run(result)
        jaxpr.memo[key] = as_simplified(result)
    return jaxpr.memo[key]


def as_simplified(jaxpr: Jaxpr) -> Jaxpr:
    """`jaxpr`, taken as it is: simplifying again could share results that must stay distinct."""
    jaxpr.memo["final"] = True
    return jaxpr

"""How much of the machine this process may use.

Knows nothing of: what is run on it.
"""

from __future__ import annotations

import os


def available_cores() -> int:
    """Cores that the system lets this process use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_cores() -> int:
    """Of these, how many nobody has used in the last minute; this process counts as one."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 1.0
    return max(0, available_cores() - max(1, round(load)))

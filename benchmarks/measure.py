"""Timing that a busy machine disturbs as little as may be.

In: functions to compare.  Out: seconds of one call of each: the contenders take turns, A B A B,
so that drift of the machine falls on all of them, and the median of the rounds counts.
Knows nothing of: what is timed.
"""

import gc
import statistics
import time


def once(call):
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_turn(calls, rounds, seconds, rest=0.0):
    """Median seconds of one call, by name; each turn of a contender lasts about `seconds`.

    rest: seconds before each turn, for contenders whose threads go on spinning after their last.
    """
    repeats = {}
    for name, call in calls.items():
        call()
        repeats[name] = max(1, int(seconds / max(min(once(call), once(call)), 1e-7)))
    samples = {name: [] for name in calls}
    gc.collect()
    for _ in range(rounds):
        for name, call in calls.items():
            n = repeats[name]
            time.sleep(rest)
            start = time.perf_counter()
            for _ in range(n):
                call()
            samples[name].append((time.perf_counter() - start) / n)
    return {name: statistics.median(times) for name, times in samples.items()}

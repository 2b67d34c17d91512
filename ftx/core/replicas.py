"""Where replicas of one program meet: the rendezvous under pmap's collectives.

In: one value per replica.  Out: what `combine` makes of all of them, to each its own.
Each replica runs on a thread of its own, which knows its group and its place in it.
Knows nothing of: what the programs compute, and which devices exist.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

Combine = Callable[[list[Any]], list[Any]]


class ReplicaReleased(RuntimeError):
    """Raised in a replica that waits for one which failed or has already finished."""


class _Round:
    """One meeting: what came, what each takes home."""

    __slots__ = ("done", "results", "values")

    def __init__(self) -> None:
        self.values: dict[int, tuple[Any, Any]] = {}
        self.results: list[Any] = []
        self.done = False


class Group:
    """The replicas of one call."""

    def __init__(self, size: int):
        self.size = size
        self._condition = threading.Condition()
        self._round = _Round()
        self._left = 0
        self._failure: str | None = None

    def exchange(self, place: int, what: Any, value: Any, combine: Combine) -> Any:
        """Hand in `value`; wait for all; take home `combine(values by place)[place]`.

        The last to come combines, so that all values stay alive and unchanged meanwhile and
        the order of summation is that of the places.
        Raises: ReplicaReleased if another replica fails, ends, or meets for something else.
        """
        with self._condition:
            self._check()
            here = self._round
            here.values[place] = (what, value)
            if len(here.values) == self.size:
                self._finish(here, combine)
            elif self._left:
                self._fail("a replica ended without taking part in a collective")
            while not here.done:
                self._check()
                self._condition.wait()
            return here.results[place]

    def _finish(self, here: _Round, combine: Combine) -> None:
        kinds = {what for what, _ in here.values.values()}
        if len(kinds) > 1:
            names = ", ".join(sorted(map(str, kinds)))
            self._fail(f"replicas met for different collectives: {names}")
            self._check()
        try:
            here.results = combine([here.values[i][1] for i in range(self.size)])
        except BaseException as error:
            self._fail(f"a collective failed: {error}")
            raise
        here.done, self._round = True, _Round()
        self._condition.notify_all()

    def leave(self) -> None:
        """A replica is done."""
        with self._condition:
            self._left += 1
            if self._round.values:
                self._fail("a replica ended without taking part in a collective")

    def fail(self, why: str) -> None:
        """A replica failed: release those who wait."""
        with self._condition:
            self._fail(why)

    def _fail(self, why: str) -> None:
        self._failure = self._failure or why
        self._condition.notify_all()

    def _check(self) -> None:
        if self._failure is not None:
            raise ReplicaReleased(self._failure)


class ReplicaContext(NamedTuple):
    """This thread's place in a group."""

    name: str | None
    place: int
    group: Group


class _Local(threading.local):
    contexts: tuple[ReplicaContext, ...] = ()


_LOCAL = _Local()


@contextlib.contextmanager
def replica(context: ReplicaContext) -> Iterator[None]:
    """Make this thread the given replica for the length of the block."""
    before = _LOCAL.contexts
    _LOCAL.contexts = (*before, context)
    try:
        yield
    finally:
        _LOCAL.contexts = before


def current(name: str) -> ReplicaContext | None:
    """This thread's place along the axis `name`, or None outside pmap."""
    for context in reversed(_LOCAL.contexts):
        if context.name == name:
            return context
    return None


class _Worker:
    """A thread that runs one job at a time."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="ftx-replica", daemon=True).start()

    def _work(self) -> None:
        while True:
            self._jobs.get()()

    def start(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)


_IDLE: list[_Worker] = []
_IDLE_LOCK = threading.Lock()


def _workers(count: int) -> list[_Worker]:
    with _IDLE_LOCK:
        taken = [_IDLE.pop() for _ in range(min(count, len(_IDLE)))]
    return taken + [_Worker() for _ in range(count - len(taken))]


def run_replicas(name: str | None, jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Results of the jobs, each on its own thread (the first on this one), as one group.

    Raises: the error of the first replica that failed by itself.
    """
    group = Group(len(jobs))
    results: list[Any] = [None] * len(jobs)
    errors: dict[int, BaseException] = {}
    finished = threading.Semaphore(0)

    def run(place: int) -> None:
        try:
            with replica(ReplicaContext(name, place, group)):
                results[place] = jobs[place]()
            group.leave()
        except BaseException as error:
            errors[place] = error
            group.fail(f"replica {place} failed: {error}")
        finally:
            finished.release()

    workers = _workers(len(jobs) - 1)
    for place, worker in enumerate(workers, 1):
        worker.start(lambda place=place: run(place))  # type: ignore[misc]
    run(0)
    for _ in jobs:
        finished.acquire()
    with _IDLE_LOCK:
        _IDLE.extend(workers)
    if errors:
        own = [e for _, e in sorted(errors.items()) if not isinstance(e, ReplicaReleased)]
        raise own[0] if own else errors[min(errors)]
    return results

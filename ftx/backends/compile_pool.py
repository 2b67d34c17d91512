"""Many kernels compiled at once: here, and in worker processes where that pays.

In: requests that neither memory nor disk could serve.  Out: object code of each.
A worker is a fresh interpreter (`compile_worker`), which never runs the user's program and gets
text on a pipe; it is kept for the next program and leaves by itself when idle. Whatever a worker
fails to deliver is compiled here. Measured: it takes 0.6 s to start, a kernel 0.03 to 0.4 s.
Must not know: the disk cache, what kernels compute.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.config import config
from ..core.processor import free_cores
from .machine_code import ObjectCode, identity

START = 1.0
"""Seconds of work from which workers are started."""
SHARE = 0.1
"""Seconds of work from which workers that wait already are used."""
MOST = 4
"""Workers at most, unless the option says otherwise."""
PATIENCE = 30.0
"""Seconds that a worker may take for its last kernel, once there is nothing else to do."""

Namespace = Mapping[str, Any] | Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Request:
    """One kernel to compile; see `cache.get_kernel`."""

    source: str
    name: str
    namespace: Namespace
    arity: int

    @property
    def seconds(self) -> float:
        """About how long Numba and LLVM take."""
        return 0.03 + 5e-5 * len(self.source)

    @property
    def namespace_path(self) -> str | None:
        """Where another process finds the names: "module:function"; None if it cannot."""
        if not callable(self.namespace):
            return None if self.namespace else ""
        module, name = self.namespace.__module__, self.namespace.__qualname__
        found = getattr(sys.modules.get(module), name, None)
        return f"{module}:{name}" if found is self.namespace and module != "__main__" else None


def compile_here(request: Request) -> ObjectCode:
    """Compile in this process."""
    from .numba_adapter import compile_kernel

    names = request.namespace() if callable(request.namespace) else request.namespace
    return compile_kernel(request.source, request.name, names, arity=request.arity)


# ---- One worker --------------------------------------------------------------------------------


class WorkerError(RuntimeError):
    """A worker did not start, died, or answered nonsense."""


class Worker:
    """A process that compiles; used by one thread at a time."""

    def __init__(self) -> None:
        path = [os.path.abspath(p) for p in sys.path]
        start = "from ftx.backends.compile_worker import main; main()"
        code = f"import sys; sys.path[:] = {path!r}; {start}"
        quiet = {"FTX_COMPILE_WORKERS": "0", "FTX_DEBUG": "0", "FTX_DUMP": "", "FTX_DISABLE": ""}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | quiet,
            start_new_session=os.name == "posix",  # Ctrl-C is for the parent
        )
        self.greeted = False

    def compile(self, request: Request) -> ObjectCode | None:
        """Its object code; None if the text does not compile. Raises WorkerError."""
        try:
            if not self.greeted:
                self._greet()
            return self._ask(request)
        except (OSError, ValueError, KeyError) as error:
            self.kill()
            raise WorkerError(str(error)) from error

    def _greet(self) -> None:
        if json.loads(self._line())["identity"] != identity():
            raise ValueError("another ftx, Numba or CPU")
        self.greeted = True

    def _ask(self, request: Request) -> ObjectCode | None:
        assert self.process.stdin is not None and self.process.stdout is not None
        asked = {
            "source": request.source,
            "name": request.name,
            "namespace": request.namespace_path,
            "arity": request.arity,
            "disable": sorted(config.disable),
        }
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        self.process.stdin.flush()
        header = json.loads(self._line())
        code = self.process.stdout.read(header["bytes"])
        if len(code) != header["bytes"]:
            raise ValueError("the answer ends early")
        if "error" in header:
            return None
        return ObjectCode(code, header["symbol"], tuple(header["externals"]))

    def _line(self) -> bytes:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise ValueError("the worker has gone")
        return line

    @property
    def lives(self) -> bool:
        """Whether it can be asked."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.close()

    def close(self) -> None:
        """End it by ending its input."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# ---- All of them -------------------------------------------------------------------------------

_idle: list[Worker] = []
_guard = threading.Lock()  # of _idle


def _forget_workers() -> None:
    _idle.clear()  # in a forked child: they are the parent's


def close_workers() -> None:
    """End every waiting worker."""
    with _guard:
        waiting, _idle[:] = list(_idle), []
    for worker in waiting:
        worker.close()


atexit.register(close_workers)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)


def allowed_workers() -> int:
    """Worker processes that may run beside this one: by default one per core that is free."""
    if config.compile_workers >= 0:
        return config.compile_workers
    return min(MOST, free_cores())


def _take_workers(requests: Sequence[Request]) -> list[Worker]:
    """Waiting or new workers, as many as pay."""
    if not sys.executable or len(requests) < 2:
        return []
    work = sum(r.seconds for r in requests)
    wanted = min(allowed_workers(), len(requests) - 1)
    taken: list[Worker] = []
    with _guard:
        while _idle and len(taken) < wanted and work > SHARE:
            worker = _idle.pop()
            if worker.lives:
                taken.append(worker)
            else:
                worker.close()
    with contextlib.suppress(OSError):
        while len(taken) < wanted and work > START * (len(taken) + 1):
            taken.append(Worker())
    return taken


def compile_all(
    requests: Sequence[Request], deliver: Callable[[Request, ObjectCode], None]
) -> None:
    """Compile every request and `deliver` it, on this thread.

    Raises: what `numba_adapter.compile_kernel` raises.
    """
    able = [r for r in requests if r.namespace_path is not None]
    workers = _take_workers(able)
    queue = deque(sorted(requests, key=lambda r: r.seconds, reverse=True))
    if not workers:
        _drain(queue, deliver)
        return
    shared = deque(sorted(able, key=lambda r: r.seconds, reverse=True))
    mine = deque(r for r in queue if r.namespace_path is None)
    made: deque[tuple[Request, ObjectCode]] = deque()
    helpers = [
        threading.Thread(target=_help, args=(w, shared, mine, made), daemon=True) for w in workers
    ]
    for helper in helpers:
        helper.start()
    try:
        _drain(mine, deliver)
        _drain(shared, deliver)
        for helper, worker in zip(helpers, workers, strict=True):
            helper.join(PATIENCE)
            if helper.is_alive():
                worker.kill()
                helper.join()
        while made:
            deliver(*made.popleft())
        _drain(mine, deliver)  # what workers gave back
        _drain(shared, deliver)
    finally:
        shared.clear()  # Ctrl-C or an error: helpers end with the kernel they wait for


def _drain(queue: deque[Request], deliver: Callable[[Request, ObjectCode], None]) -> None:
    while queue:
        try:
            request = queue.popleft()
        except IndexError:  # a helper was faster
            return
        deliver(request, compile_here(request))


def _help(
    worker: Worker,
    shared: deque[Request],
    failed: deque[Request],
    made: deque[tuple[Request, ObjectCode]],
) -> None:
    """Feed one worker until nothing is left."""
    while True:
        try:
            request = shared.popleft()
        except IndexError:
            break
        try:
            code = worker.compile(request)
        except WorkerError:
            failed.append(request)
            return
        if code is None:
            failed.append(request)  # its error is raised where the program is compiled
        else:
            made.append((request, code))
    with _guard:
        _idle.append(worker)

"""A process that compiles kernels for another, its parent.

In: one request per line of standard input, as JSON.  Out: on standard output, per request a line
of JSON and the bytes of the object file.  Ends with its input, or when long without a request.
Started by `compile_pool` only; never imports the parent's program.
Must not know: the disk cache, which the parent keeps.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from typing import Any, BinaryIO

from ..core.config import config
from .machine_code import identity
from .numba_adapter import compile_kernel

IDLE_SECONDS = 30.0


def namespace_of(path: str) -> Any:
    """The names that `module:function` gives; none for an empty path."""
    if not path:
        return {}
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)()


def answer(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The header and the object file of one request; an error's text instead of a header."""
    try:
        config.update("disable", request["disable"])
        names = namespace_of(request["namespace"])
        made = compile_kernel(request["source"], request["name"], names, arity=request["arity"])
    except Exception as error:  # the parent compiles it again, and meets the error itself
        return {"error": f"{type(error).__name__}: {error}", "bytes": 0}, b""
    header = {"symbol": made.symbol, "externals": made.externals, "bytes": len(made.code)}
    return header, made.code


class _Idle:
    """Ends the process when no request has come for long, to give its memory back."""

    def __init__(self) -> None:
        self.busy, self.since = False, time.monotonic()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while self.busy or time.monotonic() - self.since < IDLE_SECONDS:
            time.sleep(IDLE_SECONDS / 4)
        os._exit(0)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more."""
    idle = _Idle()

    def send(header: dict[str, Any], code: bytes = b"") -> None:
        answers.write(json.dumps(header).encode() + b"\n" + code)
        answers.flush()

    send({"identity": identity()})
    for line in requests:
        idle.busy = True
        send(*answer(json.loads(line)))
        idle.busy, idle.since = False, time.monotonic()


def main() -> None:
    """Serve on the standard streams; what else prints goes to standard error."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        serve(sys.stdin.buffer, answers)

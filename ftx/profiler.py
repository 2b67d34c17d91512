"""ftx.profiler: when programs ran, as a trace that chrome://tracing and Perfetto show.

In: a folder.  Out: a file <folder>/plugins/profile/<time>/<host>.trace.json.gz.
Between start and stop every call of a compiled program, every compilation and every annotation
becomes a span. What a program does inside is shown by `ftx.explain`.
Must not know: how programs are compiled.
"""

import contextlib
import functools
import gzip
import json
import os
import socket
import time
from pathlib import Path

from .core.config import config
from .core.errors import ArgumentError, UnsupportedError
from .core.timeline import CURRENT, Timeline

__all__ = [
    *("StepTraceAnnotation", "TraceAnnotation", "annotate_function", "start_trace", "stop_trace"),
    *("trace",),
]


class _Recording:
    folder = None
    perfetto = False


_RECORDING = _Recording()


def start_trace(
    log_dir, create_perfetto_link=False, create_perfetto_trace=False, profiler_options=None
):
    """Begin to note what runs.

    Functions compiled before are traced once more while a trace is on.

    Args:
      log_dir: folder that `stop_trace` writes to.
      create_perfetto_link: False; nothing is sent or served.
      create_perfetto_trace: also write perfetto_trace.json.gz beside the trace.
      profiler_options: None.
    Raises: ArgumentError if a trace is on already; UnsupportedError for a link or options.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     start_trace(folder)
    ...     stop_trace()
    """
    if create_perfetto_link or profiler_options is not None:
        raise UnsupportedError(
            "start_trace: expected create_perfetto_link=False and profiler_options=None, got "
            f"{create_perfetto_link} and {profiler_options!r}; open the file in ui.perfetto.dev"
        )
    if CURRENT.timeline is not None:
        raise ArgumentError(
            f"start_trace: expected no trace, got one to {_RECORDING.folder}; call stop_trace first"
        )
    _RECORDING.folder, _RECORDING.perfetto = Path(os.fspath(log_dir)), create_perfetto_trace
    CURRENT.timeline = Timeline()
    config.update("profile", True)


def stop_trace():
    """Write the trace begun by `start_trace`.

    Raises: ArgumentError if there is none.

    >>> try:
    ...     stop_trace()
    ... except ArgumentError:
    ...     print("none")
    none
    """
    timeline = CURRENT.timeline
    if timeline is None:
        raise ArgumentError("stop_trace: expected a trace, got none; call start_trace first")
    CURRENT.timeline = None
    config.update("profile", False)
    text = json.dumps({"displayTimeUnit": "ms", "traceEvents": timeline.events}).encode()
    folder = _RECORDING.folder / "plugins" / "profile" / time.strftime("%Y_%m_%d_%H_%M_%S")
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{socket.gethostname()}.trace.json.gz"]
    names += ["perfetto_trace.json.gz"] if _RECORDING.perfetto else []
    for name in names:
        (folder / name).write_bytes(gzip.compress(text))


@contextlib.contextmanager
def trace(log_dir, create_perfetto_link=False, create_perfetto_trace=False, profiler_options=None):
    """`start_trace` and `stop_trace` around a block. Arguments and errors as `start_trace`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, trace(folder):
    ...     pass
    """
    start_trace(log_dir, create_perfetto_link, create_perfetto_trace, profiler_options)
    try:
        yield
    finally:
        stop_trace()


class TraceAnnotation(contextlib.ContextDecorator):
    """A named span around a block or a function; nothing unless a trace is on.

    Args: name: shown in the trace; other keywords: shown with it.

    >>> with TraceAnnotation("load"):
    ...     pass
    """

    def __init__(self, name, **kwargs):
        self._name, self._details, self._open = name, kwargs, []

    def __enter__(self):
        timeline = CURRENT.timeline
        span = (
            contextlib.nullcontext()
            if timeline is None
            else timeline.span(self._name, "annotation", **self._details)
        )
        self._open.append(span)
        span.__enter__()
        return self

    def __exit__(self, *problem):
        return self._open.pop().__exit__(*problem)


class StepTraceAnnotation(TraceAnnotation):
    """A TraceAnnotation of one step of training: pass `step_num`.

    >>> with StepTraceAnnotation("train", step_num=1):
    ...     pass
    """

    def __init__(self, name, **kwargs):
        super().__init__(name, _r=1, **kwargs)


def annotate_function(func, name=None, **decorator_kwargs):
    """`func` with a span around each call. name: by default the function's.

    >>> annotate_function(lambda x: x + 1, "one more")(2)
    3
    """
    shown = name or getattr(func, "__qualname__", None) or func.__name__

    @functools.wraps(func)
    def annotated(*args, **kwargs):
        with TraceAnnotation(shown, **decorator_kwargs):
            return func(*args, **kwargs)

    return annotated

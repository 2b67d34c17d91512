"""ftx.profiler and the names of jax's top level that set options."""

import gzip
import json

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import profiler
from ftx.core.errors import (
    ArgumentError,
    SideEffectError,
    UnsupportedError,
)


def test_a_trace_holds_programs_compilations_and_annotations(tmp_path):
    def doubled(x):
        return x * 2

    f = ftx.jit(doubled)
    noted = profiler.annotate_function(f, "outer", size=3)
    with profiler.trace(tmp_path, create_perfetto_trace=True):
        for i in range(2):
            with profiler.StepTraceAnnotation("train", step_num=i):
                assert noted(np.ones(3)).tolist() == [2, 2, 2]
    assert f(np.ones(3)).tolist() == [2, 2, 2]
    (folder,) = (tmp_path / "plugins" / "profile").iterdir()
    files = sorted(folder.iterdir())
    assert len(files) == 2 and "perfetto_trace.json.gz" in [p.name for p in files]
    for file in files:
        events = json.loads(gzip.decompress(file.read_bytes()))["traceEvents"]
        names = [e["name"] for e in events]
        assert names.count("doubled") == 2 and names.count("compile doubled") == 1
        assert names.count("outer") == 2 and names.count("train") == 2
        steps = [e for e in events if e["name"] == "train"]
        assert [e["args"]["step_num"] for e in steps] == [0, 1]
        inner = [e for e in events if e["name"] == "doubled"]
        for outer, program in zip(steps, inner, strict=True):
            assert outer["ts"] <= program["ts"]
            assert program["ts"] + program["dur"] <= outer["ts"] + outer["dur"]


def test_traces_do_not_nest(tmp_path):
    with pytest.raises(ArgumentError, match="got none"):
        profiler.stop_trace()
    with profiler.trace(tmp_path), pytest.raises(ArgumentError, match="expected no trace"):
        profiler.start_trace(tmp_path)
    with pytest.raises(UnsupportedError, match="perfetto"):
        profiler.start_trace(tmp_path, create_perfetto_link=True)


def test_a_trace_is_written_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), profiler.trace(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.rglob("*.trace.json.gz"))
    with profiler.TraceAnnotation("nothing is on"):
        pass


def test_leaks_infinities_and_devices():
    kept = []
    with ftx.check_tracer_leaks(), pytest.raises(SideEffectError):
        ftx.jit(lambda x: kept.append(x))(1.0)
    with ftx.debug_infs(), pytest.raises(FloatingPointError, match="infinity"):
        ftx.jit(lambda x: 1 / x)(0.0)
    with ftx.default_device(ftx.devices()[0]):
        assert fnp.ones(1).tolist() == [1]
    with pytest.raises(UnsupportedError, match="CPU device"), ftx.default_device("gpu"):
        pass


def test_live_arrays_and_caches():
    x = fnp.arange(3.0) + 1
    assert any(a is x for a in ftx.live_arrays("cpu")) and ftx.live_arrays("gpu") == []
    anywhere = ftx.sharding.SingleDeviceSharding(ftx.devices()[0])
    for f in (ftx.jit(lambda x: x + 1), ftx.jit(lambda x: x + 1, out_shardings=anywhere)):
        f(x)
        assert f._cache_size() == 1
        ftx.clear_caches()
        assert f._cache_size() == 0 and f(x).tolist() == [2, 3, 4]
        assert f.traces == 2

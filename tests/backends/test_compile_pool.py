"""Kernels compiled by worker processes: the same code, and no failure of theirs is fatal."""

import os
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import ftx
from ftx.backends import cache, compile_pool, compile_worker
from ftx.backends.compile_pool import Request, WorkerError
from ftx.backends.vocabulary import kernel_namespace

TEXT = """
def k(args, lo, hi):
    x = pointer_f64(args, 0)
    for i in range(lo, hi):
        x[i] = exp_f64(x[i]) * {0}.0
"""


@pytest.fixture(autouse=True)
def pool(tmp_path, monkeypatch):
    monkeypatch.setenv("FTX_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_kernels", {})
    monkeypatch.setattr(compile_pool, "START", 0.0)
    monkeypatch.setattr(compile_pool, "SHARE", 0.0)
    cache.reset_stats()
    with ftx.config.override(compile_workers=1):
        yield
    compile_pool.close_workers()
    cache.reset_stats()


def requests(count, namespace=kernel_namespace):
    return [Request(TEXT.format(n), "k", namespace, 3) for n in range(2, 2 + count)]


def compiled(wanted):
    found = {}
    compile_pool.compile_all(wanted, lambda r, code: found.__setitem__(r, code))
    return found


def watch_workers(monkeypatch):
    """A list that fills with the requests that workers answer."""
    answered, compile_ = [], compile_pool.Worker.compile

    def spy(self, request):
        code = compile_(self, request)
        answered.append(request)
        return code

    monkeypatch.setattr(compile_pool.Worker, "compile", spy)
    return answered


def slowly(monkeypatch):
    """Compile nothing here before a worker has delivered something."""
    here, ask, delivered = compile_pool.compile_here, compile_pool.Worker._ask, threading.Event()

    def asked(self, request):
        code = ask(self, request)
        delivered.set()
        return code

    def compile_here(request):
        assert delivered.wait(60)
        return here(request)

    monkeypatch.setattr(compile_pool.Worker, "_ask", asked)
    monkeypatch.setattr(compile_pool, "compile_here", compile_here)


def test_workers_make_the_same_code(monkeypatch):
    slowly(monkeypatch)
    answered = watch_workers(monkeypatch)
    wanted = requests(4)
    found = compiled(wanted)
    assert set(found) == set(wanted) and answered
    for request in answered:
        assert found[request] == compile_pool.compile_here(request)


def test_a_worker_is_kept_for_the_next_program(monkeypatch):
    slowly(monkeypatch)
    compiled(requests(3))
    (worker,) = compile_pool._idle
    answered = watch_workers(monkeypatch)
    compiled(requests(5))
    assert compile_pool._idle == [worker] and answered


def test_names_of_this_process_alone_are_compiled_here(monkeypatch):
    local = lambda: kernel_namespace()
    assert (
        Request("", "k", kernel_namespace, 3).namespace_path
        == "ftx.backends.vocabulary:kernel_namespace"
    )
    assert Request("", "k", local, 3).namespace_path is None
    assert Request("", "k", {"n": 3}, 3).namespace_path is None
    assert Request("", "k", {}, 3).namespace_path == ""
    monkeypatch.setattr(compile_pool, "Worker", lambda: pytest.fail("not needed"))
    assert len(compiled(requests(4, local))) == 4


def broken_start(self):
    raise OSError("no more processes")


def die_early(self, request):
    self.process.kill()
    self.process.wait()
    return original_ask(self, request)


original_ask = compile_pool.Worker._ask


@pytest.mark.parametrize("trouble", ["no start", "other identity", "dies", "nonsense"])
def test_what_workers_do_not_deliver_is_compiled_here(trouble, monkeypatch):
    wanted = requests(5)
    if trouble == "no start":
        monkeypatch.setattr(compile_pool.Worker, "__init__", broken_start)
    elif trouble == "other identity":
        monkeypatch.setattr(compile_pool, "identity", lambda: "other")
    elif trouble == "dies":
        monkeypatch.setattr(compile_pool.Worker, "_ask", die_early)
    else:
        monkeypatch.setattr(compile_pool.Worker, "_line", lambda self: b"nonsense\n")
    assert set(compiled(wanted)) == set(wanted)
    assert not compile_pool._idle


def test_a_worker_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(compile_pool, "PATIENCE", 0.5)
    hang = "import time; time.sleep(1000)"
    popen = subprocess.Popen

    def start(command, **options):
        return popen([command[0], "-c", hang], **options)

    monkeypatch.setattr(compile_pool.subprocess, "Popen", start)
    wanted, began = requests(3), time.monotonic()
    assert set(compiled(wanted)) == set(wanted)
    assert time.monotonic() - began < 30


def test_errors_are_those_of_compiling_here():
    wanted = [*requests(2), Request("def k(args, lo, hi):\n    return nobody\n", "k", {}, 3)]
    with pytest.raises(Exception, match="nobody"):
        compiled(wanted)


def test_gather_compiles_at_its_end():
    with cache.gather():
        late = [cache.get_kernel(TEXT.format(n), "k", kernel_namespace) for n in (2, 3, 2)]
        assert late[0] is late[2] and not late[0].ready
        assert cache.stats.compiled == 0
    assert all(k.ready for k in late) and cache.stats.compiled == 2
    assert cache.get_kernel(TEXT.format(2), "k", kernel_namespace).address == late[0].address


def test_an_address_asked_for_early_is_right():
    with cache.gather():
        late = cache.get_kernel(TEXT.format(2), "k", kernel_namespace)
        address = late.address
    assert late.address == address and cache.stats.compiled == 1


def test_a_failed_gather_leaves_kernels_that_work():
    """Someone may have kept them."""
    with pytest.raises(KeyboardInterrupt), cache.gather():
        late = cache.get_kernel(TEXT.format(2), "k", kernel_namespace)
        raise KeyboardInterrupt
    assert cache.stats.compiled == 0 and late.address


def test_idle_workers_leave(monkeypatch):
    code = "from ftx.backends import compile_worker as w; w.IDLE_SECONDS = 0.2; w.main()"
    worker = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1)
    assert b"identity" in worker.stdout.readline()
    assert worker.wait(timeout=10) == 0
    worker.stdin.close()
    worker.stdout.close()


def test_serve_answers_errors_too():
    header, code = compile_worker.answer(
        {
            "source": "def k(a, b, c): return q",
            "name": "k",
            "namespace": "",
            "arity": 3,
            "disable": [],
        }
    )
    assert "error" in header and code == b""


def test_a_script_without_a_guard_runs_once(tmp_path):
    """Workers never import the user's program, and leave with it."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        print("started")
        import numpy as np, ftx, ftx.numpy as fnp
        from ftx.backends import compile_pool
        compile_pool.START = 0.0
        def f(x):
            for n in range(40):
                x = fnp.cumsum(fnp.sin(x) * n, axis=n % 2)
            return x
        print(ftx.jit(f)(np.ones((40, 50))).shape)
        print([w.process.pid for w in compile_pool._idle])
        """)
    )
    env = os.environ | {"FTX_COMPILE_WORKERS": "1", "FTX_CACHE_DIR": str(tmp_path / "own")}
    done = subprocess.run(
        [sys.executable, str(script)], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["started", "(40, 50)"] and done.stderr == ""
    for pid in eval(lines[2]):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_worker_error_is_not_lost():
    worker = compile_pool.Worker()
    worker.kill()
    with pytest.raises(WorkerError):
        worker.compile(requests(1)[0])


def test_results_of_a_program_are_the_same(monkeypatch):
    def f(x):
        for n in range(5):
            x = ftx.numpy.cumsum(ftx.numpy.sin(x) * n, axis=n % 2)
        return x

    x = np.linspace(0, 1, 600).reshape(20, 30)
    helped = np.asarray(ftx.jit(f)(x))
    cache._kernels.clear()
    with ftx.config.override(compile_workers=0, disable="disk_cache"):
        np.testing.assert_array_equal(np.asarray(ftx.jit(lambda x: f(x))(x)), helped)

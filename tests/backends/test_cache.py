"""The kernel cache: memory, disk, damage, unwritable folders, threads, processes, Ctrl-C."""

import os
import subprocess
import sys
import threading
import warnings

import pytest

from ftx.backends import cache, numba_adapter

SOURCE = """
def scale(args, lo, hi):
    x = pointer_f64(args, 0)
    for i in range(lo, hi):
        x[i] = x[i] * {0}.0
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FTX_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_kernels", {})
    monkeypatch.setattr(cache, "_warned", set())
    cache.reset_stats()
    yield tmp_path / "cache"
    cache.reset_stats()


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def counts():
    return cache.stats.compiled, cache.stats.loaded_from_disk, cache.stats.found_in_memory


def test_compiled_once_then_memory_then_disk(folder):
    first = cache.get_kernel(SOURCE.format(2), "scale")
    assert counts() == (1, 0, 0) and cache.stats.compile_seconds > 0
    assert cache.get_kernel(SOURCE.format(2), "scale") is first
    assert counts() == (1, 0, 1)
    cache._kernels.clear()
    again = cache.get_kernel(SOURCE.format(2), "scale")
    assert counts() == (1, 1, 1) and again.symbol == first.symbol
    assert len(files(folder)) == 1 and cache.cache_size() == files(folder)[0].stat().st_size


def test_what_is_in_the_key():
    text = SOURCE.format(2)
    cache.get_kernel(text, "scale")
    cache.get_kernel(text, "scale", version="other vector math")
    cache.get_kernel(SOURCE.format(3), "scale")
    assert counts() == (3, 0, 0)


def test_namespace_function_is_called_only_to_compile():
    text = "def k(args, lo, hi):\n    return lo + OFFSET\n"
    cache.get_kernel(text, "k", lambda: {"OFFSET": 5})
    cache._kernels.clear()
    cache.get_kernel(text, "k", lambda: pytest.fail("not needed"))
    assert counts() == (1, 1, 0)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "other magic"])
def test_damaged_entry_is_compiled_again_with_one_warning(folder, damage):
    for factor in (2, 3):
        cache.get_kernel(SOURCE.format(factor), "scale")
    for path in files(folder):
        data = bytearray(path.read_bytes())
        if damage == "flipped":
            data[-20] ^= 1
        path.write_bytes(
            {
                "truncated": data[:-100],
                "empty": b"",
                "flipped": data,
                "other magic": b"x" + data[1:],
            }[damage]
        )
    cache._kernels.clear()
    with pytest.warns(RuntimeWarning, match="damaged") as caught:
        for factor in (2, 3):
            cache.get_kernel(SOURCE.format(factor), "scale")
    assert len(caught) == 1 and cache.stats.compiled == 4
    cache._kernels.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.get_kernel(SOURCE.format(2), "scale")
    assert cache.stats.loaded_from_disk == 1


def test_entry_of_another_key_is_not_believed(folder):
    cache.get_kernel(SOURCE.format(2), "scale")
    (mine,) = files(folder)
    other = cache._path(cache._digest(SOURCE.format(3), "scale", "", 3))
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_bytes(mine.read_bytes())
    with pytest.warns(RuntimeWarning, match="damaged"):
        cache.get_kernel(SOURCE.format(3), "scale")


def test_unwritable_folder_is_one_warning_then_memory_only(folder):
    folder.write_text("a file where the folder should be")  # root may write anywhere else
    with pytest.warns(RuntimeWarning, match="FTX_CACHE_DIR") as caught:
        for factor in (2, 3):
            cache.get_kernel(SOURCE.format(factor), "scale")
    assert len(caught) == 1 and cache.stats.compiled == 2
    cache.get_kernel(SOURCE.format(3), "scale")
    assert cache.stats.found_in_memory == 1 and cache.cache_size() == 0


def test_least_recently_used_go_first(folder, monkeypatch):
    for factor in range(2, 6):
        cache.get_kernel(SOURCE.format(factor), "scale")
    paths = {
        factor: cache._path(cache._digest(SOURCE.format(factor), "scale", "", 3))
        for factor in range(2, 6)
    }
    for age, factor in enumerate((4, 2, 5, 3)):
        os.utime(paths[factor], (1e9 - age, 1e9 - age))
    monkeypatch.setenv("FTX_CACHE_SIZE", str(int(cache.cache_size() * 0.9)))
    cache._evict()
    assert {factor for factor, path in paths.items() if path.exists()} == {4, 2}


def test_using_an_old_entry_makes_it_recent(folder):
    cache.get_kernel(SOURCE.format(2), "scale")
    (path,) = files(folder)
    os.utime(path, (1e9, 1e9))
    cache._kernels.clear()
    cache.get_kernel(SOURCE.format(2), "scale")
    assert path.stat().st_mtime > 1.5e9


def test_clear():
    cache.get_kernel(SOURCE.format(2), "scale")
    cache.clear()
    assert cache.cache_size() == 0
    cache.get_kernel(SOURCE.format(2), "scale")
    assert cache.stats.compiled == 2


def test_one_thread_compiles(folder):
    kernels = []
    barrier = threading.Barrier(8)

    def work():
        barrier.wait()
        kernels.append(cache.get_kernel(SOURCE.format(7), "scale"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.stats.compiled == 1 and len(set(kernels)) == 1 and len(kernels) == 8


def test_keyboard_interrupt_leaves_everything_usable(folder, monkeypatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(numba_adapter, "compile_kernel", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cache.get_kernel(SOURCE.format(2), "scale")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cache.get_kernel(SOURCE.format(2), "scale")
    assert files(folder) == []
    cache.get_kernel(SOURCE.format(2), "scale")
    assert len(files(folder)) == 1


CHILD = """
import sys, warnings
warnings.simplefilter("error")
from ftx.backends import cache
for factor in range(2, 6):
    cache.get_kernel({source!r}.format(factor), "scale")
print(cache.stats.compiled, cache.stats.loaded_from_disk)
"""


def test_two_processes_at_once_then_a_warm_one(folder):
    command = [sys.executable, "-c", CHILD.format(source=SOURCE)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        process.communicate()
        assert process.returncode == 0
    assert len(files(folder)) == 4  # whole files, no temporary ones
    warm = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert warm.stdout.split() == ["0", "4"]


LIBRARY_CALLS = """
import sys, numpy as np, ctypes
from ftx.backends import cache
text = '''
def calls(args, lo, hi):
    x = pointer_f64(args, 0)
    z = pointer_c128(args, 1)
    out = pointer_f64(args, 2)
    for i in range(lo, hi):
        out[i] = math.gamma(x[i]) + np.sin(x[i]) + x[i] % 1.7 + helper(x[i]) + (z[i] ** z[i]).real
'''
def names():
    import math, numba
    helper = numba.njit(lambda x: x ** 3 + np.arctan2(x, 2.0))
    return {"math": math, "helper": helper}
kernel = cache.get_kernel(text, "calls", names)
x, out = np.linspace(0.5, 3, 9), np.zeros(9)
z = x + 1j
table = np.array([a.ctypes.data for a in (x, z, out)])
ctypes.CFUNCTYPE(*[ctypes.c_int64] * 4)(kernel.address)(table.ctypes.data, 0, 9)
import math
gamma = np.array([math.gamma(v) for v in x])
np.testing.assert_allclose(
    out, gamma + np.sin(x) + x % 1.7 + x**3 + np.arctan2(x, 2) + (z**z).real, rtol=1e-12)
print(cache.stats.compiled)
"""


def test_library_calls_and_helpers_survive_the_disk(folder):
    for compiled in "10":
        command = [sys.executable, "-c", LIBRARY_CALLS]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        assert done.stdout.split() == [compiled]


def test_folder_by_platform(monkeypatch):
    monkeypatch.delenv("FTX_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    monkeypatch.setattr(sys, "platform", "linux")
    assert str(cache.cache_folder()) == "/x/ftx"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache.cache_folder().parts[-3:] == ("Library", "Caches", "ftx")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert str(cache.cache_folder()) == "/local/ftx"

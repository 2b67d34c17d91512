"""Large results share memory in time, never at the same time."""

import gc
import threading

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core import result_pool
from ftx.core.result_pool import _COUNTS_HOLD, ResultPool

pytestmark = pytest.mark.skipif(not _COUNTS_HOLD, reason="results are not pooled without the GIL")
F32 = np.dtype(np.float32)
N = 1 << 18


def address(array):
    return array.ctypes.data


def test_memory_is_used_again_once_the_result_is_gone():
    pool = ResultPool()
    first = pool.empty((N,), F32)
    place = address(first)
    assert place % 64 == 0 and first.shape == (N,) and first.dtype == F32
    del first
    assert address(pool.empty((N // 2, 2), F32)) == place  # of the same size, another shape
    assert pool.held() < 2 * 4 * N


@pytest.mark.parametrize(
    "keep",
    [
        lambda a: a,
        lambda a: a[5:],
        lambda a: a.reshape(2, -1).T[1:, ::2],
        memoryview,
        lambda a: np.from_dlpack(a),
        lambda a: a.view(np.uint8),
        lambda a: np.lib.stride_tricks.as_strided(a, (2,), (4,)),
        lambda a: fnp.asarray(a),
        lambda a: fnp.asarray(a)._live()[3:],
    ],
)
def test_memory_that_anything_refers_to_is_not_used_again(keep):
    pool = ResultPool()
    first = pool.empty((N,), F32)
    first[:] = 7
    place, kept = address(first), keep(first)
    del first
    others = [pool.empty((N,), F32) for _ in range(3)]
    assert place not in {address(other) for other in others}
    assert len({address(other) for other in others}) == 3
    for other in others:
        other[:] = 1
    bytes_kept = np.asarray(kept)
    assert (bytes_kept[0] == 7).all() if bytes_kept.dtype == F32 else bytes_kept.any()
    del kept, bytes_kept
    gc.collect()
    assert address(pool.empty((N,), F32)) == place


def test_small_results_do_not_come_from_the_pool():
    pool = ResultPool()
    assert pool.empty((), F32).base is None and pool.empty((100,), F32).base is None
    assert pool.empty((0, N), F32).size == 0 and pool.held() == 0


def test_free_memory_beyond_the_limit_goes_back():
    pool = ResultPool(least=1000, kept=1 << 20)
    for k in range(1, 60):
        pool.empty((k << 15,), np.dtype(np.uint8))  # of ever new sizes
        assert pool.held() <= (1 << 20) + (60 << 15)
    lent = [pool.empty((1 << 20,), np.dtype(np.uint8)) for _ in range(4)]
    assert pool.held() >= 4 << 20  # what is lent does not count
    del lent
    pool.empty((3 << 20,), np.dtype(np.uint8))
    assert pool.held() <= 4 << 20


def test_threads_never_get_the_same_memory():
    pool, clashes = ResultPool(), []

    def work(mark):
        for _ in range(300):
            mine = pool.empty((N,), F32)
            mine[:] = mark
            mine[::4096] += 1
            if not (mine[1::4096] == mark).all() or not (mine[::4096] == mark + 1).all():
                clashes.append(mark)
            del mine

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not clashes


def test_results_of_compiled_programs_are_pooled_and_stay_as_they_were():
    f = ftx.jit(lambda x, k: (x + k, x * k))
    x = fnp.arange(N, dtype=np.float32)
    kept = [f(x, np.float32(k)) for k in range(4)]
    for k, (total, product) in enumerate(kept):
        np.testing.assert_array_equal(total, np.arange(N, dtype=np.float32) + k)
        np.testing.assert_array_equal(product, np.arange(N, dtype=np.float32) * k)
    places = {address(np.asarray(a)) for pair in kept for a in pair}
    assert len(places) == 8
    del kept, total, product
    assert address(np.asarray(f(x, np.float32(9))[0])) in places


def test_arrays_made_of_numpy_arrays_begin_at_a_cache_line():
    memory = np.arange(N + 16, dtype=F32)
    skip = (-address(memory) // 4) % 16
    inside, begins = memory[skip + 1 :][:N], memory[skip:][:N]
    assert address(fnp.asarray(inside)._live()) % 64 == 0
    assert address(fnp.array(inside)._live()) % 64 == 0
    assert address(fnp.asarray(begins)._live()) == address(begins)  # no copy without need
    assert address(fnp.asarray(inside, copy=False)._live()) == address(inside)
    np.testing.assert_array_equal(fnp.asarray(inside), inside)


@pytest.mark.parametrize("rows", [1, 300, 9000])
def test_results_begin_at_a_cache_line(rows):
    x = fnp.ones((rows, 100))
    result = ftx.jit(lambda x: x + 1)(x)._live()
    assert rows == 1 or address(result) % 64 == 0
    assert result_pool.owns(result)
    kept = result[3:]
    assert result_pool.owns(result) == (result.base is None)  # what holds a view of its own memory
    del kept

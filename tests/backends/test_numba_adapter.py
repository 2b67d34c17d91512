"""The adapter: text to machine code, loads and stores of every dtype, vectorisation, the twin."""

import ctypes
import re
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest

from ftx.backends import elements, machine_code, twins
from ftx.backends import numba_adapter as adapter

NAMES = {"f32": np.float32}

ADAM = """
def adam(args, lo, hi):
    p = pointer_f32(args, 0)
    g = pointer_f32(args, 1)
    m = pointer_f32(args, 2)
    v = pointer_f32(args, 3)
    p_out = pointer_f32(args, 4)
    m_out = pointer_f32(args, 5)
    v_out = pointer_f32(args, 6)
    for i in range(lo, hi):
        mean = f32(0.9) * m[i] + f32(0.1) * g[i]
        square = f32(0.999) * v[i] + f32(0.001) * g[i] * g[i]
        m_out[i] = mean
        v_out[i] = square
        p_out[i] = p[i] - f32(0.001) * mean / (np.sqrt(square) + f32(1e-8))
"""


def call(kernel, arrays, lo, hi):
    table = np.array([array.ctypes.data for array in arrays], np.int64)
    function = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 4)(kernel.address)
    return function(table.ctypes.data, lo, hi)


def run(source, name, arrays, lo, hi, namespace=NAMES):
    return call(
        machine_code.load_kernel(adapter.compile_kernel(source, name, namespace)), arrays, lo, hi
    )


def test_check_numba_accepts_this_numba():
    adapter.check_numba()


def test_check_numba_names_the_range(monkeypatch):
    def broken():
        raise AttributeError("no Flags")

    monkeypatch.setattr(adapter, "_lean_pipeline", broken)
    with pytest.raises(RuntimeError, match=re.escape(adapter.SUPPORTED_NUMBA)):
        adapter.check_numba()


def test_loading_needs_no_numba():
    code = (
        "import sys, ftx.backends.executor, ftx.backends.cache\nassert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_seven_buffers_vectorise_without_alias_checks():
    text, assembly = adapter.inspect_kernel(ADAM, "adam", NAMES)
    assert "memcheck" not in text
    assert re.search(r"store <\d+ x float>", text)
    if "x86" in text:
        assert re.search(r"\bv?divps\b", assembly) and re.search(r"\bv?sqrtps\b", assembly)


def test_compiled_equals_uncompiled():
    rng = np.random.default_rng(0)
    inputs = [rng.random(37, dtype=np.float32) for _ in range(4)]
    compiled = inputs + [np.zeros(37, np.float32) for _ in range(3)]
    plain = inputs + [np.zeros(37, np.float32) for _ in range(3)]
    assert run(ADAM, "adam", compiled, 2, 35) == 0
    assert twins.run_uncompiled(ADAM, "adam", NAMES, plain, 2, 35) == 0
    for a, b in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
        assert a[0] == b[0] and a[-1] == b[-1]


VALUES = {
    "bool": np.array([True, False, True]),
    **{
        name: np.array([np.iinfo(kind).min, np.iinfo(kind).max, 7], kind)
        for name, kind in [
            ("i8", "i1"),
            ("i16", "i2"),
            ("i32", "i4"),
            ("i64", "i8"),
            ("u8", "u1"),
            ("u16", "u2"),
            ("u32", "u4"),
            ("u64", "u8"),
        ]
    },
    "key": np.array([0, 2**63 + 1, 42 << 32], np.uint64),
    "f16": np.array([1.5, -np.inf, 6e-8], np.float16),
    "bf16": np.array([1.5, -np.inf, 1e-40], ml_dtypes.bfloat16),
    "f32": np.array([1.5, -np.inf, 1e-40], np.float32),
    "f64": np.array([1.5, np.inf, 1e-310]),
    "c64": np.array([1 + 2j, -3j, 4], np.complex64),
    "c128": np.array([1 + 2j, -3j, 4], np.complex128),
}


@pytest.mark.parametrize("suffix", elements.ELEMENT_TYPES)
def test_round_trip(suffix):
    source = f"""
def copy(args, lo, hi):
    x = pointer_{suffix}(args, 0)
    out = pointer_{suffix}(args, 1)
    row = stack_{suffix}(8)
    for i in range(lo, hi):
        row[i] = x[i]
    for i in range(lo, hi):
        out[i] = row[i]
"""
    x = VALUES[suffix]
    for runner in (run, lambda s, n, a, lo, hi: twins.run_uncompiled(s, n, {}, a, lo, hi)):
        out = np.zeros(4, x.dtype)
        runner(source, "copy", [x, out], 0, 3)
        np.testing.assert_array_equal(out[:3], x)
        assert out[3] == 0


ROUND = """
def round_to(args, lo, hi):
    x = pointer_f32(args, 0)
    out = pointer_{0}(args, 1)
    back = pointer_f32(args, 2)
    for i in range(lo, hi):
        out[i] = x[i]
        back[i] = out[i]
"""


def hard_floats():
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2**32, 20000, dtype=np.uint32)
    every_half = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)
    with np.errstate(all="ignore"):
        ties = (every_half[:-1] + every_half[1:]) / 2
    return np.concatenate(
        [
            bits.view(np.float32),
            every_half,
            ties,
            np.array([65519.99, 65520, 2**-25, 2**-24, 0, -0.0], np.float32),
        ]
    )


@pytest.mark.parametrize("suffix, dtype", [("f16", np.float16), ("bf16", ml_dtypes.bfloat16)])
@pytest.mark.parametrize("by_bits", [False, True])
def test_sixteen_bits_round_to_nearest_even(suffix, dtype, by_bits, monkeypatch):
    if by_bits:
        monkeypatch.setattr(elements, "_host_has_half", lambda: False)
    x = hard_floats()
    out, back = np.zeros(x.size, dtype), np.zeros(x.size, np.float32)
    run(ROUND.format(suffix), "round_to", [x, out, back], 0, x.size)
    with np.errstate(all="ignore"):
        expected = x.astype(dtype)
    nan = np.isnan(x)
    np.testing.assert_array_equal(out.view(np.uint16)[~nan], expected.view(np.uint16)[~nan])
    assert np.isnan(out[nan].astype(np.float32)).all() and np.isnan(back[nan]).all()
    np.testing.assert_array_equal(back[~nan], expected[~nan].astype(np.float32))


def test_bfloat_uncompiled_on_plain_words():
    x = hard_floats()[:3000]
    out, back = np.zeros(x.size, np.uint16), np.zeros(x.size, np.float32)
    twins.run_uncompiled(ROUND.format("bf16"), "round_to", NAMES, [x, out, back], 0, x.size)
    with np.errstate(all="ignore"):
        expected = x.astype(ml_dtypes.bfloat16)
    finite = ~np.isnan(x)
    np.testing.assert_array_equal(out[finite], expected.view(np.uint16)[finite])


def test_status_is_returned():
    source = """
def check(args, lo, hi):
    x = pointer_i64(args, 0)
    for i in range(lo, hi):
        if x[i] < 0:
            return i + 1
    return 0
"""
    x = np.array([1, 2, -3, 4])
    assert run(source, "check", [x], 0, 4) == 3
    assert run(source, "check", [x], 0, 2) == 0
    assert twins.run_uncompiled(source, "check", {}, [x], 0, 4) == 3


def test_status_on_some_paths_only_is_an_error():
    source = "def bad(args, lo, hi):\n    if lo > 3:\n        return hi\n"
    with pytest.raises(TypeError, match="return 0"):
        adapter.compile_kernel(source, "bad", {})


def test_stack_size_must_be_literal_and_small():
    from numba.core.errors import NumbaError

    for size in ("lo", "5000", "0"):
        source = f"def bad(args, lo, hi):\n    row = stack_f32({size})\n    row[0] = 1.0\n"
        with pytest.raises((NumbaError, TypeError), match="literal size"):
            adapter.compile_kernel(source, "bad", {})


def test_code_is_deterministic_and_names_do_not_collide():
    first, second = (adapter.compile_kernel(ADAM, "adam", NAMES) for _ in range(2))
    assert first == second
    other = adapter.compile_kernel(ADAM.replace("0.9 ", "0.8 "), "adam", NAMES)
    assert other.symbol == first.symbol or other.code != first.code
    kernels = [machine_code.load_kernel(code) for code in (first, first, other)]
    assert len({kernel.address for kernel in kernels}) == 3


def test_non_contiguous_arrays_are_refused_uncompiled():
    with pytest.raises(ValueError, match="contiguous"):
        twins.run_uncompiled(
            "def k(args, lo, hi):\n    pass\n", "k", {}, [np.zeros((4, 4))[:, 1]], 0, 1
        )


def test_addresses_of_this_process_are_refused():
    sine = ctypes.CDLL(None).sin if sys.platform != "win32" else pytest.skip("no process library")
    sine.restype, sine.argtypes = ctypes.c_double, [ctypes.c_double]
    source = "def k(args, lo, hi):\n    x = pointer_f64(args, 0)\n    x[0] = sine(x[0])\n"
    with pytest.raises(TypeError, match="address of this process"):
        adapter.compile_kernel(source, "k", {"sine": sine})


def test_unknown_external_symbol_is_an_error_not_a_crash():
    code = adapter.compile_kernel(ADAM, "adam", NAMES)
    broken = machine_code.ObjectCode(code.code, code.symbol, (*code.externals, "no_such_function"))
    with pytest.raises(RuntimeError, match="no_such_function"):
        machine_code.load_kernel(broken)


def test_stack_arrays_of_different_sizes_in_one_process_do_not_share_memory_size():
    text = """
def kernel(args, lo, hi):
    out = pointer_f32(args, 0)
    order = pointer_i64(args, 1)
    row = stack_f32({n})
    for i in range({n}):
        row[order[i]] = out[i]
    for i in range({n}):
        out[i] = row[{n} - 1 - i]
    return 0
"""
    for n in (512, 2048):
        llvm, _ = adapter.inspect_kernel(text.format(n=n), "kernel", {})
        assert f"[{n} x float]" in llvm


def test_stack_arrays_are_not_filled():
    """Numba's own allocation stores zeros, over which LLVM took a second for 16 kB."""
    text = """
def kernel(args, lo, hi):
    out = pointer_f32(args, 0)
    row = stack_f32(4096)
    for i in range(lo, hi):
        row[i] = out[i] * out[i]
    for i in range(lo, hi):
        out[i] = row[hi - 1 - i]
    return 0
"""
    llvm, _ = adapter.inspect_kernel(text, "kernel", {})
    assert "[4096 x float]" in llvm
    assert "memset" not in llvm and "zeroinitializer" not in llvm


def test_text_beyond_scalars_is_compiled_by_all_of_numba():
    text = "def k(args, lo, hi):\n    x = pointer_f64(args, 0)\n    x[0] = np.sinc(x[0])\n"
    x = np.array([0.5])
    assert run(text, "k", [x], 0, 1, {}) == 0
    np.testing.assert_allclose(x, np.sinc(0.5))


def test_kernels_leave_numba_as_it_was():
    """Contexts of our own: users' jitted functions see neither our names nor our target."""
    from numba import njit
    from numba.core.target_extension import current_target

    adapter.compile_kernel(ADAM, "adam", NAMES)
    assert current_target() == "cpu"
    assert njit(lambda x: np.sum(np.sqrt(x)))(np.ones(3)) == 3.0


def test_the_first_kernel_of_a_process_may_negate_a_truth():
    """Numba gives `not` more rules between typing and lowering, if nothing was compiled before."""
    kernel = (
        "def kernel(args, lo, hi):\n"
        "    p = pointer_bool(args, 0)\n"
        "    t = (not p[0])\n"
        "    p[1] = t\n"
        "    return 0\n"
    )
    code = (
        "import sys\n"
        "from ftx.backends.numba_adapter import compile_kernel\n"
        "from ftx.backends.vocabulary import kernel_namespace\n"
        "compile_kernel(sys.argv[1], 'kernel', kernel_namespace())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, kernel], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_division_does_not_depend_on_what_was_compiled_before():
    """Numba writes complex division with checks for zero, which end a kernel; no other has them."""
    text = (
        "def kernel(args, lo, hi):\n"
        "    p = pointer_{0}(args, 0)\n"
        "    q = pointer_{0}(args, 1)\n"
        "    p[0] = {1}\n"
        "    return 0\n"
    )
    for complex_kind, real_kind in (("c64", "f32"), ("c128", "f64")):
        adapter.inspect_kernel(text.format(complex_kind, "p[0] / q[0]"), "kernel", NAMES)
        llvm, _ = adapter.inspect_kernel(text.format(real_kind, "p[0] / q[0]"), "kernel", NAMES)
        assert "fdiv" in llvm and "fcmp" not in llvm

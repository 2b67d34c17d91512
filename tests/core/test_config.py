"""Options: JAX's names, the 64-bit modes given in three ways, and what 32-bit mode says aloud."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.config import OPTIONS, config
from ftx.core.errors import ConfigError, FtxWarning, NumberRangeError, TruncationWarning
from ftx.core.jax_options import JAX_OPTIONS, Always, Means, Unused

ROOT = Path(__file__).parents[2]


@pytest.fixture
def restored():
    """Leave every option as it was."""
    before = {option.name: getattr(config, option.name) for option in OPTIONS}
    yield
    for name, value in before.items():
        config.update(name, value)


MEANT = [
    ("jax_platform_name", "cpu", "default_backend", "cpu"),
    ("jax_platforms", "cuda,cpu", "default_backend", "cuda"),
    ("jax_platforms", "tpu,cpu", "default_backend", "cpu"),
    ("jax_platforms", "", "default_backend", "cpu"),
    ("jax_default_dtype_bits", "32", "enable_x64", None),
    ("jax_default_dtype_bits", 64, "enable_x64", True),
    ("jax_compilation_cache_dir", "/tmp/x", "cache_dir", "/tmp/x"),
    ("jax_compilation_cache_dir", None, "cache_dir", ""),
    ("jax_enable_compilation_cache", False, "disable", {"disk_cache"}),
    ("jax_enable_compilation_cache", True, "disable", set()),
    ("jax_log_compiles", True, "debug", 1),
    ("jax_explain_cache_misses", True, "debug", 1),
    ("jax_dump_ir_to", "/tmp/x", "dump", "/tmp/x"),
    ("jax_enable_checks", True, "check", 1),
    ("jax_enable_x64", True, "enable_x64", True),
    ("jax_debug_nans", True, "debug_nans", True),
    ("jax_disable_jit", True, "disable_jit", True),
    ("jax_num_cpu_devices", 4, "num_cpu_devices", 4),
    ("jax_numpy_rank_promotion", "raise", "numpy_rank_promotion", "raise"),
    ("jax_numpy_dtype_promotion", "strict", "numpy_dtype_promotion", "strict"),
    ("jax_traceback_filtering", "tracebackhide", "traceback_filtering", "auto"),
    ("jax_check_tracer_leaks", True, "check_tracer_leaks", True),
    ("jax_debug_key_reuse", True, "debug_key_reuse", True),
]


@pytest.mark.parametrize(("name", "value", "option", "wanted"), MEANT)
def test_names_of_jax_that_are_options_here(restored, name, value, option, wanted):
    config.update("disable", "")
    config.update("check", 0)
    ftx.config.update(name, value)
    assert getattr(config, option) == wanted
    shown = ftx.config.read(name)
    assert shown == getattr(ftx.config, name)
    if isinstance(value, (bool, str)) and value not in ("", "tpu,cpu", "cuda,cpu", "tracebackhide"):
        assert shown == value


@pytest.mark.parametrize("name", [n for n, row in JAX_OPTIONS.items() if isinstance(row, Always)])
def test_what_holds_always_can_be_asked_for_and_nothing_else(name):
    row = JAX_OPTIONS[name]
    for value in row.accepted:
        ftx.config.update(name, value)
    assert getattr(ftx.config, name) == row.accepted[0]
    with pytest.raises(ConfigError, match=f"expected {name} = .*, got 'other': "):
        ftx.config.update(name, "other")


@pytest.mark.parametrize("name", [n for n, row in JAX_OPTIONS.items() if isinstance(row, Unused)])
def test_what_has_no_effect_says_so(name):
    default = getattr(ftx.config, name)
    ftx.config.update(name, default)
    with pytest.warns(FtxWarning, match=f"{name} is of no effect: "):
        ftx.config.update(name, "other")


def test_refusals():
    with pytest.raises(ConfigError, match="expected cpu, cuda or gpu, got 'tpu'"):
        ftx.config.update("jax_platforms", "tpu")
    with pytest.raises(ConfigError, match="expected 32 or 64, got 16"):
        ftx.config.update("jax_default_dtype_bits", 16)
    with pytest.raises(ConfigError, match="bits of an element depend on its index alone"):
        ftx.config.update("jax_threefry_partitionable", False)
    with pytest.raises(ConfigError, match="expected an option among"):
        ftx.config.update("jax_speed", 1)
    with pytest.raises(AttributeError, match="expected an option among"):
        ftx.config.jax_speed  # noqa: B018


@pytest.mark.peers
def test_names_are_those_of_jax():
    """Names that JAX has now; those it had before are listed."""
    jax = pytest.importorskip("jax")
    removed = {"jax_default_dtype_bits"}
    assert set(JAX_OPTIONS) - set(jax.config.values) == removed
    assert all(isinstance(row, (Means, Always, Unused)) for row in JAX_OPTIONS.values())


PROGRAM = """
import numpy as np, ftx, ftx.numpy as fnp
x = np.ones(2)
print(fnp.asarray(x).dtype, ftx.jit(lambda v: v)(x).dtype, ftx.jit(lambda v: v + 1)(x).dtype,
      fnp.ones(1).dtype, fnp.arange(2).dtype, fnp.asarray([1j]).dtype, (fnp.asarray(x) * 2).dtype)
"""
MODES = {
    None: "float64 float64 float64 float32 int64 complex64 float64",
    True: "float64 float64 float64 float64 int64 complex128 float64",
    False: "float32 float32 float32 float32 int32 complex64 float32",
}


@pytest.mark.parametrize(("mode", "wanted"), MODES.items())
def test_modes_by_option_and_block(restored, capsys, mode, wanted):
    with ftx.enable_x64(mode):
        exec(PROGRAM, {})
    config.update("enable_x64", mode)
    exec(PROGRAM, {})
    config.update("jax_enable_x64", mode)
    exec(PROGRAM, {})
    assert capsys.readouterr().out.split() == 3 * wanted.split()


@pytest.mark.parametrize(("mode", "wanted"), MODES.items())
def test_modes_by_environment(mode, wanted):
    variable = {None: "none", True: "1", False: "0"}[mode]
    env = {**os.environ, "FTX_ENABLE_X64": variable, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, check=True)
    assert run.stdout.decode().split() == wanted.split()


def test_a_program_is_compiled_for_each_mode():
    f = ftx.jit(lambda x: x * fnp.ones(2))
    found = []
    for mode in (None, False, True, None):
        with ftx.enable_x64(mode):
            found.append(f(np.ones(2)).dtype.name)
    assert found == ["float64", "float32", "float64", "float64"]


ASKED = {
    "zeros": lambda f, n: n.zeros(2, "int64"),
    "astype": lambda f, n: n.ones(2).astype("float64"),
    "array": lambda f, n: n.array([1, 2], "int64"),
    "arange": lambda f, n: n.arange(3, dtype="uint64"),
    "sum": lambda f, n: n.sum(n.ones(2), dtype="float64"),
    "mean": lambda f, n: n.mean(n.ones(2), dtype="float64"),
    "cumsum": lambda f, n: n.cumsum(n.ones(2), dtype="float64"),
    "convert": lambda f, n: f.lax.convert_element_type(1.0, "float64"),
    "uniform": lambda f, n: f.random.uniform(f.random.key(0), (), "float64"),
    "scalar type": lambda f, n: n.zeros(1, n.float64),
    "numpy type": lambda f, n: n.zeros(1, np.float64),
    "constructor": lambda f, n: n.float64(1),
    "view": lambda f, n: n.ones(2, "int32").view("int64"),
    "ones_like": lambda f, n: n.ones_like(n.ones(1), dtype="int64"),
    "iota": lambda f, n: f.lax.iota("int64", 3),
}
SILENT = {
    "python type": lambda f, n: n.zeros(1, float),
    "python integer": lambda f, n: n.zeros(1, int),
    "complex": lambda f, n: n.zeros(1, complex),
    "input": lambda f, n: n.asarray(np.arange(2)),
    "argument": lambda f, n: f.jit(lambda x: x)(np.arange(2)),
    "like": lambda f, n: n.zeros_like(np.ones(2)),
    "narrow": lambda f, n: n.zeros(2, "float32"),
}


def warnings_of(act, *libs):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = act(*libs)
    return np.asarray(found).dtype, [w.category for w in caught if "dtype" in str(w.message)]


@pytest.mark.parametrize("name", ASKED)
def test_a_wide_dtype_asked_for_in_32_bit_mode_is_not_cut_in_silence(name):
    with ftx.enable_x64(False):
        dtype, caught = warnings_of(ASKED[name], ftx, fnp)
    assert caught == [TruncationWarning] and dtype.itemsize == 4
    dtype, caught = warnings_of(ASKED[name], ftx, fnp)
    assert caught == [] and dtype.itemsize == 8


@pytest.mark.peers
@pytest.mark.parametrize("name", [*ASKED, *SILENT])
def test_warned_of_where_jax_warns(name):
    jax = pytest.importorskip("jax")
    act = (ASKED | SILENT)[name]
    with jax.enable_x64(False), ftx.enable_x64(False):
        (ours, said), (theirs, jax_said) = (warnings_of(act, lib, lib.numpy) for lib in (ftx, jax))
    assert ours == theirs and bool(said) == bool(jax_said)


@pytest.mark.parametrize(
    "act",
    [
        lambda: fnp.array(300, "uint8"),
        lambda: fnp.array([1, -1], "uint32"),
        lambda: fnp.asarray([[1], [2**40]], "int32"),
        lambda: fnp.ones(2, "int32") + 2**70,
    ],
)
def test_integers_that_do_not_fit_are_refused(act):
    with pytest.raises(NumberRangeError, match="expected .* got"):
        act()


def test_integers_that_the_default_type_does_not_hold_are_refused_in_32_bit_mode():
    with ftx.enable_x64(False):
        for act in (
            lambda: fnp.array([2**40]),
            lambda: fnp.ones(2, "int32") + 2**40,
            lambda: fnp.where(True, fnp.ones(1, "int32"), 2**31),
            lambda: fnp.array(2**40),
        ):
            with pytest.raises(OverflowError):
                act()
        assert (fnp.ones(1, "uint32") + (2**32 - 2)).tolist() == [2**32 - 1]

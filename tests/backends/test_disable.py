"""Every optimisation can be switched off by name, alone or with all others: the same results."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.backends import cache
from ftx.backends.cpu import Assembler, assemble, distinct_results
from ftx.backends.numba_adapter import inspect_kernel
from ftx.backends.thunks import Gemm
from ftx.core.config import OPTIMISATIONS
from ftx.core.errors import ConfigError
from ftx.transforms.passes import SIMPLIFY, simplify

RNG = np.random.RandomState(0)
ROWS = RNG.randn(70, 150).astype(np.float32)
SQUARE = RNG.randn(150, 150).astype(np.float32)
LAYOUT = ("NHWC", "HWIO", "NHWC")


def softmax_and_product(x, w):
    return ftx.nn.softmax(x @ w, axis=-1) * 1.0 + fnp.zeros_like(x)


def columns(x, w):
    return fnp.sum(x * x, axis=0), fnp.max(w + w.T, axis=0), fnp.mean(x, axis=1) * fnp.mean(x, 1)


def padded(x, w):
    wide = fnp.pad(x, ((1, 1), (2, 2)))
    return wide[:-2, :-4] * 0.5 + wide[2:, 4:] * fnp.sin(x)


def recurrence(x, w):
    def step(carry, row):
        carry = fnp.tanh(carry * 0.5 + row)
        return carry, fnp.sum(carry)

    total, sums = ftx.lax.scan(step, x[0], x)
    return total, sums, ftx.lax.while_loop(lambda v: v < 1e3, lambda v: v * 1.5 + 1, fnp.sum(x[0]))


def training_step(x, w):
    loss = lambda w: fnp.mean(fnp.tanh(x @ w) ** 2 + fnp.exp(-fnp.abs(x)))
    return w - 0.1 * ftx.grad(loss)(w)


def convolution(x, w):
    image, kernel = x[:64, :128].reshape(2, 32, 32, 4), w[:3, :108].reshape(3, 3, 4, 9)
    out = lambda kernel: ftx.lax.conv_general_dilated(
        image, kernel, (1, 1), "SAME", dimension_numbers=LAYOUT
    )
    return ftx.grad(lambda k: fnp.sum(ftx.nn.relu(out(k)) ** 2))(kernel)


def scattered(x, w):
    rows = fnp.arange(70) % 7
    return fnp.zeros((7, 150), x.dtype).at[rows].add(x), fnp.cumsum(x, axis=1), x[rows, rows]


PROGRAMS = [
    softmax_and_product, columns, padded, recurrence, training_step, convolution, scattered,
]  # fmt: skip
SETTINGS = [*[(name,) for name in OPTIMISATIONS], tuple(OPTIMISATIONS)]


@pytest.fixture(scope="module")
def expected():
    return {f: [np.asarray(y) for y in ftx.tree.leaves(f(ROWS, SQUARE))] for f in PROGRAMS}


@pytest.mark.parametrize(
    "disabled", SETTINGS, ids=lambda names: names[0] if len(names) == 1 else "all"
)
def test_same_results_without(disabled, expected):
    for f in PROGRAMS:
        with ftx.config.override(disable=disabled):
            got = [np.asarray(y) for y in ftx.tree.leaves(ftx.jit(f)(ROWS, SQUARE))]
        for a, b in zip(got, expected[f], strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5, err_msg=f.__name__)


def kernels_without(name, f=None):
    with ftx.config.override(disable=name):
        return ftx.jit(f).kernels(ROWS, SQUARE)


@pytest.mark.parametrize(
    "name, f, has",
    [
        ("fusion", softmax_and_product, lambda ks: len(ks) < 5),
        ("shared_loops", softmax_and_product, lambda ks: max(k.count("for ") for k in ks) < 4),
        ("contraction", padded, lambda ks: "fma_" in "".join(ks)),
        ("reassociation", columns, lambda ks: "_reassoc_" in "".join(ks)),
        ("interchange", columns, lambda ks: "add_reassoc_f32(p" in "".join(ks)),
        ("pieces", padded, lambda ks: bool(re.search(r"range\(\d+, \d+\)", "".join(ks)))),
        ("small_loops", recurrence, lambda ks: any("while True" in k for k in ks)),
        ("algebra", lambda x, w: x * 1.0 + x, lambda ks: "f32(1.0)" not in "".join(ks)),
        ("cse", lambda x, w: x @ w + x @ w, lambda ks: sum("dot" in k for k in ks) < 2),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_text_shows_the_difference(name, f, has):
    """Guards against a name that switches nothing off."""
    assert has(ftx.jit(f).kernels(ROWS, SQUARE))
    assert not has(kernels_without(name, f))


def test_tiling_shows_in_the_text():
    big = np.ones((256, 256), np.float32)
    f = lambda x, y: x.T + y
    assert "ib" in ftx.jit(f).kernels(big, big)[0]
    with ftx.config.override(disable="tiling"):
        assert "ib" not in ftx.jit(f).kernels(big, big)[0]


def assembled(f, *args):
    jaxpr = distinct_results(simplify(ftx.jit(f).trace(*args).jaxpr.closed()))
    return assemble(jaxpr, Assembler())


def test_parallel_and_blocks_show_in_the_program():
    big = np.ones((512, 512), np.float32)
    f = lambda x, y: fnp.exp(x @ y)
    gemms = lambda program: [t for t in program.flat if isinstance(t, Gemm)]
    program = assembled(f, big, big)
    assert program.uses_pool and not gemms(program)
    with ftx.config.override(disable="tiles"):
        assert gemms(assembled(f, big, big))[0].batch > 1
    with ftx.config.override(disable="tiles,blocks"):
        assert gemms(assembled(f, big, big))[0].batch == 1
    with ftx.config.override(disable="parallel"):
        assert not assembled(f, big, big).uses_pool


def test_vectorise_shows_in_the_machine_code():
    text = "def k(args, lo, hi):\n    x = pointer_f32(args, 0)\n"
    text += "    for i in range(lo, hi):\n        x[i] = x[i] * x[i]\n"
    assert " x float>" in inspect_kernel(text, "k", {})[0]
    with ftx.config.override(disable="vectorise"):
        assert " x float>" not in inspect_kernel(text, "k", {})[0]
    kernel = cache.get_kernel(text, "k")
    with ftx.config.override(disable="vectorise"):
        assert cache.get_kernel(text, "k") is not kernel


def test_memory_is_not_reused():
    def f(x, w):
        for _ in range(6):
            x = fnp.tanh(x @ w)
        return x

    reused = assembled(f, ROWS, SQUARE).arena_bytes
    with ftx.config.override(disable="memory_reuse"):
        assert assembled(f, ROWS, SQUARE).arena_bytes > 2 * reused


def test_what_was_compiled_before_is_not_taken():
    """Programs inside programs are memoised on their jaxprs: per setting."""
    inner = ftx.jit(softmax_and_product)
    outer = lambda x, w: fnp.sum(inner(x, w))
    first = len(inner.kernels(ROWS, SQUARE))
    ftx.grad(outer)(ROWS, SQUARE)
    with ftx.config.override(disable="fusion"):
        assert len(inner.kernels(ROWS, SQUARE)) > first
        ftx.grad(outer)(ROWS, SQUARE)
    assert len(inner.kernels(ROWS, SQUARE)) == first


def test_the_same_setting_again_needs_no_new_trace():
    f = ftx.jit(lambda x: x + 1)
    for _ in range(3):
        f(ROWS)
        with ftx.config.override(disable="cse"):
            f(ROWS)
    assert f.traces == 2


@pytest.mark.parametrize("bad", ["speed", "fusion,sped", ["cse", "x"]])
def test_unknown_names_list_the_valid_ones(bad):
    with pytest.raises(ConfigError, match="algebra.*disk_cache.*got (speed|sped|x)"):
        ftx.config.update("disable", bad)
    assert ftx.config.disable == frozenset()


def test_the_environment_variable():
    code = "import ftx; print(sorted(ftx.config.disable))"
    run = lambda text: subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"FTX_DISABLE": text},
        capture_output=True,
        text=True,
    )
    assert run("fusion, cse").stdout.strip() == "['cse', 'fusion']"
    assert "FTX_DISABLE='x'" in run("x").stderr


def test_disk_cache_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("FTX_CACHE_DIR", str(tmp_path))
    text = "def k(args, lo, hi):\n    return lo + 12345\n"
    with ftx.config.override(disable="disk_cache"):
        cache.get_kernel(text, "k")
    assert not list(tmp_path.rglob("*.ftx"))


def test_every_name_is_asked_for():
    """A name that nothing asks for would switch nothing off."""
    root = Path(ftx.__file__).parent
    text = "".join(path.read_text() for path in root.rglob("*.py"))
    asked = set(re.findall(r"enabled\(\s*\"(\w+)\"", text)) | {name for name, _ in SIMPLIFY}
    assert set(OPTIMISATIONS) <= asked

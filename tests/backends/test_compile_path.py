"""The way from a program to machine code: the same text every time."""

import random
import subprocess
import sys

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp

LAYOUT = ("NHWC", "HWIO", "NHWC")


def convolution_and_pool(w, x):
    x = ftx.nn.relu(ftx.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=LAYOUT))
    x = ftx.lax.reduce_window(x, -np.inf, ftx.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return fnp.sum(x * x)


def test_text_does_not_depend_on_addresses():
    """Sets and sorts by id() put the same program under another key in every process."""
    w, x = np.ones((3, 3, 1, 4), np.float32), np.ones((2, 12, 12, 1), np.float32)
    chance, ballast, texts = random.Random(0), [], set()
    for _ in range(8):
        ballast += [object() for _ in range(chance.randrange(2000))]
        chance.shuffle(ballast)
        del ballast[: len(ballast) // 2]
        ftx_step = ftx.jit(ftx.grad(lambda w, x: convolution_and_pool(w, x)))
        texts.add("\n".join(ftx_step.kernels(w, x)))
    assert len(texts) == 1


def transformer_step(layers, width=128, heads=2, length=64):
    """One step of gradient descent on a stack of attention blocks, and its arguments."""
    rng = np.random.RandomState(0)
    weights = lambda *shape: (rng.randn(*shape) * 0.05).astype(np.float32)
    block = lambda: {
        "scale": weights(width),
        "qkv": weights(width, 3 * width),
        "out": weights(width, width),
        "up": weights(width, 4 * width),
        "down": weights(4 * width, width),
    }

    def attend(p, x):
        h = x / fnp.sqrt(fnp.mean(x * x, -1, keepdims=True) + 1e-5) * p["scale"]
        qkv = (h @ p["qkv"]).reshape(length, 3, heads, -1)
        q, k, v = (qkv[:, i].transpose(1, 0, 2) for i in range(3))
        mixed = ftx.nn.softmax(q @ k.swapaxes(-1, -2), axis=-1) @ v
        return x + mixed.transpose(1, 0, 2).reshape(length, width) @ p["out"]

    def loss(params, x):
        for p in params:
            x = attend(p, x)
            x = x + fnp.tanh(x @ p["up"]) @ p["down"]
        return fnp.mean(x * x)

    def step(params, x):
        return ftx.tree.map(lambda p, g: p - 0.1 * g, params, ftx.grad(loss)(params, x))

    return step, ([block() for _ in range(layers)], weights(length, width))


def test_equal_layers_share_kernels():
    """What Numba compiles does not grow with the number of layers."""
    distinct = {}
    for layers in (3, 12):
        step, args = transformer_step(layers)
        kernels = ftx.jit(step).kernels(*args)
        distinct[layers] = {text for text in kernels if text.startswith("def")}
        assert len(kernels) >= 8 * layers
    assert len(distinct[12]) == len(distinct[3])


def chain(length):
    """A straight line of `length` equations, whose kernels are all alike."""

    def f(x, w):
        for _ in range(length // 3):
            x = fnp.tanh(x @ w) + x
        return x

    return f, (np.eye(24, dtype=np.float32), np.eye(24, dtype=np.float32))


def calls_of_first_call(f, args):
    """Python and C functions called to trace, compile and run `f` once."""
    count = 0

    def see(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(see)
    try:
        ftx.jit(f)(*args)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("program, size", [(chain, 1000), (transformer_step, 4)])
def test_work_of_a_first_call_grows_linearly(program, size):
    """Counted, not timed: twice the equations take about twice the calls, at any load."""
    calls_of_first_call(*program(2 * size))  # kernels into the cache
    once, twice = (calls_of_first_call(*program(n)) for n in (size, 2 * size))
    assert twice < 2.3 * once


def loaded_after(code):
    """Which slow packages a fresh interpreter has imported after running `code`."""
    slow = ("numba", "llvmlite", "scipy", "opt_einsum", "jax")
    report = f"import sys; print(*[name for name in {slow} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_import_brings_no_slow_package():
    parts = "ftx.nn, ftx.random, ftx.scipy.linalg, ftx.tree, ftx.lax, ftx.numpy"
    assert loaded_after(f"import ftx, {parts}") == set()
    assert loaded_after("import ftx\nftx.numpy.arange(3) + 1") == set()


def test_a_warm_program_runs_without_numba(tmp_path, monkeypatch):
    monkeypatch.setenv("FTX_CACHE_DIR", str(tmp_path))
    code = (
        "import ftx, numpy as np\nx = np.ones((64, 64), np.float32)\n"
        "ftx.jit(ftx.grad(lambda x: ftx.numpy.sum(ftx.nn.softmax(x @ x))))(x)"
    )
    assert "numba" in loaded_after(code)
    assert loaded_after(code) == {"llvmlite"}

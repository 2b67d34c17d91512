"""Programs bound by memory, beside a kernel that only streams the same arrays.

In: a scale.  Out: rows; the limit is the time in which the same threads move the same bytes.
The streaming kernel reads every input and writes every output once, in the same number of
streams of the same sizes, compiled as ftx compiles kernels and run on its thread pool; its
outputs are allocated beforehand, those of ftx by each call.  Row programs come in two sizes: one
that a large last-level cache holds, where arithmetic counts, and one that no cache holds.
"""

import itertools

import numpy as np

import ftx
import ftx.numpy as fnp
from ftx.backends import cache
from ftx.backends.executor import Compiled, Program
from ftx.backends.thunks import RunChunks

from .measure import in_turn
from .rows import Row

TARGET = 1.3
CHUNKS = 64


def stream_text(reads, writes):
    """A kernel that adds `reads` arrays up and writes the sum, plus a number, to `writes`."""
    names = [f"x{k}" for k in range(reads)] + [f"y{k}" for k in range(writes)]
    head = [f"    {name} = pointer_f32(args, {k})" for k, name in enumerate(names)]
    total = " + ".join(f"{name}[i]" for name in names[:reads])
    body = [f"        y{k}[i] = total + f32({k}.0)" for k in range(writes)]
    lines = ["def kernel(args, lo, hi):", *head, "    for i in range(lo, hi):"]
    return "\n".join([*lines, f"        total = {total}", *body, "    return 0\n"])


def stream(size, reads, writes):
    """A call that moves (reads + writes) arrays of `size` float32."""
    kernel = cache.get_kernel(stream_text(reads, writes), "kernel", {"f32": np.float32})
    names = list(range(reads + writes))
    thunk = RunChunks(kernel, names, size, -(-size // CHUNKS))
    run = Compiled(Program([thunk], names[:reads], names[reads:])).run
    inputs = [np.ones(size, np.float32) for _ in range(reads)]
    outputs = [np.ones(size, np.float32) for _ in range(writes)]
    return lambda: run(inputs, outputs)


def array(*shape):
    """Reproducible float32 numbers."""
    numbers = np.random.RandomState(sum(shape)).randn(*shape)
    return fnp.asarray(numbers.astype(np.float32))


def layer_norm(x, gain, bias):
    """Rows of x with mean 0 and variance 1, times gain, plus bias."""
    mean = x.mean(-1, keepdims=True)
    spread = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / fnp.sqrt(spread + 1e-5) * gain + bias


def layer_norm_backward(x, gain, bias, ct):
    """Cotangents of the three arguments."""
    return ftx.vjp(layer_norm, x, gain, bias)[1](ct)


def adam(p, g, mu, nu):
    """One update."""
    mu, nu = 0.9 * mu + 0.1 * g, 0.999 * nu + 0.001 * g * g
    return p - 1e-3 * mu / (fnp.sqrt(nu) + 1e-8), mu, nu


def row_programs(few, rows):
    """The programs that read each row several times: `rows` rows of a softmax, `few` of a norm."""
    x, ct, gain, bias = array(few, 768), array(few, 768) * 0.5, array(768), array(768)
    return {
        f"softmax {rows}x1024": (
            lambda x: ftx.nn.softmax(x, axis=-1), (array(rows, 1024),), rows * 1024, 1, 1,
        ),
        f"layer norm {few}x768": (layer_norm, (x, gain, bias), few * 768, 1, 1),
        f"layer norm backward {few}x768": (
            layer_norm_backward, (x, gain, bias, ct), few * 768, 2, 1,
        ),
    }  # fmt: skip


def cases(divisor):
    """Dicts of name: (function, arguments, elements per stream, streams read, streams written)."""
    side, n = 2048 // divisor, (4 << 20) // divisor**2
    yield row_programs(2048 // divisor, 4096 // divisor)
    p, x, y = array(n), array(side, side), array(side, side)
    yield {
        f"adam update {n}": (adam, (p, p * 0.5, p * 0.1, p * p), n, 4, 3),
        f"x.T + y {side}": (lambda x, y: x.T + y, (x, y), side * side, 2, 1),
    }
    yield row_programs(32768 // divisor, 32768 // divisor)


def rows(scale):
    """The section's rows."""
    every = itertools.chain.from_iterable(c.items() for c in cases(scale.divisor))
    for name, (function, args, size, reads, writes) in every:
        compiled = ftx.jit(function)
        calls = {"ftx": lambda f=compiled, a=args: f(*a), "limit": stream(size, reads, writes)}
        times = in_turn(calls, scale.rounds, scale.seconds)
        limit = f"{reads} read, {writes} written"
        yield Row("memory", name, times["ftx"], times["limit"], TARGET, limit)

"""Rows of the primitives that hold programs: control flow, calls, custom rules, checkpoints."""

import numpy as np

import ftx
import ftx.numpy as fnp
from ftx import lax
from ftx.core import dtypes
from ftx.experimental import checkify
from ftx.transforms.counted import bind_counted
from ftx.transforms.repeated import limited
from tests.support.checks import Case, Operand

TABLE: dict[str, list[Case]] = {}
FLAG = Operand((), dtype=dtypes.bool_)
INDEX = Operand((), 0, 3, dtype=dtypes.int32)
COUNT = Operand((), 0, 4, dtype=dtypes.int64)
X, ROW, STEPS = Operand((3,), 0.2, 1.5), Operand((3,)), Operand((4, 3))
DOMINANT = Operand((3, 3), make=lambda rng, _, shape: rng.uniform(-1, 1, shape) + 3 * np.eye(3))
HELD = {
    "custom_lin": "stands for a custom_vjp's derivative between linearization and transposition",
    "kept": "names a value while a checkpointed program is split; never recorded",
    "recompute": "the derivatives of a checkpoint",
    "refuse": "what a limited loop does in place of one iteration too many: raise",
    "undefined": "the memory of a counted loop's rows when it is compiled",
}
"""Primitives that only other rules record: checked where those are."""


def row(primitive, operands, function, tag="", **options):
    """Add a case of a primitive that holds programs."""
    name = f"{primitive}:{tag}" if tag else primitive
    TABLE.setdefault(primitive, []).append(Case(name, function, operands, **options))


def polynomial(x):
    return x * x * x - x


@ftx.custom_jvp
def cube(x):
    return x * x * x


@cube.defjvp
def _cube_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    return cube(x), 3 * x * x * t


@ftx.custom_vjp
def product(x, y):
    return x * y


product.defvjp(lambda x, y: (x * y, (x, y)), lambda kept, ct: (ct * kept[1], ct * kept[0]))


@ftx.custom_batching.custom_vmap
def scaled(x, y):
    return fnp.sin(x) * y


@scaled.def_vmap
def _scaled_rows(size, batched, x, y):
    return fnp.sin(x) * y, batched[0] or batched[1]


def sine_until_small(x, y, limit=None, every=None):
    go_on = lambda s: (s[0] < 4) & (fnp.max(s[1]) > 0.3)
    body = lambda s: (s[0] + 1, fnp.sin(s[1]) * y)
    return lax.while_loop(go_on, body, (0, x), max_iterations=limit, checkpoint_every=every)


row(
    "cond",
    [FLAG, X, ROW],
    lambda flag, x, y: lax.cond(flag, lambda x, y: fnp.sin(x) * y, lambda x, y: x * x, x, y),
    kinds="fc",
)
row(
    "cond",
    [INDEX, X],
    lambda i, x: lax.switch(i, [fnp.sin, polynomial, lambda x: 2 * x, fnp.exp], x),
    tag="switch",
)
row(
    "scan",
    [X, STEPS],
    lambda x, ys: lax.scan(lambda c, y: (c * y + 1, fnp.sin(c)), x, ys),
    kinds="fc",
    fd_tolerance=1e-4,
)
row(
    "scan",
    [X, STEPS],
    lambda x, ys: lax.scan(lambda c, y: (c * y, c), x, ys, reverse=True),
    tag="reverse",
    fd_tolerance=1e-4,
)
row(
    "scan",
    [X],
    lambda x: lax.fori_loop(0, 3, lambda i, c: fnp.sin(c) * (i + 1), x),
    tag="fori_loop",
)
row("while", [X, ROW], lambda x, y: sine_until_small(x, y, 4))
row("while", [X, ROW], sine_until_small, tag="unbounded")
row(
    "while",
    [X, ROW],
    lambda x, y: sine_until_small(x, y, 4, 2),
    tag="checkpoint_every",
)
row(
    "while",
    [COUNT, X],
    lambda n, x: lax.fori_loop(0, n, lambda i, c: fnp.sin(c) * (i + 1), x),
    tag="fori_loop",
)


def counted(n, x, ys, reverse=False):
    """Without the rows past the count, and their cotangents, which may be anything."""
    made = lambda rows: fnp.where(fnp.arange(4)[:, None] < n, rows, 0.0)
    body = ftx.make_jaxpr(lambda c, y: (c * y + 1, fnp.sin(c)))(x, ys[0])
    carry, rows = bind_counted(body, n, [], [x], [made(ys)], 4, reverse)
    return carry, made(rows)


row("counted_scan", [COUNT, X, STEPS], counted, kinds="fc", fd_tolerance=1e-4)
row(
    "counted_scan",
    [COUNT, X, STEPS],
    lambda n, x, ys: counted(n, x, ys, reverse=True),
    tag="reverse",
    fd_tolerance=1e-4,
)
row("limited", [COUNT, X], lambda n, x: limited("while_loop", n, 4, [x])[0])
row("jit", [X, ROW], ftx.jit(lambda x, y: fnp.sin(x) * y), kinds="fc")
row("jit", [X], lambda x: ftx.jit(ftx.jit(polynomial))(x), tag="nested", kinds="if")
row("checkpoint", [X, ROW], ftx.checkpoint(lambda x, y: fnp.sin(fnp.sin(x) * y)), kinds="fc")
row("custom_call", [X], cube, tag="jvp", kinds="fc")
row("custom_call", [X, ROW], product, tag="vjp", forward=False)


row("custom_vmap", [X, ROW], scaled)


def doubled_by_python(x):
    result = ftx.ShapeDtypeStruct(x.shape, x.dtype)
    return ftx.pure_callback(lambda v: v * 2, result, x, vmap_method="sequential")


row("pure_callback", [X], doubled_by_python, grad=())


def counted_by_python(x):
    result = ftx.ShapeDtypeStruct(x.shape, x.dtype)
    return ftx.experimental.io_callback(lambda v: v + 1, result, x)


def looked_on(x):
    ftx.debug.callback(lambda v: None, x)
    return fnp.sin(x)


def checked(x):
    checkify.check(fnp.all(x > 0), "expected x > 0, got {x}", x=x)
    return fnp.log(x)


row("io_callback", [X], counted_by_python, grad=())
row("debug_callback", [X], looked_on, kinds="fc")
row("check", [X], checked)


def solved(a, b):
    return lax.custom_linear_solve(
        lambda x: a @ x,
        b,
        lambda _, b: fnp.linalg.solve(a, b),
        lambda _, b: fnp.linalg.solve(a.T, b),
    )


def cubic_root(a):
    """The x with x³ + x = a."""
    cubic = lambda x: x * x * x + x - a
    newton = lambda f, x: lax.fori_loop(0, 8, lambda _, x: x - f(x) / (3 * x * x + 1), x)
    return lax.custom_root(cubic, a / 2, newton, lambda g, y: y / g(fnp.ones_like(y)))


row("linear_solve", [DOMINANT, ROW], solved, kinds="fc", fd_tolerance=1e-5, tolerance=1e-4)
row("root", [X], cubic_root, kinds="fc", fd_tolerance=1e-5, tolerance=1e-4)

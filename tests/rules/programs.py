"""Rows of the primitives that hold programs: control flow, calls, custom rules, checkpoints."""

import ftx
import ftx.numpy as fnp
from ftx import lax
from ftx.core import dtypes
from tests.support.checks import Case, Operand

TABLE: dict[str, list[Case]] = {}
FLAG = Operand((), dtype=dtypes.bool_)
INDEX = Operand((), 0, 3, dtype=dtypes.int32)
X, ROW, STEPS = Operand((3,), 0.2, 1.5), Operand((3,)), Operand((4, 3))


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


def sine_until_small(x, y, limit=None):
    go_on = lambda s: (s[0] < 4) & (fnp.max(s[1]) > 0.3)
    body = lambda s: (s[0] + 1, fnp.sin(s[1]) * y)
    return lax.while_loop(go_on, body, (0, x), max_iterations=limit)


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
row("jit", [X, ROW], ftx.jit(lambda x, y: fnp.sin(x) * y), kinds="fc")
row("jit", [X], lambda x: ftx.jit(ftx.jit(polynomial))(x), tag="nested", kinds="if")
row("checkpoint", [X, ROW], ftx.checkpoint(lambda x, y: fnp.sin(fnp.sin(x) * y)), kinds="fc")
row("custom", [X], cube, tag="jvp", kinds="fc")
row("custom", [X, ROW], product, tag="vjp", forward=False)


def doubled_by_python(x):
    result = ftx.ShapeDtypeStruct(x.shape, x.dtype)
    return ftx.pure_callback(lambda v: v * 2, result, x, vmap_method="sequential")


row("pure_callback", [X], doubled_by_python, grad=())

"""What errors say: what was expected, what came and in which argument, what to do, and where.

That every code can be raised, and how its message is built, is tested by its page
(test_error_pages.py); here are the situations that one code has to tell apart.
"""

import ast
import importlib
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core import errors

ROOT = Path(__file__).parents[2]
ONES = fnp.ones(2)
KEPT = []


def leak(x):
    KEPT.append(x * 2)
    return x


def use_leaked(use):
    ftx.jit(leak)(1.0)
    return use(KEPT[-1])


@ftx.jit
def choose_elif(x):
    if x is None:
        return 0
    elif x > 0:
        return x
    return -x


@ftx.jit
def loop(x):
    while x > 0:
        x = x - 1
    return x


@ftx.jit
def check(x):
    assert x > 0
    return x


@ftx.jit
def both(x):
    return (x > 0) and (x < 3)


def scan(body, init):
    return ftx.lax.scan(body, init, fnp.ones(3))


def donated():
    x = fnp.ones(2)
    ftx.jit(lambda v: v + 1, donate_argnums=0)(x)
    return x + 1


def cond(one, other):
    return ftx.jit(lambda p: ftx.lax.cond(p, one, other))(True)


def compiled(x):
    return ftx.jit(lambda v: v).lower(ONES).compile()(x)


CASES = [
    # Values that are not known.
    (errors.TracerBoolConversionError, lambda: choose_elif(1.0), ["where", "lax.cond"]),
    (errors.TracerBoolConversionError, lambda: loop(1.0), ["argument x", "use ftx.lax.while_loop"]),
    (errors.TracerBoolConversionError, lambda: check(1.0), ["check the argument before"]),
    (errors.TracerBoolConversionError, lambda: both(1.0), ["lax.cond", "while_loop"]),
    (errors.TracerIntegerConversionError, lambda: ftx.jit(int)(1.0), ["int of", "static_argnums"]),
    (errors.TracerFloatConversionError, lambda: ftx.jit(float)(1.0), ["float of", "~f32[]"]),
    (errors.TracerFloatConversionError, lambda: ftx.jit(complex)(1.0), ["complex of"]),
    (errors.TracerFloatConversionError, lambda: ftx.jit(lambda x: x.item())(1.0), ["item of"]),
    (errors.TracerFloatConversionError, lambda: ftx.jit(math.exp)(1.0), ["ftx.numpy's functions"]),
    (errors.TracerIndexConversionError, lambda: ftx.jit(range)(3), ["fori_loop"]),
    (errors.TracerIndexConversionError, lambda: ftx.jit(fnp.zeros)(3), ["static_argnums"]),
    (errors.TracerIndexConversionError, lambda: ftx.jit(lambda i: [1, 2][i])(0), ["of lists"]),
    (errors.TracerIndexConversionError, lambda: ftx.jit(lambda i: ONES[:i])(1), ["dynamic_slice"]),
    (
        errors.NonConcreteBooleanIndexError,
        lambda: ftx.make_jaxpr(lambda x: x[x > 0])(ONES),
        ["where(mask"],
    ),
    (
        errors.NonConcreteBooleanIndexError,
        lambda: ftx.make_jaxpr(fnp.nonzero)(ONES),
        ["nonzero", "size="],
    ),
    (errors.NonConcreteBooleanIndexError, lambda: ftx.make_jaxpr(fnp.unique)(ONES), ["unique"]),
    (errors.TracerArrayConversionError, lambda: ftx.jit(np.sin)(1.0), ["use ftx.numpy"]),
    (errors.TracerArrayConversionError, lambda: ftx.jit(np.asarray)(1.0), ["use ftx.numpy"]),
    # Leaks.
    (errors.LeakedTracerError, lambda: use_leaked(fnp.sin), ["of 'leak'", "KEPT.append(x * 2)"]),
    (errors.LeakedTracerError, lambda: use_leaked(lambda x: x > 0 or 1), ["of 'leak'"]),
    (errors.LeakedTracerError, lambda: use_leaked(bool), ["of 'leak'"]),
    (
        errors.LeakedTracerError,
        lambda: use_leaked(lambda y: ftx.jit(lambda x: x + y)(1.0)),
        ["of 'leak'", "in 'lambda'"],
    ),
    # Loops and branches: the leaf, both types, the likely cause.
    (
        errors.CarryError,
        lambda: scan(
            lambda c, x: ({"a": c["a"], "b": fnp.append(c["b"], x)}, x), {"a": 1.0, "b": ONES}
        ),
        ["f32[3] for f32[2] at carry['b']", "appended", "final shape"],
    ),
    (errors.CarryError, lambda: scan(lambda c, x: (c + ONES, x), 1.0), ["broadcast into it"]),
    (
        errors.CarryError,
        lambda: scan(lambda c, x: (fnp.int32(1), x), 1.5),
        [
            "i32[] for ~f32[]",
            "a Python number, weakly float32",
            "start with an array of dtype int32",
        ],
    ),
    (
        errors.CarryError,
        lambda: scan(lambda c, x: (c + x, x), fnp.int32(0)),
        ["f32[] for i32[]", "astype(int32)"],
    ),
    (errors.CarryError, lambda: scan(lambda c, x: ((c, c), x), 1.0), ["structure"]),
    (
        errors.CarryError,
        lambda: ftx.lax.while_loop(lambda c: ONES, lambda c: c, 1.0),
        ["scalar bool", "got"],
    ),
    (
        errors.BranchError,
        lambda: cond(lambda: {"a": 1.0}, lambda: {"a": ONES}),
        ["f32[2] from the false branch", "f32[] from the true branch", "result['a']"],
    ),
    (
        errors.BranchError,
        lambda: cond(lambda: fnp.float32(1), lambda: fnp.int32(1)),
        ["i32[]", "f32[]", "astype"],
    ),
    (errors.BranchError, lambda: cond(lambda: 1.0, lambda: (1.0,)), ["one result structure"]),
    (errors.BranchError, lambda: ftx.lax.cond(ONES > 0, int, int), ["bool[2]", "ftx.numpy.where"]),
    (errors.BranchError, lambda: ftx.lax.switch(1.0, [int]), ["integer scalar index"]),
    (
        errors.LoopLimitError,
        lambda: ftx.lax.while_loop(lambda v: v > 0, lambda v: v + 1, 1.0, max_iterations=3),
        ["at most 3 iterations", "max_iterations="],
    ),
    # Mapped axes.
    (errors.InAxesError, lambda: ftx.vmap(fnp.add, in_axes=(0,))(ONES, ONES), ["2 positional"]),
    (
        errors.InAxesError,
        lambda: ftx.vmap(lambda x: x, out_axes=(0, 0))(ONES),
        ["out_axes to be a prefix"],
    ),
    (
        errors.AxisSizeError,
        lambda: ftx.vmap(lambda x, y: x)(fnp.ones(2), fnp.ones(3)),
        ["argument x has 2", "argument y has 3", "in_axes"],
    ),
    (errors.AxisSizeError, lambda: ftx.vmap(int, in_axes=None)(1), ["axis_size"]),
    (errors.MapAxisError, lambda: ftx.vmap(int, in_axes=3)(ONES), ["f32[2]", "got 3"]),
    (
        errors.UnboundAxisError,
        lambda: ftx.vmap(lambda x: ftx.lax.psum(x, "rows"), axis_name="columns")(ONES),
        ["['columns']", "got 'rows'", "vmap(..., axis_name='rows')"],
    ),
    # Derivatives.
    (errors.NonScalarGradError, lambda: ftx.grad(lambda x: x)(ONES), ["f32[2]", "jacrev"]),
    (errors.NonScalarGradError, lambda: ftx.grad(lambda x: (x, x))(1.0), ["~f32[], ~f32[]"]),
    (
        errors.IntegerGradError,
        lambda: ftx.grad(lambda x, p: x, argnums=1)(1.0, {"w": 2}),
        ["~i64[] in argument p['w']", "allow_int=True"],
    ),
    (errors.IntegerGradError, lambda: ftx.jacfwd(lambda x: x)(1), ["~i64[] in argument x"]),
    (errors.IntegerGradError, lambda: ftx.grad(lambda x: x > 0)(1.0), ["a real result", "bool[]"]),
    (errors.TreeError, lambda: ftx.grad(lambda x: x, has_aux=True)(1.0), ["(result, aux)"]),
    (errors.CustomRuleError, lambda: ftx.custom_jvp(lambda x: x)(1.0), ["defjvp"]),
    # Calling.
    (
        errors.StaticArgumentError,
        lambda: ftx.jit(lambda x, n: x, static_argnums=1)(1.0, [1]),
        ["got list for 'n'", "tuple"],
    ),
    (
        errors.StaticArgumentError,
        lambda: ftx.jit(lambda x: x, static_argnums=0, donate_argnums=0),
        ["static or donated", "[0]"],
    ),
    (errors.NotAnArrayError, lambda: ftx.jit(lambda x: x)({"a": "b"}), ["'b' in argument x['a']"]),
    (
        errors.NotAnArrayError,
        lambda: ftx.jit(lambda n, x: x, static_argnums=0)(1, "text"),
        ["str 'text' in argument x"],
    ),
    (errors.NotAnArrayError, lambda: ftx.jit(lambda x: "text")(1.0), ["its result"]),
    (errors.DonatedArrayError, donated, ["f32[2]", "donate_argnums"]),
    (errors.CompiledCallError, lambda: compiled(fnp.ones(3)), ["f32[2]", "got f32[3]"]),
    (errors.TreeError, lambda: compiled((ONES,)), ["compiled call"]),
    (errors.NotCallableError, lambda: ftx.vmap(1), ["vmap", "got int"]),
    # Shapes.
    (errors.DotShapeError, lambda: fnp.ones((4, 3)) @ fnp.ones((4, 3)), ["f32[4,3]", "y.T"]),
    (errors.DotShapeError, lambda: fnp.dot(ONES, fnp.ones(3)), ["f32[2]", "f32[3]"]),
    (errors.DotShapeError, lambda: fnp.einsum("i,i", ONES, fnp.ones(3)), ["'i'", "2", "3"]),
    (
        errors.DotShapeError,
        lambda: ftx.lax.dot_general(ONES, fnp.ones(3), (((0,), (0,)), ((), ()))),
        ["f32[2]", "f32[3]"],
    ),
    (errors.ConcatenateShapeError, lambda: fnp.stack([ONES, fnp.ones(3)]), ["f32[2], f32[3]"]),
    (errors.ConcatenateShapeError, lambda: fnp.concatenate([ONES, fnp.ones((2, 2))]), ["stack"]),
    (errors.ConcatenateShapeError, lambda: fnp.vstack([ONES, fnp.ones(3)]), ["axis 0"]),
    (errors.BroadcastShapeError, lambda: ONES + fnp.ones(3), ["(2,), (3,)", "sizes 2 and 3"]),
    (errors.BroadcastShapeError, lambda: fnp.broadcast_to(ONES, (3,)), ["f32[2]", "(3,)"]),
    (errors.BroadcastShapeError, lambda: ONES.at[:].set(fnp.ones(3)), ["(2,)", "f32[3]"]),
    (errors.ReshapeError, lambda: ONES.reshape(3), ["2 elements", "(3,)"]),
    (errors.ReshapeError, lambda: ftx.lax.reshape(ONES, (3,)), ["2 elements", "(3,)"]),
    (errors.ShapeError, lambda: ftx.lax.add(ONES, fnp.ones(3)), ["f32[2]", "f32[3]"]),
    (errors.IndexOutOfRangeError, lambda: ONES[5], ["along axis 0", "got 5", "mode='clip'"]),
    (errors.IndexOutOfRangeError, lambda: ONES[0, 0], ["at most 1 indices", "(2,)"]),
    # Values.
    (errors.DTypeError, lambda: ftx.lax.add(ONES, fnp.ones(2, int)), ["f32[2]", "i64[2]"]),
    (errors.ArgumentError, lambda: fnp.meshgrid(ONES, indexing="up"), ["'xy' or 'ij'", "'up'"]),
    (errors.EmptyArrayError, lambda: fnp.argmax(ONES[:0]), ["f32[0]"]),
    (errors.UnsupportedError, lambda: fnp.sum(ONES, out=ONES), ["out=None", "leave out out"]),
    (errors.ArgumentError, lambda: bool(ONES > 0), ["bool[2]", "x.any()"]),
    (errors.ArgumentError, lambda: ONES.item(), ["f32[2]", "tolist"]),
    (errors.ArgumentError, lambda: fnp.repeat(ONES, -1), ["at least 0", "-1"]),
    (errors.ShapeError, lambda: fnp.repeat(ONES, [1, 2, 3]), ["each of 2", "got 3"]),
    (errors.ShapeError, lambda: fnp.tile(ONES, "2"), ["'2'"]),
    (errors.NotAnArrayError, lambda: fnp.concatenate(3), ["sequence of arrays", "got 3"]),
    (
        errors.TreeError,
        lambda: ftx.tree.unflatten(ftx.tree.structure([1, 2]), [1]),
        ["2 leaves", "got 1"],
    ),
    (
        errors.StaticArgumentError,
        lambda: ftx.jit(lambda x: x, static_argnums=1),
        ["its 1 arguments", "(1,)"],
    ),
    (errors.ConfigError, lambda: ftx.config.update("jax_speed", 1), ["jax_speed", "enable_x64"]),
    (
        errors.ConfigError,
        lambda: ftx.config.update("numpy_dtype_promotion", "loose"),
        ["standard, strict", "'loose'"],
    ),
    (errors.BackendError, lambda: ftx.core.backend.get_backend("abacus"), ["cpu", "'abacus'"]),
    (errors.ImmutableArrayError, lambda: ONES.__delitem__(0), ["ftx.numpy.delete"]),
]


@pytest.mark.parametrize(("kind", "act", "parts"), CASES)
def test_message(kind, act, parts):
    with pytest.raises(kind) as caught:
        act()
    assert type(caught.value) is kind
    text = str(caught.value)
    for part in ("expected ", "got", ";", "test_errors.py:", f"[{kind.code}: see ", *parts):
        assert part in text, text
    assert len(text.split("\n")[0]) < 500, text


@pytest.mark.parametrize(
    ("ours", "python"),
    [
        (errors.ShapeError, TypeError),
        (errors.AxisError, ValueError),
        (errors.IndexOutOfRangeError, IndexError),
        (errors.NonConcreteBooleanIndexError, IndexError),
        (errors.UnboundAxisError, NameError),
        (errors.MissingRuleError, NotImplementedError),
        (errors.UnsupportedError, NotImplementedError),
        (errors.ArgumentError, ValueError),
        (errors.InputShapeError, ValueError),
        (errors.NonFiniteError, FloatingPointError),
        (errors.ConcretizationError, TypeError),
        (errors.RetraceWarning, UserWarning),
    ],
)
def test_python_types(ours, python):
    assert issubclass(ours, python)


def test_jax_names():
    for name in (
        *("ConcretizationTypeError", "TracerArrayConversionError", "TracerBoolConversionError"),
        *("TracerIntegerConversionError", "UnexpectedTracerError", "KeyReuseError"),
        *("NonConcreteBooleanIndexError", "JaxRuntimeError"),
    ):
        assert issubclass(getattr(importlib.import_module("ftx.errors"), name), errors.FtxError)


def test_errors_keep_their_text_between_processes():
    with pytest.raises(errors.ReshapeError) as caught:
        ONES.reshape(3)
    copied = pickle.loads(pickle.dumps(caught.value))
    assert type(copied) is errors.ReshapeError
    assert (str(copied), copied.where) == (str(caught.value), caught.value.where)


def test_known_values_may_be_asked_for():
    assert float(ftx.grad(lambda x: x * 2 if x > 0 else -x)(3.0)) == 2.0
    assert float(ftx.grad(lambda x: x * float(x) * int(x) * [1, 2][int(x) - 2])(3.0)) == 18.0


# ---- Every raise in the parts of ftx that users call -------------------------------------------

PUBLIC = ("numpy", "lax", "random", "scipy", "nn", "transforms", "tree.py", "devices.py")
BUILTIN = {"ValueError", "TypeError", "NotImplementedError", "RuntimeError", "IndexError"}
RAISES = [
    (path, node)
    for part in PUBLIC
    for path in sorted([*(ROOT / "ftx" / part).rglob("*.py"), ROOT / "ftx" / part])
    if path.suffix == ".py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
]


def words(node):
    """The constant text in an expression."""
    return "".join(
        c.value for c in ast.walk(node) if isinstance(c, ast.Constant) and isinstance(c.value, str)
    )


def test_what_users_call_raises_errors_with_codes():
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, node in RAISES
        if isinstance(node.exc.func, ast.Name) and node.exc.func.id in BUILTIN
    ]
    assert not bare, f"use a class of ftx/core/errors.py: {bare}"
    assert len(RAISES) > 200


def test_messages_say_what_was_expected_and_what_came():
    own = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
    short = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {words(node.exc)}"
        for path, node in RAISES
        if isinstance(node.exc.func, ast.Name)
        and node.exc.func.id in own
        and not ("expected" in words(node.exc) and "got" in words(node.exc))
    ]
    assert not short, "\n".join(short)

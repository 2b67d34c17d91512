"""Every error class: raised from a user's program, it says what it expected, what it got, what
to do, and where in the user's file."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core import errors, tree
from ftx.core.check import check_jaxpr
from ftx.core.jaxpr import Eqn, Jaxpr, Var
from ftx.core.primitive import Primitive
from ftx.core.primitives.elementwise import neg_p
from ftx.core.types import ShapedArray

F32 = np.dtype(np.float32)
KEPT = []


def leak(x):
    KEPT.append(x)
    return x


def use_leaked():
    ftx.jit(leak)(1.0)
    return KEPT[-1] + 1


def ill_typed():
    a, b = Var(ShapedArray((2,), F32)), Var(ShapedArray((3,), F32))
    return check_jaxpr(Jaxpr((), (a,), (Eqn(neg_p, (a,), {}, (b,)),), (b,)))


def donated():
    x = fnp.ones(2)
    ftx.jit(lambda v: v + 1, donate_argnums=0)(x)
    return x + 1


def no_rule():
    class Nothing(Primitive):
        def abstract_eval(self, x):
            return [x]

        def impl(self, x):
            return [x]

    return ftx.grad(lambda x: Nothing().bind(x)[0])(fnp.float32(2.0))


def runs_on():
    step = lambda v: v + 1
    return ftx.lax.while_loop(lambda v: v > 0, step, fnp.ones(()), max_iterations=3)


def unset_rule():
    return ftx.custom_jvp(lambda x: x)(1.0)


def assign():
    x = fnp.ones(2)
    x[0] = 1


LINES = {
    errors.ConcretizationError: lambda: ftx.jit(lambda x: x if x > 0 else -x)(1.0),
    errors.TracerArrayConversionError: lambda: ftx.jit(np.sin)(1.0),
    errors.LeakedTracerError: use_leaked,
    errors.JaxprTypeError: ill_typed,
    errors.ShapeError: lambda: ftx.lax.add(fnp.ones(2), fnp.ones(3)),
    errors.DTypeError: lambda: ftx.lax.add(fnp.ones(2), fnp.ones(2, int)),
    errors.AxisError: lambda: fnp.sum(fnp.ones(2), axis=3),
    errors.TreeError: lambda: tree.map(lambda a, b: a, [1], [1, 2]),
    errors.NotAnArrayError: lambda: ftx.jit(lambda x: x)("text"),
    errors.StaticArgumentError: lambda: ftx.jit(lambda x: x, static_argnums=0)([1]),
    errors.ImmutableArrayError: assign,
    errors.DonatedArrayError: donated,
    errors.UnboundAxisError: lambda: ftx.lax.psum(fnp.ones(2), "rows"),
    errors.GradError: lambda: ftx.grad(lambda x: x * 2)(fnp.ones(2)),
    errors.MissingRuleError: no_rule,
    errors.IndexOutOfRangeError: lambda: fnp.ones(2)[fnp.asarray([5])],
    errors.CarryError: lambda: ftx.lax.scan(lambda c, x: (c[None], x), fnp.ones(2), fnp.ones(2)),
    errors.BranchError: lambda: ftx.jit(
        lambda p: ftx.lax.cond(p, lambda: fnp.ones(2), lambda: fnp.ones(3))
    )(True),
    errors.MapAxisError: lambda: ftx.vmap(lambda x, y: x)(fnp.ones(2), fnp.ones(3)),
    errors.BackendError: lambda: ftx.core.backend.get_backend("abacus"),
    errors.ConfigError: lambda: ftx.config.update("jax_speed", "high"),
    errors.CustomRuleError: unset_rule,
    errors.LoopLimitError: runs_on,
    errors.ExplainError: lambda: ftx.jit(lambda x: ftx.explain(fnp.sin, x) and x)(fnp.ones(2)),
}
CLASSES = [
    c
    for c in vars(errors).values()
    if isinstance(c, type) and issubclass(c, errors.FtxError) and c is not errors.FtxError
]


def test_every_class_is_triggered_here():
    assert set(LINES) == set(CLASSES)


def test_codes_are_distinct():
    codes = [c.code for c in (*CLASSES, errors.FtxError)]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda c: c.__name__)
def test_message(kind):
    with pytest.raises(kind) as caught:
        LINES[kind]()
    assert type(caught.value) is kind
    text = str(caught.value)
    first = text.split("\n")[0]
    named = "nothing" if kind is errors.MissingRuleError else ":"
    assert named in first, "names the operation or transform first"
    assert f"[{kind.code}: see " in text
    if kind is errors.JaxprTypeError:
        assert "the rule of neg gives [f32[2]], not [f32[3]]" in text and "  > " in text
        return
    assert "test_errors.py:" in text, "shows the user's file and line"
    assert len(first) > 40 and len(first) < 500


SAYS = {
    errors.ShapeError: ("expected", "got", "f32[2]", "f32[3]"),
    errors.DTypeError: ("expected", "f32[2]", "i64[2]", "astype"),
    errors.GradError: ("expected a scalar", "f32[2]", "jacrev"),
    errors.MapAxisError: ("argument x has 2", "argument y has 3", "in_axes"),
    errors.UnboundAxisError: ("'rows'", "vmap(..., axis_name='rows')"),
    errors.StaticArgumentError: ("expected a hashable", "got list", "tuple"),
    errors.ImmutableArrayError: ("x.at[...].set(y)",),
    errors.BackendError: ("expected one of", "cpu", "got 'abacus'"),
    errors.ConfigError: ("jax_speed", "enable_x64"),
    errors.CarryError: ("the shape changes", "carry", "reshape"),
    errors.IndexOutOfRangeError: ("along axis 0", "got 5", "mode='clip'"),
    errors.CustomRuleError: ("defjvp",),
    errors.NotAnArrayError: ("str", "'text'", "static_argnums"),
    errors.MissingRuleError: ("'nothing' has no jvp rule", "class Nothing"),
    errors.LoopLimitError: ("at most 3 iterations", "max_iterations="),
    errors.DonatedArrayError: ("donate_argnums",),
}


@pytest.mark.parametrize("kind", SAYS, ids=lambda c: c.__name__)
def test_message_has_expected_got_and_cure(kind):
    with pytest.raises(kind) as caught:
        LINES[kind]()
    for part in SAYS[kind]:
        assert part in str(caught.value), str(caught.value)


def test_python_types():
    for ours, python in (
        (errors.ShapeError, TypeError),
        (errors.AxisError, ValueError),
        (errors.IndexOutOfRangeError, IndexError),
        (errors.UnboundAxisError, NameError),
        (errors.MissingRuleError, NotImplementedError),
        (errors.ConcretizationError, TypeError),
    ):
        assert issubclass(ours, python)

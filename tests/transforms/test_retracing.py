"""Why a jitted function is traced again, and the warnings of too many traces and equations."""

import functools
import warnings

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import LongTraceWarning, RetraceWarning

X = fnp.ones(2)


def reasons(capsys, f, *calls):
    """What FTX_DEBUG=1 says of each trace of `f`."""
    with ftx.config.override(debug=1):
        for call in calls:
            f(*call)
    lines = capsys.readouterr().err.splitlines()
    return [line.split(": ", 2)[2] for line in lines if "tracing" in line]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ((X, X), (X, fnp.ones(3)), "argument y is f32[3] after f32[2], another shape"),
        ((X, X), (X.astype(int), X), "argument x is i64[2] after f32[2], another dtype"),
        ((X, 1.0), (X, np.float32(1)), "argument y is f32[] after ~f32[], another weak_type"),
        ((X, {"a": 1}), (X, {"a": X}), "argument y['a'] is f32[2] after ~i64[], another shape"),
        ((X, [1]), (X, (1,)), "the arguments have the structure"),
    ],
)
def test_the_argument_that_changed_is_named(capsys, first, second, said):
    found = reasons(capsys, ftx.jit(lambda x, y: x), first, second, second)
    assert found[0] == "first call"
    assert len(found) == 2 and found[1].startswith(said)


def test_static_arguments_are_named_and_do_not_shift_the_others(capsys):
    f = functools.partial(ftx.jit, static_argnums=0)(lambda n, x: x * n)
    found = reasons(capsys, f, (1, X), (2, X), (2, fnp.ones(3)))
    assert found[1] == "static argument n is 2 after 1"
    assert found[2].startswith("argument x is f32[3] after f32[2]")


def test_options_are_a_reason(capsys):
    f = ftx.jit(lambda x: x)
    f(X)
    with ftx.config.override(enable_x64=True):
        assert reasons(capsys, f, (X,))[0].startswith("an option of ftx.config")


def test_a_storm_is_warned_of_once():
    f = ftx.jit(lambda x, y: x)
    with ftx.config.override(retrace_warning=3):
        f(fnp.ones(1), 1.0)
        f(fnp.ones(2), 1.0)
        with pytest.warns(RetraceWarning, match=r"argument x is f32\[3\] after f32\[2\]") as caught:
            f(fnp.ones(3), 1.0)
            f(fnp.ones(4), 1.0)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "got 3 traces" in str(caught[0].message)


def test_no_storm_without_traces():
    f = ftx.jit(lambda x: x)
    with ftx.config.override(retrace_warning=2):
        for value in range(10):
            f(float(value))
    with ftx.config.override(retrace_warning=0), warnings.catch_warnings(action="error"):
        for size in range(1, 5):
            f(fnp.ones(size))


def storms(act, limit=3, times=5):
    """The warnings of an act done again and again."""
    with ftx.config.override(retrace_warning=limit), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(times):
            act(float(i))
    return caught


class Layer:
    size = 2


LAYER = Layer()


def doubled(x):
    return x * 2


TWICE = ftx.jit(doubled)


def inside(f):
    step = lambda x: f(x)
    return ftx.jit(lambda x: step(x))


@pytest.mark.parametrize(
    "act",
    [
        lambda i: ftx.jit(lambda x: x * 2)(X),
        lambda i: ftx.jit(lambda x: x * i)(X),
        lambda i: ftx.jit(doubled)(X),
        lambda i: ftx.jit(functools.partial(doubled))(X),
        lambda i: ftx.jit(ftx.grad(lambda x: doubled(x)))(1.0),
        lambda i: (lambda f: ftx.jit(lambda x: f(x)))(lambda x: x + 1)(X),
        lambda i: (lambda kept: ftx.jit(lambda x: kept.size + x))(LAYER)(X),
    ],
)
def test_jit_in_a_loop_is_warned_of_once(act):
    (caught,) = storms(act)
    assert "got 3 jitted functions made of the same code" in str(caught.message)
    assert "make the jitted function once, outside the loop" in str(caught.message)
    assert (caught.category, caught.filename) == (RetraceWarning, __file__)
    assert caught.lineno == act.__code__.co_firstlineno


@pytest.mark.parametrize(
    "act",
    [
        lambda i: TWICE(X),
        lambda i: ftx.jit(doubled),
        lambda i: (lambda kept: ftx.jit(lambda x: kept[0] + x))([i])(X),
        lambda i: (lambda kept: ftx.jit(lambda x: kept.size + x))(Layer())(X),
        lambda i: inside((fnp.sin, fnp.cos, fnp.tan, fnp.exp, fnp.sqrt)[int(i)])(X),
        lambda i: ftx.jit(doubled)(fnp.ones(int(i) + 1)),
        lambda i: ftx.jit(vars(fnp)[("sin", "cos", "tan", "exp", "sqrt")[int(i)]])(X),
    ],
)
def test_jit_of_other_functions_or_once_is_no_storm(act):
    assert storms(act) == []


def test_jit_within_a_compiled_function_is_no_storm():
    def layers(x):
        for _ in range(5):
            x = ftx.jit(lambda x: fnp.sin(x))(x)
        return x

    with ftx.config.override(retrace_warning=3), warnings.catch_warnings(action="error"):
        ftx.jit(layers)(X)


def test_a_loop_written_out_is_warned_of_once():
    def long(x):
        for _ in range(60):
            x = fnp.sin(x)
        return fnp.cos(x)

    with ftx.config.override(long_trace_warning=50):
        with pytest.warns(LongTraceWarning, match="50 of them from one line") as caught:
            ftx.make_jaxpr(long)(1.0)
            ftx.grad(long)(1.0)
    assert len(caught) == 1
    assert caught[0].lineno == long.__code__.co_firstlineno + 2


def test_transforms_of_long_programs_do_not_warn():
    def moderate(x):
        for _ in range(40):
            x = fnp.sin(x)
        return x

    with ftx.config.override(long_trace_warning=50):
        ftx.grad(moderate)(1.0)


def test_a_loop_of_lax_is_short():
    with ftx.config.override(long_trace_warning=50):
        ftx.make_jaxpr(lambda x: ftx.lax.fori_loop(0, 60, lambda _, c: fnp.sin(c), x))(1.0)

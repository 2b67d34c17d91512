"""Tracebacks show the user's frames only: printed, caught, under pytest; and all on request."""

import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

import ftx
import ftx.numpy as fnp
from ftx.core import tracebacks
from ftx.experimental import checkify

ROOT = Path(__file__).parents[2]
FTX = str(ROOT / "ftx") + os.sep
SCRIPT = """\
import threading
import ftx, ftx.numpy as fnp

def inner(x):
    return x + fnp.ones(3)

def outer(x):
    return inner(x).sum()

def fail():
    {call}

{start}
"""


def printed(call, start="fail()", **variables):
    """What a script that fails prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **variables}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(call=call, start=start)],
        env=environment,
        capture_output=True,
        text=True,
    ).stderr


@pytest.mark.parametrize(
    "call",
    [
        "outer(fnp.ones(2))",
        "ftx.jit(outer)(fnp.ones(2))",
        "ftx.vmap(ftx.grad(outer))(fnp.ones((2, 2)))",
        "ftx.lax.scan(lambda c, x: (outer(fnp.ones(2)), x), 0.0, fnp.ones(2))",
    ],
)
def test_a_script_that_fails_shows_the_users_frames(call):
    text = printed(call)
    frames = [line.split(", in ")[1] for line in text.splitlines() if "File" in line]
    assert FTX not in text
    assert [f for f in frames if f != "<lambda>"] == ["<module>", "fail", "outer", "inner"]
    assert text.count("Traceback") == 1, "no exception of NumPy's besides"
    assert text.rstrip().endswith("[FTX-E032: see docs/errors/FTX-E032.md]")


@pytest.mark.parametrize("mode", ["full", "off"])
def test_all_frames_are_shown_on_request(mode):
    assert printed("ftx.jit(outer)(fnp.ones(2))", FTX_TRACEBACK=mode).count(FTX) > 5


def test_threads_too():
    text = printed("outer(fnp.ones(2))", "threading.Thread(target=fail).start()")
    assert FTX not in text and ", in inner" in text


def test_an_error_within_ftx_is_shown_in_full():
    start = "import ftx.core.tracing as t; t.check_jaxpr = None; fail()"
    text = printed("ftx.jit(lambda x: x)(1.0)", start)
    assert "TypeError: 'NoneType'" in text and FTX in text


def files(error):
    return [frame.filename for frame in traceback.extract_tb(error.__traceback__)]


def broken(x):
    return x / 0 if isinstance(x, int) else [][0]


def ones_jvp(primals, tangents):
    return primals[0], tangents[0]


def broken_rule(*args):
    return broken(1.0)


def with_jvp(fun, rule):
    made = ftx.custom_jvp(lambda x: fun(x))
    made.defjvp(rule)
    return made


def with_vjp(fun, fwd, bwd):
    made = ftx.custom_vjp(lambda x: fun(x))
    made.defvjp(fwd, bwd)
    return made


def with_rows(fun):
    made = ftx.custom_batching.custom_vmap(lambda x: fun(x))
    made.def_vmap(broken_rule)
    return made


CALLS = {
    "jit": lambda: ftx.jit(broken)(1.0),
    "grad": lambda: ftx.grad(broken)(1.0),
    "jvp": lambda: ftx.jvp(broken, (1.0,), (1.0,)),
    "vjp": lambda: ftx.vjp(broken, 1.0),
    "linearize": lambda: ftx.linearize(broken, 1.0),
    "jacfwd": lambda: ftx.jacfwd(broken)(1.0),
    "vmap": lambda: ftx.vmap(broken)(fnp.ones(2)),
    "pmap": lambda: ftx.pmap(broken)(fnp.ones(1)),
    "make_jaxpr": lambda: ftx.make_jaxpr(broken)(1.0),
    "lower": lambda: ftx.jit(broken).lower(1.0),
    "cond": lambda: ftx.lax.cond(True, broken, broken, 1.0),
    "switch": lambda: ftx.lax.switch(1, [broken, broken], 1.0),
    "scan": lambda: ftx.lax.scan(lambda c, x: broken(x), 1.0, fnp.ones(2)),
    "map": lambda: ftx.lax.map(broken, fnp.ones(2)),
    "while_loop": lambda: ftx.lax.while_loop(lambda x: x < 1, broken, 0.0),
    "its condition": lambda: ftx.lax.while_loop(broken, lambda x: x, 0.0),
    "fori_loop": lambda: ftx.lax.fori_loop(0, 2, lambda i, x: broken(x), 0.0),
    "fori_loop of a traced bound": lambda: ftx.lax.fori_loop(
        0, fnp.asarray(2), lambda i, x: broken(x), 0.0
    ),
    "associative_scan": lambda: ftx.lax.associative_scan(lambda a, b: broken(a), fnp.ones(4)),
    "checkpoint": lambda: ftx.checkpoint(broken)(1.0),
    "checkpoint in grad": lambda: ftx.grad(ftx.checkpoint(broken))(1.0),
    "custom_jvp": lambda: with_jvp(broken, ones_jvp)(1.0),
    "rule of custom_jvp": lambda: ftx.grad(with_jvp(fnp.sin, broken_rule))(1.0),
    "custom_vjp": lambda: with_vjp(broken, broken, broken)(1.0),
    "fwd": lambda: ftx.vjp(with_vjp(fnp.sin, broken, broken), 1.0),
    "bwd": lambda: ftx.vjp(with_vjp(fnp.sin, lambda x: (x, x), broken_rule), 1.0)[1](1.0),
    "custom_vmap": lambda: with_rows(broken)(1.0),
    "rule of custom_vmap": lambda: ftx.vmap(with_rows(fnp.sin))(fnp.ones(2)),
    "custom_root": lambda: ftx.lax.custom_root(broken, 1.0, lambda f, x: f(x), broken),
    "custom_linear_solve": lambda: ftx.lax.custom_linear_solve(broken, 1.0, lambda f, b: f(b)),
    "closure_convert": lambda: ftx.closure_convert(broken, 1.0),
    "linear_transpose": lambda: ftx.linear_transpose(broken, 1.0),
    "checkify": lambda: checkify.checkify(broken)(1.0),
    "check_grads": lambda: ftx.test_util.check_grads(broken, (1.0,), 1),
    "eval_shape": lambda: ftx.eval_shape(broken, 1.0),
    "eval_shape of a jitted function": lambda: ftx.jit(broken).eval_shape(1.0),
    "kernels": lambda: ftx.jit(broken).kernels(1.0),
    "hessian": lambda: ftx.hessian(broken)(1.0),
    "pure_callback": lambda: ftx.jit(
        lambda x: ftx.pure_callback(broken, ftx.ShapeDtypeStruct((), x.dtype), x)
    )(1.0),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_users_own_errors_pass_through_transforms(name):
    with pytest.raises(IndexError) as caught:
        CALLS[name]()
    found = files(caught.value)
    assert found[-1] == __file__ and not any(f.startswith(FTX) for f in found)


@pytest.mark.parametrize("name", CALLS)
def test_and_through_them_with_all_frames_on_request(name):
    with ftx.config.override(traceback_filtering="off"), pytest.raises(IndexError) as caught:
        CALLS[name]()
    found = files(caught.value)
    assert found[-1] == __file__ and any(f.startswith(FTX) for f in found)


def test_the_option_is_heeded():
    with ftx.config.override(traceback_filtering="off"), pytest.raises(IndexError) as caught:
        ftx.jit(broken)(1.0)
    assert any(f.startswith(FTX) for f in files(caught.value))


def test_pytest_hides_the_frames_of_ftx():
    with pytest.raises(ftx.errors.BroadcastShapeError) as caught:
        fnp.ones(2) + fnp.ones(3)
    shown = caught.traceback.filter(caught)
    assert [Path(entry.path) for entry in shown] == [Path(__file__)]
    assert len(caught.traceback) > 1


def test_pytest_shows_them_on_request():
    with ftx.config.override(traceback_filtering="full"):
        with pytest.raises(ftx.errors.BroadcastShapeError) as caught:
            fnp.ones(2) + fnp.ones(3)
    assert len(caught.traceback.filter(caught)) == len(caught.traceback) > 1


def test_causes_are_filtered_and_those_of_ftx_left_out():
    def users_own():
        try:
            ftx.jit(broken)(1.0)
        except IndexError as error:
            raise KeyError from error

    with pytest.raises(KeyError) as caught:
        users_own()
    tracebacks.hide_frames(caught.value)
    assert files(caught.value.__cause__)[-1] == __file__
    with pytest.raises(ftx.errors.ConfigError) as caught:
        ftx.config.update("numpy_dtype_promotion", "loose")
    assert caught.value.__suppress_context__

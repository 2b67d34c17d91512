"""Programs call Python: for results, for effects, in order, under every transform."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import lax
from ftx.core.errors import CallbackError
from ftx.experimental import io_callback

BOTH = pytest.mark.parametrize("stage", [lambda f: f, ftx.jit], ids=["eager", "jit"])
SCALAR = ftx.ShapeDtypeStruct((), np.float64)


def like(x):
    return ftx.ShapeDtypeStruct(x.shape, x.dtype)


def host_sin(x, vmap_method=None):
    return ftx.pure_callback(lambda x: np.sin(x), like(x), x, vmap_method=vmap_method)


@BOTH
def test_a_pure_callback_gives_results_in_the_middle_of_a_program(stage):
    f = lambda x: host_sin(x * 2).sum() + 1
    x = np.arange(4.0)
    np.testing.assert_allclose(stage(f)(fnp.asarray(x)), np.sin(2 * x).sum() + 1)


@BOTH
def test_trees_go_in_and_out(stage):
    def swapped(d, *, scale):
        assert isinstance(d["a"], np.ndarray)
        return {"b": d["a"] * scale, "c": (d["a"].sum(), 3)}

    def f(x):
        kinds = {"b": like(x), "c": (SCALAR, ftx.ShapeDtypeStruct((), np.int32))}
        return ftx.pure_callback(swapped, kinds, {"a": x}, scale=2.0)

    out = stage(f)(fnp.asarray(np.ones(3)))
    assert out["b"].tolist() == [2.0, 2.0, 2.0] and float(out["c"][0]) == 3.0
    assert out["c"][1].dtype == np.int32


@BOTH
@pytest.mark.parametrize(
    "method, calls", [("sequential", 3), ("broadcast_all", 1), ("expand_dims", 1)]
)
def test_vmap_calls_row_by_row_or_once(stage, method, calls):
    shapes = []

    def host(x, y):
        shapes.append((x.shape, y.shape))
        return x + y

    f = lambda x, y: ftx.pure_callback(host, SCALAR, x, y, vmap_method=method)
    out = stage(ftx.vmap(f, in_axes=(0, None)))(np.arange(3.0), 10.0)
    np.testing.assert_allclose(out, np.arange(3.0) + 10)
    assert len(shapes) == calls
    wanted = {"sequential": ((), ()), "broadcast_all": ((3,), (3,)), "expand_dims": ((3,), (1,))}
    assert shapes[0] == wanted[method]


def test_without_a_method_vmap_says_what_to_pass():
    with pytest.raises(CallbackError, match="vmap_method"):
        ftx.vmap(host_sin)(np.arange(3.0))
    with pytest.raises(CallbackError, match="among"):
        host_sin(np.arange(3.0), "loop")


@BOTH
def test_a_derivative_is_refused_unless_a_rule_is_given(stage):
    with pytest.raises(CallbackError, match="custom_jvp"):
        stage(ftx.grad(lambda x: host_sin(x)))(1.0)
    safe = ftx.custom_jvp(host_sin)
    safe.defjvps(lambda t, out, x: fnp.cos(x) * t)
    np.testing.assert_allclose(stage(ftx.grad(safe))(fnp.asarray(1.0)), np.cos(1.0), rtol=1e-6)


@BOTH
def test_effects_happen_once_in_order_in_loops_and_branches(stage):
    seen = []
    note = lambda tag: lambda v: seen.append((tag, float(v)))

    def f(x):
        io_callback(note("first"), None, x)

        def step(c, k):
            io_callback(note("step"), None, c)
            lax.cond(k > 0, lambda: io_callback(note("odd"), None, c), lambda: None)
            return c + 1, None

        c, _ = lax.scan(step, x, fnp.asarray([0, 1, 0]))
        lax.while_loop(
            lambda c: c < 5, lambda c: (io_callback(note("while"), None, c), c + 1)[1], c
        )
        io_callback(note("last"), None, x)
        return x

    stage(f)(1.0)
    steps = [("step", 1.0), ("step", 2.0), ("odd", 2.0), ("step", 3.0)]
    assert seen == [("first", 1.0), *steps, ("while", 4.0), ("last", 1.0)]


@BOTH
def test_an_effect_whose_result_nobody_reads_still_happens_and_a_pure_call_need_not(stage):
    calls = []

    def f(x):
        io_callback(lambda v: calls.append("io") or v, SCALAR, x)
        return x + 1

    stage(f)(np.float64(1))
    assert calls == ["io"]


def test_vmapped_effects_run_row_after_row_and_only_where_taken():
    seen = []
    note = lambda v: seen.append(float(v))

    def f(x):
        return lax.cond(x > 0, lambda x: (io_callback(note, None, x), x)[1], lambda x: -x, x)

    x = np.array([1.0, -2.0, 3.0])
    np.testing.assert_allclose(ftx.jit(ftx.vmap(f))(x), abs(x))
    assert seen == [1.0, 3.0]
    seen.clear()
    np.testing.assert_allclose(ftx.vmap(f)(x), abs(x))
    assert sorted(seen) == [1.0, 3.0]


@BOTH
def test_debug_print_looks_on_under_every_transform(stage, capsys):
    def f(x):
        ftx.debug.print("x = {x:.1f}, {}", x + 1, x=x)
        return x**2

    assert float(stage(ftx.grad(f))(3.0)) == 6.0
    assert capsys.readouterr().out == "x = 3.0, 4.0\n"
    stage(ftx.vmap(f))(np.array([1.0, 2.0]))
    assert capsys.readouterr().out == "x = 1.0, 2.0\nx = 2.0, 3.0\n"
    assert float(stage(lambda x: ftx.jvp(f, (x,), (1.0,))[1])(3.0)) == 6.0
    assert capsys.readouterr().out == "x = 3.0, 4.0\n"


def test_a_format_that_does_not_fit_is_refused_where_it_is_written():
    for fmt, args, kwargs in [("{} {}", (1,), {}), ("{x}", (), {}), ("no", (), {"x": 1})]:
        with pytest.raises(CallbackError, match="debug.print"):
            ftx.debug.print(fmt, *args, **kwargs)


@BOTH
def test_what_a_callback_raises_reaches_the_caller_with_its_place(stage):
    def fails(x):
        raise KeyError("mine")

    f = lambda x: ftx.pure_callback(fails, SCALAR, x) + 1
    with pytest.raises(KeyError, match="mine") as raised:
        stage(f)(np.float64(1))
    assert "test_callback.py" in raised.value.__notes__[0]
    assert float(stage(lambda x: host_sin(x))(np.float64(0))) == 0.0  # nothing was lost


@BOTH
@pytest.mark.parametrize("returned", [np.zeros(2), np.complex128(1j), (1.0, 2.0), None])
def test_a_result_that_was_not_announced_is_refused(stage, returned):
    with pytest.raises(CallbackError, match="announce"):
        stage(lambda x: ftx.pure_callback(lambda x: returned, SCALAR, x))(np.float64(1))


def test_a_callback_may_keep_what_it_is_given():
    kept = []
    f = ftx.jit(lambda x: (io_callback(kept.append, None, x * 2), x * 3)[1])
    for k in range(3):
        f(fnp.full((1000,), float(k)))
    assert [k[0] for k in kept] == [0.0, 2.0, 4.0]

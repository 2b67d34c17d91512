"""cond, switch, scan, while_loop, fori_loop, map under every transform."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import BranchError, CarryError, ShapeError
from ftx.lax import cond, fori_loop, scan, switch, while_loop


def close(a, b, tolerance=1e-6):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), tolerance, tolerance)


XS = np.linspace(-1, 1, 6)


def recurrence(w, xs, c0=0.5):
    def body(c, x):
        c = fnp.sin(c * w + x)
        return c, c * x

    c, ys = scan(body, c0, xs)
    return c + fnp.sum(ys)


def recurrence_in_python(w, xs, c=0.5):
    total = 0.0
    for x in xs:
        c = fnp.sin(c * w + x)
        total = total + c * x
    return c + total


@pytest.mark.parametrize("staged", [False, True])
def test_scan_and_its_derivatives_agree_with_unrolling(staged):
    ours, theirs = recurrence, recurrence_in_python
    for transform in (
        lambda f: f,
        ftx.grad,
        lambda f: ftx.grad(ftx.grad(f)),
        lambda f: ftx.grad(lambda w, xs: fnp.sum(ftx.grad(f, 1)(w, xs) ** 2)),
        lambda f: lambda w, xs: ftx.jvp(lambda w: f(w, xs), (w,), (1.0,))[1],
        lambda f: lambda w, xs: ftx.vmap(lambda s: f(w * s, xs))(fnp.array([1.0, 2.0])),
        lambda f: lambda w, xs: ftx.vmap(f, (None, 0))(w, fnp.stack([xs, 2 * xs])),
    ):
        a, b = transform(ours), transform(theirs)
        a = ftx.jit(a) if staged else a
        close(a(0.7, XS), b(0.7, XS), 1e-6)


def test_scan_of_trees_reverse_and_length():
    carry, ys = scan(
        lambda c, x: ({"n": c["n"] + 1, "s": c["s"] + x["v"]}, c["s"]),
        {"n": 0, "s": 0.0},
        {"v": XS},
        reverse=True,
    )
    assert int(carry["n"]) == 6
    close(ys, np.cumsum([0, *XS[::-1][:-1]])[::-1])
    assert scan(lambda c, _: (c + 1, None), 0, None, length=4)[0] == 4
    carry, ys = scan(lambda c, x: (c, x), 1.0, np.zeros((0, 2)))
    assert ys.shape == (0, 2)


def test_scan_keeps_closed_over_tracers():
    f = lambda w: scan(lambda c, x: (c * w, None), 1.0, None, 3)[0]
    close(ftx.grad(f)(2.0), 12)
    close(ftx.vmap(ftx.grad(f))(np.array([2.0, 3.0])), [12, 27])


def test_weak_initial_carry_takes_the_body_s_dtype():
    c, _ = scan(lambda c, x: (c + x, None), 0, XS.astype(np.float32))
    assert c.dtype == np.float32


def test_cond():
    f = lambda p, x: cond(p, lambda v: v * 2, lambda v: fnp.sin(v), x)
    for p in (True, False):
        for transform in (lambda f: f, ftx.jit):
            close(transform(f)(p, 0.3), 0.6 if p else np.sin(0.3))
            close(transform(ftx.grad(f, 1))(p, 0.3), 2 if p else np.cos(0.3))
    close(ftx.vmap(f, (None, 0))(True, XS), 2 * XS)
    close(ftx.vmap(f, (0, None))(np.array([True, False]), 0.3), [0.6, np.sin(0.3)])


def test_branches_that_differ_in_weakness_agree():
    f = ftx.jit(lambda p, x: cond(p, lambda v: 1, lambda v: v, x))
    assert f(True, fnp.float32(0.5)).dtype == np.float32
    assert f(False, fnp.float32(0.5)) == 0.5


def test_switch_clamps_its_index():
    f = ftx.jit(lambda i, x: switch(i, [lambda v: v, lambda v: v * 2, lambda v: v * 3], x))
    assert [float(f(i, 1.0)) for i in (-5, 0, 1, 2, 9)] == [1, 1, 2, 3, 3]
    slopes = ftx.vmap(ftx.grad(lambda x, i: switch(i, [lambda v: v, lambda v: v**2], x)))
    close(slopes(np.array([3.0, 3.0]), np.array([0, 1])), [1, 6])


def test_while_loop():
    f = lambda x: while_loop(lambda v: v[0] < 50, lambda v: (v[0] * v[0], v[1] + 1), (x, 0))
    for transform in (lambda f: f, ftx.jit):
        value, count = transform(f)(2.0)
        assert (float(value), int(count)) == (256, 3)
    value, tangent = ftx.jvp(lambda x: f(x)[0], (2.0,), (1.0,))
    close(tangent, 8 * 2.0**7)


def test_fori_loop_of_known_length_has_a_gradient():
    f = lambda x: fori_loop(0, 4, lambda i, v: v * x, 1.0)
    close(ftx.grad(f)(2.0), 32)
    close(ftx.jit(ftx.grad(f))(2.0), 32)
    g = ftx.jit(lambda n, x: fori_loop(0, n, lambda i, v: v + i * x, 0.0))
    close(g(4, 2.0), 12)


def test_nested_loops_and_branches():
    def f(x):
        def body(c, i):
            c = cond(c > 1, lambda v: v / 2, lambda v: v * x, c)
            c = while_loop(lambda v: v < 0.1, lambda v: v * 3, c)
            return c, fori_loop(0, 3, lambda k, v: v + k * c, 0.0)

        c, ys = scan(body, x, fnp.arange(5))
        return c, ys

    eager, compiled = f(0.7), ftx.jit(f)(0.7)
    for a, b in zip(eager, compiled, strict=True):
        close(a, b)


def test_map():
    close(ftx.lax.map(lambda x: x**2, XS), XS**2)


def test_errors():
    with pytest.raises(CarryError, match="the shape changes"):
        scan(lambda c, x: (fnp.stack([c, c]), x), 0.0, XS)
    with pytest.raises(CarryError, match="^fori_loop.*the shape changes"):
        fori_loop(0, 3, lambda i, c: fnp.stack([c, c]), 0.0)
    with pytest.raises(CarryError, match="^fori_loop.*the shape changes"):
        ftx.jit(lambda n: fori_loop(0, n, lambda i, c: fnp.stack([c, c]), 0.0))(3)
    with pytest.raises(CarryError, match="structure"):
        scan(lambda c, x: ((c, c), x), 0.0, XS)
    with pytest.raises(ShapeError, match="one leading size"):
        scan(lambda c, x: (c, None), 0.0, (XS, XS[:2]))
    with pytest.raises(CarryError, match="scalar bool"):
        while_loop(lambda v: v, lambda v: v, 1.0)
    with pytest.raises(BranchError, match="one result structure"):
        ftx.jit(lambda p: cond(p, lambda x: x, lambda x: (x, x), 1.0))(True)
    with pytest.raises(BranchError, match="equal types"):
        ftx.jit(lambda p: cond(p, lambda x: x, lambda x: fnp.stack([x, x]), 1.0))(True)


@pytest.mark.peers
def test_scan_like_jax():
    jax = pytest.importorskip("jax")
    rng = np.random.default_rng(0)
    w, xs, c0 = rng.standard_normal((3, 3)), rng.standard_normal((5, 3)), np.ones(3)

    def make(numpy, lax):
        def f(w, xs, c0):
            def body(c, x):
                c = lax.cond(numpy.sum(c) > 0.5, lambda v: v * 0.5, lambda v: numpy.sin(v), c)
                c = numpy.tanh(w @ c + x)
                return c, c * x

            c, ys = lax.scan(body, c0, xs)
            return numpy.sum(ys) + numpy.sum(c)

        return f

    with jax.enable_x64(True):
        expected = jax.grad(make(jax.numpy, jax.lax), (0, 1, 2))(w, xs, c0)
        hessian = jax.hessian(make(jax.numpy, jax.lax))(w, xs, c0)
    for got in (
        ftx.grad(make(fnp, ftx.lax), (0, 1, 2))(w, xs, c0),
        ftx.jit(ftx.grad(make(fnp, ftx.lax), (0, 1, 2)))(w, xs, c0),
    ):
        for a, b in zip(got, expected, strict=True):
            close(a, b)
    close(ftx.hessian(make(fnp, ftx.lax))(w, xs, c0), hessian)


def test_the_slope_of_a_scan_linear_in_its_carry_does_not_depend_on_the_carry():
    factors = np.array([2.0, 3.0, 4.0])
    f = lambda c: scan(lambda c, x: (x * c, None), c, factors)[0]
    program = ftx.make_jaxpr(ftx.grad(f))(1.0)
    (c,) = program.arg_vars
    reached = {c}
    for eqn in program.eqns:
        if reached.intersection(eqn.invars):
            reached.update(eqn.outvars)
    assert program.outvars[0] not in reached
    close(ftx.grad(f)(1.0), 24)

"""Transforms composed in unusual orders, against closed forms, NumPy or JAX."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import lax

X = fnp.array([0.3, -1.2, 2.0])


def close(got, expected, tolerance=1e-5):
    np.testing.assert_allclose(np.asarray(got), np.asarray(expected), tolerance, tolerance)


def test_jit_of_vmap_of_grad_of_jit():
    f = ftx.jit(lambda x: fnp.sin(x) * x)
    close(ftx.jit(ftx.vmap(ftx.grad(ftx.jit(f))))(X), np.cos(X) * X + np.sin(X))


def test_grad_of_vmap_of_jitted_scan():
    def power(x):  # x ** 4, by a loop
        return lax.scan(lambda c, _: (c * x, None), fnp.ones_like(x), None, length=4)[0]

    total = lambda xs: fnp.sum(ftx.vmap(ftx.jit(power))(xs))
    close(ftx.grad(total)(X), 4 * np.asarray(X) ** 3)
    close(ftx.jit(ftx.grad(total))(X), 4 * np.asarray(X) ** 3)


def test_hessian_of_a_network_is_symmetric_and_agrees_with_differences():
    with ftx.enable_x64(True):
        w = fnp.asarray(np.linspace(-1, 1, 12).reshape(3, 4))
        v = fnp.asarray(np.linspace(0.5, -0.7, 4))
        f = lambda x: fnp.tanh(fnp.tanh(x @ w) @ v)
        x = fnp.asarray(np.array([0.1, -0.4, 0.7]))
        h = np.asarray(ftx.hessian(f)(x))
        close(h, h.T, 1e-12)
        g, eps = ftx.grad(f), 1e-6
        rows = [
            (np.asarray(g(x + eps * e)) - np.asarray(g(x - eps * e))) / (2 * eps) for e in np.eye(3)
        ]
        close(h, rows, 1e-7)
        close(ftx.jacrev(ftx.jacfwd(f))(x), h, 1e-12)
        close(ftx.jit(ftx.jacfwd(ftx.jacfwd(f)))(x), h, 1e-12)


def test_jvp_of_vjp_is_the_hessian_vector_product():
    f = lambda x: fnp.sum(x**3)
    v = fnp.array([1.0, 2.0, -1.0])
    _, product = ftx.jvp(lambda x: ftx.vjp(f, x)[1](1.0)[0], (X,), (v,))
    close(product, 6 * np.asarray(X) * np.asarray(v))


def test_third_and_fourth_derivatives():
    g = fnp.exp
    for _ in range(4):
        g = ftx.grad(g)
    close(g(0.5), np.exp(0.5))
    third = ftx.grad(ftx.grad(ftx.grad(lambda x: fnp.sin(x) * x**2)))
    x = 0.7
    close(third(x), 6 * np.cos(x) - 6 * x * np.sin(x) - x**2 * np.cos(x), 1e-4)


def test_closures_over_tracers():
    def outer(a):
        inner = ftx.jit(lambda x: x * a)
        return fnp.sum(ftx.vmap(ftx.grad(lambda x: inner(x) * a))(fnp.ones(3)))

    close(ftx.grad(outer)(2.0), 12.0)
    close(ftx.jit(ftx.grad(outer))(2.0), 12.0)


def test_perturbations_are_not_confused():
    # d/dx (x * d/dy (x + y)) = 1, the classic case.
    assert float(ftx.grad(lambda x: x * ftx.grad(lambda y: x + y)(1.0))(2.0)) == 1.0
    f = lambda x: x * ftx.jvp(lambda y: x * y, (1.0,), (1.0,))[1]
    assert float(ftx.jvp(f, (3.0,), (1.0,))[1]) == 6.0


def test_vmap_with_a_named_axis_inside_pmap():
    def f(x):
        inner = ftx.vmap(lambda y: y / lax.psum(y, ("rows", "devices")), axis_name="rows")
        return inner(x)

    x = fnp.arange(8.0).reshape(2, 4)
    got = ftx.pmap(f, axis_name="devices")(x)
    close(got, np.asarray(x) / np.asarray(x).sum())


def test_grad_through_cond_inside_scan_inside_vmap():
    def f(x):
        def body(c, _):
            return lax.cond(c > 1.0, lambda v: v * 0.5, lambda v: v * v + x, c), c

        c, ys = lax.scan(body, x, None, length=5)
        return c + fnp.sum(ys)

    jax = pytest.importorskip("jax")

    def g(x):
        def body(c, _):
            return jax.lax.cond(c > 1.0, lambda v: v * 0.5, lambda v: v * v + x, c), c

        c, ys = jax.lax.scan(body, x, None, length=5)
        return c + jax.numpy.sum(ys)

    close(ftx.vmap(ftx.grad(f))(X), jax.vmap(jax.grad(g))(np.asarray(X)), 1e-4)
    close(ftx.jit(ftx.vmap(ftx.grad(f)))(X), jax.vmap(jax.grad(g))(np.asarray(X)), 1e-4)


def test_checkpoint_and_custom_rules_under_every_order():
    @ftx.custom_jvp
    def sine(x):
        return fnp.sin(x)

    @sine.defjvp
    def _(primals, tangents):
        (x,), (t,) = primals, tangents
        return sine(x), t * fnp.cos(x)

    f = ftx.checkpoint(lambda x: sine(sine(x)))
    x = np.asarray(X)
    slope = np.cos(np.sin(x)) * np.cos(x)
    close(ftx.vmap(ftx.grad(f))(X), slope)
    close(ftx.jit(ftx.vmap(ftx.grad(f)))(X), slope)
    close(ftx.grad(lambda x: fnp.sum(ftx.vmap(f)(x)))(X), slope)


def test_eager_grad_of_a_jitted_function_traces_once():
    calls = []

    @ftx.jit
    def f(x):
        calls.append(1)
        return fnp.sum(fnp.sin(x) * x)

    slope = ftx.grad(f)
    slope(X)
    compiled = ftx.compile_stats().compiled + ftx.compile_stats().loaded_from_disk
    for _ in range(1000):
        slope(X)
    assert len(calls) == 1 and f.traces == 1
    assert ftx.compile_stats().compiled + ftx.compile_stats().loaded_from_disk == compiled


def test_python_control_flow_on_values_under_eager_grad():
    def f(x):
        if x > 0:
            return x**2
        while x < -1:
            x = x / 2
        return -x

    assert float(ftx.grad(f)(3.0)) == 6.0
    assert float(ftx.grad(f)(-3.0)) == -0.25

    def tree_sum(node):
        return node**2 if not isinstance(node, tuple) else sum(tree_sum(n) for n in node)

    nested = (1.0, (2.0, (3.0,)), 4.0)
    grads = ftx.grad(tree_sum)(nested)
    assert [float(g) for g in ftx.tree.leaves(grads)] == [2.0, 4.0, 6.0, 8.0]

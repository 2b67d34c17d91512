"""Derivatives as users ask for them."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp


def close(a, b, tolerance=1e-6):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), tolerance, tolerance)


def mlp(params, x):
    for w, b in params[:-1]:
        x = fnp.tanh(x @ w + b)
    w, b = params[-1]
    return x @ w + b


def params_of(rng, sizes):
    pairs = zip(sizes, sizes[1:], strict=False)
    return [(rng.standard_normal((m, n)), rng.standard_normal(n)) for m, n in pairs]


def test_arguments_that_are_not_differentiated_need_not_be_arrays():
    f = lambda x, kind: x**2 if kind == "square" else x
    assert float(ftx.grad(f)(3.0, "square")) == 6
    assert float(ftx.grad(f)(3.0, kind="square")) == 6
    assert float(ftx.grad(lambda x, args, fun: x * args)(3.0, args=2.0, fun="no array")) == 2
    assert float(ftx.jit(ftx.grad(lambda x: ftx.grad(f)(x, kind="square")))(3.0)) == 2


def test_grad_of_a_tree_is_a_tree():
    rng = np.random.default_rng(0)
    params, x = params_of(rng, (4, 5, 2)), rng.standard_normal((3, 4))
    loss = lambda p: fnp.sum(mlp(p, x) ** 2)
    slopes = ftx.grad(loss)(params)
    assert ftx.tree.structure(slopes) == ftx.tree.structure(params)
    step = 1e-6
    for i, (w, _) in enumerate(params):
        direction = rng.standard_normal(w.shape)
        ahead, behind = ([*params] for _ in range(2))
        ahead[i] = (w + step * direction, params[i][1])
        behind[i] = (w - step * direction, params[i][1])
        expected = (loss(ahead) - loss(behind)) / (2 * step)
        close(np.sum(np.asarray(slopes[i][0]) * direction), expected, 1e-6)


def test_orders_up_to_five():
    f, expected = lambda x: x**6, [6, 30, 120, 360, 720]
    for e in expected:
        f = ftx.grad(f)
        close(f(1.0), e)


def test_perturbation_confusion():
    # The inner derivative must not see the outer variable as its own (Siskind and Pearlmutter).
    close(ftx.grad(lambda x: x * ftx.grad(lambda y: x + y)(1.0))(1.0), 1.0)
    close(ftx.jvp(lambda x: ftx.jvp(lambda y: x * y, (2.0,), (1.0,))[1], (3.0,), (1.0,))[1], 1.0)


def test_closing_over_outer_tracers():
    f = lambda x: ftx.grad(lambda y: fnp.sin(x * y))(2.0)
    x = 0.7
    close(ftx.grad(f)(x), np.cos(2 * x) - 2 * x * np.sin(2 * x))


def test_value_and_grad_with_aux():
    f = lambda x: (fnp.sum(x**2), {"twice": 2 * x})
    x = fnp.array([1.0, 2.0])
    (value, aux), slope = ftx.value_and_grad(f, has_aux=True)(x)
    close(value, 5)
    close(aux["twice"], [2, 4])
    close(slope, [2, 4])
    slope, aux = ftx.grad(f, has_aux=True)(x)
    close(slope, [2, 4])


@pytest.mark.parametrize("argnums", [0, 1, -1, (0, 1), (1,)])
def test_argnums(argnums):
    got = ftx.grad(lambda x, y: x * y**2, argnums)(2.0, 3.0)
    one = [9.0, 12.0]
    expected = one[argnums] if isinstance(argnums, int) else tuple(one[i] for i in argnums)
    close(got, expected)
    assert isinstance(got, tuple) == isinstance(argnums, tuple)


def test_integer_arguments():
    f = lambda x, n: x * n
    close(ftx.grad(f)(2.0, 3), 3)
    assert ftx.grad(f, 1, allow_int=True)(2.0, 3).dtype == ftx.core.dtypes.float0


def test_keyword_arguments_are_not_differentiated():
    close(ftx.grad(lambda x, *, scale: x * scale)(2.0, scale=5.0), 5)


def test_jacobians_and_hessian():
    a = np.arange(6.0).reshape(2, 3)
    f = lambda x: fnp.sin(a @ x)
    x = np.array([0.1, 0.2, 0.3])
    expected = np.cos(a @ x)[:, None] * a
    close(ftx.jacfwd(f)(x), expected)
    close(ftx.jacrev(f)(x), expected)
    g = lambda x: fnp.sum(f(x))
    close(ftx.hessian(g)(x), -(a.T * np.sin(a @ x)) @ a)


def test_jacobian_of_trees():
    f = lambda d: {"sum": d["a"] + d["b"].sum(), "prod": d["a"] * d["b"]}
    point = {"a": np.array(2.0), "b": np.array([3.0, 4.0])}
    for jacobian in (ftx.jacfwd, ftx.jacrev):
        j = jacobian(f)(point)
        close(j["prod"]["a"], [3, 4])
        close(j["prod"]["b"], 2 * np.eye(2))
        close(j["sum"]["b"], [1, 1])


def test_linearize_and_linear_transpose():
    f = lambda x: fnp.sin(x) * x
    x, t = np.array([0.3, 0.7]), np.array([1.0, 2.0])
    y, push = ftx.linearize(f, x)
    close(y, np.sin(x) * x)
    close(push(t), (np.cos(x) * x + np.sin(x)) * t)
    m = np.arange(6.0).reshape(2, 3)
    (back,) = ftx.linear_transpose(lambda v: fnp.dot(m, v), np.ones(3))(np.array([1.0, 10.0]))
    close(back, m.T @ [1, 10])


def test_vjp_of_several_outputs():
    (a, b), pull = ftx.vjp(lambda x, y: (x * y, x + y), 2.0, 5.0)
    close([a, b], [10, 7])
    close(pull((1.0, 100.0)), [105, 102])


def test_complex():
    close(ftx.grad(lambda z: fnp.abs(z) ** 2)(3 + 4j), 6 - 8j)
    close(ftx.grad(lambda z: z**3, holomorphic=True)(1 + 1j), 3 * (1 + 1j) ** 2)
    real = lambda x: fnp.real(fnp.exp(1j * x))
    close(ftx.grad(real)(0.5), -np.sin(0.5))


def test_dtype_of_gradients():
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        assert ftx.grad(lambda x: (x * 2.0).sum())(fnp.ones(3, dtype)).dtype == dtype
    mixed = ftx.grad(lambda x, y: (x * y).sum(), (0, 1))
    a, b = mixed(fnp.ones(2, "float32"), fnp.ones(2, "float64"))
    assert (a.dtype, b.dtype) == ("float32", "float64")


def test_unused_and_constant():
    close(ftx.grad(lambda x, y: y * 1.0)(2.0, 3.0), 0)
    close(ftx.grad(lambda x: 3.0)(2.0), 0)


def test_python_control_flow_on_values():
    def f(x):
        if x > 0:
            while x < 10:
                x = x * x
        return x

    close(ftx.grad(f)(2.0), 4 * 2.0**3)
    close(ftx.grad(f)(-2.0), 1)
    close(ftx.grad(ftx.grad(f))(2.0), 12 * 2.0**2)


def test_stop_gradient():
    close(ftx.grad(lambda x: x * ftx.lax.stop_gradient(x))(3.0), 3)


def test_checkpoint_gives_the_same_derivatives():
    f = lambda x: fnp.sum(fnp.sin(fnp.sin(x)) ** 2)
    x = np.linspace(0, 1, 5)
    for g in (ftx.grad, lambda f: ftx.jit(ftx.grad(f)), ftx.hessian):
        close(g(ftx.checkpoint(f))(x), g(f)(x))


COMPOSITIONS = {
    "grad": lambda f: ftx.grad(f),
    "jit(grad)": lambda f: ftx.jit(ftx.grad(f)),
    "grad(jit)": lambda f: ftx.grad(ftx.jit(f)),
    "jit(grad(jit))": lambda f: ftx.jit(ftx.grad(ftx.jit(f))),
    "vmap(grad)": lambda f: lambda x: ftx.vmap(ftx.grad(f))(x[None])[0],
    "grad(vmap)": lambda f: ftx.grad(lambda x: fnp.sum(ftx.vmap(f)(x[None]))),
    "jit(vmap(grad(jit)))": lambda f: lambda x: ftx.jit(ftx.vmap(ftx.grad(ftx.jit(f))))(x[None])[0],
    "jacfwd": lambda f: ftx.jacfwd(f),
    "grad(checkpoint)": lambda f: ftx.grad(ftx.checkpoint(f)),
}


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_compositions_agree(name):
    f = lambda x: fnp.sum(fnp.exp(fnp.sin(x)) * x)
    x = np.linspace(-1, 1, 4)
    expected = np.exp(np.sin(x)) * (np.cos(x) * x + 1)
    close(COMPOSITIONS[name](f)(x), expected)


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_second_order_compositions_agree(name):
    f = lambda x: fnp.sum(x**4)
    x = np.array([0.5, 1.5])
    second = lambda x: fnp.sum(ftx.grad(f)(x) * fnp.array([1.0, 10.0]))
    close(COMPOSITIONS[name](second)(x), 12 * x**2 * [1, 10])


@pytest.mark.peers
@pytest.mark.parametrize("order", [1, 2, 3])
def test_mlp_like_jax(order):
    jax = pytest.importorskip("jax")
    rng = np.random.default_rng(0)
    params, x = params_of(rng, (3, 4, 1)), rng.standard_normal((2, 3))

    def loss(numpy):
        def f(s):
            y = x
            for w, b in params[:-1]:
                y = numpy.tanh(y @ (w * s) + b)
            return numpy.sum((y @ params[-1][0]) ** 2)

        return f

    ours, theirs = loss(fnp), loss(jax.numpy)
    with jax.enable_x64(True):
        for _ in range(order):
            ours, theirs = ftx.grad(ours), jax.grad(theirs)
        close(ours(0.7), theirs(np.float64(0.7)), 1e-5)

"""custom_linear_solve and custom_root: implicit derivatives, whatever finds the solution."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import lax
from ftx.core.errors import CustomRuleError, ShapeError, TreeError

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 3)) + 4 * np.eye(3)
B = RNG.normal(size=3)
STAGES = pytest.mark.parametrize("stage", [lambda f: f, ftx.jit], ids=["eager", "jit"])


def close(a, b, tolerance=1e-6):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), tolerance, tolerance)


def slope(f, x, direction, eps=1e-6):
    return (np.asarray(f(x + eps * direction)) - np.asarray(f(x - eps * direction))) / (2 * eps)


def jacobi(lib, matvec, b):
    """Jacobi iteration by a while_loop, which has no reverse mode of its own."""
    diagonal = lib.numpy.stack([matvec(e)[i] for i, e in enumerate(np.eye(b.shape[0]))])

    def step(state):
        x, _, i = state
        new = x + (b - matvec(x)) / diagonal
        return new, lib.numpy.max(lib.numpy.abs(new - x)), i + 1

    goes_on = lambda state: (state[1] > 1e-14) & (state[2] < 500)
    start = lib.numpy.zeros_like(b), lib.numpy.ones((), b.dtype), 0
    return lib.lax.while_loop(goes_on, step, start)[0]


def solved(lib, a, b):
    solve = lambda matvec, b: jacobi(lib, matvec, b)
    return lib.lax.custom_linear_solve(lambda x: a @ x, b, solve, solve)


def newton(lib, f, x):
    def step(state):
        x, _ = state
        new = x - f(x) / lib.grad(f)(x)
        return new, lib.numpy.abs(new - x)

    return lib.lax.while_loop(lambda s: s[1] > 1e-13, step, (x, lib.numpy.ones_like(x)))[0]


def cube_root(lib, a):
    """The root of x³ + x = a."""
    f = lambda x: x**3 + x - a
    solve = lambda f, x: newton(lib, f, x)
    return lib.lax.custom_root(f, lib.numpy.ones_like(a), solve, lambda g, y: y / g(1.0))


def value_of_root(a):
    return np.real(next(r for r in np.roots([1, 0, 1, -a]) if abs(r.imag) < 1e-9))


def root_derivatives(a):
    """x' = 1 / (3x² + 1);  x'' = -6x x'³"""
    x = value_of_root(a)
    first = 1 / (3 * x**2 + 1)
    second = -6 * x * first**3
    return x, first, second, -6 * first**4 - 18 * x * first**2 * second


@STAGES
def test_linear_solve_equals_the_inverse_and_its_derivatives(stage):
    close(stage(lambda a, b: solved(ftx, a, b))(A, B), np.linalg.solve(A, B))
    f = lambda a, b: fnp.sum(fnp.sin(solved(ftx, a, b)))
    x = np.linalg.solve(A, B)
    cotangent = np.linalg.solve(A.T, np.cos(x))
    da, db = stage(ftx.grad(f, (0, 1)))(A, B)
    close(db, cotangent)
    close(da, -np.outer(cotangent, x))


@STAGES
def test_forward_mode_of_a_linear_solve(stage):
    ta, tb = RNG.normal(size=(3, 3)), RNG.normal(size=3)
    push = stage(lambda a, b: ftx.jvp(lambda a, b: solved(ftx, a, b), (a, b), (ta, tb)))
    x = np.linalg.solve(A, B)
    close(push(A, B)[0], x)
    close(push(A, B)[1], np.linalg.solve(A, tb - ta @ x))


@STAGES
def test_second_and_third_derivatives_of_a_linear_solve(stage):
    f = lambda s: fnp.sum(solved(ftx, A * s, B))
    whole = np.linalg.solve(A, B).sum()
    for order in (1, 2, 3):
        f = ftx.grad(f)
        close(stage(f)(2.0), (-1) ** order * [1, 1, 2, 6][order] * whole / 2 ** (order + 1))
    hessian = stage(ftx.hessian(lambda b: fnp.sum(solved(ftx, A, b) ** 2)))(B)
    inverse = np.linalg.inv(A)
    close(hessian, 2 * inverse.T @ inverse)


@STAGES
@pytest.mark.parametrize("axes", [(0, 0), (None, 0), (0, None)])
def test_vmap_of_a_linear_solve_and_its_gradient(stage, axes):
    a = np.stack([A, A + np.eye(3)]) if axes[0] == 0 else A
    b = np.stack([B, 2 * B]) if axes[1] == 0 else B
    row = lambda x, axis, i: x if axis is None else x[i]
    rows = [(row(a, axes[0], i), row(b, axes[1], i)) for i in range(2)]
    got = stage(ftx.vmap(lambda a, b: solved(ftx, a, b), axes))(a, b)
    close(got, [np.linalg.solve(*r) for r in rows])
    slopes = ftx.grad(lambda a, b: fnp.sum(solved(ftx, a, b) ** 2), (0, 1))
    each = [slopes(*r) for r in rows]
    da, db = stage(ftx.vmap(slopes, axes))(a, b)
    close(da, [e[0] for e in each])
    close(db, [e[1] for e in each])
    total = ftx.grad(
        lambda a, b: fnp.sum(ftx.vmap(lambda a, b: solved(ftx, a, b), axes)(a, b) ** 2)
    )
    close(stage(total)(a, b), sum(e[0] for e in each) if axes[0] is None else [e[0] for e in each])


def test_linear_solve_inside_a_scan_and_a_cond():
    def f(s):
        step = lambda x, _: (lax.cond(s > 0, lambda b: solved(ftx, A * s, b), lambda b: b, x), None)
        return fnp.sum(lax.scan(step, B, None, length=3)[0])

    inverse = np.linalg.inv(A)
    close(ftx.jit(ftx.grad(f))(1.0), -3 * (inverse @ inverse @ inverse @ B).sum())


def test_trees_aux_and_symmetric_maps():
    matvec = lambda t: {"u": 2 * t["u"] + t["v"], "v": t["u"] + 3 * t["v"]}

    def solve(matvec, b):
        det = 5.0
        x = {"u": (3 * b["u"] - b["v"]) / det, "v": (2 * b["v"] - b["u"]) / det}
        return x, {"steps": 1}

    def f(u):
        x, aux = lax.custom_linear_solve(
            matvec, {"u": u, "v": 1.0}, solve, symmetric=True, has_aux=True
        )
        return x["u"] * 10 + x["v"], aux

    (value, aux), got = ftx.jit(ftx.value_and_grad(f, has_aux=True))(2.0)
    close(value, 10 * 5 / 5 + 0 / 5)
    close(got, (30 - 1) / 5)
    assert int(aux["steps"]) == 1


@STAGES
def test_the_solution_keeps_64_bits_of_the_matrix(stage):
    by_inverse = lambda a: lambda _, b: np.linalg.inv(a) @ b
    f = lambda b: fnp.sum(
        lax.custom_linear_solve(lambda x: A @ x, b, by_inverse(A), by_inverse(A.T))
    )
    b = np.ones(3, np.float32)
    assert stage(f)(b).dtype == np.float64 and stage(ftx.grad(f))(b).dtype == np.float32
    close(stage(ftx.grad(f))(b), np.linalg.inv(A).sum(0))


def test_reverse_mode_needs_a_transpose_solve():
    solve = lambda matvec, b: jacobi(ftx, matvec, b)
    f = lambda a: fnp.sum(lax.custom_linear_solve(lambda x: a @ x, B, solve))
    close(ftx.jvp(f, (A,), (A,))[1], -np.linalg.solve(A, B).sum())
    with pytest.raises(CustomRuleError, match="transpose_solve for reverse mode, got None"):
        ftx.grad(f)(A)


@STAGES
def test_functions_that_return_another_tree_are_refused(stage):
    good = lambda matvec, b: b
    linear = lambda solve, **k: stage(lambda b: lax.custom_linear_solve(good, b, solve, **k))
    with pytest.raises(TreeError, match=r"custom_linear_solve: expected solve to return the stru"):
        linear(lambda m, b: (b, b))(B)
    with pytest.raises(ShapeError, match="solve to return shapes like"):
        linear(lambda m, b: b[:2])(B)
    with pytest.raises(TreeError, match=r"with has_aux, expected solve to return \(result, aux\)"):
        linear(lambda m, b: b, has_aux=True)(B)
    with pytest.raises(TreeError, match="custom_root: expected solve"):
        stage(lambda x: lax.custom_root(lambda x: x, x, lambda f, x: [x], good))(B)


def test_functions_needed_by_derivatives_are_checked_when_traced():
    good = lambda f, b: b
    with pytest.raises(ShapeError, match="matvec to return shapes like"):
        ftx.jit(lambda b: lax.custom_linear_solve(lambda x: x[:1], b, good))(B)
    with pytest.raises(TreeError, match="tangent_solve to return"):
        ftx.jit(lambda b: lax.custom_root(lambda x: x, b, good, lambda g, y: [y]))(B)


@STAGES
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_derivatives_of_a_root_by_every_route(stage, order):
    f, forward = lambda a: cube_root(ftx, a), lambda a: cube_root(ftx, a)
    for _ in range(order):
        f, forward = ftx.grad(f), ftx.jacfwd(forward)
    a = np.float64(3.0)
    close(stage(f)(a), root_derivatives(3.0)[order])
    close(stage(forward)(a), root_derivatives(3.0)[order])
    rows = np.array([2.0, 3.0, 10.0])
    close(stage(ftx.vmap(f))(rows), [root_derivatives(r)[order] for r in rows])


def test_gradient_of_the_vmap_of_a_root():
    rows = np.array([2.0, 3.0, 10.0])
    total = lambda rows: fnp.sum(ftx.vmap(lambda a: cube_root(ftx, a))(rows))
    close(ftx.jit(ftx.grad(total))(rows), [root_derivatives(r)[1] for r in rows])
    scanned = lambda rows: lax.scan(lambda c, a: (c + cube_root(ftx, a), None), 0.0, rows)[0]
    close(ftx.grad(scanned)(rows), [root_derivatives(r)[1] for r in rows])


@STAGES
def test_a_root_of_a_system_with_a_loop_in_its_equation(stage):
    """x + tanh(Wx) applied twice = b, solved by fixed steps; slopes against differences."""
    weights = 0.3 * RNG.normal(size=(3, 3))

    def equation(w, b):
        return lambda x: (
            lax.scan(lambda c, _: (c + fnp.tanh(w @ c), None), x, None, length=2)[0] - b
        )

    def solve(f, x):
        step = lambda s: (s[0] - 0.3 * f(s[0]), s[1] + 1)
        return lax.while_loop(lambda s: s[1] < 400, step, (x, 0))[0]

    tangent = lambda g, y: fnp.linalg.solve(ftx.jacobian(g)(y), y)
    f = lambda w, b: fnp.sum(lax.custom_root(equation(w, b), 0 * b, solve, tangent) ** 2)
    close(equation(weights, B)(lax.custom_root(equation(weights, B), 0 * B, solve, tangent)), 0 * B)
    dw, db = stage(ftx.grad(f, (0, 1)))(weights, B)
    tw, tb = RNG.normal(size=(3, 3)), RNG.normal(size=3)
    close(np.sum(dw * tw), slope(lambda w: f(w, B), weights, tw), 1e-5)
    close(np.sum(db * tb), slope(lambda b: f(weights, b), B, tb), 1e-5)


def test_a_linear_solver_serves_as_tangent_solve():
    f = lambda m: fnp.sum(
        lax.custom_root(
            lambda x: m @ x - B,
            0 * B,
            lambda f, x: jacobi(ftx, lambda v: m @ v, B),
            lambda g, y: lax.custom_linear_solve(g, y, *[lambda g, y: jacobi(ftx, g, y)] * 2),
        )
    )
    want = -np.outer(np.linalg.solve(A.T, np.ones(3)), np.linalg.solve(A, B))
    close(ftx.jit(ftx.grad(f))(A), want)


def test_aux_of_a_root_and_an_integer_guess():
    solve = lambda f, x: (newton(ftx, f, x * 1.0), fnp.int32(7))
    f = lambda a: lax.custom_root(lambda x: x**2 - a, 1, solve, lambda g, y: y / g(1.0), True)
    value, aux = ftx.jit(f)(4.0)
    close(value, 2, 1e-6)
    assert int(aux) == 7
    close(ftx.grad(f, has_aux=True)(4.0)[0], 0.25)


@pytest.mark.peers
@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_equal_jax(order):
    jax = pytest.importorskip("jax")
    found = {}
    with jax.enable_x64(True):
        for lib in (ftx, jax):
            f = lambda s, lib=lib: (
                lib.numpy.sum(solved(lib, A + s * np.diag([1.0, 2.0, 3.0]), B * lib.numpy.cos(s)))
                * cube_root(lib, s)
            )
            for _ in range(order):
                f = lib.grad(f)
            found[lib.__name__] = [lib.jit(f)(s) for s in np.array([0.5, 2.0])]
            found[lib.__name__] += [lib.vmap(f)(np.array([0.5, 2.0]))[1]]
    close(found["ftx"], found["jax"], 1e-9)

"""custom_jvp, custom_vjp, checkpoint: rules are used wherever the function goes."""

import functools

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import CustomRuleError


def close(a, b, tolerance=1e-6):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), tolerance, tolerance)


def marked_jvp():
    """sin with a derivative three times too large, so that its use shows."""

    @ftx.custom_jvp
    def f(x):
        return fnp.sin(x)

    @f.defjvp
    def rule(primals, tangents):
        (x,), (t,) = primals, tangents
        return f(x), 3 * fnp.cos(x) * t

    return f


def marked_vjp():
    @ftx.custom_vjp
    def f(x):
        return fnp.sin(x)

    f.defvjp(lambda x: (fnp.sin(x), fnp.cos(x)), lambda c, ct: (3 * c * ct,))
    return f


TRANSFORMS = {
    "grad": lambda f: lambda x: ftx.grad(lambda x: fnp.sum(f(x)))(x),
    "jit(grad)": lambda f: ftx.jit(ftx.grad(lambda x: fnp.sum(f(x)))),
    "grad(jit)": lambda f: ftx.grad(ftx.jit(lambda x: fnp.sum(f(x)))),
    "vmap(grad)": lambda f: ftx.vmap(ftx.grad(f)),
    "grad(vmap)": lambda f: ftx.grad(lambda x: fnp.sum(ftx.vmap(f)(x))),
    "grad(scan)": lambda f: ftx.grad(
        lambda x: ftx.lax.scan(lambda c, v: (c + f(v), None), 0.0, x)[0]
    ),
    "grad(checkpoint)": lambda f: ftx.grad(ftx.checkpoint(lambda x: fnp.sum(f(x)))),
    "grad(cond)": lambda f: ftx.grad(lambda x: fnp.sum(ftx.lax.cond(True, f, lambda v: v, x))),
}


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("make", [marked_jvp, marked_vjp])
def test_rule_is_used_under(make, name):
    x = np.array([0.1, 0.5, 2.0])
    close(TRANSFORMS[name](make())(x), 3 * np.cos(x))
    close(make()(x), np.sin(x))


def test_forward_mode():
    close(ftx.jvp(marked_jvp(), (0.5,), (2.0,))[1], 6 * np.cos(0.5))
    with pytest.raises(CustomRuleError, match="reverse mode"):
        ftx.jvp(marked_vjp(), (0.5,), (2.0,))


def test_second_derivative_differentiates_the_rule():
    close(ftx.grad(ftx.grad(marked_jvp()))(0.5), -3 * np.sin(0.5))
    close(ftx.grad(ftx.grad(marked_vjp()))(0.5), -3 * np.sin(0.5))


def test_a_linear_function_with_a_rule_is_transposed_as_what_it_is():
    matrix = np.array([[2.0, 1.0], [0.0, 3.0]])
    f = ftx.custom_jvp(lambda x: matrix @ x)
    f.defjvp(lambda p, t: (f(p[0]), 7 * f(t[0])))
    close(ftx.linear_transpose(f, np.ones(2))(np.array([1.0, 1.0]))[0], matrix.sum(0))


def test_nondiff_argnums():
    @functools.partial(ftx.custom_vjp, nondiff_argnums=(0,))
    def apply(fun, x):
        return fun(x)

    apply.defvjp(lambda fun, x: (fun(x), x), lambda fun, x, ct: (10 * ct * x,))
    close(ftx.grad(lambda x: apply(fnp.sin, x))(2.0), 20)

    @functools.partial(ftx.custom_jvp, nondiff_argnums=(1,))
    def power(x, n):
        return x**n

    power.defjvp(lambda n, p, t: (power(p[0], n), 100 * t[0]))
    close(ftx.grad(lambda x: power(x, 3))(2.0), 100)


def test_trees_and_integer_arguments():
    @ftx.custom_vjp
    def f(d, n):
        return {"y": d["a"] * d["b"] * n}

    f.defvjp(
        lambda d, n: ({"y": d["a"] * d["b"] * n}, (d, n)),
        lambda res, ct: ({"a": ct["y"] * 7, "b": ct["y"] * 8}, None),
    )
    got = ftx.grad(lambda d: f(d, 2)["y"])({"a": 1.0, "b": 2.0})
    close([got["a"], got["b"]], [7, 8])


def test_defjvps():
    f = ftx.custom_jvp(lambda x, y: x * y)
    f.defjvps(lambda t, out, x, y: 2 * t * y, None)
    close(ftx.grad(f, (0, 1))(3.0, 5.0), (10, 0))


def test_gradient_clipping_like_identity():
    @ftx.custom_vjp
    def clip(x):
        return x

    clip.defvjp(lambda x: (x, None), lambda _, ct: (fnp.clip(ct, -1, 1),))
    x = np.array([0.1, 5.0, -9.0])
    close(ftx.grad(lambda v: fnp.sum(clip(v) ** 2))(x), np.clip(2 * x, -1, 1))


@pytest.mark.parametrize(
    "fwd, bwd, message",
    [
        (lambda x: x, lambda r, ct: (ct,), r"fwd to return \(output, residuals\)"),
        (lambda x: ((x, x), None), lambda r, ct: (ct,), "output of structure"),
        (lambda x: (x, None), lambda r, ct: ct, "a single one is written"),
        (lambda x: (x, None), lambda r, ct: (ct, ct), "tuple of 1 cotangents"),
        (lambda x: (x, None), lambda r, ct: ({"a": ct},), "cotangent of structure"),
        (lambda x: (x, None), lambda r, ct: (fnp.stack([ct, ct]),), "like its argument"),
    ],
)
def test_vjp_rules_are_checked(fwd, bwd, message):
    f = ftx.custom_vjp(lambda x: x * 1.0)
    f.defvjp(fwd, bwd)
    with pytest.raises(CustomRuleError, match=message):
        ftx.grad(f)(1.0)


def test_jvp_rules_are_checked():
    f = ftx.custom_jvp(lambda x: x * 1.0)
    with pytest.raises(CustomRuleError, match="expected a rule, got none"):
        f(1.0)
    f.defjvp(lambda p, t: p[0])
    with pytest.raises(CustomRuleError, match=r"\(output, tangent\)"):
        ftx.grad(f)(1.0)
    f.defjvp(lambda p, t: (p[0], fnp.stack([t[0], t[0]])))
    with pytest.raises(CustomRuleError, match="like the output"):
        ftx.grad(f)(1.0)


def test_closing_over_a_differentiated_value_is_refused():
    def outer(w):
        f = ftx.custom_jvp(lambda x: x * w)
        f.defjvp(lambda p, t: (f(p[0]), t[0]))
        return f(2.0)

    with pytest.raises(CustomRuleError, match="closed-over value"):
        ftx.grad(outer)(3.0)


def test_custom_gradient():
    f = ftx.custom_gradient(lambda x: (x**2, lambda ct: ct * 100))
    close(ftx.grad(f)(3.0), 100)

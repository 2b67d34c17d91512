"""Tracing: values on demand, leaks, what tracers refuse."""

import copy
from typing import Any, NamedTuple

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import ConcretizationError, LeakedTracerError, TracerArrayConversionError
from ftx.core.tracing import Tracer


class Leaf(NamedTuple):
    """A leaf of a binary tree."""

    value: Any


class Node(NamedTuple):
    """An inner node; children are Leaf or Node."""

    left: Any
    right: Any


def total(tree, x):
    """A recursion whose depth and branches depend on values."""
    if isinstance(tree, Leaf):
        return fnp.sin(tree.value * x) if tree.value * x > 0 else tree.value * x**2
    left, right = total(tree.left, x), total(tree.right, x)
    return left * right if left > right else left + right


def test_recursion_over_trees_under_eager_grad():
    tree = Node(Node(Leaf(0.5), Leaf(-0.3)), Node(Leaf(1.5), Node(Leaf(-2.0), Leaf(0.1))))
    x, step = np.float64(0.7), 1e-6
    expected = (total(tree, x + step) - total(tree, x - step)) / (2 * step)
    np.testing.assert_allclose(ftx.grad(total, 1)(tree, x), expected, 1e-6)
    np.testing.assert_allclose(
        ftx.jvp(lambda x: total(tree, x), (x,), (np.float64(1),))[1], expected, 1e-6
    )


def test_while_break_and_print_of_values(capsys):
    def f(x):
        steps = 0
        while True:
            x = x * 1.5
            steps += 1
            if x > 10 or steps == 50:
                break
        print(f"{x:.3f} {float(x):.1f} {steps}")
        return x

    np.testing.assert_allclose(ftx.grad(f)(1.0), 1.5**6, 1e-6)
    assert capsys.readouterr().out == "11.391 11.4 6\n"


def test_values_are_evaluated_once():
    calls = []

    def f(x):
        y = fnp.exp(x)
        for _ in range(3):
            calls.append(float(y))
        return y

    ftx.grad(f)(0.0)
    assert calls == [1.0] * 3


def test_conversions_where_the_value_is_known():
    def f(x, i):
        assert bool(x > 0) and int(i) == 2 and float(x) == 3.0 and x.item() == 3.0
        assert [10, 20, 30][i] == 30
        assert complex(x) == 3 + 0j
        assert list(range(i)) == [0, 1]
        return x

    ftx.jvp(lambda x: f(x, fnp.asarray(2)), (3.0,), (1.0,))


def test_known_inside_unknown():
    @ftx.jit
    def f(x):
        n = int(fnp.sum(fnp.arange(4)))  # known although traced
        return x * n

    assert f(2.0) == 12


def test_unknown_values_name_the_argument_and_the_cure():
    def f(params, x, *, rate):
        return x if rate["a"] > 0 else -x

    with pytest.raises(ConcretizationError) as caught:
        ftx.jit(f)({}, 2.0, rate={"a": 1.0})
    text = str(caught.value)
    assert "argument" in text and "'f'" in text
    for part in ("rate['a']", "where", "cond", "while_loop", "static_argnums", "test_tracing.py"):
        assert part in text, text
    assert isinstance(caught.value, TypeError)


def test_unknown_in_vmap_and_scan():
    with pytest.raises(ConcretizationError, match="argument x"):
        ftx.vmap(lambda x: x if x > 0 else -x)(np.ones(3))
    with pytest.raises(ConcretizationError):
        ftx.lax.scan(lambda c, x: (c if c > 0 else x, None), 0.0, np.ones(3))


def test_numpy_functions_are_refused():
    with pytest.raises(TracerArrayConversionError, match=r"ftx\.numpy"):
        ftx.grad(lambda x: np.sin(x).sum())(np.ones(3))


def test_leaked_tracers_are_detected():
    kept = []

    @ftx.jit
    def f(x):
        kept.append(x * 2)
        return x

    f(1.0)
    with pytest.raises(LeakedTracerError, match="'f'"):
        ftx.jit(lambda y: y + kept[0])(1.0)
    with pytest.raises(LeakedTracerError):
        kept[0] + 1


def test_repr_and_copy():
    def f(x):
        assert repr(x) == "Tracer<~f32[]> of 'f'"
        assert copy.deepcopy(x) is x and isinstance(x, Tracer)
        assert f"{x}" == "Tracer<~f32[]> of 'f'"
        return x

    ftx.jit(f)(1.0)


def test_iteration_and_unpacking():
    def f(x):
        a, b = x
        return a * sum(v for v in x) + b * len(x)

    x = np.array([2.0, 3.0])
    np.testing.assert_allclose(ftx.grad(f)(x), [2 * 2 + 3, 2 + 2])
    assert ftx.jit(f)(x) == 16


def test_scalars_become_literals_and_big_constants_stay_outside():
    jaxpr = ftx.make_jaxpr(lambda x: x + 2.0 + np.ones(3))(1.0)
    assert len(jaxpr.consts) == 1
    assert "2.0" in str(jaxpr)
    made_inside = ftx.make_jaxpr(lambda x: x + fnp.zeros(1000))(1.0)
    assert made_inside.consts == ()


def test_equations_know_the_user_s_line():
    jaxpr = ftx.make_jaxpr(lambda x: fnp.sin(x))(1.0)
    assert jaxpr.eqns[0].source.file == __file__
    assert "fnp.sin(x)" in str(jaxpr.eqns[0].source)

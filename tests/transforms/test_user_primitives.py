"""The primitives that docs/primitives.md builds hold under every transform."""

import re
from pathlib import Path

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp

PAGE = Path(__file__).parents[2] / "docs" / "primitives.md"
STEP = 1e-6


@pytest.fixture(scope="module")
def page():
    """What the two examples of the page define; running them is a test in itself."""
    found = [{}, {}]
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for names, block in zip(found, blocks, strict=True):
        exec(compile(block, str(PAGE), "exec"), names)
    return found


def difference(f, x, direction):
    return (f(x + STEP * direction) - f(x - STEP * direction)) / (2 * STEP)


def test_a_formula_of_ones_own(page):
    f = page[0]["log1mexp"]
    x = fnp.asarray(np.array([-3.0, -0.9, -0.1]))
    exact = np.log1p(-np.exp(np.asarray(x)))
    for g in (f, ftx.jit(f), ftx.vmap(f), ftx.jit(ftx.vmap(f))):
        np.testing.assert_allclose(g(x), exact, rtol=1e-12)
    assert str(ftx.make_jaxpr(f)(x)).count("log1mexp") == 1
    assert len(ftx.jit(f).kernels(x)) == 1, "expand lets it join a kernel"
    slope = ftx.vmap(ftx.grad(f))
    np.testing.assert_allclose(slope(x), difference(f, x, 1.0), rtol=1e-7)
    np.testing.assert_allclose(ftx.vmap(ftx.grad(ftx.grad(f)))(x), difference(slope, x, 1.0), 1e-6)
    np.testing.assert_allclose(ftx.jit(slope)(x), slope(x), rtol=1e-12)
    with pytest.raises(TypeError, match="expected real operands"):
        f(fnp.arange(3))


def test_an_operation_by_a_library(page):
    solve = page[1]["solve_p"]
    draw = np.random.default_rng(0).standard_normal
    lower, upper, b = draw(4), draw(4), draw(5)
    diagonal = 5 + draw(5)
    matrix = np.diag(diagonal) + np.diag(lower, -1) + np.diag(upper, 1)
    f = lambda *args: solve.bind(*args)[0]
    args = tuple(map(fnp.asarray, (lower, diagonal, upper, b)))
    for g in (f, ftx.jit(f)):
        np.testing.assert_allclose(g(*args), np.linalg.solve(matrix, b), rtol=1e-12)
    loss = lambda *args: fnp.sum(fnp.sin(f(*args)))
    slopes = ftx.jit(ftx.grad(loss, argnums=(0, 1, 2, 3)))(*args)
    for k, slope in enumerate(slopes):
        direction = draw(args[k].shape)
        along = lambda x, k=k: loss(*args[:k], x, *args[k + 1 :])
        wanted = difference(along, args[k], direction)
        np.testing.assert_allclose(np.sum(np.asarray(slope) * direction), wanted, rtol=1e-6)
    many = fnp.asarray(draw((3, 5)))
    rows = ftx.vmap(ftx.grad(loss, argnums=3), in_axes=(None, None, None, 0))
    wanted = [ftx.grad(loss, argnums=3)(*args[:3], row) for row in many]
    np.testing.assert_allclose(ftx.jit(rows)(*args[:3], many), wanted, rtol=1e-12)


def test_a_missing_rule_is_named(page):
    class Silent(ftx.extend.Primitive):
        def abstract_eval(self, x):
            return [x]

        def impl(self, x):
            return [x]

    silent = lambda x: Silent().bind(x)[0]
    assert float(ftx.jit(silent)(2.0)) == 2.0
    with pytest.raises(ftx.errors.MissingRuleError, match="def jvp' to class Silent"):
        ftx.grad(silent)(1.0)
    with pytest.raises(ftx.errors.MissingRuleError, match="def batch' to class Silent"):
        ftx.vmap(silent)(np.ones(2))

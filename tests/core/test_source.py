"""Equations keep the user's line through every transform and pass."""

import inspect
import linecache

import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.jaxpr import sub_jaxprs
from ftx.transforms.passes import simplify

FIRST = inspect.currentframe().f_lineno + 1


@ftx.custom_vjp
def doubled(x):
    return x * 2


def forward(x):
    return x * 2, None


def reverse(_, ct):
    return (ct * 2 + 0 * ct,)


doubled.defvjp(forward, reverse)


def loss(w, x):
    h = fnp.tanh(x @ w)
    s = ftx.nn.softmax(doubled(h), axis=-1)
    y, _ = ftx.lax.scan(lambda c, r: (c + fnp.sin(r), None), s[0], s)
    return fnp.sum(y**2)


LAST = inspect.currentframe().f_lineno - 1


def lines(jaxpr):
    """Line numbers of this file that equations name, and every other place they name."""
    here, elsewhere = set(), set()
    for eqn in jaxpr.eqns:
        inside = eqn.source.file == __file__ and FIRST <= eqn.source.line <= LAST
        (here if inside else elsewhere).add((eqn.source.line, eqn.primitive.name))
        for inner in sub_jaxprs(eqn.params):
            more = lines(inner)
            here, elsewhere = here | more[0], elsewhere | more[1]
    return here, elsewhere


TRANSFORMS = {
    "grad": lambda f: ftx.grad(f),
    "vmap": lambda f: ftx.vmap(f, in_axes=(0, None)),
    "vmap of grad": lambda f: ftx.vmap(ftx.grad(f), in_axes=(0, None)),
    "grad of jit": lambda f: ftx.grad(ftx.jit(f)),
    "grad of checkpoint": lambda f: ftx.grad(ftx.checkpoint(f)),
    "hessian": lambda f: ftx.hessian(lambda w, x: f(w[None], x)),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_keep_the_lines_of_the_function(name):
    w, x = fnp.ones((3, 3)), fnp.ones((4, 3))
    if name.startswith("vmap"):
        w = fnp.ones((2, 3, 3))
    if name == "hessian":
        w, x = fnp.ones(3), fnp.ones((4, 1))
    program = ftx.jit(TRANSFORMS[name](loss)).trace(w, x).jaxpr.closed()
    for jaxpr in (program, simplify(program)):
        here, elsewhere = lines(jaxpr)
        text = {linecache.getline(__file__, line).strip() for line, _ in here}
        assert {"h = fnp.tanh(x @ w)", "return fnp.sum(y**2)"} <= text
        if "grad" in name:
            assert "return (ct * 2 + 0 * ct,)" in text  # the rule's own line, not its caller's
        # seeds and zeros of the transform itself have no line of the function
        assert {p for _, p in elsewhere} <= {"broadcast_in_dim", "reshape", "iota", "eq",
                                             "convert_element_type", "jit", "checkpoint",
                                             "recompute", "squeeze", "transpose"}  # fmt: skip


def test_an_index_error_after_expansion_names_the_line():
    def f(table, i, x):
        y = x @ x.T
        return table[i] + y  # the line

    big = fnp.ones((300, 300))
    with pytest.raises(IndexError, match=r"table\[i\] \+ y  # the line"):
        ftx.jit(f)(fnp.ones(5), fnp.array(9), big).block_until_ready()

"""checking_leaks: what holds a traced array after its function has returned is found and named."""

import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import SideEffectError

KEPT = []


class Recorder:
    def __init__(self):
        self.last = None

    def __call__(self, x):
        self.last = x * 2
        return x


def closing_over():
    seen = []

    def f(x):
        seen.append(x * 2)
        return x

    return f


def to_global(x):
    KEPT.append({"nested": (x * 2,)})
    return x


def of_a_body(x):
    KEPT.clear()
    return ftx.lax.fori_loop(0, 3, lambda i, c: KEPT.append(c) or c, x)


@pytest.mark.parametrize(
    ("make", "held"),
    [
        (closing_over, "in a list, the variable 'seen' that 'f' closes over"),
        (lambda: to_global, "in a tuple, a dict, a list, the global variable 'KEPT'"),
        (lambda: of_a_body, "in a list, the global variable 'KEPT'"),
        (Recorder, "an object of class Recorder"),
    ],
)
@pytest.mark.parametrize("transform", [ftx.jit, ftx.grad, ftx.make_jaxpr])
def test_what_holds_the_tracer_is_named(make, held, transform):
    KEPT.clear()
    f = make()
    with ftx.checking_leaks(), pytest.raises(SideEffectError) as caught:
        transform(f)(1.0)
    text = str(caught.value)
    assert held in text
    assert "test_leaks.py" in text


def test_the_side_effect_is_found_when_it_is_used_without_the_option():
    seen = []
    ftx.jit(lambda x: seen.append(x) or x)(1.0)
    with pytest.raises(ftx.errors.LeakedTracerError, match="which has returned"):
        seen[0] + 1


def test_clean_programs_pass():
    def loss(w, xs):
        step = lambda c, x: (fnp.tanh(c @ x), c.sum())
        last, sums = ftx.lax.scan(ftx.checkpoint(step), w, xs)
        return ftx.lax.cond(last.sum() > 0, lambda: last.sum(), lambda: sums.sum())

    with ftx.checking_leaks():
        w, xs = fnp.eye(2), fnp.ones((3, 2, 2))
        ftx.jit(ftx.value_and_grad(loss))(w, xs)
        ftx.vmap(ftx.grad(loss), in_axes=(0, None))(fnp.ones((4, 2, 2)), xs)
        ftx.hessian(lambda x: fnp.sum(ftx.jit(fnp.sin)(x)))(fnp.ones(2))
        kept = [ftx.jit(lambda x: x + 1)(1.0)]
        ftx.jit(lambda x: x + kept[0])(1.0)

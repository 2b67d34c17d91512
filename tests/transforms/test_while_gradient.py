"""Reverse mode through while_loop and through fori_loop of computed length."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core import dtypes
from ftx.core.errors import LoopLimitError
from ftx.core.jaxpr import sub_jaxprs
from ftx.lax import cond, fori_loop, scan, while_loop
from ftx.transforms import repeated
from ftx.transforms.compiled import executable_of
from ftx.transforms.passes import simplify
from ftx.transforms.repeated import Tape

LIMITS = {
    "unlimited": {},
    "max_iterations": {"max_iterations": 200},
    "checkpoint_every": {"checkpoint_every": 3},
    "both": {"max_iterations": 200, "checkpoint_every": 7},
}
limits = pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)


def close(a, b, tolerance=1e-9):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), tolerance, tolerance)


def slope(f, x, step=1e-6):
    """The derivative of f: R -> R by central differences."""
    x = np.float64(x)
    return (float(f(x + step)) - float(f(x - step))) / (2 * step)


@pytest.fixture
def short_places(monkeypatch):
    """Places of three steps each, so that few iterations use several."""
    monkeypatch.setattr(repeated, "LEAST", 3)
    monkeypatch.setattr(repeated, "MOST", 3)
    monkeypatch.setattr(repeated, "ENOUGH", 200)


def newton(a, **limits):
    """The square root of a."""
    goes_on = lambda s: fnp.abs(s["x"] ** 2 - a) > 1e-13 * a
    step = lambda s: {"x": (s["x"] + a / s["x"]) / 2, "steps": s["steps"] + 1}
    return while_loop(goes_on, step, {"x": a, "steps": 0}, **limits)["x"]


def euler(rate, end, **limits):
    """exp(rate * end), by steps that shrink as the solution grows."""

    def step(s):
        t, y = s
        h = fnp.minimum(0.05 / (1 + fnp.abs(rate * y)), end - t)
        k1 = rate * y
        k2 = rate * (y + h * k1 / 2)
        k3 = rate * (y + h * k2 / 2)
        k4 = rate * (y + h * k3)
        return t + h, y + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6

    return while_loop(lambda s: s[0] < end, step, (end * 0, end * 0 + 1), **limits)[1]


def powers(x, n, **limits):
    """x to the n."""
    return fori_loop(0, n, lambda i, v: v * x, x * 0 + 1, **limits)


@limits
def test_newton_has_the_derivative_of_a_square_root(limits):
    f, a = lambda a: newton(a, **limits), np.float64(2.0)
    close(ftx.grad(f)(a), 0.5 / np.sqrt(a))
    close(ftx.jit(ftx.grad(f))(a), 0.5 / np.sqrt(a))
    close(ftx.grad(ftx.jit(f))(a), 0.5 / np.sqrt(a))
    with ftx.disable_jit():
        close(ftx.grad(lambda a: newton(a, max_iterations=9))(a), 0.5 / np.sqrt(a))


@limits
@pytest.mark.parametrize("compiled", [False, True])
def test_adaptive_steps_agree_with_differences_and_the_exponential(limits, compiled):
    f = lambda r: euler(r, 1.5, **limits)
    gradient = ftx.jit(ftx.grad(f)) if compiled else ftx.grad(f)
    close(f(np.float64(0.8)), np.exp(1.2), 1e-6)
    close(gradient(np.float64(0.8)), slope(f, 0.8), 1e-8)
    close(gradient(np.float64(0.8)), 1.5 * np.exp(1.2), 1e-6)


@limits
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 9, 10, 27, 28, 81, 100])
def test_every_count_uses_the_right_places(n, limits, short_places):
    gradient = ftx.jit(ftx.grad(lambda x, n: powers(x, n, **limits)))
    close(gradient(np.float64(0.99), n), n * 0.99 ** (n - 1))


def test_more_iterations_than_one_place_holds():
    n, x = 5000, np.float64(0.9999)
    close(ftx.jit(ftx.grad(powers))(x, n), n * x ** (n - 1))


def test_no_iterations():
    f = lambda x: while_loop(lambda s: s[0] < 0, lambda s: (s[0] * 0, s[1] / s[0]), (x, 3 * x))[1]
    for g in (ftx.grad(f), ftx.jit(ftx.grad(f))):
        close(g(np.float64(2.0)), 3)
    close(ftx.vmap(ftx.grad(f))(np.array([2.0, 0.5])), [3, 3])


def test_integers_and_keys_in_the_carry_have_no_derivative():
    def f(x, n):
        body = lambda s: {"i": s["i"] + 1, "x": s["x"] * fnp.float64(1 + s["i"]), "k": s["k"]}
        start = {"i": fnp.int32(0), "x": x, "k": fnp.arange(3)}
        out = while_loop(lambda s: s["i"] < n, body, start)
        return out["x"] * out["k"][2]

    close(ftx.grad(f)(np.float64(1.0), 4), 48)
    gx, gn = ftx.grad(f, (0, 1), allow_int=True)(np.float64(1.0), 4)
    assert gn.dtype == dtypes.float0
    close(gx, 48)


def test_values_that_the_loop_closes_over():
    def f(w, limit):
        body = lambda s: fnp.tanh(w["a"] @ s) + w["b"]
        return fnp.sum(while_loop(lambda s: fnp.sum(s) < limit, body, w["b"]))

    rng = np.random.default_rng(0)
    w = {"a": rng.random((3, 3)), "b": np.full(3, 0.05)}
    gradient = ftx.jit(ftx.grad(f))(w, 2.4)
    for name in w:
        direction = rng.standard_normal(w[name].shape)
        moved = lambda t, name=name, d=direction: f({**w, name: w[name] + t * d}, 2.4)
        close(np.sum(np.asarray(gradient[name]) * direction), slope(moved, 0.0), 1e-7)
    assert not np.any(np.asarray(ftx.grad(f, 1)(w, np.float64(2.4))))


def collatz(n):
    step = lambda s: (fnp.where(s[0] % 2 == 0, s[0] // 2, 3 * s[0] + 1), s[1] + 1)
    return while_loop(lambda s: s[0] != 1, step, (n, 0))[1]


def test_collatz_lengths():
    expected = [0, 1, 7, 2, 5, 8, 16, 3, 19, 111]
    starts = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 27])
    assert ftx.vmap(collatz)(starts).tolist() == expected
    assert ftx.jit(ftx.vmap(collatz))(starts).tolist() == expected
    scaled = lambda x, n: x * fnp.float64(collatz(n))
    close(ftx.vmap(ftx.grad(scaled), (None, 0))(np.float64(2.0), starts), expected)


ORDERS = {
    "vmap(grad)": lambda f: ftx.vmap(ftx.grad(f)),
    "grad(vmap)": lambda f: ftx.grad(lambda *a: fnp.sum(ftx.vmap(f)(*a))),
    "jit(vmap(grad))": lambda f: ftx.jit(ftx.vmap(ftx.grad(f))),
    "jit(grad(vmap(jit)))": lambda f: ftx.jit(
        ftx.grad(lambda *a: fnp.sum(ftx.vmap(ftx.jit(f))(*a)))
    ),
    "vmap(vmap(grad))": lambda f: (
        lambda *a: ftx.vmap(ftx.vmap(ftx.grad(f)))(*[x.reshape(2, -1) for x in a]).reshape(-1)
    ),
    "vmap(linearize)": lambda f: (
        lambda *a: ftx.vmap(lambda x, *r: ftx.linearize(lambda x: f(x, *r), x)[1](x * 0 + 1))(*a)
    ),
}


@limits
@pytest.mark.parametrize("order", ORDERS)
def test_rows_stop_by_themselves(order, limits):
    a = np.array([2.0, 1.0, 1e6, 3.0])
    expected = [0.5 / np.sqrt(v) if v != 1 else 1 for v in a]
    close(ORDERS[order](lambda a: newton(a, **limits))(a), expected)


@pytest.mark.parametrize("order", ORDERS)
def test_rows_of_different_places(order, short_places):
    x, n = np.array([0.9, 1.1, 0.95, 1.0]), np.array([0, 1, 40, 13])
    expected = np.where(n > 0, n * x ** (n - 1.0), 0)
    close(ORDERS[order](powers)(x, n), expected)


@pytest.mark.parametrize("order", ORDERS)
def test_where_a_row_has_stopped_the_body_is_not_evaluated(order):
    """At its end it would index past the table, and divide by zero."""
    table = fnp.array([1.0, 2.0, 3.0])

    def f(x, n):
        left = lambda i: fnp.float64(n - i)
        body = lambda s: (s[0] + 1, s[1] + table[s[0]] * fnp.sqrt(x * left(s[0])) / left(s[0]))
        return while_loop(lambda s: s[0] < n, body, (0 * n, x * 0))[1]

    x, n = np.array([4.0, 4.0, 4.0, 4.0]), np.array([3, 1, 0, 2])
    terms = lambda n: sum(table[i] / np.sqrt(n - i) for i in range(n))
    close(ORDERS[order](f)(x, n), [terms(k) / 4 for k in n])


def test_forward_values_of_rows_that_have_stopped_raise_nothing():
    table = fnp.array([1.0, 2.0, 3.0])
    total = lambda n: while_loop(
        lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] + table[s[0]]), (0, 0.0)
    )[1]
    assert ftx.vmap(total)(np.array([3, 1, 0])).tolist() == [6, 1, 0]


def test_loops_in_loops_scans_and_branches():
    def f(x, n):
        def outer(s):
            i, y = s
            y = while_loop(lambda v: v < 1.5, lambda v: v * (1 + 0.3 * x), y * y + 0.1)
            y = cond(
                i % 2 == 0, lambda v: fori_loop(0, i, lambda k, u: fnp.sin(u) * x, v), fnp.cos, y
            )
            return i + 1, y

        y = while_loop(lambda s: s[0] < n, outer, (0, x))[1]
        step = lambda c, w: (while_loop(lambda v: v > w, lambda v: v * 0.7 * x, c), c)
        c, ys = scan(step, y + 2, fnp.array([1.5, 0.9, 0.2]))
        return c + fnp.sum(ys)

    x = np.float64(0.9)
    expected = slope(lambda x: f(x, 4), x)
    close(ftx.grad(f)(x, 4), expected, 1e-7)
    close(ftx.jit(ftx.grad(f))(x, 4), expected, 1e-7)
    close(ftx.jvp(lambda x: f(x, 4), (x,), (np.float64(1.0),))[1], expected, 1e-7)
    rows = ftx.vmap(ftx.grad(f), (0, 0))(np.array([x, x, x]), np.array([4, 0, 2]))
    close(rows, [ftx.grad(f)(x, n) for n in (4, 0, 2)])


def test_second_and_third_derivatives():
    a = np.float64(2.0)
    second, third = -0.25 * a**-1.5, 0.375 * a**-2.5
    both = {
        "reverse of reverse": ftx.grad(ftx.grad(newton)),
        "forward of reverse": ftx.jacfwd(ftx.grad(newton)),
        "reverse of forward": ftx.grad(ftx.jacfwd(newton)),
        "hessian": ftx.hessian(newton),
        "compiled": ftx.jit(ftx.grad(ftx.jit(ftx.grad(newton)))),
    }
    for name, f in both.items():
        np.testing.assert_allclose(float(f(a)), second, 1e-9, err_msg=name)
    close(ftx.jit(ftx.grad(ftx.grad(ftx.grad(newton))))(a), third)
    close(ftx.vmap(ftx.grad(ftx.grad(newton)))(np.array([2.0, 50.0])), [second, -0.25 * 50**-1.5])


def test_hessian_of_a_loop_over_a_vector():
    def f(x):
        body = lambda s: fnp.sin(s) * x + fnp.sum(s * x) / 10
        return fnp.sum(while_loop(lambda s: fnp.sum(s * s) < 4, body, x) ** 2)

    x = np.array([0.9, -1.2, 1.4])
    by_difference = [
        (np.asarray(ftx.grad(f)(x + e)) - np.asarray(ftx.grad(f)(x - e))) / 2e-6
        for e in 1e-6 * np.eye(3)
    ]
    close(ftx.hessian(f)(x), by_difference, 1e-6)
    close(ftx.jit(ftx.jacrev(ftx.jacrev(f)))(x), by_difference, 1e-6)


def test_custom_derivatives_in_the_body_are_used():
    @ftx.custom_vjp
    def double(x):
        return 2 * x

    double.defvjp(lambda x: (2 * x, None), lambda _, ct: (3 * ct,))
    f = lambda x: while_loop(lambda v: v < 10, double, x)
    close(ftx.grad(f)(np.float64(1.0)), 3**4)
    close(ftx.jit(ftx.grad(f))(np.float64(1.0)), 3**4)


@pytest.mark.parametrize("compiled", [False, True])
def test_too_many_iterations_are_an_error(compiled):
    wrap = ftx.jit if compiled else lambda f: f
    f = lambda x, n: powers(x, n, max_iterations=5)
    close(wrap(f)(np.float64(2.0), 5), 32)
    close(wrap(ftx.grad(f))(np.float64(2.0), 5), 80)
    over = {f: 6, ftx.grad(f): 6, ftx.vmap(ftx.grad(f), (None, 0)): np.array([1, 6])}
    for g, n in over.items():
        with pytest.raises(LoopLimitError, match="at most 5 iterations(.|\n)*FTX-E052"):
            wrap(g)(np.float64(2.0), n)


def test_a_loop_of_known_length_keeps_its_limits():
    f = lambda x, **limits: fori_loop(0, 40, lambda i, v: v * x, 1.0, **limits)
    close(ftx.grad(lambda x: f(x, checkpoint_every=6))(np.float64(0.9)), 40 * 0.9**39)
    with pytest.raises(LoopLimitError, match="at most 39"):
        f(2.0, max_iterations=39)


def sines(f):
    """How often a compiled gradient computes the sine of an iteration."""

    def count(jaxpr):
        inner = sum(count(j) for e in jaxpr.eqns for j in sub_jaxprs(e.params))
        return inner + sum(e.primitive.name == "sin" for e in jaxpr.eqns)

    return count(simplify(ftx.make_jaxpr(ftx.value_and_grad(f))(0.5, 3).closed()))


def test_a_loop_that_may_store_everything_computes_it_once():
    step = lambda i, v: fnp.sin(v)
    assert sines(lambda x, n: fori_loop(0, n, step, x, max_iterations=9)) == 1
    # A condition on the state has to be computed before there is a count.
    small = lambda v: v > 0.1
    assert sines(lambda x, n: while_loop(small, lambda v: fnp.sin(v), x, max_iterations=9)) == 2


def test_a_loop_carries_only_what_is_read():
    def f(x, n):
        go = lambda s: s[0] < n
        body = lambda s: (s[0] + 1, fnp.sin(s[1]), s[2] * x, s[3] + s[2])
        return while_loop(go, body, (0, x, x, x))

    def carried(pick):
        program = simplify(ftx.make_jaxpr(lambda x, n: pick(f(x, n)))(0.5, 3).closed())
        (loop,) = (e for e in program.eqns if e.primitive.name == "while")
        return len(loop.outvars)

    assert [carried(lambda s, k=k: s[k]) for k in range(4)] == [1, 2, 2, 3]
    for k in range(4):
        close(ftx.jit(lambda x, n, k=k: f(x, n)[k])(0.5, 3), f(0.5, 3)[k])


LIMIT = {"max_iterations": 5}


@pytest.mark.parametrize(
    "f, name",
    [
        (lambda x, n: fori_loop(0, n, lambda i, v: v * x, 1.0, **LIMIT), "fori_loop"),
        (lambda x, n: fori_loop(0, 6, lambda i, v: v * x, 1.0, **LIMIT), "fori_loop"),
        (lambda x, n: while_loop(lambda v: v < n, lambda v: v + x, 0.0, **LIMIT), "while_loop"),
    ],
)
def test_the_error_names_the_loop_that_was_called(f, name):
    for act in (f, ftx.jit(f), ftx.grad(f), ftx.jit(ftx.grad(f))):
        with pytest.raises(LoopLimitError, match=f"^{name}: expected at most 5"):
            act(1.0, 6)


def test_a_loop_that_would_run_for_ever_stops_at_its_limit():
    f = ftx.jit(lambda x: while_loop(lambda v: v > 0, lambda v: v + 1, x, max_iterations=1000))
    with pytest.raises(LoopLimitError, match="at most 1000"):
        f(1.0)


def test_more_iterations_than_reverse_mode_can_go_back(short_places, monkeypatch):
    monkeypatch.setattr(repeated, "PLACES", 2)
    gradient = ftx.jit(ftx.grad(powers))
    close(gradient(np.float64(1.0), 9), 9)
    with pytest.raises(LoopLimitError, match="at most 9"):
        gradient(np.float64(1.0), 10)


@pytest.mark.parametrize("name", ["max_iterations", "checkpoint_every"])
@pytest.mark.parametrize("value", [0, -1, 2.5])
def test_limits_are_positive_integers(name, value):
    with pytest.raises(ValueError, match=f"expected {name} to be a positive integer"):
        while_loop(lambda v: v < 1, lambda v: v + 1, 0.0, **{name: value})


def arena(gradient, *args):
    """Bytes of temporaries of a compiled program."""
    with ftx.config.override(check=0):
        return executable_of(ftx.make_jaxpr(gradient)(*args).closed()).arena_bytes


def rows_loop(**limits):
    """A loop whose iterations each need 16 KB for their derivative."""

    def f(x, n):
        body = lambda i, v: fnp.sin(v) * x
        return fnp.sum(fori_loop(0, n, body, x, **limits))

    return ftx.grad(f)


def test_checkpoint_every_takes_memory_of_the_square_root():
    x, n = np.linspace(0.5, 1.5, 1000), 900
    row = x.nbytes
    whole = arena(rows_loop(max_iterations=n), x, n)
    parts = arena(rows_loop(max_iterations=n, checkpoint_every=30), x, n)
    assert whole > 2 * n * row * 0.9
    assert parts < 150 * row
    close(
        ftx.jit(rows_loop(max_iterations=n, checkpoint_every=30))(x, n),
        ftx.jit(rows_loop(max_iterations=n))(x, n),
    )


def test_memory_of_higher_derivatives_stays_bounded():
    """Every place is checkpointed at every order: nothing has a row for each of two places."""
    x, n = np.float64(0.9), 100

    def largest(jaxpr):
        inner = [largest(j) for e in jaxpr.eqns for j in sub_jaxprs(e.params)]
        return max([v.aval.size for e in jaxpr.eqns for v in e.outvars] + inner, default=0)

    f = lambda x, n: powers(x, n, max_iterations=100, checkpoint_every=10)
    for _ in range(3):
        f = ftx.grad(f)
        assert largest(simplify(ftx.make_jaxpr(f)(x, n).closed())) <= 10


def test_places_shrink_as_the_carry_grows():
    def sizes(n):
        aval = ftx.make_jaxpr(lambda x: fnp.sin(x))(np.zeros(n))
        return repeated._sizes(aval.closed(), 0, Tape(), [True])

    assert sizes(1) == [1024, 1024, 1024]
    assert sizes(1 << 20) == [32] * 5
    assert 32 < sizes(1 << 14)[0] < 1024


def test_every_equation_agrees_with_numpy():
    with ftx.config.override(check=2):
        close(ftx.grad(newton)(np.float64(2.0)), 0.5 / np.sqrt(2))
        close(ftx.jit(ftx.grad(powers))(np.float64(0.9), 30), 30 * 0.9**29)


@pytest.mark.parametrize("option", ["loops", "in_place", "small_loops", "fusion", "cse,dce"])
def test_without_optimisations(option):
    with ftx.config.override(disable=option):
        close(ftx.jit(ftx.grad(powers))(np.float64(0.9), 30), 30 * 0.9**29)

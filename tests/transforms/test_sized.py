"""Shapes that depend on values, in jitted functions: results, programs, what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import ftx
import ftx.numpy as fnp
from ftx.core.errors import DynamicShapeWarning, NonConcreteBooleanIndexError, SideEffectError
from ftx.experimental import io_callback
from ftx.transforms import sized

pytestmark = pytest.mark.filterwarnings("ignore::ftx.core.errors.DynamicShapeWarning")
X = np.array([1.5, -2.0, 0.5, 3.0, -0.25, 0.75], np.float32)


def positive(x):
    return x[x > 0]


def squares(x):
    return (positive(x) ** 2).sum() * x[0]


FUNCTIONS = {
    "mask": (positive, positive),
    "rows": (lambda x: x.reshape(3, 2)[x[:3] > 0], lambda x: x.reshape(3, 2)[x[:3] > 0]),
    "columns": (lambda x: x.reshape(2, 3)[:, x[:3] > 0], lambda x: x.reshape(2, 3)[:, x[:3] > 0]),
    "two axes": (lambda x: x.reshape(2, 3)[x.reshape(2, 3) > 0], positive),
    "nonzero": (
        lambda x: fnp.nonzero(x.reshape(2, 3) > 0),
        lambda x: np.nonzero(x.reshape(2, 3) > 0),
    ),
    "where": (lambda x: fnp.where(x > 0)[0], lambda x: np.where(x > 0)[0]),
    "argwhere": (lambda x: fnp.argwhere(x > 0), lambda x: np.argwhere(x > 0)),
    "extract": (lambda x: fnp.extract(x > 0, x), positive),
    "unique": (
        lambda x: fnp.unique(fnp.sign(x), True, True, True),
        lambda x: np.unique(np.sign(x), True, True, True),
    ),
    "union1d": (
        lambda x: fnp.union1d(fnp.sign(x), x[:3]),
        lambda x: np.union1d(np.sign(x), x[:3]),
    ),
    "repeat": (
        lambda x: fnp.repeat(x, (x > 0) * 2, total_repeat_length=None),
        lambda x: np.repeat(x, (x > 0) * 2),
    ),
    "bincount": (
        lambda x: fnp.bincount(fnp.abs(x).astype(int)),
        lambda x: np.bincount(np.abs(x).astype(int)),
    ),
    "two sizes": (
        lambda x: positive(positive(x) - 1) * x[0],
        lambda x: positive(positive(x) - 1) * x[0],
    ),
    "set": (
        lambda x: x.at[x > 0].set(x[-1] * fnp.ones(positive(x).shape)),
        lambda x: np.where(x > 0, x[-1], x),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jitted_equals_numpy(name):
    ours, numpys = FUNCTIONS[name]
    jitted = ftx.jit(ours)
    for x in (X, -X, X, np.abs(X), X - 9):
        got, wanted = jitted(x), numpys(x)
        for g, w in zip(*map(ftx.tree.leaves, (got, wanted)), strict=True):
            np.testing.assert_array_equal(g, w)


@settings(deadline=None, max_examples=30)
@given(hnp.arrays(np.float32, st.integers(0, 20), elements=st.integers(-3, 3)))
def test_drawn_arrays(x):
    np.testing.assert_array_equal(ftx.jit(positive)(x), x[x > 0])
    np.testing.assert_array_equal(ftx.jit(fnp.unique)(x), np.unique(x))
    (places,) = ftx.jit(fnp.nonzero)(x)
    np.testing.assert_array_equal(places, np.nonzero(x)[0])


def test_structure_may_depend_on_the_size():
    split = ftx.jit(lambda x: {"parts": list(positive(x))})
    assert len(split(X)["parts"]) == 4
    assert len(split(-X)["parts"]) == 2


def test_what_comes_before_is_compiled_once_and_sizes_are_kept():
    runs = []

    def fun(x):
        runs.append(1)
        return (fnp.exp(x) * 2)[x > 0].sum()

    jitted = ftx.jit(fun)
    first = jitted(X)
    traced = len(runs)
    assert jitted(X) == first
    jitted(-X)
    assert len(runs) == traced + 1, "another size is traced once"
    jitted(X), jitted(-X)
    assert len(runs) == traced + 1, "known sizes are not traced again"
    (program,) = set(jitted._cache.values())
    (head,) = (v for k, v in program._head.memo.items() if isinstance(k, tuple))
    assert len(head.outvars) == 3, "the size, the mask, and the doubled exponentials"


def test_programs_of_many_sizes_are_forgotten(monkeypatch):
    monkeypatch.setattr(sized, "KEPT", 3)
    jitted = ftx.jit(positive)
    for n in range(1, 7):
        assert jitted(fnp.where(fnp.arange(8) < n, 1.0, -1.0)).shape == (n,)
    (program,) = set(jitted._cache.values())
    assert len(program._parts) == 3


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: ftx.grad(ftx.jit(f)),
        lambda f: ftx.jit(ftx.grad(f)),
        lambda f: ftx.jit(ftx.grad(ftx.jit(f))),
        lambda f: ftx.jit(lambda x: ftx.vjp(f, x)[1](fnp.float32(1))[0]),
        lambda f: ftx.jit(ftx.jacfwd(f)),
    ],
)
def test_derivatives(transform):
    wanted = 2 * np.maximum(X, 0) * X[0]
    wanted[0] += (X[X > 0] ** 2).sum()
    for sign in (1, 1):
        np.testing.assert_allclose(transform(squares)(sign * X), wanted, rtol=1e-6)


def test_second_derivatives():
    wanted = ftx.hessian(squares)(X)
    np.testing.assert_allclose(ftx.jit(ftx.hessian(squares))(X), wanted, rtol=1e-6)
    np.testing.assert_allclose(ftx.hessian(ftx.jit(squares))(X), wanted, rtol=1e-6)


def test_inner_functions_and_closures_take_sizes_of_the_outer():
    wanted = X[X > 0].sum()
    inner = ftx.jit(positive)
    assert ftx.jit(lambda x: inner(x).sum())(X) == wanted
    mapped = ftx.jit(lambda x: ftx.vmap(lambda r: r * positive(x).sum())(x))(X)
    np.testing.assert_allclose(mapped, X * wanted, rtol=1e-6)
    step = lambda x: lambda total, r: (total + positive(x).sum() * r, None)
    total, _ = ftx.jit(lambda x: ftx.lax.scan(step(x), fnp.float32(0), x))(X)
    np.testing.assert_allclose(total, X.sum() * wanted, rtol=1e-6)


def test_effects_before_the_size_happen_once_in_a_call():
    seen = []

    def fun(x):
        note = lambda v: (seen.append(1), np.asarray(v))[1]
        return positive(io_callback(note, ftx.ShapeDtypeStruct((6,), np.float32), x))

    jitted = ftx.jit(fun)
    for calls in (1, 2, 3):
        np.testing.assert_array_equal(jitted(X * calls), X[X > 0] * calls)
        assert len(seen) == calls


def test_static_and_donated_arguments():
    above = ftx.jit(lambda x, limit: x[x > limit], static_argnums=1)
    assert above(X, 1).shape == (2,)
    assert above(X, 0).shape == (4,)
    given_away = fnp.asarray(X) + 0
    assert ftx.jit(positive, donate_argnums=0)(given_away).shape == (4,)
    assert given_away.is_deleted()


@pytest.mark.parametrize(
    "call",
    [
        lambda: ftx.vmap(positive)(X.reshape(2, 3)),
        lambda: ftx.vmap(ftx.jit(positive))(X.reshape(2, 3)),
        lambda: ftx.jit(ftx.vmap(positive))(X.reshape(2, 3)),
        lambda: ftx.jit(positive).lower(X),
        lambda: ftx.make_jaxpr(positive)(X),
        lambda: ftx.jit(lambda x: ftx.lax.map(lambda r: positive(r).sum(), x))(X.reshape(2, 3)),
        lambda: ftx.eval_shape(positive, X),
    ],
)
def test_one_shape_for_all_values_is_demanded_where_there_are_no_values(call):
    with pytest.raises(NonConcreteBooleanIndexError, match="bool.*where.*size="):
        call()


def test_a_function_that_is_not_pure_is_refused():
    runs = []

    def fun(x):
        runs.append(1)
        return positive(x if len(runs) == 1 else x + 1)

    with pytest.raises(SideEffectError, match="same operations.*pure"):
        ftx.jit(fun)(X)


def test_the_user_is_told_once_for_each_line():
    def fun(x):
        return x[x > 1].sum()

    jitted = ftx.jit(fun)
    with pytest.warns(DynamicShapeWarning, match="jit of fun.*where") as told:
        jitted(X), jitted(-X)
        ftx.jit(fun)(X)
    assert len(told) == 1
    assert told[0].filename == __file__


def test_the_user_is_told_where_a_transform_takes_a_jitted_function_apart():
    def fun(x):
        return x[x > 2].sum()

    with pytest.warns(DynamicShapeWarning, match="jit of fun"):
        ftx.grad(ftx.jit(fun))(X)


def test_masked_updates_by_one_value_keep_their_shape():
    """They need no places: compiled whole, and under vmap."""
    rows = X.reshape(2, 3)
    update = {
        "set": lambda x: x.at[x > 0].set(0),
        "add": lambda x: x.at[x > 0].add(1),
        "multiply": lambda x: x.at[x > 0].multiply(2),
        "min": lambda x: x.at[x > 0].min(1),
        "max": lambda x: x.at[x > 0].max(1),
        "divide": lambda x: x.at[x > 0].divide(2),
    }
    for fun in update.values():
        wanted = fun(fnp.asarray(rows))
        np.testing.assert_array_equal(ftx.vmap(fun)(rows), wanted)
        jitted = ftx.jit(fun)
        np.testing.assert_array_equal(jitted(rows), wanted)
        jitted.lower(rows)
    by_row = ftx.jit(lambda x: x.at[x[:, 0] > 2].set(fnp.asarray([7.0, 8.0, 9.0])))
    np.testing.assert_array_equal(by_row(rows), [rows[0], [7, 8, 9]])
    by_row.lower(rows)

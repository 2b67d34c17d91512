"""Keys as arrays: one element of dtype `key` each, in every transformation, and legacy words."""

import copy
import pickle

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import random
from ftx.backends import uncompiled
from ftx.core.errors import DTypeError, IntegerGradError, KeyReuseError, ShapeError

KEY = random.key(42)
KEYS = random.split(KEY, (2, 3))
WORDS = np.asarray(random.key_data(KEYS))


FOLD = lambda k: random.fold_in(k, 7)


def words(keys):
    """The words of keys, or of a pytree of keys and numbers."""
    leaf = lambda x: np.asarray(random.key_data(x) if x.dtype == random.key_dtype() else x).tolist()
    return ftx.tree.map(leaf, keys)


def test_a_key_is_one_element():
    assert (KEY.shape, KEY.ndim, KEY.size, KEY.itemsize) == ((), 0, 1, 8)
    assert KEYS.shape == (2, 3) and len(KEYS) == 2
    assert KEY.dtype == random.key_dtype() == random.wrap_key_data(WORDS).dtype
    assert fnp.issubdtype(KEY.dtype, ftx.dtypes.prng_key)
    assert not fnp.issubdtype(np.uint32, ftx.dtypes.prng_key)
    assert not fnp.issubdtype(KEY.dtype, np.integer)
    assert repr(KEY) == "Array((), dtype=key<fry>) overlaying:\n[ 0 42]"
    assert random.key_impl(KEY) == "threefry2x32"
    struct = ftx.eval_shape(lambda k: random.split(k, 3), KEY)
    assert struct.shape == (3,) and struct.dtype == KEY.dtype and "key<fry>" in repr(struct)
    assert "key[]" in str(ftx.make_jaxpr(random.split)(KEY))


@pytest.mark.parametrize(
    "draw",
    [
        random.split,
        lambda k: random.split(k, (2, 3)),
        FOLD,
        lambda k: random.bits(k, (3,)),
        lambda k: random.normal(k, (3,)),
        lambda k: random.permutation(k, 5),
        lambda k: random.gamma(k, 2.0, (2,)),
        lambda k: random.poisson(k, 3.0, (2,)),
        lambda k: random.binomial(k, 9, 0.4, (2,)),
        lambda k: random.multinomial(k, 9, np.float32([0.5, 0.5])),
    ],
)
def test_both_kinds_of_key_stand_for_the_same_numbers(draw):
    legacy = random.PRNGKey(42)
    assert words(draw(KEY)) == np.asarray(draw(legacy)).tolist()
    with ftx.debug_key_reuse():
        fresh = random.clone(KEY)
        draw(fresh)
        random.fold_in(fresh, 1)
        if draw is not FOLD:
            with pytest.raises(KeyReuseError, match=r"test_keys\.py"):
                random.bits(fresh)


REARRANGED = {
    "index": lambda k: (k[0], k[1, 2], k[:, ::-1], k[..., None], k[np.array([1, 0])], k[-1][1:]),
    "shape": lambda k: (k.reshape(3, 2), k.ravel(), k.T, k.reshape(-1), fnp.expand_dims(k, 0)),
    "join": lambda k: (fnp.stack([k[0], k[1]]), fnp.concatenate([k, k], 1), fnp.tile(k, 2)),
    "choose": lambda k: (fnp.where(True, k[0], k[1]), fnp.take(k, np.array([1]), 0)),
    "spread": lambda k: (fnp.broadcast_to(k[0, 0], (2,)), fnp.repeat(k, 2, 1), fnp.roll(k, 1)),
    "update": lambda k: (k.at[0].set(k[1]), k.at[1, 2].set(k[0, 0]), k.at[:, 0].get()),
    "order": lambda k: (random.permutation(k[0, 0], k), random.choice(k[0, 1], k[0])),
    "equal": lambda k: (k == k, k != k[0, 0], k[0, 0] == k[0, 1]),
    "words": lambda k: (random.key_data(k), random.wrap_key_data(random.key_data(k))),
}


@pytest.mark.parametrize("name", REARRANGED)
def test_rearranged_as_their_words(name):
    """NumPy's answer for one number per key, eagerly and compiled."""
    f = REARRANGED[name]
    eager = words(f(KEYS))
    assert words(ftx.jit(f)(KEYS)) == eager
    if name not in ("equal", "words", "order", "update", "join", "choose", "spread"):
        numbers = np.arange(6).reshape(2, 3)
        flat = WORDS.reshape(6, 2)
        wanted = [flat[np.asarray(part)].tolist() for part in f(fnp.asarray(numbers))]
        assert [*eager] == wanted


def test_through_transformations():
    def step(key, _):
        key, sub = random.split(key)
        return key, random.uniform(sub)

    last, drawn = ftx.lax.scan(step, KEY, None, 3)
    jitted = ftx.jit(lambda k: ftx.lax.scan(step, k, None, 3))(KEY)
    assert words(jitted[0]) == words(last) and jitted[1].tolist() == drawn.tolist()
    looped = ftx.lax.fori_loop(0, 3, lambda i, k: random.split(k)[0], KEY)
    assert (looped == last).all()
    each = ftx.vmap(ftx.vmap(lambda k: random.uniform(k)))
    wanted = [[float(random.uniform(KEYS[i, j])) for j in range(3)] for i in range(2)]
    assert each(KEYS).tolist() == ftx.jit(each)(KEYS).tolist() == wanted
    picked = ftx.jit(lambda p, k: ftx.lax.cond(p, lambda k: random.fold_in(k, 1), lambda k: k, k))
    assert (picked(False, KEY) == KEY) and picked(True, KEY) == random.fold_in(KEY, 1)
    made = ftx.vmap(random.key)(fnp.arange(3))
    assert words(made) == [[0, 0], [0, 1], [0, 2]] and (ftx.jit(random.key)(2) == made[2])
    mapped = ftx.lax.map(lambda k: random.uniform(k), KEYS[0])
    assert mapped.tolist() == [float(random.uniform(k)) for k in KEYS[0]]
    closed = ftx.jit(lambda: random.bits(KEY))
    assert closed() == random.bits(KEY)


def test_in_pytrees_and_as_constants_of_derivatives():
    state = {"key": KEY, "w": fnp.ones(2)}
    loss = lambda s: fnp.sum(s["w"] ** 2 * random.normal(s["key"], (2,)))
    wanted = 2 * np.asarray(random.normal(KEY, (2,)))
    found = ftx.grad(loss, allow_int=True)(state)
    np.testing.assert_allclose(np.asarray(found["w"]), wanted, rtol=1e-6)
    assert found["key"].dtype == ftx.dtypes.float0
    along = ftx.jit(ftx.grad(lambda w, k: loss({"key": k, "w": w})))(state["w"], KEY)
    np.testing.assert_allclose(np.asarray(along), wanted, rtol=1e-6)
    leaves, treedef = ftx.tree.flatten(state)
    assert ftx.tree.unflatten(treedef, leaves)["key"] == KEY
    for same in (pickle.loads(pickle.dumps(KEYS)), copy.deepcopy(KEYS), copy.copy(KEYS)):
        assert (same == KEYS).all()


@pytest.mark.parametrize(
    ("act", "error", "match"),
    [
        (lambda: KEY + 1, DTypeError, "key_data"),
        (lambda: KEY * KEY, DTypeError, r"key\[\]"),
        (lambda: KEY < KEY, DTypeError, r"key\[\]"),
        (lambda: fnp.sin(KEY), DTypeError, "key_data"),
        (lambda: fnp.sum(KEYS), TypeError, "key|threefry"),
        (lambda: ftx.jit(fnp.sum)(KEYS), DTypeError, r"key\[2,3\]"),
        (lambda: np.asarray(KEY), DTypeError, "key_data"),
        (lambda: KEYS.tolist(), DTypeError, "key_data"),
        (lambda: KEY.item(), DTypeError, "key_data"),
        (lambda: float(KEY), DTypeError, "key_data"),
        (lambda: bool(KEY), DTypeError, "key_data"),
        (lambda: KEY.astype("uint32"), DTypeError, "key_data"),
        (lambda: fnp.arange(3)[KEY], DTypeError, "key<fry>"),
        (lambda: random.key(KEY), DTypeError, "integer scalar"),
        (lambda: random.normal(KEYS), ShapeError, "vmap"),
        (lambda: random.normal(3), ShapeError, "random.key"),
        (lambda: random.key_data(3), ShapeError, "expected keys"),
        (lambda: random.clone(fnp.ones(2)), ShapeError, "expected keys"),
        (lambda: ftx.grad(lambda k: 1.0)(KEY), IntegerGradError, "allow_int"),
        (lambda: ftx.jit(lambda k: k + 1)(KEY), DTypeError, "key_data"),
        (lambda: random.wrap_key_data(fnp.ones(2)), ShapeError, "uint32"),
    ],
)
def test_what_keys_do_not_do(act, error, match):
    with pytest.raises(error, match=match):
        act()


@pytest.mark.peers
@pytest.mark.parametrize("seed", [0, 1, -1, 2**31, 2**32 - 1])
@pytest.mark.parametrize("x64", [False, True])
def test_equal_to_keys_of_jax(seed, x64):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(x64), ftx.enable_x64(x64):
        theirs, ours = jax.random.key(seed), random.key(seed)
        for act in (
            lambda r, k: r.key_data(k),
            lambda r, k: r.key_data(r.split(k)),
            lambda r, k: r.key_data(r.split(k, (2, 2))),
            lambda r, k: r.key_data(r.fold_in(k, 2**31 + 3)),
            lambda r, k: r.key_data(r.clone(k)),
            lambda r, k: r.key_data(r.wrap_key_data(r.key_data(k))),
            lambda r, k: r.PRNGKey(seed),
            lambda r, k: r.split(r.PRNGKey(seed), (3,)),
        ):
            np.testing.assert_array_equal(
                np.asarray(act(random, ours)), np.asarray(act(jax.random, theirs))
            )


def test_programs_of_keys_are_checked_explained_and_run_uncompiled(capsys):
    draw = lambda keys: (random.normal(keys[0, 0], (3,)), keys[:, ::-1])
    with ftx.core.config.config.override(check=2):
        drawn, turned = ftx.jit(draw)(KEYS)
    assert (turned == KEYS[:, ::-1]).all()
    np.testing.assert_allclose(np.asarray(drawn), np.asarray(random.normal(KEYS[0, 0], (3,))), 1e-5)
    assert "kernel" in str(ftx.explain(draw, KEYS))
    rows = uncompiled.run(ftx.make_jaxpr(draw)(KEYS).closed(), [KEYS])
    assert rows[1].dtype == random.key_dtype() and rows[1].shape == (2, 3)
    ftx.jit(lambda k: ftx.debug.print("{}", random.key_data(k)))(KEY)
    assert "42" in capsys.readouterr().out

"""checkpoint: what is kept and what is computed again, under every policy."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import checkpoint_policies as policies
from ftx.ad_checkpoint import checkpoint_name
from ftx.core.errors import StaticArgumentError
from ftx.core.jaxpr import sub_jaxprs
from ftx.transforms.passes import simplify

X = np.random.default_rng(0).uniform(0.1, 0.9, (3, 3))
W = np.random.default_rng(1).uniform(0.1, 0.9, (3, 3))


def close(a, b):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), 1e-9, 1e-9)


def count(jaxpr, name="dot_general"):
    """Equations of a primitive in a program and in the programs it holds."""
    inner = sum(count(j, name) for e in jaxpr.eqns for j in sub_jaxprs(e.params))
    return sum(e.primitive.name == name for e in jaxpr.eqns) + inner


def layers(x, w):
    """Three products; each is needed by the derivative of the sine that follows it."""
    h = fnp.sin(x @ w)
    h = checkpoint_name(fnp.sin(h @ w), "second")
    return fnp.sum(fnp.sin(h @ w))


FORWARD, BACKWARD = 3, 6
AGAIN = {
    "no policy": (None, 3),
    "nothing": (policies.nothing_saveable, 3),
    "everything": (policies.everything_saveable, 0),
    "dots": (policies.dots_saveable, 0),
    "checkpoint_dots": (policies.checkpoint_dots, 0),
    "dots without batch": (policies.dots_with_no_batch_dims_saveable, 0),
    "these names": (policies.save_only_these_names("second"), 3),
    "no such name": (policies.save_only_these_names("third"), 3),
    "any name but these": (policies.save_any_names_but_these("third"), 3),
    "not this name": (policies.save_any_names_but_these("second"), 3),
    "anything but": (policies.save_anything_except_these_names("second"), 0),
    "both": (
        policies.save_from_both_policies(
            policies.dots_saveable, policies.save_only_these_names("second")
        ),
        0,
    ),
}
every_policy = pytest.mark.parametrize("policy, again", AGAIN.values(), ids=AGAIN)


@every_policy
def test_products_computed_again(policy, again):
    f = ftx.value_and_grad(ftx.checkpoint(layers, policy=policy), (0, 1))
    jaxpr = ftx.make_jaxpr(f)(X, W)
    assert count(jaxpr) == FORWARD + BACKWARD + again
    assert count(simplify(jaxpr.closed())) == FORWARD + BACKWARD + again


@every_policy
def test_every_policy_gives_the_same_derivatives(policy, again):
    f = ftx.checkpoint(layers, policy=policy)
    for transform in (
        lambda f: ftx.grad(f, (0, 1)),
        lambda f: ftx.jit(ftx.grad(f, (0, 1))),
        lambda f: ftx.grad(ftx.jit(f), (0, 1)),
        lambda f: ftx.vmap(ftx.grad(lambda x, w: f(x[None], w)), (0, None)),
        lambda f: ftx.grad(lambda x, w: fnp.sum(ftx.vmap(f, (0, None))(x[None], w))),
        lambda f: ftx.hessian(f),
        lambda f: lambda x, w: ftx.jvp(f, (x, w), (w, x))[1],
    ):
        expected = ftx.tree.leaves(transform(layers)(X, W))
        for got, wanted in zip(ftx.tree.leaves(transform(f)(X, W)), expected, strict=True):
            close(got, wanted)


def looped(x, w):
    """The three products in every step of a loop, the second under its name."""

    def step(c, _):
        h = fnp.sin(c @ w)
        h = checkpoint_name(fnp.sin(h @ w), "second")
        return fnp.sin(h @ w), fnp.sum(h)

    last, sums = ftx.lax.scan(step, x, None, 4)
    return fnp.sum(last) + fnp.sum(sums)


def nested(x, w):
    """Loops in loops, and a jitted body."""
    inner = ftx.jit(lambda c, _: (checkpoint_name(fnp.sin(c @ w), "second"), None))
    outer = lambda c, _: (fnp.sin(ftx.lax.scan(inner, c, None, 2)[0]), None)
    return fnp.sum(ftx.lax.scan(outer, x, None, 3)[0])


@every_policy
def test_policies_look_into_loops(policy, again):
    f = ftx.value_and_grad(ftx.checkpoint(looped, policy=policy), (0, 1))
    jaxpr = ftx.make_jaxpr(f)(X, W)
    assert count(jaxpr) == FORWARD + BACKWARD + again
    assert count(simplify(jaxpr.closed())) == FORWARD + BACKWARD + again


@pytest.mark.parametrize("name, again", {"nothing": 1, "dots": 0, "these names": 1}.items())
def test_policies_look_into_loops_in_loops(name, again):
    policy, _ = AGAIN[name]
    f = ftx.value_and_grad(ftx.checkpoint(nested, policy=policy), (0, 1))
    assert count(ftx.make_jaxpr(f)(X, W)) == 1 + 2 + again


def test_what_has_a_name_in_a_loop_is_not_computed_again():
    sines = lambda policy: count(
        ftx.make_jaxpr(ftx.value_and_grad(ftx.checkpoint(looped, policy=policy)))(X, W), "sin"
    )
    assert sines(policies.nothing_saveable) == 6
    assert sines(policies.save_only_these_names("second")) == 5
    assert sines(policies.everything_saveable) == 3


@pytest.mark.parametrize("f", [looped, nested])
@every_policy
def test_policies_in_loops_give_the_same_derivatives(policy, again, f):
    kept = ftx.checkpoint(f, policy=policy)
    for transform in (
        lambda f: ftx.grad(f, (0, 1)),
        lambda f: ftx.jit(ftx.grad(f, (0, 1))),
        lambda f: ftx.vmap(ftx.grad(lambda x, w: f(x[None], w)), (0, None)),
        lambda f: ftx.grad(lambda x, w: fnp.sum(ftx.vmap(f, (0, None))(x[None], w))),
        lambda f: lambda x, w: ftx.jvp(ftx.grad(f), (x, w), (w, x))[1],
    ):
        expected = ftx.tree.leaves(transform(f)(X, W))
        for got, wanted in zip(ftx.tree.leaves(transform(kept)(X, W)), expected, strict=True):
            close(got, wanted)


def test_what_has_a_name_is_not_computed_again():
    def f(x):
        h = checkpoint_name(fnp.sum(fnp.exp(x)), "total")
        return h * h * x[0]

    again = lambda policy: count(
        ftx.make_jaxpr(ftx.value_and_grad(ftx.checkpoint(f, policy=policy)))(X[0]), "reduce_sum"
    )
    keeps = again(policies.save_only_these_names("total"))
    assert keeps == again(policies.nothing_saveable) - 1


def test_names_of_trees():
    tree = checkpoint_name({"a": X, "b": (2.0,)}, "t")
    close(tree["a"], X)
    assert float(tree["b"][0]) == 2
    close(ftx.grad(lambda x: checkpoint_name(x, "x") ** 2)(3.0), 6)


def test_batched_products_are_told_apart():
    f = lambda x, w: fnp.sum(fnp.sin(fnp.einsum("bij,bjk->bik", x, w)))
    x = np.stack([X, X])
    again = lambda policy: count(
        ftx.make_jaxpr(ftx.value_and_grad(ftx.checkpoint(f, policy=policy)))(x, x)
    )
    assert again(policies.dots_with_no_batch_dims_saveable) == again(None)
    assert again(policies.dots_saveable) == again(None) - 1


def test_a_policy_sees_the_primitive_the_types_and_the_params():
    seen = []

    def policy(primitive, *avals, **params):
        seen.append((primitive.name, [a.shape for a in avals], sorted(params)))
        return False

    ftx.grad(ftx.checkpoint(lambda x: fnp.sum(fnp.sin(x)), policy=policy))(X[0])
    assert ("sin", [(3,)], []) in seen and ("reduce_sum", [(3,)], ["axes"]) in seen


def test_sharing_is_prevented_only_if_asked():
    def count_sines(prevent_cse):
        f = ftx.checkpoint(lambda x: fnp.sum(fnp.sin(fnp.sin(x))), prevent_cse=prevent_cse)
        jaxpr = ftx.make_jaxpr(ftx.value_and_grad(f))(X[0])
        return count(simplify(jaxpr.closed()), "sin")

    assert count_sines(False) == 2
    assert count_sines(True) == 3


def test_static_arguments_are_handed_on_as_they_are():
    def f(x, kind, scale):
        return fnp.sum(x * scale if kind == "times" else x)

    g = ftx.checkpoint(f, static_argnums=(1,))
    close(ftx.grad(g)(X[0], "times", 3.0), [3, 3, 3])
    close(ftx.grad(g, 2)(X[0], "times", np.float64(3.0)), np.sum(X[0]))
    close(ftx.jit(ftx.grad(lambda x: g(x, "not", 3.0)))(X[0]), [1, 1, 1])
    with pytest.raises(StaticArgumentError, match="within the 2 positional"):
        ftx.checkpoint(lambda x, y: x, static_argnums=2)(1.0, 2.0)


def test_a_checkpointed_body_of_a_scan_keeps_its_carry_alone():
    body = lambda c, w: (fnp.sin(fnp.sin(fnp.sin(c))) * w, None)
    stacked = lambda f: sum(
        v.aval.size
        for e in simplify(ftx.make_jaxpr(ftx.grad(f))(0.5, X.ravel()).closed()).eqns
        if e.primitive.name == "scan"
        for v in e.outvars
        if v.aval.shape == (9,)
    )
    total = lambda body: lambda c, xs: ftx.lax.scan(body, c, xs)[0]
    assert stacked(total(ftx.checkpoint(body))) == 9
    assert stacked(total(body)) > 9
    close(
        ftx.grad(total(ftx.checkpoint(body)), 1)(0.5, X.ravel()),
        ftx.grad(total(body), 1)(0.5, X.ravel()),
    )


@pytest.mark.peers
@pytest.mark.parametrize("looping", [False, True])
@pytest.mark.parametrize("name", ["no policy", "nothing", "dots", "these names"])
def test_counts_like_jax(name, looping):
    jax = pytest.importorskip("jax")
    names = pytest.importorskip("jax.ad_checkpoint")
    given = {
        "no policy": None,
        "nothing": jax.checkpoint_policies.nothing_saveable,
        "dots": jax.checkpoint_policies.dots_saveable,
        "these names": jax.checkpoint_policies.save_only_these_names("second"),
    }

    def layers(x, w):
        h = jax.numpy.sin(x @ w)
        h = names.checkpoint_name(jax.numpy.sin(h @ w), "second")
        return jax.numpy.sin(h @ w)

    def f(x, w):
        steps = lambda x: jax.lax.scan(lambda c, _: (layers(c, w), None), x, None, 4)[0]
        return jax.numpy.sum(steps(x) if looping else layers(x, w))

    g = jax.value_and_grad(jax.checkpoint(f, policy=given[name]), (0, 1))
    text = str(jax.make_jaxpr(g)(X, W))
    assert text.count("dot_general[") == FORWARD + BACKWARD + AGAIN[name][1]

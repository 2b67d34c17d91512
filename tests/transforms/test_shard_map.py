"""shard_map: blocks, collectives between them, gradients outside and what is refused inside."""

import json
import subprocess
import sys

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import P
from ftx.core.config import config
from ftx.core.errors import InnerGradientError, MapAxisError, ShardingError
from ftx.experimental.shard_map import shard_map as older_shard_map
from tests.support import sharded

MESH = ftx.sharding.AbstractMesh((2, 4), ("x", "y"))
X = np.arange(32.0, dtype=np.float32).reshape(4, 8)


@pytest.fixture(autouse=True)
def eight_devices():
    with config.override(num_cpu_devices=8):
        yield


@pytest.mark.peers
def test_values_and_gradients_are_jaxs_on_eight_devices():
    pytest.importorskip("jax")
    run = subprocess.run(
        [sys.executable, "-W", "ignore", sharded.__file__], capture_output=True, check=True
    )
    theirs, mine = json.loads(run.stdout), sharded.everything(ftx, fnp)
    assert set(mine) == set(theirs) and len(mine) > 80
    for name, value in theirs.items():
        np.testing.assert_allclose(mine[name], value, 1e-4, 1e-4, err_msg=name)


def test_each_block_is_what_its_spec_cuts_out():
    seen = []

    def f(v):
        seen.append(v.shape)
        return v * 10 + ftx.lax.axis_index("x")

    out = ftx.shard_map(f, mesh=MESH, in_specs=P("y", "x"), out_specs=P("y", "x"))(X)
    assert seen == [(1, 4)]
    np.testing.assert_array_equal(out, X * 10 + np.repeat([0, 1], 4))


def test_a_result_put_together_of_what_does_not_vary_repeats_it():
    f = ftx.shard_map(lambda v: v, mesh=MESH, in_specs=P(), out_specs=P(("y", "x")))
    np.testing.assert_array_equal(f(X), np.tile(X, (8, 1)))


def test_a_result_that_varies_where_its_spec_names_no_axis_is_refused():
    f = lambda **options: ftx.shard_map(
        lambda v: v, mesh=MESH, in_specs=P(None, "y"), out_specs=P(), **options
    )
    with pytest.raises(MapAxisError, match=r"the same along \['y'\].*psum"):
        f()(X)
    np.testing.assert_array_equal(f(check_vma=False)(X), X[:, :2])


def test_axes_left_out_of_axis_names_are_whole():
    options = {"mesh": MESH, "in_specs": P("x"), "out_specs": P("x"), "axis_names": {"x"}}
    assert ftx.shard_map(lambda v: v.sum(0, keepdims=True), **options)(X).shape == (2, 8)
    with pytest.raises(ShardingError, match=r"axes of the mesh, \('x',\), got 'y'"):
        ftx.shard_map(lambda v: v, **{**options, "out_specs": P("y")})(X)


def test_specs_come_from_shardings_where_none_are_given():
    mesh = ftx.make_mesh((2, 4), ("x", "y"))
    f = ftx.shard_map(lambda v: v + v.shape[1], mesh=mesh, out_specs=P(None, "y"))
    placed = ftx.device_put(X, ftx.NamedSharding(mesh, P(None, "y")))
    np.testing.assert_array_equal(f(placed), X + 2)
    with pytest.raises(ShardingError, match="in_specs for traced arguments"):
        ftx.jit(f)(placed)


def test_the_mesh_in_force_is_taken():
    f = ftx.shard_map(lambda v: ftx.lax.psum(v, "y"), in_specs=P("y"), out_specs=P())
    with pytest.raises(ShardingError, match="expected a mesh, got None"):
        f(X)
    with ftx.set_mesh(MESH):
        assert f(X).shape == (1, 8)
    with ftx.make_mesh((4,), ("y",)):
        assert f(X).shape == (1, 8)


def test_results_remember_how_they_were_put_together():
    mesh = ftx.make_mesh((2, 4), ("x", "y"))
    out = ftx.shard_map(lambda v: v, mesh=mesh, in_specs=P("x"), out_specs=P("x"))(X)
    assert out.sharding == ftx.NamedSharding(mesh, P("x"))


@pytest.mark.parametrize(
    "specs, arguments, text",
    [
        (P("z"), (X,), r"axes of the mesh, \('x', 'y'\), got 'z'"),
        (P("x", "x"), (X,), r"at most once, got 'x' 2 times"),
        (P("y"), (X[:3],), r"argument v: expected a multiple of 4 along axis 0.*\(3, 8\)"),
        (P(None, None, "x"), (X,), r"at most 2 entries.*\(4, 8\)"),
        ((P(), P()), (X,), "in_specs to be a prefix"),
        ("x", (X,), "expected PartitionSpecs in in_specs, got 'x'"),
    ],
)
def test_what_does_not_fit_is_refused(specs, arguments, text):
    f = ftx.shard_map(lambda v: v, mesh=MESH, in_specs=specs, out_specs=P())
    with pytest.raises(ShardingError, match=text):
        f(*arguments)


def test_a_result_with_too_few_axes_is_refused():
    f = ftx.shard_map(lambda v: v.sum(), mesh=MESH, in_specs=P("x"), out_specs=P("x"))
    with pytest.raises(ShardingError, match=r"at most 0 entries for a result of shape \(\)"):
        f(X)


def test_the_older_form():
    f = older_shard_map(lambda v: v, MESH, P("x"), P(), check_rep=False)
    np.testing.assert_array_equal(f(X), X[:2])
    partial = ftx.shard_map(mesh=MESH, in_specs=P("x"), out_specs=P("x"))
    np.testing.assert_array_equal(partial(lambda v: v + 1)(X), X + 1)


def local_loss(w, x):
    return fnp.sum(fnp.tanh(w * x))


REFUSED = {
    "a collective": lambda w, x: ftx.grad(lambda w: ftx.lax.psum(local_loss(w, x), "y"))(w),
    "one value that meets those that vary": lambda w, x: ftx.grad(local_loss)(w, x),
    "added, so that nothing is kept": lambda w, x: ftx.grad(lambda w: w + fnp.sum(x))(w),
    "in a loop": lambda w, x: ftx.lax.fori_loop(
        0, 2, lambda i, w: w - ftx.grad(local_loss)(w, x), w
    ),
    "in a jitted function": lambda w, x: ftx.jit(ftx.grad(local_loss))(w, x),
    "of a jitted function": lambda w, x: ftx.grad(ftx.jit(local_loss))(w, x),
    "with a value": lambda w, x: ftx.value_and_grad(local_loss)(w, x)[1],
    "vjp": lambda w, x: ftx.vjp(local_loss, w, x)[1](fnp.float32(1))[0],
    "after a step that keeps it one value": lambda w, x: ftx.grad(local_loss)(
        ftx.lax.pmean(w * x.sum(), "y"), x
    ),
    "the second of a gradient": lambda w, x: ftx.grad(ftx.grad(local_loss))(w, x),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_gradient_inside_that_would_differ_from_jaxs_is_refused(name):
    over = lambda **options: ftx.shard_map(
        lambda w, x: ftx.lax.psum(REFUSED[name](w, x), "y"),
        mesh=MESH,
        in_specs=(P(), P(None, "y")),
        out_specs=P(),
        **options,
    )
    with pytest.raises(InnerGradientError, match="outside.*check_vma=False"):
        over()(fnp.float32(0.1), X)
    with pytest.raises(InnerGradientError):
        ftx.jit(over())(fnp.float32(0.1), X)
    assert np.isfinite(over(check_vma=False)(fnp.float32(0.1), X))


def test_a_gradient_inside_of_the_same_everywhere_is_not_refused():
    f = lambda w, x: ftx.grad(lambda w: fnp.sum(w**2))(w) + ftx.lax.pmean(x.sum(), "y")
    mapped = ftx.shard_map(f, mesh=MESH, in_specs=(P(), P(None, "y")), out_specs=P())
    assert float(mapped(fnp.float32(3), X)) == 6 + X.sum() / 4


def test_gradients_beside_and_after_a_mapped_function_are_not_checked():
    f = ftx.shard_map(lambda v: ftx.lax.psum(v, "y"), mesh=MESH, in_specs=P("y"), out_specs=P())
    np.testing.assert_array_equal(ftx.grad(lambda v: f(v).sum())(X), np.ones_like(X))
    pooled = ftx.vmap(lambda v: ftx.grad(lambda u: ftx.lax.psum(u, "y"))(v), axis_name="y")
    np.testing.assert_array_equal(pooled(fnp.ones(4)), np.full(4, 4))


def test_eager_and_compiled_calls_agree():
    f = ftx.shard_map(
        lambda v: fnp.tanh(v) * ftx.lax.pmean(v, "x"), mesh=MESH, in_specs=P("x"), out_specs=P("x")
    )
    np.testing.assert_allclose(ftx.jit(f)(X), f(X), 1e-6, 1e-6)

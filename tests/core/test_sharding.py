"""Meshes, specs, shardings, and arrays that remember them."""

import copy
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import NamedSharding, P
from ftx.core.config import config
from ftx.core.errors import ArgumentError, ShardingError, UnsupportedError
from ftx.sharding import AbstractMesh, AxisType, Mesh, PartitionSpec, SingleDeviceSharding

SHAPE = (8, 4)
X = np.arange(32.0, dtype=np.float32).reshape(SHAPE)
SPECS = [(), ("a",), ("b",), (None, "a"), ("b", "a"), (("a", "b"),), (("b", "a"), None)]


@pytest.fixture(autouse=True)
def eight_devices():
    with config.override(num_cpu_devices=8):
        yield


def description(jax):
    """What shardings, shards and meshes say, as text: written once for JAX and ftx."""
    mesh = jax.make_mesh((2, 4), ("a", "b"))
    found = [str(mesh), repr(mesh), repr(mesh.shape), str(mesh.size), str(mesh.device_ids.tolist())]
    found += [repr(mesh.axis_types), repr(mesh.axis_sizes), repr(mesh.devices[1, 2])]
    for spec in SPECS:
        sharding = jax.NamedSharding(mesh, jax.P(*spec))
        placed = jax.device_put(X, sharding)
        found += [repr(sharding), repr(sharding.spec), repr(sharding.shard_shape(SHAPE))]
        found.append(str((sharding.is_fully_replicated, sharding.num_devices)))
        found.append(repr(sharding.devices_indices_map(SHAPE)))
        found.append(repr([(s.device, s.index, s.replica_id) for s in placed.addressable_shards]))
        found.append(str([np.asarray(s.data).tolist() for s in placed.addressable_shards]))
        found.append(str(placed.is_fully_replicated))
        callback = lambda index: X[index] * 2
        made = jax.make_array_from_callback(SHAPE, sharding, callback)
        found += [str(np.asarray(made).tolist()), repr(made.sharding)]
        made = jax.make_array_from_process_local_data(sharding, X)
        found += [str(np.asarray(made).tolist()), repr(made.sharding)]
        blocks = [s.data for s in placed.addressable_shards]
        made = jax.make_array_from_single_device_arrays(SHAPE, sharding, blocks)
        found += [str(np.asarray(made).tolist()), repr(made.sharding)]
    single = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    found += [repr(single), repr(single.shard_shape(SHAPE)), repr(jax.numpy.ones(2).sharding)]
    equal = jax.NamedSharding(mesh, jax.P("a")), jax.NamedSharding(mesh, jax.P(("a",), None))
    found.append(str((equal[0] == equal[1], equal[0].is_equivalent_to(equal[1], 2))))
    found.append(str((jax.P("a") + jax.P("b"), len(jax.P("a", None)), jax.P("a")[0])))
    return found


@pytest.mark.peers
def test_all_is_said_as_jax_says_it():
    pytest.importorskip("jax")
    run = "import os, json; os.environ['XLA_FLAGS']='--xla_force_host_platform_device_count=8'\n"
    run += "import jax\nfrom tests.core.test_sharding import description\n"
    run += "print(json.dumps(description(jax)))"
    found = subprocess.run([sys.executable, "-c", run], capture_output=True, check=True)
    assert description(ftx) == json.loads(found.stdout.splitlines()[-1])


def test_an_array_stays_whole_and_remembers_its_sharding():
    x = fnp.asarray(X)
    sharding = NamedSharding(ftx.make_mesh((4,), ("rows",)), P("rows"))
    y = ftx.device_put(x, sharding)
    assert y.sharding is sharding and x.sharding == SingleDeviceSharding(ftx.devices()[0])
    assert y.devices() == set(ftx.devices()[:4])
    assert np.shares_memory(np.asarray(x), np.asarray(y))
    np.testing.assert_array_equal(y.addressable_data(1), X[2:4])
    assert (y + 1).sharding == x.sharding


def test_what_was_placed_is_not_overwritten_by_donating_the_other():
    x = fnp.asarray(X) * 1
    y = ftx.device_put(x, ftx.devices()[0])
    ftx.jit(lambda v: v + 1, donate_argnums=0)(y)
    np.testing.assert_array_equal(x, X)


def test_trees_of_shardings_are_prefixes():
    mesh = ftx.make_mesh((2,), ("a",))
    rows, whole = NamedSharding(mesh, P("a")), NamedSharding(mesh, P())
    placed = ftx.device_put({"w": [X, X], "b": X[0]}, {"w": rows, "b": whole})
    assert [v.sharding for v in ftx.tree.leaves(placed)] == [whole, rows, rows]
    with pytest.raises(ShardingError, match="prefix"):
        ftx.device_put([X], [rows, whole])
    with pytest.raises(ShardingError, match=r"leaf 1: expected a multiple of 2 along axis 0"):
        ftx.device_put([X, X[:3]], rows)


def test_jit_checks_arguments_and_marks_results():
    mesh = ftx.make_mesh((2,), ("a",))
    rows, whole = NamedSharding(mesh, P("a")), NamedSharding(mesh, P())
    f = ftx.jit(
        lambda x, n: (x * n, x.sum()), in_shardings=(rows, None), out_shardings=(rows, None)
    )
    for _ in range(2):
        y, total = f(X, 2.0)
        assert y.sharding == rows and total.sharding == SingleDeviceSharding(ftx.devices()[0])
        np.testing.assert_array_equal(y, X * 2)
    with pytest.raises(ShardingError, match=r"argument x: expected a multiple of 2.*\(3, 4\)"):
        f(X[:3], 2.0)
    with pytest.raises(ArgumentError, match="expected positional arguments"):
        f(X, n=2.0)
    with pytest.raises(ShardingError, match="prefix"):
        ftx.jit(lambda x: x, in_shardings=(rows, rows))(X)
    with pytest.raises(ShardingError, match="prefix"):
        ftx.jit(lambda x: x, out_shardings=(rows, rows))(X)
    decorated = ftx.jit(static_argnums=1, in_shardings=(rows,), out_shardings=whole)
    assert decorated(lambda x, n: x[:n])(X, 2).sharding == whole
    np.testing.assert_array_equal(ftx.grad(lambda x: f(x, 2.0)[1])(X), np.ones_like(X))
    assert ftx.vmap(f, (0, None))(np.stack([X, X]), 2.0)[0].shape == (2, 8, 4)


def test_constraints_check_under_jit_too():
    rows = NamedSharding(ftx.make_mesh((2,), ("a",), (AxisType.Auto,)), P("a"))
    constrain = lambda x: ftx.lax.with_sharding_constraint(x, rows)
    assert constrain(fnp.asarray(X)).sharding == rows
    np.testing.assert_array_equal(ftx.jit(lambda x: constrain(x * 2))(X), X * 2)
    with pytest.raises(ShardingError, match="multiple of 2"):
        ftx.jit(constrain)(X[:3])
    assert ftx.reshard(X, rows).sharding == rows


def test_a_spec_alone_is_of_the_mesh_in_force():
    with pytest.raises(ShardingError, match="expected a mesh in force"):
        ftx.device_put(X, P("a"))
    mesh = ftx.make_mesh((2,), ("a",))
    with ftx.set_mesh(mesh):
        assert ftx.sharding.get_mesh() is mesh
        assert ftx.sharding.get_abstract_mesh() == mesh.abstract_mesh
        assert ftx.device_put(X, P("a")).sharding == NamedSharding(mesh, P("a"))
    assert ftx.sharding.get_mesh().empty
    ftx.set_mesh(mesh)
    assert ftx.sharding.get_mesh() is mesh
    ftx.set_mesh(None)
    assert ftx.sharding.get_mesh().empty


def test_blocks_of_other_shapes_are_refused():
    sharding = NamedSharding(ftx.make_mesh((2,), ("a",)), P("a"))
    with pytest.raises(ShardingError, match=r"blocks of shape \(4, 4\).*got \(8, 4\)"):
        ftx.make_array_from_callback(SHAPE, sharding, lambda index: X)
    with pytest.raises(ShardingError, match="expected 2 arrays"):
        ftx.make_array_from_single_device_arrays(SHAPE, sharding, [X])
    with pytest.raises(ShardingError, match="whole array"):
        ftx.make_array_from_process_local_data(sharding, X, (16, 4))


def test_a_callback_is_called_once_for_each_block():
    asked = []
    sharding = NamedSharding(ftx.make_mesh((2, 4), ("a", "b")), P("b"))
    made = ftx.make_array_from_callback(
        SHAPE, sharding, lambda i: asked.append(i) or X[i], dtype=fnp.int32
    )
    assert len(asked) == 4 and made.dtype == fnp.int32


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: NamedSharding(AbstractMesh((2,), ("a",)), P("b")), "axes of the mesh"),
        (lambda: NamedSharding(AbstractMesh((2,), ("a",)), P("a", "a")), "at most once"),
        (lambda: NamedSharding(AbstractMesh((2,), ("a",)), ("a",)), "a mesh and a PartitionSpec"),
        (lambda: AbstractMesh((2, 2), ("a", "a")), "2 different names"),
        (lambda: Mesh(ftx.devices(), ("a", "b")), "1 different names"),
        (lambda: Mesh(ftx.devices(), "a", ("Auto",)), "one AxisType"),
        (lambda: ftx.make_mesh((9,), ("a",)), "at most 8 places"),
        (lambda: ftx.set_mesh(3), "a mesh or None"),
        (lambda: ftx.device_put(X, NamedSharding(AbstractMesh((3,), ("a",)), P("a"))), "of 3"),
        (
            lambda: NamedSharding(AbstractMesh((2,), ("a",)), P("a")).devices_indices_map((2,)),
            "a mesh of devices",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, text):
    with pytest.raises(ShardingError, match=text):
        make()


def test_what_there_is_not_is_refused():
    with pytest.raises(UnsupportedError, match="memory_kind"):
        SingleDeviceSharding(ftx.devices()[0], memory_kind="pinned_host")
    with pytest.raises(UnsupportedError, match="unreduced"):
        P(unreduced={"a"})


def test_specs_are_values():
    assert P("a", None) != P("a") and P(("a",), ()) == P("a", None) == PartitionSpec("a", None)
    assert pickle.loads(pickle.dumps(P("a", ("b", "c")))) == P("a", ("b", "c"))
    assert copy.deepcopy(P("a")) == P("a") and len({P("a"), P("a")}) == 1
    assert ftx.tree.leaves({"w": P("a", "b")}) == [P("a", "b")]


def test_stand_ins_have_shardings():
    sharding = NamedSharding(AbstractMesh((2,), ("a",)), P("a"))
    assert ftx.ShapeDtypeStruct((4,), fnp.float32, sharding=sharding).sharding is sharding
    with pytest.raises(ShardingError):
        ftx.ShapeDtypeStruct((3,), fnp.float32, sharding=sharding)

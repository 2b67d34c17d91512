"""Pytrees: structure, order, paths, registration; the semantics of jax.tree."""

import collections
import dataclasses

import numpy as np
import pytest

import ftx
from ftx.core import tree
from ftx.core.errors import InAxesError, TreeError

Point = collections.namedtuple("Point", "x y")

TREES = [
    1.0,
    None,
    (),
    [1, (2, 3), []],
    {"b": 1, "a": {"d": 2, "c": None}},
    Point(1, [2, None]),
    collections.OrderedDict([("z", 1), ("a", 2)]),
    ({"k": (1, 2)}, Point({}, 3)),
]


@pytest.mark.parametrize("value", TREES, ids=repr)
def test_round_trip(value):
    leaves, treedef = tree.flatten(value)
    assert tree.unflatten(treedef, leaves) == value
    assert tree.structure(value) == treedef
    assert hash(treedef) == hash(tree.structure(value))
    assert tree.map(lambda x: x, value) == value
    assert tree.leaves(value) == leaves


@pytest.mark.peers
@pytest.mark.parametrize("value", TREES, ids=repr)
def test_leaves_paths_and_order_like_jax(value):
    jax = pytest.importorskip("jax")
    assert tree.leaves(value) == jax.tree.leaves(value)
    ours = [(tree.keystr(p), v) for p, v in tree.leaves_with_path(value)]
    theirs = [(jax.tree_util.keystr(p), v) for p, v in jax.tree.leaves_with_path(value)]
    assert ours == theirs


def test_dict_keys_are_sorted_and_none_is_empty():
    assert tree.leaves({"b": 1, "a": 2}) == [2, 1]
    assert tree.leaves([None, 1, None]) == [1]
    assert tree.structure((1, None)) != tree.structure((1, 2))


def test_map_reduce_all_transpose():
    assert tree.map(lambda a, b: a + b, {"x": 1}, {"x": 10}) == {"x": 11}
    assert tree.reduce(lambda a, b: a + b, [1, (2, 3)]) == 6
    assert tree.reduce(lambda a, b: a + b, [], 5) == 5
    assert tree.all([True, {"a": True}]) and not tree.all([True, [False]])
    outer, inner = tree.structure({"a": 0, "b": 0}), tree.structure([0, 0])
    assert tree.transpose(outer, inner, {"a": [1, 2], "b": [3, 4]}) == [
        {"a": 1, "b": 3},
        {"a": 2, "b": 4},
    ]


def test_is_leaf():
    assert tree.leaves([(1, 2), 3], is_leaf=lambda x: isinstance(x, tuple)) == [(1, 2), 3]


def test_structures_that_differ():
    with pytest.raises(TreeError, match="structure of the first"):
        tree.map(lambda a, b: a, {"x": 1}, {"y": 1})
    with pytest.raises(ValueError):
        tree.map(lambda a: int("no"), [1])


def test_paths():
    value = {"w": [1, Point(2, 3)]}
    assert [tree.keystr(p) for p, _ in tree.leaves_with_path(value)] == [
        "['w'][0]",
        "['w'][1].x",
        "['w'][1].y",
    ]
    named = tree.map_with_path(lambda path, x: f"{tree.keystr(path)}={x}", value)
    assert named["w"][0] == "['w'][0]=1"


class Pair:
    """A container known only by registration."""

    def __init__(self, a, b, name):
        self.a, self.b, self.name = a, b, name


tree.register_pytree_node(
    Pair, lambda p: ((p.a, p.b), p.name), lambda name, children: Pair(*children, name)
)


@tree.register_pytree_node_class
class Box:
    """A container with tree_flatten and tree_unflatten."""

    def __init__(self, value):
        self.value = value

    def tree_flatten(self):
        return (self.value,), None

    @classmethod
    def tree_unflatten(cls, aux, children):
        return cls(*children)


@dataclasses.dataclass
class Layer:
    """A dataclass with a static field."""

    weight: object
    size: int = dataclasses.field(default=3, metadata={"static": True})


tree.register_dataclass(Layer)


def test_registered_classes():
    pair = tree.map(lambda x: x * 10, Pair(1, Box(2), "p"))
    assert (pair.a, pair.b.value, pair.name) == (10, 20, "p")
    layer = tree.map(lambda x: x + 1, Layer([1, 2], 7))
    assert (layer.weight, layer.size) == ([2, 3], 7)
    assert tree.structure(Layer(0, 1)) != tree.structure(Layer(0, 2))
    assert [tree.keystr(p) for p, _ in tree.leaves_with_path(Layer([1]))] == [".weight[0]"]


def test_registered_classes_go_through_transforms():
    f = lambda p: p.a * p.b.value**2
    slope = ftx.grad(f)(Pair(2.0, Box(3.0), "p"))
    assert (float(slope.a), float(slope.b.value), slope.name) == (9, 12, "p")
    got = ftx.jit(lambda layer: layer.weight * layer.size)(Layer(np.ones(2), 5))
    assert got.tolist() == [5, 5]


def test_broadcast_prefix():
    treedef = tree.structure({"a": (1, 2), "b": 3})
    spread = lambda prefix: tree.broadcast_prefix(prefix, treedef, InAxesError, "f: axes", "cure")
    assert spread(0) == [0, 0, 0]
    assert spread({"a": None, "b": 1}) == [None, None, 1]
    assert spread({"a": (5, None), "b": 1}) == [5, None, 1]
    with pytest.raises(InAxesError, match=r"f: axes to be a prefix of .* got \{'a': 0\}: .*; cure"):
        spread({"a": 0})

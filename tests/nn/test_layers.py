"""Modules and layers against NumPy, under the transforms, and with bad input."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy import signal

import ftx
import ftx.numpy as fnp
from ftx import nn, random, tree

KEY = random.key(0)
RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def check(got, expected, rtol=1e-5, atol=1e-5):
    np.testing.assert_allclose(np.asarray(got), expected, rtol=rtol, atol=atol)


# --- modules ---------------------------------------------------------------------------------


class Scaled(nn.Module):
    """A module that holds another, a list and a static field."""

    inner: nn.Linear
    factors: list
    power: int = nn.static(default=1)

    def __call__(self, x):
        return self.inner(x) ** self.power * self.factors[0] * self.factors[1]


@pytest.fixture
def scaled():
    return Scaled(nn.Linear(fnp.ones((3, 2)), fnp.zeros(2)), [fnp.asarray(2.0), fnp.ones(2)], 2)


def test_a_module_is_a_pytree(scaled):
    leaves, treedef = tree.flatten(scaled)
    assert [leaf.shape for leaf in leaves] == [(3, 2), (2,), (), (2,)]
    again = tree.unflatten(treedef, leaves)
    assert isinstance(again, Scaled) and again.power == 2
    assert treedef == tree.structure(tree.map(lambda leaf: leaf + 1, scaled))
    assert treedef != tree.structure(scaled.replace(power=3))


def test_the_same_object_eager_and_transformed(scaled):
    x = fnp.asarray(normal(5, 3))
    expected = np.asarray(x).sum(-1, keepdims=True) ** 2 * 2 * np.ones(2)
    check(scaled(x), expected)
    check(ftx.jit(lambda m, x: m(x))(scaled, x), expected)
    check(ftx.vmap(scaled)(x), expected)
    gradient = ftx.grad(lambda m: fnp.sum(m(x)))(scaled)
    assert isinstance(gradient, Scaled) and gradient.power == 2
    check(gradient.factors[0], expected.sum() / 2, rtol=1e-4)


def test_an_ensemble_is_vmap_over_the_module():
    models = ftx.vmap(lambda key: nn.MLP.init(key, [3, 4, 2]))(random.split(KEY, 7))
    assert models.layers[0].weight.shape == (7, 3, 4)
    x = fnp.asarray(normal(5, 3))
    assert ftx.vmap(lambda model: model(x))(models).shape == (7, 5, 2)


def test_replace_and_count(scaled):
    assert scaled.parameter_count() == 6 + 2 + 1 + 2
    assert scaled.replace(power=5).power == 5 and scaled.power == 2
    with pytest.raises(TypeError, match=r"Scaled.replace: expected fields among .*, got 'powr'"):
        scaled.replace(powr=5)


def test_repr_shows_shapes(scaled):
    assert repr(scaled) == (
        "Scaled(\n"
        "  inner=Linear(\n"
        "    weight=float32[3,2],\n"
        "    bias=float32[2],\n"
        "  ),\n"
        "  factors=[\n"
        "    float32[],\n"
        "    float32[2],\n"
        "  ],\n"
        "  power=2,\n"
        ")"
    )


def test_modules_are_immutable(scaled):
    with pytest.raises(dataclasses.FrozenInstanceError, match=r"module.replace\(power=...\)"):
        scaled.power = 3


def test_own_constructor_is_refused():
    with pytest.raises(TypeError, match="Bad: expected fields only, got an __init__ of its own"):

        class Bad(nn.Module):
            weight: Any

            def __init__(self, n):
                self.weight = n


# --- dense -----------------------------------------------------------------------------------


def test_linear():
    layer = nn.Linear.init(KEY, 3, 2, bias_init=nn.initializers.ones)
    x = normal(4, 5, 3)
    check(layer(fnp.asarray(x)), x @ np.asarray(layer.weight) + 1)
    assert nn.Linear.init(KEY, 3, 2, use_bias=False).bias is None
    assert nn.Linear.init(KEY, 3, 2, dtype=fnp.float16).weight.dtype == fnp.float16
    with pytest.raises(ValueError, match=r"Linear: expected 3 features .*, got .* \(4, 2\)"):
        layer(fnp.ones((4, 2)))


def test_mlp():
    model = nn.MLP.init(KEY, [3, 8, 8, 2], activation=nn.tanh)
    x = normal(4, 3)
    expected = x
    for i, layer in enumerate(model.layers):
        expected = expected @ np.asarray(layer.weight) + np.asarray(layer.bias)
        expected = np.tanh(expected) if i < 2 else expected
    check(model(fnp.asarray(x)), expected)
    with pytest.raises(ValueError, match=r"MLP.init: expected at least two sizes .* got \[3\]"):
        nn.MLP.init(KEY, [3])


def test_layers_get_different_weights():
    model = nn.MLP.init(KEY, [4, 4, 4])
    assert not np.allclose(np.asarray(model.layers[0].weight), np.asarray(model.layers[1].weight))


def test_embedding():
    table = nn.Embedding.init(KEY, 10, 4)
    weight = np.asarray(table.weight)
    ids = np.array([[1, 9], [0, 1]])
    check(table(fnp.asarray(ids)), weight[ids])
    x = normal(3, 4)
    check(table.attend(fnp.asarray(x)), x @ weight.T)
    ct = ftx.grad(lambda t: fnp.sum(t(fnp.asarray(ids))))(table)
    check(ct.weight, np.bincount(ids.ravel(), minlength=10)[:, None] * np.ones(4))
    with pytest.raises(TypeError, match="Embedding: expected integer indices, got dtype float32"):
        table(fnp.ones(3))


# --- convolution -----------------------------------------------------------------------------


def convolve(x, w, strides, dilation, groups, pads):
    """Cross-correlation by its definition, window position by window position."""
    spatial = w.ndim - 2
    x = np.pad(x, [(0, 0), *pads, (0, 0)]).astype(np.float64)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape, strict=False)]
    sizes = [(n - r) // s + 1 for n, r, s in zip(x.shape[1:-1], reach, strides, strict=True)]
    y = np.zeros((x.shape[0], *sizes, w.shape[-1]))
    n_in, n_out = x.shape[-1] // groups, w.shape[-1] // groups
    for position in np.ndindex(*sizes):
        for tap in np.ndindex(*w.shape[:spatial]):
            at = tuple(
                p * s + t * d for p, s, t, d in zip(position, strides, tap, dilation, strict=True)
            )
            for g in range(groups):
                i, o = slice(g * n_in, (g + 1) * n_in), slice(g * n_out, (g + 1) * n_out)
                y[(slice(None), *position, o)] += x[(slice(None), *at, i)] @ w[tap][:, o]
    return y


@pytest.mark.parametrize(
    "strides, dilation, groups, padding, pads",
    [
        (1, 1, 1, "VALID", (0, 0)),
        (1, 1, 1, "SAME", (1, 1)),
        (2, 1, 1, "VALID", (0, 0)),
        (1, 2, 1, 2, (2, 2)),
        (1, 1, 2, "VALID", (0, 0)),
        (3, 1, 4, [(0, 2), (0, 2)], (0, 2)),
    ],
)
def test_conv2d(strides, dilation, groups, padding, pads):
    layer = nn.Conv.init(
        KEY, 4, 8, [3, 3], strides=strides, dilation=dilation, groups=groups, padding=padding
    )
    x = normal(2, 9, 7, 4)
    w = np.asarray(layer.weight)
    assert w.shape == (3, 3, 4 // groups, 8)
    expected = convolve(x, w, (strides,) * 2, (dilation,) * 2, groups, [pads, pads])
    check(layer(fnp.asarray(x)), expected)
    check(ftx.jit(lambda layer, x: layer(x))(layer, fnp.asarray(x)), expected)


def test_conv1d_against_scipy():
    layer = nn.Conv.init(KEY, 1, 1, 5, padding="VALID", bias_init=nn.initializers.ones)
    x = normal(20)
    expected = signal.correlate(x, np.asarray(layer.weight)[:, 0, 0], mode="valid") + 1
    check(layer(fnp.asarray(x)[None, :, None])[0, :, 0], expected)


def test_conv_takes_any_number_of_batch_axes():
    layer = nn.Conv.init(KEY, 3, 2, (3, 3))
    x = fnp.asarray(normal(2, 3, 5, 5, 3))
    y = np.asarray(layer(x))
    assert y.shape == (2, 3, 5, 5, 2)
    check(layer(x[1]), y[1])
    check(layer(x[1, 2]), y[1, 2])


def test_conv_errors():
    with pytest.raises(ValueError, match="groups=3 for 4 channels in and 6 out"):
        nn.Conv.init(KEY, 4, 6, 3, groups=3)
    layer = nn.Conv.init(KEY, 3, 2, (3, 3))
    with pytest.raises(ValueError, match=r"Conv: expected 3 features .* \(1, 5, 5, 4\)"):
        layer(fnp.ones((1, 5, 5, 4)))
    with pytest.raises(ValueError, match=r"Conv: expected 2 spatial axes .* \(5, 3\)"):
        layer(fnp.ones((5, 3)))


# --- normalisation and dropout ---------------------------------------------------------------


def test_layer_norm():
    layer = nn.LayerNorm(fnp.asarray(normal(6)), fnp.asarray(normal(6)), 1e-3)
    x = normal(4, 5, 6) * 3 + 2
    spread = np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    expected = (x - x.mean(-1, keepdims=True)) / spread * np.asarray(layer.scale) + layer.shift
    check(layer(fnp.asarray(x)), expected)
    with pytest.raises(ValueError, match="LayerNorm: expected 6 features"):
        layer(fnp.ones(5))


def test_layer_norm_keeps_digits_when_the_mean_is_large():
    x = np.array([1.0, 2.0, 3.0, 4.0], np.float32)
    layer = nn.LayerNorm.init(4)
    check(layer(fnp.asarray(x + 8192)), np.asarray(layer(fnp.asarray(x))))


def test_low_precision_stays_low_but_does_not_overflow():
    x = fnp.asarray(normal(3, 4) * 1000).astype(fnp.float16)  # squares exceed 65504
    y = nn.LayerNorm.init(4, dtype=fnp.float16)(x)
    assert y.dtype == fnp.float16 and np.isfinite(np.asarray(y)).all()


def test_batch_norm():
    layer = nn.BatchNorm(fnp.asarray(normal(3)), fnp.asarray(normal(3)), momentum=0.75)
    state = layer.initial_state()
    x = normal(5, 4, 4, 3) * 2 + 1
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))

    y, trained = layer(fnp.asarray(x), state, training=True)
    scale, shift = np.asarray(layer.scale), np.asarray(layer.shift)
    check(y, (x - mean) / np.sqrt(variance + 1e-5) * scale + shift)
    check(trained.mean, 0.25 * mean)
    check(trained.variance, 0.75 + 0.25 * variance)

    y, same = layer(fnp.asarray(x), trained, training=False)
    spread = np.sqrt(np.asarray(trained.variance) + 1e-5)
    check(y, (x - np.asarray(trained.mean)) / spread * scale + shift)
    check(same.mean, np.asarray(trained.mean))


def test_batch_norm_gradient_is_orthogonal_to_shift_and_scale():
    """A loss of y does not change when all x shift, nor (but for epsilon) when all scale."""
    layer = nn.BatchNorm.init(3)
    target = fnp.asarray(normal(8, 3))
    x = fnp.asarray(normal(8, 3))

    def loss(x):
        y, _ = layer(x, layer.initial_state(), training=True)
        return fnp.sum((y - target) ** 2)

    ct = np.asarray(ftx.grad(loss)(x))
    check(ct.sum(0), np.zeros(3), atol=1e-4)
    check((ct * np.asarray(x)).sum(0), np.zeros(3), atol=1e-3)


def test_batch_norm_over_a_named_axis():
    layer = nn.BatchNorm.init(3, axis_name="shard")
    x = fnp.asarray(normal(4, 5, 3))
    state = layer.initial_state()
    y, states = ftx.vmap(
        lambda x: layer(x, state, training=True), axis_name="shard", out_axes=(0, 0)
    )(x)
    flat, _ = nn.BatchNorm.init(3)(x.reshape(20, 3), state, training=True)
    check(y.reshape(20, 3), np.asarray(flat))
    check(states.mean[0], np.asarray(states.mean[3]))


def test_dropout():
    layer = nn.Dropout(0.25)
    x = fnp.ones(20000)
    y = np.asarray(layer(x, key=KEY))
    assert set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    # Standard deviation of the share dropped: sqrt(.25·.75/20000) = .003.
    assert abs((y == 0).mean() - 0.25) < 0.015
    np.testing.assert_array_equal(np.asarray(layer(x, key=KEY)), y)
    np.testing.assert_array_equal(np.asarray(layer(x, deterministic=True)), 1)
    np.testing.assert_array_equal(np.asarray(nn.Dropout(1.0)(x, key=KEY)), 0)
    with pytest.raises(ValueError, match="Dropout: expected a key in training, got None"):
        layer(x)
    with pytest.raises(ValueError, match=r"expected a rate in \[0, 1\], got 1.5"):
        nn.Dropout(1.5)


@pytest.mark.peers
@pytest.mark.parametrize("window, x", [((3, 3), normal(2, 8, 8, 3)), (4, normal(2, 9, 3))])
def test_conv_gradients_are_those_of_jax(window, x):
    jax = pytest.importorskip("jax")
    layer = nn.Conv.init(KEY, 3, 5, window, strides=2)
    spatial = x.ndim - 2
    letters = "HW"[-spatial:]
    layout = (f"N{letters}C", f"{letters}IO", f"N{letters}C")

    def theirs(w, x):
        strides = (2,) * spatial
        y = jax.lax.conv_general_dilated(x, w, strides, "SAME", dimension_numbers=layout)
        return jax.numpy.sum(jax.numpy.sin(y))

    ours = ftx.grad(lambda layer, x: fnp.sum(fnp.sin(layer(x))), argnums=(0, 1))
    got_layer, got_x = ours(layer, fnp.asarray(x))
    expected_w, expected_x = jax.grad(theirs, argnums=(0, 1))(np.asarray(layer.weight), x)
    check(got_layer.weight, np.asarray(expected_w), rtol=1e-4)
    check(got_x, np.asarray(expected_x), rtol=1e-4)

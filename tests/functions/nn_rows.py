"""Rows of the functions of ftx.nn, each against its formula written in NumPy."""

import numpy as np
import scipy.special as S

from tests.functions.draws import Call, Operand
from tests.functions.rows import add, hold

near = {"tolerance": 64}
sigmoid = S.expit
softplus = lambda x: np.logaddexp(x, 0)


def activation(names, oracle, smooth=(0.2, 0.8), kinds="sf", special=True, typed=None, **options):
    def arguments(d):
        x = d.array(
            typed or kinds if d.mode == "types" else kinds,
            smooth=smooth,
            special=special,
            low=-4,
            high=4,
        )
        return Call((x,), d.options(**options))

    add(" ".join(f"nn.{n}" for n in names.split()), arguments, oracle, **near)


activation("identity", lambda x: x, kinds="bifc")
activation("relu", lambda x: np.where(x <= 0, 0, x))
activation("relu6", lambda x: np.minimum(np.maximum(x, 0), 6))
activation(
    "leaky_relu",
    lambda x, negative_slope=0.01: np.where(x >= 0, x, negative_slope * x),
    negative_slope=(..., 0.3),
)
activation("elu", lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x)), alpha=(..., 0.3))
celu = lambda x, alpha=1.0: np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha)
activation("celu", celu, alpha=(..., 0.3))
SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
activation("selu", lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(x)))
activation("sigmoid", sigmoid)
activation("log_sigmoid", lambda x: -softplus(-x))
activation("softplus", softplus)
activation("tanh", np.tanh)
activation("silu swish", lambda x: x * sigmoid(x), special=False)
activation("mish", lambda x: x * np.tanh(softplus(x)), special=False)


def gelu(x, approximate=True):
    if approximate:
        return x * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return x * S.ndtr(x)


activation("gelu", gelu, special=False, approximate=(True, False))
activation("hard_tanh", lambda x: np.clip(x, -1, 1))
activation("hard_sigmoid", lambda x: np.clip(x + 3, 0, 6) / 6)
activation("hard_silu hard_swish", lambda x: x * np.clip(x + 3, 0, 6) / 6, special=False)
activation("soft_sign", lambda x: x / (1 + np.abs(x)), special=False)
activation("squareplus", lambda x, b=4: (x + np.sqrt(x**2 + b)) / 2, special=False, b=(..., 1))
sparse = lambda x: np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4))
# Of integers JAX gives a weak result.
activation("sparse_plus", sparse, typed="f")
activation("sparse_sigmoid", lambda x: 0.5 * np.clip(x + 1, 0, 2))


def halves(d):
    axis = d.pick(-1, 0)
    return Call((d.array("f", d.pick((2, 4), (4, 2, 2))),), {"axis": axis})


def glu(x, axis):
    value, gate = np.split(x, 2, axis)
    return value * sigmoid(gate)


add("nn.glu", halves, glu, **near)

# ---- along axes


def some(rng, shape, dtype):
    """At least the first of each row."""
    first = np.arange(np.prod(shape)).reshape(shape) % shape[-1] == 0
    return first | (rng.random(shape) > 0.4)


def masked(d, keepdims=False, kinds="if"):
    shape = d.shape(1, empty=False)
    # Of integers the type in JAX depends on whether there is a mask.
    x = d.array("f" if d.mode == "types" else kinds, shape)
    o = {"axis": d.axes(len(shape))}
    if keepdims:
        o |= d.options(keepdims=(..., True))
    if d.flag():
        first = lambda rng, s, t: (
            (np.arange(np.prod(s)).reshape(s) % s[-1] == 0) | (rng.random(s) > 0.4)
        )
        if o["axis"] in (None, -1, len(shape) - 1):
            o["where"] = Operand(shape, np.dtype(bool), make=first)
    return Call((x,), o)


def without(x, where):
    return x if where is None else np.where(where, x, -np.inf)


def softmax(x, axis, where=None):
    return S.softmax(without(x, where), axis)


def log_softmax(x, axis, where=None):
    return S.log_softmax(without(x, where), axis)


def logsumexp(x, axis, where=None, keepdims=False):
    return S.logsumexp(without(x, where), axis, keepdims=keepdims)


def logmeanexp(x, axis, where=None, keepdims=False):
    n = np.sum(np.ones_like(x) if where is None else where, axis, keepdims=keepdims)
    return logsumexp(x, axis, where, keepdims) - np.log(n)


add("nn.softmax", masked, softmax, **near)
finite = lambda d: Call(
    (c := masked(d)).args, {k: v for k, v in c.options.items() if k != "where" or not d.smooth}
)
add("nn.log_softmax", finite, log_softmax, **near)
add("nn.logsumexp", lambda d: masked(d, True), logsumexp, **near)
add("nn.logmeanexp", lambda d: masked(d, True), logmeanexp, **near)


def standardized(d):
    x = d.array("if", (3, 4))
    o = {
        "axis": d.pick(-1, 0, (0, 1)),
        **d.options(epsilon=(1e-5, 0.1), algorithm=("fast", "stable")),
    }
    return Call((x,), o)


def standardize(x, axis, epsilon, algorithm):
    mean, variance = x.mean(axis, keepdims=True), x.var(axis, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon)


add(
    "nn.standardize",
    standardized,
    standardize,
    tolerance=2000,
    reason="the variance is a difference of squares, JAX's default",
)


def classes(d):
    x = d.array(dtype=d.pick("int32", "uint8", "int8", "int64"), shape=d.shape(), ints=(-3, 7))
    o = d.options(dtype=("float32", "int32", "bool"), axis=(-1, 0))
    return Call((x, d.pick(4, 0, 200)), o)


def one_hot(x, n, dtype, axis):
    found = x.astype(np.int64)[..., None] == np.arange(n)
    return np.moveaxis(found, -1, axis).astype(dtype)


add("nn.one_hot", classes, one_hot, gradient=False)

# ---- losses


def two(low=-2.0, high=2.0, second=None, **options):
    def arguments(d):
        shape = d.shape(1, empty=False)
        dtype = d.dtype("f")
        x = Operand(shape, dtype, *((1.2, 2.0) if d.smooth else (low, high)))
        y = Operand(shape, dtype, 0.1, 0.9, make=second)
        return Call((x, y), d.options(**options))

    return arguments


add("nn.squared_error", two(), lambda x, y: (x - y) ** 2, **near)
add("nn.l2_loss", two(), lambda x, y: (x - y) ** 2 / 2, **near)


def huber(x, y, delta=1.0):
    e = np.abs(x - y)
    return np.where(e <= delta, e**2 / 2, delta * (e - delta / 2))


add("nn.huber_loss", two(delta=(..., 0.2)), huber, **near)
add("nn.log_cosh", two(), lambda x, y: np.log(np.cosh(x - y)), **near)


def signs(rng, shape, dtype):
    return rng.choice([-1.0, 1.0], shape)


add("nn.hinge_loss", two(-0.8, 0.8, signs), lambda x, y: np.maximum(0, 1 - x * y), **near)
bce = lambda x, y: -y * np.log(sigmoid(x)) - (1 - y) * np.log(sigmoid(-x))
add("nn.sigmoid_binary_cross_entropy", two(), bce, **near)


def labelled(d, integers=False):
    shape = d.pick((2, 3), (3,), (2, 2, 4))
    axis = d.pick(-1, 0)
    rest = list(shape)
    n = rest.pop(axis)
    x = d.array("f", shape)
    if integers:
        y = d.array(dtype=d.pick("int32", "uint8"), shape=tuple(rest), ints=(0, n))
    else:
        y = Operand(shape, x.dtype, 0.1, 0.9)
    return Call((x, y), {"axis": axis})


def cross_entropy(x, y, axis):
    return -np.sum(y * S.log_softmax(x, axis), axis)


def cross_entropy_of_classes(x, y, axis):
    chosen = np.take_along_axis(S.log_softmax(x, axis), np.expand_dims(y.astype(int), axis), axis)
    return -np.squeeze(chosen, axis)


add("nn.softmax_cross_entropy", labelled, cross_entropy, **near)
add(
    "nn.softmax_cross_entropy_with_integer_labels",
    lambda d: labelled(d, True),
    cross_entropy_of_classes,
    **near,
)


def distributions(d):
    call = labelled(d)
    x, y = call.args
    return Call((Operand(x.shape, x.dtype, -3.0, -0.5), y), call.options)


add("nn.kl_divergence", distributions, lambda x, y, axis: np.sum(y * (np.log(y) - x), axis), **near)


def cosine(x, y, axis=-1, epsilon=0.0):
    norm = lambda v: np.maximum(np.linalg.norm(v, axis=axis, keepdims=True), epsilon)
    return np.sum(x / norm(x) * (y / norm(y)), axis)


pairs = two(0.3, 2, epsilon=(0.0, 1e-3), axis=(-1, 0))
add("nn.cosine_similarity", pairs, cosine, **near)
add("nn.cosine_distance", pairs, lambda x, y, **o: 1 - cosine(x, y, **o), **near)

hold("nn.static", "marks fields of modules; tests/nn/test_layers")

add(
    "nn.log1mexp",
    lambda d: Call((d.array("f", low=0.2, high=4, smooth=(0.3, 2)),)),
    lambda x: np.log(-np.expm1(-x)),
    **near,
)
hold("nn.dot_product_attention", "beside JAX and a formula in tests/nn/test_attention.py")

"""Shapes, orders of axes, joins, repeats and taking: with drawn axes, negative ones among them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import ftx.numpy as fnp
from tests.array_api.strategies import ALL, INTEGER, any_axes, arrays, axes, several_axes

drawn = settings(max_examples=20, deadline=None)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
LINES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)


def agree(f, g, *xs):
    """f of ftx's arrays gives what g gives of NumPy's, dtype included."""
    found, wanted = f(*map(fnp.asarray, xs)), g(*xs)
    if isinstance(wanted, (tuple, list)):
        assert isinstance(found, (tuple, list)) and len(found) == len(wanted)
    else:
        found, wanted = [found], [wanted]
    for x, y in zip(found, wanted, strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(np.asarray(x), y)


@drawn
@given(x=arrays(ALL, SHAPES), data=st.data())
def test_expand_dims(x, data):
    axis = data.draw(st.integers(-x.ndim - 1, x.ndim))
    agree(lambda v: fnp.expand_dims(v, axis=axis), lambda v: np.expand_dims(v, axis), x)
    for outside in (x.ndim + 1, -x.ndim - 2):
        with pytest.raises(IndexError):
            fnp.expand_dims(fnp.asarray(x), axis=outside)


@drawn
@given(x=arrays(ALL, st.lists(st.sampled_from([1, 1, 2]), max_size=4).map(tuple)), data=st.data())
def test_squeeze(x, data):
    axis = data.draw(several_axes(x.ndim) | axes(x.ndim) if x.ndim else st.just(()))
    chosen = axis if isinstance(axis, tuple) else (axis,)
    if all(x.shape[a] == 1 for a in chosen):
        agree(lambda v: fnp.squeeze(v, axis), lambda v: np.squeeze(v, axis), x)
        agree(lambda v: fnp.squeeze(v, axis=axis), lambda v: np.squeeze(v, axis), x)
    else:
        with pytest.raises(ValueError, match="size 1"):
            fnp.squeeze(fnp.asarray(x), axis)


@drawn
@given(x=arrays(ALL, SHAPES), data=st.data())
def test_flip_and_roll(x, data):
    axis = data.draw(any_axes(x.ndim))
    agree(lambda v: fnp.flip(v, axis=axis), lambda v: np.flip(v, axis), x)
    far = st.integers(-20, 20)
    many = isinstance(axis, tuple)
    shift = tuple(data.draw(far) for _ in axis) if many else data.draw(far)
    if axis != ():  # of which NumPy makes an error
        agree(lambda v: fnp.roll(v, shift, axis=axis), lambda v: np.roll(v, shift, axis), x)


@drawn
@given(x=arrays(ALL, SHAPES), data=st.data())
def test_orders_of_axes(x, data):
    order = tuple(data.draw(st.permutations(range(x.ndim))))
    agree(lambda v: fnp.permute_dims(v, order), lambda v: np.transpose(v, order), x)
    agree(lambda v: fnp.permute_dims(v, axes=order), lambda v: np.transpose(v, order), x)
    source = data.draw(several_axes(x.ndim))
    target = tuple(data.draw(st.permutations(range(x.ndim)))[: len(source)])
    agree(lambda v: fnp.moveaxis(v, source, target), lambda v: np.moveaxis(v, source, target), x)
    if x.ndim:
        one, other = data.draw(axes(x.ndim)), data.draw(axes(x.ndim))
        agree(lambda v: fnp.moveaxis(v, one, other), lambda v: np.moveaxis(v, one, other), x)
    if x.ndim >= 2:
        agree(fnp.matrix_transpose, np.matrix_transpose, x)
        agree(fnp.linalg.matrix_transpose, np.matrix_transpose, x)
        agree(lambda v: v.mT, np.matrix_transpose, x)


@drawn
@given(x=arrays(ALL, SHAPES), data=st.data())
def test_reshape(x, data):
    factors, rest = [], x.size
    while rest > 1:
        factor = data.draw(st.sampled_from([d for d in range(2, rest + 1) if rest % d == 0]))
        factors, rest = [*factors, factor], rest // factor
    shape = tuple(data.draw(st.permutations([*factors, 1] if x.size else [*x.shape])))
    copy = data.draw(st.none() | st.booleans())
    agree(lambda v: fnp.reshape(v, shape, copy=copy), lambda v: np.reshape(v, shape), x)
    if x.size:
        at = data.draw(st.integers(0, len(shape) - 1))
        open_ = (*shape[:at], -1, *shape[at + 1 :])
        agree(lambda v: fnp.reshape(v, open_), lambda v: np.reshape(v, open_), x)
        agree(lambda v: fnp.reshape(v, shape=open_), lambda v: np.reshape(v, open_), x)


@drawn
@given(shape=LINES, data=st.data())
def test_concat(shape, data):
    axis = data.draw(st.none() | axes(len(shape)))
    kind = data.draw(st.sampled_from(ALL))
    if axis is None:
        shapes = [data.draw(SHAPES) for _ in range(3)]
    else:
        place = axis % len(shape)
        sizes = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
        shapes = [(*shape[:place], n, *shape[place + 1 :]) for n in sizes]
    xs = [data.draw(arrays([kind], st.just(s))) for s in shapes]
    flat = lambda *vs: np.concatenate([v.reshape(-1) for v in vs])
    agree(
        lambda *vs: fnp.concat(vs, axis=axis),
        flat if axis is None else lambda *vs: np.concatenate(vs, axis),
        *xs,
    )


@drawn
@given(x=arrays(ALL, SHAPES), n=st.integers(1, 3), data=st.data())
def test_stack_and_unstack(x, n, data):
    axis = data.draw(st.integers(-x.ndim - 1, x.ndim))
    agree(lambda v: fnp.stack([v] * n, axis=axis), lambda v: np.stack([v] * n, axis), x)
    if x.ndim:
        axis = data.draw(axes(x.ndim))
        agree(lambda v: fnp.unstack(v, axis=axis), lambda v: np.unstack(v, axis=axis), x)
        assert isinstance(fnp.unstack(fnp.asarray(x)), tuple)


@drawn
@given(x=arrays(ALL, LINES), data=st.data())
def test_repeat(x, data):
    axis = data.draw(st.none() | axes(x.ndim))
    size = x.size if axis is None else x.shape[axis]
    times = st.integers(0, 4)
    n = data.draw(times)
    agree(lambda v: fnp.repeat(v, n, axis=axis), lambda v: np.repeat(v, n, axis), x)
    kind = data.draw(st.sampled_from(INTEGER[:4]))
    many = np.array(data.draw(st.lists(times, min_size=size, max_size=size)), kind)
    for counts in (many, many[:1]):
        agree(
            lambda v, c: fnp.repeat(v, c, axis=axis), lambda v, c: np.repeat(v, c, axis), x, counts
        )


@drawn
@given(x=arrays(ALL, SHAPES), data=st.data())
def test_tile(x, data):
    times = tuple(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=x.ndim + 2)))
    agree(lambda v: fnp.tile(v, times), lambda v: np.tile(v, times), x)


@drawn
@given(
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3), data=st.data()
)
def test_broadcasting(shapes, data):
    xs = [data.draw(arrays(ALL, st.just(s))) for s in shapes.input_shapes]
    agree(
        lambda *vs: list(fnp.broadcast_arrays(*vs)), lambda *vs: list(np.broadcast_arrays(*vs)), *xs
    )
    shape = shapes.result_shape
    agree(lambda v: fnp.broadcast_to(v, shape), lambda v: np.broadcast_to(v, shape), xs[0])
    assert fnp.broadcast_shapes(*shapes.input_shapes) == shape
    with pytest.raises(TypeError, match="broadcast"):
        fnp.broadcast_to(fnp.zeros((2,)), (3,))


@drawn
@given(x=arrays(ALL, LINES), data=st.data())
def test_take(x, data):
    axis = data.draw(axes(x.ndim))
    kind, n = data.draw(st.sampled_from(INTEGER)), x.shape[axis]
    low = 0 if kind.startswith("u") else -n
    places = data.draw(st.lists(st.integers(low, n - 1), max_size=5))
    index = np.array(places, kind)
    agree(lambda v, i: fnp.take(v, i, axis=axis), lambda v, i: np.take(v, i, axis), x, index)
    if x.ndim == 1:
        agree(lambda v, i: fnp.take(v, i), np.take, x, index)


@drawn
@given(x=arrays(ALL, LINES), data=st.data())
def test_take_along_axis(x, data):
    axis = data.draw(axes(x.ndim))
    place, n = axis % x.ndim, x.shape[axis]
    wide = data.draw(st.integers(0, 2 * n))
    others = [m if data.draw(st.booleans()) else 1 for m in x.shape]
    shape = (*others[:place], wide, *others[place + 1 :])
    flat = data.draw(
        st.lists(st.integers(-n, n - 1), min_size=math.prod(shape), max_size=math.prod(shape))
    )
    index = np.array(flat, np.int64).reshape(shape)
    agree(
        lambda v, i: fnp.take_along_axis(v, i, axis=axis),
        lambda v, i: np.take_along_axis(v, i, axis),
        x, index,
    )  # fmt: skip
    last = np.zeros((*x.shape[:-1], 2), np.int64)
    agree(fnp.take_along_axis, lambda v, i: np.take_along_axis(v, i, -1), x, last)

"""New arrays: NumPy is the oracle; under a trace they are equations, not constants."""

import io

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp

CALLS = [
    ("arange", (5,)),
    ("arange", (2, 9, 3)),
    ("arange", (5, 1, -1)),
    ("arange", (0.0, 1.0, 0.25)),
    ("arange", (3, 3)),
    ("arange", (-1.5, 2)),
    ("linspace", (0.0, 1.0, 5)),
    ("linspace", (2, 8, 4, False)),
    ("linspace", (0.0, 1.0, 1)),
    ("linspace", (0.0, 1.0, 0)),
    ("linspace", (np.array([0.0, 1.0]), 3.0, 4)),
    ("logspace", (0, 2, 3)),
    ("geomspace", (1.0, 16.0, 5)),
    ("eye", (3,)),
    ("eye", (2, 4, 1)),
    ("identity", (2,)),
    ("tri", (3, 4, 1)),
    ("zeros", ((2, 3),)),
    ("ones", (3,)),
    ("full", ((2,), 7)),
    ("full", ((2, 2), np.array([1, 2]))),
    ("vander", (np.array([1.0, 2, 3]), 4)),
    ("indices", ((2, 3),)),
    ("zeros_like", (np.ones((2, 2)),)),
    ("full_like", (np.ones(2), 4)),
    ("ones_like", (np.zeros(3, int),)),
    ("diag_indices", (3,)),
    ("tril_indices", (3, -1)),
    ("triu_indices", (3, 1, 4)),
    ("frombuffer", (b"abcd", np.uint8)),
    ("meshgrid", (np.arange(3), np.arange(2))),
    ("polyval", (np.array([1.0, 2, 3]), np.array([0.0, 2.0]))),
]


@pytest.mark.parametrize(("name", "args"), CALLS, ids=[f"{i}-{c[0]}" for i, c in enumerate(CALLS)])
def test_call(name, args):
    wanted = getattr(np, name)(*args)
    for found in (getattr(fnp, name)(*args), ftx.jit(lambda: getattr(fnp, name)(*args))()):
        if isinstance(wanted, (list, tuple)):
            for a, b in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(np.asarray(a), b)
        else:
            assert found.shape == wanted.shape
            np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-6, atol=1e-7)


def test_eager_and_compiled_ranges_are_equal():
    for args in [(0.0, 1.0, 0.1), (-3.3, 7.1, 0.7), (100, 7, -3)]:
        eager, staged = fnp.arange(*args), ftx.jit(lambda a=args: fnp.arange(*a))()
        np.testing.assert_allclose(np.asarray(eager), np.asarray(staged), rtol=1e-6)


def test_traced_programs_hold_no_constants():
    jaxpr = ftx.make_jaxpr(
        lambda x: (
            x + fnp.arange(1000.0) + fnp.eye(1000)[0] + fnp.ones(1000) * fnp.linspace(0, 1, 1000)
        )
    )(1.0)
    assert not jaxpr.consts


def test_options():
    assert (
        fnp.zeros(2, dtype=int).dtype == fnp.int64 and fnp.ones(2, "bfloat16").dtype == fnp.bfloat16
    )
    assert fnp.full(2, 1.0).weak_type and not fnp.full(2, 1.0, "float32").weak_type
    assert fnp.zeros_like(1.0).dtype == fnp.float32 and fnp.zeros_like(
        fnp.ones(2), shape=(3,)
    ).shape == (3,)
    out, step = fnp.linspace(0.0, 1.0, 5, retstep=True)
    assert step == 0.25 and fnp.linspace(0, 10, 5, dtype=int).tolist() == [0, 2, 5, 7, 10]
    assert fnp.mgrid[0:2, 0:3].shape == (2, 2, 3) and [g.shape for g in fnp.ogrid[0:2, 0:3]] == [
        (2, 1),
        (1, 3),
    ]
    assert fnp.fromfunction(lambda i, j: i * j, (2, 3)).shape == (2, 3)
    assert fnp.array([1, 2], ndmin=3).shape == (1, 1, 2)
    source = np.zeros(2)
    copied = fnp.array(source)
    source[0] = 1
    assert copied.tolist() == [0, 0]
    with pytest.raises(ValueError, match="step"):
        fnp.arange(0, 3, 0)


def test_files():
    file = io.BytesIO()
    fnp.save(file, fnp.arange(3))
    file.seek(0)
    assert fnp.load(file).tolist() == [0, 1, 2]


def test_gradient_of_linspace():
    assert ftx.grad(lambda a: fnp.linspace(a, 1.0, 3).sum())(0.0) == 1.5


def test_numbers_keep_their_digits_in_the_dtype_asked_for():
    for found in (
        fnp.asarray(0.3, np.float64),
        fnp.array([0.3, 1], np.float64)[0],
        fnp.array([[0.3], [np.float32(1)]], np.float64)[0, 0],
        fnp.array(0.3j, np.complex128).imag,
        fnp.linspace(0.0, 0.3, 4, dtype=np.float64)[-1],
        fnp.pad(np.ones(1), 1, constant_values=0.3)[0],
        ftx.jit(lambda x: fnp.stack([fnp.asarray(0.3, np.float64), x]))(np.float64(1))[0],
        ftx.jit(lambda x: fnp.asarray([0.3, x], np.float64))(np.float64(1))[0],
    ):
        assert found.dtype == np.float64 and float(found) == 0.3
    assert fnp.asarray([1.7, -1.7], np.int32).tolist() == [1, -1]
    assert fnp.asarray([2.5, 0], bool).tolist() == [True, False]
    with pytest.raises(OverflowError):
        fnp.asarray(300, np.uint8)

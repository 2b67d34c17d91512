"""Which dtype comes of two others, in the three 64-bit modes."""

import itertools

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core import dtypes
from ftx.core.config import config
from ftx.core.errors import DTypeError

NAMES = [d.name for d in dtypes.ALL]
PYTHON = {"bool": True, "int": 1, "float": 1.0, "complex": 1j}


@pytest.mark.peers
@pytest.mark.parametrize("x64", [True, False])
def test_promotion_is_jax_s(x64):
    jax = pytest.importorskip("jax")
    wide = {"int64", "uint64", "float64", "complex128"}
    with config.override(enable_x64=x64), jax.enable_x64(x64):
        for a, b in itertools.product(NAMES, NAMES):
            if not x64 and {a, b} & wide:
                continue
            got, expected = dtypes.promote_types(a, b), jax.numpy.promote_types(a, b)
            assert got == expected, (a, b, got, expected)


@pytest.mark.peers
def test_python_numbers_are_weak_as_in_jax():
    jax = pytest.importorskip("jax")
    with config.override(enable_x64=True), jax.enable_x64(True):
        for name, (kind, number) in itertools.product(NAMES, PYTHON.items()):
            got = (
                fnp.ones(2, name) + number if name != "bool" else fnp.add(fnp.ones(2, name), number)
            ).dtype
            expected = (jax.numpy.ones(2, name) + number).dtype
            assert got == expected, (name, kind, got, expected)


@pytest.mark.parametrize("a, b", list(itertools.combinations(NAMES, 2)))
def test_promotion_is_symmetric_and_absorbs(a, b):
    joined = dtypes.promote_types(a, b)
    assert joined == dtypes.promote_types(b, a)
    assert dtypes.promote_types(joined, a) == dtypes.promote_types(joined, b) == joined


def test_inputs_keep_their_dtype_by_default():
    x = np.ones(2)
    assert ftx.jit(lambda v: v * 2)(x).dtype == np.float64
    assert (fnp.asarray(x) + 1).dtype == np.float64
    assert fnp.ones(2).dtype == np.float32
    assert fnp.arange(3).dtype == np.int64
    assert fnp.asarray(1.5).dtype == np.float32


def test_modes():
    with config.override(enable_x64=True):
        assert fnp.ones(2).dtype == np.float64
        assert fnp.asarray(1).dtype == np.int64
    with config.override(enable_x64=False):
        assert fnp.asarray(np.ones(2)).dtype == np.float32
        assert fnp.arange(3).dtype == np.int32
        assert ftx.jit(lambda x: x + 1)(np.arange(3)).dtype == np.int32


def test_names():
    assert dtypes.short_name(dtypes.bfloat16) == "bf16"
    for d in dtypes.ALL:
        assert dtypes.from_short_name(dtypes.short_name(d)) == d
        assert dtypes.canonical(d.name) == d
        assert dtypes.kind(d) in "bifc"
    assert dtypes.canonical(fnp.float32) == np.float32
    assert dtypes.canonical(float) == np.float32
    assert dtypes.real_of(dtypes.complex128) == np.float64
    assert dtypes.complex_of(dtypes.float64) == np.complex128


@pytest.mark.parametrize("bad", ["float128", object, np.dtype("S3"), "datetime64[s]", "nonsense"])
def test_other_dtypes_are_refused(bad):
    with pytest.raises(DTypeError, match=r"expected one of .*f32"):
        dtypes.canonical(bad)


def test_promotion_of_python_types():
    assert dtypes.promote_types(float, "float16") == np.float16
    assert dtypes.promote_types("int8", int) == np.int8
    assert dtypes.promote_types("int64", "int64") == np.int64

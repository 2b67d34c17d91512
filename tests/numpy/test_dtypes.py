"""ftx.dtypes answers as jax.dtypes does."""

import numpy as np
import pytest

import ftx
from ftx import dtypes
from ftx.core.errors import DTypeError

NAMES = ("bool", "int8", "uint32", "uint64", "int64", "bfloat16", "float16", "float32", "float64")
CLASSES = (np.generic, np.number, np.integer, np.inexact, np.floating, np.complexfloating)


def test_result_types_and_weakness():
    weak = lambda *args: dtypes.result_type(*args, return_weak_type_flag=True)
    assert weak(1.0, 2) == (np.float32, True) and weak(ftx.numpy.ones(2), 2.0) == (
        np.float32,
        False,
    )
    assert dtypes.result_type(np.int32, 2.0) == np.float32 == dtypes.result_type(True, 1.5)
    assert dtypes.result_type("bfloat16", 1) == dtypes.canonicalize_dtype(dtypes.bfloat16)
    with pytest.raises(DTypeError, match="got none"):
        dtypes.result_type()


def test_canonical_dtypes_follow_the_configuration():
    assert dtypes.canonicalize_dtype("float64") == np.float64
    with ftx.enable_x64(False):
        assert dtypes.canonicalize_dtype("float64") == np.float32
        assert dtypes.canonicalize_dtype(int) == np.int32
    assert dtypes.canonicalize_dtype(dtypes.float0) == dtypes.float0
    with pytest.raises(dtypes.TypePromotionError, match="expected one of"):
        dtypes.canonicalize_dtype("datetime64")


def test_a_number_stays_weak_beside_a_boolean():
    mask = ftx.numpy.array([True, False])
    assert (mask * 1.0).weak_type and (mask + 1).weak_type and not (mask & True).weak_type
    assert (mask * 1.0 + ftx.numpy.ones(2, "bfloat16")).dtype == dtypes.bfloat16


def test_keys_have_an_extended_dtype():
    assert dtypes.issubdtype(ftx.random.key(0).dtype, dtypes.prng_key)
    assert dtypes.issubdtype(dtypes.prng_key, dtypes.extended)


def test_float0_is_no_number():
    (slope,) = ftx.vjp(lambda n: n * 2.0, 3)[1](1.0)
    assert slope.dtype == dtypes.float0 and dtypes.issubdtype(slope.dtype, np.generic)
    assert dtypes.issubdtype(slope.dtype, dtypes.float0)
    assert not dtypes.issubdtype(slope.dtype, np.floating)


@pytest.mark.peers
def test_answers_are_those_of_jax():
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True), ftx.enable_x64(True):
        for name in NAMES:
            theirs, ours = jax.numpy.dtype(name), dtypes.canonicalize_dtype(name)
            assert ours == jax.dtypes.canonicalize_dtype(theirs)
            assert dtypes.itemsize_bits(ours) == jax.dtypes.itemsize_bits(theirs)
            x = np.ones(2, theirs)
            assert dtypes.scalar_type_of(x) is jax.dtypes.scalar_type_of(x)
            for kind in CLASSES:
                assert dtypes.issubdtype(ours, kind) == jax.dtypes.issubdtype(theirs, kind)
            for other in (*NAMES, 1, 1.0, 1j, True):
                flags = {"return_weak_type_flag": True}
                found = dtypes.result_type(name, other, **flags)
                assert found == jax.dtypes.result_type(name, other, **flags)


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_bits_of_16_bit_floats_in_compiled_programs(half):
    half = np.dtype(dtypes.bfloat16.dtype if half == "bfloat16" else half)
    words = np.arange(65536).astype(np.uint16)
    floats = words.view(half)
    numbers = ~np.isnan(floats.astype(np.float32))  # a signalling NaN becomes a quiet one
    there = ftx.jit(lambda x: ftx.lax.bitcast_convert_type(x, half))(words)
    back = ftx.jit(lambda x: ftx.lax.bitcast_convert_type(x, np.uint16))(floats)
    np.testing.assert_array_equal(np.asarray(there).view(np.uint16)[numbers], words[numbers])
    np.testing.assert_array_equal(np.asarray(back)[numbers], words[numbers])

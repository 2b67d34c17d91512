"""Extremes of what a mask leaves: in vectors, and NaN wherever one is left."""

import re

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.backends.numba_adapter import inspect_kernel
from ftx.backends.vocabulary import kernel_namespace

N = 4096
X = np.random.RandomState(0).randn(N).astype(np.float32)
ROWS = np.random.RandomState(1).randn(30, 300).astype(np.float32)
PLACES = np.arange(30)

MASKED = {
    "by the value": (lambda x: fnp.max(fnp.where(x > 0, x, -np.inf)), X),
    "of no NaN": (lambda x: fnp.min(fnp.where(fnp.isnan(x), np.inf, x)), X),
    "nanmax": (fnp.nanmax, X),
    "by the place, rows": (
        lambda x: fnp.max(fnp.where(PLACES[:, None] * 10 >= fnp.arange(300), x, -np.inf), 1),
        ROWS,
    ),
}


@pytest.mark.parametrize("case", MASKED)
def test_they_are_found_in_vectors(case):
    f, x = MASKED[case]
    source = ftx.jit(f).kernels(x)[0]
    text, _ = inspect_kernel(source, "kernel", kernel_namespace())
    assert re.search(r"vector\.reduce\.f(max|min)", text), source


@pytest.mark.parametrize("case", MASKED)
@pytest.mark.parametrize("place", [None, 0, 70, N - 1])
def test_values_and_nan(case, place):
    f, x = MASKED[case]
    x = x.copy()
    if place is not None:
        x.flat[place] = np.nan
    np.testing.assert_array_equal(ftx.jit(f)(x), f(fnp.asarray(x)))


def test_nothing_left_is_the_neutral_element():
    f = ftx.jit(lambda x: (fnp.max(fnp.where(x > 9, x, -np.inf)), fnp.nanmax(x * np.nan)))
    np.testing.assert_array_equal(f(X), (-np.inf, np.nan))

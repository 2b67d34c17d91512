"""platform_dependent, and vmap's spmd_axis_name."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx import lax
from ftx.core.errors import BackendError, ConfigError, NotAnArrayError


def refused(x):
    raise AssertionError("the function of another platform was called")


@pytest.mark.parametrize("stage", [lambda f: f, ftx.jit, ftx.vmap, lambda f: ftx.vmap(ftx.grad(f))])
def test_the_function_of_the_platform_runs_and_no_other(stage):
    f = lambda x: lax.platform_dependent(x, cpu=lambda x: 2 * x, cuda=refused, default=refused)
    plain = stage(lambda x: 2 * x)(fnp.arange(3.0))
    np.testing.assert_array_equal(stage(f)(fnp.arange(3.0)), plain)


def test_a_jitted_function_follows_the_backend():
    f = ftx.jit(lambda x: lax.platform_dependent(x, cpu=lambda x: x + 1, default=lambda x: x - 1))
    assert f(1.0) == 2
    with ftx.config.override(default_backend="reference"):
        assert f(1.0) == 2
    with ftx.config.override(default_backend="cuda"):
        assert "sub" in str(ftx.make_jaxpr(f)(1.0))
        only_cpu = lambda x: lax.platform_dependent(x, cpu=lambda x: x)
        with pytest.raises(BackendError, match="platform 'cuda' or a default, got functions for c"):
            ftx.make_jaxpr(only_cpu)(1.0)


def test_mistakes_are_named():
    with pytest.raises(BackendError, match="got functions for none"):
        lax.platform_dependent(1.0)
    with pytest.raises(ConfigError, match="expected 'cuda' or 'rocm', got 'gpu'"):
        lax.platform_dependent(1.0, gpu=lambda x: x, default=lambda x: x)
    with pytest.raises(NotAnArrayError, match="platform_dependent: expected a function, got int"):
        lax.platform_dependent(1.0, cpu=3)


@pytest.mark.parametrize("name", [None, "i", ("i", "j")])
def test_spmd_axis_name_changes_nothing(name):
    f = ftx.vmap(lambda x: x - lax.pmean(x, "b"), axis_name="b", spmd_axis_name=name)
    assert ftx.jit(f)(fnp.arange(3.0)).tolist() == [-1, 0, 1]

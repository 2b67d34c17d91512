"""jit: how often it traces, static and donated arguments, stages, errors."""

import dataclasses
import functools

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import (
    ConcretizationError,
    DonatedArrayError,
    NotAnArrayError,
    StaticArgumentError,
    TreeError,
)


def close(a, b, tolerance=1e-6):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), tolerance, tolerance)


def test_traces_once_per_types():
    calls = []

    @ftx.jit
    def f(x):
        calls.append(x.aval)
        return x * 2

    for _ in range(3):
        close(f(np.ones(3)), 2 * np.ones(3))
    f(fnp.ones(3, "float64"))
    assert len(calls) == f.traces == 1
    f(np.ones(4))
    f(np.ones(3, np.float32))
    assert f.traces == 3
    assert f(2.0).weak_type  # weak, so a type of its own
    assert f.traces == 4
    assert f._cache_size() == 4
    f.clear_cache()
    f(np.ones(3))
    assert f.traces == 5


def test_a_tree_of_another_structure_is_another_program():
    f = ftx.jit(lambda d: sum(ftx.tree.leaves(d)))
    assert f({"a": 1.0, "b": 2.0}) == 3
    assert f([1.0, 2.0]) == 3
    assert f({"b": 5.0, "a": 2.0}) == 7
    assert f.traces == 2


def test_transforms_of_a_jitted_function_trace_it_once():
    f = ftx.jit(lambda x: fnp.sum(fnp.sin(x)))
    x = np.ones(3)
    slope, rows = ftx.grad(f), ftx.vmap(f)
    for _ in range(5):
        close(slope(x), np.cos(x))
        close(rows(np.stack([x, x])), np.sin(x).sum() * np.ones(2))
    assert f.traces == 1


def test_static_arguments():
    @functools.partial(ftx.jit, static_argnums=1, static_argnames="mode")
    def f(x, n, *, mode="add"):
        return x + n if mode == "add" else x * n

    assert f(2.0, 3) == 5
    assert f(2.0, 3, mode="mul") == 6
    assert f(5.0, 3) == 8
    assert f.traces == 2
    g = ftx.jit(lambda x, power: x**power, static_argnames="power")
    assert g(2.0, power=3) == g(2.0, 3) == 8
    h = ftx.jit(lambda shape: fnp.zeros(shape), static_argnums=-1)
    assert h((2, 3)).shape == (2, 3)


def test_static_values_of_other_types_are_other_programs():
    f = ftx.jit(lambda x, n: x * n, static_argnums=1)
    assert f(1, 2).dtype == np.int64
    assert f(1, 2.0).dtype == np.float32


def test_static_arguments_must_be_hashable():
    with pytest.raises(StaticArgumentError, match="hashable"):
        ftx.jit(lambda x, n: x, static_argnums=1)(1.0, [2])
    with pytest.raises(StaticArgumentError, match="static_argnames among"):
        ftx.jit(lambda x: x, static_argnames="y")


def test_donated_arrays_are_gone():
    f = ftx.jit(lambda x, y: x + y, donate_argnums=0)
    x, y = fnp.ones(3), fnp.ones(3)
    close(f(x, y), 2 * np.ones(3))
    assert x.is_deleted() and not y.is_deleted()
    with pytest.raises(DonatedArrayError, match="donate_argnums"):
        x + 1
    with pytest.raises(DonatedArrayError, match="static and donated"):
        ftx.jit(lambda x: x, donate_argnums=0, static_argnums=0)
    kept = np.ones(3)  # the caller's own memory is not taken away
    f(kept, y)
    close(kept, np.ones(3))


def test_results_do_not_share_memory_with_arguments_of_numpy():
    x = np.ones(3)
    y = ftx.jit(lambda v: v)(x)
    x[0] = 9
    close(y, np.ones(3))


def test_known_values_steer_python_inside_jit():
    @ftx.jit
    def f(x):
        if fnp.sum(fnp.ones(3)) > 2:
            return x
        return -x

    assert f(1.0) == 1


def test_asking_for_an_argument_s_value_names_it():
    @ftx.jit
    def f(config, x):
        if config["rate"] > 0:
            return x
        return -x

    with pytest.raises(ConcretizationError, match=r"argument config\['rate'\]") as caught:
        f({"rate": 0.5}, 1.0)
    for cure in ("where", "cond", "static_argnums", "test_jit.py:"):
        assert cure in str(caught.value)


def test_non_arrays_are_named():
    with pytest.raises(NotAnArrayError, match=r"str 'b' in argument d\['a'\]"):
        ftx.jit(lambda d: d)({"a": "b"})
    with pytest.raises(NotAnArrayError, match="returned a non-array"):
        ftx.jit(lambda x: (x, "text"))(1.0)
    with pytest.raises(NotAnArrayError, match="expected a function"):
        ftx.jit(3)


def test_constants_and_closures():
    big = np.arange(1000.0)
    f = ftx.jit(lambda x: x + big)
    close(f(1.0), big + 1)

    @ftx.jit
    def outer(x):
        return ftx.jit(lambda y: x * y)(2.0)

    close(outer(3.0), 6)
    close(ftx.grad(outer)(3.0), 2)


def test_no_inputs_and_no_outputs():
    close(ftx.jit(lambda: fnp.arange(3))(), [0, 1, 2])
    assert ftx.jit(lambda x: None)(1.0) is None
    assert ftx.jit(lambda x: (x, x, 2))(1.0) == (1, 1, 2)


def test_methods():
    @dataclasses.dataclass(frozen=True)
    class Scale:
        by: float

        @ftx.jit
        def __call__(self, x):
            return x * self.by

    ftx.tree_util.register_dataclass(Scale, ["by"], [])
    assert Scale(2.0)(3.0) == 6


def test_stages():
    f = ftx.jit(lambda x, y: {"s": x + y})
    spec = ftx.ShapeDtypeStruct((3,), np.float32)
    traced = f.trace(spec, spec)
    assert traced.out_info["s"].shape == (3,)
    lowered = f.lower(spec, spec)
    assert "add" in lowered.as_text()
    compiled = lowered.compile()
    x = np.ones(3, np.float32)
    close(compiled(x, x)["s"], 2 * x)
    with pytest.raises(StaticArgumentError, match="leaf 1"):
        compiled(x, x.astype(np.float64))
    with pytest.raises(TreeError):
        compiled(x)
    assert f.traces == 1
    assert f.eval_shape(x, x)["s"].dtype == np.float32
    assert all("def kernel" in k for k in f.kernels(x, x) if not k.startswith("#"))


def test_make_jaxpr_prints():
    text = str(ftx.make_jaxpr(lambda x: fnp.sin(x) * 2.0)(np.float32(1)))
    assert text.splitlines() == [
        "{ lambda  ; a:f32[] . let",
        "    b:f32[] = sin a",
        "    c:f32[] = mul b 2.0:f32[]",
        "  in (c,) }",
    ]


def test_disable_jit_runs_the_body():
    seen = []

    @ftx.jit
    def f(x):
        seen.append(float(x))
        return x

    with ftx.disable_jit():
        f(1.0)
        f(2.0)
    assert seen == [1.0, 2.0]


def test_eval_shape_computes_nothing():
    out = ftx.eval_shape(lambda x: fnp.dot(x, x.T), ftx.ShapeDtypeStruct((10**6, 3), np.float32))
    assert out.shape == (10**6, 10**6)


def test_index_errors_name_the_user_s_line():
    f = ftx.jit(lambda x, i: x[i])
    assert f(np.arange(3.0), 2) == 2
    with pytest.raises(IndexError, match="test_jit.py"):
        f(np.arange(3.0), 7)


@pytest.mark.parametrize("n", [1, 2, 1000])
def test_threads_share_one_compilation(n):
    from concurrent.futures import ThreadPoolExecutor

    f = ftx.jit(lambda x: fnp.sum(fnp.sin(x) ** 2))
    x = np.linspace(0, 1, n)
    expected = np.sum(np.sin(x) ** 2)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: f(x), range(20)):
            close(result, expected)


def test_disabled_no_recomputed_gradient_is_compiled():
    def kernels():
        stats = ftx.compile_stats()
        return stats.compiled + stats.loaded_from_disk + stats.found_in_memory

    slope = ftx.grad(ftx.checkpoint(lambda x: fnp.sin(fnp.sin(x) * 1.25)))
    before = kernels()
    with ftx.disable_jit():
        slope(0.5)
    assert kernels() == before
    slope(0.5)
    assert kernels() > before

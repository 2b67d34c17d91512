"""jit: how often it traces, static and donated arguments, stages, errors."""

import dataclasses
import functools

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.core.errors import (
    ConcretizationError,
    ConfigError,
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
    with pytest.raises(StaticArgumentError, match="static or donated"):
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


def staged(f, *args, **kwargs):
    traced = f.trace(*args, **kwargs)
    lowered = traced.lower()
    return traced, lowered, lowered.compile()


@pytest.mark.peers
def test_stages_describe_their_types_as_in_jax():
    jax = pytest.importorskip("jax")
    x, y = np.ones((3, 4), np.float32), np.ones((4, 5), np.float32)

    def told(lib):
        f = lib.jit(lambda x, y: {"a": x @ y, "b": (x,)}, donate_argnums=0)
        plain = lambda a: (tuple(a.shape), str(a.dtype))
        found = []
        for stage in staged(f, lib.numpy.asarray(x), y=lib.numpy.asarray(y)):
            (one,), named = stage.args_info
            found.append([one.donated, named["y"].donated, stage.donate_argnums])
            found.append([lib.tree.map(plain, t) for t in (stage.in_avals, stage.out_info)])
            found.append([stage.in_tree.num_leaves, stage.out_tree.num_leaves])
        return found

    assert told(ftx) == told(jax)


def test_costs_of_a_product_are_those_of_jax():
    x, y = np.ones((30, 40), np.float32), np.ones((40, 50), np.float32)
    *_, compiled = staged(ftx.jit(lambda x, y: fnp.exp(x @ y)), x, y)
    found = compiled.cost_analysis()
    assert found["flops"] > 2 * 30 * 40 * 50 and found["bytes accessed"] >= 4 * (1200 + 2000 + 1500)
    jax = pytest.importorskip("jax")
    *_, theirs = staged(jax.jit(lambda x, y: x @ y), x, y)
    *_, ours = staged(ftx.jit(lambda x, y: x @ y), x, y)
    assert ours.cost_analysis()["flops"] == theirs.cost_analysis()["flops"] == 2 * 30 * 40 * 50
    assert ours.cost_analysis()["bytes accessed"] >= 4 * (1200 + 2000 + 1500)


def test_costs_count_loops_as_often_as_they_are_known_to_run():
    w = np.ones((64, 64), np.float32)
    flops = lambda f: staged(ftx.jit(f), w)[1].cost_analysis()["flops"]
    loop = lambda n: lambda x: ftx.lax.scan(lambda c, _: (c @ w, None), x, None, length=n)[0]
    assert flops(loop(7)) == 7 * flops(lambda x: x @ w) == 7 * 2 * 64**3
    until = lambda x: ftx.lax.while_loop(lambda c: c[0, 0] < 100, lambda c: c @ w, x)
    assert 2 * 64**3 <= flops(until) < 2 * 64**3 + 10


def test_memory_of_a_compiled_program():
    x = fnp.ones((16, 16))
    chain = ftx.jit(lambda x: fnp.sort(fnp.sort(x, axis=0) @ x, axis=1))
    found = staged(chain, x)[2].memory_analysis()
    assert found.argument_size_in_bytes == found.output_size_in_bytes == x.nbytes
    assert found.temp_size_in_bytes >= x.nbytes and found.alias_size_in_bytes == 0
    assert found.peak_memory_in_bytes == 2 * x.nbytes + found.temp_size_in_bytes
    donating = staged(ftx.jit(lambda x: x * 2, donate_argnums=0), x)[2].memory_analysis()
    assert donating.alias_size_in_bytes == x.nbytes
    assert donating.peak_memory_in_bytes == x.nbytes + donating.temp_size_in_bytes


def test_stages_of_a_backend_that_does_not_count():
    with ftx.config.override(default_backend="reference"):
        *_, compiled = staged(ftx.jit(lambda x: x * 2), np.ones(3))
        assert compiled.cost_analysis() is None and compiled.as_text() == ""
        assert compiled.memory_analysis().temp_size_in_bytes is None
        assert compiled.memory_analysis().peak_memory_in_bytes is None


def test_text_of_stages():
    traced, lowered, compiled = staged(ftx.jit(lambda x: x * 2), np.ones(3))
    assert traced.fun_name == "lambda" and "mul" in lowered.as_text("jaxpr")
    assert "def kernel" in compiled.as_text() and traced.out_avals.shape == (3,)
    with pytest.raises(ConfigError, match="dialect 'jaxpr' or None, got 'hlo'"):
        lowered.as_text("hlo")
    kinds = ftx.stages.Traced, ftx.stages.Lowered, ftx.stages.Compiled
    assert all(isinstance(s, k) for s, k in zip((traced, lowered, compiled), kinds, strict=True))
    assert isinstance(ftx.jit(lambda x: x), ftx.stages.Wrapped)


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

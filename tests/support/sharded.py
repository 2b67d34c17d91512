"""Programs over a mesh of 2 by 4, written once for JAX and ftx.

In: a module, jax or ftx, and its numpy.  Out: what each program gives, as lists.
Run as a script, it prints JAX's on eight emulated devices.
"""

import json
import os
import sys
from functools import partial

import numpy as np

X = np.random.default_rng(0).standard_normal((8, 16)).astype(np.float32)
W = np.random.default_rng(1).standard_normal((16, 3)).astype(np.float32)
ROTATE = [(i, (i + 1) % 4) for i in range(4)]


def values(jax, jnp, mesh):
    """Results of mapped functions: name -> array."""
    lax, P = jax.lax, jax.P
    over = partial(jax.shard_map, mesh=mesh)
    y = P(None, "y")
    cases = {
        "blocks": (P("x", "y"), P("x", "y"), lambda v: v * 2 + v.shape[0] + v.shape[1]),
        "axes in the other place": (P("y", "x"), P("x", "y"), lambda v: v.T),
        "two axes along one": (P(("x", "y")), P(("x", "y")), lambda v: jnp.cumsum(v, 0)),
        "two axes, turned round": (P(("y", "x")), P(("x", "y")), lambda v: v),
        "whole": (P(), P(), lambda v: v + 1),
        "repeated": (P("x"), P("x", "y"), lambda v: v + 1),
        "psum": (P("x", "y"), P("x"), lambda v: lax.psum(v, "y")),
        "psum of both": (P("x", "y"), P(), lambda v: lax.psum(v.sum(), ("x", "y"))),
        "psum of what does not vary": (P("x"), P("x"), lambda v: lax.psum(v, "y")),
        "pmean": (P("x", "y"), P(None, "y"), lambda v: lax.pmean(v, "x")),
        "pmax": (y, P(), lambda v: lax.pmax(lax.stop_gradient(v), "y")),
        "pmin": (y, P(), lambda v: lax.pmin(lax.stop_gradient(v), "y")),
        "all_gather": (y, P("y"), lambda v: lax.all_gather(v[:, 0], "y")[None]),
        "all_gather tiled": (y, y, lambda v: lax.all_gather(v, "y", axis=1, tiled=True)),
        "psum_scatter": (y, P("y"), lambda v: lax.psum_scatter(v, "y", tiled=True)),
        "ppermute": (y, y, lambda v: lax.ppermute(v, "y", ROTATE)),
        "all_to_all": (y, P("y"), lambda v: lax.all_to_all(v, "y", 0, 1, tiled=True)),
        "axis_index": (y, y, lambda v: v + lax.axis_index("y")),
        "axis_index of both": (
            P("x", "y"),
            P("x", "y"),
            lambda v: v + lax.axis_index("x") * lax.axis_size("y") + lax.axis_index("y"),
        ),
        "scan with psum": (
            y,
            P(),
            lambda v: lax.scan(lambda c, r: (c + lax.psum(r.sum(), "y"), None), 0.0, v)[0],
        ),
        "vmap inside": (y, y, jax.vmap(lambda row: row - lax.pmean(row.mean(), "y"))),
        "jit inside": (y, y, jax.jit(lambda v: v / lax.psum(v.sum(), "y"))),
        "forward mode inside": (
            y,
            y,
            lambda v: jax.jvp(lambda u: u * lax.psum(u**2, "y"), (v,), (v + 1,))[1],
        ),
        "gradient of what is each block's own": (
            y,
            y,
            lambda v: jax.grad(lambda u: jnp.sum(jnp.sin(u) * v))(v),
        ),
        "gradient by a value made to vary": (
            y,
            P(),
            lambda v: lax.psum(
                jax.grad(lambda s: jnp.sum(jnp.sin(s * v)))(
                    lax.pcast(jnp.float32(2.0), "y", to="varying")
                ),
                "y",
            ),
        ),
    }
    found = {}
    for name, (ins, outs, f) in cases.items():
        mapped = over(f, in_specs=ins, out_specs=outs)
        found[name] = mapped(X)
        found[f"{name}, jit"] = jax.jit(mapped)(X)
        found[f"{name}, grad"] = jax.grad(lambda v, m=mapped: jnp.sum(jnp.sin(m(v))))(X)
    single = over(lambda v: v * lax.psum(v, "y"), in_specs=P("y"), out_specs=P("y"))
    found["vmap outside"] = jax.vmap(single)(X)
    found["hessian outside"] = jax.hessian(lambda v: jnp.sum(single(v) ** 2))(X[0, :4])
    return found


def unchecked(jax, jnp, mesh):
    """Results under check_vma=False, where psum transposes to psum."""
    lax, P = jax.lax, jax.P
    over = partial(jax.shard_map, mesh=mesh, check_vma=False, out_specs=P("y"))
    local = lambda w, x: jnp.sum(jnp.tanh(x @ w))
    summed = lambda w, x: lax.psum(local(w, x), "y")
    inner = {
        "own gradient": lambda w, x: jax.grad(local)(w, x)[None],
        "own gradient, summed": lambda w, x: lax.pmean(jax.grad(local)(w, x), "y")[None],
        "gradient of psum": lambda w, x: jax.grad(summed)(w, x)[None],
    }
    rows = X.reshape(8, 16)
    found = {n: over(f, in_specs=(P(), P("y")))(W, rows) for n, f in inner.items()}
    gathered = jax.shard_map(
        lambda v: lax.all_gather(v, "y", tiled=True),
        mesh=mesh,
        in_specs=P("y"),
        out_specs=P(),
        check_vma=False,
    )
    found["a result not shown to be the same"] = gathered(X)
    found["its gradient"] = jax.grad(lambda v: jnp.sum(jnp.sin(gathered(v))))(X)
    return found


def parts(jax, jnp, mesh):
    """Axes of the mesh that are left alone, specs as prefixes, trees."""
    P, lax = jax.P, jax.lax
    tree = {"w": W, "x": X}

    def f(t, scale):
        return {"sum": lax.psum(t["x"] @ t["w"] * scale, "y"), "own": t["x"]}, t["w"].sum(0)

    specs = ({"w": P("y"), "x": P(None, "y")}, P())
    outs = ({"sum": P(), "own": P(None, "y")}, P("y"))
    mapped = jax.shard_map(f, mesh=mesh, in_specs=specs, out_specs=outs, axis_names={"y"})
    (named, column) = jax.jit(mapped)(tree, jnp.float32(2.0))
    slopes = jax.grad(lambda t: jnp.sum(jax.jit(mapped)(t, jnp.float32(2.0))[0]["sum"] ** 2))(tree)
    found = {"sum": named["sum"], "own": named["own"], "column": column}
    return {**found, "by w": slopes["w"], "by x": slopes["x"]}


def everything(jax, jnp):
    """Every result, by name, as nested lists."""
    auto = (jax.sharding.AxisType.Auto,) * 2
    mesh = jax.make_mesh((2, 4), ("x", "y"), auto)
    found = {}
    for part in (values, unchecked, parts):
        for name, value in part(jax, jnp, mesh).items():
            found[f"{part.__name__}: {name}"] = np.asarray(value, np.float64).tolist()
    return found


if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
    import jax

    json.dump(everything(jax, jax.numpy), sys.stdout)

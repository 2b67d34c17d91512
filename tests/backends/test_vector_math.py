"""Elementary functions of kernels: error in ulp against mpmath, edges, twins, vectorisation."""

import re

import mpmath as mp
import numba
import numpy as np
import pytest

from ftx.backends import numba_adapter, vector_math
from ftx.backends.vector_math import COMPILED, PYTHON, SIGNATURES

INF, NAN = np.inf, np.nan
PRECISION = 120  # bits; the reference of lgamma near its zeros needs them
DTYPES = {"f32": np.float32, "f64": np.float64}

# name: (largest error in ulp allowed, reference). Measured errors are about half of these; none
# may be above 4, nor above 2 for those that programs call most.
LIMITS = {
    "exp": (1.0, mp.exp), "log": (1.0, mp.log), "sin": (2.0, mp.sin), "cos": (2.0, mp.cos),
    "tanh": (2.0, mp.tanh), "erf": (2.0, mp.erf), "logistic": (3.0, lambda x: 1 / (1 + mp.exp(-x))),
    "rsqrt": (1.6, lambda x: 1 / mp.sqrt(x)), "log1p": (1.2, mp.log1p), "expm1": (2.0, mp.expm1),
    "tan": (3.2, mp.tan), "sinh": (2.2, mp.sinh), "cosh": (1.6, mp.cosh), "erfc": (4.0, mp.erfc),
    "asin": (2.5, mp.asin), "acos": (1.6, mp.acos), "atan": (1.8, mp.atan),
    "exp2": (1.0, lambda x: mp.power(2, x)), "log2": (1.8, lambda x: mp.log(x, 2)),
    "cbrt": (1.5, lambda x: mp.sign(x) * mp.cbrt(abs(x))), "asinh": (2.5, mp.asinh),
    "acosh": (2.5, mp.acosh), "atanh": (2.5, mp.atanh), "erf_inv": (4.0, mp.erfinv),
    "lgamma": (4.0, lambda x: mp.log(abs(mp.gamma(x))) if x < 100 else mp.loggamma(x)),
    "digamma": (4.0, mp.digamma), "trigamma": (4.0, lambda x: mp.polygamma(1, x)),
    "i0": (4.0, lambda x: mp.besseli(0, x)),
    "i1": (4.0, lambda x: mp.besseli(1, x)),
    "i0e": (4.0, lambda x: mp.besseli(0, x) * mp.exp(-abs(x))),
    "i1e": (4.0, lambda x: mp.besseli(1, x) * mp.exp(-abs(x))),
    "ndtri": (4.0, lambda p: normal_quantile(p)), "exp1": (4.0, mp.e1),
    "expi": (4.0, lambda x: mp.ei(x) if x > 0 else -mp.e1(-x)),
    "erfcx": (4.0, lambda x: mp.exp(x * x) * mp.erfc(x)),
}  # fmt: skip
PAIRS = {"pow": (1.2, mp.power), "atan2": (1.8, mp.atan2)}
MOST_USED = ("exp", "log", "sin", "cos", "tanh", "erf")
SLOPES = {"lgamma": mp.digamma, "digamma": lambda x: mp.polygamma(1, x),
          "trigamma": lambda x: mp.polygamma(2, x)}  # fmt: skip
"""Derivatives of functions with zeros on the negative axis: there an error counts in units of
what an ulp of the argument makes, if that is more than one of the result."""
COUNT = 240


def normal_quantile(p):
    """Of probability p: by Newton's steps on the logarithm of the lower tail."""
    q = min(p, 1 - p)
    x = mp.sqrt(max(mp.mpf(0), -2 * mp.log(2 * q)))
    for _ in range(60):
        tail = mp.erfc(x / mp.sqrt(2)) / 2
        density = mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)
        step = (mp.log(tail) - mp.log(q)) * tail / density
        x += step
        if abs(step) < mp.mpf(2) ** -300 or abs(step) < abs(x) * mp.mpf(2) ** -150:
            break
    return -x if p < 0.5 else x


def test_the_limits_are_kept():
    assert all(limit <= 4 for limit, _ in (LIMITS | PAIRS).values())
    assert all(LIMITS[name][0] <= 2 for name in MOST_USED)


def domain(name: str, kind: str) -> np.ndarray:
    """Points where `name` is finite: uniform, and spread over orders of magnitude."""
    rng, single = np.random.default_rng(len(name)), kind == "f32"
    n = COUNT // 3
    top = 37 if single else 300
    sign = rng.choice([-1.0, 1.0], n)

    def spread(low, high):
        return 10 ** rng.uniform(low, high, n)

    overflow = 88.0 if single else 709.0
    tails = {"exp": (-103 if single else -745, overflow), "logistic": (-overflow, overflow),
             "exp2": (-149 if single else -1074, 127 if single else 1023),
             "sinh": (-overflow, overflow), "cosh": (-overflow, overflow),
             "expm1": (-30, overflow), "tanh": (-20, 20), "erf": (-6, 6),
             "erfc": (-6, 10 if single else 26.5), "erfcx": (-9 if single else -26, 60),
             "i0": (-91 if single else -713, 15), "i1": (-91 if single else -713, 15),
             "i0e": (-200, 15), "i1e": (-200, 15),
             "expi": (-80 if single else -700, 88 if single else 715)}  # fmt: skip
    if name in tails:
        parts = rng.uniform(*tails[name], n), rng.uniform(-2, 2, n), sign * spread(-30, 0)
    elif name in ("log", "log2", "rsqrt"):
        low = -44 if single else -320
        parts = spread(low, top), rng.uniform(0.4, 3, n), 1 + sign * spread(-6, -1)
    elif name == "ndtri":
        least = -44 if single else -323
        parts = spread(least, -0.31), rng.uniform(0, 1, n), 0.5 + sign * spread(-7, -0.31)
    elif name == "exp1":
        parts = spread(-30, 0), rng.uniform(0, 9, n), rng.uniform(0, 80 if single else 700, n)
    elif name == "log1p":
        parts = spread(-30, top), -spread(-30, -0.001), rng.uniform(-0.9, 3, n)
    elif name in ("sin", "cos", "tan"):
        multiples = np.round(sign * spread(0, 6)) * (np.pi / 2)
        parts = sign * spread(-30, 1), sign * spread(0, top), multiples
    elif name in ("asin", "acos", "atanh", "erf_inv"):
        parts = sign * spread(-30, -0.01), rng.uniform(-1, 1, n), sign * (1 - spread(-7, -1))
    elif name == "acosh":
        parts = 1 + spread(-6, 1), spread(0.1, top), rng.uniform(1, 4, n)
    elif name in ("lgamma", "digamma", "trigamma"):
        zeros = np.resize([1.4616321449683623, 1.0, 2.0], n // 2) * (1 + spread(-12, -3)[: n // 2])
        parts = spread(-6, 4), rng.uniform(0.1, 12, n - n // 2), zeros, rng.uniform(-9, 0, n)
    else:
        parts = sign * spread(-top, top), rng.uniform(-4, 4, n), sign * spread(-3, 3)
    x = np.concatenate(parts).astype(DTYPES[kind])
    if name in ("asin", "acos", "atanh", "erf_inv"):
        x = np.where(np.abs(x) < 1, x, x.dtype.type(0.5))
    return np.maximum(x, x.dtype.type(1)) if name == "acosh" else x


def pairs(name: str, kind: str) -> tuple[np.ndarray, np.ndarray]:
    rng, dtype = np.random.default_rng(5), DTYPES[kind]
    x = 10 ** rng.uniform(-30, 30, COUNT)
    x[::2] = 1 + rng.choice([-1, 1], COUNT // 2) * 10 ** rng.uniform(-6, -0.5, COUNT // 2)
    x = x.astype(dtype)
    if name == "atan2":
        return x * rng.choice([-1, 1], COUNT).astype(dtype), x[::-1] * rng.choice(
            [-1, 1], COUNT
        ).astype(dtype)
    size = np.abs(np.log(x.astype(float))) + 1e-12
    y = rng.uniform(-1, 1, COUNT) * (87.0 if kind == "f32" else 708.0) / size
    return x, y.astype(dtype)


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, INF, -INF, NAN, 1e-45, -1e-45, 1e-40, 3e38, -3e38,
           2.0, -2.0, 88.73, 89.4, 89.5, -87.4, -103.9, -104.1, 709.79, 710.4, 711.0, -708.5,
           -745.1, -746.5, 5e-324, -5e-324, 1e-310, -1e-310, 2.3e-308, 1e22, -1e22, 1e300,
           1.7e308, -1.7e308, 1e15, 3.4e38]  # fmt: skip
EDGES = [*range(16), *range(len(SPECIAL) - 12, len(SPECIAL))]
"""Those of them that functions of two arguments get in pairs."""


@pytest.fixture(scope="module")
def results():
    """Every function on its domain, the special values appended: {name_kind: (operands, out)}."""
    table = {}
    for kind, dtype in DTYPES.items():
        text, scope, rows = ["def run(x, y, out):", "    n = x.shape[1]"], {}, {}
        for row, name in enumerate([*LIMITS, *PAIRS]):
            unary = name in LIMITS
            x = (domain(name, kind),) if unary else pairs(name, kind)
            with np.errstate(over="ignore"):
                special = np.array(SPECIAL).astype(dtype)
            if not unary:
                grid = np.meshgrid(special[EDGES], special[EDGES])
                special = grid[0].ravel(), grid[1].ravel()
            edges = (special,) if unary else special
            x = [np.concatenate([a, b]) for a, b in zip(x, edges, strict=True)]
            rows[name] = x
            scope[name] = COMPILED[f"{name}_{kind}"]
            call = f"{name}(x[{row}, i])" if unary else f"{name}(x[{row}, i], y[{row}, i])"
            text += ["    for i in range(n):", f"        out[{row}, i] = {call}"]
        width = max(len(x[0]) for x in rows.values())
        x, y = np.ones((2, len(rows), width), dtype)
        for row, operands in enumerate(rows.values()):
            for target, values in zip((x, y), operands, strict=False):
                target[row, : len(values)] = values
        with np.errstate(all="ignore"):
            exec("\n".join(text), scope)
            out = np.empty_like(x)
            t = numba.from_dtype(np.dtype(dtype))[:, ::1]
            numba.njit(numba.void(t, t, t), error_model="numpy")(scope["run"])(x, y, out)
        for row, (name, operands) in enumerate(rows.items()):
            table[f"{name}_{kind}"] = operands, out[row, : len(operands[0])]
    return table


def ulp(value, kind):
    """The unit in the last place of a number."""
    mantissa, lowest = (23, -149) if kind == "f32" else (52, -1074)
    place = max(lowest, int(mp.floor(mp.log(abs(value), 2))) - mantissa) if value else lowest
    return mp.mpf(2) ** place


def error(name, got, exact, args, kind):
    """|got - exact| in units of the last place."""
    unit = ulp(exact, kind)
    if name in SLOPES and args[0] < 0:
        moved = ulp(mp.mpf(args[0]), kind) * abs(SLOPES[name](mp.mpf(args[0])))
        unit = max(unit, ulp(mp.mpf(1), kind), moved)
    return float(abs(mp.mpf(float(got)) - exact) / unit)


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", [*LIMITS, *PAIRS])
def test_error_in_ulp(results, name, kind):
    operands, out = results[f"{name}_{kind}"]
    limit, reference = (LIMITS | PAIRS)[name]
    worst = [(0.0, [])]
    with mp.workprec(1200 if name in ("sin", "cos", "tan") and kind == "f64" else PRECISION + 150):
        for i in range(COUNT):
            args = [float(x[i]) for x in operands]
            if not np.isfinite(args[0]):
                continue
            exact = reference(*map(mp.mpf, args))
            bound = mp.mpf(float(np.finfo(DTYPES[kind]).max))
            if abs(exact) > bound:
                assert np.isinf(out[i]), (args, out[i])
                continue
            worst.append((error(name, out[i], exact, args, kind), args))
    assert max(worst)[0] <= limit, max(worst)


HARD = {"tanh_f64": [0.20433939332804588, 0.20486986414180897, 0.6027720021236969],
        "tanh_f32": [0.5561968, 0.60477936], "log_f64": [1.2763239409719456, 1.4027668906754653],
        "log_f32": [1.571041],
        "sin_f32": [482121.44, 214655.6, 2.0**19, 524289.0, -1e6, 1.5e12, 1e30],
        "cos_f32": [257065.47, 410315.5, 2.0**19, 524289.0, -1e6, 1.5e12, 1e30]}  # fmt: skip
"""Where a search over all of float32, or millions of float64, found the largest errors, now or of
earlier formulas (whose tanh erred by 2.6 ulp), and both sides of where a reduction ends."""


@pytest.mark.parametrize("name", HARD)
def test_error_in_ulp_where_it_is_largest(name):
    x = np.array(HARD[name] * 16, DTYPES[name[-3:]])  # more than a vector
    out = np.empty_like(x)
    _loop(name)(x, out)
    limit, reference = LIMITS[name[:-4]]
    with mp.workprec(PRECISION + 150):
        for given, got in zip(x, out, strict=True):
            exact = reference(mp.mpf(float(given)))
            assert error(name[:-4], got, exact, [float(given)], name[-3:]) <= limit, given


def oracle(name):
    """The float64 function with the edges we want, from NumPy, or SciPy's where NumPy has none."""
    special = pytest.importorskip("scipy.special")
    named = {"pow": "power"}
    named |= {n: "arc" + n[1:] for n in LIMITS | PAIRS if n[0] == "a"}
    others = {"logistic": special.expit, "rsqrt": lambda x: 1 / np.sqrt(x), "erf": special.erf,
              "erfc": special.erfc, "erf_inv": special.erfinv, "lgamma": special.gammaln,
              "digamma": special.psi,
              "trigamma": lambda x: special.polygamma(1, x), "i0e": special.i0e,
              # Not SciPy's own, which overflow with exp.
              "i0": lambda x: special.i0e(x) * np.exp(abs(x) / 2) * np.exp(abs(x) / 2),
              "i1": lambda x: special.i1e(x) * np.exp(abs(x) / 2) * np.exp(abs(x) / 2),
              "i1e": special.i1e, "ndtri": special.ndtri, "expi": special.expi,
              "exp1": special.exp1, "erfcx": special.erfcx}  # fmt: skip
    return others.get(name) or getattr(np, named.get(name, name))


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", [*LIMITS, *PAIRS])
def test_edges(results, name, kind):
    operands, out = results[f"{name}_{kind}"]
    operands, out = [x[COUNT:] for x in operands], out[COUNT:]
    with np.errstate(all="ignore"):
        wide = [x.astype(np.float64) for x in operands]
        expected = oracle(name)(*wide).astype(out.dtype)
        if name == "lgamma":  # SciPy's is infinite at subnormal numbers
            tiny = (np.abs(wide[0]) < 1e-300) & (wide[0] != 0)
            expected[tiny] = -np.log(np.abs(wide[0][tiny]))
        if name == "expi":  # SciPy's loses digits of subnormal numbers
            tiny = (np.abs(wide[0]) < 1e-300) & (wide[0] != 0)
            expected[tiny] = np.log(np.abs(wide[0][tiny])) + np.euler_gamma
            keep = ~((wide[0] > 709) & (wide[0] < 716))  # where SciPy's overflows with exp
            expected, out = expected[keep], out[keep]
        if name in ("lgamma", "digamma", "trigamma"):  # poles and -inf: conventions differ
            keep = ~((wide[0] <= 0) & (wide[0] == np.floor(wide[0])))
            expected, out = expected[keep], out[keep]
    atol = np.finfo(out.dtype).smallest_subnormal
    if name in ("lgamma", "digamma"):  # good to an absolute error about their zeros
        atol = 2e-15
    rtol = 1e-6 if kind == "f32" else 3e-15
    np.testing.assert_allclose(out, expected, rtol=rtol, atol=atol)
    zero = (expected == 0) & (name not in ("erf_inv", "i1", "i1e"))  # SciPy's forgets the sign
    np.testing.assert_array_equal(np.signbit(out[zero]), np.signbit(expected[zero]))


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", [*LIMITS, *PAIRS])
def test_twin_agrees(results, name, kind):
    operands, out = results[f"{name}_{kind}"]
    function = PYTHON[f"{name}_{kind}"]
    rows = [*range(0, COUNT, 12), *range(COUNT, len(out), 3)]
    twin = [function(*[x[i] for x in operands]) for i in rows]
    assert {type(v) for v in twin} == {DTYPES[kind]}
    np.testing.assert_allclose(twin, out[rows], rtol=4 * np.finfo(out.dtype).eps, atol=1e-300)


@pytest.mark.parametrize(
    "name",
    [
        *("exp_f32", "tanh_f32", "sin_f32", "erf_f32", "log_f64", "pow_f64", "cos_f64"),
        *("i0_f32", "i1e_f64", "ndtri_f64", "erfcx_f32", "expi_f64", "exp1_f64"),
    ],
)
def test_loops_vectorise(name):
    kind = name[-3:]
    element = "float" if kind == "f32" else "double"
    loop = _loop(name)
    text = loop.inspect_llvm(loop.signatures[0])
    assert re.search(rf"@llvm\.fma\.v\d+f{kind[1:]}|fmul <\d+ x {element}>", text)
    assert re.search(rf"store <\d+ x {element}>", text)


@pytest.mark.parametrize("name", ["sin_f32", "tan_f32", "cos_f64"])
def test_kernels_vectorise(name):
    """Kernels drop unused functions sooner than Numba does: vector variants must outlive that."""
    source = f"""
def kernel(args, lo, hi):
    x = pointer_{name[-3:]}(args, 0)
    for i in range(lo, hi):
        x[i] = {name}(x[i])
    return 0
"""
    text, _ = numba_adapter.inspect_kernel(source, "kernel", COMPILED)
    assert re.search(rf"@llvm\.fma\.v\d+{name[-3:]}", text)
    assert re.search(rf"store <\d+ x {'float' if name[-3:] == 'f32' else 'double'}>", text)


def _loop(name):
    result, operands = SIGNATURES[name]
    call = ", ".join(["x[i]"] * len(operands))
    scope = {"f": COMPILED[name]}
    exec(f"def run(x, out):\n    for i in range(out.size):\n        out[i] = f({call})", scope)
    kinds = [vector_math.intrinsics.NUMBA[k][::1] for k in (operands[0], result)]
    return numba.njit(numba.void(*kinds), error_model="numpy")(scope["run"])


INTEGER = np.array([0, 1, -1, 2, -2, 3, 7, -7, 100, 127, -128, 2**15 - 1, -(2**15), 2**31 - 1,
                    -(2**31), 2**63 - 1, -(2**63), 12345678901])  # fmt: skip
FLOAT = np.array([0.0, -0.0, 1.0, -1.5, 2.5, -2.5, 0.1, 3.7, -3.7, 65504.0, 65520.0, 65519.9, 1e-7,
                  6e-8, 2.9e-8, 3e-5, 1e5, 1.00390625, 1.01171875])  # fmt: skip
ODD = np.array([INF, -INF, NAN])


def samples(kind: str, wild: bool) -> np.ndarray:
    if kind == "bool":
        return np.array([False, True])
    if kind[0] == "f":
        return np.concatenate([FLOAT, ODD] if wild else [np.abs(FLOAT[:8])]).astype(DTYPES[kind])
    return np.unique(INTEGER.astype(vector_math.intrinsics.NUMPY[kind]))


def test_building_blocks_agree_with_their_twins():
    groups = {}
    for name in vector_math.blocks.ROWS:
        groups.setdefault(SIGNATURES[name], []).append(name)
    for (result, operands), names in groups.items():
        converts = operands[0][0] == "f" and result[0] in "iu" and names[0].startswith("to_")
        grid = np.meshgrid(*[samples(k, not converts) for k in operands], indexing="ij")
        args = [np.ascontiguousarray(a.ravel()) for a in grid]
        if names[0].startswith("pow_int"):
            args[1] = args[1] % 50 - 20
        out = np.empty((len(names), args[0].size), vector_math.intrinsics.NUMPY[result])
        letters = "abcdef"[: len(args)]
        text = [f"def run({', '.join(letters)}, out):"]
        for row, name in enumerate(names):
            call = ", ".join(f"{v}[i]" for v in letters)
            text += ["    for i in range(a.size):", f"        out[{row}, i] = {name}({call})"]
        scope = {name: COMPILED[name] for name in names}
        exec("\n".join(text), scope)
        numba.njit(error_model="numpy")(scope["run"])(*args, out)
        for row, name in enumerate(names):
            twin = [PYTHON[name](*values) for values in zip(*args, strict=True)]
            assert {type(v) for v in twin} == {out.dtype.type}
            rtol = 1e-5 if name == "pow_int_f32" else 1e-13 if name == "pow_int_f64" else 0
            np.testing.assert_allclose(out[row], np.array(twin), rtol=rtol, err_msg=name)


@pytest.mark.parametrize("table", [COMPILED, PYTHON])
def test_conventions_of_division(table):
    def call(name, *args):
        if table is PYTHON:
            return table[name](*args)
        f = table[name]
        return numba.njit(lambda a, b: f(a, b), error_model="numpy")(*args)

    low, zero = np.int32(-(2**31)), np.int32(0)
    assert call("div_trunc_i32", np.int32(-7), np.int32(2)) == -3
    assert call("rem_trunc_i32", np.int32(-7), np.int32(2)) == -1
    assert call("div_trunc_i32", np.int32(7), zero) == -1
    assert call("rem_trunc_i32", np.int32(7), zero) == 7
    assert call("div_trunc_i32", low, np.int32(-1)) == low
    assert call("rem_trunc_i32", low, np.int32(-1)) == 0
    assert call("div_trunc_u8", np.uint8(7), np.uint8(0)) == 255


def test_half_precision_matches_numpy():
    halves = np.arange(2**16, dtype=np.uint16)
    singles = np.random.default_rng(0).standard_normal(3000) * 10.0 ** np.linspace(-9, 5.5, 3000)
    singles = np.concatenate([singles, FLOAT, ODD]).astype(np.float32)
    blocks, compiled = vector_math.blocks, vector_math.intrinsics.compiled
    pairs_ = [("f16_to_f32", blocks.f16_to_f32_bits), ("f32_to_f16", blocks.f32_to_f16_bits)]
    integers = [compiled(n + "_bits", f, *blocks.ROWS[n][1:]) for n, f in pairs_]
    widen, narrow = COMPILED["f16_to_f32"], COMPILED["f32_to_f16"]
    widen_bits, narrow_bits = integers

    @numba.njit
    def run(halves, wide, singles, small):
        for i in range(halves.size):
            wide[0, i] = widen(halves[i])
            wide[1, i] = widen_bits(halves[i])
        for i in range(singles.size):
            small[0, i] = narrow(singles[i])
            small[1, i] = narrow_bits(singles[i])

    wide = np.empty((2, halves.size), np.float32)
    small = np.empty((2, singles.size), np.uint16)
    run(halves, wide, singles, small)
    with np.errstate(over="ignore"):
        for row in range(2):
            np.testing.assert_array_equal(wide[row], halves.view(np.float16).astype(np.float32))
            np.testing.assert_array_equal(small[row].view(np.float16), singles.astype(np.float16))


def test_bfloat16_rounds_to_even_and_keeps_nan():
    f = PYTHON["round_bf16"]
    assert f(1.00390625) == 1.0 and f(1.01171875) == 1.015625  # ties
    assert np.isnan(f(NAN)) and f(INF) == INF and np.isinf(f(3.4e38))
    signalling = np.uint32(0x7F800001).view(np.float32)
    assert np.isnan(f(signalling))


def test_reduction_with_reassoc_vectorises():
    add, f = COMPILED["add_reassoc_f32"], COMPILED["maximum_f32"]

    def run(x, out):
        total, top = np.float32(0), np.float32(-np.inf)
        for i in range(x.size):
            total = add(total, x[i])
        for i in range(x.size):
            top = f(top, x[i])
        out[0], out[1] = total, top

    t = numba.float32[::1]
    compiled = numba.njit(numba.void(t, t), error_model="numpy")(run)
    text = compiled.inspect_llvm(compiled.signatures[0])
    assert re.search(r"fadd .*<\d+ x float>", text)
    assert re.search(r"@llvm\.maximum\.v\d+f32|fcmp .*<\d+ x float>", text)
    x, out = np.arange(1000, dtype=np.float32), np.empty(2, np.float32)
    compiled(x, out)
    assert out.tolist() == [499500.0, 999.0]


@pytest.mark.parametrize("kind", DTYPES)
def test_nextafter(kind):
    """The bits of NumPy's, compiled and as Python."""
    dtype = DTYPES[kind]
    limits = np.finfo(dtype)
    small = limits.smallest_subnormal
    x = np.array([0, -0.0, 1, -1, INF, -INF, NAN, small, -small, limits.tiny, limits.max, 1e30])
    x, y = (v.ravel().astype(dtype) for v in np.meshgrid(x, -x))
    with np.errstate(all="ignore"):
        wanted = np.nextafter(x, y)
    scope = {"f": COMPILED[f"nextafter_{kind}"]}
    exec("def run(x, y, out):\n    for i in range(x.size):\n        out[i] = f(x[i], y[i])", scope)
    out = np.empty_like(x)
    t = numba.from_dtype(x.dtype)[::1]
    numba.njit(numba.void(t, t, t))(scope["run"])(x, y, out)
    twin = np.array([PYTHON[f"nextafter_{kind}"](a, b) for a, b in zip(x, y, strict=True)])
    for got in (out, twin):
        np.testing.assert_array_equal(got, wanted)
        numbers = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(got[numbers]), np.signbit(wanted[numbers]))


def _slope_of_gammainc(a, x):
    """By mpmath's derivative in a."""
    return mp.diff(lambda a: mp.gammainc(a, 0, x, regularized=True), a)


@pytest.mark.parametrize(("kind", "limit"), [("f32", 1e-6), ("f64", 1e-12)])
@pytest.mark.parametrize("name", ["gammainc_slope", "gamma_sample_slope"])
def test_gamma_slopes(name, kind, limit):
    places = [(0.3, 0.01), (0.3, 2.0), (1.0, 0.5), (1.0, 1.5), (2.5, 2.5), (7.0, 4.0), (7.0, 30.0)]
    for a, x in [*places, (60.0, 61.0), (60.0, 59.0)]:
        a, x = (DTYPES[kind](v) for v in (a, x))
        got = float(_of_two(name, kind)(a, x))
        with mp.workprec(PRECISION):
            p, q = mp.mpf(float(a)), mp.mpf(float(x))
            exact = _slope_of_gammainc(p, q)
            if name == "gamma_sample_slope":
                exact = -exact / (mp.exp((p - 1) * mp.log(q) - q) / mp.gamma(p))
        assert abs(got / float(exact) - 1) < limit, (a, x, got, exact)
        assert abs(float(PYTHON[f"{name}_{kind}"](a, x)) / got - 1) < limit


def test_gamma_slopes_at_edges():
    wanted = {(2.0, 0.0): 0, (2.0, INF): NAN, (-1.0, 1.0): NAN, (0.0, 1.0): NAN, (NAN, 1.0): NAN}
    for (a, x), value in wanted.items():
        sample, slope = (_of_two(f"gamma{n}_slope", "f64")(a, x) for n in ("_sample", "inc"))
        np.testing.assert_equal(sample, np.float64(value))
        np.testing.assert_equal(slope, np.float64(0 if x == INF else value))


def _of_two(name, kind):
    scope = {"f": COMPILED[f"{name}_{kind}"]}
    exec("def run(a, x):\n    return f(a, x)", scope)
    t = numba.from_dtype(np.dtype(DTYPES[kind]))
    return numba.njit(t(t, t), error_model="numpy")(scope["run"])

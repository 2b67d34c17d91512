"""Compiled expressions keep the meaning that IEEE 754 and two's complement give them.

Every expression is compiled and compared bit by bit with NumPy, one operation at a time, over all
pairs of special values: alone, in a short row, and in a row long enough to be vectorised with a
remainder. No simplification, vectorisation or reassociation may show.
"""

import numpy as np
import pytest

import ftx
import ftx.lax as lax
import ftx.numpy as fnp

INF, NAN = np.inf, np.nan
FLOATS = ("float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def special(dtype):
    """Signed zeros, subnormal and normal ends, numbers that absorb others, infinities, NaN."""
    info = np.finfo(dtype)
    tiny, least, large = info.smallest_normal, info.smallest_subnormal, info.max
    absorbing = 2 / info.eps
    half = [0.0, 1.0, 1.5, 3.0, 0.1, least, 3 * least, tiny / 2, tiny, absorbing, large, INF]
    return np.array([*half, *[-v for v in half], NAN], dtype)


def pairs(dtype):
    """All pairs of special values, as two rows."""
    values = special(dtype)
    a, b = np.meshgrid(values, values)
    return np.ascontiguousarray(a.ravel()), np.ascontiguousarray(b.ravel())


def same_bits(got, wanted):
    """Equal including the sign of zeros; NaN is NaN."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.dtype == wanted.dtype and got.shape == wanted.shape
    both = np.isnan(got) & np.isnan(wanted) if got.dtype.kind == "f" else np.zeros(got.shape, bool)
    bits = f"u{got.dtype.itemsize}"
    different = (np.atleast_1d(got).view(bits) != np.atleast_1d(wanted).view(bits)) & ~both
    assert not different.any(), (got[different.reshape(got.shape)][:5], np.argwhere(different)[:5])


def agree(function, *operands):
    """Compiled and NumPy's results of `function(m, *operands)` on rows of several lengths."""
    compiled = ftx.jit(lambda *xs: function(fnp, *xs))
    n = len(operands[0])
    for take in (slice(0, n), slice(0, 3), slice(5, 12)):
        part = [np.ascontiguousarray(x[take]) for x in operands]
        with np.errstate(all="ignore"):
            same_bits(compiled(*part), function(np, *part))
    for i in range(0, n, max(1, n // 25)):  # scalars are compiled apart
        one = [x[i] for x in operands]
        with np.errstate(all="ignore"):
            same_bits(compiled(*map(fnp.asarray, one)), np.asarray(function(np, *one)))


EXPRESSIONS = {
    "x - x": lambda m, a, b: a - a,
    "x / x": lambda m, a, b: a / a,
    "x * 0": lambda m, a, b: a * a.dtype.type(0),
    "0 * x": lambda m, a, b: a.dtype.type(0) * a,
    "x * 1": lambda m, a, b: a * a.dtype.type(1),
    "x * -1": lambda m, a, b: a * a.dtype.type(-1),
    "x + 0": lambda m, a, b: a + a.dtype.type(0),
    "x - 0": lambda m, a, b: a - a.dtype.type(0),
    "x + -0": lambda m, a, b: a + a.dtype.type(-0.0),
    "0 - x": lambda m, a, b: a.dtype.type(0) - a,
    "-x": lambda m, a, b: -a,
    "-(-x)": lambda m, a, b: m.negative(m.negative(a)),
    "x / 1": lambda m, a, b: a / a.dtype.type(1),
    "1 / x": lambda m, a, b: a.dtype.type(1) / a,
    "x / 3": lambda m, a, b: a / a.dtype.type(3),
    "x * y": lambda m, a, b: a * b,
    "x / y": lambda m, a, b: a / b,
    "(a + b) - a": lambda m, a, b: (a + b) - a,
    "a - (a - b)": lambda m, a, b: a - (a - b),
    "(a + b) - b == a": lambda m, a, b: ((a + b) - b) == a,
    "(a - b) + b": lambda m, a, b: (a - b) + b,
    "(a * b) / b": lambda m, a, b: (a * b) / b,
    "(a / b) * b": lambda m, a, b: (a / b) * b,
    "a / b / b": lambda m, a, b: a / b / b,
    "a * b - a * b": lambda m, a, b: (a * b) - (a * b),
    "x + x": lambda m, a, b: a + a,
    "x == x": lambda m, a, b: a == a,
    "x != x": lambda m, a, b: a != a,
    "a < b": lambda m, a, b: a < b,
    "not a < b": lambda m, a, b: m.logical_not(a < b),
    "a >= b": lambda m, a, b: a >= b,
    "a == b": lambda m, a, b: a == b,
    "where(a > b, a, b)": lambda m, a, b: m.where(a > b, a, b),
    "where(isnan)": lambda m, a, b: m.where(m.isnan(a), b, a),
    "isfinite": lambda m, a, b: m.isfinite(a),
    "isinf": lambda m, a, b: m.isinf(a),
    "signbit": lambda m, a, b: m.signbit(a),
    "copysign": lambda m, a, b: m.copysign(a, b),
    "abs": lambda m, a, b: m.abs(a),
    "sqrt": lambda m, a, b: m.sqrt(a),
    "square": lambda m, a, b: m.square(a),
    "floor": lambda m, a, b: m.floor(a),
    "ceil": lambda m, a, b: m.ceil(a),
    "trunc": lambda m, a, b: m.trunc(a),
    "round": lambda m, a, b: m.round(a),
    "fmod": lambda m, a, b: m.fmod(a, b),
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expressions_are_computed_as_written(name, dtype):
    agree(EXPRESSIONS[name], *pairs(dtype))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_extrema_pass_nan_on_and_order_zeros(name, dtype):
    a, b = pairs(dtype)
    got = np.asarray(ftx.jit(getattr(fnp, name))(a, b))
    with np.errstate(all="ignore"):
        wanted = getattr(np, name)(a, b)
    np.testing.assert_array_equal(got, wanted)
    zeros = (a == 0) & (b == 0)  # IEEE 754-2019: -0 below +0, where NumPy takes either
    sign = np.signbit(a) & np.signbit(b) if name == "maximum" else np.signbit(a) | np.signbit(b)
    np.testing.assert_array_equal(np.signbit(got[zeros]), sign[zeros])


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_fused_multiply_add_rounds_once_and_nothing_more(dtype):
    """docs/decisions/0004: x * y + z is one operation where the product has no other use."""
    exact = np.random.RandomState(0).randint(-1000, 1000, (3, 517)).astype(dtype)
    same_bits(ftx.jit(lambda a, b, c: a * b + c)(*exact), exact[0] * exact[1] + exact[2])
    one, eps = np.dtype(dtype).type(1), np.finfo(dtype).eps
    a = np.full(37, one + eps)
    fused = ftx.jit(lambda a, b, c: a * b + c)(a, a, -(a * a))
    assert (np.asarray(fused) == np.dtype(dtype).type(eps) ** 2).all()  # the product's last bits
    apart = ftx.jit(lambda a, b: (a * b, a * b - a * b))(a, a)
    np.testing.assert_array_equal(apart[1], 0)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", [1, 3, 64, 1001])
@pytest.mark.parametrize("place", [0, -1])
def test_reductions_pass_nan_and_infinities_on(dtype, size, place):
    x = np.linspace(-1, 1, size).astype(dtype)
    for value in (NAN, INF, -INF):
        y = x.copy()
        y[place] = value
        for name in ("sum", "max", "min", "prod", "mean"):
            got = np.asarray(ftx.jit(getattr(fnp, name))(y))
            with np.errstate(all="ignore"):
                wanted = getattr(np, name)(y)
            assert np.isnan(got) == np.isnan(wanted) and (np.isnan(got) or got == wanted), name
        where = np.argmax(y) if value > 0 else np.argmin(y) if value < 0 else place % size
        found = ftx.jit(fnp.argmin if value < 0 else fnp.argmax)(y)
        assert int(found) == where  # NaN counts as the extremum, as in NumPy
    if size > 1:
        y[0], y[-1] = INF, -INF
        assert np.isnan(ftx.jit(fnp.sum)(y))


@pytest.mark.parametrize("dtype", FLOATS)
def test_cumulative_operations_keep_nan_once_met(dtype):
    x = special(dtype)
    for name in ("cumsum", "cumprod"):
        got = np.asarray(ftx.jit(getattr(fnp, name))(x))
        with np.errstate(all="ignore"):
            wanted = getattr(np, name)(x)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    got = np.asarray(ftx.jit(lax.cummax)(np.array([1, NAN, 3], dtype)))
    assert got[0] == 1 and np.isnan(got[1:]).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_sorting_puts_nan_last(dtype):
    x = np.random.RandomState(0).permutation(np.tile(special(dtype), 40)).astype(dtype)
    for row in (x[:7], x[:100], x):
        np.testing.assert_array_equal(ftx.jit(fnp.sort)(row), np.sort(row))
        order = np.asarray(ftx.jit(fnp.argsort)(row))
        np.testing.assert_array_equal(row[order], np.sort(row))
        assert sorted(order.tolist()) == list(range(len(row)))
    with_nan = np.array([3, NAN, 1, 2], dtype)
    np.testing.assert_array_equal(ftx.jit(fnp.median)(with_nan), NAN)


@pytest.mark.parametrize("dtype", FLOATS)
def test_clipping_and_choosing_pass_nan_on(dtype):
    x = special(dtype)
    np.testing.assert_array_equal(
        ftx.jit(lambda x: fnp.clip(x, -1, 1))(x), np.clip(x, x.dtype.type(-1), x.dtype.type(1))
    )
    assert np.isnan(ftx.jit(ftx.nn.relu)(x)[-1])
    assert np.isnan(ftx.jit(lambda x: fnp.sign(x))(x)[-1])
    chosen = ftx.jit(lambda x: fnp.where(x > 0, fnp.log(x), -1.0))(x)  # the untaken log is NaN
    assert np.isfinite(np.asarray(chosen)[x <= 0]).all() and np.asarray(chosen)[-1] == -1


@pytest.mark.parametrize("dtype", FLOATS)
def test_subnormal_numbers_are_not_flushed_to_zero(dtype):
    least = np.finfo(dtype).smallest_subnormal
    x = (least * np.arange(1, 1002)).astype(dtype)
    agree(lambda m, x: x * x.dtype.type(0.5), x)
    agree(lambda m, x: x + x, x)
    agree(lambda m, x: m.sqrt(x), x)
    agree(lambda m, x: x / x.dtype.type(3), x)
    total = np.asarray(ftx.jit(fnp.sum)(x))
    assert total == (np.arange(1, 1002).sum() * np.float64(least)).astype(dtype)
    small = {"float32": -100.0, "float64": -740.0}[dtype]
    value = float(np.asarray(ftx.jit(fnp.exp)(np.full(33, small, dtype)))[0])
    assert value == pytest.approx(np.exp(np.longdouble(small)), abs=float(least)) and value > 0


def test_subnormal_numbers_survive_threads_and_loops():
    """Another library may set a thread to flush; our pool's threads must not."""
    x = np.full(1 << 20, 1e-40, np.float32)
    y = np.asarray(ftx.jit(lambda x: x * np.float32(0.5))(x))
    assert (y == np.float32(1e-40) * np.float32(0.5)).all() and y[0] > 0

    def halve(x):
        return lax.fori_loop(0, 5, lambda i, x: x * np.float32(0.5), x)

    assert float(ftx.jit(halve)(np.float32(1e-40))) == float(np.float32(1e-40) / np.float32(32))


POWERS = {0: 1.0, 1: None, 2: None, 3: None, -1: None, -2: None}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", POWERS)
def test_integer_powers_of_special_values(n, dtype):
    x = special(dtype)
    with np.errstate(all="ignore"):
        wanted = np.power(x, x.dtype.type(n))
    got = np.asarray(ftx.jit(lambda x: x**n)(x))
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    exact = np.isin(np.abs(x), [0, 1, INF])
    same_bits(got[exact], wanted[exact])


@pytest.mark.parametrize("dtype", FLOATS)
def test_powers_of_special_values(dtype):
    a, b = pairs(dtype)
    with np.errstate(all="ignore"):
        wanted = np.power(a.astype(np.float64), b.astype(np.float64)).astype(dtype)
    got = np.asarray(ftx.jit(fnp.power)(a, b))
    np.testing.assert_allclose(got, wanted, rtol=4 * np.finfo(dtype).eps)  # 1**nan, nan**0 are 1
    np.testing.assert_array_equal(np.signbit(got[wanted == 0]), np.signbit(wanted[wanted == 0]))


# ---- integers


def edges(dtype):
    info = np.iinfo(dtype)
    values = [info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, 3, 7, 100]
    values += [-1, -2, -3, -100] if info.min else []
    a, b = np.meshgrid(np.array(values, dtype), np.array(values, dtype))
    return np.ascontiguousarray(a.ravel()), np.ascontiguousarray(b.ravel())


ARITHMETIC = {
    "a + b": lambda m, a, b: a + b,
    "a - b": lambda m, a, b: a - b,
    "a * b": lambda m, a, b: a * b,
    "a * a * b": lambda m, a, b: a * a * b,
    "-a": lambda m, a, b: -a,
    "abs": lambda m, a, b: m.abs(a),
    "a + 1 > a": lambda m, a, b: a + a.dtype.type(1) > a,  # false where it wraps
    "(a - b) + b": lambda m, a, b: (a - b) + b,
    "square": lambda m, a, b: m.square(a),
    "and": lambda m, a, b: a & b,
    "xor": lambda m, a, b: a ^ b,
    "not": lambda m, a, b: ~a,
    "maximum": lambda m, a, b: m.maximum(a, b),
    "sign": lambda m, a, b: m.sign(a),
    "a < b": lambda m, a, b: a < b,
}


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", ARITHMETIC)
def test_integers_wrap(name, dtype):
    agree(ARITHMETIC[name], *edges(dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_sums_and_products_wrap(dtype):
    x = np.full(1001, np.iinfo(dtype).max, dtype)
    got = ftx.jit(lambda x: lax.reduce_sum(x, (0,)) if hasattr(lax, "reduce_sum") else fnp.sum(x))(
        x
    )
    assert int(np.asarray(got).astype(dtype)) == int(np.sum(x, dtype=dtype))
    got = np.asarray(ftx.jit(lambda x: fnp.cumsum(x, dtype=dtype))(x))
    np.testing.assert_array_equal(got, np.cumsum(x, dtype=dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_division_by_zero_and_of_the_lowest_does_not_trap(dtype):
    a, b = edges(dtype)
    quotient = np.asarray(ftx.jit(lax.div)(a, b))
    remainder = np.asarray(ftx.jit(lax.rem)(a, b))
    fits = (b != 0) & ~((a == np.iinfo(dtype).min) & (b.astype(object) == -1))
    wanted = [int(abs(int(p)) // abs(int(q))) * (1 if (p >= 0) == (q > 0) else -1)
              for p, q in zip(a[fits], b[fits], strict=True)]  # fmt: skip
    np.testing.assert_array_equal(quotient[fits], np.array(wanted, dtype))
    np.testing.assert_array_equal((quotient * b + remainder)[fits], a[fits])
    np.testing.assert_array_equal(remainder[b == 0], a[b == 0])


@pytest.mark.parametrize("dtype", INTEGERS)
def test_shifts_of_all_bits_and_more_are_defined(dtype):
    bits = np.iinfo(dtype).bits
    a = np.array([1, 3, np.iinfo(dtype).max, np.iinfo(dtype).min], dtype)
    for n in (0, 1, bits - 1, bits, bits + 1):
        by = np.full_like(a, n)
        left = np.asarray(ftx.jit(lax.shift_left)(a, by))
        assert [int(v) % 2**bits for v in left] == [(int(v) << n) % 2**bits for v in a]
        right = np.asarray(ftx.jit(lax.shift_right_logical)(a, by))
        assert [int(v) % 2**bits for v in right] == [(int(v) % 2**bits) >> n for v in a]
        right = np.asarray(ftx.jit(lax.shift_right_arithmetic)(a, by))
        signed = a.view(dtype.lstrip("u"))  # the top bit comes in, of unsigned numbers too
        np.testing.assert_array_equal(right.view(signed.dtype), [int(v) >> n for v in signed])


def test_conversion_to_integers_saturates_and_nan_is_zero():
    x = np.array([NAN, INF, -INF, 1e30, -1e30, 2.9, -2.9, -0.0], np.float32)
    got = np.asarray(ftx.jit(lambda x: x.astype("int32"))(x))
    top, bottom = 2**31 - 1, -(2**31)
    np.testing.assert_array_equal(got, [0, top, bottom, top, bottom, 2, -2, 0])
    got = np.asarray(ftx.jit(lambda x: x.astype("uint8"))(x))
    np.testing.assert_array_equal(got, [0, 255, 0, 255, 0, 2, 0, 0])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_rounds_after_every_operation(dtype):
    x = fnp.asarray(np.array([2048, 65504 if dtype == "float16" else 3e38], np.float32)).astype(
        dtype
    )
    got = ftx.jit(lambda x: (x + 1) - x)(x)  # 2049 is no half, 257 no bfloat16
    assert float(got[0]) == 0.0
    assert np.isinf(float(ftx.jit(lambda x: x * 2)(x)[1]))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_division(dtype):
    """Also by zero, where every other element of the kernel must be computed all the same."""
    rng = np.random.default_rng(3)
    real = np.finfo(dtype).dtype
    scales = 10.0 ** rng.integers(-15, 15, (2, 200))
    a, b = ((rng.normal(size=(2, 200)) + 1j * rng.normal(size=(2, 200))) * scales).astype(dtype)
    b[:50].real, b[50:90].imag = 0, 0
    found = np.asarray(ftx.jit(lambda x, y: x / y)(a, b))
    eps = float(np.finfo(real).eps)
    np.testing.assert_allclose(found, a.astype("complex128") / b, rtol=4 * eps)
    a[:4], b[:4] = [1 + 1j, 2, 0, -1j], [0, 0, 0, complex(0, INF)]
    with np.errstate(all="ignore"):
        wanted = a / b
    for found in (ftx.jit(lambda x, y: (x / y, x + y))(a, b)[0], fnp.asarray(a) / b):
        found = np.asarray(found)
        np.testing.assert_array_equal(found[:4].real, wanted[:4].real)
        np.testing.assert_array_equal(found[:4].imag, wanted[:4].imag)
        np.testing.assert_allclose(found[4:], wanted[4:], rtol=4 * eps)
    assert ftx.jit(lambda x, y: (x / y, x + y))(a, b)[1].tolist() == (a + b).tolist()

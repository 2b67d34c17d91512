"""The elementary operations of kernels: arithmetic, bits, conversions, as rows of formulas.

Out: `ROWS`, name -> (formula, result kind, *operand kinds), for `intrinsics.compiled` and `twin`.
Names end in the kind they work on: fma_f32, clz_u8; a conversion names source, then target.
Knows nothing of: arrays, loops, how kernels are generated.
"""

import math

import llvmlite.binding as llvm

from ..intrinsics import FLOATS, INTEGERS, KIND_OF, SIGNED, Value


def div_trunc(m, x, y):
    """x / y towards zero; x / 0 is -1 (all ones), the least integer / -1 is itself."""
    kind = _kind(x)
    if kind[0] == "u":
        quotient = _quotient(x, m.select(y == 0, 1, y))
        return m.select(y == 0, (1 << int(kind[1:])) - 1, quotient)
    quotient = _quotient(x, m.select((y == 0) | (y == -1), 1, y))
    return m.select(y == 0, -1, m.select(y == -1, m.const(kind, 0) - x, quotient))


def rem_trunc(m, x, y):
    """Remainder with the sign of x; x rem 0 is x, the least integer rem -1 is 0."""
    trap = (y == 0) if _kind(x)[0] == "u" else (y == 0) | (y == -1)
    rest = m.rem(x, m.select(trap, 1, y))
    return m.select(y == 0, x, m.select(trap, 0, rest))


def _kind(x) -> str:
    return x.kind if isinstance(x, Value) else KIND_OF[x.dtype]


def _quotient(x, y):
    if isinstance(x, Value):
        return x / y
    a, b = abs(int(x)), abs(int(y))
    return type(x)(-(a // b) if (x < 0) != (y < 0) else a // b)


def power(m, x, n):
    """x**n by squaring, n: i64. For n < 0: the reciprocal; of an integer, 0 unless |x| = 1."""
    kind = _kind(x)
    one = m.const(kind, 1.0 if kind[0] == "f" else 1)
    count = m.bitcast(m.select(n < 0, -n, n), "u64")
    result, _, _ = m.loop(
        lambda r, b, k: k != 0,
        lambda r, b, k: (m.select((k & 1) != 0, r * b, r), b * b, k >> 1),
        one,
        x,
        count,
    )
    if kind[0] == "f":
        return m.select(n < 0, 1.0 / result, result)
    unit = x == 1 if kind[0] == "u" else (x == 1) | (x == -1)
    return m.select((n < 0) & ~unit, m.const(kind, 0), result)


def _quotient_terms(m, c, d):
    """Of a division by c + di, scaled by the larger part: which is larger, ratio, 1/denominator.

    Source: Smith, "Algorithm 116: complex division" (1962); 1/0 is an infinity, as in NumPy.
    """
    larger, zero = m.abs(c) >= m.abs(d), (c == 0) & (d == 0)
    p, q = m.select(larger, c, d), m.select(larger, d, c)
    ratio = m.select(zero, m.const(_kind(c), 0.0), q / p)
    scale = m.select(zero, m.const(_kind(c), math.inf), 1.0 / (p + q * ratio))
    return larger, ratio, scale


def quotient_real(m, a, b, c, d):
    """Real part of (a + bi) / (c + di)."""
    larger, ratio, scale = _quotient_terms(m, c, d)
    return m.select(larger, a + b * ratio, a * ratio + b) * scale


def quotient_imag(m, a, b, c, d):
    """Imaginary part of (a + bi) / (c + di)."""
    larger, ratio, scale = _quotient_terms(m, c, d)
    return m.select(larger, b - a * ratio, b * ratio - a) * scale


def f16_to_f32_bits(m, h):
    """Half to single by integers: 2^112 moves the exponent's bias, and normalises subnormals."""
    wide = m.cast(h, "u32")
    size = wide & 0x7FFF
    bits = m.bitcast(m.bitcast(size << 13, "f32") * 2.0**112, "u32")
    bits = m.select(size >= 0x7C00, bits | 0x7F800000, bits)
    return m.bitcast(bits | ((wide & 0x8000) << 16), "f32")


def f32_to_f16_bits(m, x):
    """Single to half by integers, to nearest even; adding 0.5 rounds what will be subnormal."""
    bits = m.bitcast(x, "u32")
    size = bits & 0x7FFFFFFF
    normal = (size - 0x37FFF001 + ((size >> 13) & 1)) >> 13  # rebias by 112, add half an ulp
    small = m.bitcast(m.bitcast(size, "f32") + 0.5, "u32") - 0x3F000000
    half = m.select(size < 0x38800000, small, normal)
    top = m.select(size > 0x7F800000, m.const("u32", 0x7E00), 0x7C00)  # NaN, inf
    half = m.select(size >= 0x47800000, top, half)
    return m.cast(half | ((bits >> 16) & 0x8000), "u16")


def f16_to_f32(m, h):
    """Half (as u16) to single, exactly."""
    return m.cast(m.bitcast(h, "f16"), "f32")


def f32_to_f16(m, x):
    """Single to half (as u16), to nearest even."""
    return m.bitcast(m.cast(x, "f16"), "u16")


def _has_f16() -> bool:
    """Whether LLVM converts halves by an instruction; elsewhere on x86 it calls a missing one."""
    if not llvm.get_process_triple().startswith(("x86_64", "i686", "i386")):
        return True
    return bool(llvm.get_host_cpu_features().get("f16c"))


if not _has_f16():
    f16_to_f32, f32_to_f16 = f16_to_f32_bits, f32_to_f16_bits


def bf16_to_f32(m, h):
    """Bfloat16 (as u16) to single, exactly."""
    return m.bitcast(m.cast(h, "u32") << 16, "f32")


def f32_to_bf16(m, x):
    """Single to bfloat16 (as u16), to nearest even; a NaN stays one, made quiet."""
    bits = m.bitcast(x, "u32")
    rounded = bits + (((bits >> 16) & 1) + 0x7FFF)
    return m.cast(m.select(x != x, bits | 0x400000, rounded) >> 16, "u16")


def rotl(m, x, k):
    """x rotated left by k bits, k taken modulo 32."""
    k = k & 31
    return (x << k) | (x >> ((32 - k) & 31))


def nan_seen(m, seen, x):
    """All bits of `seen` if x is a NaN, else as it was."""
    kind = _kind(seen)
    return seen | m.select(x != x, m.const(kind, -1), m.const(kind, 0))


def unless_nan(m, seen, x):
    """x, or NaN if `seen` says so."""
    return m.select(seen != 0, m.const(_kind(x), math.nan), x)


def hidden(m, x, place):
    """x, of which the optimiser cannot know that it is a constant: no place is negative."""
    return m.select(place < 0, m.const(_kind(x), 0), x)


def nextafter(m, x, y):
    """The next number after x towards y: its bits, one more or less."""
    kind = _kind(x)
    bits = m.bitcast(x, "i" + kind[1:])
    step = m.select((x < y) == (x > 0.0), m.const("i" + kind[1:], 1), m.const("i" + kind[1:], -1))
    moved = m.bitcast(bits + step, kind)
    moved = m.select(x == 0.0, m.copysign(m.bitcast(m.const("i" + kind[1:], 1), kind), y), moved)
    return m.select((x != x) | (y != y), x + y, m.select(x == y, y, moved))


def _method(name: str):
    def formula(m, *operands):
        return getattr(m, name)(*operands)

    formula.__doc__ = name
    return formula


def _rows() -> dict[str, tuple]:
    rows: dict[str, tuple] = {}
    for t in FLOATS:
        rows[f"fma_{t}"] = (_method("fma"), t, t, t, t)
        for name in ("roundeven", "floor", "ceil", "trunc", "sqrt", "abs"):
            rows[f"{name}_{t}"] = (_method(name), t, t)
        for name in ("add_reassoc", "mul_reassoc", "larger", "smaller", "copysign"):
            rows[f"{name}_{t}"] = (_method(name), t, t, t)
        rows[f"nan_seen_{t}"] = (nan_seen, "i" + t[1:], "i" + t[1:], t)
        rows[f"hidden_{t}"] = (hidden, t, t, "i64")
        rows[f"unless_nan_{t}"] = (unless_nan, t, "i" + t[1:], t)
        rows[f"rem_{t}"] = (_method("rem"), t, t, t)
        rows[f"nextafter_{t}"] = (nextafter, t, t, t)
        for to in ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"):
            rows[f"to_{to}_{t}"] = (lambda m, x, to=to: m.cast(x, to), to, t)
    for t in ("f32", "f64"):
        rows[f"quotient_real_{t}"] = (quotient_real, t, t, t, t, t)
        rows[f"quotient_imag_{t}"] = (quotient_imag, t, t, t, t, t)
    for t in INTEGERS:
        rows[f"div_trunc_{t}"] = (div_trunc, t, t, t)
        rows[f"rem_trunc_{t}"] = (rem_trunc, t, t, t)
        rows[f"popcount_{t}"] = (_method("popcount"), t, t)
        rows[f"clz_{t}"] = (_method("clz"), t, t)
    for t in SIGNED:
        rows[f"abs_{t}"] = (_method("abs"), t, t)
    for t in ("bool", *INTEGERS, *FLOATS):
        rows[f"maximum_{t}"] = (_method("maximum"), t, t, t)
        rows[f"minimum_{t}"] = (_method("minimum"), t, t, t)
        rows[f"select_{t}"] = (_method("select"), t, "bool", t, t)
        if t != "bool":
            rows[f"pow_int_{t}"] = (power, t, t, "i64")
    for group in (("i8", "u8"), ("i16", "u16"), ("i32", "u32", "f32"), ("i64", "u64", "f64")):
        for a in group:
            for b in group:
                if a != b:  # named by source then target
                    rows[f"bitcast_{a}_{b}"] = (lambda m, x, b=b: m.bitcast(x, b), b, a)
    for t in FLOATS:
        integer = "i" + t[1:]
        rows[f"{t}_from_bits"] = rows[f"bitcast_{integer}_{t}"]
        rows[f"bits_from_{t}"] = rows[f"bitcast_{t}_{integer}"]
    rows["f16_to_f32"] = (f16_to_f32, "f32", "u16")
    rows["f32_to_f16"] = (f32_to_f16, "u16", "f32")
    rows["bf16_to_f32"] = (bf16_to_f32, "f32", "u16")
    rows["f32_to_bf16"] = (f32_to_bf16, "u16", "f32")
    rows["round_f16"] = (lambda m, x: f16_to_f32(m, f32_to_f16(m, x)), "f32", "f32")
    rows["round_bf16"] = (lambda m, x: bf16_to_f32(m, f32_to_bf16(m, x)), "f32", "f32")
    rows["rotl_u32"] = (rotl, "u32", "u32", "u32")
    return rows


ROWS = _rows()

"""Scalar operations of CUDA kernels: what differs from `scalar_text` and `vector_math`.

In: the names that `scalar_text` writes into kernels (`exp_f32`, `select_i32`, ...).
Out: `ROWS`, name -> (formula, result kind, *operand kinds): formulas over a machine `m`, as in
`vector_math`, but on libdevice where it has the function; `Emit`, the machine that writes NVVM's
dialect of LLVM, with `Builder`; the types of memory cells; which scatters have an atomic.
Half-precision values are uint16 in memory and float32 in registers; bools are uint8 in memory.
Must not know: loops, buffers, how kernels are compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from ..core import dtypes
from ..core.dtypes import DType, short_name
from . import intrinsics
from .scalar_text import HALF
from .vector_math import ROWS as CPU_ROWS

Formula = Callable[..., Any]

LIBDEVICE = {
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log2": "log2",
    "log1p": "log1p", "sqrt": "sqrt", "cbrt": "cbrt", "pow": "pow", "sin": "sin",
    "cos": "cos", "tan": "tan", "asin": "asin", "acos": "acos", "atan": "atan", "atan2": "atan2",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "asinh", "acosh": "acosh",
    "atanh": "atanh", "erf": "erf", "erfc": "erfc", "erf_inv": "erfinv", "erfinv": "erfinv",
    "lgamma": "lgamma", "floor": "floor", "ceil": "ceil", "trunc": "trunc",
    "roundeven": "rint", "rem": "fmod",
}  # fmt: skip
"""The formulas replaced by libdevice, which has each as `__nv_<name>` and `__nv_<name>f`."""
_CALLED = {"roundeven": "rint", "copysign": "copysign", "floor": "floor", "ceil": "ceil"}
_CALLED |= {"trunc": "trunc", "fabs": "fabs", "sqrt": "sqrt", "fma": "fma"}


class Builder(ir.IRBuilder):
    """Writes only instructions of NVVM's dialect, which has no fneg."""

    def fneg(self, arg: ir.Value, name: str = "", flags: Any = ()) -> ir.Value:
        return self.fsub(ir.Constant(arg.type, -0.0), arg, name=name, flags=flags)


class Emit(intrinsics.Emit):
    """Writes LLVM that libnvvm takes: its dialect has neither llvm.maximum nor llvm.umax."""

    def libdevice(self, name: str, *operands: Any) -> intrinsics.Value:
        """Call `__nv_<name>` on values of one real kind; numbers take that kind."""
        model = next(v for v in operands if isinstance(v, intrinsics.Value))
        values = [self.like(model, v).llvm for v in operands]
        kind = intrinsics.LLVM[model.kind]
        symbol = f"__nv_{name}" + ("f" if model.kind == "f32" else "")
        module = self.builder.module
        function = module.globals.get(symbol) or ir.Function(
            module, ir.FunctionType(kind, [kind] * len(values)), symbol
        )
        return intrinsics.Value(self, model.kind, self.builder.call(function, values))

    def call(self, name: str, *operands: Any) -> intrinsics.Value:
        """As of the CPU, through libdevice for real kinds."""
        model = next(v for v in operands if isinstance(v, intrinsics.Value))
        if model.kind[0] == "f":
            return self.libdevice(_CALLED[name], *operands)
        return super().call(name, *operands)

    def _extreme(self, which: str, a: Any, b: Any) -> intrinsics.Value:
        model = a if isinstance(a, intrinsics.Value) else b
        a, b = self.like(model, a), self.like(model, b)
        if model.kind == "bool":
            return a | b if which == "max" else a & b
        if model.kind == "f32":  # one instruction from sm_80 on; a NaN wins
            kind = intrinsics.LLVM["f32"]
            code = ir.InlineAsm(
                ir.FunctionType(kind, [kind, kind]), f"{which}.NaN.f32 $0, $1, $2;", "=f,f,f"
            )
            return intrinsics.Value(self, "f32", self.builder.call(code, [a.llvm, b.llvm]))
        first = a > b if which == "max" else a < b
        if model.kind == "f64":
            first = first | (a != a)
        return self.select(first, a, b)

    def beyond(self, limit: float, libm: str, x: Any, y: Any, far: Any = None) -> Any:
        """Libdevice reduces large arguments itself: nothing to correct."""
        return y


def _libdevice(name: str) -> Formula:
    return lambda m, *operands: m.libdevice(name, *operands)


def rsqrt(m: Any, x: Any) -> Any:
    """The reciprocal square root, correctly rounded twice (libdevice's is approximate)."""
    return 1.0 / m.sqrt(x)


def logistic(m: Any, x: Any) -> Any:
    """1 / (1 + exp(-x)); exp may overflow to infinity, which gives 0."""
    return 1.0 / (m.libdevice("exp", -x) + 1.0)


def quotient(m: Any, x: Any, n: Any) -> Any:
    """x // n of an index 0 <= x < 2^31 by the 32-bit division."""
    return m.cast(m.cast(x, "u32") / m.cast(n, "u32"), "i64")


def remainder(m: Any, x: Any, n: Any) -> Any:
    """x % n of an index 0 <= x < 2^31 by the 32-bit division."""
    return m.cast(m.rem(m.cast(x, "u32"), m.cast(n, "u32")), "i64")


def _bits_of(half: str, kind: str) -> Formula:
    formula = CPU_ROWS[f"f32_to_{half}"][0]
    return lambda m, x: m.cast(formula(m, x), kind)


def _half_of(half: str) -> Formula:
    formula = CPU_ROWS[f"{half}_to_f32"][0]
    return lambda m, x: formula(m, m.cast(x, "u16"))


def _reread(half: str, other: str) -> Formula:
    return lambda m, x: CPU_ROWS[f"{other}_to_f32"][0](m, CPU_ROWS[f"f32_to_{half}"][0](m, x))


def _added() -> dict[str, tuple[Any, ...]]:
    """What the CPU's table lacks: a half in a register is a float32, its bits are those stored."""
    rows: dict[str, tuple[Any, ...]] = {}
    for half, other in (("f16", "bf16"), ("bf16", "f16")):
        for bits in ("u16", "i16"):
            rows[f"bitcast_{half}_{bits}"] = (_bits_of(half, bits), bits, "f32")
            rows[f"bitcast_{bits}_{half}"] = (_half_of(half), "f32", bits)
        rows[f"bitcast_{half}_{other}"] = (_reread(half, other), "f32", "f32")
    return rows


ADDED = _added()


def _rows() -> dict[str, tuple[Any, ...]]:
    rows: dict[str, tuple[Any, ...]] = CPU_ROWS | ADDED
    for name, symbol in LIBDEVICE.items():
        for t in ("f32", "f64"):
            row = CPU_ROWS[f"{name}_{t}"]
            rows[f"{name}_{t}"] = (_libdevice(symbol), *row[1:])
    for t in ("f32", "f64"):
        for name in ("logistic", "sigmoid"):
            rows[f"{name}_{t}"] = (logistic, t, t)
        rows[f"rsqrt_{t}"] = (rsqrt, t, t)
    rows["quotient"] = (quotient, "i64", "i64", "i64")
    rows["remainder"] = (remainder, "i64", "i64", "i64")
    return rows


ROWS = _rows()

_ATOMIC = (dtypes.int32, dtypes.uint32, dtypes.int64, dtypes.uint64, dtypes.float32, dtypes.float64)


def atomic(op: str, dtype: DType) -> str | None:
    """The function `f(pointer, index, value)` that combines into memory, or None.

    Sums of reals by atomics depend on the order of arrival in their last bits.
    """
    known = op in ("add", "mul", "max", "min") and dtype in _ATOMIC
    return f"atomic_{op}_{short_name(dtype)}" if known else None


ATOMICS = {
    atomic(op, d): (op, short_name(d)) for op in ("add", "mul", "max", "min") for d in _ATOMIC
}


def cell(dtype: DType) -> DType:
    """The dtype of one element of global memory, as kernels see it."""
    if dtype == dtypes.bool_:
        return dtypes.uint8
    if dtype == dtypes.key:
        return dtypes.uint64
    return dtypes.uint16 if dtype in HALF else dtype


def from_cell(text: str, dtype: DType) -> str:
    """The value of a cell of global memory."""
    if dtype == dtypes.bool_:
        return f"({text} != 0)"
    return f"{short_name(dtype)}_to_f32({text})" if dtype in HALF else text


def to_cell(text: str, dtype: DType) -> str:
    """What to store in a cell of global memory."""
    if dtype == dtypes.bool_:
        return f"u8({text})"
    return f"f32_to_{short_name(dtype)}({text})" if dtype in HALF else text

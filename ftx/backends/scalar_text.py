"""Scalar operations as text for Numba on the CPU.

In: an operation's name, its result's dtype, operands as text.  Out: an expression as text.
Half-precision values live in float32 and are rounded after every operation.
Knows nothing of: loops, buffers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.config import config
from ..core.dtypes import DType, short_name
from .loops import Expr

HALF = (dtypes.float16, dtypes.bfloat16)

_VECTOR_MATH = {
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log2": "log2",
    "log1p": "log1p", "sqrt": "sqrt", "rsqrt": "rsqrt", "cbrt": "cbrt", "pow": "pow",
    "sin": "sin", "cos": "cos", "tan": "tan", "asin": "asin", "acos": "acos", "atan": "atan",
    "atan2": "atan2", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "asinh",
    "acosh": "acosh", "atanh": "atanh", "logistic": "logistic", "erf": "erf", "erfc": "erfc",
    "erf_inv": "erf_inv", "lgamma": "lgamma", "digamma": "digamma", "floor": "floor",
    "i0": "i0", "i1": "i1", "i0e": "i0e", "i1e": "i1e", "ndtri": "ndtri", "erfcx": "erfcx",
    "trigamma": "trigamma", "expi": "expi", "exp1": "exp1", "nextafter": "nextafter",
    "gammainc_slope": "gammainc_slope", "gamma_sample_slope": "gamma_sample_slope",
    "ceil": "ceil", "trunc": "trunc", "round": "roundeven", "rem": "rem",
}  # fmt: skip
_SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "and": "&", "or": "|", "xor": "^"}
_OVERFLOWING = {"add": "+", "sub": "-", "mul": "*", "square": "*"}
"""Numba lets LLVM assume that these never overflow in int64 (narrower ones are computed in it);
unsigned arithmetic wraps."""
_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_INTEGER_CALLS = {
    "div": "div_trunc", "rem": "rem_trunc", "population_count": "popcount", "clz": "clz",
}  # fmt: skip
_COMPLEX = frozenset({"add", "sub", "mul", "div", "neg", "conj", "eq", "ne", "select", "square"})
_COMPLEX |= {"real", "imag", "abs", "complex", "convert"}


def register(dtype: DType) -> DType:
    """The dtype in which values of `dtype` are computed, or carried if they are keys."""
    if dtype == dtypes.key:
        return dtypes.uint64
    return dtypes.float32 if dtype in HALF else dtype


def suffix(dtype: DType) -> str:
    """The ending of function names for values computed in `register(dtype)`."""
    return short_name(register(dtype))


def supported(op: str, dtype: DType, operand: DType) -> bool:
    """Whether an elementwise operation on operands of dtype `operand` has a text."""
    kind = dtypes.kind(operand)
    if kind == "c" or dtypes.is_complex(dtype):
        return op in _COMPLEX
    if op in _COMPARISONS or op in ("select", "convert", "bitcast", "complex"):
        return True
    if op == "nextafter":
        return operand not in HALF  # whose neighbours are not those of a float32
    if kind == "f":
        return op in _VECTOR_MATH or op in _FLOAT or op in ("add", "sub", "mul", "div")
    if kind == "i":
        return op in _SYMBOLS or op in _INTEGER_CALLS or op in _INTEGER
    return op in ("and", "or", "xor", "not", "max", "min")


def literal(data: bytes, dtype: DType) -> str:
    """A constant as text."""
    dtype = dtypes.uint64 if dtype == dtypes.key else dtype
    value = np.frombuffer(data, dtype)[0]
    if dtype == dtypes.bool_:
        return "True" if value else "False"
    if dtypes.is_complex(dtype):
        parts = (_float(float(value.real)), _float(float(value.imag)))
        return f"{short_name(dtype)}(complex({parts[0]}, {parts[1]}))"
    if dtypes.is_float(dtype):
        return f"{suffix(dtype)}({_float(float(value))})"
    return f"{short_name(dtype)}({int(value)})"


def _float(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(value)


def _narrow(text: str, dtype: DType) -> str:
    """Numba widens small integers; bring the result back."""
    return f"{short_name(dtype)}({text})"


_FLOAT = {
    "neg": "(-{0})",
    "abs": "abs_{t}({0})",
    "square": "({0} * {0})",
    "max": "maximum_{t}({0}, {1})",
    "min": "minimum_{t}({0}, {1})",
    "sign": "select_{t}({0} > {t}(0), {t}(1), select_{t}({0} < {t}(0), {t}(-1), abs_{t}({0})))",
    "is_finite": "(abs_{t}({0}) < {t}(inf))",
}
_INTEGER = {
    "neg": "(-{0})",
    "abs": "select_{t}({0} < {t}(0), {t}(-{0}), {0})",
    "square": "({0} * {0})",
    "max": "maximum_{t}({0}, {1})",
    "min": "minimum_{t}({0}, {1})",
    "sign": "select_{t}({0} > {t}(0), {t}(1), select_{t}({0} < {t}(0), {t}(-1), {t}(0)))",
    "not": "(~{0})",
    "shift_left": "select_{t}({u}({1}) < {u}({bits}), {t}({0} << ({1} & {t}({mask}))), {t}(0))",
    "shift_right_logical": "select_{t}({u}({1}) < {u}({bits}), "
    "{t}({u}({0}) >> {u}({1} & {t}({mask}))), {t}(0))",
    "rotate_left": "(({u}({0}) << {u}({1})) | ({u}({0}) >> {u}({bits} - {1})))",
    "shift_right_arithmetic": "{t}({s}({0}) >> {s}(select_{t}({u}({1}) < {u}({bits}), {1}, "
    "{t}({mask}))))",
}
_BOOL = {
    "and": "minimum_bool({0}, {1})",
    "or": "maximum_bool({0}, {1})",
    "xor": "({0} != {1})",
    "not": "(not {0})",
    "max": "maximum_bool({0}, {1})",
    "min": "minimum_bool({0}, {1})",
}
_COMPLEX_TEXT = {
    "neg": "(-{0})",
    "square": "({0} * {0})",
    "conj": "{0}.conjugate()",
    "real": "{0}.real",
    "imag": "{0}.imag",
    "abs": "abs({0})",
    "select": "({1} if {0} else {2})",
}


def operation(op: str, dtype: DType, operands: tuple[Any, ...], args: list[str]) -> str:
    """`op` on scalars given as text; `operands` are their expressions, for their dtypes."""
    source = operands[0].dtype if isinstance(operands[0], Expr) else operands[0]
    if op == "convert":
        return _convert(args[0], source, dtype)
    if op == "bitcast":
        return _bitcast(args[0], source, dtype)
    if op in _COMPARISONS:
        return f"({args[0]} {_COMPARISONS[op]} {args[1]})"
    if dtypes.is_complex(source) or dtypes.is_complex(dtype):
        return _complex(op, dtype, args)
    if op == "select":
        return f"select_{suffix(dtype)}({', '.join(args)})"
    kind = dtypes.kind(source)
    if kind == "b":
        return _BOOL[op].format(*args)
    if kind == "i":
        return _integer(op, dtype, args)
    text = _real(op, suffix(dtype if dtype != dtypes.bool_ else source), args)
    return f"round_{short_name(dtype)}({text})" if dtype in HALF else text


def _real(op: str, t: str, args: list[str]) -> str:
    if op in _SYMBOLS:
        return f"({args[0]} {_SYMBOLS[op]} {args[1]})"
    if op == "div":
        return f"({args[0]} / {args[1]})"
    if op in _FLOAT:
        return _FLOAT[op].format(*args, t=t)
    return f"{_VECTOR_MATH[op]}_{t}({', '.join(args)})"


def _integer(op: str, dtype: DType, args: list[str]) -> str:
    t = short_name(dtype)
    if dtype == dtypes.int64 and op in _OVERFLOWING:
        x, y = args[0], args[-1]
        return f"i64(u64({x}) {_OVERFLOWING[op]} u64({y}))"
    if op in _SYMBOLS:
        return _narrow(f"{args[0]} {_SYMBOLS[op]} {args[1]}", dtype)
    if op in _INTEGER_CALLS:
        return f"{_INTEGER_CALLS[op]}_{t}({', '.join(args)})"
    bits = dtype.itemsize * 8
    text = _INTEGER[op].format(*args, t=t, u=f"u{bits}", s=f"i{bits}", bits=bits, mask=bits - 1)
    return text if op in ("max", "min") else _narrow(text, dtype)


def _complex(op: str, dtype: DType, args: list[str]) -> str:
    t = short_name(dtype)
    if op == "complex":
        return f"{t}(complex({args[0]}, {args[1]}))"
    if op in _SYMBOLS:
        return f"{t}({args[0]} {_SYMBOLS[op]} {args[1]})"
    if op == "abs" and dtype == dtypes.float32:
        return _size_of_c64(args[0])
    if op == "div":  # Numba's own ends the kernel at a division by zero
        parts = ", ".join(f"{x}.{part}" for x in args for part in ("real", "imag"))
        kind = short_name(dtypes.real_of(dtype))
        return f"{t}(complex(quotient_real_{kind}({parts}), quotient_imag_{kind}({parts})))"
    text = _COMPLEX_TEXT[op].format(*args)
    return f"{t}({text})"


def _size_of_c64(x: str) -> str:
    """In double, where nothing overflows and which vectorises; infinite beside a NaN too."""
    size = f"f32(sqrt_f64(f64({x}.real) * f64({x}.real) + f64({x}.imag) * f64({x}.imag)))"
    for part in (f"{x}.real", f"{x}.imag"):
        size = f"select_f32(abs_f32({part}) == f32(inf), f32(inf), {size})"
    return size


def _convert(x: str, source: DType, dtype: DType) -> str:
    if dtypes.is_complex(source) and not dtypes.is_complex(dtype):
        x, source = f"{x}.real", dtypes.real_of(source)
    t = short_name(dtype)
    if dtype == dtypes.bool_:
        return f"({x} != 0)"
    if dtypes.is_integer(dtype) and dtypes.is_float(source):
        return _saturate(x, source, dtype)
    if dtype in HALF:
        return f"round_{t}(f32({x}))"
    return f"{t}({x})"


def _bitcast(x: str, source: DType, dtype: DType) -> str:
    """The bits of x as stored; a half in a register is a float32."""
    if dtypes.key in (source, dtype):
        return x
    if source not in HALF and dtype not in HALF:
        return f"bitcast_{short_name(source)}_{short_name(dtype)}({x})"
    word = f"f32_to_{short_name(source)}({x})" if source in HALF else f"u16({x})"
    return (
        f"{short_name(dtype)}_to_f32({word})" if dtype in HALF else f"{short_name(dtype)}({word})"
    )


def _saturate(x: str, source: DType, dtype: DType) -> str:
    """Real to integer: NaN to 0, values outside to the nearest end; see core's saturating_cast."""
    info, t = np.iinfo(dtype), short_name(dtype)
    wide = f"f64({x})"
    if dtype.itemsize < 8:
        inside = f"minimum_f64(maximum_f64({wide}, f64({info.min})), f64({info.max}))"
        cast = f"to_{t}_f64({inside})"
    else:
        top = float(np.nextafter(float(info.max), 0))
        inside = f"minimum_f64(maximum_f64({wide}, f64({float(info.min)})), f64({top}))"
        cast = (
            f"select_{t}({wide} >= f64({float(info.max)}), {t}({info.max}), to_{t}_f64({inside}))"
        )
    return f"select_{t}({x} != {x}, {t}(0), {cast})"


_FOLDS = {"add": "add_reassoc", "mul": "mul_reassoc", "max": "maximum", "min": "minimum"}


def combine(op: str, dtype: DType, total: str, value: str) -> str:
    """One step of a fold; sums and products of reals may be reassociated."""
    if op in _FOLDS and dtypes.is_float(dtype) and config.enabled("reassociation"):
        return f"{_FOLDS[op]}_{suffix(dtype)}({total}, {value})"
    return operation(op, register(dtype), (dtype, dtype), [total, value])

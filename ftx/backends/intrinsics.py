"""Scalar building blocks of kernels: one formula, two readings.

In: a formula `f(m, *operands)` written over a machine `m` and operators.
Out: `compiled(...)`, a Numba intrinsic that emits the formula as LLVM IR, with no typing pass;
`twin(...)`, the same formula on NumPy scalars.
Called by `vector_math`, which holds the formulas and the tables that kernels use.
Knows nothing of: arrays, loops, jaxprs, how kernels are generated.
"""

import ctypes
import ctypes.util
import functools
import math

import numpy as np
from llvmlite import binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

SIGNED = ("i8", "i16", "i32", "i64")
UNSIGNED = ("u8", "u16", "u32", "u64")
INTEGERS = SIGNED + UNSIGNED
FLOATS = ("f32", "f64")

NUMBA = {
    "bool": types.boolean,
    **{f"i{n}": getattr(types, f"int{n}") for n in (8, 16, 32, 64)},
    **{f"u{n}": getattr(types, f"uint{n}") for n in (8, 16, 32, 64)},
    "f32": types.float32,
    "f64": types.float64,
}
NUMPY = {
    "bool": np.bool_,
    **{f"i{n}": getattr(np, f"int{n}") for n in (8, 16, 32, 64)},
    **{f"u{n}": getattr(np, f"uint{n}") for n in (8, 16, 32, 64)},
    "f32": np.float32,
    "f64": np.float64,
}
KIND_OF = {np.dtype(scalar): kind for kind, scalar in NUMPY.items()}
LLVM = {
    "bool": ir.IntType(1),
    **{kind: ir.IntType(int(kind[1:])) for kind in INTEGERS},
    "f16": ir.HalfType(),
    "f32": ir.FloatType(),
    "f64": ir.DoubleType(),
}
HOST_HAS_LDEXP = bool(llvm.get_host_cpu_features().get("avx512f"))
REASSOCIATE = ("reassoc", "contract", "nsz")
NUMBERS = ("nnan", "nsz")


# --- the first reading: LLVM ------------------------------------------------------------------


class Value:
    """An LLVM value with its kind ("f32", "u16", ...), under the operators of NumPy scalars."""

    __slots__ = ("machine", "kind", "llvm")

    def __init__(self, machine: "Emit", kind: str, value: ir.Value) -> None:
        self.machine, self.kind, self.llvm = machine, kind, value

    def _op(self, other, floating, signed, unsigned=None, swap=False) -> "Value":
        other = self.machine.like(self, other)
        method = {"f": floating, "u": unsigned or signed}.get(self.kind[0], signed)
        a, b = (other, self) if swap else (self, other)
        return Value(self.machine, self.kind, getattr(self.machine.builder, method)(a.llvm, b.llvm))

    def __add__(self, other):
        return self._op(other, "fadd", "add")

    def __sub__(self, other):
        return self._op(other, "fsub", "sub")

    def __rsub__(self, other):
        return self._op(other, "fsub", "sub", swap=True)

    def __mul__(self, other):
        return self._op(other, "fmul", "mul")

    def __truediv__(self, other):
        return self._op(other, "fdiv", "sdiv", "udiv")

    def __rtruediv__(self, other):
        return self._op(other, "fdiv", "sdiv", "udiv", swap=True)

    def __and__(self, other):
        return self._op(other, "", "and_")

    def __or__(self, other):
        return self._op(other, "", "or_")

    def __xor__(self, other):
        return self._op(other, "", "xor")

    def __lshift__(self, other):
        return self._op(other, "", "shl")

    def __rshift__(self, other):
        return self._op(other, "", "ashr", "lshr")

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self):
        builder = self.machine.builder
        method = builder.fneg if self.kind[0] == "f" else builder.neg
        return Value(self.machine, self.kind, method(self.llvm))

    def __invert__(self):
        return Value(self.machine, self.kind, self.machine.builder.not_(self.llvm))

    def _compare(self, relation, other) -> "Value":
        builder, other = self.machine.builder, self.machine.like(self, other)
        if self.kind[0] == "f":
            compare = builder.fcmp_unordered if relation == "!=" else builder.fcmp_ordered
        else:
            compare = builder.icmp_signed if self.kind[0] == "i" else builder.icmp_unsigned
        return Value(self.machine, "bool", compare(relation, self.llvm, other.llvm))

    def __lt__(self, other):
        return self._compare("<", other)

    def __le__(self, other):
        return self._compare("<=", other)

    def __gt__(self, other):
        return self._compare(">", other)

    def __ge__(self, other):
        return self._compare(">=", other)

    def __eq__(self, other):
        return self._compare("==", other)

    def __ne__(self, other):
        return self._compare("!=", other)


class Emit:
    """The machine that writes LLVM IR where `builder` stands, on scalars or vectors of `lanes`."""

    has_ldexp = False  # whether `ldexp` is one instruction rather than a call

    def __init__(self, builder: ir.IRBuilder, lanes: int = 0) -> None:
        self.builder, self.lanes = builder, lanes

    def type(self, kind: str) -> ir.Type:
        return ir.VectorType(LLVM[kind], self.lanes) if self.lanes else LLVM[kind]

    def like(self, model: Value, number) -> Value:
        """`number` as a value of the kind of `model`, unless it is a value already."""
        if isinstance(number, Value):
            return number
        if model.kind[0] == "f":
            number = float(number)
        return self.const(model.kind, number)

    def const(self, kind: str, number) -> Value:
        repeated = [number] * self.lanes if self.lanes else number
        return Value(self, kind, ir.Constant(self.type(kind), repeated))

    def call(self, name: str, *operands) -> Value:
        """Call llvm.<name>.<type>; numbers among the operands take the type of the values."""
        model = next(v for v in operands if isinstance(v, Value))
        values = [self.like(model, v) for v in operands]
        kind = self.type(model.kind)
        suffix = model.kind if model.kind[0] == "f" else str(LLVM[model.kind])
        suffix = f"v{self.lanes}{suffix}" if self.lanes else suffix
        function = cgutils.get_or_insert_function(
            self.builder.module,
            ir.FunctionType(kind, [kind] * len(values)),
            f"llvm.{name}.{suffix}",
        )
        return Value(self, model.kind, self.builder.call(function, [v.llvm for v in values]))

    def fma(self, a, b, c) -> Value:
        return self.call("fma", a, b, c)

    def ldexp(self, x: Value, n: Value) -> Value:
        """x 2^n, rounded once."""
        kinds = LLVM[x.kind], LLVM[n.kind]
        function = cgutils.get_or_insert_function(
            self.builder.module,
            ir.FunctionType(kinds[0], kinds),
            f"llvm.ldexp.{x.kind}.{n.kind}",
        )
        return Value(self, x.kind, self.builder.call(function, [x.llvm, n.llvm]))

    def sqrt(self, x) -> Value:
        return self.call("sqrt", x)

    def floor(self, x) -> Value:
        return self.call("floor", x)

    def ceil(self, x) -> Value:
        return self.call("ceil", x)

    def trunc(self, x) -> Value:
        return self.call("trunc", x)

    def roundeven(self, x) -> Value:
        return self.call("roundeven", x)

    def copysign(self, a, b) -> Value:
        return self.call("copysign", a, b)

    def abs(self, x: Value) -> Value:
        return self.call("fabs", x) if x.kind[0] == "f" else self.select(x < 0, -x, x)

    def _extreme(self, which: str, a, b) -> Value:
        kind = (a if isinstance(a, Value) else b).kind
        if kind == "bool":
            return a | b if which == "max" else a & b
        return self.call({"f": which + "imum", "i": "s" + which, "u": "u" + which}[kind[0]], a, b)

    def maximum(self, a, b) -> Value:
        return self._extreme("max", a, b)

    def minimum(self, a, b) -> Value:
        return self._extreme("min", a, b)

    def larger(self, a, b) -> Value:
        """The larger of two numbers; neither may be a NaN, and of two zeros it is either."""
        return self._of_two_numbers(">", a, b)

    def smaller(self, a, b) -> Value:
        """The smaller of two numbers, likewise."""
        return self._of_two_numbers("<", a, b)

    def _of_two_numbers(self, relation: str, a, b) -> Value:
        taken = self.builder.fcmp_ordered(relation, b.llvm, a.llvm, flags=NUMBERS)
        return Value(self, a.kind, self.builder.select(taken, b.llvm, a.llvm, flags=NUMBERS))

    def add_reassoc(self, a, b) -> Value:
        return Value(self, a.kind, self.builder.fadd(a.llvm, b.llvm, flags=REASSOCIATE))

    def mul_reassoc(self, a, b) -> Value:
        return Value(self, a.kind, self.builder.fmul(a.llvm, b.llvm, flags=REASSOCIATE))

    def select(self, condition: Value, a, b) -> Value:
        model = a if isinstance(a, Value) else b
        a, b = self.like(model, a), self.like(model, b)
        return Value(self, a.kind, self.builder.select(condition.llvm, a.llvm, b.llvm))

    def bitcast(self, x: Value, kind: str) -> Value:
        return Value(self, kind, self.builder.bitcast(x.llvm, self.type(kind)))

    def cast(self, x: Value, kind: str) -> Value:
        """C's conversion; a float to an integer requires x in range (undefined otherwise)."""
        builder, target = self.builder, self.type(kind)
        a, b = x.kind[0], kind[0]
        if a == "f" and b == "f":
            size = {"f16": 0, "f32": 1, "f64": 2}
            method = builder.fpext if size[x.kind] < size[kind] else builder.fptrunc
            value = x.llvm if x.kind == kind else method(x.llvm, target)
        elif a == "f":
            value = (builder.fptosi if b == "i" else builder.fptoui)(x.llvm, target)
        elif b == "f":
            value = (builder.sitofp if a == "i" else builder.uitofp)(x.llvm, target)
        elif LLVM[kind].width > LLVM[x.kind].width:
            value = (builder.sext if a == "i" else builder.zext)(x.llvm, target)
        else:
            value = builder.trunc(x.llvm, target) if target != x.llvm.type else x.llvm
        return Value(self, kind, value)

    def rem(self, a: Value, b) -> Value:
        """Remainder with the sign of a: C's % and fmod; integers require b != 0, no overflow."""
        return a._op(b, "frem", "srem", "urem")

    def popcount(self, x: Value) -> Value:
        return self.call("ctpop", x)

    def clz(self, x: Value) -> Value:
        kind = LLVM[x.kind]
        function = cgutils.get_or_insert_function(
            self.builder.module, ir.FunctionType(kind, [kind, ir.IntType(1)]), f"llvm.ctlz.{kind}"
        )
        return Value(self, x.kind, self.builder.call(function, [x.llvm, ir.IntType(1)(0)]))

    def beyond(self, limit: float, libm: str, x: Value, y: Value, far=None) -> Value:
        """y, but where limit < |x| < inf what libm's function says of x; see `_beyond`.

        far: a formula of x, of no libm's then; it may call `beyond` with a larger limit itself.
        """
        module = self.builder.module
        function = _beyond(module, limit, libm, x.kind, far)
        if self.lanes:
            function = module.globals[f"{function.name}.v{self.lanes}"]
            return Value(self, y.kind, self.builder.call(function, [x.llvm, y.llvm]))
        call = self.builder.call(function, [x.llvm, y.llvm])
        variants = ",".join(
            f"_ZGV_LLVM_N{n}vv_{function.name}({function.name}.v{n})"
            for n in VECTOR_LENGTHS[x.kind]
        )
        set.add(call.attributes, f'"vector-function-abi-variant"="{variants}"')
        return Value(self, y.kind, call)

    def loop(self, going_on, step, *state: Value) -> list[Value]:
        """The state after `while going_on(*state): state = step(*state)`."""
        builder = self.builder
        before, head = builder.block, builder.append_basic_block("while")
        body, after = builder.append_basic_block("step"), builder.append_basic_block("done")
        builder.branch(head)
        builder.position_at_end(head)
        phis = [builder.phi(v.llvm.type) for v in state]
        current = [Value(self, v.kind, phi) for v, phi in zip(state, phis, strict=True)]
        builder.cbranch(going_on(*current).llvm, body, after)
        builder.position_at_end(body)
        following = step(*current)
        builder.branch(head)
        for phi, first, later in zip(phis, state, following, strict=True):
            phi.add_incoming(first.llvm, before)
            phi.add_incoming(later.llvm, builder.block)
        builder.position_at_end(after)
        return current


VECTOR_LENGTHS = {"f32": (4, 8, 16), "f64": (2, 4, 8)}


def _beyond(module: ir.Module, limit: float, libm: str, kind: str, far=None) -> ir.Function:
    """The out-of-line correction of a result for large arguments, scalar and over vectors.

    A branch in a loop's body keeps LLVM from vectorising it; a call of a function that declares
    vector variants does not. Each variant tests all lanes at once and returns y if none is large.
    Nothing calls the variants until the vectoriser has run, and a kernel's functions are internal:
    an empty piece of assembly in the scalar's rare branch refers to them, lest LLVM drop them.
    """
    symbol, scalar = f"ftx.{libm}_{'far' if far else 'beyond'}_{kind}", LLVM[kind]
    if symbol in module.globals:
        return module.globals[symbol]
    double = ir.DoubleType()
    exact = cgutils.get_or_insert_function(module, ir.FunctionType(double, [double]), libm)

    def define(name, element, linkage):
        function = ir.Function(module, ir.FunctionType(element, [element, element]), name)
        function.linkage = linkage
        for attribute in ("noinline", "nounwind", "readnone", "willreturn"):
            set.add(function.attributes, attribute)
        return function, ir.IRBuilder(function.append_basic_block("entry"))

    def large_lanes(builder, x, suffix, bound=scalar):
        fabs = cgutils.get_or_insert_function(
            module, ir.FunctionType(bound, [bound]), f"llvm.fabs.{suffix}"
        )
        size, repeat = builder.call(fabs, [x]), getattr(bound, "count", None)
        low, high = (ir.Constant(bound, [v] * repeat if repeat else v) for v in (limit, math.inf))
        return builder.and_(
            builder.fcmp_ordered(">", size, low), builder.fcmp_ordered("<", size, high)
        )

    function, builder = define(symbol, scalar, "internal")
    variants = [
        (vector, *define(f"{symbol}.v{vector.count}", vector, "internal"))
        for vector in (ir.VectorType(scalar, n) for n in VECTOR_LENGTHS[kind])
    ]
    x, y = function.args
    with builder.if_then(large_lanes(builder, x, kind), likely=False):
        keep = ir.FunctionType(ir.VoidType(), [variant.type for _, variant, _ in variants])
        builder.asm(keep, "", "r,r,r", [variant for _, variant, _ in variants], side_effect=True)
        if far:
            machine = Emit(builder)
            builder.ret(far(machine, Value(machine, kind, x)).llvm)
        else:
            wide = x if kind == "f64" else builder.fpext(x, double)
            value = builder.call(exact, [wide])
            builder.ret(value if kind == "f64" else builder.fptrunc(value, scalar))
    builder.ret(y)

    def lane_by_lane(builder, vector, x, y):
        machine = Emit(builder)

        def fix(i, result):
            lane = [builder.extract_element(v, i.llvm) for v in (x, result.llvm)]
            fixed = builder.insert_element(result.llvm, builder.call(function, lane), i.llvm)
            return i + 1, Value(machine, "vector", fixed)

        state = machine.const("i32", 0), Value(machine, "vector", y)
        return machine.loop(lambda i, _: i < vector.count, fix, *state)[1].llvm

    for vector, variant, builder in variants:
        x, y = variant.args
        large = large_lanes(builder, x, f"v{vector.count}{kind}", vector)
        bits = builder.bitcast(large, ir.IntType(vector.count))
        with builder.if_then(builder.icmp_unsigned("!=", bits, bits.type(0)), likely=False):
            if far:
                machine = Emit(builder, vector.count)
                value = far(machine, Value(machine, kind, x)).llvm
                builder.ret(builder.select(large, value, y))
            else:
                builder.ret(lane_by_lane(builder, vector, x, y))
        builder.ret(y)
    return function


def compiled(name: str, formula, result: str, *operands: str):
    """A Numba intrinsic: `name` called with `operands`, its body the IR that `formula` emits.

    The body is one function per LLVM module, always inlined, so the caller's loop vectorises.

    Args:
      formula: `f(m, *values) -> value`, over an `Emit` or an `Eager` machine.
      result, operands: kinds, such as "f32".
    """
    signature = NUMBA[result](*[NUMBA[kind] for kind in operands])
    llvm_type = ir.FunctionType(LLVM[result], [LLVM[kind] for kind in operands])
    symbol = f"ftx.{name}"

    def codegen(context, builder, _signature, args):
        function = builder.module.globals.get(symbol)
        if function is None:
            function = ir.Function(builder.module, llvm_type, symbol)
            function.linkage = "internal"
            for attribute in ("alwaysinline", "nounwind"):
                function.attributes.add(attribute)
            machine = Emit(ir.IRBuilder(function.append_basic_block("entry")))
            machine.has_ldexp = HOST_HAS_LDEXP
            values = [Value(machine, k, a) for k, a in zip(operands, function.args, strict=True)]
            machine.builder.ret(formula(machine, *values).llvm)
        return builder.call(function, args)

    typing = {
        1: lambda typing, a: (signature, codegen),
        2: lambda typing, a, b: (signature, codegen),
        3: lambda typing, a, b, c: (signature, codegen),
        4: lambda typing, a, b, c, d: (signature, codegen),
    }[len(operands)]
    typing.__name__ = typing.__qualname__ = name
    typing.__doc__ = formula.__doc__
    return intrinsic(typing)


# --- the second reading: NumPy scalars --------------------------------------------------------


@functools.cache
def _libm_fma():
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    library.fma.restype, library.fma.argtypes = ctypes.c_double, [ctypes.c_double] * 3
    return library.fma


class Eager:
    """The machine that computes at once, on NumPy scalars."""

    has_ldexp = False

    @staticmethod
    def const(kind, number):
        return NUMPY[kind](number)

    @staticmethod
    def _scalar(*operands):
        return next(type(v) for v in operands if isinstance(v, np.generic))

    def fma(self, a, b, c):
        scalar = self._scalar(a, b, c)
        if scalar is np.float32:  # the product is exact in double; the sum rounds twice
            a, b, c = (np.float64(scalar(v)) for v in (a, b, c))
            return scalar(a * b + c)
        return scalar(_libm_fma()(a, b, c))

    sqrt, floor, ceil, trunc = map(staticmethod, (np.sqrt, np.floor, np.ceil, np.trunc))
    roundeven, abs = staticmethod(np.rint), staticmethod(np.abs)

    def copysign(self, a, b):
        scalar = self._scalar(a, b)
        return np.copysign(scalar(a), scalar(b))

    def maximum(self, a, b):
        scalar = self._scalar(a, b)
        return np.maximum(scalar(a), scalar(b))

    def minimum(self, a, b):
        scalar = self._scalar(a, b)
        return np.minimum(scalar(a), scalar(b))

    @staticmethod
    def larger(a, b):
        return b if b > a else a

    @staticmethod
    def smaller(a, b):
        return b if b < a else a

    @staticmethod
    def add_reassoc(a, b):
        return a + b

    @staticmethod
    def mul_reassoc(a, b):
        return a * b

    def select(self, condition, a, b):
        scalar = self._scalar(a, b)
        return scalar(a) if condition else scalar(b)

    @staticmethod
    def bitcast(x, kind):
        return x.view(np.float16 if kind == "f16" else NUMPY[kind])

    @staticmethod
    def cast(x, kind):
        return x.astype(np.float16 if kind == "f16" else NUMPY[kind])

    @staticmethod
    def rem(a, b):
        return np.fmod(a, b)

    @staticmethod
    def popcount(x):
        return type(x)(bin(int(x) & ((1 << 8 * x.itemsize) - 1)).count("1"))

    @staticmethod
    def clz(x):
        bits = 8 * x.itemsize
        return type(x)(bits - (int(x) & ((1 << bits) - 1)).bit_length())

    @staticmethod
    def beyond(limit, libm, x, y, far=None):
        if not limit < abs(x) < np.inf:
            return y
        return far(EAGER, x) if far else type(y)(getattr(np, libm)(np.float64(x)))

    @staticmethod
    def loop(going_on, step, *state):
        while going_on(*state):
            state = step(*state)
        return state


EAGER = Eager()


def twin(name: str, formula, result: str, *operands: str):
    """The plain Python function of the same name: NumPy scalars in, a NumPy scalar out."""
    scalars, returned = [NUMPY[kind] for kind in operands], NUMPY[result]

    def function(*args):
        with np.errstate(all="ignore"):
            values = [s(a) for s, a in zip(scalars, args, strict=True)]
            return returned(formula(EAGER, *values))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = formula.__doc__
    return function

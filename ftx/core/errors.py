"""The exceptions ftx raises, each with a stable code, what came, and what to do.

In: the facts of a failure.  Out: an exception whose text ends with the user's own line.
A message reads "<operation>: expected ..., got ...; <what to do>"; one without a semicolon takes
the advice of its class.  A class's docstring and cure are also its row in docs/errors.md.
Knows nothing of: how programs are traced, transformed or compiled.
"""

from __future__ import annotations

from .source import mark_frames, user_location

PAGES = "docs/errors"


def _text(kind: type[FtxError] | type[FtxWarning], message: str, where: str) -> str:
    advice = "" if ";" in message else f"; {kind.cure}"
    place = f"\n  at {where}" if where else ""
    return f"{message}{advice}{place}\n  [{kind.code}: see {PAGES}/{kind.code}.md]"


def _restored(kind: type[FtxError], text: str, where: str) -> FtxError:
    error = kind.__new__(kind, text)
    error.where = where
    return error


class FtxError(Exception):
    """Base of the errors that carry a code: expected, got, where, and the cure."""

    code = "FTX-E000"
    cure = "catch it to catch every error of ftx"

    def __reduce__(self) -> tuple[object, ...]:
        # By default the whole text would be taken for a message, and get a second place and code.
        return _restored, (type(self), str(self), self.where)

    def __init__(self, message: str, where: str | None = None):
        mark_frames()
        self.where = user_location() if where is None else where
        super().__init__(_text(type(self), message, self.where))


class FtxWarning(UserWarning):
    """Base of the warnings that carry a code."""

    code = "FTX-E000"
    cure = "silence it with warnings.filterwarnings, or turn it into an error there"

    def __init__(self, message: str, where: str | None = None):
        self.where = user_location() if where is None else where
        super().__init__(_text(type(self), message, self.where))


class ConcretizationError(FtxError, TypeError):
    """The value of a traced array was asked for, but depends on an argument not yet known."""

    code = "FTX-E001"
    cure = "compute with the array itself, or make the argument static with static_argnums"


class TracerArrayConversionError(ConcretizationError):
    """A traced array was handed to NumPy, which would cut it out of the program."""

    code = "FTX-E002"
    cure = "use the function of the same name in ftx.numpy"


class LeakedTracerError(FtxError, RuntimeError):
    """A traced array was used after the function it belongs to had returned."""

    code = "FTX-E003"
    cure = "return it from the function instead of storing it outside"


class JaxprTypeError(FtxError, TypeError):
    """A program does not type-check: an error in ftx or in a user's primitive."""

    code = "FTX-E004"
    cure = "compare the primitive's abstract_eval with its impl; for one of ftx's, report it"


class ShapeError(FtxError, TypeError):
    """Operands whose shapes do not fit together."""

    code = "FTX-E005"
    cure = "reshape, transpose or broadcast one of them"


class DTypeError(FtxError, TypeError):
    """Operands whose dtypes do not fit the operation."""

    code = "FTX-E006"
    cure = "convert with astype"


class AxisError(FtxError, ValueError, IndexError):
    """An axis outside the array, or named twice."""

    code = "FTX-E007"
    cure = "count axes from 0, or backwards from -1"


class TreeError(FtxError, ValueError):
    """Two pytrees that should have the same structure do not."""

    code = "FTX-E008"
    cure = "give both the same containers, lengths and keys"


class NotAnArrayError(FtxError, TypeError):
    """A value that is neither an array nor a Python number was given where one is needed."""

    code = "FTX-E009"
    cure = "convert it with ftx.numpy.asarray, or make it static"


class StaticArgumentError(FtxError, TypeError):
    """A static argument that cannot be hashed, or a position that does not exist."""

    code = "FTX-E010"
    cure = "use tuples or frozen dataclasses, and positions of the function's own arguments"


class ImmutableArrayError(FtxError, TypeError):
    """In-place assignment to an array."""

    code = "FTX-E011"
    cure = "write x = x.at[i].set(y)"


class DonatedArrayError(FtxError, RuntimeError):
    """An array was used after its memory had been donated to a compiled call."""

    code = "FTX-E012"
    cure = "keep the result instead, or drop donate_argnums"


class UnboundAxisError(FtxError, NameError):
    """A collective names an axis that no surrounding vmap or pmap binds."""

    code = "FTX-E013"
    cure = "map with vmap(..., axis_name=...) or pmap"


class GradError(FtxError, TypeError):
    """A derivative of something that has none: the tangent, result or option does not fit."""

    code = "FTX-E014"
    cure = "differentiate real or complex numbers, with tangents and cotangents of their type"


class MissingRuleError(FtxError, NotImplementedError):
    """A primitive lacks the rule that a transform or a backend needs."""

    code = "FTX-E015"
    cure = "add the method that the message names to the primitive's class"


class IndexOutOfRangeError(FtxError, IndexError):
    """An index lies outside the array, or there are more indices than axes."""

    code = "FTX-E016"
    cure = "mask it, or use .at[...].get(mode='clip') or mode='fill'"


class CarryError(FtxError, TypeError):
    """The carry of a loop changes structure, shape or dtype."""

    code = "FTX-E017"
    cure = "convert the initial value, or the body's result, so that both have one type"


class BranchError(FtxError, TypeError):
    """The branches of a cond return different structures, shapes or dtypes."""

    code = "FTX-E018"
    cure = "make every branch return the same structure, shapes and dtypes"


class MapAxisError(FtxError, ValueError):
    """in_axes or out_axes do not fit the arguments or the results."""

    code = "FTX-E019"
    cure = "give an axis that the array has, or None to keep it whole"


class BackendError(FtxError, RuntimeError):
    """A backend, or something it needs, is not present on this machine."""

    code = "FTX-E020"
    cure = "install what the message names; the CPU backend needs nothing more"


class ConfigError(FtxError, ValueError):
    """An unknown option, or a value it does not take."""

    code = "FTX-E021"
    cure = "the options, their values and variables are listed in ftx/core/config.py"


class CustomRuleError(FtxError, TypeError):
    """A custom_jvp or custom_vjp rule is missing or returns the wrong structure."""

    code = "FTX-E022"
    cure = "return what the message expects: one tangent per output, one cotangent per argument"


class ExplainError(FtxError, ValueError):
    """A program cannot be explained here, or not timed."""

    code = "FTX-E023"
    cure = "call ftx.explain outside traced code, with arrays, on the CPU"


class TracerBoolConversionError(ConcretizationError):
    """Python's `if`, `while`, `and`, `not` or `assert` asked whether a traced array is true."""

    code = "FTX-E024"
    cure = "choose with ftx.numpy.where or ftx.lax.cond, loop with ftx.lax.while_loop"


class TracerIntegerConversionError(ConcretizationError):
    """int() of a traced array."""

    code = "FTX-E025"
    cure = "keep it an array, x.astype(int), or make the argument static with static_argnums"


class TracerFloatConversionError(ConcretizationError):
    """float(), complex() or .item() of a traced array, or a function of `math`."""

    code = "FTX-E026"
    cure = "keep it an array and use ftx.numpy's functions, or convert the result outside"


class TracerIndexConversionError(TracerIntegerConversionError):
    """A traced integer was used as a shape, a bound of range() or an index of a Python list."""

    code = "FTX-E027"
    cure = (
        "make the argument static with static_argnums, loop with ftx.lax.fori_loop, slice with "
        "ftx.lax.dynamic_slice, and index arrays instead of lists"
    )


class NonConcreteBooleanIndexError(ConcretizationError, IndexError):
    """The shape of a result depends on values not yet known: x[mask], nonzero, unique."""

    code = "FTX-E028"
    cure = "use where(mask, x, 0), or the size= argument of nonzero and unique"


class SideEffectError(LeakedTracerError):
    """A traced array was stored outside its function; found by checking_leaks at its end."""

    code = "FTX-E029"
    cure = "return it from the function instead of storing it outside"


class DotShapeError(ShapeError):
    """A product whose summed axes differ in size."""

    code = "FTX-E030"
    cure = "transpose one operand, or name the axes with einsum"


class ConcatenateShapeError(ShapeError):
    """Arrays to be joined differ along other axes than the one they are joined along."""

    code = "FTX-E031"
    cure = "join along another axis, or reshape, pad or broadcast them to fit"


class BroadcastShapeError(ShapeError):
    """Shapes that do not broadcast: sizes of an axis differ and neither is 1."""

    code = "FTX-E032"
    cure = "add axes of size 1 with x[:, None] or reshape"


class ReshapeError(ShapeError):
    """A new shape with another number of elements."""

    code = "FTX-E033"
    cure = "let one size follow with -1, or check the sizes"


class PromotionError(DTypeError):
    """Operands of different dtypes, where numpy_dtype_promotion='strict' forbids mixing them."""

    code = "FTX-E034"
    cure = "convert one of them with astype, or set numpy_dtype_promotion to 'standard'"


class KeyReuseError(FtxError, RuntimeError):
    """A random key was used a second time; checked where debug_key_reuse is on."""

    code = "FTX-E035"
    cure = "make a new key for every use with ftx.random.split or fold_in"


class NonScalarGradError(GradError):
    """grad of a function whose result is not a scalar."""

    code = "FTX-E036"
    cure = "reduce it with .sum() or .mean(), or use jacrev for a Jacobian"


class IntegerGradError(GradError):
    """grad with respect to integers or booleans, or of a result that is not real."""

    code = "FTX-E037"
    cure = "convert with astype(float), or choose other argnums"


class InAxesError(MapAxisError):
    """The tree of in_axes or out_axes is no prefix of the arguments or the results."""

    code = "FTX-E038"
    cure = "give one axis for all, or a tuple with one entry per positional argument"


class AxisSizeError(MapAxisError):
    """Mapped axes of different sizes, or nothing is mapped."""

    code = "FTX-E039"
    cure = "choose other axes by in_axes, or None to keep an argument whole"


class UnsupportedError(FtxError, NotImplementedError):
    """An argument or a mode that NumPy, SciPy or JAX knows and ftx does not."""

    code = "FTX-E040"
    cure = "leave the argument out, or compute it from what there is"


class ArgumentError(FtxError, ValueError):
    """An argument has a value that the function does not take."""

    code = "FTX-E041"
    cure = "pass a value that the message allows"


class EmptyArrayError(ArgumentError):
    """A reduction without identity, or a choice, of no elements."""

    code = "FTX-E042"
    cure = "check the size first, or give initial="


class NonFiniteError(FtxError, FloatingPointError):
    """A NaN or an infinity appeared where debug_nans or debug_infs look for them."""

    code = "FTX-E043"
    cure = "look at the operands of that line; guard the operation with ftx.numpy.where"


class CompiledCallError(StaticArgumentError):
    """A program compiled ahead of time was called with arguments of other types."""

    code = "FTX-E044"
    cure = "lower and compile again for these types, or call the jitted function"


class NotCallableError(NotAnArrayError):
    """A transform was given something that is not a function."""

    code = "FTX-E045"
    cure = "pass the function itself, not the result of calling it"


class ModuleError(FtxError, TypeError):
    """A class of ftx.nn.Module is declared, or its fields are replaced, in a way it cannot be."""

    code = "FTX-E046"
    cure = "declare fields, build in a classmethod init, and change fields with replace"


class InputShapeError(ShapeError, ValueError):
    """A layer, loss or initializer was given an array or a shape it is not made for."""

    code = "FTX-E047"
    cure = "reshape the input, or build the layer for its size"


class RetraceWarning(FtxWarning):
    """A jitted function has been traced again and again for new types or static values."""

    code = "FTX-E048"
    cure = "pad to a few shapes, or pass changing numbers as arrays instead of static arguments"


class LongTraceWarning(FtxWarning):
    """A Python loop has recorded very many equations, and perhaps never ends."""

    code = "FTX-E049"
    cure = "loop with ftx.lax.fori_loop, scan or while_loop, which record their body once"


class CallbackError(FtxError, ValueError):
    """A Python function called by a program is not as announced, or has no derivative."""

    code = "FTX-E050"
    cure = "return what result_shape_dtypes announces; give derivatives with custom_jvp"


class CheckError(FtxError, ValueError):
    """A check of the user's failed, or a program did what checkify looked for."""

    code = "FTX-E051"
    cure = "mend what the message says, or collect errors with checkify instead of raising"


class LoopLimitError(FtxError, RuntimeError):
    """A loop went on for longer than its max_iterations, or than reverse mode can go back."""

    code = "FTX-E052"
    cure = "give a higher max_iterations, or checkpoint_every, or mend the condition"


class DynamicShapeWarning(FtxWarning):
    """A shape in a jitted function depends on values; what follows it is not compiled."""

    code = "FTX-E053"
    cure = "use where(mask, x, 0), or the size= argument of nonzero and unique"


class ShardingError(FtxError, ValueError):
    """A mesh, a PartitionSpec or a sharding that does not fit the mesh or the array."""

    code = "FTX-E054"
    cure = "name axes of the mesh, and divide axes of the array by what divides their sizes"


class InnerGradientError(GradError):
    """A gradient inside shard_map would differ from JAX's, which sums it over the mesh."""

    code = "FTX-E055"
    cure = "take the gradient outside shard_map, or pass check_vma=False"


class TruncationWarning(FtxWarning):
    """A 64-bit dtype was asked for by name while enable_x64=False makes all arrays 32-bit."""

    code = "FTX-E056"
    cure = "ask for the 32-bit dtype, or leave enable_x64 at None, which keeps dtypes"


class NumberRangeError(FtxError, OverflowError):
    """A Python integer is outside the range of the dtype it is to have."""

    code = "FTX-E057"
    cure = "use a wider dtype, or wrap the number yourself"


__all__ = [name for name, kind in list(globals().items()) if isinstance(kind, type)]

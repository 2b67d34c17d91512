"""The exceptions ftx raises, each with a stable code, what came, and what to do.

In: the facts of a failure.  Out: an exception whose text ends with the user's own line.
Knows nothing of: how programs are traced, transformed or compiled.
"""

from __future__ import annotations

from .source import user_location

DOCS = "docs/errors.md"


class FtxError(Exception):
    """Base of the errors that carry a code: expected, got, where, and the cure."""

    code = "FTX-E000"

    def __init__(self, message: str, where: str | None = None):
        self.where = user_location() if where is None else where
        place = f"\n  at {self.where}" if self.where else ""
        super().__init__(f"{message}{place}\n  [{self.code}: see {DOCS}]")


class ConcretizationError(FtxError, TypeError):
    """The value of a traced array was asked for, but depends on an argument not yet known."""

    code = "FTX-E001"


class TracerArrayConversionError(ConcretizationError):
    """A traced array was handed to NumPy, which would cut it out of the program."""

    code = "FTX-E002"


class LeakedTracerError(FtxError, RuntimeError):
    """A traced array was used after the function it belongs to had returned."""

    code = "FTX-E003"


class JaxprTypeError(FtxError, TypeError):
    """A program does not type-check: an error in ftx or in a user's primitive."""

    code = "FTX-E004"


class ShapeError(FtxError, TypeError):
    """Operands whose shapes do not fit together."""

    code = "FTX-E005"


class DTypeError(FtxError, TypeError):
    """Operands whose dtypes do not fit the operation."""

    code = "FTX-E006"


class AxisError(FtxError, ValueError):
    """An axis outside the array, or named twice."""

    code = "FTX-E007"


class TreeError(FtxError, ValueError):
    """Two pytrees that should have the same structure do not."""

    code = "FTX-E008"


class NotAnArrayError(FtxError, TypeError):
    """A value that is neither an array nor a Python number was given where one is needed."""

    code = "FTX-E009"


class StaticArgumentError(FtxError, TypeError):
    """A static argument that cannot be hashed, or a position that does not exist."""

    code = "FTX-E010"


class ImmutableArrayError(FtxError, TypeError):
    """In-place assignment to an array."""

    code = "FTX-E011"


class DonatedArrayError(FtxError, RuntimeError):
    """An array was used after its memory had been donated to a compiled call."""

    code = "FTX-E012"


class UnboundAxisError(FtxError, NameError):
    """A collective names an axis that no surrounding vmap or pmap binds."""

    code = "FTX-E013"


class GradError(FtxError, TypeError):
    """grad of something that is not a real scalar, or with respect to integers."""

    code = "FTX-E014"


class MissingRuleError(FtxError, NotImplementedError):
    """A primitive lacks the rule that a transform or a backend needs."""

    code = "FTX-E015"


class IndexOutOfRangeError(FtxError, IndexError):
    """An index lies outside the array."""

    code = "FTX-E016"


class CarryError(FtxError, TypeError):
    """The carry of a loop changes structure, shape or dtype."""

    code = "FTX-E017"


class BranchError(FtxError, TypeError):
    """The branches of a cond return different structures, shapes or dtypes."""

    code = "FTX-E018"


class MapAxisError(FtxError, ValueError):
    """in_axes or out_axes do not fit the arguments, or mapped sizes differ."""

    code = "FTX-E019"


class BackendError(FtxError, RuntimeError):
    """A backend was asked for that is not present on this machine."""

    code = "FTX-E020"


class ConfigError(FtxError, ValueError):
    """An unknown option, or a value it does not take."""

    code = "FTX-E021"


class CustomRuleError(FtxError, TypeError):
    """A custom_jvp or custom_vjp rule is missing or returns the wrong structure."""

    code = "FTX-E022"


class ExplainError(FtxError, ValueError):
    """A program cannot be explained here, or not timed."""

    code = "FTX-E023"


class LoopLimitError(FtxError, RuntimeError):
    """A loop went on for longer than its max_iterations, or than reverse mode can go back."""

    code = "FTX-E024"

"""The stages between a function and its machine code, as objects: traced, lowered, compiled.

In: a traced program.  Out: its text, types, costs and memory, and a function of fixed types.
Made by `jit`.
Knows nothing of: how a backend compiles or counts; it asks `core.backend`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ..core import tree
from ..core.array import aval_of
from ..core.backend import Executable, count_costs
from ..core.config import config
from ..core.dtypes import DType
from ..core.errors import CompiledCallError, ConfigError, TreeError, UnsupportedError
from ..core.jaxpr import Jaxpr
from ..core.types import ShapedArray, ShapeDtypeStruct


class Entry(Protocol):
    """One traced program of a jitted function."""

    jaxpr: Jaxpr
    out_tree: Any
    donated: tuple[bool, ...]

    def ready(self) -> Callable[..., list[Any]]: ...
    def executable(self) -> Executable: ...


@dataclass(frozen=True)
class ArgInfo:
    """Type of an argument, and whether its memory is given away."""

    shape: tuple[int, ...]
    dtype: DType
    donated: bool


@dataclass(frozen=True)
class CompiledMemoryStats:
    """Bytes that one call of a compiled program needs; None is unknown."""

    argument_size_in_bytes: int
    output_size_in_bytes: int
    alias_size_in_bytes: int
    """Of results that are made in the memory of donated arguments."""
    temp_size_in_bytes: int | None
    """Of all temporaries; those alive at different times share memory."""
    generated_code_size_in_bytes: int | None = None

    @property
    def peak_memory_in_bytes(self) -> int | None:
        """Arguments, results and temporaries together."""
        if self.temp_size_in_bytes is None:
            return None
        held = self.argument_size_in_bytes + self.output_size_in_bytes
        return held - self.alias_size_in_bytes + self.temp_size_in_bytes


class Stage:
    """A program of arguments of given types."""

    def __init__(self, entry: Entry, in_tree: Any, avals: tuple[ShapedArray, ...]):
        self._entry, self.in_tree, self._avals = entry, in_tree, avals

    @property
    def out_tree(self) -> Any:
        """Structure of the result."""
        return self._entry.out_tree

    @property
    def in_avals(self) -> Any:
        """Types of the arguments: (args, kwargs)."""
        return tree.unflatten(self.in_tree, self._avals)

    @property
    def out_info(self) -> Any:
        """Shapes and dtypes of the result."""
        return shapes(self._entry.jaxpr, self._entry.out_tree)

    @property
    def args_info(self) -> Any:
        """Shapes, dtypes and donation of the arguments: (args, kwargs)."""
        donated = self._entry.donated or (False,) * len(self._avals)
        pairs = zip(self._avals, donated, strict=True)
        return tree.unflatten(self.in_tree, [ArgInfo(a.shape, a.dtype, d) for a, d in pairs])

    @property
    def donate_argnums(self) -> tuple[int, ...]:
        """Numbers of the donated leaves of the arguments."""
        return tuple(i for i, d in enumerate(self._entry.donated) if d)


class Traced(Stage):
    """A program before compilation."""

    @property
    def jaxpr(self) -> Jaxpr:
        """The program."""
        return self._entry.jaxpr

    @property
    def fun_name(self) -> str:
        """Name of the function it came from."""
        return self._entry.jaxpr.name

    @property
    def out_avals(self) -> Any:
        """Types of the result."""
        return tree.unflatten(self._entry.out_tree, self._entry.jaxpr.out_avals)

    def lower(self) -> Lowered:
        """The next stage."""
        return Lowered(self._entry, self.in_tree, self._avals)


class Lowered(Stage):
    """A program ready to be compiled."""

    def as_text(self, dialect: str | None = None) -> str:
        """The program as text: a jaxpr, which is what is compiled here.

        Raises: ConfigError for another dialect than "jaxpr" or None.

        >>> import ftx
        >>> print(ftx.jit(lambda x: x * 2.0).lower(1.0).as_text())
        { lambda  ; a:~f32[] . let
            b:~f32[] = mul a 2.0:~f32[]
          in (b,) }
        """
        if dialect not in (None, "jaxpr"):
            raise ConfigError(
                f"Lowered.as_text: expected the dialect 'jaxpr' or None, got {dialect!r}; the text "
                "of the kernels is that of the compiled stage"
            )
        return str(self._entry.jaxpr)

    def cost_analysis(self) -> dict[str, float] | None:
        """As `Compiled.cost_analysis`, which this compiles for."""
        return self.compile().cost_analysis()

    def compile(self, compiler_options: dict[str, Any] | None = None) -> Compiled:
        """Machine code.

        Raises: UnsupportedError for compiler_options; those of ftx are in `ftx.config`.
        """
        if compiler_options:
            raise UnsupportedError(
                f"Lowered.compile: expected no compiler_options, got {compiler_options}; set the "
                "options of ftx.config"
            )
        self._entry.ready()
        return Compiled(self._entry, self.in_tree, self._avals)


class Compiled(Stage):
    """A compiled program; takes only arguments of the types it was made for."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves, in_tree = tree.flatten((args, kwargs))
        if in_tree != self.in_tree:
            raise TreeError(f"compiled call: expected {self.in_tree}, got {in_tree}")
        for i, (leaf, aval) in enumerate(zip(leaves, self._avals, strict=True)):
            if aval_of(leaf).strong is not aval.strong:
                raise CompiledCallError(
                    f"compiled call: expected leaf {i} of type {aval}, got {aval_of(leaf)}; "
                    "lower and compile again for these types"
                )
        return tree.unflatten(self._entry.out_tree, self._entry.ready()(*leaves))

    def kernels(self) -> list[str]:
        """The Python text of every kernel, in order."""
        return self._entry.executable().kernels()

    def as_text(self) -> str:
        """The kernels as one text."""
        return "\n\n".join(self.kernels())

    def runtime_executable(self) -> Executable:
        """What the backend made."""
        return self._entry.executable()

    def cost_analysis(self) -> dict[str, float] | None:
        """Work of one call: "flops", and "bytes accessed" by its kernels and library steps.

        What runs an unknown number of times (the body of a `while_loop`, a branch) counts once;
        steps whose operations are not known, such as sorting, count no operations.
        Returns: None if the backend does not count (all but the CPU).

        >>> import ftx, ftx.numpy as fnp
        >>> f = ftx.jit(lambda x, y: x @ y)
        >>> f.lower(fnp.ones((3, 4)), fnp.ones((4, 5))).compile().cost_analysis()
        {'flops': 120.0, 'bytes accessed': 188.0}
        """
        return count_costs(config.default_backend, self._entry.jaxpr)

    def memory_analysis(self) -> CompiledMemoryStats:
        """Bytes that one call needs.

        >>> import ftx, ftx.numpy as fnp
        >>> found = ftx.jit(lambda x: x * 2).lower(fnp.ones(8)).compile().memory_analysis()
        >>> found.argument_size_in_bytes, found.output_size_in_bytes, found.temp_size_in_bytes
        (32, 32, 0)
        """
        executable = self._entry.executable()
        return CompiledMemoryStats(
            argument_size_in_bytes=sum(a.nbytes for a in self._avals),
            output_size_in_bytes=sum(a.nbytes for a in self._entry.jaxpr.out_avals),
            alias_size_in_bytes=executable.aliased_bytes,
            temp_size_in_bytes=executable.arena_bytes,
        )


def shapes(jaxpr: Jaxpr, out_tree: Any) -> Any:
    """The result types of a program as a tree of ShapeDtypeStructs."""
    structs = [ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type) for a in jaxpr.out_avals]
    return tree.unflatten(out_tree, structs)

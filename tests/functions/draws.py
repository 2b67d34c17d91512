"""How the arguments of a function are drawn: shapes, axes, dtypes and keywords by hypothesis.

In: hypothesis's `draw` and what the arguments are for (values, compiled, types, gradients, vmap).
Out: a `Call`, whose operands describe arrays that numbers are drawn for later, by a seed.
Must not know: any function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ftx.core import dtypes

# The first of each is what hypothesis draws first, and shrinks to.
DTYPES = {
    "b": ("bool",),
    "i": ("int32", "int8", "uint8", "int64", "uint32", "int16", "uint16"),
    "l": ("uint64",),
    "s": ("int32", "int8", "int64", "int16"),
    "u": ("uint8", "uint32", "uint16", "uint64"),
    "f": ("float32", "float16", "bfloat16", "float64"),
    "w": ("float32", "float64"),
    "c": ("complex64", "complex128"),
}
GRADIENT = {"f": ("float64",), "w": ("float64",), "c": ("complex128",)}
SHAPES = ((2, 3), (4,), (), (0,), (3, 1), (2, 0), (2, 1, 3), (1,), (2, 3, 2))
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5)
NOT_FINITE = (np.nan, np.inf, -np.inf, 0.0)
MODES = ("values", "compiled", "types", "gradients", "vmap")


@dataclass(frozen=True, eq=False)
class Operand:
    """An array to be drawn: its shape and dtype, and the interval of its numbers."""

    shape: tuple[int, ...]
    dtype: np.dtype
    low: float = -2.0
    high: float = 2.0
    ints: tuple[int, int] = (-6, 7)
    make: Callable[..., Any] | None = None
    special: tuple[float, ...] = ()
    """Numbers that stand at some places; for integers their limits, given SPECIAL."""
    fixed: bool = False
    """Of a dtype that belongs to the argument, such as an index; oracles take it as it is."""

    def numbers(self, seed: int) -> np.ndarray:
        """An array of the operand's dtype; `make(rng, shape, dtype)` replaces the uniform draw."""
        rng = np.random.default_rng(seed)
        if self.make is not None:
            return np.asarray(self.make(rng, self.shape, self.dtype)).astype(self.dtype)
        kind = dtypes.kind(self.dtype)
        if kind == "b":
            return rng.random(self.shape) > 0.4
        if kind == "i":
            return self._integers(rng)
        values = rng.uniform(self.low, self.high, self.shape)
        if kind == "c":
            values = values + 1j * rng.uniform(self.low, self.high, self.shape)
        elif self.special and values.size:
            chosen = rng.choice(self.special, self.shape)
            values = np.where(rng.random(self.shape) < 0.4, chosen, values)
        return np.asarray(values).astype(self.dtype)

    def _integers(self, rng: np.random.Generator) -> np.ndarray:
        low, high = self.ints
        low = max(low, 0) if self.dtype.kind == "u" else low
        values = rng.integers(low, high, self.shape).astype(self.dtype)
        if self.special is SPECIAL and values.size:
            limits = np.iinfo(self.dtype)
            ends = np.array([limits.min, limits.max], self.dtype)
            chosen = ends[rng.integers(0, 2, self.shape)]
            values = np.where(rng.random(self.shape) < 0.2, chosen, values).astype(self.dtype)
        return np.asarray(values)


@dataclass(frozen=True)
class Number:
    """A Python number: a constant, but of weak type where types are compared."""

    value: Any


@dataclass(frozen=True, eq=False)
class Call:
    """Arguments by position and by name; operands stand where arrays will be."""

    args: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0

    def operands(self) -> list[Operand]:
        """The arrays to be drawn, in order."""
        return [x for x in _leaves((self.args, self.options)) if isinstance(x, Operand)]

    def arrays(self, seed: int = 0) -> list[np.ndarray]:
        """Numbers for each operand; another `seed` gives others of the same types."""
        return [o.numbers(self.seed + 1000 * seed + i) for i, o in enumerate(self.operands())]

    def numbers(self) -> list[Any]:
        """The Python numbers among the arguments."""
        return [x.value for x in _leaves((self.args, self.options)) if isinstance(x, Number)]

    def apply(
        self, function: Callable[..., Any], arrays: Sequence[Any], numbers: Any = None
    ) -> Any:
        """`function` of the arguments, arrays in the places of the operands."""
        given = iter(arrays)
        others = iter(self.numbers() if numbers is None else numbers)

        def fill(x: Any) -> Any:
            if isinstance(x, Operand):
                return next(given)
            if isinstance(x, Number):
                return next(others)
            if isinstance(x, (list, tuple)):
                return type(x)(map(fill, x))
            if isinstance(x, dict):
                return {k: fill(v) for k, v in x.items()}
            return x

        args, options = fill(self.args), fill(self.options)
        return function(*args, **options)

    def __repr__(self) -> str:
        def show(x: Any) -> Any:
            if isinstance(x, Operand):
                return f"{x.dtype.name}{list(x.shape)}"
            if isinstance(x, (list, tuple)):
                return type(x)(map(show, x))
            return x

        options = {k: show(v) for k, v in self.options.items()}
        return f"Call({show(self.args)}, {options}, seed={self.seed})"


def _leaves(x: Any) -> Iterator[Any]:
    if isinstance(x, (list, tuple)):
        for y in x:
            yield from _leaves(y)
    elif isinstance(x, dict):
        yield from _leaves(list(x.values()))
    else:
        yield x


def _all_but_last(rng: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    return np.arange(int(np.prod(shape))).reshape(shape) < np.prod(shape) - 1


class Draw:
    """What a row of the table draws its arguments from."""

    def __init__(self, draw: Callable[..., Any], mode: str):
        self._draw, self.mode = draw, mode

    @property
    def smooth(self) -> bool:
        """Whether derivatives will be taken at what is drawn."""
        return self.mode == "gradients"

    def pick(self, *options: Any) -> Any:
        """One of the options; the first is the simplest."""
        return self._draw(st.sampled_from(options))

    def flag(self) -> bool:
        """False or True."""
        return self.pick(False, True)

    def options(self, **choices: Sequence[Any]) -> dict[str, Any]:
        """A value for each keyword; `...` among the choices leaves the keyword out."""
        drawn = {name: self.pick(*values) for name, values in choices.items()}
        return {name: value for name, value in drawn.items() if value is not ...}

    def shape(self, least: int = 0, most: int = 3, empty: bool = True) -> tuple[int, ...]:
        """A shape of `least` to `most` axes."""
        fits = [s for s in SHAPES if least <= len(s) <= most and (empty or 0 not in s)]
        if self.mode in ("gradients", "vmap"):
            fits = [s for s in fits if 0 not in s]
        return self.pick(*fits)

    def dtype(self, kinds: str = "bifc") -> np.dtype:
        """A dtype of the kinds named by letters."""
        if self.smooth and set(kinds) & set(GRADIENT):
            names = [name for k in kinds for name in GRADIENT.get(k, ())]
        else:
            names = [name for k in sorted(kinds, key="fwcilsub".index) for name in DTYPES[k]]
        name = self.pick(*names)
        return dtypes.bfloat16 if name == "bfloat16" else np.dtype(name)

    def integers(self, *shapes: tuple[int, ...], **rest: Any) -> list[Operand]:
        """Arrays whose dtypes have an integer type in common: no uint64 with signed ones."""
        kinds = self.pick("s", "u", ("int32", "uint8"), ("uint32", "int8"))
        if isinstance(kinds, str):
            return [self.array(kinds, s, **rest) for s in shapes]
        pairs = zip(kinds, shapes, strict=False)
        return [Operand(s, np.dtype(k), **rest) for k, s in pairs]

    def array(
        self,
        kinds: str = "bifc",
        shape: tuple[int, ...] | None = None,
        *,
        dtype: Any = None,
        smooth: tuple[float, float] | None = None,
        low: float = -2.0,
        high: float = 2.0,
        special: Any = (),
        **rest: Any,
    ) -> Operand:
        """An array; `smooth` is the interval in which derivatives are taken."""
        shape = self.shape() if shape is None else shape
        fixed = dtype is not None or kinds == "b"
        dtype = self.dtype(kinds) if dtype is None else np.dtype(dtype)
        if self.smooth and smooth is not None:
            low, high = smooth
        special = SPECIAL if special is True else special
        special = special if self.mode in ("values", "compiled") else ()
        return Operand(shape, dtype, low, high, special=special, fixed=fixed, **rest)

    def mask(self, shape: tuple[int, ...]) -> Operand:
        """Booleans that broadcast to `shape`."""
        if self.smooth:  # some element stays along every axis of several
            return self.array("b", shape, make=_all_but_last)
        return self.array("b", self.pick(shape, shape[-1:]))

    def axis(self, ndim: int) -> int:
        """An axis, from the front or from the back."""
        return self.pick(*range(-1, -ndim - 1, -1), *range(ndim))

    def axes(self, ndim: int) -> Any:
        """None, an axis or several."""
        several = [(0,), (-1, 0), (1, 0), tuple(range(ndim))]
        fits = [a for a in several if len(a) <= ndim and len({i % ndim for i in a}) == len(a)]
        return self.pick(None, *range(-1, -ndim - 1, -1), *range(ndim), *(fits if ndim else ()))

    def number(self, kinds: str = "ifc") -> Number:
        """A Python number."""
        numbers = {"b": (True,), "i": (2, 3), "f": (1.7, 0.1), "c": (1 + 2j,)}
        return Number(self.pick(*[n for k in kinds for n in numbers[k]]))


@st.composite
def calls(draw: Any, arguments: Callable[[Draw], Call], mode: str) -> Call:
    """Arguments drawn by a row's function, with a seed for the numbers."""
    call = arguments(Draw(draw, mode))
    return Call(call.args, call.options, draw(st.integers(0, 999)))

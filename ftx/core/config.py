"""Every option of ftx: its name, type, default, environment variable and meaning.

In: environment variables, `ftx.config.update`, context managers.  Out: plain attributes.
Knows nothing of: what the options do.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .errors import ConfigError
from .jax_options import JAX_OPTIONS, translate, value_of


def _optional_bool(text: str) -> bool | None:
    known = {"": None, "none": None, "1": True, "true": True, "0": False, "false": False}
    try:
        return known[text.lower()]
    except KeyError:
        raise ValueError(f"expected 1, 0 or none, got {text!r}") from None


def _bool(text: str) -> bool:
    return bool(_optional_bool(text))


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"expected an integer, got {text!r}") from None


def _one_of(**values: str) -> Callable[[Any], str]:
    """A parser of words: those it takes, and what each stands for."""

    def parse(text: Any) -> str:
        if text not in values:
            raise ValueError(f"expected one of {', '.join(values)}, got {text!r}")
        return values[text]

    return parse


OPTIMISATIONS = {
    "algebra": "Drop operations that change nothing.",
    "cse": "Compute once what is asked for twice.",
    "dce": "Drop equations that nobody reads.",
    "rows": "Independent cheap steps of a loop all at once.",
    "loops": "What does not change in a loop before it; what repeats stored once.",
    "fusion": "Several equations in one kernel.",
    "shared_loops": "Stages of a kernel in one inner loop.",
    "pieces": "Loops cut where padding begins and ends.",
    "interchange": "Folds of columns row by row.",
    "tiling": "Reads across rows tile by tile.",
    "contraction": "x * y + z as one operation, rounded once.",
    "reassociation": "Sums and products in the order that suits vectors.",
    "vectorise": "LLVM's vectorisers.",
    "small_loops": "Small scans and whiles as one kernel.",
    "parallel_rows": "Loops of independent steps in pieces, on all threads.",
    "scatters": "Scatters shared among threads.",
    "tiles": "Products and convolutions on tiles of our own.",
    "blocks": "Products cut into blocks for several threads.",
    "in_place": "Carries of loops updated where they lie.",
    "memory_reuse": "Temporaries in the places of those no longer needed.",
    "parallel": "Kernels and products on several threads.",
    "disk_cache": "Kernels from disk and to disk.",
}
"""What the option `disable` can switch off, one by one, to find the culprit of a wrong result."""


def _disabled(names: str | Iterable[str]) -> frozenset[str]:
    listed = names.split(",") if isinstance(names, str) else names
    found = frozenset(name.strip() for name in listed) - {""}
    unknown = found - set(OPTIMISATIONS)
    if unknown:
        raise ValueError(
            f"expected names of {', '.join(OPTIMISATIONS)}, got {', '.join(sorted(unknown))}"
        )
    return found


@dataclass(frozen=True)
class Option:
    """One row of the table below."""

    name: str
    default: Any
    parse: Callable[[Any], Any]
    variable: str
    meaning: str
    always_parsed: bool = False
    """Whether `parse` is for values from Python too, not for text only."""


OPTIONS = (
    Option(
        "enable_x64",
        None,
        _optional_bool,
        "FTX_ENABLE_X64",
        "None: inputs keep their dtype, new arrays are float32/int64; "
        "True: new arrays are float64/int64; False: 64-bit becomes 32-bit, as in JAX's default.",
    ),
    Option("disable_jit", False, _bool, "FTX_DISABLE_JIT", "Run jit's body with NumPy."),
    Option("debug", 0, _int, "FTX_DEBUG", "1 compiles, 2 timings, 3 passes, 4 kernels, 5 LLVM."),
    Option("check", 0, _int, "FTX_CHECK", "1: verify after every stage; 2: also against impl."),
    Option("dump", "", str, "FTX_DUMP", "Folder that receives every stage of every program."),
    Option("cache_dir", "", str, "", "Folder of the kernel cache; '': $FTX_CACHE_DIR or ~/.cache."),
    Option("num_threads", 0, _int, "", "Threads per call; 0: $FTX_NUM_THREADS or all cores."),
    Option("num_cpu_devices", 0, _int, "FTX_NUM_CPU_DEVICES", "Devices for pmap; 0: all cores."),
    Option("debug_nans", False, _bool, "FTX_DEBUG_NANS", "Raise at the first NaN result."),
    Option("debug_infs", False, _bool, "FTX_DEBUG_INFS", "Raise at the first infinite result."),
    Option(
        "debug_key_reuse",
        False,
        _bool,
        "FTX_DEBUG_KEY_REUSE",
        "Raise where a random key is used twice: outside traced code, or within one function.",
    ),
    Option("profile", False, _bool, "", "Programs note their calls; set by ftx.profiler."),
    Option(
        "check_tracer_leaks",
        False,
        _bool,
        "FTX_CHECK_TRACER_LEAKS",
        "Raise when a traced function has stored a traced array outside itself.",
    ),
    Option(
        "numpy_dtype_promotion",
        "standard",
        _one_of(standard="standard", strict="strict"),
        "FTX_NUMPY_DTYPE_PROMOTION",
        "standard: operands of different dtypes are promoted; strict: an error, but for numbers.",
        always_parsed=True,
    ),
    Option(
        "numpy_rank_promotion",
        "allow",
        _one_of(allow="allow", warn="warn", **{"raise": "raise"}),
        "FTX_NUMPY_RANK_PROMOTION",
        "allow: arrays of different rank broadcast; warn: with a warning; raise: an error.",
        always_parsed=True,
    ),
    Option(
        "traceback_filtering",
        "auto",
        _one_of(
            auto="auto",
            quiet_remove_frames="auto",
            remove_frames="auto",
            tracebackhide="auto",
            off="off",
            full="off",
        ),  # fmt: skip
        "FTX_TRACEBACK",
        "auto: tracebacks leave out the frames of ftx; off or full: they show them.",
        always_parsed=True,
    ),
    Option(
        "retrace_warning",
        32,
        _int,
        "FTX_RETRACE_WARNING",
        "Traces of one jitted function at which to warn; 0: never.",
    ),
    Option(
        "long_trace_warning",
        10_000,
        _int,
        "FTX_LONG_TRACE_WARNING",
        "Equations of one program, of one Python line mostly, at which to warn; 0: never.",
    ),
    Option("default_backend", "cpu", str, "FTX_BACKEND", "Backend of jit: cpu, cuda, reference."),
    Option(
        "compile_workers",
        -1,
        _int,
        "FTX_COMPILE_WORKERS",
        "Processes that help to compile; -1: one per free core, at most 4; 0: none.",
    ),
    Option(
        "disable",
        frozenset(),
        _disabled,
        "FTX_DISABLE",
        "Optimisations to leave out, separated by commas: " + ", ".join(OPTIMISATIONS) + ".",
        always_parsed=True,
    ),
)
_BY_NAME = {option.name: option for option in OPTIONS}


class Config:
    """The options as attributes; JAX's names (`jax_enable_x64`) can be read and updated too."""

    enable_x64: bool | None
    disable_jit: bool
    debug: int
    check: int
    dump: str
    cache_dir: str
    num_threads: int
    num_cpu_devices: int
    debug_nans: bool
    debug_infs: bool
    debug_key_reuse: bool
    profile: bool
    check_tracer_leaks: bool
    numpy_dtype_promotion: str
    numpy_rank_promotion: str
    traceback_filtering: str
    retrace_warning: int
    long_trace_warning: int
    default_backend: str
    compile_workers: int
    disable: frozenset[str]

    def __init__(self) -> None:
        self.version = 0
        """Names the state of all options: the same state again has the same version."""
        self._versions: dict[tuple[Any, ...], int] = {}
        self._listeners: dict[str, Callable[[Any], None]] = {}
        for option in OPTIONS:
            text = os.environ.get(option.variable) if option.variable else None
            object.__setattr__(self, option.name, self._initial(option, text))
        self._name_state()

    @staticmethod
    def _initial(option: Option, text: str | None) -> Any:
        if text is None:
            return option.default
        try:
            return option.parse(text)
        except ValueError as error:
            raise ConfigError(f"{option.variable}={text!r}: {error}; {option.meaning}") from None

    def update(self, name: str, value: Any) -> None:
        """Set one option, under its own name or JAX's.

        Raises: ConfigError for an unknown name, and for a value that is refused.
        """
        if name in JAX_OPTIONS:
            ours = translate(name, value, self.__getattribute__)
            if ours is None:
                return
            name, value = ours
        key = name.removeprefix("jax_")
        if key not in _BY_NAME:
            raise ConfigError(f"config: expected an option among {sorted(_BY_NAME)}, got {name!r}")
        option = _BY_NAME[key]
        if option.always_parsed or (isinstance(value, str) and option.parse is not str):
            try:
                value = option.parse(value)
            except ValueError as error:
                raise ConfigError(f"config: {key}={value!r}: {error}; {option.meaning}") from None
        setattr(self, key, value)
        self._name_state()
        if key in self._listeners:
            self._listeners[key](value)

    def __getattr__(self, name: str) -> Any:
        key = name.removeprefix("jax_")
        if name in JAX_OPTIONS:
            return value_of(name, self.__getattribute__)
        if key != name and key in _BY_NAME:
            return getattr(self, key)
        raise AttributeError(f"config: expected an option among {sorted(_BY_NAME)}, got {name!r}")

    def read(self, name: str) -> Any:
        """The value of one option, under its own name or JAX's."""
        return getattr(self, name)

    def _name_state(self) -> None:
        state = tuple(getattr(self, option.name) for option in OPTIONS)
        self.version = self._versions.setdefault(state, len(self._versions))

    def enabled(self, optimisation: str) -> bool:
        """Whether an optimisation of the table above is to be made."""
        return optimisation not in self.disable

    def on_change(self, name: str, act: Callable[[Any], None]) -> None:
        """Have `act(value)` called when the option is set: for what keeps its own copy."""
        self._listeners[name] = act

    @contextlib.contextmanager
    def override(self, **values: Any) -> Iterator[None]:
        """Set options for the length of a `with` block."""
        before = {name: getattr(self, name) for name in values}
        for name, value in values.items():
            self.update(name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                self.update(name, value)


config = Config()

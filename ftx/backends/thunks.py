"""What a program of the executor is made of: its steps, and the places they read and write.

In: nothing.  Out: one class per kind of step.
Must not know: how a program is assembled and run; jaxprs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from .machine_code import Kernel

Buffer = Hashable  # a name; any but a tuple
Entry = Buffer | tuple[Buffer, int]  # a place: a buffer, or (buffer, byte offset)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Thunk:
    label: str = dataclasses.field(default="", kw_only=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__} {self.label}".strip()


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RunKernel(Thunk):
    """kernel(table of entries, 0, n)."""

    kernel: Kernel
    entries: Sequence[Entry]
    n: int


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RunChunks(Thunk):
    """kernel(table, c * chunk, min(n, (c + 1) * chunk)) for every chunk c, on the thread pool.

    The split is what is written here, whatever the number of threads.
    """

    kernel: Kernel
    entries: Sequence[Entry]
    n: int
    chunk: int


MAX_CHUNKS = 64
"""Pieces of a parallel step, at most."""


def run_tasks(
    kernel: Kernel, entries: Sequence[Entry], tasks: int, parallel: bool, label: str
) -> Thunk:
    """kernel over [0, tasks): in chunks on the thread pool if that is to be, else at once."""
    if parallel and tasks > 1:
        return RunChunks(kernel, entries, tasks, -(-tasks // MAX_CHUNKS), label=label)
    return RunKernel(kernel, entries, tasks, label=label)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Gemm(Thunk):
    """c[m, n] = alpha * op(a)[m, k] @ op(b)[k, n] + beta * c, row-major, `batch` times.

    dtype: float32, float64, complex64 or complex128.  ta, tb: "N" as stored, "T" transposed,
    "C" transposed and conjugated.  lda, ldb, ldc: elements from one stored row to the next
    (default: dense).  stride_a, stride_b, stride_c: elements from one matrix of the batch to the
    next (0 repeats the matrix).
    """

    dtype: Any
    a: Entry
    b: Entry
    c: Entry
    m: int
    n: int
    k: int
    ta: str = "N"
    tb: str = "N"
    lda: int | None = None
    ldb: int | None = None
    ldc: int | None = None
    alpha: complex = 1
    beta: complex = 0
    batch: int = 1
    stride_a: int = 0
    stride_b: int = 0
    stride_c: int = 0


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Copy(Thunk):
    """`bytes` bytes from source to target; they may overlap."""

    target: Entry
    source: Entry
    bytes: int


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Fill(Thunk):
    """Every one of `bytes` bytes of target := value (0 to 255)."""

    target: Entry
    bytes: int
    value: int = 0


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Host(Thunk):
    """function(*arrays) in Python, on the calling thread, holding the GIL.

    specs: (shape, dtype) of each entry, which arrives as a writable array valid during the call;
    None: the function gets the addresses instead.  An exception stops the program, and `run`
    raises it.
    """

    function: Callable[..., Any]
    entries: Sequence[Entry]
    specs: Sequence[tuple[tuple[int, ...], Any]] | None = None


@dataclasses.dataclass(frozen=True)
class Slice:
    """In iteration i of a loop, buffer `view` is `of` + i * stride bytes (negative: backwards)."""

    view: Buffer
    of: Entry
    stride: int


@dataclasses.dataclass(frozen=True)
class Carry:
    """A value from one iteration to the next, by swapping two places, without copies.

    The body reads buffer `read` and writes all of `write`; the first iteration reads `init`.
    After the loop the value is in `out`. `spare` is the other place. All of `bytes` bytes.
    `init` must differ from the place written first: `out`, or in a `For` of even constant count
    `spare`. A carry updated in place needs none of this: copy it before the loop.
    """

    read: Buffer
    write: Buffer
    init: Entry
    out: Entry
    spare: Entry
    bytes: int


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class For(Thunk):
    """The body, n times. n: a number, or the entry of an int32 or int64 (`n_bytes`).

    index: entry where the iteration number is stored before each one (`index_bytes` 4 or 8).
    """

    n: int | Entry
    body: Sequence[Thunk]
    slices: Sequence[Slice] = ()
    carries: Sequence[Carry] = ()
    index: Entry | None = None
    index_bytes: int = 4
    n_bytes: int = 0  # 0: n is a number


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Rows(For):
    """The body, n times, in pieces of which several run at once; no carries and no index.

    region: which temporaries are each piece's own (`private`), how many `pieces`, and the bytes
    from one piece's to the next's (`stride`).
    """

    region: Any = None


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class While(Thunk):
    """condition, then the body, as long as the byte at entry `predicate` is not 0."""

    condition: Sequence[Thunk]
    predicate: Entry
    body: Sequence[Thunk]
    carries: Sequence[Carry] = ()
    slices: Sequence[Slice] = ()


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Switch(Thunk):
    """The branch numbered by the integer at entry `index` (1, 4 or 8 bytes), clamped.

    A condition is a Switch of [if false, if true] with index_bytes=1.
    """

    index: Entry
    branches: Sequence[Sequence[Thunk]]
    index_bytes: int = 4

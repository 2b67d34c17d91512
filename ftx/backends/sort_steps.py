"""From an equation that sorts to thunks: which kernels, how much memory, how many threads.

In: a `sort_rows` or `top_k` equation and an assembler.  Out: thunks over its buffers and over
temporaries.
Rows are sorted by a network, whole rows at a time by radix, or a long row in pieces by radix,
whichever costs least by the estimates below.  Every way is stable, so results do not depend on it.
Must not know: how kernels are written, jaxprs beyond the one equation.
"""

from __future__ import annotations

import functools
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.dtypes import short_name
from ..core.jaxpr import Eqn
from ..core.types import ShapedArray
from . import cache, sort_network, sort_radix, sort_select
from .machine_code import Kernel
from .sort_text import Keys, Rows, fill
from .thunks import For, RunChunks, RunKernel, Slice, Switch

LONG = 1 << 17
"""Elements from which one row is worth several threads: each digit is then read twice."""
VERY_LONG = 1 << 20
"""Elements from which a row is sorted in pieces even where there are many rows."""
FEW = 8
"""Rows too few to occupy the threads."""
FORK = 40_000
"""Nanoseconds of work from which a fork-join is worth it; also the least in a chunk, halved."""
CHUNKS = 64
MAX_NETWORK = 1 << 13
"""Elements of a row in a network: a tile of twice as long rows leaves the second-level cache."""
SELECT_FROM = 16
"""A row so many times as long as what top_k keeps of it is not sorted, but searched."""
MAX_SCRATCH = 1 << 26
"""Bytes of words above which fewer rows are sorted at once."""
CACHE = 1 << 20
"""Bytes of words up to which many counters cost no more than few: a second-level cache."""


@functools.cache
def _version() -> str:
    """Changes with the functions that the kernels call."""
    here = Path(__file__).parent
    files = ("sort_network.py", "intrinsics.py", "vector_math/blocks.py")
    return hashlib.sha256(b"".join((here / f).read_bytes() for f in files)).hexdigest()


def _namespace() -> dict[str, Any]:
    """What kernels call, for Numba."""
    from .vector_math import COMPILED

    types = {short_name(d): d.type for d in (*dtypes.SIGNED, *dtypes.UNSIGNED)}
    return {**COMPILED, **types, **sort_network.namespace()}


def get_kernel(text: str, name: str = "kernel") -> Kernel:
    """The kernel of this text."""
    return cache.get_kernel(text, name, _namespace, version=_version())


# ---- What it costs -----------------------------------------------------------------------------


def network_ns(rows: Rows, n: int) -> float:
    """Nanoseconds per lane of a tile; measured with AVX-512, lengths 10 to 16000."""
    unit = 0.1 if rows.form == "paired" else 0.02 if sort_network.words(rows) == "u32" else 0.04
    return 5 + n * (1 + unit * math.log2(max(n, 2)) ** 2)


def radix_ns(rows: Rows, n: int, digit: int) -> float:
    """Nanoseconds per row; measured, lengths 10 to 10^6."""
    counters = sort_radix.passes(rows, digit) * (80 + 0.3 * (1 << digit))
    spilled = digit == sort_radix.LARGE_DIGIT and n * word_bytes(rows) > CACHE
    move = (1.3 if rows.form == "paired" else 0.9) * (3 if spilled else 1)
    return counters + n * (1 + move * sort_radix.passes(rows, digit))


def word_bytes(rows: Rows) -> int:
    """Bytes of a word outside the network, its place included."""
    return int(sort_radix.words(rows)[1:]) // 8 + (4 if rows.form == "paired" else 0)


def select_ns(keys: Keys, n: int, k: int) -> float:
    """Nanoseconds to find, and then to sort, the k least of a row."""
    narrowing = 2 * sort_select.passes(keys) * 150
    return 200 + narrowing + 0.6 * n + radix_ns(Rows(keys, "i32"), k, sort_radix.SMALL_DIGIT)


def sort_ns(rows: Rows, n: int, count: int) -> float:
    """Nanoseconds to sort `count` rows on one thread."""
    return min(_costs(rows, n, count).values())


def choose(rows: Rows, n: int, count: int) -> tuple[str, int]:
    """("network", 0), ("rows", bits of a digit) or ("pieces", bits of a digit)."""
    if n >= LONG and (count < FEW or n >= VERY_LONG):
        return "pieces", sort_radix.SMALL_DIGIT
    costs = _costs(rows, n, count)
    return min(costs, key=costs.__getitem__)


def _costs(rows: Rows, n: int, count: int) -> dict[tuple[str, int], float]:
    digits = (sort_radix.SMALL_DIGIT, sort_radix.LARGE_DIGIT)
    costs = {("rows", digit): count * radix_ns(rows, n, digit) for digit in digits}
    lanes = sort_network.LANES[sort_network.words(rows)]
    if n <= MAX_NETWORK:
        costs["network", 0] = -(-count // lanes) * lanes * network_ns(rows, n)
    return costs


def chunk_of(items: int, ns: float, most: int = CHUNKS) -> int:
    """Items of `ns` nanoseconds each in one chunk; all of them if threads are not worth it."""
    pieces = min(most, items, int(items * ns / (FORK / 2)))
    return items if items * ns < FORK or pieces < 2 else -(-items // pieces)


# ---- Thunks ------------------------------------------------------------------------------------


def run(text: str, entries: Any, items: int, chunk: int, label: str, name: str = "kernel") -> Any:
    """The thunk of a kernel over `items`, `chunk` at a time."""
    kernel = get_kernel(text, name)
    if chunk >= items:
        return RunKernel(kernel, entries, items, label=label)
    return RunChunks(kernel, entries, items, chunk, label=label)


@dataclass(frozen=True)
class Job:
    """`count` rows of length n: from `x` to `out`, of which every row keeps the first `kept`.

    order: places from which the rows are read, in rows of `x` of length `whole`.
    """

    assembler: Any
    rows: Rows
    n: int
    count: int
    x: Any
    out: Any
    kept: int
    order: Any = None
    whole: int = 0

    def room(self, items: int, suffix: str) -> Any:
        """Scratch memory for the length of this step."""
        return room(self.assembler, items, suffix)

    def sizes(self, *numbers: int) -> Any:
        return self.assembler.constant(numbers, dtypes.int64)

    @property
    def given(self) -> list[Any]:
        return [] if self.order is None else [self.order]

    @property
    def label(self) -> str:
        return f"sort {self.count} rows of {self.n}"


def room(assembler: Any, items: int, suffix: str) -> Any:
    """Scratch memory for the length of this step."""
    dtype = np.dtype(f"{suffix[0]}{int(suffix[1:]) // 8}")
    found = assembler.temporary(ShapedArray((items,), dtype))
    assembler.touch(found)
    return found


def sort_steps(assembler: Any, eqn: Eqn, env: dict[Any, Any]) -> list[Any]:
    """Thunks for a `sort_rows` equation."""
    atoms, num_keys, results = eqn.invars, eqn.params["num_keys"], eqn.params["results"]
    xs = [assembler.place(a, env) for a in atoms]
    outs = [assembler.place(v, env) for v in eqn.outvars]
    aval = atoms[0].aval
    if not aval.size or not outs:
        return []
    n = aval.shape[-1]
    count = aval.size // n
    keys = [Keys(a.aval.dtype) for a in atoms[:num_keys]]
    if num_keys == 1 and results == (0,):
        return steps(Job(assembler, Rows(keys[0]), n, count, xs[0], outs[0], n))
    told = next((i for i, r in enumerate(results) if isinstance(r, str)), None)
    order, suffix, thunks = None, "u32", []
    for i in reversed(range(num_keys)):
        if i == 0 and told is not None:
            target, suffix = outs[told], short_name(np.dtype(results[told]))
        else:
            target = room(assembler, aval.size, "u32")
        rows = Rows(keys[i], suffix, order is not None)
        thunks += steps(Job(assembler, rows, n, count, xs[i], target, n, order, n))
        order = target
    for i, (r, out) in enumerate(zip(results, outs, strict=True)):
        if i != told:
            source = xs[r] if isinstance(r, int) else None
            gather = Gather(n, n, count, suffix, eqn.outvars[i].aval.dtype.itemsize)
            thunks.append(gather.step(assembler, source, order, out))
    return thunks


def top_k_steps(assembler: Any, eqn: Eqn, env: dict[Any, Any]) -> list[Any]:
    """Thunks for a `top_k` equation."""
    (x,) = eqn.invars
    entry, values, order = (assembler.place(a, env) for a in (x, *eqn.outvars))
    n, k = x.aval.shape[-1], eqn.params["k"]
    if not x.aval.size or not k:
        return []
    count = x.aval.size // n
    keys = Keys(x.aval.dtype, falling=True)
    gather = Gather(n, k, count, "i32", x.aval.dtype.itemsize)
    last = gather.step(assembler, entry, order, values)
    whole = sort_ns(Rows(keys, "i32"), n, count)
    if k * SELECT_FROM > n or whole < count * select_ns(keys, n, k):
        job = Job(assembler, Rows(keys, "i32"), n, count, entry, order, k)
        return [*steps(job), last]
    pieces = _pieces_to_select(n, k, count)
    piece = -(-n // pieces)
    some = room(assembler, count * pieces * k, "u32")
    thunk = _select(assembler, keys, entry, some, n, k, count, piece)
    rows = Rows(keys, "i32", composed=True)
    job = Job(assembler, rows, pieces * k, count, entry, order, k, some, n)
    return [thunk, *steps(job), last]


def _pieces_to_select(n: int, k: int, count: int) -> int:
    """Pieces of a row from each of which k are selected, the last of which has so many."""
    if n < LONG or count >= FEW:
        return 1
    most = min(sort_radix.PIECES, n // (LONG // 8))
    fits = lambda p: n - (p - 1) * -(-n // p) >= k and p * k * SELECT_FROM <= n
    return max((p for p in range(1, most + 1) if fits(p)), default=1)


def _select(
    assembler: Any, keys: Keys, x: Any, out: Any, n: int, k: int, count: int, piece: int
) -> Any:
    pieces = -(-n // piece)
    block = min(64, 1 << (piece // (2 * k)).bit_length() - 1)
    jobs = count * pieces
    most = min(CHUNKS, max(16, MAX_SCRATCH // (12 * piece)))
    chunk = chunk_of(jobs, 500 + piece, most)
    chunks = -(-jobs // chunk)
    sizes = assembler.constant([n, pieces, piece, block, k, chunk], dtypes.int64)
    scratch = [room(assembler, chunks * piece, u) for u in (keys.unsigned, keys.unsigned, "u32")]
    label = f"select {k} in {count} rows of {n}"
    return run(sort_select.kernel(keys), [sizes, x, out, *scratch], jobs, chunk, label)


def steps(job: Job) -> list[Any]:
    """Thunks that sort rows, in the way that costs least."""
    way, digit = choose(job.rows, job.n, job.count)
    if way == "network":
        return [_network(job)]
    return [_radix_rows(job, digit)] if way == "rows" else _radix_pieces(job, digit)


def _network(job: Job) -> Any:
    rows, n = job.rows, job.n
    word = sort_network.words(rows)
    lanes = sort_network.LANES[word]
    width, height = sort_network.width(rows, n), sort_network.height(rows, n)
    tiles = -(-job.count // lanes)
    chunk = chunk_of(tiles, lanes * network_ns(rows, n))
    chunks = -(-tiles // chunk)
    sizes = job.sizes(n, job.count, width, height, chunk, job.whole, job.kept)
    flat = job.room(chunks * lanes * width, word)
    turned = job.room(chunks * lanes * height * sort_network.arrays(rows), word)
    entries = [sizes, job.x, job.out, flat, turned, *job.given]
    return run(sort_network.kernel(rows), entries, tiles, chunk, job.label)


def _words(job: Job, items: int) -> list[Any]:
    places = [job.room(items, "u32")] if job.rows.form == "paired" else []
    return [job.room(items, sort_radix.words(job.rows)), *places]


def _radix_rows(job: Job, digit: int) -> Any:
    rows, n = job.rows, job.n
    row_bytes = 2 * n * word_bytes(rows)
    most = min(CHUNKS, max(16, MAX_SCRATCH // row_bytes))
    chunk = chunk_of(job.count, radix_ns(rows, n, digit), most)
    chunks = -(-job.count // chunk)
    counts = job.room(chunks * sort_radix.passes(rows, digit) << digit, "u32")
    sizes = job.sizes(n, chunk, job.whole, job.kept)
    entries = [sizes, job.x, job.out, counts, *_words(job, chunks * 2 * n), *job.given]
    return run(sort_radix.rows_kernel(rows, digit), entries, job.count, chunk, job.label)


def _radix_pieces(job: Job, digit: int) -> list[Any]:
    """Every row in pieces, one row after another."""
    rows, n = job.rows, job.n
    passes = sort_radix.passes(rows, digit)
    piece = -(-n // min(sort_radix.PIECES, n // (LONG // 8)))
    pieces = -(-n // piece)
    sizes, words = job.sizes(n, piece, job.kept), _words(job, 2 * n)
    counts, flags = job.room(pieces << digit, "u32"), job.room(3 * pieces, "i64")
    state = job.room(2 * passes + 2, "i64")
    numbers = job.sizes(*range(passes))
    number = len(job.assembler.temporaries)
    x, out, order = views = [f"{name} of row {number}" for name in ("x", "out", "order")]
    given = [order] if job.given else []

    def step(name: str, *entries: Any, items: int = n, chunk: int = piece) -> Any:
        text = sort_radix.step_kernel(rows, digit, name)
        return run(text, [sizes, *entries], items, chunk, f"{job.label}: {name}", name)

    once = {"items": pieces, "chunk": pieces}
    digits = []
    for p in range(passes):
        shared = (state, counts, (numbers, 8 * p))
        digits.append(step("count", *shared, *words))
        digits.append(step("place", *shared, **once))
        digits.append(step("move", *shared, *words))
    kept = {"items": job.kept}
    general = [
        step("encode", x, flags, *words, *given),
        *digits,
        step("tell", out, state, *words, *given, **kept),
    ]
    if rows.notes:
        general.append(step("repair", x, out, state, flags, *words, **once))
    reverse = [step("reverse", x, out, *given, **kept)]
    way = (state, 8 * (2 * passes + 1))
    body = [
        step("look", x, out, flags, *given),
        step("begin", flags, state, **once),
        Switch(way, [[], general, reverse], index_bytes=8),
    ]
    return [For(job.count, body, _row_by_row(job, views))]


def _row_by_row(job: Job, views: list[str]) -> list[Slice]:
    """The rows of elements, results and given order, one per iteration."""
    rows, n = job.rows, job.n
    strides = (
        (job.whole or n) * rows.keys.bits // 8,
        job.kept * int(rows.out[1:]) // 8,
        4 * n,
    )
    buffers = (job.x, job.out, job.order)
    return [
        Slice(view, buffer, stride)
        for view, buffer, stride in zip(views, buffers, strides, strict=True)
        if buffer is not None
    ]


# ---- Operands in their new order ---------------------------------------------------------------

_GATHER = """
def kernel(args, lo, hi):
    sizes = pointer_i64(args, 0)
    x = pointer_$unit(args, 1)
    order = pointer_$order(args, 2)
    out = pointer_$unit(args, 3)
    kept = sizes[1]
    i = lo
    while i < hi:
        row = i // kept
        at = row * sizes[0]
        end = min(hi, (row + 1) * kept)
        for e in range(i, end):
            out[e] = $value
        i = end
    return 0
"""


@dataclass(frozen=True)
class Gather:
    """Copies rows of length n in their order, `kept` elements of each; places end in `suffix`."""

    n: int
    kept: int
    count: int
    suffix: str
    itemsize: int

    def step(self, assembler: Any, source: Any, order: Any, out: Any) -> Any:
        """The thunk. source None: copies the order itself."""
        unit = "c128" if self.itemsize == 16 else f"u{8 * self.itemsize}"
        value = f"{unit}(order[e])" if source is None else "x[at + i64(order[e])]"
        text = fill(_GATHER, unit=unit, order=self.suffix, value=value)
        sizes = assembler.constant([self.n, self.kept], dtypes.int64)
        entries = [sizes, order if source is None else source, order, out]
        items = self.kept * self.count
        label = f"reorder {self.count} rows of {self.n}"
        return run(text, entries, items, chunk_of(items, 1.5), label)

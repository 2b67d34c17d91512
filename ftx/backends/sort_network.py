"""Many short rows sorted side by side: a bitonic network over vectors of one word per row.

In: what is wanted of sorted rows.  Out: text of one kernel for every shape, and the vector
operations it calls.  A tile of rows is turned so that the i-th words of all its rows lie in one
vector; then every comparison of the network is a minimum and a maximum of two vectors.  No branch
depends on the data.  Up to three steps of the network at a time are done on vectors in registers.
Words of one row must differ or be interchangeable, since a network is not stable.
Source: Batcher, "Sorting networks and their applications" (1968), with every comparison upwards:
a merge first compares the i-th word with the i-th from the end.
Knows nothing of: threads, memory plans.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from .sort_text import INDENT, Rows, fill

LANES = {"u32": 16, "u64": 8}
"""Rows in a tile: words in 64 bytes, one vector register of AVX-512 and two or four of others."""
BYTES = 64


def words(rows: Rows) -> str:
    """Suffix of the words in the network."""
    return "u32" if rows.form == "alone" and rows.keys.bits <= 32 else "u64"


def width(rows: Rows, n: int) -> int:
    """Words that a row of length n takes up before it is turned."""
    lanes = LANES[words(rows)]
    return -(-n // lanes) * lanes


def height(rows: Rows, n: int) -> int:
    """Vectors that rows of length n take up in the network: a power of two."""
    return max(LANES[words(rows)], 1 << (n - 1).bit_length())


def arrays(rows: Rows) -> int:
    """Arrays in the network: keys, and places if they are apart."""
    return 2 if rows.form == "paired" else 1


# ---- The kernel --------------------------------------------------------------------------------

_KERNEL = """
def kernel(args, lo, hi):
    sizes = pointer_i64(args, 0)
    x = pointer_$unsigned(args, 1)
    out = pointer_$out(args, 2)
    r = pointer_$word(args, 3)
    w = pointer_$word(args, 4)
    $order
    n = sizes[0]
    width = sizes[2]
    height = sizes[3]
    chunk = lo // sizes[4]
    first = chunk * width * $lanes
    net = chunk * height * $lanes * $arrays
    other = height * $lanes
    rows = load_int64(args + 24) + first * $itemsize
    base = load_int64(args + 32) + net * $itemsize
    for tile in range(lo, hi):
        odd = $unsigned(0)
        for l in range($lanes):
            given = min(tile * $lanes + l, sizes[1] - 1)
            at = given * n
            whole = given * sizes[5]
            row = first + l * width
            for i in range(n):
                $read
                $notes
                r[row + i] = $put
            for i in range(n, width):
                r[row + i] = $highest
        for i in range(0, width, $lanes):
            turn_$word(rows + i * $itemsize, width * $itemsize, base + i * 64, 64)
        for i in range(net + width * $lanes, net + other):
            w[i] = $highest
        $number
        for i in range(0, n, 8):
            sort8_$kind(base + i * 64, 64$apart)
        half = 8
        while half < n:
            step = half >> 2
            for b in range(0, n - half, 2 * half):
                for i in range(max(0, b + 2 * half - 3 * step - n), step):
                    flip8_$kind(base + (b + i) * 64, base + (b + 2 * half - 1 - i) * 64,
                                step * 64$apart)
            gap = half >> 3
            while gap >= 4:
                step = gap >> 2
                for b in range(0, n, 2 * gap):
                    for i in range(b, b + step):
                        merge8_$kind(base + i * 64, step * 64$apart)
                gap = gap >> 3
            if gap == 2:
                for i in range(0, n, 4):
                    merge4_$kind(base + i * 64, 64$apart)
            if gap == 1:
                for i in range(0, n, 2):
                    merge2_$kind(base + i * 64, 64$apart)
            half = 2 * half
        for i in range(0, width, $lanes):
            turn_$word(base + i * 64$told, 64, rows + i * $itemsize, width * $itemsize)
        for l in range(min($lanes, sizes[1] - tile * $lanes)):
            at = (tile * $lanes + l) * n
            to = (tile * $lanes + l) * sizes[6]
            row = first + l * width
            for i in range(sizes[6]):
                $tell
            $repair
    return 0
"""


def kernel(rows: Rows) -> str:
    """The kernel that sorts the tiles lo..hi-1 of rows.

    Table: int64 [row length, rows, width, height, tiles in a chunk, row length of the elements
    (another than the first only where an order is given), results per row]; elements; results;
    words, a tile of rows of `width` per chunk; words, `arrays` tiles of rows of `height` per
    chunk; the given order.
    """
    word, keys = words(rows), rows.keys
    lanes = LANES[word]
    number: list[str] = []
    if rows.form == "alone":
        put = f"{word}(k)"
        tell = [f"k = {keys.unsigned}(r[row + i])", *keys.decode(), "out[to + i] = q"]
    elif rows.form == "packed":
        put = "u64((u64(k) << u64(32)) | u64(i))"
        tell = ["v = r[row + i]", f"out[to + i] = {rows.place('u32(v)')}"]
    else:
        put = "k"
        tell = [f"out[to + i] = {rows.place('u32(r[row + i])')}"]
        number = [
            "for i in range(height):",
            f"{INDENT}for l in range({lanes}):",
            f"{INDENT * 2}w[net + other + i * {lanes} + l] = u64(i)",
        ]
    paired = rows.form == "paired"
    return fill(
        _KERNEL,
        unsigned=keys.unsigned,
        out=rows.out,
        word=word,
        kind="places" if paired else word,
        lanes=lanes,
        arrays=arrays(rows),
        itemsize=BYTES // lanes,
        highest=f"{word}({(1 << int(word[1:])) - 1})",
        order=rows.pointers(5),
        read=rows.read("i"),
        notes=rows.notes,
        put=put,
        number=number,
        apart=", height * 64" if paired else "",
        told=" + height * 64" if paired else "",
        tell=tell,
        repair=rows.repair(f"{keys.unsigned}(r[row + i])"),
    )


# ---- The operations on vectors, as LLVM --------------------------------------------------------

Comparisons = Sequence[tuple[int, int]]
SORT8: Comparisons = (
    *((0, 2), (1, 3), (4, 6), (5, 7), (0, 4), (1, 5), (2, 6), (3, 7), (0, 1), (2, 3), (4, 5)),
    *((6, 7), (2, 4), (3, 5), (1, 4), (3, 6), (1, 2), (3, 4), (5, 6)),
)
"""Batcher's network of eight: 19 comparisons."""
FLIP8: Comparisons = (
    *((0, 4), (1, 5), (2, 6), (3, 7)),
    *((0, 2), (1, 3), (0, 1), (2, 3), (6, 4), (7, 5), (5, 4), (7, 6)),
)
"""Three steps of a merge: vectors 0 to 3 count upwards from its start, 4 to 7 back from its end."""


def _halvings(n: int) -> Comparisons:
    """The last steps of a merge of n vectors."""
    gaps = [n >> i for i in range(1, n.bit_length())]
    return [(i, i + gap) for gap in gaps for i in range(n) if not i & gap]


class _Vectors:
    """Writes LLVM for vectors of `lanes` words at addresses."""

    def __init__(self, word: str):
        self.lanes, self.name = LANES[word], f"v{LANES[word]}i{word[1:]}"
        self.align = int(word[1:]) // 8
        self.type = ir.VectorType(ir.IntType(int(word[1:])), self.lanes)

    def load(self, b: ir.IRBuilder, address: ir.Value) -> ir.Value:
        value = b.load(b.inttoptr(address, self.type.as_pointer()))
        value.align = self.align
        return value

    def store(self, b: ir.IRBuilder, value: ir.Value, address: ir.Value) -> None:
        b.store(value, b.inttoptr(address, self.type.as_pointer())).align = self.align

    def extreme(self, b: ir.IRBuilder, which: str, x: ir.Value, y: ir.Value) -> ir.Value:
        name = f"llvm.{which}.{self.name}"
        known = b.module.globals.get(name)
        kind = ir.FunctionType(self.type, [self.type, self.type])
        return b.call(known or ir.Function(b.module, kind, name), [x, y])

    def compare(self, b: ir.IRBuilder, places: Any, pairs: Comparisons) -> None:
        """Put words of each pair of vectors in order."""
        values = [self.load(b, at) for at in places]
        for i, j in pairs:
            x, y = values[i], values[j]
            values[i], values[j] = self.extreme(b, "umin", x, y), self.extreme(b, "umax", x, y)
        for value, at in zip(values, places, strict=True):
            self.store(b, value, at)

    def compare_apart(
        self, b: ir.IRBuilder, places: Any, pairs: Comparisons, apart: ir.Value
    ) -> None:
        """The same where each vector of keys has one of places, `apart` bytes on."""
        both = [(at, b.add(at, apart)) for at in places]
        values = [(self.load(b, key), self.load(b, place)) for key, place in both]
        for i, j in pairs:
            (x, px), (y, py) = values[i], values[j]
            equal = b.and_(b.icmp_unsigned("==", x, y), b.icmp_unsigned(">", px, py))
            falls = b.or_(b.icmp_unsigned(">", x, y), equal)
            values[i] = b.select(falls, y, x), b.select(falls, py, px)
            values[j] = b.select(falls, x, y), b.select(falls, px, py)
        for value, at in zip(values, both, strict=True):
            self.store(b, value[0], at[0])
            self.store(b, value[1], at[1])

    def turn(
        self, b: ir.IRBuilder, source: Any, source_step: Any, target: Any, target_step: Any
    ) -> None:
        """Transpose a square: its quarters, their quarters, and so on."""
        rows = [self.load(b, at) for at in _steps(b, source, source_step, self.lanes)]
        for gap in (1 << k for k in range(self.lanes.bit_length() - 1)):
            upper, lower = self._quarters(gap)
            for i in range(self.lanes):
                if not i & gap:
                    x, y = rows[i], rows[i + gap]
                    rows[i] = b.shuffle_vector(x, y, upper)
                    rows[i + gap] = b.shuffle_vector(x, y, lower)
        for row, at in zip(rows, _steps(b, target, target_step, self.lanes), strict=True):
            self.store(b, row, at)

    def _quarters(self, gap: int) -> tuple[ir.Constant, ir.Constant]:
        lanes = range(self.lanes)
        mask = ir.VectorType(ir.IntType(32), self.lanes)
        upper = [self.lanes + e - gap if e & gap else e for e in lanes]
        lower = [self.lanes + e if e & gap else e + gap for e in lanes]
        return ir.Constant(mask, upper), ir.Constant(mask, lower)


def _steps(b: ir.IRBuilder, start: ir.Value, step: ir.Value, n: int) -> list[ir.Value]:
    places = [start]
    for _ in range(n - 1):
        places.append(b.add(places[-1], step))
    return places


def _back(b: ir.IRBuilder, start: ir.Value, step: ir.Value, n: int) -> list[ir.Value]:
    return _steps(b, start, b.neg(step), n)


@functools.cache
def namespace() -> dict[str, Any]:
    """Names of the kernel's text: turn_*, sort8_*, flip8_*, merge8_*, merge4_*, merge2_*."""
    from numba import types
    from numba.extending import intrinsic

    def raw(arity: int, emit: Callable[..., None]) -> Any:
        """The intrinsic int64 (int64, …) that runs `emit(b, *args)`."""

        def codegen(context, b, signature, args):
            emit(b, *args)
            return ir.IntType(64)(0)

        scope = {"result": (types.int64(*[types.int64] * arity), codegen)}
        exec(f"def raw(typingctx, {', '.join('abcd'[:arity])}): return result", scope)
        return intrinsic(scope["raw"])

    names: dict[str, Any] = {}
    for kind in ("u32", "u64", "places"):
        v = _Vectors("u64" if kind == "places" else kind)
        compare: Any = v.compare_apart if kind == "places" else v.compare
        more = int(kind == "places")

        def block(b, at, step, *apart, n, pairs, compare=compare):
            compare(b, _steps(b, at, step, n), pairs, *apart)

        def flip(b, low, high, step, *apart, compare=compare):
            compare(b, [*_steps(b, low, step, 4), *_back(b, high, step, 4)], FLIP8, *apart)

        names[f"turn_{kind}"] = raw(4, v.turn)
        names[f"flip8_{kind}"] = raw(3 + more, flip)
        sizes = {"sort8": (8, SORT8), **{f"merge{n}": (n, _halvings(n)) for n in (8, 4, 2)}}
        for name, (n, pairs) in sizes.items():
            names[f"{name}_{kind}"] = raw(2 + more, functools.partial(block, n=n, pairs=pairs))
    return names

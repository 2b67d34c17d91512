"""Radix sort as kernels: digit by digit from the lowest, counting and moving, stable.

In: what is wanted of sorted rows.  Out: text of kernels that read their sizes from memory, so
that one serves every shape.  Two ways: whole rows, one after another, or the steps of one long
row, each for many pieces of it at once.  A row in order or in strictly
reverse order, and a digit that all keys share, cost one look.
Knows nothing of: threads, memory plans.
"""

from __future__ import annotations

from .sort_text import Rows, fill

SMALL_DIGIT, LARGE_DIGIT = 8, 11
"""Bits of a digit: 256 counters are cleared sooner, 2048 save a pass in three."""
PIECES = 16
"""Pieces of a long row, at most: a digit's counters of all pieces are added up by one thread."""


def words(rows: Rows) -> str:
    """Suffix of the array of words."""
    return "u64" if rows.form == "packed" else rows.keys.unsigned


def passes(rows: Rows, digit: int) -> int:
    """Digits of a key."""
    return -(-rows.keys.bits // digit)


def _put(rows: Rows, at: str, place: str) -> list[str]:
    """Lines that store key `k` of `place` as the word at `at`."""
    if rows.form == "packed":
        return [f"w[{at}] = u64((u64(k) << u64(32)) | u64({place}))"]
    places = [f"z[{at}] = u32({place})"] if rows.form == "paired" else []
    return [f"w[{at}] = k", *places]


def _move(rows: Rows, to: str, source: str) -> list[str]:
    """Lines that store word `v`, which came from `source`, at `to`."""
    places = [f"z[{to}] = z[{source}]"] if rows.form == "paired" else []
    return [f"w[{to}] = v", *places]


def _tell(rows: Rows, to: str, at: str) -> list[str]:
    """Lines that make the result at `to` of the word at `at`."""
    if rows.form == "alone":
        return [f"k = w[{at}]", *rows.keys.decode(), f"out[{to}] = q"]
    if rows.form == "packed":
        return [f"v = w[{at}]", f"out[{to}] = {rows.place('u32(v)')}"]
    return [f"out[{to}] = {rows.place(f'z[{at}]')}"]


def _digit(rows: Rows, digit: int, word: str, shift: str) -> str:
    w = words(rows)
    return f"i64(({word} >> {w}({shift})) & {w}({(1 << digit) - 1}))"


def _pointers(rows: Rows, first: int) -> list[str]:
    """Lines that find words, places and the given order in the table from entry `first` on."""
    lines = [f"w = pointer_{words(rows)}(args, {first})"]
    if rows.form == "paired":
        lines.append(f"z = pointer_u32(args, {first + 1})")
    return [*lines, *rows.pointers(first + 1 + (rows.form == "paired"))]


_ROWS = """
def kernel(args, lo, hi):
    sizes = pointer_i64(args, 0)
    x = pointer_$unsigned(args, 1)
    out = pointer_$out(args, 2)
    counts = pointer_u32(args, 3)
    $pointers
    n = sizes[0]
    chunk = lo // sizes[1]
    table = chunk * $table
    for row in range(lo, hi):
        at = row * n
        whole = row * sizes[2]
        a = chunk * 2 * n
        b = a + n
        falls = $unsigned(0)
        rises = $unsigned(0)
        for i in range(1, n):
            $before
            last = k
            $read
            falls = $unsigned(falls | $unsigned(last > k))
            rises = $unsigned(rises | $unsigned(last <= k))
        to = row * sizes[3]
        if falls == 0:
            for i in range(sizes[3]):
                out[to + i] = $same
            continue
        if rises == 0:
            for i in range(sizes[3]):
                out[to + i] = $opposite
            continue
        odd = $unsigned(0)
        for i in range(n):
            $read
            $notes
            $put
        for i in range(table, table + $table):
            counts[i] = u32(0)
        for i in range(n):
            v = w[a + i]
            $count
        for p in range($passes):
            first = table + p * $radix
            shift = p * $digit + $shift
            v = w[a]
            if i64(counts[first + $moved]) == n:
                continue
            start = u32(0)
            for d in range(first, first + $radix):
                c = counts[d]
                counts[d] = start
                start = u32(start + c)
            for i in range(n):
                v = w[a + i]
                d = first + $moved
                c = counts[d]
                counts[d] = u32(c + u32(1))
                here = b + i64(c)
                $move
            c = a
            a = b
            b = c
        for i in range(sizes[3]):
            $tell
        $repair
    return 0
"""


def rows_kernel(rows: Rows, digit: int) -> str:
    """The kernel that sorts rows lo..hi-1.

    Table: int64 [row length, rows in a chunk, row length of the elements (another than the first
    only where an order is given), results per row]; elements; results; uint32 counters, a table per
    chunk; words, two rows per chunk; if paired, uint32 places, likewise; the given order.
    """
    n_passes, radix, alone = passes(rows, digit), 1 << digit, rows.form == "alone"
    count = []
    for p in range(n_passes):
        at = _digit(rows, digit, "v", str(p * digit + rows.shift))
        count += [f"d = table + {p * radix} + {at}", "counts[d] = u32(counts[d] + u32(1))"]
    return fill(
        _ROWS,
        unsigned=rows.keys.unsigned,
        out=rows.out,
        pointers=_pointers(rows, 4),
        table=n_passes * radix,
        passes=n_passes,
        radix=radix,
        digit=digit,
        shift=rows.shift,
        before=rows.read("i - 1"),
        read=rows.read("i"),
        notes=rows.notes,
        put=_put(rows, "a + i", "i"),
        count=count,
        moved=_digit(rows, digit, "v", "shift"),
        same="x[at + i]" if alone else rows.place("i"),
        opposite="x[at + n - 1 - i]" if alone else rows.place("n - 1 - i"),
        move=_move(rows, "here", "a + i"),
        tell=_tell(rows, "to + i", "a + i"),
        repair=rows.repair("w[a + i]"),
    )


# ---- One long row, in pieces -------------------------------------------------------------------

# `state` holds two numbers per digit: which half of `w` the words are in, and whether the digit
# differs among them; then where they are in the end, and what to do: 0 the row is in order, 1 sort,
# 2 reverse.  `flags` holds what each piece found: whether a key is less than the one before,
# whether one is not, whether there is anything to repair.
# Piece j is elements j * sizes[1] to (j + 1) * sizes[1] - 1.

_LOOK = """
def look(args, lo, hi):
    x = pointer_$unsigned(args, 1)
    out = pointer_$out(args, 2)
    flags = pointer_i64(args, 3)
    $order
    at = 0
    whole = 0
    falls = $unsigned(0)
    rises = $unsigned(0)
    for i in range(lo, min(hi, load_int64(load_int64(args) + 16))):
        out[i] = $same
    for i in range(max(lo, 1), hi):
        $before
        last = k
        $read
        falls = $unsigned(falls | $unsigned(last > k))
        rises = $unsigned(rises | $unsigned(last <= k))
    piece = lo // load_int64(load_int64(args) + 8)
    flags[3 * piece] = i64(falls)
    flags[3 * piece + 1] = i64(rises)
    return 0
"""

_BEGIN = """
def begin(args, lo, hi):
    flags = pointer_i64(args, 1)
    state = pointer_i64(args, 2)
    falls = 0
    rises = 0
    for piece in range(hi):
        falls = falls | flags[3 * piece]
        rises = rises | flags[3 * piece + 1]
    state[0] = 0
    state[2 * $passes + 1] = falls + (falls & ~rises)
    return 0
"""

_REVERSE = """
def reverse(args, lo, hi):
    x = pointer_$unsigned(args, 1)
    out = pointer_$out(args, 2)
    $order
    at = 0
    last = load_int64(load_int64(args)) - 1
    for i in range(lo, hi):
        out[i] = $opposite
    return 0
"""

_ENCODE = """
def encode(args, lo, hi):
    x = pointer_$unsigned(args, 1)
    flags = pointer_i64(args, 2)
    $pointers
    at = 0
    whole = 0
    odd = $unsigned(0)
    for i in range(lo, hi):
        $read
        $notes
        $put
    flags[3 * (lo // load_int64(load_int64(args) + 8)) + 2] = i64(odd)
    return 0
"""

_COUNT = """
def count(args, lo, hi):
    sizes = pointer_i64(args, 0)
    state = pointer_i64(args, 1)
    counts = pointer_u32(args, 2)
    p = load_int64(load_int64(args + 24))
    $pointers
    shift = p * $digit + $shift
    first = lo // sizes[1] * $radix
    a = state[2 * p] * sizes[0]
    for d in range(first, first + $radix):
        counts[d] = u32(0)
    for i in range(lo, hi):
        v = w[a + i]
        d = first + $moved
        counts[d] = u32(counts[d] + u32(1))
    return 0
"""

_PLACE = """
def place(args, lo, hi):
    sizes = pointer_i64(args, 0)
    state = pointer_i64(args, 1)
    counts = pointer_u32(args, 2)
    p = load_int64(load_int64(args + 24))
    start = u32(0)
    used = 0
    for d in range($radix):
        before = start
        for piece in range(hi):
            at = piece * $radix + d
            c = counts[at]
            counts[at] = start
            start = u32(start + c)
        used += i64(start != before)
    state[2 * p + 1] = i64(used > 1)
    state[2 * p + 2] = state[2 * p] ^ i64(used > 1)
    return 0
"""

_MOVE = """
def move(args, lo, hi):
    sizes = pointer_i64(args, 0)
    state = pointer_i64(args, 1)
    counts = pointer_u32(args, 2)
    p = load_int64(load_int64(args + 24))
    $pointers
    shift = p * $digit + $shift
    first = lo // sizes[1] * $radix
    if state[2 * p + 1] != 0:
        a = state[2 * p] * sizes[0]
        b = sizes[0] - a
        for i in range(lo, hi):
            v = w[a + i]
            d = first + $moved
            c = counts[d]
            counts[d] = u32(c + u32(1))
            here = b + i64(c)
            $move
    return 0
"""

_TELL = """
def tell(args, lo, hi):
    out = pointer_$out(args, 1)
    state = pointer_i64(args, 2)
    $pointers
    a = state[2 * $passes] * load_int64(load_int64(args))
    at = 0
    for i in range(lo, hi):
        $tell
    return 0
"""

_REPAIR = """
def repair(args, lo, hi):
    x = pointer_$unsigned(args, 1)
    out = pointer_$out(args, 2)
    state = pointer_i64(args, 3)
    flags = pointer_i64(args, 4)
    $pointers
    n = load_int64(load_int64(args))
    a = state[2 * $passes] * n
    odd = 0
    for piece in range(hi):
        odd = odd | flags[3 * piece + 2]
    at = 0
    $repair
    return 0
"""

STEPS = {
    "look": (_LOOK, 4),
    "begin": (_BEGIN, 3),
    "reverse": (_REVERSE, 3),
    "encode": (_ENCODE, 3),
    "count": (_COUNT, 4),
    "place": (_PLACE, 4),
    "move": (_MOVE, 4),
    "tell": (_TELL, 3),
    "repair": (_REPAIR, 5),
}
"""Text of each step, and where words (or only the given order) begin in its table."""


def step_kernel(rows: Rows, digit: int, name: str) -> str:
    """The kernel of one step of sorting a long row.

    look, which leaves the row as it is; begin; nothing if the row is in order, reverse if every
    key is less than the one before, else encode, count, place and move for every digit, tell,
    repair if there is anything to.  look and encode take all elements, tell and reverse those that
    are kept.  begin, place and repair run once, with hi pieces; the others take a piece lo..hi-1.
    """
    text, first = STEPS[name]
    alone = rows.form == "alone"
    return fill(
        text,
        unsigned=rows.keys.unsigned,
        out=rows.out,
        pointers=_pointers(rows, first),
        order=rows.pointers(first),
        passes=passes(rows, digit),
        radix=1 << digit,
        digit=digit,
        shift=rows.shift,
        before=rows.read("i - 1"),
        read=rows.read("i"),
        same="x[i]" if alone else rows.place("i"),
        opposite="x[last - i]" if alone else rows.place("last - i"),
        notes=rows.notes,
        put=_put(rows, "i", "i"),
        moved=_digit(rows, digit, "v", "shift"),
        move=_move(rows, "here", "a + i"),
        tell=_tell(rows, "i", "a + i"),
        repair=rows.repair("w[a + i]"),
    )

"""The least keys of a long row, found without sorting it.

In: the keys of a dtype.  Out: text of a kernel that tells the places of the `wanted` least keys of
each piece of a row, in order of place; of equal keys the first count.
The least keys of blocks bound the result: as many blocks as are wanted have one below the bound.
What is within the bound is narrowed down digit by digit from the highest.
Knows nothing of: sorting what is selected, threads.
"""

from __future__ import annotations

from .sort_text import Keys, fill

DIGIT = 8
RADIX = 1 << DIGIT

_SELECT = """
def kernel(args, lo, hi):
    sizes = pointer_i64(args, 0)
    x = pointer_$unsigned(args, 1)
    out = pointer_u32(args, 2)
    w = pointer_$unsigned(args, 3)
    few = pointer_$unsigned(args, 4)
    found = pointer_u32(args, 5)
    counts = stack_u32($radix)
    n = sizes[0]
    pieces = sizes[1]
    piece = sizes[2]
    block = sizes[3]
    wanted = sizes[4]
    room = lo // sizes[5] * piece
    for job in range(lo, hi):
        start = job % pieces * piece
        at = job // pieces * n + start
        length = min(piece, n - start)
        blocks = (length + block - 1) // block
        for i in range(length):
            q = x[at + i]
            $encode
            w[room + i] = k
        for j in range(blocks):
            least = $highest
            for i in range(room + j * block, room + min(length, j * block + block)):
                least = minimum_$unsigned(least, w[i])
            few[room + j] = least
        size = blocks
        bound = $highest
        left = wanted
        for turn in range(i64(blocks < wanted), 2):
            if turn == 1:
                size = 0
                for j in range(blocks):
                    begin = j * block
                    end = min(length, begin + block)
                    least = $highest
                    for i in range(room + begin, room + end):
                        least = minimum_$unsigned(least, w[i])
                    if least <= bound:
                        for i in range(begin, end):
                            v = w[room + i]
                            found[room + size] = u32(i)
                            few[room + size] = v
                            size += i64(v <= bound)
            left = wanted
            kept = size
            bound = $zero
            for p in range($passes):
                shift = $unsigned(($passes - 1 - p) * $digit)
                for d in range($radix):
                    counts[d] = u32(0)
                for i in range(room, room + kept):
                    d = i64((few[i] >> shift) & $mask)
                    counts[d] = u32(counts[d] + u32(1))
                d = 0
                while i64(counts[d]) < left:
                    left -= i64(counts[d])
                    d += 1
                bound = $unsigned(bound | $unsigned($unsigned(d) << shift))
                c = 0
                for i in range(room, room + kept):
                    v = few[i]
                    few[room + c] = v
                    c += i64(i64((v >> shift) & $mask) == d)
                kept = c
        c = job * wanted
        for i in range(room, room + size):
            v = w[room + i64(found[i])]
            if v <= bound:
                if v < bound or left > 0:
                    out[c] = u32(start + i64(found[i]))
                    c += 1
                left -= i64(v == bound)
    return 0
"""


def passes(keys: Keys) -> int:
    """Digits of a key."""
    return keys.bits // DIGIT


def kernel(keys: Keys) -> str:
    """The kernel that selects in the pieces lo..hi-1, counted row by row.

    Every piece has at least as many elements as are wanted.
    Table: int64 [row length, pieces of a row, elements of a piece, of a block, wanted, pieces in
    a chunk]; elements; uint32 places within the row, `wanted` per piece; keys, a piece per chunk;
    the same; uint32, likewise.
    """
    return fill(
        _SELECT,
        unsigned=keys.unsigned,
        encode=keys.encode(),
        highest=keys.highest,
        zero=keys.number(0),
        passes=passes(keys),
        radix=RADIX,
        digit=DIGIT,
        mask=keys.number(RADIX - 1),
    )

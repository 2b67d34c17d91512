"""What is sorted, as text: elements to unsigned keys, keys to words, words back to elements.

In: a dtype and what is wanted of the sorted rows.  Out: lines for the kernels of `sort_radix` and
`sort_network`, which move words and compare them as unsigned integers, whatever the dtype.
A word is the key alone; or the key above its place in the row ("packed", keys of at most 32 bits);
or key and place in two arrays ("paired").
Knows nothing of: how words are put in order.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core import dtypes
from ..core.dtypes import DType

INDENT = "    "


def fill(template: str, **parts: str | int | Sequence[str]) -> str:
    """The template with `$name` replaced by text, and a line `$name` by lines, indented alike."""
    inline = {name: part for name, part in parts.items() if isinstance(part, str | int)}
    out: list[str] = []
    for line in template.strip("\n").splitlines():
        block = parts.get(line.strip().removeprefix("$"))
        if block is None or isinstance(block, str | int):
            out.append(string.Template(line).substitute(inline))
        else:
            out += [line[: line.index("$")] + x for x in block]
    return "\n".join(out) + "\n"


@dataclass(frozen=True)
class Keys:
    """Elements of a dtype as unsigned integers of the same width, in the order of sorting.

    -0 and 0 have one key, and so have all NaN, the highest.  `falling`: the order of top_k,
    largest first, where -0 comes after 0.
    """

    dtype: DType
    falling: bool = False

    @property
    def bits(self) -> int:
        return 8 * self.dtype.itemsize

    @property
    def unsigned(self) -> str:
        """Suffix of the integers that elements are read as."""
        return f"u{self.bits}"

    @property
    def is_float(self) -> bool:
        return dtypes.is_float(self.dtype)

    def number(self, value: int) -> str:
        """An unsigned constant, as text."""
        return f"{self.unsigned}({value})"

    @property
    def highest(self) -> str:
        return self.number((1 << self.bits) - 1)

    @property
    def top(self) -> str:
        """The sign bit: also the key of 0 among floats."""
        return self.number(1 << (self.bits - 1))

    @property
    def is_nan(self) -> str:
        """Test of `m`, the bits of an element without its sign."""
        infinity = np.array(np.inf, self.dtype).view(f"u{self.dtype.itemsize}")
        return f"m > {self.number(int(infinity))}"

    @property
    def size(self) -> str:
        """The line that makes `m` of the bits `q` of an element."""
        return f"m = {self.unsigned}(q & {self.number((1 << (self.bits - 1)) - 1)})"

    def encode(self) -> list[str]:
        """Lines from the bits `q` of an element to its key `k`."""
        u, top = self.unsigned, self.top
        if not self.is_float:
            return [self._flip("k", "q")]
        if self.falling:
            ordered = f"select_{u}(q >= {top}, q, {u}({self.highest} ^ {u}(q | {top})))"
            return [self.size, f"k = select_{u}({self.is_nan}, {self.number(0)}, {ordered})"]
        signed = f"select_{u}(q >= {top}, {u}({top} - m), {u}({top} + m))"
        return [self.size, f"k = select_{u}({self.is_nan}, {self.highest}, {signed})"]

    def decode(self) -> list[str]:
        """Lines from a key `k` to the bits `q` of an element of this key."""
        if not self.is_float:
            return [self._flip("q", "k")]
        u, top = self.unsigned, self.top
        return [f"q = select_{u}(k >= {top}, {u}(k - {top}), {u}({top} | {u}({top} - k)))"]

    def _flip(self, target: str, source: str) -> str:
        mask = 1 << (self.bits - 1) if self.dtype in dtypes.SIGNED else 0
        mask ^= (1 << self.bits) - 1 if self.falling else 0
        flipped = f"{self.unsigned}({source} ^ {self.number(mask)})"
        return f"{target} = {flipped if mask else source}"


@dataclass(frozen=True)
class Rows:
    """What is wanted of sorted rows.

    wanted: "elements", or the suffix of the integers that say each element's former place.
    composed: rows are read in a given order, and places are told through it.
    """

    keys: Keys
    wanted: str = "elements"
    composed: bool = False

    @property
    def form(self) -> str:
        """How keys and places lie in memory: alone, packed or paired."""
        if self.wanted == "elements":
            return "alone"
        return "packed" if self.keys.bits <= 32 else "paired"

    @property
    def out(self) -> str:
        """Suffix of the results."""
        return self.keys.unsigned if self.form == "alone" else self.wanted

    @property
    def shift(self) -> int:
        """Bits of a word below its key."""
        return 32 if self.form == "packed" else 0

    def pointers(self, first: int) -> list[str]:
        """The line that finds the given order, as entry `first` of the table."""
        return [f"order = pointer_u32(args, {first})"] if self.composed else []

    def read(self, place: str) -> list[str]:
        """Lines that make `k` of the element at `place` of the row that begins at `at`.

        A given order begins there; its places count from `whole`.
        """
        at = f"whole + i64(order[at + {place}])" if self.composed else f"at + {place}"
        return [f"q = x[{at}]", *self.keys.encode()]

    def place(self, number: str) -> str:
        """The place to tell of an element read as the `number`th of its row."""
        told = f"order[at + i64({number})]" if self.composed else number
        return f"{self.wanted}({told})"

    @property
    def notes(self) -> list[str]:
        """Lines that note in `odd` that the element `q` is not what its key decodes to."""
        if self.form != "alone" or not self.keys.is_float:
            return []
        test = f"maximum_bool({self.keys.is_nan}, q == {self.keys.top})"
        u = self.keys.unsigned
        return [f"odd = {u}(odd | {u}({test}))"]

    def repair(self, key: str) -> list[str]:
        """Lines that put zeros and NaN back as they were; `key` is the i-th sorted key."""
        if not self.notes:
            return []
        keys = self.keys
        text = fill(
            REPAIR, key=key, zero=keys.top, highest=keys.highest, nan=keys.is_nan, size=keys.size,
            nought=keys.number(0),
        )  # fmt: skip
        return text.splitlines()


# Sorted keys have told how many elements come before the zeros and before the NaN.
REPAIR = """
if odd != 0:
    zeros = 0
    nans = 0
    for i in range(n):
        zeros += i64($key < $zero)
        nans += i64($key < $highest)
    for i in range(n):
        q = x[at + i]
        $size
        if m == $nought:
            out[at + zeros] = q
            zeros += 1
        if $nan:
            out[at + nans] = q
            nans += 1
"""


def can_sort(dtype: DType) -> bool:
    """Whether elements of a dtype have keys."""
    return dtypes.kind(dtype) != "c"

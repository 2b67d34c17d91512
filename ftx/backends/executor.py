"""The executor: runs a program, a table of thunks, over buffers by address.

In: thunks (kernels by address, products, copies, host calls, loops, branches) over named buffers.
Out: `Compiled(program).run(inputs, outputs)`, re-entrant, which writes the outputs in place.
Called by the CPU back end. The machine that walks the table is itself a kernel of the cache.
Must not know: jaxprs, shapes, dtypes (but of products), how kernels or memory were planned.

One int64 array per program holds a header and instructions; one block of memory per running call
(a workspace) holds an address per buffer, the address tables of the thunks, and the arena.
"""

from __future__ import annotations

import ctypes
import itertools
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..core.config import config
from . import blas, machine, parallel
from .machine import Head, Op, Work
from .thunks import (
    Buffer,
    Copy,
    Entry,
    Fill,
    For,
    Gemm,
    Host,
    Rows,
    RunChunks,
    RunKernel,
    Switch,
    Thunk,
    While,
)


class ExecutionError(RuntimeError):
    """A thunk stopped the program: which one (preorder number, object) and its status."""

    def __init__(self, thunk_index: int, status: int, thunk: Any = None):
        super().__init__(f"execute: thunk {thunk_index} ({thunk}) stopped with status {status}")
        self.thunk_index, self.status, self.thunk = thunk_index, status, thunk


# ---- Assembling a program ----------------------------------------------------------------------


class Program:
    """Thunks made into one int64 array, with what a workspace for them needs.

    Args:
      thunks: run in order.
      inputs, outputs: buffers whose arrays come with each call, in this order. Outputs may also be
        read, and one array may be both input and output if no kernel knows it by both names.
      constants: buffer -> array (kept alive, contiguous) or address.
      temporaries: buffer -> byte offset in the arena.
      arena_bytes: size of the arena, 64-byte aligned memory of each running call.
      release_gil: False saves 0.05 us in programs that take well under 1 us.
    Raises: KeyError for a buffer that nothing defines; ValueError for bad operands of a thunk.
    """

    def __init__(
        self,
        thunks: Sequence[Thunk],
        inputs: Sequence[Buffer] = (),
        outputs: Sequence[Buffer] = (),
        constants: Mapping[Buffer, Any] | None = None,
        temporaries: Mapping[Buffer, int] | None = None,
        arena_bytes: int = 0,
        release_gil: bool = True,
    ):
        self.thunks, self.arena_bytes, self.release_gil = tuple(thunks), arena_bytes, release_gil
        self.n_inputs, self.n_outputs = len(inputs), len(outputs)
        self.constants = dict(constants or {})
        self.temporaries = dict(temporaries or {})
        self.flat: list[Thunk] = []  # by thunk number
        self.hosts: list[int] = []
        self.uses_pool = False
        self._copies: list[tuple[int, int]] = []  # (word of their address, number)
        self._words: dict[Buffer, int] = {}  # buffer -> its word in the workspace
        self._entries: list[tuple[int, Buffer, int]] = []  # (word, buffer, byte offset)
        self._size = int(Work.ADDRESSES)
        for buffer in itertools.chain(inputs, outputs, self.constants, self.temporaries):
            if buffer in self._words:
                raise ValueError(f"Program: buffer {buffer!r} is defined twice")
            self._words[buffer] = self._new_word()
        weakref.finalize(self, _forget_hosts, self.hosts)
        body = self._block(self.thunks)
        called = {*inputs, *outputs}
        refills = [entry for entry in self._entries if entry[1] in called]
        self.code = [Op.BIND, len(refills), *self._refills(refills), *body, Op.END]

    def _new_word(self) -> int:
        self._size += 8
        return self._size - 8

    def _table(self, *entries: Entry) -> int:
        """A new address table; the word of its first entry."""
        first = self._size
        for entry in entries:
            self._source(entry)
            place = entry if isinstance(entry, tuple) else (entry, 0)
            self._entries.append((self._new_word(), *place))
        return first

    def _source(self, entry: Entry) -> tuple[int, int]:
        """(word of the buffer's address, byte offset) of a place."""
        buffer, offset = entry if isinstance(entry, tuple) else (entry, 0)
        if buffer not in self._words:
            kinds = "input, output, constant, temporary or view of a loop around it"
            raise KeyError(f"Program: expected a buffer that is an {kinds}, got {buffer!r}")
        return self._words[buffer], offset

    def _refills(self, entries: Sequence[tuple[int, Buffer, int]]) -> list[int]:
        rows = [(word, self._words[buffer], offset) for word, buffer, offset in entries]
        return list(itertools.chain.from_iterable(rows))

    def _block(self, thunks: Sequence[Thunk]) -> list[int]:
        code: list[int] = []
        for thunk in thunks:
            number = len(self.flat)
            self.flat.append(thunk)
            code += getattr(self, "_" + type(thunk).__name__)(thunk, number)
        return code

    def _RunKernel(self, thunk: RunKernel, number: int) -> list[int]:
        return [Op.KERNEL, number, thunk.kernel.address, self._table(*thunk.entries), thunk.n]

    def _Copy(self, thunk: Copy, number: int) -> list[int]:
        return [Op.COPY, number, self._table(thunk.target, thunk.source), thunk.bytes]

    def _Fill(self, thunk: Fill, number: int) -> list[int]:
        return [Op.FILL, number, self._table(thunk.target), thunk.bytes, thunk.value]

    def _Host(self, thunk: Host, number: int) -> list[int]:
        host = next(_host_numbers)
        _hosts[host] = thunk
        self.hosts.append(host)
        return [Op.HOST, number, _host_address, host, self._table(*thunk.entries)]

    def _RunChunks(self, thunk: RunChunks, number: int) -> list[int]:
        if thunk.chunk < 1:
            raise ValueError(f"RunChunks: expected a chunk of 1 or more, got {thunk.chunk}")
        together = config.enabled("parallel")
        self.uses_pool |= together
        return [
            Op.REGION,
            number,
            10 * 8,
            Head.CHUNKS,
            -(-thunk.n // thunk.chunk),
            int(together),
            thunk.kernel.address,
            self._table(*thunk.entries),
            thunk.n,
            thunk.chunk,
        ]

    def _Gemm(self, thunk: Gemm, number: int) -> list[int]:
        together, words = blas.blas_words(thunk)
        together &= config.enabled("parallel")
        self.uses_pool |= bool(together)
        table = self._table(thunk.a, thunk.b, thunk.c)
        words = [Head.PRODUCTS, thunk.batch, together, table, *words]
        return [Op.REGION, number, 8 * (3 + len(words)), *words]

    def _Switch(self, thunk: Switch, number: int) -> list[int]:
        if thunk.index_bytes not in (1, 4, 8) or not thunk.branches:
            raise ValueError(
                f"Switch: expected branches and an index of 1, 4 or 8 bytes, got "
                f"{len(thunk.branches)} and {thunk.index_bytes}"
            )
        head = [Op.SWITCH, self._table(thunk.index), thunk.index_bytes, len(thunk.branches)]
        blocks = [self._block(branch) for branch in thunk.branches]
        end = len(head) + len(blocks) + sum(len(block) + 2 for block in blocks)
        jumps: list[int] = []
        code: list[int] = []
        for block in blocks:  # every jump counts from its own instruction
            here = len(head) + len(blocks) + len(code)
            jumps.append(8 * here)
            code += [*block, Op.JUMP, 8 * (end - here - len(block))]
        return head + jumps + code

    def _loop(self, thunk: For | While, first_out: bool, parts: Callable[[], Any]) -> list[Any]:
        """[bind, front, body, step, settle]; `parts` assembles (front, body) with views known."""
        binds, advances, swaps, settles = [], [], [], []
        views: set[Buffer] = set()
        for view in thunk.slices:
            source = self._source(view.of)
            binds.append((self._view(view.view, views), *source))
            advances.append((self._words[view.view], view.stride))
        for carry in thunk.carries:
            init, *ends = [self._source(entry) for entry in (carry.init, carry.out, carry.spare)]
            read, write = self._view(carry.read, views), self._view(carry.write, views)
            out, spare = self._new_word(), self._new_word()
            places = [init, ends[not first_out], *ends]
            words = (read, write, out, spare)
            binds += [(word, *place) for word, place in zip(words, places, strict=True)]
            swaps.append(words)
            settles.append((read, out, carry.bytes))
        start = len(self._entries)
        front, body = parts()
        strides = {view.view: view.stride for view in thunk.slices}
        inside = [entry for entry in self._entries[start:] if entry[1] in views]
        carried = [entry for entry in inside if entry[1] not in strides]
        # A slice's table entries advance with it; a carry's are filled again after the swap.
        advances += [(word, strides[name]) for word, name, _ in inside if name in strides]
        sizes = [len(advances), len(swaps), len(carried)]
        chain = itertools.chain.from_iterable
        bind = [Op.BIND, len(binds) + len(inside), *chain(binds), *self._refills(inside)]
        step = [Op.STEP, *sizes, *chain(advances), *chain(swaps), *self._refills(carried)]
        for name in views:
            del self._words[name]
        return [bind, front, body, step, [Op.SETTLE, len(settles), *chain(settles)]]

    def _view(self, buffer: Buffer, views: set[Buffer]) -> int:
        if buffer in self._words:
            raise ValueError(f"Program: loop view {buffer!r} has the name of another buffer")
        views.add(buffer)
        word = self._words[buffer] = self._new_word()
        return word

    def _For(self, thunk: For, number: int) -> list[int]:
        counter, total = self._new_word(), self._new_word()
        n: Any = thunk.n
        limit = self._table(n) if thunk.n_bytes else n

        def parts() -> tuple[list[int], list[int]]:
            front: list[int] = []
            if thunk.index is not None:
                at = self._table(thunk.index)
                front = [Op.INDEX, at, thunk.index_bytes, counter, total]
            return front, self._block(thunk.body)

        even = not thunk.n_bytes and n % 2 == 0  # then the last iteration writes `out`
        bind, front, body, step, settle = self._loop(thunk, not even, parts)
        inside = [*front, *body, *step]
        head = [Op.COUNT, counter, total, thunk.n_bytes, limit, 8 * (len(inside) + 9)]
        return [*bind, *head, *inside, Op.AGAIN, counter, -8 * len(inside), *settle]

    def _Rows(self, thunk: Rows, number: int) -> list[int]:
        region, counter = thunk.region, self._new_word()
        copies, _ = self._new_word(), self._new_word()
        self._copies.append((copies, region.pieces))
        self.uses_pool = True
        bind, _, body, step, _ = self._loop(thunk, True, lambda: ([], self._block(thunk.body)))
        moved = [(word, region.stride) for word in self._words_of(region.private)]
        given = step[4 : 4 + 2 * step[1]]
        advances = list(zip(given[::2], given[1::2], strict=True))
        sizes = [len(moved), len(advances)]
        own = [*itertools.chain.from_iterable([*moved, *advances])]
        loop = [*body, *step, Op.AGAIN, counter, -8 * (len(body) + len(step)), Op.END]
        head = [counter, copies, thunk.n, *sizes, *own, *loop]
        size = 8 * (6 + len(head))
        return [*bind, Op.REGION, number, size, Head.ROWS, region.pieces, 1, *head]

    def _words_of(self, buffers: Any) -> list[int]:
        """Every word that holds an address in one of the buffers."""
        inside = [word for word, buffer, _ in self._entries if buffer in buffers]
        return [self._words[buffer] for buffer in buffers] + inside

    def _While(self, thunk: While, number: int) -> list[int]:
        def parts() -> tuple[list[int], list[int]]:
            condition = self._block(thunk.condition)
            test = [Op.SWITCH, self._table(thunk.predicate), 1, 2]
            return condition + test, self._block(thunk.body)

        bind, front, body, step, settle = self._loop(thunk, True, parts)
        after = [*body, *step]
        jumps = [8 * (6 + len(after) + 2), 8 * 6]
        return [
            *bind,
            *front,
            *jumps,
            *after,
            Op.JUMP,
            -8 * (len(front) + len(jumps) + len(after)),
            *settle,
        ]


# ---- Running -----------------------------------------------------------------------------------

_hosts: dict[int, Host] = {}
_host_numbers = itertools.count(1)
_raised = threading.local()  # what a host function raised on this thread


@ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
def _call_host(number: int, table: int) -> int:
    try:
        thunk = _hosts[number]
        addresses = list((ctypes.c_int64 * len(thunk.entries)).from_address(table))
        if thunk.specs is None:
            thunk.function(*addresses)
        else:
            thunk.function(
                *[
                    _array_at(address, shape, dtype)
                    for address, (shape, dtype) in zip(addresses, thunk.specs, strict=True)
                ]
            )
    except BaseException as error:  # KeyboardInterrupt too: `run` raises it again
        _raised.error = error
        return 1
    return 0


def _forget_hosts(numbers: list[int]) -> None:
    for number in numbers:
        _hosts.pop(number, None)


_host_address: int = ctypes.cast(_call_host, ctypes.c_void_p).value or 0


def _array_at(address: int, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    dtype = np.dtype(dtype)
    size = max(1, dtype.itemsize * int(np.prod(shape, dtype=np.int64)))
    memory = (ctypes.c_char * size).from_address(address)
    return np.ndarray(shape, dtype, buffer=memory)


class Compiled:
    """A program ready to run, from any number of threads at once.

    >>> Compiled(Program([Copy("y", "x", 8)], ["x"], ["y"])).run([np.ones(1)], [np.zeros(1)])
    """

    def __init__(self, program: Program):
        self.program = program
        walk, workers, enter = machine.load_machine()
        self._layer = parallel.layer() if program.uses_pool else None
        pool = [parallel.threads_address, 0, self._layer.address if self._layer else 0]
        if self._layer and self._layer.needs_lock:
            pool[1] = parallel.lock_address
        kinds = [id(kind) for kind in (list, tuple, np.ndarray, int)]
        names = ["PyLong_AsVoidPtr", "PyLong_FromLongLong"]
        names += ["PyEval_SaveThread", "PyEval_RestoreThread"] if program.release_gil else []
        calls = [machine.c_address(name) for name in names] + [0] * (4 - len(names))
        header = [0, program.n_inputs, program.n_outputs, *kinds, *calls, walk.address, *pool]
        header += [worker.address for worker in workers]  # in the order of Head
        self._code = np.array([*header, *program.code], np.int64)
        self._workspaces: dict[int, np.ndarray] = {}  # by address; keeps them alive
        self._lock = threading.Lock()
        fast = machine.make_entry(enter, self._code) if enter is not None else None
        self._enter: Any = fast or self._enter_slowly

    def run(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Run on these arrays.

        Args:
          inputs, outputs: a list or tuple each of contiguous ndarrays (or integer addresses) of
            the sizes that the program was made for: sizes are not checked.
        Raises: what a host function raised; ExecutionError if a kernel returned a status;
          TypeError if there are more or fewer arrays than the program has, or something else.
        """
        status = self._enter(inputs, outputs)
        if status:
            self._continue(status, inputs, outputs)

    def _continue(self, status: int, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        while status == -1:  # no free workspace
            self._enter(self._new_workspace())
            status = self._enter(inputs, outputs)
        if status == -2:
            kinds = [
                "[" + ", ".join(type(item).__name__ for item in side) + "]"
                for side in (inputs, outputs)
            ]
            raise TypeError(
                f"run: expected lists of {self.program.n_inputs} inputs and "
                f"{self.program.n_outputs} outputs, all numpy.ndarray or addresses, "
                f"got {kinds[0]} and {kinds[1]}; use numpy.asarray"
            )
        if status:
            space = self._workspaces[status].view(np.int64)
            thunk, code = int(space[Work.FAILED // 8]), int(space[Work.STATUS // 8])
            self._enter(status)
            error, _raised.error = getattr(_raised, "error", None), None
            if error is not None and isinstance(self.program.flat[thunk], Host):
                raise error
            raise ExecutionError(thunk, code, self.program.flat[thunk])

    def _new_workspace(self) -> int:
        program = self.program
        head = -(-program._size // 64) * 64
        size = head + -(-program.arena_bytes // 64) * 64
        copies = sum(pieces for _, pieces in program._copies) * head
        memory = np.empty(size + copies + 64, np.uint8)
        skip = -memory.ctypes.data % 64
        memory = memory[skip : skip + size + copies]
        address = memory.ctypes.data
        words = memory[:head].view(np.int64)
        words[:] = 0
        for buffer, offset in program.temporaries.items():
            words[program._words[buffer] // 8] = address + head + offset
        for buffer, value in program.constants.items():
            words[program._words[buffer] // 8] = (
                value.ctypes.data if isinstance(value, np.ndarray) else value
            )
        for word, buffer, offset in program._entries:
            if buffer in program.temporaries or buffer in program.constants:
                words[word // 8] = words[program._words[buffer] // 8] + offset
        at = address + size
        for word, pieces in program._copies:
            words[word // 8 : word // 8 + 2] = at, head
            at += pieces * head
        self._workspaces[address] = memory[:head]
        return address

    def _enter_slowly(self, inputs: Any, outputs: Sequence[Any] | None = None) -> int:
        """`enter` in Python, for interpreters whose objects lie otherwise in memory."""
        if outputs is None:  # give workspace `inputs` back
            with self._lock:
                space = self._workspaces[inputs].view(np.int64)
                space[Work.NEXT // 8] = self._code[Head.FREE // 8]
                self._code[Head.FREE // 8] = inputs
            return 0
        program = self.program
        items = [*inputs, *outputs]
        if (len(inputs), len(outputs)) != (program.n_inputs, program.n_outputs) or not all(
            isinstance(item, np.ndarray | int) for item in items
        ):
            return -2
        with self._lock:
            address = int(self._code[Head.FREE // 8])
            if address == 0:
                return -1
            space = self._workspaces[address].view(np.int64)
            self._code[Head.FREE // 8] = space[Work.NEXT // 8]
        for place, item in enumerate(items, Work.ADDRESSES // 8):
            space[place] = item.ctypes.data if isinstance(item, np.ndarray) else item
        call = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 4)(machine.load_machine()[0].address)
        if call(address, self._code.ctypes.data, 0):
            return address
        self._enter(address)
        return 0

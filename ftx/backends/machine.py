"""The executor's machine: its instructions, its text as kernels, and how Python calls it.

In: nothing.  Out: layouts of programs and workspaces (`Op`, `Head`, `Work`), the loaded machine.
Called by the executor only.  Must not know: programs, buffers, jaxprs.
"""

from __future__ import annotations

import ctypes
import enum
import functools
import sys
from typing import Any

import numpy as np

from . import cache
from .machine_code import Kernel


class Op(enum.IntEnum):
    """First word of an instruction."""

    END, KERNEL, REGION, COPY, FILL, HOST, BIND, COUNT, INDEX, STEP, AGAIN, JUMP, SWITCH, SETTLE = (
        range(14)
    )


class Head(enum.IntEnum):
    """Words before a program's instructions, as byte offsets."""

    (
        FREE,
        INPUTS,
        OUTPUTS,
        LIST,
        TUPLE,
        NDARRAY,
        INT,
        AS_ADDRESS,
        FROM_INT,
        SAVE,
        RESTORE,
        MACHINE,
        THREADS,
        LOCK,
        POOL,
        CHUNKS,
        PRODUCTS,
        ROWS,
        CODE,
    ) = range(0, 19 * 8, 8)


class Work(enum.IntEnum):
    """Words before a workspace's addresses, as byte offsets: next free one; failing thunk and its
    status; a region's first item, item count, step; for its worker: instruction, workspace, status,
    program.
    """

    NEXT, FAILED, STATUS, FIRST, ITEMS, STEP, JOB_PC, JOB_WS, JOB_STATUS, JOB_CODE, ADDRESSES = (
        range(0, 88, 8)
    )


FAILED_INSIDE = -1
"""Status of a region whose failing thunk is not its own."""


_HEAD = object.__basicsize__  # of a Python object; NumPy's data pointer follows it
LAYOUT = {
    "DATA": _HEAD,
    "TYPE": _HEAD - 8,
    "SIZE": _HEAD,
    "LIST_ITEMS": _HEAD + 8,
    "TUPLE_ITEMS": tuple.__basicsize__,
}

# run_program walks the instructions; run_chunks, run_products and run_rows are workers of a region,
# whose first six words are the machine's own; enter is called by Python. Jumps count from their own
# instruction; addresses of the workspace are byte offsets.
_TEMPLATE = """
def run_program(ws, code, start):
    pc = code + {Head.CODE} + start
    while True:
        op = load_int64(pc)
        if op == {Op.KERNEL}:                 # thunk, kernel, table, n
            status = call_address(load_int64(pc + 16),
                                  (ws + load_int64(pc + 24), 0, load_int64(pc + 32)))
            if status != 0:
                store_int64(ws + {Work.FAILED}, load_int64(pc + 8))
                store_int64(ws + {Work.STATUS}, status)
                return 1
            pc += 40
        elif op == {Op.STEP}:                 # sizes; (word, stride); (read, write, a, b); refills
            advances = load_int64(pc + 8)
            swaps = load_int64(pc + 16)
            refills = load_int64(pc + 24)
            pc += 32
            for i in range(advances):
                at = ws + load_int64(pc)
                store_int64(at, load_int64(at) + load_int64(pc + 8))
                pc += 16
            for i in range(swaps):
                at = ws + load_int64(pc + 8)
                written = load_int64(at)
                store_int64(ws + load_int64(pc), written)
                store_int64(at, load_int64(ws + load_int64(pc + 16))
                            + load_int64(ws + load_int64(pc + 24)) - written)
                pc += 32
            for i in range(refills):
                store_int64(ws + load_int64(pc), load_int64(ws + load_int64(pc + 8))
                            + load_int64(pc + 16))
                pc += 24
        elif op == {Op.AGAIN}:                # counter, jump
            at = ws + load_int64(pc + 8)
            left = load_int64(at) - 1
            store_int64(at, left)
            pc += load_int64(pc + 16) if left > 0 else 24
        elif op == {Op.JUMP}:                 # jump
            pc += load_int64(pc + 8)
        elif op == {Op.SWITCH}:               # entry, width, count, jumps
            at = load_int64(ws + load_int64(pc + 8))
            width = load_int64(pc + 16)
            value = (load_int8(at) if width == 1 else load_int32(at) if width == 4
                     else load_int64(at))
            value = min(max(value, 0), load_int64(pc + 24) - 1)
            pc += load_int64(pc + 32 + 8 * value)
        elif op == {Op.BIND}:                 # size; (word, source word, offset)
            size = load_int64(pc + 8)
            pc += 16
            for i in range(size):
                store_int64(ws + load_int64(pc), load_int64(ws + load_int64(pc + 8))
                            + load_int64(pc + 16))
                pc += 24
        elif op == {Op.INDEX}:                # entry, width, counter, total
            at = load_int64(ws + load_int64(pc + 8))
            value = load_int64(ws + load_int64(pc + 32)) - load_int64(ws + load_int64(pc + 24))
            if load_int64(pc + 16) == 4:
                store_int32(at, value)
            else:
                store_int64(at, value)
            pc += 40
        elif op == {Op.COUNT}:                # counter, total, width (0: given), n or entry, jump
            width = load_int64(pc + 24)
            value = load_int64(pc + 32)
            if width != 0:
                at = load_int64(ws + value)
                value = (load_int8(at) if width == 1 else load_int32(at) if width == 4
                         else load_int64(at))
            store_int64(ws + load_int64(pc + 8), value)
            store_int64(ws + load_int64(pc + 16), value)
            pc += load_int64(pc + 40) if value <= 0 else 48
        elif op == {Op.SETTLE}:               # size; (read, out, bytes)
            size = load_int64(pc + 8)
            pc += 16
            for i in range(size):
                source = load_int64(ws + load_int64(pc))
                target = load_int64(ws + load_int64(pc + 8))
                if source != target:
                    copy_bytes(target, source, load_int64(pc + 16))
                pc += 24
        elif op == {Op.COPY}:                 # thunk, table, bytes
            at = ws + load_int64(pc + 16)
            copy_bytes(load_int64(at), load_int64(at + 8), load_int64(pc + 24))
            pc += 32
        elif op == {Op.FILL}:                 # thunk, table, bytes, value
            fill_bytes(load_int64(ws + load_int64(pc + 16)), load_int64(pc + 24),
                       load_int64(pc + 32))
            pc += 40
        elif op == {Op.REGION}:               # thunk, size, worker's header word, items, parallel
            items = load_int64(pc + 32)
            worker = load_int64(code + load_int64(pc + 24))
            store_int64(ws + {Work.FIRST}, 0)
            store_int64(ws + {Work.ITEMS}, items)
            store_int64(ws + {Work.STEP}, 1)
            store_int64(ws + {Work.JOB_PC}, pc)
            store_int64(ws + {Work.JOB_WS}, ws)
            store_int64(ws + {Work.JOB_STATUS}, 0)
            store_int64(ws + {Work.JOB_CODE}, code)
            threads = min(load_int64(load_int64(code + {Head.THREADS})), items)
            pool = load_int64(code + {Head.POOL})
            lock = load_int64(code + {Head.LOCK})
            together = threads > 1 and pool != 0 and load_int64(pc + 40) != 0
            if together and lock != 0:
                together = swap_if_equal(lock, 0, 1) != 0
            if together:
                call_address(pool, (worker, ws + {Work.FIRST}, ws + {Work.ITEMS}, ws + {Work.STEP},
                                    ws + {Work.JOB_PC}, 0, 1, threads))
                if lock != 0:
                    store_int64(lock, 0)
            else:
                call_address(worker, (ws + {Work.FIRST}, ws + {Work.ITEMS}, ws + {Work.STEP},
                                      ws + {Work.JOB_PC}))
            status = load_int64(ws + {Work.JOB_STATUS})
            if status == {FAILED_INSIDE}:
                return 1
            if status != 0:
                store_int64(ws + {Work.FAILED}, load_int64(pc + 8))
                store_int64(ws + {Work.STATUS}, status)
                return 1
            pc += load_int64(pc + 16)
        elif op == {Op.HOST}:                 # thunk, callback, host, table
            if call_address(load_int64(pc + 16),
                            (load_int64(pc + 24), ws + load_int64(pc + 32))) != 0:
                store_int64(ws + {Work.FAILED}, load_int64(pc + 8))
                store_int64(ws + {Work.STATUS}, -1)
                return 1
            pc += 40
        else:
            return 0


def run_chunks(args, dims, steps, data):   # region: …, kernel, table, n, chunk
    pc = load_int64(data)
    kernel = load_int64(pc + 48)
    table = load_int64(data + 8) + load_int64(pc + 56)
    n = load_int64(pc + 64)
    chunk = load_int64(pc + 72)
    first = load_int64(args)
    for c in range(first, first + load_int64(dims)):
        status = call_address(kernel, (table, c * chunk, min(n, (c + 1) * chunk)))
        if status != 0:
            store_int64(data + 16, status)
    return 0


def run_products(args, dims, steps, data): # region: …, table, function, form, operands of BLAS
    pc = load_int64(data)
    table = load_int64(data + 8) + load_int64(pc + 48)
    function = load_int64(pc + 56)
    form = load_int64(pc + 64)
    at = pc + 72
    first = load_int64(args)
    for i in range(first, first + load_int64(dims)):
        a = load_int64(table) + i * load_int64(pc + 168)
        b = load_int64(table + 8) + i * load_int64(pc + 176)
        c = load_int64(table + 16) + i * load_int64(pc + 184)
        if form == 0:                      # matrices; in BLAS's order of columns c' = b' a'
            call_address(function, (at, at + 8, at + 16, at + 24, at + 32, at + 64, b, at + 40,
                                    a, at + 48, at + 80, c, at + 56))
        else:                              # matrix a, vector b; or the other way round
            if form == 2:
                a, b = b, a
            call_address(function, (at, at + 16, at + 24, at + 64, a, at + 40, b, at + 48,
                                    at + 80, c, at + 56))
    return 0


def run_rows(args, dims, steps, data):     # region: …, counter, copies, n, sizes; (word, stride)
    pc = load_int64(data)
    ws = load_int64(data + 8)
    code = load_int64(data + 24)
    pieces = load_int64(pc + 32)
    n = load_int64(pc + 64)
    moved = load_int64(pc + 72)
    advances = load_int64(pc + 80)
    copies = load_int64(ws + load_int64(pc + 56))
    size = load_int64(ws + load_int64(pc + 56) + 8)
    first = load_int64(args)
    for c in range(first, first + load_int64(dims)):
        own = copies + c * size            # a workspace like ours, but for its temporaries
        copy_bytes(own, ws, size)
        begin = c * n // pieces
        at = pc + 88
        for i in range(moved):
            word = own + load_int64(at)
            store_int64(word, load_int64(word) + c * load_int64(at + 8))
            at += 16
        for i in range(advances):
            word = own + load_int64(at)
            store_int64(word, load_int64(word) + begin * load_int64(at + 8))
            at += 16
        store_int64(own + load_int64(pc + 48), (c + 1) * n // pieces - begin)
        machine = load_int64(code + {Head.MACHINE})
        if call_address(machine, (own, code, at - code - {Head.CODE})) != 0:
            store_int64(ws + {Work.FAILED}, load_int64(own + {Work.FAILED}))
            store_int64(ws + {Work.STATUS}, load_int64(own + {Work.STATUS}))
            store_int64(data + 16, {FAILED_INSIDE})
    return 0


def enter(self, args, count):              # METH_FASTCALL: (inputs, outputs) or (workspace,) -> int
    code = load_int64(self + {DATA})
    ws = load_int64(code + {Head.FREE})
    result = 0
    if count == 1:                         # here, under the GIL, since it must not be interrupted
        given = call_address(load_int64(code + {Head.AS_ADDRESS}), (load_int64(args),))
        store_int64(given + {Work.NEXT}, ws)
        store_int64(code + {Head.FREE}, given)
    elif ws == 0:
        result = -1
    else:
        at = ws + {Work.ADDRESSES}
        for side in range(2):
            items = load_int64(args + 8 * side)
            kind = load_int64(items + {TYPE})
            size = load_int64(items + {SIZE})
            place = 0
            if kind == load_int64(code + {Head.LIST}):
                place = load_int64(items + {LIST_ITEMS})
            elif kind == load_int64(code + {Head.TUPLE}):
                place = items + {TUPLE_ITEMS}
            if place == 0 and size != 0 or size != load_int64(code + {Head.INPUTS} + 8 * side):
                result = -2
                break
            for i in range(size):
                item = load_int64(place + 8 * i)
                kind = load_int64(item + {TYPE})
                if kind == load_int64(code + {Head.NDARRAY}):
                    store_int64(at, load_int64(item + {DATA}))
                elif kind == load_int64(code + {Head.INT}):
                    store_int64(at, call_address(load_int64(code + {Head.AS_ADDRESS}), (item,)))
                else:
                    result = -2
                at += 8
        if result == 0:
            store_int64(code + {Head.FREE}, load_int64(ws + {Work.NEXT}))
            save = load_int64(code + {Head.SAVE})
            machine = load_int64(code + {Head.MACHINE})
            if save != 0:
                state = call_address(save, (0,))
                result = call_address(machine, (ws, code, 0))
                call_address(load_int64(code + {Head.RESTORE}), (state,))
            else:
                result = call_address(machine, (ws, code, 0))
            if result != 0:
                result = ws                # not given back before its error is read
            else:
                store_int64(ws + {Work.NEXT}, load_int64(code + {Head.FREE}))
                store_int64(code + {Head.FREE}, ws)
    return call_address(load_int64(code + {Head.FROM_INT}), (result,))
"""
MACHINE_TEXT = _TEMPLATE.format(Op=Op, Head=Head, Work=Work, FAILED_INSIDE=FAILED_INSIDE, **LAYOUT)


def _layout_holds() -> bool:
    """Whether arrays, lists and tuples lie in memory as `enter` reads them (CPython with a GIL)."""
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    if sys.implementation.name != "cpython" or not has_gil:
        return False

    def word(address: int) -> int:
        return ctypes.c_int64.from_address(address).value

    array = np.arange(3)
    items = [array, array]
    pair = (array, array, array)
    first = word(id(items) + LAYOUT["LIST_ITEMS"])
    return (
        word(id(array) + LAYOUT["DATA"]) == array.ctypes.data
        and word(id(array) + LAYOUT["TYPE"]) == id(np.ndarray)
        and word(id(items) + LAYOUT["SIZE"]) == 2
        and word(id(pair) + LAYOUT["SIZE"]) == 3
        and word(first + 8) == id(array)
        and word(id(pair) + LAYOUT["TUPLE_ITEMS"] + 16) == id(array)
    )


class _MethodDef(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


@functools.cache
def load_machine() -> tuple[Kernel, tuple[Kernel, ...], Kernel | None]:
    """The machine, its workers in the order of `Head`, and `enter` if Python's objects are as
    it reads them.
    """
    machine = cache.get_kernel(MACHINE_TEXT, "run_program")
    names = ("run_chunks", "run_products", "run_rows")
    workers = tuple(cache.get_kernel(MACHINE_TEXT, name, arity=4) for name in names)
    enter = cache.get_kernel(MACHINE_TEXT, "enter") if _layout_holds() else None
    return machine, workers, enter


@functools.cache
def _entry_definition(enter: Kernel) -> _MethodDef:
    method_fastcall = 0x80
    return _MethodDef(b"run", enter.address, method_fastcall, None)


def make_entry(enter: Kernel, code: np.ndarray) -> Any:
    """The Python function (inputs, outputs) -> status of the program in the array `code`."""
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return make(ctypes.addressof(_entry_definition(enter)), code, None)


def c_address(name: str) -> int:
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0

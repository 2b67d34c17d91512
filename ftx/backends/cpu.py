"""The CPU backend: a jaxpr becomes a program of kernels, products, loops and host steps.

In: a jaxpr without consts.  Out: an executable that takes and returns Arrays.
Puts the stages together in the order of `pipeline`; bodies of loops and branches are
assembled the same way into the same program.
Knows nothing of: tracing and transforms other than the simplifier.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..core import result_pool
from ..core.array import Array, aval_of, fresh_array
from ..core.collector import without_collector
from ..core.config import config
from ..core.errors import CompiledCallError, IndexOutOfRangeError
from ..core.jaxpr import Eqn, Jaxpr, Literal, Var
from ..transforms.passes import as_simplified, simplify
from . import cache, loop_kernels, machine, parallel
from .bodies import (
    UNDEFINED,
    is_undefined,
    named_body,
    needed_in_memory,
    on_the_carry,
    only_results,
    row_of,
    row_slice,
    slots_of,
    with_updates_in_place,
)
from .compare import ComparingExecutable, check_results
from .convolutions import as_patches_jaxpr, conv_product
from .donation import reused, take, updates_of_donated
from .executor import Compiled, ExecutionError, Program
from .fusion import Group
from .lapack_steps import cholesky_steps, solve_steps
from .library import gemm_arguments, host_function
from .memory import Temporary
from .pipeline import prepare
from .product_steps import Front, dot_steps, one_blas_thread, product_steps, tile_shape
from .products import Product
from .rows import ENOUGH, Region, in_pieces, plan_memory
from .scatters import shared
from .sort_steps import sort_steps, top_k_steps
from .source_code import KernelSource, render
from .thunks import MAX_CHUNKS, Carry, Fill, For, Host, RunChunks, RunKernel, Switch, While
from .thunks import Copy as CopyBytes
from .vocabulary import kernel_namespace, vocabulary_version

PARALLEL = 1 << 18
"""Units (`costs.COST`) from which a kernel is worth a fork-join: 2 to 4 us of one thread."""
CHUNK = 1 << 15
"""Units in one chunk, at least."""


def _use_threads(count: int) -> None:
    parallel.set_num_threads(count or parallel.default_threads())


config.on_change("num_threads", _use_threads)
if config.num_threads:
    _use_threads(config.num_threads)


class Assembler:
    """Turns a graph into thunks, and collects what the program needs."""

    small_loops = True
    """Whether a loop of small bodies may become one kernel."""
    tiles = True
    """Whether products run on our own tiles."""

    pieces = True
    """Whether steps of a loop that do not need each other run at once."""
    shares_scatters = True
    """Whether threads share scatters by ranges and copies, having no atomic operations."""

    def __init__(self) -> None:
        self.small_loops = type(self).small_loops and config.enabled("small_loops")
        self.tiles = type(self).tiles and config.enabled("tiles")
        self.time = 0
        self.temporaries: list[Temporary] = []
        self.constants: dict[Any, Any] = {}
        self.sources: list[KernelSource | str] = []
        self.by_thunk: dict[int, KernelSource] = {}
        self.touched: list[set[Temporary]] = []
        self.fronts: list[Front] = []
        """What is done before each of the loops around, outermost first."""
        self.same: dict[Var, Var] = {}
        """Results that lie in the memory of a donated argument."""
        self.regions: list[Region] = []
        """Loops whose steps run at once."""
        self.uses_blas = False
        self.products: dict[int, Product] = {}
        self.packings: dict[int, Product] = {}
        """The products on our tiles, and the packing before them, by thunk."""

    # ---- buffers

    def temporary(self, aval: Any) -> Temporary:
        """Memory for a value, in use from now on."""
        return self.scratch(aval.nbytes)

    def touch(self, *buffers: Any) -> None:
        for b in buffers:
            if isinstance(b, Temporary):
                b.touch(self.time)
                for group in self.touched:
                    group.add(b)

    def scratch(self, nbytes: int) -> Temporary:
        """Memory that only the thunk being made uses."""
        found = Temporary(nbytes)
        self.temporaries.append(found)
        self.touch(found)
        return found

    def constant(self, value: Any, dtype: Any) -> Any:
        array = np.array(value, dtype, order="C")
        self.constants[key := f"constant {len(self.constants)}"] = array
        return key

    # ---- programs

    def program(self, jaxpr: Jaxpr, env: dict[Var, Any]) -> list[Any]:
        """Thunks for the equations of a prepared jaxpr whose inputs and results `env` names."""
        graph = prepare(jaxpr)
        needed = needed_in_memory(graph)
        thunks: list[Any] = []
        for node in graph.nodes:
            self.time += 1
            if isinstance(node, Group):
                groups = shared(node) if self.shares_scatters else [node]
                between = set().union(*[g.reads for g in groups[1:]])
                for group in groups:
                    thunks += self._kernels(group, env, needed | between if between else needed)
            else:
                thunks += self._library(node.eqn, env)
        return thunks

    def place(self, value: Any, env: dict[Var, Any]) -> Any:
        """The buffer of a value; a new temporary on first sight."""
        if isinstance(value, Literal):
            return self.constant(value.value, value.aval.dtype)
        if value not in env or is_undefined(value, env):
            env[value] = self.temporary(value.aval)
        self.touch(env[value])
        return env[value]

    def _kernels(self, group: Group, env: dict[Var, Any], needed: set[Any]) -> list[Any]:
        """Thunks that compute a group."""
        own = group.values
        source = render(group, lambda v: v in needed or v in env or v not in own, self.same)
        self.sources.append(source)
        if config.debug >= 4:
            print(f"ftx: {', '.join(source.labels)}\n{source.text}", file=sys.stderr)
        if config.debug >= 5:
            from .numba_adapter import inspect_kernel

            print(inspect_kernel(source.text, "kernel", kernel_namespace())[0], file=sys.stderr)
        return [self._thunk(source, [self.place(v, env) for v in source.entries])]

    def _thunk(self, source: KernelSource, entries: Sequence[Any]) -> Any:
        """The call of a kernel, in chunks if it does enough."""
        kernel = cache.get_kernel(
            source.text, "kernel", kernel_namespace, version=vocabulary_version()
        )
        label = ", ".join(source.labels)
        n = source.iterations
        if source.chunk or (source.work >= PARALLEL and n > 1):
            pieces = min(MAX_CHUNKS, max(2, source.work // CHUNK))
            chunk = source.chunk or max(source.grain, -(-n // pieces))
            thunk: Any = RunChunks(kernel, entries, n, chunk, label=label)
        else:
            thunk = RunKernel(kernel, entries, n, label=label)
        self.by_thunk[id(thunk)] = source
        return thunk

    def _library(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        special = getattr(self, f"_{eqn.primitive.name}", None)
        self.sources.append(f"# library step: {eqn.primitive.name}")
        return (special or self._host)(eqn, env)

    def _host(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        entries = [self.place(a, env) for a in (*eqn.invars, *eqn.outvars)]
        specs = [(a.aval.shape, a.aval.dtype) for a in (*eqn.invars, *eqn.outvars)]
        return [Host(host_function(eqn), entries, specs, label=eqn.primitive.name)]

    def _dot_general(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        a, b, c = (self.place(v, env) for v in (*eqn.invars, *eqn.outvars))
        out = eqn.outvars[0].aval
        arguments = gemm_arguments(eqn)
        if not out.size:
            return []
        if not arguments["k"]:
            return [Fill(c, out.nbytes)]
        return dot_steps(self, arguments, eqn.params["spec"], a, b, c)

    def _conv_general_dilated(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        x, y, out = [self.place(a, env) for a in (*eqn.invars, *eqn.outvars)]
        shape = tile_shape(eqn.outvars[0].aval.dtype) if self.tiles else None
        if shape is None:
            patches = as_patches_jaxpr(eqn)
            return self._body(patches, dict(zip(patches.invars, (x, y), strict=True)), [out])
        product = conv_product(eqn, shape)
        if not product.multiplications:
            return [Fill(out, eqn.outvars[0].aval.nbytes)]
        return product_steps(self, product, eqn.params["spec"], x, y, out)

    def _concatenate(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        """One operand after another."""
        (out,) = (self.place(v, env) for v in eqn.outvars)
        places = [self.place(a, env) for a in eqn.invars]
        sizes = [a.aval.nbytes for a in eqn.invars]
        starts = itertools.accumulate(sizes, initial=0)
        parts = zip(starts, places, sizes, strict=False)
        return [CopyBytes((out, start), x, size) for start, x, size in parts if size]

    def _cholesky(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        buffers = [self.place(a, env) for a in (*eqn.invars, *eqn.outvars)]
        return cholesky_steps(self, eqn, *buffers) or self._host(eqn, env)

    def _triangular_solve(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        buffers = [self.place(a, env) for a in (*eqn.invars, *eqn.outvars)]
        return solve_steps(self, eqn, *buffers) or self._host(eqn, env)

    def _sort_rows(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        return sort_steps(self, eqn, env)

    def _top_k(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        return top_k_steps(self, eqn, env)

    def _undefined(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        """Memory comes when somebody else than a loop that writes it asks for it."""
        env[eqn.outvars[0]] = UNDEFINED
        return []

    def _cond(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        which, *operands = [self.place(a, env) for a in eqn.invars]
        outs = [self.place(v, env) for v in eqn.outvars]
        branches = []
        with _Span(self):
            for branch in eqn.params["branches"]:
                inner = dict(zip(branch.invars, operands, strict=True))
                branches.append(self._body(branch, inner, outs))
        self.touch(which, *operands, *outs)
        return [Switch(which, branches)]

    def _body(self, jaxpr: Jaxpr, env: dict[Var, Any], outs: Sequence[Any]) -> list[Any]:
        """Thunks of a body that writes its results into the buffers `outs`."""
        body, names = named_body(jaxpr, env, outs)
        return self.program(body, names)

    def _scan(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        p, body = eqn.params, eqn.params["jaxpr"]
        n_consts, n_carry, length = p["n_consts"], p["n_carry"], p["length"]
        body, in_place = with_updates_in_place(body, n_consts, n_carry)
        ins = [self.place(a, env) for a in eqn.invars]
        outs = [self.place(v, env) for v in eqn.outvars]
        names = dict(zip(body.invars[:n_consts], ins[:n_consts], strict=True))
        thunks: list[Any] = []
        results: list[Any] = []
        carries: list[Carry] = []
        slices: list[Any] = []
        for i in range(n_carry):
            var, init, out = body.invars[n_consts + i], ins[n_consts + i], outs[i]
            never_changes = body.outvars[i] is var
            if never_changes:
                names[var] = init
                thunks.append(CopyBytes(out, init, var.aval.nbytes))
                results.append(None)
                continue
            if i in in_place:
                names[var] = out
                thunks.append(CopyBytes(out, init, var.aval.nbytes))
                results.append(out)
                continue
            carry = self._carry(var, init, out)
            names[var] = carry.read
            results.append(carry.write)
            carries.append(carry)
        rows = zip(body.invars[n_consts + n_carry :], ins[n_consts + n_carry :], strict=True)
        for var, whole in rows:
            names[var] = view = f"row {self.time} {len(slices)}"
            slices.append(row_slice(view, whole, var.aval.nbytes, length, p["reverse"]))
        for atom, whole in zip(body.outvars[n_carry:], outs[n_carry:], strict=True):
            results.append(view := f"row {self.time} {len(slices)}")
            slices.append(row_slice(view, whole, atom.aval.nbytes, length, p["reverse"]))
        kept = [i for i, r in enumerate(results) if r is not None]
        slim = body if len(kept) == len(results) else only_results(body, tuple(kept))
        placed = [results[i] for i in kept]
        if not length:
            self.touch(*ins, *outs)
            return thunks + [CopyBytes(c.out, c.init, c.bytes) for c in carries]
        slots = slots_of(carries, slim, names)
        named = named_body(slim, names, placed)
        apart = not carries and not in_place
        if self.small_loops and loop_kernels.fits([prepare(named[0])], slots):
            views = {s.view: row_of(s) for s in slices}
            writer = loop_kernels.LoopWriter(needed_in_memory, self.temporary, views, "n")
            source = loop_kernels.scan_kernel(
                writer, on_the_carry(named, carries), length, p["reverse"], slots, apart
            )
            if not (apart and writer.allocated and source.work >= ENOUGH):
                self.touch(*ins, *outs, *[c.spare for c in carries])
                return [*thunks, *self._run_loop(source, carries)]
        created = len(self.temporaries)
        with _Span(self), self._front(ins[:n_consts]) as front:
            inner = self.program(*named)
            apart &= self.pieces
            together = in_pieces(self, length, inner, slices, created) if apart else None
        self.touch(*ins, *outs, *[c.spare for c in carries])
        loop = together or For(length, inner, slices, carries)
        return [*thunks, *front.thunks, loop]

    @contextlib.contextmanager
    def _front(self, unchanged: Sequence[Any]) -> Iterator[Front]:
        """The front of a loop, while its body is assembled."""
        self.fronts.append(Front(self.time, set(unchanged)))
        yield self.fronts[-1]
        self.fronts.pop()

    def _run_loop(self, source: KernelSource, carries: list[Carry]) -> list[Any]:
        """The carry into place, then the loop as one kernel."""
        self.sources.append(source)
        copies = [CopyBytes(c.out, c.init, c.bytes) for c in carries]
        return [*copies, self._thunk(source, source.entries)]

    def _carry(self, var: Var, init: Any, out: Any) -> Carry:
        spare = self.temporary(var.aval)
        tag = f"carry {id(spare)}"
        return Carry(f"{tag} read", f"{tag} write", init, out, spare, var.aval.nbytes)

    def _while(self, eqn: Eqn, env: dict[Var, Any]) -> list[Any]:
        p = eqn.params
        cond, body, n_cond, n_body = p["cond_jaxpr"], p["body_jaxpr"], p["n_cond"], p["n_body"]
        body, in_place = with_updates_in_place(body, n_body, len(eqn.outvars))
        inits = [
            UNDEFINED if i in in_place and is_undefined(a, env) else self.place(a, env)
            for i, a in enumerate(eqn.invars[n_cond + n_body :])
        ]
        ins = [*(self.place(a, env) for a in eqn.invars[: n_cond + n_body]), *inits]
        outs = [self.place(v, env) for v in eqn.outvars]
        carries: list[Carry] = []
        thunks, reads, writes = [], list(outs), list(outs)
        for i, (var, init, out) in enumerate(zip(body.invars[n_body:], inits, outs, strict=True)):
            if i in in_place:
                if init is not UNDEFINED:
                    thunks.append(CopyBytes(out, init, var.aval.nbytes))
                continue
            carries.append(carry := self._carry(var, init, out))
            reads[i], writes[i] = carry.read, carry.write
        predicate = self.temporary(cond.out_avals[0])
        names = dict(zip(cond.invars, [*ins[:n_cond], *reads], strict=True))
        test_body = named_body(cond, names, [predicate])
        names = dict(zip(body.invars, [*ins[n_cond : n_cond + n_body], *reads], strict=True))
        step_body = named_body(body, names, writes)
        slots = slots_of(carries, body, names)
        if self.small_loops and loop_kernels.fits(
            [prepare(test_body[0]), prepare(step_body[0])], slots
        ):
            writer = loop_kernels.LoopWriter(needed_in_memory, self.temporary, {}, "")
            source = loop_kernels.while_kernel(
                writer,
                on_the_carry(test_body, carries),
                on_the_carry(step_body, carries),
                loop_kernels.Slot(None, predicate, cond.out_avals[0]),
                slots,
            )
            self.touch(*ins, *outs, predicate, *[c.spare for c in carries])
            return [*thunks, *self._run_loop(source, carries)]
        with _Span(self), self._front(ins[: n_cond + n_body]) as front:
            test = self.program(*test_body)
            inner = self.program(*step_body)
        self.touch(*ins, *outs, predicate, *[c.spare for c in carries])
        return [*thunks, *front.thunks, While(test, predicate, inner, carries)]


class _Span:
    """A loop or branch: temporaries of outside that it uses live to its end."""

    def __init__(self, assembler: Assembler):
        self.assembler = assembler

    def __enter__(self) -> None:
        self.start = self.assembler.time
        self.assembler.touched.append(set())

    def __exit__(self, *_: Any) -> None:
        a = self.assembler
        a.time += 1
        for t in a.touched.pop():
            if t.first <= self.start:
                t.touch(a.time)


def assemble(simple: Jaxpr, assembler: Assembler) -> Program:
    """The thunks of a program whose results are distinct, and its memory."""
    outputs = [a for a in simple.outvars if a not in assembler.same]
    env: dict[Var, Any] = {v: v for v in simple.invars}
    env |= {a: a for a in outputs}  # type: ignore[misc]
    env |= assembler.same
    with cache.gather():
        machine.load_machine()  # at the first call on a new computer it is compiled with the rest
        thunks = assembler.program(simple, env)
    if assembler.uses_blas:
        thunks = one_blas_thread(thunks, assembler)
    offsets, arena_bytes = plan_memory(assembler.temporaries, assembler.regions)
    constants = assembler.constants
    return Program(thunks, simple.invars, outputs, constants, offsets, arena_bytes)


def assemble_donated(
    simple: Jaxpr, donated: Sequence[bool]
) -> tuple[Jaxpr, Program, Assembler] | None:
    """The program with results in donated memory, unless that gains nothing or could lose it.

    A program that may stop halfway (a bad index, an error of a host function) must leave its
    arguments as they are.
    """
    simple, updated = updates_of_donated(simple, donated)
    assembler = Assembler()
    assembler.same = updated | reused(prepare(simple), simple, donated, set(updated.values()))
    if not assembler.same:
        return None
    program = assemble(simple, assembler)
    stops = any(isinstance(t, Host) for t in program.flat)
    stops |= any(s.checks for s in assembler.sources if not isinstance(s, str))
    return None if stops else (simple, program, assembler)


class CpuExecutable:
    """A compiled program."""

    def __init__(self, jaxpr: Jaxpr, donated: Sequence[bool] = ()):
        self._jaxpr = jaxpr
        self._avals = [v.aval for v in jaxpr.invars]
        simple = distinct_results(jaxpr)
        self._fixed = fixed_results(jaxpr)
        returned = set(jaxpr.outvars)
        free = [d and v not in returned for d, v in zip(donated, jaxpr.invars, strict=False)]
        made = assemble_donated(simple, free) if any(free) else None
        assembler = made[2] if made else Assembler()
        simple, program = made[:2] if made else (simple, assemble(simple, assembler))
        self.arena_bytes = program.arena_bytes
        self._sources, self._by_thunk = assembler.sources, assembler.by_thunk
        self._run = Compiled(program).run
        self._out_avals = [a.aval for a in simple.outvars]
        same = assembler.same
        own = [a.aval for a in simple.outvars if a not in same]
        self._specs = [(result_pool.maker(a.nbytes), a.shape, a.dtype) for a in own]
        self._donated = {k for k, d in enumerate(donated) if d}
        self._taken = {
            k: simple.invars.index(same[a]) for k, a in enumerate(simple.outvars) if a in same
        }
        """For a result in donated memory, the argument that gives it."""
        self.aliased_bytes = sum(self._out_avals[k].nbytes for k in self._taken)

    def __call__(self, *args: Any) -> list[Any]:
        inputs = [
            x._buffer if type(x) is Array and x._buffer is not None else _as_buffer(x, aval)
            for x, aval in zip(args, self._avals, strict=True)
        ]
        outputs = [empty(shape, dtype) for empty, shape, dtype in self._specs]
        if self._taken:
            take(inputs, self._taken.values(), args)
        try:
            self._run(inputs, outputs)
        except ExecutionError as error:
            raise self._index_error(error) from None
        for k, number in self._taken.items():
            outputs.insert(k, inputs[number])
        results = list(map(fresh_array, outputs, self._out_avals))
        if config.debug_nans or config.debug_infs:
            check_results(self._jaxpr, args, results)
        if self._fixed is None:
            return results
        return [
            results[k] if kind == "new" else self._fixed_result(kind, k, args)
            for kind, k in self._fixed
        ]

    def _fixed_result(self, kind: str, k: Any, args: Any) -> Any:
        """A result that is no buffer of the program; a donated argument under a new name."""
        found = fixed_result(kind, k, args)
        if kind == "argument" and k in self._donated and found is args[k]:
            return fresh_array(found.buffer(), found.aval)
        return found

    def _index_error(self, error: ExecutionError) -> Exception:
        source = self._by_thunk.get(id(error.thunk))
        if source is None or not error.status:
            return error
        first = (error.status & -error.status).bit_length() - 1
        size, line = source.checks[first]
        where = str(line) if line is not None and line.file else None
        return IndexOutOfRangeError(
            f"index out of range: expected indices in 0..{size - 1} of an axis of size {size}, got "
            "one outside; use .at[...].get(mode='clip'), mode='fill' or a mask",
            where,
        )

    def kernels(self) -> list[str]:
        """The text of every kernel and library step, in order."""
        return [s if isinstance(s, str) else s.text for s in self._sources]

    def kernel_sources(self) -> list[KernelSource]:
        """The kernels with their entries, for running them uncompiled."""
        return [s for s in self._sources if not isinstance(s, str)]


def fixed_result(kind: str, k: Any, args: Any) -> Any:
    if kind == "constant":
        return k
    if type(args[k]) is Array:
        return args[k]
    aval = aval_of(args[k])
    return Array(np.array(args[k], aval.dtype), aval.weak_type)


def _as_buffer(x: Any, aval: Any) -> np.ndarray[Any, Any]:
    if type(x) is Array:
        return x.buffer()
    value = np.asarray(x, aval.dtype)
    if value.shape != aval.shape:
        raise CompiledCallError(f"compiled call: expected {aval}, got {aval_of(x)}")
    return value if value.flags.c_contiguous and value.flags.aligned else np.array(value, order="C")


def distinct_results(jaxpr: Jaxpr) -> Jaxpr:
    """The program returning each computed variable once."""
    seen = dict.fromkeys(a for a in jaxpr.outvars if isinstance(a, Var) and a not in jaxpr.invars)
    return as_simplified(jaxpr.with_eqns(jaxpr.eqns, tuple(seen)))


def fixed_results(jaxpr: Jaxpr) -> list[tuple[str, Any]] | None:
    """Where each result comes from, if not simply one computed variable after another."""
    computed = list(distinct_results(jaxpr).outvars)
    if list(jaxpr.outvars) == computed:
        return None
    out: list[tuple[str, Any]] = []
    for a in jaxpr.outvars:
        if isinstance(a, Literal):
            out.append(("constant", Array(np.asarray(a.value), a.aval.weak_type)))
        elif a in jaxpr.invars:
            out.append(("argument", jaxpr.invars.index(a)))
        else:
            out.append(("new", computed.index(a)))
    return out


class CpuBackend:
    """Compiles for the processor this runs on."""

    name = "cpu"

    @without_collector()
    def compile(self, jaxpr: Jaxpr, donated: Sequence[bool] = ()) -> Any:
        """`jaxpr` has no consts."""
        start, before = time.perf_counter(), cache.stats.compiled
        keeps = config.check >= 2 or config.debug_nans or config.debug_infs  # looks at them again
        executable = CpuExecutable(simplify(jaxpr), () if keeps else donated)
        if config.debug >= 1:
            made, seconds = cache.stats.compiled - before, time.perf_counter() - start
            kernels = len(executable.kernel_sources())
            print(
                f"ftx: compiled {jaxpr.name}: {len(jaxpr.eqns)} equations, {kernels} kernels, "
                f"{made} of them new, arena {executable.arena_bytes} bytes, {seconds:.3f} s",
                file=sys.stderr,
            )
        if config.check >= 2:
            alone = lambda program: CpuExecutable(simplify(program))
            return ComparingExecutable(jaxpr, executable, alone)
        return executable

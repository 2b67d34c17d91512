"""The rule table: what every primitive takes, from which all checks of its rules follow.

Read by the test files beside it and by `coverage.py`, which writes docs/coverage.md.
"""

import numpy as np

import ftx
from ftx.core import dtypes
from ftx.core.primitives import ALL, linalg
from ftx.core.primitives import collective as K
from ftx.core.primitives.formula import Binary, Elementwise
from ftx.core.primitives.window import Windows
from tests.support.checks import Case, Operand

PRIMITIVES = {p.name: p for p in ALL}
I32, BOOL, U32 = dtypes.int32, dtypes.bool_, dtypes.uint32

ROWS: dict[str, list[Case]] = {}


def row(primitive, operands, params=None, *, tag="", function=None, **options):
    """Add a case of `primitive` (by name)."""

    def apply(*xs):
        outs = PRIMITIVES[primitive].bind(*xs, **params or {})
        return outs[0] if len(outs) == 1 else outs

    name = f"{primitive}:{tag}" if tag else primitive
    case = Case(name, function or apply, operands, **options)
    ROWS.setdefault(primitive, []).append(case)


def shaped(*shapes, **options):
    """Operands of the given shapes."""
    return [Operand(s, **options) for s in shapes]


# ---- elementwise: all alike but for the domain in which they are smooth and defined

DOMAINS = {
    **dict.fromkeys(("log", "log2", "rsqrt", "sqrt", "lgamma", "digamma"), (0.2, 4.0)),
    **dict.fromkeys(("asin", "acos", "atanh", "erf_inv"), (-0.8, 0.8)),
    "log1p": (-0.7, 3.0),
    "acosh": (1.2, 4.0),
    "polygamma": (0.5, 4.0),
    "cbrt": (0.2, 3.0),
    "scipy_function": (0.2, 0.9),
    "pow": (0.3, 2.0),
    "div": (0.5, 3.0),
    "rem": (1.0, 9.0),
    "tan": (-1.0, 1.0),
    "shift_left": (0, 9),
    "shift_right_logical": (0, 9),
    "shift_right_arithmetic": (0, 9),
    "abs": (0.2, 2.0),
    "sign": (0.2, 2.0),
    **dict.fromkeys(("floor", "ceil", "trunc", "round"), (0.1, 0.4)),
}
PARAMS = {
    "integer_pow": {"y": 3},
    "polygamma": {"n": 1},
    "scipy_function": {"function": "ndtri"},
    "reduce_precision": {"exponent_bits": 8, "mantissa_bits": 50},
    "rotate_left": {"bits": 5},
}
LOOSER = {
    "pow": "exp(y log x) of complex numbers in float32",
    "polygamma": "SciPy computes float32 in float64",
    "lgamma": "near its zeros at 1 and 2 the error is relative to terms that cancel",
    "digamma": "near its zero at 1.46",
    "tan": "the quotient of two rounded functions",
}
REAL_LINEAR = {"real", "imag", "conj", "abs", "complex"}  # not holomorphic: checked as R-linear

for p in ALL:
    if not isinstance(p, Elementwise):
        continue
    low, high = DOMAINS.get(p.name, (-2.0, 2.0))
    count = 2 if isinstance(p, Binary) else 1
    row(
        p.name,
        shaped(*[(2, 3)] * count, low=low, high=high),
        PARAMS.get(p.name),
        kinds=p.kinds,
        grad=None if p.differentiable else (),
        tolerance=1e-4 if p.name in LOOSER else 1e-5,
        reason=LOOSER.get(p.name, Case.reason),
    )

row(
    "integer_pow",
    shaped((4,), low=0.5, high=2),
    {"y": -2},
    tag="negative",
    kinds="fc",
    tolerance=1e-4,
    reason="a reciprocal of a product",
)
row("integer_pow", shaped((4,)), {"y": 0}, tag="zero", kinds="ifc")

# ---- selection

row("select_n", [Operand((2, 3), dtype=BOOL), *shaped((2, 3), (2, 3))], kinds="bifc")
row(
    "select_n",
    [Operand((5,), 0, 2, dtype=I32), *shaped((5,), (5,), (5,))],
    tag="three",
    kinds="if",
)
row("clamp", [Operand((6,), -1, -0.5), Operand((6,), -2, 2), Operand((6,), 0.5, 1)], kinds="if")
for source, target in (
    ("f", dtypes.float64),
    ("i", dtypes.float32),
    ("f", dtypes.int32),
    ("f", dtypes.complex128),
    ("b", dtypes.float32),
    ("if", dtypes.bfloat16),
):
    row(
        "convert_element_type",
        shaped((2, 3)),
        {"dtype": target, "weak_type": False},
        tag=f"{source}_to_{dtypes.short_name(target)}",
        kinds=source,
        grad=() if target not in (dtypes.float64, dtypes.complex128) or source != "f" else None,
    )

# ---- shape

row("broadcast_in_dim", shaped((3, 1)), {"shape": (2, 3, 4), "dims": (1, 2)}, kinds="bifc")
row("broadcast_in_dim", shaped(()), {"shape": (2, 3), "dims": ()}, tag="scalar")
row("reshape", shaped((2, 6)), {"shape": (3, 2, 2)}, kinds="bifc")
row("transpose", shaped((2, 3, 4)), {"perm": (2, 0, 1)}, kinds="bifc")
row(
    "slice",
    shaped((6, 5)),
    {"starts": (1, 0), "limits": (6, 4), "strides": (2, 1)},
    kinds="bifc",
)
row("pad", shaped((3, 4), ()), {"config": ((1, 2, 1), (-1, 2, 0))}, kinds="bifc")
row("pad", shaped((3,), ()), {"config": ((0, 0, 2),)}, tag="interior")
row("concatenate", shaped((2, 3), (2, 1), (2, 2)), {"axis": 1}, kinds="bifc")
row("concatenate", shaped((0, 2), (0, 2)), {"axis": 0}, tag="empty", grad=())
row("rev", shaped((2, 3)), {"axes": (0, 1)}, kinds="bifc")
row("copy", shaped((2, 3)), kinds="bifc")
row(
    "iota",
    [],
    {"dtype": dtypes.float32, "shape": (2, 3), "axis": 1},
    grad=(),
)

# ---- reductions

for name in ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min"):
    kinds = PRIMITIVES[name].kinds
    row(name, shaped((2, 3, 4)), {"axes": (0, 2)}, kinds=kinds)
    row(name, shaped((5,)), {"axes": (0,)}, tag="all", kinds="f")
for name in ("reduce_and", "reduce_or"):
    row(name, shaped((2, 3, 4), low=0, high=9), {"axes": (1,)}, kinds="bi", grad=())
for name in ("argmax", "argmin"):
    row(name, shaped((3, 5)), {"axis": 1, "dtype": I32}, kinds="bif", grad=())
for name in ("cumsum", "cumprod", "cummax", "cummin"):
    for reverse in (False, True):
        row(
            name,
            shaped((2, 5)),
            {"axis": 1, "reverse": reverse},
            tag="reverse" if reverse else "",
            kinds=PRIMITIVES[name].kinds if not reverse else "f",
        )

# ---- products

for tag, spec, a, b in (
    ("matrix", "ik,kj->ij", (3, 4), (4, 2)),
    ("batch", "bik,bkj->bij", (2, 3, 4), (2, 4, 2)),
    ("outer", "i,j->ji", (3,), (2,)),
    ("inner", "ab,ab->", (3, 2), (3, 2)),
    ("diagonal", "ab,cb->bac", (3, 2), (4, 2)),
    ("library", "ik,kj->ji", (33, 40), (40, 17)),
):
    row(
        "dot_general",
        shaped(a, b),
        {"spec": spec},
        tag=tag,
        kinds="ifc" if tag in ("matrix", "library") else "f",
        fd_tolerance=1e-5,
    )

# ---- indexing

PLACES = Operand((4,), 0, 2, dtype=I32)
TWO = [Operand((4,), 0, 2, dtype=I32), Operand((4,), 0, 3, dtype=I32)]


def distinct(rng, dtype, shape):
    return rng.permutation(3)[: shape[0]]


for mode in ("raise", "clip", "promise"):
    row(
        "gather",
        [Operand((3, 4)), PLACES],
        {"spec": "ab[a],i->ib", "mode": mode, "fill": None},
        tag=mode,
        kinds="bifc" if mode == "clip" else "f",
    )
row(
    "gather",
    [Operand((3, 4)), Operand((4,), -2, 5, dtype=I32)],
    {"spec": "ab[a],i->bi", "mode": "fill", "fill": 7},
    tag="fill",
    kinds="if",
)
row(
    "gather",
    [Operand((3, 4)), *TWO],
    {"spec": "ab[ab],i->i", "mode": "clip", "fill": None},
    tag="two",
)
row(
    "gather",
    [Operand((4, 5)), Operand((4, 2), 0, 4, dtype=I32)],
    {"spec": "ab[b],ai->ai", "mode": "promise", "fill": None},
    tag="along",
)
for name in ("scatter", "scatter_add", "scatter_mul", "scatter_min", "scatter_max"):
    unique = Operand((2,), dtype=I32, make=distinct)
    row(
        name,
        [Operand((3, 4)), Operand((2, 4)), unique],
        {"spec": "ab[a],i->ib", "mode": "promise"},
        tag="distinct",
        kinds="if",
    )
    row(
        name,
        [Operand((3, 4)), Operand((4, 4)), Operand((4,), -1, 4, dtype=I32)],
        {"spec": "ab[a],i->ib", "mode": "drop"},
        tag="dropping",
    )
START = Operand((), 0, 5, dtype=I32)
row("dynamic_slice", [Operand((5, 4)), START, START], {"sizes": (2, 4)}, kinds="bifc")
row("dynamic_update_slice", [*shaped((5, 4), (2, 3)), START, START], kinds="bifc")

# ---- bits

WORD = Operand((5,), dtype=U32, make=lambda rng, d, s: rng.integers(0, 2**32, s, dtype=np.uint64))
KEY, ROWS_OF_WORDS = (Operand(s, dtype=U32, make=WORD.make) for s in ((), (5, 3)))
row("threefry2x32", [WORD] * 4, grad=(), compiled_kinds="f")
row("threefry2x32", [KEY, KEY, WORD, WORD], tag="key", grad=(), compiled_kinds="f")
keyed = [WORD, WORD, ROWS_OF_WORDS, ROWS_OF_WORDS]
row("threefry2x32", keyed, tag="keys", grad=(), compiled_kinds="f")
row(
    "bitcast_convert_type",
    shaped((2, 3)),
    {"dtype": I32},
    grad=(),
    compiled_kinds="f",
    function=lambda x: ftx.lax.bitcast_convert_type(x, f"uint{8 * x.dtype.itemsize}"),
)
row(
    "bitcast_convert_type",
    shaped((2, 3)),
    tag="narrower",
    grad=(),
    compiled_kinds="f",
    function=lambda x: ftx.lax.bitcast_convert_type(x, "uint8"),
)
row(
    "bitcast_convert_type",
    [Operand((3, 4), 0, 9, dtype=dtypes.uint8)],
    tag="wider",
    grad=(),
    function=lambda x: ftx.lax.bitcast_convert_type(x, "uint32"),
)

# ---- collectives, seen through vmap over a named axis


def mapped(f, in_axes=0):
    return ftx.vmap(f, in_axes=in_axes, axis_name="i")


row("psum", shaped((3, 2)), kinds="ifc", function=mapped(lambda x: K.psum(x, "i")))
row("pmax", shaped((3, 2)), kinds="bif", function=mapped(lambda x: K.pmax(x, "i")))
row("pmin", shaped((3, 2)), kinds="bif", function=mapped(lambda x: K.pmin(x, "i")))
row("all_gather", shaped((3, 2)), kinds="bifc", function=mapped(lambda x: K.all_gather(x, "i", 1)))
row(
    "all_gather",
    shaped((3, 2)),
    tag="tiled",
    function=mapped(lambda x: K.all_gather(x, "i", 0, tiled=True)),
)
row(
    "psum_scatter",
    shaped((3, 3, 2)),
    kinds="ifc",
    function=mapped(lambda x: K.psum_scatter(x, "i", 0)),
)
row(
    "psum_scatter",
    shaped((3, 6)),
    tag="tiled",
    function=mapped(lambda x: K.psum_scatter(x, "i", 0, tiled=True)),
)
row(
    "ppermute",
    shaped((3, 2)),
    kinds="bifc",
    function=mapped(lambda x: K.ppermute(x, "i", [(0, 1), (1, 2), (2, 0)])),
)
row(
    "ppermute",
    shaped((3, 2)),
    tag="partial",
    function=mapped(lambda x: K.ppermute(x, "i", [(0, 2)])),
)
row(
    "all_to_all",
    shaped((3, 3, 2)),
    kinds="bifc",
    function=mapped(lambda x: K.all_to_all(x, "i", 0, 1)),
)
row("pcast", shaped((3, 2)), kinds="bifc", function=mapped(lambda x: K.pcast(x, "i")))
row("axis_index", shaped((3,)), grad=(), function=mapped(lambda x: K.axis_index("i")))

# ---- convolution and windows

CONVS = (
    (
        "plain",
        "NHWC,HWIO->NHWC",
        (2, 5, 4, 3),
        (3, 2, 3, 4),
        (1, 1),
        ((0, 0), (1, 1)),
        (1, 1),
        (1, 1),
        1,
        1,
    ),
    (
        "all",
        "CNWH,OHIW->NHCW",
        (4, 2, 5, 6),
        (2, 3, 2, 2),
        (2, 1),
        ((1, 2), (2, -1)),
        (2, 1),
        (1, 2),
        2,
        1,
    ),
    ("depthwise", "NCW,OIW->NCW", (2, 3, 6), (6, 1, 3), (1,), ((1, 1),), (1,), (1,), 3, 1),
    ("batch_groups", "NWC,WIO->NWC", (4, 5, 2), (2, 2, 4), (2,), ((0, 1),), (1,), (1,), 1, 2),
)
for tag, spec, a, b, strides, padding, base, dilation, fg, bg in CONVS:
    row(
        "conv_general_dilated",
        shaped(a, b),
        {
            "spec": spec,
            "strides": strides,
            "padding": padding,
            "lhs_dilation": base,
            "rhs_dilation": dilation,
            "feature_group_count": fg,
            "batch_group_count": bg,
        },
        tag=tag,
        kinds="ifc" if tag == "plain" else "f",
        fd_tolerance=1e-5,
    )
WINDOWS = {
    "": Windows.make((2, 2), (2, 2), ((0, 0), (0, 0))),
    "padded": Windows.make((2, 3), (1, 2), ((1, 0), (1, 2))),
    "dilated": Windows.make((2, 2), (1, 1), ((1, 1), (0, 1)), (2, 1), (1, 2)),
}
SPREAD = lambda rng, dtype, shape: rng.permutation(int(np.prod(shape))).reshape(shape) / 8 + 0.1
for tag, windows in WINDOWS.items():
    for name in ("sum", "prod", "max", "min"):
        draw = SPREAD if name in ("max", "min") else None
        row(
            f"reduce_window_{name}",
            [Operand((4, 6), 0.5, 2, make=draw)],
            {"windows": windows},
            tag=tag,
            kinds=PRIMITIVES[f"reduce_window_{name}"].reduction.kinds if not tag else "f",
            fd_tolerance=1e-5,
        )
    row(
        "conv_patches",
        shaped((2, 4, 6, 3)),
        {"windows": windows},
        tag=tag,
        kinds="ifc" if not tag else "f",
    )
    options = {"windows": windows, "largest": tag != "padded"}
    row(
        "window_select",
        [Operand((4, 6), make=SPREAD), Operand((4, 6))],
        options,
        tag=tag,
        grad=(1,),
    )
    out = windows.out_shape((4, 6))
    row("window_scatter", [Operand((4, 6), make=SPREAD), Operand(out)], options, tag=tag, grad=(1,))

# ---- sorting

row("sort", [Operand((3, 8), make=SPREAD)], {"axis": 1, "num_keys": 1}, kinds="bif")
row(
    "sort",
    [Operand((8, 2), 0, 3, dtype=I32), Operand((8, 2))],
    {"axis": 0, "num_keys": 1},
    tag="pair",
)
row(
    "sort",
    [Operand((8,), 0, 2, dtype=I32), Operand((8,)), Operand((8,))],
    {"axis": 0, "num_keys": 2},
    tag="keys",
    kinds="fc",
    complex_grad=False,
)
row("top_k", [Operand((3, 8), make=SPREAD)], {"k": 3}, kinds="bif")

row(
    "true_places",
    [Operand((3, 8), dtype=np.dtype(bool))],
    {"size": 5, "dtype": np.dtype(np.int64)},
    kinds="f",
)

# ---- linear algebra


def positive(rng, dtype, shape):
    m = rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if dtype.kind == "c" else 0)
    return m @ m.conj().swapaxes(-1, -2) + 2 * np.eye(shape[-1])


def regular(rng, dtype, shape):
    m = rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if dtype.kind == "c" else 0)
    return (
        m + np.diag(np.arange(3, 3 + min(shape[-2:])))[..., : shape[-2], : shape[-1]]
        if (shape[-1] == shape[-2])
        else m
    )


WIDE = {"kinds": "fc", "fd_tolerance": 1e-4}
row("cholesky", [Operand((2, 3, 3), make=positive)], function=linalg.cholesky, **WIDE)
for tag, left, lower, trans, conjugate, unit in (
    ("left", True, True, False, False, False),
    ("right", False, False, True, True, False),
    ("unit", True, False, True, False, True),
):
    row(
        "triangular_solve",
        [Operand((2, 3, 3), make=regular), Operand((2, 3, 2) if left else (2, 2, 3))],
        {
            "left_side": left,
            "lower": lower,
            "transpose_a": trans,
            "conjugate_a": conjugate,
            "unit_diagonal": unit,
        },
        tag=tag,
        **WIDE,
    )
row("lu", [Operand((2, 3, 3), make=regular)], **WIDE)
row("lu", [Operand((4, 3))], tag="tall", **WIDE)
row("lu", [Operand((3, 4))], tag="wide", **WIDE)
row("qr", [Operand((2, 4, 3))], {"full_matrices": False}, **WIDE)


def no_phase(vectors):
    """Vectors are defined up to a phase: compare what does not depend on it."""
    return linalg.matmul(vectors, linalg.adjoint(vectors)), vectors * vectors.conj()


row(
    "eigh",
    [Operand((3, 3), make=positive)],
    function=lambda x: [(w := linalg.eigh(x))[0], no_phase(w[1])[1]],
    **WIDE,
)
row(
    "svd",
    [Operand((4, 3))],
    tag="product",
    **WIDE,
    function=lambda x: [
        (f := linalg.svd(x, False))[0],
        linalg.matmul(f[1], f[2]),
        no_phase(f[1])[1],
    ],
)
row("svd", [Operand((3, 4))], {"full_matrices": False, "compute_uv": False}, tag="values", **WIDE)

# ---- transforms and functions of SciPy

for kind, shape, kinds in (("fft", (3, 4), "c"), ("ifft", (2, 5), "c"), ("rfft", (2, 6), "f")):
    row("fft", shaped(shape), {"kind": kind, "axes": (1,), "size": 0}, tag=kind, kinds=kinds)
row("fft", shaped((2, 4)), {"kind": "irfft", "axes": (1,), "size": 6}, tag="irfft", kinds="c")
row("fft", shaped((3, 4)), {"kind": "fft", "axes": (0, 1), "size": 0}, tag="two axes", kinds="c")
SMOOTH = ("i0", "i1", "i0e", "i1e", "expi", "exp1", "gamma", "dawsn", "erfcx")
for name in (*SMOOTH, "sine_integral", "cosine_integral", "fresnel_sin", "fresnel_cos"):
    positive_operands = shaped((2, 3), low=0.4, high=2.5)
    row("scipy_function", positive_operands, {"function": name}, tag=name, kinds="f")

# ---- identities

row("stop_gradient", shaped((2, 3)), kinds="bifc", grad=())
row("name", shaped((2, 3)), {"name": "it"}, kinds="bifc")
row("optimization_barrier", shaped((2, 3), (4,)), kinds="bifc")

LINALG = {"cholesky", "triangular_solve", "lu", "qr", "eigh", "svd", "fft"}

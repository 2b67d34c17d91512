"""Products of arrays: dot, matmul, tensordot, einsum, outer, kron, cross, trace.

In: arrays.  Out: arrays; every product is a `dot` with a label spec.
Must not know: how products are computed; `precision` is always full.
"""

import math
import string

import numpy as np

from ..core import dtypes
from ..core.array import Array
from ..core.errors import DotShapeError, ShapeError
from ..core.primitives import dot as D
from ..core.primitives import elementwise as E
from ..core.primitives import reduction as R
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..core.state import STATE
from . import composed as M
from . import elementwise as U
from . import reductions
from .joining import stack
from .precision import check_precision
from .promotion import (
    QUIET,
    asarray,  # noqa: F401  for the examples
    axis_index,
    axis_tuple,
    broadcast_value,
    checked_now,
    common_shape,
    operand,
    promote_dtypes,
    unsupported,
)
from .shapes import diagonal, moveaxis

__all__ = [
    *("cross", "dot", "einsum", "einsum_path", "inner", "kron", "matmul"),
    *("matvec", "outer", "tensordot", "trace", "vdot", "vecdot", "vecmat"),
]


def product(name, x, y, spec, preferred_element_type=None):
    """The dot of two arrays after promotion; bools multiply as 'and' and add as 'or'."""
    x, y = promote_dtypes(name, x, y)
    if preferred_element_type is not None:
        wanted = dtypes.canonical(preferred_element_type)
        x, y = C.convert(x, wanted), C.convert(y, wanted)
    if x.dtype == dtypes.bool_:
        counts = D.dot(C.convert(x, dtypes.int32), C.convert(y, dtypes.int32), spec)
        return E.ne(counts, S.full(counts.shape, 0, dtypes.int32))
    return D.dot(x, y, spec)


def matmul(a, b, *, precision=None, preferred_element_type=None, out_sharding=None):
    """Matrix product over the last two axes; leading axes broadcast.

    a: array[..., m, k] or [k]; b: array[..., k, n] or [k]; arrays with one axis are a row on the
    left and a column on the right, and that axis is left out of the result.

    >>> matmul(asarray([[1, 2]]), asarray([[3], [4]])).tolist()
    [[11]]
    """
    if type(a) is Array and type(b) is Array and STATE.trace is None:
        found = _matmul_now(a, b)
        if found is not None and preferred_element_type is None and precision is None:
            return found
    unsupported("matmul", out_sharding=out_sharding)
    check_precision("matmul", precision)
    x, y = operand("matmul", a), operand("matmul", b)
    if not x.ndim or not y.ndim:
        raise ShapeError(f"matmul: expected arrays with axes, got {x.aval} and {y.aval}; use *")
    k = x.shape[-1], y.shape[max(-2, -y.ndim)]
    if k[0] != k[1]:
        raise DotShapeError(
            f"matmul: expected equal inner sizes, got {x.aval} @ {y.aval}; if a transpose was "
            "meant, write x @ y.T"
        )
    lead = common_shape("matmul", x.shape[:-2], y.shape[:-2])
    names = string.ascii_lowercase[: len(lead)]
    x, left = _without_ones(x, lead, names)
    y, right = _without_ones(y, lead, names)
    row = "Y" if operand("matmul", a).ndim > 1 else ""
    column = "Z" if operand("matmul", b).ndim > 1 else ""
    present = "".join(c for c in names if c in left + right)
    out = product(
        "matmul", x, y, f"{left}{row}X,{right}X{column}->{present}{row}{column}",
        preferred_element_type,
    )  # fmt: skip
    if present == names:
        return out
    shape = (*lead, *out.shape[len(present) :])
    return S.reshape(out, shape) if math.prod(shape) == out.size else broadcast_value(out, shape)


def _matmul_now(x, y):
    """The product of plain arrays of one dtype by NumPy; None if it needs more care."""
    a, b = x._np, y._np
    if a is None or b is None or a.dtype is not b.dtype or a.dtype.char not in "fdFD":
        return None
    if not a.ndim or not b.ndim or checked_now():
        return None
    try:
        return Array(QUIET.run(np.matmul, a, b), x._weak and y._weak)
    except ValueError:
        return None


def _without_ones(x, lead, names):
    """x without leading axes of size 1, and the labels of those that remain."""
    n = max(x.ndim - 2, 0)
    mine = names[len(names) - n :]
    gone = tuple(i for i in range(n) if x.shape[i] == 1)
    return S.squeeze(x, gone), "".join(c for i, c in enumerate(mine) if i not in gone)


def dot(a, b, *, precision=None, preferred_element_type=None, out_sharding=None):
    """Sum of products over the last axis of `a` and the last but one (or only) axis of `b`.

    >>> dot(asarray([1, 2]), asarray([3, 4])).tolist()
    11
    """
    check_precision("dot", precision)
    unsupported("dot", out_sharding=out_sharding)
    x, y = operand("dot", a), operand("dot", b)
    if not x.ndim or not y.ndim:
        found = U.multiply(x, y)
        if preferred_element_type is not None:
            found = C.convert(found, dtypes.canonical(preferred_element_type))
        return found
    if x.shape[-1] != y.shape[max(-2, -y.ndim)]:
        raise DotShapeError(
            f"dot: expected equal sizes along the summed axis, got {x.aval} and {y.aval}; if "
            "a transpose was meant, write y.T"
        )
    left, right = string.ascii_lowercase[: x.ndim - 1], string.ascii_uppercase[: y.ndim]
    right = right[:-1] if y.ndim > 1 else ""
    second = f"{right[:-1]}Z{right[-1]}" if right else "Z"
    return product("dot", x, y, f"{left}Z,{second}->{left}{right}", preferred_element_type)


def vdot(a, b, *, precision=None, preferred_element_type=None):
    """Sum of products of all elements, those of `a` conjugated.

    >>> vdot(asarray([1, 2]), asarray([3, 4])).tolist()
    11
    """
    check_precision("vdot", precision)
    x, y = operand("vdot", a), operand("vdot", b)
    x, y = M.conj(S.reshape(x, (x.size,))), S.reshape(y, (y.size,))
    return dot(x, y, preferred_element_type=preferred_element_type)


def vecdot(x1, x2, /, *, axis=-1, precision=None, preferred_element_type=None):
    """Sum of products along an axis, those of x1 conjugated; other axes broadcast.

    >>> vecdot(asarray([[1, 2], [3, 4]]), asarray([1, 1])).tolist()
    [3, 7]
    """
    check_precision("vecdot", precision)
    x, y = operand("vecdot", x1), operand("vecdot", x2)
    x, y = moveaxis(M.conj(x), axis, -1), moveaxis(y, axis, -1)
    if x.shape[-1] != y.shape[-1]:
        raise DotShapeError(
            f"vecdot: expected equal sizes along axis {axis}, got {x.aval} and {y.aval}"
        )
    row = matmul(S.expand_dims(x, (x.ndim - 1,)), S.expand_dims(y, (y.ndim,)),
                 preferred_element_type=preferred_element_type)  # fmt: skip
    return S.squeeze(row, (row.ndim - 2, row.ndim - 1))


def matvec(x1, x2, /):
    """Matrix times vector over the last axes; others broadcast. x1: [..., m, n], x2: [..., n]

    >>> matvec(asarray([[1, 2]]), asarray([3, 4])).tolist()
    [11]
    """
    x, y = operand("matvec", x1), operand("matvec", x2)
    out = matmul(x, S.expand_dims(y, (y.ndim,)))
    return S.squeeze(out, (out.ndim - 1,))


def vecmat(x1, x2, /):
    """Conjugated vector times matrix; others broadcast. x1: [..., m], x2: [..., m, n]

    >>> vecmat(asarray([1, 2]), asarray([[3], [4]])).tolist()
    [11]
    """
    x, y = M.conj(operand("vecmat", x1)), operand("vecmat", x2)
    out = matmul(S.expand_dims(x, (x.ndim - 1,)), y)
    return S.squeeze(out, (out.ndim - 2,))


def inner(a, b, *, precision=None, preferred_element_type=None):
    """Sum of products over the last axes. a: array[..., n], b: array[..., n]

    >>> inner(asarray([1, 2]), asarray([3, 4])).tolist()
    11
    """
    check_precision("inner", precision)
    x, y = operand("inner", a), operand("inner", b)
    if not x.ndim or not y.ndim:
        return dot(x, y, preferred_element_type=preferred_element_type)
    return tensordot(x, y, (-1, -1), preferred_element_type=preferred_element_type)


def outer(a, b, out=None):
    """Product of every element of `a` with every one of `b`: array[a.size, b.size].

    >>> outer(asarray([1, 2]), asarray([3, 4])).tolist()
    [[3, 4], [6, 8]]
    """
    unsupported("outer", out=out)
    x, y = operand("outer", a), operand("outer", b)
    return U.multiply(S.reshape(x, (x.size, 1)), S.reshape(y, (1, y.size)))


def tensordot(a, b, axes=2, *, precision=None, preferred_element_type=None, out_sharding=None):
    """Sum of products over pairs of axes.

    Args:
      axes: number of last axes of `a` and first of `b`, or a pair of axes or lists of axes.

    >>> tensordot(asarray([[1, 2]]), asarray([[3], [4]]), 1).tolist()
    [[11]]
    """
    check_precision("tensordot", precision)
    unsupported("tensordot", out_sharding=out_sharding)
    x, y = operand("tensordot", a), operand("tensordot", b)
    if isinstance(axes, (tuple, list)):
        first = axis_tuple(
            "tensordot", tuple(axes[0]) if isinstance(axes[0], list) else axes[0], x.ndim
        )
        second = axis_tuple(
            "tensordot", tuple(axes[1]) if isinstance(axes[1], list) else axes[1], y.ndim
        )
    else:
        n = axes.__index__()
        if n > min(x.ndim, y.ndim):
            raise ShapeError(f"tensordot: expected at most {min(x.ndim, y.ndim)} axes, got {n}")
        first, second = tuple(range(x.ndim - n, x.ndim)), tuple(range(n))
    if len(first) != len(second) or any(
        x.shape[i] != y.shape[j] for i, j in zip(first, second, strict=False)
    ):
        raise DotShapeError(
            f"tensordot: expected pairs of equally long axes, got {x.aval}, {y.aval} and axes "
            f"{axes}"
        )
    left = list(string.ascii_lowercase[: x.ndim])
    right = list(string.ascii_uppercase[: y.ndim])
    for i, j in zip(first, second, strict=True):
        right[j] = left[i]
    kept = [c for i, c in enumerate(left) if i not in first]
    kept += [c for j, c in enumerate(right) if j not in second]
    spec = f"{''.join(left)},{''.join(right)}->{''.join(kept)}"
    return product("tensordot", x, y, spec, preferred_element_type)


def _parse(subscripts, operands):
    """Label strings of the operands and of the result, dots written as capital-free letters."""
    text = subscripts.replace(" ", "")
    left, arrow, out = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ShapeError(
            f"einsum: expected {len(terms)} operands for {subscripts!r}, got {len(operands)}"
        )
    used = set(text) - set(".,->")
    free = [c for c in string.ascii_letters if c not in used]
    ranks = [x.ndim - len(t.replace("...", "")) for t, x in zip(terms, operands, strict=True)]
    dots = "".join(
        free[: max([r for t, r in zip(terms, ranks, strict=True) if "..." in t], default=0)]
    )
    full = []
    for term, rank, x in zip(terms, ranks, operands, strict=True):
        if rank < 0 or (rank and "..." not in term):
            raise ShapeError(f"einsum: expected an array of the axes {term!r}, got {x.aval}")
        full.append(term.replace("...", dots[len(dots) - rank :] if rank else ""))
    if arrow:
        result = out.replace("...", dots)
    else:
        whole = "".join(full)
        result = dots + "".join(
            sorted(c for c in set(whole) if whole.count(c) == 1 and c not in dots)
        )
    unknown = set(result) - set("".join(full))
    if unknown or len(set(result)) != len(result):
        raise ShapeError(
            f"einsum: expected distinct labels of operands in the result, got {subscripts!r}; "
            "drop labels that repeat or that no operand has"
        )
    return full, result


def _interleaved(args):
    """einsum(x, [0, 1], y, [1, 2], [0, 2]) as subscripts and operands."""
    *pairs, out = args if len(args) % 2 else (*args, None)
    operands, lists = pairs[::2], pairs[1::2]
    name = lambda i: "..." if i is Ellipsis else string.ascii_letters[i]
    text = ",".join("".join(map(name, labels)) for labels in lists)
    return text if out is None else f"{text}->{''.join(map(name, out))}", operands


def einsum(
    subscripts, /, *operands, out=None, optimize="auto", precision=None,
    preferred_element_type=None, _dot_general=None, out_sharding=None,
):  # fmt: skip
    """Sum of products written with one letter per axis: einsum("ij,jk->ik", x, y).

    Args:
      subscripts: labels of each operand and, after '->', of the result; '...' for any axes.
      optimize: 'auto', 'optimal', 'greedy' or False, for the order of several products.
      _dot_general: JAX's own; any other than None is refused.

    >>> einsum("ij,j->i", asarray([[1, 2], [3, 4]]), asarray([1, 1])).tolist()
    [3, 7]
    """
    check_precision("einsum", precision)
    unsupported("einsum", out=out, out_sharding=out_sharding, _dot_general=_dot_general)
    if not isinstance(subscripts, str):
        subscripts, operands = _interleaved((subscripts, *operands))
    values = [operand("einsum", x) for x in operands]
    terms, result = _parse(subscripts, values)
    if preferred_element_type is None:
        values = promote_dtypes("einsum", *values)
    values, terms = _broadcast_ones(values, terms)
    pairs = [
        _simplified(x, t, terms, i, result)
        for i, (x, t) in enumerate(zip(values, terms, strict=True))
    ]
    for step in _order(pairs, result, optimize):
        chosen = [pairs[i] for i in step]
        pairs = [p for i, p in enumerate(pairs) if i not in step]
        others = "".join(t for _, t in pairs) + result
        pairs.append(
            _contracted(chosen, others, result if not pairs else None, preferred_element_type)
        )
    ((x, term),) = pairs
    return _reordered(x, term, result)


def _broadcast_ones(values, terms):
    """Axes of size 1 whose label has another size elsewhere are dropped."""
    sizes = {}
    for x, term in zip(values, terms, strict=True):
        for n, c in zip(x.shape, term, strict=True):
            known = sizes.get(c, 1)
            if n != 1 and known not in (1, n):
                raise DotShapeError(
                    f"einsum: expected one size for label {c!r}, got {known} and {n}; "
                    "transpose an operand or rename the label"
                )
            sizes[c] = max(known, n) if n else 0
    new_values, new_terms = [], []
    for x, term in zip(values, terms, strict=True):
        gone = tuple(
            i for i, (n, c) in enumerate(zip(x.shape, term, strict=True)) if n == 1 != sizes[c]
        )
        new_values.append(S.squeeze(x, gone))
        new_terms.append("".join(c for i, c in enumerate(term) if i not in gone))
    return new_values, new_terms


def _simplified(x, term, terms, i, result):
    """One operand with repeated labels as diagonals and labels of its own summed."""
    for c in sorted(set(term)):
        while term.count(c) > 1:
            first, second = [k for k, d in enumerate(term) if d == c][:2]
            x = diagonal(x, 0, first, second)
            term = "".join(d for k, d in enumerate(term) if k not in (first, second)) + c
    others = "".join(t for k, t in enumerate(terms) if k != i) + result
    lone = tuple(k for k, c in enumerate(term) if c not in others)
    if lone:
        x = R.reduce_sum(x, lone) if x.dtype != dtypes.bool_ else R.reduce_or(x, lone)
    return x, "".join(c for k, c in enumerate(term) if k not in lone)


def _order(pairs, result, optimize):
    """Which operands to contract in each step."""
    if len(pairs) < 3:
        return [(0, 1)] if len(pairs) == 2 else []
    if optimize is False:
        return [(0, 1)] * (len(pairs) - 1)
    spec = ",".join(t for _, t in pairs) + "->" + result
    how = "auto" if optimize is True else optimize
    from opt_einsum import contract_path

    path, _ = contract_path(spec, *[x.shape for x, _ in pairs], shapes=True, optimize=how)
    return (
        [step for step in path if len(step) == 2]
        if all(len(s) <= 2 for s in path)
        else ([(0, 1)] * (len(pairs) - 1))
    )


def _contracted(chosen, others, result, preferred):
    (x, left), (y, right) = chosen
    kept = [c for c in dict.fromkeys(left + right) if c in others]
    shared = [c for c in kept if c in left and c in right]
    out = (
        "".join(shared + [c for c in kept if c not in shared])
        if result is None
        else ("".join(c for c in result if c in left + right))
    )
    return product("einsum", x, y, f"{left},{right}->{out}", preferred), out


def _reordered(x, term, result):
    return S.transpose(x, tuple(term.index(c) for c in result))


def einsum_path(subscripts, /, *operands, optimize="auto"):
    """The order in which `einsum` would multiply arrays of these shapes, and its cost as text.

    >>> einsum_path("ij,jk->ik", asarray([[1]]), asarray([[1]]))[0]
    ['einsum_path', (0, 1)]
    """
    from opt_einsum import contract_path

    path, info = contract_path(subscripts, *operands, optimize=optimize)
    return ["einsum_path", *path], str(info)


def kron(a, b):
    """Kronecker product: blocks of `b` scaled by the elements of `a`.

    >>> kron(asarray([1, 2]), asarray([1, 1])).tolist()
    [1, 1, 2, 2]
    """
    x, y = promote_dtypes("kron", a, b)
    ndim = max(x.ndim, y.ndim)
    x = S.reshape(x, (1,) * (ndim - x.ndim) + x.shape)
    y = S.reshape(y, (1,) * (ndim - y.ndim) + y.shape)
    wide = U.multiply(
        S.expand_dims(x, tuple(range(1, 2 * ndim, 2))),
        S.expand_dims(y, tuple(range(0, 2 * ndim, 2))),
    )
    return S.reshape(wide, tuple(n * m for n, m in zip(x.shape, y.shape, strict=True)))


def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """Vector product of vectors of 3 (or 2) components; other axes broadcast.

    >>> cross(asarray([1, 0, 0]), asarray([0, 1, 0])).tolist()
    [0, 0, 1]
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = operand("cross", a), operand("cross", b)
    x = moveaxis(x, axis_index("cross", axisa, x.ndim), -1)
    y = moveaxis(y, axis_index("cross", axisb, y.ndim), -1)
    sizes = x.shape[-1], y.shape[-1]
    if not set(sizes) <= {2, 3}:
        raise ShapeError(f"cross: expected vectors of 2 or 3 components, got {x.aval} and {y.aval}")
    parts = lambda v: [
        S.squeeze(S.slice_axis(v, v.ndim - 1, i, i + 1), (v.ndim - 1,)) for i in range(v.shape[-1])
    ]
    p, q = parts(x), parts(y)
    minor = lambda i, j: U.subtract(U.multiply(p[i], q[j]), U.multiply(p[j], q[i]))
    if sizes == (2, 2):
        return minor(0, 1)
    p = [*p, U.multiply(p[0], 0)] if sizes[0] == 2 else p
    q = [*q, U.multiply(q[0], 0)] if sizes[1] == 2 else q
    found = stack([minor(1, 2), minor(2, 0), minor(0, 1)], -1)
    return moveaxis(found, -1, axisc)


def trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    """Sum of a diagonal. a: array[..., m, n, ...] -> array[...] less the two axes.

    >>> trace(asarray([[1, 2], [3, 4]])).tolist()
    5
    """
    return reductions.sum(diagonal(a, offset, axis1, axis2), -1, dtype, out)

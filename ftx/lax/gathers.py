"""gather and scatter with XLA's dimension numbers, as jax.lax has them.

In: an operand, the places where windows begin, which axes are which.  Out: an array.
Both become ftx's own gathers and scatters: an index array for each axis that is read at computed
places, labels for the rest.  A window is kept or dropped as a whole.
Must not know: NumPy's indexing syntax, which `ftx.numpy.indexing` translates.
"""

import enum
import operator
import string
from typing import NamedTuple

from ..core import dtypes
from ..core.errors import ArgumentError, DTypeError, ShapeError
from ..core.primitives import elementwise as E
from ..core.primitives import indexing as G
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..numpy import elementwise as U
from ..numpy.promotion import asarray

__all__ = [
    *("GatherDimensionNumbers", "GatherScatterMode", "ScatterDimensionNumbers", "gather"),
    *("scatter", "scatter_add", "scatter_max", "scatter_min", "scatter_mul", "scatter_sub"),
]


class GatherDimensionNumbers(NamedTuple):
    """Which axes of a gather are which.

    offset_dims: axes of the result that are those of a window; collapsed_slice_dims: axes of the
    operand, of window size 1, that the result lacks; start_index_map: the operand's axis for each
    component of a start; *_batching_dims: axes of operand and starts that run together.

    >>> GatherDimensionNumbers((1,), (0,), (0,)).start_index_map
    (0,)
    """

    offset_dims: tuple[int, ...]
    collapsed_slice_dims: tuple[int, ...]
    start_index_map: tuple[int, ...]
    operand_batching_dims: tuple[int, ...] = ()
    start_indices_batching_dims: tuple[int, ...] = ()


class ScatterDimensionNumbers(NamedTuple):
    """Which axes of a scatter are which: those of the gather whose transpose it is.

    >>> ScatterDimensionNumbers((1,), (0,), (0,)).inserted_window_dims
    (0,)
    """

    update_window_dims: tuple[int, ...]
    inserted_window_dims: tuple[int, ...]
    scatter_dims_to_operand_dims: tuple[int, ...]
    operand_batching_dims: tuple[int, ...] = ()
    scatter_indices_batching_dims: tuple[int, ...] = ()


class GatherScatterMode(enum.Enum):
    """What becomes of windows that stick out of the operand.

    >>> GatherScatterMode.from_any("clip").name
    'CLIP'
    """

    CLIP = enum.auto()
    FILL_OR_DROP = enum.auto()
    PROMISE_IN_BOUNDS = enum.auto()

    @staticmethod
    def from_any(s):
        """The mode of a name; None is FILL_OR_DROP.

        >>> GatherScatterMode.from_any("clip").name
        'CLIP'
        """
        if isinstance(s, GatherScatterMode):
            return s
        known = {
            "clip": GatherScatterMode.CLIP,
            **dict.fromkeys((None, "fill", "drop"), GatherScatterMode.FILL_OR_DROP),
            "promise_in_bounds": GatherScatterMode.PROMISE_IN_BOUNDS,
        }
        if s not in known:
            raise ArgumentError(
                f"GatherScatterMode: expected clip, fill, drop or promise_in_bounds, got {s!r}"
            )
        return known[s]


class _Windows:
    """Index arrays and the spec of windows of `sizes` that begin at `starts` in `x`."""

    def __init__(self, name, x, starts, numbers, sizes, mode):
        self.name, self.x, self.numbers, self.sizes = name, x, numbers, sizes
        offsets, dropped, axes, together, starts_together = map(tuple, numbers)
        self.starts, self.mode = starts, mode
        self.check(axes, dropped, together)
        lead = string.ascii_uppercase[: starts.ndim - 1]
        self.letters = list(string.ascii_lowercase[: x.ndim])
        for axis, at in zip(together, starts_together, strict=True):
            self.letters[axis] = lead[at]
        windows = [a for a in range(x.ndim) if a not in dropped and a not in together]
        self.read = [
            a
            for a in range(x.ndim)
            if a not in together and (a in axes or a in dropped or sizes[a] != x.shape[a])
        ]
        inner = {a: string.ascii_lowercase[-1 - a] for a in windows if a in self.read}
        self.at, self.inner = lead + "".join(inner.values()), list(inner)
        shown = iter([inner.get(a, self.letters[a]) for a in windows])
        rest = iter(lead)
        rank = len(lead) + len(windows)
        self.out = "".join(next(shown) if i in offsets else next(rest) for i in range(rank))

    def check(self, axes, dropped, together):
        """Raise for numbers that contradict the operand."""
        x, starts = self.x, self.starts
        if not dtypes.is_integer(starts.dtype):
            raise DTypeError(f"{self.name}: expected integer indices, got {starts.aval}")
        if x.ndim > 12 or starts.ndim > 25:
            raise ShapeError(f"{self.name}: expected at most 12 axes, got {x.aval}; reshape")
        if not starts.ndim or starts.shape[-1] != len(axes):
            raise ShapeError(
                f"{self.name}: expected indices of {len(axes)} components along the last axis, one "
                f"for each axis in {axes}, got {starts.aval}"
            )
        if len(self.sizes) != x.ndim or any(
            not 0 <= m <= n for m, n in zip(self.sizes, x.shape, strict=False)
        ):
            raise ShapeError(
                f"{self.name}: expected a window no larger than {x.aval}, got {tuple(self.sizes)}"
            )
        if any(self.sizes[a] != 1 for a in (*dropped, *together)):
            raise ShapeError(
                f"{self.name}: expected window sizes of 1 along {(*dropped, *together)}, got "
                f"{tuple(self.sizes)}"
            )

    @property
    def spec(self):
        """As `core.primitives.indexing` writes it."""
        read = "".join(self.letters[a] for a in self.read)
        return f"{''.join(self.letters)}[{read}],{self.at}->{self.out}"

    def indices(self):
        """One array for each axis read at computed places; -1 throughout a dropped window."""
        lead = self.starts.shape[:-1]
        shape = (*lead, *(self.sizes[a] for a in self.inner))
        found, outside = [], None
        starts = C.convert(self.starts, dtypes.int64)
        axes = list(self.numbers[2])
        for axis in self.read:
            begin = S.full(lead, 0, dtypes.int64)
            if axis in axes:
                k = axes.index(axis)
                begin = S.slice_axis(starts, starts.ndim - 1, k, k + 1)
                begin = S.squeeze(begin, (starts.ndim - 1,))
            low = S.full(lead, 0, dtypes.int64)
            high = S.full(lead, self.x.shape[axis] - self.sizes[axis], dtypes.int64)
            wrong = E.or_(E.lt(begin, low), E.gt(begin, high))
            outside = wrong if outside is None else E.or_(outside, wrong)
            if self.mode is not GatherScatterMode.PROMISE_IN_BOUNDS:
                begin = E.min_(E.max_(begin, low), high)
            place = S.broadcast_in_dim(begin, shape, tuple(range(len(lead))))
            if axis in self.inner:
                step = S.iota(dtypes.int64, shape, len(lead) + self.inner.index(axis))
                place = E.add(place, step)
            found.append(place)
        if self.mode is GatherScatterMode.FILL_OR_DROP and found:
            whole = S.broadcast_in_dim(outside, shape, tuple(range(len(lead))))
            found[0] = C.select(whole, S.full(shape, -1, dtypes.int64), found[0])
        return found

    def primitive_mode(self, of_misses):
        """What the primitive does with places outside, of which only -1 is left."""
        return of_misses if self.mode is GatherScatterMode.FILL_OR_DROP else "promise"


def gather(
    operand, start_indices, dimension_numbers, slice_sizes, *, unique_indices=False,
    indices_are_sorted=False, mode=None, fill_value=None,
):  # fmt: skip
    """Windows of the operand at computed places, XLA's most general form; see `x.at[...].get`.

    Args:
      operand: number[...].
      start_indices: int[..., k]: where windows begin, k components along the last axis.
      dimension_numbers: GatherDimensionNumbers.
      slice_sizes: size of a window along each axis of the operand.
      unique_indices, indices_are_sorted: promises; the result is the same without them.
      mode: "clip" (default: a window that sticks out is moved inside), "fill" (it is fill_value
        throughout), "promise_in_bounds".
      fill_value: number; by default NaN, the least signed or greatest unsigned integer, or True.
    Returns: number[...]: axes of start_indices but the last, and at offset_dims those of windows.
    Raises: ShapeError, DTypeError for numbers, sizes or indices that contradict the operand.

    >>> numbers = GatherDimensionNumbers((1,), (0,), (0,))
    >>> x = asarray([[1, 2], [3, 4], [5, 6]])
    >>> gather(x, asarray([[2], [0]]), numbers, (1, 2)).tolist()
    [[5, 6], [1, 2]]
    """
    x, starts = asarray(operand), asarray(start_indices)
    sizes = tuple(map(operator.index, slice_sizes))
    mode = GatherScatterMode.from_any("clip" if mode is None else mode)
    w = _Windows("gather", x, starts, GatherDimensionNumbers(*dimension_numbers), sizes, mode)
    fill = fill_value.item() if hasattr(fill_value, "item") else fill_value
    return G.gather(x, w.indices(), w.spec, w.primitive_mode("fill"), fill)


def _scatter(name, primitive, operand, scatter_indices, updates, dimension_numbers, mode):
    x, starts, new = asarray(operand), asarray(scatter_indices), asarray(updates)
    if x.dtype != new.dtype:
        raise DTypeError(
            f"{name}: expected updates of the dtype of {x.aval}, got {new.aval}; use astype"
        )
    numbers = ScatterDimensionNumbers(*dimension_numbers)
    gone = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    if x.ndim - len(gone) != len(numbers.update_window_dims) or new.ndim != (
        starts.ndim - 1 + len(numbers.update_window_dims)
    ):
        raise ShapeError(
            f"{name}: expected updates with the {starts.ndim - 1} leading axes of the indices and "
            f"{x.ndim - len(gone)} axes of a window, got {new.aval} for {numbers}"
        )
    shown = iter(sorted(numbers.update_window_dims))
    sizes = [1 if a in gone else new.shape[next(shown)] for a in range(x.ndim)]
    mode = GatherScatterMode.from_any(mode)
    w = _Windows(name, x, starts, GatherDimensionNumbers(*numbers), sizes, mode)
    return primitive.bind(x, new, *w.indices(), spec=w.spec, mode=w.primitive_mode("drop"))[0]


def _make(name, primitive, what, example):
    def function(
        operand, scatter_indices, updates, dimension_numbers, *, indices_are_sorted=False,
        unique_indices=False, mode=None,
    ):  # fmt: skip
        return _scatter(name, primitive, operand, scatter_indices, updates, dimension_numbers, mode)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The operand with windows at computed places {what}; see `x.at[...]`.

    Args:
      operand: number[...].
      scatter_indices: int[..., k]: where windows begin, k components along the last axis.
      updates: number[...] of the operand's dtype: axes of scatter_indices but the last, and at
        update_window_dims those of windows.
      dimension_numbers: ScatterDimensionNumbers.
      indices_are_sorted, unique_indices: promises; the result is the same without them.
      mode: "drop" (default: a window that sticks out is left out), "clip" (moved inside),
        "promise_in_bounds".
    Returns: number[...] of the operand's shape.
    Raises: ShapeError, DTypeError for numbers, indices or updates that contradict the operand.

    >>> numbers = ScatterDimensionNumbers((), (0,), (0,))
    >>> places = asarray([[2], [0], [2]])
    >>> {name}(asarray([1, 2, 3]), places, asarray([5, 6, 7]), numbers).tolist()
    {example}
    """
    return function


scatter = _make("scatter", G.scatter_p, "replaced, the last of several counting", [6, 2, 7])
scatter_add = _make("scatter_add", G.scatter_add_p, "added to", [7, 2, 15])
scatter_mul = _make("scatter_mul", G.scatter_mul_p, "multiplied", [6, 2, 105])
scatter_min = _make("scatter_min", G.scatter_min_p, "no higher than the updates", [1, 2, 3])
scatter_max = _make("scatter_max", G.scatter_max_p, "no lower than the updates", [6, 2, 7])


def scatter_sub(
    operand, scatter_indices, updates, dimension_numbers, *, indices_are_sorted=False,
    unique_indices=False, mode=None,
):  # fmt: skip
    """The operand with updates subtracted from windows at computed places. Shapes as of `scatter`.

    Args, Returns, Raises: as `scatter_add`.

    >>> numbers = ScatterDimensionNumbers((), (0,), (0,))
    >>> scatter_sub(asarray([1, 2]), asarray([[1], [1]]), asarray([5, 6]), numbers).tolist()
    [1, -9]
    """
    return _scatter(
        "scatter_sub", G.scatter_add_p, operand, scatter_indices, U.negative(asarray(updates)),
        dimension_numbers, mode,
    )  # fmt: skip

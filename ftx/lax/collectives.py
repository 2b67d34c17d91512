"""Collectives of jax.lax over named axes, on trees of arrays.

In: trees of values of one row of a mapped axis.  Out: trees of values made from all rows.
Must not know: who maps.
"""

from ..core import tree
from ..core.array import PYTHON_SCALARS
from ..core.errors import ArgumentError
from ..core.placement import placed
from ..core.primitives import collective as K
from ..core.primitives import shape as S
from ..core.state import axis_size as _axis_size
from ..numpy import elementwise as U
from ..numpy.promotion import asarray, unsupported
from ..transforms.varying import checked_names

__all__ = [
    *("all_gather", "all_to_all", "axis_index", "axis_size", "pmax", "pmean", "pmin", "ppermute"),
    *("pcast", "pshuffle", "psum", "psum_scatter", "pswapaxes", "pbroadcast"),
    "with_sharding_constraint",
]


def _each(name, f, x, groups):
    unsupported(name, axis_index_groups=groups)
    return tree.map(lambda v: f(v if type(v) in PYTHON_SCALARS else asarray(v)), x)


def psum(x, axis_name, *, axis_index_groups=None):
    """Sum over the rows of the named axes; psum(1, name) is their number.

    >>> from ftx.transforms.vmap import vmap
    >>> vmap(lambda v: psum(v, "i"), axis_name="i")(asarray([1, 2])).tolist()
    [3, 3]
    """
    return _each("psum", lambda v: K.psum(v, axis_name), x, axis_index_groups)


def pmean(x, axis_name, *, axis_index_groups=None):
    """Mean over the rows of the named axes.

    >>> from ftx.transforms.vmap import vmap
    >>> vmap(lambda v: pmean(v, "i"), axis_name="i")(asarray([1.0, 2.0])).tolist()
    [1.5, 1.5]
    """
    n = K.total_size(axis_name)
    return _each("pmean", lambda v: U.divide(K.psum(v, axis_name), n), x, axis_index_groups)


def pmax(x, axis_name, *, axis_index_groups=None):
    """Largest over the rows of the named axes.

    >>> from ftx.transforms.vmap import vmap
    >>> vmap(lambda v: pmax(v, "i"), axis_name="i")(asarray([1, 2])).tolist()
    [2, 2]
    """
    return _each("pmax", lambda v: K.pmax(asarray(v), axis_name), x, axis_index_groups)


def pmin(x, axis_name, *, axis_index_groups=None):
    """Smallest over the rows of the named axes.

    >>> from ftx.transforms.vmap import vmap
    >>> vmap(lambda v: pmin(v, "i"), axis_name="i")(asarray([1, 2])).tolist()
    [1, 1]
    """
    return _each("pmin", lambda v: K.pmin(asarray(v), axis_name), x, axis_index_groups)


def all_gather(x, axis_name, *, axis_index_groups=None, axis=0, tiled=False, to="varying"):
    """Every row's value along a new axis, or end to end along `axis` if `tiled`.

    >>> from ftx.transforms.vmap import vmap
    >>> vmap(lambda v: all_gather(v, "i"), axis_name="i")(asarray([1, 2])).tolist()
    [[1, 2], [1, 2]]
    """
    gather = lambda v: K.all_gather(asarray(v), axis_name, axis, tiled)
    return _each("all_gather", gather, x, axis_index_groups)


def all_to_all(x, axis_name, split_axis, concat_axis, *, axis_index_groups=None, tiled=False):
    """Exchange the rows with `split_axis`, which comes back at `concat_axis`.

    >>> from ftx.transforms.vmap import vmap
    >>> f = vmap(lambda v: all_to_all(v, "i", 0, 0), axis_name="i")
    >>> f(asarray([[1, 2], [3, 4]])).tolist()
    [[1, 3], [2, 4]]
    """
    move = lambda v: K.all_to_all(asarray(v), axis_name, split_axis, concat_axis, tiled)
    return _each("all_to_all", move, x, axis_index_groups)


def psum_scatter(x, axis_name, *, scatter_dimension=0, axis_index_groups=None, tiled=False):
    """Sum over the rows, of which each row keeps its part along an axis.

    >>> from ftx.transforms.vmap import vmap
    >>> f = vmap(lambda v: psum_scatter(v, "i"), axis_name="i")
    >>> f(asarray([[1, 2], [3, 4]])).tolist()
    [4, 6]
    """
    part = lambda v: K.psum_scatter(asarray(v), axis_name, scatter_dimension, tiled)
    return _each("psum_scatter", part, x, axis_index_groups)


def ppermute(x, axis_name, perm):
    """The value of row `source` at row `target` for every pair (source, target); else zeros.

    >>> from ftx.transforms.vmap import vmap
    >>> f = vmap(lambda v: ppermute(v, "i", [(0, 1), (1, 0)]), axis_name="i")
    >>> f(asarray([1, 2])).tolist()
    [2, 1]
    """
    return _each("ppermute", lambda v: K.ppermute(asarray(v), axis_name, perm), x, None)


def pshuffle(x, axis_name, perm):
    """The value of row perm[i] at row i.

    >>> from ftx.transforms.vmap import vmap
    >>> vmap(lambda v: pshuffle(v, "i", [1, 0]), axis_name="i")(asarray([1, 2])).tolist()
    [2, 1]
    """
    return ppermute(x, axis_name, [(source, i) for i, source in enumerate(perm)])


def pswapaxes(x, axis_name, axis, *, axis_index_groups=None):
    """Exchange the rows with an axis.

    >>> from ftx.transforms.vmap import vmap
    >>> f = vmap(lambda v: pswapaxes(v, "i", 0), axis_name="i")
    >>> f(asarray([[1, 2], [3, 4]])).tolist()
    [[1, 3], [2, 4]]
    """
    return all_to_all(x, axis_name, axis, axis, axis_index_groups=axis_index_groups)


def pbroadcast(x, axis_name, source):
    """The value of row `source` at every row.

    >>> from ftx.transforms.vmap import vmap
    >>> vmap(lambda v: pbroadcast(v, "i", 1), axis_name="i")(asarray([1, 2])).tolist()
    [2, 2]
    """

    def pick(v):
        rows = K.all_gather(asarray(v), axis_name)
        return S.reshape(S.slice_axis(rows, 0, source, source + 1), rows.shape[1:])

    return _each("pbroadcast", pick, x, None)


def pcast(x, axis_name, *, to):
    """x, counted as varying over axes of the mesh inside shard_map, so that its gradient does.

    It differs from x under shard_map with check_vma alone.

    >>> from ftx.transforms.vmap import vmap
    >>> vmap(lambda v: pcast(v, "i", to="varying"), axis_name="i")(asarray([5, 6])).tolist()
    [5, 6]
    """
    if to != "varying":
        raise ArgumentError(f"pcast: expected to='varying', got {to!r}; use psum to reduce")
    axis_size(axis_name)
    names = checked_names(K.names_of(axis_name))
    return tree.map(lambda v: K.pcast(asarray(v), names), x)


def with_sharding_constraint(x, shardings):
    """A tree of arrays that remember shardings, which are checked; nothing is moved.

    Args:
      shardings: shardings, or PartitionSpecs for the mesh in force, a prefix of x.
    Raises: ShardingError if one cannot divide its array.

    >>> import ftx
    >>> mesh = ftx.sharding.AbstractMesh((2,), ("x",))
    >>> rows = ftx.NamedSharding(mesh, ftx.P("x"))
    >>> with_sharding_constraint(ftx.numpy.ones((4, 3)), rows).sharding.shard_shape((4, 3))
    (2, 3)
    """
    return placed("with_sharding_constraint", tree.map(asarray, x), shardings)


def axis_index(axis_name):
    """Which row of the named axis this is.

    >>> from ftx.transforms.vmap import vmap
    >>> vmap(lambda v: axis_index("i"), axis_name="i")(asarray([5, 6])).tolist()
    [0, 1]
    """
    return K.axis_index(axis_name)


def axis_size(axis_name):
    """Number of rows of the named axis.

    >>> from ftx.transforms.vmap import vmap
    >>> vmap(lambda v: v * axis_size("i"), axis_name="i")(asarray([5, 6])).tolist()
    [10, 12]
    """
    names = axis_name if isinstance(axis_name, (tuple, list)) else (axis_name,)
    total = 1
    for name in names:
        total *= _axis_size(name)
    return total

"""jax.experimental.shard_map: `shard_map` as it was called before it became public.

Must not know: how anything is done.
"""

from ..transforms.shard_map import shard_map as _shard_map

__all__ = ["shard_map"]


def shard_map(f, mesh, in_specs, out_specs, check_rep=True):
    """`ftx.shard_map`, where check_vma was called check_rep.

    >>> import ftx
    >>> mesh = ftx.sharding.AbstractMesh((2,), ("x",))
    >>> shard_map(lambda v: v + 1, mesh, ftx.P("x"), ftx.P("x"))(ftx.numpy.arange(4)).tolist()
    [1, 2, 3, 4]
    """
    return _shard_map(f, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=check_rep)

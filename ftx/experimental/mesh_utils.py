"""jax.experimental.mesh_utils: grids of devices for `ftx.sharding.Mesh`.

Must not know: how anything is done.
"""

from ..numpy.promotion import unsupported
from ..sharding import make_mesh

__all__ = ["create_device_mesh"]


def create_device_mesh(
    mesh_shape, devices=None, *, contiguous_submeshes=False, allow_split_physical_axes=False
):
    """A NumPy array of devices of that shape; places of this machine's CPU are all alike.

    >>> create_device_mesh((1, 1)).shape
    (1, 1)
    """
    flags = (contiguous_submeshes or None, allow_split_physical_axes or None)
    unsupported(
        "create_device_mesh", contiguous_submeshes=flags[0], allow_split_physical_axes=flags[1]
    )
    names = [f"axis{i}" for i in range(len(mesh_shape))]
    return make_mesh(mesh_shape, names, devices=devices).devices

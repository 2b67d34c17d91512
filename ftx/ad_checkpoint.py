"""ftx.ad_checkpoint: the names of jax.ad_checkpoint.

In: functions and values.  Out: functions that compute again, values with names.
Must not know: how a program is split.
"""

# ruff: noqa: F401  names are exported

from .transforms.checkpoint import checkpoint
from .transforms.checkpoint import checkpoint as remat
from .transforms.checkpoint_policies import checkpoint_name, checkpoint_policies

"""ftx.custom_batching: functions whose batched form is given by the user, as jax.custom_batching.

In: a function and its rule for a batch.  Out: the function, under `vmap` the rule.
Must not know: how a batch is made.
"""

from .transforms.batching import custom_vmap, sequential_vmap

__all__ = ["custom_vmap", "sequential_vmap"]

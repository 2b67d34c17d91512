"""What a checkpointed function keeps for its backward pass: the policies of JAX, and names.

In: a primitive, the types of its operands, its params.  Out: whether its results are kept.
Knows nothing of: how a program is split by a policy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core import tree
from ..core.primitives.conv import conv_general_dilated_p
from ..core.primitives.dot import dot_general_p, labels
from ..core.primitives.effects import name_p
from .calling import as_value

Policy = Callable[..., bool]


def checkpoint_name(x: Any, name: str) -> Any:
    """`x`, a tree of arrays, under a name by which a policy can keep it.

    >>> float(checkpoint_name(2.0, "two"))
    2.0
    """
    return tree.map(lambda leaf: name_p.bind(as_value(leaf), name=name)[0], x)


class checkpoint_policies:
    """Policies for `ftx.checkpoint(policy=...)`, with JAX's names.

    A policy is called with a primitive, the types of its operands and its params, and tells whether
    reverse mode keeps the results; what is not kept is computed again.
    """

    @staticmethod
    def everything_saveable(*_: Any, **__: Any) -> bool:
        """Keep whatever is needed: as without `checkpoint`."""
        return True

    @staticmethod
    def nothing_saveable(*_: Any, **__: Any) -> bool:
        """Keep the inputs alone."""
        return False

    @staticmethod
    def dots_saveable(primitive: Any, *_: Any, **__: Any) -> bool:
        """Keep the results of products and convolutions."""
        return primitive in (dot_general_p, conv_general_dilated_p)

    checkpoint_dots = dots_saveable

    @staticmethod
    def dots_with_no_batch_dims_saveable(primitive: Any, *_: Any, **params: Any) -> bool:
        """Keep the results of products that run over no common axis."""
        if primitive is not dot_general_p:
            return False
        lhs, rhs, out = labels(params["spec"])
        return not set(lhs) & set(rhs) & set(out)

    checkpoint_dots_with_no_batch_dims = dots_with_no_batch_dims_saveable

    @staticmethod
    def save_only_these_names(*names: str) -> Policy:
        """Keep what `checkpoint_name` gave one of these names."""
        wanted = frozenset(names)

        def policy(primitive: Any, *_: Any, **params: Any) -> bool:
            return primitive is name_p and params["name"] in wanted

        return policy

    @staticmethod
    def save_any_names_but_these(*names: str) -> Policy:
        """Keep what has a name, unless it is one of these."""
        unwanted = frozenset(names)

        def policy(primitive: Any, *_: Any, **params: Any) -> bool:
            return primitive is name_p and params["name"] not in unwanted

        return policy

    @staticmethod
    def save_anything_except_these_names(*names: str) -> Policy:
        """Keep everything but what has one of these names."""
        unwanted = frozenset(names)

        def policy(primitive: Any, *_: Any, **params: Any) -> bool:
            return not (primitive is name_p and params["name"] in unwanted)

        return policy

    @staticmethod
    def save_and_offload_only_these_names(
        *,
        names_which_can_be_saved: Sequence[str],
        names_which_can_be_offloaded: Sequence[str],
        offload_src: str,
        offload_dst: str,
    ) -> Policy:
        """Keep what has one of these names, also what JAX would move to another memory."""
        names = (*names_which_can_be_saved, *names_which_can_be_offloaded)
        return checkpoint_policies.save_only_these_names(*names)

    @staticmethod
    def offload_dot_with_no_batch_dims(offload_src: str, offload_dst: str) -> Policy:
        """Keep the results of products that run over no common axis, where they are."""
        return checkpoint_policies.dots_with_no_batch_dims_saveable

    @staticmethod
    def save_from_both_policies(first: Policy, second: Policy) -> Policy:
        """Keep what either policy keeps."""

        def policy(primitive: Any, *avals: Any, **params: Any) -> bool:
            return first(primitive, *avals, **params) or second(primitive, *avals, **params)

        return policy

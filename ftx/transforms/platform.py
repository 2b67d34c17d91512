"""platform_dependent: code that differs between backends.

In: one function per platform.  Out: the result of the one whose turn it is.
Knows nothing of: the backends; they are names in the configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.config import config
from ..core.errors import BackendError, ConfigError
from .calling import check_callable


def platform_dependent(
    *args: Any, default: Callable[..., Any] | None = None, **per_platform: Callable[..., Any]
) -> Any:
    """per_platform[platform](*args), where the platform is that of the default backend.

    The choice is made while tracing; a program is traced again when the backend changes. The
    other functions are not looked at.

    Args:
      default: for platforms that are not named.
      per_platform: functions by "cpu", "cuda", "rocm" or "tpu"; the reference backend is "cpu".
    Raises: BackendError if there is no function for the platform; ConfigError for the name "gpu".

    >>> float(platform_dependent(2.0, cpu=lambda x: x + 1, default=lambda x: x))
    3.0
    """
    for fun in (*per_platform.values(), *([] if default is None else [default])):
        check_callable("platform_dependent", fun)
    if "gpu" in per_platform:
        raise ConfigError("platform_dependent: expected 'cuda' or 'rocm', got 'gpu'")
    platform = "cpu" if config.default_backend == "reference" else config.default_backend
    chosen = per_platform.get(platform, default)
    if chosen is None:
        raise BackendError(
            f"platform_dependent: expected a function for the platform {platform!r} or a default, "
            f"got functions for {', '.join(per_platform) or 'none'}"
        )
    return chosen(*args)

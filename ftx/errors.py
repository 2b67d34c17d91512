"""ftx.errors: the exceptions and warnings of ftx, and JAX's names of those that JAX has too.

Must not know: where they are raised.
"""

from .core.errors import *  # noqa: F403
from .core.errors import BackendError, ConcretizationError, LeakedTracerError

ConcretizationTypeError = ConcretizationError
JaxRuntimeError = BackendError
UnexpectedTracerError = LeakedTracerError

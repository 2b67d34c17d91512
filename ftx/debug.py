"""jax.debug: look into a program while it runs, compiled or not.

In: values of the program.  Out: lines on standard output, or calls of a function of the user's.
Must not know: how a program calls Python.
"""

from .transforms.callback import debug_callback as callback
from .transforms.callback import debug_print as print

__all__ = ["callback", "print"]

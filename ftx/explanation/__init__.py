"""explain: what a compiled program does, step by step, and how near the machine's limits it is.

In: a function and its arguments.  Out: an Explanation: rows for programs, a table, a page.
Looks inside the CPU backend; nothing of ftx depends on it.
Knows nothing of: how programs are traced and compiled; it asks those who do.
"""

from .explain import explain
from .records import Build, Equation, Memory, Roof, Row
from .report import Explanation

__all__ = ["Build", "Equation", "Explanation", "Memory", "Roof", "Row", "explain"]

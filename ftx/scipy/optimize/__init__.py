"""ftx.scipy.optimize: minima of functions, by programs of ftx or by SciPy with exact derivatives.

Must not know: linear algebra.
"""

from .interop import scipy_minimize, scipy_root
from .minimize import OptimizeResults, minimize

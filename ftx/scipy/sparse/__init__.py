"""ftx.scipy.sparse: `linalg`, linear systems given by a function.

Must not know: formats of sparse matrices.
"""

from . import linalg

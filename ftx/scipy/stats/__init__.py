"""ftx.scipy.stats: densities and distribution functions of a few families, with SciPy's arguments.

In: arrays that broadcast together.  Out: arrays.
Must not know: random numbers.
"""

from . import families
from .families import (
    bernoulli,
    beta,
    cauchy,
    expon,
    gamma,
    laplace,
    logistic,
    multivariate_normal,
    norm,
    poisson,
    t,
    uniform,
)
from .kde import gaussian_kde
from .moments import mode, sem
from .ranks import rankdata

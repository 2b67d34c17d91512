"""ftx.scipy.stats: densities and distribution functions of families, with SciPy's arguments.

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
from .more_families import (
    betabinom,
    binom,
    chi2,
    dirichlet,
    gennorm,
    geom,
    gumbel_l,
    gumbel_r,
    multinomial,
    nbinom,
    pareto,
    truncnorm,
    vonmises,
    wrapcauchy,
)
from .ranks import rankdata

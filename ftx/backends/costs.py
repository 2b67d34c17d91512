"""What scalar operations cost, for decisions about fusion.

In: names of elementwise primitives.  Out: units of about one addition.
Measured on one core with AVX-512 over 10^6 float32: an addition takes 0.1 ns an element, exp
0.25, log 0.5, erf 0.5; divisions and roots lie between.  The slopes of the gamma function iterate:
100 to 400 ns.
Knows nothing of: kernels.
"""

from __future__ import annotations

_FUNCTIONS = (
    "exp exp2 expm1 log log2 log1p cbrt pow sin cos tan asin acos atan atan2 sinh cosh tanh asinh "
    "acosh atanh logistic erf erfc erf_inv lgamma digamma "
    "i0 i1 i0e i1e ndtri erfcx"
)
COST = dict.fromkeys(_FUNCTIONS.split(), 10)
COST |= {"expi": 30, "exp1": 30, "trigamma": 30, "gammainc_slope": 1000, "gamma_sample_slope": 1000}
COST |= {"div": 3, "sqrt": 4, "rsqrt": 4, "rem": 4}
"""Units of one operation; 1 where it is not listed."""

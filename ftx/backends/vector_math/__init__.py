"""Elementary functions for kernels, written so that LLVM vectorises a loop that calls them.

Out: `COMPILED`, name -> Numba intrinsic, and `PYTHON`, name -> the same formula on NumPy scalars.
Both also hold the scalar building blocks of `blocks`. `SIGNATURES`: name -> (result, operands).
Imported by the compiler of kernels only, since it imports Numba.
Knows nothing of: arrays, jaxprs, how kernels are generated.
"""

from .. import intrinsics
from . import (
    bessel,
    blocks,
    exponential_integral,
    float32,
    float64,
    gamma,
    gamma_slopes,
    inverse_erf,
)

ROWS = {
    **blocks.ROWS,
    **float32.ROWS,
    **float64.ROWS,
    **gamma.ROWS,
    **inverse_erf.ROWS,
    **bessel.ROWS,
    **exponential_integral.ROWS,
    **gamma_slopes.ROWS,
}
ROWS |= {  # the names of other libraries
    f"{alias}_{t}": ROWS[f"{name}_{t}"]
    for alias, name in (("sigmoid", "logistic"), ("erfinv", "erf_inv"))
    for t in ("f32", "f64")
}
SIGNATURES: dict[str, tuple[str, tuple[str, ...]]] = {
    name: (row[1], tuple(row[2:])) for name, row in ROWS.items()
}
COMPILED: dict[str, object] = {name: intrinsics.compiled(name, *row) for name, row in ROWS.items()}
PYTHON: dict[str, object] = {name: intrinsics.twin(name, *row) for name, row in ROWS.items()}

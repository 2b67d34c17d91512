"""All rows: importing the modules of the families fills the table."""

from tests.functions import (  # noqa: F401
    creation_rows,
    elementwise_rows,
    fft_rows,
    linalg_rows,
    nn_rows,
    ordering_rows,
    product_rows,
    reduction_rows,
    shape_rows,
    special_rows,
)
from tests.functions.rows import ROWS

__all__ = ["ROWS"]

"""Derivatives of derivatives, of batches and of loops, of every row of the table."""

import pytest

from tests.rules.coverage import CASES, COLUMNS, SECOND, cases, primitive_of
from tests.rules.table import LINALG
from tests.support import compositions


@pytest.mark.parametrize(
    "case, order",
    [
        pytest.param(case, order, id=f"{case}-{order}")
        for order in SECOND
        for case in CASES
        if not COLUMNS[order].missing(case)
    ],
)
def test_second_order(case, order):
    compositions.check_second_order(case, order)


@cases("float32")
def test_single_precision(case):
    compositions.check_single_precision(case)


@cases("vmap∘grad")
def test_vmap_of_grad(case):
    compositions.check_vmap_of_grad(case)


@cases("grad∘vmap")
def test_grad_of_vmap(case):
    compositions.check_grad_of_vmap(case)


@cases("scan∘grad")
def test_loops(case):
    compositions.check_loops(case)


@cases("jit∘grad")
def test_compiled(case):
    # One order of a decomposition is many library steps and kernels between them: seconds each.
    names = ("jvp∘vjp",) if primitive_of(case) in LINALG else ()
    compositions.check_compiled(case, names)

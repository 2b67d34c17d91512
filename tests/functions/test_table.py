"""Every public function: values, compiled, types, gradients and vmap, all from its row.

A public function with neither a row nor a reason fails `test_every_function_has_a_row`.
FTX_EXAMPLES multiplies how many calls are drawn for each.
"""

import importlib
import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.functions import checks
from tests.functions.draws import calls
from tests.functions.families import ROWS
from tests.functions.rows import HELD, public

# Types are compared in JAX's 32-bit mode too, in which a 64-bit dtype asked for is said to be cut.
pytestmark = pytest.mark.filterwarnings("ignore::ftx.core.errors.TruncationWarning")
TIMES = int(os.environ.get("FTX_EXAMPLES", "1"))


def drawn(test, row, mode, examples):
    """Run `test` on calls drawn for the row."""
    phases = [Phase.generate] if TIMES == 1 else [Phase.generate, Phase.shrink]
    checks_off = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    options = {"deadline": None, "derandomize": True, "database": None, "phases": phases}
    run = given(calls(row.arguments, mode))(test)
    settings(max_examples=examples * TIMES, suppress_health_check=checks_off, **options)(run)()


def rows(*, where=lambda row: True):
    return pytest.mark.parametrize("row", [r for r in ROWS.values() if where(r)], ids=str)


def test_every_function_has_a_row():
    assert sorted(set(public()) - set(ROWS) - set(HELD)) == []


def test_every_row_and_reason_is_of_a_public_function():
    assert sorted((set(ROWS) | set(HELD)) - set(public())) == []


@rows()
def test_values(row):
    drawn(lambda call: checks.check_values(row, call), row, "values", 12)


@rows(where=lambda row: row.compiled)
def test_compiled(row):
    drawn(lambda call: checks.check_compiled(row, call), row, "compiled", 1)


@pytest.mark.peers
@rows(where=lambda row: row.peer is None)
def test_types(row):
    jax = pytest.importorskip("jax")
    if not hasattr(importlib.import_module(f"jax.{row.module}"), row.short):
        pytest.skip("JAX has no such function")
    drawn(lambda call: checks.check_types(row, call, jax), row, "types", 3)


@rows(where=lambda row: row.gradient)
def test_gradients(row):
    drawn(lambda call: checks.check_gradients(row, call), row, "gradients", 2)


@rows(where=lambda row: row.vmap)
def test_vmap(row):
    drawn(lambda call: checks.check_vmap(row, call), row, "vmap", 2)

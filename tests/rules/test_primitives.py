"""Rules of one transform at a time: types, jvp, transposition, vmap, compiled code.

A primitive without a row in the table fails `test_every_primitive_has_a_row`.
"""

import importlib
import pkgutil

import numpy as np
import pytest

import ftx
from ftx import transforms
from ftx.core import dtypes
from ftx.core.errors import DTypeError
from ftx.core.primitive import Primitive
from ftx.core.primitives import ALL, conv
from ftx.core.primitives.formula import Elementwise
from tests.rules import programs
from tests.rules.coverage import cases
from tests.rules.table import PRIMITIVES, ROWS
from tests.support import checks


def test_every_primitive_has_a_row():
    assert sorted(set(PRIMITIVES) - set(ROWS)) == []


def test_every_primitive_of_the_transforms_has_a_row():
    modules = pkgutil.iter_modules(transforms.__path__, transforms.__name__ + ".")
    named = (vars(importlib.import_module(m.name)).values() for m in modules)
    found = {x.name for names in named for x in names if isinstance(x, Primitive)}
    rows = {*ROWS, *programs.TABLE, *programs.HELD}
    assert sorted(found - rows) == []


@cases("types")
def test_types(case):
    checks.check_types(case)


@cases("jit")
def test_compiled(case):
    checks.check_compiled(case)


@cases("vmap")
def test_vmap(case):
    checks.check_vmap(case)


@cases("scan")
def test_scan(case):
    checks.check_scan(case)


@cases("jvp")
def test_jvp(case):
    checks.check_jvp(case)


@cases("vjp")
def test_transpose(case):
    checks.check_transpose(case)


@cases("vjp")
def test_compiled_gradient(case):
    checks.check_compiled_gradient(case)


@pytest.mark.parametrize(
    "primitive", [p for p in ALL if isinstance(p, Elementwise)], ids=lambda p: p.name
)
def test_elementwise_refuses_other_dtypes(primitive):
    (case, *_) = ROWS[primitive.name]
    for kind in set("bifc") - set(primitive.kinds):
        args = case.args(checks.COMPILED[kind])
        with pytest.raises(DTypeError, match=f"{primitive.name}: expected .* operands, got"):
            case.function(*args)


@pytest.mark.parametrize(
    "primitive",
    [p for p in ALL if getattr(p, "differentiable", True) is False],
    ids=lambda p: p.name,
)
def test_without_derivative_the_tangent_is_zero(primitive):
    (case, *_) = ROWS[primitive.name]
    if "f" not in case.kinds:
        pytest.skip("integers have no tangents")
    args = case.args(dtypes.float64)
    _, tangents = ftx.jvp(lambda *xs: case.function(*xs), tuple(args), tuple(args))
    assert not np.any(np.asarray(tangents).view() if tangents.dtype != dtypes.float0 else 0)


def test_conv_spec_is_checked():
    with pytest.raises(TypeError, match="expected labels such as"):
        conv.conv_general_dilated(
            ftx.numpy.ones((1, 4, 1)),
            ftx.numpy.ones((2, 1, 1)),
            (1,),
            ((0, 0),),
            None,
            None,
            "NXC,WIO->NWC",
        )

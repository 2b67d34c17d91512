"""The counts of scalar functions, counted again in the machine code they become."""

import re

import pytest

from ftx.backends.numba_adapter import inspect_kernel
from ftx.backends.vocabulary import kernel_namespace
from ftx.explanation import flops

KERNEL = """def kernel(args, lo, hi):
    x = pointer_{t}(args, 0)
    y = pointer_{t}(args, 1)
    y[lo] = {name}_{t}({operands})
    return 0
"""


def counted(name, t):
    """Additions, multiplications, divisions and roots in the LLVM text of one application.

    Of the kernel's own function: others are called for rare arguments only.
    """
    operands = "x[lo], x[hi]" if name in ("pow", "atan2") else "x[lo]"
    text = KERNEL.format(t=t, name=name, operands=operands)
    module = inspect_kernel(text, "kernel", kernel_namespace())[0]
    (llvm,) = re.findall(r"^define [^@]*@ftx_kernel_\w+\(.*?^}", module, re.DOTALL | re.MULTILINE)
    single = re.findall(r"= (?:\w+ )*f(?:add|sub|mul|div) |= .*call .*@llvm\.sqrt", llvm)
    return len(single) + 2 * len(re.findall(r"= .*call .*@llvm\.(?:fma|fmuladd)\.", llvm))


@pytest.mark.parametrize("name", sorted(flops.FUNCTIONS))
def test_the_table_is_what_the_functions_do(name):
    for t, written in zip(("f32", "f64"), flops.FUNCTIONS[name], strict=True):
        assert written == pytest.approx(counted(name, t), rel=0.1, abs=2)


def test_library_steps():
    assert flops.of_product(2, 3, 4, 5, flops.dtypes.float32) == 240
    assert flops.of_product(2, 3, 4, 5, flops.dtypes.complex64) == 960
    assert flops.of_operation("mul", flops.dtypes.complex64, flops.dtypes.complex64) == 6
    assert flops.of_operation("add", flops.dtypes.int32, flops.dtypes.int32) == 0

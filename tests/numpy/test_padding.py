"""`pad` against NumPy's, every mode with its arguments, of integers and floats."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp

ARRAYS = {
    "float": np.random.default_rng(0).normal(size=(4, 5)),
    "integer": np.arange(20).reshape(4, 5) ** 2,
}
WIDTHS = ((1, 2), (3, 0))
CASES = [
    ("constant", {}), ("constant", {"constant_values": ((1, 2), (3, 4))}),
    ("linear_ramp", {}), ("linear_ramp", {"end_values": 3}),
    ("linear_ramp", {"end_values": ((1, 2), (3, 4))}),
    ("edge", {}), ("wrap", {}), ("reflect", {}), ("reflect", {"reflect_type": "odd"}),
    ("symmetric", {}), ("symmetric", {"reflect_type": "odd"}),
    ("maximum", {}), ("maximum", {"stat_length": 2}), ("minimum", {}),
    ("mean", {}), ("mean", {"stat_length": ((1, 2), (3, 2))}),
    ("median", {}), ("median", {"stat_length": 2}),
]  # fmt: skip


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("mode,options", CASES)
def test_modes(kind, mode, options):
    x = ARRAYS[kind]
    wanted = np.pad(x, WIDTHS, mode, **options)
    for function in (fnp.pad, ftx.jit(fnp.pad, static_argnums=(1, 2), static_argnames=options)):
        found = function(x, WIDTHS, mode, **options)
        assert found.dtype == x.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_a_function_fills_each_line():
    def fill(line, width, axis, options):
        return line.at[: width[0]].set(options["value"] + axis)

    found = fnp.pad(ARRAYS["float"], ((1, 0), (1, 0)), fill, value=3.0)
    assert found[0, 1] == 3 and found[1, 0] == 4 and found.shape == (5, 6)


def test_what_is_refused():
    with pytest.raises(ftx.errors.UnsupportedError, match="got 'wat'"):
        fnp.pad(np.ones(3), 1, "wat")
    with pytest.raises(ftx.errors.ArgumentError, match="constant_values"):
        fnp.pad(np.ones(3), 1, "edge", constant_values=3)
    with pytest.raises(ftx.errors.ArgumentError, match="'even' or 'odd'"):
        fnp.pad(np.ones(3), 1, "reflect", reflect_type="wat")

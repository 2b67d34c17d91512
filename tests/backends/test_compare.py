"""FTX_CHECK=2 and the debug ladder."""

import numpy as np
import pytest

import ftx
import ftx.numpy as fnp
from ftx.backends import compare
from ftx.core.errors import JaxprTypeError
from ftx.core.primitives import transcendental


def test_check_2_passes_right_programs_and_names_a_wrong_equation(monkeypatch):
    with ftx.config.override(check=2):
        f = ftx.jit(lambda x: fnp.sum(fnp.exp(x) * 2.0))
        assert float(f(fnp.zeros(3))) == 6.0
        wrong = staticmethod(lambda x: np.exp(x) + 1)
        monkeypatch.setattr(transcendental.Exp, "numpy", wrong)
        g = ftx.jit(lambda x: fnp.exp(x) * 3.0)
        with pytest.raises(JaxprTypeError, match="exp: the compiled result differs") as error:
            g(fnp.zeros(3))
        assert "test_compare.py" in str(error.value)


def test_agreement_allows_rounding_only():
    x = np.array([1.0, np.nan, np.inf], np.float32)
    assert compare.same(x, x.copy())
    assert not compare.same(x, np.array([1.01, np.nan, np.inf], np.float32))
    assert not compare.same(np.array([1, 2]), np.array([1, 3]))


def test_the_debug_ladder_prints_and_dumps(capsys, tmp_path):
    with ftx.config.override(debug=4, dump=str(tmp_path)):
        ftx.jit(lambda x: fnp.tanh(x) - 0.5)(fnp.zeros(3))
    shown = capsys.readouterr().err
    assert "tracing" in shown and "def kernel" in shown and "simplify" in shown
    assert len(list(tmp_path.glob("*fuse.txt"))) == 1


def test_threads_follow_the_option():
    before = ftx.backends.parallel.get_num_threads()
    with ftx.config.override(num_threads=1):
        assert ftx.backends.parallel.get_num_threads() == 1
    assert ftx.backends.parallel.get_num_threads() == before


def test_debug_nans_names_the_equation_and_line_in_compiled_code():
    f = ftx.jit(lambda x: fnp.log(x - 1.0) * 2.0)
    f(fnp.zeros(2))
    with ftx.debug_nans():
        with pytest.raises(
            FloatingPointError, match="log: expected finite results, got a NaN"
        ) as error:
            f(fnp.zeros(2))
        assert "test_compare.py" in str(error.value)
        assert float(f(fnp.full((1,), 2.0))[0]) == 0.0

"""SciPy and scikit-learn take ftx arrays through the array API standard, and give ftx arrays back.

Each runs in a process of its own: SciPy reads SCIPY_ARRAY_API when it is imported. Functions that
write into arrays are refused, as arrays cannot be changed; which ones do is theirs to say.
"""

import os
import subprocess
import sys

import pytest

HEAD = """
import numpy as np
import ftx, ftx.numpy as fnp

a = np.random.default_rng(0).normal(size=(6, 3))
x = fnp.asarray(a)

def same(f):
    mine, theirs = f(x), f(a)
    assert isinstance(mine, ftx.Array), type(mine)
    np.testing.assert_allclose(np.asarray(mine), theirs, rtol=1e-12)

def refused(f):
    try:
        f(x)
    except ftx.errors.ImmutableArrayError:
        return
    raise AssertionError("works now")
"""

SCIPY = """
import scipy.fft, scipy.integrate, scipy.cluster.vq
from scipy import signal, special, stats

same(lambda x: special.softmax(x, axis=0))
same(lambda x: special.expit(x))
same(lambda x: special.gammaln(abs(x)))
same(lambda x: stats.gmean(abs(x)))
same(lambda x: stats.skew(x))
same(lambda x: stats.kurtosis(x))
same(lambda x: stats.entropy(abs(x)))
same(lambda x: stats.ttest_1samp(x, 0.0).pvalue)
same(lambda x: scipy.cluster.vq.vq(x, x[:2])[0])
same(lambda x: scipy.fft.fft(x))
same(lambda x: scipy.integrate.trapezoid(x))
same(lambda x: signal.detrend(x))
same(lambda x: signal.fftconvolve(x, x))
refused(lambda x: special.logsumexp(x, axis=0))
refused(lambda x: stats.zmap(x, x))
refused(lambda x: scipy.cluster.vq.whiten(x))
"""

SKLEARN = """
import sklearn
from sklearn.decomposition import PCA
from sklearn.preprocessing import MinMaxScaler

with sklearn.config_context(array_api_dispatch=True):
    same(lambda x: PCA(2, svd_solver="full").fit_transform(x))
    refused(lambda x: MinMaxScaler().fit_transform(x))
"""


def run(text):
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run(
        [sys.executable, "-c", HEAD + text], env=environment, capture_output=True, text=True
    )
    assert not done.returncode, done.stderr


def test_scipy():
    run(SCIPY)


def test_scikit_learn():
    pytest.importorskip("sklearn")
    run(SKLEARN)

"""The standard's functions by NumPy: the oracle where array_api_strict is not installed.

In: nothing.  Out: `standard`, a namespace: array_api_strict, or NumPy with the differences below.
NumPy 2 has the standard's names and dtypes; here is what it leaves out or does otherwise.
"""

import types

import numpy as np

try:
    import array_api_strict as strict
except ImportError:
    strict = None


def _sorted(x, axis=-1, descending=False, stable=True):
    found = np.sort(x, axis=axis, stable=stable)
    return np.flip(found, axis=axis) if descending else found


def _order(x, axis=-1, descending=False, stable=True):
    if not descending:
        return np.argsort(x, axis=axis, stable=stable)
    backwards = np.argsort(np.flip(x, axis=axis), axis=axis, stable=stable)
    return np.flip(x.shape[axis] - 1 - backwards, axis=axis)


def _unique(*wanted):
    """NumPy's own `unique_*` do not sort."""

    def unique(x):
        names = ("index", "inverse", "counts")
        given = {f"return_{n}": n in wanted for n in names}
        return np.unique(x, equal_nan=False, **given)

    return unique


def _on_floats(name):
    def frequencies(n, d=1.0, dtype=None, device=None):
        return getattr(np.fft, name)(n, d).astype(np.float64 if dtype is None else dtype)

    return frequencies


def _with(module, **functions):
    """`module`, but for these functions."""
    names = {name: getattr(module, name) for name in dir(module) if not name.startswith("__")}
    return types.SimpleNamespace(**{**names, **functions})


def _count_nonzero(x, axis=None, keepdims=False):
    return np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims))


def _isin(x1, x2, invert=False):
    return np.isin(x1, x2, invert=invert)


_NUMPY = _with(
    np,
    sort=_sorted,
    argsort=_order,
    count_nonzero=_count_nonzero,
    isin=_isin,
    unique_values=_unique(),
    unique_counts=_unique("counts"),
    unique_inverse=_unique("inverse"),
    unique_all=_unique("index", "inverse", "counts"),
    take_along_axis=lambda x, indices, axis=-1: np.take_along_axis(x, indices, axis),
    fft=_with(np.fft, fftfreq=_on_floats("fftfreq"), rfftfreq=_on_floats("rfftfreq")),
)

standard = _NUMPY if strict is None else strict

"""Arrays as text and from files, and whether something can be iterated.

In: arrays, Python objects.  Out: text, arrays, truth values.
Must not know: tracing; a traced array has no text.
"""

import numpy as np

from .promotion import asarray

__all__ = ["ComplexWarning", "array_repr", "array_str", "fromfile", "iterable"]

ComplexWarning = np.exceptions.ComplexWarning


def array_repr(arr, max_line_width=None, precision=None, suppress_small=None):
    """`repr` of array[...] under other print options, as NumPy's: it begins with `array(`.

    >>> array_repr(asarray([1.25]), precision=1)
    'array([1.2], dtype=float32)'
    """
    return np.array_repr(np.asarray(asarray(arr)), max_line_width, precision, suppress_small)


def array_str(a, max_line_width=None, precision=None, suppress_small=None):
    """`str` of array[...] under other print options.

    >>> array_str(asarray([1.25]), precision=1)
    '[1.2]'
    """
    return np.array_str(np.asarray(asarray(a)), max_line_width, precision, suppress_small)


def fromfile(*args, **kwargs):
    """`numpy.fromfile` as an array: numbers of a file, as bytes or as text.

    >>> import tempfile
    >>> with tempfile.TemporaryFile() as file:
    ...     _ = file.write(b"ab"), file.seek(0)
    ...     fromfile(file, dtype="uint8").tolist()
    [97, 98]
    """
    return asarray(np.fromfile(*args, **kwargs))


def iterable(y):
    """Whether `y` can be iterated over, as an array can that is no scalar.

    >>> iterable(asarray([1])), iterable(asarray(1))
    (True, False)
    """
    return np.iterable(y)

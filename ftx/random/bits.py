"""Keys and the random bits they stand for: Threefry counters, the same bits as jax.random.

In: seeds and keys.  Out: keys, unsigned integers.
A key is one element of dtype `key` (made by `key`), or, as in older code, two words uint32[2]
(made by `PRNGKey`): what is drawn from both is the same.
Element i of an array is the hash of counter i, so a bit depends on its index alone
(jax_threefry_partitionable).
Must not know: distributions.
Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
"""

import math

import numpy as np

from ..core import dtypes
from ..core.array import Array, Value
from ..core.config import config
from ..core.errors import DTypeError, ShapeError, UnsupportedError
from ..core.key_reuse import renew, use
from ..core.primitives import bits as B
from ..core.primitives import elementwise as E
from ..core.primitives import selection as C
from ..core.primitives import shape as S
from ..numpy.promotion import asarray, shape_tuple, unsupported

__all__ = [
    *("PRNGKey", "bits", "clone", "fold_in", "key", "key_data", "key_impl", "split"),
    *("key_dtype", "wrap_key_data"),
]

_LOW = 0xFFFFFFFF
_WORDS = {8: dtypes.uint8, 16: dtypes.uint16, 32: dtypes.uint32, 64: dtypes.uint64}


def PRNGKey(seed, *, impl=None):
    """A key from an integer: uint32[2].

    Of a Python integer the low 32 bits count, or all 64 with enable_x64=True, as in JAX.

    >>> PRNGKey(42).tolist()
    [0, 42]
    """
    _check_impl("PRNGKey", impl)
    if type(seed) in (int, bool) or isinstance(seed, np.integer):
        number = int(seed)
        high = (number >> 32) & _LOW if config.enable_x64 else 0
        return renew(Array(np.array([high, number & _LOW], np.uint32)))
    return renew(_seed(asarray(seed)))


def key(seed, *, impl=None, dtype=None):
    """A key from an integer: one element of dtype `key`, an array without axes.

    What is drawn from it is what is drawn from PRNGKey(seed).

    >>> key(42)
    Array((), dtype=key<fry>) overlaying:
    [ 0 42]
    """
    _check_impl("key", impl if impl is not None else dtype)
    return renew(_as_keys(PRNGKey(seed)))


def key_dtype(impl_spec=None):
    """The dtype of keys.

    >>> key_dtype() == key(0).dtype
    True
    """
    _check_impl("key_dtype", impl_spec)
    return dtypes.key


def _is_key(keys):
    return keys.dtype == dtypes.key


def _as_keys(words):
    return B.bitcast_convert_type(words, dtypes.key)


def _joined(first, second, new_style):
    """Keys of their two words, which have one shape."""
    if not new_style:
        parts = [S.expand_dims(w, (w.ndim,)) for w in (first, second)]
        return renew(S.concatenate(parts, first.ndim))
    low, high = (C.convert(w, dtypes.uint64) for w in (first, second))
    wide = E.or_(low, E.shift_left(high, S.full(high.shape, 32, dtypes.uint64)))
    return renew(B.bitcast_convert_type(wide, dtypes.key))


def _words(keys):
    """The two words of keys of dtype `key`, the other way round than `_joined`."""
    wide = B.bitcast_convert_type(keys, dtypes.uint64)
    high = E.shift_right_logical(wide, S.full(wide.shape, 32, dtypes.uint64))
    return [C.convert(w, dtypes.uint32) for w in (wide, high)]


def _as_words(keys):
    return B.bitcast_convert_type(keys, dtypes.uint32) if _is_key(keys) else keys


def raw_key(key):
    """A key as its words, for loops that carry keys; this uses `key` up."""
    keys = asarray(key)
    if not _is_key(keys):
        return keys
    use(keys)
    return renew(_as_words(keys))


def _check_impl(name, impl):
    if impl is not None and str(getattr(impl, "name", impl)) not in ("threefry2x32", "fry"):
        raise UnsupportedError(f"{name}: expected impl 'threefry2x32' or None, got {impl!r}")


def _seed(number):
    """Two words of an integer scalar, the high one first."""
    if number.ndim or not dtypes.is_integer(number.dtype):
        raise DTypeError(f"PRNGKey: expected an integer scalar as seed, got {number.aval}")
    if number.dtype.itemsize == 8:
        wide = B.bitcast_convert_type(number, dtypes.uint64)
        high = E.shift_right_logical(wide, S.full((), 32, dtypes.uint64))
        low = E.and_(wide, S.full((), _LOW, dtypes.uint64))
        words = [C.convert(high, dtypes.uint32), C.convert(low, dtypes.uint32)]
    else:
        words = [S.full((), 0, dtypes.uint32), C.convert(number, dtypes.uint32)]
    return S.concatenate([S.reshape(w, (1,)) for w in words], 0)


def words_of(name, key):
    """The two words of a single key, as scalars.

    Raises: ShapeError for anything but key[] or uint32[2].
    """
    key = asarray(key)
    if _is_key(key) and not key.ndim:
        return _words(key)
    if key.shape != (2,) or key.dtype != dtypes.uint32:
        raise ShapeError(
            f"random.{name}: expected a key, key[] or uint32[2], got {key.aval}; make one with "
            "random.key(seed), and map over several keys with vmap"
        )
    return [S.reshape(S.slice_axis(key, 0, i, i + 1), ()) for i in (0, 1)]


def hashed(key, shape, name="bits"):
    """Two uint32 arrays: the hash of every index of `shape`, counted in row-major order."""
    key = asarray(key)
    first, second = words_of(name, key)
    use(key)
    n = math.prod(shape)
    if n > _LOW:
        whole = S.reshape(S.iota(dtypes.uint64, (n,), 0), shape)
        high = C.convert(
            E.shift_right_logical(whole, S.full(shape, 32, dtypes.uint64)), dtypes.uint32
        )
        low = C.convert(E.and_(whole, S.full(shape, _LOW, dtypes.uint64)), dtypes.uint32)
    else:
        high = S.full(shape, 0, dtypes.uint32)
        low = S.reshape(S.iota(dtypes.uint32, (n,), 0), shape)
    return B.threefry2x32(first, second, high, low)


def random_bits(key, width, shape, name="bits"):
    """Unsigned integers of 8, 16, 32 or 64 random bits."""
    first, second = hashed(key, shape, name)
    dtype = _WORDS[width]
    if width == 64:
        high, low = C.convert(first, dtype), C.convert(second, dtype)
        return E.or_(E.shift_left(high, S.full(shape, 32, dtype)), low)
    word = E.xor(first, second)
    if width == 32:
        return word
    narrow = E.and_(word, S.full(shape, (1 << width) - 1, dtypes.uint32))
    return C.convert(narrow, dtype)


def bits(key, shape=(), dtype=None, *, out_sharding=None):
    """Random unsigned integers of all values: uint[shape].

    Args:
      dtype: by default uint32, or uint64 with enable_x64=True.

    >>> bits(PRNGKey(0), (2,)).dtype
    dtype('uint32')
    """
    unsupported("bits", out_sharding=out_sharding)
    wanted = dtypes.uint64 if config.enable_x64 else dtypes.uint32
    wanted = wanted if dtype is None else dtypes.canonical(dtype)
    if wanted not in dtypes.UNSIGNED:
        raise DTypeError(f"bits: expected an unsigned integer dtype, got {wanted.name}")
    return random_bits(key, wanted.itemsize * 8, shape_tuple("bits", shape))


def split(key, num=2):
    """`num` new keys, independent of each other and of other uses of `key`.

    Args:
      num: a number, or a shape of keys.
    Returns: key[num], or uint32[num, 2] if `key` is uint32[2].

    >>> split(PRNGKey(0), 3).shape, split(key(0), 3).shape
    ((3, 2), (3,))
    """
    key = asarray(key)
    return _joined(*hashed(key, shape_tuple("split", num), "split"), _is_key(key))


def split_words(key, num):
    """`split` into keys as words: uint32[num, 2]."""
    return _joined(*hashed(key, shape_tuple("split", num), "split"), False)


def subkeys(key, num=2):
    """`split` as a list of keys as words."""
    rows = split_words(key, num)
    return [S.reshape(S.slice_axis(rows, 0, i, i + 1), (2,)) for i in range(num)]


def fold_in(key, data):
    """A new key, of the same kind, from a key and an integer scalar.

    >>> fold_in(PRNGKey(0), 7).shape, fold_in(key(0), 7).shape
    ((2,), ())
    """
    key = asarray(key)
    first, second = words_of("fold_in", key)
    number = data if isinstance(data, Value) else asarray(int(data) & _LOW, dtypes.uint32)
    if number.ndim:
        raise ShapeError(f"fold_in: expected an integer scalar, got {number.aval}; use vmap")
    low = C.convert(number, dtypes.uint32)
    return _joined(*B.threefry2x32(first, second, S.full((), 0, dtypes.uint32), low), _is_key(key))


def key_data(keys):
    """The words of keys: uint32[..., 2] of key[...].

    >>> key_data(key(3)).tolist()
    [0, 3]
    """
    return _as_words(_checked_keys("key_data", keys))


def _checked_keys(name, keys):
    found = asarray(keys)
    words = found.dtype == dtypes.uint32 and found.shape[-1:] == (2,)
    if not (_is_key(found) or words):
        raise ShapeError(f"{name}: expected keys, key[...] or uint32[..., 2], got {found.aval}")
    return found


def wrap_key_data(key_bits_array, *, impl=None, dtype=None):
    """Keys from their words: key[...] of uint32[..., 2].

    >>> wrap_key_data(asarray([0, 3], "uint32")) == key(3)
    Array(True, dtype=bool)
    """
    _check_impl("wrap_key_data", impl if impl is not None else dtype)
    words = asarray(key_bits_array)
    if words.dtype != dtypes.uint32 or not words.ndim or words.shape[-1] != 2:
        raise ShapeError(f"wrap_key_data: expected uint32[..., 2], got {words.aval}")
    return _as_keys(words)


def key_impl(keys):
    """Name of the generator of keys.

    >>> key_impl(PRNGKey(0))
    'threefry2x32'
    """
    _checked_keys("key_impl", keys)
    return "threefry2x32"


def clone(key):
    """The key itself, to be used once more on purpose.

    >>> clone(PRNGKey(3)).tolist()
    [0, 3]
    """
    return renew(_checked_keys("clone", key))

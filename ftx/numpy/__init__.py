"""ftx.numpy: NumPy's functions on arrays and tracers, with the names and rules of jax.numpy.

In: arrays, tracers, NumPy arrays, numbers.  Out: arrays or tracers.
Broadcasting, promotion, negative axes, keepdims, where= and initial= end here; primitives are
strict.  Importing this package installs operators and methods on arrays and tracers.
Must not know: devices, kernels.
"""

import math

import numpy as np

from ..core.array import Value
from ..core.array import install_methods as _install_methods
from . import fft, linalg, scalar_types
from .array_api import *  # noqa: F403
from .composed import *  # noqa: F403
from .convolutions import *  # noqa: F403
from .creation import *  # noqa: F403
from .elementwise import (
    abs,
    absolute,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_not,
    bitwise_right_shift,
    cbrt,
    ceil,
    copysign,
    cos,
    cosh,
    divide,
    divmod,
    equal,
    exp,
    exp2,
    expm1,
    fabs,
    fix,
    float_power,
    floor,
    floor_divide,
    fmod,
    greater,
    greater_equal,
    invert,
    left_shift,
    less,
    less_equal,
    log,
    log1p,
    log2,
    log10,
    logical_not,
    mod,
    nextafter,
    not_equal,
    positive,
    pow,
    power,
    reciprocal,
    remainder,
    right_shift,
    rint,
    sign,
    signbit,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
    true_divide,
    trunc,
)
from .float_parts import *  # noqa: F403
from .indexing import *  # noqa: F403
from .joining import *  # noqa: F403
from .linear_algebra import *  # noqa: F403
from .methods import METHODS
from .ordering import *  # noqa: F403
from .padding import *  # noqa: F403
from .placing import *  # noqa: F403
from .polynomials import *  # noqa: F403
from .reductions import *  # noqa: F403
from .scalar_types import *  # noqa: F403
from .sets import *  # noqa: F403
from .shapes import *  # noqa: F403
from .statistics import *  # noqa: F403
from .text import *  # noqa: F403
from .ufuncs import *  # noqa: F403
from .windows import *  # noqa: F403

_install_methods(METHODS)

ndarray = Value
"""What arrays and tracers are instances of."""
acos, acosh, asin, asinh = arccos, arccosh, arcsin, arcsinh
atan, atan2, atanh = arctan, arctan2, arctanh
pi, e, inf, nan, euler_gamma = math.pi, math.e, math.inf, math.nan, np.euler_gamma
newaxis = None
set_printoptions, get_printoptions = np.set_printoptions, np.get_printoptions
printoptions = np.printoptions

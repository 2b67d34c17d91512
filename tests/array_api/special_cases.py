"""The special cases of the standard, version 2024.12: operands and the results they must give.

In: nothing.  Out: `UNARY`, `BINARY` and `COMPLEX`, tables of rows `operands -> result` by function,
and the values that the words in them stand for.
A word for operands stands for several values; a row holds for each of them.  In results `x` and `y`
are the operands, `+` and `-` alone a sign, and a leading `~` says that the sign is not specified.
"""

import cmath
import math

import numpy as np

NAN, INF = math.nan, math.inf

REAL_VALUES = (
    *(NAN, -NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.0, -2.0, 2.5, -2.5),
    *(3.0, -3.0, 1e-30, -1e-30, 1e30, -1e30),
)
COMPLEX_PARTS = (NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 0.75, -0.75, 2.5, -2.5)


def same(x, value):
    """Whether x is `value`: NaN is NaN, and zeros have signs."""
    if math.isnan(value):
        return math.isnan(x)
    return x == value and math.copysign(1, x) == math.copysign(1, value)


def _is(value):
    return lambda x: same(x, value)


def _odd(x):
    return math.isfinite(x) and x % 2 == 1


WORDS = {
    "nan": math.isnan,
    "+nan": lambda x: math.isnan(x) and math.copysign(1, x) > 0,
    "-nan": lambda x: math.isnan(x) and math.copysign(1, x) < 0,
    **{word: _is(float(word)) for word in ("inf", "-inf", "0", "-0", "1", "-1")},
    "infs": math.isinf,
    "zeros": lambda x: x == 0,
    "any": lambda x: True,
    "not-nan": lambda x: not math.isnan(x),
    "not-zero": lambda x: x != 0,
    "not-one": lambda x: x != 1,
    "finite": math.isfinite,
    "number": lambda x: math.isfinite(x) and x != 0,
    "positive": lambda x: math.isfinite(x) and x > 0,
    "negative": lambda x: math.isfinite(x) and x < 0,
    ">0": lambda x: x > 0,
    "<0": lambda x: x < 0,
    ">1": lambda x: x > 1,
    "<1": lambda x: x < 1,
    "<-1": lambda x: x < -1,
    "ones": lambda x: abs(x) == 1,
    "beyond-one": lambda x: abs(x) > 1,
    "below-one": lambda x: abs(x) < 1,
    "whole": lambda x: math.isfinite(x) and x == math.floor(x),
    "half": lambda x: math.isfinite(x) and abs(x) % 1 == 0.5,
    "fraction": lambda x: math.isfinite(x) and x != math.floor(x),
    "+odd": lambda x: x > 0 and _odd(x),
    "-odd": lambda x: x < 0 and _odd(x),
    "+not-odd": lambda x: x > 0 and not _odd(x),
    "-not-odd": lambda x: x < 0 and not _odd(x),
}

_ROUNDING = "whole -> x   inf -> inf   -inf -> -inf   0 -> 0   -0 -> -0   nan -> nan"
_LOGARITHM = "nan -> nan   <0 -> nan   zeros -> -inf   1 -> 0   inf -> inf"
_ODD = "nan -> nan   0 -> 0   -0 -> -0   inf -> inf   -inf -> -inf"
_OF_DIRECTION = "nan -> nan   0 -> 0   -0 -> -0   infs -> nan"

UNARY = {
    "abs": "nan -> nan   -0 -> 0   -inf -> inf",
    "acos": "nan -> nan   >1 -> nan   <-1 -> nan   1 -> 0",
    "acosh": "nan -> nan   <1 -> nan   1 -> 0   inf -> inf",
    "asin": "nan -> nan   >1 -> nan   <-1 -> nan   0 -> 0   -0 -> -0",
    "asinh": _ODD,
    "atan": "nan -> nan   0 -> 0   -0 -> -0   inf -> pi/2   -inf -> -pi/2",
    "atanh": "nan -> nan   <-1 -> nan   >1 -> nan   -1 -> -inf   1 -> inf   0 -> 0   -0 -> -0",
    "ceil": _ROUNDING,
    "cos": "nan -> nan   0 -> 1   -0 -> 1   infs -> nan",
    "cosh": "nan -> nan   0 -> 1   -0 -> 1   infs -> inf",
    "exp": "nan -> nan   0 -> 1   -0 -> 1   inf -> inf   -inf -> 0",
    "expm1": "nan -> nan   0 -> 0   -0 -> -0   inf -> inf   -inf -> -1",
    "floor": _ROUNDING,
    "isfinite": "infs -> 0   nan -> 0   finite -> 1",
    "isinf": "infs -> 1   finite -> 0   nan -> 0",
    "isnan": "nan -> 1   not-nan -> 0",
    "log": _LOGARITHM,
    "log1p": "nan -> nan   <-1 -> nan   -1 -> -inf   -0 -> -0   0 -> 0   inf -> inf",
    "log2": _LOGARITHM,
    "log10": _LOGARITHM,
    "negative": "nan -> nan   0 -> -0   -0 -> 0   inf -> -inf   -inf -> inf",
    "positive": "any -> x",
    "reciprocal": "nan -> nan   0 -> inf   -0 -> -inf   inf -> 0   -inf -> -0",
    "round": _ROUNDING + "   half -> even",
    "sign": "<0 -> -1   zeros -> 0   >0 -> 1   nan -> nan",
    "signbit": "0 -> 0   -0 -> 1   inf -> 0   -inf -> 1   positive -> 0   negative -> 1   "
    "+nan -> 0   -nan -> 1",
    "sin": _OF_DIRECTION,
    "sinh": _ODD,
    "square": "nan -> nan   zeros -> 0   infs -> inf",
    "sqrt": "nan -> nan   <0 -> nan   0 -> 0   -0 -> -0   inf -> inf",
    "tan": _OF_DIRECTION,
    "tanh": "nan -> nan   0 -> 0   -0 -> -0   inf -> 1   -inf -> -1",
    "trunc": _ROUNDING,
}

_NAN = "nan,any -> nan   any,nan -> nan   "
_SIGNED_ZEROS = "-0,-0 -> -0   -0,0 -> 0   0,-0 -> 0   0,0 -> 0   "
_QUOTIENT = (
    _NAN + "infs,infs -> nan   zeros,zeros -> nan   0,>0 -> 0   -0,>0 -> -0   0,<0 -> -0   "
    "-0,<0 -> 0   >0,0 -> inf   >0,-0 -> -inf   <0,0 -> -inf   <0,-0 -> inf   "
    "positive,inf -> 0   negative,-inf -> 0   positive,positive -> +   negative,negative -> +   "
    "positive,negative -> -   negative,positive -> -   "
)
_INF_QUOTIENT = (
    "inf,positive -> inf   inf,negative -> -inf   -inf,positive -> -inf   -inf,negative -> inf   "
)

BINARY = {
    "add": _NAN + _SIGNED_ZEROS
    + "inf,-inf -> nan   -inf,inf -> nan   inf,inf -> inf   -inf,-inf -> -inf   "
    "inf,finite -> inf   -inf,finite -> -inf   finite,inf -> inf   finite,-inf -> -inf   "
    "zeros,number -> y   number,zeros -> x   number,-x -> 0",
    "subtract": _NAN
    + "inf,inf -> nan   -inf,-inf -> nan   inf,-inf -> inf   -inf,inf -> -inf   "
    "-0,0 -> -0   -0,-0 -> 0   0,0 -> 0   0,-0 -> 0   number,zeros -> x   zeros,number -> -y   "
    "number,x -> 0",
    "atan2": _NAN
    + ">0,zeros -> pi/2   0,>0 -> 0   0,0 -> 0   0,-0 -> pi   0,<0 -> pi   -0,>0 -> -0   "
    "-0,0 -> -0   -0,-0 -> -pi   -0,<0 -> -pi   <0,zeros -> -pi/2   positive,inf -> 0   "
    "positive,-inf -> pi   negative,inf -> -0   negative,-inf -> -pi   inf,finite -> pi/2   "
    "-inf,finite -> -pi/2   inf,inf -> pi/4   inf,-inf -> 3pi/4   -inf,inf -> -pi/4   "
    "-inf,-inf -> -3pi/4",
    "copysign": "not-nan,<0 -> -|x|   not-nan,-0 -> -|x|   not-nan,0 -> |x|   not-nan,>0 -> |x|   "
    "not-nan,-nan -> -|x|   not-nan,+nan -> |x|   nan,<0 -> -nan   nan,-0 -> -nan   "
    "nan,0 -> +nan   nan,>0 -> +nan   nan,-nan -> -nan   nan,+nan -> +nan",
    "divide": _QUOTIENT + _INF_QUOTIENT + "positive,-inf -> -0   negative,inf -> -0",
    "equal": "nan,any -> 0   any,nan -> 0   inf,inf -> 1   -inf,-inf -> 1   zeros,zeros -> 1   "
    "finite,x -> 1   inf,-inf -> 0   -inf,inf -> 0   infs,finite -> 0   finite,infs -> 0   "
    "number,-x -> 0",
    "floor_divide": _QUOTIENT,
    "hypot": "infs,any -> inf   any,infs -> inf   zeros,any -> |y|   any,zeros -> |x|   "
    "finite,nan -> nan   nan,finite -> nan   nan,nan -> nan",
    "logaddexp": _NAN + "inf,not-nan -> inf   not-nan,inf -> inf",
    "maximum": _NAN,
    "minimum": _NAN,
    "multiply": _NAN + "infs,zeros -> nan   zeros,infs -> nan   >0,>0 -> +   <0,<0 -> +   "
    ">0,<0 -> -   <0,>0 -> -   0,positive -> 0   -0,positive -> -0   0,negative -> -0   "
    "-0,negative -> 0   0,0 -> 0   0,-0 -> -0   -0,-0 -> 0   inf,>0 -> inf   inf,<0 -> -inf   "
    "-inf,>0 -> -inf   -inf,<0 -> inf   >0,inf -> inf   <0,inf -> -inf   >0,-inf -> -inf   "
    "<0,-inf -> inf",
    "nextafter": _NAN + "-0,0 -> 0   0,-0 -> -0   not-nan,x -> x",
    "not_equal": "nan,any -> 1   any,nan -> 1   inf,-inf -> 1   -inf,inf -> 1   number,-x -> 1   "
    "finite,x -> 0   inf,inf -> 0   -inf,-inf -> 0   zeros,zeros -> 0",
    "pow": "not-one,nan -> nan   any,zeros -> 1   nan,not-zero -> nan   beyond-one,inf -> inf   "
    "beyond-one,-inf -> 0   ones,infs -> 1   1,not-nan -> 1   below-one,inf -> 0   "
    "below-one,-inf -> inf   inf,>0 -> inf   inf,<0 -> 0   -inf,+odd -> -inf   "
    "-inf,+not-odd -> inf   -inf,-odd -> -0   -inf,-not-odd -> 0   0,>0 -> 0   0,<0 -> inf   "
    "-0,+odd -> -0   -0,+not-odd -> 0   -0,-odd -> -inf   -0,-not-odd -> inf   "
    "negative,fraction -> nan",
    "remainder": _NAN + "infs,infs -> nan   zeros,zeros -> nan   0,>0 -> 0   -0,>0 -> 0   "
    "0,<0 -> -0   -0,<0 -> -0   not-nan,zeros -> nan   infs,finite -> nan   positive,inf -> x   "
    "positive,-inf -> y   negative,inf -> y   negative,-inf -> x",
}  # fmt: skip

# The standard lets libraries follow Python here: NaN for an infinite dividend, -1 for a quotient
# just below zero.
FLOOR_DIVIDE_LIKE_PYTHON = "infs,number -> nan   positive,-inf -> -1   negative,inf -> -1"

_AREA_COSINE = (
    "nan,nan -> nan,nan   nan,finite -> nan,nan   number,nan -> nan,nan   infs,nan -> inf,nan   "
    "nan,inf -> inf,nan   "
)
_NATURAL = (
    "finite,inf -> inf,pi/2   finite,nan -> nan,nan   -inf,positive -> inf,pi   "
    "inf,positive -> inf,0   -inf,inf -> inf,3pi/4   inf,inf -> inf,pi/4   infs,nan -> inf,nan   "
    "nan,finite -> nan,nan   nan,inf -> inf,nan   nan,nan -> nan,nan"
)

COMPLEX = {
    "abs": "infs,any -> inf   any,infs -> inf   zeros,any -> |y|   any,zeros -> |x|   "
    "nan,finite -> nan   finite,nan -> nan   nan,nan -> nan",
    "acos": "zeros,0 -> pi/2,-0   zeros,nan -> pi/2,nan   finite,inf -> pi/2,-inf   "
    "number,nan -> nan,nan   -inf,positive -> pi,-inf   inf,positive -> 0,-inf   "
    "-inf,inf -> 3pi/4,-inf   inf,inf -> pi/4,-inf   infs,nan -> nan,~inf   "
    "nan,finite -> nan,nan   nan,inf -> nan,-inf   nan,nan -> nan,nan",
    "acosh": _AREA_COSINE
    + "zeros,0 -> 0,pi/2   finite,inf -> inf,pi/2   0,nan -> nan,~pi/2   -inf,positive -> inf,pi   "
    "inf,positive -> inf,0   -inf,inf -> inf,3pi/4   inf,inf -> inf,pi/4",
    "asinh": "0,0 -> 0,0   positive,inf -> inf,pi/2   finite,nan -> nan,nan   "
    "inf,positive -> inf,0   inf,inf -> inf,pi/4   nan,0 -> nan,0   nan,number -> nan,nan   "
    "nan,inf -> ~inf,nan   nan,nan -> nan,nan",
    "atanh": "0,0 -> 0,0   0,nan -> 0,nan   1,0 -> inf,0   positive,inf -> 0,pi/2   "
    "number,nan -> nan,nan   inf,positive -> 0,pi/2   inf,inf -> 0,pi/2   inf,nan -> 0,nan   "
    "nan,finite -> nan,nan   nan,inf -> ~0,pi/2   nan,nan -> nan,nan",
    "cosh": "0,0 -> 1,0   0,inf -> nan,~0   0,nan -> nan,~0   number,inf -> nan,nan   "
    "number,nan -> nan,nan   inf,0 -> inf,0   inf,number -> inf*cis   inf,inf -> ~inf,nan   "
    "inf,nan -> inf,nan   nan,zeros -> nan,~0   nan,number -> nan,nan   nan,nan -> nan,nan",
    "exp": "zeros,0 -> 1,0   finite,inf -> nan,nan   finite,nan -> nan,nan   inf,0 -> inf,0   "
    "-inf,finite -> 0*cis   inf,number -> inf*cis   -inf,inf -> ~0,~0   inf,inf -> ~inf,nan   "
    "-inf,nan -> ~0,~0   inf,nan -> ~inf,nan   nan,0 -> nan,0   nan,not-zero -> nan,nan",
    "expm1": "zeros,0 -> 0,0   finite,inf -> nan,nan   finite,nan -> nan,nan   inf,0 -> inf,0   "
    "-inf,finite -> -1,0*cis   inf,number -> inf*cis   -inf,inf -> -1,~0   inf,inf -> ~inf,nan   "
    "-inf,nan -> -1,~0   inf,nan -> ~inf,nan   nan,0 -> nan,0   nan,not-zero -> nan,nan",
    "isfinite": "nan,any -> 0   any,nan -> 0   infs,any -> 0   any,infs -> 0   finite,finite -> 1",
    "isinf": "infs,any -> 1   any,infs -> 1   finite,finite -> 0   nan,finite -> 0   nan,nan -> 0",
    "isnan": "nan,any -> 1   any,nan -> 1   not-nan,not-nan -> 0",
    "log": "-0,0 -> -inf,pi   0,0 -> -inf,0   " + _NATURAL,
    "log1p": "-1,0 -> -inf,0   " + _NATURAL,
    "round": "any,any -> rounded",
    "sign": "zeros,zeros -> ~0,~0   nan,any -> nan,nan   any,nan -> nan,nan",
    "sinh": "0,0 -> 0,0   0,inf -> ~0,nan   0,nan -> ~0,nan   positive,inf -> nan,nan   "
    "positive,nan -> nan,nan   inf,0 -> inf,0   inf,positive -> inf*cis   inf,inf -> ~inf,nan   "
    "inf,nan -> ~inf,nan   nan,0 -> nan,0   nan,number -> nan,nan   nan,nan -> nan,nan",
    # The standard's rows for an infinite real part and a positive imaginary one are those of C99
    # with the signs exchanged; these are C99's.
    "sqrt": "zeros,0 -> 0,0   any,inf -> inf,inf   finite,nan -> nan,nan   "
    "-inf,positive -> 0,inf   inf,positive -> inf,0   -inf,nan -> nan,~inf   inf,nan -> inf,nan   "
    "nan,finite -> nan,nan   nan,nan -> nan,nan",
    "tanh": "0,0 -> 0,0   number,inf -> nan,nan   number,nan -> nan,nan   inf,positive -> 1,~0   "
    "inf,inf -> 1,~0   inf,nan -> 1,~0   nan,0 -> nan,0   nan,number -> nan,nan   "
    "nan,nan -> nan,nan",
}

CONJUGATE = "acos acosh asin asinh atan atanh cosh exp expm1 log log1p log2 log10 sinh sqrt tanh"
"""f(conj(z)) is conj(f(z))."""

TURNED = {"asin": "asinh", "atan": "atanh", "sin": "sinh", "tan": "tanh", "cos": "cosh"}
"""f(z) is -j g(zj), but cos(z) is cosh(zj)."""

ANGLES = {
    f"{sign}{text}": factor * math.pi * (-1 if sign else 1)
    for text, factor in {"pi": 1, "pi/2": 1 / 2, "pi/4": 1 / 4, "3pi/4": 3 / 4}.items()
    for sign in ("", "-")
}


def rows(text):
    """[(words for the operands, word for the result)] of one function's cases."""
    cells = [cell.strip() for cell in text.split("   ") if cell.strip()]
    pairs = [cell.split(" -> ") for cell in cells]
    return [(tuple(operands.split(",")), result.strip()) for operands, result in pairs]


def holds(operands, words):
    """Whether the operands are among those that the words stand for."""
    for i, (value, word) in enumerate(zip(operands, words, strict=True)):
        if word in ("x", "-x") and i:
            first = operands[0] if word == "x" else -operands[0]
            if not same(value, first):
                return False
        elif not WORDS[word](value):
            return False
    return True


def _close(found, wanted):
    if math.isnan(wanted) or math.isinf(wanted) or wanted in (0, 1, -1):
        return same(found, wanted)
    return math.isclose(found, wanted, rel_tol=1e-6)


def agrees(found, result, operands):
    """Whether the number `found` is what the word `result` says of these operands."""
    if result in ("+nan", "-nan"):
        return WORDS[result](found)
    if result in ("+", "-"):
        return math.isnan(found) or math.copysign(1, found) == (1 if result == "+" else -1)
    if result == "even":
        return found == np.rint(operands[0])
    if result.startswith("~"):
        return agrees(abs(found), result[1:], operands)
    if result in ANGLES:
        return _close(found, ANGLES[result])
    x, y = operands[0], operands[-1]
    of_operands = {
        "x": x,
        "y": y,
        "-x": -x,
        "-y": -y,
        "|x|": abs(x),
        "|y|": abs(y),
        "-|x|": -abs(x),
    }
    return _close(found, of_operands[result] if result in of_operands else float(result))


def agrees_complex(found, result, operands):
    """As `agrees`, of a complex number and its parts."""
    b = operands[1]
    if result == "rounded":
        return all(
            _close(f, float(np.rint(p))) for f, p in zip(_parts(found), operands, strict=True)
        )
    if result.endswith("*cis"):
        head, _, scale = result[:-4].rpartition(",")
        size, turn = float(scale), cmath.rect(1, b)
        real = float(head) if head else size * turn.real
        about = same(found.real, real) or math.isclose(found.real, real, rel_tol=1e-6)
        return about and _close(found.imag, math.copysign(size, turn.imag))
    if "," not in result:
        return agrees(found.real, result, operands)
    return all(
        agrees(f, r, operands) for f, r in zip(_parts(found), result.split(","), strict=True)
    )


def _parts(z):
    return z.real, z.imag

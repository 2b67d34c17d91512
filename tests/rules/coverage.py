"""Which check is made of which primitive, and why one is not: the text of docs/coverage.md.

In: the rule table.  Out: the cases each check is made of, and the page that says so.
The test files take their cases from `cases`, so the page says what they do.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ftx.core import dtypes
from tests.rules import programs
from tests.rules.table import LINALG, ROWS
from tests.support.checks import COMPILED, Case, outputs, smooth
from tests.support.compositions import orders_of

TABLE: dict[str, list[Case]] = {**ROWS, **programs.TABLE}
CASES = [case for group in TABLE.values() for case in group]
FIRST = {next(filter(smooth, group), None) for group in TABLE.values()}
NO_DERIVATIVE = {
    "iota": "no operand",
    "stop_gradient": "zero by definition",
    "sign": "zero by convention, as in JAX",
    "nextafter": "zero by convention",
    "pure_callback": "refused: Python code",
    "io_callback": "refused: Python code",
}


def primitive_of(case: Case) -> str:
    """Name of the primitive a case is of."""
    return case.name.split(":")[0]


def always(case: Case) -> str:
    """Nothing is left out."""
    return ""


def rough(case: Case) -> str:
    """Why the case has no derivative."""
    if smooth(case):
        return ""
    if primitive_of(case) in NO_DERIVATIVE:
        return NO_DERIVATIVE[primitive_of(case)]
    kind = next(k for k in "fcib" if k in case.kinds)
    operands = case.args(COMPILED[kind])
    for what, values in (("operand", operands), ("result", outputs(case.function(*operands)))):
        if not any(dtypes.is_inexact(v.dtype) for v in values):
            return f"no inexact {what}"
    return "zero wherever it exists"


def without(order: str) -> Callable[[Case], str]:
    """Why a case has no such order of derivative."""
    return lambda case: rough(case) or ("" if order in orders_of(case) else "reverse mode only")


def wide(case: Case) -> str:
    """Why the case is not tried in every dtype."""
    return "libraries have no 16-bit types" if primitive_of(case) in LINALG else ""


def unmapped(case: Case) -> str:
    """Why the case is not mapped over rows."""
    return "" if case.operands else "no operand"


def later(case: Case) -> str:
    """Why compositions of the case are not compiled."""
    return rough(case) or ("" if case in FIRST else "compiled for another row of the table")


@dataclass(frozen=True)
class Column:
    """One check: its heading, what is compared, and why a case is left out ("" if it is not)."""

    says: str
    missing: Callable[[Case], str]


SECOND = ("jvp∘jvp", "jvp∘vjp", "vjp∘vjp", "vjp∘jvp")
COLUMNS = {
    "types": Column("shape and dtype foretold are those of the result, in every dtype", wide),
    "jit": Column("compiled, and its text run as Python, against the NumPy rules", always),
    "vmap": Column("any operands mapped, at any axis, against a loop in Python", unmapped),
    "scan": Column("in a loop's body, interpreted and compiled, against each row", unmapped),
    "jvp": Column("against central differences", without("jvp")),
    "vjp": Column("⟨ct, J t⟩ = ⟨Jᵀ ct, t⟩", without("vjp")),
    "jvp∘jvp": Column("against central differences of jvp", without("jvp∘jvp")),
    "jvp∘vjp": Column("against central differences of vjp", without("jvp∘vjp")),
    "vjp∘vjp": Column("adjoint to jvp∘vjp", without("vjp∘vjp")),
    "vjp∘jvp": Column("adjoint to jvp∘jvp", without("vjp∘jvp")),
    "float32": Column("all orders, in float32 and complex64 against double precision", rough),
    "vmap∘grad": Column("all orders under vmap, against rows; vjp by each operand alone", rough),
    "grad∘vmap": Column("all orders of the mapped function, against rows", rough),
    "scan∘grad": Column("all orders in a loop's body and of a loop, against rows", rough),
    "jit∘grad": Column(
        "compiled: all orders under vmap and of vmap; jvp∘vjp alone, in and of a loop", later
    ),
}
"""Orders are jvp, vjp and the four of second order; derivatives are in double precision."""


def cases(column: str) -> pytest.MarkDecorator:
    """The cases of a check, as arguments of a test."""
    chosen = [case for case in CASES if not COLUMNS[column].missing(case)]
    return pytest.mark.parametrize("case", chosen, ids=str)


def cell(column: str, primitive: str) -> str:
    """`yes` if the check is made of a case of the primitive; else why it is not."""
    reasons = {COLUMNS[column].missing(case) for case in TABLE[primitive]}
    return "yes" if "" in reasons else "; ".join(sorted(reasons))


def dtypes_of(primitive: str) -> str:
    """The kinds of dtype its derivatives, or else its values, are checked in."""
    kinds = {kind for case in TABLE[primitive] for kind in case.kinds}
    return " ".join(
        {"b": "bool", "i": "int", "f": "float", "c": "complex"}[k] for k in "bifc" if k in kinds
    )


def page() -> str:
    """docs/coverage.md."""
    named = {reason: i for i, reason in enumerate(_reasons(), 1)}
    shown = lambda text: text if text == "yes" else f"– ({named[text]})"
    head = ["primitive", "operands", *COLUMNS]
    lines = [
        "# What is checked of every primitive",
        "",
        "Written by the tests from their own table (`tests/rules`), which makes each check of",
        "every row; `UPDATE_DOCS=1` writes it anew. Derivatives are taken in float64 and, where",
        "operands may be complex, complex128.",
        "",
        "| check | what agrees with what |",
        "|---|---|",
        *(f"| {name} | {column.says} |" for name, column in COLUMNS.items()),
        "",
        "Why a cell is empty:",
        "",
        *(f"{i}. {reason}" for reason, i in named.items()),
        "",
        "| " + " | ".join(head) + " |",
        "|---" * len(head) + "|",
    ]
    for primitive in TABLE:
        cells = [shown(cell(column, primitive)) for column in COLUMNS]
        lines.append("| " + " | ".join([f"`{primitive}`", dtypes_of(primitive), *cells]) + " |")
    lines += ["", "Recorded by rules of others alone, and checked with those:", ""]
    lines += [f"- `{primitive}`: {what}" for primitive, what in programs.HELD.items()]
    return "\n".join(lines) + "\n"


def _reasons() -> list[str]:
    texts = (cell(column, primitive) for column in COLUMNS for primitive in TABLE)
    return list(dict.fromkeys(text for text in texts if text != "yes"))

"""Derived features: pure expressions over the row's other features and the request, compiled to a tiny program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import DefinitionError, expected_got
from features.columns import text_code
from features.kernel import layout


@dataclass(frozen=True)
class Expression:
    """An operation on features (by name), numbers and expressions."""

    word: str
    operands: tuple[Operand, ...] = ()

    def inputs(self) -> set[str]:
        """Names of the features it reads."""
        if self.word in ("column_is_null", "equals"):
            return set()
        found: set[str] = set()
        for operand in self.operands:
            found |= {operand} if isinstance(operand, str) else set()
            found |= operand.inputs() if isinstance(operand, Expression) else set()
        return found

    def columns(self) -> set[str]:
        """Columns of the request that it compares."""
        if self.word in ("column_is_null", "equals"):
            return {str(self.operands[0])}
        return {name for operand in self.operands if isinstance(operand, Expression) for name in operand.columns()}

    def is_total(self) -> bool:
        """Whether it has a value whatever the request lacks."""
        if self.word in (*_CLOCK, "is_null", "column_is_null"):
            return True
        nested = [operand for operand in self.operands if isinstance(operand, Expression)]
        safe = self.word == "difference" and len(nested) == len(self.operands)
        return safe and all(operand.is_total() for operand in nested)

    def canonical(self) -> list[Any]:
        """What the definition hash covers."""
        return [self.word, *(o.canonical() if isinstance(o, Expression) else o for o in self.operands)]


Operand = str | float | Expression


def ratio(numerator: Operand, denominator: Operand) -> Expression:
    """One over another; NaN when the denominator is 0 or either is NaN."""
    return Expression("ratio", (numerator, denominator))


def difference(left: Operand, right: Operand) -> Expression:
    """One less another."""
    return Expression("difference", (left, right))


def log1p(value: Operand) -> Expression:
    """ln(1 + value); NaN at −1 and below."""
    return Expression("log1p", (value,))


def hour_of_day() -> Expression:
    """Hour of the request on the business clock, 0 to 23."""
    return Expression("hour_of_day")


def clock_sin() -> Expression:
    """Sine of the local time of day as an angle, midnight at 0: with `clock_cos`, 23:59 lies beside 0:00."""
    return Expression("clock_sin")


def clock_cos() -> Expression:
    """Cosine of the local time of day as an angle, midnight at 0."""
    return Expression("clock_cos")


def day_of_week() -> Expression:
    """Day of the request on the business clock, Monday is 0."""
    return Expression("day_of_week")


def is_null(feature: Operand) -> Expression:
    """1 when a feature is NaN, else 0."""
    return Expression("is_null", (feature,))


def column_is_null(column: str) -> Expression:
    """1 when the request lacks a column, else 0."""
    return Expression("column_is_null", (column,))


def equals(column: str, text: str) -> Expression:
    """1 when a text column of the request is the text, 0 when it is another, NaN when it is null."""
    return Expression("equals", (column, text))


@dataclass(frozen=True)
class Derived:
    """A named expression; ``owner`` and ``rationale`` are given by the file that declares it.

    Examples
    --------
    >>> Derived("amount_log", log1p("amount"), group="payment", unit="ln CNY").expression.inputs()
    {'amount'}
    """

    name: str
    expression: Expression
    group: str
    unit: str = "1"
    doc: str = ""
    sign: int | None = None
    owner: str = ""
    rationale: str = ""


_BINARY = {"ratio": layout.RATIO, "difference": layout.DIFFERENCE}
_UNARY = {"log1p": layout.LOG1P, "is_null": layout.MISSING}
_CLOCK = {
    "hour_of_day": layout.HOUR,
    "day_of_week": layout.WEEKDAY,
    "clock_sin": layout.CLOCK_SIN,
    "clock_cos": layout.CLOCK_COS,
}


class Compiler:
    """Turns expressions into the code of `features.kernel.deriving`.

    Parameters
    ----------
    positions : feature → its place in the row.
    column : place of a request column among the encoded ones.
    """

    def __init__(self, positions: Mapping[str, int], column: Callable[[str], int]) -> None:
        self._positions = positions
        self._column = column
        self.code: list[int] = []
        self.constants: list[float] = []

    def add(self, derived: Derived) -> None:
        """Append one feature; its inputs must stand before it.

        Raises
        ------
        DefinitionError
            When an operation is unknown or the expression is nested too deeply.
        """
        pairs: list[tuple[int, int]] = []
        n_instructions, depth = self._emit(derived.expression, pairs, derived.name)
        if depth > layout.STACK:
            raise DefinitionError(expected_got(f"at most {layout.STACK} nested operands", depth, derived.name))
        self.code += [self._positions[derived.name], n_instructions, *(word for pair in pairs for word in pair)]

    def _emit(self, operand: Operand, pairs: list[tuple[int, int]], where: str) -> tuple[int, int]:
        """Number of instructions and of stack places used."""
        if isinstance(operand, str):
            pairs.append((layout.LOAD, self._positions[operand]))
            return 1, 1
        if not isinstance(operand, Expression):
            pairs.append((layout.CONSTANT, len(self.constants)))
            self.constants.append(float(operand))
            return 1, 1
        word, operands = operand.word, operand.operands
        if word in _CLOCK:
            pairs.append((_CLOCK[word], 0))
            return 1, 1
        if word == "column_is_null":
            pairs.append((layout.COLUMN_MISSING, self._column(str(operands[0]))))
            return 1, 1
        if word == "equals":
            pairs += [(layout.COLUMN_EQUALS, self._column(str(operands[0]))), (0, text_code(str(operands[1])))]
            return 1, 1
        if word in _UNARY:
            n, depth = self._emit(operands[0], pairs, where)
            pairs.append((_UNARY[word], 0))
            return n + 1, depth
        if word in _BINARY:
            n_left, deep_left = self._emit(operands[0], pairs, where)
            n_right, deep_right = self._emit(operands[1], pairs, where)
            pairs.append((_BINARY[word], 0))
            return n_left + n_right + 1, max(deep_left, deep_right + 1)
        raise DefinitionError(expected_got("a known operation", word, where))

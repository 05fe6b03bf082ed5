"""Conditions on the rows of a source: for a table and for one event, by the same rule; null satisfies none of them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import DefinitionError, expected_got
from domain.events import KINDS, ColumnType, Value
from domain.labels import LabelPolicy, Verdict
from domain.money import exponent

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Condition(ABC):
    """What one column of a row must satisfy."""

    column: str

    ACCEPTS: ClassVar[tuple[ColumnType, ...]]

    @property
    def needs(self) -> tuple[str, ...]:
        """The journal columns it reads."""
        return (self.column,)

    @abstractmethod
    def holds(self, body: Mapping[str, Value]) -> bool:
        """Whether an event's columns satisfy it."""

    @abstractmethod
    def mask(self, table: pa.Table) -> Mask:
        """The rows of a table that satisfy it."""

    @abstractmethod
    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""


@dataclass(frozen=True)
class OneOf(Condition):
    """A column holds one of some texts, or is null where ``or_null`` says so."""

    values: tuple[str, ...]
    or_null: bool = False

    ACCEPTS = (ColumnType.KEY, ColumnType.CATEGORY)

    def holds(self, body: Mapping[str, Value]) -> bool:
        """Whether an event's columns satisfy it."""
        value = body.get(self.column)
        return self.or_null if value is None else value in self.values

    def mask(self, table: pa.Table) -> Mask:
        """The rows of a table that satisfy it."""
        column = table[self.column]
        found = pc.is_in(column, value_set=pa.array(self.values, pa.string()))
        if self.or_null:
            found = pc.or_(found, pc.is_null(column))
        result: Mask = found.to_numpy()
        return result

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        return {"column": self.column, "values": sorted(self.values), "or_null": self.or_null}


@dataclass(frozen=True)
class IsTrue(Condition):
    """A flag is set."""

    ACCEPTS = (ColumnType.FLAG,)

    def holds(self, body: Mapping[str, Value]) -> bool:
        """Whether an event's columns satisfy it."""
        return bool(body.get(self.column))

    def mask(self, table: pa.Table) -> Mask:
        """The rows of a table that satisfy it."""
        result: Mask = table[self.column].cast(pa.bool_()).fill_null(False).to_numpy()
        return result

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        return {"column": self.column, "is_true": True}


@dataclass(frozen=True)
class _OfNumber(Condition):
    """A number, or money in minor units of the currency that the row itself names."""

    kinds: ClassVar[frozenset[str]] = frozenset(
        name for columns in KINDS.values() for name, column in columns.items() if column.type is ColumnType.MONEY
    )

    @property
    def needs(self) -> tuple[str, ...]:
        """The column, and the currency of money."""
        return (self.column, "currency") if self.is_money else (self.column,)

    @property
    def is_money(self) -> bool:
        """Whether the column is money, in every kind that has it."""
        return self.column in self.kinds

    @abstractmethod
    def accepts(self, values: Any, places: int) -> Any:
        """Whether a value, or each of an array, satisfies it; ``places`` are the decimals of its minor unit."""

    def holds(self, body: Mapping[str, Value]) -> bool:
        """Whether an event's columns satisfy it."""
        value = body.get(self.column)
        if value is None:
            return False
        if not self.is_money:
            return bool(self.accepts(value, 0))
        currency = body.get("currency")
        return currency is not None and bool(self.accepts(value, exponent(str(currency))))

    def mask(self, table: pa.Table) -> Mask:
        """The rows of a table that satisfy it."""
        column = table[self.column]
        given = ~column.is_null().to_numpy()
        values = column.cast(pa.float64() if pa.types.is_floating(column.type) else pa.int64()).fill_null(0).to_numpy()
        if not self.is_money:
            result: Mask = given & self.accepts(values, 0)
            return result
        result = np.zeros(table.num_rows, dtype=np.bool_)
        currency = table["currency"]
        for code in pc.unique(currency).to_pylist():
            if code is not None:
                rows = given & pc.equal(currency, code).fill_null(False).to_numpy()
                result[rows] = self.accepts(values[rows], exponent(code))
        return result


@dataclass(frozen=True)
class AtLeast(_OfNumber):
    """A number is at least a bound; money is compared in major units of its own currency."""

    bound: float | Decimal

    ACCEPTS = (ColumnType.MONEY, ColumnType.INTEGER, ColumnType.NUMBER)

    def accepts(self, values: Any, places: int) -> Any:
        """Compared with the bound in minor units: a whole number where the column holds whole numbers."""
        whole = isinstance(values, int) or (isinstance(values, np.ndarray) and values.dtype == np.int64)
        return values >= _in_minor_units(self.bound, places, whole)

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        return {"column": self.column, "at_least": str(Fraction(str(self.bound)))}


@lru_cache(maxsize=1024)
def _in_minor_units(bound: float | Decimal, places: int, whole: bool) -> int | float:
    exact = Fraction(str(bound)) * 10**places
    return math.ceil(exact) if whole else float(exact)


@dataclass(frozen=True)
class MultipleOf(_OfNumber):
    """A whole number other than 0 is a multiple of some units; money in major units of its own currency."""

    units: int

    ACCEPTS = (ColumnType.MONEY, ColumnType.INTEGER)

    def accepts(self, values: Any, places: int) -> Any:
        """Divisible, and not 0."""
        return (values != 0) & (values % (self.units * 10**places) == 0)

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        return {"column": self.column, "multiple_of": self.units}


@dataclass(frozen=True)
class Verdicts:
    """Outcomes that the view's label policy gives one of some verdicts."""

    verdicts: tuple[Verdict, ...]

    def conditions(self, policy: LabelPolicy) -> tuple[Condition, ...]:
        """As conditions on the columns of an outcome."""
        codes = tuple(code for code, found in policy.verdicts.items() if found in self.verdicts)
        return (OneOf("subject_kind", (policy.subject_kind,)), OneOf("code", codes))


def one_of(column: str, *values: str, or_null: bool = False) -> Condition:
    """Rows whose column is one of the values.

    Examples
    --------
    >>> one_of("result", "failed", "abandoned").holds({"result": "failed"})
    True
    """
    return OneOf(column, values, or_null)


def is_true(column: str) -> Condition:
    """Rows whose flag is set.

    Examples
    --------
    >>> is_true("card_present").holds({"card_present": False})
    False
    """
    return IsTrue(column)


def at_least(column: str, number: float | Decimal) -> Condition:
    """Rows whose number is at least this one; for money in major units of the row's own currency, unconverted.

    Raises
    ------
    DefinitionError
        When the number is not finite.

    Examples
    --------
    >>> at_least("days_late", 30).holds({"days_late": 30}), at_least("amount", 0.5).holds({"amount": 49,
    ... "currency": "CNY"})
    (True, False)
    """
    if not math.isfinite(number):
        raise DefinitionError(expected_got("a finite number", number, f"at_least({column!r})"))
    return AtLeast(column, number)


def multiple_of(column: str, major_units: int) -> Condition:
    """Rows whose number is a multiple of ``major_units`` but not 0: round amounts, in the row's own currency.

    Raises
    ------
    DefinitionError
        When the units are not a whole number of 1 to 10^9.

    Examples
    --------
    >>> multiple_of("amount", 100).holds({"amount": 300_00, "currency": "CNY"})
    True
    >>> multiple_of("amount", 100).holds({"amount": 300_00, "currency": "JPY"})
    True
    >>> multiple_of("amount", 100).holds({"amount": 300, "currency": "CNY"})
    False
    """
    if isinstance(major_units, bool) or not isinstance(major_units, int) or not 1 <= major_units <= 10**9:
        raise DefinitionError(expected_got("whole units of 1 to 10^9", major_units, f"multiple_of({column!r})"))
    return MultipleOf(column, major_units)


def verdict(*names: str) -> Verdicts:
    """Outcomes with one of the verdicts, such as ``verdict("positive")`` for known fraud.

    Examples
    --------
    >>> from domain.labels import FRAUD_POLICY
    >>> verdict("positive").conditions(FRAUD_POLICY)[1].holds({"code": "confirmed_fraud"})
    True
    """
    return Verdicts(tuple(Verdict(name) for name in names))


REQUESTED = one_of("stage", "authorisation", or_null=True)
"""A payment when it is asked for: captures, reversals and refunds are no requests."""

SUBJECT_CONDITIONS: Mapping[str, tuple[Condition, ...]] = {"transaction": (REQUESTED,), "application": ()}
"""Kind of subject → which of its events are decided on."""

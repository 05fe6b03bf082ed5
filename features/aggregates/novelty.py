"""Whether the request's value of a column is new to the entity, or how long ago it was first seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.events import ColumnType
from features.aggregates.aggregate import Aggregate
from features.aggregates.operation import Operation
from features.kernel import layout


@dataclass(frozen=True)
class Novelty(Aggregate):
    """1 when the request's value was not seen within the view's longest window, else 0; NaN when it has none.

    Algebra: a search for the request's value, from the newest row back; with ``age``, from the oldest on. An entity
    without events has seen no value: 1.

    Parameters
    ----------
    age : seconds since the value was first seen within the longest window instead; NaN when it is new.

    Examples
    --------
    >>> Novelty("merchant_id").names("card_id"), Novelty("merchant_id", age=True).names("card_id")
    (['card_merchant_id_is_new'], ['card_merchant_id_age'])
    """

    age: bool = False

    WORD = "is_new"
    OPERATION = layout.IS_NEW
    ACCEPTS = tuple(ColumnType)
    WINDOWED = False

    def operations(self) -> tuple[Operation, ...]:
        """One search."""
        kind = layout.AGE if self.age else layout.IS_NEW
        return (Operation(kind, ((None, 0),), self.operands(), asked=self.operands()),)

    def words(self) -> tuple[str | None, ...]:
        """Words of the name."""
        return (self.column, "age" if self.age else "is_new")

    def doc(self, window: int | None) -> str:
        """One line about it."""
        if self.age:
            return f"seconds since the request's {self.column} was first seen"
        return f"1 when the request's {self.column} was not seen before"

    @property
    def missing(self) -> str:
        """Without a value to look for."""
        return "NaN when the request has no value, or a new one" if self.age else "NaN when the request has no value"

    def unit(self, of_column: str) -> str:
        """A flag, or seconds."""
        return "s" if self.age else "flag"

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        return {**super().canonical(), "age": self.age}

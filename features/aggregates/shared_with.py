"""Number of different values in the window other than the request's own; 0 when there is none."""

from __future__ import annotations

from dataclasses import dataclass

from domain.events import ColumnType
from domain.time import format_duration
from features.aggregates.aggregate import Aggregate
from features.aggregates.operation import Operand
from features.kernel import layout


@dataclass(frozen=True)
class SharedWith(Aggregate):
    """Number of different values in the window other than the request's own; 0 when there is none.

    Algebra: that of Distinct over the rows whose value is not the request's; all of them where it has none.

    Examples
    --------
    >>> SharedWith("card_id", over=["7d"]).names("device_id")
    ['device_card_id_shared_with_7d']
    """

    WORD = "shared_with"
    OPERATION = layout.SHARED_WITH
    ACCEPTS = (ColumnType.KEY, ColumnType.CATEGORY)

    def asked(self) -> tuple[Operand, ...]:
        """The request's own value."""
        return self.operands()

    def doc(self, window: int | None) -> str:
        """One line about one output."""
        over = "" if window is None else f" over the {format_duration(window)} before"
        return f"number of different {self.column} other than the request's{over}"

    @property
    def missing(self) -> str:
        """Never missing."""
        return "0 when the window is empty"

    def unit(self, of_column: str) -> str:
        """A number of values."""
        return "values"

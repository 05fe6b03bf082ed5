"""Number of different values in the window, nulls aside; 0 when it is empty."""

from __future__ import annotations

from dataclasses import dataclass

from domain.events import ColumnType
from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class Distinct(Aggregate):
    """Number of different values in the window, nulls aside; 0 when it is empty.

    Algebra: a set of the values, in one pass from the newest row back.

    Examples
    --------
    >>> Distinct("merchant_id", over=["1d"]).names("card_id")
    ['card_merchant_id_distinct_1d']
    """

    WORD = "distinct"
    OPERATION = layout.DISTINCT
    ACCEPTS = tuple(ColumnType)

    @property
    def missing(self) -> str:
        """Never missing."""
        return "0 when the window is empty"

    def unit(self, of_column: str) -> str:
        """A number of values."""
        return "values"

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "number of different values"

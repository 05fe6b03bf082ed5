"""The oldest value of a column in the window, nulls aside; NaN when no row of it has a value."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class First(Aggregate):
    """The oldest value of a column in the window, nulls aside; NaN when no row of it has a value.

    Algebra: the value of the oldest row by (event_time, seq) that has one.

    Examples
    --------
    >>> First("amount", over=["30d"]).names("card_id")
    ['card_amount_first_30d']
    """

    WORD = "first"
    OPERATION = layout.FIRST

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "oldest value"

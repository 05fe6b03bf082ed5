"""The newest value of a column in the window, nulls aside; NaN when no row of it has a value."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class Last(Aggregate):
    """The newest value of a column in the window, nulls aside; NaN when no row of it has a value.

    Algebra: the value of the newest row by (event_time, seq) that has one.

    Examples
    --------
    >>> Last("amount", over=["30d"]).names("card_id")
    ['card_amount_last_30d']
    """

    WORD = "last"
    OPERATION = layout.LAST

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "newest value"

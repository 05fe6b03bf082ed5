"""Number of events in the window; 0 when it is empty."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class Count(Aggregate):
    """Number of events in the window; 0 when it is empty.

    Algebra: the number of rows between two positions.

    Examples
    --------
    >>> Count(over=["1h", "24h"]).names("card_id")
    ['card_count_1h', 'card_count_1d']
    """

    WORD = "count"
    OPERATION = layout.COUNT
    TILEABLE = True
    NEEDS_COLUMN = False

    @property
    def missing(self) -> str:
        """Never missing."""
        return "0 when the window is empty"

    def unit(self, of_column: str) -> str:
        """A number of events."""
        return "events"

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "number of events"

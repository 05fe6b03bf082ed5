"""Number of newest events in a row that satisfy a condition; 0 when the last one does not."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.conditional import Conditional
from features.kernel import layout


@dataclass(frozen=True)
class Streak(Conditional):
    """Number of newest events in a row that satisfy a condition; 0 when the last one does not, or there is none.

    Algebra: a walk from the newest row back to the first that does not satisfy, or to the view's longest window.

    Examples
    --------
    >>> from features.conditions import one_of
    >>> Streak(where=one_of("result", "failed"), called="failed").names("customer_id")
    ['customer_failed_streak']
    """

    WORD = "streak"
    OPERATION = layout.STREAK
    NEEDS_COLUMN = False
    WINDOWED = False

    @property
    def phrase(self) -> str:
        """What is computed."""
        return f"number of {self.called} events in a row up to the last"

    @property
    def missing(self) -> str:
        """Never missing."""
        return "0 when there is no event"

    def unit(self, of_column: str) -> str:
        """A number of events."""
        return "events"

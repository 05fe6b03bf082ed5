"""Number of events in the window that satisfy a condition; 0 when there is none."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.conditional import Conditional
from features.kernel import layout


@dataclass(frozen=True)
class CountWhere(Conditional):
    """Number of events in the window that satisfy a condition; 0 when there is none.

    Algebra: Σ of the condition as 0 and 1, a difference of running sums.

    Examples
    --------
    >>> from features.conditions import one_of
    >>> CountWhere(where=one_of("result", "failed"), called="failed", over=["1d"]).names("card_id")
    ['card_failed_count_1d']
    """

    WORD = "count"
    OPERATION = layout.COUNT_WHERE
    NEEDS_COLUMN = False
    PREFIXED = True
    TILEABLE = True

    @property
    def phrase(self) -> str:
        """What is computed."""
        return f"number of {self.called} events"

    @property
    def missing(self) -> str:
        """Never missing."""
        return "0 when the window is empty"

    def unit(self, of_column: str) -> str:
        """A number of events."""
        return "events"

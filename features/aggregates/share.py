"""Share of the events in the window that satisfy a condition; NaN when the window is empty."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.conditional import Conditional
from features.kernel import layout


@dataclass(frozen=True)
class Share(Conditional):
    """Share of the events in the window that satisfy a condition; NaN when the window is empty.

    Algebra: the mean of the condition as 0 and 1, a difference of running sums.

    Examples
    --------
    >>> from features.conditions import multiple_of
    >>> Share(where=multiple_of("amount", 100), called="round", over=["30d"]).names("card_id")
    ['card_round_share_30d']
    """

    WORD = "share"
    OPERATION = layout.MEAN
    NEEDS_COLUMN = False
    PREFIXED = True
    TILEABLE = True

    @property
    def phrase(self) -> str:
        """What is computed."""
        return f"share of {self.called} events"

    @property
    def missing(self) -> str:
        """Without events."""
        return "NaN when the window is empty"

    def unit(self, of_column: str) -> str:
        """Between 0 and 1."""
        return "share"

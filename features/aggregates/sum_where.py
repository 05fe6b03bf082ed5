"""Total of a column over the events in the window that satisfy a condition; NaN when none of them has a value."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.conditional import Conditional
from features.kernel import layout


@dataclass(frozen=True)
class SumWhere(Conditional):
    """Total of a column over the events that satisfy a condition; NaN when none of them has a value.

    Algebra: that of Sum, over a column that is null where the condition does not hold.

    Examples
    --------
    >>> from features.conditions import one_of
    >>> SumWhere("amount", where=one_of("channel", "mobile"), called="mobile", over=["7d"]).names("card_id")
    ['card_amount_mobile_sum_7d']
    """

    WORD = "sum"
    OPERATION = layout.SUM
    PREFIXED = True
    TILEABLE = True

    @property
    def phrase(self) -> str:
        """What is computed."""
        return f"sum over {self.called} events"

    @property
    def missing(self) -> str:
        """Without a value."""
        return "NaN when no such event of the window has a value"

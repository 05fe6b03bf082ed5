"""Largest value of a column in the window; NaN when no row of it has a value."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class Max(Aggregate):
    """Largest value of a column in the window; NaN when no row of it has a value.

    Algebra: one pass from the newest row back.

    Examples
    --------
    >>> Max("amount", over=["7d"]).names("card_id")
    ['card_amount_max_7d']
    """

    WORD = "max"
    OPERATION = layout.MAX
    TILEABLE = True

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "largest value"

"""Smallest value of a column in the window; NaN when no row of it has a value."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class Min(Aggregate):
    """Smallest value of a column in the window; NaN when no row of it has a value.

    Algebra: one pass from the newest row back.

    Examples
    --------
    >>> Min("amount", over=["7d"]).names("card_id")
    ['card_amount_min_7d']
    """

    WORD = "min"
    OPERATION = layout.MIN
    TILEABLE = True

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "smallest value"

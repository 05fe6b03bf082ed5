"""Average of a column over the window, correctly rounded; NaN when no row of it has a value."""

from __future__ import annotations

from dataclasses import dataclass

from features.aggregates.aggregate import Aggregate
from features.kernel import layout


@dataclass(frozen=True)
class Mean(Aggregate):
    """Average of a column over the window, correctly rounded; NaN when no row of it has a value.

    Algebra: Σx / n, a difference of running sums, divided once.

    Examples
    --------
    >>> Mean("amount", over=["1d"]).names("card_id")
    ['card_amount_mean_1d']
    """

    WORD = "mean"
    OPERATION = layout.MEAN
    TILEABLE = True
    PREFIXED = True

    @property
    def phrase(self) -> str:
        """What is computed."""
        return "mean"
